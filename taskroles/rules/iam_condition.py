"""E9006: a way to further rights without a condition: an action of IAM, or of any other AWS service on every resource."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class IamCondition(_policy.StatementRule):
    """Require a condition where a statement allows what can gain further rights (`access.escalation`), or an IAM wildcard."""

    id = "E9006"
    shortdesc = "A way to further rights, or an IAM wildcard, without a condition"
    description = (
        "Who may pass any role to any service, change roles or run code under another one may do everything. A condition "
        "(iam:PassedToService, iam:PermissionsBoundary) limits it, and a resource what is not IAM's; a condition that holds "
        "always or tells of the caller alone limits nothing. The actions are those that the review calls a way to further "
        "rights. No environment is excepted from what is IAM's; its configuration `exceptions` lists actions and policies, "
        'each with " because " and the reason.'
    )
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"

    def findings(self, validator: Validator, statement: dict[str, Any]) -> ValidationResult:
        """Yield a finding for each such action, if the statement has, or may have, no condition that limits."""
        limited = _policy.takes_wildcards(validator) or not _policy.every_resource(validator, statement)
        for action in _policy.elements(validator, statement, "Action"):
            excepted = self.is_excepted(validator, action.written)
            remedy = (
                "" if _leaves_iam_out(statement, action.written) else _remedy(action.pattern.lower(), limited=limited)
            )
            if remedy and not excepted and not _is_limited(validator, statement, action.pattern):
                more = self.reasonless(validator, action.written)
                yield _policy.finding(validator, f"{action.written!r} needs {remedy}{more}", action.path)


def _remedy(pattern: str, *, limited: bool) -> str:
    """Return what an action in lower case lacks, "" if nothing: wildcards of other AWS services are E9001's."""
    if fnmatchcase("iam", pattern.partition(":")[0]) and (_policy.is_wildcard(pattern) or _policy.way_of(pattern)):
        return "a Condition that limits it (iam:PassedToService for iam:PassRole)"
    if not limited and _policy.way_of(pattern):
        return f"a Condition that limits it, or a resource: it {_policy.way_of(pattern)}"
    return ""


def _is_limited(validator: Validator, statement: dict[str, Any], pattern: str) -> bool:
    """Tell whether each Condition that the statement may have limits an action; one without a Condition has {}."""
    return all(_policy.limits_rights(keys, pattern) for keys in _policy.limits(validator, statement, pattern))


def _leaves_iam_out(statement: dict[str, Any], written: str) -> bool:
    return written == "NotAction" and "iam:*" in statement["NotAction"]

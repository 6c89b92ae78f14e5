"""E9006: iam:PassRole, or a wildcard over IAM's own actions, without a condition."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class IamCondition(CfnLintKeyword):
    """Require a condition where a statement allows iam:PassRole, `iam:*`, any other IAM wildcard or `*`."""

    id = "E9006"
    shortdesc = "iam:PassRole or an IAM wildcard without a condition"
    description = (
        "Who may pass any role to any service, or change roles, may do everything. A condition "
        "(iam:PassedToService, iam:PermissionsBoundary) limits it. No environment is excepted; its "
        'configuration `exceptions` lists actions and policies, each with " because " and the reason.'
    )
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on every policy statement."""
        super().__init__([_policy.STATEMENT])
        self.config_definition = _policy.EXCEPTIONS

    def validate(self, validator: Validator, _: Any, statement: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield a finding for each such action, if the statement has, or may have, no condition."""
        if not validator.is_type(statement, "object"):
            return
        if all(condition for condition, _ in _policy.values(validator, statement, "Condition")):
            return
        for action in _policy.elements(validator, statement, "Action"):
            excepted = _policy.is_excepted(self.config["exceptions"], validator, action.written)
            if _reaches_iam(action.pattern.lower()) and not _leaves_iam_out(statement, action.written) and not excepted:
                more = _policy.reasonless(self.config["exceptions"], validator, action.written)
                message = f"{action.written!r} needs a Condition (iam:PassedToService for iam:PassRole){more}"
                yield _policy.finding(validator, message, action.path)


def _reaches_iam(pattern: str) -> bool:
    service, _, name = pattern.partition(":")
    return fnmatchcase("iam", service) and ("*" in pattern or "?" in pattern or name == "passrole")


def _leaves_iam_out(statement: dict[str, Any], written: str) -> bool:
    return written == "NotAction" and "iam:*" in statement["NotAction"]

"""E9001: a wildcard action outside the environments that allow it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class WildcardAction(_policy.StatementRule):
    """Refuse `sqs:*`, `sqs:Get*`, `*` and NotAction, save where the environment takes wildcards."""

    id = "E9001"
    shortdesc = "Wildcard action outside the environments that allow it"
    description = (
        "A wildcard grants what AWS adds tomorrow. An environment with `wildcards: true` in services.yml accepts it; its "
        'configuration `exceptions` lists others, each "ACTION because REASON" or "SERVICE/LOGICAL-ID because REASON".'
    )
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"

    def findings(self, validator: Validator, statement: dict[str, Any]) -> ValidationResult:
        """Yield a finding for each wildcard action that the statement allows."""
        if _policy.takes_wildcards(validator):
            return
        for action in _policy.elements(validator, statement, "Action"):
            if not _policy.is_wildcard(action.pattern):
                continue
            if not self.is_excepted(validator, action.written):
                more = self.reasonless(validator, action.written)
                message = f"Wildcard action {action.written!r} is {_policy.where(validator)}{more}"
                yield _policy.finding(validator, message, action.path)

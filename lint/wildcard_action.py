"""E9001: a wildcard action outside the environments that allow it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class WildcardAction(CfnLintKeyword):
    """Refuse `sqs:*`, `sqs:Get*`, `*` and NotAction, save where `environments` allows them."""

    id = "E9001"
    shortdesc = "Wildcard action outside the environments that allow it"
    description = (
        "A wildcard grants what AWS adds tomorrow. Its configuration `environments` lists the environments "
        "(the only allowed value of the parameter EnvType) where wildcard actions are accepted."
    )
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on every policy statement."""
        super().__init__([_policy.STATEMENT])
        self.config_definition = _policy.ENVIRONMENTS

    def validate(self, validator: Validator, _: Any, statement: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield a finding for each wildcard action that the statement allows."""
        allowed, here = self.config["environments"], _policy.environment(validator)
        if here in allowed or not validator.is_type(statement, "object"):
            return
        for action in _policy.elements(validator, statement, "Action"):
            if "*" in action.pattern or "?" in action.pattern:
                message = f"Wildcard action {action.written!r} is {_policy.only_in(allowed, here)}"
                yield _policy.finding(validator, message, action.path)

"""E9004: a policy name without its environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class PolicyName(CfnLintKeyword):
    """Require a policy name that ends in `-${EnvType}`."""

    id = "E9004"
    shortdesc = "Policy name without its environment"
    description = "A policy name ends in -${EnvType}, so that whoever reads it knows where it is in force."
    source_url = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on the properties of every AWS::IAM::Policy."""
        super().__init__(["Resources/AWS::IAM::Policy/Properties"])

    def validate(self, validator: Validator, _: Any, policy: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield a finding for each name that the policy may have without its environment."""
        for value, path in _policy.values(validator, policy, "PolicyName"):
            name = _policy.symbolic(value)
            if value is not None and not name.endswith("-${EnvType}"):
                message = f"Policy name {name!r} does not end in '-${{EnvType}}'"
                yield _policy.finding(validator, message, path)

"""E9004: a policy that is not called as services.yml says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class PolicyName(CfnLintKeyword):
    """Require the policy name that the pattern of the environment gives."""

    id = "E9004"
    shortdesc = "Policy that is not called as services.yml says"
    description = (
        "The name of a policy says whose it is and where it is in force: the pattern `policy` below `names` in "
        "services.yml, which the environment.yml beside the template repeats. {AwsService} is what the logical id begins with."
    )
    source_url = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on the properties of every AWS::IAM::Policy."""
        super().__init__(["Resources/AWS::IAM::Policy/Properties"])

    def validate(self, validator: Validator, _: Any, policy: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield a finding for each name that the policy may have other than its own."""
        here = _policy.environment(validator)
        if here is None:
            return  # E9005 says so
        logical_id = str([*validator.context.path.path, "", ""][1])
        fields = {"AwsService": logical_id.removesuffix("AccessPolicy"), "service": _policy.service(validator)}
        wanted = _policy.filled(here.names.policy, **fields)
        for value, path in _policy.values(validator, policy, "PolicyName"):
            name = _policy.symbolic(value)
            if value is not None and name != wanted:
                yield _policy.finding(validator, f"Policy name {name!r} should be {wanted!r}", path)

"""E9003: a policy document without Version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class PolicyVersion(CfnLintKeyword):
    """Require Version; cfn-lint's own W2511 refuses the old one."""

    id = "E9003"
    shortdesc = "Policy document without Version"
    description = "Without Version IAM reads a policy as of 2008-10-17, in which policy variables are plain text."
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on the document of every AWS::IAM::Policy."""
        super().__init__(["Resources/AWS::IAM::Policy/Properties/PolicyDocument"])

    def validate(self, validator: Validator, _: Any, document: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield a finding if Version is or may be missing."""
        if not validator.is_type(document, "object"):
            return
        if any(version is None for version, _ in _policy.values(validator, document, "Version")):
            yield _policy.finding(validator, 'Policy document has no Version; write "2012-10-17"', [])

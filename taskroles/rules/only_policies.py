"""E9007: a resource that is no AWS::IAM::Policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfnlint.rules import CloudFormationLintRule, RuleMatch

if TYPE_CHECKING:
    from cfnlint.template import Template


class OnlyPolicies(CloudFormationLintRule):
    """Require that every resource of a template is an AWS::IAM::Policy, as render.py writes it."""

    id = "E9007"
    shortdesc = "Resource that is no AWS::IAM::Policy"
    description = (
        "A template of out/ puts inline policies on one task role and makes nothing else: no role, no managed policy, no "
        "loop and no transform, which could grant what no reviewer sees."
    )
    source_url = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html"
    tags = ("resources", "iam")

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return a finding for each other resource."""
        return [
            RuleMatch(["Resources", logical_id], f"{logical_id} is {self._what(resource)}, no AWS::IAM::Policy")
            for logical_id, resource in cfn.template.get("Resources", {}).items()
            if self._what(resource) != "AWS::IAM::Policy"
        ]

    def _what(self, resource: object) -> str:
        return str(resource.get("Type", "nothing")) if isinstance(resource, dict) else "no resource"

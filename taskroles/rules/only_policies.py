"""E9007: a resource that is no AWS::IAM::Policy, or one whose statements stand elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfnlint.template import Template


class OnlyPolicies(CloudFormationLintRule):
    """Require that every resource of a template is an AWS::IAM::Policy with its statements, as render.py writes it."""

    id = "E9007"
    shortdesc = "Resource that is no AWS::IAM::Policy"
    description = (
        "A template of out/ puts inline policies on one task role and makes nothing else: no role, no managed policy, no "
        "loop and no transform, which could grant what no reviewer sees. Nor does a policy take its document, or a statement, "
        "from a parameter, a transform or a text."
    )
    source_url = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html"
    tags = ("resources", "iam")

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return a finding for each other resource, each part of a policy that stands elsewhere, and a transform of all."""
        found = (
            [RuleMatch(["Transform"], "Transform could make anything of this")] if "Transform" in cfn.template else []
        )
        for logical_id, resource in cfn.template.get("Resources", {}).items():
            if (what := self._what(resource)) != "AWS::IAM::Policy":
                found.append(RuleMatch(["Resources", logical_id], f"{logical_id} is {what}, no AWS::IAM::Policy"))
                continue
            for key in unseen(resource):
                message = f"{logical_id} does not say what it allows: {key} is no map that is written out"
                found.append(RuleMatch(["Resources", logical_id], message))
        return found

    def _what(self, resource: object) -> str:
        return str(resource.get("Type", "nothing")) if isinstance(resource, dict) else "no resource"


def unseen(policy: dict[str, Any]) -> Iterator[str]:
    """Yield what of a policy is not written out where it belongs: its properties, document, statements."""
    if any(key.startswith("Fn::") for key in policy):
        yield "the resource"
    for properties in branches(policy.get("Properties")):
        if not is_map(properties):
            yield "Properties"
            continue
        for document in branches(properties.get("PolicyDocument")):
            if not is_map(document):
                yield "PolicyDocument"
                continue
            given = [
                each
                for part in branches(document.get("Statement"))
                for each in (part if isinstance(part, list) else [part])
            ]
            if not all(is_map(statement) for each in given for statement in branches(each)):
                yield "Statement"


def branches(value: Any) -> Iterator[Any]:
    """Yield what a value may be: those of Fn::If, and nothing for what is left out."""
    match value:
        case {"Fn::If": [_, one, other], **rest} if not rest:
            yield from branches(one)
            yield from branches(other)
        case {"Ref": "AWS::NoValue"}:
            return
        case _:
            yield value


def is_map(value: Any) -> bool:
    """Tell whether a value is a map, and no function of CloudFormation's."""
    return isinstance(value, dict) and not any(key == "Ref" or str(key).startswith("Fn::") for key in value)

"""E9002: every resource for an action that can be limited to some, outside the environments that allow it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file

SHOWN = 3
# A resource is only an option of their requests, or AWS names it while they run: a policy has to leave it open.
OPTIONAL = (
    *("ce:GetCostAndUsage", "ce:GetCostAndUsageWithResources", "ce:GetCostCategories", "ce:GetCostForecast"),
    *("cloudwatch:DescribeAlarms",),  # of composite alarms it tells under `*` alone (CloudWatch API Reference)
    *("ce:GetDimensionValues", "ce:GetTags", "ce:GetUsageForecast", "comprehend:DetectEntities"),
    *("polly:StartSpeechSynthesisStream", "polly:StartSpeechSynthesisTask", "polly:SynthesizeSpeech"),
    *("rekognition:DetectModerationLabels", "route53:GetChange"),
    *("translate:TranslateDocument", "translate:TranslateText"),
)


class WildcardResource(_policy.StatementRule):
    """Refuse every resource for an action that has resource types, save where the environment takes wildcards."""

    id = "E9002"
    shortdesc = "Every resource for an action that supports resource-level permissions"
    description = (
        "An action that has resource types can be limited to some of them; an action that has none needs "
        '`Resource: "*"`. As wide as `*` is an ARN of everything of an AWS service or of one kind (every bucket, secret, '
        "key, parameter), and NotResource. A condition that tells which resources (a tag, ecs:cluster, kms:ViaService) "
        "narrows them too; one that holds always, or tells of the caller, does not. An environment with `wildcards: true` "
        'in services.yml accepts it; its configuration `exceptions` lists others, each "ACTION because REASON" or '
        '"SERVICE/LOGICAL-ID because REASON".'
    )
    source_url = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"

    def findings(self, validator: Validator, statement: dict[str, Any]) -> ValidationResult:
        """Yield one finding for a statement, with the actions that do not need every resource."""
        if _policy.takes_wildcards(validator):
            return
        every = _policy.every_resource(validator, statement)
        if not every or all(map(_policy.narrows, _policy.limits(validator, statement))):
            return
        actions = (action.written for action in _policy.elements(validator, statement, "Action") if _limitable(action))
        limitable = [action for action in actions if not self.is_excepted(validator, action)]
        if limitable:
            more = f" and {len(limitable) - SHOWN} more" if len(limitable) > SHOWN else ""
            message = (
                f"Resource {every[0].written!r} is {_policy.where(validator)}, for actions that "
                f"support resource-level permissions: {', '.join(limitable[:SHOWN])}{more}"
                f"{self.reasonless(validator, limitable[0])}"
            )
            yield _policy.finding(validator, message, every[0].path)


def _limitable(action: Any) -> bool:
    """Say whether an action that the pattern matches needs a resource. Unknown actions are W3037's."""
    return any(map(_policy.resource_types, _policy.expand(action.pattern).difference(OPTIONAL)))

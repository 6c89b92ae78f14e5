"""E9002: every resource for an action that can be limited to some, outside the environments that allow it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import import_filename, load_resource
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file

SHOWN = 3


class WildcardResource(CfnLintKeyword):
    """Refuse `Resource: "*"` for an action that has resource types, save where `environments` allows it."""

    id = "E9002"
    shortdesc = 'Resource "*" for an action that supports resource-level permissions'
    description = (
        "An action that has resource types can be limited to some of them; an action that has none needs "
        '`Resource: "*"`. Its configuration `environments` lists the environments (the only allowed value of '
        'the parameter EnvType) where "*" is accepted for every action.'
    )
    source_url = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on every policy statement."""
        super().__init__([_policy.STATEMENT])
        self.config_definition = _policy.ENVIRONMENTS

    def validate(self, validator: Validator, _: Any, statement: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield one finding for a statement, with the actions that do not need every resource."""
        allowed, here = self.config["environments"], _policy.environment(validator)
        if here in allowed or not validator.is_type(statement, "object"):
            return
        every = [
            resource
            for resource in _policy.elements(validator, statement, "Resource")
            if resource.pattern and not resource.pattern.strip("*")
        ]
        if not every:
            return
        actions = _policy.elements(validator, statement, "Action")
        limitable = [action.written for action in actions if self._supports_resources(action.pattern)]
        if limitable:
            more = f" and {len(limitable) - SHOWN} more" if len(limitable) > SHOWN else ""
            message = (
                f"Resource {every[0].written!r} is {_policy.only_in(allowed, here)}, for actions that "
                f"support resource-level permissions: {', '.join(limitable[:SHOWN])}{more}"
            )
            yield _policy.finding(validator, message, every[0].path)

    def _supports_resources(self, pattern: str) -> bool:
        """Say whether an action that the pattern matches has a resource type. Unknown actions are W3037's."""
        service, _, name = pattern.lower().partition(":")
        services = self._services.values() if service == "*" else [self._services.get(service, {})]
        return any(
            "Resources" in action and fnmatchcase(action_name, name or "*")
            for known in services
            for action_name, action in known.get("Actions", {}).items()
        )

    @cached_property
    def _services(self) -> dict[str, Any]:
        """cfn-lint's copy of the Service Authorization Reference: the one that W3037 and I3510 read."""
        return load_resource(AdditionalSpecs, "Policies.json")

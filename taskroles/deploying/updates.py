"""What a deploy of the copy would do to the stack of a service: what is deployed now, next to what would be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.template import TemplateError, parse_template
from taskroles.deploying.aws import at_once
from taskroles.deploying.snapshot import digest
from taskroles.deploying.stacks import all_exports, came_up, holds, is_of, tags_of, template_of
from taskroles.deploying.templates import (
    deployed_parameters,
    imported,
    parameter_values,
    policies,
    policy_keys,
    read_template,
    resolve,
)
from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account


class Update(NamedTuple):
    """A service: its stack (None if there is none), its template in the copy, and the text that is deployed ("": none)."""

    service: str
    stack: dict[str, Any] | None
    text: str
    template: dict[str, Any]
    given: Mapping[str, str]  # to the template's parameters
    was: Mapping[str, str]  # what names in the templates mean now
    will_be: Mapping[str, str]  # and after the deploy
    deployed: str

    def changes(self, environment: Environment) -> bool:
        """Tell whether a deploy changes anything: bytes, values of parameters, tags that say whose the stack is."""
        if not (self.stack and self.deployed and holds(self.deployed, self.text)):
            return True
        tags, values = tags_of(self.stack), parameters_of(self.stack)
        return not (
            is_of(self.stack, environment, self.service)
            and tags.get("template") == digest(self.text)
            and all(values.get(name) == value for name, value in self.given.items())
        )

    def keys(self) -> dict[tuple[str, str], str]:
        """Return the logical ids of the policies in the copy, by role and policy name."""
        return policy_keys(self.template, self.will_be, all_exports())

    def deployed_keys(self) -> dict[tuple[str, str], str]:
        """Return the logical ids of the policies deployed now, by role and policy name; of those that can be told."""
        try:
            template = parse_template(self.deployed, "the template deployed") if self.deployed else {}
        except TemplateError:  # not by deploy.sh
            template = {}
        return policy_keys(template, self.was, all_exports())


def updates(environment: Environment, account: Account, stacks: Mapping[str, dict[str, Any] | None]) -> list[Update]:
    """Return what a deploy would do to each service, by its stack."""
    there = [stack["StackId"] for stack in stacks.values() if stack and came_up(stack)]
    texts = dict(zip(there, at_once(template_of, there), strict=True))
    found = []
    for service, stack in stacks.items():
        text = Path(environment.template(service)).read_text(encoding="utf-8")
        template = read_template(environment, service)
        given = deployed_parameters(environment, template)
        values = (parameter_values(template, account, stack, **each) for each in ({}, given))
        deployed = texts.get(stack["StackId"], "") if stack else ""
        found.append(Update(service, stack, text, template, given, *values, deployed))
    return found


def parameters_of(stack: dict[str, Any]) -> dict[str, str]:
    """Return the values of a stack's parameters."""
    return {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}


def moves(each: Update) -> Iterator[str]:
    """Yield a line for each parameter that a deploy gives another value than the stack has, and for what that moves."""
    values = parameters_of(each.stack) if each.stack else {}
    changed = {name: value for name, value in each.given.items() if values.get(name, value) != value}
    for name, value in changed.items():
        yield printable(f"{each.service}: parameter {name} is {values[name]} now, and would become {value}")
    if changed:
        roles = [role for policy in policies(each.template) for role in policy["Roles"]]
        sides = each.was, each.will_be
        moved = [tuple(that_of(resolve(role, side, {})) for side in sides) for role in roles]
        for old, new in dict.fromkeys(moved):
            if old != new:
                yield printable(f"{each.service}: its role would be {new}, and no longer {old}")
        known = set(imported(roles, each.was))
        targets = zip(*(imported(each.template["Resources"], side) for side in sides), strict=True)
        for old, new in dict.fromkeys(targets):
            if old != new and old not in known:
                yield printable(f"{each.service}: its target would be that of export {new}, and no longer of {old}")


def that_of(role: Any) -> str:
    """Return what to call a role: by the export that holds its name, where that is how a template names it."""
    return f"that of export {role['Fn::ImportValue']}" if isinstance(role, dict) else str(role)


def losses(each: Update) -> Iterator[str]:
    """Yield a problem for each policy that a deploy would leave the role without.

    CloudFormation creates what has a new logical id, then deletes what no longer has one: by its name, which the new one
    has as well ("Update behaviors of stack resources", Replacement, in the CloudFormation User Guide).
    """
    new = each.keys()
    for key, was in each.deployed_keys().items():
        now = new.get(key, was)
        if now != was:
            role, name = key
            yield printable(
                f"{each.service}: {was} becomes {now} under the same policy name, {name}: CloudFormation would create the "
                f"new one, then delete the old one by that name, and leave role {role} without it; keep the logical id, "
                f"or change the policy's name as well, or --destroy the service and deploy it again"
            )

"""Which stack has put what on a role.

What cannot be told is said: a policy that a template may own is nobody's to delete.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from taskroles.deploying.aws import ask, at_once, aws_errors
from taskroles.deploying.puts import ROLE, Puts, Unsure, puts_of, resources_of
from taskroles.deploying.stacks import all_exports, all_stacks, importers, listed_exports
from taskroles.deploying.templates import parameter_values, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account

PUTS_NOTHING = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE")
MOST_TEMPLATES = 500  # that are read to find the owner of one policy


class Owners(NamedTuple):
    """Who has put what on one role: the stack of each inline policy and managed policy (ARN), and what may own more."""

    inline: dict[str, str]
    attached: dict[str, str]
    unsure: list[Unsure]

    def of(self, name: str) -> str | None:
        """Return the stack that an inline policy, or the ARN of a managed one, is of; None if none is known."""
        return self.inline.get(name) or self.attached.get(name)

    def maybe(self, name: str) -> list[str]:
        """Return what may have put something of this name on the role."""
        return [each.what for each in self.unsure if each.name in (None, name)]


def makers_of(roles: Iterable[str]) -> dict[str, str | None]:
    """Return the name of the stack that makes each role, None if none of this account and region does.

    Mostly a stack that exports names of roles makes them: of such a one all are listed at once.
    """
    roles = list(roles)
    exporting = sorted({each["ExportingStackId"] for each in listed_exports() if each["Value"] in roles})
    made = zip(exporting, at_once(roles_in, exporting), strict=True)
    found: dict[str, str | None] = {role: stack_name(stack) for stack, some in made for role in some}
    others = [role for role in roles if role not in found]
    return found | dict(zip(others, at_once(_maker_of_one, others), strict=True))


def _maker_of_one(role: str) -> str | None:
    from botocore.exceptions import ClientError

    try:
        found = ask("cloudformation", "describe_stack_resources", PhysicalResourceId=role)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    stacks = {each["StackId"] for each in found}  # one: and what else is in it, a hundred resources of it
    return next((stack_name(stack) for stack in stacks if role in roles_in(stack)), None)


def roles_in(stack_id: str) -> set[str]:
    """Return the names of the roles that a stack makes."""
    return {each["PhysicalResourceId"] for each in resources_of(stack_id).values() if each["ResourceType"] == ROLE}


def stack_name(stack_id: str) -> str:
    """Return the name in the id of a stack (arn:...:stack/NAME/...)."""
    return stack_id.partition(":stack/")[2].partition("/")[0]


def likely_owners(role: str, environment: Environment, account: Account) -> list[str]:
    """Return the stacks that may well put something on a role: that make it, import its name, or are ours and of it."""
    exports = all_exports()
    values = parameter_values({}, account, None, **environment.parameters)
    found = [makers_of([role])[role]]
    for service, written in environment.task_roles.items():
        name = resolve({"Fn::Sub": written.text}, values, {})
        if role in (exports.get(name), name):
            found.append(environment.stack(service))
    found += [importer for name, value in exports.items() if value == role for importer in importers(name)]
    return list(dict.fromkeys(filter(None, found)))


def owners_of(
    role: str, environment: Environment, account: Account, wanted: Iterable[str] = (), *, besides: str = ""
) -> Owners:
    """Return which stack has put what on a role, by the templates of the stacks that may well have put it there.

    `wanted` are names of policies, or ARNs of managed ones, whose owner is looked for in all stacks of the account and
    region if it is none of those. `besides` is a stack that is not asked.
    """
    likely = dict.fromkeys(likely_owners(role, environment, account))
    there = [name for name, stack in all_stacks().items() if stack["StackStatus"] not in PUTS_NOTHING]
    there = [name for name in there if name != besides]
    near = [name for name in there if name in likely]
    owners = owners_among(at_once(lambda name: puts_in(name, account), near), role)
    missing = [name for name in wanted if not owners.of(name)]
    if not missing:
        return owners
    rest = [name for name in there if name not in likely]
    more = owners_among(at_once(lambda name: puts_in(name, account), rest[:MOST_TEMPLATES]), role)
    unsure = [*owners.unsure, *more.unsure]
    if len(rest) > MOST_TEMPLATES:
        unsure.append(Unsure(f"one of {len(rest) - MOST_TEMPLATES} more stacks, which are too many to be read"))
    return Owners(more.inline | owners.inline, more.attached | owners.attached, unsure)


@functools.cache
def puts_in(name: str, account: Account) -> Puts:
    """Return what a stack puts where, as `puts_of`. A template that AWS does not show, or no longer, stops nobody."""
    try:
        return puts_of(all_stacks()[name], account)
    except aws_errors() as error:
        gone = "does not exist" in str(error)
        unsure = [] if gone else [Unsure(f"stack {name}, whose template AWS does not show")]
        return Puts(name, {}, set(), {}, unsure, [])


def owners_among(found: Iterable[Puts], role: str) -> Owners:
    """Return which of some stacks has put what on a role."""
    found = list(found)
    return Owners(
        {name: puts.stack for puts in found for holder, name in puts.inline if holder == role},
        {arn: puts.stack for puts in found for holder, arn in puts.attached if holder == role},
        [each for puts in found for each in puts.unsure if each.holder in (None, role)],
    )

"""Which stack has put what on a role.

What cannot be told is said: a policy that a template may own is nobody's to delete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.deploying.aws import ask, at_once, aws_errors
from taskroles.deploying.puts import ROLE, Puts, Unsure, puts_of, resources_of
from taskroles.deploying.stacks import all_exports, all_stacks, importers, listed_exports
from taskroles.deploying.templates import parameter_values, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account

PUTS_NOTHING = ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")
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


def stack_of_role(role: str) -> str | None:
    """Return the name of the stack that makes a role, None if none of this account and region does."""
    from botocore.exceptions import ClientError

    for exported in listed_exports():  # mostly the stack that exports its name, of which all roles are listed at once
        if exported["Value"] == role and _makes(exported["ExportingStackId"], role):
            return stack_name(exported["ExportingStackId"])
    try:
        found = ask("cloudformation", "describe_stack_resources", PhysicalResourceId=role)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    stacks = {each["StackId"] for each in found}  # one: and what else is in it, a hundred resources of it
    return next((stack_name(each) for each in sorted(stacks) if _makes(each, role)), None)


def _makes(stack_id: str, role: str) -> bool:
    found = resources_of(stack_id).values()
    return any((each["ResourceType"], each["PhysicalResourceId"]) == (ROLE, role) for each in found)


def stack_name(stack_id: str) -> str:
    """Return the name in the id of a stack (arn:...:stack/NAME/...)."""
    return stack_id.partition(":stack/")[2].partition("/")[0]


def likely_owners(role: str, environment: Environment, account: Account) -> list[str]:
    """Return the stacks that may well put something on a role: that make it, import its name, or are ours and of it."""
    exports = all_exports()
    values = parameter_values({}, account, None, **environment.parameters)
    found = [stack_of_role(role)]
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
    region if it is none of those. `besides`: a stack that is not looked at.
    """
    names = [name for name in likely_owners(role, environment, account) if name != besides]
    owners = puts_by(role, names, account)
    missing = [name for name in wanted if not owners.of(name)]
    if not missing:
        return owners
    rest = [stack for name, stack in all_stacks().items() if name not in (*names, besides)]
    more = _owners(role, rest[:MOST_TEMPLATES], account)
    unsure = [*owners.unsure, *more.unsure]
    if len(rest) > MOST_TEMPLATES:
        unsure.append(Unsure(f"{len(rest) - MOST_TEMPLATES} more stacks, which are too many to be read"))
    return Owners(more.inline | owners.inline, more.attached | owners.attached, unsure)


def puts_by(role: str, names: Iterable[str], account: Account) -> Owners:
    """Return what stacks of these names have put on a role."""
    return _owners(role, [all_stacks()[name] for name in names if name in all_stacks()], account)


def _owners(role: str, stacks: Iterable[dict[str, Any]], account: Account) -> Owners:
    stacks = [stack for stack in stacks if stack["StackStatus"] not in PUTS_NOTHING]
    return owners_among(at_once(lambda stack: _puts_of_another(stack, account), stacks), role)


def owners_among(found: Iterable[Puts], role: str) -> Owners:
    """Return which of some stacks has put what on a role."""
    found = list(found)
    return Owners(
        {name: puts.stack for puts in found for holder, name in puts.inline if holder == role},
        {arn: puts.stack for puts in found for holder, arn in puts.attached if holder == role},
        [each for puts in found for each in puts.unsure if each.holder in (None, role)],
    )


def _puts_of_another(stack: dict[str, Any], account: Account) -> Puts:
    """Return what `puts_of` does; a template that AWS does not show, or no longer, stops nobody."""
    try:
        return puts_of(stack, account)
    except aws_errors() as error:
        name = stack["StackName"]
        gone = "does not exist" in str(error)
        return Puts(
            name, {}, set(), {}, [] if gone else [Unsure(f"stack {name}, whose template AWS does not show")], []
        )

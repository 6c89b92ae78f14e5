"""Who has put a policy on a role: a stack of ours, or somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskroles.access.template import TemplateError, parse_template
from taskroles.deploying.aws import pages
from taskroles.deploying.stacks import all_exports, all_stacks, at_once, importers, template_of
from taskroles.deploying.templates import imported, parameter_values, policies, policy_keys
from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account
    from taskroles.deploying.updates import Update


def owner_problems(environment: Environment, account: Account, services: Sequence[Update]) -> Iterator[str]:
    """Yield a problem for each policy name on a role of ours that a deploy would take, and that somebody else has there.

    CloudFormation refuses such a name, or else both would overwrite each other, and the first to go deletes both. IAM knows
    what is on a role, however it came there; a template only helps to say whose it is.
    """
    wanted = {each.service: each.keys() for each in services}
    roles = sorted({role for keys in wanted.values() for role, _ in keys})
    on_roles = dict(zip(roles, at_once(policies_on, roles), strict=True))
    others = at_once(lambda each: keys_of_others(environment, account, each), services)
    for each, theirs in zip(services, others, strict=True):
        own = each.deployed_keys()
        taken: dict[str, list[str]] = {}
        for role, name in wanted[each.service]:
            stacks = [stack for stack, keys in theirs.items() if (role, name) in keys]
            if stacks or (name in (on_roles[role] or ()) and (role, name) not in own):
                who = f"stack {' and '.join(stacks)} owns" if stacks else "somebody else owns"
                taken.setdefault(who, []).append(f"{name} on role {role}")
        for who, names in taken.items():
            said = f"{each.service}: {who} policies of the same names; delete it first, or take them out of it:"
            yield "\n      ".join(map(printable, [said, *names]))
        for role in sorted({role for role, _ in wanted[each.service] if on_roles[role] is None}):
            yield printable(f"{each.service}: IAM has no role {role}: deploy what makes it, or correct task_role")


def keys_of_others(environment: Environment, account: Account, each: Update) -> dict[str, dict[tuple[str, str], str]]:
    """Return the policies of other stacks that import a role of ours, by stack: those that can be told."""
    roles = imported([policy["Roles"] for policy in policies(each.template)], each.will_be)
    exports = {name for name in roles if name in all_exports()}
    own = environment.stack(each.service)
    found = {}
    for stack in sorted({stack for export in exports for stack in importers(export)} - {own}):
        try:
            template = parse_template(template_of(stack), stack)
            values = parameter_values(template, account, all_stacks().get(stack))
            found[stack] = policy_keys(template, values, all_exports())
        except (TemplateError, AttributeError, TypeError, ValueError, RecursionError):  # no template of ours
            found[stack] = {}
    return found


def policies_on(role: str) -> set[str] | None:
    """Return the names of the inline policies that a role has now, None if there is no such role."""
    from botocore.exceptions import ClientError

    try:
        return set(pages("iam", "list_role_policies", "PolicyNames", RoleName=role))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return None
        raise

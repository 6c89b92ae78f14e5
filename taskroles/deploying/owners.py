"""Who has put a policy on a role: a stack of ours, or somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskroles.access.template import TemplateError
from taskroles.deploying.aws import at_once, pages
from taskroles.deploying.ownership import owners_among, owners_of, puts_in
from taskroles.deploying.puts import processed_template, resources_of
from taskroles.deploying.stacks import all_exports, all_stacks, importers
from taskroles.deploying.templates import imported, parameter_values, policies, policy_keys
from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account
    from taskroles.deploying.updates import Update


def owner_problems(environment: Environment, account: Account, services: Sequence[Update]) -> Iterator[str]:
    """Yield a problem for each policy name on a role of ours that a deploy would take, and that somebody else has there.

    CloudFormation refuses such a name, or else both would overwrite each other, and the first to go deletes both. IAM knows
    what is on a role, however it came there; templates only help to say whose it is.
    """
    wanted = {each.service: each.keys() for each in services}
    roles = sorted({role for keys in wanted.values() for role, _ in keys})
    on_roles = dict(zip(roles, at_once(policies_on, roles), strict=True))
    others = at_once(lambda each: of_others(environment, account, each, on_roles), services)
    for each, taken in zip(services, others, strict=True):
        for who in dict.fromkeys(taken.values()):
            names = [f"{name} on role {role}" for (role, name), owner in taken.items() if owner == who]
            said = f"{each.service}: {who} owns policies of the same names; delete it first, or take them out of it:"
            yield "\n      ".join(map(printable, [said, *names]))
        for role in sorted({role for role, _ in wanted[each.service] if on_roles[role] is None}):
            yield printable(f"{each.service}: IAM has no role {role}: deploy what makes it, or correct task_role")


def of_others(
    environment: Environment, account: Account, each: Update, on_roles: Mapping[str, set[str] | None]
) -> dict[tuple[str, str], str]:
    """Return who else has put a policy there that a service's stack would put, by role and policy name."""
    keys, stack = each.keys(), environment.stack(each.service)
    own = {*each.deployed_keys(), *left_by(all_stacks().get(stack), account)}
    exports = (
        set(imported([policy["Roles"] for policy in policies(each.template)], each.will_be)) & all_exports().keys()
    )
    stacks = {name for export in exports for name in importers(export)} - {stack}
    found = {}
    for role in sorted({role for role, _ in keys}):
        here = {name for at, name in keys if at == role}
        known = owners_among([puts_in(name, account) for name in sorted(stacks & all_stacks().keys())], role).inline
        found |= {(role, name): f"stack {known[name]}" for name in sorted(here & known.keys())}
        taken = sorted(name for name in here & (on_roles[role] or set()) - known.keys() if (role, name) not in own)
        if taken:
            owners = owners_of(role, environment, account, taken, besides=stack)
            for name in taken:
                who = f"stack {owners.of(name)}" if owners.of(name) else "somebody else"
                found[role, name] = ", or ".join([who, *owners.maybe(name)]) if who == "somebody else" else who
    return found


def left_by(stack: dict[str, Any] | None, account: Account) -> list[tuple[str, str]]:
    """Return what a stack that never came up has left on roles all the same: it goes before a deploy, or none begins."""
    if not stack or stack["StackStatus"] not in ("CREATE_FAILED", "ROLLBACK_FAILED"):
        return []
    made = {name for name, each in resources_of(stack["StackId"]).items() if each["ResourceStatus"] != "CREATE_FAILED"}
    try:
        template = processed_template(stack["StackId"])
    except TemplateError:  # not by deploy.sh
        return []
    keys = policy_keys(template, parameter_values(template, account, stack), all_exports())
    return [key for key, logical_id in keys.items() if logical_id in made]


def policies_on(role: str) -> set[str] | None:
    """Return the names of the inline policies that a role has now, None if there is no such role."""
    from botocore.exceptions import ClientError

    try:
        return set(pages("iam", "list_role_policies", "PolicyNames", RoleName=role))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return None
        raise

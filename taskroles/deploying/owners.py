"""Who has put a policy on a role: one of our stacks, or another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskroles.access.template import parse_template
from taskroles.deploying.stacks import all_exports, find_stack, importers, template_of
from taskroles.deploying.templates import documents, imported, parameter_values, planned, policies
from taskroles.faults import printable

if TYPE_CHECKING:
    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account


def owner_problems(environment: Environment, account: Account, stacks: dict[str, dict[str, Any] | None]) -> list[str]:
    """Return a problem for each other stack that puts policies on our roles under the names that we use.

    Its policies and ours would overwrite each other, and the first to go deletes both. Such a stack imports
    the role's name as ours do, so that CloudFormation can list it.
    """
    exports = all_exports()
    ours: dict[tuple[str, str], str] = {}
    suspects: set[str] = set()
    for service, stack in stacks.items():
        template, values = planned(environment, service, account, stack)
        ours |= dict.fromkeys(documents(template, values, exports), service)
        roles = imported([policy["Roles"] for policy in policies(template)], values)
        suspects.update(name for role in set(roles) & exports.keys() for name in importers(role))
    problems = []
    for other in sorted(suspects - {environment.stack(service) for service in stacks}):
        template = parse_template(template_of(other), other)
        theirs = documents(template, parameter_values(template, account, find_stack(other)), exports)
        if both := sorted(ours.keys() & theirs.keys()):
            names = "".join("\n      " + printable(f"{name} on role {role}") for role, name in both)
            problems.append(
                f"{ours[both[0]]}: stack {printable(other)} owns policies of the same names; delete it first, "
                f"or take them out of it:{names}"
            )
    return problems

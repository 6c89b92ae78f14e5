"""Whether a deploy may begin: where it goes, and all that would make it fail, at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from taskroles.deploying.aws import Refused, account_of, aws_errors, heading, no_access
from taskroles.deploying.aws_cli import aws_cli_problems
from taskroles.deploying.exports import export_problems
from taskroles.deploying.owners import owner_problems
from taskroles.deploying.stacks import NEVER_CAME_UP, came_up, find_stack, strays
from taskroles.deploying.templates import (
    deployed_parameters,
    read_template,
)
from taskroles.faults import printable
from taskroles.git import GitError, uncommitted
from taskroles.terminal import paint, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskroles.access.environments import Environment


def check(environment: Environment, services: Sequence[str], *, recreate: bool) -> int:
    """Print where the deploy goes; to stdout, the services whose stack never came up with its id.

    Raises Refused with all problems. `recreate`: a stack that never came up is to be deleted, and no problem.
    """
    problems = aws_cli_problems()
    warnings = not_committed(environment, services)
    if environment.protected:
        problems += [f"{line}; {environment.name} takes what is committed" for line in warnings]
        warnings = []
    try:
        account = account_of(environment)
    except Refused as error:
        problems.append(str(error))
    except aws_errors() as error:
        problems.append(no_access(error))
    else:
        say(heading(environment, account))
        stacks = {service: find_stack(environment.stack(service)) for service in services}
        stuck = {service: stack for service, stack in stacks.items() if stack and not came_up(stack)}
        for service, stack in stacks.items():
            if not (recreate and service in stuck):
                problems += state_problem(service, stack)
        problems += export_problems(environment, account, stacks)
        problems += owner_problems(environment, account, stacks)
        warnings += parameter_warnings(environment, stacks)
        warnings += stray_warnings(environment)
        sys.stdout.writelines(f"{service} {stack['StackId']}\n" for service, stack in stuck.items())
    say(*(paint(f"warning: {line}", "33") for line in warnings))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise Refused("\n  - ".join([f"{count}, and nothing was changed:", *problems]))
    return 0


def not_committed(environment: Environment, services: Sequence[str]) -> list[str]:
    """Return what git holds against what deploys: a line for each file that is not committed as it is here."""
    try:
        status = uncommitted([environment.path, *map(environment.template, services)])
    except GitError:
        return ["out/ is not in a git repository, so nobody can tell which commit is deployed"]
    return [printable(f"{line[3:]} is not committed") for line in status]


def parameter_warnings(environment: Environment, stacks: dict[str, dict[str, Any] | None]) -> list[str]:
    """Return a line for each parameter of a stack that this deploy would give another value."""
    lines = []
    for service, stack in stacks.items():
        given = deployed_parameters(environment, read_template(environment, service))
        for item in (stack or {}).get("Parameters", []):
            name, was = item["ParameterKey"], item["ParameterValue"]
            if given.get(name, was) != was:
                lines.append(printable(f"{service}: parameter {name} is {was} now, and would become {given[name]}"))
    return lines


def stray_warnings(environment: Environment) -> list[str]:
    """Return a line for each stack whose service `out/` no longer has."""
    return [
        f"out/{environment.name} has no {service}, but stack {environment.stack(service)} exists; "
        f"--destroy {environment.name} {service} deletes it"
        for service in strays(environment)
    ]


def state_problem(service: str, stack: dict[str, Any] | None) -> list[str]:
    """Return the problem with a stack in a state that no deploy can leave, and the way out; or nothing."""
    status = stack["StackStatus"] if stack else ""
    if status == "REVIEW_IN_PROGRESS":
        way_out = "its change set was never executed: deploy it with --recreate, which deletes it first"
    elif status in NEVER_CAME_UP:
        way_out = "it never came up: deploy it with --recreate, which deletes it first"
    elif status.endswith("_IN_PROGRESS"):
        way_out = "something is changing it now: wait until that has ended"
    elif status == "UPDATE_ROLLBACK_FAILED":
        command = f"aws cloudformation continue-update-rollback --stack-name {stack['StackName']}"
        way_out = f"repair what its events name, then run: {command}"
    elif status == "DELETE_FAILED":
        way_out = "repair what its events name, then delete it again with --destroy"
    else:
        return []
    return [printable(f"{service}: stack {stack['StackName']} is {status};") + f"\n      {printable(way_out)}"]

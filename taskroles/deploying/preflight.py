"""Whether a deploy may begin: where it goes, what there is to do, and all that would make it fail, at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.environments import here
from taskroles.deploying.aws import Refused, aws_errors, deployer_of, heading, no_access
from taskroles.deploying.aws_cli import aws_cli_problems, usable_aws_cli
from taskroles.deploying.exports import export_problems
from taskroles.deploying.owners import owner_problems
from taskroles.deploying.plan import read_plan, write_plan
from taskroles.deploying.stacks import (
    NEVER_CAME_UP,
    all_stacks,
    came_up,
    deployed_services,
    gone_environments,
    guarded,
    is_guarded,
    is_ours,
)
from taskroles.deploying.updates import losses, moves, updates
from taskroles.faults import printable
from taskroles.terminal import paint, say

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account
    from taskroles.deploying.plan import Plan


class Survey(NamedTuple):
    """What AWS holds against a deploy, what a person should know before it, and what there is to do."""

    problems: list[str]
    warnings: list[str]
    plan: Plan
    todo: list[str]


def check(environment: Environment, services: Sequence[str], *, recreate: bool) -> int:
    """Print where the deploy goes; to stdout, the AWS CLI to use (aws), and what there is to do: stuck, change, guard.

    Raises Refused with all problems. `recreate`: a stack that never came up is to be deleted, and no problem.
    """
    plan = read_plan()
    doubts = list(plan.doubts)
    problems = aws_cli_problems()
    if plan.protected:
        problems += [f"{line}; {environment.name} takes what is committed, on the main branch" for line in doubts]
        doubts = []
    found = Survey([], [], plan, [])
    try:
        account = deployer_of(environment)
        say(heading(environment, account))
        found = survey(environment, services, account, plan, recreate=recreate)
    except Refused as error:
        problems.append(str(error))
    except aws_errors() as error:
        problems.append(no_access(error))
    problems += found.problems
    say(*(paint(f"warning: {line}", "33") for line in [*doubts, *found.warnings]))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise Refused("\n  - ".join([f"{count}, and nothing was changed:", *problems]))
    write_plan(found.plan)
    sys.stdout.writelines(f"{line}\n" for line in [f"aws\t{usable_aws_cli()}", *found.todo])
    return 0


def survey(
    environment: Environment, services: Sequence[str], account: Account, plan: Plan, *, recreate: bool
) -> Survey:
    """Return all that would make a deploy fail in AWS, and what it would do."""
    stacks = {service: all_stacks().get(environment.stack(service)) for service in services}
    stuck = {service: stack for service, stack in stacks.items() if stack and is_stuck(stack)}
    found = updates(environment, account, {s: None if s in stuck else stack for s, stack in stacks.items()})
    problems = [*stack_problems(environment, stacks, passed_over=stuck if recreate else ())]
    problems += export_problems(environment, account, stacks)
    problems += owner_problems(environment, account, found)
    problems += [line for each in found for line in losses(each)]
    warnings = [line for each in found for line in moves(each)]
    warnings += stray_warnings(environment)
    new = tuple(service for service, stack in stacks.items() if stack is None or service in stuck)
    plan = plan._replace(
        account=account.id,
        region=account.region,
        changing=tuple(each.service for each in found if each.changes(environment)),
        new=new,
        unguarded=tuple(s for s, stack in stacks.items() if plan.protected and (s in new or not is_guarded(stack))),
    )
    todo = [f"stuck\t{service}\t{stack['StackId']}\t{guarded(stack)}" for service, stack in stuck.items()]
    todo += [f"change\t{service}" for service in plan.changing]
    return Survey(problems, warnings, plan, todo + [f"guard\t{service}" for service in plan.unguarded])


def stack_problems(
    environment: Environment, stacks: Mapping[str, dict[str, Any] | None], passed_over: Container[str]
) -> Iterator[str]:
    """Yield a problem for each stack that is not ours, or that no deploy can change."""
    for service, stack in stacks.items():
        if stack and not is_ours(stack, environment, service):
            yield not_ours(environment, service, stack)
        elif service not in passed_over:
            yield from state_problem(service, stack)


def is_stuck(stack: dict[str, Any]) -> bool:
    """Tell whether a stack never came up and no deploy can go on with it: one that waits for its change set can."""
    return not came_up(stack) and stack["StackStatus"] != "REVIEW_IN_PROGRESS"


def not_ours(environment: Environment, service: str, stack: dict[str, Any]) -> str:
    """Return the problem with a stack that has our name, and not our tags."""
    return printable(
        f"{service}: stack {stack['StackName']} is not tagged service={service}, environment={environment.name}: deploy.sh "
        "has not made it, and touches it not; delete it, or tag it so, or change `names: {stack: ...}`"
    )


def stray_warnings(environment: Environment) -> Iterator[str]:
    """Yield a line for each stack whose service, or whose environment, out/ no longer has."""
    for service, stack in deployed_services(environment).items():
        if service not in environment.task_roles:
            yield printable(
                f"out/{environment.name} has no {service}, but stack {stack} exists; "
                f"--destroy {environment.name} {service} deletes it"
            )
    for name, gone in gone_environments(here().values()).items():
        stacks = ", ".join(deployed_services(gone).values())
        yield printable(f"out/ has no {name}, but its stacks exist: {stacks}; --destroy {name} deletes them")


def state_problem(service: str, stack: dict[str, Any] | None) -> list[str]:
    """Return the problem with a stack in a state that no deploy can leave, and the way out; or nothing."""
    status = stack["StackStatus"] if stack else ""
    if status == "REVIEW_IN_PROGRESS":  # a change set that was never executed: a deploy goes on with it
        return []
    if status in NEVER_CAME_UP:
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

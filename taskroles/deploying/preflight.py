"""Whether a deploy may begin: where it goes, and all that would make it fail, at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from taskroles.access.template import parse_template
from taskroles.deploying.stacks import (
    NEVER_CAME_UP,
    Account,
    Refused,
    account_of,
    all_exports,
    aws_errors,
    came_up,
    find_stack,
    heading,
    importers,
    strays,
    template_of,
)
from taskroles.deploying.templates import (
    deployed_parameters,
    documents,
    imported,
    parameter_values,
    planned,
    policies,
    read_template,
)
from taskroles.faults import printable
from taskroles.git import GitError, uncommitted
from taskroles.terminal import columns, paint, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskroles.access.environments import Environment

OLDEST_AWS_CLI = {1: (1, 29, 0), 2: (2, 13, 0)}  # the first that know AWS_ENDPOINT_URL


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


def aws_cli_problems() -> list[str]:
    """Return what is wrong with the AWS CLI on PATH."""
    if not shutil.which("aws"):
        return ["the AWS CLI (aws) is not on PATH: install it, version 2 or 1"]
    version = subprocess.run(["aws", "--version"], check=False, capture_output=True, text=True)
    match = re.search(r"aws-cli/(\d+)\.(\d+)\.(\d+)", version.stdout + version.stderr)
    if not match:
        return [printable(f"`aws --version` does not say its version but: {(version.stdout + version.stderr).strip()}")]
    found = tuple(map(int, match.groups()))
    oldest = OLDEST_AWS_CLI.get(found[0], (0,))
    dotted = ".".join(map(str, oldest))
    return [f"AWS CLI {match[0]} is too old: {dotted} or newer is needed"] if found < oldest else []


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


def no_access(error: Exception) -> str:
    """Return what to do about an error in asking who we are."""
    profile = f"profile {os.environ['AWS_PROFILE']}" if os.environ.get("AWS_PROFILE") else "no AWS_PROFILE set"
    return printable(f"AWS cannot be asked: {error} ({profile}; `aws sts get-caller-identity` must work)")


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


def export_problems(environment: Environment, account: Account, stacks: dict[str, dict[str, Any] | None]) -> list[str]:
    """Return the exports that the templates of the services import and no stack has, as one problem."""
    needed_by: dict[str, list[str]] = {}
    for service, stack in stacks.items():
        for name in dict.fromkeys(imported(*planned(environment, service, account, stack))):
            needed_by.setdefault(name, []).append(service)
    exports = all_exports()
    rows = [
        [printable(name), f"needed by {', '.join(services)}"]
        for name, services in needed_by.items()
        if name not in exports
    ]
    return ["\n      ".join(["no stack of this account and region exports:", *columns(rows)])] if rows else []


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

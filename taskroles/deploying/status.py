"""The states of stacks, as a table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from taskroles.deploying.aws import Refused, account_of, deployer_of, heading
from taskroles.deploying.aws_cli import usable_aws_cli
from taskroles.deploying.preflight import not_ours
from taskroles.deploying.stacks import all_stacks, came_up, guarded, is_guarded, is_ours
from taskroles.faults import printable
from taskroles.terminal import columns, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskroles.access.environments import Environment


def status(environment: Environment, names: Mapping[str, str], *, ours: bool) -> int:
    """Print the state of each stack, by service; to stdout, those that exist: service, id, whether it is guarded.

    `ours`: before these, the AWS CLI to use. Raises Refused if one of them is not ours, or there is no AWS CLI.
    """
    account = deployer_of(environment) if ours else account_of(environment)
    stacks = {service: all_stacks().get(name) for service, name in names.items()}
    rows = [
        [service, names[service], printable(stack["StackStatus"]) if stack else "does not exist"]
        for service, stack in stacks.items()
    ]
    say(heading(environment, account), *columns(rows))
    there = {service: stack for service, stack in stacks.items() if stack}
    if ours:
        others = [not_ours(environment, *each) for each in there.items() if not is_ours(each[1], environment, each[0])]
        if others:
            raise Refused("\n  - ".join(["nothing was changed:", *others]))
        sys.stdout.write(f"aws\t{usable_aws_cli()}\n")
    for service, stack in there.items():
        sys.stdout.write(f"{service} {stack['StackId']} {guarded(stack)}\n")
    return 0


def unguarded(environment: Environment, names: Mapping[str, str]) -> int:
    """Print the stacks that came up and that nothing protects against being deleted, as `status` does."""
    account_of(environment)
    for service, name in names.items():
        stack = all_stacks().get(name)
        if stack and came_up(stack) and not is_guarded(stack):
            sys.stdout.write(f"{service} {stack['StackId']} unguarded\n")
    return 0

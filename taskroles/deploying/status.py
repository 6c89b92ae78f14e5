"""The states of stacks, as a table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from taskroles.deploying.aws import account_of, heading
from taskroles.deploying.stacks import find_stack
from taskroles.faults import printable
from taskroles.terminal import columns, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskroles.access.environments import Environment


def status(environment: Environment, services: Sequence[str]) -> int:
    """Print the state of each stack; to stdout, the service and stack id of those that exist."""
    account = account_of(environment)
    stacks = {service: find_stack(environment.stack(service)) for service in services}
    rows = [
        [service, environment.stack(service), printable(stack["StackStatus"]) if stack else "does not exist"]
        for service, stack in stacks.items()
    ]
    say(heading(environment, account), *columns(rows))
    sys.stdout.writelines(f"{service} {stack['StackId']}\n" for service, stack in stacks.items() if stack)
    return 0

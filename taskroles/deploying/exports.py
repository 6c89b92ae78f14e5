"""The exports that templates import: whether they are there, and hold what the templates need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskroles.deploying.stacks import all_exports
from taskroles.deploying.templates import imported, planned
from taskroles.faults import printable
from taskroles.terminal import columns

if TYPE_CHECKING:
    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account


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

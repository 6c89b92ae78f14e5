"""What the verbs about deployed environments share: ENV [SERVICE ...], and how their errors end."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from taskroles.access.environments import Environment, here, require
from taskroles.deploying.aws import Refused, aws_errors, no_access
from taskroles.deploying.stacks import strays
from taskroles.terminal import paint, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def parser(verb: str, doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of ENV [SERVICE ...], to which a verb adds its own."""
    made = argparse.ArgumentParser(
        f"taskroles {verb}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("environment", metavar="ENV", help="a folder of out/")
    made.add_argument("services", metavar="SERVICE", nargs="*", help="a service of it; without any, all of them")
    return made


def chosen(name: str, services: Sequence[str], *, deployed: bool = False) -> tuple[Environment, list[str]]:
    """Return the environment and the services meant: those given, or all of it. Raises BadInput for unknown names.

    `deployed`: a service that has a stack, though out/ no longer has it, may be given too.
    """
    environments = here()
    require("environment", name, environments)
    environment = environments[name]
    known = sorted(environment.task_roles)
    if deployed and set(services) - set(known):
        known += strays(environment)
    for service in services:
        require(f"service of {name}", service, known)
    return environment, list(dict.fromkeys(services)) or known


def given(name: str, services: Sequence[str]) -> tuple[Environment, list[str]]:
    """Return the environment, and the services as given: deploy.sh has checked them, and may have deleted their stacks."""
    environment, known = chosen(name, [])
    return environment, list(services) or known


def ended(work: Callable[[], int]) -> int:
    """Do the work of a verb and return its exit code; what AWS or a check refuses is 1, said in a line."""
    try:
        return work()
    except Refused as error:
        say(paint(f"\ndeploy.sh: {error}", "31"))
    except aws_errors() as error:
        say(paint(f"\ndeploy.sh: {no_access(error)}", "31"))
    return 1

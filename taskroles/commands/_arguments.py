"""What the verbs about deployed environments share: ENV [SERVICE ...], and how their errors end."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from taskroles.access.environments import Environment, here, require
from taskroles.deploying.aws import Refused, aws_errors, deployer_of, no_access
from taskroles.deploying.stacks import deployed_services, gone_environments, other_environment
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


def chosen(name: str, services: Sequence[str]) -> tuple[Environment, list[str]]:
    """Return the environment and the services meant: those given, or all of it. Raises BadInput for unknown names."""
    environments = here()
    require("environment", name, environments)
    known = sorted(environments[name].task_roles)
    for service in services:
        require(f"service of {name}", service, known)
    return environments[name], list(dict.fromkeys(services)) or known


def deployed(name: str, services: Sequence[str]) -> tuple[Environment, dict[str, str]]:
    """Return the environment, and the stack of each service meant, whether or not out/ still has service or environment.

    Without any service, all of the environment as out/ has it; all that is deployed, where out/ no longer has it.
    Raises BadInput for unknown names; Refused as `deployer_of`.
    """
    environments = here()
    if name not in environments:
        gone = gone_environments(environments.values())
        require("environment", name, [*environments, *gone])
        environments |= gone
    environment = environments[name]
    known = {service: environment.stack(service) for service in sorted(environment.task_roles)}
    meant = list(dict.fromkeys(services)) or list(known)
    if not environment.described or not known.keys() >= set(meant):
        deployer_of(environment)
        known |= deployed_services(environment)
        meant = meant or list(known)
    for service in meant:
        require(f"service of {name}", service, known)
    return environment, {service: known[service] for service in meant}


def given(name: str, services: Sequence[str]) -> tuple[Environment, list[str]]:
    """Return the environment, and the services as given: deploy.sh has checked them, and may have deleted their stacks."""
    environment = here().get(name) or other_environment(name)
    return environment, list(services) or sorted(environment.task_roles)


def ended(work: Callable[[], int]) -> int:
    """Do the work of a verb and return its exit code; what AWS or a check refuses is 1, said in a line."""
    try:
        return work()
    except Refused as error:
        say(paint(f"\ndeploy.sh: {error}", "31"))
    except aws_errors() as error:
        say(paint(f"\ndeploy.sh: {no_access(error)}", "31"))
    return 1

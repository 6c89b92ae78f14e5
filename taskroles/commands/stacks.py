"""Print what deploy.sh works on: whether the environment is protected; then the stacks, one a line.

A line holds the service, its stack, its template, the template's digest, its last commit (- where none is known) and the
template's parameters as NAME=VALUE, with tabs between. With --copy-to, out/ is copied there first, and all is said of the
copy. Nothing is asked of AWS unless --deployed says that a service may have a stack though out/ no longer has it.
"""

from __future__ import annotations

import os
from pathlib import Path

from taskroles.commands._arguments import chosen, deployed, ended, parser
from taskroles.deploying.plan import Plan, write_plan
from taskroles.deploying.settings import given_parameters
from taskroles.deploying.snapshot import Copied, digest, take
from taskroles.deploying.templates import deployed_parameters, read_template
from taskroles.faults import BadInput, listed


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("stacks", __doc__)
    arguments.add_argument("--copy-to", metavar="FOLDER", type=Path, help="where to copy out/ before")
    arguments.add_argument("--deployed", action="store_true", help="those that are deployed, in out/ or not")
    options = arguments.parse_args(argv)
    if options.deployed:
        return ended(lambda: deployed_stacks(options.environment, options.services))
    return ended(lambda: stacks(options.environment, options.services, options.copy_to))


def deployed_stacks(name: str, services: list[str]) -> int:
    """Print those that are deployed; return the exit code. Raises BadInput."""
    environment, found = deployed(name, services)
    print("protected" if environment.protected or not environment.described else "unprotected")
    for service, stack in found.items():
        print(service, stack, sep="\t")
    return 0


def stacks(name: str, services: list[str], folder: Path | None) -> int:
    """Print them; return the exit code. Raises BadInput."""
    environment, meant = chosen(name, services)
    copied = Copied(environment.protected, (), {})
    if folder:
        copied = take(environment, meant, folder)
        write_plan(Plan(copied.protected, copied.doubts), folder)
        os.chdir(folder)
        environment, meant = chosen(name, services)
    values = {service: deployed_parameters(environment, read_template(environment, service)) for service in meant}
    known = sorted({parameter for each in values.values() for parameter in each})
    for parameter in given_parameters():
        if parameter not in known:
            raise BadInput(
                [f"PARAMETERS: no template has a parameter {parameter!r}; known: {listed(known, parameter)}"]
            )
    print("protected" if copied.protected else "unprotected")
    for service in meant:
        path = environment.template(service)
        tags = digest(Path(path).read_text(encoding="utf-8")), copied.commits.get(path, "-")
        print(service, environment.stack(service), path, *tags, *map("=".join, values[service].items()), sep="\t")
    return 0

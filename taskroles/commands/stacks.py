"""Print what deploy.sh works on: whether the environment is protected; then the stacks, one a line.

A line holds the service, its stack, its template and the template's parameters as NAME=VALUE, with tabs between. Nothing
is asked of AWS unless --deployed says that a service may have a stack though out/ no longer has it.
"""

from __future__ import annotations

from taskroles.commands._arguments import chosen, ended, parser
from taskroles.deploying.settings import given_parameters
from taskroles.deploying.templates import deployed_parameters, read_template
from taskroles.faults import BadInput, listed


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("stacks", __doc__)
    arguments.add_argument("--deployed", action="store_true", help="allow services that out/ no longer has")
    options = arguments.parse_args(argv)
    return ended(lambda: stacks(options.environment, options.services, deployed=options.deployed))


def stacks(name: str, services: list[str], *, deployed: bool) -> int:
    """Print them; return the exit code. Raises BadInput."""
    environment, meant = chosen(name, services, deployed=deployed)
    values: dict[str, dict[str, str]] = {service: {} for service in meant}
    if not deployed:
        values = {service: deployed_parameters(environment, read_template(environment, service)) for service in meant}
        known = sorted({parameter for each in values.values() for parameter in each})
        for parameter in given_parameters():
            if parameter not in known:
                raise BadInput(
                    [f"PARAMETERS: no template has a parameter {parameter!r}; known: {listed(known, parameter)}"]
                )
    print("protected" if environment.protected else "unprotected")
    for service in meant:
        parameters = [f"{key}={value}" for key, value in values[service].items()]
        print(service, environment.stack(service), environment.template(service), *parameters, sep="\t")
    return 0

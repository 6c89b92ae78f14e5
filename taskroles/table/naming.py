"""The names that the patterns of services.yml give: which are illegal, and which two would be one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.names import (
    ENVIRONMENT_FILE,
    VARIABLE,
    filled,
    pattern_faults,
    policy_fault,
    stack_fault,
    substituted,
    template_fault,
)
from taskroles.table.grammar import names_of, parameters_in, settings, task_role_of
from taskroles.table.policies import for_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskroles.names import Names
    from taskroles.table.policies import Fault


class Place(NamedTuple):
    """A service in an environment: what has a stack of its own."""

    environment: str
    service: str

    def __str__(self) -> str:
        """Say it in a message."""
        return f"{self.service} in {self.environment}"


def names_faults(data: dict[str, Any]) -> list[Fault]:
    """Return what is wrong with the names that the patterns give."""
    names = names_of(data)
    faults: list[Fault] = [(("names", kind), text) for kind, text in pattern_faults(names)]
    faults = faults or [*illegal_patterns(names, data)]
    return faults or [*illegal_names(names, data), *shared_stacks(names, data), *shared_policies(names, data)]


def illegal_patterns(names: Names, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield the patterns that give no service a legal name, each with the first environment in which they do not."""
    found: dict[str, str] = {}
    for environment in data["environments"]:
        here, values = names.of_environment(environment), parameters_in(environment, data)
        found["stack"] = found.get("stack") or stack_fault(filled(here.stack, service="x"))
        found["template"] = found.get("template") or template_fault(filled(here.template, service="x"))
        policy = substituted(filled(here.policy, service="x", AwsService="X"), values)
        found["policy"] = found.get("policy") or policy_fault(VARIABLE.sub("x", policy))
    yield from ((("names", kind), text) for kind, text in found.items() if text)


def illegal_names(names: Names, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield the services that are too long for a stack or a template, each with the first environment."""
    here = [names.of_environment(environment) for environment in data["environments"]]

    def faults(service: str) -> Iterator[str]:
        stacks = (stack_fault(filled(each.stack, service=service)) for each in here)
        templates = (template_fault(filled(each.template, service=service)) for each in here)
        yield from filter(None, (next(filter(None, stacks), ""), next(filter(None, templates), "")))

    def takes_the_environments_file(service: str) -> bool:
        return any(filled(each.template, service=service).lower() == ENVIRONMENT_FILE for each in here)

    services = data["services"]
    if not any(faults(max(services, key=len))):  # beside that name, their length is all that can be wrong with them
        services = [service for service in services if takes_the_environments_file(service)]
    yield from ((("services", service), fault) for service in services for fault in faults(service))


def shared_stacks(names: Names, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield the environments and the services that would share a stack: in one account and region, as far as is said."""
    stacks = [
        (filled(pattern, service=service), Place(environment, service))
        for environment in data["environments"]
        for pattern in [names.of_environment(environment).stack]
        for service in data["services"]
    ]
    told = set()
    for stack, one, other in clashes(stacks, data, "account", "region"):
        both = f"{one.environment} and {other.environment}"
        if one.service != other.service:
            yield ("services", other.service), f"{one} and {other} would share the stack {stack}"
        elif both not in told and one.environment.lower() != other.environment.lower():  # those are told elsewhere
            told.add(both)
            remedy = "put {environment} into the name, or give each an account or a region of its own"
            yield ("names", "stack"), f"{both} would share stacks, such as {stack}: {remedy}"


def shared_policies(names: Names, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield the services that would give one role two policies of one name, of which CloudFormation takes one alone."""
    roles: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for environment in data["environments"]:
        values = parameters_in(environment, data)
        for service, entry in data["services"].items():
            role = task_role_of(entry["task_role"])
            roles[role.by, substituted(role.text, values)].append(Place(environment, service))
    for (by, _), places in roles.items():
        if len(places) == 1:
            continue
        policies = [(policy, place) for place in places for policy in policies_of(place, names, data)]
        same = ("account", "region") if by == "export" else ("account",)  # a role is in all regions, an export in one
        for policy, one, other in clashes(policies, data, *same):
            remedy = "put {service}, or {environment}, into the names of policies, or give each a role of its own"
            text = f"{one} and {other} would each put the policy {policy} on this role: {remedy}"
            yield ("services", other.service, "task_role"), text


def clashes(
    names: list[tuple[str, Place]], data: dict[str, Any], *settings_that_tell: str
) -> Iterator[tuple[str, Place, Place]]:
    """Yield each name that two places share, and the two, the earlier one first.

    Places share none if their environments' settings name different accounts (or regions).
    """
    if len({name for name, _ in names}) == len(names):
        return
    earlier: dict[str, list[Place]] = defaultdict(list)
    for name, place in names:
        here = settings(data, place.environment)
        for other in earlier[name]:
            there = settings(data, other.environment)
            if not any(key in here and key in there and here[key] != there[key] for key in settings_that_tell):
                yield name, other, place
                break
        else:
            earlier[name].append(place)


def policies_of(place: Place, names: Names, data: dict[str, Any]) -> list[str]:
    """Return the policies of a service in an environment, each as its name and the folder of its AWS service."""
    here, values = names.of_environment(place.environment), parameters_in(place.environment, data)
    name = substituted(filled(here.policy, service=place.service), values)
    policies = data["services"][place.service]["policies"].items()
    environments = data["environments"]
    return [
        f"{name} for {aws_service}"
        for aws_service, policy in policies
        if for_environment(policy, place.environment, environments) != "none"
    ]

"""services.yml: which ECS service may do what, in which environment.

Reads the file, validates it with services.schema.json and checks what a schema cannot say.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles import names as naming
from taskroles.faults import listed, shown
from taskroles.names import Names
from taskroles.table.policies import RESERVED, Grant, by_environment, for_environment, parts, policy_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskroles.documents import Document, Path
    from taskroles.table.policies import Fault, Level

FILE = "services.yml"
SCHEMA = os.path.join(os.path.dirname(__file__), "services.schema.json")
ENV_TYPE = "EnvType"  # the article's parameter that names the environment
PSEUDO_PARAMETERS = ("AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix")


class Environment(NamedTuple):
    """An environment: its settings, the names of its stacks, templates and policies, its parameters' values."""

    name: str
    protected: bool
    after: str | None
    account: str | None
    region: str | None
    wildcards: bool
    names: Names
    parameters: dict[str, str]


class TaskRole(NamedTuple):
    """The task role of a service: `by` is "export" (another stack exports its name) or "name"; `text` is which."""

    by: str
    text: str


class Service(NamedTuple):
    """An ECS service; `policies` holds, by environment and AWS service, the grants in force there."""

    name: str
    task_role: TaskRole
    policies: dict[str, dict[str, tuple[Grant, ...]]]


class Table(NamedTuple):
    """All of services.yml, resolved: environments and services by name."""

    environments: dict[str, Environment]
    services: dict[str, Service]


def validate(document: Document) -> None:
    """Validate `document` with services.schema.json; raise BadInput with every fault."""
    import jsonschema_rs  # slow to load, and needed only where services.yml is new

    with open(SCHEMA, encoding="utf-8") as file:
        rules = json.load(file)
    validator = jsonschema_rs.validator_for(rules)
    faults: list[Fault] = []
    for error in validator.iter_errors(document.data):
        path, broken = tuple(error.instance_path), rules
        for step in error.schema_path[:-1]:
            broken = broken[step]
        if error.kind.name == "additionalProperties":
            allowed = broken["properties"]
            faults += [
                ((*path, key), f"unknown key {key!r}; allowed: {listed(allowed, key)}") for key in error.kind.unexpected
            ]
        elif error.kind.name == "required":
            faults.append((path, f"lacks {error.kind.property!r}; needed: {', '.join(broken['required'])}"))
        elif error.kind.name == "propertyNames":
            key = error.kind.error.instance
            faults.append(((*path, key), f"{key!r} is not {broken['description']}"))
        elif error.kind.name == "uniqueItems":
            faults.append((path, f"{shown(error.instance)} holds the same twice; keep one"))
        else:
            faults.append((path, f"{shown(error.instance)} is not {broken['description']}"))
    document.refuse(faults)


def resolve(document: Document, levels: dict[str, dict[str, Level]]) -> Table:
    """Return the table of a validated `document`; raise BadInput with every fault that a schema cannot say.

    `levels` holds, by AWS service (a folder of policies/) and level (a partial in it), what the level takes.
    """
    data = document.data
    faults = [*environment_faults(data), *parameter_faults(data), *target_faults(data), *names_faults(data)]
    services = {}
    for name, service in data["services"].items():
        faults += task_role_faults(("services", name, "task_role"), service["task_role"], data)
        policies: dict[str, dict[str, tuple[Grant, ...]]] = {environment: {} for environment in data["environments"]}
        for aws_service, policy in service["policies"].items():
            path = ("services", name, "policies", aws_service)
            if aws_service not in levels:
                folders = listed(levels, aws_service)
                faults.append((path, f"no folder policies/{aws_service}/; AWS services: {folders}"))
                continue
            faults += policy_faults(path, policy, data, levels[aws_service])
            for part in parts(policy, data["environments"], levels[aws_service]):
                for environment in part.environments if part.grants else ():
                    found = tuple(grant_of(written, environment, data) for _, *written in part.grants)
                    policies.get(environment, {})[aws_service] = found
        services[name] = Service(name, task_role_of(service["task_role"]), policies)
    document.refuse(faults)
    return Table({name: environment_of(name, data) for name in data["environments"]}, services)


def grant_of(written: list[Any], environment: str, data: dict[str, Any]) -> Grant:
    """Return a grant as it is in one environment, from its level, target and options as written."""
    level, target, options = written
    found_by = data.get("targets", {}).get(str(target))
    given = tuple((name, str(value)) for name, value in options.items())
    return Grant(level, target, for_environment(found_by, environment, data["environments"]), given)


def task_role_of(written: Any) -> TaskRole:
    """Return a task role as services.yml writes it."""
    return TaskRole("export", written) if isinstance(written, str) else TaskRole("name", written["name"])


def names_of(data: dict[str, Any]) -> Names:
    """Return the patterns of names, those that are not given as they are by default."""
    return Names()._replace(**data.get("names", {}))


def settings(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what services.yml says of an environment: nothing where it only lists them."""
    environments = data["environments"]
    return environments[name] if isinstance(environments, dict) else {}


def environment_of(name: str, data: dict[str, Any]) -> Environment:
    """Return an environment of a table without faults."""
    given = settings(data, name)
    parameters = {
        parameter: for_environment(value, name, data["environments"])
        for parameter, value in data.get("parameters", {}).items()
    }
    return Environment(
        name,
        given.get("protected") == "true",
        given.get("after"),
        given.get("account"),
        given.get("region"),
        given.get("wildcards") == "true",
        names_of(data).of_environment(name),
        {**parameters, ENV_TYPE: name},
    )


def environment_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the environments: their names, and what comes before which."""
    names, seen = list(data["environments"]), {}
    for index, name in enumerate(names):
        where: Path = ("environments", name if isinstance(data["environments"], dict) else index)
        if name in RESERVED:
            yield where, f"{name!r} is no name for an environment: policies say `default` and `none` themselves"
        if seen.setdefault(name.lower(), name) != name:
            yield where, f"{name} and {seen[name.lower()]} differ in case alone, and would share stacks and folders"
        after, chain = settings(data, name).get("after"), [name]
        if after is not None and after not in names:
            yield (*where, "after"), f"no environment is called {after!r}; allowed: {listed(names, after)}"
        while after in names and after not in chain:
            chain.append(after)
            after = settings(data, after).get("after")
        if after == name:
            yield (*where, "after"), f"comes before itself: {' after '.join([*chain, name])}"


def parameter_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the parameters: their names, and environments for which they have no value."""
    for name, value in data.get("parameters", {}).items():
        if name == ENV_TYPE:
            yield ("parameters", name), f"{ENV_TYPE} is the environment's own name; call the parameter otherwise"
        yield from coverage_faults(("parameters", name), value, data)


def coverage_faults(path: Path, value: Any, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield the environments that a value by environment does not know or leaves out."""
    environments = data["environments"]
    if not isinstance(value, dict) or (path[0] == "targets" and not by_environment(value, environments)):
        return
    for name in value:
        if name not in environments and name != "default":
            allowed = listed([*environments, "default"], name)
            yield (*path, name), f"no environment is called {name!r}; allowed: {allowed}"
    missing = [name for name in environments if name not in value]
    if missing and "default" not in value:
        yield path, f"{path[-1]} says nothing for {' and '.join(missing)}; add `default`"


def target_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the targets."""
    policies = [policy for service in data["services"].values() for policy in service["policies"].values()]
    # A level too: {send: q, consume: q}, which should be a list, has its targets where levels stand.
    used = {
        str(name)
        for policy in policies
        for part in parts(policy, data["environments"])
        for _, level, target, _ in part.grants
        for name in (level, target)
    }
    for name, target in data.get("targets", {}).items():
        if name not in used:
            yield ("targets", name), f"no grant uses the target {name!r}; use it or remove it"
        yield from coverage_faults(("targets", name), target, data)
        is_map = by_environment(target, data["environments"])
        for below, found_by in [((key,), each) for key, each in target.items()] if is_map else [((), target)]:
            path = ("targets", name, *below)
            yield from found_by_faults(path, found_by, data)


def found_by_faults(path: Path, found_by: Any, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with one way to find a target."""
    kinds = ("import", "import-arn", "name", "arn")
    if not isinstance(found_by, dict) or len(found_by) != 1 or not isinstance(next(iter(found_by.values())), str):
        yield path, f"{shown(found_by)} is no target: one of {', '.join(kinds)}, as in {{name: orders}}"
        return
    ((kind, value),) = found_by.items()
    if kind not in kinds:
        yield (*path, kind), f"unknown key {kind!r}; allowed: {listed(kinds, kind)}"
    elif kind == "arn" and not value.startswith("arn:"):
        yield (*path, kind), f"{shown(value)} is no ARN, such as arn:aws:sqs:eu-west-1:123456789012:orders"
    elif kind == "name" and not value.strip("/"):
        yield (*path, kind), f"{shown(value)} is no name"
    yield from substitution_faults((*path, kind), value, data)


def task_role_faults(path: Path, written: Any, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with a task role."""
    role = task_role_of(written)
    yield from substitution_faults(path, role.text, data)
    if role.by == "name" and not re.fullmatch(r"[\w+=,.@-]{1,64}", re.sub(r"\$\{\w+\}", "x", role.text), re.ASCII):
        yield (
            (*path, "name"),
            f"{shown(role.text)} is no role's name: letters, digits and +=,.@_-, 64 at the most, no path",
        )


def substitution_faults(path: Path, text: str, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield every `${...}` in `text` that the generated templates do not have."""
    known = [*data.get("parameters", {}), ENV_TYPE, *PSEUDO_PARAMETERS]
    for name in re.findall(r"\$\{([^}]*)\}?", text):
        if name not in known:
            yield path, f"nothing is called ${{{name}}}; allowed: {listed(known, name)}"


def names_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the names that the patterns give."""
    names, wrong = names_of(data), False
    for kind, fault in naming.pattern_faults(names):
        wrong = True
        yield ("names", kind), fault
    yield from substitution_faults(("names", "policy"), names.policy, data)
    if wrong:
        return
    stacks: dict[str, list[tuple[str, str]]] = defaultdict(list)  # by name: the environment and service of each
    templates: dict[tuple[str, str], str] = {}
    for name in data["environments"]:
        here = names.of_environment(name)
        for service in data["services"]:
            stack = naming.filled(here.stack, service=service)
            template = naming.filled(here.template, service=service)
            path = ("services", service)
            if fault := naming.stack_fault(stack) or naming.template_fault(template):
                yield path, fault
            for other in stacks[stack]:
                if may_be_one_place(settings(data, name), settings(data, other[0])):
                    yield path, f"{service} in {name} and {other[1]} in {other[0]} would share the stack {stack}"
            stacks[stack].append((name, service))
            if templates.setdefault((name, template.lower()), service) != service:
                yield path, f"{service} and {templates[name, template.lower()]} would share out/{name}/{template}"


def may_be_one_place(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two environments may share an account and region: they do unless they name different ones."""
    return all(one.get(key, other.get(key)) == other.get(key, one.get(key)) for key in ("account", "region"))


def parameter_sizes(data: dict[str, Any]) -> dict[str, int]:
    """Return the most characters that the value of each parameter has in any environment."""
    sizes = {ENV_TYPE: max(map(len, data["environments"]))}
    for name, value in data.get("parameters", {}).items():
        sizes[name] = max(map(len, value.values() if isinstance(value, dict) else [value]))
    return sizes

"""services.yml: which ECS service may do what, in which environment; what its data means, once it has no faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.names import Names
from taskroles.table.keys import KEY, found_in, keys_of, with_keys
from taskroles.table.policies import Grant, by_environment, for_environment, parts

if TYPE_CHECKING:
    from taskroles.documents import Document, Path
    from taskroles.table.keys import Levels
    from taskroles.table.policies import Written

FILE = "services.yml"
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
    principal: str | None = None


class TaskRole(NamedTuple):
    """The task role of a service: `by` is "export" (another stack exports its name) or "name"; `text` is which."""

    by: str
    text: str


class Service(NamedTuple):
    """An ECS service; `policies` holds, by environment and AWS service, the grants in force there."""

    name: str
    line: int
    task_role: TaskRole
    policies: dict[str, dict[str, tuple[Grant, ...]]]


class Table(NamedTuple):
    """All of services.yml, resolved: environments and services by name; and the document that says so."""

    document: Document
    environments: dict[str, Environment]
    services: dict[str, Service]


def resolve(document: Document, levels: Levels) -> Table:
    """Return the table of a `document` without faults; `levels` says what each level takes."""
    data = document.data
    has_keys = any(any(keys_of(target)) for target in data.get("targets", {}).values())
    environments = {name: environment_of(name, data) for name in data["environments"]}
    services = {}
    for name, service in data["services"].items():
        policies: dict[str, dict[str, tuple[Grant, ...]]] = {environment: {} for environment in environments}
        for aws_service, policy in service["policies"].items():
            for part in parts(policy, environments):
                for environment in part.environments if part.grants else ():
                    found = tuple(grant_of(written, environment, data) for written in part.grants)
                    policies[environment][aws_service] = found
        if has_keys:
            policies = {each: with_keys(granted, each, data, levels) for each, granted in policies.items()}
        services[name] = Service(name, data["services"].lines[name], task_role_of(service["task_role"]), policies)
    return Table(document, environments, services)


def grant_at(data: dict[str, Any], service: str, aws_service: str, environment: str, index: int) -> Path:
    """Return where the grant of that index stands which a service has on an AWS service in an environment."""
    policy = data["services"][service]["policies"][aws_service]
    grants = next(part.grants for part in parts(policy, data["environments"]) if environment in part.environments)
    return ("services", service, "policies", aws_service, *grants[index].path)


def target_path(data: dict[str, Any], target: str, environment: str) -> Path:
    """Return where it stands how a target is found in an environment."""
    found = data["targets"][target]
    by = (environment if environment in found else "default",) if by_environment(found, data["environments"]) else ()
    (kind,) = (each for each in (found[by[0]] if by else found) if each != KEY)
    return ("targets", target, *by, kind)


def grant_of(written: Written, environment: str, data: dict[str, Any]) -> Grant:
    """Return a grant as it is in one environment."""
    target = data.get("targets", {}).get(str(written.target))
    options = tuple((name, str(value)) for name, value in written.options.items())
    return Grant(written.level, written.target, found_in(target, environment, data["environments"]), options)


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
    return Environment(
        name,
        given.get("protected") == "true",
        given.get("after"),
        given.get("account"),
        given.get("region"),
        given.get("wildcards") == "true",
        names_of(data).of_environment(name),
        parameters_in(name, data),
        given.get("principal"),
    )


def parameters_in(environment: str, data: dict[str, Any]) -> dict[str, str]:
    """Return the values of the parameters in an environment: those that have one."""
    given = data.get("parameters", {})
    values = {name: for_environment(value, environment, data["environments"]) for name, value in given.items()}
    return {**{name: value for name, value in values.items() if isinstance(value, str)}, ENV_TYPE: environment}


def parameter_sizes(data: dict[str, Any]) -> dict[str, int]:
    """Return the most characters that the value of each parameter has in any environment."""
    sizes = {ENV_TYPE: max(map(len, data["environments"]))}
    for name, value in data.get("parameters", {}).items():
        sizes[name] = max(map(len, value.values() if isinstance(value, dict) else [value]))
    return sizes

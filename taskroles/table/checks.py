"""What is wrong with services.yml that a schema cannot say."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from taskroles.faults import listed, shown
from taskroles.names import VARIABLE, role_fault, substituted, unknown_variable
from taskroles.table.grammar import ENV_TYPE, PSEUDO_PARAMETERS, names_of, parameters_in, settings, task_role_of
from taskroles.table.keys import KEY, key_faults, keys_of
from taskroles.table.naming import names_faults
from taskroles.table.policies import RESERVED, by_environment, parts, policy_faults

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from taskroles.documents import Document, Path
    from taskroles.table.policies import Fault, Level

KINDS = ("import", "import-arn", "name", "arn")  # of targets
SUBSTITUTION = re.compile(r"\$\{([^}]*)(\}?)")


def check(document: Document, levels: Mapping[str, Mapping[str, Level]]) -> None:
    """Raise BadInput with every fault of a `document` that the schema takes.

    `levels` holds, by AWS service (a folder of policies/) and level (a partial in it), what the level takes.
    """
    data = document.data
    faults = [*environment_faults(data, levels), *parameter_faults(data)]
    faults += [*substitution_faults(("names", "policy"), names_of(data).policy, data)] or names_faults(data)
    used: set[str] = {key for target in data.get("targets", {}).values() for _, key in keys_of(target)}
    granted: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for name, service in data["services"].items():
        faults += task_role_faults(("services", name, "task_role"), service["task_role"], data)
        for aws_service, policy in service["policies"].items():
            path = ("services", name, "policies", aws_service)
            found = [*parts(policy, data["environments"], levels.get(aws_service, ()))]
            # A level too: {send: q, consume: q}, which should be a list, has its targets where levels stand.
            used.update(str(name) for part in found for _, *names, _ in part.grants for name in names)
            for grant in (grant for part in found for grant in part.grants):
                texts = [text for text in grant.options.values() if isinstance(text, str)]
                faults += (each for text in texts for each in substitution_faults((*path, *grant.path), text, data))
                if grant.level in levels.get(aws_service, ()):
                    granted[str(grant.target)].add((aws_service, grant.level))
            if aws_service in levels:
                faults += policy_faults(path, policy, found, data, levels[aws_service])
            else:
                folders = listed(levels, aws_service)
                faults.append((path, f"no folder policies/{aws_service}/; AWS services: {folders}"))
    document.refuse([*faults, *target_faults(data, used), *key_faults(data, granted, levels)])


def environment_faults(data: dict[str, Any], levels: Mapping[str, Mapping[str, Level]]) -> Iterator[Fault]:
    """Yield what is wrong with the environments: their names, and what comes before which."""
    names, seen = dict.fromkeys(data["environments"]), {}
    for index, name in enumerate(names):
        where: Path = ("environments", name if isinstance(data["environments"], dict) else index)
        if name in (*RESERVED, *KINDS, KEY):
            yield where, f"{name!r} is no name for an environment: policies and targets say it themselves"
        for aws_service in [each for each in levels if name in levels[each]]:
            yield (
                where,
                f"{name!r} is a level of {aws_service} too, and {{{name}: ...}} would be either; call it otherwise",
            )
        if seen.setdefault(name.lower(), name) != name:
            yield where, f"{name} and {seen[name.lower()]} differ in case alone, and would share stacks and folders"
        after, chain = settings(data, name).get("after"), {name: None}
        if after is not None and after not in names:
            yield (*where, "after"), f"no environment is called {after!r}; allowed: {listed(names, after)}"
        while after in names and after not in chain:
            chain[after] = None
            after = settings(data, after).get("after")
        if after == name:
            yield (*where, "after"), f"comes before itself: {' after '.join([*chain, name])}"


def parameter_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the parameters: their names, and environments for which they have no value."""
    for name, value in data.get("parameters", {}).items():
        if name == ENV_TYPE:
            yield ("parameters", name), f"{ENV_TYPE} is the environment's own name; call the parameter otherwise"
        if isinstance(value, dict):
            yield from coverage_faults(("parameters", name), value, data["environments"])


def coverage_faults(path: Path, value: dict[str, Any], environments: Collection[str]) -> Iterator[Fault]:
    """Yield the environments that a value by environment does not know or leaves out."""
    for name in value:
        if name not in environments and name != "default":
            allowed = listed([*environments, "default"], name)
            yield (*path, name), f"no environment is called {name!r}; allowed: {allowed}"
    missing = [name for name in environments if name not in value]
    if missing and "default" not in value:
        yield path, f"{path[-1]} says nothing for {' and '.join(missing)}; add `default`"


def target_faults(data: dict[str, Any], used: set[str]) -> Iterator[Fault]:
    """Yield what is wrong with the targets, of which grants use some."""
    environments = data["environments"]
    for name, target in data.get("targets", {}).items():
        path = ("targets", name)
        if name not in used:
            yield path, f"no grant uses the target {name!r}; use it or remove it"
        if not by_environment(target, environments) and not any(isinstance(each, dict) for each in target.values()):
            yield from found_by_faults(path, target, data)
            continue
        yield from coverage_faults(path, target, environments)
        for environment, found_by in target.items():
            yield from found_by_faults((*path, environment), found_by, data)


def found_by_faults(path: Path, found_by: Any, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with one way to find a target."""
    ways = [(kind, value) for kind, value in found_by.items() if kind != KEY] if isinstance(found_by, dict) else []
    if len(ways) != 1:
        yield path, f"{shown(found_by)} is no target: one of {', '.join(KINDS)}, as in {{name: orders}}"
        return
    ((kind, value),) = ways
    if kind not in KINDS:
        yield (*path, kind), f"unknown key {kind!r}; allowed: {listed([*KINDS, KEY], kind)}"
    elif kind == "arn" and not value.startswith("arn:"):
        yield (*path, kind), f"{shown(value)} is no ARN, such as arn:aws:sqs:eu-west-1:123456789012:orders"
    elif kind != "arn" and value.startswith("arn:"):
        holds = "a name" if kind == "name" else "the name of an export"
        yield (*path, kind), f"{shown(value)} is an ARN, and {kind} is {holds}; write {{arn: ...}}"
    elif kind == "name" and not value.strip("/"):
        yield (*path, kind), f"{shown(value)} is no name"
    yield from substitution_faults((*path, kind), value, data)


def task_role_faults(path: Path, written: Any, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with a task role; its name, with the first environment in which it is none."""
    role = task_role_of(written)
    if role.by == "export" and role.text.startswith("arn:"):
        yield (
            path,
            f"{shown(role.text)} is an ARN: write the export that holds the role's name, or {{name: ...}}, the name",
        )
    yield from substitution_faults(path, role.text, data)
    if role.by == "name":
        names = (substituted(role.text, parameters_in(environment, data)) for environment in data["environments"])
        faults = [role_fault(VARIABLE.sub("x", name)) for name in names]
        yield from (((*path, "name"), fault) for fault in [next(filter(None, faults), "")] if fault)


def substitution_faults(path: Path, text: str, data: dict[str, Any]) -> Iterator[Fault]:
    """Yield every `${...}` in `text` that the generated templates do not have, or that does not end."""
    if "${" not in text:
        return
    known = [*data.get("parameters", {}), ENV_TYPE, *PSEUDO_PARAMETERS]
    for name, end in SUBSTITUTION.findall(text):
        if name not in known:
            yield path, unknown_variable(name, known)
        elif not end:
            yield path, f"${{{name} is not closed: write ${{{name}}}"

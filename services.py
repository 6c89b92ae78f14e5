"""services.yml: which ECS service may do what, in which environment.

Reads the file, validates it with services.schema.json and checks what a schema cannot say.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PARAMETERS = ("VPCName", "EnvType", "AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix")
DEEPEST = 16


class BadInput(Exception):
    """Faults of what the user wrote: `faults`, one text each, as `place: what is wrong, and what is allowed`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(dict.fromkeys(faults))


class Grant(NamedTuple):
    """One level of access to one AWS service; narrowed, if it names a target, to what `found_by` finds it by."""

    level: str
    target: str | None
    found_by: dict[str, str] | None


class Service(NamedTuple):
    """An ECS service; `policies` holds, by environment and AWS service, the grants in force there."""

    name: str
    task_role: str
    policies: dict[str, dict[str, tuple[Grant, ...]]]


class Document:
    """services.yml as plain data (`data`: every scalar is text), with the line of each part."""

    def __init__(self, name: str, text: str) -> None:
        """Parse `text`; raise BadInput where it is not YAML, repeats a key or uses an alias."""
        self.name = name
        self.faults: list[str] = []
        self._seen: set[int] = set()
        try:
            loader = yaml.CBaseLoader(text)
            self._root = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise BadInput([f"{name}:{mark.line + 1}: not YAML: {error.problem}"]) from None
        except yaml.YAMLError as error:
            raise BadInput([f"{name}: not YAML: {' '.join(str(error).split())}"]) from None
        if self._root is None:
            raise BadInput([f"{name}:1: is empty; it needs `environments` and `services`"])
        self.data = self._plain(self._root, 0)
        if self.faults:
            raise BadInput(self.faults)

    def _plain(self, node: yaml.Node, depth: int) -> Any:
        line = node.start_mark.line + 1
        if id(node) in self._seen:
            self.faults.append(f"{self.name}:{line}: is used again through a YAML alias (*name); write it out "
                               "where it is used, so that a review of that line sees all of it")
            return ""
        self._seen.add(id(node))
        if depth > DEEPEST:
            self.faults.append(f"{self.name}:{line}: is nested more than {DEEPEST} levels deep")
            return ""
        if isinstance(node, yaml.ScalarNode):
            return node.value
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, depth + 1) for item in node.value]
        data: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.faults.append(f"{self.name}:{line}: a key must be text")
            elif key.value in data:
                self.faults.append(f"{self.name}:{line}: {key.value!r} stands here a second time; keep one")
            else:
                data[key.value] = self._plain(value, depth + 1)
        return data

    def place(self, path: tuple[str | int, ...]) -> str:
        """Return `services.yml:LINE` of the part at `path` (keys and indices from the top; an end may be missing)."""
        node, line = self._root, self._root.start_mark.line
        for step in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
                line = node.start_mark.line
                continue
            found = [pair for pair in node.value if pair[0].value == step] if isinstance(node, yaml.MappingNode) else []
            if not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
        return f"{self.name}:{line + 1}"


def validate(document: Document, schema: str) -> None:
    """Validate `document` with the JSON Schema in the text `schema`; raise BadInput with every fault."""
    import jsonschema_rs  # noqa: PLC0415 - slow to load, and needed only where services.yml is new

    rules = json.loads(schema)
    faults = []
    for error in jsonschema_rs.validator_for(rules).iter_errors(document.data):
        path, broken = tuple(error.instance_path), rules
        for step in error.schema_path[:-1]:
            broken = broken[step]
        if error.kind.name == "additionalProperties":
            faults += [
                f"{document.place((*path, key))}: unknown key {key!r}; allowed: {listed(broken['properties'], key)}"
                for key in error.kind.unexpected
            ]
        elif error.kind.name == "required":
            faults.append(f"{document.place(path)}: lacks `{error.kind.property}`: {broken['description']}")
        elif error.kind.name == "propertyNames":
            key = error.instance
            faults.append(f"{document.place((*path, key))}: {key!r} is not {broken['description']}")
        else:
            faults.append(f"{document.place(path)}: {shown(error.instance)} is not {broken['description']}")
    if faults:
        raise BadInput(faults)


def resolve(document: Document, levels: dict[str, dict[str, bool]]) -> list[Service]:
    """Return the services of a validated `document`, after the checks that a schema cannot say.

    `levels` holds, by AWS service (a folder of policies/) and level (a partial in it), whether the level takes a
    target. Raises BadInput with every fault.
    """
    data, faults = document.data, []
    environments, targets = data["environments"], data.get("targets", {})
    used: set[str] = set()

    def fault(path: tuple[str | int, ...], text: str) -> None:
        faults.append(f"{document.place(path)}: {text}")

    def grant(path: tuple[str | int, ...], aws_service: str, value: str | dict[str, str]) -> Grant:
        level, target = (value, None) if isinstance(value, str) else next(iter(value.items()))
        used.add(target or "")
        known = levels[aws_service]
        if level not in known:
            nearest_of = [*known, *environments, "default", "none"]
            fault(path, f"{aws_service} has no level {level!r}; its levels: {listed(known, level, nearest_of)}")
        elif target is not None and target not in targets:
            fault(path, f"no target is called {target!r}; targets: {listed(targets, target)}")
        elif known[level] and target is None:
            fault(path, f"{aws_service}: {level} needs a target: {{{level}: {next(iter(targets), 'TARGET')}}}")
        elif target is not None and not known[level]:
            fault(path, f"{aws_service}: {level} takes no target; write it alone: {level}")
        return Grant(level, target, targets.get(target))

    def grants(path: tuple[str | int, ...], aws_service: str, value: Any) -> tuple[Grant, ...]:
        if value == "none":
            return ()
        items = value if isinstance(value, list) else [value]
        paths = [(*path, index) for index in range(len(items))] if isinstance(value, list) else [path]
        return tuple(grant(where, aws_service, item) for where, item in zip(paths, items))

    def by_environment(path: tuple[str | int, ...], aws_service: str, policy: Any) -> dict[str, tuple[Grant, ...]]:
        if not is_environment_map(policy, environments):
            return dict.fromkeys(environments, grants(path, aws_service, policy))
        allowed = [*environments, "default"]
        for name in policy:
            if name not in allowed:
                fault((*path, name), f"no environment is called {name!r}; allowed: {listed(allowed, name)}")
        missing = [name for name in environments if name not in policy]
        if missing and "default" not in policy:
            fault(path, f"{aws_service} says nothing for {', '.join(missing)}; add `default`, if need be `default: none`")
        found = {name: grants((*path, name), aws_service, value) for name, value in policy.items()}
        return {name: found.get(name, found.get("default", ())) for name in environments}

    services = []
    for name, service in data["services"].items():
        path = ("services", name)
        policies: dict[str, dict[str, tuple[Grant, ...]]] = {environment: {} for environment in environments}
        for aws_service, policy in service["policies"].items():
            where = (*path, "policies", aws_service)
            if aws_service not in levels:
                fault(where, f"no folder policies/{aws_service}/; AWS services: {listed(levels, aws_service)}")
                continue
            for environment, found in by_environment(where, aws_service, policy).items():
                if found:
                    policies[environment][aws_service] = found
        services.append(Service(name, service["task_role"], policies))
        check_parameters(fault, (*path, "task_role"), service["task_role"])
    for name, target in targets.items():
        for key, value in target.items():
            check_parameters(fault, ("targets", name, key), value)
        if name not in used:
            fault(("targets", name), f"no grant uses the target {name!r}; use it or remove it")
    for index, name in enumerate(environments):
        if name.lower() in [other.lower() for other in environments[:index]]:
            fault(("environments", index), f"{name!r} differs from another environment in capitals only, and stack names do not")
    if faults:
        raise BadInput(faults)
    return services


def is_environment_map(policy: Any, environments: list[str]) -> bool:
    """Tell a map from environment to grants from a single level with its target."""
    return isinstance(policy, dict) and (len(policy) > 1 or next(iter(policy)) in (*environments, "default"))


def check_parameters(fault: Callable[..., None], path: tuple[str | int, ...], text: str) -> None:
    """Call `fault` for every `${...}` in `text` that the generated templates do not have."""
    for name in re.findall(r"\$\{([^}]*)\}?", text):
        if name not in PARAMETERS:
            fault(path, f"nothing is called ${{{name}}}; parameters: {listed(PARAMETERS, name)}")


def listed(allowed: Iterable[str], name: str, nearest_of: Iterable[str] = ()) -> str:
    """Return `allowed` as a list for a person, and the nearest to `name`, a misspelt one, among it (or `nearest_of`)."""
    import difflib  # noqa: PLC0415 - only errors need it

    allowed = list(allowed)
    near = difflib.get_close_matches(name, list(nearest_of) or allowed, 1)
    return (", ".join(allowed) or "none yet") + (f". Did you mean {near[0]!r}?" if near else "")


def shown(value: Any) -> str:
    """Return `value` as JSON on one line, cut to a length that fits an error message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."

"""services.yml: which ECS service may do what, in which environment.

Reads the file, validates it with services.schema.json and checks what a schema cannot say.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARAMETERS = ("VPCName", "EnvType", "AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix")
DEEPEST = 16
LONGEST_SHOWN = 60
ALIAS = (
    "is used again through a YAML alias (*name); write it out where it is used, so that a review of that line sees "
    "all of it"
)

CONTENT = {
    yaml.ScalarEvent: lambda event: event.value,
    yaml.SequenceStartEvent: lambda _: [],
    yaml.MappingStartEvent: lambda _: {},
    yaml.AliasEvent: lambda _: "",
}

Path = tuple[str | int, ...]  # keys and indices from the top of services.yml
Fault = tuple[Path, str]  # where it is, and what is wrong


class BadInput(Exception):
    """Faults of what the user wrote: `faults`, one text each, as `place: what is wrong, and what is allowed`."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = list(dict.fromkeys(printable(fault) for fault in faults))
        super().__init__("\n".join(self.faults))


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
        self._text = text
        self._known_pairs: dict[yaml.Node, dict[Any, tuple[yaml.Node, yaml.Node]]] = {}
        try:
            self.data, faults = plain_data(text)
        except yaml.YAMLError as error:
            line, problem = yaml_fault(error, text)
            raise BadInput([f"{name}:{line + 1}: not YAML: {problem}"]) from None
        if self.data is None:
            faults = [(0, "is empty; it needs `environments` and `services`")]
        if faults:
            raise BadInput([f"{name}:{line + 1}: {text}" for line, text in faults])

    @functools.cached_property
    def _root(self) -> yaml.Node:
        return yaml.CBaseLoader(self._text).get_single_node()  # recurses, so not before plain_data has accepted it

    def refuse(self, faults: list[Fault]) -> None:
        """Raise BadInput for `faults`, in the order of their lines, unless there are none."""
        if faults:
            raise BadInput(
                [
                    f"{self.name}:{line}: {text}"
                    for line, text in sorted((self.line(path), text) for path, text in faults)
                ]
            )

    def line(self, path: Path) -> int:
        """Return the line of the part at `path`, or of the nearest part around it."""
        node, line = self._root, self._root.start_mark.line
        for step in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
                line = node.start_mark.line
                continue
            if not isinstance(node, yaml.MappingNode) or step not in self._pairs(node):
                break
            key, node = self._pairs(node)[step]
            line = key.start_mark.line
        return line + 1

    def _pairs(self, node: yaml.MappingNode) -> dict[Any, tuple[yaml.Node, yaml.Node]]:
        if node not in self._known_pairs:
            self._known_pairs[node] = {key.value: (key, value) for key, value in node.value}
        return self._known_pairs[node]


def plain_data(text: str) -> tuple[Any, list[tuple[int, str]]]:
    """Return the YAML in `text` as plain data, every scalar as text, None if empty; and its faults, by line from 0.

    Goes by events: PyYAML's composer recurses in C, so that a file nested deeply enough would end the process; and it
    takes twice the time.
    """
    documents: list[Any] = []
    containers = [[documents, None]]
    anchors: dict[str, int] = {}
    faults: list[tuple[int, str]] = []
    for event in yaml.parse(text, yaml.CBaseLoader):
        if isinstance(event, yaml.CollectionEndEvent):
            containers.pop()
        if not isinstance(event, yaml.NodeEvent):
            continue
        line = event.start_mark.line
        if isinstance(event, yaml.AliasEvent):
            faults.append((anchors.get(event.anchor, line), ALIAS))
        elif event.anchor:
            anchors[event.anchor] = line
        value = CONTENT[type(event)](event)
        if fault := add(containers[-1], value):
            faults.append((line, fault))
        if not isinstance(value, str):
            containers.append([value, None])
        if len(containers) > DEEPEST:
            return "", [*faults, (line, f"is nested more than {DEEPEST} levels deep")]
        if len(documents) > 1:
            return "", [*faults, (line, "starts a second YAML document; keep one")]
    return (documents or [None])[0], faults


def add(container: list[Any], value: Any) -> str:
    """Add the next key or value to a container and the key in it that waits for its value; return what is wrong."""
    data, key = container
    if isinstance(data, list):
        data.append(value)
    elif key is not None:
        data[key] = value
        container[1] = None
    elif not isinstance(value, str):
        container[1] = ""
        return "a key must be text"
    else:
        container[1] = value
        if value in data:
            return f"{value!r} stands here a second time; keep one"
    return ""


def yaml_fault(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Return the line (from 0) of `text` at which it is not YAML, and what is wrong there."""
    if isinstance(error, yaml.MarkedYAMLError):
        return (error.problem_mark or error.context_mark).line, error.problem or error.context
    before = text.encode("utf-8", "surrogatepass")[: error.position]  # a ReaderError
    return before.count(b"\n"), f"character #x{error.character:04x}: {error.reason}"


def validate(document: Document, schema: str) -> None:
    """Validate `document` with the JSON Schema in the text `schema`; raise BadInput with every fault."""
    import jsonschema_rs  # slow to load, and needed only where services.yml is new

    try:
        rules = json.loads(schema)
        validator = jsonschema_rs.validator_for(rules)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise BadInput([f"services.schema.json: is no JSON Schema: {str(error).splitlines()[0]}"]) from None
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


def resolve(document: Document, levels: dict[str, dict[str, bool]]) -> list[Service]:
    """Return the services of a validated `document`; raise BadInput with every fault that a schema cannot say.

    `levels` holds, by AWS service (a folder of policies/) and level (a partial in it), whether the level takes a
    target.
    """
    environments, targets = document.data["environments"], document.data.get("targets", {})
    faults = [*name_faults(document.data), *target_faults(document.data)]
    services = []
    for name, service in document.data["services"].items():
        faults += parameter_faults(("services", name, "task_role"), service["task_role"])
        policies: dict[str, dict[str, tuple[Grant, ...]]] = {environment: {} for environment in environments}
        for aws_service, policy in service["policies"].items():
            path = ("services", name, "policies", aws_service)
            if aws_service not in levels:
                folders = listed(levels, aws_service)
                faults.append((path, f"no folder policies/{aws_service}/; AWS services: {folders}"))
                continue
            faults += policy_faults(path, policy, document.data, levels[aws_service])
            for _, names, grants in parts(policy, environments):
                found = tuple(Grant(level, target, targets.get(str(target))) for _, level, target in grants)
                for environment in names if found else ():
                    policies.get(environment, {})[aws_service] = found
        services.append(Service(name, service["task_role"], policies))
    document.refuse(faults)
    return services


def parts(policy: Any, environments: list[str]) -> Iterator[tuple[Path, list[str], list[tuple[Path, str, str | None]]]]:
    """Yield the parts of a policy: a path below it, the environments that it is for, and its grants.

    A grant is its path below the policy, its level and its target. Environments start with a capital, levels do not.
    """
    is_map = isinstance(policy, dict) and (
        len(policy) > 1 or next(iter(policy)) == "default" or min(policy)[:1].isupper()
    )
    for name, value in policy.items() if is_map else [("default", policy)]:
        path: Path = (name,) if is_map else ()
        names = [name] if name != "default" else [each for each in environments if not is_map or each not in policy]
        items = (
            [((*path, index), item) for index, item in enumerate(value)] if isinstance(value, list) else [(path, value)]
        )
        grants = [
            (where, *((item, None) if isinstance(item, str) else next(iter(item.items())))) for where, item in items
        ]
        yield path, names, [] if value == "none" else grants


def policy_faults(path: Path, policy: Any, data: dict[str, Any], levels: dict[str, bool]) -> Iterator[Fault]:
    """Yield what is wrong with a policy on one AWS service, whose `levels` tell which of them take a target."""
    environments, aws_service = data["environments"], path[-1]
    if isinstance(policy, dict) and len(policy) > 1 and policy.keys() <= levels.keys():
        yield (
            path,
            f"several grants are a list: [{', '.join(f'{{{key}: {shown(policy[key])}}}' for key in policy)}]".replace(
                '"', ""
            ),
        )
        return
    covered: list[str] = []
    for below, names, grants in parts(policy, environments):
        covered += names
        for name in names:
            if name not in environments:
                allowed = [*environments, "default"]
                yield (*path, *below), f"no environment is called {name!r}; allowed: {listed(allowed, name)}"
        for where, level, target in grants:
            if fault := grant_fault(aws_service, level, target, data, levels):
                yield (*path, *where), f"{aws_service}: {fault}"
    missing = [name for name in environments if name not in covered]
    if missing:
        yield (
            path,
            f"{aws_service} says nothing for {' and '.join(missing)}; add `default`, or `default: none` for no access",
        )


def grant_fault(aws_service: Any, level: str, target: Any, data: dict[str, Any], levels: dict[str, bool]) -> str:  # noqa: PLR0911 - a return each
    """Return what is wrong with a grant on an AWS service of these `levels`, empty if nothing is."""
    targets = data.get("targets", {})
    if level == "none":
        return "`none` stands alone: it means no access"
    if target is not None and not isinstance(target, str):
        return f"a grant has one target; several are a list of grants: [{{{level}: a}}, {{{level}: b}}]"
    if level not in levels:
        near = nearest(level, [*levels, *data["environments"], "default", "none"])
        return f"no level is called {level!r}; levels: {', '.join(levels)}{near}"
    if target is None and levels[level]:
        return f"{level} needs a target, as in {{{level}: {next(iter(targets), 'sample-queue')}}}"
    if target is not None and not levels[level]:
        return f"{level} takes no target: policies/{aws_service}/{level}.yml.j2 does not mention `target`; write it alone: {level}"
    if target is not None and target not in targets:
        return f"no target is called {target!r}; targets: {listed(targets, target)}"
    return ""


def target_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the targets."""
    policies = [policy for service in data["services"].values() for policy in service["policies"].values()]
    # A level too: {send: q, consume: q}, which should be a list, has its targets where levels stand.
    named = [
        name for policy in policies for _, _, grants in parts(policy, []) for _, *names in grants for name in names
    ]
    used = {name for name in named if isinstance(name, str)}
    for name, target in data.get("targets", {}).items():
        if name not in used:
            yield ("targets", name), f"no grant uses the target {name!r}; use it or remove it"
        for key, value in target.items():
            yield from parameter_faults(("targets", name, key), value)


def name_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield the environments whose stacks would have the same name: it holds the environment in small letters."""
    seen: dict[str, str] = {}
    for index, name in enumerate(data["environments"]):
        if seen.setdefault(name.lower(), name) != name:
            yield (
                ("environments", index),
                f"{name} and {seen[name.lower()]} would share a stack name, which is in small letters",
            )


def parameter_faults(path: Path, text: str) -> Iterator[Fault]:
    """Yield every `${...}` in `text` that the generated templates do not have."""
    for name in re.findall(r"\$\{([^}]*)\}?", text):
        if name not in PARAMETERS:
            yield path, f"nothing is called ${{{name}}}; allowed: {listed(PARAMETERS, name)}"


def listed(allowed: Iterable[str], name: str) -> str:
    """Return `allowed` as a list for a person, and the nearest of it to `name`, a misspelt one."""
    allowed = list(allowed)
    return (", ".join(allowed) or "none yet") + nearest(name, allowed)


def nearest(name: str, known: list[str]) -> str:
    """Return a question for the nearest to `name` among `known`, empty if none is near."""
    import difflib  # only errors need it

    near = difflib.get_close_matches(name, known, 1)
    return f". Did you mean {near[0]!r}?" if near else ""


def shown(value: Any) -> str:
    """Return `value` as JSON on one line, cut to a length that fits an error message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def printable(text: str) -> str:
    """Return `text` with what is not printable escaped: a fault is one line, and no terminal obeys it."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )

"""What out/ says of itself: its environments, each with its settings, names and stacks (out/<Env>/environment.yml)."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.documents import Document, decoded
from taskroles.faults import BadInput, listed, nearest, shown, visible
from taskroles.names import Names, filled, pattern_faults
from taskroles.tree import ENVIRONMENT_FILE, OUT, oddity, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class TaskRole(NamedTuple):
    """A task role: `by` is "export" (another stack exports its name) or "name"; `text` is which, with its ${...}."""

    by: str
    text: str


class Environment(NamedTuple):
    """An environment as its environment.yml says; as far as its paths tell, where it has none (`described` is False)."""

    name: str
    names: Names
    described: bool = True
    protected: bool = False
    after: str = ""
    account: str = ""
    region: str = ""
    wildcards: bool = False
    parameters: Mapping[str, str] = {}
    task_roles: Mapping[str, TaskRole] = {}
    principal: str = ""  # who deploys, if it says so

    @property
    def path(self) -> str:
        """The path of its environment.yml."""
        return f"{OUT}/{self.name}/{ENVIRONMENT_FILE}"

    def stack(self, service: str) -> str:
        """Return the name of a service's stack."""
        return filled(self.names.stack, service=service)

    def template(self, service: str) -> str:
        """Return the path of a service's template."""
        return f"{OUT}/{self.name}/{filled(self.names.template, service=service)}"

    def service(self, path: str) -> str:
        """Return the service whose template a path is; where the pattern does not fit, the name of the file."""
        name = os.path.basename(path)
        match = matcher(self.names.template).fullmatch(name)
        return match[1] if match else name

    def is_of_pattern(self, path: str) -> bool:
        """Tell whether a path is one that the pattern of templates makes."""
        return bool(matcher(self.names.template).fullmatch(os.path.basename(path)))

    def service_of_stack(self, stack: str) -> str:
        """Return the service that a stack of this name is of, "" if it is none of this environment's."""
        match = matcher(self.names.stack).fullmatch(stack)
        return match[1] if match else ""


@cache
def matcher(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern, whose one group is the service."""
    before, _, after = pattern.partition("{service}")
    return re.compile(re.escape(before) + "([a-z][a-z0-9-]*)" + re.escape(after).replace(re.escape("{service}"), r"\1"))


def read_environment(text: str, path: str) -> Environment:
    """Return what an environment.yml says. Raises BadInput where it is not as render.py writes it."""
    document = Document(path, text)
    data, folder = document.data, os.path.basename(os.path.dirname(os.path.abspath(path)))
    document.refuse([(below, f"{what}: run `make render`") for below, what in _faults(data, folder)])
    return Environment(
        data["environment"],
        Names(**data["names"]),
        protected=data.get("protected") == "true",
        **{key: data.get(key, "") for key in ("after", "account", "region", "principal")},
        wildcards=data.get("wildcards") == "true",
        parameters=data.get("parameters", {}),
        task_roles={
            service: TaskRole(*written)
            for service, role in data.get("task_roles", {}).items()
            for written in role.items()
        },
    )


def beside(template: Path) -> tuple[Environment | None, str]:
    """Return the environment of a template, as the environment.yml beside it says; and why there is none."""
    path = template.with_name(ENVIRONMENT_FILE)
    try:
        return read_environment(decoded(path.read_bytes(), str(path)), str(path)), ""
    except FileNotFoundError:
        return None, f"there is no {path}, which says whose role this is and what policies are called"
    except OSError as error:
        return None, f"{path}: {error.strerror}"
    except BadInput as error:
        return None, "; ".join(error.faults)


def _faults(data: Any, folder: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where an environment.yml is not as render.py writes it, and what is wrong there."""
    if not isinstance(data, dict):
        yield (), "is no map"
        return
    for key, value in data.items():
        if key not in SHAPES:
            yield (key,), f"nothing is called {key}; known: {listed(SHAPES, key)}"
        elif not SHAPES[key](value):
            yield (key,), f"{key} cannot be {shown(value)}"
    for key in ("environment", "names"):
        if key not in data:
            yield (), f"lacks {key}"
    if _are_names(data.get("names")):
        yield from ((("names", kind), what) for kind, what in pattern_faults(Names(**data["names"])))
    if data.get("environment", folder) != folder:
        yield ("environment",), f"is of {shown(data['environment'])}, and lies in the folder of {folder}"


def _is_map_of_text(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, (*value, *value.values())))


def _is_text(value: Any) -> bool:
    """Tell whether a value is text that is seen whole: a tab would end a column of what deploy.sh reads."""
    return isinstance(value, str) and visible(value)


def _are_names(value: Any) -> bool:
    return _is_map_of_text(value) and value.keys() == Names()._asdict().keys()


def _are_roles(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_map_of_text(role) and list(role) in (["export"], ["name"]) for role in value.values()
    )


SHAPES: dict[str, Callable[[Any], bool]] = {
    "environment": _is_text,
    "protected": lambda value: value in ("true", "false"),
    "after": _is_text,
    "account": _is_text,
    "region": _is_text,
    "principal": _is_text,
    "wildcards": lambda value: value in ("true", "false"),
    "names": _are_names,
    "parameters": _is_map_of_text,
    "task_roles": _are_roles,
}


def environments_in(contents: Mapping[str, bytes]) -> dict[str, Environment]:
    """Return the environments of out/ by name, from the contents of all environment.yml by path. Raises BadInput."""
    found, faults = {}, []
    for path, data in contents.items():
        try:
            environment = read_environment(decoded(data, path), path)
        except BadInput as error:
            faults += error.faults
        else:
            found[environment.name] = environment
    if faults:
        raise BadInput(faults)
    return found


def here() -> dict[str, Environment]:
    """Return the environments of out/ in the current folder. Raises BadInput."""
    found = walk(OUT)
    faults = [f"{path} {why}: take it away" for path, kind in found if (why := oddity(path, kind))]
    there = {path for path, _ in found if not oddity(path)}
    folders = {os.path.dirname(path) for path in there} - {OUT}
    paths = sorted(f"{folder}/{ENVIRONMENT_FILE}" for folder in folders)
    faults += [
        f"there is no {path}, which says what the stacks are called: run `make render`"
        for path in paths
        if path not in there
    ]
    if faults:
        raise BadInput(faults)
    return environments_in({path: Path(path).read_bytes() for path in paths})


def by_importance(environments: Iterable[Environment]) -> list[str]:
    """Return the names of environments: protected ones first, then what comes after others, then those with wildcards."""
    known = {environment.name: environment for environment in environments}

    def depth(environment: Environment, seen: tuple[str, ...] = ()) -> int:
        before = known.get(environment.after)
        return 1 + depth(before, (*seen, environment.name)) if before and before.name not in seen else 0

    ranked = sorted(known.values(), key=lambda each: (not each.protected, each.wildcards, -depth(each), each.name))
    return [environment.name for environment in ranked]


def require(kind: str, name: str, allowed: Iterable[str]) -> None:
    """Raise BadInput, with the nearest name, unless the name is an allowed one."""
    allowed = list(allowed)
    if name not in allowed:
        what = f"no {kind} is called {name!r}" if name else f"no {kind} given"
        raise BadInput([f"{what}; {OUT}/ has: {', '.join(allowed) or 'nothing'}{nearest(name, allowed)}"])

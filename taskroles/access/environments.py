"""What out/ says of itself: its environments, each with its settings, names and stacks (out/<Env>/environment.yml)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from taskroles.documents import Document
from taskroles.faults import BadInput, nearest
from taskroles.names import Names, filled
from taskroles.tree import ENVIRONMENT_FILE, OUT, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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

    def stack(self, service: str) -> str:
        """Return the name of a service's stack."""
        return filled(self.names.stack, service=service)

    def template(self, service: str) -> str:
        """Return the path of a service's template."""
        return f"{OUT}/{self.name}/{filled(self.names.template, service=service)}"

    def service(self, path: str) -> str:
        """Return the service whose template a path is; by the name of the file where no pattern fits."""
        match = matcher(self.names.template).fullmatch(os.path.basename(path))
        return match[1] if match else os.path.basename(path).rpartition(".")[0]

    def is_of_pattern(self, path: str) -> bool:
        """Tell whether a path is one that the pattern of templates makes."""
        return bool(matcher(self.names.template).fullmatch(os.path.basename(path)))

    def service_of_stack(self, stack: str) -> str:
        """Return the service that a stack of this name is of, "" if it is none of this environment's."""
        match = matcher(self.names.stack).fullmatch(stack)
        return match[1] if match else ""


def matcher(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern, whose one group is the service."""
    before, _, after = pattern.partition("{service}")
    return re.compile(re.escape(before) + "([a-z][a-z0-9-]*)" + re.escape(after).replace(re.escape("{service}"), r"\1"))


def read_environment(text: str, path: str) -> Environment:
    """Return what an environment.yml says. Raises BadInput where it is none."""
    data = Document(path, text).data
    try:
        roles = {service: TaskRole(*next(iter(role.items()))) for service, role in data.get("task_roles", {}).items()}
        settings = {key: str(data.get(key, "")) for key in ("after", "account", "region")}
        return Environment(
            str(data["environment"]),
            Names(**data["names"]),
            protected=data.get("protected") == "true",
            **settings,
            wildcards=data.get("wildcards") == "true",
            parameters=data.get("parameters", {}),
            task_roles=roles,
        )
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError):
        raise BadInput([f"{path}:1: is not as render.py writes it: run `make render`"]) from None


def environments_in(texts: Mapping[str, str]) -> dict[str, Environment]:
    """Return the environments of out/ by name, from the texts of all environment.yml by path. Raises BadInput."""
    found = {}
    for path, text in texts.items():
        environment = read_environment(text, path)
        folder = path.split("/")[-2]
        if environment.name != folder:
            raise BadInput([f"{path}:1: is of {environment.name}, and lies in the folder of {folder}"])
        found[folder] = environment
    return found


def here() -> dict[str, Environment]:
    """Return the environments of out/ in the current folder. Raises BadInput."""
    paths = [path for path, _ in walk(OUT) if path.count("/") == 2 and path.endswith(f"/{ENVIRONMENT_FILE}")]  # noqa: PLR2004
    return environments_in({path: Path(path).read_text(encoding="utf-8") for path in paths})


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

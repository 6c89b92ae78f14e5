"""Bad input: how its faults are collected, worded and shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_SHOWN = 60


class BadInput(Exception):
    """Faults of what the user wrote: `faults`, one text each, as `place: what is wrong, and what is allowed`."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = list(dict.fromkeys(printable(fault) for fault in faults))
        super().__init__("\n".join(self.faults))


def listed(allowed: Iterable[str], name: str) -> str:
    """Return `allowed` as a list for a person, and the nearest of it to `name`, a misspelt one."""
    allowed = list(allowed)
    return (", ".join(allowed) or "none yet") + nearest(name, allowed)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question for the nearest to `name` among `known`, case aside; empty if none is near."""
    import difflib  # only errors need it

    by_letters = {each.lower(): each for each in reversed(list(known))}
    near = difflib.get_close_matches(name.lower(), by_letters, 1)
    return f". Did you mean {by_letters[near[0]]!r}?" if near else ""


def shown(value: Any) -> str:
    """Return `value` as JSON on one line, cut to a length that fits an error message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def printable(text: str) -> str:
    """Return `text` with what is not printable escaped: a fault is one line, and no terminal obeys it."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )

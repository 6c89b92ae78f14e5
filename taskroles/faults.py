"""Bad input: how its faults are collected, worded and shown."""

from __future__ import annotations

import bisect
import functools
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_SHOWN = 60
MOST_LISTED = 30
AROUND = 100  # names before and after a misspelt one, in the order of their beginnings and of their ends
# What Python calls printable and nobody sees: fillers, variation selectors, a blank of braille (Unicode,
# Default_Ignorable_Code_Point, in DerivedCoreProperties.txt).
UNSEEN = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
        ),
    )
)


class BadInput(Exception):
    """Faults of what the user wrote: `faults`, one text each, as `place: what is wrong, and what is allowed`."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = list(dict.fromkeys(printable(fault) for fault in faults))
        super().__init__("\n".join(self.faults))


def listed(allowed: Iterable[str], name: str) -> str:
    """Return `allowed` as a list for a person, and the nearest of it to `name`, a misspelt one."""
    allowed = list(allowed)
    more = f" and {len(allowed) - MOST_LISTED:,} more" if len(allowed) > MOST_LISTED else ""
    return (", ".join(allowed[:MOST_LISTED]) + more or "none yet") + nearest(name, allowed)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question for the nearest to `name` among `known`, case aside; empty if none is near."""
    import difflib  # only errors need it

    letters = name.lower()
    by_letters, forwards, backwards = _in_order(tuple(known))
    around = {*_around(letters, forwards), *(each[::-1] for each in _around(letters[::-1], backwards))}
    near = difflib.get_close_matches(letters, [each for each in by_letters if each in around], 1)
    return f". Did you mean {by_letters[near[0]]!r}?" if near else ""


@functools.lru_cache(maxsize=16)
def _in_order(known: tuple[str, ...]) -> tuple[dict[str, str], list[str], list[str]]:
    """Return names by their small letters, and those in the order of their beginnings and of their ends."""
    by_letters = {each.lower(): each for each in reversed(known)}
    return by_letters, sorted(by_letters), sorted(each[::-1] for each in by_letters)


def _around(name: str, names: list[str]) -> list[str]:
    """Return the names next to where a name would stand in this order: of thousands, none else is near."""
    index = bisect.bisect(names, name)
    return names[max(0, index - AROUND) : index + AROUND]


def shown(value: Any) -> str:
    """Return `value` as JSON on one line, cut to a length that fits an error message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def visible(text: str) -> bool:
    """Tell whether all of a text is seen as it is: it steers no terminal, turns no line around and hides nothing."""
    return text.isprintable() and (text.isascii() or UNSEEN.isdisjoint(text))


def printable(text: str) -> str:
    """Return `text` with what nobody sees, or a terminal obeys, written as escapes: a fault is one line."""
    if visible(text):
        return text
    return "".join(
        character if visible(character) else character.encode("unicode_escape").decode() for character in text
    )

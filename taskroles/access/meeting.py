"""Whether patterns match something in common only by what a `${...}` in them stands for, which nobody here knows."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from taskroles.access.patterns import includes, is_wildcard, letters, meet, unknown

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from taskroles.access.patterns import Letters


def may_meet(left_out: AbstractSet[str], allowed: AbstractSet[str] | None) -> bool:
    """Tell whether what a NotResource leaves out could be what matters, though their texts do not tell so.

    That is what is allowed (None: all but something), and what other NotResources leave out of it.
    """
    if allowed is not None:
        left_out = {text for text in left_out if any(_meet(text, each) for each in allowed)}
    return any(_may_be_alike(one, other) for one in left_out for other in (left_out | (allowed or set())) - {one})


@lru_cache(maxsize=4096)
def _meet(one: str, other: str) -> bool:
    """Tell whether two patterns match something in common, if the `${...}` in them have the values for it."""
    return meet(unknown(letters(one)), unknown(letters(other)))


@lru_cache(maxsize=4096)
def _may_be_alike(one: str, other: str) -> bool:
    """Tell whether two patterns may match something in common by their `${...}` alone.

    Where they begin alike they do not differ, and what one includes, it includes whatever its `${...}` stand for.
    """
    left, right = _after_what_is_alike(letters(one), letters(other))
    if max(map(len, left + right), default=0) <= 1 or not meet(unknown(left), unknown(right)):
        return False
    return not (includes(left, right) or includes(right, left))


def _after_what_is_alike(left: Letters, right: Letters) -> tuple[Letters, Letters]:
    start = 0
    for one, other in zip(left, right):  # noqa: B905 - one may be shorter
        if one != other or (len(one) == 1 and is_wildcard(one)):
            break
        start += 1
    return left[start:], right[start:]

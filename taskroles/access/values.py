"""The values of a condition's operators: whether all that some of them match is matched by others; in doubt, no.

From "IAM JSON policy elements: Condition operators" in the IAM User Guide; names are those of operators without `Not`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from taskroles.access.canonical import UNKNOWN
from taskroles.access.patterns import glob_matches, letters, spelled_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
PLAIN_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2}))?")
SECONDS = re.compile(r"[0-9]{9,10}")  # since 1970; fewer may be a year
ARN = 6  # parts of an ARN
SYMBOLS = 0xF0000  # the first of the characters that stand for a `${...}`
WITHOUT_COLONS = frozenset({"${AWS::Partition}", "${AWS::Region}", "${AWS::AccountId}"})
EXACT, LIKE, IN_ANY_CASE, ARN_LIKE, NETWORK = (
    *("StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnLike", "IpAddress"),
)


def is_within(name: str, values: AbstractSet[str], wide_name: str, wide: AbstractSet[str]) -> bool:
    """Tell whether what an operator takes with one of some values, another takes with one of others, for certain."""
    if name == wide_name and values <= wide:
        return True
    if name == wide_name == NETWORK:
        return all(any(is_part(network(each), network(known)) for known in networks(wide)) for each in values)
    matches = MATCHES.get((name, wide_name)) or _bounds(name, wide_name)
    return matches is not None and all(any(matches(value, each) for each in wide) for value in values)


def is_apart(texts: AbstractSet[str], name: str, values: AbstractSet[str]) -> bool:
    """Tell whether an operator on texts takes none of these plain texts with its values, for certain."""
    plain = not any("${" in text or "*" in text for text in (*texts, *(values if name != LIKE else ())))
    matches = {EXACT: _is_same, LIKE: _is_included, IN_ANY_CASE: _is_same_in_any_case}.get(name)
    known = matches is not None and plain and not any("${" in value for value in values)
    return known and not any(matches(text, value) for text in texts for value in values)


def folded(text: str) -> str:
    """Return a text without regard to case; what a `${...}` names has a case that matters."""
    return spelled_out(letter if len(letter) > 1 else letter.lower() for letter in letters(text))


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=16_384)
def network(text: str) -> Network | None:
    """Return a range of addresses, None if a text is none."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def is_part(inner: Network | None, outer: Network | None) -> bool:
    """Tell whether all addresses of a range are of another."""
    return bool(inner and outer and inner.version == outer.version and inner.subnet_of(outer))


@lru_cache(maxsize=4096)
def networks(values: frozenset[str]) -> frozenset[str]:
    """Return ranges of addresses put together as far as they go; the same ranges if one is none."""
    known = list(map(network, values))
    if None in known:
        return values
    by_version = ([each for each in known if each.version == version] for version in (4, 6))
    return frozenset(str(each) for some in by_version for each in ipaddress.collapse_addresses(some))


# --- texts --------------------


def _is_included(value: str, pattern: str) -> bool:
    """Tell whether a pattern, or a text, is one that a pattern matches whole, whatever a `${...}` stands for."""
    if "${" not in value + pattern:
        return glob_matches(pattern, value)
    return "?" not in pattern and UNKNOWN not in value + pattern and glob_matches(*_in_characters(pattern, value))


def _is_like_arn(value: str, pattern: str) -> bool:
    """Tell the same of two ARNs, "each of the six colon-delimited components" of which is matched for itself."""
    known = all(len(letter) == 1 or letter in WITHOUT_COLONS for letter in letters(value) + letters(pattern))
    patterns, parts = (text.split(":", ARN - 1) for text in _in_characters(pattern, value))
    plain = "?" not in pattern or "${" not in value
    return known and plain and len(parts) == len(patterns) == ARN and all(map(glob_matches, patterns, parts))


def _in_characters(*texts: str) -> Iterator[str]:
    """Yield texts with a character of its own for each `${...}`, which equals itself, and which a `*` matches."""
    characters: dict[str, str] = {}
    for text in texts:
        yield "".join(
            letter if len(letter) == 1 else characters.setdefault(letter, chr(SYMBOLS + len(characters)))
            for letter in letters(text)
        )


def _is_same(value: str, other: str) -> bool:
    return value == other


def _is_same_in_any_case(value: str, other: str) -> bool:
    return folded(value) == other


MATCHES: dict[tuple[str, str], Callable[[str, str], bool]] = {
    (EXACT, LIKE): _is_included,
    (LIKE, LIKE): _is_included,
    (EXACT, IN_ANY_CASE): _is_same_in_any_case,
    (EXACT, ARN_LIKE): _is_like_arn,
    (ARN_LIKE, ARN_LIKE): _is_like_arn,
}

# --- numbers and dates --------------------


def _number(text: str) -> float | None:
    return float(text) if PLAIN_NUMBER.fullmatch(text) else None


def _seconds(text: str) -> float | None:
    if SECONDS.fullmatch(text):
        return float(text)
    if not PLAIN_DATE.fullmatch(text):
        return None
    try:
        time = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)).timestamp()


def _bounds(name: str, wide_name: str) -> Callable[[str, str], bool] | None:
    """Return what tells whether a bound, or a number, lies within another bound; None for other operators."""
    for kind, read in (("Numeric", _number), ("Date", _seconds)):
        if name.startswith(kind) and wide_name.startswith(kind):
            return _comparison(name.removeprefix(kind), wide_name.removeprefix(kind), read)
    return None


def _comparison(name: str, wide_name: str, read: Callable[[str], float | None]) -> Callable[[str, str], bool] | None:
    direction = wide_name.removesuffix("Equals")
    if name.removesuffix("Equals") not in ("", direction):
        return None
    meets = wide_name.endswith("Equals") or name == direction  # where both name the same number

    def matches(value: str, other: str) -> bool:
        one, bound = read(value), read(other)
        if one is None or bound is None:
            return False
        return (one == bound and meets) or {"Less": one < bound, "Greater": one > bound}.get(direction[:-4], False)

    return matches

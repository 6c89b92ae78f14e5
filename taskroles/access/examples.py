"""An example that tells two conditions apart: a request that meets the one, and none of the others.

Is looked for among the values that their parts name, and those beside them: another text, one more, another network.
What is found is a proof; that nothing is found is none. How operators read a request is from "IAM JSON policy
elements: Condition operators" and "Set operators for multivalued context keys" in the IAM User Guide.
"""

from __future__ import annotations

import datetime as dt
import itertools
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from taskroles.access.patterns import glob, letters
from taskroles.access.values import is_part, network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from taskroles.access.automaton import Work
    from taskroles.access.conditions import Condition, Part

Values = tuple[str, ...]  # of one key in a request; none where the request lacks it

OTHER = "~~"  # a text that no policy names
MOST_TEXTS = 24  # of one key
LONGEST = 60_000  # letters that are put into one text: a template has no more
MOST_REQUESTS = 1_024
PARTS = 4  # what a condition costs, next to a position of an automaton
ARN = 6  # parts of an ARN
SYMBOLS = 0xF0000  # the first of the characters that stand for a `${...}`, whose value is like nothing else


def tells_apart(one: Condition, others: Iterable[Condition], work: Work) -> bool:
    """Tell whether a request is found that meets the one condition and none of the others; may raise TooMuch.

    What is no operator of IAM's may hold, on either side.
    """
    others = [*others]
    parts = sum(map(len, (one, *others)))
    held = {(1 << len(others)) - 1}  # for each request thought of so far, a bit for each of the others that it meets
    work.spend(parts * parts)
    for key in sorted({part.key.lower() for each in (one, *others) for part in each if part.key}):
        candidates = _candidates(key, one, others)
        work.spend(len(candidates) * (len(others) + 1 + parts) * PARTS)
        here = {_held(others, key, values) for values in candidates if _holds(one, key, values)}
        held = set(sorted({each & more for each in held for more in here}, key=int.bit_count)[:MOST_REQUESTS])
    return 0 in held


def _held(conditions: list[Condition], key: str, values: Values) -> int:
    return sum(1 << bit for bit, each in enumerate(conditions) if _holds(each, key, values))


def _holds(condition: Condition, key: str, values: Values) -> bool:
    return all(part_holds(part, values) for part in condition if part.key and part.key.lower() == key)


def _candidates(key: str, one: Condition, others: list[Condition]) -> list[Values]:
    """Return what a request may say of a key: nothing, one value, and two where a part reads several."""
    parts = [part for each in (one, *others) for part in each if part.key and part.key.lower() == key]
    texts = list(dict.fromkeys(text for part in parts for text in _texts(part)))
    texts += [_filled(text, other) for text in texts if "*" in text or "?" in text for other in texts[:6]]
    filled = [text.replace("*", OTHER).replace("?", "~") for text in [*texts, OTHER]]
    stars = [text for text in texts if "*" in text or "?" in text]  # may be just that
    known = list(dict.fromkeys([*filled[:MOST_TEXTS], *stars[:MOST_TEXTS], OTHER]))
    found: list[Values] = [(text,) for text in known]
    if any(":" in part.operator for part in parts):
        found += itertools.combinations([*known[:8], OTHER], 2)
    return [*found, ()]


def _filled(text: str, other: str) -> str:
    """Put a part of another text where one has a wildcard: of ARNs, the same part."""
    parts, others = text.split(":", ARN - 1), other.split(":", ARN - 1)
    if len(parts) == len(others) == ARN:
        return ":".join(
            there if "*" in here or "?" in here else here for here, there in zip(parts, others, strict=True)
        )
    plain = other.replace("*", "")
    return text.replace("*", plain if text.count("*") * len(plain) < LONGEST else "")


def _texts(part: Part) -> Iterator[str]:
    """Yield texts that one part may take or not, wildcards in them left as they are."""
    name = _name(part)
    for value in sorted(part.values):
        text = _plain(value)
        yield text
        yield from BESIDE[name](text) if name in BESIDE else ()
        if name.startswith(("String", "Arn")):
            yield from (text.replace("*", ""), text.swapcase())


@lru_cache(maxsize=4096)
def _plain(value: str) -> str:
    """Return canonical text with one character for each `${...}`."""
    return "".join(
        chr(SYMBOLS + zlib.crc32(each.encode()) % 0xFFF0) if len(each) > 1 else each for each in letters(value)
    )


def _name(part: Part) -> str:
    return part.operator.rpartition(":")[2].removesuffix("IfExists")


def part_holds(part: Part, values: Values) -> bool:
    """Tell whether a part of a condition holds for a request that says this of its key."""
    name, wanted = _name(part), [_plain(value) for value in part.values]
    if name == "Null":
        return any((each == "true") == (not values) for each in wanted)
    if not values and part.operator.endswith("IfExists"):
        return True
    matches = MATCHES[name.replace("Not", "", 1)]

    def one(value: str) -> bool:
        return any(matches(each, value) for each in wanted)

    if part.operator.startswith("ForAnyValue:"):
        return any(one(value) != part.is_negated for value in values)
    if part.operator.startswith("ForAllValues:"):
        return all(one(value) != part.is_negated for value in values)
    return any(map(one, values)) != part.is_negated


# --- operators --------------------


def _same(wanted: str, value: str) -> bool:
    return wanted == value


def _in_any_case(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


def _like(wanted: str, value: str) -> bool:
    return bool(glob(wanted).fullmatch(value.replace("*", "~")))  # a star of a request is any character


def _arn_like(wanted: str, value: str) -> bool:
    patterns, parts = wanted.split(":", ARN - 1), value.split(":", ARN - 1)
    return len(patterns) == len(parts) == ARN and all(map(_like, patterns, parts))


def _within(wanted: str, value: str) -> bool:
    return is_part(network(value), network(wanted))


def _number(text: str) -> float:
    return float(text)


def _time(text: str) -> float:
    if text.isdecimal():
        return float(text)
    time = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)).timestamp()


def _ordered(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def matches(wanted: str, value: str) -> bool:
        try:
            return compare(read(value), read(wanted))
        except ValueError:
            return False

    return matches


def _beside(read: Callable[[str], float], step: float) -> Callable[[str], Iterator[str]]:
    def texts(text: str) -> Iterator[str]:
        try:
            yield from (f"{read(text) + by:.6f}".rstrip("0").rstrip(".") for by in (-step, 0, step))
        except ValueError:
            return

    return texts


def _networks(text: str) -> Iterator[str]:
    """Yield a network's first and last address, and addresses of neither of most."""
    if known := network(text):
        yield from (str(known[0]), str(known[-1]), "198.51.100.77", "2001:db8:ffff::77")


MATCHES = {
    "StringEquals": _same,
    "StringEqualsIgnoreCase": _in_any_case,
    "StringLike": _like,
    "ArnLike": _arn_like,
    "Bool": _in_any_case,
    "BinaryEquals": _same,
    "IpAddress": _within,
    **{
        f"{kind}{name}": _ordered(read, compare)
        for kind, read in (("Numeric", _number), ("Date", _time))
        for name, compare in (
            ("Equals", float.__eq__),
            ("LessThan", float.__lt__),
            ("LessThanEquals", float.__le__),
            ("GreaterThan", float.__gt__),
            ("GreaterThanEquals", float.__ge__),
        )
    },
}
BESIDE: dict[str, Callable[[str], Iterator[str]]] = {
    **{name: _beside(_number, 1) for name in MATCHES if name.startswith("Numeric")},
    **{name: _beside(_time, 86_400) for name in MATCHES if name.startswith("Date")},
    "NumericNotEquals": _beside(_number, 1),
    "DateNotEquals": _beside(_time, 86_400),
    **dict.fromkeys(("IpAddress", "NotIpAddress"), _networks),
    "Bool": lambda _: iter(("true", "false")),
    "Null": lambda _: iter(("true",)),
    **dict.fromkeys(("ArnLike", "ArnNotLike"), lambda _: iter(("arn:~:~:~:~:~", "arn:~:s:r:1:a"))),
}

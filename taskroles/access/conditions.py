"""The conditions of statements, compared part by part: whether one must hold where another does.

The operators, and how several keys and values are read, are from "IAM JSON policy elements: Condition operators" and
"Conditions with multiple context keys or values" in the IAM User Guide.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.canonical import as_iam_reads, canonical, unspelled
from taskroles.access.patterns import glob_matches, is_wildcard, letters, spelled_out

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = (
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals"),
    *("NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThan"),
    *("DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress"),
    *("NotIpAddress", "ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "Null"),
)
OPERATORS = {name.lower(): name for name in NAMES}
ALIKE = {"ArnEquals": "ArnLike", "ArnNotEquals": "ArnNotLike"}  # "... behave identically"
SETS = {"foranyvalue:": "ForAnyValue:", "forallvalues:": "ForAllValues:"}
MOST_ALTERNATIVES = 64
PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Folded(str):
    """A key as it is written, compared without regard to case."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Compare without regard to case."""
        return isinstance(other, str) and self.lower() == other.lower()

    def __ne__(self, other: object) -> bool:
        """Compare without regard to case."""
        return not self == other

    def __hash__(self) -> int:
        """Be equal where the keys are."""
        return hash(self.lower())


class Part(NamedTuple):
    """One operator on one key: it holds if the key has one of the values; for a negated operator, none of them.

    What is no operator of IAM's stands in `operator` with its text, and is equal only to itself.
    """

    operator: str
    key: str
    values: frozenset[str] = frozenset()

    @property
    def is_negated(self) -> bool:
        """Tell whether the operator holds where none of its values matches."""
        return "Not" in self.operator.rpartition(":")[2]

    @property
    def is_opaque(self) -> bool:
        """Tell whether only the very same part is known to hold with it."""
        return not self.key

    def __str__(self) -> str:
        """Say the part in words."""
        if self.is_opaque:
            return self.operator
        return (
            f"{self.key} {self.operator} {' or '.join(json.dumps(v, ensure_ascii=False) for v in sorted(self.values))}"
        )


Condition = frozenset[Part]  # all parts must hold; empty: it holds always
ALWAYS: Condition = frozenset()


def spelled(condition: Condition) -> str:
    """Return a condition in words, "" for one that always holds."""
    return " and ".join(sorted(map(str, condition)))


def opaque(text: str) -> Part:
    """Return a part that is what its text says, and equal only to itself."""
    return Part(text, "")


def parse(raw: Any, *, variables: bool = True) -> list[Part]:
    """Return the parts of a statement's Condition; what is not understood is opaque."""

    def unread(value: Any, kind: str = "") -> Part:
        return opaque(f"Condition is {as_iam_reads(unspelled(value, kind), variables=variables)}")

    if not isinstance(raw, dict):
        return [unread(raw)]
    found: list[Part] = []
    for written, keys in raw.items():
        operator = _operator(str(written))
        if not operator or not isinstance(keys, dict) or any(str(key).startswith("Fn::") for key in keys):
            kind = "" if str(written).startswith("Fn::") else f"the part {written}, which IAM would not take,"
            found.append(unread({written: keys}, kind))
            continue
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            if not listed or any(isinstance(value, (list, type(None))) for value in listed):
                found.append(unread({written: {key: values}}))
                continue
            texts = [as_iam_reads(canonical(value), variables=variables) for value in listed]
            found.append(Part(operator, Folded(key), frozenset(_folded(operator, text) for text in texts)))
    named = [(str(written).lower(), str(key).lower()) for written, keys in raw.items() for key in _keys(keys)]
    if len(set(named)) < len(named):
        return [unread(raw, "a Condition that names one key twice")]
    return found


def _keys(keys: Any) -> Iterable[str]:
    return keys if isinstance(keys, dict) else ()


def _operator(written: str) -> str:
    """Return an operator as AWS spells it, "" for one that is none."""
    match = re.fullmatch(r"(?i)(foranyvalue:|forallvalues:)?(\w+?)(ifexists)?", written)
    name = match and OPERATORS.get(match[2].lower())
    if not match or not name or (name == "Null" and (match[1] or match[3])):
        return ""
    return SETS.get((match[1] or "").lower(), "") + ALIKE.get(name, name) + ("IfExists" if match[3] else "")


def _folded(operator: str, text: str) -> str:
    if not ("IgnoreCase" in operator or "Bool" in operator or operator == "Null"):
        return text
    # what a `${...}` names has a case that matters
    return spelled_out(letter if len(letter) > 1 else letter.lower() for letter in letters(text))


@lru_cache(maxsize=4096)
def alternatives(condition: Condition) -> tuple[Condition, ...]:
    """Return conditions of which one holds exactly if the condition does, each of parts with one value where it can be."""
    choices: list[list[tuple[Part, ...]]] = []
    for part in condition:
        singles = [_plainly(part._replace(values=frozenset([value]))) for value in sorted(part.values)]
        if len(singles) <= 1:
            choices.append([(_plainly(part),)])
        elif part.is_negated and not part.operator.startswith("ForAnyValue"):
            choices.append([tuple(singles)])
        elif part.is_negated or part.operator.startswith("ForAllValues"):
            choices.append([(_plainly(part),)])
        else:
            choices.append([(single,) for single in singles])
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MOST_ALTERNATIVES:
        return (condition,)
    return tuple(frozenset(itertools.chain(*chosen)) for chosen in itertools.product(*choices))


def _plainly(part: Part) -> Part:
    """Return a part that compares plain texts as patterns as one that compares them as texts."""
    name = part.operator.rpartition(":")[2]
    if not name.startswith(("StringLike", "StringNotLike")) or any(is_wildcard(v) or "${" in v for v in part.values):
        return part
    return part._replace(operator=part.operator.replace("Like", "Equals"))


def implies(one: Condition, other: Condition) -> bool:
    """Tell whether the other condition holds, for certain, wherever the one holds."""
    return other <= one or all(any(_part_implies(part, wanted) for part in one) for wanted in other)


def _part_implies(one: Part, other: Part) -> bool:
    if one == other:
        return True
    if one.is_opaque or other.is_opaque or one.key != other.key:
        return False
    if one.operator + "IfExists" == other.operator:
        one = one._replace(operator=other.operator)
    negated_any = one.is_negated and one.operator.startswith("ForAnyValue")
    if one.operator == other.operator and not negated_any:
        if one.is_negated:
            return one.values >= other.values
        return one.values <= other.values or _likes(one, other) or _is_stricter(one, other)
    exact, wanted = one.operator.removesuffix("IfExists"), other.operator.removesuffix("IfExists")
    fits = exact.endswith("StringEquals") and wanted == exact.replace("Equals", "Like")
    return fits and one.operator in (exact, other.operator.replace("Like", "Equals")) and _likes(one, other)


def _likes(one: Part, other: Part) -> bool:
    """Tell whether each value of the one, as a plain text or a pattern, is matched by a pattern of the other."""
    if "Like" not in other.operator or one.is_negated or any("${" in value for value in one.values | other.values):
        return False
    matches = _arn_matches if "Arn" in other.operator else glob_matches
    literal = "Equals" in one.operator
    return all(
        any(matches(pattern, value) for pattern in other.values)
        for value in one.values
        if literal or not is_wildcard(value) or value not in other.values
    )


def _arn_matches(pattern: str, arn: str) -> bool:
    """Tell the same of two ARNs, "each of the six colon-delimited components" of which is matched for itself."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) == 6 and all(map(glob_matches, patterns, parts))  # noqa: PLR2004 - as quoted


def _is_stricter(one: Part, other: Part) -> bool:
    """Tell whether ranges of addresses or bounds of the one lie within those of the other; False where in doubt."""
    if len(one.values) != 1 or len(other.values) != 1:
        return False
    (narrow,), (wide,) = one.values, other.values
    name = one.operator.removesuffix("IfExists")
    try:
        if name == "IpAddress":
            inner, outer = ipaddress.ip_network(narrow, strict=False), ipaddress.ip_network(wide, strict=False)
            return inner.version == outer.version and inner.subnet_of(outer)
        if name.startswith(("NumericLess", "NumericGreater")) and all(map(PLAIN_NUMBER.fullmatch, (narrow, wide))):
            return float(narrow) <= float(wide) if "Less" in name else float(narrow) >= float(wide)
    except ValueError:
        return False
    return False

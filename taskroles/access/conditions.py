"""The conditions of statements, compared part by part: whether one must hold where another does.

The operators, and how several keys and values are read, are from "IAM JSON policy elements: Condition operators" and
"Conditions with multiple context keys or values" in the IAM User Guide.
"""

from __future__ import annotations

import itertools
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.canonical import as_iam_reads, canonical, unspelled
from taskroles.access.patterns import is_wildcard
from taskroles.access.values import folded, is_apart, is_within, networks

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
VARIABLE = "${variable "


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
    def quantifier(self) -> str:
        """Return `ForAnyValue:`, `ForAllValues:` or nothing."""
        before, colon, _ = self.operator.rpartition(":")
        return before + colon

    @property
    def name(self) -> str:
        """Return the operator alone."""
        return self.operator.rpartition(":")[2].removesuffix("IfExists")

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
    return folded(text) if "IgnoreCase" in operator or "Bool" in operator or operator == "Null" else text


@lru_cache(maxsize=4096)
def alternatives(condition: Condition) -> tuple[Condition, ...]:
    """Return conditions of which one holds exactly if the condition does, each of parts with one value where it can be."""
    choices: list[list[tuple[Part, ...]]] = []
    for part in condition:
        values = networks(part.values) if part.operator.startswith("IpAddress") else part.values
        singles = [_plainly(part._replace(values=frozenset([value]))) for value in sorted(values)]
        if len(singles) <= 1:
            choices.append([tuple(singles) or (part,)])
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
    if one == other or one.is_opaque or other.is_opaque or one.key != other.key:
        return one == other
    if "Null" in (one.operator, other.operator):
        return _implies_by_presence(one, other)
    if one.quantifier == other.quantifier == "" and other.is_negated and not one.is_negated:
        return one.operator == "StringEquals" and is_apart(one.values, other.name.replace("Not", ""), other.values)
    if (one.quantifier, one.is_negated) != (other.quantifier, other.is_negated):
        return False
    stricter = other.operator.endswith("IfExists") or not one.operator.endswith("IfExists")
    if one.is_negated:  # holds where the key is lacking, but for ForAnyValue
        return (stricter or one.quantifier != "ForAnyValue:") and _leaves_out(one, other)
    return stricter and is_within(one.name, one.values, other.name, other.values)


def _leaves_out(one: Part, other: Part) -> bool:
    """Tell whether a negated part leaves out all that another does, whose variables may have no value for a request."""
    known = all(VARIABLE not in value for value in other.values - one.values)
    names = (part.name.replace("Not", "") for part in (other, one))
    return known and is_within(next(names), other.values, next(names), one.values)


def _implies_by_presence(one: Part, other: Part) -> bool:
    """Tell the same where one of them asks whether the key is there at all."""
    if one.operator == other.operator:
        return one.values <= other.values
    part = other if one.operator == "Null" else one
    holds_without = part.is_negated or part.operator.endswith("IfExists") or part.quantifier == "ForAllValues:"
    if part is one:
        return other.values == {"false"} and not holds_without
    return one.values == {"true"} and holds_without and part.quantifier != "ForAnyValue:"

"""What IAM allows, request by request, by evaluated policy documents: the second engine's other half.

Shares no code with the package; written from "Policy evaluation logic", "IAM JSON policy elements" (Version, Action,
Resource, NotResource, Condition operators, Policy variables) and "Multivalued context keys" in the IAM User Guide.

A set of requests is a number: bit r * contexts + c stands for resource r in context c, of one action.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from evaluation import Refused, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Context = dict[str, tuple[str, ...]]  # by the key in small letters; a key that is not there has no value
VARIABLE = re.compile(r"\$\{([^{}]*)\}")
NEW = "2012-10-17"
SETS = {"foranyvalue": "any", "forallvalues": "all"}


class Requests(NamedTuple):
    """The requests that are tried."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    contexts: tuple[Context, ...]


class Said(NamedTuple):
    """One statement of a document, as IAM reads it."""

    effect: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    places: tuple[str, ...]  # resources; or principals, each "TYPE NAME"
    not_places: tuple[str, ...]
    condition: str  # JSON
    variables: bool


def read(document: Any) -> list[Said]:
    """Return the statements of an evaluated policy document; raises Refused where IAM would."""
    if not isinstance(document, dict) or document.keys() - {"Version", "Id", "Statement"}:
        raise Refused
    if document.get("Version", NEW) not in (NEW, "2008-10-17"):
        raise Refused
    return [_said(raw, document.get("Version") == NEW) for raw in _list(document.get("Statement", []))]


def _said(raw: Any, variables: bool) -> Said:
    if not isinstance(raw, dict) or raw.get("Effect") not in ("Allow", "Deny"):
        raise Refused
    places = [key for key in ("Resource", "NotResource", "Principal", "NotPrincipal") if key in raw]
    verbs = [key for key in ("Action", "NotAction") if key in raw]
    if len(places) != 1 or len(verbs) != 1 or raw.keys() - {"Sid", "Effect", "Condition", *places, *verbs}:
        raise Refused
    named = _principals(raw[places[0]]) if "Principal" in places[0] else _texts(raw[places[0]])
    by = {"Action": (), "NotAction": (), verbs[0]: _texts(raw[verbs[0]])}
    there, not_there = ((), named) if places[0].startswith("Not") else (named, ())
    condition = raw.get("Condition", {})
    known = isinstance(condition, dict) and all(isinstance(keys, dict) for keys in condition.values())
    if not known or not all(_operator(name) for name in condition):
        raise Refused
    for keys in condition.values():
        for values in keys.values():
            _texts(values)
    as_json = json.dumps(condition, sort_keys=True)
    return Said(raw["Effect"], by["Action"], by["NotAction"], there, not_there, as_json, variables)


def _principals(raw: Any) -> tuple[str, ...]:
    if raw == "*":
        return ("*",)
    if not isinstance(raw, dict):
        raise Refused
    pairs = [(kind, name) for kind, names in raw.items() for name in _texts(names)]
    return tuple("*" if pair == ("AWS", "*") else " ".join(pair) for pair in pairs)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> tuple[str, ...]:
    found = tuple(map(as_text, _list(value)))
    if not found:
        raise Refused
    return found


def allowed(statements: Iterable[Said], requests: Requests) -> dict[str, int]:
    """Return the requests that statements allow together, by action: some Allow, and no Deny."""
    width = len(requests.contexts)
    found = dict.fromkeys(requests.actions, 0)
    denied = dict.fromkeys(requests.actions, 0)
    for said in statements:
        covered = 0
        for bit, context in enumerate(requests.contexts):
            if holds(said.condition, context, said.variables):
                seen = (
                    tuple(sorted(context.items()))
                    if said.variables and "${" in f"{said.places}{said.not_places}"
                    else ()
                )
                covered |= _places(said.places, said.not_places, seen, requests.resources, width) << bit
        into = found if said.effect == "Allow" else denied
        for action in requests.actions:
            if speaks_of(said, action):
                into[action] |= covered
    return {action: bits & ~denied[action] for action, bits in found.items()}


@lru_cache(maxsize=10_000)
def _places(
    there: tuple[str, ...], not_there: tuple[str, ...], seen: tuple[Any, ...], resources: tuple[str, ...], width: int
) -> int:
    """Return which resources a statement covers, with these values of policy variables, each `width` bits apart."""
    patterns = [reach(text, dict(seen), bool(seen)) for text in there or not_there]
    known = [pattern for pattern in patterns if pattern]
    hits = (any(pattern.fullmatch(place) for pattern in known) == bool(there) for place in resources)
    return sum(1 << at * width for at, hit in enumerate(hits) if hit)


def spelled(bits: int, requests: Requests) -> str:
    """Return one of a set of requests in words, for a failing test."""
    at, context = divmod((bits & -bits).bit_length() - 1, len(requests.contexts))
    return f"{requests.resources[at]!r} with {requests.contexts[context]}"


def speaks_of(said: Said, action: str) -> bool:
    """Tell whether a statement is about an action: without regard to case, with wildcards."""
    named = any(_glob(pattern.lower()).fullmatch(action.lower()) for pattern in said.actions or said.not_actions)
    return named == bool(said.actions)


@lru_cache(maxsize=100_000)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def reach(pattern: str, context: Context, variables: bool, wild: bool = True) -> re.Pattern[str] | None:
    """Return what a pattern matches, its policy variables filled in; None where one has no value."""
    parts, end = [], 0
    for match in VARIABLE.finditer(pattern) if variables else ():
        value = _variable(match[1], context)
        if value is None:
            return None
        parts += [(pattern[end : match.start()], wild), (value, False)]
        end = match.end()
    return _compiled((*parts, (pattern[end:], wild)))


@lru_cache(maxsize=100_000)
def _compiled(parts: tuple[tuple[str, bool], ...]) -> re.Pattern[str]:
    return re.compile("".join(_glob(text).pattern if wild else re.escape(text) for text, wild in parts), re.DOTALL)


def _variable(name: str, context: Context) -> str | None:
    if name in ("*", "?", "$"):
        return name
    key, comma, default = name.partition(",")
    found = context.get(key.strip().lower(), ())
    if found:
        return found[0]
    return default.strip().strip("'") if comma else None


# --- conditions --------------------


@cache
def _operator(written: str) -> tuple[str, str, bool] | None:
    """Split an operator into how it reads several values, its name, and whether IfExists is its end."""
    before, colon, name = written.lower().rpartition(":")
    optional, name = name.endswith("ifexists"), name.removesuffix("ifexists")
    if name not in MATCHERS or (colon and before not in SETS) or (name == "null" and (colon or optional)):
        return None
    return SETS.get(before, ""), name, optional


def holds(condition: str, context: Context, variables: bool) -> bool:
    """Tell whether all of a Condition holds."""
    return all(
        _holds(operator, context.get(key, ()), values, context, variables)
        for operator, key, values in _parts(condition)
    )


@lru_cache(maxsize=10_000)
def _parts(condition: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(
        (operator, key.lower(), _texts(values))
        for operator, keys in json.loads(condition).items()
        for key, values in keys.items()
    )


def _holds(operator: str, found: tuple[str, ...], values: tuple[str, ...], context: Context, variables: bool) -> bool:
    over, name, optional = _operator(operator) or ("", "", False)
    if name == "null":
        return any((value.lower() == "true") == (not found) for value in values)
    negated, matches = MATCHERS[name]
    if optional and not found:
        return True

    def one(value: str) -> bool:
        return any(matches(value, each, lambda text, wild: reach(text, context, variables, wild)) for each in values)

    if over == "any":
        return any(one(value) != negated for value in found)
    if over == "all":
        return all(one(value) != negated for value in found)
    return any(map(one, found)) != negated


Fill = "Callable[[str, bool], re.Pattern[str] | None]"


def _text_matcher(wild: bool) -> Callable[[str, str, Fill], bool]:
    def matches(value: str, wanted: str, fill: Fill) -> bool:
        filled = fill(wanted, wild)
        return filled is not None and bool(filled.fullmatch(value))

    return matches


def _equal_in_any_case(value: str, wanted: str, fill: Fill) -> bool:
    filled = fill(wanted, False)
    return filled is not None and bool(re.compile(filled.pattern, filled.flags | re.IGNORECASE).fullmatch(value))


def _arn(value: str, wanted: str, fill: Fill) -> bool:
    """Compare the six parts of an ARN one by one; what has fewer is none."""
    parts, patterns = value.split(":", 5), wanted.split(":", 5)
    if len(parts) != 6 or len(patterns) != 6:
        return False
    filled = [fill(pattern, True) for pattern in patterns]
    return all(each and each.fullmatch(part) for each, part in zip(filled, parts, strict=True))


def _by(read_one: Callable[[str], Any], test: Callable[[Any, Any], bool]) -> Callable[[str, str, Fill], bool]:
    def matches(value: str, wanted: str, _: Fill) -> bool:
        try:
            return test(read_one(value), read_one(wanted))
        except ValueError:
            return False

    return matches


def _date(text: str) -> float:
    if re.fullmatch(r"\d+", text):
        return float(text)
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _network(value: Any, wanted: Any) -> bool:
    return value.version == wanted.version and value.subnet_of(wanted)


def _ordered(name: str, read_one: Callable[[str], Any]) -> dict[str, Any]:
    return {
        f"{name}equals": (False, _by(read_one, lambda a, b: a == b)),
        f"{name}notequals": (True, _by(read_one, lambda a, b: a == b)),
        f"{name}lessthan": (False, _by(read_one, lambda a, b: a < b)),
        f"{name}lessthanequals": (False, _by(read_one, lambda a, b: a <= b)),
        f"{name}greaterthan": (False, _by(read_one, lambda a, b: a > b)),
        f"{name}greaterthanequals": (False, _by(read_one, lambda a, b: a >= b)),
    }


_SAME, _LIKE = _text_matcher(wild=False), _text_matcher(wild=True)
_WITHIN = _by(lambda text: ipaddress.ip_network(text, strict=False), _network)
MATCHERS: Mapping[str, tuple[bool, Any]] = {
    "stringequals": (False, _SAME),
    "stringnotequals": (True, _SAME),
    "stringequalsignorecase": (False, _equal_in_any_case),
    "stringnotequalsignorecase": (True, _equal_in_any_case),
    "stringlike": (False, _LIKE),
    "stringnotlike": (True, _LIKE),
    "bool": (False, _by(str.lower, lambda a, b: a == b)),
    "binaryequals": (False, _by(str, lambda a, b: a == b)),
    "ipaddress": (False, _WITHIN),
    "notipaddress": (True, _WITHIN),
    "arnequals": (False, _arn),
    "arnlike": (False, _arn),
    "arnnotequals": (True, _arn),
    "arnnotlike": (True, _arn),
    "null": (False, None),
    **_ordered("numeric", float),
    **_ordered("date", _date),
}

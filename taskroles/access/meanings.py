"""What the names of a template stand for, where something takes them that is not understood: a change of it is one there.

A condition of Fn::If, the default of a parameter that an unknown resource takes: the text that names them stays the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from taskroles.access.canonical import UNKNOWN, as_json, canonical
from taskroles.access.patterns import is_wildcard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from taskroles.access.conditions import Condition
    from taskroles.access.reading import Template

NAME = re.compile(r"[A-Za-z0-9]+")
ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
DEFAULT = "the default of parameter "
DECLARED = "whether parameter "  # ... has a default
KIND = "what is called "  # a parameter, or a resource of which type
WHEN = "template condition "  # ... and what it says


def meanings(document: dict[str, Any], texts: Iterable[str]) -> dict[str, str]:
    """Return what each name that one of these texts takes stands for, as JSON, by what it is."""
    parts = {(kind, name): part for kind in ("Conditions", "Parameters") for name, part in _named(document, kind)}
    known = {name for _, name in parts}
    found: dict[str, str] = {}
    todo = [name for text in texts for name in NAME.findall(text) if name in known]
    while todo:
        name = todo.pop()
        for kind, what in (("Conditions", f"condition {name}"), ("Parameters", f"{DEFAULT}{name}")):
            if (kind, name) in parts and what not in found:
                part = parts[kind, name]
                found[what] = as_json(
                    part if kind == "Conditions" or not isinstance(part, dict) else part.get("Default")
                )
                todo += [each for each in NAME.findall(found[what]) if each in known] if kind == "Conditions" else []
    for (kind, name), part in parts.items():
        if kind == "Parameters" and isinstance(part, dict):
            found[f"{DECLARED}{name} has a default"] = as_json("Default" in part)
            found[f"{KIND}{name}"] = "a parameter"
    for name, part in _named(document, "Resources"):
        found[f"{KIND}{name}"] = as_json(part.get("Type") if isinstance(part, dict) else part)
    return found


def _named(document: dict[str, Any], kind: str) -> Iterable[tuple[str, Any]]:
    section = document.get(kind, {})
    return section.items() if isinstance(section, dict) else ()


def not_understood(facts: dict[str, str], conditions: Iterable[Condition], texts: Iterable[str]) -> set[str]:
    """Return the texts in which names are taken that nothing looks into."""
    found = {*facts, *facts.values(), *(text for text in texts if UNKNOWN in text)}
    for part in (part for condition in conditions for part in condition):
        if part.is_opaque:  # of a resource's Condition, what it says: its name alone says nothing
            found.add(part.operator.partition("(")[2] if part.operator.startswith(WHEN) else part.operator)
        found |= {text for text in part.values if UNKNOWN in text}
    return found


def moved_values(
    old: Template, new: Template, passed: Mapping[str, str], passed_now: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return, for either side, the values of the parameters whose value changed: names built of them moved.

    And of those that are patterns, or name an account: what a name stands for does not tell that. A deploy passes the
    values that it knows, instead of the defaults.
    """
    was, now = known_values(old, passed), known_values(new, passed_now)
    moved = {name for name in was.keys() & now.keys() if was[name] != now[name]}
    told = {name for side in (was, now) for name, value in side.items() if is_wildcard(value) or ACCOUNT.search(value)}
    sides = ({name: side[name] for name in side if name in moved | told} for side in (was, now))
    return next(sides), next(sides)


def known_values(template: Template, passed: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a template's parameters that a deploy passes, else their defaults, in canonical form."""
    return template.parameters | {name: canonical(value) for name, value in passed.items()}


def declared(old: Template, new: Template) -> set[str]:
    """Return the parameters that both sides have."""
    both = old.meanings.keys() & new.meanings.keys()
    return {key.removeprefix(DECLARED).split()[0] for key in both if key.startswith(DECLARED)}


def still_passed(
    old: Template, new: Template, passed: Mapping[str, str], passed_now: Mapping[str, str]
) -> Mapping[str, str]:
    """Return what parameters have after a deploy: a stack keeps the value of one that is not passed any longer."""
    return {name: passed[name] for name in declared(old, new) & passed.keys()} | dict(passed_now)


def uncertain_values(
    old: Template, new: Template, passed: Mapping[str, str], passed_now: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the parameters of both sides whose values cannot be compared, and why."""
    both = declared(old, new)
    kept = both & passed.keys() - passed_now.keys()
    was, now = known_values(old, passed), known_values(new, passed_now)
    for name in sorted(kept):
        if was[name] != now.get(name):
            yield name, "a deploy passes it no longer: a stack keeps its value, a new one takes what the template says"
    for name in sorted((both & (was.keys() ^ now.keys())) - kept):
        yield name, "one side leaves it to each stack"
    for name in sorted(both):
        texts = [values.get(name, "") for values in (was, now)]
        texts += [template.facts.get(f"Parameters {name}", "") for template in (old, new)]  # one that is not plain
        if any("${" in text for text in texts):  # in a document of 2012-10-17, a variable
            yield name, "it holds a ${"

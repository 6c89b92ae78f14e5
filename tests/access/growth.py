"""What is more after a change than before it, by the second engine: for one template, and for all of an environment.

Shares no code with the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asked import requests
from evaluation import NotEvaluated, Refused, World
from holdings import Holdings, after_update, holdings
from oracle import allowed, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oracle import Said

    Values = tuple[Mapping[str, str], Mapping[str, str]]  # of parameters, that a deploy passes before and after

SEEDS = range(4)
TAKEN_BY_NOBODY = (Refused, NotEvaluated, KeyError, TypeError, ValueError, AttributeError)
NOTHING: dict[str, Any] = {"Resources": {}}


def worlds(before: Any, after: Any, values: Values, stack: str, number: int) -> tuple[World, World]:
    """Return one world as it is before and after: a deploy passes these values, and maybe some that no side changes."""
    kept = {
        name for name, each in before.get("Parameters", {}).items() if after.get("Parameters", {}).get(name) == each
    }
    passed = frozenset(kept) if number % 2 else frozenset()
    return tuple(World(number, passed, values=each, stack=stack) for each in values)


def growth(before: Any, after: Any, values: Values = ({}, {})) -> Iterator[tuple[str, str]]:
    """Yield what is more after than before in some world: an action ("" for what is not looked into), and what."""
    for number in SEEDS:
        was_world, now_world = worlds(before, after, values, "", number)
        try:
            was, now = holdings(before, was_world), after_update(before, after, was_world, now_world)
        except TAKEN_BY_NOBODY:
            continue  # AWS takes no such template
        for key in was.unread.keys() | now.unread.keys():
            if was.unread.get(key) != now.unread.get(key):
                yield "", f"{key}: {was.unread.get(key)} → {now.unread.get(key)}"
        yield from more(was.statements, now.statements, number)


def more(was: Mapping[str, list[Said]], now: Mapping[str, list[Said]], number: int) -> Iterator[tuple[str, str]]:
    """Yield each action that some holder can use on something now and could not before, with that request."""
    for holder, said in now.items():
        had = was.get(holder, [])
        asked = requests([had, said], number, most=8)
        old, new = allowed(had, asked), allowed(said, asked)
        for action in asked.actions:
            if grown := new[action] & ~old[action]:
                yield action, f"{holder}: {spelled(grown, asked)} (world {number})"


def growth_of_all(pairs: Mapping[str, tuple[Any, Any]], values: Values) -> Iterator[tuple[str, str]]:
    """Yield what the roles of an environment may do more, by all of its services; None stands for no template.

    Of policies of one name on one role there is one: that which is deployed last, in this order of the services.
    """
    for number in SEEDS:
        sides: tuple[list[Holdings], list[Holdings]] = ([], [])
        try:
            for service, (was, now) in pairs.items():
                before, after = was or NOTHING, now or NOTHING
                was_world, now_world = worlds(before, after, values, service, number)
                sides[0].append(holdings(before, was_world))
                sides[1].append(after_update(before, after, was_world, now_world))
        except TAKEN_BY_NOBODY:
            continue
        names = [name for found in sides[0] for name in {each[:2] for each in found.documents if each[1]}]
        if len(set(names)) == len(names):  # what was there already is not of this change
            yield from more(deployed(sides[0]), deployed(sides[1]), number)


def deployed(stacks: Iterable[Holdings]) -> dict[str, list[Said]]:
    """Return what each holder has once these are deployed one after another."""
    inline: dict[tuple[str, str], list[Said]] = {}
    found: dict[str, list[Said]] = {}
    for stack in stacks:
        here: dict[tuple[str, str], list[Said]] = {}
        for holder, name, said in stack.documents:
            (here if name else found).setdefault((holder, name) if name else holder, []).extend(said)
        inline |= here
    for (holder, _), said in inline.items():
        found.setdefault(holder, []).extend(said)
    return found

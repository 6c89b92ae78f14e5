"""Two documents compared, against IAM's own decisions request by request: nothing that grows is missed.

FUZZ=10000 tries so many of them, from recorded seeds (see `trials`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from asked import requests
from evaluation import Evaluation, Refused, World
from generated_documents import VALUES, condition_pairs, pairs
from generated_documents import conditions as conditions_of
from generated_values import OPEN
from hypothesis import strategies as st
from oracle import allowed, holds, read, spelled
from trials import tried

from taskroles.access import actions, conditions
from taskroles.access.compare import compare
from taskroles.access.examples import part_holds
from taskroles.access.reading import Place, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("few_services")
WORLDS = [World(seed) for seed in range(5)]


def grown(before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """Yield each action that some request can use after and not before, with that request, in some world."""
    for world in WORLDS:
        try:
            sides = [read(Evaluation(OPEN, world).value(each)) for each in (before, after)]
        except Refused:
            continue
        asked = requests(sides, world.seed)
        was, now = (allowed(side, asked) for side in sides)
        for action in asked.actions:
            if more := now[action] & ~was[action]:
                yield action, f"{spelled(more, asked)} (world {world.seed})"


def missed(before: Any, after: Any) -> tuple[str, bool]:
    """Return what grows and is not said, "" for nothing; and whether the gate `granted` sees all that grows."""
    changes = compare(*(read_document(each, Place("x")) for each in (before, after)))
    growing = {c.action: c.is_undecided for c in changes if c.kind in ("granted", "widened")}
    unknown = [name for name in growing if not actions.expand(name) or "*" in name or "?" in name]
    seen = True
    for action, request in grown(before, after):
        said = [action] if action in growing else [] if actions.expand(action) else unknown
        if not said:
            return f"{action} on {request}\nbefore: {before}\nafter: {after}\nsaid: {growing}", False
        seen = seen and not all(growing[each] for each in said)
    return "", seen


@tried(150, pairs())
def test_nothing_that_grows_is_missed_for_any_values_of_what_only_aws_knows(pair: tuple[Any, Any]) -> None:
    assert missed(*pair) == ("", True)


def test_nothing_that_grows_by_its_condition_is_missed_and_the_gate_sees_nearly_all() -> None:
    seen = []

    @tried(100, condition_pairs())
    def ask(pair: tuple[Any, Any]) -> None:
        for sides in (pair, pair[::-1]):
            what, by_gate = missed(*sides)
            assert not what
            seen.append(by_gate)

    ask()
    print(f"the gate sees {sum(seen)} of {len(seen)}")
    assert sum(seen) >= 0.999 * len(seen)


KINDS = st.sampled_from(sorted(VALUES))
FOUND = {"number": ("1", "0.5", "x"), "date": ("2021-01-01T00:00:00Z", "0"), "bool": ("true", "FALSE", "x")}
FOUND |= {"address": ("10.1.2.3", "11.0.0.0", "2001:db8::1", "x"), "arn": ("arn:x:s:r:1:a", "arn:x:s:r:1:b:c", "arn:x")}


@tried(200, KINDS.flatmap(lambda kind: st.tuples(st.just(kind), conditions_of([kind]))), st.data())
def test_an_operator_reads_a_request_as_iam_does(found: tuple[str, Any], data: st.DataObject) -> None:
    kind, condition = found
    texts = st.lists(st.sampled_from(FOUND.get(kind, ("a", "b", "A", "ab", "", "*", "x"))), max_size=2, unique=True)
    values = tuple(data.draw(texts))
    if len(values) > 1 and "set" not in kind:
        values = values[:1]
    parts = conditions.parse(condition)
    if not any("${" in value for part in parts for value in part.values):
        for part, (operator, keys) in zip(parts, condition.items(), strict=True):
            said = holds(json.dumps({operator: keys}), {part.key.lower(): values}, variables=True)
            assert part_holds(part, values) == said, (part, values)

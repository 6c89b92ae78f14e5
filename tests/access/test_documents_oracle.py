"""Two documents compared, against IAM's own decisions request by request: nothing that grows is missed.

FUZZ=10000 pytest tests/access/test_documents_oracle.py tries so many pairs, other ones each time; what is tried by
default is the same each time. Recorded: FUZZ=12000 with `--hypothesis-seed=20251125`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asked import requests
from evaluation import Evaluation, Refused, World
from generated_documents import condition_pairs, pairs
from generated_values import OPEN
from hypothesis import given
from oracle import allowed, read, spelled
from trials import examples

from taskroles.access import actions
from taskroles.access.compare import compare
from taskroles.access.reading import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

WORLDS = [World(seed) for seed in range(5)]
SERVICES = ("sqs", "s3", "ec2messages")


@pytest.fixture(scope="module", autouse=True)
def _few_services() -> Iterator[None]:
    """Let no other AWS service exist: the same code, without 20,000 actions for each `*`."""
    some = {name: known for name, known in actions._known().items() if name in SERVICES}  # noqa: SLF001
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "_known", lambda: some)
        actions.expand.cache_clear()
        yield
    actions.expand.cache_clear()


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


def assert_nothing_missed(before: Any, after: Any) -> None:
    changes = compare(*(read_document(each, "x") for each in (before, after)))
    growing = {change.action for change in changes if change.kind in ("granted", "widened")}
    unknown = [action for action in growing if not actions.expand(action) or "*" in action or "?" in action]
    for action, request in grown(before, after):
        said = action in growing if actions.expand(action) else unknown
        assert said, f"{action} on {request}\nbefore: {before}\nafter: {after}\nsaid: {growing}"


@examples(300)
@given(pairs())
def test_nothing_that_grows_is_missed_for_any_values_of_what_only_aws_knows(pair: tuple[Any, Any]) -> None:
    assert_nothing_missed(*pair)


@examples(300)
@given(condition_pairs())
def test_nothing_that_grows_by_its_condition_is_missed(pair: tuple[Any, Any]) -> None:
    assert_nothing_missed(*pair)
    assert_nothing_missed(*reversed(pair))

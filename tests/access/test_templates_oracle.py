"""Two whole templates compared, against an engine of our own: what grows is said, and what cannot be read is, too.

FUZZ=10000 pytest tests/access/test_templates_oracle.py tries so many pairs, other ones each time; what is tried by
default is the same each time. Recorded: FUZZ=12000 with `--hypothesis-seed=20251125`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from asked import requests
from evaluation import NotEvaluated, Refused, World
from generated_templates import pairs
from holdings import after_update, holdings
from hypothesis import given
from oracle import allowed, spelled
from trials import examples

from taskroles.access.reading import read_template
from taskroles.access.review import compare_templates
from taskroles.access.template import TemplateError
from taskroles.access.wording import GROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskroles.access.wording import Line

pytestmark = pytest.mark.usefixtures("few_services")
SEEDS = range(4)


def growing_lines(before: Any, after: Any) -> list[Line]:
    """Return the growing lines of the review; a template that it cannot read is one."""
    try:
        sides = [read_template(json.dumps(each, ensure_ascii=False), "t.yml") for each in (before, after)]
    except TemplateError:
        return []
    return [line for line in compare_templates(*sides) if line.kind in GROWS]


def can_be_read(*templates: Any) -> bool:
    """Tell whether the review reads them; else it says so, which is enough."""
    try:
        for each in templates:
            read_template(json.dumps(each, ensure_ascii=False), "t.yml")
    except TemplateError:
        return False
    return True


def growth(before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """Yield what is more after than before in some world: an action ("" for what is not looked into), and what."""
    kept = {
        name for name, each in before.get("Parameters", {}).items() if after.get("Parameters", {}).get(name) == each
    }
    for seed in SEEDS:
        world = World(seed, frozenset(kept) if seed % 2 else frozenset())
        try:
            was, now = holdings(before, world), after_update(before, after, world)
        except (Refused, NotEvaluated, KeyError, TypeError, ValueError, AttributeError):
            continue  # AWS takes no such template
        for key in was.unread.keys() | now.unread.keys():
            if was.unread.get(key) != now.unread.get(key):
                yield "", f"{key}: {was.unread.get(key)} → {now.unread.get(key)}"
        for holder, said in now.statements.items():
            had = was.statements.get(holder, [])
            asked = requests([had, said], seed, most=8)
            old, new = allowed(had, asked), allowed(said, asked)
            for action in asked.actions:
                if more := new[action] & ~old[action]:
                    yield action, f"{holder}: {spelled(more, asked)} (world {seed})"


@examples(400)
@given(pairs())
def test_no_template_grows_unsaid(pair: tuple[Any, Any]) -> None:
    before, after = pair
    if not can_be_read(*pair):
        return
    lines = growing_lines(before, after)
    for action, what in growth(before, after):
        services = ("*", action.partition(":")[0], "new") if action else ()
        said = [
            line
            for line in lines
            if not line.aws_services or not action or not set(services).isdisjoint(line.aws_services)
        ]
        assert said, f"{action} on {what}\nbefore: {json.dumps(before)}\nafter: {json.dumps(after)}\nsaid: {lines}"

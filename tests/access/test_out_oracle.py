"""Whole out/ trees compared in memory, against an engine of our own: templates, parameters, shared names, what is odd.

FUZZ=10000 tries so many trees, from recorded seeds (see `trials`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from generated_trees import Change, changes
from growth import growth, growth_of_all
from test_templates_oracle import can_be_read
from trials import tried

from taskroles.access.review import Side, review, side_of
from taskroles.access.wording import GROWS
from taskroles.git import blob_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskroles.access.report import Review
    from taskroles.access.wording import Line

pytestmark = pytest.mark.usefixtures("few_services")


def side(change: Change, number: int) -> Side:
    held = {path: text.encode() for path, text in change.files(number).items()}

    def read_some(paths: Sequence[str]) -> dict[str, bytes]:
        return {path: held[path] for path in paths}

    ids = {path: blob_id(data) for path, data in held.items()}
    return side_of("base" if number == 0 else "head", ids, change.kinds(number), read_some)


def growing(result: Review, environment: str, service: str | None = None) -> list[Line]:
    """Return the growing lines for an environment, or a service in it."""
    return [
        line
        for section in result.sections
        if environment in section.environments and service in (None, section.service)
        for line in section.lines
        if line.kind in GROWS
    ]


@tried(80, changes())
def test_no_tree_grows_unsaid(change: Change) -> None:
    result = review(*(side(change, number) for number in (0, 1)))
    nothing = {"Resources": {}}
    for environment, values in change.values.items():
        here = {place[1]: pair for place, pair in change.pairs.items() if place[0] == environment}
        if change.odd != ({}, {}) or not all(can_be_read(*filter(None, pair)) for pair in here.values()):
            continue
        for service, (was, now) in here.items():
            grown = next(growth(was or nothing, now, values), None) if now else None
            assert growing(result, environment, service) or not grown, (grown, change)
        for order in (list(here), list(here)[::-1]):
            grown = next(growth_of_all({service: here[service] for service in order}, values), None)
            assert growing(result, environment) or not grown, (order, grown, change)
    for path in change.odd[0].keys() | change.odd[1].keys():
        said = [line.text for section in result.sections for line in section.lines if line.kind in GROWS]
        assert any(path in text for text in said), (path, said)

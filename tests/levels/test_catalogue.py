"""What the catalogue says of the levels that ship: true, and up to date."""

from __future__ import annotations

import pytest
from granted import LEVELS, RENDERER, entries, statements, usual
from project import HERE

from taskroles.commands import levels
from taskroles.rendering.catalogue import PATH, catalogue

CATALOGUE = {(entry.aws_service, entry.level): entry for entry in catalogue(RENDERER)}


def test_the_page_is_up_to_date(monkeypatch) -> None:
    monkeypatch.chdir(HERE)
    assert (HERE / PATH).exists()
    assert levels.main(["--check"]) == 0


@pytest.mark.parametrize(("folder", "level"), LEVELS)
def test_it_says_what_a_level_grants(folder: str, level: str) -> None:
    entry = CATALOGUE[folder, level]
    found = [statement for each in entries(folder, level) or [usual(folder, level)] for statement in statements(each)]
    assert set(entry.actions) == {action for statement in found for action in statement.actions}
    assert ("*" in entry.resources) == any("*" in statement.resources for statement in found)
    assert entry.resources

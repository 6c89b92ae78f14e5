"""An option takes away and adds nothing: of every level that declares one, on each kind of target that it takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from granted import LEVELS, entries, statements, usual

from taskroles.access.compare import compare
from taskroles.access.wording import GROWS
from taskroles.faults import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from granted import Entry

OPTIONS = [(*key, option) for key, level in LEVELS.items() for option in level.options if option not in level.required]
REQUIRED = [(*key, option) for key, level in LEVELS.items() for option in level.required]
EXAMPLE = re.compile(r"(?:such as|as in) ([^ ,;()]+)")
EXPORTS = ({"import": "orders"}, {"import-arn": "orders-arn"})


def value(folder: str, level: str, option: str) -> str:
    """Return a value of an option: that of a call, else the example that its description gives, else any."""
    for entry in entries(folder, level):
        if option in entry.options:
            return entry.options[option]
    example = EXAMPLE.search(LEVELS[folder, level].options[option])
    return example[1] if example else "incoming/"


def on_each_target(folder: str, level: str, option: str) -> Iterator[Entry]:
    """Yield the level on each target of its calls and on exports, without the option."""
    takes = LEVELS[folder, level]
    found = entries(folder, level) or [usual(folder, level)]
    for entry in found:
        options = {name: each for name, each in entry.options.items() if name != option}
        targets = [entry.target, *(EXPORTS if entry is found[0] and takes.takes_target else ())]
        yield from (entry._replace(target=target, options=options) for target in targets)


@pytest.mark.parametrize(("folder", "level", "option"), OPTIONS)
def test_an_option_takes_away_and_adds_nothing(folder: str, level: str, option: str) -> None:
    tried = 0
    for entry in on_each_target(folder, level, option):
        try:
            wide = statements(entry)
            narrow = statements(entry, options={**entry.options, option: value(folder, level, option)})
            anything = statements(entry, options={**entry.options, option: "*"})
        except BadInput:
            assert entry.target in EXPORTS, "a level may refuse an export, and no target of its calls"
            continue
        kinds = {change.kind for change in compare(wide, narrow)}
        assert kinds, (entry.target, "takes nothing away")
        assert kinds <= {"revoked", "narrowed"}, entry.target
        assert [change for change in compare(wide, anything) if change.kind in GROWS] == [], entry.target
        tried += 1
    assert tried


@pytest.mark.parametrize(("folder", "level", "option"), REQUIRED)
def test_an_option_that_a_level_needs_says_how_it_looks_and_stands_in_what_is_granted(folder, level, option) -> None:
    assert EXAMPLE.search(LEVELS[folder, level].options[option]), "its description ends in an example: as in ..."
    for entry in entries(folder, level):
        assert option in entry.options
        other = statements(entry, options={**entry.options, option: f"{entry.options[option]}-other"})
        assert compare(statements(entry), other) != [], entry.options

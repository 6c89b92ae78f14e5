"""What a person reads at a terminal: colour where it is taken, columns that align."""

from __future__ import annotations

import io

import pytest

from taskroles.terminal import columns, paint, say


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("stream", "no_color", "colour", "expected"),
    [
        (Terminal(), None, "31", "\x1b[31mx\x1b[0m"),
        (Terminal(), "", "31", "\x1b[31mx\x1b[0m"),
        (Terminal(), "1", "31", "x"),
        (Terminal(), None, "", "x"),
        (io.StringIO(), None, "31", "x"),
    ],
)
def test_colour_is_for_terminals_that_take_it(monkeypatch, stream, no_color, colour, expected) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert paint("x", colour, stream) == expected


def test_columns_align_with_and_without_colour() -> None:
    rows = [["a", "b", "c"], ["\x1b[31mlong\x1b[0m", "", "d"], ["e", "ffff", ""]]
    assert columns(rows) == ["a     b     c", "\x1b[31mlong\x1b[0m        d", "e     ffff"]
    assert columns([]) == []


def test_lines_go_to_stderr(capsys) -> None:
    say("one", "two")
    assert capsys.readouterr() == ("", "one\ntwo\n")

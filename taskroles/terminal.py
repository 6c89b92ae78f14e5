"""What a person reads: lines on stderr, colour where a terminal takes it, columns that align."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence


def say(*lines: str) -> None:
    """Print lines to stderr, each with one write."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return the text in a colour if the stream (stderr) is a terminal and NO_COLOR does not forbid it."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and takes_colour(stream or sys.stderr) else text


def takes_colour(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal for which NO_COLOR is not set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with their columns aligned."""

    def shown(cell: str) -> int:
        return len(re.sub(r"\x1b\[\d+m", "", cell))

    widths = [max(map(shown, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell + " " * (width - shown(cell)) for cell, width in zip(row, widths, strict=True)) for row in rows
    )
    return [line.rstrip() for line in lines]

"""Print the levels that policies/ holds, or those of one AWS service in full; keep docs/levels.md up to date.

usage: taskroles levels [SERVICE]     print the catalogue, or all that the levels of one AWS service say
       taskroles levels --write       ... and write docs/levels.md, if the project has it
       taskroles levels --check       print nothing; exit 1 if docs/levels.md is stale
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from taskroles.faults import BadInput, listed, printable
from taskroles.rendering.catalogue import KEY, PATH, catalogue, on_key, page, texts
from taskroles.rendering.outputs import decoded
from taskroles.rendering.partials import Renderer
from taskroles.rendering.sandbox import limited
from taskroles.rendering.state import files, read, write
from taskroles.terminal import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskroles.rendering.catalogue import Entry

HEAD = ("AWS service", "level", "what for", "actions", "on", "options")
NARROWEST = 24  # characters of what a level is for, however narrow the terminal is
WIDTH = 100


def main(argv: list[str]) -> int:
    """Answer the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        "taskroles levels", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("service", nargs="?", default="", help="an AWS service: a folder of policies/")
    parser.add_argument("--write", action="store_true", help=f"bring {PATH} up to date, if it is there")
    parser.add_argument("--check", action="store_true", help=f"exit 1 if {PATH} is there, and not up to date")
    options = parser.parse_args(argv)
    with limited():  # partials may be anybody's
        renderer = Renderer(decoded(dict(files("policies"))), {})
        entries = catalogue(renderer)
        services = dict.fromkeys(entry.aws_service for entry in entries)
        text = page(entries, {name: renderer.name(name) for name in services}).encode()
    stale = os.path.exists(PATH) and read(PATH) != text
    if options.check:
        if stale:
            print(f"{PATH} is stale: run `make levels` and commit it", file=sys.stderr)
        return int(stale)
    if options.service and options.service not in services:
        raise BadInput([f"no folder policies/{options.service}/; AWS services: {listed(services, options.service)}"])
    chosen = [entry for entry in entries if options.service in ("", entry.aws_service)]
    lines = in_full(chosen) if options.service else table(chosen)
    print(*map(printable, lines), sep="\n")
    if options.write and stale:
        write(PATH, text)
        print(f"wrote {PATH}", file=sys.stderr)
    return 0


def table(entries: list[Entry]) -> Iterator[str]:
    """Yield the catalogue as columns, what for cut to the width of a terminal."""
    rows = [
        (
            entry.aws_service,
            entry.level,
            re.sub(r"^applications that |\.$", "", entry.header.purpose.partition(";")[0]),
            counted(entry.actions),
            ", ".join(entry.resources),
            ", ".join(name + " (needed)" * (name in entry.takes.required) for name in entry.takes.options),
        )
        for entry in entries
    ]
    if sys.stdout.isatty():
        others = [max(len(cell) for cell in column) for column in zip(*rows, HEAD, strict=True)]
        width = shutil.get_terminal_size().columns - sum(others) + others[2] - 2 * (len(HEAD) - 1)
        rows = [(*row[:2], shortened(row[2], max(width, NARROWEST)), *row[3:]) for row in rows]
    yield from columns([HEAD, *rows])
    services = {entry.aws_service for entry in entries}
    yield f"{len(entries)} levels of {len(services)} AWS services; make levels SERVICE=... says all of one"


def counted(actions: tuple[str, ...]) -> str:
    """Return one action by its name, and several by their number."""
    return actions[0].partition(":")[2] if len(actions) == 1 else f"{len(actions)}"


def shortened(text: str, width: int) -> str:
    """Return text cut to a width."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def in_full(entries: list[Entry]) -> Iterator[str]:
    """Yield all that levels say of themselves."""
    for index, entry in enumerate(entries):
        if index:
            yield ""
        yield f"{entry.aws_service}: {entry.usage}"
        pairs = [
            ("Grants", entry.header.grants),
            ("For", entry.header.purpose),
            ("Actions", ", ".join(entry.actions)),
            ("On", ", ".join(entry.resources)),
        ]
        for name, does in entry.takes.options.items():
            pairs.append(("Option", f"{name}{' (needed)' * (name in entry.takes.required)}: {does}"))
        if entry.takes.key:
            pairs.append((KEY, on_key(entry)))
        for title, text in (*pairs, *texts(entry.header)):
            yield from textwrap.wrap(
                f"{title + ':':13}{text}",
                WIDTH,
                initial_indent="  ",
                subsequent_indent=" " * 15,
                break_on_hyphens=False,
            )

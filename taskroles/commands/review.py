"""Say what a change to out/ grants and revokes, as access and not as text.

Each side is a git revision, the working tree (no HEAD) or `deployed`: what CloudFormation runs now.

  taskroles review origin/main                 the working tree against main
  taskroles review v1.2 v1.3 --format markdown
  taskroles review deployed --environment qa --service orders

A line is one of
  granted    access that was not there: an action, or an action on another resource
  widened    existing access became broader; also whatever cannot be decided, marked "cannot tell"
  narrowed   existing access became smaller
  revoked    access that is gone
and `notice` where CloudFormation would do something other than it seems. Exit code: 0, or 1 if --fail-on finds a
line, or 2 for wrong usage. `--fail-on granted` fails on any request that can be made now and could not before,
whatever the line calls it; `--fail-on widened` also on what cannot be told; `--fail-on loss` on what a deploy refuses.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from taskroles.access import report
from taskroles.access.environments import require
from taskroles.access.marks import LOSS
from taskroles.access.review import Side, like, placed, review, side_of
from taskroles.access.wording import GROWS
from taskroles.faults import BadInput
from taskroles.git import GitError, blob_id, files_of
from taskroles.terminal import say, takes_colour
from taskroles.tree import ENVIRONMENT_FILE, FILE, OUT, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GATES = ("widened", "granted", "escalation", "loss")
GATES_HELP = (
    "exit with 1 on a request that is new (granted), also on what cannot be told (widened), on a way to further rights, or "
    "on a policy that CloudFormation would leave a role without (loss)"
)
DEPLOYED = "deployed"


def revision_side(revision: str) -> Side:
    """Return what a git revision holds under out/. Raises BadInput."""
    try:
        files = files_of(revision, OUT)
    except GitError as error:
        raise BadInput(str(error).splitlines()) from None
    return side_of(revision, files.ids, files.kinds, files.read)._replace(commit=files.commit)


def working_tree_side() -> Side:
    """Return what lies in out/ now, committed or not."""

    def read(paths: Sequence[str]) -> dict[str, bytes]:
        return {path: Path(path).read_bytes() for path in paths}

    kinds = dict(walk(OUT, hidden=True))
    ids = {path: blob_id(data) for path, data in read([path for path in kinds if kinds[path] == FILE]).items()}
    ids |= {path: kind for path, kind in kinds.items() if kind != FILE}
    return side_of("working tree", ids, kinds, read)


def deployed_side(other: Side, environments: list[str], services: list[str]) -> Side:
    """Return what is deployed now, of the environments and services of the other side unless told which."""
    from taskroles.deploying.aws import Refused, aws_errors
    from taskroles.deploying.stacks import deployed_templates

    held: dict[str, bytes] = {}
    for name in environments or sorted({file.environment for file in other.paths}):
        environment = other.environments[name]
        wanted = services or sorted({file.service for file in other.paths if file.environment == name})
        if not environment.described:
            raise BadInput([f"no {OUT}/{name}/{ENVIRONMENT_FILE} says what its stacks are called ({other.label})"])
        try:
            held |= deployed_templates(environment, wanted)
        except (*aws_errors(), BadInput, Refused) as error:
            raise BadInput([f"what is deployed in {name} is not to be had: {error}"]) from None
    ids = {path: blob_id(data) for path, data in held.items()}
    environments = other.environments  # AWS knows no settings of ours
    return Side(DEPLOYED, environments, placed(ids, environments), ids, {}, lambda paths: {p: held[p] for p in paths})


def both_sides(options: argparse.Namespace) -> tuple[Side, Side]:
    """Return both sides; what is deployed is asked of AWS for what the other side has. Raises BadInput."""
    given = (options.base, options.head)
    if given == (DEPLOYED, DEPLOYED):
        raise BadInput(["only one side can be what is deployed"])
    known = [revision_side(name) if name else working_tree_side() for name in given if name != DEPLOYED]
    if len(known) > 1:
        known = [like(known[0], known[1]), like(known[1], known[0])]
    for option, names in (
        ("environment", {name for side in known for name in side.environments}),
        ("service", {file.service for side in known for file in side.paths}),
    ):
        for name in getattr(options, option):
            require(option, name, sorted(names))
    if len(known) == 1:
        deployed = deployed_side(known[0], options.environment, options.service)
        known.insert(given.index(DEPLOYED), deployed)
    base, head = known
    if not base.paths and not head.paths:
        raise BadInput([f"no templates under {OUT}/ in {base.label} or {head.label}"])
    return base, head


def fails(result: report.Review, gates: Iterable[str]) -> bool:
    """Tell whether any line is of a kind, or has a mark, that a gate forbids."""
    lines = [line for section in result.sections for line in section.lines]
    grows = [line for line in lines if line.kind in GROWS]
    found = {"widened"} if grows else set()
    if not all(line.undecided for line in grows):
        found.add("granted")
    if any(mark.code in ("escalation", "permissions", "unread") for line in lines for mark in line.marks):
        found.add("escalation")
    if any(mark.code == LOSS for line in lines for mark in line.marks):
        found.add("loss")
    return not found.isdisjoint(gates)


def rendered(result: report.Review, form: str) -> str:
    """Return a review as it is printed."""
    if form == "json":
        return report.as_json(result)
    result = report.made_printable(result)
    if form == "terminal":
        columns = shutil.get_terminal_size((110, 24)).columns
        return report.terminal(result, columns, colour=takes_colour(sys.stdout))
    return report.markdown(result)


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        "taskroles review", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", help="a git revision, or deployed")
    parser.add_argument("head", nargs="?", help="a git revision, or deployed (default: the working tree)")
    parser.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    parser.add_argument("--fail-on", choices=GATES, action="append", default=[], help=GATES_HELP)
    parser.add_argument("--environment", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--service", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    options = parser.parse_args(argv)
    result = review(*both_sides(options), options.environment, options.service)
    sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may know ASCII alone
    try:
        sys.stdout.write(rendered(result, options.format))
        sys.stdout.flush()
    except OSError as error:
        say(f"review: cannot print: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed at exit
        return 2
    return int(fails(result, options.fail_on))

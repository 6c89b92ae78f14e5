"""What one run of deploy.sh has found out so far: a file beside its copy of out/, from one of its steps to the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

FILE = Path("plan.json")  # in the current folder: `taskroles --in COPY`


class Plan(NamedTuple):
    """What the copy is of, then where it goes, which services change, and which stacks the run makes."""

    protected: bool
    doubts: tuple[str, ...]  # what git holds against it
    account: str = ""
    region: str = ""
    changing: tuple[str, ...] = ()  # services of which something is deployed otherwise than it stands in the copy
    new: tuple[str, ...] = ()  # services that had no stack
    unguarded: tuple[str, ...] = ()  # services whose stack wants termination protection


def read_plan() -> Plan:
    """Return what the steps before this one have written."""
    written = json.loads(FILE.read_text(encoding="utf-8"))
    return Plan(**{key: tuple(value) if isinstance(value, list) else value for key, value in written.items()})


def write_plan(plan: Plan, folder: Path = Path()) -> None:
    """Write it for the next steps."""
    (folder / FILE).write_text(json.dumps(plan._asdict()), encoding="utf-8")

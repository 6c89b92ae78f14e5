"""Both rates of the lint over statements from public sources: no dangerous one is missed, no honest one is found."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from dangerous import DANGEROUS, OWN
from honest import HONEST
from linting import POLICY, STATEMENT

if TYPE_CHECKING:
    from linting import Linter

ROWS = [row[-3:] for row in (*DANGEROUS, *HONEST)]


def line(actions: Any, resources: Any, condition: Any) -> str:
    """Return a statement that allows this, on a line of its own."""
    found = {"Effect": "Allow", "Action": actions, "Resource": filled(resources)}
    if condition is not None:
        found["Condition"] = filled(condition)
    return f"- {json.dumps(found)}"


def filled(value: Any) -> Any:
    """Return a value with Fn::Sub where a text takes pseudo parameters."""
    if isinstance(value, list):
        return [filled(each) for each in value]
    if isinstance(value, dict):
        return value if any(key.startswith("Fn::") for key in value) else {k: filled(v) for k, v in value.items()}
    return {"Fn::Sub": value} if "${AWS::" in value else value


@pytest.fixture(scope="module")
def found(linter: Linter) -> dict[str, list[str]]:
    """Return what is found in each statement, by its line: all of them in one template, for the time it takes."""
    linter.broken = ""
    policy = POLICY.replace(STATEMENT, "".join(f"          {line(*row)}\n" for row in ROWS))
    by_line = defaultdict(list)
    for finding in linter(policy, account=OWN):
        rule, _, rest = finding.partition(" ")
        by_line[rest.partition(" => ")[0]].append(rule)
    return by_line


def test_there_are_enough_of_both_each_with_a_source_and_once(found: dict[str, list[str]]) -> None:
    for rows in (DANGEROUS, HONEST):
        assert len(rows) >= 60
        assert len({row[0] for row in rows}) == len(rows)
    lines = {line(*row) for row in ROWS}
    assert len(lines) == len(ROWS)
    assert found.keys() <= lines


@pytest.mark.parametrize("row", DANGEROUS, ids=lambda row: row[0])
def test_what_is_dangerous_is_found(found: dict[str, list[str]], row: Any) -> None:
    assert sorted({rule for rule in found[line(*row[-3:])] if rule.startswith("E9")}) == row[1].split()


@pytest.mark.parametrize("row", HONEST, ids=lambda row: row[0])
def test_what_is_honest_is_not_found(found: dict[str, list[str]], row: Any) -> None:
    assert found[line(*row[-3:])] == []

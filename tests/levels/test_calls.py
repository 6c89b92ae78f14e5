"""Nobody has an action that nobody needs: each level allows the calls that it is for, and without any part of it one fails."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import oracle
import pytest
from granted import ACCOUNT, CALLS, LEVELS, NARROW, REGION, document, entries, listed, table_of

from taskroles.access.actions import expand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from granted import Call

TABLES = sorted(CALLS.glob("*.yml"))


def is_allowed(call: Call, statements: list[dict[str, Any]]) -> bool:
    """Tell whether statements allow all that a call needs, by the tests' own reading of IAM."""
    said = oracle.read({"Version": "2012-10-17", "Statement": statements})
    context = {"aws:requestedregion": (REGION,), "aws:principalaccount": (ACCOUNT,), **call.given}
    requests = oracle.Requests(
        tuple(call.needs), tuple({each for on in call.needs.values() for each in on}), (context,)
    )
    allowed = oracle.allowed(said, requests)
    return all(
        allowed[action] >> requests.resources.index(each) & 1 for action, on in call.needs.items() for each in on
    )


def once(statements: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield statements without the actions that one before them has on the same: a level may include two that overlap."""
    known: set[tuple[str, str]] = set()
    for statement in statements:
        on = json.dumps([statement["Resource"], statement.get("Condition")], sort_keys=True)
        actions = [action for action in listed(statement["Action"]) if (action, on) not in known]
        known |= {(action, on) for action in actions}
        if actions:
            yield statement | {"Action": actions}


def without_a_part(statements: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the statements without one action or one resource of one of them, and what is left out."""
    statements = [*once(statements)]
    for index, statement in enumerate(statements):
        for key in ("Action", "Resource"):
            for value in listed(statement[key]):
                less = copy.deepcopy(statements)
                less[index][key] = [each for each in listed(statement[key]) if each != value]
                yield (
                    f"{value} of statement {index + 1}",
                    less if less[index][key] else less[:index] + less[index + 1 :],
                )


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_speaks_of_levels_and_of_actions_that_exist(path) -> None:
    table = table_of(path.stem)
    assert set(table) == {"resources", "levels"}
    assert {(path.stem, level) for level in table["levels"]} <= set(LEVELS)
    named = set(table["resources"]) | {"*"}
    for level in table["levels"]:
        for call in (call for entry in entries(path.stem, level) for call in entry.calls):
            assert call.needs, (level, call.name)
            assert [action for action in call.needs if expand(action) != {action}] == []
            assert [each for on in call.needs.values() for each in on if ":" not in each and each not in named] == []


@pytest.mark.parametrize(("folder", "level"), NARROW)
def test_a_level_allows_its_calls_and_each_part_of_it_is_needed(folder: str, level: str) -> None:
    assert entries(folder, level), f"tests/levels/calls/{folder}.yml has no calls of {level}"
    for entry in entries(folder, level):
        whole = document(entry)
        assert [call.name for call in entry.calls if not is_allowed(call, whole)] == [], "not allowed"
        idle = [what for what, less in without_a_part(whole) if all(is_allowed(call, less) for call in entry.calls)]
        assert idle == [], f"no call of {level} needs it"


@pytest.mark.parametrize(("folder", "level"), NARROW)
def test_a_level_allows_no_call_on_another_resource(folder: str, level: str) -> None:
    for entry in entries(folder, level):
        whole = document(entry)
        name = next(iter((entry.target or {"": ""}).values())).strip("/")
        for call in entry.calls if name else ():
            for action, on in call.needs.items():
                for each in on:
                    other = each.replace(name, f"not-{name}")
                    if other != each:
                        asked = call._replace(needs={action: [other]})
                        assert not is_allowed(asked, whole), (call.name, action, other)

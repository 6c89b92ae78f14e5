"""Both rates of the lint over statements from public sources: no dangerous one is missed, no honest one is found."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from dangerous import DANGEROUS, OTHER, OWN
from honest import HONEST
from linting import POLICY, STATEMENT, environment, ids, with_statement

from taskroles.rules._exceptions import Linted, faults

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
    return {"Fn::Sub": value} if "${AWS::" in value or "${Vpc}" in value else value


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


# --- environments that take wildcards, exceptions and parameters --------------------

PASSES_ANY = line("iam:PassRole", "arn:aws:iam::222222222222:role/*", {"StringLike": {"iam:PassedToService": "*"}})
OF_OTHER = line("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{OTHER}:orders", None)
OF_OWN = line("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{OWN}:orders", None)
EVERY_TABLE = line("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/*", None)


@pytest.mark.parametrize(
    ("statement", "expected"), [(PASSES_ANY, ["E9006", "E9008"]), (OF_OTHER, ["E9008"]), (EVERY_TABLE, [])]
)
def test_where_wildcards_pass_only_the_wide_resources_do(lint: Linter, statement: str, expected: list[str]) -> None:
    assert ids(lint(with_statement(statement[2:]), account=OWN, wildcards=True)) == expected


def test_an_environment_without_an_account_may_be_in_any(lint: Linter) -> None:
    assert lint(with_statement(OF_OWN[2:]), account=OWN) == []
    assert lint(with_statement(OF_OTHER[2:])) == []


@pytest.mark.parametrize("what", [OTHER, "orders/SQSAccessPolicy"])
def test_another_account_is_excepted_with_a_reason(lint: Linter, what: str) -> None:
    policy = with_statement(OF_OTHER[2:])
    assert lint(policy, account=OWN, E9008=[f"{what} because partners own the queue"]) == []
    (found,) = lint(policy, account=OWN, E9008=[what])
    assert f"in account {OTHER}; environment.yml says account {OWN}, which ${{AWS::AccountId}} stands for" in found
    assert f'; its exception has no reason: "{what}' in found


@pytest.mark.parametrize(("account", "needed"), [(OTHER, True), (OTHER[1:], False), (OWN, False)])
def test_an_exception_is_needed_while_a_template_names_the_account(account: str, *, needed: bool) -> None:
    configuration = f"configure_rules: {{E9008: {{exceptions: [{account} because partners own it]}}}}"
    assert (list(faults(configuration, [Linted("orders", OF_OTHER, wildcards=True)])) == []) == needed


@pytest.mark.parametrize("where", ["Action", "Resource"])
def test_a_parameter_has_the_value_that_a_deploy_gives_it(lint: Linter, where: str) -> None:
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:q"}
    statement[where] = {"Action": "sqs:${Vpc}", "Resource": "arn:aws:sqs:*:*:${Vpc}"}[where]
    policy = with_statement(json.dumps(filled(statement)))
    assert not [found for found in lint(policy) if found.startswith("E9")]
    lint.broken = environment().replace('Vpc: "vpc"', 'Vpc: "*"')
    assert ids(lint(policy))[:1] == [{"Action": "E9001", "Resource": "E9002"}[where]]

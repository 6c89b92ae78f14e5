"""What a review cannot tell: it counts as widened, and is named."""

from __future__ import annotations

import re

import pytest
from repository import DENY, SEND, Repository, policy, statement, template

CANNOT_BE_SPELLED = {
    "an Fn::If": statement("!If [X, '*', 'arn:aws:s3:::a']"),
    "an Fn::If with a brace in it": statement("!If [X, '}*', 'arn:aws:s3:::a']"),
    "an Fn::Select": statement("[!Select [0, ['*', a]]]"),
    "an Fn::If within an Fn::Sub": statement("!Sub ['${N}', {N: !If [X, '*', a]}]"),
    "an Fn::Join of nothing": statement("!Join []"),
    "an Fn::Join with an unknown separator": statement("!Join [!Ref X, ['', '']]"),
    "an unknown mapping": statement("{foo: bar}"),
    "an empty Resource": statement("''"),
    "no Resource in the list": statement("[]"),
    "a list in the list": statement("[['*']]"),
    "no value": statement("!Ref AWS::NoValue"),
    "a Deny of an Fn::If": statement() + "\n" + statement("!If [X, '*', a]", effect="Deny"),
    "everything but an Fn::If": statement("!If [X, '*', a]").replace("Resource", "NotResource"),
    "a Condition that is no mapping": statement(condition="text"),
    "a Condition that is an Fn::If": statement(condition="!If [X, {}, {Bool: {a: 'true'}}]"),
    "a part of a Condition that is an Fn::If": statement(condition="{Bool: !If [X, {}, {a: 'true'}]}"),
    "a value of a Condition that is an Fn::If": statement(condition="{Bool: {a: !If [X, 'true', 'false']}}"),
    "no value in a Condition": statement(condition="{Bool: {a: []}}"),
    "an operator that IAM does not have": statement(condition="{StringEqual: {a: b}}"),
    "an action that is an Fn::If": statement(action="[sqs:SendMessage, !If [X, sqs:GetQueueUrl, 'sqs:*']]"),
    "an action that is a parameter": statement(action="!Ref Action"),
    "no action": statement(action="[]"),
}


# whatever these mean, a statement on everything allows all that they do: to add them takes away at the most
LESS_THAN_EVERYTHING = {
    "a Deny of an Fn::If",
    "no value in a Condition",
    "an operator that IAM does not have",
    *(name for name in CANNOT_BE_SPELLED if name.endswith(("Condition that is no mapping", "that is an Fn::If"))),
} - {"an action that is an Fn::If"}


@pytest.mark.parametrize("name", CANNOT_BE_SPELLED)
@pytest.mark.parametrize("other", [statement(), statement("x"), statement("!If [Y, '*', a]")])
def test_what_cannot_be_spelled_cannot_be_told_and_counts_as_widened(
    repository: Repository, name: str, other: str
) -> None:
    here, there = template(policy(CANNOT_BE_SPELLED[name])), template(policy(other))
    for before, after in ((here, there), (there, here)):
        repository.commit({"Production/backend": before})
        repository.write({"Production/backend": after})
        code, out, _ = repository.run("HEAD", "--fail-on", "widened")
        assert "${unknown" not in out
        less = [line for line in out.splitlines() if line[:3] == "  -"]
        if after == here and other == statement() and name in LESS_THAN_EVERYTHING:
            assert (code, [line.split()[1] for line in less]) == (0, ["narrowed"])
            continue
        assert code == 1
        assert re.search(r"! cannot tell: what .* means", out)
        if "action" in name:  # it may be the one that is allowed on the other side, and is at most that
            less = [line for line in less if not line.endswith("if the action is an unknown action")]
        assert less == []


@pytest.mark.parametrize("name", CANNOT_BE_SPELLED)
def test_what_cannot_be_spelled_is_no_change_if_it_stays(repository: Repository, name: str) -> None:
    text = template(policy(CANNOT_BE_SPELLED[name]))
    repository.commit({"Production/backend": text})
    repository.write({"Production/backend": "# another comment\n" + text})
    assert "no change in permissions" in repository.run("HEAD", "--fail-on", "widened")[1]


def test_what_cannot_be_spelled_is_named(repository: Repository) -> None:
    repository.commit({"Production/backend": template(policy(statement()))})
    repository.write({"Production/backend": template(policy(statement("!If [X, '*', 'arn:aws:s3:::a']")))})
    assert "SendMessage on every queue → SendMessage on an Fn::If\n" in repository.run("HEAD")[1]


def test_a_new_file_that_cannot_be_told_and_a_removed_one_with_a_deny_count_as_growth(repository: Repository) -> None:
    repository.commit({"Production/a": template(policy(SEND)), "Production/c": template(policy(SEND))})
    repository.write(
        {"Production/a": template(policy(SEND)), "Production/b": template(policy(statement("!If [X, '*', a]")))}
    )
    code, out, _ = repository.run("HEAD", "--fail-on", "widened")
    assert (code, "cannot tell: what an Fn::If means" in out, "- revoked   sqs  removed service" in out) == (
        1,
        True,
        True,
    )
    repository.commit({"Production/a": template(policy(SEND)), "Production/b": template(policy(DENY))})
    repository.write({"Production/a": template(policy(SEND))})
    code, out, _ = repository.run("HEAD", "--fail-on", "widened")
    assert (code, "+ widened   sqs  removed service" in out, "! a Deny was dropped" in out) == (1, True, True)

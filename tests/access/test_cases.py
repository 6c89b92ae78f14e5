"""What the review once got wrong after reports of people who do this with other tools; the right answers are AWS's."""

from __future__ import annotations

import pytest
from trees import HEAD, ORDERS, failing, formats, in_time, lines, policy, reviewed, statement

EVERY_GATE = {"widened", "granted", "escalation"}
ADMIN = statement("'*'", "'*'")
DOCUMENT = f"{{Version: '2012-10-17', Statement: [{ADMIN}]}}"
SMALL = HEAD + policy(statement())
QUEUE = "arn:aws:sqs:eu-west-1:111122223333"


def resource(kind: str, properties: str) -> str:
    return f"  Extras: {{Type: 'AWS::IAM::{kind}', Properties: {{{properties}, PolicyDocument: {DOCUMENT}}}}}\n"


NEW = {
    "a managed policy": HEAD + resource("ManagedPolicy", "Roles: [!ImportValue backend]"),
    "a policy of a role, beside a small one": SMALL
    + resource("RolePolicy", "RoleName: !ImportValue backend, PolicyName: x"),
    "policies by a loop": "Transform: AWS::LanguageExtensions\n"
    + HEAD
    + f"  'Fn::ForEach::Queues': [Q, [a, b], {{'Access${{Q}}': {{Type: 'AWS::IAM::Policy', Properties: {{PolicyDocument: {DOCUMENT}}}}}}}]\n",
    "what a skeleton adds for one service": SMALL
    + "  BatchExtras: {Type: 'AWS::IAM::RolePolicy', Properties: {RoleName: !ImportValue b, PolicyName: x, PolicyDocument: "
    + "{Version: '2012-10-17', Statement: ["
    + statement("['iam:AttachRolePolicy', 'ssm:SendCommand', 'sqs:PurgeQueue']", "!Sub 'arn:${AWS::Partition}:*:*:*:*'")
    + "]}}}\n",
}


@pytest.mark.parametrize("name", NEW)
def test_a_new_file_with_other_types_fails_every_gate(name: str) -> None:
    assert failing(reviewed("", NEW[name])) == EVERY_GATE


TWO = HEAD + policy(statement()) + policy(statement("'dynamodb:*'", "'*'"), role="reporting", name="Dynamo")
OTHER_ROLE = {
    "with another logical id": (SMALL, HEAD + policy(statement(), role="public", name="Queue")),
    "alone": (SMALL, HEAD + policy(statement(), role="public")),
    "of one policy of two": (TWO, TWO.replace("reporting", "public").replace("Dynamo:", "Data:")),
}


@pytest.mark.parametrize("name", OTHER_ROLE)
def test_another_role_gains_the_access(name: str) -> None:
    result = reviewed(*OTHER_ROLE[name])
    assert {"widened", "granted"} <= failing(result)
    assert any(line.kind == "granted" and "public" in line.text for line in lines(result))


HOME = "arn:aws:s3:::homes/${!aws:PrincipalTag/team}/*"
VAULT = [statement("'s3:*'", "'*'"), statement("'s3:*'", f"!Sub '{HOME}'", Effect="Deny")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([statement("'s3:GetObject'", f"'{HOME}'")], [statement("'s3:GetObject'", f"!Sub '{HOME}'")]),
        (VAULT, [VAULT[0], VAULT[1].replace("!Sub ", "")]),
    ],
)
def test_what_sub_escapes_is_another_text(before: list[str], after: list[str]) -> None:
    assert "granted" in failing(reviewed(HEAD + policy(*before), HEAD + policy(*after)))


INCLUDE = "Fn::Transform: {Name: 'AWS::Include', Parameters: {Location: 's3://snippets/extra.yml'}}"
INCLUDED = {
    "in a document": HEAD + policy(statement(), document=f", {INCLUDE}"),
    "among properties": HEAD + policy(statement(), more=f"      {INCLUDE}\n"),
    "among resources": SMALL + f"  {INCLUDE}\n",
}


@pytest.mark.parametrize("name", INCLUDED)
@pytest.mark.parametrize("before", [SMALL, ""])
def test_an_include_cannot_be_told_and_fails_every_gate(name: str, before: str) -> None:
    result = reviewed(before, INCLUDED[name])
    assert failing(result) == EVERY_GATE
    assert any("cannot tell" in line.text and "Transform" in line.text for line in lines(result))


PURGE = statement("['sqs:PurgeQueue', 'sqs:DeleteQueue']")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (statement(), f"{statement(resource=ORDERS[:-1] + '*' + ORDERS[-1])}, {PURGE}"),
        (statement("'sqs:Send*'"), statement("'sqs:*'")),
        (statement(), statement("['sqs:SendMessage', 'sqs:PurgeQueue', 'sqs:DeleteQueue']")),
    ],
)
def test_actions_that_were_not_there_fail_the_gate_granted_whatever_the_line_is_called(before: str, after: str) -> None:
    assert "granted" in failing(reviewed(HEAD + policy(before), HEAD + policy(after)))


@pytest.mark.parametrize(
    ("before", "after", "everywhere"),
    [
        ("", statement("'s3:GetObject'", "'arn:aws:s3:::orders-files/*'"), False),
        ("", statement("'s3:GetObject'", "'arn:aws:s3:::orders-files/in/*'"), False),
        (statement(), statement(resource="'arn:aws:sqs:*:*:*'"), True),
        (statement(), statement(resource=f"'{QUEUE}:*'"), True),
        (statement(), statement().replace("Resource", "NotResource").replace("orders", "secret"), True),
    ],
)
def test_every_thing_of_a_kind_is_said_where_it_is_every_one(before: str, after: str, everywhere: bool) -> None:
    found = lines(reviewed(HEAD + policy(before) if before else "", HEAD + policy(after)))
    assert any(mark.code == "wildcard-resource" for line in found for mark in line.marks) == everywhere
    assert everywhere or not any("every " in line.text for line in found)


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
@pytest.mark.parametrize("removed", [False, True])
def test_a_service_that_comes_or_goes_says_on_what(form: str, removed: bool) -> None:
    text = HEAD + policy(statement("'s3:PutObject'", "'arn:aws:s3:::payroll-exports/2024/*'"))
    assert "payroll-exports/2024/*" in formats(reviewed(*(text, "") if removed else ("", text)))[form]


def when(condition: str) -> str:
    return statement(Condition=f"{{{condition}}}")


TEAM, OTHER_CASE = "'aws:PrincipalTag/team'", "'AWS:principaltag/team'"
BOTH = when(f"StringEquals: {{{TEAM}: [x, y]}}")


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (when("Bool: {'aws:SecureTransport': true}"), when("Bool: {'aws:SecureTransport': 'true'}"), set()),
        (when(f"StringEquals: {{{TEAM}: x}}"), when(f"StringEquals: {{{OTHER_CASE}: x}}"), set()),
        (when(f"StringEquals: {{{TEAM}: x}}"), when(f"stringequals: {{{TEAM}: [x]}}"), set()),
        (BOTH, ", ".join(when(f"StringEquals: {{{TEAM}: {value}}}") for value in "yx"), set()),
        (BOTH, when(f"StringEquals: {{{TEAM}: [x]}}"), {"narrowed"}),
    ],
)
def test_a_condition_is_compared_and_not_its_spelling(before: str, after: str, kinds: set[str]) -> None:
    found = lines(reviewed(HEAD + policy(before), HEAD + policy(after)))
    assert {line.kind for line in found} == kinds, found


def test_a_dynamic_reference_is_no_text() -> None:
    result = reviewed(SMALL, HEAD + policy(statement(resource="'{{resolve:ssm:/x:1}}'")))
    assert any("dynamic reference" in line.text for line in lines(result))
    assert "granted" in failing(result)


MANY = [f"'b/*{x}*{y}*{z}*'" for x in "ab" for y in "cde" for z in "fg"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (statement("'sqs:Z'"), statement("'sqs:*?*?*?*?*?*?*?*?*Z'")),
        (statement("'sqs:Z'"), statement(f"'sqs:{'*a' * 22}*b'")),
        (statement(resource=f"[{', '.join(MANY)}]"), statement(resource=f"[{', '.join(MANY[1:])}]")),
    ],
)
def test_patterns_made_to_take_long_do_not(before: str, after: str) -> None:
    with in_time():
        assert lines(reviewed(HEAD + policy(before), HEAD + policy(after)))

"""E9001 wildcard actions, E9002 `Resource: "*"` and E9006 IAM without a condition: tables of statements."""

from __future__ import annotations

import pytest
from linting import PARTIAL, QUEUE, Linter, ids, with_statement

CONDITION_IF = "Condition: !If [Wide, !Ref AWS::NoValue, {StringEquals: {'iam:PassedToService': s}}]"
ROLE = "arn:aws:iam::*:role/x"
BAD = {
    "wildcard action, scalar": (f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}", ["E9001"]),
    "wildcard action in a list": (
        f"Effect: Allow\nAction: [sqs:SendMessage, 'sqs:Get*']\nResource: {QUEUE}",
        ["E9001"],
    ),
    "question mark": (f"Effect: Allow\nAction: sqs:SendMessag?\nResource: {QUEUE}", ["E9001"]),
    "in a branch of Fn::If": (
        f'Effect: Allow\nAction: !If [Wide, "sqs:*", "sqs:SendMessage"]\nResource: {QUEUE}',
        ["E9001"],
    ),
    "a list in a branch of Fn::If": (
        f'Effect: Allow\nAction: !If [Wide, ["sqs:*"], ["sqs:SendMessage"]]\nResource: {QUEUE}',
        ["E9001"],
    ),
    "Fn::If in a list": (
        f'Effect: Allow\nAction: [!If [Wide, "sqs:*", sqs:GetQueueUrl]]\nResource: {QUEUE}',
        ["E9001"],
    ),
    "behind Ref": (f"Effect: Allow\nAction: !Ref Which\nResource: {QUEUE}", ["E9001"]),
    "behind Fn::Sub": (f'Effect: Allow\nAction: !Sub ["${{A}}:*", {{A: sqs}}]\nResource: {QUEUE}', ["E9001"]),
    "behind Fn::Join": (f'Effect: Allow\nAction: [!Join [":", [sqs, "*"]]]\nResource: {QUEUE}', ["E9001"]),
    "NotAction": (f'Effect: Allow\nNotAction: ["iam:*"]\nResource: {QUEUE}', ["E9001"]),
    "Effect that may be Allow": (
        f"Effect: !If [Wide, Allow, Deny]\nAction: sqs:*\nResource: {QUEUE}",
        ["E9001"],
    ),
    "every resource": ('Effect: Allow\nAction: sqs:SendMessage\nResource: "*"', ["E9002"]),
    "every resource in a list": ('Effect: Allow\nAction: [sqs:SendMessage]\nResource: ["*"]', ["E9002"]),
    "every resource, in another case": ('Effect: Allow\nAction: SQS:sendmessage\nResource: "*"', ["E9002"]),
    "every resource in a branch": (
        f'Effect: Allow\nAction: sqs:SendMessage\nResource: !If [Wide, "*", {QUEUE}]',
        ["E9002"],
    ),
    "every resource behind Fn::Sub": (
        'Effect: Allow\nAction: sqs:SendMessage\nResource: !Sub ["${A}", {A: "*"}]',
        ["E9002"],
    ),
    "NotResource": (f"Effect: Allow\nAction: sqs:SendMessage\nNotResource: {QUEUE}", ["E9002"]),
    "wildcard action on every resource": (
        'Effect: Allow\nAction: "sqs:Send*"\nResource: "*"',
        ["E9001", "E9002"],
    ),
    "everything": ('Effect: Allow\nAction: "*"\nResource: "*"', ["E9001", "E9002", "E9006"]),
    "NotAction on every resource": (
        'Effect: Allow\nNotAction: sqs:*\nResource: "*"',
        ["E9001", "E9002", "E9006"],
    ),
    "PassRole": (f"Effect: Allow\nAction: iam:PassRole\nResource: {ROLE}", ["E9006"]),
    "passrole in a list": (f"Effect: Allow\nAction: [iam:passrole]\nResource: {ROLE}", ["E9006"]),
    "PassRole, condition dropped in a branch": (
        f"Effect: Allow\nAction: iam:PassRole\nResource: {ROLE}\n{CONDITION_IF}",
        ["E9006"],
    ),
    "PassRole, empty condition": (
        f"Effect: Allow\nAction: iam:PassRole\nResource: {ROLE}\nCondition: {{}}",
        ["E9006"],
    ),
    "iam wildcard": (f"Effect: Allow\nAction: iam:*\nResource: {ROLE}", ["E9001", "E9006"]),
    "another iam wildcard": (f"Effect: Allow\nAction: iam:P*\nResource: {ROLE}", ["E9001", "E9006"]),
    "a role, changed without a condition": (f"Effect: Allow\nAction: iam:PutRolePolicy\nResource: {ROLE}", ["E9006"]),
    "another role's rights, of every role": (
        'Effect: Allow\nAction: sts:AssumeRole\nResource: "*"',
        ["E9002", "E9006"],
    ),
    "commands in every task": ('Effect: Allow\nAction: ecs:executeCommand\nResource: "*"', ["E9002", "E9006"]),
    "I3510, action and resource that do not match": (
        "Effect: Allow\nAction: sqs:SendMessage\nResource: arn:aws:s3:::b",
        ["I3510"],
    ),
}
GOOD = {
    "an action that has no resource types": 'Effect: Allow\nAction: sqs:ListQueues\nResource: "*"',
    "a wildcard that denies": 'Effect: Deny\nAction: "*"\nResource: "*"',
    "an import as the resource": "Effect: Allow\nAction: s3:GetObject\nResource: !ImportValue a",
    "PassRole under a condition": (
        f"Effect: Allow\nAction: iam:PassRole\nResource: {ROLE}\n"
        "Condition: {StringEquals: {'iam:PassedToService': ecs-tasks.amazonaws.com}}"
    ),
    "another role's rights, of one role": f"Effect: Allow\nAction: sts:AssumeRole\nResource: {ROLE}",
    "another single action of IAM": f"Effect: Allow\nAction: iam:GetRole\nResource: {ROLE}",
    "a harmless function": f"Effect: Allow\nAction: !Join [':', [sqs, SendMessage]]\nResource: {QUEUE}",
}
WILD = with_statement('Effect: Allow\nAction: sqs:*\nResource: "*"')
PASS_ROLE = with_statement(BAD["PassRole"][0])


@pytest.mark.parametrize("case", BAD)
def test_a_bad_statement_is_found(lint: Linter, case: str) -> None:
    statement, expected = BAD[case]
    findings = lint(with_statement(statement))
    assert ids(findings) == expected
    for finding in findings:
        if "E9" in finding:
            assert finding.endswith(f" ({PARTIAL})")


@pytest.mark.parametrize("case", GOOD)
def test_a_good_statement_is_clean(lint: Linter, case: str) -> None:
    assert lint(with_statement(GOOD[case])) == []


def test_a_statement_that_is_not_in_a_list_is_read_too(lint: Linter) -> None:
    alone = WILD.replace("          - Effect", "            Effect")
    assert ids(lint(alone)) == ["E9001", "E9002"]


# --- environments --------------------


def test_only_an_environment_that_says_so_takes_wildcards(lint: Linter) -> None:
    assert lint(WILD, wildcards=True) == []
    assert ids(lint(WILD)) == ["E9001", "E9002"]
    assert "'sqs:*' is not allowed in live (" in lint(WILD)[0]


def test_without_an_environment_yml_none_does(lint: Linter) -> None:
    findings = [finding for finding in lint(WILD, described=False) if "E9005" not in finding]
    assert ids(findings) == ["E9001", "E9002"]
    assert "'sqs:*' is not allowed without an environment.yml that says so" in findings[0]


def test_iam_wildcards_need_a_condition_in_every_environment(lint: Linter) -> None:
    statement = with_statement('Effect: Allow\nAction: iam:*\nResource: "*"')
    assert ids(lint(statement, wildcards=True)) == ["E9006"]


def test_so_does_what_can_gain_further_rights_on_every_resource(lint: Linter) -> None:
    statement = 'Effect: Allow\nAction: sts:AssumeRole\nResource: "*"'
    finding = next(finding for finding in lint(with_statement(statement)) if "E9006" in finding)
    assert "'sts:AssumeRole' needs a Condition that limits it, or a resource: it takes credentials of others" in finding
    condition = "\nCondition: {StringEquals: {'aws:ResourceTag/team': orders}}"
    assert lint(with_statement(statement + condition)) == []
    assert lint(with_statement(statement), wildcards=True) == []


# --- exceptions --------------------

SEND_ALL = with_statement('Effect: Allow\nAction: [sqs:SendMessage, sqs:GetQueueUrl]\nResource: "*"')


@pytest.mark.parametrize(
    ("policy", "rule", "exception", "expected"),
    [
        (WILD, "E9001", "sqs:* because the broker needs it", ["E9002"]),
        (WILD, "E9001", "orders/SQSAccessPolicy because the broker needs it", ["E9002"]),
        (WILD, "E9002", "sqs:* because the broker needs it", ["E9001"]),
        (WILD, "E9001", "SQS:* because the broker needs it", ["E9001", "E9002"]),
        (WILD, "E9001", "sqs because the broker needs it", ["E9001", "E9002"]),
        (WILD, "E9001", "billing/SQSAccessPolicy because the broker needs it", ["E9001", "E9002"]),
        (WILD, "E9001", "orders/S3AccessPolicy because the broker needs it", ["E9001", "E9002"]),
        (WILD, "E9001", "* because the broker needs it", ["E9001", "E9002"]),
        (SEND_ALL, "E9002", "sqs:SendMessage because queues come and go", ["E9002"]),
        (SEND_ALL, "E9002", "orders/SQSAccessPolicy because queues come and go", []),
        (PASS_ROLE, "E9006", "iam:PassRole because a condition is set by the boundary", []),
        (PASS_ROLE, "E9006", "orders/SQSAccessPolicy because a condition is set by the boundary", []),
        (PASS_ROLE, "E9001", "iam:PassRole because a condition is set by the boundary", ["E9006"]),
    ],
)
def test_an_exception_with_a_reason_is_for_one_action_or_one_policy(lint, policy, rule, exception, expected) -> None:
    assert ids(lint(policy, **{rule: [exception]})) == expected


@pytest.mark.parametrize("what", ["sqs:*", "orders/SQSAccessPolicy"])
@pytest.mark.parametrize("reason", ["", " because", " because ", " for the broker"])
def test_without_a_reason_it_counts_for_nothing_and_the_finding_says_so(lint: Linter, what: str, reason: str) -> None:
    for rule in ("E9001", "E9002"):
        findings = [f for f in lint(WILD, **{rule: [what + reason]}) if f.startswith(rule)]
        assert len(findings) == 1
        said = f'; its exception has no reason: "{what} because REASON" ({PARTIAL})'
        assert findings[0].endswith(said) == (reason != " for the broker")
    for findings in (lint(PASS_ROLE, E9006=[what + reason]), lint(PASS_ROLE, E9006=["iam:PassRole"])):
        assert ids(findings) == ["E9006"]


def test_two_actions_of_one_statement_are_excepted_one_by_one(lint: Linter) -> None:
    both = ["sqs:SendMessage because queues come and go", "sqs:GetQueueUrl because queues come and go"]
    assert lint(SEND_ALL, E9002=both) == []
    assert lint(SEND_ALL, E9002=both[:1])[0].partition(" => ")[2] == (
        "Resource '*' is not allowed in live, for actions that support resource-level permissions: sqs:GetQueueUrl "
        f"({PARTIAL})"
    )

"""Requests decided as IAM does."""

from __future__ import annotations

import pytest

from taskroles.access.decide import decide
from taskroles.access.reading import Statement

QUEUE = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${import MynaviSampleSQS-${EnvType}}"
ALLOW = Statement("Allow", ("sqs:*Message",), resources=(QUEUE,))
IF_TLS = 'aws:SecureTransport Bool "true"'
REAL_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"


@pytest.mark.parametrize(
    ("statements", "resource", "allowed"),
    [
        ([], QUEUE, False),
        ([ALLOW], QUEUE, True),
        ([ALLOW], QUEUE + "x", None),
        ([ALLOW], REAL_QUEUE, None),  # that depends on what the import is
        ([ALLOW], "arn:aws:sns:eu-west-1:123456789012:orders", False),
        ([ALLOW], "*", False),
        ([Statement("Allow", ("SQS:sendmessage",), resources=("*",))], "*", True),
        ([Statement("Allow", ("sqs:SendMessages",), resources=("*",))], "*", False),
        ([Statement("Allow", not_actions=("sqs:Send*",), resources=("*",))], "*", False),
        ([Statement("Allow", not_actions=("sqs:Get*",), resources=("*",))], "*", True),
        ([Statement("Allow", ("*",), not_resources=(QUEUE,))], QUEUE, False),
        ([Statement("Allow", ("*",), not_resources=(QUEUE,))], REAL_QUEUE, None),
        ([Statement("Allow", ("*",), not_resources=(QUEUE,))], "arn:aws:sns:::x", True),
        ([Statement("Allow", ("*",), resources=("arn:${AWS::Partition}:sqs:*:orde??",))], REAL_QUEUE, True),
        ([Statement("Allow", ("*",), resources=("arn:${AWS::Partition}:sqs:*:orde?",))], REAL_QUEUE, False),
        ([ALLOW, Statement("Deny", ("sqs:Send*",), resources=("*",))], QUEUE, False),
        ([ALLOW, Statement("Deny", ("sqs:Send*",), resources=("*",), condition=IF_TLS)], QUEUE, None),
        ([ALLOW._replace(condition=IF_TLS)], QUEUE, None),
        ([ALLOW._replace(condition=IF_TLS), ALLOW], QUEUE, True),
    ],
)
def test_a_request_is_decided_as_iam_does(statements: list[Statement], resource: str, allowed: bool | None) -> None:
    assert decide(statements, "sqs:SendMessage", resource).allowed is allowed


def test_a_decision_names_the_statements_that_decide() -> None:
    deny = Statement("Deny", ("sqs:Send*",), resources=("*",))
    assert decide([ALLOW, deny], "sqs:SendMessage", QUEUE).statements == (deny,)
    assert decide([deny, ALLOW], "sqs:ReceiveMessage", QUEUE).statements == (ALLOW,)

"""Which actions exist, and what is known of them."""

from __future__ import annotations

from taskroles.access.actions import access_level, expand, resource_types


def test_wildcards_expand_to_the_actions_that_exist() -> None:
    assert expand("SQS:*message") == {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"}
    assert expand("sqs:TagQueu?") == {"sqs:TagQueue"}
    assert expand("sqs:sendmessage") == {"sqs:SendMessage"}
    assert expand("sqs:NoSuchAction") == expand("nosuchservice:*") == frozenset()
    assert len(expand("*")) > 15_000
    assert access_level("sqs:SendMessage") == "Write"
    assert access_level("sqs:NoSuchAction") == "unknown"
    assert resource_types("sqs:SendMessage") == {"queue"}
    assert resource_types("cloudformation:ListExports") == set()

"""How the patterns of IAM match each other."""

from __future__ import annotations

import pytest
from patterns import action_matches, letters, meet, unknown


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("a:${AWS::Region}:*", ("a", ":", "${AWS::Region}", ":", "*")),
        ("${import ${VPCName}-x}/", ("${import ${VPCName}-x}", "/")),
        ("{a}", ("{", "a", "}")),
        ("a${b", ("a", "$", "{", "b")),
    ],
)
def test_what_only_aws_knows_is_one_letter(text: str, split: tuple[str, ...]) -> None:
    assert letters(text) == split


@pytest.mark.parametrize(
    ("left", "right", "surely", "maybe"),
    [
        ("a*", "*b", True, True),
        ("a*", "b*", False, False),
        ("a?", "a", False, False),
        ("", "*", True, True),
        ("${import Q}", "${import Q}", True, True),
        ("${import Q}", "orders", False, True),
        ("${import Q}", "?", False, True),  # the name of a queue may have one letter
        ("sqs:${AWS::Region}:x", "sqs:eu-west-1:x", False, True),
        ("sqs:${AWS::Region}:x", "sqs:eu:west:x", False, False),  # a region has no colon
    ],
)
def test_two_patterns_meet_if_some_text_matches_both(left: str, right: str, surely: bool, maybe: bool) -> None:
    assert meet(letters(left), letters(right)) is meet(letters(right), letters(left)) is surely
    assert meet(unknown(letters(left)), unknown(letters(right))) is maybe


@pytest.mark.parametrize(
    ("pattern", "action", "matches"),
    [
        ("SQS:send*", "sqs:SendMessage", True),
        ("sqs:*", "sqs:Send*", True),  # whatever the second one matches
        ("sqs:Send?", "sqs:Send*", False),
        ("*", "sqs:*", True),
    ],
)
def test_an_action_pattern_matches_actions_and_narrower_patterns(pattern: str, action: str, matches: bool) -> None:
    assert action_matches(pattern, action) is matches

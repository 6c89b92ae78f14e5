"""When one condition of a statement holds wherever another does, and what is split into alternatives."""

from __future__ import annotations

from typing import Any

import pytest

from taskroles.access.conditions import MOST_ALTERNATIVES, alternatives, implies, parse

TEAM, ADDRESS, ARN, KEYS = "aws:PrincipalTag/team", "aws:SourceIp", "aws:SourceArn", "aws:TagKeys"


def when(operator: str, values: Any, key: str = TEAM) -> Any:
    return frozenset(parse({operator: {key: values}}))


NARROWER = {  # than: and not the other way round
    "fewer values": (when("StringEquals", ["a"]), when("StringEquals", ["a", "b"])),
    "more values that must not be": (when("StringNotEquals", ["a", "b"]), when("StringNotEquals", ["a"])),
    "a key that must be there": (when("StringEquals", "a"), when("StringEqualsIfExists", "a")),
    "a pattern": (when("StringLike", "ab*"), when("StringLike", "a*")),
    "a pattern for each of several": (
        when("ForAllValues:StringLike", "ab*", KEYS),
        when("ForAllValues:StringLike", "a*", KEYS),
    ),
    "a text of a pattern": (when("StringEquals", "ab"), when("StringLike", "a*")),
    "a text of a pattern, for each of several": (
        when("ForAllValues:StringEquals", "ab", KEYS),
        when("ForAllValues:StringLike", "a*", KEYS),
    ),
    "a text of a pattern, if there is one": (when("StringEqualsIfExists", "ab"), when("StringLikeIfExists", "a*")),
    "a text of a pattern, and it must be there": (when("StringEquals", "ab"), when("StringLikeIfExists", "a*")),
    "a network": (when("IpAddress", "10.1.0.0/16", ADDRESS), when("IpAddress", "10.0.0.0/8", ADDRESS)),
    "a lower bound": (when("NumericLessThan", 5, "s3:max-keys"), when("NumericLessThan", 6, "s3:max-keys")),
    "a higher bound": (when("NumericGreaterThan", 6, "s3:max-keys"), when("NumericGreaterThan", 5, "s3:max-keys")),
    "an ARN of a pattern": (when("ArnLike", "arn:x:s:r:1:a", ARN), when("ArnLike", "arn:*:s:r:1:a", ARN)),
}


@pytest.mark.parametrize("name", NARROWER)
def test_what_is_narrower_holds_in_fewer_requests(name: str) -> None:
    narrow, wide = NARROWER[name]
    assert implies(narrow, wide)
    assert not implies(wide, narrow)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (when("StringEqualsIfExists", "ab"), when("StringLike", "a*")),
        (when("ForAnyValue:StringEquals", "ab", KEYS), when("ForAllValues:StringLike", "a*", KEYS)),
        (when("ForAnyValue:StringNotEquals", ["a", "b"], KEYS), when("ForAnyValue:StringNotEquals", ["a", "c"], KEYS)),
        (when("ForAnyValue:StringNotEquals", ["a"], KEYS), when("ForAnyValue:StringNotEquals", ["a", "b"], KEYS)),
        (when("StringEquals", "${P}"), when("StringLike", "*{P}")),
        (when("ArnLike", "arn:x:sqs:r:1:a", ARN), when("ArnLike", "arn:*", ARN)),
        (when("NumericLessThan", "1_0", "s3:max-keys"), when("NumericLessThan", 20, "s3:max-keys")),
        (when("IpAddress", "10.1.0.0/16", ADDRESS), when("IpAddress", "2001:db8::/32", ADDRESS)),
        (when("StringEquals", "a"), when("StringEquals", "a", "aws:PrincipalTag/other")),
    ],
)
def test_what_is_neither_is_not_called_so(one: Any, other: Any) -> None:
    assert not implies(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (when("StringEqualsIgnoreCase", "A"), when("stringequalsignorecase", "a")),
        (when("Bool", True, "aws:SecureTransport"), when("Bool", "TRUE", "AWS:securetransport")),
        (when("ArnEquals", "arn:x:s:r:1:*", ARN), when("ArnLike", "arn:x:s:r:1:*", ARN)),
        (when("StringEquals", ["a", "b"]), when("StringEquals", ["b", "a", "b"])),
    ],
)
def test_what_is_the_same_is_equal(one: Any, other: Any) -> None:
    assert one == other


def test_alternatives_are_those_of_which_one_must_hold() -> None:
    assert set(alternatives(when("StringEquals", ["a", "b"]))) == {when("StringEquals", "a"), when("StringEquals", "b")}
    assert alternatives(when("StringNotEquals", ["a", "b"])) == (
        when("StringNotEquals", "a") | when("StringNotEquals", "b"),
    )
    for whole in ("ForAnyValue:StringNotEquals", "ForAllValues:StringEquals"):
        assert alternatives(when(whole, ["a", "b"], KEYS)) == (when(whole, ["a", "b"], KEYS),)
    for pattern, text in (("StringLike", "StringEquals"), ("StringNotLike", "StringNotEquals")):
        assert alternatives(when(pattern, "a")) == (when(text, "a"),)
        for value in ("a*", "a?", {"Ref": "P"}):
            assert alternatives(when(pattern, value)) == (when(pattern, value),)


def test_alternatives_are_not_endless() -> None:
    many = frozenset().union(*(when("StringEquals", ["a", "b"], f"k{number}") for number in range(20)))
    assert 1 <= len(alternatives(many)) <= MOST_ALTERNATIVES

"""When one condition of a statement holds wherever another does, and what is split into alternatives."""

from __future__ import annotations

from typing import Any

import pytest

from taskroles.access.conditions import MOST_ALTERNATIVES, alternatives, implies, parse

TEAM, ADDRESS, ARN, KEYS = "aws:PrincipalTag/team", "aws:SourceIp", "aws:SourceArn", "aws:TagKeys"
NOW = "aws:CurrentTime"


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
    "a number of a bound": (when("NumericEquals", 5, "s3:max-keys"), when("NumericLessThan", 6, "s3:max-keys")),
    "a bound and the number itself": (
        when("NumericLessThan", 5, "s3:max-keys"),
        when("NumericLessThanEquals", 5, "s3:max-keys"),
    ),
    "an earlier end": (when("DateLessThan", "2029-12-31", NOW), when("DateLessThan", "2030-01-01T00:00:00Z", NOW)),
    "a later start": (when("DateGreaterThan", "2021-01-01", NOW), when("DateGreaterThan", "1577836800", NOW)),
    "more that must not be": (when("StringNotLike", "a*"), when("StringNotLike", ["ab*", "a"])),
    "more that one of several must not be": (
        when("ForAnyValue:StringNotEquals", ["a", "b"], KEYS),
        when("ForAnyValue:StringNotEquals", ["a"], KEYS),
    ),
    "a text that is none of those": (when("StringEquals", "a"), when("StringNotLike", "b*")),
    "a wider network that must not be": (
        when("NotIpAddress", "10.0.0.0/7", ADDRESS),
        when("NotIpAddress", "10.0.0.0/8", ADDRESS),
    ),
    "parts of a network": (
        when("IpAddress", ["10.0.0.0/9", "10.128.0.0/10"], ADDRESS),
        when("IpAddress", "10.0.0.0/8", ADDRESS),
    ),
    "a text that is none of those that must not be": (when("StringEquals", "a"), when("StringNotEquals", "b")),
    "a text in its case": (when("StringEquals", "A"), when("StringEqualsIgnoreCase", "a")),
    "a pattern with a variable": (
        when("StringLike", "home/${aws:username}/a*"),
        when("StringLike", "home/${aws:username}/*"),
    ),
    "an ARN of a pattern, as everybody writes it": (
        when("ArnLike", "arn:aws:s3:::ab*", ARN),
        when("ArnLike", "arn:aws:s3:::a*", ARN),
    ),
    "the ARN alone": (when("StringEquals", "arn:aws:s3:::a", ARN), when("ArnEquals", "arn:aws:s3:::a", ARN)),
    "a key of a value": (when("StringEquals", "a"), when("Null", "false")),
    "no key": (when("Null", "true"), when("StringEqualsIfExists", "a")),
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
        (when("StringEquals", "a${aws:username}"), when("StringLike", "a?")),
        (when("ArnLike", {"Fn::Sub": "arn:x:s:${AWS::Region}:1:a"}, ARN), when("ArnLike", "arn:x:s:?:1:a", ARN)),
        (when("ArnLike", "arn:x:${aws:userid}:r:1:a", ARN), when("ArnLike", "arn:x:*:r:1:a", ARN)),
        (when("StringNotLike", "a*"), when("StringNotLike", "a${aws:username}")),
        (when("StringEquals", "a"), when("StringNotEquals", {"Ref": "P"})),
        (when("StringEquals", "a*"), when("StringNotLike", "a?")),
        (when("StringEquals", "a"), when("StringNotEqualsIgnoreCase", "A")),
        (when("StringEquals", "a"), when("ForAllValues:StringNotEquals", "b")),
        (when("ForAnyValue:StringNotEqualsIfExists", "a"), when("ForAnyValue:StringNotEquals", "a")),
        (when("ForAllValues:StringEquals", "a"), when("Null", "false")),
        (when("Null", "true"), when("ForAnyValue:StringEqualsIfExists", "a")),
        (when("ArnLike", "arn:aws:s3:::a", ARN), when("ArnLike", {"Fn::Sub": "arn:aws:${P}:::a"}, ARN)),
        (when("NumericLessThanEquals", 5, "s3:max-keys"), when("NumericLessThan", 5, "s3:max-keys")),
        (when("NumericLessThan", 5, "s3:max-keys"), when("NumericGreaterThan", 4, "s3:max-keys")),
        (when("DateLessThan", "2019", NOW), when("DateLessThan", "2020-01-01", NOW)),
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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (when("StringNotEquals", "a"), when("StringNotEqualsIfExists", "a")),
        (when("DateGreaterThan", "2020-01-01", NOW), when("DateGreaterThan", "2020-01-01T00:00:00+00:00", NOW)),
        (when("StringEquals", "a"), when("StringEquals", "a") | when("Null", "false")),
        (when("NumericEquals", "5", "s3:max-keys"), when("NumericEquals", "5.0", "s3:max-keys")),
    ],
)
def test_what_says_the_same_in_other_words_holds_wherever_the_other_does(one: Any, other: Any) -> None:
    assert implies(one, other)
    assert implies(other, one)


def test_alternatives_of_networks_are_those_that_are_left_when_they_are_put_together() -> None:
    halves, whole = (when("IpAddress", some, ADDRESS) for some in (["10.0.0.0/9", "10.128.0.0/9"], "10.0.0.0/8"))
    assert alternatives(halves) == alternatives(whole) == (whole,)


def test_alternatives_are_not_endless() -> None:
    many = frozenset().union(*(when("StringEquals", ["a", "b"], f"k{number}") for number in range(20)))
    assert 1 <= len(alternatives(many)) <= MOST_ALTERNATIVES

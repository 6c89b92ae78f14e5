"""Minimal pairs of documents that were once called the same: each is a kind of its own, found by the second engine."""

from __future__ import annotations

from typing import Any

import pytest

from taskroles.access.compare import compare
from taskroles.access.reading import Place, read_document

NEW, OLD = "2012-10-17", "2008-10-17"


def said(resource: Any = "a", version: str | None = NEW, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": resource, **more}
    return {"Statement": [statement]} | ({"Version": version} if version else {})


def when(operator: str, value: Any, key: str = "aws:PrincipalTag/team") -> dict[str, Any]:
    return said(Condition={operator: {key: value}})


def arn(value: str) -> dict[str, Any]:
    return when("ArnLike", value, "aws:SourceArn")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            said("x/${aws:PrincipalTag/t, 'A'}"), said("x/${aws:PrincipalTag/t, 'a'}"), id="a variable's default"
        ),
        pytest.param(said("${$}{AWS::Region}"), said({"Ref": "AWS::Region"}), id="a dollar and what follows it"),
        pytest.param(said("${$}{!x}"), said("${$}{x}"), id="a dollar and an escape"),
        pytest.param(
            when("StringEqualsIgnoreCase", {"Ref": "Team"}),
            when("StringEqualsIgnoreCase", {"Ref": "TEAM"}),
            id="parameters that differ by case, compared without it",
        ),
        pytest.param(said("?"), said({"Ref": "P"}), id="a character and a value of many"),
        pytest.param(
            said(["?", *map(str, range(10, 30))]),
            said([{"Ref": "P"}, *map(str, range(10, 30))]),
            id="a character and a value of many, among more",
        ),
        pytest.param(arn("arn:*"), arn("arn:x:sqs:r:1:a"), id="an ARN of too few parts matches nothing"),
        pytest.param(arn("arn:*:1:a"), arn("arn:x:sqs:r:1:a"), id="a star of an ARN spans no colon"),
    ],
)
def test_it_is_no_smaller_change_than_it_is(before: Any, after: Any) -> None:
    kinds = {change.kind for change in compare(*(read_document(each, Place("x")) for each in (before, after)))}
    assert kinds & {"granted", "widened"}


def test_what_no_pattern_leaves_out_is_found_or_said_to_be_too_much() -> None:
    parts = [{"Effect": "Allow", "NotAction": pattern, "Resource": "*"} for pattern in ("new:a*", "new:*b", "new:*c*")]
    heavy = [f"zz:{'*a' * 18}*{letter}*" for letter in "bcdefghijk"]
    for more in ([], [{"Effect": "Allow", "Action": heavy, "Resource": "h"}]):
        before = {"Version": NEW, "Statement": [*parts, *more]}
        after = {"Version": NEW, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, *more]}
        found = compare(*(read_document(each, Place("x")) for each in (before, after)))
        assert any(change.kind in ("granted", "widened") and not change.is_undecided for change in found)

"""CloudFormation's functions as they are evaluated, and what of them only AWS can tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskroles.deploying.functions import FUNCTIONS, NO_VALUE, CannotTell, Scope, evaluate, holds

CONDITIONS = {
    "Yes": {"Fn::Equals": [{"Ref": "Env"}, "Dev"]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
    "Either": {"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]},
    "Truth": {"Fn::Equals": [True, "true"]},
    "Circle": {"Fn::Not": [{"Condition": "Circle"}]},
    "Odd": {"Fn::Perhaps": []},
}
RESOURCES = {
    "R": {},
    "Gone": {"Type": "AWS::S3::Bucket"},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Role": {"Type": "AWS::IAM::Role"},
    "Deep": {"Type": "AWS::IAM::Role", "Properties": {"Path": "/deep/"}},
}
TEMPLATE = {"Conditions": CONDITIONS, "Mappings": {"M": {"Dev": {"Key": ["a", "b"]}}}, "Resources": RESOURCES}
VALUES = {"Env": "Dev", "List": ["x", "y"], "AWS::Partition": "aws", "AWS::Region": "here", "AWS::AccountId": "1"}
PHYSICAL = {"R": "physical", "Queue": "https://sqs.here.amazonaws.com/1/queue", "Role": "role", "Deep": "deep"}
SCOPE = Scope(TEMPLATE, VALUES, {"export": "imported"}, PHYSICAL.get)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"Ref": "Env"}, "Dev"),
        ({"Ref": "R"}, "physical"),
        ({"Fn::Sub": "${Env}-${R}-${!Env}"}, "Dev-physical-${Env}"),
        ({"Fn::Sub": ["${A}${Env}", {"A": {"Fn::ImportValue": {"Fn::Join": ["", ["ex", "port"]]}}}]}, "importedDev"),
        ({"Fn::If": ["Yes", {"Ref": "Env"}, {"Fn::GetAtt": ["A", "B"]}]}, "Dev"),
        ({"Fn::If": ["No", "a", "b"]}, "b"),
        ([1, {"Fn::If": ["No", "a", {"Ref": "AWS::NoValue"}]}], [1]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": {"c": [{"Ref": "Env"}]}}, {"b": {"c": ["Dev"]}}),
        ({"Fn::FindInMap": ["M", {"Ref": "Env"}, "Key"]}, ["a", "b"]),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::Join": ["-", {"Ref": "List"}]}, "x-y"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:here:1:queue"),
        ({"Fn::Join": ["", [True, 1]]}, "true1"),
        ({"Fn::Sub": "${Role.Arn}"}, "arn:aws:iam::1:role/role"),
    ],
)
def test_what_a_function_stands_for(written: Any, value: Any) -> None:
    assert evaluate(written, SCOPE) == value


@pytest.mark.parametrize(
    "written",
    [
        {"Ref": "Nobody"},
        {"Ref": "Gone"},
        {"Fn::GetAtt": ["R", "Arn"]},
        {"Fn::GetAtt": ["Deep", "Arn"]},
        {"Fn::GetAtt": ["Gone", "Arn"]},
        {"Fn::GetAtt": "Queue.QueueName"},
        {"Fn::Sub": "${R.Arn}"},
        {"Fn::Sub": "${List}"},
        {"Fn::ImportValue": "nobody"},
        {"Fn::If": ["Circle", 1, 2]},
        {"Fn::If": ["Odd", 1, 2]},
        {"Fn::If": ["Nobody", 1, 2]},
        {"Fn::If": [1]},
        {"Fn::Select": [-1, ["a"]]},
        {"Fn::Select": [7, ["a"]]},
        {"Fn::Join": ["", "a"]},
        {"Fn::Transform": {}},
        {"Fn::ForEach::A": []},
        {"Fn::Sub": "a", "b": 1},
        "{{resolve:ssm:name}}",
        {"Fn::Sub": "{{resolve:ssm:${Env}}}"},
    ],
)
def test_what_only_aws_can_tell_is_no_value(written: Any) -> None:
    with pytest.raises(CannotTell):
        evaluate(["before", {"deep": written}], SCOPE)


@pytest.mark.parametrize(
    ("condition", "value"), [(None, True), ("No", False), ("Both", False), ("Either", True), ("Truth", True)]
)
def test_whether_a_condition_holds(condition: str | None, *, value: bool) -> None:
    assert holds(condition, SCOPE) is value


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "Env", "Yes", "${Env}", "${", "R", ","]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FUNCTIONS, "Fn::Transform", "Condition", "a"]), inner, max_size=2)
    ),
    max_leaves=12,
)


@given(anything)
def test_whatever_is_written_has_a_value_or_cannot_be_told(written: Any) -> None:
    try:
        found = evaluate(written, SCOPE)
    except CannotTell:
        return
    assert found is NO_VALUE or "Fn::" not in repr(found).replace("'Fn::Transform", "")

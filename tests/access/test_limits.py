"""What is as wide as every resource, and which keys of a condition limit something."""

from __future__ import annotations

from typing import Any

import pytest

from taskroles.access.limits import limiting_keys, limits_rights, narrows
from taskroles.access.places import is_everything

EVERYTHING = [
    "*",
    "**",
    "?*",
    "ar*",
    "arn:*",
    "arn:aws:*",
    "arn:*:s3*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::**",
    "arn:aws:s3:::*?",
    "arn:aws:s3:::?*/*",
    "arn:aws:s3:::*/*",
    "arn:aws:s3:::*/logs/x",
    "arn:aws:s3:*:*:*",
    "arn:aws:s3:r:1:accesspoint/*",
    "arn:aws:*:::x",
    "arn:aws:s?:::x",
    "arn:aws:sqs:*:*:*",
    "arn:aws:sns:r:1:*",
    "arn:aws:execute-api:*:1:*/*/GET/*",
    "arn:aws:kms:*:*:*",
    "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:*",
    "arn:aws:dynamodb:*:*:t*",
    "arn:aws:dynamodb:*:*:tabl?/*",
    "arn:aws:dynamodb:*:*:table/*",
    "arn:aws:dynamodb:*:*:table/*/index/*",
    "arn:aws:ssm:*:*:parameter*",
    "arn:aws:kms:*:*:key/*",
    "arn:aws:secretsmanager:*:*:secret:*-??????",
    "arn:aws:secretsmanager:*:*:secret:*-*",
    "arn:aws:iam::1:role/*",
    "arn:aws:route53:::hostedzone/*",
    "arn:aws:apigateway:r::/restapis/*",
    "arn:aws:rds-db:r:1:dbuser:*/*",
    "arn:aws:states:r:1:stateMachine:*",
    "arn:aws:states:r:1:execution:*:*",
    "arn:aws:backup:*:*:backup-vault:*",
    "arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*",
    "arn:aws:logs:*:*:log-group:*:log-stream:*",
    "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/*/*",
    "arn:aws:ecs:r:1:task/*/*",
    "arn:aws:ec2:r:1:*/*",
    "arn:aws:ec2:r:1:instance/i-*",
    "arn:aws:route53:::hostedzone/Z*",
    "arn:aws:rds-db:r:1:dbuser:db-*/*",
]
FEWER = [
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b*",
    "arn:aws:s3:::b/*/x",
    "arn:aws:s3:::*-logs/*",
    "arn:*:s3:::b/*",
    "*bucket",
    "arn:aws:sqs:*:*:q",
    "arn:aws:sqs:*:*:queue*",
    "arn:aws:sqs:*:*:*-queue",
    "arn:aws:codecommit:r:1:repo*",
    "arn:aws:kms:r:1:alias/a*",
    "arn:aws:dynamodb:*:*:table/o*",
    "arn:aws:dynamodb:*:*:table/o/index/*",
    "arn:aws:dynamodb:*:*:*/o",
    "arn:aws:ecs:r:1:task/c/*",
    "arn:aws:ssm:*:*:parameter/a/*",
    "arn:aws:secretsmanager:*:*:secret:a-??????",
    "arn:aws:iam::*:role/*-role",
    "arn:aws:logs:*:*:log-group:/ecs/a:*",
    "arn:aws:logs:*:*:log-group:/ecs/*",
    "arn:aws:cloudformation:r:1:stack/a-*/*",
    "arn:aws:elasticache:r:1:cluster:g-*",
    "arn:aws:rds-db:r:1:dbuser:db-1/*",
    "arn:aws:rds-db:r:1:dbuser:db-*/orders",
    "arn:aws:ec2:r:1:instance/i-1*",
    "arn:aws:dynamodb:r:1:table/i-*",
    "arn:aws:execute-api:r:1:a/*",
    "${queue}",
    "${queue}/*",
]
PASSED, CLUSTER, TAG = "iam:PassedToService", "ecs:cluster", "aws:ResourceTag/team"


@pytest.mark.parametrize("pattern", EVERYTHING)
def test_a_pattern_of_all_of_a_kind_is_everything(pattern: str) -> None:
    assert is_everything(pattern)


@pytest.mark.parametrize(
    "pattern", [*FEWER, "arn:aws:s3:::${import x}/*", "arn:aws:dynamodb:r:1:table/${import x}/index/*"]
)
def test_a_pattern_of_some_is_not(pattern: str) -> None:
    assert not is_everything(pattern)


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ({"StringEquals": {PASSED: "ecs-tasks.amazonaws.com"}}, {PASSED}),
        ({"stringlike": {"IAM:PassedToService": "*"}}, set()),
        ({"StringLike": {PASSED: "ecs*.amazonaws.com"}}, {PASSED}),
        ({"StringLike": {PASSED: {"Fn::Sub": "${Service}"}}}, set()),
        ({"StringLike": {PASSED: {"Ref": "Service"}}}, set()),
        ({"StringLike": {PASSED: {"Fn::FindInMap": ["A", "B", "C"]}}}, set()),
        ({"StringLike": {PASSED: {"Fn::If": ["A", "ecs.amazonaws.com", {"Ref": "AWS::NoValue"}]}}}, {PASSED}),
        ({"StringLike": {PASSED: {"Fn::If": ["A", "ecs.amazonaws.com", "*"]}}}, set()),
        ({"StringEqualsIfExists": {PASSED: "ecs-tasks.amazonaws.com"}}, set()),
        ({"StringLike": {PASSED: "*e*.com"}}, set()),
        ({"StringEquals": {TAG: "${aws:ResourceTag/team}"}}, set()),
        ({"StringLike": {TAG: "${AWS:resourcetag/TEAM, 'x'}*"}}, set()),
        ({"StringEquals": {TAG: "${aws:ResourceTag/teams}"}}, {TAG}),
        ({"StringEquals": {TAG: "${aws:PrincipalTag/team}"}}, {TAG}),
        ({"ArnLike": {CLUSTER: "*cluster/*"}}, set()),
        ({"StringLike": {"secretsmanager:SecretId": "arn:aws:secretsmanager:*:*:*secret*"}}, set()),
        (
            {"StringLike": {"secretsmanager:SecretId": "arn:aws:secretsmanager:*:*:secret:web*"}},
            {"secretsmanager:SecretId"},
        ),
        ({"StringLike": {"kms:ViaService": "s*.eu-west-1.amazonaws.com"}}, set()),
        ({"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}, {"kms:ViaService"}),
        ({"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/*FullAccess"}}, set()),
        ({"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonSQS*"}}, {"iam:PolicyARN"}),
        ({"StringEqualsIfExists": {TAG: "orders"}}, set()),
        ({"StringEqualsIfExists": {TAG: "orders"}, "Null": {TAG: "false"}}, {TAG}),
        ({"ForAllValues:StringEquals": {TAG: "orders"}, "Null": {TAG: False}}, {TAG}),
        ({"ForAnyValue:StringEquals": {TAG: "orders"}}, {TAG}),
        ({"StringLike": {TAG: "*"}}, set()),
        ({"Null": {TAG: "false"}}, {TAG}),
        ({"Null": {TAG: "true"}}, set()),
        ({"Null": {CLUSTER: "false"}}, set()),
        ({"ArnEquals": {CLUSTER: "arn:aws:ecs:*:*:cluster/*"}}, set()),
        ({"ArnEquals": {CLUSTER: "arn:aws:ecs:*:*:cluster/orders"}, "StringLike": {PASSED: "*"}}, {CLUSTER}),
        ({"StringLike": {"ses:FromAddress": "*@*"}}, set()),
        ({"StringLike": {"ses:FromAddress": "*@example.com"}}, {"ses:FromAddress"}),
        ({"StringNotLike": {TAG: "a"}, "NumericEquals": {TAG: "1"}, "Bool": {TAG: "false"}}, set()),
        ({"Equals": {TAG: "a"}}, set()),
        ({"Fn::If": ["A", {"StringEquals": {TAG: "a"}}, {"StringEquals": {TAG: "b"}}]}, set()),
        ({}, set()),
        (None, set()),
        ("", set()),
    ],
)
def test_a_key_limits_only_where_it_can_refuse(condition: Any, keys: set[str]) -> None:
    assert limiting_keys(condition, {"Service": "*"}) >= {key.lower() for key in keys}
    assert bool(limiting_keys(condition, {"Service": "*"})) == bool(keys)


def test_a_key_that_one_action_sends_always_is_missing_from_others() -> None:
    condition = {"StringEqualsIfExists": {PASSED: "ecs-tasks.amazonaws.com"}}
    assert limiting_keys(condition, {}, "IAM:PassRole") == {PASSED.lower()}
    assert limiting_keys(condition, {}, "iam:PutRolePolicy") == frozenset()


@pytest.mark.parametrize("pattern", ["iam:PassRole", "iam:pass*", "*"])
def test_a_tag_of_a_role_says_nothing_of_who_may_pass_it(pattern: str) -> None:
    assert not limits_rights(frozenset({TAG.lower()}), pattern)
    assert limits_rights(frozenset({PASSED.lower()}), pattern)


@pytest.mark.parametrize(
    ("key", "resource", "rights"),
    [
        ("ecs:cluster", True, True),
        ("ec2:resourcetag/team", True, True),
        ("kms:encryptioncontext:team", True, True),
        ("ecs:createaction", True, True),
        ("aws:requesttag/team", True, False),
        ("iam:passedtoservice", False, True),
        ("aws:resourceaccount", False, False),
        ("aws:principaltag/team", False, False),
        ("ecs:clusters", False, False),
        ("aws:resourcetag/", False, False),
    ],
)
def test_a_key_tells_of_the_resource_or_of_what_comes_of_it(key: str, *, resource: bool, rights: bool) -> None:
    assert (narrows(frozenset({key})), limits_rights(frozenset({key}))) == (resource, rights)

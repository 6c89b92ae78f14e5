"""Targets: what AWS takes a level takes, and what is of another kind is refused at its own line of services.yml."""

from __future__ import annotations

import json
from typing import Any

import pytest
from in_process import refused, rendered

from taskroles.rendering.targets import is_arn

SQS = "sqs:${AWS::Region}:${AWS::AccountId}:"
LAMBDA = "lambda:${AWS::Region}:${AWS::AccountId}:function:"
TAKEN = [
    ("arn:aws:sqs:eu-west-1:123456789012:orders", SQS, ""),
    ("arn:aws-cn:sqs:cn-north-1:123456789012:orders", SQS, ""),
    ("arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:orders.fifo", SQS, ""),
    ("arn:aws:sqs:*:*:orders-${EnvType}", SQS, ""),
    ("arn:aws:s3:::acme-reports", "s3:::", ""),
    ("arn:aws:lambda:eu-west-1:123456789012:function:resize", LAMBDA, ""),
    ("arn:aws:lambda:eu-west-1:123456789012:function:resize:7", LAMBDA, ":"),
    ("arn:aws:ssm:eu-west-1:123456789012:parameter/app/password", "ssm:${AWS::Region}:${AWS::AccountId}:parameter/", "/"),
    ("arn:aws:iam::123456789012:role/path/app", "iam::${AWS::AccountId}:role/", "/"),
    ("arn:aws:events:eu-west-1:123456789012:event-bus/default", "events:${AWS::Region}:${AWS::AccountId}:event-bus/", ""),
]  # fmt: skip
REFUSED = [
    ("arn:aws:s3:::acme-reports/2026", "s3:::", ""),
    ("arn:aws:s3:::", "s3:::", ""),
    ("arn:aws:s3:eu-west-1:123456789012:accesspoint/reports", "s3:::", ""),
    ("arn:aws:sns:eu-west-1:123456789012:orders", SQS, ""),
    ("arn:aws:sqs:::orders", SQS, ""),
    ("arn:aws:sqs:eu-west-1:123456789012:orders:more", SQS, ""),
    ("arn:aws:lambda:eu-west-1:123456789012:layer:resize", LAMBDA, ":"),
    ("arn:aws:lambda:eu-west-1:123456789012:function:resize:7", LAMBDA, ""),
    ("arn:aws:dynamodb:eu-west-1:123456789012:table/a/index/b", "dynamodb:${AWS::Region}:${AWS::AccountId}:table/", ""),
    ("arn:aws:ssm:eu-west-1:123456789012:parameter/", "ssm:${AWS::Region}:${AWS::AccountId}:parameter/", "/"),
    ("arn:aws:s3", "s3:::", ""),
]


@pytest.mark.parametrize(("arn", "resource", "within"), TAKEN)
def test_an_arn_of_the_kind_is_taken(arn: str, resource: str, within: str) -> None:
    assert is_arn(arn, resource, within)


@pytest.mark.parametrize(("arn", "resource", "within"), REFUSED)
def test_an_arn_of_another_kind_is_refused(arn: str, resource: str, within: str) -> None:
    assert not is_arn(arn, resource, within)


TABLE = """\
environments: [dev, live]
targets:
  reports: {dev: {name: reports}, default: {arn: "arn:aws:s3:::reports/2026"}}
  orders: {name: acme/orders}
services:
  app:
    task_role: r
    policies:
      s3: {dev: none, live: [{read-objects: reports}, {read: {target: reports, prefix: a/}}]}
      sqs: [{send: orders}, {consume: orders}]
  other: {task_role: o, policies: {sqs: {send: orders}}}
"""


def test_a_target_of_another_kind_is_a_fault_at_its_line_and_all_are_said_at_once(here) -> None:
    here.write("services.yml", TABLE.replace("read-objects", "read-write-objects"))
    wanted = "the ARN of something else; it takes arn:aws:s3:::NAME, where NAME holds no colon and no slash"
    assert refused(here) == [
        'services.yml:4: sqs send: "acme/orders" is no name here: it holds no colon and no slash',
        'services.yml:4: sqs consume: "acme/orders" is no name here: it holds no colon and no slash',
        f'services.yml:3: s3 read-write-objects: "arn:aws:s3:::reports/2026" is {wanted}',
        f'services.yml:3: s3 read: "arn:aws:s3:::reports/2026" is {wanted}',
    ]


def test_what_a_partial_refuses_is_a_fault_at_the_line_of_the_grant(here) -> None:
    here.write(
        "policies/sqs/old.yml.j2",
        '{% if target.name == "b" %}{{ refuse("b is too new") }}{% endif %}\n- Effect: Allow\n  Action: "sqs:GetQueueUrl"\n  Resource: "*"\n',
    )
    policies = {"sqs": {"live": ["full", {"old": "q"}], "default": "none"}}
    table: dict[str, Any] = {
        "environments": ["dev", "live"],
        "targets": {"q": {"name": "b"}},
        "services": {"app": {"task_role": "r", "policies": policies}},
    }
    here.write("services.yml", json.dumps(table, indent=1))
    line = next(n for n, text in enumerate(here.read("services.yml").split("\n"), 1) if '"old"' in text)
    assert refused(here) == [f"services.yml:{line - 1}: sqs old: b is too new (policies/sqs/old.yml.j2:1)"]
    here.replace("services.yml", '"b"', '"a"')
    rendered()

"""What a template allows: reading it, expanding its wildcards, deciding a request."""

from __future__ import annotations

import access
import pytest
from access import Statement

HEAD = "Parameters: {VPCName: {Type: String}, EnvType: {Type: String}}\nResources:\n"
QUEUE = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${import MynaviSampleSQS-${EnvType}}"


def template(statement: str, above: str = "") -> str:
    return f"""{HEAD}{above}
  SQSAccessPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "Sample-SQS-${{EnvType}}"
      Roles: [Fn::ImportValue: !Sub "${{VPCName}}-Role-${{EnvType}}"]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: {statement}
"""


def resources(yaml: str) -> tuple[str, ...]:
    text = template(f"[{{Effect: Allow, Action: 'sqs:*', Resource: {yaml}}}]")
    return access.read_template(text, "x.yml").policies[0].statements[0].resources


@pytest.mark.parametrize(
    "spelling",
    [
        '!Sub ["arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${N}", '
        '{N: {"Fn::ImportValue": !Sub "MynaviSampleSQS-${EnvType}"}}]',
        '!Join [":", [arn, !Ref AWS::Partition, sqs, !Ref AWS::Region, !Ref AWS::AccountId, '
        '{"Fn::ImportValue": {"Fn::Join": ["-", [MynaviSampleSQS, !Ref EnvType]]}}]]',
        '!Join ["", [!Sub "arn:aws:sqs:${AWS::Region}:", !Sub "${AWS::AccountId}:", '
        '{"Fn::ImportValue": {"Fn::Sub": "MynaviSampleSQS-${EnvType}"}}]]',
        '[!Sub ["arn:aws:${S}:${AWS::Region}:${AWS::AccountId}:${N}", {S: sqs, N: {"Fn::ImportValue": '
        '!Sub ["${Q}-${EnvType}", {Q: MynaviSampleSQS}]}}]]',
    ],
)
def test_every_spelling_of_an_arn_is_the_same_text(spelling: str) -> None:
    assert resources(spelling) == (QUEUE,)


@pytest.mark.parametrize(
    ("spelling", "text"),
    [
        ('"*"', "*"),
        ("!GetAtt Queue.Arn", "${Queue.Arn}"),
        ("!Ref Queue", "${Queue}"),
        ('"arn:aws:s3:::b/${aws:username}"', "arn:${AWS::Partition}:s3:::b/${!aws:username}"),
        ('!Sub "arn:aws:s3:::b/${!aws:username}"', "arn:${AWS::Partition}:s3:::b/${!aws:username}"),
        ('"${AWS::Region}"', "${!AWS::Region}"),  # a forgotten !Sub is not the region
        ("!If [A, x, y]", '${unknown an Fn::If: ⟨"Fn::If": ["A", "x", "y"]⟩}'),
    ],
)
def test_a_value_is_spelled_as_fn_sub_would_take_it(spelling: str, text: str) -> None:
    assert resources(spelling) == (text,)


def test_a_statement_knows_where_it_came_from() -> None:
    above = "  # consume sample-queue (policies/sqs/consume.yml.j2)\n  # full (policies/sqs/full.yml.j2)"
    policy = access.read_template(
        template("\n        - {Effect: Deny, NotAction: 'sqs:*', NotResource: x}", above), "out/Dev/x.yml"
    ).policies[0]
    assert policy.grants == (
        ("consume", "sample-queue", "policies/sqs/consume.yml.j2"),
        ("full", "", "policies/sqs/full.yml.j2"),
    )
    assert (policy.logical_id, policy.name) == ("SQSAccessPolicy", "Sample-SQS-${EnvType}")
    assert policy.roles == ("${import ${VPCName}-Role-${EnvType}}",)
    assert policy.statements == (
        Statement(
            "Deny",
            not_actions=("sqs:*",),
            not_resources=("x",),
            path="out/Dev/x.yml",
            line=13,
            logical_id="SQSAccessPolicy",
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Resources: [", "x.yml:2: did not find expected node content"),
        ("hello", "x.yml:1: not a CloudFormation template: it has no map of Resources"),
        (
            template("{Effect: Allow, Resource: x}"),
            "x.yml:11: SQSAccessPolicy: a statement has either Action or NotAction",
        ),
        (
            template("{Effect: Allow, Action: x, Resource: x, NotResource: y}"),
            "x.yml:11: SQSAccessPolicy: a statement has either Resource or NotResource",
        ),
        (
            template("{Effect: allow, Action: x, Resource: x}"),
            "x.yml:11: SQSAccessPolicy: Effect is 'allow', neither Allow nor Deny",
        ),
        (
            template("{Effect: Allow, Actions: x, Resource: x}"),
            "x.yml:11: SQSAccessPolicy: a statement has no Actions, only Action, Condition, Effect, NotAction, "
            "NotResource, Resource, Sid",
        ),
        (template("[text]"), "x.yml:11: SQSAccessPolicy: not a statement: 'text'"),
        (
            template("x").replace("Statement: x", "Id: x"),
            "x.yml:10: SQSAccessPolicy: PolicyDocument has no Statement",
        ),
        (
            template("x").replace("PolicyName:", "Name:"),
            "x.yml:4: SQSAccessPolicy: a policy needs PolicyName and PolicyDocument",
        ),
    ],
)
def test_a_template_that_cannot_be_judged_says_where(text: str, message: str) -> None:
    with pytest.raises(access.TemplateError) as error:
        access.read_template(text, "x.yml")
    assert str(error.value).startswith(message)


def test_wildcards_expand_to_the_actions_that_exist() -> None:
    assert access.expand("SQS:*message") == {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"}
    assert access.expand("sqs:TagQueu?") == {"sqs:TagQueue"}
    assert access.expand("sqs:sendmessage") == {"sqs:SendMessage"}
    assert access.expand("sqs:NoSuchAction") == access.expand("nosuchservice:*") == frozenset()
    assert len(access.expand("*")) > 15_000
    assert access.access_level("sqs:SendMessage") == "Write"
    assert access.access_level("sqs:NoSuchAction") == "unknown"
    assert access.resource_types("sqs:SendMessage") == {"queue"}
    assert access.resource_types("cloudformation:ListExports") == set()
    assert access.can_escalate("iam:PassRole")
    assert not access.can_escalate("sqs:SendMessage")


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
    assert access.decide(statements, "sqs:SendMessage", resource).allowed is allowed


def test_a_decision_names_the_statements_that_decide() -> None:
    deny = Statement("Deny", ("sqs:Send*",), resources=("*",))
    assert access.decide([ALLOW, deny], "sqs:SendMessage", QUEUE).statements == (deny,)
    assert access.decide([deny, ALLOW], "sqs:ReceiveMessage", QUEUE).statements == (ALLOW,)

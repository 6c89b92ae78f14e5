"""What a template allows, as it is read."""

from __future__ import annotations

import pytest

from taskroles.access.reading import Statement, read_template
from taskroles.access.template import TemplateError

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
    return read_template(text, "x.yml").policies[0].statements[0].resources


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
        ('"arn:aws:s3:::b/${aws:username}"', "arn:${AWS::Partition}:s3:::b/${variable aws:username}"),
        ('!Sub "arn:aws:s3:::b/${!aws:username}"', "arn:${AWS::Partition}:s3:::b/${variable aws:username}"),
        ('"${AWS::Region}"', "${variable aws::region}"),  # a forgotten !Sub is not the region
        ("!If [A, x, y]", '${unknown an Fn::If: ⟨"Fn::If": ["A", "x", "y"]⟩}'),
        ("!Sub ['${A}', {A: true}]", "true"),
        ('"${*}"', "${literal *}"),
        (
            "!Sub '{{${P}:ssm:/x}}'",
            '${unknown a dynamic reference: ⟨"Fn::Sub": "⟨⟨${P⟩:ssm:/x⟩⟩"⟩}'.replace("${P", "$⟨P"),
        ),
        ("!ImportValue 'a}b'", '${unknown an Fn::ImportValue: ⟨"Fn::ImportValue": "a⟩b"⟩}'),
        ("!Sub ['${P}', {P: [a]}]", '${unknown an Fn::Sub: ⟨"Fn::Sub": ["$⟨P⟩", ⟨"P": ["a"]⟩]⟩}'),
    ],
)
def test_a_value_is_spelled_as_fn_sub_would_take_it(spelling: str, text: str) -> None:
    assert resources(spelling) == (text,)


def test_a_policy_variable_is_plain_text_in_a_document_of_another_version() -> None:
    text = template("[{Effect: Allow, Action: 'sqs:*', Resource: 'b/${aws:username}'}]")
    for old in ('"2008-10-17"', "2008-10-17"):
        (policy,) = read_template(text.replace('"2012-10-17"', old), "x.yml").policies
        assert policy.statements[0].resources == ("b/${!aws:username}",)


def test_a_statement_with_a_key_that_iam_does_not_have_is_a_fact_and_no_statement() -> None:
    found = read_template(template("[{Effect: Allow, Actions: x, Resource: x}]"), "x.yml")
    (policy,), (fact,) = found.policies, found.facts
    assert policy.statements == ()
    assert fact.startswith("a statement with Actions in SQSAccessPolicy: ")


def test_a_statement_knows_where_it_came_from() -> None:
    above = "  # consume sample-queue (policies/sqs/consume.yml.j2)\n  # full (policies/sqs/full.yml.j2)"
    policy = read_template(
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
        (template("[text]"), "x.yml:11: SQSAccessPolicy: not a statement: 'text'"),
        (template("\n        - text"), "x.yml:12: SQSAccessPolicy: not a statement: 'text'"),
        (template("text"), "x.yml:11: SQSAccessPolicy: not a statement: 'text'"),
        (
            template("x").replace('\n        Version: "2012-10-17"\n        Statement: x', " text"),
            "x.yml:9: SQSAccessPolicy: PolicyDocument has no Statement",
        ),
        (
            template("x").replace("Statement: x", "Id: x"),
            "x.yml:10: SQSAccessPolicy: PolicyDocument has no Statement",
        ),
        (
            template("x").replace("PolicyName:", "Name:"),
            "x.yml:4: SQSAccessPolicy: a policy needs PolicyName and PolicyDocument",
        ),
        (
            "Resources:\n  P: {Type: AWS::IAM::RolePolicy, Properties: {PolicyName: x, PolicyDocument: {}}}",
            "x.yml:2: P: a policy needs PolicyName, PolicyDocument and RoleName",
        ),
        (
            "Resources:\n  R:\n    Type: AWS::IAM::Role\n",
            "x.yml:2: R: a role needs AssumeRolePolicyDocument",
        ),
        (
            "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n"
            "      AssumeRolePolicyDocument: {Statement: []}\n"
            "      Policies:\n        - PolicyName: x\n          PolicyDocument: text\n",
            "x.yml:8: R: PolicyDocument has no Statement",
        ),
    ],
)
def test_a_template_that_cannot_be_judged_says_where(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        read_template(text, "x.yml")
    assert str(error.value).startswith(message)

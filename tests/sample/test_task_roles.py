"""What the task roles may and may not do: the committed templates deployed, the roles assumed and used.

A row of a table says who may make a call: the backend's task role, then the frontend's. It expects what AWS's
documentation says. Where the local AWS does otherwise, the row says why, and its test expects it to be
wrong, so that a release that is right does not go unnoticed.
"""

from __future__ import annotations

import functools
import json
import subprocess
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import pytest
from botocore.exceptions import ClientError
from imports import environments, task_roles
from local_aws import REGION, assume_role, client, is_allowed
from project import HERE
from sample_calls import ENVIRONMENTS, PARAMETER

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.mark.structures import ParameterSet
    from botocore.client import BaseClient

SERVICES = ("backend", "frontend")
NEIGHBOUR = {"Dev": "Staging", "Staging": "Production", "Production": "Staging"}
ACCOUNT = "000000000000"
SUFFIX = "amazonaws.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
BUCKET = "debugroom-mynavi-sample-cloudformation-bucket"


class Differs(NamedTuple):
    """What AWS's documentation says where the local AWS does otherwise."""

    documented: bool
    why: str


BATCH = Differs(
    documented=True,
    why="a batch needs the permission of the single call (Amazon SQS API permissions); the local AWS asks "
    "for an action named after the batch, which IAM does not have",
)
NAMES = Differs(
    documented=True,
    why="each parameter is a resource of its own (Service Authorization Reference, AWS Systems Manager); the "
    "local AWS does not read `Names` and asks for the permission on `*`",
)
ACL = Differs(
    documented=False,
    why="an ACL also needs s3:PutObjectAcl (Amazon S3 API Reference, PutObject); the local AWS does not ask",
)
TAGS = Differs(
    documented=False,
    why="tags also need s3:PutObjectTagging (Amazon S3 API Reference, PutObject); the local AWS does not ask",
)
LINKED = Differs(
    documented=True,
    why="the request has the key iam:AWSServiceName (Service Authorization Reference, AWS IAM); in the local "
    "AWS it has not, so that no condition on it is met",
)


def calls(environment: str) -> list[tuple[bool | Differs, bool | Differs, str, dict]]:
    """Return what is really called: may the backend, may the frontend, the operation, its parameters.

    Dev keeps the article's full access: what only `dev` allows is denied in the other environments.
    """
    dev = environment == "Dev"
    own, other = environment.lower(), NEIGHBOUR[environment].lower()
    gone = "-none" if dev else ""  # where a deletion is allowed, it meets nothing
    queue, doomed_queue, other_queue = (
        {"QueueUrl": f"http://127.0.0.1/{ACCOUNT}/mynavi-sample-queue-{name}"} for name in (own, own + gone, other)
    )
    message, handle = {"MessageBody": "1"}, {"ReceiptHandle": "none"}
    table, doomed_table, other_table = ({"TableName": f"{name}_sample-table"} for name in (own, own + gone, other))
    item = {"samplePartitionKey": {"S": "1"}, "sampleSortKey": {"S": "1"}}
    put, put_other = ({"Put": {**target, "Item": item}} for target in (table, other_table))
    bucket, other_bucket = ({"Bucket": f"{BUCKET}-{name}"} for name in (own, other))
    kept, added = {"Key": "kept"}, {"Key": "a/b"}
    copy = {"Key": "copy", "CopySource": f"{BUCKET}-{own}/kept"}
    copy_of_other = {"Key": "copy", "CopySource": f"{BUCKET}-{other}/kept"}
    doomed_parameter, others_parameter = {"Name": PARAMETER + gone}, f"{PARAMETER}-of-others"
    db, doomed_db, other_db = (
        {"DBInstanceIdentifier": f"mynavi-sample-cloudformation-{name}-postgresql"} for name in (own, own + gone, other)
    )
    infra, doomed_infra = ({"StackName": f"mynavi-sample-infra-{name}"} for name in (own, own + gone))
    own_stack = {"StackName": f"mynavi-sample-ecs-taskrole-backend-{own}"}
    return [
        (True, True, "sqs:GetQueueUrl", {"QueueName": f"mynavi-sample-queue-{own}"}),
        (True, True, "sqs:GetQueueAttributes", queue),
        (True, dev, "sqs:ReceiveMessage", queue),
        (True, dev, "sqs:DeleteMessage", queue | handle),
        (dev or BATCH, dev, "sqs:DeleteMessageBatch", queue | {"Entries": [{"Id": "1", **handle}]}),
        (True, dev, "sqs:ChangeMessageVisibility", queue | handle | {"VisibilityTimeout": 0}),
        (dev, True, "sqs:SendMessage", queue | message),
        (dev, dev or BATCH, "sqs:SendMessageBatch", queue | {"Entries": [{"Id": "1", **message}]}),
        (dev, dev, "sqs:ReceiveMessage", other_queue),
        (dev, dev, "sqs:SendMessage", other_queue | message),
        (dev, dev, "sqs:ListQueues", {}),
        (dev, dev, "sqs:SetQueueAttributes", queue | {"Attributes": {}}),
        (dev, dev, "sqs:PurgeQueue", doomed_queue),
        (dev, dev, "sqs:DeleteQueue", doomed_queue),
        (True, False, "dynamodb:DescribeTable", table),
        (True, False, "dynamodb:Scan", table),
        (True, False, "dynamodb:GetItem", table | {"Key": item}),
        (True, False, "dynamodb:BatchGetItem", {"RequestItems": {table["TableName"]: {"Keys": [item]}}}),
        (True, False, "dynamodb:PutItem", table | {"Item": item}),
        (True, False, "dynamodb:UpdateItem", table | {"Key": item}),
        (True, False, "dynamodb:DeleteItem", table | {"Key": item}),
        (True, False, "dynamodb:TransactWriteItems", {"TransactItems": [put]}),
        (dev, False, "dynamodb:TransactWriteItems", {"TransactItems": [put, put_other]}),
        (dev, False, "dynamodb:Scan", other_table),
        (dev, False, "dynamodb:UpdateItem", other_table | {"Key": item}),
        (dev, False, "dynamodb:ListTables", {}),
        (dev, False, "dynamodb:DeleteTable", doomed_table),
        (False, True, "s3:PutObject", bucket | added),
        (False, True, "s3:GetObject", bucket | kept),
        (False, True, "s3:CopyObject", bucket | copy),
        (False, True, "s3:DeleteObject", bucket | added),
        (False, True, "s3:CreateMultipartUpload", bucket | added),
        # Not in Dev either: the article's s3:* is on `bucket/*`, on each object, not on the bucket that is listed.
        (False, False, "s3:ListObjectsV2", bucket),
        (False, dev or ACL, "s3:PutObject", bucket | added | {"ACL": "bucket-owner-full-control"}),
        (False, dev or TAGS, "s3:PutObject", bucket | added | {"Tagging": "a=1"}),
        (False, False, "s3:PutObject", other_bucket | added),
        (False, False, "s3:GetObject", other_bucket | kept),
        (False, False, "s3:CopyObject", bucket | copy_of_other),
        (False, False, "s3:DeleteObject", other_bucket | kept),
        (False, False, "s3:ListObjectsV2", other_bucket),
        (False, False, "s3:ListBuckets", {}),
        (False, False, "s3:GetBucketPolicy", bucket),
        (False, False, "s3:DeleteBucket", bucket),
        # Frontend reads no parameter: ECS injects the password with the execution role.
        (True, dev, "ssm:GetParameter", {"Name": PARAMETER, "WithDecryption": True}),
        (dev or NAMES, dev, "ssm:GetParameters", {"Names": [PARAMETER]}),
        (dev, dev, "ssm:GetParameter", {"Name": others_parameter}),
        (dev, dev, "ssm:GetParameters", {"Names": [PARAMETER, others_parameter]}),
        (dev, dev, "ssm:GetParametersByPath", {"Path": "/"}),
        (dev, dev, "ssm:DescribeParameters", {}),
        (
            dev,
            dev,
            "ssm:PutParameter",
            doomed_parameter | {"Value": "1", "Type": "String", "Overwrite": True},
        ),
        (dev, dev, "ssm:DeleteParameter", doomed_parameter),
        (True, False, "rds:DescribeDBInstances", db),
        (dev, False, "rds:DescribeDBInstances", other_db),
        (dev, False, "rds:DescribeDBInstances", {}),
        (dev, False, "rds:ModifyDBInstance", doomed_db),
        (dev, False, "rds:DeleteDBInstance", doomed_db),
        (False, True, "elasticache:DescribeReplicationGroups", {"ReplicationGroupId": f"elasticache-{own}"}),
        (False, dev, "elasticache:DescribeReplicationGroups", {"ReplicationGroupId": f"elasticache-{other}"}),
        (False, dev, "elasticache:DescribeReplicationGroups", {}),
        (False, True, "elasticache:DescribeCacheClusters", {"CacheClusterId": f"elasticache-{own}-001"}),
        (False, dev, "elasticache:DescribeCacheClusters", {}),
        (False, dev, "elasticache:DeleteCacheCluster", {"CacheClusterId": "none"}),
        (True, True, "cloudformation:ListExports", {}),
        (True, True, "cloudformation:ListStackResources", infra),
        (dev, dev, "cloudformation:ListStackResources", own_stack),
        (dev, dev, "cloudformation:DescribeStacks", {}),
        (dev, dev, "cloudformation:DeleteStack", doomed_infra),
        (dev, False, "iam:ListRoles", {}),
        (False, False, "iam:PutRolePolicy", {"RoleName": "a", "PolicyName": "a", "PolicyDocument": "{}"}),
        (dev and LINKED, dev and LINKED, "iam:CreateServiceLinkedRole", {"AWSServiceName": f"ssm.{SUFFIX}"}),
        (False, False, "iam:CreateServiceLinkedRole", {"AWSServiceName": f"ecs.{SUFFIX}"}),
        (dev, dev, "logs:DescribeLogGroups", {}),
        (False, False, "secretsmanager:ListSecrets", {}),
        (False, False, "ec2:DescribeInstances", {}),
    ]


def simulations(environment: str) -> list[tuple[bool, bool, str, str]]:
    """Return what only `simulate-principal-policy` is asked: the same with an action and its resource."""
    dev = environment == "Dev"
    own, other = environment.lower(), NEIGHBOUR[environment].lower()
    table, other_table = (f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}_sample-table" for name in (own, other))
    bucket = f"arn:aws:s3:::{BUCKET}-{own}"
    linked_role = f"{ROLE}aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM"
    return [
        (True, False, "dynamodb:Query", f"{table}/index/by-date"),
        (dev, False, "dynamodb:Query", f"{other_table}/index/by-date"),
        (dev, False, "dynamodb:GetRecords", f"{table}/stream/2026"),
        (dev, False, "dynamodb:RestoreTableToPointInTime", table),
        (dev, False, "dax:GetItem", "*"),
        (dev, False, "datapipeline:CreatePipeline", "*"),
        (dev, False, "application-autoscaling:PutScalingPolicy", "*"),
        (False, False, "rds-db:connect", f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:*/postgres"),
        (False, dev, "elasticache:Connect", f"arn:aws:elasticache:{REGION}:{ACCOUNT}:user:any"),
        (False, True, "s3:AbortMultipartUpload", f"{bucket}/a"),
        (False, dev, "s3:PutObjectAcl", f"{bucket}/a"),
        (False, dev, "s3:PutObjectTagging", f"{bucket}/a"),
        (False, False, "s3:GetObject", f"{bucket}-logs/a"),
        (False, False, "s3:PutBucketPolicy", bucket),
        (dev, dev, "sqs:AddPermission", f"arn:aws:sqs:{REGION}:{ACCOUNT}:mynavi-sample-queue-{own}"),
        (True, dev, "ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{PARAMETER}"),
        (dev, dev, "ssm:StartSession", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/any"),
        (dev, dev, "ssmmessages:OpenDataChannel", "*"),
        (dev, dev, "ec2messages:GetMessages", "*"),
        (dev, dev, "ds:CreateComputer", "*"),
        (dev, dev, "iam:DeleteServiceLinkedRole", linked_role),
        (False, False, "iam:DeleteServiceLinkedRole", linked_role.replace("ssm.", "ecs.")),
        (False, False, "iam:CreateRole", f"{ROLE}any"),
        (False, False, "iam:AttachRolePolicy", f"{ROLE}any"),
        (False, False, "iam:PassRole", f"{ROLE}any"),
        (False, False, "sts:AssumeRole", f"{ROLE}any"),
        (False, False, "kms:Decrypt", "*"),
        (False, False, "lambda:InvokeFunction", "*"),
    ]


class Case(NamedTuple):
    """One cell of a table."""

    service: str
    environment: str
    what: str
    target: dict | str
    allowed: bool


def cases(table: Callable[[str], list[tuple]]) -> list[ParameterSet]:
    """Return a test case for each cell of a table in each environment."""
    found = []
    for environment in ENVIRONMENTS:
        for *cells, what, target in table(environment):
            for service, cell in zip(SERVICES, cells, strict=True):
                marks, allowed = [], cell
                if isinstance(cell, Differs):
                    marks = [pytest.mark.xfail(raises=AssertionError, strict=True, reason=cell.why)]
                    allowed = cell.documented
                case = Case(service, environment, what, target, allowed)
                name = f"{service}-{environment}-{what}-{'allowed' if allowed else 'denied'}"
                found.append(pytest.param(case, id=name, marks=marks))
    return found


@pytest.fixture(scope="module")
def roles(aws: dict[str, str]) -> dict[tuple[str, str], str]:
    """Deploy every committed template with the AWS CLI; return the task roles by service and environment."""
    running = []
    for service, environment in product(SERVICES, ENVIRONMENTS):
        stack = f"mynavi-sample-ecs-taskrole-{service}-{environment.lower()}"
        template = str(HERE / "out" / environment / f"sample-ecs-taskrole-{service}-cfn.yml")
        command = ["aws", "cloudformation", "deploy", "--stack-name", stack, "--template-file", template]
        command += ["--capabilities", "CAPABILITY_IAM"]
        running.append(subprocess.Popen(command, env=aws, stdout=subprocess.DEVNULL))
    assert {process.wait() for process in running} == {0}
    return {
        (service, environment): role
        for environment, described in environments().items()
        for service, role in task_roles(aws, described).items()
    }


@pytest.fixture(scope="module")
def iam(aws: dict[str, str]) -> BaseClient:
    """Return an IAM client with every right."""
    return client(aws, "iam")


@pytest.fixture(scope="module")
def client_of(aws: dict[str, str]) -> Callable[[str, str], BaseClient]:
    """Return a function that gives the client of a role for an AWS service, beside objects for it to find."""
    for environment in ENVIRONMENTS:
        client(aws, "s3").put_object(Bucket=f"{BUCKET}-{environment.lower()}", Key="kept")
    keys = functools.cache(functools.partial(assume_role, aws))
    return functools.cache(lambda role, aws_service: client(keys(role), aws_service))


@pytest.mark.parametrize("case", cases(calls))
def test_a_task_role_can_make_the_calls_it_needs_and_no_other(client_of, roles, case) -> None:
    aws_service, operation = case.what.split(":")
    caller = client_of(roles[case.service, case.environment], aws_service)
    assert is_allowed(caller, operation, case.target) == case.allowed


@pytest.mark.parametrize("case", cases(simulations))
def test_iam_answers_for_what_the_local_aws_does_not_serve(iam, roles, case) -> None:
    answer = iam.simulate_principal_policy(
        PolicySourceArn=ROLE + roles[case.service, case.environment],
        ActionNames=[case.what],
        ResourceArns=[case.target],
    )
    expected = "allowed" if case.allowed else "implicitDeny"
    assert [result["EvalDecision"] for result in answer["EvaluationResults"]] == [expected]


def test_a_role_without_our_policies_can_make_none_of_the_calls(client_of, iam, roles) -> None:
    trust = iam.get_role(RoleName=roles["backend", "Staging"])["Role"]["AssumeRolePolicyDocument"]
    iam.create_role(RoleName="role-without-policies", AssumeRolePolicyDocument=json.dumps(trust))
    for _, _, call, parameters in calls("Staging"):
        aws_service, operation = call.split(":")
        assert not is_allowed(client_of("role-without-policies", aws_service), operation, parameters), call


def test_a_task_role_with_a_wrong_secret_is_refused(aws, roles) -> None:
    backend = assume_role(aws, roles["backend", "Staging"])
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(backend | {"AWS_SECRET_ACCESS_KEY": "wrong"}, "cloudformation").list_exports()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_backend_receives_and_deletes_what_the_frontend_sends(client_of, roles, environment) -> None:
    frontend = client_of(roles["frontend", environment], "sqs")
    backend = client_of(roles["backend", environment], "sqs")
    queue = frontend.get_queue_url(QueueName=f"mynavi-sample-queue-{environment.lower()}")["QueueUrl"]
    sent = frontend.send_message(QueueUrl=queue, MessageBody="from the frontend")
    received = backend.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    handle = {message["MessageId"]: message["ReceiptHandle"] for message in received}[sent["MessageId"]]
    backend.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=30)
    backend.delete_message(QueueUrl=queue, ReceiptHandle=handle)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_backend_saves_an_item_and_finds_it_by_scan_and_query(client_of, roles, environment) -> None:
    backend = client_of(roles["backend", environment], "dynamodb")
    table = f"{environment.lower()}_sample-table"
    item = {"samplePartitionKey": {"S": "saved"}, "sampleSortKey": {"S": "1"}}
    backend.update_item(TableName=table, Key=item)
    assert item in backend.scan(TableName=table)["Items"]
    found = backend.query(
        TableName=table,
        KeyConditionExpression="samplePartitionKey = :key",
        ExpressionAttributeValues={":key": {"S": "saved"}},
    )
    assert found["Items"] == [item]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_frontend_puts_gets_and_deletes_an_object(client_of, roles, environment) -> None:
    frontend = client_of(roles["frontend", environment], "s3")
    bucket, key = f"{BUCKET}-{environment.lower()}", "uploads/an object"
    frontend.put_object(Bucket=bucket, Key=key, Body=b"content")
    assert frontend.get_object(Bucket=bucket, Key=key)["Body"].read() == b"content"
    frontend.delete_object(Bucket=bucket, Key=key)
    with pytest.raises(ClientError, match=r"NoSuchKey|AccessDenied"):
        frontend.get_object(Bucket=bucket, Key=key)

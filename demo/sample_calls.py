"""What is the article's own in the demo: what its earlier parts deploy, and what the task roles of its services try.

An adopter deletes it with the sample, and prerequisites.yml.
"""

from __future__ import annotations

from pathlib import Path

from imports import deploy_stack
from local_aws import client

ENVIRONMENTS = ("Dev", "Staging", "Production")
PARAMETER = "mynavi-sample-cloudformation-rds-password"
PREREQUISITES = Path(__file__).with_name("prerequisites.yml")


def deploy(aws: dict[str, str], environment: str) -> None:
    """Deploy what the article's earlier parts made: a stack for each environment, and two parameters.

    The parameters are not in the template: CloudFormation cannot create a SecureString.
    """
    for name in (PARAMETER, f"{PARAMETER}-of-others"):
        client(aws, "ssm").put_parameter(Name=name, Value="made-up", Type="SecureString", Overwrite=True)
    template = PREREQUISITES.read_text(encoding="utf-8")
    deploy_stack(aws, f"mynavi-sample-infra-{environment.lower()}", template, EnvType=environment)


def calls(environment: str, other: str) -> list[tuple[str, dict, str]]:
    """Return what each role of an environment tries: the call, its parameters, and what that is in plain words."""
    own, others = environment.lower(), other.lower()
    queue = {"QueueUrl": f"http://127.0.0.1/000000000000/mynavi-sample-queue-{own}"}
    table, other_table = ({"TableName": f"{name}_sample-table"} for name in (own, others))
    bucket, other_bucket = (
        {"Bucket": f"debugroom-mynavi-sample-cloudformation-bucket-{name}"} for name in (own, others)
    )
    item = {"Key": {"samplePartitionKey": {"S": "1"}, "sampleSortKey": {"S": "1"}}}
    object_ = {"Key": "hello.txt"}
    database = {"DBInstanceIdentifier": f"mynavi-sample-cloudformation-{own}-postgresql"}
    return [
        ("sqs:SendMessage", queue | {"MessageBody": "hello"}, "send to the queue"),
        ("sqs:ReceiveMessage", queue, "receive from the queue"),
        ("sqs:PurgeQueue", queue, "empty the queue"),
        ("dynamodb:UpdateItem", table | item, "save an item in the table"),
        ("dynamodb:Scan", table, "scan the table"),
        ("dynamodb:Scan", other_table, f"scan {other}'s table"),
        ("s3:PutObject", bucket | object_, "put an object into the bucket"),
        ("s3:GetObject", bucket | object_, "get it back"),
        ("s3:PutObject", other_bucket | object_, f"put one into {other}'s bucket"),
        ("s3:DeleteBucket", bucket, "delete the bucket"),
        ("ssm:GetParameter", {"Name": PARAMETER}, "read the database's password"),
        ("ssm:GetParameter", {"Name": f"{PARAMETER}-of-others"}, "read another parameter"),
        ("rds:DescribeDBInstances", database, "find the database's endpoint"),
        ("iam:ListRoles", {}, "list the account's roles"),
    ]

"""Statements that a task role must not have, each with the public source that says so, and the rules that find it.

A row: where it is from, in words; the rules; actions; resources; and the Condition, if it has one. Facts, no copies.
"""

from __future__ import annotations

from typing import Any

OWN, OTHER = "111122223333", "444455556666"  # accounts of AWS's documentation
RHINO = "Rhino Security Labs, AWS IAM Privilege Escalation Methods: "
HACKING = "hackingthe.cloud, AWS IAM Privilege Escalation Techniques: "
PATHFINDING = "pathfinding.cloud: "
HACKTRICKS = "HackTricks Cloud, AWS privilege escalation: "
FIELD = "field-needs.json, a task role that reaches "
OPERATORS = "IAM User Guide, IAM JSON policy elements: Condition operators: "
GLOBAL_KEYS = "IAM User Guide, AWS global condition context keys: "
MANAGED = "AWS managed policy "
KEYS = "IAM and AWS STS condition context keys: "
ROLE, USER = f"arn:aws:iam::{OWN}:role/orders", f"arn:aws:iam::{OWN}:user/admin"
PASSED, POLICY, BOUNDARY = "iam:PassedToService", "iam:PolicyARN", "iam:PermissionsBoundary"
TEAM = "aws:ResourceTag/team"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
TASKS = "ecs-tasks.amazonaws.com"
REGIONAL = "${AWS::Region}:${AWS::AccountId}"

Row = tuple[str, str, str | list[Any], Any, dict[str, Any] | None]

ESCALATIONS: list[Row] = [
    (RHINO + "CreateNewPolicyVersion", "E9006", "iam:CreatePolicyVersion", f"arn:aws:iam::{OWN}:policy/orders", None),
    (RHINO + "SetExistingDefaultPolicyVersion", "E9002 E9006", "iam:SetDefaultPolicyVersion", "*", None),
    (RHINO + "CreateAccessKey", "E9006", "iam:CreateAccessKey", USER, None),
    (RHINO + "CreateLoginProfile", "E9002 E9006", "iam:CreateLoginProfile", f"arn:aws:iam::{OWN}:user/*", None),
    (RHINO + "AttachRolePolicy", "E9006", "iam:AttachRolePolicy", ROLE, None),
    (RHINO + "PutRolePolicy", "E9006", "iam:PutRolePolicy", ROLE, None),
    (RHINO + "AddUserToGroup", "E9006", "iam:AddUserToGroup", f"arn:aws:iam::{OWN}:group/admins", None),
    (RHINO + "UpdateAssumeRolePolicy", "E9006", ["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"], ROLE, None),
    (RHINO + "PassExistingRoleToNewLambda", "E9002 E9006", ["iam:PassRole", "lambda:CreateFunction"], "*", None),
    (RHINO + "EditExistingLambdaFunctionWithRole", "E9002 E9006", "lambda:UpdateFunctionCode", "*", None),
    (HACKING + "iam:PassRole, ec2:RunInstances", "E9002 E9006", ["iam:PassRole", "ec2:RunInstances"], "*", None),
    (
        HACKING + "lambda:UpdateFunctionConfiguration",
        "E9002 E9006",
        "lambda:UpdateFunctionConfiguration",
        "arn:aws:lambda:*:*:function:*",
        None,
    ),
    (HACKING + "ssm:SendCommand", "E9002 E9006", "ssm:SendCommand", "arn:aws:ec2:*:*:instance/*", None),
    (HACKING + "ecs:RunTask, RegisterTaskDefinition", "E9002 E9006", "ecs:RegisterTaskDefinition", "*", None),
    (PATHFINDING + "sts-001, sts:AssumeRole", "E9002 E9006", "sts:AssumeRole", "arn:aws:iam::*:role/*", None),
    (PATHFINDING + "ssm-001, ssm:StartSession", "E9002 E9006", "ssm:StartSession", "*", None),
    (
        PATHFINDING + "ecs-006, ecs:ExecuteCommand",
        "E9002 E9006",
        "ecs:ExecuteCommand",
        f"arn:aws:ecs:{REGIONAL}:task/*",
        None,
    ),
    (PATHFINDING + "glue, glue:UpdateJob", "E9002 E9006", "glue:UpdateJob", f"arn:aws:glue:*:{OWN}:job/*", None),
    (PATHFINDING + "codebuild-002, codebuild:StartBuild", "E9002 E9006", "codebuild:StartBuild", "*", None),
    (HACKTRICKS + "iam:EnableMFADevice", "E9006", "iam:EnableMFADevice", USER, None),
    (HACKTRICKS + "iam:UploadSSHPublicKey", "E9006", "iam:UploadSSHPublicKey", USER, None),
    (HACKTRICKS + "a password of a service", "E9006", "iam:ResetServiceSpecificCredential", USER, None),
    (HACKTRICKS + "a shell of an agent", "E9002 E9006", "bedrock-agentcore:InvokeAgentRuntimeCommand", "*", None),
    (HACKTRICKS + "lightsail:DownloadDefaultKeyPair", "E9006", "lightsail:DownloadDefaultKeyPair", "*", None),
    (HACKTRICKS + "a group of IAM Identity Center", "E9002 E9006", "identitystore:CreateGroupMembership", "*", None),
    (MANAGED + "AmazonEC2ContainerServiceEventsRole", "E9002", "iam:PassRole", "*", {"StringLike": {PASSED: TASKS}}),
    (FIELD + "all of the type with iam:PassRole", "E9002 E9006", "iam:PassRole", f"arn:aws:iam::{OWN}:role/*", None),
    (
        "IAM User Guide, Grant a user permissions to pass a role to an AWS service",
        "E9006",
        "iam:PassRole",
        ROLE,
        None,
    ),
]

EVERY: list[Row] = [
    (MANAGED + "AdministratorAccess", "E9001 E9002 E9006", "*", "*", None),
    (MANAGED + "PowerUserAccess, without its NotAction's exceptions", "E9001 E9002 E9006", ["*:*"], ["*"], None),
    (MANAGED + "AmazonS3FullAccess", "E9001 E9002", ["s3:*", "s3-object-lambda:*"], "*", None),
    (MANAGED + "IAMFullAccess", "E9001 E9002 E9006", ["iam:*", "organizations:DescribeAccount"], "*", None),
    (MANAGED + "SecretsManagerReadWrite", "E9001 E9002", "secretsmanager:*", "*", None),
    (MANAGED + "AmazonSSMReadOnlyAccess", "E9001 E9002", ["ssm:Describe*", "ssm:Get*", "ssm:List*"], "*", None),
    (FIELD + "all with secretsmanager:GetSecretValue", "E9002", "secretsmanager:GetSecretValue", "*", None),
    (
        FIELD + "all of the type with secretsmanager:GetSecretValue",
        "E9002",
        "secretsmanager:GetSecretValue",
        f"arn:aws:secretsmanager:{REGIONAL}:secret:*",
        None,
    ),
    (
        "AWS Secrets Manager User Guide, six characters end the ARN of each secret",
        "E9002",
        "secretsmanager:GetSecretValue",
        "arn:aws:secretsmanager:*:*:secret:*-??????",
        None,
    ),
    (FIELD + "all of the type with kms:Decrypt", "E9002", "kms:Decrypt", f"arn:aws:kms:{REGIONAL}:key/*", None),
    ("AWS KMS Developer Guide, Best practices for IAM policies", "E9002", ["kms:Decrypt", "kms:Encrypt"], "*", None),
    (
        FIELD + "all of the type with ssm:GetParameter",
        "E9002",
        ["ssm:GetParameter", "ssm:GetParameters"],
        f"arn:aws:ssm:{REGIONAL}:parameter/*",
        None,
    ),
    (
        "AWS Systems Manager User Guide, Restricting access to parameters: without the slash",
        "E9002",
        "ssm:GetParametersByPath",
        "arn:aws:ssm:*:*:parameter*",
        None,
    ),
    (FIELD + "all with sqs:SendMessage", "E9002", "sqs:SendMessage", "arn:aws:sqs:*:*:*", None),
    (FIELD + "all with lambda:InvokeFunction", "E9002", ["lambda:InvokeFunction", "lambda:GetFunction"], "*", None),
    (
        FIELD + "all of the type with ecs:StopTask",
        "E9002",
        "ecs:StopTask",
        f"arn:aws:ecs:eu-west-1:{OWN}:task/*/*",
        None,
    ),
    (FIELD + "all with logs:GetLogEvents", "E9002", "logs:GetLogEvents", f"arn:aws:logs:*:{OWN}:log-group:*:*", None),
    (FIELD + "all with s3:*", "E9001 E9002", "s3:*", ["arn:aws:s3:::*", "arn:aws:s3:::*/*"], None),
    ("Amazon S3 User Guide, Policy resources: every bucket", "E9002", "s3:ListBucket", "arn:aws:s3:::*", None),
    ("Amazon S3 User Guide, Policy resources: every object", "E9002", "s3:GetObject", "arn:aws:s3:::*/*", None),
    ("Amazon S3 User Guide, Policy resources: any bucket", "E9002", "s3:GetObject", "arn:aws:s3:::*/logs/*", None),
    ("IAM User Guide, policy element Resource: service", "E9002", "s3:GetObject", "arn:aws:*:::acme-orders", None),
    ("IAM User Guide, policy element Resource: wildcard", "E9002", "dynamodb:GetItem", "arn:*", None),
    ("IAM User Guide, policy element Resource: partial", "E9002", "dynamodb:GetItem", "arn:aws:dyn*", None),
    ("IAM User Guide, policy element Resource: ?", "E9002", "dynamodb:GetItem", "arn:aws:dynamodb:*:*:tabl?/*", None),
    (
        "Amazon DynamoDB Developer Guide, Using identity-based policies: all tables",
        "E9002",
        "dynamodb:PutItem",
        "arn:aws:dynamodb:*:*:table/*",
        None,
    ),
    (
        "Amazon DynamoDB Developer Guide, Using identity-based policies: all indexes",
        "E9002",
        "dynamodb:Query",
        f"arn:aws:dynamodb:{REGIONAL}:table/*/index/*",
        None,
    ),
    ("Amazon SNS Developer Guide, identity-based policies", "E9002", "sns:Publish", f"arn:aws:sns:{REGIONAL}:*", None),
    ("Amazon API Gateway, execute-api", "E9002", "execute-api:Invoke", "arn:aws:execute-api:*:*:*/*/GET/*", None),
    (
        "Amazon RDS User Guide, IAM database access: every user of every database",
        "E9002",
        "rds-db:connect",
        f"arn:aws:rds-db:eu-west-1:{OWN}:dbuser:*/*",
        None,
    ),
    ("Amazon Route 53 Developer Guide, all hosted zones", "E9002", "route53:ChangeResourceRecordSets", "*", None),
    (
        "Amazon Route 53 Developer Guide, all hosted zones by ARN",
        "E9002",
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/*",
        None,
    ),
    (
        "Amazon Route 53 API Reference, ids of hosted zones",
        "E9002",
        "route53:GetHostedZone",
        "arn:aws:route53:::hostedzone/Z*",
        None,
    ),
    (
        "Amazon EC2 User Guide, Resource IDs: instances begin with i-",
        "E9002 E9006",
        "ssm:SendCommand",
        f"arn:aws:ec2:{REGIONAL}:instance/i-*",
        None,
    ),
    (
        "CloudFormation, Fn::Sub with a map",
        "E9002",
        "s3:GetObject",
        {"Fn::Sub": ["arn:${AWS::Partition}:s3:::${All}/${Name}", {"All": "*", "Name": {"Fn::ImportValue": "name"}}]},
        None,
    ),
    (
        "CloudFormation, Fn::ImportValue",
        "E9001 E9006",
        {"Fn::ImportValue": "actions"},
        f"arn:aws:sqs:{REGIONAL}:q",
        None,
    ),
    ("CloudFormation, dynamic references", "E9002", "sqs:SendMessage", "{{resolve:ssm:/orders/queue:1}}", None),
]

ALWAYS_TRUE: list[Row] = [
    (OPERATORS + "StringLike of anything", "E9006", "iam:PassRole", ROLE, {"StringLike": {PASSED: "*"}}),
    (
        OPERATORS + "StringLike of any service",
        "E9006",
        "iam:PassRole",
        ROLE,
        {"StringLike": {PASSED: "*.amazonaws.com"}},
    ),
    (OPERATORS + "one value of several", "E9006", "iam:PassRole", ROLE, {"StringLike": {PASSED: [TASKS, "?*"]}}),
    (OPERATORS + "a key and itself", "E9002", "sqs:SendMessage", "*", {"StringEquals": {TEAM: f"${{{TEAM}}}"}}),
    (OPERATORS + "StringLike of several services", "E9006", "iam:PassRole", ROLE, {"StringLike": {PASSED: "*a*.com"}}),
    (
        OPERATORS + "IfExists, of a key that another action sends",
        "E9006",
        ["iam:PassRole", "iam:PutRolePolicy"],
        ROLE,
        {"StringEqualsIfExists": {PASSED: TASKS}},
    ),
    (
        "IAM User Guide, Grant a user permissions to pass a role to an AWS service: not by tagging the role",
        "E9006",
        "iam:PassRole",
        f"arn:aws:iam::{OWN}:role/orders-*",
        {"StringEquals": {TEAM: "orders"}},
    ),
    (
        KEYS + "iam:PolicyARN, of every right",
        "E9006",
        "iam:AttachRolePolicy",
        ROLE,
        {"ArnEquals": {POLICY: ["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess", ADMINISTRATOR]}},
    ),
    (
        KEYS + "iam:PolicyARN by prefix",
        "E9006",
        "iam:AttachRolePolicy",
        ROLE,
        {"ArnLike": {POLICY: ADMINISTRATOR[:30] + "*"}},
    ),
    (
        "IAM User Guide, Permissions boundaries: one that bounds nothing",
        "E9006",
        "iam:PutRolePolicy",
        ROLE,
        {"StringEquals": {BOUNDARY: ADMINISTRATOR}},
    ),
    (OPERATORS + "StringNotEquals", "E9006", "iam:PassRole", ROLE, {"StringNotEquals": {PASSED: "none"}}),
    (OPERATORS + "Null, false", "E9006", "iam:PassRole", ROLE, {"Null": {PASSED: "false"}}),
    (
        OPERATORS + "IfExists",
        "E9006",
        "iam:PutRolePolicy",
        ROLE,
        {"StringEqualsIfExists": {"iam:PermissionsBoundary": f"arn:aws:iam::{OWN}:policy/bounds"}},
    ),
    (OPERATORS + "Null, true", "E9002", "ecs:StopTask", "*", {"Null": {TEAM: "true"}}),
    (
        OPERATORS + "ArnLike of every cluster",
        "E9002",
        "ecs:ListTasks",
        "*",
        {"ArnLike": {"ecs:cluster": "arn:aws:ecs:*:*:cluster/*"}},
    ),
    (
        OPERATORS + "NumericGreaterThan",
        "E9002",
        "s3:ListBucket",
        "*",
        {"NumericGreaterThan": {"s3:max-keys": "-1"}},
    ),
    (
        OPERATORS + "DateGreaterThan",
        "E9002",
        "sqs:SendMessage",
        "*",
        {"DateGreaterThan": {"aws:CurrentTime": "1970-01-01T00:00:00Z"}},
    ),
    (OPERATORS + "IpAddress", "E9002", "kms:Decrypt", "*", {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
    (OPERATORS + "NotIpAddress", "E9002", "kms:Decrypt", "*", {"NotIpAddress": {"aws:SourceIp": "192.0.2.1/32"}}),
    (
        "IAM User Guide, Set operators for multivalued context keys: ForAllValues",
        "E9002",
        "ec2:TerminateInstances",
        "*",
        {"ForAllValues:StringEquals": {"aws:ResourceTag/team": "orders"}},
    ),
    (GLOBAL_KEYS + "aws:SecureTransport", "E9002", "s3:GetObject", "*", {"Bool": {"aws:SecureTransport": "true"}}),
    (GLOBAL_KEYS + "not over TLS", "E9002", "s3:GetObject", "*", {"Bool": {"aws:SecureTransport": "false"}}),
    (
        GLOBAL_KEYS + "aws:PrincipalAccount",
        "E9006",
        "iam:AttachRolePolicy",
        ROLE,
        {"StringEquals": {"aws:PrincipalAccount": OWN}},
    ),
    (
        GLOBAL_KEYS + "aws:PrincipalArn",
        "E9002 E9006",
        "sts:AssumeRole",
        "*",
        {"ArnLike": {"aws:PrincipalArn": ROLE}},
    ),
    (
        GLOBAL_KEYS + "aws:ResourceAccount",
        "E9002 E9006",
        "sts:AssumeRole",
        "*",
        {"StringEquals": {"aws:ResourceAccount": OWN}},
    ),
    (
        GLOBAL_KEYS + "aws:RequestedRegion",
        "E9002",
        "dynamodb:GetItem",
        "*",
        {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    ),
    (GLOBAL_KEYS + "aws:UserAgent", "E9002", "sqs:SendMessage", "*", {"StringLike": {"aws:UserAgent": "aws-sdk*"}}),
    (
        GLOBAL_KEYS + "aws:RequestTag, which a session chooses",
        "E9006",
        "sts:AssumeRole",
        "*",
        {"StringEquals": {"aws:RequestTag/team": "orders"}},
    ),
    (
        "AWS KMS Developer Guide, kms:ViaService: any service",
        "E9002",
        "kms:Decrypt",
        "*",
        {"StringLike": {"kms:ViaService": "*.${AWS::Region}.amazonaws.com"}},
    ),
    (
        "AWS KMS Developer Guide, kms:RequestAlias",
        "E9002",
        "kms:Decrypt",
        "*",
        {"StringLike": {"kms:RequestAlias": "alias/*"}},
    ),
    (
        "AWS STS API Reference, AssumeRole: its caller gives the external id",
        "E9002 E9006",
        "sts:AssumeRole",
        "*",
        {"StringEquals": {"sts:ExternalId": "orders"}},
    ),
    (
        "Amazon S3 User Guide, condition keys: an ACL tells no bucket",
        "E9002",
        "s3:PutObject",
        "arn:aws:s3:::*",
        {"StringEquals": {"s3:x-amz-acl": "private"}},
    ),
    (
        "CloudFormation, Fn::If in a condition",
        "E9006",
        "iam:PassRole",
        ROLE,
        {"StringLike": {PASSED: {"Fn::If": ["Wide", "*", TASKS]}}},
    ),
]

ACCOUNTS: list[Row] = [
    (
        "IAM User Guide, Cross account resource access in IAM: a queue",
        "E9008",
        "sqs:SendMessage",
        f"arn:aws:sqs:eu-west-1:{OTHER}:orders",
        None,
    ),
    (
        "IAM User Guide, IAM tutorial: Delegate access across accounts",
        "E9008",
        "sts:AssumeRole",
        f"arn:aws:iam::{OTHER}:role/x",
        None,
    ),
    (
        "AWS KMS Developer Guide, Allowing users in other accounts to use a KMS key",
        "E9008",
        "kms:Decrypt",
        [f"arn:aws:kms:eu-west-1:{OTHER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
        None,
    ),
    (
        "AWS Secrets Manager User Guide, Access secrets from a different account",
        "E9002 E9008",
        "secretsmanager:GetSecretValue",
        f"arn:aws:secretsmanager:eu-west-1:{OTHER}:secret:*",
        None,
    ),
    (
        "IAM User Guide, policy element Resource: accounts by wildcard",
        "E9008",
        "sns:Publish",
        "arn:aws:sns:*:4444*:orders",
        None,
    ),
]

DANGEROUS = [*ESCALATIONS, *EVERY, *ALWAYS_TRUE, *ACCOUNTS]

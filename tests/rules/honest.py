"""Statements that a task role may have, each with its public source: the lint finds nothing in them.

A row: where it is from, in words; actions; resources; and the Condition, if it has one. Facts, no copies.
"""

from __future__ import annotations

from typing import Any

OWN = "111122223333"  # an account of AWS's documentation
SAM = "AWS SAM policy template "
FIELD = "field-needs.json, a task role with "
MANAGED = "AWS managed policy "
REFERENCE = "Service Authorization Reference: no resource type for "
HERE = "${AWS::Region}:${AWS::AccountId}"
KEY = f"arn:aws:kms:eu-west-1:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TAGGED = {"StringEquals": {"aws:ResourceTag/team": "orders"}}

Row = tuple[str, str | list[str], Any, dict[str, Any] | None]

ONE_RESOURCE: list[Row] = [
    (
        SAM + "SQSPollerPolicy",
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"],
        f"arn:aws:sqs:{HERE}:orders",
        None,
    ),
    (SAM + "SQSSendMessagePolicy, by prefix", "sqs:SendMessage", f"arn:aws:sqs:{HERE}:orders-*", None),
    (
        SAM + "DynamoDBCrudPolicy",
        ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"],
        [f"arn:aws:dynamodb:{HERE}:table/orders", f"arn:aws:dynamodb:{HERE}:table/orders/index/*"],
        None,
    ),
    (
        SAM + "DynamoDBStreamReadPolicy",
        ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"],
        f"arn:aws:dynamodb:{HERE}:table/orders/stream/*",
        None,
    ),
    (SAM + "S3ReadPolicy, the bucket", "s3:ListBucket", "arn:aws:s3:::acme-orders", None),
    (SAM + "S3ReadPolicy, its objects", "s3:GetObject", "arn:aws:s3:::acme-orders/*", None),
    (SAM + "S3WritePolicy, by prefix", "s3:PutObject", "arn:${AWS::Partition}:s3:::acme-orders/incoming/*", None),
    (SAM + "SNSPublishMessagePolicy", "sns:Publish", f"arn:aws:sns:eu-west-1:{OWN}:orders", None),
    (
        SAM + "SSMParameterReadPolicy",
        ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
        f"arn:aws:ssm:{HERE}:parameter/orders/*",
        None,
    ),
    (
        SAM + "AWSSecretsManagerGetSecretValuePolicy",
        "secretsmanager:GetSecretValue",
        f"arn:aws:secretsmanager:{HERE}:secret:orders/database-??????",
        None,
    ),
    (SAM + "KMSDecryptPolicy", "kms:Decrypt", KEY, None),
    (SAM + "KMSEncryptPolicy_v2", ["kms:Encrypt", "kms:GenerateDataKey"], KEY, None),
    (SAM + "LambdaInvokePolicy", "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:orders*", None),
    (SAM + "StepFunctionsExecutionPolicy", "states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:orders", None),
    (SAM + "EventBridgePutEventsPolicy", "events:PutEvents", f"arn:aws:events:{HERE}:event-bus/default", None),
    (SAM + "FirehoseWritePolicy", "firehose:PutRecord", f"arn:aws:firehose:{HERE}:deliverystream/orders", None),
    (SAM + "KinesisStreamReadPolicy", "kinesis:GetRecords", f"arn:aws:kinesis:{HERE}:stream/orders", None),
    (SAM + "EcsRunTaskPolicy", "ecs:RunTask", f"arn:aws:ecs:{HERE}:task-definition/orders:*", None),
    (
        SAM + "Route53ChangeResourceRecordSetsPolicy",
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/Z1D633PJN98FT9",
        None,
    ),
    (SAM + "SESCrudPolicy", "ses:SendEmail", f"arn:aws:ses:{HERE}:identity/example.com", None),
    (
        SAM + "EFSWriteAccessPolicy",
        "elasticfilesystem:ClientMount",
        f"arn:aws:elasticfilesystem:{HERE}:file-system/fs-1",
        None,
    ),
    (SAM + "ElasticsearchHttpPostPolicy", "es:ESHttpPost", f"arn:aws:es:{HERE}:domain/orders/*", None),
    (
        SAM + "CloudFormationDescribeStacksPolicy",
        "cloudformation:DescribeStacks",
        f"arn:aws:cloudformation:{HERE}:stack/orders/*",
        None,
    ),
    (
        FIELD + "logs:CreateLogStream and logs:PutLogEvents of one group",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        f"arn:aws:logs:{HERE}:log-group:/ecs/orders:*",
        None,
    ),
    (
        "Amazon API Gateway Developer Guide, Control access for invoking an API: one API",
        "execute-api:Invoke",
        f"arn:aws:execute-api:{HERE}:a1b2c3d4e5/*/GET/*",
        None,
    ),
    (
        "Amazon ECS Developer Guide, Task scale-in protection: the tasks of one cluster",
        ["ecs:UpdateTaskProtection", "ecs:GetTaskProtection"],
        f"arn:aws:ecs:{HERE}:task/orders/*",
        None,
    ),
    (
        "Amazon RDS User Guide, Creating and using an IAM policy for IAM database access",
        "rds-db:connect",
        f"arn:aws:rds-db:{HERE}:dbuser:db-ABCDEFGHIJKL01234/orders",
        None,
    ),
    (
        "IAM User Guide, Grant a user permissions to switch roles: one role",
        "sts:AssumeRole",
        f"arn:aws:iam::{OWN}:role/reports",
        None,
    ),
    (
        "Amazon S3 User Guide, identity-based policies: a bucket that another stack exports",
        "s3:GetObject",
        {"Fn::Sub": ["arn:${AWS::Partition}:s3:::${Name}/*", {"Name": {"Fn::ImportValue": "bucket"}}]},
        None,
    ),
    (
        "Amazon Bedrock User Guide, identity-based policies: one model",
        "bedrock:InvokeModel",
        "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-text-lite-v1",
        None,
    ),
    (
        "Amazon ECS Developer Guide, Retrieving Amazon ECS-optimized AMI metadata: AWS's parameters",
        "ssm:GetParameters",
        "arn:aws:ssm:*::parameter/aws/service/ecs/*",
        None,
    ),
    (
        "Amazon MSK Developer Guide, IAM access control: topics of one cluster",
        ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"],
        f"arn:aws:kafka-cluster:{HERE}:topic/orders/*",
        None,
    ),
    (
        "Amazon API Gateway Developer Guide, @connections: the connections of one API",
        "execute-api:ManageConnections",
        f"arn:aws:execute-api:{HERE}:a1b2c3d4e5/*/POST/@connections/*",
        None,
    ),
    (
        SAM + "CodeCommitReadPolicy, its pull, of repositories by prefix",
        "codecommit:GitPull",
        f"arn:aws:codecommit:{HERE}:repo*",
        None,
    ),
]

NO_RESOURCE: list[Row] = [
    (REFERENCE + "cloudwatch:PutMetricData", "cloudwatch:PutMetricData", "*", None),
    (REFERENCE + "ec2:DescribeInstances", "ec2:DescribeInstances", "*", None),
    (REFERENCE + "ec2:DescribeSubnets and others", ["ec2:DescribeSubnets", "ec2:DescribeVpcs"], "*", None),
    (REFERENCE + "ecr:GetAuthorizationToken", "ecr:GetAuthorizationToken", "*", None),
    (REFERENCE + "s3:ListAllMyBuckets", "s3:ListAllMyBuckets", "*", None),
    (REFERENCE + "sts:GetCallerIdentity", "sts:GetCallerIdentity", "*", None),
    (REFERENCE + "secretsmanager:ListSecrets", "secretsmanager:ListSecrets", "*", None),
    (REFERENCE + "ssm:DescribeParameters", "ssm:DescribeParameters", "*", None),
    (REFERENCE + "sqs:ListQueues", "sqs:ListQueues", "*", None),
    (REFERENCE + "cloudformation:ListExports", "cloudformation:ListExports", "*", None),
    (REFERENCE + "logs:DescribeLogGroups", "logs:DescribeLogGroups", f"arn:aws:logs:{HERE}:log-group:*", None),
    (REFERENCE + "aws-marketplace:RegisterUsage", "aws-marketplace:RegisterUsage", "*", None),
    ("cert-manager, Route53: AWS names a change", "route53:GetChange", "arn:aws:route53:::change/*", None),
    (REFERENCE + "kms:GenerateRandom", "kms:GenerateRandom", "*", None),
    (REFERENCE + "tag:GetResources", "tag:GetResources", "*", None),
    (FIELD + "lakeformation:GetDataAccess", "lakeformation:GetDataAccess", "*", None),
    (FIELD + "iam:ListAccountAliases", "iam:ListAccountAliases", "*", None),
    (FIELD + "ecs:DescribeTaskDefinition", "ecs:DescribeTaskDefinition", "*", None),
    (
        "Amazon ECS Developer Guide, Monitor Amazon ECS containers with ECS Exec",
        [
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        "*",
        None,
    ),
    (
        MANAGED + "AWSXRayDaemonWriteAccess",
        [
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries",
        ],
        "*",
        None,
    ),
    ("Amazon CloudWatch API Reference, DescribeAlarms: scoped to *", "cloudwatch:DescribeAlarms", "*", None),
    (SAM + "RekognitionLabelsPolicy", "rekognition:DetectLabels", "*", None),
    (SAM + "RekognitionDetectOnlyPolicy", "rekognition:DetectModerationLabels", "*", None),
    (SAM + "ComprehendBasicAccessPolicy", ["comprehend:DetectEntities", "comprehend:DetectSentiment"], "*", None),
    (SAM + "TextractDetectAnalyzePolicy", "textract:AnalyzeDocument", "*", None),
    (SAM + "PollyFullAccessPolicy, its speech", "polly:SynthesizeSpeech", "*", None),
    (MANAGED + "TranslateReadOnly, its one action that translates", "translate:TranslateText", "*", None),
    (SAM + "CostExplorerReadOnlyPolicy", ["ce:GetCostAndUsage", "ce:GetDimensionValues", "ce:GetTags"], "*", None),
]

CONDITIONS: list[Row] = [
    (
        "Amazon CloudWatch User Guide, Using condition keys to limit access to CloudWatch namespaces",
        "cloudwatch:PutMetricData",
        "*",
        {"StringEquals": {"cloudwatch:namespace": "Orders"}},
    ),
    (
        FIELD + "ecs:ListTasks under ecs:cluster",
        ["ecs:ListTasks", "ecs:DescribeTasks"],
        "*",
        {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:{HERE}:cluster/orders"}},
    ),
    (
        FIELD + "iam:CreateServiceLinkedRole under iam:AWSServiceName",
        "iam:CreateServiceLinkedRole",
        "*",
        {"StringLike": {"iam:AWSServiceName": "ecs.amazonaws.com"}},
    ),
    (
        "AWS KMS Developer Guide, kms:ViaService",
        "kms:Decrypt",
        "*",
        {"StringEquals": {"kms:ViaService": "s3.${AWS::Region}.amazonaws.com"}},
    ),
    (
        "AWS KMS Developer Guide, kms:ResourceAliases",
        "kms:Decrypt",
        f"arn:aws:kms:{HERE}:key/*",
        {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/orders"}},
    ),
    (
        "AWS KMS Developer Guide, kms:EncryptionContext",
        "kms:Decrypt",
        "*",
        {"StringEquals": {"kms:EncryptionContext:service": "orders"}},
    ),
    (
        "AWS KMS Developer Guide, kms:GrantIsForAWSResource",
        "kms:CreateGrant",
        KEY,
        {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    ),
    (
        "AWS KMS Developer Guide, kms:RequestAlias",
        "kms:Decrypt",
        "*",
        {"StringLike": {"kms:RequestAlias": "alias/orders-*"}},
    ),
    (
        "AWS CodeArtifact User Guide, tokens created with GetAuthorizationToken",
        "sts:GetServiceBearerToken",
        "*",
        {"StringEquals": {"sts:AWSServiceName": "codeartifact.amazonaws.com"}},
    ),
    ("AWS Copilot CLI, kms:Decrypt of tagged keys", "kms:Decrypt", f"arn:aws:kms:{HERE}:key/*", TAGGED),
    (
        "AWS Copilot CLI, secrets by tag",
        "secretsmanager:GetSecretValue",
        f"arn:aws:secretsmanager:{HERE}:secret:*",
        TAGGED,
    ),
    ("AWS Copilot CLI, parameters by tag", "ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/*", TAGGED),
    ("IAM User Guide, Amazon EC2: start or stop instances by tag", "ec2:StopInstances", "*", TAGGED),
    (
        "IAM User Guide, IAM tutorial: Define permissions based on tags (ABAC)",
        "secretsmanager:GetSecretValue",
        "*",
        {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
    ),
    (
        "AWS Systems Manager User Guide, Restrict access to commands by tag",
        "ssm:SendCommand",
        f"arn:aws:ec2:{HERE}:instance/*",
        {"StringLike": {"ssm:resourceTag/Finance": ["WebServers"]}},
    ),
    (
        "AWS Load Balancer Controller, its IAM policy",
        "elasticloadbalancing:ModifyTargetGroup",
        "*",
        {"Null": {"aws:ResourceTag/elbv2.k8s.aws/cluster": "false"}},
    ),
    (
        MANAGED + "AmazonEC2ContainerServiceEventsRole, its tags",
        "ecs:TagResource",
        "*",
        {"StringEquals": {"ecs:CreateAction": ["RunTask"]}},
    ),
    (
        "Amazon EC2 User Guide, Grant permission to tag resources during creation",
        "ec2:CreateTags",
        f"arn:aws:ec2:{HERE}:*/*",
        {"StringEquals": {"ec2:CreateAction": "CreateVolume"}},
    ),
    (
        "Amazon EC2 User Guide, identity-based policies: security groups of one VPC",
        "ec2:AuthorizeSecurityGroupIngress",
        f"arn:aws:ec2:{HERE}:security-group/*",
        {"ArnEquals": {"ec2:Vpc": f"arn:aws:ec2:{HERE}:vpc/vpc-11223344556677889"}},
    ),
    (
        "IAM User Guide, Amazon EC2: volumes with a tag",
        "ec2:CreateVolume",
        f"arn:aws:ec2:{HERE}:volume/*",
        {"StringEquals": {"aws:RequestTag/team": "orders"}},
    ),
    (
        "Amazon SES Developer Guide, Identity and access management: one sender",
        ["ses:SendEmail", "ses:SendRawEmail"],
        "*",
        {"StringEquals": {"ses:FromAddress": "orders@example.com"}},
    ),
    (
        "Amazon Route 53 Developer Guide, IAM policy conditions: names of records",
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/*",
        {
            "ForAllValues:StringLike": {
                "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["*.orders.example.com"]
            },
            "Null": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": "false"},
        },
    ),
    (
        "Amazon S3 User Guide, Controlling access with prefixes",
        "s3:ListBucket",
        "arn:aws:s3:::acme-orders",
        {"StringLike": {"s3:prefix": ["incoming/*"]}},
    ),
    (
        "Amazon DynamoDB Developer Guide, fine-grained access control: leading keys",
        ["dynamodb:GetItem", "dynamodb:Query"],
        f"arn:aws:dynamodb:{HERE}:table/orders",
        {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/tenant}"]}},
    ),
    (
        "IAM User Guide, Grant a user permissions to pass a role to an AWS service",
        "iam:PassRole",
        f"arn:aws:iam::{OWN}:role/orders-task",
        {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    ),
    (
        "IAM and AWS STS condition context keys: iam:PassedToService is in every request that passes a role",
        "iam:PassRole",
        f"arn:aws:iam::{OWN}:role/orders-*",
        {"StringLikeIfExists": {"iam:PassedToService": ["ecs-tasks.amazonaws.com", "scheduler.amazonaws.com"]}},
    ),
    (
        "IAM User Guide, Permissions boundaries for IAM entities",
        "iam:PutRolePolicy",
        f"arn:aws:iam::{OWN}:role/orders-*",
        {"StringEquals": {"iam:PermissionsBoundary": f"arn:aws:iam::{OWN}:policy/bounds"}},
    ),
    (
        "IAM and AWS STS condition context keys: iam:PolicyARN",
        "iam:AttachRolePolicy",
        f"arn:aws:iam::{OWN}:role/orders",
        {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"}},
    ),
    (
        "Amazon ECS Developer Guide, ECS Exec: limit it by tag",
        "ecs:ExecuteCommand",
        f"arn:aws:ecs:{HERE}:task/*",
        {"StringEquals": {"ecs:ResourceTag/environment": "live"}},
    ),
    (
        "Amazon S3 User Guide, ExistingObjectTag",
        "s3:GetObject",
        "arn:aws:s3:::acme-orders/*",
        {"StringEquals": {"s3:ExistingObjectTag/public": "yes"}, "Bool": {"aws:SecureTransport": "true"}},
    ),
]

HONEST = [*ONE_RESOURCE, *NO_RESOURCE, *CONDITIONS]

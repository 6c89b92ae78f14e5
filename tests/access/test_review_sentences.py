"""What a review says of which change of which template, in a sentence."""

from __future__ import annotations

import re

import pytest
from repository import FULL, QUEUE, SEND, Repository, body, policy, template

BUCKET = '{"Fn::ImportValue": !Sub "Bucket-Arn-${EnvType}"}'
OBJECTS = f'{{"Fn::Join": ["", [{BUCKET}, "/*"]]}}'
OTHER = BUCKET.replace("Bucket", "Reports")
TWO_TARGETS = "# list reports (policies/s3/list.yml.j2)\n  # list sample (policies/s3/list.yml.j2)"
CASES = {
    "full becomes one level": (
        policy(FULL),
        policy(SEND, comment="# send sample-queue (policies/sqs/send.yml.j2)"),
        """
        - narrowed  sqs  sqs:* on every queue → GetQueueUrl and SendMessage on sample-queue (SQS-${EnvType}): 18 actions revoked
                         4 Permissions management, 6 Write, 2 Tagging, 6 Read
        """,
    ),
    "one level becomes full": (
        policy(SEND),
        policy(FULL),
        """
        + widened   sqs  GetQueueUrl and SendMessage on SQS-${EnvType} → sqs:* on every queue: 18 actions granted
                         4 Permissions management, 6 Write, 2 Tagging, 6 Read
                         ! changes who has access: AddPermission, CreateQueue, RemovePermission and SetQueueAttributes
                         ! can delete data: DeleteQueue and PurgeQueue
                         ! wildcard sqs:*: also what AWS adds to it later
                         ! not limited to any resource, though 19 actions can be
        """,
    ),
    "one more bucket": (
        policy(f"- {{Effect: Allow, Action: [s3:GetObject], Resource: {OBJECTS}}}", "S3"),
        policy(
            f"""
- {{Effect: Allow, Action: s3:GetObject, Resource: [{OBJECTS}, {OBJECTS.replace("Bucket", "Reports")}]}}
- {{Effect: Allow, Action: [s3:ListBucket], Resource: [{OTHER}]}}""",
            "S3",
            comment="# read sample (policies/s3/read.yml.j2)\n  # read reports (policies/s3/read.yml.j2)",
        ),
        """
        + granted   s3  ListBucket on reports (Reports-Arn-${EnvType}); GetObject on reports/*
                        Read: GetObject
                        List: ListBucket
        """,
    ),
    "the objects of a bucket by its name are not everything": (
        policy(SEND),
        policy(
            f"{SEND}\n- {{Effect: Allow, Action: [s3:GetObject], Resource: 'arn:aws:s3:::acme-reports/*'}}\n"
            "- {Effect: Allow, Action: [ssm:GetParameter], "
            "Resource: {'Fn::Sub': 'arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/*'}}"
        ),
        """
        + granted   s3   GetObject on acme-reports/*
                         Read: GetObject
        + granted   ssm  GetParameter on every parameter
                         Read: GetParameter
                         ! reads secrets: GetParameter
                         ! not limited to any resource, though GetParameter can be
        """,
    ),
    "another action, and one less": (
        policy(SEND),
        policy(SEND.replace("GetQueueUrl", "PurgeQueue")),
        """
        + granted   sqs  PurgeQueue on SQS-${EnvType}
                         Write: PurgeQueue
                         ! can delete data: PurgeQueue
        - revoked   sqs  GetQueueUrl on SQS-${EnvType}
                         Read: GetQueueUrl
        """,
    ),
    "a message that one consumes is not data that one deletes": (
        policy(SEND),
        policy(SEND.replace("GetQueueUrl", "DeleteMessage")),
        """
        + granted   sqs  DeleteMessage on SQS-${EnvType}
                         Write: DeleteMessage
        - revoked   sqs  GetQueueUrl on SQS-${EnvType}
                         Read: GetQueueUrl
        """,
    ),
    "another queue under the same target name": (
        policy(SEND, comment="# send sample-queue (policies/sqs/send.yml.j2)"),
        policy(SEND.replace("SQS-", "Orders-"), comment="# send sample-queue (policies/sqs/send.yml.j2)"),
        """
        + granted   sqs  GetQueueUrl and SendMessage move from SQS-${EnvType} to Orders-${EnvType}
                         Write: SendMessage
                         Read: GetQueueUrl
        """,
    ),
    "two buckets in one statement, whose targets come in another order than their exports": (
        policy(f"- {{Effect: Allow, Action: s3:ListBucket, Resource: [{OTHER}, {BUCKET}]}}", "S3", comment=TWO_TARGETS),
        policy(f"- {{Effect: Allow, Action: s3:ListBucket, Resource: [{OTHER}]}}", "S3"),
        """
        - revoked   s3  ListBucket on sample
                        List: ListBucket
        """,
    ),
    "every resource beside one": (
        policy(SEND),
        policy(SEND.replace(QUEUE, f'["*", {QUEUE}]')),
        """
        + widened   sqs  GetQueueUrl and SendMessage on SQS-${EnvType} → GetQueueUrl and SendMessage on every queue
                         Write: SendMessage
                         Read: GetQueueUrl
                         ! not limited to any resource, though 2 actions can be
        """,
    ),
    "a Version dropped that gives policy variables their meaning": (
        policy("- {Effect: Allow, Action: s3:GetObject, Resource: 'b/${aws:username}'}", "S3"),
        policy("- {Effect: Allow, Action: s3:GetObject, Resource: 'b/${aws:username}'}", "S3").replace(
            "2012-10-17", "2008-10-17"
        ),
        """
        + granted   s3  GetObject moves from b/${variable aws:username} to b/${!aws:username}
                        Read: GetObject
        """,
    ),
    "a condition dropped": (
        policy(
            "- {Effect: Allow, Action: iam:PassRole, Resource: '*', Condition: {StringLike: {iam:PassedToService: ecs}}}"
        ),
        policy("- {Effect: Allow, Action: iam:PassRole, Resource: '*'}"),
        """
        + widened   iam  PassRole on every role if iam:PassedToService StringLike "ecs" → PassRole on every role
                         Permissions management: PassRole
                         ! condition dropped
                         ! can gain further rights: passes a role: PassRole
                         ! not limited to any resource, though PassRole can be
        """,
    ),
    "a condition changed": (
        policy("- {Effect: Allow, Action: sqs:SendMessage, Resource: x, Condition: {Bool: {a: 'true', b: [x, y]}}}"),
        policy("- {Effect: Allow, Action: sqs:SendMessage, Resource: x, Condition: {Bool: {a: 'true', b: [x, z]}}}"),
        """
        + widened   sqs  SendMessage on x if a Bool "true" and b Bool "x" or "y" → SendMessage on x if a Bool "true" and b Bool "x" or "z"
                         Write: SendMessage
        - narrowed  sqs  SendMessage on x if a Bool "true" and b Bool "x" or "y" → SendMessage on x if a Bool "true" and b Bool "x" or "z"
                         Write: SendMessage
        """,
    ),
    "a Deny dropped": (
        policy(SEND, "Other") + policy(f"- {{Effect: Deny, Action: sqs:SendMessage, Resource: {QUEUE}}}"),
        policy(SEND, "Other"),
        """
        + widened   sqs  SendMessage on no resource, denied on SQS-${EnvType} → SendMessage on SQS-${EnvType}
                         Write: SendMessage
                         ! a Deny was dropped
        """,
    ),
    "a few actions left out of everything": (
        policy(SEND),
        policy("- {Effect: Allow, NotAction: 'iam:*', Resource: '*'}"),
        """
        + granted   *    every action of every AWS service but NUMBER on every resource
                         NUMBER Permissions management, NUMBER Write, NUMBER Tagging, NUMBER Read, NUMBER List
                         ! can gain further rights: changes policies or trust: cognito-identity:SetIdentityPoolRoles, identitystore:CreateGroupMembership, kms:CreateGrant and NUMBER more
                         ! can gain further rights: runs code under another role: airflow:CreateEnvironment, airflow:CreateWebLoginToken, amplify:StartDeployment and NUMBER more
                         ! can gain further rights: takes credentials of others: cognito-identity:GetCredentialsForIdentity, ec2-instance-connect:SendSSHPublicKey, ec2-instance-connect:SendSerialConsoleSSHPublicKey and NUMBER more
                         ! changes who has access: acm-pca:CreatePermission, acm-pca:DeletePermission, acm-pca:DeletePolicy and NUMBER more
                         ! reads secrets: codeartifact:GetAuthorizationToken, codecommit:GitPull, ec2:GetPasswordData and NUMBER more
                         ! can delete data: a4b:DeleteAddressBook, a4b:DeleteBusinessReportSchedule, a4b:DeleteConferenceProvider and NUMBER more
                         ! wildcard NotAction: also what AWS adds to it later
                         ! not limited to any resource, though NUMBER actions can be
        + widened   sqs  GetQueueUrl and SendMessage on SQS-${EnvType} → GetQueueUrl and SendMessage on every queue
                         Write: SendMessage
                         Read: GetQueueUrl
                         ! not limited to any resource, though 2 actions can be
        """,
    ),
    "a renamed logical id that keeps its policy name": (
        policy(SEND),
        policy(SEND).replace("SQSAccessPolicy:", "QueueAccessPolicy:"),
        """
        ! notice    SQSAccessPolicy becomes QueueAccessPolicy under the same policy name: CloudFormation creates the new one, then deletes the old one by that name. Change the name as well, or keep the logical id
                    ! a deploy refuses it: the role would be left without Sample-SQSAccessPolicy-backend-${EnvType}
        """,
    ),
    "another role": (
        policy(SEND),
        policy(SEND, role="frontend"),
        """
        ! notice         SQSAccessPolicy: CloudFormation puts it on ${VPCName}-frontend-${EnvType} and takes it away from ${VPCName}-backend-${EnvType}
                         ! another role
        + granted   sqs  GetQueueUrl and SendMessage on SQS-${EnvType} (role ${VPCName}-frontend-${EnvType})
                         Write: SendMessage
                         Read: GetQueueUrl
        - revoked   sqs  GetQueueUrl and SendMessage on SQS-${EnvType} (role ${VPCName}-backend-${EnvType})
                         Write: SendMessage
                         Read: GetQueueUrl
        """,
    ),
    "the same policy name twice": (
        policy(SEND),
        policy(SEND) + policy(SEND).replace("SQSAccessPolicy:", "QueueAccessPolicy:"),
        """
        ! notice    SQSAccessPolicy (backend) and QueueAccessPolicy (backend) share the name Sample-SQSAccessPolicy-backend-${EnvType} on ${VPCName}-backend-${EnvType}: CloudFormation refuses the second; where both are there, the one deployed last is what counts, and removing either removes it
        """,
    ),
    "what is not a policy": (
        policy(SEND),
        policy(SEND) + "  Other: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [x]}}\n",
        """
        + widened   cannot tell: resource Other (AWS::SQS::QueuePolicy) came
                    ! not understood, and may grant anything: read it yourself
        """,
    ),
    "a policy that lacks what it needs": (
        policy(SEND),
        policy(SEND) + "  Other: {Type: AWS::IAM::ManagedPolicy}\n",
        """
        + widened   cannot read out/Production/backend.yml:15: Other: a managed policy needs PolicyDocument (working tree)
                    ! not understood, and may grant anything: read it yourself
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_said_as_a_person_would(repository: Repository, name: str) -> None:
    before, after, expected = CASES[name]
    repository.commit({"Production/backend": template(before)})
    repository.write({"Production/backend": template(after)})
    code, out, err = repository.run("HEAD")
    assert (code, err) == (0, "")
    if "NUMBER" in expected:  # those that change whenever AWS adds an action
        out = re.sub(r"\d[\d,]*\d|\d(?= more)", "NUMBER", out)
    assert body(out) == body(expected)


SAME = {
    "reordered": (SEND + "\n" + FULL, FULL + "\n" + SEND),
    "split": (SEND, SEND.replace(", sqs:GetQueueUrl", "") + "\n" + SEND.replace("sqs:SendMessage, ", "")),
    "another Sid": (SEND, SEND.replace("{Effect", "{Sid: Send, Effect")),
    "a scalar for a list of one": (FULL, FULL.replace('"sqs:*"', '["sqs:*"]').replace('"*"}', '["*"]}')),
    "another case": (SEND, SEND.replace("sqs:SendMessage", "SQS:sendmessage")),
    "said twice": (FULL, FULL + "\n" + SEND),
    "another spelling of the ARN": (
        SEND,
        "- {Effect: Allow, Action: [sqs:SendMessage, sqs:GetQueueUrl], Resource: !Join [':', [arn, !Ref AWS::Partition, "
        "sqs, !Ref AWS::Region, !Ref AWS::AccountId, {'Fn::ImportValue': !Join ['-', [SQS, !Ref EnvType]]}]]}",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_access_written_otherwise_is_no_change_in_permissions(repository: Repository, name: str) -> None:
    before, after = SAME[name]
    repository.commit({"Production/backend": template(policy(before))})
    repository.write({"Production/backend": template(policy(after))})
    assert repository.run("HEAD", "--fail-on", "widened", "--fail-on", "granted") == (
        0,
        "HEAD → working tree\nno change in permissions (1 file changed in text only)\n",
        "",
    )

"""deploy.sh --drift and --destroy against the local AWS."""

from __future__ import annotations

import json

import pytest
from deployed import PREFIX, TEMPLATE, deploy, edit, given_service, given_stack, inline_policies, lines_about, states
from local_aws import client

BACKEND = TEMPLATE("Staging", "backend")
pytestmark = pytest.mark.usefixtures("empty_aws")


def test_drift_tells_what_was_changed_deleted_and_added_by_hand_from_what_was_not_deployed_yet(
    project, aws, roles
) -> None:
    given_service(aws, f"{PREFIX}backend-staging", project.read(BACKEND))
    in_sync = deploy(project, aws, "--drift", "Staging", "backend")
    assert in_sync.returncode == 0, in_sync.stdout
    assert len(lines_about(in_sync.stdout, "in sync")) == len(lines_about(in_sync.stdout, "Mynavi-Sample-"))

    everything = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
    }
    iam, name = client(aws, "iam"), "Mynavi-Sample-{}AccessPolicy-backend-Staging".format
    task_role = roles["Staging", "backend"]
    for policy in (name("SQS"), "hotfix"):
        iam.put_role_policy(RoleName=task_role, PolicyName=policy, PolicyDocument=json.dumps(everything))
    iam.delete_role_policy(RoleName=task_role, PolicyName=name("RDS"))
    edit(project, BACKEND, "ssm:GetParameters", "ssm:GetParametersByPath")
    result = deploy(project, aws, "--drift", "Staging", "backend")

    assert result.returncode == 1
    for word, policy in {
        "in sync": name("DynamoDB"),
        "changed by hand": name("SQS"),
        "missing": name("RDS"),
        "unmanaged": "hotfix",
        "not deployed": name("SSM"),
    }.items():
        assert lines_about(result.stdout, word, policy), result.stdout
    assert lines_about(result.stdout, "+ widened", "sqs", "5 actions on", "queue", "→ sqs:* on every queue")
    assert "4 of " in result.stderr


def test_what_a_stack_holds_beside_policies_is_named_and_is_no_sync(project, aws, roles) -> None:
    assert ("Staging", "backend") in roles
    given_service(aws, f"{PREFIX}backend-staging", project.read(BACKEND) + "  Jobs:\n    Type: AWS::SQS::Queue\n")

    result = deploy(project, aws, "--drift", "Staging", "backend")

    assert result.returncode == 1
    assert lines_about(result.stdout, "not looked at", "Jobs is AWS::SQS::Queue, no AWS::IAM::Policy")
    assert "see to it in CloudFormation" in result.stderr


def test_destroy_says_that_there_is_nothing_to_delete(project, aws) -> None:
    nothing = deploy(project, aws, "--destroy", "--yes", "Staging")

    assert (nothing.returncode, nothing.stdout) == (0, "nothing to delete\n")


def test_destroy_deletes_the_stack_even_of_a_service_that_out_no_longer_has(project, aws, roles) -> None:
    given_stack(aws, f"{PREFIX}gone-staging", project.read(BACKEND), service="gone", environment="Staging")

    warned = deploy(project, aws, "--preview", "Staging", "frontend")
    asked = deploy(project, aws, "--destroy", "Staging", "gone")
    destroyed = deploy(project, aws, "--destroy", "--yes", "Staging", "gone")

    assert "warning: out/Staging has no gone, but stack mynavi-sample-ecs-taskrole-gone-staging exists" in warned.stderr
    assert (asked.returncode, "takes --yes" in asked.stderr) == (2, True)
    assert destroyed.returncode == 0, destroyed.stderr
    assert states(aws) == {}
    assert inline_policies(aws, roles["Staging", "backend"]) == []


def test_a_stack_that_only_has_such_a_name_is_left_alone(project, aws) -> None:
    given_stack(aws, f"{PREFIX}network-staging", project.read(BACKEND))

    destroyed = deploy(project, aws, "--destroy", "--yes", "Staging", "network")

    assert (destroyed.returncode, destroyed.stdout) == (2, "")
    assert destroyed.stderr.startswith("no service of Staging is called 'network'; out/ has: backend, frontend")
    assert list(states(aws)) == [f"{PREFIX}network-staging"]

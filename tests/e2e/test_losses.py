"""What a deploy would leave a role without is refused; and IAM is asked whether it holds what was deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from deployed import (
    PREFIX,
    TEMPLATE,
    commit,
    deploy,
    edit,
    given_service,
    inline_policies,
    lines_about,
    states,
)
from local_aws import client
from proxy import proxy

if TYPE_CHECKING:
    from proxy import Answer, PassedOn, Request

BACKEND = TEMPLATE("Staging", "backend")
STACK = f"{PREFIX}backend-staging"
NAME = "Mynavi-Sample-{}AccessPolicy-backend-Staging".format
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
pytestmark = pytest.mark.usefixtures("empty_aws")


def test_a_policy_that_cloudformation_would_delete_by_its_name_is_refused_by_a_deploy_and_by_a_gate(
    project, aws, roles
) -> None:
    given_service(aws, STACK, project.read(BACKEND))
    role = roles["Staging", "backend"]
    before = inline_policies(aws, role)
    edit(project, BACKEND, "\n  RDSAccessPolicy:", "\n  DatabaseAccessPolicy:")
    edit(project, BACKEND, "Mynavi-Sample-SQSAccessPolicy", "Mynavi-Sample-XAccessPolicy")
    edit(project, BACKEND, "Mynavi-Sample-SSMAccessPolicy", "Mynavi-Sample-SQSAccessPolicy")
    edit(project, BACKEND, "Mynavi-Sample-XAccessPolicy", "Mynavi-Sample-SSMAccessPolicy")

    gate = project.verb("review", "--fail-on=loss", "HEAD", COLUMNS="1000")
    result = deploy(project, aws, "Staging", "backend")

    assert gate.returncode == 1
    assert result.returncode == 1
    assert "3 problems, and nothing was changed:" in result.stderr
    for kind, was, now in (
        ("RDS", "RDSAccessPolicy", "DatabaseAccessPolicy"),
        ("SQS", "SQSAccessPolicy", "SSMAccessPolicy"),
        ("SSM", "SSMAccessPolicy", "SQSAccessPolicy"),
    ):
        assert f"{was} becomes {now} under the same policy name" in gate.stdout
        (said,) = lines_about(result.stderr, f"backend: {was} becomes {now} under the same policy name, {NAME(kind)}")
        assert f"leave role {role} without it; keep the logical id, or change the policy's name as well, or" in said
    assert (inline_policies(aws, role), states(aws)) == (before, {STACK: "CREATE_COMPLETE"})


@pytest.mark.thorough
def test_a_policy_that_iam_does_not_hold_after_the_deploy_is_named(project, aws, roles) -> None:
    project.own_package()
    edit(project, "taskroles/deploying/held.py", "PATIENCE = 20.0", "PATIENCE = 0.5")
    commit(project)
    role, iam = roles["Staging", "backend"], client(aws, "iam")

    def lost(request: Request, passed_on: PassedOn) -> Answer:
        answer = passed_on(request)
        if NAME("SQS") in inline_policies(aws, role) and states(aws) == {STACK: "CREATE_COMPLETE"}:
            iam.delete_role_policy(RoleName=role, PolicyName=NAME("SQS"))
            iam.put_role_policy(RoleName=role, PolicyName=NAME("SSM"), PolicyDocument=json.dumps(EVERYTHING))
        return answer

    with proxy(aws) as between:
        between.play("DescribeStackEvents", lost)
        result = deploy(project, between.aws, "Staging", "backend")

    assert result.returncode == 1
    assert "backend   deployed (CREATE_COMPLETE)" in result.stdout  # as CloudFormation says
    said = result.stderr.split("IAM does not hold what was deployed:\n")[1]
    assert f"  - backend: policy {NAME('SQS')} on role {role} is not there\n" in said
    assert f"  - backend: policy {NAME('SSM')} on role {role} says something else:\n      + granted   s3  s3:*" in said
    assert "--destroy the service and deploy it again" in said

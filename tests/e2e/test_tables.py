"""What a table may say, deployed: roles by name, targets of every kind, values by environment, accounts and regions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from deployed import commit, deploy, document, states
from imports import TRUST, deploy_imports, deploy_stack, environments, in_account, task_roles
from local_aws import client, local_aws
from project import Project, rendered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, dict[str, str]]]:
    """Yield, by environment, the environment of a process that uses its account and region of one local AWS."""
    folder = rendered("acme")
    with local_aws() as anywhere:
        found = {name: in_account(anywhere, each) for name, each in environments(folder).items()}
        for name, each in environments(folder).items():
            deploy_imports(found[name], each, folder)
        yield found


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """Return a project of another company, committed."""
    folder: Path = tmp_path_factory.mktemp("acme")
    project = Project(folder, "acme")
    commit(project)
    return project


def resources(aws: dict[str, str], role: str, policy: str) -> list[str]:
    """Return the resources of an inline policy of a role."""
    statements = json.loads(document(aws, role, policy))["Statement"]
    return sorted({resource for statement in statements for resource in statement["Resource"]})


def test_a_role_by_name_and_targets_by_the_export_of_a_name_or_an_arn(project, aws) -> None:
    result = deploy(project, aws["qa"], "qa", "orders-worker")

    assert result.returncode == 0, result.stderr
    assert "qa: account 222222222222, eu-west-1, as arn:aws:iam::222222222222:root" in result.stderr
    assert states(aws["qa"]) == {"acme-orders-worker-taskrole-qa": "CREATE_COMPLETE"}
    assert resources(aws["qa"], "acme-orders-worker-qa", "acme-SQS-orders-worker-qa") == [
        "arn:aws:sqs:eu-west-1:222222222222:acme-mail-queue-arn-qa",
        "arn:aws:sqs:eu-west-1:222222222222:acme-orders-queue-qa",
    ]
    table = "arn:aws:dynamodb:eu-west-1:222222222222:"
    assert resources(aws["qa"], "acme-orders-worker-qa", "acme-DynamoDB-orders-worker-qa") == [
        f"{table}acme-stock-table-arn-qa",
        f"{table}acme-stock-table-arn-qa/index/*",
        f"{table}table/acme-vpc-orders-table-qa",
        f"{table}table/acme-vpc-orders-table-qa/index/*",
    ]


@pytest.mark.thorough
def test_a_parameter_has_the_value_of_its_environment_and_an_option_narrows(project, aws) -> None:
    result = deploy(project, aws["live"], "--yes", "live", "orders-api", "billing", JOBS="2")

    assert result.returncode == 0, result.stderr
    (stack,) = client(aws["live"], "cloudformation").describe_stacks(StackName="acme-orders-api-taskrole-live")[
        "Stacks"
    ]
    values = {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}
    assert values == {"VpcStack": "acme-vpc-live", "Team": "orders", "EnvType": "live"}
    role = task_roles(aws["live"], environments(project.folder)["live"])["orders-api"]
    assert resources(aws["live"], role, "acme-S3-orders-api-live") == [
        "arn:aws:s3:::acme-uploads-live",
        "arn:aws:s3:::acme-uploads-live/incoming/*",
    ]


@pytest.mark.thorough
def test_a_value_other_than_reviewed_holds_for_one_deploy_and_each_change_is_warned_of(project, aws) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    export = {"Value": {"Ref": "Role"}, "Export": {"Name": "other-vpc-mail-role-dev"}}
    other_vpc = {"Resources": {"Role": role}, "Outputs": {"Role": export}}
    deploy_stack(aws["dev"], "imports-of-the-other-vpc", json.dumps(other_vpc))

    first = deploy(project, aws["dev"], "dev", "mail", PARAMETERS="VpcStack=other-vpc")
    unchanged = deploy(project, aws["dev"], "--preview", "dev", "mail", PARAMETERS="VpcStack=other-vpc")
    back = deploy(project, aws["dev"], "dev", "mail")

    assert (first.returncode, unchanged.returncode, back.returncode) == (0, 0, 0), back.stderr
    assert "warning" not in first.stderr + unchanged.stderr
    assert unchanged.stdout == "dev: no changes in mail\n"
    assert "warning: mail: parameter VpcStack is other-vpc now, and would become acme-vpc" in back.stderr
    (stack,) = client(aws["dev"], "cloudformation").describe_stacks(StackName="acme-mail-taskrole-dev")["Stacks"]
    assert {"ParameterKey": "VpcStack", "ParameterValue": "acme-vpc"} in stack["Parameters"]

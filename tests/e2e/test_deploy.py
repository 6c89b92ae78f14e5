"""deploy.sh with the real AWS CLI against the local AWS: what it deploys, previews, and says where a service fails."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from deployed import (
    PATIENCE,
    PREFIX,
    REFUSAL,
    REFUSED_BY_IAM,
    TEMPLATE,
    change_sets,
    commit,
    deploy,
    document,
    edit,
    given_service,
    given_stack,
    inline_policies,
    lines_about,
    states,
    wait,
    without,
)
from local_aws import client

if TYPE_CHECKING:
    from project import Project

BACKEND = TEMPLATE("Staging", "backend")
pytestmark = pytest.mark.usefixtures("empty_aws")


def test_the_first_deploy_creates_a_stack_for_each_service_and_the_second_changes_nothing(project, aws, roles) -> None:
    first = deploy(project, aws, "Staging", JOBS="2")

    assert first.returncode == 0, first.stderr
    assert states(aws) == {
        f"{PREFIX}backend-staging": "CREATE_COMPLETE",
        f"{PREFIX}frontend-staging": "CREATE_COMPLETE",
    }
    assert "account 000000000000, ap-northeast-1, as arn:aws:iam::000000000000:root" in first.stderr
    assert len(lines_about(first.stderr, "backend", "SQSAccessPolicy", "CREATE_COMPLETE")) == 1
    assert first.stdout.endswith("backend   deployed (CREATE_COMPLETE)\nfrontend  deployed (CREATE_COMPLETE)\n")
    assert "Mynavi-Sample-SQSAccessPolicy-backend-Staging" in inline_policies(aws, roles["Staging", "backend"])
    stack = client(aws, "cloudformation").describe_stacks(StackName=f"{PREFIX}backend-staging")["Stacks"][0]
    tags = {tag["Key"]: tag["Value"] for tag in stack["Tags"]}
    template = hashlib.sha256((project.folder / BACKEND).read_bytes()).hexdigest()
    ours = {"service": "backend", "environment": "Staging", "commit": first_commit(project)}
    assert tags == ours | {"template": f"sha256:{template}", "deploy": tags["deploy"]}

    project.write("README.md", "a commit that changes no template\n")
    commit(project)
    second = deploy(project, aws, "Staging", JOBS="2")

    assert (second.returncode, second.stdout) == (0, "Staging: no changes in backend, frontend\n")
    assert change_sets(aws) == []


def first_commit(project: Project) -> str:
    """Return the first commit as deploy.sh writes it."""
    show = ["git", "log", "--reverse", "--abbrev=12", "--format=%h"]
    return subprocess.run(show, cwd=project.folder, check=True, capture_output=True, text=True).stdout.split()[0]


def test_a_preview_shows_changed_and_removed_policies_and_changes_nothing_but_a_deploy_does(
    project, aws, roles
) -> None:
    given_service(aws, f"{PREFIX}backend-staging", project.read(BACKEND))
    edit(project, BACKEND, "sqs:DeleteMessage", "sqs:PurgeQueue")
    project.write(BACKEND, without(project.read(BACKEND), "RDSAccessPolicy"))
    task_role = roles["Staging", "backend"]
    before = inline_policies(aws, task_role)

    preview = deploy(project, aws, "--preview", "Staging", "backend")

    assert preview.returncode == 0, preview.stderr
    assert f"warning: {BACKEND} is not committed" in preview.stderr
    assert lines_about(preview.stdout, "backend", "modify", "SQSAccessPolicy", "PolicyDocument")
    assert lines_about(preview.stdout, "backend", "remove", "RDSAccessPolicy")
    assert not lines_about(preview.stdout, "SSMAccessPolicy")
    assert lines_about(preview.stdout, "+ granted", "sqs", "PurgeQueue on sample-queue"), preview.stdout
    assert lines_about(preview.stdout, "- revoked", "rds")
    assert (inline_policies(aws, task_role), change_sets(aws)) == (before, [])

    deployed = deploy(project, aws, "Staging", "backend")

    assert deployed.returncode == 0, deployed.stderr
    assert set(before) - set(inline_policies(aws, task_role)) == {"Mynavi-Sample-RDSAccessPolicy-backend-Staging"}
    assert "sqs:PurgeQueue" in document(aws, task_role, "Mynavi-Sample-SQSAccessPolicy-backend-Staging")


@pytest.mark.thorough
def test_when_one_of_two_services_fails_the_other_finishes_and_the_first_cause_comes_first(project, aws) -> None:
    edit(project, BACKEND, *REFUSED_BY_IAM)

    result = deploy(project, aws, "Staging", JOBS="2")

    assert result.returncode == 1
    assert states(aws) == {
        f"{PREFIX}backend-staging": "ROLLBACK_COMPLETE",
        f"{PREFIX}frontend-staging": "CREATE_COMPLETE",
    }
    reasons = result.stderr.split("first cause first:\n")[1].splitlines()
    assert reasons[0] == f"  1. CloudFormationAccessPolicy: {REFUSAL}"
    assert "deploy it with --recreate" in result.stderr
    assert lines_about(result.stdout, "backend", "failed (ROLLBACK_COMPLETE)", REFUSAL)
    assert lines_about(result.stdout, "frontend", "deployed (CREATE_COMPLETE)")


@pytest.mark.thorough
def test_a_failed_update_says_that_the_old_policies_are_back(project, aws) -> None:
    given_service(aws, f"{PREFIX}backend-staging", project.read(BACKEND))
    edit(project, BACKEND, *REFUSED_BY_IAM)

    result = deploy(project, aws, "Staging", "backend")

    assert result.returncode == 1
    assert "CloudFormation has put back what was deployed before" in result.stderr
    assert states(aws) == {f"{PREFIX}backend-staging": "UPDATE_ROLLBACK_COMPLETE"}


@pytest.mark.thorough
def test_ctrl_c_leaves_aws_as_it_is_says_what_runs_on_and_takes_back_what_has_not_begun(project, aws) -> None:
    endless = "\n  Wait:\n    Type: AWS::CloudFormation::WaitCondition\n"
    endless += "    CreationPolicy: {ResourceSignal: {Timeout: PT10M}}\n"
    project.write(BACKEND, project.read(BACKEND) + endless)
    process = subprocess.Popen(
        [project.folder / "deploy.sh", "Staging"],
        env=aws,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    told = process.stderr.readline
    while "CREATE_COMPLETE" not in told():  # of a policy: it follows the events of the backend, which never ends
        assert process.poll() is None

    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert list(states(aws)) == [f"{PREFIX}backend-staging"]
    told = stderr.split("AWS goes on with what it has begun:")[1]
    assert lines_about(told, "backend", "CREATE_IN_PROGRESS")
    assert lines_about(told, "frontend", "does not exist")
    assert "Traceback" not in stderr

    client(aws, "cloudformation").signal_resource(
        StackName=f"{PREFIX}backend-staging", LogicalResourceId="Wait", UniqueId="1", Status="SUCCESS"
    )
    wait(lambda: states(aws) == {f"{PREFIX}backend-staging": "CREATE_COMPLETE"})


def test_what_is_deployed_is_the_text_of_each_template_whose_stack_came_up(project, aws) -> None:
    text = project.read(BACKEND)
    given_service(aws, f"{PREFIX}backend-staging", text.replace("sqs:ReceiveMessage", "sqs:PurgeQueue"))
    given_stack(
        aws, f"{PREFIX}frontend-staging", project.read(TEMPLATE("Staging", "frontend")).replace(*REFUSED_BY_IAM)
    )

    review = project.verb("review", "deployed", "--environment", "Staging", **aws)

    assert review.returncode == 0, review.stderr
    backend, frontend = review.stdout.split("backend in Staging")[1].split("frontend in Staging")
    assert lines_about(backend, "granted", "ReceiveMessage on sample-queue")
    assert lines_about(backend, "revoked", "PurgeQueue on sample-queue")
    assert lines_about(frontend, "granted", "new service")

"""What was checked is what deploys, to where it was meant to: whatever changes meanwhile, here, in git or in between."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import pytest
from deployed import (
    PREFIX,
    TEMPLATE,
    deploy,
    document,
    edit,
    given_service,
    lines_about,
    states,
)
from proxy import Proxy, proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Project
    from proxy import Answer, PassedOn, Play, Request

BACKEND = TEMPLATE("Staging", "backend")
PROTECTED = TEMPLATE("Production", "backend")
STACK = f"{PREFIX}backend-staging"
pytestmark = pytest.mark.usefixtures("empty_aws")


def once(do: Callable[[], object], *, after: int = 0) -> Play:
    """Do something when a call comes, before it is passed on; `after` so many that are passed on as they are."""
    calls = iter(range(after + 1))

    def play(request: Request, passed_on: PassedOn) -> Answer:
        if next(calls, None) == after:
            do()
        return passed_on(request)

    return play


def test_what_was_checked_deploys_though_out_is_edited_meanwhile(project, aws, roles) -> None:
    with proxy(aws) as between:
        between.play("GetCallerIdentity", once(lambda: edit(project, BACKEND, "sqs:DeleteMessage", "sqs:PurgeQueue")))
        between.play("CreateChangeSet", once(lambda: edit(project, BACKEND, "VPCName:", "Other:")))
        between.play("ExecuteChangeSet", once((project.folder / BACKEND).unlink))
        result = deploy(project, between.aws, "Staging", "backend")

    assert result.returncode == 0, result.stderr
    deployed = document(aws, roles["Staging", "backend"], "Mynavi-Sample-SQSAccessPolicy-backend-Staging")
    assert "sqs:DeleteMessage" in deployed
    assert "PurgeQueue" not in deployed


def tampered(request: Request, passed_on: PassedOn) -> Answer:
    """Make a change set of another template than the AWS CLI has sent for the backend, and of other parameters else."""
    sent = dict(parse_qsl(request.body.decode()))
    if "backend" in sent["StackName"]:
        sent["TemplateBody"] = sent["TemplateBody"].replace("sqs:DeleteMessage", "sqs:PurgeQueue")
    else:
        sent = {key: "other-vpc" if value.endswith("-vpc") else value for key, value in sent.items()}
    headers = {key: value for key, value in request.headers.items() if key.lower() != "content-length"}
    return passed_on(request._replace(body=urlencode(sent).encode(), headers=headers))


def test_a_change_set_that_is_not_what_was_checked_is_refused(project, aws) -> None:
    with proxy(aws) as between:
        between.play("CreateChangeSet", tampered)
        result = deploy(project, between.aws, "Staging", JOBS="50")

    assert result.returncode == 1
    assert "backend: its change set has another template" in result.stderr
    assert "frontend: its change set has another value for VPCName" in result.stderr
    assert "nothing was changed" in result.stderr
    assert between.calls["ExecuteChangeSet"] == 0
    assert states(aws) == {}


def elsewhere_from(
    between: Proxy, at: str, project: Project, folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run deploy.sh with files that are given relatively, whose keys are of another account once `at` has been asked."""
    keys = "[default]\naws_secret_access_key = test\naws_access_key_id = {}\n".format
    (folder / "keys").write_text(keys("000000000000"))
    (folder / "config").write_text("[default]\nregion = ap-northeast-1\n")
    between.play(at, once(lambda: (folder / "keys").write_text(keys("222222222222"))))
    files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "keys"}
    given = {name: value for name, value in between.aws.items() if "_KEY" not in name and name != "AWS_DEFAULT_REGION"}
    command = [project.folder / "deploy.sh", *arguments]
    return subprocess.run(command, cwd=folder, env=given | files, text=True, capture_output=True, check=False)


ELSEWHERE = "the credentials lead to account 222222222222, ap-northeast-1 now"


def test_change_sets_made_elsewhere_are_refused_and_what_is_out_of_reach_is_said(project, aws, tmp_path) -> None:
    there = aws | {"AWS_ACCESS_KEY_ID": "222222222222"}

    with proxy(aws) as between:
        back = once(lambda: (tmp_path / "keys").write_text((tmp_path / "keys").read_text().replace("2" * 12, "0" * 12)))
        between.play("CreateChangeSet", back)
        result = elsewhere_from(between, "ListRolePolicies", project, tmp_path, "Staging", "backend")

    assert result.returncode == 1
    assert "backend: its change set is in account 222222222222, ap-northeast-1" in result.stderr
    assert lines_about(result.stderr, "not to account 222222222222", f"stack {STACK} may hold a change set there")
    assert (states(aws), list(states(there))) == ({}, [STACK])


def test_what_was_begun_before_the_credentials_changed_is_not_said_to_be_gone(project, aws, tmp_path) -> None:
    with proxy(aws) as between:
        result = elsewhere_from(between, "ExecuteChangeSet", project, tmp_path, "Staging", "backend")

    assert result.returncode == 1
    assert f"deploy.sh: {ELSEWHERE}" in result.stderr
    assert "backend   failed: AWS goes on with what it has begun" in result.stdout


def test_a_stack_is_not_deleted_because_the_account_that_the_credentials_lead_to_has_none(
    project, aws, tmp_path
) -> None:
    given_service(aws, STACK, project.read(BACKEND))

    with proxy(aws) as between:
        result = elsewhere_from(
            between, "DescribeStacks", project, tmp_path, "--destroy", "--yes", "Staging", "backend"
        )

    assert result.returncode == 1
    assert f"deploy.sh: {ELSEWHERE}" in result.stderr
    assert not lines_about(result.stdout, "deleted")
    assert states(aws) == {STACK: "CREATE_COMPLETE"}


def test_where_and_as_whom_is_checked_before_anything_else_is_asked(project, aws) -> None:
    settings = "out/Staging/environment.yml"
    written = project.read(settings)

    with proxy(aws) as between:
        project.write(settings, written + 'account: "111111111111"\nregion: us-east-1\n')
        elsewhere = deploy(project, between.aws, "Staging")
        project.write(settings, written + "principal: arn:aws:iam::000000000000:role/deploy\n")
        deployed = deploy(project, between.aws, "Staging")
        destroyed = deploy(project, between.aws, "--destroy", "--yes", "Staging", "gone")

    assert "Staging is in account 111111111111, and the credentials lead to account 000000000000" in elsewhere.stderr
    assert "Staging is in region us-east-1, and the credentials lead to region ap-northeast-1" in elsewhere.stderr
    for result in (deployed, destroyed):
        assert "Staging is deployed as arn:aws:iam::000000000000:role/deploy, and the credentials are" in result.stderr
    for result in (elsewhere, deployed, destroyed):
        assert result.returncode == 1
        assert f"{settings} says so; nothing else was asked of AWS" in result.stderr
    assert between.asked == ["GetCallerIdentity"] * 3


def test_another_value_of_a_parameter_is_shown_as_the_role_and_the_target_that_it_moves(project, aws) -> None:
    given_service(aws, STACK, project.read(BACKEND))

    result = deploy(project, aws, "--preview", "Staging", "backend", PARAMETERS="VPCName=other")

    warned = [line.removeprefix("warning: backend: ") for line in lines_about(result.stderr, "warning: backend")]
    vpc = "mynavi-sample-cloudformation-vpc"
    assert warned == [
        f"parameter VPCName is {vpc} now, and would become other",
        f"its role would be that of export other-BackendEcsTaskRole-Staging, and no longer that of export "
        f"{vpc}-BackendEcsTaskRole-Staging",
        f"its target would be that of export other-DynamoDBStagingSampleTable, and no longer of "
        f"{vpc}-DynamoDBStagingSampleTable",
        f"its target would be that of export other-RDS-Staging, and no longer of {vpc}-RDS-Staging",
    ]

"""What a deploy takes back of what it has made, however it ends; and what other jobs do meanwhile stays theirs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from deployed import PATIENCE, PREFIX, TEMPLATE, change_sets, deploy, edit, given_service, lines_about, states, wait
from local_aws import client
from proxy import Answer, failed, first, proxy, unheard

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project
    from proxy import PassedOn, Play, Request

BACKEND, FRONTEND = TEMPLATE("Staging", "backend"), TEMPLATE("Staging", "frontend")
NOTHING = "Resources: {Nothing: {Type: AWS::CloudFormation::WaitConditionHandle}}"
STACK = f"{PREFIX}{{}}-staging".format


@pytest.fixture(autouse=True)
def _no_change_sets(empty_aws: dict[str, str]) -> None:
    """Delete what other tests have left: the local AWS keeps change sets when their stack is deleted, and AWS does not."""
    cloudformation = client(empty_aws, "cloudformation")
    for name in map(STACK, ("backend", "frontend")):
        if left := cloudformation.list_change_sets(StackName=name)["Summaries"]:
            cloudformation.create_stack(StackName=name, TemplateBody=NOTHING)
            wait(lambda name=name: states(empty_aws)[name] == "CREATE_COMPLETE")
            for each in left:
                cloudformation.delete_change_set(StackName=name, ChangeSetName=each["ChangeSetId"])
            cloudformation.delete_stack(StackName=name)
    wait(lambda: not states(empty_aws))


def another_s_change_set(project: Project, aws: dict[str, str], service: str) -> dict[str, Any]:
    """Make a change set for a stack that never was as another job's deploy.sh does; return its name and its stack's."""
    cloudformation = client(aws, "cloudformation")
    tags = {"service": service, "environment": "Staging", "deploy": "another"}
    made = cloudformation.create_change_set(
        StackName=STACK(service),
        ChangeSetName="another-s",
        ChangeSetType="CREATE",
        TemplateBody=project.read(TEMPLATE("Staging", service)),
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    return {"StackName": STACK(service), "ChangeSetName": made["Id"]}


def then_do(work: Callable[[], Any]) -> Play:
    """Pass the first call on, and do something before it is answered."""

    def play(request: Request, passed_on: PassedOn) -> Answer:
        answer = passed_on(request)
        work()
        return answer

    return first(1, play)


def of(service: str, play: Play) -> Play:
    """Play for the requests that name the stack of one service alone."""
    return lambda request, passed_on: (
        play(request, passed_on) if STACK(service) == request.parameters.get("StackName") else passed_on(request)
    )


def interrupted(
    project: Project, aws: dict[str, str], action: str, interrupt: Callable[[int], Any], **environment: str
) -> tuple[int, str]:
    """Do something to a deploy.sh when it first asks for an action; return its exit code, and what it has said to stderr.

    It is the leader of a group of processes, as it is on a terminal. The action is passed on.
    """
    started = threading.Event()

    def play(request: Request, passed_on: PassedOn) -> Answer:
        started.wait()
        interrupt(process.pid)
        return passed_on(request)

    with proxy(aws) as between:
        between.play(action, first(1, play))
        process = subprocess.Popen(
            [project.folder / "deploy.sh", "--yes", environment.pop("environment", "Staging")],
            env=between.aws | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.set()
        said = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, said


@pytest.mark.thorough
def test_a_preview_takes_nothing_of_a_deploy_that_another_job_begins_meanwhile(project, aws) -> None:
    """Of one service it makes a change set; that of the other it executes, just when the preview has looked whose it is."""
    cloudformation = client(aws, "cloudformation")

    def looked(request: Request, passed_on: PassedOn) -> Answer:
        if request.parameters["StackName"] == STACK("frontend"):
            another_s_change_set(project, aws, "frontend")
            return passed_on(request)
        answer = passed_on(request)
        cloudformation.execute_change_set(**another_s_change_set(project, aws, "backend"))
        wait(lambda: states(aws)[STACK("backend")] == "CREATE_COMPLETE")
        return answer

    with proxy(aws) as between:
        between.play("ListChangeSets", looked)
        preview = deploy(project, between.aws, "--preview", "Staging", JOBS="2")

    assert preview.returncode == 0, preview.stderr
    assert between.calls["ListChangeSets"] == 2
    assert states(aws) == {STACK("backend"): "CREATE_COMPLETE", STACK("frontend"): "REVIEW_IN_PROGRESS"}
    assert change_sets(aws) == ["another-s"]


@pytest.mark.thorough
def test_two_previews_at_once_leave_nothing_behind(project, aws) -> None:
    others = []
    with proxy(aws) as between:
        between.play(
            "GetTemplate", then_do(lambda: others.append(deploy(project, aws, "--preview", "Staging", "backend")))
        )
        preview = deploy(project, between.aws, "--preview", "Staging", "backend")

    assert [each.returncode for each in (preview, *others)] == [0, 0], preview.stderr
    assert (states(aws), change_sets(aws)) == ({}, [])


@pytest.mark.thorough
def test_a_deploy_that_finds_the_stack_being_deleted_has_not_deleted_it(project, aws) -> None:
    arn = f"arn:aws:cloudformation:ap-northeast-1:000000000000:stack/{STACK('backend')}/1"
    said = f"Stack:{arn} is in DELETE_IN_PROGRESS state and can not be updated."
    with proxy(aws) as between:
        between.play("CreateChangeSet", of("backend", failed("ValidationError", said)))
        result = deploy(project, between.aws, "Staging", JOBS="2")

    assert result.returncode == 1
    assert lines_about(result.stdout.split("\n\n")[-1], "backend", "failed: ", "DELETE_IN_PROGRESS")
    assert lines_about(result.stdout, "frontend", "deployed (CREATE_COMPLETE)")
    assert "deleted" not in result.stdout


def kill(group: int) -> None:
    """Kill a group of processes; what it has just asked is asked of AWS no more."""
    os.killpg(group, signal.SIGKILL)
    raise ConnectionResetError


@pytest.mark.thorough
def test_a_deploy_goes_on_after_one_that_was_killed_and_a_preview_leaves_that_alone(project, aws) -> None:
    interrupted(project, aws, "ExecuteChangeSet", kill, JOBS="2")
    left = dict.fromkeys(map(STACK, ("backend", "frontend")), "REVIEW_IN_PROGRESS")
    assert (states(aws), len(change_sets(aws))) == (left, 2)

    preview = deploy(project, aws, "--preview", "Staging", "backend")
    assert (preview.returncode, states(aws), len(change_sets(aws))) == (0, left, 2), preview.stderr

    deployed = deploy(project, aws, "Staging", "backend")
    destroyed = deploy(project, aws, "--destroy", "--yes", "Staging", "frontend")

    assert (deployed.returncode, destroyed.returncode) == (0, 0), deployed.stderr + destroyed.stderr
    assert states(aws) == {STACK("backend"): "CREATE_COMPLETE"}


@pytest.mark.thorough
def test_change_sets_that_aws_refuses_as_empty_are_no_changes_in_both_wordings(project, aws) -> None:
    words = {
        "backend": "The submitted information didn&apos;t contain changes. Submit different information to create a change set.",
        "frontend": "No updates are to be performed.",
    }
    for service in words:
        path = TEMPLATE("Staging", service)
        given_service(aws, STACK(service), project.read(path))
        edit(project, path, "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents")

    def refused(request: Request, passed_on: PassedOn) -> Answer:
        service = request.parameters["StackName"].split("-")[-2]
        answer = passed_on(request)
        body = re.sub("<StatusReason>.*?</StatusReason>", "", answer.body.decode())
        body = body.replace("<ExecutionStatus>AVAILABLE<", "<ExecutionStatus>UNAVAILABLE<")
        reason = f"<Status>FAILED</Status><StatusReason>{words[service]}</StatusReason>"
        return answer._replace(body=body.replace("<Status>CREATE_COMPLETE</Status>", reason).encode())

    with proxy(aws) as between:
        between.play("DescribeChangeSet", refused)
        result = deploy(project, between.aws, "Staging", JOBS="2")

    assert (result.returncode, result.stdout) == (0, "Staging: no changes in backend, frontend\n"), result.stderr
    assert change_sets(aws) == []


@pytest.mark.thorough
def test_what_was_made_by_an_aws_cli_that_died_before_it_could_say_so_is_found_by_its_tag(project, aws) -> None:
    given_service(aws, STACK("backend"), project.read(BACKEND))
    edit(project, BACKEND, "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents")
    with proxy(aws) as between:
        between.play("CreateChangeSet", unheard(10_000))
        result = deploy(project, between.aws, "Staging", JOBS="2", AWS_MAX_ATTEMPTS="1")

    assert result.returncode == 1
    assert lines_about(result.stdout, "backend", "failed", "ended with exit code")
    assert (states(aws), change_sets(aws)) == ({STACK("backend"): "CREATE_COMPLETE"}, [])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("action", "number"),
    [
        ("ListExports", signal.SIGTERM),
        ("CreateChangeSet", signal.SIGINT),
        ("GetTemplate", signal.SIGTERM),
        ("ExecuteChangeSet", signal.SIGINT),
        ("DescribeStackEvents", signal.SIGTERM),
    ],
)
def test_a_deploy_that_is_interrupted_leaves_nothing_that_waits(project, aws, action, number) -> None:
    """Ctrl-C is for all of its group; what stops a job sends SIGTERM to the script alone."""
    interrupt = os.killpg if number == signal.SIGINT else os.kill

    code, said = interrupted(project, aws, action, lambda process: interrupt(process, number))

    assert code == 130
    assert "Traceback" not in said
    assert change_sets(aws) == []
    executed = action in ("ExecuteChangeSet", "DescribeStackEvents")
    assert list(states(aws)) == [STACK("backend")] * executed
    assert ("AWS goes on with what it has begun" in said) == (action != "ListExports"), said

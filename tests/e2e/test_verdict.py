"""How a deploy knows how it ended: by its own events, whatever AWS or another job says at the same time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from deployed import (
    PREFIX,
    REFUSED_BY_IAM,
    TEMPLATE,
    change_sets,
    deploy,
    edit,
    given_service,
    states,
    wait,
)
from local_aws import client
from proxy import Answer, changed, closed, expired, proxy, stale, unheard

if TYPE_CHECKING:
    from project import Project
    from proxy import PassedOn, Play, Proxy, Request

BACKEND, FRONTEND = TEMPLATE("Staging", "backend"), TEMPLATE("Staging", "frontend")
STACK = f"{PREFIX}{{}}-staging".format
ANOTHER_S = """<member><StackId>{stack}</StackId><EventId>{number}</EventId><StackName>another</StackName>\
<LogicalResourceId>another</LogicalResourceId><PhysicalResourceId>{stack}</PhysicalResourceId>\
<ResourceType>AWS::CloudFormation::Stack</ResourceType><Timestamp>2026-11-25T00:00:00Z</Timestamp>\
<ResourceStatus>UPDATE_ROLLBACK_COMPLETE</ResourceStatus><ClientRequestToken>another</ClientRequestToken></member>""".format
pytestmark = pytest.mark.usefixtures("empty_aws")


def given_services(project: Project, aws: dict[str, str], *services: str) -> None:
    """Deploy services in Staging, and edit their templates afterwards."""
    for service in services:
        path = TEMPLATE("Staging", service)
        given_service(aws, STACK(service), project.read(path))
        edit(project, path, "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents")


def of(service: str, play: Play) -> Play:
    """Play for the requests that name the stack of one service alone; by its name or id."""

    def only(request: Request, passed_on: PassedOn) -> Answer:
        name = request.parameters.get("StackName", "")
        return (play if STACK(service) in name else lambda *_: passed_on(request))(request, passed_on)

    return only


def both(outer: Play, inner: Play) -> Play:
    """Return what plays one with what the other answers."""
    return lambda request, passed_on: outer(request, lambda request: inner(request, passed_on))


def verdicts(output: str) -> dict[str, str]:
    """Return how each service ended, as the last lines of a deploy say it."""
    found = re.findall(r"^(\w+)  +((?:deployed|deleted|failed|no changes).*)$", output, re.MULTILINE)
    assert len(dict(found)) == len(found)
    return dict(found)


def test_a_stale_answer_of_before_is_no_verdict(project, aws) -> None:
    given_services(project, aws, "backend", "frontend")
    edit(project, BACKEND, *REFUSED_BY_IAM)
    with proxy(aws) as between:
        between.play("DescribeStacks", stale(10_000))
        deployed = deploy(project, between.aws, "Staging", JOBS="2")
    with proxy(aws) as between:
        between.play("DescribeStacks", stale(10_000))
        between.play("DescribeStackEvents", of("backend", changed(">DELETE_COMPLETE<", ">DELETE_FAILED<")))
        destroyed = deploy(project, between.aws, "--destroy", "--yes", "Staging", JOBS="2")

    assert deployed.returncode == 1
    assert verdicts(deployed.stdout)["backend"].startswith("failed (UPDATE_ROLLBACK_COMPLETE): CloudFormationAccessPol")
    assert verdicts(deployed.stdout)["frontend"] == "deployed (UPDATE_COMPLETE)"
    assert destroyed.returncode == 1
    assert verdicts(destroyed.stdout)["backend"].startswith("failed (DELETE_FAILED)")
    assert verdicts(destroyed.stdout)["frontend"] == "deleted"


def test_what_another_job_does_to_the_stack_is_not_our_verdict(project, aws) -> None:
    given_services(project, aws, "backend", "frontend")

    def and_deleted(request: Request, passed_on: PassedOn) -> Answer:
        answer = passed_on(request)
        wait(lambda: states(aws)[STACK("backend")] == "UPDATE_COMPLETE")
        client(aws, "cloudformation").delete_stack(StackName=STACK("backend"))
        wait(lambda: STACK("backend") not in states(aws))
        return answer

    with proxy(aws) as between:
        between.play("ExecuteChangeSet", of("backend", and_deleted))
        # Of the frontend, 150 events of another's operation come after ours; before ours has ended, it cleans up.
        cleaning_up = first_looks(2, changed(">UPDATE_COMPLETE<", ">UPDATE_COMPLETE_CLEANUP_IN_PROGRESS<"))
        between.play("DescribeStackEvents", of("frontend", both(cleaning_up, after_another_s(150))))
        goes_on = changed("<StackStatus>[A-Z_]*<", "<StackStatus>UPDATE_IN_PROGRESS<")
        between.play("GetTemplate", when_asked(between, "DescribeStacks", of("frontend", goes_on)))
        result = deploy(project, between.aws, "Staging", JOBS="2")

    assert result.returncode == 1
    assert verdicts(result.stdout) == {
        "backend": "failed: something else has deleted the stack",
        "frontend": "deployed (UPDATE_COMPLETE)",
    }


def first_looks(count: int, play: Play) -> Play:
    """Play for the first looks at events, each of which begins with a request for the first page."""
    looks = []

    def only(request: Request, passed_on: PassedOn) -> Answer:
        looks.extend([request] * ("NextToken" not in request.parameters))
        return play(request, passed_on) if len(looks) <= count else passed_on(request)

    return only


def after_another_s(count: int) -> Play:
    """Put a page of events of another's operation before what AWS answers."""

    def play(request: Request, passed_on: PassedOn) -> Answer:
        if request.parameters.get("NextToken") == "after-another-s":
            body = request.body.replace(b"NextToken=after-another-s", b"NextToken=").replace(b"&NextToken=", b"")
            return passed_on(request._replace(body=body))
        answer = passed_on(request)
        if answer.status != 200:
            return answer
        stack = re.search("<StackId>(.*?)</StackId>", answer.body.decode())[1]
        members = "".join(ANOTHER_S(stack=stack, number=number) for number in range(count))
        pages = f"<StackEvents>{members}</StackEvents><NextToken>after-another-s</NextToken>"
        body = re.sub("<StackEvents>.*</StackEvents>", lambda _: pages, answer.body.decode(), flags=re.DOTALL)
        return answer._replace(body=body.encode())

    return play


def when_asked(between: Proxy, action: str, play: Play) -> Play:
    """Play something for another action from now on."""

    def begin(request: Request, passed_on: PassedOn) -> Answer:
        between.play(action, play)
        return passed_on(request)

    return begin


@pytest.mark.thorough
def test_an_update_that_another_job_cancels_has_failed_and_one_that_aws_never_heard_of_has_too(project, aws) -> None:
    given_services(project, aws, "backend", "frontend")
    edit(project, BACKEND, *REFUSED_BY_IAM)
    cancelled = re.compile("<ClientRequestToken>[^<]*(?=</ClientRequestToken>)")

    def with_the_token_of_the_cancel(request: Request, passed_on: PassedOn) -> Answer:
        """Give what comes with and after the rollback the token of who cancelled, as CloudFormation does."""
        answer = passed_on(request)
        newer, rollback, ours = answer.body.decode().rpartition("UPDATE_ROLLBACK_IN_PROGRESS")
        token, rest = ours.split("</member>", 1) if rollback else ("", ours)
        body = (
            cancelled.sub("<ClientRequestToken>another", newer + rollback + token) + "</member>" * bool(rollback) + rest
        )
        return answer._replace(body=body.encode())

    with proxy(aws) as between:
        between.play("DescribeStackEvents", of("backend", with_the_token_of_the_cancel))
        between.play("ExecuteChangeSet", of("frontend", closed(10_000)))
        result = deploy(project, between.aws, "Staging", JOBS="2", AWS_MAX_ATTEMPTS="1")

    assert result.returncode == 1
    ended = verdicts(result.stdout)
    assert ended["backend"] == "failed: something else has stopped it, and the stack is UPDATE_ROLLBACK_COMPLETE"
    assert ended["frontend"].startswith("failed: ")
    assert "aws cloudformation execute-change-set ended with exit code" in ended["frontend"]
    assert change_sets(aws) == []
    assert states(aws)[STACK("frontend")] == "CREATE_COMPLETE"


@pytest.mark.thorough
def test_an_update_that_aws_heard_of_though_the_aws_cli_did_not_hear_back_is_judged_by_its_events(project, aws) -> None:
    given_services(project, aws, "backend", "frontend")
    with proxy(aws) as between:
        between.play("ExecuteChangeSet", unheard(10_000))
        result = deploy(project, between.aws, "Staging", "backend", AWS_MAX_ATTEMPTS="1")

    assert (result.returncode, verdicts(result.stdout)) == (0, {"backend": "deployed (UPDATE_COMPLETE)"})
    assert change_sets(aws) == []


@pytest.mark.thorough
def test_events_without_a_token_end_with_the_right_verdict(project, aws) -> None:
    """As LocalStack has them: created or not, updated or not, deleted."""
    project.own_package()
    edit(project, "taskroles/deploying/events.py", "GRACE_SECONDS = 10", "GRACE_SECONDS = 1")  # it is waited for thrice
    given_services(project, aws, "frontend")
    edit(project, BACKEND, *REFUSED_BY_IAM)
    with proxy(aws) as between:
        between.play("DescribeStackEvents", changed("<ClientRequestToken>[^<]*</ClientRequestToken>", ""))
        first = deploy(project, between.aws, "Staging", JOBS="2")
        edit(project, BACKEND, *reversed(REFUSED_BY_IAM))
        edit(project, FRONTEND, *REFUSED_BY_IAM)
        second = deploy(project, between.aws, "--recreate", "Staging", JOBS="2")

    assert first.returncode == 1
    untold = "failed: the stack is {}, and no event of this deploy says how it ended".format
    assert verdicts(first.stdout) == {"backend": untold("ROLLBACK_COMPLETE"), "frontend": "deployed (UPDATE_COMPLETE)"}
    assert second.returncode == 1
    assert re.findall("^(?:backend|frontend) .*", second.stdout, re.MULTILINE)[-3:] == [
        "backend   deleted",
        "backend   deployed (CREATE_COMPLETE)",
        f"frontend  {untold('UPDATE_ROLLBACK_COMPLETE')}",
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("action", ["CreateChangeSet", "ExecuteChangeSet", "DescribeStackEvents"])
def test_when_the_token_expires_half_way_what_aws_goes_on_with_and_what_was_not_begun_are_said(
    project, aws, action
) -> None:
    given_services(project, aws, "backend", "frontend")
    asked_before = []

    def expires(request: Request, passed_on: PassedOn) -> Answer:
        between.play("*", expired())
        for other in (action, "ExecuteChangeSet"):
            between.plays.pop(other, None)
        asked_before.append(len(between.asked))
        return between.answer(request) if action == "CreateChangeSet" else passed_on(request)

    with proxy(aws) as between:
        between.play(action, of("backend", expires))
        result = deploy(project, between.aws, "Staging")

    assert result.returncode == 1
    assert "not begun: frontend" in result.stderr
    assert "the credentials have expired" in result.stderr
    assert "Traceback" not in result.stderr
    assert between.calls["ExecuteChangeSet"] == (action != "CreateChangeSet")
    asked = between.asked[asked_before[0] :]
    assert len(asked) <= 2, asked
    left = "backend" if action == "CreateChangeSet" else "frontend"
    assert f"change sets may be left in AWS, which can be asked no longer: {left}\n" in result.stderr
    if action != "CreateChangeSet":
        ended = "failed: AWS goes on with what it has begun, and how it ends is not known"
        assert verdicts(result.stdout)["backend"].startswith(ended)

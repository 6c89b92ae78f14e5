"""Answers that AWS never gives, and that LocalStack 4.11 and moto 5 do: a deploy goes on, or says what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from deployed import PREFIX, TEMPLATE, change_sets, deploy, given_service, states
from proxy import changed, proxy

if TYPE_CHECKING:
    from proxy import Answer, PassedOn, Request

BACKEND = TEMPLATE("Staging", "backend")


@pytest.mark.thorough
def test_a_change_set_without_a_template_is_refused_in_a_sentence(project, empty_aws) -> None:
    # LocalStack answers GetTemplate of a change set with the template that the stack has: a new one has none.
    with proxy(empty_aws) as between:
        between.play("GetTemplate", changed("<TemplateBody>.*</TemplateBody>", ""))
        result = deploy(project, between.aws, "Staging", "--yes", "backend")

    assert result.returncode == 1
    what = f"GetTemplate of a change set of {PREFIX}backend-staging"
    assert f"deploy.sh: {what} was answered without a template, as AWS never does" in result.stderr
    assert (states(empty_aws), change_sets(empty_aws)) == ({}, [])


@pytest.mark.thorough
def test_a_change_set_that_would_leave_what_is_deployed_is_refused_with_the_reason(project, empty_aws) -> None:
    # Both give the template that is deployed for a change set that has another.
    given_service(empty_aws, f"{PREFIX}backend-staging", project.read(BACKEND))
    project.replace(BACKEND, "sqs:DeleteMessage", "sqs:PurgeQueue")
    with proxy(empty_aws) as between:
        between.play("GetTemplate", of_the_stack)
        result = deploy(project, between.aws, "Staging", "--yes", "backend")

    assert result.returncode == 1
    assert "backend: its change set has another template: GetTemplate gives the one that is deployed" in result.stderr
    assert states(empty_aws) == {f"{PREFIX}backend-staging": "CREATE_COMPLETE"}
    assert change_sets(empty_aws) == []


@pytest.mark.thorough
def test_a_stack_that_is_deleted_is_none_though_it_is_listed(project, empty_aws) -> None:
    # LocalStack lists it without its tags, and knows no change sets of it.
    given_service(empty_aws, f"{PREFIX}backend-staging", project.read(BACKEND))
    with proxy(empty_aws) as between:
        between.play("DescribeStacks", changed("<StackStatus>CREATE_COMPLETE<", "<StackStatus>DELETE_COMPLETE<"))
        result = deploy(project, between.aws, "--destroy", "--yes", "Staging", "backend")

    assert (result.returncode, result.stdout) == (0, "nothing to delete\n"), result.stderr


@pytest.mark.thorough
def test_a_preview_deletes_its_change_set_though_its_tags_are_not_told(project, empty_aws) -> None:
    # moto keeps no tags of a change set; the AWS CLI has said that it has made it.
    with proxy(empty_aws) as between:
        between.play("DescribeChangeSet", changed("<Tags>.*</Tags>", ""))
        result = deploy(project, between.aws, "--preview", "Staging")

    assert result.returncode == 0, result.stderr
    assert states(empty_aws) == {}


def of_the_stack(request: Request, passed_on: PassedOn) -> Answer:
    """Answer as if no change set were named."""
    named = request.body.split(b"&")
    body = b"&".join(part for part in named if not part.startswith(b"ChangeSetName="))
    headers = {name: value for name, value in request.headers.items() if name != "Content-Length"}
    return passed_on(request._replace(body=body, headers=headers))

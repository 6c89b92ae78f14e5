"""deploy.sh against the local AWS: what it checks before it changes anything, and what it wants typed."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest
from deployed import (
    PATIENCE,
    PREFIX,
    REFUSED_BY_IAM,
    TEMPLATE,
    commit,
    deploy,
    edit,
    given_service,
    given_stack,
    lines_about,
    states,
)
from local_aws import client
from proxy import changed, proxy

BACKEND = TEMPLATE("Staging", "backend")
pytestmark = pytest.mark.usefixtures("empty_aws")


def test_missing_exports_are_listed_with_the_services_that_need_them(project, aws) -> None:
    edit(project, TEMPLATE("Staging", "frontend"), "MynaviSampleS3Bucket-Arn", "NoSuchExport")

    result = deploy(project, aws, "Staging", PARAMETERS="VPCName=other-vpc")

    assert result.returncode == 1
    assert lines_about(result.stderr, "other-vpc-BackendEcsTaskRole-Staging", "needed by backend")
    assert lines_about(result.stderr, "NoSuchExport-Staging", "needed by frontend")
    assert not lines_about(result.stderr, "MynaviSampleSQS")
    assert states(aws) == {}


def test_a_stack_that_never_came_up_is_refused_and_recreated_when_asked(project, aws) -> None:
    given_service(aws, f"{PREFIX}backend-staging", project.read(BACKEND).replace(*REFUSED_BY_IAM))

    refused = deploy(project, aws, "Staging", "backend")

    assert refused.returncode == 1
    assert "backend: stack mynavi-sample-ecs-taskrole-backend-staging is ROLLBACK_COMPLETE" in refused.stderr
    assert "deploy it with --recreate" in refused.stderr
    assert states(aws) == {f"{PREFIX}backend-staging": "ROLLBACK_COMPLETE"}

    recreated = deploy(project, aws, "--recreate", "Staging", "backend")

    assert recreated.returncode == 0, recreated.stderr
    assert states(aws) == {f"{PREFIX}backend-staging": "CREATE_COMPLETE"}


def test_what_a_stack_that_never_came_up_has_kept_is_its_own(project, aws) -> None:
    # ROLLBACK_FAILED: who created it may not delete the policies. They are on the role, and of no other.
    given_service(aws, f"{PREFIX}backend-staging", project.read(BACKEND))
    with proxy(aws) as between:
        failed = changed("<StackStatus>CREATE_COMPLETE<", "<StackStatus>ROLLBACK_FAILED<")
        between.play(
            "DescribeStacks", lambda *call: call[1](call[0]) if between.calls["DeleteStack"] else failed(*call)
        )
        recreated = deploy(project, between.aws, "--recreate", "Staging", "backend")

    assert recreated.returncode == 0, recreated.stderr
    assert between.calls["DeleteStack"] == 1


def test_another_stack_that_owns_policies_of_the_same_names_is_named(project, aws, roles) -> None:
    given_stack(aws, f"{PREFIX}backend", project.read(TEMPLATE("Dev", "backend")))  # as the article calls it

    result = deploy(project, aws, "Dev", "backend")

    assert result.returncode == 1
    assert "backend: stack mynavi-sample-ecs-taskrole-backend owns policies of the same names" in result.stderr
    assert lines_about(result.stderr, "Mynavi-Sample-SQSAccessPolicy-backend-Dev", roles["Dev", "backend"])
    assert list(states(aws)) == [f"{PREFIX}backend"]


def test_all_problems_are_reported_at_once(project, aws) -> None:
    backend, frontend = (TEMPLATE("Production", service) for service in ("backend", "frontend"))
    project.write(backend, project.read(backend) + "# by hand\n")
    given_service(aws, f"{PREFIX}backend-production", project.read(backend))
    client(aws, "cloudformation").create_change_set(
        StackName=f"{PREFIX}frontend-production",
        ChangeSetName="somebody-else-s",
        ChangeSetType="CREATE",
        TemplateBody=project.read(frontend),
        Capabilities=["CAPABILITY_IAM"],
    )

    result = deploy(project, aws, "--yes", "Production", PARAMETERS="VPCName=other-vpc")

    assert result.returncode == 1
    assert "3 problems, and nothing was changed:" in result.stderr
    assert f"{backend} is not committed; Production takes what is committed, on the main branch" in result.stderr
    assert "stack mynavi-sample-ecs-taskrole-frontend-production is not tagged service=frontend" in result.stderr
    assert "other-vpc-BackendEcsTaskRole-Production" in result.stderr


def test_a_protected_environment_takes_no_setting_that_is_not_committed(project, aws) -> None:
    edit(project, "out/Production/environment.yml", "mynavi-sample-ecs-taskrole-{service}", "other-{service}")

    result = deploy(project, aws, "--yes", "Production", "backend")

    assert result.returncode == 1
    assert (
        "out/Production/environment.yml is not committed; Production takes what is committed, on the main branch"
        in result.stderr
    )
    assert states(aws) == {}


@pytest.mark.parametrize(
    ("typed", "code", "left"),
    [("Staging", 1, {}), ("Production", 0, {f"{PREFIX}backend-production": "CREATE_COMPLETE"})],
)
def test_a_protected_environment_wants_its_name_typed_on_a_terminal(project, aws, typed, code, left) -> None:
    terminal, its_other_end = pty.openpty()
    os.write(terminal, f"{typed}\n".encode())

    result = subprocess.run(
        [project.folder / "deploy.sh", "Production", "backend"],
        env=aws,
        stdin=its_other_end,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert result.returncode == code, result.stderr
    assert "Type Production to deploy this" in result.stderr
    assert states(aws) == left


def test_what_is_protected_says_the_table_and_not_the_name(project, aws) -> None:
    edit(project, "services.yml", "Staging: {}", "Staging: {protected: true}")
    edit(project, "services.yml", "protected: true, after", "after")
    project.render()
    commit(project)

    staging, production = (deploy(project, aws, name, "backend") for name in ("Staging", "Production"))

    assert staging.returncode == 2
    assert staging.stderr.startswith("deploy.sh: to deploy Staging without a terminal takes --yes\n")
    assert production.returncode == 0, production.stderr
    assert states(aws) == {f"{PREFIX}backend-production": "CREATE_COMPLETE"}


def test_a_temporary_folder_that_does_not_exist_is_said_before_anything_changes(project, aws) -> None:
    result = deploy(project, aws, "--yes", "Staging", TMPDIR="/no/such/folder")

    assert (result.returncode, states(aws)) == (2, {})
    assert "deploy.sh: no temporary folder can be made in /no/such/folder (TMPDIR)\n" in result.stderr

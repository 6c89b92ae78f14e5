"""deploy.sh and what the AWS CLI may do to it, played by a stand-in before the real one."""

from __future__ import annotations

import pytest
from deployed import PREFIX, deploy, lines_about, states

pytestmark = pytest.mark.usefixtures("empty_aws")


@pytest.mark.thorough
def test_a_preview_only_makes_change_sets_and_deletes_what_making_them_left_behind(project, aws, stand_in) -> None:
    path, calls = stand_in(
        '--version | "cloudformation deploy --no-execute-changeset "*) real "$@" ;;\n'
        r"""*" delete-stack "*) printf 'a\033[2J\342\200\256z\n' >&2; real "$@" ;;"""
    )

    result = deploy(project, aws | path, "--preview", "Staging", "backend")

    assert result.returncode == 0, result.stderr
    assert lines_about(result.stdout, "backend", "add", "SQSAccessPolicy")
    assert result.stderr.endswith("a[2Jz\n")  # what the AWS CLI says at the end steers no terminal either
    assert states(aws) == {}
    made, deleted = calls.read_text().splitlines()[1:]
    assert "--capabilities CAPABILITY_IAM " in made
    assert "--parameter-overrides VPCName=mynavi-sample-cloudformation-vpc EnvType=Staging --" in made
    assert f"stack/{PREFIX}backend-staging/" in deleted


@pytest.mark.thorough
def test_a_change_set_that_aws_refuses_fails_its_service_and_no_other(project, aws, stand_in) -> None:
    error = (
        "An error occurred (InsufficientCapabilitiesException) when calling the CreateChangeSet operation: "
        "Requires capabilities : [CAPABILITY_NAMED_IAM]"
    )
    path, _ = stand_in(f"""*" deploy "*backend-staging*) echo '{error}' >&2; exit 254 ;;
--version | *" deploy "* | *" execute-change-set "* | *" delete-stack "*) real "$@" ;;""")

    result = deploy(project, aws | path, "Staging", JOBS="2")

    assert result.returncode == 1
    assert lines_about(result.stdout, "backend", "failed", error)
    assert lines_about(result.stdout, "frontend", "deployed (CREATE_COMPLETE)")
    assert states(aws) == {f"{PREFIX}frontend-staging": "CREATE_COMPLETE"}


@pytest.mark.thorough
def test_a_name_that_another_deploy_took_in_the_same_second_is_tried_again(project, aws, stand_in) -> None:
    error = "An error occurred (AlreadyExistsException) when calling the CreateChangeSet operation: already exists"
    path, calls = stand_in(
        f"""*" deploy "*)
  if (($(grep -c "tion deploy " "$calls") == 1)); then echo "{error}" >&2; exit 254; fi
  real "$@" ;;
--version | *" execute-change-set "*) real "$@" ;;"""
    )

    result = deploy(project, aws | path, "Staging", "backend")

    assert result.returncode == 0, result.stderr
    assert calls.read_text().count("tion deploy ") == 2
    assert states(aws) == {f"{PREFIX}backend-staging": "CREATE_COMPLETE"}


@pytest.mark.thorough
def test_a_throttled_call_fails_its_service_and_one_that_dies_after_aws_has_heard_it_does_not(
    project, aws, stand_in
) -> None:
    error = "An error occurred (Throttling) when calling the ExecuteChangeSet operation: Rate exceeded"
    path, _ = stand_in(
        f"""*execute-change-set*)
  if (($(grep -c execute-change-set "$calls") == 1)); then echo "{error}" >&2; exit 254; fi
  real "$@"; kill -9 $$ ;;
--version | *" deploy "* | *" delete-stack "*) real "$@" ;;"""
    )

    result = deploy(project, aws | path, "Staging")

    assert result.returncode == 1
    assert lines_about(result.stdout, "backend", "failed", error, "execute-change-set ended with exit code 254")
    assert lines_about(result.stdout, "frontend", "deployed (CREATE_COMPLETE)")
    assert states(aws) == {f"{PREFIX}frontend-staging": "CREATE_COMPLETE"}

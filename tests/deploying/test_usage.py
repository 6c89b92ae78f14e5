"""What deploy.sh says before it asks AWS."""

from __future__ import annotations

import re

import deployed
import pytest
from deployed import TEMPLATE, no_aws

HAS = "out/ has: Dev, Production, Staging"


def deploy(project, *arguments: str, **environment: str):  # noqa: ANN201 - as deployed.deploy
    """Run deploy.sh with no AWS to ask."""
    return deployed.deploy(project, no_aws(), *arguments, **environment)


def test_help_is_the_header_of_the_script(project) -> None:
    result = deploy(project, "--help")

    assert result.returncode == 0
    assert result.stdout.startswith("Deploys the policies in out/ENV to AWS")
    assert "--recreate  delete a stack that never came up" in result.stdout
    assert "#" not in result.stdout
    assert "set -euo" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], f"no environment given; {HAS}"),
        (["Stagin"], f"no environment is called 'Stagin'; {HAS}. Did you mean 'Staging'?"),
        (["STAGING"], f"no environment is called 'STAGING'; {HAS}. Did you mean 'Staging'?"),
        (["../lib"], f"no environment is called '../lib'; {HAS}"),
        (["--", "--preview"], f"no environment is called '--preview'; {HAS}"),
        (
            ["Dev", "backed"],
            "no service of Dev is called 'backed'; out/ has: backend, frontend. Did you mean 'backend'?",
        ),
        (["Dev", "--", "-b"], "no service of Dev is called '-b'; out/ has: backend, frontend"),
        (["--destory", "Dev"], "deploy.sh: no option is called '--destory'"),
        (["--preview", "--destroy", "Dev"], "deploy.sh: --preview and --destroy exclude each other"),
        (["--preview", "--recreate", "Dev"], "deploy.sh: --recreate and --preview exclude each other"),
        (["Production"], "deploy.sh: to deploy Production without a terminal takes --yes"),
        (["--destroy", "Dev"], "deploy.sh: to destroy Dev without a terminal takes --yes"),
    ],
)
def test_a_wrong_argument_exits_with_2_and_says_what_is_allowed(project, arguments, message) -> None:
    result = deploy(project, *arguments)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[0] == message


def test_jobs_that_are_no_number_exit_with_2(project) -> None:
    result = deploy(project, "Dev", JOBS="many")

    assert (result.returncode, result.stderr.splitlines()[0]) == (
        2,
        "deploy.sh: JOBS is 'many', not a number from 1 to 9999",
    )


@pytest.mark.parametrize("action", ["--yes", "--preview"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("VPCName", "PARAMETERS: 'VPCName' is not NAME=VALUE"),
        ("VPCName=", "PARAMETERS: 'VPCName=' is not NAME=VALUE"),
        ("VPCName=a =b", "PARAMETERS: '=b' is not NAME=VALUE"),
        (
            "VpcName=other",
            "PARAMETERS: no template has a parameter 'VpcName'; known: EnvType, VPCName. Did you mean 'VPCName'?",
        ),
        ("*=other", "PARAMETERS: no template has a parameter '*'; known: EnvType, VPCName"),
    ],
)
def test_parameters_that_are_none_exit_with_2(project, action: str, given: str, message: str) -> None:
    result = deploy(project, action, "Staging", "backend", PARAMETERS=given)

    assert (result.returncode, result.stdout) == (2, "")
    assert sorted(result.stderr.splitlines()) == [message]


def test_no_credentials_and_no_repository_are_said_at_once_without_a_traceback(project) -> None:
    result = deploy(project, "--yes", "Production", GIT_CEILING_DIRECTORIES=str(project.folder.parent))

    assert result.returncode == 1
    assert "2 problems, and nothing was changed:" in result.stderr
    assert "AWS cannot be asked: Unable to locate credentials" in result.stderr
    assert "out/ is not in a git repository" in result.stderr


@pytest.mark.parametrize(("name", "value"), [("AWS_ENDPOINT_URL", "notaurl"), ("AWS_MAX_ATTEMPTS", "x")])
def test_settings_of_the_aws_cli_that_are_none_are_said_without_a_traceback(project, name: str, value: str) -> None:
    result = deploy(project, "--yes", "Dev", **{name: value})

    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(r"AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS or .* is wrong: .*\n", result.stderr)


@pytest.mark.parametrize("action", ["--yes", "--preview", "--drift"])
def test_a_template_that_is_none_stops_it(project, action: str) -> None:
    project.write(TEMPLATE("Dev", "backend"), "<<<<<<< HEAD\n")

    result = deploy(project, action, "Dev")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{TEMPLATE('Dev', 'backend')}:1: ")


@pytest.mark.parametrize("action", ["deploy", "preview", "drift", "destroy"])
def test_an_environment_where_no_service_may_do_anything_has_nothing_to_deploy(project, action: str) -> None:
    project.write(
        "services.yml",
        "environments: [empty, live]\n"
        "services: {api: {task_role: {name: api}, policies: {sqs: {live: full, default: none}}}}\n",
    )
    project.render()

    result = deploy(project, "--yes", *([f"--{action}"] if action != "deploy" else []), "empty")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"out/empty has no templates: nothing to {action}\n"


def test_it_may_be_called_through_a_symbolic_link_and_from_anywhere(project, tmp_path, monkeypatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "deploy.sh").symlink_to(project.folder / "deploy.sh")
    monkeypatch.chdir(elsewhere)

    assert HAS in deployed.run(project, no_aws(), elsewhere / "deploy.sh", "Stagin").stderr

"""The local AWS comes up, and goes when its user does, however that ends."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from deployed import is_gone
from project import HERE, Project

DEMO = HERE / "demo"
LOCAL_AWS = [sys.executable, str(DEMO / "local_aws.py")]
if TYPE_CHECKING:
    from pathlib import Path

PRINT_ADDRESS = 'echo "$AWS_ENDPOINT_URL"'


def test_a_command_runs_against_it_and_its_exit_code_is_passed_on() -> None:
    command = [*LOCAL_AWS, "sh", "-c", f"{PRINT_ADDRESS}; aws sts get-caller-identity >&2; exit 7"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 7
    assert "arn:aws:iam::000000000000:root" in run.stderr
    assert is_gone(run.stdout.strip())


def test_no_setting_of_the_user_reaches_the_command() -> None:
    settings = {"AWS_PROFILE": "mine", "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "mine"}
    command = [*LOCAL_AWS, "sh", "-c", "env | grep ^AWS_; aws sts get-caller-identity"]
    run = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True)
    assert "mine" not in run.stdout
    assert "eu-west-1" not in run.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_is_gone_when_its_user_is_ended_by(how) -> None:
    command = [*LOCAL_AWS, "sh", "-c", f"{PRINT_ADDRESS}; exec sleep 600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as user:
        address = user.stdout.readline().strip()
        user.send_signal(how)
        user.wait(timeout=300)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(user.pid, signal.SIGTERM)  # the command, which outlives a user that was killed
        assert is_gone(address)


def run_for(environment: str, folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script for an environment of a project of another company."""
    Project(folder, "acme")
    shutil.copytree(DEMO, folder / "demo")
    command = [sys.executable, folder / "demo/local_aws.py", "--for", environment, "sh", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_for_an_environment_it_is_in_its_account_and_region_and_has_what_its_templates_import(tmp_path) -> None:
    run = run_for("qa", tmp_path, "./deploy.sh --preview qa orders-api; ./deploy.sh --preview dev orders-api")

    assert "qa: account 222222222222, eu-west-1, as arn:aws:iam::222222222222:root" in run.stderr
    assert re.search("orders-api +add +SQSAccessPolicy", run.stdout), run.stderr
    assert "dev is in account 111111111111, and the credentials lead to account 222222222222" in run.stderr


def test_an_environment_that_out_does_not_have_is_said(tmp_path) -> None:
    run = run_for("QA", tmp_path, "true")

    assert run.returncode == 2
    assert run.stderr.startswith("local_aws.py: no environment is called 'QA'; out/ has: live, ")
    assert run.stderr.endswith("Did you mean 'qa'?\n")


def test_without_a_command_it_says_how_it_is_used() -> None:
    run = subprocess.run(LOCAL_AWS, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "COMMAND" in run.stderr

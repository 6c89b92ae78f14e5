"""The local AWS comes up, and goes when its user does, however that ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

LOCAL_AWS = [sys.executable, str(Path(__file__).parents[2] / "demo" / "local_aws.py")]
PRINT_ADDRESS = 'echo "$AWS_ENDPOINT_URL"'


def is_gone(address: str) -> bool:
    """Wait for up to five seconds until nothing listens on an address."""
    for _ in range(50):
        try:
            socket.create_connection((urlsplit(address).hostname, urlsplit(address).port)).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.1)
    return False


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


def test_without_a_command_it_says_how_it_is_used() -> None:
    run = subprocess.run(LOCAL_AWS, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "COMMAND" in run.stderr

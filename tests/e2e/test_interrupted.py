"""deploy.sh interrupted in each of its phases: it takes back what it has not begun, and says what it has."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from deployed import PATIENCE, PREFIX, change_sets, lines_about, states
from proxy import proxy

if TYPE_CHECKING:
    from project import Project
    from proxy import Answer, PassedOn, Proxy, Request

STACK = f"{PREFIX}backend-staging"
pytestmark = pytest.mark.usefixtures("empty_aws")


def interrupted(
    project: Project, between: Proxy, action: str, number: signal.Signals
) -> subprocess.CompletedProcess[str]:
    """Run a deploy that gets a signal once an action was done: all programs do, but SIGTERM is sent to deploy.sh alone."""
    command = [project.folder / "deploy.sh", "Staging", "backend"]
    process = subprocess.Popen(
        command, env=between.aws, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    sent = threading.Event()

    def play(request: Request, passed_on: PassedOn) -> Answer:
        answer = passed_on(request)
        if not sent.is_set():
            sent.set()
            (os.kill if number == signal.SIGTERM else os.killpg)(process.pid, number)
        return answer

    between.play(action, play)
    out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("action", "number", "left"),
    [
        ("CreateChangeSet", signal.SIGINT, {}),
        ("ExecuteChangeSet", signal.SIGTERM, {STACK: "CREATE_COMPLETE"}),
    ],
)
def test_what_was_begun_is_said_and_what_was_not_is_taken_back(project, aws, action, number, left) -> None:
    with proxy(aws) as between:
        result = interrupted(project, between, action, number)

    assert result.returncode == 130
    assert "Traceback" not in result.stderr
    said = result.stderr.split("deploy.sh: interrupted. AWS goes on with what it has begun:\n")[1]
    assert lines_about(said, "backend", STACK, left.get(STACK, "does not exist"))
    assert (states(aws), change_sets(aws)) == (left, [])

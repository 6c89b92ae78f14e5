"""`make demo` shows what it says, and leaves nothing behind."""

from __future__ import annotations

import re
import subprocess

from deployed import is_gone
from project import HERE


def test_the_demo_previews_deploys_and_shows_who_may_do_what() -> None:
    run = subprocess.run(["make", "demo"], cwd=HERE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "$ make preview ENV=Staging" in run.stdout  # the last environment before the protected one
    backend_and_frontend = re.findall(
        r"^.* ([\w-]+:\w+) +(allowed|denied) +(allowed|denied)(?: .*)?$", run.stdout, re.MULTILINE
    )
    assert ("sqs:SendMessage", "denied", "allowed") in backend_and_frontend
    assert ("sqs:ReceiveMessage", "allowed", "denied") in backend_and_frontend
    assert ("iam:ListRoles", "denied", "denied") in backend_and_frontend
    assert is_gone(re.search(r"http://127\.0\.0\.1:\d+", run.stdout).group())

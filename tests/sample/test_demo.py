"""`make demo` shows what it says, and leaves nothing behind."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from test_local_aws import is_gone

ROOT = Path(__file__).parents[2]


def test_the_demo_previews_deploys_and_shows_who_may_do_what() -> None:
    run = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    table = re.findall(r"^.* ([\w-]+:\w+) +(allowed|denied) +(allowed|denied) *$", run.stdout, re.MULTILINE)
    assert ("sqs:SendMessage", "denied", "allowed") in table
    assert ("sqs:ReceiveMessage", "allowed", "denied") in table
    assert ("iam:ListRoles", "denied", "denied") in table
    assert is_gone(re.search(r"http://127\.0\.0\.1:\d+", run.stdout).group())

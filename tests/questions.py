"""Questions to explain, asked in this process: its libraries take a while to load."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest

from taskroles.__main__ import run

if TYPE_CHECKING:
    from project import Project

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:ap-northeast-1:{ACCOUNT}:mynavi-sample-queue"
TABLE = f"arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table"
BACKEND = "out/{}/sample-ecs-taskrole-backend-cfn.yml"
ROLE = "mynavi-sample-infra-production-BackendEcsTaskRole-A5056511A1B99"
USER = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/8a6f is not authorized to perform: "
SEND = "sqs: {Dev: full, Production: [{consume: sample-queue}, {send: sample-queue}], default: {consume: sample-queue}}"
IMPLICIT = " because no identity-based policy allows the sqs:SendMessage action"


def ask(project: Project, **asked: str) -> tuple[int, str, str]:
    """Return the exit code and what explain prints."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(project.folder)
        code = run("explain", [f"--{name}={value}" for name, value in asked.items()])
    return code, out.getvalue(), err.getvalue()


def explain(project: Project, **asked: str) -> str:
    """Return what explain answers."""
    code, out, err = ask(project, **asked)
    assert (code, err) == (0, "")
    return out


def backend(action: str, resource: str = "", environment: str = "Production") -> dict[str, str]:
    """Return a question about the backend."""
    return {"service": "backend", "environment": environment, "action": action, "resource": resource}


def line_of(project: Project, path: str, text: str, after: str = "") -> int:
    """Return the number of the first line of a file that begins with `text`, after one that has `after`."""
    lines = project.read(path).splitlines()
    start = next(i for i, line in enumerate(lines) if after in line)
    return next(i for i, line in enumerate(lines[start:], start + 1) if line.lstrip().startswith(text))

"""A dozen services at a time: what AWS is asked, how often, and what a terminal sees meanwhile."""

from __future__ import annotations

import os
import pty
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from deployed import PATIENCE, deploy, states
from imports import deploy_imports, environments
from local_aws import local_aws
from project import Project
from proxy import proxy, throttled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT, JOBS = 12, 4
TABLE = """\
names: {stack: "acme-{service}-{environment}", template: "{service}.yml", policy: "acme-{AwsService}-{service}-${EnvType}"}
environments: {qa: {}}
targets: {jobs: {name: jobs}}
services:
"""
SERVICE = """\
  service-{number:02}:
    task_role: {{name: "role-{number:02}"}}
    policies: {{sqs: {{consume: jobs}}}}
"""
# What a first deploy asks. Of one service: its AWS CLI asks DescribeStacks (and of one that is there GetTemplateSummary) before
# it makes the change set, and DescribeChangeSet until that is made; how its stack stands is asked once more at the end.
OF_ONE = {
    "CreateChangeSet": 1,
    "DescribeChangeSet": 2,
    "DescribeStacks": 2,
    "ExecuteChangeSet": 1,
    "GetRolePolicy": 1,
    "GetTemplate": 1,
    "ListRolePolicies": 1,
}
# Of all: preflight, review and held are one process each; that of the changes, and one for each batch, ask where they are.
OF_ALL = {"DescribeStacks": 3, "GetCallerIdentity": 4 + COUNT // JOBS, "ListExports": 2}
THROTTLED = ("DescribeStacks", "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DescribeStackEvents")
TIMES = 2


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of a dozen services."""
    project = Project(tmp_path)
    project.write("services.yml", TABLE + "".join(SERVICE.format(number=number) for number in range(COUNT)))
    project.render()
    return project


@pytest.fixture
def aws(project: Project) -> Iterator[dict[str, str]]:
    """Yield a local AWS that has their roles."""
    with local_aws() as aws:
        deploy_imports(aws, environments(project.folder)["qa"], project.folder)
        yield aws


@pytest.mark.thorough
def test_a_dozen_services_are_deployed_through_throttling_with_bounded_calls_and_progress_on_a_terminal(
    project, aws
) -> None:
    with proxy(aws) as between:
        for action in THROTTLED:
            between.play(action, throttled(TIMES))
        code, seen = on_a_terminal(project, between.aws, "qa", JOBS=str(JOBS))

    assert code == 0, seen
    assert set(states(aws).values()) == {"CREATE_COMPLETE"}
    assert len(states(aws)) == COUNT
    assert [f"{done} of {COUNT} services" in seen for done in (0, 4, 8)] == [True] * 3
    calls = {action: count - TIMES * (action in THROTTLED) for action, count in between.calls.items()}
    looks = calls.pop("DescribeStackEvents")
    assert calls == {action: OF_ONE.get(action, 0) * COUNT + OF_ALL.get(action, 0) for action in OF_ONE | OF_ALL}
    assert looks >= COUNT

    with proxy(aws) as between:
        again = deploy(project, between.aws, "qa", JOBS=str(JOBS))

    assert (again.returncode, again.stdout.count("no changes in service-00")) == (0, 1), again.stderr
    assert " of 12 services" not in again.stderr
    once = {"DescribeStacks": 1, "GetCallerIdentity": 2, "ListExports": 1}
    assert between.calls == once | dict.fromkeys(("GetTemplate", "ListRolePolicies"), COUNT)


def on_a_terminal(project: Project, aws: dict[str, str], *arguments: str, **environment: str) -> tuple[int, str]:
    """Run deploy.sh with a terminal for its messages; return its exit code, and what was seen there."""
    terminal, its_other_end = pty.openpty()
    process = subprocess.Popen(
        [project.folder / "deploy.sh", *arguments],
        env=aws | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=its_other_end,
    )
    os.close(its_other_end)
    seen = b""
    with suppress(OSError):  # the other end is closed
        while read := os.read(terminal, 1 << 16):
            seen += read
    os.close(terminal)
    return process.wait(PATIENCE), seen.decode()

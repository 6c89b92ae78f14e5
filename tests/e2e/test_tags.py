"""What the tags of a stack say: the digest of its template always, its last commit only where history is there."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

import pytest
from deployed import GIT, PREFIX, TEMPLATE, commit, deploy, edit
from local_aws import client
from project import Project

if TYPE_CHECKING:
    from pathlib import Path

BACKEND = TEMPLATE("Staging", "backend")
NO_CHANGES = (0, "Staging: no changes in backend\n")
pytestmark = pytest.mark.usefixtures("empty_aws")


def shallow_clone(project: Project, folder: Path) -> Project:
    """Return a clone of a project without history, and with other ends of lines in out/."""
    clone = object.__new__(Project)
    clone.folder = folder
    source = project.folder.as_uri()
    command = ["clone", "-q", "--depth=1", "--branch=main", "-c", "core.autocrlf=true", source, str(folder)]
    subprocess.run([*GIT, *command], check=True)
    assert "\r\n" in clone.read(BACKEND)
    return clone


def tags(aws: dict[str, str]) -> dict[str, str]:
    """Return the tags of the backend's stack, without that of the run."""
    (stack,) = client(aws, "cloudformation").describe_stacks(StackName=f"{PREFIX}backend-staging")["Stacks"]
    return {tag["Key"]: tag["Value"] for tag in stack["Tags"] if tag["Key"] != "deploy"}


@pytest.mark.thorough
def test_clones_with_and_without_history_update_a_stack_for_its_template_alone(project, aws, tmp_path) -> None:
    project.write(".gitattributes", "* -text\nout/** text\n")
    commit(project)
    text = project.read(BACKEND)
    ours = {"service": "backend", "environment": "Staging"}

    first = deploy(shallow_clone(project, tmp_path / "first"), aws, "Staging", "backend")

    assert first.returncode == 0, first.stderr
    assert "warning" not in first.stderr
    assert tags(aws) == ours | {"template": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"}

    project.write("README.md", "a commit that changes no template\n")
    commit(project)
    for clone in (project, shallow_clone(project, tmp_path / "second")):
        preview = deploy(clone, aws, "--preview", "Staging", "backend")
        assert (preview.returncode, preview.stdout) == NO_CHANGES, preview.stderr

    last = subprocess.run(
        ["git", "log", "-1", "--abbrev=12", "--format=%h", "--", BACKEND],
        cwd=project.folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    edit(project, BACKEND, "sqs:DeleteMessage", "sqs:PurgeQueue")

    edited = deploy(project, aws, "Staging", "backend")

    assert f"warning: {BACKEND} is not committed" in edited.stderr
    digest = hashlib.sha256(project.read(BACKEND).encode()).hexdigest()
    assert tags(aws) == ours | {"template": f"sha256:{digest}", "commit": f"{last}-changed"}

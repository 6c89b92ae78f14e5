"""A protected environment takes what is committed, on the main branch: whatever hides an edit, and wherever it lies."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from deployed import GIT, TEMPLATE, deploy, edit, no_aws
from project import Project

if TYPE_CHECKING:
    from pathlib import Path

BACKEND, SETTINGS = TEMPLATE("Production", "backend"), "out/Production/environment.yml"
TAKES = "; Production takes what is committed, on the main branch"


def git(folder: Path, *command: str) -> None:
    """Run git in a folder."""
    subprocess.run([*GIT, *command], cwd=folder, check=True, capture_output=True)


def doubts(project: Project, folder: Path) -> list[str]:
    """Run deploy.sh without an AWS, which refuses; return what git holds against the deploy."""
    stand_in = folder / "bin/aws"
    stand_in.parent.mkdir(exist_ok=True)
    stand_in.write_text("#!/bin/sh\necho aws-cli/2.30.0\n")
    stand_in.chmod(0o755)
    result = deploy(project, no_aws(PATH=f"{stand_in.parent}{os.pathsep}{no_aws()['PATH']}"), "--yes", "Production")
    assert result.returncode == 1, result.stderr
    assert "AWS cannot be asked" in result.stderr
    said = [line.strip().removeprefix("- ") for line in result.stderr.splitlines()]
    return [line.removesuffix(TAKES) for line in said if line.endswith(TAKES)]


def test_an_edit_is_seen_though_git_was_told_to_overlook_it(project, tmp_path) -> None:
    edit(project, BACKEND, "sqs:DeleteMessage", "sqs:*")
    edit(project, SETTINGS, "protected: true", "protected: false")
    git(project.folder, "update-index", "--assume-unchanged", BACKEND)
    git(project.folder, "update-index", "--skip-worktree", SETTINGS)

    assert doubts(project, tmp_path) == [f"{SETTINGS} is not committed", f"{BACKEND} is not committed"]


def test_a_commit_that_is_not_on_the_main_branch_is_refused_with_the_remedy(project, tmp_path) -> None:
    git(project.folder, "remote", "add", "origin", "https://example.com/policies.git")
    assert doubts(project, tmp_path) == []

    edit(project, SETTINGS, "protected: true", "protected: false")
    git(project.folder, "commit", "-qam", "not reviewed by anybody")
    (not_merged,) = doubts(project, tmp_path)
    assert not_merged.startswith("commit ")
    assert "is not on refs/remotes/origin/main: merge it, or git fetch if that is done" in not_merged

    edit(project, SETTINGS, "protected: false", "protected: true")
    git(project.folder, "commit", "-qam", "protected again")
    git(project.folder, "update-ref", "-d", "refs/remotes/origin/main")
    (not_fetched,) = doubts(project, tmp_path)
    assert "no such git revision: refs/remotes/origin/main; git fetch --depth=1 origin" in not_fetched
    assert not_fetched.endswith("where the main branch has another name: git remote set-head origin --auto")

    git(project.folder, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    git(project.folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert doubts(project, tmp_path) == []

    git(project.folder, "remote", "remove", "origin")
    assert doubts(project, tmp_path) == [
        "this repository has no remote called origin, on whose main branch a commit would have been reviewed"
    ]
    shutil.rmtree(project.folder / ".git")
    assert doubts(project, tmp_path) == ["out/ is not in a git repository, so nobody can tell which commit is deployed"]


def test_a_project_in_a_folder_of_a_shallow_clone_with_other_ends_of_lines_is_what_is_committed(tmp_path) -> None:
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    (origin / "iam").mkdir(parents=True)
    Project(origin / "iam")
    (origin / ".gitattributes").write_text("* -text\niam/out/** text\n")
    git(origin, "init", "-q")
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "first")
    git(origin, "commit", "--allow-empty", "-qm", "second")
    git(tmp_path, "clone", "-q", "--depth=1", "-c", "core.autocrlf=true", origin.as_uri(), str(clone))
    project = object.__new__(Project)
    project.folder = clone / "iam"

    assert "\r\n" in project.read(BACKEND)
    assert doubts(project, tmp_path) == []

    git(clone, "commit", "--allow-empty", "-qm", "third")
    (ahead,) = doubts(project, tmp_path)
    assert ahead.endswith("; this clone is shallow and may not know it: git fetch --unshallow")

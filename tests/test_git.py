"""What git is asked: files of a revision, ids of contents, what is not committed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from taskroles import git
from taskroles.tree import FILE, LINK, SUBMODULE

if TYPE_CHECKING:
    from pathlib import Path

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with one commit, in a folder with a difficult name, which is the current one."""
    made = tmp_path / "a 'project' で"
    (made / "out/Dev").mkdir(parents=True)
    (made / "out/Dev/a b.yml").write_bytes(b"one\r\n")
    (made / "out/Dev/\u30b5.yml").write_bytes(b"\xff")
    (made / "other.yml").write_bytes(b"x")
    monkeypatch.chdir(made)
    run("init", "-q")
    run("add", "-A")
    run("commit", "-q", "-m", "x")
    return made


def run(*arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], check=True, capture_output=True, text=True).stdout


def test_the_files_of_a_revision_are_those_below_a_folder(folder: Path) -> None:
    commit, ids, kinds, read = git.files_of("HEAD", "out")
    assert commit == run("rev-parse", "HEAD").strip()
    assert kinds == dict.fromkeys(ids, FILE)
    assert set(ids) == {"out/Dev/a b.yml", "out/Dev/\u30b5.yml"}
    assert read(["out/Dev/\u30b5.yml", "out/Dev/a b.yml"]) == {
        "out/Dev/a b.yml": b"one\r\n",
        "out/Dev/\u30b5.yml": b"\xff",
    }
    assert ids == {path: git.blob_id((folder / path).read_bytes()) for path in ids}


def test_a_link_and_a_submodule_are_called_so(folder: Path) -> None:
    (folder / "out/Dev/link.yml").symlink_to("a b.yml")
    run("add", "-A")
    run("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},out/Dev/other.yml")
    run("commit", "-q", "-m", "y")
    kinds = git.files_of("HEAD", "out").kinds
    assert (kinds["out/Dev/link.yml"], kinds["out/Dev/other.yml"]) == (LINK, SUBMODULE)
    assert kinds["out/Dev/a b.yml"] == FILE


def test_paths_are_those_of_the_current_folder_in_a_larger_repository(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder / "out")
    _, ids, _, read = git.files_of("HEAD", "Dev")
    assert read(["Dev/a b.yml"]) == {"Dev/a b.yml": b"one\r\n"}
    assert set(ids) == {"Dev/a b.yml", "Dev/\u30b5.yml"}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("revision", ["gone", "HEAD~5", "--all", "HEAD:out", ""])
def test_what_is_no_revision_is_said(revision: str) -> None:
    with pytest.raises(git.GitError, match="no such git revision") as error:
        git.commit_of(revision)
    assert "shallow" not in str(error.value)


def test_a_shallow_clone_is_told_what_helps(folder, tmp_path, monkeypatch) -> None:
    run("commit", "-q", "--allow-empty", "-m", "y")
    run("clone", "-q", "--depth", "1", folder.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(git.GitError) as error:
        git.commit_of("HEAD~1")
    assert str(error.value) == "no such git revision: HEAD~1; a shallow clone may lack it: git fetch"


def test_git_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for ask in (lambda: git.commit_of("HEAD"), lambda: git.files_of("HEAD", "out")):
        with pytest.raises(git.GitError, match="git is not installed"):
            ask()


def test_what_is_edited_new_or_ignored_is_not_committed(folder: Path) -> None:
    (folder / ".git/info/exclude").write_text("*.ignored\n")
    (folder / "out/Dev/a b.yml").write_bytes(b"two")
    (folder / "out/Dev/new.yml").write_bytes(b"x")
    (folder / "out/Dev/x.ignored").write_bytes(b"x")
    (folder / "other.yml").write_bytes(b"y")
    assert sorted(line[:2] for line in git.uncommitted(["out"])) == [" M", "!!", "??"]
    assert git.uncommitted(["out/Dev/\u30b5.yml"]) == []

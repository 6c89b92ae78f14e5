"""What git is asked: files of a revision, ids of contents, what is not committed."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from taskroles import git
from taskroles.tree import FILE, LINK, SUBMODULE

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


def refused(revision: str) -> str:
    """Return why a revision is refused."""
    with pytest.raises(git.GitError) as error:
        git.commit_of(revision)
    return str(error.value)


@pytest.mark.parametrize("revision", ["HEAD~1", "refs/remotes/origin/side", "origin/side"])
def test_a_clone_of_depth_1_is_told_the_command_that_helps(folder, tmp_path, monkeypatch, revision: str) -> None:
    wanted = {"HEAD~1": "HEAD"}.get(revision, "side")
    run("branch", "side")
    commit = run("rev-parse", wanted).strip()
    run("commit", "-q", "--allow-empty", "-m", "y")
    run("clone", "-q", "--depth", "1", folder.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    said = refused(revision)
    assert said.startswith(f"no such git revision: {revision}; ")
    subprocess.run(shlex.split(said[said.index("git fetch") :]), check=True, capture_output=True)
    assert git.commit_of(revision) == commit


@pytest.fixture
def clone(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a clone with one commit more than its origin's branch `main`; it is the current folder."""
    run("branch", "-M", "main")
    run("clone", "-q", folder.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    run("commit", "-q", "--allow-empty", "-m", "the pull request")
    return tmp_path / "clone"


@pytest.mark.parametrize("shadow", ["refs/tags/origin/main", "refs/heads/origin/main", "refs/origin/main"])
@pytest.mark.usefixtures("clone")
def test_another_thing_of_the_same_name_is_not_the_base(shadow: str) -> None:
    run("config", "core.warnAmbiguousRefs", "false")  # anybody's setting
    base = git.commit_of("origin/main")
    run("update-ref", shadow, "HEAD")
    assert run("rev-parse", "origin/main").strip() != base or shadow == "refs/heads/origin/main"
    assert refused("origin/main").splitlines() == [
        "warning: refname 'origin/main' is ambiguous.",
        "several things are called origin/main: name one whole, as in refs/remotes/origin/main",
    ]
    assert "ambiguous" in refused("origin/main~0")
    assert git.commit_of("refs/remotes/origin/main") == base


@pytest.mark.usefixtures("clone")
def test_a_branch_called_as_a_commit_is_not_that_commit() -> None:
    base = run("rev-parse", "origin/main").strip()
    run("branch", base[:9], "HEAD")
    assert "ambiguous" in refused(base[:9])
    run("update-ref", f"refs/tags/{base}", "HEAD")
    assert git.commit_of(base) == base


@pytest.mark.usefixtures("clone")
def test_what_is_named_whole_is_taken_and_git_s_warning_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    base = run("rev-parse", "origin/main").strip()
    for shadow in ("tags", "heads"):
        run("update-ref", f"refs/{shadow}/refs/remotes/origin/main", "HEAD")
    assert git.commit_of("refs/remotes/origin/main") == base
    assert capsys.readouterr().err == ""  # it is not ambiguous
    Path(".git/refs/remotes/origin/broken").write_text("no id\n")
    git.git("for-each-ref")
    assert capsys.readouterr().err == "warning: ignoring broken ref refs/remotes/origin/broken\n"


def test_a_file_is_no_revision(clone: Path) -> None:
    base = git.commit_of("origin/main")
    (clone / "origin").mkdir()
    (clone / "origin/main").touch()
    (clone / "HEAD").touch()
    assert git.commit_of("origin/main") == base
    assert "no such git revision" in refused("other.yml")


@pytest.mark.usefixtures("clone")
def test_no_other_object_is_taken_for_the_one_that_is_named() -> None:
    base = run("rev-parse", "origin/main").strip()
    Path("out/Dev/more.yml").touch()
    run("add", "-A")
    run("commit", "-q", "-m", "more")
    run("replace", base, "HEAD")
    assert "more" in run("ls-tree", "-r", "--name-only", base)
    assert "out/Dev/more.yml" not in git.files_of(base, "out").ids


def test_a_checkout_of_another_user_gets_git_s_own_message(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    lines = refused("HEAD").splitlines()
    assert lines[0].startswith(f"fatal: detected dubious ownership in repository at '{folder}")
    assert lines[-1].startswith("git config --global --add safe.directory ")


def test_a_repository_among_the_committed_files_is_not_asked(folder: Path, monkeypatch) -> None:
    """As `git add` takes them: a folder of a larger repository that looks like a bare one, and runs a program."""
    for name in ("objects/.keep", "refs/.keep", "HEAD", "config"):
        (folder / "out" / name).parent.mkdir(exist_ok=True)
        (folder / "out" / name).write_text("ref: refs/heads/main\n" if name == "HEAD" else "")
    (folder / "out/config").write_text('[core]\nbare=false\nworktree=.\nfsmonitor="touch ran; false"\n')
    monkeypatch.chdir(folder / "out")
    for ask in (lambda: git.last_commits(["Dev"]), lambda: git.commit_of("HEAD")):
        with pytest.raises(git.GitError, match="cannot use bare repository"):
            ask()
    assert not (folder / "out/ran").exists()


def test_git_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for ask in (lambda: git.commit_of("HEAD"), lambda: git.files_of("HEAD", "out")):
        with pytest.raises(git.GitError, match="git is not installed"):
            ask()

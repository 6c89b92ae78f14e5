"""What would silence the gate, and is refused by it: each put into a real git repository."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from project import HERE

from taskroles.commands import gate

if TYPE_CHECKING:
    from project import Project

TEMPLATE = "out/Production/sample-ecs-taskrole-backend-cfn.yml"


@pytest.fixture
def committed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project in a git repository, with what reads of this one; its folder is the current one."""
    for name in (".gitattributes", ".gitignore", "pyproject.toml", "tests/conftest.py", "demo/demo.py"):
        project.write(name, (HERE / name).read_text(encoding="utf-8"))
    subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)
    monkeypatch.chdir(project.folder)
    return project


def refused(project: Project) -> list[str]:
    """Commit all of it; return why the gate refuses it, nothing if it does not."""
    subprocess.run(["git", "add", "--all"], cwd=project.folder, check=True)
    done = project.run("-I", "taskroles", "gate")
    assert (done.returncode, done.stdout) == (2 if done.stderr else 0, "")
    return done.stderr.splitlines()


def test_what_is_there_silences_nothing(committed: Project) -> None:
    assert refused(committed) == []


@pytest.mark.parametrize(
    ("path", "what"),
    [
        *((name, f"would be read by {reader}") for name, reader in gate.HERE.items()),
        *((name, f"would be read by {reader}") for name, reader in gate.ANYWHERE.items()),
        *((f"taskroles_2/rules/{name}", f"would be read by {reader}") for name, reader in gate.ANYWHERE.items()),
        ("demo/pyproject.toml", "would be read by ruff"),
        ("yaml.py", "Python would take it for the module yaml"),
        ("yaml.abi3.so", "Python would take it for the module yaml"),
        ("yaml/__init__.py", "Python would take it for the module yaml"),
        ("fcntl.py", "Python would take it for the module fcntl"),
        ("sitecustomize.py", "Python would take it for the module sitecustomize"),
        ("usercustomize.pyc", "Python would take it for the module usercustomize"),
        ("demo/botocore.py", "Python would take it for the module botocore"),
        ("tests/cfnlint/__init__.py", "Python would take it for the module cfnlint"),
        ("tests/access/json.py", "Python would take it for the module json"),
        ("x.egg-info/entry_points.txt", "Python would take x.egg-info for an installed package"),
    ],
)
def test_a_file_that_silences_the_gate_is_refused(committed: Project, path: str, what: str) -> None:
    committed.write(path, "")
    (fault,) = refused(committed)
    assert fault.startswith(f"{path}: {what}")
    assert fault.endswith(("; take it away", "; give it another name"))


@pytest.mark.parametrize(
    "path",
    [
        "docs/yaml.py",
        "docs/setup.cfg",
        "tests/access/conftest.py",
        "taskroles_2/json.py",
        "yaml/more.py",
        ".editorconfig",
    ],
)
def test_a_file_that_silences_nothing_may_be_there(committed: Project, path: str) -> None:
    committed.write(path, "")
    assert refused(committed) == []


@pytest.mark.parametrize("path", ["yaml", "tests/more", "tests/yaml", "demo/botocore", "x.egg-info"])
def test_a_link_to_a_folder_is_taken_for_no_module(committed: Project, path: str) -> None:
    committed.write("docs/behind/__init__.py", "")
    (committed.folder / path).symlink_to(committed.folder / "docs/behind")
    assert refused(committed) == [
        f"{path}: Python would take modules from behind this link; put the folder itself there"
    ]
    (committed.folder / path).rename(committed.folder / "docs/elsewhere")
    assert refused(committed) == []


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [
        (".gitattributes", "out/** -diff", "-diff in a .gitattributes hides its changes"),
        (".gitattributes", "out/** binary", "-diff in a .gitattributes hides its changes"),
        ("out/.gitattributes", "* linguist-generated", "linguist-generated in a .gitattributes hides its changes"),
        ("out/Staging/.gitattributes", "*.yml linguist-generated=true", "linguist-generated=true in a .gitattributes"),
        (".gitattributes", "[attr]quiet -diff\nservices.yml quiet", "-diff in a .gitattributes hides its changes"),
        (
            "policies/.gitattributes",
            "* filter=lfs",
            "filter=lfs in a .gitattributes has it differ from what is committed",
        ),
        (".gitattributes", "out/** working-tree-encoding=UTF-8", "working-tree-encoding=UTF-8 in a .gitattributes"),
    ],
)
def test_an_attribute_that_hides_a_change_is_refused(committed: Project, path: str, line: str, said: str) -> None:
    committed.write(path, line + "\n")
    (fault,) = refused(committed)
    assert said in fault
    assert fault.endswith("; take that out")


def test_an_attribute_of_what_decides_nothing_is_nobody_s_business(committed: Project) -> None:
    committed.write("docs/.gitattributes", "* binary\n")
    committed.write("docs/picture.png", "")
    assert refused(committed) == []


def test_where_git_cannot_tell_it_is_said(committed: Project) -> None:
    done = committed.run("-I", "taskroles", "gate", GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert done.returncode == 0
    assert done.stderr.startswith("what .gitattributes hides was not looked for: fatal: detected dubious ownership")


EXEMPT = "{cfn-lint: {config: {ignore_checks: [E, W, I]}}}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Resources:\n", f"Metadata: {EXEMPT}\nResources:\n"),
        ("Resources:\n", f'"Meta\\x64ata": {EXEMPT}\nResources:\n'),
        ("Resources:\n", f"<<: {{Metadata: {EXEMPT}}}\nResources:\n"),
        ("    Type: AWS::IAM::Policy\n", f"    Metadata: {EXEMPT}\n    Type: AWS::IAM::Policy\n"),
    ],
)
def test_a_template_that_exempts_itself_from_the_lint_is_refused(committed: Project, old: str, new: str) -> None:
    text = committed.read(TEMPLATE)
    committed.write(TEMPLATE, text.replace(old, new))
    line = text[: text.index(old)].count("\n") + 1
    found = refused(committed)
    assert (
        found[0] == f"{TEMPLATE}:{line}: Metadata may exempt it from the lint, and render.py writes none; take it out"
    )


def test_the_lint_alone_would_have_believed_such_a_template(committed: Project) -> None:
    committed.replace(TEMPLATE, '"2012-10-17"', '"2012-10-16"')
    assert committed.verb("lint").returncode == 1
    committed.replace(TEMPLATE, "Resources:\n", f"Metadata: {EXEMPT}\nResources:\n")
    assert committed.verb("lint").returncode == 0
    assert [line.partition(":")[0] for line in refused(committed)] == [TEMPLATE]


def test_a_template_that_no_reader_would_come_back_from_is_refused_with_its_line(committed: Project) -> None:
    committed.write(TEMPLATE, f"Metadata: {'[' * 100_000}\n")
    said = f"{TEMPLATE}:1: is nested more than 100 levels deep"
    assert refused(committed)[0] == said
    assert committed.verb("lint").stderr.splitlines()[0] == said


def test_gate_takes_no_arguments(committed: Project) -> None:
    assert committed.verb("gate", "x").stderr == "gate takes no arguments\n"


@pytest.mark.parametrize("path", [".cache/lint", ".cache/render", ".venv/bin/python", "demo/__pycache__/x.pyc"])
def test_what_is_committed_though_it_is_to_be_ignored_is_refused(committed: Project, path: str) -> None:
    committed.write(path, "x")
    subprocess.run(["git", "add", "--force", path], cwd=committed.folder, check=True)
    said = f"{path}: is committed though it is for one machine alone, and would be believed: git rm --cached it"
    assert refused(committed) == [said]


@pytest.mark.parametrize("path", [".cache/lint", ".venv/set-up"])
def test_the_gate_runs_nothing_that_a_commit_brings_to_be_ignored(committed: Project, monkeypatch, path: str) -> None:
    script = HERE / ".ci/run"
    if not script.is_file():
        pytest.skip("the folder of a larger repository has no .ci/")
    committed.write(".ci/run", script.read_text(encoding="utf-8"))
    committed.write("Makefile", "test:\n\t@echo ran\n")
    run = ["bash", ".ci/run"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "ran\n"
    committed.write(path, "x")
    subprocess.run(["git", "add", "--force", path], check=True)
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is committed" in done.stderr
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # a checkout of which git tells nothing
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fatal: detected dubious ownership")
    shutil.rmtree(".git")  # an archive, not a clone
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "ran\n"

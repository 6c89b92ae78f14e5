"""The wheel: built, installed into an environment of its own, and used in projects that hold no program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from project import HERE, TABLES

if TYPE_CHECKING:
    from pathlib import Path

BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "taskroles")
FILES = ("services.yml", "policies", "templates")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from a copy of what it is built from."""
    folder = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(HERE / name, folder)
    python = folder / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip(python, "wheel", "--no-deps", "--wheel-dir", folder / "wheels", folder)
    (built,) = (folder / "wheels").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def taskroles(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command that the wheel brings, with the pinned versions of what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip(folder / "bin/python", "install", "--constraint", constraints(folder), wheel)
    return folder / "bin/taskroles"


def pip(python: Path, *arguments: str | Path) -> None:
    """Run pip, or skip the test where there is no package index."""
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, env=inherited, capture_output=True, text=True, check=False)
    if "Connection" in done.stderr or "No matching distribution" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stdout + done.stderr


def constraints(folder: Path) -> Path:
    """Write the versions of requirements/render.txt without their hashes; return the path."""
    lines = (HERE / "requirements/render.txt").read_text().splitlines()
    path = folder / "constraints.txt"
    path.write_text("".join(line.removesuffix("\\") + "\n" for line in lines if "==" in line))
    return path


def run(taskroles: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with nothing of this repository in its environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    given = inherited | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    return subprocess.run([taskroles, *arguments], cwd=folder, env=given, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(taskroles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a git repository that holds a table, the levels, the skeletons and what they render to, and no program."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copy(TABLES / "two-services.yml", folder / "services.yml")
    for name in ("policies", "templates"):
        shutil.copytree(HERE / name, folder / name)
    done = run(taskroles, folder, "render")
    assert (done.returncode, done.stderr) == (0, "")
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--force", "services.yml", "policies", "templates", "out"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "Render"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_the_wheel_holds_the_program_with_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    found = (path for path in (HERE / "taskroles").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert held == {path.relative_to(HERE).as_posix() for path in found}


def test_help_works_anywhere(taskroles: Path, tmp_path: Path) -> None:
    done = run(taskroles, tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n  review " in done.stdout
    assert run(taskroles, tmp_path, "review", "--help").returncode == 0


@pytest.mark.parametrize("verb", ["render", "review HEAD", "explain --error x", "stacks -- x"])
def test_where_there_is_no_project_it_says_so(taskroles: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "out/classes").mkdir(parents=True)  # an out/ of something else
    done = run(taskroles, tmp_path, *verb.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"taskroles: no project here: neither {tmp_path} nor a folder above it has services.yml or out/\n"
    )


def test_a_folder_that_somebody_has_deleted_is_no_traceback(taskroles: Path, tmp_path: Path) -> None:
    script = f'mkdir gone && cd gone && rmdir ../gone && exec "{taskroles}" review HEAD'
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no project here" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("below", ["", "policies/sqs", "out"])
@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("render", "out/ is up to date"),
        ("render --check", "out/ is up to date"),
        ("review HEAD", "no change in permissions"),
        ("explain --service backend --environment Dev --action sqs:SendMessage", "for backend in Dev"),
        ("stacks -- Dev", "unprotected"),
    ],
)
def test_it_works_in_a_project_and_below_it(taskroles: Path, project: Path, below: str, verb: str, said: str) -> None:
    done = run(taskroles, project / below, *verb.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


def test_a_verb_that_needs_more_says_what_is_missing(taskroles: Path, project: Path) -> None:
    done = run(taskroles, project, "drift", "--", "Dev")
    assert done.returncode == 2
    assert "Python has no module botocore" in done.stderr
    assert "Traceback" not in done.stderr

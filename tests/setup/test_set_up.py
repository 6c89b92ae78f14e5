"""requirements/set-up.sh: one call sets up, the next does nothing, and what is broken is made anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from project import HERE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGES = ".venv/lib/python3.11/site-packages"
SET_UP = ["sh", "requirements/set-up.sh"]
NEW = "setting up .venv\n"


class Folder:
    """A folder with the requirements and their set-up, and what its Python's pip was asked for."""

    def __init__(self, path: Path, python: str) -> None:
        """Put the requirements and the Makefile into a folder that is there."""
        self.path, self.python = path, python
        shutil.copytree(HERE / "requirements", path / "requirements")
        shutil.copy(HERE / "Makefile", path)

    def environment(self, **changes: str) -> dict[str, str]:
        """Return the environment of a call: its Python is the first python3, and PYTHON names none."""
        (self.path / "bin").mkdir(exist_ok=True)
        if not (self.path / "bin/python3").exists():
            shutil.copy(self.python, self.path / "bin/python3")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PIP_", "PYTHON", "MAKE", "MFLAGS"))
        }
        return inherited | {"PATH": f"{self.path}/bin:{os.environ['PATH']}"} | changes

    def set_up(self, *groups: str, **environment: str) -> str:
        """Set up, which must succeed; return what it said."""
        done = self.run(*groups, **environment)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        return done.stderr

    def run(self, *groups: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run set-up.sh."""
        command = [*SET_UP, *groups]
        environment = self.environment(**environment)
        return subprocess.run(command, cwd=self.path, env=environment, capture_output=True, text=True, check=False)

    def pip(self) -> list[str]:
        """Return what pip was called with since the last time, a line a call."""
        log = self.path / "pip.log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def folder(tmp_path: Path, quick_python: str) -> Folder:
    """Return a folder with a difficult name in which nothing is set up."""
    path = tmp_path / "a 'folder' で"
    path.mkdir()
    return Folder(path, quick_python)


def test_the_second_call_does_nothing(folder: Folder) -> None:
    assert folder.set_up("render") == f"{NEW}installing render\n"
    (call,) = folder.pip()
    assert "--require-hashes --requirement requirements/render.txt" in call
    assert folder.set_up("render") == ""
    assert folder.pip() == []


def test_a_group_is_added_to_what_is_there(folder: Folder) -> None:
    folder.set_up("render")
    (folder.path / PACKAGES / "a_package_of_the_users").mkdir()
    folder.pip()
    assert folder.set_up("render", "deploy") == "installing render deploy\n"
    (call,) = folder.pip()
    assert "deploy.txt" in call
    assert "render.txt" not in call
    assert (folder.path / PACKAGES / "a_package_of_the_users").is_dir()
    assert folder.set_up("render") == folder.set_up("deploy") == ""


def test_a_file_of_requirements_that_changed_is_installed(folder: Folder) -> None:
    folder.set_up("render", "deploy")
    folder.pip()
    path = folder.path / "requirements/deploy.txt"
    before = path.stat()
    path.write_text(path.read_text().replace("urllib3==", "urllib4=="))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the content counts, never the time
    assert folder.set_up("render") == ""
    assert folder.set_up("deploy") == "installing deploy\n"
    assert len(folder.pip()) == 1


def python_is_gone(folder: Folder) -> None:
    """Leave a dangling link."""
    python = folder.path / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")


def python_is_another_version(folder: Folder) -> None:
    """Let the Python that .venv links to become another one."""
    python = folder.path / ".venv/bin/python"
    python.write_text(python.read_text().replace("Python 3.11.7", "Python 3.12.0"))


def folder_has_moved(folder: Folder) -> None:
    """Move it."""
    folder.path = folder.path.rename(folder.path.with_name("moved"))


def package_is_missing(folder: Folder) -> None:
    """Delete a package."""
    (folder.path / PACKAGES / "yaml").rmdir()


def command_is_missing(folder: Folder) -> None:
    """Delete a command that a package has brought."""
    (folder.path / ".venv/bin/ruff").unlink()


def venv_is_somebody_elses(folder: Folder) -> None:
    """Leave a .venv that this has not set up."""
    (folder.path / ".venv/set-up").unlink()


def set_up_was_interrupted(folder: Folder) -> None:
    """End a set-up half-way."""
    (folder.path / "broken").touch()
    assert folder.run("deploy").returncode == 2
    (folder.path / "broken").unlink()


BROKEN = [
    python_is_gone,
    python_is_another_version,
    folder_has_moved,
    package_is_missing,
    command_is_missing,
    venv_is_somebody_elses,
    set_up_was_interrupted,
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.__name__)
def test_what_is_broken_is_made_anew(folder: Folder, broken: Callable[[Folder], None]) -> None:
    folder.set_up("render")
    broken(folder)
    folder.pip()
    assert folder.set_up("render") == f"{NEW}installing render\n"
    assert len(folder.pip()) == 1
    assert folder.set_up("render") == ""


def test_a_cache_of_bytecode_is_no_package(folder: Folder) -> None:
    folder.set_up("render")
    (folder.path / PACKAGES / "__pycache__").rmdir()
    assert folder.set_up("render") == ""


def test_python_that_is_named_is_the_one_that_is_used(folder: Folder) -> None:
    folder.set_up("render")
    other = folder.path / "another python"
    other.write_text((folder.path / "bin/python3").read_text().replace("Python 3.11.7", "Python 3.12.0"))
    other.chmod(0o755)
    assert folder.set_up("render", PYTHON=str(other)).startswith(NEW)
    assert folder.set_up("render", PYTHON=str(other)) == ""
    assert folder.set_up("render") == ""
    assert folder.set_up("render", PYTHON="python3").startswith(NEW)


def test_settings_of_the_user_do_not_divert_it(folder: Folder) -> None:
    diverting = ["PIP_TARGET", "PIP_USER", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PYTHONPATH", "PYTHONHOME"]
    assert folder.set_up("render", **dict.fromkeys(diverting, "/elsewhere"), PIP_INDEX_URL="https://index.example")
    said = (folder.path / "pip.environment").read_text().splitlines()
    assert not [line for line in said if line.split("=")[0] in diverting]
    assert "PIP_INDEX_URL=https://index.example" in said


def test_no_file_of_the_folder_is_a_module(folder: Folder) -> None:
    for name in ("fcntl", "encodings", "venv", "pip", "sitecustomize"):
        (folder.path / f"{name}.py").write_text("open('ran', 'w')")
    assert folder.set_up("render") == NEW + "installing render\n"
    assert not (folder.path / "ran").exists()


def test_a_failing_pip_is_said_and_the_next_call_begins_anew(folder: Folder) -> None:
    (folder.path / "broken").touch()
    done = folder.run("render")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "pip could not install them; the next call begins anew",
    )


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("", "no-python is missing: install Python 3.10 or newer, or name it: make PYTHON=/path/to/python3"),
        ("#!/bin/sh\nexit 3\n", "no-python is older than Python 3.10; try make PYTHON=python3.12"),
        ("#!/bin/sh\nexit 0\n", "no .venv with no-python (exit code 0)"),
        ("#!/bin/sh\nexit 1\n", "no .venv with no-python (exit code 1)"),
    ],
)
@pytest.mark.parametrize("how", ["command line", "environment"])
def test_a_python_that_will_not_do(folder: Folder, program: str, message: str, how: str) -> None:
    environment, given = folder.environment(), []
    if program:
        path = folder.path / "bin/no-python"
        path.write_text(program)
        path.chmod(0o755)
    if how == "environment":
        environment["PYTHON"] = "no-python"
    else:
        given = ["PYTHON=no-python"]
    done = subprocess.run(
        ["make", *given, "render"], cwd=folder.path, env=environment, capture_output=True, text=True, check=False
    )
    said, noise = done.stderr.splitlines()
    assert (done.returncode, done.stdout, said) == (2, "", message)
    assert noise.startswith("make: *** ")
    assert noise.endswith("rendering] Error 2")


def test_a_python_without_ensurepip_is_told_what_to_install(folder: Folder) -> None:
    (folder.path / "no-ensurepip").touch()
    done = folder.run("render")
    python = folder.path / "bin/python3"
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            NEW.strip(),
            "ensurepip is not available",
            f"{python} cannot make a virtual environment. "
            "On Debian and Ubuntu it takes a package: apt install python3-venv",
        ],
    )


def test_an_old_python_is_told_from_a_new_one(folder: Folder) -> None:
    begin = (HERE / "requirements/set-up.sh").read_text().split("begin='")[1].split("'\n")[0]
    old = "import sys; sys.version_info = (3, 9, 18); exec(sys.argv.pop(1))"
    done = subprocess.run([sys.executable, "-c", old, begin, "render"], cwd=folder.path, check=False)
    assert done.returncode == 3


def test_two_at_once_do_not_disturb_each_other(folder: Folder) -> None:
    slow = folder.path / "slow"
    slow.touch()
    environment = folder.environment()

    def begin() -> subprocess.Popen[str]:
        command = [*SET_UP, "render"]
        return subprocess.Popen(command, cwd=folder.path, env=environment, stderr=subprocess.PIPE, text=True)

    first = begin()
    assert first.stderr
    assert first.stderr.readline() + first.stderr.readline() == f"{NEW}installing render\n"
    second = begin()
    assert second.stderr
    assert second.stderr.readline() == "waiting for another set-up of .venv\n"
    slow.unlink()
    assert first.communicate(timeout=60)[1] + second.communicate(timeout=60)[1] == ""
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(folder.pip()) == 1

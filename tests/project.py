"""Projects of the tests' own, each in a temporary folder: the program as it is, and a small table made for the purpose."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent.parent
TABLES = HERE / "tests/tables"
CONFIGURATION = HERE / ".cfnlintrc.yaml"
PROGRAM = ("render.py", "deploy.sh", "taskroles", "templates", "policies", ".cfnlintrc.yaml")


class Loader(yaml.CSafeLoader):
    """Reads a template with !Sub as the long form of the intrinsic function."""


Loader.add_constructor(
    "!Sub",
    lambda loader, node: {
        "Fn::Sub": loader.construct_object(
            yaml.ScalarNode("tag:yaml.org,2002:str", node.value)
            if isinstance(node, yaml.ScalarNode)
            else yaml.SequenceNode("tag:yaml.org,2002:seq", node.value),
            deep=True,
        )
    },
)


def load(text: str) -> dict[str, Any]:
    """Return a template as plain data."""
    return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader


@functools.cache
def rendered(table: str) -> Path:
    """Return a folder that holds what a table renders to; rendered once a process."""
    folder = Path(tempfile.mkdtemp(prefix=f"rendered-{table}-"))
    copy_program(folder)
    shutil.copy(TABLES / f"{table}.yml", folder / "services.yml")
    subprocess.run([sys.executable, "render.py"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


def copy_program(folder: Path) -> None:
    """Put the program into a folder: what tests edit as copies, the package as a link (it keeps its bytecode)."""
    for name in PROGRAM:
        if name == "taskroles":
            (folder / name).symlink_to(HERE / name)
        elif name == CONFIGURATION.name:
            (folder / name).write_text(without_exceptions(), encoding="utf-8")
        elif (HERE / name).is_dir():
            shutil.copytree(HERE / name, folder / name)
        else:
            shutil.copy(HERE / name, folder / name)


def without_exceptions() -> str:
    """Return the configuration of the lint without the exceptions that services.yml needs, which is another table."""
    return CONFIGURATION.read_text(encoding="utf-8").partition("configure_rules:")[0]


class Project:
    """A project of its own in a temporary folder."""

    def __init__(self, folder: Path, table: str = "two-services") -> None:
        """Put the program, a table of tests/tables/ and what it renders to into `folder`."""
        self.folder = folder
        copy_program(folder)
        shutil.copy(TABLES / f"{table}.yml", folder / "services.yml")
        shutil.copytree(rendered(table) / "out", folder / "out")

    def own_package(self) -> None:
        """Replace the link to the package by a copy, for a test that edits the program."""
        (self.folder / "taskroles").unlink()
        shutil.copytree(HERE / "taskroles", self.folder / "taskroles", ignore=shutil.ignore_patterns("__pycache__"))

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program of the project with its arguments, such as `render.py --check`."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            text=True,
            capture_output=True,
            check=False,
            timeout=300,
            env=inherited | environment,
        )

    def verb(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a verb of the program, such as `review HEAD`."""
        return self.run("-m", "taskroles", *command, **environment)

    def render(self) -> str:
        """Run render.py, which must succeed, and return what it printed."""
        done = self.run("render.py")
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def refused(self) -> list[str]:
        """Run render.py, which must refuse its input and touch nothing in out/; return the faults that it printed."""
        before = self.tree()
        done = self.run("render.py")
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert self.tree() == before
        return done.stderr.splitlines()[:-1]

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(text.encode())

    def read(self, path: str) -> str:
        """Read a file of the project."""
        return (self.folder / path).read_bytes().decode()

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace text that must stand in a file."""
        text = self.read(path)
        assert old in text
        self.write(path, text.replace(old, new))

    def tree(self, below: str = "out") -> dict[str, tuple[bytes, int]]:
        """Return content and time of change of every file below a folder, by path."""
        found = sorted(path for path in (self.folder / below).rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}

"""A copy of the project in a temporary folder, and its programs, run as people run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent.parent
SOURCES = (
    "services.yml",
    "services.schema.json",
    "templates",
    "policies",
    "out",
    *(path.name for path in HERE.glob("*.py")),
)


class Loader(yaml.SafeLoader):
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


class Project:
    """A copy of the project's files."""

    def __init__(self, folder: Path) -> None:
        """Copy the files into `folder`."""
        self.folder = folder
        for name in SOURCES:
            copy = shutil.copytree if (HERE / name).is_dir() else shutil.copy
            copy(HERE / name, folder / name)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program of the project with its arguments, such as `render.py --check`."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            text=True,
            capture_output=True,
            check=False,
            timeout=300,
            env=os.environ | environment,
        )

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

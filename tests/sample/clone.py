"""The whole repository in a folder of its own, as a user has it after a clone; what is not committed yet comes along."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deployed import PATIENCE, commit
from project import HERE, Project

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTER = re.compile("MAKE|MFLAGS|PYTEST_")  # what a gate around this exports is not for the commands of the clone


class Clone(Project):
    """A copy of the repository, committed, that runs on the Python of this one."""

    def __init__(self, folder: Path) -> None:
        """Copy all but what git ignores to `folder`, which does not exist yet."""
        ignored = (HERE / ".gitignore").read_text(encoding="utf-8").split()
        unwanted = shutil.ignore_patterns(".git", *(name.strip("/") for name in ignored))
        self.folder = Path(shutil.copytree(HERE, folder, ignore=unwanted, symlinks=True))
        self.link_environment()
        commit(self)

    def link_environment(self) -> None:
        """Let .venv be the environment that this runs in, and say that it is whole (see requirements/set-up.sh)."""
        environment = self.folder / ".venv"
        environment.mkdir()
        for name in ("bin", "include", "lib", "lib64", "pyvenv.cfg"):
            if (Path(sys.prefix) / name).exists():
                (environment / name).symlink_to(Path(sys.prefix) / name)
        for group in (self.folder / "requirements").glob("*.txt"):
            shutil.copy(group, environment)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        (environment / "set-up").write_text(f"{version} {self.folder.resolve()}\n")
        (environment / "set-up.contents").write_text(".venv/bin\n.venv/lib\n")

    def command(
        self, *words: str | Path, aws: Mapping[str, str] = os.environ, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone without a terminal, with the environment `aws`."""
        inherited = {name: value for name, value in aws.items() if not OUTER.match(name)}
        return subprocess.run(
            words,
            cwd=self.folder,
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=6 * PATIENCE,
            check=False,
        )

    def make(self, *words: str, aws: Mapping[str, str] = os.environ) -> str:
        """Run make, which must succeed, and return what it printed."""
        done = self.command("make", *words, aws=aws)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tests(self, *arguments: str) -> str:
        """Run tests of the clone, which must all succeed, and return what pytest printed."""
        done = self.command(sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *arguments)
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
        return done.stdout

    def readme_block(self, heading: str, begins: str) -> str:
        """Return the first fenced block of README.md below a heading that begins so, as it is typed."""
        section = self.read("README.md").split(f"\n{heading}\n", 1)[1]
        blocks = re.findall(r"^( *)```\w+\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL)
        texts = [re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, text in blocks]
        return next(text for text in texts if text.lstrip().startswith(begins))

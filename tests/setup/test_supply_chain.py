"""What the project is built on: exact versions with hashes, and no network once it is set up."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from project import HERE

if TYPE_CHECKING:
    from project import Project

FILES = ("requirements.txt", "requirements-dev.txt")
REQUIREMENT = re.compile(r"([a-z0-9-]+)==([^ ]+)( ; [^\\]+?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")


def requirements(name: str) -> dict[str, str]:
    """Return the versions in a file, by package; every line must be one of a requirement with its hashes."""
    text = "".join(line for line in (HERE / name).read_text().splitlines(keepends=True) if not line.startswith("#"))
    assert REQUIREMENT.sub("", text) == ""
    return {match[1]: match[2] for match in REQUIREMENT.finditer(text)}


def test_every_requirement_has_one_version_and_its_hashes() -> None:
    rendering, developing = (requirements(name) for name in FILES)
    assert {"jinja2", "markupsafe", "pyyaml", "jsonschema-rs"} == set(rendering)
    assert rendering.items() <= developing.items()


@pytest.mark.parametrize("verb", ["render", "check"])
def test_what_is_set_up_renders_without_a_network(project: Project, verb: str) -> None:
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(HERE / name, project.folder)
    python = f'#!/bin/sh\ncase "$*" in *pip*) echo "pip ran" >&2; exit 9;; esac\nexec "{sys.executable}" "$@"\n'
    project.write(".venv/bin/python", python)
    (project.folder / ".venv/bin/python").chmod(0o755)
    project.write(".venv/rendering", "")
    make = ["unshare", "--map-root-user", "--net", "make", verb]
    if subprocess.run([*make[:3], "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no network namespaces")
    done = subprocess.run(make, cwd=project.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "up to date" in done.stdout

"""What the tests share."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from project import Project
from repository import Repository

from taskroles.rendering.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

# A gate that runs in the background inherits that Ctrl-C is ignored, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


compiled, codes = Sandbox.compile, {}


def remembered(sandbox: Sandbox, source: str, name: str | None = None, *rest: object) -> object:
    """Compile a template once in this process: hundreds of tests render the same ones, each in a project of its own."""
    key = (source, name, bool(sandbox.extensions), rest)
    if key not in codes:
        codes[key] = compiled(sandbox, source, name, *rest)
    return codes[key]


Sandbox.compile = remembered  # type: ignore[method-assign]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of two services in a folder with a difficult name."""
    folder = tmp_path / "a project で"
    folder.mkdir()
    return Project(folder)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Repository:
    """Return a git repository in which the review runs, on a terminal that breaks no line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return Repository(tmp_path, capsys)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the longest files begin first: a file runs whole on one core, and the last one would keep the other waiting."""
    items.sort(key=lambda item: not {"sample", "setup", "e2e"}.intersection(item.path.parts))
    if "THOROUGH" not in os.environ:  # the gate has six minutes
        long = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]

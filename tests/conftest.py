"""What the tests share."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from project import Project

if TYPE_CHECKING:
    from pathlib import Path

# A gate that runs in the background inherits that Ctrl-C is ignored, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of two services in a folder with a difficult name."""
    folder = tmp_path / "a project で"
    folder.mkdir()
    return Project(folder)

"""What the tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a copy of the project in a folder with a difficult name."""
    folder = tmp_path / "a project で"
    folder.mkdir()
    return Project(folder)

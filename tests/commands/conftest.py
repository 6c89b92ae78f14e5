"""What the tests of lint share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from linted import Linted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def linted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two clean templates, linted."""
    folder = tmp_path_factory.mktemp("linted")
    linted = Linted(folder)
    linted.fill()
    done = linted.run(linted=2)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture
def linted(linted_once: Path, tmp_path: Path) -> Linted:
    """Return a copy of that for one test, with its cache."""
    return Linted(shutil.copytree(linted_once, tmp_path / "linted"))

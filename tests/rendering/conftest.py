"""What the tests of rendering share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from in_process import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from project import Project


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return a project that lies in the current folder, for `in_process.render`."""
    with inside(project, monkeypatch):
        yield project

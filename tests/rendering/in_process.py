"""render.py in the process of the tests, which is fast: for many renders of many small projects."""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING

from taskroles.commands import render as door

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from project import Project


@contextlib.contextmanager
def inside(project: Project, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a project's folder, without the lock, which would last as long as this process."""
    patch.setattr("taskroles.rendering.state.locked", lambda: None)
    before = os.getcwd()
    os.chdir(project.folder)
    try:
        yield
    finally:
        os.chdir(before)


def render() -> tuple[int, list[str]]:
    """Render the folder that is the current one; return the exit code and the faults."""
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        code = door.main([])
    *faults, last = errors.getvalue().split("\n")[:-1] or [""]
    assert bool(faults) == bool(last) == (code == 2), (code, errors.getvalue())
    return code, faults


def refused(project: Project) -> list[str]:
    """Render what must be refused, and must touch nothing in out/; return its faults."""
    before = project.tree()
    code, faults = render()
    assert code == 2
    assert project.tree() == before
    return faults


def rendered() -> None:
    """Render what must be right."""
    done = render()
    assert done == (0, []), done

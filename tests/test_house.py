"""The house: one package with wings, who may import whom, and no name of the sample in the program."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
from project import HERE

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = HERE / "taskroles"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOT = ""  # the modules beside the wings
MAY_IMPORT = {
    ROOT: set(),
    "table": set(),
    "access": set(),
    "rendering": {"table"},
    "proposals": {"table", "rendering", "access"},
    "deploying": {"access"},
    "rules": {"access"},
    "commands": {"table", "rendering", "access", "proposals", "deploying", "rules"},
}
NAMES = re.compile(r"mynavi|production|staging|\bdev\b(?!/null)", re.IGNORECASE)


def wing(module: Path) -> str:
    """Return the wing that a module is in."""
    return module.parent.name if module.parent != PACKAGE else ROOT


def imported(module: Path) -> set[str]:
    """Return the wings that a module imports from, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        parts = [name.split(".") for name in names if name.startswith("taskroles.")]
        found |= {part[1] for part in parts if part[1] in MAY_IMPORT}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_wing_imports_what_it_may(module: Path) -> None:
    here = wing(module)
    assert imported(module) - {here} <= MAY_IMPORT[here]
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_wings_are_those_of_the_design_and_one_level_deep() -> None:
    assert {wing(module) for module in MODULES} == set(MAY_IMPORT)
    assert {len(module.relative_to(PACKAGE).parts) for module in MODULES} <= {1, 2}
    assert not {module.stem for module in MODULES} & {"util", "utils", "common", "shared", "helpers"}


def test_the_top_level_holds_one_python_file() -> None:
    assert [path.name for path in HERE.glob("*.py")] == ["render.py"]


def test_no_name_of_the_sample_stands_in_the_program() -> None:
    files = [HERE / "render.py", HERE / "deploy.sh", HERE / "Makefile", *MODULES, *PACKAGE.rglob("*.json")]
    found = [
        f"{path.relative_to(HERE)}:{number}: {line}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if NAMES.search(line)
    ]
    assert found == []

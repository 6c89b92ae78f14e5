"""The house: which wing may import which, how long a file may be, and what no file of the program may name."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
from project import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = HERE / "taskroles"
# What each wing may import beside itself and the modules that stand beside the wings, which import none.
MAY_IMPORT = {
    "": set(),
    "access": set(),
    "table": set(),
    "rendering": {"table"},
    "proposals": {"access", "table", "rendering"},
    "deploying": {"access"},
    "rules": {"access"},
    "commands": {"access", "table", "rendering", "proposals", "deploying", "rules"},
}
MOST_LINES = 400
NO_SUBJECT = re.compile(r"_?(util|utils|common|shared|helper|helpers|misc)")
# The names of the sample and of anybody's environments; what stands in /dev is no environment.
OF_THE_SAMPLE = re.compile(r"mynavi|vpcname|production|staging|(?<!/)\bdev\b", re.IGNORECASE)
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
TEXTS = [*MODULES, *sorted(PACKAGE.rglob("*.json"))]


def wing_of(path: Path) -> str:
    """Return the wing that a module lies in, "" beside the wings."""
    return "/".join(path.relative_to(PACKAGE).parts[:-1])


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the modules of the program that a module imports, for its types too, each with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (
                (node.lineno, alias.name) for alias in node.names if alias.name.partition(".")[0] == "taskroles"
            )
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "a relative import"
        elif isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "taskroles":
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def name(path: Path) -> str:
    """Return what a test calls a file."""
    return str(path.relative_to(HERE))


def test_the_wings_are_those_of_the_design() -> None:
    assert {wing_of(path) for path in MODULES} == set(MAY_IMPORT)
    assert len(MODULES) > 40


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_imports_what_its_wing_may(path: Path) -> None:
    wing = wing_of(path)
    for line, module in imports(path):
        where = f"{name(path)}:{line} imports {module}"
        assert module.startswith("taskroles."), where
        other = module.split(".")[1]
        if not (PACKAGE / other).is_dir():
            assert (PACKAGE / f"{other}.py").is_file(), where
        elif other == wing == "commands":
            assert module.split(".")[2].startswith("_"), f"{where}: a verb knows no other"
        else:
            assert other == wing or other in MAY_IMPORT[wing], where


def test_a_front_door_alone_imports_a_verb() -> None:
    doors = [HERE / "render.py", *(path for path in MODULES if wing_of(path) != "commands")]
    found = {(name(path), module) for path in doors for _, module in imports(path) if ".commands." in module}
    assert found == {("render.py", "taskroles.commands.render.main")}
    assert 'import_module(f"taskroles.commands.{' in (PACKAGE / "__main__.py").read_text()


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_a_file_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").split("\n")) - 1 <= MOST_LINES


def test_render_py_is_the_only_program_beside_the_package() -> None:
    assert [path.name for path in HERE.glob("*.py")] == ["render.py"]
    assert len((HERE / "render.py").read_text().split("\n")) < 60


def test_every_wing_has_one_level_and_every_module_a_subject() -> None:
    assert [name(path) for path in PACKAGE.glob("*/*/") if path.is_dir() and path.name != "__pycache__"] == []
    assert [name(path) for path in MODULES if NO_SUBJECT.fullmatch(path.stem)] == []


@pytest.mark.parametrize("path", [HERE / "render.py", HERE / "deploy.sh", HERE / "Makefile", *TEXTS], ids=name)
def test_no_name_of_an_environment_or_of_the_sample_stands_in(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
    assert [f"{line}: {text}" for line, text in lines if OF_THE_SAMPLE.search(text)] == []

"""A table that uses every level with every option renders, and its templates have no finding of our own lint."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from granted import NARROW, RENDERER, TARGET, entries, usual
from project import Project, load

if TYPE_CHECKING:
    from granted import Entry

MOST = 8  # grants of a service: more may be too long for a role


def entries_of(folder: str) -> list[Entry]:
    """Return the entries of all levels of an AWS service, and each level on an export, which another template makes."""
    found = [
        entry for name, level in NARROW if name == folder for entry in entries(name, level) or [usual(name, level)]
    ]
    one_each = {entry.level: entry for entry in reversed(found)}.values()
    return [*found, *(entry._replace(target={"import": "Orders-${EnvType}"}) for entry in one_each if entry.target)]


def table() -> dict[str, Any]:
    """Return a table in which services have the levels of each AWS service, a few each."""
    targets: dict[str, dict[str, str]] = {"orders": TARGET}
    services = {}
    for folder in sorted({name for name, _ in NARROW}):
        grants = []
        for entry in entries_of(folder):
            narrowed = dict(entry.options)
            if entry.target:
                known = (name for name, target in targets.items() if target == entry.target)
                narrowed["target"] = next(known, f"target-{len(targets)}")
                targets[narrowed["target"]] = entry.target
            grant = {entry.level: narrowed} if narrowed else entry.level
            grants += [grant] if grant not in grants else []
        for first in range(0, len(grants), MOST):
            name = f"{folder}-{first}"
            services[name] = {"task_role": {"name": name}, "policies": {folder: grants[first : first + MOST]}}
    return {"environments": ["live"], "targets": targets, "services": services}


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Project:
    """Return a project with that table, rendered."""
    project = Project(tmp_path_factory.mktemp("every-level"))
    project.write("services.yml", json.dumps(table()))
    project.render()
    return project


@pytest.mark.thorough
def test_a_table_of_every_level_with_its_options_passes_the_lint(here: Project) -> None:
    done = here.verb("lint")
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.thorough
def test_no_level_changes_a_logical_id_or_a_policy_name(here: Project) -> None:
    said = table()["services"]
    assert {(folder, level) for service in said.values() for folder, level in levels_of(service)} == set(NARROW)
    for service, ((folder, _), *_) in zip(said, map(levels_of, said.values()), strict=True):
        name = RENDERER.name(folder)
        ((logical_id, resource),) = load(here.read(f"out/live/{service}.yml"))["Resources"].items()
        assert logical_id == f"{name}AccessPolicy"
        assert resource["Properties"]["PolicyName"] == {"Fn::Sub": f"{name}AccessPolicy-{service}-${{EnvType}}"}


def levels_of(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the levels that a service of the table has, each with its AWS service."""
    ((folder, grants),) = service["policies"].items()
    names = itertools.chain.from_iterable([grant] if isinstance(grant, str) else grant for grant in grants)
    return [(folder, name) for name in names]

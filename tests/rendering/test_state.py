"""The record of the last render: what counts is contents, all of them, and the program that read them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from project import HERE

from taskroles.rendering import state

if TYPE_CHECKING:
    from pathlib import Path

    from project import Project

TEMPLATE = "out/Dev/sample-ecs-taskrole-backend-cfn.yml"
LOADED = """
import json, sys
from taskroles.commands.render import main
assert main([]) == 0
files = [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
json.dump(files, open("loaded.json", "w"))
"""


@pytest.mark.parametrize(
    ("touched", "old", "new"),
    [
        (TEMPLATE, "sqs:*", "sqs:?"),
        ("out/Dev/environment.yml", "wildcards", "wildcarbs"),
        ("policies/sqs/full.yml.j2", "sqs:*", "sqs:?"),
        ("templates/taskrole.yml.j2", "Stands in the", "Stadns in the"),
        ("services.yml", "BackendEcsTaskRole", "BakcendEcsTaskRole"),
    ],
)
def test_no_change_is_taken_for_fresh_whatever_its_size_and_time(project: Project, touched, old, new) -> None:
    project.render()
    path = project.folder / touched
    before, out = path.stat(), project.tree()
    project.replace(touched, old, new)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert "wrote" in project.run("render.py").stdout
    if touched.startswith("out/"):
        assert contents(project) == {path: content for path, (content, _) in out.items()}


def test_a_change_of_one_partial_renders_only_what_uses_it(project: Project) -> None:
    project.render()
    before = origins(project)
    project.replace("policies/sqs/send.yml.j2", "sqs:GetQueueUrl", "sqs:ListQueueTags")
    printed = project.render()
    changed = {path for path, origin in origins(project).items() if origin != before[path]}
    assert changed == {f"out/{name}/sample-ecs-taskrole-frontend-cfn.yml" for name in ("Staging", "Production")}
    assert set(printed.split()) - {"wrote", "out/ACCESS.md"} == changed


def test_a_change_of_an_environment_renders_only_its_templates(project: Project) -> None:
    project.render()
    before = origins(project)
    project.replace("services.yml", "  Staging: {}", "  Staging: {region: eu-west-1}")
    printed = project.render()
    assert origins(project) == before, "no template says the region"
    assert printed == "wrote out/Staging/environment.yml\n"


def test_a_change_of_a_parameter_renders_what_has_it_though_nothing_is_longer(project: Project) -> None:
    project.render()
    project.replace(
        "services.yml", "VPCName: mynavi-sample-cloudformation-vpc", "VPCName: mynavi-sample-cloudformation-cpv"
    )
    project.render()
    assert 'Default: "mynavi-sample-cloudformation-cpv"' in project.read(TEMPLATE)


def test_another_version_of_a_library_renders_anew(project: Project, tmp_path: Path) -> None:
    project.render()
    assert "up to date" in project.render()
    record = project.read(".cache/render")
    packages = tmp_path / "other-packages"
    (packages / "jinja2-99.dist-info").mkdir(parents=True)
    assert project.run("render.py", PYTHONPATH=str(packages)).returncode == 0
    assert project.read(".cache/render") != record


@pytest.mark.parametrize("content", ["", "x", "x\n\ny", "\0" * 99])
def test_a_cache_that_is_garbage_is_no_cache(project: Project, content: str) -> None:
    before = project.tree()
    for name in ("render", "templates"):
        project.write(f".cache/{name}", content)
    assert project.render() == f"out/ is up to date ({len(before)} files)\n"
    assert project.tree() == before


def test_the_program_is_all_that_a_render_loads(project: Project) -> None:
    project.replace("services.yml", "  Staging: {}", "  Staging: {region: eu-west-1}")  # so that it is validated, too
    project.own_package()
    project.write("run.py", LOADED)
    done = project.run("run.py")
    assert done.returncode == 0, done.stderr
    package = str(project.folder / "taskroles") + os.sep
    loaded = {
        path.removeprefix(package) for path in json.loads(project.read("loaded.json")) if path.startswith(package)
    }
    program = {path for path, _ in state.program()}
    assert loaded - program == set()
    assert {"documents.py", "rendering/outputs.py", "table/grammar.py"} <= loaded
    assert "table/services.schema.json" in program


@pytest.mark.parametrize("path", [path for path, _ in state.program()])
def test_an_edit_of_the_program_renders_anew(path: str, tmp_path: Path, monkeypatch) -> None:
    before = state.program_digest()
    for name, content in state.program():
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(content)
    monkeypatch.setattr(state, "PACKAGE", str(tmp_path))
    assert state.program_digest() == before
    (tmp_path / path).write_bytes((tmp_path / path).read_bytes() + b"\n")
    assert state.program_digest() != before


def test_bytecode_is_no_part_of_the_program() -> None:
    assert {os.path.splitext(path)[1] for path, _ in state.program()} == {".py", ".json"}
    assert all((HERE / "taskroles" / path).is_file() for path, _ in state.program())


def contents(project: Project) -> dict[str, bytes]:
    """Return the content of every file of out/, by path."""
    return {path: content for path, (content, _) in project.tree().items()}


def origins(project: Project) -> dict[str, str]:
    """Return what the record says that each template came from, by path."""
    lines = [line.split(" ", 3) for line in project.read(".cache/render").split("\n\n")[1].split("\n")]
    return {path: origin for _, origin, _, path in lines}

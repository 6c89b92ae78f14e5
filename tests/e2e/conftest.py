"""The local AWS that the end-to-end tests run against, and the projects that they deploy to it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import deployed
import pytest
from imports import deploy_imports, environments, task_roles
from local_aws import local_aws
from project import Project, rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TABLE = "two-services"


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses a local AWS with all that the table's templates import.

    One AWS a module costs a second, and what one module deploys or breaks no other module sees. AWS_CLI_FOLDER may
    name the folder of another AWS CLI than the one that is installed for the tests: that of version 2.
    """
    with local_aws() as environment:
        if folder := os.environ.get("AWS_CLI_FOLDER"):
            environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
        for each in environments(rendered(TABLE)).values():
            deploy_imports(environment, each, rendered(TABLE))
        yield environment


@pytest.fixture(scope="module")
def roles(aws: dict[str, str]) -> dict[tuple[str, str], str]:
    """Return the name of each task role by environment and service."""
    return {
        (environment.name, service): role
        for environment in environments(rendered(TABLE)).values()
        for service, role in task_roles(aws, environment).items()
    }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of two services in a folder with a difficult name, all committed."""
    folder = tmp_path / "a project で"
    folder.mkdir()
    project = Project(folder)
    deployed.commit(project)
    return project


@pytest.fixture
def empty_aws(aws: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield the module's AWS, and delete afterwards what a test has deployed to it."""
    yield aws
    deployed.delete_stacks(aws)


@pytest.fixture
def stand_in(tmp_path: Path, aws: dict[str, str]) -> Callable[[str], tuple[dict[str, str], Path]]:
    """Return what puts an `aws` on PATH that records its calls and fails on all but those it is given."""

    def put(branches: str) -> tuple[dict[str, str], Path]:
        folder, calls, real = tmp_path / "bin", tmp_path / "calls", shutil.which("aws", path=aws["PATH"])
        folder.mkdir()
        script = folder / "aws"
        script.write_text(
            f'#!/usr/bin/env bash\ncalls="{calls}"\necho "$*" >>"$calls"\nreal() {{ "{real}" "$@"; }}\n'
            f'case "$*" in\n{branches}\n*) echo "unexpected call: aws $*" >&2; exit 99 ;;\nesac\n'
        )
        script.chmod(0o755)
        return {"PATH": f"{folder}{os.pathsep}{aws['PATH']}"}, calls

    return put

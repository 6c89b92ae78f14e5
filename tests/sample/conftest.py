"""What the sample's promises are tried on: a local AWS, and a repository that was made another company's."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from clone import Clone
from imports import prepared
from local_aws import local_aws
from project import TABLES
from sample_calls import ENVIRONMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def adopted(tmp_path_factory) -> Clone:
    """Return a clone that was made another company's, rendered and not committed yet."""
    clone = Clone(tmp_path_factory.mktemp("adopter") / "task-roles")
    deleted = clone.command("sh", "-ec", clone.readme_block("## Make it yours", "git rm -r"))
    assert (deleted.returncode, deleted.stderr) == (0, "")
    shutil.copy(TABLES / "acme.yml", clone.folder / "services.yml")
    clone.make("render")
    return clone


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses a local AWS with all that the sample's templates import."""
    with local_aws() as environment:
        for name in ENVIRONMENTS:
            prepared(environment, name)
        yield environment

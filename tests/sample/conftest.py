"""The local AWS on which the sample's promises are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imports import prepared
from local_aws import local_aws
from sample_calls import ENVIRONMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses a local AWS with all that the sample's templates import."""
    with local_aws() as environment:
        for name in ENVIRONMENTS:
            prepared(environment, name)
        yield environment

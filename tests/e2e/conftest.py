"""The local AWS that the end-to-end tests run against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from local_aws import ENVIRONMENTS, deploy_prerequisites, local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses a local AWS with the prerequisites of every environment.

    One AWS a module costs a second, and what one module deploys or breaks no other module sees.
    """
    with local_aws() as environment:
        deploy_prerequisites(environment, *ENVIRONMENTS)
        yield environment

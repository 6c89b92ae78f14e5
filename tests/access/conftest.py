"""What the tests of access share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskroles.access import actions

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = ("sqs", "s3", "ec2messages", "sts")


@pytest.fixture(scope="module")
def few_services() -> Iterator[None]:
    """Let no other AWS service exist: the same code, without 20,000 actions for each `*`."""
    some = {name: known for name, known in actions._known().items() if name in SERVICES}  # noqa: SLF001
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "_known", lambda: some)
        actions.expand.cache_clear()
        yield
    actions.expand.cache_clear()

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
    some = {prefix: actions.lines_by_prefix()[prefix] for prefix in SERVICES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "lines_by_prefix", lambda: some)
        actions.expand.cache_clear()
        yield
    actions.expand.cache_clear()

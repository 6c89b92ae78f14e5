"""What the tests of services.yml share: levels of their own, so that no message depends on the levels that ship."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskroles.documents import Document
from taskroles.faults import BadInput
from taskroles.table.checks import check
from taskroles.table.grammar import Table, resolve
from taskroles.table.policies import Level
from taskroles.table.schema import validate

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = {"prefix": "begins the keys", "max-age": "in days"}
LEVELS = {
    "sqs": {"full": Level(False, {}), "send": Level(True, {}), "consume": Level(True, {})},
    "s3": {"full": Level(True, {}), "read": Level(True, PREFIX)},
    "kms": {"decrypt": Level(True, {"via": "names the AWS service, as in sqs"}, frozenset(["via"]))},
}


def table_of(text: str) -> Table:
    document = Document("services.yml", text)
    validate(document)
    check(document, LEVELS)
    return resolve(document, LEVELS)


@pytest.fixture
def read() -> Callable[[str], Table]:
    """Return what reads the text of a services.yml that is right."""
    return table_of


@pytest.fixture
def faults_of() -> Callable[[str], list[str]]:
    """Return what lists the faults of the text of a services.yml."""

    def faults_of(text: str) -> list[str]:
        try:
            table_of(text)
        except BadInput as error:
            return error.faults
        return []

    return faults_of

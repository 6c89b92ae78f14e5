"""How often what changes nothing is called no change, and what allows less is said without a line that grows.

By kind of rewriting, over generated documents; FUZZ=10000 tries 1,000 of each, from recorded seeds (see `trials`), and
prints what it measures.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from generated_documents import documents
from hypothesis import strategies as st
from rewritten import LESS, SAME
from trials import tried

from taskroles.access.compare import compare
from taskroles.access.reading import Place, read_document

if TYPE_CHECKING:
    from rewritten import Rewriting

pytestmark = pytest.mark.usefixtures("few_services")
ENOUGH = 0.95
TEAM = {"StringEquals": {"aws:PrincipalTag/team": ["a", "b"]}}
LIKE = {"StringLikeIfExists": {"aws:PrincipalTag/team": ["a*", "b"]}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
# can be rewritten in every way
FIT = [
    {"Effect": "Allow", "Action": ["sqs:*", "s3:GetObject"], "Resource": ["a*", "b"], "Condition": TEAM},
    {"Effect": "Allow", "NotAction": ["sqs:Get*"], "NotResource": ["a*"], "Condition": LIKE},
    {"Effect": "Deny", "Action": ["sqs:Get*"], "Resource": ["a*"], "Condition": TEAM},
]


def measured(rewrite: Rewriting, *, same: bool) -> tuple[int, int]:
    """Return of how many cases how many are said as they are."""
    told = {True: 0, False: 0}

    @tried(60, st.data(), share=10)
    def measure(data: st.DataObject) -> None:
        before = data.draw(documents())
        after = rewrite(data.draw, copy.deepcopy(before))
        if after is None:
            before["Statement"] += FIT
            after = rewrite(data.draw, copy.deepcopy(before))
        if getattr(rewrite, "is_backwards", False):
            before, after = after, before
        told[not [change for change in said(before, after) if same or change.kind in ("granted", "widened")]] += 1

    measure()
    return sum(told.values()), told[True]


def said(before: Any, after: Any) -> list[Any]:
    return compare(read_document(before, Place("x")), read_document(after, Place("x")))


@pytest.mark.parametrize("kind", [*SAME, *LESS])
def test_what_is_no_more_is_said_as_such(kind: str) -> None:
    total, right = measured((SAME | LESS)[kind], same=kind in SAME)
    print(f"{kind}: {right} of {total}, {right / total:.1%}")
    assert total >= 50
    assert right >= ENOUGH * total

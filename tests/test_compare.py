"""Two sets of statements compared: which action is granted, revoked, narrowed or widened."""

from __future__ import annotations

import pytest
from access import Statement, expand
from compare import compare


def kinds(before: list[Statement], after: list[Statement]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for change in compare(before, after):
        found.setdefault(change.action, set()).add(change.kind + (f" ({change.reason})" if change.reason else ""))
    return found


SEND = Statement("Allow", ("sqs:SendMessage",), resources=("a",))
A_B = SEND._replace(resources=("a", "b"))
ALL_OF_SQS = tuple(sorted(expand("sqs:*")))
DENY_A = SEND._replace(effect="Deny")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([SEND], [SEND], set()),
        ([], [SEND], {"granted"}),
        ([SEND], [], {"revoked"}),
        ([SEND], [A_B], {"granted"}),
        ([A_B], [SEND], {"revoked"}),
        ([SEND], [SEND._replace(resources=("b",))], {"granted", "revoked"}),
        ([SEND], [SEND._replace(resources=("*",))], {"widened"}),
        ([SEND._replace(resources=("*",))], [SEND], {"narrowed"}),
        ([SEND._replace(resources=("a*",))], [SEND._replace(resources=("a*", "ab", "a?c"))], set()),
        ([SEND._replace(resources=("", "?", "??*"))], [SEND._replace(resources=("*",))], set()),
        ([SEND, DENY_A], [], {"widened (a Deny was dropped)"}),  # another policy of the role may allow it
        ([DENY_A], [], {"widened (a Deny was dropped)"}),
        ([], [DENY_A], {"narrowed"}),
        ([A_B], [A_B, DENY_A], {"narrowed"}),
        ([A_B, DENY_A], [A_B], {"widened (a Deny was dropped)"}),
        ([A_B, DENY_A], [SEND._replace(resources=("b",)), DENY_A], set()),
        ([SEND._replace(condition="c")], [SEND], {"widened (condition dropped: c)"}),
        ([SEND], [SEND._replace(condition="c")], {"narrowed"}),
        (
            [SEND._replace(condition="c")],
            [SEND._replace(condition="d")],
            {"widened (cannot tell: conditions differ)"},
        ),
        ([SEND._replace(resources=(), not_resources=("b", "c"))], [A_B], {"granted", "narrowed"}),
        # the import may be "a", so the Deny may or may not matter
        (
            [SEND._replace(resources=("${import Q}",)), DENY_A],
            [SEND._replace(resources=("${import Q}",)), DENY_A, SEND],
            {"widened (cannot tell: a Deny or NotResource meets a name known only to AWS)"},
        ),
        # ... and may not be told from a longer one by its last letter, but surely by "x/"
        (
            [SEND._replace(resources=("${import Q}*",))],
            [SEND._replace(resources=("${import Q}", "${import Q}/*"))],
            {"narrowed"},
        ),
        (
            [SEND._replace(resources=("?",))],
            [SEND._replace(resources=("${import Q}",))],
            {"granted", "revoked"},
        ),
    ],
)
def test_a_change_of_one_action_has_its_kind(
    before: list[Statement], after: list[Statement], expected: set[str]
) -> None:
    assert kinds(before, after).get("sqs:SendMessage", set()) == expected


def test_a_list_of_all_actions_is_less_than_the_wildcard() -> None:
    listed, wildcard = SEND._replace(actions=ALL_OF_SQS), SEND._replace(actions=("sqs:*",))
    assert kinds([listed], [wildcard]) == {"sqs:*": {"granted"}}
    assert kinds([wildcard], [listed]) == {"sqs:*": {"revoked"}}


def test_an_action_that_does_not_exist_is_compared_all_the_same() -> None:
    assert kinds([], [SEND._replace(actions=("sqs:NotYetKnown",))]) == {"sqs:notyetknown": {"granted"}}

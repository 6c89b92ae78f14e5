"""Two sets of statements compared: which action is granted, revoked, narrowed or widened."""

from __future__ import annotations

import pytest

from taskroles.access.actions import expand
from taskroles.access.compare import compare
from taskroles.access.conditions import opaque, parse
from taskroles.access.reading import Statement


def kinds(before: list[Statement], after: list[Statement]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for change in compare(before, after):
        found.setdefault(change.action, set()).add(change.kind + (f" ({change.reason})" if change.reason else ""))
    return found


SEND = Statement("Allow", ("sqs:SendMessage",), resources=("a",))
A_B = SEND._replace(resources=("a", "b"))
ALL_OF_SQS = tuple(sorted(expand("sqs:*")))
DENY_A = SEND._replace(effect="Deny")
ALLOW_Q = SEND._replace(resources=("${import Q}",))
C = frozenset([opaque("c")])
TLS = frozenset(parse({"Bool": {"aws:SecureTransport": "true"}}))


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
        ([SEND._replace(condition=TLS)], [SEND], {'widened (condition dropped: aws:SecureTransport Bool "true")'}),
        # of what is not understood nobody knows whether it held always
        (
            [SEND._replace(condition=C)],
            [SEND],
            {"widened (cannot tell: conditions differ by what is no condition of IAM's)"},
        ),
        ([SEND], [SEND._replace(condition=C)], {"narrowed"}),
        (
            [SEND._replace(condition=C)],
            [SEND._replace(condition=frozenset([opaque("d")]))],
            {"widened (cannot tell: conditions differ by what is no condition of IAM's)"},
        ),
        ([SEND._replace(resources=(), not_resources=("b", "c"))], [A_B], {"granted", "narrowed"}),
        # the import may be "a": the Deny takes away whatever the second Allow adds
        ([ALLOW_Q, DENY_A], [ALLOW_Q, DENY_A, SEND], set()),
        # the import may be "a", which is then all that is not allowed: NotResource may or may not leave it out
        (
            [SEND._replace(resources=(), not_resources=("a",))],
            [SEND._replace(resources=(), not_resources=("a",)), ALLOW_Q],
            {"widened (cannot tell: NotResource meets a name known only to AWS)"},
        ),
        (
            [SEND._replace(resources=(), not_resources=("${import Q}",))],
            [SEND._replace(resources=(), not_resources=("${import Q}",)), SEND],
            {"widened (cannot tell: NotResource meets a name known only to AWS)"},
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

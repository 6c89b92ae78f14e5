"""Which stacks are of environments that out/ no longer has."""

from __future__ import annotations

import pytest

from taskroles.access.environments import Environment
from taskroles.deploying import stacks
from taskroles.names import Names


@pytest.mark.parametrize(
    ("known", "pattern", "stack"),
    [
        ("Dev", "acme-{service}-dev", "acme-mail-old"),
        ("Dev", "acme-{service}-Dev", "acme-mail-Old"),
        ("e", "e-{service}-taskrole", "old-mail-taskrole"),
        ("dev", "dev-{service}-device", "old-mail-device"),
        ("dev", "dev-{service}-in-dev", "old-mail-in-old"),
        ("eu-west-live", "taskrole-eu-west-live-{service}", "taskrole-old-mail"),
    ],
)
def test_an_environment_that_is_gone_is_found_by_what_the_stacks_of_another_are_called(
    monkeypatch, known, pattern, stack
) -> None:
    tags = [{"Key": "environment", "Value": "Old"}, {"Key": "service", "Value": "mail"}]
    monkeypatch.setattr(stacks, "all_stacks", lambda: {stack: {"StackName": stack, "Tags": tags}})

    (gone,) = stacks.gone_environments([Environment(known, Names(stack=pattern))]).values()

    assert (gone.name, gone.stack("mail")) == ("Old", stack)

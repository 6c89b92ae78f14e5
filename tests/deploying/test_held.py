"""What IAM is asked after a deploy, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from taskroles.access.environments import here
from taskroles.deploying import held, roles
from taskroles.deploying.aws import Account, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskroles.access.environments import Environment

ACCOUNT = Account("111122223333", "eu-west-1", "aws", "me")
EXPORTS = {"mynavi-sample-cloudformation-vpc-BackendEcsTaskRole-Dev": "the-role"}


@pytest.fixture
def environment(project, monkeypatch) -> Environment:
    """Return an environment of which AWS knows the role, and time that passes by sleeping alone."""
    now = [0.0]
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(held, "account_of", lambda _: ACCOUNT)
    monkeypatch.setattr(held, "all_exports", lambda: EXPORTS)
    monkeypatch.setattr(held, "all_stacks", dict)
    monkeypatch.setattr(held.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(held.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return here()["Dev"]


@pytest.fixture
def iam(monkeypatch) -> Callable[[Callable[[str, int], Any]], list[str]]:
    """Return what makes IAM answer with what a function returns for a policy's name and the how many-th time."""

    def answering(answer: Callable[[str, int], Any]) -> list[str]:
        asked: list[str] = []

        def ask(_service: str, _operation: str, **arguments: str) -> dict[str, Any]:
            asked.append(arguments["PolicyName"])
            document = answer(arguments["PolicyName"], asked.count(arguments["PolicyName"]))
            if document is None:
                raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "no"}}, "GetRolePolicy")
            return {"PolicyDocument": document}

        monkeypatch.setattr(roles, "ask", ask)
        return asked

    return answering


def documents(environment: Environment) -> dict[str, Any]:
    """Return what the template of the backend says, by policy name."""
    found = held.documents(*held.planned(environment, "backend", ACCOUNT, None), EXPORTS)
    return {name: document for (_, name), document in found.items()}


def test_it_is_quiet_when_all_is_well_and_asks_again_what_iam_has_not_heard_of(environment, iam) -> None:
    meant = documents(environment)
    late = next(iter(meant))
    asked = iam(lambda name, time: None if (name, time) == (late, 1) else meant[name])
    assert held.held(environment, ["backend"]) == 0
    assert len(asked) == len(meant) + 1


def test_it_says_what_is_missing_and_what_is_more_after_a_while(environment, iam) -> None:
    meant = documents(environment)
    gone, other = list(meant)[:2]
    more = {"Statement": [*meant[other]["Statement"], {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}
    asked = iam(lambda name, _: {gone: None, other: {**meant[other], **more}}.get(name, meant[name]))
    with pytest.raises(Refused) as error:
        held.held(environment, ["backend"])
    lines = str(error.value).splitlines()
    assert lines[1] == f"  - backend: policy {gone} on role the-role is not there"
    assert lines[2] == f"  - backend: policy {other} on role the-role says something else:"
    assert lines[3].startswith("      + granted   kms  Decrypt on every key")
    assert len(asked) == len(meant) + 2 * held.PATIENCE

"""How a policy stands: what out/, the deployed template and IAM say of it."""

from __future__ import annotations

import pytest

from taskroles.deploying import drift
from taskroles.deploying.aws import Refused


def statement(**changes: object) -> dict[str, object]:
    """Return a policy document of one statement."""
    return {"Statement": [{"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*", **changes}]}


@pytest.mark.parametrize(
    ("in_iam", "word"),
    [
        (statement(Action=["a:C", "a:B"], Resource=["*"]), "in sync"),
        (
            {"Statement": [*statement(Action="a:B")["Statement"], *statement(Action="a:C")["Statement"]]},
            "in sync",
        ),
        (statement(Effect="Deny"), "changed by hand"),
        (statement(Condition={"Bool": {"aws:SecureTransport": "true"}}), "changed by hand"),
        ({"Statement": {"Effect": "Allow", "NotAction": ["a:B", "a:C"], "Resource": "*"}}, "changed by hand"),
        ({"Statement": {"Effect": "Allow", "Action": ["a:B", "a:C"], "NotResource": "*"}}, "changed by hand"),
        (None, "missing"),
    ],
)
def test_drift_looks_at_what_a_document_says_and_not_at_how_it_is_written(in_iam, word) -> None:
    held = {place: document for place, document in (("deployed", statement()), ("IAM", in_iam)) if document}
    said = drift.read({("role", place): document for place, document in held.items()})
    deployed = said["role", "deployed"]
    assert drift.standing(deployed, deployed, said.get(("role", "IAM"))) == word


def test_a_document_that_cannot_be_judged_is_named() -> None:
    with pytest.raises(Refused, match=r"^the-role the-policy: Effect is 'Perhaps', neither Allow nor Deny$"):
        drift.read({("the-role", "the-policy"): statement(Effect="Perhaps")})


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (statement(Limit="x"), "a statement with Limit in the-role the-policy: "),
        ({**statement(), "Version": "2030-01-01"}, "a policy document of the-role the-policy, for its Version "),
        ({**statement(), "Include": "x"}, "Include in a policy document of the-role the-policy"),
    ],
)
def test_what_is_not_understood_in_a_document_is_said_and_not_left_out(document, what) -> None:
    with pytest.raises(Refused) as error:
        drift.read({("the-role", "other"): statement(), ("the-role", "the-policy"): document})
    assert str(error.value).startswith(f"cannot tell: nothing here understands {what}")

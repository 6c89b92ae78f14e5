"""How a policy stands: what out/, the deployed template and IAM say of it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from taskroles.deploying import roles
from taskroles.deploying.aws import Account, Refused
from taskroles.deploying.drift import NOTHING, Service, service_rows
from taskroles.deploying.functions import CannotTell, Scope, evaluate
from taskroles.deploying.ownership import Owners
from taskroles.deploying.puts import Puts, Unsure
from taskroles.deploying.roles import Role, statements, strangers, trusted
from taskroles.deploying.standing import Looked, owned, policy_row, role_rows

ACCOUNT = Account("111122223333", "eu-west-1", "aws-cn", "me")


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
        (statement(Effect="Perhaps"), "cannot tell"),
        (statement(Limit="x"), "cannot tell"),
        ("%7B", "cannot tell"),
    ],
)
def test_drift_looks_at_what_a_document_says_and_not_at_how_it_is_written(in_iam, word) -> None:
    assert policy_row(("role", "name"), statement(), statement, in_iam).word == word


def test_question_marks_that_cloudformation_keeps_for_what_is_not_ascii_are_no_change() -> None:
    written, kept = statement(Resource="arn:aws:s3:::a/キ*"), statement(Resource="arn:aws:s3:::a/?*")
    assert policy_row(("role", "name"), written, lambda: kept, written).word == "in sync"
    assert policy_row(("role", "name"), written, lambda: kept, kept).word == "changed by hand"
    assert policy_row(("role", "name"), kept, lambda: kept, kept).word == "in sync"


def test_a_document_that_a_template_hides_is_not_compared() -> None:
    def hidden() -> None:
        raise CannotTell("what Secret is")

    row = policy_row(("role", "name"), statement(), hidden, statement())
    assert (row.word, row.what) == ("cannot tell", "name: what Secret is")


def test_a_document_that_cannot_be_judged_is_named() -> None:
    with pytest.raises(Refused, match=r"^the-role the-policy: Effect is 'Perhaps', neither Allow nor Deny$"):
        statements(statement(Effect="Perhaps"), "the-role", "the-policy")


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
        statements(document, "the-role", "the-policy")
    assert str(error.value).startswith(f"cannot tell: nothing here understands {what}")


def trust(principal: object, key: str = "Principal", effect: str = "Allow") -> dict[str, object]:
    """Return a trust of one statement."""
    return {"Statement": {"Effect": effect, "Action": "sts:AssumeRole", key: principal}}


def test_an_account_in_a_trust_is_its_root_as_iam_writes_it() -> None:
    written = trust({"AWS": ["444455556666"]}), trust({"AWS": "arn:aws-cn:iam::444455556666:root"})
    assert len({trusted(each, "role", ACCOUNT)[0].resources for each in written}) == 1


@pytest.mark.parametrize(
    ("document", "who"),
    [
        (trust({"Service": "ecs-tasks.amazonaws.com"}), []),
        (trust({"Service": ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com"]}), ["Service lambda.amazonaws.com"]),
        (trust("*"), ["*"]),
        (trust({"AWS": "*"}), ["*"]),
        (trust({"AWS": "*"}, effect="Deny"), []),
        (trust({"AWS": "4"}, "NotPrincipal"), ["everybody but AWS 4"]),
    ],
)
def test_who_else_may_assume_a_role_is_said(document, who) -> None:
    assert strangers(trusted(document, "role", ACCOUNT)) == who


TASKS = trust({"Service": "ecs-tasks.amazonaws.com"})
NOBODY = Owners({}, {}, [])


def looked(owners: Owners = NOBODY, inline: tuple[str, ...] = (), boundary: str = "", **properties: object) -> Looked:
    """Return a role that a stack makes with these properties, and on which there are these policies."""
    scope = Scope({}, {}, {}, lambda _: None)
    written = {"AssumeRolePolicyDocument": TASKS, **properties}
    maker = Puts("maker", {}, set(), {"role": lambda key: evaluate(written.get(key), scope)}, [], [])
    held = Role(datetime.now(timezone.utc), TASKS, boundary, dict.fromkeys(inline, statement()), [])
    return Looked("role", held, maker, owners, ACCOUNT)


def test_a_role_as_its_stack_says_has_no_lines() -> None:
    assert list(role_rows(looked(), set())) == []


@pytest.mark.parametrize(("held", "meant"), [("a", None), ("", "b"), ("a", "b")])
def test_a_boundary_that_came_went_or_changed_is_said(held: str, meant: str | None) -> None:
    rows = list(role_rows(looked(boundary=held, PermissionsBoundary=meant), set()))
    what = f"the boundary of role role is {held or 'none'}; stack maker says {meant or 'none'}"
    assert [(row.word, row.what) for row in rows] == [("role changed", what)]


def test_a_name_that_another_stack_has_on_the_role_is_not_deployed() -> None:
    service = Service("s", None, {("role", "p"): statement()}, NOTHING)
    rows = list(service_rows(service, {"role": looked(Owners({"p": "theirs"}, {}, []), ("p",))}))
    assert [(row.word, row.what) for row in rows] == [("not deployed", "p (stack theirs)")]


def test_what_a_missing_export_leaves_of_a_role_is_no_role(monkeypatch) -> None:
    monkeypatch.setattr(roles, "ask", lambda *_, **__: pytest.fail("IAM was asked"))
    assert roles.role_in_iam("{'Fn::ImportValue': 'nobody'}") is None


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("AssumeRolePolicyDocument", "the trust of role role: what Secret is"),
        ("PermissionsBoundary", "the boundary of role role in stack maker: what Secret is"),
    ],
)
def test_what_the_template_of_a_role_hides_is_said_and_not_taken_as_it_is(key: str, what: str) -> None:
    rows = list(role_rows(looked(**{key: {"Ref": "Secret"}}), set()))
    assert [(row.word, row.what) for row in rows] == [("cannot tell", what)]


def test_a_role_whose_stack_has_a_template_that_cannot_be_read_may_be_as_it_should_or_not() -> None:
    role = looked()
    maker = Puts("maker", {}, set(), {}, [Unsure("stack maker, whose template AWS does not show")], [])
    rows = list(role_rows(role._replace(maker=maker), set()))
    what = "the boundary and the trust of role role: stack maker, whose template AWS does not show"
    assert [(row.word, row.what) for row in rows] == [("cannot tell", what)]


@pytest.mark.parametrize(
    ("owners", "word", "what"),
    [
        (NOBODY, "unmanaged", "p"),
        (Owners({"p": "theirs"}, {}, []), "not deployed", "p (stack theirs)"),
        (Owners({}, {}, [Unsure("A"), Unsure("B", "role", "q")]), "cannot tell", "p: it may be of A"),
        (Owners({}, {}, [Unsure("B", "role", "q")]), "unmanaged", "p"),
        (Owners({}, {}, [Unsure("A"), Unsure("B", name="p")]), "cannot tell", "p: it may be of A, or 1 more"),
    ],
)
def test_a_policy_that_out_has_and_no_stack_of_ours_put_there_has_an_owner_or_none(owners, word, what) -> None:
    row = owned(looked(owners, ("p",)), "p", "p", "unmanaged", of_another="not deployed")
    assert (row.word, row.what) == (word, what)

"""How what a service has in IAM stands, a line for each policy: by out/, by the stacks' templates and by IAM."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.compare import CANNOT_TELL, compare
from taskroles.access.wording import SIGNS, access_lines, column
from taskroles.deploying.aws import Refused
from taskroles.deploying.functions import CannotTell
from taskroles.deploying.roles import Role, statements, strangers, trusted
from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from taskroles.access.reading import Statement
    from taskroles.deploying.aws import Account
    from taskroles.deploying.ownership import Owners
    from taskroles.deploying.puts import Puts

    Statements = list[Statement] | None  # of a policy; None: there is none

BY_HAND = """\
      IAM has not what the stack has put there, and a deploy does not put it back while the template stays the
      same. To keep it as it is, write it into services.yml and deploy. To undo it, --destroy the service and
      deploy it again; in between, its role has none of these policies."""
ROLE_CHANGED = """\
      The role is not what the template of the stack that makes it says, and a deploy of that stack does not put it
      back while its template stays the same. Put it back by hand, or write it into that template."""
WAYS_OUT = {
    "changed by hand": BY_HAND,
    "missing": BY_HAND,
    "made anew": """\
      The role was made anew after the stack had put its policies on it, and they went with the old one. A deploy
      does not put them back while the template stays the same: --destroy the service and deploy it again.""",
    "role is gone": """\
      IAM has no such role, and so none of its policies, which CloudFormation believes to be there. The stack that
      makes the role has to make it again; then --destroy the service and deploy it again.""",
    "role changed": ROLE_CHANGED,
    "attached by hand": """\
      Neither the stack that makes the role nor another one of this account and region has attached it: detach it,
      or attach it in the template of the role; what the service needs of it can be written into services.yml.""",
    "unexplained": """\
      No stack of this account and region makes the role, so nothing says whether it should be so: see to it with
      whoever makes the role.""",
    "unmanaged": """\
      No stack of this account and region has put it there (CloudTrail knows who: PutRolePolicy): write it into
      services.yml, or delete it.""",
    CANNOT_TELL: """\
      It stands in a template that AWS alone can read whole: look at it there, and delete nothing before.""",
    "not looked at": """\
      The stack holds more than policies, of which nothing here knows how it stands: see to it in CloudFormation.""",
    "not deployed": "      out/ has changed since the last deploy: deploy.",
}
EVERYBODY = {"*": "everybody"}  # what a trust calls every principal
IN_SYNC, OF_ANOTHER, LIMITED = "in sync", "of another stack", "limited by"
NOT_OURS = (OF_ANOTHER, LIMITED)  # said, and no drift


class Row(NamedTuple):
    """One line: how something stands, what it is, and lines that say more."""

    word: str
    what: str
    more: tuple[str, ...] = ()


def standing(in_out: Statements, deployed: Statements, in_iam: Statements) -> str:
    """Return in a word how a policy stands: what it says in `out/`, in the stack's template and in IAM."""
    if deployed is None:
        return "not deployed" if in_iam is None else "unmanaged"
    if in_iam is None:
        return "missing"
    if compare(deployed, in_iam):
        return "changed by hand"
    return "not deployed" if in_out is None or compare(deployed, in_out) else IN_SYNC


def changed(before: list[Statement], after: list[Statement], names: dict[str, str] | None = None) -> tuple[str, ...]:
    """Return what a change has granted (+) and revoked (-), a line for each AWS service."""
    found = access_lines(before, after, names)
    return tuple(
        f"{SIGNS[each.kind]} {each.kind:8}  {printable(column(each))}  {printable(each.text)}" for each in found
    )


def policy_row(key: tuple[str, str], in_out: Any, deployed: Callable[[], Any] | None, in_iam: Any) -> Row:
    """Return how a policy of a service's stack stands; None is a document that is not there."""
    holder, name = key
    try:
        put = None if deployed is None else _as_it_was_given(deployed(), in_out)
        said = [None if each is None else statements(each, holder, name) for each in (in_out, put, in_iam)]
    except (CannotTell, Refused) as error:
        return Row(CANNOT_TELL, f"{name}: {_without_the_words(error)}")
    word = standing(*said)
    return Row(word, name, changed(said[1], said[2]) if word == "changed by hand" else ())


def _as_it_was_given(deployed: Any, in_out: Any) -> Any:
    """Return a document as CloudFormation was given it: it keeps question marks for what is not ASCII."""
    given, kept = (json.dumps(each, ensure_ascii=False, sort_keys=True, default=str) for each in (in_out, deployed))
    return in_out if given != kept and re.sub(r"[^\x00-\x7f]", "?", given) == kept else deployed


def _without_the_words(error: Exception) -> str:
    return str(error).removeprefix(f"{CANNOT_TELL}: ")


# --- a role --------------------


class Looked(NamedTuple):
    """A role: what IAM has (None: no such role), the stack that makes it (None: no stack), and who put what on it."""

    name: str
    held: Role | None
    maker: Puts | None
    owners: Owners
    account: Account


def role_rows(role: Looked, ours: set[str]) -> Iterator[Row]:
    """Yield how a role stands beside the policies of our services (`ours`): others' policies, trust, boundary."""
    if not role.held:
        return
    yield from _inline_rows(role, ours)
    yield from _attached_rows(role)
    if role.maker and role.name not in role.maker.roles:
        why = next((each.what for each in role.maker.unsure), f"stack {role.maker.stack}")
        yield Row(CANNOT_TELL, f"the boundary and the trust of role {role.name}: {why}")
        return
    yield from _boundary_rows(role)
    yield from _trust_rows(role)


def _inline_rows(role: Looked, ours: set[str]) -> Iterator[Row]:
    made = {name: put for (holder, name), put in role.maker.inline.items() if holder == role.name} if role.maker else {}
    for name in sorted((role.held.inline.keys() | made.keys()) - ours):
        if name in made:
            yield _row_of_maker(role, name, made[name])
        else:
            yield owned(role, name, name, "unmanaged")


def _row_of_maker(role: Looked, name: str, put: Callable[[], Any]) -> Row:
    """Return how an inline policy stands that the template of the role itself has."""
    said, maker = f"{name} (stack {role.maker.stack})", role.maker
    if name not in role.held.inline:
        return Row("role changed", f"{said} is not on role {role.name} any more")
    try:
        before, after = (statements(each, role.name, name) for each in (put(), role.held.inline[name]))
    except (CannotTell, Refused) as error:
        return Row(CANNOT_TELL, f"{name} of stack {maker.stack}: {_without_the_words(error)}")
    return Row("role changed", said, changed(before, after)) if compare(before, after) else Row(OF_ANOTHER, said)


def owned(role: Looked, name: str, what: str, unowned: str, of_another: str = OF_ANOTHER) -> Row:
    """Return the row of something on a role that none of our stacks in question has put there."""
    if owner := role.owners.of(name):
        return Row(of_another, f"{what} (stack {owner})")
    if maybe := role.owners.maybe(name):
        more = f", or {len(maybe) - 1} more" if len(maybe) > 1 else ""
        return Row(CANNOT_TELL, f"{what}: it may be of {maybe[0]}{more}")
    return Row(unowned, what)


def _attached_rows(role: Looked) -> Iterator[Row]:
    unowned = "attached by hand" if role.maker else "unexplained"
    for arn in sorted(role.held.attached):
        yield owned(role, arn, f"{arn}, attached to role {role.name}", unowned)
    if role.maker:
        for holder, arn in sorted(role.maker.attached):
            if holder == role.name and arn not in role.held.attached:
                yield Row(
                    "role changed", f"{arn} (stack {role.maker.stack}) is not attached to role {role.name} any more"
                )


def _boundary_rows(role: Looked) -> Iterator[Row]:
    found = role.held.boundary
    if not role.maker:
        if found:
            yield Row(LIMITED, f"{found}, the boundary of role {role.name}; no stack says whether it should be")
        return
    try:
        meant = role.maker.roles[role.name]("PermissionsBoundary") or ""
    except CannotTell as error:
        yield Row(CANNOT_TELL, f"the boundary of role {role.name} in stack {role.maker.stack}: {error}")
        return
    if meant != found:
        said = f"the boundary of role {role.name} is {found or 'none'}"
        yield Row("role changed", f"{said}; stack {role.maker.stack} says {meant or 'none'}")


def _trust_rows(role: Looked) -> Iterator[Row]:
    what = f"the trust of role {role.name}"
    try:
        found = trusted(role.held.trust, role.name, role.account)
        if not role.maker:
            if others := ", ".join(strangers(found)).replace("${AWS::Partition}", role.account.partition):
                yield Row("unexplained", f"{what} lets others than ECS assume it: {others}")
            return
        written = role.maker.roles[role.name]("AssumeRolePolicyDocument")
        if compare(meant := trusted(written, role.name, role.account), found):
            yield Row("role changed", f"{what} (stack {role.maker.stack})", changed(meant, found, EVERYBODY))
    except (CannotTell, Refused) as error:
        yield Row(CANNOT_TELL, f"{what}: {_without_the_words(error)}")

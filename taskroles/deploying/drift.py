"""Compare what IAM holds for the task roles now with what CloudFormation has deployed and with out/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.deploying.aws import Refused, account_of, at_once, heading
from taskroles.deploying.ownership import Owners, makers_of, owners_among, owners_of, puts_in
from taskroles.deploying.puts import Puts, puts_of, resources_of
from taskroles.deploying.roles import inline_policies, role_in_iam
from taskroles.deploying.stacks import all_exports, all_stacks, came_up
from taskroles.deploying.standing import (
    CANNOT_TELL,
    IN_SYNC,
    NOT_OURS,
    WAYS_OUT,
    Looked,
    Row,
    owned,
    policy_row,
    role_rows,
)
from taskroles.deploying.templates import POLICY, documents, planned
from taskroles.faults import printable
from taskroles.terminal import paint, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account

    Key = tuple[str, str]  # a holder and the name of a policy

NOTHING = Puts("", {}, set(), {}, [], [])


class Service(NamedTuple):
    """What a service has in `out/`, and what its stack (None: it has none) puts where."""

    name: str
    stack: dict[str, Any] | None
    in_out: dict[Key, Any]
    deployed: Puts

    @property
    def keys(self) -> set[Key]:
        """Its policies, each with who holds it."""
        return self.in_out.keys() | self.deployed.inline.keys()


def drift(environment: Environment, services: Sequence[str]) -> int:
    """Print for each policy whether IAM holds what out/ says. Raises Refused if anything differs.

    CloudFormation cannot tell: "This resource does not support drift detection" (AWS::IAM::Policy, in the
    CloudFormation Template Reference).
    """
    account = account_of(environment)
    say(heading(environment, account))
    all_exports(), all_stacks()  # once, before the threads ask for them
    found = at_once(lambda service: look(environment, service, account), services)
    ours = [service.deployed for service in found]
    names = sorted({holder for service in found for holder, _ in service.keys if " " not in holder})
    roles = look_at(names, ours, environment, account)
    left, rows = dict(roles), []
    keys = {key for service in found for key in service.keys}
    for service in found:
        print("\n" + printable(f"{service.name}: {deployment(environment, service.name, service.stack)}"))
        for row in service_rows(service, roles):
            rows.append(row)
            show(row)
        for holder in sorted({holder for holder, _ in service.keys} & left.keys()):
            role = left.pop(holder)  # of several services: said with the first of them
            for row in role_rows(role, {name for each, name in keys if each == holder}):
                rows.append(row)
                show(row)
    return verdict(rows)


def look(environment: Environment, name: str, account: Account) -> Service:
    """Return what a service has in `out/` and in its stack."""
    stack = all_stacks().get(environment.stack(name))
    in_out = documents(*planned(environment, name, account, stack), all_exports())
    return Service(name, stack, in_out, puts_of(stack, account) if came_up(stack) else NOTHING)


def look_at(names: list[str], ours: list[Puts], environment: Environment, account: Account) -> dict[str, Looked]:
    """Return roles by their names, each with the stack that makes it, and the owners of what is on it."""
    makers = makers_of(names)
    there = [maker for maker in {*makers.values()} if maker in all_stacks()]
    made = dict(zip(there, at_once(lambda maker: puts_in(maker, account), there), strict=True))
    found = {}
    for name, held in zip(names, at_once(role_in_iam, names), strict=True):
        makes = made.get(makers[name])
        owners = owners_among([*ours, makes or NOTHING], name)
        if wanted := [each for each in (*held.inline, *held.attached) if not owners.of(each)] if held else []:
            more = owners_of(name, environment, account, wanted)
            owners = Owners(more.inline | owners.inline, more.attached | owners.attached, more.unsure)
        found[name] = Looked(name, held, makes, owners, account)
    return found


def service_rows(service: Service, roles: dict[str, Looked]) -> Iterator[Row]:
    """Yield how each policy of a service stands, and what else its stack holds."""
    yield from (Row("not looked at", what) for what in service.deployed.others)
    yield from (Row(CANNOT_TELL, f"what {each.what} puts where") for each in service.deployed.unsure)
    gone = {holder for holder, _ in service.deployed.inline if holder in roles and not roles[holder].held}
    for holder in sorted(gone):
        maker = roles[holder].maker
        yield Row("role is gone", f"{holder} (stack {maker.stack})" if maker else holder)
    several = len({holder for holder, _ in service.keys}) > 1
    for key in sorted(service.keys):
        holder, name = key
        if holder in gone:
            continue
        role = roles.get(holder)  # None: a user or a group
        held = inline_policies(holder, [name]) if role is None else role.held.inline if role.held else {}
        row = policy_row(key, service.in_out.get(key), service.deployed.inline.get(key), held.get(name))
        if role and row.word == "missing" and role.held.created > max(put_at(service), default=role.held.created):
            row = row._replace(word="made anew")
        elif role and row.word == "unmanaged":
            row = owned(role, name, name, "unmanaged", of_another="not deployed")
        yield row._replace(what=f"{row.what} on {holder}") if several else row


def put_at(service: Service) -> list[Any]:
    """Return when the stack of a service has put each of its policies where they are."""
    found = resources_of(service.stack["StackId"]).values()
    return [each["LastUpdatedTimestamp"] for each in found if each["ResourceType"] == POLICY]


def show(row: Row) -> None:
    """Print how something stands."""
    colour = "32" if row.word == IN_SYNC else "" if row.word in NOT_OURS else "31"
    print("  " + paint(f"{row.word:<17}", colour, sys.stdout) + printable(row.what))
    sys.stdout.writelines(f"{'':21}{line}\n" for line in row.more)


def verdict(rows: list[Row]) -> int:
    """Return the exit code. Raises Refused, with the ways out, if anything differs."""
    counted = [row.word for row in rows if row.word not in NOT_OURS]
    differing = [word for word in counted if word != IN_SYNC]
    if differing:
        ways_out: dict[str, list[str]] = {}
        for word in sorted(set(differing)):
            ways_out.setdefault(WAYS_OUT[word], []).append(word)
        explained = (f"  - {' or '.join(words)}:\n{way_out}" for way_out, words in ways_out.items())
        raise Refused("\n".join([f"{len(differing)} of {len(counted)} differ:", *explained]))
    return 0


def deployment(environment: Environment, service: str, stack: dict[str, Any] | None) -> str:
    """Return which stack a service has, in which state, and of which commit."""
    tags = {tag["Key"]: tag["Value"] for tag in (stack or {}).get("Tags", [])}
    state = f"{stack['StackStatus']}, commit {tags.get('commit', 'unknown')}" if stack else "does not exist"
    return f"stack {environment.stack(service)}, {state}"

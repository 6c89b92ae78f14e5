"""Who gets it: how the access of each role changes by one template, with what outlives its resource."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from taskroles.access.compare import TOO_MUCH
from taskroles.access.marks import UNREAD
from taskroles.access.places import bare
from taskroles.access.reading import filled, with_values
from taskroles.access.resources import TRUST
from taskroles.access.wording import GROWS, Line, access_lines, target_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from taskroles.access.reading import Policy, Statement, Template

MOST_SAID = 100_000  # actions, over all roles of a template
EVERYBODY = {"*": "everybody"}  # what a trust calls every principal


def lines_of_roles(
    before: Template, after: Template, values: tuple[dict[str, str], dict[str, str]], account: str, *, both: bool
) -> list[Line]:
    """Return the lines of each role, with these values of parameters; `both`: the template is there on both sides."""
    access_before, access_after = by_role(before.policies, values[0]), by_role(after.policies, values[1])
    kept = (stays for policy in before.policies for stays in outliving(policy, after))
    for role, stays in by_role(kept, values[0]).items():
        access_after.setdefault(role, []).extend(stays)
    names, left, found = target_names(before, after), MOST_SAID, []
    roles = sorted(access_before.keys() | access_after.keys())
    for role in roles:
        one_sided = (role in access_before) != (role in access_after) and both
        trust = role.startswith(TRUST)
        label = f" ({'' if trust else 'role '}{bare(role)})" if len(roles) > 1 or one_sided or trust else ""
        sides = access_before.get(role, []), access_after.get(role, [])
        if left < 0 and {s[:6] for s in sides[0]} != {s[:6] for s in sides[1]}:
            found.append(Line("widened", (), f"{TOO_MUCH}{label}", marks=(UNREAD,)))
            continue
        lines = access_lines(*sides, names | EVERYBODY if trust else names, account)
        left -= sum(len(line.actions) for line in lines)
        found += [line._replace(text=line.text + label) for line in lines]
    return found


def only_passed(
    values: tuple[dict[str, str], ...], passed: tuple[Mapping[str, str], ...]
) -> tuple[dict[str, str], ...]:
    """Return those of the values of parameters that a deploy passes: of the others a stack may have its own."""
    return tuple(
        {name: side[name] for name in side if name in given} for side, given in zip(values, passed, strict=True)
    )


def unsaid(lines: list[Line], said: list[Line]) -> list[Line]:
    """Return the lines by which something grows that is not said to grow."""
    actions = {action for line in said if line.kind in GROWS for action in line.actions}
    return [line for line in lines if line.kind in GROWS and not (line.actions and actions.issuperset(line.actions))]


def outliving(policy: Policy, after: Template) -> Iterator[Policy]:
    """Yield what CloudFormation leaves where it is of a policy: of one that is removed, or that another one replaces.

    Whether a change replaces it or is made in place is AWS's business: what it denied then counts as gone.
    """
    same = [each for each in after.policies if each.logical_id == policy.logical_id]
    if not same and policy.stays:
        yield policy
    elif same and policy.stays_behind and (policy.name, policy.roles) not in {(each.name, each.roles) for each in same}:
        yield policy._replace(statements=tuple(s for s in policy.statements if s.effect == "Allow"))


def by_role(policies: Iterable[Policy], values: dict[str, str]) -> dict[str, list[Statement]]:
    """Collect the statements of each role, with these values of parameters."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for policy in policies:
        for role in policy.roles:
            found[with_values(role, values)] += filled(policy.statements, values)
    return found


def staying(policy: Policy) -> Line:
    """Say that a policy outlives its resource."""
    attribute = "removed under a DeletionPolicy" if policy.stays else "replaced under an UpdateReplacePolicy"
    text = f"{policy.logical_id} is {attribute}: CloudFormation leaves {policy.name} where it is"
    return Line("notice", (), text)

"""The names of policies: one that two policies of a role have is one policy, whichever is deployed last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from taskroles.access.canonical import UNKNOWN
from taskroles.access.marks import LOSS, Mark
from taskroles.access.meanings import known_values
from taskroles.access.reading import with_values
from taskroles.access.wording import Line
from taskroles.names import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from taskroles.access.reading import Policy, Template

    Key = tuple[str, str, str]  # environment, policy name, role

POLICY_NAME = re.compile(rb"""PolicyName: *(?:!Sub *)?["']?([^"'\n]+)""")  # to find files that need to be parsed


def renamed(old: Template, new: Template, passed: Mapping[str, str], passed_now: Mapping[str, str]) -> Iterator[Line]:
    """Yield a line for each policy whose logical id changed while its name on the same role did not."""
    both = ((old, named(old, passed)), (new, named(new, passed_now)))
    sides = [list(zip(template.policies, there.policies, strict=True)) for template, there in both]
    kept = {(policy.logical_id, there.name) for policy, there in sides[0]}
    kept &= {(policy.logical_id, here.name) for policy, here in sides[1]}
    for was, there in sides[0]:
        for now, here in sides[1]:
            same = there.name == here.name and set(there.roles) & set(here.roles)
            if (
                same
                and was.logical_id != now.logical_id
                and not kept & {(was.logical_id, there.name), (now.logical_id, here.name)}
            ):
                yield Line(
                    "widened" if denies(was) else "notice",  # what it denies is denied no longer
                    (),
                    f"{was.logical_id} becomes {now.logical_id} under the same policy name: CloudFormation creates the "
                    f"new one, then deletes the old one by that name. Change the name as well, or keep the logical id",
                    marks=(Mark(LOSS, f"a deploy refuses it: the role would be left without {now.name}"),),
                )


def denies(policy: Policy) -> bool:
    """Tell whether a policy denies anything, or may, so that more is allowed without it."""
    return policy.unread or any(statement.effect == "Deny" for statement in policy.statements)


def named(template: Template, passed: Mapping[str, str]) -> Template:
    """Return a template with the names of policies and roles as they are once it is deployed with these parameters."""
    values = known_values(template, passed)
    policies = (
        policy._replace(
            name=with_values(policy.name, values), roles=tuple(with_values(r, values) for r in policy.roles)
        )
        for policy in template.policies
    )
    return template._replace(policies=tuple(policies))


def may_have_policy(data: bytes, names: set[str], passed: Mapping[str, str]) -> bool:
    """Tell whether a template may have a policy of one of these names: one that spells them oddly may."""
    found = [with_values(text.decode(errors="replace"), passed) for text in POLICY_NAME.findall(data)]
    is_plain = b"\\" not in data and len(found) == data.count(b"PolicyName") and all(map(POLICY.fullmatch, found))
    return not (is_plain and names.isdisjoint(found)) or any(UNKNOWN in name for name in names)


def policy_keys(template: Template) -> list[tuple[str, str, str]]:
    """Return (logical id, policy name, role) of each policy and role."""
    return [(policy.logical_id, policy.name, role) for policy in template.policies for role in policy.roles]


def known_key(environment: str, name: str, role: str) -> Key:
    """Return what tells policies apart; "" for a name or a role that is not known: an Fn::If chooses it, a mapping."""
    return (environment, *("" if UNKNOWN in text else text for text in (name, role)))


def alike(key: Key, keys: Iterable[Key], unknown: Iterable[Key]) -> list[Key]:
    """Return a key and those of the others that may be the same policy's; `unknown` are those that are not known."""
    others = keys if "" in key else unknown
    return [key, *(other for other in others if other != key and all(map(_may_be, key, other)))]


def _may_be(one: str, other: str) -> bool:
    return one == other or not one or not other

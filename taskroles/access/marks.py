"""What deserves a look in a change that grows."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from taskroles.access.actions import access_level, expand, resource_types
from taskroles.access.compare import CANNOT_TELL
from taskroles.access.escalation import way_of
from taskroles.access.patterns import action_matches, is_wildcard
from taskroles.access.places import bare, kind_of_all, other_account
from taskroles.access.words import brief, enumerate_text, number, real, service_of

if TYPE_CHECKING:
    from taskroles.access.compare import Change, Rule, Rules
    from taskroles.access.reading import Statement

DELETES = re.compile(r":(Batch)?(Delete|Purge|Remove|Terminate|Destroy|Truncate|Drop|BatchWrite)")
CONSUMES = ("sqs:DeleteMessage", "ec2messages:DeleteMessage")  # ends with a message what its receiver has done with it
LOGS_IN = ("rds-db:connect",)  # which AWS calls "Permissions management"
SECRETS = re.compile(
    r"secretsmanager:(BatchGetSecretValue|GetSecretValue)|ssm:GetParameter(s|sByPath|History)?"
    r"|(redshift|redshift-serverless):Get(Cluster)?Credentials.*|ecr:GetAuthorizationToken"
    r"|(codeartifact|ecr-public):GetAuthorizationToken|codecommit:GitPull|kms:Decrypt|ec2:GetPasswordData"
    r"|lightsail:(DownloadDefaultKeyPair|GetInstanceAccessDetails|GetRelationalDatabaseMasterUserPassword)"
)
PLAIN = re.compile(r"[\w-]+:\w+", re.ASCII)
PERMISSIONS = "Permissions management"


class Mark(NamedTuple):
    """What deserves a look in a line."""

    code: str
    text: str


LOSS = "loss"
UNREAD = Mark("unread", "not understood, and may grant anything: read it yourself")


def marks(
    changes: list[Change], before: list[Statement], after: list[Statement], text: str, account: str = ""
) -> tuple[Mark, ...]:
    """Return what deserves a look in changes that grow; `text` says them, `account` is the environment's, if known."""
    actions = real(change.action for change in changes)
    found = [_reason_mark(reason, text) for reason in sorted({bare(c.reason) for c in changes if c.reason})]
    found += _marks_of_actions(actions)
    if wild := _new_wildcards(changes, before, after):
        found.append(Mark("wildcard-action", f"wildcard {enumerate_text(wild)}: also what AWS adds to it later"))
    everywhere = {c.action for c in changes if resource_types(c.action) and _adds_everywhere(c.after, c.before)}
    if everywhere:
        what = brief(everywhere)[0] if len(everywhere) == 1 else number(len(everywhere), "action")
        found.append(Mark("wildcard-resource", f"not limited to any resource, though {what} can be"))
    if accounts := _new_accounts(changes, before, account):
        which = "another account" if account else "an account that may be another"
        found.append(Mark("account", f"in {which}: {enumerate_text(accounts)}"))
    if unknown := _unknown_actions(changes, before, after):
        found.append(Mark("no-such-action", f"AWS has no such action: {enumerate_text(unknown, most=3)}"))
    return tuple(found)


@lru_cache  # of many services, many change alike
def _marks_of_actions(actions: tuple[str, ...]) -> tuple[Mark, ...]:
    ways: dict[str, list[str]] = defaultdict(list)
    for action in actions:
        if way := way_of(action):
            ways[way].append(action)
    escalating = {action for some in ways.values() for action in some}
    managing = [a for a in actions if access_level(a) == PERMISSIONS and a not in escalating and a not in LOGS_IN]
    deleting = [a for a in actions if DELETES.search(a) and access_level(a) == "Write" and a not in CONSUMES]
    phrases = [("escalation", f"can gain further rights: {way}", some) for way, some in sorted(ways.items())]
    phrases += [
        ("permissions", "changes who has access", managing),
        ("secrets", "reads secrets", [a for a in actions if SECRETS.fullmatch(a)]),
        ("delete", "can delete data", deleting),
    ]
    return tuple(
        Mark(code, f"{phrase}: {enumerate_text(brief(some), most=3)}") for code, phrase, some in phrases if some
    )


def _reason_mark(reason: str, text: str) -> Mark:
    code = "cannot-tell" if reason.startswith(CANNOT_TELL) else "dropped"
    what, _, condition = reason.partition(": ")
    return Mark(code, what if code == "dropped" and condition in text else reason)


def _new_wildcards(changes: list[Change], before: list[Statement], after: list[Statement]) -> list[str]:
    """Return the patterns that allow what changes, and that were not there before."""
    services = {service_of(change.action) for change in changes}
    known = {pattern.lower() for s in before for pattern in s.actions}
    spelled = {pattern for s in after if s.effect == "Allow" for pattern in s.actions if is_wildcard(pattern)}
    later = {part for c in changes if is_wildcard(c.action) for part in c.action.split(" & ")}
    fresh = {p for p in spelled if p.lower() not in known}
    wild = sorted(
        p for p in fresh if service_of(p.lower()) in services or any(action_matches(p, each) for each in later)
    )
    left_out = {s.not_actions for s in before}
    negated = later and any(s.not_actions and s.effect == "Allow" and s.not_actions not in left_out for s in after)
    return [*wild, "NotAction"] if negated else wild


@lru_cache(maxsize=1024)
def _adds_everywhere(after: Rules, before: Rules) -> bool:
    return any(map(_is_everywhere, after - before))


def _is_everywhere(rule: Rule) -> bool:
    """Tell whether a rule allows all of a kind, or all but something."""
    return rule.effect == "Allow" and (rule.negated or any(kind_of_all(each) is not None for each in rule.resources))


def _new_accounts(changes: list[Change], before: list[Statement], own: str) -> list[str]:
    """Return the accounts that the resources of changes name, and that nothing named before."""
    known = {other_account(each, own) for s in before for each in s.resources}
    sides = {change.after for change in changes}
    allowed = {rule for rules in sides for rule in rules if rule.effect == "Allow" and not rule.negated}
    return sorted({other_account(each, own) for rule in allowed for each in rule.resources} - known - {""})


def _unknown_actions(changes: list[Change], before: list[Statement], after: list[Statement]) -> list[str]:
    """Return the actions that are newly allowed and that AWS does not have; a wildcard may be for later.

    A letter of another alphabet, or a blank, that makes one look as if it existed stands as an escape, in quotes.
    """
    known = {action.lower() for s in before for action in s.actions}
    written = {action.lower(): action for s in (*before, *after) for action in (*s.actions, *s.not_actions)}
    names = {c.action for c in changes if not is_wildcard(c.action) and not expand(c.action)} - known
    found = sorted(written.get(name, name) for name in names)
    return [name if PLAIN.fullmatch(name) else json.dumps(name) for name in found]

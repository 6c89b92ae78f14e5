"""Say how access changes as a person would: a sentence for each AWS service, and what in it deserves a look.

access_lines(statements_before, statements_after)[0].text
# "sqs:* on every queue → 3 actions on sample-queue: 17 actions revoked"
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from taskroles.access.actions import access_level, can_escalate, expand, resource_types
from taskroles.access.compare import CANNOT_TELL, Rule, compare, rules_of_both
from taskroles.access.patterns import is_wildcard
from taskroles.access.canonical import UNKNOWN_KIND
from taskroles.access.conditions import ALWAYS, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskroles.access.compare import Change, Rules
    from taskroles.access.reading import Statement, Template

GROWS = ("granted", "widened")
SIGNS = {"notice": "!", "granted": "+", "widened": "+", "narrowed": "-", "revoked": "-"}  # in the order of printing
LEVELS = ("Permissions management", "Write", "Tagging", "Read", "List", "unknown")
DELETES = re.compile(r":(Batch)?(Delete|Purge|Remove|Terminate|Destroy|Truncate|Drop|BatchWrite)")
IMPORT = re.compile(r"\$\{import ((?:[^{}]|\{[^{}]*\})*)\}")
# what is the same in the ARN of everything in this account and region
HERE = re.compile(r"^arn:\$\{AWS::Partition\}:(?:[\w-]+:(?:\$\{AWS::Region\})?:(?:\$\{AWS::AccountId\})?:(?=.))?")
EVERYWHERE = Rule("Allow", frozenset(["*"]), negated=False, condition=ALWAYS)


class Mark(NamedTuple):
    """What deserves a look in a line."""

    code: str
    text: str


class Line(NamedTuple):
    """One change, in a sentence and as data."""

    kind: str
    aws_services: tuple[str, ...]
    text: str
    actions: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    undecided: bool = False  # it may be no change at all


def access_lines(before: list[Statement], after: list[Statement], names: dict[str, str] | None = None) -> list[Line]:
    """Compare two sets of statements and say each change, a line for each AWS service and direction.

    `names` says what to call the imports that resources are built of; see target_names.
    """
    changes, rules, lines = compare(before, after), rules_of_both(before, after), []
    for grows in (True, False):
        had = {_service(action) for action in rules[not grows]}
        for services, group in _grouped([c for c in changes if (c.kind in GROWS) is grows], had):
            line = _line(services, group, rules, names or {}, grows=grows)
            line = line._replace(undecided=all(change.is_undecided for change in group))
            lines.append(line._replace(marks=marks(group, before, after, line.text)) if grows else line)
    return lines


def _grouped(changes: list[Change], had: set[str]) -> list[tuple[tuple[str, ...], list[Change]]]:
    """Group changes by AWS service; three or more that come or go whole, in the very same way, are one group.

    `had` are the services with access on the side that has less.
    """
    everything = {c[1:] for c in changes if c.action == "*"}  # kind, rules before and after, reason
    groups: dict[str, list[Change]] = defaultdict(list)
    for c in changes:
        groups["*" if c[1:] in everything else _service(c.action)].append(c)
    alike: dict[object, list[str]] = defaultdict(list)
    for service, group in groups.items():
        alike[service if service in had else frozenset(c[1:] for c in group)].append(service)
    few = 2
    merged = [part for same in alike.values() for part in ([same] if len(same) > few else [[s] for s in same])]
    return [(tuple(part), [c for s in part for c in groups[s]]) for part in sorted(merged, key=lambda p: (len(p), p))]


def _line(
    services: tuple[str, ...],
    group: list[Change],
    rules: tuple[dict[str, Rules], dict[str, Rules]],
    names: dict[str, str],
    *,
    grows: bool,
) -> Line:
    """Say one group: "ACTIONS on PLACES" if these only come or go, else "BEFORE → AFTER"."""
    wide, narrow = rules[grows], rules[not grows]
    said = {c.action for c in group}
    moved = real(c.action for c in group if c.kind in ("granted", "revoked"))
    # `sqs:*` that shrinks to three of its actions: those three did not change, yet the sentence is about all of them
    by_pattern = {wide[a] for a in said if is_wildcard(a) and a in wide}
    beside = {a for a, r in wide.items() if r in by_pattern and _service(a) in services}
    stays = any(rule.effect == "Allow" for a in beside for rule in narrow.get(a, ()))
    if moved and len(moved) == len(real(said)) and not stays:
        delta = {c.action: (c.after - c.before) if grows else (c.before - c.after) for c in group}
        sides = ((), _rule_texts(delta)) if grows else (_rule_texts(delta), ())
        return Line(group[0].kind, services, _side_text(delta, names), moved, *sides)
    old, new = ({a: side[a] for a in said | beside if a in side} for side in rules)
    text = f"{_side_text(old, names)} → {_side_text(new, names)}"
    if moved:
        text += f": {number(len(moved), 'action')} {'granted' if grows else 'revoked'}"
    kind = "widened" if grows else "narrowed"
    return Line(kind, services, text, moved or real(said), _rule_texts(old), _rule_texts(new))


def _side_text(side: dict[str, Rules], names: dict[str, str]) -> str:
    """Say what one side allows: "3 actions on sample-queue"."""
    by_rules: dict[Rules, set[str]] = defaultdict(set)
    for action, rules in side.items():
        by_rules[rules].add(action)
    by_place: dict[str, set[str]] = defaultdict(set)
    for rules, actions in by_rules.items():
        noun = _resource_noun(actions)
        allowed, denied = (sorted({_place(r, noun, names) for r in rules if r.effect == e}) for e in ("Allow", "Deny"))
        if EVERYWHERE in rules:
            allowed = [_place(EVERYWHERE, noun, names)]
        if set(allowed) - set(denied):
            by_place[enumerate_text(allowed) + (f" except {enumerate_text(denied)}" if denied else "")] |= actions
        else:
            by_place[f"no resource, denied on {enumerate_text(denied)}"] |= actions
    most = 3
    if len(by_place) > most:
        return f"{_actions_text(set(side))} on {len(by_place)} sets of resources"
    return "; ".join(f"{_actions_text(some)} on {where}" for where, some in sorted(by_place.items())) or "nothing"


def _rule_texts(side: dict[str, Rules]) -> tuple[str, ...]:
    """Return the resources of one side in full, as canonical ARNs."""
    rules = {rule for rules in side.values() for rule in rules}
    return tuple(sorted(_qualified(r, ", ".join(sorted(r.resources)), "not ", "Deny ") for r in rules))


def _qualified(rule: Rule, where: str, but: str, deny: str = "") -> str:
    when = f" if {spelled(rule.condition)}" if rule.condition else ""
    return f"{deny * (rule.effect == 'Deny')}{but * rule.negated}{where}{when}"


# --- names --------------------


def target_names(*templates: Template) -> dict[str, str]:
    """Map imports to the names of targets in the comments above policies, where it is clear which is which."""
    imports: dict[str, set[str]] = defaultdict(set)
    for policy in (policy for template in templates for policy in template.policies):
        targets = dict.fromkeys(grant.target for grant in policy.grants if grant.target)
        found = dict.fromkeys(name for s in policy.statements for p in s.resources for name in IMPORT.findall(p))
        if len(targets) == len(found):
            for target, name in zip(targets, found, strict=True):
                imports[target].add(name)
    return {name: target for target, found in imports.items() if len(found) == 1 for name in found}


def bare(text: str, names: dict[str, str] | None = None) -> str:
    """Spell each import by its name in names, else by the name of the export, and what is unknown by its kind."""
    named = IMPORT.sub(lambda match: (names or {}).get(match[1], match[1]), text)
    return UNKNOWN_KIND.sub(lambda match: match[1], named)


def column(line: Line) -> str:
    """Return the AWS service of a line, or how many, or "" if the text says it."""
    count = len(line.aws_services)
    return f"{count} services" if count > 1 else "".join(line.aws_services)


def real(actions: Iterable[str]) -> tuple[str, ...]:
    """Return the actions that exist today, without the patterns for what AWS may add."""
    return tuple(sorted(action for action in set(actions) if not is_wildcard(action)))


def brief(actions: Iterable[str]) -> list[str]:
    """Leave out the AWS service from the names of actions if it is the same for all, as a line's column says it."""
    names = sorted(actions)
    return [n.partition(":")[2] or n for n in names] if len(set(map(_service, names))) == 1 else names


def levels(actions: Iterable[str]) -> dict[str, list[str]]:
    """Group actions by their access level, the most powerful first."""
    found: dict[str, list[str]] = {level: [] for level in LEVELS}
    for action in actions:
        found[access_level(action)].append(action)
    return {level: names for level, names in found.items() if names}


def number(count: int, noun: str) -> str:
    """Return "1 action", "2 actions"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def enumerate_text(items: Iterable[str], most: int = 8, of: str = "") -> str:
    """Join words as in a sentence, and say how many (of what) are left out."""
    items = list(items)
    if len(items) > most + 1:
        items = [*items[:most], f"{len(items) - most:,} more{of}"]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def _service(action: str) -> str:
    return action.partition(":")[0]


def _actions_text(actions: set[str]) -> str:
    """Say which actions: a pattern that is exactly these, up to two names, or how many."""
    plain = set(real(actions))
    if "*" in actions:
        missing = len(expand("*") - plain)
        return "every action of every AWS service" + (f" but {missing:,}" if missing else "")
    for pattern in sorted(actions - plain):
        if expand(pattern) == plain:
            return pattern
    if len({_service(action) for action in plain}) > 1:
        return f"{len(plain)} actions ({_by_service(actions)})"
    few = 2
    return number(len(plain), "action") if len(plain) > few else enumerate_text(brief(plain or actions))


def _by_service(actions: set[str]) -> str:
    """Say how many actions of which AWS services, whole services first."""
    if "*" in actions:
        return _actions_text(actions)
    said = []
    for service in {_service(action) for action in actions}:
        some = {action for action in actions if _service(action) == service}
        text, few = _actions_text(some), real(some) or tuple(some)
        whole = is_wildcard(text)
        said.append(
            (not whole, service, text if whole else few[0] if len(few) == 1 else f"{len(few)} {service} actions")
        )
    return enumerate_text((text for _, _, text in sorted(said)), of=" AWS services")


def _place(rule: Rule, noun: str, names: dict[str, str]) -> str:
    """Say which resources a rule is about."""
    where = sorted(_resource_text(pattern, noun, names) for pattern in rule.resources)
    return bare(_qualified(rule, enumerate_text(where), "everything but "))


def _resource_text(pattern: str, noun: str, names: dict[str, str]) -> str:
    short = HERE.sub("", pattern)
    match = re.fullmatch(r"(?:([\w-]+)[/:])?\*(/\*)?", short)
    return f"every {match[1] or noun}" if match else bare(short, names)


def _resource_noun(actions: Iterable[str]) -> str:
    """Return the one type of resource that the actions work on ("queue"), else "resource"."""
    types = [resource_types(action) for action in actions if resource_types(action)]
    common = frozenset.intersection(*types) if types else frozenset()
    return min(common) if len(common) == 1 else "resource"


# --- what deserves a look --------------------


def marks(changes: list[Change], before: list[Statement], after: list[Statement], text: str) -> tuple[Mark, ...]:
    """Return what deserves a look in changes that grow; `text` says them."""
    actions = real(change.action for change in changes)
    escalating = [a for a in actions if can_escalate(a)]
    managing = [a for a in actions if access_level(a) == LEVELS[0] and a not in escalating]
    deleting = [a for a in actions if DELETES.search(a) and access_level(a) == "Write"]
    marks = [_reason_mark(reason, text) for reason in sorted({bare(c.reason) for c in changes if c.reason})]
    for code, phrase, some in (
        ("escalation", "can be used to gain further rights", escalating),
        ("permissions", "changes who has access", managing),
        ("delete", "can delete data", deleting),
    ):
        if some:
            marks.append(Mark(code, f"{phrase}: {enumerate_text(brief(some), most=3)}"))
    if wild := _new_wildcards(changes, before, after):
        marks.append(Mark("wildcard-action", f"wildcard {enumerate_text(wild)}: also what AWS adds to it later"))
    everywhere = {
        c.action for c in changes if resource_types(c.action) and any(map(_is_everywhere, c.after - c.before))
    }
    if everywhere:
        what = brief(everywhere)[0] if len(everywhere) == 1 else number(len(everywhere), "action")
        marks.append(Mark("wildcard-resource", f"not limited to any resource, though {what} can be"))
    return tuple(marks)


def _reason_mark(reason: str, text: str) -> Mark:
    code = "cannot-tell" if reason.startswith(CANNOT_TELL) else "dropped"
    what, _, condition = reason.partition(": ")
    return Mark(code, what if code == "dropped" and condition in text else reason)


def _new_wildcards(changes: list[Change], before: list[Statement], after: list[Statement]) -> list[str]:
    """Return the patterns that allow what changes, and that were not there before."""
    services = {_service(change.action) for change in changes}
    known = {pattern.lower() for s in before for pattern in s.actions}
    spelled = {pattern for s in after if s.effect == "Allow" for pattern in s.actions if is_wildcard(pattern)}
    wild = sorted(p for p in spelled if p.lower() not in known and _service(p.lower()) in services)
    negated = "*" in services and any(s.not_actions and s.effect == "Allow" for s in after)
    return [*wild, "NotAction"] if negated else wild


def _is_everywhere(rule: Rule) -> bool:
    return rule.effect == "Allow" and _resource_text(min(rule.resources), "", {}).startswith("every ")

"""Say how access changes as a person would: a sentence for each AWS service, and what in it deserves a look.

access_lines(statements_before, statements_after)[0].text
# "sqs:* on every queue → 3 actions on sample-queue: 17 actions revoked"
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from taskroles.access.actions import expand, resource_types
from taskroles.access.canonical import UNKNOWN_KIND
from taskroles.access.compare import Rule, compared, without
from taskroles.access.conditions import ALWAYS, spelled
from taskroles.access.marks import UNREAD, marks
from taskroles.access.patterns import is_wildcard
from taskroles.access.places import IMPORT, bare, resource_text
from taskroles.access.words import brief, enumerate_text, number, real, service_of

if TYPE_CHECKING:
    from taskroles.access.compare import Change, Rules
    from taskroles.access.marks import Mark
    from taskroles.access.reading import Statement, Template

GROWS = ("granted", "widened")
SIGNS = {"notice": "!", "granted": "+", "widened": "+", "narrowed": "-", "revoked": "-"}  # in the order of printing
MOST_SAID = 500_000  # characters of rules, over all lines
MOST_SETS = 40  # of resources, to be looked at for one sentence
TARGET = re.compile(r"[\w.-]+", re.ASCII)
EVERYWHERE = Rule("Allow", frozenset(["*"]), negated=False, condition=ALWAYS)


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


def access_lines(
    before: list[Statement], after: list[Statement], names: dict[str, str] | None = None, account: str = ""
) -> list[Line]:
    """Compare two sets of statements and say each change, a line for each AWS service and direction.

    `names` says what to call the imports that resources are built of (see target_names); `account` is the
    environment's own, if it is known.
    """
    sides = (tuple(s._replace(path="", line=0, logical_id="") for s in side) for side in (before, after))
    return list(_access_lines(*sides, tuple((names or {}).items()), account))


@lru_cache(maxsize=64)  # of many services, many change alike
def _access_lines(
    before: tuple[Statement, ...], after: tuple[Statement, ...], named: tuple[tuple[str, str], ...], account: str
) -> tuple[Line, ...]:
    """Do what `access_lines` does."""
    (changes, rules), lines, names = compared(before, after), [], dict(named)
    moves = _moves(changes, names)
    for grows in (True, False):
        had = {service_of(action) for action in rules[not grows]}
        left = [c for c in changes if (c.kind in GROWS) is grows and (grows or c.action not in moves)]
        for services, group in _grouped(left, had):
            if not any(c.before or c.after for c in group):  # of no action at all: too many patterns
                lines.append(Line("widened", (), group[0].reason, marks=(UNREAD,)))
                continue
            line = _line(services, group, rules, names, grows=grows)
            if grows and any(c.action in moves for c in group):
                line = _move(line, group, moves, names)
            if grows:
                found = marks(group, [*before], [*after], line.text, account)
                line = line._replace(undecided=all(change.is_undecided for change in group), marks=found)
            lines.append(line._replace(text=_once(line.text, names)))
    return tuple(lines)


def _once(text: str, names: dict[str, str]) -> str:
    """Leave out the export of a name where a sentence has said it."""
    for export in (name[name.index(" ") :] for name in names.values() if " " in name):
        first, found, rest = text.partition(export)
        text = first + found + rest.replace(export, "")
    return text


def _moves(changes: list[Change], names: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return the actions that are lost in one place and gained in another: from where to where, in words."""
    lost = {c.action: c for c in changes if c.kind == "revoked"}
    gained = {c.action: c for c in changes if c.kind == "granted"}
    found: dict[str, tuple[str, str]] = {}
    said: dict[tuple[Rules, Rules, str], tuple[str, ...]] = {}
    for action in lost.keys() & gained.keys():
        was, now = lost[action], gained[action]
        sides = (without(was.before, was.after), without(now.after, now.before))
        if all(rule.effect == "Allow" and not rule.negated for side in sides for rule in side):
            key = (*sides, _resource_noun(frozenset([action])))
            if key not in said:
                texts = [_places(side, key[2], names) for side in sides]
                said[key] = tuple(_places(side, key[2], None) for side in sides) if len(set(texts)) == 1 else (*texts,)
            found[action] = said[key]
    return found


def _move(line: Line, group: list[Change], moves: dict[str, tuple[str, str]], names: dict[str, str]) -> Line:
    """Say a group of which actions move: "5 actions move from A to B, and SendMessage on B besides"."""
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for change in group:
        if change.action in moves:
            places[moves[change.action]].add(change.action)
    texts = []
    for (left, reached), actions in sorted(places.items()):
        verb = "moves" if len(real(actions)) == 1 else "move"
        texts.append(f"{_actions_text(frozenset(actions))} {verb} from {left} to {reached}")
    besides = {c.action: without(c.after, c.before) for c in group if c.action not in moves}
    if real(besides):
        texts.append(f"and {_side_text(besides, names)} besides")
    before = {rule for rules in {change.before for change in group} for rule in rules}
    return line._replace(text=", ".join(texts), before=_rule_texts({"": frozenset(before)}))


def _grouped(changes: list[Change], had: set[str]) -> list[tuple[tuple[str, ...], list[Change]]]:
    """Group changes by AWS service; three or more that come or go whole, in the very same way, are one group.

    `had` are the services with access on the side that has less.
    """
    everything = {c[1:] for c in changes if c.action == "*"}  # kind, rules before and after, reason
    groups: dict[str, list[Change]] = defaultdict(list)
    for c in changes:
        groups["*" if c[1:] in everything else service_of(c.action)].append(c)
    alike: dict[object, list[str]] = defaultdict(list)
    for service, group in groups.items():
        alike[service if service in had else frozenset(c[1:] for c in group)].append(service)
    if sum(max(_length(c.before) + _length(c.after) for c in group) for group in groups.values()) > MOST_SAID:
        alike = {"": list(groups)}  # a line for each would say the same thousands of times
    few = 2
    merged = [part for same in alike.values() for part in ([same] if len(same) > few else [[s] for s in same])]
    return [(tuple(part), [c for s in part for c in groups[s]]) for part in sorted(merged, key=lambda p: (len(p), p))]


@lru_cache(maxsize=4096)
def _length(rules: Rules) -> int:
    """Return about how many characters it takes to say rules."""
    return sum(20 + len(text) for rule in rules for text in (*rule.resources, *map(str, rule.condition)))


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
    beside = {a for a, r in wide.items() if r in by_pattern and service_of(a) in services}
    left = {narrow[a] for a in beside if a in narrow}
    stays = any(rule.effect == "Allow" for rules in left for rule in rules)
    if moved and len(moved) == len(real(said)) and not stays:
        delta = {c.action: without(*((c.after, c.before) if grows else (c.before, c.after))) for c in group}
        sides = ((), _rule_texts(delta)) if grows else (_rule_texts(delta), ())
        return Line(group[0].kind, services, _side_text(delta, names), moved, *sides)
    old, new = ({a: side[a] for a in said | beside if a in side} for side in rules)
    was, now = (_side_text(side, names) for side in (old, new))
    if was == now:  # of actions that stay, what AWS may add to them tells the sides apart
        was, now = (_side_text({a: side[a] for a in said if a in side}, names) for side in rules)
    if was == now:  # what it leaves out tells them apart
        was, now = (_side_text(side, None) for side in (old, new))
    text = f"{was} → {now}"
    if moved:
        text += f": {number(len(moved), 'action')} {'granted' if grows else 'revoked'}"
    kind = "widened" if grows else "narrowed"
    return Line(kind, services, text, moved or real(said), _rule_texts(old), _rule_texts(new))


def _side_text(side: dict[str, Rules], names: dict[str, str] | None) -> str:
    """Say what one side allows: "3 actions on sample-queue"; without `names`, its resources in full."""
    by_rules: dict[Rules, set[str]] = defaultdict(set)
    for action, rules in side.items():
        by_rules[rules].add(action)
    if len(by_rules) > MOST_SETS:
        return f"{_actions_text(frozenset(side))} on {len(by_rules)} sets of resources"
    by_place: dict[str, set[str]] = defaultdict(set)
    for rules, some in by_rules.items():
        actions = frozenset(some)
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
        return (
            f"{_actions_text(frozenset(side))} on {len(by_place)} sets of resources: {enumerate_text(sorted(by_place))}"
        )
    return (
        "; ".join(f"{_actions_text(frozenset(some))} on {where}" for where, some in sorted(by_place.items()))
        or "nothing"
    )


def _rule_texts(side: dict[str, Rules]) -> tuple[str, ...]:
    """Return the resources of one side in full, as canonical ARNs."""
    rules = {rule for rules in set(side.values()) for rule in rules}
    return tuple(sorted(_qualified(r, ", ".join(sorted(r.resources)), "not ", "Deny ") for r in rules))


def _qualified(rule: Rule, where: str, but: str, deny: str = "") -> str:
    when = f" if {spelled(rule.condition)}" if rule.condition else ""
    return f"{deny * (rule.effect == 'Deny')}{but * rule.negated}{where}{when}"


# --- names --------------------


def target_names(before: Template, after: Template) -> dict[str, str]:
    """Map imports to the names of targets in the comments above policies, where it is clear which is which.

    A comment binds nobody: a name that no policy had before stands with its export, so that a harmless one hides none.
    """
    known, found = _targets(before), _targets(before, after)
    return {export: name if known.get(export) == name else f"{name} ({export})" for export, name in found.items()}


def _targets(*templates: Template) -> dict[str, str]:
    imports: dict[str, set[str]] = defaultdict(set)
    for policy in (policy for template in templates for policy in template.policies):
        targets = dict.fromkeys(grant.target for grant in policy.grants if grant.target)
        found = dict.fromkeys(name for s in policy.statements for p in s.resources for name in IMPORT.findall(p))
        if len(targets) == len(found):
            for target, name in zip(targets, found, strict=True):
                imports[target].add(name)
    names = [(name, target) for target, found in imports.items() if len(found) == 1 for name in found]
    plain = [(name, target) for name, target in names if TARGET.fullmatch(target)]
    return {name: target for name, target in plain if [each for each, _ in names].count(name) == 1}


def column(line: Line) -> str:
    """Return the AWS service of a line, or how many, or "" if the text says it."""
    plain = [service for service in line.aws_services if not is_wildcard(service)] or line.aws_services
    return f"{len(plain)} services" if len(plain) > 1 else "".join(plain)


@lru_cache  # of many services, many change alike
def _actions_text(actions: frozenset[str]) -> str:
    """Say which actions: a pattern that is exactly these, up to two names, or how many."""
    plain = set(real(actions))
    if not plain:
        return f"what AWS may add to {enumerate_text(sorted(actions), most=3)}"
    if "*" in actions:
        missing = len(expand("*") - plain)
        return "every action of every AWS service" + (f" but {missing:,}" if missing else "")
    for pattern in sorted(actions - plain):
        if expand(pattern) == plain:
            return pattern
    if len({service_of(action) for action in plain}) > 1:
        return f"{len(plain)} actions ({_by_service(actions)})"
    few = 2
    return number(len(plain), "action") if len(plain) > few else enumerate_text(brief(plain))


def _by_service(actions: frozenset[str]) -> str:
    """Say how many actions of which AWS services, whole services first."""
    by_service: dict[str, set[str]] = defaultdict(set)
    for action in actions:
        by_service[service_of(action)].add(action)
    said = []
    for service, some in by_service.items():
        text, few = _actions_text(frozenset(some)), real(some) or tuple(some)
        whole = is_wildcard(text)
        said.append(
            (not whole, service, text if whole else few[0] if len(few) == 1 else f"{len(few)} {service} actions")
        )
    return enumerate_text((text for _, _, text in sorted(said)), of=" AWS services")


def _places(rules: Rules, noun: str, names: dict[str, str] | None) -> str:
    return enumerate_text(sorted(_place(rule, noun, names) for rule in rules))


def _place(rule: Rule, noun: str, names: dict[str, str] | None) -> str:
    """Say which resources a rule is about; without `names`, in full."""
    full = names is None
    where = sorted(pattern if full else resource_text(pattern, noun, names) for pattern in rule.resources)
    if full:
        return UNKNOWN_KIND.sub(lambda match: match[1], _qualified(rule, enumerate_text(where), "everything but "))
    return bare(_qualified(rule, enumerate_text(where), "everything but "))


@lru_cache
def _resource_noun(actions: frozenset[str]) -> str:
    """Return the one type of resource that the actions work on ("queue"), else "resource"."""
    types = list(filter(None, map(resource_types, actions)))
    common = frozenset.intersection(*types) if types else frozenset()
    return min(common) if len(common) == 1 else "resource"

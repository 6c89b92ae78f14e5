"""Compare what two sets of statements allow: access, not text.

    compare(statements_before, statements_after)  # [] = the same access, however it is written

Every resource pattern of both sides reads one resource together, letter by letter, as a nondeterministic automaton;
in each state that can be reached, what one side allows and the other does not is seen. So reordering, splitting and
merging change nothing, and nothing that grows is missed. What cannot be decided ("cannot tell") counts as widened.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from taskroles.access.actions import expand
from taskroles.access.patterns import Letters, action_matches, is_wildcard, letters, meet, unknown
from taskroles.access.reading import UNKNOWN, UNKNOWN_KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from taskroles.access.reading import Statement

OTHER = "\N{REPLACEMENT CHARACTER}"  # stands for any character that no pattern names
MOST_STATES = 20_000  # typical comparisons need hundreds; patterns that need more are answered "cannot tell"
CANNOT_TELL = "cannot tell"

Growth = Literal["", "possible", "certain"]
State = frozenset[tuple[int, int]]  # (which pattern, how many of its letters are matched)


class Rule(NamedTuple):
    """What one statement says of one action: one resource pattern, or all of NotResource (negated)."""

    effect: str
    resources: frozenset[str]
    negated: bool
    condition: str


Rules = frozenset[Rule]


class Change(NamedTuple):
    """How the access to one action changes: kind is granted, revoked, narrowed or widened.

    An action that is a pattern ("sqs:*") stands for those that AWS may add. A reason that begins with "cannot tell"
    marks what is undecidable here and is counted as widened.
    """

    action: str
    kind: str
    before: Rules
    after: Rules
    reason: str = ""


def compare(before: Iterable[Statement], after: Iterable[Statement]) -> list[Change]:
    """Compare what two sets of statements allow; [] if they allow the same.

    Per action, the sets of requests (resource, condition) that are allowed are compared. A grant lost here and one
    gained there of the same action are two changes. A Deny that shrinks counts as widened even if these statements
    alone do not allow the action: another policy of the role may.
    """
    old, new = rules_of_both(before, after)
    pairs = {action: (old.get(action, frozenset()), new.get(action, frozenset())) for action in old.keys() | new.keys()}
    verdicts = {pair: _verdict(*pair) for pair in set(pairs.values())}
    return [Change(a, kind, *pairs[a], reason) for a in sorted(pairs) for kind, reason in verdicts[pairs[a]]]


# --- actions --------------------


def rules_of_both(before: Iterable[Statement], after: Iterable[Statement]) -> tuple[dict[str, Rules], dict[str, Rules]]:
    """Map, for either side, each action that its statements speak of to their rules for it.

    Patterns are expanded to the actions that exist, and every pattern of either side stands beside them for what
    AWS may add: a list of all of today's actions is not `sqs:*`.
    """
    sides = list(before), list(after)
    both = [statement for side in sides for statement in side]
    named = {pattern for s in both for pattern in (*s.actions, *s.not_actions)}
    if any(s.not_actions for s in both):
        named.add("*")
    open_ended = {pattern.lower() for pattern in named if is_wildcard(pattern) or not expand(pattern)}
    everything = open_ended.union(*map(expand, named))
    old, new = (_rules_by_action(side, everything, open_ended) for side in sides)
    return old, new


def _rules_by_action(statements: list[Statement], everything: set[str], open_ended: set[str]) -> dict[str, Rules]:
    speakers = dict.fromkeys(everything, 0)  # a bit for each statement: of 20,000 actions, few differ
    for bit, s in enumerate(statements):
        covered = {action for p in s.actions or s.not_actions for action in _spoken_of(p, open_ended)}
        for action in covered if s.actions else everything - covered:
            speakers[action] |= 1 << bit
    said = {
        bits: frozenset(rule for bit, s in enumerate(statements) if bits >> bit & 1 for rule in _rules(s))
        for bits in set(speakers.values())
    }
    return {action: said[bits] for action, bits in speakers.items() if bits}


def _spoken_of(pattern: str, open_ended: set[str]) -> Iterator[str]:
    yield from expand(pattern)
    yield from (other for other in open_ended if action_matches(pattern, other))


def _rules(s: Statement) -> Iterator[Rule]:
    yield from (Rule(s.effect, frozenset([r]), negated=False, condition=s.condition) for r in s.resources)
    if s.not_resources:
        yield Rule(s.effect, frozenset(s.not_resources), negated=True, condition=s.condition)


# --- the rules for one action --------------------


@lru_cache(maxsize=4096)  # services are much alike
def _verdict(before: Rules, after: Rules) -> tuple[tuple[str, str], ...]:
    """Return (kind, reason) of each change: none, one, or one that grows and one that shrinks."""
    if before == after:
        return ()
    if unknown := {UNKNOWN_KIND.search(text) for text in _texts(before ^ after) if UNKNOWN in text}:
        kinds = {match[1] if match else "an unknown value" for match in unknown}
        return (("widened", f"{CANNOT_TELL}: what {min(kinds)} means"),)
    grows = _change(before, after, "granted", "widened")
    shrinks = _change(after, before, "revoked", "narrowed")
    if not shrinks:
        return (grows,) if grows else ()
    kind, reason = shrinks
    if not reason.startswith(CANNOT_TELL):
        reason = ""  # why it grew in the other direction
    elif grows and grows[1].startswith(CANNOT_TELL):
        return (grows,)  # said already
    return (grows, (kind, reason)) if grows else ((kind, reason),)


def _change(old: Rules, new: Rules, more: str, wider: str) -> tuple[str, str] | None:
    """Return how and why new allows more than old: the word `more` for access that was not there, else `wider`."""
    growth = _growth(old, new)
    undenied = _growth(_denied(new), _denied(old))  # a Deny that went, whatever it denied
    added, had = ({r for r in some if r.effect == "Allow"} for some in (new - old, old))
    conditions = {r.condition for r in added | had}
    dropped = {h.condition for h in had if h.condition} - {a.condition for a in added}
    if not growth and not undenied:
        return None
    if (growth or undenied) == "possible":
        why = "conditions differ" if len(conditions) > 1 else "a Deny or NotResource meets a name known only to AWS"
        return wider, f"{CANNOT_TELL}: {why}"
    if undenied:
        return wider, "a Deny was dropped"
    apart = bool(added) and not (_growth(frozenset(), old) and any(_includes(a, h) for a in added for h in had))
    reason = f"condition dropped: {min(dropped)}" if dropped and "" in {a.condition for a in added} else ""
    return more if apart else wider, reason


def _texts(rules: Rules) -> Iterator[str]:
    """Yield the resources and conditions of rules."""
    for rule in rules:
        yield from (rule.condition, *rule.resources)


def _denied(rules: Rules) -> Rules:
    return frozenset(r._replace(effect="Allow") for r in rules if r.effect == "Deny")


def _includes(wide: Rule, narrow: Rule) -> bool:
    """Tell whether a rule is about all resources that another is about."""
    return not _growth(*(frozenset([r._replace(effect="Allow", condition="")]) for r in (wide, narrow)))


# --- the automaton --------------------


@lru_cache(maxsize=4096)
def _growth(old: Rules, new: Rules) -> Growth:
    """Tell whether some request is allowed by new and not by old; "" proves that there is none."""
    texts = sorted({text for rule in old | new for text in rule.resources})
    patterns = tuple(map(letters, texts))
    allowing = [r for r in new if r.effect == "Allow"]
    endless = any(r.negated for r in allowing)
    useful = {texts.index(text) for r in allowing for text in r.resources}
    start = _skip_stars({(k, 0) for k in range(len(patterns))}, patterns)
    queue, seen, worst = [start], {start}, ""
    while queue:
        state = queue.pop()
        matched = {texts[k] for k, i in state if i == len(patterns[k])}
        here = _growth_here(*([r for r in side if bool(r.resources & matched) != r.negated] for side in (old, new)))
        if here == "certain":
            return here
        worst = worst or here
        expected = {patterns[k][i] for k, i in state if i < len(patterns[k])} - {"*", "?"}
        for letter in (*expected, OTHER):
            reached = _step(state, letter, patterns)
            if reached not in seen and (endless or any(k in useful for k, _ in reached)):
                seen.add(reached)
                queue.append(reached)
        if len(seen) > MOST_STATES:
            return "possible"
    return worst or ("possible" if _hidden_meeting(old | new) else "")


def _step(state: State, letter: str, patterns: tuple[Letters, ...]) -> State:
    reached = set()
    for k, i in state:
        expected = patterns[k][i] if i < len(patterns[k]) else ""
        if expected == "*":
            reached.add((k, i))
        elif expected == letter or (expected == "?" and len(letter) == 1):
            reached.add((k, i + 1))
    return _skip_stars(reached, patterns)


def _skip_stars(state: set[tuple[int, int]], patterns: tuple[Letters, ...]) -> State:
    """Add the states after each `*`, which may stand for nothing."""
    todo = list(state)
    while todo:
        k, i = todo.pop()
        if patterns[k][i : i + 1] == ("*",):
            state.add((k, i + 1))
            todo.append((k, i + 1))
    return frozenset(state)


def _growth_here(old: list[Rule], new: list[Rule]) -> Growth:
    """Tell whether new allows more than old, of the rules that are about one and the same resource.

    Conditions are true or false independently: each is tried as the only one that holds, and that is certain to
    happen if there is no other. That a conditional Deny of old might be what forbids it is left out: `_change`
    reports every Deny that shrinks.
    """
    conditions = {r.condition for r in (*old, *new)} - {""}
    found = {
        "possible" if one and len(conditions) > 1 else "certain"
        for one in {r.condition for r in new if r.effect == "Allow"}
        if _allowed(new, {"", one}) and not _allowed(old, {"", one})
    }
    return "certain" if "certain" in found else "possible" if found else ""


def _allowed(rules: list[Rule], true: set[str]) -> bool:
    effects = {r.effect for r in rules if r.condition in true}
    return "Allow" in effects and "Deny" not in effects


def _hidden_meeting(rules: Rules) -> bool:
    """Tell whether a pattern of a Deny or NotResource could match another one only through a `${...}`'s value."""
    texts = {text for r in rules for text in r.resources}
    negative = {text for r in rules if r.negated or r.effect == "Deny" for text in r.resources}
    return any(_may_be_alike(one, other) for one in negative for other in texts - {one})


def _may_be_alike(one: str, other: str) -> bool:
    left, right = letters(one), letters(other)
    if max(map(len, left + right), default=0) <= 1 or not meet(unknown(left), unknown(right)):
        return False
    rules = [Rule("Allow", frozenset([text]), negated=False, condition="") for text in (one, other)]
    return not (_includes(*rules) or _includes(*reversed(rules)))

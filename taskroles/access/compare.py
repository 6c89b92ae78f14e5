"""Compare what two sets of statements allow: access, not text.

    compare(statements_before, statements_after)  # [] = the same access, however it is written

All resource patterns of both sides read one resource together, as an automaton; wherever some of them match, what one
side allows there and the other does not is seen. So reordering, splitting and merging change nothing, and nothing
that grows is missed. What cannot be decided ("cannot tell") counts as widened.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple

from taskroles.access.actions import expand, size_of_service
from taskroles.access.automaton import OTHER, TooMuch, Work, matched_together
from taskroles.access.canonical import UNKNOWN, UNKNOWN_KIND
from taskroles.access.conditions import ALWAYS, Condition, alternatives, implies, spelled
from taskroles.access.examples import tells_apart
from taskroles.access.meeting import may_meet
from taskroles.access.patterns import action_matches, action_pattern, includes, is_wildcard, letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from taskroles.access.reading import Statement

CANNOT_TELL = "cannot tell"
CONDITIONS_DIFFER = f"{CANNOT_TELL}: conditions differ"
MEETING = f"{CANNOT_TELL}: NotResource meets a name known only to AWS"
TOO_MUCH = f"{CANNOT_TELL}: more patterns than can be compared in full"

FEW, SHORT = 16, 300  # patterns, and letters of one, that are compared one by one before all of them together
MOST_EXPANDED = 2_000_000  # actions that patterns are asked of: about a second
OF_SIDES = 50  # what it costs at least to compare two sides, in positions of an automaton
OF_CONDITIONS = 2  # what it costs at least to compare two conditions, next to a position of an automaton
MOST_PAIRS = 300_000  # of patterns that are asked of each other

Growth = Literal["", "conditions", "names", "opaque", "meeting", "certain"]
# what lies between nothing and certainty, the worst last
WHY = {
    "conditions": CONDITIONS_DIFFER,
    "names": f"{CANNOT_TELL}: conditions differ by a name known only to AWS",
    "opaque": f"{CANNOT_TELL}: conditions differ by what is no condition of IAM's",
    "meeting": MEETING,
}


class Rule(NamedTuple):
    """What one statement says of one action: one resource pattern, or all of NotResource (negated)."""

    effect: str
    resources: frozenset[str]
    negated: bool
    condition: Condition


Rules = frozenset[Rule]
NONE: Rules = frozenset()


@lru_cache(maxsize=1024)
def without(rules: Rules, others: Rules) -> Rules:
    """Return rules but others; of 20,000 actions most have the very same ones."""
    return rules - others


class Change(NamedTuple):
    """How the access to one action changes: kind is granted, revoked, narrowed or widened.

    An action that is a pattern ("sqs:*") stands for those that AWS may add, "sqs:get* & sqs:*tags" for those that both
    match. A reason that begins with "cannot tell" marks what is undecidable here and is counted as widened.
    """

    action: str
    kind: str
    before: Rules
    after: Rules
    reason: str = ""

    @property
    def is_undecided(self) -> bool:
        """Tell whether the change may be none: the same access under conditions that cannot be compared."""
        return self.reason == CONDITIONS_DIFFER


def compare(before: Iterable[Statement], after: Iterable[Statement]) -> list[Change]:
    """Compare what two sets of statements allow; [] if they allow the same.

    Per action, the sets of requests (resource, condition) that are allowed are compared. A grant lost here and one
    gained there of the same action are two changes. A Deny that shrinks counts as widened even if these statements
    alone do not allow the action: another policy of the role may.
    """
    return compared(before, after)[0]


def compared(
    before: Iterable[Statement], after: Iterable[Statement]
) -> tuple[list[Change], tuple[dict[str, Rules], dict[str, Rules]]]:
    """Return what `compare` does, and the rules of either side (see `rules_of_both`); none if these were too much."""
    before, after = list(before), list(after)
    differ = {s[:6] for s in before} != {s[:6] for s in after}  # in more than their places
    try:
        old, new = rules_of_both(before, after)
    except TooMuch:
        return ([Change("*", "widened", NONE, NONE, TOO_MUCH)] if differ else []), ({}, {})
    work = Work()
    pairs = {action: (old.get(action, NONE), new.get(action, NONE)) for action in old.keys() | new.keys()}
    verdicts = {pair: _verdict(*pair, work) for pair in set(pairs.values())}
    found = [Change(a, kind, *pairs[a], reason) for a in sorted(pairs) for kind, reason in verdicts[pairs[a]]]
    if differ and not _future_actions(_named([*before, *after]))[1]:
        found.append(Change("*", "widened", NONE, NONE, TOO_MUCH))
    return found, (old, new)


# --- actions --------------------


def rules_of_both(before: Iterable[Statement], after: Iterable[Statement]) -> tuple[dict[str, Rules], dict[str, Rules]]:
    """Map, for either side, each action that its statements speak of to their rules for it.

    Patterns are expanded to the actions that exist. Beside them stand actions that AWS may add: one for each set of
    patterns of both sides that match it together, so that a list of all of today's actions is not `sqs:*`. May raise
    TooMuch.
    """
    sides = list(before), list(after)
    named = _named([statement for side in sides for statement in side])
    Work(MOST_EXPANDED).spend(sum(map(size_of_service, named)))
    future, _ = _future_actions(named)
    today = frozenset().union(*map(expand, named)) if named else frozenset()
    old, new = (_rules_by_action(side, today, future) for side in sides)
    return old, new


def _named(statements: list[Statement]) -> frozenset[str]:
    """Return all patterns of actions that statements name, in small letters."""
    named = {action_pattern(written) for s in statements for written in (*s.actions, *s.not_actions)}
    return frozenset(named | {"*"} if any(s.not_actions for s in statements) else named)


@lru_cache(maxsize=1024)
def _future_actions(named: frozenset[str]) -> tuple[dict[str, frozenset[str]], bool]:
    """Return actions that do not exist, by a name that says which patterns match them: those patterns.

    And whether these are all: too many patterns are not read together.
    """
    wild = sorted(pattern for pattern in named if is_wildcard(pattern))
    if len(wild) * len(named) > MOST_PAIRS:
        return {}, False
    found = {pattern: frozenset([pattern, *(w for w in wild if action_matches(w, pattern))]) for pattern in named}
    found = {pattern: by for pattern, by in found.items() if is_wildcard(pattern) or not expand(pattern)}
    together = set(found.values())
    try:
        sets = list(matched_together(wild, Work()))
    except TooMuch:
        return found, False
    for indices in sets:
        patterns = frozenset(wild[k] for k in indices)
        if patterns and patterns not in together:
            narrow = [p for p in sorted(patterns) if not any(q != p and action_matches(p, q) for q in patterns)]
            found[" & ".join(narrow)] = patterns
    return found, True


def _rules_by_action(
    statements: list[Statement], today: frozenset[str], future: dict[str, frozenset[str]]
) -> dict[str, Rules]:
    groups: dict[tuple[bool, frozenset[str]], list[Rule]] = {}  # what statements about the same actions say
    for s in statements:
        patterns = frozenset(map(action_pattern, s.actions or s.not_actions))
        groups.setdefault((bool(s.actions), patterns), []).extend(_rules(s))
    speakers = dict.fromkeys((*today, *future), 0)  # a bit for each group: of 20,000 actions, few differ
    always = 0  # the groups that speak of all actions but those whose bits are turned
    for bit, (positive, patterns) in enumerate(groups):
        if "*" in patterns:
            always |= positive << bit
            continue
        always |= (not positive) << bit
        covered = {action for pattern in patterns for action in expand(pattern)}
        covered |= {name for name, by in future.items() if not patterns.isdisjoint(by)}
        for action in covered:
            speakers[action] |= 1 << bit
    speakers = {action: bits ^ always for action, bits in speakers.items()}
    said = {
        bits: frozenset(rule for bit, rules in enumerate(groups.values()) if bits >> bit & 1 for rule in rules)
        for bits in set(speakers.values())
    }
    return {action: said[bits] for action, bits in speakers.items() if bits}


def _rules(s: Statement) -> Iterable[Rule]:
    yield from (Rule(s.effect, frozenset([r]), negated=False, condition=s.condition) for r in s.resources)
    if s.not_resources:
        yield Rule(s.effect, frozenset(s.not_resources), negated=True, condition=s.condition)


# --- the rules for one action --------------------


Verdict = tuple[tuple[str, str], ...]
_known: dict[tuple[Rules, Rules], Verdict] = {}  # services are much alike; what was too much is not kept
MOST_KNOWN = 20_000


def _verdict(before: Rules, after: Rules, work: Work) -> Verdict:
    """Return (kind, reason) of each change: none, one, or one that grows and one that shrinks."""
    if before == after:
        return ()
    if (before, after) not in _known:
        if len(_known) > MOST_KNOWN:
            _known.clear()
        try:
            _known[before, after] = _decided(before, after, work)
        except TooMuch:
            return (("widened", TOO_MUCH),)
    return _known[before, after]


def _decided(before: Rules, after: Rules, work: Work) -> Verdict:
    unknown_ones = {UNKNOWN_KIND.search(text) for text in _texts(before ^ after) if UNKNOWN in text}
    if unknown_ones and not _only_shrinks(before, after, work):
        kinds = {match[1] if match else "an unknown value" for match in unknown_ones}
        return (("widened", f"{CANNOT_TELL}: what {min(kinds)} means"),)
    grows = _change(before, after, ("granted", "widened"), work)
    shrinks = _change(after, before, ("revoked", "narrowed"), work)
    if not shrinks:
        return (grows,) if grows else ()
    kind, reason = shrinks
    if reason.startswith(CANNOT_TELL) and grows and grows[1].startswith(CANNOT_TELL):
        return (grows,)  # said already
    reason = ""  # why it grew in the other direction; and where nothing grows, less at the most is less
    return (grows, (kind, reason)) if grows else ((kind, reason),)


def _change(old: Rules, new: Rules, words: tuple[str, str], work: Work) -> tuple[str, str] | None:
    """Return how and why new allows more than old: the first word for access that was not there, else the second."""
    growth = _growth(old, new, work)
    undenied = _growth(_denied(new), _denied(old), work)  # a Deny that went, whatever it denied
    if not growth and not undenied:
        return None
    added, had = ({r for r in some if r.effect == "Allow"} for some in (new - old, old))
    if "certain" not in (growth, undenied):
        return words[1], WHY[max(growth, undenied, key=["", *WHY].index)]
    if growth != "certain":
        return words[1], "a Deny was dropped"
    dropped = {h.condition for h in had if h.condition} - {a.condition for a in added}
    reason = (
        f"condition dropped: {min(map(spelled, dropped))}" if dropped and ALWAYS in {a.condition for a in added} else ""
    )
    apart = bool(added) and not (_growth(NONE, old, work) and any(_includes(a, h, work) for a in added for h in had))
    return words[0] if apart else words[1], reason


def _texts(rules: Rules) -> Iterable[str]:
    """Yield the resources and conditions of rules."""
    for rule in rules:
        yield from (spelled(rule.condition), *rule.resources)


def _denied(rules: Rules) -> Rules:
    return frozenset(r._replace(effect="Allow") for r in rules if r.effect == "Deny")


def _includes(wide: Rule, narrow: Rule, work: Work) -> bool:
    """Tell whether a rule is about all resources that another is about."""
    return not _growth(*(frozenset([r._replace(effect="Allow", condition=ALWAYS)]) for r in (wide, narrow)), work)


def _growth(old: Rules, new: Rules, work: Work) -> Growth:
    """Tell whether some request is allowed by new and not by old; "" proves that there is none.

    That a Deny of old might be what forbids it is left out: `_change` reports every Deny that shrinks.
    """
    work.spend(OF_SIDES + len(old) + len(new))
    had = _by_condition(r for r in old if r.effect == "Allow")
    allowing = _uncovered(_by_condition(r for r in new if r.effect == "Allow"), had, work)
    if not allowing:
        return ""
    denying = _by_condition(r for r in new if r.effect == "Deny")
    rules = allowing | had | denying
    texts = sorted({text for rule in rules for text in rule.resources})
    index = {text: k for k, text in enumerate(texts)}
    useful = {index[text] for r in allowing for text in r.resources}
    endless = any(r.negated for r in allowing)
    about = {rule: frozenset(index[text] for text in rule.resources) for rule in rules}
    worst: Growth = ""
    likely = _likely(texts, useful)
    for matched in chain(
        likely, matched_together(texts, work, None if endless else lambda left: not useful.isdisjoint(left))
    ):
        sides = ((r for r in side if bool(about[r] & matched) != r.negated) for side in (allowing, had | denying))
        here = _growth_here(*({r.condition for r in side} for side in sides), work)
        if here == "certain":
            return here
        worst = max(worst, here, key=["", *WHY].index)
    if not any(r.negated for r in had | denying):
        return worst
    positive = [r for r in had if not r.negated]
    work.spend(OF_CONDITIONS * len(positive) * len(allowing))
    beyond = {
        r for r in allowing if not any(implies(r.condition, h.condition) and _includes(h, r, work) for h in positive)
    }
    return "meeting" if beyond and _hidden_meeting(beyond, had | denying) else worst


def _hidden_meeting(allowing: Rules, others: Rules) -> bool:
    """Tell whether a pattern of NotResource could match one that matters here, only through a `${...}`'s value."""
    left_out = {text for r in others if r.negated for text in r.resources}
    allowed = None if any(r.negated for r in allowing) else {text for r in allowing for text in r.resources}
    return may_meet(left_out, allowed)


def _likely(texts: list[str], useful: set[int]) -> Iterator[frozenset[int]]:
    """Yield which of a few patterns match what one of the useful ones matches in the simplest way: most growth is there."""
    patterns = [letters(text) for text in texts]
    if len(texts) <= FEW and max(map(len, patterns), default=0) <= SHORT:
        for k in useful:
            text = tuple(OTHER if letter in ("*", "?") else letter for letter in patterns[k])
            yield frozenset(other for other, pattern in enumerate(patterns) if includes(pattern, text))


def _by_condition(rules: Iterable[Rule]) -> Rules:
    """Return rules of which one holds exactly if one of these does, each of one alternative of its condition."""
    return frozenset(r._replace(condition=each) for r in rules for each in alternatives(r.condition))


def _uncovered(rules: Rules, had: Rules, work: Work) -> Rules:
    """Leave out the rules that one of `had` covers for itself, whatever a `${...}` in them stands for."""
    by_resources: dict[tuple[frozenset[str], bool], list[Condition]] = {}
    for r in had:
        by_resources.setdefault((r.resources, r.negated), []).append(r.condition)
    negated = {where: conditions for (where, is_negated), conditions in by_resources.items() if is_negated}
    wider = [where for where, is_negated in by_resources if not is_negated] if len(by_resources) <= FEW else []

    def is_covered(r: Rule) -> bool:
        places = [each for each in negated if _all_included(each, r.resources)] if r.negated else [r.resources]
        if not r.negated:
            places += [each for each in wider if each != r.resources and _all_included(r.resources, each)]
        known = [each for where in places for each in by_resources.get((where, r.negated), ())]
        work.spend(_cost(r.condition, known))
        return any(implies(r.condition, each) for each in known)

    return frozenset(r for r in rules - had if not is_covered(r))


def _all_included(resources: frozenset[str], wide: frozenset[str]) -> bool:
    """Tell whether each of a few resources is one that a pattern of `wide` matches whole; maybe they are all the same."""
    return resources <= wide or (
        len(resources) + len(wide) <= FEW
        and all(any(_is_included(each, pattern) for pattern in wide) for each in resources)
    )


@lru_cache(maxsize=4096)
def _is_included(text: str, pattern: str) -> bool:
    wide, narrow = letters(pattern), letters(text)
    return UNKNOWN not in text and max(len(wide), len(narrow)) <= SHORT and includes(wide, narrow)


def _only_shrinks(old: Rules, new: Rules, work: Work) -> bool:
    """Tell whether each rule of new is there in old, and each Deny of old in new, maybe under fewer conditions."""
    sides = (old, new), (_denied(new), _denied(old))
    allowed = ([_by_condition(r for r in rules if r.effect == "Allow") for rules in pair] for pair in sides)
    return not any(_uncovered(more, had, work) for had, more in allowed)


def _growth_here(new: set[Condition], others: set[Condition], work: Work) -> Growth:
    """Tell whether one of the conditions of new can hold where none of the others does: those had, and those denied."""
    worst: Growth = ""
    for condition in new:
        if condition in others:
            continue
        work.spend(_cost(condition, others))
        if any(implies(condition, each) for each in others):
            continue
        if not others or tells_apart(condition, others, work):
            return "certain"
        parts = [part for each in (condition, *others) for part in each]
        named = any("${" in value for part in parts for value in part.values)
        here = "opaque" if any(part.is_opaque for part in parts) else "names" if named else "conditions"
        worst = max(worst, here, key=["", *WHY].index)
    return worst


def _cost(condition: Condition, others: Iterable[Condition]) -> int:
    """Return what it costs to compare a condition with others, in positions of an automaton."""
    return sum(OF_CONDITIONS + len(condition) * len(each) for each in others)

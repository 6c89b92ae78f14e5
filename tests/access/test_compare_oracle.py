"""The verdict against IAM by brute force: every action of two services, every short resource, every condition."""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskroles.access import actions
from taskroles.access.compare import compare
from taskroles.access.conditions import ALWAYS, opaque
from taskroles.access.patterns import letters
from taskroles.access.reading import Statement

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

ACTIONS = sorted(actions.expand("sqs:*") | actions.expand("ec2messages:*"))
TEXTS = ["".join(letters) for size in range(6) for letters in itertools.product("abc", repeat=size)]
CONDITIONS = {name: frozenset([opaque(name)]) for name in ("c", "d")}


@pytest.fixture(scope="module", autouse=True)
def two_services() -> Iterator[None]:
    """Let no other service exist: the same code, without expanding `*` to 20,000 actions a thousand times."""
    with pytest.MonkeyPatch.context() as patch:
        some = {prefix: actions.lines_by_prefix()[prefix] for prefix in ("sqs", "ec2messages")}
        patch.setattr(actions, "lines_by_prefix", lambda: some)
        actions.expand.cache_clear()
        yield
    actions.expand.cache_clear()


@cache
def resources_matching(pattern: str) -> frozenset[str]:
    regex = re.compile(re.escape(pattern).replace(r"\*", "[abc]*").replace(r"\?", "[abc]"))
    return frozenset(filter(regex.fullmatch, TEXTS))


@cache
def actions_matching(pattern: str) -> set[str]:
    regex = re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)
    return set(filter(regex.fullmatch, ACTIONS))


def oracle(statements: list[Statement]) -> dict[tuple[str, frozenset[str]], frozenset[str]]:
    """Return the resources that are allowed, for each action and each choice of true conditions."""
    answer = {}
    for action in ACTIONS:
        for names in map(frozenset, ([], ["c"], ["d"], ["c", "d"])):
            true = {ALWAYS, *(CONDITIONS[name] for name in names)}
            sets: dict[str, set[str]] = {"Allow": set(), "Deny": set()}
            for s in statements:
                named = any(action in actions_matching(p) for p in s.actions or s.not_actions)
                if named == bool(s.actions) and s.condition in true:
                    covered = set().union(*map(resources_matching, s.resources or s.not_resources))
                    sets[s.effect] |= covered if s.resources else set(TEXTS) - covered
            answer[action, names] = frozenset(sets["Allow"] - sets["Deny"])
    return answer


action_patterns = st.sampled_from(
    [
        "sqs:SendMessage",
        "sqs:Send*",
        "SQS:*",
        "sqs:*Message",
        "sqs:?ag*",
        "*",
        "ec2messages:*",
        "sqs:getqueueurl",
    ]
)
resource_patterns = st.text("ab*?", max_size=3)
IMPORTS = ["${import P}", "${import Q}"]
symbolic_patterns = st.lists(st.sampled_from([*"ab*?", *IMPORTS]), max_size=3).map("".join)


@st.composite
def statements_of(draw: st.DrawFn, patterns: st.SearchStrategy[str] = resource_patterns) -> Statement:
    actions = tuple(draw(st.lists(action_patterns, min_size=1, max_size=2)))
    where = tuple(draw(st.lists(patterns, min_size=1, max_size=2)))
    negated = [draw(st.integers(0, 4)) == 0 for _ in range(2)]
    return Statement(
        draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        () if negated[0] else actions,
        actions if negated[0] else (),
        () if negated[1] else where,
        where if negated[1] else (),
        draw(st.sampled_from([ALWAYS, ALWAYS, ALWAYS, *CONDITIONS.values()])),
    )


policies = st.lists(statements_of(), max_size=4)
symbolic_policies = st.lists(statements_of(symbolic_patterns), max_size=3)


@st.composite
def pairs_of(draw: st.DrawFn, some: st.SearchStrategy[list[Statement]]) -> tuple[list[Statement], list[Statement]]:
    """Return two policies: any two, or one and what is left of it where each list in it may lose something."""
    before = draw(some)
    if draw(st.booleans()):
        return before, draw(some)
    after = [
        s._replace(**{name: listed[: draw(st.integers(1, len(listed)))] for name, listed in lists_of(s).items()})
        for s in before
    ]
    return (before, after) if draw(st.booleans()) else (after, before)


def lists_of(s: Statement) -> dict[str, tuple[str, ...]]:
    """Return the lists of a statement that are not empty."""
    lists = {name: getattr(s, name) for name in ("actions", "not_actions", "resources", "not_resources")}
    return {name: listed for name, listed in lists.items() if listed}


import_values = st.fixed_dictionaries({name: st.text("abc", min_size=1, max_size=2) for name in IMPORTS})


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(pairs_of(policies))
def test_the_verdict_agrees_with_brute_force_over_all_actions_and_resources(
    pair: tuple[list[Statement], list[Statement]],
) -> None:
    before, after = pair
    old, new = oracle(before), oracle(after)
    changes = compare(before, after)
    for kinds_of, less, more in ((("granted", "widened"), old, new), (("revoked", "narrowed"), new, old)):
        truth = {action for (action, true) in more if more[action, true] - less[action, true]}
        said = {c.action for c in changes if c.kind in kinds_of}
        sure = {c.action for c in changes if c.kind == kinds_of[0] and not c.reason} & set(ACTIONS)
        assert sure <= truth
        if kinds_of[0] == "granted":
            assert truth <= said
        else:
            assert truth <= said | {c.action for c in changes if c.reason.startswith("cannot tell")}


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(pairs_of(symbolic_policies), import_values)
def test_nothing_that_grows_is_missed_whatever_the_imports_are(
    pair: tuple[list[Statement], list[Statement]], values: dict[str, str]
) -> None:
    before, after = pair

    def imported(s: Statement) -> Statement:
        texts = [tuple("".join(values.get(x, x) for x in letters(p)) for p in ps) for ps in (s[3], s[4])]
        return s._replace(resources=texts[0], not_resources=texts[1])

    old, new = (oracle([imported(s) for s in side]) for side in (before, after))
    grown = {action for (action, true) in new if new[action, true] - old[action, true]}
    assert grown <= {c.action for c in compare(before, after) if c.kind in ("granted", "widened")}


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(policies, st.randoms(use_true_random=False))
def test_splitting_merging_and_reordering_statements_never_changes_the_verdict(
    statements: list[Statement], order: random.Random
) -> None:
    split = [piece for s in statements for piece in pieces(s)] + statements[:1]
    order.shuffle(split)
    assert compare(statements, split) == compare(split, statements) == []


def pieces(s: Statement) -> list[Statement]:
    """Split a statement into one for each action and resource; what follows Not is one thing."""
    actions = [{"actions": (a,)} for a in s.actions] or [{"not_actions": s.not_actions}]
    where = [{"resources": (r,)} for r in s.resources] or [{"not_resources": s.not_resources}]
    return [Statement(s.effect, **a, **r, condition=s.condition) for a in actions for r in where]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(policies, st.sampled_from(ACTIONS))
def test_adding_an_action_that_was_not_allowed_is_always_reported(statements: list[Statement], action: str) -> None:
    allowed = [s for s in statements if s.effect == "Allow"]
    after = [*allowed, Statement("Allow", (action,), resources=("ca",))]
    if not any("ca" in oracle(allowed)[action, frozenset(c)] for c in ([], ["c", "d"])):
        assert any(c.action == action and c.kind in ("granted", "widened") for c in compare(allowed, after))

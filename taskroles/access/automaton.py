"""Read one text with many patterns at once, letter by letter: what can match together, and what cannot.

The patterns are a nondeterministic automaton; its states that can be reached are visited one by one. The work is
bounded, whatever the patterns are: what exceeds it raises TooMuch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskroles.access.patterns import letters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from taskroles.access.patterns import Letters

    State = frozenset[tuple[int, int]]  # (which pattern, how many of its letters are matched)

OTHER = "\N{REPLACEMENT CHARACTER}"  # stands for any character that no pattern names
MOST_WORK = 1_500_000  # positions looked at in one comparison: about a second


class TooMuch(Exception):
    """Patterns that take more work than is allowed to compare."""


class Work:
    """How much work is left for one comparison."""

    def __init__(self, most: int = MOST_WORK) -> None:
        self.left = most

    def spend(self, positions: int) -> None:
        """Take some; raise TooMuch if there is none left."""
        self.left -= positions
        if self.left < 0:
            raise TooMuch


def matched_together(
    texts: list[str], work: Work, is_of_interest: Callable[[set[int]], bool] | None = None
) -> Iterator[frozenset[int]]:
    """Yield each set of patterns, by index, that all match one and the same text, which no other of them matches.

    `is_of_interest` tells of the patterns that can still match whether it is worth to go on.
    """
    patterns = [letters(text) for text in texts]
    start = _skip_stars({(k, 0) for k in range(len(patterns))}, patterns)
    queue, seen, yielded = [start], {start}, set()
    while queue:
        state = queue.pop()
        matched = frozenset(k for k, i in state if i == len(patterns[k]))
        if matched not in yielded:
            yielded.add(matched)
            yield matched
        expected = {patterns[k][i] for k, i in state if i < len(patterns[k])} - {"*", "?"}
        work.spend(len(state) * (len(expected) + 1))
        for letter in (*expected, OTHER):
            reached = _step(state, letter, patterns)
            if reached not in seen and (is_of_interest is None or is_of_interest({k for k, _ in reached})):
                seen.add(reached)
                queue.append(reached)


def _step(state: State, letter: str, patterns: list[Letters]) -> State:
    reached = set()
    for k, i in state:
        expected = patterns[k][i] if i < len(patterns[k]) else ""
        if expected == "*":
            reached.add((k, i))
        elif expected == letter or (expected == "?" and len(letter) == 1):
            reached.add((k, i + 1))
    return _skip_stars(reached, patterns)


def _skip_stars(state: set[tuple[int, int]], patterns: list[Letters]) -> State:
    """Add the states after each `*`, which may stand for nothing."""
    todo = list(state)
    while todo:
        k, i = todo.pop()
        if patterns[k][i : i + 1] == ("*",) and (k, i + 1) not in state:
            state.add((k, i + 1))
            todo.append((k, i + 1))
    return frozenset(state)

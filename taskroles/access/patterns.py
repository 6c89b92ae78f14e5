"""How the patterns of IAM match: those of actions, and those of resources in canonical text (`access.canonical`).

In a resource, `${...}` stands for a text that only AWS knows. `letters` makes it one letter that equals only itself;
`unknown` makes it a wildcard, to ask what it might match. How IAM matches is from "IAM JSON policy elements: Action"
and "... Resource" in the IAM User Guide.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Letters = tuple[str, ...]
ANY_NAME = "\ue001"  # a letter that stands for any text without a colon
WITH_COLONS = ("${AWS::StackId}", "${AWS::NotificationARNs}")  # pseudo parameters that are ARNs
LITERAL = {"*": "\ue002", "?": "\ue003", "$": "$"}  # the characters themselves, where they are no wildcards


def is_wildcard(pattern: str) -> bool:
    """Tell whether an Action pattern can match more than one action."""
    return "*" in pattern or "?" in pattern


@lru_cache(maxsize=65_536)  # AWS has some 20,000 actions
def action_pattern(written: str) -> str:
    """Return an Action pattern as all are that match the same: in small letters, without a second star."""
    short = re.sub(r"\*+", "*", written.lower())
    return "*" if short == "*:*" else short


def action_matches(pattern: str, action: str) -> bool:
    """Tell whether an Action pattern matches an action, or everything that a second pattern matches."""
    return bool(glob(pattern.lower()).fullmatch(action.lower()))


def glob_matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern with `*` and `?` matches a text, or everything that a second pattern matches."""
    return bool(glob(pattern).fullmatch(text))


@cache
def glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern to one that never looks back over a `*`: the first place that fits a piece will do.

    Its `?` matches no `*`, so that patterns can be matched with each other.
    """
    first, *rest = ("".join("[^*]" if c == "?" else re.escape(c) for c in piece) for piece in pattern.split("*"))
    middle = "".join(f"(?=(?P<p{n}>.*?{piece}))(?P=p{n})" for n, piece in enumerate(filter(None, rest[:-1])))
    return re.compile(first + middle + (f".*{rest[-1]}" if rest else ""), re.DOTALL)


@cache
def letters(pattern: str) -> Letters:
    """Split canonical text into letters; a `${...}`, braces balanced, is one letter, and `${!` is the letters $ and {."""
    found: list[str] = []
    i = 0
    while i < len(pattern):
        if pattern.startswith("${!", i):
            found += ["$", "{"]
            i += 3
        elif pattern.startswith("${", i) and (end := _end(pattern, i + 2)):
            found.append(pattern[i:end])
            i = end
        else:
            found.append(pattern[i])
            i += 1
    return tuple(found)


def spelled_out(found: Iterable[str]) -> str:
    """Return the canonical text of letters: `$` and `{` side by side are no beginning of a `${...}`."""
    text, before = [], ""
    for letter in found:
        text.append("{!" if (before, letter) == ("$", "{") else letter)
        before = letter
    return "".join(text)


def _end(pattern: str, start: int) -> int:
    """Return where the `${` before `start` ends, 0 if it does not."""
    depth = 1
    for i in range(start, len(pattern)):
        depth += (pattern[i] == "{") - (pattern[i] == "}")
        if not depth:
            return i + 1
    return 0


def includes(wide: Letters, narrow: Letters) -> bool:
    """Tell whether a pattern matches a text, or everything that a second pattern matches."""
    i = j = 0
    star, after = -1, 0  # the last `*` of wide, and how far it reaches
    while j < len(narrow):
        if wide[i : i + 1] == ("*",):
            star, after, i = i, j, i + 1
        elif i < len(wide) and (wide[i] == narrow[j] or (wide[i] == "?" and narrow[j] != "*" and len(narrow[j]) == 1)):
            i, j = i + 1, j + 1
        elif star >= 0:
            after += 1
            i, j = star + 1, after
        else:
            return False
    return all(letter == "*" for letter in wide[i:])


def unknown(text: Letters) -> Letters:
    """Replace each `${...}` by what it may stand for: ANY_NAME for a pseudo parameter, anything for the others."""
    return tuple(_may_be(letter) if len(letter) > 1 else letter for letter in text)


def _may_be(letter: str) -> str:
    if letter.startswith("${literal "):
        return LITERAL[letter[10]]
    return ANY_NAME if letter.startswith("${AWS::") and letter not in WITH_COLONS else "*"


@lru_cache(maxsize=4096)
def meet(left: Letters, right: Letters) -> bool:
    """Tell whether two patterns, as letters, match some text in common."""
    queue, seen = [(0, 0)], {(0, 0)}
    while queue:
        i, j = queue.pop()
        a, b = "".join(left[i : i + 1]), "".join(right[j : j + 1])
        if not a and not b:
            return True
        steps = set()
        for wild, other, past, held in ((a, b, (i + 1, j), (i, j + 1)), (b, a, (i, j + 1), (i + 1, j))):
            if wild in ("*", ANY_NAME):
                steps |= {past, held} if other and (wild, other) != (ANY_NAME, ":") else {past}
        if a and b and (a == b or (len(a) == len(b) == 1 and "?" in a + b)):
            steps.add((i + 1, j + 1))
        queue += steps - seen
        seen |= steps
    return False

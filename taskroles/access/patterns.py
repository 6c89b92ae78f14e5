"""How the patterns of IAM match: those of actions, and those of resources in canonical text (`access.canonical`).

In a resource, `${...}` stands for a text that only AWS knows. `letters` makes it one letter that equals only itself;
`unknown` makes it a wildcard, to ask what it might match.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

Letters = tuple[str, ...]
ANY_NAME = "\ue001"  # a letter that stands for any text without a colon


def is_wildcard(pattern: str) -> bool:
    """Tell whether an Action pattern can match more than one action."""
    return "*" in pattern or "?" in pattern


def action_matches(pattern: str, action: str) -> bool:
    """Tell whether an Action pattern matches an action, or everything that a second pattern matches."""
    return bool(glob(pattern.lower()).fullmatch(action.lower()))


@cache
def glob(pattern: str) -> re.Pattern[str]:
    """Compile an Action pattern. Its `?` matches no `*`, so that patterns can be matched with each other."""
    return re.compile("".join({"*": ".*", "?": "[^*]"}.get(c, re.escape(c)) for c in pattern), re.DOTALL)


@cache
def letters(pattern: str) -> Letters:
    """Split canonical text into letters; a `${...}`, braces balanced, is one letter."""
    found, depth, token = [], 0, ""
    for i, char in enumerate(pattern):
        depth += char == "{" and (depth > 0 or pattern[i - 1 : i] == "$")
        if depth:
            token += char
            depth -= char == "}"
            if not depth:
                found[-1] += token
                token = ""
        else:
            found.append(char)
    return (*found, *token)  # an unclosed brace is plain text


def unknown(text: Letters) -> Letters:
    """Replace each `${...}` by what it may stand for: ANY_NAME for a pseudo parameter, anything for the others."""
    return tuple((ANY_NAME if x.startswith("${AWS::") else "*") if len(x) > 1 else x for x in text)


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

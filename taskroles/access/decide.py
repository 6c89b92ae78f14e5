"""Ask statements about one request, and answer as IAM does.

    decide(statements, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:orders").allowed

Where the unknown value of a `${...}` could turn an answer, the answer is None. How IAM decides is from "Policy
evaluation logic" in the IAM User Guide.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from taskroles.access.patterns import LITERAL, action_matches, letters, meet, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskroles.access.reading import Statement


class Decision(NamedTuple):
    """The answer to one request: True, False, or None where it depends on an import's value or a condition.

    `statements` are those that decide: the denying ones, else the allowing ones, else those it depends on.
    """

    allowed: bool | None
    statements: tuple[Statement, ...]


def decide(statements: Iterable[Statement], action: str, resource: str) -> Decision:
    """Decide as IAM does: an explicit Deny wins, then an Allow, else denied. `resource` is an ARN, maybe symbolic."""
    asked = symbolic(resource).translate(str.maketrans(LITERAL))  # what a request asks for has no wildcards
    found: dict[tuple[str, bool], list[Statement]] = defaultdict(list)  # (effect, whether it surely applies)
    for statement in statements:
        covered = _speaks_of(statement, action) and _covers(statement, asked)
        if covered is not False:
            found[statement.effect, bool(covered) and not statement.condition].append(statement)
    if denying := found["Deny", True]:
        return Decision(allowed=False, statements=tuple(denying))
    allowing, doubts = found["Allow", True], found["Deny", False]
    if allowing and not doubts:
        return Decision(allowed=True, statements=tuple(allowing))
    if allowing or found["Allow", False]:
        return Decision(None, tuple(doubts if allowing else doubts + found["Allow", False]))
    return Decision(allowed=False, statements=())


def symbolic(arn: str) -> str:
    """Return an ARN, maybe with canonical `${...}` in it, with its partition as canonical text has it."""
    return "arn:${AWS::Partition}:" + arn[8:] if arn.startswith("arn:aws:") else arn


def _speaks_of(statement: Statement, action: str) -> bool:
    named = any(action_matches(pattern, action) for pattern in statement.actions or statement.not_actions)
    return named == bool(statement.actions)


def _covers(statement: Statement, asked: str) -> bool | None:
    answers = {_matches(pattern, asked) for pattern in statement.resources or statement.not_resources}
    if True in answers:
        return bool(statement.resources)
    return None if None in answers else bool(statement.not_resources)


def _matches(pattern: str, asked: str) -> bool | None:
    if meet(letters(pattern), letters(asked)):
        return True
    return None if meet(unknown(letters(pattern)), unknown(letters(asked))) else False

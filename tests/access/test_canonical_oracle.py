"""Canonical text against CloudFormation's own evaluation: equal text is equal value, and one value has one text.

FUZZ=10000 tries so many of each, from recorded seeds (see `trials`).
"""

from __future__ import annotations

from typing import Any

from evaluation import Evaluation, Refused, World
from generated_values import OPEN, PIECES, pairs, spellings
from hypothesis import strategies as st
from oracle import reach
from trials import tried

from taskroles.access.canonical import UNKNOWN, as_iam_reads, canonical
from taskroles.access.patterns import letters

WORLDS = [World(seed, texts=("a", "b", "${P}", "}", "P", "")) for seed in range(4)]
SEEN = [{"aws:username": ("a",), "a": ("b",)}, {"aws:username": ("*",)}]
VARIABLES = (
    *(
        "a",
        "$",
        "{",
        "}",
        "{P}",
        "{!P}",
        "{AWS::Region}",
        "${P}",
        "${!P}",
        "${aws:username}",
        "${AWS:username}",
        "${$}",
    ),
    *(
        "${*}",
        "*",
        "?",
        "${?}",
        "${a, 'x'}",
        "${a, 'X'}",
        "${A, 'x'}",
        "${literal *}",
        "${variable a}",
        "${a}",
        "${!a}",
    ),
)


def evaluated(value: Any) -> list[Any]:
    found = []
    for world in WORLDS:
        try:
            found.append(Evaluation(OPEN, world).value(value))
        except Refused:
            found.append(None)
    return found


@tried(300, pairs())
def test_canonical_text_is_equal_only_for_equal_values_and_for_all_spellings_of_one(
    pair: tuple[Any, Any, bool],
) -> None:
    one, other, same = pair
    texts = canonical(one), canonical(other)
    if UNKNOWN in texts[0] + texts[1]:
        return
    if texts[0] == texts[1]:
        assert evaluated(one) == evaluated(other), (one, other, texts[0])
    else:
        assert not same, (one, other, texts)


@tried(300, st.lists(st.sampled_from(VARIABLES), min_size=1, max_size=3), st.data())
def test_a_resource_with_one_canonical_text_reaches_the_same_in_every_request(
    pieces: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(pieces) - 1))
    other = "".join([*pieces[:at], data.draw(st.sampled_from(VARIABLES)), *pieces[at + 1 :]])
    one = "".join(pieces)
    for variables in (False, True):
        read = [as_iam_reads(canonical(text), variables=variables) for text in (one, other)]
        if read[0] == read[1] and UNKNOWN not in read[0]:
            for seen in SEEN:
                patterns = [reach(text, seen, variables) for text in (one, other)]
                assert patterns[0] == patterns[1], (one, other, read[0])
        for name in ("P", "AWS::Region"):
            assert f"${{{name}}}" not in letters(read[0]), (one, read[0])


@tried(300, PIECES.flatmap(lambda pieces: st.tuples(spellings(pieces), spellings(pieces))))
def test_what_cannot_be_spelled_equals_itself_alone(values: tuple[Any, Any]) -> None:
    one, other = ({"Fn::If": ["C", value, "b"]} for value in values)
    assert canonical(one) == canonical({"Fn::If": ["C", values[0], "b"]})
    assert (canonical(one) == canonical(other)) == (one == other)

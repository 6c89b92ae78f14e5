"""Values of templates for property tests: the same value spelled in several ways, and values that only look alike."""

from __future__ import annotations

import re
from typing import Any

from evaluation import Evaluation, Refused, World
from hypothesis import strategies as st

PARAMETERS = ("P", "Q", "p")  # two that differ by case alone
NAMES = (*PARAMETERS, "AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::StackId", "R.Arn", "R")
OPEN = {"Resources": {}, "Parameters": {name: {"Type": "String"} for name in PARAMETERS}}
PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")

# A piece is a text, or a pair: ("ref", NAME), ("import", pieces of the export's name)
LOOKALIKES = (
    *("a", "b", "$", "{", "}", "!", "P", "${", "${P}", "${!P}", "${!", "{!P}", "P}", "!P}", "${AWS::Region}", "${!!P}"),
    *(
        "${import E}",
        "import E",
        "arn:aws:",
        "arn:",
        ":",
        "é",
        '"',
        "\\",
        "{P}",
        "${}",
        "${!}",
        "true",
        "${variable a}",
    ),
    *(
        "${aws:username}",
        "${$}",
        "${*}",
        "*",
        "?",
        "${literal *}",
        "${unknown an Fn::If: x}",
        "${ P }",
        "\U0001d7e8",
        "",
    ),
)
SYMBOLS = st.sampled_from([("ref", name) for name in NAMES])
EXPORTS = st.lists(st.sampled_from(["E", "F", "-", "x:", ("ref", "P"), ("ref", "AWS::Region")]), min_size=1, max_size=3)
IMPORTS = EXPORTS.map(lambda pieces: ("import", tuple(pieces)))
PIECES = st.lists(st.sampled_from(LOOKALIKES) | SYMBOLS | IMPORTS, min_size=1, max_size=4)


def merged(pieces: list[Any]) -> list[Any]:
    """Return pieces with neighbouring texts as one, and empty ones left out."""
    found: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return found


def function(piece: Any, draw: st.DrawFn) -> Any:
    """Return a template's value for one piece."""
    if isinstance(piece, str):
        return piece
    kind, what = piece
    if kind == "import":
        return {"Fn::ImportValue": draw(spellings(list(what)))}
    if "." not in what:
        return {"Ref": what} if draw(st.integers(0, 4)) else {"Fn::Sub": f"${{{what}}}"}
    return {"Fn::GetAtt": what.split(".")}


@st.composite
def spellings(draw: st.DrawFn, pieces: list[Any], depth: int = 2) -> Any:
    """Return a value of a template that is these pieces, one after another."""
    pieces = merged(pieces)
    how = draw(st.sampled_from(["join", "sub", "mapped", "split", "nested"]))
    if len(pieces) == 1 and (how in ("join", "nested") or not depth):
        return function(pieces[0], draw)
    if how in ("sub", "mapped"):
        value = subbed(pieces, draw, mapped=how == "mapped")
        if value is not None and means(value, pieces):
            return value
    if how == "split":
        pieces = [part for piece in pieces for part in halves(piece, draw)]
    if how == "nested" and depth and len(pieces) > 1:
        at = draw(st.integers(1, len(pieces) - 1))
        return {"Fn::Join": ["", [draw(spellings(pieces[:at], depth - 1)), draw(spellings(pieces[at:], depth - 1))]]}
    return {"Fn::Join": ["", [function(piece, draw) for piece in pieces]]}


def halves(piece: Any, draw: st.DrawFn) -> list[Any]:
    """Return a text in two parts, anything else whole."""
    if not isinstance(piece, str):
        return [piece]
    at = draw(st.integers(0, len(piece)))
    return [piece[:at], piece[at:]]


def subbed(pieces: list[Any], draw: st.DrawFn, *, mapped: bool) -> Any:
    """Return pieces as an Fn::Sub, None where one cannot be in it."""
    text, names = "", {}
    for at, piece in enumerate(pieces):
        if isinstance(piece, str) and not (mapped and draw(st.booleans())):
            text += PLACEHOLDER.sub(lambda match: f"${{!{match[1]}}}", piece)
        elif mapped:
            names[f"V{at}"] = function(piece, draw)
            text += f"${{V{at}}}"
        elif piece[0] == "ref":
            text += f"${{{piece[1]}}}"
        else:
            return None
    return {"Fn::Sub": [text, names] if mapped else text}


def text_of(pieces: Any, world: World) -> str:
    """Return the text that pieces stand for in a world."""
    evaluation = Evaluation(OPEN, world)
    found = ""
    for piece in pieces:
        if isinstance(piece, str):
            found += piece
        elif piece[0] == "import":
            found += evaluation.value({"Fn::ImportValue": text_of(piece[1], world)})
        else:
            found += evaluation.value({"Fn::GetAtt" if "." in piece[1] else "Ref": piece[1]})
    return found


def means(value: Any, pieces: list[Any]) -> bool:
    """Tell whether CloudFormation makes of a value what the pieces say: a text with braces may not survive Fn::Sub."""
    try:
        return all(Evaluation(OPEN, World(seed)).value(value) == text_of(pieces, World(seed)) for seed in range(3))
    except Refused:
        return False


def altered(draw: st.DrawFn, pieces: list[Any]) -> list[Any]:
    """Return pieces with one of them replaced by another that may look alike."""
    at = draw(st.integers(0, len(pieces) - 1))
    piece = pieces[at]
    alike: list[Any] = [draw(st.sampled_from(LOOKALIKES) | SYMBOLS | IMPORTS)]
    if isinstance(piece, tuple) and piece[0] == "ref":
        alike += [f"${{{piece[1]}}}", f"${{!{piece[1]}}}", piece[1], ("ref", piece[1].swapcase()), f"$ {{{piece[1]}}}"]
    elif isinstance(piece, str):
        alike += [piece.replace("${", "${!"), piece.replace("${!", "${"), piece.swapcase(), *pieces_in(piece)]
    return [*pieces[:at], draw(st.sampled_from(alike)), *pieces[at + 1 :]]


def pieces_in(text: str) -> list[Any]:
    """Return the symbol that a text looks like."""
    match = PLACEHOLDER.fullmatch(text)
    return [("ref", match[1])] if match and match[1] in NAMES else []


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any, bool]:
    """Return two values, and whether they are one value by construction."""
    pieces = draw(PIECES)
    same = draw(st.booleans())
    others = pieces if same else altered(draw, pieces)
    return draw(spellings(pieces)), draw(spellings(others)), merged(others) == merged(pieces)

"""Values of a template as canonical text: equal only where CloudFormation and IAM would take them as equal.

The text is that which Fn::Sub would take, so that !Sub, Fn::Join and Ref of the same thing are the same:

    ${NAME}            a parameter, a resource or an attribute, whose value only AWS knows
    ${import NAME}     what another stack exports under that name
    ${variable NAME}   a policy variable, which IAM fills in for each request
    ${unknown KIND: JSON}   what could mean anything here, equal only to itself
    ${!                the two characters $ and { themselves

`arn:aws:` is read as `arn:${AWS::Partition}:`: a stack lives in one partition.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN = "${unknown "
UNKNOWN_KIND = re.compile(r"\$\{unknown ([^{}]*?): [^{}]*\}")
SUBSTITUTED = re.compile(r"\$\{(!?)([^}]*)\}")
NAME = re.compile(r"[A-Za-z0-9]+((::|\.)[A-Za-z0-9]+)*")
EXPORT = re.compile(
    r"([A-Za-z0-9:-]|\$\{[A-Za-z0-9:.]+\})+"
)  # CreateStack: "alphanumeric characters, colons and hyphens"
VARIABLE = re.compile(r"\$\{!([^{}]*)\}")
MADE_OF_PARTS = re.compile(
    r"\$\{![^{}]*\$\{(?!!)"  # ${ ... a name
    r"|\$\$\{(?!!)"  # $ before a name
    r"|\}\{"  # a name, or a variable, before {
)
BRACES = str.maketrans("{}", "\N{MATHEMATICAL LEFT ANGLE BRACKET}\N{MATHEMATICAL RIGHT ANGLE BRACKET}")
DYNAMIC = "{{resolve:"
ARN = "arn:aws:"

LONGEST = 200_000  # characters that one value may become

Piece = tuple[str, str]  # ("text", ...) or ("symbol", the name between the braces)
Pieces = list[Piece]


def canonical(value: object) -> str:
    """Return the canonical text of a property's value."""
    pieces = merged(pieces_of(value))
    for index, (kind, text) in enumerate(pieces):
        before_symbol = text.endswith("{{") and index + 1 < len(pieces)
        if kind == "text" and (DYNAMIC in text or before_symbol):
            return unspelled(value, "a dynamic reference")
    if pieces and pieces[0][0] == "text" and pieces[0][1].startswith(ARN):
        rest = ("text", pieces[0][1][len(ARN) - 1 :])
        pieces = [("text", "arn:"), ("symbol", "AWS::Partition"), rest, *pieces[1:]]
    return "".join(text.replace("${", "${!") if kind == "text" else f"${{{text}}}" for kind, text in pieces)


def pieces_of(value: object) -> Pieces:
    """Return a value as text and symbols, in order."""
    if isinstance(value, str):
        return [("text", value)]
    if isinstance(value, bool):
        return [("text", "true" if value else "false")]
    if isinstance(value, (int, float)):
        return [("text", str(value))]
    if isinstance(value, dict) and len(value) == 1:
        ((name, argument),) = value.items()
        found = FUNCTIONS[name](argument) if name in FUNCTIONS else None
        if found is not None:
            return found
    return [("symbol", unspelled(value)[2:-1])]


def merged(pieces: Iterable[Piece]) -> Pieces:
    """Return pieces with texts that stand side by side put together, and empty ones left out."""
    found: Pieces = []
    for kind, text in pieces:
        if kind == "text" and found and found[-1][0] == "text":
            found[-1] = ("text", found[-1][1] + text)
        elif text:
            found.append((kind, text))
    return found


def _ref(name: Any) -> Pieces | None:
    known = isinstance(name, str) and NAME.fullmatch(name) and name != "AWS::NoValue"
    return [("symbol", name)] if known else None


def _attribute(argument: Any) -> Pieces | None:
    parts = argument if isinstance(argument, list) else [argument]
    return _ref(".".join(parts)) if all(isinstance(part, str) for part in parts) and len(parts) > 1 else None


def _import(argument: Any) -> Pieces | None:
    name = canonical(argument) if isinstance(argument, (str, dict)) else ""
    return [("symbol", f"import {name}")] if EXPORT.fullmatch(name) else None


def _join(argument: Any) -> Pieces | None:
    match argument:
        case [str(separator), list(parts)]:
            between: Pieces = []
            for index, part in enumerate(parts):
                if isinstance(part, (list, type(None))):
                    return None
                between += [("text", separator if index else ""), *pieces_of(part)]
            return between
    return None


def _sub(argument: Any) -> Pieces | None:
    match argument:
        case str(text):
            names: dict[str, Any] = {}
        case [str(text), dict(names)]:
            pass
        case _:
            return None
    found: Pieces = []
    end = size = 0
    for match in SUBSTITUTED.finditer(text, 0, text.rfind("}") + 1):  # what follows is not closed
        found.append(("text", text[end : match.start()]))
        name, end, before = match[2].strip(), match.end(), len(found)
        if match[1]:
            found.append(("text", f"${{{match[2]}}}"))
        elif name in names and not isinstance(names[name], (list, type(None))):
            found += pieces_of(names[name])
            size += sum(1 + len(piece) for _, piece in found[before:])
            if size > LONGEST:
                raise ValueError(f"a text of more than {LONGEST:,} characters")
        elif name not in names and NAME.fullmatch(name):
            found.append(("symbol", name))
        else:
            return None
    return [*found, ("text", text[end:])]


FUNCTIONS = {"Ref": _ref, "Fn::GetAtt": _attribute, "Fn::ImportValue": _import, "Fn::Join": _join, "Fn::Sub": _sub}


def unspelled(value: object, kind: str = "") -> str:
    """Stand for what could mean anything here: `${unknown KIND: JSON}`, equal only to itself.

    Its JSON is ASCII, so that other characters can stand for the braces, which would end the `${...}`.
    """
    function = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else ""
    is_function = str(function).startswith("Fn::")
    kind = kind or (f"an {function}" if is_function else "an unknown value" if value else "no value")
    return f"{UNKNOWN}{kind.translate(BRACES)}: {as_json(value).translate(BRACES)}}}"


def as_json(value: object) -> str:
    """Return a part of a template as JSON, equal for equal parts alone."""
    return json.dumps(value, sort_keys=True, default=repr)


def as_iam_reads(text: str, *, variables: bool) -> str:
    """Return canonical text with policy variables named as such where the document's version has any, as 2012-10-17.

    `${*}`, `${?}` and `${$}` are the characters themselves ("IAM policy elements: Variables and tags"). What is unknown
    may hold variables, and a name beside a `$` or a brace may make one: each is another thing in either version.
    """
    if UNKNOWN in text:
        kind = UNKNOWN_KIND.search(text)
        return text if variables else unspelled([text, "2008-10-17"], kind[1] if kind else "")
    if not variables:
        return text
    if MADE_OF_PARTS.search(text):
        return unspelled(text, "a policy variable made of parts")
    return VARIABLE.sub(_variable, text) if "${!" in text else text


def _variable(match: re.Match[str]) -> str:
    if match[1] in ("*", "?", "$"):
        return f"${{literal {match[1]}}}"
    key, comma, default = match[1].partition(",")  # ${key, 'default'}: the case of a key means nothing
    return f"${{variable {key.lower()}{comma}{default}}}"

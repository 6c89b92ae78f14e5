"""The one reader of CloudFormation templates: YAML or JSON to plain data, with lines; functions in their long form.

Reads YAML 1.1 as CloudFormation does: without aliases, merge keys and most of YAML's own tags ("CloudFormation template
formats" in the CloudFormation User Guide).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from taskroles.documents import Mapping, Sequence, fault_of, parse
from taskroles.faults import BadInput, shown, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 100
LARGEST = 1 << 20  # "AWS CloudFormation quotas": of a template in Amazon S3
TAGGED = {"Ref": "Ref", "Condition": "Condition"}  # the others are Fn::NAME
STANDARD = "tag:yaml.org,2002:"
SCALARS, COLLECTIONS = ("str", "bool", "int", "float", "null"), {Mapping: "map", Sequence: "seq"}
EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+")
LONGEST = 15  # digits that a number keeps everywhere
RESOLVER, CONSTRUCTOR = yaml.resolver.Resolver(), yaml.constructor.SafeConstructor()


class OddInteger(int):
    """A number that is `written` in another way than as its digits (010, 1_000): AWS may spell it in either."""

    written = ""


class OddFraction(float):
    """The same of a number that is no integer (1.50, 1:30.5)."""

    written = ""


class OddText(str):
    """Text here that is a number to other readers of YAML (1e3)."""

    __slots__ = ()

    @property
    def written(self) -> str:
        """Return the text."""
        return str(self)


ODD = {"int": OddInteger, "float": OddFraction}


class TemplateError(BadInput):
    """A template that cannot be read as IAM policies; the message begins with its file and line."""

    def __init__(self, fault: str) -> None:
        super().__init__([fault])


def parse_template(text: str, path: str) -> Mapping:
    """Return a template as data. Raises TemplateError where it is none, naming `path` and the line.

    `!Sub x` is {"Fn::Sub": x}; a plain `true`, `1` or `null` is a bool, a number or None, and all else is text.
    """
    if len(text) > LARGEST:
        raise TemplateError(f"{path}:1: is larger than the {LARGEST:,} bytes that CloudFormation takes")
    one_line = text.replace("\n", "").replace("\r", "").replace("\t", "")
    if not visible(one_line):
        found = next(character for character in one_line if not visible(character))
        line = text.count("\n", 0, text.index(found)) + 1
        raise TemplateError(f"{path}:{line}: holds U+{ord(found):04X}, which nobody sees")
    try:
        document, faults = parse(text, construct, DEEPEST)
    except yaml.YAMLError as error:
        document, faults = None, [fault_of(error, text)]
    except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON may hold
        document, faults = None, [(text.count("\n", 0, error.start) + 1, "not UTF-8")]
    if faults:
        line, problem = min(faults)
        raise TemplateError(f"{path}:{line}: {problem}")
    if not isinstance(document, Mapping) or not isinstance(document.get("Resources"), Mapping):
        raise TemplateError(f"{path}:1: not a CloudFormation template: it has no map of Resources")
    return document


def construct(event: yaml.NodeEvent, collection: Any) -> tuple[Any, str]:
    """Construct a part of a template (see `documents.parse`)."""
    tag = event.tag
    if tag is None or tag.startswith(STANDARD):
        return scalar(event) if collection is None else (collection, tag_fault(tag, COLLECTIONS[type(collection)]))
    if tag[0] != "!" or not tag[1:].isidentifier():
        return "", f"CloudFormation has no function {tag}"
    value = event.value if collection is None else collection
    name = TAGGED.get(tag[1:], f"Fn::{tag[1:]}")
    if name == "Fn::GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    function = Mapping(event.start_mark.line + 1)
    function[name] = value
    function.lines[name] = function.line
    return function, ""


def scalar(event: yaml.ScalarEvent) -> tuple[Any, str]:
    """Return the value of a scalar, and what is wrong with it: one in quotes is text."""
    if event.tag is None:
        return plain(event.value) if event.implicit[0] else (event.value, "")
    fault = tag_fault(event.tag, *SCALARS)
    return (event.value, fault) if fault else of_kind(event.value, event.tag)


@lru_cache(maxsize=4096)
def plain(value: str) -> tuple[Any, str]:
    """Return the value of a scalar that has neither quotes nor a tag, and what is wrong with it."""
    return of_kind(value, RESOLVER.resolve(yaml.ScalarNode, value, (True, False)))


def of_kind(value: str, tag: str) -> tuple[Any, str]:
    """Return the value of a scalar of one of YAML's own tags, and what is wrong with it."""
    kind = tag.removeprefix(STANDARD)
    if kind == "merge":
        return value, "CloudFormation takes no merge keys (<<): write out what they would bring"
    if kind in ("bool", "int", "float"):
        try:
            return number(kind, value, getattr(CONSTRUCTOR, f"construct_yaml_{kind}")(yaml.ScalarNode("", value))), ""
        except (KeyError, ValueError, OverflowError):
            return value, f"{shown(value)} is no {kind}"
    return (None if kind == "null" else OddText(value) if EXPONENT.fullmatch(value) else value), ""


def number(kind: str, written: str, value: Any) -> Any:
    """Return a number or truth value as it is read, marked if CloudFormation may spell it in another way."""
    if kind == "bool" or (str(value) == written and len(written) <= LONGEST):
        return value
    odd = ODD[kind](value)
    odd.written = written
    return odd


def odd_numbers(document: Any) -> Iterator[tuple[str, str]]:
    """Yield where a number stands that CloudFormation may spell in another way, and how it is written."""
    todo: list[tuple[Any, Any]] = [((), document)]  # each with the path to it, as (path of the one around it, key)
    while todo:
        path, part = todo.pop()
        if isinstance(part, (dict, list)):
            parts = part.items() if isinstance(part, dict) else enumerate(part)
            todo += [((path, key), each) for key, each in parts]
        elif written := getattr(part, "written", ""):
            where = []
            while path:
                path, key = path
                where.insert(0, str(key))
            yield f"what the number {written} is as text, in {' '.join(where)}", written


def tag_fault(tag: str | None, *allowed: str) -> str:
    """Return why CloudFormation does not take a tag of YAML's own here, "" if it does."""
    kind = (tag or "").removeprefix(STANDARD)
    return f"CloudFormation takes no YAML tag !!{kind} here" if kind and kind not in allowed else ""

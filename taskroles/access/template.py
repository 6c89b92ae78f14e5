"""The one reader of CloudFormation templates: YAML or JSON to plain data, with lines; functions in their long form.

Reads YAML 1.1 as CloudFormation does: no aliases, no tags but those of its functions ("Template formats" in the
CloudFormation User Guide).
"""

from __future__ import annotations

from typing import Any

import yaml

from taskroles.documents import Mapping, fault_of, parse
from taskroles.faults import printable

DEEPEST = 100
TAGGED = {"Ref": "Ref", "Condition": "Condition"}  # the others are Fn::NAME
BOOLEANS = {"y": True, "yes": True, "on": True, "true": True, "n": False, "no": False, "off": False, "false": False}
RESOLVER, CONSTRUCTOR = yaml.resolver.Resolver(), yaml.constructor.SafeConstructor()


class TemplateError(Exception):
    """A template that cannot be read as IAM policies; the message begins with its file and line."""


def parse_template(text: str, path: str) -> Mapping:
    """Return a template as data. Raises TemplateError where it is none, naming `path` and the line.

    `!Sub x` is {"Fn::Sub": x}; a plain `true`, `1` or `null` is a bool, a number or None, and all else is text.
    """
    if not text.isprintable() and (found := next((c for c in text if not c.isprintable() and c not in "\n\r\t"), "")):
        line = text.count("\n", 0, text.index(found)) + 1
        raise TemplateError(f"{path}:{line}: holds U+{ord(found):04X}, which nobody sees")
    try:
        document, faults = parse(text, construct, DEEPEST)
    except yaml.YAMLError as error:
        document, faults = None, [fault_of(error, text)]
    if faults:
        line, problem = faults[0]
        raise TemplateError(f"{path}:{line}: {printable(problem)}")
    if not isinstance(document, Mapping) or not isinstance(document.get("Resources"), Mapping):
        raise TemplateError(f"{path}:1: not a CloudFormation template: it has no map of Resources")
    return document


def construct(event: yaml.NodeEvent, collection: Any) -> tuple[Any, str]:
    """Construct a part of a template (see `documents.parse`)."""
    tag = event.tag
    value = collection if collection is not None else scalar(event)
    if tag in (None, "!") or tag.startswith("tag:yaml.org,2002:"):
        return value, ""
    if not tag[1:].isidentifier() and "::" not in tag:
        return value, f"CloudFormation has no function {tag}"
    name = TAGGED.get(tag[1:], f"Fn::{tag[1:]}")
    if name == "Fn::GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    function = Mapping(event.start_mark.line + 1)
    function[name] = value
    function.lines[name] = function.line
    return function, ""


def scalar(event: yaml.ScalarEvent) -> Any:
    """Return the value of a scalar: one that is tagged or quoted is text."""
    value = event.value
    if event.tag is not None or event.style or not event.implicit[0]:
        return value
    kind = RESOLVER.resolve(yaml.ScalarNode, value, (True, False)).rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return BOOLEANS[value.lower()]
    if kind in ("int", "float"):
        return getattr(CONSTRUCTOR, f"construct_yaml_{kind}")(yaml.ScalarNode("", value))
    return value

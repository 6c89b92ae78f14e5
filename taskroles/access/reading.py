"""What a generated template allows: its policies and their statements, as plain data.

    template = read_template(Path("out/live/x.yml").read_text(), "out/live/x.yml")
    statements = [statement for policy in template.policies for statement in policy.statements]

Intrinsic functions stay symbolic. `canonical` spells every value as the text that Fn::Sub would take for it, with
imports as `${import NAME}`, so that !Sub, Fn::Join and Ref of the same thing are the same string. `arn:aws:` is read
as `arn:${AWS::Partition}:`: a stack lives in one partition.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.template import TemplateError, parse_template
from taskroles.documents import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

STATEMENT_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
GRANT_COMMENT = re.compile(r"# (?P<level>[^\s,]+)(?: (?P<target>[^,]+?))?(?:, .*)? \((?P<partial>[^()]+)\)$")
UNKNOWN = "${unknown "  # begins what cannot be spelled, see `unspelled`
UNKNOWN_KIND = re.compile(r"\$\{unknown ([^{}]*?): [^{}]*\}")
BRACES = str.maketrans("{}", "\N{MATHEMATICAL LEFT ANGLE BRACKET}\N{MATHEMATICAL RIGHT ANGLE BRACKET}")
OPERATOR = re.compile(  # "IAM JSON policy elements: Condition operators"
    r"Null|(For(AllValues|AnyValue):)?(String(Not)?(Equals(IgnoreCase)?|Like)|Arn(Not)?(Equals|Like)|Bool|BinaryEquals"
    r"|(Not)?IpAddress|(Numeric|Date)((Not)?Equals|(LessThan|GreaterThan)(Equals)?))(IfExists)?"
)
SUB_VARIABLE = re.compile(r"\$\{(!?)\s*([^}]*?)\s*\}")


# what a template of another shape than ours raises somewhere down in its reading: too many places to ask in each
WRONG_SHAPE = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)


class Grant(NamedTuple):
    """What the comment above a policy says of it: level, target ("" if none) and the partial that wrote it."""

    level: str
    target: str
    partial: str


class Statement(NamedTuple):
    """One statement. Exactly one of actions and not_actions is filled, and one of resources and not_resources.

    `condition` is one line of text, equal for equal conditions, "" for none.
    """

    effect: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    condition: str = ""
    path: str = ""
    line: int = 0
    logical_id: str = ""


class Policy(NamedTuple):
    """One AWS::IAM::Policy; name and roles in canonical form."""

    logical_id: str
    name: str
    roles: tuple[str, ...]
    statements: tuple[Statement, ...]
    grants: tuple[Grant, ...]
    line: int


class Template(NamedTuple):
    """One file. `rest` holds, as canonical JSON, all else that could change what the policies mean."""

    path: str
    policies: tuple[Policy, ...]
    rest: dict[str, str]


# --- reading --------------------


def read_template(text: str, path: str) -> Template:
    """Read a CloudFormation template. Raises TemplateError where it is not one that we can judge."""
    where = f"{path}:1"
    try:
        document = parse_template(text, path)
        lines, policies, rest = text.splitlines(), [], {}
        for logical_id, resource in document["Resources"].items():
            line = document["Resources"].lines[logical_id]
            where = f"{path}:{line}: {logical_id}"
            if isinstance(resource, dict) and resource.get("Type") == "AWS::IAM::Policy":
                policies.append(_policy(logical_id, resource, lines[: line - 1], path, line))
            else:
                rest[f"Resources {logical_id}"] = _json(resource)
        where = f"{path}:1"
        for section in ("Parameters", "Mappings", "Conditions", "Transform"):
            for name, value in _items(document.get(section)):
                rest[f"{section} {name}"] = _json(value)
    except WRONG_SHAPE as error:
        raise TemplateError(f"{where}: not of a shape that can be read ({error})") from None
    return Template(path, tuple(policies), rest)


def read_document(document: Any, path: str, logical_id: str = "", when: str = "", line: int = 0) -> list[Statement]:
    """Return the statements of a policy document, from a template or as IAM returns it. Raises TemplateError.

    `path`, `logical_id` and `line` say where it is from; `when` is a condition on all of it.
    """
    if not isinstance(document, dict) or "Statement" not in document:
        raise TemplateError(f"{_where(path, _line(document) or line, logical_id)}: PolicyDocument has no Statement")
    written = document["Statement"]
    lines = getattr(written, "lines", None) if isinstance(written, list) else None
    lines = lines or [getattr(document, "lines", {}).get("Statement", 0)] * len(_listed(written))
    statements = [_statement(*each, when, path, logical_id) for each in zip(_listed(written), lines, strict=True)]
    if document.get("Version") == "2012-10-17":
        return statements
    literal = "policy variables are plain text"  # see "IAM JSON policy elements: Version"
    return [s._replace(condition=_both(s.condition, literal)) if "${!" in str(s) else s for s in statements]


def canonical(value: object) -> str:
    """Spell a property's value as the text that Fn::Sub would take for it, imports as `${import NAME}`.

    What cannot be spelled so (Fn::If, Fn::Select ...) is `unspelled`.
    """
    if not isinstance(value, dict):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        plain = re.sub(r"\$\{(?!!)", "${!", text)  # here ${aws:username} belongs to IAM
        return unspelled(value) if value is None or isinstance(value, list) else canonical_arn(plain)
    match list(value.items()):
        case [("Ref" | "Fn::GetAtt", name)] if name != "AWS::NoValue":
            return f"${{{name if isinstance(name, str) else '.'.join(map(str, name))}}}"
        case [("Fn::ImportValue", name)]:
            return f"${{import {canonical(name)}}}"
        case [("Fn::Join", [str(separator), list(parts)])]:
            return canonical_arn(separator.join(map(canonical, parts)))
        case [("Fn::Sub", argument)]:
            text, names = (argument, {}) if isinstance(argument, str) else argument
            spelled = {name: canonical(item) for name, item in names.items()}
            return canonical_arn(SUB_VARIABLE.sub(lambda m: spelled.get(m[1] + m[2], f"${{{m[1]}{m[2]}}}"), text))
        case _:
            return unspelled(value)


def unspelled(value: object, kind: str = "") -> str:
    """Stand for what could mean anything here: `${unknown KIND: JSON}`, equal only to itself.

    Its JSON is ASCII, so that other characters can stand for the braces, which would end the `${...}`.
    """
    function = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else ""
    is_function = str(function).startswith("Fn::")
    kind = kind or (f"an {function}" if is_function else "an unknown value" if value else "no value")
    return f"{UNKNOWN}{kind.translate(BRACES)}: {json.dumps(value, sort_keys=True, default=str).translate(BRACES)}}}"


def canonical_arn(arn: str) -> str:
    """Spell an ARN's partition symbolically."""
    return re.sub("^arn:aws:", "arn:${AWS::Partition}:", arn)


def _policy(logical_id: str, resource: dict[str, Any], above: list[str], path: str, line: int) -> Policy:
    properties = resource.get("Properties")
    if not isinstance(properties, Mapping) or not {"PolicyName", "PolicyDocument"} <= properties.keys():
        raise TemplateError(f"{path}:{line}: {logical_id}: a policy needs PolicyName and PolicyDocument")
    holders = {
        prefix + canonical(holder)
        for kind, prefix in (("Roles", ""), ("Users", "user "), ("Groups", "group "))
        for holder in _listed(properties.get(kind, []))
    }
    when = f"template condition {resource['Condition']}" if "Condition" in resource else ""
    return Policy(
        str(logical_id),
        canonical(properties["PolicyName"]),
        tuple(sorted(holders)),
        tuple(
            read_document(properties["PolicyDocument"], path, str(logical_id), when, properties.lines["PolicyDocument"])
        ),
        _grants_above(above),
        line,
    )


def _grants_above(lines: list[str]) -> tuple[Grant, ...]:
    """Read the comment that ends these lines: one line for each grant."""
    grants: list[Grant] = []
    while lines and lines[-1].lstrip().startswith("#"):
        if match := GRANT_COMMENT.match(lines.pop().strip()):
            grants.insert(0, Grant(match["level"], match["target"] or "", match["partial"]))
    return tuple(grants)


def _statement(raw: Any, line: int, when: str, path: str, logical_id: str) -> Statement:
    line = _line(raw) or line
    if fault := _fault(raw):
        raise TemplateError(f"{_where(path, line, logical_id)}: {fault}")
    conditions = _conditions(raw["Condition"]) if "Condition" in raw else []
    actions, not_actions = (tuple(_listed(raw.get(key, []))) for key in ("Action", "NotAction"))
    there, not_there = (
        tuple(canonical(value) or unspelled(value) for value in _listed(raw[key]) or [None]) if key in raw else ()
        for key in ("Resource", "NotResource")
    )
    named = actions or not_actions
    if not named or not all(isinstance(action, str) for action in named):  # it may be about any action
        conditions.append(f"the action is {unspelled(raw.get('Action', raw.get('NotAction')))}")
        actions, not_actions = ("*",), ()
    return Statement(
        str(raw["Effect"]),
        tuple(map(str, actions)),
        tuple(map(str, not_actions)),
        there,
        not_there,
        _both(when, *conditions),
        path,
        line,
        logical_id,
    )


def _conditions(raw: Any) -> list[str]:
    """Spell each part of a Condition, all of which must hold; sorted."""
    if not isinstance(raw, dict):
        return [f"Condition is {unspelled(raw)}"]
    found = []
    for operator, keys in raw.items():
        if not OPERATOR.fullmatch(str(operator)) or not isinstance(keys, dict):
            kind = "" if str(operator).startswith("Fn::") else f"the part {operator}, which IAM would not take,"
            found.append(f"Condition is {unspelled({operator: keys}, kind)}")
            continue
        for key, values in keys.items():
            texts = [json.dumps(canonical(value), ensure_ascii=False) for value in _listed(values) or [None]]
            found.append(f"{key} {operator} {' or '.join(sorted(texts))}")
    return sorted(found)


def _fault(raw: object) -> str:
    """Return why a statement cannot be judged, "" if it can."""
    if not isinstance(raw, dict):
        return f"not a statement: {str(raw)!r}"
    if unknown := raw.keys() - STATEMENT_KEYS:
        return f"a statement has no {min(unknown)}, only {', '.join(sorted(STATEMENT_KEYS))}"
    if raw.get("Effect") not in ("Allow", "Deny"):
        return f"Effect is {raw.get('Effect')!r}, neither Allow nor Deny"
    for key in ("Action", "Resource"):
        if (key in raw) == (f"Not{key}" in raw):
            return f"a statement has either {key} or Not{key}"
    return ""


def _both(*conditions: str) -> str:
    return " and ".join(filter(None, conditions))


def _line(node: Any) -> int:
    """Return the line of a part of a template; 0 if it comes from elsewhere."""
    return getattr(node, "line", 0)


def _where(path: str, line: int, logical_id: str) -> str:
    return f"{path}:{line}: {logical_id}" if line else path


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else [("", value)] if value else []


def _json(value: object) -> str:
    said = {"Description", "ConstraintDescription"}  # to people
    kept = {key: item for key, item in value.items() if key not in said} if isinstance(value, dict) else value
    return json.dumps(kept, sort_keys=True, default=str)

"""CloudFormation's functions, evaluated as far as a reader can: the templates of other stacks may hold any of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NO_VALUE = object()  # what AWS::NoValue leaves: nothing
DEEPEST = 100  # functions and conditions within each other
DYNAMIC = "{{resolve:"  # what it stands for is known to AWS alone


# The ARNs of resources by their types: {id} is what Ref gives, {name} the last part of it.
ARNS = {
    "AWS::DynamoDB::Table": "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
    "AWS::KMS::Key": "arn:{partition}:kms:{region}:{account}:key/{id}",
    "AWS::Kinesis::Stream": "arn:{partition}:kinesis:{region}:{account}:stream/{id}",
    "AWS::Lambda::Function": "arn:{partition}:lambda:{region}:{account}:function:{id}",
    "AWS::Logs::LogGroup": "arn:{partition}:logs:{region}:{account}:log-group:{id}:*",
    "AWS::S3::Bucket": "arn:{partition}:s3:::{id}",
    "AWS::SQS::Queue": "arn:{partition}:sqs:{region}:{account}:{name}",
    "AWS::IAM::Role": "arn:{partition}:iam::{account}:role/{id}",
    "AWS::IAM::User": "arn:{partition}:iam::{account}:user/{id}",
}


class CannotTell(Exception):
    """Something that is known only to AWS; the message says what."""


class Scope(NamedTuple):
    """What names in a template mean: `values` of parameters and of AWS, and `physical`, a resource's id by its name."""

    template: Mapping[str, Any]
    values: Mapping[str, Any]
    exports: Mapping[str, str]
    physical: Callable[[str], str | None]


def evaluate(node: Any, scope: Scope, depth: int = 0) -> Any:
    """Return what a part of a template stands for. Raises CannotTell."""
    if depth > DEEPEST:
        raise CannotTell("functions within each other")
    if isinstance(node, str) and DYNAMIC in node:
        raise CannotTell(node)
    if isinstance(node, list):
        found = (evaluate(item, scope, depth + 1) for item in node)
        return [item for item in found if item is not NO_VALUE]
    if not isinstance(node, dict):
        return node
    names = [str(name) for name in node if str(name) == "Ref" or str(name).startswith("Fn::")]
    if names:
        name = names[0]
        if len(node) > 1 or name not in FUNCTIONS or not isinstance(node[name], TAKES.get(name, list)):
            raise CannotTell(name)
        try:
            value = FUNCTIONS[name](node[name], scope, depth + 1)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # of a shape that CloudFormation refuses
            raise CannotTell(name) from None
        if isinstance(value, str) and DYNAMIC in value:
            raise CannotTell(value)
        return value
    found = ((key, evaluate(value, scope, depth + 1)) for key, value in node.items())
    return {key: value for key, value in found if value is not NO_VALUE}


def holds(condition: Any, scope: Scope, depth: int = 0) -> bool:
    """Tell whether a condition of the template, given by its name, holds; None always does. Raises CannotTell."""
    if condition is None:
        return True
    try:
        written = scope.template["Conditions"][condition]
    except (KeyError, TypeError):
        raise CannotTell(f"the condition {condition}") from None
    return _truth(written, scope, depth + 1)


def text(node: Any, scope: Scope) -> str:
    """Return the text that a part of a template stands for. Raises CannotTell if it is none."""
    found = evaluate(node, scope)
    if isinstance(found, (dict, list)) or found is NO_VALUE or found is None:
        raise CannotTell("what is no text")
    return _as_text(found)


def _truth(node: Any, scope: Scope, depth: int) -> bool:
    if depth > DEEPEST:
        raise CannotTell("conditions within each other")
    match node:
        case {"Condition": name}:
            return holds(name, scope, depth)
        case {"Fn::Equals": [one, other]}:
            sides = evaluate(one, scope, depth), evaluate(other, scope, depth)
            return _spelled(sides[0]) == _spelled(sides[1])
        case {"Fn::Not": [one]}:
            return not _truth(one, scope, depth + 1)
        case {"Fn::And": [*parts]}:
            return all(_truth(part, scope, depth + 1) for part in parts)
        case {"Fn::Or": [*parts]}:
            return any(_truth(part, scope, depth + 1) for part in parts)
    raise CannotTell("a condition")


def _spelled(value: Any) -> Any:
    """Return a value as CloudFormation compares it: numbers and truth values are text."""
    return value if isinstance(value, list) else _as_text(value)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ref(name: Any, scope: Scope, _: int) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in scope.values:
        return scope.values[name]
    found = scope.physical(name) if name in scope.template.get("Resources", {}) else None
    if found is None:
        raise CannotTell(f"what {name} is")
    return found


def _get_att(argument: Any, scope: Scope, _: int) -> str:
    """Return the ARN of a resource, as far as it can be made from its name: a path would be part of it."""
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    resource = scope.template.get("Resources", {}).get(name, {})
    pattern, physical = ARNS.get(resource.get("Type")), scope.physical(name)
    if attribute != "Arn" or not pattern or not physical or "Path" in resource.get("Properties", {}):
        raise CannotTell(f"what {name}.{attribute} is")
    where = {key: scope.values[f"AWS::{of}"] for key, of in (("partition", "Partition"), ("region", "Region"))}
    last = physical.rpartition("/")[2]
    return pattern.format(id=physical, name=last, account=scope.values["AWS::AccountId"], **where)


def _sub(argument: Any, scope: Scope, depth: int) -> str:
    written, own = (argument, {}) if isinstance(argument, str) else argument
    known = {name: evaluate(value, scope, depth) for name, value in own.items()}

    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        found = known[name] if name in known else (_get_att if "." in name else _ref)(name, scope, depth)
        if isinstance(found, (dict, list)) or found is NO_VALUE:
            raise CannotTell(f"what {name} is")
        return _as_text(found)

    return re.sub(r"\$\{([^}]+)\}", value, written)


def _join(argument: Any, scope: Scope, depth: int) -> str:
    separator, parts = argument
    return str(separator).join(_as_text(part) for part in _list(parts, scope, depth))


def _import(name: Any, scope: Scope, depth: int) -> str:
    export = evaluate(name, scope, depth)
    if export not in scope.exports:
        raise CannotTell(f"the export {export}")
    return scope.exports[export]


def _if(argument: Any, scope: Scope, depth: int) -> Any:
    condition, one, other = argument
    return evaluate(one if holds(condition, scope, depth) else other, scope, depth)


def _find_in_map(argument: Any, scope: Scope, depth: int) -> Any:
    name, first, second = (evaluate(part, scope, depth) for part in argument)
    return evaluate(scope.template["Mappings"][name][str(first)][str(second)], scope, depth)


def _select(argument: Any, scope: Scope, depth: int) -> Any:
    index, parts = argument
    at = int(evaluate(index, scope, depth))
    if at < 0:
        raise CannotTell("Fn::Select")
    return _list(parts, scope, depth)[at]


def _split(argument: Any, scope: Scope, depth: int) -> list[str]:
    separator, joined = argument
    return str(evaluate(joined, scope, depth)).split(separator)


def _list(parts: Any, scope: Scope, depth: int) -> list[Any]:
    found = evaluate(parts, scope, depth)
    if not isinstance(found, list):
        raise CannotTell("what is no list")
    return found


FUNCTIONS: dict[str, Callable[[Any, Scope, int], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::ImportValue": _import,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::Select": _select,
    "Fn::Split": _split,
}
TAKES = {
    "Ref": str,
    "Fn::GetAtt": (str, list),
    "Fn::Sub": (str, list),
    "Fn::ImportValue": (str, dict),
}  # others: a list

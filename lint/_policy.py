"""What the rules in this folder ask of a template and of a policy statement.

cfn-lint loads every file here as a file of rules unless its name begins with an underscore.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cfnlint.helpers import ensure_list, is_function
from cfnlint.jsonschema import ValidationError
from cfnlint.rules.helpers import get_value_from_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cfnlint.jsonschema import Validator

STATEMENT = "AWS::IAM::Policy/Properties/PolicyDocument/Statement"  # cfn-lint's name for any policy statement
ENVIRONMENTS = {"environments": {"default": [], "type": "list", "itemtype": "string"}}
PARTIAL = re.compile(r"^\s*#.*\((policies/\S+)\)\s*$")


class Element(NamedTuple):
    """One action or resource: what it matches, how the statement says so, and where."""

    pattern: str
    written: str
    path: list[str | int]


def environment(validator: Validator) -> str | None:
    """Return the environment of the template: the only value that its parameter EnvType allows."""
    values = validator.cfn.template.get("Parameters", {}).get("EnvType", {}).get("AllowedValues")
    return values[0] if isinstance(values, list) and len(values) == 1 else None


def only_in(allowed: list[str], here: str | None) -> str:
    """Say which environments allow a thing and that this is not one of them."""
    return f"allowed in {', '.join(allowed) or 'no environment'}, not in {here or 'a template without one'}"


def finding(validator: Validator, message: str, path: Iterable[str | int]) -> ValidationError:
    """Return what a rule yields: the message, and the partials that wrote the policy if a comment tells."""
    partials = _partials(validator)
    return ValidationError(f"{message} ({', '.join(partials)})" if partials else message, path=deque(path))


def _partials(validator: Validator) -> list[str]:
    """Return the partials named in the comment lines right above the logical id, one for each grant."""
    section, logical_id, *_ = [*validator.context.path.path, None, None]
    if section != "Resources" or not validator.cfn.filename:
        return []
    key = next(key for key in validator.cfn.template[section] if key == logical_id)
    lines = Path(validator.cfn.filename).read_text(encoding="utf-8").splitlines()[: key.start_mark.line]
    found: list[str] = []
    while lines and (match := PARTIAL.match(lines.pop())):
        found.insert(0, match[1])
    return list(dict.fromkeys(found))


def values(validator: Validator, instance: Any, *keys: str) -> Iterator[tuple[Any, list[str | int]]]:
    """Yield what can stand at keys, with its path: every branch of Fn::If, None where it may be missing."""
    start = len(validator.context.path.path)
    for value, branch in get_value_from_path(validator, instance, deque(keys)):
        yield value, list(branch.context.path.path)[start:]


def elements(validator: Validator, statement: dict[str, Any], key: str) -> Iterator[Element]:
    """Yield the Action or Resource elements of a statement that allows something.

    Scalar or list, with Fn::If, Ref, Fn::Sub and Fn::Join resolved as far as cfn-lint can. NotAction and
    NotResource match all but a few, so they count as `*`.
    """
    if all(effect == "Deny" for effect, _ in values(validator, statement, "Effect")):
        return
    if f"Not{key}" in statement:
        yield Element("*", f"Not{key}", [f"Not{key}"])
    for value, path in [*values(validator, statement, key), *values(validator, statement, key, "*")]:
        if isinstance(value, list):
            continue
        for resolved, _, _ in validator.resolve_value(value):
            for text in ensure_list(resolved):
                if isinstance(text, str):
                    yield Element(text, text, path)


def symbolic(value: Any) -> str:
    """Return a name as one string in which `${X}` stands for what CloudFormation fills in."""
    function, argument = is_function(value)
    if function == "Ref":
        return f"${{{argument}}}"
    if function == "Fn::ImportValue":
        return symbolic(argument)
    if function == "Fn::Join":
        return symbolic(argument[0]).join(map(symbolic, argument[1]))
    if function == "Fn::Sub":
        text, names = argument if isinstance(argument, list) else (argument, {})
        return re.sub(r"\$\{(\w+)\}", lambda name: symbolic(names.get(name[1], name[0])), text)
    return value if isinstance(value, str) else "?"

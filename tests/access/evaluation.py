"""What CloudFormation makes of a template, for given values of what only AWS knows: the second engine's first half.

Shares no code with the package; written from "Template anatomy", "Intrinsic function reference", "Condition functions"
and "Dynamic references" in the CloudFormation User Guide.

    Evaluation(template, World(seed=7)).properties("Logical")
"""

from __future__ import annotations

import json
import random
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PSEUDO = {
    "AWS::AccountId": ("111122223333", "a"),
    "AWS::NotificationARNs": ("arn:aws:sns:a:1:t", "a:b"),
    "AWS::Partition": ("aws",),  # the one assumption of the review: that a stack lives in this one
    "AWS::Region": ("eu-west-1", "a", "b"),
    "AWS::StackId": ("arn:aws:cloudformation:a:1:stack/x/y", "a:b", "b:a"),
    "AWS::StackName": ("stack", "a", "b"),
    "AWS::URLSuffix": ("amazonaws.com", "a"),
}
PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
REFERENCE = re.compile(r"\{\{resolve:[^}]*\}\}")
TEXTS = ("a", "b", "ab", "ba", "a/b", "a:b", "aa", "b*", "*", "")
NO_VALUE = object()
TRANSFORM = "Fn::Transform"


class Refused(Exception):
    """CloudFormation or IAM takes no such template: nothing changes."""


class NotEvaluated(Exception):
    """What this engine leaves alone: macros and includes, which may become anything."""


class World:
    """Values for everything that only AWS knows: the same question has the same answer, for both sides of a change.

    `passed` are the parameters that a deploy gives a value to, `values` those whose value is known; the others have
    their default. What `stack` makes has names of its own.
    """

    def __init__(
        self,
        seed: int,
        passed: frozenset[str] = frozenset(),
        texts: tuple[str, ...] = TEXTS,
        values: Mapping[str, str] = MappingProxyType({}),
        stack: str = "",
    ) -> None:
        self.seed, self.passed, self.texts, self.values, self.stack = seed, passed, texts, values, stack

    def text(self, *what: str) -> str:
        """Return the value of something."""
        return random.Random(f"{self.seed} {what}").choice(self.texts)  # noqa: S311 - a test's choice

    def pseudo(self, name: str) -> str:
        """Return the value of a pseudo parameter."""
        return random.Random(f"{self.seed} {name}").choice(PSEUDO[name])  # noqa: S311 - a test's choice


class Evaluation:
    """One template in one world."""

    def __init__(self, template: dict[str, Any], world: World) -> None:
        self.template, self.world = template, world

    def exists(self, logical_id: str) -> bool:
        """Tell whether a resource is made at all, by its Condition."""
        resource = self.template["Resources"].get(logical_id)
        return resource is not None and ("Condition" not in resource or self.holds(resource["Condition"]))

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return the properties of a resource as CloudFormation gives them to IAM."""
        found = self.value(self.template["Resources"][logical_id].get("Properties", {}))
        if not isinstance(found, dict):
            raise Refused
        return found

    def value(self, node: Any) -> Any:
        """Return what a part of a template stands for, dynamic references looked up."""
        found = self._value(node)
        if found is NO_VALUE:
            raise Refused
        return self._resolved(found)

    def holds(self, name: Any) -> bool:
        """Tell whether a condition of the template is true."""
        conditions = self.template.get("Conditions", {})
        if name not in conditions:
            raise Refused
        return self._is_true(conditions[name])

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._resolved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._resolved(each) for each in value]
        if isinstance(value, str):
            return REFERENCE.sub(lambda match: self.world.text("dynamic", match[0]), value)
        return value

    def _value(self, node: Any) -> Any:
        if isinstance(node, dict):
            if TRANSFORM in node or any(str(key).startswith("Fn::ForEach") for key in node):
                raise NotEvaluated
            functions = [key for key in node if key in ("Ref", "Condition") or str(key).startswith("Fn::")]
            if len(node) == 1 and functions and functions != ["Condition"]:
                return self._function(functions[0], node[functions[0]])
            if any(key != "Condition" for key in functions):
                raise Refused
            pairs = ((key, self._value(each)) for key, each in node.items())
            return {key: each for key, each in pairs if each is not NO_VALUE}
        if isinstance(node, list):
            return [each for each in map(self._value, node) if each is not NO_VALUE]
        if node is None:
            raise Refused
        return node

    def _function(self, name: str, argument: Any) -> Any:
        reader = FUNCTIONS.get(name)
        if reader:
            try:
                return reader(self, argument)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError):
                raise Refused from None  # not the arguments that it takes
        # what it gives is not known here: the same for the same arguments
        return self.world.text(name, json.dumps(self._value(argument), sort_keys=True))

    def _text(self, node: Any) -> str:
        return as_text(self._value(node))

    def ref(self, name: Any) -> Any:
        """Return what Ref gives: the value of a parameter, the name of a resource."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return self.world.pseudo(name)
        parameter = self.template.get("Parameters", {}).get(name)
        if parameter is None:
            resource = self.template.get("Resources", {}).get(name)
            named = resource.get("Properties", {}).get("RoleName") if isinstance(resource, dict) else None
            return self._text(named) if named is not None else self.world.text(f"ref{self.world.stack}", str(name))
        kind = parameter.get("Type", "String")
        if name in self.world.values:
            value = self.world.values[name]
        elif name in self.world.passed or "Default" not in parameter:
            value = self.world.text("parameter", name)
        else:
            value = as_text(parameter["Default"])
        if kind.startswith("AWS::SSM::Parameter::Value"):
            value = self.world.text("ssm", value)
        is_list = kind == "CommaDelimitedList" or "List<" in kind
        return [each.strip() for each in value.split(",")] if is_list else value

    def _get_att(self, argument: Any) -> str:
        parts = argument.split(".") if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) != 2:
            raise Refused
        return self.world.text(f"attribute{self.world.stack}", ".".join([as_text(parts[0]), self._text(parts[1])]))

    def _sub(self, argument: Any) -> str:
        text, names = argument if isinstance(argument, list) else (argument, {})
        if not isinstance(text, str):
            raise Refused

        def filled(match: re.Match[str]) -> str:
            if match[1].startswith("!"):
                return f"${{{match[1][1:]}}}"
            if not re.fullmatch(r"[A-Za-z0-9_.:]+", match[1]):
                raise Refused
            if match[1] in names:
                return self._text(names[match[1]])
            return as_text(self._get_att(match[1].split(".", 1)) if "." in match[1] else self.ref(match[1]))

        return PLACEHOLDER.sub(filled, text)

    def _join(self, argument: Any) -> str:
        separator, parts = argument
        found = self._value(parts)
        if not isinstance(separator, str) or not isinstance(found, list):
            raise Refused
        return separator.join(map(as_text, found))

    def _import(self, argument: Any) -> str:
        return self.world.text("export", self._text(argument))

    def _if(self, argument: Any) -> Any:
        name, then, other = argument
        return self._value(then if self.holds(name) else other)

    def _select(self, argument: Any) -> Any:
        index, parts = self._text(argument[0]), self._value(argument[1])
        if not isinstance(parts, list) or not index.isdigit() or int(index) >= len(parts):
            raise Refused
        return parts[int(index)]

    def _split(self, argument: Any) -> list[str]:
        separator, text = argument
        if not isinstance(separator, str) or not separator:
            raise Refused
        return self._text(text).split(separator)

    def _find_in_map(self, argument: Any) -> Any:
        found: Any = self.template.get("Mappings", {})
        for key in argument:
            found = found.get(self._text(key)) if isinstance(found, dict) else None
        if found is None:
            raise Refused
        return found

    def _is_true(self, node: Any) -> bool:
        if not isinstance(node, dict) or len(node) != 1:
            raise Refused
        ((name, argument),) = node.items()
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Equals":
            return self._text(argument[0]) == self._text(argument[1])
        if name in ("Fn::And", "Fn::Or", "Fn::Not"):
            found = [self._is_true(each) for each in argument]
            return not found[0] if name == "Fn::Not" else all(found) if name == "Fn::And" else any(found)
        raise Refused


FUNCTIONS = {
    "Ref": Evaluation.ref,
    "Fn::GetAtt": Evaluation._get_att,  # noqa: SLF001 - of this file
    "Fn::Sub": Evaluation._sub,  # noqa: SLF001
    "Fn::Join": Evaluation._join,  # noqa: SLF001
    "Fn::ImportValue": Evaluation._import,  # noqa: SLF001
    "Fn::If": Evaluation._if,  # noqa: SLF001
    "Fn::Select": Evaluation._select,  # noqa: SLF001
    "Fn::Split": Evaluation._split,  # noqa: SLF001
    "Fn::FindInMap": Evaluation._find_in_map,  # noqa: SLF001
}


def as_text(value: Any) -> str:
    """Return a scalar as the text that AWS gets; a list or nothing is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise Refused

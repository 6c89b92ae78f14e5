"""The resources of a template that carry permissions, and all else of it that is not understood, as facts.

A fact is what it is, in words, and its JSON: what differs between two sides is reported. What is understood is listed
here, after "Template anatomy", "Resource attribute reference" and the types of "AWS::IAM" in the CloudFormation
Template Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.canonical import UNKNOWN, as_json, canonical
from taskroles.access.words import enumerate_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTIONS = {"AWSTemplateFormatVersion", "Description", "Parameters", "Resources", "Conditions", "Outputs"}
PLAIN = {"Type", "Default", "Description", "ConstraintDescription", "MinLength", "MaxLength", "MinValue", "MaxValue"}
PLAIN |= {"AllowedValues", "AllowedPattern", "NoEcho"}
ATTRIBUTES = {"Type", "Properties", "Condition", "DependsOn"}
TRUST = "trust of "  # ... a role: who holds its trust
TRANSFORM = "Fn::Transform"


class Held(NamedTuple):
    """A policy document, the name of its policy, who holds it (see `reading.Policy`) and its line, 0 if unknown."""

    name: str
    document: Any
    holders: tuple[str, ...]
    line: int = 0


class Incomplete(Exception):
    """A resource that lacks what it needs; the message says what."""


class Found(NamedTuple):
    """What a resource holds, what of it is not understood, and whether its policies stay when it is removed."""

    policies: list[Held]
    facts: dict[str, str]
    stays: bool = False
    stays_behind: bool = False  # ... also when another takes its place


def section_facts(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is not understood outside of the resources."""
    whole = as_json(document)
    if "Transform" in document or TRANSFORM in whole:
        yield "what a transform makes of the template", whole  # it may read all of it
    for section in document.keys() - SECTIONS:
        value = document[section]
        parts = value.items() if isinstance(value, dict) else [("", value)]
        yield from ((f"{section} {name}".strip(), as_json(part)) for name, part in parts)
    for section in ("Parameters", "Conditions", "Outputs"):
        value = document.get(section, {})
        if not isinstance(value, dict):
            yield section, as_json(value)
            continue
        for name, part in value.items():
            if section == "Parameters" and is_plain(part):
                continue
            said = as_json(part)
            hides = TRANSFORM in said or "{{resolve:" in said
            if section == "Conditions" and not hides:
                continue  # a resource under it says it whole
            exports = not isinstance(part, dict) or "Export" in part or "Fn::" in str(name)
            if section == "Outputs" and not exports and not hides:
                continue
            yield f"{section} {name}", said


def is_plain(parameter: Any) -> bool:
    """Tell whether a parameter is text, known by its default or given by a deploy."""
    if not isinstance(parameter, dict) or parameter.get("Type") != "String" or not parameter.keys() <= PLAIN:
        return False
    default = parameter.get("Default", "")  # it may be read as more than text where it is put in
    return isinstance(default, (str, int, float)) and "${" not in str(default) and "{{" not in str(default)


def plain_parameters(document: dict[str, Any]) -> dict[str, str]:
    """Return the defaults of the plain parameters that have one."""
    parameters = document.get("Parameters", {})
    plain = {name: each for name, each in parameters.items() if is_plain(each)} if isinstance(parameters, dict) else {}
    return {name: canonical(each["Default"]) for name, each in plain.items() if "Default" in each}


def read(logical_id: str, resource: Any) -> Found:
    """Return what a resource holds. What is not understood of it is a fact, all of it if need be."""
    if not isinstance(resource, dict) or logical_id.startswith("Fn::"):
        return Found([], {f"Resources {logical_id}": as_json(resource)})
    kind, properties = resource.get("Type"), resource.get("Properties", {})
    what = f"{logical_id} ({kind})"
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None or not isinstance(properties, dict) or TRANSFORM in as_json(resource):
        with_what = f" with an {TRANSFORM}" if TRANSFORM in as_json(resource) else ""
        return Found([], {f"resource {what}{with_what}": as_json(resource)})
    noun, *needed = NEEDS[kind]
    if not properties.keys() >= {*needed}:
        raise Incomplete(f"{noun} needs {enumerate_text(needed)}")
    policies, understood = reader(logical_id, properties)
    facts = {f"{key} of {what}": as_json(resource[key]) for key in resource.keys() - ATTRIBUTES}
    for key in ("DeletionPolicy", "UpdateReplacePolicy"):
        if resource.get(key) == "Delete":
            facts.pop(f"{key} of {what}", None)
    for key in properties.keys() - understood:
        facts[f"{'property ' * (key in resource)}{key} of {what}"] = as_json(properties[key])
    if UNKNOWN in canonical(properties.get("PolicyName", "")):  # that of another one, which it would replace
        facts[f"PolicyName of {what}"] = as_json(properties["PolicyName"])
    facts |= _attached(logical_id, kind, properties)
    stays = resource.get("DeletionPolicy", "Delete") != "Delete"
    return Found(policies, facts, stays, resource.get("UpdateReplacePolicy", "Delete") != "Delete")


def _holders(properties: dict[str, Any], *more: str) -> tuple[str, ...]:
    """Return who holds a policy with these properties."""
    found = list(more)
    for key, prefix in (("Roles", ""), ("Users", "user "), ("Groups", "group ")):
        value = properties.get(key, [])
        found += [prefix + canonical(holder) for holder in (value if isinstance(value, list) else [value])]
    return tuple(sorted(found))


def _held(properties: dict[str, Any], holders: tuple[str, ...]) -> Held:
    """Return the policy that has PolicyName and PolicyDocument among these properties."""
    line = _line(properties, "PolicyDocument")
    return Held(canonical(properties["PolicyName"]), properties["PolicyDocument"], holders, line)


def _line(properties: dict[str, Any], key: str) -> int:
    return getattr(properties, "lines", {}).get(key, 0)


def _policy(_: str, properties: dict[str, Any]) -> tuple[list[Held], set[str]]:
    return [_held(properties, _holders(properties))], {"PolicyName", "PolicyDocument", "Roles", "Users", "Groups"}


def _policy_of_one(key: str, prefix: str) -> Any:
    """Return the reader of a policy that belongs to one role, user or group, named by `key`."""

    def read(_: str, properties: dict[str, Any]) -> tuple[list[Held], set[str]]:
        held = _held(properties, (prefix + canonical(properties[key]),))
        return [held], {"PolicyName", "PolicyDocument", key}

    return read


def _managed_policy(logical_id: str, properties: dict[str, Any]) -> tuple[list[Held], set[str]]:
    """Read a managed policy: who it is attached to elsewhere holds it too."""
    name = canonical(properties.get("ManagedPolicyName", logical_id))
    holders = _holders(properties, f"whoever has the managed policy {logical_id}")
    understood = {"Description", "PolicyDocument", "Roles", "Users", "Groups"}  # name and path are of its ARN
    return [Held(name, properties["PolicyDocument"], holders, _line(properties, "PolicyDocument"))], understood


def _role(logical_id: str, properties: dict[str, Any]) -> tuple[list[Held], set[str]]:
    """Read a role: its inline policies, and its trust, whose principals are resources."""
    role = f"${{{logical_id}}}"
    line = _line(properties, "AssumeRolePolicyDocument")
    held = [Held("trust", properties["AssumeRolePolicyDocument"], (f"{TRUST}{role}",), line)]
    understood = {"AssumeRolePolicyDocument", "Description", "MaxSessionDuration"}  # its tags and ARN may be asked for
    if isinstance(properties.get("ManagedPolicyArns"), list):
        understood |= {"ManagedPolicyArns"}  # each is a fact of its own
    policies = properties.get("Policies", [])
    if all(isinstance(each, dict) and each.keys() == {"PolicyName", "PolicyDocument"} for each in policies):
        held += [_held(each, (role,)) for each in policies]
        understood |= {"Policies"}
    return held, understood


def _attached(logical_id: str, kind: str, properties: dict[str, Any]) -> dict[str, str]:
    """Return the managed policies that a role has, each a fact of its own, marked by its name."""
    arns = properties.get("ManagedPolicyArns")
    if kind != "AWS::IAM::Role" or not isinstance(arns, list):
        return {}
    return {f"what the managed policy {canonical(arn)} allows, on role {logical_id}": "attached" for arn in arns}


READERS = {
    "AWS::IAM::Policy": _policy,
    "AWS::IAM::RolePolicy": _policy_of_one("RoleName", ""),
    "AWS::IAM::UserPolicy": _policy_of_one("UserName", "user "),
    "AWS::IAM::GroupPolicy": _policy_of_one("GroupName", "group "),
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::IAM::Role": _role,
}
NEEDS = {
    "AWS::IAM::Policy": ("a policy", "PolicyName", "PolicyDocument"),
    "AWS::IAM::RolePolicy": ("a policy", "PolicyName", "PolicyDocument", "RoleName"),
    "AWS::IAM::UserPolicy": ("a policy", "PolicyName", "PolicyDocument", "UserName"),
    "AWS::IAM::GroupPolicy": ("a policy", "PolicyName", "PolicyDocument", "GroupName"),
    "AWS::IAM::ManagedPolicy": ("a managed policy", "PolicyDocument"),
    "AWS::IAM::Role": ("a role", "AssumeRolePolicyDocument"),
}

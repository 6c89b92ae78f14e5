"""Templates as AWS would read them: names that stand for something evaluated, imports looked up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskroles.access.template import TemplateError, parse_template
from taskroles.deploying.settings import given_parameters
from taskroles.faults import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account


POLICY = "AWS::IAM::Policy"


def read_template(environment: Environment, service: str) -> dict[str, Any]:
    """Return the template of a service in `out/`. Raises BadInput if it is none."""
    path = environment.template(service)
    try:
        template = parse_template(Path(path).read_text(encoding="utf-8"), path)
        documents(template, {}, {})
        what = next(filter(None, map(unresolvable_role, policies(template))), "")
    except TemplateError as error:
        raise BadInput([f"{error}; render.py has not written this"]) from None
    except (OSError, UnicodeError) as error:
        what = str(error)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError):  # of another shape than ours
        what = "it has no Resources that are policies with a name, a document and roles"
    if what:
        raise BadInput([f"{path}:1: {what}; render.py has not written this"])
    return template


def unresolvable_role(policy: dict[str, Any]) -> str:
    """Return why the role of a policy cannot be told before CloudFormation has made it; "" if it can."""
    known = ("Ref", "Fn::Sub", "Fn::Join", "Fn::ImportValue")
    for role in policy["Roles"]:
        if isinstance(role, dict) and not role.keys() <= set(known):
            return f"the role of {policy['PolicyName']} is {', '.join(role)}; a role may be text or {', '.join(known)}"
    return ""


def resolve(node: Any, values: Mapping[str, str], exports: Mapping[str, str]) -> Any:
    """Return a part of a template with `Ref`, `Fn::Sub`, `Fn::Join` and `Fn::ImportValue` evaluated.

    Names that nobody knows stay as they are written, and so do all other functions: our templates have none.
    """
    if isinstance(node, list):
        return [resolve(item, values, exports) for item in node]
    if isinstance(node, dict):
        node = {key: resolve(value, values, exports) for key, value in node.items()}
        match list(node.items()):
            case [("Ref", str(name))]:
                node = values.get(name, node)
            case [("Fn::Sub", argument)]:
                text, own = (argument, {}) if isinstance(argument, str) else argument
                known = {
                    **values,
                    **own,
                    **{f"!{name}": f"${{{name}}}" for name in re.findall(r"\$\{!([^}]+)", text)},
                }
                node = re.sub(r"\$\{([^}]+)\}", lambda match: str(known.get(match[1], match[0])), text)
            case [("Fn::Join", [separator, parts])]:
                node = separator.join(map(str, parts))
            case [("Fn::ImportValue", str(name))]:
                node = exports.get(name, node)
    return node


def imported(node: Any, values: Mapping[str, str]) -> Iterator[str]:
    """Yield the name of every export that a part of a template imports."""
    if isinstance(node, dict):
        if "Fn::ImportValue" in node:
            yield resolve(node["Fn::ImportValue"], values, {})
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from imported(item, values)


def policies(template: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the properties of each policy of a template, as they are written."""
    resources = template["Resources"].values()
    return [resource["Properties"] for resource in resources if resource["Type"] == POLICY]


def policy_keys(
    template: Mapping[str, Any], values: Mapping[str, str], exports: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """Return the logical ids of a template's policies, by role and policy name: of those that are text once resolved.

    It may be another stack's template, of any shape.
    """
    found = {}
    resources = template.get("Resources")
    for logical_id, resource in resources.items() if isinstance(resources, dict) else ():
        if isinstance(resource, dict) and resource.get("Type") == POLICY:
            properties = resource.get("Properties")
            properties = properties if isinstance(properties, dict) else {}
            name, roles = (resolve(properties.get(key), values, exports) for key in ("PolicyName", "Roles"))
            for role in roles if isinstance(roles, list) else ():
                if isinstance(name, str) and isinstance(role, str):
                    found[role, name] = logical_id
    return found


def documents(
    template: dict[str, Any], values: dict[str, str], exports: dict[str, str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the policy documents of a template, resolved, by role and policy name."""
    return {
        (str(role), policy["PolicyName"]): policy["PolicyDocument"]
        for policy in resolve(policies(template), values, exports)
        for role in policy.get("Roles", [])  # another stack's policy may have users only
    }


def parameter_values(
    template: Mapping[str, Any], account: Account, stack: dict[str, Any] | None, **given: str | None
) -> dict[str, str]:
    """Return what names in a template mean: what is given, else the stack's parameter, else the default."""
    defaults = {name: parameter.get("Default") for name, parameter in template.get("Parameters", {}).items()}
    previous = {item["ParameterKey"]: item["ParameterValue"] for item in (stack or {}).get("Parameters", [])}
    return {
        **{name: value for name, value in defaults.items() if value is not None},
        **previous,
        **{name: value for name, value in given.items() if value},
        "AWS::AccountId": account.id,
        "AWS::Region": account.region,
        "AWS::Partition": account.partition,
    }


def planned(
    environment: Environment, service: str, account: Account, stack: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the template of a service in `out/` and the values its names have when it is deployed now."""
    template = read_template(environment, service)
    return template, parameter_values(template, account, stack, **deployed_parameters(environment, template))


def deployed_parameters(environment: Environment, template: dict[str, Any]) -> dict[str, str]:
    """Return the values that a deploy gives to the parameters of a template: what was reviewed, or PARAMETERS."""
    given = {**environment.parameters, **given_parameters()}
    return {name: given[name] for name in template.get("Parameters", {}) if name in given}

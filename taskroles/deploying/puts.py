"""What a stack puts on roles, users and groups: from the template that it has now, whatever that looks like."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.reading import WRONG_SHAPE
from taskroles.access.template import TemplateError, parse_template
from taskroles.deploying.aws import ask, pages
from taskroles.deploying.functions import CannotTell, Scope, evaluate, holds, text
from taskroles.deploying.stacks import all_exports
from taskroles.deploying.templates import POLICY, parameter_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from taskroles.deploying.aws import Account

ROLE = "AWS::IAM::Role"
MANAGED = "AWS::IAM::ManagedPolicy"
OF_ONE = {"AWS::IAM::RolePolicy": ("RoleName", ""), "AWS::IAM::UserPolicy": ("UserName", "user ")}
OF_ONE["AWS::IAM::GroupPolicy"] = ("GroupName", "group ")
HOLDERS = (("Roles", ""), ("Users", "user "), ("Groups", "group "))


class Unsure(NamedTuple):
    """Something that a stack may have put somewhere: on which holder, and under which name; None where it may be any."""

    what: str
    holder: str | None = None
    name: str | None = None


class Puts(NamedTuple):
    """What the template of a stack puts on roles, users (`user NAME`) and groups (`group NAME`).

    `inline` holds what works out to a document, by holder and policy name, `attached` holders and ARNs of managed
    policies, and `roles` the properties of the roles that the stack makes, as they are written, by name.
    """

    stack: str
    inline: dict[tuple[str, str], Callable[[], Any]]
    attached: set[tuple[str, str]]
    roles: dict[str, Callable[[str], Any]]
    unsure: list[Unsure]
    others: list[str]  # what is no policy, with its type


def puts_of(stack: dict[str, Any], account: Account) -> Puts:
    """Return what a stack, as DescribeStacks gives it, puts where. Whatever its template looks like, it is no error."""
    puts = Puts(stack["StackName"], {}, set(), {}, [], [])
    try:
        template = processed_template(stack["StackId"])
        scope = _scope(template, stack, account)
    except (TemplateError, *WRONG_SHAPE) as error:
        puts.unsure.append(Unsure(f"stack {puts.stack}, whose template cannot be read: {error}"))
        return puts
    for logical_id, resource in template["Resources"].items():
        try:
            _add(puts, logical_id, resource, scope)
        except CannotTell as error:
            puts.unsure.append(_unsure(puts, logical_id, error))
        except WRONG_SHAPE:  # CloudFormation would refuse it
            puts.unsure.append(_unsure(puts, logical_id, "its shape"))
    return puts


@functools.cache
def processed_template(stack_id: str) -> Mapping[str, Any]:
    """Return the template of a stack after its transforms. Raises TemplateError if it cannot be read."""
    body = ask("cloudformation", "get_template", StackName=stack_id, TemplateStage="Processed")["TemplateBody"]
    template = parse_template(body, "its template") if isinstance(body, str) else body
    if not isinstance(template.get("Resources"), dict):
        raise TemplateError("it has no map of Resources")
    return template


@functools.cache
def resources_of(stack_id: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a stack that exist, by their logical ids."""
    found = pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack_id)
    return {each["LogicalResourceId"]: each for each in found if each.get("PhysicalResourceId")}


def _scope(template: Mapping[str, Any], stack: dict[str, Any], account: Account) -> Scope:
    """Return what names in the template of a stack mean. A parameter that AWS does not show has no value."""
    written = template.get("Parameters", {})
    given = {item["ParameterKey"]: item for item in stack.get("Parameters", [])}
    values: dict[str, Any] = {}
    for name, parameter in written.items():
        value = given.get(name, {})
        found = value.get("ResolvedValue", value.get("ParameterValue", parameter.get("Default")))
        hidden = str(parameter.get("NoEcho", "")).lower() == "true"
        is_looked_up = "AWS::SSM::" in str(parameter.get("Type")) and "ResolvedValue" not in value
        if found is not None and not hidden and not is_looked_up:
            is_list = "List" in str(parameter.get("Type"))
            values[name] = [part.strip() for part in str(found).split(",")] if is_list else str(found)
    values |= parameter_values({}, account, None)
    china = ".cn" if account.partition == "aws-cn" else ""
    values |= {
        "AWS::URLSuffix": f"amazonaws.com{china}",
        "AWS::StackName": stack["StackName"],
        "AWS::StackId": stack["StackId"],
    }

    def physical(logical_id: str) -> str | None:
        return resources_of(stack["StackId"]).get(logical_id, {}).get("PhysicalResourceId")

    return Scope(template, values, all_exports(), physical)


def _unsure(puts: Puts, logical_id: str, why: Any, holder: str | None = None, name: str | None = None) -> Unsure:
    return Unsure(f"{logical_id} of stack {puts.stack} ({why})", holder, name)


def _add(puts: Puts, logical_id: str, resource: Any, scope: Scope) -> None:
    """Add what a resource puts where. Raises CannotTell, and what a resource of another shape raises."""
    if logical_id.startswith("Fn::"):
        raise CannotTell("what CloudFormation makes of it")
    kind, properties = resource["Type"], resource.get("Properties", {})
    if kind != POLICY:
        puts.others.append(f"{logical_id} is {kind}, no {POLICY}")
    if kind not in {POLICY, MANAGED, ROLE, *OF_ONE} or not holds(resource.get("Condition"), scope):
        return
    if kind == ROLE:
        _add_role(puts, logical_id, properties, scope)
    elif kind in OF_ONE:
        key, prefix = OF_ONE[kind]
        _add_inline(puts, prefix + text(properties[key], scope), properties, scope, logical_id)
    elif kind in (POLICY, MANAGED):
        for holder in _holders(puts, logical_id, properties, scope):
            if kind == POLICY:
                _add_inline(puts, holder, properties, scope, logical_id)
            elif arn := scope.physical(logical_id):
                puts.attached.add((holder, arn))


def _holders(puts: Puts, logical_id: str, properties: dict[str, Any], scope: Scope) -> Iterator[str]:
    """Yield who holds a policy. Raises CannotTell at the end if it cannot be told of some of them."""
    unknown = None
    for key, prefix in HOLDERS:
        written = properties.get(key, [])
        for each in written if isinstance(written, list) else [written]:
            try:
                found = evaluate(each, scope)
                for holder in found if isinstance(found, list) else [found]:
                    if isinstance(holder, str):
                        yield prefix + holder
            except CannotTell as error:
                unknown = error
    if unknown:
        puts.unsure.append(_unsure(puts, logical_id, unknown, name=_known(properties.get("PolicyName"), scope)))


def _known(node: Any, scope: Scope) -> str | None:
    """Return what a part of a template stands for, None if it cannot be told."""
    try:
        return text(node, scope)
    except CannotTell:
        return None


def _add_inline(puts: Puts, holder: str, policy: dict[str, Any], scope: Scope, logical_id: str) -> None:
    """Add an inline policy of a holder."""
    try:
        name = text(policy["PolicyName"], scope)
    except CannotTell as error:
        puts.unsure.append(_unsure(puts, logical_id, error, holder))
    else:
        puts.inline[holder, name] = lambda: evaluate(policy["PolicyDocument"], scope)


def _add_role(puts: Puts, logical_id: str, properties: dict[str, Any], scope: Scope) -> None:
    """Add what a role has in the template that makes it."""
    role = _known(properties["RoleName"], scope) if "RoleName" in properties else scope.physical(logical_id)
    role = role or scope.physical(logical_id)
    if not role:  # it is not there
        return
    puts.roles[role] = lambda key: evaluate({key: properties.get(key)}, scope).get(key)  # AWS::NoValue is nothing
    written = properties.get("Policies", [])
    for each in written if isinstance(written, list) else [written]:
        if isinstance(each, dict) and "PolicyName" in each:
            _add_inline(puts, role, each, scope, logical_id)
        else:
            _add_what_works_out(puts, logical_id, role, each, scope)
    try:
        puts.attached.update((role, str(arn)) for arn in puts.roles[role]("ManagedPolicyArns") or [])
    except CannotTell as error:
        puts.unsure.append(_unsure(puts, logical_id, error, role))


def _add_what_works_out(puts: Puts, logical_id: str, role: str, policies: Any, scope: Scope) -> None:
    """Add the inline policies of a role that a function makes, one or a list of them, such as Fn::If."""
    try:
        (found,) = evaluate([policies], scope) or [[]]
    except CannotTell as error:
        puts.unsure.append(_unsure(puts, logical_id, error, role))
        return
    for each in found if isinstance(found, list) else [found]:
        _add_inline(puts, role, each, scope, logical_id)

"""Who has put what on a role, by the templates of stacks: of every kind of resource, and of shapes that nobody expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from taskroles.access.template import parse_template
from taskroles.deploying import ownership, puts
from taskroles.deploying.aws import Account
from taskroles.deploying.ownership import makers_of, owners_of
from taskroles.deploying.puts import puts_of

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = Account("111122223333", "eu-west-1", "aws", "me")
DOCUMENT = "PolicyDocument: {Statement: []}"
ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/{}/1".format


def stack(name: str, **parameters: str) -> dict[str, Any]:
    """Return a stack as DescribeStacks gives it."""
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    return {"StackName": name, "StackId": ID(name), "StackStatus": "CREATE_COMPLETE", "Parameters": given}


@pytest.fixture
def holding(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what gives AWS stacks: the resources of each as YAML, by name."""

    def hold(exports: dict[str, tuple[str, str]] | None = None, **stacks: str) -> None:
        listed = [{"Name": n, "Value": v, "ExportingStackId": ID(of)} for n, (v, of) in (exports or {}).items()]
        templates = {ID(name): text for name, text in stacks.items()}
        physical = {"LogicalResourceId": "A", "PhysicalResourceId": "the-arn", "ResourceType": "AWS::IAM::Role"}
        stubs = {
            "processed_template": lambda stack_id: parse_template(templates[stack_id], "a template"),
            "resources_of": lambda _: {"A": physical},
            "all_stacks": lambda: {name: stack(name) for name in stacks},
            "all_exports": lambda: {each["Name"]: each["Value"] for each in listed},
            "listed_exports": lambda: listed,
            "importers": lambda name: [each for each in stacks if f"ImportValue {name}" in stacks[each]],
            "ask": no_stack,
        }
        ownership.puts_in.cache_clear()
        for module in (ownership, puts):
            for name in stubs.keys() & vars(module).keys():
                monkeypatch.setattr(module, name, stubs[name])

    return hold


def no_stack(*_: str, **__: str) -> None:
    """Answer as AWS does for a role that no stack makes."""
    raise ClientError({"Error": {"Code": "ValidationError", "Message": "Stack for x does not exist"}}, "Describe")


@pytest.mark.parametrize(
    ("resource", "inline"),
    [
        (f"Type: AWS::IAM::RolePolicy, Properties: {{RoleName: r, PolicyName: p, {DOCUMENT}}}", {("r", "p")}),
        (f"Type: AWS::IAM::UserPolicy, Properties: {{UserName: u, PolicyName: p, {DOCUMENT}}}", {("user u", "p")}),
        (f"Type: AWS::IAM::GroupPolicy, Properties: {{GroupName: g, PolicyName: p, {DOCUMENT}}}", {("group g", "p")}),
        (
            f"Type: AWS::IAM::Policy, Properties: {{Roles: [r], Users: [u], Groups: [g], PolicyName: p, {DOCUMENT}}}",
            {("r", "p"), ("user u", "p"), ("group g", "p")},
        ),
        (
            "Type: AWS::IAM::Role, Properties: {RoleName: r, Policies: [{PolicyName: p}, "
            "!If [C, {PolicyName: no}, {PolicyName: q}]]}",
            {("r", "p"), ("r", "q")},
        ),
    ],
)
def test_each_kind_of_policy_is_found(holding, resource: str, inline: set[tuple[str, str]]) -> None:
    holding(s=f"Conditions: {{C: !Equals [1, 2]}}\nResources: {{A: {{{resource}}}}}")
    found = puts_of(stack("s"), ACCOUNT)
    assert (set(found.inline), found.unsure) == (inline, [])


@pytest.mark.parametrize(("condition", "boundary", "arns"), [("Held", "b", {"a"}), ("Not", None, set())])
def test_what_a_condition_leaves_out_of_a_role_is_nothing(
    holding, condition: str, boundary: str, arns: set[str]
) -> None:
    nothing = "!Ref AWS::NoValue"
    policies = f"!If [{condition}, [{{PolicyName: p}}], {nothing}]"
    properties = f"RoleName: r, PermissionsBoundary: !If [{condition}, b, {nothing}], Policies: {policies}, "
    properties += f"ManagedPolicyArns: !If [{condition}, [a], {nothing}]"
    conditions = "Conditions: {Held: !Equals [1, 1], Not: !Equals [1, 2]}"
    holding(s=f"{conditions}\nResources: {{A: {{Type: AWS::IAM::Role, Properties: {{{properties}}}}}}}")
    found = puts_of(stack("s"), ACCOUNT)
    assert (found.unsure, found.roles["r"]("PermissionsBoundary")) == ([], boundary)
    assert ({arn for _, arn in found.attached}, len(found.inline)) == (arns, len(arns))


@pytest.mark.parametrize(
    "text",
    [
        "Resources: {A: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, Roles: !GetAtt [B, C]}}}",
        "Resources: {A: {Type: AWS::IAM::Policy, Properties: {PolicyName: !GetAtt [B, C], Roles: [r]}}}",
        "Resources: {A: {Type: AWS::IAM::Policy, Condition: C, Properties: {PolicyName: p, Roles: [r]}}}",
        "Resources: {A: {Type: AWS::IAM::Role, Properties: {RoleName: r, Policies: !GetAtt [B, C]}}}",
        "Resources: {A: {Type: AWS::IAM::Role, Properties: {RoleName: r, ManagedPolicyArns: !GetAtt [B, C]}}}",
        "Resources: {A: {Type: AWS::IAM::RolePolicy}}",
        "Resources: {A: {Type: [AWS::IAM::Policy]}}",
        "Resources: {A: [1]}",
        "Resources: {A: 1}",
        "Resources: {'Fn::ForEach::A': [B, [1], {}]}",
        "Resources: {A: {Type: AWS::IAM::Policy, Properties: 7}}",
        "Parameters: 7\nResources: {A: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, Roles: [r]}}}",
        "Resources: 7",
        "a: &a 1\nResources: {A: *a}",
    ],
)
def test_what_cannot_be_told_of_a_template_is_said_and_crashes_nothing(holding, text: str) -> None:
    holding(s=text)
    assert puts_of(stack("s"), ACCOUNT).unsure


def test_a_parameter_is_read_as_the_stack_has_it(holding) -> None:
    parameters = "{N: {Type: String, Default: no}, L: {Type: CommaDelimitedList}, H: {Type: String, NoEcho: true}}"
    policy = "{Type: AWS::IAM::Policy, Properties: {PolicyName: !Ref %s, Roles: !Ref L}}"
    holding(s=f"Parameters: {parameters}\nResources: {{A: {policy % 'N'}, B: {policy % 'H'}}}")
    found = puts_of(stack("s", N="name", L="r,  other", H="****"), ACCOUNT)
    assert set(found.inline) == {("r", "name"), ("other", "name")}
    assert [each[1:] for each in found.unsure] == [("r", None), ("other", None)]


def test_a_parameter_that_is_looked_up_is_what_aws_found(holding) -> None:
    text = "Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /key}}\n"
    holding(s=f"{text}Resources: {{A: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: !Ref P, Roles: [r]}}}}}}")
    described = stack("s", P="/key")
    assert [each.holder for each in puts_of(described, ACCOUNT).unsure] == ["r"]
    described["Parameters"][0]["ResolvedValue"] = "found"
    assert set(puts_of(described, ACCOUNT).inline) == {("r", "found")}


def test_our_services_of_a_role_are_near_it(holding, monkeypatch, project) -> None:
    monkeypatch.chdir(project.folder)
    environment = ownership_environment()
    text = "Resources: {A: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, Roles: [r]}}}"
    name = environment.stack("frontend")
    export = "mynavi-sample-cloudformation-vpc-FrontendEcsTaskRole-Dev"
    holding({export: ("r", "maker")}, maker="Resources: {}", **{name: text, "another": text})
    assert owners_of("r", environment, ACCOUNT).inline == {"p": name}


def test_a_name_is_looked_for_near_the_role_and_only_then_everywhere(holding, monkeypatch, project) -> None:
    monkeypatch.chdir(project.folder)
    environment = ownership_environment()
    text = "Resources: {A: {Type: AWS::IAM::Policy, Properties: {PolicyName: %s, Roles: [%s]}}}"
    near = text % ("near", "!ImportValue role")
    holding({"role": ("r", "maker")}, maker="Resources: {}", importing=near, naming=text % ("far", "r"))
    assert owners_of("r", environment, ACCOUNT).inline == {"near": "importing"}
    assert owners_of("r", environment, ACCOUNT, ["near"]).inline == {"near": "importing"}
    found = owners_of("r", environment, ACCOUNT, ["far", "nobody"])
    assert (found.inline, found.maybe("nobody")) == ({"near": "importing", "far": "naming"}, [])
    monkeypatch.setattr(ownership, "MOST_TEMPLATES", 0)
    assert owners_of("r", environment, ACCOUNT, ["far"]).maybe("far") == [
        "one of 2 more stacks, which are too many to be read"
    ]


def ownership_environment() -> Any:
    """Return an environment of the project in the current folder."""
    from taskroles.access.environments import here

    return here()["Dev"]


def test_the_stack_of_a_role_exports_one_or_is_found_by_the_role(holding, monkeypatch) -> None:
    role = {"LogicalResourceId": "B", "PhysicalResourceId": "named", "ResourceType": "AWS::IAM::Role"}
    table = {**role, "ResourceType": "AWS::DynamoDB::Table", "PhysicalResourceId": "a-table"}
    holding({"e": ("the-arn", "exporter")}, exporter="")
    found = puts.resources_of("any") | {"B": role, "C": table}
    monkeypatch.setattr(ownership, "resources_of", lambda _: found)
    assert makers_of(["the-arn", "named", "a-table"]) == {"the-arn": "exporter", "named": "exporter", "a-table": None}
    monkeypatch.setattr(ownership, "ask", lambda *_, **__: {"StackResources": [{"StackId": ID("maker")}]})
    monkeypatch.setattr(ownership, "listed_exports", list)
    assert makers_of(["the-arn", "a-table"]) == {"the-arn": "maker", "a-table": None}


def test_a_template_that_aws_does_not_show_may_own_anything_and_a_stack_that_is_gone_nothing(
    holding, monkeypatch, project
) -> None:
    monkeypatch.chdir(project.folder)

    def refuse(stack_id: str) -> None:
        message = "not to be had here" if "denied" in stack_id else "Stack with id gone does not exist"
        raise ClientError({"Error": {"Code": "any", "Message": message}}, "GetTemplate")

    holding(gone="", denied="")
    monkeypatch.setattr(puts, "processed_template", refuse)
    found = owners_of("r", ownership_environment(), ACCOUNT, ["far"])
    assert found.maybe("far") == ["stack denied, whose template AWS does not show"]


@pytest.mark.parametrize(
    ("state", "owns"),
    [("ROLLBACK_COMPLETE", False), ("REVIEW_IN_PROGRESS", False), ("CREATE_FAILED", True), ("UPDATE_COMPLETE", True)],
)
def test_a_stack_that_holds_nothing_owns_nothing(holding, monkeypatch, project, state: str, *, owns: bool) -> None:
    monkeypatch.chdir(project.folder)
    holding(s="Resources: {A: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, Roles: [r]}}}")
    monkeypatch.setattr(ownership, "all_stacks", lambda: {"s": stack("s") | {"StackStatus": state}})
    assert owners_of("r", ownership_environment(), ACCOUNT, ["p"]).of("p") == ("s" if owns else None)

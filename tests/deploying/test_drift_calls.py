"""How often drift asks AWS, for many services: what is asked once, and what once for each of them."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from taskroles.access.environments import here
from taskroles.deploying import aws, drift, ownership, puts, stacks
from taskroles.deploying.aws import Account, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskroles.access.environments import Environment

MANY = 200
AT_A_TIME = 10  # threads, of which each may ask for what is asked once otherwise
NOW = datetime(2026, 11, 25, tzinfo=timezone.utc)
DOCUMENT = {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
TRUST = {
    "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
}
CACHED = (
    stacks.all_stacks,
    ownership.puts_in,
    puts.processed_template,
    puts.resources_of,
    stacks.listed_exports,
)


class AWS:
    """An AWS in which each service has a stack with one policy; a stack of all roles makes and exports these."""

    def __init__(self, environment: Environment, held: list[str]) -> None:
        """`held` are the policies that each role has."""
        self.services = {environment.stack(service): service for service in environment.task_roles}
        self.held, self.calls, self.counting = held, Counter(), threading.Lock()

    def stack(self, name: str) -> dict[str, Any]:
        """Return a stack as DescribeStacks gives it."""
        return {"StackName": name, "StackId": f"arn:x:stack/{name}/1", "StackStatus": "CREATE_COMPLETE"}

    def template(self, name: str) -> dict[str, Any]:
        """Return the template of a stack."""
        if name == "roles":
            properties = {"AssumeRolePolicyDocument": TRUST}
            return {
                f"Of{index}": {"Type": "AWS::IAM::Role", "Properties": {**properties, "RoleName": f"role-{service}"}}
                for index, service in enumerate(self.services.values())
            }
        role = f"role-{self.services[name]}"
        properties = {"PolicyName": "policy", "PolicyDocument": DOCUMENT, "Roles": [role]}
        return {"Policy": {"Type": "AWS::IAM::Policy", "Properties": properties}}

    def all_of(self, operation: str) -> tuple[str, list[Any]]:
        """Return the key and the items of an answer that comes in pages."""
        roles = [f"role-{service}" for service in self.services.values()]
        made = [
            {"LogicalResourceId": role, "PhysicalResourceId": role, "ResourceType": "AWS::IAM::Role"} for role in roles
        ]
        exports = [{"Name": role, "Value": role, "ExportingStackId": "arn:x:stack/roles/1"} for role in roles]
        return {
            "list_exports": ("Exports", exports),
            "list_imports": ("Imports", []),
            "list_stack_resources": ("StackResourceSummaries", made),
            "list_role_policies": ("PolicyNames", self.held),
            "list_attached_role_policies": ("AttachedPolicies", []),
            "describe_stacks": ("Stacks", [self.stack(name) for name in [*self.services, "roles"]]),
        }[operation]

    def one(self, operation: str, arguments: dict[str, str]) -> dict[str, Any]:
        """Return one answer."""
        if operation == "get_template":
            return {"TemplateBody": {"Resources": self.template(arguments["StackName"].split("/")[1])}}
        return {
            "describe_stacks": {"Stacks": [self.stack(arguments.get("StackName", ""))]},
            "get_role": {"Role": {"CreateDate": NOW, "AssumeRolePolicyDocument": TRUST}},
            "get_role_policy": {"PolicyDocument": DOCUMENT},
        }[operation]

    @property
    def meta(self) -> SimpleNamespace:
        """What a client of botocore's says of its operations."""
        return SimpleNamespace(method_to_api_mapping=defaultdict(str))

    def client(self, _service: str) -> AWS:
        """Return what answers for each of AWS's services."""
        return self

    def get_paginator(self, operation: str) -> Any:
        """Return a paginator as botocore's."""
        aws = self

        class Paginator:
            def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
                with aws.counting:
                    aws.calls[operation] += 1
                key, items = aws.all_of(operation)
                yield {key: items}

        return Paginator()

    def __getattr__(self, operation: str) -> Any:
        """Return an operation as a client of botocore's has it."""

        def call(**arguments: str) -> dict[str, Any]:
            with self.counting:
                self.calls[operation] += 1
            return self.one(operation, arguments)

        return call


@pytest.fixture
def environment(project, monkeypatch) -> Iterator[Environment]:
    """Return an environment of many services, of which out/ says what their stacks say."""
    monkeypatch.chdir(project.folder)
    found = here()["Dev"]
    role = found.task_roles["backend"]
    found = found._replace(task_roles={f"service-{index}": role for index in range(MANY)})
    document = {"PolicyName": "policy", "PolicyDocument": DOCUMENT}

    def planned(_environment: Environment, service: str, *_: Any) -> tuple[dict[str, Any], dict[str, str]]:
        policy = {"Type": "AWS::IAM::Policy", "Properties": {**document, "Roles": [f"role-{service}"]}}
        return {"Resources": {"Policy": policy}}, {}

    monkeypatch.setattr(drift, "planned", planned)
    monkeypatch.setattr(drift, "account_of", lambda _: Account("111122223333", "eu-west-1", "aws", "me"))
    for cached in CACHED:
        cached.cache_clear()
    yield found
    for cached in CACHED:
        cached.cache_clear()


def test_in_sync_each_role_takes_four_calls_and_one_for_each_policy(environment, monkeypatch, capsys) -> None:
    asked = AWS(environment, ["policy"])
    monkeypatch.setattr(aws, "client", asked.client)
    assert drift.drift(environment, list(environment.task_roles)) == 0
    assert capsys.readouterr().out.count("in sync") == MANY
    each = ["get_role", "list_role_policies", "list_attached_role_policies", "get_role_policy"]
    assert {operation: asked.calls.pop(operation) for operation in each} == dict.fromkeys(each, MANY)
    assert asked.calls.pop("list_exports") == 1
    assert asked.calls.pop("get_template") <= MANY + AT_A_TIME
    assert asked.calls.pop("describe_stacks") == 1
    assert asked.calls.pop("list_stack_resources") <= AT_A_TIME
    assert asked.calls == {}


def test_what_nobody_owns_is_looked_for_in_each_template_once_for_all_roles(environment, monkeypatch, capsys) -> None:
    asked = AWS(environment, ["policy", "stray"])
    monkeypatch.setattr(aws, "client", asked.client)
    with pytest.raises(Refused, match=f"^{MANY} of {2 * MANY} differ:"):
        drift.drift(environment, list(environment.task_roles))
    assert capsys.readouterr().out.count("unmanaged") == MANY
    assert asked.calls["get_template"] <= MANY + AT_A_TIME
    assert asked.calls["describe_stacks"] == 1
    assert asked.calls["list_imports"] == MANY


def test_an_error_of_aws_in_one_of_many_ends_in_one_line(environment, monkeypatch) -> None:
    asked = AWS(environment, ["policy"])
    monkeypatch.setattr(aws, "client", asked.client)
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "not to be had here"}}, "GetRole")
    monkeypatch.setattr(drift, "role_in_iam", lambda _: (_ for _ in ()).throw(denied))
    with pytest.raises(ClientError, match="not to be had here"):
        drift.drift(environment, list(environment.task_roles))

"""What the policy of who deploys names: these stacks and roles and no others, as a document and as a template alike."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from imports import environments
from project import HERE, Project, load, rendered

from taskroles.access.actions import expand, lines_by_prefix
from taskroles.access.environments import Environment, TaskRole
from taskroles.deploying import deployer
from taskroles.deploying.templates import resolve
from taskroles.faults import BadInput
from taskroles.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = "a-name-that-is-long-enough-for-the-longest-that-iam-takes-" + "x" * 6
# A call whose name is put together, and what of it a deployer may do: our templates put policies on roles alone.
CALLS_BY_KIND = {"get_{kind}_policy": "iam:GetRolePolicy"}
NO_STACK_NAMED = {
    "cloudformation:DescribeStacks",
    "cloudformation:DescribeStackResources",
}  # in the calls that are made
ROLES = {"orders-api": "acme-api-ABC", "mail": "m", "billing": "b", "search": "s", "shipping": "h"}


def live() -> Environment:
    """Return an environment that names its account and region."""
    return environments(rendered("acme"))["live"]


def many(count: int, role: str = "role-of-{}") -> Environment:
    """Return an environment of many services."""
    roles = {f"service-{number:03}": TaskRole("export", role.format(number)) for number in range(count)}
    return Environment("live", Names(stack="acme-{service}-taskrole-live"), protected=True, task_roles=roles)


def documents(environment: Environment, given: dict[str, str]) -> list[dict[str, Any]]:
    """Return the policy documents of all services of an environment."""
    found = json.loads(deployer.as_json(environment, list(environment.task_roles), given))
    return found if isinstance(found, list) else [found]


def resolved(template: str, values: dict[str, str], exports: dict[str, str]) -> list[dict[str, Any]]:
    """Return the policy documents of a template as CloudFormation evaluates them."""
    data = resolve(load(re.sub(r"!(Join|If|Not|Equals|Ref) .*", "x", template)), values, exports)
    return [resource["Properties"]["PolicyDocument"] for resource in data["Resources"].values()]


def named(found: list[dict[str, Any]], prefix: str) -> list[str]:
    """Return the resources that begin with a text."""
    statements = [statement for document in found for statement in document["Statement"]]
    return [arn for statement in statements for arn in statement["Resource"] if arn.startswith(prefix)]


def test_it_names_the_stacks_and_roles_of_the_environment_in_its_account_and_region() -> None:
    (document,) = documents(live(), ROLES)
    by_sid = {statement["Sid"]: statement for statement in document["Statement"]}

    stacks = "arn:*:cloudformation:eu-central-1:333333333333:stack/"
    services = list(live().task_roles)
    assert by_sid["TheStacks"]["Resource"] == [f"{stacks}acme-{service}-taskrole-live/*" for service in services]
    assert "cloudformation:UpdateTerminationProtection" in by_sid["TheStacks"]["Action"]
    names = [*ROLES.values(), "acme-orders-worker-live", "acme-orders-report-live", "orders-operations-live"]
    roles = "arn:*:iam::333333333333:role/"
    for sid in ("ReadTheTaskRoles", "WriteTheTaskRolesByCloudFormationAlone"):
        assert sorted(by_sid[sid]["Resource"]) == sorted(roles + name for name in names)
    assert by_sid["AskWhatIsThere"]["Condition"] == {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
    assert not any("InEveryRegion" in sid for sid in by_sid)


def test_what_the_environment_does_not_say_is_a_star_and_said_to_be() -> None:
    environment = live()._replace(account="", region="", protected=False)
    (document,) = documents(environment, ROLES)
    by_sid = {statement["Sid"]: statement for statement in document["Statement"]}

    assert "arn:*:cloudformation:*:*:stack/acme-mail-taskrole-live/*" in by_sid["TheStacksInEveryRegion"]["Resource"]
    assert "cloudformation:UpdateTerminationProtection" not in by_sid["TheStacksInEveryRegion"]["Action"]
    assert "Condition" not in by_sid["AskWhatIsThereInEveryRegion"]
    assert deployer.remarks(environment, "json", "", 1) == [
        "out/live/environment.yml names no account and no region: * stands there"
    ]
    assert deployer.remarks(live(), "json", "", 1) == []


@pytest.mark.parametrize("said", [True, False], ids=["account and region said", "left to AWS"])
def test_the_template_says_the_same_as_the_document_and_imports_what_the_roles_are_called(said: bool) -> None:
    environment = live()
    aws = {"AWS::AccountId": environment.account, "AWS::Region": environment.region}
    (document,) = documents(environment, ROLES)
    values = environment.parameters
    exports = {
        resolve({"Fn::Sub": environment.task_roles[name].text}, values, {}): role for name, role in ROLES.items()
    }
    written = environment if said else environment._replace(account="", region="")

    template = deployer.as_template(written, list(environment.task_roles), {})

    assert ("${AWS::AccountId}" in template) is not said
    assert resolved(template, aws, exports) == [document]


@pytest.mark.parametrize(("count", "at_the_most"), [(1, 1), (5, 1), (200, 10)])
def test_each_policy_is_one_that_iam_takes_and_all_are_whole(count: int, at_the_most: int) -> None:
    environment = many(count)
    given = {service: f"{LONG[:-3]}{service[-3:]}" for service in environment.task_roles}
    region = environment._replace(account="111111111111", region="ap-northeast-1")
    found = documents(region, given)
    exports = {f"role-of-{number}": given[f"service-{number:03}"] for number in range(count)}
    aws = {"AWS::AccountId": "1" * 12, "AWS::Region": "us-isof-south-1"}
    evaluated = resolved(deployer.as_template(environment, list(given), {}), aws, exports)

    assert len(found) <= at_the_most
    assert len(found) <= len(evaluated) <= at_the_most + 1  # where AWS may fill in longer names
    for document in (*found, *evaluated):
        assert len(json.dumps(document, separators=(",", ":"))) <= 6144
    for each in (found, evaluated):
        stacks = named(each, "arn:*:cloudformation:")
        assert sum("-taskrole-live/" in arn for arn in stacks) == count
        roles = named(each, "arn:*:iam:")
        assert len(roles) == count * 2
        assert set(given.values()) == {arn.rpartition("/")[2] for arn in roles}


def test_what_a_principal_cannot_take_is_said() -> None:
    environment = many(200)
    said = deployer.remarks(
        environment, "cloudformation", deployer.as_template(environment, [*environment.task_roles], {}), 17
    )

    assert [line.split(":")[0] for line in said] == [
        "17 policies",
        "a principal takes 10 policies unless AWS was asked for more (IAM quotas)",
        "CloudFormation takes a template of over 51,200 bytes from a bucket alone (--s3-bucket)",
    ]


def test_a_role_that_several_services_have_is_named_once() -> None:
    found = documents(many(40, role="one-role"), {f"service-{number:03}": LONG for number in range(40)})

    assert len(found) == 1
    assert len(named(found, "arn:*:iam:")) == 2


def test_where_out_does_not_say_what_a_role_is_called_there_is_no_document() -> None:
    with pytest.raises(BadInput) as error:
        deployer.as_json(live(), ["mail", "orders-worker"], {})
    assert error.value.faults[1:] == [
        "  mail: export acme-vpc-live-mail-role-live",
        'say it (ROLES="mail=NAME"), or take FORMAT=cloudformation, which imports it',
    ]

    by_aws = live()._replace(account="", task_roles={"mail": TaskRole("name", "mail-${AWS::AccountId}")})
    assert deployer.not_named(by_aws, ["mail"], {}) == {"mail": "mail-${AWS::AccountId}"}
    assert deployer.not_named(by_aws._replace(account="333333333333"), ["mail"], {}) == {}


def test_every_action_exists_and_has_the_narrowest_resource_that_aws_knows() -> None:
    (document,) = documents(live(), ROLES)
    types = {
        f"{prefix}:{name}": line.split("\t")[2].split()
        for prefix, lines in lines_by_prefix().items()
        for line in lines
        for name in line.split("\t")[3].split(" ")
    }
    for statement in document["Statement"]:
        for action in statement["Action"]:
            assert expand(action) == {action}
            kinds = {re.split(r"[:/]", arn.split(":", 5)[-1])[0] for arn in statement["Resource"]}
            assert {kind.lower() for kind in kinds} <= {*types[action], *([] if types[action] else ["*"])} or (
                kinds == {"*"} and action in NO_STACK_NAMED
            ), action


def calls() -> Iterator[str]:
    """Yield every action that the program's files name, on whatever way it is taken: `ask`, `pages` and the AWS CLI."""
    for path in (HERE / "taskroles/deploying").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if name in ("ask", "pages") and len(node.args) > 1:
                yield action(node.args[0].value, ast.unparse(node.args[1]).lstrip("f").strip("'"))
            elif name == "get_paginator" and isinstance(node.args[0], ast.Constant):
                yield action("cloudformation", node.args[0].value)
    for command in re.findall(r"aws cloudformation ([a-z-]+)", (HERE / "deploy.sh").read_text()):
        yield action("cloudformation", command.replace("-", "_"))


def action(service: str, operation: str) -> str:
    """Return the action that a call takes."""
    return CALLS_BY_KIND.get(operation, f"{service}:{''.join(map(str.capitalize, operation.split('_')))}")


def test_whatever_the_program_may_ask_for_is_allowed_though_no_test_goes_that_way() -> None:
    (document,) = documents(live(), ROLES)
    allowed = {each for statement in document["Statement"] for each in statement["Action"]}
    found = set(calls()) - {"sts:GetCallerIdentity", "cloudformation:Deploy"}

    assert len(found) > 8
    assert found <= allowed


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of two services, whose task roles are exports."""
    return Project(tmp_path)


def test_without_a_format_it_is_a_document_where_out_says_the_names_and_else_a_template(project) -> None:
    template = project.verb("deployer", "Staging", "backend")
    named = project.verb("deployer", "--role=backend=/ecs/api", "--", "Staging", "backend")
    other = project.verb("deployer", "Staging", "backend", PARAMETERS="VPCName=other")

    assert (template.returncode, template.stderr) == (0, "")
    assert '{Fn::ImportValue: "mynavi-sample-cloudformation-vpc-BackendEcsTaskRole-Staging"}' in template.stdout
    assert "frontend" not in template.stdout
    assert named.returncode == 0
    assert "arn:*:iam::*:role/ecs/api" in json.loads(named.stdout)["Statement"][-1]["Resource"]
    assert '{Fn::ImportValue: "other-BackendEcsTaskRole-Staging"}' in other.stdout


def test_a_role_that_is_none_and_a_service_that_is_none_are_refused(project) -> None:
    done = project.verb("deployer", "--role=backend=a/b c", "--role=bakend=a", "--role=frontend", "--", "Staging")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "ROLES: the role name b c must be letters, digits and +=,.@_-; a path is no part of it",
        "ROLES: 'bakend=a' is not SERVICE=NAME, of one of the services backend, frontend",
        "ROLES: 'frontend' is not SERVICE=NAME, of one of the services backend, frontend",
    ]
    assert project.verb("deployer", "Staging", "bakend").returncode == 2


def test_an_environment_without_services_needs_no_policy() -> None:
    with pytest.raises(BadInput, match="out/live has no templates: nothing to deploy"):
        deployer.as_json(many(0), [], {})

"""Stacks and policies of others are left alone and named; our own are guarded, found again, and can be taken away."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING

import pytest
from deployed import (
    PATIENCE,
    PREFIX,
    REFUSED_BY_IAM,
    TEMPLATE,
    change_sets,
    deploy,
    given_service,
    given_stack,
    inline_policies,
    lines_about,
    states,
    wait,
)
from imports import TRUST
from local_aws import client
from proxy import failed, proxy

if TYPE_CHECKING:
    from project import Project
    from proxy import Answer, PassedOn, Play, Request

BACKEND = TEMPLATE("Staging", "backend")
STACK = f"{PREFIX}backend-staging"
NOTHING = "Resources: {Nothing: {Type: AWS::CloudFormation::WaitConditionHandle}}\n"
pytestmark = pytest.mark.usefixtures("empty_aws")


def test_a_stack_of_our_name_without_our_tags_is_left_alone_with_its_change_sets(project, aws) -> None:
    given_stack(aws, STACK, NOTHING, service="backend", environment="Dev")
    client(aws, "cloudformation").create_change_set(
        StackName=STACK, ChangeSetName="of-somebody-else", TemplateBody=NOTHING.replace("Nothing", "Other")
    )

    for arguments in (["Staging"], ["--destroy", "--yes", "Staging"]):
        result = deploy(project, aws, *arguments)

        assert result.returncode == 1
        assert f"backend: stack {STACK} is not tagged service=backend, environment=Staging" in result.stderr
        assert "delete it, or tag it so, or change `names: {stack: ...}`" in result.stderr
        assert (states(aws), change_sets(aws)) == ({STACK: "CREATE_COMPLETE"}, ["of-somebody-else"])


def guarded(aws: dict[str, str]) -> dict[str, bool]:
    """Return whether each stack of ours is guarded from being deleted."""
    stacks = client(aws, "cloudformation").describe_stacks()["Stacks"]
    ours = (stack for stack in stacks if stack["StackName"].startswith(PREFIX))
    return {stack["StackName"]: stack["EnableTerminationProtection"] for stack in ours}


def on_terminal(project: Project, aws: dict[str, str], typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run deploy.sh on a terminal, on which something is typed."""
    terminal, its_other_end = pty.openpty()
    os.write(terminal, f"{typed}\n".encode())
    return subprocess.run(
        [project.folder / "deploy.sh", *arguments],
        env=aws,
        stdin=its_other_end,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def refused_for(service: str, *, heard: bool = False) -> Play:
    """Refuse the calls about the stack of a service; `heard`: AWS does what they ask all the same."""

    def play(request: Request, passed_on: PassedOn) -> Answer:
        about = f"-{service}-" in request.parameters["StackName"]
        answer = passed_on(request) if heard or not about else None
        return failed("AccessDenied", "not you")(request, passed_on) if about or not answer else answer

    return play


@pytest.mark.thorough
def test_stacks_of_a_protected_environment_are_guarded_and_nothing_is_asked_where_nothing_is_to_do(
    project, aws
) -> None:
    backend, frontend = (f"{PREFIX}{service}-production" for service in ("backend", "frontend"))
    given_service(aws, frontend, project.read(TEMPLATE("Production", "frontend")))

    with proxy(aws) as between:
        between.play("UpdateTerminationProtection", refused_for("backend"))
        first = deploy(project, between.aws, "--yes", "Production", JOBS="2")
    assert first.returncode == 1
    assert "AccessDenied" in first.stderr
    assert "backend is deployed, and its stack is not protected against being deleted" in first.stderr
    assert guarded(aws) == {backend: False, frontend: True}
    assert between.asked[-1] == "GetRolePolicy"  # what the roles hold is asked for all the same

    second = deploy(project, aws, "--yes", "Production")
    assert second.returncode == 0, second.stderr
    assert lines_about(second.stdout, "backend", "modify", "the stack's termination protection")
    assert guarded(aws) == {backend: True, frontend: True}

    third = on_terminal(project, aws, "", "Production")
    assert (third.returncode, third.stdout) == (0, "Production: no changes in backend, frontend\n")
    assert "Type" not in third.stderr

    destroyed = on_terminal(project, aws, "Production", "--destroy", "Production")
    assert destroyed.returncode == 0, destroyed.stderr
    assert states(aws) == {}


@pytest.mark.thorough
def test_what_never_came_up_is_deleted_though_it_is_guarded_and_what_will_not_come_up_is_not_guarded(
    project, aws
) -> None:
    backend = f"{PREFIX}backend-production"
    given_service(aws, backend, project.read(TEMPLATE("Production", "backend")).replace(*REFUSED_BY_IAM))
    client(aws, "cloudformation").update_termination_protection(StackName=backend, EnableTerminationProtection=True)

    with proxy(aws) as between:
        between.play("CreateChangeSet", refused_for("frontend", heard=True))
        result = deploy(project, between.aws, "--yes", "--recreate", "Production", JOBS="2")

    assert result.returncode == 1
    assert lines_about(result.stdout, "backend", "deleted")
    assert lines_about(result.stdout, "backend", "deployed (CREATE_COMPLETE)")
    assert lines_about(result.stdout, "frontend", "failed", "not you")
    assert (states(aws), guarded(aws)) == ({backend: "CREATE_COMPLETE"}, {backend: True})


DOCUMENT = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}}
NAME = "Mynavi-Sample-{}AccessPolicy-backend-Staging".format
OWN = {"Fn::ImportValue": "own-BackendEcsTaskRole-Staging"}


def policy(name: object, role: object) -> dict[str, object]:
    """Return a policy of a template."""
    properties = {"PolicyName": name, "Roles": [role], "PolicyDocument": DOCUMENT}
    return {"Type": "AWS::IAM::Policy", "Properties": properties}


def role_of_its_own() -> dict[str, object]:
    """Return the template of a stack that makes a role with a policy of its own, and exports what the backend imports."""
    inline = [{"PolicyName": NAME("CloudFormation"), "PolicyDocument": DOCUMENT}]
    role = {"AssumeRolePolicyDocument": TRUST, "Policies": inline}
    values = {"BackendEcsTaskRole-Staging": {"Ref": "Task"}, "DynamoDBStagingSampleTable": "table", "RDS-Staging": "db"}
    outputs = {f"Export{n}": {"Value": v, "Export": {"Name": f"own-{k}"}} for n, (k, v) in enumerate(values.items())}
    return {"Resources": {"Task": {"Type": "AWS::IAM::Role", "Properties": role}}, "Outputs": outputs}


def test_whatever_owns_a_policy_name_on_the_role_is_named_and_other_oddities_stop_nobody(project, aws) -> None:
    iam = client(aws, "iam")
    given_stack(aws, "own", json.dumps(role_of_its_own()))
    (role,) = (each["RoleName"] for each in iam.list_roles()["Roles"] if each["RoleName"].startswith("own-"))
    name = {"Fn::Sub": NAME("${Kind}")}
    loop = {"Fn::ForEach::Policies": ["Kind", ["SQS", "Other"], {"${Kind}Policy": policy(name, OWN)}]}
    here = {"Fn::Equals": [{"Ref": "AWS::Region"}, aws["AWS_DEFAULT_REGION"]]}
    unlike = {"Fn::Select": [1, {"Fn::Split": ["/", "a/unlike"]}]}
    others = {
        "loop": {"Transform": "AWS::LanguageExtensions", "Resources": loop},
        "if": {
            "Conditions": {"Here": here},
            "Resources": {"Policy": policy({"Fn::If": ["Here", NAME("DynamoDB"), "other"]}, OWN)},
        },
        "by-name": {"Resources": {"Policy": policy(NAME("RDS"), role)}},
        "odd": {
            "Mappings": {"A": {"B": {"C": ["1"]}}},
            "Conditions": {"No": {"Fn::Not": [here]}},
            "Resources": {"Policy": policy(unlike, OWN), "No": {"Condition": "No", **policy("x", OWN)}},
        },
    }
    for stack, template in others.items():
        given_stack(aws, stack, json.dumps(template))
    iam.put_role_policy(RoleName=role, PolicyName=NAME("SSM"), PolicyDocument=json.dumps(DOCUMENT))

    result = deploy(project, aws, "--preview", "Staging", "backend", PARAMETERS="VPCName=own")

    problems = result.stderr.split("5 problems, and nothing was changed:\n")[1]
    said = "  - backend: {} owns policies of the same names; delete it first, or take them out of it:\n".format
    owners = {
        "CloudFormation": "stack own",
        "DynamoDB": "stack if",
        "RDS": "stack by-name",
        "SQS": "stack loop",
        "SSM": "somebody else",
    }
    for kind, owner in owners.items():
        assert f"{said(owner)}      {NAME(kind)} on role {role}\n" in problems


@pytest.mark.thorough
def test_stacks_that_out_no_longer_has_are_listed_and_can_be_destroyed_and_those_of_strangers_cannot(
    project, aws
) -> None:
    for service in ("backend", "worker"):
        given_stack(aws, f"{PREFIX}{service}-old", NOTHING, service=service, environment="Old")
    given_stack(aws, f"{PREFIX}batch-staging", NOTHING, service="batch", environment="Staging")
    strangers = {"cluster-old": "Old", f"{PREFIX}x-old-blue": "Old", "batch": "Staging"}
    for name, environment in strangers.items():
        given_stack(aws, name, NOTHING, service="backend", environment=environment)

    preview = deploy(project, aws, "--preview", "Staging", "backend", PARAMETERS="VPCName=other")  # which is refused

    assert [line for line in preview.stderr.splitlines() if "warning" in line] == [
        f"warning: out/Staging has no batch, but stack {PREFIX}batch-staging exists; --destroy Staging batch deletes it",
        f"warning: out/ has no Old, but its stacks exist: {PREFIX}backend-old, {PREFIX}worker-old; --destroy Old deletes "
        "them",
    ]

    one = deploy(project, aws, "--destroy", "--yes", "Old", "worker")
    assert one.returncode == 0, one.stderr
    assert states(aws).keys() == {*strangers, f"{PREFIX}backend-old", f"{PREFIX}batch-staging"}
    rest = deploy(project, aws, "--destroy", "--yes", "Old")
    assert rest.returncode == 0, rest.stderr
    assert states(aws).keys() == {*strangers, f"{PREFIX}batch-staging"}


@pytest.mark.thorough
def test_policies_that_a_stack_which_never_came_up_has_left_are_its_own(project, aws, roles) -> None:
    before, what, after = project.read(BACKEND).rpartition(REFUSED_BY_IAM[0])
    template = before + what.replace(*REFUSED_BY_IAM) + after
    client(aws, "cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        OnFailure="DO_NOTHING",
        Tags=[{"Key": "service", "Value": "backend"}, {"Key": "environment", "Value": "Staging"}],
    )
    wait(lambda: not states(aws)[STACK].endswith("_IN_PROGRESS"))
    role = roles["Staging", "backend"]
    assert NAME("RDS") in inline_policies(aws, role)
    client(aws, "iam").put_role_policy(RoleName=role, PolicyName=NAME("SSM"), PolicyDocument=json.dumps(DOCUMENT))

    refused = deploy(project, aws, "--recreate", "Staging", "backend")

    assert "1 problem, and nothing was changed" in refused.stderr
    assert (
        f"somebody else owns policies of the same names; delete it first, or take them out of it:\n      {NAME('SSM')}"
        in (refused.stderr)
    )
    client(aws, "iam").delete_role_policy(RoleName=role, PolicyName=NAME("SSM"))

    recreated = deploy(project, aws, "--recreate", "Staging", "backend")

    assert recreated.returncode == 0, recreated.stderr
    assert states(aws) == {STACK: "CREATE_COMPLETE"}

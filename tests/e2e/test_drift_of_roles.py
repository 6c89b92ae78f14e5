"""deploy.sh --drift against a local AWS in which much has happened: what it says of each, and whose it calls what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from deployed import PATIENT, PREFIX, TEMPLATE, commit, deploy, edit, given_stack, lines_about, run, wait
from imports import deploy_imports, deploy_stack, environments, task_roles
from local_aws import client, local_aws
from project import Project, rendered

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

VPC = "mynavi-sample-cloudformation-vpc"
BY_HAND, MADE = "task-role-made-by-hand", "task-role-of-a-stack"
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
GET = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
MANAGED = "arn:aws:iam::000000000000:policy/{}".format
IMPORTED = {"Fn::ImportValue": f"{VPC}-BackendEcsTaskRole-Dev"}


def trust(*services: str) -> dict[str, Any]:
    """Return a trust that lets the account and services assume a role."""
    principal = {"Service": [f"{service}.amazonaws.com" for service in services], "AWS": "000000000000"}
    return {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]}


def exported(role: Any, *names: str) -> dict[str, Any]:
    """Return outputs that export a role's name."""
    return {f"Export{index}": {"Value": role, "Export": {"Name": name}} for index, name in enumerate(names)}


def policy(name: Any, *roles: Any, **more: Any) -> dict[str, Any]:
    """Return a policy as a resource."""
    properties = {"PolicyName": name, "PolicyDocument": ALLOW, "Roles": list(roles)}
    return {"Type": "AWS::IAM::Policy", "Properties": properties, **more}


# The stack that makes the role of Staging's backend: each part of it in other words than IAM has it.
MAKER = {
    "Parameters": {"Size": {"Type": "String", "Default": "big"}},
    "Conditions": {"Big": {"Fn::Equals": [{"Ref": "Size"}, "big"]}, "Small": {"Fn::Not": [{"Condition": "Big"}]}},
    "Mappings": {"Boundaries": {"big": {"Name": "limit"}}},
    "Resources": {
        "TaskRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": MADE,
                "AssumeRolePolicyDocument": {
                    "Statement": {
                        "Effect": "Allow",
                        "Action": ["sts:AssumeRole"],
                        "Principal": {
                            "Service": {
                                "Fn::If": ["Big", {"Fn::Sub": "ecs-tasks.${AWS::URLSuffix}"}, {"Ref": "AWS::NoValue"}]
                            },
                            "AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
                        },
                    }
                },
                "PermissionsBoundary": {
                    "Fn::Sub": [
                        "arn:aws:iam::${AWS::AccountId}:policy/${Name}",
                        {"Name": {"Fn::FindInMap": ["Boundaries", {"Ref": "Size"}, "Name"]}},
                    ]
                },
                "ManagedPolicyArns": [MANAGED("kept"), {"Fn::If": ["Small", MANAGED("other"), MANAGED("detached")]}],
                "Policies": [
                    {"PolicyName": "kept-inline", "PolicyDocument": GET},
                    {"PolicyName": "edited-inline", "PolicyDocument": GET},
                    {"PolicyName": "lost-inline", "PolicyDocument": GET},
                ],
            },
        }
    },
    "Outputs": exported({"Ref": "TaskRole"}, f"{VPC}-BackendEcsTaskRole-Staging"),
}
# Stacks that put something on the role that was made by hand, which Dev's services share.
OTHERS = {
    "importing": {
        "Conditions": {"Never": {"Fn::Equals": [{"Ref": "AWS::Region"}, "nowhere"]}},
        "Resources": {
            "A": policy({"Fn::If": ["Never", "no-name", "of-an-importer"]}, IMPORTED),
            "B": policy("never-there", IMPORTED, Condition="Never"),
        },
    },
    "in-a-loop": {
        "Transform": "AWS::LanguageExtensions",
        "Resources": {
            "Fn::ForEach::Each": ["Each", ["One"], {"P${Each}": policy({"Fn::Sub": "looped-${Each}"}, BY_HAND)}]
        },
    },
    "naming-it": {
        "Resources": {
            "Alone": policy("of-one-who-names-it", BY_HAND),
            "Managed": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"ManagedPolicyName": "of-a-stack", "PolicyDocument": ALLOW, "Roles": [BY_HAND]},
            },
        }
    },
    "secretive": {
        "Parameters": {"Role": {"Type": "String", "NoEcho": True, "Default": BY_HAND}},
        "Resources": {"Hidden": policy("hidden", {"Ref": "Role"})},
    },
}


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses a local AWS with roles that are not all alike."""
    with local_aws() as environment:
        iam = client(environment, "iam")
        for name in ("limit", "kept", "detached", "attached", "by-hand"):
            iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(ALLOW))
        document = json.dumps(trust("ecs-tasks", "lambda"))
        iam.create_role(RoleName=BY_HAND, AssumeRolePolicyDocument=document, PermissionsBoundary=MANAGED("limit"))
        names = (f"{VPC}-{service}EcsTaskRole-Dev" for service in ("Backend", "Frontend"))
        nothing = {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
        deploy_stack(environment, "exporting", json.dumps({"Resources": nothing, "Outputs": exported(BY_HAND, *names)}))
        deploy_stack(environment, "maker", json.dumps(MAKER))
        # The local AWS leaves a role's boundary out when a stack makes it.
        iam.put_role_permissions_boundary(RoleName=MADE, PermissionsBoundary=MANAGED("limit"))
        for each in environments(rendered("two-services")).values():
            deploy_imports(environment, each, rendered("two-services"))
        yield environment


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project of two services, all committed."""
    project = Project(tmp_path_factory.mktemp("project"))
    commit(project)
    return project


def deployed_services(project: Project, aws: dict[str, str], environment: str) -> dict[str, str]:
    """Deploy all services of an environment; return the names of their roles."""
    for service in ("backend", "frontend"):
        stack = f"{PREFIX}{service}-{environment.lower()}"
        given_stack(aws, stack, project.read(TEMPLATE(environment, service)))
    return task_roles(aws, environments(project.folder)[environment])


def other_stack(aws: dict[str, str], name: str, template: dict[str, Any]) -> None:
    """Create a stack, whose template may have transforms, and wait until it is there."""
    capabilities = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    cloudformation = client(aws, "cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Capabilities=capabilities)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=PATIENT)


# --- a role that no stack makes, with policies of many --------------------


@pytest.fixture(scope="module")
def of_many(project, aws) -> subprocess.CompletedProcess[str]:
    """Return what drift says of a service whose role another one shares, and on which others have put things."""
    deployed_services(project, aws, "Dev")
    for name, template in OTHERS.items():
        other_stack(aws, name, template)
    iam = client(aws, "iam")
    iam.put_role_policy(RoleName=BY_HAND, PolicyName="hotfix", PolicyDocument=json.dumps(ALLOW))
    iam.attach_role_policy(RoleName=BY_HAND, PolicyArn=MANAGED("attached"))
    return deploy(project, aws, "--drift", "Dev", "backend")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("of another stack", f"Mynavi-Sample-S3AccessPolicy-frontend-Dev (stack {PREFIX}frontend-dev)"),
        ("of another stack", "of-an-importer (stack importing)"),
        ("of another stack", "looped-One (stack in-a-loop)"),
        ("of another stack", "of-one-who-names-it (stack naming-it)"),
        ("of another stack", f"{MANAGED('of-a-stack')}, attached to role {BY_HAND} (stack naming-it)"),
        ("cannot tell", "hidden: it may be of Hidden of stack secretive (what Role is)"),
        ("unmanaged", "hotfix"),
        ("unexplained", f"{MANAGED('attached')}, attached to role {BY_HAND}"),
        ("unexplained", f"the trust of role {BY_HAND} lets others than ECS assume it: "),
        ("limited by", f"{MANAGED('limit')}, the boundary of role {BY_HAND}; no stack says whether it should be"),
        ("in sync", "Mynavi-Sample-SQSAccessPolicy-backend-Dev"),
    ],
)
def test_what_is_on_a_role_is_said_with_its_owner(of_many, word: str, what: str) -> None:
    assert len(lines_about(of_many.stdout, f"  {word:<17}{what}")) == 1, of_many.stdout


@pytest.mark.thorough
def test_what_another_stack_has_put_there_is_no_drift_and_nobody_is_told_to_delete_it(of_many) -> None:
    assert of_many.returncode == 1
    assert "AWS arn:aws:iam::000000000000:root, Service lambda.amazonaws.com" in of_many.stdout
    assert "4 of 9 differ:" in of_many.stderr  # five of the service's own, and what is not told apart above
    assert "delete nothing before" in of_many.stderr
    assert "never-there" not in of_many.stdout


@pytest.mark.thorough
def test_what_is_on_a_role_of_several_services_is_said_once(project, aws, of_many) -> None:
    assert of_many.returncode == 1
    both = deploy(project, aws, "--drift", "Dev")
    assert len(lines_about(both.stdout, "hotfix")) == len(lines_about(both.stdout, "looped-One")) == 1
    assert len(lines_about(both.stdout, "in sync")) == 10
    assert lines_about(both.stdout, "of another stack", "-frontend-Dev (stack") == []


# --- a role that a stack makes, changed by hand --------------------


@pytest.fixture(scope="module")
def changed_role(project, aws) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    """Return what drift says before and after all of a role, and another role whole, were changed by hand."""
    roles = deployed_services(project, aws, "Staging")
    before = deploy(project, aws, "--drift", "Staging")
    iam = client(aws, "iam")
    iam.update_assume_role_policy(RoleName=MADE, PolicyDocument=json.dumps(trust("ecs-tasks", "lambda")))
    iam.delete_role_permissions_boundary(RoleName=MADE)
    iam.detach_role_policy(RoleName=MADE, PolicyArn=MANAGED("detached"))
    iam.attach_role_policy(RoleName=MADE, PolicyArn=MANAGED("by-hand"))
    iam.put_role_policy(RoleName=MADE, PolicyName="edited-inline", PolicyDocument=json.dumps(ALLOW))
    iam.delete_role_policy(RoleName=MADE, PolicyName="lost-inline")
    delete_role(aws, roles["frontend"])
    return before, deploy(project, aws, "--drift", "Staging")


def delete_role(aws: dict[str, str], role: str) -> dict[str, Any]:
    """Delete a role with its inline policies, and return what it was."""
    iam = client(aws, "iam")
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    found = iam.get_role(RoleName=role)["Role"]
    iam.delete_role(RoleName=role)
    return found


@pytest.mark.thorough
def test_a_role_that_is_as_its_stack_says_is_in_sync_whatever_words_the_template_has(changed_role) -> None:
    before, _ = changed_role
    assert before.returncode == 0, before.stdout + before.stderr
    assert lines_about(before.stdout, "of another stack", "kept-inline (stack maker)")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("role changed", f"the trust of role {MADE} (stack maker)"),
        ("role changed", f"the boundary of role {MADE} is none; stack maker says {MANAGED('limit')}"),
        ("role changed", f"{MANAGED('detached')} (stack maker) is not attached to role {MADE} any more"),
        ("role changed", "edited-inline (stack maker)"),
        ("role changed", f"lost-inline (stack maker) is not on role {MADE} any more"),
        ("attached by hand", f"{MANAGED('by-hand')}, attached to role {MADE}"),
        ("of another stack", f"{MANAGED('kept')}, attached to role {MADE} (stack maker)"),
        ("of another stack", "kept-inline (stack maker)"),
        ("role is gone", "imports-of-Staging-Role"),
        ("in sync", "Mynavi-Sample-SQSAccessPolicy-backend-Staging"),
    ],
)
def test_what_was_changed_of_a_role_by_hand_is_said(changed_role, word: str, what: str) -> None:
    _, after = changed_role
    assert lines_about(after.stdout, f"  {word:<17}{what}"), after.stdout


@pytest.mark.thorough
def test_each_kind_of_difference_has_its_way_out(changed_role) -> None:
    _, after = changed_role
    assert after.returncode == 1
    assert lines_about(after.stdout, "role is gone", "(stack imports-of-Staging)")
    assert lines_about(after.stdout, "+ granted", "Service lambda.amazonaws.com"), after.stdout
    for way_out in ("Put it back by hand", "detach it,", "makes the role has to make it again"):
        assert way_out in after.stderr


# --- a role that was made anew, and a stack changed by hand --------------------


@pytest.mark.thorough
def test_a_role_made_anew_and_policies_of_users_and_groups_are_said(project, aws) -> None:
    iam = client(aws, "iam")
    roles = deployed_services(project, aws, "Production")
    held = run(project, aws, "python", "-I", "taskroles", "held", "--", "Production")
    assert (held.returncode, held.stdout, held.stderr) == (0, "", "")

    wait(lambda: anew(aws, roles["frontend"], f"{PREFIX}frontend-production"))
    iam.create_user(UserName="somebody")
    iam.create_group(GroupName="some")
    path = TEMPLATE("Production", "backend")
    written = project.read(path)
    role = written.split("      Roles:\n")[1].splitlines()[0]
    edit(project, path, role, f"{role}\n      Users: [somebody]\n      Groups: [some]")
    cloudformation = client(aws, "cloudformation")
    stack = f"{PREFIX}backend-production"
    cloudformation.update_stack(StackName=stack, TemplateBody=project.read(path), Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=PATIENT)
    name = iam.list_user_policies(UserName="somebody")["PolicyNames"][0]
    iam.put_user_policy(UserName="somebody", PolicyName=name, PolicyDocument=json.dumps(ALLOW))
    project.write(path, written)
    result = deploy(project, aws, "--drift", "Production")

    assert result.returncode == 1
    assert len(lines_about(result.stdout, "made anew", "-frontend-Production")) == 4, result.stdout
    assert lines_about(result.stdout, "changed by hand", f"{name} on user somebody")
    assert lines_about(result.stdout, "not deployed", f"{name} on group some")
    assert "they went with the old one" in result.stderr


def anew(aws: dict[str, str], role: str, stack: str) -> bool:
    """Make a role anew; tell whether it is younger, in seconds, than what a stack has put on the one before."""
    iam = client(aws, "iam")
    resources = client(aws, "cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    was = delete_role(aws, role)
    document = json.dumps(was["AssumeRolePolicyDocument"])
    now = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]
    return now["CreateDate"] > max(resource["LastUpdatedTimestamp"] for resource in resources)

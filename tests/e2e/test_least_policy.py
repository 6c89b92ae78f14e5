"""The least policy of who deploys: enough for all that deploy.sh does, nothing of it left over, and no step without it.

deploy.sh runs as a principal with that policy alone, against a local AWS that enforces it, through a proxy that hears
what is asked. The command of deploy.sh that is the first to ask for something is then run once more, by a principal
that may do all but that: it must fail for it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from deployed import PREFIX, TEMPLATE, commit, deploy, edit, given_stack, inline_policies, states
from imports import deploy_stack
from local_aws import DENIED, assume_role, client
from proxy import proxy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from project import Project
    from proxy import Answer, PassedOn, Request

pytestmark = pytest.mark.usefixtures("empty_aws")

# In the policy, though no call of that name is to be heard here.
NOT_HEARD = {
    "cloudformation:ListStacks": "DescribeStacks takes it too where no stack is named (API Reference, DescribeStacks)",
    "cloudformation:TagResource": "CreateChangeSet takes it where tags are given (its condition key CreateAction)",
    "cloudformation:UntagResource": "the same where a tag goes",
    "iam:DeleteRolePolicy": "CloudFormation calls it, in the name of who has asked it to",
    "iam:PutRolePolicy": "the same",
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}},
}
IMPORTER = """\
Resources: {Nothing: {Type: AWS::CloudFormation::WaitConditionHandle}}
Outputs: {Role: {Value: {Fn::ImportValue: mynavi-sample-cloudformation-vpc-BackendEcsTaskRole-Staging}}}
"""
FRONTEND = "${VPCName}-FrontendEcsTaskRole-${EnvType}"
# Stands before a command: runs it, then again for each action that it was the first to ask for, without that right.
SHIM = """\
#!/usr/bin/env bash
[[ $* != --version ]] || exec echo '{version}'
real() {{ AWS_SDK_UA_APP_ID=$1 '{real}' "${{@:2}}"; }}
id=$$-$RANDOM code=0
real "$id" "$@" || code=$?
if [[ -e '{folder}'/asked-$id ]]; then
  while read -r action AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; do
    again=0
    real again "$@" </dev/null >'{folder}/said' 2>&1 || again=$?
    if ((again)) && grep -q "not authorized to perform: $action " '{folder}/said'; then
      echo "$action" >>'{folder}/needed'
    fi
  done <'{folder}/asked-'$id
fi
exit $code
"""


class Deployer:
    """A principal with a policy, others that lack one of its actions each, and what deploy.sh asks for in its name."""

    def __init__(self, aws: dict[str, str], name: str, policy: Mapping[str, Any], folder: Path) -> None:
        """Make the principals; `folder` is for what is noted of them."""
        self.folder = folder
        (folder / "needed").touch()
        self.aws = principal(aws, name, policy)
        self.without = {
            action: principal(aws, f"{name}-without-{action.replace(':', '-')}", less(policy, action))
            for action in sorted(actions(policy) - NOT_HEARD.keys())
        }
        self.asked: set[str] = set()
        self.denied: list[str] = []

    def deploy(self, project: Project, *arguments: str, code: int = 0) -> None:
        """Run deploy.sh, which must end with an exit code and hear of no denial."""
        version = f"aws-cli/{metadata.version('awscli')}"
        reals = {".venv/bin/python": sys.executable, "bin/aws": shutil.which("aws", path=self.aws["PATH"])}
        for name, real in reals.items():
            shim = project.folder / name
            shim.parent.mkdir(parents=True, exist_ok=True)
            shim.write_text(SHIM.format(real=real, folder=self.folder, version=version))
            shim.chmod(0o755)
        with proxy(self.aws) as between:
            between.play("*", self.listen)
            path = f"{project.folder / 'bin'}{os.pathsep}{self.aws['PATH']}"
            done = deploy(project, between.aws | {"PATH": path}, *arguments)
        assert (self.denied, done.returncode) == ([], code), done.stderr

    def listen(self, request: Request, passed_on: PassedOn) -> Answer:
        """Pass a request on, and note what it asked for and which command did."""
        answer = passed_on(request)
        command = re.search(r"\bapp/(\S+)", request.headers["User-Agent"])[1]
        service = re.search(r"/(\w+)/aws4_request", request.headers["Authorization"])[1]
        action = f"{service}:{request.action}"
        if command == "again" or action == "sts:GetCallerIdentity":  # AWS denies that to nobody
            return answer
        self.asked.add(action)
        if any(f"<Code>{code}</Code>".encode() in answer.body for code in DENIED):
            self.denied.append(f"{action} {sorted(request.parameters.items())}")
        elif action in self.without.keys() - self.needed():
            keys = [
                self.without[action][f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
            ]
            with (self.folder / f"asked-{command}").open("a+") as file:
                file.seek(0)
                if action not in file.read():
                    print(action, *keys, file=file)
        return answer

    def needed(self) -> set[str]:
        """Return the actions without which a command has failed."""
        return set((self.folder / "needed").read_text().split())


def principal(aws: dict[str, str], name: str, policy: Mapping[str, Any]) -> dict[str, str]:
    """Make a role that may do what a policy says; return `aws` with its keys."""
    iam = client(aws, "iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName=name, PolicyName="deployer", PolicyDocument=json.dumps(policy))
    return assume_role(aws, name)


def actions(policy: Mapping[str, Any]) -> set[str]:
    """Return all actions of a policy."""
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def less(policy: Mapping[str, Any], action: str) -> dict[str, Any]:
    """Return a policy without an action."""
    rest = [
        {**statement, "Action": [each for each in statement["Action"] if each != action]}
        for statement in policy["Statement"]
    ]
    return {**policy, "Statement": [statement for statement in rest if statement["Action"]]}


def as_document(project: Project, environment: str, roles: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Return the policy document for an environment."""
    given = [f"--role={service}={role}" for (each, service), role in roles.items() if each == environment]
    done = project.verb("deployer", "--format=json", *given, "--", environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_deployed(aws: dict[str, str], project: Project, environment: str) -> dict[str, Any]:
    """Deploy the template for an environment, for a role of its own; return what IAM then has of its policy."""
    done = project.verb("deployer", "--format=cloudformation", "--", environment)
    assert (done.returncode, done.stderr) == (0, "")
    iam = client(aws, "iam")
    iam.create_role(RoleName="who-deploys", AssumeRolePolicyDocument=json.dumps(TRUST))
    deploy_stack(aws, "deployer", done.stdout, Roles="who-deploys")
    (attached,) = iam.list_attached_role_policies(RoleName="who-deploys")["AttachedPolicies"]
    return iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId="v1")["PolicyVersion"]["Document"]


@pytest.mark.thorough
def test_with_the_document_all_works_without_an_action_a_step_fails_and_none_is_left_over(
    project, aws, roles, tmp_path
) -> None:
    role = roles["Staging", "backend"]
    given_stack(aws, "another", IMPORTER)
    client(aws, "iam").create_role(RoleName="by-hand", AssumeRolePolicyDocument=json.dumps(TRUST))
    policy = as_document(project, "Staging", {**roles, ("Staging", "frontend"): "by-hand"})
    deployer = Deployer(aws, "deployer", policy, tmp_path)

    deployer.deploy(project, "Staging", "backend")
    assert len(inline_policies(aws, role)) == 5
    project.replace("out/Staging/environment.yml", f'export: "{FRONTEND}"', "name: by-hand")
    project.replace(TEMPLATE("Staging", "frontend"), f'Fn::ImportValue: !Sub "{FRONTEND}"', "by-hand")
    deployer.deploy(project, "--drift", "Staging", code=1)  # nothing of the frontend is deployed
    edit(project, TEMPLATE("Staging", "backend"), "sqs:DeleteMessage", "sqs:PurgeQueue")
    deployer.deploy(project, "--preview", "Staging", "backend")
    deployer.deploy(project, "--destroy", "--yes", "Staging", "backend")

    assert (inline_policies(aws, role), states(aws)) == ([], {"another": "CREATE_COMPLETE"})
    assert deployer.asked | NOT_HEARD.keys() == actions(policy)
    assert deployer.asked == deployer.needed()


@pytest.mark.thorough
def test_with_the_template_a_protected_environment_is_updated_and_destroyed(project, aws, tmp_path) -> None:
    policy = as_deployed(aws, project, "Production")
    deployer = Deployer(aws, "deployer-of-protected", policy, tmp_path)
    heard = {"cloudformation:UpdateTerminationProtection"}
    deployer.without = {action: keys for action, keys in deployer.without.items() if action in heard}

    tags = {"service": "backend", "environment": "Production"}
    given_stack(aws, f"{PREFIX}backend-production", project.read(TEMPLATE("Production", "backend")), **tags)
    edit(project, TEMPLATE("Production", "backend"), "sqs:DeleteMessage", "sqs:PurgeQueue")
    commit(project)
    deployer.deploy(project, "--yes", "Production", "backend")
    deployer.deploy(project, "--destroy", "--yes", "Production", "backend")

    assert states(aws) == {"deployer": "CREATE_COMPLETE"}
    assert deployer.asked <= actions(policy)
    assert deployer.needed() == heard


def test_other_stacks_and_roles_are_out_of_reach_and_so_are_the_roles_without_cloudformation(
    project, aws, roles
) -> None:
    who = principal(aws, "confined", as_document(project, "Staging", roles))
    cloudformation, iam = client(who, "cloudformation"), client(who, "iam")
    ours, production = roles["Staging", "backend"], f"{PREFIX}backend-production"
    change_set = {"StackName": production, "ChangeSetName": "any"}
    policy = {"PolicyName": "any", "PolicyDocument": json.dumps(TRUST)}
    for call, arguments in (
        (cloudformation.create_change_set, {**change_set, "TemplateBody": IMPORTER}),
        (cloudformation.execute_change_set, change_set),
        (cloudformation.delete_stack, {"StackName": production}),
        (cloudformation.create_stack, {"StackName": f"{PREFIX}backend-staging", "TemplateBody": IMPORTER}),
        (iam.put_role_policy, {"RoleName": ours, **policy}),
        (iam.delete_role_policy, {"RoleName": ours, "PolicyName": "any"}),
        (iam.list_role_policies, {"RoleName": roles["Production", "backend"]}),
        (iam.list_roles, {}),
    ):
        with pytest.raises(ClientError) as error:
            call(**arguments)
        assert error.value.response["Error"]["Code"] in DENIED, arguments
    assert iam.list_role_policies(RoleName=ours)["PolicyNames"] == []

"""deploy.sh as the tests run it, and what it has left in the AWS that it was run against."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local_aws import client

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project

GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
PREFIX = "mynavi-sample-ecs-taskrole-"  # of the stacks of tests/tables/two-services.yml
PATIENCE = 300.0  # seconds; far more than anything takes on a loaded machine
PATIENT = {"Delay": 0.1, "MaxAttempts": 3000}  # for botocore's waiters
REFUSED_BY_IAM = ("Statement:", "Statement: []\n        Unused:")  # a review can judge it: nothing is allowed
REFUSAL = "Policy document must contain at least one Statement"
TEMPLATE = "out/{}/sample-ecs-taskrole-{}-cfn.yml".format


def no_aws(**environment: str) -> dict[str, str]:
    """Return the environment of a process that has no AWS to ask: no setting of the user's, and no keys."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **inherited,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **environment,
    }


def run(project: Project, aws: dict[str, str], *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a project without a terminal, with the environment `aws`."""
    return subprocess.run(
        command,
        cwd=project.folder,
        env=aws,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def deploy(
    project: Project, aws: dict[str, str], *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a project's deploy.sh without a terminal."""
    return run(project, aws | environment, project.folder / "deploy.sh", *arguments)


def edit(project: Project, path: str, old: str, new: str) -> None:
    """Replace the first occurrence of a text that must stand in a file of a project."""
    text = project.read(path)
    assert old in text
    project.write(path, text.replace(old, new, 1))


def without(template: str, logical_id: str) -> str:
    """Return a template without one of its policies."""
    blocks = template.split("\n\n")
    kept = [block for block in blocks if f"\n  {logical_id}:" not in block]
    assert len(kept) == len(blocks) - 1
    return "\n\n".join(kept) + "\n"


def commit(project: Project) -> str:
    """Commit everything, as the main branch of a remote has it, and return the commit as deploy.sh writes it."""
    main = ["update-ref", "refs/remotes/origin/main", "HEAD"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "test"], main):
        subprocess.run([*GIT, *command], cwd=project.folder, check=True)
    show = ["git", "log", "-1", "--abbrev=12", "--format=%h"]
    return subprocess.run(show, cwd=project.folder, check=True, capture_output=True, text=True).stdout.strip()


def wait(until: Callable[[], Any]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_gone(address: str) -> bool:
    """Wait until nothing listens on an address."""
    where = urlsplit(address)

    def refuses() -> bool:
        try:
            socket.create_connection((where.hostname, where.port)).close()
        except ConnectionRefusedError:
            return True
        return False

    wait(refuses)
    return True


def given_stack(aws: dict[str, str], name: str, template: str, **tags: str) -> None:
    """Create a stack without deploy.sh and wait until it has settled."""
    client(aws, "cloudformation").create_stack(
        StackName=name,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    wait(lambda: not states(aws)[name].endswith("_IN_PROGRESS"))


def given_service(aws: dict[str, str], name: str, template: str) -> None:
    """Create a stack as deploy.sh tags it: its name says service and environment, as PREFIX{service}-{environment}."""
    service, _, environment = name.removeprefix(PREFIX).rpartition("-")
    given_stack(aws, name, template, service=service, environment=environment.capitalize())


def delete_stacks(aws: dict[str, str]) -> None:
    """Delete all stacks of ours, and what is left in the roles."""
    cloudformation, iam = client(aws, "cloudformation"), client(aws, "iam")
    going = ("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")
    wait(lambda: not any(state.endswith(going) for state in states(aws).values()))
    for name in [*states(aws)][::-1]:  # a newer one may import what an older one exports
        cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
        cloudformation.delete_stack(StackName=name)
        wait(lambda name=name: name not in states(aws))
    for role in iam.list_roles()["Roles"]:
        for policy in inline_policies(aws, role["RoleName"]):
            iam.delete_role_policy(RoleName=role["RoleName"], PolicyName=policy)


def states(aws: dict[str, str]) -> dict[str, str]:
    """Return the state of every stack of ours: what deploy_imports has made is none."""
    stacks = client(aws, "cloudformation").describe_stacks()["Stacks"]
    states = {stack["StackName"]: stack["StackStatus"] for stack in stacks}
    return {name: state for name, state in states.items() if not name.startswith("imports-of-")}


def change_sets(aws: dict[str, str]) -> list[str]:
    """Return the change sets that wait in stacks of ours."""
    cloudformation = client(aws, "cloudformation")
    summaries = (cloudformation.list_change_sets(StackName=name)["Summaries"] for name in states(aws))
    return [
        item["ChangeSetName"]
        for some in summaries
        for item in some
        if not item["ExecutionStatus"].startswith("EXECUTE_")
    ]


def inline_policies(aws: dict[str, str], role: str) -> list[str]:
    """Return the names of the inline policies of a role."""
    return client(aws, "iam").list_role_policies(RoleName=role)["PolicyNames"]


def document(aws: dict[str, str], role: str, policy: str) -> str:
    """Return the document of an inline policy of a role, as JSON."""
    return json.dumps(client(aws, "iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])


def lines_about(output: str, *words: str) -> list[str]:
    """Return the lines of an output that hold all the words."""
    return [line for line in output.splitlines() if all(word in line for word in words)]

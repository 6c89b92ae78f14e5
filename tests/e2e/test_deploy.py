"""deploy.sh itself, with the real AWS CLI, against the local AWS, or with a stand-in where it falls short."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from local_aws import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
PREFIX = "mynavi-sample-ecs-taskrole-"
GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
REFUSED_BY_IAM = ("Statement:", "Statement: []\n        Unused:")  # review.py can judge it: nothing is allowed
REFUSAL = "Policy document must contain at least one Statement"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a git repository with what a deploy reads, all committed."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("deploy.sh", *(path.name for path in ROOT.glob("*.py"))):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "out", folder / "out")
    (folder / ".gitignore").write_text("__pycache__/\n")
    commit(folder)
    return folder


@pytest.fixture(autouse=True)
def _no_stacks_of_ours(aws: dict[str, str]) -> Iterator[None]:
    """Delete afterwards what a test has put into the AWS that the whole module shares."""
    yield
    cloudformation, iam = client(aws, "cloudformation"), client(aws, "iam")
    while any(state.endswith(("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")) for state in states(aws).values()):
        time.sleep(0.1)
    for name in states(aws):
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})
    for role in iam.list_roles()["Roles"]:
        for policy in inline_policies(aws, role["RoleName"]):
            iam.delete_role_policy(RoleName=role["RoleName"], PolicyName=policy)


def commit(project: Path) -> str:
    """Commit everything and return the commit as deploy.sh writes it."""
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "test"]):
        subprocess.run([*GIT, *command], cwd=project, check=True)
    show = ["git", "log", "-1", "--abbrev=12", "--format=%h"]
    return subprocess.run(show, cwd=project, check=True, capture_output=True, text=True).stdout.strip()


def deploy(project: Path, aws: dict[str, str], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run deploy.sh without a terminal."""
    return subprocess.run(
        [project / "deploy.sh", *arguments],
        env=aws | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def template(project: Path, environment: str, service: str) -> Path:
    """Return the path of a template."""
    return project / "out" / environment / f"sample-ecs-taskrole-{service}-cfn.yml"


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def remove_resource(path: Path, logical_id: str) -> None:
    """Take a policy out of a template."""
    blocks = path.read_text().split("\n\n")
    kept = [block for block in blocks if f"\n  {logical_id}:" not in block]
    assert len(kept) == len(blocks) - 1
    path.write_text("\n\n".join(kept) + "\n")


def given_stack(aws: dict[str, str], name: str, path: Path, **arguments: Any) -> None:
    """Create a stack without deploy.sh and wait until it has settled."""
    cloudformation = client(aws, "cloudformation")
    body, capabilities = path.read_text(), ["CAPABILITY_IAM"]
    cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=capabilities, **arguments)
    while states(aws)[name].endswith("_IN_PROGRESS"):
        time.sleep(0.1)


def states(aws: dict[str, str]) -> dict[str, str]:
    """Return the state of every stack of ours."""
    stacks = client(aws, "cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackStatus"] for stack in stacks if stack["StackName"].startswith(PREFIX)}


def change_sets(aws: dict[str, str]) -> list[str]:
    """Return the change sets that wait in stacks of ours."""
    cloudformation = client(aws, "cloudformation")
    summaries = (cloudformation.list_change_sets(StackName=name)["Summaries"] for name in states(aws))
    return [
        item["ChangeSetName"] for some in summaries for item in some if item["ExecutionStatus"] != "EXECUTE_COMPLETE"
    ]


def role(aws: dict[str, str], service: str, environment: str) -> str:
    """Return the name of a task role."""
    exports = client(aws, "cloudformation").list_exports()["Exports"]
    name = f"mynavi-sample-cloudformation-vpc-{service.title()}EcsTaskRole-{environment}"
    return next(export["Value"] for export in exports if export["Name"] == name)


def inline_policies(aws: dict[str, str], role_name: str) -> list[str]:
    """Return the names of the inline policies of a role."""
    return client(aws, "iam").list_role_policies(RoleName=role_name)["PolicyNames"]


def lines_about(output: str, *words: str) -> list[str]:
    """Return the lines of an output that hold all the words."""
    return [line for line in output.splitlines() if all(word in line for word in words)]


# --- deploying ----------------------------------------------------------------------------------------------


def test_the_first_deploy_creates_a_stack_for_each_service_and_the_second_changes_nothing(project, aws) -> None:
    first = deploy(project, aws, "Staging", JOBS="2")

    assert first.returncode == 0, first.stderr
    assert states(aws) == {
        f"{PREFIX}backend-staging": "CREATE_COMPLETE",
        f"{PREFIX}frontend-staging": "CREATE_COMPLETE",
    }
    assert "account 000000000000, ap-northeast-1, as arn:aws:iam::000000000000:root" in first.stderr
    assert len(lines_about(first.stderr, "backend", "SQSAccessPolicy", "CREATE_COMPLETE")) == 1
    assert first.stdout.endswith("backend   deployed (CREATE_COMPLETE)\nfrontend  deployed (CREATE_COMPLETE)\n")
    assert "Mynavi-Sample-SQSAccessPolicy-backend-Staging" in inline_policies(aws, role(aws, "backend", "Staging"))
    stack = client(aws, "cloudformation").describe_stacks(StackName=f"{PREFIX}backend-staging")["Stacks"][0]
    tags = {tag["Key"]: tag["Value"] for tag in stack["Tags"]}
    assert tags == {"service": "backend", "environment": "Staging", "commit": commit_of(project)}

    (project / "README.md").write_text("a commit that changes no template\n")
    commit(project)
    second = deploy(project, aws, "Staging", JOBS="2")

    assert (second.returncode, second.stdout) == (0, "Staging: no changes in backend, frontend\n")
    assert change_sets(aws) == []


def commit_of(project: Path) -> str:
    """Return the first commit as deploy.sh writes it."""
    show = ["git", "log", "--reverse", "--abbrev=12", "--format=%h"]
    return subprocess.run(show, cwd=project, check=True, capture_output=True, text=True).stdout.split()[0]


def test_a_preview_shows_changed_and_removed_policies_and_changes_nothing_but_a_deploy_does(project, aws) -> None:
    path = template(project, "Staging", "backend")
    given_stack(aws, f"{PREFIX}backend-staging", path)
    edit(path, "sqs:DeleteMessage", "sqs:PurgeQueue")
    remove_resource(path, "RDSAccessPolicy")
    task_role = role(aws, "backend", "Staging")
    before = inline_policies(aws, task_role)

    preview = deploy(project, aws, "--preview", "Staging", "backend")

    assert preview.returncode == 0, preview.stderr
    assert "warning: out/Staging/sample-ecs-taskrole-backend-cfn.yml is not committed" in preview.stderr
    assert lines_about(preview.stdout, "backend", "modify", "SQSAccessPolicy", "PolicyDocument")
    assert lines_about(preview.stdout, "backend", "remove", "RDSAccessPolicy")
    assert not lines_about(preview.stdout, "SSMAccessPolicy")
    assert lines_about(preview.stdout, "+ granted", "sqs", "PurgeQueue on sample-queue"), preview.stdout
    assert lines_about(preview.stdout, "- revoked", "rds")
    assert (inline_policies(aws, task_role), change_sets(aws)) == (before, [])

    deployed = deploy(project, aws, "Staging", "backend")

    assert deployed.returncode == 0, deployed.stderr
    assert set(before) - set(inline_policies(aws, task_role)) == {"Mynavi-Sample-RDSAccessPolicy-backend-Staging"}
    sqs = client(aws, "iam").get_role_policy(
        RoleName=task_role, PolicyName="Mynavi-Sample-SQSAccessPolicy-backend-Staging"
    )
    assert "sqs:PurgeQueue" in json.dumps(sqs["PolicyDocument"])


def test_when_one_of_two_services_fails_the_other_finishes_and_the_first_cause_comes_first(project, aws) -> None:
    path = template(project, "Staging", "backend")
    edit(path, *REFUSED_BY_IAM)

    result = deploy(project, aws, "Staging", JOBS="2")

    assert result.returncode == 1
    assert states(aws) == {
        f"{PREFIX}backend-staging": "ROLLBACK_COMPLETE",
        f"{PREFIX}frontend-staging": "CREATE_COMPLETE",
    }
    reasons = result.stderr.split("first cause first:\n")[1].splitlines()
    assert reasons[0] == f"  1. CloudFormationAccessPolicy: {REFUSAL}"
    assert "deploy it with --recreate" in result.stderr
    assert lines_about(result.stdout, "backend", "failed (ROLLBACK_COMPLETE)", REFUSAL)
    assert lines_about(result.stdout, "frontend", "deployed (CREATE_COMPLETE)")


def test_a_failed_update_says_that_the_old_policies_are_back(project, aws) -> None:
    path = template(project, "Staging", "backend")
    given_stack(aws, f"{PREFIX}backend-staging", path)
    edit(path, *REFUSED_BY_IAM)

    result = deploy(project, aws, "Staging", "backend")

    assert result.returncode == 1
    assert "CloudFormation has put back what was deployed before" in result.stderr
    assert states(aws) == {f"{PREFIX}backend-staging": "UPDATE_ROLLBACK_COMPLETE"}


def test_ctrl_c_leaves_aws_as_it_is_says_what_runs_on_and_takes_back_what_has_not_begun(project, aws) -> None:
    path = template(project, "Staging", "backend")
    path.write_text(
        path.read_text()
        + "\n  Wait:\n    Type: AWS::CloudFormation::WaitCondition\n"
        + "    CreationPolicy: {ResourceSignal: {Timeout: PT10M}}\n"
    )
    command = [project / "deploy.sh", "Staging"]
    process = subprocess.Popen(
        command, env=aws, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while states(aws).get(f"{PREFIX}backend-staging") != "CREATE_IN_PROGRESS":
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(1)

    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=300)

    assert process.returncode == 130
    assert list(states(aws)) == [f"{PREFIX}backend-staging"]
    told = stderr.split("AWS goes on with what it has begun:")[1]
    assert lines_about(told, "backend", "CREATE_IN_PROGRESS")
    assert lines_about(told, "frontend", "does not exist")
    assert "Traceback" not in stderr

    client(aws, "cloudformation").signal_resource(
        StackName=f"{PREFIX}backend-staging", LogicalResourceId="Wait", UniqueId="1", Status="SUCCESS"
    )


# --- refusing -----------------------------------------------------------------------------------------------


def test_missing_exports_are_listed_with_the_services_that_need_them(project, aws) -> None:
    edit(template(project, "Staging", "frontend"), "MynaviSampleS3Bucket-Arn", "NoSuchExport")

    result = deploy(project, aws, "Staging", VPC_NAME="other-vpc")

    assert result.returncode == 1
    assert lines_about(result.stderr, "other-vpc-BackendEcsTaskRole-Staging", "needed by backend")
    assert lines_about(result.stderr, "NoSuchExport-Staging", "needed by frontend")
    assert not lines_about(result.stderr, "MynaviSampleSQS")
    assert states(aws) == {}


def test_a_stack_that_never_came_up_is_refused_and_recreated_when_asked(project, aws, tmp_path) -> None:
    path, broken = template(project, "Staging", "backend"), tmp_path / "broken.yml"
    shutil.copy(path, broken)
    edit(broken, *REFUSED_BY_IAM)
    given_stack(aws, f"{PREFIX}backend-staging", broken)

    refused = deploy(project, aws, "Staging", "backend")

    assert refused.returncode == 1
    assert "backend: stack mynavi-sample-ecs-taskrole-backend-staging is ROLLBACK_COMPLETE" in refused.stderr
    assert "deploy it with --recreate" in refused.stderr
    assert states(aws) == {f"{PREFIX}backend-staging": "ROLLBACK_COMPLETE"}

    recreated = deploy(project, aws, "--recreate", "Staging", "backend")

    assert recreated.returncode == 0, recreated.stderr
    assert states(aws) == {f"{PREFIX}backend-staging": "CREATE_COMPLETE"}


def test_another_stack_that_owns_policies_of_the_same_names_is_named(project, aws) -> None:
    given_stack(aws, f"{PREFIX}backend", template(project, "Dev", "backend"))  # as the article calls it

    result = deploy(project, aws, "Dev", "backend")

    assert result.returncode == 1
    assert "backend: stack mynavi-sample-ecs-taskrole-backend owns policies of the same names" in result.stderr
    assert lines_about(result.stderr, "Mynavi-Sample-SQSAccessPolicy-backend-Dev", role(aws, "backend", "Dev"))
    assert list(states(aws)) == [f"{PREFIX}backend"]


def test_all_problems_are_reported_at_once(project, aws, stand_in) -> None:
    template(project, "Production", "backend").open("a").write("# by hand\n")
    given_stack(aws, f"{PREFIX}backend-production", template(project, "Production", "backend"))
    client(aws, "cloudformation").create_change_set(
        StackName=f"{PREFIX}frontend-production",
        ChangeSetName="somebody-else-s",
        ChangeSetType="CREATE",
        TemplateBody=template(project, "Production", "frontend").read_text(),
        Capabilities=["CAPABILITY_IAM"],
    )
    old_cli, _ = stand_in('--version) echo "aws-cli/1.16.9 Python/3.6.0" ;;')

    result = deploy(project, aws | old_cli, "--yes", "Production", VPC_NAME="other-vpc")

    assert result.returncode == 1
    assert "4 problems, and nothing was changed:" in result.stderr
    assert "aws-cli/1.16.9 is too old: 1.29.0 or newer" in result.stderr
    assert "sample-ecs-taskrole-backend-cfn.yml is not committed; Production takes what is committed" in result.stderr
    assert "stack mynavi-sample-ecs-taskrole-frontend-production is REVIEW_IN_PROGRESS" in result.stderr
    assert "other-vpc-BackendEcsTaskRole-Production" in result.stderr


@pytest.mark.parametrize(
    ("typed", "code", "left"),
    [("Staging", 1, {}), ("Production", 0, {f"{PREFIX}backend-production": "CREATE_COMPLETE"})],
)
def test_production_wants_its_name_typed_on_a_terminal(project, aws, typed, code, left) -> None:
    terminal, its_other_end = pty.openpty()
    os.write(terminal, f"{typed}\n".encode())

    result = subprocess.run(
        [project / "deploy.sh", "Production", "backend"],
        env=aws,
        stdin=its_other_end,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert result.returncode == code, result.stderr
    assert "Type Production to deploy this" in result.stderr
    assert states(aws) == left


def test_production_without_a_terminal_takes_yes(project, aws) -> None:
    result = deploy(project, aws, "Production")

    assert result.returncode == 2
    assert "takes --yes" in result.stderr


# --- drift and destroy --------------------------------------------------------------------------------------


def test_drift_tells_what_was_changed_deleted_and_added_by_hand_from_what_was_not_deployed_yet(project, aws) -> None:
    path = template(project, "Staging", "backend")
    given_stack(aws, f"{PREFIX}backend-staging", path)
    in_sync = deploy(project, aws, "--drift", "Staging", "backend")
    assert in_sync.returncode == 0, in_sync.stdout
    assert len(lines_about(in_sync.stdout, "in sync")) == len(lines_about(in_sync.stdout, "Mynavi-Sample-"))

    everything = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
    }
    iam, name = client(aws, "iam"), "Mynavi-Sample-{}AccessPolicy-backend-Staging".format
    task_role = role(aws, "backend", "Staging")
    for policy in (name("SQS"), "hotfix"):
        iam.put_role_policy(RoleName=task_role, PolicyName=policy, PolicyDocument=json.dumps(everything))
    iam.delete_role_policy(RoleName=task_role, PolicyName=name("RDS"))
    edit(path, "ssm:GetParameters", "ssm:GetParametersByPath")
    result = deploy(project, aws, "--drift", "Staging", "backend")

    assert result.returncode == 1
    for word, policy in {
        "in sync": name("DynamoDB"),
        "changed by hand": name("SQS"),
        "missing": name("RDS"),
        "unmanaged": "hotfix",
        "not deployed": name("SSM"),
    }.items():
        assert lines_about(result.stdout, word, policy), result.stdout
    assert lines_about(result.stdout, "+ widened", "sqs", "5 actions on", "queue-staging → sqs:* on every queue")
    assert "4 of " in result.stderr


def test_destroy_says_that_there_is_nothing_to_delete(project, aws) -> None:
    nothing = deploy(project, aws, "--destroy", "--yes", "Staging")

    assert (nothing.returncode, nothing.stdout) == (0, "nothing to delete\n")


def test_a_temporary_folder_that_does_not_exist_is_said_before_anything_changes(project, aws) -> None:
    result = deploy(project, aws, "--yes", "Staging", TMPDIR="/no/such/folder")

    assert (result.returncode, states(aws)) == (2, {})
    assert "deploy.sh: no temporary folder can be made in /no/such/folder (TMPDIR)\n" in result.stderr


def test_destroy_deletes_the_stack_even_of_a_service_that_out_no_longer_has(project, aws) -> None:
    path = template(project, "Staging", "backend")
    given_stack(aws, f"{PREFIX}gone-staging", path)

    warned = deploy(project, aws, "--preview", "Staging", "frontend")
    asked = deploy(project, aws, "--destroy", "Staging", "gone")
    destroyed = deploy(project, aws, "--destroy", "--yes", "Staging", "gone")

    assert "warning: out/Staging has no gone, but stack mynavi-sample-ecs-taskrole-gone-staging exists" in warned.stderr
    assert (asked.returncode, "takes --yes" in asked.stderr) == (2, True)
    assert destroyed.returncode == 0, destroyed.stderr
    assert states(aws) == {}
    assert inline_policies(aws, role(aws, "backend", "Staging")) == []


def test_what_is_deployed_is_the_text_of_each_template_whose_stack_came_up(project, aws, tmp_path) -> None:
    path, broken = template(project, "Staging", "backend"), tmp_path / "broken.yml"
    shutil.copy(template(project, "Staging", "frontend"), broken)
    edit(broken, *REFUSED_BY_IAM)
    given_stack(aws, f"{PREFIX}backend-staging", path)
    given_stack(aws, f"{PREFIX}frontend-staging", broken)
    program = (
        "import json, stacks; "
        "print(json.dumps(stacks.deployed_templates('Staging', ['backend', 'frontend', 'no-such-service'])))"
    )

    command = [sys.executable, "-c", program]
    output = subprocess.run(command, cwd=project, env=aws, check=True, capture_output=True, text=True).stdout

    assert json.loads(output) == {"Staging/sample-ecs-taskrole-backend-cfn.yml": path.read_text()}


# --- a stand-in for the AWS CLI -----------------------------------------------------------------------------


@pytest.fixture
def stand_in(tmp_path: Path, aws: dict[str, str]) -> Callable[[str], tuple[dict[str, str], Path]]:
    """Return what puts an `aws` on PATH that records its calls and fails on all but those it is given."""

    def put(branches: str) -> tuple[dict[str, str], Path]:
        folder, calls, real = tmp_path / "bin", tmp_path / "calls", shutil.which("aws", path=aws["PATH"])
        folder.mkdir()
        script = folder / "aws"
        script.write_text(
            f'#!/usr/bin/env bash\ncalls="{calls}"\necho "$*" >>"$calls"\nreal() {{ "{real}" "$@"; }}\n'
            f'case "$*" in\n{branches}\n*) echo "unexpected call: aws $*" >&2; exit 99 ;;\nesac\n'
        )
        script.chmod(0o755)
        return {"PATH": f"{folder}{os.pathsep}{aws['PATH']}"}, calls

    return put


def test_a_preview_only_makes_change_sets_and_deletes_what_making_them_left_behind(project, aws, stand_in) -> None:
    path, calls = stand_in(
        '--version | "cloudformation deploy --no-execute-changeset "* | *" delete-stack "*) real "$@" ;;'
    )

    result = deploy(project, aws | path, "--preview", "Staging", "backend")

    assert result.returncode == 0, result.stderr
    assert lines_about(result.stdout, "backend", "add", "SQSAccessPolicy")
    assert states(aws) == {}
    made, deleted = calls.read_text().splitlines()[1:]
    assert "--capabilities CAPABILITY_IAM " in made
    assert "--parameter-overrides EnvType=Staging --" in made
    assert f"stack/{PREFIX}backend-staging/" in deleted


def test_a_change_set_that_aws_refuses_fails_its_service_and_no_other(project, aws, stand_in) -> None:
    error = (
        "An error occurred (InsufficientCapabilitiesException) when calling the CreateChangeSet operation: "
        "Requires capabilities : [CAPABILITY_NAMED_IAM]"
    )
    path, _ = stand_in(f"""*" deploy "*backend-staging*) echo '{error}' >&2; exit 254 ;;
--version | *" deploy "* | *" execute-change-set "* | *" delete-stack "*) real "$@" ;;""")

    result = deploy(project, aws | path, "Staging", JOBS="2")

    assert result.returncode == 1
    assert lines_about(result.stdout, "backend", "failed", error)
    assert lines_about(result.stdout, "frontend", "deployed (CREATE_COMPLETE)")
    assert states(aws) == {f"{PREFIX}frontend-staging": "CREATE_COMPLETE"}


def test_a_name_that_another_deploy_took_in_the_same_second_is_tried_again(project, aws, stand_in) -> None:
    error = "An error occurred (AlreadyExistsException) when calling the CreateChangeSet operation: already exists"
    path, calls = stand_in(
        f"""*" deploy "*)
  if (($(grep -c "tion deploy " "$calls") == 1)); then echo "{error}" >&2; exit 254; fi
  real "$@" ;;
--version | *" execute-change-set "*) real "$@" ;;"""
    )

    result = deploy(project, aws | path, "Staging", "backend")

    assert result.returncode == 0, result.stderr
    assert calls.read_text().count("tion deploy ") == 2
    assert states(aws) == {f"{PREFIX}backend-staging": "CREATE_COMPLETE"}


def test_a_throttled_call_fails_its_service_and_one_that_dies_after_aws_has_heard_it_does_not(
    project, aws, stand_in
) -> None:
    error = "An error occurred (Throttling) when calling the ExecuteChangeSet operation: Rate exceeded"
    path, _ = stand_in(
        f"""*execute-change-set*)
  if (($(grep -c execute-change-set "$calls") == 1)); then echo "{error}" >&2; exit 254; fi
  real "$@"; kill -9 $$ ;;
--version | *" deploy "* | *" delete-stack "*) real "$@" ;;"""
    )

    result = deploy(project, aws | path, "Staging", JOBS="2")

    assert result.returncode == 1
    assert lines_about(result.stdout, "backend", "failed", error, "execute-change-set ended with exit code 254")
    assert lines_about(result.stdout, "frontend", "deployed (CREATE_COMPLETE)")
    assert states(aws) == {f"{PREFIX}frontend-staging": "CREATE_COMPLETE"}

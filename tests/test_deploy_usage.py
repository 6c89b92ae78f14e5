"""What deploy.sh says before it asks AWS, and how stacks.py and drift.py read what AWS answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import drift  # noqa: E402
import follow  # noqa: E402
import stacks  # noqa: E402

DEPLOY = ROOT / "deploy.sh"
ALLOWED = "out/ has: Dev, Production, Staging"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with deploy.sh, what it runs and what it deploys."""
    for name in ("deploy.sh", *(path.name for path in ROOT.glob("*.py"))):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "out", tmp_path / "out")
    return tmp_path


def deploy(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run deploy.sh with no AWS to ask."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [project / "deploy.sh", *arguments],
        env={
            **inherited,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": "ap-northeast-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_help_is_the_header_of_the_script(project) -> None:
    result = deploy(project, "--help")

    assert result.returncode == 0
    assert result.stdout.startswith("Deploys the policies in out/ENV to AWS")
    assert "--recreate  delete a stack that never came up" in result.stdout
    assert "#" not in result.stdout
    assert "set -euo" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], f"no environment given; {ALLOWED}"),
        (["Stagin"], f"no environment is called 'Stagin' (did you mean Staging?); {ALLOWED}"),
        (["staging"], f"no environment is called 'staging' (did you mean Staging?); {ALLOWED}"),
        (["../lib"], f"no environment is called '../lib'; {ALLOWED}"),
        (
            ["Dev", "backed"],
            "no service of Dev is called 'backed' (did you mean backend?); out/ has: backend, frontend",
        ),
        (["--destory", "Dev"], "no option is called '--destory'"),
        (["--preview", "--destroy", "Dev"], "--preview and --destroy exclude each other"),
        (["--preview", "--recreate", "Dev"], "--recreate and --preview exclude each other"),
        (["Production"], "to deploy Production without a terminal takes --yes"),
        (["--destroy", "Dev"], "to destroy Dev without a terminal takes --yes"),
    ],
)
def test_a_wrong_argument_exits_with_2_and_says_what_is_allowed(project, arguments, message) -> None:
    result = deploy(project, *arguments)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[0] == f"deploy.sh: {message}"


def test_jobs_that_are_no_number_exit_with_2(project) -> None:
    result = deploy(project, "Dev", JOBS="many")

    assert (result.returncode, result.stderr.splitlines()[0]) == (
        2,
        "deploy.sh: JOBS is 'many', not a number from 1 on",
    )


def test_no_credentials_and_no_repository_are_said_at_once_without_a_traceback(project) -> None:
    result = deploy(project, "--yes", "Production", GIT_CEILING_DIRECTORIES=str(project.parent))

    assert result.returncode == 1
    assert "2 problems, and nothing was changed:" in result.stderr
    assert "AWS cannot be asked: Unable to locate credentials" in result.stderr
    assert "out/ is not in a git repository" in result.stderr


GOOD = (ROOT / "out/Dev/sample-ecs-taskrole-backend-cfn.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "it has no Resources that are policies with a name, a document and roles"),
        ("<<<<<<< HEAD\n", 1, "it has no Resources that are policies with a name, a document and roles"),
        (GOOD + "<<<<<<< HEAD\n", GOOD.count("\n") + 1, "could not find expected ':'"),
        ("Resources: \x1b[2K", 1, "unacceptable character #x001b: special characters are not allowed"),
        ("Resources: {A: {Type: AWS::IAM::Policy}}", 1, "it has no Resources"),
        (
            "Resources: {A: {Type: AWS::IAM::Policy, Properties: "
            "{PolicyName: P, PolicyDocument: {}, Roles: [!GetAtt A.B]}}}",
            1,
            "the role of P is Fn::GetAtt; a role may be text or Ref, Fn::Sub, Fn::Join, Fn::ImportValue",
        ),
    ],
)
def test_a_template_that_is_none_is_named(project, text: str, line: int, message: str) -> None:
    (project / "out/Dev/sample-ecs-taskrole-backend-cfn.yml").write_text(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacks, "HERE", project)
        with pytest.raises(stacks.UsageError) as error:
            stacks.read_template("Dev", "backend")
    where = f"out/Dev/sample-ecs-taskrole-backend-cfn.yml:{line} is not a template that render.py has written: "
    assert where + message in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(("name", "value"), [("AWS_ENDPOINT_URL", "notaurl"), ("AWS_MAX_ATTEMPTS", "x")])
def test_settings_of_the_aws_cli_that_are_none_are_said_without_a_traceback(project, name: str, value: str) -> None:
    result = deploy(project, "--yes", "Dev", **{name: value})

    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(r"deploy.sh: AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS or .* is wrong: .*\n", result.stderr)


def test_it_may_be_called_through_a_symbolic_link(project, tmp_path_factory) -> None:
    link = tmp_path_factory.mktemp("elsewhere")
    (link / "deploy.sh").symlink_to(project / "deploy.sh")

    assert ALLOWED in deploy(link, "Stagin").stderr


# --- reading what AWS answers -------------------------------------------------------------------------------


def event(resource: str, status: str, reason: str = "") -> dict[str, object]:
    """Return a stack event as DescribeStackEvents gives it; the resource `stack` is the stack itself."""
    return {
        "EventId": f"{resource}-{status}",
        "StackId": "arn:stack",
        "LogicalResourceId": resource,
        "PhysicalResourceId": "arn:stack" if resource == "stack" else resource,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": datetime(2026, 11, 24, tzinfo=timezone.utc),
    }


def test_what_was_cancelled_for_another_failure_is_no_cause() -> None:
    events = [
        event("stack", "CREATE_IN_PROGRESS", "User Initiated"),
        event("SQSAccessPolicy", "CREATE_FAILED", "Syntax errors in policy."),
        event("RDSAccessPolicy", "CREATE_FAILED", "Resource creation cancelled"),
        event("stack", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [SQSAccessPolicy]."),
        event("SSMAccessPolicy", "DELETE_FAILED", "Rate exceeded"),
    ]

    causes = [follow.reason_line(item) for item in follow.failures(events)]

    assert causes == ["SQSAccessPolicy: Syntax errors in policy.", "SSMAccessPolicy: Rate exceeded"]


def test_a_failure_without_a_failed_resource_has_the_reason_of_the_stack() -> None:
    events = [
        event("stack", "UPDATE_IN_PROGRESS", "User Initiated"),
        event("stack", "UPDATE_ROLLBACK_IN_PROGRESS", "Stack update cancelled by user"),
        event("stack", "UPDATE_ROLLBACK_COMPLETE"),
    ]

    assert [follow.reason_line(item) for item in follow.failures(events)] == ["stack: Stack update cancelled by user"]


def test_one_line_a_resource_and_poll_but_every_failure(capsys) -> None:
    events = [
        event("SQSAccessPolicy", "CREATE_IN_PROGRESS"),
        event("RDSAccessPolicy", "CREATE_IN_PROGRESS"),
        event("SQSAccessPolicy", "CREATE_FAILED", "no"),
        event("SQSAccessPolicy", "DELETE_COMPLETE"),
    ]

    follow.show_events("backend", events)

    lines = [line.split()[2:] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        ["RDSAccessPolicy", "CREATE_IN_PROGRESS"],
        ["SQSAccessPolicy", "CREATE_FAILED", "no"],
        ["SQSAccessPolicy", "DELETE_COMPLETE"],
    ]


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("REVIEW_IN_PROGRESS", "--recreate"),
        ("ROLLBACK_COMPLETE", "--recreate"),
        ("ROLLBACK_FAILED", "--recreate"),
        ("UPDATE_IN_PROGRESS", "wait until that has ended"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait until that has ended"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name the-stack"),
        ("DELETE_FAILED", "--destroy"),
    ],
)
def test_a_state_that_no_deploy_can_leave_comes_with_the_way_out(status, way_out) -> None:
    (problem,) = stacks.state_problem("backend", {"StackName": "the-stack", "StackStatus": status})

    assert problem.startswith(f"backend: stack the-stack is {status};")
    assert way_out in problem


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_state_that_a_deploy_can_leave_is_no_problem(status) -> None:
    assert stacks.state_problem("backend", {"StackName": "the-stack", "StackStatus": status}) == []


def test_intrinsic_functions_are_resolved_and_unknown_names_stay() -> None:
    template = stacks.load_template("""
      plain: !Sub "${VPCName}-${EnvType}-${!Literal}-${Unknown}"
      mapped: !Sub ["arn:${Name}/*", {Name: !ImportValue table}]
      joined: !Join [":", [a, !Ref EnvType, !ImportValue nobody]]
    """)

    resolved = stacks.resolve(template, {"VPCName": "vpc", "EnvType": "Dev"}, {"table": "my-table"})

    assert resolved == {
        "plain": "vpc-Dev-${Literal}-${Unknown}",
        "mapped": "arn:my-table/*",
        "joined": "a:Dev:{'Fn::ImportValue': 'nobody'}",
    }
    assert list(stacks.imported(template, {})) == ["table", "nobody"]


def statement(**changes: object) -> dict[str, object]:
    """Return a policy document of one statement."""
    return {"Statement": [{"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*", **changes}]}


@pytest.mark.parametrize(
    ("in_iam", "word"),
    [
        (statement(Action=["a:C", "a:B"], Resource=["*"]), "in sync"),
        (
            {"Statement": [*statement(Action="a:B")["Statement"], *statement(Action="a:C")["Statement"]]},
            "in sync",
        ),
        (statement(Effect="Deny"), "changed by hand"),
        (statement(Condition={"Bool": {"aws:SecureTransport": "true"}}), "changed by hand"),
        ({"Statement": {"Effect": "Allow", "NotAction": ["a:B", "a:C"], "Resource": "*"}}, "changed by hand"),
        ({"Statement": {"Effect": "Allow", "Action": ["a:B", "a:C"], "NotResource": "*"}}, "changed by hand"),
        (None, "missing"),
    ],
)
def test_drift_looks_at_what_a_document_says_and_not_at_how_it_is_written(in_iam, word) -> None:
    held = {place: document for place, document in (("deployed", statement()), ("IAM", in_iam)) if document}
    said = drift.read({("role", place): document for place, document in held.items()})
    deployed = said["role", "deployed"]
    assert drift.standing(deployed, deployed, said.get(("role", "IAM"))) == word


def test_a_document_that_cannot_be_judged_is_named() -> None:
    with pytest.raises(stacks.Refused, match=r"^the-role the-policy: Effect is 'Perhaps', neither Allow nor Deny$"):
        drift.read({("the-role", "the-policy"): statement(Effect="Perhaps")})

"""explain.py: a question or AWS's message goes in; the answer, its reasons and the line to write come out."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import explain as program
import pytest
from project import HERE, Project

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:ap-northeast-1:{ACCOUNT}:mynavi-sample-queue"
TABLE = f"arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table"
BACKEND = "out/{}/sample-ecs-taskrole-backend-cfn.yml"
ROLE = "mynavi-sample-infra-production-BackendEcsTaskRole-A5056511A1B99"
USER = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/8a6f is not authorized to perform: "
SEND = "sqs: {Dev: full, Production: [{consume: sample-queue}, {send: sample-queue}], default: {consume: sample-queue}}"
IMPLICIT = " because no identity-based policy allows the sqs:SendMessage action"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy of the project that no test changes."""
    return Project(tmp_path_factory.mktemp("project"))


def ask(project: Project, **asked: str) -> tuple[int, str, str]:
    """Return the exit code and what explain.py prints; in this process, since its libraries take a second to load."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(project.folder)
        patch.setattr(program, "__file__", str(project.folder / "explain.py"))
        code = program.main([f"--{name}={value}" for name, value in asked.items()])
    return code, out.getvalue(), err.getvalue()


def explain(project: Project, **asked: str) -> str:
    """Return what explain.py answers."""
    code, out, err = ask(project, **asked)
    assert (code, err) == (0, "")
    return out


def backend(action: str, resource: str = "", environment: str = "Production") -> dict[str, str]:
    """Return a question about the backend."""
    return {"service": "backend", "environment": environment, "action": action, "resource": resource}


def line_of(project: Project, path: str, text: str, after: str = "") -> int:
    """Return the number of the first line of a file that begins with `text`, after one that has `after`."""
    lines = project.read(path).splitlines()
    start = next(i for i, line in enumerate(lines) if after in line)
    return next(i for i, line in enumerate(lines[start:], start + 1) if line.lstrip().startswith(text))


QUESTIONS = [
    (
        backend("sqs:ReceiveMessage"),
        "allowed on some resources: sqs:ReceiveMessage for backend in Production",
        "  allowed on arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${import MynaviSampleSQS-Production}",
    ),
    (
        backend("sqs:ReceiveMessage", f"{QUEUE}-staging"),
        f"it depends: sqs:ReceiveMessage for backend in Production on {QUEUE}-staging",
        "  allowed if the export MynaviSampleSQS-Production is mynavi-sample-queue-staging\n",
    ),
    (
        backend("dynamodb:Query", f"{TABLE}/orders/index/by-date"),
        "it depends: ",
        "  allowed if the export mynavi-sample-cloudformation-vpc-DynamoDBProductionSampleTable is orders\n",
    ),
    (backend("sqs:PurgeQueue", f"{QUEUE}-dev", "Dev"), "allowed: ", "  allowed on *"),
    (
        backend(
            "ssm:GetParameter", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/mynavi-sample-cloudformation-rds-password"
        ),
        "allowed: ",
        "    from policies/ssm/read.yml.j2, services.yml:27: read rds-password",
    ),
    (
        backend("iam:CreateServiceLinkedRole", environment="Dev"),
        "allowed on some resources: ",
        '  allowed if iam:AWSServiceName StringLike "ssm.amazonaws.com"\n',
    ),
    (
        {**backend("s3:GetObject", "arn:aws:s3:::reports/a/b"), "service": "frontend"},
        "it depends: ",
        "  allowed if the export MynaviSampleS3Bucket-Arn-Production is arn:aws:s3:::reports\n",
    ),
    (
        {**backend("s3:GetObject", "arn:aws-cn:s3:::reports/a"), "service": "frontend"},
        "it depends: ",
        "  allowed if the export MynaviSampleS3Bucket-Arn-Production is arn:aws-cn:s3:::reports\n",
    ),
    (backend("sqs:ListQueues", "*"), "denied: sqs:ListQueues for backend in Production on *", "sqs: {Dev: full, "),
    (backend("sqs:ReceiveMessage", "arn:aws:sns:eu-west-1:1:a"), "denied: ", "  it may on arn:${AWS::Partition}:sqs:"),
    (backend("kms:Decrypt"), "denied: ", "no level that ships allows it"),
    (backend("SQS:sendmessage", environment="Dev"), "allowed: sqs:SendMessage for backend in Dev", "  allowed on *"),
]


@pytest.mark.parametrize(
    ("asked", "begin", "part"), QUESTIONS, ids=[f"{q[0]['action']}-{i}" for i, q in enumerate(QUESTIONS)]
)
def test_a_question_gets_its_answer(shipped, asked, begin, part) -> None:
    answer = explain(shipped, **asked)
    assert answer.startswith(begin)
    assert part in answer


def test_an_answer_leads_to_the_statement_the_partial_and_the_line_of_services_yml(shipped) -> None:
    path = BACKEND.format("Production")
    statement = line_of(shipped, path, "- Effect", after="SQSAccessPolicy:")
    line = line_of(shipped, "services.yml", "sqs:", after="backend:")
    answer = explain(shipped, **backend("sqs:ReceiveMessage"))
    assert f"    by {path}:{statement}, SQSAccessPolicy\n" in answer
    assert f"    from policies/sqs/consume.yml.j2, services.yml:{line}: consume sample-queue\n" in answer


MESSAGES = {
    "cli": f"An error occurred (AccessDenied) when calling the SendMessage operation: {USER}sqs:SendMessage on resource: "
    f"{QUEUE}-production{IMPLICIT}",
    "without resource": f"{USER}sqs:SendMessage{IMPLICIT}",
    "without reason": f"{USER}sqs:SendMessage on resource: {QUEUE}-production",
    "lower case": f"{USER}sqs:sendmessage on resource: {QUEUE}-production{IMPLICIT}",
    "java": f"software.amazon.awssdk.services.sqs.model.SqsException: {USER}sqs:SendMessage on resource: {QUEUE}-production"
    f"{IMPLICIT} (Service: Sqs, Status Code: 403, Request ID: 1a59da26, Extended Request ID: null)",
    "wrapped": f"  {USER}\n   sqs:SendMessage on\n resource: {QUEUE}-production\n   because no identity-based\n policy "
    "allows the sqs:SendMessage action\n",
    "full stop": f"{USER}sqs:SendMessage on resource: {QUEUE}-production.",
    "quotes": f'{USER}sqs:SendMessage on resource: "{QUEUE}-production"{IMPLICIT}',
}


@pytest.mark.parametrize("name", MESSAGES)
def test_each_wording_of_aws_leads_to_the_line_to_write(shipped, name) -> None:
    answer = explain(shipped, error=MESSAGES[name])
    assert answer.startswith("denied: sqs:SendMessage for backend in Production")
    assert f"write into services.yml:{line_of(shipped, 'services.yml', 'sqs:', after='backend:')}, in place" in answer
    assert f"\n      {SEND}\n" in answer
    assert "it grants sqs:SendMessage and nothing else:\n  Write: sqs:SendMessage on " in answer
    condition = "it allows sqs:SendMessage if the export MynaviSampleSQS-Production is mynavi-sample-queue-production\n"
    assert (condition in answer) == (name != "without resource")


def test_a_message_of_sqs_without_action_or_role_is_read_by_its_operation_and_url(shipped) -> None:
    url = f"https://sqs.ap-northeast-1.amazonaws.com/{ACCOUNT}/mynavi-sample-queue-production"
    message = f"An error occurred (AccessDenied) when calling the SendMessage operation: Access to the resource {url} is denied."
    answer = explain(shipped, error=message, service="backend", environment="Production")
    assert answer.startswith(f"denied: sqs:SendMessage for backend in Production on {QUEUE}-production\n")
    assert SEND in answer


def test_a_message_of_s3_that_says_access_denied_is_read_by_its_operation(shipped) -> None:
    message = "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied"
    answer = explain(shipped, error=message, service="backend", environment="Staging")
    assert "      s3: {Staging: {read: sample-bucket}, default: none}\n" in answer


OTHERS = {
    " with an explicit deny in a service control policy": "an explicit deny in a service control policy wins",
    " with an explicit deny in a service control policy: arn:aws:organizations::1:policy/x": "an explicit deny in a service control policy wins",
    " with an explicit deny in an identity-based policy": "an explicit deny in an identity-based policy wins",
    " with an explicit deny in a permissions boundary": "an explicit deny in a permissions boundary wins",
    " with an explicit deny": "an explicit deny in a policy that AWS does not name wins",
    " because no session policy allows the sqs:SendMessage action": "a session policy would have to allow it",
    " because no permissions boundary allows the sqs:SendMessage action": "a permissions boundary would have to",
    " because no service control policy allows the sqs:SendMessage action": "a service control policy would have to",
    " because no resource-based policy allows the sqs:SendMessage action": "a resource-based policy would have to",
    " because no VPC endpoint policy allows the sqs:SendMessage action": "a VPC endpoint policy would have to",
}


@pytest.mark.parametrize("reason", OTHERS)
def test_what_another_policy_denies_services_yml_cannot_solve(shipped, reason) -> None:
    answer = explain(shipped, error=f"{USER}sqs:SendMessage on resource: {QUEUE}-production{reason}")
    assert f"services.yml cannot solve it: {OTHERS[reason]}" in answer
    assert "write into" not in answer


def test_what_out_allows_already_is_not_deployed_or_meets_a_boundary(shipped) -> None:
    answer = explain(shipped, error=f"{USER}cloudformation:ListExports on resource: *")
    assert answer.startswith("allowed: cloudformation:ListExports for backend in Production on *\n")
    assert "not deployed yet (make drift ENV=Production" in answer
    assert "write into" not in answer


def test_what_depends_on_an_export_is_either_not_deployed_or_gets_a_target_of_its_own(shipped) -> None:
    answer = explain(shipped, error=f"{USER}sqs:ReceiveMessage on resource: {QUEUE}-two")
    assert "  allowed if the export MynaviSampleSQS-Production is mynavi-sample-queue-two\n" in answer
    assert "if that is so, it is not deployed yet (make drift ENV=Production" in answer
    assert '\n  mynavi-sample-queue-two: {name: "mynavi-sample-queue-two"}\n' in answer
    assert "Production: [{consume: sample-queue}, {consume: mynavi-sample-queue-two}], default:" in answer


def test_a_denied_call_on_a_queue_of_another_account_needs_its_arn(shipped) -> None:
    arn = "sqs:ap-northeast-1:999999999999:theirs"
    answer = explain(shipped, error=f"{USER}sqs:SendMessage on resource: arn:aws:{arn}")
    assert f'\n  theirs: {{arn: "arn:${{AWS::Partition}}:{arn}"}}\n' in answer
    assert "Production: [{consume: sample-queue}, {send: theirs}]" in answer
    assert "it grants sqs:SendMessage and 2 other actions:\n" in answer


def test_a_new_level_takes_the_place_of_the_one_that_it_contains(project) -> None:
    project.replace("services.yml", "{read-write: sample-table}", "{read: sample-table}")
    project.render()
    assert (
        "      dynamodb: {Dev: full, Staging: {read-write: sample-table}, default: {read: sample-table}}\n"
        in explain(project, **backend("dynamodb:PutItem", f"{TABLE}/a", "Staging"))
    )


def test_every_parameter_below_a_path_is_less_than_full_access(shipped) -> None:
    answer = explain(shipped, **backend("ssm:GetParametersByPath", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/app"))
    assert '\n  app: {name: "app/"}\n' in answer
    assert "Production: [{read: rds-password}, {read: app}]" in answer


def test_a_target_of_another_kind_is_not_offered(shipped) -> None:
    assert "{connect: which-one}" in explain(shipped, **backend("rds-db:connect"))


def test_full_access_says_what_else_it_grants(shipped) -> None:
    answer = explain(shipped, **backend("dynamodb:DeleteTable", f"{TABLE}/a"))
    assert "dynamodb: {Dev: full, Production: full, default: {read-write: sample-table}}" in answer
    assert re.search(r"it grants dynamodb:DeleteTable and \d{3} other actions:\n  Permissions management: ", answer)
    assert "  ! can delete data: " in answer


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "sqs: {send: sample-queue}",
            "sqs: {Staging: [{send: sample-queue}, {consume: sample-queue}], default: {send: sample-queue}}",
        ),
        ("sqs: {Staging: none, default: full}", "sqs: {Staging: {consume: sample-queue}, default: full}"),
        (
            "sqs:\n        Dev: full\n        Production: {consume: sample-queue}\n        default: {send: sample-queue}",
            "sqs: {Dev: full, Production: {consume: sample-queue}, default: [{send: sample-queue}, {consume: sample-queue}]}",
        ),
    ],
)
def test_the_proposed_line_keeps_all_else_and_does_what_it_says(project, before, after) -> None:
    services = project.read("services.yml")
    sqs = "sqs: {Dev: full, default: {consume: sample-queue}}"
    project.write("services.yml", services.replace(sqs, before))
    project.render()
    asked = backend("sqs:DeleteMessage", f"{QUEUE}-staging", "Staging")
    assert f"      {after}\n" in explain(project, **asked)
    project.write("services.yml", services.replace(sqs, after))
    project.render()
    assert explain(project, **asked).startswith("it depends: ")


def test_a_policy_that_is_new_is_added_below_the_others(shipped) -> None:
    answer = explain(shipped, **backend("elasticache:DescribeReplicationGroups"))
    assert f"add to the policies of backend, services.yml:{line_of(shipped, 'services.yml', 'policies:')}:\n" in answer
    assert "      elasticache: {Production: {describe: sample-redis}, default: none}\n" in answer


def test_a_deny_in_out_is_named(project) -> None:
    project.replace(
        "policies/sqs/full.yml.j2",
        "- Effect: Allow",
        '- Effect: Deny\n  Action: "sqs:Purge*"\n  Resource: "*"\n- Effect: Allow',
    )
    project.render()
    answer = explain(project, **backend("sqs:PurgeQueue", f"{QUEUE}-dev", "Dev"))
    assert answer.startswith("denied: ")
    assert "  denied on *\n" in answer
    assert "    from policies/sqs/full.yml.j2, services.yml:24: full\n" in answer


def test_a_stale_out_is_said_and_nothing_proposed(project) -> None:
    project.replace("services.yml", "{consume: sample-queue}", "{send: sample-queue}")
    answer = explain(project, **backend("sqs:SendMessage"))
    assert answer.startswith("denied: ")
    assert answer.endswith(
        f"{BACKEND.format('Production')} is not what services.yml says now: run make render, then ask again\n"
    )


def test_a_service_without_a_template_may_do_nothing(project) -> None:
    services = re.sub(r"(?m)^(      \w+: \{Dev: \S+, default:) .*\}$", r"\1 none}", project.read("services.yml"))
    services = services.replace(
        "s3: {Dev: {full: sample-bucket}, default: {read-write-objects: sample-bucket}}", "s3: {full: sample-bucket}"
    )
    project.write(
        "services.yml", re.sub(r"(?m)^  (sample-(queue|table|database|redis|infra)|rds-password): .*\n", "", services)
    )
    project.render()
    answer = explain(project, **backend("sqs:SendMessage"))
    assert f"  there is no {BACKEND.format('Production')}: it may do nothing\n" in answer
    assert "      sqs: {Dev: full, Production: {send: which-one}, default: none}\n" in answer


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (backend("sqs:SendMesage"), "ACTION=sqs:SendMesage: no such action. Did you mean 'sqs:SendMessage'?"),
        (backend("sqz:SendMessage"), "ACTION=sqz:SendMessage: no such action. Did you mean 'sqs:SendMessage'?"),
        (backend("sqs:*"), "ACTION=sqs:*: no such action, as in sqs:SendMessage"),
        (
            backend("sqs:SendMessage") | {"service": "backnd"},
            "SERVICE=backnd is none of backend, frontend. Did you mean 'backend'?",
        ),
        (
            backend("sqs:SendMessage", environment="Stagin"),
            "ENV=Stagin is none of Dev, Staging, Production. Did you mean 'Staging'?",
        ),
        (backend("sqs:SendMessage", "orders"), "RESOURCE=orders is neither * nor an ARN, as in arn:aws:sqs:"),
        ({"error": "it does not work"}, "ERROR is no denial of AWS, as in 'User: arn:aws:sts::"),
        (
            {"error": f"{USER}sqs:SendMessage".replace(ROLE, "other")},
            "SERVICE is missing; the role other does not tell; give one of backend, frontend",
        ),
        (
            {"error": f"{USER}sqs:SendMessageBatch"},
            "ACTION=sqs:SendMessageBatch: no such action. Did you mean 'sqs:SendMessage'?",
        ),
        ({}, "SERVICE is missing; give one of backend, frontend"),
    ],
)
def test_wrong_usage_names_what_is_allowed_and_the_nearest(shipped, asked, expected) -> None:
    code, out, err = ask(shipped, **asked)
    assert (code, out) == (2, "")
    assert err.startswith(expected)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("services.yml", "services: [", "services.yml:2: not YAML"),
        (BACKEND.format("Production"), "Resources: {", "out/Production/sample-ecs-taskrole-backend-cfn.yml:2: "),
    ],
)
def test_a_broken_file_is_named(project, path, text, expected) -> None:
    project.write(path, text)
    done = project.run("explain.py", *(f"--{name}={value}" for name, value in backend("sqs:SendMessage").items()))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(expected)


def test_make_passes_on_what_is_pasted_as_it_is(tmp_path: Path) -> None:
    """A stub in place of Python says what it was given; nothing of the message may run."""
    shutil.copy(HERE / "Makefile", tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / ".venv/bin/python").chmod(0o755)
    harmful = "$(shell touch ran) `touch ran` $$HOME \"; touch ran; ' #"
    names = {"SERVICE": "service", "ENV": "environment", "ACTION": "action", "RESOURCE": "resource", "ERROR": "error"}
    done = subprocess.run(
        ["make", "--old-file=.venv/developing", "explain", *(f"{name}={harmful}" for name in names)],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["explain.py", *(f"--{option}={harmful}" for option in names.values())]
    assert not (tmp_path / "ran").exists()

"""explain: a question or AWS's message goes in; the answer and its reasons come out."""

from __future__ import annotations

import pytest
from project import Project
from questions import ACCOUNT, BACKEND, IMPLICIT, QUEUE, ROLE, SEND, TABLE, USER, ask, backend, explain, line_of

from taskroles.commands.explain import told_by
from taskroles.documents import Document
from taskroles.names import Names
from taskroles.table.grammar import Environment, Service, Table, TaskRole


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project of two services that no test changes."""
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return another company's project that no test changes."""
    return Project(tmp_path_factory.mktemp("project"), "acme")


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
        "    from policies/ssm/read.yml.j2, services.yml:34: read rds-password",
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
    (backend("kms:CreateGrant"), "denied: ", "no level that ships allows it"),
    (backend("SQS:sendmessage", environment="Dev"), "allowed: sqs:SendMessage for backend in Dev", "  allowed on *"),
]


@pytest.mark.parametrize(
    ("asked", "begin", "part"), QUESTIONS, ids=[f"{q[0]['action']}-{i}" for i, q in enumerate(QUESTIONS)]
)
def test_a_question_gets_its_answer(shipped, asked, begin, part) -> None:
    answer = explain(shipped, **asked)
    assert answer.startswith(begin)
    assert part in answer


ANSWERS = {
    "an import of a bucket's ARN": (
        {"service": "billing", "environment": "live", "resource": "arn:aws:s3:::reports/a/b"},
        "it depends: ",
        "  allowed if the export acme-invoices-arn-live is arn:aws:s3:::reports\n",
    ),
    "an import of a bucket's name": (
        {"service": "shipping", "environment": "live", "resource": "arn:aws:s3:::reports/a/b"},
        "it depends: ",
        "  allowed if the export acme-uploads-live is reports\n",
    ),
    "an option, which the key fits": (
        {"service": "orders-api", "environment": "qa", "resource": "arn:aws:s3:::a/incoming/b"},
        "it depends: ",
        "  allowed if the export acme-uploads-qa is a\n",
    ),
    "an option, which the key does not fit": (
        {"service": "orders-api", "environment": "qa", "resource": "arn:aws:s3:::a/outgoing/b"},
        "denied: ",
        "  it may on arn:${AWS::Partition}:s3:::${import acme-uploads-qa}/incoming/*, ",
    ),
    "an option of the other environments alone": (
        {"service": "billing", "environment": "live", "resource": "arn:aws:s3:::a/outgoing/b"},
        "it depends: ",
        "  allowed if the export acme-invoices-arn-live is arn:aws:s3:::a\n",
    ),
    "a target by environment, by name": (
        {"service": "orders-report", "environment": "dev", "resource": "arn:aws:s3:::acme-reports-dev/a"},
        "allowed: ",
        "    from policies/s3/full.yml.j2, services.yml:51: full reports\n",
    ),
    "a target by environment, by ARN": (
        {"service": "orders-report", "environment": "live", "resource": "arn:aws:s3:::acme-reports/a"},
        "allowed: ",
        "    from policies/s3/read-write-objects.yml.j2, services.yml:51: read-write-objects reports\n",
    ),
    "... and not by that of another": (
        {"service": "orders-report", "environment": "live", "resource": "arn:aws:s3:::acme-reports-dev/a"},
        "denied: ",
        "  it may on arn:${AWS::Partition}:s3:::acme-reports/*, ",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_targets_by_environment_and_by_arn_and_options_answer_too(acme, name) -> None:
    asked, begin, part = ANSWERS[name]
    answer = explain(acme, action="s3:GetObject", **asked)
    assert answer.startswith(begin)
    assert part in answer


TOLD = {
    "a role by name": ("333333333333", "acme-orders-worker-live", "orders-worker", "live"),
    "... of two environments in one account": ("222222222222", "acme-orders-worker-qa", "orders-worker", "qa"),
    "... the other": ("222222222222", "acme-orders-worker-load-test", "orders-worker", "load-test"),
    "... by a parameter": ("111111111111", "orders-operations-dev", "operations", "dev"),
    "a role by export": ("333333333333", "acme-vpc-live-MailRole-1A2B", "mail", "live"),
    "... by the account alone": ("111111111111", "acme-vpc-OrdersApiRole-1A2B", "orders-api", "dev"),
    "... in an account of two environments": ("222222222222", "acme-vpc-OrdersApiRole-1A2B", "orders-api", ""),
    "... in the account of another environment": ("111111111111", "acme-vpc-live-MailRole-1A2B", "mail", ""),
    "... in nobody's account": ("444444444444", "acme-vpc-live-MailRole-1A2B", "mail", ""),
    "a role by name in the account of another environment": ("111111111111", "acme-orders-worker-live", "", ""),
    "somebody else's role": ("333333333333", "somebody", "", "live"),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_role_tells_service_and_environment(acme, name) -> None:
    account, role, service, environment = TOLD[name]
    user = f"User: arn:aws:sts::{account}:assumed-role/{role}/x is not authorized to perform: "
    code, out, err = ask(acme, error=f"{user}kms:Decrypt")
    if service and environment:
        assert (code, out.splitlines()[0]) == (0, f"denied: kms:Decrypt for {service} in {environment}")
    else:
        assert (code, out) == (2, "")
        assert ("SERVICE is missing" in err, "ENV is missing" in err) == (not service, not environment)


EXPORTS = {"orders": "acme-orders-${EnvType}", "orders-worker": "acme-orders-worker-${EnvType}", "any": "${Role}"}


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("acme-orders-worker-eu-west", ("orders-worker", "eu-west")),
        ("acme-orders-eu", ("orders", "eu")),
        ("x-AcmeOrdersWorker-EuWest-1A2B", ("orders-worker", "eu-west")),
        ("acme-orders", ("orders", "")),
        ("something-eu", ("", "eu")),
    ],
)
def test_of_names_that_hold_each_other_the_longer_one_is_meant(role: str, told: tuple[str, str]) -> None:
    environments = {name: Environment(name, False, None, None, None, False, Names(), {}) for name in ("eu", "eu-west")}
    services = {name: Service(name, 0, TaskRole("export", text), {}) for name, text in EXPORTS.items()}
    table = Table(Document("services.yml", "{}"), environments, services)
    assert told_by(role, "123456789012", table) == told


def test_a_role_by_name_tells_more_than_the_words_in_it() -> None:
    accounts = {"eu": "111111111111", "us": "222222222222"}
    environments = {name: Environment(name, False, None, at, None, False, Names(), {}) for name, at in accounts.items()}
    services = {"gate": Service("gate", 0, TaskRole("name", "eu-gate"), {})}  # in both accounts
    table = Table(Document("services.yml", "{}"), environments, services)
    assert told_by("eu-gate", "222222222222", table) == ("gate", "us")
    assert told_by("eu-gate-2", "222222222222", table) == ("", "")


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
    assert "      s3: {Staging: {read-objects: sample-bucket}, default: none}\n" in answer


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
    assert "    from policies/sqs/full.yml.j2, services.yml:31: full\n" in answer


def test_a_stale_out_is_said_and_nothing_proposed(project) -> None:
    project.replace("services.yml", "{consume: sample-queue}", "{send: sample-queue}")
    answer = explain(project, **backend("sqs:SendMessage"))
    assert answer.startswith("denied: ")
    assert answer.endswith(
        f"{BACKEND.format('Production')} is not what services.yml says now: run make render, then ask again\n"
    )


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


def test_bytes_that_are_no_text_are_named(project) -> None:
    (project.folder / BACKEND.format("Production")).write_bytes(b"# one\n\xff")
    assert ask(project, **backend("sqs:SendMessage")) == (2, "", f"{BACKEND.format('Production')}:2: not UTF-8\n")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("services.yml", "services: [", "services.yml:2: not YAML"),
        (BACKEND.format("Production"), "Resources: {", "out/Production/sample-ecs-taskrole-backend-cfn.yml:2: "),
    ],
)
def test_a_broken_file_is_named(project, path, text, expected) -> None:
    project.write(path, text)
    done = project.verb("explain", *(f"--{name}={value}" for name, value in backend("sqs:SendMessage").items()))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(expected)

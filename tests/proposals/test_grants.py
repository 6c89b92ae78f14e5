"""What explain proposes to write into services.yml: the smallest grant that would allow what is asked."""

from __future__ import annotations

import re

import pytest
from project import Project
from questions import ACCOUNT, BACKEND, QUEUE, TABLE, USER, backend, explain, line_of


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project of two services that no test changes."""
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return another company's project that no test changes."""
    return Project(tmp_path_factory.mktemp("project"), "acme")


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
    project.replace("services.yml", "{read: sample-infra}", "{describe: sample-infra}")
    project.render()
    stack = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/mynavi-sample-infra/1"
    assert (
        "      cloudformation: {Dev: full, Staging: {read: sample-infra}, default: {describe: sample-infra}}\n"
        in explain(project, **backend("cloudformation:ListStackResources", stack, "Staging"))
    )


def test_every_parameter_below_a_path_is_less_than_full_access(shipped) -> None:
    answer = explain(shipped, **backend("ssm:GetParametersByPath", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/app"))
    assert '\n  app: {name: "app"}\n' in answer
    assert "Production: [{read: rds-password}, {read-path: app}]" in answer


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


def test_grants_with_options_stay_as_they_are(tmp_path) -> None:
    project = Project(tmp_path, "acme")
    before = "s3: {read-write: {target: uploads, prefix: incoming/}}"
    after = (
        "s3: {dev: [{read-write: {target: uploads, prefix: incoming/}}, {put-objects: uploads}], default: "
        "{read-write: {target: uploads, prefix: incoming/}}}"
    )
    asked = {"service": "orders-api", "action": "s3:PutObject", "resource": "arn:aws:s3:::uploads/outgoing/a"}
    answer = explain(project, environment="dev", **asked)
    line = line_of(project, "services.yml", "s3: {read-write: ")
    assert f"services.yml:{line}, in place of the policy on s3:\n      {after}\n" in answer
    project.replace("services.yml", before, after)
    project.render()
    assert explain(project, environment="dev", **asked).startswith("it depends: ")
    assert explain(project, environment="qa", **asked).startswith("denied: ")


def test_an_option_is_quoted_where_it_has_to_be(tmp_path) -> None:
    project = Project(tmp_path, "acme")
    project.replace("services.yml", "prefix: incoming/", 'prefix: "a:{b},#c"')
    project.render()
    asked = {"service": "orders-api", "action": "s3:PutObject", "resource": "arn:aws:s3:::uploads/outgoing/a"}
    answer = explain(project, environment="dev", **asked)
    assert '{read-write: {target: uploads, prefix: "a:{b},#c"}}' in answer


def test_a_grant_without_the_option_takes_the_place_of_one_with_it(acme) -> None:
    asked = {"service": "billing", "action": "s3:ListBucket", "resource": "arn:aws:s3:::invoices"}
    answer = explain(acme, environment="qa", **asked)
    assert "it depends: s3:ListBucket" in answer


@pytest.mark.parametrize(
    ("environment", "bucket", "entry"),
    [
        ("live", "acme-reports", "s3: {live: {list: reports}, default: none}"),
        ("dev", "acme-reports-dev", "s3: {dev: {list: reports}, default: none}"),
    ],
)
def test_a_target_by_environment_is_offered_where_it_is_the_resource(acme, environment, bucket, entry) -> None:
    asked = {"service": "mail", "action": "s3:ListBucket", "resource": f"arn:aws:s3:::{bucket}"}
    answer = explain(acme, environment=environment, **asked)
    assert f"      {entry}\n" in answer
    assert "add below `targets:`" not in answer


def test_where_it_is_not_the_resource_a_target_by_environment_is_not_offered(acme) -> None:
    asked = {"service": "mail", "action": "s3:ListBucket", "resource": "arn:aws:s3:::acme-reports-dev"}
    answer = explain(acme, environment="live", **asked)
    assert "write into" in answer or "add to the policies of mail" in answer
    assert ": reports}" not in answer


def test_an_import_of_an_arn_is_a_condition_of_the_proposal(acme) -> None:
    asked = {"service": "mail", "action": "sqs:SendMessage", "resource": "arn:aws:sqs:eu-west-1:222222222222:mail"}
    answer = explain(acme, environment="qa", **asked)
    assert "      sqs: {qa: [{consume: mail-queue}, {send: mail-queue}], default: {consume: mail-queue}}\n" in answer
    condition = "if the export acme-mail-queue-arn-qa is arn:aws:sqs:eu-west-1:222222222222:mail\n"
    assert f"it allows sqs:SendMessage {condition}" in answer


def test_an_option_that_a_level_needs_is_left_for_the_user_to_fill_in(project) -> None:
    partial = (
        '{% set required = {"cluster": "names the cluster, as in live"} %}\n- Effect: Allow\n  Action:\n'
        '    - "ecs:ListTasks"\n  Resource: "*"\n  Condition:\n    StringEquals:\n      ecs:cluster: {{ cluster | sub }}\n'
    )
    project.write("policies/ecs/list.yml.j2", partial)
    project.write("policies/ecs/service.j2", '{% set name = "ECS" %}\n')
    answer = explain(project, **backend("ecs:ListTasks"))
    assert "ecs: {Production: {list: {cluster: WHICH-ONE}}, default: none}\n" in answer

"""Exports that hold something else than what the templates make of them are problems before anything is deployed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import deployed
import pytest
from hostile import Hostile
from project import rendered
from proxy import changed, proxy

from taskroles.access.environments import here
from taskroles.deploying import exports
from taskroles.deploying.aws import Account
from taskroles.deploying.exports import ARN, VALUE, Use, export_problems, fault, uses
from taskroles.deploying.templates import planned

if TYPE_CHECKING:
    from project import Project

    from taskroles.access.environments import Environment

ACCOUNT = Account("222222222222", "eu-west-1", "aws", "arn:aws:iam::222222222222:user/test")
QUEUE = f"arn:aws:sqs:eu-west-1:222222222222:{VALUE}"
WRITE_ARN = "an ARN, and a name is expected: write import-arn for it in services.yml, not import"
WRITE_NAME = "a name, and an ARN is expected: write import for it in services.yml, not import-arn"
ROLE = "and the name of a role is expected: name the export that holds it as task_role (`!Ref` of the role)"


@pytest.fixture
def qa(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Return an environment of a table with each kind of target and role."""
    monkeypatch.chdir(rendered("acme"))
    return here()["qa"]


@pytest.mark.parametrize(
    ("kind", "text", "value", "what"),
    [
        # a name is expected
        ("name", QUEUE, "orders", ""),
        ("name", QUEUE, "orders.fifo", ""),
        ("name", f"arn:aws:ssm:eu-west-1:1:parameter/{VALUE}", "acme/qa/password", ""),
        ("name", f"arn:aws:s3:::{VALUE}/incoming/*", "acme.uploads.example.com", ""),
        ("name", f"arn:aws:logs:eu-west-1:1:log-group:{VALUE}:*", "/ecs/orders", ""),
        ("name", QUEUE, "arn:aws:sqs:eu-west-1:222222222222:orders", WRITE_ARN),
        ("name", f"arn:aws:sns:eu-west-1:1:{VALUE}", "arn:aws:sns:eu-west-1:222222222222:orders", WRITE_ARN),
        ("name", f"arn:aws:s3:::{VALUE}/*", "arn:aws:s3:::acme-uploads", WRITE_ARN),
        ("name", QUEUE, "arn:aws-cn:sqs:cn-north-1:222222222222:orders", WRITE_ARN),
        ("name", QUEUE, "https://sqs.eu-west-1.amazonaws.com/222222222222/orders", "an address, and a name"),
        ("name", f"arn:aws:s3:::{VALUE}", "s3://acme-uploads", "an address, and a name"),
        ("name", f"arn:aws:s3:::{VALUE}", "acme-uploads.s3.eu-west-1.amazonaws.com", "an address, and a name"),
        ("name", f"arn:aws:rds:eu-west-1:1:db:{VALUE}", "a.b.eu-west-1.rds.amazonaws.com:5432", "an address, and"),
        ("name", QUEUE, "orders,invoices", "it is not one name"),
        ("name", QUEUE, "orders invoices", "it is not one name"),
        ("name", QUEUE, "orders*", "it is not one name"),
        ("name", QUEUE, "", "it is empty"),
        ("name", QUEUE, "  ", "it is empty"),
        ("name", f"urn:{VALUE}", "orders", "it is not one name, of which an ARN can be made"),
        # an ARN is expected
        ("arn", VALUE, "arn:aws:sqs:eu-west-1:222222222222:orders", ""),
        ("arn", f"{VALUE}/*", "arn:aws:s3:::acme-uploads", ""),
        ("arn", VALUE, "arn:aws:logs:eu-west-1:1:log-group:/ecs/orders:*", ""),
        ("arn", VALUE, "orders", WRITE_NAME),
        ("arn", VALUE, "https://sqs.eu-west-1.amazonaws.com/222222222222/orders", "an address, and an ARN"),
        ("arn", VALUE, "arn:aws:sqs", "it is not one whole ARN"),
        ("arn", VALUE, "arn:aws:sqs:eu-west-1:1:a,arn:aws:sqs:eu-west-1:1:b", "it is not one whole ARN"),
        ("arn", VALUE, "arn:aws:sqs:eu-west-1:1:a b", "it is not one whole ARN"),
        ("arn", VALUE, "", "it is empty"),
        # the name of a role
        ("role", VALUE, "Orders_Role+=,.@-1", ""),
        ("role", VALUE, "arn:aws:iam::222222222222:role/orders", f"an ARN, {ROLE}"),
        ("role", VALUE, "/service/orders", f"a path, {ROLE}"),
        ("role", VALUE, "service/orders", f"a path, {ROLE}"),
        ("role", VALUE, "orders role", f"no name that a role can have, {ROLE}"),
        ("role", VALUE, "x" * 65, f"no name that a role can have, {ROLE}"),
        ("role", VALUE, "", "it is empty"),
    ],
)
def test_a_value_is_one_that_the_template_can_use_or_it_is_said_what_to_write(kind, text, value, what) -> None:
    said = fault(Use("export", kind, text), value)
    assert said.startswith(what)
    assert bool(said) == bool(what)


def test_what_a_template_makes_of_an_export_is_read_from_out(qa) -> None:
    found = {use for service in qa.task_roles for use in uses(*planned(qa, service, ACCOUNT, None))}

    assert {
        Use("acme-vpc-orders-api-role-qa", "role", VALUE),
        Use("acme-orders-queue-qa", "name", QUEUE),
        Use("acme-uploads-qa", "name", f"arn:aws:s3:::{VALUE}/incoming/*"),
        Use("acme-mail-queue-arn-qa", "arn", VALUE),
        Use("acme-invoices-arn-qa", "arn", f"{VALUE}/test/*"),
    } <= found
    assert [use for use in found if use.kind == "name" and not ARN.fullmatch(use.text)] == []


def test_each_export_that_does_not_fit_is_one_problem_with_the_services_that_need_it(qa, monkeypatch) -> None:
    services = dict.fromkeys(qa.task_roles)
    good = {use.export: use.kind for service in services for use in uses(*planned(qa, service, ACCOUNT, None))}
    values = {name: "arn:aws:s3:::a" if kind == "arn" else "a" for name, kind in good.items()}
    monkeypatch.setattr(exports, "all_exports", lambda: values)
    assert export_problems(qa, ACCOUNT, services) == []

    values["acme-orders-queue-qa"] = "arn:aws:sqs:eu-west-1:222222222222:orders"
    values["acme-stock-table-arn-qa"] = "stock\x1b[2K"
    values["acme-mail-role-qa"] = values["acme-vpc-mail-role-qa"] = "arn:aws:iam::222222222222:role/mail"
    del values["acme-uploads-qa"]
    missing, *unfit = export_problems(qa, ACCOUNT, services)

    assert re.fullmatch(r"no stack of .* exports:\n +acme-uploads-qa +needed by orders-api, shipping", missing)
    assert sorted(unfit) == [
        'export acme-orders-queue-qa holds "arn:aws:sqs:eu-west-1:222222222222:orders", '
        f"needed by orders-api, orders-worker, shipping: {WRITE_ARN}",
        r'export acme-stock-table-arn-qa holds "stock\u001b[2K", needed by orders-worker: '
        f"{WRITE_NAME}; or name the export that holds the ARN",
        f'export acme-vpc-mail-role-qa holds "arn:aws:iam::222222222222:role/mail", needed by mail: an ARN, {ROLE}',
    ]


def test_a_deploy_refuses_exports_that_do_not_fit_and_names_them_all(project: Project) -> None:
    deployed.commit(project)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with proxy(deployed.no_aws(**keys, AWS_ENDPOINT_URL="http://127.0.0.1:9")) as between:
        aws = Hostile(sober=True)
        between.play("*", aws)
        arns = changed(">a-(name|role)<", r">arn:aws:x:eu-west-1:000000000000:a-\1<")
        between.play("ListExports", lambda request, _: arns(request, lambda asked: aws(asked, None)))
        done = deployed.deploy(project, between.aws, "Staging", "backend")

    assert done.returncode == 1
    assert "CreateChangeSet" not in between.calls
    assert len(deployed.lines_about(done.stderr, "export", WRITE_ARN)) == 3
    assert len(deployed.lines_about(done.stderr, "BackendEcsTaskRole-Staging", f"an ARN, {ROLE}")) == 1

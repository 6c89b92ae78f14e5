"""The generated templates: what stands in them only where it is needed, and what is the same whatever the level."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from in_process import rendered
from project import load

if TYPE_CHECKING:
    from collections.abc import Iterator

TWO = """\
names: {stack: "acme-{service}-{environment}", policy: "acme-{service}-{AwsService}"}
parameters:
  Stack: {live: vpc-live, default: vpc}
  Unused: x
environments: {dev: {account: "111111111111"}, live: {protected: true, account: "123456789012"}}
targets:
  queue: {dev: {name: "orders-${EnvType}"}, live: {arn: "arn:aws:sqs:eu-west-1:123456789012:orders"}}
  table: {import: "${Stack}-orders"}
services:
  api: {task_role: {name: acme-api}, policies: {sqs: {send: queue}, dynamodb: {dev: {read-write: table}, live: {read: table}}}}
  job: {task_role: job-role, policies: {sqs: {dev: [{send: queue}, {consume: queue}], live: none}}}
"""


def of(project: Any, path: str) -> dict[str, Any]:
    """Return a template of the project."""
    return load(project.read(path))


def test_two_environments_differ_where_the_table_says_so(here) -> None:
    here.write("services.yml", TWO)
    rendered()
    dev, live = of(here, "out/dev/api.yml"), of(here, "out/live/api.yml")
    assert list(dev["Parameters"]) == ["Stack", "EnvType"]
    assert list(live["Parameters"]) == ["Stack"]
    assert (dev["Parameters"]["Stack"]["Default"], live["Parameters"]["Stack"]["Default"]) == ("vpc", "vpc-live")
    assert (dev["Parameters"]["EnvType"]["Default"], dev["Parameters"]["EnvType"]["AllowedValues"]) == ("dev", ["dev"])
    assert statement(dev, "SQS")["Resource"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:orders-${EnvType}"}
    ]
    assert statement(live, "SQS")["Resource"] == ["arn:aws:sqs:eu-west-1:123456789012:orders"]
    assert "dynamodb:PutItem" in json.dumps(dev)
    assert "dynamodb:PutItem" not in json.dumps(live)
    for template in (dev, live):
        properties = template["Resources"]["SQSAccessPolicy"]["Properties"]
        assert properties["PolicyName"] == "acme-api-SQS"
        assert properties["Roles"] == ["acme-api"]
    assert not (here.folder / "out/live/job.yml").exists()
    assert "Parameters" in of(here, "out/dev/job.yml"), "its queue is named after the environment"


def statement(template: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the first statement of a policy."""
    return template["Resources"][f"{name}AccessPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]


USES = {
    "nothing": ("app-role", "full", "{AwsService}-{service}", []),
    "the environment in the name of the policy": ("app-role", "full", "{AwsService}-{service}-${EnvType}", ["EnvType"]),
    "a parameter in the name of the policy": ("app-role", "full", "{AwsService}-{service}-${Stack}", ["Stack"]),
    "the role": ("${Stack}-role", "full", "{AwsService}-{service}", ["Stack"]),
    "the role's own name": ({"name": "${Stack}-${EnvType}"}, "full", "{AwsService}-{service}", ["Stack", "EnvType"]),
    "a target": ("app-role", {"send": "by-stack"}, "{AwsService}-{service}", ["Stack"]),
    "a target's own variable, called as a parameter": ("app-role", {"send": "by-export"}, "{AwsService}-{service}", []),
}


@pytest.mark.parametrize("case", USES)
def test_a_template_has_the_parameters_that_it_uses(here, case: str) -> None:
    role, grant, policy, expected = USES[case]
    targets = {"by-stack": {"name": "${Stack}-queue"}, "by-export": {"import": "queue"}}
    table = {
        "names": {"policy": policy},
        "parameters": {"Stack": "acme", "Name": "x"},
        "environments": ["dev"],
        "targets": {
            name: target for name, target in targets.items() if isinstance(grant, dict) and name in grant.values()
        },
        "services": {"app": {"task_role": role, "policies": {"sqs": grant}}},
    }
    here.write("services.yml", json.dumps(table))
    rendered()
    assert list(of(here, "out/dev/app.yml").get("Parameters", {})) == expected
    assert ("\nParameters:" in here.read("out/dev/app.yml")) == bool(expected)


def test_sub_stands_where_something_is_substituted_and_nowhere_else(here) -> None:
    here.write("services.yml", TWO)
    rendered()
    found = [
        text
        for path in here.tree()
        if "/environment" not in path and path.endswith(".yml")
        for text in texts(of(here, path))
    ]
    assert len(found) > 50
    assert [text for text, substituted in found if ("${" in text) != substituted] == []


def texts(data: Any) -> Iterator[tuple[str, bool]]:
    """Yield every text in a template, and whether CloudFormation substitutes in it."""
    if isinstance(data, str):
        yield data, False
    elif isinstance(data, dict) and "Fn::Sub" in data:
        text, names = data["Fn::Sub"], {}
        if isinstance(text, list):
            text, names = text
        yield text, True
        yield from texts(names)
    elif isinstance(data, (dict, list)):
        for item in data.values() if isinstance(data, dict) else data:
            yield from texts(item)


CLEAN = """\
names: {stack: "acme-{service}-taskrole-{environment}", template: "{Environment}-{service}.yml", policy: "{service}{AwsService}"}
parameters: {VpcStack: {live: acme-vpc-live, default: acme-vpc}, Name: x}
environments:
  dev: {wildcards: true}
  qa: {account: "111111111111"}
  live: {protected: true, after: qa, account: "222222222222", region: eu-west-1}
targets:
  orders-queue: {import: "acme-orders-queue-${EnvType}"}
  orders-table: {import-arn: "${VpcStack}-${Name}-orders"}
  reports: {dev: {name: reports-dev}, default: {arn: "arn:aws:s3:::acme-reports-${EnvType}"}}
  literal:
    live: {arn: "arn:aws:ssm:eu-west-1:222222222222:parameter/orders/password"}
    default: {arn: "arn:aws:ssm:eu-west-1:111111111111:parameter/orders/password"}
services:
  orders-api:
    task_role: "${VpcStack}-OrdersApiTaskRole-${EnvType}"
    policies:
      sqs: {dev: full, default: [{send: orders-queue}, {consume: orders-queue}]}
      dynamodb: {dev: full, default: {read: orders-table}}
      s3: {read-write: {target: reports, prefix: incoming/}}
  orders-worker:
    task_role: {name: "orders-worker-${EnvType}"}
    policies: {ssm: {read: literal}, s3: [{read: {target: reports, prefix: in/}}, {read-write-objects: reports}]}
  orders-report:
    task_role: {name: orders-report}
    policies: {rds: {dev: full, default: none}}
"""


def test_what_a_table_of_all_the_grammar_renders_to_is_clean_to_its_own_lint(here) -> None:
    here.write("services.yml", CLEAN)
    rendered()
    done = here.verb("lint")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert len([path for path in here.tree() if path.endswith(".yml")]) == 3 + 7

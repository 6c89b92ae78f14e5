"""services.schema.json as an editor reads it: right tables pass, typed as YAML types them, and everything is described."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from taskroles.table.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

with open(SCHEMA, encoding="utf-8") as file:
    RULES = json.load(file)

RIGHT = {
    "an old file": """\
environments: [Dev, Staging, Production]
targets: {q: {import: "Queue-${EnvType}"}}
services: {app: {task_role: "Role-${EnvType}", policies: {sqs: {Dev: full, default: {consume: q}}}}}
""",
    "all that there is": """\
names: {stack: "acme-{service}-{environment}", template: "{service}.yml", policy: "{AwsService}-{service}-${EnvType}"}
parameters:
  VpcStack: {live: acme-vpc-live, default: acme-vpc}
  Size: 12
  Tracing: true
environments:
  dev: {wildcards: true}
  qa: {}
  live: {protected: true, after: qa, account: 123456789012, region: eu-west-1, principal: "arn:aws:iam::123456789012:role/ci/deployer"}
  spare: {protected: false, account: "012345678901"}
targets:
  queue: {import: "queue-${EnvType}"}
  topic: {import-arn: "topic-${EnvType}"}
  reports: {dev: {name: reports-dev}, default: {arn: "arn:aws:s3:::acme-reports"}}
services:
  orders-api:
    task_role: {name: "orders-${EnvType}"}
    policies:
      sqs: {dev: full, live: none, default: [{send: queue}, {consume: queue}]}
      s3: [{read: {target: reports, prefix: incoming/}}, {read: {target: reports, prefix: 2026}}]
""",
}
WRONG = {
    "a list of settings": "environments: [{dev: {}}]\nservices: {a: {task_role: r, policies: {s: full}}}",
    "a setting that there is not": "environments: {dev: {wildcard: true}}\nservices: {a: {task_role: r, policies: {s: full}}}",
    "a number that is no account": "environments: {dev: {account: 1.5}}\nservices: {a: {task_role: r, policies: {s: full}}}",
    "a service without a role": "environments: [dev]\nservices: {a: {policies: {s: full}}}",
    "a role with a second key": "environments: [dev]\nservices: {a: {task_role: {name: a, path: b}, policies: {s: full}}}",
    "a truth as a level": "environments: [dev]\nservices: {a: {task_role: r, policies: {s: true}}}",
}


def errors_of(text: str) -> list[str]:
    """Return what an editor would mark."""
    validator = jsonschema.Draft202012Validator(RULES)
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("case", RIGHT)
def test_an_editor_marks_nothing_in(case: str) -> None:
    assert errors_of(RIGHT[case]) == []


@pytest.mark.parametrize("case", WRONG)
def test_an_editor_marks(case: str) -> None:
    assert errors_of(WRONG[case])


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(RULES)


def test_every_key_is_described_for_editors() -> None:
    assert [path for path, rule in keys(RULES, "services.yml") if not described(rule)] == []
    assert len(list(keys(RULES, "services.yml"))) > 20


def keys(rule: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rule of every key that may stand somewhere, and of every definition."""
    for name, inner in rule.items() if isinstance(rule, dict) else ():
        if name in ("properties", "$defs"):
            yield from ((f"{path}.{key}", value) for key, value in inner.items())
        elif name in ("additionalProperties", "propertyNames", "items") and isinstance(inner, dict):
            yield f"{path}.{name}", inner
        yield from keys(inner, f"{path}.{name}")
    for index, inner in enumerate(rule if isinstance(rule, list) else ()):
        yield from keys(inner, f"{path}[{index}]")


def described(rule: dict[str, Any]) -> bool:
    """Tell whether a rule says what it is about, or refers to one that does."""
    return "description" in rule or "description" in RULES["$defs"].get(rule.get("$ref", "").rpartition("/")[2], {})

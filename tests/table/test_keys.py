"""The key of a target: what a grant on the target needs on the key follows from it, and what may be wrong with that."""

from __future__ import annotations

import pytest

from taskroles.documents import Document
from taskroles.faults import BadInput
from taskroles.table.checks import check
from taskroles.table.grammar import Table, resolve
from taskroles.table.policies import Level
from taskroles.table.schema import validate

LEVELS = {
    "sqs": {
        "full": Level(False, {}),
        "send": Level(True, {}, key="encrypt"),
        "consume": Level(True, {}, key="decrypt"),
    },
    "s3": {"read": Level(True, {}, key="decrypt"), "describe": Level(True, {}), "write": Level(True, {}, key="sign")},
    "kms": {"decrypt": Level(True, {"via": ""}), "encrypt": Level(True, {"via": ""})},
}
TARGETS = """\
environments: [dev, live]
targets:
  key: {dev: {name: alias/orders}, live: {import: orders-key}}
  q: {import: q, key: key}
  r: {import: r, key: key}
  b: {dev: {name: b}, live: {name: b, key: key}}
  plain: {name: plain}
services:
"""
ALL = "sqs: [{send: q}, {send: r}], s3: [{read: b}, {read: plain}]"


def table_of(text: str) -> Table:
    """Return the table of a services.yml."""
    document = Document("services.yml", text)
    validate(document)
    check(document, LEVELS)
    return resolve(document, LEVELS)


def faults_of(text: str) -> list[str]:
    """Return the faults of a services.yml, each without the name of the file."""
    try:
        table_of(text)
    except BadInput as error:
        return [fault.removeprefix("services.yml:") for fault in error.faults]
    return []


def on_keys(policies: str) -> dict[str, list[tuple[object, ...]]]:
    """Return the grants on kms of a service with these policies, by environment."""
    other = "" if "r}" in policies else "sqs: [{send: r}, {consume: q}], s3: [{read: b}, {read: plain}]"
    services = f"  app: {{task_role: app, policies: {{{policies}}}}}\n"
    services += f"  other: {{task_role: other, policies: {{{other}}}}}\n" if other else ""
    found = table_of(TARGETS + services).services["app"].policies
    return {name: [tuple(grant) for grant in each.get("kms", ())] for name, each in found.items()}


ALIAS, EXPORT, VIA_SQS, VIA_S3 = {"name": "alias/orders"}, {"import": "orders-key"}, ("via", "sqs"), ("via", "s3")


def test_a_grant_on_what_has_a_key_grants_what_it_needs_on_the_key() -> None:
    assert on_keys("sqs: {consume: q}") == {
        "dev": [("decrypt", "key", ALIAS, (VIA_SQS,), "sqs consume q")],
        "live": [("decrypt", "key", EXPORT, (VIA_SQS,), "sqs consume q")],
    }


def test_grants_that_need_the_same_on_a_key_share_it_and_a_key_may_be_of_one_environment() -> None:
    found = on_keys(ALL)
    assert found["dev"] == [("encrypt", "key", ALIAS, (VIA_SQS,), "sqs send q and sqs send r")]
    assert found["live"] == [
        ("encrypt", "key", EXPORT, (VIA_SQS,), "sqs send q and sqs send r"),
        ("decrypt", "key", EXPORT, (VIA_S3,), "s3 read b"),
    ]


def test_what_services_yml_grants_on_keys_stands_first_and_once() -> None:
    written = ("decrypt", "key", ALIAS, (), "")
    assert on_keys("kms: {decrypt: key}, sqs: {consume: q}")["dev"] == [
        written,
        ("decrypt", "key", ALIAS, (VIA_SQS,), "sqs consume q"),
    ]
    same = "kms: {decrypt: {target: key, via: sqs}}, sqs: {consume: q}"
    assert on_keys(same)["dev"] == [("decrypt", "key", ALIAS, (VIA_SQS,), "")]


@pytest.mark.parametrize("policies", ["sqs: full", "sqs: {dev: none, live: none}", "s3: {describe: b}"])
def test_a_grant_that_needs_no_key_grants_nothing_on_it(policies: str) -> None:
    assert on_keys(policies) == {"dev": [], "live": []}


WRONG = {
    "a key that there is not": (
        "  q: {name: q, key: kye}\n  key: {name: k}\n",
        "sqs: {send: q}, kms: {decrypt: key}",
        ["3: no target is called 'kye'; targets without a key: key. Did you mean 'key'?"],
    ),
    "a key with a key": (
        "  q: {name: q, key: r}\n  r: {name: r, key: key}\n  key: {name: k}\n",
        "sqs: [{send: q}, {send: r}]",
        ["3: 'r' has a key itself; the key of a target is a target without one"],
    ),
    "itself as its key": (
        "  q: {name: q, key: q}\n",
        "sqs: {send: q}",
        ["3: 'q' has a key itself; the key of a target is a target without one"],
    ),
    "a key that nobody needs": (
        "  b: {dev: {name: b, key: key}, live: {name: b}}\n  key: {name: k}\n",
        "s3: {describe: b}",
        ["3: no level that is granted on 'b' needs its key; take `key` out"],
    ),
    "a level of kms that there is not": (
        "  b: {name: b, key: key}\n  key: {name: k}\n",
        "s3: {write: b}",
        ["3: s3 write needs sign on the key: there is no policies/kms/sign.yml.j2"],
    ),
    "a key alone": (
        "  b: {key: key}\n  key: {name: k}\n",
        "s3: {read: b}",
        ['3: {"key": "key"} is no target: one of import, import-arn, name, arn, as in {name: orders}'],
    ),
    "a target that is unused, with its key": (
        "  b: {name: b, key: key}\n  key: {name: k}\n",
        "sqs: full",
        ["3: no grant uses the target 'b'; use it or remove it"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_table_with(case: str) -> None:
    targets, policies, expected = WRONG[case]
    services = f"services: {{app: {{task_role: app, policies: {{{policies}}}}}}}\n"
    assert faults_of(f"environments: [dev, live]\ntargets:\n{targets}{services}") == expected


def test_no_environment_is_called_key() -> None:
    fault = "1: 'key' is no name for an environment: policies and targets say it themselves"
    assert faults_of("environments: [key]\nservices: {app: {task_role: app, policies: {sqs: full}}}\n") == [fault]

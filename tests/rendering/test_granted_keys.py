"""Encrypted things work: where a target names its key, the grant on the key is rendered, shown and explained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from in_process import refused, rendered
from project import HERE, load

from taskroles.rendering.partials import Renderer

if TYPE_CHECKING:
    from project import Project

SOURCES = {str(path.relative_to(HERE)): path.read_text(encoding="utf-8") for path in (HERE / "policies").rglob("*.j2")}
LEVELS = Renderer(SOURCES, {}).levels()
KEYED = [(folder, name) for folder, levels in LEVELS.items() for name, level in levels.items() if level.key]
TARGETS = {"orders-key": {"import": "acme-key"}, "orders": {"name": "orders", "key": "orders-key"}}


def with_policies(project: Project, policies: dict[str, Any], targets: dict[str, Any] = TARGETS) -> None:
    """Let one service have policies, in one environment."""
    services = {"app": {"task_role": "role", "policies": policies}}
    project.write("services.yml", json.dumps({"environments": ["dev"], "targets": targets, "services": services}))


@pytest.mark.parametrize(("folder", "level"), KEYED)
def test_a_level_gets_its_key_by_the_aws_service_alone(here, folder: str, level: str) -> None:
    options = dict.fromkeys(LEVELS[folder][level].required, "it")
    with_policies(here, {folder: {level: {"target": "orders", **options}}})
    rendered()
    policy = load(here.read("out/dev/app.yml"))["Resources"]["KMSAccessPolicy"]["Properties"]
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Condition"] == {
            "StringEquals": {"kms:ViaService": {"Fn::Sub": folder + ".${AWS::Region}.amazonaws.com"}}
        }


def test_the_comment_and_the_overview_say_which_grant_it_follows_from(here) -> None:
    with_policies(here, {"sqs": {"consume": "orders"}})
    rendered()
    comment = (
        "  # decrypt orders-key, via: sqs, for sqs consume orders (policies/kms/decrypt.yml.j2)\n  KMSAccessPolicy:"
    )
    assert comment in here.read("out/dev/app.yml")
    assert "decrypt `orders-key` (via sqs, for sqs consume orders)" in here.read("out/ACCESS.md")


@pytest.mark.parametrize(
    ("key", "resource", "condition"),
    [
        (
            {"name": "alias/orders"},
            {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"},
            {
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/orders"},
                "StringEquals": {"kms:ViaService": {"Fn::Sub": "sqs.${AWS::Region}.amazonaws.com"}},
            },
        ),
        (
            {"arn": "arn:aws:kms:eu-west-1:123456789012:alias/orders"},
            "arn:aws:kms:eu-west-1:123456789012:key/*",
            {
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/orders"},
                "StringEquals": {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"},
            },
        ),
        (
            {"arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"},
            "arn:aws:kms:eu-west-1:123456789012:key/1234abcd",
            {"StringEquals": {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}},
        ),
    ],
)
def test_a_key_is_named_by_its_alias_too_and_called_in_its_own_region(here, key, resource, condition) -> None:
    with_policies(here, {"sqs": {"consume": "orders"}}, {**TARGETS, "orders-key": key})
    rendered()
    policy = load(here.read("out/dev/app.yml"))["Resources"]["KMSAccessPolicy"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Resource"], statement["Condition"]) == ([resource], condition)


def test_a_partial_that_says_its_key_otherwise_is_refused_with_its_line(here) -> None:
    here.replace("policies/sqs/consume.yml.j2", '{% set key = "decrypt" %}', "{% set key = decrypt %}")
    line = here.read("policies/sqs/consume.yml.j2")[: here.read("policies/sqs/consume.yml.j2").index("set key")].count(
        "\n"
    )
    fault = (
        f'policies/sqs/consume.yml.j2:{line + 1}: `key` is a level of kms in quotes, as in {{% set key = "decrypt" %}}'
    )
    assert refused(here) == [fault]


def test_explain_leads_from_the_key_to_the_grant_on_what_it_encrypts(project: Project) -> None:
    with_policies(project, {"sqs": {"consume": "orders"}})
    project.render()
    said = project.verb("explain", "--service", "app", "--environment", "dev", "--action", "kms:Decrypt").stdout
    assert "from policies/kms/decrypt.yml.j2, services.yml:1: decrypt orders-key, for sqs consume orders\n" in said


def test_a_proposal_says_what_it_grants_on_the_key_besides(project: Project) -> None:
    with_policies(project, {"s3": {"read": "orders"}})
    project.replace(
        "services.yml",
        '"services": {',
        '"services": {"other": {"task_role": "o", "policies": {"s3": {"list": "orders"}}}, ',
    )
    project.render()
    asked = ["--service", "other", "--environment", "dev", "--action", "s3:GetObject"]
    said = project.verb("explain", *asked, "--resource", "arn:aws:s3:::orders/a").stdout
    assert "{read-objects: orders}" in said
    assert "it grants s3:GetObject and 1 other action:\n" in said
    assert "  Write: kms:Decrypt on " in said

"""What the README says in "Add a level", done: each block of it works, and each mistake is said as it says."""

from __future__ import annotations

import re

import pytest
from in_process import refused, rendered
from project import HERE, load

README = (HERE / "README.md").read_text(encoding="utf-8")
SECTION = README.split("\n## Add a level\n", 1)[1].split("\n## ", 1)[0]
BLOCKS = [re.sub(r"(?m)^  ", "", block) if block.startswith("  ") else block for block in re.findall(r"```jinja\n(.*?)\n *```", SECTION, re.DOTALL)]  # fmt: skip
PURGE, CONDITION, OPTIONS, SERVICE = (f"{block}\n" for block in BLOCKS)
PATH = "policies/sqs/purge.yml.j2"
HEADER = "{# Grants it.\n   For: it.\n   Modelled on: it. #}\n"


def grant(here, policies: str, targets: str = "{q: {name: jobs}}") -> None:
    here.write(
        "services.yml",
        f"environments: [dev]\ntargets: {targets}\nservices:\n  a: {{task_role: r, policies: {policies}}}\n",
    )


def statement(here) -> dict:
    (policy,) = load(here.read("out/dev/a.yml"))["Resources"].values()
    return policy["Properties"]["PolicyDocument"]["Statement"][0]


@pytest.mark.parametrize(
    "target", ["{name: jobs}", "{import: jobs}", "{import-arn: jobs-arn}", "{arn: 'arn:aws:sqs:eu-west-1:1:jobs'}"]
)
def test_a_level_with_a_target(here, target: str) -> None:
    here.write(PATH, PURGE)
    grant(here, "{sqs: {purge: q}}", f"{{q: {target}}}")
    rendered()
    assert statement(here)["Action"] == ["sqs:PurgeQueue"]
    assert here.verb("levels", "--check").returncode == 0
    assert "sqs: {purge: <target>}" in here.verb("levels", "sqs").stdout


def test_a_level_with_a_condition_and_an_option_that_it_needs(here) -> None:
    here.write("policies/metrics/service.j2", '{% set name = "Metrics" %}\n')
    here.write("policies/metrics/put.yml.j2", HEADER + OPTIONS + CONDITION)
    grant(here, "{metrics: {put: {namespace: 'acme/${EnvType}'}}}", "{}")
    rendered()
    assert statement(here)["Condition"] == {"StringEquals": {"cloudwatch:namespace": {"Fn::Sub": "acme/${EnvType}"}}}
    grant(here, "{metrics: put}", "{}")
    (fault,) = refused(here)
    assert fault.startswith(
        "services.yml:4: metrics: put needs the option namespace, which names what the metrics stand in"
    )
    here.replace("policies/metrics/put.yml.j2", "{{ namespace | sub }}", "{{ namespace }}")
    grant(here, "{metrics: {put: {namespace: 'acme/${EnvType}'}}}", "{}")
    assert refused(here) == [
        "policies/metrics/put.yml.j2:12: ${EnvType} stands in a text without !Sub: write {{ ... | sub }}"
    ]


def test_an_aws_service_of_one_s_own(here) -> None:
    here.write("policies/topics/service.j2", SERVICE)
    level = (
        PURGE.replace("policies/sqs", "policies/topics")
        .replace("queue", "topic")
        .replace("sqs:PurgeQueue", "sns:Publish")
    )
    here.write("policies/topics/put.yml.j2", level)
    grant(here, "{topics: {put: q}}")
    rendered()
    assert statement(here)["Resource"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:jobs"}
    ]


def test_the_mistakes_that_it_tells_of_are_said_so(here) -> None:
    grant(here, "{sqs: {purge: q}}")
    here.write(PATH, PURGE.replace("   For: operators' jobs.\n", ""))
    rendered()
    fault = here.verb("levels", "--check").stderr.strip()
    assert f"``{fault} ``" in SECTION
    here.write(PATH, PURGE.replace("{{ queue(target) }}", "{{ ['jobs'] | join }}: {{ target.name }}"))
    (fault,) = refused(here)
    assert f"`{fault}`" in SECTION
    grant(here, "{s3: {read: q}}", '{q: {arn: "arn:aws:s3:::reports/2026"}}')
    (fault,) = refused(here)
    assert fault.split(": ", 1)[1].partition(";")[0] in SECTION

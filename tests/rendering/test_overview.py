"""out/ACCESS.md: what kind of access a cell marks, and which environments share a graph."""

from __future__ import annotations

import pytest
from in_process import rendered

SOME = "environments: [dev]\nservices: {app: {task_role: app, policies: {sqs: some}}}\n"


@pytest.mark.parametrize(
    ("statement", "mark"),
    [
        ('Action: "sqs:GetQueueUrl", Resource: "*"', "🟢"),
        ('Action: "sqs:DeleteQueue", Resource: "*"', "🟡"),
        ('Action: "sqs:Get*", Resource: "*"', "🔴"),
        ('NotAction: "sqs:GetQueueUrl", Resource: "*"', "🔴"),
    ],
)
def test_it_tells_reading_from_writing_from_wildcards(here, statement: str, mark: str) -> None:
    denied = "- {Effect: Deny, Action: 'sqs:*', Resource: '*'}\n"
    here.write("policies/sqs/some.yml.j2", f"- {{Effect: Allow, {statement}}}\n{denied}")
    here.write("services.yml", SOME)
    rendered()
    assert f"| {mark} some |" in here.read("out/ACCESS.md")


def test_it_has_a_table_for_each_environment_and_a_graph_for_those_that_are_alike(here) -> None:
    here.write(
        "services.yml",
        """\
environments: [2nd, eu-west-live, Prod]
targets: {files: {2nd: {name: a}, default: {name: b}}, queue: {name: "queue-${EnvType}"}}
services:
  api: {task_role: "api-${EnvType}", policies: {s3: {read: {target: files, prefix: "in|coming/"}}, sqs: {2nd: full, default: {send: queue}}}}
  job: {task_role: "job-${EnvType}", policies: {sqs: {2nd: none, default: {consume: queue}}}}
""",
    )
    rendered()
    text = here.read("out/ACCESS.md")
    assert [line for line in text.split("\n") if line.startswith("## ")] == [
        "## 2nd",
        "## eu-west-live",
        "## Prod",
        "## What reaches what in 2nd",
        "## What reaches what in eu-west-live and Prod",
    ]
    assert "| **api** | 🟢 read `files` (prefix in&#124;coming/) | 🔴 full |" in text
    assert "| **job** |  |  | ░░░░░░░░░░ 0 |" in text
    assert text.count("service_job -->|consume| SQS_queue") == 1

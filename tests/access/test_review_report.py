"""How a review is printed: for a terminal, as Markdown, as JSON; and what no text of a template can do to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import jsonschema
from project import HERE
from repository import DENY, FULL, HAND_OVER, SEND, Repository, policy, statement, template

if TYPE_CHECKING:
    import pytest

SCHEMA = json.loads((HERE / "taskroles/access/review.schema.json").read_text(encoding="utf-8"))
TO_SEND = policy(SEND, comment="# send sample-queue (policies/sqs/send.yml.j2)")
MARKDOWN = """\
<!-- taskroles review -->
### Permissions: HEAD (COMMIT) → working tree

- **Production: 1 narrowed**

**a**

| environment | change | AWS service | access | look at |
|---|---|---|---|---|
| Production | narrowed | sqs | sqs:\\* on every queue → GetQueueUrl and SendMessage on sample-queue (SQS-\\${EnvType}): \
18 actions revoked |  |

<details><summary>actions and resources</summary>

- narrowed (Production): sqs:\\* on every queue → GetQueueUrl and SendMessage on sample-queue (SQS-\\${EnvType}): \
18 actions revoked
  - Permissions management: `sqs:AddPermission`, `sqs:CreateQueue`, `sqs:RemovePermission`, `sqs:SetQueueAttributes`
  - Write: `sqs:CancelMessageMoveTask`, `sqs:ChangeMessageVisibility`, `sqs:DeleteMessage`, `sqs:DeleteQueue`, \
`sqs:PurgeQueue`, `sqs:StartMessageMoveTask`
  - Tagging: `sqs:TagQueue`, `sqs:UntagQueue`
  - Read: `sqs:GetQueueAttributes`, `sqs:ListDeadLetterSourceQueues`, `sqs:ListMessageMoveTasks`, `sqs:ListQueueTags`, \
`sqs:ListQueues`, `sqs:ReceiveMessage`
  - before: `*`
  - after: `arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${import SQS-${EnvType}}`

</details>
"""


def test_json_follows_its_schema(repository: Repository) -> None:
    repository.commit(dict.fromkeys(["Dev/a", "Dev/b", "Dev/c"], template(policy(SEND))))
    repository.write({"Dev/a": template(policy(FULL)), "Dev/b": template(policy(SEND + "\n" + SEND))})
    document = json.loads(repository.review("HEAD", "--format", "json"))
    jsonschema.validate(document, SCHEMA)
    (section, removed) = document["sections"]
    (change,) = section["changes"]
    assert (section["service"], section["environments"], change["kind"]) == ("a", ["Dev"], "widened")
    assert {"action": "sqs:PurgeQueue", "access_level": "Write"} in change["actions"]
    assert change["after"] == ["*"]
    assert change["before"] == ["arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${import SQS-${EnvType}}"]
    assert [m["code"] for m in change["marks"]] == ["permissions", "delete", "wildcard-action", "wildcard-resource"]
    assert [change["kind"] for change in removed["changes"]] == ["notice", "revoked"]
    assert "its stack is not: the policies stay" in removed["changes"][0]["text"]
    assert removed["changes"][1]["text"].startswith("removed service, once its stack is deleted: ")
    assert document["counts"] == {"Dev": {"notice": 1, "widened": 1, "revoked": 1, "to look at": 1}}
    assert (document["commits"], change["undecided"]) == ([repository.head(), ""], False)
    assert document["unchanged"] == ["out/Dev/b.yml"]


def test_the_schema_knows_every_kind_and_every_mark_and_no_other(repository: Repository) -> None:
    """One change of each kind, with each mark that there is."""
    limited = HAND_OVER.replace("}", ", Condition: {StringEquals: {iam:PassedToService: ecs-tasks.amazonaws.com}}}")
    everything = SEND + "\n" + statement("!If [X, '*', a]", "s3:GetObject") + "\n- " + FULL[2:]
    everything += "\n" + statement("'arn:aws:kms:us-east-1:999999999999:key/a'", "[kms:Decrypt, kms:Decript]")
    before = {
        "Staging/a": template(policy(SEND)),
        "Production/a": template(policy(SEND + "\n" + DENY + "\n" + limited)),
        "Production/b": template(policy(FULL)),
        "Production/c": template(policy(SEND)),
    }
    after = {
        "Staging/a": before["Staging/a"],
        "Production/a": template(policy(everything + "\n" + HAND_OVER, role="other"))
        + "  R: {Type: 'AWS::SQS::Queue'}\n",
        "Production/b": template(policy(SEND)),
        "Production/d": template(policy(SEND)),
        "Staging/e": template(policy(SEND)).replace("SQSAccessPolicy:", "Other:"),
    }
    before["Staging/e"] = template(policy(SEND))
    repository.commit(before)
    repository.write(after, Production={"protected": False})
    document = json.loads(repository.review("HEAD", "--format", "json"))
    jsonschema.validate(document, SCHEMA)
    changes = [change for section in document["sections"] for change in section["changes"]]
    properties = SCHEMA["$defs"]["change"]["properties"]
    assert {change["kind"] for change in changes} == set(properties["kind"]["enum"])
    codes = properties["marks"]["items"]["properties"]["code"]["enum"]
    repository.write(after)
    marked = json.loads(repository.review("HEAD", "--format", "json"))
    found = {m["code"] for s in marked["sections"] for change in s["changes"] for m in change["marks"]}
    assert found == set(codes)


def test_markdown_has_a_table_for_each_service_and_folds_the_details(repository: Repository) -> None:
    repository.commit({"Production/a": template(policy(FULL))})
    repository.write({"Production/a": template(TO_SEND)})
    commit = repository.head()[:12]
    assert repository.review("HEAD", "--format", "markdown") == MARKDOWN.replace("COMMIT", commit)


def test_markdown_always_fits_in_a_comment(repository: Repository) -> None:
    wide = "- {Effect: Allow, Action: 'ec2:*', Resource: 'x'}"
    repository.commit({f"Dev/service-{i}": template(policy(SEND)) for i in range(20)})
    repository.write({f"Dev/service-{i}": template(policy(wide)) for i in range(20)})
    text = repository.review("HEAD", "--format", "markdown")
    assert 0 < text.count("<details>") < text.count("**service-") == 20
    assert len(text) < 65_536
    repository.write({f"Dev/{'long' * 30}-{i}": template(policy(SEND, service=f"s{i}")) for i in range(400)})
    text = repository.review("HEAD", "--format", "markdown")
    assert 63_000 < len(text) < 65_536
    assert re.search(r"\n\d+ more services left out: too long for a comment. Run `make review`.\n$", text)


def test_a_comment_begins_with_the_environments_that_matter_most_however_many_there_are(repository: Repository) -> None:
    names = [f"environment-of-a-long-name-{i}" for i in range(1200)]
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write({f"{name}/a": template(policy(SEND)) for name in names})
    text = repository.review("HEAD", "--format", "markdown")
    assert len(text) < 65_536
    assert "\n- 1,151 more environments\n" in text  # and Dev, whose template is gone


def test_what_a_template_says_neither_steers_a_terminal_nor_breaks_out_of_markdown(repository: Repository) -> None:
    nasty = r"\e[2K\nx`y``z|<img src=q>@org/team\u202e"
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write(
        {"Dev/a": template(policy(statement(f'"{nasty}"', f'"sqs:{nasty}"', f'{{Bool: {{"{nasty}": a}}}}')))}
    )
    for form in ("terminal", "markdown", "json"):
        out = repository.review("HEAD", "--format", form)
        assert "org/team" in out
        assert not [c for c in out if not (c.isprintable() or c == "\n")]
        if form == "markdown":
            rows = [line for line in out.splitlines() if line.startswith("| Dev")]
            assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
            outside = re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", out)
            assert "@org" not in outside
            assert not re.search(r"(?<!\\)<img|(?<!\\)`", outside)


def test_lines_are_short_without_a_terminal_too(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    limited = HAND_OVER.replace("}", ", Condition: {StringEquals: {iam:PassedToService: ecs-tasks.amazonaws.com}}}")
    repository.commit({"Dev/a": template(policy(limited))})
    repository.write({"Dev/a": template(policy(HAND_OVER)), "Dev/b": template(policy(SEND, role="somebody-else" * 3))})
    lines = repository.review().splitlines()
    assert max(map(len, lines)) <= 110
    i = next(i for i, line in enumerate(lines) if line.endswith('StringEquals "ecs-tasks.amazonaws.com"'))
    assert lines[i + 1].lstrip() == "→ PassRole on every role"

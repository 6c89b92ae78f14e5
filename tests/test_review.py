"""The review of real git repositories: what is printed for which change of which template."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import review
import stacks
from botocore.exceptions import NoCredentialsError

PROGRAM = Path(review.__file__)
QUEUE = '{"Fn::Sub": ["arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${N}", {N: {"Fn::ImportValue": !Sub "SQS-${EnvType}"}}]}'
BUCKET = '{"Fn::ImportValue": !Sub "Bucket-Arn-${EnvType}"}'
OBJECTS = f'{{"Fn::Join": ["", [{BUCKET}, "/*"]]}}'
OTHER = BUCKET.replace("Bucket", "Reports")
SEND = f"- {{Effect: Allow, Action: [sqs:SendMessage, sqs:GetQueueUrl], Resource: {QUEUE}}}"
TWO_TARGETS = "# list reports (policies/s3/list.yml.j2)\n  # list sample (policies/s3/list.yml.j2)"
HAND_OVER = "- {Effect: Allow, Action: iam:PassRole, Resource: '*'}"
FULL = '- {Effect: Allow, Action: "sqs:*", Resource: "*"}'


def policy(statements: str, name: str = "SQS", comment: str = "", service: str = "backend", role: str = "") -> str:
    statements = statements.strip().replace("\n", "\n          ")
    return f"""
  {comment or "# generated"}
  {name}AccessPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "Sample-{name}AccessPolicy-{service}-${{EnvType}}"
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          {statements}
      Roles: [{{"Fn::ImportValue": !Sub "${{VPCName}}-{role or service}-${{EnvType}}"}}]
"""


def template(*policies: str) -> str:
    head = "Parameters:\n  VPCName: {Type: String, Default: sample}\n  EnvType: {Type: String}\nResources:"
    return head + "".join(policies)


DENY = SEND.replace("Allow", "Deny")
Files = dict[str, str]
ENVIRONMENTS = ("Production", "Staging")
MARKDOWN = """\
<!-- review.py -->
### Permissions: HEAD → working tree

- **Production: 1 narrowed**

**a**

| environment | change | AWS service | access | look at |
|---|---|---|---|---|
| Production | narrowed | sqs | sqs:\\* on every queue → GetQueueUrl and SendMessage on sample-queue: 18 actions revoked |  |

<details><summary>actions and resources</summary>

- narrowed (Production): sqs:\\* on every queue → GetQueueUrl and SendMessage on sample-queue: 18 actions revoked
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


class Repository:
    """A real git repository in a temporary folder, and the program run in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.git("init", "-q")

    def git(self, *arguments: str) -> None:
        """Run git in it."""
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=self.folder, check=True)

    def write(self, files: Files) -> None:
        """Let out/ hold these files ("Production/backend": text) and no others."""
        for old in self.folder.glob("out/*/*"):
            old.unlink()
        for key, text in files.items():
            path = self.folder / f"out/{'/sample-ecs-taskrole-'.join(key.split('/'))}-cfn.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def text(self, key: str) -> str:
        """Return the text of a file of out/."""
        return (self.folder / f"out/{'/sample-ecs-taskrole-'.join(key.split('/'))}-cfn.yml").read_text()

    def commit(self, files: Files) -> None:
        """Let out/ hold these files and commit them."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run review.py; return its exit code, stdout and stderr."""
        code = review.main([*arguments])
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Repository:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return Repository(tmp_path, capsys)


CASES = {
    "full becomes one level": (
        policy(FULL),
        policy(SEND, comment="# send sample-queue (policies/sqs/send.yml.j2)"),
        """
        - narrowed  sqs  sqs:* on every queue → GetQueueUrl and SendMessage on sample-queue: 18 actions revoked
                         4 Permissions management, 6 Write, 2 Tagging, 6 Read
        """,
    ),
    "one level becomes full": (
        policy(SEND),
        policy(FULL),
        """
        + widened   sqs  GetQueueUrl and SendMessage on SQS-${EnvType} → sqs:* on every queue: 18 actions granted
                         4 Permissions management, 6 Write, 2 Tagging, 6 Read
                         ! changes who has access: AddPermission, CreateQueue, RemovePermission and SetQueueAttributes
                         ! can delete data: DeleteMessage, DeleteQueue and PurgeQueue
                         ! wildcard sqs:*: also what AWS adds to it later
                         ! not limited to any resource, though 19 actions can be
        """,
    ),
    "one more bucket": (
        policy(f"- {{Effect: Allow, Action: [s3:GetObject], Resource: {OBJECTS}}}", "S3"),
        policy(
            f"""
- {{Effect: Allow, Action: s3:GetObject, Resource: [{OBJECTS}, {OBJECTS.replace("Bucket", "Reports")}]}}
- {{Effect: Allow, Action: [s3:ListBucket], Resource: [{OTHER}]}}""",
            "S3",
            comment="# read sample (policies/s3/read.yml.j2)\n  # read reports (policies/s3/read.yml.j2)",
        ),
        """
        + granted   s3  ListBucket on reports; GetObject on reports/*
                        Read: GetObject
                        List: ListBucket
        """,
    ),
    "another action, and one less": (
        policy(SEND),
        policy(SEND.replace("GetQueueUrl", "DeleteMessage")),
        """
        + granted   sqs  DeleteMessage on SQS-${EnvType}
                         Write: DeleteMessage
                         ! can delete data: DeleteMessage
        - revoked   sqs  GetQueueUrl on SQS-${EnvType}
                         Read: GetQueueUrl
        """,
    ),
    "another queue under the same target name": (
        policy(SEND, comment="# send sample-queue (policies/sqs/send.yml.j2)"),
        policy(SEND.replace("SQS-", "Orders-"), comment="# send sample-queue (policies/sqs/send.yml.j2)"),
        """
        + granted   sqs  GetQueueUrl and SendMessage on Orders-${EnvType}
                         Write: SendMessage
                         Read: GetQueueUrl
        - revoked   sqs  GetQueueUrl and SendMessage on SQS-${EnvType}
                         Write: SendMessage
                         Read: GetQueueUrl
        """,
    ),
    "two buckets in one statement, whose targets come in another order than their exports": (
        policy(f"- {{Effect: Allow, Action: s3:ListBucket, Resource: [{OTHER}, {BUCKET}]}}", "S3", comment=TWO_TARGETS),
        policy(f"- {{Effect: Allow, Action: s3:ListBucket, Resource: [{OTHER}]}}", "S3"),
        """
        - revoked   s3  ListBucket on sample
                        List: ListBucket
        """,
    ),
    "every resource beside one": (
        policy(SEND),
        policy(SEND.replace(QUEUE, f'["*", {QUEUE}]')),
        """
        + widened   sqs  GetQueueUrl and SendMessage on SQS-${EnvType} → GetQueueUrl and SendMessage on every queue
                         Write: SendMessage
                         Read: GetQueueUrl
                         ! not limited to any resource, though 2 actions can be
        """,
    ),
    "a Version dropped that gives policy variables their meaning": (
        policy("- {Effect: Allow, Action: s3:GetObject, Resource: 'b/${aws:username}'}", "S3"),
        policy("- {Effect: Allow, Action: s3:GetObject, Resource: 'b/${aws:username}'}", "S3").replace(
            "2012-10-17", "2008-10-17"
        ),
        """
        - narrowed  s3  GetObject on b/${!aws:username} → GetObject on b/${!aws:username} if policy variables are plain text
                        Read: GetObject
        """,
    ),
    "a condition dropped": (
        policy(
            "- {Effect: Allow, Action: iam:PassRole, Resource: '*', Condition: {StringLike: {iam:PassedToService: ecs}}}"
        ),
        policy("- {Effect: Allow, Action: iam:PassRole, Resource: '*'}"),
        """
        + widened   iam  PassRole on every role if iam:PassedToService StringLike "ecs" → PassRole on every role
                         Permissions management: PassRole
                         ! condition dropped
                         ! can be used to gain further rights: PassRole
                         ! not limited to any resource, though PassRole can be
        """,
    ),
    "a condition changed": (
        policy("- {Effect: Allow, Action: sqs:SendMessage, Resource: x, Condition: {Bool: {a: 'true', b: [x, y]}}}"),
        policy("- {Effect: Allow, Action: sqs:SendMessage, Resource: x, Condition: {Bool: {a: 'true', b: [x, z]}}}"),
        """
        + widened   sqs  SendMessage on x if a Bool "true" and b Bool "x" or "y" → SendMessage on x if a Bool "true" and b Bool "x" or "z"
                         Write: SendMessage
                         ! cannot tell: conditions differ
        """,
    ),
    "a Deny dropped": (
        policy(SEND, "Other") + policy(f"- {{Effect: Deny, Action: sqs:SendMessage, Resource: {QUEUE}}}"),
        policy(SEND, "Other"),
        """
        + widened   sqs  SendMessage on no resource, denied on SQS-${EnvType} → SendMessage on SQS-${EnvType}
                         Write: SendMessage
                         ! a Deny was dropped
        """,
    ),
    "a few actions left out of everything": (
        policy(SEND),
        policy("- {Effect: Allow, NotAction: 'iam:*', Resource: '*'}"),
        """
        + granted   *    every action of every AWS service but NUMBER on every resource
                         NUMBER Permissions management, NUMBER Write, NUMBER Tagging, NUMBER Read, NUMBER List
                         ! can be used to gain further rights: cloudformation:CreateStack, codestar:AssociateTeamMember, codestar:CreateProject and NUMBER more
                         ! changes who has access: acm-pca:CreatePermission, acm-pca:DeletePermission, acm-pca:DeletePolicy and NUMBER more
                         ! can delete data: a4b:DeleteAddressBook, a4b:DeleteBusinessReportSchedule, a4b:DeleteConferenceProvider and NUMBER more
                         ! wildcard NotAction: also what AWS adds to it later
                         ! not limited to any resource, though NUMBER actions can be
        + widened   sqs  GetQueueUrl and SendMessage on SQS-${EnvType} → GetQueueUrl and SendMessage on every queue
                         Write: SendMessage
                         Read: GetQueueUrl
                         ! not limited to any resource, though 2 actions can be
        """,
    ),
    "a renamed logical id that keeps its policy name": (
        policy(SEND),
        policy(SEND).replace("SQSAccessPolicy:", "QueueAccessPolicy:"),
        """
        ! notice    SQSAccessPolicy becomes QueueAccessPolicy under the same policy name: CloudFormation creates the new one, then deletes the old one by that name, and the role is left without Sample-SQSAccessPolicy-backend-${EnvType}. Change the name as well, or keep the logical id
        """,
    ),
    "another role": (
        policy(SEND),
        policy(SEND, role="frontend"),
        """
        + widened   SQSAccessPolicy: CloudFormation puts it on ${VPCName}-frontend-${EnvType} and takes it away from ${VPCName}-backend-${EnvType}
                    ! the role import changed
        """,
    ),
    "the same policy name twice": (
        policy(SEND),
        policy(SEND) + policy(SEND).replace("SQSAccessPolicy:", "QueueAccessPolicy:"),
        """
        ! notice    SQSAccessPolicy (backend) and QueueAccessPolicy (backend) share the name Sample-SQSAccessPolicy-backend-${EnvType} on ${VPCName}-backend-${EnvType}: the one deployed last replaces the other, and removing either removes it
        """,
    ),
    "what is not a policy": (
        policy(SEND),
        policy(SEND) + "  Other: {Type: AWS::IAM::ManagedPolicy}\n",
        """
        + widened   cannot tell: Resources Other changed, and with it maybe what the policies mean
                    ! not a policy: read it yourself
        """,
    ),
}


def body(text: str) -> list[str]:
    """Return the lines of a terminal review below its first heading, without indentation in common."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [i for i, line in enumerate(lines) if line.lstrip()[:2] in ("+ ", "- ", "! ")]
    return [line.strip() for line in (lines[found[0] :] if found else [])]


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_said_as_a_person_would(repository: Repository, name: str) -> None:
    before, after, expected = CASES[name]
    repository.commit({"Production/backend": template(before)})
    repository.write({"Production/backend": template(after)})
    code, out, err = repository.run("HEAD")
    assert (code, err) == (0, "")
    if "NUMBER" in expected:  # those that change whenever AWS adds an action
        out = re.sub(r"\d[\d,]*\d", "NUMBER", out)
    assert body(out) == body(expected)


SAME = {
    "reordered": (SEND + "\n" + FULL, FULL + "\n" + SEND),
    "split": (SEND, SEND.replace(", sqs:GetQueueUrl", "") + "\n" + SEND.replace("sqs:SendMessage, ", "")),
    "another Sid": (SEND, SEND.replace("{Effect", "{Sid: Send, Effect")),
    "a scalar for a list of one": (FULL, FULL.replace('"sqs:*"', '["sqs:*"]').replace('"*"}', '["*"]}')),
    "another case": (SEND, SEND.replace("sqs:SendMessage", "SQS:sendmessage")),
    "said twice": (FULL, FULL + "\n" + SEND),
    "another spelling of the ARN": (
        SEND,
        "- {Effect: Allow, Action: [sqs:SendMessage, sqs:GetQueueUrl], Resource: !Join [':', [arn, !Ref AWS::Partition, "
        "sqs, !Ref AWS::Region, !Ref AWS::AccountId, {'Fn::ImportValue': !Join ['-', [SQS, !Ref EnvType]]}]]}",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_access_written_otherwise_is_no_change_in_permissions(repository: Repository, name: str) -> None:
    before, after = SAME[name]
    repository.commit({"Production/backend": template(policy(before))})
    repository.write({"Production/backend": template(policy(after))})
    assert repository.run("HEAD", "--fail-on", "widened", "--fail-on", "granted") == (
        0,
        "HEAD → working tree\nno change in permissions (1 file changed in text only)\n",
        "",
    )


def statement(
    resource: str = "'*'", action: str = "sqs:SendMessage", condition: str = "", effect: str = "Allow"
) -> str:
    condition = condition and f", Condition: {condition}"
    return f"- {{Effect: {effect}, Action: {action}, Resource: {resource}{condition}}}"


CANNOT_BE_SPELLED = {
    "an Fn::If": statement("!If [X, '*', 'arn:aws:s3:::a']"),
    "an Fn::If with a brace in it": statement("!If [X, '}*', 'arn:aws:s3:::a']"),
    "an Fn::Select": statement("[!Select [0, ['*', a]]]"),
    "an Fn::If within an Fn::Sub": statement("!Sub ['${N}', {N: !If [X, '*', a]}]"),
    "an Fn::Join of nothing": statement("!Join []"),
    "an Fn::Join with an unknown separator": statement("!Join [!Ref X, ['', '']]"),
    "an unknown mapping": statement("{foo: bar}"),
    "an empty Resource": statement("''"),
    "no Resource in the list": statement("[]"),
    "a list in the list": statement("[['*']]"),
    "no value": statement("!Ref AWS::NoValue"),
    "a Deny of an Fn::If": statement() + "\n" + statement("!If [X, '*', a]", effect="Deny"),
    "everything but an Fn::If": statement("!If [X, '*', a]").replace("Resource", "NotResource"),
    "a Condition that is no mapping": statement(condition="text"),
    "a Condition that is an Fn::If": statement(condition="!If [X, {}, {Bool: {a: 'true'}}]"),
    "a part of a Condition that is an Fn::If": statement(condition="{Bool: !If [X, {}, {a: 'true'}]}"),
    "a value of a Condition that is an Fn::If": statement(condition="{Bool: {a: !If [X, 'true', 'false']}}"),
    "no value in a Condition": statement(condition="{Bool: {a: []}}"),
    "an operator that IAM does not have": statement(condition="{StringEqual: {a: b}}"),
    "an action that is an Fn::If": statement(action="[sqs:SendMessage, !If [X, sqs:GetQueueUrl, 'sqs:*']]"),
    "an action that is a parameter": statement(action="!Ref Action"),
    "no action": statement(action="[]"),
}


@pytest.mark.parametrize("name", CANNOT_BE_SPELLED)
@pytest.mark.parametrize("other", [statement(), statement("x"), statement("!If [Y, '*', a]")])
def test_what_cannot_be_spelled_cannot_be_told_and_counts_as_widened(
    repository: Repository, name: str, other: str
) -> None:
    here, there = template(policy(CANNOT_BE_SPELLED[name])), template(policy(other))
    for before, after in ((here, there), (there, here)):
        repository.commit({"Production/backend": before})
        repository.write({"Production/backend": after})
        code, out, _ = repository.run("HEAD", "--fail-on", "widened")
        assert code == 1
        assert re.search(r"! cannot tell: what .* means", out)
        assert not re.search("^  - (narrowed|revoked)", out, re.MULTILINE)
        assert "${unknown" not in out


@pytest.mark.parametrize("name", CANNOT_BE_SPELLED)
def test_what_cannot_be_spelled_is_no_change_if_it_stays(repository: Repository, name: str) -> None:
    text = template(policy(CANNOT_BE_SPELLED[name]))
    repository.commit({"Production/backend": text})
    repository.write({"Production/backend": "# another comment\n" + text})
    assert "no change in permissions" in repository.run("HEAD", "--fail-on", "widened")[1]


def test_what_cannot_be_spelled_is_named(repository: Repository) -> None:
    repository.commit({"Production/backend": template(policy(statement()))})
    repository.write({"Production/backend": template(policy(statement("!If [X, '*', 'arn:aws:s3:::a']")))})
    assert "SendMessage on every queue → SendMessage on an Fn::If\n" in repository.run("HEAD")[1]


def test_a_new_file_that_cannot_be_told_and_a_removed_one_with_a_deny_count_as_growth(repository: Repository) -> None:
    repository.commit({"Production/a": template(policy(SEND)), "Production/c": template(policy(SEND))})
    repository.write(
        {"Production/a": template(policy(SEND)), "Production/b": template(policy(statement("!If [X, '*', a]")))}
    )
    code, out, _ = repository.run("HEAD", "--fail-on", "widened")
    assert (code, "cannot tell: what an Fn::If means" in out, "- revoked   removed service" in out) == (1, True, True)
    repository.commit({"Production/a": template(policy(SEND)), "Production/b": template(policy(DENY))})
    repository.write({"Production/a": template(policy(SEND))})
    code, out, _ = repository.run("HEAD", "--fail-on", "widened")
    assert (code, "+ widened   removed service" in out, "! a Deny was dropped" in out) == (1, True, True)


def test_nothing_changed_is_said_too(repository: Repository) -> None:
    repository.commit({"Production/backend": template(policy(SEND))})
    assert repository.run("HEAD")[1] == "HEAD → working tree\nno change in permissions\n"
    assert "no change in permissions" in repository.run("HEAD", "HEAD", "--format", "markdown")[1]


def test_equal_changes_are_said_once_and_production_comes_first(repository: Repository) -> None:
    before, after = template(policy(FULL)), template(policy(SEND))
    places = [f"{e}/{s}" for e in ("Dev", "Production", "Acceptance") for s in ("api", "worker")]
    repository.commit(dict.fromkeys(places, before) | {"Dev/aaa": before})
    repository.write(dict.fromkeys(places, after) | {"Production/worker": before, "Dev/aaa": after})
    out = repository.run("HEAD")[1]
    assert [line for line in out.splitlines() if " in " in line and ":" not in line] == [
        "api in Production, Acceptance, Dev",
        "aaa in Dev",
        "worker in Acceptance, Dev",
    ]
    assert out.splitlines()[1:4] == ["Production: 1 narrowed", "Acceptance: 2 narrowed", "Dev: 3 narrowed"]


def test_one_environment_or_service_can_be_chosen(repository: Repository) -> None:
    places = [f"{e}/{s}" for e in ENVIRONMENTS for s in ("api", "worker")]
    repository.commit(dict.fromkeys(places, template(policy(FULL))))
    repository.write(dict.fromkeys(places, template(policy(SEND))))
    out = repository.run("HEAD", "--environment", "Staging", "--service", "worker")[1]
    assert re.findall(r"^\w+ in .*", out, re.MULTILINE) == ["worker in Staging"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--environment=Stagin"], "no environment is called 'Stagin' (did you mean Staging?); out/ has: Dev, Staging"),
        (["--service=worke"], "no service is called 'worke' (did you mean worker?); out/ has: api, worker"),
    ],
)
def test_a_name_that_neither_side_has_is_an_error(repository: Repository, arguments: list[str], message: str) -> None:
    repository.commit({"Dev/api": template(policy(FULL))})
    repository.write({"Staging/worker": template(policy(FULL))})
    assert repository.run("HEAD", *arguments) == (2, "", f"review.py: {message}\n")
    assert repository.run("HEAD", "--environment=Dev", "--service=api")[0] == 0


@pytest.mark.parametrize(
    "broken",
    [
        statement("!Sub []"),
        statement("!Sub [1, 2]"),
        statement("{Ref: 5}"),
        statement("!Sub ['${A}', {A: !Sub [x]}]"),
        statement(condition="{Bool: {a: !Sub []}}"),
        "[" * 2000 + "]" * 2000,
    ],
)
def test_a_template_of_another_shape_is_an_error_that_says_where(repository: Repository, broken: str) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write({"Dev/a": template(policy(broken))})
    code, out, err = repository.run("HEAD")
    assert (code, out) == (2, "")
    assert re.match(r"review.py: out/Dev/sample-ecs-taskrole-a-cfn.yml:\d+: .+ \(working tree\)\n$", err)


def test_a_full_disk_is_an_error_and_a_terminal_of_ascii_is_none(repository: Repository) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write({"Dev/a": template(policy(FULL))})
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, PROGRAM, "HEAD"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (2, b"review.py: cannot print: No space left on device\n")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, PROGRAM, "HEAD"], capture_output=True, check=True, env=ascii_only)
    assert done.stdout.startswith(b"HEAD \\u2192 working tree\n")


def test_what_a_template_says_neither_steers_a_terminal_nor_breaks_out_of_markdown(repository: Repository) -> None:
    nasty = r"\e[2K\nx`y``z|<img src=q>@org/team\u202e"
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write(
        {"Dev/a": template(policy(statement(f'"{nasty}"', f'"sqs:{nasty}"', f'{{Bool: {{"{nasty}": a}}}}')))}
    )
    for form in ("terminal", "markdown", "json"):
        out = repository.run("HEAD", "--format", form)[1]
        assert "org/team" in out
        assert not [c for c in out if not (c.isprintable() or c == "\n")]
        if form == "markdown":
            rows = [line for line in out.splitlines() if line.startswith("| Dev")]
            assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
            outside = re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", out)
            assert "@org" not in outside
            assert not re.search(r"(?<!\\)<img|(?<!\\)`", outside)


def test_a_new_or_removed_service_or_environment_is_one_line(repository: Repository) -> None:
    text = template(policy(SEND))
    repository.commit({"Dev/old": text, "Staging/backend": text, "Dev/backend": text})
    repository.write({"Dev/new": text, "Production/backend": text, "Dev/backend": text, "Production/new": text})
    assert [line for line in repository.run("HEAD")[1].splitlines() if line[2:3] in ("+", "-")] == [
        "  + granted   new environment: 2 sqs actions",
        "  - revoked   removed environment: 2 sqs actions",
        "  + granted   new service: 2 sqs actions",
        "  - revoked   removed service: 2 sqs actions",
    ]


def test_a_write_that_production_has_alone_is_marked(repository: Repository) -> None:
    repository.commit(
        {f"{e}/backend": template(policy("- " + SEND[2:].replace("sqs:SendMessage, ", ""))) for e in ENVIRONMENTS}
    )
    repository.write(
        {"Staging/backend": repository.text("Staging/backend"), "Production/backend": template(policy(SEND))}
    )
    assert "! a write that Staging does not have: SendMessage" in repository.run("HEAD")[1]
    repository.write({f"{e}/backend": template(policy(SEND)) for e in ENVIRONMENTS})
    assert "a write that" not in repository.run("HEAD")[1]


def test_a_policy_name_that_another_file_uses_on_the_same_role_is_called_out(repository: Repository) -> None:
    repository.commit({"Dev/a": template(policy(SEND)), "Production/b": template(policy(SEND))})
    repository.write(
        {
            "Dev/a": template(policy(SEND)),
            "Production/b": template(policy(SEND)),
            "Dev/c": template(policy(FULL)),
        }
    )
    out = repository.run("HEAD")[1]
    assert "! notice    SQSAccessPolicy (c) and SQSAccessPolicy (a) share the name" in out


def test_a_parameter_that_names_are_built_of_cannot_be_judged(repository: Repository) -> None:
    text = template(policy(SEND))
    repository.commit({"Dev/a": text})
    repository.write({"Dev/a": text.replace("Default: sample", "Default: other")})
    code, out, _ = repository.run("HEAD", "--fail-on", "widened")
    assert code == 1
    assert "cannot tell: Parameters VPCName changed" in out


def test_what_is_uncommitted_untracked_or_ignored_is_part_of_the_working_tree(repository: Repository) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    (repository.folder / ".gitignore").write_text("out/Dev/*-c-cfn.yml\n")
    repository.write(
        {"Dev/a": template(policy(FULL)), "Dev/b": template(policy(SEND)), "Dev/c": template(policy(SEND))}
    )
    assert re.findall(r"^(\w+) in", repository.run("HEAD")[1], re.MULTILINE) == ["a", "b", "c"]
    assert "no change" in repository.run("HEAD", "HEAD")[1]


def failing(*_: object) -> Files:
    raise NoCredentialsError


def test_one_side_may_be_what_is_deployed(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def deployed(environment: str, services: list[str]) -> Files:
        asked.append((environment, services))
        return {f"{environment}/sample-ecs-taskrole-{s}-cfn.yml": template(policy(FULL)) for s in services}

    monkeypatch.setattr(stacks, "deployed_templates", deployed)
    repository.commit({f"{e}/{s}": template(policy(SEND)) for e in ENVIRONMENTS for s in ("a", "b")})
    assert "b in Production, Staging" in repository.run("deployed", "--service", "b")[1]
    assert asked == [("Production", ["b"]), ("Staging", ["b"])]
    assert "a in Staging" in repository.run("deployed", "HEAD", "--environment", "Staging", "--service", "a")[1]
    assert "granted" in repository.run("HEAD", "deployed", "--environment", "Staging")[1]
    monkeypatch.setattr(stacks, "deployed_templates", failing)
    assert repository.run("deployed")[::2] == (
        2,
        "review.py: what is deployed in Production is not to be had: Unable to locate credentials\n",
    )
    assert repository.run("deployed", "deployed") == (
        2,
        "",
        "review.py: only one side can be what is deployed\n",
    )


@pytest.mark.parametrize(
    ("after", "gates", "code"),
    [
        (FULL, "widened", 1),
        (FULL, "escalation", 1),
        (FULL, "granted", 0),
        (SEND, "widened granted escalation", 0),
        (SEND + f"\n- {{Effect: Allow, Action: sqs:ReceiveMessage, Resource: {QUEUE}}}", "granted", 1),
        (SEND + f"\n- {{Effect: Allow, Action: sqs:ReceiveMessage, Resource: {QUEUE}}}", "widened", 1),
        (SEND + f"\n- {{Effect: Allow, Action: sqs:ReceiveMessage, Resource: {QUEUE}}}", "escalation", 0),
        (SEND.replace("Allow", "Deny"), "widened granted escalation", 0),
        (SEND + "\n" + HAND_OVER, "escalation", 1),
    ],
)
def test_a_gate_fails_on_its_kind_and_that_of_widened_on_granted_too(
    repository: Repository, after: str, gates: str, code: int
) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write({"Dev/a": template(policy(after))})
    assert repository.run("HEAD", *(f"--fail-on={gate}" for gate in gates.split()))[0] == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such"], "review.py: no such git revision: no-such\n"),
        (["--", "--output=x"], "review.py: no such git revision: --output=x\n"),
        (
            ["HEAD"],
            "review.py: out/Dev/sample-ecs-taskrole-a-cfn.yml:2: did not find expected node content (working tree)\n",
        ),
        (["HEAD", "HEAD~1"], "review.py: no templates under out/ in HEAD or HEAD~1\n"),
    ],
)
def test_what_cannot_be_reviewed_is_an_error(repository: Repository, arguments: list[str], message: str) -> None:
    repository.commit({})
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write({"Dev/a": "Resources: ["})
    if arguments[-1] == "HEAD~1":
        repository.commit({})
        repository.commit({})
    assert repository.run(*arguments) == (2, "", message)


def test_a_folder_without_git_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert review.main(["HEAD"]) == 2
    assert "not a git repository" in capsys.readouterr().err


def test_json_follows_its_schema(repository: Repository) -> None:
    import jsonschema

    repository.commit(
        {"Dev/a": template(policy(SEND)), "Dev/b": template(policy(SEND)), "Dev/c": template(policy(SEND))}
    )
    repository.write({"Dev/a": template(policy(FULL)), "Dev/b": template(policy(SEND + "\n" + SEND))})
    document = json.loads(repository.run("HEAD", "--format", "json")[1])
    jsonschema.validate(document, json.loads((PROGRAM.parent / "review.schema.json").read_text()))
    (section, removed) = document["sections"]
    (change,) = section["changes"]
    assert (section["service"], section["environments"], change["kind"]) == ("a", ["Dev"], "widened")
    assert {"action": "sqs:PurgeQueue", "access_level": "Write"} in change["actions"]
    assert change["after"] == ["*"]
    assert change["before"] == ["arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${import SQS-${EnvType}}"]
    assert [m["code"] for m in change["marks"]] == [
        "permissions",
        "delete",
        "wildcard-action",
        "wildcard-resource",
    ]
    assert removed["changes"][0]["text"].startswith("removed service")
    assert document["counts"] == {"Dev": {"widened": 1, "revoked": 1, "to look at": 1}}
    assert document["unchanged"] == ["out/Dev/sample-ecs-taskrole-b-cfn.yml"]


def test_markdown_has_a_table_for_each_service_and_folds_the_details(repository: Repository) -> None:
    repository.commit({"Production/a": template(policy(FULL))})
    repository.write({"Production/a": template(policy(SEND, comment="# send sample-queue (policies/sqs/send.yml.j2)"))})
    assert repository.run("HEAD", "--format", "markdown")[1] == MARKDOWN


def test_markdown_always_fits_in_a_comment(repository: Repository) -> None:
    wide = "- {Effect: Allow, Action: 'ec2:*', Resource: 'x'}"
    repository.commit({f"Dev/service-{i}": template(policy(SEND)) for i in range(20)})
    repository.write({f"Dev/service-{i}": template(policy(wide)) for i in range(20)})
    text = repository.run("HEAD", "--format", "markdown")[1]
    assert 0 < text.count("<details>") < text.count("**service-") == 20
    assert len(text) < 65_536
    repository.write({f"Dev/{'long' * 30}-{i}": template(policy(SEND, service=f"s{i}")) for i in range(400)})
    text = repository.run("HEAD", "--format", "markdown")[1]
    assert 63_000 < len(text) < 65_536
    assert re.search(r"\n\d+ more services are left out: too long for a comment. Run `make review`.\n$", text)


def test_only_files_that_changed_are_parsed_however_many_there_are(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{e}/service-{i}": template(policy(SEND)) for i in range(300) for e in ("Dev", *ENVIRONMENTS)}
    repository.commit(files)
    repository.write({**files, "Dev/service-1": template(policy(FULL))})
    parsed = []
    read = review.read_template
    monkeypatch.setattr(review, "read_template", lambda text, path: parsed.append(path) or read(text, path))
    assert "service-1 in Dev" in repository.run("HEAD")[1]
    assert parsed == ["out/Dev/sample-ecs-taskrole-service-1-cfn.yml"] * 2


def test_colour_is_for_terminals_only(repository: Repository) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write({"Dev/a": template(policy(FULL))})
    assert "\033" not in repository.run("HEAD")[1]
    program = f"import pty, sys; pty.spawn([sys.executable, {str(PROGRAM)!r}, 'HEAD'])"
    for value, colored in (("", True), ("1", False)):
        environment = {**os.environ, "NO_COLOR": value, "COLUMNS": "80"}
        out = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
        ).stdout.decode()
        assert ("\033[" in out) is colored
        assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in out.splitlines()) <= 80


def test_lines_are_short_without_a_terminal_too(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    limited = HAND_OVER.replace("}", ", Condition: {StringEquals: {iam:PassedToService: ecs-tasks.amazonaws.com}}}")
    repository.commit({"Dev/a": template(policy(limited))})
    repository.write({"Dev/a": template(policy(HAND_OVER, role="somebody-else-who-needs-it"))})
    lines = repository.run("HEAD")[1].splitlines()
    assert max(map(len, lines)) <= 110
    i = next(i for i, line in enumerate(lines) if line.endswith('StringEquals "ecs-tasks.amazonaws.com"'))
    assert lines[i + 1].lstrip() == "→ PassRole on every role"

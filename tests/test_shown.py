"""What people read cannot be steered: whatever a name, a message or an answer of AWS holds, each program shows as it is."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskroles.access.environments import here
from taskroles.access.report import _escaped
from taskroles.commands._arguments import ended
from taskroles.deploying import aws, changes, drift, events, exports, owners, preflight, status
from taskroles.faults import BadInput, printable, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from project import Project

    from taskroles.access.environments import Environment

# Terminals obey the first three; then other ends of a line; text turned around; what has no width, and what has no ink.
UNSEEN = [*"\x1b\r\b", *"\x85\u2028\u2029\x0b\x0c", *"\u202e\u2066\u200f", *"\u200b\u2060\ufeff\u00ad\u034f"]
UNSEEN += [*"\u3164\u115f\uffa0\u2800\ufe0f\U000e0041\U000e0101\u00a0"]
HOSTILE = f"a\x1b[2K\n{''.join(UNSEEN)}z"
TEMPLATE = "out/Production/sample-ecs-taskrole-backend-cfn.yml"
SQS = "sqs:GetQueueAttributes"


def spelled(value: Any) -> str:
    """Return a value as YAML, which knows no surrogate pairs."""
    text = json.dumps(value)
    for character in UNSEEN:
        if ord(character) > ord("\uffff"):
            text = text.replace(json.dumps(character)[1:-1], f"\\U{ord(character):08x}")
    return text


def steers(text: str) -> list[str]:
    """Return the characters of what was printed that are not seen as they are."""
    return [character for character in text if character != "\n" and not visible(character)]


@given(st.text(st.sampled_from([*UNSEEN, *"ab \n\t"]) | st.characters()))
def test_a_fault_is_one_line_that_is_seen_whole(text: str) -> None:
    (fault,) = BadInput([text]).faults
    assert steers(fault) == []
    assert "\n" not in fault
    assert fault == text or not visible(text)


@pytest.mark.parametrize("character", UNSEEN, ids=ascii)
def test_each_of_these_is_written_as_an_escape(character: str) -> None:
    assert printable(f"a{character}z") == f"a{character.encode('unicode_escape').decode()}z"


@pytest.mark.parametrize("text", ["キュー", "é", "→ ▓", "⚠", "(a|b) 'c'"])
def test_what_is_seen_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://evil.example", "https:&#8203;//evil.example"),
        ("www.evil.example", "www&#8203;.evil.example"),
        ("Www.evil.example", "Www&#8203;.evil.example"),
        ("@org/team a@b.c", "@&#8203;org/team a@&#8203;b.c"),
        ("#12 o/r#12 GH-12", "\\#&#8203;12 o/r\\#&#8203;12 GH&#8203;-12"),
        ("[a](b) ![a](b) <img> &#64;org", "\\[a\\](b) !\\[a\\](b) \\<img\\> \\&\\#&#8203;64;org"),
        ("arn:aws:sqs:eu-west-1:1:a", "arn:aws:sqs:eu-west-1:1:a"),
    ],
)
def test_markdown_makes_no_link_and_mentions_nobody(text: str, shown: str) -> None:
    assert _escaped(text) == shown


# --- what AWS answers ----------------


def answer(service: str, operation: str, _key: str, **_arguments: str) -> Iterator[Any]:
    """Answer as AWS would if everything had a hostile name."""
    del service
    target = {"Attribute": HOSTILE, "Name": HOSTILE}
    change = {"Action": HOSTILE, "LogicalResourceId": HOSTILE, "Details": [{"Target": target}]}
    event = {"EventId": "1", "StackId": "arn", "ClientRequestToken": "t", "LogicalResourceId": HOSTILE}
    event |= {"ResourceStatus": f"{HOSTILE}_FAILED", "ResourceStatusReason": HOSTILE}
    event |= {"Timestamp": datetime(2026, 11, 24, tzinfo=timezone.utc)}
    yield {
        "describe_change_set": {"ResourceChange": change},
        "describe_stack_events": event,
        "list_role_policies": HOSTILE,
    }[operation]


def stack(_name: str) -> dict[str, Any]:
    """Return a stack of which AWS says such things."""
    parameters = [{"ParameterKey": "VPCName", "ParameterValue": HOSTILE}]
    tags = [{"Key": "commit", "Value": HOSTILE}]
    found = {"StackId": "arn", "StackName": HOSTILE, "StackStatus": f"{HOSTILE}_FAILED"}
    return found | {"Parameters": parameters, "Tags": tags}


@pytest.fixture
def live(project: Project, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Return an environment whose AWS answers so."""
    monkeypatch.chdir(project.folder)
    account = aws.Account(HOSTILE, HOSTILE, "aws", HOSTILE)
    document = {"Statement": [{"Effect": "Allow", "Action": [HOSTILE, SQS], "Resource": HOSTILE}]}
    policy = {"PolicyName": HOSTILE, "PolicyDocument": document, "Roles": [HOSTILE]}
    resources = {"A": {"Type": "AWS::IAM::Policy", "Properties": policy}, HOSTILE: {"Type": HOSTILE, "Properties": {}}}
    theirs = spelled({"Resources": resources})
    held = {"PolicyDocument": {"Statement": {**document["Statement"][0], "Resource": "*"}}}
    asked: dict[str, Callable[..., Any]] = {
        "account_of": lambda _: account,
        "pages": answer,
        "find_stack": stack,
        "template_of": lambda _: theirs,
        "all_exports": dict,
        "ask": lambda *_, **__: held,
        "strays": lambda _: ["gone"],
        "uncommitted": lambda _: [f" M {HOSTILE}"],
        "imported": lambda *_: [HOSTILE],
    }
    for module in (changes, drift, events, exports, owners, preflight, status):
        for name, stub in asked.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, stub)
    return here()["Production"]


def said_by_the_aws_cli(folder: Path) -> Path:
    """Write down what the AWS CLI said of two services."""
    (folder / "backend").write_text("arn:aws:cloudformation:x:1:changeSet/a/b\n", encoding="utf-8")
    failed = f"{HOSTILE}\ndeploy.sh: aws cloudformation deploy ended with exit code 1\n"
    (folder / "frontend").write_text(failed, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "work",
    [
        lambda live, _: status.status(live, ["backend"]),
        lambda live, _: drift.drift(live, ["backend"]),
        lambda live, folder: changes.changes(said_by_the_aws_cli(folder), live, ["backend", "frontend"]),
        lambda live, folder: events.follow(said_by_the_aws_cli(folder), "t", live, ["backend", "frontend"]),
        lambda live, _: preflight.check(live, ["backend"], recreate=False),
        lambda live, _: preflight.check(live._replace(protected=False), ["backend"], recreate=False),
    ],
    ids=["status", "drift", "changes", "events", "preflight", "preflight with warnings"],
)
def test_what_aws_answers_steers_nothing(live: Environment, tmp_path: Path, capsys, work) -> None:
    ended(lambda: work(live, tmp_path))
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "a\\x1b[2K\\n" in text or "a\\x1b[2K a" in text or "\\u202e" in text
    assert steers(text) == []
    assert not any(line.startswith(("z", "\\x85")) for line in text.splitlines())  # no line of its making


# --- what lies in out/ ---------------


def test_a_template_steers_neither_the_lint_nor_an_explanation(project: Project) -> None:
    text = project.read(TEMPLATE)
    start = text.index("Action:\n") + len("Action:\n")
    indentation = text[start : text.index("-", start)]
    project.write(TEMPLATE, f"{text[:start]}{indentation}- {spelled(HOSTILE)}\n{text[start:]}")
    for command in (
        ["lint"],
        ["explain", "--service=backend", "--environment=Production", "--action=sqs:ReceiveMessage"],
    ):
        done = project.verb(*command)
        assert done.returncode in (0, 1, 2)
        assert steers(done.stdout + done.stderr) == []
        assert "Traceback" not in done.stderr
    assert "\\u202e" in project.verb("lint").stdout


def test_the_difference_that_check_shows_steers_nothing(project: Project) -> None:
    project.write(TEMPLATE, project.read(TEMPLATE) + f"# {HOSTILE}\r\n")
    done = project.run("render.py", "--check")
    assert done.returncode == 1
    assert steers(done.stdout + done.stderr) == []
    assert "\n-# a\\x1b[2K\n" in done.stdout


@pytest.mark.parametrize("path", [f"out/{HOSTILE}.yml", f"out/Production/{HOSTILE}.yml"])
def test_the_name_of_a_file_steers_nothing(project: Project, path: str) -> None:
    project.write(path, "x")
    for command in (["render.py"], ["-m", "taskroles", "lint"], ["-m", "taskroles", "stacks", "Production"]):
        done = project.run(*command)
        assert done.returncode in (1, 2)
        assert "\\u202e" in done.stderr
        assert steers(done.stdout + done.stderr) == []


@pytest.mark.parametrize("value", ["a\tb=c", HOSTILE])
def test_environment_yml_holds_no_text_that_is_not_seen_whole(project: Project, value: str) -> None:
    path = "out/Production/environment.yml"
    project.replace(path, '"mynavi-sample-cloudformation-vpc"', spelled(value))
    done = project.verb("stacks", "Production")
    assert (done.returncode, done.stdout) == (2, "")
    assert "parameters cannot be" in done.stderr
    assert steers(done.stderr) == []


# --- letters that look like others ---


def test_an_action_in_letters_of_another_script_is_called_one_that_does_not_exist(repository) -> None:
    from repository import SEND, policy, statement, template

    repository.commit({"Dev/backend": template(policy(SEND))})
    repository.write({"Dev/backend": template(policy(SEND + "\n" + statement(action="s3:G\u0435tObject")))})
    assert r'AWS has no such action: "s3:G\u0435tObject"' in repository.review()

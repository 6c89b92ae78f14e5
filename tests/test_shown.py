"""What people read cannot be steered: whatever a name, a message or an answer of AWS holds, each program shows as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import deployed
import pytest
from hostile import HOSTILE, SERVICE, UNSEEN, Hostile, spelled
from hypothesis import given
from hypothesis import strategies as st
from proxy import proxy

from taskroles.access.report import _escaped
from taskroles.faults import BadInput, printable, visible

if TYPE_CHECKING:
    from project import Project

TEMPLATE = "out/Production/sample-ecs-taskrole-backend-cfn.yml"


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


@pytest.mark.parametrize(
    ("command", "sober", "reached"),
    [
        (["python3", "-I", "taskroles", "status", "Staging", SERVICE], False, "DescribeStacks"),
        (["python3", "-I", "taskroles", "review", "--environment=Staging", "deployed"], False, "GetTemplate"),
        (["./deploy.sh", "--drift", "Staging", SERVICE], False, "GetTemplate"),
        (["./deploy.sh", "--drift", "Staging", SERVICE], True, "GetTemplate"),
        (["./deploy.sh", "--preview", "Staging", SERVICE], False, "ListExports"),
        (["./deploy.sh", "Staging", SERVICE], True, "DescribeStackEvents"),
    ],
    ids=["status", "review", "drift", "drift of a sober stack", "preview", "deploy"],
)
def test_what_aws_answers_steers_nothing(project: Project, command: list[str], sober: bool, reached: str) -> None:
    deployed.commit(project)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_MAX_ATTEMPTS": "1"}
    with proxy(deployed.no_aws(**keys, AWS_ENDPOINT_URL="http://127.0.0.1:9")) as between:
        between.play("*", Hostile(sober=sober))
        done = deployed.run(project, between.aws, *command)
    text = done.stdout + done.stderr
    assert reached in between.calls, text
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in text
    assert "\\u202e" in text
    assert steers(text.replace("\t", " ")) == []  # deploy.sh reads columns
    assert not any(line.startswith(("z", "\\x85")) for line in text.split("\n"))  # no line of its making


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

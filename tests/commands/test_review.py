"""The command line of the review: its sides, its gates, its errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from project import HERE
from repository import DENY, FULL, HAND_OVER, QUEUE, SEND, Repository, policy, statement, template

from taskroles.__main__ import run
from taskroles.deploying import stacks
from taskroles.deploying.aws import Unanswered

ENVIRONMENTS = ("Production", "Staging")
PROGRAM = [sys.executable, "-I", "taskroles", "review", "HEAD"]
RECEIVE = f"- {{Effect: Allow, Action: sqs:ReceiveMessage, Resource: {QUEUE}}}"


@pytest.fixture
def changed(repository: Repository) -> Repository:
    """Return a repository that holds the program and a change."""
    (repository.folder / "taskroles").symlink_to(HERE / "taskroles")
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write({"Dev/a": template(policy(FULL))})
    return repository


def test_nothing_changed_is_said_too(repository: Repository) -> None:
    repository.commit({"Production/backend": template(policy(SEND))})
    assert repository.review() == "HEAD → working tree\nno change in permissions\n"
    assert "no change in permissions" in repository.review("HEAD", "HEAD", "--format", "markdown")


def test_one_environment_or_service_can_be_chosen(repository: Repository) -> None:
    places = [f"{e}/{s}" for e in ENVIRONMENTS for s in ("api", "worker")]
    repository.commit(dict.fromkeys(places, template(policy(FULL))))
    repository.write(dict.fromkeys(places, template(policy(SEND))))
    out = repository.review("HEAD", "--environment", "Staging", "--service", "worker")
    assert re.findall(r"^\w+ in .*", out, re.MULTILINE) == ["worker in Staging"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--environment=Stagin"],
            "no environment is called 'Stagin'; out/ has: Dev, Staging. Did you mean 'Staging'?",
        ),
        (["--service=worke"], "no service is called 'worke'; out/ has: api, worker. Did you mean 'worker'?"),
    ],
)
def test_a_name_that_neither_side_has_is_an_error(repository: Repository, arguments: list[str], message: str) -> None:
    repository.commit({"Dev/api": template(policy(FULL))})
    repository.write({"Staging/worker": template(policy(FULL))})
    assert repository.run("HEAD", *arguments) == (2, "", f"{message}\n")
    assert repository.run("HEAD", "--environment=Dev", "--service=api")[0] == 0


@pytest.mark.parametrize(
    "broken",
    [
        statement("!Sub []"),
        statement("!Sub [1, 2]"),
        statement("{Ref: 5}"),
        statement("!Sub ['${A}', {A: !Sub [x]}]"),
        statement(condition="{Bool: {a: !Sub []}}", action="sqs:PurgeQueue"),
        "[" * 2000 + "]" * 2000,
    ],
)
def test_a_template_of_another_shape_cannot_be_told_and_counts_as_widened(repository: Repository, broken: str) -> None:
    repository.commit({"Dev/a": template(policy(SEND)), "Dev/b": template(policy(FULL))})
    repository.write({"Dev/a": template(policy(broken)), "Dev/b": template(policy(SEND))})
    code, out, err = repository.run("HEAD", "--fail-on=widened")
    assert (code, err) == (1, "")
    told = r"\+ widened   cannot read out/Dev/a.yml:\d+: .+ \(working tree\)\n|! cannot tell: what an? .+ means\n"
    assert len(re.findall(told, out)) == 1
    assert re.findall(r"^\w+ in", out, re.MULTILINE) == ["a in", "b in"]  # and the other is judged as ever


@pytest.mark.parametrize("condition", ["{Bool: {a: !Sub []}}", "{Bool: {a: [[x]]}}"])
def test_a_condition_that_is_not_understood_narrows_and_is_widened_where_it_goes(
    repository: Repository, condition: str
) -> None:
    sides = template(policy(statement())), template(policy(statement(condition=condition)))
    for (before, after), code in ((sides, 0), (sides[::-1], 1)):
        repository.commit({"Dev/a": before})
        repository.write({"Dev/a": after})
        assert repository.run("HEAD", "--fail-on=widened")[0] == code


@pytest.mark.usefixtures("changed")
def test_a_full_disk_is_an_error_and_a_terminal_of_ascii_is_none() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(PROGRAM, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (2, b"review: cannot print: No space left on device\n")
    with_its_environment = [part for part in PROGRAM if part != "-I"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(with_its_environment, capture_output=True, check=True, env=ascii_only)
    assert done.stdout.startswith(b"HEAD \\u2192 working tree\n")


def test_what_is_uncommitted_untracked_or_ignored_is_part_of_the_working_tree(repository: Repository) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    (repository.folder / ".gitignore").write_text("out/Dev/c.yml\n")
    repository.write(
        {"Dev/a": template(policy(FULL)), "Dev/b": template(policy(SEND)), "Dev/c": template(policy(SEND))}
    )
    assert re.findall(r"^(\w+) in", repository.review(), re.MULTILINE) == ["a", "b", "c"]
    assert "no change" in repository.review("HEAD", "HEAD")


def failing(*_: object) -> dict[str, bytes]:
    raise Unanswered("Unable to locate credentials")


def test_one_side_may_be_what_is_deployed(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def deployed(environment, services: list[str]) -> dict[str, bytes]:
        asked.append((environment.stack("x"), services))
        return {environment.template(service): template(policy(FULL)).encode() for service in services}

    monkeypatch.setattr(stacks, "deployed_templates", deployed)
    repository.commit({f"{e}/{s}": template(policy(SEND)) for e in ENVIRONMENTS for s in ("a", "b")})
    assert "b in Production, Staging" in repository.review("deployed", "--service", "b")
    assert asked == [("x-taskrole-production", ["b"]), ("x-taskrole-staging", ["b"])]
    assert "a in Staging" in repository.review("deployed", "HEAD", "--environment", "Staging", "--service", "a")
    assert "granted" in repository.review("HEAD", "deployed", "--environment", "Staging")
    assert "environment.yml in" not in repository.review("HEAD", "deployed")
    monkeypatch.setattr(stacks, "deployed_templates", failing)
    assert repository.run("deployed")[::2] == (
        2,
        "what is deployed in Production is not to be had: Unable to locate credentials\n",
    )
    assert repository.run("deployed", "deployed") == (2, "", "only one side can be what is deployed\n")


def test_what_is_deployed_where_no_environment_yml_names_the_stacks_is_not_guessed(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "deployed_templates", failing)
    repository.commit({"Dev/a": template(policy(SEND))}, described=False)
    message = "no out/Dev/environment.yml says what its stacks are called (working tree)\n"
    assert repository.run("deployed") == (2, "", message)


@pytest.mark.parametrize(
    ("after", "gates", "code"),
    [
        (FULL, "widened", 1),
        (FULL, "escalation", 1),
        (FULL, "granted", 1),
        (SEND, "widened granted escalation", 0),
        (f"{SEND}\n{RECEIVE}", "granted", 1),
        (f"{SEND}\n{RECEIVE}", "widened", 1),
        (f"{SEND}\n{RECEIVE}", "escalation", 0),
        (DENY, "widened granted escalation", 0),
        (f"{SEND}\n{HAND_OVER}", "escalation", 1),
    ],
)
def test_a_gate_asks_what_can_be_requested_whatever_the_line_calls_it(
    repository: Repository, after: str, gates: str, code: int
) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.write({"Dev/a": template(policy(after))})
    assert repository.run("HEAD", *(f"--fail-on={gate}" for gate in gates.split()))[0] == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such"], "no such git revision: no-such\n"),
        (["--", "--output=x"], "no such git revision: --output=x\n"),
        (["HEAD", "HEAD~1"], "no templates under out/ in HEAD or HEAD~1\n"),
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


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"# one\n# two\n\xff", "out/Dev/a.yml:3: not UTF-8"),
        (b"Resources: [", "out/Dev/a.yml:2: did not find expected node content"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_with_its_place_and_side(
    repository: Repository, data: bytes, fault: str
) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    (repository.folder / "out/Dev/a.yml").write_bytes(data)
    code, out, err = repository.run("HEAD", "--fail-on=widened")
    assert (code, err) == (1, "")
    assert [line.strip() for line in out.splitlines() if line[:3] == "  +"] == [
        f"+ widened   cannot read {fault} (working tree)"
    ]
    repository.git("commit", "-q", "-a", "-m", "x")
    repository.write({"Dev/a": template(policy(SEND))})
    assert f"cannot read {fault} (HEAD)" in repository.run("HEAD")[1]


def test_a_submodule_in_out_is_a_line(repository: Repository) -> None:
    repository.commit({"Dev/a": template(policy(SEND))})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},out/Dev/b.yml")
    repository.git("commit", "-q", "-m", "x")
    repository.write({"Dev/a": template(policy(SEND))})
    code, out, err = repository.run("HEAD~1", "HEAD", "--fail-on=widened")
    assert (code, err) == (1, "")
    assert "other files in out\n  + widened   cannot tell: out/Dev/b.yml came: it is a submodule (HEAD)\n" in out


def test_a_folder_without_git_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("review", ["HEAD"]) == 2
    assert "not a git repository" in capsys.readouterr().err


def test_it_reviews_a_folder_of_a_larger_repository(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write({"Dev/a": template(policy(SEND))})
    (repository.folder / "iam").mkdir()
    (repository.folder / "out").rename(repository.folder / "iam/out")
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "x")
    monkeypatch.chdir(repository.folder / "iam")
    (repository.folder / "iam/out/Dev/a.yml").write_text(template(policy(FULL)))
    assert "a in Dev" in repository.review()
    assert "a in Dev" in repository.review("HEAD", "--service=a")


def test_colour_is_for_terminals_only(changed: Repository) -> None:
    assert "\033" not in changed.review()
    program = f"import pty, sys; pty.spawn({PROGRAM!r})"
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

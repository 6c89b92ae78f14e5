"""The Makefile: what users give is data and never code, yes and no, and what GNU make 3.81 (macOS) knows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from project import HERE

if TYPE_CHECKING:
    from pathlib import Path

MAKEFILE = (HERE / "Makefile").read_text()
# Writes down its name and its arguments, each with a NUL behind it.
STUB = 'printf "%s\\0" "${0##*/}" "$@" >>ran-as\n'
HARMFUL = [
    "$(shell touch ran)",
    "$$(touch ran)",
    "$(touch ran)",
    "`touch ran`",
    '";touch ran;"',
    "';touch ran;'",
    ";touch ran",
    "|touch ran",
    "a\ntouch ran\n",
    "$(eval x := $(shell touch ran))",
    "$(shell touch ran)`touch ran`$$HOME \"; touch ran; ' #\\",
    "--eval=$(shell touch ran)",
    "-f /dev/null",
]
# What the recipes read, what the Makefile calls its own, what make calls its own, and names that mean something in a
# Makefile. MAKEFLAGS and MAKEFILES are left out: whoever sets these gives make a program before it reads any file.
READ = ["ACTION", "BASE", "ENV", "ERROR", "FAIL_ON", "FORMAT", "HEAD", "JOBS", "PARAMETERS", "RESOURCE", "ROUNDS"]
READ += ["ROLES", "SERVICE", "VPC_NAME", "RECREATE", "YES"]
OWN = ["BIN", "LOCK", "RUN", "SET_UP", "given", "given.name", "option"]
MAKES = [".DEFAULT_GOAL", ".LIBPATTERNS", ".SHELLFLAGS", ".VARIABLES", "CURDIR", "GPATH", "MAKE", "MAKECMDGOALS"]
MAKES += ["MAKEFILE_LIST", "MAKEOVERRIDES", "MAKE_COMMAND", "SHELL", "SUFFIXES", "VPATH", "BASH_ENV", "1", "name"]
MAKES += ["define", "export", "include", "override"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, in which all that it runs is a stub."""
    shutil.copy(HERE / "Makefile", tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/set-up.sh").write_text("")
    for path in ("deploy.sh", *(f".venv/bin/{name}" for name in ("python", "uv", "pytest"))):
        interpreter = "/usr/bin/env bash" if path == "deploy.sh" else "/bin/sh"
        (tmp_path / path).write_text(f"#!{interpreter}\n{STUB}")
        (tmp_path / path).chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=inherited | environment, capture_output=True, text=True, check=False
    )


def ran_as(folder: Path) -> list[str]:
    """Return the words that the stubs were run with since the last time, one behind the other."""
    log = folder / "ran-as"
    words = log.read_text().split("\0")[:-1] if log.exists() else []
    log.unlink(missing_ok=True)
    return words


def expected(verb: str, value: str) -> list[str]:
    """Return what a verb runs where every variable that it reads holds a value."""
    isolated = ["python", "-I"]
    named = [f"--{name}={value}" for name in ("service", "environment", "action", "resource", "error")]
    return {
        "render": [*isolated, "render.py"],
        "check": [*isolated, "render.py", "--check"],
        "review": [*isolated, "taskroles", "review", f"--format={value}", f"--fail-on={value}", "--", value, value],
        "explain": [*isolated, "taskroles", "explain", *named],
        "preview": ["deploy.sh", "--preview", "--", value, *value.split()],
        "deploy": [*isolated, "render.py", "--check", "deploy.sh", "--yes", "--recreate", "--", value, *value.split()],
        "drift": ["deploy.sh", "--drift", "--", value, *value.split()],
        "destroy": ["deploy.sh", "--yes", "--destroy", "--", value, *value.split()],
        "deployer": [
            *[*isolated, "taskroles", "deployer", f"--format={value}"],
            *[*(f"--role={word}" for word in value.split()), "--", value, *value.split()],
        ],
        "demo": ["python", "demo/demo.py"],
        "bench": ["python", "bench/bench.py", value],
    }[verb]


VERBS = ["render", "check", "review", "explain", "preview", "deploy", "drift", "destroy", "deployer", "demo", "bench"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("value", HARMFUL)
def test_a_value_arrives_as_it_is(folder: Path, verb: str, value: str) -> None:
    given = dict.fromkeys(READ, value) | {"YES": "1", "RECREATE": "1"}
    for arguments, environment in (([f"{name}={text}" for name, text in given.items()], {}), ([], given)):
        done = make(folder, verb, *arguments, **environment)
        assert (done.returncode, ran_as(folder)) == (0, expected(verb, value)), done.stderr
        assert not (folder / "ran").exists()


def test_an_environment_is_asked_of_a_review_of_what_is_deployed_alone(folder: Path) -> None:
    review = ["python", "-I", "taskroles", "review"]
    for sides, asked in (
        (["BASE=deployed"], [*review, "--environment=live", "--", "deployed"]),
        (["BASE=a", "HEAD=deployed"], [*review, "--environment=live", "--", "a", "deployed"]),
        (["BASE=a"], [*review, "--", "a"]),
    ):
        make(folder, "review", *sides, ENV="live")
        assert ran_as(folder) == asked
    make(folder, "review", "BASE=deployed", ENV="")
    assert ran_as(folder) == [*review, "--", "deployed"]


@pytest.mark.parametrize("name", READ + OWN + MAKES)
def test_no_variable_is_expanded_or_run(folder: Path, name: str) -> None:
    for value in HARMFUL:
        make(folder, "deploy", f"{name}={value}")
        if name != "1":  # no program can be given that in its environment, and dash would take it
            make(folder, "deploy", **{name: value})
        assert not (folder / "ran").exists(), value
    if name not in ("YES", "RECREATE"):
        words = ran_as(folder)
        assert "deploy.sh" in words, words
        assert words[:4] == ["python", "-I", "render.py", "--check"]


@pytest.mark.parametrize("how", ["command line", "environment"])
@pytest.mark.parametrize("value", HARMFUL)
def test_python_is_no_command_line(folder: Path, value: str, how: str) -> None:
    shutil.copy(HERE / "requirements/set-up.sh", folder / "requirements")
    given = [f"PYTHON={value}"] if how == "command line" else []
    done = make(folder, "render", *given, **({} if given else {"PYTHON": value}))
    assert done.returncode == 2
    assert f"{value} is missing: " in done.stderr
    assert not (folder / "ran").exists()


SAID = [*((text, True) for text in ("1", "y", "Y", "yes", "YES", "true", "True", "on"))]
SAID += [(text, False) for text in ("", "0", "n", "N", "no", "No", "NO", "false", "FALSE", "off", "Off")]


@pytest.mark.parametrize("how", ["command line", "environment"])
@pytest.mark.parametrize(("said", "meant"), SAID)
def test_yes_and_no(folder: Path, said: str, meant: bool, how: str) -> None:
    for verb, name, option in (
        ("deploy", "YES", "--yes"),
        ("deploy", "RECREATE", "--recreate"),
        ("destroy", "YES", ""),
    ):
        given = [f"{name}={said}"] if how == "command line" else []
        done = make(folder, verb, "ENV=x", *given, **({} if given else {name: said}))
        assert done.returncode == 0
        words = ran_as(folder)
        assert words[-1] == "x"
        assert ((option or "--yes") in words) == meant


@pytest.mark.parametrize("name", ["YES", "RECREATE"])
@pytest.mark.parametrize("said", ["2", "ja", "yes please", "-", "$(touch ran)", "nope"])
def test_what_is_neither_yes_nor_no_is_an_error(folder: Path, name: str, said: str) -> None:
    done = make(folder, "deploy", "ENV=x", f"{name}={said}")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, f"{name}={said} is neither yes (1) nor no (0)")
    assert "deploy.sh" not in ran_as(folder)


@pytest.mark.parametrize(
    ("stale", "protection", "deploys"),
    [(0, "", True), (1, "unprotected", True), (1, "protected", False), (1, "", False), (2, "unprotected", False)],
)
def test_only_an_unprotected_environment_takes_a_stale_out(folder, stale: int, protection: str, deploys: bool) -> None:
    says = f"exec echo {protection}" if protection else "exit 2"
    python = f'#!/bin/sh\ncase "$*" in *--check) exit {stale} ;; *"taskroles stacks -- -x") {says} ;; esac\nexit 9\n'
    (folder / ".venv/bin/python").write_text(python)
    done = make(folder, "deploy", "ENV=-x")
    assert ran_as(folder) == (["deploy.sh", "--", "-x"] if deploys else [])
    assert (done.returncode == 0) == deploys
    assert (done.stderr.startswith("a protected environment takes no stale out/\n")) == (protection == "protected")


def test_help_lists_every_verb(folder: Path) -> None:
    listed = [line.split()[1] for line in make(folder).stdout.splitlines()]
    phony = re.search(r"^\.PHONY: (help .*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert listed == phony[1].split()


def test_whatever_the_makefile_expands_is_its_own() -> None:
    """No `$(NAME)` of a variable that somebody else could set: such a one is read by the shell, as "$$NAME"."""
    text = re.sub(r"#.*|\$\$", "", MAKEFILE)
    functions = ("call", "eval", "filter", "foreach", "if", "origin", "value")
    expanded = set(re.findall(r"\$[({]([\w.]+)", text)) - set(functions)
    defined = set(re.findall(r"^override (?:define )?([\w.]+)", MAKEFILE, re.MULTILINE))
    assert expanded - defined == {".VARIABLES", "given.name"}
    assert set(re.findall(r"\$(\w)", text)) <= {"1", "2"}


@pytest.mark.parametrize(
    "newer",
    [
        r"!=",
        r"::=",
        r"^\.ONESHELL",
        r"^\.RECIPEPREFIX",
        r"^undefine\b",
        r"^-?load\b",
        r"^private\b",
        r"\$\((file|guile|intcmp|let)\b",
        r"^(export override|override export)\b",  # 3.81 takes it for a variable of that name
        r"&:",
    ],
)
def test_the_makefile_has_nothing_that_is_newer_than_3_81(newer: str) -> None:
    assert not re.search(newer, MAKEFILE, re.MULTILINE)

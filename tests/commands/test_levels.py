"""The catalogue: as columns, in full, as docs/levels.md; and what is wrong with partials that nobody uses."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from project import HERE

from taskroles.commands import levels

if TYPE_CHECKING:
    from pathlib import Path

PURGE = """\
{# Grants emptying one queue; neither reading it nor more. What is gone is gone.
   For: applications that start anew.
   Not granted: sqs:DeleteQueue
   Needs: a pause of a minute.
   Modelled on: grantPurge of AWS CDK. #}
{% set options = {"after": "waits so long"} %}
{% set required = {"why": "says what it is for, as in tests"} %}
{% from "policies/sqs/service.j2" import queue %}
{% include "policies/sqs/count.yml.j2" %}
- Effect: Allow
  Action:
    - "sqs:PurgeQueue"
    {# - "sqs:Commented" #}
  Resource:
    - {{ queue(target) }}
"""
COUNT = """\
{# Grants counting all.
   For: monitors.
   Modelled on: nothing. #}
- Effect: Allow
  Action:
    - "sqs:ListQueues"
  Resource: "*"
"""


@pytest.fixture(name="small")
def small_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two levels of SQS, the current one."""
    (tmp_path / "policies/sqs").mkdir(parents=True)
    shutil.copy(HERE / "policies/arn.j2", tmp_path / "policies/arn.j2")
    shutil.copy(HERE / "policies/sqs/service.j2", tmp_path / "policies/sqs/service.j2")
    (tmp_path / "policies/sqs/purge.yml.j2").write_text(PURGE)
    (tmp_path / "policies/sqs/count.yml.j2").write_text(COUNT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("small")
def test_the_catalogue_is_a_table_with_what_each_level_grants(capsys) -> None:
    assert levels.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ") for line in (re.sub("  +", "  ", each) for each in lines)] == [
        ["AWS service", "level", "what for", "actions", "on", "options"],
        ["sqs", "count", "monitors", "ListQueues", "*"],
        ["sqs", "purge", "start anew", "2", "queue, *", "why (needed), after"],
        ["2 levels of 1 AWS services; make levels SERVICE=... says all of one"],
    ]


@pytest.mark.usefixtures("small")
def test_the_levels_of_one_aws_service_are_printed_in_full(capsys) -> None:
    assert levels.main(["sqs"]) == 0
    assert (
        capsys.readouterr().out.partition("\n\n")[2]
        == """\
sqs: {purge: {target: <target>, why: ...}}
  Grants:      emptying one queue; neither reading it nor more. What is gone is gone.
  For:         applications that start anew.
  Actions:     sqs:ListQueues, sqs:PurgeQueue
  On:          queue, *
  Option:      why (needed): says what it is for, as in tests
  Option:      after: waits so long
  Not granted: sqs:DeleteQueue
  Needs:       a pause of a minute.
  Modelled on: grantPurge of AWS CDK.
"""
    )


def test_on_a_terminal_each_level_is_a_line_of_it(small, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "90")
    (small / "policies/sqs/count.yml.j2").write_text(COUNT.replace("monitors", "monitors " * 20 + "all"))
    levels.main([])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 90 for line in lines)
    assert "monitors…" in lines[1]


def test_the_page_is_written_where_the_project_has_it_and_is_checked(small, capsys) -> None:
    assert levels.main(["--check"]) == 0
    levels.main(["--write"])
    page = small / "docs/levels.md"
    assert not page.exists()
    page.parent.mkdir()
    page.touch()
    capsys.readouterr()
    assert levels.main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/levels.md is stale: run `make levels` and commit it\n"
    levels.main(["--write", "sqs"])
    assert levels.main(["--check"]) == 0
    text = page.read_text()
    assert "2 levels of 1 AWS services: [sqs](#sqs)" in text
    assert (
        "### sqs purge\n\nGrants emptying one queue; neither reading it nor more. What is gone is gone.\n\n- For: appl"
        in text
    )
    assert (
        "- In a policy: `{purge: {target: <target>, why: ...}}`\n- Actions: `sqs:ListQueues`, `sqs:PurgeQueue`\n"
        in text
    )
    (small / "policies/sqs/count.yml.j2").write_text(COUNT.replace("monitors", "operators"))
    assert levels.main(["--check"]) == 1


def test_every_fault_of_the_partials_is_said_at_its_line_whether_somebody_uses_them_or_not(project) -> None:
    project.write("policies/sqs/purge.yml.j2", PURGE.replace("   For:", "   Fro:").replace("read.yml", "raed.yml"))
    project.write("policies/sqs/count.yml.j2", COUNT.replace("   Modelled", "   Contains: al\n   Modelled"))
    project.write("policies/sqs/Bad.yml.j2", COUNT)
    project.write("policies/sqs/odd.yml.j2", COUNT + "{% garbage\n")
    project.write("policies/sqs/no.yml.j2", COUNT + "{% set options = [1] %}\n")
    done = project.verb("levels", "--check")
    assert done.returncode == 2
    order = "For, Contains, Not granted, Needs, Modelled on"
    assert sorted(done.stderr.splitlines()) == [
        "policies/sqs/Bad.yml.j2: is no level: <level>.yml.j2, in small letters, digits and hyphens, not none or default",
        "policies/sqs/count.yml.j2:1: Contains names no level of sqs: al",
        'policies/sqs/no.yml.j2:8: `options` holds names and what they do, as in {"prefix": "begins the keys"}',
        "policies/sqs/odd.yml.j2:8: Encountered unknown tag 'garbage'.",
        "policies/sqs/purge.yml.j2:1: the header lacks `For:`",
        f"policies/sqs/purge.yml.j2:2: a header has no paragraph 'Fro'; it has {order}. Did you mean 'For'?",
    ]
    assert project.verb("levels", "--check").stdout == ""


def test_an_aws_service_that_has_no_levels_is_refused(project) -> None:
    done = project.verb("levels", "dynamo")
    assert done.returncode == 2
    assert done.stderr.startswith("no folder policies/dynamo/; AWS services: ")
    assert done.stderr.endswith(". Did you mean 'dynamodb'?\n")


def test_a_render_reads_only_the_partials_that_a_table_uses(project) -> None:
    project.render()
    project.write("policies/sqs/odd.yml.j2", "{% garbage\n{% set options = [1] %}\n")
    project.render()

"""The verb lint: what it prints, how it ends, and what cannot be linted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from linted import BAD, GOOD, Linted
from project import CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Callable

CFN_LINT = str(Path(sys.executable).with_name("cfn-lint"))
SEVERAL = (os.cpu_count() or 1) > 1


def test_findings_are_what_a_bare_cfn_lint_prints(linted: Linted) -> None:
    linted.write("live", BAD, "a", "b")
    linted.write("qa", GOOD, "a", "b")
    for service in ("a", "b"):
        text = linted.path("live", service).read_text(encoding="utf-8").replace('Version: "2012-10-17"', "Id: x")
        linted.path("live", service).write_text(text, encoding="utf-8")
        linted.path("qa", service).write_text("Resources: [", encoding="utf-8")
    bare = subprocess.run([CFN_LINT], cwd=linted.folder, capture_output=True, text=True, check=False)
    done = linted.run()
    assert bare.stdout.count("E9001") == bare.stdout.count("E0000") == 2
    assert (done.stdout, done.returncode) == (bare.stdout, 1)


def test_many_templates_are_linted_on_several_processes_in_order_with_one_line(linted: Linted) -> None:
    linted.write("live", GOOD, *(f"s{number:02}" for number in range(40)))
    linted.write("live", BAD, *(f"s{number:02}" for number in range(0, 40, 8)))
    linted.be_patient("0")
    done = linted.run()
    assert re.findall(r"^out/live/(s\d+)", done.stdout, re.MULTILINE) == ["s00", "s08", "s16", "s24", "s32"]
    assert re.fullmatch(r"cfn-lint: 1 of 42 templates, \d at a time\n", done.stderr)
    assert (", 1 at" in done.stderr) is not SEVERAL
    assert len(linted.cached()) == 37 + 1  # and that nothing is wrong with the exceptions


def test_it_lints_its_own_folder_from_wherever_it_is_called(linted: Linted, tmp_path: Path) -> None:
    linted.write("live", BAD)
    command = [sys.executable, "-I", linted.folder / "taskroles", "lint"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "out/live/orders.yml" in done.stdout


def test_the_program_and_the_configuration_name_the_same_folders() -> None:
    configuration = CONFIGURATION.read_text(encoding="utf-8")
    assert "templates: [out/*/*.yml]" in configuration
    assert "ignore_templates: [out/*/environment.yml]" in configuration
    assert "append_rules: [taskroles/rules]" in configuration


# --- what cannot be linted --------------------


def configured(text: str) -> Callable[[Linted], None]:
    """Return what replaces the configuration."""
    return lambda linted: (linted.folder / ".cfnlintrc.yaml").write_text(text, encoding="utf-8")  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda linted: shutil.rmtree(linted.folder / "out"), "no template in out/; `make render` writes them"),
        (
            lambda linted: (linted.folder / ".cfnlintrc.yaml").unlink(),
            ".cfnlintrc.yaml is missing: it says which templates are linted by which rules",
        ),
        (configured(""), ".cfnlintrc.yaml: append_rules lacks taskroles/rules: nothing of ours would be linted"),
        (configured("template: []"), ".cfnlintrc.yaml: Invalid configuration key 'template'"),
        (
            configured("append_rules: [taskroles/rules]\nregions: [nowhere]"),
            ".cfnlintrc.yaml: Regions ['nowhere'] are unsupported",
        ),
        (configured("a: ["), ".cfnlintrc.yaml: "),
        (
            configured("append_rules: [gone]"),
            ".cfnlintrc.yaml: Tried to append rules but got an error: No module named 'gone'",
        ),
        (
            configured("append_rules: [taskroles/rules]\nconfigure_rules: {E9001: {exceptions: [{a: b}]}}"),
            ".cfnlintrc.yaml: Invalid configuration in .cfnlintrc at configure_rules.E9001.exceptions",
        ),
    ],
)
def test_what_cannot_be_linted_is_said_without_a_traceback(linted: Linted, fault, message: str) -> None:
    fault(linted)
    done = linted.run()
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stdout) == (2, "")


def test_a_killed_process_is_said_without_a_traceback(linted: Linted) -> None:
    linted.write("live", GOOD, *(f"s{number:02}" for number in range(20)))
    linted.append(
        "taskroles/rules/dying.py",
        "import multiprocessing, os\n"
        "from cfnlint.rules import CloudFormationLintRule\n"
        "class Dying(CloudFormationLintRule):\n"
        "    id, shortdesc = 'E9099', 'dies'\n"
        "    def match(self, cfn):\n"
        "        return os._exit(9) if multiprocessing.parent_process() else []\n",
    )
    done = linted.run()
    if SEVERAL:
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert "one of its processes was killed" in done.stderr


def test_an_argument_is_refused(linted: Linted) -> None:
    done = linted.run("out/x.yml")
    assert done.returncode == 2
    assert done.stderr == "lint takes no arguments; what is linted stands in .cfnlintrc.yaml\n"


# --- exceptions --------------------


def excepting(linted: Linted, **rules: list[str]) -> None:
    """Add exceptions to the configuration."""
    lines = ["configure_rules:"]
    for rule, exceptions in rules.items():
        lines += [f"  {rule}:", "    exceptions:", *(f"      - {text!r}" for text in exceptions)]
    linted.append(".cfnlintrc.yaml", "\n".join([*lines, ""]))


def test_an_exception_with_a_reason_that_something_needs_is_clean(linted: Linted) -> None:
    linted.write("live", BAD)
    excepting(linted, E9001=["sqs:* because the broker needs it"])
    done = linted.run(linted=2)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    linted.run(linted=0)


@pytest.mark.parametrize(
    ("rule", "exception", "message"),
    [
        ("E9001", "sqs:*", 'E9001: the exception "sqs:*" has no reason: write "sqs:* because REASON"'),
        ("E9001", "s3:* because", 'E9001: the exception "s3:* because" has no reason: write "s3:* because REASON"'),
        ("E9001", "s3:* because it was so", "E9001: nothing needs the exception s3:*: remove it"),
        ("E9001", "sqs:* because it was so", "E9001: nothing needs the exception sqs:*: remove it"),  # dev takes it
        (
            "E9001",
            "gone/SQSAccessPolicy because x",
            "E9001: nothing needs the exception gone/SQSAccessPolicy: remove it",
        ),
        (
            "E9002",
            "orders/S3AccessPolicy because x",
            "E9002: nothing needs the exception orders/S3AccessPolicy: remove it",
        ),
        ("E9006", "iam:PassRole because it was so", "E9006: nothing needs the exception iam:PassRole: remove it"),
        ("E9008", "444455556666 because it was so", "E9008: nothing needs the exception 444455556666: remove it"),
    ],
)
def test_one_without_a_reason_or_that_nothing_needs_is_an_error_with_its_line(linted, rule, exception, message) -> None:
    linted.write("dev", BAD)
    linted.describe("dev", wildcards=True)
    excepting(linted, **{rule: ["sqs:SendMessage because it is tried out", exception]})
    line = len((linted.folder / ".cfnlintrc.yaml").read_text(encoding="utf-8").splitlines())
    for _ in range(2):
        done = linted.run()
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f".cfnlintrc.yaml:{line}: {message}\n")


def test_an_exception_of_a_policy_is_needed_while_the_policy_is_there(linted: Linted) -> None:
    excepting(linted, E9001=["orders/SQSAccessPolicy because the broker needs it"])
    assert linted.run().returncode == 0
    for environment in ("dev", "live"):
        linted.path(environment).unlink()
        linted.write(environment, GOOD, "billing")
    done = linted.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing needs the exception orders/SQSAccessPolicy" in done.stderr

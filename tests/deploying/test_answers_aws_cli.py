"""Which AWS CLI is used, of several on PATH."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from taskroles.deploying import aws_cli
from taskroles.deploying.aws import Refused

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "echo aws-cli/2.38.5 Python/3.14.8"
OLD = "echo aws-cli/1.16.9 Python/3.6.0 >&2"  # as the oldest did
BROKEN = "echo 'ModuleNotFoundError: awscli' >&2; exit 1"
OTHER = "echo an editor of waveforms"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the folders of a PATH of three, which hold nothing yet; each `aws` writes down that it ran."""
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))
    aws_cli.usable_aws_cli.cache_clear()
    return folders


def put(folder: Path, script: str, mode: int = 0o755, interpreter: str = "/bin/sh") -> Path:
    """Put an `aws` into a folder."""
    file = folder / "aws"
    file.write_text(f"#!{interpreter}\necho {folder.name} >>'{folder.parent}/ran'\n{script}\n")
    file.chmod(mode)
    return file


@pytest.mark.parametrize("bad", [OLD, BROKEN, OTHER, "exit 0"])
def test_a_good_one_is_found_behind_one_that_is_old_or_broken_and_none_after_it_is_run(path, tmp_path, bad) -> None:
    put(path[0], bad)
    good = put(path[1], GOOD)
    put(path[2], GOOD)

    assert aws_cli.usable_aws_cli() == aws_cli.usable_aws_cli() == str(good)
    assert aws_cli.aws_cli_problems() == []
    assert (tmp_path / "ran").read_text().split() == ["first", "second"]


def test_one_that_cannot_be_run_at_all_is_passed_over(path) -> None:
    put(path[0], GOOD, interpreter="/no/such/shell")
    put(path[1], GOOD, mode=0o644)

    (problem,) = aws_cli.aws_cli_problems()
    assert problem.splitlines()[1:] == [f"      {path[0]}/aws: cannot be run: No such file or directory"]

    good = put(path[2], GOOD)
    assert aws_cli.usable_aws_cli() == str(good)


def test_if_none_is_good_all_are_named_with_what_is_wrong(path, tmp_path) -> None:
    put(path[0], OLD)
    put(path[1], BROKEN)
    (path[2] / "aws").symlink_to(path[0] / "aws")  # the same again: run once

    (problem,) = aws_cli.aws_cli_problems()

    assert problem.splitlines() == [
        "no AWS CLI on PATH can be used; install version 2, or put a newer one before these:",
        f"      {path[0]}/aws: aws-cli/1.16.9 is too old: 1.29.0 or newer is needed",
        f"      {path[1]}/aws: `aws --version` ends with exit code 1 and says: ModuleNotFoundError: awscli",
    ]
    assert (tmp_path / "ran").read_text().split() == ["first", "second"]


def test_without_any_it_is_said_what_to_install(path) -> None:
    del path
    assert aws_cli.aws_cli_problems() == ["the AWS CLI (aws) is not on PATH: install it, version 2 or 1"]
    with pytest.raises(Refused, match="is not on PATH"):
        aws_cli.usable_aws_cli()


def test_one_that_waits_does_not_wait_for_ever(path, monkeypatch) -> None:
    monkeypatch.setattr(aws_cli, "PATIENCE", 0.2)
    put(path[0], "exec /bin/sleep 5")
    (problem,) = aws_cli.aws_cli_problems()
    assert "`aws --version` has not ended after 0.2 seconds" in problem


@pytest.mark.parametrize(
    ("version", "is_good"),
    [("1.28.99", False), ("1.29.0", True), ("2.9.19", False), ("2.12.99", False), ("2.13.0", True), ("3.0.0", True)],
)
def test_new_enough_is_what_knows_the_address_to_ask(path, version, is_good) -> None:
    put(path[0], f"echo aws-cli/{version} Python/3")
    assert (aws_cli.aws_cli_problems() == []) == is_good

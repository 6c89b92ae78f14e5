"""Which AWS CLI deploy.sh uses: the first on PATH that works and is new enough."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from taskroles.deploying.aws import Refused
from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_AWS_CLI = {1: (1, 29, 0), 2: (2, 13, 0)}  # the first that know AWS_ENDPOINT_URL
PATIENCE = 60  # seconds for `aws --version`, far more than it takes


@functools.cache
def usable_aws_cli() -> str:
    """Return the path of the first AWS CLI on PATH that works and is new enough; those after it are not run.

    Raises Refused with all that were found, and why each of them is not used.
    """
    wrong = []
    for path in on_path():
        why = what_is_wrong(path)
        if not why:
            return path
        wrong.append(f"\n      {path}: {why}")
    if not wrong:
        raise Refused("the AWS CLI (aws) is not on PATH: install it, version 2 or 1")
    raise Refused(
        "no AWS CLI on PATH can be used; install version 2, or put a newer one before these:" + "".join(wrong)
    )


def aws_cli_problems() -> list[str]:
    """Return what is wrong with all AWS CLIs on PATH, as one problem; none if one of them can be used."""
    try:
        usable_aws_cli()
    except Refused as error:
        return [str(error)]
    return []


def on_path() -> Iterator[str]:
    """Yield each program on PATH that is called aws, in the order of PATH and once."""
    seen = set()
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = shutil.which("aws", path=folder or os.curdir)
        if path and os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            yield os.path.abspath(path)


def what_is_wrong(path: str) -> str:
    """Return why an AWS CLI is not used; "" if it can be."""
    try:
        done = subprocess.run(
            [path, "--version"],
            env={**os.environ, "AWS_CLI_AUTO_PROMPT": "off"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"`aws --version` has not ended after {PATIENCE} seconds"
    said = " ".join((done.stdout + b" " + done.stderr).decode(errors="replace").split())
    match = re.search(r"aws-cli/(\d+)\.(\d+)\.(\d+)", said)
    if done.returncode or not match:
        return printable(f"`aws --version` ends with exit code {done.returncode} and says: {said[:200] or 'nothing'}")
    found = tuple(map(int, match.groups()))
    oldest = OLDEST_AWS_CLI.get(found[0], (0,))
    dotted = ".".join(map(str, oldest))
    return f"{match[0]} is too old: {dotted} or newer is needed" if found < oldest else ""

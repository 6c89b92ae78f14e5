"""Which AWS CLI there is."""

from __future__ import annotations

import re
import shutil
import subprocess

from taskroles.faults import printable

OLDEST_AWS_CLI = {1: (1, 29, 0), 2: (2, 13, 0)}  # the first that know AWS_ENDPOINT_URL


def aws_cli_problems() -> list[str]:
    """Return what is wrong with the AWS CLI on PATH."""
    if not shutil.which("aws"):
        return ["the AWS CLI (aws) is not on PATH: install it, version 2 or 1"]
    version = subprocess.run(["aws", "--version"], check=False, capture_output=True, text=True)
    match = re.search(r"aws-cli/(\d+)\.(\d+)\.(\d+)", version.stdout + version.stderr)
    if not match:
        return [printable(f"`aws --version` does not say its version but: {(version.stdout + version.stderr).strip()}")]
    found = tuple(map(int, match.groups()))
    oldest = OLDEST_AWS_CLI.get(found[0], (0,))
    dotted = ".".join(map(str, oldest))
    return [f"AWS CLI {match[0]} is too old: {dotted} or newer is needed"] if found < oldest else []

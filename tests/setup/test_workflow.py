"""The workflow's comment on a pull request: what its steps write, run as they stand there."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from project import HERE

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = HERE / ".github/workflows/test.yml"
pytestmark = pytest.mark.skipif(not WORKFLOW.is_file(), reason="the folder of a larger repository has no workflow")
COMMIT = "0123456789abcdef"
REVIEW = "<!-- taskroles review -->\n### Permissions: main → HEAD\n"


@pytest.mark.parametrize(
    ("make", "code", "comment"),
    [
        (f"printf '{REVIEW}'", "0", REVIEW),
        (f"printf '{REVIEW}'; exit 2", "2", REVIEW),  # a gate
        (
            "echo 'out/live/orders.yml:3: broken' >&2; exit 2",
            "2",
            "<!-- taskroles review -->\n### Permissions: the review failed\n\n"
            "What this grants and revokes is not known.\n\n    out/live/orders.yml:3: broken\n",
        ),
    ],
    ids=["reviewed", "refused by a gate", "failed"],
)
def test_the_comment_says_what_the_review_says_or_that_it_failed(
    tmp_path: Path, make: str, code: str, comment: str
) -> None:
    (tmp_path / "make").write_text(f'#!/bin/sh\n[ "$*" = "review BASE=HEAD^1 HEAD=HEAD" ] || exit 3\n{make}\n')
    (tmp_path / "make").chmod(0o755)
    steps = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["review"]["steps"]
    (step,) = (step for step in steps if step.get("id") == "review")
    outputs = {name: str(tmp_path / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    environment = os.environ | outputs | {"COMMIT": COMMIT, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
    said = (tmp_path / "review.md").read_text(encoding="utf-8")
    assert said == f"{comment}\nOf commit {COMMIT}, as merged.\n"
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8") == said
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == f"code={code}\n"
    assert steps[-1]["if"] == "steps.review.outputs.code != '0'"

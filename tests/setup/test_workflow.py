"""The workflows on a pull request: what their steps do, run as they stand there, in clones of real repositories."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from project import HERE
from repository import FULL, SEND, environment_yml, policy, template

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOWS = HERE / ".github/workflows"
pytestmark = pytest.mark.skipif(not WORKFLOWS.is_dir(), reason="the folder of a larger repository has no workflow")
REVIEW = "<!-- taskroles review -->\n### Permissions: main → HEAD\n"
FAILED = (
    "<!-- taskroles review -->\n### Permissions: the review failed\n\nWhat this grants and revokes is not known.\n\n"
)
# A program of the base, which reviews as the real one does.
MAKEFILE = f"""review:
\t@{sys.executable} -I taskroles review --format=markdown -- "$$BASE" "$$HEAD"
"""


def workflow(name: str) -> dict[str, Any]:
    """Return a workflow; the key `on` is a truth of YAML 1.1."""
    return yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))


class PullRequest:
    """A forge's repository with a base and a pull request, and a shallow clone of the base in which the review runs."""

    def __init__(self, folder: Path) -> None:
        self.origin, self.clone, self.stubs = folder / "origin", folder / "clone", folder / "stubs"
        for each in (self.origin, self.stubs):
            each.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.put("Makefile", MAKEFILE)
        (self.origin / "taskroles").symlink_to(HERE / "taskroles")
        self.put("out/live/environment.yml", environment_yml("live"))
        self.put("out/live/backend.yml", template(policy(SEND)))
        self.base = self.commit()
        self.clone_base()

    def clone_base(self) -> None:
        """Clone what actions/checkout does: the one commit of the base."""
        self.git("clone", "--quiet", "--depth=1", self.origin.as_uri(), str(self.clone))

    def git(self, *arguments: str) -> str:
        """Run git in the forge's repository."""
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
        return subprocess.run(command, cwd=self.origin, check=True, capture_output=True, text=True).stdout.strip()

    def put(self, path: str, text: str) -> None:
        """Write a file of the forge's repository."""
        (self.origin / path).parent.mkdir(parents=True, exist_ok=True)
        (self.origin / path).write_text(text, encoding="utf-8")

    def commit(self) -> str:
        """Commit all that lies there; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        return self.git("rev-parse", "HEAD")

    def propose(self, **files: str) -> str:
        """Open a pull request with these files, as the forge merges it; return its commit."""
        self.git("checkout", "--quiet", "-b", "pull")
        for path, text in files.items():
            self.put(path, text)
        head = self.commit()
        self.git("checkout", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message=merge", "pull")
        self.git("update-ref", "refs/pull/7/merge", "HEAD")
        self.git("reset", "--quiet", "--hard", self.base)
        return head

    def stub(self, name: str, script: str) -> None:
        """Put a program on PATH."""
        (self.stubs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.stubs / name).chmod(0o755)

    def step(self, job: str, folder: Path, **environment: str) -> int:
        """Run the one step of a job that is a script, as the forge does; return its exit code."""
        (script,) = (step["run"] for step in workflow("review")["jobs"][job]["steps"] if "run" in step)
        given = {name: str(self.stubs / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
        given |= {"PATH": f"{self.stubs}{os.pathsep}{os.environ['PATH']}", "GH_TOKEN": "secret", **environment}
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=os.environ | given, check=False
        ).returncode

    def review(self, commit: str) -> tuple[int, str]:
        """Run the step that reviews; return its exit code and the comment that it hands on."""
        (self.stubs / "GITHUB_OUTPUT").unlink(missing_ok=True)
        code = self.step("review", self.clone, MERGE="refs/pull/7/merge", COMMIT=commit, FORMAT="markdown")
        name, _, text = (self.stubs / "GITHUB_OUTPUT").read_text().strip().partition("=")
        assert name == "comment"
        return code, base64.b64decode(text, validate=True).decode()

    def summary(self) -> str:
        """Return the summary of the job."""
        return (self.stubs / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8")


@pytest.fixture
def pull(tmp_path: Path) -> PullRequest:
    return PullRequest(tmp_path)


@pytest.mark.parametrize(
    ("make", "code", "comment"),
    [
        (f"printf '{REVIEW}'", 0, REVIEW),
        (f"printf '{REVIEW}'; exit 2", 2, REVIEW),  # a gate
        ("echo 'out/live/orders.yml:3: broken' >&2; exit 2", 2, f"{FAILED}    out/live/orders.yml:3: broken\n"),
        # What is no block of code any more could say that all is well.
        (r"printf 'a\r# fine\033[2J\f\n' >&2; exit 2", 2, f"{FAILED}    a# fine[2J\n"),
    ],
    ids=["reviewed", "refused by a gate", "failed", "failed with a message that steers"],
)
def test_the_comment_says_what_the_review_says_or_that_it_failed(pull, make: str, code: int, comment: str) -> None:
    expected = "review BASE=refs/review/base HEAD=refs/review/merge"
    pull.stub("make", f'[ "$*" = "{expected}" ] || exit 3\n[ -z "$GH_TOKEN" ] || exit 4\n{make}')
    commit = pull.propose()
    said = f"{comment}\nOf commit {commit}, as merged; by the program of {pull.base}.\n"
    assert pull.review(commit) == (code, said)
    assert pull.summary() == said


def test_a_pull_request_does_not_review_itself(pull: PullRequest) -> None:
    commit = pull.propose(
        **{
            "out/live/backend.yml": template(policy(FULL)),
            "Makefile": "review:\n\t@touch ran; echo '<!-- taskroles review -->'; echo no change in permissions\n",
            "yaml.py": "raise SystemExit(open('ran', 'w'))",
            ".gitattributes": "out/** -diff\n",
        }
    )
    code, said = pull.review(commit)
    assert code == 0
    assert "| live | **widened** | sqs | GetQueueUrl and SendMessage on SQS" in said
    assert not (pull.clone / "ran").exists()
    assert not (pull.clone / "yaml.py").exists()  # no file of it was ever written
    assert f"Of commit {commit}, as merged; by the program of {pull.base}." in said
    assert pull.summary() == said


def test_what_the_forge_has_not_merged_is_not_reviewed(pull: PullRequest) -> None:
    commit = pull.propose(**{"out/live/backend.yml": template(policy(FULL))})
    code, said = pull.review("0" * 40)  # pushed since, and it is in conflict
    assert code == 1
    assert said.startswith(f"{FAILED}    GitHub has not merged {'0' * 40}: a conflict")
    pull.git("update-ref", "-d", "refs/pull/7/merge")
    code, said = pull.review(commit)
    assert code != 0
    assert said.startswith(f"{FAILED}    fatal: ")


def test_what_is_too_long_for_a_variable_stands_in_the_summary(pull: PullRequest) -> None:
    pull.stub("make", f"printf '{REVIEW}'; for i in $(seq 3000); do echo 'たくさんのことを言うレビュー'; done")
    code, said = pull.review(pull.propose())
    assert code == 0
    assert said.startswith("<!-- taskroles review -->\n### Permissions: more than a comment holds\n")
    assert len(pull.summary().encode()) > 90_000


GH = """for last; do :; done
case "$*" in
  *--jq*) cat existing 2>/dev/null || true ;;
  *) echo "$*" >asked; cat "${last#body=@}" >posted ;;
esac"""


@pytest.mark.parametrize("text", [REVIEW, "<!-- taskroles review -->\n$(touch ran) `touch ran` ${{ 1 }}\n", ""])
@pytest.mark.parametrize("existing", ["", "41\n42\n"])
def test_the_comment_is_posted_as_it_is_and_never_run(pull: PullRequest, tmp_path, text: str, existing: str) -> None:
    pull.stub("gh", GH)
    (tmp_path / "existing").write_text(existing)
    encoded = base64.b64encode(text.encode()).decode()
    asked = {"COMMENTS": "repos/o/r/issues/7/comments", "GITHUB_REPOSITORY": "o/r", "COMMIT": "abc", "TEXT": encoded}
    assert pull.step("comment", tmp_path, **asked) == 0
    assert (tmp_path / "posted").read_text(encoding="utf-8") == (text or f"{FAILED}Of commit abc.\n")
    where = "PATCH repos/o/r/issues/comments/41" if existing else "POST repos/o/r/issues/7/comments"
    assert (tmp_path / "asked").read_text() == f"api --method {where} --field body=@review.md\n"
    assert not (tmp_path / "ran").exists()


ONE = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}'


@pytest.mark.skipif(not shutil.which("jq"), reason="this machine has no jq, as the forge's have")
@pytest.mark.parametrize(
    ("found", "code", "expected"),
    [(ONE, 0, 0), ('{"dependencies": []}', 0, 1), ("", 0, 1), (ONE.replace("[]", '["CVE"]'), 1, 1), (ONE, 1, 1)],
    ids=["clean", "an empty list", "nothing written", "vulnerable", "a package that cannot be judged"],
)
def test_an_audit_of_nothing_fails(tmp_path: Path, found: str, code: int, expected: int) -> None:
    for path, script in (
        ("requirements/set-up.sh", '[ "$*" = "render audit" ]'),
        (".venv/bin/pip-audit", f"echo \"$*\" >>asked\nprintf '{found}' >audit.json\nexit {code}"),
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / path).chmod(0o755)
    (script,) = (step["run"] for step in workflow("audit")["jobs"]["audit"]["steps"] if "run" in step)
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode != 0) == expected
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == (2 if expected == 0 else 1)
    assert all(line.startswith("--strict --disable-pip --require-hashes --requirement requirements/") for line in asked)


def jobs() -> list[Any]:
    """Return each job of each workflow, by name."""
    files = sorted(WORKFLOWS.iterdir()) if WORKFLOWS.is_dir() else []
    found = ((path.stem, workflow(path.stem)) for path in files)
    return [pytest.param(each, job, id=f"{name}: {key}") for name, each in found for key, job in each["jobs"].items()]


@pytest.mark.parametrize(("whole", "job"), jobs())
def test_no_job_has_both_a_token_that_writes_and_a_file_of_the_repository(whole, job: dict[str, Any]) -> None:
    permissions = job.get("permissions", whole["permissions"])
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert "write" not in permissions.values() or not uses
    assert [
        action for action in uses if not action.startswith("actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683")
    ] == []
    for step in job["steps"]:
        assert "${{" not in step.get("run", "")  # what others have written would be a script
        assert step.get("with", {}) in ({}, {"persist-credentials": False}), "the default ref alone is the base's"
        assert "secrets." not in str(step)
    assert "pull_request_target" not in whole[True] or "pull_request" not in whole[True]

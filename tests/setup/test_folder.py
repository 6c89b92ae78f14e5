"""The project as a folder of a larger repository: iam/, with no .github/ and no .ci/ beside or in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import HERE, TABLES

TAKEN = ("Makefile", "pyproject.toml", "requirements", "render.py", "deploy.sh", "taskroles", "templates", "policies")
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, quick_python: str) -> Path:
    """Return a committed repository of an application, with the project in its folder iam/."""
    folder = tmp_path_factory.mktemp("a larger repository")
    (folder / "app").mkdir()
    (folder / "app/main.py").write_text("import os,sys\n")  # what ruff would not let pass
    (folder / "services.yml").write_text("version: '3'\n")  # of something else
    iam = folder / "iam"
    iam.mkdir()
    for name in (*TAKEN, ".cfnlintrc.yaml", ".gitignore"):
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, iam / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(HERE / name, iam)
    shutil.copy(TABLES / "two-services.yml", iam / "services.yml")
    done = run(folder, "make", "-C", "iam", f"PYTHON={quick_python}", "render", "developing")
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "setting up .venv"), done.stderr
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    given = inherited | {"PATH": path, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of stderr but for how far cfn-lint is, which is said on a busy machine alone."""
    return [line for line in done.stderr.splitlines() if not line.startswith("cfn-lint: ")]


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("render", "out/ is up to date"),
        ("check", "out/ is up to date"),
        ("lint", ""),
        ("review BASE=HEAD", "no change in permissions"),
        ("explain SERVICE=backend ENV=Dev ACTION=sqs:SendMessage", "for backend in Dev"),
    ],
)
def test_make_in_the_folder_works(repository: Path, verb: str, said: str) -> None:
    done = run(repository, "make", "--no-print-directory", "-C", "iam", *verb.split())
    assert (done.returncode, complaints(done)) == (0, []), done.stdout
    assert said in done.stdout


def test_make_lint_still_finds_what_is_wrong(repository: Path) -> None:
    (template,) = (repository / "iam/out/Dev").glob("*backend*")
    text = template.read_text()
    template.write_text(text.replace("2012-10-17", "2008-10-17"))
    done = run(repository, "make", "-C", "iam", "lint")
    template.write_text(text)
    assert done.returncode == 2
    assert "IAM Policy Version" in done.stdout


@pytest.mark.parametrize("current", [".", "app", "iam", "iam/policies/sqs"])
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["render.py", "--check"], "out/ is up to date"),
        (["taskroles", "review", "HEAD"], "no change in permissions"),
        (["taskroles", "stacks", "--", "Dev"], "unprotected"),
        (["taskroles", "lint"], ""),
    ],
)
def test_a_verb_finds_its_own_folder(repository: Path, current: str, command: list[str], said: str) -> None:
    program = os.path.relpath(repository / "iam" / command[0], repository / current)
    done = run(repository / current, sys.executable, program, *command[1:])
    assert (done.returncode, complaints(done)) == (0, [])
    assert said in done.stdout


def test_the_review_of_a_revision_reads_the_folder(repository: Path) -> None:
    (template,) = (repository / "iam/out/Dev").glob("*backend*")
    text = template.read_text()
    template.write_text(text.replace("sqs:", "sns:"))
    done = run(repository, "make", "-C", "iam", "review", "BASE=HEAD", "FAIL_ON=widened")
    template.write_text(text)
    assert done.returncode == 2
    assert "backend in Dev" in done.stdout


def test_deploy_sh_finds_its_own_folder(repository: Path) -> None:
    done = run(repository, "iam/deploy.sh", "--preview", "--", "no-such-environment")
    assert done.returncode == 2
    assert "out/ has: Dev" in done.stderr

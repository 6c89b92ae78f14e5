"""What the project is built on: exact versions with hashes, in three groups, and no network once it is set up."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import HERE, TABLES, Project

from taskroles.commands import gate

REQUIREMENT = re.compile(r"([a-z0-9-]+)==([^ ]+)( ; [^\\]+?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")
PROGRAM = ("Makefile", "pyproject.toml", "requirements", "render.py", "deploy.sh", "taskroles", "templates", "policies")


def requirements(group: str) -> set[tuple[str, str, str]]:
    """Return package, version and marker of each requirement; every line must be one of a requirement with its hashes."""
    lines = (HERE / f"requirements/{group}.txt").read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("#"))
    assert REQUIREMENT.sub("", text) == ""
    return {(match[1], match[2], match[3] or "") for match in REQUIREMENT.finditer(text)}


def test_every_requirement_has_one_version_and_its_hashes() -> None:
    render, deploy, develop = (requirements(group) for group in ("render", "deploy", "develop"))
    assert {"jinja2", "markupsafe", "pyyaml", "jsonschema-rs"} == {name for name, *_ in render}
    assert {"awscli", "botocore", "pyyaml"} < {name for name, *_ in deploy}
    assert render <= develop  # so that one group after another may go into the same .venv
    assert deploy <= develop
    assert "pip-audit" in {name for name, *_ in requirements("audit")}  # which is installed beside those of `render`
    shared = {name for name, *_ in requirements("audit")} & {name for name, *_ in render}
    assert {each for each in requirements("audit") if each[0] in shared} <= render


def owners(path: str, lines: list[str]) -> list[str]:
    """Return who must agree to a change of a file: the last line that fits says so."""
    found: list[str] = []
    for line in lines:
        pattern, *who = line.partition("#")[0].split()
        if pattern == "*" or path == pattern[1:] or (pattern.endswith("/") and path.startswith(pattern[1:])):
            found = who
    return found


def test_the_codeowners_of_the_readme_cover_all_that_decides() -> None:
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    lines = readme[readme.index("\n```text\n*  ") :].split("```")[1].splitlines()[1:]
    top = {path.name for path in HERE.iterdir() if path.is_file()}
    assert {"Makefile", "pyproject.toml", "render.py", "deploy.sh", ".cfnlintrc.yaml", "services.yml"} <= top
    decides = {f"{folder}/x" for folder in gate.DECIDES} | top | {"out/live/x.yml", "conftest.py", "yaml.py"}
    assert {path for path in decides if "@your-org/security" not in owners(path, lines)} == set()
    shared = {path for path in decides if owners(path, lines) != ["@your-org/security"]}
    assert shared == {"services.yml", "out/x"}  # what an application asks for, and what that renders to


def without_network(*command: str) -> list[str]:
    """Return a command that runs without a network."""
    isolated = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no network namespaces")
    return [*isolated, *command]


def copy_of_the_program(folder: Path) -> Path:
    """Put a copy of all that is needed into a folder that is to be made, and a small table; return the folder."""
    folder.mkdir()
    for name in PROGRAM:
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(HERE / name, folder)
    shutil.copy(TABLES / "two-services.yml", folder / "services.yml")
    return folder


@pytest.mark.parametrize("verb", ["render", "check"])
def test_what_is_set_up_renders_without_a_network(project: Project, quick_python: str, verb: str) -> None:
    shutil.copy(HERE / "Makefile", project.folder)
    shutil.copytree(HERE / "requirements", project.folder / "requirements")
    make = ["make", f"PYTHON={quick_python}", verb]
    subprocess.run(make, cwd=project.folder, capture_output=True, check=True)
    (project.folder / "broken").touch()  # pip fails from here on
    done = subprocess.run(without_network(*make), cwd=project.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "up to date" in done.stdout


@pytest.fixture(scope="module")
def deploying(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone in which make has set up, from the package index, what renders and what deploys."""
    folder = copy_of_the_program(tmp_path_factory.mktemp("a clone") / "project")
    for group in ("rendering", "deploying"):
        done = make(folder, group)
        if done.returncode:
            if "could not install" in done.stderr:
                pytest.skip("the package index cannot be reached")
            pytest.fail(done.stderr)
    assert make(folder, "render").stderr == ""
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--force", "services.yml", "policies", "templates", "out"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "Render"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make with no AWS, and no tools of this test, on its PATH and in its environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "MAKE"))}
    tools = str(Path(sys.executable).parent)
    path = os.pathsep.join(each for each in os.environ["PATH"].split(os.pathsep) if each != tools)
    given = inherited | {"PATH": path, "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-west-1"} | environment
    given |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return subprocess.run(["make", *arguments], cwd=folder, env=given, capture_output=True, text=True, check=False)


def test_what_deploys_is_installed_without_what_develops(deploying: Path) -> None:
    (packages,) = (deploying / ".venv/lib").glob("python*/site-packages")
    installed = {path.name.split("-")[0].lower() for path in packages.glob("*.dist-info")}
    assert {"awscli", "botocore", "jinja2", "pyyaml", "jsonschema_rs"} <= installed
    assert not {"ministack", "hypothesis", "cfn_lint", "policy_sentry", "pytest", "uv"} & installed
    assert (deploying / ".venv/bin/aws").exists()


def test_the_aws_cli_starts_in_a_folder_with_a_blank_in_its_name(deploying: Path) -> None:
    done = subprocess.run([deploying / ".venv/bin/aws", "--version"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("aws-cli/"), done.stderr


def test_what_deploys_previews_as_far_as_asking_aws(deploying: Path) -> None:
    environment = min(path.name for path in (deploying / "out").iterdir() if path.is_dir())
    done = make(deploying, "preview", f"ENV={environment}")
    assert done.returncode == 2
    assert "AWS cannot be asked: Unable to locate credentials" in done.stderr
    assert "on PATH" not in done.stderr  # the AWS CLI was found
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["review BASE=HEAD", "check", "help"])
def test_what_deploys_reviews(deploying: Path, verb: str) -> None:
    done = make(deploying, *verb.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_a_review_of_what_is_deployed_asks_aws(deploying: Path) -> None:
    done = make(deploying, "review", "BASE=deployed")
    assert done.returncode == 2
    assert "Unable to locate credentials" in done.stderr

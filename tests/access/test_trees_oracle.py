"""Whole out/ trees in real git repositories, reviewed by the program as it is started: nothing that grows is missed.

FUZZ=10000 tries a fiftieth of so many trees, of six templates each, from recorded seeds (see `trials`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from generated_templates import pairs
from growth import growth
from hypothesis import strategies as st
from project import HERE
from test_templates_oracle import can_be_read
from trials import tried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENVIRONMENT = """\
environment: "{0}"
protected: true
names:
  stack: "x-{{service}}-{1}"
  template: "x-{{service}}.yml"
  policy: "{{AwsService}}-{{service}}"
parameters:
  EnvType: "{0}"
task_roles: {{}}
"""
PLACES = [(environment, service) for environment in ("Dev", "Production") for service in ("a", "b", "c")]
GROWS = ("granted", "widened")


class Tree:
    """A git repository with an out/ of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q")
        (folder / "taskroles").symlink_to(HERE / "taskroles")
        self.put(".git/info/exclude", "/taskroles\n")
        for name in ("Dev", "Production"):
            self.put(f"out/{name}/environment.yml", ENVIRONMENT.format(name, name.lower()))

    def git(self, *arguments: str) -> None:
        """Run git in it."""
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=self.folder, check=True)

    def put(self, path: str, text: str) -> None:
        """Write a file of it."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def commit(self) -> None:
        """Commit all."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def review(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Review the working tree against HEAD, as a user would; return the exit code, and what is printed."""
        done = subprocess.run(
            [sys.executable, "-m", "taskroles", "review", "HEAD", "--format", "json", *arguments],
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


def text_of(template: dict[str, Any]) -> str:
    return json.dumps(template, ensure_ascii=False, indent=1)


def growing(report: dict[str, Any], environment: str | None = None, service: str | None = None) -> list[Any]:
    """Return the growing lines for a service in an environment, or all."""
    return [
        line
        for section in report["sections"]
        if service in (None, section["service"]) and (environment is None or environment in section["environments"])
        for line in section["changes"]
        if line["kind"] in GROWS
    ]


@tried(4, st.lists(pairs(), min_size=len(PLACES), max_size=len(PLACES)), share=50)
def test_no_tree_grows_unsaid(made: list[tuple[Any, Any]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        tree = Tree(folder)
        for side in (0, 1):
            for (environment, service), pair in zip(PLACES, made, strict=True):
                tree.put(f"out/{environment}/x-{service}.yml", text_of(pair[side]))
            if not side:
                tree.commit()
        code, report = tree.review("--fail-on", "granted")
        grown = False
        for (environment, service), pair in zip(PLACES, made, strict=True):
            lines = growing(report, environment, service)
            assert lines or pair[0] == pair[1] or can_be_read(*pair), (environment, service, pair)
            more = next(growth(*pair), None) if can_be_read(*pair) else None
            assert lines or not more, (environment, service, more, pair)
            grown = grown or bool(more)
        assert code == 1 or not grown
    finally:
        shutil.rmtree(folder)


TEMPLATE = text_of(
    {
        "Parameters": {"EnvType": {"Type": "String"}, "More": {"Type": "String", "Default": "y"}},
        "Resources": {
            "P": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "PolicyName": "n",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "a"}],
                    },
                    "Roles": ["role", {"Fn::Sub": "role-${EnvType}-${More}"}],
                },
            }
        },
    }
)
ADMIN = TEMPLATE.replace("sqs:SendMessage", "*")
X, ENV = "out/Production/x-a.yml", "out/Production/environment.yml"


def linked(tree: Tree) -> None:
    tree.put("elsewhere.yml", ADMIN)
    (tree.folder / X).unlink()
    (tree.folder / X).symlink_to("../../elsewhere.yml")


def linked_folder(tree: Tree) -> None:
    tree.put("elsewhere/x-a.yml", ADMIN)
    (tree.folder / "out/Other").symlink_to("../elsewhere")


def swapped(old: str, new: str) -> Callable[[Tree], None]:
    return lambda tree: tree.put(ENV, (tree.folder / ENV).read_text(encoding="utf-8").replace(old, new))


def bytes_put(path: str, data: bytes) -> Callable[[Tree], None]:
    return lambda tree: (tree.folder / path).write_bytes(data) and None


ODDITIES: dict[str, Callable[[Tree], None]] = {
    "another ending": lambda tree: tree.put("out/Production/x-a.json", ADMIN),
    "capital letters in the ending": lambda tree: tree.put("out/Production/x-d.YML", ADMIN),
    "the other ending of a template": lambda tree: tree.put("out/Production/x-a.yaml", ADMIN),
    "a name that the pattern does not make": lambda tree: tree.put("out/Production/a.yml", ADMIN),
    "a folder in a folder": lambda tree: tree.put("out/Production/more/x-a.yml", ADMIN),
    "no folder": lambda tree: tree.put("out/x-a.yml", ADMIN),
    "a hidden name": lambda tree: tree.put("out/Production/.x-a.yml", ADMIN),
    "a hidden folder": lambda tree: tree.put("out/.Production/x-a.yml", ADMIN),
    "another environment": lambda tree: tree.put("out/Other/x-a.yml", ADMIN),
    "a line break in a name": lambda tree: tree.put("out/Production/x-\na.yml", ADMIN),
    "a symbolic link": linked,
    "a symbolic link to a folder": linked_folder,
    "bytes that are no text": bytes_put(X, b"\xff\xfe" + ADMIN.encode("utf-16-le")),
    "an empty template": bytes_put(X, b""),
    "half a template": bytes_put(X, ADMIN[:100].encode()),
    "two documents": bytes_put(X, f"{TEMPLATE}\n---\n{ADMIN}".encode()),
    "a text that nobody sees": bytes_put(X, TEMPLATE.replace('"role"', '"ro\u202ele"').encode()),
    "an environment.yml that cannot be read": bytes_put(ENV, b"{"),
    "no environment.yml": lambda tree: (tree.folder / ENV).unlink(),
    "another value of a parameter": swapped('EnvType: "Production"', 'EnvType: "Dev"'),
    "one more parameter": swapped('EnvType: "Production"', 'EnvType: "Production"\n  More: "x"'),
    "another pattern of templates": swapped("x-{service}.yml", "y-{service}.yml"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    made = Tree(tmp_path)
    made.put(X, TEMPLATE)
    made.put("out/Dev/x-a.yml", TEMPLATE)
    made.commit()
    return made


@pytest.mark.parametrize("name", ODDITIES)
def test_what_is_odd_in_out_is_said(tree: Tree, name: str) -> None:
    ODDITIES[name](tree)
    code, report = tree.review("--fail-on", "widened")
    assert code == 1, report
    assert growing(report), report


def test_of_two_templates_of_one_service_neither_hides_the_other(tree: Tree) -> None:
    tree.put("out/Production/x-a.yaml", TEMPLATE)
    tree.put("out/Production/a.yml", TEMPLATE)
    tree.commit()
    for path in ("out/Production/x-a.yaml", "out/Production/a.yml", X):
        tree.put(path, ADMIN)
        code, report = tree.review("--fail-on", "granted")
        assert code == 1, (path, report)
        tree.put(path, TEMPLATE)

"""Git repositories of the tests' own, whose out/ is written by hand: what the review is tried on."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from taskroles.__main__ import run
from taskroles.names import Names
from taskroles.rendering.environments import rendered
from taskroles.table.grammar import Environment, Service, TaskRole

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    Files = dict[str, str]  # by environment and service: "Production/backend"

QUEUE = '{"Fn::Sub": ["arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${N}", {N: {"Fn::ImportValue": !Sub "SQS-${EnvType}"}}]}'
SEND = f"- {{Effect: Allow, Action: [sqs:SendMessage, sqs:GetQueueUrl], Resource: {QUEUE}}}"
DENY = SEND.replace("Allow", "Deny")
FULL = '- {Effect: Allow, Action: "sqs:*", Resource: "*"}'
HAND_OVER = "- {Effect: Allow, Action: iam:PassRole, Resource: '*'}"
SETTINGS: dict[str, dict[str, Any]] = {
    "Dev": {"wildcards": True},
    "Production": {"protected": True, "after": "Staging"},
}


def statement(
    resource: str = "'*'", action: str = "sqs:SendMessage", condition: str = "", effect: str = "Allow"
) -> str:
    """Return a statement as a template writes it."""
    condition = condition and f", Condition: {condition}"
    return f"- {{Effect: {effect}, Action: {action}, Resource: {resource}{condition}}}"


def policy(statements: str, name: str = "SQS", comment: str = "", service: str = "backend", role: str = "") -> str:
    """Return a policy as a template writes it."""
    statements = statements.strip().replace("\n", "\n          ")
    return f"""
  {comment or "# generated"}
  {name}AccessPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "Sample-{name}AccessPolicy-{service}-${{EnvType}}"
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          {statements}
      Roles: [{{"Fn::ImportValue": !Sub "${{VPCName}}-{role or service}-${{EnvType}}"}}]
"""


def template(*policies: str) -> str:
    """Return a template of policies."""
    head = "Parameters:\n  VPCName: {Type: String, Default: sample}\n  EnvType: {Type: String}\nResources:"
    return head + "".join(policies)


def environment_yml(name: str, services: tuple[str, ...] = ("backend",), **settings: Any) -> str:
    """Return the environment.yml of an environment, as the renderer writes it."""
    given: dict[str, Any] = {
        "protected": False,
        "after": None,
        "account": None,
        "region": None,
        "wildcards": False,
        "parameters": {"EnvType": name},
    }
    given |= settings
    names = given.pop("names", Names()).of_environment(name)
    roles = [Service(service, 0, TaskRole("export", f"{service}-role"), {name: {"sqs": ()}}) for service in services]
    return rendered(Environment(name, names=names, **given), roles)


class Repository:
    """A real git repository in a temporary folder, and the review run in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.git("init", "-q")

    def git(self, *arguments: str) -> None:
        """Run git in it."""
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=self.folder, check=True)

    def head(self) -> str:
        """Return the commit that HEAD is."""
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return asked.stdout.strip()

    def write(self, files: Files, *, described: bool = True, **settings: dict[str, Any]) -> None:
        """Let out/ hold these files and no others, each folder with an environment.yml unless it is not to be `described`.

        `settings` are those of environments, beside or instead of SETTINGS.
        """
        for old in self.folder.glob("out/*/*"):
            old.unlink()
        for key, text in files.items():
            self.put(f"out/{key}.yml", text)
        for name in {key.split("/")[0] for key in files} if described else ():
            services = tuple(sorted(key.split("/")[1] for key in files if key.startswith(f"{name}/")))
            given = settings.get(name, SETTINGS.get(name, {}))
            self.put(f"out/{name}/environment.yml", environment_yml(name, services, **given))

    def put(self, path: str, text: str) -> None:
        """Write a file of it."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def text(self, key: str) -> str:
        """Return the text of a file of out/."""
        return (self.folder / f"out/{key}.yml").read_text(encoding="utf-8")

    def commit(self, files: Files, *, described: bool = True, **settings: dict[str, Any]) -> None:
        """Let out/ hold these files (see `write`) and commit them."""
        self.write(files, described=described, **settings)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Review; return its exit code, stdout and stderr."""
        code = run("review", [*arguments])
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err

    def review(self, *arguments: str) -> str:
        """Review, which must succeed, against HEAD unless told otherwise; return what it prints."""
        code, out, err = self.run(*(arguments or ("HEAD",)))
        assert (code, err) == (0, "")
        return out


def body(text: str) -> list[str]:
    """Return the lines of a terminal review below its first heading, without indentation in common."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [i for i, line in enumerate(lines) if line.lstrip()[:2] in ("+ ", "- ", "! ")]
    return [line.strip() for line in (lines[found[0] :] if found else [])]

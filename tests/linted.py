"""A folder with templates that are clean or not, and the verb lint run in it as a program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from project import HERE, without_exceptions
from repository import environment_yml

if TYPE_CHECKING:
    from pathlib import Path

GOOD, BAD = "SendMessage", "*"
TEMPLATE = """\
Parameters:
  EnvType: {{Type: String, AllowedValues: [{0}], Default: {0}}}
Resources:
  SQSAccessPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "SQSAccessPolicy-{1}-${{EnvType}}"
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Action: "sqs:{2}", Resource: "arn:aws:sqs:*:*:q"}}]
      Roles: [!ImportValue "{1}-role"]
"""
PROBE = """\
import logging, runpy, sys
sys.argv = ["lint", "lint", *sys.argv[1:]]
logging.basicConfig(filename="log", level="INFO", format="%(message)s")
try:
    runpy.run_module("taskroles", run_name="__main__", alter_sys=True)
finally:
    open("loaded", "w").write(str("cfnlint" in sys.modules))
"""


class Linted:
    """A folder with the program, its configuration and templates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Put the program into the folder, and two clean templates."""
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(HERE / "taskroles", self.folder / "taskroles", ignore=ignored)
        self.be_patient("1e9")
        (self.folder / "services.yml").touch()
        (self.folder / ".cfnlintrc.yaml").write_text(without_exceptions(), encoding="utf-8")
        for environment in ("dev", "live"):
            self.write(environment, GOOD)

    def be_patient(self, seconds: str) -> None:
        """Let the program say how far it is only after so many seconds: whatever the machine's load."""
        program = self.folder / "taskroles/commands/lint.py"
        source = re.sub(r"(?m)^PATIENCE = \S+", f"PATIENCE = {seconds}", program.read_text(encoding="utf-8"))
        program.write_text(source, encoding="utf-8")

    def path(self, environment: str, service: str = "orders") -> Path:
        """Return the path of a template."""
        return self.folder / f"out/{environment}/{service}.yml"

    def write(self, environment: str, action: str, *services: str) -> None:
        """Write templates that are clean if their action is, and the environment.yml of what is there then."""
        for service in services or ("orders",):
            self.path(environment, service).parent.mkdir(parents=True, exist_ok=True)
            self.path(environment, service).write_text(TEMPLATE.format(environment, service, action), encoding="utf-8")
        self.describe(environment)

    def describe(self, environment: str, **settings: Any) -> None:
        """Write the environment.yml of the services that have a template there."""
        folder = self.folder / "out" / environment
        services = sorted(path.stem for path in folder.glob("*.yml") if path.stem != "environment")
        (folder / "environment.yml").write_text(
            environment_yml(environment, tuple(services), **settings), encoding="utf-8"
        )

    def append(self, path: str, text: str) -> None:
        """Append text to a file."""
        with (self.folder / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def run(self, *arguments: str, linted: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Lint; if told how many templates must be linted, ask cfn-lint's own log and the loaded modules."""
        (self.folder / "log").write_text("", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": ""} | environment,
        )
        if linted is not None:
            assert (self.folder / "log").read_text(encoding="utf-8").count("Run scan of template") == linted, done
            assert (self.folder / "loaded").read_text() == str(linted > 0)
        return done

    def cached(self) -> list[str]:
        """Return the digests in the cache."""
        return (self.folder / ".cache/lint").read_text(encoding="utf-8").split()

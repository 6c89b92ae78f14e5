"""Templates with one policy for the rules of the lint, and what lints them."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Any

from cfnlint.config import ConfigMixIn
from cfnlint.runner.template import run_template_by_file_path

from taskroles.names import Names
from taskroles.rendering.environments import rendered
from taskroles.table.grammar import Environment, Service, TaskRole

if TYPE_CHECKING:
    from pathlib import Path

    from cfnlint.runner import Runner

NAMES = Names(template="acme-{service}-cfn.yml", policy="Acme-{AwsService}-{service}-${EnvType}")
PARTIAL = "policies/sqs/consume.yml.j2"
POLICY = f"""\
  # consume sample-queue ({PARTIAL})
  SQSAccessPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "Acme-SQS-orders-${{EnvType}}"
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: sqs:SendMessage
            Resource: "arn:aws:sqs:*:*:q"
      Roles:
        - Fn::ImportValue: !Sub "${{Vpc}}-OrdersRole-${{EnvType}}"
"""
STATEMENT = POLICY[POLICY.index("          - Effect") : POLICY.index("      Roles")]
ROLES = POLICY[POLICY.index("      Roles") :]
WITH_EXCEPTIONS = ("E9001", "E9002", "E9006", "E9008")
UNUSED = {"W2001", "W8001"}  # what HEAD declares and only some cases use
HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Vpc: {Type: String, Default: vpc}
  EnvType: {Type: String, AllowedValues: [live], Default: live}
  Which: {Type: String, Default: "sqs:*"}
Conditions:
  Wide: !Equals [!Ref Which, "sqs:*"]
Resources:
"""
QUEUE = '"arn:aws:sqs:*:*:q"'
ORDERS = TaskRole("export", "${Vpc}-OrdersRole-${EnvType}")


def with_statement(statement: str) -> str:
    """Return the good policy with another statement."""
    head, *rest = statement.strip().splitlines()
    return POLICY.replace(STATEMENT, indent("\n".join([f"- {head}", *(f"  {line}" for line in rest)]), " " * 10) + "\n")


def ids(findings: list[str]) -> list[str]:
    """Return the sorted ids."""
    return sorted(finding.split()[0] for finding in findings)


class Linter:
    """What lints a template in a folder of its own."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.folder, self.runner, self.count, self.broken = folder, runner, 0, ""

    def __call__(
        self, policies: str, name: str = "acme-orders-cfn.yml", *, described: bool = True, **given: Any
    ) -> list[str]:
        """Lint a template of the environment `live`; return "ID line text => message" for each finding.

        `given`: settings of the environment, task roles by service, and exceptions by rule; `broken` is another
        environment.yml.
        """
        self.count += 1
        path = self.folder / str(self.count) / "live" / name
        path.parent.mkdir(parents=True)
        exceptions = {rule: {"exceptions": given.pop(rule)} for rule in WITH_EXCEPTIONS if rule in given}
        config = ConfigMixIn(["--config-file", str(self.folder / "cfnlintrc.yaml")], configure_rules=exceptions)
        if described:
            path.with_name("environment.yml").write_text(self.broken or environment(**given), encoding="utf-8")
        path.write_text(HEAD + policies, encoding="utf-8")
        found = run_template_by_file_path(str(path), config, self.runner.rules, ignore_bad_template=False)
        lines = path.read_text(encoding="utf-8").splitlines()
        return [
            f"{match.rule.id} {lines[match.linenumber - 1].strip()} => {match.message}"
            for match in found
            if match.rule.id not in UNUSED
        ]


def environment(names: Names = NAMES, *, wildcards: bool = False, account: str | None = None, **roles: TaskRole) -> str:
    """Return the environment.yml of `live`, whose services have these task roles."""
    services = [Service(name, 0, role, {"live": {"sqs": ()}}) for name, role in {"orders": ORDERS, **roles}.items()]
    parameters = {"Vpc": "vpc", "EnvType": "live"}
    return rendered(
        Environment("live", False, None, account, None, wildcards, names.of_environment("live"), parameters), services
    )

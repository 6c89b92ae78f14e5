"""Our cfn-lint rules: tables of templates, each with the finding that it must give, or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.runner import Runner
from cfnlint.runner.template import run_template_by_file_path

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
ENVIRONMENT = """\
environment: "{0}"
{1}names: {{stack: "{{service}}", template: "sample-ecs-taskrole-{{service}}-cfn.yml", policy: "Mynavi-Sample-{{AwsService}}AccessPolicy-{{service}}-${{EnvType}}"}}
task_roles: {{backend: {{export: "${{VPCName}}-BackendEcsTaskRole-${{EnvType}}"}}}}
"""
NAME = "sample-ecs-taskrole-backend-cfn.yml"
POLICY = """\
  # consume sample-queue (policies/sqs/consume.yml.j2)
  SQSAccessPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "Mynavi-Sample-SQSAccessPolicy-backend-${EnvType}"
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: sqs:SendMessage
            Resource: "arn:aws:sqs:*:*:q"
      Roles:
        - Fn::ImportValue: !Sub "${VPCName}-BackendEcsTaskRole-${EnvType}"
"""
STATEMENT = POLICY[POLICY.index("          - Effect") : POLICY.index("      Roles")]
ROLES = POLICY[POLICY.index("      Roles") :]
UNUSED = {"W2001", "W8001"}  # what HEAD declares and only some cases use
HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  VPCName: {Type: String, Default: vpc}
  EnvType: {Type: String, AllowedValues: [Production], Default: Production}
  Which: {Type: String, Default: "sqs:*"}
Conditions:
  Wide: !Equals [!Ref Which, "sqs:*"]
Resources:
"""


@pytest.fixture(scope="module")
def lint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """Return a function that lints a text with the project's own configuration; it returns "ID line text"."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        runner = Runner(ConfigMixIn([]))

    def run(policies: str, environment: str = "Production", name: str = NAME) -> list[str]:
        path = tmp_path_factory.mktemp("t") / environment / name
        path.parent.mkdir()
        path.write_text(HEAD.replace("Production", environment) + policies, encoding="utf-8")
        wildcards = "wildcards: true\n" if environment == "Dev" else ""
        path.with_name("environment.yml").write_text(ENVIRONMENT.format(environment, wildcards), encoding="utf-8")
        found = run_template_by_file_path(str(path), runner.config, runner.rules, ignore_bad_template=False)
        lines = path.read_text(encoding="utf-8").splitlines()
        return [
            f"{match.rule.id} {lines[match.linenumber - 1].strip()} => {match.message}"
            for match in found
            if match.rule.id not in UNUSED
        ]

    return run


def with_statement(statement: str) -> str:
    """Return the good policy with another statement."""
    head, *rest = statement.strip().splitlines()
    return POLICY.replace(STATEMENT, indent("\n".join([f"- {head}", *(f"  {line}" for line in rest)]), " " * 10) + "\n")


def ids(findings: list[str]) -> list[str]:
    """Return the sorted ids."""
    return sorted(finding.split()[0] for finding in findings)


def test_the_good_template_is_clean(lint: Callable[..., list[str]]) -> None:
    assert lint(POLICY) == []


CONDITION_IF = "Condition: !If [Wide, !Ref AWS::NoValue, {StringEquals: {'iam:PassedToService': s}}]"
QUEUE = '"arn:aws:sqs:*:*:q"'
BAD_STATEMENTS = {
    "wildcard action, scalar": (f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}", ["E9001"]),
    "wildcard action in a list": (
        f"Effect: Allow\nAction: [sqs:SendMessage, 'sqs:Get*']\nResource: {QUEUE}",
        ["E9001"],
    ),
    "question mark": (f"Effect: Allow\nAction: sqs:SendMessag?\nResource: {QUEUE}", ["E9001"]),
    "in a branch of Fn::If": (
        f'Effect: Allow\nAction: !If [Wide, "sqs:*", "sqs:SendMessage"]\nResource: {QUEUE}',
        ["E9001"],
    ),
    "a list in a branch of Fn::If": (
        f'Effect: Allow\nAction: !If [Wide, ["sqs:*"], ["sqs:SendMessage"]]\nResource: {QUEUE}',
        ["E9001"],
    ),
    "Fn::If in a list": (
        f'Effect: Allow\nAction: [!If [Wide, "sqs:*", sqs:GetQueueUrl]]\nResource: {QUEUE}',
        ["E9001"],
    ),
    "behind Ref": (f"Effect: Allow\nAction: !Ref Which\nResource: {QUEUE}", ["E9001"]),
    "behind Fn::Sub": (f'Effect: Allow\nAction: !Sub ["${{A}}:*", {{A: sqs}}]\nResource: {QUEUE}', ["E9001"]),
    "behind Fn::Join": (f'Effect: Allow\nAction: [!Join [":", [sqs, "*"]]]\nResource: {QUEUE}', ["E9001"]),
    "NotAction": (f'Effect: Allow\nNotAction: ["iam:*"]\nResource: {QUEUE}', ["E9001"]),
    "Effect that may be Allow": (
        f"Effect: !If [Wide, Allow, Deny]\nAction: sqs:*\nResource: {QUEUE}",
        ["E9001"],
    ),
    "every resource": ('Effect: Allow\nAction: sqs:SendMessage\nResource: "*"', ["E9002"]),
    "every resource in a list": ('Effect: Allow\nAction: [sqs:SendMessage]\nResource: ["*"]', ["E9002"]),
    "every resource, in another case": ('Effect: Allow\nAction: SQS:sendmessage\nResource: "*"', ["E9002"]),
    "every resource in a branch": (
        f'Effect: Allow\nAction: sqs:SendMessage\nResource: !If [Wide, "*", {QUEUE}]',
        ["E9002"],
    ),
    "every resource behind Fn::Sub": (
        'Effect: Allow\nAction: sqs:SendMessage\nResource: !Sub ["${A}", {A: "*"}]',
        ["E9002"],
    ),
    "NotResource": (f"Effect: Allow\nAction: sqs:SendMessage\nNotResource: {QUEUE}", ["E9002"]),
    "wildcard action on every resource": (
        'Effect: Allow\nAction: "sqs:Send*"\nResource: "*"',
        ["E9001", "E9002"],
    ),
    "everything": ('Effect: Allow\nAction: "*"\nResource: "*"', ["E9001", "E9002", "E9006"]),
    "NotAction on every resource": (
        'Effect: Allow\nNotAction: sqs:*\nResource: "*"',
        ["E9001", "E9002", "E9006"],
    ),
    "PassRole": ("Effect: Allow\nAction: iam:PassRole\nResource: arn:aws:iam::*:role/x", ["E9006"]),
    "passrole in a list": (
        "Effect: Allow\nAction: [iam:passrole]\nResource: arn:aws:iam::*:role/x",
        ["E9006"],
    ),
    "PassRole, condition dropped in a branch": (
        "Effect: Allow\nAction: iam:PassRole\nResource: arn:aws:iam::*:role/x\n" + CONDITION_IF,
        ["E9006"],
    ),
    "PassRole, empty condition": (
        "Effect: Allow\nAction: iam:PassRole\nResource: arn:aws:iam::*:role/x\nCondition: {}",
        ["E9006"],
    ),
    "iam wildcard": ("Effect: Allow\nAction: iam:*\nResource: arn:aws:iam::*:role/x", ["E9001", "E9006"]),
    "another iam wildcard": (
        "Effect: Allow\nAction: iam:P*\nResource: arn:aws:iam::*:role/x",
        ["E9001", "E9006"],
    ),
    "I3510, action and resource that do not match": (
        "Effect: Allow\nAction: sqs:SendMessage\nResource: arn:aws:s3:::b",
        ["I3510"],
    ),
}
GOOD_STATEMENTS = {
    "an action that has no resource types": 'Effect: Allow\nAction: sqs:ListQueues\nResource: "*"',
    "a wildcard that denies": 'Effect: Deny\nAction: "*"\nResource: "*"',
    "an import as the resource": "Effect: Allow\nAction: s3:GetObject\nResource: !ImportValue a",
    "PassRole under a condition": (
        "Effect: Allow\nAction: iam:PassRole\nResource: arn:aws:iam::*:role/x\n"
        "Condition: {StringEquals: {'iam:PassedToService': ecs-tasks.amazonaws.com}}"
    ),
    "another single action of IAM": "Effect: Allow\nAction: iam:GetRole\nResource: arn:aws:iam::*:role/x",
    "a harmless function": f"Effect: Allow\nAction: !Join [':', [sqs, SendMessage]]\nResource: {QUEUE}",
}


@pytest.mark.parametrize("case", BAD_STATEMENTS)
def test_a_bad_statement_is_found(lint: Callable[..., list[str]], case: str) -> None:
    statement, expected = BAD_STATEMENTS[case]
    findings = lint(with_statement(statement))
    assert ids(findings) == expected
    for finding in findings:
        if "E9" in finding:
            assert finding.endswith(" (policies/sqs/consume.yml.j2)")


@pytest.mark.parametrize("case", GOOD_STATEMENTS)
def test_a_good_statement_is_clean(lint: Callable[..., list[str]], case: str) -> None:
    assert lint(with_statement(GOOD_STATEMENTS[case])) == []


def test_a_statement_that_is_not_in_a_list_is_read_too(lint: Callable[..., list[str]]) -> None:
    alone = with_statement("Effect: Allow\nAction: sqs:*\nResource: '*'").replace(
        "          - Effect", "            Effect"
    )
    assert ids(lint(alone)) == ["E9001", "E9002"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("Dev", []),
        ("Staging", ["E9001", "E9002"]),
        ("Dev, Production", ["E9001", "E9002"]),
    ],
)
def test_only_the_environments_of_the_configuration_allow_wildcards(
    lint: Callable[..., list[str]], environment: str, expected: list[str]
) -> None:
    wild = with_statement('Effect: Allow\nAction: sqs:*\nResource: "*"')
    assert [i for i in ids(lint(wild, environment)) if i.startswith("E9")] == expected


def test_iam_wildcards_need_a_condition_in_every_environment(lint: Callable[..., list[str]]) -> None:
    assert ids(lint(with_statement('Effect: Allow\nAction: iam:*\nResource: "*"'), "Dev")) == ["E9006"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('        Version: "2012-10-17"\n', "", "E9003 PolicyDocument:"),
        (
            'Version: "2012-10-17"',
            'Version: !If [Wide, "2012-10-17", !Ref AWS::NoValue]',
            "E9003 PolicyDocument:",
        ),
        ('Version: "2012-10-17"', 'Version: "2008-10-17"', "W2511 Version:"),
        ("-backend-${EnvType}", "-backend", "E9004 PolicyName:"),
        ("-backend-${EnvType}", "-backend-Production", "E9004 PolicyName:"),
        ("-backend-${EnvType}", "-backend-${VPCName}", "E9004 PolicyName:"),
        (
            '!Sub "Mynavi-Sample-SQSAccessPolicy-backend-${EnvType}"',
            '!If [Wide, !Sub "Mynavi-Sample-SQSAccessPolicy-backend-${EnvType}", "a"]',
            "E9004 PolicyName:",
        ),
        ("BackendEcsTaskRole-${EnvType}", "BackendEcsTaskRole-Dev", "E9005 Roles:"),
        ("BackendEcsTaskRole", "FrontendEcsTaskRole", "E9005 Roles:"),
        (ROLES, '      Roles: ["backend-role"]\n', "E9005 Roles:"),
        (ROLES, ROLES + '        - Fn::ImportValue: !Sub "BackendOther-${EnvType}"\n', "E9005 Roles:"),
        (
            ROLES,
            "      Roles: [!If [Wide, !ImportValue backend-a, !ImportValue backend-b]]\n",
            "E9005 Roles:",
        ),
        (ROLES, ROLES + "      Groups: [!Ref VPCName]\n", "E9005 Groups:"),
    ],
)
def test_a_bad_policy_is_found_at_its_line(lint: Callable[..., list[str]], old: str, new: str, expected: str) -> None:
    assert old in POLICY
    findings = [f for f in lint(POLICY.replace(old, new)) if not f.startswith("W1")]
    assert [f[: len(expected)] for f in findings] == [expected]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            '!Sub "Mynavi-Sample-SQSAccessPolicy-backend-${EnvType}"',
            '!Join ["-", [Mynavi-Sample-SQSAccessPolicy, backend, !Ref EnvType]]',
        ),
        (
            '!Sub "${VPCName}-BackendEcsTaskRole-${EnvType}"',
            '!Join ["-", [!Ref VPCName, BackendEcsTaskRole, !Ref EnvType]]',
        ),
        (
            '!Sub "${VPCName}-BackendEcsTaskRole-${EnvType}"',
            '!Sub ["${V}-BackendEcsTaskRole-${E}", {V: !Ref VPCName, E: !Ref EnvType}]',
        ),
    ],
)
def test_another_spelling_of_a_good_name_is_clean(lint: Callable[..., list[str]], old: str, new: str) -> None:
    assert lint(POLICY.replace(old, new)) == []


def test_a_policy_on_no_role_is_found(lint: Callable[..., list[str]]) -> None:
    findings = lint(POLICY.replace(ROLES, "      Roles: !Ref AWS::NoValue\n"))
    assert [f for f in findings if "E9005" in f and "0 roles" in f]


def test_each_policy_of_a_template_is_held_to_the_role_of_its_service(lint: Callable[..., list[str]]) -> None:
    other = POLICY.replace("SQSAccess", "OtherAccess")
    assert lint(POLICY + other) == []
    found = lint(POLICY + other.replace("BackendEcsTask", "BackendBatch"))
    assert [f[:12] for f in found] == ["E9005 Roles:"]
    assert "the task role of 'backend' is the role that '${VPCName}-BackendEcsTaskRole-${EnvType}' exports" in found[0]


def test_a_template_of_a_service_that_its_environment_does_not_have_is_found(lint: Callable[..., list[str]]) -> None:
    found = lint(POLICY, name="sample-ecs-taskrole-order-api-cfn.yml")
    assert any("No service 'order-api' is in Production" in f for f in found)


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        ("sqs:* because it is tried out", 0),
        ("backend/SQSAccessPolicy because it is tried out", 0),
        ("sqs:*", 1),
        ("sqs:* because ", 1),
        ("sqs:Get* because it is another", 1),
        ("frontend/SQSAccessPolicy because it is another", 1),
    ],
)
def test_an_exception_names_an_action_or_a_policy_and_its_reason(tmp_path: Path, exception: str, expected: int) -> None:
    text = (ROOT / ".cfnlintrc.yaml").read_text(encoding="utf-8")
    rules = tmp_path / "cfnlintrc.yaml"
    rules.write_text(
        text.replace("E9001: {exceptions: []}", f"E9001: {{exceptions: ['{exception}']}}"), encoding="utf-8"
    )
    path = tmp_path / "Production" / NAME
    path.parent.mkdir()
    path.write_text(HEAD + with_statement(f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}"), encoding="utf-8")
    path.with_name("environment.yml").write_text(ENVIRONMENT.format("Production", ""), encoding="utf-8")
    cfn_lint = str(Path(sys.executable).with_name("cfn-lint"))
    command = [cfn_lint, "--config-file", str(rules), "-t", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.count("E9001") == expected


def test_every_partial_of_a_policy_with_several_grants_is_named(lint: Callable[..., list[str]]) -> None:
    two = with_statement(f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}").replace(
        "  SQSAccessPolicy:", "  # send other-queue (policies/sqs/send.yml.j2)\n  SQSAccessPolicy:", 1
    )
    assert lint(two)[0].endswith("(policies/sqs/consume.yml.j2, policies/sqs/send.yml.j2)")


def test_a_finding_without_a_comment_names_no_partial(lint: Callable[..., list[str]]) -> None:
    bare = with_statement(f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}").split("\n", 1)[1]
    assert lint(bare)[0].endswith("not allowed in Production")


def test_a_bare_cfn_lint_finds_it_and_fails(tmp_path: Path) -> None:
    for name in ("taskroles", ".cfnlintrc.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    template = tmp_path / "out/Production" / NAME
    template.parent.mkdir(parents=True)
    template.with_name("environment.yml").write_text(ENVIRONMENT.format("Production", ""), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("cfn-lint"))]
    results = []
    for policy in (
        POLICY,
        with_statement(f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}"),
        with_statement("Effect: Allow\nAction: sqs:SendMessage\nResource: arn:aws:s3:::b"),
    ):
        template.write_text(HEAD[: HEAD.index("  Which")] + "Resources:\n" + policy, encoding="utf-8")
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        results.append((done.returncode, done.stdout[:5]))
    assert results == [(0, ""), (2, "E9001"), (8, "I3510")]


def test_every_rule_is_described() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        rules = [rule for rule in Runner(ConfigMixIn([])).rules.values() if rule.id[1] == "9"]
    assert [rule.id for rule in rules if not rule.id.startswith("E900")] == []
    assert len(rules) == len(list((ROOT / "taskroles/rules").glob("[a-z]*.py")))
    for rule in rules:
        assert all([rule.shortdesc, rule.description, rule.source_url.startswith("https://"), rule.tags])

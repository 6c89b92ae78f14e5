"""All of our cfn-lint rules: how they are described, what a finding names, and that a bare cfn-lint has them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from linting import HEAD, NAMES, ORDERS, PARTIAL, POLICY, QUEUE, ROLES, Linter, environment, ids, with_statement
from project import HERE, Project

CFN_LINT = str(Path(sys.executable).with_name("cfn-lint"))


def test_every_rule_is_described(linter: Linter) -> None:
    rules = [rule for rule in linter.runner.rules.values() if rule.id[1] == "9"]
    assert [rule.id for rule in rules if not rule.id.startswith("E900")] == []
    assert len(rules) == len([p for p in (HERE / "taskroles/rules").glob("*.py") if not p.name.startswith("_")])
    for rule in rules:
        assert all([rule.shortdesc, rule.description, rule.source_url.startswith("https://"), rule.tags])


def test_every_partial_of_a_policy_with_several_grants_is_named(lint: Linter) -> None:
    two = with_statement(f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}").replace(
        "  SQSAccessPolicy:", "  # send other-queue (policies/sqs/send.yml.j2)\n  SQSAccessPolicy:", 1
    )
    assert lint(two)[0].endswith(f"({PARTIAL}, policies/sqs/send.yml.j2)")


def test_a_finding_without_a_comment_names_no_partial(lint: Linter) -> None:
    bare = with_statement(f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}").split("\n", 1)[1]
    assert lint(bare)[0].endswith("not allowed in live")


WILD = with_statement(f"Effect: Allow\nAction: sqs:*\nResource: {QUEUE}")
BAD = [WILD, POLICY.replace("-orders-", "-billing-"), POLICY.replace("OrdersRole", "BillingRole")]
OTHER_KIND = with_statement("Effect: Allow\nAction: sqs:SendMessage\nResource: arn:aws:s3:::b")


@pytest.mark.parametrize(
    ("policies", "code", "found"),
    [([POLICY], 0, []), ([OTHER_KIND], 8, ["I3510"]), (BAD, 2, ["E9001", "E9004", "E9005"])],
)
def test_a_bare_cfn_lint_finds_what_taskroles_lint_finds_and_fails(tmp_path: Path, policies, code, found) -> None:
    project = Project(tmp_path)
    shutil.rmtree(tmp_path / "out")
    services = [f"orders{number}" for number in range(len(policies))]
    project.write("out/live/environment.yml", environment(NAMES, **dict.fromkeys(services, ORDERS)))
    for service, policy in zip(services, policies, strict=True):
        text = HEAD[: HEAD.index("  Which")] + "Resources:\n" + policy.replace("-orders-", f"-{service}-")
        project.write(f"out/live/acme-{service}-cfn.yml", text)
    bare = subprocess.run([CFN_LINT], cwd=tmp_path, capture_output=True, text=True, check=False)
    ours = project.verb("lint")
    assert (bare.returncode, re.findall(r"^[EIW]\d+", bare.stdout, re.MULTILINE)) == (code, found)
    assert (ours.stdout, ours.returncode) == (bare.stdout, int(code > 0))


STATEMENTS = POLICY[POLICY.index("        Statement:") : POLICY.index("      Roles")]
DOCUMENT = POLICY[POLICY.index("      PolicyDocument:") : POLICY.index("      Roles")]
ELSEWHERE = "{'Fn::Transform': {Name: 'AWS::Include', Parameters: {Location: 's3://a/b'}}}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (DOCUMENT, f"      PolicyDocument: {ELSEWHERE}\n"),
        (DOCUMENT, "      PolicyDocument: !Ref Which\n"),
        (DOCUMENT, "      PolicyDocument: !Sub '{}'\n"),
        (DOCUMENT, "      PolicyDocument: !If [Wide, !Ref Which, !Ref AWS::NoValue]\n"),
        (STATEMENTS, f"        Statement: {ELSEWHERE}\n"),
        (STATEMENTS, f"        Statement: [{ELSEWHERE}]\n"),
        (STATEMENTS, f"        Statement: [!If [Wide, {ELSEWHERE}, !Ref AWS::NoValue]]\n"),
        (QUEUE, ELSEWHERE),
        ("    Type: AWS::IAM::Policy\n", f"    Type: AWS::IAM::Policy\n    {ELSEWHERE[1:-1]}\n"),
        (ROLES, ROLES + "Transform: Anything\n"),
    ],
)
def test_what_a_policy_allows_stands_in_it(lint: Linter, old: str, new: str) -> None:
    assert {"E9007", "E9002"} & set(ids(lint(POLICY.replace(old, new))))


def test_what_it_allows_under_a_condition_stands_in_it_too(lint: Linter) -> None:
    statement = f"{{Effect: Allow, Action: 'sqs:SendMessage', Resource: {QUEUE}}}"
    given = f"        Statement: [!If [Wide, {statement}, !Ref AWS::NoValue]]\n"
    assert lint(POLICY.replace(STATEMENTS, given)) == []

"""E9003 the version, E9004 the name and E9005 the role of a policy, as the environment.yml beside the template says."""

from __future__ import annotations

import pytest
from linting import NAMES, ORDERS, POLICY, ROLES, Linter, ids

from taskroles.names import Names
from taskroles.table.grammar import TaskRole

NAME = '!Sub "Acme-SQS-orders-${EnvType}"'
ROLE = '!Sub "${Vpc}-OrdersRole-${EnvType}"'
BY_NAME = '      Roles:\n        - !Sub "orders-${EnvType}"\n'


def test_the_good_template_is_clean(lint: Linter) -> None:
    assert lint(POLICY) == []


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
        ("-orders-${EnvType}", "-orders", "E9004 PolicyName:"),
        ("-orders-${EnvType}", "-orders-live", "E9004 PolicyName:"),
        ("-orders-${EnvType}", "-orders-${Vpc}", "E9004 PolicyName:"),
        ("-orders-${EnvType}", "-billing-${EnvType}", "E9004 PolicyName:"),
        ("Acme-SQS-", "Acme-S3-", "E9004 PolicyName:"),
        ("Acme-", "", "E9004 PolicyName:"),
        (NAME, f'!If [Wide, {NAME}, "a"]', "E9004 PolicyName:"),
        ("OrdersRole-${EnvType}", "OrdersRole-dev", "E9005 Roles:"),
        ("OrdersRole", "BillingRole", "E9005 Roles:"),
        (ROLES, '      Roles: ["orders-role"]\n', "E9005 Roles:"),
        (ROLES, f"      Roles: [{ROLE}]\n", "E9005 Roles:"),
        (ROLES, ROLES + '        - Fn::ImportValue: !Sub "OrdersOther-${EnvType}"\n', "E9005 Roles:"),
        (ROLES, "      Roles: [!If [Wide, !ImportValue a, !ImportValue b]]\n", "E9005 Roles:"),
        (ROLES, ROLES + "      Groups: [!Ref Vpc]\n", "E9005 Groups:"),
        (ROLES, ROLES + "      Users: [!Ref Vpc]\n", "E9005 Users:"),
    ],
)
def test_a_bad_policy_is_found_at_its_line(lint: Linter, old: str, new: str, expected: str) -> None:
    assert old in POLICY
    findings = [f for f in lint(POLICY.replace(old, new)) if not f.startswith("W1")]
    assert [f[: len(expected)] for f in findings] == [expected]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (NAME, '!Join ["-", [Acme-SQS, orders, !Ref EnvType]]'),
        (ROLE, '!Join ["-", [!Ref Vpc, OrdersRole, !Ref EnvType]]'),
        (ROLE, '!Sub ["${V}-OrdersRole-${E}", {V: !Ref Vpc, E: !Ref EnvType}]'),
    ],
)
def test_another_spelling_of_a_good_name_is_clean(lint: Linter, old: str, new: str) -> None:
    assert lint(POLICY.replace(old, new)) == []


@pytest.mark.parametrize(("written", "rule"), [(NAME, "E9004"), (ROLE, "E9005")])
def test_a_name_without_its_sub_is_another_name(lint: Linter, written: str, rule: str) -> None:
    assert rule in ids(lint(POLICY.replace(written, written.removeprefix("!Sub "))))


def test_a_policy_on_no_role_is_found(lint: Linter) -> None:
    findings = lint(POLICY.replace(ROLES, "      Roles: !Ref AWS::NoValue\n"))
    assert [f for f in findings if "E9005" in f and "0 roles instead of one" in f]


def test_two_policies_on_two_roles_of_one_service_are_found(lint: Linter) -> None:
    second = POLICY.replace("SQSAccess", "S3Access").replace("-SQS-", "-S3-")
    assert lint(POLICY + second) == []
    assert [f[:12] for f in lint(POLICY + second.replace("OrdersRole", "BatchRole"))] == ["E9005 Roles:"]


# --- what environment.yml says --------------------


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{AwsService}AccessPolicy-{service}-${EnvType}", '!Sub "SQSAccessPolicy-orders-${EnvType}"'),
        ("{service}.{AwsService}", '"orders.SQS"'),
        ("{Environment}-{environment}-{AwsService}-{service}", '"live-live-SQS-orders"'),
        ("{AwsService}${Vpc}", '!Sub "SQS${Vpc}"'),
    ],
)
def test_the_pattern_of_names_is_that_of_the_environment(lint: Linter, pattern: str, name: str) -> None:
    names = Names(template=NAMES.template, policy=pattern)
    assert lint(POLICY.replace(NAME, name), names=names) == []
    assert ids(lint(POLICY, names=names)) == ["E9004"]


def test_a_role_by_its_own_name_is_one_too(lint: Linter) -> None:
    role = TaskRole("name", "orders-${EnvType}")
    assert lint(POLICY.replace(ROLES, BY_NAME), orders=role) == []
    found = lint(POLICY, orders=role)
    assert found == [
        "E9005 Roles: => Policy attaches to the role that '${Vpc}-OrdersRole-${EnvType}' exports; the task role of "
        "'orders' is the role 'orders-${EnvType}' (policies/sqs/consume.yml.j2)"
    ]
    assert ids(lint(POLICY.replace(ROLES, BY_NAME), orders=TaskRole("export", "orders-${EnvType}"))) == ["E9005"]
    plain = POLICY.replace(ROLES, "      Roles: [orders]\n")
    assert lint(plain, orders=TaskRole("name", "orders")) == []


def test_the_file_name_tells_the_service(lint: Linter) -> None:
    roles = {"order-api": TaskRole("export", "${Vpc}-OrderApiRole-${EnvType}")}
    policy = POLICY.replace("-orders-", "-order-api-")
    good = policy.replace("OrdersRole", "OrderApiRole")
    assert lint(good, name="acme-order-api-cfn.yml", **roles) == []
    assert ids(lint(policy, name="acme-order-api-cfn.yml", **roles)) == ["E9005"]
    unknown = lint(policy, name="acme-order-api-cfn.yml")
    assert unknown[-1].startswith("E9005 Roles: => No service 'order-api' is in live, as the environment.yml beside")
    assert "E9005" in ids(lint(POLICY, name="orders.yml"))  # no name that the environment gives


def test_a_missing_environment_yml_is_said(lint: Linter) -> None:
    (finding,) = lint(POLICY, described=False)
    assert finding.startswith("E9005 Roles: => there is no ")
    assert "/live/environment.yml, which says whose role this is and what policies are called (" in finding


def test_a_broken_environment_yml_is_said_with_its_place(lint: Linter) -> None:
    lint.broken = "environment: live\nnames: ["
    (finding,) = lint(POLICY)
    assert finding.startswith("E9005 Roles: => ")
    assert "/live/environment.yml:3: not YAML: did not find expected node content (" in finding


def test_one_of_another_folder_is_said(lint: Linter) -> None:
    lint.broken = 'environment: "dev"\nnames: {stack: "{service}", template: "{service}.yml", policy: "{AwsService}"}'
    (finding,) = lint(POLICY)
    assert '/live/environment.yml:1: is of "dev", and lies in the folder of live' in finding


def test_every_service_has_its_own_role(lint: Linter) -> None:
    other = {"billing": TaskRole("export", "${Vpc}-BillingRole-${EnvType}")}
    stolen = POLICY.replace("OrdersRole", "BillingRole")
    assert ids(lint(stolen, **other)) == ["E9005"]
    assert ids(lint(stolen.replace("-orders-", "-billing-"), name="acme-billing-cfn.yml", **other)) == []
    assert ORDERS.text in lint(stolen, **other)[0]

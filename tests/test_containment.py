"""What Production allows Staging allows, and Dev too: proved over every action that exists, not believed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from access import decide, expand, read_template
from compare import compare
from project import HERE

if TYPE_CHECKING:
    from access import Statement
    from project import Project

PAIRS = [("Production", "Staging"), ("Staging", "Dev"), ("Production", "Dev")]
SERVICES = {
    "backend": ["CloudFormation", "SQS", "DynamoDB", "RDS", "SSM"],
    "frontend": ["CloudFormation", "S3", "SQS", "ElastiCache", "SSM"],
}
PLACE = "${AWS::Region}:${AWS::AccountId}"
PARTITION = "arn:${AWS::Partition}"
# Resources of each kind that a policy names, its own and a stranger's.
RESOURCES = [
    "*",
    *(f"{PARTITION}:sqs:{PLACE}:{name}" for name in ("${import MynaviSampleSQS-${EnvType}}", "other")),
    *(
        f"{PARTITION}:dynamodb:{PLACE}:table/{name}{suffix}"
        for name in ("${import ${VPCName}-DynamoDB${EnvType}SampleTable}", "other")
        for suffix in ("", "/index/by-date", "/stream/2026")
    ),
    *(
        name + suffix
        for name in ("${import MynaviSampleS3Bucket-Arn-${EnvType}}", f"{PARTITION}:s3:::other")
        for suffix in ("", "/key")
    ),
    *(f"{PARTITION}:rds:{PLACE}:db:{name}" for name in ("${import ${VPCName}-RDS-${EnvType}}", "other")),
    f"{PARTITION}:rds-db:{PLACE}:dbuser:db-ABC/app",
    *(f"{PARTITION}:ssm:{PLACE}:parameter/{name}" for name in ("mynavi-sample-cloudformation-rds-password", "other")),
    *(f"{PARTITION}:cloudformation:{PLACE}:stack/{name}/1" for name in ("mynavi-sample-infra-dev", "other")),
    *(
        f"{PARTITION}:elasticache:{PLACE}:{kind}:{name}"
        for kind in ("replicationgroup", "cluster")
        for name in ("${import ${VPCName}-ElastiCacheRedis-${EnvType}}", "other", "other-001")
    ),
    "arn:aws:iam::123456789012:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM",
]


def statements(service: str, environment: str) -> dict[str, tuple[Statement, ...]]:
    """Return the statements of each committed policy of a service, by the AWS service that its logical id names."""
    path = f"out/{environment}/sample-ecs-taskrole-{service}-cfn.yml"
    policies = read_template((HERE / path).read_text(), path).policies
    return {policy.logical_id.removesuffix("AccessPolicy"): policy.statements for policy in policies}


def allowed(found: tuple[Statement, ...]) -> set[tuple[str, str]]:
    """Return every pair of an action that exists and a resource of RESOURCES that statements allow."""
    patterns = {pattern for statement in found for pattern in statement.actions}
    actions = frozenset().union(*(expand(pattern) for pattern in patterns))
    return {
        (action, resource) for action in actions for resource in RESOURCES if decide(found, action, resource).allowed
    }


@pytest.mark.parametrize(("narrow", "wide"), PAIRS)
@pytest.mark.parametrize("service", SERVICES)
def test_each_environment_allows_what_the_stricter_one_allows(service: str, narrow: str, wide: str) -> None:
    stricter, laxer = statements(service, narrow), statements(service, wide)
    assert list(stricter) == list(laxer) == SERVICES[service]
    for aws_service in stricter:
        inside, around = allowed(stricter[aws_service]), allowed(laxer[aws_service])
        assert inside, f"{aws_service} allows nothing that was tried"
        assert inside <= around, (aws_service, inside - around)
        grows = [
            change
            for change in compare(laxer[aws_service], stricter[aws_service])
            if change.kind in ("granted", "widened")
        ]
        assert grows == [], aws_service


@pytest.mark.parametrize(
    ("folder", "wide", "narrow"),
    [
        ("dynamodb", "read-write", "read"),
        ("s3", "read-write", "read"),
        ("s3", "read-write", "read-write-objects"),
        ("s3", "full", "read-write-objects"),
    ],
)
def test_a_level_contains_the_level_that_it_includes(project: Project, folder: str, wide: str, narrow: str) -> None:
    found = {}
    for level in (wide, narrow):
        services = {"app": {"task_role": "role", "policies": {folder: {level: "it"}}}}
        contents = {"environments": ["Dev"], "targets": {"it": {"name": "it"}}, "services": services}
        project.write("services.yml", json.dumps(contents))
        project.render()
        path = "out/Dev/sample-ecs-taskrole-app-cfn.yml"
        (policy,) = read_template(project.read(path), path).policies
        found[level] = policy.statements
    changes = compare(found[narrow], found[wide])
    assert {change.kind for change in changes} == {"granted"}


def test_the_numbers_in_the_readme_are_those_of_out() -> None:
    readme = (HERE / "README.md").read_text()
    for service, names in SERVICES.items():
        before, after = statements(service, "Dev"), statements(service, "Production")
        rows = [(name, actions_of(before[name]), actions_of(after[name])) for name in names]
        rows.append(("together", *(frozenset().union(*column) for column in list(zip(*rows, strict=True))[1:])))
        for name, dev, least in rows:
            row = f"| {service} | {name} | {len(dev):,} | {len(least):,} |"
            assert row in readme, row


def actions_of(found: tuple[Statement, ...]) -> frozenset[str]:
    """Return every action that exists and that statements name, wildcards expanded."""
    return frozenset().union(*(expand(pattern) for statement in found for pattern in statement.actions))

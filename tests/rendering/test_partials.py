"""The levels that ship: what they say of themselves, what they are narrowed to, what they never change."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from in_process import refused, rendered
from project import HERE, load

from taskroles.access.compare import compare
from taskroles.access.reading import read_template
from taskroles.rendering.partials import Renderer

if TYPE_CHECKING:
    from project import Project

    from taskroles.access.reading import Statement

PATHS = sorted((HERE / "policies").rglob("*.j2"))
LEVELS = {
    (folder, name): level
    for folder, levels in Renderer({str(path.relative_to(HERE)): path.read_text() for path in PATHS}, {})
    .levels()
    .items()
    for name, level in levels.items()
}
FOLDERS = sorted({folder for folder, _ in LEVELS})
PLACE = "${AWS::Region}:${AWS::AccountId}"
PARTITION = "arn:${AWS::Partition}"


def of(project: Project, policies: dict[str, Any], **targets: dict[str, str]) -> dict[str, Any]:
    """Return the resources of a service with these policies."""
    services = {"app": {"task_role": "role", "policies": policies}}
    project.write("services.yml", json.dumps({"environments": ["dev"], "targets": targets, "services": services}))
    rendered()
    return load(project.read("out/dev/app.yml"))["Resources"]


def statements_of(project: Project, policies: dict[str, Any], **targets: dict[str, str]) -> tuple[Statement, ...]:
    """Return the statements of a service with one policy."""
    of(project, policies, **targets)
    (policy,) = read_template(project.read("out/dev/app.yml"), "out/dev/app.yml").policies
    return policy.statements


def grant(folder: str, level: str) -> tuple[Any, dict[str, dict[str, str]]]:
    """Return a grant of a level, on the target `it` if it takes one, with the options that it needs; and the targets."""
    takes = LEVELS[folder, level]
    on = {"target": "it"} if takes.takes_target else {}
    options = on | dict.fromkeys(takes.required, "it")
    return {level: options} if options else level, {"it": {"name": "it"}} if on else {}


def arns(resource: dict[str, Any]) -> list[str]:
    """Return the resources of all statements of a policy, an import as {NAME}."""
    values = [statement["Resource"] for statement in resource["Properties"]["PolicyDocument"]["Statement"]]
    spread = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return list(dict.fromkeys(map(spelled, spread)))


def spelled(value: Any) -> str:
    """Return a resource as text, an import as {NAME}."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::ImportValue":
        return "{" + spelled(argument) + "}"
    if function == "Fn::Join":
        return argument[0].join(spelled(part) for part in argument[1])
    if isinstance(argument, list):
        text, names = argument
        return re.sub(r"\$\{(\w+)\}", lambda found: spelled(names[found[1]]), text)
    return argument


def test_the_levels_of_the_design_ship() -> None:
    assert set(LEVELS) >= {
        *((folder, "full") for folder in ("cloudformation", "dynamodb", "elasticache", "rds", "s3", "sqs", "ssm")),
        *(("cloudformation", "read"), ("sqs", "consume"), ("sqs", "send"), ("dynamodb", "read"), ("ssm", "read")),
        *(("dynamodb", "read-write"), ("rds", "describe"), ("rds", "connect"), ("elasticache", "describe")),
        *(("s3", "read"), ("s3", "read-write"), ("s3", "read-write-objects")),
    }


TARGETS = [
    ("sqs", "consume", {"name": "q"}, [f"{PARTITION}:sqs:{PLACE}:q"]),
    ("sqs", "send", {"name": "q-${EnvType}"}, [f"{PARTITION}:sqs:{PLACE}:q-${{EnvType}}"]),
    ("sqs", "send", {"import": "E-${EnvType}"}, [f"{PARTITION}:sqs:{PLACE}:{{E-${{EnvType}}}}"]),
    ("sqs", "send", {"import-arn": "E-${EnvType}"}, ["{E-${EnvType}}"]),
    ("sqs", "send", {"arn": "arn:aws:sqs:eu-west-1:1:q"}, ["arn:aws:sqs:eu-west-1:1:q"]),
    ("sqs", "send", {"arn": "arn:aws:sqs:eu-west-1:1:q-${EnvType}"}, ["arn:aws:sqs:eu-west-1:1:q-${EnvType}"]),
    ("dynamodb", "read-write", {"import": "T"}, [f"{PARTITION}:dynamodb:{PLACE}:table/{{T}}", f"{PARTITION}:dynamodb:{PLACE}:table/{{T}}/index/*"]),
    ("dynamodb", "read", {"import-arn": "T"}, ["{T}", "{T}/index/*"]),
    ("dynamodb", "read", {"arn": "arn:aws:dynamodb:a:1:table/t"}, ["arn:aws:dynamodb:a:1:table/t", "arn:aws:dynamodb:a:1:table/t/index/*"]),
    ("rds", "describe", {"name": "db"}, [f"{PARTITION}:rds:{PLACE}:db:db"]),
    ("rds", "connect", {"name": "db-ABC/app"}, [f"{PARTITION}:rds-db:{PLACE}:dbuser:db-ABC/app"]),
    ("s3", "full", {"import": "B"}, [f"{PARTITION}:s3:::{{B}}/*"]),
    ("s3", "full", {"import-arn": "B"}, ["{B}/*"]),
    ("s3", "full", {"name": "b"}, [f"{PARTITION}:s3:::b/*"]),
    ("s3", "read", {"import": "B"}, [f"{PARTITION}:s3:::{{B}}", f"{PARTITION}:s3:::{{B}}/*"]),
    ("s3", "read", {"import-arn": "B-${EnvType}"}, ["{B-${EnvType}}", "{B-${EnvType}}/*"]),
    ("s3", "read-write", {"name": "b"}, [f"{PARTITION}:s3:::b", f"{PARTITION}:s3:::b/*"]),
    ("s3", "read-write-objects", {"arn": "arn:aws:s3:::b"}, ["arn:aws:s3:::b/*"]),
    ("ssm", "read", {"name": "p"}, [f"{PARTITION}:ssm:{PLACE}:parameter/p"]),
    ("ssm", "read", {"name": "/a/p"}, [f"{PARTITION}:ssm:{PLACE}:parameter/a/p"]),
    ("ssm", "read", {"name": "/a/"}, [f"{PARTITION}:ssm:{PLACE}:parameter/a", f"{PARTITION}:ssm:{PLACE}:parameter/a/*"]),
    ("cloudformation", "read", {"name": "s"}, ["*", f"{PARTITION}:cloudformation:{PLACE}:stack/s/*", f"{PARTITION}:cloudformation:{PLACE}:stack/s-*/*"]),
    ("cloudformation", "read", {"arn": "arn:aws:cloudformation:a:1:stack/s/9a8b"}, ["*", "arn:aws:cloudformation:a:1:stack/s/*", "arn:aws:cloudformation:a:1:stack/s-*/*"]),
    ("elasticache", "describe", {"arn": "arn:aws:elasticache:a:1:replicationgroup:g"}, ["arn:aws:elasticache:a:1:replicationgroup:g", "arn:aws:elasticache:a:1:cluster:g-*"]),
]  # fmt: skip


@pytest.mark.parametrize(("folder", "level", "target", "expected"), TARGETS)
def test_a_level_is_narrowed_to_its_target(here, folder, level, target, expected) -> None:
    ((_, resource),) = of(here, {folder: {level: "it"}}, it=target).items()
    assert arns(resource) == expected


@pytest.mark.parametrize(("folder", "level"), [("cloudformation", "read"), ("elasticache", "describe")])
def test_a_level_that_needs_the_name_refuses_an_export_that_holds_the_arn(here, folder: str, level: str) -> None:
    of(here, {"sqs": "full"})
    services = {"app": {"task_role": "role", "policies": {folder: {level: "it"}}}}
    targets = {"it": {"import-arn": "E"}}
    here.write("services.yml", json.dumps({"environments": ["dev"], "targets": targets, "services": services}))
    (fault,) = refused(here)
    assert re.fullmatch(
        rf"services\.yml:1: {folder} {level}: an export that holds .* ARN .*: use import or name "
        rf"\(policies/{folder}/service\.j2:\d+\)",
        fault,
    )


WITH_PREFIX = [name for (folder, name), level in LEVELS.items() if folder == "s3" and "prefix" in level.options]


@pytest.mark.parametrize("level", WITH_PREFIX)
def test_a_prefix_takes_away_from_all_but_the_question_where_the_bucket_is(here, level: str) -> None:
    wide, narrow = (
        statements_of(here, {"s3": {level: {"target": "it"} | options}}, it={"name": "it"})
        for options in ({}, {"prefix": "incoming/"})
    )
    named = {action for statement in wide for action in statement.actions}
    changed = {change.action.lower() for change in compare(wide, narrow)}
    assert [action for action in sorted(named) if action.lower() not in changed] in ([], ["s3:GetBucketLocation"])


def test_an_option_stands_in_what_is_granted_and_in_the_comment_above_it(here) -> None:
    policy = {"read": {"target": "files", "prefix": "in\"'\\{{}}#:"}}
    resources = of(here, {"s3": policy}, files={"import-arn": "B"})
    prefix = policy["read"]["prefix"]
    assert arns(resources["S3AccessPolicy"]) == ["{B}", "{B}/" + prefix + "*"]
    listing = resources["S3AccessPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": prefix + "*"}}
    comment = f"  # read files, prefix: {prefix} (policies/s3/read.yml.j2)\n  S3AccessPolicy:"
    assert comment in here.read("out/dev/app.yml")


def test_grants_with_other_options_on_one_target_stand_beside_each_other(here) -> None:
    policy = [{"read": {"target": "files", "prefix": prefix}} for prefix in ("a/", "b/")]
    resources = of(here, {"s3": policy}, files={"name": "b"})
    assert [arn for arn in arns(resources["S3AccessPolicy"]) if arn.endswith("*")] == [
        f"{PARTITION}:s3:::b/{prefix}*" for prefix in ("a/", "b/")
    ]


def test_a_parameter_path_may_be_listed_and_a_parameter_may_not(here) -> None:
    for name, listed in (("/app/", True), ("/app/password", False)):
        resource = of(here, {"ssm": {"read": "it"}}, it={"name": name})["SSMAccessPolicy"]
        assert ("ssm:GetParametersByPath" in json.dumps(resource)) is listed


def test_one_policy_holds_several_grants_each_on_its_own_target(here) -> None:
    resources = of(here, {"sqs": [{"consume": "one"}, {"send": "two"}]}, one={"name": "q1"}, two={"name": "q2"})
    statements = resources["SQSAccessPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    by_queue = {spelled(statement["Resource"][0]).rpartition(":")[2]: statement["Action"] for statement in statements}
    assert "sqs:ReceiveMessage" in by_queue["q1"]
    assert "sqs:SendMessage" not in by_queue["q1"]
    assert "sqs:SendMessage" in by_queue["q2"]
    assert "sqs:ReceiveMessage" not in by_queue["q2"]
    text = here.read("out/dev/app.yml")
    assert "  # consume one (policies/sqs/consume.yml.j2)\n  # send two (policies/sqs/send.yml.j2)\n  SQSAccess" in text

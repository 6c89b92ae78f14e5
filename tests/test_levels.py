"""The levels that ship: what they say of themselves, what they are narrowed to, what they never change."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from project import HERE, load

if TYPE_CHECKING:
    from project import Project

PARTIALS = sorted((HERE / "policies").glob("*/*.yml.j2"))
LEVELS = [(path.parent.name, path.name.removesuffix(".yml.j2")) for path in PARTIALS]
TAKES_TARGET = {(folder, level) for folder, level in LEVELS if level != "full" or folder == "s3"}
PLACE = "${AWS::Region}:${AWS::AccountId}"


def rendered(project: Project, policies: dict[str, Any], targets: dict[str, Any]) -> dict[str, Any]:
    """Return the resources of a service with these policies, the same in every environment."""
    used = {name for name in targets if f'"{name}"' in json.dumps(policies)}
    services = {"app": {"task_role": "role-${EnvType}", "policies": policies}}
    targets = {name: target for name, target in targets.items() if name in used}
    project.write("services.yml", json.dumps({"environments": ["Dev"], "targets": targets, "services": services}))
    project.render()
    return load(project.read("out/Dev/sample-ecs-taskrole-app-cfn.yml"))["Resources"]


def grant(folder: str, level: str) -> Any:
    """Return a grant of a level, on the target `it` if it takes one."""
    return {level: "it"} if (folder, level) in TAKES_TARGET else level


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
    assert set(LEVELS) == {
        *((folder, "full") for folder in ("cloudformation", "dynamodb", "elasticache", "rds", "s3", "sqs", "ssm")),
        *(("cloudformation", "read"), ("sqs", "consume"), ("sqs", "send"), ("dynamodb", "read"), ("ssm", "read")),
        *(("dynamodb", "read-write"), ("rds", "describe"), ("rds", "connect"), ("elasticache", "describe")),
        *(("s3", "read"), ("s3", "read-write"), ("s3", "read-write-objects")),
    }


@pytest.mark.parametrize("path", PARTIALS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_partial_opens_with_what_it_grants_what_for_and_its_model(path) -> None:
    opening = path.read_text().partition("#}")[0]
    assert re.match(r"\{# Grants .*\.\n   For: .*\.\n   Modelled on: .*article's", opening, re.DOTALL)


@pytest.mark.parametrize("folder", sorted({folder for folder, _ in LEVELS}))
def test_no_level_changes_a_logical_id_or_a_policy_name(project: Project, folder: str) -> None:
    names = {}
    for level in [level for other, level in LEVELS if other == folder]:
        resources = rendered(project, {folder: grant(folder, level)}, {"it": {"name": "it"}})
        names[level] = {key: resource["Properties"]["PolicyName"] for key, resource in resources.items()}
    for one, other in itertools.combinations(names, 2):
        assert names[one] == names[other], (one, other)


@pytest.mark.parametrize(
    ("folder", "level", "target", "expected"),
    [
        ("sqs", "consume", {"name": "q"}, [f"arn:${{AWS::Partition}}:sqs:{PLACE}:q"]),
        ("sqs", "send", {"import": "E-${EnvType}"}, [f"arn:${{AWS::Partition}}:sqs:{PLACE}:{{E-${{EnvType}}}}"]),
        ("sqs", "send", {"arn": "arn:aws:sqs:eu-west-1:1:q"}, ["arn:aws:sqs:eu-west-1:1:q"]),
        (
            "dynamodb", "read-write", {"import": "T"},
            [f"arn:${{AWS::Partition}}:dynamodb:{PLACE}:table/{{T}}", f"arn:${{AWS::Partition}}:dynamodb:{PLACE}:table/{{T}}/index/*"],
        ),
        ("dynamodb", "read", {"arn": "arn:aws:dynamodb:a:1:table/t"}, ["arn:aws:dynamodb:a:1:table/t", "arn:aws:dynamodb:a:1:table/t/index/*"]),
        ("rds", "describe", {"name": "db"}, [f"arn:${{AWS::Partition}}:rds:{PLACE}:db:db"]),
        ("rds", "connect", {"name": "db-ABC/app"}, [f"arn:${{AWS::Partition}}:rds-db:{PLACE}:dbuser:db-ABC/app"]),
        ("s3", "full", {"import": "B"}, ["{B}/*"]),
        ("s3", "full", {"name": "b"}, ["arn:${AWS::Partition}:s3:::b/*"]),
        ("s3", "read", {"import": "B"}, ["{B}", "{B}/*"]),
        ("s3", "read-write", {"name": "b"}, ["arn:${AWS::Partition}:s3:::b", "arn:${AWS::Partition}:s3:::b/*"]),
        ("s3", "read-write-objects", {"arn": "arn:aws:s3:::b"}, ["arn:aws:s3:::b/*"]),
        ("ssm", "read", {"name": "p"}, [f"arn:${{AWS::Partition}}:ssm:{PLACE}:parameter/p"]),
        ("ssm", "read", {"name": "/a/p"}, [f"arn:${{AWS::Partition}}:ssm:{PLACE}:parameter/a/p"]),
        ("ssm", "read", {"name": "/a/"}, [f"arn:${{AWS::Partition}}:ssm:{PLACE}:parameter/a", f"arn:${{AWS::Partition}}:ssm:{PLACE}:parameter/a/*"]),
        (
            "cloudformation", "read", {"name": "s"},
            ["*", f"arn:${{AWS::Partition}}:cloudformation:{PLACE}:stack/s/*", f"arn:${{AWS::Partition}}:cloudformation:{PLACE}:stack/s-*/*"],
        ),
        (
            "cloudformation", "read", {"arn": "arn:aws:cloudformation:a:1:stack/s/9a8b"},
            ["*", "arn:aws:cloudformation:a:1:stack/s/*", "arn:aws:cloudformation:a:1:stack/s-*/*"],
        ),
        (
            "elasticache", "describe", {"arn": "arn:aws:elasticache:a:1:replicationgroup:g"},
            ["arn:aws:elasticache:a:1:replicationgroup:g", "arn:aws:elasticache:a:1:cluster:g-*"],
        ),
    ],
)  # fmt: skip
def test_a_level_is_narrowed_to_its_target(project: Project, folder, level, target, expected) -> None:
    ((_, resource),) = rendered(project, {folder: {level: "it"}}, {"it": target}).items()
    assert arns(resource) == expected


def test_only_actions_without_a_resource_type_have_every_resource(project: Project) -> None:
    for folder, level in LEVELS:
        if level == "full":
            continue
        ((_, resource),) = rendered(project, {folder: {level: "it"}}, {"it": {"name": "it"}}).items()
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Resource"] == "*":
                assert statement["Action"] == ["cloudformation:ListExports"]


def test_a_parameter_path_may_be_listed_and_a_parameter_may_not(project: Project) -> None:
    for name, listed in (("/app/", True), ("/app/password", False)):
        resource = rendered(project, {"ssm": {"read": "it"}}, {"it": {"name": name}})["SSMAccessPolicy"]
        assert ("ssm:GetParametersByPath" in json.dumps(resource)) is listed


def test_one_policy_holds_several_grants_each_on_its_own_target(project: Project) -> None:
    policies = {"sqs": [{"consume": "one"}, {"send": "two"}]}
    resources = rendered(project, policies, {"one": {"name": "q1"}, "two": {"name": "q2"}})
    statements = resources["SQSAccessPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    by_queue = {spelled(statement["Resource"][0]).rpartition(":")[2]: statement["Action"] for statement in statements}
    assert "sqs:ReceiveMessage" in by_queue["q1"]
    assert "sqs:SendMessage" not in by_queue["q1"]
    assert "sqs:SendMessage" in by_queue["q2"]
    assert "sqs:ReceiveMessage" not in by_queue["q2"]
    text = project.read("out/Dev/sample-ecs-taskrole-app-cfn.yml")
    assert "  # consume one (policies/sqs/consume.yml.j2)\n  # send two (policies/sqs/send.yml.j2)\n  SQSAccess" in text


def test_staging_and_production_ship_alike_but_for_the_name() -> None:
    for service in ("backend", "frontend"):
        staging, production = (
            (HERE / f"out/{name}/sample-ecs-taskrole-{service}-cfn.yml").read_text()
            for name in ("Staging", "Production")
        )
        assert staging.replace("Staging", "Production") == production


def test_a_change_of_one_partial_renders_only_what_uses_it(project: Project) -> None:
    project.render()
    origins = {line.split()[3]: line.split()[1] for line in project.read(".cache/render").split("\n\n")[1].split("\n")}
    project.replace("policies/sqs/send.yml.j2", "sqs:GetQueueUrl", "sqs:ListQueueTags")
    printed = project.render()
    after = {line.split()[3]: line.split()[1] for line in project.read(".cache/render").split("\n\n")[1].split("\n")}
    changed = {path for path in origins if origins[path] != after[path]}
    assert changed == {f"out/{name}/sample-ecs-taskrole-frontend-cfn.yml" for name in ("Staging", "Production")}
    assert set(printed.split()) - {"wrote", "out/ACCESS.md"} == changed


@pytest.mark.parametrize(
    ("statement", "mark"),
    [
        ('Action: "sqs:GetQueueUrl", Resource: "*"', "🟢"),
        ('Action: "sqs:DeleteQueue", Resource: "*"', "🟡"),
        ('Action: "sqs:Get*", Resource: "*"', "🔴"),
        ('NotAction: "sqs:GetQueueUrl", Resource: "*"', "🔴"),
    ],
)
def test_the_overview_tells_reading_from_writing_from_wildcards(project: Project, statement: str, mark: str) -> None:
    project.write(
        "policies/sqs/some.yml.j2",
        f"- {{Effect: Allow, {statement}}}\n- {{Effect: Deny, Action: 'sqs:*', Resource: '*'}}\n",
    )
    rendered(project, {"sqs": "some"}, {})
    assert f"| {mark} some |" in project.read("out/ACCESS.md")

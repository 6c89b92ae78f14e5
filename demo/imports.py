"""What the templates of out/ import and no stack of a local AWS exports, and the task roles they name: made up there."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_aws import client

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from taskroles.access.environments import Environment, by_importance, environments_in, require  # noqa: E402
from taskroles.access.template import parse_template  # noqa: E402
from taskroles.deploying.aws import Account  # noqa: E402
from taskroles.deploying.templates import imported, parameter_values, policies, resolve  # noqa: E402
from taskroles.faults import BadInput, printable  # noqa: E402, F401

if TYPE_CHECKING:
    from types import ModuleType

TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "ecs-tasks.amazonaws.com", "AWS": {"Ref": "AWS::AccountId"}},
    },
}


def environments(folder: Path = ROOT) -> dict[str, Environment]:
    """Return the environments of out/ in a folder by name, the most important first."""
    paths = sorted(folder.glob("out/*/environment.yml"))
    found = environments_in({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})
    return {name: found[name] for name in by_importance(found.values())}


def prepared(aws: dict[str, str], name: str) -> dict[str, str]:
    """Deploy all that the templates of an environment import; return `aws` in its account and region.

    Raises RuntimeError if out/ has no environment of that name.
    """
    found = environments()
    try:
        require("environment", name, found)
    except BadInput as error:
        raise RuntimeError(str(error)) from None
    aws = in_account(aws, found[name])
    if the_sample := sample(found):
        the_sample.deploy(aws, name)
    deploy_imports(aws, found[name])
    return aws


def in_account(aws: dict[str, str], environment: Environment) -> dict[str, str]:
    """Return `aws` in the account and region of an environment: an account's number is the key of its root there."""
    given = {"AWS_ACCESS_KEY_ID": environment.account, "AWS_DEFAULT_REGION": environment.region}
    return aws | {name: value for name, value in given.items() if value}


def sample(found: dict[str, Environment]) -> ModuleType | None:
    """Return what the article's sample has of its own; None where it was deleted, or out/ is of another table."""
    if not Path(__file__).with_name("sample_calls.py").exists():
        return None
    import sample_calls

    return sample_calls if found.keys() >= set(sample_calls.ENVIRONMENTS) else None


def deploy_imports(aws: dict[str, str], environment: Environment, folder: Path = ROOT) -> None:
    """Deploy one stack with what the templates of an environment need and `aws` lacks: task roles and exports."""
    values, exports = values_of(aws, environment), exports_of(aws)
    pages = client(aws, "iam").get_paginator("list_roles").paginate()
    roles = {role["RoleName"] for page in pages for role in page["Roles"]}
    resources: dict[str, Any] = {}
    outputs: dict[str, Any] = {}

    def add_role(text: str, **properties: str) -> dict[str, str]:
        # As CloudFormation names roles: STACK-LOGICALID-RANDOM, which holds the words of the export.
        logical_id = f"Role{len(resources)}" + re.sub(r"\$\{[^}]*\}|\W", "", text)
        trust = {"AssumeRolePolicyDocument": TRUST}
        resources[logical_id] = {"Type": "AWS::IAM::Role", "Properties": trust | properties}
        return {"Ref": logical_id}

    def add_export(name: str, value: Any) -> None:
        exports[name] = ""
        outputs[f"Export{len(outputs)}"] = {"Value": value, "Export": {"Name": name}}

    for service, role in environment.task_roles.items():
        path = environment.template(service)
        template = parse_template((folder / path).read_text(encoding="utf-8"), path)
        text = resolve({"Fn::Sub": role.text}, values, {})
        if role.by == "export" and text not in exports:
            add_export(text, add_role(role.text))
        elif role.by == "name" and text not in roles:
            roles.add(text)
            add_role(role.text, RoleName=text)
        for name, value in made_up(template, values).items():
            if name not in exports:
                add_export(name, value)
    if resources or outputs:
        resources = resources or {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
        deploy_stack(aws, f"imports-of-{environment.name}", json.dumps({"Resources": resources, "Outputs": outputs}))


def made_up(template: dict[str, Any], values: dict[str, str]) -> dict[str, str]:
    """Return a value for each export that a template imports: an ARN where one is needed as it is, else a name."""
    found = {}
    for policy in policies(template):
        for statement in policy["PolicyDocument"]["Statement"]:
            aws_service = statement["Action"][0].partition(":")[0]
            place = "::" if aws_service == "s3" else f"{values['AWS::Region']}:{values['AWS::AccountId']}:"
            for resource in listed(statement["Resource"]):
                for export in imported(resource, values):
                    name = re.sub("[^a-z0-9-]+", "-", export.lower())
                    found[export] = name if "Fn::Sub" in resource else f"arn:aws:{aws_service}:{place}{name}"
    return found


def listed(value: Any) -> list[Any]:
    """Return what a policy document writes as one or as a list of them."""
    return value if isinstance(value, list) else [value]


def deploy_stack(aws: dict[str, str], name: str, template: str, **parameters: str) -> None:
    """Create a stack and wait until it is there."""
    cloudformation = client(aws, "cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    patience = {"Delay": 0.1, "MaxAttempts": 3000}
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=patience)


def values_of(aws: dict[str, str], environment: Environment) -> dict[str, str]:
    """Return what names in the templates of an environment mean in `aws`."""
    identity = client(aws, "sts").get_caller_identity()
    account = Account(identity["Account"], aws["AWS_DEFAULT_REGION"], "aws", identity["Arn"])
    return parameter_values({}, account, None, **environment.parameters)


def exports_of(aws: dict[str, str]) -> dict[str, str]:
    """Return all exports, name to value."""
    pages = client(aws, "cloudformation").get_paginator("list_exports").paginate()
    return {export["Name"]: export["Value"] for page in pages for export in page["Exports"]}


def task_roles(aws: dict[str, str], environment: Environment) -> dict[str, str]:
    """Return the name of each service's task role in an environment."""
    values, exports = values_of(aws, environment), exports_of(aws)
    texts = {service: resolve({"Fn::Sub": role.text}, values, {}) for service, role in environment.task_roles.items()}
    return {
        service: exports[texts[service]] if role.by == "export" else texts[service]
        for service, role in environment.task_roles.items()
    }

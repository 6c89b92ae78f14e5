"""The least policy of who deploys: what a preview, a deploy, drift and a destroy of these very stacks and roles take.

All is told from out/ alone. tests/e2e/test_least_policy.py holds it against what is asked of AWS, call by call.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.deploying.settings import given_parameters
from taskroles.faults import BadInput
from taskroles.names import role_fault, substituted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from taskroles.access.environments import Environment

ANY = "*"
MOST_CHARACTERS = 6144  # of a managed policy, blanks not counted (IAM quotas)
MOST_POLICIES = 10  # on a principal, unless AWS was asked for more
LONGEST_BODY = 51200  # bytes of a template that CloudFormation takes without a bucket
# What the AWS CLI names change sets (awscli, customizations/cloudformation/deployer.py).
CHANGE_SETS = "changeSet/awscli-cloudformation-package-deploy-*/*"
IN_CLOUDFORMATION = "arn:*:cloudformation:${{AWS::Region}}:${{AWS::AccountId}}:{}".format
ROLE = "arn:*:iam::${{AWS::AccountId}}:role/{}".format
IN_THE_REGION = {"StringEquals": {"aws:RequestedRegion": "${AWS::Region}"}}
BY_CLOUDFORMATION = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
LONGEST = {"AWS::Region": "us-isof-south-1", "AWS::AccountId": "1" * 12, "Role": "r" * 64}  # what AWS may fill in


class Resource(NamedTuple):
    """An ARN as `Fn::Sub` takes it; with an export, `${Role}` stands for the value of that."""

    arn: str
    export: str = ""


class Statement(NamedTuple):
    """A statement, and in a sentence what it is for; its Sid says the same where a document takes no comments."""

    sid: str
    why: str
    actions: tuple[str, ...]
    resources: tuple[Resource, ...]
    condition: Mapping[str, Mapping[str, str]] = {}


def whole_region() -> list[Statement]:
    """Return what is asked of no single stack, and of stacks that out/ does not know."""
    return [
        Statement(
            "AskWhatIsThere",
            "No call of these names a stack; one that describes all stacks takes ListStacks too.",
            (
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
                "cloudformation:ListExports",
                "cloudformation:ListImports",
                "cloudformation:ListStacks",
            ),
            (Resource("*"),),
            IN_THE_REGION,
        ),
        Statement(
            "NotLeastReadAnyStackToTellWhoOwnsPolicies",
            "Not least: which other stacks make our roles and put policies on them, out/ does not know.",
            ("cloudformation:GetTemplate", "cloudformation:ListStackResources"),
            (Resource(IN_CLOUDFORMATION("stack/*/*")),),
        ),
        Statement(
            "TagChangeSets",
            "A stack's tags are given to its change set first.",
            ("cloudformation:TagResource",),
            (Resource(IN_CLOUDFORMATION(CHANGE_SETS)),),
            {"StringEquals": {"cloudformation:CreateAction": "CreateChangeSet"}},
        ),
    ]


def of_services(stacks: Sequence[Resource], roles: Sequence[Resource], *, protected: bool) -> list[Statement]:
    """Return what is asked of these stacks and roles."""
    actions = [
        "CreateChangeSet",
        "DeleteChangeSet",
        "DeleteStack",
        "DescribeChangeSet",
        "DescribeStackEvents",
        "ExecuteChangeSet",
        "GetTemplateSummary",
        "ListChangeSets",
        "TagResource",
        "UntagResource",
        *(["UpdateTerminationProtection"] if protected else []),
    ]
    return [
        Statement(
            "TheStacks",
            "What deploys and deletes our stacks, and follows it.",
            tuple(f"cloudformation:{action}" for action in actions),
            tuple(stacks),
        ),
        Statement(
            "ReadTheTaskRoles",
            "Drift, and CloudFormation before it writes.",
            ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
            tuple(roles),
        ),
        Statement(
            "WriteTheTaskRolesByCloudFormationAlone",
            "CloudFormation writes with the rights of who asks it to, and nobody writes past it.",
            ("iam:DeleteRolePolicy", "iam:PutRolePolicy"),
            tuple(roles),
            BY_CLOUDFORMATION,
        ),
    ]


# --- whose stacks and roles --------------------


def known(environment: Environment) -> dict[str, str]:
    """Return what out/ says of an environment's account and region."""
    said = {"AWS::AccountId": environment.account, "AWS::Region": environment.region}
    return {name: value for name, value in said.items() if value}


def given_roles(words: Sequence[str], services: Sequence[str]) -> dict[str, str]:
    """Return the names of roles by service, from SERVICE=NAME (PATH/NAME of one with a path). Raises BadInput."""
    found, faults = {}, []
    for word in words:
        service, _, name = word.partition("=")
        if service not in services or not name:
            faults.append(f"ROLES: {word!r} is not SERVICE=NAME, of one of the services {', '.join(services)}")
        elif fault := role_fault(name.rpartition("/")[2]):
            faults.append(f"ROLES: {fault}")
        found[service] = name.lstrip("/")
    if faults:
        raise BadInput(faults)
    return found


def task_role(environment: Environment, service: str, given: Mapping[str, str]) -> Resource:
    """Return the ARN of the task role of a service; `given` are names of roles by service.

    `${Role}` stands for a name that an export holds, and other `${...}` for what AWS fills in.
    """
    role = environment.task_roles[service]
    if service in given:
        return Resource(ROLE(given[service]))
    name = substituted(role.text, {**environment.parameters, **given_parameters(), **known(environment)})
    return Resource(ROLE("${Role}"), name) if role.by == "export" else Resource(ROLE(name))


def not_named(environment: Environment, services: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the services whose task roles have names that out/ does not say, each with what it does say."""
    roles = {service: task_role(environment, service, given) for service in services}
    names = {service: role.arn.rpartition("role/")[2] for service, role in roles.items()}
    exports = {service: f"export {role.export}" for service, role in roles.items() if role.export}
    return {service: name for service, name in names.items() if "${" in name} | exports


# --- policies --------------------


def policies(environment: Environment, services: Sequence[str], given: Mapping[str, str]) -> list[list[Statement]]:
    """Return the statements of as many policies as IAM's limit takes. Raises BadInput if there are no services."""
    if not services:
        raise BadInput([f"out/{environment.name} has no templates: nothing to deploy"])
    stacks = [Resource(IN_CLOUDFORMATION(f"stack/{environment.stack(service)}/*")) for service in services]
    roles = list(dict.fromkeys(task_role(environment, service, given) for service in services))
    found: list[list[Statement]] = [[]]
    for statement in (*whole_region(), *of_services(stacks, roles, protected=environment.protected)):
        for resource in statement.resources:
            longer = with_resource(found[-1], statement, resource)
            if size(longer, LONGEST | known(environment)) <= MOST_CHARACTERS:
                found[-1] = longer
            else:
                found.append(with_resource([], statement, resource))
    return found


def with_resource(statements: Sequence[Statement], statement: Statement, resource: Resource) -> list[Statement]:
    """Return statements of which the last is `statement`, and names one resource more."""
    *before, last = statements or [None]
    if last and last.sid == statement.sid:
        return [*before, statement._replace(resources=(*last.resources, resource))]
    return [*statements, statement._replace(resources=(resource,))]


def size(statements: Sequence[Statement], values: Mapping[str, str]) -> int:
    """Return how many characters IAM counts of a policy."""
    return len(json.dumps(document(statements, values), separators=(",", ":")))


def document(statements: Sequence[Statement], values: Mapping[str, str]) -> dict[str, Any]:
    """Return a policy document with values for `${...}`."""
    return {"Version": "2012-10-17", "Statement": [_statement(each, values) for each in statements]}


def _statement(each: Statement, values: Mapping[str, str]) -> dict[str, Any]:
    """Return a statement with values for `${...}`. One that holds in every region says so."""
    statement: dict[str, Any] = {
        "Sid": each.sid,
        "Effect": "Allow",
        "Action": list(each.actions),
        "Resource": [substituted(resource.arn, values) for resource in each.resources],
        "Condition": {
            operator: {key: substituted(value, values) for key, value in keys.items()}
            for operator, keys in each.condition.items()
        },
    }
    if values.get("AWS::Region") == ANY and "${AWS::Region}" in f"{each.resources}{each.condition}":
        statement["Sid"] += "InEveryRegion"
    if not each.condition or (each.condition == IN_THE_REGION and values.get("AWS::Region") == ANY):
        del statement["Condition"]
    return statement


def remarks(environment: Environment, form: str, written: str, count: int) -> list[str]:
    """Return what to know of the policies as they were written, a sentence each."""
    said = []
    unsaid = [name for name in ("account", "region") if not getattr(environment, name)]
    if unsaid and form == "json":
        said.append(f"{environment.path} names no {' and no '.join(unsaid)}: {ANY} stands there")
    if count > 1:
        said.append(f"{count} policies: IAM counts {MOST_CHARACTERS:,} characters of one at the most")
    if count > MOST_POLICIES:
        said.append(
            f"a principal takes {MOST_POLICIES} policies unless AWS was asked for more (IAM quotas): "
            "ask, or let a deployer have some of the services (SERVICE=)"
        )
    if form != "json" and len(written.encode()) > LONGEST_BODY:
        said.append(f"CloudFormation takes a template of over {LONGEST_BODY:,} bytes from a bucket alone (--s3-bucket)")
    return said


# --- as a policy document --------------------


def as_json(environment: Environment, services: Sequence[str], given: Mapping[str, str]) -> str:
    """Return the policy document, or a list of them. Raises BadInput where out/ does not say what a role is called."""
    if unknown := not_named(environment, services, given):
        roles = " ".join(f"{service}=NAME" for service in unknown)
        lines = [
            "out/ does not say what these task roles are called, and a policy for any role would not be the least:"
        ]
        lines += [f"  {service}: {said}" for service, said in unknown.items()]
        raise BadInput([*lines, f'say it (ROLES="{roles}"), or take FORMAT=cloudformation, which imports it'])
    values = {"AWS::Region": ANY, "AWS::AccountId": ANY} | known(environment)
    written = [document(each, values) for each in policies(environment, services, given)]
    return json.dumps(written if len(written) > 1 else written[0], indent=2) + "\n"


# --- as a template --------------------


def as_template(environment: Environment, services: Sequence[str], given: Mapping[str, str]) -> str:
    """Return a CloudFormation template of the policies, which attaches them to the roles in its parameter."""
    found = policies(environment, services, given)
    ids = ["Deployer", *(f"Deployer{number}" for number in range(2, len(found) + 1))]
    written = HEAD.format(environment=environment.name)
    for logical_id, statements in zip(ids, found, strict=True):
        written += POLICY.format(id=logical_id, environment=environment.name)
        lines = (line for each in statements for line in _lines(each, known(environment)))
        written += "".join(f"{'':10}{line}\n" for line in lines)
    return written + TAIL.format(ids=", ".join(f"!Ref {logical_id}" for logical_id in ids))


HEAD = """\
# Written by `make deployer`: the least that a principal needs to preview, deploy, drift and destroy these very stacks.
AWSTemplateFormatVersion: "2010-09-09"
Description: "What deploys the task roles' policies in {environment} may do"

Parameters:
  Roles:
    Description: The names of the roles that deploy, with commas between; without any, attach what Outputs lists.
    Type: CommaDelimitedList
    Default: ""

Conditions:
  HasRoles: !Not [!Equals [!Join ["", !Ref Roles], ""]]

Resources:
"""
POLICY = """\
  {id}:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Description: "Deploys the task roles' policies in {environment}"
      Roles: !If [HasRoles, !Ref Roles, !Ref "AWS::NoValue"]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
"""
TAIL = """
Outputs:
  Policies:
    Description: The ARNs of the policies.
    Value: !Join [",", [{ids}]]
"""


def _lines(each: Statement, values: Mapping[str, str]) -> Iterator[str]:
    """Yield a statement as YAML."""
    yield f"# {each.why}"
    yield f"- Sid: {each.sid}"
    yield "  Effect: Allow"
    yield "  Action:"
    yield from (f'    - "{action}"' for action in each.actions)
    yield "  Resource:"
    for resource in each.resources:
        arn = text(resource.arn, values)
        if resource.export:
            export = text(resource.export, values)
            arn = f"!Sub [{arn.removeprefix('!Sub ')}, {{Role: {{Fn::ImportValue: {export}}}}}]"
        yield f"    - {arn}"
    if each.condition:
        yield "  Condition:"
        for operator, keys in each.condition.items():
            for key, value in keys.items():
                yield f"    {json.dumps(operator)}: {{{json.dumps(key)}: {text(value, values)}}}"


def text(written: str, values: Mapping[str, str]) -> str:
    """Return a text as YAML, with `!Sub` where AWS fills something in."""
    written = substituted(written, values)
    return ("!Sub " if "${" in written else "") + json.dumps(written, ensure_ascii=False)

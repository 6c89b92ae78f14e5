"""What AWS holds, asked through botocore: stacks, templates, exports. Reads only; deploy.sh alone changes AWS."""

from __future__ import annotations

import functools
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.faults import BadInput, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from botocore.client import BaseClient
    from botocore.session import Session

    from taskroles.access.environments import Environment

NEVER_CAME_UP = {"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE"}


class Refused(Exception):
    """A check failed: the message says what, and the exit code is 1."""


class Account(NamedTuple):
    """Where the credentials lead."""

    id: str
    region: str
    partition: str
    principal: str


@functools.cache
def client(service: str) -> BaseClient:
    """Return a client that takes profile, region and endpoint from where the AWS CLI takes them.

    Raises BadInput if one of these is none.
    """
    try:
        return session().create_client(service)
    except ValueError as error:
        message = f"AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS or what ~/.aws/config has for them is wrong: {error}"
        raise BadInput([message]) from error


@functools.cache
def session() -> Session:
    """Return the one session: its clients share credentials, so that a second factor is asked for once.

    botocore reads AWS_DEFAULT_REGION alone; as deploy.sh does, AWS_REGION goes before it.
    """
    from botocore.session import Session

    made = Session()
    if os.environ.get("AWS_REGION"):
        made.set_config_variable("region", os.environ["AWS_REGION"])
    return made


def pages(service: str, operation: str, key: str, **arguments: str) -> Iterator[dict[str, Any]]:
    """Yield every item of a paginated answer."""
    for page in client(service).get_paginator(operation).paginate(**arguments):
        yield from page[key]


@functools.cache
def caller() -> Account:
    """Return the account, region and principal that the credentials lead to."""
    region = client("cloudformation").meta.region_name
    identity = client("sts").get_caller_identity()
    return Account(identity["Account"], region, identity["Arn"].split(":")[1], identity["Arn"])


def account_of(environment: Environment) -> Account:
    """Return where the credentials lead. Raises Refused if that is not where the environment is."""
    account = caller()
    asked = {"account": (environment.account, account.id), "region": (environment.region, account.region)}
    wrong = [
        f"{environment.name} is in {key} {wanted}, and the credentials lead to {key} {found}"
        for key, (wanted, found) in asked.items()
        if wanted and wanted != found
    ]
    if wrong:
        raise Refused("; ".join([*map(printable, wrong), f"{environment.path} says so; nothing else was asked of AWS"]))
    return account


def find_stack(name: str) -> dict[str, Any] | None:
    """Return a stack by its name or id as DescribeStacks gives it, or None."""
    from botocore.exceptions import ClientError

    try:
        return client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def strays(environment: Environment) -> list[str]:
    """Return the services that have a stack in an environment and no template in its folder.

    Its name alone does not make a stack one of ours, since a pattern may fit the names of others: deploy.sh tags it.
    Raises Refused as `account_of`, before it looks.
    """
    account_of(environment)
    found = set()
    for stack in pages("cloudformation", "describe_stacks", "Stacks"):
        tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
        service = environment.service_of_stack(stack["StackName"])
        if service and (tags.get("service"), tags.get("environment")) == (service, environment.name):
            found.add(service)
    return sorted(found - set(environment.task_roles))


def came_up(stack: dict[str, Any] | None) -> bool:
    """Tell whether a stack exists and has ever been created whole."""
    return stack is not None and stack["StackStatus"] not in NEVER_CAME_UP


def template_of(name: str) -> str:
    """Return the text of the template that a stack has now."""
    body = client("cloudformation").get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)  # YAML knows no surrogate pairs


def deployed_templates(environment: Environment, services: Iterable[str]) -> dict[str, bytes]:
    """Return the templates deployed now, by the paths that they have in out/. One that is not deployed is absent.

    Raises Refused as `account_of`, and what botocore raises (see `aws_errors`) if AWS cannot be asked.
    """
    account_of(environment)
    stacks = {service: environment.stack(service) for service in services}
    return {
        environment.template(service): template_of(stack).encode()
        for service, stack in stacks.items()
        if came_up(find_stack(stack))
    }


@functools.cache
def all_exports() -> dict[str, str]:
    """Return the exports of the account and region: name to value."""
    return {item["Name"]: item["Value"] for item in pages("cloudformation", "list_exports", "Exports")}


def importers(export: str) -> list[str]:
    """Return the names of the stacks that import an export."""
    from botocore.exceptions import ClientError

    try:
        return list(pages("cloudformation", "list_imports", "Imports", ExportName=export))
    except ClientError as error:
        if "is not imported by any stack" in str(error):
            return []
        raise


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what botocore raises."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def heading(environment: Environment, account: Account) -> str:
    """Return the line that says where we are."""
    return printable(f"{environment.name}: account {account.id}, {account.region}, as {account.principal}")

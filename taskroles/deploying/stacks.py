"""What AWS holds: stacks, templates, exports."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from taskroles.deploying.aws import account_of, ask, pages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskroles.access.environments import Environment

NEVER_CAME_UP = {"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE"}


def find_stack(name: str) -> dict[str, Any] | None:
    """Return a stack by its name or id as DescribeStacks gives it, or None."""
    from botocore.exceptions import ClientError

    try:
        return ask("cloudformation", "describe_stacks", StackName=name)["Stacks"][0]
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
    body = ask("cloudformation", "get_template", StackName=name, TemplateStage="Original")["TemplateBody"]
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

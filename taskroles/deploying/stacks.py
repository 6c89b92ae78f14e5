"""What AWS holds: stacks, templates, exports."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

from taskroles.access.environments import Environment
from taskroles.deploying.aws import Unanswered, account_of, ask, at_once, pages
from taskroles.faults import printable
from taskroles.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


@functools.cache
def all_stacks() -> dict[str, dict[str, Any]]:
    """Return all stacks of the account and region as they are now, by name: asked once, however many are looked at.

    LocalStack gives those that are deleted as well.
    """
    stacks = pages("cloudformation", "describe_stacks", "Stacks")
    return {stack["StackName"]: stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"}


def tags_of(described: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a stack or change set."""
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}


def is_of(tagged: dict[str, Any], environment: Environment, service: str) -> bool:
    """Tell whether deploy.sh has tagged a stack or change set as a service's in an environment."""
    tags = tags_of(tagged)
    return (tags.get("service"), tags.get("environment")) == (service, environment.name)


def is_ours(stack: dict[str, Any], environment: Environment, service: str) -> bool:
    """Tell whether a stack that has a service's name is that service's: deploy.sh has tagged it.

    One that was never executed has no resources; it is whose its change sets are.
    """
    if is_of(stack, environment, service):
        return True
    if stack["StackStatus"] != "REVIEW_IN_PROGRESS" or stack.get("Tags"):
        return False
    return all(is_of(made, environment, service) for made in change_sets(stack["StackName"]))


def change_sets(name: str) -> list[dict[str, Any]]:
    """Return the change sets of a stack as DescribeChangeSet gives them, with their tags; not those that are gone."""
    from botocore.exceptions import ClientError

    found = []
    try:
        listed = list(pages("cloudformation", "list_change_sets", "Summaries", StackName=name))
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    for item in listed:
        try:
            found.append(
                ask("cloudformation", "describe_change_set", StackName=name, ChangeSetName=item["ChangeSetId"])
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ChangeSetNotFound":  # another deploy takes its own away
                raise
    return found


def deployed_services(environment: Environment) -> dict[str, str]:
    """Return the stacks of an environment, by service, whether or not out/ still has it.

    Its name alone does not make a stack one of ours, since a pattern may fit the names of others: deploy.sh tags it.
    Raises Refused as `account_of`, before it looks.
    """
    account_of(environment)
    found = {}
    for name, stack in all_stacks().items():
        service = environment.service_of_stack(name)
        if service and is_of(stack, environment, service):
            found[service] = name
    return dict(sorted(found.items()))


def gone_environments(known: Iterable[Environment]) -> dict[str, Environment]:
    """Return the environments that have stacks of ours and that out/ no longer has, by name.

    What their stacks were called is told from what those of the others are: the same, but for the environment's name.
    """
    known = list(known)
    found = {}
    for stack in all_stacks().values():
        name = tags_of(stack).get("environment", "")
        for other in () if name in {each.name for each in known} else known:
            for pattern in renamed(other, name):
                gone = other_environment(name)._replace(names=Names(stack=pattern))
                service = gone.service_of_stack(stack["StackName"])
                if name and service and is_of(stack, gone, service):
                    found[name] = gone
    return found


def renamed(environment: Environment, name: str) -> Iterator[str]:
    """Yield what the pattern of an environment's stacks may be in one of another name: its own may stand there by chance."""
    pattern = environment.names.stack
    for was, now in ((environment.name.lower(), name.lower()), (environment.name, name)):
        places = [match.span() for match in re.finditer(re.escape(was), pattern)]
        found = [pattern.replace(was, now), *(pattern[:begin] + now + pattern[end:] for begin, end in places)]
        yield from (each for each in dict.fromkeys(found) if "{service}" in each)


def other_environment(name: str) -> Environment:
    """Return an environment of which out/ says nothing."""
    return Environment(name, Names(), described=False)


def is_guarded(stack: dict[str, Any] | None) -> bool:
    """Tell whether a stack exists and has termination protection."""
    return stack is not None and bool(stack.get("EnableTerminationProtection"))


def guarded(stack: dict[str, Any] | None) -> str:
    """Return the word for whether a stack has termination protection, as deploy.sh reads it."""
    return "guarded" if is_guarded(stack) else "unguarded"


def came_up(stack: dict[str, Any] | None) -> bool:
    """Tell whether a stack exists and has ever been created whole."""
    return stack is not None and stack["StackStatus"] not in NEVER_CAME_UP


def template_of(name: str, change_set: str = "") -> str:
    """Return the text of the template that a stack has now, or that a change set would give it.

    The stack is named with its change set, so that IAM can judge by it (`make deployer`). Raises Unanswered if there is
    none in the answer, and what `ask` raises.
    """
    which = {"StackName": name, **({"ChangeSetName": change_set} if change_set else {})}
    body = ask("cloudformation", "get_template", TemplateStage="Original", **which).get("TemplateBody")
    if not body:
        what = "a change set of" if change_set else "stack"
        raise Unanswered(printable(f"GetTemplate of {what} {name} was answered without a template, as AWS never does"))
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)  # YAML knows no surrogate pairs


def holds(held: str, template: str) -> bool:
    """Tell whether a template that AWS gives back is this one.

    CloudFormation keeps question marks for what is not ASCII (aws-cdk, issue 10523: what was deployed comes back so).
    """
    return held.rstrip() in (template.rstrip(), re.sub(r"[^\x00-\x7f]", "?", template).rstrip())


def deployed_templates(environment: Environment, services: Iterable[str]) -> dict[str, bytes]:
    """Return the templates deployed now, by the paths that they have in out/. One that is not deployed is absent.

    Raises Refused as `account_of`, and what `ask` raises if AWS cannot be asked.
    """
    account_of(environment)
    stacks = {service: all_stacks().get(environment.stack(service)) for service in services}
    there = {service: stack["StackId"] for service, stack in stacks.items() if came_up(stack)}
    texts = at_once(template_of, there.values())
    return {environment.template(service): text.encode() for service, text in zip(there, texts, strict=True)}


@functools.cache
def listed_exports() -> list[dict[str, Any]]:
    """Return the exports of the account and region, each with the id of the stack that exports it."""
    return list(pages("cloudformation", "list_exports", "Exports"))


def all_exports() -> dict[str, str]:
    """Return the exports of the account and region: name to value."""
    return {item["Name"]: item["Value"] for item in listed_exports()}


def importers(export: str) -> list[str]:
    """Return the names of the stacks that import an export."""
    from botocore.exceptions import ClientError

    try:
        return list(pages("cloudformation", "list_imports", "Imports", ExportName=export))
    except ClientError as error:
        if "is not imported by any stack" in str(error):
            return []
        raise

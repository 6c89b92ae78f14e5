"""Change sets: what a deploy is about to change, and what planning left behind."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from taskroles.deploying.aws import pages
from taskroles.deploying.stacks import find_stack
from taskroles.faults import printable
from taskroles.terminal import columns, paint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from taskroles.access.environments import Environment


class Transcript(NamedTuple):
    """What the AWS CLI said about one service."""

    change_set: str | None
    stack_id: str | None
    error: str | None


def transcript(directory: Path, service: str) -> Transcript:
    """Read what the AWS CLI said about a service; `deploy.sh` ends it with the exit code of a failure."""
    text = (directory / service).read_text(encoding="utf-8")
    change_set = re.search(r"arn:\S+:changeSet/[^\s\"',]+", text)
    stack_id = re.search(r"arn:\S+:stack/[^\s\"',]+", text)
    error = None
    if failed := re.search(r"(?:^|\n)deploy\.sh: (aws .* ended with exit code \d+)\n", text):
        said = [line for line in text[: failed.start()].splitlines() if line and "Waiting for" not in line]
        error = printable(f"{said[-1] if said else 'it said nothing'} ({failed[1]})")
    return Transcript(change_set and change_set[0], stack_id and stack_id[0], error)


def changes(directory: Path, environment: Environment, services: Sequence[str]) -> int:
    """Print the change sets of all services as one table."""
    rows = []
    for service in services:
        change_set, _, error = transcript(directory, service)
        if error:
            rows.append([service, paint("failed", "31", sys.stdout), error, ""])
        elif change_set:
            rows += [[service, *change] for change in resource_changes(change_set)]
        else:
            rows.append([service, "no changes", "", ""])
    if all(row[1] == "no changes" for row in rows):
        print(f"{environment.name}: no changes in {', '.join(services)}")
    else:
        print("", *columns([["SERVICE", "CHANGE", "POLICY", "WHAT CHANGES"], *rows]), sep="\n")
    return 0


def resource_changes(change_set: str) -> Iterator[list[str]]:
    """Yield how, which policy and what of it, for each change of a change set."""
    only_tags = True
    for item in pages("cloudformation", "describe_change_set", "Changes", ChangeSetName=change_set):
        change = item["ResourceChange"]
        action, replacement = change["Action"].lower(), change.get("Replacement", "False")
        targets = (detail["Target"] for detail in change.get("Details", []))
        what = ", ".join(dict.fromkeys(target.get("Name", target["Attribute"]) for target in targets))
        if what == "Tags":  # a stack's new tag counts as a change of every resource
            continue
        only_tags = False
        if replacement == "True":
            action = "replace"
        elif replacement == "Conditional":
            what += " (AWS may replace it)"
        colour = {"add": "32", "modify": "33"}.get(action, "31")
        shown = printable(change["LogicalResourceId"]), printable(what.replace("Tags, ", ""))
        yield [paint(printable(action), colour, sys.stdout), *shown]
    if only_tags:
        yield ["modify", "", "the stack's tags"]


def leftovers(directory: Path, environment: Environment, services: Sequence[str]) -> int:
    """Print what planning left behind that was not executed, as `change-set ID` or `stack ID`.

    A stack is left behind by the change set that would have created it; a change set without changes stays in
    the stack as FAILED (the AWS CLI never deletes those).
    """
    for service in services:
        stack = find_stack(environment.stack(service))
        if stack is None or not (directory / service).exists():
            continue
        if stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            print("stack", stack["StackId"])
            continue
        ours = transcript(directory, service).change_set
        for item in pages("cloudformation", "list_change_sets", "Summaries", StackName=stack["StackName"]):
            made_by_cli = item["ChangeSetName"].startswith("awscli-cloudformation-package-deploy-")
            empty = item["Status"] == "FAILED" and "didn't contain changes" in item.get("StatusReason", "")
            not_executed = item["ChangeSetId"] == ours and item["ExecutionStatus"] == "AVAILABLE"
            if not_executed or (made_by_cli and empty):
                print("change-set", item["ChangeSetId"])
    return 0

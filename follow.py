"""Show what a deploy is about to change, and follow it while it runs.

    follow.py changes DIRECTORY ENV SERVICE ...               the change sets as one table
    follow.py events --token TOKEN DIRECTORY ENV SERVICE ...  each event, then how each service ended
    follow.py leftovers DIRECTORY ENV SERVICE ...             change sets and empty stacks that nobody needs

`deploy.sh` runs it. DIRECTORY holds a file for each service: what the AWS CLI has said about it. It only
reads AWS. Exit codes: 0 fine, 1 a service failed or AWS did not answer.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stacks import (
    chosen_services,
    columns,
    exit_code,
    find_stack,
    pages,
    paint,
    say,
    stack_name,
    state_problem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

POLL_SECONDS = 1
GRACE_SECONDS = 3  # for the events of a command that may have reached AWS before the AWS CLI died


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
        error = f"{said[-1] if said else 'it said nothing'} ({failed[1]})"
    return Transcript(change_set and change_set[0], stack_id and stack_id[0], error)


def changes(directory: Path, environment: str, services: Sequence[str]) -> int:
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
        print(f"{environment}: no changes in {', '.join(services)}")
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
        yield [paint(action, colour, sys.stdout), change["LogicalResourceId"], what.replace("Tags, ", "")]
    if only_tags:
        yield ["modify", "", "the stack's tags"]


def leftovers(directory: Path, environment: str, services: Sequence[str]) -> int:
    """Print what planning left behind that was not executed, as `change-set ID` or `stack ID`.

    A stack is left behind by the change set that would have created it; a change set without changes stays in
    the stack as FAILED (the AWS CLI never deletes those).
    """
    for service in services:
        stack = find_stack(stack_name(environment, service))
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


def follow(directory: Path, token: str, environment: str, services: Sequence[str]) -> int:
    """Print a line for each event of the operations started with the token; at last how each service ended.

    Returns 1 if one failed. One process prints for all, so that lines never mix.
    """
    width = max(map(len, chosen_services(environment, [])))
    verdicts: dict[str, str] = {}
    seen: dict[str, list[dict[str, Any]]] = {service: [] for service in services}
    started = time.monotonic()
    while True:
        for service in [service for service in services if service not in verdicts]:
            path = directory / service
            said = transcript(directory, service) if path.exists() else Transcript(None, None, None)
            if not (said.change_set or said.stack_id):
                nothing = "no changes" if path.exists() else "not deployed"
                verdicts[service] = f"failed: {said.error}" if said.error else nothing
                continue
            stack_id = said.stack_id or stack_name(environment, service)
            stack = find_stack(stack_id)
            events = operation_events(stack_id, token) if stack else []
            show_events(f"{service:<{width}}", events[len(seen[service]) :])
            seen[service] = events
            late = time.monotonic() - started > GRACE_SECONDS
            if verdict := outcome(stack, events, said.error, late=late):
                verdicts[service] = verdict
                say(*failure(service, environment, stack, events))
        if len(verdicts) == len(services):
            break
        time.sleep(POLL_SECONDS)
    print(*(f"{service:<{width}}  {verdicts[service]}" for service in services), sep="\n")
    return int(any(verdict.startswith("failed") for verdict in verdicts.values()))


def operation_events(stack_id: str, token: str) -> list[dict[str, Any]]:
    """Return the events of the operation that was started with a token, oldest first.

    All events of an operation carry its token (StackEvent, in the CloudFormation API Reference), and a stack
    has one operation at a time.
    """
    events = pages("cloudformation", "describe_stack_events", "StackEvents", StackName=stack_id)
    return list(itertools.takewhile(lambda event: event.get("ClientRequestToken") == token, events))[::-1]


def outcome(stack: dict[str, Any] | None, events: list[dict[str, Any]], error: str | None, *, late: bool) -> str | None:
    """Return how an operation ended, or None while it runs."""
    status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
    if status == "DELETE_COMPLETE":
        return "deleted"
    if not events:
        # The AWS CLI may have died after AWS had heard it: only silence afterwards means that nothing began.
        return f"failed: {error}" if error and late else None
    if status.endswith("_IN_PROGRESS"):
        return None
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return f"deployed ({status})"
    first = next(iter(failures(events)), None)
    return f"failed ({status})" + (f": {reason_line(first)}" if first else "")


def is_stack(event: dict[str, Any]) -> bool:
    """Tell whether an event is about the stack as a whole."""
    return event.get("PhysicalResourceId") == event["StackId"]


def failures(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events that say why an operation failed, the first cause first.

    The rest follows from them: resources that were cancelled, and the stack that counts up the failed.
    """
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    causes = [
        event
        for event in failed
        if not is_stack(event) and "cancelled" not in event.get("ResourceStatusReason", "").lower()
    ]
    return causes or [event for event in events if is_stack(event) and event.get("ResourceStatusReason")][-1:]


def reason_line(event: dict[str, Any]) -> str:
    """Return what failed and why, as one line."""
    reason = " ".join(event.get("ResourceStatusReason", "no reason given").split())
    return f"{event['LogicalResourceId']}: {reason}"


def show_events(service: str, events: list[dict[str, Any]]) -> None:
    """Print events as one line each, without those that a later one of the same resource makes old news."""
    latest = {event["LogicalResourceId"]: event["EventId"] for event in events}
    for event in events:
        status, name = event["ResourceStatus"], event["LogicalResourceId"]
        failed = status.endswith("_FAILED")
        if event["EventId"] != latest[name] and not failed:
            continue
        colour = "31" if failed or "ROLLBACK" in status else "2" if status.endswith("_IN_PROGRESS") else "32"
        clock = event["Timestamp"].astimezone().strftime("%H:%M:%S")
        reason = f"  {event.get('ResourceStatusReason', '')}" if failed and not is_stack(event) else ""
        what = "stack" if is_stack(event) else name
        say(f"{clock}  {service}  {what:<28}  {paint(status, colour)}{reason}")


def failure(service: str, environment: str, stack: dict[str, Any] | None, events: list[dict[str, Any]]) -> list[str]:
    """Return the lines that explain a failed operation to the person who has to repair it."""
    status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
    causes = failures(events)
    if not causes or status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"):
        return []
    if status == "UPDATE_ROLLBACK_COMPLETE":
        now = [f"{service}: CloudFormation has put back what was deployed before"]
    else:
        now = state_problem(service, stack)
    return [
        paint(f"\n{service} failed in {environment}. The reasons, first cause first:", "31"),
        *(f"  {number}. {reason_line(event)}" for number, event in enumerate(causes, 1)),
        *(f"  => {line}\n" for line in now),
    ]


def run(arguments: argparse.Namespace) -> int:
    """Run one command."""
    directory, environment, services = arguments.directory, arguments.environment, arguments.services
    match arguments.command:
        case "changes":
            return changes(directory, environment, services)
        case "events":
            return follow(directory, arguments.token, environment, services)
        case _:
            return leftovers(directory, environment, services)


def main(argv: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("command", choices=["changes", "events", "leftovers"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("environment")
    parser.add_argument("services", nargs="+")
    parser.add_argument("--token", help="the client request token that the operations were started with")
    arguments = parser.parse_args(argv)
    return exit_code(lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The events of what a deploy has started, followed until each stack rests; and why one failed, first cause first."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from taskroles.deploying.aws import pages
from taskroles.deploying.changes import Transcript, transcript
from taskroles.deploying.preflight import state_problem
from taskroles.deploying.stacks import find_stack
from taskroles.faults import printable
from taskroles.terminal import paint, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from taskroles.access.environments import Environment

POLL_SECONDS = 1
GRACE_SECONDS = 3  # for the events of a command that may have reached AWS before the AWS CLI died


def follow(directory: Path, token: str, environment: Environment, services: Sequence[str]) -> int:
    """Print a line for each event of the operations started with the token; at last how each service ended.

    Returns 1 if one failed. One process prints for all, so that lines never mix.
    """
    width = max(map(len, [*environment.task_roles, *services]))  # the same for each batch of services
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
            stack_id = said.stack_id or environment.stack(service)
            stack = find_stack(stack_id)
            events = operation_events(stack_id, token) if stack else []
            show_events(f"{service:<{width}}", events[len(seen[service]) :])
            seen[service] = events
            late = time.monotonic() - started > GRACE_SECONDS
            if verdict := outcome(stack, events, said.error, late=late):
                verdicts[service] = verdict
                say(*failure(service, environment.name, stack, events))
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
    return f"failed ({printable(status)})" + (f": {reason_line(first)}" if first else "")


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
    return printable(f"{event['LogicalResourceId']}: {reason}")


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
        say(f"{clock}  {service}  {printable(what):<28}  {paint(printable(status), colour)}{printable(reason)}")


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

"""The events of what a deploy has started, followed until each stack rests; and why one failed, first cause first."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.deploying.aws import at_once, aws_errors, elsewhere, no_access, pages
from taskroles.deploying.changes import transcript
from taskroles.deploying.preflight import state_problem
from taskroles.deploying.stacks import find_stack, tags_of
from taskroles.faults import printable
from taskroles.terminal import paint, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskroles.access.environments import Environment

POLL_SECONDS = 1
CALLS_A_SECOND = 10  # at the most, however many services are followed
GRACE_SECONDS = 10  # for events that AWS tells late
GRACE_OF_ERRORS = 3  # for those of a command that it may have heard before the AWS CLI died
MOST_EVENTS = 200  # of a stack, newest first, in which those of this run are looked for
ENDED_WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
DELETED = "failed: something else has deleted the stack"
CANNOT_GO_ON = 3  # the exit code where AWS could be asked no longer


class Followed(NamedTuple):
    """What is known of a service's operation: whether it deletes, the events so far, and since when nothing new came."""

    service: str
    stack_id: str
    deletes: bool
    error: str | None
    events: list[dict[str, Any]]
    silent_since: float
    overtaken: bool = False  # whether there are newer events of another's operation


def follow(token: str, environment: Environment, services: Sequence[str]) -> int:
    """Print a line for each event of the operations started with the token; at last how each service ended.

    Returns 1 if one failed, CANNOT_GO_ON if AWS could not be asked to the end. One process prints for all, so that lines
    never mix.
    """
    width = max(map(len, [*environment.task_roles, *services]))  # the same for each batch of services
    verdicts: dict[str, str] = {}
    running = list(begun(environment, services, verdicts))
    code = 0
    if gone := out_of_reach(services):
        say(paint(f"\ndeploy.sh: {gone}", "31"))
        verdicts |= {each.service: f"failed: {each.error or goes_on(each)}" for each in running}
        running, code = [], 1
    while running:
        try:
            looked = at_once(lambda each: look(each, token), running)
        except aws_errors() as error:
            say(paint(f"\ndeploy.sh: {no_access(error)}", "31"))
            verdicts |= {each.service: f"failed: {goes_on(each)}" for each in running}
            code = CANNOT_GO_ON
            break
        going = []
        for before, (each, verdict, stack) in zip(running, looked, strict=True):
            show_events(f"{each.service:<{width}}", each.events[len(before.events) :])
            if verdict:
                verdicts[each.service] = verdict
                say(*failure(each, environment.name, stack))
            else:
                going.append(each)
        running = going
        if running:
            time.sleep(max(POLL_SECONDS, len(running) / CALLS_A_SECOND))
    print(*(f"{service:<{width}}  {verdicts[service]}" for service in services), sep="\n")
    return code or int(any(verdict.startswith("failed") for verdict in verdicts.values()))


def out_of_reach(services: Sequence[str]) -> str:
    """Return where the credentials lead now, if that is not where the operations were begun; else ""."""
    places = {place for service in services if (place := transcript(service).place)}
    try:
        return next(filter(None, map(elsewhere, places)), "")
    except aws_errors():  # what is asked next says so
        return ""


def begun(environment: Environment, services: Sequence[str], verdicts: dict[str, str]) -> Iterator[Followed]:
    """Yield the operations that may have begun; of the other services, `verdicts` gets how they stand."""
    for service in services:
        said = transcript(service)
        if said.change_set or said.deleting:
            stack_id = said.deleting or environment.stack(service)
            yield Followed(service, stack_id, bool(said.deleting), said.error, [], time.monotonic())
        else:
            verdicts[service] = f"failed: {said.error}" if said.error else "no changes"


def look(each: Followed, token: str) -> tuple[Followed, str | None, dict[str, Any] | None]:
    """Return what is known of an operation now, how it ended (None while it runs), and the stack of one that ended.

    DescribeStacks is asked only where the events say nothing new, or the end: most looks are one call.
    """
    events, overtaken = operation_events(each.stack_id, token)
    news = len(events) > len(each.events)
    each = each._replace(events=events, overtaken=overtaken)
    stack = None
    if is_over(last_of_stack(events)):
        verdict: str | None = ended(each)
    elif news:
        verdict = None
    else:
        stack = find_stack(each.stack_id)
        verdict = outcome(each, stack, token)
    if news or not rests(stack):
        each = each._replace(silent_since=time.monotonic())
    if verdict and not stack:
        stack = find_stack(each.stack_id)
    if verdict and verdict.startswith("deployed") and (not stack or stack["StackStatus"].startswith("DELETE_")):
        verdict = DELETED
    return each, verdict, stack


def operation_events(stack_id: str, token: str) -> tuple[list[dict[str, Any]], bool]:
    """Return the events of the operation that was started with a token, oldest first; and whether others came later.

    All events of an operation carry its token (StackEvent, in the CloudFormation API Reference), and a stack has one
    operation at a time: newer ones may be of others, and older ones are.
    """
    from botocore.exceptions import ClientError

    newest = pages("cloudformation", "describe_stack_events", "StackEvents", StackName=stack_id)
    found: list[dict[str, Any]] = []
    overtaken = False
    try:
        for event in itertools.islice(newest, MOST_EVENTS):
            if event.get("ClientRequestToken") == token:
                found.append(event)
            elif found:
                break
            else:
                overtaken = True
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return [], False
    return found[::-1], bool(found) and overtaken


def outcome(each: Followed, stack: dict[str, Any] | None, token: str) -> str | None:
    """Return how an operation ended of which no event says that, or None while it runs.

    What DescribeStacks says may be old, or of another's operation. So the stack's tag must be this run's: CloudFormation
    puts back those of an update that failed.
    """
    status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
    if status == "DELETE_COMPLETE":
        return "deleted" if each.deletes else DELETED
    if not rests(stack):
        return None
    if each.overtaken:
        return f"failed: something else has stopped it, and the stack is {printable(status)}"
    grace = GRACE_OF_ERRORS if each.error and not each.events else GRACE_SECONDS
    if time.monotonic() - each.silent_since < grace:
        return None
    if status in ENDED_WELL and not each.deletes and stack and tags_of(stack).get("deploy") == token:
        return f"deployed ({status})"
    nothing = f"the stack is {printable(status)}, and no event of this deploy says how it ended"
    return f"failed: {nothing if each.events else each.error or nothing}"


def rests(stack: dict[str, Any] | None) -> bool:
    """Tell whether nothing is changing a stack, as far as DescribeStacks says."""
    return (
        not stack or stack["StackStatus"] == "REVIEW_IN_PROGRESS" or not stack["StackStatus"].endswith("_IN_PROGRESS")
    )


def is_over(status: str) -> bool:
    """Tell whether an operation is over whose last event of the stack has this status ("": there is none)."""
    return bool(status) and not status.endswith("_IN_PROGRESS")


def ended(each: Followed) -> str:
    """Return how an operation ended, by its last event of the stack: nothing else says it for certain."""
    status = last_of_stack(each.events)
    if each.deletes and status == "DELETE_COMPLETE":
        return "deleted"
    if not each.deletes and status in ENDED_WELL:
        return f"deployed ({status})"
    first = next(iter(failures(each.events)), None)
    return f"failed ({printable(status)})" + (f": {reason_line(first)}" if first else "")


def last_of_stack(events: list[dict[str, Any]]) -> str:
    """Return the status of the newest event about the stack as a whole, "" if there is none."""
    return next((event["ResourceStatus"] for event in reversed(events) if is_stack(event)), "")


def goes_on(each: Followed) -> str:
    """Return what AWS does with an operation that cannot be followed any longer."""
    last = last_of_stack(each.events)
    if each.error and not last:
        return f"{each.error}; whether AWS has begun it is not known"
    seen = f"last seen {printable(last)}" if last else "nothing was seen of it"
    return f"AWS goes on with what it has begun, and how it ends is not known; {seen}"


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


def failure(each: Followed, environment: str, stack: dict[str, Any] | None) -> list[str]:
    """Return the lines that explain a failed operation to the person who has to repair it."""
    service, status = each.service, stack["StackStatus"] if stack else "DELETE_COMPLETE"
    own, causes = last_of_stack(each.events), failures(each.events)
    if not causes or own in (*ENDED_WELL, "DELETE_COMPLETE"):
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

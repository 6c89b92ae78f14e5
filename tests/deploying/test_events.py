"""Events as AWS gives them: what is shown, and why an operation failed."""

from __future__ import annotations

from datetime import datetime, timezone

from taskroles.deploying import events as follow


def event(resource: str, status: str, reason: str = "") -> dict[str, object]:
    """Return a stack event as DescribeStackEvents gives it; the resource `stack` is the stack itself."""
    return {
        "EventId": f"{resource}-{status}",
        "StackId": "arn:stack",
        "LogicalResourceId": resource,
        "PhysicalResourceId": "arn:stack" if resource == "stack" else resource,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": datetime(2026, 11, 24, tzinfo=timezone.utc),
    }


def test_what_was_cancelled_for_another_failure_is_no_cause() -> None:
    events = [
        event("stack", "CREATE_IN_PROGRESS", "User Initiated"),
        event("SQSAccessPolicy", "CREATE_FAILED", "Syntax errors in policy."),
        event("RDSAccessPolicy", "CREATE_FAILED", "Resource creation cancelled"),
        event("stack", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [SQSAccessPolicy]."),
        event("SSMAccessPolicy", "DELETE_FAILED", "Rate exceeded"),
    ]

    causes = [follow.reason_line(item) for item in follow.failures(events)]

    assert causes == ["SQSAccessPolicy: Syntax errors in policy.", "SSMAccessPolicy: Rate exceeded"]


def test_a_failure_without_a_failed_resource_has_the_reason_of_the_stack() -> None:
    events = [
        event("stack", "UPDATE_IN_PROGRESS", "User Initiated"),
        event("stack", "UPDATE_ROLLBACK_IN_PROGRESS", "Stack update cancelled by user"),
        event("stack", "UPDATE_ROLLBACK_COMPLETE"),
    ]

    assert [follow.reason_line(item) for item in follow.failures(events)] == ["stack: Stack update cancelled by user"]


def test_one_line_a_resource_and_poll_but_every_failure(capsys) -> None:
    events = [
        event("SQSAccessPolicy", "CREATE_IN_PROGRESS"),
        event("RDSAccessPolicy", "CREATE_IN_PROGRESS"),
        event("SQSAccessPolicy", "CREATE_FAILED", "no"),
        event("SQSAccessPolicy", "DELETE_COMPLETE"),
    ]

    follow.show_events("backend", events)

    lines = [line.split()[2:] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        ["RDSAccessPolicy", "CREATE_IN_PROGRESS"],
        ["SQSAccessPolicy", "CREATE_FAILED", "no"],
        ["SQSAccessPolicy", "DELETE_COMPLETE"],
    ]

"""States that no deploy can leave, and the way out of each."""

from __future__ import annotations

import pytest

from taskroles.deploying.preflight import state_problem


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("ROLLBACK_COMPLETE", "--recreate"),
        ("ROLLBACK_FAILED", "--recreate"),
        ("UPDATE_IN_PROGRESS", "wait until that has ended"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait until that has ended"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name the-stack"),
        ("DELETE_FAILED", "--destroy"),
    ],
)
def test_a_state_that_no_deploy_can_leave_comes_with_the_way_out(status, way_out) -> None:
    (problem,) = state_problem("backend", {"StackName": "the-stack", "StackStatus": status})

    assert problem.startswith(f"backend: stack the-stack is {status};")
    assert way_out in problem


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "REVIEW_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_a_state_that_a_deploy_can_leave_is_no_problem(status) -> None:
    assert state_problem("backend", {"StackName": "the-stack", "StackStatus": status}) == []

"""How much of what people write the levels express: the goal is met, the README says how much, and no answer is a guess."""

from __future__ import annotations

import coverage
import pytest
from granted import LEVELS
from project import HERE

from taskroles.access.actions import expand


def test_the_goal_is_met_and_the_readme_says_so() -> None:
    done, statements, covered, templates = coverage.figures()
    assert done / statements >= coverage.GOAL[0]
    assert covered >= coverage.GOAL[1]
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    assert f"| statements of 189 real task roles | {done} of {statements}, {done / statements:.0%} |" in readme
    assert f"| policy templates of AWS SAM | {covered} of {templates} |" in readme


def test_the_facts_are_whole() -> None:
    templates = coverage.sam_templates()
    assert (len(coverage.field_needs()), len(templates)) == (367, 81)
    assert [action for actions in templates.values() for action in actions if expand(action) != {action}] == []


@pytest.mark.parametrize("template", coverage.sam_templates())
def test_a_template_is_covered_or_has_a_reason(template: str) -> None:
    actions = coverage.sam_templates()[template]
    found = coverage.answer(actions)
    assert bool(found.missing) == bool(coverage.reason(template, actions) if found.missing else "")
    assert set(found.levels) <= set(LEVELS)
    assert template not in coverage.REASONS or found.missing


EXPRESSED = {
    "a level": (["sqs:SendMessage"], [("sqs", "send")], []),
    "reading, and no writing with it": (["dynamodb:GetItem", "dynamodb:Query"], [("dynamodb", "read")], []),
    "an action that AWS does not have is asked of nobody": (["sqs:SendMessage", "sqs:Sned"], [("sqs", "send")], []),
    "nothing that AWS has": (["sqs:Sned"], [], ["sqs:Sned"]),
    "every action, by the level that has it": (["sqs:*"], [("sqs", "full")], []),
    "more than any level has": (["sqs:SendMessage", "ecr:PutImage"], [("sqs", "send")], ["ecr:PutImage"]),
}


@pytest.mark.parametrize(("asked", "levels", "missing"), EXPRESSED.values(), ids=EXPRESSED)
def test_what_is_asked_for_is_expressed_by_no_more_than_that(asked, levels, missing) -> None:
    assert coverage.answer(asked) == (tuple(levels), tuple(missing))


def test_no_level_with_a_stronger_kind_of_access_is_taken() -> None:
    kinds = coverage.allowed_kinds(["s3:PutObject"])
    assert ("s3", "read") in kinds
    assert ("s3", "delete") not in kinds
    assert coverage.kind_of("secretsmanager:GetSecretValue") == ("secretsmanager", "secrets")
    assert coverage.kind_of("iam:PassRole") == ("iam", "permissions")
    for need in coverage.field_needs():
        chosen = set(coverage.expressed(need).levels)
        asked = {action for pattern in need["actions"] for action in expand(pattern)}
        granted = [offer.kinds for offer in coverage.offers() if offer.name in chosen]
        assert not chosen or any(kinds <= coverage.allowed_kinds(asked) for kinds in granted)


def test_of_the_objects_of_a_bucket_every_action_is_that_on_objects() -> None:
    assert coverage.answer(["s3:*"], on_objects=True).levels == (("s3", "full"),)
    assert coverage.answer(["s3:*"]).missing

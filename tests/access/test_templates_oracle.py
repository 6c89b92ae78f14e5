"""Two whole templates compared, against an engine of our own: what grows is said, and what cannot be read is, too.

FUZZ=10000 tries so many pairs, from recorded seeds (see `trials`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from generated_templates import pairs
from growth import growth
from trials import tried

from taskroles.access.reading import read_template
from taskroles.access.review import compare_templates
from taskroles.access.template import TemplateError
from taskroles.access.wording import GROWS

if TYPE_CHECKING:
    from taskroles.access.wording import Line

pytestmark = pytest.mark.usefixtures("few_services")


def growing_lines(before: Any, after: Any) -> list[Line]:
    """Return the growing lines of the review; a template that it cannot read is one."""
    try:
        sides = [read_template(json.dumps(each, ensure_ascii=False), "t.yml") for each in (before, after)]
    except TemplateError:
        return []
    return [line for line in compare_templates(*sides) if line.kind in GROWS]


def can_be_read(*templates: Any) -> bool:
    """Tell whether the review reads them; else it says so, which is enough."""
    try:
        for each in templates:
            read_template(json.dumps(each, ensure_ascii=False), "t.yml")
    except TemplateError:
        return False
    return True


@tried(200, pairs())
def test_no_template_grows_unsaid(pair: tuple[Any, Any]) -> None:
    before, after = pair
    if not can_be_read(*pair):
        return
    lines = growing_lines(before, after)
    for action, what in growth(before, after):
        services = ("*", action.partition(":")[0], "new") if action else ()
        said = [
            line
            for line in lines
            if not line.aws_services or not action or not set(services).isdisjoint(line.aws_services)
        ]
        assert said, f"{action} on {what}\nbefore: {json.dumps(before)}\nafter: {json.dumps(after)}\nsaid: {lines}"


def test_a_condition_on_what_is_no_number_is_asked_of_too() -> None:
    said = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    documents = [said | {"Condition": {"NumericEquals": {"s3:max-keys": "a"}}}, said]
    before, after = (
        {
            "Resources": {
                "A": {
                    "Type": "AWS::IAM::RolePolicy",
                    "Properties": {
                        "PolicyName": "n",
                        "RoleName": "r",
                        "PolicyDocument": {"Version": "2012-10-17", "Statement": [each]},
                    },
                }
            }
        }
        for each in documents
    )
    assert "sqs:SendMessage" in dict(growth(before, after))
    assert growing_lines(before, after)

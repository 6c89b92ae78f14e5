"""Compare what IAM holds for the task roles now with out/, policy by policy.

    drift.py ENV [SERVICE ...]

CloudFormation cannot do it: "This resource does not support drift detection" (AWS::IAM::Policy, in the
CloudFormation Template Reference). Exit codes: 0 in sync, 1 something differs, 2 wrong usage.
"""

from __future__ import annotations

import itertools
import json
import sys
from typing import TYPE_CHECKING, Any

from stacks import (
    Refused,
    all_exports,
    caller,
    came_up,
    chosen_services,
    client,
    documents,
    exit_code,
    find_stack,
    heading,
    load_template,
    pages,
    paint,
    parameter_values,
    planned,
    say,
    stack_name,
    template_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

BY_HAND = """\
      IAM has not what the stack has put there, and a deploy does not put it back while the template stays the
      same. To keep it as it is, write it into services.yml and deploy. To undo it, --destroy the service and
      deploy it again; in between, its role has none of these policies."""
WAYS_OUT = {
    "changed by hand": BY_HAND,
    "missing": BY_HAND,
    "unmanaged": "      No stack of ours has put it there: write it into services.yml, or delete it.",
    "not deployed": "      out/ has changed since the last deploy: deploy.",
}


def drift(environment: str, services: Sequence[str]) -> int:
    """Print for each policy whether IAM holds what out/ says. Raises Refused if anything differs.

    CloudFormation cannot tell: "This resource does not support drift detection" (AWS::IAM::Policy, in the
    CloudFormation Template Reference).
    """
    account, exports = caller(), all_exports()
    say(heading(environment, account))
    words = []
    for service in services:
        stack = find_stack(stack_name(environment, service))
        print(f"\n{service}: {deployment(environment, service, stack)}")
        in_out = documents(*planned(environment, service, account, stack), exports)
        deployed = {}
        if came_up(stack):
            template = load_template(template_of(stack["StackId"]))
            deployed = documents(template, parameter_values(template, account, stack), exports)
        roles = {role for role, _ in in_out.keys() | deployed.keys()}
        in_iam = {(role, name): held for role in roles for name, held in inline_policies(role).items()}
        for key in sorted(in_out.keys() | deployed.keys() | in_iam.keys()):
            word = compare(in_out.get(key), deployed.get(key), in_iam.get(key))
            words.append(word)
            print("  " + paint(f"{word:<17}", "32" if word == "in sync" else "31", sys.stdout) + key[1])
            if word == "changed by hand":
                sys.stdout.writelines(f"{'':21}{line}\n" for line in hand_made(deployed[key], in_iam[key]))
    differing = [word for word in words if word != "in sync"]
    if differing:
        ways_out: dict[str, list[str]] = {}
        for word in sorted(set(differing)):
            ways_out.setdefault(WAYS_OUT[word], []).append(word)
        explained = (f"  - {' or '.join(words)}:\n{way_out}" for way_out, words in ways_out.items())
        raise Refused("\n".join([f"{len(differing)} of {len(words)} policies differ:", *explained]))
    return 0


def deployment(environment: str, service: str, stack: dict[str, Any] | None) -> str:
    """Return which stack a service has, in which state, and of which commit."""
    tags = {tag["Key"]: tag["Value"] for tag in (stack or {}).get("Tags", [])}
    state = f"{stack['StackStatus']}, commit {tags.get('commit', 'unknown')}" if stack else "does not exist"
    return f"stack {stack_name(environment, service)}, {state}"


def inline_policies(role: str) -> dict[str, dict[str, Any]]:
    """Return the inline policies of a role as IAM has them now: name to policy document."""
    iam = client("iam")
    try:
        names = list(pages("iam", "list_role_policies", "PolicyNames", RoleName=role))
    except iam.exceptions.NoSuchEntityException:
        return {}
    return {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}


def compare(in_out: dict[str, Any] | None, deployed: dict[str, Any] | None, in_iam: dict[str, Any] | None) -> str:
    """Return in a word how a policy stands: its document in `out/`, in the stack's template and in IAM."""
    if deployed is None:
        return "not deployed" if in_iam is None else "unmanaged"
    if in_iam is None:
        return "missing"
    if grants(in_iam) != grants(deployed):
        return "changed by hand"
    return "in sync" if in_out and grants(in_out) == grants(deployed) else "not deployed"


def hand_made(deployed: dict[str, Any], in_iam: dict[str, Any]) -> list[str]:
    """Return what a change by hand has granted (+) and revoked (-), one line a resource."""
    lines = []
    for sign, some in (("+", grants(in_iam) - grants(deployed)), ("-", grants(deployed) - grants(in_iam))):
        by_resource: dict[tuple[str, str], list[str]] = {}
        for effect, action, on in sorted(some):
            by_resource.setdefault((effect, on), []).append(action)
        lines += [f"{sign} {effect} {', '.join(actions)} {on}" for (effect, on), actions in by_resource.items()]
    return lines


def grants(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return what a policy document says as effects, actions and resources: their order means nothing."""
    parts = set()
    for statement in listed(document["Statement"]):
        condition = statement.get("Condition")
        when = f" when {json.dumps(condition, sort_keys=True)}" if condition else ""
        actions = [("", action) for action in listed(statement.get("Action", []))]
        actions += [("all but ", action) for action in listed(statement.get("NotAction", []))]
        resources = [("on ", resource) for resource in listed(statement.get("Resource", []))]
        resources += [("on all but ", resource) for resource in listed(statement.get("NotResource", []))]
        parts |= {
            (statement["Effect"], but + action, on + resource + when)
            for (but, action), (on, resource) in itertools.product(actions, resources)
        }
    return parts


def listed(value: Any) -> list[Any]:
    """Return a value that IAM lets one write alone as the list it stands for."""
    return value if isinstance(value, list) else [value]


def main(argv: Sequence[str]) -> int:
    """Compare the services given, or all of the environment, and return the exit code."""
    if not argv or argv[0].startswith("-"):
        say(__doc__ or "")
        return 2
    environment, *services = argv
    return exit_code(lambda: drift(environment, chosen_services(environment, services)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

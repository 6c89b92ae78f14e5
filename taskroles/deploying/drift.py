"""Compare what IAM holds for the task roles now with what CloudFormation has deployed and with out/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from taskroles.access.compare import CANNOT_TELL, compare
from taskroles.access.reading import Place, read_document
from taskroles.access.template import TemplateError, parse_template
from taskroles.access.wording import SIGNS, access_lines, column
from taskroles.deploying.aws import Refused, account_of, ask, heading, pages
from taskroles.deploying.stacks import all_exports, came_up, find_stack, template_of
from taskroles.deploying.templates import documents, others, parameter_values, planned
from taskroles.faults import printable
from taskroles.terminal import paint, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskroles.access.environments import Environment
    from taskroles.access.reading import Statement

    Statements = list[Statement] | None  # of a policy; None: there is none

BY_HAND = """\
      IAM has not what the stack has put there, and a deploy does not put it back while the template stays the
      same. To keep it as it is, write it into services.yml and deploy. To undo it, --destroy the service and
      deploy it again; in between, its role has none of these policies."""
WAYS_OUT = {
    "changed by hand": BY_HAND,
    "missing": BY_HAND,
    "unmanaged": "      No stack of ours has put it there: write it into services.yml, or delete it.",
    "not looked at": "      The stack holds more than policies, of which nothing here knows how it stands: see to it in CloudFormation.",
    "not deployed": "      out/ has changed since the last deploy: deploy.",
}


def drift(environment: Environment, services: Sequence[str]) -> int:
    """Print for each policy whether IAM holds what out/ says. Raises Refused if anything differs.

    CloudFormation cannot tell: "This resource does not support drift detection" (AWS::IAM::Policy, in the
    CloudFormation Template Reference).
    """
    account, exports = account_of(environment), all_exports()
    say(heading(environment, account))
    words = []
    for service in services:
        stack = find_stack(environment.stack(service))
        print("\n" + printable(f"{service}: {deployment(environment, service, stack)}"))
        in_out = read(documents(*planned(environment, service, account, stack), exports))
        deployed, unread = {}, []
        if came_up(stack):
            template = parse_template(template_of(stack["StackId"]), environment.template(service))
            unread = others(template)
            deployed = read(documents(template, parameter_values(template, account, stack), exports))
        roles = {role for role, _ in in_out.keys() | deployed.keys()}
        in_iam = read({(role, name): held for role in roles for name, held in inline_policies(role).items()})
        for what in unread:
            words.append("not looked at")
            print("  " + paint(f"{'not looked at':<17}", "31", sys.stdout) + printable(what))
        for key in sorted(in_out.keys() | deployed.keys() | in_iam.keys()):
            word = standing(in_out.get(key), deployed.get(key), in_iam.get(key))
            words.append(word)
            print("  " + paint(f"{word:<17}", "32" if word == "in sync" else "31", sys.stdout) + printable(key[1]))
            if word == "changed by hand":
                sys.stdout.writelines(f"{'':21}{line}\n" for line in by_hand(deployed[key], in_iam[key]))
    differing = [word for word in words if word != "in sync"]
    if differing:
        ways_out: dict[str, list[str]] = {}
        for word in sorted(set(differing)):
            ways_out.setdefault(WAYS_OUT[word], []).append(word)
        explained = (f"  - {' or '.join(words)}:\n{way_out}" for way_out, words in ways_out.items())
        raise Refused("\n".join([f"{len(differing)} of {len(words)} policies differ:", *explained]))
    return 0


def deployment(environment: Environment, service: str, stack: dict[str, Any] | None) -> str:
    """Return which stack a service has, in which state, and of which commit."""
    tags = {tag["Key"]: tag["Value"] for tag in (stack or {}).get("Tags", [])}
    state = f"{stack['StackStatus']}, commit {tags.get('commit', 'unknown')}" if stack else "does not exist"
    return f"stack {environment.stack(service)}, {state}"


def inline_policies(role: str) -> dict[str, dict[str, Any]]:
    """Return the inline policies of a role as IAM has them now: name to policy document."""
    from botocore.exceptions import ClientError

    try:
        names = list(pages("iam", "list_role_policies", "PolicyNames", RoleName=role))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return {}
        raise
    return {name: ask("iam", "get_role_policy", RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}


def read(documents: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], list[Statement]]:
    """Return the statements of each policy document. Raises Refused if one cannot be judged whole."""
    found, facts = {}, {}
    try:
        for key, document in documents.items():
            name = " ".join(key)
            found[key] = read_document(document, Place(name, logical_id=name), facts=facts)
    except TemplateError as error:
        raise Refused(str(error)) from None
    if facts:
        raise Refused("\n".join(f"{CANNOT_TELL}: nothing here understands {printable(what)}" for what in sorted(facts)))
    return found


def standing(in_out: Statements, deployed: Statements, in_iam: Statements) -> str:
    """Return in a word how a policy stands: what it says in `out/`, in the stack's template and in IAM."""
    if deployed is None:
        return "not deployed" if in_iam is None else "unmanaged"
    if in_iam is None:
        return "missing"
    if compare(deployed, in_iam):
        return "changed by hand"
    return "not deployed" if in_out is None or compare(deployed, in_out) else "in sync"


def by_hand(deployed: list[Statement], in_iam: list[Statement]) -> list[str]:
    """Return what a change by hand has granted (+) and revoked (-), a line for each AWS service."""
    found = access_lines(deployed, in_iam)
    return [f"{SIGNS[line.kind]} {line.kind:8}  {printable(column(line))}  {printable(line.text)}" for line in found]

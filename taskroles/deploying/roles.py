"""What IAM holds now of roles, users and groups, and what its documents say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.canonical import canonical
from taskroles.access.compare import CANNOT_TELL
from taskroles.access.reading import WRONG_SHAPE, Place, read_document
from taskroles.access.template import TemplateError
from taskroles.deploying.aws import Refused, ask, pages
from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from taskroles.access.reading import Statement
    from taskroles.deploying.aws import Account

TASKS = "Service ecs-tasks.amazonaws.com"  # who assumes a task role
NO_SUCH = "NoSuchEntity"
NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)  # CreateRole: RoleName; what an export that is missing leaves is none


class Role(NamedTuple):
    """A role as IAM has it: `inline` holds documents by policy name, `attached` the ARNs of managed policies."""

    created: datetime
    trust: Any
    boundary: str
    inline: dict[str, Any]
    attached: list[str]


def role_in_iam(name: str) -> Role | None:
    """Return a role as IAM has it now, None if there is none. It takes three calls, and one for each inline policy."""
    from botocore.exceptions import ClientError

    if not NAME.fullmatch(name):
        return None
    try:
        role = ask("iam", "get_role", RoleName=name)["Role"]
        inline = inline_policies(name, list(pages("iam", "list_role_policies", "PolicyNames", RoleName=name)))
        attached = [
            policy["PolicyArn"]
            for policy in pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == NO_SUCH:
            return None
        raise
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return Role(role["CreateDate"], role["AssumeRolePolicyDocument"], boundary, inline, attached)


def inline_policies(holder: str, names: Iterable[str]) -> dict[str, Any]:
    """Return those inline policies of a role, a `user NAME` or a `group NAME` that it has: name to document."""
    from botocore.exceptions import ClientError

    kind, name = ("role", holder) if " " not in holder else holder.split(" ", 1)
    found = {}
    for policy in names:
        try:
            asked = {f"{kind.capitalize()}Name": name, "PolicyName": policy}
            found[policy] = ask("iam", f"get_{kind}_policy", **asked)["PolicyDocument"]
        except ClientError as error:
            if error.response["Error"]["Code"] != NO_SUCH:
                raise
    return found


def statements(document: Any, holder: str, name: str) -> list[Statement]:
    """Return the statements of a policy document. Raises Refused if it cannot be judged whole."""
    what, facts = f"{holder} {name}", {}
    try:
        found = read_document(document, Place(what, logical_id=what), facts=facts)
    except TemplateError as error:
        raise Refused(str(error)) from None
    except WRONG_SHAPE as error:
        raise Refused(printable(f"{what}: not of a shape that can be read ({error})")) from None
    if facts:
        raise Refused("; ".join(f"{CANNOT_TELL}: nothing here understands {printable(fact)}" for fact in sorted(facts)))
    return found


def trusted(document: Any, role: str, account: Account) -> list[Statement]:
    """Return the statements of a role's trust; an account's number is its root, as IAM writes it. Raises Refused."""

    def as_iam_writes(principal: str) -> str:
        match = re.fullmatch(r"AWS (\d{12})", principal)
        return "AWS " + canonical(f"arn:{account.partition}:iam::{match[1]}:root") if match else principal

    return [
        each._replace(
            resources=tuple(map(as_iam_writes, each.resources)),
            not_resources=tuple(map(as_iam_writes, each.not_resources)),
        )
        for each in statements(document, role, "trust")
    ]


def strangers(trust: Iterable[Statement]) -> list[str]:
    """Return who may assume a role beside the tasks of ECS."""
    found = {
        principal
        for each in trust
        if each.effect == "Allow"
        for principal in (*each.resources, *(f"everybody but {left_out}" for left_out in each.not_resources))
    }
    return sorted(found - {TASKS})

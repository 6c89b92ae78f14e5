"""The exports that templates import: whether they are there, and hold what the templates make of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.deploying.stacks import all_exports
from taskroles.deploying.templates import imported, planned, policies, resolve
from taskroles.faults import printable, shown
from taskroles.terminal import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskroles.access.environments import Environment
    from taskroles.deploying.aws import Account

VALUE = "\0"  # stands for the value of an export, which is not looked up yet
ROLE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
ARN = re.compile(r"arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]*:\S+")
ADDRESS = re.compile(r"://|\.amazonaws\.com(\.cn)?(:\d+)?(/|$)")
NO_NAME = re.compile(r"[\s,*?]")  # a list, or a wildcard that would reach further than what was reviewed


class Use(NamedTuple):
    """What a template makes of an export: the name of a role ("role"), an ARN as it is ("arn"), a part of one ("name").

    `text` is what it becomes, with VALUE for its value.
    """

    export: str
    kind: str
    text: str


def export_problems(environment: Environment, account: Account, stacks: dict[str, dict[str, Any] | None]) -> list[str]:
    """Return what is wrong with the exports that the templates of the services import.

    One problem has all that are not there; each that holds something else than its template needs is one of its own.
    """
    needed_by: dict[str, list[str]] = {}
    used_by: dict[Use, list[str]] = {}
    for service, stack in stacks.items():
        template, values = planned(environment, service, account, stack)
        for name in dict.fromkeys(imported(template, values)):
            needed_by.setdefault(name, []).append(service)
        for use in dict.fromkeys(uses(template, values)):
            used_by.setdefault(use, []).append(service)
    exports = all_exports()
    rows = [
        [printable(name), f"needed by {', '.join(services)}"]
        for name, services in needed_by.items()
        if name not in exports
    ]
    problems = ["\n      ".join(["no stack of this account and region exports:", *columns(rows)])] if rows else []
    unfit: dict[tuple[str, str], list[str]] = {}  # one problem, however many resources are made of the export
    for use, services in used_by.items():
        if use.export in exports and (what := fault(use, exports[use.export])):
            unfit.setdefault((use.export, what), []).extend(services)
    return problems + [
        printable(f"export {name} holds {shown(exports[name])}, needed by {', '.join(dict.fromkeys(services))}: {what}")
        for (name, what), services in unfit.items()
    ]


def uses(template: dict[str, Any], values: dict[str, str]) -> Iterator[Use]:
    """Yield what a template makes of each export, in its roles and its resources."""
    for policy in policies(template):
        for export in imported(policy["Roles"], values):
            yield Use(export, "role", VALUE)
        for statement in listed(policy["PolicyDocument"]["Statement"]):
            for resource in (*listed(statement.get("Resource", [])), *listed(statement.get("NotResource", []))):
                for export in imported(resource, values):
                    text = str(resolve(resource, values, {export: VALUE}))
                    yield Use(export, "arn" if text.startswith(VALUE) else "name", text)


def fault(use: Use, value: str) -> str:
    """Return why a value is none that the template can use, and what to write; "" if it is one."""
    if not value.strip():
        return "it is empty: repair the stack that exports it"
    return {"role": not_a_role, "arn": not_an_arn, "name": not_a_name}[use.kind](value, use.text.replace(VALUE, value))


def not_a_role(value: str, _: str) -> str:
    """Return why a value is no name of a role, and what to write; "" if it is one."""
    if ROLE_NAME.fullmatch(value):
        return ""
    what = "an ARN" if value.startswith("arn:") else "a path" if "/" in value else "no name that a role can have"
    return (
        f"{what}, and the name of a role is expected: name the export that holds it as task_role (`!Ref` of the role)"
    )


def not_an_arn(value: str, _: str) -> str:
    """Return why a value is no ARN, and what to write; "" if it is one."""
    if value.startswith("arn:"):
        return "" if ARN.fullmatch(value) and ",arn:" not in value else "it is not one whole ARN"
    if ADDRESS.search(value):
        return "an address, and an ARN is expected: name the export that holds the ARN"
    what = "a name, and an ARN is expected: write import for it in services.yml, not import-arn"
    return f"{what}; or name the export that holds the ARN"


def not_a_name(value: str, made: str) -> str:
    """Return why a value is no name, of which an ARN is made, and what to write; "" if it is one."""
    if value.startswith("arn:"):
        return "an ARN, and a name is expected: write import-arn for it in services.yml, not import"
    if ADDRESS.search(value):
        return "an address, and a name is expected: name the export that holds the name"
    is_one = ARN.fullmatch(made) and not NO_NAME.search(value)
    return "" if is_one else "it is not one name, of which an ARN can be made"


def listed(value: Any) -> list[Any]:
    """Return what a policy document writes as one or as a list of them."""
    return value if isinstance(value, list) else [value]

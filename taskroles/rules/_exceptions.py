"""What .cfnlintrc.yaml excepts from a rule: "ACTION because REASON", or "SERVICE/LOGICAL-ID because REASON" for a policy.

From E9008 it excepts accounts: "ACCOUNT because REASON".

Each has its reason, and something that needs it: a hole that nobody needs is one that nobody looks at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXCEPTION = re.compile(r"\s*(\S+)(?:\s+because(?:\s+(.*\S))?)?\s*", re.DOTALL)
EVERYWHERE = ("E9006", "E9008")  # the rules that no environment is excepted from


class Linted(NamedTuple):
    """A template: its service, its text, and whether its environment lets wildcards pass."""

    service: str
    text: str
    wildcards: bool


def exception(text: str) -> tuple[str, str]:
    """Return what an exception is of, and its reason, "" if it has none."""
    found = EXCEPTION.fullmatch(text)
    return (found[1], found[2] or "") if found else (text.strip(), "")


def faults(configuration: str, templates: Iterable[Linted]) -> Iterator[tuple[int, str]]:
    """Yield the line of each exception that has no reason or that surely no template needs, and what to do about it."""
    import yaml

    linted = list(templates)
    lines = configuration.splitlines()
    for rule, settings in (yaml.safe_load(configuration).get("configure_rules") or {}).items():
        for text in (settings or {}).get("exceptions") or []:
            what, reason = exception(text)
            line = next((number for number, line in enumerate(lines, 1) if text in line), 1)
            if not reason:
                yield line, f'{rule}: the exception "{text}" has no reason: write "{what} because REASON"'
            elif not any(_may_need(what, each) for each in linted if rule in EVERYWHERE or not each.wildcards):
                yield line, f"{rule}: nothing needs the exception {what}: remove it"


def _may_need(what: str, template: Linted) -> bool:
    service, is_policy, logical_id = what.partition("/")
    if is_policy:
        return service == template.service and bool(
            re.search(rf"^\s+{re.escape(logical_id)}:", template.text, re.MULTILINE)
        )
    if what.isdecimal():
        return bool(re.search(rf"(?<![0-9]){what}(?![0-9])", template.text))
    return bool(re.search(rf"(?<![\w:*?-]){re.escape(what)}(?![\w:*?-])", template.text))  # and no part of an ARN

"""Ask IAM after a deploy whether the roles hold what the templates say: CloudFormation's word alone is not enough."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.compare import compare
from taskroles.deploying.aws import Refused, account_of, at_once
from taskroles.deploying.roles import inline_policies, statements
from taskroles.deploying.stacks import all_exports, all_stacks
from taskroles.deploying.standing import changed
from taskroles.deploying.templates import documents, planned
from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskroles.access.environments import Environment

PATIENCE = 20.0  # seconds: IAM is eventually consistent, and says what was written only when all of it has heard
PAUSE = 1.0
WAY_OUT = """\
CloudFormation believes all of it to be there, and does not put it back while the templates stay the same:
--destroy the service and deploy it again. --drift says who has put what there"""


class Meant(NamedTuple):
    """A policy that a template puts on a role."""

    service: str
    role: str
    name: str
    document: Any


def held(environment: Environment, services: Sequence[str]) -> int:
    """Wait until the roles of services hold what the templates in out/ say, and say nothing. Raises Refused if not."""
    account = account_of(environment)
    all_exports(), all_stacks()  # once, before the threads ask for them

    def meant_by(service: str) -> list[Meant]:
        stack = all_stacks().get(environment.stack(service))
        found = documents(*planned(environment, service, account, stack), all_exports())
        return [Meant(service, role, name, document) for (role, name), document in found.items()]

    meant = [each for some in at_once(meant_by, services) for each in some]
    end = time.monotonic() + PATIENCE
    wrong = [(each, what) for each, what in zip(meant, at_once(differences, meant), strict=True) if what]
    while wrong and time.monotonic() < end:
        time.sleep(PAUSE)
        again = [each for each, _ in wrong]
        wrong = [(each, what) for each, what in zip(again, at_once(differences, again), strict=True) if what]
    if wrong:
        lines = [line for _, what in wrong for line in what]
        raise Refused("\n".join(["IAM does not hold what was deployed:", *lines, WAY_OUT]))
    return 0


def differences(meant: Meant) -> list[str]:
    """Return in lines what a role has not, or has more, of a policy; none if it holds just what it should."""
    where = printable(f"{meant.service}: policy {meant.name} on role {meant.role}")
    found = inline_policies(meant.role, [meant.name])
    if not found:
        return [f"  - {where} is not there"]
    try:
        sides = [statements(each, meant.role, meant.name) for each in (meant.document, found[meant.name])]
    except Refused as error:
        return [f"  - {where}: {error}"]
    if not compare(*sides):
        return []
    return [f"  - {where} says something else:", *(f"      {line}" for line in changed(*sides))]

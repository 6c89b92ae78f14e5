"""out/<Env>/environment.yml: what lint, review and deploy need to know of an environment and its stacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from taskroles.names import filled
from taskroles.rendering.iam import BANNER
from taskroles.tree import ENVIRONMENT_FILE as FILE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskroles.table.grammar import Environment, Service

__all__ = ["FILE", "path_of", "rendered"]

HEAD = f"""\
# {BANNER} from services.yml. DO NOT EDIT: change that, then run `make render`.
# What lint, review and deploy know of this environment; {{service}} and {{AwsService}} stand for what they say.
"""


def rendered(environment: Environment, services: Iterable[Service]) -> str:
    """Return the text of an environment's file: its settings, its names, its parameters, its services' task roles.

    A service that may do nothing there has no template, no stack and no line.
    """
    settings = {
        "environment": environment.name,
        "protected": environment.protected,
        "after": environment.after,
        "account": environment.account,
        "region": environment.region,
        "principal": environment.principal,
        "wildcards": environment.wildcards,
    }
    lines = [f"{key}: {spelled(value)}" for key, value in settings.items() if value]
    lines += ["names:", *(f"  {key}: {spelled(value)}" for key, value in environment.names._asdict().items())]
    lines += ["parameters:", *(f"  {key}: {spelled(value)}" for key, value in environment.parameters.items())]
    roles = [
        f"  {service.name}: {{{service.task_role.by}: {spelled(service.task_role.text)}}}"
        for service in services
        if service.policies[environment.name]
    ]
    lines += ["task_roles: # by service; export: another stack exports the role's name", *roles] if roles else []
    return HEAD + "\n".join(lines) + "\n"


def path_of(service: Service, environment: Environment) -> str:
    """Return the path of the template of `service` in `environment`."""
    return f"out/{environment.name}/{filled(environment.names.template, service=service.name)}"


def spelled(value: Any) -> str:
    """Return a value as YAML; text in quotes, whatever it holds."""
    return json.dumps(value, ensure_ascii=False)

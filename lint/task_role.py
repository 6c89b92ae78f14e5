"""E9005: a policy whose role is not the service's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename, is_function
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file

FILE_NAME = re.compile(r"sample-ecs-taskrole-(.+)-cfn\.yml$")


class TaskRole(CfnLintKeyword):
    """Require one imported role for the whole template, of this environment and of this service."""

    id = "E9005"
    shortdesc = "Policy on a role that is not the service's own"
    description = (
        "Every policy of a template attaches to one and the same role, imported from the stack that makes "
        "it. The export's name ends in -${EnvType} and carries the service's name, which the template's file "
        "name tells (case and hyphens aside). Its configuration `other_roles` lists the exports of task "
        "roles that do not carry their service's name."
    )
    source_url = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on the properties of every AWS::IAM::Policy."""
        super().__init__(["Resources/AWS::IAM::Policy/Properties"])
        self.config_definition = {"other_roles": {"default": [], "type": "list", "itemtype": "string"}}

    def validate(self, validator: Validator, _: Any, policy: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield a finding for what the policy attaches to beside the service's task role."""
        for key in ("Users", "Groups"):
            if key in policy:
                yield _policy.finding(validator, f"Policy attaches to {key}, not only to a task role", [key])
        fault = self._fault(validator, policy)
        if fault:
            yield _policy.finding(validator, fault, ["Roles"] if "Roles" in policy else [])

    def _fault(self, validator: Validator, policy: dict[str, Any]) -> str | None:
        roles = list(dict.fromkeys(_roles(validator, policy)))
        if len(roles) != 1:
            return f"Policy attaches to {len(roles)} imported roles instead of one"
        role = roles[0]
        if role is None:
            return "Policy attaches to a role that is not imported"
        if not role.endswith("-${EnvType}"):
            return f"Role {role!r} does not end in '-${{EnvType}}'"
        first = next(iter(validator.cfn.get_resources("AWS::IAM::Policy").values()))
        others = [other for other in _roles(validator, first["Properties"]) if other != role]
        if others:
            return f"Role {role!r} is another than the first policy's, {others[0]!r}"
        service = _service(validator)
        if _letters(service) not in _letters(role) and role not in self.config["other_roles"]:
            return f"Role {role!r} does not carry the name of the service {service!r}"
        return None


def _service(validator: Validator) -> str:
    """Return the service that the file name tells, or nothing."""
    match = FILE_NAME.search(validator.cfn.filename or "")
    return match[1] if match else ""


def _roles(validator: Validator, policy: dict[str, Any]) -> Iterator[str | None]:
    """Yield the export of each role that the policy may attach to, None for a role that is not imported."""
    for role, _ in _policy.values(validator, policy, "Roles", "*"):
        if role is not None:
            yield _policy.symbolic(role) if is_function(role)[0] == "Fn::ImportValue" else None


def _letters(name: str) -> str:
    """Return a name without its parameters, case and punctuation."""
    return re.sub(r"\$\{.*?\}|[^a-z0-9]", "", name.lower())

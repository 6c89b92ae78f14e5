"""E9005: a policy whose role is not the service's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename, is_function
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class TaskRole(CfnLintKeyword):
    """Require one imported role for the whole template, of this environment and of this service."""

    id = "E9005"
    shortdesc = "Policy on a role that is not the service's own"
    description = (
        "Every policy of a template attaches to the task role of its service, and to nothing else: the role that "
        "the environment.yml beside it names, by the export of another stack or by its own name."
    )
    source_url = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on the properties of every AWS::IAM::Policy."""
        super().__init__(["Resources/AWS::IAM::Policy/Properties"])

    def validate(self, validator: Validator, _: Any, policy: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield a finding for what the policy attaches to beside the service's task role."""
        for key in ("Users", "Groups"):
            if key in policy:
                yield _policy.finding(validator, f"Policy attaches to {key}, not only to a task role", [key])
        fault = self._fault(validator, policy)
        if fault:
            yield _policy.finding(validator, fault, ["Roles"] if "Roles" in policy else [])

    def _fault(self, validator: Validator, policy: dict[str, Any]) -> str | None:
        here, service = _policy.environment(validator), _policy.service(validator)
        if here is None:
            return _policy.environment_fault(validator)
        if service not in here.task_roles:
            return f"No service {service!r} is in {here.name}, as the environment.yml beside the template says"
        roles = list(dict.fromkeys(_roles(validator, policy)))
        if len(roles) != 1:
            return f"Policy attaches to {len(roles)} roles instead of one"
        found, wanted = roles[0], here.task_roles[service]
        if found != wanted:
            return f"Policy attaches to {_said(*found)}; the task role of {service!r} is {_said(*wanted)}"
        return None


def _roles(validator: Validator, policy: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each role that the policy may attach to, as an environment.yml says it: (by, text)."""
    for role, _ in _policy.values(validator, policy, "Roles", "*"):
        if role is not None:
            yield "export" if is_function(role)[0] == "Fn::ImportValue" else "name", _policy.symbolic(role)


def _said(by: str, text: str) -> str:
    return f"the role that {text!r} exports" if by == "export" else f"the role {text!r}"

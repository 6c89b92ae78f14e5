"""The names that stacks, templates and policies get: patterns in services.yml, filled in here and nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from taskroles.tree import ENVIRONMENT_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = re.compile(r"(?<!\$)\{([^{}]*)\}")
STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")  # CreateStack, StackName
TEMPLATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml")
POLICY = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)  # PutRolePolicy, PolicyName


class Names(NamedTuple):
    """What services.yml calls things.

    {service}, {environment} (in small letters), {Environment} and, in a policy's name, {AwsService} stand for what they
    say; ${...} are parameters of the generated templates.
    """

    stack: str = "{service}-taskrole-{environment}"
    template: str = "{service}.yml"
    policy: str = "{AwsService}AccessPolicy-{service}-${EnvType}"

    def of_environment(self, environment: str) -> Names:
        """Return the patterns as they are in one environment."""
        given = {"environment": environment.lower(), "Environment": environment}
        return Names(*(filled(pattern, **given) for pattern in self))


KNOWN = {
    "stack": ("service", "environment", "Environment"),
    "template": ("service", "environment", "Environment"),
    "policy": ("AwsService", "service", "environment", "Environment"),
}
NEEDED = {"stack": "service", "template": "service", "policy": "AwsService"}


def filled(pattern: str, **fields: str) -> str:
    """Return a pattern with these fields filled in; the others stay."""
    return FIELDS.sub(lambda found: fields.get(found[1], found[0]), pattern)


def pattern_faults(names: Names) -> Iterator[tuple[str, str]]:
    """Yield which pattern is wrong, and how."""
    for kind, pattern in names._asdict().items():
        fields = FIELDS.findall(pattern)
        allowed = ", ".join(f"{{{field}}}" for field in KNOWN[kind])
        for field in fields:
            if field not in KNOWN[kind]:
                yield kind, f"nothing is called {{{field}}}; allowed in the name of a {kind}: {allowed}"
        if NEEDED[kind] not in fields:
            yield kind, f"needs {{{NEEDED[kind]}}}: without it two would have one name"


def stack_fault(name: str) -> str:
    """Return why CloudFormation takes no stack of this name, "" if it does."""
    if STACK.fullmatch(name):
        return ""
    if len(name) > 128:  # noqa: PLR2004 - said in the message
        return f"the stack name {name} has {len(name)} characters; CloudFormation allows 128"
    return f"the stack name {name} must be letters, digits and hyphens, and begin with a letter"


def template_fault(name: str) -> str:
    """Return why a template can have no such file name, "" if it can."""
    if name == ENVIRONMENT_FILE:
        return f"the template would be called {ENVIRONMENT_FILE}, which is out/'s own; name the service or the pattern otherwise"
    return "" if TEMPLATE.fullmatch(name) else f"{name} is no file name of a template: letters, digits, ._- and .yml"


def policy_fault(name: str) -> str:
    """Return why IAM takes no inline policy of this name (its parameters filled in), "" if it does."""
    if POLICY.fullmatch(name):
        return ""
    if len(name) > 128:  # noqa: PLR2004 - said in the message
        return f"the policy name {name} has {len(name)} characters; IAM allows 128"
    return f"the policy name {name} must be letters, digits and +=,.@_-"

"""The names that stacks, templates and policies get: patterns in services.yml, filled in here and nowhere else."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from taskroles.faults import listed
from taskroles.tree import ENVIRONMENT_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FIELDS = re.compile(r"(?<!\$)\{([^{}]*)\}")
PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9]*")
VARIABLE = re.compile(r"\$\{([^}]*)\}")
STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")  # CreateStack, StackName
TEMPLATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,195}\.yml")  # file systems take 255, and we need some more
POLICY = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)  # PutRolePolicy, PolicyName
ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)  # CreateRole, RoleName


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
    pieces = list(_pieces(pattern))
    pieces[1::2] = [fields.get(field, f"{{{field}}}") for field in pieces[1::2]]
    return "".join(pieces)


@functools.cache
def _pieces(pattern: str) -> list[str]:
    """Return text and fields of a pattern by turns: the patterns are few, what they name is not."""
    return FIELDS.split(pattern)


def substituted(text: str, values: Mapping[str, str]) -> str:
    """Return a text with the values of parameters for its `${...}`; what has no value stays."""
    for name, value in values.items() if "${" in text else ():
        text = text.replace(f"${{{name}}}", value)
    return text


def unknown_variable(name: str, known: Iterable[str]) -> str:
    """Return what is wrong with a `${name}` that is none of the known ones."""
    could_be = PARAMETER.fullmatch(name)
    remedy = "add it below `parameters:` in services.yml, or use one of" if could_be else "allowed:"
    return f"nothing is called ${{{name}}}; {remedy} {listed(known, name)}"


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
    if name.lower() == ENVIRONMENT_FILE:
        return f"a template cannot be called {name}: out/ has an {ENVIRONMENT_FILE} of its own"
    if TEMPLATE.fullmatch(name):
        return ""
    if len(name) > 200:  # noqa: PLR2004 - said in the message
        return f"the file name {name} has {len(name)} characters; 200 are allowed"
    return f"the file name {name} must be letters, digits and ._-, begin with a letter or digit, and end in .yml"


def policy_fault(name: str) -> str:
    """Return why IAM takes no inline policy of this name (its parameters filled in), "" if it does."""
    if POLICY.fullmatch(name):
        return ""
    if len(name) > 128:  # noqa: PLR2004 - said in the message
        return f"the policy name {name} has {len(name)} characters; IAM allows 128"
    return f"the policy name {name} must be letters, digits and +=,.@_-"


def role_fault(name: str) -> str:
    """Return why no role can have this name (its parameters filled in), "" if one can."""
    if ROLE.fullmatch(name):
        return ""
    if len(name) > 64:  # noqa: PLR2004 - said in the message
        return f"the role name {name} has {len(name)} characters; IAM allows 64"
    return f"the role name {name} must be letters, digits and +=,.@_-; a path is no part of it"

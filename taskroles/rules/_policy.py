"""What the rules in this folder ask of a template, of its environment and of a policy statement.

cfn-lint loads every file here as a file of rules unless its name begins with an underscore; a bare `cfn-lint` does not
know our package, so that its folder is added here.
"""

from __future__ import annotations

import functools
import re
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cfnlint.helpers import ensure_list, is_function
from cfnlint.jsonschema import ValidationError
from cfnlint.rules.helpers import get_value_from_path
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)

from taskroles.access.actions import expand, resource_types  # noqa: E402
from taskroles.access.canonical import UNKNOWN, canonical  # noqa: E402
from taskroles.access.environments import Environment, beside  # noqa: E402
from taskroles.access.escalation import way_of  # noqa: E402
from taskroles.access.limits import limiting_keys, limits_rights, narrows  # noqa: E402
from taskroles.access.patterns import is_wildcard, letters  # noqa: E402
from taskroles.access.places import arn_of, is_everything  # noqa: E402
from taskroles.access.reading import with_values  # noqa: E402
from taskroles.access.resources import plain_parameters  # noqa: E402
from taskroles.names import filled  # noqa: E402
from taskroles.rules._exceptions import exception  # noqa: E402
from taskroles.tree import ENVIRONMENT_FILE  # noqa: E402

__all__ = ["expand", "filled", "is_wildcard", "limits_rights", "narrows", "resource_types", "way_of"]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cfnlint.jsonschema import ValidationResult, Validator

FROM_ELSEWHERE = ("{{resolve:", "Fn::Transform")  # what they give may be anything
ACCOUNT, SOME_ACCOUNT = "AWS::AccountId", "123456789012"  # ... and what cfn-lint takes it for
STATEMENT = "AWS::IAM::Policy/Properties/PolicyDocument/Statement"  # cfn-lint's name for any policy statement
PARTIAL = re.compile(r"^\s*#.*\((policies/\S+)\)\s*$")


class Element(NamedTuple):
    """One action or resource: what it matches, how the statement says so, and where."""

    pattern: str
    written: str
    path: list[str | int]


def environment(validator: Validator) -> Environment | None:
    """Return the environment of the template, as the environment.yml beside it says; None if there is none."""
    return _beside(validator.cfn.filename)[0]


def environment_fault(validator: Validator) -> str:
    """Return why no environment.yml says what the template is of, "" if one does."""
    return _beside(validator.cfn.filename)[1]


@functools.cache
def _beside(filename: str | None) -> tuple[Environment | None, str]:
    return beside(Path(filename or "from stdin"))


def takes_wildcards(validator: Validator) -> bool:
    """Tell whether the environment lets wildcards pass."""
    here = environment(validator)
    return bool(here and here.wildcards)


def service(validator: Validator) -> str:
    """Return the service that the template's file name tells, "" without an environment."""
    here = environment(validator)
    return here.service(Path(validator.cfn.filename or "").name) if here else ""


class StatementRule(CfnLintKeyword):
    """A rule on policy statements, with exceptions: each "WHAT because REASON", of what is written or of a policy."""

    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on every policy statement."""
        super().__init__([STATEMENT])
        self.config_definition = {"exceptions": {"default": [], "type": "list", "itemtype": "string"}}

    def validate(self, validator: Validator, _: Any, statement: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield what is found in a statement."""
        if validator.is_type(statement, "object"):
            yield from self.findings(validator, statement)

    def is_excepted(self, validator: Validator, written: str) -> bool:
        """Tell whether what is written, or the whole policy, is excepted with a reason (see `exception`)."""
        return any(reason for reason in self._reasons(validator, written).values())

    def reasonless(self, validator: Validator, written: str) -> str:
        """Return what to say where an exception of it counts for nothing, as it has no reason."""
        found = (what for what, reason in self._reasons(validator, written).items() if not reason)
        return next((f'; its exception has no reason: "{what} because REASON"' for what in found), "")

    def _reasons(self, validator: Validator, written: str) -> dict[str, str]:
        """Return the reasons of the exceptions that are made of it, by what each is of: itself, or SERVICE/LOGICAL-ID."""
        logical_id = [*validator.context.path.path, "", ""][1]
        names = (written, f"{service(validator)}/{logical_id}")
        return {what: reason for what, reason in map(exception, self.config["exceptions"]) if what in names}


def where(validator: Validator) -> str:
    """Say in which environment a thing is not allowed."""
    here = environment(validator)
    return f"not allowed in {here.name}" if here else f"not allowed without an {ENVIRONMENT_FILE} that says so"


def finding(validator: Validator, message: str, path: Iterable[str | int]) -> ValidationError:
    """Return what a rule yields: the message, and the partials that wrote the policy if a comment tells."""
    partials = _partials(validator)
    return ValidationError(f"{message} ({', '.join(partials)})" if partials else message, path=deque(path))


def _partials(validator: Validator) -> list[str]:
    """Return the partials named in the comment lines right above the logical id, one for each grant."""
    section, logical_id, *_ = [*validator.context.path.path, None, None]
    if section != "Resources" or not validator.cfn.filename:
        return []
    key = next(key for key in validator.cfn.template[section] if key == logical_id)
    lines = Path(validator.cfn.filename).read_text(encoding="utf-8").splitlines()[: key.start_mark.line]
    found: list[str] = []
    while lines and (match := PARTIAL.match(lines.pop())):
        found.insert(0, match[1])
    return list(dict.fromkeys(found))


def values(validator: Validator, instance: Any, *keys: str) -> Iterator[tuple[Any, list[str | int]]]:
    """Yield what can stand at keys, with its path: every branch of Fn::If, None where it may be missing."""
    start = len(validator.context.path.path)
    for value, branch in get_value_from_path(validator, instance, deque(keys)):
        yield value, list(branch.context.path.path)[start:]


def elements(validator: Validator, statement: dict[str, Any], key: str) -> Iterator[Element]:
    """Yield the Action or Resource elements of a statement that allows something.

    Scalar or list, with Fn::If, Ref, Fn::Sub and Fn::Join resolved as far as cfn-lint can, and as canonical text with the
    values that a deploy gives the parameters. NotAction and NotResource match all but a few, so they count as `*`; so
    does an action that only AWS knows, and a dynamic reference.
    """
    if all(effect == "Deny" for effect, _ in values(validator, statement, "Effect")):
        return
    if f"Not{key}" in statement:
        yield Element("*", f"Not{key}", [f"Not{key}"])
    for value, path in [*values(validator, statement, key), *values(validator, statement, key, "*")]:
        if isinstance(value, list) or value is None:
            continue
        known = [each for each in _patterns(validator, value) if key == "Resource" or "${" not in each]
        for pattern in known:
            yield Element(pattern, value if isinstance(value, str) else pattern, path)
        if any(each in str(value) for each in FROM_ELSEWHERE) or (key == "Action" and not known):
            yield Element("*", value if isinstance(value, str) else f"what {next(iter(value))} gives", path)


def _patterns(validator: Validator, value: Any) -> list[str]:
    """Return what an Action or Resource may be, each once: with the values of a deploy, and as cfn-lint resolves it."""
    text = with_values(canonical(value), parameter_values(validator))
    resolved = [each for found, _, _ in validator.resolve_value(value) for each in ensure_list(found)]
    found = [each for each in resolved if isinstance(each, str)]
    if ACCOUNT in str(value):
        found = [each.replace(SOME_ACCOUNT, f"${{{ACCOUNT}}}") for each in found]
    return list(dict.fromkeys(found if UNKNOWN in text else [text, *found]))


def parameter_values(validator: Validator) -> dict[str, str]:
    """Return the values of the template's parameters in canonical text: those of a deploy, else the defaults."""
    here = environment(validator)
    given = here.parameters if here else {}
    return plain_parameters(validator.cfn.template) | {name: canonical(value) for name, value in given.items()}


def every_resource(validator: Validator, statement: dict[str, Any]) -> list[Element]:
    """Return the Resource elements that are as wide as every resource."""
    return [each for each in elements(validator, statement, "Resource") if is_everything(each.pattern)]


def limits(validator: Validator, statement: dict[str, Any], action: str = "*") -> list[frozenset[str]]:
    """Return, for each Condition that the statement may have, the keys by which it limits an action."""
    given = parameter_values(validator)
    return [limiting_keys(condition, given, action) for condition, _ in values(validator, statement, "Condition")]


def other_accounts(validator: Validator, statement: dict[str, Any]) -> list[tuple[Element, str]]:
    """Return the Resource elements that name an account in digits that is not the environment's, with that account.

    None if the environment has none: any may be its own.
    """
    here = environment(validator)
    found: list[tuple[Element, str]] = []
    if not here or not here.account:
        return found
    for resource in elements(validator, statement, "Resource"):
        arn = arn_of(resource.pattern)
        account = "".join(letter for letter in letters(arn.account) if len(letter) == 1) if arn else ""
        if re.search("[0-9]", account) and account != here.account:
            found.append((resource, account))
    return found


def symbolic(value: Any) -> str:
    """Return a name as one string in which `${X}` stands for what CloudFormation fills in."""
    function, argument = is_function(value)
    if function == "Ref":
        return f"${{{argument}}}"
    if function == "Fn::ImportValue":
        return symbolic(argument)
    if function == "Fn::Join":
        return symbolic(argument[0]).join(map(symbolic, argument[1]))
    if function == "Fn::Sub":
        text, names = argument if isinstance(argument, list) else (argument, {})
        return re.sub(r"\$\{(\w+)\}", lambda m: symbolic(names[m[1]]) if m[1] in names else m[0], text)
    return value.replace("${", "${!") if isinstance(value, str) else "?"  # without !Sub it stands for itself

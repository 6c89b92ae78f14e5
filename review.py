"""Say what a change to out/ grants and revokes, as access and not as text.

Each side is a git revision, the working tree (no HEAD) or `deployed`: what CloudFormation runs now.

  review.py origin/main                 the working tree against main
  review.py v1.2 v1.3 --format markdown
  review.py deployed --environment Staging --service backend

A line is one of
  granted    access that was not there: an action, or an action on another resource
  widened    existing access became broader; also whatever cannot be decided, marked "cannot tell"
  narrowed   existing access became smaller
  revoked    access that is gone
and `notice` where CloudFormation would do something other than it seems. Exit code: 0, or 1 if --fail-on finds a
line, or 2 for wrong usage or unreadable input.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

OUT = "out"
MOST_MARKDOWN = 64_000  # a comment on GitHub holds 65,536 characters
GROWS = ("granted", "widened")
LEVELS = ("Permissions management", "Write", "Tagging", "Read", "List", "unknown")
DELETES = re.compile(r":(Batch)?(Delete|Purge|Remove|Terminate|Destroy|Truncate|Drop|BatchWrite)")
CANNOT_DECIDE = "cannot tell"


class ReviewError(Exception):
    """Wrong usage or unreadable input."""


class Side(NamedTuple):
    """One side of the comparison: the blob id of each template, and how to read some of them."""

    label: str
    blobs: dict[str, str]
    read: Callable[[list[str]], dict[str, str]]


class Mark(NamedTuple):
    """What deserves a look in a line."""

    code: str
    text: str


class Line(NamedTuple):
    """One line of the review; equal lines of several environments are merged."""

    kind: str
    aws_services: tuple[str, ...]
    text: str
    actions: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()


class Section(NamedTuple):
    """The lines of a service that are the same in these environments."""

    service: str
    environments: tuple[str, ...]
    lines: tuple[Line, ...]


Templates = dict[str, access.Template]


class Review(NamedTuple):
    """All that was found; `unchanged` are files whose text differs and whose access does not."""

    base: str
    head: str
    sections: tuple[Section, ...]
    unchanged: tuple[str, ...]


# --- sides --------------------


def git(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run git and return what it prints; its complaint becomes a ReviewError."""
    try:
        done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise ReviewError("git is not installed") from None
    if done.returncode:
        raise ReviewError(done.stderr.decode(errors="replace").strip().split("\n")[0] or f"git {arguments[0]} failed")
    return done.stdout


def revision_side(revision: str) -> Side:
    """Return what a git revision holds under out/."""
    git("rev-parse", "--git-dir")
    try:
        commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}").decode().strip()
    except ReviewError:
        hint = "; a shallow clone may lack it: git fetch" if Path(".git/shallow").exists() else ""
        raise ReviewError(f"no such git revision: {revision}{hint}") from None
    blobs = {}
    for entry in git("ls-tree", "-r", "-z", commit, "--", OUT + "/").decode().split("\0")[:-1]:
        kind_and_id, path = entry.split("\t", 1)
        if template_of(path):
            blobs[path] = kind_and_id.split()[2]

    def read(paths: list[str]) -> dict[str, str]:
        stream, texts = git("cat-file", "--batch", stdin="".join(blobs[p] + "\n" for p in paths).encode()), {}
        for path in paths:
            header, _, rest = stream.partition(b"\n")
            size = int(header.split()[2])
            texts[path], stream = decode(rest[:size], path), rest[size + 1 :]
        return texts

    return Side(revision, blobs, read)


def working_tree_side() -> Side:
    """Return what lies in out/ now, committed or not."""

    def read(paths: list[str]) -> dict[str, str]:
        return {path: decode(Path(path).read_bytes(), path) for path in paths}

    found = (path.as_posix() for path in sorted(Path(OUT).rglob("*")) if path.is_file())
    return Side("working tree", {p: blob_id(Path(p).read_bytes()) for p in found if template_of(p)}, read)


def deployed_side(other: Side, environments: list[str], services: list[str]) -> Side:
    """Return what is deployed now, of the environments and services of the other side unless told which."""
    from botocore.exceptions import BotoCoreError, ClientError

    import stacks

    known = [found for path in other.blobs if (found := template_of(path))]
    texts: dict[str, str] = {}
    for environment in environments or sorted({e for e, _ in known}):
        wanted = services or sorted({s for e, s in known if e == environment})
        try:
            deployed = stacks.deployed_templates(environment, wanted)
        except (BotoCoreError, ClientError) as error:
            raise ReviewError(f"what is deployed in {environment} is not to be had: {error}") from None
        texts |= {f"{OUT}/{path.removeprefix(OUT + '/')}": text for path, text in deployed.items()}
    return Side("deployed", {p: blob_id(t.encode()) for p, t in texts.items()}, lambda ps: {p: texts[p] for p in ps})


def decode(data: bytes, path: str) -> str:
    """Return a file's text, or say which file is not text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ReviewError(f"{path}: not UTF-8") from None


def blob_id(data: bytes) -> str:
    """Return the id that git gives to a file's content, without asking git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324


def template_of(path: str) -> tuple[str, str] | None:
    """Return (environment, service) of a template's path below out/, or None for another file."""
    match = re.fullmatch(rf"{OUT}/([^/]+)/(?:sample-ecs-taskrole-)?(.+?)(?:-cfn)?\.ya?ml", path)
    return (match[1], match[2]) if match else None


# --- review --------------------


def review(base: Side, head: Side, environments: Iterable[str] = (), services: Iterable[str] = ()) -> Review:
    """Compare two sides. Only files that differ are read, and Staging's where Production gains something."""
    environments, services = set(environments), set(services)
    paths = [
        path
        for path in sorted(base.blobs.keys() | head.blobs.keys())
        if base.blobs.get(path) != head.blobs.get(path)
        and (not environments or template_of(path)[0] in environments)  # type: ignore[index]
        and (not services or template_of(path)[1] in services)  # type: ignore[index]
    ]
    old = parse(base, [p for p in paths if p in base.blobs])
    new = parse(head, [p for p in paths if p in head.blobs])
    existed = {template_of(p)[1] for p in base.blobs}, {template_of(p)[1] for p in head.blobs}  # type: ignore[index]
    found: dict[str, dict[Line, list[str]]] = defaultdict(lambda: defaultdict(list))
    duplicates, unchanged = duplicate_names(old, new, head), []
    for path in sorted(paths, key=lambda p: rank(template_of(p)[0])):  # type: ignore[index]
        environment, service = template_of(path)  # type: ignore[misc]
        if path in old and path in new:
            lines = compare_templates(old[path], new[path])
        else:
            title = ("removed", "new")[path in new] + ("" if service in existed[path in old] else " service")
            lines = [one_line(title, old.get(path), new.get(path))]
        lines += duplicates.get(path, [])
        if is_production(environment) and path in new:
            more = more_than_staging(new[path], head, service) if any(x.kind in GROWS for x in lines) else set()
            lines = [mark_production_only(line, more) for line in lines]
        for line in lines:
            found[service][line].append(environment)
        if not lines:
            unchanged.append(path)
    sections = [Section(s, e, lines) for s, by_line in found.items() for e, lines in by_environments(by_line)]
    first = {s: min(urgency(section) for section in sections if section.service == s) for s in found}
    sections.sort(key=lambda x: (first[x.service], x.service, rank(x.environments[0])))
    return Review(base.label, head.label, tuple(sections), tuple(unchanged))


def parse(side: Side, paths: list[str]) -> dict[str, access.Template]:
    """Read and parse some files of a side; an error says which side it is."""
    try:
        return {path: access.read_template(text, path) for path, text in side.read(paths).items()} if paths else {}
    except access.TemplateError as error:
        raise ReviewError(f"{error} ({side.label})") from None


def by_environments(lines: Mapping[Line, list[str]]) -> list[tuple[tuple[str, ...], tuple[Line, ...]]]:
    """Group the lines of a service by the environments that they hold for."""
    grouped: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    for line, environments in lines.items():
        grouped[tuple(environments)].append(line)
    order = ("notice", *GROWS, "narrowed", "revoked")
    return [(e, tuple(sorted(found, key=lambda x: order.index(x.kind)))) for e, found in grouped.items()]


def rank(environment: str) -> tuple[bool, bool, str]:
    """Sort Production first and Dev last."""
    return (not is_production(environment), environment.lower().startswith("dev"), environment)


def is_production(environment: str) -> bool:
    """Tell Production by its name."""
    return environment.lower().startswith("prod")


def urgency(section: Section) -> tuple[bool, bool]:
    """Sort services that gain something in Production first."""
    production = any(map(is_production, section.environments))
    return (not (production and any(line.kind in GROWS for line in section.lines)), not production)


def compare_templates(old: access.Template, new: access.Template) -> list[Line]:
    """Return the lines for one file that exists on both sides."""
    lines = notices(old, new)
    names = target_names(old) | target_names(new)
    sides = [by_role(old), by_role(new)]
    gone, come = (sorted(sides[i].keys() - sides[1 - i].keys()) for i in (0, 1))
    if len(gone) == len(come) == 1:  # the notice says that the role changed; what it may do is compared as before
        sides[1][gone[0]] = sides[1].pop(come[0])
    roles = sorted(sides[0].keys() | sides[1].keys())
    for role in roles:
        label = f" (role {bare(role)})" if len(roles) > 1 else ""
        lines += access_lines(sides[0].get(role, []), sides[1].get(role, []), names, label)
    return lines


def by_role(template: access.Template) -> dict[str, list[access.Statement]]:
    """Collect the statements of each role of a template."""
    found: dict[str, list[access.Statement]] = defaultdict(list)
    for policy in template.policies:
        for role in policy.roles:
            found[role] += policy.statements
    return found


def one_line(title: str, old: access.Template | None, new: access.Template | None) -> Line:
    """Return the one line for a file that is new or removed."""
    template = old or new
    statements = [s for p in template.policies for s in p.statements]  # type: ignore[union-attr]
    sides = ([], statements) if new else (statements, [])
    changes = [c for c in access.compare(*sides) if c.kind in ("granted", "revoked")]
    by_service: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        by_service[service_of(change.action)].add(change.action)
    every = [{c.action for c in changes}] if "*" in by_service else by_service.values()
    said = "; ".join(actions_text(actions, service=True) for actions in every) or "no access"
    marks = look(changes, *sides) if new else ()
    return Line("granted" if new else "revoked", (), f"{title}: {said}", real(c.action for c in changes), marks=marks)


def notices(old: access.Template, new: access.Template) -> list[Line]:
    """Return what CloudFormation would do that the text does not show, and what cannot be judged."""
    lines = []
    before, after = ({p.logical_id: p for p in t.policies} for t in (old, new))
    for was in old.policies:
        for now in new.policies:
            renamed = was.logical_id not in after and now.logical_id not in before
            if renamed and was.name == now.name and set(was.roles) & set(now.roles):
                lines.append(
                    Line(
                        "notice",
                        (),
                        f"{was.logical_id} becomes {now.logical_id} and keeps its policy name: CloudFormation creates "
                        f"{now.logical_id}, then deletes {was.logical_id} by that name, and the role is left "
                        f"without {now.name}",
                    )
                )
    moved: dict[tuple[str, str], list[str]] = defaultdict(list)
    for logical_id in before.keys() & after.keys():
        roles = [", ".join(map(bare, side[logical_id].roles)) or "nothing" for side in (before, after)]
        if roles[0] != roles[1]:
            moved[roles[0], roles[1]].append(logical_id)
    for (was_role, now_role), ids in sorted(moved.items()):
        text = f"{enumerate_text(sorted(ids))}: CloudFormation attaches to {now_role} and takes away from {was_role}"
        lines.append(Line("widened", (), text, marks=(Mark("role", "the role import changed"),)))
    for key in sorted(old.rest.keys() | new.rest.keys()):
        one_sided = key not in old.rest or key not in new.rest
        if old.rest.get(key) != new.rest.get(key) and not (one_sided and key.startswith(("Param", "Mapp", "Cond"))):
            text = f"{CANNOT_DECIDE}: {key} changed, and with it maybe what the policies mean"
            lines.append(Line("widened", (), text, marks=(Mark("cannot-tell", "not a policy: read it yourself"),)))
    return lines


def duplicate_names(old: Templates, new: Templates, head: Side) -> dict[str, list[Line]]:
    """Return, by file, a line for each policy that is new there and whose name another one has on the same role."""
    had = {(path, *key) for path, template in old.items() for key in policy_keys(template)}
    fresh = [(path, *key) for path, template in new.items() for key in policy_keys(template) if (path, *key) not in had]
    places = {template_of(path)[0] for path, *_ in fresh}  # type: ignore[index]
    unread = [p for p in head.blobs if p not in new and template_of(p)[0] in places]  # type: ignore[index]
    names = {longest_literal(name) for _, _, name, _ in fresh}
    texts = head.read(unread) if unread else {}
    likely = [
        p for p, text in texts.items() if names & set(map(longest_literal, re.findall(r"PolicyName: *(.*)", text)))
    ]
    users: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for path, template in (new | parse(head, likely)).items():
        environment, service = template_of(path)  # type: ignore[misc]
        for logical_id, name, role in policy_keys(template):
            users[environment, name, role].append(f"{logical_id} ({service})")
    lines: dict[str, list[Line]] = defaultdict(list)
    for path, _, name, role in fresh:
        sharing = users[template_of(path)[0], name, role]  # type: ignore[index]
        if len(sharing) > 1:
            text = f"{enumerate_text(sharing)} share the name {name} on {bare(role)}: the one deployed last replaces"
            lines[path].append(Line("notice", (), f"{text} the other, and removing either removes it"))
    return lines


def policy_keys(template: access.Template) -> list[tuple[str, str, str]]:
    """Return (logical id, policy name, role) of each policy and role."""
    return [(p.logical_id, p.name, role) for p in template.policies for role in p.roles]


def longest_literal(name: str) -> str:
    """Return the longest piece of a policy's name that stands in a file as it is."""
    return max(re.split(r"\$\{[^}]*\}|[\s\"']", name), key=len)


def more_than_staging(new: access.Template, head: Side, service: str) -> set[str]:
    """Return the actions other than reads that Production allows and Staging, if there is one, does not."""
    found = {t: p for p in head.blobs if (t := template_of(p)) and t[0].lower().startswith("stag")}
    paths = [p for (_, s), p in found.items() if s == service]
    there = [s for t in parse(head, paths).values() for p in t.policies for s in p.statements]
    here = [s for p in new.policies for s in p.statements]
    more = {c.action for c in access.compare(there, here) if c.kind in GROWS} if found else set()
    return {a for a in real(more) if access.access_level(a) not in ("Read", "List")}


def mark_production_only(line: Line, more: set[str]) -> Line:
    """Mark the writes that Production gains and Staging does not have."""
    some = sorted(more.intersection(line.actions)) if line.kind in GROWS else []
    mark = Mark("production-only", f"a write that Staging does not have: {enumerate_text(brief(some), most=3)}")
    return line._replace(marks=(*line.marks, mark)) if some else line


# --- lines of access --------------------

IMPORT = re.compile(r"\$\{import ((?:[^{}]|\{[^{}]*\})*)\}")
Statements = list[access.Statement]
RuleMap = dict[str, frozenset[access.Rule]]


def access_lines(before: Statements, after: Statements, names: dict[str, str], label: str = "") -> list[Line]:
    """Compare two sets of statements and say the changes as a person would, a line per AWS service and direction."""
    changes = access.compare(before, after)
    rules = access.rules_by_action(before, after), access.rules_by_action(after, before)
    lines = []
    for grows in (True, False):
        had = {service_of(a) for a in rules[not grows]}
        for services, group in grouped([c for c in changes if (c.kind in GROWS) is grows], had):
            line = sentence(services, group, rules, names, grows=grows)
            marks = look(group, before, after) if grows else ()
            lines.append(line._replace(text=line.text + label, marks=marks))
    return lines


def grouped(changes: list[access.Change], had: set[str]) -> list[tuple[tuple[str, ...], list[access.Change]]]:
    """Group changes by AWS service; three or more that come or go whole, in the very same way, are one group.

    `had` are the services with access on the side that has less.
    """
    everything = {c[1:] for c in changes if c.action == "*"}  # kind, rules before and after, reason
    groups: dict[str, list[access.Change]] = defaultdict(list)
    for c in changes:
        groups["*" if c[1:] in everything else service_of(c.action)].append(c)
    alike: dict[object, list[str]] = defaultdict(list)
    for service, group in groups.items():
        alike[service if service in had else frozenset(c[1:] for c in group)].append(service)
    merged = [part for same in alike.values() for part in ([same] if len(same) > 2 else [[s] for s in same])]  # noqa: PLR2004
    return [(tuple(part), [c for s in part for c in groups[s]]) for part in sorted(merged, key=lambda p: (len(p), p))]


def sentence(
    services: tuple[str, ...],
    group: list[access.Change],
    rules: tuple[RuleMap, RuleMap],
    names: dict[str, str],
    *,
    grows: bool,
) -> Line:
    """Say one group: "ACTIONS on PLACES" if these only come or go, else "BEFORE → AFTER"."""
    wide, narrow = (rules[1], rules[0]) if grows else rules
    said = {c.action for c in group}
    lost = real(c.action for c in group if c.kind in ("granted", "revoked"))
    # `sqs:*` that shrinks to three of its actions: those three did not change, yet the sentence is about all of them
    by_pattern = {wide[a] for a in said if access.is_wildcard(a) and a in wide}
    shared = {a for a, r in wide.items() if r in by_pattern and service_of(a) in services}
    if len(lost) < len(real(said)) or not lost or any(allows(narrow.get(a, ())) for a in shared):
        said |= shared
        left, right = ({a: side[a] for a in said if a in side} for side in rules)
        names = unambiguous(names, left, right)
        count = f": {number(len(lost), 'action')} {'granted' if grows else 'revoked'}" if lost else ""
        text = f"{side_text(left, names)} → {side_text(right, names)}{count}"
        kind = "widened" if grows else "narrowed"
        return Line(kind, services, text, lost or real(said), rule_texts(left), rule_texts(right))
    delta = {c.action: (c.after - c.before) if grows else (c.before - c.after) for c in group}
    left, right = ({a: side[a] for a in said if a in side} for side in rules)
    text = side_text(delta, unambiguous(names, left, right))
    shown = ((), rule_texts(delta)) if grows else (rule_texts(delta), ())
    return Line(group[0].kind, services, text, lost, *shown)


def service_of(action: str) -> str:
    """Return the AWS service of an action: "sqs"."""
    return action.partition(":")[0]


def allows(rules: Iterable[access.Rule]) -> bool:
    """Tell whether any of the rules is an Allow."""
    return any(r.effect == "Allow" for r in rules)


def rule_texts(side: RuleMap) -> tuple[str, ...]:
    """Return the resources of one side in full, as canonical ARNs."""
    return tuple(
        sorted(
            f"{'Deny ' * (r.effect == 'Deny')}{'not ' * r.negated}{', '.join(sorted(r.resources))}"
            + (f" if {r.condition}" if r.condition else "")
            for r in frozenset().union(*side.values())
        )
    )


def side_text(side: RuleMap, names: dict[str, str]) -> str:
    """Say what one side allows: "3 actions on sample-queue"."""
    by_rules: dict[frozenset[access.Rule], set[str]] = defaultdict(set)
    for action, rules in side.items():
        by_rules[rules].add(action)
    by_place: dict[str, set[str]] = defaultdict(set)
    for rules, actions in by_rules.items():
        noun = resource_noun(actions)
        allowed, denied = (sorted({place(r, noun, names) for r in rules if r.effect == e}) for e in ("Allow", "Deny"))
        if set(allowed) - set(denied):
            by_place[enumerate_text(allowed) + (f" except {enumerate_text(denied)}" if denied else "")] |= actions
        else:
            by_place[f"no resource, denied on {enumerate_text(denied)}"] |= actions
    if len(by_place) > 3:  # noqa: PLR2004
        return f"{actions_text(set(side))} on {len(by_place)} sets of resources"
    return "; ".join(f"{actions_text(acts)} on {where}" for where, acts in sorted(by_place.items())) or "nothing"


def actions_text(actions: set[str], *, service: bool = False) -> str:
    """Say which actions: a pattern that is exactly these, up to two names, or how many; with their service if asked."""
    plain = set(real(actions))
    if "*" in actions:
        missing = len(access.expand("*") - plain)
        return "every action of every AWS service" + (f" but {missing}" if missing else "")
    for pattern in sorted(a for a in actions if access.is_wildcard(a)):
        if access.expand(pattern) == plain:
            return pattern
    by_service = {s: {a for a in actions if service_of(a) == s} for s in sorted(map(service_of, plain))}
    if len(by_service) > 1:
        each = [actions_text(some, service=True) for some in by_service.values()]
        return f"{len(plain)} actions ({enumerate_text(each, most=6)})"
    if len(plain) > 2:  # noqa: PLR2004
        return f"{len(plain)} {min(by_service)} actions" if service else f"{len(plain)} actions"
    names = sorted(plain or actions)
    return enumerate_text(names if service else brief(names))


def brief(actions: Iterable[str]) -> list[str]:
    """Leave out the AWS service from the names of actions if it is the same for all, as a line's column says it."""
    names = sorted(actions)
    return [n.partition(":")[2] or n for n in names] if len(set(map(service_of, names))) == 1 else names


def place(rule: access.Rule, noun: str, names: dict[str, str]) -> str:
    """Say which resources a rule is about, by the target's name where there is one."""
    where = sorted({names.get(p) or plain_name(p, noun) for p in rule.resources})
    text = f"everything but {enumerate_text(where)}" if rule.negated else where[0]
    return text + (f" if {bare(rule.condition)}" if rule.condition else "")


def plain_name(pattern: str, noun: str) -> str:
    """Say a canonical ARN briefly."""
    short = short_arn(pattern)
    match = re.fullmatch(r"(?:([\w-]+)[/:])?\*(/\*)?", short)
    return f"every {match[1] or noun}" if match else bare(short)


def short_arn(pattern: str) -> str:
    """Drop from a canonical ARN what is the same for everything in this account and region."""
    here = r"^arn:\$\{AWS::Partition\}:(?:[\w-]+:(?:\$\{AWS::Region\})?:(?:\$\{AWS::AccountId\})?:(?=.))?"
    return re.sub(here, "", pattern)


def bare(text: str) -> str:
    """Spell imports by the name of the export alone."""
    return IMPORT.sub(lambda match: match[1], text)


def resource_noun(actions: Iterable[str]) -> str:
    """Return the one type of resource that the actions work on ("queue"), else "resource"."""
    types = [access.resource_types(a) for a in actions if access.resource_types(a)]
    common = frozenset.intersection(*types) if types else frozenset()
    return min(common) if len(common) == 1 else "resource"


def target_names(template: access.Template) -> dict[str, str]:
    """Map resource patterns to the target names of the comments above their policies, where these are clear."""
    names = {}
    for policy in template.policies:
        targets = list(dict.fromkeys(g.target for g in policy.grants if g.target))
        patterns = list(dict.fromkeys(p for s in policy.statements for p in s.resources if p != "*"))
        roots = {p: next(iter(IMPORT.findall(p)), p) for p in patterns}
        distinct = list(dict.fromkeys(roots.values()))
        if len(targets) == 1:
            names |= dict.fromkeys(patterns, targets[0])
        elif len(targets) == len(distinct):
            names |= {p: targets[distinct.index(root)] for p, root in roots.items()}
    return names


def unambiguous(names: dict[str, str], left: RuleMap, right: RuleMap) -> dict[str, str]:
    """Spell out the names that stand for one thing on the left and for another on the right."""
    used = [{p for rules in side.values() for r in rules for p in r.resources} for side in (left, right)]
    clear = {}
    for pattern, name in names.items():
        meant = [{p for p in side if names.get(p) == name} for side in used]
        if meant[0] and meant[1] and meant[0] != meant[1]:
            longer = {p: short_arn(IMPORT.sub(name, p, count=1)) for p in meant[0] | meant[1]}
            if len(set(longer.values())) == len(longer) and pattern in longer:
                clear[pattern] = longer[pattern]
        else:
            clear[pattern] = name
    return clear


def look(changes: list[access.Change], before: Statements, after: Statements) -> tuple[Mark, ...]:
    """Return what deserves a look in changes that grow."""
    actions = real(c.action for c in changes)
    services = {service_of(c.action) for c in changes}
    known = {p.lower() for s in before for p in s.actions}
    spelled = {p for s in after if s.effect == "Allow" for p in s.actions if access.is_wildcard(p)}
    wild = sorted(p for p in spelled if p.lower() not in known and service_of(p.lower()) in services)
    if "*" in services and any(s.not_actions and s.effect == "Allow" for s in after):
        wild.append("NotAction")
    everywhere = {
        c.action
        for c in changes
        if access.resource_types(c.action)
        and any(
            r.effect == "Allow" and plain_name(min(r.resources), "").startswith("every ") for r in c.after - c.before
        )
    }
    marks = [Mark("cannot-tell" if r.startswith(CANNOT_DECIDE) else "dropped", r) for r in reasons(changes)]
    if wild:
        marks.append(Mark("wildcard-action", f"wildcard {enumerate_text(wild)}: also what AWS adds to it later"))
    if everywhere:
        marks.append(Mark("wildcard-resource", f"{number(len(everywhere), 'action')} could be narrowed to a resource"))
    for code, phrase, some in (
        ("escalation", "can be used to gain further rights", [a for a in actions if access.can_escalate(a)]),
        (
            "permissions",
            "changes who has access",
            [a for a in actions if access.access_level(a) == LEVELS[0]],
        ),
        (
            "delete",
            "can delete data",
            [a for a in actions if DELETES.search(a) and access.access_level(a) == "Write"],
        ),
    ):
        if some:
            marks.append(Mark(code, f"{phrase}: {enumerate_text(brief(some), most=3)}"))
    return tuple(marks)


def reasons(changes: list[access.Change]) -> list[str]:
    """Return the distinct reasons that the comparison gives."""
    return sorted({bare(c.reason) for c in changes if c.reason})


def real(actions: Iterable[str]) -> tuple[str, ...]:
    """Return the actions that exist today, without the patterns for what AWS may add."""
    return tuple(sorted(a for a in set(actions) if not access.is_wildcard(a)))


def number(count: int, noun: str) -> str:
    """Return "1 action", "2 actions"."""
    return f"{count} {noun}{'s' * (count != 1)}"


def enumerate_text(items: Iterable[str], word: str = "and", most: int = 8) -> str:
    """Join words as in a sentence, and say how many are left out."""
    items = list(items)
    if len(items) > most + 1:
        items = [*items[:most], f"{len(items) - most} more"]
    return f" {word} ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


# --- output --------------------


def levels(actions: Iterable[str]) -> dict[str, list[str]]:
    """Group actions by their access level, the most powerful first."""
    found: dict[str, list[str]] = {level: [] for level in LEVELS}
    for action in actions:
        found[access.access_level(action)].append(action)
    return {level: names for level, names in found.items() if names}


def counts(result: Review) -> dict[str, Counter[str]]:
    """Count the lines of each kind in each environment, and the marks as "to look at"."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for section in result.sections:
        for environment in section.environments:
            found[environment].update(line.kind for line in section.lines)
            found[environment]["to look at"] += sum(bool(line.marks) for line in section.lines)
    return {e: +found[e] for e in sorted(found, key=rank)}


def headline(result: Review) -> list[str]:
    """Return the lines that say it all in brief."""
    if not result.sections:
        only = f" ({number(len(result.unchanged), 'file')} changed in text only)" if result.unchanged else ""
        return [f"no change in permissions{only}"]
    lines = []
    for environment, kinds in counts(result).items():
        words = [f"{kinds[k]} {k}" for k in ("notice", *GROWS, "narrowed", "revoked", "to look at") if kinds[k]]
        lines.append(f"{environment}: {', '.join(words)}")
    return lines


STYLES = {"granted": "33", "widened": "31", "narrowed": "32", "revoked": "32", "notice": "35"}
SIGNS = {"granted": "+", "widened": "+", "narrowed": "-", "revoked": "-", "notice": "!"}


def terminal(result: Review, *, color: bool, columns: int = 10_000) -> str:
    """Render for a person at a terminal."""

    def paint(code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if color else text

    out = [paint("2", f"{result.base} → {result.head}"), *(paint("1", h) for h in headline(result))]
    for section in result.sections:
        out += ["", f"{paint('1', section.service)} in {', '.join(section.environments)}"]
        width = max(len(column(line)) + 2 * bool(line.aws_services) for line in section.lines)
        for line in section.lines:
            rows = [
                ("", line.text),
                *(("2", row) for row in level_rows(line)),
                *(("31", "! " + m.text) for m in line.marks),
            ]
            start = f"  {paint(STYLES[line.kind], f'{SIGNS[line.kind]} {line.kind:8}')}  {column(line):{width}}"
            for style, text in rows:
                for piece in textwrap.wrap(text, max(columns - 14 - width, 40), subsequent_indent="  "):
                    out.append(start + (paint(style, piece) if style else piece))
                    start = " " * (14 + width)
    if result.sections and result.unchanged:
        out += [
            "",
            paint("2", f"{number(len(result.unchanged), 'more file')} without a change in permissions"),
        ]
    return "\n".join(out) + "\n"


def column(line: Line) -> str:
    """Return the AWS service of a line, or how many, or "" if the text says it."""
    count = len(line.aws_services)
    return f"{count} services" if count > 1 else "".join(line.aws_services)


def level_rows(line: Line) -> list[str]:
    """Return the access levels of a line's actions: with names if these are few, else how many of each."""
    found = levels(line.actions)
    if len(line.actions) > (12 if line.kind in GROWS else 4):
        return [", ".join(f"{len(names)} {level}" for level, names in found.items())]
    return [f"{level}: {', '.join(brief(names))}" for level, names in found.items()]


def markdown(result: Review) -> str:
    """Render for a pull request: a table per service, details folded, never longer than the forge allows."""
    head = ["<!-- review.py -->", f"### Permissions: {escape(result.base)} → {escape(result.head)}", ""]
    head += [f"- {'**' * (i == 0)}{h}{'**' * (i == 0)}" for i, h in enumerate(headline(result))]
    by_service: dict[str, list[Section]] = defaultdict(list)
    for section in result.sections:
        by_service[section.service].append(section)
    tables = {service: table(service, sections) for service, sections in by_service.items()}
    text, left = "\n".join(head), list(by_service)
    room = MOST_MARKDOWN - len(text) - sum(len(rows) + 1 for rows in tables.values())
    for service, sections in by_service.items():
        if len(text) + len(tables[service]) > MOST_MARKDOWN:
            text += f"\n\n{len(left)} more services are left out: too long for a comment. Run `make review`."
            break
        folded = details(sections)
        fits = room > len(folded)
        room -= len(folded) if fits else 0
        text += "\n" + tables[service] + ("\n" + folded if fits else "")
        left.remove(service)
    return text + "\n"


def table(service: str, sections: list[Section]) -> str:
    """Return the table of one service."""
    rows = [
        "",
        f"**{escape(service)}**",
        "",
        "| environment | | AWS service | access | look at |",
        "|---|---|---|---|---|",
    ]
    for section in sections:
        for line in section.lines:
            kind = line.kind if line.kind in ("narrowed", "revoked") else f"**{line.kind}**"
            marks = "<br>".join(f"⚠️ {escape(m.text)}" for m in line.marks)
            cells = [
                escape(", ".join(section.environments)),
                kind,
                escape(column(line)),
                escape(line.text),
                marks,
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def details(sections: list[Section]) -> str:
    """Return the folded list of actions and resources of one service."""
    rows = ["", "<details><summary>actions and resources</summary>", ""]
    for section in sections:
        for line in section.lines:
            rows.append(f"- {line.kind} ({escape(', '.join(section.environments))}): {escape(line.text)}")
            rows += [
                f"  - {level}: {', '.join(f'`{n}`' for n in names)}" for level, names in levels(line.actions).items()
            ]
            rows += [
                f"  - {w}: {', '.join(f'`{r}`' for r in t)}"
                for w, t in zip(("before", "after"), line[4:6], strict=True)
                if t
            ]
    return "\n".join([*rows, "", "</details>"])


def escape(text: str) -> str:
    """Keep text from being read as Markdown."""
    return re.sub(r"([\\|*_<>`\[\]$~@#])", r"\\\1", text).replace("\n", " ")


def as_json(result: Review) -> str:
    """Render for programs; see review.schema.json."""
    sections = [
        {
            "service": s.service,
            "environments": s.environments,
            "changes": [
                {
                    **line._asdict(),
                    "actions": [{"action": a, "access_level": access.access_level(a)} for a in line.actions],
                    "marks": [m._asdict() for m in line.marks],
                }
                for line in s.lines
            ],
        }
        for s in result.sections
    ]
    whole = {"base": result.base, "head": result.head, "counts": counts(result), "sections": sections}
    return json.dumps({**whole, "unchanged": result.unchanged}, indent=2, ensure_ascii=False) + "\n"


def fails(result: Review, gates: Iterable[str]) -> bool:
    """Tell whether any line is of a kind, or has a mark, that a gate forbids."""
    lines = [line for section in result.sections for line in section.lines]
    risky = any(m.code in ("escalation", "permissions") for line in lines for m in line.marks)
    return any(risky if gate == "escalation" else any(line.kind == gate for line in lines) for gate in gates)


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="a git revision, or deployed")
    parser.add_argument("head", nargs="?", help="a git revision, or deployed (default: the working tree)")
    parser.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    parser.add_argument("--fail-on", choices=["widened", "granted", "escalation"], action="append", default=[])
    parser.add_argument("--environment", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--service", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    options = parser.parse_args(argv)
    try:
        base, head = choose_sides(options)
        result = review(base, head, options.environment, options.service)
    except ReviewError as error:
        sys.stderr.write(f"review.py: {error}\n")
        return 2
    if options.format == "terminal":
        tty = sys.stdout.isatty()
        columns = {"columns": shutil.get_terminal_size().columns} if tty else {}
        text = terminal(result, color=tty and not os.environ.get("NO_COLOR"), **columns)
    else:
        text = {"markdown": markdown, "json": as_json}[options.format](result)
    sys.stdout.write(text)
    return int(fails(result, options.fail_on))


def choose_sides(options: argparse.Namespace) -> tuple[Side, Side]:
    """Return both sides; what is deployed is asked of AWS for what the other side has."""
    named = [options.base, options.head]
    if named == ["deployed", "deployed"]:
        raise ReviewError("only one side can be what is deployed")
    sides = [None if n == "deployed" else revision_side(n) if n else working_tree_side() for n in named]
    base, head = (s or deployed_side(next(filter(None, sides)), options.environment, options.service) for s in sides)
    if not base.blobs and not head.blobs:
        raise ReviewError(f"no templates under {OUT}/ in {base.label} or {head.label}")
    return base, head


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

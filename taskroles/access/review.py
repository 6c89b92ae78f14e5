"""Compare two sides of out/, file by file, and say what changes in access: who gets it, what is shared, what is unknown."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from taskroles.access.actions import access_level
from taskroles.access.compare import CANNOT_TELL, compare
from taskroles.access.environments import Environment, by_importance, read_environment
from taskroles.access.marks import UNREAD, Mark
from taskroles.access.meanings import DEFAULT, moved_values, still_passed, uncertain_values
from taskroles.access.places import bare
from taskroles.access.policy_names import alike, denies, known_key, may_have_policy, named, policy_keys, renamed
from taskroles.access.reading import Template, read_template, with_values
from taskroles.access.report import Review, Section
from taskroles.access.resources import TRUST
from taskroles.access.roles import lines_of_roles, only_passed, outliving, staying, unsaid
from taskroles.access.settings import setting_lines
from taskroles.access.wording import GROWS, SIGNS, Line
from taskroles.access.words import brief, enumerate_text
from taskroles.documents import decoded
from taskroles.faults import BadInput
from taskroles.names import Names
from taskroles.tree import ENVIRONMENT_FILE, FILE, OUT, is_template, oddity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from taskroles.access.reading import Statement

ODD = "other files"  # stands where a line is about what is no template


class File(NamedTuple):
    """A template, named by what it is for."""

    environment: str
    service: str


class Side(NamedTuple):
    """One side of the comparison: its environments, where its templates lie, and how to read some of them.

    `ids` holds git's blob id of each file by path: what has the same id is the same. `odd` holds, by path, what lies
    in out/ and cannot be judged, with the reason.
    """

    label: str
    environments: dict[str, Environment]
    paths: dict[File, str]
    ids: dict[str, str]
    odd: dict[str, str]
    read: Callable[[Sequence[str]], dict[str, bytes]]
    commit: str = ""  # "" where the side is no revision

    def id(self, file: File) -> str | None:
        """Return what stands for the content of a template, None if the side has none."""
        return self.ids.get(self.paths.get(file, ""))

    def contents(self, files: Iterable[File]) -> dict[File, bytes]:
        """Return the contents of those of the files that the side has."""
        wanted = {self.paths[file]: file for file in files if file in self.paths}
        return {wanted[path]: data for path, data in self.read(list(wanted)).items()} if wanted else {}


def side_of(
    label: str, ids: dict[str, str], kinds: Mapping[str, str], read: Callable[[Sequence[str]], dict[str, bytes]]
) -> Side:
    """Return a side of the comparison from the blob ids and kinds of its files.

    An environment without an environment.yml is read by its paths: each template is of the service that it is named after.
    """
    odd = {path: why for path in ids if (why := oddity(path, kinds.get(path, FILE)))}
    environments: dict[str, Environment] = {}
    files = [path for path in ids if path not in odd and path.endswith(f"/{ENVIRONMENT_FILE}")]
    for path, data in (read(files) if files else {}).items():
        try:
            environment = read_environment(decoded(data, path), path)
        except BadInput as error:
            odd[path] = f"cannot be read: {'; '.join(error.faults)}"
        else:
            environments[environment.name] = environment
    folders = {path.split("/")[1] for path in ids if is_template(path) or path in files}
    for name in folders - environments.keys():
        environments[name] = Environment(name, Names(), described=False)
    return Side(label, environments, placed(ids.keys() - odd.keys(), environments), ids, odd, read)


def placed(paths: Iterable[str], environments: Mapping[str, Environment]) -> dict[File, str]:
    """Return where each template lies: by its service, those of another name than the pattern's by that name."""
    found: dict[File, str] = {}
    by_folder = [(environments[path.split("/")[1]], path) for path in sorted(paths) if is_template(path)]
    for environment, path in sorted(by_folder, key=lambda pair: not pair[0].is_of_pattern(pair[1])):
        file = File(environment.name, environment.service(path))
        found[file if file not in found else file._replace(service=path.split("/")[2])] = path
    return found


def like(side: Side, other: Side) -> Side:
    """Return a side that takes from the other what it has no environment.yml for: names, settings, what comes after what."""
    known = [each for each in (*other.environments.values(), *side.environments.values()) if each.described]
    environments = dict(side.environments)
    for name, here in side.environments.items():
        if known and not here.described:
            same = next((each for each in known if each.name == name), here._replace(names=known[0].names))
            environments[name] = same._replace(described=False)
    return side._replace(environments=environments, paths=placed(side.ids.keys() - side.odd.keys(), environments))


def parse(side: Side, files: Iterable[File]) -> tuple[dict[File, Template], dict[File, str]]:
    """Read those of the files that a side has; return the templates, and why the others cannot be read."""
    templates, broken = {}, {}
    for file, data in side.contents(files).items():
        path = side.paths[file]
        try:
            templates[file] = read_template(decoded(data, path), path)
        except BadInput as error:
            broken[file] = f"{error} ({side.label})"
    return templates, broken


def review(base: Side, head: Side, environments: Iterable[str] = (), services: Iterable[str] = ()) -> Review:
    """Compare two sides. Only files that differ are read, and others where these ask for it."""
    order = by_importance((base.environments | head.environments).values())
    passing = passing_others(base, head)
    changed = [
        file
        for file in sorted(base.paths.keys() | head.paths.keys(), key=lambda f: (order.index(f.environment), f.service))
        if (base.id(file) != head.id(file) or file.environment in passing)
        and (not environments or file.environment in environments)
        and (not services or file.service in services)
    ]
    old, broken = parse(base, changed)
    new, broken_too = parse(head, changed)
    lines: dict[File, list[Line]] = {}
    known = [(side, {file.service for file in side.paths}) for side in (base, head)]
    for file in changed:
        unread = [
            Line("widened", (), f"cannot read {each[file]}", marks=(UNREAD,))
            for each in (broken, broken_too)
            if file in each
        ]
        scopes = tuple(scope(file, *each) for each in known)
        where = settings_of(file.environment, base, head)
        lines[file] = unread or compare_templates(old.get(file), new.get(file), *scopes, where)
    for file, shared in shared_names(old, new, base, head):
        lines[file].append(shared)
    found: dict[str, dict[Line, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in changed:
        for line in beyond(file, lines[file], new, head):
            found[file.service][line].append(file.environment)
    for name in order:
        if (not environments or name in environments) and f"{OUT}/{name}/{ENVIRONMENT_FILE}" not in head.odd:
            for line in setting_lines(name, base.environments, head.environments):
                if not services or line.kind in GROWS:  # which it does for each service
                    found[ENVIRONMENT_FILE][line].append(name)
    for line in odd_lines(base, head, environments):
        found[ODD][line].append(OUT)
    silent = [file for file in changed if not lines[file] and base.id(file) != head.id(file)]
    unchanged = tuple((head if file in head.paths else base).paths[file] for file in silent)
    protected = {each.name for side in (base, head) for each in side.environments.values() if each.protected}
    order = [*order, OUT]
    commits = (base.commit, head.commit)
    return Review(base.label, head.label, tuple(sections(found, order, protected)), unchanged, tuple(order), commits)


def odd_lines(base: Side, head: Side, environments: Iterable[str]) -> Iterator[Line]:
    """Yield a line for what cannot be judged and came, went or changed: each may be of any service."""
    for path in sorted(base.odd.keys() | head.odd.keys()):
        asked = not environments or path == OUT or path.split("/")[1] in environments
        if asked and base.ids.get(path) != head.ids.get(path):
            side = head if path in head.odd else base
            how = "changed" if path in base.ids and path in head.ids else "came" if path in head.ids else "went"
            text = f"{CANNOT_TELL}: {path} {how}: it {side.odd[path]} ({side.label})"
            yield Line("widened", (), text, marks=(UNREAD,))


def settings_of(name: str, base: Side, head: Side) -> tuple[Environment, Environment]:
    """Return an environment on both sides: where one lacks it, or does not describe it, as the other has it."""
    was, now = base.environments.get(name), head.environments.get(name)
    was, now = was or now, now or was
    return (was, now) if was.described and now.described else (now, now)


def passing_others(base: Side, head: Side) -> set[str]:
    """Return the environments whose deploys pass other values of parameters than they did."""
    both = {name: settings_of(name, base, head) for name in base.environments.keys() | head.environments.keys()}
    return {name for name, (was, now) in both.items() if was.parameters != now.parameters}


def sections(
    found: Mapping[str, Mapping[Line, list[str]]], order: list[str], protected: Iterable[str]
) -> list[Section]:
    """Group the lines of each service by the environments they hold for; what protected ones gain comes first."""
    grouped: dict[tuple[str, tuple[str, ...]], list[Line]] = defaultdict(list)
    for service, lines in found.items():
        for line, environments in lines.items():
            grouped[service, tuple(environments)].append(line)
    urgency: dict[str, tuple[bool, bool]] = defaultdict(lambda: (True, True))
    for (service, environments), lines in grouped.items():
        guarded = any(environment in protected for environment in environments)
        gains = guarded and any(line.kind in GROWS for line in lines)
        urgency[service] = min(urgency[service], (not gains, not guarded))
    keys = sorted(grouped, key=lambda key: (urgency[key[0]], key[0], order.index(key[1][0])))
    return [Section(*key, tuple(sorted(grouped[key], key=lambda line: list(SIGNS).index(line.kind)))) for key in keys]


def statements(template: Template) -> list[Statement]:
    """Return the statements of all policies of a template."""
    return [statement for policy in template.policies for statement in policy.statements]


NO_ENVIRONMENTS = (Environment("", Names(), described=False),) * 2
NO_TEMPLATE = Template("", (), {}, {}, {})


def compare_templates(
    old: Template | None,
    new: Template | None,
    came: str = "",
    went: str = "",
    environments: tuple[Environment, Environment] = NO_ENVIRONMENTS,
) -> list[Line]:
    """Return the lines for one file; a side that does not have it is None, and allows nothing.

    `came` and `went` say what the file is to a side that does not have it: a service, an environment; `environments` is
    the one that it is deployed to, before and after.
    """
    title = f"new {came}: " if old is None else f"removed {went}, once its stack is deleted: " if new is None else ""
    before, after = old or NO_TEMPLATE, new or NO_TEMPLATE
    given = tuple(environment.parameters for environment in environments)
    passed = (given[0], still_passed(before, after, *given))
    was, now = moved_values(before, after, *passed)
    lines = [
        *renamed(before, after, *passed),
        *attached(before, after, was, now),
        *undecided(before, after, {name for name in was if was[name] != now.get(name)}),
    ]
    for name, why in uncertain_values(before, after, *given):
        text = f"{CANNOT_TELL}: the value of parameter {name}: {why}"
        lines.append(Line("widened", (), text, marks=(UNREAD,)))
    lines += [staying(policy) for policy in before.policies for _ in outliving(policy, after)]
    if new is None:
        text = "its template is removed, its stack is not: the policies stay until somebody destroys it"
        lines.append(Line("notice", (), text))
    both = old is not None and new is not None
    account = environments[1].account
    found = lines_of_roles(before, after, (was, now), account, both=both)
    lines += [line._replace(text=title + line.text) for line in found]
    sure = only_passed((was, now), passed)
    if both and sure != (was, now):
        names = sorted({*was, *now} - (sure[0].keys() & sure[1].keys()))
        where = f"where a stack has another value of {enumerate_text(names)}: "
        others = unsaid(lines_of_roles(before, after, sure, account, both=both), found)
        lines += [line._replace(text=where + line.text) for line in others]
    return lines or ([Line("notice", (), f"{title}no access")] if title else [])


def attached(old: Template, new: Template, was: dict[str, str], now: dict[str, str]) -> Iterator[Line]:
    """Yield a line for the policies that roles lose and others get, with these values of parameters.

    The policies within a role are its own, and change no hands.
    """
    own = {p.logical_id for side in (old, new) for p in side.policies if any(r.startswith(TRUST) for r in p.roles)}
    before, after = (
        {
            policy.logical_id: {with_values(role, values) for role in policy.roles}
            for policy in template.policies
            if policy.logical_id not in own
        }
        for template, values in ((old, was), (new, now))
    )
    moved: dict[tuple[str, str], list[str]] = defaultdict(list)
    for logical_id in sorted(before.keys() & after.keys()):
        roles = (after[logical_id] - before[logical_id], before[logical_id] - after[logical_id])
        if any(roles):
            gets, loses = (enumerate_text(sorted(map(bare, some))) for some in roles)
            moved["another role" if gets == loses else gets, loses].append(logical_id)
    for (gets, loses), ids in sorted(moved.items()):
        it = "it" if len(ids) == 1 else "them"
        does = [f"puts {it} on {gets}"] * bool(gets) + [f"takes {it} away from {loses}"] * bool(loses)
        text = f"{enumerate_text(ids, most=3)}: CloudFormation {' and '.join(does)}"
        yield Line("notice", (), text, marks=(Mark("role", "another role"),))


def undecided(old: Template, new: Template, moved: set[str]) -> Iterator[Line]:
    """Yield a line for all that came, went or changed and is not understood; `moved` are parameters of other values."""
    for key in sorted(old.facts.keys() | new.facts.keys()):
        was, now = old.facts.get(key), new.facts.get(key)
        if was != now:
            how = "came" if was is None else "went" if now is None else "changed"
            yield Line("widened", (), f"{CANNOT_TELL}: {key} {how}", marks=(UNREAD,))
    for key in sorted(old.meanings.keys() & new.meanings.keys()):
        name = key.removeprefix(DEFAULT)
        if old.meanings[key] != new.meanings[key] or name in moved:
            what = f"the value of parameter {name}" if name in moved else key
            yield Line("widened", (), f"{CANNOT_TELL}: {what} changed", marks=(UNREAD,))


# --- across files --------------------


def scope(file: File, other: Side, services: set[str]) -> str:
    """Say what a side of these services lacks that does not have this file: a service, an environment, one in the other."""
    if file.service not in services:
        return "service"
    return "in this environment" if file.environment in other.environments else "environment"


def shared_names(
    old: dict[File, Template], new: dict[File, Template], base: Side, head: Side
) -> Iterator[tuple[File, Line]]:
    """Yield a line for each policy that is new and whose name another one has, or had, on the same role, with its file."""
    passed = {name: environment.parameters for name, environment in head.environments.items()}
    was = passed | {name: each.parameters for name, each in base.environments.items() if each.described}
    texts = [key for template in new.values() for key in policy_keys(template)]
    old, new = (
        {file: named(each, given.get(file.environment, {})) for file, each in some.items()}
        for some, given in ((old, was), (new, passed))
    )
    keys = [(file, *key) for file, template in new.items() for key in policy_keys(template)]
    written = {key: text[1:] for key, text in zip(keys, texts, strict=True)}
    had = {(file, *key) for file, template in old.items() for key in policy_keys(template)}
    fresh = [(file, *key) for file, template in new.items() for key in policy_keys(template) if (file, *key) not in had]
    environments = {file.environment for file, *_ in fresh}
    names = {name for _, _, name, _ in fresh}
    unread = head.contents(f for f in head.paths if f not in new and f.environment in environments) if fresh else {}
    likely = [file for file, data in unread.items() if may_have_policy(data, names, passed.get(file.environment, {}))]
    others = {file: named(each, passed.get(file.environment, {})) for file, each in parse(head, likely)[0].items()}
    users: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    denied = set()
    for file, template in (new | others).items():
        for logical_id, name, role in policy_keys(template):
            users[known_key(file.environment, name, role)].append(f"{logical_id} ({file.service})")
        denied |= {
            known_key(file.environment, p.name, role) for p in template.policies if denies(p) for role in p.roles
        }
    left: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for file, logical_id, name, role in sorted(had - set(keys)):
        left[known_key(file.environment, name, role)].append(f"{logical_id} ({file.service})")
    all_keys = sorted(users.keys() | left.keys())
    unknown = [key for key in all_keys if "" in key]
    for file, logical_id, name, role in fresh:
        key = known_key(file.environment, name, role)
        same = alike(key, all_keys, unknown)
        kind = "notice" if denied.isdisjoint(same) else "widened"
        called, on = written[file, logical_id, name, role]
        sharing, others_left = (
            list(dict.fromkeys(who for each in same for who in some[each])) for some in (users, left)
        )
        may = "may " * (len(same) > 1 or "" in key)
        if len(sharing) > 1:
            text = f"{enumerate_text(sharing)} {may}share the name {called} on {bare(on)}: CloudFormation refuses the"
            effect = (
                "second; where both are there, the one deployed last is what counts, and removing either removes it"
            )
            yield file, Line(kind, (), f"{text} {effect}")
        elif others_left := [each for each in others_left if not each.endswith(f" ({file.service})")]:
            takes = f"{may}take{'s' * (not may)} over"
            text = f"{logical_id} {takes} the name {called} on {bare(on)} from {enumerate_text(others_left)}: whatever"
            yield file, Line(kind, (), f"{text} removes that removes this, so deploy or destroy that stack first")


def beyond(file: File, lines: list[Line], new: dict[File, Template], head: Side) -> list[Line]:
    """Mark the lines by which an environment gains what the one before it does not have: all but reads."""
    before = head.environments[file.environment].after if file.environment in head.environments else ""
    grows = file in new and any(line.kind in GROWS for line in lines)
    if not (grows and before in head.environments):
        return lines
    there, _ = parse(head, [File(before, file.service)])
    changes = compare([s for template in there.values() for s in statements(template)], statements(new[file]))
    more = {c.action for c in changes if c.kind in GROWS and access_level(c.action) not in ("Read", "List")}
    return [with_mark_of_more(line, more, before) for line in lines]


def with_mark_of_more(line: Line, more: set[str], before: str) -> Line:
    """Mark a line that grants any of the actions that the environment before does not have."""
    some = brief(more.intersection(line.actions)) if line.kind in GROWS else []
    mark = Mark("beyond", f"a write that {before} does not have: {enumerate_text(some, most=3)}")
    return line._replace(marks=(*line.marks, mark)) if some else line

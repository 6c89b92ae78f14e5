"""Compare two sides of out/, file by file, and say what changes in access: who gets it, what is shared, what is unknown."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from taskroles.access.actions import access_level
from taskroles.access.compare import CANNOT_TELL, compare
from taskroles.access.environments import OUT, Environment, by_importance, environments_in
from taskroles.access.reading import read_template
from taskroles.access.report import Review, Section
from taskroles.access.settings import setting_lines
from taskroles.access.wording import (
    GROWS,
    SIGNS,
    Line,
    Mark,
    access_lines,
    bare,
    brief,
    enumerate_text,
    target_names,
    whole_line,
)
from taskroles.documents import decoded
from taskroles.faults import BadInput
from taskroles.names import ENVIRONMENT_FILE, Names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from taskroles.access.reading import Statement, Template

IN_OUT = re.compile(rf"{OUT}/(?P<environment>[^/]+)/(?P<name>[^/]+\.ya?ml)")
POLICY_NAME = re.compile(rb"""PolicyName: *(?:!Sub *)?["']?([^"'\n]+)""")  # to find files that need to be parsed


class File(NamedTuple):
    """A template, named by what it is for."""

    environment: str
    service: str


class Side(NamedTuple):
    """One side of the comparison: its environments, where its templates lie, and how to read some of them.

    `ids` holds git's blob id of each file by path; what has the same id is the same.
    """

    label: str
    environments: dict[str, Environment]
    paths: dict[File, str]
    ids: dict[str, str]
    read: Callable[[Sequence[str]], dict[str, bytes]]

    def id(self, file: File) -> str | None:
        """Return what stands for the content of a template, None if the side has none."""
        return self.ids.get(self.paths.get(file, ""))

    def contents(self, files: Iterable[File]) -> dict[File, bytes]:
        """Return the contents of those of the files that the side has."""
        wanted = {self.paths[file]: file for file in files if file in self.paths}
        return {wanted[path]: data for path, data in self.read(list(wanted)).items()} if wanted else {}


def side_of(label: str, ids: dict[str, str], read: Callable[[Sequence[str]], dict[str, bytes]]) -> Side:
    """Return a side of the comparison from the blob ids of its files. Raises BadInput.

    An environment without an environment.yml is read by its paths: each template is of the service that it is named after.
    """
    found = [match for match in map(IN_OUT.fullmatch, ids) if match]
    files = [match[0] for match in found if match["name"] == ENVIRONMENT_FILE]
    try:
        environments = environments_in(read(files) if files else {})
    except BadInput as error:
        raise BadInput([f"{fault} ({label})" for fault in error.faults]) from None
    for name in {match["environment"] for match in found} - environments.keys():
        environments[name] = Environment(name, Names(), described=False)
    return Side(label, environments, placed(ids, environments), ids, read)


def placed(ids: Iterable[str], environments: Mapping[str, Environment]) -> dict[File, str]:
    """Return where each template lies."""
    found = (match for match in map(IN_OUT.fullmatch, ids) if match and match["name"] != ENVIRONMENT_FILE)
    return {
        File(match["environment"], environments[match["environment"]].service(match[0])): match[0] for match in found
    }


def like(side: Side, other: Side) -> Side:
    """Return a side that takes from the other what it has no environment.yml for: names, settings, what comes after what."""
    known = [each for each in (*other.environments.values(), *side.environments.values()) if each.described]
    environments = dict(side.environments)
    for name, here in side.environments.items():
        if known and not here.described:
            same = next((each for each in known if each.name == name), here._replace(names=known[0].names))
            environments[name] = same._replace(described=False)
    return side._replace(environments=environments, paths=placed(side.ids, environments))


def parse(side: Side, files: Iterable[File]) -> dict[File, Template]:
    """Read those of the files that a side has. Raises BadInput, which says which side it is."""
    templates = {}
    for file, data in side.contents(files).items():
        path = side.paths[file]
        try:
            templates[file] = read_template(decoded(data, path), path)
        except BadInput as error:
            raise BadInput([f"{error} ({side.label})"]) from None
    return templates


def review(base: Side, head: Side, environments: Iterable[str] = (), services: Iterable[str] = ()) -> Review:
    """Compare two sides. Only files that differ are read, and others where these ask for it."""
    order = by_importance((base.environments | head.environments).values())
    changed = [
        file
        for file in sorted(base.paths.keys() | head.paths.keys(), key=lambda f: (order.index(f.environment), f.service))
        if base.id(file) != head.id(file)
        and (not environments or file.environment in environments)
        and (not services or file.service in services)
    ]
    old, new = parse(base, changed), parse(head, changed)
    lines = {file: compare_templates(old[file], new[file]) for file in changed if file in old and file in new}
    for file in new.keys() - old.keys():
        lines[file] = [whole_line(f"new {scope(file, base)}", [], statements(new[file]))]
    for file in old.keys() - new.keys():
        lines[file] = [whole_line(f"removed {scope(file, head)}", statements(old[file]), [])]
    for file, shared in shared_names(old, new, head):
        lines[file].append(shared)
    found: dict[str, dict[Line, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in changed:
        for line in beyond(file, lines[file], new, head):
            found[file.service][line].append(file.environment)
    for name in () if services else order:
        for line in (
            setting_lines(name, base.environments, head.environments)
            if not environments or name in environments
            else ()
        ):
            found[ENVIRONMENT_FILE][line].append(name)
    unchanged = tuple((head if file in head.paths else base).paths[file] for file in changed if not lines[file])
    protected = {each.name for side in (base, head) for each in side.environments.values() if each.protected}
    return Review(base.label, head.label, tuple(sections(found, order, protected)), unchanged, tuple(order))


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


def compare_templates(old: Template, new: Template) -> list[Line]:
    """Return the lines for one file that exists on both sides."""
    names = target_names(old, new)
    before, after = by_role(old), by_role(new)
    lost, gained = before.keys() - after.keys(), after.keys() - before.keys()
    if len(lost) == len(gained) == 1:  # the role changed, which is said; what it may do is compared as before
        after[lost.pop()] = after.pop(gained.pop())
    lines = [*renamed(old, new), *attached(old, new), *undecided(old, new)]
    roles = sorted(before.keys() | after.keys())
    for role in roles:
        label = f" (role {bare(role)})" if len(roles) > 1 else ""
        found = access_lines(before.get(role, []), after.get(role, []), names)
        lines += [line._replace(text=line.text + label) for line in found]
    return lines


def by_role(template: Template) -> dict[str, list[Statement]]:
    """Collect the statements of each role of a template."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for policy in template.policies:
        for role in policy.roles:
            found[role] += policy.statements
    return found


def renamed(old: Template, new: Template) -> Iterator[Line]:
    """Yield a line for each policy whose logical id changed while its name on the same role did not."""
    before, after = ({policy.logical_id for policy in template.policies} for template in (old, new))
    for was in old.policies:
        for now in new.policies:
            same = was.name == now.name and set(was.roles) & set(now.roles)
            if same and was.logical_id not in after and now.logical_id not in before:
                yield Line(
                    "notice",
                    (),
                    f"{was.logical_id} becomes {now.logical_id} under the same policy name: CloudFormation creates the "
                    f"new one, then deletes the old one by that name, and the role is left without {now.name}. "
                    "Change the name as well, or keep the logical id",
                )


def attached(old: Template, new: Template) -> Iterator[Line]:
    """Yield a line for the policies that one role loses and another gets."""
    before, after = ({policy.logical_id: policy.roles for policy in template.policies} for template in (old, new))
    moved: dict[tuple[str, str], list[str]] = defaultdict(list)
    for logical_id in sorted(before.keys() & after.keys()):
        if before[logical_id] != after[logical_id]:
            was, now = (", ".join(map(bare, side[logical_id])) or "nothing" for side in (before, after))
            moved[was, now].append(logical_id)
    for (was, now), ids in sorted(moved.items()):
        it = "it" if len(ids) == 1 else "them"
        text = f"{enumerate_text(ids, most=3)}: CloudFormation puts {it} on {now} and takes {it} away from {was}"
        yield Line("widened", (), text, marks=(Mark("role", "the role import changed"),))


def undecided(old: Template, new: Template) -> Iterator[Line]:
    """Yield a line for all that changed beside the policies; a parameter that only comes or goes is unused."""
    for key in sorted(old.rest.keys() | new.rest.keys()):
        one_sided = key not in old.rest or key not in new.rest
        if old.rest.get(key) != new.rest.get(key) and not (one_sided and key.startswith(("Param", "Mapp", "Cond"))):
            text = f"{CANNOT_TELL}: {key} changed, and with it maybe what the policies mean"
            yield Line("widened", (), text, marks=(Mark("cannot-tell", "not a policy: read it yourself"),))


# --- across files --------------------


def scope(file: File, other: Side) -> str:
    """Say what a side lacks that does not have this file: a service, an environment, or a service in it."""
    if all(known.service != file.service for known in other.paths):
        return "service"
    return "in this environment" if file.environment in other.environments else "environment"


def shared_names(old: dict[File, Template], new: dict[File, Template], head: Side) -> Iterator[tuple[File, Line]]:
    """Yield a line for each policy that is new and whose name another one has on the same role, with its file."""
    had = {(file, *key) for file, template in old.items() for key in policy_keys(template)}
    fresh = [(file, *key) for file, template in new.items() for key in policy_keys(template) if (file, *key) not in had]
    environments = {file.environment for file, *_ in fresh}
    names = {name.encode() for _, _, name, _ in fresh}
    unread = head.contents(f for f in head.paths if f not in new and f.environment in environments) if fresh else {}
    likely = [file for file, data in unread.items() if not names.isdisjoint(POLICY_NAME.findall(data))]
    users: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for file, template in (new | parse(head, likely)).items():
        for logical_id, name, role in policy_keys(template):
            users[file.environment, name, role].append(f"{logical_id} ({file.service})")
    for file, _, name, role in fresh:
        sharing = users[file.environment, name, role]
        if len(sharing) > 1:
            text = f"{enumerate_text(sharing)} share the name {name} on {bare(role)}: the one deployed last replaces"
            yield file, Line("notice", (), f"{text} the other, and removing either removes it")


def policy_keys(template: Template) -> list[tuple[str, str, str]]:
    """Return (logical id, policy name, role) of each policy and role."""
    return [(policy.logical_id, policy.name, role) for policy in template.policies for role in policy.roles]


def beyond(file: File, lines: list[Line], new: dict[File, Template], head: Side) -> list[Line]:
    """Mark the lines by which an environment gains what the one before it does not have: all but reads."""
    before = head.environments[file.environment].after if file.environment in head.environments else ""
    grows = file in new and any(line.kind in GROWS for line in lines)
    if not (grows and before in head.environments):
        return lines
    there = parse(head, [File(before, file.service)])
    changes = compare([s for template in there.values() for s in statements(template)], statements(new[file]))
    more = {c.action for c in changes if c.kind in GROWS and access_level(c.action) not in ("Read", "List")}
    return [with_mark_of_more(line, more, before) for line in lines]


def with_mark_of_more(line: Line, more: set[str], before: str) -> Line:
    """Mark a line that grants any of the actions that the environment before does not have."""
    some = brief(more.intersection(line.actions)) if line.kind in GROWS else []
    mark = Mark("beyond", f"a write that {before} does not have: {enumerate_text(some, most=3)}")
    return line._replace(marks=(*line.marks, mark)) if some else line

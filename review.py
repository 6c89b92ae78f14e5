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
line, or 2 for wrong usage or unreadable input. `--fail-on widened` fails on granted lines as well, which are more
than widened; `--fail-on granted` on these alone.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import report
import stacks
from access import TemplateError, access_level, read_template
from compare import CANNOT_TELL, compare
from report import Review, Section, is_production, rank
from wording import GROWS, SIGNS, Line, Mark, access_lines, bare, brief, enumerate_text, target_names, whole_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from access import Statement, Template

PATH = re.compile(r"out/(?P<environment>[^/]+)/sample-ecs-taskrole-(?P<service>.+)-cfn\.yml")
POLICY_NAME = re.compile(rb"""PolicyName: *(?:!Sub *)?["']?([^"'\n]+)""")  # to find files that need to be parsed
GATES = ("widened", "granted", "escalation")
GATES_HELP = "exit with 1 on such a line: widened (granted too), granted alone, or a way to further rights; repeatable"


class ReviewError(Exception):
    """Wrong usage or unreadable input."""


class File(NamedTuple):
    """A template, named by what it is for."""

    environment: str
    service: str

    @property
    def path(self) -> str:
        """Return where it lies in the repository."""
        return f"out/{self.environment}/sample-ecs-taskrole-{self.service}-cfn.yml"


class Side(NamedTuple):
    """One side of the comparison: git's blob id of each template, and how to read some of them."""

    label: str
    ids: dict[File, str]
    read: Callable[[list[File]], dict[File, bytes]]


# --- sides --------------------


def revision_side(revision: str) -> Side:
    """Return what a git revision holds under out/."""
    git("rev-parse", "--git-dir")
    try:
        commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}").decode().strip()
    except ReviewError:
        hint = "; a shallow clone may lack it: git fetch" if Path(".git/shallow").exists() else ""
        raise ReviewError(f"no such git revision: {revision}{hint}") from None
    ids = {}
    for entry in git("ls-tree", "-r", "-z", commit, "--", "out/").decode().split("\0")[:-1]:
        mode_kind_id, path = entry.split("\t", 1)
        ids |= dict.fromkeys(templates_in([path]), mode_kind_id.split()[2])

    def read(files: list[File]) -> dict[File, bytes]:
        contents = {}
        stream = io.BytesIO(git("cat-file", "--batch", stdin="".join(f"{ids[file]}\n" for file in files).encode()))
        for file in files:
            *_, size = stream.readline().split()
            contents[file] = stream.read(int(size) + 1)[:-1]
        return contents

    return Side(revision, ids, read)


def working_tree_side() -> Side:
    """Return what lies in out/ now, committed or not."""

    def read(files: list[File]) -> dict[File, bytes]:
        return {file: Path(file.path).read_bytes() for file in files}

    found = templates_in(path.as_posix() for path in Path("out").rglob("*") if path.is_file())
    return Side("working tree", {file: blob_id(data) for file, data in read(found).items()}, read)


def deployed_side(other: Side, environments: list[str], services: list[str]) -> Side:
    """Return what is deployed now, of the environments and services of the other side unless told which."""
    from botocore.exceptions import BotoCoreError, ClientError

    held: dict[File, bytes] = {}
    for environment in environments or sorted({file.environment for file in other.ids}):
        wanted = services or sorted({file.service for file in other.ids if file.environment == environment})
        try:
            deployed = stacks.deployed_templates(environment, wanted)
        except (BotoCoreError, ClientError, stacks.UsageError) as error:
            raise ReviewError(f"what is deployed in {environment} is not to be had: {error}") from None
        held |= {file: text.encode() for path, text in deployed.items() for file in templates_in([f"out/{path}"])}
    return Side("deployed", {f: blob_id(data) for f, data in held.items()}, lambda files: {f: held[f] for f in files})


def git(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run git and return what it prints; its complaint becomes a ReviewError."""
    try:
        done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise ReviewError("git is not installed") from None
    if done.returncode:
        raise ReviewError(done.stderr.decode(errors="replace").strip().split("\n")[0] or f"git {arguments[0]} failed")
    return done.stdout


def blob_id(data: bytes) -> str:
    """Return the id that git gives to a file's content, without asking git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def templates_in(paths: Iterable[str]) -> list[File]:
    """Return the templates among these paths."""
    return [File(**match.groupdict()) for match in map(PATH.fullmatch, paths) if match]


def parse(side: Side, files: Iterable[File]) -> dict[File, Template]:
    """Read those of the files that a side has; an error says which side it is."""
    templates = {}
    for file, data in side.read([file for file in files if file in side.ids]).items():
        try:
            templates[file] = read_template(data.decode(), file.path)
        except UnicodeDecodeError:
            raise ReviewError(f"{file.path}: not UTF-8 ({side.label})") from None
        except TemplateError as error:
            raise ReviewError(f"{error} ({side.label})") from None
    return templates


# --- review --------------------


def review(base: Side, head: Side, environments: Iterable[str] = (), services: Iterable[str] = ()) -> Review:
    """Compare two sides. Only files that differ are read, and others where these ask for it."""
    changed = [
        file
        for file in sorted(base.ids.keys() | head.ids.keys(), key=lambda file: (rank(file.environment), file.service))
        if base.ids.get(file) != head.ids.get(file)
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
        for line in beyond_staging(file, lines[file], new, head):
            found[file.service][line].append(file.environment)
    unchanged = tuple(file.path for file in changed if not lines[file])
    return Review(base.label, head.label, tuple(sections(found)), unchanged)


def sections(found: Mapping[str, Mapping[Line, list[str]]]) -> list[Section]:
    """Group the lines of each service by the environments they hold for; what Production gains comes first."""
    grouped: dict[tuple[str, tuple[str, ...]], list[Line]] = defaultdict(list)
    for service, lines in found.items():
        for line, environments in lines.items():
            grouped[service, tuple(environments)].append(line)
    urgency: dict[str, tuple[bool, bool]] = defaultdict(lambda: (True, True))
    for (service, environments), lines in grouped.items():
        production = any(map(is_production, environments))
        gains = production and any(line.kind in GROWS for line in lines)
        urgency[service] = min(urgency[service], (not gains, not production))
    order = sorted(grouped, key=lambda key: (urgency[key[0]], key[0], rank(key[1][0])))
    return [Section(*key, tuple(sorted(grouped[key], key=lambda line: list(SIGNS).index(line.kind)))) for key in order]


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
    if all(known.service != file.service for known in other.ids):
        return "service"
    return "in this environment" if any(known.environment == file.environment for known in other.ids) else "environment"


def shared_names(old: dict[File, Template], new: dict[File, Template], head: Side) -> Iterator[tuple[File, Line]]:
    """Yield a line for each policy that is new and whose name another one has on the same role, with its file."""
    had = {(file, *key) for file, template in old.items() for key in policy_keys(template)}
    fresh = [(file, *key) for file, template in new.items() for key in policy_keys(template) if (file, *key) not in had]
    environments = {file.environment for file, *_ in fresh}
    names = {name.encode() for _, _, name, _ in fresh}
    unread = head.read([f for f in head.ids if f not in new and f.environment in environments]) if fresh else {}
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


def beyond_staging(file: File, lines: list[Line], new: dict[File, Template], head: Side) -> list[Line]:
    """Mark the lines by which Production gains what Staging, if there is one, does not have: all but reads."""
    staging = [other for other in head.ids if other.environment.lower().startswith("stag")]
    grows = file in new and any(line.kind in GROWS for line in lines)
    if not (is_production(file.environment) and grows and staging):
        return lines
    there = parse(head, [other for other in staging if other.service == file.service])
    changes = compare([s for template in there.values() for s in statements(template)], statements(new[file]))
    more = {c.action for c in changes if c.kind in GROWS and access_level(c.action) not in ("Read", "List")}
    return [with_production_mark(line, more) for line in lines]


def with_production_mark(line: Line, more: set[str]) -> Line:
    """Mark a line that grants any of the actions that Production has more than Staging."""
    some = brief(more.intersection(line.actions)) if line.kind in GROWS else []
    mark = Mark("production-only", f"a write that Staging does not have: {enumerate_text(some, most=3)}")
    return line._replace(marks=(*line.marks, mark)) if some else line


# --- command line --------------------


def fails(result: Review, gates: Iterable[str]) -> bool:
    """Tell whether any line is of a kind, or has a mark, that a gate forbids."""
    lines = [line for section in result.sections for line in section.lines]
    found = {line.kind for line in lines}
    if "granted" in found:
        found.add("widened")  # and more
    if any(mark.code in ("escalation", "permissions") for line in lines for mark in line.marks):
        found.add("escalation")
    return not found.isdisjoint(gates)


def both_sides(options: argparse.Namespace) -> tuple[Side, Side]:
    """Return both sides; what is deployed is asked of AWS for what the other side has."""
    named = [options.base, options.head]
    if named == ["deployed", "deployed"]:
        raise ReviewError("only one side can be what is deployed")
    sides = [None if n == "deployed" else revision_side(n) if n else working_tree_side() for n in named]
    base, head = (s or deployed_side(next(filter(None, sides)), options.environment, options.service) for s in sides)
    if not base.ids and not head.ids:
        raise ReviewError(f"no templates under out/ in {base.label} or {head.label}")
    known = base.ids.keys() | head.ids.keys()
    try:
        for name in options.environment:
            stacks.require("environment", name, sorted({file.environment for file in known}))
        for name in options.service:
            stacks.require("service", name, sorted({file.service for file in known}))
    except stacks.UsageError as error:
        raise ReviewError(str(error)) from None
    return base, head


def rendered(result: Review, form: str) -> str:
    """Return a review as it is printed."""
    if form == "json":
        return report.as_json(result)
    result = report.printable(result)
    if form == "terminal":
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        return report.terminal(result, shutil.get_terminal_size((110, 24)).columns, colour=colour)
    return report.markdown(result)


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="a git revision, or deployed")
    parser.add_argument("head", nargs="?", help="a git revision, or deployed (default: the working tree)")
    parser.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    parser.add_argument("--fail-on", choices=GATES, action="append", default=[], help=GATES_HELP)
    parser.add_argument("--environment", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--service", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    options = parser.parse_args(argv)
    try:
        result = review(*both_sides(options), options.environment, options.service)
    except ReviewError as error:
        sys.stderr.write(f"review.py: {report.printable(str(error))}\n")
        return 2
    sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may know ASCII alone
    try:
        sys.stdout.write(rendered(result, options.format))
        sys.stdout.flush()
    except OSError as error:
        sys.stderr.write(f"review.py: cannot print: {error.strerror}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed at exit
        return 2
    return int(fails(result, options.fail_on))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

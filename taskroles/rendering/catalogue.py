"""The catalogue of levels: what each one is for, and what it grants on what, from its partial; docs/levels.md.

What a level grants is read from the text of its partial, whatever its conditions: a test holds it next to what renders.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from taskroles.faults import BadInput
from taskroles.rendering.declarations import COMMENT
from taskroles.rendering.headers import Header, read_header
from taskroles.rendering.partials import partial_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from taskroles.rendering.partials import Renderer
    from taskroles.table.policies import Level

PATH = "docs/levels.md"
ACTION = re.compile(r'^ *- "?([a-z0-9-]+:[A-Za-z0-9*]+)"? *$', re.MULTILINE)
RESOURCE = re.compile(r"^ *(?:Resource:|-) *(?:\{\{-? *(\w+)\(|(?:!Sub +)?\"?(\*|arn:[^\"\n]*)\"?)", re.MULTILINE)
INCLUDE = re.compile(r"\{%[-+]? *include +[\"']([^\"']+)[\"'] *[-+]?%\}")
TOP = """\
<!-- Generated from the headers of policies/ by `make levels`. Do not edit. -->
# Levels

What a grant in `services.yml` can choose from: `{level: target}`, with options `{level: {target: ..., option: ...}}`,
and the level alone where it takes no target. `full` is every action. Of the others tests prove that each action exists,
that it is limited to a resource where AWS can do so, and that some call needs it.
"""
KEY = "On the key"


class Entry(NamedTuple):
    """A level as the catalogue has it: what it grants and on what, in the order of its partial."""

    aws_service: str
    level: str
    header: Header
    takes: Level
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    @property
    def usage(self) -> str:
        """Return how services.yml writes it, with the options that it needs."""
        needed = [f"{name}: ..." for name in self.takes.options if name in self.takes.required]
        if not needed:
            return f"{{{self.level}: <target>}}" if self.takes.takes_target else self.level
        target = ["target: <target>"] if self.takes.takes_target else []
        return f"{{{self.level}: {{{', '.join(target + needed)}}}}}"


def catalogue(renderer: Renderer) -> list[Entry]:
    """Return all levels; raise BadInput with every fault of policies/: names, syntax, headers, options."""
    found, faults = [], renderer.faults()
    for aws_service, levels in sorted(renderer.levels().items()):
        for level in sorted(levels):
            path = partial_path(aws_service, level)
            try:
                header, takes = read_header(path, renderer.sources[path]), levels[level]
            except BadInput as error:
                faults += error.faults
                continue
            text = code(renderer.sources, path)
            resources = (macro.replace("_", " ") or literal for macro, literal in RESOURCE.findall(text))
            resources = sorted(once(resources), key="*".__eq__)  # what nothing limits stands last
            found.append(Entry(aws_service, level, header, takes, once(ACTION.findall(text)), tuple(resources)))
            faults += [
                f"{path}:1: Contains names no level of {aws_service}: {other}"
                for other in header.contains
                if other not in levels
            ]
    if faults:
        raise BadInput(faults)
    return found


def code(sources: dict[str, str], path: str, above: tuple[str, ...] = ()) -> str:
    """Return the text of a partial without its comments, with what it includes in its place."""
    text = COMMENT.sub("", sources.get(path, ""))
    return INCLUDE.sub(lambda found: "" if found[1] in above else code(sources, found[1], (*above, path)), text)


def once(items: Iterable[str]) -> tuple[str, ...]:
    """Return items without repetitions, in their order."""
    return tuple(dict.fromkeys(items))


def page(entries: list[Entry], names: dict[str, str]) -> str:
    """Return the text of docs/levels.md; `names` holds what logical ids call each AWS service."""
    services = once(entry.aws_service for entry in entries)
    links = ", ".join(f"[{name}](#{name})" for name in services)
    lines = [TOP, f"{len(entries)} levels of {len(services)} AWS services: {links}", ""]
    for aws_service in services:
        lines += [f"## {aws_service}", "", f"Policies on {names[aws_service]}.", ""]
        for entry in entries:
            if entry.aws_service == aws_service:
                lines += [f"### {aws_service} {entry.level}", "", *described(entry), ""]
    return "\n".join(lines)


def described(entry: Entry) -> Iterator[str]:
    """Yield the lines of the page that say what a level is."""
    header = entry.header
    yield f"Grants {escaped(header.grants)}"
    yield ""
    yield f"- For: {escaped(header.purpose)}"
    yield f"- In a policy: `{entry.usage}`"
    yield f"- Actions: {', '.join(f'`{action}`' for action in entry.actions)}"
    yield f"- On: {', '.join(f'`{each}`' for each in entry.resources)}"
    for name, does in entry.takes.options.items():
        yield f"- Option `{name}`{' (needed)' if name in entry.takes.required else ''}: {escaped(does)}"
    if entry.takes.key:
        yield f"- {KEY}: {on_key(entry)}"
    for title, text in texts(header):
        yield f"- {title}: {escaped(text)}"


def on_key(entry: Entry) -> str:
    """Return what a level grants on the key of its target."""
    return f"kms {entry.takes.key}, where its target names its `key`"


def texts(header: Header) -> Iterator[tuple[str, str]]:
    """Yield the paragraphs of a header that not every level has, and its model, each with its title."""
    lists = {"Contains": header.contains, "Not granted": header.not_granted}
    yield from ((title, ", ".join(items)) for title, items in lists.items() if items)
    yield from ((title, text) for title, text in (("Needs", header.needs), ("Modelled on", header.model)) if text)


def escaped(text: str) -> str:
    """Return text that Markdown leaves as it is, but for `code`."""
    return re.sub(r"[<>*_]", lambda found: f"\\{found[0]}", text) if "`" not in text else text.replace("<", "\\<")

"""YAML as plain data that knows its lines: one reader for services.yml, for templates and for what out/ says of itself.

Goes by libyaml's events: PyYAML's composer recurses in C, so that a text nested deeply enough would end the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from taskroles.faults import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    Path = tuple[str | int, ...]  # keys and indices from the top of a document
    Fault = tuple[int, str]  # a line, counted from 1, and what is wrong with it
    # Turns a scalar's event into its value, or an opened collection into what stands for it; and says what is wrong.
    Construct = Callable[[yaml.NodeEvent, Any], tuple[Any, str]]

ALIAS = (
    "is used again through a YAML alias (*name); write it out where it is used, so that a review of that line sees "
    "all of it"
)


class Mapping(dict):  # type: ignore[type-arg]
    """A YAML mapping; `line` is its own, `lines` holds that of each key, both counted from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int = 0) -> None:
        self.line, self.lines = line, {}


class Sequence(list):  # type: ignore[type-arg]
    """A YAML sequence; `line` is its own, `lines` holds that of each item, both counted from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int = 0) -> None:
        self.line, self.lines = line, []


def text_only(event: yaml.NodeEvent, collection: Any) -> tuple[Any, str]:
    """Construct a document in which every scalar is text, and a tag is a fault."""
    value = event.value if collection is None else collection
    if event.tag in (None, "!"):
        return value, ""
    tag = event.tag.replace("tag:yaml.org,2002:", "!!")
    remedy = "CloudFormation's functions (!Sub, !ImportValue) stand in templates; here text is enough"
    return value, f"the YAML tag {tag} would be lost: leave it out. {remedy}"


def parse(text: str, construct: Construct = text_only, deepest: int = 16) -> tuple[Any, list[Fault]]:
    """Return the YAML in `text` as plain data, None if empty, and its faults. Raises yaml.YAMLError.

    Collections are a Mapping or a Sequence. Aliases, a key that is no text or stands twice, nesting deeper than
    `deepest` and a second document are faults.
    """
    documents = Sequence()
    containers: list[list[Any]] = [[documents, None]]  # each with the key that waits for its value
    anchors: dict[str, int] = {}
    faults: list[Fault] = []
    for event in iter(yaml.CBaseLoader(text).get_event, None):  # as yaml.parse, in half the time
        line = event.start_mark.line + 1
        if isinstance(event, yaml.NodeEvent):
            value, opened, wrong = _constructed(event, construct, anchors)
            faults += wrong
            if fault := _add(containers[-1], value, event, opened):
                faults.append((line, fault))
            if opened is not None:
                containers.append([opened, None])
            if len(containers) > deepest:
                return None, [*faults, (line, f"is nested more than {deepest} levels deep")]
        elif isinstance(event, yaml.CollectionEndEvent):
            containers.pop()
        elif documents and isinstance(event, yaml.DocumentStartEvent):
            return None, [*faults, (line, "starts a second YAML document; keep one")]
    return (documents or [None])[0], faults


def too_deep(text: str, deepest: int) -> int:
    """Return the line at which collections are nested deeper than `deepest`, 0 if none is: a reader in C may not come back.

    Of what is no YAML, whoever reads it says more.
    """
    depth = 0
    try:
        for event in iter(yaml.CBaseLoader(text).get_event, None):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > deepest:
                return event.start_mark.line + 1
    except yaml.YAMLError:
        pass
    return 0


def _constructed(event: yaml.NodeEvent, construct: Construct, anchors: dict[str, int]) -> tuple[Any, Any, list[Fault]]:
    """Return what an event stands for, the collection that it opens (None: it opens none), and what is wrong with it.

    `anchors` holds the lines of the anchors so far: a fault of an alias is at the line that it repeats.
    """
    line, opened = event.start_mark.line + 1, None
    if isinstance(event, yaml.CollectionStartEvent):
        opened = Mapping(line) if isinstance(event, yaml.MappingStartEvent) else Sequence(line)
    elif isinstance(event, yaml.AliasEvent):
        return "", None, [(anchors.get(event.anchor, line), ALIAS)]
    if event.anchor:
        anchors[event.anchor] = line
    value, fault = construct(event, opened)
    return value, opened, [(line, fault)] if fault else []


def _add(container: list[Any], value: Any, event: yaml.NodeEvent, opened: Any) -> str:
    """Add the next key or value to a container and the key in it that waits for its value; return what is wrong."""
    data, key = container
    if isinstance(data, Sequence):
        data.append(value)
        data.lines.append(event.start_mark.line + 1)
    elif key is not None:
        data[key] = value
        container[1] = None
    elif not isinstance(value, str) and (opened is not None or not _is_plain_number(value, event)):
        container[1] = "" if opened is not None else str(value)
        return "a key must be text"
    else:
        container[1] = key = str(value)
        if key in data:
            return f"{key!r} stands here a second time; keep one"
        data.lines[key] = event.start_mark.line + 1
    return ""


def _is_plain_number(value: Any, event: yaml.NodeEvent) -> bool:
    """Tell whether a key is a number and nothing else as text, such as the id of an account in Mappings."""
    return type(value) is int and str(value) == event.value


def fault_of(error: yaml.YAMLError, text: str) -> Fault:
    """Return the line of `text` at which it is not YAML, and what is wrong there."""
    if isinstance(error, yaml.MarkedYAMLError):
        begins_before = error.context == "while scanning a simple key"  # as a mark of a merge conflict is read
        mark = error.context_mark if begins_before else error.problem_mark or error.context_mark
        return mark.line + 1, error.problem or error.context
    before = text.encode("utf-8", "surrogatepass")[: error.position]  # a ReaderError
    return before.count(b"\n") + 1, f"character #x{error.character:04x}: {error.reason}"


def decoded(data: bytes, name: str) -> str:
    """Return the text of a file. Raises BadInput, with the line, where it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput([f"{name}:{line}: not UTF-8"]) from None


class Document:
    """A file as plain data (`data`: every scalar is text), with the line of each part."""

    def __init__(self, name: str, text: str) -> None:
        """Parse `text`; raise BadInput where it is not YAML, or no mapping, or has a fault (see `parse`)."""
        self.name = name
        try:
            self.data, faults = parse(text)
        except yaml.YAMLError as error:
            line, problem = fault_of(error, text)
            raise BadInput([f"{name}:{line}: not YAML: {problem}"]) from None
        if self.data is None and not faults:
            faults = [(1, "is empty")]
        if faults:
            raise BadInput([f"{name}:{line}: {text}" for line, text in sorted(faults)])

    def refuse(self, faults: list[tuple[Path, str]]) -> None:
        """Raise BadInput for `faults`, each the path of a part and its text, in the order of lines; none is fine."""
        if faults:
            placed = sorted((self.line(path), text) for path, text in faults)
            raise BadInput([f"{self.name}:{line}: {text}" for line, text in placed])

    def line(self, path: Path) -> int:
        """Return the line of the part at `path`, or of the nearest part around it."""
        node, line = self.data, getattr(self.data, "line", 1)
        for step in path:
            if (isinstance(node, Mapping) and step in node.lines) or (
                isinstance(node, Sequence) and isinstance(step, int) and step < len(node)
            ):
                line = node.lines[step]
            else:
                break
            node = node[step]
        return line

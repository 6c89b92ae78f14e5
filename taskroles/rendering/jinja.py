"""Jinja2 as our templates see it: strict, every value quoted, each fault with its line."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import jinja2
import jinja2.ext
from markupsafe import Markup

from taskroles.faults import visible
from taskroles.rendering.sandbox import Sandbox, scalar
from taskroles.rendering.targets import of_kind, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]*")
SUBSTITUTED = re.compile(r"\$\{[^!]")


def jinja_environment(sources: dict[str, str], extensions: Sequence[type[jinja2.ext.Extension]] = ()) -> Sandbox:
    """Return the environment of all templates: strict, and every value that is not YAML already becomes a YAML string.

    Jinja2's autoescape tells the two apart: what a template or macro wrote is Markup, all else goes through `quoted`.
    """
    environment = Sandbox(
        loader=jinja2.FunctionLoader(lambda name: (sources[name], name, None) if name in sources else None),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=quoted,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
        extensions=extensions,
    )
    environment.filters |= {"plain": plain, "sub": sub, "comment": comment}
    environment.globals |= {"refuse": refuse, "of_kind": of_kind}
    return environment


def quoted(value: Any) -> Any:
    """Return text as a double-quoted YAML string that no content can leave; YAML from a template stays as it is."""
    if isinstance(value, Markup):
        return value
    if not isinstance(value, str):
        return scalar(value)
    if not visible(value) or '"' in value or "\\" in value:
        value = "".join(
            f"\\U{ord(character):08X}" if not visible(character) or character in '"\\' else character
            for character in value
        )
    return Markup(f'"{value}"')  # noqa: S704 - quoted just now


def sub(value: Any) -> Any:
    """Return text behind !Sub where something in it is substituted, else as any text; YAML stays as it is."""
    if not isinstance(value, str) or isinstance(value, Markup) or not SUBSTITUTED.search(value):
        return value
    return Markup(f"!Sub {quoted(value)}")  # noqa: S704 - quoted just now


@functools.cache
def plain(value: str) -> Markup:
    """Return a name for a place that takes no quotes (a key, a comment); raise ValueError if it could mean more."""
    if not PLAIN.fullmatch(value):
        message = f"{value!r} cannot stand here without quotes"
        raise ValueError(message)
    return Markup(value)  # noqa: S704 - letters, digits, ./_- only


def comment(value: str) -> Markup:
    """Return text for a comment; raise ValueError if it could end the line."""
    if not visible(value):
        message = f"{value!r} cannot stand in a comment"
        raise ValueError(message)
    return Markup(value)  # noqa: S704 - one line


def encodable(text: str) -> str:
    """Return `text`; raise UnicodeEncodeError if a template wrote half a character, which no file can hold."""
    if not text.isascii():
        text.encode()
    return text


def indented(text: str, indentation: str) -> str:
    """Return `text` with every line that is not empty indented."""
    if "\n\n" not in f"\n{text}\n":
        return indentation + text.replace("\n", "\n" + indentation)
    return "\n".join(indentation + line if line else line for line in text.split("\n"))


class LineMarks(jinja2.ext.Extension):
    """Marks each line that a template writes with the place that wrote it, to name the source of a faulty line."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """Return `source` with a mark at the start of each piece of text and of each line in it."""
        marked = []
        for first, token, value in self.environment.lexer.tokeniter(source, name):
            if token == "data":  # noqa: S105 - the lexer's word for text outside of tags
                lines = value.split("\n")
                last = len(lines) - 1
                marks = [f"\0{name}:{first + i}\0" if line or i < last else "" for i, line in enumerate(lines)]
                marked.append("\n".join(mark + line for mark, line in zip(marks, lines, strict=True)))
            else:
                marked.append(value)
        return "".join(marked)


def origin(marked: list[str], line: int) -> str:
    """Return the first mark on line `line` (counted from 0) of a marked output, or on the nearest line above."""
    for text in reversed(marked[: line + 1]):
        found = re.search("\0([^\0]+)\0", text)
        if found:
            return found[1]
    return ""


def place_in_templates(error: BaseException, sources: dict[str, str]) -> str:
    """Return the place of the innermost template in the traceback of `error`, if any."""
    place, trace = "", error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename in sources:
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place

"""What a level says of itself: the comment that opens its partial, read in one place.

    {# Grants receiving and deleting the messages of one queue; neither sending nor purging.
       For: applications that poll a queue.
       Contains: describe
       Not granted: sqs:SendMessage, sqs:PurgeQueue
       Needs: kms decrypt on the queue's key, where it has one of your own.
       Modelled on: SQSPollerPolicy of AWS SAM. #}

`Contains` names other levels of the AWS service and `Not granted` actions of it, commas between; tests prove both.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from taskroles.faults import BadInput, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENING = "{# Grants"
PARAGRAPHS = ("For", "Contains", "Not granted", "Needs", "Modelled on")  # in this order
REQUIRED = ("For", "Modelled on")
NAMED = re.compile(r" *([A-Z][a-z]+(?: [a-z]+)?):(?: +|$)")  # what begins a paragraph
LEVEL = re.compile(r"[a-z][a-z0-9-]*")
ACTION = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+")
EXAMPLE = "{# Grants ... . For: ... . Modelled on: ... . #}, each on a line of its own"


class Header(NamedTuple):
    """What a level grants, whom it is for, and what it is modelled on, as texts of one line; "" for no needs."""

    grants: str
    purpose: str
    contains: tuple[str, ...]
    not_granted: tuple[str, ...]
    needs: str
    model: str

    @property
    def summary(self) -> str:
        """Return the first sentence of what it grants."""
        return re.split(r"(?<=[a-z0-9)`])[.;](?= |$)", self.grants, maxsplit=1)[0].rstrip(".") + "."


def read_header(path: str, source: str) -> Header:
    """Return the header of the partial at `path`; raise BadInput with each fault of it, at its line."""
    if not source.startswith(OPENING) or "#}" not in source:
        raise BadInput([f"{path}:1: a level opens with a comment that says what it grants: {EXAMPLE}"])
    found = [*paragraphs(source[len(OPENING) : source.index("#}")])]
    faults = [*paragraph_faults(found)]
    texts = {name: text for _, name, text in found}
    lists = {}
    for line, name, text in found:
        if name in ("Contains", "Not granted"):
            lists[name] = tuple(part.strip() for part in text.rstrip(".").split(","))
            faults += ((line, fault) for fault in list_faults(name, lists[name]))
    if faults:
        raise BadInput([f"{path}:{line}: {fault}" for line, fault in sorted(faults)])
    contains, not_granted = (lists.get(name, ()) for name in ("Contains", "Not granted"))
    return Header(texts["Grants"], texts["For"], contains, not_granted, texts.get("Needs", ""), texts["Modelled on"])


def paragraphs(comment: str) -> Iterator[tuple[int, str, str]]:
    """Yield the paragraphs of a comment: the line that each begins in, its name, its text on one line."""
    first, name, text = 1, "Grants", [""]
    for line, written in enumerate(comment.split("\n"), 1):
        if match := NAMED.match(written):
            yield first, name, " ".join(" ".join(text).split())
            first, name, text = line, match[1], []
            written = written[match.end() :]  # noqa: PLW2901 - what is left of the line
        text.append(written)
    yield first, name, " ".join(" ".join(text).split())


def paragraph_faults(found: list[tuple[int, str, str]]) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with the paragraphs of a header, each with its line."""
    (_, _, grants), *others = found
    if not grants.endswith("."):
        yield 1, f"what it grants ends with a full stop; it is {grants!r}"
    names = [name for _, name, _ in others]
    for line, name, text in others:
        if name not in PARAGRAPHS:
            yield line, f"a header has no paragraph {name!r}; it has {listed(PARAGRAPHS, name)}"
        elif not text:
            yield line, f"{name} says nothing; write it, or leave it out"
        elif name not in ("Contains", "Not granted") and not text.endswith("."):
            yield line, f"{name} ends with a full stop; it is {text!r}"
    known = [(line, name) for line, name, _ in others if name in PARAGRAPHS]
    for (_, before), (line, name) in itertools.pairwise(known):
        if PARAGRAPHS.index(before) >= PARAGRAPHS.index(name):
            yield line, f"{name} stands after {before}; the order is {', '.join(PARAGRAPHS)}, each once"
    yield from ((1, f"the header lacks `{name}:`") for name in REQUIRED if name not in names)


def list_faults(name: str, items: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with the levels or actions that a paragraph lists."""
    pattern, wanted = (LEVEL, "a level") if name == "Contains" else (ACTION, "an action, such as sqs:PurgeQueue")
    for item in items:
        if not pattern.fullmatch(item):
            yield f"{name} lists {wanted}, commas between; {item!r} is none"
    if len(set(items)) < len(items):
        yield f"{name} lists the same twice"

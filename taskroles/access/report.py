"""Print a review: for a terminal, as Markdown for a pull request, as JSON for programs."""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access.actions import access_level
from taskroles.access.wording import GROWS, SIGNS, column
from taskroles.access.words import brief, levels, number
from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskroles.access.wording import Line

COLOURS = {"notice": "35", "granted": "33", "widened": "31", "narrowed": "32", "revoked": "32"}
MOST_MARKDOWN = 64_000  # a comment on GitHub holds 65,536 characters
MOST_ENVIRONMENTS = 50  # that a comment begins with
HEAD_ROWS, LAST_ROW = 6, 80  # of a table: its rows before the first change; room for the row that says what is cut


class Section(NamedTuple):
    """The lines of a service that are the same in these environments."""

    service: str
    environments: tuple[str, ...]
    lines: tuple[Line, ...]


class Review(NamedTuple):
    """All that was found; `unchanged` are files whose text differs and whose access does not.

    `order` names the environments, the most important first; `commits` are those of base and head, where they have one.
    """

    base: str
    head: str
    sections: tuple[Section, ...]
    unchanged: tuple[str, ...]
    order: tuple[str, ...] = ()
    commits: tuple[str, str] = ("", "")


def counts(review: Review) -> dict[str, Counter[str]]:
    """Count the lines of each kind in each environment, and those with marks as "to look at"."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for section in review.sections:
        for environment in section.environments:
            found[environment].update(line.kind for line in section.lines)
            found[environment]["to look at"] += sum(bool(line.marks) for line in section.lines)
    return {environment: +found[environment] for environment in sorted(found, key=review.order.index)}


def headline(review: Review) -> list[str]:
    """Return the lines that say it all in brief, one for each environment."""
    if not review.sections:
        only = f" ({number(len(review.unchanged), 'file')} changed in text only)" if review.unchanged else ""
        return [f"no change in permissions{only}"]
    return [
        f"{environment}: {', '.join(f'{kinds[kind]} {kind}' for kind in (*SIGNS, 'to look at') if kinds[kind])}"
        for environment, kinds in counts(review).items()
    ]


def made_printable(value: Any) -> Any:
    """Return a text, or all of a review, with what could steer a terminal or break a line written as escapes.

    What a template says is anybody's text: an escape sequence in it could hide the line that it stands in.
    """
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple):
        parts = map(made_printable, value)
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    return value


def terminal(review: Review, columns: int, *, colour: bool) -> str:
    """Render for a person at a terminal of so many columns."""

    def paint(code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if colour and code else text

    out = [paint("2", f"{review.base} → {review.head}"), *(paint("1", said) for said in headline(review))]
    for section in review.sections:
        out += ["", f"{paint('1', section.service)} in {', '.join(section.environments)}"]
        width = max(len(column(line)) + 2 * bool(line.aws_services) for line in section.lines)
        for line in section.lines:
            start = f"  {paint(COLOURS[line.kind], f'{SIGNS[line.kind]} {line.kind:8}')}  {column(line):{width}}"
            for style, text in _rows(line):
                for piece in _wrapped(text, max(columns - 14 - width, 40)):
                    out.append(start + paint(style, piece))
                    start = " " * (14 + width)
    if review.sections and review.unchanged:
        out += ["", paint("2", f"{number(len(review.unchanged), 'more file')} without a change in permissions")]
    return "\n".join(out) + "\n"


def _rows(line: Line) -> list[tuple[str, str]]:
    """Return (style, text) of a line's sentence, its access levels, with names if these are few, and its marks."""
    found = levels(line.actions)
    if len(line.actions) > (12 if line.kind in GROWS else 4):
        rows = [", ".join(f"{len(names):,} {level}" for level, names in found.items())]
    else:
        rows = [f"{level}: {', '.join(brief(names))}" for level, names in found.items()]
    return [("", line.text), *(("2", row) for row in rows), *(("31", f"! {mark.text}") for mark in line.marks)]


def _wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines: before its arrow if that helps, and never within a name."""
    parts = [text] if len(text) <= width else re.split(r" (?=→ )", text)
    whole_words = {"break_long_words": False, "break_on_hyphens": False}
    return [piece for part in parts for piece in textwrap.wrap(part, width, subsequent_indent="  ", **whole_words)]


def markdown(review: Review) -> str:
    """Render for a pull request: a table for each service, details folded, never longer than the forge allows.

    A service that says more than its share is cut, so that no other is pushed out; where there are too many of them
    for that, the last ones are left out, and it says how many.
    """
    by_service: dict[str, list[Section]] = defaultdict(list)
    for section in review.sections:
        by_service[section.service].append(section)
    sides = (_side(label, commit) for label, commit in zip((review.base, review.head), review.commits, strict=True))
    text = f"<!-- taskroles review -->\n### Permissions: {' → '.join(sides)}\n\n"
    said = [*map(_escaped, headline(review))]
    more = [number(len(said) - MOST_ENVIRONMENTS, "more environment")] if len(said) > MOST_ENVIRONMENTS else []
    text += "\n".join([f"- **{said[0]}**", *(f"- {each}" for each in [*said[1:MOST_ENVIRONMENTS], *more])])
    room = MOST_MARKDOWN - len(text)
    tables = {service: _table(service, sections) for service, sections in by_service.items()}
    kept = dict(list(tables.items())[: _services_that_fit(tables, room)])
    shares = _shares({service: _size(rows) for service, rows in kept.items()}, room)
    cut = {service: _cut(rows, shares[service]) for service, rows in kept.items()}
    room -= sum(map(len, cut.values()))  # what is left for details
    for service, table in cut.items():
        details = _details(by_service[service])
        text += table + details * (len(details) < room)
        room -= len(details) * (len(details) < room)
    if left := len(tables) - len(kept):
        text += f"\n\n{number(left, 'more service')} left out: too long for a comment. Run `make review`."
    return text + "\n"


def _side(label: str, commit: str) -> str:
    """Return a side with its commit, unless the label is the commit."""
    return _escaped(label) + (f" ({commit[:12]})" if commit and not commit.startswith(label) else "")


def _size(rows: list[str]) -> int:
    return sum(len(row) + 1 for row in rows)


def _services_that_fit(tables: dict[str, list[str]], room: int) -> int:
    """Return how many services, from the first on, have room for the head of their table and what is left out of it."""
    for count, rows in enumerate(tables.values()):
        room -= min(_size(rows), _size(rows[:HEAD_ROWS]) + LAST_ROW)
        if room < 0:
            return count
    return len(tables)


def _shares(sizes: dict[str, int], room: int) -> dict[str, int]:
    """Return how much of the room each may take: all that it needs, or an equal share of what the small ones leave."""
    shares, left = {}, room
    for index, (service, size) in enumerate(sorted(sizes.items(), key=lambda pair: pair[1])):
        shares[service] = min(size, left // (len(sizes) - index))
        left -= shares[service]
    return shares


def _cut(rows: list[str], room: int) -> str:
    """Return the head and the rows that fit, and a last one that says how many are left out."""
    if _size(rows) <= room:
        return "\n".join(rows)
    kept, room = rows[:HEAD_ROWS], room - _size(rows[:HEAD_ROWS]) - LAST_ROW
    for row in rows[HEAD_ROWS:]:
        if len(row) < room:
            kept.append(row)
            room -= len(row) + 1
    return "\n".join([*kept, f"| | | | {len(rows) - len(kept)} more: run `make review` | |"])


def _table(service: str, sections: Sequence[Section]) -> list[str]:
    rows = ["", "", f"**{_escaped(service)}**", "", "| environment | change | AWS service | access | look at |"]
    rows.append("|---|---|---|---|---|")
    for section in sections:
        for line in section.lines:
            kind = f"**{line.kind}**" if line.kind in GROWS else line.kind
            marks = "<br>".join(f"⚠️ {_escaped(mark.text)}" for mark in line.marks)
            where = _escaped(", ".join(section.environments))
            rows.append(f"| {where} | {kind} | {_escaped(column(line))} | {_escaped(line.text)} | {marks} |")
    return rows


def _details(sections: Sequence[Section]) -> str:
    rows = ["", "", "<details><summary>actions and resources</summary>", ""]
    for section in sections:
        for line in section.lines:
            rows.append(f"- {line.kind} ({_escaped(', '.join(section.environments))}): {_escaped(line.text)}")
            named = {**levels(line.actions), "before": line.before, "after": line.after}
            rows += [f"  - {what}: {', '.join(map(_code, some))}" for what, some in named.items() if some]
    return "\n".join([*rows, "", "</details>"])


def _escaped(text: str) -> str:
    """Keep text from being read as Markdown, as a link, or as a mention of somebody or of an issue.

    The last three are looked for in the text as it is shown, so that no backslash helps: a space of no width does.
    """
    plain = re.sub(r"([\\|*_<>`\[\]$~#&])", r"\\\1", text)
    return re.sub(r"(@|#|:(?=//)|www(?=\.)|GH(?=-\d))", r"\1&#8203;", plain, flags=re.IGNORECASE)


def _code(text: str) -> str:
    """Return text as a code span, fenced by more backticks than it holds in a row."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " * (len(fence) > 1)
    return f"{fence}{pad}{text}{pad}{fence}"


def as_json(review: Review) -> str:
    """Render for programs; see review.schema.json."""
    sections = [
        {"service": s.service, "environments": s.environments, "changes": [_as_dict(line) for line in s.lines]}
        for s in review.sections
    ]
    whole = {
        "base": review.base,
        "head": review.head,
        "commits": review.commits,
        "counts": counts(review),
        "sections": sections,
    }
    return json.dumps({**whole, "unchanged": review.unchanged}, indent=2) + "\n"


def _as_dict(line: Line) -> dict[str, object]:
    actions = [{"action": action, "access_level": access_level(action)} for action in line.actions]
    return {**line._asdict(), "actions": actions, "marks": [mark._asdict() for mark in line.marks]}

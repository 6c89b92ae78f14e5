"""The reader of templates next to cfn-lint's own, over generated templates: the same data, or a refusal on purpose."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from cfnlint.decode.decode import decode_str
from hypothesis import given, settings
from hypothesis import strategies as st

from taskroles.access.template import TemplateError, parse_template

ON_PURPOSE = re.compile(
    r"YAML alias|no merge keys|a key must be text|takes no YAML tag|has no function|a second time|nested more than|no map of Resources"
    r"|which nobody sees"
)
# What each function takes is not asked here: any tag before any value, save an empty map that cfn-lint takes for a list.
TAGS = [
    f"!{name}" for name in ("Ref", "Condition", "Sub", "Join", "GetAtt", "If", "ImportValue", "Base64", "NotYetKnown")
]
WORDS = [
    *("yes", "No", "on", "OFF", "true", "False", "y", "null", "~", "Null", ""),
    *(
        "0",
        "7",
        "-7",
        "+7",
        "010",
        "012345678901",
        "0x1F",
        "0b11",
        "0o17",
        "1_000",
        "1:30",
        "1.5",
        "1e3",
        "1.0e+3",
        ".inf",
    ),
    *("2012-10-17", "2026-01-01T00:00:00Z", "sqs:*", "arn:aws:s3:::b/*", "${AWS::Region}", "a b", "A.Arn", "A.B.C"),
]
words = st.one_of(st.sampled_from(WORDS), st.text("ab01.:-_+eEx~<#é", max_size=4))
scalars = st.one_of(
    words,
    words.map(json.dumps),
    words.map(lambda word: "'" + word.replace("'", "''") + "'"),
    st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False)),
)
keys = st.one_of(
    st.text("abc:", min_size=1, max_size=3).map(json.dumps), st.sampled_from(["Fn::Sub", "Ref", "7", "7a"])
)


def flow_list(items: list[str]) -> str:
    """Write a list in brackets."""
    return f"[{', '.join(items)}]"


def flow_map(pairs: list[tuple[str, str]]) -> str:
    """Write a map in braces."""
    return f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"


def collections(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return lists, maps and functions of these values."""
    pairs = st.lists(st.tuples(keys, values), max_size=3, unique_by=lambda pair: pair[0])
    some = st.one_of(st.sampled_from(WORDS), values.filter(lambda value: value[:1] != "!"))
    tagged = st.tuples(st.sampled_from(TAGS), some).map(" ".join).filter(lambda text: text != "!GetAtt {}")
    return st.one_of(st.lists(values, max_size=3).map(flow_list), pairs.map(flow_map), tagged)


values = st.recursive(scalars, collections, max_leaves=8)


def block(pairs: list[tuple[str, str]], indent: int) -> str:
    """Write a map as lines."""
    return "".join(f"\n{' ' * indent}{key}: {value}" for key, value in pairs)


sections = st.lists(values, max_size=2).map(lambda found: [(f"Section{i}", value) for i, value in enumerate(found)])
resources = st.lists(st.tuples(keys, values), max_size=3, unique_by=lambda pair: pair[0])
templates = st.tuples(resources, sections).map(
    lambda parts: f"Resources:\n  A: {{}}{block(parts[0], 2)}{block(parts[1], 0)}\n"
)


def plain(value: Any) -> Any:
    """Return cfn-lint's data as ours: a date is text there too once CloudFormation has it, and a number as a key."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str if isinstance(value, dt.date) else value


def dates_aside(ours: Any, theirs: Any) -> Any:
    """Return our data with what is a date in theirs left out."""
    if theirs is str and isinstance(ours, str):
        return str
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {key: dates_aside(item, theirs.get(key)) for key, item in ours.items()}
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [dates_aside(*pair) for pair in zip(ours, theirs, strict=True)]
    return ours


def read(text: str) -> Any:
    """Return what a text is read as, or why it is refused."""
    try:
        return parse_template(text, "x.yml")
    except TemplateError as error:
        return error


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(templates)
def test_the_data_is_what_cfn_lint_reads(text: str) -> None:
    theirs, faults = decode_str(text)
    ours = read(text)
    if isinstance(ours, TemplateError):
        assert faults or ON_PURPOSE.search(str(ours)), (text, str(ours))
        return
    if faults:  # of what it cannot construct
        assert re.search("constructor for the tag|Null key", faults[0].message), (text, faults)
        return
    assert json.dumps(dates_aside(ours, plain(theirs)), default=str) == json.dumps(plain(theirs), default=str)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.one_of(st.text("{}[]:,-?!&*|>'\"#%@`ab1 \n\t", max_size=30), st.text(max_size=30), templates))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    error = read(text)
    if isinstance(error, TemplateError):
        line = re.match(r"x\.yml:(\d+): .", str(error))
        assert line, str(error)
        lines = len(re.split(r"\r\n|[\r\n\x85\u2028\u2029]", text))
        assert 1 <= int(line[1]) <= lines + 1  # an end too early is on the line that is missing
        assert str(error).isprintable()

"""YAML as plain data with its lines: what is refused, where, and in which order."""

from __future__ import annotations

import pytest

from taskroles.documents import Document
from taskroles.faults import BadInput

ALIAS = "is used again through a YAML alias (*name); write it out where it is used, so that a review of that line sees all of it"
REMEDY = "leave it out. CloudFormation's functions (!Sub, !ImportValue) stand in templates; here text is enough"
TAGS = {
    "a scalar": ('a: !Sub "${X}"\n', ["1: !Sub"]),
    "a list": ("a:\n  !ImportValue\n  - b\n", ["2: !ImportValue"]),
    "a map": ("a:\n  - !Sub\n    b: c\n", ["2: !Sub"]),
    "a key": ("a:\n  !Sub b: c\n", ["2: !Sub"]),
    "the whole": ("!Sub\na: b\n", ["1: !Sub"]),
    "a tag of YAML's own": ("a: !!str b\nc: !!map {d: !!int 1}\n", ["1: !!str", "2: !!int", "2: !!map"]),
    "a tag of Python": ("a: !!python/object:os.system b\n", ["1: !!python/object:os.system"]),
    "a tag by its address": ("a: !<tag:acme.example,2026:x> b\n", ["1: tag:acme.example,2026:x"]),
    "every place at once": (
        "a: !A b\nc: [!B d, {e: !C f}]\n!D g: !E\n  h: !F i\n",
        ["1: !A", "2: !B", "2: !C", "3: !D", "3: !E", "4: !F"],
    ),
}
NO_DOCUMENTS = {
    "a key twice": ("a: 1\nb: 2\na: 3\n", ["3: 'a' stands here a second time; keep one"]),
    "a key twice, deep inside": ("a:\n  - b: 1\n    b: 2\n", ["3: 'b' stands here a second time; keep one"]),
    "a key that is a list": ("a: 1\n? [b]\n: 2\n", ["2: a key must be text"]),
    "an alias": ("a: &x b\nc: *x\n", [f"1: {ALIAS}"]),
    "an alias of nothing": ("a: 1\nb: *x\n", [f"2: {ALIAS}"]),
    "a merge key": ("a: &x {b: 1}\nc: {<<: *x}\n", [f"1: {ALIAS}"]),
    "a second document": ("a: 1\n---\nb: 2\n", ["2: starts a second YAML document; keep one"]),
    "nesting": ("[" * 99, ["1: is nested more than 16 levels deep"]),
    "nothing": ("# a comment\n", ["1: is empty"]),
    "a tab": ("a:\n\tb: c\n", ["2: not YAML: found character that cannot start any token"]),
    "a bracket that does not close": ("a: [\n", ["2: not YAML: did not find expected node content"]),
    "a mark of a merge conflict": ("a: 1\n<<<<<<< HEAD\nb: 2\n", ["2: not YAML: could not find expected ':'"]),
    "a control character": ("a: で\nb: \0", ["2: not YAML: character #x0000: control characters are not allowed"]),
    "faults of several kinds, in the order of lines": (
        "z: &z 1\na: !A b\na: 2\n? [c]\n: 3\nd: *z\n",
        [
            f"1: {ALIAS}",
            f"2: the YAML tag !A would be lost: {REMEDY}",
            "3: 'a' stands here a second time; keep one",
            "4: a key must be text",
        ],
    ),
}


def faults_of(text: str) -> list[str]:
    """Return the faults of a document, without its name."""
    with pytest.raises(BadInput) as caught:
        Document("a.yml", text)
    assert all(fault.startswith("a.yml:") for fault in caught.value.faults)
    return [fault.removeprefix("a.yml:") for fault in caught.value.faults]


@pytest.mark.parametrize("case", TAGS)
def test_a_tag_is_refused_with_its_remedy_on(case: str) -> None:
    text, places = TAGS[case]
    expected = [place.replace(": ", ": the YAML tag ", 1) + f" would be lost: {REMEDY}" for place in places]
    assert faults_of(text) == expected


@pytest.mark.parametrize("case", NO_DOCUMENTS)
def test_what_is_no_document_has(case: str) -> None:
    text, expected = NO_DOCUMENTS[case]
    assert faults_of(text) == expected


def test_every_scalar_is_the_text_that_was_written() -> None:
    text = 'a: 012\nb: yes\nc: null\nd: 1e3\ne: "x"\nf: ! y\ng:\nh: 2026-01-01\n'
    expected = {"a": "012", "b": "yes", "c": "null", "d": "1e3", "e": "x", "f": "y", "g": "", "h": "2026-01-01"}
    assert Document("a.yml", text).data == expected


def test_each_part_has_its_line_and_what_is_missing_has_that_of_what_is_around_it() -> None:
    document = Document("a.yml", "a: 1\nb:\n  - c\n  - d:\n      e: 2\n")
    places = {
        ("a",): 1,
        ("b",): 2,
        ("b", 0): 3,
        ("b", 1, "d"): 4,
        ("b", 1, "d", "e"): 5,
        ("b", 1, "x"): 4,
        ("b", 9): 2,
        ("x",): 1,
    }
    assert {path: document.line(path) for path in places} == places


def test_faults_of_its_parts_come_in_the_order_of_lines_each_once() -> None:
    document = Document("a.yml", "a: 1\nb: 2\n")
    document.refuse([])
    with pytest.raises(BadInput) as caught:
        document.refuse([(("b",), "two"), (("a",), "one"), (("b",), "two"), (("b",), "\x1b[31mred")])
    assert caught.value.faults == ["a.yml:1: one", r"a.yml:2: \x1b[31mred", "a.yml:2: two"]

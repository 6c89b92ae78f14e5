"""The one reader of CloudFormation templates: what it makes of YAML and JSON, where things stand, what it refuses."""

from __future__ import annotations

import json
import math

import pytest

from taskroles.access.template import TemplateError, parse_template

LARGEST = 1 << 20
FUNCTIONS = {
    "Ref": ("x", "AWS::Region"),
    "Condition": ("x",),
    "Fn::Base64": ("x", {"Ref": "x"}),
    "Fn::Cidr": (["10.0.0.0/16", 6, 5],),
    "Fn::And": ([{"Condition": "a"}, {"Condition": "b"}],),
    "Fn::Equals": (["a", {"Ref": "x"}],),
    "Fn::If": (["a", {"Ref": "x"}, {"Ref": "AWS::NoValue"}],),
    "Fn::Not": ([{"Condition": "a"}],),
    "Fn::Or": ([{"Condition": "a"}, {"Condition": "b"}],),
    "Fn::FindInMap": (["a", "b", "c"],),
    "Fn::GetAZs": ("x", ""),
    "Fn::ImportValue": ("x", {"Fn::Sub": "${x}"}),
    "Fn::Join": ([",", ["a", {"Ref": "x"}]],),
    "Fn::Length": (["a", "b"],),
    "Fn::Select": ([0, ["a"]],),
    "Fn::Split": ([",", "a,b"],),
    "Fn::Sub": ("${x}", ["${a}", {"a": {"Ref": "x"}}]),
    "Fn::ToJsonString": ({"a": [1]},),
    "Fn::Transform": ({"Name": "AWS::Include", "Parameters": {"Location": "s3://a"}},),
    "Fn::NotYetKnown": ("x", ["x"], {"a": "x"}),
}


def read(value: str) -> object:
    """Return what a value is, written as a resource."""
    return parse_template(f"Resources:\n  A: {value}\n", "x.yml")["Resources"]["A"]


def refusal(text: str) -> str:
    """Return the message with which a template is refused."""
    with pytest.raises(TemplateError) as error:
        parse_template(text, "x.yml")
    return str(error.value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_short_form_of_a_function_is_its_long_one(name: str) -> None:
    for argument in FUNCTIONS[name]:
        tag = "!" + name.removeprefix("Fn::")
        assert read(f"{tag} {json.dumps(argument)}") == read(json.dumps({name: argument})) == {name: argument}


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!GetAtt A.Arn", ["A", "Arn"]),
        ("!GetAtt A.Outputs.B", ["A", "Outputs.B"]),
        ("!GetAtt [A, Arn]", ["A", "Arn"]),
        ("!GetAtt A", ["A"]),
    ],
)
def test_get_att_takes_a_dotted_name_apart(short: str, long: list[str]) -> None:
    assert read(short) == {"Fn::GetAtt": long}


def test_what_a_tag_stands_before_is_text() -> None:
    assert read("!Sub 5") == {"Fn::Sub": "5"}
    assert read("!Ref yes") == {"Ref": "yes"}
    assert read("!Sub") == {"Fn::Sub": ""}


SCALARS = {
    "yes": True,
    "Yes": True,
    "YES": True,
    "no": False,
    "on": True,
    "Off": False,
    "true": True,
    "FALSE": False,
    "y": "y",  # YAML 1.1 has it, its parsers do not
    "N": "N",
    "tRUE": "tRUE",
    '"yes"': "yes",
    "'5'": "5",
    "5": 5,
    "-7": -7,
    "+7": 7,
    "1_000": 1000,
    "010": 8,
    "012345678901": "012345678901",  # an account's id with a digit that is not octal
    "012345670123": 1402433619,  # ... and one without
    "0o17": "0o17",  # octal in YAML 1.2
    "0x1F": 31,
    "0b11": 3,
    "1:30": 90,
    "1.5": 1.5,
    "1e3": "1e3",
    "1.0e+3": 1000.0,
    ".5": 0.5,
    ".inf": math.inf,
    "~": None,
    "null": None,
    "Null": None,
    "": None,
    "nul": "nul",
    "2012-10-17": "2012-10-17",
    "2026-01-01T00:00:00Z": "2026-01-01T00:00:00Z",
    "=": "=",
    "!!str 5": "5",
    "!!int '5'": 5,
    "!!bool yes": True,
    "!!float 1.5": 1.5,
    "!!null x": None,
    "|\n    a\n    b": "a\nb\n",
    ">-\n    a\n    b": "a b",
    '"\\u00e9\\x41"': "éA",
    "'it''s'": "it's",
}


@pytest.mark.parametrize("written", SCALARS)
def test_a_scalar_is_what_yaml_1_1_says(written: str) -> None:
    found = read(written)
    assert found == SCALARS[written]
    assert isinstance(found, type(SCALARS[written]))


def test_a_tag_that_says_what_is_there_anyway_changes_nothing() -> None:
    assert read("!!map {a: !!seq [b]}") == {"a": ["b"]}


def test_json_is_read_as_well() -> None:
    text = '{\n\t"Resources": {\n\t\t"A": {"b": [1, true, null, "a\\/b", "\\u00e9"], "c": {"Fn::Sub": "x"}}\n\t}\n}'
    document = parse_template(text, "x.json")
    assert document["Resources"]["A"] == {"b": [1, True, None, "a/b", "é"], "c": {"Fn::Sub": "x"}}
    assert document["Resources"].lines == {"A": 3}


def test_everything_knows_its_line() -> None:
    document = parse_template(
        "# comment\nParameters: {}\n\nResources:\n  A:\n    Type: T\n    B:\n      - c: 1\n      - d\n  E: !Sub\n    - x\n    - {}\n",
        "x.yml",
    )
    resources = document["Resources"]
    assert (document.line, document.lines) == (2, {"Parameters": 2, "Resources": 4})
    assert (resources.line, resources.lines) == (5, {"A": 5, "E": 10})
    assert (resources["A"].line, resources["A"].lines) == (6, {"Type": 6, "B": 7})
    assert (resources["A"]["B"].line, resources["A"]["B"].lines) == (8, [8, 9])
    assert (resources["E"].line, resources["E"].lines) == (10, {"Fn::Sub": 10})
    assert resources["E"]["Fn::Sub"].lines == [11, 12]


def test_a_key_that_is_a_number_and_nothing_else_is_its_text() -> None:
    text = "Mappings: {Accounts: {123456789012: {Name: a}}}\nResources: {}"
    assert parse_template(text, "x.yml")["Mappings"] == {"Accounts": {"123456789012": {"Name": "a"}}}


REFUSED = {
    "nothing": ("", "1: not a CloudFormation template: it has no map of Resources"),
    "a comment": ("# nothing", "1: not a CloudFormation template: it has no map of Resources"),
    "text": ("hello", "1: not a CloudFormation template: it has no map of Resources"),
    "a list of Resources": ("Resources: []", "1: not a CloudFormation template: it has no map of Resources"),
    "no YAML": ("a:\n  - b\n c", "3: did not find expected key"),
    "an open quote": ('Resources:\n  A: "x\n', "3: found unexpected end of stream"),
    "a tab that indents": ("Resources:\n\tA: x", "2: found character that cannot start any token"),
    "a key twice": ("Resources:\n  A: x\n  B: x\n  A: x", "4: 'A' stands here a second time; keep one"),
    "a key as number and as text": (
        "Resources: {}\nM:\n  1: x\n  '1': x",
        "4: '1' stands here a second time; keep one",
    ),
    "an alias": ("Resources:\n  A: &x {}\n  B: *x", "2: is used again through a YAML alias (*name); write it out"),
    "an alias of nothing": ("Resources:\n  B: *x", "2: is used again through a YAML alias (*name); write it out"),
    "a merge key": ("Resources:\n  A:\n    <<: {b: c}", "3: CloudFormation takes no merge keys (<<): write out"),
    "a second document": ("Resources: {}\n---\nA: x", "2: starts a second YAML document; keep one"),
    "a key that is a list": ("Resources:\n  ? [a]\n  : b", "2: a key must be text"),
    "a key that is a function": ("Resources:\n  !Ref a: b", "2: a key must be text"),
    "a key that is a boolean": ("Resources:\n  yes: b", "2: a key must be text"),
    "a key that is octal": ("Resources:\n  010: b", "2: a key must be text"),
    "a key that is null": ("Resources:\n  ~: b", "2: a key must be text"),
    "a tag that is no function": ("Resources:\n  A: !a-b x", "2: CloudFormation has no function !a-b"),
    "a function with its prefix": ("Resources:\n  A: !Fn::Sub x", "2: CloudFormation has no function !Fn::Sub"),
    "no tag": ("Resources:\n  A: ! x", "2: CloudFormation has no function !"),
    "a tag of another's": ("%TAG ! x\n---\nResources:\n  A: !Sub x", "4: CloudFormation has no function xSub"),
    "a tag of Python's": (
        "Resources:\n  A: !!python/name:os.system",
        "2: CloudFormation takes no YAML tag !!python/name:os.system here",
    ),
    "binary": ("Resources:\n  A: !!binary aGk=", "2: CloudFormation takes no YAML tag !!binary here"),
    "a set": ("Resources:\n  A: !!set {a}", "2: CloudFormation takes no YAML tag !!set here"),
    "a timestamp": ("Resources:\n  A: !!timestamp 2026-01-01", "2: CloudFormation takes no YAML tag !!timestamp here"),
    "text that is a map": ("Resources:\n  A: !!str {}", "2: CloudFormation takes no YAML tag !!str here"),
    "no integer": ("Resources:\n  A: !!int x", '2: "x" is no int'),
    "digits without a number": ("Resources:\n  A: 0x_", '2: "0x_" is no int'),
    "too many digits": (f"Resources:\n  A: {'1' * 5000}", '2: "1111'),
    "no boolean": ("Resources:\n  A: !!bool maybe", '2: "maybe" is no bool'),
    "100,000 brackets": ("[" * 100_000, "1: is nested more than 100 levels deep"),
    "100,000 maps": ("Resources:\n  A: " + "{a: " * 100_000, "2: is nested more than 100 levels deep"),
    "100,000 functions": ("Resources: {A: " + "!Sub [" * 100_000, "1: is nested more than 100 levels deep"),
    "a bell": ("Resources:\n  A: \x07", "2: holds U+0007, which nobody sees"),
    "an escape": ("Resources:\n  A: é\x1b[2K", "2: holds U+001B, which nobody sees"),
    "half a pair of surrogates": ("Resources:\n  A: \ud800", "2: holds U+D800, which nobody sees"),
    "an escape that is none": ('Resources:\n  A: "\\q"', "2: found unknown escape character"),
    "a tag that steers": ("Resources:\n  A: !\u202ea x", "2: "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_template_is_refused_with_its_line(name: str) -> None:
    text, message = REFUSED[name]
    found = refusal(text)
    assert found.startswith(f"x.yml:{message}")
    assert found.isprintable()


def test_of_several_faults_the_first_line_is_said() -> None:
    assert refusal("Resources:\n  B: !a-b x\n  A: &x y\n  C: *x\n  D: ! z").startswith("x.yml:2: ")
    assert refusal("Resources:\n  A: &x y\n  B: !a-b x\n  C: *x").startswith("x.yml:2: is used again")


def test_what_is_larger_than_cloudformation_takes_is_not_looked_through() -> None:
    head = "Resources: {A: b}\n#"
    whole = head + "x" * (LARGEST - len(head))
    assert parse_template(whole, "x.yml")["Resources"] == {"A": "b"}
    assert refusal(whole + "x") == "x.yml:1: is larger than the 1,048,576 bytes that CloudFormation takes"

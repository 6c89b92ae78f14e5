"""Policy documents for property tests: over few actions, short resources and all condition operators; and changes of them."""

from __future__ import annotations

import copy
from typing import Any

from generated_values import spellings
from hypothesis import strategies as st

ACTIONS = (
    *("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:Send*", "sqs:*Message", "SQS:*", "sqs:*e*"),
    *("sqs:?e*", "*", "sqs:sendmessage", "sqs:NewThing", "sqs:New*", "sqs:*Tags", "sqs:Get*", "*:*", "s3:GetObject"),
    *("s3:Get*", "s3:*Tagging", "s3:*", "sqs:List*Tags", "new:*", "*:Get*", "sqs:*a*", "sqs:*g*"),
)
TEXTS = ("a", "b", "/", ":", "*", "?", "ab", "arn:aws:")
SYMBOLS = (
    ("ref", "P"),
    ("ref", "p"),
    ("ref", "AWS::Region"),
    ("ref", "AWS::StackId"),
    ("ref", "R.Arn"),
    ("import", ("E",)),
)
VARIABLES = ("${aws:username}", "${AWS:UserName}", "${*}", "${?}", "${aws:userid, 'b'}")
RESOURCES = st.lists(
    st.sampled_from(TEXTS) | st.sampled_from(TEXTS) | st.sampled_from((*SYMBOLS, *VARIABLES)), min_size=1, max_size=3
)
VALUES = {  # by kind of operator: its names, its keys, its values
    "string": (
        ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"),
        ("aws:PrincipalTag/team", "aws:username"),
        (
            "a",
            "b",
            "A",
            "ab",
            "a*",
            "*b",
            "*",
            "?",
            "${aws:username}",
            {"Ref": "P"},
            {"Ref": "p"},
            {"Fn::Sub": "a${P}"},
        ),
    ),
    "number": (
        ("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan"),
        ("s3:max-keys",),
        (1, "1", 2, 2.5, "10", "-1"),
    ),
    "date": (
        ("DateEquals", "DateNotEquals", "DateLessThan", "DateGreaterThanEquals"),
        ("aws:CurrentTime",),
        ("2020-01-01T00:00:00Z", "2021-06-01T00:00:00Z", "1577836800"),
    ),
    "bool": (("Bool",), ("aws:SecureTransport",), (True, "true", False, "false", "TRUE")),
    "address": (
        ("IpAddress", "NotIpAddress"),
        ("aws:SourceIp",),
        ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32"),
    ),
    "arn": (
        ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
        ("aws:SourceArn",),
        ("arn:x:s:r:1:a", "arn:*:s:r:1:a", "arn:*", "arn:x:s:*:*:a*", "*", "arn:x:s:r:1:a:b", "arn:?:s:r:1:*"),
    ),
    "null": (("Null",), ("aws:PrincipalTag/team", "aws:SourceArn", "aws:SecureTransport"), (True, "true", "false")),
    "set": (
        *(("ForAnyValue:StringEquals", "ForAllValues:StringEquals", "ForAnyValue:StringLike"),),
        *(("aws:TagKeys",), ("a", "b", "a*", "*")),
    ),
    "negated set": (
        *(("ForAnyValue:StringNotEquals", "ForAllValues:StringNotEquals", "ForAnyValue:StringNotLike"),),
        *(("aws:TagKeys",), ("a", "b", "a*", "*")),
    ),
}


@st.composite
def conditions(draw: st.DrawFn, kinds: list[str] | None = None) -> dict[str, Any]:
    """Return a Condition of one part, sometimes two, of some kinds of operators."""
    found: dict[str, Any] = {}
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        names, keys, values = VALUES[draw(st.sampled_from(kinds or sorted(VALUES)))]
        name, key = draw(st.sampled_from(names)), draw(st.sampled_from(keys))
        some = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
        name += draw(st.sampled_from(["", "", "IfExists"])) if name != "Null" else ""
        found[name] = {key: some if len(some) > 1 or draw(st.booleans()) else some[0]}
    return found


@st.composite
def resources(draw: st.DrawFn) -> Any:
    """Return the value of Resource: a text or function, or a list of them."""
    some = [draw(spellings(draw(RESOURCES), depth=1)) for _ in range(draw(st.sampled_from([1, 1, 2])))]
    return some if len(some) > 1 or draw(st.booleans()) else some[0]


ACTION_LISTS = st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    """Return a statement."""
    rarely = st.sampled_from(["", "", "", "", "Not"])
    said = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        f"{draw(rarely)}Action": draw(ACTION_LISTS),
        f"{draw(rarely)}Resource": draw(resources()),
    }
    if draw(st.integers(0, 2)) == 0:
        said["Condition"] = draw(conditions())
    return said


VERSIONS = st.sampled_from(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None])


@st.composite
def documents(draw: st.DrawFn, most: int = 3) -> dict[str, Any]:
    """Return a policy document."""
    version = draw(VERSIONS)
    said = draw(st.lists(statements(), min_size=1, max_size=most))
    return {"Statement": said} | ({"Version": version} if version else {})


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a document and what became of it: mostly one or two small edits, sometimes another document."""
    before = draw(documents())
    if draw(st.integers(0, 4)) == 0:
        return before, draw(documents())
    after = copy.deepcopy(before)
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        edit(draw, after)
    return (before, after) if draw(st.booleans()) else (after, before)


@st.composite
def condition_pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two documents of one statement or two that differ by their conditions alone."""
    said = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])), "Action": "sqs:SendMessage", "Resource": "a"}
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=2))
    before = [{**said, "Condition": draw(conditions(kinds))} for _ in range(draw(st.sampled_from([1, 1, 2])))]
    after = copy.deepcopy(before)
    if draw(st.integers(0, 2)):
        edit_condition(draw, after[0])
    else:
        after[0]["Condition"] = draw(conditions(kinds))
    rest = [{**said, "Effect": "Allow", "Resource": "*"}] if said["Effect"] == "Deny" else []
    version = draw(VERSIONS)
    found = [{"Statement": [*some, *rest]} | ({"Version": version} if version else {}) for some in (before, after)]
    return tuple(found)


def edit(draw: st.DrawFn, document: dict[str, Any]) -> None:
    """Change one thing of a document."""
    listed = document["Statement"]
    at = draw(st.integers(0, len(listed) - 1))
    said = listed[at]
    how = draw(
        st.sampled_from(
            ["add", "drop", "effect", "action", "resource", "resource", "fewer", "condition", "condition", "version"]
        )
    )
    if how == "add":
        listed.append(draw(statements()))
    elif how == "drop" and len(listed) > 1:
        del listed[at]
    elif how == "fewer":
        lists = [key for key, value in said.items() if isinstance(value, list) and len(value) > 1]
        if lists:
            key = draw(st.sampled_from(lists))
            del said[key][draw(st.integers(0, len(said[key]) - 1))]
    elif how == "effect":
        said["Effect"] = "Deny" if said.get("Effect") == "Allow" else "Allow"
    elif how == "version":
        document["Version"] = draw(st.sampled_from(["2012-10-17", "2008-10-17"]))
    elif how == "condition" and "Condition" in said:
        edit_condition(draw, said)
    elif how == "condition":
        said["Condition"] = draw(conditions())
    else:
        replace(draw, said, "Action" if how == "action" else "Resource")


def replace(draw: st.DrawFn, said: dict[str, Any], key: str) -> None:
    """Change what a statement is about, or turn it into all but that."""
    was = key if key in said else f"Not{key}"
    value = said.pop(was, "a")
    now = draw(st.sampled_from([was, was, was, key, f"Not{key}"]))
    values = value if isinstance(value, list) else [value]
    more = draw(ACTION_LISTS) if key == "Action" else [draw(spellings(draw(RESOURCES), depth=1))]
    said[now] = draw(st.sampled_from([more, [*values, *more], values[1:] or more, [*more, *values[1:]]]))


def edit_condition(draw: st.DrawFn, said: dict[str, Any]) -> None:
    """Change one part of a Condition: another operator or value, one more or fewer, or none."""
    condition = said["Condition"]
    operator = draw(st.sampled_from(sorted(condition)))
    ((key, values),) = condition[operator].items()
    values = values if isinstance(values, list) else [values]
    kind = next(each for each in VALUES.values() if operator.removesuffix("IfExists") in each[0])
    how = draw(st.sampled_from(["drop", "operator", "value", "value", "fewer", "more", "exists", "none"]))
    if how in ("drop", "operator", "exists"):
        del condition[operator]
    if how == "operator":
        condition[draw(st.sampled_from(kind[0]))] = {key: values}
    elif how == "exists" and operator != "Null":
        condition[operator.removesuffix("IfExists") if operator.endswith("IfExists") else f"{operator}IfExists"] = {
            key: values
        }
    elif how in ("value", "more"):
        condition[operator] = {key: [*values[how == "value" :], draw(st.sampled_from(kind[2]))]}
    elif how == "fewer" and len(values) > 1:
        condition[operator] = {key: values[1:]}
    if how == "none" or not condition:
        del said["Condition"]

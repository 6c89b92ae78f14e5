"""Whole templates for property tests, and changes of them: of what a reader knows, and of any node in the tree."""

from __future__ import annotations

import copy
from typing import Any

from generated_documents import conditions
from generated_documents import edit as edit_document
from generated_values import spellings
from hypothesis import strategies as st

INCLUDE = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://a/b.yml"}}}
PIECES = st.lists(
    st.sampled_from(["a", "b", "*", "?", ("ref", "P"), ("ref", "Q"), ("import", ("E",)), "a/"]), min_size=1, max_size=2
)
FUNCTIONS = st.sampled_from(
    [
        *(
            {"Fn::If": ["IsA", "*", "b"]},
            {"Fn::If": ["Both", "a", "b"]},
            {"Fn::If": ["IsA", "a", {"Ref": "AWS::NoValue"}]},
        ),
        *(
            {"Fn::FindInMap": ["M", "a", "x"]},
            {"Fn::FindInMap": ["M", {"Ref": "P"}, "y"]},
            {"Fn::Select": ["0", ["a", "b"]]},
        ),
        *({"Fn::Select": [{"Ref": "N"}, ["a", "b", "*"]]}, {"Fn::Select": [0, {"Fn::Split": [",", {"Ref": "Q"}]}]}),
        *(
            {"Ref": "L"},
            {"Fn::Base64": {"Ref": "P"}},
            "{{resolve:ssm:/x:1}}",
            "a{{resolve:ssm:/y}}",
            {"Ref": "N"},
            INCLUDE,
        ),
        *({"Fn::GetAtt": ["Queue", "Arn"]}, {"Fn::Sub": "${Queue.Arn}/*"}, {"Fn::Sub": ["${x}", {"x": {"Ref": "Q"}}]}),
    ]
)
VALUES = PIECES.flatmap(spellings) | PIECES.flatmap(spellings) | FUNCTIONS
ROLES = st.sampled_from(
    [
        {"Fn::ImportValue": "E"},
        {"Fn::ImportValue": {"Fn::Sub": "F-${P}"}},
        "role",
        {"Ref": "Made"},
        {"Fn::Sub": "r-${Q}"},
    ]
)
HOLDERS = ROLES | ROLES | st.just({"Fn::If": ["IsA", "role", {"Fn::ImportValue": "E"}]})
ACTIONS = st.sampled_from(
    ["sqs:SendMessage", "sqs:Send*", "sqs:*", "*", "s3:GetObject", {"Ref": "P"}, "{{resolve:ssm:/a}}"]
)


@st.composite
def statements(draw: st.DrawFn) -> Any:
    """Return a statement, or a function that may become one."""
    said = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action"] * 5 + ["NotAction"])): draw(st.lists(ACTIONS, min_size=1, max_size=2)),
        draw(st.sampled_from(["Resource"] * 5 + ["NotResource"])): draw(st.lists(VALUES, min_size=1, max_size=2)),
    }
    if draw(st.integers(0, 5)) == 0:
        said["Condition"] = draw(conditions(["string"]))
    if draw(st.integers(0, 9)) == 0:
        said = {"Fn::If": [draw(st.sampled_from(["IsA", "Both"])), said, {"Ref": "AWS::NoValue"}]}
    return said


def documents() -> st.SearchStrategy[Any]:
    """Return policy documents."""
    said = st.lists(statements(), min_size=1, max_size=2)
    return st.builds(
        lambda some, version: {"Version": version, "Statement": some},
        said,
        st.sampled_from(["2012-10-17"] * 4 + ["2008-10-17"]),
    )


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """Return one resource: of a type that carries permissions, or another."""
    kind = draw(
        st.sampled_from(
            [*["Policy"] * 4, "RolePolicy", "UserPolicy", "GroupPolicy", *["ManagedPolicy", "Role"] * 2, "odd"]
        )
    )
    if kind == "odd":
        types = (
            "AWS::SQS::Queue",
            "AWS::SQS::QueuePolicy",
            "AWS::IAM::User",
            "AWS::IAM::Group",
            "Custom::Thing",
            "A::B::C::MODULE",
        )
        kind = draw(st.sampled_from(types))
        return {"Type": kind, "Properties": {"PolicyDocument": draw(documents()), "Name": draw(VALUES)}}
    properties: dict[str, Any] = {"PolicyDocument": draw(documents())}
    if kind == "Policy":
        properties |= {
            "PolicyName": draw(st.sampled_from(["n", "m"])),
            "Roles": draw(st.lists(HOLDERS, min_size=1, max_size=2)),
        }
        if draw(st.integers(0, 5)) == 0:
            properties |= {draw(st.sampled_from(["Users", "Groups"])): [draw(HOLDERS)]}
    elif kind == "ManagedPolicy":
        properties |= {
            draw(st.sampled_from(["Roles", "Roles", "Users", "Groups"])): draw(st.lists(HOLDERS, max_size=1))
        }
    elif kind == "Role":
        principals = {"AWS": draw(st.sampled_from(["*", "arn:aws:iam::1:root", {"Ref": "Q"}, ["1", "2"]]))}
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": draw(st.sampled_from([principals, {"Service": "ecs"}])),
        }
        inline = draw(st.lists(documents(), max_size=2))
        properties = {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": f"p{at}", "PolicyDocument": each} for at, each in enumerate(inline)],
        }
        if draw(st.booleans()):
            properties["ManagedPolicyArns"] = [draw(VALUES)]
    else:
        properties |= {"PolicyName": "n", f"{kind.removesuffix('Policy')}Name": draw(HOLDERS)}
    body = {"Type": f"AWS::IAM::{kind}", "Properties": properties}
    if draw(st.integers(0, 4)) == 0:
        body["Condition"] = draw(st.sampled_from(["IsA", "Both", "IsB"]))
    if draw(st.integers(0, 6)) == 0:
        body["DeletionPolicy"] = draw(st.sampled_from(["Retain", "Delete", "RetainExceptOnCreate"]))
    if draw(st.integers(0, 6)) == 0:
        body["UpdateReplacePolicy"] = draw(st.sampled_from(["Retain", "Retain", "Delete"]))
    return body


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Return a template."""
    defaults = st.sampled_from(["a", "b", "*", "a,b"])
    found: dict[str, Any] = {
        "Parameters": {
            "P": {"Type": "String", "Default": draw(defaults)},
            "Q": {"Type": "String", "Default": draw(defaults)},
            "N": {"Type": "String", "Default": draw(st.sampled_from(["0", "1", 0, 1]))},
            "L": {"Type": "CommaDelimitedList", "Default": "a,b"},
        },
        "Conditions": {
            "IsA": {"Fn::Equals": [{"Ref": "P"}, "a"]},
            "IsB": {"Fn::Not": [{"Condition": "IsA"}]},
            "Both": {"Fn::And": [{"Condition": "IsA"}, {"Fn::Equals": [{"Ref": "Q"}, "b"]}]},
        },
        "Mappings": {"M": {"a": {"x": "a", "y": "*"}, "b": {"x": "b", "y": "a"}}},
        "Resources": {f"R{at}": body for at, body in enumerate(draw(st.lists(resources(), min_size=1, max_size=2)))},
    }
    if draw(st.integers(0, 2)) == 0:
        found["Outputs"] = {"O": {"Value": draw(PIECES.flatmap(spellings)), "Export": {"Name": {"Fn::Sub": "X-${P}"}}}}
    if draw(st.integers(0, 4)) == 0:
        found["Resources"]["Queue"] = {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": draw(PIECES.flatmap(spellings))},
        }
    return found


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a template and what became of it."""
    before = draw(templates())
    after = before
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        after = copy.deepcopy(after)  # what was drawn is not to be changed
        if after["Resources"]:
            draw(st.sampled_from(EDITS))(draw, after)
    return (before, after) if draw(st.booleans()) else (after, before)


def edit_definition(draw: st.DrawFn, template: dict[str, Any]) -> None:
    """Change what a name stands for: a parameter's default, a condition, a mapping."""
    how = draw(st.sampled_from(["P", "Q", "N", "L", "IsA", "Both", "M"]))
    if how in template.get("Parameters", {}):
        template["Parameters"][how]["Default"] = draw(st.sampled_from(["a", "b", "*", "0", "1", 0, 1, "b,c"]))
    elif how in template.get("Conditions", {}):
        other = st.sampled_from(
            [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": [{"Ref": "P"}, "b"]}, {"Fn::Equals": [{"Ref": "Q"}, "a"]}]
        )
        template["Conditions"][how] = draw(other)
    else:
        template["Mappings"] = {
            "M": {"a": {"x": "*", "y": "b"}, "b": {"x": "b", "y": draw(st.sampled_from(["a", "*"]))}}
        }


def edit_section(draw: st.DrawFn, template: dict[str, Any]) -> None:
    """Give the template another section, or an output."""
    sections = {
        "Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E9"]}}},
        "Transform": "AWS::LanguageExtensions",
        "Rules": {"A": {"Assertions": []}},
        "Hooks": {"A": {"Type": "x"}},
        "Outputs": {"O": {"Value": draw(VALUES), "Export": {"Name": "E"}}},
        "Constants": {"a": "b"},
        "Description": "b",
    }
    name = draw(st.sampled_from(sorted(sections)))
    template[name] = sections[name]


def edit_resource(draw: st.DrawFn, template: dict[str, Any]) -> None:
    """Change a resource: come, go, be called otherwise, have another attribute, property or holder."""
    all_of_them = template["Resources"]
    name = draw(st.sampled_from(sorted(all_of_them)))
    body = all_of_them[name]
    how = draw(st.sampled_from(["add", "drop", "rename", "attribute", "property", "holder", "type", "foreach"]))
    properties = body.get("Properties") if isinstance(body, dict) else None
    if how == "add":
        all_of_them["New"] = draw(resources())
    elif how == "drop" and len(all_of_them) > 1:
        del all_of_them[name]
    elif how == "rename":
        all_of_them["Renamed"] = all_of_them.pop(name)
    elif how == "foreach":
        all_of_them["Fn::ForEach::Q"] = ["X", ["a", "b"], {"Q${X}": draw(resources())}]
    elif how == "type" and properties:
        body["Type"] = draw(
            st.sampled_from(
                ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::S3::BucketPolicy"]
            )
        )
    elif how == "attribute" and isinstance(body, dict):
        key = draw(
            st.sampled_from(
                [
                    "DeletionPolicy",
                    "UpdateReplacePolicy",
                    "Metadata",
                    "CreationPolicy",
                    "Condition",
                    "Fn::Transform",
                    "Odd",
                ]
            )
        )
        body[key] = (
            draw(st.sampled_from(["Retain", "Delete", "IsA", "IsB", {"a": "b"}]))
            if key != "Condition"
            else draw(st.sampled_from(["IsA", "IsB"]))
        )
    elif how == "property" and properties:
        known = [key for key in properties if key.endswith("Name")]
        odd = ["PermissionsBoundary", "Metadata", "ManagedPolicyArns", "RoleName", "Odd", "Path"]
        key = draw(st.sampled_from([*known, *known, *known, *odd]))
        properties[key] = [draw(VALUES)] if key == "ManagedPolicyArns" else draw(VALUES)
    elif properties:
        for key in properties.keys() & {"Roles", "RoleName", "UserName", "Users", "Groups"}:
            properties[key] = [draw(HOLDERS)] if key.endswith("s") else draw(HOLDERS)


def edit_statement(draw: st.DrawFn, template: dict[str, Any]) -> None:
    """Change one thing of a policy document."""
    found = [node[key] for node, key in places(template["Resources"]) if isinstance(node[key], dict)]
    plain = [
        each
        for each in found
        if isinstance(each.get("Statement"), list)
        and each["Statement"]
        and all(
            isinstance(said, dict) and not said.keys() & {"Fn::If", "Principal", "Condition"}
            for said in each["Statement"]
        )
    ]
    if plain:
        edit_document(draw, draw(st.sampled_from(plain)))


def edit_anywhere(draw: st.DrawFn, template: dict[str, Any]) -> None:
    """Change any node of the tree: drop it, put something else there, or a key beside it."""
    nodes = [(parent, key) for parent, key in places(template["Resources"])]
    parent, key = draw(st.sampled_from(nodes))
    how = draw(st.sampled_from(["drop", "value", "value", "copy", "beside"]))
    if how == "drop":
        del parent[key]
    elif how == "value":
        parent[key] = draw(
            VALUES | statements() | st.sampled_from([True, 1, [], {}, "Deny", "Allow", "2012-10-17", "2008-10-17"])
        )
    elif how == "copy":
        other, at = draw(st.sampled_from(nodes))
        parent[key] = copy.deepcopy(other[at]) if at in other or isinstance(other, list) else "a"
    elif isinstance(parent, dict):
        parent[
            draw(
                st.sampled_from(
                    ["Odd", "Fn::Transform", "Fn::If", "Metadata", "Principal", "NotAction", "Condition", "Sid", "Id"]
                )
            )
        ] = draw(VALUES)


def places(node: Any) -> Any:
    """Yield each container of a tree with each key in it."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


EDITS = (edit_definition, *[edit_resource] * 2, *[edit_statement] * 4, *[edit_anywhere] * 2, edit_section)

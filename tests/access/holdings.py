"""Who holds which statements by a whole template, and what of it is left alone: the second engine over templates.

Shares no code with the package; written from the types of AWS::IAM, "Resource attribute reference" and "Template
anatomy" in the CloudFormation User Guide.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import oracle
from evaluation import Evaluation, NotEvaluated, Refused, World, as_text

SECTIONS = {"AWSTemplateFormatVersion", "Description", "Parameters", "Mappings", "Conditions", "Resources", "Outputs"}
ONE = {"AWS::IAM::RolePolicy": "Role", "AWS::IAM::UserPolicy": "User", "AWS::IAM::GroupPolicy": "Group"}
NAMED = {
    "AWS::IAM::Policy": {"PolicyName", "PolicyDocument", "Roles", "Users", "Groups"},
    "AWS::IAM::ManagedPolicy": {
        "ManagedPolicyName",
        "Description",
        "Path",
        "PolicyDocument",
        "Roles",
        "Users",
        "Groups",
    },
    "AWS::IAM::Role": {"AssumeRolePolicyDocument", "Policies", "Description", "Path", "MaxSessionDuration"},
    **{kind: {"PolicyName", "PolicyDocument", f"{who}Name"} for kind, who in ONE.items()},
}
DOCUMENT = {"Version", "Id", "Statement"}
STATEMENT = {
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
    "Condition",
}
REPLACES = {  # properties of which the Template Reference says "Update requires: Replacement"
    "AWS::IAM::Role": ("RoleName", "Path"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "Path", "Description"),
    **{kind: ("PolicyName", f"{who}Name") for kind, who in ONE.items()},
}
HARMLESS = {"Type", "Properties", "Condition", "DependsOn"}


class Holdings(NamedTuple):
    """Who holds which document, with the name of an inline policy; and what this engine does not look into, by what it is."""

    documents: list[tuple[str, str, list[oracle.Said]]]
    unread: dict[str, str]

    @property
    def statements(self) -> dict[str, list[oracle.Said]]:
        """Return the statements by holder."""
        found: dict[str, list[oracle.Said]] = {}
        for holder, _, said in self.documents:
            found.setdefault(holder, []).extend(said)
        return found


def holdings(template: dict[str, Any], world: World) -> Holdings:
    """Return what a template gives to whom in a world. Raises Refused where AWS would take none of it."""
    found = Holdings([], {})
    evaluation = Evaluation(template, world)
    sections(evaluation, found)
    for logical_id in template["Resources"]:
        resource(evaluation, logical_id, found)
    return found


def sections(evaluation: Evaluation, found: Holdings) -> None:
    """Note the sections that may do anything, and what is exported."""
    template = evaluation.template
    for section in template.keys() - SECTIONS:
        found.unread[section] = raw(template[section])
    for name, output in template.get("Outputs", {}).items():
        if not isinstance(output, dict) or "Fn::Transform" in raw(output):
            found.unread[f"output {name}"] = raw(output)
        elif "Export" in output and ("Condition" not in output or evaluation.holds(output["Condition"])):
            found.unread[f"output {name}"] = raw([evaluation.value(output.get(key)) for key in ("Value", "Export")])


def resource(evaluation: Evaluation, logical_id: str, found: Holdings) -> None:
    """Add what one resource gives."""
    body = evaluation.template["Resources"][logical_id]
    if not isinstance(body, dict) or logical_id.startswith("Fn::"):
        found.unread[logical_id] = raw(body)
        return
    if not evaluation.exists(logical_id):
        return
    kind = body.get("Type")
    for key in body.keys() - HARMLESS:
        if (key, body[key]) != ("DeletionPolicy", "Delete") and (key, body[key]) != ("UpdateReplacePolicy", "Delete"):
            found.unread[f"{logical_id} {key}"] = raw(body[key])
    try:
        properties = evaluation.properties(logical_id)
        for key in properties.keys() - NAMED.get(kind, set()):
            found.unread[f"{logical_id} {kind} property {key}"] = raw(properties[key])
        if kind in NAMED:
            for number, (holder, name, document) in enumerate(documents(evaluation, logical_id, kind, properties)):
                said = without_odd_keys(document, f"{logical_id} document {number} of {holder}", found)
                found.documents.append((holder, name, oracle.read(said)))
        else:
            found.unread[f"{logical_id} type"] = str(kind)
    except NotEvaluated:
        found.unread[f"{logical_id} whole"] = raw(body)


def without_odd_keys(document: Any, where: str, found: Holdings) -> Any:
    """Return a document without what no policy has; that is noted."""
    if not isinstance(document, dict):
        raise Refused
    listed = document.get("Statement", [])
    listed = listed if isinstance(listed, list) else [listed]
    odd = {key: document[key] for key in document.keys() - DOCUMENT}
    some = []
    for number, said in enumerate(listed):
        if not isinstance(said, dict):
            raise Refused
        odd |= {f"statement {number} {key}": said[key] for key in said.keys() - STATEMENT}
        some.append({key: said[key] for key in said.keys() & STATEMENT})
    found.unread.update({f"{where} {key}": raw(value) for key, value in odd.items()})
    return {key: document[key] for key in document.keys() & DOCUMENT} | {"Statement": some}


def documents(
    evaluation: Evaluation, logical_id: str, kind: str, properties: dict[str, Any]
) -> list[tuple[str, str, dict[str, Any]]]:
    """Return each holder with the name of the inline policy, if it is one, and a document that it gets."""
    if kind == "AWS::IAM::Role":
        name = f"Role {as_text(evaluation.ref(logical_id))}"
        inline = [
            (name, as_text(each["PolicyName"]), each["PolicyDocument"]) for each in properties.get("Policies", [])
        ]
        return [(f"trust of {name}", "", properties["AssumeRolePolicyDocument"]), *inline]
    document = properties.get("PolicyDocument")
    name = "" if kind == "AWS::IAM::ManagedPolicy" else as_text(properties["PolicyName"])
    if kind in ONE:
        return [(f"{ONE[kind]} {as_text(properties[f'{ONE[kind]}Name'])}", name, document)]
    holders = [f"{who} {as_text(name)}" for who in ("Role", "User", "Group") for name in properties.get(f"{who}s", [])]
    if kind == "AWS::IAM::ManagedPolicy":
        holders.append(f"managed policy {evaluation.world.stack} {logical_id}")
    return [(holder, name, document) for holder in holders]


def raw(part: Any) -> str:
    """Return a part of a template as text that differs where it does."""
    return json.dumps(part, sort_keys=True)


def after_update(before: dict[str, Any], after: dict[str, Any], was_world: World, now_world: World) -> Holdings:
    """Return what is held once `after` replaces `before`: what is under Retain outlives its removal or replacement."""
    now = holdings(after, now_world)
    was, new = Evaluation(before, was_world), Evaluation(after, now_world)
    for logical_id, body in before["Resources"].items():
        kind = body.get("Type") if isinstance(body, dict) else ""
        if kind in NAMED and was.exists(logical_id) and outlives(was, new, logical_id):
            for holder, name, document in documents(was, logical_id, kind, was.properties(logical_id)):
                now.documents.append((holder, name, oracle.read(document)))
    return now


def outlives(was: Evaluation, new: Evaluation, logical_id: str) -> bool:
    """Tell whether CloudFormation leaves a resource where it is that is removed, or that another one replaces."""
    body = was.template["Resources"][logical_id]
    if not new.exists(logical_id):
        return body.get("DeletionPolicy", "Delete") != "Delete"
    if body.get("UpdateReplacePolicy", "Delete") == "Delete":
        return False
    there = new.template["Resources"][logical_id]
    if there.get("Type") != body["Type"]:
        return True
    sides = (was.properties(logical_id), new.properties(logical_id))
    return any(sides[0].get(key) != sides[1].get(key) for key in REPLACES.get(body["Type"], ()))

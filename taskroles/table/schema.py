"""services.yml against its JSON Schema: each fault at its place, in the words of the schema's descriptions."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from taskroles.faults import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskroles.documents import Document
    from taskroles.table.policies import Fault

SCHEMA = os.path.join(os.path.dirname(__file__), "services.schema.json")


def validate(document: Document) -> None:
    """Validate `document`; raise BadInput with every fault."""
    import jsonschema_rs  # slow to load, and needed only where services.yml is new

    with open(SCHEMA, encoding="utf-8") as file:
        rules = json.load(file)
    errors = jsonschema_rs.validator_for(rules).iter_errors(document.data)
    document.refuse([fault for error in errors for fault in faults_of(error, rules)])


def faults_of(error: Any, rules: dict[str, Any], around: str = "") -> Iterator[Fault]:
    """Yield what an error of the validator means to a person: in a choice, the faults of the one that was meant.

    `around` describes what the error is in, where the schema has no description for the thing itself.
    """
    path, kind, broken = tuple(error.instance_path), error.kind, rules
    for step in error.schema_path[:-1]:
        broken = broken[step]
    description = broken.get("description", around)
    choices = kind.context if kind.name == "anyOf" else []
    meant = [errors for errors in choices if not any(is_of_other_type(each, error) for each in errors)]
    if len(meant) == 1:
        for inner in meant[0]:
            yield from faults_of(inner, rules, description)
    elif kind.name == "additionalProperties":
        for key in kind.unexpected:
            yield (*path, key), f"unknown key {key!r}; allowed: {listed(broken['properties'], key)}"
    elif kind.name == "required":
        yield path, f"lacks {kind.property!r}; needed: {', '.join(broken['required'])}"
    elif kind.name == "propertyNames":
        key = kind.error.instance
        yield (*path, key), f"{key!r} is not {description}"
    elif kind.name == "uniqueItems":
        yield path, f"{shown(error.instance)} holds the same twice; keep one"
    else:
        yield path, f"{shown(error.instance)} is not {description}"


def is_of_other_type(error: Any, choice: Any) -> bool:
    """Tell whether an error in a choice says that this alternative is for values of another type altogether."""
    if error.instance_path != choice.instance_path:
        return False
    if error.kind.name == "anyOf":
        return all(any(is_of_other_type(each, error) for each in errors) for errors in error.kind.context)
    return error.kind.name == "type"

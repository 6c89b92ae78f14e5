"""Documents rewritten: into ones that mean the same, and into ones that allow less. By kind, for tests of precision."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Document = dict[str, Any]
    Rewriting = Callable[[st.DrawFn, Document], "Document | None"]  # None: nothing of that kind is in the document

POSITIVE = ("StringEquals", "StringLike", "StringEqualsIgnoreCase", "NumericEquals", "DateEquals", "IpAddress")
POSITIVE += ("ArnEquals", "ArnLike", "ForAnyValue:StringEquals", "ForAnyValue:StringLike")


def listed(value: Any) -> list[Any]:
    """Return a value as a list."""
    return value if isinstance(value, list) else [value]


def one_of(draw: st.DrawFn, document: Document, is_fit: Callable[[dict[str, Any]], bool]) -> int | None:
    """Return the index of a statement that fits."""
    fit = [at for at, said in enumerate(document["Statement"]) if is_fit(said)]
    return draw(st.sampled_from(fit)) if fit else None


def shuffled(draw: st.DrawFn, document: Document) -> Document:
    """Put statements, actions and resources in another order."""
    said = draw(st.permutations(document["Statement"]))
    lists = ("Action", "NotAction", "Resource", "NotResource")
    return {
        **document,
        "Statement": [
            {
                key: draw(st.permutations(value)) if key in lists and isinstance(value, list) else value
                for key, value in each.items()
            }
            for each in said
        ],
    }


def split(key: str) -> Rewriting:
    """Return what makes of one statement one for each value of a key."""

    def rewrite(draw: st.DrawFn, document: Document) -> Document | None:
        at = one_of(draw, document, lambda said: len(listed(said.get(key, []))) > 1)
        if at is None:
            return None
        said = document["Statement"]
        return {
            **document,
            "Statement": said[:at] + [{**said[at], key: each} for each in said[at][key]] + said[at + 1 :],
        }

    return rewrite


def split_by_value(draw: st.DrawFn, document: Document) -> Document | None:
    """Make of one statement one for each value of a condition."""
    at = one_of(draw, document, lambda said: bool(several(said)))
    if at is None:
        return None
    said = document["Statement"]
    operator, key, values = draw(st.sampled_from(several(said[at])))
    parts = [with_values(said[at], operator, key, [value]) for value in values]
    return {**document, "Statement": said[:at] + parts + said[at + 1 :]}


def several(said: dict[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """Return the parts of a statement's condition of which one of several values must match."""
    return [
        (operator, key, values)
        for operator, keys in said.get("Condition", {}).items()
        for key, values in keys.items()
        if isinstance(values, list) and len(values) > 1 and operator.removesuffix("IfExists") in POSITIVE
    ]


def with_values(said: dict[str, Any], operator: str, key: str, values: list[Any]) -> dict[str, Any]:
    """Return a statement with other values in its condition."""
    changed = copy.deepcopy(said)
    changed["Condition"][operator][key] = values
    return changed


def other_texts(draw: st.DrawFn, document: Document) -> Document:
    """Spell each resource in another way."""

    def spell(value: Any) -> Any:
        if isinstance(value, dict) and "Ref" in value:
            return {"Fn::Sub": f"${{{value['Ref']}}}"}
        if isinstance(value, dict) and isinstance(value.get("Fn::Sub"), str):
            return {"Fn::Sub": [value["Fn::Sub"], {}]}
        if isinstance(value, str) and value:
            at = draw(st.integers(0, len(value)))
            return {"Fn::Join": ["", [value[:at], value[at:]]]}
        return {"Fn::Join": ["", [value]]}

    places = ("Resource", "NotResource")
    said = [
        {key: list(map(spell, listed(value))) if key in places else value for key, value in each.items()}
        for each in document["Statement"]
    ]
    return {**document, "Statement": said}


def conditions(change: Callable[[st.DrawFn, str, str, Any], tuple[str, str, Any]]) -> Rewriting:
    """Return what changes each part of each condition."""

    def rewrite(draw: st.DrawFn, document: Document) -> Document | None:
        if not any("Condition" in said for said in document["Statement"]):
            return None
        found = []
        for said in document["Statement"]:
            changed: dict[str, Any] = {}
            for operator, keys in said.get("Condition", {}).items():
                for key, values in keys.items():
                    name, called, some = change(draw, operator, key, values)
                    changed.setdefault(name, {})[called] = some
            found.append({**said, **({"Condition": changed} if changed else {})})
        return {**document, "Statement": found}

    return rewrite


def as_a_set(draw: st.DrawFn, operator: str, key: str, values: Any) -> tuple[str, str, Any]:
    """Return values in another order, one of them twice."""
    some = listed(values)
    return operator, key, draw(st.permutations([*some, draw(st.sampled_from(some))]))


def as_texts(_: st.DrawFn, operator: str, key: str, values: Any) -> tuple[str, str, Any]:
    """Return numbers and true and false as text."""
    return operator, key, [value if isinstance(value, (str, dict)) else str(value).lower() for value in listed(values)]


def remarks(draw: st.DrawFn, document: Document) -> Document:
    """Call statements and the document otherwise."""
    named = [{**said, "Sid": draw(st.text("AB", max_size=3))} for said in document["Statement"]]
    return {**document, "Id": "x", "Statement": named}


def repeated(draw: st.DrawFn, document: Document) -> Document | None:
    """Say again a part of what is said already."""
    at = one_of(draw, document, lambda said: "Action" in said and "Resource" in said)
    if at is None:
        return None
    said = document["Statement"][at]
    part = {**said, "Action": said["Action"][0].replace("*", "Message"), "Resource": listed(said["Resource"])[:1]}
    return {**document, "Statement": [*document["Statement"], part]}


def backwards(rewrite: Rewriting) -> Rewriting:
    """Return a rewriting with its sides swapped (see `sides`)."""
    back = functools.partial(rewrite)
    back.is_backwards = True
    return back


def liked(_: st.DrawFn, operator: str, key: str, values: Any) -> tuple[str, str, Any]:
    """Compare texts without wildcards as patterns, too."""
    known = operator.removesuffix("IfExists") == "StringEquals"
    plain = all(isinstance(each, str) and not set("*?$") & set(each) for each in listed(values))
    return operator.replace("Equals", "Like") if known and plain else operator, key, values


SAME: dict[str, Rewriting] = {
    "another order": shuffled,
    "split by action": split("Action"),
    "split by resource": split("Resource"),
    "split by condition value": split_by_value,
    "merged actions": backwards(split("Action")),
    "merged resources": backwards(split("Resource")),
    "merged condition values": backwards(split_by_value),
    "another spelling": other_texts,
    "operators in other case": conditions(lambda _, operator, key, values: (operator.swapcase(), key, values)),
    "keys in other case": conditions(lambda _, operator, key, values: (operator, key.swapcase(), values)),
    "values as a set": conditions(as_a_set),
    "numbers and true as text": conditions(as_texts),
    "other names of statements": remarks,
    "said twice": repeated,
    "texts as patterns": conditions(liked),
    "patterns as texts": backwards(conditions(liked)),
    "ArnLike for ArnEquals": conditions(
        lambda _, name, key, values: (name.replace("ArnEquals", "ArnLike"), key, values)
    ),
}

# --- less --------------------


def fewer(key: str) -> Rewriting:
    """Return what takes one value of a key away from an Allow."""

    def rewrite(draw: st.DrawFn, document: Document) -> Document | None:
        at = one_of(draw, document, lambda said: said["Effect"] == "Allow" and len(listed(said.get(key, []))) > 1)
        if at is None:
            return None
        values = document["Statement"][at][key]
        gone = draw(st.integers(0, len(values) - 1))
        return changed_at(document, at, {key: values[:gone] + values[gone + 1 :]})

    return rewrite


def changed_at(document: Document, at: int, keys: dict[str, Any]) -> Document:
    """Return a document with keys of one statement changed."""
    said = document["Statement"]
    return {**document, "Statement": [*said[:at], {**said[at], **keys}, *said[at + 1 :]]}


def fewer_values(draw: st.DrawFn, document: Document) -> Document | None:
    """Take one value away from a condition of an Allow."""
    at = one_of(draw, document, lambda said: said["Effect"] == "Allow" and bool(several(said)))
    if at is None:
        return None
    said = document["Statement"][at]
    operator, key, values = draw(st.sampled_from(several(said)))
    return changed_at(document, at, with_values(said, operator, key, values[1:]))


def one_more_condition(draw: st.DrawFn, document: Document) -> Document | None:
    """Put one more condition on an Allow."""
    at = one_of(draw, document, lambda said: said["Effect"] == "Allow")
    if at is None:
        return None
    condition = copy.deepcopy(document["Statement"][at].get("Condition", {}))
    operator = draw(st.sampled_from(["StringEquals", "StringNotLike", "Bool", "ForAllValues:StringLike"]))
    condition.setdefault(operator, {})["aws:RequestTag/new"] = draw(st.sampled_from(["true", ["true", "b"]]))
    return changed_at(document, at, {"Condition": condition})


def one_more_deny(draw: st.DrawFn, document: Document) -> Document:
    """Deny something more."""
    deny = copy.deepcopy(draw(st.sampled_from(document["Statement"]))) | {"Effect": "Deny"}
    other = {"Effect": "Deny", "Action": "sqs:*", "Resource": draw(st.sampled_from(["*", "a", "a*", {"Ref": "P"}]))}
    return {**document, "Statement": [*document["Statement"], draw(st.sampled_from([deny, other]))]}


def one_less_allow(draw: st.DrawFn, document: Document) -> Document | None:
    """Drop a statement that allows."""
    at = one_of(draw, document, lambda said: said["Effect"] == "Allow")
    return (
        None if at is None else {**document, "Statement": document["Statement"][:at] + document["Statement"][at + 1 :]}
    )


def narrower(key: str, wild: str) -> Rewriting:
    """Return what puts a text in place of a star, in a key of an Allow."""

    def rewrite(draw: st.DrawFn, document: Document) -> Document | None:
        def has_star(said: dict[str, Any]) -> bool:
            return any(isinstance(each, str) and each.endswith("*") for each in listed(said.get(key, [])))

        at = one_of(draw, document, lambda said: said["Effect"] == "Allow" and has_star(said))
        if at is None:
            return None
        values = listed(document["Statement"][at][key])
        made = [each[:-1] + wild if isinstance(each, str) and each.endswith("*") else each for each in values]
        return changed_at(document, at, {key: made})

    return rewrite


def more(effect: str, key: str, value: str) -> Rewriting:
    """Return what adds a value to a key, where that takes away."""

    def rewrite(draw: st.DrawFn, document: Document) -> Document | None:
        at = one_of(draw, document, lambda said: said["Effect"] == effect and key in said)
        if at is None:
            return None
        return changed_at(document, at, {key: [*listed(document["Statement"][at][key]), value]})

    return rewrite


def unconditional(draw: st.DrawFn, document: Document) -> Document | None:
    """Deny always what is denied under a condition."""
    at = one_of(draw, document, lambda said: said["Effect"] == "Deny" and "Condition" in said)
    if at is None:
        return None
    said = {key: value for key, value in document["Statement"][at].items() if key != "Condition"}
    return {**document, "Statement": [*document["Statement"][:at], said, *document["Statement"][at + 1 :]]}


def allows(rewrite: Rewriting) -> Rewriting:
    """Return the same for the statements that allow alone."""

    def of_allows(draw: st.DrawFn, document: Document) -> Document | None:
        found = rewrite(draw, {**document, "Statement": [s for s in document["Statement"] if s["Effect"] == "Allow"]})
        denying = [said for said in document["Statement"] if said["Effect"] == "Deny"]
        return found and {**found, "Statement": [*found["Statement"], *denying]}

    return of_allows


def without_if_exists(_: st.DrawFn, operator: str, key: str, values: Any) -> tuple[str, str, Any]:
    """Want a key that may have been lacking."""
    return operator.removesuffix("IfExists"), key, values


NARROW = {"a*": "ax*", "*b": "*xb", "10.0.0.0/8": "10.7.0.0/16", "arn:x:s:*:*:a*": "arn:x:s:r:*:a*"}


def narrower_values(_: st.DrawFn, operator: str, key: str, values: Any) -> tuple[str, str, Any]:
    """Put a narrower pattern or network in place of one."""
    fit = "Not" not in operator and operator.removesuffix("IfExists").endswith(("Like", "IpAddress"))
    known = [NARROW.get(each, each) if fit and isinstance(each, str) else each for each in listed(values)]
    return operator, key, known


LESS: dict[str, Rewriting] = {
    "fewer actions": fewer("Action"),
    "fewer resources": fewer("Resource"),
    "fewer condition values": fewer_values,
    "one more condition": one_more_condition,
    "one more Deny": one_more_deny,
    "one Allow fewer": one_less_allow,
    "a narrower action": narrower("Action", "M*"),
    "a narrower resource": narrower("Resource", "x*"),
    "a resource in place of a pattern": narrower("Resource", "x"),
    "a Deny of more actions": more("Deny", "Action", "s3:Get*"),
    "a Deny of more resources": more("Deny", "Resource", "zz*"),
    "a Deny without its condition": unconditional,
    "all but more actions": more("Allow", "NotAction", "s3:Get*"),
    "all but more resources": more("Allow", "NotResource", "zz*"),
    "a key that must be there": allows(conditions(without_if_exists)),
    "narrower condition values": allows(conditions(narrower_values)),
}

"""Which requests are tried on two sides of a change: made of what their statements name, and of what lies beside that."""

from __future__ import annotations

import itertools
import json
import random
import re
from typing import TYPE_CHECKING

from oracle import Requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oracle import Context, Said

ACTIONS = (
    *(
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ListQueueTags",
        "sqs:TagQueue",
    ),
    *("s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "ec2messages:GetMessages"),
    *("sqs:NewThing", "sqs:NewTags", "sqs:GetNewTags", "sqs:SendNewMessage", "sqs:SendX", "sqs:xMessage", "sqs:Getx"),
    *("sqs:xTags", "sqs:ListNewTags", "sqs:NeverThere", "sqs:x", "s3:GetX", "s3:xTagging", "s3:x", "new:Getx", "new:x"),
)
SHORT = ["".join(letters) for size in range(4) for letters in itertools.product("ab", repeat=size)]
FILLINGS = (("", "a"), ("a", "b"), ("b", "x"), ("xy", "/"), (":", ":"))
VARIABLE = re.compile(r"\$\{[^{}]*\}")
MANY = {"aws:tagkeys": [(), ("a",), ("b",), ("a", "b"), ("x",), ("ab", "x")]}  # a key with several values
ALWAYS_THERE = ("aws:username", "aws:userid")


def requests(sides: Iterable[list[Said]], seed: int, most: int = 28) -> Requests:
    """Return the requests that are tried for the statements of both sides."""
    said = [each for side in sides for each in side]
    contexts = contexts_of(said, random.Random(seed), most)  # noqa: S311 - a test's choice
    names = {context["aws:username"][0] for context in contexts}
    patterns = sorted({text for each in said for text in (*each.places, *each.not_places)})
    found = {"", "x", *SHORT}
    for pattern in patterns:
        for many, one in FILLINGS:
            found.add(pattern.replace("*", many).replace("?", one))
            for name in names if "${" in pattern else ():
                found.add(
                    VARIABLE.sub(lambda match, name=name: filled(match[0], name), pattern.replace("${*}", "${.}"))
                    .replace("*", many)
                    .replace("?", one)
                    .replace("\0", "*")
                )
    return Requests(ACTIONS, tuple(sorted(found)), tuple(contexts))


def filled(variable: str, name: str) -> str:
    """Return a policy variable's value; a star that is a character is a NUL for the time being."""
    return "\0" if variable == "${.}" else name


def contexts_of(said: list[Said], chance: random.Random, most: int) -> list[Context]:
    """Return contexts: keys with values that conditions name, values beside them, and no value."""
    candidates: dict[str, list[tuple[str, ...]]] = {}
    for each in said:
        for operator, keys in json.loads(each.condition).items():
            for key, values in keys.items():
                some = candidates.setdefault(key.lower(), [])
                for value in values if isinstance(values, list) else [values]:
                    some += [(text,) for text in beside(operator.lower(), value)]
    for key, some in candidates.items():
        some.extend(MANY.get(key, [] if key in ALWAYS_THERE else [()]))
    names = [("a",), ("b",), ("ab",), *candidates.pop("aws:username", [])]
    base: Context = {"aws:username": ("a",), "aws:userid": ("b",)}
    found = [base | {key: chance.choice(some) for key, some in candidates.items()} for _ in range(most)]
    for context in found:
        context["aws:username"] = chance.choice(names)
        context["aws:userid"] = chance.choice(names)
    return [base, *found]


def beside(operator: str, value: object) -> list[str]:
    """Return values of a key that meet a condition's value, and ones that just do not."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "numeric" in operator:
        return [text, *(str(number(text) + step) for step in (1, -1, 0.5))]
    if "date" in operator:
        return ["2019-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2020-08-01T00:00:00Z", "2022-01-01T00:00:00Z"]
    if "ipaddress" in operator:
        return ["10.1.2.3", "10.1.9.9", "10.9.9.9", "11.0.0.1", "2001:db8::1"]
    if "bool" in operator or operator == "null":
        return ["true", "false"]
    if "arn" in operator:
        return ["arn:x:s:r:1:a", "arn:x:s:r:1:ab", "arn:y:s:r:1:a", "arn:x:s:q:2:a", "arn:x:s:r:1:a:b", "b"]
    text = VARIABLE.sub("a", text)
    return [
        text.replace("*", "").replace("?", "a"),
        text.replace("*", "x").replace("?", "x"),
        text.swapcase(),
        "x",
        "b",
    ]


def number(text: str) -> float:
    """Return a text as a number; what is none is equal to no value: any stands beside it."""
    try:
        return float(text)
    except ValueError:
        return 0

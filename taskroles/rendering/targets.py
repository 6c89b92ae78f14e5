"""Whether a target is what a level takes: the ARN of its kind of resource, or a name that such a resource can have."""

from __future__ import annotations

import re
from typing import NoReturn

from markupsafe import Markup

from taskroles.faults import shown

VARIABLE = re.compile(r"\$\{[^}]*\}")
PARTS = 6  # of an ARN: arn, partition, AWS service, region, account, resource
SEPARATORS = {":": "colon", "/": "slash"}
PLACE = {"${AWS::Region}": "REGION", "${AWS::AccountId}": "ACCOUNT"}


class Refused(ValueError):
    """A partial cannot do what a grant asks; `of_target`: for the target that it is narrowed to."""

    def __init__(self, why: str, *, of_target: bool = False) -> None:
        super().__init__(why)
        self.of_target = of_target


def refuse(why: str) -> NoReturn:
    """Let a partial say why it cannot do what is asked of it."""
    raise Refused(why)


def of_kind(target: dict[str, str | None], resource: str, within: str = "") -> Markup:
    """Return nothing; raise Refused for a target of another kind.

    `resource` is how its ARN goes on after the partition, up to the name; a name holds those of `:` and `/` that stand
    in `within`.
    """
    if arn := target["arn"]:
        if not is_arn(arn, resource, within):
            form = resource
            for variable, word in PLACE.items():
                form = form.replace(variable, word)
            wanted = f"arn:aws:{form}NAME, where NAME holds {without(within)}"
            raise Refused(f"{shown(arn)} is the ARN of something else; it takes {wanted}", of_target=True)
    elif (name := target["name"]) and holds_separator(name, within):
        raise Refused(f"{shown(name)} is no name here: it holds {without(within)}", of_target=True)
    return Markup("")


def is_arn(arn: str, resource: str, within: str) -> bool:
    """Tell whether an ARN is that of a resource, of any region and account where the resource has one."""
    parts = VARIABLE.sub("x", arn).split(":", PARTS - 1)
    wanted = VARIABLE.sub("x", f"arn:x:{resource}").split(":", PARTS - 1)
    if len(parts) < PARTS or parts[0] != "arn" or parts[2] != wanted[2]:
        return False
    if any(bool(part) != bool(want) for part, want in zip(parts[3:5], wanted[3:5], strict=True)):
        return False
    name = parts[5].removeprefix(wanted[5])
    return parts[5].startswith(wanted[5]) and name.strip("/") != "" and not holds_separator(name, within)


def holds_separator(name: str, within: str) -> bool:
    """Tell whether a name holds what separates the parts of an ARN, but for those that may stand in it."""
    return any(separator in VARIABLE.sub("x", name) for separator in SEPARATORS if separator not in within)


def without(within: str) -> str:
    """Return in words what a name does not hold."""
    return " and ".join(f"no {word}" for separator, word in SEPARATORS.items() if separator not in within)

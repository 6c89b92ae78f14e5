"""Reviews of out/ trees that are held in memory, for tests."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from taskroles.access.report import as_json, markdown, terminal
from taskroles.access.review import Side, review, side_of
from taskroles.commands.review import GATES, fails
from taskroles.git import blob_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taskroles.access.report import Review
    from taskroles.access.wording import Line

ORDERS = "'arn:aws:sqs:eu-west-1:111122223333:orders'"
HEAD = "Parameters: {EnvType: {Type: String, Default: Production}}\nResources:\n"


def side(label: str, files: dict[str, str]) -> Side:
    """Return a side of a review that has these files, by path below out/."""
    held = {f"out/{path}": text.encode() for path, text in files.items()}

    def read_some(paths: Sequence[str]) -> dict[str, bytes]:
        return {path: held[path] for path in paths}

    return side_of(label, {path: blob_id(data) for path, data in held.items()}, {}, read_some)


def reviewed(before: str | dict[str, str], after: str | dict[str, str]) -> Review:
    """Review a change of trees, or of one template in Production; "" is no template."""
    trees = [{"Production/orders.yml": each} if each else {} for each in (before, after) if isinstance(each, str)]
    trees = trees or [before, after]
    return review(side("base", trees[0]), side("head", trees[1]))


def lines(result: Review) -> list[Line]:
    """Return all lines of a review."""
    return [line for section in result.sections for line in section.lines]


def failing(result: Review) -> set[str]:
    """Return the gates that fail."""
    return {gate for gate in GATES if fails(result, [gate])}


def formats(result: Review) -> dict[str, str]:
    """Return a review as it is printed, by format."""
    return {"terminal": terminal(result, 200, colour=False), "markdown": markdown(result), "json": as_json(result)}


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """Hold that something comes to an end: how fast it is, bench/ says; ours take a tenth, what has no bound takes more."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 20  # of CPU time, which no load makes longer


def policy(*statements: str, role: str = "backend", name: str = "Access", document: str = "", more: str = "") -> str:
    """Return a resource that gives statements, each as YAML in braces, to a role whose name another stack exports."""
    listed = ", ".join(statements)
    return (
        f"  {name}:\n    Type: AWS::IAM::Policy\n    Properties:\n      PolicyName: {name}\n"
        f"      PolicyDocument: {{Version: '2012-10-17'{document}, Statement: [{listed}]}}\n"
        f"      Roles: [!ImportValue {role}]\n{more}"
    )


def statement(action: str = "'sqs:SendMessage'", resource: str = ORDERS, **more: Any) -> str:
    """Return a statement as YAML in braces."""
    rest = "".join(f", {key}: {value}" for key, value in more.items() if key != "Effect")
    return f"{{Effect: {more.get('Effect', 'Allow')}, Action: {action}, Resource: {resource}{rest}}}"

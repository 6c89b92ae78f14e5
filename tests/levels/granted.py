"""The levels that ship, what each grants, and the calls that they are for, of tests/levels/calls/<aws-service>.yml."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from evaluation import Evaluation, World
from project import HERE, load

from taskroles.access.reading import Place, read_document
from taskroles.rendering.headers import read_header
from taskroles.rendering.partials import Renderer
from taskroles.table.policies import Grant

if TYPE_CHECKING:
    from taskroles.access.reading import Statement
    from taskroles.rendering.partials import Policy

CALLS = HERE / "tests/levels/calls"
REGION, ACCOUNT = "eu-west-1", "123456789012"
PATHS = sorted((HERE / "policies").rglob("*.j2"))
SOURCES = {str(path.relative_to(HERE)): path.read_text(encoding="utf-8") for path in PATHS}
RENDERER = Renderer(SOURCES, {"EnvType": 32})
LEVELS = {(folder, name): level for folder, levels in RENDERER.levels().items() for name, level in levels.items()}
# `full` is the article's: every action, on purpose.
NARROW = [key for key in LEVELS if key[1] != "full"]
TARGET = {"name": "orders"}


class Call(NamedTuple):
    """A call: the resources that it needs each action on, the values of condition keys, and how to make it locally."""

    name: str
    needs: dict[str, list[str]]
    given: dict[str, tuple[str, ...]]
    local: dict[str, Any]


class Entry(NamedTuple):
    """A level on a target and with options, and the calls that this is for."""

    aws_service: str
    level: str
    target: dict[str, str] | None
    options: dict[str, str]
    calls: list[Call]


class AWorld(World):
    """The region and account that the tables of calls speak of."""

    def pseudo(self, name: str) -> str:
        """Return the value of a pseudo parameter."""
        return {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT}.get(name) or super().pseudo(name)


def partial(aws_service: str, level: str) -> str:
    """Return the path of a level's partial."""
    return f"policies/{aws_service}/{level}.yml.j2"


HEADERS = {key: read_header(partial(*key), SOURCES[partial(*key)]) for key in LEVELS}


@functools.cache
def table_of(aws_service: str) -> dict[str, Any]:
    """Return the table of calls of an AWS service, an empty one if it has none."""
    path = CALLS / f"{aws_service}.yml"
    text = path.read_text(encoding="utf-8") if path.exists() else "{resources: {}, levels: {}}"
    return yaml.load(text, yaml.CSafeLoader)


@functools.cache
def entries(aws_service: str, level: str) -> list[Entry]:
    """Return what the table of calls says of a level, none if nothing."""
    table = table_of(aws_service)
    written = table["levels"].get(level, [])
    found = []
    for each in written if isinstance(written, list) else [written]:
        assert each.keys() <= {"target", "options", "calls"}, (aws_service, level, each.keys())
        target = each.get("target", TARGET) if LEVELS[aws_service, level].takes_target else None
        calls = [call(name, said, table["resources"]) for name, said in each["calls"].items()]
        found.append(Entry(aws_service, level, target, each.get("options", {}), calls))
    return found


def call(name: str, said: dict[str, Any], resources: dict[str, str]) -> Call:
    """Return a call as the table writes it."""
    needs = {action: on if isinstance(on, list) else [on] for action, on in said.items() if ":" in action}
    assert set(said) - set(needs) <= {"given", "local"}, (name, said)
    given = {
        key.lower(): tuple(map(str, value if isinstance(value, list) else [value]))
        for key, value in said.get("given", {}).items()
    }
    places = {action: [resources.get(each, each) for each in on] for action, on in needs.items()}
    return Call(name, places, given, said.get("local", {}))


def usual(aws_service: str, level: str) -> Entry:
    """Return the first entry of a level's calls, or the level on the usual target."""
    found = entries(aws_service, level)
    return (
        found[0]
        if found
        else Entry(aws_service, level, TARGET if LEVELS[aws_service, level].takes_target else None, {}, [])
    )


def policy_of(entry: Entry) -> Policy:
    """Return the policy of an entry as the product renders it."""
    grant = Grant(entry.level, entry.target and "it", entry.target, tuple(entry.options.items()))
    return RENDERER.policy(entry.aws_service, (grant,))


def text_of(entry: Entry, **changed: Any) -> str:
    """Return the statements of an entry as YAML, with another target or other options."""
    return policy_of(entry._replace(**changed)).statements


@functools.cache
def loaded(text: str) -> Any:
    """Return YAML as plain data, which nobody may change."""
    return load(text)


def statements(entry: Entry, **changed: Any) -> list[Statement]:
    """Return the statements of an entry as the product reads them."""
    raw = {"Version": "2012-10-17", "Statement": loaded(text_of(entry, **changed))}
    return read_document(raw, Place(partial(*entry[:2])))


def document(entry: Entry) -> list[dict[str, Any]]:
    """Return the statements of an entry as IAM gets them, in the region and account of the tables."""
    return Evaluation({"Resources": {}}, AWorld(0)).value(loaded(text_of(entry)))


def listed(value: Any) -> list[Any]:
    """Return what may be one as a list."""
    return value if isinstance(value, list) else [value]

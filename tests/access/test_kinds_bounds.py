"""Templates of 51,200 bytes made to take long, each in its own way: none does, and none is called no change."""

from __future__ import annotations

import itertools
import multiprocessing
import re
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from trees import HEAD, failing, formats, in_time, lines, policy, reviewed, statement

from taskroles.access import wording
from taskroles.access.actions import lines_by_prefix
from taskroles.access.compare import compared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ONE = HEAD + policy(statement())
ALL = "".join(f"'{service}:*', " for service in lines_by_prefix())


def words(before: str) -> Iterator[str]:
    for length in range(1, 9):
        yield from (before + "".join(letters) for letters in itertools.product("abcdefgh", repeat=length))


def filled(spell: Callable[[str], str], before: str = "", most: int = 50_000) -> str:
    """Return a list of what `spell` makes of words, as long as there is room."""
    found, size = [], 0
    for word in words(before):
        found.append(spell(word))
        size += len(found[-1]) + 2
        if size > most:
            return ", ".join(found[:-1])
    raise AssertionError


def statements(spell: Callable[[str], str], before: str = "") -> str:
    return HEAD + policy(filled(lambda word: f"{{Effect: Allow, {spell(word)}}}", before, 49_000))


def actions(pattern: str) -> str:
    return HEAD + policy(statement(f"[{filled(lambda word: f'{pattern % word!r}')}]"))


def under(word: str) -> str:
    several = "[a, b, c, d, e, f, g, h]"
    return f"Action: 'a:b', Resource: '*', Condition: {{StringEquals: {{a{word}: {several}, b{word}: {several}}}}}"


def nested(inner: str) -> str:
    for _ in range(24):
        inner = f"{{'Fn::Sub': ['{'${a}' * 8}', {{a: {inner}}}]}}"
    return inner


def addresses(last: int) -> str:
    some = [f"10.{number // 250}.{number % 250}.{last}/32" for number in range(2_500)]
    return HEAD + policy(statement(Condition=f"{{'ForAllValues:IpAddress': {{k: [{', '.join(some)}]}}}}"))


TRIED = {
    "patterns of actions, each asked of each": lambda: (actions("s:*%s"), actions("s:*%s*")),
    "patterns of actions of any service": lambda: (ONE, actions("*%s*")),
    "statements about everything": lambda: (
        statements(lambda word: f"Action: '*', Resource: {word}"),
        statements(lambda word: f"Action: '*', Resource: {word}", "x"),
    ),
    "statements about all but one": lambda: (
        statements(lambda word: f"NotAction: 'a:{word}*', Resource: {word}"),
        statements(lambda word: f"NotAction: 'a:{word}*', Resource: {word}", "x"),
    ),
    "resources of everything": lambda: (
        HEAD + policy(statement("'*'", f"[{filled(str)}]")),
        HEAD + policy(statement("'*'", f"[{filled(str, 'x')}]")),
    ),
    "alternatives": lambda: (statements(under), statements(under, "x")),
    "keys of one condition": lambda: (
        HEAD + policy(statement(Condition=f"{{StringLike: {{{filled(lambda word: f'{word}: x*')}}}}}")),
        HEAD + policy(statement(Condition=f"{{StringLike: {{{filled(lambda word: f'{word}: x')}}}}}")),
    ),
    "roles": lambda: (
        ONE,
        HEAD + policy(statement("'*'")).replace("!ImportValue backend", filled(str)),
    ),
    "a long resource in each service": lambda: (
        HEAD + policy(statement(f"[{ALL}]", "a")),
        HEAD + policy(statement(f"[{ALL}]", "b" * 40_000)),
    ),
    "a pattern in each star of another": lambda: (
        HEAD + policy(statement(Condition=f"{{StringLike: {{k: !Sub '{'*a${P}' * 5_000}'}}}}")),
        HEAD + policy(statement(Condition=f"{{StringLike: {{k: !Sub '{'*a' * 9_900}*${{P}}'}}}}")),
    ),
    "an ARN that a pattern nearly matches": lambda: (
        HEAD + policy(statement(Condition=f"{{ArnLike: {{k: 'arn:aws:s3:::*{'a' * 15_000}b'}}}}")),
        HEAD + policy(statement(Condition=f"{{ArnLike: {{k: 'arn:aws:s3:::{'a' * 30_000}'}}}}")),
    ),
    "addresses": lambda: (addresses(1), addresses(2)),
    "a text that grows": lambda: (ONE, HEAD + policy(statement(resource=nested("x")))),
    "a text that never ends": lambda: (ONE, HEAD + policy(statement(resource=f"!Sub '{'${' * 25_000}'"))),
}


@pytest.mark.parametrize("name", TRIED)
def test_11_no_template_takes_long(name: str) -> None:
    before, after = TRIED[name]()
    with in_time():
        result = reviewed(before, after)
        assert sum(map(len, formats(result).values())) < 40_000_000
        if name != "keys of one condition":  # which allows less
            assert {"widened", "granted"} <= failing(result)


def peak(name: str) -> float:
    """Return how many MiB a process holds at the most that reviews one of these."""
    result = reviewed(*TRIED[name]())
    formats(result)
    status = Path("/proc/self/status")  # what getrusage says begins with the process that this one was started by
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024


@pytest.mark.parametrize("name", ["roles", "a long resource in each service"])
def test_11_no_template_takes_much_memory(name: str) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(peak, [name]) < 300


def test_11_services_that_change_alike_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(wording, "compared", lambda *sides: asked.append(sides) or compared(*sides))
    trees = (
        {f"Production/{name}.yml": HEAD + policy(statement(action, "'alike'"), role=name) for name in "abc"}
        for action in ("'sqs:Get*'", "'sqs:*'")
    )
    assert len({line.text for line in lines(reviewed(*trees))}) == 1
    assert len(asked) == 1

"""The policies of services.yml: what is a grant, what is an environment, and what is wrong with either."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.faults import listed, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from taskroles.documents import Path

    Fault = tuple[Path, str]  # where it is, and what is wrong

RESERVED = ("default", "none")


class Level(NamedTuple):
    """What a partial takes: a target or none, and options, each with what it does; some are needed.

    `key` is the level of kms that it needs on the key of its target, where that has one of your own.
    """

    takes_target: bool
    options: dict[str, str]
    required: frozenset[str] = frozenset()
    key: str | None = None


class Grant(NamedTuple):
    """One level of access to one AWS service, narrowed to a target (by name; `found_by` says how it is found).

    `because` says which grant it follows from, if services.yml does not write it: see table/keys.py.
    """

    level: str
    target: str | None = None
    found_by: dict[str, str] | None = None
    options: tuple[tuple[str, str], ...] = ()
    because: str = ""


class Written(NamedTuple):
    """A grant as it is written: where it stands below its policy, its level, its target (None: none) and options."""

    path: Path
    level: str
    target: Any
    options: dict[str, Any]


class Part(NamedTuple):
    """What a policy says for some environments: where it stands below the policy, and its grants."""

    path: Path
    environments: list[str]
    grants: list[Written]


def by_environment(value: Any, environments: Collection[str]) -> bool:
    """Tell whether a value is a map from environments, or `default`, to values. The list of environments decides."""
    return isinstance(value, dict) and ("default" in value or not value.keys().isdisjoint(environments))


def for_environment(value: Any, environment: str, environments: Collection[str]) -> Any:
    """Return what a value is in one environment; None if it says nothing for it."""
    return value.get(environment, value.get("default")) if by_environment(value, environments) else value


def parts(policy: Any, environments: Collection[str], levels: Iterable[str] = ()) -> Iterator[Part]:
    """Yield the parts of a policy. A map whose keys are all levels is no map of environments, but several grants."""
    is_map = by_environment(policy, environments) or (
        isinstance(policy, dict) and len(policy) > 1 and not policy.keys() <= set(levels)
    )
    for name, value in policy.items() if is_map else [("default", policy)]:
        path: Path = (name,) if is_map else ()
        names = [name] if name != "default" else [each for each in environments if not is_map or each not in policy]
        if isinstance(value, list):
            grants = [written((*path, index), item) for index, item in enumerate(value)]
        else:
            grants = [] if value == "none" else [written(path, value)]
        yield Part(path, names, grants)


def written(path: Path, item: Any) -> Written:
    """Return the grant that stands at `path` below its policy."""
    if isinstance(item, str):
        return Written(path, item, None, {})
    level, narrowed = next(iter(item.items()))
    if isinstance(narrowed, dict):
        options = {key: value for key, value in narrowed.items() if key != "target"}
        return Written(path, level, narrowed.get("target"), options)
    return Written(path, level, narrowed, {})


def policy_faults(
    path: Path, policy: Any, found: list[Part], data: dict[str, Any], levels: Mapping[str, Level]
) -> Iterator[Fault]:
    """Yield what is wrong with the policy at `path`, whose parts are `found`, on an AWS service that has these levels."""
    environments, aws_service = data["environments"], path[-1]
    if isinstance(policy, dict) and len(policy) > 1 and policy.keys() <= levels.keys():
        grants = ", ".join(f"{{{key}: {shown(policy[key])}}}" for key in policy).replace('"', "")
        yield path, f"several grants are a list: [{grants}]"
        return
    covered: list[str] = []
    for part in found:
        covered += part.environments
        for name in part.environments:
            if name not in environments:
                allowed = [*environments, "default"]
                yield (*path, *part.path), f"no environment is called {name!r}; allowed: {listed(allowed, name)}"
        for grant in part.grants:
            for fault in grant_faults(str(aws_service), grant, data, levels):
                yield (*path, *grant.path), f"{aws_service}: {fault}"
    missing = [name for name in environments if name not in covered]
    if missing:
        remedy = "add `default`, or `default: none` for no access"
        yield path, f"{aws_service} says nothing for {' and '.join(missing)}; {remedy}"


def grant_faults(aws_service: str, grant: Written, data: dict[str, Any], levels: Mapping[str, Level]) -> Iterator[str]:
    """Yield what is wrong with a grant on an AWS service of these `levels`."""
    _, level, target, options = grant
    targets = data.get("targets", {})
    if level == "none":
        yield "`none` stands alone: it means no access"
    elif level not in levels:
        near = nearest(level, [*levels, *data["environments"], *RESERVED])
        yield f"no level is called {level!r}; levels: {', '.join(levels)}{near}"
    elif target is not None and not isinstance(target, str):
        yield f"a grant has one target; several are a list of grants: [{{{level}: a}}, {{{level}: b}}]"
    elif target is None and levels[level].takes_target:
        yield f"{level} needs a target, as in {{{level}: {next(iter(targets), 'orders-queue')}}}"
    elif target is not None and not levels[level].takes_target:
        yield f"{level} takes no target: policies/{aws_service}/{level}.yml.j2 does not mention `target`; write it alone: {level}"
    elif target is not None and target not in targets:
        yield f"no target is called {target!r}; targets: {listed(targets, target)}"
    if level in levels:
        yield from option_faults(level, options, levels[level])


def option_faults(level: str, options: dict[str, Any], takes: Level) -> Iterator[str]:
    """Yield what is wrong with the options of a grant of a level that `takes` some."""
    known = takes.options
    for name in known:
        if name in takes.required and name not in options:
            yield f"{level} needs the option {name}, which {known[name]}"
    for name, value in options.items():
        if name not in known:
            yield f"{level} has no option {name!r}; options: {listed(known, name)}"
        elif not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,1011}", value):
            yield f"{level}: the option {name} must be printable ASCII without blanks; it is {shown(value)}"

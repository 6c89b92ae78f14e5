"""Keys of one's own: what a grant needs besides on the key that its target is encrypted under.

A target names its key (`key: orders-key`, another target), and a level the level of kms that it needs on that
(`{% set key = "decrypt" %}`). So the grant on the key follows, limited to calls that the AWS service makes for the role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskroles.faults import listed
from taskroles.table.policies import Grant, for_environment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from taskroles.documents import Path
    from taskroles.table.policies import Fault, Level

    Levels = Mapping[str, Mapping[str, Level]]  # by AWS service and name

KEY = "key"
KMS = "kms"


def found_in(target: Any, environment: str, environments: Collection[str]) -> Any:
    """Return how a target is found in an environment, without its key; None if it is not there."""
    found = for_environment(target, environment, environments)
    return {kind: text for kind, text in found.items() if kind != KEY} if found else found


def keys_of(target: Any) -> Iterator[tuple[Path, str]]:
    """Yield the keys that a target names, each with where it stands below the target."""
    for name, value in target.items() if isinstance(target, dict) else ():
        if isinstance(value, dict) and KEY in value:
            yield (name, KEY), value[KEY]
        elif name == KEY and not isinstance(value, dict):
            yield (KEY,), value


def grant_on_key(
    aws_service: str, grant: Grant, environment: str, data: dict[str, Any], levels: Levels
) -> Grant | None:
    """Return what a grant needs on the key of its target in an environment, None if nothing."""
    needed = levels[aws_service][grant.level].key
    if needed is None or grant.target is None:
        return None
    targets, environments = data.get("targets", {}), data["environments"]
    key = (for_environment(targets.get(grant.target), environment, environments) or {}).get(KEY)
    if key is None:
        return None
    because = f"{aws_service} {grant.level} {grant.target}"
    return Grant(needed, key, found_in(targets[key], environment, environments), (("via", aws_service),), because)


def with_keys(
    policies: dict[str, tuple[Grant, ...]], environment: str, data: dict[str, Any], levels: Levels
) -> dict[str, tuple[Grant, ...]]:
    """Return the policies of a service in an environment with all that they need on keys, in the policy of kms."""
    found: dict[str, Grant] = {}
    for aws_service, grants in policies.items():
        for grant in grants:
            if needed := grant_on_key(aws_service, grant, environment, data, levels):
                alike = repr(needed._replace(because=""))
                known = found.get(alike)
                if known is None:
                    found[alike] = needed
                elif needed.because not in known.because.split(" and "):
                    found[alike] = known._replace(because=f"{known.because} and {needed.because}")
    written = policies.get(KMS, ())
    added = [grant for grant in found.values() if grant._replace(because="") not in written]
    return {**policies, KMS: (*written, *added)} if added else policies


def key_faults(data: dict[str, Any], used: Mapping[str, set[tuple[str, str]]], levels: Levels) -> Iterator[Fault]:
    """Yield what is wrong with the keys of targets; `used` holds the grants on each: AWS services and levels."""
    targets = data.get("targets", {})
    plain = [name for name, target in targets.items() if not any(keys_of(target))]
    for name, target in targets.items():
        for below, key in keys_of(target):
            path = ("targets", name, *below)
            if key in targets and key not in plain:
                yield path, f"{key!r} has a key itself; the key of a target is a target without one"
            elif key not in targets:
                yield path, f"no target is called {key!r}; targets without a key: {listed(plain, key)}"
            known = [(*each, levels[each[0]][each[1]].key) for each in sorted(used.get(name, ()))]
            needed = [each for each in known if each[2] is not None]
            if known and not needed:
                yield path, f"no level that is granted on {name!r} needs its key; take `key` out"
            for aws_service, level, kms in needed:
                if kms not in levels.get(KMS, ()):
                    yield path, f"{aws_service} {level} needs {kms} on the key: there is no policies/kms/{kms}.yml.j2"

"""Say what a change of an environment.yml does: to stacks, to a deploy, to the lint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskroles.access.compare import CANNOT_TELL
from taskroles.access.marks import UNREAD
from taskroles.access.wording import Line
from taskroles.tree import ENVIRONMENT_FILE, OUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from taskroles.access.environments import Environment

STAY = "the stacks that exist stay, with their policies, until somebody deletes them"


def setting_lines(name: str, base: Mapping[str, Environment], head: Mapping[str, Environment]) -> Iterator[Line]:
    """Yield a line for each setting of an environment that changed, with what CloudFormation or a deploy would do."""
    old, new = base.get(name), head.get(name)
    if new and not new.described and (old is None or old.described):
        if any(each.described for each in (*base.values(), *head.values())):
            text = f"{CANNOT_TELL}: there is no {OUT}/{name}/{ENVIRONMENT_FILE}, which names stacks, roles and account"
            yield Line("widened", (), text, marks=(UNREAD,))
    elif old and new and old.described:
        for setting, was, now, effect in changed_settings(old, new):
            elsewhere = setting in ("account", "region") and bool(was)  # for the roles there, all of it is new
            text = f"{setting}: {shown_setting(was)} → {shown_setting(now)}: {effect}"
            yield Line("widened" if elsewhere else "notice", (), text, undecided=not now)
        for parameter in sorted(old.parameters.keys() | new.parameters.keys()):
            yield from parameter_lines(parameter, old.parameters.get(parameter), new.parameters.get(parameter))
        for service in sorted(old.task_roles.keys() & new.task_roles.keys()):
            was, now = (" ".join(side.task_roles[service]) for side in (old, new))
            if was != now:
                yield Line(
                    "notice", (), f"task role of {service}: {was} → {now}: the lint takes no other in its template"
                )


def parameter_lines(parameter: str, was: str | None, now: str | None) -> Iterator[Line]:
    """Yield a line for a parameter that a deploy passes otherwise; what that moves is said of each service."""
    if was != now:
        effect = (
            "the next deploy gives it to every stack that has it"
            if now is not None
            else "the stacks keep what they have"
        )
        yield Line("notice", (), f"parameter {parameter}: {shown_setting(was)} → {shown_setting(now)}: {effect}")


def changed_settings(old: Environment, new: Environment) -> Iterator[tuple[str, Any, Any, str]]:
    """Yield each setting that changed: what it is called, what it was and is, and what that does."""
    stacks = f"CloudFormation makes new stacks; {STAY}"
    if old.names.policy == new.names.policy:
        stacks += (
            ", and it refuses a policy name that another stack has on the role: give the policies new names as well, "
            "or destroy the old stacks first"
        )
    committed = "a deploy takes what is committed alone, and wants the environment's name typed"
    found = (
        ("account", old.account, new.account, moved(old.account, new.account)),
        ("region", old.region, new.region, moved(old.region, new.region)),
        ("principal", old.principal, new.principal, who_deploys(new.principal)),
        (
            "protected",
            old.protected,
            new.protected,
            committed if new.protected else "a deploy takes whatever lies in out/",
        ),
        ("after", old.after, new.after, "the review marks writes that the one before does not have"),
        (
            "wildcards",
            old.wildcards,
            new.wildcards,
            f"the lint {'lets wildcards pass' if new.wildcards else 'refuses wildcards'}",
        ),
        ("stacks", old.names.stack, new.names.stack, stacks),
        (
            "policies",
            old.names.policy,
            new.names.policy,
            "CloudFormation adds each policy under its new name, then deletes the old one",
        ),
    )
    return (each for each in found if each[1] != each[2])


def moved(was: str, now: str) -> str:
    """Say what a change of an environment's account or region does."""
    if was and now:
        return f"from the next deploy on, the roles there get what is allowed here; {STAY}"
    return "a deploy to any other is refused" if now else "a deploy goes where the credentials lead"


def who_deploys(now: str) -> str:
    """Say what a change of an environment's principal does."""
    return "a deploy as any other is refused" if now else "whoever has the credentials may deploy"


def shown_setting(value: Any) -> str:
    """Return a setting as services.yml writes it."""
    return ("true" if value else "false") if isinstance(value, bool) else value or "none"

"""What templates say to a request, and the smallest grant in services.yml that would turn a no into a yes.

A region or account that a template leaves open is that of the resource's ARN (the account: that of the role, where it
is known). What an export holds only AWS knows: it is a condition of the answer, never a guess.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.access import decide as deciding
from taskroles.access.actions import access_level
from taskroles.access.compare import compare
from taskroles.access.conditions import ALWAYS
from taskroles.access.conditions import spelled as spelled_condition
from taskroles.access.marks import marks
from taskroles.access.places import IMPORT
from taskroles.access.reading import filled, read_template
from taskroles.access.wording import GROWS
from taskroles.access.words import enumerate_text, number, real
from taskroles.access.words import levels as by_access_level
from taskroles.faults import BadInput
from taskroles.rendering import outputs
from taskroles.rendering.environments import path_of
from taskroles.rendering.state import State
from taskroles.table.keys import KMS, found_in, grant_on_key
from taskroles.table.policies import Grant, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from taskroles.access.compare import Change
    from taskroles.access.reading import Statement
    from taskroles.rendering.partials import Renderer
    from taskroles.table.grammar import Environment, Service, Table
    from taskroles.table.policies import Level

ANY = "${any resource}"  # a resource of which nothing is known
NEW = "NEW"
UNKNOWN = "WHICH-ONE"  # a name, or an option that a level needs, which the user has to fill in
PLAIN = re.compile(r"[\w./-]*\w[\w./-]*", re.ASCII)  # an option that needs no quotes


class Project(NamedTuple):
    """The sources, read: services.yml, and what renders it."""

    table: Table
    renderer: Renderer
    levels: dict[str, dict[str, Level]]

    def targets(self, environment: str) -> dict[str, dict[str, str]]:
        """Return how each target is found in an environment."""
        data = self.table.document.data
        targets = data.get("targets", {})
        return {name: found_in(target, environment, data["environments"]) for name, target in targets.items()}

    def on_key(self, aws_service: str, grant: Grant, environment: str) -> Grant | None:
        """Return what a grant needs on the key of its target, None if nothing."""
        return grant_on_key(aws_service, grant, environment, self.table.document.data, self.levels)


class Question(NamedTuple):
    """What is asked. `resource` and `account`, the role's, are "" if not known.

    `reason` is what AWS's message gives as the reason of its denial; None if there is no message.
    """

    service: Service
    environment: Environment
    action: str
    resource: str
    account: str
    reason: str | None


class Proposal(NamedTuple):
    """A grant that would allow what is asked; its target is called NEW if services.yml has none for it."""

    aws_service: str
    grant: Grant
    statements: list[Statement]
    changes: list[Change]


def load() -> Project:
    """Read the sources; raise BadInput where they are faulty."""
    state = State()
    table, renderer = outputs.read_sources(state)
    return Project(table, renderer, renderer.levels())


# --- what templates say --------------------


def rendered(project: Project, question: Question, policies: dict[str, tuple[Grant, ...]]) -> str:
    """Return the template of the service if it had `policies`, "" for none; raise BadInput if a partial refuses."""
    if not policies:
        return ""
    service = question.service._replace(policies={question.environment.name: policies})
    return (outputs.output(project.renderer, service, question.environment, "").content or b"").decode()


def statements_of(text: str, question: Question) -> list[Statement]:
    """Return the statements of a template, its parameters replaced by their defaults; none for ""."""
    if not text:
        return []
    template = read_template(text, path_of(question.service, question.environment))
    statements = (statement for policy in template.policies for statement in policy.statements)
    return list(filled(statements, template.parameters))


def statements_of_grant(project: Project, question: Question, aws_service: str, grant: Grant) -> list[Statement]:
    """Return the statements of one grant, and of what it needs on a key; none if its partial takes no such target."""
    policies = {aws_service: (grant,)}
    if needed := project.on_key(aws_service, grant, question.environment.name):
        policies[KMS] = (*policies.get(KMS, ()), needed)
    try:
        return statements_of(rendered(project, question, policies), question)
    except BadInput:
        return []


def here(question: Question, statement: Statement) -> Statement:
    """Return the statement as it reads in the resource's region and in the role's account.

    A pattern that no value of its export makes match becomes one that never does: `*`, asked for, is no name.
    """
    region, account = (question.resource.split(":") + [""] * 5)[3:5]
    place = {"AWS::Region": region, "AWS::AccountId": question.account or account}
    (statement,) = filled([statement], {name: value for name, value in place.items() if value})
    never = {
        pattern
        for pattern in (*statement.resources, *statement.not_resources)
        if question.resource and len(IMPORT.findall(pattern)) == 1
        if not import_values([pattern], symbolic(question.resource))
    }
    resources, not_resources = (
        tuple("never" if pattern in never else pattern for pattern in patterns)
        for patterns in (statement.resources, statement.not_resources)
    )
    return statement._replace(resources=resources, not_resources=not_resources)


def decide(question: Question, statements: Iterable[Statement]) -> deciding.Decision:
    """Decide the question; where no resource is known, None means on some."""
    return deciding.decide([here(question, s) for s in statements], question.action, symbolic(question.resource) or ANY)


def symbolic(arn: str) -> str:
    """Spell an ARN's partition as `reading.canonical` does: a stack and all that it reaches share one."""
    return re.sub("^arn:[^:]+:", "arn:${AWS::Partition}:", arn)


def requirement(question: Question, statement: Statement) -> str:
    """Return what has to be true for the statement to speak of the request, "" if it does in any case."""
    needed, here_ = [], here(question, statement)
    unconditional = here_._replace(effect="Allow", condition=ALWAYS)
    if question.resource and decide(question, [unconditional]).allowed is None:
        patterns = here_.resources or here_.not_resources
        partition = question.resource.split(":")[1]
        values = import_values(patterns, symbolic(question.resource))
        exports = [f"the export {name} is {value.replace('${AWS::Partition}', partition)}" for name, value in values]
        needed.append(" or ".join(exports) or f"{question.resource} is among {', '.join(patterns)}")
    return " and ".join([*needed, *filter(None, [spelled_condition(statement.condition)])])


def import_values(patterns: Iterable[str], resource: str) -> list[tuple[str, str]]:
    """Return the exports in patterns, each with a value that makes its pattern match; a pattern has one, or is left out.

    Only the name of a parameter has slashes, and nothing follows it: a bucket ends where the key of an object begins.
    """
    found = []
    for split in map(IMPORT.split, patterns):
        if len(split) == 3:  # noqa: PLR2004 - before, export, after
            before, after = ("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in part) for part in split[::2])
            starts = [i for i in range(len(resource)) if re.fullmatch(before, resource[:i])]
            ends = [i for i in range(1, len(resource) + 1) if re.fullmatch(after, resource[i:])]
            found += [(split[1], resource[start:end]) for start in starts for end in ends if start < end]
    found = [(name, value) for name, value in dict.fromkeys(found) if "*" not in value]
    return [(name, value) for name, value in found if "/" not in value] or found


# --- what would allow it --------------------


def advise(project: Project, question: Question, before: list[Statement]) -> Iterator[str]:
    """Yield what to write into services.yml so that it is allowed, and what that grants."""
    best = smallest(project, question, before)
    if not best:
        yield "no level that ships allows it: that takes a partial of its own, policies/<aws-service>/<level>.yml.j2"
        return
    if best.grant.target == NEW:
        best = best._replace(
            grant=best.grant._replace(target=name_for(best.grant, project.targets(question.environment.name)))
        )
        found_by = ", ".join(f"{key}: {json.dumps(value)}" for key, value in (best.grant.found_by or {}).items())
        yield f"add below `targets:`, services.yml:{project.table.document.line(('targets',))}; if a stack exports it, by import:"
        yield f"  {best.grant.target}: {{{found_by}}}"
    yield from entry(project, question, best)
    conditions = {requirement(question, s) for s in decide(question, best.statements).statements} - {""}
    yield from (f"it allows {question.action} if {condition}" for condition in sorted(conditions))
    others = len(set(added(best)) - {question.action})
    yield f"it grants {question.action} and {number(others, 'other action') if others else 'nothing else'}:"
    groups: dict[tuple[str, ...], list[str]] = {}
    for change in best.changes:
        resources = {resource for rule in change.after - change.before for resource in rule.resources}
        groups.setdefault(tuple(sorted(resources)), []).append(change.action)
    for on, actions in groups.items():
        for level, some in by_access_level(real(actions)).items():
            yield f"  {level}: {enumerate_text(some)} on {', '.join(on)}"
    yield from (f"  ! {mark.text}" for mark in marks(best.changes, before, before + best.statements, ""))


def smallest(project: Project, question: Question, before: list[Statement]) -> Proposal | None:
    """Return the smallest grant that allows what `before` does not; a known target before a new one.

    Smallest is the fewest actions that do more than read, then the fewest.

    Of several targets the one whose name is most like the resource's wins: what their exports hold is not known here.
    """
    found: list[tuple[tuple[Any, ...], Proposal]] = []
    for aws_service, grant in candidates(project, question):
        statements = statements_of_grant(project, question, aws_service, grant)
        allowed = decide(question, statements).allowed
        changes = [c for c in compare(before, before + statements) if c.kind in GROWS]
        if allowed is not False and question.action.lower() in {change.action.lower() for change in changes}:
            proposal = Proposal(aws_service, grant, statements, changes)
            by, name = next(iter((grant.found_by or {}).items()), ("", ""))
            likeness = difflib.SequenceMatcher(None, name, question.resource).ratio()
            # What follows on a key does not count, or a new target without one would be less than the known one.
            own = [action for action in added(proposal) if aws_service == KMS or not action.startswith(f"{KMS}:")]
            size = (
                sum(access_level(action) not in ("Read", "List") for action in own),
                len(own),
                grant.target == NEW,
                not allowed,
                by == "arn",
                -likeness,
                aws_service,
                grant.level,
            )
            found.append((size, proposal))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def added(proposal: Proposal) -> tuple[str, ...]:
    """Return the existing actions that a proposal grants anew, or on more than before."""
    return real(change.action for change in proposal.changes)


def candidates(project: Project, question: Question) -> Iterator[tuple[str, Grant]]:
    """Yield the grants worth a try: each level that has the action, on every target of its kind and on new ones."""
    granted = [p for service in project.table.services.values() for p in service.policies.values()]
    used = {(name, g.target, g.level) for policies in granted for name, grants in policies.items() for g in grants}
    for aws_service, levels in project.levels.items():
        takes_target = {name: level.takes_target for name, level in levels.items()}
        needed = {
            name: tuple((each, UNKNOWN) for each in level.options if each in level.required)
            for name, level in levels.items()
        }
        probes = [{"import": NEW}, {"name": f"{NEW}/"}]  # a path may be granted more than a name
        found = {
            level: [
                statement
                for probe in (probes if takes else [None])
                for statement in statements_of_grant(
                    project, question, aws_service, Grant(level, probe and NEW, probe, needed[level])
                )
            ]
            for level, takes in takes_target.items()
        }
        for level, statements in found.items():
            if decide(question._replace(resource=""), statements).allowed is False:
                continue
            if not takes_target[level]:
                yield aws_service, Grant(level, None, None, needed[level])
                continue
            alike = [other for other in levels if kinds(found[other]) & kinds(statements)]
            for name, found_by in project.targets(question.environment.name).items():
                if any((aws_service, name, other) in used for other in alike):
                    yield aws_service, Grant(level, name, found_by, needed[level])
            yield from (
                (aws_service, Grant(level, NEW, each, needed[level])) for each in new_targets(question, statements)
            )


def kinds(statements: list[Statement]) -> set[str]:
    """Return what stands before a target's name in its ARNs: what kind of thing the target is."""
    patterns = {pattern for statement in statements for pattern in statement.resources}
    return {pattern.partition("${import ")[0] for pattern in patterns if "${import " in pattern}


def new_targets(question: Question, statements: list[Statement]) -> Iterator[dict[str, str]]:
    """Yield the targets that would be the resource, from what a level grants on the export NEW."""
    if not question.resource:
        yield from ({"name": UNKNOWN}, {"name": f"{UNKNOWN}/"})
    elif question.resource != "*" and re.fullmatch("[!-~]+", question.resource):
        resource = symbolic(question.resource)
        patterns = {pattern for statement in statements for pattern in here(question, statement).resources}
        values = {value for _, value in import_values(patterns, resource)}
        yield from ({"arn": value} for value in values if value.startswith("arn:"))
        yield from ({"name": value + end} for value in values if not value.startswith("arn:") for end in ("", "/"))
        yield {"arn": resource}


def name_for(grant: Grant, taken: dict[str, Any]) -> str:
    """Return a name for a new target, which no other has."""
    (last,) = (re.split("[:/]", value.rstrip("/"))[-1] for value in (grant.found_by or {}).values())
    name = re.sub("[^a-z0-9]+", "-", last.lower()).strip("-0123456789") or "everything"
    return name if name not in taken else next(n for i in range(2, 10**4) if (n := f"{name}-{i}") not in taken)


def entry(project: Project, question: Question, best: Proposal) -> Iterator[str]:
    """Yield the policy of services.yml with the grant added where it is asked for; all else that it grants stays."""
    name, environment, line = question.service.name, question.environment.name, project.table.document.line
    targets = project.targets(environment)
    policies = project.table.document.data["services"][name]["policies"]
    policy = policies.get(best.aws_service, "none")
    keys: dict[str, str] = {}
    for below, environments, grants in parts(policy, project.table.document.data["environments"]):
        old = [
            Grant(level, target, targets.get(str(target)), tuple(options.items()))
            for _, level, target, options in grants
        ]
        key = str(below[0]) if below else "default"
        if environment in environments:
            kept = [grant for grant in old if not contains(project, question, best, grant)]
            keys[environment if len(environments) > 1 else key] = spelled([*kept, best.grant])
        if environments != [environment]:
            keys[key] = spelled(old)
    where = ("services", name, "policies")
    if best.aws_service in policies:
        yield f"write into services.yml:{line((*where, best.aws_service))}, in place of the policy on {best.aws_service}:"
    else:
        yield f"add to the policies of {name}, services.yml:{line(where)}:"
    text = ", ".join(f"{key}: {grants}" for key, grants in keys.items())
    yield f"      {best.aws_service}: {keys['default'] if list(keys) == ['default'] else f'{{{text}}}'}"


def contains(project: Project, question: Question, best: Proposal, grant: Grant) -> bool:
    """Tell whether the proposed grant allows all that an existing one does."""
    more = statements_of_grant(project, question, best.aws_service, grant)
    return not compare(best.statements, best.statements + more)


def spelled(grants: list[Grant]) -> str:
    """Spell the grants of an environment as services.yml does."""
    texts = [spelled_grant(grant) for grant in grants]
    return "none" if not texts else texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def spelled_grant(grant: Grant) -> str:
    """Spell one grant as services.yml does."""
    if not grant.options:
        return f"{{{grant.level}: {grant.target}}}" if grant.target else grant.level
    inner = [f"target: {grant.target}"] if grant.target else []
    inner += [f"{name}: {value if PLAIN.fullmatch(value) else json.dumps(value)}" for name, value in grant.options]
    return f"{{{grant.level}: {{{', '.join(inner)}}}}}"

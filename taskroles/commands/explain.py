"""Say whether a task role may do something, why, and what to write into services.yml so that it may.

  taskroles explain --service orders --environment live --action sqs:SendMessage [--resource ARN]
  taskroles explain --error MESSAGE      AWS's own words, whole: "User: ... is not authorized to perform: ..."

It answers from out/, which is what deploys, and leads from there to the partial and the line of services.yml.
Exit codes: 0 answered, 2 wrong usage or bad input.
"""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING

from taskroles.access.actions import expand
from taskroles.access.patterns import is_wildcard
from taskroles.documents import decoded
from taskroles.faults import BadInput, listed, nearest, printable
from taskroles.proposals import grants as proposals
from taskroles.proposals.grants import Project, Question, decide, rendered, requirement, statements_of
from taskroles.rendering.environments import path_of
from taskroles.rendering.partials import partial_path
from taskroles.rendering.sandbox import limited
from taskroles.table.keys import KMS
from taskroles.table.policies import Grant, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from taskroles.access.reading import Statement
    from taskroles.table.grammar import Table

EXAMPLE = "'User: arn:aws:sts::...:assumed-role/... is not authorized to perform: sqs:SendMessage on resource: ...'"

# The wordings: "Troubleshoot access denied error messages" in the IAM User Guide, and what the services really say:
# S3 puts the resource in quotes, many leave it out, SQS and S3 may name neither the action nor a policy.
ACTION = re.compile(r"not authorized to perform:? (?P<action>[\w-]+:\w+)")
OPERATION = re.compile(r"when calling the (?P<name>\w+) operation")
RESOURCE = re.compile(r"on resource: (?:\"(?P<quoted>[^\"]+)\"|(?P<plain>\*|arn:\S*[^\s.,;)]))")
QUEUE = re.compile(r"https://sqs\.(?P<region>[\w-]+)\.amazonaws\.com/(?P<account>\d{12})/(?P<name>[\w.-]*[\w-])")
ROLE = re.compile(r"arn:[\w-]+:(?:sts|iam)::(?P<account>\d{12}):(?:assumed-role/|role/(?:\S+/)?)(?P<name>[\w+=,.@-]+)")
DENY = re.compile(r"with an explicit deny(?: in (?P<policy>an? [\w -]+?(?:policy|boundary)))?")
MISSING = re.compile(r"because no (?P<policy>[\w -]+?) allows")


def ask(project: Project, options: argparse.Namespace) -> Question:
    """Return what the command line asks; what it leaves open is taken from AWS's message. Raise BadInput."""
    message = " ".join(options.error.split())
    if message and not (ACTION.search(message) or OPERATION.search(message)):
        raise BadInput([f"ERROR is no denial of AWS, as in {EXAMPLE}"])
    role, queue, on = ROLE.search(message), QUEUE.search(message), RESOURCE.search(message)
    service, environment, table = options.service, options.environment, project.table
    if role:
        told_service, told_environment = told_by(role["name"], role["account"], table)
        service, environment = service or told_service, environment or told_environment
    whose = f"; the role {role['name']} does not tell" if role else ""
    faults = [
        *unknown("SERVICE", service, table.services, whose),
        *unknown("ENV", environment, table.environments, whose),
    ]
    action = options.action or action_of(project, message)
    existing = expand(action)
    if len(existing) != 1 or is_wildcard(action):
        known = expand(action.partition(":")[0] + ":*") or expand("*")
        near = nearest(action, sorted(known)) or ", as in sqs:SendMessage"
        faults.append(f"ACTION={action}: no such action{near}" if action else f"ACTION is missing, or ERROR={EXAMPLE}")
    resource = options.resource or ((on["quoted"] or on["plain"]) if on else "")
    if options.resource and not re.fullmatch(r"\*|arn:[^:]+:[^:]+:[^:]*:[^:]*:.+", resource):
        faults.append(f"RESOURCE={resource} is neither * nor an ARN, as in arn:aws:sqs:eu-west-1:123456789012:orders")
    if queue and not resource:
        resource = f"arn:aws:sqs:{queue['region']}:{queue['account']}:{queue['name']}"
    if faults:
        raise BadInput(faults)
    found = DENY.search(message) or MISSING.search(message)
    reason = (found[0] if found else "") if message else None
    account = role["account"] if role else ""
    return Question(table.services[service], table.environments[environment], min(existing), resource, account, reason)


def unknown(option: str, given: str, allowed: Iterable[str], whose: str) -> Iterator[str]:
    """Yield what is wrong with an option that is not one of those allowed."""
    if not given:
        yield f"{option} is missing{whose}; give one of {', '.join(allowed)}"
    elif given not in allowed:
        yield f"{option}={given} is none of {listed(allowed, given)}"


def action_of(project: Project, message: str) -> str:
    """Return the action that a message is about: it names it, or an operation that one action is named after."""
    if found := ACTION.search(message):
        return found["action"]
    if found := OPERATION.search(message):
        return only(a for p in project.levels for a in expand(f"{p}:{found['name']}"))
    return ""


def only(found: Iterable[str]) -> str:
    """Return what was found if it is one, else ""."""
    few = list(found)
    return few[0] if len(few) == 1 else ""


def told_by(role: str, account: str, table: Table) -> tuple[str, str]:
    """Return the service and the environment that a role's name and account tell, "" for what they do not."""
    there = [each for each in table.environments.values() if each.account in (None, account)]
    named = [
        (service.name, each.name)
        for service in table.services.values()
        for each in there
        if service.task_role.by == "name" and with_values(service.task_role.text, each.parameters) == role
    ]
    exported = {name: each.task_role.text for name, each in table.services.items() if each.task_role.by == "export"}
    like = {name: letters(text) for name, text in exported.items() if is_named_after(role, text)}
    service = only({service for service, _ in named}) if named else longest(like)
    candidates = {name for _, name in named} or {each.name for each in there}
    said = longest({name: letters(name) for name in table.environments if holds_words(role, name)})
    environment = said if said in candidates else ""
    if named or not said:
        environment = only(candidates) or environment
    return service, environment


def with_values(text: str, parameters: Mapping[str, str]) -> str:
    """Return a text with the values of parameters in place of their names."""
    return re.sub(r"\$\{(\w+)\}", lambda name: parameters.get(name[1], name[0]), text)


def longest(found: dict[str, str]) -> str:
    """Return the one name whose letters hold those of all others, "" if there is none."""
    return only(name for name, text in found.items() if all(other in text for other in found.values()))


def letters(text: str) -> str:
    """Return the letters and digits of a text, but for its parameters."""
    return re.sub(r"\W", "", re.sub(r"\$\{[^}]*\}", "", text)).lower()


def is_named_after(role: str, export: str) -> bool:
    """Tell whether a role's name holds the words of the export that stands for it, as STACK-LOGICALID-RANDOM does."""
    parts = [letters(part) for part in re.split(r"\$\{[^}]*\}", export)]
    return any(parts) and all(part in letters(role) for part in parts)


def holds_words(name: str, other: str) -> bool:
    """Tell whether the words of one name hold those of another, one behind the other."""
    whole, part = words(name), words(other)
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def words(name: str) -> list[str]:
    """Split a name at hyphens and capitals."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])", name)]


# --- the answer --------------------


def explain(project: Project, question: Question) -> Iterator[str]:
    """Yield the lines of the answer."""
    path, environment = path_of(question.service, question.environment), question.environment.name
    text = ""
    if os.path.exists(path):
        with open(path, "rb") as file:
            text = decoded(file.read(), path)
    statements = statements_of(text, question)
    allowed, was_denied = decide(question, statements).allowed, question.reason is not None
    yield from verdict(project, question, statements)
    if text != rendered(project, question, question.service.policies[environment]):
        yield f"{path} is not what services.yml says now: run make render, then ask again"
    elif other := blocker(question.reason or ""):
        yield f"services.yml cannot solve it: {other}"
    elif was_denied and allowed:
        yield (
            f"AWS denies it all the same: it is not deployed yet (make drift ENV={environment} shows it, make deploy "
            f"ENV={environment} does it), or a permissions boundary, a session policy or an SCP forbids it"
        )
    elif was_denied and allowed is None and not question.resource:
        yield "AWS does not say on which resource it denied it; ask again with RESOURCE=arn:..."
    elif allowed is False or (was_denied and allowed is None):
        if allowed is None:
            yield f"if that is so, it is not deployed yet (make drift ENV={environment} shows it); if not:"
        yield from proposals.advise(project, question, statements)


def blocker(reason: str) -> str:
    """Return what stands in the way that services.yml does not write, "" if nothing that AWS's message names."""
    if found := DENY.search(reason):
        return f"an explicit deny in {found['policy'] or 'a policy that AWS does not name'} wins over every Allow"
    found = MISSING.search(reason)
    return f"a {found['policy']} would have to allow it" if found and found["policy"] != "identity-based policy" else ""


def verdict(project: Project, question: Question, statements: list[Statement]) -> Iterator[str]:
    """Yield the answer and the statements that it comes from."""
    decision, asked = decide(question, statements), question.resource
    some = not asked and decision.allowed is None
    word = {True: "allowed", False: "denied", None: "allowed on some resources" if some else "it depends"}
    told = f"{question.action} for {question.service.name} in {question.environment.name}" + (
        f" on {asked}" if asked else ""
    )
    yield f"{word[decision.allowed]}: {told}"
    path = path_of(question.service, question.environment)
    if not decision.statements:
        yield f"  no statement of {path} allows it" if statements else f"  there is no {path}: it may do nothing"
    for found in decision.statements:
        statement = next(s for s in statements if (s.line, s.logical_id) == (found.line, found.logical_id))
        effect = "allowed" if statement.effect == "Allow" else "denied"
        on = ", ".join(statement.resources) or f"all but {', '.join(statement.not_resources)}"
        if needed := requirement(question, statement):
            yield f"  {effect} if {needed}"
        yield f"  {effect} on {on}"
        yield f"    by {statement.path}:{statement.line}, {statement.logical_id}"
        yield from (f"    from {place}" for place in origins(project, question, statement))
    if asked and decision.allowed is False and not decision.statements:
        elsewhere = decide(question._replace(resource=""), statements)
        yield from (f"  it may on {on}, {s.path}:{s.line}" for s in elsewhere.statements for on in s.resources)


def origins(project: Project, question: Question, statement: Statement) -> Iterator[str]:
    """Yield the partial and the line of services.yml that write such a statement into such a policy."""
    for line, aws_service, grant in granted(project, question):
        alike = statements_of(rendered(project, question, {aws_service: (grant,)}), question)
        if statement._replace(line=0) in [each._replace(line=0) for each in alike]:
            target = f" {grant.target}" if grant.target else ""
            because = f", for {grant.because}" if grant.because else ""
            yield f"{partial_path(aws_service, grant.level)}, services.yml:{line}: {grant.level}{target}{because}"


def granted(project: Project, question: Question) -> Iterator[tuple[int, str, Grant]]:
    """Yield the grants of the service in the environment, with their lines of services.yml."""
    data, targets = project.table.document.data, project.targets(question.environment.name)
    for aws_service, policy in data["services"][question.service.name]["policies"].items():
        for part in parts(policy, data["environments"]):
            for below, level, target, options in part.grants if question.environment.name in part.environments else ():
                line = project.table.document.line(("services", question.service.name, "policies", aws_service, *below))
                grant = Grant(level, target, targets.get(str(target)), tuple(options.items()))
                yield line, aws_service, grant
                if needed := project.on_key(aws_service, grant, question.environment.name):
                    yield line, KMS, needed


def main(argv: list[str]) -> int:
    """Answer the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        "taskroles explain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("service", "environment", "action", "resource", "error"):
        parser.add_argument(f"--{name}", default="", help="empty means not given")
    options = parser.parse_args(argv)
    with limited():  # what it tries are partials, which may be anybody's
        project = proposals.load()
        said = [*explain(project, ask(project, options))]
    print(*map(printable, said), sep="\n")
    return 0

"""The rules that statements and templates must keep: the grammar of IAM policies, and AWS's quotas. Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from services import listed, yaml_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

Fault = tuple[int, str]  # a line, counted from 0, and what is wrong with it

# The quotas: "IAM and AWS STS quotas" and "CloudFormation quotas" in AWS's documentation.
MOST_CHARACTERS = 10_240  # of the inline policies of a role, white space not counted
MOST_BYTES = 51_200  # of a template
MOST_RESOURCES = 500  # of a template
LONGEST_NAME = 128  # of a policy, and of a stack

DEEPEST = 100  # levels of YAML
SAFE_TO_COMPOSE = 10_000  # characters: PyYAML recurses in C, and some 25,000 levels end the process

# How long a pseudo parameter becomes at most. What an import becomes, CloudFormation alone knows.
PSEUDO_PARAMETERS = {"AWS::AccountId": 12, "AWS::Partition": 10, "AWS::Region": 14, "AWS::URLSuffix": 16}
IMPORT_CHARACTERS = 64
DOCUMENT_CHARACTERS = len('{"Version":"2012-10-17","Statement":}')

STATEMENT_KEYS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
READS = re.compile(r"(Batch|PartiQL|Condition)?(Check|Describe|Get|List|Lookup|Query|Receive|Scan|Search|Select|View)")
RESOURCE = re.compile(r"\*|(arn:|\$\{).+")


def parse(text: str) -> yaml.Node | Fault:
    """Return the YAML node of `text`, or the line (from 0) and the description of what is wrong with it."""
    try:
        if len(text) > SAFE_TO_COMPOSE and (line := too_deep(text)) is not None:
            return line, f"is nested more than {DEEPEST} levels deep"
        return yaml.CBaseLoader(text).get_single_node()
    except yaml.YAMLError as error:
        line, problem = yaml_fault(error, text)
        return line, f"the output is not YAML: {problem}"


def too_deep(text: str) -> int | None:
    """Return the first line (from 0) of YAML that is nested more than DEEPEST levels deep."""
    depth = 0
    for event in yaml.parse(text, yaml.CBaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return event.start_mark.line
    return None


def check_statements(text: str) -> tuple[list[Fault], int, str]:
    """Return what is wrong with a list of policy statements, its characters in IAM, and the kind of access it gives.

    The grammar is that of "IAM JSON policy elements reference" in AWS's documentation.
    """
    node = parse(text)
    if isinstance(node, tuple):
        return [node], 0, ""
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        return [(0, "a partial is a list of policy statements, each starting with `- Effect:`")], 0, ""
    if "&" in text and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CBaseLoader)):
        return [(0, "CloudFormation takes no YAML aliases (*name); write it out")], 0, ""
    faults = [fault for statement in node.value for fault in faults_of_statement(statement)]
    return (faults, 0, "") if faults else ([], characters(node), kind(node))


def faults_of_statement(statement: yaml.Node) -> Iterator[Fault]:
    """Yield what is wrong with one policy statement."""
    line = statement.start_mark.line
    if not isinstance(statement, yaml.MappingNode):
        yield line, "a policy statement is a mapping with Effect, Action and Resource"
        return
    elements = {}
    for key, value in statement.value:
        if key.value not in STATEMENT_KEYS:
            yield (
                key.start_mark.line,
                f"unknown element {key.value!r} in a policy statement; allowed: {listed(STATEMENT_KEYS, str(key.value))}",
            )
        if key.value in elements:
            yield key.start_mark.line, f"a second {key.value} in one policy statement"
        elements[str(key.value)] = value
    for wanted in (("Effect",), ("Action", "NotAction"), ("Resource", "NotResource")):
        if not any(key in elements for key in wanted):
            yield line, f"a policy statement without {' or '.join(wanted)}"
    if "Effect" in elements and elements["Effect"].value not in ("Allow", "Deny"):
        yield elements["Effect"].start_mark.line, "Effect is Allow or Deny"
    for key in ("Action", "NotAction", "Resource", "NotResource"):
        if key in elements:
            yield from faults_of_values(key, elements[key])


def faults_of_values(key: str, node: yaml.Node) -> Iterator[Fault]:
    """Yield what is wrong with the actions or resources `node` of a statement's element `key`."""
    pattern, wanted = (ACTION, "an action, such as sqs:SendMessage") if "Action" in key else (RESOURCE, "an ARN or *")
    values = node.value if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq") else [node]
    if not values:
        yield node.start_mark.line, f"{key} is empty"
    for value in values:
        if isinstance(value, yaml.ScalarNode):
            if not pattern.fullmatch(value.value):
                yield value.start_mark.line, f"{key}: {value.value!r} is not {wanted}"
        elif "Action" in key:
            yield value.start_mark.line, f"{key} holds something that is not {wanted}"


def template_faults(text: str, environment: str, names: list[str]) -> list[Fault]:
    """Return what is wrong with a template whose policies `names` hold placeholders for their statements."""
    root = parse(text)
    if isinstance(root, tuple):
        return [root]
    resources = find(root, "Resources")
    if not isinstance(resources, yaml.MappingNode):
        return [(0, "the template has no Resources")]
    faults = []
    if len(resources.value) > MOST_RESOURCES:
        faults.append(
            (resources.start_mark.line, f"{len(resources.value)} resources; CloudFormation allows {MOST_RESOURCES}")
        )
    placed = set()
    for key, resource in resources.value:
        policy_name = find(resource, "Properties", "PolicyName")
        statements = find(resource, "Properties", "PolicyDocument", "Statement")
        if policy_name is None or statements is None:
            faults.append((key.start_mark.line, f"{key.value} has no PolicyName or no PolicyDocument with a Statement"))
            continue
        name = str(policy_name.value).replace("${EnvType}", environment)
        if len(name) > LONGEST_NAME:
            text = f"the policy name {name} has {len(name)} characters; IAM allows {LONGEST_NAME}"
            faults.append((policy_name.start_mark.line, text))
        placed.update(str(item.value) for item in statements.value)
    faults += [
        (0, f"the template leaves out the statements of {name}")
        for name in names
        if f"statements of {name}" not in placed
    ]
    return faults


def find(node: yaml.Node | None, *keys: str) -> yaml.Node | None:
    """Return the node below `node` at `keys`, or None."""
    for wanted in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if key.value == wanted), None)
    return node


def kind(statements: yaml.Node) -> str:
    """Return the kind of access that sound statements give: `full` with a wildcard, else `read` or `write`.

    An action that reads is told by its verb, as AWS names them; "Actions, resources, and condition keys" of the
    "Service Authorization Reference" holds the access level of each.
    """
    nodes = [find(statement, "Action") or find(statement, "NotAction") for statement in statements.value]
    values = [value for node in nodes for value in (node.value if isinstance(node, yaml.SequenceNode) else [node])]
    actions = [value.value.split(":")[-1] for value in values]
    if any("*" in action for action in actions):
        return "full"
    return "read" if all(READS.match(action) for action in actions) else "write"


def characters(node: yaml.Node) -> int:
    """Return the characters of `node` as JSON without white space; an intrinsic function counts as what it becomes."""
    if isinstance(node, yaml.MappingNode):
        name, value = (node.value[0][0].value, node.value[0][1]) if len(node.value) == 1 else ("", None)
        if name == "Fn::ImportValue":
            return IMPORT_CHARACTERS + 2
        if name == "Fn::Join" and isinstance(value, yaml.SequenceNode):
            parts = value.value[-1].value if value.value else ""
            return 2 + sum(characters(part) - 2 for part in parts if isinstance(part, yaml.Node))
        return 1 + sum(characters(key) + 1 + characters(value) + 1 for key, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        if node.tag == "!Sub" and node.value:
            return characters(node.value[0]) + IMPORT_CHARACTERS
        return 1 + sum(characters(item) + 1 for item in node.value)
    text = re.sub(r"\$\{([^}]*)\}", lambda found: "x" * PSEUDO_PARAMETERS.get(found[1], 0), node.value)
    return len(text) + 2

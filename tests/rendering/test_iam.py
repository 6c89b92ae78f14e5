"""The grammar of IAM policies and AWS's quotas: what is said of statements, and of templates that hold too much."""

from __future__ import annotations

import pytest

from taskroles.rendering.iam import FUNCTIONS, check_statements, kind

PARAMETERS = {"EnvType": 4, "Stack": 10}
KEYS = "Sid, Effect, Action, NotAction, Resource, NotResource, Condition"
PSEUDO = "AWS::AccountId, AWS::Partition, AWS::Region, AWS::URLSuffix, EnvType, Stack"
HEAD = '- Effect: Allow\n  Action: "sqs:*"\n'
NO_FUNCTION = "CloudFormation has no function {}; it has " + ", ".join(FUNCTIONS)

STATEMENTS = {
    "no YAML": ('- Effect: Allow\n  Action: "sqs:*\n  Resource: "*"\n', ["3: the output is not YAML: did not find expected alphabetic or numeric character"]),
    "nesting": (HEAD + "  Resource:\n" + "- " * 30_000 + "a\n", ["4: is nested more than 100 levels deep"]),
    "no list": ("Effect: Allow\n", ["1: a partial is a list of policy statements, each starting with `- Effect:`"]),
    "nothing": ("", ["1: a partial is a list of policy statements, each starting with `- Effect:`"]),
    "no Effect": (HEAD + '  Resource: "*"\n- Action: "sqs:*"\n  Resource: "*"\n', ["4: a policy statement without Effect"]),
    "another Effect": ('- Effect: Alow\n  Action: "sqs:*"\n  Resource: "*"\n', ["1: Effect is Allow or Deny"]),
    "neither Action nor Resource": (
        "- Effect: Allow\n",
        ["1: a policy statement without Action or NotAction", "1: a policy statement without Resource or NotResource"],
    ),
    "both Action and NotAction": (HEAD + '  NotAction: "sqs:*"\n  Resource: "*"\n', ["1: a policy statement with both Action and NotAction"]),
    "an action one column too far to the right": (
        '- Effect: Allow\n  Action:\n    - sqs:SendMessage\n      - sqs:ReceiveMessage\n  Resource: "*"\n',
        ["3: Action: 'sqs:SendMessage - sqs:ReceiveMessage' is not an action, such as sqs:SendMessage"],
    ),
    "an element one column too far to the left": (
        '- Effect: Allow\n  Action:\n    - "sqs:*"\n Resource: "*"\n',
        ["4: the output is not YAML: did not find expected '-' indicator"],
    ),
    "an empty list of actions": ('- Effect: Allow\n  Action: []\n  Resource: "*"\n', ["2: Action is empty"]),
    "a function as an action": ('- Effect: Allow\n  Action: [{Ref: EnvType}, !Ref EnvType]\n  Resource: "*"\n', ["2: Action holds something that is not an action, such as sqs:SendMessage"] * 2),
    "a resource that is no ARN": (HEAD + "  Resource: queue\n", ["3: Resource: 'queue' is not an ARN or *"]),
    "a resource that is no function": (HEAD + "  Resource:\n    - F::Ref: x\n", ["4: Resource holds something that is not an ARN or *"]),
    "a misspelt element": (
        HEAD + '  Resorce: "*"\n',
        [
            "1: a policy statement without Resource or NotResource",
            f"3: unknown element 'Resorce' in a policy statement; allowed: {KEYS}. Did you mean 'Resource'?",
        ],
    ),
    "an element twice": (HEAD + '  Resource: "*"\n  Action: "sqs:*"\n', ["4: a second Action in one policy statement"]),
    "a key that is no text": (
        HEAD + '  Resource: "*"\n  ? [a]\n  : b\n',
        [f"4: unknown element 'a key that is no text' in a policy statement; allowed: {KEYS}"],
    ),
    "a statement that is none": (HEAD + '  Resource: "*"\n- a\n', ["4: a policy statement is a mapping with Effect, Action and Resource"]),
    "the end of a document": (HEAD + '  Resource: "*"\n...\n', ["4: ... begins or ends a YAML document; leave it out"]),
    "an alias": (HEAD + "  Resource: [&a 'arn:a', *a]\n", ["1: CloudFormation takes no YAML aliases (*name); write it out"]),
    "a name that nothing stands for": (
        HEAD + '  Resource:\n    - !Sub\n      - "arn:${Name}"\n      - {Nam: x}\n',
        [
            "4: nothing is called ${Name}; add it below `parameters:` in services.yml, or use one of Nam, "
            f"{PSEUDO}. Did you mean 'Nam'?"
        ],
    ),
    "such a name in the long form": (
        HEAD + '  Resource:\n    Fn::Sub: "arn:${VPCName}"\n',
        [f"4: nothing is called ${{VPCName}}; add it below `parameters:` in services.yml, or use one of {PSEUDO}"],
    ),
    "what is put in for a name": (
        HEAD + '  Resource:\n    - !Sub\n      - "arn:${A}"\n      - A:\n          Fn:Import: x\n',
        ["7: what !Sub puts in for A is neither text nor a function"],
    ),
    "misspelt functions": (
        HEAD + '  Resource:\n    - !Subb "arn:a"\n    - Fn::Jion: [a]\n    - !!python/x arn:y\n    - !Fn::Sub "arn:a"\n',
        [
            f"4: {NO_FUNCTION.format('!Subb')}. Did you mean 'Sub'?",
            f"5: {NO_FUNCTION.format('Fn::Jion')}. Did you mean 'Join'?",
            f"6: {NO_FUNCTION.format('tag:yaml.org,2002:python/x')}",
            f"7: {NO_FUNCTION.format('!Fn::Sub')}. Did you mean 'Sub'?",
        ],
    ),
    "faults of several kinds, in the order of lines": (
        '- Effect: Allow\n  Action: sqs\n  Resource: !Xyzzy a\n- Effect: Maybe\n  Action: "sqs:*"\n  Resource: !Sub "${X}"\n',
        [
            "2: Action: 'sqs' is not an action, such as sqs:SendMessage",
            f"3: {NO_FUNCTION.format('!Xyzzy')}",
            "4: Effect is Allow or Deny",
            f"6: nothing is called ${{X}}; add it below `parameters:` in services.yml, or use one of {PSEUDO}",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STATEMENTS)
def test_statements_with(case: str) -> None:
    text, expected = STATEMENTS[case]
    checked = check_statements(text, PARAMETERS)
    assert [f"{line + 1}: {fault}" for line, fault in checked.faults] == expected
    assert checked[1:] == (0, frozenset())


SOUND = {
    "text alone": (HEAD + '  Resource: "*"\n', '{"Effect":"Allow","Action":"sqs:*","Resource":"*"}', "full", set()),
    "reading": ('- {Effect: Allow, Action: [sqs:GetQueueUrl], Resource: "*"}\n', '{"Effect":"Allow","Action":["sqs:GetQueueUrl"],"Resource":"*"}', "read", set()),
    "writing": ('- {Effect: Allow, Action: sqs:SendMessage, Resource: "*"}\n', '{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}', "write", set()),
    "all but": ('- {Effect: Allow, NotAction: sqs:GetQueueUrl, Resource: "*"}\n', '{"Effect":"Allow","NotAction":"sqs:GetQueueUrl","Resource":"*"}', "full", set()),
    "a parameter": (
        '- {Effect: Deny, Action: "sqs:*", Resource: !Sub "arn:${Stack}"}\n',
        '{"Effect":"Deny","Action":"sqs:*","Resource":"arn:xxxxxxxxxx"}',
        "read",
        {"Stack"},
    ),
    "an import": (
        '- {Effect: Deny, Action: "sqs:*", Resource: {Fn::ImportValue: !Sub "${Stack}-${EnvType}"}}\n',
        '{"Effect":"Deny","Action":"sqs:*","Resource":"' + "x" * 64 + '"}',
        "read",
        {"Stack", "EnvType"},
    ),
    "functions in their short form": (
        '- {Effect: Deny, Action: "sqs:*", Resource: [!ImportValue a, !Ref Stack]}\n',
        '{"Effect":"Deny","Action":"sqs:*","Resource":["' + "x" * 64 + '","xxxxxxxxxx"]}',
        "read",
        {"Stack"},
    ),
    "joined imports": (
        '- {Effect: Deny, Action: "sqs:*", Resource: {Fn::Join: ["", [{Fn::ImportValue: a}, /*]]}}\n',
        '{"Effect":"Deny","Action":"sqs:*","Resource":"' + "x" * 64 + '/*"}',
        "read",
        set(),
    ),
    "a name of its own, called as a parameter": (
        '- {Effect: Deny, Action: "sqs:*", Resource: !Sub ["arn:${Stack}${AWS::Region}", {Stack: {Ref: EnvType}}]}\n',
        '{"Effect":"Deny","Action":"sqs:*","Resource":"arn:' + "x" * (10 + 14 + 64) + '"}',
        "read",
        {"AWS::Region", "EnvType"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SOUND)
def test_statements_of(case: str) -> None:
    text, as_json, expected, references = SOUND[case]
    assert check_statements(text, PARAMETERS) == ([], len(f"[{as_json}]"), references)
    assert kind(text) == expected

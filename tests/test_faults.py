"""What render.py says when its input is wrong: the place, what is allowed, the nearest name; and nothing is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import checks
import pytest

if TYPE_CHECKING:
    from project import Project

TOP = "environments: [Dev, Production]\n"
ROLE = 'task_role: "${VPCName}-Role-${EnvType}"'

SERVICES_YML = {
    "a misspelt key": (
        TOP + "servces: {}\n",
        [
            "services.yml:1: lacks 'services'; needed: environments, services",
            "services.yml:2: unknown key 'servces'; allowed: environments, targets, services. Did you mean 'services'?",
        ],
    ),
    "a misspelt level": (
        TOP + f"services:\n  a:\n    {ROLE}\n    policies:\n      sqs: {{Dev: ful, default: none}}\n",
        ["services.yml:6: sqs: no level is called 'ful'; levels: full. Did you mean 'full'?"],
    ),
    "a misspelt AWS service": (
        TOP + f"services:\n  a:\n    {ROLE}\n    policies:\n      dynamdb: full\n",
        [
            "services.yml:6: no folder policies/dynamdb/; AWS services: cloudformation, dynamodb, elasticache, rds, s3, sqs, ssm."
            " Did you mean 'dynamodb'?"
        ],
    ),
    "a misspelt environment": (
        TOP + f"services:\n  a:\n    {ROLE}\n    policies:\n      sqs:\n        Dev: full\n        Prodution: full\n",
        [
            "services.yml:6: sqs says nothing for Production; add `default`, or `default: none` for no access",
            "services.yml:8: no environment is called 'Prodution'; allowed: Dev, Production, default. Did you mean 'Production'?",
        ],
    ),
    "a misspelt target and one that is not used": (
        TOP
        + f"targets:\n  bucket: {{name: files}}\nservices:\n  a:\n    {ROLE}\n    policies: {{s3: {{full: buckt}}}}\n",
        [
            "services.yml:3: no grant uses the target 'bucket'; use it or remove it",
            "services.yml:7: s3: no target is called 'buckt'; targets: bucket. Did you mean 'bucket'?",
        ],
    ),
    "a level that lacks its target": (
        TOP + f"services:\n  a: {{{ROLE}, policies: {{s3: full}}}}\n",
        ["services.yml:3: s3: full needs a target, as in {full: sample-queue}"],
    ),
    "a level that takes no target": (
        TOP + f"targets: {{q: {{name: q}}}}\nservices:\n  a: {{{ROLE}, policies: {{sqs: {{full: q}}}}}}\n",
        [
            "services.yml:4: sqs: full takes no target: policies/sqs/full.yml.j2 does not mention `target`; write it alone: full"
        ],
    ),
    "a grant with several targets": (
        TOP + f"services:\n  a:\n    {ROLE}\n    policies: {{s3: {{full: [b, c]}}}}\n",
        ["services.yml:5: s3: a grant has one target; several are a list of grants: [{full: a}, {full: b}]"],
    ),
    "none among grants": (
        TOP + f"services:\n  a: {{{ROLE}, policies: {{sqs: [none, full]}}}}\n",
        ["services.yml:3: sqs: `none` stands alone: it means no access"],
    ),
    "an ARN that is none": (
        TOP + f"targets: {{q: {{arn: foo}}}}\nservices:\n  a: {{{ROLE}, policies: {{sqs: {{send: q}}}}}}\n",
        ['services.yml:2: "foo" is not an ARN, whole, such as arn:aws:sqs:eu-west-1:123456789012:orders'],
    ),
    "a key that stands twice": (
        TOP + f"services:\n  a: {{{ROLE}, policies: {{sqs: full}}}}\n  a: {{{ROLE}, policies: {{sqs: full}}}}\n",
        ["services.yml:4: 'a' stands here a second time; keep one"],
    ),
    "an empty name of an environment": (
        TOP + f"services:\n  a: {{{ROLE}, policies: {{sqs: {{'': full, default: none}}}}}}\n",
        ["services.yml:3: no environment is called ''; allowed: Dev, Production, default"],
    ),
    "an alias": (
        TOP + f"services:\n  a: &a {{{ROLE}, policies: {{sqs: full}}}}\n  b: *a\n",
        [
            "services.yml:3: is used again through a YAML alias (*name); write it out where it is used, so that a review of that "
            "line sees all of it"
        ],
    ),
    "a parameter that the templates do not have": (
        TOP + 'services:\n  a:\n    task_role: "${VpcName}-Role"\n    policies: {sqs: full}\n',
        [
            "services.yml:4: nothing is called ${VpcName}; allowed: VPCName, EnvType, AWS::AccountId, AWS::Partition, AWS::Region, "
            "AWS::URLSuffix. Did you mean 'VPCName'?"
        ],
    ),
    "a name that leaves the tree": (
        "environments: [../Dev]\nservices:\n  ../../etc: {task_role: x, policies: {sqs: full}}\n",
        [
            'services.yml:1: "../Dev" is not the name of an environment: a capital letter, then letters and digits, such as Staging',
            "services.yml:3: '../../etc' is not a name: a small letter, then small letters, digits and hyphens, such as sample-queue",
        ],
    ),
    "environments that would share a stack": (
        f"environments: [Dev, DEV]\nservices:\n  a: {{{ROLE}, policies: {{sqs: full}}}}\n",
        ["services.yml:1: DEV and Dev would share a stack name, which is in small letters"],
    ),
    "not YAML": (TOP + "services: [\n", ["services.yml:3: not YAML: did not find expected node content"]),
    "empty": ("", ["services.yml:1: is empty; it needs `environments` and `services`"]),
}

PARTIAL = "policies/sqs/full.yml.j2"
FUNCTIONS = ", ".join(checks.FUNCTIONS)
PARTIALS = {
    "a syntax error": (
        {PARTIAL: "{# A comment\n   of two lines. #}\n- Effect: Allow\n{% if %}\n"},
        [f"{PARTIAL}:4: Expected an expression, got 'end of statement block'"],
    ),
    "an undefined variable": (
        {PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource: {{ queue }}\n'},
        [f"{PARTIAL}:3: 'queue' is undefined"],
    ),
    "a missing include": (
        {PARTIAL: '{# c #}\n{% include "policies/sqs/raed.yml.j2" %}\n', "policies/sqs/read.yml.j2": ""},
        [f"{PARTIAL}:2: there is no policies/sqs/raed.yml.j2. Did you mean 'policies/sqs/read.yml.j2'?"],
    ),
    "output that is not YAML": (
        {PARTIAL: '{# c #}\n- Effect: Allow\n  Action: "sqs:*\n  Resource: "*"\n'},
        [f"{PARTIAL}:4: the output is not YAML: did not find expected alphabetic or numeric character"],
    ),
    "half a character": (
        {PARTIAL: '{{ "\\ud83d" | safe }}\n'},
        [f"{PARTIAL}:1: 'utf-8' codec can't encode character '\\ud83d' in position 0: surrogates not allowed"],
    ),
    "output that is nested too deeply": (
        {PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource:\n' + "- " * 30_000 + "a\n"},
        [f"{PARTIAL}:4: is nested more than 100 levels deep"],
    ),
    "a statement without Effect": (
        {
            PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource: "*"\n{% if true %}\n- Action: "sqs:*"\n  Resource: "*"\n{% endif %}\n'
        },
        [f"{PARTIAL}:5: a policy statement without Effect"],
    ),
    "a statement without Action and Resource": (
        {PARTIAL: "{# c\n #}\n- Effect: Allow\n"},
        [
            f"{PARTIAL}:3: a policy statement without Action or NotAction",
            f"{PARTIAL}:3: a policy statement without Resource or NotResource",
        ],
    ),
    "an action one column too far to the right": (
        {PARTIAL: '- Effect: Allow\n  Action:\n    - sqs:SendMessage\n      - sqs:ReceiveMessage\n  Resource: "*"\n'},
        [f"{PARTIAL}:3: Action: 'sqs:SendMessage - sqs:ReceiveMessage' is not an action, such as sqs:SendMessage"],
    ),
    "an element one column too far to the left": (
        {PARTIAL: '- Effect: Allow\n  Action:\n    - "sqs:*"\n Resource: "*"\n'},
        [f"{PARTIAL}:4: the output is not YAML: did not find expected '-' indicator"],
    ),
    "the end of a YAML document": (
        {PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource: "*"\n...\n'},
        [f"{PARTIAL}:4: ... begins or ends a YAML document; leave it out"],
    ),
    "a macro that is not indented": (
        {
            PARTIAL: '{% macro a() %}\nx:\n- y\n{% endmacro %}\n- Effect: Allow\n  Action: "sqs:*"\n  Resource:\n    - {{ a() }}\n'
        },
        [
            f"{PARTIAL}:3: a policy statement is a mapping with Effect, Action and Resource",
            f"{PARTIAL}:8: Resource holds something that is not an ARN or *",
        ],
    ),
    "a mistake in a level that nobody uses": (
        {"policies/sqs/purge.yml.j2": "{% garbage\n"},
        ["policies/sqs/purge.yml.j2:1: Encountered unknown tag 'garbage'."],
    ),
    "a name that no level can have": (
        {"policies/sqs/Purge.yml.j2": "", "policies/sqs/none.yml.j2": ""},
        [
            f"policies/sqs/{name}.yml.j2: is no level: <level>.yml.j2, in small letters, digits and hyphens, not none or default"
            for name in ("Purge", "none")
        ],
    ),
    "a name that nothing stands for": (
        {
            PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource:\n    - !Sub\n      - "arn:${Name}"\n      - {Nam: x}\n'
        },
        [
            f"{PARTIAL}:4: nothing is called ${{Name}}; allowed: Nam, VPCName, EnvType, AWS::AccountId, AWS::Partition, "
            "AWS::Region, AWS::URLSuffix. Did you mean 'Nam'?"
        ],
    ),
    "a function that is none": (
        {
            PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource:\n    - !Sub\n      - "arn:${A}"\n      - A:\n          Fn:Import: x\n'
        },
        [f"{PARTIAL}:7: what !Sub puts in for A is neither text nor a function"],
    ),
    "a resource that is no function": (
        {PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource:\n    - F::Ref: x\n'},
        [f"{PARTIAL}:4: Resource holds something that is not an ARN or *"],
    ),
    "an action and all but it": (
        {PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  NotAction: "sqs:*"\n  Resource: "*"\n'},
        [f"{PARTIAL}:1: a policy statement with both Action and NotAction"],
    ),
    "a key that is no text": (
        {PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource: "*"\n  ? [a]\n  : b\n'},
        [
            f"{PARTIAL}:4: unknown element 'a key that is no text' in a policy statement; allowed: Sid, Effect, Action, "
            "NotAction, Resource, NotResource, Condition"
        ],
    ),
    "a template whose Statement is no list": (
        {
            "templates/taskrole.yml.j2": "# Generated by render.py\nResources:\n  A:\n    Properties: {PolicyName: n, "
            "PolicyDocument: {Statement: {a: b}}}\n"
        },
        [
            "templates/taskrole.yml.j2:1: the template leaves out the statements of SQS",
            "templates/taskrole.yml.j2:3: A has no PolicyName or no PolicyDocument with a list as its Statement",
        ],
    ),
    "a misspelt element": (
        {PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resorce: "*"\n'},
        [
            f"{PARTIAL}:1: a policy statement without Resource or NotResource",
            f"{PARTIAL}:3: unknown element 'Resorce' in a policy statement; allowed: Sid, Effect, Action, NotAction, Resource, NotResource, "
            "Condition. Did you mean 'Resource'?",
        ],
    ),
    "a mistake in an included partial": (
        {
            PARTIAL: '{% include "policies/sqs/read.yml.j2" %}\n- Effect: Allow\n  Action: "sqs:*"\n  Resource: "*"\n',
            "policies/sqs/read.yml.j2": '{# c #}\n- Effect: Alow\n  Action: "sqs:*"\n  Resource: "*"\n',
        },
        [f"policies/sqs/read.yml.j2:2: Effect is Allow or Deny (used by {PARTIAL})"],
    ),
    "a partial that includes itself": (
        {PARTIAL: f'{{% include "{PARTIAL}" %}}\n'},
        [f"{PARTIAL}:1: includes itself, directly or through another file"],
    ),
    "a folder without its service.j2": (
        {"policies/sns/full.yml.j2": '- Effect: Allow\n  Action: "sns:*"\n  Resource: "*"\n', "USE": "sns"},
        ['policies/sns/service.j2: is missing; it says what logical ids call the AWS service: {% set name = "SNS" %}'],
    ),
    "two AWS services of one name": (
        {
            "policies/sns/full.yml.j2": '- Effect: Allow\n  Action: "sns:*"\n  Resource: "*"\n',
            "policies/sns/service.j2": '{% set name = "SQS" %}',
            "USE": "sns: full, sqs",
        },
        [
            "policies/sqs/service.j2:1: sns is called 'SQS' too, and a uses both",
        ],
    ),
    "a template that leaves the statements out": (
        {"templates/taskrole.yml.j2": "# Generated by render.py\nResources:\n  A: {Type: B}\n"},
        [
            "templates/taskrole.yml.j2:1: the template leaves out the statements of SQS",
            "templates/taskrole.yml.j2:3: A has no PolicyName or no PolicyDocument with a list as its Statement",
        ],
    ),
    "a template without the line that makes its files ours": (
        {"templates/taskrole.yml.j2": "# Hello\nResources: {}\n"},
        [
            "templates/taskrole.yml.j2:1: the first line must be a comment that holds 'Generated by render.py': it tells what "
            "render.py may replace"
        ],
    ),
    "an overview without it": (
        {"templates/access.md.j2": "Hello\n"},
        [
            "templates/access.md.j2:1: the first line must be a comment that holds 'Generated by render.py': it tells what "
            "render.py may replace"
        ],
    ),
    "misspelt functions": (
        {
            PARTIAL: '- Effect: Allow\n  Action: "sqs:*"\n  Resource:\n    - !Subb "arn:a"\n    - Fn::Jion: [a]\n    - !!python/x arn:y\n'
        },
        [
            f"{PARTIAL}:{line}: CloudFormation has no function {name}; it has {FUNCTIONS}{near}"
            for line, name, near in (
                (4, "!Subb", ". Did you mean 'Sub'?"),
                (5, "Fn::Jion", ". Did you mean 'Join'?"),
                (6, "tag:yaml.org,2002:python/x", ""),
            )
        ],
    ),
    "a value without quotes where it could mean more": (
        {"templates/taskrole.yml.j2": "# Generated by render.py\n\n{{ task_role | plain }}:\n"},
        ["templates/taskrole.yml.j2:3: '${VPCName}-Role-${EnvType}' cannot stand here without quotes"],
    ),
}


@pytest.mark.parametrize("name", SERVICES_YML)
def test_services_yml_with(project: Project, name: str) -> None:
    text, expected = SERVICES_YML[name]
    project.write("services.yml", text)
    project.replace("services.schema.json", "", "")
    keep_level_full_only(project)
    assert project.refused() == expected


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_or_template_with(project: Project, name: str) -> None:
    files, expected = PARTIALS[name]
    used = files.get("USE", "sqs")
    for path, text in files.items():
        if path != "USE":
            project.write(path, text)
    project.write("services.yml", TOP + f"services:\n  a: {{{ROLE}, policies: {{{used}: full}}}}\n")
    assert sorted(project.refused()) == expected


def keep_level_full_only(project: Project) -> None:
    """Leave each AWS service the level `full` alone, so that messages do not depend on the levels that ship."""
    for path in (project.folder / "policies").glob("*/*.yml.j2"):
        if path.name != "full.yml.j2":
            path.unlink()


def test_several_grants_that_are_no_list_are_shown_as_one(project: Project) -> None:
    services = f"services:\n  a:\n    {ROLE}\n    policies: {{sqs: {{send: q, consume: q}}}}\n"
    project.write("services.yml", TOP + "targets: {q: {name: q}}\n" + services)
    assert project.refused() == ["services.yml:6: several grants are a list: [{send: q}, {consume: q}]"]


def test_a_schema_that_is_none_is_named(project: Project) -> None:
    project.write("services.schema.json", '{"type": 5}')
    project.write("services.yml", project.read("services.yml") + "# changed\n")
    assert project.refused()[0].startswith("services.schema.json: is no JSON Schema: ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe", "services.yml:1: is not UTF-8 (byte 0xff); save it as UTF-8"),
        (
            b"environments: [Dev]\nservices:\n\ta: b\n",
            "services.yml:3: not YAML: found character that cannot start any token",
        ),
        ("a: で\nb: \0".encode(), "services.yml:2: not YAML: character #x0000: control characters are not allowed"),
        (b"[" * 100_000, "services.yml:1: is nested more than 16 levels deep"),
        (b"a: 1\n---\nb: 2\n", "services.yml:3: starts a second YAML document; keep one"),
        (b"a: *b\n", "services.yml:1: is used again through a YAML alias (*name)"),
        (b"? [a]\n: 1\n", "services.yml:1: a key must be text"),
        (b'"a\\x9b31m\\u202e": 1', r"services.yml:1: unknown key 'a\x9b31m\u202e'"),
    ],
)
def test_bytes_that_are_no_services_yml(project: Project, content: bytes, expected: str) -> None:
    (project.folder / "services.yml").write_bytes(content)
    assert any(fault.startswith(expected) and fault.isprintable() for fault in project.refused())


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(project: Project) -> None:
    project.render()
    before = {path: content for path, (content, _) in project.tree().items()}
    for path in ("services.yml", "policies/sqs/full.yml.j2", "templates/taskrole.yml.j2"):
        project.write(path, "\ufeff" + project.read(path).replace("\n", "\r\n"))
    project.render()
    assert {path: content for path, (content, _) in project.tree().items()} == before


def large_partial(count: int) -> str:
    """Return a partial of `count` actions of 30 characters."""
    return "- Effect: Allow\n  Action:\n" + "".join(f"    - sqs:{i:026}\n" for i in range(count)) + '  Resource: "*"\n'


def use(project: Project, **services: str) -> None:
    """Let services.yml have these services, each with one role and its policies."""
    entries = {name: {"task_role": "role", "policies": json.loads(policies)} for name, policies in services.items()}
    project.write("services.yml", json.dumps({"environments": ["Dev", "Production"], "services": entries}))


def test_the_inline_policies_of_a_role_have_a_limit(project: Project) -> None:
    around = len('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[],"Resource":"*"}]}')
    fitting = (10_240 - around + 1) // 33
    use(project, a='{"sqs": "full"}')
    project.write(PARTIAL, large_partial(fitting))
    project.render()
    project.write(PARTIAL, large_partial(fitting + 1))
    characters = around + 33 * (fitting + 1) - 1
    assert project.refused() == [
        f"services.yml:1: the inline policies of the task role of a have {characters:,} characters in {name}; IAM allows 10,240 a role"
        for name in ("Dev", "Production")
    ]


def test_services_that_share_a_role_share_its_limit(project: Project) -> None:
    project.write(PARTIAL, large_partial(200))
    use(project, a='{"sqs": "full"}', b='{"sqs": "full"}')
    assert "the task role of a and b have 13,366 characters in Dev" in project.refused()[0]


def test_the_name_of_a_policy_has_a_limit(project: Project) -> None:
    rest = len("Mynavi-Sample-SQSAccessPolicy--Production")
    use(project, **{"a" * (128 - rest): '{"sqs": "full"}'})
    project.render()
    use(project, **{"a" * (129 - rest): '{"sqs": "full"}'})
    assert project.refused() == [
        f"templates/taskrole.yml.j2:30: the policy name Mynavi-Sample-SQSAccessPolicy-{'a' * (129 - rest)}-Production has 129 characters; IAM allows 128"
    ]


def test_a_template_has_a_size_limit(project: Project) -> None:
    use(project, a='{"sqs": "full"}')
    project.write(PARTIAL, large_partial(1))
    project.replace("templates/taskrole.yml.j2", "Target VPC Stack Name", "x" * 52_000)
    faults = project.refused()
    assert len(faults) == 2
    assert "the template for Dev has 52," in faults[0]
    assert faults[0].endswith("bytes; CloudFormation allows 51,200")


def test_a_template_has_a_limit_of_resources(project: Project) -> None:
    use(project, a='{"sqs": "full"}')
    policy = "{Properties: {PolicyName: n, PolicyDocument: {Statement: []}}}"
    more = "".join(f"  R{i}: {policy}\n" for i in range(500))
    project.write("templates/taskrole.yml.j2", project.read("templates/taskrole.yml.j2") + more)
    assert project.refused() == ["templates/taskrole.yml.j2:27: 501 resources; CloudFormation allows 500"]

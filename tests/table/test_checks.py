"""What services.yml cannot say of environments, parameters, targets and task roles, beside what its schema refuses."""

from __future__ import annotations

import pytest

APP = "services: {app: {task_role: app, policies: {sqs: full}}}\n"
SETTINGS = "protected, after, account, region, principal, wildcards"
PSEUDO = "EnvType, AWS::AccountId, AWS::Partition, AWS::Region, AWS::URLSuffix"
IS_NAME = "is no name for an environment: policies and targets say it themselves"
IS_TARGET = "is no target: one of import, import-arn, name, arn, as in {name: orders}"

ENVIRONMENTS = {
    "names that policies say themselves": ("[default, none]", [f"1: 'default' {IS_NAME}", f"1: 'none' {IS_NAME}"]),
    "names that targets say themselves": ("[arn, import]", [f"1: 'arn' {IS_NAME}", f"1: 'import' {IS_NAME}"]),
    "the name of a level": (
        "[dev, send]",
        ["1: 'send' is a level of sqs too, and {send: ...} would be either; call it otherwise"],
    ),
    "names that differ in case alone": (
        "[Dev, DEV]",
        ["1: DEV and Dev differ in case alone, and would share stacks and folders"],
    ),
    "a name that leaves the tree": (
        "[../dev]",
        [
            '1: "../dev" is not the name of an environment: letters, digits and hyphens, such as qa, Prod or '
            "eu-west-live"
        ],
    ),
    "no settings": (
        "\n  dev:\n  live: {}",
        [f'2: "" is not the settings of an environment: {SETTINGS}; {{}} for none'],
    ),
    "a misspelt setting": (
        "\n  dev: {}\n  live: {protectd: true}",
        [f"3: unknown key 'protectd'; allowed: {SETTINGS}. Did you mean 'protected'?"],
    ),
    "neither true nor false": (
        "\n  dev: {wildcards: yes}\n  live: {protected: maybe}",
        [
            '2: "yes" is not true or false: the lint lets wildcard actions and resources pass in this environment',
            '3: "maybe" is not true or false: a deploy takes what is committed alone, and wants the environment\'s name typed',
        ],
    ),
    "an account and a region that are none": (
        "\n  dev: {account: 12345678901}\n  live: {region: Europe}",
        [
            '2: "12345678901" is not the AWS account, 12 digits: a deploy to another is refused',
            '3: "Europe" is not the AWS region, such as eu-west-1: a deploy to another is refused',
        ],
    ),
    "after one that there is not": (
        "\n  dev: {}\n  live: {after: dve}",
        ["3: no environment is called 'dve'; allowed: dev, live. Did you mean 'dev'?"],
    ),
    "after itself": ("\n  dev: {after: dev}", ["2: comes before itself: dev after dev"]),
    "after each other": (
        "\n  a: {after: b}\n  b: {after: c}\n  c: {after: b}",
        ["3: comes before itself: b after c after b", "4: comes before itself: c after b after c"],
    ),
    "none": (
        "[]",
        [
            "1: [] is not a list of environments, or a map from environment to its settings; each is a folder of out/ "
            "and the only value of EnvType that its templates allow"
        ],
    ),
}

PARAMETERS = {
    "the environment's own": ("EnvType: x", ["2: EnvType is the environment's own name; call the parameter otherwise"]),
    "an environment left out": ("Stack: {dev: x}", ["2: Stack says nothing for live; add `default`"]),
    "a misspelt environment": (
        "Stack: {dve: x, default: y}",
        ["2: no environment is called 'dve'; allowed: dev, live, default. Did you mean 'dev'?"],
    ),
    "names that are none": (
        "1st: x, vpc-stack: y",
        [
            f"2: {name!r} is not the name of a parameter: a letter, then letters and digits, such as VpcStack"
            for name in ("1st", "vpc-stack")
        ],
    ),
    "values that are none": (
        "A: 'x y', B: {dev: '${A}', live: [x]}",
        [
            f"2: {value} is not the value of a parameter: printable ASCII without blanks, and without ${{...}}"
            for value in ('"${A}"', '"x y"', '["x"]')
        ],
    ),
}

TARGETS = {
    "not used": ("{name: q}", "full", ["2: no grant uses the target 'q'; use it or remove it"]),
    "two kinds at once": ("{import: a, name: b}", "{send: q}", [f'2: {{"import": "a", "name": "b"}} {IS_TARGET}']),
    "a misspelt kind": (
        "{imprt: a}",
        "{send: q}",
        ["2: unknown key 'imprt'; allowed: import, import-arn, name, arn, key. Did you mean 'import'?"],
    ),
    "a misspelt kind in an environment": (
        "{dev: {import-arm: a}, default: {arn: 'arn:aws:sqs:::q'}}",
        "{send: q}",
        ["2: unknown key 'import-arm'; allowed: import, import-arn, name, arn, key. Did you mean 'import-arn'?"],
    ),
    "no kind in an environment": ("{dev: a, live: {name: b}}", "{send: q}", [f'2: "a" {IS_TARGET}']),
    "a kind and an environment": (
        "{dev: {name: a}, default: {name: b}, name: c}",
        "{send: q}",
        [f'2: "c" {IS_TARGET}', "2: no environment is called 'name'; allowed: dev, live, default"],
    ),
    "an environment left out": ("{dev: {name: a}}", "{send: q}", ["2: q says nothing for live; add `default`"]),
    "a misspelt environment": (
        "{dev: {name: a}, Live: {name: b}}",
        "{send: q}",
        [
            "2: no environment is called 'Live'; allowed: dev, live, default. Did you mean 'live'?",
            "2: q says nothing for live; add `default`",
        ],
    ),
    "misspelt environments alone": (
        "{dve: {name: a}, default: {name: b}}",
        "{send: q}",
        ["2: no environment is called 'dve'; allowed: dev, live, default. Did you mean 'dev'?"],
    ),
    "no ARN": (
        "{arn: orders}",
        "{send: q}",
        ['2: "orders" is no ARN, such as arn:aws:sqs:eu-west-1:123456789012:orders'],
    ),
    "an ARN for a name": (
        "{name: 'arn:aws:sqs:::q'}",
        "{send: q}",
        ['2: "arn:aws:sqs:::q" is an ARN, and name is a name; write {arn: ...}'],
    ),
    "an ARN for the export that holds it": (
        "{dev: {import-arn: 'arn:aws:sqs:::q'}, default: {import: 'arn:aws:sqs:::q'}}",
        "{send: q}",
        [
            f'2: "arn:aws:sqs:::q" is an ARN, and {kind} is the name of an export; write {{arn: ...}}'
            for kind in ("import", "import-arn")
        ],
    ),
    "no name": ("{name: //}", "{send: q}", ['2: "//" is no name']),
    "a parameter that there is not": (
        "{dev: {import: '${Dev}-q'}, default: {name: q}}",
        "{send: q}",
        [f"2: nothing is called ${{Dev}}; add it below `parameters:` in services.yml, or use one of {PSEUDO}"],
    ),
    "a blank": (
        "{name: 'a b'}",
        "{send: q}",
        ['2: "a b" is not printable ASCII without blanks; ${EnvType} and the parameters may stand in it'],
    ),
}

ROLES = {
    "a path": (
        "{name: apps/app}",
        ["3: the role name apps/app must be letters, digits and +=,.@_-; a path is no part of it"],
    ),
    "an ARN": (
        "{name: 'arn:aws:iam::123456789012:role/app'}",
        [
            "3: the role name arn:aws:iam::123456789012:role/app must be letters, digits and +=,.@_-; a path is no part of it"
        ],
    ),
    "too long in one environment": (
        f"{{name: '{'r' * 60}-${{EnvType}}'}}",
        [f"3: the role name {'r' * 60}-live has 65 characters; IAM allows 64"],
    ),
    "another key": (
        "{nam: app}",
        ["3: lacks 'name'; needed: name", "3: unknown key 'nam'; allowed: name. Did you mean 'name'?"],
    ),
    "a list": (
        "[app]",
        [
            '3: ["app"] is not the service\'s task role: the export of another stack that holds its name, or '
            "{name: ...}, the name itself"
        ],
    ),
    "a parameter that there is not": (
        "'${VPCName}-app'",
        [f"3: nothing is called ${{VPCName}}; add it below `parameters:` in services.yml, or use one of {PSEUDO}"],
    ),
    "a misspelt parameter": (
        "{name: '${Satge}-app'}",
        [
            f"3: nothing is called ${{Satge}}; add it below `parameters:` in services.yml, or use one of Stage, {PSEUDO}. Did you mean 'Stage'?"
        ],
    ),
    "a misspelt parameter of CloudFormation": (
        "'${AWS::Regoin}'",
        [f"3: nothing is called ${{AWS::Regoin}}; allowed: {PSEUDO}. Did you mean 'AWS::Region'?"],
    ),
    "the ARN of a role": (
        "'arn:aws:iam::123456789012:role/app'",
        [
            '3: "arn:aws:iam::123456789012:role/app" is an ARN: write the export that holds the role\'s name, or {name: ...}, the name'
        ],
    ),
    "a parameter that does not close": (
        "'${EnvType-app'",
        [f"3: nothing is called ${{EnvType-app}}; allowed: {PSEUDO}. Did you mean 'EnvType'?"],
    ),
    "a parameter that does not close at the end": ("'app-${EnvType'", ["3: ${EnvType is not closed: write ${EnvType}"]),
    "braces that do not close": ("'a-${'", [f"3: nothing is called ${{}}; allowed: {PSEUDO}"]),
    "a literal that CloudFormation would not substitute": (
        "'${!EnvType}'",
        [f"3: nothing is called ${{!EnvType}}; allowed: {PSEUDO}. Did you mean 'EnvType'?"],
    ),
}


def placed(expected: list[str]) -> list[str]:
    """Return faults with the name of their file."""
    return [f"services.yml:{fault}" for fault in expected]


@pytest.mark.parametrize("case", ENVIRONMENTS)
def test_environments_with(faults_of, case: str) -> None:
    environments, expected = ENVIRONMENTS[case]
    assert faults_of(f"environments: {environments}\n{APP}") == placed(expected)


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters_with(faults_of, case: str) -> None:
    parameters, expected = PARAMETERS[case]
    assert faults_of(f"environments: [dev, live]\nparameters: {{{parameters}}}\n{APP}") == placed(expected)


@pytest.mark.parametrize("case", TARGETS)
def test_a_target_with(faults_of, case: str) -> None:
    target, grant, expected = TARGETS[case]
    services = f"services: {{app: {{task_role: app, policies: {{sqs: {grant}}}}}}}\n"
    assert faults_of(f"environments: [dev, live]\ntargets: {{q: {target}}}\n{services}") == placed(expected)


@pytest.mark.parametrize("case", ROLES)
def test_a_task_role_with(faults_of, case: str) -> None:
    role, expected = ROLES[case]
    parameters = "parameters: {Stage: x}\n" if "Satge" in role else "targets: {}\n"
    services = f"services: {{app: {{task_role: {role}, policies: {{sqs: full}}}}}}\n"
    assert faults_of(f"environments: [dev, live]\n{parameters}{services}") == placed(expected)


def test_all_faults_come_at_once_in_the_order_of_lines(faults_of) -> None:
    text = """\
services:
  app:
    task_role: "${Vpc}-app"
    policies:
      sqs: {sned: q}
      sns: full
targets:
  q: {name: /}
  r: {dve: {name: r}, default: {arn: r}}
parameters:
  EnvType: x
names:
  policy: "{AwsService}-${Nope}"
environments:
  dev: {after: live}
  live: {after: dev}
"""
    lines = [int(fault.split(":")[1]) for fault in faults_of(text)]
    assert lines == [3, 5, 6, 8, 9, 9, 9, 11, 13, 15, 16]

"""Names that services.yml cannot give: patterns that make no legal name, and names that two would share."""

from __future__ import annotations

import pytest

ENVIRONMENTS = "environments: [dev, live]\n"
APP = "services: {app: {task_role: 'app-${EnvType}', policies: {sqs: full}}}\n"
LEGAL = "letters, digits and hyphens, and begin with a letter"
BY_ENVIRONMENT = "put {environment} into the name, or give each an account or a region of its own"
BY_SERVICE = "put {service}, or {environment}, into the names of policies, or give each a role of its own"

PATTERNS = {
    "a field that is not known": (
        'stack: "acme-{service}-{env}"',
        ["nothing is called {env}; allowed in the name of a stack: {service}, {environment}, {Environment}"],
    ),
    "the AWS service where there is none": (
        'template: "{service}-{AwsService}.yml"',
        ["nothing is called {AwsService}; allowed in the name of a template: {service}, {environment}, {Environment}"],
    ),
    "a parameter's name without its dollar": (
        'policy: "{AwsService}-{service}-{EnvType}"',
        [
            "nothing is called {EnvType}; allowed in the name of a policy: {AwsService}, {service}, {environment}, "
            "{Environment}"
        ],
    ),
    "a stack without the service": (
        'stack: "acme-{environment}"',
        ["needs {service}: without it two would have one name"],
    ),
    "a template without the service": ('template: "t.yml"', ["needs {service}: without it two would have one name"]),
    "a policy without the AWS service": (
        'policy: "{service}-${EnvType}"',
        ["needs {AwsService}: without it two would have one name"],
    ),
    "a misspelt kind": (
        'plicy: "{AwsService}"',
        ["unknown key 'plicy'; allowed: stack, template, policy. Did you mean 'policy'?"],
    ),
    "a slash": (
        'template: "{service}/t.yml"',
        ['"{service}/t.yml" is not a pattern for a name: printable ASCII without blanks and slashes'],
    ),
    "a stack that CloudFormation would not take": (
        'stack: "acme_{service}-{environment}"',
        [f"the stack name acme_x-dev must be {LEGAL}"],
    ),
    "a parameter in the name of a stack": (
        'stack: "{service}-${EnvType}"',
        [f"the stack name x-${{EnvType}} must be {LEGAL}"],
    ),
    "a policy that IAM would not take": (
        'policy: "{AwsService}/{service}"',
        ['"{AwsService}/{service}" is not a pattern for a name: printable ASCII without blanks and slashes'],
    ),
    "a policy with a colon": (
        'policy: "{AwsService}:{service}-${EnvType}"',
        ["the policy name X:x-dev must be letters, digits and +=,.@_-"],
    ),
    "a substitution that nothing stands for": (
        'policy: "{AwsService}-{service}-${Env}"',
        [
            "nothing is called ${Env}; add it below `parameters:` in services.yml, or use one of EnvType, AWS::AccountId, "
            "AWS::Partition, AWS::Region, AWS::URLSuffix. Did you mean 'EnvType'?"
        ],
    ),
    "another ending": (
        'template: "{service}.yaml"',
        ["the file name x.yaml must be letters, digits and ._-, begin with a letter or digit, and end in .yml"],
    ),
    "a hidden file": (
        'template: ".{service}.yml"',
        ["the file name .x.yml must be letters, digits and ._-, begin with a letter or digit, and end in .yml"],
    ),
    "environments that would share a stack": (
        'stack: "acme-{service}"',
        [f"dev and live would share stacks, such as acme-app: {BY_ENVIRONMENT}"],
    ),
    "all of it at once": (
        'stack: "x"\n  template: "y"\n  policy: "z"',
        [
            "needs {service}: without it two would have one name",
            "needs {service}: without it two would have one name",
            "needs {AwsService}: without it two would have one name",
        ],
    ),
}


@pytest.mark.parametrize("case", PATTERNS)
def test_a_pattern_with(faults_of, case: str) -> None:
    patterns, expected = PATTERNS[case]
    lines = range(3, 3 + len(expected))
    found = faults_of(f"{ENVIRONMENTS}names:\n  {patterns}\n{APP}")
    assert found == [f"services.yml:{line}: {text}" for line, text in zip(lines, expected, strict=True)]


def test_a_stack_must_begin_with_a_letter_in_every_environment(faults_of) -> None:
    text = f'environments: [live, 2nd]\nnames: {{stack: "{{environment}}-{{service}}"}}\n{APP}'
    assert faults_of(text) == [f"services.yml:2: the stack name 2nd-x must be {LEGAL}"]
    assert faults_of(text.replace('"{env', '"acme-{env')) == []


@pytest.mark.parametrize(
    ("names", "most", "said"),
    [
        ('stack: "{service}-{environment}"', 128 - len("-live"), "the stack name {}-live has 129 characters; CloudFormation allows 128"),
        ('template: "{service}-{Environment}.yml"\n  stack: "{service}{environment}"', 124, "the stack name {}live has 129 characters; CloudFormation allows 128"),
        (f'template: "{"t" * 120}{{service}}.yml"', 76, f"the file name {'t' * 120}{{}}.yml has 201 characters; 200 are allowed"),
    ],
)  # fmt: skip
def test_a_service_can_be_too_long_for_its_names(faults_of, names: str, most: int, said: str) -> None:
    text = f"{ENVIRONMENTS}names:\n  {names}\nservices:\n  short: {{task_role: s, policies: {{sqs: full}}}}\n"
    longest, longer = "a" * most, "a" * (most + 1)
    assert faults_of(f"{text}  {longest}: {{task_role: l, policies: {{sqs: full}}}}\n") == []
    line = text.count("\n") + 1
    found = faults_of(f"{text}  {longer}: {{task_role: l, policies: {{sqs: full}}}}\n")
    assert found == [f"services.yml:{line}: {said.format(longer)}"]


def test_no_template_takes_the_place_of_what_out_says_of_an_environment(faults_of) -> None:
    services = "services: {environment: {task_role: 'r-${EnvType}', policies: {sqs: full}}}\n"
    expected = "a template cannot be called environment.yml: out/ has an environment.yml of its own"
    assert faults_of(ENVIRONMENTS + services) == [f"services.yml:2: {expected}"]
    assert faults_of(f"{ENVIRONMENTS}names: {{template: 't-{{service}}.yml'}}\n{services}") == []
    beside_a_longer_one = services.replace(
        "}}}", "}}, notifications: {task_role: 'n-${EnvType}', policies: {sqs: full}}}"
    )
    assert faults_of(ENVIRONMENTS + beside_a_longer_one) == [f"services.yml:2: {expected}"]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("", "", True),
        ("account: '111111111111'", "", True),
        ("account: '111111111111'", "account: '111111111111'", True),
        ("account: '111111111111'", "account: '222222222222'", False),
        ("region: eu-west-1", "", True),
        ("region: eu-west-1", "region: us-east-1", False),
        ("account: '111111111111', region: eu-west-1", "account: '222222222222', region: eu-west-1", False),
        ("account: '111111111111', region: eu-west-1", "account: '111111111111'", True),
    ],
)
def test_environments_may_share_names_of_stacks_where_accounts_or_regions_differ(faults_of, one, other, shared) -> None:
    environments = f"environments: {{dev: {{{one}}}, live: {{{other}}}}}\n"
    expected = f"services.yml:2: dev and live would share stacks, such as acme-app: {BY_ENVIRONMENT}"
    assert faults_of(environments + "names: {stack: 'acme-{service}'}\n" + APP) == [expected] * shared


def test_two_services_may_share_a_stack_by_the_way_their_names_are_put_together(faults_of) -> None:
    services = "services:\n  a: {task_role: a, policies: {sqs: full}}\n  a-b: {task_role: b, policies: {sqs: full}}\n"
    text = f"environments: [dev, b-dev]\nnames: {{stack: '{{service}}-{{environment}}'}}\n{services}"
    assert faults_of(text) == ["services.yml:4: a-b in dev and a in b-dev would share the stack a-b-dev"]


ROLES = {
    "one role in two environments": ("{name: app}", "", True),
    "one role in two accounts": ("{name: app}", "account", False),
    "one role in two regions": ("{name: app}", "region", True),
    "one export in two environments": ("app", "", True),
    "one export in two regions": ("app", "region", False),
    "a role for each environment": ("{name: 'app-${EnvType}'}", "", False),
    "a role for each environment, by a parameter": ("{name: 'app-${Stage}'}", "", False),
}


@pytest.mark.parametrize("case", ROLES)
def test_policies_of_one_name_on(faults_of, case: str) -> None:
    role, differs, shared = ROLES[case]
    setting = {"": ("", ""), "account": ("account: '111111111111'", "account: '222222222222'")}
    one, other = setting.get(differs, ("region: eu-west-1", "region: us-east-1"))
    text = (
        f"environments: {{dev: {{{one}}}, live: {{{other}}}}}\nparameters: {{Stage: {{dev: d, live: l}}}}\n"
        f"names: {{policy: '{{AwsService}}'}}\nservices: {{app: {{task_role: {role}, policies: {{sqs: full}}}}}}\n"
    )
    said = f"app in dev and app in live would each put the policy {{AwsService}} for sqs on this role: {BY_SERVICE}"
    assert faults_of(text) == [f"services.yml:4: {said}"] * shared


def test_services_that_share_a_role_need_other_names_for_their_policies(faults_of) -> None:
    services = "services:\n  a: {task_role: r, policies: {sqs: full}}\n  b: {task_role: r, policies: {sqs: POLICY}}\n"
    text = f"environments: [dev]\nnames: {{policy: '{{AwsService}}'}}\n{services}"
    said = f"a in dev and b in dev would each put the policy {{AwsService}} for sqs on this role: {BY_SERVICE}"
    assert faults_of(text.replace("POLICY", "full")) == [f"services.yml:5: {said}"]
    assert faults_of(text.replace("POLICY", "none")) == []
    assert faults_of(text.replace("POLICY", "full").replace("'{AwsService}'", "'{service}{AwsService}'")) == []


def test_a_thousand_services_of_one_wrong_name_are_told_in_a_moment(faults_of) -> None:
    services = "".join(f"  a-{n}: {{task_role: r, policies: {{sqs: full}}}}\n" for n in range(1000))
    assert (
        len(faults_of(f"environments: [a, b, c]\nnames: {{policy: '{{AwsService}}'}}\nservices:\n{services}")) == 2999
    )

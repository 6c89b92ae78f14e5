"""Policies and grants that services.yml cannot write, and what those that it can write mean."""

from __future__ import annotations

import pytest

TOP = "environments: [dev, live]\ntargets: {q: {name: queue}, r: {name: other}}\n"
USE = "  user: {task_role: u, policies: {s3: [{full: q}, {full: r}]}}\n"  # of both targets
NOTHING = "add `default`, or `default: none` for no access"
GRANT = (
    "a policy: a level (full), a level with its target ({consume: orders-queue}) and options "
    "({read: {target: uploads, prefix: incoming/}}), a list of those, or a map from environment to those, with "
    "`default` for the rest and `none` for no access"
)

POLICIES = {
    "a misspelt level": (
        "sqs: ful",
        ["sqs: no level is called 'ful'; levels: full, send, consume. Did you mean 'full'?"],
    ),
    "a level in capitals": (
        "sqs: Full",
        ["sqs: no level is called 'Full'; levels: full, send, consume. Did you mean 'full'?"],
    ),
    "a misspelt AWS service": (
        "sqss: full",
        ["no folder policies/sqss/; AWS services: sqs, s3, kms. Did you mean 'sqs'?"],
    ),
    "a misspelt environment": (
        "sqs: {dev: full, lvie: full}",
        [
            "no environment is called 'lvie'; allowed: dev, live, default. Did you mean 'live'?",
            f"sqs says nothing for live; {NOTHING}",
        ],
    ),
    "a misspelt environment alone": (
        "sqs: {dve: full}",
        ["sqs: no level is called 'dve'; levels: full, send, consume. Did you mean 'dev'?"],
    ),
    "an environment in the other case": (
        "sqs: {Dev: full, default: none}",
        ["no environment is called 'Dev'; allowed: dev, live, default. Did you mean 'dev'?"],
    ),
    "an environment left out": ("sqs: {dev: full}", [f"sqs says nothing for live; {NOTHING}"]),
    "an empty name of an environment": (
        "sqs: {'': full, default: none}",
        ["no environment is called ''; allowed: dev, live, default"],
    ),
    "a misspelt target": ("sqs: {send: w}", ["sqs: no target is called 'w'; targets: q, r"]),
    "no target": ("sqs: send", ["sqs: send needs a target, as in {send: q}"]),
    "a target where none is taken": (
        "sqs: {full: q}",
        ["sqs: full takes no target: policies/sqs/full.yml.j2 does not mention `target`; write it alone: full"],
    ),
    "several targets": (
        "sqs: {send: [q, r]}",
        ["sqs: a grant has one target; several are a list of grants: [{send: a}, {send: b}]"],
    ),
    "several grants that are no list": (
        "sqs: {send: q, consume: r}",
        ["several grants are a list: [{send: q}, {consume: r}]"],
    ),
    "a level and an environment": (
        "sqs: {dev: full, send: q}",
        [
            "no environment is called 'send'; allowed: dev, live, default",
            f"sqs says nothing for live; {NOTHING}",
            "sqs: no level is called 'q'; levels: full, send, consume",
        ],
    ),
    "none among grants": ("sqs: [none, full]", ["sqs: `none` stands alone: it means no access"]),
    "the same grant twice": ("sqs: [full, full]", ['["full", "full"] holds the same twice; keep one']),
    "no grant": (
        "sqs: []",
        ["[] is not a level (full), a level with its target ({consume: orders-queue}), or a list of those"],
    ),
    "nothing": (
        "sqs: ",
        ['"" is not a level (full), or a level with its target ({consume: orders-queue}) and options'],
    ),
    "no environment": ("sqs: {}", [f"{{}} is not {GRANT}"]),
    "a misspelt option": (
        "s3: {read: {target: q, prefx: a/}}",
        ["s3: read has no option 'prefx'; options: prefix, max-age. Did you mean 'prefix'?"],
    ),
    "a needed option left out": (
        "kms: {decrypt: q}",
        ["kms: decrypt needs the option via, which names the AWS service, as in sqs"],
    ),
    "options and no target": ("s3: {read: {prefix: a/}}", ["s3: read needs a target, as in {read: q}"]),
    "options of a level that has none": (
        "sqs: {send: {target: q, prefix: a/}}",
        ["sqs: send has no option 'prefix'; options: none yet"],
    ),
    "options of a level that takes no target": (
        "sqs: {full: {prefix: a/}}",
        ["sqs: full has no option 'prefix'; options: none yet"],
    ),
    "options that are no text": (
        "s3: {read: {target: q, prefix: [a/], max-age: {a: b}}}",
        [
            's3: read: the option max-age must be printable ASCII without blanks; it is {"a": "b"}',
            's3: read: the option prefix must be printable ASCII without blanks; it is ["a/"]',
        ],
    ),
    "an empty option": (
        "s3: {read: {target: q, prefix: ''}}",
        ['s3: read: the option prefix must be printable ASCII without blanks; it is ""'],
    ),
    "what nothing substitutes in an option": (
        "s3: {read: {target: q, prefix: '${EnvTyp}/'}}",
        [
            "nothing is called ${EnvTyp}; add it below `parameters:` in services.yml, or use one of EnvType, "
            "AWS::AccountId, AWS::Partition, AWS::Region, AWS::URLSuffix. Did you mean 'EnvType'?"
        ],
    ),
    "several targets among options": (
        "s3: {read: {target: [q, r]}}",
        ["s3: a grant has one target; several are a list of grants: [{read: a}, {read: b}]"],
    ),
    "grants with options that are no list": (
        "s3: {read: {target: q, prefix: a/}, full: r}",
        [f'{{"full": "r", "read": {{"prefix": "a/", "target": "q"}}}} is not {GRANT}'],
    ),
    "faults in each environment": (
        "sqs: {dev: ful, live: [{sned: q}, {send: w}]}",
        [
            "sqs: no level is called 'ful'; levels: full, send, consume. Did you mean 'full'?",
            "sqs: no level is called 'sned'; levels: full, send, consume. Did you mean 'send'?",
            "sqs: no target is called 'w'; targets: q, r",
        ],
    ),
}


@pytest.mark.parametrize("case", POLICIES)
def test_a_policy_with(faults_of, case: str) -> None:
    policy, expected = POLICIES[case]
    found = faults_of(f"{TOP}services:\n{USE}  app: {{task_role: app, policies: {{{policy}}}}}\n")
    assert found == [f"services.yml:5: {fault}" for fault in expected]


def test_a_fault_stands_at_the_line_of_its_own_grant(faults_of) -> None:
    policies = "s3:\n        dev: none\n        default:\n          - full: q\n          - raed: r\n"
    found = faults_of(f"{TOP}services:\n{USE}  app:\n    task_role: app\n    policies:\n      {policies}")
    assert found == ["services.yml:12: s3: no level is called 'raed'; levels: full, read. Did you mean 'read'?"]


MEANS = {
    "a level": ("full", {"dev": [("full", None, ())], "live": [("full", None, ())]}),
    "a target": ("{send: q}", {"dev": [("send", "q", ())], "live": [("send", "q", ())]}),
    "the rest": ("{dev: full, default: {send: q}}", {"dev": [("full", None, ())], "live": [("send", "q", ())]}),
    "no access": ("{live: none, default: full}", {"dev": [("full", None, ())], "live": []}),
    "a list": ("[{send: q}, {consume: r}]", {name: [("send", "q", ()), ("consume", "r", ())] for name in ("dev", "live")}),
    "a list of an environment": ("{dev: [full, {send: r}], live: none}", {"dev": [("full", None, ()), ("send", "r", ())], "live": []}),
    "a target alone in a map": ("{send: {target: q}}", {name: [("send", "q", ())] for name in ("dev", "live")}),
}  # fmt: skip


@pytest.mark.parametrize("case", MEANS)
def test_a_policy_is(read, case: str) -> None:
    policy, expected = MEANS[case]
    table = read(f"{TOP}services:\n{USE}  app: {{task_role: app, policies: {{sqs: {policy}}}}}\n")
    found = {
        name: [(grant.level, grant.target, grant.options) for grant in policies.get("sqs", ())]
        for name, policies in table.services["app"].policies.items()
    }
    assert found == expected


def test_options_are_text_whatever_yaml_makes_of_them(read) -> None:
    policy = "s3: {read: {target: q, prefix: 2026, max-age: true}}"
    table = read(f"{TOP}services:\n{USE}  app: {{task_role: app, policies: {{{policy}}}}}\n")
    (grant,) = table.services["app"].policies["live"]["s3"]
    assert grant.options == (("prefix", "2026"), ("max-age", "true"))
    assert grant.found_by == {"name": "queue"}

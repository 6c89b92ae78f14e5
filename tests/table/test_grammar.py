"""What a services.yml means: environments in any spelling, values and targets by environment, names by default."""

from __future__ import annotations

import pytest

from taskroles.names import Names
from taskroles.table.grammar import TaskRole, parameter_sizes

APP = "services: {app: {task_role: app, policies: {sqs: full}}}\n"


@pytest.mark.parametrize("spelling", ["dev", "Prod", "QA", "eu-west-live", "2nd", "no", "1", "y" * 32])
@pytest.mark.parametrize("shape", ["[other, {}]", "{{other: {{}}, {}: {{protected: true}}}}"])
def test_an_environment_has_any_spelling_in_a_list_and_in_a_map(read, spelling: str, shape: str) -> None:
    policies = f"{{sqs: {{{spelling}: full, default: none}}}}"
    text = f"environments: {shape.format(spelling)}\nservices: {{app: {{task_role: r, policies: {policies}}}}}\n"
    table = read(text)
    assert list(table.environments) == ["other", spelling]
    assert table.environments[spelling].protected == ("protected" in shape)
    assert list(table.services["app"].policies[spelling]) == ["sqs"]
    assert table.services["app"].policies["other"] == {}


def test_an_environment_has_the_settings_that_its_map_says(read) -> None:
    text = """\
environments:
  dev: {wildcards: true}
  live: {protected: true, after: dev, account: 012345678901, region: eu-west-1, principal: "arn:aws:iam::012345678901:role/ci"}
  spare: {protected: false}
"""
    dev, live, spare = read(text + APP).environments.values()
    assert (dev.protected, dev.wildcards, dev.after, dev.account, dev.region) == (False, True, None, None, None)
    assert (live.protected, live.wildcards, live.after) == (True, False, "dev")
    assert (live.account, live.region) == ("012345678901", "eu-west-1")
    assert live.principal == "arn:aws:iam::012345678901:role/ci"
    assert (spare.protected, spare.wildcards) == (False, False)


def test_a_file_from_before_there_were_names_and_settings_is_right(read) -> None:
    table = read(
        "environments: [Dev, Staging]\nservices: {app: {task_role: 'app-${EnvType}', policies: {sqs: full}}}\n"
    )
    dev = table.environments["Dev"]
    assert dev.names == Names(
        "{service}-taskrole-dev", "{service}.yml", "{AwsService}AccessPolicy-{service}-${EnvType}"
    )
    assert dev.parameters == {"EnvType": "Dev"}
    assert table.services["app"].task_role == TaskRole("export", "app-${EnvType}")


def test_such_a_file_with_a_parameter_that_was_built_in_is_told_where_to_add_it(faults_of) -> None:
    role = 'services:\n  app:\n    task_role: "${VPCName}-Role-${EnvType}"\n    policies: {sqs: full}\n'
    assert faults_of(f"environments: [Dev]\n{role}") == [
        "services.yml:4: nothing is called ${VPCName}; add it below `parameters:` in services.yml, or use one of EnvType, "
        "AWS::AccountId, AWS::Partition, AWS::Region, AWS::URLSuffix"
    ]
    assert faults_of(f"environments: [Dev]\nparameters: {{VPCName: acme-vpc}}\n{role}") == []


def test_names_are_those_of_the_table_one_by_one(read) -> None:
    text = 'environments: [Live]\nnames: {stack: "{Environment}-{environment}-{service}", policy: "{environment}-{AwsService}"}\n'
    assert read(text + APP).environments["Live"].names == Names(
        "Live-live-{service}", "{service}.yml", "live-{AwsService}"
    )


def test_a_parameter_has_the_value_of_its_environment(read) -> None:
    text = "environments: [dev, qa, live]\nparameters: {Stack: {live: acme-live, default: acme}, Size: 12}\n"
    table = read(text + APP)
    assert {name: dict(each.parameters) for name, each in table.environments.items()} == {
        "dev": {"Stack": "acme", "Size": "12", "EnvType": "dev"},
        "qa": {"Stack": "acme", "Size": "12", "EnvType": "qa"},
        "live": {"Stack": "acme-live", "Size": "12", "EnvType": "live"},
    }
    assert parameter_sizes(table.document.data) == {"EnvType": 4, "Stack": 9, "Size": 2}


def test_a_target_is_found_as_its_environment_says(read) -> None:
    text = """\
environments: [dev, qa, live]
targets: {q: {dev: {name: queue-dev}, live: {arn: "arn:aws:sqs:eu-west-1:123456789012:q"}, default: {import-arn: Queue}}}
services: {app: {task_role: {name: "app-${EnvType}"}, policies: {sqs: {send: q}}}}
"""
    service = read(text).services["app"]
    assert {name: policies["sqs"][0].found_by for name, policies in service.policies.items()} == {
        "dev": {"name": "queue-dev"},
        "qa": {"import-arn": "Queue"},
        "live": {"arn": "arn:aws:sqs:eu-west-1:123456789012:q"},
    }
    assert service.task_role == TaskRole("name", "app-${EnvType}")
    assert service.line == 3

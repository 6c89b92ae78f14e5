"""What a review says of environment.yml: settings that change, and the order of environments, which no name decides."""

from __future__ import annotations

import re
from typing import Any

import pytest
from repository import FULL, SEND, Repository, policy, template

from taskroles.access.environments import Environment, by_importance
from taskroles.names import Names

TEXT = template(policy(SEND))
ACCOUNT, OTHER = "111111111111", "222222222222"
STAY = "the stacks that exist stay, with their policies, until somebody deletes them"
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "another account": (
        {"account": ACCOUNT},
        {"account": OTHER},
        [
            f"+ widened  account: {ACCOUNT} → {OTHER}: from the next deploy on, the roles there get what is allowed here; {STAY}"
        ],
    ),
    "an account, where there was none": (
        {},
        {"account": ACCOUNT},
        [f"! notice  account: none → {ACCOUNT}: a deploy to any other is refused"],
    ),
    "no account any more": (
        {"account": ACCOUNT},
        {},
        [f"+ widened  account: {ACCOUNT} → none: a deploy goes where the credentials lead"],
    ),
    "another region": (
        {"region": "eu-west-1"},
        {"region": "us-east-1"},
        [
            f"+ widened  region: eu-west-1 → us-east-1: from the next deploy on, the roles there get what is allowed here; {STAY}"
        ],
    ),
    "who deploys": (
        {},
        {"principal": "arn:aws:iam::111111111111:role/deployer"},
        ["! notice  principal: none → arn:aws:iam::111111111111:role/deployer: a deploy as any other is refused"],
    ),
    "whoever deploys": (
        {"principal": "arn:aws:iam::111111111111:role/deployer"},
        {},
        ["! notice  principal: arn:aws:iam::111111111111:role/deployer → none: whoever has the credentials may deploy"],
    ),
    "no longer protected": (
        {"protected": True},
        {},
        ["! notice  protected: true → false: a deploy takes whatever lies in out/"],
    ),
    "protected": (
        {},
        {"protected": True},
        [
            "! notice  protected: false → true: a deploy takes what is committed alone, and wants the environment's name "
            "typed"
        ],
    ),
    "after another": (
        {"after": "qa"},
        {"after": "dev"},
        ["! notice  after: qa → dev: the review marks writes that the one before does not have"],
    ),
    "wildcards": (
        {},
        {"wildcards": True},
        ["! notice  wildcards: false → true: the lint lets wildcards pass"],
    ),
    "no wildcards any more": (
        {"wildcards": True},
        {},
        ["! notice  wildcards: true → false: the lint refuses wildcards"],
    ),
    "other stacks": (
        {},
        {"names": Names(stack="acme-{service}-{environment}")},
        [
            "! notice  stacks: {service}-taskrole-live → acme-{service}-live: CloudFormation makes new stacks; "
            f"{STAY}, and it refuses a policy name that another stack has on the role: give the policies new names as "
            "well, or destroy the old stacks first"
        ],
    ),
    "other stacks with policies of other names": (
        {},
        {"names": Names(stack="acme-{service}-{environment}", policy="{AwsService}-{service}")},
        [
            f"! notice  stacks: {{service}}-taskrole-live → acme-{{service}}-live: CloudFormation makes new stacks; {STAY}",
            "! notice  policies: {AwsService}AccessPolicy-{service}-${EnvType} → {AwsService}-{service}: CloudFormation "
            "adds each policy under its new name, then deletes the old one",
        ],
    ),
    "another value of a parameter": (
        {"parameters": {"Vpc": "a", "Gone": "x", "EnvType": "live"}},
        {"parameters": {"Vpc": "b", "New": "x", "EnvType": "live"}},
        [
            "! notice  parameter Gone: x → none: the stacks keep what they have",
            "! notice  parameter New: none → x: the next deploy gives it to every stack that has it",
            "! notice  parameter Vpc: a → b: the next deploy gives it to every stack that has it",
        ],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_that_changes_is_a_line_that_says_what_that_does(repository: Repository, name: str) -> None:
    before, after, expected = CHANGES[name]
    repository.commit({"live/backend": TEXT}, live=before)
    repository.write({"live/backend": TEXT}, live=after)
    out = repository.review()
    assert re.findall(r"^\S+ in .*", out, re.MULTILINE) == ["environment.yml in live"]
    found = [re.sub(r"(?<=\S)  +", "  ", line.strip()) for line in out.splitlines() if line[:1] == " "]
    assert found == expected
    assert repository.run("HEAD", "--fail-on=widened")[0] == ("widened" in expected[0])


def test_the_same_change_of_several_environments_is_said_once(repository: Repository) -> None:
    repository.commit({"live/a": TEXT, "qa/a": TEXT})
    repository.write({"live/a": TEXT, "qa/a": TEXT}, live={"account": OTHER}, qa={"account": OTHER})
    assert "environment.yml in live, qa" in repository.review()
    assert "environment.yml in qa\n" in repository.review("HEAD", "--environment=qa")
    assert "no change" in repository.review("HEAD", "--service=a")


def test_a_setting_that_gives_each_service_more_is_said_of_one_service_as_well(repository: Repository) -> None:
    repository.commit({"live/a": TEXT, "qa/a": TEXT}, live={"account": ACCOUNT})
    repository.write({"live/a": TEXT, "qa/a": TEXT}, live={"account": OTHER})
    assert "environment.yml in live" in repository.review("HEAD", "--service=a")
    assert "no change" in repository.review("HEAD", "--service=a", "--environment=qa")


def test_a_service_may_be_called_settings(repository: Repository) -> None:
    repository.commit({"live/settings": TEXT})
    repository.write({"live/settings": template(policy(FULL))}, live={"account": OTHER})
    assert re.findall(r"^\S+ in .*", repository.review(), re.MULTILINE) == [
        "environment.yml in live",
        "settings in live",
    ]


def test_templates_of_other_names_are_neither_new_nor_removed_services(repository: Repository) -> None:
    before, after = (Names(template=pattern) for pattern in ("{service}.yml", "acme-{service}-{environment}-cfn.yml"))
    repository.commit({"live/api": TEXT, "live/worker": TEXT}, live={"names": before})
    repository.write({"live/acme-api-live-cfn": TEXT, "live/acme-worker-live-cfn": TEXT}, live={"names": after})
    assert "no change in permissions\n" in repository.review()
    repository.put("out/live/acme-api-live-cfn.yml", template(policy(FULL)))
    out = repository.review()
    assert "api in live\n" in out
    assert "service" not in out


def test_an_environment_yml_that_is_gone_is_said(repository: Repository) -> None:
    repository.commit({"live/api": TEXT, "qa/api": TEXT})
    (repository.folder / "out/live/environment.yml").unlink()
    out = repository.review()
    text = "cannot tell: there is no out/live/environment.yml, which names stacks, roles and account"
    assert out.splitlines()[-3:] == [
        "environment.yml in live",
        f"  + widened   {text}",
        "              ! not understood, and may grant anything: read it yourself",
    ]
    assert repository.run("HEAD", "--fail-on=widened")[0] == 1
    repository.write({"live/api": TEXT, "qa/api": TEXT, "new/api": TEXT})
    (repository.folder / "out/new/environment.yml").unlink()
    assert "there is no out/new/environment.yml" in repository.review()


# --- the order of environments --------------------


def test_equal_changes_are_said_once_and_protected_environments_come_first(repository: Repository) -> None:
    before, after = template(policy(FULL)), TEXT
    settings = {"a-live": {"protected": True}, "qa": {}, "z-dev": {"wildcards": True}}
    settings |= {"Production": {}}  # a name that means nothing
    places = [f"{e}/{s}" for e in settings for s in ("api", "worker")]
    repository.commit(dict.fromkeys(places, before) | {"z-dev/aaa": before}, **settings)
    repository.write(
        dict.fromkeys(places, after) | {"a-live/worker": before, "z-dev/aaa": after},
        **settings,
    )
    out = repository.review()
    assert [line for line in out.splitlines() if " in " in line and ":" not in line] == [
        "api in a-live, Production, qa, z-dev",
        "aaa in z-dev",
        "worker in Production, qa, z-dev",
    ]
    assert out.splitlines()[1:5] == [
        "a-live: 1 narrowed",
        "Production: 2 narrowed",
        "qa: 2 narrowed",
        "z-dev: 3 narrowed",
    ]


def test_an_environment_that_loses_its_protection_in_this_very_change_still_comes_first(repository: Repository) -> None:
    text, wide = TEXT, template(policy(FULL))
    repository.commit({"live/worker": text, "qa/api": text}, live={"protected": True})
    repository.write({"live/worker": wide, "qa/api": wide}, live={})
    headings = re.findall(r"^\S+ in .*", repository.review(), re.MULTILINE)
    assert headings == ["worker in live", "environment.yml in live", "api in qa"]


def environment(name: str, **settings: Any) -> Environment:
    """Return an environment with these settings."""
    return Environment(name, Names(), **settings)


@pytest.mark.parametrize(
    ("environments", "order"),
    [
        ([environment("a"), environment("b", protected=True)], ["b", "a"]),
        ([environment("dev", wildcards=True), environment("qa")], ["qa", "dev"]),
        ([environment("a"), environment("b", after="a"), environment("c", after="b")], ["c", "b", "a"]),
        ([environment("a", after="b"), environment("b", after="a")], ["a", "b"]),  # a circle has an end all the same
        ([environment("a", after="gone"), environment("b")], ["a", "b"]),
    ],
)
def test_protection_wildcards_and_what_comes_after_what_decide_the_order(environments, order) -> None:
    assert by_importance(environments) == by_importance(reversed(environments)) == order


def test_a_write_that_the_environment_before_does_not_have_is_marked(repository: Repository) -> None:
    read_alone = template(policy(SEND.replace("sqs:SendMessage, ", "")))
    settings = {"eu": {"after": "trial"}, "trial": {}}
    repository.commit({"eu/backend": read_alone, "trial/backend": read_alone}, **settings)
    repository.write({"eu/backend": TEXT, "trial/backend": read_alone}, **settings)
    assert "! a write that trial does not have: SendMessage" in repository.review()
    repository.write({"eu/backend": TEXT, "trial/backend": TEXT}, **settings)
    assert "a write that" not in repository.review()
    repository.write({"eu/backend": TEXT, "trial/backend": read_alone}, eu={}, trial={})
    assert "a write that" not in repository.review()

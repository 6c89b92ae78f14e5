"""What the README says in "Make it yours", done: the sample deleted, another company's table, and all of it works."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from deployed import commit, lines_about, states
from imports import deploy_imports, environments, in_account
from local_aws import local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENTS = ("dev", "qa", "load-test", "live")


@pytest.fixture(scope="module")
def aws(adopted) -> Iterator[dict[str, dict[str, str]]]:
    """Yield, by environment, the environment of a process that uses its account and region of one local AWS."""
    with local_aws() as anywhere:
        described = environments(adopted.folder)
        found = {name: in_account(anywhere, each) for name, each in described.items()}
        for name, each in described.items():
            deploy_imports(found[name], each, adopted.folder)
        yield found


def test_it_renders_checks_and_lints_with_nothing_of_the_sample_left(adopted) -> None:
    assert sorted(path.name for path in (adopted.folder / "out").iterdir()) == sorted([*ENVIRONMENTS, "ACCESS.md"])
    assert len(list((adopted.folder / "out/qa").glob("*.taskrole.yml"))) == 8
    assert "up to date" in adopted.make("check")
    adopted.make("lint")
    assert not re.search("(?i)mynavi", "".join(path.read_text() for path in adopted.folder.glob("out/**/*.*")))


def test_a_review_says_what_the_new_table_grants(adopted) -> None:
    review = adopted.make("review", "BASE=HEAD")

    assert lines_about(review, "live: 18 granted")
    assert lines_about(review, "orders-worker in live, load-test, qa")
    assert lines_about(review, "a write that qa does not have")  # billing, outside test/
    assert lines_about(review, "Production: 2 notice, 9 revoked")


def test_it_deploys_once_and_then_changes_nothing(adopted, aws) -> None:
    commit(adopted)
    preview = adopted.make("preview", "ENV=qa", "SERVICE=orders-worker", aws=aws["qa"])
    assert lines_about(preview, "orders-worker", "add", "SQSAccessPolicy")
    assert states(aws["qa"]) == {}

    deployed = adopted.make("deploy", "ENV=qa", "JOBS=4", aws=aws["qa"])
    assert len(lines_about(deployed, "deployed (CREATE_COMPLETE)")) == 8
    again = adopted.make("deploy", "ENV=qa", "SERVICE=orders-worker operations", "JOBS=2", aws=aws["qa"])
    assert again == "qa: no changes in orders-worker, operations\n"
    drift = adopted.make("drift", "ENV=qa", aws=aws["qa"])
    assert len(lines_about(drift, "in sync")) == len(lines_about(drift, "acme-", "-qa")) - 8 > 8


def test_environments_that_share_an_account_stand_beside_each_other(adopted, aws) -> None:
    adopted.make("deploy", "ENV=load-test", "SERVICE=mail", aws=aws["load-test"])

    names = [name for name in states(aws["qa"]) if "-mail-" in name]
    assert sorted(names) == ["acme-mail-taskrole-load-test", "acme-mail-taskrole-qa"]
    assert lines_about(adopted.make("drift", "ENV=qa", "SERVICE=mail", aws=aws["qa"]), "in sync")


@pytest.mark.thorough
def test_the_protected_environment_wants_yes_and_its_own_account(adopted, aws) -> None:
    asked = adopted.command("make", "deploy", "ENV=live", "SERVICE=mail", aws=aws["live"])
    assert asked.returncode != 0
    assert "deploy.sh: to deploy live without a terminal takes --yes" in asked.stderr
    elsewhere = adopted.command("make", "deploy", "ENV=live", "SERVICE=mail", "YES=1", aws=aws["qa"])
    assert elsewhere.returncode != 0
    assert "live is in account 333333333333, and the credentials lead to account 222222222222" in elsewhere.stderr
    adopted.make("deploy", "ENV=live", "SERVICE=mail", "YES=1", aws=aws["live"])
    assert states(aws["live"]) == {"acme-mail-taskrole-live": "CREATE_COMPLETE"}


@pytest.mark.thorough
def test_the_demo_shows_what_its_own_table_allows(adopted) -> None:
    demo = adopted.make("demo")

    assert "$ make deploy ENV=load-test" in demo  # the last environment before the protected one
    assert re.search(r"^sqs:SendMessage +acme-orders-queue-load-test +orders-api$", demo, re.MULTILINE), demo
    assert re.search(r"^iam:CreateRole +\* +nobody$", demo, re.MULTILINE)

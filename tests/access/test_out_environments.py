"""What out/ says of itself: environment.yml as it is read, and the names that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from repository import environment_yml

from taskroles.access.environments import Environment, TaskRole, beside, here, read_environment, require
from taskroles.faults import BadInput
from taskroles.names import Names
from taskroles.table import grammar

if TYPE_CHECKING:
    from pathlib import Path

NAMES = Names("acme-{service}-{environment}", "{service}.{Environment}.yml", "{AwsService}-{service}-${EnvType}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


def test_what_is_rendered_is_what_is_read() -> None:
    text = environment_yml(
        "Live-EU",
        ("orders", "mail"),
        names=NAMES,
        protected=True,
        after="qa",
        account="012345678901",
        region="eu-west-1",
        wildcards=True,
        parameters={"Vpc": 'a "b" #c', "EnvType": "Live-EU"},
    )
    assert read_environment(text, "out/Live-EU/environment.yml") == Environment(
        "Live-EU",
        Names("acme-{service}-live-eu", "{service}.Live-EU.yml", "{AwsService}-{service}-${EnvType}"),
        described=True,
        protected=True,
        after="qa",
        account="012345678901",
        region="eu-west-1",
        wildcards=True,
        parameters={"Vpc": 'a "b" #c', "EnvType": "Live-EU"},
        task_roles={"orders": TaskRole("export", "orders-role"), "mail": TaskRole("export", "mail-role")},
    )


def test_settings_that_are_not_there_are_off() -> None:
    found = read_environment(environment_yml("dev", ()), "out/dev/environment.yml")
    assert found[2:8] == (True, False, "", "", "", False)
    assert found.task_roles == {}


def test_a_role_by_name_is_one_too() -> None:
    text = environment_yml("dev").replace('{export: "backend-role"}', '{name: "backend"}')
    assert read_environment(text, "out/dev/environment.yml").task_roles == {"backend": TaskRole("name", "backend")}
    assert TaskRole._fields == grammar.TaskRole._fields


def test_names_lead_to_services_and_back() -> None:
    live = read_environment(environment_yml("live", names=NAMES), "out/live/environment.yml")
    assert (live.stack("a-b"), live.template("a-b")) == ("acme-a-b-live", "out/live/a-b.live.yml")
    assert (live.service("out/live/a-b.live.yml"), live.service_of_stack("acme-a-b-live")) == ("a-b", "a-b")
    assert live.service_of_stack("acme-a-b-qa") == live.service_of_stack("x-acme-a-b-live") == ""
    assert live.service("out/live/A.live.yml") == "A.live.yml"
    assert live.service("out/live/a.yml") == "a.yml"


def test_a_pattern_may_name_the_service_twice() -> None:
    twice = Environment("live", Names(template="{service}/x"), described=True)._replace(
        names=Names(template="{service}-of-{service}.yml")
    )
    assert twice.service("a-of-a.yml") == "a"
    assert twice.service("a-of-b.yml") == "a-of-b.yml"


def test_all_environments_of_the_current_folder_are_read(folder: Path) -> None:
    assert here() == {}
    for name in ("live", "qa"):
        put(folder, f"out/{name}/environment.yml", environment_yml(name))
    put(folder, "out/ACCESS.md", "")
    assert list(here()) == ["live", "qa"]


def test_a_folder_without_one_and_one_that_is_broken_are_said_with_their_places(folder: Path) -> None:
    put(folder, "out/live/a.yml", "")
    with pytest.raises(BadInput) as error:
        here()
    assert error.value.faults == [
        "there is no out/live/environment.yml, which says what the stacks are called: run `make render`"
    ]
    put(folder, "out/live/environment.yml", environment_yml("qa"))
    put(folder, "out/qa/environment.yml", "a: [")
    with pytest.raises(BadInput) as error:
        here()
    assert error.value.faults == [
        'out/live/environment.yml:3: is of "qa", and lies in the folder of live: run `make render`',
        "out/qa/environment.yml:2: not YAML: did not find expected node content",
    ]


def test_beside_a_template_there_is_one_or_a_reason(folder: Path) -> None:
    template = folder / "out/live/a.yml"
    put(folder, "out/live/a.yml", "")
    assert beside(template)[0] is None
    assert beside(template)[1].startswith("there is no ")
    (template.parent / "environment.yml").mkdir()
    assert beside(template)[1].endswith("environment.yml: Is a directory")
    (template.parent / "environment.yml").rmdir()
    put(folder, "out/live/environment.yml", environment_yml("live"))
    found, reason = beside(template)
    assert (found.name if found else "", reason) == ("live", "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lvie", "no environment is called 'lvie'; out/ has: live, qa. Did you mean 'live'?"),
        ("", "no environment given; out/ has: live, qa"),
    ],
)
def test_a_name_that_is_none_is_said_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(BadInput) as error:
        require("environment", name, ["live", "qa"])
    assert str(error.value).startswith(message)
    require("environment", "qa", ["live", "qa"])

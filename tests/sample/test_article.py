"""The article's sample: what is committed is what renders, and its full access is the article's, action for action."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from project import HERE, Project, load

SAMPLE = Path(__file__).parent
ENVIRONMENTS = ("Dev", "Staging", "Production")
PARTIAL = re.compile(r"\((policies/\S+)\)$", re.MULTILINE)  # in the comment above a policy
ARTICLE = json.loads((SAMPLE / "article-policies.json").read_text())


def template(service: str, environment: str) -> str:
    """Return the path of a template."""
    return f"out/{environment}/sample-ecs-taskrole-{service}-cfn.yml"


@pytest.fixture(scope="module")
def article(tmp_path_factory) -> Project:
    """Return a project in which both services have the article's access in all environments."""
    project = Project(tmp_path_factory.mktemp("article"))
    shutil.copy(SAMPLE / "article-services.yml", project.folder / "services.yml")
    project.render()
    return project


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("service", ARTICLE)
def test_level_full_is_the_article_action_for_action(article: Project, service: str, environment: str) -> None:
    rendered = load(article.read(template(service, environment)))
    assert policies_of(rendered) == ARTICLE[service]
    assert list(policies_of(rendered)) == list(ARTICLE[service])
    for resource in rendered["Resources"].values():
        assert resource["Type"] == "AWS::IAM::Policy"
        assert resource["Properties"]["PolicyDocument"]["Version"] == "2012-10-17"
    assert rendered["Parameters"]["EnvType"]["AllowedValues"] == [environment]
    assert rendered["Parameters"]["EnvType"]["Default"] == environment
    assert set(rendered["Parameters"]) == {"VPCName", "EnvType"}


def policies_of(rendered: dict[str, Any]) -> dict[str, Any]:
    """Return the policies of a template as article-policies.json writes them."""
    return {
        logical_id: {
            "PolicyName": resource["Properties"]["PolicyName"]["Fn::Sub"],
            "Statement": resource["Properties"]["PolicyDocument"]["Statement"],
            "Roles": resource["Properties"]["Roles"],
        }
        for logical_id, resource in rendered["Resources"].items()
    }


@pytest.mark.parametrize("service", ARTICLE)
def test_dev_keeps_the_access_of_the_article(service: str) -> None:
    assert policies_of(load((HERE / template(service, "Dev")).read_text())) == ARTICLE[service]


def test_what_is_committed_is_what_renders(project: Project) -> None:
    shutil.copy(HERE / "services.yml", project.folder / "services.yml")
    shutil.rmtree(project.folder / "out")
    project.render()
    rendered = {path: content for path, (content, _) in project.tree().items()}
    committed = {str(path.relative_to(HERE)): path.read_bytes() for path in (HERE / "out").rglob("*") if path.is_file()}
    assert rendered == committed


def test_production_alone_is_protected_and_comes_after_staging() -> None:
    said = {name: (HERE / f"out/{name}/environment.yml").read_text() for name in ENVIRONMENTS}
    assert [name for name, text in said.items() if "\nprotected: true\n" in text] == ["Production"]
    assert [name for name, text in said.items() if '\nafter: "Staging"\n' in text] == ["Production"]
    assert [name for name, text in said.items() if "\nwildcards: true\n" in text] == ["Dev"]


def test_the_partials_of_the_article_name_its_points() -> None:
    used = {name for path in (HERE / "out").glob("*/*-cfn.yml") for name in PARTIAL.findall(path.read_text())}
    assert len(used) > len({name for name in used if name.endswith("/full.yml.j2")}) > 0
    for name in sorted(used):
        opening = (HERE / name).read_text().partition("#}")[0]
        assert "article's" in opening, name

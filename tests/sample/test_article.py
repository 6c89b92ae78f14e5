"""What the sample promises: level `full` is the article's, action for action, and what is committed is what renders."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from project import HERE, load

if TYPE_CHECKING:
    from project import Project

ENVIRONMENTS = ("Dev", "Staging", "Production")
ARTICLE = json.loads((HERE / "tests/sample/article-policies.json").read_text())


def template(service: str, environment: str) -> str:
    """Return the path of a template."""
    return f"out/{environment}/sample-ecs-taskrole-{service}-cfn.yml"


def all_full(project: Project) -> None:
    """Give both services the article's access in all environments."""
    project.write("services.yml", (HERE / "tests/sample/article-services.yml").read_text())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("service", ARTICLE)
def test_level_full_is_the_article_action_for_action(project: Project, service: str, environment: str) -> None:
    all_full(project)
    project.render()
    rendered = load(project.read(template(service, environment)))
    policies = {
        logical_id: {
            "PolicyName": resource["Properties"]["PolicyName"]["Fn::Sub"],
            "Statement": resource["Properties"]["PolicyDocument"]["Statement"],
            "Roles": resource["Properties"]["Roles"],
        }
        for logical_id, resource in rendered["Resources"].items()
    }
    assert policies == ARTICLE[service]
    assert list(policies) == list(ARTICLE[service])
    for resource in rendered["Resources"].values():
        assert resource["Type"] == "AWS::IAM::Policy"
        assert resource["Properties"]["PolicyDocument"]["Version"] == "2012-10-17"
    assert rendered["Parameters"]["EnvType"]["AllowedValues"] == [environment]
    assert rendered["Parameters"]["EnvType"]["Default"] == environment
    assert set(rendered["Parameters"]) == {"VPCName", "EnvType"}


def test_what_is_committed_is_what_renders(project: Project) -> None:
    committed = {str(path.relative_to(HERE)): path.read_bytes() for path in (HERE / "out").rglob("*") if path.is_file()}
    shutil.rmtree(project.folder / "out")
    shutil.copy(HERE / "services.yml", project.folder)
    project.render()
    assert {path: content for path, (content, _) in project.tree().items()} == committed

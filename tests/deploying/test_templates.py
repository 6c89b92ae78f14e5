"""Templates as a deploy reads them: what is none, and what its functions stand for."""

from __future__ import annotations

import pytest
from project import rendered

from taskroles.access.environments import here
from taskroles.access.template import parse_template
from taskroles.deploying.templates import imported, read_template, resolve
from taskroles.faults import BadInput

PATH = "out/Dev/sample-ecs-taskrole-backend-cfn.yml"
GOOD = (rendered("two-services") / PATH).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "not a CloudFormation template: it has no map of Resources"),
        ("<<<<<<< HEAD\n", 1, "not a CloudFormation template: it has no map of Resources"),
        (GOOD + "<<<<<<< HEAD\n", GOOD.count("\n") + 1, "could not find expected ':'"),
        ("Resources: \x1b[2K", 1, "holds U+001B, which nobody sees"),
        (
            "Resources: {A: {Type: AWS::IAM::Policy}}",
            1,
            "it has no Resources that are policies with a name, a document and roles",
        ),
        (
            "Resources: {A: {Type: AWS::IAM::Policy, Properties: "
            "{PolicyName: P, PolicyDocument: {}, Roles: [!GetAtt A.B]}}}",
            1,
            "the role of P is Fn::GetAtt; a role may be text or Ref, Fn::Sub, Fn::Join, Fn::ImportValue",
        ),
    ],
)
def test_a_template_that_is_none_is_named(project, monkeypatch, text: str, line: int, message: str) -> None:
    project.write(PATH, text)
    monkeypatch.chdir(project.folder)

    with pytest.raises(BadInput) as error:
        read_template(here()["Dev"], "backend")

    assert error.value.faults == [f"{PATH}:{line}: {message}; render.py has not written this"]


def test_intrinsic_functions_are_resolved_and_unknown_names_stay() -> None:
    text = """
      Resources:
        plain: !Sub "${VPCName}-${EnvType}-${!Literal}-${Unknown}"
        mapped: !Sub ["arn:${Name}/*", {Name: !ImportValue table}]
        joined: !Join [":", [a, !Ref EnvType, !ImportValue nobody]]
    """
    template = parse_template(text, "a template")["Resources"]

    resolved = resolve(template, {"VPCName": "vpc", "EnvType": "Dev"}, {"table": "my-table"})

    assert resolved == {
        "plain": "vpc-Dev-${Literal}-${Unknown}",
        "mapped": "arn:my-table/*",
        "joined": "a:Dev:{'Fn::ImportValue': 'nobody'}",
    }
    assert list(imported(template, {})) == ["table", "nobody"]

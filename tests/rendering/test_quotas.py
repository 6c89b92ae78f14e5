"""What AWS limits: the inline policies of a role, names, the size of a template and its resources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from in_process import refused, rendered

if TYPE_CHECKING:
    from project import Project

PARTIAL = "policies/sqs/full.yml.j2"
TEMPLATE = "templates/taskrole.yml.j2"


def large_partial(count: int) -> str:
    """Return a partial of `count` actions of 30 characters."""
    return "- Effect: Allow\n  Action:\n" + "".join(f"    - sqs:{i:026}\n" for i in range(count)) + '  Resource: "*"\n'


def use(project: Project, roles: dict[str, object], **names: str) -> None:
    """Let services.yml have these services, each with its role and one policy."""
    services = "".join(
        f"  {name}: {{task_role: {json.dumps(role)}, policies: {{sqs: full}}}}\n" for name, role in roles.items()
    )
    project.write("services.yml", f"environments: [dev, live]\nnames: {json.dumps(names)}\nservices:\n{services}")


def test_the_inline_policies_of_a_role_have_a_limit(here) -> None:
    around = len('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[],"Resource":"*"}]}')
    fitting = (10_240 - around + 1) // 33
    use(here, {"a": "role"})
    here.write(PARTIAL, large_partial(fitting))
    rendered()
    here.write(PARTIAL, large_partial(fitting + 1))
    characters = around + 33 * (fitting + 1) - 1
    assert refused(here) == [
        f"services.yml:4: the inline policies of the task role of a have {characters:,} characters in {name}; IAM allows 10,240 a role"
        for name in ("dev", "live")
    ]


def test_services_that_share_a_role_share_its_limit(here) -> None:
    here.write(PARTIAL, large_partial(200))
    use(here, {"a": "role", "b": "role"})
    assert "the task role of a and b have 13,366 characters in dev" in refused(here)[0]
    use(here, {"a": {"name": "role"}, "b": {"name": "role"}})
    assert "the task role of a and b have 13,366 characters in dev" in refused(here)[0]


def test_a_name_and_an_export_are_two_roles(here) -> None:
    here.write(PARTIAL, large_partial(200))
    use(here, {"a": "role", "b": {"name": "role"}})
    rendered()


def test_the_name_of_a_policy_has_a_limit(here) -> None:
    pattern = "acme-{AwsService}AccessPolicy-{service}-of-the-environment-${EnvType}"
    rest = len("acme-SQSAccessPolicy--of-the-environment-live")
    use(here, {"short": "s", "a" * (128 - rest): "r"}, policy=pattern)
    rendered()
    longer = "a" * (129 - rest)
    use(here, {"short": "s", longer: "r"}, policy=pattern)
    assert refused(here) == [
        f"services.yml:5: the policy name acme-SQSAccessPolicy-{longer}-of-the-environment-live has 129 characters; "
        "IAM allows 128 (in live)"
    ]


def test_a_template_has_a_size_limit(here) -> None:
    use(here, {"a": "role"})
    here.replace(TEMPLATE, "What the task role", "x" * 52_000)
    faults = refused(here)
    assert len(faults) == 2
    assert "the template for dev has 52," in faults[0]
    assert faults[0].endswith("bytes; CloudFormation allows 51,200")


def test_a_template_has_a_limit_of_resources(here) -> None:
    use(here, {"a": "role"})
    policy = "{Properties: {PolicyName: n, PolicyDocument: {Statement: []}}}"
    more = "".join(f"  R{i}: {policy}\n" for i in range(500))
    here.write(TEMPLATE, here.read(TEMPLATE) + more)
    (fault,) = refused(here)
    assert fault.startswith(f"{TEMPLATE}:")
    assert fault.endswith(": 501 resources; CloudFormation allows 500")

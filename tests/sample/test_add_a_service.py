"""What the README says in "Add a service", done: a third service in the sample, and all that the sample promises holds."""

from __future__ import annotations

import re

import pytest
from clone import Clone

NOT_TRIED = [
    f"tests/sample/test_{name}.py" for name in ("add_a_service", "make_it_yours", "tests_of_the_product", "demo")
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Clone:
    """Return a clone of the repository with the README's third service, rendered."""
    clone = Clone(tmp_path_factory.mktemp("sample") / "task-roles")
    clone.write("services.yml", clone.read("services.yml") + "\n" + clone.readme_block("## Add a service", "batch:"))
    clone.make("render")
    return clone


def test_it_has_a_template_in_each_environment_that_is_clean(clone) -> None:
    assert len(list(clone.folder.glob("out/*/sample-ecs-taskrole-batch-cfn.yml"))) == 3
    clone.make("check")
    clone.make("lint")


@pytest.mark.thorough
def test_the_demo_tries_what_it_may_do_too(clone) -> None:
    demo = clone.make("demo")

    assert re.search(r"^Tried as the task role of +backend +frontend +batch$", demo, re.MULTILINE)
    assert re.search(r"^send to the queue +sqs:SendMessage +denied +allowed +allowed$", demo, re.MULTILINE)


def test_what_the_sample_promises_still_holds(clone) -> None:
    assert " passed" in clone.tests("tests/sample", *(f"--ignore={path}" for path in NOT_TRIED))

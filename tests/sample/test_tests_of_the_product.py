"""The tests of the product stand on projects of their own: with another company's table, and no sample, they are green.

The gate tries those that take some ten seconds together; ADOPTER=1 tries all of them.
"""

from __future__ import annotations

import os

import pytest

SLOW = ["access", "commands", "deploying", "e2e", "proposals", "rendering", "rules", "setup", "test_shown.py"]


@pytest.mark.thorough
def test_the_tests_of_the_product_are_green_with_another_table(adopted) -> None:
    assert " passed" in adopted.tests(
        "tests", *(f"--ignore=tests/{path}" for path in SLOW if "ADOPTER" not in os.environ)
    )

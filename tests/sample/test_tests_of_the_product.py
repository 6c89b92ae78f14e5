"""The tests of the product stand on projects of their own: with another company's table, and no sample, they are green."""

from __future__ import annotations

import os

import pytest

# The slowest: what deploys, what hypothesis makes up, what is killed and waited for, and what reads hand-written out/.
NOT_TRIED = [
    f"tests/{path}" for path in ("access", "e2e", "setup", "rendering/test_fuzz.py", "rendering/test_strength.py")
]


@pytest.mark.skipif(not os.environ.get("ADOPTER"), reason="takes minutes: ADOPTER=1 runs it")
def test_the_tests_of_the_product_are_green_with_another_table(adopted) -> None:
    assert " passed" in adopted.tests("tests", *(f"--ignore={path}" for path in NOT_TRIED))

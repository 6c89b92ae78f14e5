"""How many examples the property tests try, and from which seeds.

A test tries a few, the same ones each time. FUZZ=10000 lets each try so many, a share from each of SEEDS: a failure
comes again. `FUZZ=10000 pytest -n 0 -s tests/access -k oracle` prints what it tried; SEEDS="5 6" tries others.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

FUZZ = int(os.environ.get("FUZZ", "0"))
SEEDS = [int(number) for number in os.environ.get("SEEDS", "20251125 20261125 7 77").split()]


def tried(
    gate: int, *drawn: SearchStrategy[Any], share: int = 1
) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Make a test of a check: it tries `gate` examples of what is drawn, with FUZZ so many, or a share of them."""

    def as_test(check: Callable[..., None]) -> Callable[[], None]:
        def test() -> None:
            if not FUZZ:
                _settings(gate, derandomize=True)(given(*drawn)(check))()
                return
            each = -(-FUZZ // share // len(SEEDS))
            for number in SEEDS:
                seed(number)(_settings(each, derandomize=False)(given(*drawn)(check)))()
                print(f"\n{check.__name__}: {each} from seed {number}", flush=True)

        test.__doc__, test.__name__ = check.__doc__, check.__name__
        return test

    return as_test


def _settings(examples: int, *, derandomize: bool) -> settings:
    checks = list(HealthCheck)
    return settings(
        max_examples=examples, derandomize=derandomize, database=None, deadline=None, suppress_health_check=checks
    )

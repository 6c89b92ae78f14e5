"""How many examples the property tests try: FUZZ=10000 tries so many of each kind, other ones each time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FUZZ = int(os.environ.get("FUZZ", "0"))


def examples(gate: int) -> settings:
    """Return how a test tries its examples: `gate` of them by default, always the same."""
    return settings(
        max_examples=FUZZ or gate,
        derandomize=not FUZZ,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


EXAMPLES = examples(300)

"""Say whether the roles hold what was just deployed, once IAM has heard of it; ends with 1, and what differs, if not."""

from __future__ import annotations

from taskroles.commands._arguments import ended, given, parser
from taskroles.deploying.held import held


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    options = parser("held", __doc__).parse_args(argv)
    return ended(lambda: held(*given(options.environment, options.services)))

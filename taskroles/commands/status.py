"""Print the state of each stack; to stdout, the service and the stack's id of those that exist."""

from __future__ import annotations

from taskroles.commands._arguments import ended, given, parser
from taskroles.deploying.status import status


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    options = parser("status", __doc__).parse_args(argv)
    return ended(lambda: status(*given(options.environment, options.services)))

"""Print the change sets, and the stacks made to hold one, that a deploy has made and not executed."""

from __future__ import annotations

from taskroles.commands._arguments import ended, given, parser
from taskroles.deploying.changes import leftovers


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("leftovers", __doc__)
    arguments.add_argument("--token", required=True, help="what the run has tagged its change sets with")
    options = arguments.parse_args(argv)
    return ended(lambda: leftovers(*given(options.environment, options.services), options.token))

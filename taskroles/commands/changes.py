"""Show the change sets of a deploy as one table; 1 if one is not that of the copy, in the account that was checked."""

from __future__ import annotations

from taskroles.commands._arguments import ended, given, parser
from taskroles.deploying.changes import changes


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    options = parser("changes", __doc__).parse_args(argv)
    return ended(lambda: changes(*given(options.environment, options.services)))

"""Print the state of each stack; to stdout those that exist: service, id, guarded (from termination) or unguarded."""

from __future__ import annotations

from taskroles.commands._arguments import deployed, ended, parser
from taskroles.deploying.status import status, unguarded


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("status", __doc__)
    arguments.add_argument("--ours", action="store_true", help="refuse if one of them is not ours")
    arguments.add_argument("--unguarded", action="store_true", help="no table, and those alone that are to be guarded")
    options = arguments.parse_args(argv)
    if options.unguarded:
        return ended(lambda: unguarded(*deployed(options.environment, options.services)))
    return ended(lambda: status(*deployed(options.environment, options.services), ours=options.ours))

"""Follow what a deploy has started: a line for each event, then how each service ended; 1 if one failed.

3 if AWS could not be asked to the end: then nothing else is to be begun.
"""

from __future__ import annotations

from taskroles.commands._arguments import ended, given, parser
from taskroles.deploying.events import follow


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("events", __doc__)
    arguments.add_argument("--token", required=True, help="the client request token of the operations")
    options = arguments.parse_args(argv)
    return ended(lambda: follow(options.token, *given(options.environment, options.services)))

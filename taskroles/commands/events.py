"""Follow what a deploy has started: a line for each event, then how each service ended; 1 if one failed.

DIRECTORY holds a file for each service: what the AWS CLI has said about it (deploy.sh writes it).
"""

from __future__ import annotations

from pathlib import Path

from taskroles.commands._arguments import ended, given, parser
from taskroles.deploying.events import follow


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("events", __doc__)
    arguments.add_argument("--directory", type=Path, required=True)
    arguments.add_argument("--token", required=True, help="the client request token of the operations")
    options = arguments.parse_args(argv)
    meant = given(options.environment, options.services)
    return ended(lambda: follow(options.directory, options.token, *meant))

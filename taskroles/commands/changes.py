"""Show the change sets of a deploy as one table: what is about to change.

DIRECTORY holds a file for each service: what the AWS CLI has said about it (deploy.sh writes it).
"""

from __future__ import annotations

from pathlib import Path

from taskroles.commands._arguments import ended, given, parser
from taskroles.deploying.changes import changes


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("changes", __doc__)
    arguments.add_argument("--directory", type=Path, required=True)
    options = arguments.parse_args(argv)
    return ended(lambda: changes(options.directory, *given(options.environment, options.services)))

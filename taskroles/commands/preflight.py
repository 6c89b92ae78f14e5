"""Check all that would make a deploy fail, and say where it goes; ends with 1 and every problem if there is one.

To stdout, the AWS CLI to use, the services whose stack never came up, that change, and that are to be guarded.
"""

from __future__ import annotations

from taskroles.commands._arguments import chosen, ended, parser
from taskroles.deploying.preflight import check


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("preflight", __doc__)
    arguments.add_argument("--recreate", action="store_true", help="a stack that never came up is no problem")
    options = arguments.parse_args(argv)
    return ended(lambda: check(*chosen(options.environment, options.services), recreate=options.recreate))

"""Write the least policy that a principal needs to preview, deploy, drift and destroy these very stacks and roles.

To stdout: a policy document, or a list of them where IAM takes no longer one; or a CloudFormation template of managed
policies, which imports the names of task roles that out/ knows as exports. Nothing is asked of AWS.
"""

from __future__ import annotations

import sys

from taskroles.commands._arguments import chosen, parser
from taskroles.deploying.deployer import as_json, as_template, given_roles, not_named, policies, remarks
from taskroles.terminal import paint, say

FORMS = {"json": as_json, "cloudformation": as_template}


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    arguments = parser("deployer", __doc__)
    arguments.add_argument(
        "--format", choices=FORMS, help="json, unless out/ does not say what the task roles are called"
    )
    arguments.add_argument(
        "--role",
        action="append",
        default=[],
        metavar="SERVICE=NAME",
        help="what a task role is called (PATH/NAME, if it has a path)",
    )
    options = arguments.parse_args(argv)
    environment, services = chosen(options.environment, options.services)
    roles = given_roles(options.role, services)
    form = options.format or ("cloudformation" if not_named(environment, services, roles) else "json")
    written = FORMS[form](environment, services, roles)
    sys.stdout.write(written)
    count = len(policies(environment, services, roles))
    say(*(paint(f"note: {line}", "33") for line in remarks(environment, form, written, count)))
    return 0

"""Say, policy by policy, whether IAM holds what out/ says; ends with 1 if anything differs.

CloudFormation cannot do it: "This resource does not support drift detection" (AWS::IAM::Policy, in the
CloudFormation Template Reference).
"""

from __future__ import annotations

from taskroles.commands._arguments import chosen, ended, parser
from taskroles.deploying.drift import drift


def main(argv: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    options = parser("drift", __doc__).parse_args(argv)
    return ended(lambda: drift(*chosen(options.environment, options.services)))

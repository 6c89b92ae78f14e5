"""E9008: a resource in another account than that of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class OtherAccount(_policy.StatementRule):
    """Refuse an account that is written in digits and is not the `account` of the environment."""

    id = "E9008"
    shortdesc = "Resource in another account"
    description = (
        "What belongs to another account is not this environment's to grant, and a digit may be wrong. "
        "${AWS::AccountId} is the account of the stack; `account` in services.yml says which one that is, and without it "
        'any may be. Its configuration `exceptions` lists others, each "ACCOUNT because REASON" or "SERVICE/LOGICAL-ID '
        'because REASON". No environment is excepted.'
    )
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-cross-account-resource-access.html"

    def findings(self, validator: Validator, statement: dict[str, Any]) -> ValidationResult:
        """Yield a finding for each such resource that the statement allows."""
        for resource, account in _policy.other_accounts(validator, statement):
            if not self.is_excepted(validator, account):
                more = self.reasonless(validator, account)
                own = f"account {_policy.environment(validator).account}, which ${{AWS::AccountId}} stands for"
                message = f"Resource {resource.written!r} is in account {account}; environment.yml says {own}{more}"
                yield _policy.finding(validator, message, resource.path)

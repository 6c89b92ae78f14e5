"""E9008: a resource in another account than that of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.helpers import import_filename
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

if TYPE_CHECKING:
    from cfnlint.jsonschema import ValidationResult, Validator

_policy = import_filename("_policy", str(Path(__file__).parent))  # by path, as cfn-lint loads this file


class OtherAccount(CfnLintKeyword):
    """Refuse an account that is written in digits and is not the `account` of the environment."""

    id = "E9008"
    shortdesc = "Resource in another account"
    description = (
        "What belongs to another account is not this environment's to grant, and a digit may be wrong. ${AWS::AccountId} is "
        "the account of the stack; `account` in services.yml says which one that is, and without it any may be. Its configuration `exceptions` lists "
        'others, each "ACCOUNT because REASON" or "SERVICE/LOGICAL-ID because REASON". No environment is excepted.'
    )
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-cross-account-resource-access.html"
    tags = ("resources", "iam")

    def __init__(self) -> None:
        """Run on every policy statement."""
        super().__init__([_policy.STATEMENT])
        self.config_definition = _policy.EXCEPTIONS

    def validate(self, validator: Validator, _: Any, statement: Any, __: dict[str, Any]) -> ValidationResult:
        """Yield a finding for each such resource that the statement allows."""
        if not validator.is_type(statement, "object"):
            return
        here = _policy.environment(validator)
        if not here or not here.account:  # any may be its own
            return
        for resource, account in _policy.other_accounts(validator, statement):
            if not _policy.is_excepted(self.config["exceptions"], validator, account):
                more = _policy.reasonless(self.config["exceptions"], validator, account)
                message = f"Resource {resource.written!r} is in account {account}; environment.yml says account {here.account}{more}"
                yield _policy.finding(validator, message, resource.path)

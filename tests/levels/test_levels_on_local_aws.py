"""A local AWS that enforces IAM refuses the calls of a level without it, and lets them through with it.

Those calls whose parameters local.yml holds, of levels on the usual target. All others are left to the decision.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from botocore import xform_name
from botocore.exceptions import ClientError
from granted import ACCOUNT, NARROW, REGION, TARGET, document, entries, listed
from local_aws import DENIED, assume_role, client, local_aws
from local_aws import REGION as LOCAL_REGION
from project import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from granted import Call, Entry

LOCAL_ACCOUNT = "000000000000"
APIS = {"states": "stepfunctions"}  # where the folder is called otherwise
PARAMETERS = yaml.safe_load((HERE / "tests/levels/local.yml").read_text(encoding="utf-8"))
ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
NOTHING = {"Effect": "Allow", "Action": "none:None", "Resource": "*"}
FOLDERS = [folder for folder in PARAMETERS if any(name == folder for name, _ in NARROW)]


class Role:
    """A role of a local AWS that has one policy at a time."""

    def __init__(self, aws: dict[str, str]) -> None:
        self.iam = client(aws, "iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [ANYBODY]})
        self.iam.create_role(RoleName="task", AssumeRolePolicyDocument=trust)
        self.keys = assume_role(aws, "task")

    def grant(self, statements: list[dict[str, Any]]) -> None:
        """Give the role these statements and no others."""
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        text = text.replace(ACCOUNT, LOCAL_ACCOUNT).replace(REGION, LOCAL_REGION)
        self.iam.put_role_policy(RoleName="task", PolicyName="level", PolicyDocument=text)

    def is_denied(self, api: Any, call: Call, folder: str) -> bool:
        """Make a call, and tell whether IAM refuses it: what does not exist is told to those who may ask."""
        operation = call.name.split()[0]
        prefix = {"Prefix": call.given["s3:prefix"][0]} if "s3:prefix" in call.given else {}
        try:
            getattr(api, xform_name(operation))(**PARAMETERS[folder][operation], **prefix)
        except ClientError as error:
            return error.response["Error"]["Code"] in DENIED
        return False


@pytest.fixture(scope="module")
def role() -> Iterator[Role]:
    """Return a role of a local AWS in which the bucket and the secret are: the ARN of a secret is made with it."""
    with local_aws() as aws:
        bucket = {"LocationConstraint": LOCAL_REGION}
        client(aws, "s3").create_bucket(Bucket=TARGET["name"], CreateBucketConfiguration=bucket)
        client(aws, "secretsmanager").create_secret(Name=TARGET["name"], SecretString="x")
        yield Role(aws)


def served(entry: Entry) -> list[Call]:
    """Return the calls of an entry that are made here: operations by their plain names, maybe on a prefix."""
    names = PARAMETERS[entry.aws_service]
    return [call for call in entry.calls if call.name in names and set(call.given) <= {"s3:prefix"}]


def without(statements: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    """Return statements without an action."""
    less = copy.deepcopy(statements)
    for statement in less:
        statement["Action"] = [each for each in listed(statement["Action"]) if each != action]
    return [statement for statement in less if statement["Action"]] or [NOTHING]


@pytest.mark.thorough
@pytest.mark.parametrize("folder", FOLDERS)
def test_calls_are_let_through_with_the_level_and_refused_without_an_action_that_they_need(role, folder: str) -> None:
    api, made = client(role.keys, APIS.get(folder, folder)), set()
    for entry in (each for name, level in NARROW if name == folder for each in entries(name, level)):
        calls = served(entry) if entry.target in (TARGET, None) else []
        whole = document(entry) if calls else []
        for action in sorted({action for call in calls for action in call.needs}):
            role.grant(without(whole, action))
            let_through = [
                call.name for call in calls if action in call.needs and not role.is_denied(api, call, folder)
            ]
            assert let_through == [], f"{entry.level} without {action}"
        if calls:
            role.grant(whole)
            assert [call.name for call in calls if role.is_denied(api, call, folder)] == [], entry.level
            made |= {call.name for call in calls}
    assert made

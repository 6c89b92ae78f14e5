"""A call that is denied, what `taskroles explain` makes of the message, and the same call once its advice is deployed."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from deployed import PATIENT, TEMPLATE
from imports import exports_of
from local_aws import assume_role, client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from project import Project

CALLS = [
    ["sqs", "send-message", "--endpoint-url", "{endpoint}", "--queue-url", "{queue}", "--message-body", "1"],
    ["s3api", "put-object", "--bucket", "{bucket}", "--key", "a"],
    ["ssm", "get-parameters-by-path", "--path", "/app"],
]


def aws_cli(aws: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run the AWS CLI."""
    return subprocess.run(["aws", *command], env=aws, text=True, capture_output=True, check=False)


@pytest.fixture(scope="module")
def named(aws: dict[str, str]) -> dict[str, str]:
    """Return what stands for the words in braces of a call: the queue and the bucket that the exports name are made."""
    exports = exports_of(aws)
    bucket = exports["MynaviSampleS3Bucket-Arn-Staging"].rpartition(":")[2]
    client(aws, "s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    queue = client(aws, "sqs").create_queue(QueueName=exports["MynaviSampleSQS-Staging"])["QueueUrl"]
    return {"endpoint": aws["AWS_ENDPOINT_URL"], "queue": queue, "bucket": bucket}


@pytest.fixture
def deploy(aws: dict[str, str]) -> Iterator[Callable[[Project], None]]:
    """Yield a function that deploys the backend's template for Staging; what it deployed is deleted afterwards.

    Not by `aws cloudformation deploy`: it names change sets by the second, and two of one stack may meet in one.
    """
    cloudformation, calls = client(aws, "cloudformation"), ["create_stack", "update_stack"]
    stack = {"StackName": "backend-staging"}

    def deploy(project: Project) -> None:
        body = project.read(TEMPLATE("Staging", "backend"))
        call = calls.pop(0)
        getattr(cloudformation, call)(**stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        cloudformation.get_waiter(f"stack_{call.split('_')[0]}_complete").wait(**stack, WaiterConfig=PATIENT)

    yield deploy
    cloudformation.delete_stack(**stack)
    cloudformation.get_waiter("stack_delete_complete").wait(**stack, WaiterConfig=PATIENT)


@pytest.mark.thorough
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[1])
def test_the_line_that_explain_proposes_makes_the_denied_call_succeed(  # noqa: PLR0913, PLR0917 - fixtures
    aws, named, roles, project, deploy, call
) -> None:
    deploy(project)
    role = assume_role(aws, roles["Staging", "backend"])
    call = [word.format(**named) for word in call]
    denied = aws_cli(role, *call)
    assert "is not authorized to perform" in denied.stderr

    answer = project.verb("explain", "--error", denied.stderr)
    assert (answer.returncode, answer.stderr) == (0, "")
    follow(project, answer.stdout)
    project.render()
    deploy(project)

    assert aws_cli(role, *call).returncode == 0


def follow(project: Project, answer: str) -> None:
    """Write into services.yml what the answer says, where it says."""
    lines = project.read("services.yml").splitlines()
    advice = re.findall(
        r"^(add|write).* services\.yml:(\d+).*\n(.*)|^(write) into services\.yml:(\d+).*\n(.*)", answer, re.MULTILINE
    )
    assert advice
    for found in reversed(advice):
        verb, line, text = found[:3] if found[0] else found[3:]
        lines[int(line) - (verb == "write") : int(line)] = [text.replace("WHICH-ONE", "app")]
    project.write("services.yml", "\n".join(lines) + "\n")

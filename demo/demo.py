"""Deploy Staging to a local AWS that enforces IAM, and try what its task roles can do.

    make demo

It needs no AWS account, and ends everything that it starts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from local_aws import (
    PARAMETER,
    SERVICES,
    assume_role,
    client,
    deploy_prerequisites,
    exit_on_sigterm,
    is_allowed,
    local_aws,
    task_roles,
)

ROOT = Path(__file__).parents[1]
BOLD, DIM, GREEN = 1, 2, 32
ENVIRONMENT, OTHER = "Staging", "Production"

QUEUE = {"QueueUrl": "http://127.0.0.1/000000000000/mynavi-sample-queue-staging"}
TABLE, OTHER_TABLE = {"TableName": "staging_sample-table"}, {"TableName": "production_sample-table"}
ITEM = {"samplePartitionKey": {"S": "1"}, "sampleSortKey": {"S": "1"}}
BUCKET = {"Bucket": "debugroom-mynavi-sample-cloudformation-bucket-staging"}
OTHER_BUCKET = {"Bucket": "debugroom-mynavi-sample-cloudformation-bucket-production"}
DB = {"DBInstanceIdentifier": "mynavi-sample-cloudformation-staging-postgresql"}
OBJECT = {"Key": "hello.txt"}

# What each role tries, in this order: the call, its parameters, and what that is in plain words.
CALLS = [
    ("sqs:SendMessage", QUEUE | {"MessageBody": "hello"}, "send to the queue"),
    ("sqs:ReceiveMessage", QUEUE, "receive from the queue"),
    ("sqs:PurgeQueue", QUEUE, "empty the queue"),
    ("dynamodb:UpdateItem", TABLE | {"Key": ITEM}, "save an item in the table"),
    ("dynamodb:Scan", TABLE, "scan the table"),
    ("dynamodb:Scan", OTHER_TABLE, "scan Production's table"),
    ("s3:PutObject", BUCKET | OBJECT, "put an object into the bucket"),
    ("s3:GetObject", BUCKET | OBJECT, "get it back"),
    ("s3:PutObject", OTHER_BUCKET | OBJECT, "put one into Production's bucket"),
    ("s3:DeleteBucket", BUCKET, "delete the bucket"),
    ("ssm:GetParameter", {"Name": PARAMETER}, "read the database's password"),
    ("ssm:GetParameter", {"Name": f"{PARAMETER}-of-others"}, "read another parameter"),
    ("rds:DescribeDBInstances", DB, "find the database's endpoint"),
    ("iam:ListRoles", {}, "list the account's roles"),
]


def make(aws: dict[str, str], target: str) -> None:
    """Run `make TARGET ENV=Staging`, shown as typed; raise CalledProcessError if it fails."""
    print("\n" + colour(BOLD, f"$ make {target} ENV={ENVIRONMENT}"), flush=True)
    # What a `make demo` around this exports, such as its job server, is not for this make.
    environment = {name: value for name, value in aws.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    command = ["make", "--no-print-directory", target, f"ENV={ENVIRONMENT}"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def try_calls(aws: dict[str, str]) -> None:
    """Assume each service's task role, make every call with its keys, and print a line for each call."""
    roles = task_roles(aws, ENVIRONMENT)
    keys = {service: assume_role(aws, roles[service]) for service in SERVICES}
    print("\n" + colour(BOLD, f"{'Tried as the task role of':59}" + "  ".join(SERVICES)))
    for call, parameters, words in CALLS:
        aws_service, operation = call.split(":")
        allowed = (is_allowed(client(keys[service], aws_service), operation, parameters) for service in SERVICES)
        verdicts = (colour(GREEN, "allowed") if each else colour(DIM, "denied ") for each in allowed)
        print(f"{words:34}{call:25}" + "  ".join(verdicts), flush=True)


def colour(code: int, text: str) -> str:
    """Return the text in a colour on a terminal, unless NO_COLOR is set."""
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def main() -> int:
    """Show preview, deploy and use of Staging; return the exit code."""
    signal.signal(signal.SIGTERM, exit_on_sigterm)
    start = time.monotonic()
    try:
        with local_aws() as aws:
            print(
                f"A local AWS that enforces IAM: {aws['AWS_ENDPOINT_URL']}; nothing leaves this machine.",
                flush=True,
            )
            deploy_prerequisites(aws, ENVIRONMENT, OTHER)
            make(aws, "preview")
            make(aws, "deploy")
            try_calls(aws)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except subprocess.CalledProcessError:
        return 1
    except RuntimeError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"\nThe local AWS is gone again, after {time.monotonic() - start:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

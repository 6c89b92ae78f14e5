"""A local AWS that enforces IAM, for the demo and the end-to-end tests.

It is ministack, run by the Python that runs this, on 127.0.0.1 and a free port. It needs no account, keeps
everything in memory, and refuses what a role's policies do not allow.

    python demo/local_aws.py COMMAND [ARGUMENT ...]      run COMMAND against a local AWS of its own
    python demo/local_aws.py --for ENV COMMAND ...       ... in the account and region of an environment of out/,
                                                         which has all that its templates import
"""

from __future__ import annotations

import functools
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.client import BaseClient
    from botocore.session import Session

REGION = "ap-northeast-1"
START_SECONDS = 60

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
# What a service says only after IAM has let the call through.
ALLOWED_BUT_NOT_FOUND = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "CacheClusterNotFound",
    "DBInstanceNotFound",
    "ParameterNotFound",
    "ReceiptHandleIsInvalid",
    "ResourceNotFoundException",
}

# Its standard input is a pipe that closes when the parent is gone, even if the parent was killed.
SERVER = """
import os, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()
from hypercorn.__main__ import main
sys.exit(main(["--workers", "0", "--bind", "fd://" + sys.argv[1], "ministack.app:app"]))
"""


@contextmanager
def local_aws() -> Iterator[dict[str, str]]:
    """Start a local AWS, yield the environment of a process that uses it, and end it.

    That environment is this process's own, with every AWS setting replaced (no profile, no files, the keys of
    the local account's root) and the AWS CLI that is installed beside this Python first on PATH. Raises
    RuntimeError with what the server printed if it does not come up.
    """
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    options = {"AUTH": "true", "MINISTACK_HOST": "127.0.0.1"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with tempfile.TemporaryDirectory(prefix="local-aws-") as folder, (Path(folder) / "log").open("w+") as log:
        # The server inherits a socket that already listens, so that no other program can take the port first.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            server = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(listener.fileno())],
                cwd=folder,
                env=keys | options | {"GATEWAY_PORT": str(port), "TMPDIR": folder},
                pass_fds=[listener.fileno()],
                start_new_session=True,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            if not answers(port):
                server.kill()
                log.seek(0)
                message = f"the local AWS did not start; it printed:\n{log.read()}"
                raise RuntimeError(message)
            yield {
                **inherited,
                **keys,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_PAGER": "",
                "NO_PROXY": "127.0.0.1",
                "PATH": f"{Path(sys.executable).parent}:{inherited.get('PATH', os.defpath)}",
            }
        finally:
            server.kill()
            server.communicate()


def answers(port: int) -> bool:
    """Wait for the server on `port`; False if it ends or stays silent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@functools.cache
def botocore_session() -> Session:
    """Return a session that reads no profile and no file; its clients share the service models it loads."""
    from botocore.session import Session

    unset = (None, None, None, None)
    return Session(session_vars={"profile": unset, "config_file": unset, "credentials_file": unset})


def client(aws: dict[str, str], service: str) -> BaseClient:
    """Return a botocore client of an AWS service for the endpoint, region and keys in `aws`."""
    from botocore.config import Config

    return botocore_session().create_client(
        service,
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        region_name=aws["AWS_DEFAULT_REGION"],
        aws_access_key_id=aws["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=aws["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=aws.get("AWS_SESSION_TOKEN"),
        config=Config(proxies={}),
    )


def assume_role(aws: dict[str, str], role: str) -> dict[str, str]:
    """Return `aws` with the temporary keys of the role of that name in place of its own."""
    sts = client(aws, "sts")
    arn = f"arn:aws:iam::{sts.get_caller_identity()['Account']}:role/{role}"
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="local-aws")["Credentials"]
    return {
        **aws,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def is_allowed(service_client: BaseClient, operation: str, parameters: dict) -> bool:
    """Make a call and say whether IAM let it through; raise an error that tells neither."""
    from botocore import xform_name
    from botocore.exceptions import ClientError

    try:
        getattr(service_client, xform_name(operation))(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in DENIED:
            return False
        if code not in ALLOWED_BUT_NOT_FOUND:
            raise
    return True


def exit_on_sigterm(*_: object) -> NoReturn:
    """Turn SIGTERM into SystemExit, so that context managers end what they started."""
    sys.exit(128 + signal.SIGTERM)


def main(argv: list[str]) -> int:
    """Run a command against a local AWS and return its exit code."""
    environment, command = (argv[1], argv[2:]) if argv[:1] == ["--for"] and argv[1:] else ("", argv)
    if not command or command[0].startswith("-"):
        sys.stderr.write(__doc__ or "")
        return 2
    signal.signal(signal.SIGTERM, exit_on_sigterm)
    try:
        with local_aws() as aws:
            if environment:
                from imports import prepared

                aws = prepared(aws, environment)  # noqa: PLW2901 - the same AWS, in another account
            return subprocess.run(command, env=aws, check=False).returncode
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (OSError, RuntimeError) as error:
        from imports import printable

        print(*map(printable, f"local_aws.py: {error}".split("\n")), sep="\n", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

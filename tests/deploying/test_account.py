"""The account and region of an environment are checked before anything else is asked of AWS."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import deployed
import pytest
from deployed import no_aws
from project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT, REGION = "222222222222", "eu-west-1"  # of qa, in tests/tables/acme.yml
WHO_AM_I = """\
<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{0}:user/test</Arn><UserId>test</UserId><Account>{0}</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
DENIED = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not to be had here</Message></Error></ErrorResponse>"
VERBS = {
    "preview": ["./deploy.sh", "--preview", "qa"],
    "deploy": ["./deploy.sh", "qa", "orders-api"],
    "drift": ["./deploy.sh", "--drift", "qa"],
    "destroy": ["./deploy.sh", "--destroy", "--yes", "qa", "orders-api"],
    "destroy what out/ no longer has": ["./deploy.sh", "--destroy", "--yes", "qa", "gone"],
    "status": ["python3", "-I", "taskroles", "status", "qa"],
    "review": ["python3", "-I", "taskroles", "review", "deployed", "--environment", "qa"],
}


class AWS(ThreadingHTTPServer):
    """An AWS that knows who asks, and denies all else; `calls` are the actions that it was asked for, in order."""

    def __init__(self, account: str) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Answer)
        self.account, self.calls = account, []

    def settings(self, region: str) -> dict[str, str]:
        """Return the environment of a process that asks it."""
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_MAX_ATTEMPTS": "1"}
        endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        return no_aws(**keys, AWS_ENDPOINT_URL=endpoint, AWS_DEFAULT_REGION=region, NO_PROXY="127.0.0.1")


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: AWS

    def do_POST(self) -> None:
        """Answer it, and write it down."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        (action,) = parse_qs(body).get("Action", [self.headers.get("X-Amz-Target", "?")])
        self.server.calls.append(action)
        known = action == "GetCallerIdentity"
        answer = (WHO_AM_I.format(self.server.account) if known else DENIED).encode()
        self.send_response(200 if known else 403)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def aws(account: str) -> Iterator[AWS]:
    """Yield an AWS whose keys are of an account."""
    with AWS(account) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """Return a project whose environments have accounts and regions."""
    folder: Path = tmp_path_factory.mktemp("acme")
    project = Project(folder, "acme")
    deployed.commit(project)
    return project


@pytest.mark.parametrize(("account", "region"), [(ACCOUNT, REGION), ("999999999999", REGION), (ACCOUNT, "us-east-1")])
@pytest.mark.parametrize("verb", VERBS)
def test_nothing_but_who_we_are_is_asked_of_another_account_or_region(project, aws, verb, region) -> None:
    result = deployed.run(project, aws.settings(region), *VERBS[verb])

    wrong = {"account": (ACCOUNT, aws.account), "region": (REGION, region)}
    sentences = [
        f"qa is in {key} {wanted}, and the credentials lead to {key} {found}"
        for key, (wanted, found) in wrong.items()
        if wanted != found
    ]
    said = result.stdout + result.stderr
    assert [sentence for sentence in sentences if sentence not in said] == []
    if sentences:
        assert set(aws.calls) == {"GetCallerIdentity"}, said
        assert result.returncode == (2 if verb == "review" else 1)  # 1 is a finding of a review's gate
        assert "out/qa/environment.yml says so; nothing else was asked of AWS" in said
    else:
        assert aws.calls[0] == "GetCallerIdentity"
        assert len(set(aws.calls)) > 1
        assert "is in account" not in said

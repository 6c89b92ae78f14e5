"""A proxy between the AWS CLI or botocore and the local AWS: it counts the calls, and spoils the answers that a test names.

    with proxy(aws) as between:                            # `aws`: the environment of a process that uses a local AWS
        between.play("CreateChangeSet", throttled(2))      # ... of this action the first two calls are throttled
        between.play("DescribeStacks", changed("UPDATE_COMPLETE", "UPDATE_FAILED"))
        done = deploy(project, between.aws, "Staging")     # `between.aws`: the same environment, through the proxy
        assert between.calls["ListExports"] == 1           # all calls of each action; `between.asked` has their order

An action is what the API Reference calls it ("GetCallerIdentity"; "sts.GetCallerIdentity" means the same), "*" is every
action. What is played for it is a function of the request and of what passes it on; those below are ready-made, and a
test may bring its own, as in `lambda request, passed_on: passed_on(request)`: it may wait, or do what another job would
do at that moment, before or after it passes the request on. The last one played for an action holds.

Nothing here waits for anything but AWS. One thread answers each connection, so calls may come at the same time.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PAGE = "<html><head><title>Access to this site</title></head><body><h1>Blocked by policy</h1></body></html>"
NOT_PASSED_ON = {"connection", "content-length", "date", "server", "transfer-encoding"}  # of an answer: ours are sent


class Request(NamedTuple):
    """A request: its action, and the parameters of the query protocol (CloudFormation, IAM and STS speak it)."""

    action: str
    parameters: Mapping[str, str]
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """An answer; one without a status is a connection that closes."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


if TYPE_CHECKING:
    PassedOn = Callable[[Request], Answer]
    Play = Callable[[Request, PassedOn], Answer]


class Proxy(ThreadingHTTPServer):
    """The proxy; `aws` is the environment of a process that goes through it, `calls` and `asked` what it was asked."""

    daemon_threads = True

    def __init__(self, aws: Mapping[str, str]) -> None:
        """Listen on a free port, in front of the local AWS of `aws`."""
        super().__init__(("127.0.0.1", 0), Connection)
        self.behind = urlsplit(aws["AWS_ENDPOINT_URL"]).netloc
        self.aws = {**aws, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server_address[1]}", "NO_PROXY": "127.0.0.1"}
        self.asked: list[str] = []
        self.plays: dict[str, Play] = {}

    @property
    def calls(self) -> Counter[str]:
        """How often each action was asked for."""
        return Counter(self.asked)

    def play(self, action: str, play: Play) -> None:
        """Answer the calls of an action, or of every action ("*"), in this way from now on."""
        self.plays[action.rpartition(".")[2]] = play

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        self.asked.append(request.action)
        play = self.plays.get(request.action) or self.plays.get("*")
        return play(request, self.passed_on) if play else self.passed_on(request)

    def passed_on(self, request: Request) -> Answer:
        """Return what the local AWS answers."""
        connection = http.client.HTTPConnection(self.behind, timeout=300)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        connection.request(request.method, request.path, request.body, headers)  # a play may have changed the body
        with connection.getresponse() as response:
            headers = {name: value for name, value in response.getheaders() if name.lower() not in NOT_PASSED_ON}
            return Answer(response.status, response.read(), headers)


class Connection(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: Proxy
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        """Read a request and answer it."""
        with suppress(ConnectionError):  # a client that was killed
            super().handle_one_request()

    def answer(self) -> None:
        """Answer the request that was read."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parameters = {}
        if "x-www-form-urlencoded" in self.headers.get("Content-Type", ""):
            parameters = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        target = self.headers.get("X-Amz-Target", f"{self.command} {self.path}").rpartition(".")[2]
        action = parameters.get("Action", target)
        answer = self.server.answer(
            Request(action, parameters, self.command, self.path, dict(self.headers.items()), body)
        )
        if not answer.status:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815 - as http.server wants them called

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def proxy(aws: Mapping[str, str]) -> Iterator[Proxy]:
    """Yield a proxy in front of the local AWS of `aws`, which ends with the block."""
    with Proxy(aws) as between:
        threading.Thread(target=between.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield between
        between.shutdown()


# --- what can be played --------------


def throttled(times: int) -> Play:
    """Throttle the first calls, and pass on those that follow. The AWS CLI and botocore try again by themselves."""
    return first(times, failed("Throttling", "Rate exceeded"))


def expired(after: int = 0) -> Play:
    """Pass on the first calls, and say of all that follow that the token has expired."""
    return then(after, failed("ExpiredToken", "The security token included in the request is expired", 403))


def failed(code: str, message: str, status: int = 400) -> Play:
    """Answer with an error of AWS."""
    xml = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    text = json.dumps({"__type": code, "message": message})

    def play(request: Request, _: PassedOn) -> Answer:
        return Answer(status, (xml if request.parameters else text).encode())

    return play


def stale(times: int) -> Play:
    """Give the first answer to a request again, to as many of the same that follow; what they ask changes nothing."""
    seen: dict[bytes, tuple[Answer, Iterator[int]]] = {}

    def play(request: Request, passed_on: PassedOn) -> Answer:
        if request.body not in seen:
            seen[request.body] = passed_on(request), itertools.count()
            return seen[request.body][0]
        answer, count = seen[request.body]
        return answer if next(count) < times else passed_on(request)

    return play


def html(status: int) -> Play:
    """Answer with the page of a proxy that lets nobody through (502, 403), or wants a login (200)."""
    return lambda *_: Answer(status, PAGE.encode(), {"Content-Type": "text/html"})


def changed(pattern: str, new: str) -> Play:
    """Replace what matches a regular expression in the text of the answer (`new` as `re.sub` takes it)."""

    def play(request: Request, passed_on: PassedOn) -> Answer:
        answer = passed_on(request)
        return answer._replace(body=re.sub(pattern, new, answer.body.decode(), flags=re.DOTALL).encode())

    return play


def closed(times: int) -> Play:
    """Close the connection of the first calls without an answer, before AWS hears of them."""
    return first(times, lambda *_: Answer(0))


def unheard(times: int) -> Play:
    """Close the connection of the first calls without an answer, after AWS has done what they ask."""

    def play(request: Request, passed_on: PassedOn) -> Answer:
        passed_on(request)
        return Answer(0)

    return first(times, play)


def first(times: int, play: Play) -> Play:
    """Play for the first calls alone, and pass on those that follow."""
    count = itertools.count()
    return lambda request, passed_on: play(request, passed_on) if next(count) < times else passed_on(request)


def then(after: int, play: Play) -> Play:
    """Pass on the first calls, and play for all that follow."""
    count = itertools.count()
    return lambda request, passed_on: passed_on(request) if next(count) < after else play(request, passed_on)

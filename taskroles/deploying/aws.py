"""AWS asked through botocore: as whom, where, and what comes back. Reads only; deploy.sh alone changes AWS."""

from __future__ import annotations

import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.faults import BadInput, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from botocore.client import BaseClient
    from botocore.session import Session

    from taskroles.access.environments import Environment


MAKING_CLIENTS = threading.Lock()  # which one session does one after the other


AT_A_TIME = 10  # calls that are under way


class Refused(Exception):
    """A check failed: the message says what, and the exit code is 1."""


class Account(NamedTuple):
    """Where the credentials lead."""

    id: str
    region: str
    partition: str
    principal: str


@functools.cache
def client(service: str) -> BaseClient:
    """Return a client that takes profile, region and endpoint from where the AWS CLI takes them.

    Raises BadInput if one of these is none.
    """
    try:
        with MAKING_CLIENTS:
            return session().create_client(service)
    except ValueError as error:
        message = f"AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS or what ~/.aws/config has for them is wrong: {error}"
        raise BadInput([message]) from error


@functools.cache
def session() -> Session:
    """Return the one session: its clients share credentials, so that a second factor is asked for once.

    botocore reads AWS_DEFAULT_REGION alone; as deploy.sh does, AWS_REGION goes before it.
    """
    from botocore.session import Session

    made = Session()
    if os.environ.get("AWS_REGION"):
        made.set_config_variable("region", os.environ["AWS_REGION"])
    return made


def ask(service: str, operation: str, **arguments: Any) -> dict[str, Any]:
    """Return the answer to one call, as in `ask("iam", "get_role", RoleName=name)`. Raises what botocore raises."""
    return getattr(client(service), operation)(**arguments)


def pages(service: str, operation: str, key: str, **arguments: str) -> Iterator[dict[str, Any]]:
    """Yield every item of a paginated answer. Raises as `ask`."""
    for page in client(service).get_paginator(operation).paginate(**arguments):
        yield from page[key]


def at_once(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Return what `work` finds out about each item from AWS, several of them at a time. Raises what it raises."""
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        return list(threads.map(work, items))


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what `ask` and `pages` raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def no_access(error: Exception) -> str:
    """Return what to do about an error in asking who we are."""
    profile = f"profile {os.environ['AWS_PROFILE']}" if os.environ.get("AWS_PROFILE") else "no AWS_PROFILE set"
    return printable(f"AWS cannot be asked: {error} ({profile}; `aws sts get-caller-identity` must work)")


@functools.cache
def caller() -> Account:
    """Return the account, region and principal that the credentials lead to."""
    region = client("cloudformation").meta.region_name
    identity = ask("sts", "get_caller_identity")
    return Account(identity["Account"], region, identity["Arn"].split(":")[1], identity["Arn"])


def account_of(environment: Environment) -> Account:
    """Return where the credentials lead. Raises Refused if that is not where the environment is."""
    account = caller()
    asked = {"account": (environment.account, account.id), "region": (environment.region, account.region)}
    wrong = [
        f"{environment.name} is in {key} {wanted}, and the credentials lead to {key} {found}"
        for key, (wanted, found) in asked.items()
        if wanted and wanted != found
    ]
    if wrong:
        raise Refused("; ".join([*map(printable, wrong), f"{environment.path} says so; nothing else was asked of AWS"]))
    return account


def heading(environment: Environment, account: Account) -> str:
    """Return the line that says where we are."""
    return printable(f"{environment.name}: account {account.id}, {account.region}, as {account.principal}")

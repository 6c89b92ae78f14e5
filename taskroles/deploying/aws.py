"""AWS asked through botocore: as whom, where, and what comes back. Reads only; deploy.sh alone changes AWS."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import shlex
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.deploying.answers import is_about_us, why
from taskroles.faults import BadInput, listed, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from botocore.client import BaseClient
    from botocore.session import Session

    from taskroles.access.environments import Environment

CLI_CACHE = "~/.aws/cli/cache"  # where the AWS CLI keeps the credentials of a role that wants a second factor
MAKING_CLIENTS = threading.Lock()  # which one session does one after the other


AT_A_TIME = 10  # calls that are under way


class Refused(Exception):
    """A check failed: the message says what, and the exit code is 1."""


class Unanswered(Refused):
    """AWS cannot be asked, or something else has answered: the message says why, and what to do."""


class Account(NamedTuple):
    """Where the credentials lead."""

    id: str
    region: str
    partition: str
    principal: str


@functools.cache
def client(service: str) -> BaseClient:
    """Return a client that takes profile, region and endpoint from where the AWS CLI takes them.

    Raises BadInput if one of these is none, and Unanswered if there are no credentials.
    """
    from botocore.exceptions import BotoCoreError

    with answering("the set-up"):
        try:
            with MAKING_CLIENTS:
                return session().create_client(service)
        except BotoCoreError:
            raise
        except ValueError as error:
            message = f"AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS or what ~/.aws/config has for them is wrong: {error}"
            raise BadInput([message]) from error


@functools.cache
def session() -> Session:
    """Return the one session: its clients share credentials, and those of a role with the AWS CLI, in its cache.

    So a second factor is asked for once in a deploy, whose AWS CLI calls find what the first program was given.
    botocore reads AWS_DEFAULT_REGION alone; as deploy.sh does, AWS_REGION goes before it.
    """
    from botocore.credentials import JSONFileCache
    from botocore.exceptions import BotoCoreError, ProfileNotFound
    from botocore.session import Session

    made = Session()
    if os.environ.get("AWS_REGION"):
        made.set_config_variable("region", os.environ["AWS_REGION"])
    try:
        provider = made.get_component("credential_provider").get_provider("assume-role")
        provider.cache = JSONFileCache(os.path.expanduser(CLI_CACHE))
        provider._prompter = code_of_second_factor  # noqa: SLF001 - botocore lets nobody else bring one
        let_the_aws_cli_log_in(made)
        made.get_credentials()
    except ProfileNotFound:
        name, known = profile(), sorted(made.available_profiles)
        raise Unanswered(
            cannot_be_asked(f"no profile is called {name}; ~/.aws has {listed(known, name or '')}")
        ) from None
    except BotoCoreError:
        raise
    except (AttributeError, OSError, ValueError) as error:  # what botocore lets through of a credential_process
        what = str(error)
        if isinstance(error, OSError):
            what = f"{error.filename} cannot be run: {error.strerror}"
        elif isinstance(error, (AttributeError, json.JSONDecodeError, UnicodeDecodeError)):
            what = "it prints no JSON object"
        raise Unanswered(cannot_be_asked(f"the credential_process of the profile fails: {what}")) from error
    return made


def let_the_aws_cli_log_in(made: Session) -> None:
    """Let the AWS CLI give the credentials of an `aws login`: botocore reads them only where awscrt is installed."""
    from botocore.credentials import ProcessProvider

    from taskroles.deploying.aws_cli import usable_aws_cli

    if "login_session" in made.get_scoped_config() and not importlib.util.find_spec("awscrt"):
        name = made.profile or "default"
        command = shlex.join([usable_aws_cli(), "configure", "export-credentials", "--format", "process"])
        command += f" --profile {shlex.quote(name)}"
        asked = ProcessProvider(name, lambda: {"profiles": {name: {"credential_process": command}}})
        asked.METHOD = "aws-login"
        made.get_component("credential_provider").insert_before("login", asked)


def code_of_second_factor(prompt: str) -> str:
    """Return the code that is typed on the terminal. Raises Unanswered if there is none to type it on."""
    from getpass import getpass

    try:
        Path(os.ctermid()).open("r+b", buffering=0).close()
    except OSError:
        what = "the profile wants the code of a second factor, and there is no terminal to type it on"
        way_out = "run `aws sts get-caller-identity` on one first: what it is given holds for some time"
        raise Unanswered(cannot_be_asked(f"{what}; {way_out}")) from None
    code = getpass(prompt).strip()
    if not re.fullmatch(r"[0-9]{6}", code):
        raise Unanswered(cannot_be_asked("the code of a second factor has six digits, and what was typed has not"))
    return code


@contextmanager
def answering(operation: str) -> Iterator[None]:
    """Raise Unanswered for whatever botocore raises, but for what AWS answers about the thing that was asked for."""
    from botocore.exceptions import ClientError

    try:
        yield
    except (BadInput, Refused):
        raise
    except Exception as error:  # botocore lets through what a page, a file or a program makes its code raise
        if isinstance(error, ClientError) and not is_about_us(error, operation):
            raise
        raise Unanswered(cannot_be_asked(why(error, operation, profile()))) from error


def ask(service: str, operation: str, **arguments: Any) -> dict[str, Any]:
    """Return the answer to one call, as in `ask("iam", "get_role", RoleName=name)`.

    Raises botocore's ClientError where AWS says no to this very thing ("does not exist"), and Unanswered for all else.
    """
    asked = client(service)
    with answering(asked.meta.method_to_api_mapping[operation]):
        return getattr(asked, operation)(**arguments)


def pages(service: str, operation: str, key: str, **arguments: str) -> Iterator[dict[str, Any]]:
    """Yield every item of a paginated answer. Raises as `ask`."""
    asked = client(service)
    answers = iter(asked.get_paginator(operation).paginate(**arguments))
    while True:
        with answering(asked.meta.method_to_api_mapping[operation]):
            page = next(answers, None)
        if page is None:
            return
        yield from page.get(key, [])


def at_once(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Return what `work` finds out about each item from AWS, several of them at a time. Raises what it raises."""
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        return list(threads.map(work, items))


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what `ask` and `pages` raise."""
    from botocore.exceptions import ClientError

    return (ClientError, Unanswered)


def no_access(error: Exception) -> str:
    """Return what to do about an error of `ask` or `pages`, as one line."""
    if isinstance(error, Unanswered):
        return str(error)
    return printable(f"{why(error, error.operation_name, profile())} ({as_whom()})")


def cannot_be_asked(reason: str) -> str:
    """Return the line that says so."""
    return printable(f"AWS cannot be asked: {reason} ({as_whom()}; `aws sts get-caller-identity` must work)")


def as_whom() -> str:
    """Return with which profile we ask."""
    return f"profile {profile()}" if profile() else "no AWS_PROFILE set"


def profile() -> str | None:
    """Return the profile that is asked for, as botocore reads it; None for the default."""
    return os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or None


@functools.cache
def caller() -> Account:
    """Return the account, region and principal that the credentials lead to."""
    region = client("cloudformation").meta.region_name
    if not region:  # set, and empty; botocore itself says so of one that is not set
        raise Unanswered(cannot_be_asked("AWS_REGION or AWS_DEFAULT_REGION is empty: set it, or unset both"))
    identity = ask("sts", "get_caller_identity")
    with answering("GetCallerIdentity"):
        return Account(identity["Account"], region, identity["Arn"].split(":")[1], identity["Arn"])


def is_principal(arn_of_caller: str, wanted: str) -> bool:
    """Tell whether the ARN that GetCallerIdentity answers with is of the principal of an ARN, which may be a role's.

    A session of a role is called arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION, without the path of the role; no two
    roles of an account have one name. All other principals are called there as they are anywhere.
    """
    return wanted == arn_of_caller or role_of(arn_of_caller) == without_path(wanted) != ""


def role_of(arn_of_caller: str) -> str:
    """Return the ARN of a session's role, without its path; "" if it is no session of a role."""
    match = re.fullmatch(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/[^/]+", arn_of_caller)
    return f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" if match else ""


def without_path(arn_of_role: str) -> str:
    """Return the ARN of a role without its path; "" if it is of no role."""
    match = re.fullmatch(r"(arn:[^:]+:iam::\d+:role/)(?:.*/)?([^/]+)", arn_of_role)
    return match[1] + match[2] if match else ""


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


def elsewhere(place: tuple[str, str]) -> str:
    """Return where the credentials lead now, "" if that is still the account and region of `place`: files may change."""
    now = caller().id, caller().region
    if now == place:
        return ""
    now_at, was_at = (", ".join(each) for each in (now, place))
    return printable(f"the credentials lead to account {now_at} now, and not to account {was_at}")


def deployer_of(environment: Environment) -> Account:
    """Return what `account_of` does. Raises Refused also if the environment names who deploys, and it is another."""
    account = account_of(environment)
    if environment.principal and not is_principal(account.principal, environment.principal):
        what = (
            f"{environment.name} is deployed as {environment.principal}, and the credentials are of {account.principal}"
        )
        raise Refused(printable(f"{what}; {environment.path} says so; nothing else was asked of AWS"))
    return account


def heading(environment: Environment, account: Account) -> str:
    """Return the line that says where we are."""
    return printable(f"{environment.name}: account {account.id}, {account.region}, as {account.principal}")

"""Read what CloudFormation holds for the templates in out/, and say whether a deploy may begin.

    stacks.py services [--deployed] ENV [SERVICE ...]  the services meant, one a line
    stacks.py check [--recreate] ENV SERVICE ...       where a deploy goes, and all that would make it fail
    stacks.py status ENV SERVICE ...                   the state of each stack

`deploy.sh` runs it; `follow.py`, `drift.py` and `review.py` import it. It only reads: whatever changes AWS is
a command in `deploy.sh`. What a program takes goes to stdout, what a person reads to stderr. Exit codes: 0
fine, 1 a check failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from botocore.client import BaseClient
    from botocore.session import Session

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
PRODUCTION = "Production"
OLDEST_AWS_CLI = {1: (1, 29, 0), 2: (2, 13, 0)}  # the first that know AWS_ENDPOINT_URL
NEVER_CAME_UP = {"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE"}


class Refused(Exception):
    """A check failed: the message says what, and the exit code is 1."""


class UsageError(Exception):
    """An argument is wrong: the message says what is allowed, and the exit code is 2."""


class Account(NamedTuple):
    """Where the credentials lead."""

    id: str
    region: str
    partition: str
    principal: str


# --- out/ ---------------------------------------------------------------------------------------------------


def template_path(environment: str, service: str) -> Path:
    """Return the path of a template under `out/`, relative to it."""
    return Path(environment, f"sample-ecs-taskrole-{service}-cfn.yml")


def stack_name(environment: str, service: str) -> str:
    """Return the name of the stack of a service in an environment."""
    return f"mynavi-sample-ecs-taskrole-{service}-{environment.lower()}"


def chosen_services(environment: str, services: Sequence[str], *, deployed: bool = False) -> list[str]:
    """Return the services meant: those given, or all of the environment. Raise UsageError for unknown names.

    `deployed`: a service that has a stack, though `out/` no longer has it, may be given too.
    """
    environments = sorted(path.name for path in OUT.glob("*/") if path.is_dir())
    require("environment", environment, environments)
    pattern = template_path(environment, "(.+)").name.replace(".yml", r"\.yml")
    known = sorted(match[1] for path in (OUT / environment).iterdir() if (match := re.fullmatch(pattern, path.name)))
    if deployed and set(services) - set(known):
        known += strays(environment, known)
    for service in services:
        require(f"service of {environment}", service, known)
    return list(dict.fromkeys(services)) or known


def require(kind: str, name: str, allowed: list[str]) -> None:
    """Raise UsageError, with the nearest name, unless the name is an allowed one."""
    if name in allowed:
        return
    what = f"no {kind} is called '{name}'" if name else f"no {kind} given"
    near = difflib.get_close_matches(name.lower(), [other.lower() for other in allowed], 1)
    nearest = [other for other in allowed if other.lower() in near]
    did_you_mean = f" (did you mean {nearest[0]}?)" if nearest else ""
    message = f"{what}{did_you_mean}; out/ has: {', '.join(allowed) or 'nothing'}"
    raise UsageError(message)


def read_template(environment: str, service: str) -> dict[str, Any]:
    """Return the template of a service in `out/`. Raises UsageError if it is none."""
    import yaml

    path = Path("out") / template_path(environment, service)
    line, what = 1, ""
    try:
        template = load_template((HERE / path).read_text(encoding="utf-8"))
        documents(template, {}, {})
        what = next(filter(None, map(unresolvable_role, policies(template))), "")
    except yaml.MarkedYAMLError as error:
        begins_before = error.context == "while scanning a simple key"  # as a mark of a merge conflict is read
        mark = error.context_mark if begins_before else error.problem_mark
        line, what = mark.line + 1, error.problem
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        what = str(error)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError):  # of another shape than ours
        what = "it has no Resources that are policies with a name, a document and roles"
    if what:
        what = "".join(c if c.isprintable() else " " for c in what)
        message = f"{path}:{line} is not a template that render.py has written: {what}"
        raise UsageError(message)
    return template


def unresolvable_role(policy: dict[str, Any]) -> str:
    """Return why the role of a policy cannot be told before CloudFormation has made it; "" if it can."""
    known = ("Ref", "Fn::Sub", "Fn::Join", "Fn::ImportValue")
    for role in policy["Roles"]:
        if isinstance(role, dict) and not role.keys() <= set(known):
            return f"the role of {policy['PolicyName']} is {', '.join(role)}; a role may be text or {', '.join(known)}"
    return ""


def load_template(text: str) -> dict[str, Any]:
    """Return a template as data, the short forms of intrinsic functions (`!Sub`) written out (`Fn::Sub`)."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Knows CloudFormation's tags, and changes nobody else's loader."""

    def intrinsic(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
        deep = {"sequence": loader.construct_sequence, "mapping": loader.construct_mapping}.get(node.id)
        value = deep(node, deep=True) if deep else loader.construct_scalar(node)
        return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}

    Loader.add_multi_constructor("!", intrinsic)
    return yaml.load(text, Loader)  # noqa: S506  (a SafeLoader)


def resolve(node: Any, values: dict[str, str], exports: dict[str, str]) -> Any:
    """Return a part of a template with `Ref`, `Fn::Sub`, `Fn::Join` and `Fn::ImportValue` evaluated.

    Names that nobody knows stay as they are written, and so do all other functions: our templates have none.
    """
    if isinstance(node, list):
        return [resolve(item, values, exports) for item in node]
    if isinstance(node, dict):
        node = {key: resolve(value, values, exports) for key, value in node.items()}
        match list(node.items()):
            case [("Ref", str(name))]:
                node = values.get(name, node)
            case [("Fn::Sub", argument)]:
                text, own = (argument, {}) if isinstance(argument, str) else argument
                known = {
                    **values,
                    **own,
                    **{f"!{name}": f"${{{name}}}" for name in re.findall(r"\$\{!([^}]+)", text)},
                }
                node = re.sub(r"\$\{([^}]+)\}", lambda match: str(known.get(match[1], match[0])), text)
            case [("Fn::Join", [separator, parts])]:
                node = separator.join(map(str, parts))
            case [("Fn::ImportValue", str(name))]:
                node = exports.get(name, node)
    return node


def imported(node: Any, values: dict[str, str]) -> Iterator[str]:
    """Yield the name of every export that a part of a template imports."""
    if isinstance(node, dict):
        if "Fn::ImportValue" in node:
            yield resolve(node["Fn::ImportValue"], values, {})
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from imported(item, values)


def policies(template: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the properties of each policy of a template, as they are written."""
    resources = template["Resources"].values()
    return [resource["Properties"] for resource in resources if resource["Type"] == "AWS::IAM::Policy"]


def documents(
    template: dict[str, Any], values: dict[str, str], exports: dict[str, str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the policy documents of a template, resolved, by role and policy name."""
    return {
        (str(role), policy["PolicyName"]): policy["PolicyDocument"]
        for policy in resolve(policies(template), values, exports)
        for role in policy.get("Roles", [])  # another stack's policy may have users only
    }


def uncommitted(environment: str, services: Sequence[str]) -> list[str]:
    """Return what git holds against the templates: a line for each that is not committed as it is here."""
    paths = [str(Path("out") / template_path(environment, service)) for service in services]
    git = [
        "git",
        "-C",
        str(HERE),
        "status",
        "--porcelain",
        "--untracked-files=all",
        "--ignored",
        "--",
        *paths,
    ]
    try:
        status = subprocess.run(git, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ["out/ is not in a git repository, so nobody can tell which commit is deployed"]
    return [f"{line[3:]} is not committed" for line in status.splitlines()]


# --- AWS ----------------------------------------------------------------------------------------------------


@functools.cache
def client(service: str) -> BaseClient:
    """Return a client that takes profile, region and endpoint from where the AWS CLI takes them.

    Raises UsageError if one of these is none.
    """
    try:
        return session().create_client(service)
    except ValueError as error:
        message = f"AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS or what ~/.aws/config has for them is wrong: {error}"
        raise UsageError(message) from error


@functools.cache
def session() -> Session:
    """Return the one session: its clients share credentials, so that a second factor is asked for once."""
    from botocore.session import Session

    return Session()


def pages(service: str, operation: str, key: str, **arguments: str) -> Iterator[dict[str, Any]]:
    """Yield every item of a paginated answer."""
    for page in client(service).get_paginator(operation).paginate(**arguments):
        yield from page[key]


def caller() -> Account:
    """Return the account, region and principal that the credentials lead to."""
    region = client("cloudformation").meta.region_name
    identity = client("sts").get_caller_identity()
    return Account(identity["Account"], region, identity["Arn"].split(":")[1], identity["Arn"])


def find_stack(name: str) -> dict[str, Any] | None:
    """Return a stack by its name or id as DescribeStacks gives it, or None."""
    from botocore.exceptions import ClientError

    try:
        return client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def strays(environment: str, services: Sequence[str]) -> list[str]:
    """Return the services that have a stack in an environment and are not among those given."""
    pattern = stack_name(environment, "(.+)")
    names = (stack["StackName"] for stack in pages("cloudformation", "describe_stacks", "Stacks"))
    found = (match[1] for name in names if (match := re.fullmatch(pattern, name)))
    return sorted(set(found) - set(services))


def came_up(stack: dict[str, Any] | None) -> bool:
    """Tell whether a stack exists and has ever been created whole."""
    return stack is not None and stack["StackStatus"] not in NEVER_CAME_UP


def template_of(name: str) -> str:
    """Return the text of the template that a stack has now."""
    body = client("cloudformation").get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return body if isinstance(body, str) else json.dumps(body)


def deployed_templates(environment: str, services: Iterable[str]) -> dict[str, str]:
    """Return the templates deployed now: path under `out/` to text. A service that is not deployed is absent.

    Raises what botocore raises (BotoCoreError, ClientError) if AWS cannot be asked.
    """
    names = {service: stack_name(environment, service) for service in services}
    return {
        template_path(environment, service).as_posix(): template_of(name)
        for service, name in names.items()
        if came_up(find_stack(name))
    }


@functools.cache
def all_exports() -> dict[str, str]:
    """Return the exports of the account and region: name to value."""
    return {item["Name"]: item["Value"] for item in pages("cloudformation", "list_exports", "Exports")}


def importers(export: str) -> list[str]:
    """Return the names of the stacks that import an export."""
    from botocore.exceptions import ClientError

    try:
        return list(pages("cloudformation", "list_imports", "Imports", ExportName=export))
    except ClientError as error:
        if "is not imported by any stack" in str(error):
            return []
        raise


def parameter_values(
    template: dict[str, Any], account: Account, stack: dict[str, Any] | None, **overrides: str | None
) -> dict[str, str]:
    """Return what names in a template mean: an override, else the stack's parameter, else the default."""
    defaults = {name: parameter.get("Default") for name, parameter in template.get("Parameters", {}).items()}
    previous = {item["ParameterKey"]: item["ParameterValue"] for item in (stack or {}).get("Parameters", [])}
    return {
        **{name: value for name, value in defaults.items() if value is not None},
        **previous,
        **{name: value for name, value in overrides.items() if value},
        "AWS::AccountId": account.id,
        "AWS::Region": account.region,
        "AWS::Partition": account.partition,
    }


# --- check --------------------------------------------------------------------------------------------------


def check(environment: str, services: Sequence[str], *, recreate: bool) -> int:
    """Print where the deploy goes; to stdout, the services whose stack never came up with its id.

    Raises Refused with all problems. `recreate`: a stack that never came up is to be deleted, and no problem.
    """
    problems = aws_cli_problems()
    warnings = uncommitted(environment, services)
    if environment == PRODUCTION:
        problems += [f"{line}; {PRODUCTION} takes what is committed" for line in warnings]
        warnings = []
    try:
        account = caller()
    except aws_errors() as error:
        problems.append(no_access(error))
    else:
        say(heading(environment, account))
        stacks = {service: find_stack(stack_name(environment, service)) for service in services}
        stuck = {service: stack for service, stack in stacks.items() if stack and not came_up(stack)}
        for service in stacks.keys() - (stuck.keys() if recreate else set()):
            problems += state_problem(service, stacks[service])
        problems += export_problems(environment, account, stacks)
        problems += owner_problems(environment, account, stacks)
        warnings += stray_warnings(environment)
        sys.stdout.writelines(f"{service} {stack['StackId']}\n" for service, stack in stuck.items())
    say(*(paint(f"warning: {line}", "33") for line in warnings))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise Refused("\n  - ".join([f"{count}, and nothing was changed:", *problems]))
    return 0


def aws_cli_problems() -> list[str]:
    """Return what is wrong with the AWS CLI on PATH."""
    if not shutil.which("aws"):
        return ["the AWS CLI (aws) is not on PATH: install it, version 2 or 1"]
    version = subprocess.run(["aws", "--version"], check=False, capture_output=True, text=True)
    match = re.search(r"aws-cli/(\d+)\.(\d+)\.(\d+)", version.stdout + version.stderr)
    if not match:
        return [f"`aws --version` does not say its version but: {(version.stdout + version.stderr).strip()}"]
    found = tuple(map(int, match.groups()))
    oldest = OLDEST_AWS_CLI.get(found[0], (0,))
    dotted = ".".join(map(str, oldest))
    return [f"AWS CLI {match[0]} is too old: {dotted} or newer is needed"] if found < oldest else []


def stray_warnings(environment: str) -> list[str]:
    """Return a line for each stack whose service `out/` no longer has."""
    return [
        f"out/{environment} has no {service}, but stack {stack_name(environment, service)} exists; "
        f"--destroy {environment} {service} deletes it"
        for service in strays(environment, chosen_services(environment, []))
    ]


def no_access(error: Exception) -> str:
    """Return what to do about an error in asking who we are."""
    profile = f"profile {os.environ['AWS_PROFILE']}" if os.environ.get("AWS_PROFILE") else "no AWS_PROFILE set"
    return f"AWS cannot be asked: {error} ({profile}; `aws sts get-caller-identity` must work)"


def state_problem(service: str, stack: dict[str, Any] | None) -> list[str]:
    """Return the problem with a stack in a state that no deploy can leave, and the way out; or nothing."""
    status = stack["StackStatus"] if stack else ""
    if status == "REVIEW_IN_PROGRESS":
        way_out = "its change set was never executed: deploy it with --recreate, which deletes it first"
    elif status in NEVER_CAME_UP:
        way_out = "it never came up: deploy it with --recreate, which deletes it first"
    elif status.endswith("_IN_PROGRESS"):
        way_out = "something is changing it now: wait until that has ended"
    elif status == "UPDATE_ROLLBACK_FAILED":
        command = f"aws cloudformation continue-update-rollback --stack-name {stack['StackName']}"
        way_out = f"repair what its events name, then run: {command}"
    elif status == "DELETE_FAILED":
        way_out = "repair what its events name, then delete it again with --destroy"
    else:
        return []
    return [f"{service}: stack {stack['StackName']} is {status};\n      {way_out}"]


def planned(
    environment: str, service: str, account: Account, stack: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the template of a service in `out/` and the values its names have when it is deployed now."""
    template = read_template(environment, service)
    vpc_name = os.environ.get("VPC_NAME")
    return template, parameter_values(template, account, stack, EnvType=environment, VPCName=vpc_name)


def export_problems(environment: str, account: Account, stacks: dict[str, dict[str, Any] | None]) -> list[str]:
    """Return the exports that the templates of the services import and no stack has, as one problem."""
    needed_by: dict[str, list[str]] = {}
    for service, stack in stacks.items():
        for name in dict.fromkeys(imported(*planned(environment, service, account, stack))):
            needed_by.setdefault(name, []).append(service)
    exports = all_exports()
    rows = [[name, f"needed by {', '.join(services)}"] for name, services in needed_by.items() if name not in exports]
    return ["\n      ".join(["no stack of this account and region exports:", *columns(rows)])] if rows else []


def owner_problems(environment: str, account: Account, stacks: dict[str, dict[str, Any] | None]) -> list[str]:
    """Return a problem for each other stack that puts policies on our roles under the names that we use.

    Its policies and ours would overwrite each other, and the first to go deletes both. Such a stack imports
    the role's name as ours do, so that CloudFormation can list it.
    """
    exports = all_exports()
    ours: dict[tuple[str, str], str] = {}
    suspects: set[str] = set()
    for service, stack in stacks.items():
        template, values = planned(environment, service, account, stack)
        ours |= dict.fromkeys(documents(template, values, exports), service)
        roles = imported([policy["Roles"] for policy in policies(template)], values)
        suspects.update(name for role in set(roles) & exports.keys() for name in importers(role))
    problems = []
    for other in sorted(suspects - {stack_name(environment, service) for service in stacks}):
        template = load_template(template_of(other))
        theirs = documents(template, parameter_values(template, account, find_stack(other)), exports)
        if both := sorted(ours.keys() & theirs.keys()):
            names = "".join(f"\n      {name} on role {role}" for role, name in both)
            problems.append(
                f"{ours[both[0]]}: stack {other} owns policies of the same names; delete it first, "
                f"or take them out of it:{names}"
            )
    return problems


# --- status --------------------------------------------------------------------------------------


def status(environment: str, services: Sequence[str]) -> int:
    """Print the state of each stack; to stdout, the service and stack id of those that exist."""
    stacks = {service: find_stack(stack_name(environment, service)) for service in services}
    rows = [
        [service, stack_name(environment, service), stack["StackStatus"] if stack else "does not exist"]
        for service, stack in stacks.items()
    ]
    say(heading(environment, caller()), *columns(rows))
    sys.stdout.writelines(f"{service} {stack['StackId']}\n" for service, stack in stacks.items() if stack)
    return 0


# --- screen -------------------------------------------------------------------------------------------------


def say(*lines: str) -> None:
    """Print lines to stderr, each with one write."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return the text in a colour if the stream (stderr) is a terminal and NO_COLOR does not forbid it."""
    plain = os.environ.get("NO_COLOR") or not (stream or sys.stderr).isatty()
    return text if plain else f"\x1b[{colour}m{text}\x1b[0m"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with their columns aligned."""

    def shown(cell: str) -> int:
        return len(re.sub(r"\x1b\[\d+m", "", cell))

    widths = [max(map(shown, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell + " " * (width - shown(cell)) for cell, width in zip(row, widths, strict=True)) for row in rows
    )
    return [line.rstrip() for line in lines]


def heading(environment: str, account: Account) -> str:
    """Return the line that says where we are."""
    return f"{environment}: account {account.id}, {account.region}, as {account.principal}"


# --- command line -------------------------------------------------------------------------------------------


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what botocore raises."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def exit_code(work: Callable[[], int]) -> int:
    """Do the work of a program and return its exit code: the one place where errors become exit codes."""
    try:
        return work()
    except UsageError as error:
        say(f"deploy.sh: {error}")
        return 2
    except Refused as error:
        say(paint(f"\ndeploy.sh: {error}", "31"))
        return 1
    except ModuleNotFoundError as error:
        say(f"deploy.sh: Python has no module {error.name}: run it with make, which installs what it needs")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not isinstance(error, aws_errors()):
            raise
        say(paint(f"\ndeploy.sh: {no_access(error)}", "31"))
        return 1


def run(arguments: argparse.Namespace) -> int:
    """Run one command."""
    environment, services = arguments.environment, arguments.services
    match arguments.command:
        case "services":
            print(*chosen_services(environment, services, deployed=arguments.deployed), sep="\n")
            return 0
        case "check":
            return check(environment, services, recreate=arguments.recreate)
        case _:
            return status(environment, services)


def main(argv: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("command", choices=["services", "check", "status"])
    parser.add_argument("environment")
    parser.add_argument("services", nargs="*")
    parser.add_argument("--deployed", action="store_true", help="allow services that out/ no longer has")
    parser.add_argument("--recreate", action="store_true", help="a stack that never came up is no problem")
    arguments = parser.parse_args(argv)
    return exit_code(lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

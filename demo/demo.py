"""Deploy an environment of out/ to a local AWS that enforces IAM, and try what its task roles can do.

    make demo

It needs no AWS account, and ends everything that it starts.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from imports import ROOT, environments, exports_of, listed, prepared, sample, task_roles, values_of
from local_aws import assume_role, client, exit_on_sigterm, is_allowed, local_aws

from taskroles.access.template import parse_template
from taskroles.deploying.templates import documents
from taskroles.faults import printable
from taskroles.terminal import columns, paint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskroles.access.environments import Environment

BOLD, DIM, GREEN = "1", "2", "32"


def make(aws: dict[str, str], *words: str) -> None:
    """Run make with these words, shown as typed; raise CalledProcessError if it fails."""
    print("\n" + paint(f"$ make {' '.join(words)}", BOLD, sys.stdout), flush=True)
    # What a `make demo` around this exports, such as its job server, is not for this make.
    inherited = {name: value for name, value in aws.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    subprocess.run(["make", "--no-print-directory", *words], cwd=ROOT, env=inherited, check=True)


def try_calls(aws: dict[str, str], roles: dict[str, str], calls: Iterable[tuple[str, dict, str]]) -> list[list[str]]:
    """Assume each service's task role and make every call with its keys; return a row for each call."""
    keys = {service: assume_role(aws, role) for service, role in roles.items()}
    rows = [["Tried as the task role of", "", *roles]]
    for call, parameters, words in calls:
        aws_service, operation = call.split(":")
        tries = (is_allowed(client(key, aws_service), operation, parameters) for key in keys.values())
        verdicts = (("allowed", GREEN) if allowed else ("denied", DIM) for allowed in tries)
        rows.append([words, call, *(paint(word, colour, sys.stdout) for word, colour in verdicts)])
    return rows


def ask_iam(aws: dict[str, str], environment: Environment, roles: dict[str, str]) -> list[list[str]]:
    """Ask IAM which task roles may do some of what the templates allow; return a row for each action."""
    iam, rows = client(aws, "iam"), [["Asked of IAM", "on", "allowed to"]]
    account = values_of(aws, environment)["AWS::AccountId"]
    for action, resource in questions(aws, environment):
        allowed = []
        for service, role in roles.items():
            answer = iam.simulate_principal_policy(
                PolicySourceArn=f"arn:aws:iam::{account}:role/{role}", ActionNames=[action], ResourceArns=[resource]
            )
            if answer["EvaluationResults"][0]["EvalDecision"] == "allowed":
                allowed.append(service)
        rows.append([printable(action), printable(resource.split(":", 5)[-1]), ", ".join(allowed) or "nobody"])
    return rows


def questions(aws: dict[str, str], environment: Environment) -> list[tuple[str, str]]:
    """Return an action of each policy, and one that none should allow; each with a resource. Neither is a wildcard."""
    values, asked = values_of(aws, environment), {}
    for service in environment.task_roles:
        path = environment.template(service)
        template = parse_template((ROOT / path).read_text(encoding="utf-8"), path)
        for document in documents(template, values, exports_of(aws)).values():
            named = [each for each in document["Statement"] if "Condition" not in each and "*" not in each["Action"][0]]
            for statement in named[-1:]:
                resource = listed(statement["Resource"])[0]
                asked[statement["Action"][0], resource if resource == "*" else resource.replace("*", "any")] = None
    return [*asked, ("iam:CreateRole", "*")]


def show(aws: dict[str, str]) -> None:
    """Show preview, deploy and use of the most important environment that is not protected."""
    found = environments()
    environment = next((each for each in found.values() if not each.protected), next(iter(found.values())))
    other = next((name for name in found if name != environment.name), environment.name)
    if the_sample := sample(found):
        prepared(aws, other)
    aws = prepared(aws, environment.name)
    words = [f"ENV={environment.name}", "JOBS=4"]
    make(aws, "preview", *words)
    make(aws, "deploy", *words, *(["YES=1"] if environment.protected else []))
    roles = task_roles(aws, environment)
    if the_sample:
        head, *lines = columns(try_calls(aws, roles, the_sample.calls(environment.name, other)))
    else:
        head, *lines = columns(ask_iam(aws, environment, roles))
    print("\n" + paint(head, BOLD, sys.stdout), *lines, sep="\n")


def main() -> int:
    """Run the demo; return the exit code."""
    signal.signal(signal.SIGTERM, exit_on_sigterm)
    start = time.monotonic()
    try:
        with local_aws() as aws:
            print(f"A local AWS that enforces IAM: {aws['AWS_ENDPOINT_URL']}; nothing leaves this machine.", flush=True)
            show(aws)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except subprocess.CalledProcessError:
        return 1
    except RuntimeError as error:
        print(*map(printable, f"demo: {error}".split("\n")), sep="\n", file=sys.stderr)
        return 1
    print(f"\nThe local AWS is gone again, after {time.monotonic() - start:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

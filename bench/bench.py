"""How fast, next to what: prints a table of ratios, measured in one run on this machine (README.md says of what).

usage: bench/bench.py [ROUNDS]    rounds of the short contests, 20 unless told; the long ones take a sixth of them
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import peers
from deploys import deploys
from projects import BARE, BIN, HERE, RENDER, VERB, WORK, commit, edit, forget, project, services_yml, widened

from taskroles.faults import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
TEMPLATE, SEND = "templates/taskrole.yml.j2", "policies/sqs/send.yml.j2"
TABLE = HERE / "tests/tables/two-services.yml"
WORDS = ("Which environments to deploy your service.", "The one environment that this is for.")


class Cost(NamedTuple):
    """What a command took: seconds by the clock and of the processors, and MiB at its peak."""

    wall: float
    cpu: float
    memory: float


class Contestant(NamedTuple):
    """A command, and what is done before each run of it and not measured."""

    command: list[str]
    prepare: Callable[[], Any] = lambda: None


def main(argv: list[str]) -> int:
    """Hold every contest and print the table."""
    if argv and not argv[0].isdecimal():
        print(__doc__.strip(), file=sys.stderr)
        return 2
    rounds = int(argv[0]) if argv else 20
    long = max(2, rounds // 6)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start\n")
    print("| what | takes, in CPU time | next to | times as long (lowest to highest) | in CPU time | memory | limit |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    two = project("two", TABLE.read_text())
    two_services(two, rounds)
    contest_of_peers(two, max(2, rounds // 2))
    verbs(project("verbs", TABLE.read_text()), rounds)
    thousand = many_services(project("1000", services_yml(1000)), long)
    review_of_all(WORK / "1000", long)
    ten = project("10000", services_yml(10_000))
    (found,) = contest(ten, 1, Contestant(RENDER, partial(forget, ten)))
    row("10,000 services: a tenth of a full render", [Cost(*(x / 10 for x in found[0]))], "1,000", thousand, "1.2")
    lint(project("lint", services_yml(50, ("dev", "qa"))), long)
    deploy(project("deploy", services_yml(24, ("dev", "qa"))), max(2, long // 3))
    return 0


def two_services(folder: Path, rounds: int) -> None:
    """Hold the contests of the project as it is."""
    bare = Contestant(BARE, partial(shutil.rmtree, folder / "out"))
    full = Contestant(RENDER, partial(edit, folder / TEMPLATE, *WORDS))
    nothing, noop = contest(folder, rounds, Contestant([f"{BIN}/python", "-c", "pass"]), Contestant(RENDER))
    row("2 services: nothing to do", noop, "python -c pass", nothing, "1.5")
    plain, warm, cold = contest(folder, rounds, bare, full, Contestant(RENDER, partial(forget, folder)))
    row("2 services: full render, the template was edited", warm, "the bare script", plain, "1.3")
    row("2 services: full render, no .cache/", cold, "the bare script", plain, "1.3")


def verbs(folder: Path, rounds: int) -> None:
    """Hold the contests of the review and of explain, next to a bare interpreter: what they take in CPU time."""
    commit(folder)
    python, review = Contestant([f"{BIN}/python", "-c", "pass"]), [*VERB, "review", "HEAD"]
    explain = [*VERB, "explain", "--service=backend", "--environment=Staging", "--action=sqs:SendMessage"]
    plain, unchanged = contest(folder, rounds, python, Contestant(review))
    row("review: nothing changed", unchanged, "python -c pass", plain, "0.1 s of CPU time")
    edit(folder / "out/Staging/sample-ecs-taskrole-backend-cfn.yml", "sqs:ReceiveMessage", "sqs:PurgeQueue")
    plain, changed = contest(folder, rounds, python, Contestant(review))
    row("review: one template changed", changed, "python -c pass", plain, "0.3 s of CPU time")
    plain, explained = contest(folder, rounds, python, Contestant(explain))
    row("explain: an action that is denied", explained, "python -c pass", plain, "0.4 s of CPU time")


def review_of_all(folder: Path, rounds: int) -> None:
    """Hold the contests of the review of a change of every template, there and back."""
    commit(folder)
    services = folder / "services.yml"
    services.write_text(widened(services.read_text()))
    subprocess.run(RENDER, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    plain, changed = contest(
        folder, rounds, Contestant(RENDER, partial(forget, folder)), Contestant([*VERB, "review", "HEAD"])
    )
    row("1,000 services: review, each from narrow to full", changed, "a full render", plain, "8 s")
    commit(folder)
    (back,) = contest(folder, rounds, Contestant([*VERB, "review", "HEAD", "HEAD~1"]))
    row("... and back", back, "a full render", plain, "8 s")


def many_services(folder: Path, rounds: int) -> list[Cost]:
    """Hold the contests of 1,000 services; return what a full render takes."""
    render, check = Contestant(RENDER), Contestant([*RENDER, "--check"])
    bare = Contestant(BARE, partial(shutil.rmtree, folder / "out"))
    plain, full, noop = contest(folder, rounds, bare, Contestant(RENDER, partial(forget, folder)), render)
    row("1,000 services: full render", full, "the bare script", plain, "2")
    row("... nothing to do", noop, "a full render", full)
    (checked,) = contest(folder, rounds, check)
    row("... --check, nothing to do", checked, "a full render", full)
    (checked,) = contest(
        folder, rounds, Contestant(check.command, partial((folder / ".cache/render").unlink, missing_ok=True))
    )
    row("... --check, knowing of no render before", checked, "a full render", full)
    contest(folder, 1, render)
    (entry,) = contest(
        folder,
        rounds,
        render._replace(prepare=partial(edit, folder / "services.yml", "-Service7EcsTaskRole-", "-Service7EcsRole-")),
    )
    row("... one entry of services.yml changed (3 files)", entry, "a full render", full)
    (changed,) = contest(
        folder, rounds, render._replace(prepare=partial(edit, folder / SEND, "GetQueueUrl", "GetQueueUr?"))
    )
    row("... one partial changed (20 files)", changed, "a full render", full)
    return full


def lint(folder: Path, rounds: int) -> None:
    """Hold the contests of linting 100 templates."""
    command = [*VERB, "lint"]
    cache, template = folder / ".cache/lint", next((folder / "out").glob("*/service-*.yml"))
    plain, cold = contest(
        folder, rounds, Contestant([f"{BIN}/cfn-lint"]), Contestant(command, partial(cache.unlink, missing_ok=True))
    )
    row(
        "lint: 100 templates, no cache", cold, "one cfn-lint", plain, f"{1.2 / (os.cpu_count() or 1):.2f} (1.2 / cores)"
    )
    noop, one = contest(folder, rounds, Contestant(command), Contestant(command, partial(edit, template, *WORDS)))
    row("lint: nothing changed", noop, "one cfn-lint", plain)
    row("lint: one template changed", one, "one cfn-lint", plain)


def deploy(folder: Path, rounds: int) -> None:
    """Hold the contests of deploying many services: next to the AWS CLI alone, and once more with nothing to do."""
    with deploys(folder) as commands:
        ours, bare = (Contestant(command, commands.delete) for command in (commands.ours, commands.bare))
        plain, first = contest(folder, rounds, bare, ours)
        row("24 services: deploy, JOBS=8", first, "a bare aws cloudformation deploy each, 8 at a time", plain)
        (again,) = contest(folder, rounds, Contestant(commands.ours))
        row("... nothing to do", again, "the first deploy", first)


def contest_of_peers(folder: Path, rounds: int) -> None:
    """Hold the contests of other tools that write the same policies."""
    for name, (command, missing) in peers.commands(WORK / "peers", folder).items():
        if missing:
            print(f"| 2 services: {name} | - | could not be installed here: {printable(missing)} | | | | |")
            continue
        ours, theirs = contest(folder, rounds, Contestant(RENDER, partial(forget, folder)), Contestant(command))
        row(f"2 services: {name}", theirs, "a full render, no .cache/", ours)
    peers.check(folder)


def contest(folder: Path, rounds: int, *contestants: Contestant) -> list[list[Cost]]:
    """Run the contestants by turns; return what each took in each round."""
    costs: list[list[Cost]] = [[] for _ in contestants]
    for _ in range(rounds):
        for contestant, found in zip(contestants, costs, strict=True):
            contestant.prepare()
            found.append(run(contestant.command, folder))
    return costs


def run(command: list[str], folder: Path) -> Cost:
    """Run a command, which must succeed, and return what it and its children took."""
    with (WORK / "printed").open("w+b") as printed:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=printed, stderr=subprocess.STDOUT, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            printed.seek(0)
            said = map(printable, printed.read().decode(errors="replace").split("\n"))
            raise SystemExit("\n".join([f"{' '.join(command)} failed:", *said]))
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def row(what: str, ours: list[Cost], against: str, base: list[Cost], limit: str = "") -> None:
    """Print a row: the median of `ours`, and its ratios to `base`, round by round, in time and in memory."""
    wall, cpu, memory = (ratios_of(ours, base, by) for by in Cost._fields)
    takes, busy = (statistics.median(getattr(cost, by) for cost in ours) * 1000 for by in ("wall", "cpu"))
    spread = f"**{statistics.median(wall):.2f}** ({min(wall):.2f} to {max(wall):.2f})"
    peak = f"{max(cost.memory for cost in ours):,.0f} MiB, {statistics.median(memory):.2f}"
    print(
        f"| {what} | {takes:,.0f} ms, {busy:,.0f} ms | {against} | {spread} | {statistics.median(cpu):.2f} | {peak} | {limit} |",
        flush=True,
    )


def ratios_of(ours: list[Cost], base: list[Cost], by: str) -> list[float]:
    """Return the ratios round by round; where one was not held as often, to the median of the other."""
    middle = statistics.median(getattr(cost, by) for cost in base)
    bases = [getattr(cost, by) for cost in base] if len(base) == len(ours) else [middle] * len(ours)
    return [getattr(cost, by) / found for cost, found in zip(ours, bases, strict=True)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

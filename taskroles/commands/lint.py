"""Lint the templates that are not known to be clean.

Says what a bare `cfn-lint` says here, with the same configuration (.cfnlintrc.yaml). A template is known to
be clean if it was linted without a finding under its path, with its content, and with all else that decides
(see `fingerprint`). One with a finding is linted again each time. Takes no arguments; ends with 0 (clean),
1 (findings) or 2 (cannot lint).
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskroles.access.environments import beside
from taskroles.access.template import DEEPEST
from taskroles.documents import too_deep
from taskroles.faults import BadInput, printable
from taskroles.rules._exceptions import Linted, faults
from taskroles.tree import ENVIRONMENT_FILE, OUT, is_template, oddity, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskroles.access.environments import Environment

CONFIGURATION = Path(".cfnlintrc.yaml")
PROGRAM = Path(__file__).resolve().parents[1]
CACHE = Path(".cache/lint")  # a digest a line: there is nothing to parse, so any content is a valid cache
RULES, RULE = "taskroles/rules", "E9005"  # where ours are, and one of them
ONE_PROCESS = 16  # templates that take as long as cfn-lint's start: fewer are not worth one more process
PATIENCE = 2.0  # seconds without a word


def main(argv: list[str]) -> int:
    """Lint and print; return the exit code."""
    if argv:
        raise BadInput([f"lint takes no arguments; what is linted stands in {CONFIGURATION}"])
    return lint()


def lint() -> int:
    """Lint what is not known to be clean, print the findings, remember what is clean."""
    if not CONFIGURATION.is_file():
        raise BadInput([f"{CONFIGURATION} is missing: it says which templates are linted by which rules"])
    common = fingerprint()
    found = walk(OUT)
    if odd := [f"{path} {why}" for path, kind in found if (why := oddity(path, kind))]:
        raise BadInput(odd)
    templates = [Path(path) for path, _ in found if is_template(path)]
    before = {str(path): digest(common, path) for path in templates}
    if not before:
        raise BadInput([f"no template in {OUT}/; `make render` writes them"])
    known = set(CACHE.read_bytes().split()) if CACHE.is_file() else set()
    passed, findings = [], 0
    unknown = [path for path in before if before[path] not in known]
    if deep := [
        f"{path}:{line}: is nested more than {DEEPEST} levels deep" for path in unknown if (line := depth(path))
    ]:
        raise BadInput(deep)
    for path, text in run_cfn_lint(unknown):
        if text:
            findings += 1
            print(text)
        else:
            passed.append(path)
    environment_of.cache_clear()
    clean = known.intersection(before.values())
    clean.update(
        before[path] for path in passed if digest(common, path) == before[path]
    )  # else it was edited meanwhile
    whole = hashlib.sha256(common + repr(before).encode()).hexdigest().encode()
    wrong = [] if whole in known else exception_faults(templates)
    if wrong:
        print(*map(printable, wrong), sep="\n", file=sys.stderr)
    else:
        clean.add(whole)
    if clean != known:
        remember(clean)
    return 1 if findings or wrong else 0


def depth(path: str) -> int:
    """Return the line at which a template is nested too deeply, 0 if it is not: cfn-lint would end without a word."""
    return too_deep(Path(path).read_text(encoding="utf-8", errors="replace"), DEEPEST)


def exception_faults(templates: list[Path]) -> list[str]:
    """Return what is wrong with the exceptions that the configuration makes."""
    linted = []
    for path in templates:
        environment, _ = environment_of(path.parent)
        service = environment.service(path.name) if environment else path.name
        text = path.read_text(encoding="utf-8", errors="replace")
        linted.append(Linted(service, text, wildcards=bool(environment and environment.wildcards)))
    text = CONFIGURATION.read_text(encoding="utf-8")
    return [f"{CONFIGURATION}:{line}: {what}" for line, what in faults(text, linted)]


def fingerprint() -> bytes:
    """Return a digest of what decides beside a template: cfn-lint, its schemas, this program, the configuration.

    The distributions installed beside cfn-lint stand for its version and the versions of all it is built on.
    `cfn-lint --update-specs` puts newer schemas into the user's cache (cfnlint.helpers.get_cache_dir).
    """
    linter = importlib.util.find_spec("cfnlint")
    if linter is None or linter.origin is None:
        raise BadInput(["cfn-lint is not installed; `make lint` installs it"])
    installed = sorted(path.name for path in Path(linter.origin).parents[1].glob("*.dist-info"))
    caches = (os.environ.get("XDG_CACHE_HOME", "~/.cache"), "~/Library/Caches")
    schemas = (Path(cache, "aws/cfn-lint/schemas/version.json").expanduser() for cache in caches)
    program = [path for ending in ("py", "txt") for path in sorted(PROGRAM.rglob(f"*.{ending}"))]
    files = [CONFIGURATION, *program, *filter(Path.is_file, schemas)]
    facts = [sys.version, installed, [path.read_bytes() for path in files]]
    return hashlib.sha256(repr(facts).encode()).digest()


def digest(common: bytes, path: Path | str) -> bytes:
    """Return what stands for a template in the cache: its name, its content, and what the rules ask of its environment."""
    facts = [os.fsencode(path), Path(path).read_bytes()]
    environment, fault = environment_of(Path(path).parent)
    if environment:
        role = environment.task_roles.get(environment.service(str(path)))
        facts.append(repr((environment._replace(task_roles={}), role)).encode())
    else:
        facts.append(fault.encode())
    return hashlib.sha256(common + repr(facts).encode()).hexdigest().encode()


@functools.cache
def environment_of(folder: Path) -> tuple[Environment | None, str]:
    """Return what a folder of out/ says of its environment, and why it says nothing."""
    return beside(folder / ENVIRONMENT_FILE)


def run_cfn_lint(paths: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each path, in order, with what cfn-lint prints about it; say how far it is if that takes long."""
    if not paths:
        return
    from cfnlint.exceptions import CfnLintExitException, ConfigFileError
    from yaml import YAMLError

    start, told, terminal = time.monotonic(), False, sys.stderr.isatty()
    processes = min(os.cpu_count() or 1, -(-len(paths) // ONE_PROCESS))
    try:
        for number, result in enumerate(on_processes(processes, paths), 1):
            if time.monotonic() - start > PATIENCE and (terminal or not told):
                line = f"cfn-lint: {number} of {len(paths)} templates, {processes} at a time"
                end = "\r" if terminal and number < len(paths) else "\n"
                print(line, end=end, file=sys.stderr, flush=True)
                told = True
            yield result
    except (CfnLintExitException, ConfigFileError, YAMLError) as error:
        raise BadInput([f"{CONFIGURATION}: {error}"]) from None


def on_processes(processes: int, paths: list[str]) -> Iterator[tuple[str, str]]:
    """Lint each path, in this process if one is enough."""
    runner()  # before the fork: the processes share what is loaded
    if processes == 1:
        yield from map(lint_template, paths)
        return
    import signal
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

    try:
        with ProcessPoolExecutor(processes, None, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            yield from pool.map(lint_template, paths, chunksize=4)
    except BrokenProcessPool:
        raise BadInput(["one of its processes was killed (out of memory?); nothing was remembered"]) from None


def lint_template(path: str) -> tuple[str, str]:
    """Return the path and what cfn-lint prints about it, nothing if it is clean."""
    from cfnlint.runner.template import run_template_by_file_path

    cfn_lint = runner()
    found = run_template_by_file_path(path, cfn_lint.config, cfn_lint.rules, ignore_bad_template=False)
    matches = sorted(found, key=lambda match: (match.linenumber, match.rule.id))
    matches = [dataclasses.replace(match, message=printable(match.message)) for match in matches]
    return path, cfn_lint.formatter.print_matches(matches, cfn_lint.rules, config=cfn_lint.config) or ""


@functools.cache
def runner() -> Any:
    """Return cfn-lint's runner, which has loaded its own rules and ours: about a second."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    made = Runner(ConfigMixIn(["--config-file", str(CONFIGURATION)]))
    if RULE not in made.rules:
        raise BadInput([f"{CONFIGURATION}: append_rules lacks {RULES}: nothing of ours would be linted"])
    return made


def remember(clean: set[bytes]) -> None:
    """Replace the cache as a whole: two of us at once, or one killed, leave a whole one."""
    CACHE.parent.mkdir(exist_ok=True)
    new = CACHE.with_suffix(f".{os.getpid()}")
    new.write_bytes(b"\n".join(sorted(clean)))
    new.replace(CACHE)

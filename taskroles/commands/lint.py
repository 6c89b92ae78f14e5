"""Lint the templates that are not known to be clean.

Says what a bare `cfn-lint` says here, with the same configuration (.cfnlintrc.yaml). A template is known to
be clean if it was linted without a finding under its path, with its content, and with all else that decides
(see `fingerprint`). One with a finding is linted again each time. Takes no arguments; ends with 0 (clean),
1 (findings) or 2 (cannot lint).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskroles.faults import BadInput
from taskroles.tree import ENVIRONMENT_FILE, OUT, is_template, oddity, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIGURATION = Path(".cfnlintrc.yaml")
PROGRAM = Path(__file__).resolve().parents[1]
CACHE = Path(".cache/lint")  # a digest a line: there is nothing to parse, so any content is a valid cache
ONE_PROCESS = 16  # templates that take as long as cfn-lint's start: fewer are not worth one more process
PATIENCE = 2.0  # seconds without a word


def main(argv: list[str]) -> int:
    """Lint and print; return the exit code."""
    if argv:
        raise BadInput([f"lint takes no arguments; what is linted stands in {CONFIGURATION}"])
    return lint()


def lint() -> int:
    """Lint what is not known to be clean, print the findings, remember what is clean."""
    common = fingerprint()
    found = walk(OUT)
    if odd := [f"{path} {why}" for path, kind in found if (why := oddity(path, kind))]:
        raise BadInput(odd)
    before = {path: digest(common, path) for path, _ in found if is_template(path)}
    if not before:
        raise BadInput([f"no template in {OUT}/; `make render` writes them"])
    known = set(CACHE.read_bytes().split()) if CACHE.is_file() else set()
    clean, findings = known.intersection(before.values()), 0
    for path, text in run_cfn_lint([path for path in before if before[path] not in known]):
        if text:
            findings += 1
            print(text)
        elif digest(common, path) == before[path]:  # else it was edited while cfn-lint read it
            clean.add(before[path])
    if clean != known:
        remember(clean)
    return 1 if findings else 0


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
    """Return what stands for a template in the cache. Rules read its name and its environment, so these count."""
    facts = [os.fsencode(path), environment_of(Path(path).parent), Path(path).read_bytes()]
    return hashlib.sha256(common + repr(facts).encode()).hexdigest().encode()


@functools.cache
def environment_of(folder: Path) -> str:
    """Return a digest of what a folder of out/ says of its environment."""
    path = folder / ENVIRONMENT_FILE
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


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
    return path, cfn_lint.formatter.print_matches(matches, cfn_lint.rules, config=cfn_lint.config) or ""


@functools.cache
def runner() -> Any:
    """Return cfn-lint's runner, which has loaded its own rules and ours: about a second."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    return Runner(ConfigMixIn(["--config-file", str(CONFIGURATION)]))


def remember(clean: set[bytes]) -> None:
    """Replace the cache as a whole: two of us at once, or one killed, leave a whole one."""
    CACHE.parent.mkdir(exist_ok=True)
    new = CACHE.with_suffix(f".{os.getpid()}")
    new.write_bytes(b"\n".join(sorted(clean)))
    new.replace(CACHE)

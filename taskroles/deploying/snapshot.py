"""One copy of out/, taken once: what is checked, shown, confirmed and executed; and what git says of it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from taskroles.access.environments import Environment, read_environment
from taskroles.documents import decoded
from taskroles.faults import BadInput, printable
from taskroles.git import GitError, files_of, is_on_main, last_commits, main_branch
from taskroles.tree import FILE, OUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskroles.git import Files

NO_REPOSITORY = "out/ is not in a git repository, so nobody can tell which commit is deployed"


class Copied(NamedTuple):
    """What is known of a copy: whether it is of a protected environment, and what git holds against deploying it."""

    protected: bool
    doubts: tuple[str, ...]
    commits: Mapping[str, str]  # by path, the last commit that changed it, and whether it was edited since


def take(environment: Environment, services: Sequence[str], folder: Path) -> Copied:
    """Copy out/ into a folder: as it is committed where the environment is protected, else as it lies here.

    Protected it is if one of them says so, or the main branch: neither an edit nor a commit that nobody has reviewed takes
    the protection away. Raises BadInput.
    """
    paths = [environment.path, *map(environment.template, services)]
    head, main = _files_of("HEAD"), _files_of(main_branch())
    committed = _read(head, paths)
    settings = [text for files in (head, main) for text in _read(files, [environment.path]).values()]
    protected = environment.protected or any(_says_protected(text, environment.path) for text in settings)
    edited = [path for path in paths if committed.get(path) not in _contents(Path(path))]
    doubts = [f"{path} is not committed" for path in edited]
    commits: dict[str, str] = {}
    if head is None:
        doubts = [NO_REPOSITORY]
    else:
        if protected and (why := is_on_main(head.commit)):
            doubts.append(why)
        commits = last_commits(paths)
        commits |= {path: f"{commits[path]}-changed" for path in edited if path in commits}
    if protected and head is not None:
        _write(head, folder)
    else:
        shutil.copytree(OUT, folder / OUT, symlinks=True)
    return Copied(protected, tuple(map(printable, doubts)), commits)


def _files_of(revision: str) -> Files | None:
    """Return the files of out/ in a revision, None where there is no such thing."""
    try:
        return files_of(revision, OUT)
    except GitError:
        return None


def _read(files: Files | None, paths: Sequence[str]) -> dict[str, bytes]:
    """Return the contents of those of the paths that a revision has."""
    return files.read([path for path in paths if path in files.ids]) if files else {}


def _says_protected(committed: bytes, path: str) -> bool:
    """Tell whether an environment.yml protects its environment; one that cannot be read does."""
    try:
        return read_environment(decoded(committed, path), path).protected
    except BadInput:
        return True


def _contents(path: Path) -> tuple[bytes | None, ...]:
    """Return what a file holds, and what that would be with the ends of lines that git may have been told to keep."""
    if not path.is_file():
        return (None,)
    held = path.read_bytes()
    return held, held.replace(b"\r\n", b"\n")


def _write(head: Files, folder: Path) -> None:
    """Write what a commit holds of out/ into a folder. Raises BadInput where it holds what render.py has not written."""
    if odd := sorted(f"{path} is {kind} in HEAD: take it away" for path, kind in head.kinds.items() if kind != FILE):
        raise BadInput(odd)
    for path, data in head.read(list(head.ids)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def digest(template: str) -> str:
    """Return the digest of a template as a tag of its stack says it: of the text that the AWS CLI sends, with LF."""
    return "sha256:" + hashlib.sha256(template.encode()).hexdigest()

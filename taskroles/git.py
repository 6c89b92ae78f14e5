"""What git knows: the files of a revision, and what is not committed. Every call of git is here, and none writes."""

from __future__ import annotations

import hashlib
import io
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from taskroles.tree import FILE, LINK, SUBMODULE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


KINDS = {"120000": LINK, "160000": SUBMODULE}  # modes of git


class GitError(Exception):
    """Git is missing, or refused; the message is git's own."""


def git(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in the current folder and return what it prints; its complaint becomes a GitError."""
    try:
        done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip().split("\n")[0] or f"git {arguments[0]} failed")
    return done.stdout


class Files(NamedTuple):
    """The files below a folder in a commit: ids and kinds by path, and what reads some of the paths.

    A folder that is a link, or a file, is the one path itself.

    Paths are relative to the current folder, which may be a part of the repository.
    """

    commit: str
    ids: dict[str, str]
    kinds: dict[str, str]
    read: Callable[[Sequence[str]], dict[str, bytes]]


def files_of(revision: str, folder: str) -> Files:
    """Return the files below `folder` in a revision. Raises GitError."""
    commit = commit_of(revision)
    ids, kinds = {}, {}
    for entry in git("ls-tree", "-r", "-z", commit, "--", folder).decode(errors="surrogateescape").split("\0")[:-1]:
        mode_kind_id, path = entry.split("\t", 1)
        mode, _, ids[path] = mode_kind_id.split()
        kinds[path] = KINDS.get(mode, FILE)

    def read(paths: Sequence[str]) -> dict[str, bytes]:
        contents = {}
        stream = io.BytesIO(git("cat-file", "--batch", stdin="".join(f"{ids[path]}\n" for path in paths).encode()))
        for path in paths:
            *_, size = stream.readline().split()
            contents[path] = stream.read(int(size) + 1)[:-1]
        return contents

    return Files(commit, ids, kinds, read)


def commit_of(revision: str) -> str:
    """Return the commit that a revision names."""
    git("rev-parse", "--git-dir")
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}").decode().strip()
    except GitError:
        shallow = git("rev-parse", "--is-shallow-repository").strip() == b"true"
        hint = "; a shallow clone may lack it: git fetch" if shallow else ""
        raise GitError(f"no such git revision: {revision}{hint}") from None


def blob_id(data: bytes) -> str:
    """Return the id that git gives to a file's content, without asking git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def uncommitted(paths: Sequence[str]) -> list[str]:
    """Return a line of `git status` for each of the paths that is not committed as it is here."""
    status = git("status", "--porcelain", "--untracked-files=all", "--ignored", "--", *paths)
    return status.decode(errors="replace").splitlines()

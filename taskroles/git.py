"""What git knows: the files of a revision, and what is not committed. Every call of git is here, and none writes."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from taskroles.faults import printable
from taskroles.terminal import say
from taskroles.tree import FILE, LINK, SUBMODULE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Not from a bare repository that somebody has committed into this folder, which could hold another history and start
# programs; not another object in the place of the one that is named; and a word where a name is ambiguous.
CAREFULLY = ("-c", "safe.bareRepository=explicit", "-c", "core.warnAmbiguousRefs=true", "--no-replace-objects")
KINDS = {"120000": LINK, "160000": SUBMODULE}  # modes of git


class GitError(Exception):
    """Git is missing, or refused; the message is git's own, whole."""


def git(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in the current folder and return what it prints; its complaint becomes a GitError.

    What it says besides is shown: a warning of git may mean that another commit was taken than was meant.
    """
    out, said = ask(*arguments, stdin=stdin)
    say(*map(printable, said))
    return out


def ask(*arguments: str, stdin: bytes = b"") -> tuple[bytes, list[str]]:
    """Run git in the current folder; return what it prints, and the lines that it says besides. Raises GitError."""
    try:
        done = subprocess.run(
            ["git", *CAREFULLY, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    said = [line.strip() for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    if done.returncode:
        raise GitError("\n".join(said) or f"git {arguments[0]} failed")
    return done.stdout, said


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
    """Return the commit that a revision names. Raises GitError where it names none, or could name more than one."""
    git("rev-parse", "--git-dir")
    try:
        out, said = ask("rev-parse", "--verify", "--end-of-options", revision + "^{commit}")
    except GitError:
        raise GitError(f"no such git revision: {revision}{remedy(revision)}") from None
    if any("ambiguous" in line for line in said) and not is_whole(revision):
        whole = f"refs/remotes/{revision}" if revision.partition("/")[0] in remotes() else f"refs/heads/{revision}"
        raise GitError("\n".join([*said, f"several things are called {revision}: name one whole, as in {whole}"]))
    say(*(printable(line) for line in said if not is_whole(revision)))
    return out.decode().strip()


def is_whole(revision: str) -> bool:
    """Tell whether git takes a revision for one thing, whatever else may have its name: a commit's id, or a whole ref."""
    name = re.split(r"[~^]", revision, maxsplit=1)[0]
    if name.startswith("refs/"):
        return git("for-each-ref", "--format=%(refname)", name).split() == [name.encode()]
    return bool(re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name))


def remotes() -> list[str]:
    """Return the names of the remotes."""
    return git("remote").decode(errors="replace").split()


def remedy(revision: str) -> str:
    """Return the command that gets a revision which a clone may lack, "" if none is known to."""
    remote, _, branch = revision.removeprefix("refs/remotes/").partition("/")
    if remote in remotes() and re.fullmatch(r"[\w./-]+", branch):
        return f"; git fetch --depth=1 {remote} {quote(f'+refs/heads/{branch}:refs/remotes/{remote}/{branch}')}"
    if is_shallow():
        return "; this clone is shallow and may lack it: git fetch --unshallow"
    return ""


def blob_id(data: bytes) -> str:
    """Return the id that git gives to a file's content, without asking git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def is_on_main(commit: str) -> str:
    """Return why nobody can tell that a commit is on the main branch of the remote, "" if it is there."""
    main = main_branch()
    try:
        commit_of(main)
    except GitError as error:
        if "origin" not in remotes():
            return "this repository has no remote called origin, on whose main branch a commit would have been reviewed"
        return f"{error}; or, where the main branch has another name: git remote set-head origin --auto"
    try:
        git("merge-base", "--is-ancestor", commit, main)
    except GitError:
        shallow = "; this clone is shallow and may not know it: git fetch --unshallow" * is_shallow()
        return f"commit {commit[:12]} is not on {main}: merge it, or git fetch if that is done{shallow}"
    return ""


def main_branch() -> str:
    """Return the main branch of the remote, as its HEAD says; `main` where this clone does not know it."""
    try:
        return git("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD").decode().strip()
    except GitError:
        return "refs/remotes/origin/main"


def is_shallow() -> bool:
    """Tell whether this clone has no more than the newest commits."""
    return git("rev-parse", "--is-shallow-repository").strip() == b"true"


def last_commits(paths: Sequence[str]) -> dict[str, str]:
    """Return, in 12 digits, the last commit that changed each of the paths; nothing where this clone has no history."""
    if is_shallow():
        return {}
    found: dict[str, str] = {}
    commit = ""
    text = git("log", "--abbrev=12", "--format=%x01%h", "--name-only", "--relative", "-z", "--", *paths)
    for word in text.decode(errors="surrogateescape").split("\0"):
        if word.startswith("\1"):
            commit = word[1:]
        else:
            found.setdefault(word.removeprefix("\n"), commit)
    return found

"""What is on disk, and whether the last render left it like this.

The record of a render (.cache/render) holds the digest of everything that went into out/ and of everything in it:
rendering with nothing to do is a comparison of two texts. Contents count, times never.
"""

import os
import sys

try:
    from _blake2 import blake2b  # hashlib loads OpenSSL, which takes longer than all else that is done here
except ImportError:
    from hashlib import blake2b

from taskroles.tree import FILE, OUT, walk

SOURCES = ("services.yml", "templates", "policies")
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# All that a render loads, with the modules beside them: a test looks at what one has loaded.
WINGS = ("rendering", "table")
DOOR = ("commands/__init__.py", "commands/render.py")
LIBRARIES = ("jinja2-", "markupsafe-", "pyyaml-", "jsonschema_rs-")
RECORD = ".cache/render"


class State:
    """The state of the project's folder, which is the current one.

    `sources` holds contents by path, `digests` the digests of the sources and of the program, `outputs` the digests of
    the files of out/; `recorded` is the record's text of both, `details` the text of what it says besides.
    """

    def __init__(self, *, believes_record: bool = True) -> None:
        """Read all of it. A check believes no record: whoever changes out/ could have written one as well."""
        self.sources = {path: content for source in SOURCES for path, content in files(source)}
        self.digests = {path: digest(content) for path, content in self.sources.items()}
        self.digests["the program"] = program_digest()
        self.outputs = outputs()
        record = read(RECORD) if believes_record else b""
        self.recorded, _, self.details = record.decode("utf-8", "surrogateescape").partition("\n\n")

    def is_recorded(self) -> bool:
        """Tell whether the last render left exactly this."""
        return self.recorded == listing({**self.digests, **self.outputs})

    def is_recorded_of(self, *paths: str) -> bool:
        """Tell whether the last render read the same contents of `paths` with the same program."""
        recorded = set(self.recorded.split("\n"))
        return all(f"{self.digests[path]} {path}" in recorded for path in ("the program", *paths))

    def write_record(self, outputs: "dict[str, str]", details: str) -> None:
        """Record that the sources rendered to `outputs`, which holds digests by path."""
        text = listing({**self.digests, **outputs}) + "\n\n" + details
        write_cache(RECORD, text.encode("utf-8", "surrogateescape"))


def listing(digests: "dict[str, str]") -> str:
    """Return digests by path as text, one a line."""
    return "\n".join(f"{found} {path}" for path, found in sorted(digests.items()))


def files(path: str) -> "list[tuple[str, bytes]]":
    """Return path and content of every file at and below `path`, sorted; nothing that is hidden or behind a link."""
    if os.path.isfile(path):
        return [(path, contents(path))]
    return [(found, contents(found)) for found, kind in walk(path) if kind == FILE]


def outputs() -> "dict[str, str]":
    """Return a digest of each file of out/ by its path; what is no file is told by its kind."""
    return {path: digest(contents(path)) if kind == FILE else kind for path, kind in walk(OUT)}


def contents(path: str) -> bytes:
    """Return the content of a file."""
    with open(path, "rb", buffering=0) as file:  # there are many, and each is read at once
        return file.read()


def program() -> "list[tuple[str, bytes]]":
    """Return path and content of each file of the program that renders, its data too."""
    names = list(DOOR)
    for wing in ("", *WINGS):
        inside = sorted(os.listdir(os.path.join(PACKAGE, wing)))
        names += [os.path.join(wing, name) for name in inside if name.endswith((".py", ".json"))]
    return [(name, contents(os.path.join(PACKAGE, name))) for name in names]


def program_digest() -> str:
    """Return a digest of the program, of Python and of the libraries that render, by the names of their metadata."""
    parts = [sys.version.encode()] + [content for _, content in program()]
    for folder in sys.path:
        if folder.endswith("-packages") and os.path.isdir(folder):
            parts += sorted(name.encode() for name in os.listdir(folder) if name.lower().startswith(LIBRARIES))
    return digest(b"\n".join(parts))


def digest(content: bytes) -> str:
    """Return a digest of `content`."""
    return blake2b(content, digest_size=16).hexdigest()


def read(path: str) -> bytes:
    """Return the content of a file, empty if it cannot be read."""
    try:
        return contents(path)
    except OSError:
        return b""


def write(path: str, content: bytes) -> None:
    """Replace the file at `path` as a whole: whoever reads it sees the old content or the new one."""
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    unfinished = os.path.join(folder, f".{name}.unfinished")
    with open(unfinished, "wb") as file:
        file.write(content)
    os.replace(unfinished, path)


def write_cache(path: str, content: bytes) -> None:
    """Write a file that saves time alone: where it cannot be written, nothing is lost."""
    try:  # noqa: SIM105 - contextlib takes time to load
        write(path, content)
    except OSError:
        pass


def locked() -> object:
    """Return the lock that one render holds at a time, after waiting for it; None where .cache/ cannot be written."""
    import fcntl

    try:
        os.makedirs(".cache", exist_ok=True)
        lock = open(".cache/lock", "w")  # noqa: SIM115 - the lock lasts as long as the file is open
    except OSError:
        return None
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock

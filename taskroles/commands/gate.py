"""Refuse what would silence the gate: settings beside ours, modules in front of libraries, marks that hide a file.

Such a file needs no line of the program to be changed, and few would look twice at it in a pull request. Takes no
arguments; ends with 0, or with 2 where there is one: each is named, with what to do.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections import defaultdict
from importlib.machinery import all_suffixes
from typing import TYPE_CHECKING

import yaml

from taskroles.access.template import DEEPEST
from taskroles.documents import too_deep
from taskroles.faults import BadInput
from taskroles.git import GitError, ask
from taskroles.terminal import say
from taskroles.tree import OUT, is_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NOT_OURS = (".git", ".venv", ".cache", ".hypothesis", ".pytest_cache", ".ruff_cache", "__pycache__", "node_modules")
BELIEVED = (".cache", ".venv")
OURS = ".cfnlintrc.yaml"
ONE_PLACE = "its settings stand in pyproject.toml"
# What tools read before, beside or instead of the settings that the gate is meant to have; in the folder of the project,
# and in each folder below it.
HERE = {
    **dict.fromkeys(
        ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg"), f"pytest: {ONE_PLACE}"
    ),
    "conftest.py": "pytest: what tests share stands in tests/conftest.py",
    **dict.fromkeys((".cfnlintrc", ".cfnlintrc.yml"), f"cfn-lint: its settings stand in {OURS}"),
    **dict.fromkeys(("GNUmakefile", "makefile"), "make, before Makefile"),
    "uv.toml": f"uv (make lock): {ONE_PLACE}",
}
ANYWHERE = {
    **dict.fromkeys(("ruff.toml", ".ruff.toml"), f"ruff: {ONE_PLACE}"),
    ".ignore": "ruff, which passes over what it names",
    **dict.fromkeys(
        (".shellcheckrc", "shellcheckrc"), "shellcheck: an exception stands above its line, with its reason"
    ),
}
# Folders that Python takes modules from before it takes those that are installed.
BEFORE_LIBRARIES = (".", "bench", "demo", "tests")
PLUGINS = (".egg-info", ".dist-info")  # folders in which an installed package says which plugins it has
STARTS = ("sitecustomize", "usercustomize")  # Python runs them before all else
# What decides, and is to be read in a pull request as it is.
DECIDES = (".ci", ".github", "demo", OUT, "policies", "requirements", "taskroles", "templates", "tests")
HIDES = {"diff": ("unset",), "linguist-generated": ("set", "true")}  # attributes of git, and their values
CHANGES = ("filter", "ident", "working-tree-encoding")  # what lies here is not what is committed


def main(argv: list[str]) -> int:
    """Look; raise BadInput with all that was found."""
    if argv:
        raise BadInput(["gate takes no arguments"])
    files = list(listed("."))
    found = [*settings(files), *shadows(files), *hidden(files), *exempted(files), *tracked()]
    if found:
        raise BadInput(found)
    return 0


def listed(folder: str) -> Iterator[str]:
    """Yield the path of each file below the project's folder that may be the project's, without what tools leave there.

    A link to a folder is as a file: what lies behind it has its own path, or is not the project's.
    """
    for path, folders, names in os.walk(folder):
        names += [name for name in folders if os.path.islink(os.path.join(path, name))]
        folders[:] = sorted(name for name in folders if name not in NOT_OURS)
        yield from (os.path.normpath(os.path.join(path, name)) for name in sorted(names))


def settings(files: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with each file that a tool would take settings from."""
    for path in files:
        folder, name = os.path.split(path)
        reader = ANYWHERE.get(name) or (HERE.get(name) if not folder else "")
        if name == "pyproject.toml" and folder:
            reader = f"ruff: {ONE_PLACE}, the one of the project"
        if reader:
            yield f"{path}: would be read by {reader}; take it away"


def shadows(files: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with each module that Python would take for another one."""
    installed = {
        name.partition(".")[0] for key in ("purelib", "platlib") for name in os.listdir(sysconfig.get_path(key))
    }
    taken = {*sys.stdlib_module_names, *installed, *STARTS}
    suffixes = tuple(all_suffixes())
    for path in files:
        folder, name = os.path.split(path)
        if os.path.isdir(path):  # a link to a folder, which Python goes through
            if (
                path.startswith("tests/")
                or (folder in ("", *BEFORE_LIBRARIES) and name in taken)
                or name.endswith(PLUGINS)
            ):
                yield f"{path}: Python would take modules from behind this link; put the folder itself there"
            continue
        if name.startswith("__init__."):
            folder, name = os.path.split(folder)
            name += ".py"
        top = folder.partition(os.sep)[0] or "."
        if top == "tests" or folder in ("", *BEFORE_LIBRARIES):  # pytest takes each folder of tests
            stem = name.partition(".")[0]
            if name.endswith(suffixes) and stem in taken:
                yield f"{path}: Python would take it for the module {stem}; give it another name"
        if (parent := os.path.basename(folder)).endswith(PLUGINS) and name == "entry_points.txt":
            yield f"{path}: Python would take {parent} for an installed package with plugins; take it away"


def hidden(files: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with attributes of git that keep a change of what decides from being seen as it is."""
    files = list(files)
    deciding = [path for path in files if os.sep not in path or path.partition(os.sep)[0] in DECIDES]
    names = [*HIDES, *CHANGES]
    try:
        given = "".join(f"{path}\0" for path in deciding)
        out, _ = ask("check-attr", "--stdin", "-z", *names, stdin=given.encode(errors="surrogateescape"))
    except GitError as error:
        if "not a git repository" not in str(error):
            say(f"what .gitattributes hides was not looked for: {str(error).splitlines()[0]}")
        return
    words = out.decode(errors="surrogateescape").split("\0")
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, name, value in zip(words[::3], words[1::3], words[2::3], strict=False):
        if value in HIDES.get(name, ()) or (name in CHANGES and value not in ("unspecified", "unset")):
            found[name, value].append(path)
    for (name, value), paths in found.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        what = "hides its changes" if name in HIDES else "has it differ from what is committed"
        said = f"-{name}" if value == "unset" else name if value == "set" else f"{name}={value}"
        yield f"{paths[0]}{more}: {said} in a .gitattributes {what}; take that out"


def tracked() -> Iterator[str]:
    """Yield what is wrong with files that are committed though git is to ignore them: caches, and what runs the gate."""
    try:
        for which in (("--ignored", "--exclude-standard"), ("--", *BELIEVED)):
            out, _ = ask("ls-files", "-z", "--cached", *which)
            for path in out.decode(errors="surrogateescape").split("\0")[:-1]:
                yield f"{path}: is committed though it is for one machine alone, and would be believed: git rm --cached it"
    except GitError:
        return  # as `hidden` says


def exempted(files: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with templates that tell cfn-lint what not to look for: render.py writes no Metadata."""
    for path in files:
        if not path.startswith(f"{OUT}/") or not is_template(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if "Metadata" in text or "\\" in text:  # in double quotes it could be spelled otherwise
            if line := too_deep(text, DEEPEST):
                yield f"{path}:{line}: is nested more than {DEEPEST} levels deep"
                continue
            for line in sorted(metadata(text)):
                yield f"{path}:{line}: Metadata may exempt it from the lint, and render.py writes none; take it out"


def metadata(text: str) -> set[int]:
    """Return the lines of a template in which a key is Metadata, wherever it stands; none where it is no YAML."""
    lines, seen = set(), set()
    try:
        left = [yaml.compose(text, yaml.CSafeLoader)]
    except (yaml.YAMLError, RecursionError):
        return lines  # the lint says so
    while left:
        node = left.pop()
        if node is None or isinstance(node, yaml.ScalarNode) or id(node) in seen:  # an alias is the node itself
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            lines |= {key.start_mark.line + 1 for key, _ in node.value if key.value == "Metadata"}
        left += [each for pair in node.value for each in (pair if isinstance(pair, tuple) else (pair,))]
    return lines

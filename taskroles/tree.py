"""What lies in out/: the one lister, for whatever renders, reviews, lints or deploys.

out/ holds a file ACCESS.md, and for each environment a folder with its templates and its environment.yml. All else is
odd, and is said to be.
"""

import os

OUT = "out"
OVERVIEW = "ACCESS.md"
ENVIRONMENT_FILE = "environment.yml"
DESKTOPS = (".DS_Store", ".directory")  # put everywhere by file managers
FILE, LINK, OTHER, SUBMODULE = "a file", "a symbolic link", "neither a file nor a folder", "a submodule"


def walk(folder: str, *, hidden: bool = False) -> "list[tuple[str, str]]":
    """Return path and kind of all that lies below a folder, sorted: what is hidden if asked, nothing behind links.

    If out/ itself is a link, or a file, that is all there is.
    """
    if folder == OUT and (os.path.islink(folder) or os.path.isfile(folder)):
        return [(folder, LINK if os.path.islink(folder) else FILE)]
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for entry in entries:
        if entry.name.startswith(".") and (not hidden or entry.name in DESKTOPS):
            continue
        if entry.is_symlink():
            found.append((entry.path, LINK))
        elif entry.is_dir():
            found += walk(entry.path, hidden=hidden)
        else:
            found.append((entry.path, FILE if entry.is_file() else OTHER))
    return found


def is_template(path: str) -> bool:
    """Tell whether a path is one that a template can have."""
    _, *rest = path.split("/")
    if len(rest) != 2 or rest[0].startswith(".") or rest[1].startswith("."):  # noqa: PLR2004 - out/<Env>/<name>
        return False
    return rest[1].endswith((".yml", ".yaml")) and rest[1] != ENVIRONMENT_FILE


def oddity(path: str, kind: str = FILE) -> str:
    """Return why what lies at a path of out/ cannot be what render.py writes, "" if it can."""
    _, *rest = path.split("/")
    if kind != FILE:
        return f"is {kind}"
    if any(part.startswith(".") for part in rest) or not seen(path):
        return "has a name that nobody sees whole"
    if rest == [OVERVIEW] or rest[1:] == [ENVIRONMENT_FILE] or is_template(path):
        return ""
    return f"lies where no template does: templates are {OUT}/<environment>/<name>.yml"


def seen(path: str) -> bool:
    """Tell whether all of a path is seen as it is."""
    if path.isascii():
        return path.isprintable()
    from taskroles.faults import visible  # no path that render.py writes needs it

    return visible(path)

"""Run a verb: `python -m taskroles VERB ...`, and `taskroles VERB ...` once it is installed.

Works on the project that the program lies in; where it is installed, on the nearest folder, from the current one up,
that holds services.yml or out/; `taskroles --in FOLDER VERB ...` works on another. Bad input ends with exit code 2, and
with a message that says where and what instead.
"""

from __future__ import annotations

import importlib
import os
import sys

PACKAGE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(PACKAGE)
try:
    HERE = os.getcwd()
except OSError:  # somebody has deleted it
    HERE = os.sep
if not __package__:  # run by its path
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or HERE) != PACKAGE]
# Last, so that no file beside the program or in the current folder is taken for a library.
sys.path[:] = [*(path for path in sys.path if os.path.abspath(path or HERE) not in (ROOT, HERE)), ROOT]


def verbs() -> list[str]:
    """Return the verbs: the files of commands/."""
    names = os.listdir(os.path.join(PACKAGE, "commands"))
    return sorted(name[:-3] for name in names if name.endswith(".py") and not name.startswith("_"))


def project_folder() -> str:
    """Return the folder of the project, "" if there is none: the program's own, or the nearest from here up."""
    folder, candidates = HERE, [ROOT]
    while folder not in candidates:
        candidates.append(folder)
        folder = os.path.dirname(folder)
    return next(filter(is_project, candidates), "")


def is_project(folder: str) -> bool:
    """Tell whether a folder has a services.yml, or an out/ with a YAML file in one of its folders."""
    if os.path.isfile(os.path.join(folder, "services.yml")):
        return True
    return any(name.endswith(".yml") for each in names(folder, "out") for name in names(folder, "out", each))


def names(*path: str) -> list[str]:
    """Return the names in a folder, none if there is no such folder."""
    try:
        return os.listdir(os.path.join(*path))
    except OSError:
        return []


def usage() -> str:
    """Return what `taskroles --help` prints: each verb with the first line of its docstring."""
    lines = ["usage: taskroles VERB ...", ""]
    for verb in verbs():
        with open(os.path.join(PACKAGE, "commands", f"{verb}.py"), encoding="utf-8") as file:
            summary = file.readline().strip().strip('"')
        lines.append(f"  {verb:10} {summary}")
    return "\n".join([*lines, "", "`taskroles VERB --help` says the rest."])


def run(verb: str, argv: list[str]) -> int:
    """Run a verb and return its exit code: the one place where errors become messages and exit codes."""
    from taskroles.faults import BadInput, printable

    try:
        return importlib.import_module(f"taskroles.commands.{verb}").main(argv)
    except BadInput as error:
        faults = error.faults
    except ModuleNotFoundError as error:
        faults = [f"Python has no module {error.name}: run it with make, which installs what it needs"]
    except OSError as error:
        faults = [f"{error.filename or verb}: {error.strerror or error}"]
    except KeyboardInterrupt:
        return 130
    print(*map(printable, faults), sep="\n", file=sys.stderr)
    return 2


def main() -> int:
    """Run the command line and return the exit code."""
    folder, words = (sys.argv[2], sys.argv[3:]) if sys.argv[1:2] == ["--in"] and sys.argv[2:] else ("", sys.argv[1:])
    verb, argv = (words[:1] or [""])[0], words[1:]
    if verb in ("--help", "-h"):
        print(usage())
        return 0
    if verb not in verbs():
        from taskroles.faults import listed, printable

        what = f"no verb is called {verb!r}; verbs: {listed(verbs(), verb)}" if verb else usage()
        print(printable(what) if verb else what, file=sys.stderr)
        return 2
    folder = folder or project_folder()
    if not folder and not {"--help", "-h"} & set(argv):
        from taskroles.faults import printable

        what = f"taskroles: no project here: neither {HERE} nor a folder above it has services.yml or out/"
        print(printable(what), file=sys.stderr)
        return 2
    if folder:
        os.chdir(folder)
    return run(verb, argv)


if __name__ == "__main__":
    sys.exit(main())

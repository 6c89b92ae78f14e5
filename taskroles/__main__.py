"""Run a verb: `python -m taskroles VERB ...`, and `taskroles VERB ...` once it is installed.

Works on the project that the program lies in; where it is installed, on the nearest folder, from the current one up,
that holds services.yml or out/. Bad input ends with exit code 2, and with a message that says where and what instead.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(PACKAGE)
if not __package__:  # run by its path
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != PACKAGE]
# Last, so that no file beside the program or in the current folder is taken for a library.
sys.path[:] = [*(path for path in sys.path if os.path.abspath(path or ".") not in (ROOT, os.getcwd())), ROOT]


def verbs() -> list[str]:
    """Return the verbs: the files of commands/."""
    names = os.listdir(os.path.join(PACKAGE, "commands"))
    return sorted(name[:-3] for name in names if name.endswith(".py") and not name.startswith("_"))


def project_folder() -> str:
    """Return the folder of the project, "" if there is none."""
    folder = os.getcwd()
    candidates = [ROOT]
    while folder not in candidates:
        candidates.append(folder)
        folder = os.path.dirname(folder)
    marks = ("services.yml", "out")
    return next((each for each in candidates if any(os.path.exists(os.path.join(each, m)) for m in marks)), "")


def usage() -> str:
    """Return what `taskroles --help` prints: each verb with the first line of its docstring."""
    lines = ["usage: taskroles VERB ...", ""]
    for verb in verbs():
        with open(os.path.join(PACKAGE, "commands", f"{verb}.py"), encoding="utf-8") as file:
            summary = file.readline().strip().strip('"')
        lines.append(f"  {verb:10} {summary}")
    return "\n".join([*lines, "", "`taskroles VERB --help` says the rest."])


def run(verb: Callable[[list[str]], int], name: str, argv: list[str]) -> int:
    """Run a verb and return its exit code: the one place where errors become messages and exit codes."""
    from taskroles.faults import BadInput, printable

    try:
        return verb(argv)
    except BadInput as error:
        faults = error.faults
    except ModuleNotFoundError as error:
        faults = [f"Python has no module {error.name}: run it with make, which installs what it needs"]
    except OSError as error:
        faults = [f"{error.filename or name}: {error.strerror or error}"]
    except KeyboardInterrupt:
        return 130
    print(*map(printable, faults), sep="\n", file=sys.stderr)
    return 2


def main() -> int:
    """Run the command line and return the exit code."""
    verb, argv = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    if verb in ("--help", "-h"):
        print(usage())
        return 0
    if verb not in verbs():
        from taskroles.faults import listed, printable

        what = f"no verb is called {verb!r}; verbs: {listed(verbs(), verb)}" if verb else usage()
        print(printable(what) if verb else what, file=sys.stderr)
        return 2
    folder = project_folder()
    if not folder and not {"--help", "-h"} & set(argv):
        print(
            f"taskroles: no project here: neither {os.getcwd()} nor a folder above it has services.yml or out/",
            file=sys.stderr,
        )
        return 2
    if folder:
        os.chdir(folder)
    return run(importlib.import_module(f"taskroles.commands.{verb}").main, verb, argv)


if __name__ == "__main__":
    sys.exit(main())

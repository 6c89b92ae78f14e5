"""Render services.yml, policies/ and templates/ into the CloudFormation templates of out/.

usage: render.py           write what changed, remove what nothing renders any more
       render.py --check   write nothing; show the difference and exit 1 if out/ is stale

Exit codes: 0 fine, 1 out/ is stale or holds a file that is not ours, 2 bad input (nothing was written) or a disk that
could not be written, 130 interrupted. Whatever happens, every file of out/ is whole.
"""

import sys


def main(argv: list[str]) -> int:
    """Render the folder that is the current one, or check it with `--check`; return the exit code."""
    if argv not in ([], ["--check"]):
        asked = argv in (["--help"], ["-h"])
        print(__doc__.strip(), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    check = argv == ["--check"]
    try:
        from taskroles.rendering.state import State, locked

        lock = None if check else locked()  # noqa: F841 - held until the program ends
        state = State(believes_record=not check)
        if state.is_recorded():
            print(f"out/ is up to date ({len(state.outputs)} files)")
            return 0
        # Slow to load, and not needed when there is nothing to do.
        from taskroles.faults import BadInput
        from taskroles.rendering.outputs import check_outputs, write_outputs
        from taskroles.rendering.sandbox import limited

        try:
            with limited():
                return check_outputs(state) if check else write_outputs(state)
        except BadInput as error:
            print(*error.faults, sep="\n", file=sys.stderr)
            print(f"{len(error.faults)} fault{'s'[: len(error.faults) > 1]}; nothing was written", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"{error}; `make render` sets up what rendering needs", file=sys.stderr)
    except OSError as error:
        from taskroles.faults import printable

        print(printable(f"{error.filename or 'render.py'}: {error.strerror or error}"), file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted; out/ holds whole files only", file=sys.stderr)
        return 130
    return 2

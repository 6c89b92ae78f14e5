"""The scripts on macOS: bash 3.2, and the sed, grep, date and mktemp of BSD.

No such bash is to be had here, so their text is searched for what that does not know.
"""

from __future__ import annotations

import re

import pytest
from project import HERE

# What bash 3.2 does not know, with the version that does; then what only GNU's tools know.
UNKNOWN = {
    "associative arrays (4.0)": r"\b(declare|local|typeset) +-[a-zA-Z]*A",
    "names of variables in variables (4.3)": r"\b(declare|local|typeset) +-[a-zA-Z]*n",
    "mapfile (4.0)": r"\b(mapfile|readarray)\b",
    "letters made small or great (4.0)": r"\$\{\w+(\[[^]]*\])?(,|\^)",
    "transformations (4.4)": r"\$\{\w+(\[[^]]*\])?@",
    "&>> and |& (4.0)": r"&>>|\|&",
    "wait -n (4.3)": r"\bwait +-",
    "coprocesses (4.0)": r"\bcoproc\b",
    "case that falls through (4.0)": r";;?&",
    "globstar, lastpipe, inherit_errexit (4.0 to 4.4)": r"\bshopt\b",
    "negative indices (4.3)": r"\$\{\w+\[-",
    "[[ -v ]] (4.2)": r"\[\[ +-v\b",
    "printf of times (4.2)": r"%\([^)]*\)T",
    "numbers of descriptors in variables (4.1)": r"\{\w+\}[<>]",
    "EPOCHSECONDS, BASHPID, SRANDOM (4.0 to 5.1)": r"\b(EPOCH\w+|BASHPID|SRANDOM)\b",
    "read -i, read -N (4.0)": r"\bread [^|;]*-[a-z]*[iN]",
    "tabs and line ends in a pattern in quotes (differs)": r"\"[^\"]*\$\{[^}\"]*/\$'",
    "readlink of GNU": r"\breadlink +-[a-z]",
    "sed -i, -r, -z": r"\bsed +(-\w+ +)*-[a-zA-Z]*[irzs]",
    "\\| \\+ \\? in a basic expression": r"\b(sed|grep) [^|]*\\[|+?]",
    "grep -P": r"\bgrep +-[a-zA-Z]*P",
    "date of GNU": r"\bdate +(-d|--\w|-I|\+[^ ]*%N)",
    "mktemp of GNU": r"\bmktemp +[^)]*(--|-p|-t)",
    "other tools of GNU": r"\b(realpath|timeout|tac|nproc|shuf|stat|sort -V|xargs -r|head -n -|sha256sum)\b",
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("script", ["deploy.sh", "requirements/set-up.sh"])
def test_a_script_uses_nothing_that_macos_does_not_know(script: str, name: str) -> None:
    lines = (HERE / script).read_text().splitlines()
    code = [re.sub(r"(^|\s)#.*", "", line) for line in lines]
    found = [f"{script}:{number}: {line}" for number, line in enumerate(code, 1) if re.search(UNKNOWN[name], line)]
    assert found == []


def test_an_array_that_may_be_empty_is_expanded_as_bash_3_2_can() -> None:
    """An empty array is an unset variable there: fatal under set -u, unless it is written ${a[@]+"${a[@]}"}.

    Never empty: the services after main has looked at them, what is made of these or of what stacks there are, and a change set's tags.
    """
    text = (HERE / "deploy.sh").read_text()
    before, looked, after = text.partition("if ((${#services[@]} == 0)); then")
    assert looked
    # read_arguments and read_stacks stand below main, and run before it looks.
    for name in ("read_arguments", "read_stacks"):
        before += re.findall(rf"^{name}\(\) \{{.*?^\}}", after, re.DOTALL | re.MULTILINE)[0]
    guarded = re.compile(r"\$\{(\w+)\[@\]\+[^}]*\{\1\[@\]\}")
    expanded = re.compile(r"\$\{(\w+)\[@\]")
    assert expanded.findall(guarded.sub("", before)) == []
    assert set(expanded.findall(guarded.sub("", after))) == {"services", "batch", "flags", "tags", "lines"}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("associative arrays (4.0)", "local -A found=()"),
        ("letters made small or great (4.0)", 'echo "${environment,,}"'),
        ("&>> and |& (4.0)", "aws help |& cat"),
        ("\\| \\+ \\? in a basic expression", "sed -n 's/^#\\( \\|$\\)//p'"),
        ("tabs and line ends in a pattern in quotes (differs)", "parameters+=(\"${values//$'\\t'/ }\")"),
        ("readlink of GNU", "readlink -f x"),
        ("date of GNU", "date +%s%N"),
        ("negative indices (4.3)", 'echo "${services[-1]}"'),
    ],
)
def test_the_patterns_find_what_they_are_for(name: str, line: str) -> None:
    assert re.search(UNKNOWN[name], line)

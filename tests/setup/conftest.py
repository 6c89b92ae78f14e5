"""What the tests of setting up share: a Python that makes virtual environments in no time, and without an index."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# As far as requirements/set-up.sh can tell, a Python 3.11. It makes a .venv that holds itself and the tools that run
# this test, and its pip writes down how it was called, then "installs" what set-up.sh looks for.
QUICK = f"""#!/bin/sh
real={sys.executable} tools={Path(sys.executable).parent} packages=.venv/lib/python3.11/site-packages
case "$*" in
  -V) echo "Python 3.11.7" ;;
  "-I -m venv "*)
    if [ -e no-ensurepip ]; then echo "ensurepip is not available"; exit 1; fi
    mkdir -p .venv/bin $packages
    cp "$0" .venv/bin/python
    for tool in check-jsonschema ruff shellcheck; do ln -s $tools/$tool .venv/bin/; done ;;
  "-I -m pip "*)
    mkdir .pip || exit 9 # two at once
    echo "$*" >>pip.log
    env >pip.environment
    while [ -e slow ]; do sleep 0.1; done
    rmdir .pip
    if [ -e broken ]; then exit 1; fi
    mkdir -p $packages/yaml $packages/__pycache__ ;;
  "-I -c import yaml") test -d $packages/yaml ;;
  "-I -c "*)
    begin=$3
    shift 3
    exec $real -I -c 'import sys
sys.executable, begin = sys.argv[1:3]
del sys.argv[1:3]
sys.prefix = sys.base_prefix
exec(begin)' "$0" "$begin" "$@" ;;
  *) exec $real "$@" ;;
esac
"""


@pytest.fixture(scope="session")
def quick_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of a program to be given as PYTHON, which sets up .venv at once (see QUICK)."""
    path = tmp_path_factory.mktemp("quick") / "python"
    path.write_text(QUICK)
    path.chmod(0o755)
    return str(path)

#!/bin/sh
# Sets up .venv for groups of requirements: requirements/set-up.sh GROUP ...  Every verb of make runs it first.
#
# With nothing to do it takes some milliseconds. A .venv that is not as the last set-up left it is made anew: its Python
# is gone or has become another version, the folder was moved, a package is missing, a set-up was interrupted, or PYTHON
# names another version. A group whose file is new or has changed is installed into the .venv that is there.
set -eu
unset CDPATH PYTHONHOME PYTHONPATH
unset PIP_CONSTRAINT PIP_DRY_RUN PIP_PREFIX PIP_PYTHON PIP_REQUIREMENT PIP_ROOT PIP_TARGET PIP_USER

record=.venv/set-up             # the version of Python and the folder; without it, .venv is not whole
contents=.venv/set-up.contents  # what lay in .venv then
new=.venv/bin/python

stop() {
  printf '%s\n' "$1" >&2
  exit 2
}

minor_version() { # of a Python, such as 3.12
  version=$("$1" -V 2>/dev/null) && [ "${version#Python 3.}" != "$version" ] || return 1
  version=${version#Python 3.}
  printf '3.%s' "${version%%[!0-9]*}"
}

facts() { # the version of .venv's Python, and where this folder really is
  version=$(minor_version "$new") && printf '%s %s\n' "$version" "$(pwd -P)"
}

is_whole() {
  [ -f "$record" ] && IFS= read -r recorded <"$record" && [ "$recorded" = "$(facts)" ] || return 1
  xargs ls -d <"$contents" >/dev/null 2>&1 || return 1
  [ -z "${PYTHON-}" ] || { asked=$(minor_version "$PYTHON") && [ "$asked" = "${recorded%% *}" ]; }
}

is_installed() {
  for group; do cmp -s "requirements/$group.txt" ".venv/$group.txt" || return 1; done
}

# Says on one line which Python makes .venv (that below another virtual environment, which may be deleted some day), or
# ends with 3 where it is too old. Then waits until no other set-up is at work, and goes on as this script.
begin='import os, sys
if sys.version_info < (3, 10):
    sys.exit(3)
import fcntl
below = "%s/bin/python%d.%d" % (sys.base_prefix, sys.version_info[0], sys.version_info[1])
python = below if sys.prefix != sys.base_prefix and os.path.exists(below) else sys.executable
lock = open(".cache/set-up", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.stderr.write("waiting for another set-up of .venv\n")
    fcntl.flock(lock, fcntl.LOCK_EX)
except OSError:
    pass  # a file system without locks
os.set_inheritable(lock.fileno(), True)
os.execv("/bin/sh", ["sh", "requirements/set-up.sh", "--with", python] + sys.argv[1:])'

case $0 in */*) cd -- "${0%/*}/.." ;; *) cd .. ;; esac
[ $# -gt 0 ] || stop 'usage: requirements/set-up.sh GROUP ...; a group is a file of requirements/'
if [ "$1" != --with ]; then
  if is_whole && is_installed "$@"; then exit; fi
  python=${PYTHON:-python3}
  command -v "$python" >/dev/null ||
    stop "$python is missing: install Python 3.10 or newer, or name it: make PYTHON=/path/to/python3"
  mkdir -p .cache
  code=0
  "$python" -I -c "$begin" "$@" || code=$? # -I: no file of this folder is a module
  [ "$code" != 3 ] || stop "$python is older than Python 3.10; try make PYTHON=python3.12"
  if [ "$code" = 0 ] && is_whole && is_installed "$@"; then exit; fi
  [ "$code" = 2 ] || [ "$code" = 130 ] || printf 'no .venv with %s (exit code %d)\n' "$python" "$code" >&2
  exit 2
fi

python=$2
shift 2
if is_whole && is_installed "$@"; then exit; fi # by the set-up that this one has waited for
if ! is_whole; then
  rm -rf .venv
  printf 'setting up .venv\n' >&2
  said=$("$python" -I -m venv .venv 2>&1) && [ -x "$new" ] ||
    stop "$said
$python cannot make a virtual environment. On Debian and Ubuntu it takes a package: apt install python3-venv"
fi
rm -f "$record"
options=
for group; do
  is_installed "$group" || options="$options --requirement requirements/$group.txt"
done
if [ "$options" ]; then
  printf 'installing %s\n' "$*" >&2
  # shellcheck disable=SC2086 # names of our own files
  "$new" -I -m pip install -qq --no-user --no-input --disable-pip-version-check --require-hashes $options ||
    stop 'pip could not install them; the next call begins anew'
  "$new" -I -c 'import yaml' 2>/dev/null || stop "pip has put them elsewhere; 'pip config list' may tell why"
  # The AWS CLI is no entry point: pip writes Python's path into its first line as it is, where no blank may stand.
  if [ -f .venv/bin/aws ] && IFS= read -r first <.venv/bin/aws && [ "${first#* }" != "$first" ]; then
    {
      printf '%s\n' '#!/bin/sh' "'''exec' \"\${0%/*}/python\" \"\$0\" \"\$@\"" "' '''"
      sed 1d .venv/bin/aws
    } >.venv/aws
    cat .venv/aws >.venv/bin/aws
  fi
  for group; do cp "requirements/$group.txt" .venv/; done
fi
find .venv/bin .venv/lib/python*/site-packages -maxdepth 1 ! -name __pycache__ >"$contents"
facts >"$record"

# shellcheck shell=bash
# Sourced by the other scripts, never run: makes .venv in the repository and keeps it as the lock files say.
#
#   need_venv run|dev   leaves the interpreter's path in $venv_python; `run` is enough to migrate, `dev` has the tools
#
# Says nothing when nothing is to do; set-up messages go to stderr. Everything happens inside .venv: a stamp there holds
# the checksum of what was installed, so the packages are installed again only when pyproject.toml or a lock changed.

if [[ -z "${BASH_VERSION:-}" ]]; then
  echo "error: these scripts need bash" >&2
  exit 2
fi

repo_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv_dir=$repo_root/.venv
venv_python=$venv_dir/bin/python
venv_stamp=$venv_dir/.migration_manager_setup

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

fail() {
  printf '%s: error: %s\n' "${0##*/}" "$1" >&2
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 2
}

# One line per interpreter: VERSION<tab>PATH, nothing when it is no working CPython of the wanted age. A pyenv shim is
# on the PATH for versions that are not active and fails when called, so only an interpreter that has answered counts.
_ask_python() {
  "$1" -I -c '
import sys
if sys.implementation.name == "cpython" and sys.version_info >= (3, 11):
    print("%d.%d\t%s" % (*sys.version_info[:2], sys.executable))
' 2>/dev/null || true
}

# The first Python the lock files were made for; otherwise the first newer one; otherwise nothing.
_find_python() {
  local candidate answer newer=""
  if [[ -n "${PYTHON:-}" ]]; then
    answer=$(_ask_python "$PYTHON")
    [[ -n "$answer" ]] || fail "PYTHON=$PYTHON is not a working Python 3.11 or newer"
    printf '%s\n' "${answer#*$'\t'}"
    return
  fi
  for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
    answer=$(_ask_python "$candidate")
    case $answer in
      "") ;;
      3.11$'\t'* | 3.12$'\t'* | 3.13$'\t'* | 3.14$'\t'*)
        printf '%s\n' "${answer#*$'\t'}"
        return
        ;;
      *) newer=${newer:-${answer#*$'\t'}} ;;
    esac
  done
  if [[ -n "$newer" ]]; then printf '%s\n' "$newer"; fi
}

# What an up-to-date .venv looks like. The path is part of it: a copied or moved tree must not go on with an environment
# that still points at the place it came from. A subshell, for its cd.
_wanted_stamp() (
  version=$("$venv_python" -I -S -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || exit 1
  printf '%s\n' "$repo_root" "python $version"
  cd -- "$repo_root" && cksum pyproject.toml requirements.lock requirements-run.lock scripts/_venv.sh
)

# Compares without a lock: the stamp is written last and by a rename, so it is there only when everything before it is.
_venv_serves() {
  local wanted have
  [[ -x "$venv_python" && -f "$venv_stamp" ]] || return 1
  wanted=$(_wanted_stamp) || return 1
  have=$(<"$venv_stamp")
  [[ "$have" == "dev"$'\n'"$wanted" || "$have" == "$1"$'\n'"$wanted" ]]
}

# Can the .venv that is there be brought up to date, or must it be made anew? Its activate script is written last and
# names the place it was made for.
_venv_is_usable() {
  local version
  [[ -x "$venv_python" && -f "$venv_dir/bin/activate" ]] || return 1
  version=$(_ask_python "$venv_python")
  [[ -n "$version" && -d "$venv_dir/lib/python${version%%$'\t'*}/site-packages" ]] || return 1
  grep -qF -- "$venv_dir" "$venv_dir/bin/activate"
}

_make_venv() {
  local python
  python=$(_find_python) || exit
  if [[ -e "$venv_dir" ]]; then
    say "replacing .venv: it is incomplete, older than Python 3.11, or was made for another place"
    rm -rf -- "$venv_dir"
  fi
  if command -v uv >/dev/null 2>&1; then
    # With no Python on the PATH, the machine may still have one that uv knows of or fetches. One that is there is named
    # by its full path: looking for itself, uv stops at the first pyenv shim that does not answer.
    say "making .venv with uv (${python:-no Python 3.11 or newer on the PATH, uv looks for one})"
    uv venv --quiet --no-project --python "${python:->=3.11,<3.15}" "$venv_dir" >&2 ||
      fail "uv could not make $venv_dir" "Install Python 3.11 or newer, or name one: PYTHON=/path/to/python3.11 $0"
  elif [[ -n "$python" ]]; then
    say "making .venv with $python"
    "$python" -m venv "$venv_dir" >&2 ||
      fail "$python could not make a virtual environment" \
        "On Debian and Ubuntu its venv module is a package of its own: apt install python3-venv" \
        "Or name another interpreter: PYTHON=/path/to/python3.11 $0"
  else
    fail "no Python 3.11 or newer found" \
      "Looked on the PATH for python3, python3.14, python3.13, python3.12, python3.11 and python." \
      "Install one, or name it: PYTHON=/path/to/python3.11 $0"
  fi
}

# Installs packages into .venv with uv where present, else with pip. The uv case names the interpreter, because an
# environment that is active in the caller's shell would be taken otherwise.
_install() {
  if command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python "$venv_python" "$@" >&2
  else
    # an environment made by uv has no pip of its own
    "$venv_python" -m pip --version >/dev/null 2>&1 || "$venv_python" -m ensurepip --default-pip >/dev/null
    "$venv_python" -m pip install --quiet --disable-pip-version-check --no-input "$@" >&2
  fi
}

_set_up() {
  local lock=requirements.lock
  if [[ "$1" == run ]]; then lock=requirements-run.lock; fi
  _venv_is_usable || _make_venv
  rm -f -- "$venv_stamp"
  say "installing $lock into .venv"
  (
    cd -- "$repo_root"
    # The lock names the build backend too, so this works with no second, unpinned environment to build in.
    _install --require-hashes -r "$lock" &&
      _install --no-deps --no-build-isolation --editable .
  ) || fail "the packages of $lock could not be installed" "The reason stands above; the next run tries again."
  {
    printf '%s\n' "$1"
    _wanted_stamp
  } >"$venv_stamp.new"
  mv -f -- "$venv_stamp.new" "$venv_stamp"
}

# Two first runs at once: the second waits and then finds everything done. The lock is on a descriptor of this very
# file, so it ends with this process, however that ends.
_lock() {
  exec 9<"${BASH_SOURCE[0]}"
  if command -v flock >/dev/null 2>&1; then
    flock -n 9 && return
    say "waiting for another run that sets up .venv"
    flock 9
  else # macOS has no flock command; a child's lock stays on the descriptor it shares with us
    local python
    python=$(_find_python) || exit
    if [[ -n "$python" ]]; then "$python" -I -S -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'; fi
  fi
}

need_venv() {
  _venv_serves "$1" && return
  _lock
  if ! _venv_serves "$1"; then _set_up "$1"; fi
  exec 9<&- # before anything else starts: a database server would inherit it and keep the lock
}

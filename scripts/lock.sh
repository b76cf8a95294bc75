#!/usr/bin/env bash
# Writes requirements.lock (everything a developer needs) and requirements-run.lock (enough to migrate): pinned versions
# with hashes, for Python 3.11 to 3.14 on every platform, and without any download address.
#
#   scripts/lock.sh                          keeps the pinned versions as far as pyproject.toml allows
#   scripts/lock.sh --upgrade                takes the newest ones; --upgrade-package NAME does it for one
set -euo pipefail

# shellcheck source=scripts/_venv.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/_venv.sh"
cd -- "$repo_root"

command -v uv >/dev/null 2>&1 || fail "uv is needed to write the lock files" "One way to get it: pipx install uv"

# The build backend belongs to the lock: the project itself is installed without a build environment of its own.
backend=$(sed -n 's/^requires = \["\([^"]*\)"\].*/\1/p' pyproject.toml)
[[ -n "$backend" ]] || fail "pyproject.toml: no line of the form requires = [\"BACKEND\"] under [build-system]"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
printf '%s\n' "$backend" >"$work/backend.in"

# resolve NAME OPTION... writes $work/NAME; the versions that are pinned now are found there by uv and kept
resolve() {
  local name=$1
  shift
  if [[ -f "$name" ]]; then cp -- "$name" "$work/$name"; fi
  # --no-annotate: the "via" comments would name this machine's paths
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --no-emit-index-url --output-file "$work/$name" "$@" "$work/backend.in" pyproject.toml >/dev/null
}

resolve requirements.lock "$@" --all-extras --group dev
resolve requirements-run.lock "$@" --extra embedded --constraint "$work/requirements.lock"

for name in requirements.lock requirements-run.lock; do
  {
    printf '# Made by scripts/lock.sh from pyproject.toml; edit that and run it again.\n'
    cat -- "$work/$name"
  } >"$work/$name.new"
  if grep -nE 'https?:|file:|--(extra-)?index|--find-links|/(home|Users|root|tmp)/' "$work/$name.new" >&2; then
    fail "$name would hold an address or a path of this machine (the lines above); nothing was written"
  fi
done
for name in requirements.lock requirements-run.lock; do mv -f -- "$work/$name.new" "$name"; done
say "wrote requirements.lock and requirements-run.lock"

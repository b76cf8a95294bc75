#!/usr/bin/env bash
# Runs the tests: all of them, or `scripts/test.sh quick` for the unit tier. Further arguments go to pytest:
#   scripts/test.sh tests/cli -k rollback        scripts/test.sh quick -x
set -euo pipefail

# shellcheck source=scripts/_venv.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/_venv.sh"

if [[ "${1:-}" == quick ]]; then
  shift
  set -- tests/unit "$@"
fi

need_venv dev
cd -- "$repo_root"

# One worker per core and two more, for tests wait a lot; unless the caller has decided (a debugger needs the one process).
workers=(-n "$(($(getconf _NPROCESSORS_ONLN) + 2))")
previous=""
for argument in "$@"; do
  case $argument in
    -n | -n[0-9al]* | --numprocesses | --numprocesses=* | -pno:xdist) workers=() ;;
    --pdb | --trace | -s | --capture=no) workers=() ;;
    no:xdist) if [[ "$previous" == -p ]]; then workers=(); fi ;;
  esac
  previous=$argument
done
has_xdist='import sys, importlib.util; sys.exit(importlib.util.find_spec("xdist") is None)'
if ((${#workers[@]})) && ! "$venv_python" -c "$has_xdist"; then workers=(); fi

exec "$venv_python" -m pytest ${workers[@]+"${workers[@]}"} "$@"

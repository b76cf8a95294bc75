#!/usr/bin/env bash
# Lints, checks the formatting and the types. `scripts/lint.sh --fix` mends first what can be mended.
set -euo pipefail

# shellcheck source=scripts/_venv.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/_venv.sh"

fix=no
case "$#:${1:-}" in
  0:) ;;
  1:--fix) fix=yes ;;
  *) fail "lint.sh takes no argument but --fix" ;;
esac

need_venv dev
cd -- "$repo_root"

status=0
# All steps run, so that one call shows everything.
step() {
  printf '== %s\n' "$*"
  "$venv_python" -m "$@" || status=1
}

if [[ "$fix" == yes ]]; then
  "$venv_python" -m ruff check --quiet --fix --exit-zero .
  "$venv_python" -m ruff format --quiet .
fi

step ruff check .
step ruff format --check .
types=(migration_manager tests)
for script in scripts/*.py; do
  if [[ -e "$script" ]]; then types+=("$script"); fi
done
step mypy "${types[@]}"

exit "$status"

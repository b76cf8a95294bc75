#!/usr/bin/env bash
# The daily commands on the dev environment, with nothing to install first. See `scripts/dev.sh help`.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/dev.sh COMMAND [options of migration-manager]

  migrate                        apply what is pending
  migrate-create "DESCRIPTION"   write a new pair of files,
                                 e.g. migrate-create "Add user preferences table"
  migrate-status                 applied and pending
  rollback NAME                  undo exactly this migration
  reset-db                       drop the database and make it anew, empty
  help                           this text

Environment: dev, or what MIGRATION_MANAGER_ENV says. The first call makes .venv.
USAGE
}

# An unknown command or a missing name costs no set-up.
usage_error() {
  printf 'dev.sh: error: %s\n\n' "$1" >&2
  usage >&2
  exit 2
}

command=${1:-help}
if (($# > 0)); then shift; fi

case $command in
  help | -h | --help)
    usage
    exit 0
    ;;
  migrate) words=(migrate) ;;
  migrate-create)
    [[ "${1:-}" == [!-]* ]] || usage_error 'migrate-create needs a description, e.g. "Add user preferences table"'
    words=(create --name "$1")
    shift
    ;;
  migrate-status) words=(status) ;;
  rollback)
    [[ "${1:-}" == [!-]* ]] || usage_error "rollback needs a name: rollback 20241227_101500_add_user_preferences"
    words=(rollback --name "$1")
    shift
    ;;
  reset-db) words=(db reset --yes) ;;
  *) usage_error "unknown command: $command" ;;
esac

# shellcheck source=scripts/_venv.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/_venv.sh"
need_venv run
cd -- "$repo_root"
# --env before the caller's own options, so that one of theirs wins
exec "$venv_python" -m migration_manager "${words[@]}" --env "${MIGRATION_MANAGER_ENV:-dev}" "$@"

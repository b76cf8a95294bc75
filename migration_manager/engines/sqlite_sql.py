"""The SQL of the SQLite engine's books, and what its rows mean; no connection here."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from migration_manager.engines.base import FORMAT
from migration_manager.errors import HistoryError
from migration_manager.model import Action, Applied, Attempt, LogRow, Outcome, PastRun, Progress, State, Touched

HISTORY_COLUMNS = (
    "migration_name", "checksum", "rollback_checksum", "state", "applied_at", "applied_by", "execution_ms",
    "run_id", "log_id",
)  # fmt: skip
LOG_COLUMNS = (
    "logged_at", "migration_name", "action", "outcome", "environment", "run_id", "execution_ms",
    "database_user", "os_user", "host", "tool_version", "git_commit", "ci_run", "sqlstate", "error", "reason",
)  # fmt: skip
MARK = "migration_manager history, format "

# What a script may change for its session and SQLite can be asked for. Not here: what is kept in the file,
# such as user_version, and what cannot be changed inside a transaction, such as synchronous.
SESSION_PRAGMAS = (
    "automatic_index", "cache_spill", "cell_size_check", "count_changes", "defer_foreign_keys",
    "empty_result_callbacks", "full_column_names", "ignore_check_constraints", "legacy_alter_table",
    "query_only", "read_uncommitted", "recursive_triggers", "reverse_unordered_selects",
    "short_column_names", "trusted_schema", "writable_schema",
)  # fmt: skip

TABLE_NAMES = "SELECT name FROM sqlite_master WHERE type = 'table'"
TABLES_AND_VIEWS = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
TEMPORARY_OBJECTS = """
SELECT type, name FROM sqlite_temp_master
WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type DESC"""


def definitions(version: tuple[int, ...]) -> str:
    """Return the query for the statements that made everything, each with its object's and its table's name.

    They come in an order that can be run, whatever was made first. A virtual table makes its shadows itself; SQLite
    tells which those are from 3.37 on.
    """
    shadows = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"
    besides = f" AND name NOT IN ({shadows})" if version >= (3, 37) else ""
    return f"""SELECT name, tbl_name, sql FROM sqlite_master
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'{besides}
ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 WHEN 'view' THEN 3 ELSE 4 END, name"""


@dataclass(frozen=True, slots=True)
class Tables:
    """The statements about one history, by the name of its table."""

    table: str

    @property
    def history(self) -> str:
        return quoted(self.table)

    @property
    def log(self) -> str:
        return quoted(f"{self.table}_log")

    @property
    def text(self) -> str:
        return quoted(f"{self.table}_text")

    @property
    def progress(self) -> str:
        return quoted(f"{self.table}_progress")

    @property
    def all_names(self) -> frozenset[str]:
        """The names of the tables, as SQLite tells them."""
        return frozenset(self.table + suffix for suffix in ("", "_log", "_text", "_progress"))

    def create(self) -> tuple[str, ...]:
        """Return the statements that make the tables where they are missing.

        SQLite keeps the text of CREATE TABLE, comments inside its parentheses included: that is where the
        format stands. The foreign key links a row to its log row; SQLite enforces it only for connections
        that ask, which ours do not.
        """
        return (
            f"""CREATE TABLE IF NOT EXISTS {self.history} (
  -- {MARK}{FORMAT}
  migration_name TEXT NOT NULL PRIMARY KEY,
  checksum TEXT NOT NULL,
  rollback_checksum TEXT,
  state TEXT NOT NULL CHECK (state IN ('applied', 'unfinished')),
  applied_at TEXT NOT NULL,
  applied_by TEXT NOT NULL,
  execution_ms INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  log_id INTEGER NOT NULL REFERENCES {self.log} (id) DEFERRABLE INITIALLY DEFERRED
)""",
            f"""CREATE TABLE IF NOT EXISTS {self.log} (
  -- append-only: everything migration_manager did here
  id INTEGER PRIMARY KEY,
  logged_at TEXT NOT NULL,
  migration_name TEXT,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  environment TEXT,
  checksum TEXT,
  run_id TEXT NOT NULL,
  execution_ms INTEGER,
  database_user TEXT NOT NULL,
  os_user TEXT,
  host TEXT,
  tool_version TEXT,
  git_commit TEXT,
  ci_run TEXT,
  sqlstate TEXT,
  error TEXT,
  reason TEXT,
  touched TEXT
)""",
            f"""CREATE TABLE IF NOT EXISTS {self.text} (
  -- texts of migrations and rollback scripts as they were applied; the content of long ones is not kept
  checksum TEXT NOT NULL PRIMARY KEY,
  bytes INTEGER NOT NULL,
  content TEXT
)""",
            # Without rowid, so that what is noted between two statements of a script leaves last_insert_rowid() alone.
            f"""CREATE TABLE IF NOT EXISTS {self.progress} (
  -- how far the scripts of unfinished migrations came; statement 0 is the whole
  migration_name TEXT NOT NULL,
  statement INTEGER NOT NULL,
  checksum TEXT,
  state TEXT NOT NULL CHECK (state IN ('started', 'done', 'failed')),
  noted_at TEXT NOT NULL,
  note TEXT,
  PRIMARY KEY (migration_name, statement)
) WITHOUT ROWID""",
        )

    def upgrade(self) -> str:
        """Return the statement that adds to an older log what it lacks; older versions can go on using it."""
        return f"ALTER TABLE {self.log} ADD COLUMN touched TEXT"

    def read_history(self, *, with_log: bool, with_touched: bool) -> str:
        of_log = ["action" if with_log else "NULL", "touched" if with_touched else "NULL"]
        found = ", ".join(f"(SELECT {column} FROM {self.log} WHERE id = log_id)" for column in of_log)
        if not with_log:
            found = "NULL, NULL"
        return f"SELECT {', '.join(HISTORY_COLUMNS)}, {found} FROM {self.history} ORDER BY log_id, migration_name"

    def read_progress(self) -> str:
        """Return the query for how far each unfinished script came: what is done, the newest statement, the whole."""
        whole = f"SELECT note FROM {self.progress} AS w WHERE w.migration_name = p.migration_name AND w.statement = 0"
        # Beside max(), SQLite answers a column that is not grouped from the row that has the maximum.
        return f"""SELECT migration_name, sum(statement > 0 AND state = 'done'), max(statement), state, ({whole})
FROM {self.progress} AS p GROUP BY migration_name"""

    def read_done(self) -> str:
        return f"""SELECT checksum FROM {self.progress} WHERE migration_name = ? AND statement > 0 AND state = 'done'
ORDER BY statement"""

    def read_last_run(self) -> str:
        """Return the query for the newest run that said that it began to migrate.

        Before runs said so, the newest that migrated anything.
        """
        return f"""SELECT run_id, min(logged_at), min(database_user),
count(DISTINCT CASE WHEN action = 'migrate' AND outcome <> 'failed' THEN migration_name END)
FROM {self.log} WHERE run_id = coalesce(
  (SELECT run_id FROM {self.log} WHERE action = 'run' AND reason = 'migrate' ORDER BY id DESC LIMIT 1),
  (SELECT run_id FROM {self.log} WHERE action = 'migrate' ORDER BY id DESC LIMIT 1)) GROUP BY run_id"""

    def read_state(self) -> str:
        return f"SELECT state FROM {self.history} WHERE migration_name = ?"

    def read_stamp(self) -> str:
        return f"SELECT environment FROM {self.log} WHERE action = 'stamp' ORDER BY id DESC LIMIT 1"

    def read_log(self) -> str:
        return f"""SELECT id, {", ".join(LOG_COLUMNS)} FROM {self.log} AS l
WHERE (:name IS NULL OR migration_name = :name) AND (action <> 'run' OR NOT EXISTS (
  SELECT 1 FROM {self.log} AS o WHERE o.run_id = l.run_id AND o.action NOT IN ('run', 'stamp')))
ORDER BY id DESC LIMIT coalesce(:limit, -1)"""

    def read_text(self) -> str:
        return f"SELECT content FROM {self.text} WHERE checksum = ? AND content IS NOT NULL"

    def write_row(self) -> str:
        return f"INSERT OR REPLACE INTO {self.history} {_columns_and_values(HISTORY_COLUMNS)}"

    def mark_unfinished(self) -> str:
        return f"""UPDATE {self.history} SET state = 'unfinished', run_id = :run_id, log_id = :log_id
WHERE migration_name = :migration_name"""

    def finish_row(self) -> str:
        """Return the statement that calls an unfinished row applied; it stays a part of the run that began it."""
        return f"""UPDATE {self.history} SET state = 'applied', applied_at = :applied_at, execution_ms = :execution_ms,
log_id = coalesce(:log_id, log_id) WHERE migration_name = :migration_name"""

    def note_statement(self) -> str:
        """Return the statement that notes what is known of one statement of a script; a script may have hidden it."""
        return f"""INSERT OR REPLACE INTO main.{self.progress}
(migration_name, statement, checksum, state, noted_at, note) VALUES (?, ?, ?, ?, ?, ?)"""

    def forget_progress(self) -> str:
        return f"DELETE FROM {self.progress} WHERE migration_name = ? AND statement > ?"

    def delete_row(self) -> str:
        return f"DELETE FROM {self.history} WHERE migration_name = ?"

    def repair_row(self) -> str:
        return f"""UPDATE {self.history} SET checksum = coalesce(:checksum, checksum),
rollback_checksum = :rollback_checksum WHERE migration_name = :migration_name"""

    def write_log(self) -> str:
        return f"INSERT INTO {self.log} {_columns_and_values((*LOG_COLUMNS, 'checksum', 'touched'))}"

    def keep_text(self) -> str:
        return f"INSERT OR IGNORE INTO {self.text} (checksum, bytes, content) VALUES (?, ?, ?)"


def _columns_and_values(columns: Sequence[str]) -> str:
    return f"({', '.join(columns)}) VALUES ({', '.join(f':{column}' for column in columns)})"


def count_violations(*, of_one_table: bool) -> str:
    """Return the query for how many rows of which table point nowhere in which other table."""
    which = "?" if of_one_table else ""
    return f"""SELECT "table", coalesce("parent", ''), count(*) FROM pragma_foreign_key_check({which})
GROUP BY 1, 2"""


def quoted(name: str) -> str:
    """Return an identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def format_of(create_table: str | None) -> int | None:
    """Return the format that the history's CREATE TABLE states, None where it states none."""
    found = re.search(re.escape(MARK) + r"(\d+)", create_table or "")
    return int(found[1]) if found else None


def written(moment: datetime) -> str:
    """Return a moment as it is stored: ISO 8601, UTC, microseconds, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)  # a row written by hand may name no zone
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def applied(row: Sequence[Any]) -> Applied:
    """Return a row of the history; raises `HistoryError` for one that says something we do not know."""
    name, checksum, rollback, state, at, by, took, run_id, log_id, action, touched = row
    try:
        done = None if action is None else Action(action)
        return Applied(
            name, checksum, rollback, State(state), _moment(at), by, took, run_id, log_id, done, _touched(touched)
        )
    except (TypeError, ValueError) as error:
        raise HistoryError(f"the history row of {name} cannot be read: {error}", names=(str(name),)) from None


def whole_noted(total: int) -> str:
    """Return what is noted of a whole script before it begins."""
    return json.dumps({"total": total})


def progress(row: Sequence[Any]) -> Progress:
    """Return how far an unfinished script came; raises `HistoryError` for what we do not know."""
    name, done, newest, state, whole = row
    try:
        attempt = Attempt(state) if newest else Attempt.DONE  # 0 is the whole: nothing is noted of a statement
        total = None if whole is None else json.loads(whole)["total"]
        return Progress(done, total, done + 1 if attempt is Attempt.DONE else newest, attempt)
    except (KeyError, TypeError, ValueError) as error:
        raise HistoryError(f"the progress of {name} cannot be read: {error}", names=(str(name),)) from None


def _touched(value: str | None) -> tuple[Touched, ...] | None:
    return None if value is None else tuple(Touched(None, name) for name in json.loads(value))


def past_run(row: Sequence[Any]) -> PastRun:
    """Return a run as the log tells of it."""
    run_id, at, by, count = row
    return PastRun(run_id, _moment(at), by, count)


def log_row(row: Sequence[Any]) -> LogRow:
    """Return a row of the log; raises `HistoryError` for one that says something we do not know."""
    number, at, name, action, outcome, *rest = row
    try:
        return LogRow(number, _moment(at), name, Action(action), Outcome(outcome), *rest)
    except (TypeError, ValueError) as error:
        raise HistoryError(f"row {number} of the log cannot be read: {error}") from None

"""The SQL of the PostgreSQL engine's books, as text; no connection here.

Every object is qualified and every function is `pg_catalog`'s, so that a script that empties `search_path` or shadows a
function changes nothing for the runner. Names and values are quoted by psycopg's `sql` module.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg import sql

from migration_manager.engines.base import FORMAT, KEPT_TEXT_LIMIT
from migration_manager.model import Action, Attempt, Change, Outcome, Resumption, Run, Source

BOOKS = ("", "_log", "_text", "_progress")  # what the names of the history's tables end in, behind the configured one
GUARD = "_is_logged"  # ends the name of the deferred foreign key from history to log
MARK = "migration_manager history, format "
FIRST_USER_OID = 16384  # FirstNormalObjectId: what is below belongs to the server itself
MOST_TOUCHED = 500  # relations that are remembered of one step; what touched more of them is not known
HISTORY_COLUMNS = frozenset({
    "migration_name", "checksum", "rollback_checksum", "state", "applied_at", "applied_by", "execution_ms", "run_id",
    "log_id",
})  # fmt: skip

WHO_AM_I = """SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_setting('server_version_num'),
 pg_catalog.current_database(), session_user, current_user, pg_catalog.pg_is_in_recovery(), pg_catalog.version(),
 pg_catalog.pg_backend_pid()"""

SAFE_PATH = "SET LOCAL search_path = pg_catalog"

# Begins a statement that checks something: it divides by zero (22012) when that is not so, and ends its message.
CHECK = "SELECT 1 / "

# Deferred triggers of a script's own fire at COMMIT, and have to find there the user, role and search path it left.
_STATE = ("session_authorization", "role", "search_path")
KEEP_STATE = "SELECT " + ", ".join(
    f"pg_catalog.set_config('migration_manager.{name}', pg_catalog.current_setting('{name}'), true)" for name in _STATE
)
RESTORE_STATE = "SELECT " + ", ".join(
    f"pg_catalog.set_config('{name}', pg_catalog.current_setting('migration_manager.{name}'), true)" for name in _STATE
)

# What to say for an SQLSTATE that has a known way out (PAINS 23).
ADVICE = {
    "25001": "put `-- migrate: no-transaction` at the top of the file: PostgreSQL refuses this inside a transaction",
    "25006": "the transaction the file ran in had ended: take its COMMIT or ROLLBACK out",
    "2D000": "a procedure that commits needs a file with `-- migrate: no-transaction` at its top",
    "55P04": "a new enum value can be used only after it is committed: split the file in two",
    "55006": "split data changes and table changes into two files, or run SET CONSTRAINTS name IMMEDIATE between them",
    "55P03": "a lock was not free within lock_timeout: nothing is wrong with the file; run again later, and see "
    "`blockers` for who is in the way",
    "57014": "statement_timeout ended it, or a person did; `-- migrate: statement-timeout 15min` gives a file longer",
    "53200": "the server ran out of room for locks: split the file, or raise max_locks_per_transaction",
    "42501": "the role files run as lacks this privilege: GRANT it, or set `role` to the owner of these objects",
}


def quoted(name: str | None) -> str:
    """Return an identifier, quoted."""
    return sql.Identifier(name or "").as_string()


def literal(value: str | int | None) -> str:
    """Return a value as an SQL literal."""
    return sql.Literal(value).as_string()


def take_role(role: str | None, *, for_session: bool = False) -> list[str]:
    """Return the statements that take the configured role, so that all objects get one owner.

    Until the transaction ends, because a pooler may hand the session to somebody else then; or for the whole session.
    """
    return [f"SET {'SESSION' if for_session else 'LOCAL'} ROLE {quoted(role)}"] if role else []


def where_is_history(schema: str | None, table: str) -> str:
    """Return the query for the history's place.

    It answers the schema new tables would be made in and whether that exists; the schema the table was found in, its
    kind, columns and comment; whether Rails' metadata is beside it; which of the history's tables somebody else has a
    say in, and what that is, by a name for people; whether its log is older than this version's; and whether how far
    scripts came may be read. Without a configured schema the table is looked for along the whole search path: one that
    is not in its first schema must be noticed, not made a second time.
    """
    if schema is None:
        relation = f"pg_catalog.to_regclass({literal(quoted(table))})"
        place = "pg_catalog.current_schema()::text"
    else:
        relation = f"pg_catalog.to_regclass({literal(quoted(schema) + '.' + quoted(table))})"
        place = literal(schema)
    return f"""SELECT p.place, EXISTS (SELECT FROM pg_catalog.pg_namespace e WHERE e.nspname = p.place),
 n.nspname, c.relkind,
 (SELECT pg_catalog.string_agg(a.attname || E'\\t' || pg_catalog.format_type(a.atttypid, a.atttypmod), E'\\n')
   FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
 pg_catalog.obj_description(c.oid, 'pg_class'),
 EXISTS (SELECT FROM pg_catalog.pg_class r WHERE r.relnamespace = n.oid AND r.relname = 'ar_internal_metadata'),
 (SELECT w.relname || E'\\t' || w.what FROM (SELECT t.relname, CASE WHEN t.relrowsecurity THEN 'row level security'
    ELSE coalesce(
     (SELECT 'the trigger ' || pg_catalog.min(g.tgname::text) FROM pg_catalog.pg_trigger g
       WHERE t.relhastriggers AND g.tgrelid = t.oid AND NOT g.tgisinternal),
     (SELECT 'the rule ' || pg_catalog.min(r.rulename::text) FROM pg_catalog.pg_rewrite r
       WHERE t.relhasrules AND r.ev_class = t.oid)) END AS what
   FROM pg_catalog.pg_class t WHERE t.relnamespace = n.oid
   AND t.relname IN ({", ".join(literal(table + end) for end in BOOKS)})) w
  WHERE w.what IS NOT NULL ORDER BY w.relname LIMIT 1),
 NOT EXISTS (SELECT FROM pg_catalog.pg_class g JOIN pg_catalog.pg_attribute a ON a.attrelid = g.oid
   WHERE g.relnamespace = n.oid AND g.relname = {literal(table + "_log")} AND a.attname = 'touched')
 OR NOT EXISTS (SELECT FROM pg_catalog.pg_class g WHERE g.relnamespace = n.oid
   AND g.relname = {literal(table + "_progress")}),
 (SELECT pg_catalog.has_table_privilege(g.oid, 'SELECT') FROM pg_catalog.pg_class g WHERE g.relnamespace = n.oid
   AND g.relname = {literal(table + "_progress")})
 FROM (SELECT {relation} AS relation, {place} AS place) p
 LEFT JOIN pg_catalog.pg_class c ON c.oid = p.relation
 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"""


def format_of(comment: str | None) -> int | None:
    """Return the format the table's comment states, None where it states none."""
    number = (comment or "").removeprefix(MARK).split(" ")[0]
    return int(number) if (comment or "").startswith(MARK) and number.isdigit() else None


def holds_lock(key: int) -> str:
    """Return the condition for a row `l` of pg_locks to be of whoever holds our advisory lock of this 64-bit key."""
    low, high = key & 0xFFFFFFFF, (key >> 32) & 0xFFFFFFFF
    return f"""l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = {high} AND l.objid = {low}
 AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())"""


def lock_holder(key: int) -> str:
    """Return the query for the session that holds an advisory lock of this 64-bit key."""
    return f"""SELECT l.pid, a.usename, a.application_name,
 coalesce(a.client_hostname, pg_catalog.host(a.client_addr)), {_moment("a.backend_start")}
 FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE {holds_lock(key)} LIMIT 1"""


def take_fence(key: int) -> str:
    """Return the statement that takes the lock until the transaction ends, and fails (22012) when others hold it."""
    return f"{CHECK}pg_catalog.pg_try_advisory_xact_lock({key})::integer"


def release_lock(key: int) -> str:
    """Return the query that lets go of the session's lock where it is still held."""
    return f"SELECT pg_catalog.pg_advisory_unlock({key}) FROM ({lock_is_ours(key)}) AS l (held) WHERE l.held"


def verdict_of(xid: str) -> str:
    """Return the query for what became of a transaction: `in progress` as long as it may still commit.

    A transaction that a crashed server never wrote down is "in the future" (22023); its id may be given to another one
    later. So this says only when to stop waiting, and never what happened (RELIABILITY B5).
    """
    return f"SELECT pg_catalog.pg_xact_status({literal(xid)}::xid8)"


def what_waits(xid: str) -> str:
    """Return the query for what the session of a transaction waits for."""
    return f"""SELECT wait_event FROM pg_catalog.pg_stat_activity
 WHERE backend_xid = {literal(xid)}::xid8::xid AND wait_event IS NOT NULL"""


def lock_is_ours(key: int) -> str:
    """Return the query for whether this session holds the advisory lock of this key."""
    return f"""SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l
 WHERE {holds_lock(key)} AND l.pid = pg_catalog.pg_backend_pid())"""


# An index that somebody builds is no leftover. Which table it is on is kept from whoever lacks `pg_read_all_stats`; who
# has the table locked for it, all the while, is not.
LEFTOVERS = """SELECT 'invalid index' AS kind, c.oid::bigint, c.relname, t.relname,
 pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.format('%I.%I', tn.nspname, t.relname),
 pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, c.relname)
 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
 JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
 WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_'
 AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index b
   WHERE b.datname = pg_catalog.current_database() AND (b.relid = t.oid OR (b.relid IS NULL AND EXISTS (
    SELECT FROM pg_catalog.pg_locks k WHERE k.pid = b.pid AND k.database = b.datid AND k.relation = t.oid))))
UNION ALL SELECT 'partition whose detaching is not finished', c.oid::bigint, c.relname, t.relname,
 pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.format('%I.%I', tn.nspname, t.relname),
 pg_catalog.format('ALTER TABLE %I.%I DETACH PARTITION %I.%I FINALIZE', tn.nspname, t.relname, n.nspname, c.relname)
 FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid
 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_class t ON t.oid = h.inhparent
 JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace WHERE h.inhdetachpending
UNION ALL SELECT 'constraint that is not validated', k.oid::bigint, k.conname, t.relname,
 pg_catalog.quote_ident(k.conname), pg_catalog.format('%I.%I', tn.nspname, t.relname),
 pg_catalog.format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', tn.nspname, t.relname, k.conname)
 FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
 JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
 WHERE NOT k.convalidated AND k.contype IN ('c', 'f', 'n')"""


def invalid_index(name: str, table: str) -> str:
    """Return the query for an invalid index of this name in the schema of a table, which is given as SQL."""
    return f"""SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_index i
 JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relname = {literal(name)} AND NOT i.indisvalid AND c.relkind = 'i' AND c.relnamespace =
 (SELECT t.relnamespace FROM pg_catalog.pg_class t WHERE t.oid = pg_catalog.to_regclass({literal(table)}))"""


def _names_noted(names: Sequence[str]) -> str:
    listed = f"ARRAY[{', '.join(map(literal, names))}]::pg_catalog.text[]"
    # What a statement makes that a transaction refuses: an index, a database, a tablespace, a subscription.
    taken = " UNION ALL ".join(
        f"SELECT FROM pg_catalog.{catalog} WHERE {column} = ANY ({listed})"
        for catalog, column in (
            ("pg_class", "relname"),
            ("pg_database", "datname"),
            ("pg_tablespace", "spcname"),
            ("pg_subscription", "subname"),
        )
    )
    return f"pg_catalog.jsonb_build_object('names', {listed}, 'taken', EXISTS ({taken}))::text"


def _moment(expression: str) -> str:
    return f"pg_catalog.to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"


@dataclass(frozen=True, slots=True)
class Tables:
    """The statements about one history, by the place of its tables."""

    schema: str
    table: str

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.table}"

    def _name(self, suffix: str = "") -> str:
        return f"{quoted(self.schema)}.{quoted(self.table + suffix)}"

    @property
    def all_names(self) -> tuple[str, ...]:
        """The names of the tables, without their schema."""
        return tuple(self.table + suffix for suffix in BOOKS)

    @property
    def history(self) -> str:
        return self._name()

    @property
    def log(self) -> str:
        return self._name("_log")

    @property
    def text(self) -> str:
        return self._name("_text")

    @property
    def progress(self) -> str:
        return self._name("_progress")

    # ---------------------------------------------------------------------------------- privileges

    @property
    def _all(self) -> str:
        return f"{self.history}, {self.log}, {self.text}, {self.progress}"

    def grant_reading(self, role: str) -> str:
        """Return the statements that let a role read the books."""
        return (
            f"GRANT USAGE ON SCHEMA {quoted(self.schema)} TO {quoted(role)}; "
            f"GRANT SELECT ON {self._all} TO {quoted(role)};"
        )

    def grant_keeping(self, role: str) -> str:
        """Return the statements that let a role keep books that exist."""
        return (
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {self._all} TO {quoted(role)}; "
            f"GRANT USAGE ON SEQUENCE {self._name('_log_id_seq')} TO {quoted(role)};"
        )

    def grant_making(self, role: str) -> str:
        """Return the statement that lets a role make the books."""
        return f"GRANT USAGE, CREATE ON SCHEMA {quoted(self.schema)} TO {quoted(role)};"

    def grant_schema(self, database: str, role: str) -> str:
        """Return the statement that lets a role make the schema of the books."""
        return f"GRANT CREATE ON DATABASE {quoted(database)} TO {quoted(role)};"

    # ------------------------------------------------------------------------------------ making

    def create(self, *, with_schema: bool) -> list[str]:
        """Return the statements that make the tables.

        The deferred foreign key is a guard as well as a link: a history row is written before its log row, so a COMMIT
        hidden in a script finds the link broken and the server itself refuses it (RELIABILITY B2).
        """
        statements = [f"CREATE SCHEMA {quoted(self.schema)}"] if with_schema else []
        return [
            *statements,
            f"""CREATE TABLE IF NOT EXISTS {self.log} (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  logged_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  migration_name text, action text NOT NULL, outcome text NOT NULL, environment text, checksum text,
  run_id text NOT NULL, execution_ms bigint, database_user text NOT NULL DEFAULT session_user,
  os_user text, host text, tool_version text, git_commit text, ci_run text, sqlstate text, error text, reason text,
  touched text)""",
            f"""CREATE TABLE {self.history} (
  migration_name text PRIMARY KEY, checksum text NOT NULL, rollback_checksum text,
  state text NOT NULL CHECK (state IN ('applied', 'unfinished')), applied_at timestamptz NOT NULL,
  applied_by text NOT NULL, execution_ms bigint NOT NULL, run_id text NOT NULL,
  log_id bigint NOT NULL CONSTRAINT {quoted(self.table + GUARD)}
    REFERENCES {self.log} DEFERRABLE INITIALLY DEFERRED)""",
            f"""CREATE TABLE IF NOT EXISTS {self.text} (
  checksum text PRIMARY KEY, bytes bigint NOT NULL, content text)""",
            self._create_progress(),
            f"COMMENT ON TABLE {self.history} IS {literal(MARK + str(FORMAT))}",
            f"COMMENT ON TABLE {self.log} IS 'append-only: everything migration_manager did here'",
            f"COMMENT ON TABLE {self.text} IS 'texts of migrations and rollback scripts as they were applied'",
        ]

    def upgrade(self) -> list[str]:
        """Return the statements that add to older tables what they lack; older versions can go on using them."""
        return [f"ALTER TABLE {self.log} ADD COLUMN IF NOT EXISTS touched text", self._create_progress()]

    def _create_progress(self) -> str:
        return f"""CREATE TABLE IF NOT EXISTS {self.progress} (
  migration_name text NOT NULL, statement bigint NOT NULL, checksum text, state text NOT NULL
    CHECK (state IN ('started', 'done', 'failed')),
  noted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), note text,
  PRIMARY KEY (migration_name, statement))"""

    # ----------------------------------------------------------------------------------- reading

    def read_history(self, *, older: bool, with_progress: bool) -> list[str]:
        """Return the queries for the history, oldest application first, the stamp, the last run, and for progress.

        `older` tables say nothing of what a step touched. The last run is the newest that said that it began to
        migrate; before runs said so, the newest that migrated anything.
        """
        return [
            f"""SELECT h.migration_name, h.checksum, h.rollback_checksum, h.state, {_moment("h.applied_at")},
 h.applied_by, h.execution_ms, h.run_id, h.log_id, l.action, {"NULL" if older else "l.touched"},
 {self._log_oid()}
 FROM {self.history} h LEFT JOIN {self.log} l ON l.id = h.log_id ORDER BY h.log_id, h.migration_name""",
            self.read_stamp(),
            f"""SELECT r.run_id, {_moment("pg_catalog.min(r.logged_at)")}, pg_catalog.min(r.database_user),
 pg_catalog.count(DISTINCT r.migration_name) FILTER (WHERE r.action = 'migrate' AND r.outcome <> 'failed')
 FROM {self.log} r WHERE r.run_id = coalesce(
 (SELECT run_id FROM {self.log} WHERE action = 'run' AND reason = 'migrate' ORDER BY id DESC LIMIT 1),
 (SELECT run_id FROM {self.log} WHERE action = 'migrate' ORDER BY id DESC LIMIT 1)) GROUP BY r.run_id""",
            self._read_progress() if with_progress else "SELECT WHERE false",
        ]

    def _read_progress(self) -> str:
        """Return the query for how far each unfinished script came; statement 0 notes what is known of the whole."""
        newest = "ORDER BY statement DESC"
        return f"""SELECT migration_name, pg_catalog.count(*) FILTER (WHERE statement > 0 AND state = 'done'),
 (pg_catalog.array_agg(state {newest}))[1], pg_catalog.max(note) FILTER (WHERE statement = 0),
 (pg_catalog.array_agg(note {newest}))[1], (pg_catalog.array_agg(checksum {newest}))[1]
 FROM {self.progress} GROUP BY migration_name"""

    def read_notes(self, name: str) -> str:
        """Return the query for the notes of an unfinished script: of the whole, numbered 0, and of its newest one."""
        return f"""SELECT statement, note FROM {self.progress} WHERE migration_name = {literal(name)}
 AND (statement = 0 OR statement = (SELECT pg_catalog.max(statement) FROM {self.progress}
 WHERE migration_name = {literal(name)}))"""

    def read_done(self, name: str) -> str:
        """Return the query for the checksums of the statements that are kept, in order."""
        return f"""SELECT checksum FROM {self.progress} WHERE migration_name = {literal(name)} AND statement > 0
 AND state = 'done' ORDER BY statement"""

    def read_stamp(self) -> str:
        return f"SELECT environment FROM {self.log} WHERE action = 'stamp' ORDER BY id DESC LIMIT 1"

    def read_log(self, name: str | None, limit: int | None) -> str:
        where = f" AND migration_name = {literal(name)}" if name is not None else ""
        most = f" LIMIT {limit:d}" if limit is not None else ""
        return f"""SELECT id, {_moment("logged_at")}, migration_name, action, outcome, environment, run_id,
 execution_ms, database_user, os_user, host, tool_version, git_commit, ci_run, sqlstate, error, reason
 FROM {self.log} l WHERE (action <> 'run' OR NOT EXISTS (SELECT FROM {self.log} o
 WHERE o.run_id = l.run_id AND o.action NOT IN ('run', 'stamp'))){where} ORDER BY id DESC{most}"""

    def read_texts(self, checksums: Sequence[str]) -> str:
        wanted = ", ".join(map(literal, checksums))
        return f"SELECT checksum, content FROM {self.text} WHERE checksum IN ({wanted}) AND content IS NOT NULL"

    # ----------------------------------------------------------------------------------- writing

    def begin_change(self, run: Run, change: Change) -> list[str]:
        """Return what stands before a script in its transaction; the last one answers the new log id and the xid.

        Each variant fails, and so ends the message before the script runs, when another run was here first: the primary
        key for a row that must not exist yet, a division by zero for one that must.
        """
        name = literal(change.name)
        keep = [self._keep(source) for source in change.texts]
        if change.action in (Action.MIGRATE, Action.BASELINE):
            again = ""
            if change.action is Action.BASELINE:  # a person finished by hand what stopped half-way
                again = """
 ON CONFLICT (migration_name) DO UPDATE SET log_id = excluded.log_id, run_id = excluded.run_id,
 checksum = excluded.checksum, rollback_checksum = excluded.rollback_checksum
 WHERE old.state = 'unfinished'"""
            return [*keep, self._insert(run, change, self._next_log_id(), again)]
        there = f"{CHECK}(SELECT pg_catalog.count(*) FROM {self.history} WHERE migration_name = {name})"
        if change.action is Action.REPAIR:  # the row keeps its place in the order of application
            return [*keep, there, f"SELECT {self._next_log_id()}, pg_catalog.pg_current_xact_id()"]
        # What a person finished by hand stays a part of the run that began it.
        by = "run_id" if change.action is Action.RESUME else literal(run.id)
        return [
            *keep,
            there,
            f"""UPDATE {self.history} SET log_id = {self._next_log_id()}, state = 'unfinished',
 run_id = {by} WHERE migration_name = {name} RETURNING log_id, pg_catalog.pg_current_xact_id()""",
        ]

    def _insert(self, run: Run, change: Change, log_id: str, conflict: str = "") -> str:
        return f"""INSERT INTO {self.history} AS old (migration_name, checksum, rollback_checksum, state, applied_at,
 applied_by, execution_ms, run_id, log_id) VALUES ({literal(change.name)}, {literal(change.checksum)},
 {literal(change.rollback_checksum)}, 'unfinished', pg_catalog.clock_timestamp(), session_user, 0,
 {literal(run.id)}, {log_id}){conflict} RETURNING log_id, pg_catalog.pg_current_xact_id()"""

    def _next_log_id(self) -> str:
        return f"pg_catalog.nextval(pg_catalog.pg_get_serial_sequence({literal(self.log)}, 'id'))"

    def finish_change(self, run: Run, change: Change, log_id: int, took: int, *, alone: bool) -> list[str]:
        """Return what stands after a script: the log row, and the history row's last word.

        `alone` says that the script is the first of its transaction: the locks of one that came before it are still
        held, and nobody can tell them from its own.
        The first statement fails when the row written before the script is gone, which only a script that ended the
        transaction, or meddled with the row, can bring about.
        """
        ours = f"migration_name = {literal(change.name)}"
        if change.action is not Action.REPAIR:
            ours += f" AND log_id = {log_id:d} AND state = 'unfinished'"
        return [
            f"{CHECK}(SELECT pg_catalog.count(*) FROM {self.history} WHERE {ours})",
            self.log_row(
                run,
                change.action,
                Outcome.DONE,
                change.name,
                took,
                row_id=log_id,
                checksum=change.checksum,
                reason=change.reason,
                touched=alone and change.script is not None,
            ),
            self._last_word(change, ours, took),
            *([] if change.action is Action.MIGRATE else [self._forget_progress(change.name)]),
        ]

    def _last_word(self, change: Change, where: str, took: int) -> str:
        if change.action in (Action.ROLLBACK, Action.FORGET):
            return f"DELETE FROM {self.history} WHERE {where}"
        if change.action is Action.REPAIR:
            return f"""UPDATE {self.history} SET checksum = {literal(change.checksum)},
 rollback_checksum = {literal(change.rollback_checksum)} WHERE {where}"""
        return f"""UPDATE {self.history} SET state = 'applied', applied_at = pg_catalog.clock_timestamp(),
 execution_ms = {took:d} WHERE {where}"""

    def begin_unfinished(self, run: Run, change: Change, note: str) -> list[str]:
        """Return the intent of a no-transaction script, to be committed before its first statement.

        `note` says what is known of the whole; of a script that goes on it is there already.
        """
        name = literal(change.name)
        reason = None if change.resumption is None else f"at statement {change.resumption.skip + 1}"
        started = self.log_row(
            run, change.logged_as, Outcome.STARTED, change.name, None, checksum=change.checksum, reason=reason
        )
        log_id = f"pg_catalog.currval(pg_catalog.pg_get_serial_sequence({literal(self.log)}, 'id'))"
        keep = [self._keep(source) for source in change.texts]
        there = f"{CHECK}(SELECT pg_catalog.count(*) FROM {self.history} WHERE migration_name = {name})"
        if change.resumption is not None:
            there = there.removesuffix(")") + " AND state = 'unfinished')"
            over = f"""DELETE FROM {self.progress} WHERE migration_name = {name}
 AND statement > {change.resumption.skip + 1:d}"""
            changed = f"""UPDATE {self.history} SET checksum = {literal(change.checksum)},
 rollback_checksum = {literal(change.rollback_checksum)} WHERE migration_name = {name}"""
            return [
                *keep,
                there,
                started,
                over,
                *self._note_resumption(change, change.resumption),
                *([changed] if change.action is Action.MIGRATE else []),
            ]
        begun = f"""INSERT INTO {self.progress} (migration_name, statement, state, note)
 VALUES ({name}, 0, 'started', {literal(note)})"""
        if change.action is Action.MIGRATE:
            # A row that a person deleted has left its progress behind.
            return [*keep, started, self._insert(run, change, log_id), self._forget_progress(change.name), begun]
        return [
            *keep,
            there,
            started,
            f"""UPDATE {self.history} SET state = 'unfinished', run_id = {literal(run.id)}, log_id = {log_id}
 WHERE migration_name = {name}""",
            self._forget_progress(change.name),
            begun,
        ]

    def _note_resumption(self, change: Change, resumption: Resumption) -> list[str]:
        """Note as done what a person took for it, and how many statements the file has now."""
        ours, skip = f"migration_name = {literal(change.name)}", resumption.skip
        total = change.script.statement_count if change.script else skip
        taken = resumption.taken
        return [
            *([] if taken is None else [self.note_statement(change.name, skip, taken, Attempt.DONE)]),
            f"""UPDATE {self.progress}
 SET note = (note::pg_catalog.jsonb || pg_catalog.jsonb_build_object('total', {total:d}))::text
 WHERE {ours} AND statement = 0""",
        ]

    def finish_unfinished(self, run: Run, change: Change, took: int) -> list[str]:
        """Return the end of a no-transaction script's books: the log row and the history row's last word."""
        ours = f"migration_name = {literal(change.name)} AND state = 'unfinished'"
        return [
            f"{CHECK}(SELECT pg_catalog.count(*) FROM {self.history} WHERE {ours})",
            self.log_row(run, change.logged_as, Outcome.DONE, change.name, took, checksum=change.checksum),
            self._last_word(change, ours, took),
            self._forget_progress(change.name),
        ]

    def note_statement(
        self, name: str, number: int, checksum: str, attempt: Attempt, names: Iterable[str] | None = None
    ) -> str:
        """Return the statement that notes what is known of one statement of an unfinished script.

        With the `names` in it, whether something is called so is noted as well; of one that may have run already, what
        was noted before it did.
        """
        note = "NULL" if names is None else _names_noted(sorted(names))
        return f"""INSERT INTO {self.progress} AS p (migration_name, statement, checksum, state, note)
 VALUES ({literal(name)}, {number:d}, {literal(checksum)}, {literal(attempt.value)}, {note})
 ON CONFLICT (migration_name, statement) DO UPDATE SET checksum = excluded.checksum, state = excluded.state,
 note = CASE WHEN p.state = 'started' AND p.checksum = excluded.checksum THEN p.note
 ELSE coalesce(excluded.note, p.note) END"""

    def _forget_progress(self, name: str) -> str:
        return f"DELETE FROM {self.progress} WHERE migration_name = {literal(name)}"

    def log_row(
        self,
        run: Run,
        action: Action,
        outcome: Outcome,
        name: str | None,
        took: int | None,
        *,
        row_id: int | None = None,
        checksum: str | None = None,
        error: str | None = None,
        code: str | None = None,
        reason: str | None = None,
        touched: bool = False,
        where: str = "",
    ) -> str:
        """Return the statement that appends one row to the log; with `touched`, what this transaction has locked."""
        values: dict[str, str | int | None] = {
            "migration_name": name,
            "action": action.value,
            "outcome": outcome.value,
            "environment": run.environment,
            "checksum": checksum,
            "run_id": run.id,
            "execution_ms": took,
            "os_user": run.os_user,
            "host": run.host,
            "tool_version": run.tool_version,
            "git_commit": run.git_commit,
            "ci_run": run.ci_run,
            "sqlstate": code,
            "error": error,
            "reason": reason,
        }
        if row_id is not None:
            values["id"] = row_id
        given = {column: value for column, value in values.items() if value is not None}
        expressions = {column: literal(value) for column, value in given.items()}
        if touched:
            expressions["touched"] = self._touched()
        columns, values_ = ", ".join(expressions), ", ".join(expressions.values())
        return f"INSERT INTO {self.log} ({columns}) SELECT {values_}{where}"

    def is_logged(self, run: Run, log_id: int) -> str:
        """Return the query for whether the log has this row of this run: what was committed, whatever became of us."""
        return f"SELECT EXISTS (SELECT FROM {self.log} WHERE id = {log_id:d} AND run_id = {literal(run.id)})"

    def _touched(self) -> str:
        """Return the expression for the relations this transaction has changed, or locked against changes.

        As JSON: the number of our log, by which a restored copy is told, and pairs of number and name, the latter null
        for what was dropped; NULL when there are too many of them. Told from the locks that are held, which a
        transaction keeps to its end (manual 13.3); our own tables and the catalog's are left out.
        """
        ours = ", ".join(
            f"{literal(name)}::pg_catalog.regclass" for name in (self.history, self.log, self.text, self.progress)
        )
        pairs = """coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(t.oid, t.name)
 ORDER BY t.name IS NULL, t.oid), '[]'::pg_catalog.json)"""
        return f"""(SELECT CASE WHEN pg_catalog.count(*) <= {MOST_TOUCHED} THEN
 pg_catalog.json_build_object('log', {self._log_oid()}, 'relations', {pairs})::text END FROM (
 SELECT DISTINCT l.relation::bigint AS oid, n.nspname || '.' || c.relname AS name
 FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.relation >= {FIRST_USER_OID}
 AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND l.relation NOT IN ({ours})
 AND (c.oid IS NULL OR (c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_'))) t)"""

    def _log_oid(self) -> str:
        return f"{literal(self.log)}::pg_catalog.regclass::pg_catalog.oid::bigint"

    def start_of(self, run: Run, action: Action) -> str:
        """Return the statement that tells the log of a run, before anything of it is done: it may be killed."""
        return self.log_row(run, Action.RUN, Outcome.STARTED, None, None, reason=action.value)

    def first_stamp(self, run: Run) -> str:
        """Return the statement that stamps the run's environment where none is stamped."""
        none_yet = f" WHERE NOT EXISTS (SELECT FROM {self.log} WHERE action = 'stamp')"
        return self.log_row(run, Action.STAMP, Outcome.DONE, None, None, where=none_yet)

    def _keep(self, source: Source) -> str:
        content = literal(source.text) if source.size <= KEPT_TEXT_LIMIT else "NULL"
        return f"""INSERT INTO {self.text} (checksum, bytes, content)
 VALUES ({literal(source.checksum)}, {source.size:d}, {content}) ON CONFLICT (checksum) DO NOTHING"""

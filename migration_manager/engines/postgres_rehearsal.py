"""Watching what each statement of a script does to the tables that were there before it.

Inside a transaction all of it is to be seen when the statement ends: its locks stay, a table that was written anew has
another file, and the statistics of the transaction count each time a table was read from end to end, an empty one as
well: by ALTER TABLE and VALIDATE CONSTRAINT, by an index build, by the query that checks a foreign key. What a
statement outside of a transaction had locked is gone when it ends, so its locks are those that the manual names for
what it is seen to have done; the tests hold them against the locks that such statements wait for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from migration_manager.engines.base import Watching
from migration_manager.engines.postgres_failures import OWNS_TRANSACTION, as_error, closing_failure
from migration_manager.engines.postgres_outside import REFUSED_INSIDE, runs_inside
from migration_manager.engines.postgres_script import ScriptRun
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_transaction import timeouts
from migration_manager.engines.postgres_wire import Refused, Row
from migration_manager.errors import ConfigError, SqlFailed
from migration_manager.messages import Message, one_by_one, statements_of
from migration_manager.model import Control, Dialect, Script
from migration_manager.rehearsal import Lock, Mode, Observed, Relation, Size
from migration_manager.sqltext import Kind, statement_tokens

_OURS: Final = 16384  # FirstNormalObjectId: below are the system's own
_KINDS: Final = {"r": "table", "p": "table", "m": "materialized view", "v": "view", "f": "foreign table"}
_INDEX: Final = ("i", "I")
_MODES: Final = {mode.value.title().replace(" ", "") + "Lock": mode for mode in Mode}

_RELATIONS: Final = f"""
SELECT c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.relkind, c.relfilenode,
       c.reltablespace, i.indrelid, CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid)::oid END,
       i.indisvalid,
       pg_catalog.pg_stat_get_vacuum_count(c.oid),
       (SELECT pg_catalog.min(h.inhparent) FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid),
       pg_catalog.pg_stat_get_xact_numscans(c.oid)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
 WHERE c.oid >= {_OURS} AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I')
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
# Only what is locked can have been read, or written anew; of what was dropped there is no row in pg_class.
_LOCKED: Final = f"""
SELECT l.relation, l.mode, c.relfilenode, c.reltablespace, pg_catalog.pg_stat_get_xact_numscans(l.relation), c.relkind,
       i.indrelid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
  FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
       LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
 WHERE l.locktype = 'relation' AND l.granted AND l.pid = pg_catalog.pg_backend_pid() AND l.relation >= {_OURS}
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())"""
# A table without statistics has no pages here, however large it is; then its file is asked, which takes the lock of a
# SELECT, so not where somebody keeps that out.
_SIZES: Final = """
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       (CASE WHEN c.reltuples > 0 THEN c.reltuples ELSE pg_catalog.pg_stat_get_live_tuples(c.oid) END)::bigint,
       pg_catalog.current_setting('block_size')::bigint * (NULLIF(c.relpages, 0) + COALESCE(t.relpages, 0) + COALESCE(
           (SELECT pg_catalog.sum(x.relpages) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x
               ON x.oid = i.indexrelid WHERE i.indrelid IN (c.oid, c.reltoastrelid)), 0))::bigint,
       {asked}
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
 WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_ASKED: Final = """CASE WHEN c.relpages = 0 AND NOT EXISTS (
           SELECT 1 FROM pg_catalog.pg_locks l WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock')
       THEN CASE pg_catalog.pg_relation_size(c.oid) WHEN 0 THEN 0
            ELSE pg_catalog.pg_total_relation_size(c.oid) END END"""
_BRIEFLY: Final = "SET LOCAL lock_timeout = 200"  # somebody may lock one in between

# The planner of an empty table reads it whole although a full one has an index for that.
_TRUST_INDEXES: Final = (
    "SELECT pg_catalog.set_config('migration_manager.enable_seqscan',"
    " pg_catalog.current_setting('enable_seqscan'), true), pg_catalog.set_config('enable_seqscan', 'off', true)"
)
_AS_BEFORE: Final = (
    "SELECT pg_catalog.set_config('enable_seqscan', pg_catalog.current_setting('migration_manager.enable_seqscan'),"
    " true)"
)
_IS_PLANNED: Final = frozenset({("UPDATE",), ("DELETE",), ("MERGE",), ("INSERT",), ("WITH",)})
# What a statement that goes through a whole table is likely to have on it.
_LIKELY: Final = {
    **dict.fromkeys(("ALTER", "CLUSTER", "DO", "REFRESH", "REINDEX"), Mode.ACCESS_EXCLUSIVE),
    **dict.fromkeys(("UPDATE", "DELETE", "MERGE"), Mode.ROW_EXCLUSIVE),
}
_SHOWN: Final = 200  # characters of a statement's beginning
_SAID: Final = 200  # words of it
# Many rows for one table, as dumps write them: what one of them locks, the next one has.
_INSERTS: Final = re.compile(r"INSERT\s+INTO\s+[^\s(]+\s*(?:\([^()']*\)\s*)?VALUES\b(?![^;]*\bSELECT\b)", re.IGNORECASE)
_TRUNCATES: Final = re.compile(r"\btruncate\b", re.IGNORECASE)

Told = Callable[[Observed], None]


class _Entry(NamedTuple):
    """A relation as it stands. `table` is what an index is on, `parent` and `root` what a partition is part of."""

    name: str
    kind: str
    file: str
    tablespace: str
    table: int | None
    root: int | None
    is_valid: bool
    vacuumed: str | None
    parent: int | None
    scans: int  # that the session has counted and not handed in yet


class _Locked(NamedTuple):
    """A relation that we have locked: how, and how often it was read from end to end in this transaction."""

    modes: frozenset[Mode]
    file: str | None
    tablespace: str | None
    scans: int
    kind: str | None
    table: int | None
    name: str | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What was there before: every relation, and of those the environment's, as it calls them."""

    entries: Mapping[int, _Entry]
    names: Mapping[int, str]

    def relation(self, oid: int | None) -> Relation | None:
        """Return one of the environment's tables; None for anything else."""
        entry = self.entries.get(oid or 0)
        if oid is None or entry is None or oid not in self.names or entry.kind not in _KINDS:
            return None
        root = self.entries.get(entry.root or 0)
        return Relation(entry.name, _KINDS[entry.kind], self.names[oid], root.name if root else None)

    def relations(self, oids: Iterable[int]) -> tuple[Relation, ...]:
        """Return those of the environment's among these, by name."""
        found = (self.relation(oid) for oid in dict.fromkeys(oids))
        return tuple(sorted((each for each in found if each), key=lambda each: each.name))


@dataclass(slots=True)
class _Change:
    """What became of the relations during one statement, by number."""

    locks: dict[int, tuple[Mode, str | None]] = field(default_factory=dict)
    rewritten: set[int] = field(default_factory=set)
    scanned: set[int] = field(default_factory=set)
    new_indexes: list[str] = field(default_factory=list)

    def lock(self, oid: int, mode: Mode, on_index: str | None = None) -> None:
        """Note a lock, unless a stronger one on the same is noted."""
        if oid not in self.locks or self.locks[oid][0].strength < mode.strength:
            self.locks[oid] = (mode, on_index)


class PostgresRehearser:
    """See `engines.base.Rehearser`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def relations(self) -> dict[int, str]:
        return {oid: each.name for oid, each in self._standing().items() if each.kind in _KINDS}

    def sizes(self) -> dict[str, Size]:
        session = self._session
        try:
            rows = session.ask_raw(_BRIEFLY, _SIZES.format(asked=_ASKED))[1]
        except Refused as error:
            if error.code not in ("55P03", "42P01", "XX000"):  # locked, or dropped meanwhile
                raise as_error(error) from None
            rows = session.ask(_SIZES.format(asked="NULL"))[0]
        return {name or "": _size(*map(_number, rest)) for name, *rest in rows}

    @contextmanager
    def undone(self, known: Mapping[int, str] | None, *, lock_timeout: int | None = None) -> Iterator[Watching]:
        wire = self._session.wire
        wire.one_command = True
        try:
            yield _Transaction(self._session, known, lock_timeout)
        finally:
            wire.one_command = False
            wire.abandon()

    def outside(self, script: Script, known: Mapping[int, str], told: Told) -> tuple[str, ...]:
        session = self._session
        session.read_as_ours()
        session.command(*session.opening(), "COMMIT")
        session.command(*session.for_session(), *timeouts(script, "SET"))
        running = ScriptRun(session.wire, script, None, None)
        before = self._standing()
        try:
            with running.listening():
                for message in one_by_one(script):
                    self._one(running, message, known, told)
        finally:
            session.wire.abandon()
            session.forget_settings()
        return left_invalid(before, self._standing(), known)

    def _one(self, running: ScriptRun, message: Message, known: Mapping[int, str], told: Told) -> None:
        """Run one statement in a transaction by itself, or in none where PostgreSQL wants it so."""
        session = self._session
        if runs_inside(message):
            # Apart from the statement, in which a place is counted from its own beginning.
            session.wire.send(["BEGIN READ WRITE"])
            watched = _Transaction(session, known, None, begun=True)
            try:
                observed = watched.one(running, message, alone=True)
                session.wire.send(["COMMIT"])
            except SqlFailed as error:
                session.wire.abandon()
                if error.code not in REFUSED_INSIDE:
                    raise
            except Refused as error:
                raise closing_failure(error) from None
            else:
                told(observed)
                return
        before = self._standing()
        began = time.monotonic()
        running.send((), message)
        seconds = time.monotonic() - began
        change = inferred(before, self._standing(), known)
        told(_observed(message, seconds, change, _Known(before, known), alone=True))

    def _standing(self) -> dict[int, _Entry]:
        session = self._session
        session.read_as_ours()
        return _entries(session.command_raw("BEGIN READ ONLY", *session.among([_RELATIONS]), "COMMIT")[-3])


class _Transaction:
    """See `engines.base.Watching`. Begins the transaction with its first script, unless it is `begun`."""

    def __init__(
        self, session: Session, names: Mapping[int, str] | None, lock_timeout: int | None, *, begun: bool = False
    ) -> None:
        self._session = session
        self._names = names
        self._lock_timeout = lock_timeout
        self._begun = begun
        self._known: _Known | None = None
        self._held: dict[int, _Locked] = {}
        self._carried: dict[int, _Locked] = {}  # what earlier scripts of this transaction have locked

    def run(self, script: Script, told: Told) -> tuple[str, ...]:
        session = self._session
        if not self._begun:
            session.need_open(script.source.path)
            session.read_as_ours()
            session.wire.send(session.opening())
            self._begun = True
        known = self._what_is_known()
        self._carried = dict(self._held)
        if self._lock_timeout is None and (wanted := timeouts(script, "SET LOCAL")):
            session.command(*wanted)
        running = ScriptRun(session.wire, script, None, None)
        with running.listening():
            before = None
            for message in one_by_one(script):
                into = _INSERTS.match(message.text)
                if into is not None and into[0] == before:
                    told(_more(running, message))
                else:
                    told(self.one(running, message))
                before = into and into[0]
            try:
                session.wire.send(["SET CONSTRAINTS ALL IMMEDIATE"])  # what is deferred fails here and not at COMMIT
            except Refused as error:
                raise closing_failure(error) from None
        return left_invalid(known.entries, _entries(self._look(_RELATIONS)), known.names)

    def one(self, running: ScriptRun, message: Message, *, alone: bool = False) -> Observed:
        """Run one statement, and return what it did."""
        known, wire = self._what_is_known(), self._session.wire
        first = next(iter(statements_of(message, Dialect.POSTGRESQL)), None)
        if first is None or first.control not in (None, Control.SAVEPOINT):
            raise _ends_transaction(message)
        is_planned = self._lock_timeout is None and first.words[:1] in _IS_PLANNED
        if self._lock_timeout is not None:  # a file that sets its own must not keep others waiting for long here
            wire.send([f"SET LOCAL lock_timeout = {self._lock_timeout:d}"])
        if is_planned:
            wire.send([_TRUST_INDEXES])
        began = time.monotonic()
        running.send((), message)
        seconds = time.monotonic() - began
        if not wire.in_transaction:
            raise _ends_transaction(message)
        if is_planned:
            wire.send([_AS_BEFORE])
        held = _locked(self._look(_LOCKED))
        change = _seen(known, self._held, held, is_alter=first.words[:1] == ("ALTER",))
        for oid in (change.scanned | change.rewritten) & (self._carried.keys() - change.locks.keys()):
            # What it takes itself cannot be told from what is held already.
            mode = Mode.SHARE if "INDEX" in first.words[:3] else _LIKELY.get(first.words[0])
            if mode is not None:
                change.lock(oid, mode)
        self._held = held
        return _observed(message, seconds, change, known, alone=alone, was_seen=True)

    def _what_is_known(self) -> _Known:
        if self._known is None:
            if self._look("SHOW track_counts") != [("on",)]:
                raise ConfigError(
                    "track_counts is off on the server where this is rehearsed, so that no full scan can be seen",
                    hint="set `scratch_url` to a server where it is on, as it is by default",
                )
            entries = _entries(self._look(_RELATIONS))
            self._known = _Known(
                entries, {o: e.name for o, e in entries.items()} if self._names is None else self._names
            )
            self._held = _locked(self._look(_LOCKED))
        return self._known

    def _look(self, query: str) -> list[Row]:
        self._session.read_as_ours()
        try:
            return self._session.wire.send(self._session.among([query])).rows[-2]
        except Refused as error:
            raise as_error(error) from None


def _ends_transaction(message: Message) -> SqlFailed:
    return SqlFailed("the script ended the transaction it runs in", offset=message.batch.start, hint=OWNS_TRANSACTION)


def _more(running: ScriptRun, message: Message) -> Observed:
    """Run one more of the same, and return that it did nothing that the one before it did not do."""
    began = time.monotonic()
    running.send((), message)
    return Observed(message.batch.line, _beginning(message.text), "INSERT", time.monotonic() - began)


# ---------------------------------------------------------------------------------------- deciding


def _seen(known: _Known, before: Mapping[int, _Locked], after: Mapping[int, _Locked], *, is_alter: bool) -> _Change:
    """Return what a statement did, from the locks before and after it."""
    change = _Change()
    for oid, now in after.items():
        entry = known.entries.get(oid)
        if entry is None:
            if now.kind in _INDEX and now.table in known.names and oid not in before and now.name:
                change.new_indexes.append(now.name)
            continue
        was = before.get(oid)
        fresh = now.modes - (was.modes if was else frozenset())
        scans = now.scans - (was.scans if was else entry.scans)
        strongest = max(fresh, key=lambda mode: mode.strength, default=None)
        if (
            strongest is not None
            and was
            and strongest.conflicts <= frozenset().union(*(m.conflicts for m in was.modes))
        ):
            strongest = None  # whom it keeps out is kept out already
        if entry.kind in _INDEX:
            # The planner locks every index of a table, so that an exclusive lock on one keeps out as many.
            if strongest is Mode.ACCESS_EXCLUSIVE and entry.table is not None:
                over = after.get(entry.table)
                if over is None or Mode.ACCESS_EXCLUSIVE not in over.modes:
                    change.lock(entry.table, strongest, entry.name)
            # The query that checks a foreign key may go through an index.
            if is_alter and scans > 0 and entry.table is not None:
                change.scanned.add(entry.table)
            continue
        if strongest is not None:
            change.lock(oid, strongest)
        if scans > 0:
            change.scanned.add(oid)
        file = was.file if was and was.file else entry.file
        tablespace = was.tablespace if was and was.tablespace else entry.tablespace
        if now.file is not None and (now.file, now.tablespace) != (file, tablespace) and entry.kind in ("r", "m"):
            change.rewritten.add(oid)
    return change


def inferred(before: Mapping[int, _Entry], after: Mapping[int, _Entry], known: Mapping[int, str]) -> _Change:
    """Return what a statement did outside of a transaction, and the locks it had by the manual.

    They stand on the pages of REINDEX, VACUUM, CLUSTER, CREATE INDEX, DROP INDEX, and of ALTER TABLE for DETACH
    PARTITION CONCURRENTLY.
    """
    change = _Change()
    for oid, was in before.items():
        now = after.get(oid)
        if now is None:
            if was.table is not None and was.table in after:
                change.lock(was.table, Mode.SHARE_UPDATE_EXCLUSIVE)
            continue
        if was.kind in ("r", "m") and now.file != was.file:
            change.lock(oid, Mode.ACCESS_EXCLUSIVE)
            change.rewritten.add(oid)
        elif was.table is not None and now.file != was.file and not _is_new(was.table, before, after):
            change.lock(was.table, Mode.ACCESS_EXCLUSIVE, was.name)
            change.scanned.add(was.table)
        if now.vacuumed != was.vacuumed:
            change.lock(oid, Mode.SHARE_UPDATE_EXCLUSIVE)
            change.scanned.add(oid)
        if was.kind not in _INDEX and was.parent is not None and now.parent is None:
            change.lock(was.parent, Mode.SHARE_UPDATE_EXCLUSIVE)
            change.lock(oid, Mode.ACCESS_EXCLUSIVE)  # by the second of its two transactions, for a moment
    for oid, now in after.items():
        if oid not in before and now.table is not None and now.table in known:
            change.lock(now.table, Mode.SHARE_UPDATE_EXCLUSIVE)
            change.scanned.add(now.table)
            change.new_indexes.append(now.name)
    return change


def _is_new(table: int, before: Mapping[int, _Entry], after: Mapping[int, _Entry]) -> bool:
    """Return whether a table was written anew, and its indexes with it."""
    return table in after and after[table].file != before[table].file


def left_invalid(
    before: Mapping[int, _Entry], after: Mapping[int, _Entry], known: Mapping[int, str]
) -> tuple[str, ...]:
    """Return the indexes of known tables that are not valid, and were not so, or not there, before."""
    return tuple(
        now.name
        for oid, now in sorted(after.items())
        if not now.is_valid and now.table in known and (oid not in before or before[oid].is_valid)
    )


def _observed(
    message: Message, seconds: float, change: _Change, known: _Known, *, alone: bool, was_seen: bool = False
) -> Observed:
    locks = [
        Lock(relation, mode, on_index)
        for oid, (mode, on_index) in change.locks.items()
        if (relation := known.relation(oid)) is not None
    ]
    # TRUNCATE gives a table another file, too, and then builds its indexes over nothing.
    emptied = known.relations(change.rewritten) if _TRUNCATES.search(message.text) else ()
    rewritten = () if emptied else known.relations(change.rewritten)
    scanned = known.relations(change.scanned)
    return Observed(
        message.batch.line,
        _beginning(message.text),
        _phrase(message),
        seconds,
        tuple(sorted(locks, key=lambda lock: (-lock.mode.strength, lock.relation.name))),
        rewritten,
        emptied,
        tuple(relation for relation in scanned if relation not in emptied),
        tuple(sorted(change.new_indexes)),
        alone=alone,
        inferred=not was_seen,
    )


def _beginning(text: str) -> str:
    words = " ".join(text[: 4 * _SHOWN].split()).removesuffix(";")
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


def _phrase(message: Message) -> str:
    """Return the words of a statement in upper case, with a name in quotes as it is and a literal as `''`."""
    first = next(iter(statements_of(message, Dialect.POSTGRESQL)), None)
    if first is None:
        return ""
    said = []
    for token in statement_tokens(message.text, first, Dialect.POSTGRESQL):
        word = message.text[token.start : token.end]
        said.append("''" if token.kind is Kind.STRING else word.upper() if token.kind is Kind.WORD else word)
        if len(said) >= _SAID:
            break
    return " ".join(said)


# ------------------------------------------------------------------------------------------ reading


def _number(value: str | None) -> int | None:
    return None if value is None else int(value)


def _size(rows: int | None, by_pages: int | None, by_file: int | None) -> Size:
    """Return a size: rows and bytes by the statistics, bytes by the files where there are none."""
    if by_file == 0:
        return Size(0, 0)
    # Of a table that was never analysed the server counts 0 rows when it has lost count.
    is_told = rows is not None and (rows > 0 or by_pages is not None)
    return Size(rows if is_told else None, by_file if by_pages is None else by_pages)


def _entries(rows: Iterable[Row]) -> dict[int, _Entry]:
    return {
        int(oid or 0): _Entry(
            name or "",
            kind or "",
            file or "",
            tablespace or "",
            _number(table),
            _number(root),
            is_valid != "f",
            vacuumed,
            _number(parent),
            int(scans or 0),
        )
        for oid, name, kind, file, tablespace, table, root, is_valid, vacuumed, parent, scans in rows
    }


def _locked(rows: Iterable[Row]) -> dict[int, _Locked]:
    found: dict[int, _Locked] = {}
    for oid, mode, file, tablespace, scans, kind, table, name in rows:
        number = int(oid or 0)
        modes = frozenset({_MODES[mode or ""]})
        if number in found:
            modes |= found[number].modes
        found[number] = _Locked(modes, file, tablespace, int(scans or 0), kind, _number(table), name)
    return found

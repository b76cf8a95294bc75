"""Who waits for whom on a PostgreSQL server, and how far it is with what takes long: the queries, and their answers.

Asked as JSON: whole rows of the progress views, whose columns differ between versions, and lists within one answer.
Everything is read from pg_locks and pg_stat_activity, which any login may read; what others are doing is kept from one
without `pg_read_all_stats`, and is None then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from migration_manager.engines.postgres_sql import FIRST_USER_OID, holds_lock
from migration_manager.model import LockWait, ServerProgress, ServerSession

_HERE: Final = "pg_catalog.current_database()"
_NOW: Final = "pg_catalog.clock_timestamp()"
_CUT: Final = 500  # characters of a query that are asked for
# How the messages of a run begin that say nothing of its scripts, or do so only after more than that.
_OUR_OWN: Final = ("BEGIN ISOLATION LEVEL READ COMMITTED ", "BEGIN READ ", "COMMIT", "ROLLBACK")
_OLDEST: Final = 10  # open transactions that are told of
_HELD: Final = 5  # relations that are named of each

# View of the server, and what it is called here; the columns that say how far it is, the first that are known count.
_VIEWS: Final = {
    "create_index": "index",
    "copy": "copy",
    "vacuum": "vacuum",
    "cluster": "cluster",
    "analyze": "analyze",
}
_HOW_FAR: Final = {
    "index": (("tuples_done", "tuples_total"), ("blocks_done", "blocks_total"), ("lockers_done", "lockers_total")),
    "copy": (("bytes_processed", "bytes_total"),),
    "vacuum": (("heap_blks_scanned", "heap_blks_total"),),
    "cluster": (("heap_blks_scanned", "heap_blks_total"),),
    "analyze": (("sample_blks_scanned", "sample_blks_total"),),
}


class Waits(NamedTuple):
    """What a server says of its sessions: those that wait, and everybody who has to do with it, by pid."""

    waiting: Mapping[int, LockWait]  # without blockers and queue: see `lock_wait`
    behind: Mapping[int, tuple[int, ...]]
    sessions: Mapping[int, ServerSession]
    prepared: Mapping[int, tuple[ServerSession, ...]]  # the prepared transactions one waits for, by its pid


def query_of_one(pid: int, *, queries: bool) -> str:
    """Return the query for what a session waits for, with all who have to do with it, and for its progress."""
    waits = f"EXISTS (SELECT FROM pg_catalog.pg_locks o WHERE o.pid = {pid:d} AND NOT o.granted)"
    progress = ", ".join(
        f"'{view}', (SELECT pg_catalog.to_json(p) FROM pg_catalog.pg_stat_progress_{view} p WHERE p.pid = {pid:d})"
        for view in _VIEWS
    )
    return f"""{_waiting(waits)} SELECT pg_catalog.json_build_object({_facts(queries=queries)},
 'progress', pg_catalog.json_build_object({progress}))"""


def query_of_all(key: int | None, *, queries: bool) -> str:
    """Return the query for every lock wait of this database, its oldest open transactions, and who has our lock.

    `key` is that of the history's lock; None where there can be none.
    """
    runners = "NULL"
    if key is not None:
        runners = f"(SELECT pg_catalog.json_agg(l.pid) FROM pg_catalog.pg_locks l WHERE {holds_lock(key)})"
    return f"""{_waiting("true")}, runners AS (SELECT {runners} AS pids),
 oldest AS MATERIALIZED (SELECT a.pid FROM pg_catalog.pg_stat_activity a
  WHERE a.datname = {_HERE} AND a.pid <> pg_catalog.pg_backend_pid()
  AND (a.xact_start IS NOT NULL OR a.backend_type IS NULL) AND EXISTS ({_held("a.pid")})
  ORDER BY a.xact_start, a.pid LIMIT {_OLDEST})
 SELECT pg_catalog.json_build_object({
        _facts(
            queries=queries,
            more="SELECT o.pid FROM oldest o UNION ALL SELECT v.value::text::integer FROM runners r,"
            " pg_catalog.json_array_elements(r.pids) v",
        )
    },
 'runners', (SELECT r.pids FROM runners r), 'oldest', (SELECT pg_catalog.json_agg(o.pid) FROM oldest o),
 'oldest_prepared', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('gid', x.gid, 'user', x.owner,
  'transaction_age', {_age("x.prepared")}) ORDER BY x.prepared) FROM pg_catalog.pg_prepared_xacts x
  WHERE x.database = {_HERE}))"""


def _waiting(condition: str) -> str:
    """Return the sessions of this database that wait for a lock, and for whom."""
    return f"""WITH waiting AS MATERIALIZED (
 SELECT l.*, pg_catalog.pg_blocking_pids(l.pid) AS behind FROM pg_catalog.pg_locks l
 WHERE NOT l.granted AND l.pid IS NOT NULL AND {condition}
 AND EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = l.pid AND a.datname = {_HERE}))"""


def _facts(*, queries: bool, more: str = "SELECT NULL::integer") -> str:
    query = f"pg_catalog.left(a.query, {_CUT})" if queries else "NULL::text"
    return f"""
 'waiting', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('pid', w.pid, 'kind', w.locktype, 'mode', w.mode,
  'on', coalesce({_relation("w")}, (SELECT {_relation("t")} FROM pg_catalog.pg_locks t
   WHERE t.pid = w.pid AND t.granted AND t.locktype = 'tuple' LIMIT 1)),
  'seconds', {_age("w.waitstart")}, 'behind', w.behind,
  'prepared', CASE WHEN 0 = ANY (w.behind) THEN (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
   'gid', x.gid, 'user', x.owner, 'database', x.database, 'transaction_age', {_age("x.prepared")}))
   FROM pg_catalog.pg_prepared_xacts x WHERE EXISTS (SELECT FROM pg_catalog.pg_locks h
    JOIN pg_catalog.pg_locks i ON i.pid IS NULL AND i.virtualtransaction = h.virtualtransaction
     AND i.locktype = 'transactionid' AND i.transactionid = x.transaction AND i.granted
    WHERE h.pid IS NULL AND h.granted AND h.locktype = w.locktype
    AND (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid,
     h.objid, h.objsubid) IS NOT DISTINCT FROM (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid,
     w.classid, w.objid, w.objsubid))) END)) FROM waiting w),
 'sessions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('pid', a.pid, 'user', a.usename,
  'application', nullif(a.application_name, ''), 'host', coalesce(a.client_hostname, pg_catalog.host(a.client_addr)),
  'database', a.datname, 'kind', a.backend_type, 'state', a.state,
  'state_age', {_age("CASE a.state WHEN 'active' THEN a.query_start ELSE a.state_change END")},
  'transaction_age', {_age("a.xact_start")}, 'query', {query}, 'started', a.backend_start,
  'hidden', a.backend_type IS NULL AND a.usename IS NOT NULL,
  'holds', (SELECT pg_catalog.json_agg(DISTINCT g.name) FROM ({_held("a.pid")} LIMIT {_HELD}) g)))
  FROM pg_catalog.pg_stat_activity a WHERE a.pid IN (SELECT w.pid FROM waiting w
   UNION ALL SELECT pg_catalog.unnest(w.behind) FROM waiting w UNION ALL {more}))"""


def _relation(lock: str) -> str:
    here = f"(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = {_HERE})"
    return f"CASE WHEN {lock}.database = {here} THEN {lock}.relation::regclass::text END"


def _held(pid: str) -> str:
    """Return the query for the tables and the like of this database that a session has locked."""
    return f"""SELECT DISTINCT {_relation("k")} AS name FROM pg_catalog.pg_locks k
 JOIN pg_catalog.pg_class c ON c.oid = k.relation AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
 WHERE k.pid = {pid} AND k.granted AND k.locktype = 'relation' AND k.relation >= {FIRST_USER_OID}
 AND {_relation("k")} IS NOT NULL"""


def _age(moment: str) -> str:
    return f"pg_catalog.date_part('epoch', {_NOW} - {moment})"


# ------------------------------------------------------------------------------------------ answers


def waits_of(answer: Mapping[str, Any]) -> Waits:
    """Return what an answer says of sessions and locks."""
    rows = answer["waiting"] or ()
    behind = {row["pid"]: tuple(dict.fromkeys(row["behind"])) for row in rows}
    return Waits(
        waiting={row["pid"]: LockWait(row["pid"], row["kind"], row["on"], row["mode"], row["seconds"]) for row in rows},
        behind=behind,
        sessions={
            row["pid"]: session_of({**row, "waits_for": behind.get(row["pid"], ())}) for row in answer["sessions"] or ()
        },
        prepared={row["pid"]: tuple(map(prepared_of, row["prepared"] or ())) for row in rows},
    )


def session_of(row: Mapping[str, Any]) -> ServerSession:
    """Return a session as an answer has it."""
    is_ours = (row["application"] or "").startswith("migration_manager")
    says_nothing = is_ours and (row["query"] or "").startswith(_OUR_OWN)
    query = None if row["hidden"] or says_nothing else row["query"]
    return ServerSession(**{**row, "query": query, "holds": tuple(sorted(row["holds"] or ()))})


def prepared_of(row: Mapping[str, Any]) -> ServerSession:
    """Return a prepared transaction as an answer has it."""
    return ServerSession(None, **row)


def lock_wait(waits: Waits, pid: int) -> LockWait | None:
    """Return what a session waits for, with all who are in its way and how many wait for it; None when it does not."""
    wait = waits.waiting.get(pid)
    if wait is None:
        return None
    found: list[ServerSession] = []
    for each in _nearest_first(waits.behind, pid):
        found += [waits.sessions[each]] if each in waits.sessions and each != pid else []
    for each in (pid, *(one.pid for one in found if one.pid is not None)):
        found += [one for one in waits.prepared.get(each, ()) if one not in found]
    return LockWait(wait.pid, wait.kind, wait.on, wait.mode, wait.seconds, tuple(found), _queued(waits.behind, pid))


def _nearest_first(behind: Mapping[int, Iterable[int]], pid: int) -> Iterable[int]:
    """Return everybody a session waits for, directly or in turn."""
    reached, edge = dict.fromkeys(behind.get(pid, ())), list(behind.get(pid, ()))
    while edge:
        edge = [other for each in edge for other in behind.get(each, ()) if other not in reached]
        reached |= dict.fromkeys(edge)
    return reached


def _queued(behind: Mapping[int, Iterable[int]], pid: int) -> int:
    """Return how many wait for a session, directly or in turn; not those that are in its own way."""
    ahead = set(_nearest_first(behind, pid))
    reached = {pid}
    while more := {each for each, others in behind.items() if each not in reached and reached & set(others)}:
        reached |= more
    return len(reached - {pid} - ahead)


def progress_of(answer: Mapping[str, Any]) -> ServerProgress | None:
    """Return how far the server says a session is; None for what it does not say it of."""
    for view, row in (answer["progress"] or {}).items():
        if row is None:
            continue
        for done, total in _HOW_FAR[_VIEWS[view]]:
            if row.get(total):
                of = int(row[total])
                return ServerProgress(_VIEWS[view], row.get("phase") or "", min(int(row[done] or 0), of), of)
    return None


def understood(text: str) -> Mapping[str, Any]:
    """Return an answer that came as text."""
    answer: Mapping[str, Any] = json.loads(text)
    return answer

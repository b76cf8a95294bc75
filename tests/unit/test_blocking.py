"""Who is in the way, in words."""

from __future__ import annotations

import pytest

from migration_manager.blocking import (
    blocked_by,
    describe_progress,
    describe_session,
    describe_wait,
    grant_seeing,
    last_word,
    one_line,
    queued,
)
from migration_manager.model import LockWait, ServerProgress, ServerSession
from migration_manager.redact import Redactor

REPORT = ServerSession(4711, user="alice", application="report", state="idle in transaction", state_age=38.2)


@pytest.mark.parametrize(
    ("session", "words"),
    [
        (REPORT, "pid 4711 (report, alice) idle in transaction for 38 s"),
        (ServerSession(1, user="bob", host="10.0.0.1", state="active", state_age=125.0),
         "pid 1 (bob, 10.0.0.1) active for 2 min 5 s"),
        (ServerSession(2, user="bob", application="psql", hidden=True), "pid 2 (psql, bob)"),
        (ServerSession(3, hidden=True), "pid 3, a process of the server itself"),
        (ServerSession(None, gid="forgotten", user="bob", transaction_age=7200.0),
         "the prepared transaction 'forgotten' of bob, 2 h 0 min old"),
        (ServerSession(4, kind="autovacuum worker", state="active", state_age=9.0,
                       query="autovacuum: VACUUM public.tasks (to prevent wraparound)"),
         "autovacuum (pid 4) to prevent wraparound for 9 s"),
        (ServerSession(5, kind="autovacuum worker", query="autovacuum: ANALYZE public.tasks"), "autovacuum (pid 5)"),
    ],
)  # fmt: skip
def test_a_session_is_described(session: ServerSession, words: str) -> None:
    assert describe_session(session) == words


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (LockWait(1, "relation", "tasks"), "lock on tasks"),
        (LockWait(1, "transactionid", "tasks"), "a row of tasks that another transaction changed"),
        (LockWait(1, "transactionid"), "another transaction's end"),
        (LockWait(1, "virtualxid"), "the end of transactions that began earlier"),
        (LockWait(1, "advisory"), "an advisory lock"),
        (LockWait(1, "object"), "a lock (object)"),
    ],
)
def test_what_is_waited_for_is_described(wait: LockWait, words: str) -> None:
    assert describe_wait(wait) == words


def test_one_that_waits_itself_says_for_whom() -> None:
    middle = ServerSession(7, user="bob", waits_for=(4711, 0))
    assert blocked_by(LockWait(1, "relation", "tasks", blockers=(middle, REPORT))) == [
        "blocked by pid 7 (bob), which waits for pid 4711 and a prepared transaction",
        "blocked by pid 4711 (report, alice) idle in transaction for 38 s",
    ]


@pytest.mark.parametrize(
    ("count", "words"), [(0, None), (1, "1 session queues behind us"), (3, "3 sessions queue behind us")]
)
def test_the_queue_is_counted(count: int, words: str | None) -> None:
    assert queued(LockWait(1, "relation", queued=count)) == words


def test_the_last_word_is_for_the_log() -> None:
    wait = LockWait(1, "relation", "tasks", blockers=(REPORT,))
    assert last_word(11, wait) == "tried 11 times; blocked by pid 4711 (report, alice) idle in transaction for 38 s"
    assert last_word(1, None) == ""


def test_a_query_is_shown_on_one_line_without_secrets_and_cut() -> None:
    clean = Redactor().clean
    assert one_line("SELECT 1\n  FROM a", clean) == "SELECT 1 FROM a"
    assert one_line("ALTER ROLE a\n PASSWORD 'canary'", clean) == "ALTER ROLE a PASSWORD '***'"
    cut_by_the_server = one_line(f"SELECT {'x' * 70}, PASSWORD 'canary", clean)
    assert cut_by_the_server == f"SELECT {'x' * 70}, PASSWORD '***'"
    long = one_line("SELECT " + "x" * 200, clean)
    assert long is not None
    assert (len(long), long[-1]) == (100, "…")
    assert one_line(None, clean) is one_line("", clean) is None


def test_progress_is_a_percentage() -> None:
    assert describe_progress(ServerProgress("index", "", 43, 100)) == "index 43 %"


def test_a_login_is_quoted_in_the_grant() -> None:
    assert grant_seeing('a"b').endswith('GRANT pg_read_all_stats TO "a""b";')

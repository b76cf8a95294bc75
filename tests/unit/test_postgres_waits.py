"""From what the server says of sessions and locks to who is in whose way, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from migration_manager.engines.postgres_waits import lock_wait, progress_of, waits_of
from migration_manager.model import ServerProgress


def session(pid: int, **more: Any) -> dict[str, Any]:
    blank = dict.fromkeys((
        "user", "application", "host", "database", "kind", "state", "state_age", "transaction_age", "query", "started",
        "holds",
    ))  # fmt: skip
    return {"pid": pid, **blank, "hidden": False, **more}


def answer(behind: dict[int, list[int]], **prepared: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the server says when these wait for those."""
    everybody = {*behind, *(pid for pids in behind.values() for pid in pids if pid)}
    return {
        "waiting": [
            {
                "pid": pid, "kind": "relation", "mode": "AccessExclusiveLock", "on": "tasks", "seconds": 1.0,
                "behind": pids, "prepared": prepared.get(f"_{pid}"),
            }
            for pid, pids in behind.items()
        ],
        "sessions": [session(pid) for pid in sorted(everybody)],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("behind", "blockers", "queued"),
    [
        ({1: [9]}, [9], 0),
        ({1: [9, 9, 8]}, [9, 8], 0),  # a lock group names one process several times
        ({1: [5], 5: [9]}, [5, 9], 0),  # in turn
        ({1: [9], 2: [1], 3: [1]}, [9], 2),
        ({1: [9], 2: [1], 3: [2]}, [9], 2),  # behind one that is behind us
        ({1: [5], 5: [9], 2: [5]}, [5, 9], 0),  # behind somebody else
        ({1: [5], 5: [1]}, [5], 0),  # a deadlock: it is in our way, and no queue
        ({1: [77]}, [77], 0),
    ],
)
def test_who_is_in_the_way_and_how_many_queue(behind: dict[int, list[int]], blockers: list[int], queued: int) -> None:
    wait = lock_wait(waits_of(answer(behind)), 1)
    assert wait is not None
    assert [blocker.pid for blocker in wait.blockers] == blockers
    assert wait.queued == queued


def test_one_that_does_not_wait_has_no_wait() -> None:
    assert lock_wait(waits_of({"waiting": None, "sessions": None}), 1) is None


def test_one_in_the_way_that_has_gone_meanwhile_is_left_out() -> None:
    facts = answer({1: [9, 8]})
    facts["sessions"] = [session(1), session(8)]
    wait = lock_wait(waits_of(facts), 1)
    assert wait is not None
    assert [blocker.pid for blocker in wait.blockers] == [8]


def test_a_prepared_transaction_has_no_pid_but_a_name() -> None:
    forgotten = {"gid": "forgotten", "user": "alice", "database": "app", "transaction_age": 7200.0}
    wait = lock_wait(waits_of(answer({1: [0]}, _1=[forgotten])), 1)
    assert wait is not None
    assert [(blocker.pid, blocker.gid) for blocker in wait.blockers] == [(None, "forgotten")]


def test_a_query_that_the_server_hides_is_no_query() -> None:
    facts = answer({1: [9]})
    facts["sessions"] = [session(9, hidden=True, query="<insufficient privilege>")]
    wait = lock_wait(waits_of(facts), 1)
    assert wait is not None
    assert (wait.blockers[0].query, wait.blockers[0].hidden) == (None, True)


@pytest.mark.parametrize(
    ("view", "row", "progress"),
    [
        ("create_index", {"phase": "building index: scanning table", "blocks_done": 43, "blocks_total": 100,
                          "tuples_done": 0, "tuples_total": 0},
         ServerProgress("index", "building index: scanning table", 43, 100)),
        ("create_index", {"phase": "building index: loading tuples in tree", "blocks_done": 100, "blocks_total": 100,
                          "tuples_done": 5, "tuples_total": 50},
         ServerProgress("index", "building index: loading tuples in tree", 5, 50)),
        ("create_index", {"phase": "waiting for writers before build", "lockers_done": 1, "lockers_total": 2,
                          "blocks_total": 0, "tuples_total": 0},
         ServerProgress("index", "waiting for writers before build", 1, 2)),
        ("create_index", {"phase": "initializing", "blocks_total": 0, "tuples_total": 0, "lockers_total": 0}, None),
        ("copy", {"bytes_processed": 10, "bytes_total": 40}, ServerProgress("copy", "", 10, 40)),
        ("copy", {"bytes_processed": 10, "bytes_total": 0}, None),  # from a pipe: nobody knows how much comes
        ("vacuum", {"phase": "scanning heap", "heap_blks_scanned": 1, "heap_blks_total": 4, "max_dead_tuple_bytes": 7,
                    "delay_time": 0.5}, ServerProgress("vacuum", "scanning heap", 1, 4)),
        ("cluster", {"phase": "seq scanning heap", "heap_blks_scanned": 9, "heap_blks_total": 8},
         ServerProgress("cluster", "seq scanning heap", 8, 8)),
        ("analyze", {"phase": "acquiring sample rows", "sample_blks_scanned": 1, "sample_blks_total": 2},
         ServerProgress("analyze", "acquiring sample rows", 1, 2)),
    ],
)  # fmt: skip
def test_how_far_it_is(view: str, row: dict[str, Any], progress: ServerProgress | None) -> None:
    views: dict[str, Any] = dict.fromkeys(("create_index", "copy", "vacuum", "cluster", "analyze"))
    assert progress_of({"progress": {**views, view: row}}) == progress


def test_nothing_is_said_of_what_the_server_has_no_view_for() -> None:
    assert progress_of({"progress": dict.fromkeys(("create_index", "copy"))}) is None

"""Every promise of `engines.base.Engine`, kept by every engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migration_manager.catalog import Difference, differences
from migration_manager.engines.base import KEPT_TEXT_LIMIT, Engine, SessionSettings
from migration_manager.errors import (
    AlreadyRecorded,
    Exit,
    ForeignHistory,
    HistoryError,
    LockNotAcquired,
    MigrationManagerError,
    SqlFailed,
)
from migration_manager.model import (
    Action,
    Applied,
    Change,
    Dialect,
    Directives,
    LockHolder,
    LogRow,
    Outcome,
    Recorded,
    Run,
    State,
)
from tests.fixtures.files import by_hand, change, parsed, source
from tests.fixtures.postgres import Database
from tests.fixtures.targets import SLOW, PostgresTarget, Target, ctrl_c_after

RUN = Run(
    "run-1",
    "uat",
    os_user="alice",
    host="laptop",
    tool_version="0.1.0",
    git_commit="abc123",
    ci_run="https://ci.example/7",
)
NOTHING = Recorded(exists=False, environment=None, applied=())


def never(holder: LockHolder | None, seconds: float) -> None:
    """Stand for `on_wait` where nobody is expected to wait."""


@contextmanager
def ready(target: Target, settings: SessionSettings | None = None) -> Iterator[Engine]:
    """Open an engine on a database that has a history."""
    with target.open(settings) as engine:
        engine.ensure_history(RUN)
        yield engine


def applied_names(engine: Engine) -> list[str]:
    return [row.name for row in engine.recorded().applied]


def only_row(engine: Engine) -> Applied:
    (row,) = engine.recorded().applied
    return row


def log_of(engine: Engine, name: str) -> list[tuple[Action, Outcome]]:
    """Return what the log says about a migration, oldest first."""
    return [(row.action, row.outcome) for row in reversed(engine.log(name=name))]


# ------------------------------------------------------------------------------------------- reading


def test_reading_a_database_without_history_answers_empty_and_writes_nothing(target: Target) -> None:
    before = target.fingerprint()
    with target.open() as engine:
        assert engine.recorded() == NOTHING
        assert engine.log() == ()
        assert engine.log(name="a", limit=5) == ()
        assert engine.kept_texts(["v1:0"]) == {}
        assert engine.history_tables() == ()
        assert not engine.definitions(with_history=True)
        engine.identify()
    assert target.fingerprint() == before


def test_reading_a_history_writes_nothing(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
    before = target.fingerprint()
    with target.open() as engine:
        assert applied_names(engine) == ["a"]
        assert engine.log()
        engine.kept_texts(["v1:0"])
        engine.history_tables()
        engine.definitions(with_history=True)
        engine.identify()
    assert target.fingerprint() == before


def test_the_historys_tables_are_told_from_the_first_write_on_and_another_tools_are_not(target: Target) -> None:
    with ready(target, SessionSettings(history_table="done")) as engine:
        tables = engine.history_tables()
        assert sorted(name for _, name in tables) == ["done", "done_log", "done_progress", "done_text"]
        for schema, name in tables:
            target.rows(f"SELECT 1 FROM {schema}.{name}")
    target.run("CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)")
    with target.open() as engine:
        assert engine.history_tables() == ()


def test_definitions_are_those_the_database_keeps_in_an_order_that_can_be_run(target: Target) -> None:
    with ready(target) as engine:
        for name, text in (("a", "CREATE VIEW v AS SELECT 1 AS n"), ("b", "CREATE TABLE t (n integer)")):
            engine.transact(RUN, [change(name, text)])
        found = engine.definitions(with_history=False)
        if target.dialect is Dialect.POSTGRESQL:
            assert found is None, "a program has to write them"
            return
        assert found == ("CREATE TABLE t (n integer)", "CREATE VIEW v AS SELECT 1 AS n")
        everything = engine.definitions(with_history=True)
        assert everything is not None
        assert len(everything) == len(found) + 4


def test_reading_needs_no_right_to_write(target: Target) -> None:
    the_change = change("a", "CREATE TABLE t (n integer)")
    with ready(target) as engine:
        engine.transact(RUN, [the_change])
    with target.open(read_only=True) as engine:
        assert applied_names(engine) == ["a"]
        assert engine.recorded().environment == "uat"
        assert len(engine.log()) == 2
        assert list(engine.kept_texts([the_change.texts[0].checksum]).values()) == [the_change.texts[0].text]


def test_reading_sees_what_another_session_has_recorded_meanwhile(target: Target) -> None:
    with target.open() as reader, ready(target) as writer:
        assert reader.recorded().applied == ()
        writer.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        assert applied_names(reader) == ["a"]
        assert len(reader.log()) == 2
        assert reader.kept_texts([source("CREATE TABLE t (n integer);").checksum])


def test_an_engine_says_which_database_it_is(target: Target) -> None:
    with target.open() as engine:
        identity = engine.identify()
        assert identity.engine == {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[target.dialect.value]
        assert identity.version[0].isdigit()
        assert identity.server
        assert identity.database
        assert identity.user
        assert identity.role == identity.user
        assert not identity.read_only
        assert engine.capabilities.dialect is target.dialect


# ---------------------------------------------------------------------------------------- the catalog

# Each with a column, a constraint, an index and a view, which both engines tell in the same words.
MADE = (
    "CREATE TABLE parent (id integer PRIMARY KEY, n integer CONSTRAINT n_is_positive CHECK (n > 0))",
    "CREATE TABLE child (parent_id integer NOT NULL CONSTRAINT child_parent REFERENCES parent (id) ON DELETE CASCADE)",
    "CREATE UNIQUE INDEX parent_n ON parent (n)",
    "CREATE VIEW positive AS SELECT id, n FROM parent WHERE n > 0",
)


def plainly(differences: Iterable[Difference]) -> list[str]:
    """Return the differences in words, with the names as a search path would find them."""
    return [difference.in_words().replace("public.", "") for difference in differences]


def test_the_catalog_shows_what_a_script_made_and_leaves_the_history_out(target: Target) -> None:
    with target.open() as engine:
        empty = engine.catalog()
        engine.ensure_history(RUN)
        assert engine.catalog() == empty
        engine.transact(RUN, [change("a", *MADE)])
        made = engine.catalog()
        found = plainly(differences(empty, made))
        assert found == [f"{what} was not there before" for what in ("table child", "table parent", "view positive")]
        assert differences(made, engine.catalog()) == ()
        names = {(item.kind, item.name.removeprefix("public.")) for item in made.keys() - empty.keys()}
        assert names >= {
            ("column", "parent_id"),
            ("column", "n"),
            ("constraint", "n_is_positive"),
            ("constraint", "child_parent"),
            ("index", "parent_n"),
        }
        assert not [item for item in made if "schema_migrations" in f"{item.name} {item.of}"]
        back = change("a", "DROP VIEW positive", "DROP TABLE child", "DROP TABLE parent", action=Action.ROLLBACK)
        engine.transact(RUN, [back])
        assert engine.catalog() == empty


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["DROP INDEX parent_n"], ["index parent_n is missing"]),
        (["DROP VIEW positive"], ["view positive is missing"]),
        (["DROP TABLE child"], ["table child is missing"]),
        (["ALTER TABLE child ADD COLUMN extra integer"], ["column extra of child was not there before"]),
        (
            ["DROP VIEW positive", "CREATE VIEW positive AS SELECT n, id FROM parent WHERE n > 0"],
            ["column order of positive: id, n  →  n, id"],
        ),
        (
            ["DROP TABLE child", "CREATE TABLE child (parent_id integer)"],
            ["column parent_id of child: not null yes  →  none", "constraint child_parent of child is missing"],
        ),
        (
            [
                "DROP TABLE child",
                MADE[1].replace("NOT NULL", "DEFAULT 7 NOT NULL").replace("child_parent", "its_parent"),
            ],
            [
                "column parent_id of child: default none  →  7",
                "constraint child_parent of child is called its_parent",
            ],
        ),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else None,
)
def test_both_engines_tell_a_difference_in_the_same_words(
    target: Target, statements: list[str], words: list[str]
) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", *MADE)])
        before = engine.catalog()
        engine.transact(RUN, [change("b", *statements)])
        found = plainly(differences(before, engine.catalog()))
    # Beside these, a view's text is another one in both; and PostgreSQL 18 has a constraint for each NOT NULL.
    assert [told for told in found if "definition" not in told and "_not_null" not in told] == words


def test_reading_the_catalog_writes_nothing_and_needs_no_right_to(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", *MADE)])
        catalog = engine.catalog()
    before = target.fingerprint()
    with target.open(read_only=True) as reader:
        assert reader.catalog() == catalog
        assert reader.catalog() == catalog  # the second time in another way, where the engine has one
    assert target.fingerprint() == before


def test_a_catalog_sees_what_another_session_has_changed_meanwhile(target: Target) -> None:
    with target.open() as reader, ready(target) as writer:
        empty = reader.catalog()
        writer.transact(RUN, [change("a", *MADE)])
        assert plainly(differences(empty, reader.catalog())) != []
        assert reader.catalog() == writer.catalog()


# ----------------------------------------------------------------------------------------- the tables


def test_ensure_history_makes_an_empty_history_and_stamps_the_environment(target: Target) -> None:
    with target.open() as engine:
        engine.ensure_history(RUN)
        assert engine.recorded() == Recorded(exists=True, environment="uat", applied=())
        (row,) = engine.log()
        assert (row.action, row.outcome, row.name, row.environment) == (
            Action.STAMP,
            Outcome.DONE,
            None,
            "uat",
        )


def test_ensure_history_writes_nothing_when_all_is_there(target: Target) -> None:
    with target.open() as engine:
        engine.ensure_history(RUN)
        before = target.fingerprint()
        engine.ensure_history(replace(RUN, id="run-2", environment="production"))
        assert target.fingerprint() == before
        assert engine.recorded().environment == "uat"


def test_ensure_history_keeps_the_rows_that_are_there(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
    with target.open() as engine:
        engine.ensure_history(RUN)
        assert applied_names(engine) == ["a"]


def test_ensure_history_is_safe_in_eight_processes_at_once(target: Target) -> None:
    with target.children(8, "ensure") as children:
        for child in children:
            child.go()
        assert [child.hears() for child in children] == ["done"] * 8
    with target.open() as engine:
        assert engine.recorded() == Recorded(exists=True, environment="dev", applied=())
        assert len(engine.log()) == 1, "one of the eight stamps the environment, the others find it stamped"


def test_ensure_history_is_safe_in_eight_threads_at_once_again_and_again(target: Target) -> None:
    for attempt in range(5):
        settings = SessionSettings(history_table=f"history_{attempt}")
        barrier, failures = threading.Barrier(8), list[BaseException]()

        def ensure(
            settings: SessionSettings = settings,
            barrier: threading.Barrier = barrier,
            failures: list[BaseException] = failures,
        ) -> None:
            try:
                with target.open(settings) as engine:
                    barrier.wait()
                    engine.ensure_history(RUN)
            except BaseException as error:
                failures.append(error)
                raise

        threads = [threading.Thread(target=ensure) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        with target.open(settings) as engine:
            assert engine.recorded().exists
            assert len(engine.log()) == 1


def test_a_stamp_replaces_the_environment_and_is_logged_with_its_reason(target: Target) -> None:
    with ready(target) as engine:
        engine.stamp(replace(RUN, id="run-2", environment="production"), "copied from uat")
        assert engine.recorded().environment == "production"
        newest = engine.log()[0]
        assert (newest.action, newest.reason, newest.run_id) == (Action.STAMP, "copied from uat", "run-2")
        engine.stamp(RUN, None)
        assert engine.recorded().environment == "uat"


def test_the_history_may_have_any_name(target: Target) -> None:
    settings = SessionSettings(history_table='Größe of "x" %s')
    with ready(target, settings) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
    with target.open(settings) as engine:
        assert applied_names(engine) == ["a"]
        assert len(engine.log()) == 2
    with target.open() as engine:
        assert engine.recorded() == NOTHING


# Shapes as these tools make them: dbmate 2, golang-migrate 4, Rails 7.
FOREIGN = {
    ("dbmate", Dialect.SQLITE): "CREATE TABLE schema_migrations (version varchar(128) primary key)",
    ("dbmate", Dialect.POSTGRESQL): "CREATE TABLE schema_migrations (version varchar(128) primary key)",
    ("golang-migrate", Dialect.SQLITE): "CREATE TABLE schema_migrations (version uint64, dirty bool)",
    ("golang-migrate", Dialect.POSTGRESQL): (
        "CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null)"
    ),
    ("Rails", Dialect.SQLITE): 'CREATE TABLE "schema_migrations" ("version" varchar NOT NULL PRIMARY KEY)',
    ("Rails", Dialect.POSTGRESQL): (
        'CREATE TABLE "schema_migrations" ("version" character varying NOT NULL PRIMARY KEY)'
    ),
}


@pytest.mark.parametrize("tool", ["dbmate", "golang-migrate", "Rails"])
def test_another_tools_history_is_named_and_left_alone(target: Target, tool: str) -> None:
    target.run(FOREIGN[tool, target.dialect])
    before = target.fingerprint()
    with target.open() as engine:
        for refused in (engine.recorded, lambda: engine.ensure_history(RUN)):
            with pytest.raises(ForeignHistory) as caught:
                refused()
            assert tool in str(caught.value)
            assert caught.value.exit_code is Exit.DISAGREE
            assert caught.value.hint
            assert "history_table" in caught.value.hint
    assert target.fingerprint() == before
    with ready(target, SessionSettings(history_table="our_migrations")) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        assert applied_names(engine) == ["a"]


def test_a_table_of_our_name_with_unknown_columns_is_left_alone(target: Target) -> None:
    target.run("CREATE TABLE schema_migrations (id integer primary key, description varchar(10))")
    before = target.fingerprint()
    with target.open() as engine, pytest.raises(ForeignHistory):
        engine.recorded()
    assert target.fingerprint() == before


def test_a_history_of_a_newer_format_is_refused(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
    target.state_newer_format(2)
    before = target.fingerprint()
    with target.open() as engine:
        for refused in (engine.recorded, lambda: engine.ensure_history(RUN)):
            with pytest.raises(HistoryError, match="newer") as caught:
                refused()
            assert not isinstance(caught.value, ForeignHistory)
    assert target.fingerprint() == before


# --------------------------------------------------------------------------------- one transaction


def test_a_script_and_its_record_are_committed_together(target: Target) -> None:
    before = datetime.now(UTC)
    migration = change("a", "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
    migration = replace(migration, rollback_checksum="v1:back", reason="because")
    with ready(target) as engine:
        (done,) = engine.transact(RUN, [migration])
        row = only_row(engine)
        newest = engine.log()[0]
    assert target.rows("SELECT n FROM t") == [(1,)]
    assert (row.name, row.checksum, row.rollback_checksum) == ("a", migration.checksum, "v1:back")
    assert (row.state, row.run_id) == (State.APPLIED, "run-1")
    assert row.applied_by
    assert row.execution_ms == done.execution_ms >= 0
    assert row.applied_at.utcoffset() == timedelta(0)
    assert abs(row.applied_at - before) < timedelta(minutes=1)
    assert newest.id == row.log_id


def test_a_log_row_carries_everything_known_about_its_run(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [replace(change("a", "CREATE TABLE t (n integer)"), reason="because")])
        row = engine.log()[0]
    assert row.at.utcoffset() == timedelta(0)
    assert row.database_user
    assert row == LogRow(
        id=row.id,
        at=row.at,
        name="a",
        action=Action.MIGRATE,
        outcome=Outcome.DONE,
        environment="uat",
        run_id="run-1",
        execution_ms=row.execution_ms,
        database_user=row.database_user,
        os_user="alice",
        host="laptop",
        tool_version="0.1.0",
        git_commit="abc123",
        ci_run="https://ci.example/7",
        sqlstate=None,
        error=None,
        reason="because",
    )
    assert row.execution_ms is not None


def test_a_failing_statement_leaves_nothing_and_says_where_it_is(target: Target) -> None:
    migration = change("a", "CREATE TABLE t (n integer)", "INSERT INTO nowhere VALUES (1)")
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.transact(RUN, [migration])
        assert applied_names(engine) == []
        assert log_of(engine, "a") == []
        assert not target.has_table("t")
        assert engine.kept_texts([migration.texts[0].checksum]) == {}
        engine.transact(RUN, [change("b", "CREATE TABLE t (n integer)")])
        assert applied_names(engine) == ["b"], "the session is as good as new"
    error = caught.value
    assert migration.script is not None
    assert error.offset == migration.script.source.text.index("nowhere")
    assert "nowhere" in str(error)
    assert error.code
    assert (error.kept, error.index) == (None, 0)


def test_an_offset_counts_characters_not_bytes(target: Target) -> None:
    migration = change("a", "SELECT 'Zürich 🚲'", "SELECT 'ß', nothing_of_that_name FROM (SELECT 1) AS x")
    with ready(target) as engine, pytest.raises(SqlFailed) as caught:
        engine.transact(RUN, [migration])
    assert migration.script is not None
    assert caught.value.offset == migration.script.source.text.index("nothing_of_that_name")


def test_a_syntax_error_is_pointed_at(target: Target) -> None:
    migration = change("a", "CREATE TABLE t (n integer)", "SELECT n FROM t WHERE n = 1 GROUP GROUP BY n")
    with ready(target) as engine, pytest.raises(SqlFailed) as caught:
        engine.transact(RUN, [migration])
    assert migration.script is not None
    assert caught.value.offset == migration.script.source.text.rindex("GROUP")


def test_several_changes_are_committed_together_in_their_order(target: Target) -> None:
    with ready(target) as engine:
        done = engine.transact(
            RUN,
            [
                change("b", "CREATE TABLE t (n integer)"),
                change("a", "INSERT INTO t VALUES (1)"),
                change("c"),
            ],
        )
        assert len(done) == 3
        assert applied_names(engine) == ["b", "a", "c"]
        assert [row.name for row in engine.log(limit=3)] == ["c", "a", "b"]


def test_several_changes_fail_together_and_the_error_says_which(target: Target) -> None:
    changes = [
        change("a", "CREATE TABLE t (n integer)"),
        change("b", "INSERT INTO t VALUES (1)", "SELECT * FROM nowhere"),
        change("c", "INSERT INTO t VALUES (2)"),
    ]
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.transact(RUN, changes)
        assert applied_names(engine) == []
        assert len(engine.log()) == 1
    assert not target.has_table("t")
    assert caught.value.index == 1
    assert changes[1].script is not None
    assert caught.value.offset == changes[1].script.source.text.index("nowhere")


def test_a_change_without_a_statement_is_recorded(target: Target) -> None:
    empty = Change(Action.MIGRATE, "a", by_hand(), checksum="v1:0")
    with ready(target) as engine:
        engine.transact(RUN, [empty])
        assert applied_names(engine) == ["a"]


def test_a_migration_that_is_recorded_already_does_not_run_again(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        with pytest.raises(AlreadyRecorded) as caught:
            engine.transact(RUN, [change("b", "CREATE TABLE u (n integer)"), change("a", "INSERT INTO t VALUES (1)")])
        assert caught.value.exit_code is Exit.TRY_LATER
        assert applied_names(engine) == ["a"]
        assert log_of(engine, "a") == [(Action.MIGRATE, Outcome.DONE)]
    assert target.rows("SELECT * FROM t") == []
    assert not target.has_table("u")


def test_a_migration_that_eight_processes_run_at_once_runs_once(target: Target) -> None:
    target.run("CREATE TABLE t (n integer)")
    with ready(target):
        pass
    with target.children(8, "migrate", name="a", statement="INSERT INTO t VALUES (1)") as children:
        for child in children:
            child.go()
        said = [child.hears() for child in children]
    assert said.count("done") == 1
    assert set(said) <= {"done", "AlreadyRecorded", "LockNotAcquired"}
    assert target.rows("SELECT n FROM t") == [(1,)]


def test_a_rollback_deletes_the_row_and_keeps_the_log(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)"), change("b", "SELECT 1")])
        engine.transact(RUN, [change("a", "DROP TABLE t", action=Action.ROLLBACK)])
        assert applied_names(engine) == ["b"]
        assert log_of(engine, "a") == [(Action.MIGRATE, Outcome.DONE), (Action.ROLLBACK, Outcome.DONE)]
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        assert applied_names(engine) == ["b", "a"], "the order is the one of application"
    assert target.has_table("t")


def test_a_failing_rollback_keeps_the_row(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        before = only_row(engine)
        with pytest.raises(SqlFailed):
            engine.transact(RUN, [change("a", "DROP TABLE t", "DROP TABLE nowhere", action=Action.ROLLBACK)])
        assert only_row(engine) == before
    assert target.has_table("t")


@pytest.mark.parametrize("action", [Action.ROLLBACK, Action.FORGET, Action.REPAIR])
def test_what_is_not_recorded_cannot_be_taken_back_or_repaired(target: Target, action: Action) -> None:
    target.run("CREATE TABLE t (n integer)")
    with ready(target) as engine:
        statements = ["INSERT INTO t VALUES (1)"] if action is Action.ROLLBACK else []
        with pytest.raises(AlreadyRecorded):
            engine.transact(RUN, [change("a", *statements, action=action)])
        assert log_of(engine, "a") == []
    assert target.rows("SELECT * FROM t") == []


def test_a_baseline_records_without_running(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change(name, action=Action.BASELINE, reason="was there") for name in "abc"])
        assert applied_names(engine) == ["a", "b", "c"]
        assert {row.state for row in engine.recorded().applied} == {State.APPLIED}
        assert engine.log(name="a")[0].reason == "was there"
        with pytest.raises(AlreadyRecorded):
            engine.transact(RUN, [change("b", action=Action.BASELINE)])


def test_forgetting_deletes_the_row_and_runs_nothing(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        engine.transact(RUN, [change("a", action=Action.FORGET, reason="renamed")])
        assert applied_names(engine) == []
        assert log_of(engine, "a")[-1] == (Action.FORGET, Outcome.DONE)
    assert target.has_table("t")


def test_a_repair_replaces_both_checksums_and_nothing_else(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "SELECT 1"), change("b", "SELECT 2")])
        before = engine.recorded().applied
        repair = Change(Action.REPAIR, "a", checksum="v1:new", rollback_checksum="v1:newer", reason="a comment")
        engine.transact(replace(RUN, id="run-2"), [repair])
        after = engine.recorded().applied
        assert after == (replace(before[0], checksum="v1:new", rollback_checksum="v1:newer"), before[1])
        assert engine.log()[0].reason == "a comment"


def test_a_row_deleted_by_hand_is_pending_again(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "SELECT 1")])
        target.run("DELETE FROM schema_migrations WHERE migration_name = 'a'")
        assert applied_names(engine) == []
        engine.transact(RUN, [change("a", "SELECT 1")])
        assert applied_names(engine) == ["a"]


def test_settings_of_a_session_do_not_reach_the_next_change(target: Target) -> None:
    setting, probe = {
        Dialect.SQLITE: ("PRAGMA case_sensitive_like = ON", "INSERT INTO t SELECT 'A' LIKE 'a'"),
        Dialect.POSTGRESQL: (
            "SET DateStyle = 'German'",
            "INSERT INTO t SELECT (date '2025-01-02'::text = '2025-01-02')::integer",
        ),
    }[target.dialect]
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)", setting, probe)])
        engine.transact(RUN, [change("b", probe)])
        engine.transact(RUN, [change("c", setting, probe), change("d", probe)])
    assert target.rows("SELECT n FROM t") == [(0,), (1,), (0,), (1,)]


def test_what_a_script_leaves_in_its_session_does_not_hide_the_history(target: Target) -> None:
    leave = {
        Dialect.SQLITE: ("CREATE TEMPORARY TABLE schema_migrations (version varchar)", "PRAGMA query_only = ON"),
        Dialect.POSTGRESQL: ("CREATE SCHEMA app", "SET search_path = app"),
    }[target.dialect]
    with ready(target) as engine:
        engine.transact(RUN, [change("a", *leave)])
        assert applied_names(engine) == ["a"]
        assert len(engine.log()) == 2
        engine.ensure_history(RUN)
        engine.run_outside_transaction(RUN, change("b", *(s for s in leave if "SCHEMA" not in s)))
        assert applied_names(engine) == ["a", "b"]
        with (
            target.open() as other,
            other.exclusive(0, never),
            pytest.raises(LockNotAcquired),
            engine.exclusive(0, never),
        ):
            pytest.fail("a session that a script moved elsewhere asks for another lock")


def test_temporary_tables_do_not_reach_the_next_change(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TEMPORARY TABLE scratch (n integer)")])
        engine.transact(RUN, [change("b", "CREATE TEMPORARY TABLE scratch (n integer)")])
        engine.transact(
            RUN,
            [
                change("c", "CREATE TEMPORARY TABLE scratch (n integer)"),
                change("d", "CREATE TEMPORARY TABLE scratch (n integer)"),
            ],
        )


HIDDEN_ENDS = {
    "commit": ("COMMIT",),
    "end": ("END",),
    "rollback": ("ROLLBACK",),
    "commit and a new beginning": ("COMMIT", "BEGIN"),
    "rollback and a new beginning": ("ROLLBACK", "BEGIN"),
}


@pytest.mark.parametrize("end", HIDDEN_ENDS)
def test_a_script_that_hides_the_end_of_its_transaction_is_not_recorded(target: Target, end: str) -> None:
    migration = change("a", "CREATE TABLE t (n integer)", *HIDDEN_ENDS[end], "SELECT 1")
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.transact(RUN, [migration])
        assert str(caught.value)
        assert applied_names(engine) == []
        assert (Action.MIGRATE, Outcome.DONE) not in log_of(engine, "a")
        engine.transact(RUN, [change("b", "CREATE TABLE u (n integer)")])
        assert applied_names(engine) == ["b"]
    assert not target.has_table("t")


@pytest.mark.parametrize("end", HIDDEN_ENDS)
def test_a_rollback_script_that_hides_the_end_of_its_transaction_keeps_its_row(target: Target, end: str) -> None:
    statements = ("DROP TABLE t", *HIDDEN_ENDS[end], "SELECT 1")
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        before = only_row(engine)
        with pytest.raises(SqlFailed):
            engine.transact(RUN, [change("a", *statements, action=Action.ROLLBACK)])
        assert only_row(engine) == before
    assert target.has_table("t")


def test_a_hidden_end_fails_all_changes_of_the_transaction(target: Target) -> None:
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.transact(
                RUN,
                [
                    change("a", "CREATE TABLE t (n integer)"),
                    change("b", "CREATE TABLE u (n integer)", "COMMIT", "SELECT 1"),
                ],
            )
        assert caught.value.index == 1
        assert applied_names(engine) == []
    assert not target.has_table("t")
    assert not target.has_table("u")


def test_a_script_that_drops_the_history_fails_and_drops_nothing(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "SELECT 1")])
        with pytest.raises(MigrationManagerError):
            engine.transact(RUN, [change("b", "DROP TABLE schema_migrations", "DROP TABLE schema_migrations_log")])
        assert applied_names(engine) == ["a"]
        engine.transact(RUN, [change("c", "SELECT 1")])


def test_a_foreign_key_broken_at_the_end_fails_the_change_that_broke_it(target: Target) -> None:
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.transact(
                RUN,
                [
                    change(
                        "a",
                        "CREATE TABLE parent (id integer PRIMARY KEY)",
                        "CREATE TABLE child (p integer REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
                    ),
                    change("b", "INSERT INTO child VALUES (7)"),
                ],
            )
        assert caught.value.index == 1
        assert "child" in str(caught.value)
        assert applied_names(engine) == []
    assert not target.has_table("parent")


def test_marks_that_drivers_take_for_parameters_are_plain_text(target: Target) -> None:
    text = "100 %s %(x)s %% ? :name $1 {brace} {{x}}"
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (s varchar(99))", f"INSERT INTO t VALUES ('{text}')")])
    assert target.rows("SELECT s FROM t") == [(text,)]


def test_names_texts_and_reasons_in_any_script_come_back_as_they_were(target: Target) -> None:
    name, reason = "20250101_000000_größe_🚲", "weil's so ist: ñ, 日本, 'quote', \"double\", \\n"
    statement = "CREATE TABLE \"größe\" (\"naïve\" varchar(9) DEFAULT 'ß🚲''\\');"
    migration = change(name, statement, reason=reason)
    with ready(target) as engine:
        engine.transact(RUN, [migration])
        assert applied_names(engine) == [name]
        assert engine.log(name=name)[0].reason == reason
        assert engine.kept_texts([source(statement).checksum]) == {source(statement).checksum: statement}
        target.run('INSERT INTO "größe" DEFAULT VALUES')
        assert target.rows('SELECT "naïve" FROM "größe"') == [("ß🚲'\\",)]


def test_a_script_as_the_lexer_makes_it_runs(target: Target) -> None:
    text = (
        "-- a file in the habit of hand-written ones\nBEGIN;\nCREATE TABLE t (n integer); /* ; */\n"
        "INSERT INTO t VALUES (1);\nCOMMIT;\n"
    )
    script = parsed(text, target.dialect)
    with ready(target) as engine:
        engine.transact(RUN, [Change(Action.MIGRATE, "a", script, checksum=script.source.checksum)])
    assert target.rows("SELECT n FROM t") == [(1,)]


# --------------------------------------------------------------------------------------- kept texts


def test_texts_are_kept_once_per_checksum(target: Target) -> None:
    forward, back = source("CREATE TABLE t (n integer)"), source("DROP TABLE t")
    with ready(target) as engine:
        for name in ("a", "b"):
            engine.transact(
                RUN, [Change(Action.BASELINE, name, checksum=forward.checksum, texts=(forward, back, forward))]
            )
        assert engine.kept_texts([forward.checksum, back.checksum, "v1:unknown"]) == {
            forward.checksum: forward.text,
            back.checksum: back.text,
        }
        assert engine.kept_texts([]) == {}
    assert target.rows("SELECT count(*) FROM schema_migrations_text") == [(2,)]


def test_long_texts_are_noted_and_not_kept(target: Target) -> None:
    at_the_limit = source("-- " + "x" * (KEPT_TEXT_LIMIT - 3))
    too_long = source("-- " + "ü" * (KEPT_TEXT_LIMIT // 2 - 1))  # its bytes are over the limit, its characters are not
    assert len(at_the_limit.text.encode()) == KEPT_TEXT_LIMIT
    with ready(target) as engine:
        texts = (at_the_limit, too_long)
        engine.transact(RUN, [Change(Action.BASELINE, "a", checksum=too_long.checksum, texts=texts)])
        kept = engine.kept_texts([text.checksum for text in texts])
    assert kept == {at_the_limit.checksum: at_the_limit.text}
    sizes = target.rows(f"SELECT bytes FROM schema_migrations_text WHERE checksum = '{too_long.checksum}'")
    assert sizes == [(len(too_long.text.encode()),)]


# ---------------------------------------------------------------------------------------------- log


def test_the_log_is_newest_first_and_can_be_narrowed(target: Target) -> None:
    with ready(target) as engine:
        for name in ("a", "b", "a", "c"):
            action = Action.MIGRATE if name not in applied_names(engine) else Action.ROLLBACK
            engine.transact(RUN, [change(name, "SELECT 1", action=action)])
        assert [row.name for row in engine.log()] == ["c", "a", "b", "a", None]
        assert [row.name for row in engine.log(limit=2)] == ["c", "a"]
        assert [row.action for row in engine.log(name="a")] == [Action.ROLLBACK, Action.MIGRATE]
        assert [row.action for row in engine.log(name="a", limit=1)] == [Action.ROLLBACK]
        assert engine.log(name="' OR 1=1 --") == ()
        identifiers = [row.id for row in engine.log()]
        assert identifiers == sorted(identifiers, reverse=True)


def test_a_failure_is_logged_by_itself_and_stays(target: Target) -> None:
    migration = change("a", "SELECT * FROM nowhere")
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.transact(RUN, [migration])
        engine.log_failure(RUN, migration, str(caught.value), caught.value.code, 12)
    with target.open() as engine:
        row = engine.log()[0]
        assert (row.name, row.action, row.outcome) == ("a", Action.MIGRATE, Outcome.FAILED)
        assert (row.error, row.sqlstate, row.execution_ms) == (str(caught.value), caught.value.code, 12)
        assert row.run_id == "run-1"
        assert applied_names(engine) == []


def test_logging_a_failure_never_raises_and_makes_no_tables(target: Target) -> None:
    before = target.fingerprint()
    with target.open() as engine:
        engine.log_failure(RUN, change("a", "SELECT 1"), "it broke", None, 1)
    assert target.fingerprint() == before


# --------------------------------------------------------------------------------------------- lock


def test_the_lock_excludes_another_process_and_names_its_holder(target: Target) -> None:
    with target.child("hold", settings={"application_name": "the other one"}) as child, target.open() as engine:
        began = time.monotonic()
        with pytest.raises(LockNotAcquired) as caught, engine.exclusive(0.3, never):
            pytest.fail("two hold the lock")
        assert 0.25 < time.monotonic() - began < 5
        holder = caught.value.holder
        assert holder is not None
        assert holder.application == "the other one"
        if target.dialect is Dialect.SQLITE:  # elsewhere the pid is the one of the server's session
            assert holder.pid == child.pid
        assert holder.pid is not None
        assert str(holder.pid) in str(caught.value)
        assert holder.user
        assert holder.since is not None
        assert abs(holder.since - datetime.now(UTC)) < timedelta(minutes=1)
        assert caught.value.exit_code is Exit.TRY_LATER


def test_a_wait_of_nothing_tries_once(target: Target) -> None:
    with target.open() as engine, engine.exclusive(0, never) as recorded:
        assert recorded == NOTHING
        with target.open() as other, pytest.raises(LockNotAcquired), other.exclusive(0, never):
            pytest.fail("two hold the lock")


def test_the_lock_excludes_another_engine_of_the_same_process(target: Target) -> None:
    with (
        target.open() as one,
        target.open() as other,
        one.exclusive(1, never),
        pytest.raises(LockNotAcquired),
        other.exclusive(0.2, never),
    ):
        pytest.fail("two hold the lock")


def test_a_waiter_hears_of_the_holder_and_reads_anew_under_the_lock(target: Target) -> None:
    heard: list[tuple[LockHolder | None, float]] = []

    def on_wait(holder: LockHolder | None, seconds: float) -> None:
        heard.append((holder, seconds))
        if len(heard) == 2:
            with ready(target):  # which makes the tables
                pass
            child.go()

    with target.child("hold") as child, target.open() as engine:
        assert engine.recorded() == NOTHING
        with engine.exclusive(20, on_wait) as recorded:
            assert recorded.exists
    assert len(heard) >= 2
    assert all(holder is not None for holder, _ in heard)
    assert 0.5 < heard[1][1] - heard[0][1] < 10


@pytest.mark.postgres
def test_nothing_is_done_while_another_session_holds_the_lock(database: Database) -> None:
    target = PostgresTarget(database)
    with ready(target) as engine, target.open() as other, other.exclusive(0, never):
        with pytest.raises(LockNotAcquired) as caught:
            engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        assert caught.value.holder is not None
        assert not target.has_table("t")
        other.transact(RUN, [change("b", "SELECT 1")])
        assert applied_names(other) == ["b"]


def test_the_lock_is_free_again_after_the_block_however_it_ends(target: Target) -> None:
    with target.open() as one, target.open() as other:
        with one.exclusive(0, never):
            pass
        with other.exclusive(0, never):
            pass
        with pytest.raises(ZeroDivisionError), one.exclusive(0, never):
            _ = 1 / 0
        with other.exclusive(0, never):
            pass
        with one.exclusive(0, never):
            pass


def test_the_lock_is_free_again_when_its_session_is_closed(target: Target) -> None:
    with target.open() as one, one.exclusive(0, never):
        pass
    with target.open() as other, other.exclusive(0, never):
        pass


def test_the_lock_of_a_killed_holder_is_free_at_once(target: Target) -> None:
    with target.child("hold") as child, target.open() as engine:
        with pytest.raises(LockNotAcquired), engine.exclusive(0, never):
            pytest.fail("two hold the lock")
        child.kill()
        with engine.exclusive(5, never) as recorded:
            assert recorded == NOTHING


def test_taking_the_lock_writes_nothing_to_the_database(target: Target) -> None:
    before = target.fingerprint()
    with target.open() as engine, engine.exclusive(0, never):
        pass
    assert target.fingerprint() == before


def test_work_is_done_under_the_lock(target: Target) -> None:
    with target.open() as engine:
        with engine.exclusive(0, never):
            engine.ensure_history(RUN)
            engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
            with pytest.raises(SqlFailed):
                engine.transact(RUN, [change("b", "SELECT * FROM nowhere")])
            engine.run_outside_transaction(RUN, change("c", "CREATE TABLE u (n integer)"))
            with target.open() as other, pytest.raises(LockNotAcquired), other.exclusive(0, never):
                pytest.fail("what ran under the lock has let go of it")
        assert applied_names(engine) == ["a", "c"]


def test_the_lock_is_one_at_a_time_for_six_processes(target: Target, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    with target.children(6, "count", counter=str(counter), rounds=15) as children:
        for child in children:
            child.go()
        assert [child.hears() for child in children] == ["done"] * 6
    assert counter.read_text() == str(6 * 15)


# ------------------------------------------------------------------------- outside a transaction


def test_a_no_transaction_script_is_recorded_when_it_has_ended(target: Target) -> None:
    migration = change("a", "CREATE TABLE t (n integer)", "VACUUM", reason="vacuum")
    with ready(target) as engine:
        done = engine.run_outside_transaction(RUN, migration)
        row = only_row(engine)
        assert (row.state, row.checksum, row.execution_ms) == (
            State.APPLIED,
            migration.checksum,
            done.execution_ms,
        )
        assert log_of(engine, "a") == [(Action.MIGRATE, Outcome.STARTED), (Action.MIGRATE, Outcome.DONE)]
        assert engine.kept_texts([migration.texts[0].checksum])
    assert target.has_table("t")


def test_a_no_transaction_script_that_fails_keeps_its_first_statements_and_stays_unfinished(
    target: Target,
) -> None:
    migration = change("a", "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)", "SELECT * FROM nowhere", "VACUUM")
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.run_outside_transaction(RUN, migration)
        assert only_row(engine).state is State.UNFINISHED
        assert log_of(engine, "a") == [(Action.MIGRATE, Outcome.STARTED)]
        engine.log_failure(RUN, migration, str(caught.value), caught.value.code, 3)
        assert engine.kept_texts([migration.texts[0].checksum])
        engine.transact(RUN, [change("b", "CREATE TABLE u (n integer)")])
    assert caught.value.kept == 2
    assert migration.script is not None
    assert caught.value.offset == migration.script.source.text.index("nowhere")
    assert target.rows("SELECT n FROM t") == [(1,)]


def test_a_no_transaction_script_is_unfinished_while_it_runs(target: Target) -> None:
    probe = "INSERT INTO t SELECT count(*) FROM schema_migrations WHERE state = 'unfinished'"
    target.run("CREATE TABLE t (n integer)")
    with ready(target) as engine:
        engine.run_outside_transaction(RUN, change("a", probe))
    assert target.rows("SELECT n FROM t") == [(1,)]


def test_a_no_transaction_rollback_marks_the_row_and_deletes_it_in_the_end(target: Target) -> None:
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        with pytest.raises(SqlFailed) as caught:
            engine.run_outside_transaction(
                RUN, change("a", "DROP TABLE t", "DROP TABLE nowhere", action=Action.ROLLBACK)
            )
        assert caught.value.kept == 1
        assert only_row(engine).state is State.UNFINISHED
        engine.run_outside_transaction(RUN, change("a", "VACUUM", action=Action.ROLLBACK))
        assert applied_names(engine) == []
        assert log_of(engine, "a") == [
            (Action.MIGRATE, Outcome.DONE),
            (Action.ROLLBACK, Outcome.STARTED),
            (Action.ROLLBACK, Outcome.STARTED),
            (Action.ROLLBACK, Outcome.DONE),
        ]


def test_a_no_transaction_change_that_is_not_as_planned_does_not_run(target: Target) -> None:
    target.run("CREATE TABLE t (n integer)")
    insert = "INSERT INTO t VALUES (1)"
    with ready(target) as engine:
        engine.transact(RUN, [change("a", "SELECT 1")])
        with pytest.raises(AlreadyRecorded):
            engine.run_outside_transaction(RUN, change("a", insert))
        with pytest.raises(AlreadyRecorded):
            engine.run_outside_transaction(RUN, change("b", insert, action=Action.ROLLBACK))
        assert applied_names(engine) == ["a"]
        assert only_row(engine).state is State.APPLIED
    assert target.rows("SELECT n FROM t") == []


def test_a_history_that_cannot_be_written_in_the_end_says_how_much_is_kept(target: Target) -> None:
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.run_outside_transaction(
                RUN, change("a", "CREATE TABLE t (n integer)", "DROP TABLE schema_migrations")
            )
        assert caught.value.kept == 2
    assert target.has_table("t")


def unfinished(engine: Engine, name: str) -> None:
    with pytest.raises(SqlFailed):
        engine.run_outside_transaction(RUN, change(name, "SELECT * FROM nowhere"))


@pytest.mark.parametrize("way", [Action.ROLLBACK, Action.FORGET])
def test_an_unfinished_migration_can_be_taken_back(target: Target, way: Action) -> None:
    with ready(target) as engine:
        unfinished(engine, "a")
        engine.transact(RUN, [change("a", *(["SELECT 1"] if way is Action.ROLLBACK else []), action=way)])
        assert applied_names(engine) == []


def test_an_unfinished_migration_does_not_run_again(target: Target) -> None:
    with ready(target) as engine:
        unfinished(engine, "a")
        with pytest.raises(AlreadyRecorded):
            engine.run_outside_transaction(RUN, change("a", "SELECT 1"))
        with pytest.raises(AlreadyRecorded):
            engine.transact(RUN, [change("a", "SELECT 1")])
        assert only_row(engine).state is State.UNFINISHED


def test_a_baseline_finishes_an_unfinished_migration(target: Target) -> None:
    with ready(target) as engine:
        unfinished(engine, "a")
        engine.transact(RUN, [change("b", "SELECT 1")])
        baseline = change("a", action=Action.BASELINE, reason="finished by hand")
        engine.transact(replace(RUN, id="run-2"), [baseline])
        rows = {row.name: row for row in engine.recorded().applied}
        assert (rows["a"].state, rows["a"].checksum) == (State.APPLIED, baseline.checksum)
        assert rows["a"].run_id == "run-2"


def test_settings_of_a_no_transaction_script_do_not_reach_the_next_change(target: Target) -> None:
    setting, probe = {
        Dialect.SQLITE: ("PRAGMA case_sensitive_like = ON", "INSERT INTO t SELECT 'A' LIKE 'a'"),
        Dialect.POSTGRESQL: (
            "SET DateStyle = 'German'",
            "INSERT INTO t SELECT (date '2025-01-02'::text = '2025-01-02')::integer",
        ),
    }[target.dialect]
    target.run("CREATE TABLE t (n integer)")
    with ready(target) as engine:
        engine.run_outside_transaction(RUN, change("a", setting, probe))
        engine.run_outside_transaction(RUN, change("b", probe))
        engine.run_outside_transaction(RUN, change("c", setting))
        engine.transact(RUN, [change("d", probe)])
        with pytest.raises(SqlFailed):
            engine.run_outside_transaction(RUN, change("e", setting, "SELECT * FROM nowhere"))
        engine.run_outside_transaction(RUN, change("f", probe))
    assert target.rows("SELECT n FROM t") == [(0,), (1,), (1,), (1,)]


def test_a_no_transaction_script_that_leaves_a_transaction_open_is_not_finished(target: Target) -> None:
    with ready(target) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.run_outside_transaction(
                RUN, change("a", "CREATE TABLE t (n integer)", "BEGIN", "CREATE TABLE u (n integer)")
            )
        assert caught.value.kept == 1
        assert only_row(engine).state is State.UNFINISHED
    assert target.has_table("t")
    assert not target.has_table("u")


# ------------------------------------------------------------------------------------- being stopped


def do(engine: Engine, work: str, migration: Change) -> None:
    if work == "transact":
        engine.transact(RUN, [migration])
    else:
        engine.run_outside_transaction(RUN, migration)


@pytest.mark.parametrize("work", ["transact", "outside"])
def test_a_time_limit_of_a_file_ends_its_statement(target: Target, work: str) -> None:
    limited = Directives(statement_timeout=200)
    migration = change("a", "CREATE TABLE t (n integer)", SLOW[target.dialect], directives=limited)
    began = time.monotonic()
    with ready(target) as engine, pytest.raises(SqlFailed) as caught:
        do(engine, work, migration)
    assert time.monotonic() - began < 20
    assert caught.value.code in ("57014", "SQLITE_INTERRUPT")


@pytest.mark.parametrize("work", ["transact", "outside"])
def test_ctrl_c_ends_the_running_statement_and_the_session_goes_on(target: Target, work: str) -> None:
    migration = change("a", "CREATE TABLE t (n integer)", SLOW[target.dialect])
    with ready(target) as engine:
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt), ctrl_c_after(0.3):
            do(engine, work, migration)
        assert time.monotonic() - began < 20
        states = [row.state for row in engine.recorded().applied]
        assert states == ([] if work == "transact" else [State.UNFINISHED])
        assert target.has_table("t") is (work == "outside")
        engine.transact(RUN, [change("b", "CREATE TABLE u (n integer)")])
        assert target.has_table("u")

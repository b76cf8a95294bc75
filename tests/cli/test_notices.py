"""What the server says beside its answers: shown on standard error, with the line that made it say so, bounded."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.big import measured
from tests.fixtures.cli import TASKS, USERS, Project

pytestmark = pytest.mark.postgres

MOST = 50  # of one severity and one file
FILLER = "".join(f"SELECT {number}; -- é😀 {'.' * 80}\n" for number in range(1500))  # more than one batch


def told(err: str) -> list[str]:
    """Return the notices and warnings of the server, without the path of the file."""
    lines = [line.strip() for line in err.splitlines() if ".sql:" in line or ".sql " in line]
    return [re.sub(r"^migrations/\d+_\d+_", "", line) for line in lines]


def test_a_notice_is_shown_with_the_line_that_raised_it(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "SELECT 1;\nDO $$\nBEGIN\n  -- é\n  RAISE NOTICE 'half [/way] % 😀', 7;\nEND $$;\n"
        "CREATE TABLE IF NOT EXISTS users (i int);\n  CREATE TABLE IF NOT EXISTS users (i int);\n\n"
        "DROP TABLE IF EXISTS nowhere;\nSELECT 1; DROP VIEW IF EXISTS nothing;\n",
    )
    outcome = postgres_project.ok("migrate")
    assert told(outcome.err) == [
        "create_users.sql:5: notice: half [/way] 7 😀",
        'create_users.sql:8: notice: relation "users" already exists, skipping',
        'create_users.sql:10: notice: table "nowhere" does not exist, skipping',
        'create_users.sql:11: notice: view "nothing" does not exist, skipping',
    ]
    assert "notice" not in outcome.out


def test_statements_that_follow_one_another_closely_keep_their_own_notices(postgres_project: Project) -> None:
    """The server's answers to several statements come in one piece, in which notices stand between results."""
    postgres_project.rows(
        "CREATE FUNCTION far(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'far %', i; RETURN 1; END $$"
    )
    kinds = [
        "SELECT 1;", "DROP TABLE IF EXISTS a;", "SELECT far(1);", "DROP TABLE IF EXISTS b;", "DROP TABLE IF EXISTS c;",
        "SELECT far(2), far(3);", "DO $$ BEGIN RAISE NOTICE 'do'; END $$;", "CREATE TEMP TABLE t AS SELECT far(4);",
        "SELECT far(i) FROM generate_series(5, 7) i;", "CREATE TEMP TABLE IF NOT EXISTS t (i int);",
        "SELECT 2; SELECT 3;",
        "SELECT 1 WHERE false;", "DROP VIEW IF EXISTS d;", "INSERT INTO t VALUES (far(8)) RETURNING *;",
        "DROP VIEW IF EXISTS e;",
    ]  # fmt: skip
    postgres_project.write(USERS, "\n".join(kinds))
    lines = [int(line.split(":")[1]) for line in told(postgres_project.ok("migrate").err)]
    assert lines == [2, 3, 4, 5, 6, 6, 7, 8, 9, 9, 9, 10, 13, 14, 15]


def test_a_warning_is_told_as_one_under_quiet_too(postgres_project: Project) -> None:
    postgres_project.write(
        USERS, "DO $$ BEGIN\n  RAISE NOTICE 'soft';\n  RAISE WARNING 'loud'\n    USING DETAIL = 'twice';\nEND $$;\n"
    )
    outcome = postgres_project.ok("migrate", "--quiet")
    assert outcome.out == ""
    assert "create_users.sql:3: warning: loud" in outcome.err
    assert "twice" in outcome.err
    assert "soft" not in outcome.err


def test_under_json_standard_output_is_one_document(postgres_project: Project) -> None:
    postgres_project.write(USERS, "DO $$ BEGIN RAISE NOTICE 'here'; RAISE WARNING 'there'; END $$;\nSELECT 1;\n")
    outcome = postgres_project.ok("migrate", "--json")
    assert [done["name"] for done in outcome.json["done"]] == [USERS]
    assert "create_users.sql:1: notice: here" in outcome.err
    assert "create_users.sql:1: warning: there" in outcome.err


def test_notices_have_their_lines_in_later_batches_and_after_rows(postgres_project: Project) -> None:
    rows = "1\n" * 40_000
    text = (
        f"CREATE TABLE t (i int);\n{FILLER}DROP TABLE IF EXISTS first;\nCOPY t FROM stdin;\n{rows}\\.\n"
        f"DROP TABLE IF EXISTS second;\n{FILLER}DO $$\nBEGIN\n  RAISE NOTICE 'third';\nEND $$;"
    )
    postgres_project.write(USERS, text)
    lines = text.split("\n")
    first, second, third = (
        next(number for number, line in enumerate(lines, 1) if word in line) for word in ("first;", "second;", "third'")
    )
    assert told(postgres_project.ok("migrate").err) == [
        f'create_users.sql:{first}: notice: table "first" does not exist, skipping',
        f'create_users.sql:{second}: notice: table "second" does not exist, skipping',
        f"create_users.sql:{third}: notice: third",
    ]


def test_a_notice_of_a_function_of_the_file_is_at_its_line_and_one_of_another_file_at_the_call(
    postgres_project: Project,
) -> None:
    body = "BEGIN\n  RAISE NOTICE '{}';\n  RETURN 1;\nEND"
    postgres_project.rows(f"CREATE FUNCTION far() RETURNS int LANGUAGE plpgsql AS $$\n\n\n\n{body.format('far')} $$")
    postgres_project.write(
        USERS,
        f"CREATE FUNCTION near() RETURNS int LANGUAGE plpgsql AS $$\n{body.format('near')} $$;\n"
        "SELECT near();\nSELECT far();\n",
    )
    assert told(postgres_project.ok("migrate").err) == [
        "create_users.sql:3: notice: near",
        "create_users.sql:7: notice: far",
    ]


def test_a_notice_of_a_trigger_on_rows_is_in_the_trigger(postgres_project: Project) -> None:
    text = (
        "CREATE TABLE t (i int);\nCREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  IF NEW.i = 2 THEN RAISE NOTICE 'two'; END IF;\n  RETURN NEW;\nEND $$;\n"
        "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g();\nCOPY t FROM stdin;\n1\n2\n3\n\\.\n"
    )
    postgres_project.write(USERS, text)
    assert told(postgres_project.ok("migrate").err) == ["create_users.sql:4: notice: two"]


DEFERRED = (
    "CREATE TABLE {0} (i int);\nCREATE FUNCTION tell_{0}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
    "  RAISE NOTICE '{0} %', NEW.i; RETURN NULL; END $$;\n"
    "CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON {0} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW\n"
    "EXECUTE FUNCTION tell_{0}();\nINSERT INTO {0} SELECT generate_series(1, 500);\n"
)


def test_what_a_file_deferred_to_its_commit_names_the_file_and_is_as_bounded(postgres_project: Project) -> None:
    postgres_project.write(USERS, DEFERRED.format("users"))
    err = postgres_project.ok("migrate").err
    heard = told(err)
    assert heard[0] == "create_users.sql: notice: users 1"
    assert len(heard) == MOST + 1
    assert "450 more like these" in heard[-1]
    assert err.count("notice") == MOST + 1


def test_what_several_files_deferred_to_one_commit_is_said_of_none_of_them(postgres_project: Project) -> None:
    postgres_project.write(USERS, DEFERRED.format("users"))
    postgres_project.write(TASKS, DEFERRED.format("tasks"))
    err = postgres_project.ok("migrate", "--atomic").err
    assert "notice: users 1\n" in err
    assert not any(".sql" in line for line in err.splitlines() if "notice" in line)
    assert err.count("notice") == MOST + 1


def test_notices_of_a_file_without_a_transaction_have_their_lines(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "-- migrate: no-transaction\nDROP TABLE IF EXISTS nowhere;\nCREATE TABLE t (i int);\nDO $$\nBEGIN\n"
        "  RAISE NOTICE 'there';\nEND $$; VACUUM t;\n  DROP VIEW IF EXISTS nothing;\n",
    )
    assert told(postgres_project.ok("migrate").err) == [
        'create_users.sql:2: notice: table "nowhere" does not exist, skipping',
        "create_users.sql:6: notice: there",
        'create_users.sql:8: notice: view "nothing" does not exist, skipping',
    ]


def test_notices_name_the_file_that_runs(postgres_project: Project) -> None:
    postgres_project.write(USERS, "DROP TABLE IF EXISTS one;\n", "SELECT 1;\nDROP TABLE IF EXISTS back;\n")
    postgres_project.write(TASKS, "\n\nDROP TABLE IF EXISTS two;\n")
    assert told(postgres_project.ok("migrate").err) == [
        'create_users.sql:1: notice: table "one" does not exist, skipping',
        'create_tasks.sql:3: notice: table "two" does not exist, skipping',
    ]
    assert told(postgres_project.ok("rollback", "--name", USERS).err) == [
        'create_users_rollback.sql:2: notice: table "back" does not exist, skipping'
    ]


def test_what_was_noticed_before_an_error_is_shown(postgres_project: Project) -> None:
    postgres_project.write(USERS, "DO $$\nBEGIN\n  RAISE NOTICE 'so far';\n  RAISE EXCEPTION 'no further';\nEND $$;\n")
    outcome = postgres_project.run("migrate")
    assert outcome.code == 1
    noticed, failed = outcome.err.index("create_users.sql:3: notice: so far"), outcome.err.index("no further")
    assert noticed < failed
    assert f"{USERS}.sql:4:3 failed" in outcome.err


@pytest.mark.parametrize("header", ["", "-- migrate: no-transaction\n"], ids=["transaction", "alone"])
def test_a_hundred_thousand_notices_are_counted_and_few_are_shown(postgres_project: Project, header: str) -> None:
    postgres_project.write(
        USERS,
        f"{header}DO $$\nBEGIN\n  FOR i IN 1..100000 LOOP\n    RAISE NOTICE 'row %', i;\n  END LOOP;\n"
        "  RAISE WARNING 'done';\nEND $$;\nCREATE TABLE users (i int);\n",
    )
    outcome, peak = measured(postgres_project, "migrate")
    assert outcome.code == 0, outcome.text
    assert postgres_project.has_table("users")
    assert len(outcome.err.splitlines()) < MOST + 10
    line = 5 if header else 4
    assert f"create_users.sql:{line}: notice: row 1\n" in outcome.err
    assert f"notice: {100_000 - MOST:,} more like these" in outcome.err
    assert "warning: done" in outcome.err, "a warning is not drowned by notices"
    assert peak < 100 * 1024 * 1024


def test_the_bound_is_for_each_file(postgres_project: Project) -> None:
    for name in (USERS, TASKS):
        postgres_project.write(name, "DO $$ BEGIN FOR i IN 1..60 LOOP RAISE NOTICE '%', i; END LOOP; END $$;\n")
    err = postgres_project.ok("migrate").err
    assert err.count("notice: 10 more like these") == 2
    assert f"{TASKS}.sql:1: notice: 1\n" in err


def test_a_huge_notice_is_bounded_in_memory_and_arrives(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "DO $$ BEGIN\n  FOR i IN 1..60 LOOP RAISE NOTICE '%', repeat('x', CASE WHEN i > 50 THEN 2000000 ELSE 99 END);\n"
        "  END LOOP;\nEND $$;\n",
    )
    outcome, peak = measured(postgres_project, "migrate")
    assert outcome.code == 0, outcome.err[-300:]
    assert f"{USERS}.sql:2: notice: xxx" in outcome.err
    assert peak < 150 * 1024 * 1024


def test_a_notice_of_many_lines_cannot_be_mistaken_for_another(postgres_project: Project) -> None:
    postgres_project.write(USERS, "DO $$ BEGIN\n  RAISE NOTICE E'one\\rtwo\\x1b[31m\\nthree';\nEND $$;\n")
    err = postgres_project.ok("migrate").err
    assert "\x1b" not in err
    assert "\r" not in err
    assert "notice: one\\x0dtwo\\x1b[31m\nthree" in err


def test_notices_arrive_while_the_file_still_runs(postgres_project: Project) -> None:
    """The lock makes the file wait in the statement after the notice until the test has read it."""
    postgres_project.rows("CREATE TABLE held (i int)")
    postgres_project.write(USERS, "DO $$ BEGIN\n  RAISE NOTICE 'now waiting';\nEND $$;\nINSERT INTO held VALUES (1);\n")
    with postgres_project.target.database.connect() as other:  # type: ignore[attr-defined]
        other.execute("BEGIN")
        other.execute("LOCK TABLE held IN EXCLUSIVE MODE")
        with postgres_project.start("migrate") as runner:
            assert runner.stderr is not None
            assert "create_users.sql:2: notice: now waiting" in runner.stderr.readline()
            assert runner.poll() is None
            other.execute("COMMIT")
            runner.communicate(timeout=60)
    assert postgres_project.applied() == [USERS]


def test_the_level_of_messages_is_the_file_s_own_choice(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "SET client_min_messages = warning;\nDROP TABLE IF EXISTS one;\n"
        "DO $$ BEGIN RAISE NOTICE 'quiet'; RAISE WARNING 'loud'; END $$;\n",
    )
    postgres_project.write(TASKS, "DROP TABLE IF EXISTS two;\n")
    err = postgres_project.ok("migrate").err
    assert told(err) == [
        "create_users.sql:3: warning: loud",
        'create_tasks.sql:1: notice: table "two" does not exist, skipping',
    ]
    assert "quiet" not in err

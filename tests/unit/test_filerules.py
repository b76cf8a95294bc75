"""This tool's own rules about one file, on its text alone."""

from __future__ import annotations

import pytest

from migration_manager.filerules import Place, StatementRules, finding_of, losses, useless_acceptances
from migration_manager.messages import messages, statements_of
from migration_manager.model import Dialect, Finding
from migration_manager.script import examine
from tests.fixtures.files import parsed, source

NO_TRANSACTION = "-- migrate: no-transaction\n"


def found_in(text: str, dialect: Dialect = Dialect.POSTGRESQL) -> list[Finding]:
    script, problems = examine(source(text), dialect, rollback=False)
    assert problems == ()
    assert script is not None
    rules = StatementRules(script)
    for message in messages(script):
        for statement in statements_of(message, dialect):
            line = message.batch.line + message.text.count("\n", 0, statement.start)
            rules.look_at(message.text, statement, Place(line))
    return list(rules.findings())


def rules_in(text: str, dialect: Dialect = Dialect.POSTGRESQL) -> list[str]:
    return [finding.rule for finding in found_in(text, dialect)]


# ---------------------------------------------------------------------------------- writes under a lock


@pytest.mark.parametrize(
    "lock",
    [
        "ALTER TABLE t ADD COLUMN a text",
        "ALTER TABLE IF EXISTS ONLY public.t DROP COLUMN a",
        "ALTER TABLE t ALTER COLUMN a TYPE bigint USING (a::bigint)",
        "ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t VALIDATE CONSTRAINT c, ADD CONSTRAINT d CHECK (a > 0)",
        "ALTER TABLE t RENAME COLUMN a TO b",
        "ALTER TABLE t SET SCHEMA s",
        "ALTER TABLE t DETACH PARTITION p",
    ],
)
@pytest.mark.parametrize(
    "write",
    [
        "UPDATE u SET a = 1 WHERE a IS NULL",
        "DELETE FROM u WHERE a IS NULL",
        "INSERT INTO u SELECT a FROM v",
        "INSERT INTO u (a) SELECT a FROM v",
        "INSERT INTO u WITH w AS (SELECT 1) SELECT a FROM v",
    ],
)
def test_rows_written_under_access_exclusive_are_found_with_both_places(lock: str, write: str) -> None:
    (finding,) = found_in(f"{lock};\n{write};\nUPDATE x SET y = 1;\n")
    assert (finding.rule, finding.line) == ("writes-under-lock", 2)
    assert "(line 1)" in finding.message
    assert finding.subject in ("table t", "table public.t")


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE u SET a = 1 WHERE b; ALTER TABLE t ADD COLUMN a text;",  # before it
        "CREATE TABLE t (id int); ALTER TABLE t ADD COLUMN a text; UPDATE t SET a = 1;",  # the file's own
        "CREATE TABLE t (id int); ALTER TABLE t RENAME TO w; ALTER TABLE w ADD COLUMN a text; UPDATE w SET a = 1;",
        "ALTER TABLE t VALIDATE CONSTRAINT c; UPDATE t SET a = 1 WHERE b;",  # SHARE UPDATE EXCLUSIVE
        "ALTER TABLE t ALTER COLUMN a SET STATISTICS 100; UPDATE t SET a = 1 WHERE b;",
        "ALTER TABLE t SET (fillfactor = 70); UPDATE t SET a = 1 WHERE b;",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u NOT VALID; UPDATE t SET a = 1 WHERE b;",
        "ALTER TABLE t ADD COLUMN a text; INSERT INTO kinds VALUES ('a'), ('b');",
        "ALTER TABLE t ADD COLUMN a text; INSERT INTO kinds (a) SELECT 'a';",
        "ALTER TABLE t ADD COLUMN a text; SELECT 'UPDATE t SET a = 1'; -- UPDATE t SET a = 1",
    ],
)
def test_what_is_not_written_under_such_a_lock_is_none(text: str) -> None:
    assert rules_in(text) == []


def test_outside_a_transaction_nothing_is_held() -> None:
    assert rules_in(NO_TRANSACTION + "ALTER TABLE t ADD COLUMN a text; UPDATE t SET a = 1;") == []


# ------------------------------------------------------------------------------------------ whole tables


def test_a_write_to_every_row_beside_a_change_of_the_schema_is_found() -> None:
    (finding,) = found_in("CREATE INDEX i ON t (a);\nUPDATE ONLY t SET a = (SELECT 1 WHERE true);\n")
    assert (finding.rule, finding.line, finding.subject) == ("whole-table", 2, "table t")
    assert rules_in("DELETE FROM t; CREATE VIEW v AS SELECT 1;") == ["whole-table"]


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE t SET a = 1;",
        "CREATE INDEX i ON t (a); UPDATE t SET a = 1 WHERE a = 2;",
        "CREATE TABLE t AS SELECT * FROM u; UPDATE t SET a = 1;",
    ],
)
def test_a_write_to_some_rows_or_alone_or_to_the_files_own_table_is_none(text: str) -> None:
    assert rules_in(text) == []


# ------------------------------------------------------------------------------------- single statements


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("if-not-exists-concurrently", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"),
        ("if-not-exists-concurrently", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"),
        ("vacuum-full", "VACUUM FULL t"),
        ("vacuum-full", "VACUUM (VERBOSE, FULL) t"),
        ("vacuum-full", "CLUSTER t USING i"),
        ("runs-on-the-server", "COPY t FROM PROGRAM 'curl x'"),
        ("runs-on-the-server", "COPY (SELECT 1) TO PROGRAM 'cat'"),
        ("runs-on-the-server", "LOAD 'auto_explain'"),
        ("no-lock-timeout", "SET lock_timeout = 0"),
        ("no-lock-timeout", "SET LOCAL lock_timeout TO '0s'"),
        ("no-lock-timeout", "SELECT pg_catalog.set_config('lock_timeout', '0', true)"),
    ],
)
def test_a_statement_that_shows_it_by_itself(rule: str, statement: str) -> None:
    (finding,) = found_in(f"{NO_TRANSACTION}VACUUM t;\n{statement};\n")
    assert (finding.rule, finding.line) == (rule, 3)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "CREATE INDEX IF NOT EXISTS i ON t (a)",
        "VACUUM (FULL false) t",
        "VACUUM full_names",
        "COPY program FROM '/srv/file'",
        "SET lock_timeout = '3s'",
        "SET statement_timeout = 0",
        "SELECT set_config('statement_timeout', '0', true)",
        "SELECT 'lock_timeout', '0'",
    ],
)
def test_its_likes_show_nothing(statement: str) -> None:
    assert rules_in(f"{NO_TRANSACTION}VACUUM t;\n{statement};\n") == []


def test_a_dump_takes_its_own_timeouts_off() -> None:
    assert rules_in("--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\nSET lock_timeout = 0;\n") == []


# --------------------------------------------------------------------------------- needless no-transaction


@pytest.mark.parametrize("text", ["CREATE TABLE t (id int);", "ALTER TABLE t ADD a int; DROP TABLE u;"])
def test_a_header_that_no_statement_needs_is_found(text: str) -> None:
    (finding,) = found_in(NO_TRANSACTION + text)
    assert (finding.rule, finding.line) == ("needless-no-transaction", None)
    assert rules_in(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (id int); CREATE INDEX CONCURRENTLY i ON u (a);",
        "VACUUM t;",
        "DO $$ BEGIN COMMIT; END $$;",
        "CALL backfill();",
        "UPDATE t SET a = 1 WHERE id < 1000; UPDATE t SET a = 1 WHERE id >= 1000;",
        "ALTER TYPE e ADD VALUE 'x';",
        "ALTER TABLE t VALIDATE CONSTRAINT c;",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY;",
        "",
    ],
)
def test_one_that_has_its_use_is_none(text: str) -> None:
    assert rules_in(NO_TRANSACTION + text) == []


# -------------------------------------------------------------------------------------------- the rest


def test_of_a_file_for_sqlite_nothing_of_this_is_said() -> None:
    assert rules_in("ALTER TABLE t ADD COLUMN a text; UPDATE t SET a = 1;", Dialect.SQLITE) == []


def test_losses_beside_squawk_are_those_it_has_no_rule_for() -> None:
    text = "DROP TABLE a; ALTER TABLE b DROP COLUMN c; TRUNCATE d; TRUNCATE e CASCADE; DELETE FROM f WHERE g;"
    script = parsed(text, Dialect.POSTGRESQL)
    assert [finding.subject for finding in losses(script, beside_squawk=True)] == [
        "TRUNCATE d",
        "DELETE FROM f WHERE …",
    ]
    assert len(list(losses(script, beside_squawk=False))) == 5
    many = parsed("".join(f"TRUNCATE t{number};\n" for number in range(25)), Dialect.POSTGRESQL)
    *_, last = losses(many, beside_squawk=True)
    assert last.message.startswith("5 more statements")


def test_everything_that_is_wrong_with_a_file_is_told_at_once() -> None:
    text = "VACUUM a;\nCOMMIT;\nSELECT 1;\nVACUUM b;\n\\gexec\n"
    script, problems = examine(source(text), Dialect.POSTGRESQL, rollback=False)
    assert script is None
    script, problems = examine(source(text.replace("\\gexec\n", "")), Dialect.POSTGRESQL, rollback=False)
    assert script is not None
    assert [(finding.rule, finding.line) for finding in map(finding_of, problems)] == [
        ("needs-no-transaction", 1),
        ("file", 2),
        ("needs-no-transaction", 4),
    ]
    _, (problem,) = examine(source("-- migrate: no-transacton\nVACUUM a;\n"), Dialect.POSTGRESQL, rollback=False)
    assert (finding_of(problem).rule, finding_of(problem).advice) == ("directive", "did you mean no-transaction?")


def test_acceptances_that_accept_nothing_are_told_with_the_nearest_name() -> None:
    accepted = "ban-drop-tabel, ban-drop-column, loses-data, needs-no-transaction, rows, index public.a, column-order"
    script = parsed(f"-- migrate: accept {accepted} because I say so\nSELECT 1;\n", Dialect.POSTGRESQL)
    told = {finding.subject: finding for finding in useless_acceptances(script, ["ban-drop-column"], squawk=True)}
    assert told.keys() == {
        "acceptance ban-drop-tabel", "acceptance loses-data", "acceptance needs-no-transaction"
    }  # fmt: skip
    assert "did you mean ban-drop-table?" in told["acceptance ban-drop-tabel"].message
    assert "has to be mended" in told["acceptance needs-no-transaction"].message
    without = useless_acceptances(script, [], squawk=False)
    assert "acceptance ban-drop-column" not in {finding.subject for finding in without}

"""What a script does to its session: what it leaves for its own deferred triggers, and what never reaches the books."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import TASKS, USERS, Outcome, Project

pytestmark = pytest.mark.postgres

# Writes down who it is and where it looks when its turn comes, which is COMMIT.
WITNESS = """CREATE SCHEMA other;
CREATE TABLE other.seen (session text, role text, path text);
CREATE TABLE a (i int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO seen VALUES (session_user, current_user, current_setting('search_path'));
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER noted AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
GRANT USAGE ON SCHEMA other TO pg_monitor;
GRANT INSERT ON other.seen TO pg_monitor;
INSERT INTO a VALUES (1);
SET search_path = other;
"""


# Changes at COMMIT, when nobody reads the file any more, how the session takes texts.
AT_COMMIT = """CREATE TABLE a (i int);
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('{}', '{}', false);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER c AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION change();
INSERT INTO a VALUES (1);
"""


def fails(project: Project) -> Outcome:
    outcome = project.run("migrate")
    assert outcome.code == 1, outcome.text
    assert ("migrate", "failed") in project.log("action", "outcome")
    return outcome


@pytest.mark.parametrize(
    ("ending", "session", "role"),
    [
        ("", None, None),
        ("SET ROLE pg_monitor;\n", None, "pg_monitor"),
        ("SET SESSION AUTHORIZATION pg_monitor;\n", "pg_monitor", "pg_monitor"),
        ("SET LOCAL ROLE pg_monitor;\nRESET ROLE;\n", None, None),
        ("SET ROLE pg_monitor;\nRESET ALL;\nSET search_path = other;\n", None, "pg_monitor"),
    ],
)
@pytest.mark.parametrize("configured", [False, True], ids=["login", "role"])
def test_deferred_triggers_find_the_user_and_path_the_script_left(
    postgres_project: Project, ending: str, session: str | None, role: str | None, configured: bool
) -> None:
    ((login, version),) = postgres_project.rows("SELECT current_user, current_setting('server_version_num')::int")
    if version >= 180000:  # triggers run as the role of the moment they were queued in (release notes of 18)
        role = None
    if configured:
        postgres_project.set("dev", role=login)
    postgres_project.write(USERS, WITNESS + ending)
    postgres_project.write(TASKS, "CREATE TABLE mine AS SELECT session_user::text, current_user::text;\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT * FROM other.seen") == [(session or login, role or login, "other")]
    assert postgres_project.rows("SELECT * FROM public.mine") == [(login, login)]
    assert postgres_project.applied() == [USERS, TASKS]


def test_a_deferred_trigger_that_fails_keeps_nothing(postgres_project: Project) -> None:
    postgres_project.write(USERS, WITNESS.replace("INSERT INTO seen", "INSERT INTO nowhere"))
    outcome = fails(postgres_project)
    assert '"nowhere" does not exist' in outcome.err
    assert "nothing of it was kept" in outcome.err
    assert not postgres_project.has_table("a")


def test_several_answers_of_a_rule_count_as_one_statement(postgres_project: Project) -> None:
    text = (
        "CREATE TABLE t (i int);\n"
        "CREATE RULE more AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);\n"
        "INSERT INTO t VALUES (1);\n"
        "DO $$ BEGIN RAISE NOTICE 'here'; END $$;\n"
        "SELECT 1;\n"
        "SELECT 1 / (i - 1) FROM t;\n"
    )
    postgres_project.write(USERS, text)
    outcome = fails(postgres_project)
    assert f"{USERS}.sql:4: notice: here" in outcome.err
    assert f"{USERS}.sql:6:1 failed" in outcome.err


def test_an_encoding_python_lacks_is_refused_where_the_text_does_not_fit(postgres_project: Project) -> None:
    postgres_project.write(
        USERS, "SET client_encoding = 'EUC_TW';\nCREATE TABLE t (a text);\nCOMMENT ON TABLE t IS '家';\n"
    )
    outcome = fails(postgres_project)
    assert f"{USERS}.sql:3:24 failed" in outcome.err
    assert "migration files are UTF-8" in outcome.err
    assert not postgres_project.has_table("t")


def test_a_failure_in_another_encoding_is_told_and_logged(postgres_project: Project) -> None:
    text = (
        "-- migrate: no-transaction\nCREATE TABLE t (a text);\nSET client_encoding = 'LATIN1';\n"
        "INSERT INTO t VALUES ('Ж');\n"
    )
    postgres_project.write(USERS, text)
    outcome = fails(postgres_project)
    assert f"{USERS}.sql:4:24 failed" in outcome.err
    assert "2 of its 3 statements were kept" in outcome.err


@pytest.mark.parametrize("header", ["", "-- migrate: no-transaction\n"], ids=["transaction", "alone"])
@pytest.mark.parametrize("setting", [("client_encoding", "LATIN1"), ("standard_conforming_strings", "off")])
def test_what_a_script_changes_at_its_commit_does_not_reach_the_next_one(
    postgres_project: Project, setting: tuple[str, str], header: str
) -> None:
    postgres_project.write(USERS, AT_COMMIT.format(*setting))
    postgres_project.write(TASKS, f"{header}CREATE TABLE b (n text);\nINSERT INTO b VALUES ('日本\\n');\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT n FROM b") == [("日本\\n",)]

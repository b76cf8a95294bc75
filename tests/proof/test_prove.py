"""The command `prove`: its verdicts, what it says, which migrations it chooses, and that it touches nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migration_manager import embedded
from tests.fixtures.cli import Outcome, Project
from tests.fixtures.postgres import Database, need_embedded, new_database

CLEAN = ("CREATE TABLE one (id integer PRIMARY KEY, name text)", "DROP TABLE one")


@pytest.fixture
def proving(project: Project, request: pytest.FixtureRequest) -> Project:
    """Return a project whose scratch databases are made on this run's server."""
    if project.on_postgres:
        server = Database(request.getfixturevalue("postgres_server"))
        text = project.root.joinpath("migration_manager.toml").read_text(encoding="utf-8")
        project.configure(f'scratch_url = "{server.url}"\n{text}')
    return project


@pytest.fixture
def proving_postgres(postgres_project: Project, postgres_server: dict[str, str]) -> Project:
    text = postgres_project.root.joinpath("migration_manager.toml").read_text(encoding="utf-8")
    postgres_project.configure(f'scratch_url = "{Database(postgres_server).url}"\n{text}')
    return postgres_project


def verdicts(outcome: Outcome) -> dict[str, str]:
    return {one["name"]: one["verdict"] for one in outcome.json["migrations"]}


def messages(outcome: Outcome) -> list[str]:
    return [finding["message"] for one in outcome.json["migrations"] for finding in one["findings"]]


# ------------------------------------------------------------------------------------------ verdicts


def test_a_rollback_that_restores_is_proven(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    done = proving.ok("prove")
    assert "restored               001_one" in done.out
    assert "1 migration: 1 restored." in done.out


def test_what_does_not_come_back_is_named_and_exits_4(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    proving.write("002_name", "CREATE INDEX one_name ON one (name)", "SELECT 1")
    done = proving.run("prove")
    assert done.code == 4
    assert "differs                002_name" in done.out
    assert "one_name was not there before" in done.out
    assert "2 migrations: 1 restored, 1 differs." in done.out


def test_a_rollback_that_fails_says_where_and_in_whose_words(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    proving.write("002_two", "CREATE TABLE two (id integer)", "DROP TABLE two;\n  DROP TABLE nowhere")
    done = proving.run("prove", "--json")
    assert (done.code, verdicts(done)["002_two"]) == (4, "rollback fails")
    (finding,) = done.json["migrations"][1]["findings"]
    assert (finding["rule"], Path(finding["path"]).name, finding["line"]) == (
        "rollback-fails",
        "002_two_rollback.sql",
        2,
    )
    assert "nowhere" in finding["message"]


def test_after_one_that_is_not_restored_the_others_are_proven_as_ever(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    proving.write("002_two", "CREATE TABLE two (id integer)", "SELECT 1")
    proving.write("003_three", "CREATE TABLE three (id integer)", "DROP TABLE nowhere")
    proving.write("004_four", "CREATE TABLE four (id integer)")
    proving.write("005_five", "CREATE VIEW five AS SELECT two.id FROM two, three, four", "DROP VIEW five")
    assert verdicts(proving.run("prove", "--json")) == {
        "001_one": "restored",
        "002_two": "differs",
        "003_three": "rollback fails",
        "004_four": "no rollback",
        "005_five": "restored",
    }


def test_a_rollback_without_a_statement_is_told_from_one_that_is_not_there(proving: Project) -> None:
    proving.write("001_one", CLEAN[0], "-- TODO\n")
    proving.write("002_two", "CREATE TABLE two (id integer)")
    done = proving.run("prove", "--json")
    assert (done.code, list(verdicts(done).values())) == (4, ["no statement", "no rollback"])
    assert messages(done) == ["the rollback script has no statement", "there is no rollback script"]


def test_what_is_declared_irreversible_is_no_finding(proving: Project) -> None:
    proving.write("001_one", f"-- migrate: irreversible because it is the beginning\n{CLEAN[0]}")
    done = proving.ok("prove", "--json")
    assert verdicts(done) == {"001_one": "irreversible"}


def test_nothing_to_undo_is_held_to_its_word(proving: Project) -> None:
    nothing = "-- migrate: nothing-to-undo because it is about rows\n"
    proving.write("001_one", CLEAN[0], nothing)
    proving.write("002_two", "SELECT 1", nothing)
    done = proving.run("prove", "--json")
    assert (done.code, list(verdicts(done).values())) == (4, ["differs", "restored"])


def test_a_migration_that_fails_ends_the_proof_and_says_what_was_not_tried(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    proving.write("002_two", "CREATE TABLE one (id integer)", "SELECT 1")
    proving.write("003_three", "CREATE TABLE three (id integer)", "DROP TABLE three")
    done = proving.run("prove", "--json")
    assert (done.code, verdicts(done)) == (4, {"001_one": "restored", "002_two": "migration fails"})
    assert done.json["not_tried"] == ["003_three"]
    assert "1 not tried" in proving.run("prove").out


def test_up_again_that_fails_is_a_verdict_of_its_own(proving_postgres: Project) -> None:
    proving = proving_postgres
    proving.write("001_one", "CREATE TABLE one (id integer CONSTRAINT a CHECK (id > 0))", "DROP TABLE one")
    drop, again = "ALTER TABLE one DROP CONSTRAINT a", "ALTER TABLE one ADD CONSTRAINT b CHECK (id > 0)"
    proving.write("002_two", drop, again)
    done = proving.run("prove", "--json")
    assert verdicts(done)["002_two"] == "up again fails"
    assert [finding["rule"] for finding in done.json["migrations"][1]["findings"]] == [
        "constraint-names", "up-again-fails",
    ]  # fmt: skip


def test_up_again_that_makes_something_else_is_found(proving_postgres: Project) -> None:
    proving = proving_postgres
    # A trace that the catalog does not show is left, and decides what comes of it the second time.
    proving.write("001_one", "CREATE SEQUENCE runs", "DROP SEQUENCE runs")
    up = "DO $$ BEGIN EXECUTE format('CREATE TABLE t%s (id integer)', nextval('runs')); END $$"
    down = "DO $$ BEGIN EXECUTE format('DROP TABLE t%s', currval('runs')); END $$"
    proving.write("002_two", up, down.replace("currval('runs')", "(SELECT last_value FROM runs)"))
    done = proving.run("prove", "--json")
    assert verdicts(done)["002_two"] == "up again differs"
    assert "table public.t1 is missing" in messages(done)


def test_files_outside_a_transaction_are_proven_too(proving_postgres: Project) -> None:
    proving = proving_postgres
    proving.write("001_one", *CLEAN)
    outside = "-- migrate: no-transaction\n"
    index = "CREATE INDEX CONCURRENTLY one_name ON one (name);\nCREATE INDEX CONCURRENTLY one_id ON one (id)"
    proving.write(
        "002_good", outside + index, f"{outside}DROP INDEX CONCURRENTLY one_name, one_id".replace(", one_id", "")
    )
    proving.write("003_ok", f"{outside}VACUUM one", "-- migrate: nothing-to-undo because it only cleans\n")
    done = proving.run("prove", "--json")
    assert verdicts(done) == {"001_one": "restored", "002_good": "differs", "003_ok": "restored"}
    assert "index public.one_id was not there before" in messages(done)


# --------------------------------------------------------------------------------------------- rows


def test_rows_that_were_there_before_have_to_be_there_afterwards(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    proving.write("002_two", "INSERT INTO one (id, name) VALUES (5, 'five')", "DELETE FROM one")
    done = proving.run("prove", "--json")
    assert (done.code, verdicts(done)) == (4, {"001_one": "restored", "002_two": "rows differ"})
    (finding,) = done.json["migrations"][1]["findings"]
    assert finding["rule"] == "rows"
    assert "the row of" in finding["message"]
    assert "is gone" in finding["message"]


def test_what_a_column_held_has_to_be_there_afterwards(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    proving.write("002_two", "ALTER TABLE one DROP COLUMN name", "ALTER TABLE one ADD COLUMN name text")
    done = proving.run("prove", "--json")
    assert (done.code, verdicts(done)["002_two"]) == (4, "rows differ")
    assert "held in name is gone" in messages(done)[0]


def test_rows_that_are_moved_and_moved_back_are_no_finding(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    up = "CREATE TABLE kept AS SELECT id, name FROM one; ALTER TABLE one DROP COLUMN name"
    down = "ALTER TABLE one ADD COLUMN name text; UPDATE one SET name = (SELECT name FROM kept k WHERE k.id = one.id)"
    proving.write("002_two", up, f"{down}; DROP TABLE kept")
    assert verdicts(proving.ok("prove", "--json"))["002_two"] == "restored"


def test_a_migration_that_fails_only_where_there_are_rows_is_told_and_is_no_finding(proving_postgres: Project) -> None:
    proving = proving_postgres
    proving.write("001_one", *CLEAN)
    proving.write("002_two", "ALTER TABLE one ADD COLUMN age integer NOT NULL", "ALTER TABLE one DROP COLUMN age")
    done = proving.ok("prove", "--json")
    assert verdicts(done)["002_two"] == "restored"
    (note,) = done.json["migrations"][1]["notes"]
    assert "fails where the tables hold rows" in note
    assert "null values" in note


def test_a_rollback_that_fails_only_where_there_are_rows_fails(proving_postgres: Project) -> None:
    proving = proving_postgres
    proving.write("001_one", *CLEAN)
    proving.write("002_two", "ALTER TABLE one DROP COLUMN name", "ALTER TABLE one ADD COLUMN name text NOT NULL")
    done = proving.run("prove", "--json")
    assert (done.code, verdicts(done)["002_two"]) == (4, "rollback fails")


@pytest.mark.postgres
def test_a_row_is_planted_in_tables_of_many_kinds(proving_postgres: Project) -> None:
    """Each of these loses its rows in the rollback; where none was planted nobody would see it."""
    proving = proving_postgres
    tables = {
        "serial": "id serial PRIMARY KEY",
        "always": "id bigint GENERATED ALWAYS AS IDENTITY, n int GENERATED ALWAYS AS (2) STORED",
        "uuids": "id uuid PRIMARY KEY, a jsonb NOT NULL, b bytea NOT NULL, c inet NOT NULL, d tsvector NOT NULL",
        "numbers": "a smallint NOT NULL, b numeric(3,2) NOT NULL, c real NOT NULL, d money NOT NULL",
        "times": "a date NOT NULL, b timestamptz NOT NULL, c time NOT NULL, d interval NOT NULL",
        "texts": "a varchar(3) NOT NULL, b char(1) NOT NULL, c text NOT NULL, d name NOT NULL",
        "arrays": "a integer[] NOT NULL, b text[] NOT NULL, c int4range NOT NULL, d bit(1) NOT NULL",
        "checked": "a text NOT NULL CHECK (a IN ('low', 'high')), b integer NOT NULL CHECK (b BETWEEN 0 AND 10)",
        "shown": "a mood NOT NULL, b short NOT NULL",
        "child": "id integer NOT NULL REFERENCES parent (id)",
        "parent_of": "a boolean NOT NULL, b point NOT NULL",
        "partial": "a text CHECK (length(a) > 50)",
    }
    types = "CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN short AS text CHECK (VALUE IN ('x', 'y'));"
    made = "".join(f'CREATE TABLE "{name}" ({columns});' for name, columns in tables.items() if name != "child")
    parent = f"CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE child ({tables['child']});"
    proving.write("001_all", f"-- migrate: irreversible because it is long\n{types}{made}{parent}")
    proving.write("002_lost", "SELECT 1", "".join(f'DELETE FROM "{name}";' for name in tables))
    done = proving.run("prove", "--json")
    gone = {finding["subject"] for finding in done.json["migrations"][1]["findings"]}
    assert gone == {f"table public.{name}" for name in tables}


# What planting rows and looking for them meets.
RAISES = "RETURNS {} LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'never'; END $$"
IN_THE_WAY = {
    "a trigger that raises at COMMIT": f"CREATE FUNCTION no() {RAISES.format('trigger')}; CREATE CONSTRAINT TRIGGER t"
    " AFTER INSERT ON one DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no();"
    " ALTER TABLE one ENABLE ALWAYS TRIGGER t",
    "a column that cannot be shown as text": "CREATE TYPE m AS ENUM ('a');"
    f" CREATE FUNCTION t(m) {RAISES.format('text')}; CREATE CAST (m AS text) WITH FUNCTION t(m);"
    " CREATE TABLE shown (m m)",
    "a check that ends the session": "CREATE FUNCTION bye() RETURNS boolean LANGUAGE sql AS"
    " 'SELECT pg_terminate_backend(pg_backend_pid())'; CREATE TABLE gone (id integer CHECK (bye()))",
    "sessions that are ended": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
}


@pytest.mark.postgres
@pytest.mark.parametrize("what", IN_THE_WAY)
def test_no_table_and_no_script_is_in_the_way_of_looking_at_rows(proving_postgres: Project, what: str) -> None:
    proving = proving_postgres
    proving.write("001_one", *CLEAN)
    proving.write("002_way", f"-- migrate: irreversible because it is in the way\n{IN_THE_WAY[what]}")
    proving.write("003_ok", "CREATE TABLE three (id integer)", "DROP TABLE three")
    proving.write("004_lost", "SELECT 1", "DELETE FROM one")
    done = proving.run("prove", "--json")
    assert verdicts(done) == {
        "001_one": "restored", "002_way": "irreversible", "003_ok": "restored", "004_lost": "rows differ",
    }  # fmt: skip


@pytest.mark.postgres
def test_what_only_compares_as_equal_is_not_the_same(
    proving_postgres: Project, postgres_server: dict[str, str]
) -> None:
    proving = proving_postgres
    collation = "CREATE COLLATION same (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    with new_database(postgres_server) as database, database.connect() as connection:
        try:
            connection.execute(collation)
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this server was built without ICU")
    up = f"{collation}; CREATE TABLE one (a text COLLATE same); INSERT INTO one VALUES ('A')"
    proving.write("001_one", f"-- migrate: irreversible because it is first\n{up}")
    proving.write("002_case", "UPDATE one SET a = lower(a)", "SELECT 1")
    assert verdicts(proving.run("prove", "--json"))["002_case"] == "rows differ"


# -------------------------------------------------------------------------------------- acceptances


def test_a_finding_that_a_header_accepts_exits_0_and_shows_the_reason(proving: Project) -> None:
    proving.write("001_one", *CLEAN)
    accepted = "-- migrate: accept rows because the names were copied elsewhere\n"
    swap = "ALTER TABLE one ADD COLUMN name text"
    proving.write("002_two", "ALTER TABLE one DROP COLUMN name", accepted + swap)
    done = proving.ok("prove")
    assert "002_two\n      accepted: the names were copied elsewhere\n" in done.out
    assert "2 migrations: 1 restored, 1 rows differ; 1 of them accepted." in done.out
    document = proving.ok("prove", "--json").json
    assert document["findings"] == 0
    assert document["migrations"][1]["findings"][0]["accepted"] == "the names were copied elsewhere"


def test_one_object_is_accepted_by_its_name_and_no_other(proving_postgres: Project) -> None:
    proving = proving_postgres
    proving.write("001_one", *CLEAN)
    up = "CREATE INDEX a ON one (name); CREATE INDEX b ON one (name)"
    accepted = "-- migrate: accept index public.a, up-again-fails because it is useful in any case\n"
    proving.write("002_two", accepted + up, "SELECT 1")
    done = proving.run("prove")
    assert done.code == 4
    assert "index public.b was not there before" in done.out
    assert "index public.a" not in done.out
    assert "index public.a" in proving.run("prove", "--verbose").out


def test_an_acceptance_that_accepts_nothing_is_told(proving: Project) -> None:
    proving.write("001_one", f"-- migrate: accept column-order because of old times\n{CLEAN[0]}", CLEAN[1])
    assert "`accept column-order` accepts nothing: take it out" in proving.ok("prove").out


# ------------------------------------------------------------------------------------------ choosing


@pytest.fixture
def three(proving: Project) -> Project:
    for number, name in enumerate(("one", "two", "three"), 1):
        proving.write(f"00{number}_{name}", f"CREATE TABLE {name} (id integer)", f"DROP TABLE {name}")
    return proving


def test_the_last_ones_or_one_by_name_are_proven_on_top_of_the_others(three: Project) -> None:
    assert list(verdicts(three.ok("prove", "--json"))) == ["001_one", "002_two", "003_three"]
    assert list(verdicts(three.ok("prove", "--json", "--last", "2"))) == ["002_two", "003_three"]
    assert list(verdicts(three.ok("prove", "--json", "--name", "two"))) == ["002_two"]


def test_what_was_added_since_a_ref_is_proven(three: Project) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=three.root, check=True, capture_output=True)

    git("init", "-q")
    git("add", "migrations")
    git("commit", "-qm", "first")
    git("tag", "first")
    assert (
        "nothing to prove: no migration here was added or changed since first."
        in three.ok("prove", "--since", "first").out
    )
    three.write("004_four", "CREATE TABLE four (id integer)", "SELECT 1")
    three.write("002_two", "CREATE TABLE two (id integer)", "DROP TABLE two -- changed")
    done = three.run("prove", "--since", "first", "--json")
    assert (done.code, verdicts(done)) == (4, {"002_two": "restored", "004_four": "differs"})
    assert "git knows no commit" in three.refuses(2, "prove", "--since", "nowhere").err


def test_ways_of_choosing_do_not_go_together(three: Project) -> None:
    assert "--name and --last do not go together" in three.refuses(2, "prove", "--name", "one", "--last", "1").err
    assert "--markdown and --json" in three.refuses(2, "prove", "--markdown", "--json").err
    assert "no migration is called" in three.refuses(2, "prove", "--name", "zzz").err


def test_a_migration_for_another_environment_is_left_out(three: Project) -> None:
    three.write("004_four", "-- migrate: environments production\nCREATE TABLE four (id integer)", "SELECT 1")
    assert "004_four" not in verdicts(three.ok("prove", "--json"))
    assert verdicts(three.run("prove", "--json", "--env", "production"))["004_four"] == "differs"


def test_no_migrations_is_nothing_to_prove(proving: Project) -> None:
    proving.root.joinpath("migrations").mkdir(exist_ok=True)
    assert "nothing to prove: there are no migrations." in proving.ok("prove").out
    document = proving.ok("prove", "--json").json
    assert (document["migrations"], document["scratch"]) == ([], None)


def test_one_for_another_environment_is_told_to_be_so(three: Project) -> None:
    three.write("004_four", "-- migrate: environments production\nCREATE TABLE four (id integer)", "SELECT 1")
    assert "004_four is for other environments than dev" in three.refuses(2, "prove", "--name", "four").err


@pytest.mark.postgres
def test_a_table_that_cannot_be_read_keeps_no_other_from_being_looked_at(proving_postgres: Project) -> None:
    proving = proving_postgres
    raises = "CREATE FUNCTION no() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;"
    cast = "CREATE TYPE odd AS (n integer); CREATE FUNCTION odd_text(odd) RETURNS text LANGUAGE plpgsql AS"
    body = (
        " $$ BEGIN RAISE 'cannot be told'; END $$; CREATE CAST (odd AS text) WITH FUNCTION odd_text(odd) AS ASSIGNMENT;"
    )
    tables = "CREATE TABLE odd_ones (a odd); INSERT INTO odd_ones VALUES (ROW(1)); CREATE TABLE plain (id integer);"
    proving.write("001_one", f"-- migrate: irreversible because it is the beginning\n{raises}{cast}{body}{tables}")
    proving.write("002_two", "SELECT 1", "DELETE FROM plain")
    done = proving.run("prove", "--json")
    assert verdicts(done)["002_two"] == "rows differ"


# -------------------------------------------------------------------------------------------- showing


def test_the_document_has_what_the_screen_has(three: Project) -> None:
    document = three.ok("prove", "--json").json
    assert document.keys() == {"environment", "scratch", "migrations", "not_tried", "findings"}
    assert document["migrations"][0].keys() == {"name", "verdict", "is_proven", "findings", "notes", "took_ms"}


def test_markdown_has_the_findings_first_and_no_markup_of_theirs(proving_postgres: Project) -> None:
    proving = proving_postgres
    proving.write("001_one", *CLEAN)
    proving.write("002_two", 'CREATE TABLE "<b>|`x`" (id integer)', "SELECT 1")
    done = proving.run("prove", "--markdown")
    assert done.code == 4
    first, *_ = done.out.splitlines()
    assert first == "### ❌ 1 of 2 rollbacks not proven"
    row = next(line for line in done.out.splitlines() if line.startswith("| `002_two`"))
    assert "<b>" not in row
    assert row.count("|") - row.count("\\|") == 4
    assert "<details>" in done.out
    proving.delete("002_two")
    assert proving.ok("prove", "--markdown").out.startswith("### ✅ All rollbacks proven")


# ---------------------------------------------------------------------------------- nothing else is touched


def test_the_environment_is_not_touched_and_need_not_answer(three: Project) -> None:
    before = three.everything()
    three.ok("prove")
    assert three.everything() == before
    nowhere = "postgresql://nobody@127.0.0.1:1/x" if three.on_postgres else "sqlite:////nowhere/x.db"
    three.ok("prove", env={"TARGET_URL": nowhere})


def scratch_databases(server: dict[str, str]) -> set[str]:
    with Database({**server}).connect() as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, 'migration_manager_scr')")
        return {name for (name,) in rows}


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Have a server that nobody else makes scratch databases on."""
    need_embedded()
    with embedded.running(tmp_path / "server") as address:
        yield dict(address.conninfo)


@pytest.mark.postgres
def test_scratch_databases_are_dropped_and_those_of_a_killed_run_by_the_next(
    postgres_project: Project, own_server: dict[str, str]
) -> None:
    project = postgres_project
    project.write("001_one", *CLEAN)
    project.write("002_two", "CREATE TABLE two (id integer)", "SELECT 1")
    project.write("003_slow", "SELECT pg_sleep(60)", "SELECT 1")
    scratch = {"MIGRATION_MANAGER_SCRATCH_URL": Database(own_server).url}
    with project.start("prove", env=scratch) as process:
        while not scratch_databases(own_server):
            assert process.poll() is None
        process.kill()
        process.wait()
    assert scratch_databases(own_server)
    project.delete("003_slow")
    project.run("prove", env=scratch)
    assert scratch_databases(own_server) == set()


@pytest.mark.postgres
def test_ctrl_c_drops_the_scratch_databases(postgres_project: Project, own_server: dict[str, str]) -> None:
    import signal

    project = postgres_project
    project.write("001_one", *CLEAN)
    project.write("002_slow", "SELECT pg_sleep(60)", "SELECT 1")
    scratch = {"MIGRATION_MANAGER_SCRATCH_URL": Database(own_server).url}
    with project.start("prove", env=scratch) as process:
        with psycopg.connect(psycopg.conninfo.make_conninfo("", **own_server), autocommit=True) as watch:
            while not watch.execute(
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
            ).fetchone():
                assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "only scratch databases were used" in err
    assert scratch_databases(own_server) == set()


# -------------------------------------------------------------------------------------- the scratch server


@pytest.mark.postgres
def test_the_embedded_server_is_where_scratch_databases_are_made_by_default(postgres_project: Project) -> None:
    need_embedded()
    postgres_project.write("001_one", *CLEAN)
    done = postgres_project.ok("prove")
    assert "scratch databases on embedded PostgreSQL" in done.out
    assert postgres_project.root.joinpath(".migration_manager", ".scratch").is_dir()


@pytest.mark.postgres
def test_a_role_that_no_migration_makes_is_made_on_a_server_of_our_own(postgres_project: Project) -> None:
    need_embedded()
    grant = ('GRANT SELECT ON one TO app_reader, "App Writer"', 'REVOKE SELECT ON one FROM app_reader, "App Writer"')
    postgres_project.write("001_one", *CLEAN)
    postgres_project.write("002_two", *grant)
    done = postgres_project.ok("prove")
    assert "the role app_reader was made in the scratch server" in done.err
    assert "2 migrations: 2 restored." in done.out


@pytest.mark.postgres
def test_a_role_that_a_migration_makes_can_be_made_again_and_is_gone_for_the_next_proof(
    postgres_project: Project,
) -> None:
    need_embedded()
    project = postgres_project
    project.write("001_one", *CLEAN)
    project.write(
        "002_role",
        "CREATE ROLE app_owner; ALTER TABLE one OWNER TO app_owner",
        "ALTER TABLE one OWNER TO CURRENT_USER; DROP ROLE app_owner",
    )
    project.write("003_bad", "CREATE ROLE app_other; CREATE TABLE two (id integer)", "SELECT 1")
    project.write("004_last", "CREATE TABLE three (id integer)", "DROP TABLE three")
    expected = {"001_one": "restored", "002_role": "restored", "003_bad": "differs", "004_last": "restored"}
    assert verdicts(project.run("prove", "--json")) == expected
    assert verdicts(project.run("prove", "--json")) == expected


@pytest.mark.postgres
def test_an_extension_that_the_scratch_server_lacks_is_one_clear_sentence(postgres_project: Project) -> None:
    need_embedded()
    postgres_project.write("001_one", "CREATE EXTENSION no_such_extension", "DROP EXTENSION no_such_extension")
    done = postgres_project.run("prove")
    assert done.code == 2
    assert "has no extension no_such_extension, which" in done.err
    assert "001_one.sql:1" in done.err
    assert "set `scratch_url` to a server that has it" in done.err


@pytest.mark.postgres
def test_a_login_that_may_not_make_databases_is_told_what_it_lacks(
    postgres_project: Project, postgres_server: dict[str, str]
) -> None:
    with Database(postgres_server).connect() as connection:
        connection.execute("DROP ROLE IF EXISTS no_maker; CREATE ROLE no_maker LOGIN")
        try:
            url = Database({**postgres_server, "user": "no_maker"}).url
            postgres_project.write("001_one", *CLEAN)
            done = postgres_project.refuses(2, "prove", env={"MIGRATION_MANAGER_SCRATCH_URL": url})
            assert "CREATEDB" in done.err
        finally:
            connection.execute("DROP ROLE no_maker")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("sqlite:///x.db", "one for SQLite is a file"),
        ("testcontainers:", "name the image behind testcontainers:"),
        ("${NOWHERE_SET}", "the variable NOWHERE_SET is not set"),
        ("nonsense", "no known scheme"),
    ],
)
def test_a_wrong_scratch_url_matters_to_who_wants_one_only(postgres_project: Project, address: str, says: str) -> None:
    text = postgres_project.root.joinpath("migration_manager.toml").read_text(encoding="utf-8")
    postgres_project.configure(f'scratch_url = "{address}"\n{text}')
    postgres_project.write("001_one", *CLEAN)
    assert says in postgres_project.refuses(2, "prove").err
    postgres_project.ok("status")
    assert "(not usable)" in json.dumps(postgres_project.ok("config", "--json").json)


def test_a_container_that_cannot_be_started_is_told_with_the_ways_out(postgres_project: Project) -> None:
    postgres_project.write("001_one", *CLEAN)
    scratch = {"MIGRATION_MANAGER_SCRATCH_URL": "testcontainers:postgres:17", "DOCKER_HOST": "tcp://127.0.0.1:1"}
    done = postgres_project.run("prove", env=scratch)
    assert done.code == 2
    assert "Docker does not answer" in done.err
    assert "scratch_url" in done.err


@pytest.mark.postgres
def test_roles_that_a_killed_proof_left_are_not_in_the_way_of_the_next(postgres_project: Project) -> None:
    need_embedded()
    project = postgres_project
    project.write("001_role", "CREATE ROLE app_left", "DROP ROLE app_left")
    project.write("002_slow", "SELECT pg_sleep(60)", "SELECT 1")
    with project.start("prove") as process:
        assert process.stdout is not None
        assert any("001_role" in line for line in process.stdout), "the role was made, and its proof told"
        process.kill()
        process.wait()
    project.delete("002_slow")
    assert verdicts(project.run("prove", "--json")) == {"001_role": "restored"}


@pytest.mark.postgres
def test_two_proofs_on_one_server_of_ours_take_turns(postgres_project: Project) -> None:
    need_embedded()
    project = postgres_project
    project.write("001_role", "CREATE ROLE app_twice; SELECT pg_sleep(1)", "DROP ROLE app_twice")
    with project.start("prove") as one, project.start("prove") as other:
        said = [*one.communicate(timeout=60), *other.communicate(timeout=60)]
    assert (one.returncode, other.returncode) == (0, 0), said
    assert "waiting for another command to finish with the scratch databases" in said[1] + said[3]


@pytest.mark.postgres
@pytest.mark.parametrize("environment", ["dev", "other"])
def test_a_server_that_somebody_keeps_data_on_is_no_scratch_server(postgres_project: Project, environment: str) -> None:
    need_embedded()
    project = postgres_project
    project.configure(
        'scratch_url = "embedded:kept"\n[environments.dev]\nurl = "embedded:kept"\n'
        '[environments.other]\nurl = "embedded:"\n'
    )
    project.write("001_one", *CLEAN)
    project.ok("migrate", "--env", "dev")
    done = project.refuses(2, "prove", "--env", environment)
    assert "scratch_url is where dev keeps its own data" in done.err or "in use for something else" in done.err
    with embedded.running(project.root / "kept") as address, Database(dict(address.conninfo)).connect() as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


@pytest.mark.postgres
def test_tables_that_the_login_of_a_scratch_server_may_not_read_are_left_alone(
    postgres_project: Project, postgres_server: dict[str, str]
) -> None:
    postgres_project.write("001_one", "CREATE TABLE one (id integer); REVOKE ALL ON one FROM maker", "DROP TABLE one")
    postgres_project.write("002_two", *CLEAN)
    with Database(postgres_server).connect() as connection:
        connection.execute("DROP ROLE IF EXISTS maker; CREATE ROLE maker LOGIN CREATEDB")
        try:
            url = Database({**postgres_server, "user": "maker"}).url
            done = postgres_project.run("prove", "--json", env={"MIGRATION_MANAGER_SCRATCH_URL": url})
        finally:
            connection.execute("DROP ROLE maker")
    assert done.json["not_tried"] == [], done.text


@pytest.mark.postgres
def test_sessions_that_are_ended_under_a_proof_are_told_in_a_sentence(
    postgres_project: Project, own_server: dict[str, str]
) -> None:
    project = postgres_project
    project.write("001_one", *CLEAN)
    project.write("002_slow", "SELECT pg_sleep(60)", "SELECT 1")
    url = Database(own_server).url
    with project.start("prove", env={"MIGRATION_MANAGER_SCRATCH_URL": url}) as process:
        with psycopg.connect(psycopg.conninfo.make_conninfo("", **own_server), autocommit=True) as watch:
            others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            while not watch.execute(f"SELECT 1 {others} AND query LIKE '%pg_sleep(60)%'".encode()).fetchone():
                assert process.poll() is None
            watch.execute(f"SELECT pg_terminate_backend(pid) {others}".encode())
        _, err = process.communicate(timeout=30)
    assert process.returncode == 5, err
    assert "the scratch server ended the session" in err
    assert "Traceback" not in err


@pytest.mark.postgres
def test_a_scratch_server_that_does_not_answer_is_told_from_the_environments(postgres_project: Project) -> None:
    postgres_project.write("001_one", *CLEAN)
    scratch = {"MIGRATION_MANAGER_SCRATCH_URL": "postgresql://nobody:hidden_word@127.0.0.1:1/x"}
    done = postgres_project.refuses(5, "prove", env=scratch)
    assert "the scratch server: cannot connect" in done.err
    assert "`scratch_url` names it" in done.err
    assert "hidden_word" not in done.text

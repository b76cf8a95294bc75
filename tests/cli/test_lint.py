"""`lint`: real files, the real squawk, real git; no database is ever asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from migration_manager import squawk
from tests.fixtures.cli import REPOSITORY, Outcome, Project, call, plain_environment

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"  # nobody listens there
TABLE = "CREATE TABLE t (id bigint);\n"


@pytest.fixture
def project(sqlite_project: Project) -> Project:
    """Return a project for a PostgreSQL that nobody can reach."""
    sqlite_project.variables["TARGET_URL"] = NOWHERE
    return sqlite_project


def lint(project: Project, *arguments: str) -> dict[str, Any]:
    """Return the document, having checked that nothing changed and that the exit code is what it says."""
    before = project.everything()
    outcome = project.run("lint", "--json", *arguments)
    document: dict[str, Any] = outcome.json
    assert outcome.code == (4 if document["counts"]["findings"] else 0), outcome.text
    assert project.everything() == before
    return document


def rules(project: Project, *arguments: str) -> list[str]:
    """Return what was found and not accepted, each as `file:line rule`; the number of the file is enough."""
    return [
        f"{Path(each['path']).name.removesuffix('.sql')}:{each['line']} {each['rule']}"
        for each in lint(project, *arguments)["findings"]
        if each["accepted"] is None
    ]


# ------------------------------------------------------------------------------------------- findings


def test_files_without_a_finding_exit_0(project: Project) -> None:
    project.write_tables()
    outcome = project.ok("lint")
    assert outcome.out == "10 files, 0 findings.\n"
    assert outcome.err == ""
    assert project.ok("lint", "--quiet").out == ""


def test_a_finding_has_its_place_the_safe_way_and_the_count(project: Project) -> None:
    project.write("001_a", TABLE, "DROP TABLE t;\n")
    project.write("002_b", "-- é\nALTER TABLE u ADD COLUMN a text NOT NULL, DROP COLUMN b;\n", "SELECT 1;\n")
    project.write("003_c", "CREATE INDEX i ON u (a);\n", "DROP INDEX i;\n")
    outcome = project.run("lint")
    assert outcome.code == 4
    assert (
        outcome.out
        == """\
migrations/002_b.sql:2:15  adding-required-field
    a column that must not be NULL and has no default is refused on a table with
    rows, and breaks every client that does not fill it
    advice: in steps: (1) add the column nullable; (2) release the application
            that fills it; (3) backfill in batches, in a file with `-- migrate:
            no-transaction`; (4) CHECK (… IS NOT NULL) NOT VALID; (5) in a later
            file VALIDATE CONSTRAINT, SET NOT NULL, DROP CONSTRAINT. Or give it
            a constant default
migrations/002_b.sql:2:43  ban-drop-column
    clients that still use the column break, and its data is gone
    advice: in two phases: first release the application that no longer uses it;
            drop it in a later migration

migrations/003_c.sql:1:1  require-concurrent-index-creation
    nobody writes to the table while the index is built
    advice: CREATE INDEX CONCURRENTLY, with `-- migrate: no-transaction` at the
            top of a file that holds nothing else

migrations/003_c_rollback.sql:1:1  require-concurrent-index-deletion
    DROP INDEX waits for, and then blocks, everybody who uses the table
    advice: DROP INDEX CONCURRENTLY, with `-- migrate: no-transaction` at the
            top of a file that holds nothing else

6 files, 4 findings.
"""
    )
    assert project.run("lint", env={"COLUMNS": "200"}).out == outcome.out
    assert project.process("lint").out == outcome.out


def test_the_document_has_everything(project: Project) -> None:
    project.write("001_a", "-- migrate: accept ban-drop-table because it was never used\nDROP TABLE t;\n")
    document = lint(project)
    dropped, without = sorted(document.pop("findings"), key=lambda each: str(each["rule"]))
    assert document == {
        "environment": "dev",
        "files": 1,
        "squawk": True,
        "counts": {"findings": 1, "accepted": 1},
        "notes": [],
    }
    assert dropped == {
        "rule": "ban-drop-table",
        "message": "clients that still use the table break, and its data is gone",
        "path": "migrations/001_a.sql",
        "line": 2,
        "column": 1,
        "subject": None,
        "advice": dropped["advice"],
        "accepted": "it was never used",
    }
    assert (without["rule"], without["line"], without["accepted"]) == ("no-rollback", None, None)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE u ALTER COLUMN a SET NOT NULL", "adding-not-nullable-field"),
        ("ALTER TABLE u ALTER COLUMN a TYPE bigint", "changing-column-type"),
        ("ALTER TABLE u RENAME COLUMN a TO b", "renaming-column"),
        ("ALTER TABLE u RENAME TO v", "renaming-table"),
        ("ALTER TABLE u DROP COLUMN a", "ban-drop-column"),
        ("CREATE INDEX i ON u (a)", "require-concurrent-index-creation"),
        ("DROP INDEX i", "require-concurrent-index-deletion"),
        ("ALTER TABLE u ADD CONSTRAINT c CHECK (a > 0)", "constraint-missing-not-valid"),
        ("ALTER TABLE u ADD CONSTRAINT c UNIQUE (a)", "disallowed-unique-constraint"),
        ("ALTER TABLE u ADD COLUMN a uuid DEFAULT gen_random_uuid()", "adding-field-with-default"),
        ("TRUNCATE u CASCADE", "ban-truncate-cascade"),
        ("CREATE TABLE v (a timestamp)", "prefer-timestamp-tz"),
        ("DELETE FROM u WHERE a = 1", "loses-data"),
        ("TRUNCATE u", "loses-data"),
        ("ALTER TABLE u ADD COLUMN a text; UPDATE u SET a = ''", "writes-under-lock"),
        ("CREATE VIEW v AS SELECT 1; UPDATE u SET a = ''", "whole-table"),
        ("SET lock_timeout = 0; ALTER TABLE u ADD COLUMN a text", "no-lock-timeout"),
        ("COPY u FROM PROGRAM 'x'", "runs-on-the-server"),
    ],
)
def test_each_class_of_danger_is_found_once(project: Project, statement: str, rule: str) -> None:
    project.write("001_a", statement + ";\n", "SELECT 1;\n")
    (finding,) = [each for each in rules(project) if "constraint-missing-not-valid" not in each or rule in each]
    assert finding == f"001_a:1 {rule}"


def test_a_foreign_key_is_told_by_its_own_name(project: Project) -> None:
    project.write("001_a", "ALTER TABLE u ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES v (id);\n", "SELECT 1;\n")
    assert "001_a:1 adding-foreign-key-constraint" in rules(project)


def test_the_safe_way_itself_has_no_finding(project: Project) -> None:
    steps = [
        "ALTER TABLE u ADD COLUMN a text;",
        "-- migrate: no-transaction\nUPDATE u SET a = '' WHERE id < 1000;\nUPDATE u SET a = '' WHERE id >= 1000;",
        "ALTER TABLE u ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;",
        "ALTER TABLE u VALIDATE CONSTRAINT c;\nALTER TABLE u ALTER a SET NOT NULL;\nALTER TABLE u DROP CONSTRAINT c;",
        "-- migrate: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY i ON u (a);",
        "ALTER TABLE u ADD CONSTRAINT i UNIQUE USING INDEX i;",
        "ALTER TABLE u ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES v (id) NOT VALID;",
        "ALTER TABLE u VALIDATE CONSTRAINT f;",
    ]
    for number, step in enumerate(steps, start=1):
        project.write(f"00{number}_step", step + "\n", "SELECT 1;\n")
    assert rules(project) == []


# ----------------------------------------------------------------------------------- files of our world


def test_timeouts_and_the_runners_transaction_are_no_findings(project: Project) -> None:
    project.write("001_a", "BEGIN;\nALTER TABLE u ADD COLUMN a text;\nCOMMIT;\n", "SELECT 1;\n")
    assert rules(project) == []


def test_rows_and_what_only_psql_knows_are_not_read_as_sql_and_move_no_line(project: Project) -> None:
    text = (
        "\\restrict abc\nBEGIN;\nCOPY t (a, b) FROM stdin;\n1\tDROP TABLE x; '\n2\t(((\n\\.\n"
        'COPY t FROM stdin WITH (FORMAT csv);\n"a\n\nb",2\n\\.\n\n  DROP TABLE z;\nCOMMIT;\n\\unrestrict abc\n'
    )
    project.write("001_a", text, "SELECT 1;\n")
    (finding,) = lint(project)["findings"]
    place = text.split("\n").index("  DROP TABLE z;") + 1
    assert (finding["rule"], finding["line"], finding["column"]) == ("ban-drop-table", place, 3)


def test_a_plain_dump_lints_without_a_syntax_error(project: Project) -> None:
    dump = (REPOSITORY / "tests" / "data" / "dumps" / "rich_pg18.sql").read_text("utf-8")
    project.write("001_dump", "-- migrate: irreversible because it is the beginning\n" + dump)
    assert {each.split()[1] for each in rules(project)} & {"syntax-error", "file", "no-lock-timeout"} == set()


def test_a_file_outside_a_transaction_is_asked_whether_it_may_run_twice(project: Project) -> None:
    text = "CREATE INDEX CONCURRENTLY i ON u (a);\nCREATE TABLE v (a text);\nDROP INDEX CONCURRENTLY j;\n"
    project.write("001_a", "-- migrate: no-transaction\n" + text, "DROP TABLE v;\n")
    assert rules(project) == ["001_a:3 prefer-robust-stmts"]


def test_what_needs_to_stand_outside_a_transaction_is_told_by_us_alone(project: Project) -> None:
    project.write("001_a", TABLE + "CREATE INDEX CONCURRENTLY i ON t (id);\nVACUUM t;\n", "DROP TABLE t;\n")
    assert rules(project) == ["001_a:2 needs-no-transaction", "001_a:3 needs-no-transaction"]


def test_a_rollback_script_is_asked_what_blocks_others_and_not_what_it_is_for(project: Project) -> None:
    back = (
        "DELETE FROM kinds WHERE kind = 'x';\nALTER TABLE u DROP COLUMN a;\nALTER TABLE u RENAME COLUMN c TO b;\n"
        "DROP VIEW v;\nDROP TABLE t;\nALTER TABLE u ADD COLUMN d text NOT NULL;\nDROP INDEX i;\n"
        "ALTER TABLE u ALTER COLUMN e TYPE integer;\n"
    )
    project.write("001_a", TABLE, back)
    assert rules(project) == [
        "001_a_rollback:6 adding-required-field",
        "001_a_rollback:7 require-concurrent-index-deletion",
        "001_a_rollback:8 changing-column-type",
    ]


def test_what_the_file_made_itself_or_rebuilds_is_not_lost(project: Project) -> None:
    project.write(
        "001_a",
        "CREATE TABLE scratch (a text);\nDROP TABLE scratch;\n"
        "CREATE TABLE u_new (id bigint);\nINSERT INTO u_new SELECT id FROM u;\nDROP TABLE u;\n"
        "ALTER TABLE u_new RENAME TO u;\nDROP TABLE other;\n",
        "SELECT 1;\n",
    )
    assert "001_a:2 ban-drop-table" not in rules(project)
    assert [each for each in rules(project) if "ban-drop-table" in each] == ["001_a:7 ban-drop-table"]


def test_what_the_same_transaction_made_is_used_by_nobody_yet(project: Project) -> None:
    text = (
        "CREATE TABLE public.t (id bigint NOT NULL, a text);\n"
        "ALTER TABLE public.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;\n"
        "ALTER TABLE ONLY public.t ADD CONSTRAINT p PRIMARY KEY (id);\n"
        "CREATE MATERIALIZED VIEW public.m AS SELECT * FROM public.t;\n"
        "CREATE UNIQUE INDEX i ON public.m (id);\n"
        "ALTER TABLE public.t RENAME COLUMN a TO b;\n"
        "ALTER TABLE public.t ADD COLUMN c timestamp;\n"
    )
    undo = "DROP MATERIALIZED VIEW public.m;\nDROP TABLE public.t;\n"
    project.write("001_a", text, undo)
    assert rules(project) == ["001_a:7 prefer-timestamp-tz"]
    project.write("001_a", text.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS").replace("m AS", "n AS"), undo)
    assert {"001_a:2 ban-alter-identity", "001_a:5 require-concurrent-index-creation"} <= set(rules(project))


def test_strings_whose_backslashes_escape_are_no_syntax_errors(project: Project) -> None:
    text = "SET standard_conforming_strings = off;\nSELECT 'it\\'s ('; DROP TABLE t;\nSELECT '\\\\', E'\\'';\n"
    project.write("001_a", text, "SELECT 1;\n")
    (finding,) = lint(project)["findings"]
    assert (finding["rule"], finding["line"], finding["column"]) == ("ban-drop-table", 2, 19)


def test_a_statement_squawk_cannot_read_is_a_finding_and_the_others_are_looked_at(project: Project) -> None:
    text = "DROP TABLE a;\nCREATE TABLE x (a text,, b text);\nFROBNICATE THE\n  TABLE u;\n  DROP TABLE b;\n"
    project.write("001_a", text, "SELECT 1;\n")
    assert [each for each in rules(project) if "loses" not in each] == [
        "001_a:1 ban-drop-table",
        "001_a:2 syntax-error",
        "001_a:3 syntax-error",
        "001_a:5 ban-drop-table",
    ]
    reason = "-- migrate: accept syntax-error because it is newer than squawk\n"
    project.write("001_a", reason + text, "SELECT 1;\n")
    assert not [each for each in rules(project) if "syntax-error" in each]


def test_squawk_is_asked_for_the_environments_server(project: Project) -> None:
    project.write("001_a", "ALTER TABLE u ADD COLUMN a text DEFAULT 'x';\n", "ALTER TABLE u DROP COLUMN a;\n")
    assert rules(project) == []
    project.set("uat", server_version="10")
    assert rules(project, "--env", "uat") == ["001_a:1 adding-field-with-default"]
    assert rules(project, "--env", "dev") == []


def test_squawk_s_own_configuration_is_not_read(project: Project) -> None:
    (project.root / ".squawk.toml").write_text('excluded_rules = ["ban-drop-table"]\n')
    project.write("001_a", "DROP TABLE t;\n", "SELECT 1;\n")
    assert rules(project) == ["001_a:1 ban-drop-table"]


def test_long_files_are_read_without_their_rows(project: Project) -> None:
    inserts = "".join(f"INSERT INTO t VALUES ({number}, '{'x' * 80}');\n" for number in range(15_000))
    project.write("001_a", inserts + "  DROP TABLE u;\n" + inserts, "SELECT 1;\n")
    long = "".join(f"CREATE VIEW v{number} AS SELECT '{'x' * 1000}';\n" for number in range(4500))
    project.write("002_b", long + "VACUUM t;\n", "SELECT 1;\n")
    assert rules(project) == [
        "001_a:15001 ban-drop-table",
        "002_b:None too-long-for-squawk",
        "002_b:4501 needs-no-transaction",
    ]


# --------------------------------------------------------------------------------------- file errors


def test_everything_migrate_would_refuse_is_told_at_once(project: Project) -> None:
    project.write("20250101_100000_good", TABLE, "DROP TABLE t;\n")
    project.write("oops", "SELECT 1;\n")
    project.write("20250102_100000_open", "SELECT 'a;\n")
    project.write("20250103_100000_directive", "-- migrate: no-transacton\nSELECT 1;\n", "SELECT 1;\n")
    project.write("20250104_100000_commit", "SELECT 1;\n  COMMIT;\nSELECT 2;\nROLLBACK;\n", "SELECT ';\n")
    project.write("20250105_100000_reason", "-- migrate: irreversible\nSELECT 1;\n")
    project.write("20250106_100000_where", "-- migrate: environments uta\nSELECT 1;\n", "SELECT 1;\n")
    (project.migrations / "20250107_100000_stray_rollback.sql").write_text("SELECT 1;\n")
    (project.migrations / "20250108_100000_latin.sql").write_bytes(b"SELECT '\xe9';\n")
    (project.migrations / "old").mkdir()
    (project.migrations / "old" / "001_a.sql").write_text("SELECT 1;\n")
    found = rules(project)
    assert set(found) == {
        "oops:None file",
        "20250102_100000_open:1 file",
        "20250102_100000_open:None no-rollback",
        "20250103_100000_directive:1 directive",
        "20250104_100000_commit:2 file",
        "20250104_100000_commit:4 file",
        "20250104_100000_commit_rollback:1 file",
        "20250105_100000_reason:1 directive",
        "20250105_100000_reason:None no-rollback",
        "20250106_100000_where:None directive",
        "20250107_100000_stray_rollback:None file",
        "20250108_100000_latin:None file",
        "old:None subfolder",
    }
    assert len(found) == len(set(found))


def test_a_migration_that_nothing_undoes_is_a_finding_unless_somebody_says_why(project: Project) -> None:
    project.write("001_none", TABLE)
    project.write("002_empty", TABLE.replace("t", "u"), "-- nothing yet\n")
    project.write("003_irreversible", "-- migrate: irreversible because the keys are burnt\nSELECT 1;\n")
    project.write("004_nothing", "SELECT 1;\n", "-- migrate: nothing-to-undo because it only looks\n")
    project.write("005_accepted", "-- migrate: accept no-rollback because it is a seed\nSELECT 1;\n")
    assert rules(project) == ["001_none:None no-rollback", "002_empty:None no-rollback"]


def test_names_that_collide_or_come_from_the_future_are_findings(project: Project) -> None:
    project.write("20250101_100000_a", "SELECT 1;\n", "SELECT 1;\n")
    project.write("20250101_100000_b", "SELECT 1;\n", "SELECT 1;\n")
    project.write("29990101_000000_c", "SELECT 1;\n", "SELECT 1;\n")
    assert rules(project) == ["20250101_100000_b:None same-number", "29990101_000000_c:None in-the-future"]
    assert rules(project, "--name", "20250101_100000_a") == ["20250101_100000_a:None same-number"]


def test_a_folder_that_is_not_there_is_an_error_and_no_finding(project: Project) -> None:
    outcome = project.run("lint", "--dir", "nowhere")
    assert (outcome.code, outcome.out) == (2, "")
    assert "nowhere: there is no such folder" in outcome.err.replace("\n", " ")


# ------------------------------------------------------------------------------------------ accepting


def test_an_accepted_finding_is_counted_and_shown_in_full_only_with_verbose(project: Project) -> None:
    head = "-- migrate: accept ban-drop-table, prefer-timestamp-tz because nobody has used it\n"
    project.write("001_a", head + "DROP TABLE t;\nCREATE TABLE u (a timestamp);\n", "SELECT 1;\n")
    assert project.ok("lint").out == "2 files, 0 findings, 2 accepted.\n"
    shown = project.ok("lint", "--verbose").out
    assert "001_a.sql:2:1  ban-drop-table" in shown
    assert "accepted: nobody has used it" in shown
    assert "advice" not in shown


def test_squawk_s_own_comments_go_on_working(project: Project) -> None:
    ignored = "-- squawk-ignore ban-drop-table\nDROP TABLE a;\nDROP TABLE b;\n-- squawk-ignore nonsense\nSELECT 1;\n"
    project.write("001_a", ignored, "SELECT 1;\n")
    assert rules(project) == ["001_a:3 ban-drop-table", "001_a:4 unused-ignore"]


def test_a_subject_accepts_one_thing_only(project: Project) -> None:
    head = "-- migrate: accept TRUNCATE a because it is a cache\n"
    project.write("001_a", head + "TRUNCATE a;\nTRUNCATE b;\n", "SELECT 1;\n")
    assert rules(project) == ["001_a:3 loses-data"]


def test_an_acceptance_that_accepts_nothing_is_a_finding(project: Project) -> None:
    head = "-- migrate: accept ban-drop-tables because x\n-- migrate: accept ban-drop-table, column-order because y\n"
    project.write("001_a", head + TABLE, "-- migrate: accept renaming-column because z\nDROP TABLE t;\n")
    assert rules(project) == [
        "001_a:1 unknown-acceptance",
        "001_a:2 unused-acceptance",
        "001_a_rollback:1 unused-acceptance",
    ]
    assert rules(project, "--own-rules") == ["001_a:1 unknown-acceptance"], "squawk was not asked"


# ------------------------------------------------------------------------------------- without squawk


def without_squawk(project: Project, path: Path, *arguments: str) -> Outcome:
    """Call the command line by an interpreter that has no squawk beside it, with nothing but `path` on the PATH."""
    folder = project.root.parent / "bin"
    folder.mkdir(exist_ok=True)
    python = folder / "python"
    if not python.exists():
        python.symlink_to(Path(sys.executable).resolve())
    where = os.pathsep.join([str(REPOSITORY), sysconfig.get_path("purelib")])
    done = subprocess.run(
        [str(python), "-m", "migration_manager", *arguments],
        cwd=project.root,
        env=project.environment({"PATH": str(path), "PYTHONPATH": where}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_a_missing_squawk_is_one_sentence_and_what_to_install(project: Project, tmp_path: Path) -> None:
    project.write("001_a", "DROP TABLE t;\n")
    outcome = without_squawk(project, tmp_path / "empty", "lint")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.replace("\n", " ").startswith(
        "error: squawk, which knows the unsafe operations, is not installed"
    )
    assert "migration-manager[lint]" in outcome.err
    alone = without_squawk(project, tmp_path / "empty", "lint", "--own-rules")
    assert alone.code == 4
    assert "loses-data" in alone.out, "our own rule says what squawk is not there to say"
    assert "no-rollback" in alone.out


def test_a_squawk_on_the_path_will_do(project: Project, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "squawk").symlink_to(squawk.find())
    project.write("001_a", "DROP TABLE t;\n", "SELECT 1;\n")
    outcome = without_squawk(project, tmp_path / "tools", "lint")
    assert outcome.code == 4
    assert "ban-drop-table" in outcome.out


@pytest.mark.parametrize("script", ["echo oh no >&2; exit 3", "echo '[{}]'", "echo nonsense", "kill -9 $$"])
def test_a_squawk_that_fails_is_said_to_have_failed(project: Project, tmp_path: Path, script: str) -> None:
    (tmp_path / "tools").mkdir()
    broken = tmp_path / "tools" / "squawk"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    project.write("001_a", "DROP TABLE t;\n", "SELECT 1;\n")
    outcome = without_squawk(project, tmp_path / "tools", "lint")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: squawk failed")


def test_of_files_for_sqlite_only_our_own_rules_are_asked_and_that_is_said_once(sqlite_project: Project) -> None:
    sqlite_project.write("001_a", "CREATE INDEX i ON t (a);\nDROP TABLE u;\nVACUUM;\n")
    sqlite_project.write("002_b", "PRAGMA journal_mode = wal;\n", "SELECT 1;\n")
    assert rules(sqlite_project) == [
        "001_a:None no-rollback",
        "001_a:2 loses-data",
        "001_a:3 needs-no-transaction",
        "002_b:1 needs-no-transaction",
    ]
    assert lint(sqlite_project)["squawk"] is False
    outcome = sqlite_project.run("lint")
    assert outcome.err.count("squawk") == 1
    assert not (sqlite_project.root.parent / "app.db").exists()


# ----------------------------------------------------------------------------------------- which files


def test_one_migration_by_its_name(project: Project) -> None:
    project.write("001_first", "DROP TABLE a;\n", "SELECT 1;\n")
    project.write("002_second", "DROP TABLE b;\n", "SELECT 1;\n")
    assert rules(project, "--name", "second") == ["002_second:1 ban-drop-table"]
    assert lint(project, "--name", "second")["files"] == 2
    assert project.run("lint", "--name", "third").code == 2
    (project.migrations / "003_latin.sql").write_bytes(b"SELECT '\xe9';\n")
    assert rules(project, "--name", "latin") == ["003_latin:None file"]


def git(project: Project, *words: str) -> None:
    who = {f"GIT_{part}_{what}": "a@example.org" for part in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**plain_environment(), **who, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", *words], cwd=project.root, env=environment, check=True, capture_output=True)


def test_only_what_is_new_since_a_ref(project: Project) -> None:
    project.write("001_first", "DROP TABLE a;\n", "SELECT 1;\n")
    project.write("002_second", "DROP TABLE b;\n", "SELECT 1;\n")
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "all")
    assert rules(project, "--since", "main") == []
    project.rollback_file("002_second").write_text("DROP INDEX i;\n")
    project.write("003_third", "DROP TABLE c;\n", "SELECT 1;\n")
    project.write("draft", "SELECT 1;\n")
    assert set(rules(project, "--since", "main")) == {
        "draft:None file",
        "002_second:1 ban-drop-table",
        "002_second_rollback:1 require-concurrent-index-deletion",
        "003_third:1 ban-drop-table",
    }
    assert rules(project, "--since", "main", "--name", "third") == ["003_third:1 ban-drop-table"]
    assert rules(project, "--since", "main", "--name", "first") == []


def test_since_without_a_repository_or_such_a_ref_is_a_usage_error(project: Project) -> None:
    project.write_tables()
    ceiling = {"GIT_CEILING_DIRECTORIES": str(project.root.parent)}
    outcome = project.run("lint", "--since", "main", env=ceiling)
    assert (outcome.code, outcome.out) == (2, "")
    assert "not in a git repository" in outcome.err
    git(project, "init", "-q")
    outcome = project.run("lint", "--since", "main")
    assert (outcome.code, outcome.out) == (2, "")
    assert "git knows no commit 'main'" in outcome.err


# ---------------------------------------------------------------------------------------------- forms


def test_annotations_escape_what_github_would_take_for_its_own(project: Project) -> None:
    odd = project.root / "my: files, 100%"
    project.migrations.rename(odd)
    (odd / "001_a.sql").write_text("-- é\n  DROP TABLE t;\n")
    outcome = project.run("lint", "--github", "--dir", odd.name)
    assert outcome.code == 4
    without, dropped, count = outcome.out.splitlines()
    assert without.startswith("::warning file=my%3A files%2C 100%25/001_a.sql,title=no-rollback::there is no rollback")
    assert dropped == (
        "::warning file=my%3A files%2C 100%25/001_a.sql,line=2,col=3,title=ban-drop-table::clients that still use the"
        " table break, and its data is gone%0Aadvice: in two phases: first release the application that no longer uses"
        " it; drop it in a later migration"
    )
    assert count == "1 file, 2 findings."


def test_annotations_name_files_from_the_root_of_the_repository(project: Project) -> None:
    project.write("001_a", "DROP TABLE t;\n", "SELECT 1;\n")
    outcome = project.run("lint", "--github", env={"GITHUB_WORKSPACE": str(project.root.parent)})
    assert outcome.out.startswith(f"::warning file={project.root.name}/migrations/001_a.sql,line=1,")
    elsewhere = project.run("lint", "--github", env={"GITHUB_WORKSPACE": "/somewhere/else"})
    assert elsewhere.out.startswith("::warning file=migrations/001_a.sql,line=1,")


def test_accepted_findings_are_not_annotated_and_the_text_stays_the_default_in_a_job(project: Project) -> None:
    project.write("001_a", "-- migrate: accept ban-drop-table because x\nDROP TABLE t;\n", "SELECT 1;\n")
    assert project.ok("lint", "--github").out == "2 files, 0 findings, 1 accepted.\n"
    project.write("001_a", "DROP TABLE t;\n", "SELECT 1;\n")
    assert "::warning" not in project.run("lint", env={"GITHUB_ACTIONS": "true"}).out
    assert project.run("lint", "--github", "--json").code == 2


def test_no_line_is_longer_than_80_columns_but_for_a_path(project: Project) -> None:
    project.write(
        f"001_{'a' * 60}", "-- squawk-ignore x\nALTER TABLE u ADD COLUMN a text NOT NULL;\n", "DROP INDEX i;\n"
    )
    lines = project.run("lint").out.splitlines()
    assert len(lines) > 10
    assert [line for line in lines if len(line) > 80 and not line.startswith("migrations/")] == []


def test_an_address_that_is_not_known_here_is_none_of_its_business(project: Project) -> None:
    del project.variables["TARGET_URL"]
    project.write("001_a", "DROP TABLE t;\n", "SELECT 1;\n")
    outcome = project.run("lint")
    assert outcome.code == 4
    assert "ban-drop-table" in outcome.out
    assert "address is not known here" in outcome.err
    (note,) = lint(project)["notes"]
    assert note in outcome.err
    project.set("dev", lock_timeout="soon")
    wrong = project.run("lint")
    assert (wrong.code, wrong.out) == (2, "")
    assert "lock_timeout" in wrong.err


# ------------------------------------------------------------------------------------------ the sample


def test_the_sample_lints_without_a_finding_and_its_acceptances_are_all_needed(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "migrations", tmp_path / "migrations")
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    outcome = call(["lint", "--json"], folder=tmp_path, environment=plain_environment())
    assert outcome.code == 0, outcome.text
    document = json.loads(outcome.out)
    assert document["counts"]["findings"] == 0
    assert all(len(each["accepted"].split()) > 4 for each in document["findings"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["migrations", "pyproject.toml"]

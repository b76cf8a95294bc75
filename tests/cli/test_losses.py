"""Where a person is told that a script loses data: before it runs, and never as a refusal."""

from __future__ import annotations

from tests.fixtures.cli import FILES, TAGS, TASKS, USERS, Project

LEGACY = "20250103_160000_drop_legacy"


def with_legacy(project: Project) -> Project:
    """Apply two tables, and leave a migration pending that drops a column of one."""
    project.write(TASKS, "CREATE TABLE tasks (id integer, legacy text, other text);\n", "DROP TABLE tasks;\n")
    project.ok("migrate")
    project.write(
        LEGACY,
        "-- the old flags\nALTER TABLE tasks DROP COLUMN legacy;\nDELETE FROM tasks WHERE id = 1;\n",
        "ALTER TABLE tasks ADD COLUMN legacy text;\n",
    )
    return project


def test_status_tells_of_a_pending_migration(project: Project) -> None:
    outcome = with_legacy(project).ok("status")
    assert "loses data: DROP COLUMN tasks.legacy and 1 more" in outcome.out
    (note,) = [s["note"] for s in project.ok("status", "--json").json["migrations"] if s["name"] == LEGACY]
    assert note == "loses data: DROP COLUMN tasks.legacy and 1 more"


def test_status_says_nothing_of_a_table_of_its_own(project: Project) -> None:
    project.write(
        USERS, "CREATE TABLE t (id integer);\nDROP TABLE t;\nCREATE TABLE u (id integer);\n", "DROP TABLE u;\n"
    )
    assert "loses" not in project.ok("status").out


def test_a_dry_run_has_a_comment_for_each_and_a_list_in_its_document(project: Project) -> None:
    with_legacy(project)
    outcome = project.refuses(0, "migrate", "--dry-run")
    assert "-- loses data: DROP COLUMN tasks.legacy (line 2)\n" in outcome.out
    assert "-- loses data: DELETE FROM tasks WHERE … (line 3)\n" in outcome.out
    assert outcome.err == ""
    (task,) = project.refuses(0, "migrate", "--dry-run", "--json").json["would_do"]
    assert task["loses"] == [
        {"line": 2, "what": "DROP COLUMN tasks.legacy"},
        {"line": 3, "what": "DELETE FROM tasks WHERE …"},
    ]
    assert task["loss_count"] == 2


def test_a_dry_run_of_a_rollback_tells_too(applied: Project) -> None:
    outcome = applied.refuses(0, "rollback", "--dry-run")
    assert "-- loses data: DROP TABLE files (line 1)\n" in outcome.out
    document = applied.refuses(0, "rollback", "--dry-run", "--json").json
    assert document["would_do"][0]["loses"] == [{"line": 1, "what": "DROP TABLE files"}]
    assert document["warnings"] == [f"rolling back {FILES} loses data: DROP TABLE files (line 1)"]


def test_many_losses_are_summed_up(project: Project) -> None:
    project.write(USERS, "SELECT 1;\n", "".join(f"DROP TABLE IF EXISTS t{n};\n" for n in range(30)))
    project.ok("migrate")
    outcome = project.refuses(0, "rollback", "--dry-run")
    assert outcome.out.count("-- loses data: DROP TABLE") == 5
    assert "-- loses data: and 25 more\n" in outcome.out
    assert "t0 (line 1), DROP TABLE t1 (line 2), DROP TABLE t2 (line 3) and 27 more\n" in outcome.err
    (task,) = project.refuses(0, "rollback", "--dry-run", "--json").json["would_do"]
    assert (len(task["loses"]), task["loss_count"]) == (20, 30)


def test_a_rollback_warns_on_one_line_and_goes_on(applied: Project) -> None:
    applied.rollback_file(TAGS).write_text("-- all of it\nDROP TABLE tags;\n")
    outcome = applied.ok("rollback", "--name", TAGS)
    assert f"warning: rolling back {TAGS} loses data: DROP TABLE tags (line 2)\n" in outcome.err
    assert not applied.has_table("tags")


def test_a_rollback_from_the_kept_text_warns_too(applied: Project) -> None:
    applied.delete(FILES)
    outcome = applied.ok("rollback", "--name", FILES, "--quiet")
    assert f"rolling back {FILES} loses data: DROP TABLE files (line 1)" in outcome.err


def test_a_run_that_rolled_back_has_the_warning_in_its_document(applied: Project) -> None:
    document = applied.ok("rollback", "--json").json
    assert document["warnings"] == [f"rolling back {FILES} loses data: DROP TABLE files (line 1)"]


def test_a_rollback_that_loses_nothing_is_silent(project: Project) -> None:
    with_legacy(project)
    project.ok("migrate")
    assert project.ok("rollback", "--quiet").text == ""


def test_a_migration_in_an_unprotected_environment_is_asked_nothing_and_told_nothing_while_it_runs(
    project: Project,
) -> None:
    assert with_legacy(project).ok("migrate", "--quiet").text == ""


def test_the_confirmation_of_a_protected_environment_tells_what_a_migration_loses(project: Project) -> None:
    project.set("dev", protected=True)
    project.write(TASKS, "CREATE TABLE tasks (id integer, legacy text);\n", "DROP TABLE tasks;\n")
    project.ok("migrate", "--yes", "--confirm", project.database)
    project.write(LEGACY, "ALTER TABLE tasks DROP COLUMN legacy;\n")
    outcome = project.run("migrate", answer="no\n")
    assert outcome.code == 6
    assert f"{LEGACY}   to be applied   loses data\n" in outcome.err
    assert f"{LEGACY} loses data: DROP COLUMN tasks.legacy (line 1)\n" in outcome.err


def test_the_confirmation_tells_what_a_rollback_loses_once(applied: Project) -> None:
    applied.set("dev", protected=True)
    outcome = applied.run("rollback", answer=applied.database + "\n")
    assert outcome.code == 0, outcome.text
    assert f"{FILES}   to be rolled back   loses data\n" in outcome.err
    assert outcome.err.count("DROP TABLE files") == 1

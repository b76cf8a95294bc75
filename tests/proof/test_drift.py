"""`drift` and `baseline --verify`: a database beside what its migrations make."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.cli import Outcome, Project
from tests.fixtures.postgres import Database, need_embedded

UP = "CREATE TABLE one (id integer PRIMARY KEY, name text); CREATE INDEX one_name ON one (name)"


def began(project: Project, server: dict[str, str] | None) -> Project:
    """Return a project with one applied migration; on PostgreSQL its scratch databases are made on this server."""
    if server is not None:
        text = project.root.joinpath("migration_manager.toml").read_text(encoding="utf-8")
        project.configure(f'scratch_url = "{Database(server).url}"\n{text}')
    project.write("001_one", UP, "DROP TABLE one")
    project.ok("migrate")
    return project


@pytest.fixture
def drifting(project: Project, request: pytest.FixtureRequest) -> Project:
    return began(project, request.getfixturevalue("postgres_server") if project.on_postgres else None)


@pytest.fixture
def on_postgres(postgres_project: Project, postgres_server: dict[str, str]) -> Project:
    return began(postgres_project, postgres_server)


def by_hand_in(project: Project, statements: str) -> None:
    """Change the database behind the tool's back."""
    project.target.run(*statements.split("; "))


def subjects(outcome: Outcome) -> list[str]:
    return [f"{one['subject'].replace('public.', '')} {one['how']}" for one in outcome.json["differences"]]


def test_a_database_that_is_what_its_migrations_make_has_not_drifted(drifting: Project) -> None:
    done = drifting.ok("drift")
    assert "no drift: the database is what its migrations make." in done.out
    assert "compared with 1 migration on" in done.out


def test_what_was_done_by_hand_is_named_and_exits_4(drifting: Project) -> None:
    by_hand_in(
        drifting, "DROP INDEX one_name; CREATE TABLE by_hand (id integer); ALTER TABLE one ADD COLUMN age integer"
    )
    done = drifting.run("drift", "--json")
    assert done.code == 4
    assert sorted(subjects(done)) == ["column age of one extra", "index one_name missing", "table by_hand extra"]
    text = drifting.run("drift").out
    assert "one_name is missing" in text
    assert "by_hand is not made by any migration" in text
    assert "3 differences." in text


def test_a_changed_property_is_told_with_what_the_migrations_say_first(on_postgres: Project) -> None:
    by_hand_in(on_postgres, "ALTER TABLE one ALTER COLUMN name SET DEFAULT 'x'")
    done = on_postgres.run("drift", "--json")
    (change,) = done.json["differences"][0]["changes"]
    assert change == {"property": "default", "expected": None, "found": "'x'::text"}


def test_what_is_ignored_is_counted_and_no_drift(drifting: Project) -> None:
    by_hand_in(drifting, "CREATE TABLE by_hand (id integer); CREATE TABLE by_hand_2 (id integer)")
    done = drifting.ok("drift", "--ignore", "table *by_hand*")
    assert "no drift: the database is what its migrations make, 2 ignored." in done.out
    assert drifting.run("drift", "--ignore", "table *by_hand").code == 4


def test_owners_and_privileges_count_where_they_are_asked_for(on_postgres: Project) -> None:
    by_hand_in(on_postgres, "GRANT SELECT ON one TO pg_monitor")
    on_postgres.ok("drift")
    done = on_postgres.run("drift", "--owners")
    assert done.code == 4
    assert "table public.one: privileges as built in" in done.out


def test_a_file_that_changed_or_is_gone_is_taken_as_it_was_applied(drifting: Project) -> None:
    drifting.write("001_one", "CREATE TABLE other (id integer)")
    drifting.ok("drift")
    drifting.delete("001_one")
    drifting.ok("drift")


def test_pending_migrations_do_not_count(drifting: Project) -> None:
    drifting.write("002_two", "CREATE TABLE two (id integer)", "DROP TABLE two")
    drifting.ok("drift")


def test_a_database_with_no_history_has_drifted_by_all_it_holds(drifting: Project) -> None:
    drifting.ok("rollback", "--all")
    by_hand_in(drifting, "CREATE TABLE by_hand (id integer)")
    done = drifting.run("drift", "--json")
    assert (done.code, done.json["migrations"], subjects(done)) == (4, 0, ["table by_hand extra"])


def test_drift_writes_nothing_to_the_environment(drifting: Project) -> None:
    before = drifting.everything()
    drifting.ok("drift")
    assert drifting.everything() == before


def test_an_unfinished_migration_is_a_matter_for_resume_first(on_postgres: Project) -> None:
    on_postgres.write("002_two", "-- migrate: no-transaction\nVACUUM one;\nVACUUM nowhere", "SELECT 1")
    on_postgres.run("migrate")
    done = on_postgres.refuses(4, "drift")
    assert "002_two is unfinished" in done.err


# ------------------------------------------------------------------------------------------ baseline


@pytest.fixture
def by_hand(drifting: Project) -> Project:
    """Return a project whose database was made by hand, exactly as its one file makes it."""
    drifting.ok("rollback", "--all")
    by_hand_in(drifting, UP)
    return drifting


def test_a_baseline_is_verified_before_anything_is_recorded(by_hand: Project) -> None:
    by_hand_in(by_hand, "DROP INDEX one_name")
    done = by_hand.run("baseline", "--all", "--verify")
    assert done.code == 4
    assert "the database is not what these files make, in 1 way" in done.err
    assert "one_name is missing" in done.err
    assert "nothing was recorded" in done.err
    assert by_hand.applied() == []
    (difference,) = by_hand.run("baseline", "--all", "--verify", "--json").json["error"]["differences"]
    assert "one_name is missing" in difference
    by_hand_in(by_hand, "CREATE INDEX one_name ON one (name)")
    by_hand.ok("baseline", "--all", "--verify")
    assert by_hand.applied() == ["001_one"]
    assert by_hand.log("action", "reason")[-1] == ("baseline", "verified: the database is what the files make")


def test_what_was_not_compared_is_not_recorded_as_verified(by_hand: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the comparison and the record another run has recorded it."""
    from migration_manager import drifting

    compare = drifting.compare

    def compare_slowly(*arguments: Any) -> Any:
        report = compare(*arguments)
        by_hand.ok("baseline", "--name", "001_one")
        return report

    monkeypatch.setattr(drifting, "compare", compare_slowly)
    done = by_hand.run("baseline", "--all", "--verify")
    assert done.code == 6
    assert "the history changed while the database was compared" in done.err


def test_accepted_differences_are_kept_in_the_log(by_hand: Project) -> None:
    by_hand_in(by_hand, "DROP INDEX one_name")
    done = by_hand.ok("baseline", "--all", "--verify", "--accept-differences", "--reason", "made in 2019")
    assert "one_name is missing" in done.err
    assert by_hand.log("action", "reason")[-1] == (
        "baseline", "made in 2019; accepted: 1 difference from what the files make",
    )  # fmt: skip


def test_a_dry_run_verifies_and_records_nothing(by_hand: Project) -> None:
    by_hand.ok("baseline", "--all", "--verify", "--dry-run")
    assert by_hand.applied() == []
    by_hand_in(by_hand, "DROP INDEX one_name")
    assert by_hand.run("baseline", "--all", "--verify", "--dry-run").code == 4


def test_accepting_without_comparing_makes_no_sense(by_hand: Project) -> None:
    assert "goes with --verify" in by_hand.refuses(2, "baseline", "--all", "--accept-differences").err


def test_a_database_that_was_never_made_has_not_drifted(postgres_project: Project) -> None:
    need_embedded()
    postgres_project.configure('[environments.dev]\nurl = "embedded:"\n')
    postgres_project.write("001_one", UP, "DROP TABLE one")
    done = postgres_project.run("drift", "--env", "dev")
    assert done.code == 5
    assert "the database does not exist yet" in done.err
    assert "difference" not in done.text


def test_differences_fit_on_a_terminal_of_80_columns(drifting: Project) -> None:
    by_hand_in(drifting, "CREATE TABLE made_by_somebody_who_gives_tables_names_as_long_as_this_one (id integer)")
    told = [line for line in drifting.run("drift").out.splitlines() if line.startswith("  ")]
    assert len(told) == 2
    assert max(map(len, told)) <= 80


def test_what_is_suggested_names_the_environment(drifting: Project) -> None:
    drifting.write("002_rests", "ALTER TABLE by_hand ADD COLUMN more integer", "ALTER TABLE by_hand DROP COLUMN more")
    by_hand_in(drifting, "CREATE TABLE by_hand (id integer)")
    drifting.ok("migrate")
    done = drifting.run("drift", "--env", "dev")
    assert done.code == 4
    assert "`prove --env dev` shows more" in done.err

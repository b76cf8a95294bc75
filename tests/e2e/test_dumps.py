"""What pg_dump wrote is a first migration as it is: files of five versions, and dumps taken while the test runs.

`tests/data/dumps/README.md` says what the files hold and how they were made. Where a dump is newer than the server of
this run, psql decides what has to happen: what it restores has to apply, and what it refuses has to fail honestly.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from migration_manager import embedded
from migration_manager.errors import ConfigError
from tests.fixtures.cli import REPOSITORY, SECONDS, Outcome, Project, plain_environment
from tests.fixtures.postgres import Database, new_database, without_postgres
from tests.fixtures.programs import comparable
from tests.fixtures.targets import PostgresTarget

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

DUMPS = REPOSITORY / "tests" / "data" / "dumps"
SOURCE = DUMPS / "source"
WITH_CREATE = DUMPS / "sample_pg15_create.sql"
FILES = sorted(set(DUMPS.glob("*.sql")) - {WITH_CREATE})
SAMPLES = [path for path in FILES if path.stem.startswith("sample_pg")]

BASELINE = "20240101_000000_baseline"
NEXT = "20240102_000000_names_without_a_schema"
LATER = "20240103_000000_the_same_in_a_later_run"
OUR_TABLES = "schema_migrations*"
SYNTAX_ERROR = "42601"


def by_stem(path: Path) -> str:
    return path.stem


# --------------------------------------------------------------------------------------------- PostgreSQL's programs


@dataclass(frozen=True)
class Programs:
    """The programs of PostgreSQL that are here, and the server of this run."""

    server: int
    psql: Path
    dumpers: tuple[tuple[int, Path], ...]  # each pg_dump that can read this server, oldest version first

    @property
    def pg_dump(self) -> Path:
        """The pg_dump nearest to the server; only one of the same version writes what it surely restores."""
        return self.dumpers[0][1]

    @property
    def newer(self) -> bool:
        """Whether even the nearest pg_dump is of a newer version than the server."""
        return self.dumpers[0][0] > self.server

    def restore(self, dump: Path, database: Database) -> list[Refusal]:
        """Restore with psql into an empty database; returns everything the server refused, in order."""
        done = run(self.psql, "-X", "-q", "--set=VERBOSITY=verbose", f"--file={dump}", f"--dbname={database.url}")
        assert done.returncode == 0, done.stderr
        told = re.finditer(r":(\d+): (?:ERROR|FATAL): +(\w{5}): (.*)", done.stderr)
        return [Refusal(int(line), code, message) for line, code, message in (match.groups() for match in told)]

    def dump(self, database: Database, *options: str) -> bytes:
        """Return the database as the nearest pg_dump writes it."""
        return dumped(self.pg_dump, database, *options)

    def content(self, database: Database) -> list[str]:
        """Return everything in the database but our own tables, in a form that compares."""
        return comparable(self.dump(database, f"--exclude-table={OUR_TABLES}").decode())

    def differences(self, one: Database, other: Database) -> list[str]:
        """Return what differs between two databases, as the first lines of a text diff."""
        return list(difflib.unified_diff(self.content(one), self.content(other), n=0, lineterm=""))[:20]


@dataclass(frozen=True)
class Refusal:
    """What psql tells about an error: the last line of the statement, counted from 1, and the server's words."""

    line: int
    code: str
    message: str


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        encoding="utf-8",
        env=plain_environment(),
        timeout=SECONDS,
        check=False,
    )


def dumped(program: Path, database: Database, *options: str) -> bytes:
    command = [str(program), *options, f"--dbname={database.url}"]
    done = subprocess.run(command, capture_output=True, env=plain_environment(), timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def folders_of_programs() -> list[Path]:
    """Return where PostgreSQL's programs are: those of the embedded server's package, and the PATH."""
    found = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    try:
        package = embedded.binaries().parent.parent
    except ConfigError:
        return found
    return [*sorted(package.glob("pginstall*/bin"), key=lambda folder: len(folder.parent.name), reverse=True), *found]


def major_version(program: Path) -> int:
    told = re.search(r"\d+", run(program, "--version").stdout)
    assert told, f"{program} tells no version"
    return int(told[0])


@pytest.fixture(scope="session")
def programs(postgres_server: dict[str, str]) -> Programs:
    """Return the programs to dump and restore with; skips or fails where there are none for this server."""
    folders = folders_of_programs()
    psqls = [folder / "psql" for folder in folders if (folder / "psql").is_file()]
    versions: dict[int, Path] = {}
    for program in (folder / "pg_dump" for folder in folders if (folder / "pg_dump").is_file()):
        versions.setdefault(major_version(program), program)
    with psycopg.connect(psycopg.conninfo.make_conninfo("", **postgres_server), autocommit=True) as connection:
        server = connection.info.server_version // 10000
        # pg_dump writes the owner of everything, and the dumps in the repository belong to this one.
        connection.execute(
            "DO $$ BEGIN CREATE ROLE postgres SUPERUSER LOGIN;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    able = tuple(sorted((major, program) for major, program in versions.items() if major >= server))
    if not psqls or not able:
        without_postgres(f"no psql and pg_dump that can read a server {server} beside the tests", os.environ)
    return Programs(server, psqls[0], able)


# ------------------------------------------------------------------------------------------------- databases


@pytest.fixture(scope="module")
def sample(
    postgres_server: dict[str, str], programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Return the sample's database with some rows, made by the migrations of this repository, without a history."""
    with new_database(postgres_server) as database:
        project = Project(tmp_path_factory.mktemp("sample") / "project", PostgresTarget(database), database.url)
        shutil.copytree(REPOSITORY / "migrations", project.migrations, dirs_exist_ok=True)
        project.ok("migrate")
        project.rows(
            "DROP TABLE schema_migrations, schema_migrations_log, schema_migrations_text, schema_migrations_progress"
        )
        assert programs.restore(SOURCE / "sample_rows.sql", database) == []
        yield database


@pytest.fixture(scope="module")
def rich(postgres_server: dict[str, str], programs: Programs) -> Iterator[Database]:
    """Return the database that holds something of nearly every kind."""
    with new_database(postgres_server) as database:
        assert programs.restore(SOURCE / "rich.sql", database) == []
        yield database


# ------------------------------------------------------------------------------------------------- the promise


def line_told(outcome: Outcome) -> int:
    """Return the line of the dump that the error names."""
    told = re.search(rf"{BASELINE}\.sql:(\d+):\d+", outcome.err)
    assert told, outcome.text
    return int(told[1])


def nothing_was_kept(project: Project) -> bool:
    """Return whether the database holds nothing but our own tables, and no migration as applied."""
    held = project.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_'"
        " AND n.nspname <> 'information_schema' AND c.relname !~ '^schema_migrations'"
        " UNION ALL SELECT nspname FROM pg_namespace"
        " WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')"
        " UNION ALL SELECT oid::text FROM pg_largeobject_metadata"
    )
    return not held and not project.applied()


def with_line_feeds(content: bytes) -> bytes:
    """Return the text that is hashed; a dump with --inserts has carriage returns inside its literals."""
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


@dataclass(frozen=True)
class Trial:
    """An empty project, and an empty database for psql to do the same in."""

    project: Project
    programs: Programs
    restored: Database

    def applies(self, dump: Path) -> bool:
        """Apply a dump as a first migration, which has to come to what psql comes to; returns whether it applied."""
        content = dump.read_bytes()
        self.project.file(BASELINE).write_bytes(content)
        outcome = self.project.run("migrate")
        refusals = self.programs.restore(dump, self.restored)
        if refusals:
            self._check_refused(outcome, content, refusals)
        else:
            self._check_applied(outcome, content)
        return not refusals

    def _check_applied(self, outcome: Outcome, content: bytes) -> None:
        project = self.project
        assert outcome.code == 0, outcome.text
        checksum = f"v1:{hashlib.sha256(with_line_feeds(content)).hexdigest()}"
        assert project.rows("SELECT migration_name, state, checksum FROM schema_migrations") == [
            (BASELINE, "applied", checksum)
        ]
        ((kept,),) = project.rows(f"SELECT content FROM schema_migrations_text WHERE checksum = '{checksum}'")
        assert with_line_feeds(kept.encode()) == with_line_feeds(content)
        assert isinstance(project.target, PostgresTarget)
        assert self.programs.differences(project.target.database, self.restored) == []
        assert "nothing to do" in project.ok("migrate").out

    def _check_refused(self, outcome: Outcome, content: bytes, refusals: list[Refusal]) -> None:
        writer = re.search(rb"^-- Dumped by pg_dump version (\d+)", content, re.MULTILINE)
        assert writer
        assert int(writer[1]) > self.programs.server, f"psql refuses a dump no newer than the server: {refusals[0]}"
        assert outcome.code == 1, outcome.text
        line = line_told(outcome)  # of the position in the statement; psql tells where the statement ends
        refusal = next(refusal for refusal in refusals if refusal.line >= line)
        assert b";\n\n" not in b"\n".join(content.split(b"\n")[line - 1 : refusal.line - 1])
        assert refusal.message in outcome.err
        assert f"({refusal.code})" in outcome.err
        # The server parses what comes in one message before it runs any of it: there a syntax error comes first.
        assert refusal in (refusals[0], *(later for later in refusals if later.code == SYNTAX_ERROR))
        assert nothing_was_kept(self.project)
        assert self.project.status() == {BASELINE: "pending"}


@pytest.fixture
def trial(postgres_project: Project, programs: Programs, postgres_server: dict[str, str]) -> Iterator[Trial]:
    with new_database(postgres_server) as restored:
        yield Trial(postgres_project, programs, restored)


@pytest.mark.parametrize("dump", FILES, ids=by_stem)
def test_a_dump_applies_as_it_is_and_leaves_what_psql_leaves(dump: Path, trial: Trial) -> None:
    trial.applies(dump)


OPTIONS = {
    "none": (),
    "inserts": ("--inserts",),
    "column-inserts": ("--column-inserts", "--rows-per-insert=3", "--on-conflict-do-nothing"),
    "clean": ("--clean", "--if-exists"),
    "no-dollars": ("--disable-dollar-quoting",),
    "quoted": ("--quote-all-identifiers",),
    "session-authorization": ("--use-set-session-authorization",),
    "bare": ("--no-owner", "--no-privileges", "--no-comments", "--no-publications"),
    "schema-only": ("--schema-only",),
    "no-encoding": ("--encoding=SQL_ASCII",),
    "partitions": ("--load-via-partition-root", "--no-unlogged-table-data"),
}
each_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


@each_option
def test_a_dump_of_the_sample_taken_now_applies(
    options: tuple[str, ...], sample: Database, trial: Trial, tmp_path: Path
) -> None:
    dump = tmp_path / "dump.sql"
    dump.write_bytes(trial.programs.dump(sample, *options))
    assert trial.applies(dump) or trial.programs.newer


@each_option
def test_a_dump_of_the_rich_database_taken_now_applies(
    options: tuple[str, ...], rich: Database, trial: Trial, tmp_path: Path
) -> None:
    if "--clean" in options:  # psql cannot restore that either: pg_dump empties this view before its schema is there
        options = (*options, "--exclude-table=shop.circular")
    dump = tmp_path / "dump.sql"
    dump.write_bytes(trial.programs.dump(rich, *options))
    assert trial.applies(dump) or trial.programs.newer


def test_what_each_newer_pg_dump_writes_of_this_server_applies_or_fails_honestly(
    sample: Database, postgres_server: dict[str, str], programs: Programs, tmp_path: Path
) -> None:
    for major, program in programs.dumpers:
        dump = tmp_path / f"dump_{major}.sql"
        dump.write_bytes(dumped(program, sample))
        with new_database(postgres_server) as database, new_database(postgres_server) as restored:
            project = Project(tmp_path / f"project_{major}", PostgresTarget(database), database.url)
            assert Trial(project, programs, restored).applies(dump) or major > programs.server


def test_the_statistics_that_pg_dump_18_can_write_apply(sample: Database, trial: Trial, tmp_path: Path) -> None:
    major, program = trial.programs.dumpers[-1]
    assert major >= 18, "the wheel that the tests are installed with has it"
    dump = tmp_path / "dump.sql"
    dump.write_bytes(dumped(program, sample, "--statistics"))
    assert trial.applies(dump) or major > trial.programs.server


# ------------------------------------------------------------------------------------ what a dump leaves in the session


@pytest.mark.parametrize("dump", SAMPLES, ids=by_stem)
def test_names_without_a_schema_are_found_again_in_the_same_run_and_in_a_later_one(dump: Path, trial: Trial) -> None:
    project = trial.project
    settings = sorted({*re.findall(r"^SET (\w+) = ", dump.read_text("utf-8"), re.MULTILINE), "search_path"})
    listed = ", ".join(f"'{name}'" for name in settings)
    project.file(BASELINE).write_bytes(dump.read_bytes())
    project.write(
        NEXT,
        "CREATE INDEX ON tasks (due_at);\n"
        "INSERT INTO users (email, name) VALUES ('next@example.org', 'Next');\n"
        f"CREATE TABLE seen_next AS SELECT name, setting FROM pg_settings WHERE name IN ({listed});\n",
    )
    outcome = project.run("migrate")
    if trial.programs.restore(dump, trial.restored):
        assert outcome.code == 1, outcome.text
        assert nothing_was_kept(project)
        assert project.status() == {BASELINE: "pending", NEXT: "pending"}
        return
    assert outcome.code == 0, outcome.text
    project.write(
        LATER,
        "CREATE INDEX ON tasks (remind_at);\n"
        "INSERT INTO users (email, name) VALUES ('later@example.org', 'Later');\n"
        f"CREATE TABLE seen_later AS SELECT name, setting FROM pg_settings WHERE name IN ({listed});\n",
    )
    project.ok("migrate")
    assert project.applied() == [BASELINE, NEXT, LATER]
    assert project.rows("SELECT email FROM public.users WHERE id > 3 ORDER BY id") == [
        ("next@example.org",),
        ("later@example.org",),
    ]
    made = "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' AND indexname ~ '^tasks_.*_at_idx$'"
    assert {"tasks_due_at_idx", "tasks_remind_at_idx"} <= {name for (name,) in project.rows(made)}
    seen = project.rows("SELECT * FROM public.seen_next ORDER BY 1")
    assert {name for name, _ in seen} == set(settings)
    assert seen == project.rows("SELECT * FROM public.seen_later ORDER BY 1")
    assert ("row_security", "on") in seen


def test_what_the_encoding_of_a_dump_was_means_nothing_to_the_next_file(trial: Trial) -> None:
    project = trial.project
    project.write(BASELINE, "SET client_encoding = 'LATIN1';\nCREATE TABLE public.words (word text);\n")
    project.write(NEXT, "INSERT INTO words VALUES ('Grüße 🙂');\n")
    project.ok("migrate")
    assert project.rows("SELECT word FROM words") == [("Grüße 🙂",)]


def test_a_file_that_sets_another_encoding_than_its_own_stores_no_other_characters(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        BASELINE,
        "SET client_encoding = 'LATIN1';\nCREATE TABLE public.words (word text);\n"
        "COPY public.words FROM stdin;\né\n\\.\nINSERT INTO public.words VALUES ('é');\n",
    )
    if project.run("migrate").code == 0:
        assert project.rows("SELECT word FROM words") == [("é",), ("é",)]
    else:
        assert nothing_was_kept(project)


# ---------------------------------------------------------------------------------------------------- refusals


def own_sample(programs: Programs) -> Path:
    """Return the newest dump of the sample that this server can surely restore."""
    return max(path for path in SAMPLES if int(path.stem.removeprefix("sample_pg")) <= programs.server)


def test_a_dump_with_create_is_refused_before_anything_runs(postgres_project: Project) -> None:
    project = postgres_project
    project.file(BASELINE).write_bytes(WITH_CREATE.read_bytes())
    outcome = project.refuses(2, "migrate")
    line = next(n for n, text in enumerate(WITH_CREATE.read_text().split("\n"), 1) if text.startswith("\\connect"))
    assert line_told(outcome) == line
    assert "\\connect" in outcome.err
    assert "--create" in outcome.err, "the advice is to dump again without that option"


def test_a_dump_that_holds_our_own_history_fails_and_keeps_nothing(
    postgres_server: dict[str, str], postgres_project: Project, programs: Programs, tmp_path: Path
) -> None:
    with new_database(postgres_server) as managed:
        other = Project(tmp_path / "managed", PostgresTarget(managed), managed.url)
        other.write_tables()
        other.ok("migrate")
        dump = programs.dump(managed)
    if programs.newer:  # a setting the server does not know yet, which would fail before the history is come to
        dump = re.sub(rb"^SET transaction_timeout = 0;$", b"--", dump, flags=re.MULTILINE)
    project = postgres_project
    project.file(BASELINE).write_bytes(dump)
    outcome = project.run("migrate")
    assert outcome.code == 1, outcome.text
    assert dump.decode().split("\n")[line_told(outcome) - 1] == "CREATE TABLE public.schema_migrations ("
    assert nothing_was_kept(project)


def test_a_setting_that_the_server_does_not_know_is_named_by_its_line(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        BASELINE,
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped by pg_dump version 99.1\n\n"
        "SET statement_timeout = 0;\nSET setting_of_tomorrow = 0;\nSET client_encoding = 'UTF8';\n"
        "CREATE TABLE public.a (id integer);\n\\unrestrict abc\n",
    )
    outcome = project.run("migrate")
    assert outcome.code == 1, outcome.text
    assert line_told(outcome) == 10
    assert "setting_of_tomorrow" in outcome.err
    assert "(42704)" in outcome.err
    assert nothing_was_kept(project)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["unix", "windows"])
def test_a_row_that_the_server_refuses_is_named_by_its_line(
    line_end: bytes, postgres_project: Project, programs: Programs
) -> None:
    project = postgres_project
    lines = own_sample(programs).read_bytes().split(b"\n")
    broken = next(n for n, line in enumerate(lines) if line.startswith(b"3\tli@example.org"))
    lines[broken] = lines[broken].replace(b"3\t", b"three\t")
    project.file(BASELINE).write_bytes(line_end.join(lines))
    outcome = project.run("migrate")
    assert outcome.code == 1, outcome.text
    assert line_told(outcome) == broken + 1
    assert "(22P02)" in outcome.err
    assert nothing_was_kept(project)


def test_a_dump_with_the_line_ends_of_windows_leaves_the_same(trial: Trial) -> None:
    dump = own_sample(trial.programs)
    trial.project.file(BASELINE).write_bytes(dump.read_bytes().replace(b"\n", b"\r\n"))
    trial.project.ok("migrate")
    assert trial.programs.restore(dump, trial.restored) == []
    assert isinstance(trial.project.target, PostgresTarget)
    assert trial.programs.differences(trial.project.target.database, trial.restored) == []

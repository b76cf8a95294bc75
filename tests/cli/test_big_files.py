"""Files of any size: one transaction, bounded memory, cancellable, refused when they change; and text stays as it is.

The sizes here are what takes a second or two; what matters is that memory does not grow with them.
"""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.fixtures.big import MIB, measured, write_pieces
from tests.fixtures.cli import NOTES, TAGS, TASKS, USERS, Project, backends, ended, on_sqlite, until
from tests.fixtures.targets import PostgresTarget

ROWS = 24_000  # of about a kilobyte
PAD = "é" * 8 + "x" * 990
CEILING = 150 * MIB  # for any file
GROWTH = 20 * MIB  # more than a small file takes


def inserts(rows: int = ROWS) -> Iterator[str]:
    for number in range(rows):
        yield f"INSERT INTO t VALUES ({number}, '{PAD}');\n"


def copied(rows: int = ROWS) -> Iterator[str]:
    yield "COPY t FROM stdin;\n"
    for number in range(rows):
        yield f"{number}\t{PAD}\n"
    yield "\\.\n"


KINDS = {"inserts": inserts, "copy": copied}
kinds = pytest.mark.parametrize("kind", KINDS)
TABLE = "CREATE TABLE t (i integer, n text);\n"


@contextmanager
def holding(project: Project) -> Iterator[psycopg.Connection]:
    """Hold the row lock of the table `gate`: a file that touches it waits there, until this connection commits."""
    assert isinstance(project.target, PostgresTarget)
    project.rows("CREATE TABLE IF NOT EXISTS gate (open integer)")
    with project.target.database.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE gate IN ACCESS EXCLUSIVE MODE")
        yield connection


def at_the_gate(project: Project) -> Callable[[], object]:
    return lambda: backends(project, "wait_event_type = 'Lock'")


# What makes a COPY wait in its middle: the check of one row looks at the gate.
GATED_TABLE = (
    "CREATE FUNCTION passes(i integer) RETURNS boolean LANGUAGE plpgsql AS $$\nBEGIN\n"
    "  IF i = {row} THEN PERFORM FROM gate; END IF;\n  RETURN true;\nEND $$;\n"
    "CREATE TABLE t (i integer CHECK (passes(i)), n text);\n"
)


def write_gated(project: Project, kind: str, *, rows: int = 6000, header: str = "") -> None:
    """Write a file that waits at the gate in its middle, several batches or chunks after its beginning."""

    def pieces() -> Iterator[str]:
        yield header + GATED_TABLE.format(row=rows // 2)
        yield from KINDS[kind](rows)

    write_pieces(project.file(USERS), pieces())


# ------------------------------------------------------------------------------------- size and memory


@pytest.fixture(scope="module")
def small_peak(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return what a run with a small file takes: the interpreter, the libraries."""
    from tests.fixtures.targets import SqliteTarget

    folder = tmp_path_factory.mktemp("small")
    project = Project(folder / "project", SqliteTarget(folder / "app.db"), f"sqlite:///{folder / 'app.db'}")
    project.write(USERS, TABLE)
    outcome, peak = measured(project, "migrate")
    assert outcome.code == 0, outcome.text
    return peak


@pytest.mark.postgres
@kinds
def test_a_big_file_is_applied_whole_in_bounded_memory(postgres_project: Project, kind: str, small_peak: int) -> None:
    def pieces() -> Iterator[str]:
        yield TABLE
        yield from KINDS[kind]()
        yield "CREATE INDEX t_i ON t (i);\n"

    size = write_pieces(postgres_project.file(USERS), pieces())
    assert size > 20 * MIB
    outcome, peak = measured(postgres_project, "migrate")
    assert outcome.code == 0, outcome.text
    assert postgres_project.rows("SELECT count(*), sum(i), min(n) = max(n), min(n) FROM t") == [
        (ROWS, ROWS * (ROWS - 1) // 2, True, PAD)
    ]
    assert len(postgres_project.rows("SELECT DISTINCT xmin::text FROM t")) == 1, "one transaction"
    assert postgres_project.applied() == [USERS]
    assert peak < min(CEILING, small_peak + GROWTH), f"{peak / MIB:.0f} MiB"


@on_sqlite
def test_a_big_sqlite_file_is_applied_whole_in_bounded_memory(project: Project, small_peak: int) -> None:
    def pieces() -> Iterator[str]:
        yield TABLE
        yield from inserts()

    write_pieces(project.file(USERS), pieces())
    outcome, peak = measured(project, "migrate")
    assert outcome.code == 0, outcome.text
    assert project.rows("SELECT count(*), min(n) = max(n), min(n) FROM t") == [(ROWS, 1, PAD)]
    assert peak < min(CEILING, small_peak + GROWTH), f"{peak / MIB:.0f} MiB"


@pytest.mark.postgres
@kinds
def test_an_error_at_the_end_of_a_big_file_keeps_nothing_and_points_there(
    postgres_project: Project, kind: str, small_peak: int
) -> None:
    last = {"inserts": "INSERT INTO t VALUES (1, 'é', nix);", "copy": "SELECT 'é', nix;"}[kind]

    def pieces() -> Iterator[str]:
        yield TABLE
        yield from KINDS[kind](12_000)
        yield last

    write_pieces(postgres_project.file(USERS), pieces())
    outcome, peak = measured(postgres_project, "migrate", "--json")
    assert outcome.code == 1, outcome.text
    error = outcome.json["error"]
    lines = 1 + 12_000 + (2 if kind == "copy" else 0) + 1
    assert (error["line"], error["column"]) == (lines, last.index("nix") + 1)
    assert error["excerpt"].split("\n")[-2].endswith(last)
    assert not postgres_project.has_table("t")
    assert postgres_project.applied() == []
    assert peak < min(CEILING, small_peak + GROWTH), f"{peak / MIB:.0f} MiB"


@pytest.mark.postgres
@pytest.mark.parametrize("newline", ["", "\n"], ids=["one line", "many lines"])
def test_a_statement_of_20_mb_runs(postgres_project: Project, newline: str) -> None:
    value = f"{'é' * 9 + 'y' * 990}{newline}" * 20_000
    postgres_project.write(USERS, f"{TABLE}SELECT 1; INSERT INTO t VALUES (1, '{value}'); SELECT 2;\nSELECT 3;")
    outcome, peak = measured(postgres_project, "migrate")
    assert outcome.code == 0, outcome.text
    digest = hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
    assert postgres_project.rows("SELECT md5(n) FROM t") == [(digest,)]
    assert peak < 200 * MIB, f"{peak / MIB:.0f} MiB: a statement is one message, so it is held, but few times"


@pytest.mark.postgres
def test_an_error_behind_20_mb_on_the_same_line_is_told_with_its_column(postgres_project: Project) -> None:
    value = "é" * 10_000_000
    postgres_project.write(USERS, f"{TABLE}INSERT INTO t VALUES (1, '{value}'); SELECT nix;\n")
    outcome = postgres_project.run("migrate", "--json")
    error = outcome.json["error"]
    begin = len("INSERT INTO t VALUES (1, ''); SELECT ") + len(value) + 1
    assert (error["line"], error["column"]) == (2, begin)
    *_, line, caret = error["excerpt"].split("\n")
    assert line[caret.index("^") :] == "nix;"
    assert len(error["excerpt"]) < 3000


@pytest.mark.postgres
def test_two_hundred_thousand_statements_run_in_bounded_memory(postgres_project: Project, small_peak: int) -> None:
    postgres_project.write(USERS, TABLE + "SELECT 1;" * 100_000 + "\n" + ";" * 1000 + "\n" + "SELECT 2;\n" * 100_000)
    outcome, peak = measured(postgres_project, "migrate", "--json")
    assert outcome.code == 0, outcome.text
    assert outcome.json["done"][0]["rows_selected"] == 200_000
    assert peak < min(CEILING, small_peak + GROWTH), f"{peak / MIB:.0f} MiB"


@pytest.mark.postgres
def test_a_file_of_fifty_thousand_savepoints_runs(postgres_project: Project) -> None:
    pairs = "".join(f"SAVEPOINT s{number}; RELEASE s{number};\n" for number in range(25_000))
    postgres_project.write(USERS, f"{TABLE}{pairs}INSERT INTO t VALUES (1);\nSAVEPOINT a;\nROLLBACK TO a;\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT i FROM t") == [(1,)]


@pytest.mark.postgres
def test_a_big_rollback_script_runs_in_bounded_memory(postgres_project: Project, small_peak: int) -> None:
    postgres_project.write(USERS, TABLE)

    def pieces() -> Iterator[str]:
        yield from inserts(ROWS)
        yield "DROP TABLE t;\n"

    write_pieces(postgres_project.rollback_file(USERS), pieces())
    outcome, peak = measured(postgres_project, "migrate")
    assert outcome.code == 0, outcome.text
    assert peak < min(CEILING, small_peak + GROWTH), f"{peak / MIB:.0f} MiB"
    outcome, peak = measured(postgres_project, "rollback", "--name", USERS)
    assert outcome.code == 0, outcome.text
    assert peak < min(CEILING, small_peak + GROWTH), f"{peak / MIB:.0f} MiB"
    assert not postgres_project.has_table("t")
    assert postgres_project.applied() == []


def test_a_dry_run_of_a_big_file_shows_its_beginning_and_its_size(project: Project) -> None:
    write_pieces(project.file(USERS), ["-- é\n", TABLE, *inserts(4000)])
    outcome = project.refuses(0, "migrate", "--dry-run")
    assert "CREATE TABLE t" in outcome.out
    assert "and so on" in outcome.out
    assert "MiB" in outcome.out or "MB" in outcome.out
    assert "4,001 statements" in outcome.out
    assert len(outcome.out) < 50_000
    (task,) = project.refuses(0, "migrate", "--dry-run", "--json").json["would_do"]
    assert task["statements"] is None
    assert task["statement_count"] == 4001


@pytest.mark.postgres
def test_a_dry_run_of_a_file_of_one_long_line_is_bounded(postgres_project: Project) -> None:
    postgres_project.write(USERS, f"{TABLE}{'SELECT 1;' * 300_000}")
    assert len(postgres_project.refuses(0, "migrate", "--dry-run").out) < 100_000


# --------------------------------------------------------------------------------------------- selected


@pytest.mark.postgres
def test_what_a_file_selects_is_counted_and_not_kept(postgres_project: Project, small_peak: int) -> None:
    postgres_project.write(
        USERS,
        "SELECT 1;\nSELECT repeat('x', 1000) FROM generate_series(1, 100000);\nCREATE TABLE t (i int);\n"
        "INSERT INTO t VALUES (1), (2) RETURNING i;\nVALUES (1), (2), (3);\n",
    )
    outcome, peak = measured(postgres_project, "migrate", "--json")
    assert outcome.code == 0, outcome.text
    assert outcome.json["done"][0]["rows_selected"] == 100_006
    assert peak < min(CEILING, small_peak + GROWTH), f"{peak / MIB:.0f} MiB"
    assert postgres_project.applied() == [USERS]


def test_the_number_of_selected_rows_is_told(project: Project) -> None:
    project.write(USERS, "CREATE TABLE t (i integer);\nINSERT INTO t VALUES (1), (2), (3);\nSELECT * FROM t;\n")
    assert "selected 3 rows, not shown" in project.ok("migrate").out
    project.write(TASKS, "DELETE FROM t;\n")
    assert "not shown" not in project.ok("migrate").out
    project.write(TAGS, "SELECT 1;\n-- nothing\nSELECT 2 WHERE 1 = 0;\n")
    assert project.ok("migrate", "--json").json["done"][0]["rows_selected"] == 1


@on_sqlite
def test_what_a_sqlite_file_selects_is_counted_and_not_kept(project: Project, small_peak: int) -> None:
    project.write(
        USERS,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)\n"
        "SELECT printf('%.1000c', 'x') FROM n;\n",
    )
    outcome, peak = measured(project, "migrate", "--json")
    assert outcome.code == 0, outcome.text
    assert outcome.json["done"][0]["rows_selected"] == 200_000
    assert peak < min(CEILING, small_peak + GROWTH), f"{peak / MIB:.0f} MiB"


@pytest.mark.postgres
def test_what_a_file_without_a_transaction_selects_is_counted(postgres_project: Project) -> None:
    postgres_project.write(USERS, "-- migrate: no-transaction\nSELECT generate_series(1, 500);\nVALUES (1), (2);\n")
    assert "selected 502 rows" in postgres_project.ok("migrate").out


@pytest.mark.postgres
def test_a_result_of_as_many_columns_as_there_may_be_is_counted(postgres_project: Project) -> None:
    columns = ", ".join(f"i AS c{number}" for number in range(1600))
    postgres_project.write(USERS, f"SELECT {columns} FROM generate_series(1, 300) i;\n")
    assert postgres_project.ok("migrate", "--json").json["done"][0]["rows_selected"] == 300


# ------------------------------------------------------------------------------------------ interrupted


@pytest.mark.postgres
@kinds
@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda how: how.name
)
def test_a_runner_ended_in_the_middle_of_a_big_file_keeps_nothing_and_the_next_run_applies(
    postgres_project: Project, kind: str, how: signal.Signals
) -> None:
    write_gated(postgres_project, kind)
    if kind == "inserts":  # one batch waits, and many more would follow
        assert postgres_project.file(USERS).stat().st_size > 5 * MIB
    with holding(postgres_project) as gate:
        with postgres_project.start("migrate") as runner:
            until(at_the_gate(postgres_project), "the runner is in the middle of the file")
            began = time.monotonic()
            runner.send_signal(how)
            outcome = ended(runner)
        ended_after = time.monotonic() - began
        until(lambda: not backends(postgres_project), "no backend is left")
        gone_after = time.monotonic() - began
        assert not postgres_project.rows(
            "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
        gate.execute("COMMIT")
    assert ended_after < 10, "long before a timeout of any kind"
    assert gone_after < 15
    assert "Traceback" not in outcome.text
    if how is not signal.SIGKILL:
        assert outcome.code == 128 + how, outcome.text
        assert f"nothing of {USERS} was kept" in outcome.err
    assert not postgres_project.has_table("t")
    assert postgres_project.applied() == []
    postgres_project.ok("migrate", "--lock-wait", "0s")
    assert postgres_project.rows("SELECT count(*) FROM t") == [(6000,)]


@pytest.mark.postgres
def test_ctrl_c_while_many_rows_are_selected_keeps_nothing(postgres_project: Project) -> None:
    postgres_project.write(
        USERS, f"{TABLE}SELECT repeat('x', 1000) FROM generate_series(1, 2000000000);\nINSERT INTO t VALUES (1);\n"
    )
    with postgres_project.start("migrate") as runner:
        until(lambda: backends(postgres_project, "query LIKE '%2000000000%'"), "the runner is at work")
        runner.send_signal(signal.SIGINT)
        outcome = ended(runner)
    assert outcome.code == 130, outcome.text
    until(lambda: not backends(postgres_project), "no backend is left")
    assert not postgres_project.has_table("t")


STORMS = {
    "statement": f"{TABLE}DO $$ BEGIN LOOP\n  RAISE NOTICE 'again';\nEND LOOP; END $$;\nINSERT INTO t VALUES (1);\n",
    "rows": (
        f"{TABLE}CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        "  FOR i IN 1..50 LOOP RAISE NOTICE 'again'; END LOOP; RETURN NEW;\nEND $$;\n"
        "CREATE TRIGGER tell BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tell();\n"
        "COPY t (i) FROM stdin;\n" + "1\n" * 200_000 + "\\.\n"
    ),
}


@pytest.mark.postgres
@pytest.mark.parametrize("pause", [0, 0.03, 0.09, 0.2])
@pytest.mark.parametrize("storm", STORMS)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_signal_in_a_storm_of_notices_keeps_nothing(
    postgres_project: Project, how: signal.Signals, storm: str, pause: float
) -> None:
    # Raised in the driver's callback, KeyboardInterrupt was printed and lost, about every second time.
    postgres_project.write(USERS, STORMS[storm])
    with postgres_project.start("migrate") as runner:
        assert runner.stderr is not None
        assert "again" in runner.stderr.readline()
        time.sleep(pause)
        runner.send_signal(how)
        outcome = ended(runner)
    assert outcome.code == 128 + how, outcome.text
    assert "Traceback" not in outcome.err
    until(lambda: not backends(postgres_project), "no backend is left")
    assert not postgres_project.has_table("t")


@pytest.mark.postgres
@pytest.mark.parametrize("setting", ["lock-timeout 300ms", "statement-timeout 300ms"])
def test_a_timeout_in_the_middle_of_a_copy_is_told_at_its_row_and_keeps_nothing(
    postgres_project: Project, setting: str
) -> None:
    postgres_project.set("dev", lock_retries=0)
    write_gated(postgres_project, "copy", header=f"-- migrate: {setting}\n")
    with holding(postgres_project) as gate:
        outcome = postgres_project.run("migrate", "--json")
        gate.execute("COMMIT")
    assert outcome.code == (5 if setting.startswith("lock") else 1), outcome.text
    error = outcome.json["error"]
    assert error["sqlstate"] == ("55P03" if setting.startswith("lock") else "57014")
    lines = postgres_project.file(USERS).read_text("utf-8").split("\n")
    row = next(number for number, line in enumerate(lines, 1) if line.startswith("3000\t"))
    assert error["line"] in (row, 4), "the row, or the line of the function that waited"
    assert not postgres_project.has_table("t")
    assert "timeout" in error["hint"]


# --------------------------------------------------------------------------------------------- changed

CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "appended to": lambda data: data + b"SELECT 'more';\n",
    "written over in place": lambda data: data[:-2000] + data[-2000:].replace(b"x", b"y"),
    "cut off": lambda data: data[: len(data) * 9 // 10],
    "emptied": lambda data: b"",
    "replaced by bytes that are no text": lambda data: data[:-1000] + b"\xff" * 1000,
}


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("kind", "change"), [*(("copy", change) for change in CHANGES), ("inserts", "appended to"), ("inserts", "cut off")]
)
def test_a_file_that_changes_while_it_runs_is_refused_and_nothing_is_kept(
    postgres_project: Project, kind: str, change: str
) -> None:
    write_gated(postgres_project, kind)
    path = postgres_project.file(USERS)
    before = path.read_bytes()
    with holding(postgres_project) as gate, postgres_project.start("migrate") as runner:
        until(at_the_gate(postgres_project), "the runner is in the middle of the file")
        with path.open("r+b") as file:
            changed = CHANGES[change](before)
            file.write(changed)
            file.truncate(len(changed))
        gate.execute("COMMIT")
        outcome = ended(runner)
    assert outcome.code in (1, 2), outcome.text
    assert "Traceback" not in outcome.text
    assert USERS in outcome.err
    assert not postgres_project.has_table("t")
    assert postgres_project.applied() == []
    until(lambda: not backends(postgres_project), "no backend is left")
    path.write_bytes(before)
    postgres_project.ok("migrate")


@pytest.mark.postgres
def test_a_file_that_is_replaced_by_another_one_while_it_runs_is_recorded_as_what_ran(
    postgres_project: Project,
) -> None:
    """An editor writes a new file and renames it; the old one is still open, and runs to its end."""
    write_gated(postgres_project, "inserts")
    path = postgres_project.file(USERS)
    ran = path.read_bytes()
    with holding(postgres_project) as gate, postgres_project.start("migrate") as runner:
        until(at_the_gate(postgres_project), "the runner is in the middle of the file")
        other = path.with_suffix(".new")
        other.write_text("SELECT 'another';\n")
        other.rename(path)
        gate.execute("COMMIT")
        outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    recorded = "v1:" + hashlib.sha256(ran).hexdigest()
    assert postgres_project.rows("SELECT checksum FROM schema_migrations") == [(recorded,)]
    assert postgres_project.rows("SELECT count(*) FROM t") == [(6000,)]


@pytest.mark.postgres
def test_a_file_without_a_transaction_that_changes_never_runs_a_part_of_a_statement(postgres_project: Project) -> None:
    """What was cut by the old text must not cut the new one: a DELETE would lose its WHERE."""
    condition = " WHERE i = -{:05d};"
    deletes = [f"DELETE FROM t{condition.format(number)}\n" for number in range(9000)]
    postgres_project.rows("CREATE TABLE t AS SELECT i FROM generate_series(1, 10) i")
    head = "-- migrate: no-transaction\nSELECT FROM gate;\n"
    path = postgres_project.write(USERS, head + "".join(deletes))
    with holding(postgres_project) as gate, postgres_project.start("migrate") as runner:
        until(at_the_gate(postgres_project), "the first statement waits")
        added = f"-- {'x' * (len(condition.format(1)) - 4)}\n"
        with path.open("r+", encoding="utf-8") as file:
            file.write(head + "".join([*deletes[:6000], added, *deletes[6000:]]))
        gate.execute("COMMIT")
        outcome = ended(runner)
    assert outcome.code != 0, outcome.text
    assert USERS in outcome.err
    assert postgres_project.rows_of_history() == [(USERS, "unfinished")]
    assert "nothing of" not in outcome.err, "the first statement ran, and is kept"
    assert "unfinished" in outcome.err
    assert postgres_project.rows("SELECT count(*) FROM t") == [(10,)], "no statement asked these rows to go"


# ------------------------------------------------------------------------------------ nothing is altered

LITERALS = [
    "100 %", "%s %d %(x)s %%", ":name :'x' :\"y\"", "a::text", "${HOME} $HOME $(ls) `ls`", "{{ x }} {% y %} <%= z %>",
    "$1 $2 ?", "\\n \\t \\' \\\\", "a\tb", "  blanks  ", "-- no comment", "/* nor this */", "; ;", "BEGIN; COMMIT;",
    "日本 😀 é ñ \u202e \ufeff", "line\nline\n\nline", "@var #x", "\\connect x", "\\.", "$$", "$tag$ $tag$",
]  # fmt: skip


def test_text_in_literals_arrives_as_it_is_written(project: Project) -> None:
    values = ",\n".join(f"({number}, '{text.replace(chr(39), chr(39) * 2)}')" for number, text in enumerate(LITERALS))
    project.write(USERS, f"CREATE TABLE t (i integer, n text);\nINSERT INTO t VALUES {values};\n")
    project.ok("migrate", env={"HOME": "/nowhere", "x": "expanded", "name": "expanded"})
    assert project.rows("SELECT n FROM t ORDER BY i") == [(text,) for text in LITERALS]


@pytest.mark.postgres
def test_text_in_dollar_quotes_escapes_and_rows_arrives_as_it_is_written(postgres_project: Project) -> None:
    escaped = {"\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    rows = "".join(
        f"{number}\t{''.join(escaped.get(character, character) for character in text)}\n"
        for number, text in enumerate(LITERALS, 100)
    )
    quoted = ",\n".join(f"({number}, $q1${text}$q1$)" for number, text in enumerate(LITERALS))
    postgres_project.write(
        USERS, f"{TABLE}INSERT INTO t VALUES {quoted};\nCOPY t FROM stdin;\n{rows}\\.\nINSERT INTO t VALUES (999, '%');"
    )
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT n FROM t WHERE i < 999 ORDER BY i") == [(text,) for text in LITERALS * 2]


@pytest.mark.parametrize(
    "last",
    ["INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (2) -- and no more", "INSERT INTO t VALUES (2); -- the end",
     "INSERT INTO t VALUES (2) /* é */", "INSERT INTO t VALUES (2);;", "INSERT INTO t VALUES (2)\n;\n\n-- ;"],
)  # fmt: skip
def test_a_file_may_end_in_anything(project: Project, last: str) -> None:
    text = f"CREATE TABLE t (i integer);\nINSERT INTO t VALUES (1);\n{last}"
    project.write(USERS, text)
    project.ok("migrate")
    assert project.rows("SELECT i FROM t ORDER BY i") == [(1,), (2,)]
    assert project.rows("SELECT checksum FROM schema_migrations") == [
        ("v1:" + hashlib.sha256(text.encode()).hexdigest(),)
    ]


@pytest.mark.parametrize("filler", ["", "-- é" + "." * 200_000 + "\n"], ids=["short", "long"])
@pytest.mark.parametrize(
    ("written", "arrives"),
    [
        ("SELECT 1;\nINSERT INTO t VALUES (1, 'a\rb');\n", "a\rb"),
        ("SELECT 1;\nINSERT INTO t VALUES (1, 'a\r\nb');\n", "a\r\nb"),
        ("SELECT 1;\r\nINSERT INTO t VALUES (1, 'a\r\nb');\r\n", "a\nb"),
        ("SELECT 1;\rINSERT INTO t VALUES (1, 'a\rb');\r", "a\nb"),
    ],
    ids=["a CR among LF", "a CRLF among LF", "all CRLF", "all CR"],
)
def test_line_ends_inside_a_literal(project: Project, written: str, arrives: str, filler: str) -> None:
    newline = "\r\n" if ";\r\n" in written else "\r" if ";\r" in written else "\n"
    text = f"CREATE TABLE t (i integer, n text);\n{filler}".replace("\n", newline) + written
    project.write(USERS, text)
    project.ok("migrate")
    assert project.rows("SELECT n FROM t") == [(arrives,)]
    folded = text.replace("\r\n", "\n").replace("\r", "\n")
    assert project.rows("SELECT checksum FROM schema_migrations") == [
        ("v1:" + hashlib.sha256(folded.encode()).hexdigest(),)
    ]


@pytest.mark.parametrize("rows", [1, 3000])
def test_a_byte_order_mark_counts_for_nothing(project: Project, rows: int) -> None:
    text = TABLE + "".join(inserts(rows))
    project.write(USERS, "\ufeff" + text)
    project.ok("migrate")
    assert project.rows("SELECT count(*), min(n) FROM t") == [(rows, PAD)]
    assert project.rows("SELECT checksum FROM schema_migrations") == [
        ("v1:" + hashlib.sha256(text.encode()).hexdigest(),)
    ]


# --------------------------------------------------------------------------------- standard strings off

OFF = "SET escape_string_warning = off;\nSET standard_conforming_strings = off;\n"
MANY = "".join(f"SELECT {number}; -- {'.' * 80}\n" for number in range(1500))  # more than one batch


@pytest.mark.postgres
@pytest.mark.parametrize("filler", ["", MANY], ids=["one batch", "several batches"])
def test_a_file_may_turn_standard_strings_off_for_itself(postgres_project: Project, filler: str) -> None:
    postgres_project.write(
        USERS, f"{TABLE}{OFF}{filler}INSERT INTO t VALUES (1, 'it\\'s; \\\\');\n{filler}SELECT 'a\\'b';\n"
    )
    postgres_project.write(TASKS, "INSERT INTO t VALUES (2, 'C:\\'); INSERT INTO t VALUES (3, '\\n');\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT n FROM t ORDER BY i") == [("it's; \\",), ("C:\\",), ("\\n",)]
    assert postgres_project.applied() == [USERS, TASKS]


@pytest.mark.postgres
@pytest.mark.parametrize("filler", ["", MANY], ids=["one batch", "several batches"])
def test_standard_strings_may_be_turned_off_and_on_again(postgres_project: Project, filler: str) -> None:
    postgres_project.write(
        USERS,
        f"{TABLE}{OFF}INSERT INTO t VALUES (1, 'a\\'b');\n{filler}SET standard_conforming_strings = on;\n"
        f"INSERT INTO t VALUES (2, 'a\\');\n{filler}INSERT INTO t VALUES (3, '\\');\n",
    )
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT n FROM t ORDER BY i") == [("a'b",), ("a\\",), ("\\",)]


HIDDEN = {
    "a DO block": "DO $$ BEGIN EXECUTE 'SET standard_conforming_strings = off'; END $$;\n",
    "set_config in a DO block": (
        "DO $$ BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END $$;\n"
    ),
    "a function": "SELECT turn_off();\n",
    "a concatenated name": "SELECT set_config('standard_' || 'conforming_strings', 'off', false);\n",
    "a local setting": "SELECT 1, set_config('standard_conforming_strings', 'off', true);\n",
}


@pytest.mark.postgres
@pytest.mark.parametrize("hidden", HIDDEN)
def test_standard_strings_that_are_off_where_the_text_does_not_say_so_are_refused(
    postgres_project: Project, hidden: str
) -> None:
    postgres_project.rows(
        "CREATE FUNCTION turn_off() RETURNS void LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END $$"
    )
    postgres_project.write(USERS, f"{TABLE}{HIDDEN[hidden]}{MANY}INSERT INTO t VALUES (1, 'a\\');\nSELECT 1;\n")
    outcome = postgres_project.run("migrate")
    assert outcome.code == 1, outcome.text
    assert "standard_conforming_strings" in outcome.err
    assert "nothing of it was kept" in outcome.err
    assert not postgres_project.has_table("t")
    postgres_project.write(USERS, f"{TABLE}INSERT INTO t VALUES (1, 'a\\');\n")
    postgres_project.ok("migrate")


@pytest.mark.postgres
def test_standard_strings_turned_off_at_the_end_of_one_file_mean_nothing_to_the_next(postgres_project: Project) -> None:
    postgres_project.write(USERS, f"{TABLE}{HIDDEN['a DO block']}")
    postgres_project.write(TASKS, "INSERT INTO t VALUES (1, 'a\\');\n")
    postgres_project.write(TAGS, f"{OFF}INSERT INTO t VALUES (2, 'b\\\\');\n")
    postgres_project.write(NOTES, "INSERT INTO t VALUES (3, 'c\\');\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT n FROM t ORDER BY i") == [("a\\",), ("b\\",), ("c\\",)]
    assert postgres_project.ok("verify").code == 0


@pytest.mark.postgres
@pytest.mark.parametrize("header", ["", "-- migrate: no-transaction\n"], ids=["transaction", "alone"])
def test_a_database_with_standard_strings_off_reads_files_by_their_text(postgres_project: Project, header: str) -> None:
    postgres_project.rows(f'ALTER DATABASE "{postgres_project.database}" SET standard_conforming_strings = off')
    postgres_project.rows(f'ALTER DATABASE "{postgres_project.database}" SET escape_string_warning = off')
    postgres_project.write(
        USERS, f"{header}{TABLE}INSERT INTO t VALUES (1, 'C:\\');\nINSERT INTO t VALUES (2, 'it''s');\n"
    )
    postgres_project.write(TASKS, "INSERT INTO t VALUES (3, '\\n');\n", "DELETE FROM t WHERE n = '\\n';\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT n FROM t ORDER BY i") == [("C:\\",), ("it's",), ("\\n",)]
    postgres_project.ok("rollback", "--name", TASKS)
    assert postgres_project.rows("SELECT count(*) FROM t") == [(2,)]
    assert set(postgres_project.status().values()) == {"applied", "pending"}


@pytest.mark.postgres
def test_standard_strings_off_in_a_file_without_a_transaction(postgres_project: Project) -> None:
    postgres_project.write(
        USERS, f"-- migrate: no-transaction\n{TABLE}{OFF}INSERT INTO t VALUES (1, 'it\\'s;');\nSELECT 'a\\';b';\n"
    )
    postgres_project.write(TASKS, "INSERT INTO t VALUES (2, 'C:\\');\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT n FROM t ORDER BY i") == [("it's;",), ("C:\\",)]


# ---------------------------------------------------------------------------------------------- attacks


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP", "SJIS", "UTF8"])
def test_another_client_encoding_never_stores_other_text(postgres_project: Project, encoding: str) -> None:
    postgres_project.write(TASKS, "CREATE TABLE after (n text);\nINSERT INTO after VALUES ('é日本😀');\n")
    for value in ("plain", "é", "日本😀"):
        for stored in (f"{MANY}INSERT INTO t VALUES (1, '{value}');\n", f"COPY t FROM stdin;\n1\t{value}\n\\.\n"):
            postgres_project.rows("DROP SCHEMA public CASCADE")
            postgres_project.rows("CREATE SCHEMA public")
            postgres_project.write(USERS, f"{TABLE}SET client_encoding = '{encoding}';\n{stored}SELECT 1;\n")
            outcome = postgres_project.run("migrate")
            if outcome.code == 0:
                assert postgres_project.rows("SELECT n FROM t") == [(value,)], "no other text"
                assert postgres_project.rows("SELECT n FROM after") == [("é日本😀",)]
                assert postgres_project.applied() == [USERS, TASKS]
                assert postgres_project.rows(
                    f"SELECT content FROM schema_migrations_text WHERE content LIKE '%{value}%' LIMIT 1"
                )
            else:
                assert outcome.code == 1, outcome.text
                assert "client_encoding" in outcome.err or "encoding" in outcome.err
                assert value != "plain", "what fits has to be taken"
                assert encoding not in ("UTF8", "SQL_ASCII")
                assert "Traceback" not in outcome.text
                assert not postgres_project.has_table("t")
                assert postgres_project.applied() == []


@pytest.mark.postgres
def test_rows_of_odd_bytes_and_look_alikes_of_their_end_arrive(postgres_project: Project) -> None:
    rows = [
        "\\\\.",
        " \\\\.",
        "\\\\.x",
        "x\\\\.",
        "\x01\x02\x1b[31m\x7f",
        "\u0085\u2028",
        "\\x41",
        "\\101",
        "$$ ; --",
        "/*",
    ]
    expected = ["\\.", " \\.", "\\.x", "x\\.", "\x01\x02\x1b[31m\x7f", "\u0085\u2028", "A", "A", "$$ ; --", "/*"]
    text = "".join(f"{number}\t{row}\n" for number, row in enumerate(rows))
    postgres_project.write(USERS, f"{TABLE}COPY t FROM stdin;\n{text}\\.\nINSERT INTO t VALUES (99, '\\.');\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT n FROM t WHERE i < 99 ORDER BY i") == [(row,) for row in expected]


@pytest.mark.postgres
@pytest.mark.parametrize("filler", ["", MANY], ids=["one batch", "several batches"])
def test_a_statement_that_kills_its_own_backend_exits_5_and_keeps_nothing(
    postgres_project: Project, filler: str
) -> None:
    postgres_project.write(USERS, f"{TABLE}{filler}SELECT pg_terminate_backend(pg_backend_pid());\n{filler}SELECT 1;\n")
    outcome = postgres_project.run("migrate")
    assert outcome.code == 5, outcome.text
    assert f"nothing of {USERS} was kept" in outcome.err
    assert "Traceback" not in outcome.text
    assert not postgres_project.has_table("t")


@pytest.mark.postgres
def test_a_backend_that_is_ended_in_the_middle_of_rows_exits_5_and_keeps_nothing(postgres_project: Project) -> None:
    write_gated(postgres_project, "copy")
    with holding(postgres_project) as gate, postgres_project.start("migrate") as runner:
        until(at_the_gate(postgres_project), "the runner is in the middle of the rows")
        ((pid,),) = backends(postgres_project)
        postgres_project.rows(f"SELECT pg_terminate_backend({pid})")
        outcome = ended(runner)
        gate.execute("COMMIT")
    assert outcome.code == 5, outcome.text
    assert "Traceback" not in outcome.text
    assert not postgres_project.has_table("t")


@pytest.mark.postgres
@pytest.mark.parametrize("header", ["", "-- migrate: no-transaction\n"], ids=["transaction", "alone"])
def test_a_file_that_listens_and_is_notified_a_lot_runs(postgres_project: Project, header: str) -> None:
    postgres_project.write(
        USERS,
        f"{header}LISTEN news;\nDO $$ BEGIN FOR i IN 1..20000 LOOP\n"
        "PERFORM pg_notify('news', i::text || repeat('x', 500));\nEND LOOP; END $$;\nSELECT 1;\n",
    )
    postgres_project.write(TASKS, "CREATE TABLE t (i int);\n")
    postgres_project.ok("migrate")
    assert postgres_project.applied() == [USERS, TASKS]


@pytest.mark.postgres
def test_rows_that_the_server_sends_notices_about_do_not_stop_a_copy(postgres_project: Project) -> None:
    """The server talks while it takes rows; whoever only writes would wait for it for ever."""
    postgres_project.write(
        USERS,
        "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  RAISE NOTICE '%', repeat('n', 2000);\n"
        f"  RETURN NEW;\nEND $$;\n{TABLE}"
        f"CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g();\n{''.join(copied(8000))}",
    )
    outcome, peak = measured(postgres_project, "migrate")
    assert outcome.code == 0, outcome.err[-400:]
    assert postgres_project.rows("SELECT count(*) FROM t") == [(8000,)]
    assert peak < CEILING


@pytest.mark.postgres
def test_a_storm_of_notices_about_rows_does_not_pile_up(postgres_project: Project, small_peak: int) -> None:
    postgres_project.write(USERS, STORMS["rows"].replace("1..50", "1..4"))
    outcome, peak = measured(postgres_project, "migrate")
    assert outcome.code == 0, outcome.err[-400:]
    assert "799,950" in outcome.err
    assert peak < small_peak + GROWTH, f"{peak / MIB:.0f} MiB"


@pytest.mark.postgres
def test_an_error_early_in_a_big_copy_does_not_read_the_rest_first(postgres_project: Project) -> None:
    write_pieces(postgres_project.file(USERS), [TABLE, "COPY t FROM stdin;\nwrong\tx\n", *list(copied())[1:]])
    outcome = postgres_project.run("migrate", "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["line"] == 3
    assert not postgres_project.has_table("t")

"""Designs that must fail: the same checks that find nothing wrong with the tool have to find something wrong with them.

Each takes what the command line takes (`migrate --url … --dir …`) and says what it has done in the same words.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg


def autocommit(*arguments: str) -> None:
    """Run each statement by itself, then write down that the file is applied."""
    url, files = _read(arguments)
    with psycopg.connect(url, autocommit=True) as connection:
        for path in files:
            for statement in path.read_text("utf-8").split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
            connection.execute(_record(path.stem).encode())
            print(f"  applied      {path.stem}", flush=True)


def session_lock(*arguments: str) -> None:
    """Take an advisory lock for the session, read once what is applied, and run what is not."""
    url, files = _read(arguments)
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        end = time.monotonic() + 3
        while not _value(connection, "SELECT pg_try_advisory_lock(4711)"):
            if time.monotonic() > end:
                raise SystemExit(5)
            time.sleep(0.02)
        applied = {row[0] for row in connection.execute("SELECT what FROM campaign.recorded").fetchall()}
        for path in files:
            if path.stem not in applied:
                text = path.read_text("utf-8") + f"INSERT INTO campaign.recorded VALUES ('{path.stem}');"
                connection.execute(f"BEGIN; {text}; COMMIT".encode())
        connection.execute("SELECT pg_advisory_unlock(4711)")


DESIGNS: dict[str, Callable[..., None]] = {"autocommit": autocommit, "session lock": session_lock}


def wrapped(text: str, name: str) -> bytes:
    """Return a file between BEGIN and COMMIT with its record, as one message: what most runners send."""
    return f"BEGIN; {text}\n; {_record(name)} COMMIT".encode()


def _record(name: str) -> str:
    """Return the statements that write down that a file is applied, as the tool's own rows are."""
    return (
        "WITH logged AS (INSERT INTO public.schema_migrations_log (migration_name, action, outcome, run_id) "
        f"VALUES ('{name}', 'migrate', 'done', 'design') RETURNING id) INSERT INTO public.schema_migrations "
        "(migration_name, checksum, state, applied_at, applied_by, execution_ms, run_id, log_id) "
        f"SELECT '{name}', 'v1:', 'applied', now(), session_user, 0, 'design', id FROM logged;"
    )


def _read(arguments: tuple[str, ...]) -> tuple[str, list[Path]]:
    """Return the address and the migrations in their order."""
    given = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    found = sorted(Path(given["--dir"]).glob("*.sql"))
    return given["--url"], [path for path in found if not path.stem.endswith("_rollback")]


def _value(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]

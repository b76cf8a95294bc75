"""The schema of a database as the embedded server's pg_dump tells it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from typing import Final

from psycopg.conninfo import make_conninfo

from migration_manager.embedded import wheel
from migration_manager.errors import DatabaseUnreachable

_PATIENCE: Final = "10s"  # for a table that somebody keeps even readers out of
# Its default anyway, and unknown to servers before 17.
_UNKNOWN_TO_OLDER: Final = re.compile(r"^SET transaction_timeout = 0;$", re.MULTILINE)


def schema_text(conninfo: Mapping[str, str], *options: str) -> str:
    """Return what `pg_dump --schema-only` writes, with further options of its own.

    Takes ACCESS SHARE on every table, as it does, and nothing else. Raises `DatabaseUnreachable` with its words.
    """
    rest = dict(conninfo)
    password = rest.pop("password", None)
    command = [str(wheel.binaries() / "pg_dump"), "--schema-only", f"--lock-wait-timeout={_PATIENCE}", "--no-password"]
    # A password in the arguments would be there for all to see.
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    done = subprocess.run(
        [*command, *options, f"--dbname={make_conninfo('', **rest)}"],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env=environment,
    )
    if done.returncode != 0:
        words = " ".join(done.stderr.split())
        raise DatabaseUnreachable(
            f"the schema could not be read: {words}", hint="the login needs SELECT on every table, as for pg_dump"
        )
    return _UNKNOWN_TO_OLDER.sub("", done.stdout)

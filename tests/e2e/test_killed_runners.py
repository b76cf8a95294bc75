"""A runner killed with -9 at each point of its work: nothing is half done, and the next run goes on (C1 1-9)."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.fixtures.cli import FIVE, SECONDS, TASKS, USERS, Project, backends, until

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

# The command line, which dies at a message: before it is sent, while it is answered, or when it has been.
DYING = """
import os, psycopg
from migration_manager.engines.postgres_wire import Wire
text, moment, number = {text!r}, {moment!r}, {number}
def die():
    os.kill(os.getpid(), 9)
if not text:
    psycopg.connect = lambda *_, **__: die()
send, seen = Wire.send, []
def dying(self, statements, script="", *rows):
    message = "; ".join(statements) + script
    if text in message:
        seen.append(message)
    if not seen or len(seen) != number or text not in message:
        return send(self, statements, script, *rows)
    if moment == "before":
        die()
    if moment == "while":
        self._connection.pgconn.send_query(message.encode())
        self._connection.pgconn.flush()
        die()
    send(self, statements, script, *rows)
    die()
Wire.send = dying
from migration_manager.cli import main
main()
"""

FINISH = "SET state = 'applied'"  # stands in the message that finishes the books and commits
BIG = "".join(f"INSERT INTO tasks VALUES ({n}, '{'x' * 1000}');\n" for n in range(400))


@pytest.mark.parametrize(
    ("text", "moment", "number", "kept"),
    [
        ("", "before", 1, 0),
        ("pg_try_advisory_lock(", "after", 1, 0),
        ("CREATE TABLE users", "before", 1, 0),
        ("INSERT INTO tasks VALUES (0,", "while", 1, 1),
        ("INSERT INTO tasks VALUES (0,", "after", 1, 1),
        (FINISH, "before", 2, 1),
        (FINISH, "while", 2, None),
        (FINISH, "after", 2, 2),
        ("CREATE TABLE tags", "before", 1, 2),
    ],
    ids=[
        "before it connects", "with the lock", "before the first statement", "in a statement", "between two messages",
        "before COMMIT", "in COMMIT", "after COMMIT", "between two files",
    ],
)  # fmt: skip
def test_a_runner_that_is_killed_here_leaves_whole_files_only(
    postgres_project: Project, text: str, moment: str, number: int, kept: int | None
) -> None:
    project = postgres_project
    project.write_tables()
    project.write(TASKS, f"CREATE TABLE tasks (id integer, v text);\n{BIG}")
    done = subprocess.run(
        [sys.executable, "-c", DYING.format(text=text, moment=moment, number=number), "migrate"],
        cwd=project.root, env=project.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    until(lambda: not backends(project), "its session has ended")
    applied = project.applied()
    assert applied in [list(FIVE[:count]) for count in ([kept] if kept is not None else [1, 2])]
    for name in FIVE:
        assert project.has_table(name.rsplit("_", 1)[1]) == (name in applied)
    if TASKS in applied:
        assert project.rows("SELECT count(*) FROM tasks") == [(400,)]
    assert not [row for row in project.rows_of_history() if row[1] != "applied"]
    project.ok("migrate", "--lock-wait", "0s")
    assert project.applied() == list(FIVE)
    assert project.rows("SELECT count(*) FROM tasks") == [(400,)]
    project.ok("rollback", "--name", USERS)

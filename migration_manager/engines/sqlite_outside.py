"""The protocol that runs a no-transaction script in SQLite, statement by statement, each committed by itself.

A statement is committed in one transaction with the note that it is done, so that after a crash it is known to have
run, or not. VACUUM, which SQLite refuses there, has a note before it and one after it. What is a setting of the session
(PRAGMA, ATTACH) may run twice and is noted with the statement that follows it; so is a ROLLBACK. What runs in a
transaction of the script's own is noted in that transaction, when it is committed.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from migration_manager.engines.base import AdvanceHandler
from migration_manager.engines.sqlite_script import ScriptRun
from migration_manager.engines.sqlite_sql import written
from migration_manager.engines.sqlite_waiting import patiently
from migration_manager.errors import FileError, SqlFailed
from migration_manager.messages import Message, digest_of, one_by_one, statements_of
from migration_manager.model import Attempt, Dialect, Script

_WORD: Final = re.compile("[A-Za-z]+")
_SETTINGS: Final = frozenset({"ATTACH", "DETACH", "PRAGMA"})
_ENDS: Final = frozenset({"COMMIT", "END", "RELEASE"})
_CONTROLS: Final = frozenset({"BEGIN", "ROLLBACK", "SAVEPOINT", *_ENDS})


class OutsideRun(ScriptRun):
    """One run of one no-transaction script; `note` is the statement that notes what is known of one of its statements.

    The first `skip` statements are kept already.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        script: Script,
        limit: int | None,
        on_advance: AdvanceHandler | None,
        *,
        note: str,
        name: str,
        skip: int,
    ) -> None:
        super().__init__(connection, path, script, limit, on_advance)
        self._note = note
        self._name = name
        self._skip = skip
        self._kept = skip
        self._unnoted: dict[int, str] = {}  # the digests of statements that ran, by their numbers

    def run(self) -> int:
        """Run the statements and return how many are kept.

        Raises `SqlFailed` with how many are kept. A transaction that is then open is the script's, for the caller to
        roll back.
        """
        try:
            self._guard()
            for number, message in enumerate(one_by_one(self._script), start=1):
                if number <= self._skip:
                    self._go_past(message)
                    continue
                self._run_noted(number, message)
                if not self._connection.in_transaction:
                    self._kept = number  # in a transaction of the script's own they are not kept yet
        except FileError as error:  # it is not the file any more that was to run
            raise SqlFailed(str(error), kept=self._kept, hint=error.hint) from None
        finally:
            self._leave()
        if self._connection.in_transaction:
            left_behind = "the script left a transaction open, which was rolled back"
            raise SqlFailed(left_behind, kept=self._kept, hint="end it with COMMIT")
        self._add_new_names()
        return self._kept or 0

    def _go_past(self, message: Message) -> None:
        """Go past a statement that is kept; what it set for its session is set again, for this is another one."""
        if _first_word(message) in _SETTINGS:
            self._run(message)
        else:
            self._advance(message)

    def _run_noted(self, number: int, message: Message) -> None:
        word = _first_word(message)
        try:
            if self._connection.in_transaction:
                self._in_its_own(number, message, word)
            elif word in _SETTINGS or word in _CONTROLS:
                self._run(message)
                self._unnoted[number] = digest_of(message)
            elif word == "VACUUM":
                self._alone(number, message)
            else:
                self._with_its_note(number, message)
        except SqlFailed as error:
            self._note_failure(number, message)
            raise error from None

    # -------------------------------------------------------------------------------- ways to run

    def _in_its_own(self, number: int, message: Message, word: str) -> None:
        """Run a statement in the transaction that the script has opened."""
        self._unnoted[number] = digest_of(message)
        if word in _ENDS:
            # Where it releases an inner savepoint only, they are noted again with what does end the transaction.
            self._note_done(message)
        self._run(message)
        if word in _ENDS and not self._connection.in_transaction:
            self._unnoted.clear()

    def _with_its_note(self, number: int, message: Message) -> None:
        """Run a statement in one transaction with its note."""
        self._do("BEGIN IMMEDIATE", message)
        self._run(message)
        self._unnoted[number] = digest_of(message)
        self._note_done(message)
        self._do("COMMIT", message)
        self._unnoted.clear()

    def _alone(self, number: int, message: Message) -> None:
        """Run a statement by itself, with a note before it and one after it."""
        digest = digest_of(message)
        self._do("BEGIN IMMEDIATE", message)
        self._note_done(message, (number, digest, Attempt.STARTED))
        self._do("COMMIT", message)
        self._unnoted.clear()
        self._run(message)
        self._note_done(message, (number, digest, Attempt.DONE))

    # -------------------------------------------------------------------------------------- notes

    def _note_done(self, message: Message, *more: tuple[int, str, Attempt]) -> None:
        """Note what ran and is not noted yet, in the transaction that is open, and then `more`."""
        try:
            self._write_notes(*more)
        except sqlite3.Error as error:
            refusal = self._given_up(error, message)
            if isinstance(refusal, SqlFailed):
                refusal.message = f"how far the script came could not be noted: {error}"
                refusal.offset, refusal.hint = message.batch.start, "does it touch the history tables?"
            raise refusal from error

    def _write_notes(self, *more: tuple[int, str, Attempt]) -> None:
        now = written(datetime.now(UTC))
        for number, digest, attempt in (*((n, digest, Attempt.DONE) for n, digest in self._unnoted.items()), *more):
            self._connection.execute(self._note, (self._name, number, digest, attempt.value, now, None))

    def _note_failure(self, number: int, message: Message) -> None:
        """Note that a statement failed, as well as that goes: its error is what counts."""
        kept = self._kept or 0
        try:
            self._roll_back()
            self._leave()
            self._unnoted = {n: digest for n, digest in self._unnoted.items() if n <= kept}
            patiently(self._connection, "BEGIN IMMEDIATE")
            self._write_notes((number, digest_of(message), Attempt.FAILED))
            patiently(self._connection, "COMMIT")
        except sqlite3.Error:
            self._roll_back()

    def _do(self, statement: str, message: Message) -> None:
        """Begin or end the transaction of a statement; raises as if that had failed itself."""
        try:
            patiently(self._connection, statement)
        except sqlite3.Error as error:
            raise self._given_up(error, message) from error

    def _given_up(self, error: sqlite3.Error, message: Message) -> BaseException:
        self._leave()  # what follows is not the script's
        refusal = self._refusal(error, message.text, message.batch.start)
        self._roll_back()
        return refusal

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _first_word(message: Message) -> str:
    """Return the first word of a statement in upper case."""
    found = _WORD.match(message.text)
    if found:
        return found[0].upper()
    statements = statements_of(message, Dialect.SQLITE)
    return statements[0].words[0] if statements and statements[0].words else ""

"""This tool's own rules about one file: what `lint` says of a text that no other linter would know to say.

Pure: statements in, findings out. What the folder as a whole shows is `linting`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Final, NamedTuple

from migration_manager.errors import DirectiveError, FileError, NeedsNoTransaction, nearest
from migration_manager.model import Dialect, Finding, Script, Statement
from migration_manager.rules import (
    DIRECTIVE,
    FILE,
    HIDDEN_INDEX,
    LOSES_DATA,
    NEEDLESS,
    NEEDS_NO_TRANSACTION,
    NO_TIMEOUT,
    OF_OTHER_COMMANDS,
    ON_THE_SERVER,
    RULES,
    UNKNOWN_ACCEPTANCE,
    UNUSED_ACCEPTANCE,
    VACUUM_FULL,
    WHOLE_TABLE,
    WRITES_UNDER_LOCK,
    Origin,
    Rule,
)
from migration_manager.script import DUMP
from migration_manager.sqltext import refuses_transaction
from migration_manager.sqltext.effects import Made, Moved, effects
from migration_manager.sqltext.reader import Key, Reader

_SCHEMA_CHANGES: Final = frozenset({"ALTER", "CREATE", "DROP"})
_WRITES: Final = frozenset({"DELETE", "INSERT", "UPDATE"})
_INSERTS: Final = 1000  # that are looked at in one file: a copy of a table stands among the first, a dump has a million
# What squawk says of the same statements, each in the words of its kind.
_SAID_BY_SQUAWK: Final = tuple(
    f"DROP {kind} " for kind in ("TABLE", "COLUMN", "SEQUENCE", "SCHEMA", "TYPE", "DOMAIN", "EXTENSION", "DATABASE")
)


class Place(NamedTuple):
    """Where a statement is, from 1 on."""

    line: int
    column: int | None = None


def found(rule: Rule, path: str, at: Place | None = None, *, message: str = "", subject: str | None = None) -> Finding:
    """Return a finding of a rule; its message is the rule's, where there is none more exact."""
    return Finding(
        rule.id,
        message or rule.wrong,
        path,
        at.line if at else None,
        at.column if at else None,
        subject,
        rule.advice,
    )


def finding_of(error: FileError) -> Finding:
    """Return what the runner would refuse a file for as a finding, with the runner's advice."""
    rule = DIRECTIVE if isinstance(error, DirectiveError) else FILE
    if isinstance(error, NeedsNoTransaction):
        rule = NEEDS_NO_TRANSACTION
    return Finding(rule.id, error.reason, error.path, error.line, error.column, None, error.hint or rule.advice)


class StatementRules:
    """Follows a script, statement after statement."""

    def __init__(self, script: Script) -> None:
        self._path = script.source.path
        self._dialect = script.dialect
        self._outside = script.directives.no_transaction
        self._made: set[Key] = set()  # tables of the file's own
        self._locked: tuple[str, int] | None = None  # a table that others use, and the line
        self._written: Finding | None = None  # under that lock
        self._whole: list[Finding] = []
        self._single: list[Finding] = []  # what one statement shows by itself
        self._may_be_one_transaction = True
        self._is_dump = False
        self._count = 0
        self._changes_schema = False
        self._inserts = 0

    def look_at(self, text: str, statement: Statement, at: Place) -> None:
        """Take in the next statement, which is at that place of the file."""
        if self._dialect is not Dialect.POSTGRESQL:  # SQLite locks all of the file for any write
            return
        words = statement.words
        first = words[0] if words else ""
        self._is_dump = self._is_dump or (not self._count and DUMP.search(text, 0, statement.start) is not None)
        self._count += 1
        if self._outside and self._may_be_one_transaction:
            self._may_be_one_transaction = _may_be_in_a_transaction(text, statement)
        rule = _shown_by_itself(text, statement, is_dump=self._is_dump)
        if rule is not None:
            self._single.append(found(rule, self._path, at))
        if first in _WRITES:
            self._look_at_write(text, statement, first, at)
        elif first in _SCHEMA_CHANGES:
            self._changes_schema = True
            if words[:2] == ("ALTER", "TABLE") and self._locked is None:
                self._look_at_lock(Reader(text, statement, self._dialect), at)
            for effect in effects(text, statement, self._dialect):
                self._follow(effect)
            if words[:3] == ("CREATE", "MATERIALIZED", "VIEW"):
                self._follow_view(Reader(text, statement, self._dialect))

    def is_about_own(self, text: str, statement: Statement) -> bool:
        """Return whether a statement changes only a table that the same transaction made; asked before `look_at`.

        Nobody else sees that yet, so nobody waits for it and nobody uses it.
        """
        if self._outside or not self._made or statement.words[:1] not in (("ALTER",), ("CREATE",)):
            return False
        reader = Reader(text, statement, self._dialect)
        if reader.takes("ALTER", "TABLE"):
            reader.takes("IF", "EXISTS")
        elif reader.takes("CREATE", "INDEX") or reader.takes("CREATE", "UNIQUE", "INDEX"):
            while (word := reader.step()) and word != "ON":
                pass
        else:
            return False
        reader.takes("ONLY")
        table = reader.name()
        return table is not None and table.key in self._made

    def findings(self) -> Iterator[Finding]:
        """Yield what was found, now that the whole script has been seen."""
        yield from self._single
        if self._outside:
            if self._count and self._may_be_one_transaction:
                yield found(NEEDLESS, self._path)
            return
        if self._written is not None:
            yield self._written
        elif self._changes_schema:
            yield from self._whole

    def _follow(self, effect: object) -> None:
        match effect:
            case Made("TABLE", key):
                self._made.add(key)
            case Moved(key, to) if key in self._made:
                self._made.add(to)

    def _follow_view(self, reader: Reader) -> None:
        reader.takes("CREATE", "MATERIALIZED", "VIEW")
        if not reader.takes("IF", "NOT", "EXISTS") and (view := reader.name()):
            self._made.add(view.key)

    def _look_at_lock(self, reader: Reader, at: Place) -> None:
        reader.takes("ALTER", "TABLE")
        reader.takes("IF", "EXISTS")
        reader.takes("ONLY")
        table = reader.name()
        reader.takes("*")
        if table is not None and table.key not in self._made and any(_is_exclusive(each) for each in _actions(reader)):
            self._locked = table.shown, at.line

    def _look_at_write(self, text: str, statement: Statement, first: str, at: Place) -> None:
        if self._written is not None or self._outside:
            return
        if first == "INSERT":
            self._inserts += 1
            if self._locked is None or self._inserts > _INSERTS or not _reads_a_table(text, statement):
                return
        if self._locked is not None:
            table, line = self._locked
            message = (
                f"this {first} runs while the transaction holds ACCESS EXCLUSIVE on {table} (line {line}): nobody reads"
                " that table until the file ends"
            )
            self._written = found(WRITES_UNDER_LOCK, self._path, at, message=message, subject=f"table {table}")
            return
        reader = Reader(text, statement, self._dialect)
        reader.step()
        reader.takes("FROM")
        reader.takes("ONLY")
        target = reader.name()
        if target is None or target.key in self._made or _has_where(reader):
            return
        message = f"this {first} writes every row of {target.shown}, in one transaction that changes the schema too"
        self._whole.append(found(WHOLE_TABLE, self._path, at, message=message, subject=f"table {target.shown}"))


def losses(script: Script, *, beside_squawk: bool) -> Iterator[Finding]:
    """Yield what a migration loses; beside squawk only what that has no rule for."""
    for loss in script.losses:
        if beside_squawk and (loss.what.startswith(_SAID_BY_SQUAWK) or _empties_others(loss.what)):
            continue
        message = f"{loss.what}: {LOSES_DATA.wrong}"
        yield found(LOSES_DATA, script.source.path, Place(loss.line), message=message, subject=loss.what)
    more = script.loss_count - len(script.losses)
    if more:
        message = f"{more:,} more statements like these: {LOSES_DATA.wrong}"
        yield found(LOSES_DATA, script.source.path, message=message)


def loses_at(script: Script, line: int) -> bool:
    """Return whether the statement that begins on a line loses anything of somebody's, as far as that is known.

    A table that the file made itself, or rebuilds, is no loss.
    """
    if script.loss_count > len(script.losses):
        return True
    return any(loss.line == line for loss in script.losses)


def useless_acceptances(script: Script, rules: Iterable[str], *, squawk: bool) -> Iterator[Finding]:
    """Yield a finding for each acceptance that accepts nothing, given the rules of what was found in the file.

    Those that may be meant for another command, or for a subject, are left alone; those of squawk's rules where it was
    not asked.
    """
    rules, path = set(rules), script.source.path
    for what, _, line in script.directives.accepted:
        rule = RULES.get(what)
        if " " in what or what in OF_OTHER_COMMANDS or (what in rules and rule is None):
            continue
        if rule is None:
            close = nearest(what, {**RULES, **dict.fromkeys(OF_OTHER_COMMANDS)})
            message = f"no rule is called {what}" + (f"; did you mean {close}?" if close else "")
            yield found(UNKNOWN_ACCEPTANCE, path, Place(line), message=message, subject=f"acceptance {what}")
        elif not rule.acceptable:
            message = f"{what} cannot be accepted: it has to be mended"
            yield found(UNKNOWN_ACCEPTANCE, path, Place(line), message=message, subject=f"acceptance {what}")
        elif what not in rules and (squawk or rule.origin is Origin.OWN):
            message = f"the header accepts {what}, and nothing of that kind is found here"
            yield found(UNUSED_ACCEPTANCE, path, Place(line), message=message, subject=f"acceptance {what}")


# ------------------------------------------------------------------------------------- reading statements


def _empties_others(what: str) -> bool:
    return what.startswith("TRUNCATE ") and what.endswith(" CASCADE")


def _hides_invalid_index(words: tuple[str, ...]) -> bool:
    rest = tuple(word for word in words if word != "UNIQUE")
    return rest[:5] == ("CREATE", "INDEX", "CONCURRENTLY", "IF", "NOT")


def _shown_by_itself(text: str, statement: Statement, *, is_dump: bool) -> Rule | None:
    """Return the rule that a statement breaks whatever else there is in its file; None for most."""
    words = statement.words
    match words[:1]:
        case ("CREATE",) if _hides_invalid_index(words):
            return HIDDEN_INDEX
        case ("VACUUM",) if _is_full(text, statement):
            return VACUUM_FULL
        case ("CLUSTER",):
            return VACUUM_FULL
        case ("LOAD",):
            return ON_THE_SERVER
        case ("COPY",) if _runs_program(text, statement):
            return ON_THE_SERVER
        case ("SET",) | ("SELECT",) if not is_dump and _waits_for_ever(text, statement):  # pg_dump always says so
            return NO_TIMEOUT
    return None


def _words(text: str, statement: Statement, most: int = 12) -> list[str]:
    return list(islice(Reader(text, statement, Dialect.POSTGRESQL).steps(), most))


def _is_full(text: str, statement: Statement) -> bool:
    found = _words(text, statement)
    options = found[: found.index(")")] if found[1:2] == ["("] and ")" in found else found[1:2]
    return "FULL" in options and options[options.index("FULL") + 1 :][:1] not in (["FALSE"], ["OFF"], ["0"])


def _runs_program(text: str, statement: Statement) -> bool:
    reader, last = Reader(text, statement, Dialect.POSTGRESQL), ""
    for word in reader.steps():
        if word == "PROGRAM" and last in ("FROM", "TO") and reader.depth == 0:
            return True
        last = word
    return False


def _waits_for_ever(text: str, statement: Statement) -> bool:
    if "lock_timeout" not in text[statement.start : statement.end].lower():
        return False
    found = [word for word in _words(text, statement) if word not in ("SESSION", "LOCAL", ";")]
    if found[:1] == ["SET"]:
        return found[1:2] == ["LOCK_TIMEOUT"] and _is_zero(found[3:4])
    call = found[found.index("SET_CONFIG") :] if "SET_CONFIG" in found else []
    return call[2:3] == ["'lock_timeout'"] and _is_zero(call[4:5])


def _is_zero(value: list[str]) -> bool:
    return any(re.fullmatch(r"'?0+(?:us|ms|s|min|h|d)?'?", each, re.IGNORECASE) for each in value)


def _may_be_in_a_transaction(text: str, statement: Statement) -> bool:
    """Return whether a statement of a no-transaction file does as well in one transaction with the others.

    Blocks and calls may COMMIT, rows are written in batches, rows are read with one lock after the other, and a new
    value of an enum can be used after a COMMIT only.
    """
    words = statement.words
    if words[:1] == ("ALTER",) and {"VALUE", "VALIDATE"} & set(_words(text, statement)):
        return False
    return words[:1] in (("ALTER",), ("CREATE",), ("DROP",), ("COMMENT",), ("GRANT",), ("REVOKE",)) and not (
        refuses_transaction(text, statement, Dialect.POSTGRESQL)
    )


def _actions(reader: Reader) -> Iterator[tuple[str, ...]]:
    """Yield the words of each action of an ALTER TABLE, as far as parentheses."""
    action: list[str] = []
    depth = reader.depth
    for word in reader.steps():
        if word == "," and reader.depth == depth:
            yield tuple(action)
            action = []
        elif reader.depth == depth or word == "(":
            action.append(word)
    yield tuple(action)


def _is_exclusive(action: tuple[str, ...]) -> bool:
    """Return whether an action takes ACCESS EXCLUSIVE (manual, ALTER TABLE), as far as that is certain."""
    first = action[:1]
    if first == ("ADD",):
        return "FOREIGN" not in action
    if first == ("ALTER",):
        return not any(
            pair in (("SET", "STATISTICS"), ("SET", "("), ("RESET", "("), ("ALTER", "CONSTRAINT"))
            for pair in pairwise(action)
        )
    if first == ("SET",):
        return action[1:2] in (("SCHEMA",), ("TABLESPACE",), ("LOGGED",), ("UNLOGGED",))
    if first == ("DETACH",):
        return "CONCURRENTLY" not in action
    return first in (("DROP",), ("RENAME",))


def _has_where(reader: Reader) -> bool:
    depth = reader.depth
    return any(word == "WHERE" and reader.depth == depth for word in reader.steps())


def _reads_a_table(text: str, statement: Statement) -> bool:
    """Return whether an INSERT takes its rows from a query over a table."""
    reader = Reader(text, statement, Dialect.POSTGRESQL)
    is_query = False
    for word in reader.steps():
        if reader.depth == 0 and word == "VALUES" and not is_query:
            return False
        is_query = is_query or (reader.depth == 0 and word in ("SELECT", "TABLE"))
        if is_query and reader.depth == 0 and word in ("FROM", "TABLE"):
            return True
    return False

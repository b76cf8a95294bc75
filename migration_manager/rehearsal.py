"""What a rehearsal comes to: from what each statement was seen to do to a verdict with its findings. Pure.

How long a lock is held cannot be measured on empty tables. What counts is what was done while it was held: a table of
the environment that was rewritten or read as a whole takes as long as it is large, all the rest is a moment.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from migration_manager.model import Acceptance, Finding
from migration_manager.proof import Failure, Proof

# --------------------------------------------------------------------------------------------- locks


class Mode(enum.Enum):
    """A mode of a lock on a table, the weakest first; the value is what the manual calls it (13.3.1)."""

    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

    @property
    def strength(self) -> int:
        """Where it stands in that order."""
        return _MODES.index(self)

    @property
    def conflicts(self) -> frozenset[Mode]:
        """The modes that another transaction cannot have on the same table meanwhile (manual, table 13.2)."""
        return _CONFLICTS[self]

    @property
    def blocks_reads(self) -> bool:
        return Mode.ACCESS_SHARE in self.conflicts

    @property
    def blocks_writes(self) -> bool:
        return Mode.ROW_EXCLUSIVE in self.conflicts

    @property
    def blocked(self) -> str:
        """What others cannot do meanwhile: `INSERT, UPDATE, DELETE, VACUUM, DDL`; empty for what is next to nothing."""
        return ", ".join(words for mode, words in _TAKEN_BY.items() if mode in self.conflicts)


_MODES: Final = tuple(Mode)
_CONFLICTS: Final[Mapping[Mode, frozenset[Mode]]] = {
    Mode.ACCESS_SHARE: frozenset({Mode.ACCESS_EXCLUSIVE}),
    Mode.ROW_SHARE: frozenset({Mode.EXCLUSIVE, Mode.ACCESS_EXCLUSIVE}),
    Mode.ROW_EXCLUSIVE: frozenset({Mode.SHARE, Mode.SHARE_ROW_EXCLUSIVE, Mode.EXCLUSIVE, Mode.ACCESS_EXCLUSIVE}),
    Mode.SHARE_UPDATE_EXCLUSIVE: frozenset(_MODES[3:]),
    Mode.SHARE: frozenset(
        {
            Mode.ROW_EXCLUSIVE,
            Mode.SHARE_UPDATE_EXCLUSIVE,
            Mode.SHARE_ROW_EXCLUSIVE,
            Mode.EXCLUSIVE,
            Mode.ACCESS_EXCLUSIVE,
        }
    ),
    Mode.SHARE_ROW_EXCLUSIVE: frozenset(_MODES[2:]),
    Mode.EXCLUSIVE: frozenset(_MODES[1:]),
    Mode.ACCESS_EXCLUSIVE: frozenset(_MODES),
}
# Who takes each mode, as far as those who use a table are concerned.
_TAKEN_BY: Final = {
    Mode.ACCESS_SHARE: "SELECT",
    Mode.ROW_SHARE: "SELECT FOR UPDATE",
    Mode.ROW_EXCLUSIVE: "INSERT, UPDATE, DELETE",
    Mode.SHARE_UPDATE_EXCLUSIVE: "VACUUM, DDL",
}


@dataclass(frozen=True, slots=True)
class Relation:
    """A table (or view, or materialized view) that the environment has.

    `known_as` is its name there, which a migration before this one may have changed; `root` the partitioned table that
    it is part of.
    """

    name: str  # with its schema, quoted as SQL wants it
    kind: str = "table"
    known_as: str = ""
    root: str | None = None

    @property
    def subject(self) -> str:
        return f"{self.kind} {self.name}"


class Lock(NamedTuple):
    """A lock on a relation; on one of its indexes, which keeps out as many as one on the table, where that is named."""

    relation: Relation
    mode: Mode
    on_index: str | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What one statement was seen to do to what was there before.

    `locks` are the strongest that it took newly, one a relation. `alone` says that it was a transaction by itself,
    `inferred` that its locks are those the manual names for what it did: they were gone when it ended. `phrase` has its
    words in upper case, without literals and comments.
    """

    line: int
    text: str
    phrase: str
    seconds: float
    locks: tuple[Lock, ...] = ()
    rewritten: tuple[Relation, ...] = ()
    emptied: tuple[Relation, ...] = ()
    scanned: tuple[Relation, ...] = ()
    new_indexes: tuple[str, ...] = ()
    alone: bool = False
    inferred: bool = False

    @property
    def is_felt(self) -> bool:
        """Whether it did anything to what was there before that the statements before it had not done."""
        return bool(self.locks or self.rewritten or self.emptied or self.scanned or self.new_indexes)


# --------------------------------------------------------------------------------------------- sizes


@dataclass(frozen=True, slots=True)
class Size:
    """How large a table of the environment is, by its statistics, with indexes and long values; None is not known."""

    rows: int | None = None
    bytes: int | None = None

    @property
    def is_empty(self) -> bool:
        return self.rows == 0 and not self.bytes

    @property
    def has_many_rows(self) -> bool:
        return self.rows is None or self.rows > _MANY

    @property
    def in_words(self) -> str:
        """The same for people: `48 GB (212 M rows)`."""
        rows = None if self.rows is None else f"{_thousands(self.rows)} row{'' if self.rows == 1 else 's'}"
        if self.bytes is None:
            return rows or "a table of unknown size"
        return f"{_bytes(self.bytes)} ({rows or 'rows not known'})"


UNKNOWN: Final = Size()
_MANY: Final = 10_000  # rows; to change fewer in one statement holds up nobody for long
_PAST_A_UNIT: Final = 10  # from so many on there are no decimals


def _thousands(count: int) -> str:
    value, unit = float(count), ""
    for larger in (" k", " M", " G"):
        if value < 10_000 if not unit else value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f}{unit}" if unit and value < _PAST_A_UNIT else f"{value:,.0f}{unit}"


def _bytes(count: int) -> str:
    """Return bytes in the units of pg_size_pretty, powers of 1024."""
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    decimals = unit != "bytes" and value < _PAST_A_UNIT and round(value, 1) % 1
    return f"{value:.1f} {unit}" if decimals else f"{value:,.0f} {unit}"


def _sum(sizes: Sequence[Size]) -> Size:
    rows = [size.rows for size in sizes if size.rows is not None]
    volumes = [size.bytes for size in sizes if size.bytes is not None]
    return Size(sum(rows) if rows else None, sum(volumes) if volumes else None)


# ------------------------------------------------------------------------------------------- verdict


class Verdict(enum.Enum):
    """What a statement or a file does to those who use the tables, the worst first; the value says it in words."""

    FAILS = "fails"
    BLOCKS_READS = "blocks reads and writes"
    BLOCKS_WRITES = "blocks writes"
    SCANS = "changes a whole table"
    LEAVES_INVALID = "leaves an invalid index"
    READS_FOR_A_MOMENT = "blocks reads and writes for a moment"
    WRITES_FOR_A_MOMENT = "blocks writes for a moment"
    SAFE = "safe"


# How a header accepts a finding of a rehearsal.
RULES: Final = {
    "blocks-reads": "nobody can read a table while one of the environment's is read as a whole",
    "blocks-writes": "nobody can write to a table while one of the environment's is read as a whole",
    "rewrites": "a table of the environment is written anew, and nobody can read it meanwhile",
    "scans": "a large table is changed in one statement, whose rows stay locked until the end",
    "invalid-index": "an index is left behind that no query uses",
    "fails": "the migration fails",
}
_VERDICTS: Final = {
    "blocks-reads": Verdict.BLOCKS_READS,
    "blocks-writes": Verdict.BLOCKS_WRITES,
    "rewrites": Verdict.BLOCKS_READS,
    "scans": Verdict.SCANS,
    "invalid-index": Verdict.LEAVES_INVALID,
    "fails": Verdict.FAILS,
}
_CHANGES_ROWS: Final = frozenset({"UPDATE", "DELETE", "MERGE", "WITH", "INSERT", "DO", "SELECT", "CALL"})


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried with one pending migration, and seen. `left_invalid` are indexes.

    `more` is how many statements that were not felt are not among the `observed`.
    """

    name: str
    path: str
    observed: tuple[Observed, ...] = ()
    more: int = 0
    left_invalid: tuple[str, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One statement, its verdict, and what it does, each in words.

    `advice` is about what no lock shows: those who do not know yet that something is gone.
    """

    statement: Observed
    verdict: Verdict
    effects: tuple[str, ...] = ()
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The verdict on one pending migration, and what a person should look at. `notes` are no findings.

    `more` statements are not among the `statements`, and none of them is felt. `rewritten` is what it writes anew; None
    where it is nothing. `proof` is that of its rollback, where it was tried.
    """

    name: str
    path: str
    verdict: Verdict
    rewritten: Size | None = None
    statements: tuple[Judged, ...] = ()
    more: int = 0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    proof: Proof | None = None

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        """Those that no header accepts, of the rollback's proof as well."""
        proven = self.proof.open_findings if self.proof else ()
        return (*(finding for finding in self.findings if finding.accepted is None), *proven)

    @property
    def in_words(self) -> str:
        """The verdict with what is rewritten: `blocks reads and writes, rewrites 48 GB (212 M rows)`."""
        return self.verdict.value + (f", rewrites {self.rewritten.in_words}" if self.rewritten else "")


def judge(tried: Tried, sizes: Mapping[str, Size]) -> Rehearsal:
    """Return the verdict on what was tried, with every finding; accepted ones say by what reason.

    `sizes` are the environment's by name; a table that is not among them may have any size.
    """
    judging = _Judging(tried, sizes)
    judging.run()
    findings = [finding.answered(tried.acceptances) for finding in judging.findings]
    verdicts = [judged.verdict for judged in judging.statements]
    verdicts += [_VERDICTS[finding.rule] for finding in findings]
    worst = min(verdicts, key=list(Verdict).index, default=Verdict.SAFE)
    rules = {finding.rule for finding in findings} | {finding.subject for finding in findings}
    stale = tuple(
        f"`accept {acceptance.what}` accepts nothing: take it out"
        for acceptance in tried.acceptances
        if acceptance.what in RULES.keys() - rules
    )
    return Rehearsal(
        tried.name,
        tried.path,
        worst,
        _sum(judging.rewritten) if judging.rewritten else None,
        tuple(judging.statements),
        tried.more,
        tuple(findings),
        (*tried.notes, *stale),
        tried.seconds,
    )


class _Held(NamedTuple):
    """A lock that is held, since the statement of that number."""

    lock: Lock
    number: int


@dataclass(slots=True)
class _Group:
    """A table, or the parts of a partitioned one, that one statement does the same to."""

    subject: str
    name: str
    size: Size
    relations: list[Relation] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {self.name, *(relation.name for relation in self.relations)}

    @property
    def in_words(self) -> str:
        parts = f", {len(self.relations)} partitions" if len(self.relations) > 1 else ""
        return f"{self.name}{parts}"


class _Judging:
    """One pass over the statements of a file, with the locks that are held meanwhile."""

    def __init__(self, tried: Tried, sizes: Mapping[str, Size]) -> None:
        self._tried = tried
        self._sizes = sizes
        self._held: dict[str, _Held] = {}
        self._told: set[str] = set()  # subjects of locks that are known to be held for long
        self._found: dict[int, list[Finding]] = {}
        self._effects: dict[int, list[str]] = {}
        self.statements: list[Judged] = []
        self.rewritten: list[Size] = []

    @property
    def findings(self) -> list[Finding]:
        return [finding for number in sorted(self._found) for finding in self._found[number]]

    def run(self) -> None:
        observed = self._tried.observed
        for number, statement in enumerate(observed):
            if statement.alone:
                self._held.clear()
            self._look_at(number, statement)
            if statement.alone:
                self._held.clear()
        self.statements = [
            Judged(
                statement,
                self._verdict(number, statement),
                tuple(self._effects.get(number, ())),
                _IN_TWO if statement.locks and _TAKES_AWAY.search(statement.phrase) else None,
            )
            for number, statement in enumerate(observed)
        ]
        end = len(observed)
        for index in self._tried.left_invalid:
            advice = "attach an index of each partition to it: ALTER INDEX … ATTACH PARTITION …"
            message = f"{index} is left invalid: no query uses it"
            self._found.setdefault(end, []).append(
                Finding("invalid-index", message, self._tried.path, subject=f"index {index}", advice=advice)
            )
        if (failure := self._tried.failure) is not None:
            self._found.setdefault(end, []).append(
                Finding("fails", failure.in_words, failure.path, failure.line, failure.column)
            )

    def _look_at(self, number: int, statement: Observed) -> None:
        for lock in statement.locks:
            held = self._held.get(lock.relation.name)
            if held is None or held.lock.mode.strength < lock.mode.strength:
                self._held[lock.relation.name] = _Held(lock, number)
        busy: set[str] = set()  # whose own size is what takes long
        longest: str | None = None
        for group in self._groups(statement, statement.rewritten):
            self._add(number, f"rewrites {group.in_words}: {group.size.in_words}")
            self._add_since(number, group)
            if not group.size.is_empty:
                busy |= group.names
                self.rewritten.append(group.size)
                longest = longest or f"rewrites {group.name}"
                message = f"nobody can read {group.in_words} while {group.size.in_words} is written anew"
                self._find(number, "rewrites", message, group.subject)
        others = [relation for relation in statement.scanned if relation not in statement.rewritten]
        for group in self._groups(statement, others):
            self._add(number, f"reads all of {group.in_words}: {group.size.in_words}")
            self._add_since(number, group)
            if not group.size.is_empty:
                busy |= group.names
                longest = longest or f"reads all of {group.name}"
                self._read_whole(number, statement, group)
        for group in self._groups(statement, statement.emptied):
            self._add(number, f"empties {group.in_words}: {group.size.in_words}")
        if longest is not None:
            self._held_meanwhile(number, statement, busy, longest)

    def _read_whole(self, number: int, statement: Observed, group: _Group) -> None:
        """Judge that a table is read as a whole, by the lock that is held on it meanwhile."""
        held = [self._held[relation.name] for relation in group.relations if relation.name in self._held]
        if not held:
            return
        since = max(held, key=lambda each: each.lock.mode.strength)
        mode = since.lock.mode
        on = f" on its index {since.lock.on_index}" if since.lock.on_index else ""
        how = f"while all of it, {group.size.in_words}, is read under {mode.value}{on}"
        if mode.blocks_reads:
            message = f"nobody can read {group.in_words} {how}"
            self._find(number, "blocks-reads", message, group.subject, apart=since.number != number)
        elif _keeps_writers_out(since.lock):
            self._find(number, "blocks-writes", f"nobody can write to {group.in_words} {how}", group.subject)
        elif mode is Mode.ROW_EXCLUSIVE and _changes_rows(statement) and group.size.has_many_rows:
            message = (
                f"goes through all of {group.in_words}, {group.size.in_words}, in one transaction:"
                " each row it changes stays locked until the end"
            )
            self._find(number, "scans", message, group.subject)

    def _held_meanwhile(self, number: int, statement: Observed, busy: Collection[str], longest: str) -> None:
        """Find the locks on other tables that are held while this statement takes long."""
        for held in [*self._held.values()]:
            relation, mode = held.lock.relation, held.lock.mode
            if relation.name in busy or relation.subject in self._told:
                continue
            if not (mode.blocks_reads or _keeps_writers_out(held.lock)):
                continue
            if relation.root is not None and any(each.name == relation.root for each, *_ in self._locks()):
                continue  # told of the whole
            self._told.add(relation.subject)
            rule = "blocks-reads" if mode.blocks_reads else "blocks-writes"
            while_ = f"this statement {longest}" if held.number == number else f"line {statement.line} {longest}"
            what = "read" if mode.blocks_reads else "write to"
            message = f"nobody can {what} {relation.name} ({mode.value}) while {while_}"
            self._find(held.number, rule, message, relation.subject, apart=held.number != number)

    def _locks(self) -> Iterable[Lock]:
        return [held.lock for held in self._held.values()]

    def _groups(self, statement: Observed, relations: Sequence[Relation]) -> list[_Group]:
        """Return the relations with the partitions of one table, where it is locked as a whole, as one."""
        whole = {lock.relation.name: lock.relation for lock in (*self._locks(), *statement.locks)}
        groups: dict[str, _Group] = {}
        for relation in relations:
            over = whole.get(relation.root) if relation.root else None
            head = over or relation
            group = groups.setdefault(head.name, _Group(head.subject, head.name, UNKNOWN))
            group.relations.append(relation)
        for group in groups.values():
            group.size = _sum([self._sizes.get(each.known_as or each.name, UNKNOWN) for each in group.relations])
        return [*groups.values()]

    def _add_since(self, number: int, group: _Group) -> None:
        """Say under which lock that is done, where an earlier statement took it."""
        held = [self._held[each.name] for each in group.relations if each.name in self._held]
        since = max(held, key=lambda each: each.lock.mode.strength, default=None)
        if since is not None and since.number != number:
            line = self._tried.observed[since.number].line
            self._add(number, f"under {since.lock.mode.value} since line {line}")

    def _add(self, number: int, effect: str) -> None:
        self._effects.setdefault(number, []).append(effect)

    def _find(self, number: int, rule: str, message: str, subject: str, *, apart: bool = False) -> None:
        statement = self._tried.observed[number]
        advice = _APART if apart else advice_for(statement.phrase)
        self._found.setdefault(number, []).append(
            Finding(rule, message, self._tried.path, statement.line, subject=subject, advice=advice)
        )

    def _verdict(self, number: int, statement: Observed) -> Verdict:
        verdicts = [_VERDICTS[finding.rule] for finding in self._found.get(number, ())]
        for lock in statement.locks:
            if lock.mode.blocks_reads:
                verdicts.append(Verdict.READS_FOR_A_MOMENT)
            elif _keeps_writers_out(lock):
                verdicts.append(Verdict.WRITES_FOR_A_MOMENT)
        return min(verdicts, key=list(Verdict).index, default=Verdict.SAFE)


def _keeps_writers_out(lock: Lock) -> bool:
    """Return whether nobody can write meanwhile; to a materialized view nobody but REFRESH does."""
    return lock.mode.blocks_writes and lock.relation.kind != "materialized view"


def _changes_rows(statement: Observed) -> bool:
    return statement.phrase.split(" ")[0] in _CHANGES_ROWS


def with_proof(rehearsal: Rehearsal, proof: Proof | None) -> Rehearsal:
    """Return a rehearsal with the proof of its rollback."""
    return replace(rehearsal, proof=proof)


# -------------------------------------------------------------------------------------------- advice

_APART: Final = "put what takes long into a file of its own, before or after this one, so that the lock is gone by then"
_TAKES_AWAY: Final = re.compile(r"^(ALTER|DROP) TABLE\b.*\b(DROP COLUMN|RENAME(?! CONSTRAINT))\b|^DROP TABLE\b")
_IN_TWO: Final = "in two deployments: first the code that does without it, then this"
_CONCURRENTLY: Final = "in a file of its own with `-- migrate: no-transaction`"
_LATER: Final = "ADD CONSTRAINT … NOT VALID here, VALIDATE CONSTRAINT in a later file"
# By the words of the statement; the first that fits.
_ADVICE: Final[Mapping[str, str]] = {
    r"\bVACUUM\b.*\bFULL\b|^CLUSTER\b": "pg_repack does the same online; or take a window for it",
    r"^REFRESH MATERIALIZED VIEW (?!CONCURRENTLY)": (
        "REFRESH MATERIALIZED VIEW CONCURRENTLY, which wants a unique index on it"
    ),
    r"^REINDEX\b(?!.*\bCONCURRENTLY\b)": f"REINDEX … CONCURRENTLY {_CONCURRENTLY}",
    r"^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": f"CREATE INDEX CONCURRENTLY {_CONCURRENTLY}",
    r"\bATTACH PARTITION\b": (
        "in a file before: a CHECK with the partition's bounds, NOT VALID, then VALIDATE CONSTRAINT; ATTACH then reads"
        " nothing (for a default partition the same CHECK turned round)"
    ),
    r"\bSET (LOGGED|UNLOGGED|TABLESPACE|ACCESS METHOD)\b": (
        "make a table like it, copy in batches, swap the names; or take a window for it"
    ),
    r"\bALTER\b.* TYPE\b": (
        "add a new column of that type, keep both in step with a trigger, fill it in batches, then swap the names"
    ),
    r"\bSET NOT NULL\b": (
        "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID here, VALIDATE CONSTRAINT in a later file; then SET NOT"
        " NULL reads nothing, and the CHECK can go"
    ),
    r"\bFOREIGN KEY\b|\bADD\b.*\bREFERENCES\b": _LATER,
    r"\bADD\b.*\b(UNIQUE|PRIMARY KEY)\b": (
        f"CREATE UNIQUE INDEX CONCURRENTLY {_CONCURRENTLY}, then ADD CONSTRAINT … USING INDEX (for a primary key the"
        " columns NOT NULL before)"
    ),
    r"\bADD (CONSTRAINT \S+ )?CHECK\b": _LATER,
    r"\bADD\b.*\bGENERATED ALWAYS AS \(": "add a plain column, keep it right with a trigger, fill it in batches",
    r"\bADD\b.*\b(DEFAULT|IDENTITY|SERIAL|BIGSERIAL|SMALLSERIAL)\b": (
        "add the column without a default, SET DEFAULT for new rows, fill the old ones in batches"
    ),
    r"^(UPDATE|DELETE|MERGE|WITH|INSERT|DO|SELECT|CALL)\b": (
        "in batches of a few thousand rows, each committed: by a procedure that commits, called in a file with"
        " `-- migrate: no-transaction`, or from outside"
    ),
}
_COMPILED: Final = tuple((re.compile(pattern), advice) for pattern, advice in _ADVICE.items())


def advice_for(phrase: str) -> str | None:
    """Return how to do safely what a statement with these words does at a cost; None where nothing is known."""
    return next((advice for pattern, advice in _COMPILED if pattern.search(phrase)), None)

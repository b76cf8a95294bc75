"""What a rehearsal decides, and the table of lock modes it stands on."""

from __future__ import annotations

import itertools

import psycopg
import pytest

from migration_manager.model import Acceptance
from migration_manager.rehearsal import (
    RULES,
    Lock,
    Mode,
    Observed,
    Rehearsal,
    Relation,
    Size,
    Tried,
    Verdict,
    advice_for,
    judge,
)
from tests.fixtures.postgres import Database

TASKS, NOTES = Relation("public.tasks"), Relation("public.notes")
EVENTS = Relation("public.events")
PARTS = tuple(Relation(f"public.events_{number}", root="public.events") for number in range(3))
VIEW = Relation("public.totals", kind="materialized view")
FULL = {relation.name: Size(1_000_000, 1 << 30) for relation in (TASKS, NOTES, VIEW, *PARTS)}
AE = Mode.ACCESS_EXCLUSIVE


def did(
    line: int,
    *locks: tuple[Relation, Mode],
    phrase: str = "ALTER TABLE T",
    rewritten: tuple[Relation, ...] = (),
    scanned: tuple[Relation, ...] = (),
    alone: bool = False,
) -> Observed:
    return Observed(
        line, "x", phrase, 0.001, tuple(itertools.starmap(Lock, locks)), rewritten, (), scanned, alone=alone
    )


def judged(*observed: Observed, sizes: dict[str, Size] | None = None) -> Rehearsal:
    return judge(Tried("one", "one.sql", observed), FULL if sizes is None else sizes)


def rules(rehearsal: Rehearsal) -> list[tuple[str, int | None]]:
    return [(finding.rule, finding.line) for finding in rehearsal.findings]


@pytest.mark.postgres
def test_the_table_of_conflicts_is_the_servers(database: Database) -> None:
    with database.connect() as one, database.connect() as other:
        one.execute("CREATE TABLE t (n int)")
        for held, wanted in itertools.product(Mode, Mode):
            one.execute("BEGIN")
            one.execute(f"LOCK TABLE t IN {held.value} MODE".encode())
            try:
                other.execute("BEGIN")
                other.execute(f"LOCK TABLE t IN {wanted.value} MODE NOWAIT".encode())
                conflicts = False
            except psycopg.errors.LockNotAvailable:
                conflicts = True
            other.execute("ROLLBACK")
            one.execute("ROLLBACK")
            assert (wanted in held.conflicts) is conflicts, (held, wanted)


def test_a_lock_without_work_is_for_a_moment() -> None:
    rehearsal = judged(did(1, (TASKS, AE)), did(2, (NOTES, Mode.SHARE_ROW_EXCLUSIVE)))
    assert rehearsal.findings == ()
    assert [each.verdict for each in rehearsal.statements] == [
        Verdict.READS_FOR_A_MOMENT,
        Verdict.WRITES_FOR_A_MOMENT,
    ]


@pytest.mark.parametrize(
    ("mode", "rule"),
    [
        (AE, "blocks-reads"),
        (Mode.EXCLUSIVE, "blocks-writes"),
        (Mode.SHARE_ROW_EXCLUSIVE, "blocks-writes"),
        (Mode.SHARE, "blocks-writes"),
        (Mode.SHARE_UPDATE_EXCLUSIVE, None),
        (Mode.ACCESS_SHARE, None),
    ],
)
def test_to_read_a_whole_table_counts_by_the_lock_on_it(mode: Mode, rule: str | None) -> None:
    rehearsal = judged(did(1, (TASKS, mode), scanned=(TASKS,)))
    assert rules(rehearsal) == ([(rule, 1)] if rule else [])


def test_an_empty_table_is_rewritten_in_a_moment_and_one_of_unknown_size_is_not() -> None:
    statement = did(1, (TASKS, AE), rewritten=(TASKS,), scanned=(TASKS,))
    assert judged(statement, sizes={TASKS.name: Size(0, 0)}).verdict is Verdict.READS_FOR_A_MOMENT
    assert rules(judged(statement, sizes={})) == [("rewrites", 1)]
    assert rules(judged(statement)) == [("rewrites", 1)]


def test_a_lock_goes_with_the_transaction_it_was_taken_in() -> None:
    long = did(2, (NOTES, Mode.SHARE), scanned=(NOTES,), alone=True)
    assert rules(judged(did(1, (TASKS, AE), alone=True), long)) == [("blocks-writes", 2)]
    assert rules(judged(did(1, (TASKS, AE)), did(2, (NOTES, Mode.SHARE), scanned=(NOTES,)))) == [
        ("blocks-reads", 1),
        ("blocks-writes", 2),
    ]


def test_a_lock_that_comes_after_what_takes_long_is_for_a_moment() -> None:
    rehearsal = judged(did(1, (NOTES, Mode.SHARE_UPDATE_EXCLUSIVE), scanned=(NOTES,)), did(2, (TASKS, AE)))
    assert rehearsal.findings == ()


def test_both_tables_of_a_foreign_key_are_told() -> None:
    mode = Mode.SHARE_ROW_EXCLUSIVE
    rehearsal = judged(did(1, (TASKS, mode), (NOTES, mode), scanned=(NOTES,)))
    assert {(finding.rule, finding.subject) for finding in rehearsal.findings} == {
        ("blocks-writes", "table public.notes"),
        ("blocks-writes", "table public.tasks"),
    }


def test_partitions_are_told_as_one_table_where_all_of_it_is_locked() -> None:
    rehearsal = judged(did(1, (EVENTS, AE), *((part, AE) for part in PARTS), rewritten=PARTS))
    (finding,) = rehearsal.findings
    assert finding.subject == "table public.events"
    assert "public.events, 3 partitions while 3 GB (3.0 M rows)" in finding.message
    assert rehearsal.in_words == "blocks reads and writes, rewrites 3 GB (3.0 M rows)"
    (alone,) = judged(did(1, (PARTS[1], AE), rewritten=PARTS[1:2])).findings
    assert alone.subject == "table public.events_1"


@pytest.mark.parametrize(("rows", "expected"), [(10_001, ["scans"]), (10_000, []), (None, ["scans"])])
def test_only_a_large_table_is_too_much_for_one_update(rows: int | None, expected: list[str]) -> None:
    statement = did(1, (TASKS, Mode.ROW_EXCLUSIVE), phrase="UPDATE TASKS SET N = 1", scanned=(TASKS,))
    found = judged(statement, sizes={TASKS.name: Size(rows, 8192)}).findings
    assert [finding.rule for finding in found] == expected


def test_nobody_writes_to_a_materialized_view() -> None:
    assert judged(did(1, (VIEW, Mode.EXCLUSIVE), scanned=(VIEW,))).verdict is Verdict.SAFE


def test_a_lock_on_an_index_keeps_out_readers_of_its_table() -> None:
    statement = Observed(1, "x", "REINDEX INDEX I", 0.1, (Lock(TASKS, AE, "public.i"),), (), (), (TASKS,))
    (finding,) = judged(statement).findings
    assert finding.rule == "blocks-reads"
    assert "under ACCESS EXCLUSIVE on its index public.i" in finding.message


def test_a_finding_is_accepted_by_its_rule_or_its_subject() -> None:
    statement = did(1, (TASKS, AE), rewritten=(TASKS,))
    for what in ("rewrites", "table public.tasks"):
        tried = Tried("one", "one.sql", (statement,), acceptances=(Acceptance(what, "we know", 1),))
        rehearsal = judge(tried, FULL)
        assert rehearsal.open_findings == ()
        assert rehearsal.verdict is Verdict.BLOCKS_READS, "it is what it is"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (Size(212_000_000, 48 << 30), "48 GB (212 M rows)"),
        (Size(1, 8192), "8 kB (1 row)"),
        (Size(9_999, 1_500_000), "1.4 MB (9,999 rows)"),
        (Size(12_345, None), "12 k rows"),
        (Size(None, 3 << 40), "3 TB (rows not known)"),
        (Size(), "a table of unknown size"),
    ],
)
def test_sizes_are_told_as_people_say_them(size: Size, words: str) -> None:
    assert size.in_words == words


@pytest.mark.parametrize(
    ("phrase", "word"),
    [
        ("ALTER TABLE T ALTER COLUMN C TYPE BIGINT", "add a new column of that type"),
        ("ALTER TABLE T ALTER C SET DATA TYPE BIGINT", "add a new column of that type"),
        ("ALTER TABLE T ALTER C SET NOT NULL", "CHECK (column IS NOT NULL) NOT VALID"),
        ("ALTER TABLE T ADD CONSTRAINT F FOREIGN KEY ( A ) REFERENCES P", "VALIDATE CONSTRAINT in a later file"),
        ("ALTER TABLE T ADD COLUMN A INT REFERENCES P", "VALIDATE CONSTRAINT in a later file"),
        ("ALTER TABLE T ADD CONSTRAINT C CHECK ( A > 0 )", "VALIDATE CONSTRAINT in a later file"),
        ("ALTER TABLE T ADD CHECK ( A > 0 )", "VALIDATE CONSTRAINT in a later file"),
        ("ALTER TABLE T ADD CONSTRAINT U UNIQUE ( A )", "USING INDEX"),
        ("ALTER TABLE T ADD PRIMARY KEY ( A )", "USING INDEX"),
        ("ALTER TABLE T ADD COLUMN A FLOAT DEFAULT RANDOM ( )", "fill the old ones in batches"),
        ("ALTER TABLE T ADD COLUMN A INT GENERATED ALWAYS AS ( B ) STORED", "keep it right with a trigger"),
        ("ALTER TABLE T ADD COLUMN A INT GENERATED ALWAYS AS IDENTITY", "fill the old ones in batches"),
        ("ALTER TABLE T ATTACH PARTITION P FOR VALUES", "a CHECK with the partition's bounds"),
        ("CREATE UNIQUE INDEX I ON T ( A )", "CREATE INDEX CONCURRENTLY"),
        ("REINDEX TABLE T", "REINDEX … CONCURRENTLY"),
        ("VACUUM ( FULL ) T", "pg_repack"),
        ("CLUSTER T", "pg_repack"),
        ("REFRESH MATERIALIZED VIEW M", "CONCURRENTLY, which wants a unique index"),
        ("UPDATE T SET A = 1", "in batches"),
    ],
)
def test_each_classic_statement_has_its_safe_form(phrase: str, word: str) -> None:
    advice = advice_for(phrase)
    assert advice is not None
    assert word in advice


@pytest.mark.parametrize(
    ("phrase", "is_advised"),
    [
        ("ALTER TABLE T DROP COLUMN C", True),
        ("ALTER TABLE T RENAME COLUMN C TO D", True),
        ("DROP TABLE T", True),
        ("ALTER TABLE T DROP CONSTRAINT C", False),
        ("ALTER TABLE T ADD COLUMN C INT", False),
    ],
)
def test_what_others_may_still_use_is_taken_away_in_two_deployments(phrase: str, is_advised: bool) -> None:
    (statement,) = judged(did(1, (TASKS, AE), phrase=phrase)).statements
    assert (statement.advice is not None) is is_advised


def test_a_lock_on_an_empty_table_counts_while_another_is_read() -> None:
    sizes = {VIEW.name: Size(0, 0), TASKS.name: FULL[TASKS.name]}
    rehearsal = judged(did(1, (VIEW, AE), rewritten=(VIEW,), scanned=(TASKS, VIEW)), sizes=sizes)
    assert [(finding.rule, finding.subject) for finding in rehearsal.findings] == [
        ("blocks-reads", "materialized view public.totals")
    ]


def test_what_is_safe_already_gets_no_advice_to_be_so() -> None:
    assert advice_for("CREATE INDEX CONCURRENTLY I ON T ( A )") is None
    assert advice_for("REINDEX TABLE CONCURRENTLY T") is None


def test_every_rule_can_be_found() -> None:
    assert set(RULES) == {"blocks-reads", "blocks-writes", "rewrites", "scans", "invalid-index", "fails"}

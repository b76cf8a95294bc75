"""The catalog beside pg_dump: statements of every kind at random, and those that once went unseen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proof import fuzz_catalog
from tests.proof.fuzz_catalog import Grammar, Looking, at_random, begun, compared, explained

pytestmark = pytest.mark.postgres

# Each changes what a dump says, and the catalog once was the same after it.
ONCE_MISSED = (
    'REVOKE ALL ON t1 FROM "fuzz_a"; ALTER TABLE t1 OWNER TO "fuzz_a"; REVOKE ALL ON t1 FROM "fuzz_a"',
    "GRANT SELECT (rolname) ON pg_authid TO fuzz_a",
    "GRANT USAGE ON TYPE int4 TO fuzz_a",
    "ALTER FUNCTION f1(integer, text) DEPENDS ON EXTENSION plpgsql",
    "ALTER INDEX i1 DEPENDS ON EXTENSION plpgsql",
    "ALTER OPERATOR FAMILY of1 USING btree ADD FUNCTION 1 (bigint, integer) btint84cmp(bigint, integer)",
    "CREATE SUBSCRIPTION su1 CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false, slot_name = NONE)",
    "ALTER SUBSCRIPTION su1 SET (binary = true)",
    "ALTER SUBSCRIPTION su1 SET (streaming = true)",
    "ALTER SUBSCRIPTION su1 SET (synchronous_commit = 'on')",
    "CREATE TYPE b1",
    "CREATE FUNCTION b1_in(cstring) RETURNS b1 LANGUAGE internal IMMUTABLE STRICT AS 'int4in'",
    "CREATE FUNCTION b1_out(b1) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out'",
    "CREATE FUNCTION b1_send(b1) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send'",
    "CREATE TYPE b1 (INPUT = b1_in, OUTPUT = b1_out, LIKE = integer, DELIMITER = ';')",
    "ALTER TYPE b1 SET (SEND = b1_send)",
    "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))",
    "COMMENT ON TRANSFORM FOR int LANGUAGE sql IS 'x'",
    "ALTER TABLE p1 ATTACH PARTITION p1b FOR VALUES FROM (10) TO (20)",
    "CREATE UNIQUE INDEX ip_u ON ONLY p1 (id)",
    "ALTER TABLE p1a ADD CONSTRAINT p1a_u UNIQUE (id)",
    "ALTER INDEX ip_u ATTACH PARTITION p1a_u",
    "ALTER SCHEMA public RENAME TO once_public",
    "COMMENT ON SCHEMA once_public IS 'x'",
)
# Each changes nothing, and the catalog once was another after it.
ONCE_TAKEN_FOR_A_CHANGE = (
    "GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO PUBLIC",
    'ALTER POLICY po1 ON t1 TO "fuzz b", fuzz_a',
    'ALTER POLICY po1 ON t1 TO fuzz_a, "fuzz b", fuzz_a',
)
# As those that were missed, on servers since 17.
ONCE_MISSED_SINCE_17 = ("ALTER TABLE p1 SET ACCESS METHOD heap", "ALTER TABLE p1 SET ACCESS METHOD DEFAULT")


@pytest.fixture
def looking(postgres_server: dict[str, str]) -> Iterator[Looking]:
    """Return who looks at a database of its own by both ways."""
    with fuzz_catalog.roles(postgres_server), begun(postgres_server) as made:
        yield made


def run_in(looking: Looking, *statements: str) -> Iterator[str]:
    for statement in statements:
        looking.connection.execute(statement.encode())
        yield statement


@pytest.mark.parametrize("seed", [1, 2])
def test_what_random_statements_change_is_what_a_dump_says(looking: Looking, seed: int) -> None:
    assert [str(found) for found in at_random(looking, Grammar(seed), 25) if not explained(found)] == []


def test_what_a_dump_says_the_catalog_says_too(looking: Looking) -> None:
    before = looking.catalog()
    newer = ONCE_MISSED_SINCE_17 if looking.connection.info.server_version >= 170000 else ()
    for statement in run_in(looking, *newer, *ONCE_MISSED):
        now = looking.catalog()
        assert now != before, statement
        before = now


def test_those_are_what_a_dump_says(looking: Looking) -> None:
    assert [str(found) for found in compared(looking, run_in(looking, *ONCE_MISSED))] == []


def test_what_comes_to_the_same_is_no_change(looking: Looking) -> None:
    looking.connection.execute('ALTER POLICY po1 ON t1 TO fuzz_a, "fuzz b"')
    before = looking.catalog()
    for statement in run_in(looking, *ONCE_TAKEN_FOR_A_CHANGE):
        assert looking.catalog() == before, statement


def test_an_operator_that_is_only_named_is_none(looking: Looking) -> None:
    before = looking.catalog()
    make = "CREATE OPERATOR <~> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = fbool, COMMUTATOR = >~<)"
    looking.connection.execute(make.encode())
    looking.connection.execute(b"DROP OPERATOR <~> (integer, integer)")
    assert looking.connection.execute("SELECT count(*) FROM pg_operator WHERE oprname = '>~<'").fetchone() == (1,)
    assert looking.catalog() == before


def test_a_foreign_key_that_nothing_enforces_is_another_one(looking: Looking) -> None:
    """pg_dump leaves out the triggers behind it."""
    before = looking.catalog()
    looking.connection.execute(b"ALTER TABLE s1.t2 DISABLE TRIGGER ALL")
    changed = {item for item, properties in looking.catalog().items() if before.get(item) != properties}
    assert [item.in_words for item in changed] == ["constraint t2_b_fkey of s1.t2"]
    looking.connection.execute(b"ALTER TABLE s1.t2 ENABLE TRIGGER ALL")
    assert looking.catalog() == before

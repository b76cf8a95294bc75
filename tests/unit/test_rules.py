"""Every rule is a record that says what to do instead; nothing that the pinned squawk knows is without one."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from migration_manager import proof, rehearsal, squawk
from migration_manager.rules import KNOWN_SQUAWK, OF_OTHER_COMMANDS, OWN, RULES, SQUAWK, Asked, Origin, Rule, unknown
from tests.fixtures.cli import REPOSITORY

# One text for each of squawk's rules that it breaks; the version says which server has to be meant.
BREAKS = {
    "adding-field-with-default": "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();",
    "adding-foreign-key-constraint": "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id);",
    "adding-not-nullable-field": "ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
    "adding-required-field": "ALTER TABLE t ADD COLUMN a text NOT NULL;",
    "adding-serial-primary-key-field": "ALTER TABLE t ADD PRIMARY KEY (id);",
    "ban-alter-domain-with-add-constraint": "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value <> '');",
    "ban-alter-identity": "ALTER TABLE t ALTER COLUMN a SET GENERATED ALWAYS;",
    "ban-char-field": "CREATE TABLE t (a char(3));",
    "ban-concurrent-index-creation-in-transaction": "SELECT 1; CREATE INDEX CONCURRENTLY i ON t (a);",
    "ban-create-domain-with-constraint": "CREATE DOMAIN d AS text CHECK (value <> '');",
    "ban-drop-column": "ALTER TABLE t DROP COLUMN a;",
    "ban-drop-constraint": "ALTER TABLE t DROP CONSTRAINT c;",
    "ban-drop-database": "DROP DATABASE d;",
    "ban-drop-default": "ALTER TABLE t ALTER COLUMN a DROP DEFAULT;",
    "ban-drop-domain": "DROP DOMAIN d;",
    "ban-drop-extension": "DROP EXTENSION e;",
    "ban-drop-function": "DROP FUNCTION f();",
    "ban-drop-generated-expression": "ALTER TABLE t ALTER COLUMN a DROP EXPRESSION;",
    "ban-drop-not-null": "ALTER TABLE t ALTER COLUMN a DROP NOT NULL;",
    "ban-drop-schema": "DROP SCHEMA s;",
    "ban-drop-sequence": "DROP SEQUENCE s;",
    "ban-drop-table": "DROP TABLE t;",
    "ban-drop-type": "DROP TYPE e;",
    "ban-drop-view": "DROP VIEW v;",
    "ban-duplicate-column-assignments": "UPDATE t SET a = 1, a = 2;",
    "ban-set-schema": "ALTER TABLE t SET SCHEMA s;",
    "ban-truncate-cascade": "TRUNCATE t CASCADE;",
    "ban-uncommitted-transaction": "BEGIN; SELECT 1;",
    "changing-column-type": "ALTER TABLE t ALTER COLUMN a TYPE bigint;",
    "constraint-missing-not-valid": "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);",
    "disallowed-unique-constraint": "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a);",
    "identifier-too-long": f"CREATE TABLE {'t' * 70} (a text);",
    "prefer-bigint-over-int": "CREATE TABLE t (a integer);",
    "prefer-bigint-over-smallint": "CREATE TABLE t (a smallint);",
    "prefer-identity": "CREATE TABLE t (a bigserial);",
    "prefer-repack": "VACUUM FULL t;",
    "prefer-robust-stmts": "CREATE TABLE t (a text);",
    "prefer-text-field": "CREATE TABLE t (a varchar(10));",
    "prefer-timestamp-tz": "CREATE TABLE t (a timestamp);",
    "renaming-column": "ALTER TABLE t RENAME COLUMN a TO b;",
    "renaming-object": "ALTER VIEW v RENAME TO w;",
    "renaming-table": "ALTER TABLE t RENAME TO u;",
    "require-concurrent-index-creation": "CREATE INDEX i ON t (a);",
    "require-concurrent-index-deletion": "DROP INDEX i;",
    "require-concurrent-partition-detach": "ALTER TABLE t DETACH PARTITION p;",
    "require-concurrent-reindex": "REINDEX INDEX i;",
    "require-enum-value-ordering": "ALTER TYPE e ADD VALUE 'x';",
    "require-lock-timeout": "ALTER TABLE t ADD COLUMN a text;",
    "require-statement-timeout": "ALTER TABLE t ADD COLUMN a text;",
    "syntax-error": "SELECT FROM WHERE (;",
    "transaction-nesting": "BEGIN; SELECT 1; COMMIT;",
    "unused-ignore": "-- squawk-ignore no-such-rule\nSELECT 1;",
}
NOT_SAID_BY_ITSELF = {"require-timeout-settings"}  # the older name of the two others
NEEDS_A_TRANSACTION = {"ban-concurrent-index-creation-in-transaction", "transaction-nesting"}
NO_NAMES_OF_OPTIONS = {"syntax-error", "unused-ignore"}  # which squawk always says


def said(text: str, *, in_transaction: bool = False) -> set[str]:
    sheet = squawk.Sheet(text, in_transaction)
    return {remark.rule for remark in squawk.remarks(squawk.find(), [sheet], server_version="19")}


def is_known_to_squawk(name: str) -> bool:
    done = subprocess.run([squawk.find(), "--exclude", name, "/dev/null"], capture_output=True, text=True, check=False)
    return "invalid rule name" not in done.stderr


# ------------------------------------------------------------------------------------------ records


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_record_says_what_is_wrong_what_to_do_and_why_not_everywhere(rule: Rule) -> None:
    assert re.fullmatch("[a-z]+(-[a-z]+)*", rule.id)
    assert rule.wrong
    assert rule.advice
    assert not rule.wrong.endswith(".")
    assert not rule.advice.endswith(".")
    assert (rule.because is None) is (rule.asked is Asked.EVERYWHERE)
    assert rule.is_asked(rollback=False, outside=True) is (rule.asked is not Asked.NOWHERE)


def test_records_are_found_by_their_name_and_no_name_is_taken_twice() -> None:
    assert len(RULES) == len(OWN) + len(SQUAWK)
    assert all(name == rule.id for name, rule in RULES.items())
    assert all(rule.origin is Origin.OWN for rule in OWN.values())
    assert OF_OTHER_COMMANDS & RULES.keys() == {"no-rollback"}, "what prove says as well, of the same"
    assert proof.RULES.keys() | rehearsal.RULES.keys() == OF_OTHER_COMMANDS


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("adding-required-field", ["nullable", "backfill in batches", "NOT VALID", "VALIDATE", "SET NOT NULL"]),
        ("adding-not-nullable-field", ["backfill", "NOT VALID", "VALIDATE", "SET NOT NULL"]),
        ("changing-column-type", ["new column", "backfill", "swap", "drop the old one in a later migration"]),
        ("renaming-column", ["three phases", "trigger", "release", "drop the old one"]),
        ("renaming-table", ["three phases", "view", "release"]),
        ("ban-drop-column", ["two phases", "release", "later migration"]),
        ("require-concurrent-index-creation", ["CONCURRENTLY", "-- migrate: no-transaction"]),
        ("require-concurrent-index-deletion", ["CONCURRENTLY", "-- migrate: no-transaction"]),
        ("disallowed-unique-constraint", ["CREATE UNIQUE INDEX CONCURRENTLY", "USING INDEX"]),
        ("adding-foreign-key-constraint", ["NOT VALID", "VALIDATE", "later file"]),
        ("constraint-missing-not-valid", ["NOT VALID", "VALIDATE", "later file"]),
    ],
)
def test_the_advice_is_the_safe_way_in_steps(name: str, words: list[str]) -> None:
    advice = SQUAWK[name].advice
    places = [advice.find(word) for word in words]
    assert -1 not in places, advice
    assert places == sorted(places), "in this order"


def test_what_a_rollback_is_for_is_no_finding_in_it_and_what_blocks_others_is() -> None:
    of_rollbacks = {name for name, rule in RULES.items() if rule.is_asked(rollback=True, outside=False)}
    assert not of_rollbacks & {"ban-drop-table", "ban-drop-column", "renaming-column", "loses-data", "no-rollback"}
    assert of_rollbacks >= {
        "require-concurrent-index-deletion", "changing-column-type", "adding-required-field", "writes-under-lock",
        "adding-not-nullable-field", "ban-truncate-cascade", "needs-no-transaction",
    }  # fmt: skip


def test_of_a_rule_nobody_has_written_down_squawk_s_own_words_are_said() -> None:
    assert unknown("brand-new").wrong == "{said}"
    assert unknown("brand-new").is_asked(rollback=True, outside=False)


# ------------------------------------------------------------------------------------------- squawk


def test_the_records_were_gone_through_for_the_squawk_that_is_installed() -> None:
    assert version("squawk-cli") == KNOWN_SQUAWK, "look at what is new in it, and write the records"
    assert f"squawk-cli=={KNOWN_SQUAWK} " in (REPOSITORY / "requirements.lock").read_text("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="how a program keeps its texts differs from system to system")
def test_the_names_in_squawk_s_own_table_all_have_a_record() -> None:
    program = squawk.find().read_bytes().decode("latin-1")
    (table,) = (found for found in re.findall("[a-z-]{200,}", program) if "ban-drop-column" in found)
    names = sorted(SQUAWK, key=len, reverse=True)
    rest = re.sub("|".join(names), " ", table).strip()
    assert rest == "", "names that no record has"


@pytest.mark.parametrize("name", sorted(SQUAWK.keys() - NO_NAMES_OF_OPTIONS))
def test_a_record_of_squawk_s_has_squawk_s_name(name: str) -> None:
    assert is_known_to_squawk(name)
    assert not is_known_to_squawk(name + "x")


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_squawk_says_so(name: str) -> None:
    assert name in said(BREAKS[name], in_transaction=name in NEEDS_A_TRANSACTION)


def test_every_rule_that_is_asked_has_a_text_that_breaks_it_and_the_others_squawk_leaves_off() -> None:
    assert {name for name, rule in SQUAWK.items() if rule.asked is not Asked.NOWHERE} <= BREAKS.keys()
    left_off = SQUAWK.keys() - BREAKS.keys() - NOT_SAID_BY_ITSELF
    assert {SQUAWK[name].because for name in left_off if "squawk leaves it off" not in str(SQUAWK[name].because)} == {
        SQUAWK["require-table-schema"].because
    }
    everything_at_once = [squawk.Sheet(text, in_transaction=False) for text in BREAKS.values()]
    found = {remark.rule for remark in squawk.remarks(squawk.find(), everything_at_once, server_version=None)}
    assert not left_off & found
    assert found <= SQUAWK.keys()


def test_places_are_told_in_characters() -> None:
    text = "SELECT 1;\n/* ééé 😀 */ DROP TABLE t;\n"
    (remark,) = (
        remark
        for remark in squawk.remarks(squawk.find(), [squawk.Sheet(text, in_transaction=True)], server_version=None)
        if remark.rule == "ban-drop-table"
    )
    assert text.split("\n")[remark.line][remark.column :] == "DROP TABLE t;"

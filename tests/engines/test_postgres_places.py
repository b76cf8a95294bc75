"""Where CONTEXT points to when the server speaks another language: its names and numbers count, not its words."""

from __future__ import annotations

import pytest

from migration_manager.engines.postgres_places import Places
from migration_manager.engines.postgres_wire import Said
from migration_manager.messages import messages
from migration_manager.model import Dialect
from tests.fixtures.files import parsed

TEXT = """\
SELECT 1;
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'no';
END $$;
DO $$
BEGIN
  NULL;
  PERFORM f(7);
END $$;
CREATE TABLE t (i integer, n text);
COPY t FROM stdin;
1	a
x	b
3	c
\\.
"""


def line_of(number: int, context: str) -> int | None:
    """Return the line of the file that is pointed at when a statement, from 0, fails with this CONTEXT."""
    script = parsed(TEXT, Dialect.POSTGRESQL)
    places = Places(script)
    (message,) = messages(script)
    offset = places.offset(message, number, Said(context))
    return None if offset is None else TEXT.count("\n", 0, offset) + 1


@pytest.mark.parametrize(
    "context",
    [
        "PL/pgSQL function inline_code_block line 3 at RAISE",
        "PL/pgSQL-Funktion inline_code_block Zeile 3 bei RAISE",
        "fonction PL/pgSQL inline_code_block, ligne 3, à RAISE",
        "función PL/pgSQL inline_code_block en la línea 3 en RAISE",
        "funzione PL/pgSQL inline_code_block riga 3 a RAISE",
        "функция PL/pgSQL inline_code_block, строка 3, оператор RAISE",
        "PL/pgSQL関数inline_code_blockの3行目 - RAISE",
        "PL/pgSQL 함수 inline_code_block 의 3번째 RAISE",
    ],
)
def test_a_line_of_a_do_block_is_found_in_any_language(context: str) -> None:
    assert line_of(2, context) == 8


@pytest.mark.parametrize(
    "context",
    [
        "PL/pgSQL function f(integer) line 3 at RAISE\nPL/pgSQL function inline_code_block line 4 at PERFORM",
        "PL/pgSQL-Funktion f(integer) Zeile 3 bei RAISE\nPL/pgSQL-Funktion inline_code_block Zeile 4 bei PERFORM",
        "fonction PL/pgSQL f(integer), ligne 3, à RAISE",
    ],
)
def test_a_line_of_a_function_is_found_in_any_language(context: str) -> None:
    assert line_of(2, context) == 4


@pytest.mark.parametrize(
    "context",
    [
        "在RAISE的第3行的PL/pgSQL函数inline_code_block",
        '在RAISE的第3行的PL/pgSQL函数f(integer)\nSQL语句 "SELECT f(7)"',
        "PL/pgSQL関数f(integer)の3行目 - RAISE",
        "PL/pgSQL function f(integer) while storing call arguments into local variables",
        "words of nobody 3 at 4",
        "",
    ],
)
def test_what_names_no_line_after_the_function_points_at_the_statement_or_at_the_right_line(context: str) -> None:
    assert line_of(2, context) in ({6, 8} if "inline_code_block" in context else {4, 6})


@pytest.mark.parametrize(
    "context",
    [
        'COPY t, line 2, column i: "x"',
        "COPY t, Zeile 2, Spalte i: »x«",
        "COPY t, ligne 2, colonne i : « x »",
        "COPY t, línea 2, columna i: «x»",
        'COPY t, строка 2, столбец i: "x"',
        'tの2行目のCOPY、列 i: "x"',
        'COPY tの2行目、列 i: "x"',
    ],
)
def test_a_row_is_found_in_any_language_or_its_copy_is_pointed_at(context: str) -> None:
    assert line_of(4, context) in ({14} if context.startswith("COPY t,") else {12, 14})

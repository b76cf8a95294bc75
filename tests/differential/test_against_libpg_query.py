"""The same statements as libpg_query, which is the parser of PostgreSQL 18: over the corpus and over generated text.

Where the grammar accepts a text, its bounds are the truth. Where only its scanner does, its tokens are. What it cannot
know is left out by name: see `not_comparable`.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from migration_manager.model import Dialect
from migration_manager.sqltext import Rows, Sql, SqlTextError, split, stream
from tests.differential.reference import NoTokens, bare, lexed, parsed
from tests.fuzz.hostile_sql import CORPUS, HostileSql, as_in_a_file, corpus

PG = Dialect.POSTGRESQL
FILES = sorted(path.name for path in CORPUS.glob("*.sql"))
GENERATED = 2500  # texts of each kind


def ours(text: str) -> list[str]:
    """Return the statements of a text without what is around them."""
    return [bare(text[statement.start : statement.end]) for statement in split(text, PG)]


# ---------------------------------------------------------------------------------------------- exceptions

_CONTINUED_OVER_A_COMMENT = re.compile(r"'\s*--[^\n\r]*[\n\r](?:\s|--[^\n\r]*[\n\r])*'")


def not_comparable(text: str) -> str | None:
    """Return why libpg_query cannot be asked about a text; None where it can."""
    if "standard_conforming_strings" in text.casefold():
        return "it follows no setting, and we follow standard_conforming_strings"
    if _CONTINUED_OVER_A_COMMENT.search(text):
        return "its scanner keeps comments, so that 'a' -- comment, and 'b' in the next line are two literals"
    return _known_to_psql_only(text)


def _known_to_psql_only(text: str) -> str | None:
    try:
        for piece in stream((text,), PG):
            if isinstance(piece, Sql) and piece.psql_lines:
                return "it does not know the restrict lines of pg_dump"
            if isinstance(piece, Rows):
                return "it does not know the rows of COPY"
    except SqlTextError as error:
        if "COPY" in error.message:
            return "it does not know that rows have to follow COPY"
    return None


# ------------------------------------------------------------------------------------------------- the rule


def disagreement(text: str) -> str | None:
    """Return where we and libpg_query differ on a text; None where we agree."""
    truth = parsed(text)
    try:
        found = [text[statement.start : statement.end] for statement in split(text, PG)]
    except SqlTextError as error:
        return _refused(text, truth, error)
    if truth is not None:
        return _difference([bare(piece) for piece in found], [bare(piece) for piece in truth])
    try:
        tokens = lexed(text)
    except NoTokens as error:
        return f"accepted, but: {error}" if str(error).startswith("unterminated") else None
    if _may_hold_a_body(text):
        return None  # only the grammar knows which semicolons belong to a body
    return _difference([bare(piece) for piece in found], tokens)


def _may_hold_a_body(text: str) -> bool:
    return re.search(r"\bcreate\b.*\batomic\b", text, re.IGNORECASE | re.DOTALL) is not None


def _refused(text: str, truth: list[str] | None, error: SqlTextError) -> str | None:
    if truth is not None:
        return f"refused, but it is valid: {error.message}"
    if "closed" not in error.message or "parenthesis" in error.message:
        return None  # a psql command, a body without END: the scanner has nothing to say about those
    try:
        lexed(text)
    except NoTokens:
        return None
    return f"refused, but it consists of tokens: {error.message}"


def _difference(found: list[str], truth: list[str]) -> str | None:
    return None if found == truth else f"we cut {found!r}, it cuts {truth!r}"


# ---------------------------------------------------------------------------------------------------- tests


def test_the_corpus_is_large_enough() -> None:
    statements = [len(parsed(text) or ()) for text in corpus().values()]
    assert all(statements), "a file of the corpus is not valid"
    assert sum(statements) >= 500


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_the_corpus_is_cut_as_the_grammar_cuts_it(name: str, line_end: str) -> None:
    text = (CORPUS / name).read_bytes().decode().replace("\n", line_end)
    truth = parsed(text)
    assert truth is not None
    assert ours(text) == [bare(piece) for piece in truth]


@pytest.mark.parametrize("name", FILES)
def test_a_statement_of_the_corpus_is_one_statement_alone_and_among_others(name: str) -> None:
    for statement in parsed((CORPUS / name).read_bytes().decode()) or ():
        alone = bare(statement)
        assert ours(alone) == [alone]
        assert ours(f"\n{statement}\n;{statement};") == [alone, alone]


@pytest.mark.parametrize("kind", ["composed", "mutated", "glued", "noise"])
def test_generated_text_is_cut_as_libpg_query_cuts_it(kind: str, generator: HostileSql) -> None:
    seen: Counter[str] = Counter()
    for _ in range(GENERATED):
        text = as_in_a_file(getattr(generator, kind)())
        reason = not_comparable(text)
        if reason is None:
            assert disagreement(text) is None, repr(text)
            seen["valid" if parsed(text) is not None else "not valid"] += 1
        else:
            seen[reason] += 1
    print(seen)
    assert seen["valid"] + seen["not valid"] > GENERATED * 0.5
    if kind in ("composed", "mutated"):
        assert seen["valid"] > GENERATED * 0.05


def test_every_prefix_of_the_corpus_is_cut_alike(generator: HostileSql) -> None:
    """A file that ends in the middle of anything: refused or accepted by both."""
    texts = list(corpus().values())
    for _ in range(GENERATED):
        text = generator.random.choice(texts)
        begin = text.rfind("\n", 0, generator.random.randrange(len(text))) + 1
        piece = text[begin : begin + generator.random.randint(1, 300)]
        if not_comparable(piece) is None:
            assert disagreement(piece) is None, repr(piece)


def test_the_reference_would_notice() -> None:
    """The comparison itself can fail: a text that we cut and the grammar does not."""
    assert disagreement("SELECT 1; SELECT 2") is None
    assert _difference(["SELECT 1"], ["SELECT 1;"]) is not None
    assert lexed("a; (b; c); d) ; e -- x") == ["a", "(b; c)", "d)", "e"]

"""Texts that a lexer of SQL finds hard: composed of statements, mutated from the corpus, or noise.

Everything comes out of one seed, so that a text can be made again. Nothing here knows how the lexer works.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Final

from migration_manager.model import Dialect

CORPUS: Final = Path(__file__).parents[1] / "data" / "corpus"

# ------------------------------------------------------------------------------------------- fragments

LITERALS: Final = (
    *("';'", "''", "''''", "'it''s;'", r"'a\'", "'--'", "'/*'", "'*/'", "'$$'", "'\"'", "'a\nb;'", "'é;😀'"),
    *(r"E'\';'", r"e'\\'", "E';'", r"E'a''\';'", r"E'\n;'", "E'a'\n'b;'", "E'a'\n  '\\';'", "E''"),
    *(r"U&'\003b;'", r"U&'d!0061;' UESCAPE '!'", "B'01'", "X'1F'", "b''", "N';'", "'a'\n';b'"),
    *("$$;$$", "$$$$", "$a$;$a$", "$a$ $$;' $a$", "$é$;$é$", "$_1$;\n$_1$", "$$'$$", "$$--\n$$"),
    *("1", "1.5", ".5", "1e10", "0x1F", "1_000", "$1", "NULL", "date '2024-01-01'"),
)
NAMES: Final = (
    *(
        "a",
        "t",
        "e",
        "E",
        "u",
        "b",
        "x",
        "n",
        "end_",
        "atomic",
        "a$b$",
        "_1",
        "é",
        "\u017f",
        "a\u00a0b",
        "naïve",
        "stdin",
    ),
    *('"a;b"', '"a"";"', '"--"', '"\'"', '"E"', '"$$"', 't."end"', "t.end", "t.case", "t.begin", "begin"),
)
OPERATORS: Final = ("+", "-", "*", "/", "||", "@-", "-", "<>", "->", "->>", "@>", "<=", "*@", "@/", "=", "%", "^", "#")
COMMENTS: Final = (
    *("/**/", "/* ; */", "/* ' */", "/* /* ; */ */", "/*/ ; */", "/***/", "/* -- */", "/* $$ */", "/*\n;*/"),
    *("-- ;\n", "--\n", "-- '\n", "--/*\n", "---\n", "-- $a$\n"),
)
BLANKS: Final = (" ", " ", " ", " ", "\n", "\t", "\f", "\v", "\r\n", "  \n ")

STATEMENTS: Final = (
    *("SELECT @, @ FROM #", "SELECT @ & @", "SELECT ( @ )", "SELECT # . * FROM # WHERE @ = @", "VALUES ( @, @ )"),
    *("INSERT INTO # VALUES ( @, @ ), ( @, @ )", "UPDATE # SET a = @ WHERE @ & @ = @", "DELETE FROM # WHERE a = @"),
    *("SELECT CASE WHEN @ = @ THEN @ ELSE @ END", "SELECT @ AS end, @ AS begin FROM #", "BEGIN", "COMMIT", "END"),
    *("CREATE TABLE # ( a int DEFAULT @, b text CHECK ( b <> @ ) )", "SELECT ( ( @ ) ) & ( SELECT @ )"),
    *("DO 'begin; end'", "DO $$ BEGIN; END $$", "DO $x$ begin null; end $x$", "SELECT a [ @ : @ ] FROM #", "SELECT"),
    "CREATE FUNCTION # ( a int ) RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2 $$",
    "CREATE FUNCTION # ( ) RETURNS int LANGUAGE sql RETURN @",
    "CREATE FUNCTION # ( a int ) RETURNS int BEGIN ATOMIC SELECT @ ; SELECT CASE WHEN @ = @ THEN @ END ; END",
    "CREATE OR REPLACE PROCEDURE # ( a int ) BEGIN ATOMIC INSERT INTO # VALUES ( @ ) ; SELECT t.end FROM # ; END",
    "CREATE FUNCTION f ( ) RETURNS void BEGIN ATOMIC END",
    "CREATE RULE r AS ON INSERT TO # DO ALSO ( INSERT INTO # VALUES ( @ ) ; DELETE FROM # )",
    "CREATE RULE r AS ON UPDATE TO # DO INSTEAD ( SELECT @ ; SELECT CASE WHEN @ = @ THEN 1 END ; )",
    "CREATE SCHEMA s CREATE TABLE # ( a int ) CREATE VIEW v AS SELECT @",
    *("COPY # TO '/a;'", "COMMENT ON TABLE # IS ';'", "GRANT SELECT ON # TO PUBLIC", "SET a.b = ';'", "TABLE #"),
    *("PREPARE p AS SELECT @", "EXPLAIN SELECT @", "DECLARE c CURSOR FOR SELECT @", "CREATE VIEW v AS SELECT @"),
)
# Statements of which the lexer has to know more than where their semicolon is.
PSQL_STATEMENTS: Final = (
    *(
        "COPY # FROM stdin ;\n1\t2;\n'\n\\.\n",
        'copy # (a) from STDIN with (format csv);\n"\n\\.\n',
        "COPY # FROM stdin;",
    ),
    *(
        "\\restrict abc1\n",
        "\n\\unrestrict abc1\n",
        "\\echo ;\n",
        "\\.\n",
        "SELECT @ \\gset\n",
        "SELECT 1 \\; SELECT 2",
    ),
    *("SET standard_conforming_strings = off", "SET LOCAL standard_conforming_strings TO on", "RESET ALL"),
    *("RESET standard_conforming_strings", "SELECT set_config('standard_conforming_strings', 'off', false)"),
)
SQLITE_STATEMENTS: Final = (
    *(
        "SELECT @, @ FROM #",
        "SELECT x'00', `a;b`, [c;d], @",
        "INSERT INTO # VALUES ( @, @ )",
        "PRAGMA foreign_keys = 1",
    ),
    "CREATE TRIGGER # AFTER INSERT ON # BEGIN INSERT INTO # VALUES ( @ ) ; DELETE FROM # ; END",
    "CREATE TEMP TRIGGER IF NOT EXISTS # AFTER UPDATE ON # BEGIN SELECT CASE WHEN @ THEN @ END ; END",
    *("CREATE TABLE # ( a, b DEFAULT @ )", "BEGIN IMMEDIATE", "COMMIT", "END", ".tables", ".5", "SELECT @ & @"),
)
# What begins, ends or changes something, glued together without regard to sense.
PIECES: Final = (
    *LITERALS,
    *NAMES,
    *COMMENTS,
    *(
        "'",
        "'",
        '"',
        "$",
        "$$",
        "$a$",
        "$1",
        "\\",
        "\\'",
        "\\.",
        "\n\\.\n",
        ";",
        ";",
        "(",
        ")",
        "--",
        "/*",
        "*/",
        "-",
        "/",
    ),
    *(
        "E",
        "e",
        "U&",
        "B",
        "X",
        "N",
        "E'",
        "U&'",
        "X'",
        "`",
        "[",
        "]",
        ".",
        ",",
        ":",
        "::",
        "\n",
        " ",
        "\t",
        "\r\n",
        "\x00",
    ),
    *(
        "CREATE",
        "FUNCTION",
        "PROCEDURE",
        "SCHEMA",
        "TRIGGER",
        "BEGIN",
        "ATOMIC",
        "CASE",
        "END",
        "OR",
        "REPLACE",
        "COPY",
    ),
    *(
        "FROM",
        "stdin",
        "TEMP",
        "SET",
        "RESET",
        "standard_conforming_strings",
        "off",
        "on",
        "=",
        "SELECT",
        "\\restrict a\n",
    ),
    *(
        "BEGIN ATOMIC",
        "COPY t FROM stdin;\n",
        "CREATE FUNCTION f() ",
        "CREATE TRIGGER t ",
        "set_config(",
        "DISCARD ALL",
    ),
)
NOISE: Final = "'''\"\"$$$;;;()--//**\\\\\n\n  \teEuU&bBxXnaA01_é\u00a0.:,@+`[]\r\f\v\x00😀"
_PIECE: Final = re.compile(r"\w+|\s+|'[^']*'|\"[^\"]*\"|\$\w*\$|.", re.DOTALL)


def corpus() -> dict[str, str]:
    """Return the corpus: the text of each file by its name."""
    return {path.name: path.read_bytes().decode() for path in sorted(CORPUS.glob("*.sql"))}


def as_in_a_file(text: str) -> str:
    """Return the text as one may stand in a file that was read: no NUL, no byte-order mark before it."""
    return text.replace("\x00", "").lstrip("\ufeff")


class HostileSql:
    """Makes texts, each different, the same ones for the same seed."""

    def __init__(self, seed: int, dialect: Dialect = Dialect.POSTGRESQL) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be repeatable is the point
        self._dialect = dialect
        # Lines are a good measure to mutate: most of the corpus has a statement on each.
        self._lines = [line for text in corpus().values() for line in text.splitlines(keepends=True)]

    def any(self) -> str:
        """Return a text of any kind."""
        return self.random.choice((self.composed, self.mixed, self.mutated, self.mutated, self.glued, self.noise))()

    def composed(self, statements: tuple[str, ...] | None = None) -> str:
        """Return statements that are nearly always valid, with comments and blanks of every kind in between."""
        if statements is None:
            statements = STATEMENTS if self._dialect is Dialect.POSTGRESQL else SQLITE_STATEMENTS
        written = [self._filled(self.random.choice(statements)) for _ in range(self.random.randint(1, 4))]
        return self._gap(0) + (self._gap(0) + ";" + self._gap(0)).join(written) + self.random.choice(("", ";", ";\n"))

    def mixed(self) -> str:
        """Return statements of which some need rules of their own, such as COPY with rows."""
        if self._dialect is Dialect.SQLITE:
            return self.composed(SQLITE_STATEMENTS + STATEMENTS[:8])
        return self.composed(STATEMENTS[:10] + PSQL_STATEMENTS)

    def mutated(self) -> str:
        """Return some of the corpus or of a composed text with a few edits."""
        at = self.random.randrange(len(self._lines))
        lines = self._lines[at : at + self.random.randint(1, 6)]
        return self.edited("".join(lines) if self.random.random() < 0.8 else self.composed())

    def edited(self, text: str) -> str:
        """Return the text with one to four edits of characters or of words."""
        pieces = _PIECE.findall(text) if self.random.random() < 0.6 else list(text)
        for _ in range(self.random.randint(1, 4)):
            self._edit(pieces)
        return "".join(pieces)

    def glued(self) -> str:
        """Return pieces of SQL put together without regard to sense."""
        return "".join(self.random.choices(PIECES, k=self.random.randint(1, 30)))

    def noise(self) -> str:
        """Return characters that mean something to a lexer, in any order."""
        return "".join(self.random.choices(NOISE, k=self.random.randint(1, 80)))

    def repeated(self) -> tuple[str, str]:
        """Return the beginning of a long text, and a short piece that comes again and again after that."""
        before = self.random.choice(("", "", "SELECT ", "CREATE FUNCTION f() BEGIN ATOMIC ", *PIECES))
        return before, "".join(self.random.choices(PIECES, k=self.random.randint(1, 4)))

    def chunks(self, text: str) -> list[str]:
        """Return the text cut into pieces of random lengths, some of them empty."""
        longest = self.random.choice((1, 2, 5, 20, 100, 1000))
        if longest == 1:
            return list(text)
        found, position = [], 0
        while position < len(text):
            length = self.random.randint(0, longest)
            found.append(text[position : position + length])
            position += length
        return found

    def _edit(self, pieces: list[str]) -> None:
        if not pieces:
            return
        pick = self.random.randrange
        at = pick(len(pieces))
        match self.random.randrange(6):
            case 0:
                del pieces[at]
            case 1:
                pieces.insert(at, self.random.choice(pieces))
            case 2:
                pieces.insert(at, self.random.choice(PIECES))
            case 3:
                other = pick(len(pieces))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 4:
                pieces[at:at] = pieces[at : at + pick(1, 10)]
            case _:
                quotes = [n for n, piece in enumerate(pieces) if piece in ("'", '"', "$", "(", ")", ";", "\\", "\n")]
                if quotes:
                    pieces[self.random.choice(quotes)] = self.random.choice(
                        ("'", '"', "$", "\\", ";", "E'", "/*", "--")
                    )

    def _filled(self, statement: str) -> str:
        filled = {"@": self._literal, "#": lambda: self.random.choice(NAMES), "&": self._operator}
        words = [
            filled[word]() if word in filled else word for word in re.split(r"([@#&]| )", statement) if word.strip()
        ]
        return "".join(word + self._gap(1) for word in words[:-1]) + words[-1]

    def _literal(self) -> str:
        return self.random.choice(LITERALS) if self.random.random() < 0.8 else self.random.choice(NAMES)

    def _operator(self) -> str:
        # An operator directly before a comment is cut where the comment begins.
        return self.random.choice(OPERATORS) + (self.random.choice(COMMENTS) if self.random.random() < 0.3 else "")

    def _gap(self, least: int) -> str:
        gap = self.random.choice(BLANKS) if least or self.random.random() < 0.5 else ""
        if self.random.random() < 0.1:
            gap += self.random.choice(COMMENTS)
        return gap

"""What migrations are called: the grammar of names, their order, short names and slugs. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from migration_manager.errors import AmbiguousName, UnknownName, UsageError

ROLLBACK: Final = "_rollback"
ENDING: Final = ".sql"
LONGEST: Final = 200  # bytes, which are characters here; file systems take 255, and `_rollback.sql` comes behind
_LONGEST_NUMBER: Final = 10  # digits; more are a timestamp that lost or won some

_NAME: Final = re.compile(
    r"(?P<date>[0-9]{8})_(?P<time>[0-9]+)_(?P<slug>.+)|(?P<number>[0-9]+)_(?P<rest>.+)", re.DOTALL
)
_SLUG: Final = re.compile(r"[A-Za-z0-9_-]+")
_LEADING_NUMBER: Final = re.compile(r"(?:([0-9]{8})_([0-9]{6})(?=_)|([0-9]{1,255}))")
_FORMS: Final = "write YYYYMMDD_HHMMSS_what_it_does.sql or 001_what_it_does.sql"
# Letters that carry no accent to take off, and so do not decompose (Unicode, normalisation form KD).
_WITHOUT_ACCENT: Final = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "\u0131": "i", "ħ": "h", "ŋ": "n"}
)


# -------------------------------------------------------------------------------------------- grammar


def problem_with(name: str) -> str | None:
    """Return why a file's name (without `.sql`) is not a migration's; None when it is one."""
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST:
        return f"the name is longer than {LONGEST} bytes"
    parts = _NAME.fullmatch(name)
    if parts is None:
        return f"the name does not begin with a timestamp or a number; {_FORMS}"
    slug = parts["slug"] or parts["rest"]
    if parts["date"] is None and (trouble := _problem_with_number(parts["number"])):
        return trouble
    if parts["date"] is not None and (trouble := _problem_with_stamp(parts["date"], parts["time"])):
        return trouble
    if _SLUG.fullmatch(slug) is None:
        odd = next(character for character in slug if _SLUG.fullmatch(character) is None)
        return f"the name has {odd!r} in it; names are made of letters, digits, _ and -"
    if not re.search("[A-Za-z0-9]", slug):
        return f"the name says nothing after its number; {_FORMS}"
    if name.lower().endswith(ROLLBACK):
        return f"the name ends in {ROLLBACK}, as rollback scripts do"
    return None


def _problem_with_number(number: str) -> str | None:
    if len(number) == len("YYYYMMDDHHMMSS"):
        return None if _moment(number) else f"{number} is no date and time; {_FORMS}"
    if len(number) == len("YYYYMMDD") and _moment(number + "000000"):
        # As a number it would run before every timestamp, also before those of the years before it.
        return f"{number} is a date without a time; {_FORMS}"
    if len(number) > _LONGEST_NUMBER:
        return f"{number} has {len(number)} digits: too many for a number, and a timestamp has 14; {_FORMS}"
    return None


def _problem_with_stamp(date: str, time: str) -> str | None:
    if len(time) != len("HHMMSS"):
        return f"{date}_{time} has {len(date + time)} digits, and a timestamp has 14; {_FORMS}"
    return None if _moment(date + time) else f"{date}_{time} is no date and time; {_FORMS}"


def _moment(digits: str) -> datetime | None:
    parts = [int(digits[start:end]) for start, end in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))]
    try:
        moment = datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001 - names are in UTC and carry no zone
    except ValueError:
        return None
    return moment if moment.year >= 1970 else None


def order_key(name: str) -> tuple[int, str]:
    """Return what names sort by: the number they start with, date and time as one, then the name itself.

    Never fails: a history may hold names of any kind, and those without a number sort first.
    """
    found = _LEADING_NUMBER.match(name)
    if found is None:
        return 0, name
    return int(found[3] or found[1] + found[2]), name


def stamp_of(name: str) -> datetime | None:
    """Return the moment (UTC, naive) a name starts with; None for a plain number and for an impossible date."""
    found = _LEADING_NUMBER.match(name)
    digits = (found[3] or found[1] + found[2]) if found else ""
    return _moment(digits) if len(digits) == len("YYYYMMDDHHMMSS") else None


def shown_path(path: Path, start: Path) -> str:
    """Return a path as people see it: from where they are, where it is below that."""
    return str(path.relative_to(start) if path.is_relative_to(start) else path)


def printable(name: str) -> str:
    """Return a name with everything a terminal might act on, or cannot show, as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in name
    )


# --------------------------------------------------------------------------------------------- making


def make_name(moment: datetime, title: str) -> str:
    """Return the name of a migration made at a moment (UTC). Raises `UsageError` for an impossible title."""
    return f"{moment:%Y%m%d_%H%M%S}_{slug(title)}"


def slug(title: str) -> str:
    """Return a title as snake_case, accents folded to ASCII. Raises `UsageError` where that makes no name."""
    folded = unicodedata.normalize("NFKD", title.casefold().translate(_WITHOUT_ACCENT))
    # An accent leaves nothing, an apostrophe neither ("don't" is dont); all else separates words.
    kept = "".join(c for c in folded if not unicodedata.combining(c) and c not in "'\u2019")
    made = "_".join(re.findall("[a-z0-9]+", kept))
    if not made:
        raise UsageError(
            f"{title!r} has no letter or digit that can stand in a name",
            hint='names are made of a-z and 0-9, as in --name "Add user preferences"',
        )
    if made == ROLLBACK[1:] or made.endswith(ROLLBACK):
        raise UsageError(
            f"a migration's name cannot end in {ROLLBACK[1:]}: that is how rollback scripts are told apart",
            hint="every migration is made with its rollback script",
        )
    most = LONGEST - len("YYYYMMDD_HHMMSS_")
    if len(made) > most:
        raise UsageError(f"the name is too long: {len(made)} characters of at most {most}")
    return made


# ------------------------------------------------------------------------------------------ resolving


def resolve(asked: str, names: Sequence[str]) -> str:
    """Return the one full name a person meant: in full, its words or its number, its beginning, a part of it.

    The first of these that fits anything decides. A path and the file endings are taken off; letter case and the
    blanks of a title do not matter. Raises `AmbiguousName` with the candidates, and `UnknownName`.
    """
    if asked in names:
        return asked
    file = asked.strip().replace("\\", "/").rsplit("/", 1)[-1]
    word = file.removesuffix(ENDING).removesuffix(ROLLBACK)
    if word in names:
        return word
    word = word.lower().replace(" ", "_")
    parts = {name: _number_and_slug(name.lower()) for name in names}
    tiers = (
        [name for name in names if name.lower() == word],
        [name for name in names if parts[name][1] == word or _same_number(parts[name][0], word)],
        [name for name in names if name.lower().startswith(word) or parts[name][1].startswith(word)],
        [name for name in names if word in name.lower()],
    )
    for found in tiers if word else ():
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousName(asked, found)
    raise UnknownName(asked, [*names, *(words for _, words in parts.values())])


def slug_of(name: str) -> str:
    """Return a name's words, without its number."""
    return _number_and_slug(name)[1]


def _number_and_slug(name: str) -> tuple[str, str]:
    found = _LEADING_NUMBER.match(name)
    number = found[0] if found else ""
    return number, name[len(number) :].lstrip("_")


def _same_number(number: str, word: str) -> bool:
    """Return whether the word is this number: 1 is 001, and a timestamp may lack its underscore."""
    digits = re.fullmatch("[0-9]{1,30}", word.replace("_", ""))
    return digits is not None and number != "" and int(digits[0]) == int(number.replace("_", ""))

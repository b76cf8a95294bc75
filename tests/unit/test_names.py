"""What migrations are called: grammar, order, slugs, short names."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_manager.errors import AmbiguousName, UnknownName, UsageError
from migration_manager.names import make_name, order_key, printable, problem_with, resolve, slug, slug_of, stamp_of

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - names are in UTC and carry no zone

# ----------------------------------------------------------------------------------------------- grammar


@pytest.mark.parametrize(
    "name",
    [
        "20241227_101500_add_user_preferences",
        "20240229_235959_leap_day",
        "20241227101500_joined_timestamp",
        "001_initial_schema",
        "1_a",
        "42_2024_report",
        "1735294500_seconds_since_1970",
        "001_Mixed-Case_and-dashes",
        "00000001_eight_digits_that_are_no_date",
        "001_" + "a" * 196,
    ],
)
def test_a_timestamp_or_a_number_and_words_make_a_name(name: str) -> None:
    assert problem_with(name) is None


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("add_users", "does not begin with"),
        ("", "does not begin with"),
        ("V1__flyway", "does not begin with"),
        ("001", "does not begin with"),
        ("001_", "does not begin with"),
        ("20241227_101500", "20241227 is a date without a time"),
        ("001__", "says nothing"),
        ("20241301_101500_month_13", "no date and time"),
        ("20241227_251500_hour_25", "no date and time"),
        ("20241227_106000_minute_60", "no date and time"),
        ("20230229_101500_no_leap_year", "no date and time"),
        ("20241301101500_joined_month_13", "no date and time"),
        ("00000101_101500_year_0", "no date and time"),
        ("20241227_10150_a", "13 digits"),
        ("20241227_1015000_a", "15 digits"),
        ("20241227_1015_a", "12 digits"),
        ("2024122710150_a", "13 digits"),
        ("202412271015000_a", "15 digits"),
        ("20241227_add_users", "a date without a time"),
        ("001_a.b", "'.' in it"),
        ("001_a b", "' ' in it"),
        ("001_a'b", "in it"),
        ("001_a/../b", "'/' in it"),
        ("001_a\nb", "'\\n' in it"),
        ("001_a\x1b[31m", "'\\x1b' in it"),
        ("001_añadir", "'ñ' in it"),
        ("001_a😀", "in it"),
        ("001_\udcff", "'\\udcff' in it"),
        ("\u0660\u0660\u0661_arabic_digits", "does not begin with"),
        ("001_" + "a" * 197, "longer than 200 bytes"),
        ("001_" + "é" * 99, "longer than 200 bytes"),
        ("001_a_rollback", "ends in _rollback"),
        ("001_rollback", "ends in _rollback"),
        ("001_a_ROLLBACK", "ends in _rollback"),
    ],
)
def test_anything_else_is_refused_with_the_reason(name: str, what: str) -> None:
    assert what in (problem_with(name) or "no problem")


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{1,16}_?[0-9]{0,8}_[a-zA-Z0-9_.-]{0,8}", fullmatch=True))
@settings(max_examples=100, deadline=None)
def test_a_name_without_a_problem_is_safe_in_paths_and_terminals(name: str) -> None:
    if problem_with(name) is None:
        assert name.isascii()
        assert name.isprintable()
        assert not set(name) & set("/\\'\"`$; .:*?<>|")
        assert resolve(name, [name]) == name


# ------------------------------------------------------------------------------------------------- order


def test_names_sort_by_their_number_and_then_by_name() -> None:
    names = [
        "nothing_to_sort_by",
        *("1_a", "002_b", "9_a", "010_b", "1735294500_c"),
        *("20231231_235959_a", "20240101000000_joined", "20240101_000001_a", "20240101_000001_b"),
    ]
    assert sorted({*names}, key=order_key) == names


def test_date_and_time_are_one_number() -> None:
    assert order_key("20241227_101500_a") == (20241227101500, "20241227_101500_a")


@given(st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_name_of_a_history_can_be_sorted(name: str) -> None:
    assert order_key(name)[1] == name


def test_a_name_of_thousands_of_digits_can_be_sorted() -> None:
    assert order_key("9" * 5000)[0] > 0


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("20241227_101500_a", "2024-12-27T10:15:00"),
        ("20241227101500_a", "2024-12-27T10:15:00"),
        ("20241327_101500_a", None),
        ("001_a", None),
        ("a", None),
    ],
)
def test_a_stamp_is_the_time_a_name_begins_with(name: str, stamp: str | None) -> None:
    moment = stamp_of(name)
    assert (moment and moment.isoformat()) == stamp


# ------------------------------------------------------------------------------------------------ making


@pytest.mark.parametrize(
    ("title", "made"),
    [
        ("Add user preferences", "add_user_preferences"),
        ("  Añadir   préférences!  ", "anadir_preferences"),
        ("Straße, Øre & Łódź", "strasse_ore_lodz"),
        ("İstanbul \u0131l\u0131k", "istanbul_ilik"),
        ("don't drop it", "dont_drop_it"),
        ("ﬁne ①", "fine_1"),
        ("a__b--c", "a_b_c"),
        ("Add\u00a0index", "add_index"),
        ("表 users", "users"),
        ("rollback of orders", "rollback_of_orders"),
    ],
)
def test_a_title_becomes_snake_case_in_ascii(title: str, made: str) -> None:
    assert slug(title) == made


@pytest.mark.parametrize("title", ["", "  ", "!!!", "表", "Add rollback", "rollback", "a" * 185])
def test_a_title_that_makes_no_name_is_refused(title: str) -> None:
    with pytest.raises(UsageError):
        slug(title)


@given(st.text(max_size=60), st.datetimes(min_value=EPOCH))
@settings(max_examples=80, deadline=None)
def test_every_made_name_is_a_good_name(title: str, moment: datetime) -> None:
    try:
        name = make_name(moment, title)
    except UsageError:
        return
    assert problem_with(name) is None
    assert stamp_of(name) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b", "a b"),
        ("a\x1b[1m", "a\\x1b[1m"),
        ("a\n", "a\\n"),
        ("\u202ea", "\\u202ea"),
        ("\udcff", "\\udcff"),
        ("é", "é"),
    ],
)
def test_what_a_terminal_might_act_on_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown


@pytest.mark.parametrize(
    ("name", "words"), [("20241227_101500_Add_a", "Add_a"), ("001_a", "a"), ("a_b", "a_b"), ("001", "")]
)
def test_the_words_of_a_name_are_what_follows_its_number(name: str, words: str) -> None:
    assert slug_of(name) == words


# --------------------------------------------------------------------------------------------- resolving

NAMES = (
    "001_initial",
    "010_users",
    "20241225_100000_create_users",
    "20241227_101500_add_user_preferences",
    "20241227_101500_add_user_photos",
    "20250102_090000_preferences",
)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("20241225_100000_create_users", "20241225_100000_create_users"),
        ("20241225_100000_create_users.sql", "20241225_100000_create_users"),
        ("20241225_100000_create_users_rollback.sql", "20241225_100000_create_users"),
        ("20241225_100000_create_users_rollback", "20241225_100000_create_users"),
        ("migrations/20241225_100000_create_users.sql", "20241225_100000_create_users"),
        (r"C:\app\migrations\20241225_100000_create_users.sql", "20241225_100000_create_users"),
        ("20241225_100000_CREATE_USERS", "20241225_100000_create_users"),
        ("create_users", "20241225_100000_create_users"),
        ("Create users", "20241225_100000_create_users"),
        ("20241225_100000", "20241225_100000_create_users"),
        ("20241225100000", "20241225_100000_create_users"),
        ("001", "001_initial"),
        ("1", "001_initial"),
        ("10", "010_users"),
        ("users", "010_users"),
        ("preferences", "20250102_090000_preferences"),
        ("20241225", "20241225_100000_create_users"),
        ("create", "20241225_100000_create_users"),
        ("add_user_pre", "20241227_101500_add_user_preferences"),
        ("photos", "20241227_101500_add_user_photos"),
    ],
)
def test_a_short_name_finds_the_one_it_fits_best(asked: str, name: str) -> None:
    assert resolve(asked, NAMES) == name


@pytest.mark.parametrize(
    ("asked", "candidates"),
    [
        ("20241227_101500", NAMES[3:5]),
        ("add_user", NAMES[3:5]),
        ("user_p", NAMES[3:5]),
        ("2024", NAMES[2:5]),
    ],
)
def test_a_short_name_that_fits_several_lists_them(asked: str, candidates: tuple[str, ...]) -> None:
    with pytest.raises(AmbiguousName) as caught:
        resolve(asked, NAMES)
    assert caught.value.candidates == candidates


@pytest.mark.parametrize("asked", ["orders", "", " ", "_rollback", ".sql", "001_initiall", "9" * 5000])
def test_a_name_that_fits_nothing_is_unknown(asked: str) -> None:
    with pytest.raises(UnknownName):
        resolve(asked, NAMES)


def test_an_unknown_name_names_the_nearest_one() -> None:
    with pytest.raises(UnknownName) as caught:
        resolve("create_uesrs", NAMES)
    assert caught.value.hint == "did you mean create_users?"


def test_a_full_name_wins_over_its_being_part_of_another() -> None:
    assert resolve("001_a", ["001_a", "001_a_b"]) == "001_a"

"""Two catalogs compared: what is told, in which words, and what goes without saying."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping

import pytest

from migration_manager.catalog import Catalog, Difference, How, Item, differences

Object = tuple[Item, Mapping[str, object]]


def of(*objects: Object) -> Catalog:
    return {item: json.dumps(properties, sort_keys=True) for item, properties in objects}


def table(name: str, *columns: str, **more: object) -> list[Object]:
    """Return a table with its columns, as an engine tells it."""
    return [
        (Item("table", name, "public"), more),
        (Item("column order", name, name), {"columns": list(columns)}),
        *((Item("column", column, name), {"type": "integer"}) for column in columns),
    ]


def check(name: str, definition: str, table_name: str = "public.t", **more: object) -> Object:
    return Item("constraint", name, table_name), {"definition": definition, **more}


def words(first: Catalog, second: Catalog) -> list[str]:
    return [difference.in_words() for difference in differences(first, second)]


T = table("public.t", "a", "b", "c")


# ------------------------------------------------------------------------------------------- what is told


def test_equal_catalogs_have_no_difference_whatever_their_order() -> None:
    assert differences({}, {}) == ()
    assert differences(of(*T), of(*reversed(T))) == ()


def test_the_same_properties_written_in_another_way_are_no_difference() -> None:
    item = Item("table", "public.t")
    assert differences({item: '{"a": 1, "b": 2}'}, {item: '{"b":2,"a":1}'}) == ()
    assert differences({item: '{"a": null}'}, {item: "{}"}) == ()


def test_what_is_missing_and_what_is_extra_is_told_from_the_first_catalog() -> None:
    (missing,) = differences(of(*T), {})
    (extra,) = differences({}, of(*T))
    assert missing == Difference(Item("table", "public.t", "public"), How.MISSING)
    assert extra == Difference(Item("table", "public.t", "public"), How.EXTRA)


@pytest.mark.parametrize(
    "belongs",
    [
        Item("column", "a", "public.t"),
        Item("constraint", "a_is_positive", "public.t"),
        Item("index", "public.t_a", "public.t"),
        Item("trigger", "noted", "public.t"),
        Item("rule", "r", "public.t"),
        Item("policy", "p", "public.t"),
        Item("statistics", "public.s", "public.t"),
        Item("sequence", "public.t_id_seq", "public.t"),
    ],
    ids=lambda item: item.kind,
)
def test_what_belongs_to_something_missing_is_not_told(belongs: Item) -> None:
    """And told where that is still there."""
    whole = of(*T, (belongs, {"definition": "x"}))
    assert words(whole, {}) == ["table public.t is missing"]
    assert words({}, whole) == ["table public.t was not there before"]
    rest = {item: whole[item] for item in whole if item != belongs}
    assert words(whole, rest) == [f"{belongs.in_words} is missing"]
    assert words(rest, whole) == [f"{belongs.in_words} was not there before"]


def test_of_a_missing_schema_nothing_in_it_is_told_at_any_depth() -> None:
    schema: Object = (Item("schema", "app"), {"owner": "o"})
    inside: list[Object] = [
        (Item("table", "app.t", "app"), {}),
        (Item("column", "a", "app.t"), {"type": "integer"}),
        (Item("function", "app.f()", "app"), {"definition": "x"}),
        (Item("domain", "app.d", "app"), {}),
        (Item("domain constraint", "positive", "app.d"), {"definition": "CHECK (VALUE > 0)"}),
    ]
    assert words(of(schema, *inside), {}) == ["schema app is missing"]
    assert words(of(schema, *inside), of(schema)) == [
        "domain app.d is missing",
        "function app.f() is missing",
        "table app.t is missing",
    ]


@pytest.mark.parametrize("kind", ["extension", "language", "publication", "event trigger", "foreign server"])
def test_what_only_has_the_name_of_a_schema_holds_nothing(kind: str) -> None:
    schema: Object = (Item("schema", "audit"), {})
    table_in_it: Object = (Item("table", "audit.log", "audit"), {})
    namesake: Object = (Item(kind, "audit"), {})
    assert words(of(schema, table_in_it, namesake), of(schema)) == [
        f"{kind} audit is missing",
        "table audit.log is missing",
    ]


def test_a_constraint_or_index_with_the_name_of_a_table_holds_nothing() -> None:
    """As in SQLite, whose names stand without a schema."""
    u: list[Object] = [(Item("table", "u"), {}), (Item("column", "a", "u"), {"type": "INT"})]
    namesakes: list[Object] = [check("u", "CHECK (a > 0)", "t"), (Item("trigger", "u", "t"), {"definition": "x"})]
    assert words(of(*u, *namesakes), of(u[0])) == [
        "column a of u is missing",
        "constraint u of t is missing",
        "trigger u of t is missing",
    ]


def test_a_user_mapping_belongs_to_its_server_and_not_to_a_schema_of_that_name() -> None:
    server, mapping = Item("foreign server", "far"), Item("user mapping", "me on far", "far")
    schema = Item("schema", "far")
    assert words(of((server, {}), (mapping, {"options": "x"})), {}) == ["foreign server far is missing"]
    assert words(of((server, {}), (mapping, {}), (schema, {})), of((server, {}))) == [
        "schema far is missing",
        "user mapping me on far is missing",
    ]


def test_what_became_another_kind_is_told_as_both() -> None:
    view: list[Object] = [(Item("view", "public.t", "public"), {"definition": "SELECT 1"}), *T[1:3]]
    assert words(of(*T), of(*view)) == [
        "table public.t is missing",
        "view public.t was not there before",
    ]


# ----------------------------------------------------------------------------------------- properties


def test_properties_that_change_appear_and_vanish_are_told_one_per_line() -> None:
    column = Item("column", "email", "public.users")
    first = of((column, {"type": "text", "default": "''", "not null": True}))
    second = of((column, {"type": "citext", "comment": "hers", "not null": True}))
    (difference,) = differences(first, second)
    assert difference.changes == (("comment", None, "hers"), ("default", "''", None), ("type", "text", "citext"))
    assert difference.in_words() == (
        "column email of public.users:\n  comment none  →  hers\n  default ''  →  none\n  type text  →  citext"
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, True, "none  →  yes"),
        (True, False, "yes  →  no"),
        (1, True, "1  →  yes"),
        (0, False, "0  →  no"),
        (0, None, "0  →  none"),
        ("", None, "  →  none"),
        ("1", 1, "1  →  1"),
        (["a", "b"], ["b", "a"], "(a, b)  →  (b, a)"),
        (["a"], None, "(a)  →  none"),
        ([], ["a"], "()  →  (a)"),
        (["x", 1], ["x", 2], "(x, 1)  →  (x, 2)"),
        ([1], [True], "(1)  →  (True)"),
    ],
)
def test_a_value_of_any_kind_is_told(before: object, after: object, told: str) -> None:
    item = Item("index", "public.i", "public.t")
    first, second = (
        of((item, {} if value is None else {"options": value, "definition": "same"})) for value in (before, after)
    )
    changes = [change for difference in differences(first, second) for change in difference.changes]
    assert ("options", before, after) in changes
    assert f"options {told}" in words(first, second)[0]


def test_a_list_in_another_order_is_another_value_and_the_same_list_is_none() -> None:
    item = Item("type", "public.mood")
    assert words(of((item, {"labels": ["a", "b"]})), of((item, {"labels": ["b", "a"]}))) == [
        "type public.mood: labels (a, b)  →  (b, a)"
    ]
    assert words(of((item, {"labels": ["a", "b"]})), of((item, {"labels": ["a", "b"]}))) == []


# --------------------------------------------------------------------------------------- column order


def test_columns_in_another_order_are_told_once_and_are_cosmetic() -> None:
    (difference,) = differences(of(*T), of(*table("public.t", "c", "a", "b")))
    assert difference.how is How.ORDER
    assert difference.is_cosmetic
    assert difference.in_words() == "column order of public.t: a, b, c  →  c, a, b"


def test_the_order_is_that_of_the_columns_both_have() -> None:
    assert words(of(*T), of(*table("public.t", "a", "c"))) == ["column b of public.t is missing"]
    assert words(of(*T), of(*table("public.t", "x", "a", "b", "c"))) == ["column x of public.t was not there before"]
    assert words(of(*T), of(*table("public.t", "c", "x", "a"))) == [
        "column b of public.t is missing",
        "column x of public.t was not there before",
        "column order of public.t: a, c  →  c, a",
    ]


def test_the_order_of_the_columns_of_a_missing_table_is_not_told() -> None:
    assert words(of(*T), of(*table("public.u", "a"))) == [
        "table public.t is missing",
        "table public.u was not there before",
    ]


def test_a_table_that_lost_all_its_columns_has_no_order_to_lose() -> None:
    assert words(of(*table("public.t", "a")), of(*table("public.t"))) == ["column a of public.t is missing"]


# --------------------------------------------------------------------------------- renamed constraints


def test_a_constraint_under_another_name_is_renamed_and_cosmetic() -> None:
    first, second = of(*T, check("old", "CHECK (a > 0)")), of(*T, check("new", "CHECK (a > 0)"))
    (difference,) = differences(first, second)
    assert difference.how is How.RENAMED
    assert difference.is_cosmetic
    assert difference.changes == (("name", "old", "new"),)
    assert difference.in_words() == "constraint old of public.t is called new"


def test_of_two_constraints_that_say_the_same_each_has_its_own_new_name() -> None:
    first = of(check("a", "CHECK (n > 0)"), check("b", "CHECK (n > 0)"))
    assert words(first, of(check("x", "CHECK (n > 0)"), check("y", "CHECK (n > 0)"))) == [
        "constraint a of public.t is called x",
        "constraint b of public.t is called y",
    ]
    assert words(first, of(check("x", "CHECK (n > 0)"))) == [
        "constraint a of public.t is called x",
        "constraint b of public.t is missing",
    ]
    assert words(of(check("x", "CHECK (n > 0)")), first) == [
        "constraint b of public.t was not there before",
        "constraint x of public.t is called a",
    ]
    assert words(first, of(check("b", "CHECK (n > 0)"))) == ["constraint a of public.t is missing"]


@pytest.mark.parametrize(
    "other",
    [
        check("new", "CHECK (a > 1)"),
        check("new", "CHECK (a > 0)", "public.u"),
        check("new", "CHECK (a > 0)", comment="hers"),
    ],
    ids=["another definition", "another table", "another comment"],
)
def test_a_constraint_that_differs_in_more_is_not_renamed(other: Object) -> None:
    found = differences(of(check("old", "CHECK (a > 0)")), of(other))
    assert {difference.how for difference in found} == {How.MISSING, How.EXTRA}
    assert not any(difference.is_cosmetic for difference in found)


def test_a_constraint_of_a_domain_is_told_with_its_domain_and_may_be_renamed_too() -> None:
    def positive(name: str, domain: str) -> Object:
        return Item("domain constraint", name, domain), {"definition": "CHECK (VALUE > 0)"}

    first = of(positive("positive", "public.a"), positive("positive", "public.b"))
    assert words(first, of(positive("positive", "public.a"))) == ["domain constraint positive of public.b is missing"]
    assert words(first, of(positive("positive", "public.a"), positive("more", "public.b"))) == [
        "domain constraint positive of public.b is called more"
    ]


@pytest.mark.parametrize("kind", ["index", "trigger", "column", "table"])
def test_nothing_but_a_constraint_is_renamed(kind: str) -> None:
    first, second = (of((Item(kind, name, "public.t"), {"definition": "same"})) for name in ("old", "new"))
    assert [difference.how for difference in differences(first, second)] == [How.EXTRA, How.MISSING]


# ----------------------------------------------------------------------------------------- words, order


def test_missing_and_extra_are_told_in_the_words_that_are_asked_for() -> None:
    item = Item("index", "public.i", "public.t")
    missing, extra = Difference(item, How.MISSING), Difference(item, How.EXTRA)
    assert missing.in_words() == "index public.i is missing"
    assert extra.in_words() == "index public.i was not there before"
    assert missing.in_words(missing="is not in production") == "index public.i is not in production"
    assert extra.in_words(extra="is made by no migration") == "index public.i is made by no migration"


def test_only_order_and_names_are_cosmetic() -> None:
    item = Item("table", "public.t")
    cosmetic = {how for how in How if Difference(item, how).is_cosmetic}
    assert cosmetic == {How.ORDER, How.RENAMED}


def test_differences_stand_by_kind_then_by_what_they_belong_to_then_by_name() -> None:
    items = [
        Item("column", "z", "public.a"),
        Item("column", "a", "public.b"),
        Item("column", "b", "public.b"),
        Item("index", "public.a"),
        Item("index", "public.z"),
        Item("index", "public.b", "public.t"),
        Item("schema", "x"),
    ]
    chance = random.Random(7)  # noqa: S311
    for _ in range(20):
        first = dict.fromkeys(chance.sample(items, len(items)), "{}")
        assert [difference.item for difference in differences(first, {})] == items
        assert [difference.item for difference in differences({}, first)] == items


def test_forward_and_backward_tell_the_same_objects() -> None:
    """What the one way is missing is extra the other way, over every pair of some catalogs."""
    catalogs = [
        {},
        of(*T),
        of(*table("public.t", "b", "a"), check("x", "CHECK (a > 0)")),
        of(*T, *table("public.u", "a"), check("y", "CHECK (a > 0)"), (Item("index", "public.i", "public.t"), {"d": 1})),
        of(*table("public.t", "a", "b", "c", owner="me"), (Item("index", "public.i", "public.t"), {"d": True})),
    ]
    opposite = {How.MISSING: How.EXTRA, How.EXTRA: How.MISSING}
    for first, second in itertools.product(catalogs, repeat=2):
        there, back = differences(first, second), differences(second, first)
        assert (there == ()) is (first == second)
        same_how = [found for found in there if found.how is not How.RENAMED]
        assert {(found.item, opposite.get(found.how, found.how)) for found in same_how} == {
            (found.item, found.how) for found in back if found.how is not How.RENAMED
        }


def test_what_a_user_mapping_says_is_told_to_differ_and_not_shown() -> None:
    mapping = Item("user mapping", "me on far", "far")
    (found,) = differences(of((mapping, {"options": "5ebe2294"})), of((mapping, {"options": "7c6a180b"})))
    assert found.in_words() == "user mapping me on far: options (not shown)  →  (not shown)"
    assert "5ebe2294" not in repr(found)
    (found,) = differences(of((mapping, {"options": None})), of((mapping, {"options": "7c6a180b"})))
    assert found.in_words() == "user mapping me on far: options none  →  (not shown)"

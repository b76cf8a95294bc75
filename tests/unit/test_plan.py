"""The planner as tables: what is asked, what is there, what is decided. No database, no files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from migration_manager import plan
from migration_manager.errors import (
    AmbiguousName,
    GuardRefused,
    HistoryError,
    MigrationManagerError,
    NotApplied,
    OutOfOrderRefused,
    UnknownName,
    UsageError,
)
from migration_manager.model import (
    Action,
    Applied,
    Migration,
    OutOfOrder,
    PastRun,
    Recorded,
    Source,
    State,
    Status,
    Survey,
    Touched,
    names,
)
from migration_manager.plan import Back, Forward

A, B, C, D = (
    "20250101_100000_create_users",
    "20250102_100000_create_tasks",
    "20250103_100000_add_tags",
    "20250104_100000_add_user_tags",
)
EARLIER = datetime(2025, 1, 5, tzinfo=UTC)


def on_disk(*names_: str, changed: str | None = None) -> tuple[Migration, ...]:
    return tuple(
        Migration(name, Source.held(f"{name}.sql", "", f"v1:{'changed' if name == changed else name}"), None)
        for name in names_
    )


def applied(*names_: str, unfinished: str | None = None, runs: dict[str, str] | None = None) -> tuple[Applied, ...]:
    """Return history rows in the order given, which is the order of application."""
    return tuple(
        Applied(
            name,
            f"v1:{name}",
            None,
            State.UNFINISHED if name == unfinished else State.APPLIED,
            EARLIER + timedelta(seconds=number),
            "ann",
            1,
            (runs or {}).get(name, "RUN1"),
            number,
        )
        for number, name in enumerate(names_, 1)
    )


def state(files: tuple[Migration, ...], rows: tuple[Applied, ...] = ()) -> Survey:
    return plan.survey(files, rows)


# ------------------------------------------------------------------------------------------- survey

SURVEYS = {
    "everything is pending in an empty database": (on_disk(A, B), (), {A: "pending", B: "pending"}),
    "what is recorded is applied": (on_disk(A, B), applied(A), {A: "applied", B: "pending"}),
    "an edited file is changed": (on_disk(A, changed=A), applied(A), {A: "changed"}),
    "a file gone from the middle is missing": (on_disk(B), applied(A, B), {A: "missing", B: "applied"}),
    "a row newer than every file is ahead": (on_disk(A), applied(A, B), {A: "applied", B: "ahead"}),
    "with no file at all rows are missing": ((), applied(A), {A: "missing"}),
    "a stopped one is unfinished": (on_disk(A), applied(A, unfinished=A), {A: "unfinished"}),
    "a stopped one is unfinished without its file too": ((), applied(A, unfinished=A), {A: "unfinished"}),
    "nothing is nothing": ((), (), {}),
}


@pytest.mark.parametrize(("files", "rows", "expected"), SURVEYS.values(), ids=SURVEYS)
def test_survey(files: tuple[Migration, ...], rows: tuple[Applied, ...], expected: dict[str, str]) -> None:
    assert {s.name: s.status.value for s in state(files, rows).standings} == expected


def test_a_pending_file_before_an_applied_one_is_out_of_order() -> None:
    found = state(on_disk(A, B, C), applied(A, C))
    assert names(found.out_of_order) == (B,)


def test_a_pending_file_before_a_row_without_a_file_is_out_of_order_too() -> None:
    """An older branch deployed over a newer database."""
    assert names(state(on_disk(A, B), applied(A, C)).out_of_order) == (B,)


def test_plain_numbers_sort_as_numbers() -> None:
    found = state(on_disk("10_ten", "9_nine", "1_one"), ())
    assert names(found.standings) == ("1_one", "9_nine", "10_ten")


def test_a_name_for_other_environments_is_neither_pending_nor_late() -> None:
    found = plan.survey(on_disk(A, B), applied(B), elsewhere={A})
    assert [s.status for s in found.standings] == [Status.ELSEWHERE, Status.APPLIED]
    assert found.out_of_order == ()


def test_a_checksum_of_an_unknown_algorithm_is_refused() -> None:
    row = applied(A)[0]
    newer = Applied(row.name, "v9:ff", None, row.state, row.applied_at, "ann", 1, "R", 1)
    with pytest.raises(HistoryError, match="newer version"):
        state(on_disk(A), (newer,))


# ------------------------------------------------------------------------------------------ forward

FORWARD = {
    "all pending in file order": (on_disk(C, A, B), (), Forward(), (A, B, C)),
    "only what is not applied": (on_disk(A, B, C), applied(A), Forward(), (B, C)),
    "nothing pending is an empty plan": (on_disk(A), applied(A), Forward(), ()),
    "to a name, included": (on_disk(A, B, C), (), Forward(to=B), (A, B)),
    "to an applied name with nothing before it": (on_disk(A, B), applied(A), Forward(to=A), ()),
    "so many steps": (on_disk(A, B, C), (), Forward(steps=2), (A, B)),
    "more steps than there are": (on_disk(A), (), Forward(steps=9), (A,)),
    "to and steps: both bound it": (on_disk(A, B, C), (), Forward(to=B, steps=1), (A,)),
    "late ones run first when allowed": (on_disk(A, B, C), applied(A, C), Forward(out_of_order=OutOfOrder.ALLOW), (B,)),
    "a database that is ahead is no obstacle": (on_disk(A, B), applied(A, D), Forward(), (B,)),
    "a missing file is no obstacle when allowed": (on_disk(B, C), applied(A, B), Forward(allow_missing=True), (C,)),
}


@pytest.mark.parametrize(("files", "rows", "asked", "expected"), FORWARD.values(), ids=FORWARD)
def test_migrate_plans(
    files: tuple[Migration, ...], rows: tuple[Applied, ...], asked: Forward, expected: tuple[str, ...]
) -> None:
    assert names(plan.plan_migrate(state(files, rows), asked).steps) == expected


FORWARD_REFUSALS = {
    "a changed file": (on_disk(A, B, changed=A), applied(A), Forward(), HistoryError),
    "a missing file": (on_disk(B, C), applied(A, B), Forward(), HistoryError),
    "an unfinished one": (on_disk(A, B), applied(A, unfinished=A), Forward(), HistoryError),
    "an unfinished one whatever is allowed": (
        on_disk(B),
        applied(A, unfinished=A),
        Forward(allow_missing=True),
        HistoryError,
    ),
    "out of order under refuse": (
        on_disk(A, B, C),
        applied(A, C),
        Forward(out_of_order=OutOfOrder.REFUSE),
        OutOfOrderRefused,
    ),
    "out of order under refuse, the newer one not here": (
        on_disk(A, B),
        applied(A, C),
        Forward(out_of_order=OutOfOrder.REFUSE),
        OutOfOrderRefused,
    ),
    "no steps": (on_disk(A), (), Forward(steps=0), UsageError),
    "a name nobody has": (on_disk(A), (), Forward(to="20990101_000000_no"), UnknownName),
    "a target that has no file": (on_disk(A), applied(A, B), Forward(to=B), UsageError),
}


@pytest.mark.parametrize(("files", "rows", "asked", "error"), FORWARD_REFUSALS.values(), ids=FORWARD_REFUSALS)
def test_migrate_refuses(
    files: tuple[Migration, ...],
    rows: tuple[Applied, ...],
    asked: Forward,
    error: type[MigrationManagerError],
) -> None:
    with pytest.raises(error):
        plan.plan_migrate(state(files, rows), asked)


def test_late_ones_are_told_under_warn() -> None:
    made = plan.plan_migrate(state(on_disk(A, B, C), applied(A, C)), Forward(out_of_order=OutOfOrder.WARN))
    assert len(made.warnings) == 1
    assert B in made.warnings[0]
    assert C in made.warnings[0]


def test_a_plan_names_what_stays_pending() -> None:
    assert plan.plan_migrate(state(on_disk(A, B, C), applied(A)), Forward(to=A)).left == (B, C)
    assert plan.plan_migrate(state(on_disk(A, B, C)), Forward(steps=1)).left == (B, C)
    assert plan.plan_migrate(state(on_disk(A)), Forward()).left == ()


def test_late_ones_beyond_the_target_refuse_nothing() -> None:
    asked = Forward(to=A, out_of_order=OutOfOrder.REFUSE)
    assert plan.plan_migrate(state(on_disk(A, B, C), applied(A, C)), asked).steps == ()


def test_the_refusal_names_all_that_changed() -> None:
    files = (*on_disk(A, changed=A), *on_disk(B, changed=B))
    with pytest.raises(HistoryError) as caught:
        plan.plan_migrate(state(files, applied(A, B)), Forward())
    assert caught.value.names == (A, B)


# ----------------------------------------------------------------------------------------- rollback

ALL = on_disk(A, B, C)
RUNS = {A: "01AAA", B: "01BBB", C: "01BBB"}
ROWS = applied(A, B, C, runs=RUNS)

BACK = {
    "bare: the newest one": (ALL, ROWS, Back(), (C,)),
    "so many steps, newest first": (ALL, ROWS, Back(steps=2), (C, B)),
    "more steps than there are": (ALL, ROWS, Back(steps=9), (C, B, A)),
    "the newest by application, not by name": (ALL, applied(C, A), Back(), (A,)),
    "by name: exactly that one": (ALL, ROWS, Back(name=A), (A,)),
    "by name with cascade: what came after too": (ALL, ROWS, Back(name=B, cascade=True), (C, B)),
    "cascade follows the order of application": (ALL, applied(C, B, A), Back(name=B, cascade=True), (A, B)),
    "to a name, which stays": (ALL, ROWS, Back(to=A), (C, B)),
    "to the newest: nothing": (ALL, ROWS, Back(to=C), ()),
    "a run": (ALL, ROWS, Back(run="01BBB"), (C, B)),
    "a run by the beginning of its id": (ALL, ROWS, Back(run="01b"), (C, B)),
    "a run with cascade": (ALL, ROWS, Back(run="01AAA", cascade=True), (C, B, A)),
    "all": (ALL, ROWS, Back(all=True), (C, B, A)),
    "nothing applied: nothing to do": (ALL, (), Back(), ()),
    "one whose file is gone": (on_disk(A, C), ROWS, Back(name=B), (B,)),
    "one that changed": (on_disk(A, changed=A), applied(A), Back(name=A), (A,)),
    "an unfinished one": (ALL, applied(A, unfinished=A), Back(name=A), (A,)),
}


@pytest.mark.parametrize(("files", "rows", "asked", "expected"), BACK.values(), ids=BACK)
def test_rollback_plans(
    files: tuple[Migration, ...], rows: tuple[Applied, ...], asked: Back, expected: tuple[str, ...]
) -> None:
    assert names(plan.plan_rollback(state(files, rows), asked).steps) == expected


BACK_REFUSALS = {
    "one that is not applied": (Back(name="20250104_100000_add_user_tags"), NotApplied),
    "a name nobody has": (Back(name="nope"), UnknownName),
    "to one that is not applied": (Back(to=D), NotApplied),
    "no steps": (Back(steps=0), UsageError),
    "a run nobody made": (Back(run="99"), UsageError),
    "a run id that fits two": (Back(run="01"), UsageError),
    "a run id that is empty: a variable that is not set": (Back(run=""), UsageError),
    "a run id of blanks": (Back(run="  "), UsageError),
}


@pytest.mark.parametrize(("asked", "error"), BACK_REFUSALS.values(), ids=BACK_REFUSALS)
def test_rollback_refuses(asked: Back, error: type[MigrationManagerError]) -> None:
    with pytest.raises(error):
        plan.plan_rollback(state(on_disk(A, B, C, D), ROWS), asked)


def test_rollback_of_a_middle_one_names_what_stays() -> None:
    made = plan.plan_rollback(state(ALL, ROWS), Back(name=A))
    assert made.later == (B, C)
    assert "--cascade" in made.warnings[0]


def baselined(*names_: str) -> tuple[Applied, ...]:
    return tuple(replace(row, action=Action.BASELINE) for row in applied(*names_))


def test_what_a_run_only_recorded_is_nothing_it_applied() -> None:
    found = state(ALL, baselined(A, B, C))
    assert plan.plan_rollback(found, Back(last_run=True), last("RUN1", 3)).steps == ()
    with pytest.raises(UsageError):
        plan.plan_rollback(found, Back(run="RUN1"))


def test_rollback_says_what_was_never_run_here() -> None:
    made = plan.plan_rollback(state(ALL, baselined(A, B, C)), Back(steps=1))
    assert C in made.warnings[0]
    assert "baseline" in made.warnings[0]


def test_rollback_of_the_newest_warns_of_nothing() -> None:
    made = plan.plan_rollback(state(ALL, ROWS), Back(name=C))
    assert (made.later, made.warnings) == ((), ())


# ----------------------------------------------------------------------------------------- the last run


def last(run: str, count: int) -> PastRun:
    """Return what the log tells of the newest run: its id, and how many migrations it applied."""
    return PastRun(run, EARLIER + timedelta(hours=1), "bob", count)


LAST_RUN = {
    "one that succeeded": (ROWS, last("01BBB", 2), (C, B)),
    "one whose third file failed": (ROWS[1:], last("01BBB", 2), (C, B)),
    "one that is older than what another applied by hand since": (applied(B, A, runs=RUNS), last("01BBB", 2), (B,)),
    "one of which part is undone already": (ROWS[:2], last("01BBB", 2), (B,)),
    "one that left a file half-way": (applied(A, B, unfinished=B, runs=RUNS), last("01BBB", 1), (B,)),
    "one whose first file failed": (ROWS, last("01CCC", 0), ()),
    "one that is undone already": (ROWS[:1], last("01BBB", 2), ()),
    "one that nobody knows, in a log that is gone": (ROWS, None, ()),
    "none, where nothing was ever applied": ((), None, ()),
}


@pytest.mark.parametrize(("rows", "run", "expected"), LAST_RUN.values(), ids=LAST_RUN)
def test_the_last_run_is(rows: tuple[Applied, ...], run: PastRun | None, expected: tuple[str, ...]) -> None:
    made = plan.plan_rollback(state(ALL, rows), Back(last_run=True), run)
    assert names(made.steps) == expected
    assert (made.of_run is None) is (not expected)


def test_a_run_that_left_nothing_is_told_with_the_one_before_it_which_stays() -> None:
    (told,) = plan.plan_rollback(state(ALL, ROWS), Back(last_run=True), last("01CCC", 0)).warnings
    assert "01CCC, 2025-01-05 01:00:00 UTC, by bob" in told
    assert "left nothing applied" in told
    assert "01BBB, 2025-01-05 00:00:02 UTC, by ann" in told
    assert "`rollback --run 01BBB`" in told


def test_a_run_that_is_undone_already_is_told_from_one_that_failed() -> None:
    (told,) = plan.plan_rollback(state(ALL, ROWS[:1]), Back(last_run=True), last("01BBB", 2)).warnings
    assert "01BBB" in told
    assert "not applied any more" in told
    assert "`rollback --run 01AAA`" in told


def test_where_nothing_is_applied_no_other_run_is_named() -> None:
    (told,) = plan.plan_rollback(state(ALL), Back(last_run=True), last("01BBB", 0)).warnings
    assert "rollback --run" not in told


def test_a_rollback_of_a_run_says_which_when_and_whose() -> None:
    made = plan.plan_rollback(state(ALL, ROWS), Back(run="01b"))
    assert made.of_run == PastRun("01BBB", EARLIER + timedelta(seconds=2), "ann", 2)
    assert plan.plan_rollback(state(ALL, ROWS), Back(name=C)).of_run is None


# ------------------------------------------------------------------------------------- the same tables

USERS, TASKS, TAGS = Touched(1, "users"), Touched(2, "tasks"), Touched(3, "tags")
Touches = tuple[Touched, ...] | None

SAME: dict[str, tuple[Touches, Touches, tuple[str, ...] | None]] = {  # None stands for: not known
    "the same": ((USERS, TASKS), (TASKS, TAGS), ("tasks",)),
    "several": ((USERS, TASKS), (TASKS, USERS), ("tasks", "users")),
    "others": ((USERS,), (TASKS,), ()),
    "nothing": ((USERS,), (), ()),
    "renamed since": ((USERS,), (Touched(1, "people"),), ("people",)),
    "dropped since": ((USERS,), (Touched(1, None),), ("users",)),
    "made anew under the old name": ((USERS,), (Touched(9, "users"),), ("users",)),
    "by names only": ((Touched(None, "users"),), (Touched(None, "users"),), ("users",)),
    "a number on one side": ((Touched(None, "users"),), (USERS,), ("users",)),
    "no name on either side": ((Touched(7, None),), (Touched(7, None),), ("relation 7",)),
    "no number and no name in common": ((Touched(None, "users"),), (Touched(1, None),), ()),
    "not known of the later one": ((USERS,), None, None),
    "not known of the one that is undone": (None, (USERS,), None),
}


@pytest.mark.parametrize(("first", "second", "expected"), SAME.values(), ids=SAME)
def test_later_ones_on_the_same_tables_are_told_from_merely_later_ones(
    first: Touches, second: Touches, expected: tuple[str, ...] | None
) -> None:
    rows = touching({A: first, B: second})
    made = plan.plan_rollback(state(ALL, rows), Back(name=A))
    assert made.later == (B,)
    assert made.entangled == (((B, expected),) if expected else ())
    assert made.unclear == ((B,) if expected is None else ())
    told = "\n".join(made.warnings)
    assert ("touching the same tables" in told) is bool(expected)
    assert ("not known" in told) is (expected is None)
    assert ("on other tables" in told) is (expected == ())


def touching(touched: dict[str, Touches]) -> tuple[Applied, ...]:
    return tuple(replace(row, touched=touched[row.name]) for row in applied(*touched))


def test_of_several_only_what_stays_counts_and_only_against_what_came_before_it() -> None:
    rows = touching({A: (USERS,), B: (TASKS,), C: (USERS, TASKS), D: (TASKS,)})
    found = state(on_disk(A, B, C, D), rows)
    assert plan.plan_rollback(found, Back(name=A)).entangled == ((C, ("users",)),)
    assert plan.plan_rollback(found, Back(name=A, cascade=True)).entangled == ()
    assert plan.plan_rollback(found, Back(steps=2)).entangled == ()
    mixed = tuple(replace(row, run_id="R" if row.name in (A, D) else "S") for row in rows)
    assert plan.plan_rollback(state(ALL, mixed), Back(run="R")).entangled == ((C, ("users",)),)
    assert plan.plan_rollback(state(ALL, mixed), Back(run="S")).entangled == ((D, ("tasks",)),)


def test_the_warning_names_every_one_with_its_tables() -> None:
    rows = touching({A: (USERS, TASKS), B: (TASKS, USERS), C: (TAGS, USERS), D: None})
    made = plan.plan_rollback(state(on_disk(A, B, C, D), rows), Back(name=A))
    same, staying, unclear = made.warnings
    assert same == f"applied after {A} and touching the same tables: {B} (tasks, users), {C} (users)"
    assert staying == f"applied after {A} and staying: {B}, {C}, {D} (--cascade takes them too)"
    assert unclear == f"which tables it touched is not known of {D}"


# ---------------------------------------------------------------------------------------- the books


def test_baseline_takes_everything_up_to_a_name() -> None:
    assert names(plan.plan_baseline(state(ALL, applied(A)), to=B, name=None)) == (B,)


def test_baseline_takes_just_one() -> None:
    assert names(plan.plan_baseline(state(ALL), to=None, name=C)) == (C,)


def test_baseline_finishes_an_unfinished_one() -> None:
    assert names(plan.plan_baseline(state(ALL, applied(A, unfinished=A)), to=None, name=A)) == (A,)


def test_baseline_of_an_applied_one_is_refused() -> None:
    with pytest.raises(HistoryError):
        plan.plan_baseline(state(ALL, applied(A)), to=None, name=A)


def test_repair_takes_only_what_changed() -> None:
    found = state((*on_disk(A, changed=A), *on_disk(B)), applied(A, B))
    assert names(plan.plan_repair(found, None, changed={A})) == (A,)
    assert names(plan.plan_repair(found, B, changed={A})) == ()


def test_repair_of_one_without_a_file_is_refused() -> None:
    with pytest.raises(HistoryError):
        plan.plan_repair(state(on_disk(B), applied(A, B)), A, changed={A})


def test_repair_of_one_that_is_not_applied_is_refused() -> None:
    with pytest.raises(NotApplied):
        plan.plan_repair(state(ALL), A, changed=set())


def test_forget_takes_an_applied_one_with_or_without_a_file() -> None:
    assert plan.plan_forget(state(on_disk(A), applied(A, B)), B).name == B
    with pytest.raises(NotApplied):
        plan.plan_forget(state(ALL), A)


# ------------------------------------------------------------------------------------ names, guards


def test_a_short_name_resolves_when_one_fits() -> None:
    assert plan.full_name(state(ALL), "create_tasks") == B


def test_a_short_name_that_fits_several_lists_them() -> None:
    with pytest.raises(AmbiguousName) as caught:
        plan.full_name(state(on_disk(A, B)), "create")
    assert caught.value.candidates == (A, B)


@pytest.mark.parametrize("stamped", [None, "uat"])
def test_an_unstamped_database_and_the_right_one_pass(stamped: str | None) -> None:
    plan.check_identity(Recorded(True, stamped, ()), "uat")


def test_a_database_of_another_environment_is_refused() -> None:
    with pytest.raises(GuardRefused, match="production"):
        plan.check_identity(Recorded(True, "production", ()), "uat")

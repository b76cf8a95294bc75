"""What counts as moved between a saved plan and now, as a table; and what a plan's file may be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from migration_manager import plan as planner
from migration_manager.errors import Exit, FileError, PlanRefused
from migration_manager.model import Action, Applied, Identity, Migration, OutOfOrder, Recorded, Source, State
from migration_manager.plan import Forward
from migration_manager.savedplan import (
    FORMAT,
    KIND,
    Now,
    Rest,
    SavedDatabase,
    SavedPlan,
    SavedRow,
    SavedStep,
    decoded,
    encoded,
    rest_of,
)

A, B, C, D = "001_a", "002_b", "003_c", "004_d"
FILE = "plan.json"

# B and C are to be applied where A is; D stays pending.
PLAN = SavedPlan(
    kind=KIND,
    format=FORMAT,
    tool_version="1.0",
    made_at="2025-01-01T00:00:00+00:00",
    made_by="ann@desk as deploy",
    environment="production",
    database=SavedDatabase("PostgreSQL", "db:5432", "app", "production"),
    atomic=False,
    out_of_order=OutOfOrder.REFUSE,
    allow_missing=False,
    steps=(SavedStep(B, "v1:b", "v1:b back", transaction=True, statement_count=1), SavedStep(C, "v1:c", None, True, 1)),
    left=(D,),
    history=(SavedRow(A, "v1:a", None, State.APPLIED, 1, "R1"),),
)


def row(name: str, log_id: int, run: str = "R1", **more: object) -> Applied:
    letter = name[-1]
    rollback = "v1:b back" if name == B else None
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    made = Applied(name, f"v1:{letter}", rollback, State.APPLIED, moment, "ann", 1, run, log_id, Action.MIGRATE)
    return replace(made, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class World:
    """What there is now; as it stands, nothing has moved."""

    environment: str = "production"
    identity: Identity = field(
        default_factory=lambda: Identity("PostgreSQL", "18.4", "db:5432", "app", "deploy", "deploy")
    )
    stamped: str | None = "production"
    rows: tuple[Applied, ...] = (row(A, 1),)
    files: Mapping[str, tuple[str, str | None]] = field(
        default_factory=lambda: {A: ("v1:a", None), B: ("v1:b", "v1:b back"), C: ("v1:c", None), D: ("v1:d", None)}
    )

    def now(self, plan: SavedPlan) -> Now:
        on_disk = [Migration(n, Source.held(n, "", checksum), None) for n, (checksum, _) in self.files.items()]
        planned = {step.name for step in plan.steps}
        return Now(
            self.environment,
            self.identity,
            Recorded(bool(self.rows), self.stamped, self.rows),
            planner.survey(on_disk, self.rows),
            {n: both for n, both in self.files.items() if n in planned},
            "ours",
        )

    def with_file(self, name: str, checksum: str, rollback: str | None = None) -> World:
        return replace(self, files={**self.files, name: (checksum, rollback)})

    def without_file(self, name: str) -> World:
        return replace(self, files={n: both for n, both in self.files.items() if n != name})

    def with_rows(self, *rows: Applied) -> World:
        return replace(self, rows=rows)

    def with_identity(self, **facts: str) -> World:
        return replace(self, identity=replace(self.identity, **facts))  # type: ignore[arg-type]


Arrange = Callable[[World], World]

NOTHING_MOVED: dict[str, tuple[Arrange, Rest]] = {
    "all is as it was": (lambda w: w, Rest((B, C))),
    "a newer file is none of the plan's": (lambda w: w.with_file("005_e", "v1:e"), Rest((B, C))),
    "what stayed pending may be gone": (lambda w: w.without_file(D), Rest((B, C))),
    "another version of the server is the same database": (lambda w: w.with_identity(version="18.5"), Rest((B, C))),
    "another login is the same database": (lambda w: w.with_identity(user="ann", role="ann"), Rest((B, C))),
    "what this very run has done is no move": (lambda w: w.with_rows(row(A, 1), row(B, 2, "ours")), Rest((C,))),
    "all of it by this run": (lambda w: w.with_rows(row(A, 1), row(B, 2, "ours"), row(C, 3, "ours")), Rest(())),
    "all of it by another run": (lambda w: w.with_rows(row(A, 1), row(B, 2, "X"), row(C, 3, "X")), Rest((), ("X",))),
    "all of it by two": (lambda w: w.with_rows(row(A, 1), row(B, 2, "X"), row(C, 3, "Y")), Rest((), ("X", "Y"))),
}


@pytest.mark.parametrize(("arrange", "expected"), NOTHING_MOVED.values(), ids=NOTHING_MOVED)
def test_a_plan_of_which_nothing_moved_has_this_left(arrange: Arrange, expected: Rest) -> None:
    assert rest_of(PLAN, arrange(World()).now(PLAN), FILE) == expected


MOVED: dict[str, tuple[Arrange, tuple[str, ...]]] = {
    "another environment": (
        lambda w: replace(w, environment="uat"),
        ("it was made for the environment production, and this is uat",),
    ),
    "another server": (
        lambda w: w.with_identity(server="other:5432"),
        ("it was made for the server db:5432, and this is other:5432",),
    ),
    "another database": (
        lambda w: w.with_identity(database="app2"),
        ("it was made for the database app, and this is app2",),
    ),
    "another stamp": (
        lambda w: replace(w, stamped="uat"),
        ("the database says that it is uat, and said production",),
    ),
    "a file changed": (lambda w: w.with_file(C, "v1:other"), (f"{C} changed: v1:c… then, v1:other… now",)),
    "a file is gone": (lambda w: w.without_file(C), (f"the file of {C} is gone",)),
    "a rollback script changed": (
        lambda w: w.with_file(B, "v1:b", "v1:new"),
        (f"the rollback script of {B} changed: v1:b back… then, v1:new… now",),
    ),
    "a rollback script is gone": (lambda w: w.with_file(B, "v1:b"), (f"the rollback script of {B} is gone",)),
    "a rollback script is new": (lambda w: w.with_file(C, "v1:c", "v1:x"), (f"the rollback script of {C} is new",)),
    "a new file comes between": (
        lambda w: w.with_file("002_bb", "v1:bb"),
        (f"002_bb is new, and would come before {C}",),
    ),
    "a new file comes before all": (
        lambda w: w.with_file("000_z", "v1:z"),
        (f"000_z is new, and would come before {C}",),
    ),
    "one of it was applied by another run": (
        lambda w: w.with_rows(row(A, 1), row(B, 2, "X")),
        (f"{B} was applied since, by run X",),
    ),
    "another was applied": (
        lambda w: w.with_rows(row(A, 1), row(D, 2, "X")),
        (f"{D} was applied since, by run X",),
    ),
    "it is applied, and another as well": (
        lambda w: w.with_rows(row(A, 1), row(B, 2, "X"), row(C, 3, "X"), row(D, 4, "Y")),
        (f"{D} was applied since, by run Y",),
    ),
    "it is applied, with another text": (
        lambda w: w.with_rows(row(A, 1), row(B, 2, "X"), row(C, 3, "X", checksum="v1:other")),
        (f"{B} was applied since, by run X", f"{C} was applied since, by run X"),
    ),
    "it was only recorded": (
        lambda w: w.with_rows(row(A, 1), row(B, 2, "X", action=Action.BASELINE), row(C, 3, "X")),
        (f"{B} was applied since, by run X", f"{C} was applied since, by run X"),
    ),
    "one of it stopped half-way": (
        lambda w: w.with_rows(row(A, 1), row(B, 2, "X", state=State.UNFINISHED)),
        (f"{B} was begun, and is unfinished, since, by run X",),
    ),
    "what was applied was rolled back": (
        lambda w: w.with_rows().with_file(A, "v1:a"),
        (f"{A} is new, and would come before {C}", f"{A} was applied, and is not any more"),
    ),
    "what was applied was repaired": (
        lambda w: w.with_rows(row(A, 1, checksum="v1:accepted")),
        (f"{A} has another checksum in the history: its file was accepted anew, or it was applied again",),
    ),
    "what was applied was applied again": (
        lambda w: w.with_rows(row(A, 3, "X")),
        (f"{A} was applied again, by run X",),
    ),
    "what was applied is being undone": (
        lambda w: w.with_rows(row(A, 1, state=State.UNFINISHED)),
        (f"{A} was applied, and is unfinished",),
    ),
    "several things": (
        lambda w: replace(w.without_file(B), environment="uat").with_rows(row(A, 1), row(D, 2, "X")),
        (
            "it was made for the environment production, and this is uat",
            f"the file of {B} is gone",
            f"{D} was applied since, by run X",
        ),
    ),
}


@pytest.mark.parametrize(("arrange", "expected"), MOVED.values(), ids=MOVED)
def test_everything_that_moved_is_named_and_the_plan_refused(arrange: Arrange, expected: tuple[str, ...]) -> None:
    with pytest.raises(PlanRefused) as refused:
        rest_of(PLAN, arrange(World()).now(PLAN), FILE)
    assert refused.value.moved == expected
    assert refused.value.exit_code is Exit.REFUSED
    assert FILE in refused.value.message


def test_the_first_run_may_have_stamped_the_database() -> None:
    unstamped = replace(PLAN, database=replace(PLAN.database, stamped=None))
    assert rest_of(unstamped, World().now(unstamped), FILE) == Rest((B, C))
    with pytest.raises(PlanRefused, match="says that it is uat, and said nothing"):
        rest_of(unstamped, replace(World(), stamped="uat").now(unstamped), FILE)


def test_a_plan_without_a_step_is_bound_to_the_history_as_well() -> None:
    empty = replace(PLAN, steps=(), left=(B, C, D))
    assert rest_of(empty, World().now(empty), FILE) == Rest(())
    with pytest.raises(PlanRefused):
        rest_of(empty, World().with_rows().now(empty), FILE)


def test_what_is_asked_of_the_planner_is_the_last_step_under_the_saved_policy() -> None:
    assert PLAN.asked == Forward(C, None, OutOfOrder.REFUSE, allow_missing=False)


# ------------------------------------------------------------------------------------------------- its file


def test_what_is_written_is_read() -> None:
    text = encoded(PLAN)
    assert text.endswith("}\n")
    assert decoded(text, FILE) == PLAN
    assert json.loads(text)["steps"][0]["name"] == B


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"kind": "plan", "format": 1}', '{"kind": 3}', "\ufeff{}"]
)
def test_what_is_no_plan_of_ours_is_said_to_be_none(text: str) -> None:
    with pytest.raises(FileError, match=r"^plan\.json: this is no plan of this tool$") as refused:
        decoded(text, FILE)
    assert refused.value.exit_code is Exit.USAGE


def test_a_newer_format_is_named() -> None:
    newer = json.dumps({"kind": KIND, "format": FORMAT + 1, "steps": "another shape"})
    with pytest.raises(FileError, match=f"format {FORMAT + 1}, written by a newer version of this tool"):
        decoded(newer, FILE)


def test_a_damaged_plan_says_where() -> None:
    plan = json.loads(encoded(PLAN))
    plan["steps"][1].pop("checksum")
    with pytest.raises(FileError, match=r"damaged: .*checksum.* - at `\$\.steps\[1\]`"):
        decoded(json.dumps(plan), FILE)


def test_a_fact_of_a_later_version_is_passed_over() -> None:
    assert decoded(json.dumps({**json.loads(encoded(PLAN)), "colour": "blue"}), FILE) == PLAN

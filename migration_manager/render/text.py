"""Reports, previews and errors as lines on a screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from migration_manager.blocking import blocked_by
from migration_manager.config import Origin
from migration_manager.errors import FileError, FileErrors, MigrationFailed, MigrationManagerError, describe_holder
from migration_manager.locate import fit
from migration_manager.messages import one_by_one
from migration_manager.model import (
    Action,
    Difference,
    Identity,
    LogRow,
    Outcome,
    Preview,
    RunReport,
    Standing,
    Status,
    StatusReport,
    Task,
)
from migration_manager.plan import described
from migration_manager.render.screen import BAD, DIM, GOOD, HEAD, LOOK, NAME, Screen, Segment
from migration_manager.render.words import SHOWN, UNKNOWN_RUN, ago, counted, duration, size, stamp
from migration_manager.script import losses_in_words

COLLAPSE = 12  # applied migrations shown on a terminal before the middle is summed up

STYLES = {
    Status.APPLIED: GOOD,
    Status.PENDING: LOOK,
    Status.CHANGED: BAD,
    Status.MISSING: BAD,
    Status.AHEAD: LOOK,
    Status.UNFINISHED: BAD,
    Status.ELSEWHERE: DIM,
}

DONE_WORDS = {
    Action.MIGRATE: "applied",
    Action.ROLLBACK: "rolled back",
    Action.BASELINE: "recorded",
    Action.FORGET: "forgotten",
    Action.REPAIR: "accepted",
    Action.RESUME: "applied",
    Action.STAMP: "stamped",
}


def identity_line(environment: str, identity: Identity) -> list[Segment]:
    """Return the head line: environment, server, database, user."""
    as_user = identity.user if identity.role == identity.user else f"{identity.role} (login: {identity.user})"
    parts = [f"{identity.engine} {identity.version}".strip(), identity.server, f"database {identity.database}"]
    if identity.engine != "SQLite":
        parts.append(f"as {as_user}")
    return [(environment, HEAD), *(text for part in parts for text in (" · ", part))]


# ------------------------------------------------------------------------------------------- status


def show_status(screen: Screen, report: StatusReport, next_command: str | None) -> None:
    """Show where every migration stands, and the command that goes on, unless a run is at it."""
    standings = report.survey.standings
    screen.result(*identity_line(report.environment, report.identity))
    if standings:
        screen.result("")
    names = max((len(s.name) for s in standings), default=0)
    words = max((len(s.status.value) for s in standings), default=0)
    for item in _shortened(screen, standings):
        if isinstance(item, int):
            screen.result(("  … ", DIM), (f"({item} more applied)", DIM))
        else:
            note, *below = report.notes.get(item.name, ("",))
            if below:  # it is told whole, in lines of its own
                note, below = "", [note, *below]
            screen.result(*_standing_line(screen, item, names, words, note))
            for text in below:
                screen.result("    ", (_cut(screen, text, 4), LOOK))
    screen.result("")
    go_on: list[Segment] = [" Next: ", (next_command, NAME)] if next_command and report.running is None else []
    screen.result(_summary(standings), *go_on)
    if report.running is not None:
        screen.result(("a run is in progress: ", LOOK), describe_holder(report.running))


def _cut(screen: Screen, text: str, margin: int) -> str:
    """Return a text as long as a line of the terminal takes; piped it stays whole."""
    room = None if screen.width is None else screen.width - margin
    return text if room is None or len(text) <= room else text[: room - 1] + "…"


def _shortened(screen: Screen, standings: Sequence[Standing]) -> list[Standing | int]:
    """Sum up the middle of a long run of applied migrations on a terminal; piped output has every line."""
    applied = [s for s in standings if s.status is Status.APPLIED]
    if not screen.is_terminal or screen.verbose or len(applied) <= COLLAPSE:
        return list(standings)
    hidden = {s.name for s in applied[1:-3]}
    lines: list[Standing | int] = []
    told = False
    for standing in standings:
        if standing.name not in hidden:
            lines.append(standing)
        elif not told:
            lines.append(len(hidden))
            told = True
    return lines


def _standing_line(screen: Screen, standing: Standing, names: int, words: int, note: str) -> list[Segment]:
    line: list[Segment] = [
        "  ",
        (standing.name.ljust(names), NAME),
        "  ",
        (standing.status.value.ljust(words), STYLES[standing.status]),
    ]
    row = standing.applied
    if row is not None:
        when = f"  {ago(row.applied_at):<14}" if screen.is_terminal else f"  {stamp(row.applied_at)}"
        took = f"{duration(row.execution_ms):>10}"
        if screen.width is not None and names + words + len(when) + len(took) + 4 > screen.width:
            took = ""
        line.append((f"{when}{took}".rstrip(), DIM))
    remarks = [note] if note else []
    if standing.out_of_order:
        remarks.append("out of order")
    if standing.status is Status.ELSEWHERE:
        remarks.append("for other environments")
    return [*line, ("  " + ", ".join(remarks), LOOK)] if remarks else line


def _summary(standings: Sequence[Standing]) -> str:
    counts = {status: sum(s.status is status for s in standings) for status in Status}
    if not standings:
        return "no migrations yet."
    shown = [f"{count} {status.value}" for status, count in counts.items() if count]
    if not counts[Status.PENDING] and not counts[Status.UNFINISHED]:
        shown.append("nothing pending")
    return ", ".join(shown) + "."


def show_matrix(screen: Screen, columns: Sequence[tuple[str, StatusReport | str]]) -> None:
    """Show every environment beside each other; an environment that did not answer has its reason below."""
    names = sorted({s.name for _, report in columns if not isinstance(report, str) for s in report.survey.standings})
    width = max((len(name) for name in names), default=4)
    widths = [max(len(environment), 10) for environment, _ in columns]
    heads = "".join(f"  {environment:<{size}}" for (environment, _), size in zip(columns, widths, strict=True))
    screen.result((f"  {'':<{width}}{heads}".rstrip(), HEAD))
    for name in names:
        line: list[Segment] = ["  ", (name.ljust(width), NAME)]
        for (_, report), space in zip(columns, widths, strict=True):
            line += ["  ", _cell(report, name, space)]
        screen.result(*line)
    for environment, report in columns:
        if isinstance(report, str):
            screen.result("")
            screen.result((environment, HEAD), ": ", (report, BAD))


def _cell(report: StatusReport | str, name: str, size: int) -> Segment:
    if isinstance(report, str):
        return ("?".ljust(size), BAD)
    for standing in report.survey.standings:
        if standing.name == name:
            return (standing.status.value.ljust(size), STYLES[standing.status])
    return ("-".ljust(size), DIM)


# ------------------------------------------------------------------------------------------ changes


def done_line(action: Action, name: str, execution_ms: int, *, rows: int) -> list[Segment]:
    """Return the line for a task that is done and recorded; `rows` is how many it selected, which nobody is shown."""
    selected = f"   selected {counted(rows, 'row')}, not shown" if rows else ""
    took = f"{duration(execution_ms):>10}{selected}"
    return ["  ", (DONE_WORDS[action].ljust(11), GOOD), "  ", (name, NAME), (took, DIM)]


def show_run(screen: Screen, report: RunReport, *, nothing: str, undo: str) -> None:
    """Show what a run came to.

    `nothing` is the sentence for a run with nothing to do, `undo` the command that undoes one that migrated.
    """
    of_run = report.plan.of_run if report.plan else None
    if not report.finished:
        screen.result(nothing)
        return
    action = report.finished[0].action
    total = sum(result.execution_ms for result in report.finished)
    screen.result("")
    line: list[Segment] = [f"{len(report.finished)} {DONE_WORDS[action]} in {duration(total)}. Run {report.run_id}"]
    if action is Action.MIGRATE:
        screen.result(*line)
        screen.result("undo with: ", (undo, NAME))
    else:
        screen.result(*line)
    if of_run is not None:
        screen.result("undone: run ", described(of_run))


def show_preview(screen: Screen, preview: Preview, *, nothing: str) -> None:
    """Show what a run would do: files, statements, what would be recorded."""
    for text in preview.warnings:
        screen.warning(text)
    if not preview.tasks:
        screen.result(nothing)
        return
    if preview.plan.of_run is not None:
        screen.result(("-- undoes run ", DIM), (described(preview.plan.of_run), NAME))
    for task in preview.tasks:
        path = task.change.script.source.path if task.change.script else task.name
        screen.result(("-- ", DIM), (path, NAME))
        screen.result(("-- " + _what_happens(task), DIM))
        for lost in _losses(task):
            screen.result(("-- loses data: ", DIM), (lost, LOOK))
        if task.change.script is not None:
            screen.sql(_body(task))
        screen.result(("-- would be recorded: ", DIM), (_books(task), DIM))
        screen.result("")
    many = counted(len(preview.tasks), "migration")
    screen.result(f"dry run: {many} would be {DONE_WORDS[preview.tasks[0].change.action]}; nothing was written.")


def _what_happens(task: Task) -> str:
    script = task.change.script
    if script is None:
        return "runs nothing"
    how = "each statement by itself, no transaction" if task.outside_transaction else "one transaction"
    resumption = task.change.resumption
    if resumption is not None:
        return f"statements {resumption.skip + 1} to {script.statement_count}, {how}"
    return f"{counted(script.statement_count, 'statement')}, {how}"


def _losses(task: Task, most: int = 5) -> list[str]:
    """Return what a task loses, each with its line, and how many more there are."""
    script = task.change.script
    if script is None:
        return []
    shown = script.losses[:most]
    more = script.loss_count - len(shown)
    return [f"{loss.what} (line {loss.line})" for loss in shown] + ([f"and {more:,} more"] if more else [])


def _body(task: Task) -> str:
    script = task.change.script
    if script is None or not script.statement_count:
        return "-- no statement"
    if script.source.size <= SHOWN and task.change.resumption is not None:
        return "\n".join(message.text for message in islice(one_by_one(script), task.change.resumption.skip, None))
    if script.source.size <= SHOWN:
        return script.source.text.strip("\n")
    beginning = next(iter(script.source.read())).lstrip("\n").split("\n")[:20]
    return "\n".join([*beginning, f"-- … and so on: {size(script.source.size)} in all"])


def _books(task: Task) -> str:
    change = task.change
    if change.action in (Action.ROLLBACK, Action.FORGET):
        return f"{change.name} leaves the history, one log row"
    checksum = f", checksum {change.checksum.removeprefix('v1:')[:12]}…" if change.checksum else ""
    return f"{change.name}{checksum}, one log row"


def show_confirmation(
    screen: Screen, environment: str, identity: Identity, preview: Preview, stamped: str | None
) -> None:
    """Show what is about to happen to a protected environment, as the server reports itself."""
    as_role = "" if identity.role == identity.user else f" → {identity.role}"
    kind = "standby" if identity.read_only else "primary"
    restamp = stamped is not None and stamped != environment
    screen.error((stamped if restamp and stamped else environment, HEAD), " is protected.")
    screen.error("")
    screen.error("  server    ", identity.server, f"   {identity.engine} {identity.version}, {kind}")
    screen.error(
        "  database  ", identity.database, f"   user  {identity.user}{as_role}", f"   stamped  {stamped or 'not yet'}"
    )
    if restamp:
        screen.error("  ", (f"it will be stamped {environment} from now on", LOOK))
    if preview.plan.of_run is not None:
        screen.error("  undoes    run ", (described(preview.plan.of_run), NAME))
    if preview.plan.saved_in is not None:
        screen.error("  plan      ", (preview.plan.saved_in, NAME))
    label = counted(len(preview.tasks), "file")
    for number, task in enumerate(preview.tasks):
        word = DONE_WORDS[task.change.action]
        notes = ["no transaction"] if task.outside_transaction else []
        if task.change.script is None:
            notes.append("nothing is run")
        if _losses(task):
            notes.append("loses data")
        head = label if number == 0 else ""
        screen.error(f"  {head:<10}", (task.name, NAME), f"   to be {word}", (f"   {', '.join(notes)}".rstrip(), LOOK))
    for text in (*preview.warnings, *_forward_losses(preview)):
        screen.prose("  ", LOOK, text)
    screen.error("")


def _forward_losses(preview: Preview) -> list[str]:
    """Return a sentence for each migration that loses data; for a rollback the warnings have it."""
    return [
        f"{task.name} loses data: {lost}"
        for task in preview.tasks
        if task.change.action is Action.MIGRATE
        and task.change.script is not None
        and (lost := losses_in_words(task.change.script))
    ]


# ------------------------------------------------------------------------------------------ history


def show_history(screen: Screen, rows: Sequence[LogRow]) -> None:
    """Show log rows, oldest at the bottom."""
    if not rows:
        screen.result("nothing was ever done here.")
        return
    width = max(len(_subject(row)) for row in rows)
    for row in rows:
        style = {Outcome.DONE: GOOD, Outcome.FAILED: BAD, Outcome.STARTED: LOOK}[row.outcome]
        who = row.database_user + (f" ({row.os_user}@{row.host})" if row.os_user or row.host else "")
        took = "" if row.execution_ms is None else duration(row.execution_ms)
        name = _subject(row)
        screen.result(
            (stamp(row.at), DIM), f"  {row.action.value:<9}", (f"{row.outcome.value:<8}", style),
            (f"{name:<{width}}", NAME), f"  {took:>9}", (f"  {who}", DIM), (f"  run {row.run_id}", DIM),
        )  # fmt: skip
        if row.error:
            code = f"   ({row.sqlstate})" if row.sqlstate else ""
            screen.result("    ", (row.error + code, BAD))
        if row.action is Action.RUN:
            screen.result("    ", (UNKNOWN_RUN, LOOK))
        elif row.reason:
            screen.result("    reason: ", row.reason)


def _subject(row: LogRow) -> str:
    """Return what a log row is about: a migration, a run, or the environment."""
    return row.name or (f"run of {row.reason}" if row.action is Action.RUN else f"environment {row.environment}")


def show_differences(screen: Screen, differences: Sequence[Difference], checked: int) -> None:
    """Show how files differ from what was applied."""
    for difference in differences:
        kind = "comments or blank lines only" if difference.cosmetic else "changed"
        screen.result((difference.path, NAME), f"  {difference.which}: ", (kind, LOOK if difference.cosmetic else BAD))
        if difference.lines is None:
            screen.result("  the applied text was not kept (over 1 MiB); only the checksums differ")
        for line in difference.lines or ():
            style = GOOD if line.startswith("+") else BAD if line.startswith("-") else DIM
            screen.result("  ", (line, style))
        screen.result("")
    if not differences:
        screen.result(f"{counted(checked, 'applied migration')} agree with their files.")


def show_origins(screen: Screen, origins: Sequence[Origin]) -> None:
    """Show settings and where each comes from."""
    keys = max((len(o.key) for o in origins), default=0)
    values = min(44, max((len(o.value) for o in origins), default=0))
    for origin in origins:
        screen.result((origin.key.ljust(keys), NAME), f"  {origin.value:<{values}}  ", (origin.origin, DIM))


# ------------------------------------------------------------------------------------------- errors


def show_error(screen: Screen, error: MigrationManagerError, *, complete: Callable[[str], str] = str) -> None:
    """Show what failed, where, in the server's words, what the database looks like now, and what to do next.

    `complete` gives the commands that are suggested the options that the person who reads it needs.
    """
    problems = error.problems if isinstance(error, FileErrors) else (error,)
    for problem in problems:
        screen.prose("error: ", BAD, problem.message)
        if isinstance(problem, FileError | MigrationFailed) and problem.excerpt:
            screen.error("")
            for line in fit(problem.excerpt, screen.clean, (screen.width or 80) - 2):
                screen.error("  ", line)
        if isinstance(problem, MigrationFailed):
            _show_cause(screen, problem)
        if isinstance(error, FileErrors) and problem.hint:
            screen.prose("hint:  ", LOOK, complete(problem.hint))
    if error.state or (error.hint and isinstance(error, MigrationFailed)):
        screen.error("")
    if error.state:
        screen.prose("now:   ", HEAD, complete(error.state))
    if error.hint:
        screen.prose("hint:  ", LOOK, complete(error.hint))


def _show_cause(screen: Screen, error: MigrationFailed) -> None:
    cause = error.cause
    screen.error("  ", cause.message, (f"   ({cause.code})" if cause.code else "", DIM))
    for label, text in (("detail", cause.detail), ("server hint", cause.server_hint), ("context", cause.context)):
        if text:
            first, *rest = text.split("\n")
            screen.prose(f"  {label}: ", "", first)
            for line in rest:
                screen.error("    ", line)
    if cause.tries > 1:
        screen.error(f"  tried {cause.tries} times")
    for line in blocked_by(cause.wait) if cause.wait else ():
        screen.error("  ", line)

"""The campaign itself: what it reads, what it keeps, and that it goes on where it was killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.campaign.claims import read
from tests.campaign.launcher import Launcher
from tests.campaign.scenarios import (
    MIGRATE_ONE,
    OUTSIDE,
    ROLLBACK,
    Broken,
    Found,
    Rule,
    Scenario,
    broken_rules,
)
from tests.campaign.tally import PartState, StateFile, Tally, as_markdown
from tests.fixtures.cli import REPOSITORY, plain_environment
from tests.fixtures.postgres import need_embedded

NAME = MIGRATE_ONE.files[0].name
ALL, NONE, SOME = (True,) * 6, (False,) * 6, (True, False, True, False, True, False)


def test_what_a_run_claims_is_read_from_its_words() -> None:
    said = read(
        1, f"dev · x\n\n  applied      {NAME}      1 ms\n", "now:   nothing of b was kept; 1 before it stays applied\n"
    )
    assert said.acknowledged == {NAME}
    assert said.kept_nothing
    assert not said.unknown
    cut = read(-9, f"  applied      {NAME[:-1]}", "")
    assert not cut.acknowledged, "a line that a kill cut off acknowledges nothing"
    assert read(5, "", "now:   what became of it is not known; `status` tells").unknown


@pytest.mark.parametrize(
    ("words", "unfinished", "kept", "in_doubt"),
    [
        ("now:   2 of its 6 statements were kept and it is recorded as unfinished", True, 2, False),
        ("now:   none of its 6 statements was kept and it is recorded as unfinished", True, 0, False),
        ("now:   whether statement 3 of 6 has run is not known; it is recorded as unfinished", True, 2, True),
        ("now:   x is recorded as unfinished: 2 of 6 statements done", True, 2, False),
        ("now:   x is recorded as unfinished: statement 3 of 6 failed", True, 2, False),
        ("now:   x is recorded as unfinished: statement 3 of 6 unknown", True, 2, True),
        ("now:   no statement was run; `status` tells whether it is recorded as unfinished", False, None, False),
        ("now:   nothing of it was kept; it is still pending", False, None, False),
    ],
)
def test_how_far_it_says_it_came_is_read(words: str, unfinished: bool, kept: int | None, in_doubt: bool) -> None:
    said = read(1, "", words)
    assert (said.unfinished, said.kept, said.in_doubt) == (unfinished, kept, in_doubt)


FAR = "now:   2 of its 6 statements were kept and it is recorded as unfinished"
DOUBT = "now:   whether statement 3 of 6 has run is not known; it is recorded as unfinished"


@pytest.mark.parametrize(
    ("pieces", "state", "words", "rules"),
    [
        ((True, True, False, False, False), "unfinished", FAR, set()),
        ((True, True, True, False, False), "unfinished", FAR, {Rule.FALSE_CLAIM}),
        ((True, False, False, False, False), "unfinished", FAR, {Rule.FALSE_CLAIM}),
        ((True, True, True, False, False), "unfinished", DOUBT, set()),
        ((True, True, True, True, False), "unfinished", DOUBT, {Rule.FALSE_CLAIM}),
        ((False,) * 5, None, FAR, {Rule.FALSE_CLAIM}),
    ],
)
def test_what_is_kept_of_a_file_outside_a_transaction_is_held_against_what_was_said(
    pieces: tuple[bool, ...], state: str | None, words: str, rules: set[Rule]
) -> None:
    found = Found(OUTSIDE.files[0], pieces, 0, state, 0)
    assert {broken.rule for broken in broken_rules(OUTSIDE, [found], read(1, "", words))} == rules


def test_a_runner_that_is_killed_at_once_does_not_speak_with_the_words_of_another(tmp_path: Path) -> None:
    with Launcher(tmp_path) as launcher:
        for number in range(1, 4):
            (tmp_path / f"{number}.out").write_text(f"  applied      {NAME}      1 ms\n", "utf-8")
            runner = launcher.start(["--version"], folder=tmp_path, environment=plain_environment())
            runner.kill()
            assert launcher.wait(runner, 60)
            assert not read(runner.code, runner.out, runner.err).acknowledged


NOTHING = (NONE, None, 0)
DONE = (ALL, "applied", 1)
KILLED = (-9, "", "")
FINE = (0, "", "")


@pytest.mark.parametrize(
    ("scenario", "in_the_database", "said", "rules"),
    [
        (MIGRATE_ONE, DONE, FINE, set()),
        (MIGRATE_ONE, NOTHING, KILLED, set()),
        (MIGRATE_ONE, NOTHING, FINE, {Rule.LOST}),
        (MIGRATE_ONE, NOTHING, (-9, f"  applied      {NAME}  1 ms\n", ""), {Rule.LOST}),
        (MIGRATE_ONE, (SOME, None, 0), KILLED, {Rule.PARTIAL, Rule.UNRECORDED}),
        (MIGRATE_ONE, (ALL, None, 0), KILLED, {Rule.UNRECORDED}),
        (MIGRATE_ONE, (NONE, "applied", 1), KILLED, {Rule.FALSE_RECORD}),
        (MIGRATE_ONE, (ALL, "applied", 0), KILLED, {Rule.UNRECORDED}),
        (MIGRATE_ONE, (ALL, "applied", 2), KILLED, {Rule.FALSE_RECORD}),
        (MIGRATE_ONE, (ALL, "unfinished", 0), KILLED, {Rule.FALSE_RECORD}),
        (MIGRATE_ONE, DONE, (5, "", "nothing of it was kept"), {Rule.FALSE_CLAIM}),
        (MIGRATE_ONE, NOTHING, (None, "", ""), {Rule.HANGS}),
        (ROLLBACK, (NONE, None, 1), FINE, set()),
        (ROLLBACK, (ALL, "applied", 0), FINE, {Rule.LOST}),
        (ROLLBACK, (ALL, "applied", 1), (1, "", ""), {Rule.FALSE_RECORD}),
        (OUTSIDE, (SOME, "unfinished", 0), KILLED, set()),
        (OUTSIDE, (SOME, None, 0), KILLED, {Rule.PARTIAL, Rule.UNRECORDED}),
        (OUTSIDE, (SOME, "unfinished", 0), (1, "", "nothing was changed"), {Rule.FALSE_CLAIM}),
    ],
)
def test_each_rule_is_broken_by_what_it_is_about(
    scenario: Scenario,
    in_the_database: tuple[tuple[bool, ...], str | None, int],
    said: tuple[int | None, str, str],
    rules: set[Rule],
) -> None:
    pieces, state, logged = in_the_database
    found = Found(scenario.files[0], pieces, int(all(pieces)), state, logged)
    assert {each.rule for each in broken_rules(scenario, [found], read(*said))} == rules


def test_a_part_goes_on_from_its_state_file_also_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    about = {"part": "kills", "seed": 1}
    tally = Tally(version="18.4")
    tally.note("client -9", [Broken(Rule.LOST, "seen")], effective=True, replay="kills --first 3")
    file = StateFile(tmp_path / "kills.jsonl", about)
    assert file.read() == PartState()
    file.append(0, tally, 1.5)
    with (tmp_path / "kills.jsonl").open("a") as written:
        written.write('{"about": {"part": "kil')
    file.append(2, tally, 0.5)
    StateFile(tmp_path / "kills.jsonl", {"part": "kills", "seed": 2}).append(1, tally, 1)
    state = file.read()
    assert (state.done, state.seconds, state.tally.tries, state.tally.violations) == ({0, 2}, 2.0, 2, 2)
    assert state.tally.reports == ["client -9; replay with kills --first 3\n  lost acknowledgement: seen"] * 2
    assert "| **kills** | **together** | 18.4 | 2 | 2 | 2 | 2 | 0 | 0 | 0 | 2 | 1 |" in as_markdown(
        [("kills", state, 1)]
    )


@pytest.mark.postgres
@pytest.mark.e2e
@pytest.mark.slow
def test_a_campaign_that_is_killed_goes_on_and_ends_in_its_table(tmp_path: Path) -> None:
    need_embedded()
    command = [sys.executable, "scripts/campaign.py", "fuzz-control", "--tries", "1500", "--jobs", "1"]
    command += ["--state", str(tmp_path)]
    file = tmp_path / "fuzz-control.jsonl"
    with subprocess.Popen(command, cwd=REPOSITORY, env=plain_environment(), stderr=subprocess.DEVNULL) as first:
        end = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < end
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    kept = {json.loads(line)["chunk"] for line in file.read_text().splitlines() if line}
    again = subprocess.run(
        command, cwd=REPOSITORY, env=plain_environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert again.returncode == 0, again.stderr
    assert "| **fuzz-control** | **together** |" in again.stdout
    assert "| 1,500 |" in again.stdout
    done = [json.loads(line)["chunk"] for line in file.read_text().splitlines() if line]
    assert kept <= {0, 1, 2}
    assert sorted(done) == [0, 1, 2], "each chunk once"

"""The reliability campaign: runners killed, cut off, raced and lied to, and what the database says afterwards.

    python scripts/campaign.py                          every part in full, on a PostgreSQL of its own
    python scripts/campaign.py kills wire --jobs 4
    python scripts/campaign.py fuzz --seed 7 --first 4711 --tries 1      one try again

Ends with a table in markdown, and with exit code 1 when anything was broken, or when a design that must fail did not.
What is done is kept in a folder of state files: a second call with the same seed and sizes goes on where the first was
stopped, also by kill -9. Without PgBouncer, `races` cannot be run.
"""

from __future__ import annotations

import argparse
import queue
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.campaign import parts  # noqa: E402 - the repository is on the path only now
from tests.campaign.parts import Part  # noqa: E402
from tests.campaign.tally import PartState, StateFile, as_markdown  # noqa: E402
from tests.campaign.worker import Chunk, Worker  # noqa: E402


class Campaign:
    """The parts that were asked for, and the workers that do them."""

    def __init__(self, asked: argparse.Namespace, workers: Sequence[Worker]) -> None:
        self._asked = asked
        self._workers = workers
        self.states: list[tuple[str, PartState, int]] = []
        self.complete = True

    def run(self, part: Part) -> PartState:
        """Do what is not done yet of a part."""
        tries = self._asked.tries or max(1, round(part.tries * self._asked.scale))
        about = {"part": part.name, "seed": self._asked.seed, "first": self._asked.first, "tries": tries,
                 "chunk": part.chunk, "slice": self._asked.slice}  # fmt: skip
        file = StateFile(self._asked.state / f"{part.name}.jsonl", about)
        state = file.read()
        self.states.append((part.name, state, self._asked.seed))
        chunks: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
        last = self._asked.first + tries
        for number, first in enumerate(range(self._asked.first, last, part.chunk)):
            if number not in state.done:
                count = min(part.chunk, last - first)
                chunks.put(Chunk(number, part.name, self._asked.slice, self._asked.seed, first, count))
        writing = threading.Lock()

        def work(worker: Worker) -> None:
            while True:
                try:
                    chunk = chunks.get_nowait()
                except queue.Empty:
                    return
                answer = worker.do(chunk)
                with writing:
                    if answer is None:
                        self.complete = False
                        return
                    file.append(chunk.number, *answer)
                    state.done.add(chunk.number)
                    state.tally.add(answer[0])
                    state.seconds += answer[1]
                    _tell(part, state, tries)

        threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in self._workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # in short waits, between which Ctrl-C is heard
                thread.join(0.2)
        self.complete &= chunks.empty()
        return state


def _tell(part: Part, state: PartState, tries: int) -> None:
    shown = f"\r{part.name}: {state.tally.tries:,} tries ({tries:,} asked for), {state.tally.violations} violations "
    print(shown, end="", file=sys.stderr, flush=True)


def is_as_promised(part: Part, state: PartState) -> bool:
    """Return whether a part found nothing, or, for a design that must fail, did find something."""
    return bool(state.tally.violations) is part.must_fail


def main() -> int:
    """Run the parts that are asked for."""
    known = parts.full()
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="parts:\n" + "".join(f"  {part.name:<15} {part.about}\n" for part in known.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="without any, all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, help="of each part, instead of its full size")
    parser.add_argument("--first", type=int, default=0, help="number of the first try, to repeat one")
    parser.add_argument("--scale", type=float, default=1.0, help="this much of the full size")
    parser.add_argument("--slice", action="store_true", help="the small size that runs with every commit")
    parser.add_argument("--detailed", action="store_true", help="a row for each scenario as well")
    parser.add_argument("--jobs", type=int, default=2, help="workers, each with a server of its own (2)")
    parser.add_argument("--state", type=Path, default=Path(".campaign"), help="folder of the state files (.campaign)")
    parser.add_argument("--programs", type=Path, help="folder of another PostgreSQL's programs, with initdb in it")
    parser.add_argument("--url", help="a server to use instead of one's own; it is not killed")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(known):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    chosen = [part for part in (parts.small() if asked.slice else known).values()
              if not asked.parts or part.name in asked.parts]  # fmt: skip
    began, as_promised = time.monotonic(), True
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(asked.programs, asked.url)) for _ in range(asked.jobs)]
        campaign = Campaign(asked, workers)
        try:
            for part in chosen:
                state = campaign.run(part)
                as_promised &= is_as_promised(part, state)
                print(file=sys.stderr)
                for report in () if part.must_fail else state.tally.reports:
                    print(f"{part.name}: {report}", file=sys.stderr)
        except KeyboardInterrupt:
            campaign.complete = False
            print("\ninterrupted; a second call goes on from here", file=sys.stderr)
    print(as_markdown(campaign.states, detailed=asked.detailed))
    print(f"{time.monotonic() - began:.0f} seconds with {asked.jobs} workers", file=sys.stderr)
    if not campaign.complete:
        print("the campaign is not complete", file=sys.stderr)
    return 0 if as_promised and campaign.complete else 1


if __name__ == "__main__":
    sys.exit(main())

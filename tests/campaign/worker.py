"""One worker of a campaign: a process with a workbench of its own that does the chunks it is told, one after another.

Reads one JSON document for each chunk from standard input and answers with what it came to. It ends, and takes its
server with it, when there is no more to read: also when the campaign itself was killed.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.campaign import parts
from tests.campaign.bench import workbench
from tests.campaign.tally import Tally

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Chunk:
    """Tries of one part, from `first` on."""

    number: int
    part: str
    slice: bool
    seed: int
    first: int
    count: int


class Worker:
    """The worker as the campaign sees it."""

    def __init__(self, programs: Path | None, url: str | None) -> None:
        options = ["--programs", str(programs)] if programs else []
        options += ["--url", url] if url else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaign.worker", *options],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # after Ctrl-C it finishes its chunk and cleans up
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def do(self, chunk: Chunk) -> tuple[Tally, float] | None:
        """Do a chunk; returns what it came to and how many seconds it took, None when the worker has died of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(chunk.__dict__) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        answer = self._process.stdout.readline()
        if not answer:
            return None
        told = json.loads(answer)
        return Tally.of_document(told["tally"]), told["seconds"]


def main() -> None:
    """Be a worker."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=Path)
    parser.add_argument("--url")
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with (
        tempfile.TemporaryDirectory(prefix="campaign-") as folder,
        workbench(Path(folder), programs=asked.programs, url=asked.url) as bench,
    ):
        for line in sys.stdin:
            chunk = Chunk(**json.loads(line))
            part = (parts.small() if chunk.slice else parts.full())[chunk.part]
            began = time.monotonic()
            tally = part.work(bench, chunk.seed, chunk.first, chunk.count)
            tally.version = bench.version
            told = {"tally": tally.as_document(), "seconds": round(time.monotonic() - began, 3)}
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

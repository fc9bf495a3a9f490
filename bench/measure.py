"""Runs commands, and takes their time and memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

# getrusage(2): KiB on Linux, bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def nothing() -> None:
    pass


@dataclass(frozen=True)
class Command:
    """What is run, in which directory, and what is put in order before the clock starts."""

    name: str
    argv: Sequence[str]
    cwd: Path
    env: Optional[dict[str, str]] = None
    stdin: Path = Path(os.devnull)
    before: Callable[[], None] = nothing
    # The archive that it writes.
    output: Optional[Path] = None


@dataclass
class Result:
    """What one command took: a sample for each round, and the size of the last archive."""

    seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    archive: Optional[int] = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def peak(self) -> int:
        return max(self.peaks)


def interleaved(title: str, commands: Sequence[Command], rounds: int, log: Path) -> dict[str, Result]:
    """Each round runs every command once, in an order that rotates, so that a slow minute of the machine hits all of
    them alike. One round more comes first and isn't counted: it fills the page cache, and the caches under test."""
    results = {command.name: Result() for command in commands}
    for number in range(rounds + 1):
        print(f"{title}: round {number} of {rounds}", file=sys.stderr, flush=True)
        start = number % len(commands)
        for command in [*commands[start:], *commands[:start]]:
            sample(command, results[command.name], log)
            if number == 0:
                results[command.name] = Result()
    return results


def sample(command: Command, result: Result, log: Path) -> None:
    """Runs the command once. Its stderr goes to `log`, and is shown if it fails."""
    command.before()
    if command.output is not None:
        # What others wrote must not wait for its turn in the time of a command that syncs.
        os.sync()
    with command.stdin.open("rb") as stdin, log.open("wb") as stderr:
        begin = time.perf_counter()
        child = subprocess.Popen(
            command.argv, cwd=command.cwd, env=command.env, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        text = log.read_text(errors="replace")
        sys.exit(f"{command.name} failed with exit code {child.returncode}: {command.argv}\n{text}")
    result.seconds.append(seconds)
    # Linux starts a child's count at the size of the parent, about 20 MB.
    result.peaks.append(usage.ru_maxrss * MAXRSS_UNIT)
    if command.output is not None:
        result.archive = command.output.stat().st_size

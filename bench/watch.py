"""How long it takes from saving a file to reading its new source hash."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Result
from peers import LambdaPack, environment

SAVE = "lambda-pack watch, from a save to the new hash"


def save(lambda_pack: LambdaPack, repository: Path, work: Path, rounds: int) -> Result:
    """Saves a file of the demo project again and again; the program runs all the time, and has built all before the next save."""
    project = work / "watch"
    for name in ["code", "lambda-json"]:
        shutil.copytree(repository / name, project / name)
    file = project / "code/test-lambda-hash-demo-2.py"
    original = file.read_bytes()
    argv = [lambda_pack.binary, "watch", "--json"]
    result = Result()
    env, log = environment(work / "watch-cache"), (work / "stderr").open("wb")
    with log, subprocess.Popen(argv, cwd=project, env=env, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        assert process.stdout is not None
        events: Iterator[dict[str, Any]] = (json.loads(line) for line in process.stdout)
        until(events, "built")
        # The first one isn't counted.
        for number in itertools.count():
            content = original + b"\n# change %d\n" % number
            begin = time.perf_counter()
            file.write_bytes(content)
            changed = until(events, "changed")
            seconds = time.perf_counter() - begin
            built = until(events, "built")
            assert built["packages"][0]["source_hash"] == changed["functions"][0]["to"], "it was made of what was saved"
            if number > 0:
                result.seconds.append(seconds)
            if number == rounds:
                break
        process.terminate()
    # It isn't measured.
    result.peaks.append(0)
    return result


def until(events: Iterator[dict[str, Any]], name: str) -> dict[str, Any]:
    """The next event of this name."""
    return next(event for event in events if event["event"] == name)

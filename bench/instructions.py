#!/usr/bin/env python3
"""Counts the instructions of hot paths, and fails where one needs clearly more than committed: make instructions

On a busy machine time varies by half, the count by a tenth of a percent. Wherever the processor has AVX2, valgrind
shows programs one and the same model (an Intel Core i7-4910MQ: AVX2, no SHA extensions, no AVX-512), so the figures
hold on all of those; on others there is nothing to compare with. What differs still are compiler and libc: the limit
leaves them room.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import corpora

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "instructions.json"
LIMIT = 1.10
SKIPPED = 3


class Counter:
    """Runs lambda-pack under callgrind, on one thread, in a bare environment."""

    def __init__(self, valgrind: str, binary: Path, work: Path) -> None:
        self.valgrind = valgrind
        self.binary = str(binary)
        self.work = work
        self.env = {"PATH": os.defpath, "HOME": str(work), "XDG_CACHE_HOME": str(work / "cache")}

    def run(self, prefix: list[str], args: list[str], cwd: Path) -> str:
        """What it says on stderr."""
        process = subprocess.run(
            [*prefix, self.binary, *args, "--jobs=1"], cwd=cwd, env=self.env, input="{}", text=True, capture_output=True
        )
        if process.returncode != 0:
            sys.exit(f"{args} failed with exit code {process.returncode}:\n{process.stderr}")
        return process.stderr

    def count(self, args: list[str], cwd: Path) -> int:
        shutil.rmtree(cwd / "dist", ignore_errors=True)
        callgrind = [self.valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        collected = re.search(r"Collected : (\d+)", self.run(callgrind, args, cwd))
        if collected is None:
            sys.exit("valgrind printed no count")
        return int(collected[1])

    def all(self) -> dict[str, int]:
        tree = corpora.many_files(self.work / "tree", 300, 4000)
        functions = corpora.functions(self.work, 100)
        corpora.settle()
        # Fills the cache for those that may use it.
        self.run([], ["hash", "."], tree.code)
        self.run([], ["external", "hash"], functions)
        return {
            "--version": self.count(["--version"], self.work),
            "hash, no cache": self.count(["hash", "--no-cache", "."], tree.code),
            "hash, nothing changed": self.count(["hash", "."], tree.code),
            "external hash, nothing changed": self.count(["external", "hash"], functions),
            "build, no cache": self.count(["build", "--no-cache", "--quiet"], tree.project),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lambda-pack", type=Path, required=True, metavar="BINARY", help="a release build")
    parser.add_argument("--update", action="store_true", help=f"write {FIGURES.name} instead of comparing with it")
    arguments = parser.parse_args()

    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists() or "avx2" not in cpuinfo.read_text():
        print("SKIPPED: instruction counts need Linux on a processor with AVX2")
        return 0
    try:
        valgrind = corpora.installed("valgrind")
    except subprocess.CalledProcessError as error:
        if error.returncode != SKIPPED:
            raise
        print("SKIPPED: instruction counts need valgrind")
        return 0
    with tempfile.TemporaryDirectory() as work:
        counts = Counter(valgrind, arguments.lambda_pack.resolve(), Path(work)).all()
    tools = [version(program) for program in ("rustc", valgrind)]
    if arguments.update:
        FIGURES.write_text(json.dumps({"measured_with": tools, "instructions": counts}, indent=2) + "\n")
        print(f"wrote {FIGURES}")
        return 0
    return compare(counts, tools)


def version(program: str) -> str:
    return subprocess.run([program, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def compare(counts: dict[str, int], tools: list[str]) -> int:
    """Prints each figure; 1 if one is over the limit."""
    committed = json.loads(FIGURES.read_text())
    grown = []
    for name, count in counts.items():
        before = committed["instructions"][name]
        print(f"{name:<32} {count:>12,} instructions, {count / before - 1:+.1%} against {before:,}")
        if count > before * LIMIT:
            grown.append(name)
    if committed["measured_with"] != tools:
        print(f"committed with {committed['measured_with']}, now {tools}: a part of the difference may be theirs")
    if grown:
        print(
            f"error: over {LIMIT - 1:.0%} more instructions: {', '.join(grown)}\n"
            "  help: if that is meant, run `make instructions-update` and commit bench/instructions.json"
        )
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Measures lambda-pack against the programs that do a part of its work: make bench

Packs and hashes two trees of pinned Python and Node.js packages, and some that are made here, and prints one table. A
program that can't be had is skipped, and said to be. No figure fails the run; a command that fails does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

import corpora
import growth
import peers
import uploads
import watch
from measure import Command, interleaved
from peers import B3SUM, COLD, FIND, GO, PYTHON, LambdaPack
from report import ARCHIVE, PEAK, Bar, Group, Row, as_json, context, table, version, write_docs

ROOT = Path(__file__).resolve().parent.parent
MEMORY = Bar(at_most=160e6, of=PEAK)
AT_ONCE = Bar(at_most=0.005)
SAVED = Bar(at_most=0.1)


class Bench:
    """One run: the binary, a directory for everything, and how many rounds."""

    def __init__(self, binary: Path, work: Path, rounds: int) -> None:
        self.lambda_pack = LambdaPack(binary, work)
        self.work = work
        self.rounds = rounds

    def measure(self, title: str, about: str, rows: Sequence[Row], times: float = 1) -> Group:
        """`times` more rounds where a round is short, fewer where it is long."""
        corpora.settle()
        rounds = max(3, round(self.rounds * times))
        results = interleaved(title, [row.command for row in rows], rounds, self.work / "stderr")
        return Group(title, about, rows, results)

    def packages(self, name: str) -> list[Group]:
        """Pack and hash an installed tree."""
        tree = corpora.packages(self.work, name)
        about = tree.describe()
        bars = {
            GO: (Bar(COLD, at_least=3.5),),
            PYTHON: (Bar(COLD, at_least=5),),
        }
        pack = [
            Row(self.lambda_pack.build_cold(tree), (Bar(GO, at_most=1, of=ARCHIVE),)),
            Row(self.lambda_pack.build_empty(tree), (Bar(COLD),)),
            Row(self.lambda_pack.build_again(tree, corpora.changed_file(tree)), (Bar(COLD, at_most=0.35),)),
            *(Row(command, bars.get(command.name, (Bar(COLD),))) for command in peers.archivers(tree)),
        ]
        code = tree.code
        command = self.lambda_pack.command
        reading = [
            Row(command("lambda-pack hash, no cache", ["hash", "--no-cache", "."], code), (Bar(B3SUM, at_most=0.45),)),
            *map(Row, peers.b3sum(code)),
            Row(command("lambda-pack hash, nothing changed", ["hash", "."], code), (Bar(FIND, at_most=1.2),)),
            Row(peers.find(code)),
        ]
        groups = [
            self.measure(f"Pack {name}", about, pack),
            self.measure(f"Hash {name}", "the same tree", reading, times=3),
        ]
        shutil.rmtree(tree.project)
        return groups

    def functions(self) -> list[Group]:
        project = corpora.functions(self.work)
        query = self.work / "query.json"
        query.write_text("{}")
        name, args = "lambda-pack external hash", ["external", "hash"]
        command = self.lambda_pack.command
        rows = [
            Row(command(f"{name}, no cache", [*args, "--no-cache"], project, query)),
            Row(command(f"{name}, nothing changed", args, project, query), (Bar(FIND, at_most=1.5),)),
            Row(peers.find(project)),
        ]
        about = "5 files each, and two directories of 20 files that all share"
        return [self.measure("1,000 functions", about, rows, times=3)]

    def uploads(self) -> list[Group]:
        with uploads.server(self.work / "s3") as (endpoint, bucket):
            bars = {uploads.CP_SAME: (Bar(uploads.UPLOAD, at_least=5),), uploads.CP_PACKAGES: (Bar(uploads.UPLOAD),)}
            commands = uploads.commands(self.lambda_pack, self.work, endpoint, bucket)
            rows = [Row(command, bars.get(command.name, ())) for command in commands]
            about = "500 new functions of two files, to versitygw on this machine: package, manifest, provenance and record each"
            return [self.measure("Uploads", about, rows)]

    def startup(self) -> list[Group]:
        directory = self.work / "startup"
        directory.mkdir()
        (directory / "handler.py").write_text("def handler(event, context):\n    return event\n")
        argvs = [["--version"], ["hash", "handler.py"], ["hash", "--no-cache", "handler.py"]]
        rows = [
            *(
                Row(self.lambda_pack.command(f"lambda-pack {' '.join(args)}", args, directory), (AT_ONCE,))
                for args in argvs
            ),
            Row(Command("true", ["true"], directory)),
        ]
        about = "one file of 50 bytes; `true` is what starting any program costs"
        return [self.measure("Start-up", about, rows, times=5)]

    def watch(self) -> list[Group]:
        title, about = "Watching", "the demo project of six functions, one file saved"
        print(f"{title}: {self.rounds * 5} rounds", file=sys.stderr, flush=True)
        result = watch.save(self.lambda_pack, ROOT, self.work, self.rounds * 5)
        # Nothing is started for it.
        row = Row(Command(watch.SAVE, [], self.work), (SAVED,))
        return [Group(title, about, [row], {watch.SAVE: result})]

    def memory(self) -> list[Group]:
        tree = corpora.large_file(self.work)
        builds = [(self.lambda_pack.build_cold, "cold"), (self.lambda_pack.build_empty, "cold, filling its caches")]
        rows = [
            Row(build(tree, f"lambda-pack --jobs {jobs}, {cache}", [f"--jobs={jobs}"]), (MEMORY,))
            for build, cache in builds
            for jobs in (2, 32)
        ]
        groups = [self.measure("Memory", f"{tree.describe()}, one of them 600 MB", rows, times=0.5)]
        shutil.rmtree(tree.project)
        return groups


def main() -> None:
    names = ["python", "node", "functions", "uploads", "startup", "watch", "memory", "growth"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lambda-pack", type=Path, required=True, metavar="BINARY", help="a release build")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these parts, not all")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds; short commands get more (default: 7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all samples go as JSON")
    parser.add_argument(
        "--write-docs", action="store_true", help="put the table and the chart into docs/, in place of the last ones"
    )
    arguments = parser.parse_args()

    # A part of the table would replace the whole.
    if arguments.write_docs and set(arguments.only) not in ({"growth"}, set(names)):
        parser.error("--write-docs goes with all parts, or with `--only growth` for the chart alone")
    # The trees take up to 3 GB: ended by a signal, it removes them too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

    binary = arguments.lambda_pack.resolve()
    # On a disk, as users' trees are; the directory for temporary files may be memory.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lambda-pack-tests"
    cache = Path(os.environ.get("LAMBDA_PACK_TEST_CACHE") or cache)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-work-", dir=cache) as work:
        run(Bench(binary, Path(work), arguments.rounds), arguments)


def run(bench: Bench, arguments: argparse.Namespace) -> None:
    parts: dict[str, Callable[[], list[Group]]] = {
        "python": lambda: bench.packages("python"),
        "node": lambda: bench.packages("node"),
        "functions": bench.functions,
        "uploads": bench.uploads,
        "startup": bench.startup,
        "watch": bench.watch,
        "memory": bench.memory,
    }
    where = context(version(bench.lambda_pack.binary))
    groups = [group for name, part in parts.items() if name in arguments.only for group in part()]
    if groups:
        print(f"{where}\n\n{table(groups)}")
        if arguments.json:
            arguments.json.write_text(as_json(groups, where))
        if arguments.write_docs:
            write_docs(ROOT / "docs/performance.md", f"{where}:\n\n{table(groups)}")
    if "growth" in arguments.only:
        svg = ROOT / "docs/performance-growth.svg" if arguments.write_docs else None
        growth.run(bench.lambda_pack, bench.work, svg)


if __name__ == "__main__":
    main()

"""How time grows with the number of files and with their bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Optional

import chart
import corpora
from measure import interleaved
from peers import LambdaPack

PACK = "build"
HASH = "hash"
UNCHANGED = "hash, nothing changed"
# Files of 2 KB, and files of 1 MB.
FILES = [1_000, 3_000, 10_000, 30_000, 100_000]
MEGABYTES = [10, 30, 100, 300, 1_000, 2_000]
ROUNDS = 3


def run(lambda_pack: LambdaPack, work: Path, svg: Optional[Path]) -> None:
    """Prints the figures as they come; the chart goes to `svg`."""
    panels = [
        chart.Panel("files of 2 KB", [measure(lambda_pack, work, count, 2_000) for count in FILES]),
        chart.Panel("MB, in files of 1 MB", [measure(lambda_pack, work, count, 1_000_000) for count in MEGABYTES]),
    ]
    if svg:
        svg.write_text(chart.svg("Time by size of the tree", panels))


def measure(lambda_pack: LambdaPack, work: Path, count: int, size: int) -> tuple[int, dict[str, float]]:
    """The number of files, and the median seconds of each command."""
    tree = corpora.many_files(work / "growth", count, size)
    corpora.settle()
    commands = [
        lambda_pack.build_cold(tree, PACK),
        lambda_pack.command(HASH, ["hash", "--no-cache", "."], tree.code),
        lambda_pack.command(UNCHANGED, ["hash", "."], tree.code),
    ]
    title = f"{count:,} files of {size / 1000:,.0f} KB"
    results = interleaved(title, commands, ROUNDS, work / "stderr")
    shutil.rmtree(tree.project)
    seconds = {name: result.median for name, result in results.items()}
    print(f"{title}: " + ", ".join(f"{name} {value:.3f} s" for name, value in seconds.items()), flush=True)
    return count, seconds

"""The table, the JSON, and the copy of the table in docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import re
import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Optional

from measure import MAXRSS_UNIT, Command, Result

# Of a result: what a bar is about.
SECONDS = "median"
PEAK = "peak"
ARCHIVE = "archive"


@dataclass(frozen=True)
class Bar:
    """A figure of a row, relative to another row of the group if `base` names one, and the limit it must keep."""

    base: Optional[str] = None
    at_least: Optional[float] = None
    at_most: Optional[float] = None
    of: str = SECONDS


@dataclass(frozen=True)
class Row:
    command: Command
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Group:
    """What is measured together, interleaved."""

    title: str
    about: str
    rows: Sequence[Row]
    results: dict[str, Result]

    def values(self, row: Row, bar: Bar) -> Optional[tuple[str, bool]]:
        """The figure as text, and whether it keeps the limit; none if the other row wasn't measured."""
        value = getattr(self.results[row.command.name], bar.of)
        unit = {SECONDS: duration, PEAK: megabytes, ARCHIVE: megabytes}[bar.of]
        if bar.base is None:
            shown = unit(value)
        elif bar.base in self.results:
            value /= getattr(self.results[bar.base], bar.of)
            shown = f"{value:.2f} ×"
            unit = "{:g} ×".format
        else:
            return None
        if bar.at_least is not None:
            return f"{shown} (≥ {unit(bar.at_least)})", value >= bar.at_least
        if bar.at_most is not None:
            return f"{shown} (≤ {unit(bar.at_most)})", value <= bar.at_most
        return shown, True


def peak_memory(result: Result) -> str:
    """Empty where it was less than this program's own, which is where a child's count begins on Linux."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT
    return megabytes(result.peak) if result.peak > own else ""


def duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"


def megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def context(version: str) -> str:
    """Where and when."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = re.findall(r"^model name\s*: (.*)", cpuinfo.read_text(), re.M)
        model = names[0] if names else model
    load = os.getloadavg()[0]
    return (
        f"{version}, {date.today()}, {os.cpu_count()} cores ({model}), {platform.system()} {platform.release()}, "
        f"load before the start {load:.1f}"
    )


def table(groups: Sequence[Group]) -> str:
    """Markdown, which people read on a terminal too. Ratios are of medians: this row's to that row's."""
    lines = [["", "median", "min", "archive", "peak memory", "ratio or figure, and what is asked for", ""]]
    for group in groups:
        lines.append([f"**{group.title}**: {group.about}", "", "", "", "", "", ""])
        for row in group.rows:
            result = group.results[row.command.name]
            bars = [(bar, group.values(row, bar)) for bar in row.bars]
            shown = [(bar, value) for bar, value in bars if value is not None]
            limited = [met for bar, (_, met) in shown if bar.at_least is not None or bar.at_most is not None]
            lines.append(
                [
                    # A pipe would end the cell.
                    row.command.name.replace("|", "\\|"),
                    duration(result.median),
                    duration(result.best),
                    megabytes(result.archive) if result.archive is not None else "",
                    peak_memory(result),
                    "; ".join(describe(bar, text) for bar, (text, _) in shown),
                    "" if not limited else "yes" if all(limited) else "**no**",
                ]
            )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines)


def describe(bar: Bar, text: str) -> str:
    about = {SECONDS: "", PEAK: "memory ", ARCHIVE: "archive "}[bar.of]
    if bar.base is None:
        return about + text
    base = bar.base.replace("|", "\\|")
    return f"{about}{text.replace(' ×', f' × {base}', 1)}"


def as_json(groups: Sequence[Group], where: str) -> str:
    def row_json(group: Group, row: Row) -> dict[str, Any]:
        result = group.results[row.command.name]
        return {
            "command": row.command.name,
            "seconds": result.seconds,
            "median": result.median,
            "min": result.best,
            "archive_bytes": result.archive,
            "peak_bytes": result.peak,
        }

    document: list[dict[str, Any]] = [
        {"group": group.title, "about": group.about, "rows": [row_json(group, row) for row in group.rows]}
        for group in groups
    ]
    return json.dumps({"context": where, "groups": document}, indent=2) + "\n"


def write_docs(page: Path, content: str) -> None:
    """Replaces what stands between the two marks of the page."""
    begin, end = "<!-- make bench: begin -->", "<!-- make bench: end -->"
    page.write_text(replace_between(page.read_text(), begin, end, content))


def replace_between(text: str, begin: str, end: str, content: str) -> str:
    """The text with these lines between the two marks, each of which is a line."""
    before, _, rest = text.partition(f"{begin}\n")
    _, found, after = rest.partition(f"{end}\n")
    if not found:
        raise SystemExit(f"the marks {begin} and {end} are missing")
    return f"{before}{begin}\n{content}\n{end}\n{after}"


def version(binary: Path) -> str:
    return subprocess.run([binary, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

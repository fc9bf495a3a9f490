"""The trees that are packed and hashed, the same bytes everywhere: two of pinned packages, the others made here."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SETUP = Path(__file__).resolve().parent.parent / "tests" / "setup.sh"
MIB = 1 << 20


def installed(tool: str) -> str:
    """The path that tests/setup.sh prints for it. Raises CalledProcessError where it can't be had."""
    return subprocess.run([SETUP, tool], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@dataclass(frozen=True)
class Tree:
    """A project with one function, `name`, whose source is all of `code`."""

    name: str
    project: Path

    @property
    def code(self) -> Path:
        return self.project / "code"

    @classmethod
    def create(cls, project: Path, name: str) -> Tree:
        """Empty but for the definition."""
        define(project, name, ".")
        (project / "code").mkdir()
        return cls(name, project)

    def files(self) -> Iterator[Path]:
        return (path for path in self.code.rglob("*") if path.is_file())

    def describe(self) -> str:
        sizes = [path.stat().st_size for path in self.files()]
        return f"{len(sizes):,} files, {sum(sizes) / 1e6:,.0f} MB"


def define(project: Path, name: str, source: object) -> None:
    definitions = project / "lambda-json"
    definitions.mkdir(parents=True, exist_ok=True)
    (definitions / f"{name}.json").write_text(json.dumps({"source": source}))


def settle() -> None:
    """A stat cache must not trust a file that changed within the last 2 seconds, so that trees have to be older."""
    time.sleep(2.5)


def packages(work: Path, name: str) -> Tree:
    """A copy of the installed Python or Node.js packages: one that may be changed."""
    tree = Tree(name, work / name)
    define(tree.project, name, ".")
    shutil.copytree(installed(f"bench-{name}"), tree.code, symlinks=True)
    return tree


def changed_file(tree: Tree) -> Path:
    """One source file of about 16 KB, the same each time, that somebody might edit."""
    candidates = [path for path in tree.files() if path.suffix in (".py", ".js")]
    return min(candidates, key=lambda path: (abs(path.stat().st_size - 16_000), str(path)))


@lru_cache(maxsize=1)
def text() -> bytes:
    """1 MiB of words; deflate makes about a third of it, as of source code."""
    chance = random.Random(1)
    words = ["".join(chance.choices("etaoinshrdlucm", k=chance.randint(2, 9))) for _ in range(2000)]
    lines = []
    size = 0
    while size < MIB:
        line = " ".join(chance.choices(words, range(len(words), 0, -1), k=10)) + "\n"
        lines.append(line)
        size += len(line)
    return "".join(lines).encode()[:MIB]


def write_blocks(path: Path, size: int, number: int = 0) -> None:
    """Blocks of 1 MiB: text that starts elsewhere in each, every fourth one noise, as in compiled code or images."""
    with path.open("wb") as file:
        while size > 0:
            number += 1
            if number % 4 == 0:
                block = random.Random(number).randbytes(MIB)
            else:
                start = number * 7919 % MIB
                block = text()[start:] + text()[:start]
            file.write(block[:size])
            size -= len(block)


def large_file(work: Path) -> Tree:
    """1 GB: one file of 600 MB, and 400 files of 1 MB."""
    tree = Tree.create(work / "large-file", "large-file")
    write_blocks(tree.code / "model.bin", 600_000_000)
    for number in range(400):
        write_blocks(tree.code / f"part-{number:03}", 1_000_000, number)
    return tree


def many_files(project: Path, count: int, size: int) -> Tree:
    """`count` files of `size` bytes, at most 100 in a directory."""
    tree = Tree.create(project, "many-files")
    for number in range(count):
        directory = tree.code / f"{number // 10_000}" / f"{number // 100 % 100:02}"
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{number % 100:02}.py"
        if size >= MIB:
            write_blocks(path, size, number)
        else:
            start = number * 7919 % (MIB - size)
            path.write_bytes(b"# %06d\n" % number + text()[start : start + size - 9])
    return tree


def functions(work: Path, count: int = 1000) -> Path:
    """A project of so many functions: 5 files each, and two directories of 20 files that all of them share."""
    project = work / "functions"
    for shared in ("shared-a", "shared-b"):
        write_small(project / "code" / shared, 20)
    for number in range(count):
        name = f"function-{number:04}"
        write_small(project / "code" / name, 5)
        shares = [{"path": shared, "prefix": shared} for shared in ("shared-a", "shared-b")]
        define(project, name, [name, *shares])
    return project


def small_functions(project: Path, count: int) -> Path:
    """A project of so many functions of two small files each."""
    for number in range(count):
        name = f"function-{number:04}"
        write_small(project / "code" / name, 2)
        define(project, name, name)
    return project


def write_small(directory: Path, files: int) -> None:
    directory.mkdir(parents=True)
    for number in range(files):
        (directory / f"file-{number}.py").write_text(f"# {directory.name} {number}\n" * 40)

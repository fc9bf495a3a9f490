#!/usr/bin/env python3
"""release/archive.py DIRECTORY: makes DIRECTORY.tar.gz, or DIRECTORY.zip of a program for Windows; the same bytes of the same files.

As in lambda-pack's own packages, nothing but names, content and whether a file is a program gets in: entries are sorted, all have
one time and no owner. (The compressed bytes depend on the zlib of this Python, too.)
"""

import gzip
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

# 1980-02-01 00:00:00 UTC, as in package format 1.
TIME = 318_211_200
DOS_TIME = (1980, 2, 1, 0, 0, 0)

WINDOWS_PROGRAM = "lambda-pack.exe"
PROGRAMS = ("lambda-pack", WINDOWS_PROGRAM)


def main() -> None:
    tree = Path(sys.argv[1])
    kind, write = ("zip", write_zip) if (tree / WINDOWS_PROGRAM).exists() else ("tar.gz", write_tar)
    target = Path(f"{tree}.{kind}")
    partial = target.with_name(f"{target.name}.partial")
    write(partial, entries(tree))
    partial.replace(target)


def entries(tree: Path) -> Iterator[tuple[Path, str, int]]:
    """Each file, with its name in the archive and its mode."""
    for path in sorted(path for path in tree.rglob("*") if path.is_file()):
        is_program = path.parent == tree and path.name in PROGRAMS
        yield path, f"{tree.name}/{path.relative_to(tree).as_posix()}", 0o755 if is_program else 0o644


def write_tar(target: Path, files: Iterator[tuple[Path, str, int]]) -> None:
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=TIME) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path, name, mode in files:
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            entry.mode = mode
            entry.mtime = TIME
            with path.open("rb") as content:
                archive.addfile(entry, content)


def write_zip(target: Path, files: Iterator[tuple[Path, str, int]]) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for path, name, mode in files:
            entry = zipfile.ZipInfo(name, DOS_TIME)
            entry.create_system = 3  # Unix: so that the mode counts, whatever this machine is
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""release/archive.py DIRECTORY: makes DIRECTORY.tar.gz, the same bytes of the same files.

As in lambda-pack's own packages, nothing but names, content and whether a file is a program gets in: entries are sorted, all have
one time and no owner. (gzip's bytes depend on the zlib of this Python, too.)
"""

import gzip
import sys
import tarfile
from pathlib import Path

# 1980-02-01 00:00:00 UTC, as in package format 1.
TIME = 318_211_200

PROGRAMS = ("lambda-pack", "lambda-pack.exe")


def main() -> None:
    tree = Path(sys.argv[1])
    target = Path(f"{tree}.tar.gz")
    partial = target.with_name(f"{target.name}.partial")
    with (
        partial.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=TIME) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            name = f"{tree.name}/{path.relative_to(tree).as_posix()}"
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            entry.mode = 0o755 if path.parent == tree and path.name in PROGRAMS else 0o644
            entry.mtime = TIME
            with path.open("rb") as content:
                archive.addfile(entry, content)
    partial.replace(target)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A second implementation of lambda-pack's source hash, version 1.

It was written from the specification alone, shares no code with the tool, and is kept short
enough to be checked by reading. The tests compare the two; `vectors.json` beside it pins both.

    source_hash.py [--algorithm blake3|sha256|md5] PATH...
    source_hash.py --vectors FILE

It refuses a tree that holds a `.lambdaignore`: ignore rules belong to the walk, not to the hash.
BLAKE3 comes from PyPI's `blake3`; the other algorithms need the standard library only.
"""

import argparse
import hashlib
import json
import os
import stat
import sys
import unicodedata
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

try:
    from blake3 import blake3
except ImportError:  # Only an error once BLAKE3 is asked for.
    blake3 = None

HEADER = b"lambda-pack/source/v1\n"
ALGORITHMS = ("blake3", "sha256", "md5")
MAX_LINKS = 40  # how many the Linux kernel follows in one path

# Frozen as part of hash version 1.
LEFT_OUT = (
    ".git",
    ".terragrunt-cache",
    ".terraform",
    ".lambda-pack",
    "__pycache__",
    ".venv",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".DS_Store",
    ".lambdaignore",
    "*.pyc",
    ".terragrunt-*-manifest",
)


class Refused(Exception):
    """The input has no source hash, and the message says why."""


class Entry(NamedTuple):
    path: str  # relative, with `/`
    kind: str  # f: file, x: executable file, l: symbolic link
    content: Callable[[], bytes]  # of a link: its target text


def digest(data: bytes, algorithm: str) -> bytes:
    if algorithm != "blake3":
        return hashlib.new(algorithm, data, usedforsecurity=False).digest()
    if blake3 is None:
        raise Refused("BLAKE3 needs the package blake3: python3 -m pip install blake3")
    return blake3(data).digest()


def canonical_json(value: object) -> bytes:
    """RFC 8785, for the values that build inputs may hold."""

    def ordered(value: object) -> object:
        match value:
            case dict():
                # RFC 8785 orders keys by UTF-16 code units, not by code points.
                keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
                return {key: ordered(value[key]) for key in keys}
            case list():
                return [ordered(item) for item in value]
            case str():
                return value
            case int() if not isinstance(value, bool) and abs(value) < 2**53:
                return value
        raise Refused(
            f"build inputs hold strings and integers below 2^53, not {value!r}"
        )

    return json.dumps(
        ordered(value), ensure_ascii=False, separators=(",", ":")
    ).encode()


def record(kind: str, path: str, content: bytes, algorithm: str) -> bytes:
    name = path.encode()
    return (
        kind.encode()
        + len(name).to_bytes(8, "little")
        + name
        + digest(content, algorithm)
    )


def records(
    entries: Iterable[Entry],
    build_inputs: dict | None = None,
    algorithm: str = "blake3",
) -> Iterable[bytes]:
    """The records in the order in which they are hashed."""
    for entry in sorted(entries, key=lambda entry: entry.path.encode()):
        yield record(entry.kind, entry.path, entry.content(), algorithm)
    if build_inputs is not None:
        yield record("i", "build-inputs", canonical_json(build_inputs), algorithm)


def source_hash(
    entries: Iterable[Entry],
    build_inputs: dict | None = None,
    algorithm: str = "blake3",
) -> str:
    hashed = HEADER + b"".join(records(entries, build_inputs, algorithm))
    return digest(hashed, algorithm).hex()


def read_tree(root: str) -> list[Entry]:
    """The entries of a directory, or the one entry of a file."""
    if not os.path.isdir(root):
        return [read_entry(root, os.path.basename(root), os.stat(root))]
    entries = list(walk(root, ""))
    check_links(entries)
    return entries


def walk(directory: str, prefix: str) -> Iterable[Entry]:
    for item in os.scandir(directory):
        if item.name == ".lambdaignore":
            raise Refused(f"{item.path}: ignore rules are not supported here")
        if any(fnmatchcase(item.name, pattern) for pattern in LEFT_OUT):
            continue
        path = prefix + item.name
        if item.is_dir(follow_symlinks=False):
            yield from walk(item.path, path + "/")
        else:
            yield read_entry(item.path, path, item.stat(follow_symlinks=False))


def read_entry(file: str, path: str, status: os.stat_result) -> Entry:
    # Bytes that are not UTF-8 reach Python as lone surrogates, which are of category Cs.
    if any(unicodedata.category(char) in ("Cc", "Cs") or char == "\\" for char in path):
        raise Refused(
            f"{path!r}: not UTF-8, or with a control character or a backslash"
        )
    if stat.S_ISLNK(status.st_mode):
        return Entry(path, "l", lambda: os.readlink(os.fsencode(file)))
    if stat.S_ISREG(status.st_mode):
        return Entry(
            path, "x" if status.st_mode & stat.S_IXUSR else "f", Path(file).read_bytes
        )
    raise Refused(f"{path}: neither a regular file nor a symbolic link")


def check_links(entries: list[Entry]) -> None:
    """Every link must lead to an entry, or to a directory that holds one."""
    links = {
        entry.path: os.fsdecode(entry.content())
        for entry in entries
        if entry.kind == "l"
    }
    files = {entry.path for entry in entries if entry.kind != "l"}
    known = {""}
    for entry in entries:
        parts = entry.path.split("/")
        known.update("/".join(parts[: depth + 1]) for depth in range(len(parts)))

    for link, target in links.items():
        if target.startswith("/"):
            raise Refused(f"{link}: absolute link to {target}")
        here, left, followed = "", link.split("/"), 0
        while left:
            part = left.pop(0)
            if part == ".." and not here:
                raise Refused(f"{link}: leads out of the tree")
            if part == "..":
                here = here.rpartition("/")[0]
            elif part not in ("", "."):
                here = f"{here}/{part}".lstrip("/")
            if here not in known:
                raise Refused(f"{link}: leads to {here}, which is no entry")
            if left and here in files:
                raise Refused(f"{link}: leads through {here}, which is a file")
            if here in links:
                followed += 1
                if followed > MAX_LINKS:
                    raise Refused(f"{link}: leads in a circle")
                left = links[here].split("/") + left
                here = here.rpartition("/")[0]


def vector_entry(entry: dict) -> Entry:
    match entry:
        case {"target": text} | {"content": text}:
            content = text.encode()
        case {"hex": text}:
            content = bytes.fromhex(text)
        case {"repeat": [text, times]}:
            content = text.encode() * times
        case _:
            raise Refused(f"{entry}: no content, hex, repeat or target")
    return Entry(entry["path"], entry["kind"], lambda: content)


def check_vectors(file: str) -> bool:
    wrong = 0
    vectors = json.loads(Path(file).read_text(encoding="utf-8"))["vectors"]
    for vector in vectors:
        entries = [vector_entry(entry) for entry in vector["entries"]]
        for algorithm, expected in vector["source_hash"].items():
            found = source_hash(entries, vector.get("build_inputs"), algorithm)
            if found != expected:
                wrong += 1
                print(f"{vector['name']}: {algorithm} is {found}, expected {expected}")
    print(f"{len(vectors)} vectors, {wrong} wrong digests")
    return wrong == 0


def line(path: str, algorithm: str) -> str:
    """A line as `b3sum` prints it: a name that would break the line is escaped and marked."""
    prefix = "" if algorithm == "blake3" else f"{algorithm}:"
    name = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "" if name == path else "\\"
    return f"{mark}{prefix}{source_hash(read_tree(path), algorithm=algorithm)}  {name}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--algorithm", choices=ALGORITHMS, default="blake3")
    parser.add_argument(
        "--vectors", metavar="FILE", help="check the vectors of a JSON file"
    )
    parser.add_argument("paths", nargs="*", metavar="PATH")
    options = parser.parse_args()
    if bool(options.vectors) == bool(options.paths):
        parser.error("give either --vectors FILE or a PATH")
    try:
        if options.vectors:
            return 0 if check_vectors(options.vectors) else 1
        for path in options.paths:
            print(line(path, options.algorithm))
    except (Refused, OSError) as error:
        print(f"source_hash.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The programs that are measured: lambda-pack, and those that do a part of its work."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Optional

from corpora import Tree, installed
from measure import Command

HERE = Path(__file__).resolve().parent
COLD = "lambda-pack, cold"
EMPTY = "lambda-pack, cold, filling its caches"
REPACK = "lambda-pack, one file changed"
GO = "Go archive/zip"
PYTHON = "Python zipfile"
FIND = "find -printf '%p %s %T@\\n'"
B3SUM = "find | sort | xargs b3sum | b3sum"


def environment(cache: Path) -> dict[str, str]:
    """Nothing of the user's settings or AWS account, and a cache directory of our own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAMBDA_PACK_"))}
    return {**kept, "XDG_CACHE_HOME": str(cache), "LC_ALL": "C"}


def remove(*paths: Optional[Path]) -> Callable[[], None]:
    """To run before a command: its output, or its cache, isn't there yet."""

    def before() -> None:
        for path in filter(None, paths):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    return before


def edit(path: Path) -> Callable[[], None]:
    """To run before a command: the file has other bytes each time, none that a cache has seen."""
    original = path.read_bytes()
    numbers = itertools.count()

    def before() -> None:
        path.write_bytes(original + b"\n# change %d\n" % next(numbers))

    return before


@dataclass(frozen=True)
class LambdaPack:
    """The binary under test, with a cache below the work directory."""

    binary: Path
    work: Path

    def command(self, name: str, args: Sequence[str], cwd: Path, stdin: Path = Path(os.devnull)) -> Command:
        return Command(name, [str(self.binary), *args], cwd, environment(self.work / "cache"), stdin)

    def build_cold(self, tree: Tree, name: str = COLD, args: Sequence[str] = ()) -> Command:
        command = self._build(tree, name, ["--no-cache", *args], self.work / "cache")
        return replace(command, before=remove(command.output))

    def build_empty(self, tree: Tree, name: str = EMPTY, args: Sequence[str] = ()) -> Command:
        """Fills its caches, which are empty each time."""
        cache = self.work / "cache-empty"
        command = self._build(tree, name, args, cache)
        return replace(command, before=remove(command.output, cache))

    def build_again(self, tree: Tree, changed: Path) -> Command:
        """With all caches, and the package of the last time in its place."""
        command = self._build(tree, REPACK, [], self.work / "cache")
        return replace(command, before=edit(changed))

    def _build(self, tree: Tree, name: str, args: Sequence[str], cache: Path) -> Command:
        """Into a directory of its own in the project."""
        out_dir = tree.project / "".join(c if c.isalnum() else "-" for c in name)
        argv = [str(self.binary), "build", "--quiet", "--out-dir", str(out_dir), *args]
        return Command(name, argv, tree.project, environment(cache), output=out_dir / f"{tree.name}.zip")


def archivers(tree: Tree) -> list[Command]:
    """The others that make a zip, as far as they can be had."""
    argvs = {
        "Info-ZIP zip -6": ("zip", ["-6", "-r", "-X", "-q", "{output}", "."]),
        "7-Zip": ("7zz", ["a", "-tzip", "-bd", "-bso0", "{output}", "."]),
        PYTHON: ("python", [str(HERE / "archivers" / "zipfile6.py"), "{output}", "."]),
        GO: ("bench-go", ["{output}", "."]),
    }
    commands = []
    for number, (name, (tool, args)) in enumerate(argvs.items()):
        program = find_tool(tool)
        if program is None:
            continue
        output = tree.project / f"archiver-{number}.zip"
        argv = [program, *(arg.format(output=output) for arg in args)]
        commands.append(Command(name, argv, tree.code, before=remove(output), output=output))
    return commands


def find(directory: Path) -> Command:
    return Command(FIND, ["find", ".", "-printf", "%p %s %T@\\n"], directory)


def b3sum(directory: Path) -> list[Command]:
    """A digest of all files, with BLAKE3's own program; none if it can't be had."""
    program = find_tool("b3sum")
    if program is None:
        return []
    pipeline = 'find . -type f -print0 | sort -z | xargs -0 "$B3SUM" | "$B3SUM"'
    return [Command(B3SUM, ["sh", "-c", pipeline], directory, {**os.environ, "LC_ALL": "C", "B3SUM": program})]


def find_tool(tool: str) -> Optional[str]:
    """This Python, or what tests/setup.sh installs; none, said aloud, if that fails."""
    if tool == "python":
        return sys.executable
    try:
        return installed(tool)
    except subprocess.CalledProcessError as error:
        print(f"SKIPPED: {tool}: tests/setup.sh ended with exit code {error.returncode}", file=sys.stderr)
        return None

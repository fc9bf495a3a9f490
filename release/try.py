#!/usr/bin/env python3
"""release/try.py DIR [--against PROGRAM]: installs what release/build.sh put into DIR, each into an empty place, and tries it.

The archive comes through pipelines/install-lambda-pack.sh from a server on this machine, the Debian package through dpkg, the wheel
through pip. Each must print its version, hash the demo project, and build its packages: the same bytes from all of them, and from
PROGRAM, a lambda-pack that was compiled otherwise. Where the machine is another, programs for arm64 Linux run under qemu, those for
Windows under Wine, which knows neither links nor which files are executable: there the functions that have none are compared.
"""

import argparse
import functools
import hashlib
import http.server
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# Every job of a pipeline downloads it, compressed to less than half of that. It may not grow unnoticed: 15 MB is what it should be.
MOST_BYTES = 20_000_000

# What Debian calls the processors of targets, and some wheels do.
OTHER_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
# What wheels call the systems of targets, and what pip calls the platforms whose wheels it takes here.
SYSTEMS = {"linux": "linux", "darwin": "macosx", "windows": "win_"}
PLATFORMS = {"linux": "manylinux2014_{}", "windows": "win_amd64"}
Command = list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--against", type=Path, metavar="PROGRAM")
    args = parser.parse_args()
    version = run([REPOSITORY / "release/version.sh"]).strip()
    archives = sorted(args.directory.resolve().glob(f"lambda-pack-{version}-*.[tz]*"))
    if not archives:
        sys.exit(f"error: no archive of {version} in {args.directory}: run release/build.sh first")

    answers = {}
    with tempfile.TemporaryDirectory() as scratch:
        if args.against:
            answers["the other build"] = answer([str(args.against.resolve())], version, Path(scratch) / "other")
        for archive in archives:
            target = archive.name.removeprefix(f"lambda-pack-{version}-").removesuffix(".tar.gz").removesuffix(".zip")
            programs = {}
            for kind, file, install in ways(archive, version, target):
                place = Path(scratch) / f"{target}-{kind}"
                place.mkdir()
                program = install(file, place)
                programs[kind] = hashlib.sha256(program.read_bytes()).hexdigest()
                if target.endswith("-musl"):
                    refuse_loader(program)
                size = program.stat().st_size
                print(f"{target}  {kind:7}  {file.stat().st_size:>10,} bytes, installed {size:,}  {file.name}", flush=True)
                if size > MOST_BYTES:
                    sys.exit(f"error: {program.name} of {file.name} has {size:,} bytes, more than {MOST_BYTES:,}")
                answers[f"{target} {kind}"] = answer([*emulator(target), str(program)], version, place / "project")
            if len(set(programs.values())) > 1:
                sys.exit(f"error: the programs for {target} differ: {programs}")
    for what in set().union(*answers.values()):
        said = {program: made.get(what) for program, made in answers.items() if what not in left_out_by(program)}
        if len(set(said.values())) > 1:
            sys.exit(f"error: {what} is not the same from all programs: {said}")
    for program, made in answers.items():
        count = len(made.keys() - left_out_by(program))
        print(f"same: {count} files, directories and packages of the demo, byte by byte, from {program}")


def left_out_by(program: str) -> set[str]:
    """What of the demo isn't compared: programs, which no file system of Windows tells."""
    return {"uptime-probe", "code/uptime-probe"} if "-windows-" in program else set()


def ways(archive: Path, version: str, target: str) -> Iterator[tuple]:
    """The ways to install what belongs to an archive: a name, a file, and a function from file and directory to the program."""
    native = not emulator(target)
    yield "archive", archive, functools.partial(by_script, version=version) if native else by_hand
    machine, system = target.split("-")[0], target.split("-")[2]
    if "-linux-" in target:
        debian = archive.with_name(f"lambda-pack_{version}_{OTHER_NAMES[machine]}.deb")
        if shutil.which("dpkg"):
            yield "deb", debian, by_dpkg
        else:
            print(f"SKIPPED: no dpkg here to install {debian.name}", file=sys.stderr)
    wheels = [
        wheel
        for wheel in archive.parent.glob("lambda_pack-*.whl")
        if any(name in wheel.name for name in (machine, OTHER_NAMES[machine]))
        and SYSTEMS[system] in wheel.name
    ]
    if len(wheels) != 1:
        sys.exit(f"error: which wheel is for {target}? {[wheel.name for wheel in wheels]}")
    yield "wheel", wheels[0], by_pip if native else functools.partial(by_foreign_pip, of=PLATFORMS[system].format(machine))


def by_script(archive: Path, place: Path, version: str) -> Path:
    """With the script that the action runs, from a server that has what a release has."""
    served = place / "served" / f"v{version}"
    served.mkdir(parents=True)
    shutil.copy(archive, served)
    (served / "SHA256SUMS").write_text(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n")
    handler = functools.partial(Quiet, directory=place / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run(
            [REPOSITORY / "pipelines/install-lambda-pack.sh", version, place / "bin"],
            LAMBDA_PACK_REPOSITORY="owner/name",
            LAMBDA_PACK_RELEASES=f"http://127.0.0.1:{server.server_port}",
            # Only GitHub can attest, and only what it has made itself.
            LAMBDA_PACK_ATTESTATION="skip",
        )
        server.shutdown()
    return place / "bin/lambda-pack"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def by_hand(archive: Path, place: Path) -> Path:
    shutil.unpack_archive(archive, place)
    (program,) = place.glob("*/lambda-pack*")
    return program


def by_dpkg(package: Path, place: Path) -> Path:
    root = place / "root"
    database = root / "var/lib/dpkg"
    for directory in (database / "info", database / "updates"):
        directory.mkdir(parents=True)
    (database / "status").touch()
    flags = [f"--root={root}", f"--log={place}/dpkg.log", "--force-not-root", "--force-architecture"]
    run(["dpkg", *flags, "--install", package])
    share = root / "usr/share"
    for file in (
        "man/man1/lambda-pack.1.gz",
        "man/man1/lambda-pack-upload.1.gz",
        "bash-completion/completions/lambda-pack",
        "zsh/vendor-completions/_lambda-pack",
        "fish/vendor_completions.d/lambda-pack.fish",
        "doc/lambda-pack/copyright",
    ):
        if not (share / file).stat().st_size:
            sys.exit(f"error: {package.name} has nothing in /usr/share/{file}")
    run(["dpkg", *flags, "--remove", "lambda-pack"])
    if (root / "usr/bin/lambda-pack").exists():
        sys.exit(f"error: {package.name} is removed, and its program is still there")
    run(["dpkg", *flags, "--install", package])
    return root / "usr/bin/lambda-pack"


def by_pip(wheel: Path, place: Path) -> Path:
    run([sys.executable, "-m", "venv", place / "venv"])
    python = place / "venv/bin/python"
    run([python, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheel.parent, "lambda-pack"])
    return place / "venv/bin/lambda-pack"


def by_foreign_pip(wheel: Path, place: Path, of: str) -> Path:
    flags = ["--quiet", "--no-index", "--only-binary=:all:", f"--platform={of}", "--target", place]
    run([sys.executable, "-m", "pip", "install", *flags, "--find-links", wheel.parent, "lambda-pack"])
    (program,) = place.glob("bin/lambda-pack*")
    return program


def emulator(target: str) -> Command:
    """What runs a program for `target` here; nothing where the machine can do it itself."""
    if target.startswith("aarch64-") and "-linux-" in target and platform.machine() != "aarch64":
        return [run([REPOSITORY / "tests/setup.sh", "qemu-aarch64"]).strip()]
    if "-windows-" in target:
        return [run([REPOSITORY / "tests/setup.sh", "wine"]).strip()]
    return []


def refuse_loader(program: Path) -> None:
    """A static program names no loader: no program header of the type PT_INTERP (3). <https://refspecs.linuxfoundation.org/elf/>"""
    content = program.read_bytes()
    (start,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    kinds = [struct.unpack_from("<I", content, start + size * number)[0] for number in range(count)]
    if 3 in kinds or 1 not in kinds:
        sys.exit(f"error: {program} is not a static program: {kinds}")


def answer(command: Command, version: str, project: Path) -> dict[str, str]:
    """What a program makes of the directories and functions of the demo project: the same, whoever asks."""
    said = run([*command, "--version"])
    if said != f"lambda-pack {version}\n":
        sys.exit(f"error: {command[-1]} says that it is {said!r}")
    project.mkdir(parents=True)
    for name in ("code", "lambda-json"):
        shutil.copytree(REPOSITORY / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "lambda-pack.toml", project)
    answers = {}
    for path in sorted((project / "code").iterdir()):
        answers[f"code/{path.name}"] = run([*command, "hash", "--no-cache", f"code/{path.name}"], cwd=project)
    built = json.loads(run([*command, "build", "--json", "--no-cache"], cwd=project))
    zips = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in (project / "dist").glob("*.zip")}
    if not built or {row["name"] for row in built} != zips.keys():
        sys.exit(f"error: {command[-1]} built {[row['name'] for row in built]}, and made {sorted(zips)}")
    return answers | {row["name"]: f"{row['code_sha256']} {zips[row['name']]}" for row in built}


def run(command: list, cwd: Path | None = None, **variables: str) -> str:
    hidden = ("AWS_", "LAMBDA_PACK_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    done = subprocess.run(command, cwd=cwd, env=environment | variables, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"error: {' '.join(map(str, command))} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()

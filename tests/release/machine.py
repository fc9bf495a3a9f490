"""A machine that installs: a server that has what a release has, the scripts, and what they write.

The program in these archives only says its version; `make dist` installs the real ones with the same script.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# What `cargo test` has built.
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve() / "debug/lambda-pack"

# What `uname` says in Git's shell.
WINDOWS = ("MINGW64_NT-10.0-26100", "x86_64")
# What it says of a machine, and how the name of its archive ends.
ARCHIVES = {
    ("Linux", "x86_64"): "x86_64-unknown-linux-musl.tar.gz",
    ("Linux", "aarch64"): "aarch64-unknown-linux-musl.tar.gz",
    ("Darwin", "x86_64"): "x86_64-apple-darwin.tar.gz",
    ("Darwin", "arm64"): "aarch64-apple-darwin.tar.gz",
    WINDOWS: "x86_64-pc-windows-gnu.zip",
}
HERE = (platform.system(), platform.machine())


def archive(version: str, system: tuple[str, str] = HERE) -> str:
    return f"lambda-pack-{version}-{ARCHIVES[system]}"


class Release(http.server.ThreadingHTTPServer):
    """Serves `files` by their paths, and as many bytes as `cut` says of those that it names."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, bytes] = {}
        self.cut: dict[str, int] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Release]:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    server: Release

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.cut.get(self.path)])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class Machine:
    """A directory with a release of `version` on a server, and commands that run with nothing of this machine's AWS."""

    def __init__(self, server: Release, directory: Path, version: str) -> None:
        self.server, self.directory, self.version = server, directory, version
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.installed = directory / "installed"
        self.archive = archive(version)
        self.env = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(directory / "home"),
            "TMPDIR": str(directory),
            "LAMBDA_PACK_REPOSITORY": "owner/name",
            "LAMBDA_PACK_RELEASES": server.url,
            "GITHUB_OUTPUT": str(directory / "output"),
            "GITHUB_STEP_SUMMARY": str(directory / "summary"),
        }
        self.content = f"#!/bin/sh\necho lambda-pack {version}\n".encode()
        self.release(self.packed(self.content))

    def packed(self, program: bytes, name: str = "lambda-pack") -> bytes:
        """An archive as release/build.sh makes it."""
        tree = self.directory / self.archive.removesuffix(".tar.gz").removesuffix(".zip")
        tree.mkdir()
        (tree / name).write_bytes(program)
        subprocess.run([REPOSITORY / "release/archive.py", tree], check=True)
        shutil.rmtree(tree)
        made = self.directory / self.archive
        content = made.read_bytes()
        made.unlink()
        return content

    def release(self, content: bytes) -> None:
        self.server.files = {
            f"/v{self.version}/{self.archive}": content,
            f"/v{self.version}/SHA256SUMS": f"{'0' * 64}  another\n{digest(content)}  {self.archive}\n".encode(),
        }

    def is_another(self, system: str, processor: str) -> None:
        """From now on `uname` says so."""
        self.program("uname", f"case $1 in -s) echo {system} ;; *) echo {processor} ;; esac")

    def program(self, name: str, text: str) -> None:
        """Puts a program before all others of that name."""
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [REPOSITORY / script, *arguments],
            env=self.env | variables,
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )

    def read(self, name: str) -> str:
        file = self.directory / name
        return file.read_text() if file.exists() else ""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def version() -> str:
    return subprocess.run(
        [REPOSITORY / "release/version.sh"], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextlib.contextmanager
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory() as directory, Release().running() as server:
        yield Machine(server, Path(directory).resolve(), version())

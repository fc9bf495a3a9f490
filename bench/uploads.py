"""Uploads to a local S3, beside the AWS command line."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Callable, Optional

import corpora
from measure import Command
from peers import LambdaPack

UPLOAD = "lambda-pack upload"
CP_SAME = "aws s3 cp --recursive, the same 2,000 objects"
CP_PACKAGES = "aws s3 cp --recursive, the 500 packages alone"
BUCKET = "bench-bucket"


@contextlib.contextmanager
def server(data: Path, log: Optional[Path] = None) -> Iterator[tuple[str, Path]]:
    """versitygw over a directory: its address, and the directory of a bucket. Requests are logged where one asks for it."""
    bucket = data / BUCKET
    bucket.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    keys = ["--access", "test", "--secret", "test-secret"]
    logging = ["--access-log", str(log)] if log else []
    options = ["--quiet", "--keep-alive", *keys, "--port", address, *logging]
    argv = [corpora.installed("versitygw"), *options, "posix", str(data)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        host, port = address.split(":")
        while True:
            if process.poll() is not None:
                sys.exit(f"versitygw ended with exit code {process.returncode}")
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection((host, int(port))):
                break
            time.sleep(0.05)
        yield f"http://{address}", bucket
    finally:
        process.kill()
        process.wait()


def credentials(endpoint: str) -> dict[str, str]:
    """The environment of a client of the server."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def put_aside(directory: Path, place: Path) -> Callable[[], None]:
    """To run before a command: what the last one has uploaded is out of its way, but not deleted. On ext4 without a
    journal each new file looks for a number that wasn't free a minute ago: after 2,000 deletions the server would spend
    most of its time there."""
    place.mkdir()
    numbers = itertools.count()

    def before() -> None:
        if directory.exists():
            directory.rename(place / str(next(numbers)))

    return before


def commands(lambda_pack: LambdaPack, work: Path, endpoint: str, bucket: Path) -> list[Command]:
    """Each uploads 500 functions of two small files, to where nothing is yet."""
    project = corpora.small_functions(work / "uploads", 500)
    objects = work / "objects"
    upload = lambda_pack.command(UPLOAD, ["upload", "--quiet", "--no-cache", "--store", f"s3://{BUCKET}/p"], project)
    assert upload.env is not None
    local = [*upload.argv[:-1], f"file://{objects}"]
    subprocess.run(local, cwd=project, env=upload.env, check=True, stdout=subprocess.DEVNULL)
    env = {
        **{key: value for key, value in upload.env.items() if not key.startswith("AWS_")},
        **credentials(endpoint),
    }
    before = put_aside(bucket / "p", work / "uploaded")
    made = [replace(upload, env=env, before=before)]
    aws = shutil.which("aws")
    if aws is None:
        print("SKIPPED: aws: it is not installed", file=sys.stderr)
        return made
    for name, source in ((CP_SAME, objects), (CP_PACKAGES, objects / "packages")):
        argv = [aws, "s3", "cp", "--quiet", "--recursive", str(source), f"s3://{BUCKET}/p"]
        made.append(Command(name, argv, project, env, before=before))
    return made

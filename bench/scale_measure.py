"""What `scale.py` can know only from the program itself: processor time and requests, and what Terraform takes.

Run by `bench/scale.py --measure`, against versitygw on this machine, whose access log counts the requests. Processor
time is what counts: the time that passes depends on what else the machine does, and says nothing about S3.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import corpora
import peers
import uploads

# As in lambda-build-module: instances of one resource, for each of a map. Time grows faster than their number.
TERRAFORM_SIZES = (1_000, 2_000)
TERRAFORM = """
locals {
  hashed = jsondecode(file("functions.json"))
}
resource "terraform_data" "upload" {
  for_each         = local.hashed
  triggers_replace = ["s3://bucket/prefix", each.value]
}
"""


def measure(binary: Path, count: int) -> dict[str, Any]:
    """The figures that `scale.json` keeps."""
    with tempfile.TemporaryDirectory(prefix="lambda-pack-scale-") as directory:
        work = Path(directory)
        figures: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "functions": count}
        figures |= measure_uploads(binary, work, count)
        figures["terraform"] = {str(size): measure_terraform(work / f"tf-{size}", size) for size in TERRAFORM_SIZES}
        return figures


def measure_uploads(binary: Path, work: Path, count: int) -> dict[str, Any]:
    project = corpora.small_functions(work / "project", count)
    names = sorted(path.stem for path in (project / "lambda-json").iterdir())
    log = work / "access.log"
    corpora.settle()
    with uploads.server(work / "data", log) as (endpoint, _):
        env = peers.environment(work / "cache") | uploads.credentials(endpoint)
        env["LAMBDA_PACK_STORE"] = f"s3://{uploads.BUCKET}/p"

        def run(*args: str, stdin: bytes = b"") -> dict[str, Any]:
            log.write_bytes(b"")
            figures = processor_time([str(binary), *args], project, env, stdin)
            figures["requests"] = dict(sorted(Counter(re.findall(r" s3_(\w+) ", log.read_text())).items()))
            return figures

        fresh = ("upload", "--quiet", "--no-cache")
        cold = run("upload", "--quiet")
        return {
            "cold": cold,
            "unchanged": run("upload", "--quiet"),
            "unchanged, no cache": run(*fresh),
            **{f"unchanged, no cache, 1 of {n}": run(*fresh, *names[::n]) for n in (4, 16, 64)},
            "one function": run(*fresh, names[0]),
            "external hash": run("external", "hash", stdin=b"{}"),
        }


def measure_terraform(directory: Path, count: int) -> dict[str, Any]:
    """So many `terraform_data`, which ask no cloud anything: what is left is Terraform's own work."""
    terraform = "terraform"
    directory.mkdir()
    (directory / "main.tf").write_text(TERRAFORM)
    functions = {f"function-{number:05}": f"{number:064x}" for number in range(count)}
    (directory / "functions.json").write_text(json.dumps(functions))
    settings = directory / "terraformrc"
    settings.touch()
    env = peers.environment(directory / "cache") | {"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": str(settings)}
    options = ["-input=false", "-no-color"]
    subprocess.run([terraform, "init", *options], cwd=directory, env=env, check=True, stdout=subprocess.DEVNULL)
    return {
        "apply": processor_time([terraform, "apply", "-auto-approve", *options], directory, env),
        "plan": processor_time([terraform, "plan", *options], directory, env),
        "state_bytes": (directory / "terraform.tfstate").stat().st_size,
    }


def processor_time(argv: Sequence[str], cwd: Path, env: dict[str, str], stdin: bytes = b"") -> dict[str, Any]:
    """Of the program and what it starts; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(argv, cwd=cwd, env=env, input=stdin, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return {"seconds": round(seconds, 2), "cpu_seconds": round(processor, 2)}

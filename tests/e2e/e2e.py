#!/usr/bin/env python3
"""End-to-end test: lambda-pack, the two modules and real Terraform on a local AWS.

Checks the modules by themselves, then runs the scenario (scenario.py) through
Terraform, and once more through Terragrunt if that is installed. Stops at the
first step that fails. tests/setup.sh installs moto and the providers.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Iterator

import examples
import pipelines
import remote_builds
import secret_classes
import signing
import walkthrough
from runners import CODEBUILD, MODULES, REGION, STATE_BUCKET, CommandFailed, CopyRunner, Project, Runner, TerragruntRunner, run
from scenario import STEPS, Scenario, StepFailed
from servers import Aws, Proxy, moto

REPOSITORY = Path(__file__).resolve().parents[2]

# Variables of the caller that would lead a tool elsewhere than to the local AWS.
FOREIGN = ("AWS_", "LAMBDA_PACK", "TERRAGRUNT_", "TF_", "TG_")


class Report:
    """Runs steps, prints a line for each, and counts."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def step(self, description: str, body: Callable[[], None]) -> bool:
        number = self.passed + self.failed + 1
        started = time.monotonic()
        try:
            body()
        except (StepFailed, CommandFailed) as failure:
            self.failed += 1
            self._line(number, "FAILED", description, started)
            print(failure, flush=True)
            return False
        self.passed += 1
        self._line(number, "ok", description, started)
        return True

    @staticmethod
    def _line(number: int, result: str, description: str, started: float) -> None:
        seconds = time.monotonic() - started
        print(f"step {number:02} {result:<6} {description}  ({seconds:.1f} s)", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--lambda-pack",
        type=Path,
        default=REPOSITORY / "target/release/lambda-pack",
        help="the binary under test (default: %(default)s)",
    )
    parser.add_argument("--keep", action="store_true", help="keep the work directory, and say where it is")
    arguments = parser.parse_args()
    if not arguments.lambda_pack.is_file():
        parser.error(f"{arguments.lambda_pack} is missing: cargo build --release")

    # So that "finally" runs and the servers end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    moto_server = setup("moto")
    plugins = os.environ.get("LAMBDA_PACK_TEST_PLUGIN_DIR") or setup("providers")
    report = Report()
    with work_directory(arguments.keep) as work:
        env = environment(work, arguments.lambda_pack, plugins)
        run_all(report, work, env, Path(moto_server))
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


def run_all(report: Report, work: Path, env: dict[str, str], moto_server: Path) -> None:
    for description, body in module_checks(work, env):
        if not report.step(description, body):
            return
    if not report.step("the page of report in Chromium", lambda: check_page(work)):
        return
    for part in (remote_builds, secret_classes, signing, walkthrough, pipelines):
        if not report.step(part.DESCRIPTION, lambda part=part: part.run_step(REPOSITORY, work, env, moto_server)):
            return
    for example in examples.EXAMPLES:
        if not report.step(examples.description(example), lambda example=example: examples.run_step(example, REPOSITORY, work, env, moto_server)):
            return
    runners: list[type[Runner]] = [CopyRunner]
    if shutil.which("terragrunt"):
        runners.append(TerragruntRunner)
    else:
        print("no terragrunt on PATH: its way of running the modules is imitated")
    for runner in runners:
        print(f"scenario through {runner.label}")
        if not run_scenario(report, runner, work / runner.label, env, moto_server):
            return


def run_scenario(report: Report, runner_type: type[Runner], work: Path, env: dict[str, str], moto_server: Path) -> bool:
    """Runs every step on an AWS of its own; says whether all went well."""
    work.mkdir()
    with moto(moto_server, work / "moto.log") as port, Proxy(port).running() as proxy:
        aws = Aws(port, REGION)
        project = Project.copied_from(REPOSITORY, work / "repository")
        env = {**env, "AWS_ENDPOINT_URL": proxy.url, "XDG_CACHE_HOME": str(work / "cache")}
        runner = runner_type(project, env, work)
        runner.make_state_bucket(aws)
        scenario = Scenario(runner, aws, proxy, work)
        return all(report.step(description, lambda body=body: body(scenario)) for description, body in STEPS)


def module_checks(work: Path, env: dict[str, str]) -> Iterator[tuple[str, Callable[[], None]]]:
    """What can be checked without AWS."""
    yield "terraform fmt", lambda: check_format(env)
    for module in (*MODULES, "test-lambda-module", CODEBUILD):
        yield f"terraform validate and test of {module}", lambda module=module: check_module(module, work, env)


def check_format(env: dict[str, str]) -> None:
    run(["terraform", "fmt", "-check", "-diff", "-recursive", "-no-color", "."], REPOSITORY, env)


def check_module(module: str, work: Path, env: dict[str, str]) -> None:
    directory = work / module
    shutil.copytree(REPOSITORY / module, directory, ignore=shutil.ignore_patterns(".terra*"))
    run(["terraform", "init", "-no-color", "-input=false"], directory, env)
    run(["terraform", "validate", "-no-color"], directory, env)
    tested = run(["terraform", "test", "-no-color"], directory, env)
    # It also succeeds where there are no tests.
    if not re.search(r"\b[1-9][0-9]* passed", tested.stdout):
        raise StepFailed(f"no test ran in {module}:\n{tested.stdout}")


def check_page(work: Path) -> None:
    """By the Python that has Playwright."""
    if not find("chromium"):
        print("  SKIPPED: Chromium can't be installed here", flush=True)
        return
    page = [setup("playwright"), REPOSITORY / "tests/e2e/page.py", "--lambda-pack", work / "bin/lambda-pack"]
    if subprocess.run(page).returncode:
        raise StepFailed("the page isn't as it should be")


def find(what: str) -> str | None:
    """The same as setup; None where this kind of machine or user can't have it, which the script says aloud."""
    done = subprocess.run([REPOSITORY / "tests/setup.sh", what], stdout=subprocess.PIPE, text=True)
    if done.returncode == 3:
        return None
    done.check_returncode()
    return done.stdout.strip()


def setup(what: str) -> str:
    """The path that tests/setup.sh gives; it installs what is missing."""
    done = subprocess.run([REPOSITORY / "tests/setup.sh", what], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def environment(work: Path, lambda_pack: Path, plugins: str) -> dict[str, str]:
    """What all commands run with: nothing of the caller's AWS and Terraform."""
    binaries = work / "bin"
    binaries.mkdir()
    # A copy, so that a build in the checkout doesn't disturb a run.
    shutil.copy2(lambda_pack, binaries / "lambda-pack")
    terraform_rc = work / "terraform.rc"
    # No "direct": what isn't there must not be looked for in a registry.
    terraform_rc.write_text(
        f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(plugins))}\n  }}\n}}\n"
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **inherited,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TF_CLI_CONFIG_FILE": str(terraform_rc),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }


@contextlib.contextmanager
def work_directory(keep: bool) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="lambda-pack-e2e-")).resolve()
    try:
        yield directory
    finally:
        if keep:
            print(f"kept {directory}")
        else:
            shutil.rmtree(directory)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

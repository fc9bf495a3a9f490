"""Takes Terragrunt's place where it isn't installed: what the tests ask of it, with
the modules and their directories. This file is the program, too."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from runners import MODULES, REGION, CommandFailed, CopyRunner, Project
from servers import Aws


def provide(env: dict[str, str]) -> None:
    """Sees to it that there is one, in the first directory of PATH."""
    if shutil.which("terragrunt", path=env["PATH"]):
        return
    program = Path(env["PATH"].split(os.pathsep)[0]) / "terragrunt"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(__file__)} "$@"\n')
    program.chmod(0o755)


def run_all(arguments: list[str]) -> None:
    """`terragrunt run --all -- plan` or `… apply` in a project."""
    project = Project(Path.cwd())
    runner = CopyRunner(project, dict(os.environ), project.directory)
    if "--backend-bootstrap" in arguments:
        port = int(os.environ["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])
        runner.make_state_bucket(Aws(port, REGION))
    (command,) = arguments[arguments.index("--") + 1 :]
    extra = {"plan": [], "apply": ["-auto-approve"]}[command]
    for module in MODULES:
        done = runner.terraform(module, command, "-no-color", "-input=false", *extra)
        for line in done.stdout.splitlines():
            print(f"[{module}] terraform: {line}")


def run_one(arguments: list[str]) -> int:
    """A command of Terraform in a module's directory."""
    module = Path.cwd()
    project = Project(module.parent)
    runner = CopyRunner(project, dict(os.environ), project.directory)
    done = runner.terraform(module.name, *arguments, allowed=tuple(range(256)))
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    try:
        if sys.argv[1:3] == ["run", "--all"]:
            run_all(sys.argv[3:])
        else:
            sys.exit(run_one(sys.argv[1:]))
    except (CommandFailed, subprocess.SubprocessError) as failure:
        sys.exit(str(failure))

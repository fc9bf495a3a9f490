"""Pages of docs/ that are run as written, each from an empty directory and on an AWS of its own, with no step by hand."""

from __future__ import annotations

import os
import re
from pathlib import Path

import terragrunt
from runners import run
from scenario import StepFailed
from servers import free_port

DESCRIPTION = "docs/walkthrough.md and docs/promotion.md: from nothing to plans without changes, no step by hand"

PAGES = ("walkthrough", "promotion")
# Set, the pages are written anew with what commands print now.
WRITE = "WRITE_WALKTHROUGH"
CONSOLE = re.compile(r"^```console\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
# What ends the output of each command.
END = "\x1e"
# How long it took, and when it was.
TIMES = re.compile(r"\b\d+\.\d s\b|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# Of all that Terraform says, what becomes of the resources.
OUTCOME = re.compile(r"\[([a-z-]+)\] terraform: ((?:Plan:|Apply complete!|No changes\.).*)")
# What keeps the caller's configuration out.
ISOLATION = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED")
# The provider of these tests is the oldest that the modules allow, and knows no newer runtime.
OVERRIDES = '{"hello": {"runtime": "python3.9"}}'


def run_step(repository: Path, work: Path, env: dict[str, str], moto_server: Path) -> None:
    for name in PAGES:
        run_page(repository / "docs" / f"{name}.md", work / name, env, moto_server)


def run_page(page: Path, work: Path, env: dict[str, str], moto_server: Path) -> None:
    work.mkdir()
    text = page.read_text()
    binaries, others = env["PATH"].split(os.pathsep, 1)
    # The page starts moto itself, and says where AWS is.
    env = {
        **{name: value for name, value in env.items() if not name.startswith("AWS_") or name in ISOLATION},
        "PATH": os.pathsep.join([binaries, str(moto_server.parent), others]),
        "PORT": str(free_port()),
        "XDG_CACHE_HOME": str(work / "cache"),
        "TG_NO_COLOR": "true",
        "TF_VAR_function_overrides": OVERRIDES,
    }
    terragrunt.provide(env)
    shown = with_outputs(text, work, env)
    if WRITE in os.environ:
        page.write_text(shown)
    elif TIMES.sub("", shown) != TIMES.sub("", text):
        raise StepFailed(f"docs/{page.name} differs from what the commands print ({WRITE}=yes writes it):\n{shown}")


def with_outputs(text: str, work: Path, env: dict[str, str]) -> str:
    """The page, each command followed by what it prints when all are run in one shell."""
    commands = [line[2:] for block in CONSOLE.findall(text) for line in block.splitlines() if line.startswith("$ ")]
    script = "trap 'kill $(jobs -p)' EXIT\n" + "".join(f"{{ {command}\n}} 2>&1 || exit; printf '{END}'\n" for command in commands)
    # Ends at the first command that fails.
    outputs = run(["bash", "-c", script], work, env).stdout.split(END)
    blocks = iter([output_of(command, output) for command, output in zip(commands, outputs)])

    def written(block: re.Match[str]) -> str:
        count = sum(line.startswith("$ ") for line in block[1].splitlines())
        return "```console\n" + "".join(next(blocks) for _ in range(count)) + "```\n"

    return CONSOLE.sub(written, text)


def output_of(command: str, output: str) -> str:
    if command.startswith("terragrunt run "):
        output = "".join(f"[{module}] {outcome}\n" for module, outcome in OUTCOME.findall(output))
    return f"$ {command}\n{output}"

"""The examples: what their READMEs tell, run as written on a local AWS, twice. The
second time nothing may change."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from remote_builds import provider
from runners import MODULES, REGION, run, write_json
from scenario import StepFailed, expect
from servers import Aws, moto

# By example, the functions that there are in the end.
EXAMPLES = {
    "simple": {"hello"},
    "complete": {"orders"},
    "cross-account": {"hello"},
    "monorepo": {"mail-send", "orders-intake", "orders-report"},
}
COMMANDS = re.compile(r"^```sh\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
APPLIED = re.compile(r"Resources: (\d+) added, (\d+) changed, (\d+) destroyed")
# The provider of these tests is the oldest that the modules allow, and knows no newer runtimes.
RUNTIMES = {"python3.13": "python3.9", "nodejs22.x": "nodejs14.x"}


def description(example: str) -> str:
    return f"examples/{example}: its README's commands make functions, and nothing the second time"


def run_step(example: str, repository: Path, work: Path, env: dict[str, str], moto_server: Path) -> None:
    work = work / f"example-{example}"
    for part in (*MODULES, f"examples/{example}"):
        shutil.copytree(repository / part, work / part, ignore=shutil.ignore_patterns(".terra*", "*.tfstate*", "*.auto.tfvars.json"))
    directory = work / "examples" / example
    for definition in directory.glob("lambda-json/*.json"):
        text = definition.read_text()
        for runtime, known in RUNTIMES.items():
            text = text.replace(runtime, known)
        definition.write_text(text)
    commands = COMMANDS.search((directory / "README.md").read_text())
    if commands is None:
        raise StepFailed(f"examples/{example}/README.md has no commands")

    with moto(moto_server, work / "moto.log") as port:
        url = Aws(port, REGION).url
        env = {
            **env,
            "AWS_ENDPOINT_URL": url,
            "XDG_CACHE_HOME": str(work / "cache"),
            "TF_CLI_ARGS": "-no-color",
            "TF_CLI_ARGS_apply": "-auto-approve -input=false",
        }
        for root, changes in {"build": {"module": {"build": BUILD_OVERRIDES}}, "deploy": {}}.items():
            write_json(directory / root / "local_override.tf.json", {"provider": {"aws": provider(url)}, **changes})

        def applies() -> list[list[int]]:
            printed = run(["sh", "-euc", commands[1]], directory, env).stdout
            return [[int(count) for count in counts] for counts in APPLIED.findall(printed)]

        first = applies()
        expect(len(first) >= 2 and all(added > 0 for added, _, _ in first), True, f"what the applies made: {first}")
        functions = [name for state in sorted(directory.glob("deploy/**/*.tfstate")) for name in deployed(state, example)]
        expect(set(functions), EXAMPLES[example], "functions")
        second = applies()
        # moto forgets dead-letter targets: the function gets it again, and its alias the new version.
        forgotten = [[0, 2, 0]] if example == "complete" else []
        expect([counts for counts in second if counts != [0, 0, 0]], forgotten, "what the second applies changed")


# moto knows no conditions: a policy that demands TLS or writers denies everything.
BUILD_OVERRIDES = {"enforce_tls": False, "writer_arns": []}


def deployed(state: Path, example: str) -> dict[str, dict]:
    """The functions of a state, by name."""
    functions = json.loads(state.read_text())["outputs"]["functions"]["value"]
    if example == "cross-account":
        expect({function["arn"].split(":")[4] for function in functions.values()}, {"210987654321"}, "account of the functions")
    return functions

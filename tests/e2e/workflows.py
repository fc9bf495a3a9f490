"""The workflows of GitHub Actions as written, on this machine: their jobs' shell steps in order, with an event's payload.

What GitHub does itself is done here in a few lines: expressions, `if`, `needs`, outputs, environment files. Actions (`uses`)
aren't run but for the checkout of a commit; programs are on PATH already, and credentials in the environment.
"""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from runners import run

CHECKOUT = re.compile(r"actions/checkout@")
KNOWN_ACTIONS = re.compile(r"actions/(checkout|upload-artifact|download-artifact)@|aws-actions/configure-aws-credentials@|\./\.github/actions/tools$")
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(\d+)|([A-Za-z_][\w.-]*)|(&&|\|\||[!=<>]=|[()!<>,]))")
OPERATORS = {"&&": " and ", "||": " or ", "!": " not "}
FUNCTIONS = {"always": lambda: True, "fromJSON": json.loads, "format": lambda text, *values: text.format(*values)}


@dataclasses.dataclass
class Event:
    """What starts workflows."""

    name: str
    payload: dict[str, Any]
    commit: str
    ref: str
    repository: str
    # The second is when somebody runs it again.
    attempt: int = 1


def parsed(file: Path, python: Path) -> dict[str, Any]:
    """A YAML file. All scalars are strings. `python` is an interpreter with PyYAML."""
    convert = "import json, sys, yaml; print(json.dumps(yaml.load(open(sys.argv[1]), yaml.BaseLoader)))"
    return json.loads(subprocess.run([python, "-c", convert, file], stdout=subprocess.PIPE, check=True).stdout)


def value_of(expression: str, contexts: dict[str, Any]) -> Any:
    """The value of an expression: operators, strings, functions, and names in contexts; what isn't there is empty."""
    translated, names, position = "", [], 0
    while position < len(expression.rstrip()):
        token = TOKEN.match(expression, position)
        if not token:
            raise ValueError(f"not understood: {expression!r} at {position}")
        position = token.end()
        string, number, name, operator = token.groups()
        if string is not None:
            names.append(string[1:-1].replace("''", "'"))
            translated += f"names[{len(names) - 1}]"
        elif number is not None:
            translated += number
        elif name in FUNCTIONS:
            translated += f"functions[{name!r}]"
        elif name is not None:
            names.append(looked_up(name, contexts))
            translated += f"names[{len(names) - 1}]"
        else:
            translated += OPERATORS.get(operator, operator)
    return eval(translated, {"__builtins__": {}}, {"names": names, "functions": FUNCTIONS})


def looked_up(name: str, contexts: dict[str, Any]) -> Any:
    found: Any = contexts
    for part in name.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return found


def filled(text: str, contexts: dict[str, Any]) -> str:
    def shown(found: re.Match[str]) -> str:
        value = value_of(found[1], contexts)
        return value if isinstance(value, str) else json.dumps(value)

    return EXPRESSION.sub(shown, text)


class Machine:
    """Runs jobs in a clone of a repository."""

    def __init__(self, clone: Path, scratch: Path, env: dict[str, str], python: Path, variables: dict[str, str]) -> None:
        self.clone, self.scratch, self.env, self.python, self.variables = clone, scratch, env, python, variables
        self.summary = ""
        self.log = ""

    def run(self, workflow: str, event: Event) -> dict[str, dict[str, Any]]:
        """Runs the jobs of a workflow that its event lets run; returns `result` and `outputs` of each."""
        self.summary, self.log = "", ""
        definition = parsed(self.clone / ".github/workflows" / workflow, self.python)
        github = {
            "event_name": event.name,
            "event": event.payload,
            "repository": event.repository,
            "sha": event.commit,
            "ref": event.ref,
            "ref_name": event.ref.removeprefix("refs/heads/"),
        }
        finished: dict[str, dict[str, Any]] = {}
        for name, job in definition["jobs"].items():
            needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            contexts = {
                "github": github,
                "vars": self.variables,
                "needs": {need: finished[need] for need in needs},
                "env": definition.get("env", {}),
            }
            condition = job.get("if", "")
            due = "always()" in condition or all(finished[need]["result"] == "success" for need in needs)
            if not due or (condition and not value_of(condition, contexts)):
                finished[name] = {"result": "skipped", "outputs": {}}
            elif "uses" in job:
                called = Machine(self.clone, self.scratch, self.env, self.python, self.variables)
                results = called.run(job["uses"].rpartition("/")[2], event)
                finished[name] = {"result": "success", "outputs": {}, "jobs": results}
                self.log += called.log
            else:
                matrix = job.get("strategy", {}).get("matrix", "")
                each = json.loads(filled(matrix, contexts))["include"] if matrix else [{}]
                for combination in each:
                    outputs = self.run_job(job, event, {**contexts, "matrix": combination})
                finished[name] = {"result": "success", "outputs": outputs}
        return finished

    def run_job(self, job: dict[str, Any], event: Event, contexts: dict[str, Any]) -> dict[str, str]:
        """Raises CommandFailed if a step fails."""
        contexts = {**contexts, "steps": {}}
        payload = self.scratch / "event.json"
        payload.write_text(json.dumps(event.payload))
        for step in job["steps"]:
            if "uses" in step:
                self.use(step, event, contexts)
                continue
            files = {name: self.scratch / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
            for file in files.values():
                file.write_text("")
            env = {name: filled(value, contexts) for name, value in {**contexts["env"], **step.get("env", {})}.items()}
            env |= {name: str(file) for name, file in files.items()}
            env |= {
                "GITHUB_ACTIONS": "true",
                "GITHUB_EVENT_NAME": event.name,
                "GITHUB_EVENT_PATH": str(payload),
                "GITHUB_REPOSITORY": event.repository,
                "GITHUB_REF": event.ref,
                "GITHUB_SHA": event.commit,
                "GITHUB_RUN_ATTEMPT": str(event.attempt),
            }
            # As GitHub starts its default shell.
            done = run(["bash", "-e", "-c", filled(step["run"], contexts)], self.clone, {**self.env, **env})
            self.log += done.stdout + done.stderr
            self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            contexts["steps"][step.get("id", "")] = {"outputs": dict(line.split("=", 1) for line in lines)}
        return {name: filled(text, contexts) for name, text in job.get("outputs", {}).items()}

    def use(self, step: dict[str, Any], event: Event, contexts: dict[str, Any]) -> None:
        if not KNOWN_ACTIONS.match(step["uses"]):
            raise ValueError(f"what {step['uses']} does isn't known here")
        inputs = {name: filled(text, contexts) for name, text in step.get("with", {}).items()}
        if "role-to-assume" in inputs and not inputs["role-to-assume"]:
            raise ValueError("no role is assumed")
        if CHECKOUT.match(step["uses"]):
            # Of a run that another one started, the tip of the default branch is meant.
            commit = inputs.get("ref") or ("origin/main" if event.name == "workflow_run" else event.commit)
            run(["git", "fetch", "--quiet", "origin"], self.clone, self.env)
            run(["git", "checkout", "--quiet", "--force", "--detach", commit], self.clone, self.env)
            # What a new machine doesn't have.
            run(["git", "clean", "-ffdxq"], self.clone, self.env)

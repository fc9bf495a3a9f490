"""The two ways to run the modules: Terraform in a copy of the module, as
Terragrunt does it, and Terragrunt itself."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from servers import Aws

BUILD = "lambda-build-module"
DEPLOY = "lambda-deploy-module"
CODEBUILD = "modules/codebuild"
MODULES = (BUILD, DEPLOY)

REGION = "eu-central-1"
STATE_BUCKET = "lambda-pack-e2e-state"
# As lambda-build-module's terragrunt.hcl names it.
PACKAGE_BUCKET = f"{STATE_BUCKET}-packages"

# Far above what any command takes, so that only a hanging one meets it.
COMMAND_SECONDS = 900


class CommandFailed(Exception):
    """A command ended with another exit code than the step needs."""

    def __init__(self, command: list[str], exit_code: int, stdout: str, stderr: str) -> None:
        # Of Terraform's answers in JSON, what a person would have read.
        lines, self.errors = [], []
        for line in stdout.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                lines.append(line)
                continue
            lines.append(event.get("@message", line))
            if event.get("type") == "diagnostic":
                diagnostic = event["diagnostic"]
                lines.append(diagnostic["detail"])
                if diagnostic["severity"] == "error":
                    self.errors.append(diagnostic)
        self.output = "\n".join(lines) + "\n" + stderr
        super().__init__(f"exit code {exit_code} of: {' '.join(command)}\n{self.output}")

    def details(self) -> str:
        """What Terraform's errors say, or everything if it wasn't Terraform that failed."""
        return "\n".join(error["detail"] for error in self.errors) or self.output


def run(command: list[str], cwd: Path, env: dict[str, str], allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; raises CommandFailed for exit codes that are not allowed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if done.returncode not in allowed:
        raise CommandFailed(command, done.returncode, done.stdout, done.stderr)
    return done


@dataclasses.dataclass(frozen=True)
class Project:
    """A user's repository: the modules, code/ and lambda-json/."""

    directory: Path

    # What the scenario runs on. Nothing else of the checkout is copied.
    PARTS = ("root.hcl", *MODULES, "code", "lambda-json")

    @classmethod
    def copied_from(cls, repository: Path, directory: Path) -> Project:
        directory.mkdir(parents=True)
        for part in cls.PARTS:
            if (repository / part).is_dir():
                shutil.copytree(
                    repository / part,
                    directory / part,
                    symlinks=True,
                    # What runs in the checkout may have left behind, and what
                    # each runner writes itself.
                    ignore=shutil.ignore_patterns(
                        ".terragrunt-cache", ".terraform*", "backend.tf", "provider.tf", "packages.auto.tfvars.json"
                    ),
                )
            else:
                shutil.copy2(repository / part, directory / part)
        return cls(directory)

    @property
    def code(self) -> Path:
        return self.directory / "code"

    @property
    def definitions(self) -> Path:
        return self.directory / "lambda-json"

    def definition_files(self) -> dict[str, Path]:
        """The definition files by function_name."""
        return {json.loads(path.read_text())["function_name"]: path for path in self.definitions.glob("*.json")}

    def change_definition(self, name: str, **values: Any) -> None:
        path = self.definition_files()[name]
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}, indent=2))

    def change_code(self, path: str) -> int:
        """Adds a line to a file of code/: a comment in Python, and harmless where nothing runs it. Returns its length."""
        with (self.code / path).open("a") as file:
            return file.write(f"\n# changed {time.monotonic_ns()}\n")


@dataclasses.dataclass(frozen=True)
class Plan:
    """A saved plan, and what it says."""

    module: str
    file: Path
    exit_code: int  # 0: no changes, 2: changes
    contents: dict[str, Any]  # empty if there are no changes

    @property
    def changes(self) -> dict[str, str]:
        """What is planned for managed resources: "create", "update", "delete" or "replace", by address."""
        return {
            change["address"]: action(change["change"]["actions"])
            for change in self.contents.get("resource_changes", [])
            if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
        }

    @property
    def changed_outputs(self) -> set[str]:
        return {
            name
            for name, change in self.contents.get("output_changes", {}).items()
            if change["actions"] != ["no-op"]
        }

    def changed_attributes(self, address: str) -> set[str]:
        """Names of a resource's attributes that an update changes, or that are known only after it."""
        (change,) = [c["change"] for c in self.contents["resource_changes"] if c["address"] == address]
        before, after, unknown = change["before"], change["after"], change["after_unknown"]
        return {
            name
            for name in {*before, *after, *unknown}
            if unknown.get(name) is True or before.get(name) != after.get(name)
        }


def action(actions: list[str]) -> str:
    return "replace" if len(actions) == 2 else actions[0]


class Runner:
    """Runs Terraform on the modules of a project."""

    label: str

    def __init__(self, project: Project, env: dict[str, str], scratch: Path) -> None:
        self.project = project
        self.env = env
        self.scratch = scratch  # for plan files
        self.plans = 0

    def terraform(self, module: str, *arguments: str, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Runs one Terraform command on a module that is ready for it."""
        raise NotImplementedError

    def make_state_bucket(self, aws: Aws) -> None:
        """Makes the bucket for the state, which each account needs once."""
        raise NotImplementedError

    def plan(self, module: str, variables: dict[str, Any] | None = None) -> Plan:
        """Saves a plan; variables go to Terraform as a file of their own."""
        self.plans += 1
        file = self.scratch / f"{self.plans}.tfplan"
        arguments = ["-json", "-input=false", "-detailed-exitcode", f"-out={file}"]
        if variables is not None:
            variable_file = file.with_suffix(".tfvars.json")
            variable_file.write_text(json.dumps(variables))
            arguments.append(f"-var-file={variable_file}")
        done = self.terraform(module, "plan", *arguments, allowed=(0, 2))
        # Reading a plan takes as long as making it. One without changes needs no reading.
        contents = {}
        if done.returncode == 2:
            contents = json.loads(self.terraform(module, "show", "-json", str(file)).stdout)
        return Plan(module, file, done.returncode, contents)

    def shown(self, plan: Plan) -> str:
        """What a reviewer reads."""
        return self.terraform(plan.module, "show", "-no-color", str(plan.file)).stdout

    def apply(self, plan: Plan) -> None:
        self.terraform(plan.module, "apply", "-json", "-input=false", str(plan.file))

    def outputs(self, module: str) -> dict[str, Any]:
        """The outputs in the module's state; none before its first apply."""
        answer = json.loads(self.terraform(module, "output", "-json").stdout)
        return {name: output["value"] for name, output in answer.items()}


class CopyRunner(Runner):
    """Without Terragrunt: does what it does with root.hcl and terragrunt.hcl.

    A module is copied to .terragrunt-cache/<x>/<y>/ below itself, gets its
    backend, provider and inputs there, and Terraform runs there.
    """

    label = "terraform"

    def make_state_bucket(self, aws: Aws) -> None:
        aws.make_bucket(STATE_BUCKET)

    def terraform(self, module: str, *arguments: str, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        directory = self._prepared_copy(module)
        if module == DEPLOY:
            packages = self.outputs(BUILD).get("packages")
            (directory / "packages.auto.tfvars.json").write_text(json.dumps({"packages": packages}))
            write_json(directory / "secret_values_override.tf.json", {"variable": {"secret_values": {"ephemeral": True}}})
        profile = {"TF_VAR_deployment_profile": self.env.get("LAMBDA_PACK_DEPLOYMENT_PROFILE", "")}
        env = {**self.env, **profile, **(self._build_inputs() if module == BUILD else {})}
        if not (directory / ".terraform").exists():
            run(["terraform", "init", "-no-color", "-input=false"], directory, env)
        return run(["terraform", *arguments], directory, env, allowed)

    def _prepared_copy(self, module: str) -> Path:
        source = self.project.directory / module
        directory = source / ".terragrunt-cache" / short_digest(str(source)) / short_digest(module)
        directory.mkdir(parents=True, exist_ok=True)
        # What it copied before goes, by the manifests below.
        for copied in directory.glob("*.auto.tfvars.json"):
            copied.unlink()
        shutil.copytree(source, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".terragrunt-cache"))
        for manifest in (".terragrunt-source-manifest", ".terragrunt-module-manifest"):
            (directory / manifest).write_text(str(directory))
        endpoint = self.env["AWS_ENDPOINT_URL"]
        backend = {
            "bucket": STATE_BUCKET,
            "key": f"{module}/terraform.tfstate",
            "region": REGION,
            "encrypt": True,
            "use_lockfile": True,
            "endpoints": {"s3": endpoint},
            "use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            "skip_region_validation": True,
            "skip_requesting_account_id": True,
        }
        provider = {
            "region": REGION,
            "s3_use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            "skip_region_validation": True,
            "skip_requesting_account_id": True,
            "endpoints": {service: endpoint for service in ENDPOINTS},
        }
        write_json(directory / "backend.tf.json", {"terraform": {"backend": {"s3": backend}}})
        write_json(directory / "provider.tf.json", {"provider": {"aws": provider}})
        return directory

    def _build_inputs(self) -> dict[str, str]:
        return {
            "TF_VAR_code_dir": str(self.project.code),
            "TF_VAR_config_dir": str(self.project.definitions),
            "TF_VAR_bucket_name": PACKAGE_BUCKET,
            # moto knows no conditions: a policy that demands TLS denies everything.
            "TF_VAR_enforce_tls": "false",
        }


# Left out ec2, the provider asks the real one, and retries for 20 s.
ENDPOINTS = ("cloudwatchlogs", "ec2", "iam", "kms", "lambda", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts")


class TerragruntRunner(Runner):
    """With Terragrunt, which takes the rest from root.hcl and terragrunt.hcl."""

    label = "terragrunt"

    def __init__(self, project: Project, env: dict[str, str], scratch: Path) -> None:
        settings = {
            "TF_STATE_BUCKET": STATE_BUCKET,
            "TG_TF_PATH": "terraform",
            "TG_NON_INTERACTIVE": "true",
            "TG_TF_FORWARD_STDOUT": "true",
            "TG_NO_COLOR": "true",
        }
        super().__init__(project, {**env, **settings}, scratch)

    def make_state_bucket(self, aws: Aws) -> None:
        run(["terragrunt", "backend", "bootstrap"], self.project.directory / BUILD, self.env)

    def terraform(self, module: str, *arguments: str, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        return run(["terragrunt", *arguments], self.project.directory / module, self.env, allowed)


def short_digest(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()[:27]


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2))

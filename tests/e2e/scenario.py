"""The life of a deployment, step by step. Each step starts from what the one
before it left behind."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import Any, Callable, Iterable, List

from runners import BUILD, DEPLOY, PACKAGE_BUCKET, STATE_BUCKET, CommandFailed, Plan, Project, Runner, run
from servers import Aws, Proxy, Request

# Functions of the demo project that the steps change, and a file of each.
DEMO, DEMO_FILE = "test-lambda-hash-demo-2", "test-lambda-hash-demo-2.py"
IBAN, IBAN_FILE = "iban-check", "iban-check/iban_check/handler.py"
CSV, CSV_FILE = "csv-to-json", "csv-to-json/src/csv.js"
REMOVED = "uptime-probe"
SHARED_FILE, SHARING = "shared/orders.py", {"order-intake", "order-summary"}
# A layer that a step adds to those two.
LAYER, LAYER_FILE = "order-rules", "order-rules/python/order_rules.py"

ALIAS = "live"
CODE = {"s3_key", "source_code_hash"}
# What the provider computes anew with each published version.
COMPUTED = {"last_modified", "qualified_arn", "qualified_invoke_arn", "source_code_size", "version"}
# What the deploy module makes for each function.
OF_A_FUNCTION = {
    "aws_cloudwatch_log_group",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_lambda_alias",
    "aws_lambda_function",
}


class StepFailed(Exception):
    pass


def expect(actual: Any, wanted: Any, what: str) -> None:
    if actual == wanted:
        return
    # Of large collections, only what differs.
    if isinstance(actual, dict) and isinstance(wanted, dict):
        both = {key for key in actual.keys() & wanted.keys() if actual[key] == wanted[key]}
        actual, wanted = ({key: value[key] for key in value.keys() - both} for value in (actual, wanted))
        what = f"{what}, without what is as expected"
    elif isinstance(actual, (set, frozenset)) and isinstance(wanted, (set, frozenset)):
        actual, wanted = actual - wanted, wanted - actual
        what = f"{what}, without what is as expected"
    raise StepFailed(f"{what}:\n  expected {shortened(wanted)}\n  found    {shortened(actual)}")


def shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 4000 else f"{text[:4000]}… ({len(text)} characters)"


def expect_in(text: str, wanted: str, what: str) -> None:
    if wanted not in text:
        raise StepFailed(f"{what}: expected {wanted!r} in:\n{text}")


Step = Callable[["Scenario"], None]
STEPS: List[tuple[str, Step]] = []


def step(description: str) -> Callable[[Step], Step]:
    def register(function: Step) -> Step:
        STEPS.append((description, function))
        return function

    return register


class Scenario:
    def __init__(self, runner: Runner, aws: Aws, proxy: Proxy, work: Path) -> None:
        self.runner = runner
        self.aws = aws
        self.proxy = proxy
        self.work = work
        self.packages: dict[str, Any] = {}  # output of the build module's last good apply
        self.earlier: dict[str, Any] = {}  # DEMO's package before its last change

    @property
    def project(self) -> Project:
        return self.runner.project

    # What every plan and apply must keep to.

    def plan(self, module: str, **variables: Any) -> Plan:
        """Plans; a plan writes nothing to S3 but the state's lock."""
        with self.proxy.recording() as requests:
            plan = self.runner.plan(module, variables or None)
        expect_no_writes(requests)
        return plan

    def failing_plan(self, module: str) -> str:
        """What the errors of a plan say that must fail, and write nothing."""
        with self.proxy.recording() as requests:
            try:
                self.runner.plan(module)
            except CommandFailed as failure:
                message = failure.details()
            else:
                raise StepFailed(f"the plan of {module} went through")
        expect_no_writes(requests)
        return message

    def expect_clean(self, *modules: str) -> None:
        for module in modules:
            plan = self.plan(module)
            expect(plan.changes, {}, f"planned changes of {module}")
            expect(plan.changed_outputs, set(), f"planned changes of outputs of {module}")
            expect(plan.exit_code, 0, f"exit code of the plan of {module}")

    def apply(self, plan: Plan) -> list[Request]:
        with self.proxy.recording() as requests:
            self.runner.apply(plan)
        return requests

    # Building and deploying what is expected, and nothing else.

    def build(self, *names: str) -> None:
        """Plans and applies uploads of exactly these functions."""
        plan = self.plan(BUILD)
        expect(plan.changes, {upload(name): "replace" for name in names}, "planned uploads")
        self.apply_build(plan, names)

    def apply_build(self, plan: Plan, names: Iterable[str]) -> None:
        requests = self.apply(plan)
        expect(written_functions(requests), set(names), "functions written to the store")
        self.packages = self.runner.outputs(BUILD)["packages"]
        self.expect_stored()

    def expect_stored(self) -> None:
        """Each package that the output names is in the store, whole."""
        for name, package in self.packages.items():
            zipped = self.aws.object(package["s3_bucket"], package["s3_key"])
            digest = hashlib.sha256(zipped).digest()
            expect(package["code_sha256"], base64.b64encode(digest).decode(), f"code_sha256 of {name}")
            expect(package["s3_key"], f"packages/{name}/{digest.hex()}.zip", f"s3_key of {name}")
            expect(package["size_bytes"], len(zipped), f"size_bytes of {name}")

    def deploy(self, changed: dict[str, set[str]]) -> None:
        """Plans and applies updates in place of exactly these functions' attributes, and their aliases."""
        plan = self.plan(DEPLOY)
        wanted = {}
        for name in changed:
            wanted |= {of("aws_lambda_function", name): "update", of("aws_lambda_alias", name): "update"}
        expect(plan.changes, wanted, "planned changes")
        for name, attributes in changed.items():
            found = plan.changed_attributes(of("aws_lambda_function", name)) - COMPUTED
            expect(found, attributes, f"attributes of {name} that change")
        requests = self.apply(plan)
        code = {name for name, attributes in changed.items() if attributes & CODE}
        configuration = {name for name, attributes in changed.items() if attributes - CODE}
        expect(updated_functions(requests, "code"), code, "functions that got code")
        expect(updated_functions(requests, "configuration"), configuration, "functions that got a configuration")
        self.expect_deployed()

    def expect_deployed(self) -> None:
        """AWS has what the packages say, and the aliases lead to it."""
        outputs = self.runner.outputs(DEPLOY)["functions"]
        layers = {name: layer["arn"] for name, layer in self.runner.outputs(DEPLOY)["layers"].items()}
        functions = {name: package for name, package in self.packages.items() if is_function(package)}
        expect(set(outputs), set(functions), "functions in the output")
        expect(set(layers), set(self.packages) - set(functions), "layers in the output")
        for name, package in functions.items():
            function = self.aws.function(name) or {}
            definition = package["definition"]
            found = {key: function.get(key) for key in ("CodeSha256", "Runtime", "Handler", "MemorySize", "Timeout")}
            wanted = {
                "CodeSha256": package["code_sha256"],
                "Runtime": definition["runtime"],
                "Handler": definition["handler"],
                "MemorySize": definition["memory_size"],
                "Timeout": definition["timeout"],
            }
            expect(found, wanted, f"{name} in AWS")
            expect(function["Environment"]["Variables"], definition["environment"], f"environment of {name} in AWS")
            found = [layer["Arn"] for layer in function.get("Layers", [])]
            expect(found, [layers[layer] for layer in definition["layers"]], f"layers of {name} in AWS")
            expect(self.aws.alias_version(name, ALIAS), outputs[name]["version"], f"version of {name}'s alias")


def is_function(package: dict[str, Any]) -> bool:
    return package["definition"]["type"] == "function"


def of(resource_type: str, name: str) -> str:
    return f'{resource_type}.this["{name}"]'


def upload(name: str) -> str:
    return f'terraform_data.upload["{name}"]'


def expect_no_writes(requests: list[Request]) -> None:
    writes = [request for request in requests if request.writes_below(f"/{PACKAGE_BUCKET}")]
    writes += [
        request
        for request in requests
        if request.writes_below(f"/{STATE_BUCKET}/") and not request.path.endswith(".tflock")
    ]
    expect(writes, [], "writes to S3 in a plan")


def written_functions(requests: list[Request]) -> set[str]:
    """Functions for which anything was written to the store."""
    below = re.compile(rf"/{PACKAGE_BUCKET}/(?:packages|manifests|records)/([^/]+)/")
    return {found[1] for request in requests if request.writes_below("/") and (found := below.match(request.path))}


def updated_functions(requests: list[Request], what: str) -> set[str]:
    """Functions of which Lambda was asked to update the "code" or the "configuration"."""
    path = re.compile(rf"/2015-03-31/functions/([^/]+)/{what}")
    return {found[1] for request in requests if request.method == "PUT" and (found := path.fullmatch(request.path))}


@step("deploy before build: refused, and the message says what to do")
def deploy_before_build(s: Scenario) -> None:
    message = s.failing_plan(DEPLOY)
    expect_in(message, BUILD, "the message")
    if not re.search(r"\bappl(y|ied)\b", message):
        raise StepFailed(f"the message doesn't say what to do:\n{message}")


@step("build from nothing: bucket and every function's package; the plan wrote nothing")
def first_build(s: Scenario) -> None:
    names = set(s.project.definition_files())
    plan = s.plan(BUILD)
    expect_in(s.runner.shown(plan), '+ input            = "first package', "the plan as people read it")
    uploads = {address for address in plan.changes if address.startswith("terraform_data.upload")}
    expect(uploads, {upload(name) for name in names}, "planned uploads")
    expect(set(plan.changes.values()), {"create"}, "planned actions")
    resources = plan.contents["configuration"]["root_module"]["resources"]
    (provisioner,) = [p for resource in resources for p in resource.get("provisioners", [])]
    expect(set(provisioner["expressions"]["command"]), {"constant_value"}, "what the upload's command is made of")
    s.apply_build(plan, names)
    expect(set(s.packages), names, "functions in the output")
    keys = {
        key
        for name, package in s.packages.items()
        for key in (
            package["s3_key"],
            f"manifests/{name}/{package['source_hash']}.json",
            f"provenance/{name}/{package['source_hash']}.{base64.b64decode(package['code_sha256']).hex()}.intoto.json",
            f"records/{name}/{package['source_hash']}.json",
        )
    }
    expect(s.aws.keys(PACKAGE_BUCKET), keys, "objects in the store")
    zipped = s.aws.object(PACKAGE_BUCKET, s.packages[DEMO]["s3_key"])
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        expect(archive.namelist(), [DEMO_FILE], f"entries of {DEMO}")
        expect(archive.read(DEMO_FILE), (s.project.code / DEMO_FILE).read_bytes(), f"content of {DEMO}")


@step("deploy from nothing: functions, roles, log groups, aliases; AWS has the very packages")
def first_deploy(s: Scenario) -> None:
    plan = s.plan(DEPLOY)
    created = {of(kind, name): "create" for name in s.packages for kind in OF_A_FUNCTION}
    expect(plan.changes, created, "planned changes")
    s.apply(plan)
    s.expect_deployed()


@step("both plans again: no changes")
def settled(s: Scenario) -> None:
    s.expect_clean(BUILD, DEPLOY)


@step("caches wiped, repository copied elsewhere, every file touched, Terragrunt's droppings: no changes")
def moved(s: Scenario) -> None:
    old = s.project.directory
    shutil.rmtree(s.runner.env["XDG_CACHE_HOME"], ignore_errors=True)
    s.runner.project = Project.copied_from(old, old.with_name("elsewhere") / "deep" / "er")
    shutil.rmtree(old)
    for directory, _, files in os.walk(s.project.code):
        Path(directory, ".terragrunt-source-manifest").write_bytes(os.urandom(16))
        cached = Path(directory, "__pycache__")
        cached.mkdir(exist_ok=True)
        (cached / "module.cpython-313.pyc").write_bytes(os.urandom(16))
        for name in files:
            file = Path(directory, name)
            if not file.is_symlink():
                os.utime(file, (1, 1))
                # A umask of 002 instead of 022.
                file.chmod(file.stat().st_mode ^ 0o020)
    s.expect_clean(BUILD, DEPLOY)


@step("code of one function: the plan says what changed, uploads exactly that one, updates exactly that function in place")
def one_function(s: Scenario) -> None:
    added = s.project.change_code(DEMO_FILE)
    plan = s.plan(BUILD)
    expect(plan.changes, {upload(DEMO): "replace"}, "planned uploads")
    expect_in(s.runner.shown(plan), f'-> "{DEMO_FILE} changed, +{added} B"', "the plan as people read it")
    s.apply_build(plan, [DEMO])
    s.deploy({DEMO: CODE})
    s.expect_clean(BUILD, DEPLOY)


@step("shared directory: uploads and updates exactly the two functions that have it")
def shared_code(s: Scenario) -> None:
    s.project.change_code(SHARED_FILE)
    s.build(*SHARING)
    s.deploy({name: CODE for name in SHARING})


def deploy_layer(s: Scenario, action: str) -> None:
    """Plans and applies a version of LAYER, and updates of exactly the functions that name it."""
    plan = s.plan(DEPLOY)
    wanted = {of("aws_lambda_layer_version", LAYER): action}
    for name in SHARING:
        wanted |= {of("aws_lambda_function", name): "update", of("aws_lambda_alias", name): "update"}
    expect(plan.changes, wanted, "planned changes")
    for name in SHARING:
        found = plan.changed_attributes(of("aws_lambda_function", name)) - COMPUTED
        expect(found, {"description", "layers"}, f"attributes of {name} that change")
    requests = s.apply(plan)
    expect(updated_functions(requests, "code"), set(), "functions that got code")
    expect(updated_functions(requests, "configuration"), SHARING, "functions that got a configuration")
    s.expect_deployed()
    s.expect_clean(BUILD, DEPLOY)


@step("a layer for two functions: one upload, one version, both functions get it")
def new_layer(s: Scenario) -> None:
    file = s.project.code / LAYER_FILE
    file.parent.mkdir(parents=True)
    file.write_text("FREE_SHIPPING_FROM = 50\n")
    definition = {"function_name": LAYER, "type": "layer", "compatible_runtimes": ["python3.13"], "source": Path(LAYER_FILE).parts[0]}
    (s.project.definitions / f"{LAYER}.json").write_text(json.dumps(definition))
    for name in SHARING:
        s.project.change_definition(name, layers=[LAYER])
    plan = s.plan(BUILD)
    expect(plan.changes, {upload(LAYER): "create"}, "planned uploads")
    s.apply_build(plan, [LAYER])
    deploy_layer(s, "create")


@step("code of the layer: one upload, one new version, both functions move to it")
def changed_layer(s: Scenario) -> None:
    s.project.change_code(LAYER_FILE)
    s.build(LAYER)
    deploy_layer(s, "replace")


@step("description of the layer only: no version, no function is updated")
def layer_description(s: Scenario) -> None:
    s.project.change_definition(LAYER, description="What all orders keep to")
    plan = s.plan(BUILD)
    expect(plan.changes, {}, "planned changes")
    s.apply_build(plan, [])
    s.expect_clean(BUILD, DEPLOY)


@step("memory_size only: no upload, the output changes, one configuration update")
def memory_only(s: Scenario) -> None:
    keys = s.aws.keys(PACKAGE_BUCKET)
    s.project.change_definition(IBAN, memory_size=256)
    plan = s.plan(BUILD)
    expect(plan.changes, {}, "planned changes")
    expect(plan.changed_outputs, {"packages"}, "planned changes of outputs")
    s.apply_build(plan, [])
    expect(s.aws.keys(PACKAGE_BUCKET), keys, "objects in the store")
    s.deploy({IBAN: {"memory_size"}})


@step("code and handler of one function, its upload refused: apply fails, outputs keep old package and handler")
def failed_upload(s: Scenario) -> None:
    s.project.change_code(CSV_FILE)
    with (s.project.code / IBAN_FILE).open("a") as file:
        file.write("\n\nrenamed_handler = lambda_handler\n")
    s.project.change_definition(IBAN, handler="iban_check.handler.renamed_handler")
    plan = s.plan(BUILD)
    expect(plan.changes, {upload(IBAN): "replace", upload(CSV): "replace"}, "planned uploads")
    with s.proxy.refusing_writes_below(f"/{PACKAGE_BUCKET}/packages/{IBAN}/"):
        try:
            s.apply(plan)
        except CommandFailed as failure:
            failed = {error.get("address") for error in failure.errors}
        else:
            raise StepFailed("the apply went through")
    expect(failed, {upload(IBAN)}, "what failed")
    expect(s.runner.outputs(BUILD)["packages"], s.packages, "output after the failed apply")
    s.expect_clean(DEPLOY)


@step("repaired: only the failed upload is repeated, then everything converges")
def repaired(s: Scenario) -> None:
    s.build(IBAN)
    expect(s.packages[IBAN]["definition"]["handler"], "iban_check.handler.renamed_handler", "handler")
    s.deploy({IBAN: CODE | {"handler"}, CSV: CODE})
    s.expect_clean(BUILD, DEPLOY)


@step("definition file renamed: no changes")
def renamed_definition(s: Scenario) -> None:
    file = s.project.definition_files()[IBAN]
    file.rename(file.with_name("0-renamed.json"))
    s.expect_clean(BUILD, DEPLOY)


@step("function removed: only what belongs to it goes; its packages stay, for a rollback")
def removed_function(s: Scenario) -> None:
    keys = s.aws.keys(PACKAGE_BUCKET)
    s.project.definition_files()[REMOVED].unlink()
    shutil.rmtree(s.project.code / REMOVED)
    plan = s.plan(BUILD)
    expect(plan.changes, {upload(REMOVED): "delete"}, "planned changes of the build")
    s.apply_build(plan, [])
    expect(s.aws.keys(PACKAGE_BUCKET), keys, "objects in the store")
    plan = s.plan(DEPLOY)
    expect(plan.changes, {of(kind, REMOVED): "delete" for kind in OF_A_FUNCTION}, "planned changes of the deploy")
    s.apply(plan)
    expect(s.aws.function(REMOVED), None, f"{REMOVED} in AWS")
    s.expect_deployed()


@step("saved plan, then an edit of the same code: apply ends with 5, nothing is written, nothing changes")
def overtaken_plan(s: Scenario) -> None:
    s.project.change_code(DEMO_FILE)
    plan = s.plan(BUILD)
    s.project.change_code(DEMO_FILE)
    with s.proxy.recording() as requests:
        try:
            s.runner.apply(plan)
        except CommandFailed as failure:
            expect({error.get("address") for error in failure.errors}, {upload(DEMO)}, "what failed")
            # Terraform has no field for a provisioner's exit code.
            expect_in(failure.details(), "exit status 5", "the message")
        else:
            raise StepFailed("the apply went through")
    expect(written_functions(requests), set(), "functions written to the store")
    expect(s.runner.outputs(BUILD)["packages"], s.packages, "output after the failed apply")
    s.expect_clean(DEPLOY)
    s.build(DEMO)


@step("saved plan, then edits of other code and of settings: apply does exactly what was planned")
def unrelated_edit(s: Scenario) -> None:
    s.project.change_code(DEMO_FILE)
    plan = s.plan(BUILD)
    before = s.packages
    s.earlier = before[DEMO]
    s.project.change_code(IBAN_FILE)
    s.project.change_definition(DEMO, memory_size=512)
    s.apply_build(plan, [DEMO])
    unchanged = {name for name in before if s.packages[name] == before[name]}
    expect(unchanged, set(before) - {DEMO}, "packages that stay")
    expect(s.packages[DEMO]["definition"], before[DEMO]["definition"], f"definition of {DEMO}")
    s.build(IBAN)
    expect(s.packages[DEMO]["definition"]["memory_size"], 512, f"memory_size of {DEMO}")
    s.deploy({DEMO: CODE | {"memory_size"}, IBAN: CODE})
    s.expect_clean(BUILD, DEPLOY)


@step("rollback by package_overrides and by alias_versions, and forward again: only these change")
def rollback(s: Scenario) -> None:
    wanted = {
        of("aws_lambda_function", DEMO): "update",
        of("aws_lambda_alias", DEMO): "update",
        of("aws_lambda_alias", IBAN): "update",
    }
    back = s.plan(DEPLOY, package_overrides={DEMO: s.earlier}, alias_versions={IBAN: "1"})
    expect(back.changes, wanted, "planned changes of the rollback")
    s.apply(back)
    function = s.aws.function(DEMO) or {}
    expect(function.get("CodeSha256"), s.earlier["code_sha256"], f"code of {DEMO} in AWS")
    expect(function.get("MemorySize"), s.earlier["definition"]["memory_size"], f"memory_size of {DEMO} in AWS")
    expect(s.aws.alias_version(IBAN, ALIAS), "1", f"version of {IBAN}'s alias")
    forward = s.plan(DEPLOY)
    expect(forward.changes, wanted, "planned changes on the way forward")
    s.apply(forward)
    s.expect_deployed()


@step("lambda-pack rollback: one function is updated in place, the next plan keeps it, and forward again")
def rollback_by_file(s: Scenario) -> None:
    wanted = {of("aws_lambda_function", DEMO): "update", of("aws_lambda_alias", DEMO): "update"}

    def lambda_pack(*arguments: str) -> str:
        command = ["lambda-pack", "rollback", DEMO, *arguments, "--store", f"s3://{PACKAGE_BUCKET}"]
        return run(command, s.project.directory, s.runner.env).stdout

    said = lambda_pack("--to", s.earlier["source_hash"])
    file = s.project.directory / DEPLOY / "rollback.auto.tfvars.json"
    overrides = json.loads(file.read_text())
    expect(overrides, {"package_overrides": {DEMO: s.earlier}}, "the file")
    expect_in(said, f"cd {DEPLOY} && terragrunt plan", "what it prints")
    back = s.plan(DEPLOY)
    expect(back.changes, wanted, "planned changes of the rollback")
    s.apply(back)
    function = s.aws.function(DEMO) or {}
    expect(function.get("CodeSha256"), s.earlier["code_sha256"], f"code of {DEMO} in AWS")
    expect(function.get("MemorySize"), s.earlier["definition"]["memory_size"], f"memory_size of {DEMO} in AWS")
    s.expect_clean(BUILD, DEPLOY)
    lambda_pack("--clear")
    expect(file.exists(), False, "whether the file is there")
    forward = s.plan(DEPLOY)
    expect(forward.changes, wanted, "planned changes on the way forward")
    s.apply(forward)
    s.expect_deployed()
    s.expect_clean(DEPLOY)


@step("objects deleted behind Terraform's back: plan fails, the command in its message mends it")
def deleted_objects(s: Scenario) -> None:
    package = s.packages[DEMO]
    for key in (package["s3_key"], f"records/{DEMO}/{package['source_hash']}.json"):
        s.aws.delete_object(PACKAGE_BUCKET, key)
        message = s.failing_plan(BUILD)
        expect_in(message, DEMO, "the message")
        expect_in(message, package["source_hash"], "the message")
        command = re.search(r"lambda-pack upload [^`\n]*", message)
        if command is None:
            raise StepFailed(f"the message has no command:\n{message}")
        run(shlex.split(command[0]), s.project.directory, s.runner.env)
        s.expect_stored()
        s.expect_clean(BUILD)


@step("unknown key in a definition: the plan names file, line and key")
def unknown_key(s: Scenario) -> None:
    file = s.project.definition_files()[CSV]
    original = file.read_text()
    lines = original.splitlines()
    file.write_text("\n".join([*lines[:2], '  "memroy_size": 256,', *lines[2:]]))
    message = s.failing_plan(BUILD)
    file.write_text(original)
    expect_in(message, f"{file.name}:3:", "the message")
    expect_in(message, "memroy_size", "the message")


@step("names that a shell would run: refused, nothing runs")
def shell_in_names(s: Scenario) -> None:
    definition = {"runtime": "python3.13", "handler": "x.y", "source": DEMO_FILE}
    for stem in ("a; echo PWNED", "$(touch pwned)"):
        file = s.project.definitions / f"{stem}.json"
        file.write_text(json.dumps(definition))
        message = s.failing_plan(BUILD)
        file.unlink()
        expect_in(message, file.name, "the message")
        expect("PWNED" in message.splitlines(), False, "whether echo ran")
        expect(list(s.work.rglob("pwned")), [], "files that touch made")
    name = "$(touch pwned); touch pwned"
    env = {**s.runner.env, "LAMBDA_PACK": "echo", "FUNCTION_NAME": name, "SOURCE_HASH": "0"}
    script = s.project.directory / BUILD / "build-script.sh"
    expect_in(run(["sh", str(script)], s.work, env).stdout, name, "arguments of lambda-pack")
    expect(list(s.work.rglob("pwned")), [], "files that touch made")


@step("1,000 functions through the dependency: no size limit is hit")
def thousand_functions(s: Scenario) -> None:
    names = {f"thousand-{number:04}" for number in range(1000)}
    for name in names:
        (s.project.code / f"{name}.py").write_text(f"def lambda_handler(event, context):\n    return {name!r}\n")
        definition = {
            "runtime": "python3.13",
            "handler": f"{name}.lambda_handler",
            "source": f"{name}.py",
            "description": "As long as descriptions are, so that all of them are more than any limit allows",
            "environment": {"TABLE": f"table-of-{name}", "LOG_LEVEL": "INFO"},
        }
        (s.project.definitions / f"{name}.json").write_text(json.dumps(definition))
    plan = s.plan(BUILD)
    expect(plan.changes, {upload(name): "create" for name in names}, "planned uploads")
    s.apply_build(plan, names)
    plan = s.plan(DEPLOY)
    expect(plan.changes, {of(kind, name): "create" for name in names for kind in OF_A_FUNCTION}, "planned changes")

"""Secrets of all four classes, from a profile to the functions that read them. No
value may be in a plan, a saved plan, the state, or anything that Terraform says."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any, Iterator

from runners import BUILD, DEPLOY, REGION, STATE_BUCKET, CommandFailed, CopyRunner, Plan, Project, Runner, TerragruntRunner
from scenario import StepFailed, expect, expect_in, of
from servers import Aws, moto

DESCRIPTION = "secrets of all four classes: made once, asked for, found, kept out of plans, state and logs"

PROFILE = "prod"
ACCOUNT = "123456789012"  # moto's
GENERATED, PROMPTED, IN_PARAMETER, REMOTE = "cookie-key", "smtp-password", "relay-token", "stripe-key"
PARAMETER = "/shop/relay-token"
REMOTE_ARN = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:payments/stripe-AbCdEf"
# Values that nothing else contains, and that Terraform would have to escape nowhere.
PROMPTED_VALUE, PARAMETER_VALUE, INFRASTRUCTURE_VALUE = "correct-horse-7Qv2mX", "relay-horse-9Lw4nZ", "ci-horse-3Rt8kY"

LAMBDA_PACK_TOML = f"""
[profiles.{PROFILE}]
functions = ["shop", "mailer"]

[[profiles.{PROFILE}.secrets]]
id = "ci-token"
class = "infrastructure"
reason = "deploys the stack; no function needs it"
variable = "CI_TOKEN"

[[profiles.{PROFILE}.secrets]]
id = "{PROMPTED}"
class = "user_prompt"
target = "SMTP_PASSWORD_SECRET"
label = "SMTP password"
description = "of the mail relay"
pattern = "^.{{8,}}$"
"""

SHOP = {
    "runtime": "python3.9",
    "handler": "shop.handler",
    "source": "shop.py",
    "environment": {"LOG_LEVEL": "INFO"},
    "secrets": [
        {"id": GENERATED, "class": "per_install_generated", "target": "COOKIE_KEY_SECRET", "length": 40, "charset": "hex"},
        {"id": IN_PARAMETER, "class": "user_prompt", "target": "RELAY_TOKEN_PARAMETER", "label": "Relay token", "parameter": PARAMETER},
        {"id": REMOTE, "class": "remote_fetch", "target": "STRIPE_KEY_SECRET", "arn": REMOTE_ARN},
    ],
    "policy_statements": [
        {
            "sid": "ReadOrders",
            "actions": ["dynamodb:GetItem"],
            "resources": [f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders"],
            "conditions": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "total"]}},
        }
    ],
}
MAILER = {"runtime": "python3.9", "handler": "shop.handler", "source": "shop.py"}
LEFT_OUT = {"runtime": "python3.9", "handler": "shop.handler", "source": "shop.py"}


@dataclasses.dataclass
class Shop:
    """A project with these functions, and all that Terraform said of it."""

    runner: Runner
    aws: Aws
    work: Path
    said: list[str] = dataclasses.field(default_factory=list)
    generated: set[str] = dataclasses.field(default_factory=set)

    def terraform(self, module: str, *arguments: str, allowed: tuple[int, ...] = (0,)) -> Any:
        try:
            done = type(self.runner).terraform(self.runner, module, *arguments, allowed=allowed)
        except CommandFailed as failure:
            self.said.append(failure.output)
            raise
        self.said += [done.stdout, done.stderr]
        return done

    def give(self, **values: str) -> None:
        """From now on the user gives these values."""
        self.runner.env["TF_VAR_secret_values"] = json.dumps({name.replace("_", "-"): value for name, value in values.items()})

    def failing_apply(self, plan: Plan) -> str:
        try:
            self.runner.apply(plan)
        except CommandFailed as failure:
            return failure.details()
        raise StepFailed("the apply went through")

    def expect_no_changes(self, *modules: str) -> None:
        for module in modules:
            plan = self.runner.plan(module)
            expect(plan.changes, {}, f"planned changes of {module}")
            expect(plan.exit_code, 0, f"exit code of the plan of {module}")

    def value(self, secret: str) -> str | None:
        """The value of a secret of the deploy module; None if it has none."""
        answer = self.aws.json_call("secretsmanager", "secretsmanager.GetSecretValue", {"SecretId": f"lambda-pack/{secret}"})
        return answer.get("SecretString")

    def everything_kept(self) -> Iterator[tuple[str, bytes]]:
        """All that is left on disk and in the state's bucket, saved plans unzipped."""
        for path in sorted(path for path in self.work.rglob("*") if path.is_file() and not path.is_symlink()):
            if path.suffix == ".tfplan":
                with zipfile.ZipFile(path) as plan:
                    for name in plan.namelist():
                        yield f"{name} in {path}", plan.read(name)
            elif path.parts[-1].startswith("terraform-provider-"):
                continue
            else:
                yield str(path), path.read_bytes()
        for key in sorted(self.aws.keys(STATE_BUCKET)):
            yield f"s3://{STATE_BUCKET}/{key}", self.aws.object(STATE_BUCKET, key)


def run_step(repository: Path, work: Path, env: dict[str, str], moto_server: Path) -> None:
    work = work / "secrets"
    work.mkdir()
    with moto(moto_server, work.with_name("moto-secrets.log")) as port:
        aws = Aws(port, REGION)
        env = {
            **env,
            "AWS_ENDPOINT_URL": aws.url,
            "XDG_CACHE_HOME": str(work / "cache"),
            "LAMBDA_PACK_DEPLOYMENT_PROFILE": PROFILE,
            "CI_TOKEN": INFRASTRUCTURE_VALUE,
            # All that Terraform can be made to say.
            "TF_LOG": "trace",
            "TF_LOG_PATH": str(work / "trace.log"),
        }
        # Once is enough: with what users run, where it is there.
        runner_type = TerragruntRunner if shutil.which("terragrunt") else CopyRunner
        runner = runner_type(project(repository, work / "repository"), env, work)
        runner.make_state_bucket(aws)
        shop = Shop(runner, aws, work)
        runner.terraform = shop.terraform  # type: ignore[method-assign]
        for part in (build, refuse_other_profile, fail_without_values, mend, settle, rotate, grep):
            part(shop)


def project(repository: Path, directory: Path) -> Project:
    made = Project.copied_from(repository, directory)
    for place in (made.code, made.definitions):
        shutil.rmtree(place)
        place.mkdir()
    (made.code / "shop.py").write_text("def handler(event, context):\n    return 1\n")
    (directory / "lambda-pack.toml").write_text(LAMBDA_PACK_TOML)
    for name, definition in {"shop": SHOP, "mailer": MAILER, "left-out": LEFT_OUT}.items():
        (made.definitions / f"{name}.json").write_text(json.dumps({"function_name": name, **definition}))
    return made


def build(shop: Shop) -> None:
    """The profile decides what is built, and what never leaves isn't even named."""
    shop.runner.apply(shop.runner.plan(BUILD))
    packages = shop.runner.outputs(BUILD)["packages"]
    expect(set(packages), {"shop", "mailer"}, "functions of the profile")
    for name, ids in {"shop": [GENERATED, IN_PARAMETER, REMOTE, PROMPTED], "mailer": [PROMPTED]}.items():
        definition = packages[name]["definition"]
        expect(definition["deployment_profile"], PROFILE, f"profile of {name}")
        expect([secret["id"] for secret in definition["secrets"]], ids, f"secrets of {name}")


def refuse_other_profile(shop: Shop) -> None:
    for other in ("", "staging"):
        shop.runner.env["LAMBDA_PACK_DEPLOYMENT_PROFILE"] = other
        try:
            shop.runner.plan(DEPLOY)
        except CommandFailed as failure:
            for wanted in (f'shop was built for "{PROFILE}"', f'"{other}"' if other else "no deployment profile"):
                expect_in(failure.details(), wanted, "the message")
        else:
            raise StepFailed(f"packages for {PROFILE} were taken for {other!r}")
    shop.runner.env["LAMBDA_PACK_DEPLOYMENT_PROFILE"] = PROFILE


def fail_without_values(shop: Shop) -> None:
    """What must be given is named, with the way to give it; what is generated is there all the same."""
    plan = shop.runner.plan(DEPLOY)
    wanted = {f'terraform_data.secret["{secret}"]' for secret in (GENERATED, IN_PARAMETER, PROMPTED)}
    wanted |= {of("aws_secretsmanager_secret", secret) for secret in (GENERATED, PROMPTED)}
    expect({address for address in plan.changes if "secret" in address}, wanted, "planned secrets")
    message = shop.failing_apply(plan)
    for text in (PROMPTED, "SMTP password", "of the mail relay", "TF_VAR_secret_values"):
        expect_in(message, text, "the message for a value that is missing")
    for text in (IN_PARAMETER, "Relay token", PARAMETER, "aws ssm put-parameter"):
        expect_in(message, text, "the message for a parameter that is missing")
    expect(shop.aws.function("shop"), None, "a function without its secrets")
    generated = shop.value(GENERATED) or ""
    expect(bool(re.fullmatch("[0-9a-f]{40}", generated)), True, "whether a value was generated")
    shop.generated.add(generated)


def mend(shop: Shop) -> None:
    """The next apply does the rest, and makes nothing twice."""
    parameter = {"Name": PARAMETER, "Type": "SecureString", "Value": PARAMETER_VALUE}
    shop.aws.json_call("ssm", "AmazonSSM.PutParameter", parameter)
    shop.give(smtp_password="short")
    plan = shop.runner.plan(DEPLOY)
    message = shop.failing_apply(plan)
    expect_in(message, "doesn't match its pattern `^.{8,}$`", "the message for a value that doesn't fit")
    shop.give(smtp_password=PROMPTED_VALUE)
    shop.runner.apply(shop.runner.plan(DEPLOY))
    expect({shop.value(GENERATED)}, shop.generated, "the generated value")
    expect(shop.value(PROMPTED), PROMPTED_VALUE, "the value that was given")

    prompted = f"lambda-pack/{PROMPTED}"
    wanted = {
        "shop": {
            "LOG_LEVEL": "INFO",
            "COOKIE_KEY_SECRET": f"lambda-pack/{GENERATED}",
            "SMTP_PASSWORD_SECRET": prompted,
            "RELAY_TOKEN_PARAMETER": PARAMETER,
            "STRIPE_KEY_SECRET": REMOTE_ARN,
        },
        "mailer": {"SMTP_PASSWORD_SECRET": prompted},
    }
    for name, environment in wanted.items():
        expect((shop.aws.function(name) or {})["Environment"]["Variables"], environment, f"environment of {name}")
    expect_policies(shop)


def expect_policies(shop: Shop) -> None:
    """Roles may read exactly what their functions are told of."""
    secrets = shop.runner.outputs(DEPLOY)["secrets"]
    arns = {secret: secrets[secret]["arn"] for secret in (GENERATED, PROMPTED)}

    def read(*resources: str) -> dict[str, Any]:
        return {"Sid": "ReadSecrets", "Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": list(resources)}

    (statement,) = SHOP["policy_statements"]  # type: ignore[misc]
    wanted = {
        "shop": [
            read(arns[GENERATED], REMOTE_ARN, arns[PROMPTED]),
            {
                "Sid": "ReadParameters",
                "Effect": "Allow",
                "Action": ["ssm:GetParameter"],
                "Resource": [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{PARAMETER}"],
            },
            {
                "Sid": statement["sid"],
                "Effect": "Allow",
                "Action": statement["actions"],
                "Resource": statement["resources"],
                "Condition": statement["conditions"],
            },
        ],
        "mailer": [read(arns[PROMPTED])],
    }
    for name, statements in wanted.items():
        found = shop.aws.role_policy(f"{name}-{REGION}", "lambda-pack")["Statement"]
        expect([each for each in found if each["Sid"] != "WriteLogs"], statements, f"what the role of {name} may do")


def settle(shop: Shop) -> None:
    """Also without the value, which is needed no more."""
    del shop.runner.env["TF_VAR_secret_values"]
    shop.expect_no_changes(BUILD, DEPLOY)


def rotate(shop: Shop) -> None:
    # In the module's directory, so that later plans have it too.
    (shop.runner.project.directory / DEPLOY / "versions.auto.tfvars.json").write_text(
        json.dumps({"secret_versions": {GENERATED: "2"}})
    )
    plan = shop.runner.plan(DEPLOY)
    expect(plan.changes, {f'terraform_data.secret["{GENERATED}"]': "replace"}, "planned changes")
    shop.runner.apply(plan)
    shop.generated.add(shop.value(GENERATED) or "")
    expect(len(shop.generated), 2, "values that were generated")
    expect(shop.value(PROMPTED), PROMPTED_VALUE, "the other secret")
    shop.expect_no_changes(DEPLOY)


def grep(shop: Shop) -> None:
    values = {PROMPTED_VALUE, PARAMETER_VALUE, INFRASTRUCTURE_VALUE, *shop.generated}
    places = [*shop.everything_kept(), *((f"output {number}", text.encode()) for number, text in enumerate(shop.said))]
    # That it looks where values would be.
    for wanted in ("tfplan in ", "tfstate in ", f"s3://{STATE_BUCKET}/{DEPLOY}/", "trace.log", "output "):
        expect(any(wanted in place for place, _ in places), True, f"whether {wanted!r} was searched")
    expect(any(PROMPTED.encode() in text for place, text in places if ".tfplan" in place), True, "whether plans were read")
    for value in values:
        found = [place for place, text in places if value.encode() in text]
        expect(found, [], f"places that hold {value}")

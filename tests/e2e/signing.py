"""AWS Signer in lambda-deploy-module: real Terraform and the real provider. moto knows
no signing jobs, so that what is asked about them and their profile is answered here; all
else is moto's."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import Any

from runners import DEPLOY, REGION, CommandFailed, run
from scenario import StepFailed, expect, expect_in
from servers import Aws, Proxy, ProxyHandler, moto

DESCRIPTION = "AWS Signer (a stand-in): signed once, nothing to do after, a failed job leaves everything as it was"

BUCKET = "signing-packages"
JOBS = "/signing-jobs"
PROFILES = "/signing-profiles/"
PROFILE = "example"


class SignerHandler(ProxyHandler):
    server: Signer

    def relay(self) -> None:
        if self.path.startswith(PROFILES):
            self.describe_profile(self.path.rsplit("/", 1)[1])
            return
        if not self.path.startswith(JOBS):
            super().relay()
            return
        if self.command == "POST":
            answer = self.server.sign(json.loads(self.read_body()))
        else:
            answer = self.server.jobs[self.path.rsplit("/", 1)[1]]
        self.send(200, [("Content-Type", "application/json")], json.dumps(answer).encode())

    def describe_profile(self, name: str) -> None:
        platform = self.server.profiles.get(name)
        if platform is None:
            headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "ResourceNotFoundException")]
            self.send(404, headers, json.dumps({"message": f"no profile {name}"}).encode())
            return
        arn = f"arn:aws:signer:{REGION}:123456789012:/signing-profiles/{name}"
        answer = {
            "arn": arn,
            "platformId": platform,
            "profileName": name,
            "profileVersion": "a1b2c3d4e5",
            "profileVersionArn": f"{arn}/a1b2c3d4e5",
            "signatureValidityPeriod": {"type": "MONTHS", "value": 135},
            "status": "Active",
        }
        self.send(200, [("Content-Type", "application/json")], json.dumps(answer).encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = relay  # noqa: N815


class Signer(Proxy):
    """Adds an entry to a zip that no other signing adds, as a signature's time does."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.RequestHandlerClass = SignerHandler
        self.aws = Aws(port, REGION)
        self.jobs: dict[str, dict[str, Any]] = {}
        # Their platforms, by name.
        self.profiles: dict[str, str] = {}
        self.is_broken = False

    def sign(self, asked: dict[str, Any]) -> dict[str, str]:
        job = str(uuid.uuid4())
        source, destination = asked["source"]["s3"], asked["destination"]["s3"]
        described = {"jobId": job, "profileName": asked["profileName"], "source": asked["source"]}
        if self.is_broken:
            described |= {"status": "Failed", "statusReason": "the stand-in refuses"}
        else:
            query = f"?versionId={source['version']}"
            unsigned = self.aws.call("s3", "GET", f"/{source['bucketName']}/{source['key']}", query)
            signed = io.BytesIO(unsigned)
            with zipfile.ZipFile(signed, "a") as archive:
                archive.writestr("META_INF/aws_signer_signature_v1.0.SF", job)
            key = f"{destination.get('prefix', '')}{job}.zip"
            self.aws.call("s3", "PUT", f"/{destination['bucketName']}/{key}", body=signed.getvalue())
            described |= {"status": "Succeeded", "signedObject": {"s3": {"bucketName": destination["bucketName"], "key": key}}}
        self.jobs[job] = described
        return {"jobId": job, "jobOwner": "123456789012"}


def run_step(repository: Path, work: Path, env: dict[str, str], moto_server: Path) -> None:
    directory = work / "signing"
    shutil.copytree(repository / DEPLOY, directory / "module", ignore=shutil.ignore_patterns(".terra*", "tests"))
    with moto(moto_server, directory / "moto.log") as port, Signer(port).running() as signer:
        Signing(directory, {**env, "AWS_ENDPOINT_URL": signer.url}, signer).run()


class Signing:
    def __init__(self, directory: Path, env: dict[str, str], signer: Signer) -> None:
        self.directory = directory
        self.env = env
        self.signer = signer
        self.aws = signer.aws
        self.packages: dict[str, Any] = {}

    def run(self) -> None:
        self.aws.make_bucket(BUCKET)
        enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        self.aws.call("s3", "PUT", f"/{BUCKET}", "?versioning", enabled)
        self.write_root()
        self.store("shared", b"first", {"type": "layer"})
        self.store("orders", b"first", {"runtime": "python3.9", "handler": "orders.handler", "layers": ["shared"]})
        self.terraform("init")
        self.expect_no_plan("a profile that isn't there", "no profile example")
        self.signer.profiles[PROFILE] = "AmazonFreeRTOS-Default"
        self.expect_no_plan("a profile for something else", "signs for the platform")
        self.signer.profiles[PROFILE] = "AWSLambda-SHA384-ECDSA"
        self.terraform("apply", "-auto-approve")
        first = self.expect_signed("orders")
        self.expect_settled("after the first apply")

        self.store("orders", b"first", self.packages["orders"]["definition"])
        self.expect_settled("after the same package was written again")

        # The name of the object decides: what stands there before it is signed is not what runs.
        self.store("orders", b"second", self.packages["orders"]["definition"])
        outputs = self.outputs()
        self.signer.is_broken = True
        try:
            self.terraform("apply", "-auto-approve")
        except CommandFailed as failure:
            expect_in(failure.output, "aws_signer_signing_job.this[\"orders\"]", "the failed apply")
        else:
            raise StepFailed("an apply whose signing job failed succeeded")
        expect(self.code_sha256("orders"), first, "the function after a failed signing job")
        expect(self.outputs()["functions"], outputs["functions"], "the output after a failed signing job")

        self.signer.is_broken = False
        jobs = len(self.signer.jobs)
        self.terraform("apply", "-auto-approve")
        expect(len(self.signer.jobs) - jobs, 1, "signing jobs of one changed package")
        if self.expect_signed("orders") == first:
            raise StepFailed("the function has the package of before")
        expect(self.outputs()["signed"]["shared"], outputs["signed"]["shared"], "the layer's job")
        expect(self.outputs()["functions"]["orders"]["version"], "2", "the version of the second package")
        self.expect_settled("after the second package")

    def expect_no_plan(self, why: str, *words: str) -> None:
        """Nothing may have begun when this comes out."""
        try:
            self.terraform("plan")
        except CommandFailed as failure:
            if not any(word in failure.output for word in words):
                raise StepFailed(f"the plan with {why} says:\n{failure.output}") from None
        else:
            raise StepFailed(f"a plan with {why} succeeded")

    def store(self, name: str, content: bytes, definition: dict[str, Any]) -> None:
        """Puts a package where lambda-pack would."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr(zipfile.ZipInfo(f"{name}.py"), content)
        digest = hashlib.sha256(package.getvalue())
        key = f"team/packages/{name}/{digest.hexdigest()}.zip"
        self.aws.call("s3", "PUT", f"/{BUCKET}/{key}", body=package.getvalue())
        self.packages[name] = {
            "source_hash": digest.hexdigest(),
            "s3_bucket": BUCKET,
            "s3_key": key,
            "code_sha256": base64.b64encode(digest.digest()).decode(),
            "size_bytes": len(package.getvalue()),
            "definition": {"type": "function", **definition, "function_name": name},
        }
        (self.directory / "packages.json").write_text(json.dumps(self.packages))

    def write_root(self) -> None:
        root = self.directory / "main.tf"
        services = ["cloudwatchlogs", "ec2", "iam", "lambda", "s3", "signer", "sts"]
        endpoints = "\n".join(f'    {service} = "{self.signer.url}"' for service in services)
        root.write_text(
            f"""provider "aws" {{
  region                      = "{REGION}"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true

  endpoints {{
{endpoints}
  }}
}}

module "deploy" {{
  source               = "./module"
  packages             = jsondecode(file("packages.json"))
  signing_profile_name = "{PROFILE}"
}}

output "functions" {{
  value = module.deploy.functions
}}

output "signed" {{
  value = module.deploy.signed
}}
"""
        )

    def terraform(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        command = ["terraform", arguments[0], "-no-color", "-input=false", *arguments[1:]]
        return run(command, self.directory, self.env, allowed).stdout

    def outputs(self) -> dict[str, Any]:
        answer = run(["terraform", "output", "-json", "-no-color"], self.directory, self.env).stdout
        return {name: output["value"] for name, output in json.loads(answer).items()}

    def expect_settled(self, when: str) -> None:
        plan = run(["terraform", "plan", "-detailed-exitcode", "-no-color", "-input=false"], self.directory, self.env, (0, 2))
        if plan.returncode:
            raise StepFailed(f"the plan {when} isn't empty:\n{plan.stdout}")

    def code_sha256(self, name: str) -> str:
        function = self.aws.function(name)
        if function is None:
            raise StepFailed(f"{name} isn't deployed")
        return function["CodeSha256"]

    def expect_signed(self, name: str) -> str:
        """Lambda has the signed object of the package; returns its digest."""
        signed = self.outputs()["signed"][name]
        if not re.fullmatch(rf"team/signed/{name}/[0-9a-f]{{64}}/[0-9a-f-]{{36}}\.zip", signed["s3_key"]):
            raise StepFailed(f"what is signed is at {signed['s3_key']}")
        expect(self.signer.jobs[signed["job_id"]]["source"]["s3"]["key"], self.packages[name]["s3_key"], "what was signed")
        digest = hashlib.sha256(self.aws.object(BUCKET, signed["s3_key"])).digest()
        expect(self.code_sha256(name), base64.b64encode(digest).decode(), f"the code of {name}")
        return self.code_sha256(name)

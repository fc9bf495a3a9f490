"""modules/codebuild on a local AWS, and builds that lambda-pack starts in its
project. moto's builds end at once; what they would do is tested in tests/cli."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from runners import CODEBUILD, ENDPOINTS, REGION, run, write_json
from scenario import expect
from servers import Aws, moto

DESCRIPTION = "modules/codebuild: applies, settles, runs builds of shards, and goes again"
BUCKET = "lambda-pack-e2e-remote"


def run_step(repository: Path, work: Path, env: dict[str, str], moto_server: Path) -> None:
    directory = work / "remote"
    shutil.copytree(repository / CODEBUILD, directory, ignore=shutil.ignore_patterns(".terra*"))
    with moto(moto_server, work / "moto-remote.log") as port:
        aws = Aws(port, REGION)
        aws.make_bucket(BUCKET)
        env = {**env, "AWS_ENDPOINT_URL": aws.url, "XDG_CACHE_HOME": str(work / "remote-cache")}
        write_json(directory / "provider.tf.json", {"provider": {"aws": provider(aws.url)}})
        variables = {
            "bundles": {"bucket": BUCKET, "project": "shop", "deployments": ["prod"]},
            "store": {"bucket": BUCKET, "prefix": "packages"},
            "secret_arns": [f"arn:aws:secretsmanager:{REGION}:123456789012:secret:db-AbCdEf"],
            "kms_key_arns": [f"arn:aws:kms:{REGION}:123456789012:key/1234"],
            "vpc": {"id": "vpc-1", "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
        }
        write_json(directory / "terraform.tfvars.json", variables)

        def terraform(*arguments: str) -> str:
            return run(["terraform", *arguments], directory, env).stdout

        terraform("init", "-no-color", "-input=false")
        terraform("apply", "-auto-approve", "-no-color", "-input=false")
        # 0: no change, 2: changes, which is a failure here.
        terraform("plan", "-detailed-exitcode", "-no-color", "-input=false")
        outputs = json.loads(terraform("output", "-json"))
        build(outputs["project_name"]["value"], repository, aws, env)
        terraform("destroy", "-auto-approve", "-no-color", "-input=false")


def build(project: str, repository: Path, aws: Aws, env: dict[str, str]) -> None:
    """Starts builds in the project, and waits for them."""
    place = ["--store", f"s3://{BUCKET}/packages", "--codebuild-project", project]
    start = run(["lambda-pack", "remote", "start", "--shards", "2", "--json", *place], repository, env)
    started = json.loads(start.stdout)
    expect([row["status"] for row in started], ["queued", "queued"], "status of the builds")
    expect([row["shard"] for row in started], ["1/2", "2/2"], "shards")
    sources = [key for key in aws.keys(BUCKET) if key.startswith("packages/sources/")]
    expect(len(sources), 1, "sources that were sent")
    ids = [row["build_id"] for row in started]
    wait = run(["lambda-pack", "remote", "wait", "--json", "--poll-seconds", "0.1", *ids], repository, env)
    expect([row["status"] for row in json.loads(wait.stdout)], ["succeeded", "succeeded"], "status in the end")


def provider(endpoint: str) -> dict[str, object]:
    services = (*ENDPOINTS, "codebuild")
    return {
        "region": REGION,
        "s3_use_path_style": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_region_validation": True,
        "skip_requesting_account_id": True,
        "endpoints": {service: endpoint for service in services},
    }

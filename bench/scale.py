#!/usr/bin/env python3
"""Plans 10,000 functions: simulates the builds that upload them under AWS's published limits, and prints the tables of
docs/scale.md.

    bench/scale.py                                   the tables
    bench/scale.py --write-docs                      puts them and the chart into the page
    bench/scale.py --check                           fails if the page has others (make lint)
    bench/scale.py --functions 2000 --running-builds 5
                                                     for another account
    bench/scale.py --measure --lambda-pack PATH      measures the program anew (5 minutes; needs terraform)

The same arguments give the same figures. What was measured is in bench/scale.json; limits, prices and assumptions are
below, each with where it comes from.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import chart
import scale_model as model
from report import replace_between
from scale_model import Account, Outcome, Work

HERE = Path(__file__).resolve().parent
MEASURED = HERE / "scale.json"
PAGE = HERE.parent / "docs" / "scale.md"
CHART = PAGE.with_name("scale.svg")
SHARDS = (1, 4, 16, 64)

# Dollars: CodeBuild's general1.small on Linux, a minute; S3 Standard, a thousand requests; us-east-1.
BUILD_MINUTE, THOUSAND_PUTS, THOUSAND_GETS = 0.005, 0.005, 0.0004

PUBLISHED = "published"
THIRD = "second hand"
ASSUMED = "**assumed**; none found"

AWS = "https://docs.aws.amazon.com"


@dataclass(frozen=True)
class Limit:
    """A row of the table of limits."""

    what: str
    value: str
    source: str
    status: str


def limits(account: Account, work: Work) -> list[Limit]:
    s3 = f"[S3: performance]({AWS}/AmazonS3/latest/userguide/optimizing-performance.html)"
    codebuild = f"[CodeBuild: quotas]({AWS}/codebuild/latest/userguide/limits.html)"
    ssm = f"[Parameter Store: throughput]({AWS}/systems-manager/latest/userguide/parameter-store-throughput.html)"
    quotas = f"[Systems Manager: quotas]({AWS}/general/latest/gr/ssm.html)"
    tiers = f"[tiers]({AWS}/systems-manager/latest/userguide/parameter-store-advanced-parameters.html)"
    functions = f"[Lambda: quotas]({AWS}/lambda/latest/dg/gettingstarted-limits.html)"
    logs = f"[CloudWatch Logs: quotas]({AWS}/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html)"
    builds = f"[working with builds]({AWS}/codebuild/latest/userguide/builds-working.html)"
    slow = "https://masakimisawa.com/?p=2900"
    low, high = work.provision
    return [
        Limit("S3: PUT, COPY, POST, DELETE a second and prefix", f"{account.puts:,.0f}, more after a while", s3, PUBLISHED),
        Limit("S3: GET, HEAD a second and prefix", f"{account.gets:,.0f}, more after a while", s3, PUBLISHED),
        Limit("S3: latency of small objects", "{:.0f} to {:.0f} ms".format(*(1000 * it for it in work.latency)), s3, THIRD),
        Limit(
            "CodeBuild: builds that run at a time, by type of machine",
            f"1 to 60, on request more; here {account.running_builds:.0f}",
            f"{codebuild}: 60 for all in China, 20 for some types, 1 for others, by AWS's own metrics",
            PUBLISHED,
        ),
        Limit("CodeBuild: builds that wait", "5 × those that may run; 8 hours at most", builds, PUBLISHED),
        Limit("CodeBuild: builds in one `BatchGetBuilds`", "100", codebuild, PUBLISHED),
        Limit("CodeBuild: `StartBuild` a second", f"{account.start_builds:g}", "", ASSUMED),
        Limit("CodeBuild: until a machine is there", f"{low:g} to {high:g} s", f"[a user's]({slow}) took 30 s", ASSUMED),
        Limit(
            "Parameter Store: `GetParameter`, `GetParameters`, `PutParameter` a second, together",
            f"{account.parameters:g}; with higher throughput, at a price, 3,000 to 10,000 reads",
            f"which calls: {ssm}; the numbers stand in {quotas}, which could not be read here: as quoted by dev.classmethod.jp, 2022-09-02",
            THIRD,
        ),
        Limit("Parameter Store: parameters of tier Standard, Advanced", "10,000; 100,000", tiers, PUBLISHED),
        Limit("Lambda: `GetFunction` a second", "100", functions, PUBLISHED),
        Limit("Lambda: all other calls of the control plane a second", "15, never more", functions, THIRD),
        Limit("CloudWatch Logs: `GetLogEvents` a second", "10, never more", f"{logs}, as of 2022-03-25", PUBLISHED),
    ]


@dataclass(frozen=True)
class Scenario:
    name: str
    work: Work


def scenarios(base: Work) -> list[Scenario]:
    return [
        Scenario("new, plain sources", base),
        Scenario("new, 30 % with dependencies", replace(base, with_dependencies=0.3)),
        Scenario("nothing changed", replace(base, published=True)),
    ]


def work_of(measured: dict[str, Any], functions: int) -> Work:
    """Processor time per function is what a cold upload took beyond reading all definitions."""
    count = measured["functions"]
    once = measured["one function"]["cpu_seconds"]
    return Work(
        functions=functions,
        published=False,
        with_dependencies=0,
        # docs/builds.md: cold builds of Python, Node.js and Rust.
        install=(12, 25),
        provision=(20, 60),
        fetch=5,
        latency=(0.1, 0.2),
        read_all_cpu=once * functions / count,
        function_cpu=(measured["cold"]["cpu_seconds"] - once) / count,
        processors=2,
    )


def dollars(outcome: Outcome) -> float:
    asked = outcome.requests
    writes, reads = asked["PUT"] + asked["LIST"], asked["GET"] + asked["HEAD"]
    return outcome.minutes * BUILD_MINUTE + writes / 1000 * THOUSAND_PUTS + reads / 1000 * THOUSAND_GETS


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> list[str]:
    """The last so many columns are numbers."""
    words = len(head) - numbers
    rule = [*["---"] * words, *["---:"] * numbers]
    return ["| " + " | ".join(row) + " |" for row in [head, rule, *rows]]


def upload_row(first: Sequence[str], outcome: Outcome) -> list[str]:
    asked = outcome.requests
    share = outcome.parts["provisioning, fetching"] / sum(outcome.builds)
    return [
        *first,
        duration(outcome.seconds),
        f"{share:.0%}",
        f"{outcome.minutes:,}",
        f"{asked['PUT']:,}",
        f"{asked['GET'] + asked['HEAD']:,}",
        f"{asked['LIST']:,}",
        f"{outcome.throttled:,}",
        f"{outcome.failed:,}",
        f"{dollars(outcome):.2f}",
    ]


HEAD = ("time", "waits for machines", "minutes billed", "PUT", "GET, HEAD", "LIST", "throttled", "not uploaded", "$")


def uploads(base: Work, account: Account, seed: int) -> tuple[list[str], str]:
    """The table by scenario and number of builds, and its chart."""
    rows, points = [], []
    for shards in SHARDS:
        outcomes = {it.name: model.upload(it.work, account, shards, seed) for it in scenarios(base)}
        points.append((shards, {name: outcome.seconds for name, outcome in outcomes.items()}))
        rows += [upload_row((name, str(shards)), outcome) for name, outcome in outcomes.items()]
    order = [it.name for it in scenarios(base)]
    rows.sort(key=lambda row: order.index(row[0]))
    title = f"Time to upload {base.functions:,} functions"
    picture = chart.svg(title, [chart.Panel("builds", points)], spacing=200)
    return table(("functions", "builds", *HEAD), rows, len(HEAD) + 1), picture


def accounts(base: Work, account: Account, seed: int) -> list[str]:
    """64 builds where fewer may run."""
    work = scenarios(base)[1].work
    rows = []
    for running in (1, 5, 20, 60):
        outcome = model.upload(work, replace(account, running_builds=running), 64, seed)
        few = model.upload(work, replace(account, running_builds=running), running, seed)
        rows.append([str(running), duration(outcome.seconds), duration(few.seconds), f"{dollars(few):.2f}"])
    return table(("may run", "64 builds", "as many builds as may run", "$"), rows, 4)


def rush(base: Work, account: Account, seed: int) -> list[str]:
    """All machines begin in the same second, and S3 answers as fast as it does near by."""
    account = replace(account, start_builds=1000, running_builds=max(SHARDS))
    rows = []
    for shards in SHARDS:
        cells = [str(shards)]
        for attempts in (model.ATTEMPTS, 2 * model.ATTEMPTS):
            work = replace(base, provision=(30, 30), latency=(0.02, 0.05), attempts=attempts)
            outcome = model.upload(work, account, shards, seed)
            cells += [f"{outcome.throttled:,}", f"{outcome.failed:,}"]
        rows.append(cells)
    more = f"with `AWS_MAX_ATTEMPTS={2 * model.ATTEMPTS}`"
    return table(("builds", "throttled", "not uploaded", f"throttled {more}", f"not uploaded {more}"), rows, 5)


# What the bundle commands ask the Parameter Store for, before and after the build: `check` reads all in one request; `run`
# looks again with the lease, writes `building`, and in the end metadata, outputs, status and md5.
CHECK = (("GetParameters",), ())
RUN = (("GetParameters", "GetParameters", "GetParameters", "PutParameter"), ("PutParameter",) * 4)


def parameters(account: Account, seed: int) -> list[str]:
    rows = []
    for name, calls, seconds in (("`bundle check`", CHECK, 0), ("`bundle run`, builds of 60 s", RUN, 60)):
        for at_once in (1, 16, 64, 256):
            outcome = model.modules(1000, at_once, seconds, calls, account, seed)
            cells = [f"{sum(outcome.requests.values()):,}", f"{outcome.throttled:,}", f"{outcome.failed:,}"]
            rows.append([name, str(at_once), duration(outcome.seconds), *cells])
    return table(("1,000 modules", "at a time", "time", "requests", "throttled", "failed"), rows, 5)


# Calls of the AWS provider for each function of lambda-deploy-module: read in its source, not counted at AWS.
LAMBDA_READS = ("GetFunction", "ListVersionsByFunction", "GetFunctionCodeSigningConfig", "GetAlias")
LAMBDA_WRITES = ("CreateFunction", "CreateAlias")


def terraform(functions: int, measured: dict[str, Any]) -> list[str]:
    at_15 = (len(LAMBDA_READS) - 1) * functions / 15
    first = (len(LAMBDA_READS) - 1 + len(LAMBDA_WRITES)) * functions / 15
    one = measured["one function"]["cpu_seconds"] * functions / measured["functions"] * functions
    rows = [
        ["refresh of all functions in a plan", "Lambda's 15 calls a second", duration(at_15)],
        ["first apply", "the same, with `CreateFunction` and `CreateAlias`", duration(first)],
        [
            "`lambda-pack upload NAME` for each, as `lambda-build-module` does it, 2 processors",
            f"each reads all {functions:,} definitions",
            duration(one / 2),
        ],
    ]
    for size, figures in measured["terraform"].items():
        for verb in ("apply", "plan"):
            what = f"`terraform {verb}` of {int(size):,} `terraform_data`, no cloud"
            rows.append([what, "processor time of Terraform itself, measured", duration(figures[verb]["cpu_seconds"])])
    return table(("what", "held up by", "at least"), rows, 1)


def sections(args: argparse.Namespace, measured: dict[str, Any]) -> tuple[dict[str, list[str]], str]:
    """The tables by the name of their marks, and the chart."""
    account = Account(args.puts, args.gets, args.start_builds, args.running_builds, args.parameters)
    work = work_of(measured, args.functions)
    by_shards, picture = uploads(work, account, args.seed)
    rows = [[it.what, it.value, it.source, it.status] for it in limits(account, work)]
    tables = {
        "limits": table(("limit", "value", "where it is from", "status"), rows),
        "uploads": by_shards,
        "rush": rush(work, account, args.seed),
        "accounts": accounts(work, account, args.seed),
        "parameters": parameters(account, args.seed),
        "terraform": terraform(args.functions, measured),
        "measured": measured_table(measured),
    }
    return tables, picture


def measured_table(measured: dict[str, Any]) -> list[str]:
    rows = []
    for name, figures in measured.items():
        if isinstance(figures, dict) and "requests" in figures:
            asked = ", ".join(f"{count:,} {operation}" for operation, count in figures["requests"].items())
            rows.append([name, f"{figures['cpu_seconds']:.2f} s", asked or "none"])
    return table((f"{measured['functions']:,} functions, {measured['date']}", "processor time", "requests"), rows)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=int, default=10_000)
    parser.add_argument("--running-builds", type=float, default=60, help="builds that may run at a time")
    parser.add_argument("--start-builds", type=float, default=1, help="StartBuild calls a second")
    parser.add_argument("--puts", type=float, default=3500, help="S3 writes a second")
    parser.add_argument("--gets", type=float, default=5500, help="S3 reads a second")
    parser.add_argument("--parameters", type=float, default=40, help="calls of the Parameter Store a second")
    parser.add_argument("--seed", type=int, default=1)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write-docs", action="store_true")
    what.add_argument("--check", action="store_true")
    what.add_argument("--measure", action="store_true")
    parser.add_argument("--lambda-pack", type=Path, help="the release binary, for --measure")
    return parser.parse_args()


def main() -> None:
    args = parse()
    if args.measure:
        import scale_measure

        if args.lambda_pack is None:
            sys.exit("--measure needs --lambda-pack")
        figures = scale_measure.measure(args.lambda_pack.resolve(), args.functions)
        MEASURED.write_text(json.dumps(figures, indent=2) + "\n")
        return
    tables, picture = sections(args, json.loads(MEASURED.read_text()))
    if not (args.write_docs or args.check):
        print("\n\n".join("\n".join(lines) for lines in tables.values()))
        return
    page = PAGE.read_text()
    for name, lines in tables.items():
        page = replace_between(page, f"<!-- scale {name}: begin -->", f"<!-- scale {name}: end -->", "\n".join(lines))
    made = {PAGE: page, CHART: picture}
    if args.write_docs:
        for path, content in made.items():
            path.write_text(content)
    stale = [path.name for path, content in made.items() if not path.exists() or path.read_text() != content]
    if stale:
        sys.exit(f"out of date: {', '.join(stale)} in docs/; run bench/scale.py --write-docs")


if __name__ == "__main__":
    main()

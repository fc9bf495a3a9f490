"""The workflows: what they build, what a plan shows to reviewers, and that nothing is deployed but the default branch's
newest successful build."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import terragrunt
from runners import PACKAGE_BUCKET, REGION, STATE_BUCKET, CommandFailed, Project, run
from scenario import StepFailed, expect, expect_in, expect_no_writes
from servers import Aws, Proxy, moto
from workflows import Event, Machine

DESCRIPTION = "workflows: a successful build of main deploys; failures, forks, other branches and stale runs do not"

REPOSITORY_NAME = "example/lambdas"
BRANCH = "refs/heads/main"
BUILD, DEPLOY = "build.yml", "deploy.yml"
DEMO, DEMO_FILE = "test-lambda-hash-demo-2", "test-lambda-hash-demo-2.py"
IBAN = "iban-check"
ROLES = {f"AWS_{what}_ROLE_ARN": f"arn:aws:iam::123456789012:role/{what.lower()}" for what in ("BUILD", "PLAN", "DEPLOY")}


def run_step(repository: Path, work: Path, env: dict[str, str], moto_server: Path) -> None:
    work = work / "pipelines"
    work.mkdir()
    terragrunt.provide(env)
    with moto(moto_server, work / "moto.log") as port, Proxy(port).running() as proxy:
        aws = Aws(port, REGION)
        aws.make_bucket(STATE_BUCKET)
        env = {
            **env,
            "AWS_ENDPOINT_URL": proxy.url,
            "XDG_CACHE_HOME": str(work / "cache"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Test",
            "GIT_AUTHOR_EMAIL": "test@example.com",
            "GIT_COMMITTER_NAME": "Test",
            "GIT_COMMITTER_EMAIL": "test@example.com",
        }
        Pipelines(repository, work, env, aws, proxy, moto_server.with_name("python")).run()


class Pipelines:
    def __init__(self, repository: Path, work: Path, env: dict[str, str], aws: Aws, proxy: Proxy, python: Path) -> None:
        self.aws, self.proxy, self.env = aws, proxy, env
        self.upstream = Project.copied_from(repository, work / "upstream")
        for part in (".github", "pipelines"):
            shutil.copytree(repository / part, self.upstream.directory / part)
        self.git("init", "--quiet", "--initial-branch=main")
        clone = work / "clone"
        self.first = self.commit()
        run(["git", "clone", "--quiet", str(self.upstream.directory), str(clone)], work, env)
        variables = {"AWS_REGION": REGION, "TF_STATE_BUCKET": STATE_BUCKET, **ROLES}
        self.commented = work / "commented"
        self.machine = Machine(clone, work, {**env, "PATH": self.path_with_gh(work / "bin")}, python, variables)

    def path_with_gh(self, directory: Path) -> str:
        """GitHub isn't here: its program only writes down what it is asked for."""
        directory.mkdir()
        program = directory / "gh"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{shlex.quote(str(self.commented))}\n')
        program.chmod(0o755)
        return f"{directory}{os.pathsep}{self.env['PATH']}"

    def git(self, *arguments: str) -> str:
        return run(["git", *arguments], self.upstream.directory, self.env).stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=x")
        return self.git("rev-parse", "HEAD")

    # Events.

    def event(self, name: str, commit: str, ref: str = BRANCH, **payload: Any) -> Event:
        payload["repository"] = {"default_branch": "main", "full_name": REPOSITORY_NAME}
        return Event(name, payload, commit, ref, REPOSITORY_NAME)

    def push(self, commit: str, before: str = "0" * 40) -> Event:
        return self.event("push", commit, before=before)

    def pull_request(self, commit: str, head: str = REPOSITORY_NAME) -> Event:
        head_of = {"number": 7, "head": {"repo": {"full_name": head}}}
        return self.event("pull_request", commit, ref="refs/pull/7/merge", pull_request=head_of)

    def built(self, commit: str, **differences: Any) -> Event:
        """A run of the build that ended, and was all that it should be but for these differences."""
        ended = {
            "conclusion": "success",
            "event": "push",
            "path": ".github/workflows/build.yml",
            "head_branch": "main",
            "head_sha": commit,
            "head_repository": {"full_name": REPOSITORY_NAME},
            **differences,
        }
        return self.event("workflow_run", self.git("rev-parse", "main"), action="completed", workflow_run=ended)

    # What must hold.

    def versions(self) -> dict[str, str]:
        """The code of each function that there is."""
        functions = {name: self.aws.function(name) for name in self.upstream.definition_files()}
        return {name: function["CodeSha256"] for name, function in functions.items() if function}

    def expect_not_deployed(self, event: Event, why: str) -> None:
        before = self.versions()
        results = self.machine.run(DEPLOY, event)
        expect(results["deploy"]["result"], "skipped", f"the deployment: {why}")
        expect(self.versions(), before, f"functions: {why}")

    def run(self) -> None:
        expect(self.versions(), {}, "functions before all")
        results = self.machine.run(BUILD, self.push(self.first))
        expect({name: job["result"] for name, job in results.items()}, {"apply": "success", "plan": "skipped", "comment": "skipped"}, "jobs")
        self.refused()
        results = self.machine.run(DEPLOY, self.built(self.first))
        expect(results["deploy"]["result"], "success", "the deployment of the first build")
        expect(set(self.versions()), set(self.upstream.definition_files()), "functions")
        self.reviewed()
        self.stale()
        self.overtaken()
        self.shared()
        self.wrong()

    def refused(self) -> None:
        fork = {"head_repository": {"full_name": "mallory/lambdas"}}
        for why, differences in {
            "the build failed": {"conclusion": "failure"},
            "the build was cancelled": {"conclusion": "cancelled"},
            "of a fork, with main as its branch": fork,
            "of another branch": {"head_branch": "feature"},
            "of a pull request": {"event": "pull_request"},
            "of another workflow with that name": {"path": ".github/workflows/other.yml"},
            "the commit is a command": {"head_sha": "$(touch hacked)"},
        }.items():
            self.expect_not_deployed(self.built(self.first, **differences), why)
        self.expect_not_deployed(self.event("push", self.first, ref="refs/heads/feature"), "a push to another branch")
        self.expect_not_deployed(self.event("schedule", self.first), "another event")

    def reviewed(self) -> None:
        """A pull request is planned, with nothing written, and says what changes. One of a fork isn't."""
        self.git("checkout", "--quiet", "-b", "change")
        self.upstream.change_code(DEMO_FILE)
        change = self.commit()
        with self.proxy.recording() as requests:
            results = self.machine.run(BUILD, self.pull_request(change))
        expect_no_writes(requests)
        expect([request for request in requests if request.path.endswith(".tflock")], [], "locks that a plan takes")
        expect(results["plan"]["result"], "success", "the plan of a pull request")
        expect(results["apply"]["result"], "skipped", "the build of a pull request")
        for said in ("1 changed, 0 new, of ", f"| `{DEMO}` | `", "Plan: 1 to add, 0 to change, 1 to destroy.", DEMO_FILE, "modified"):
            expect_in(self.machine.summary, said, "the summary")
        arguments = self.commented.read_text().splitlines()
        expect(arguments[:5], ["pr", "comment", "7", "--repo", REPOSITORY_NAME], "what becomes a comment")
        self.commented.unlink()
        results = self.machine.run(BUILD, self.pull_request(change, head="mallory/lambdas"))
        expect({job["result"] for job in results.values()}, {"skipped"}, "jobs for a fork")
        expect(self.commented.exists(), False, "a comment for a fork")
        self.git("checkout", "--quiet", "main")

    def stale(self) -> None:
        """Of two builds the newer one is deployed, whichever deployment comes first."""
        self.upstream.change_code(DEMO_FILE)
        second = self.commit()
        self.machine.run(BUILD, self.push(second))
        before = self.versions()
        self.machine.run(DEPLOY, self.built(self.first))
        expect_in(self.machine.log, f"not built from this commit: {DEMO}", "what a stale deployment says")
        expect(self.versions(), before, "functions after a stale deployment")
        said = self.failed(DEPLOY, self.event("workflow_dispatch", self.first))
        expect_in(said, "build this commit first", "what a person is told who deploys an old commit")
        expect(self.versions(), before, "functions after an old commit was to be deployed by hand")
        self.machine.run(DEPLOY, self.built(second))
        after = self.versions()
        expect({name for name in after if after[name] != before[name]}, {DEMO}, "functions that were updated")

    def overtaken(self) -> None:
        """What comes late, or is run again, takes nothing back."""
        second, before = self.git("rev-parse", "main"), self.versions()
        self.machine.run(BUILD, self.push(self.first))
        expect_in(self.machine.log, "not built: the newer commit", "what a build that comes late says")
        again = dataclasses.replace(self.push(self.first), attempt=2)
        expect_in(self.failed(BUILD, again), "use lambda-pack rollback", "what is said to who runs an old build again")
        self.machine.run(DEPLOY, self.built(self.first))
        expect(self.versions(), before, "functions after an old build was run again")

        # The deploy module alone has changed since.
        module = self.upstream.directory / "lambda-deploy-module/main.tf"
        written = module.read_text()
        module.write_text(written.replace("local.functions[each.key].description\n", '"newer module"\n'))
        third = self.commit()
        self.machine.run(DEPLOY, self.built(second))
        expect_in(self.machine.log, f"the newer commit {third} has the same packages", "what a deployment says that comes late")
        expect(self.aws.function(DEMO)["Description"], "newer module", "the description")
        self.upstream.change_code(DEMO_FILE)
        module.write_text(written.replace("local.functions[each.key].description\n", '"newest module"\n'))
        fourth = self.commit()
        self.machine.run(DEPLOY, self.built(second))
        expect_in(self.machine.log, "whose build deploys both", "what is said where both have changed")
        expect(self.aws.function(DEMO)["Description"], "newer module", "the description that an older module had")
        self.machine.run(BUILD, self.push(fourth))
        self.machine.run(DEPLOY, self.built(fourth))
        after = self.versions()
        expect({name for name in after if after[name] != before[name]}, {DEMO}, "functions that were updated")
        expect(self.aws.function(DEMO)["Description"], "newest module", "the description")

    def wrong(self) -> None:
        """A commit that can't be read isn't taken for one that another build deploys."""
        (self.upstream.directory / "lambda-json" / f"{DEMO}.json").write_text("{")
        expect_in(self.failed(DEPLOY, self.push(self.commit())), f"{DEMO}.json", "what a deployment says of a broken definition")

    def failed(self, workflow: str, event: Event) -> str:
        try:
            self.machine.run(workflow, event)
        except CommandFailed as failure:
            return failure.output
        raise StepFailed(f"{workflow} ended well")

    def shared(self) -> None:
        """The recommended pipeline: jobs upload, the build finds it all there, and its deployment follows in the same run."""
        before, base = self.versions(), self.git("rev-parse", "HEAD")
        self.upstream.change_code(DEMO_FILE)
        self.upstream.change_code("iban-check/iban_check/__init__.py")
        results = self.machine.run("pipeline.yml", self.push(self.commit(), before=base))
        matrix = json.loads(results["matrix"]["outputs"]["matrix"])
        expect(sum(job["functions"] for job in matrix["include"]), 2, "functions in the matrix")
        expect(results["matrix"]["outputs"]["store"], f"s3://{PACKAGE_BUCKET}", "the store")
        after = self.versions()
        expect({name for name in after if after[name] != before[name]}, {DEMO, IBAN}, "functions that were updated")

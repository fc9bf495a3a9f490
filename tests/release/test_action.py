"""The action's steps, as action.yml has them: run in order, with what GitHub would set."""

import json
import re
import shutil
import unittest

from machine import PROGRAM, REPOSITORY, machine

ACTION = (REPOSITORY / "action.yml").read_text()


class Action(unittest.TestCase):
    def setUp(self) -> None:
        self.machine = self.enterContext(machine())

    def install(self, **variables: str):
        variables = {"LAMBDA_PACK_ATTESTATION": "skip", **variables}
        return self.machine.run("pipelines/action-install.sh", str(self.machine.installed), **variables)

    def test_each_step_is_a_script_that_is_there(self) -> None:
        scripts = re.findall(r"\$GITHUB_ACTION_PATH/(\S+?)\"", ACTION)
        self.assertEqual(len(scripts), ACTION.count("shell: sh"))
        for script in scripts:
            self.assertTrue((REPOSITORY / script).stat().st_mode & 0o100, script)

    def test_the_version_is_the_actions_own(self) -> None:
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.machine.installed / "lambda-pack").exists())
        self.assertIn(f"version={self.machine.version}\n", self.machine.read("output"))
        self.assertIn("attestation=skipped\n", self.machine.read("output"))
        summary = self.machine.read("summary")
        self.assertIn(f"lambda-pack {self.machine.version}: `{self.machine.archive}`", summary)
        self.assertIn("**not** asked for", summary)

    def test_another_version_may_be_named(self) -> None:
        done = self.install(VERSION="99.0.0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("v99.0.0/SHA256SUMS", done.stderr)
        self.assertEqual(self.machine.read("output"), "")
        self.assertEqual(self.machine.read("summary"), "")

    def test_windows_is_told_another_way(self) -> None:
        done = self.install(RUNNER_OS="Windows")
        self.assertEqual(done.returncode, 1)
        self.assertIn("docs/install.md", done.stderr)
        self.assertEqual(self.machine.server.asked, [])

    def test_the_cache_that_is_kept_is_checked_on_use(self) -> None:
        kept = {}
        for choice in ("checked", "all", "none"):
            done = self.machine.run("pipelines/action-cache.sh", choice, XDG_CACHE_HOME="/cache")
            self.assertEqual(done.returncode, 0, done.stderr)
            first, *kept[choice], last = done.stdout.splitlines()
            self.assertEqual((first, last), ("paths<<END", "END"))
        self.assertEqual(kept["checked"], ["/cache/lambda-pack/assets", "/cache/lambda-pack/blocks-1"])
        self.assertLess(set(kept["checked"]), set(kept["all"]))
        self.assertEqual(kept["none"], [])
        for paths in kept.values():
            self.assertNotIn("/cache/lambda-pack/digests", paths)
        # All that is kept is what docs/caches.md tells of.
        documented = re.findall(r"^\| `(.*?)/` \|", (REPOSITORY / "docs/caches.md").read_text(), re.MULTILINE)
        for path in kept["all"]:
            self.assertIn(path.rpartition("/")[2], documented)
        done = self.machine.run("pipelines/action-cache.sh", "some")
        self.assertEqual((done.returncode, done.stdout), (2, ""))

    def project(self) -> None:
        (self.machine.bin / "lambda-pack").symlink_to(PROGRAM)
        for name in ("code", "lambda-json"):
            shutil.copytree(REPOSITORY / name, self.machine.directory / name, ignore=shutil.ignore_patterns("__pycache__"))

    def test_what_the_command_did_is_in_the_summary(self) -> None:
        self.project()
        for command, status in (("build", "built"), ("upload", "uploaded"), ("upload", "unchanged")):
            with self.subTest(command, status=status):
                for name in ("summary", "output"):
                    (self.machine.directory / name).unlink(missing_ok=True)
                done = self.machine.run("pipelines/action-command.sh", command)
                self.assertEqual(done.returncode, 0, done.stderr)
                summary = self.machine.read("summary")
                self.assertIn(f"### lambda-pack {command}", summary)
                self.assertRegex(summary, rf"\| iban-check \| {status} \| \d+ \| 7 \| `16baf793fa5cf6ed` \|")
                first, packages, last = self.machine.read("output").splitlines()
                self.assertEqual((first, last), ("packages<<END", "END"))
                self.assertEqual({row["status"] for row in json.loads(packages)}, {status})

    def test_a_command_that_fails_keeps_its_code(self) -> None:
        self.project()
        (self.machine.directory / "lambda-json/iban-check.json").write_text('{"runtime": 1}')
        done = self.machine.run("pipelines/action-command.sh", "build")
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("lambda-json/iban-check.json:1:13", done.stderr)
        self.assertIn("It failed with exit code 3", self.machine.read("summary"))

    def test_other_commands_are_refused(self) -> None:
        done = self.machine.run("pipelines/action-command.sh", "gc; id")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("build or upload", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""release/: versions that must agree, archives, checksums, other package managers' files, and how a release appears."""

import gzip
import io
import os
import random
import shutil
import subprocess
import tempfile
import tomllib
import unittest
import zipfile
from pathlib import Path

from machine import ARCHIVES, REPOSITORY, WINDOWS, archive, digest, machine, version


class Version(unittest.TestCase):
    def setUp(self) -> None:
        self.copy = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.copy / "release").mkdir()
        shutil.copy(REPOSITORY / "release/version.sh", self.copy / "release")
        manifest = '[workspace.package]\nversion = "1.2.3"\n\n[dependencies.other]\nversion = "9.9.9"\n'
        (self.copy / "Cargo.toml").write_text(manifest)

    def check(self, heading: str, *tag: str) -> subprocess.CompletedProcess[str]:
        (self.copy / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n\n## 1.2.2\n")
        return subprocess.run(
            [self.copy / "release/version.sh", *tag], capture_output=True, text=True, check=False
        )

    def test_the_version_is_that_of_the_workspace(self) -> None:
        self.assertEqual(self.check("## Unreleased").stdout, "1.2.3\n")

    def test_a_tag_agrees_with_both(self) -> None:
        for heading in ("## 1.2.3", "## [1.2.3] - 2026-12-01", "## 1.2.3 (2026-12-01)"):
            with self.subTest(heading):
                done = self.check(heading, "v1.2.3")
                self.assertEqual((done.returncode, done.stdout), (0, "1.2.3\n"), done.stderr)

    def test_a_tag_that_does_not(self) -> None:
        for heading, tag, words in (
            ("## 1.2.3", "v1.2.4", "the tag is v1.2.4, and Cargo.toml says 1.2.3"),
            ("## 1.2.3", "1.2.3", "the tag is 1.2.3"),
            ("## Unreleased", "v1.2.3", "heading of CHANGELOG.md is `Unreleased`"),
            ("## 1.2.30", "v1.2.3", "heading of CHANGELOG.md is `1.2.30`"),
        ):
            with self.subTest(heading, tag=tag):
                done = self.check(heading, tag)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(words, done.stderr)


class Archive(unittest.TestCase):
    def twice(self, program: str, kind: str) -> bytes:
        """An archive that is the same from files that others made at another time in another order."""
        files = {program: b"program", "man/lambda-pack.1": b"manual", "LICENSE": b"licence", "man/a.1": b""}
        made = []
        for umask, seed in ((0o022, 1), (0o077, 2)):
            directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
            tree = directory / "lambda-pack-1.2.3-x"
            before = os.umask(umask)
            try:
                for name, content in sorted(files.items(), key=lambda _: random.Random(seed).random()):
                    file = tree / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content)
                    os.utime(file, (seed * 1_000_000, seed * 1_000_000))
                subprocess.run([REPOSITORY / "release/archive.py", tree], check=True)
            finally:
                os.umask(before)
            made.append(Path(f"{tree}.{kind}").read_bytes())
            self.assertEqual(sorted(os.listdir(directory)), [tree.name, f"{tree.name}.{kind}"])
        self.assertEqual(made[0], made[1])
        return made[0]

    def test_the_same_files_are_the_same_bytes(self) -> None:
        made = self.twice("lambda-pack", "tar.gz")
        # Without gzip's part, which is this Python's zlib's: what is in it is never to change.
        self.assertEqual(digest(gzip.decompress(made)), "ce06c929e1e02995ad8f2d04c5a11bc8da3504e0525d20f71a5d2164c78e04fd")
        listed = subprocess.run(["tar", "-tvzf", "-"], input=made, capture_output=True, check=True).stdout.decode()
        self.assertRegex(listed, r"(?m)^-rwxr-xr-x .* lambda-pack-1\.2\.3-x/lambda-pack$")
        self.assertRegex(listed, r"(?m)^-rw-r--r-- .* lambda-pack-1\.2\.3-x/man/lambda-pack\.1$")

    def test_for_windows_it_is_a_zip(self) -> None:
        with zipfile.ZipFile(io.BytesIO(self.twice("lambda-pack.exe", "zip"))) as opened:
            entries = {entry.filename.removeprefix("lambda-pack-1.2.3-x/"): entry for entry in opened.infolist()}
            self.assertEqual(list(entries), ["LICENSE", "lambda-pack.exe", "man/a.1", "man/lambda-pack.1"])
            self.assertEqual({(entry.date_time, entry.create_system) for entry in entries.values()}, {((1980, 2, 1, 0, 0, 0), 3)})
            modes = [entry.external_attr >> 16 for entry in entries.values()]
            self.assertEqual(modes, [0o100644, 0o100755, 0o100644, 0o100644])
            self.assertEqual(opened.read(entries["lambda-pack.exe"]), b"program")


class Finish(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.archives = [archive(version(), system) for system in ARCHIVES]
        for name in self.archives:
            (self.directory / name).write_text(f"content of {name}")

    def finish(self, repository: str = "owner/some.name") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [REPOSITORY / "release/finish.py", self.directory, repository], capture_output=True, text=True, check=False
        )

    def test_checksums_are_what_sha256sum_checks(self) -> None:
        # Once more changes nothing: what is made is no part of what it is made from.
        for _ in range(2):
            self.assertEqual(self.finish().returncode, 0)
            checked = subprocess.run(
                ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=self.directory, capture_output=True, text=True, check=True
            )
            self.assertEqual(checked.stdout.splitlines(), [f"{name}: OK" for name in sorted(self.archives)])

    def test_templates_are_filled(self) -> None:
        self.assertEqual(self.finish().returncode, 0)
        urls = f"https://github.com/owner/some.name/releases/download/v{version()}"
        formula = (self.directory / "lambda-pack.rb").read_text()
        mise = tomllib.loads((self.directory / "mise.toml").read_text())["tools"]["http:lambda-pack"]
        self.assertEqual(mise["version"], version())
        platforms = {
            "linux-x64": ("Linux", "x86_64"),
            "linux-arm64": ("Linux", "aarch64"),
            "macos-x64": ("Darwin", "x86_64"),
            "macos-arm64": ("Darwin", "arm64"),
            "windows-x64": WINDOWS,
        }
        self.assertEqual(mise["platforms"].keys(), platforms.keys())
        for name, system in platforms.items():
            name_of = archive(version(), system)
            expected = digest((self.directory / name_of).read_bytes())
            self.assertEqual(mise["platforms"][name], {"url": f"{urls}/{name_of}", "checksum": f"sha256:{expected}"})
            if system != WINDOWS:
                self.assertIn(f'url "{urls}/{name_of}"\n      sha256 "{expected}"\n', formula)
        aqua = (self.directory / "aqua.yaml").read_text()
        self.assertIn("repo_owner: owner\n    repo_name: some.name\n", aqua)
        self.assertIn("signer_workflow: owner/some.name/.github/workflows/release.yml\n", aqua)
        for text in (formula, aqua, (self.directory / "mise.toml").read_text()):
            self.assertNotIn("@", text)

    def test_an_archive_is_missing(self) -> None:
        (self.directory / self.archives[-1]).unlink()
        done = self.finish()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"has no {self.archives[-1]}", done.stderr)
        self.assertEqual(sorted(os.listdir(self.directory)), sorted(self.archives[:-1]), "nothing half is left")

    def test_what_is_no_repository(self) -> None:
        done = self.finish("owner")
        self.assertEqual(done.returncode, 1)
        self.assertIn("say OWNER/NAME", done.stderr)


class Publish(unittest.TestCase):
    """With a gh that notes what it is asked for; `view` ends as GitHub's would."""

    def publish(self, view: str, tag: str = "v1.2.3") -> tuple[subprocess.CompletedProcess[str], list[str]]:
        host = self.enterContext(machine())
        files = host.directory / "files"
        files.mkdir()
        (files / "a.tar.gz").touch()
        log = host.directory / "log"
        host.program("gh", f'echo "$*" >>{log}\ncase $2 in view) {view} ;; esac')
        done = host.run("release/publish.sh", str(files), tag)
        return done, [line.split() for line in log.read_text().splitlines()]

    def test_it_is_a_draft_until_all_is_there(self) -> None:
        done, calls = self.publish("exit 1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([call[1] for call in calls], ["view", "create", "upload", "edit"])
        self.assertIn("--draft", calls[1])
        self.assertIn("--verify-tag", calls[1])
        self.assertNotIn("--prerelease", calls[1])
        self.assertEqual(calls[2][-1].rpartition("/")[2], "a.tar.gz")
        self.assertEqual(calls[3][2:], ["v1.2.3", "--draft=false"])

    def test_a_prerelease_says_so(self) -> None:
        _, calls = self.publish("exit 1", "v1.2.3-rc.1")
        self.assertIn("--prerelease", calls[1])

    def test_a_draft_is_gone_on_with(self) -> None:
        done, calls = self.publish("echo true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([call[1] for call in calls], ["view", "upload", "edit"])

    def test_what_is_released_does_not_change(self) -> None:
        done, calls = self.publish("echo false")
        self.assertEqual(done.returncode, 1)
        self.assertIn("v1.2.3 is released", done.stderr)
        self.assertEqual([call[1] for call in calls], ["view"])


if __name__ == "__main__":
    unittest.main()

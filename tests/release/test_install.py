"""pipelines/install-lambda-pack.sh: what is not what was released is not installed."""

import os
import shutil
import unittest
from pathlib import Path

from machine import ARCHIVES, HERE, WINDOWS, Machine, archive, digest, machine

SCRIPT = "pipelines/install-lambda-pack.sh"


class Install(unittest.TestCase):
    def setUp(self) -> None:
        self.machine: Machine = self.enterContext(machine())
        self.version = self.machine.version
        self.path = f"/v{self.version}/{self.machine.archive}"
        self.sums = f"/v{self.version}/SHA256SUMS"

    def install(self, version: str | None = None, attestation: str = "skip", **variables: str):
        return self.machine.run(
            SCRIPT,
            self.version if version is None else version,
            str(self.machine.installed),
            LAMBDA_PACK_ATTESTATION=attestation,
            **variables,
        )

    def refused(self, code: int, *words: str, **how: str) -> None:
        done = self.install(**how)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stdout, "")
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse((self.machine.installed / "lambda-pack").exists())
        self.assertEqual(list(self.machine.directory.glob("tmp.*")), [], "temporary files stay")

    def test_a_release_is_installed(self) -> None:
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        installed = self.machine.installed / "lambda-pack"
        content = self.machine.server.files[self.path]
        self.assertEqual(
            done.stdout.splitlines(),
            [
                f"version={self.version}",
                f"archive={self.machine.archive}",
                f"sha256={digest(content)}",
                "attestation=skipped",
                f"path={installed}",
            ],
        )
        self.assertEqual(installed.read_bytes(), self.machine.content)
        self.assertTrue(os.access(installed, os.X_OK))
        self.assertEqual(os.listdir(self.machine.installed), ["lambda-pack"])
        self.assertEqual(list(self.machine.directory.glob("tmp.*")), [])

    def test_a_directory_is_no_option(self) -> None:
        for directory in ["--", "-p", ""]:
            done = self.machine.run(SCRIPT, self.version, directory, LAMBDA_PACK_ATTESTATION="skip")
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("usage: install-lambda-pack.sh VERSION DIR", done.stderr)
        self.assertEqual(self.machine.server.asked, [], "nothing is downloaded")

    def test_a_tag_is_a_version(self) -> None:
        self.assertEqual(self.install(version=f"v{self.version}").returncode, 0)

    def test_checksums_of_binary_mode_count(self) -> None:
        files = self.machine.server.files
        files[self.sums] = files[self.sums].replace(b"  ", b" *")
        self.assertEqual(self.install().returncode, 0)

    def test_a_wrong_checksum(self) -> None:
        self.machine.server.files[self.sums] = f"{'1' * 64}  {self.machine.archive}\n".encode()
        self.refused(4, "is not what was released", "1" * 64)

    def test_an_altered_archive_leaves_what_was_installed(self) -> None:
        self.assertEqual(self.install().returncode, 0)
        before = (self.machine.installed / "lambda-pack").read_bytes()
        self.machine.server.files[self.path] += b"\0"
        self.assertEqual(self.install().returncode, 4)
        self.assertEqual((self.machine.installed / "lambda-pack").read_bytes(), before)

    def test_a_missing_checksum(self) -> None:
        for text in ("", f"{'1' * 64}  {self.machine.archive}.sig\n", f"{'1' * 64}  x{self.machine.archive}\n"):
            with self.subTest(text):
                self.machine.server.files[self.sums] = text.encode()
                self.refused(4, f"does not name {self.machine.archive}")

    def test_two_checksums(self) -> None:
        self.machine.server.files[self.sums] *= 2
        self.refused(4, "says it twice")

    def test_no_such_release(self) -> None:
        self.machine.server.files.clear()
        self.refused(1, "404", f"is there a release {self.version}?")

    def test_no_archive_in_the_release(self) -> None:
        del self.machine.server.files[self.path]
        self.refused(1, "404", self.machine.archive)

    def test_a_download_that_ends_early(self) -> None:
        for path in (self.path, self.sums):
            with self.subTest(path):
                self.machine.server.cut = {path: 20}
                self.refused(1, "can't download")

    def test_no_archive_for_this_machine(self) -> None:
        self.machine.is_another("Plan9", "mips")
        self.refused(1, "no archive for Plan9 mips", "cargo install")
        self.assertEqual(self.machine.server.asked, [])

    def test_another_machine_gets_its_own_archive(self) -> None:
        for system in ARCHIVES:
            with self.subTest(system):
                self.machine.is_another(*system)
                self.machine.server.asked.clear()
                done = self.install()
                self.assertEqual(done.returncode, 0 if system == HERE else 1)
                self.assertEqual(self.machine.server.asked[-1], f"/v{self.version}/{archive(self.version, system)}")

    def test_a_zip_for_windows(self) -> None:
        self.machine.is_another(*WINDOWS)
        self.machine.archive = archive(self.version, WINDOWS)
        self.machine.release(self.machine.packed(self.machine.content, "lambda-pack.exe"))
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(self.machine.installed), ["lambda-pack.exe"])
        self.assertEqual((self.machine.installed / "lambda-pack.exe").read_bytes(), self.machine.content)

    def test_what_is_no_version(self) -> None:
        for version in ("", "latest", "1.2", "1.2.x/..", "../1.2.3", "1.2.3 4", "1.2.3;id", "1..2.3"):
            with self.subTest(version):
                self.refused(2, "is no version", version=version)
        self.assertEqual(self.machine.server.asked, [])

    def test_what_is_no_repository(self) -> None:
        for repository in ("", "name", "a/b/c", "../x", "a/b;id"):
            with self.subTest(repository):
                self.refused(2, "LAMBDA_PACK_REPOSITORY", LAMBDA_PACK_REPOSITORY=repository)

    def test_a_mirror_without_tls(self) -> None:
        self.refused(1, "can't download", LAMBDA_PACK_RELEASES=self.machine.server.url.replace("127.0.0.1", "127.0.0.2"))
        self.assertEqual(self.machine.server.asked, [])

    def test_an_archive_of_another_version(self) -> None:
        self.machine.release(self.machine.packed(b"#!/bin/sh\necho lambda-pack 9.9.9\n"))
        self.refused(4, "says that it is `lambda-pack 9.9.9`")

    def test_an_archive_that_does_not_run(self) -> None:
        self.machine.release(self.machine.packed(b"\x7fELF"))
        self.refused(1, "does not run on this machine")


class Attestation(Install):
    """With a gh that notes what it is asked for: only GitHub attests, and only what it has made."""

    def gh(self, then: str) -> None:
        self.machine.program("gh", f'printf "%s\\n" "$@" >"{self.machine.directory}/asked"\n{then}')

    def install(self, version: str | None = None, attestation: str = "required", **variables: str):
        if not (self.machine.bin / "gh").exists():
            self.gh("""echo '[{"verificationResult": {}}]'""")
        return super().install(version, attestation, **variables)

    def test_a_release_is_installed(self) -> None:
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("attestation=verified\n", done.stdout)
        asked = self.machine.read("asked").splitlines()
        self.assertEqual(asked[:2], ["attestation", "verify"])
        self.assertEqual(Path(asked[2]).name, self.machine.archive)
        self.assertEqual(
            asked[3:],
            [
                "--repo",
                "owner/name",
                "--signer-workflow",
                "owner/name/.github/workflows/release.yml",
                "--source-ref",
                f"refs/tags/v{self.version}",
                "--deny-self-hosted-runners",
                "--format",
                "json",
            ],
        )

    def test_it_is_asked_for_unless_it_is_skipped(self) -> None:
        self.gh("exit 1")
        done = self.machine.run(SCRIPT, self.version, str(self.machine.installed))
        self.assertEqual(done.returncode, 4, done)
        self.refused(2, "required or skip", attestation="no")

    def test_no_attestation(self) -> None:
        self.gh("echo 'no attestations found' >&2; exit 1")
        self.refused(4, "no attestations found", "is not shown to come from owner/name's release workflow")

    def test_a_gh_that_ends_well_without_one(self) -> None:
        for said in ("", "[]"):
            with self.subTest(said):
                self.gh(f"echo '{said}'")
                self.refused(4, "has no attestation")

    def test_no_gh(self) -> None:
        """With nothing on PATH but what the script needs otherwise."""
        for name in ("sh", "curl", "awk", "sha256sum", "tar", "gzip", "mktemp", "rm", "uname", "sed", "grep"):
            (self.machine.bin / name).symlink_to(shutil.which(name))
        done = self.machine.run(SCRIPT, self.version, str(self.machine.installed), PATH=str(self.machine.bin))
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("gh is not installed", done.stderr)
        self.assertFalse((self.machine.installed / "lambda-pack").exists())


if __name__ == "__main__":
    unittest.main()

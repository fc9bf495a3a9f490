#!/usr/bin/env python3
"""release/finish.py DIR OWNER/NAME: what is made when the archives of all targets are in DIR.

Writes SHA256SUMS, and fills the templates of other package managers (release/templates/) with version and checksums.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    directory, repository = Path(sys.argv[1]), sys.argv[2]
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        sys.exit(f"error: `{repository}` is no repository: say OWNER/NAME")
    version = subprocess.run([HERE / "version.sh"], check=True, capture_output=True, text=True).stdout.strip()
    templates = sorted((HERE / "templates").iterdir())
    made = {"SHA256SUMS", *(template.name for template in templates)}
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
        if path.name not in made
    }
    owner, name = repository.split("/")
    values = {
        "VERSION": version,
        "REPOSITORY": repository,
        "OWNER": owner,
        "NAME": name,
        "URL": f"https://github.com/{repository}/releases/download/v{version}",
    }

    def fill(text: str) -> str:
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        return re.sub(r"@SHA256 (.*?)@", lambda found: digest(found[1]), text)

    def digest(archive: str) -> str:
        if archive not in digests:
            sys.exit(f"error: {directory} has no {archive}")
        return digests[archive]

    filled = {template.name: fill(template.read_text()) for template in templates}
    (directory / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))
    for name, text in filled.items():
        (directory / name).write_text(text)


if __name__ == "__main__":
    main()

"""Projects whose pages are looked at: made, published several times, and reported on by the real binary."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

FOUR_BYTES = "\U0001F9F6\U00020BB7"
# A path that ends a script, one that would be an image, quotes, 300 characters, and 4 bytes a character.
ODD = [
    "</script><script>alert(1)",
    "<img src=x onerror='window.owned=1'>",
    "<!--quotes\"'&amp;",
    "/".join(["d" * 145, "e" * 100, "f" * 50 + ".py"]),
    FOUR_BYTES,
]

# What functions hold of others: version, licence, and files with their sizes in KB, about as they are on PyPI.
PACKAGES = {
    "requests": ("2.32.3", "Apache-2.0", {"adapters.py": 27, "models.py": 35, "utils.py": 33, "cookies.py": 18, "api.py": 7, "auth.py": 10, "structures.py": 3, "exceptions.py": 4}),
    "urllib3": ("2.2.3", "MIT", {"connectionpool.py": 42, "connection.py": 37, "response.py": 43, "poolmanager.py": 23, "util/ssl_.py": 19, "util/retry.py": 18, "util/url.py": 15, "contrib/pyopenssl.py": 19, "http2/connection.py": 12, "fields.py": 11}),
    "certifi": ("2024.8.30", "MPL-2.0", {"cacert.pem": 293, "core.py": 4}),
    "idna": ("3.10", "BSD-3-Clause", {"idnadata.py": 78, "uts46data.py": 239, "core.py": 13}),
    "charset_normalizer": ("3.4.0", "MIT", {"constant.py": 40, "api.py": 22, "cd.py": 12, "models.py": 12, "md.cpython-313-aarch64-linux-gnu.so": 70, "md__mypyc.cpython-313-aarch64-linux-gnu.so": 310}),
    "pydantic": ("2.10.2", "MIT", {"main.py": 74, "types.py": 104, "fields.py": 63, "json_schema.py": 113, "networks.py": 40, "_internal/_generate_schema.py": 121, "_internal/_model_construction.py": 35, "_internal/_fields.py": 20, "v1/types.py": 35, "v1/schema.py": 47, "v1/fields.py": 50}),
    "pydantic_core": ("2.27.1", "MIT", {"_pydantic_core.cpython-313-aarch64-linux-gnu.so": 1900, "core_schema.py": 147}),
    "typing_extensions": ("4.12.2", "PSF-2.0", {}),
    "jinja2": ("3.1.4", "BSD-3-Clause", {"compiler.py": 72, "environment.py": 61, "filters.py": 54, "parser.py": 40, "runtime.py": 34, "lexer.py": 30, "nodes.py": 34, "loaders.py": 24}),
    "markupsafe": ("3.0.2", "BSD-3-Clause", {"_speedups.cpython-313-aarch64-linux-gnu.so": 67, "__init__.py": 13}),
}
HTTP = ["requests", "urllib3", "certifi", "idna", "charset_normalizer"]
MODELS = ["pydantic", "pydantic_core", "typing_extensions"]
FUNCTIONS = {
    "order-intake": HTTP + MODELS,
    "order-summary": MODELS + ["jinja2", "markupsafe"],
    "order-refund": HTTP + MODELS,
    "invoice-mail": ["jinja2", "markupsafe"],
    "uptime-probe": HTTP,
    "stock-sync": HTTP + MODELS,
    "price-feed": HTTP,
    "basket-cleanup": [],
    "image-resize": [],
    "webhook-relay": HTTP,
}


class Project:
    def __init__(self, binary: Path, directory: Path) -> None:
        self.binary, self.directory = binary, directory

    def write(self, path: str, content: str | bytes) -> None:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def define(self, name: str, **more: object) -> None:
        definition = {"runtime": "python3.13", "handler": "app.handler", "architectures": ["arm64"], "source": name, **more}
        self.write(f"lambda-json/{name}.json", json.dumps(definition))

    def run(self, *arguments: str) -> None:
        done = subprocess.run([self.binary, *arguments], cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr}")

    def report(self, *arguments: str) -> Path:
        self.run("report", "--html", "page.html", *arguments)
        return self.directory / "page.html"


def content(seed: str, size: int) -> bytes:
    """Text that compresses about as programs do; of machine code, worse."""
    chance = random.Random(seed)
    words = [f"{chance.choice(['self', 'value', 'return', 'name', 'def', 'import'])}_{chance.randrange(900)}" for _ in range(700)]
    text = " ".join(chance.choice(words) for _ in range(size // 8 + 1)).encode()[:size]
    return text if not seed.endswith((".so", ".pem")) else text[: size // 2] + chance.randbytes(size - size // 2)


def install(project: Project, name: str, packages: list[str]) -> None:
    for package in packages:
        version, licence, files = PACKAGES[package]
        for file, kilobytes in files.items():
            project.write(f"code/{name}/{package}/{file}", content(f"{package}/{file}", kilobytes * 1000))
        if not files:
            project.write(f"code/{name}/{package}.py", content(package, 134_000))
        metadata = f"Metadata-Version: 2.4\nName: {package}\nVersion: {version}\nLicense-Expression: {licence}\n"
        project.write(f"code/{name}/{package}-{version}.dist-info/METADATA", metadata)
        project.write(f"code/{name}/{package}-{version}.dist-info/RECORD", content(f"{package}/RECORD", 900))


def demo(binary: Path, directory: Path) -> Path:
    """A small shop, published three times and changed since; with names that would be markup, and one that is new."""
    project = Project(binary, directory)
    for index, (name, packages) in enumerate(FUNCTIONS.items()):
        install(project, name, packages)
        project.write(f"code/{name}/app.py", content(f"{name}/app", 9_000 + 1_700 * index))
        project.write(f"code/{name}/{name.split('-')[0]}/rules.py", content(f"{name}/rules", 31_000 + 4_000 * index))
        project.write(f"code/{name}/{name.split('-')[0]}/store.py", content(f"{name}/store", 14_000))
        project.define(name, memory_size=256 + 128 * (index % 3), timeout=10 + 5 * index, environment={"LOG_LEVEL": "INFO", "TABLE": f"shop-{name}"})
    project.write("code/odd/app.py", "def handler(event, context):\n    return event\n")
    for name in ODD:
        project.write(f"code/odd/{name}", "window.owned = 1\n")
    project.define("odd")
    project.run("upload")
    project.write("code/order-intake/app.py", content("order-intake/app 2", 10_400))
    project.write("code/order-summary/order/totals.py", content("totals", 6_200))
    project.run("upload")
    (project.directory / "code/order-intake/order/store.py").unlink()
    project.write("code/order-intake/order/rules.py", content("order-intake/rules 3", 33_500))
    project.write("code/order-intake/order/taxes.py", content("taxes", 8_800))
    project.run("upload")
    project.write("code/order-intake/order/taxes.py", content("taxes 2", 12_100))
    project.write("code/order-intake/app.py", content("order-intake/app 4", 10_900))
    project.run("upload")
    project.write("code/uptime-probe/app.py", content("uptime 2", 16_000))
    project.write("code/price-feed/app.py", content("price 2", 17_000))
    project.write("code/price-feed/price/rates.py", content("rates", 7_000))
    project.write("code/fresh/app.py", content("fresh", 5_000))
    project.define("fresh")
    return project.report()


def large(binary: Path, directory: Path) -> Path:
    """500 functions with 100 files each."""
    project = Project(binary, directory)
    for function in range(500):
        name = f"f{function:03}"
        project.define(name)
        for file in range(100):
            kind = "shared" if file % 4 == 0 else name
            project.write(f"code/{name}/package_{file % 10}/module_{file:03}.py", f"# {kind} {file}\n" * (1 + file % 40))
    return project.report()

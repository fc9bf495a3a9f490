#!/usr/bin/env python3
"""Writes what the documentation takes from the code: inputs and outputs into the
READMEs of the Terraform modules, and docs/reference/ from lambda-pack itself.

With --check it writes nothing, and fails if anything would be written.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ["lambda-build-module", "lambda-deploy-module", "test-lambda-module", *(f"modules/{path.name}" for path in sorted((REPOSITORY / "modules").iterdir()) if path.is_dir())]

# What `lambda-pack schema` knows, and where it stands in docs/reference/.
SCHEMAS = [
    ("function", "definition", "Keys of a definition", "[Definitions](../definitions.md) says what the keys do."),
    ("project", "project", "Keys of lambda-pack.toml", "[Deployment profiles](../profiles.md) and [bundles](../bundles.md) say what the keys of their tables do, [commands](../commands.md#options) which flags and variables win over the others."),
]

NOTICE = "<!-- Written by make docs-generate from the program. -->\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    parser.add_argument("--lambda-pack", type=Path, help="the program; without it docs/reference/ is left alone")
    parser.add_argument("--inspect", type=Path, help="terraform-config-inspect; without it the modules' READMEs are left alone")
    arguments = parser.parse_args()

    pages: dict[Path, str] = {}
    if arguments.inspect:
        pages |= {REPOSITORY / module / "README.md": readme(module, arguments.inspect) for module in MODULES}
    if arguments.lambda_pack:
        program = arguments.lambda_pack.resolve()
        pages[REPOSITORY / "docs/reference/commands.md"] = commands_page(program)
        for kind, file, title, more in SCHEMAS:
            schema = output([program, "schema", kind])
            pages[REPOSITORY / f"docs/reference/{file}.schema.json"] = schema
            pages[REPOSITORY / f"docs/reference/{file}.md"] = schema_page(f"lambda-pack schema {kind}", title, more, json.loads(schema))

    stale = {path: text for path, text in pages.items() if not path.exists() or path.read_text() != text}
    for path, text in stale.items():
        name = str(path.relative_to(REPOSITORY))
        if arguments.check:
            before = path.read_text() if path.exists() else ""
            sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), text.splitlines(True), name, f"{name}, from the code"))
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    if stale and arguments.check:
        print("error: what the documentation takes from the code is stale: make docs-generate", file=sys.stderr)
        return 1
    return 0


# Terraform modules.


def readme(module: str, inspect: Path) -> str:
    """The module's README with the tables between its marks made anew."""
    described = json.loads(output([inspect, "--json", REPOSITORY / module]))
    inputs = table(
        ["name", "description", "type", "default"],
        ([code(name), variable["description"], code(short_type(variable["type"])), "required" if variable["required"] else code(literal(variable["default"]))] for name, variable in by_place(described["variables"])),
    )
    outputs = table(["name", "description"], ([code(name), value["description"]] for name, value in by_place(described["outputs"])))
    text = (REPOSITORY / module / "README.md").read_text()
    return between(between(text, "inputs", inputs, module), "outputs", outputs, module)


def by_place(things: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """In the order in which the module declares them."""
    return sorted(things.items(), key=lambda item: (item[1]["pos"]["filename"], item[1]["pos"]["line"]))


def between(text: str, mark: str, content: str, module: str) -> str:
    pattern = re.compile(rf"(<!-- {mark}: .*? -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    replaced, count = pattern.subn(lambda found: found[1] + content + found[2], text)
    if count != 1:
        raise SystemExit(f"error: {module}/README.md has no place for its {mark}: <!-- {mark}: … --> … <!-- /{mark} -->")
    return replaced


def short_type(text: str) -> str:
    """Objects without their attributes, which the description or the text below the table names."""
    while (found := re.search(r"object\(\{[^{}]*\}\)", text)) is not None:
        text = f"{text[: found.start()]}object{text[found.end() :]}"
    return text


def literal(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {literal(item)}' for key, item in value.items())} }}" if value else "{}"
    return json.dumps(value)


# lambda-pack.


def commands_page(program: Path) -> str:
    top = help_of(program, [])
    codes = re.search(r"^Exit codes: (.*?)\.$", top, re.DOTALL | re.MULTILINE)
    if codes is None:
        raise SystemExit("error: lambda-pack --help names no exit codes")
    rows = (re.split(r"\s", item.strip(), maxsplit=1) for item in codes[1].replace("\n", " ").split(", "))
    parts = [
        NOTICE,
        "# Command line\n\nWhat `lambda-pack COMMAND --help` prints. [Commands](../commands.md) says what each is for, and what its JSON holds.\n",
        f"## Common options\n\n```text\n{common_options(top)}```\n",
        f"## Exit codes\n\n{table(['code', 'meaning'], rows)}\n[In detail](../commands.md#exit-codes).\n",
    ]
    for path in subcommands(program, [], top):
        parts.append(f"## {' '.join(path)}\n\n```text\n{own_help(help_of(program, path))}```\n")
    return "\n".join(parts)


def subcommands(program: Path, path: list[str], text: str) -> Iterator[list[str]]:
    """Commands by their words, each before those below it."""
    listed = re.search(r"^Commands:\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
    for name in re.findall(r"^  ([a-z-]+)", listed[1], re.MULTILINE) if listed else []:
        if name != "help":
            yield [*path, name]
            yield from subcommands(program, [*path, name], help_of(program, [*path, name]))


def help_of(program: Path, path: list[str]) -> str:
    # A terminal's width would wrap lines otherwise.
    return output([program, *path, "--help"], {"COLUMNS": "100"})


def common_options(text: str) -> str:
    return text.split("Common options:\n", 1)[1].split("\n\nExamples:", 1)[0] + "\n"


def own_help(text: str) -> str:
    """Without what all commands have."""
    own = re.sub(r"Common options:\n.*?(?=^\S|\Z)", "", text, flags=re.DOTALL | re.MULTILINE)
    own = re.sub(r"^  (-h, --help|-V, --version)\n.*?(?=^  -|^\S|\Z)", "", own, flags=re.DOTALL | re.MULTILINE)
    own = re.sub(r"^  (-h, --help|-V, --version) .*\n", "", own, flags=re.MULTILINE)
    own = re.sub(r"^Options:\n\s*(?=^\S|\Z)", "", own, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", own, flags=re.MULTILINE)).strip() + "\n"


def schema_page(command: str, title: str, more: str, schema: dict[str, Any]) -> str:
    """A schema as tables: its own keys, then those of the objects in it."""
    shapes = Shapes(schema["$defs"])
    parts = [
        NOTICE,
        f"# {title}\n\nWhat `{command}` says, made from the types that read the file. {more}\n",
        shapes.keys_of(schema),
    ]
    for name in shapes.wanted:
        definition = shapes.definitions[name]
        parts.append(f"## {spaced(name)}\n")
        if "description" in definition:
            parts.append(f"{sentence(definition['description'])}\n")
        variants = [definition] if "properties" in definition else definition["oneOf"]
        for variant in variants:
            if variant is not definition:
                parts.append(f"`\"type\": \"{variant['properties']['type']['const']}\"`: {sentence(variant['description'])}\n")
            parts.append(shapes.keys_of(variant))
    return "\n".join(parts)


class Shapes:
    """Values of the schema in words; objects are `wanted` in the order in which they are met."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self.definitions = definitions
        self.wanted: list[str] = []

    def keys_of(self, shape: dict[str, Any]) -> str:
        required = shape.get("required", [])
        return table(
            ["key", "value", "meaning"],
            ([code(key) + (", required" if key in required else ""), self.value(value), sentence(value.get("description", ""))] for key, value in shape["properties"].items()),
        )

    def value(self, shape: dict[str, Any]) -> str:
        text = self._value(shape)
        return text + (f"; default {code(json.dumps(shape['default']))}" if shape.get("default") not in (None, []) else "")

    def _value(self, shape: dict[str, Any]) -> str:
        if "$ref" in shape:
            return self._named(shape["$ref"].rsplit("/", 1)[1])
        if "const" in shape:
            return code(json.dumps(shape["const"]))
        if "enum" in shape:
            return ", ".join(code(json.dumps(value)) for value in shape["enum"])
        for choice in ("anyOf", "oneOf"):
            if choice in shape:
                return " or ".join(self._value(item) for item in shape[choice] if item.get("type") != "null")
        kinds = [kind for kind in [shape.get("type", "any")] if isinstance(kind, str)] or [kind for kind in shape["type"] if kind != "null"]
        if kinds == ["array"]:
            return f"list of: {self._value(shape['items'])}"
        if kinds == ["integer"] and "minimum" in shape:
            return f"integer, {shape['minimum']} to {shape.get('maximum', '…')}"
        if kinds == ["object"]:
            values = shape.get("additionalProperties")
            if isinstance(values, dict):
                return f"by name: {self._value(values)}"
            return "object of strings" if "patternProperties" in shape else "object"
        return " or ".join(kinds)

    def _named(self, name: str) -> str:
        definition = self.definitions[name]
        # A wrapper that only forbids lists in the place of objects.
        if "$ref" in definition:
            return self._value(definition)
        if "properties" in definition or any("properties" in item for item in definition.get("oneOf", [])):
            if name not in self.wanted:
                self.wanted.append(name)
            return f"[{spaced(name)}](#{spaced(name).lower().replace(' ', '-')})"
        if definition.get("type") == "string" and "enum" not in definition:
            return definition.get("description", "string")
        return self._value(definition)


def spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."


# Markdown.


def table(head: list[str], rows: Any) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell(text) for text in row)} |\n".replace("  |", " |") for row in lines)


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    return f"`{text}`"


def output(command: list[Any], env: dict[str, str] | None = None) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **(env or {})}).stdout


if __name__ == "__main__":
    sys.exit(main())

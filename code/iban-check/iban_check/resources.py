"""The data files that are packed beside the code."""

import json
from importlib.resources import files

DATA = files(__package__) / "data"


def load(path: str) -> dict:
    return json.loads((DATA / path).read_text(encoding="utf-8"))


def messages() -> dict[str, dict[str, str]]:
    """Message texts by language."""
    return {
        file.name.removesuffix(".json"): load(f"messages/{file.name}")
        for file in (DATA / "messages").iterdir()
    }

#!/usr/bin/env python3
"""Preprocessor of mdBook: links that lead out of docs/ to files of the repository,
which aren't in the book, become text that names the file."""

from __future__ import annotations

import json
import posixpath
import re
import sys
from typing import Any

LINK = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+[^)\s]*)\)")


def main() -> None:
    if sys.argv[1:2] == ["supports"]:
        return
    _, book = json.load(sys.stdin)
    for item in book["items"]:
        rewrite(item)
    json.dump(book, sys.stdout)


def rewrite(item: Any) -> None:
    # Others are separators and titles of parts.
    if not isinstance(item, dict) or "Chapter" not in item:
        return
    chapter = item["Chapter"]
    directory = posixpath.join("docs", posixpath.dirname(chapter["path"] or ""))

    def text(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(directory, link[2].partition("#")[0]))
        if target.startswith("docs/"):
            return link[0]
        return link[1] if target in link[1] else f"{link[1]} (`{target}`)"

    chapter["content"] = LINK.sub(text, chapter["content"])
    for sub_item in chapter["sub_items"]:
        rewrite(sub_item)


if __name__ == "__main__":
    main()

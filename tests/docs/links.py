#!/usr/bin/env python3
"""Checks the links of all Markdown files: that files and headings are there, and that
docs/SUMMARY.md names every page of docs/ once. With --book it also checks the links of
the book that mdBook made: its ids of headings aren't always GitHub's. What leads to the
network isn't asked."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Iterator
from urllib.parse import unquote

REPOSITORY = Path(__file__).resolve().parents[2]
SUMMARY = REPOSITORY / "docs/SUMMARY.md"
LINK = re.compile(r"(?<!\\)\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--book", type=Path, help="the directory that mdBook wrote")
    arguments = parser.parse_args()
    pages = [path for path in listed("*.md") if "fixtures" not in path.parts]
    faults = [f"{page.relative_to(REPOSITORY)}: {fault}" for page in pages for fault in faults_of(page)]
    faults += [f"docs/SUMMARY.md: {fault}" for fault in faults_of_summary(pages)]
    told = f"links of {len(pages)} pages"
    if arguments.book:
        chapters = {path.resolve(): Chapter(path) for path in sorted(arguments.book.rglob("*.html"))}
        if not chapters:
            faults.append(f"{arguments.book}: there is no book")
        faults += [f"{path.relative_to(arguments.book.resolve())} of the book: {fault}" for path, chapter in chapters.items() for fault in chapter.faults(path, chapters)]
        told += f", and {len(chapters)} of the book,"
    print("\n".join(faults) or f"{told} lead somewhere")
    return 1 if faults else 0


def listed(pattern: str) -> list[Path]:
    """Files that are in the repository, or will be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern]
    names = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [path for name in names.split("\0") if name and (path := REPOSITORY / name).exists()]


def links(page: Path) -> Iterator[str]:
    yield from LINK.findall(CODE.sub("", FENCE.sub("", page.read_text())))


def faults_of(page: Path) -> Iterator[str]:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and anchor not in anchors(target):
            yield f"{link}: there is no such heading"


def anchors(page: Path) -> set[str]:
    """Ids of headings, as GitHub makes them."""
    found: Counter[str] = Counter()
    ids = set()
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", FENCE.sub("", page.read_text()), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        ids.add(slug if not found[slug] else f"{slug}-{found[slug]}")
        found[slug] += 1
    return ids


def faults_of_summary(pages: list[Path]) -> Iterator[str]:
    named = Counter((SUMMARY.parent / link).resolve() for link in links(SUMMARY))
    for page in pages:
        if page.is_relative_to(SUMMARY.parent) and page != SUMMARY and named[page] != 1:
            yield f"names {page.relative_to(SUMMARY.parent)} {named[page]} times"


class Chapter(HTMLParser):
    """A page of the book: what can be linked to in it, and what it links to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.ids |= {value for value in (values.get("id"), values.get("name") if tag == "a" else None) if value}
        if tag == "a" and (link := values.get("href")):
            self.links.add(link)

    def faults(self, path: Path, chapters: dict[Path, Chapter]) -> Iterator[str]:
        for link in sorted(self.links):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = (unquote(part) for part in link.partition("#"))
            target = (path.parent / name).resolve() if name else path
            if target not in chapters:
                if not target.is_file():
                    yield f"{link}: there is no such page"
            elif anchor and anchor not in chapters[target].ids:
                yield f"{link}: mdBook made no such id"


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The page of `lambda-pack report --html` in Debian's Chromium, through Playwright: it opens from a file without asking
anybody, zooms by click and by keyboard, searches, and axe-core finds no serious fault in it, light and dark. With --screenshots,
writes those of the documentation.

Run by tests/e2e/e2e.py, or `make page`, with the Python that tests/setup.sh playwright installs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

import page_samples

REPOSITORY = Path(__file__).resolve().parents[2]
SETUP = REPOSITORY / "tests/setup.sh"
MOST_BYTES_BEFORE_DATA = 1_500_000
MOST_BYTES_OF_SCREENSHOT = 150_000


def tool(name: str) -> Path:
    return Path(subprocess.run([SETUP, name], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


class Window:
    """A page, and all that it said and asked for since it was opened."""

    def __init__(self, browser: Browser, file: Path, **options: object) -> None:
        self.context = browser.new_context(reduced_motion="reduce", **options)
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.file = file

    def open(self, place: str = "") -> Page:
        self.page.goto(self.file.as_uri() + place)
        self.page.wait_for_selector("main h1")
        return self.page

    def close(self) -> None:
        """Nothing was said, and nobody was asked but for the file itself."""
        expect(self.said == [], f"the console says nothing: {self.said}")
        others = [url for url in self.asked if url.split("#")[0] != self.file.as_uri() and not url.startswith("data:")]
        expect(others == [], f"no request but for the file: {others}")
        self.context.close()


def expect(condition: object, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def crumbs(page: Page) -> list[str]:
    return page.locator(".crumbs li").all_inner_texts()


def zooms(browser: Browser, file: Path) -> None:
    window = Window(browser, file, viewport={"width": 1200, "height": 900})
    page = window.open("#function=order-intake")
    expect(page.locator("h1").inner_text() == "order-intake", "a link leads to its function")
    expect(crumbs(page) == ["All files"], "it begins with all files")

    way = page.locator(".tile.way button").first
    name = way.locator(".label").inner_text().split(" ")[0]
    way.click()
    expect(crumbs(page) == ["All files", name], f"a click zooms into {name}: {crumbs(page)}")
    expect("in=" in page.url, "the place is in the address")
    page.go_back()
    page.wait_for_function("document.querySelectorAll('.crumbs li').length === 1")

    page.locator(".tile button").first.focus()
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.evaluate("document.activeElement.textContent") != first, "arrow keys move")
    page.locator(".tile.way button").first.focus()
    page.keyboard.press("Enter")
    expect(len(crumbs(page)) == 2, f"Enter zooms in: {crumbs(page)}")
    expect(page.evaluate("document.activeElement.parentElement.className").startswith("tile"), "the keyboard stays in the map")
    page.keyboard.press("Escape")
    expect(crumbs(page) == ["All files"], "Escape zooms out")

    page.locator(".choice").get_by_role("button", name="Dependency").click()
    labels = page.locator(".tile button").all_text_contents()
    expect(any(label.startswith("requests 1") for label in labels), f"grouped by dependency: {labels}")
    page.reload()
    page.wait_for_selector(".tile")
    window.close()


def searches(browser: Browser, file: Path) -> None:
    window = Window(browser, file)
    page = window.open("#dependencies")
    page.get_by_role("searchbox").fill("apache urllib3 nothing")
    page.wait_for_function("document.querySelector('main [role=status]').textContent === '0 dependencies found'")
    page.get_by_role("searchbox").fill("REQUESTS")
    rows = page.locator("tbody tr")
    expect(rows.count() == 1 and "requests" in rows.first.inner_text(), "search finds a dependency")
    page.get_by_role("link", name="Functions", exact=True).click()
    page.get_by_role("searchbox").fill("order")
    names = page.locator("tbody td.name").all_inner_texts()
    expect(names and all("order" in name for name in names), f"search finds functions: {names}")
    page.get_by_role("button", name="Unzipped").click()
    expect(page.locator("th[aria-sort]").inner_text().startswith("Unzipped"), "a click on a head sorts")
    page.get_by_role("link", name="Shared files").click()
    expect(page.locator(".group").count() > 0, "files that functions share are shown")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.evaluate("document.activeElement.id") == "content" and "#shared" in page.url, "the skip link leads away from nothing")
    window.open("#function=no-such-function")
    expect("no-such-function" in page.locator("main").inner_text(), "what isn't there is said")
    window.close()


def is_harmless(browser: Browser, file: Path) -> None:
    window = Window(browser, file)
    for place in ["", "#function=odd", "#shared", "#dependencies"]:
        page = window.open(place)
        expect(page.evaluate("window.owned") is None, "no name runs")
        expect(page.locator("main script, main img, main b").count() == 0, "no name is markup")
    page = window.open("#function=odd")
    page.get_by_role("searchbox", name="Search files").fill("alert")
    expect("</script><script>alert(1)" in page.locator("tbody").first.inner_text(), "names are shown as they are")
    page.get_by_role("searchbox", name="Search files").fill(page_samples.FOUR_BYTES)
    expect(page_samples.FOUR_BYTES in page.locator("tbody").first.inner_text(), "4-byte characters")
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    expect(width[0] <= width[1], f"a long path widens nothing: {width}")
    window.close()


def is_accessible(browser: Browser, file: Path, axe: str) -> None:
    for scheme in ["light", "dark"]:
        window = Window(browser, file, color_scheme=scheme)
        for place in ["", "#function=order-intake", "#function=fresh", "#shared", "#dependencies"]:
            page = window.open(place)
            page.evaluate(axe)
            found = page.evaluate("axe.run().then(results => results.violations)")
            for violation in found:
                nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                print(f"  axe: {scheme} {place or '#functions'}: {violation['impact']}: {violation['id']}: {nodes}", flush=True)
            serious = [violation["id"] for violation in found if violation["impact"] in ("serious", "critical")]
            expect(serious == [], f"axe-core, {scheme}, {place or '#functions'}: {serious}")
        window.close()


def changes_theme(browser: Browser, file: Path) -> None:
    window = Window(browser, file, color_scheme="light")
    page = window.open()
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(paper)
    for said in ["Theme: light", "Theme: dark"]:
        page.locator("#theme").click()
        expect(page.locator("#theme").inner_text() == said, said)
    dark = page.evaluate(paper)
    expect(light != dark, f"dark is another colour than light: {light}, {dark}")
    page.reload()
    expect(page.evaluate(paper) == dark, "the choice is kept")
    page.emulate_media(media="print")
    expect(page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none", "print leaves controls out")
    window.close()


def opens_soon(browser: Browser, file: Path) -> None:
    """A figure to look at; only a page that hangs fails."""
    times = []
    for place in ["", "#function=f000", ""]:
        window = Window(browser, file)
        started = time.monotonic()
        window.open(place)
        window.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        times.append(time.monotonic() - started)
        window.close()
    said = ", ".join(f"{seconds:.2f} s" for seconds in times)
    print(f"  500 functions, 50,000 files, {file.stat().st_size / 1e6:.1f} MB: opened and painted in {said}", flush=True)
    expect(min(times) < 30, "it opens")


def screenshots(browser: Browser, file: Path, directory: Path) -> None:
    shots = {
        "report-light": ("light", 1200, 1500, "#function=order-intake"),
        "report-dark": ("dark", 1200, 900, ""),
        "report-phone": ("light", 390, 844, "#function=order-intake"),
    }
    directory.mkdir(parents=True, exist_ok=True)
    shrink = tool("pngquant")
    for name, (scheme, width, height, place) in shots.items():
        window = Window(browser, file, color_scheme=scheme, viewport={"width": width, "height": height}, device_scale_factor=1 if width > 500 else 2)
        window.open(place)
        shot = directory / f"{name}.png"
        window.page.screenshot(path=shot)
        window.close()
        subprocess.run([shrink, "--force", "--strip", "--speed", "1", "--output", shot, "--", shot], check=True)
        size = shot.stat().st_size
        print(f"  {shot.name}: {size:,} bytes", flush=True)
        expect(size <= MOST_BYTES_OF_SCREENSHOT, f"{shot.name} is too large")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lambda-pack", type=Path, required=True, help="the binary under test")
    parser.add_argument("--screenshots", type=Path, help="write those of the documentation here, and test nothing")
    arguments = parser.parse_args()
    binary = arguments.lambda_pack.resolve()
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        demo = page_samples.demo(binary, Path(work) / "demo")
        expect(demo.read_text().index('id="data"') < MOST_BYTES_BEFORE_DATA, "small before its data")
        # Chromium's sandbox needs rights that root in a container doesn't have.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=tool("chromium"), args=options)
        if arguments.screenshots:
            screenshots(browser, demo, arguments.screenshots)
            return 0
        axe = (tool("page") / "axe-core/axe.min.js").read_text()
        steps = [
            ("zooms by click and by keyboard", lambda: zooms(browser, demo)),
            ("searches and sorts", lambda: searches(browser, demo)),
            ("odd names are harmless", lambda: is_harmless(browser, demo)),
            ("axe-core finds nothing serious", lambda: is_accessible(browser, demo, axe)),
            ("light, dark and print", lambda: changes_theme(browser, demo)),
            ("opens soon", lambda: opens_soon(browser, page_samples.large(binary, Path(work) / "large"))),
        ]
        for what, step in steps:
            step()
            print(f"page: ok {what}", flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Debian's chromium, driven by Playwright, and a watch on the requests and errors of its pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Response, WebError

# It runs as root on machines that have no screen, and requests only the pages of the product.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 10_000
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# Chromium writes one of these to the console for every answer of 400 and above; `refused` has them.
REFUSED = "Failed to load resource"
BAD_IMPACTS = ("serious", "critical")
AXE = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
# Django's own markup: the label of the search field is a picture of a magnifier, and the box that select2 puts
# in place of a list takes its name from what is chosen in it, which is nothing at first; links in texts have no lines.
# Not a style element, which the page's own policy would refuse.
NO_TRANSITIONS = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { transition: none !important }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
OF_DJANGO = [
    ("label-title-only", "#searchbar"),
    ("aria-input-field-name", "select2"),
    ("link-in-text-block", ".breadcrumbs"),
    ("link-in-text-block", ".small > a"),
]


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=ARGUMENTS)


@dataclass
class Watch:
    """What the pages of one context did. `refused` are the answers of 400 and above: (status, path).

    Without slots: Playwright keeps its wrappers of the methods on the object.
    """

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    expected: list[tuple[int, str]] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        context.on("response", self._on_response)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)

    def check(self) -> None:
        """Nothing left this machine, nothing failed in a script, nothing was refused but what should be."""
        assert self.complaints == [], self.complaints
        assert self.hosts <= {"127.0.0.1", ""}, self.hosts
        assert self.refused == self.expected, self.refused

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.refused.append((response.status, urlsplit(response.url).path))

    def _on_error(self, failure: WebError) -> None:
        self.complaints.append(f"{failure.error} ({failure.page.url if failure.page else ''})")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(REFUSED):
            self.complaints.append(f"{message.text} ({message.page.url if message.page else ''})")


@contextmanager
def watched(browser: Browser, address: str, **options: Any) -> Iterator[tuple[BrowserContext, Watch]]:
    """A fresh profile (cookies, storage) whose pages are watched. Call `Watch.check` when the journey is done."""
    watch = Watch()
    with browser.new_context(base_url=address, reduced_motion="reduce", **options) as context:
        context.set_default_timeout(PATIENCE_MS)
        watch.follow(context)
        yield context, watch


def barriers(page: Page) -> list[str]:
    """The barriers that axe-core finds on the page, in light and dark: rule, place and advice of each."""
    page.evaluate(NO_TRANSITIONS)  # or colors are measured during a transition
    page.evaluate(AXE)
    # To preload is to ask for every style sheet again, and for what it imports from the wrong address.
    options = {"resultTypes": ["violations"], "preload": False}
    light = look(page, options, scheme="light")
    dark = look(page, {**options, "runOnly": ["color-contrast"]}, scheme="dark")
    return [*light, *dark]


def look(page: Page, options: dict[str, Any], *, scheme: Any) -> list[str]:
    page.emulate_media(color_scheme=scheme)
    return [
        f"{scheme}: {violation['id']}: {node['target']}: {node['failureSummary']}"
        for violation in page.evaluate("options => axe.run(document, options)", options)["violations"]
        if violation["impact"] in BAD_IMPACTS
        for node in violation["nodes"]
        if not any(rule == violation["id"] and mark in str(node["target"]) for rule, mark in OF_DJANGO)
    ]

"""A report on paper: one incident takes three pages at the most, whatever its language."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.publish.demo import BUNDLED, COLLAPSE

from tests.servers import HANGS_SECONDS

try:
    from playwright.sync_api import Browser, sync_playwright
except ImportError:
    if os.environ.get("REQUIRE_REAL") == "1":
        raise
    pytest.skip("needs playwright: pip install -e '.[test]'", allow_module_level=True)

MOST_PAGES = 3
MOST_PAGES_IN_FULL = 6
FIXTURES = Path(__file__).with_name("fixtures")
LOGS = (BUNDLED / COLLAPSE, FIXTURES / "swift-sft-nan")
PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")


@pytest.fixture(scope="module")
def browser(real_tool: Callable[[str], Path]) -> Iterator[Browser]:
    """The system's chromium."""
    path = real_tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=HANGS_SECONDS * 1000
        )
        yield browser
        browser.close()


def pages(
    log: Path, lang: Lang, folder: Path, browser: Browser, *more: str, opened: bool = False
) -> tuple[int, int]:
    """How many sheets of A4 the report of a log fills, and how high it is in all.

    `opened`: after somebody opened the appendix.
    """
    out = folder / "report.html"
    assert run_cli(commands, ["report", str(log), "-o", str(out), "--lang", lang.value, *more]) == 0
    page = browser.new_page()
    page.set_default_timeout(HANGS_SECONDS * 1000)
    page.goto(out.as_uri())
    for summary in page.locator("main > section > details > summary").all() if opened else ():
        summary.click()
    printed = page.pdf(prefer_css_page_size=True)
    page.emulate_media(media="print")
    height: int = page.evaluate("document.documentElement.scrollHeight")
    page.close()
    return len(PAGE.findall(printed)), height


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("log", LOGS, ids=lambda log: str(log.name))
def test_a_report_on_one_incident_takes_three_pages(
    log: Path, lang: Lang, tmp_path: Path, browser: Browser
) -> None:
    """Verdict, chart, order, causes, changes, checklist; with what somebody opens, or all, a few more."""
    short, low = pages(log, lang, tmp_path, browser)
    more, higher = pages(log, lang, tmp_path, browser, opened=True)
    _, highest = pages(log, lang, tmp_path, browser, "--full")
    assert 1 <= short <= MOST_PAGES
    assert more <= MOST_PAGES_IN_FULL
    assert low < higher < highest


@pytest.mark.parametrize(
    "pattern",
    [
        "produced/swift-grpo-collapse-crash/**/logging.jsonl",
        "produced/swift-sft-nan/filter-true/**/logging.jsonl",
        "public/swift-grpo/Pein2017*/logging.jsonl",
    ],
)
def test_a_real_incident_takes_three_pages(
    pattern: str, corpus: Path, tmp_path: Path, browser: Browser
) -> None:
    """The same of runs of others."""
    for log in sorted(corpus.glob(pattern)):
        assert 1 <= pages(log, Lang.EN, tmp_path, browser)[0] <= MOST_PAGES

"""The pages in a real browser: what people see, what changes while they look, and what never happens."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Health, Series, State
from llmtrain_exporter.publish.demo import BUNDLED
from llmtrain_exporter.serve.listed_metrics import LISTED
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.story import numbers

from tests.servers import HANGS_SECONDS, ExporterProcess, eventually
from tests.serving import LOSS, RUN, Site, running
from tests.training import append, swift

try:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        Dialog,
        Locator,
        Page,
        Route,
        expect,
        sync_playwright,
    )
except ImportError:
    if os.environ.get("REQUIRE_REAL") == "1":
        raise
    pytest.skip(
        "needs playwright and axe-playwright-python: pip install -e '.[test]'", allow_module_level=True
    )

HOSTILE = "<img src=x onerror=alert(1)>"
SERIOUS = ("moderate", "serious", "critical")
PHONE = {"width": 375, "height": 740}


def lines(run: str) -> list[str]:
    """The log of a bundled run."""
    return (BUNDLED / run / "logging.jsonl").read_text().splitlines()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled runs, one that goes on, and one of somebody who means harm."""
    root = tmp_path_factory.mktemp("logs")
    for run in ("collapse", "healthy"):
        shutil.copytree(BUNDLED / run, root / run)
        os.utime(root / run / "logging.jsonl")
    append(root / "live/logging.jsonl", *lines("collapse")[:4])
    shutil.copy(BUNDLED / "collapse/args.json", root / "live")
    harm = {f"rewards/{HOSTILE}/mean": 0.5, f"{HOSTILE}</script>": 1.0, "reward": 0.5, "kl": 0.1}
    append(root / HOSTILE / "logging.jsonl", *(swift(step, **harm) for step in range(1, 30)))
    settings = {"model": HOSTILE, "rlhf_type": "grpo", "beta": 0.04}
    (root / HOSTILE / "args.json").write_text(json.dumps(settings))
    return root


@pytest.fixture(scope="module")
def exporter(logs: Path) -> Iterator[ExporterProcess]:
    """An exporter that watches them."""
    with ExporterProcess([logs, "--ignore-older", "0"]) as process:
        yield process


@pytest.fixture(scope="module")
def browser(real_tool: Callable[[str], Path]) -> Iterator[Browser]:
    """The system's chromium."""
    path = real_tool("chromium")
    expect.set_options(timeout=HANGS_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=HANGS_SECONDS * 1000
        )
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, url: str, **options: Any) -> Iterator[BrowserContext]:
    """A visitor whose browser finds nothing wrong: no error, no alert, no request to anywhere else."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "base_url": url, **options}
    wrong: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    with browser.new_context(**options) as context:
        context.set_default_timeout(HANGS_SECONDS * 1000)
        context.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("dialog", dismissed)
        context.on(
            "request", lambda request: None if request.url.startswith(url) else wrong.append(request.url)
        )
        yield context
    assert wrong == []


@pytest.fixture
def visitor(browser: Browser, exporter: ExporterProcess) -> Iterator[BrowserContext]:
    """Somebody who reads English at a desk."""
    with visiting(browser, exporter.url) as context:
        yield context


def opened(visitor: BrowserContext, path: str) -> Page:
    """A page, once its script has done its first work."""
    page = visitor.new_page()
    page.goto(path)
    page.wait_for_selector("html.scripted")
    return page


DRAWN = """() => {
    const runs = [JSON.parse(document.getElementById("marks").textContent)].flat();
    const plots = [...document.querySelectorAll(".plot")].map(({plot}) => plot);
    const unfolded = plots.filter(({place}) => place.checkVisibility());
    return unfolded.every(({chart}) => chart) && plots[0]?.set.histories().length === runs.length;
}"""


def with_charts(visitor: BrowserContext, path: str, filtered: int | None = None) -> Page:
    """A run's page, or a comparison, with the history of each run there and all its charts drawn.

    `filtered`: how many charts a filter in the address leaves; all are there until it has looked.
    """
    page = opened(visitor, path)
    page.wait_for_selector("figure.chart")
    if filtered is not None:
        expect(page.locator("h4")).to_have_count(filtered)
    eventually(lambda: page.evaluate(DRAWN))
    page.locator("figure.chart").first.scroll_into_view_if_needed()
    return page


def names(page: Page) -> list[str]:
    """The runs in the list, in order."""
    return page.locator("tbody .c-run a").all_inner_texts()


def accessible(page: Page) -> list[str]:
    """What a checker of accessibility finds serious."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html']}" for one in found if one["impact"] in SERIOUS for node in one["nodes"]
    ]


def chart(page: Page, title: str) -> Any:
    """The chart of that title."""
    return page.locator("figure.chart", has=page.get_by_role("heading", name=title, exact=True))


# The list.


def test_the_list(visitor: BrowserContext) -> None:
    """Each run with health, progress, course and what is wrong; trouble first; searched as one types."""
    page = opened(visitor, "/")
    collapse = page.locator("tr", has_text="collapse")
    expect(collapse).to_contain_text("broken")
    expect(collapse).to_contain_text("Policy collapse")
    expect(collapse).to_contain_text("35 / 120")
    expect(collapse.get_by_role("img")).to_have_attribute(
        "aria-label", "Reward over the run: from 1.375 to 0"
    )
    assert names(page)[0] == "collapse"
    page.keyboard.press("/")
    page.keyboard.type("heal")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert names(page) == ["healthy"]
    expect(page.locator("#matching")).to_have_text("1 of 4 runs")
    expect(page).to_have_url(re.compile("search=heal"))
    page.get_by_role("searchbox").fill("")
    page.locator("select[name=health]").select_option("broken")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("select[name=health]").select_option("")
    page.get_by_role("link", name="Run", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Run")
    expect(page.locator("tbody tr").first).to_contain_text(HOSTILE)
    page.reload()
    expect(page.locator("tbody tr").first).to_contain_text(HOSTILE)


def test_the_list_without_scripts(browser: Browser, exporter: ExporterProcess) -> None:
    """Without JavaScript there is the list, its search, and the way to the other language."""
    with visiting(browser, exporter.url, java_script_enabled=False) as visitor:
        page = visitor.new_page()
        page.goto("/")
        assert names(page)[0] == "collapse"
        page.get_by_role("searchbox").fill("heal")
        with page.expect_navigation():
            page.get_by_role("button", name="Search").click()
        assert names(page) == ["healthy"]
        with page.expect_navigation():
            page.get_by_role("link", name="中文").click()
        assert names(page) == ["healthy"]
        expect(page.get_by_role("heading", level=1)).to_have_text("全部训练")


def test_languages(browser: Browser, exporter: ExporterProcess) -> None:
    """The browser's language decides, the choice goes before it, and stays on the way to a run and back."""
    with visiting(browser, exporter.url, locale="zh-CN") as visitor:
        page = opened(visitor, "/")
        expect(page.get_by_role("heading", level=1)).to_have_text("全部训练")
        expect(page.locator("tr", has_text="collapse")).to_contain_text("policy 崩溃")
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("All runs")
        page.get_by_role("link", name="collapse", exact=True).click()
        expect(page.locator(".verdict strong")).to_have_text("Policy collapse")
        page.get_by_role("link", name="中文").click()
        expect(page.locator(".verdict strong")).to_have_text("policy 崩溃")
        page.get_by_role("link", name="全部训练").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("全部训练")
        assert page.locator("html").get_attribute("lang") == "zh-CN"


def many_runs(site: Site, count: int) -> None:
    """So many runs, one in a hundred of them broken."""
    line = Sparkline()
    for number in range(count):
        health = Health.HEALTHY if number % 100 else Health.BROKEN
        state = State.RUNNING if number % 2 else State.FINISHED
        samples = {LOSS: 0.5, Series(c.STEP): 1.0}
        site.fleet.publish(
            replace(RUN, run=f"run-{number:04}", health=health, state=state, samples=samples), sparkline=line
        )
    site.fleet.ready = True


def test_two_thousand_runs(browser: Browser) -> None:
    """A long list comes in pages; search and filters go through all of it; a change shows by itself."""
    with running(Site()) as site, visiting(browser, site.server.url) as visitor:
        many_runs(site, 2000)
        page = opened(visitor, "/")
        expect(page.locator("tbody tr")).to_have_count(100)
        expect(page.locator("#matching")).to_have_text("2,000 runs")
        expect(page.locator("#pages")).to_contain_text("1 to 100 of 2,000")
        page.get_by_role("link", name="Next").click()
        expect(page.locator("#pages")).to_contain_text("101 to 200 of 2,000")
        page.go_back()
        expect(page.locator("#pages")).to_contain_text("1 to 100 of 2,000")
        page.locator("select[name=health]").select_option(label="broken (20)")
        expect(page.locator("tbody tr")).to_have_count(20)
        page.get_by_role("searchbox").fill("19")
        expect(page.locator("tbody tr")).to_have_count(1)
        site.fleet.publish(replace(RUN, run="run-0019", health=Health.BROKEN))
        expect(page.locator("tbody tr")).to_have_count(2)
        assert sorted(names(page)) == ["run-0019", "run-1900"]


def test_nothing_is_lost_when_the_list_changes(browser: Browser) -> None:
    """While runs change, move and go: the focus, the runs chosen, a selection, the place on the page."""
    with running(Site()) as site, visiting(browser, site.server.url) as visitor:
        many_runs(site, 150)
        page = opened(visitor, "/")
        page.get_by_label("Compare run-0003").check()
        page.get_by_label("Compare run-0005").check()
        page.get_by_label("Compare run-0005").focus()
        page.evaluate(
            "getSelection().selectAllChildren(document.querySelector('[data-key=run-0007] .c-run a'))"
        )
        page.evaluate("document.querySelector('[data-key=run-0007]').was = 'here'")
        page.evaluate("scrollTo(0, 60)")
        site.fleet.remove("run-0001")
        site.fleet.publish(replace(RUN, run="run-0005", health=Health.BROKEN, last_step=77))
        site.fleet.publish(replace(RUN, run="run-0000", health=Health.HEALTHY))
        expect(page.locator("#matching")).to_have_text("149 runs")
        expect(page.locator("[data-key=run-0005]")).to_contain_text("77 / 200")
        assert page.evaluate("document.activeElement.value") == "run-0005"
        assert page.evaluate("String(getSelection())") == "run-0007"
        assert page.evaluate("document.querySelector('[data-key=run-0007]').was") == "here"
        assert page.evaluate("scrollY") == 60
        expect(page.get_by_role("button", name="Compare 2 runs")).to_be_enabled()
        page.get_by_role("link", name="Next").click()
        expect(page.locator("#pages")).to_contain_text("101 to 149")
        expect(page.get_by_role("button", name="Compare 2 runs")).to_be_enabled()
        page.go_back()
        expect(page.get_by_label("Compare run-0003")).to_be_checked()
        expect(page.get_by_label("Compare run-0004")).not_to_be_checked()
        page.get_by_role("button", name="Clear selection").click()
        expect(page.get_by_label("Compare run-0003")).not_to_be_checked()


def test_columns_groups_and_pins(browser: Browser) -> None:
    """Chosen with the mouse they stand in the address; what is compared has nothing to do with them."""
    with running(Site()) as site, visiting(browser, site.server.url) as visitor:
        for at, team in enumerate(("vision", "text", "vision", "")):
            labels = {"team": team} if team else {}
            samples = {LISTED["loss"]: float(at)}
            site.fleet.publish(replace(RUN, run=f"run-{at}", labels=labels, samples=samples))
        page = opened(visitor, "/")
        page.get_by_label("Compare run-3").check()
        page.get_by_text("Columns").click()
        page.get_by_role("checkbox", name="Loss", exact=True).check()
        page.get_by_role("checkbox", name="KL", exact=True).check()
        expect(page.locator("#columns")).to_have_attribute("open", "")
        page.get_by_role("link", name="Loss", exact=True).click()
        expect(page.locator("th[aria-sort=ascending]")).to_have_text("Loss")
        page.locator("th[aria-sort] a").click()
        expect(page.locator("tbody .c-run a")).to_have_text(["run-3", "run-2", "run-1", "run-0"])
        expect(page.locator("tbody tr", has_text="run-2").locator(".c-metric")).to_have_text(["2", ""])
        page.locator("select[name=group]").select_option("team")
        expect(page.locator(".group-row")).to_have_text(["team=text", "team=vision", "without team"])
        assert names(page) == ["run-1", "run-2", "run-0", "run-3"]
        page.get_by_role("link", name="Pin to the top: run-0").click()
        expect(page.locator(".group-row")).to_have_text(
            ["Pinned", "team=text", "team=vision", "without team"]
        )
        assert names(page) == ["run-0", "run-1", "run-2", "run-3"]
        for part in ("column=loss&column=kl", "sort=loss&order=desc", "group=team", "pin=run-0"):
            expect(page).to_have_url(re.compile(re.escape(part)))
        assert accessible(page) == []
        again = opened(visitor, page.url)
        assert names(again) == ["run-0", "run-1", "run-2", "run-3"]
        again.get_by_role("link", name="Unpin: run-0").click()
        expect(again.locator(".group-row").first).to_have_text("team=text")
        expect(page.get_by_label("Compare run-3")).to_be_checked()
        page.get_by_role("searchbox").fill("team=vision")
        expect(page.locator("tbody .c-run a")).to_have_text(["run-0", "run-2"])


def test_what_is_typed_stays_while_answers_come(browser: Browser) -> None:
    """An answer to the first letters leaves those that were typed meanwhile, and the list follows."""
    with running(Site()) as site, visiting(browser, site.server.url) as visitor:
        many_runs(site, 50)
        page = opened(visitor, "/")
        box = page.get_by_role("searchbox")
        box.focus()
        for at, letter in enumerate("run-0012"):
            site.fleet.publish(replace(RUN, run=f"new-{at}"))
            with page.expect_response(f"**/fragment/list?*search={'run-0012'[: at + 1]}*"):
                page.keyboard.type(letter)
        expect(page.locator("#matching")).to_have_text("1 of 58 runs")
        expect(box).to_be_focused()
        assert box.input_value() == "run-0012"


# A run.


def test_pages_turn_with_the_keyboard_while_the_list_lives(browser: Browser) -> None:
    """The focus stays on a page's link when the list changes, and the link leads on."""
    site = Site()
    many_runs(site, 250)
    with running(site), visiting(browser, site.server.url) as visitor:
        page = opened(visitor, "/")
        page.locator("#pages a[rel=next]").focus()
        site.fleet.publish(replace(RUN, run="another", health=Health.BROKEN))
        expect(page.locator("#pages")).to_contain_text("251")
        expect(page.locator("#pages a[rel=next]")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#pages")).to_contain_text("101")
        expect(page).to_have_url(re.compile("offset=100"))
        page.locator("#pages a[rel=next]").click()
        expect(page.locator("#pages")).to_contain_text("201")
        page.go_back()
        expect(page.locator("#pages a[rel=prev]")).to_be_visible()
        expect(page.locator("#pages")).to_contain_text("101")


def test_numbers_are_written_as_everywhere_else(visitor: BrowserContext) -> None:
    """Four digits, halves to the even one, powers of ten from where Python has them."""
    chosen = random.Random(1)
    values = [
        1234.5,
        1235.5,
        162.25,
        0.5,
        9999.96,
        0.000099996,
        0.0001,
        12345.6,
        1e6,
        16384.4,
        12344.5,
        -12345.5,
        9999.5,
        9999.49,
        1e9,
        1e-9,
        -3.00005,
        0.1 + 0.2,
    ]
    values += [chosen.uniform(-1, 1) * 10 ** chosen.randint(-12, 12) for _ in range(500)]
    values += [chosen.randint(0, 80_000) / 8 for _ in range(2000)]
    page = opened(visitor, "/")
    read = """async (values) => {
        const list = document.querySelector("script[type=module]").src;
        const page = await import(list.replace("list.js", "numbers.js"));
        return values.map(page.number);
    }"""
    assert page.evaluate(read, values) == [numbers.number(value) for value in values]


def test_paper_is_always_light(visitor: BrowserContext) -> None:
    """Whoever prints a dark page gets dark letters: browsers leave the ground out."""
    page = opened(visitor, "/")
    colour = "getComputedStyle(document.body).color"
    light = page.evaluate(colour)
    for theme in ("", "dark"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        page.emulate_media(color_scheme="dark", media="screen")
        assert page.evaluate(colour) != light
        page.emulate_media(color_scheme="dark", media="print")
        assert page.evaluate(colour) == light


def test_a_run(visitor: BrowserContext) -> None:
    """The verdict, the incident with its chain, what to do with the run's own settings, charts, metrics."""
    page = with_charts(visitor, "/run?run=collapse")
    expect(page.locator(".verdict")).to_contain_text("broken")
    expect(page.locator(".verdict strong")).to_have_text("Policy collapse")
    expect(page.locator(".incident h3")).to_contain_text("step 7, worst at step 32, not recovered")
    assert page.locator(".chain li").all_inner_texts() == [
        "KL\xa0(7)",
        "reward\xa0(12)",
        "length\xa0(17)",
        "gradient\xa0(32)",
    ]
    jumped = "kl jumped to 5.233 at step 32, usual level 0.01 before step 7."
    expect(page.locator(".findings")).to_contain_text(jumped)
    expect(page.locator(".actions")).to_contain_text("--beta 0.1")
    expect(page.locator(".actions")).to_contain_text("now 0.04")
    expect(page.locator(".flags pre")).to_contain_text("--learning_rate 1e-5 --max_grad_norm 0.5")
    kl = page.locator("#metrics tr", has=page.get_by_role("rowheader", name="kl", exact=True))
    assert kl.locator("td").all_inner_texts()[:3] == ["3.022", "usual 0.01", "critical"]
    expect(kl).to_contain_text("How far the policy has moved")
    expect(page.locator("#details")).to_contain_text("max_completion_length")
    told = chart(page, "KL from the reference").locator(".plot").get_attribute("aria-label")
    assert told == "KL from the reference: chart of 36 points, lowest 0, highest 5.233, last 3.022."
    assert page.locator(".chart-group > h3").all_inner_texts() == [
        "Optimisation and stability",
        "Reward",
        "Length and clipping",
    ]


def scale_of(page: Page, title: str) -> list[float]:
    """The part of the axis that a chart shows, once it is drawn: a new axis draws it in a later frame."""
    scale: list[float] = (
        chart(page, title)
        .locator(".plot:has(canvas)")
        .evaluate("plot => [plot.plot.chart.scales.x.min, plot.plot.chart.scales.x.max]")
    )
    return scale


def test_zoom_is_shared_and_keys_do_it_too(visitor: BrowserContext) -> None:
    """Charts show the same part of the run, chosen with the mouse, by keys or from what happened."""
    page = with_charts(visitor, "/run?run=healthy")
    assert scale_of(page, "Loss") == scale_of(page, "Gradient norm") == [1, 200]
    box = chart(page, "Loss").locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50, steps=3)
    page.mouse.up()
    low, high = scale_of(page, "Gradient norm")
    assert 45 < low < 56 < 95 < high < 106
    page.get_by_role("button", name="Whole run").click()
    assert scale_of(page, "Loss") == scale_of(page, "Gradient norm") == [1, 200]
    plot = chart(page, "Loss").locator(".plot")
    plot.focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "+"):
        page.keyboard.press(key)
    assert scale_of(page, "Gradient norm")[1] < 110
    expect(page.locator("[aria-live=polite]").last).to_contain_text("step 3: loss ")
    page.keyboard.press("0")
    assert scale_of(page, "Gradient norm") == [1, 200]
    page.get_by_role("button", name="time", exact=True).click()
    low, high = scale_of(page, "Loss")
    assert low > 1e9


def test_a_finding_leads_to_its_place_in_the_charts(visitor: BrowserContext) -> None:
    """The bar of what happened shows its part of the run in the charts."""
    page = with_charts(visitor, "/run?run=collapse")
    page.get_by_role("button", name="Show in the charts: Loss spike").click()
    low, high = scale_of(page, "Loss")
    assert 25 < low < 32 < high <= 35


def titles(page: Page) -> list[str]:
    """The charts that are there and not folded away, in order."""
    return page.locator(".chart-group:not(details) h4, details[open] h4").all_inner_texts()


def drawn(page: Page, title: str) -> dict[str, Any]:
    """What a chart draws: its places, and the values of each line by its kind."""
    found: dict[str, Any] = (
        chart(page, title)
        .locator(".plot")
        .evaluate(
            "({plot}) => ({x: plot.set.x, log: plot.isLogarithmic,"
            " ...Object.fromEntries(plot.spec.lines.map(({kind, values}) => [kind, values]))})"
        )
    )
    return found


def test_a_link_shows_the_charts_as_they_were_chosen(visitor: BrowserContext) -> None:
    """Axis, smoothing, scales, what is pinned, filtered and zoomed into stand in the address."""
    page = with_charts(visitor, "/run?run=healthy")
    axes = page.get_by_role("group", name="Horizontal axis").get_by_role("button")
    assert axes.all_inner_texts() == ["step", "epoch", "time"]  # and no tokens, which the log does not count
    page.get_by_role("button", name="epoch").click()
    page.get_by_role("slider", name="Smoothing").fill("0.9")
    page.get_by_role("button", name="log y").click()
    page.get_by_role("button", name="Pin to the top: Entropy").click()
    expect(page.get_by_role("button", name="Pin to the top: Entropy")).to_be_focused()
    page.get_by_role("searchbox").fill("^loss|gradient")
    expect(page.locator("h4")).to_have_text(["Entropy", "Loss", "Gradient norm"])
    chart(page, "Loss").locator(".plot").focus()
    page.keyboard.press("+")
    expect(page).to_have_url(
        re.compile(r"run=healthy&x=epoch&smooth=0.9&log=y&filter=%5Eloss.*&pin=llmtrain_entropy&zoom=")
    )
    known = drawn(page, "Loss"), scale_of(page, "Loss")
    assert known[0]["log"]
    assert max(known[0]["x"]) == 0.8
    again = with_charts(visitor, page.url)
    expect(again.locator("h4")).to_have_text(["Entropy", "Loss", "Gradient norm"])
    assert (drawn(again, "Loss"), scale_of(again, "Loss")) == known
    again.get_by_role("button", name="Pinned only").click()
    expect(again.locator("h4")).to_have_text(["Entropy"])
    again.get_by_role("link", name="中文").click()
    expect(again.get_by_role("button", name="仅看置顶")).to_have_attribute("aria-pressed", "true")
    expect(again.locator("h4")).to_have_count(1)


def test_what_makes_no_sense_in_an_address_is_as_if_it_were_not_there(visitor: BrowserContext) -> None:
    """An axis that the run does not have, numbers that are none: the charts as they are otherwise."""
    path = "/run?run=healthy&x=tokens&smooth=much&log=z&zoom=9_1&pin=no"
    page = with_charts(visitor, path)
    assert scale_of(page, "Loss") == [1, 200]
    assert "smooth" not in drawn(page, "Loss")
    assert titles(page)[0] == "Loss"
    expect(page.get_by_role("button", name="step", exact=True)).to_have_attribute("aria-pressed", "true")


def test_smoothing_is_an_average_that_weighs_the_newest_most(visitor: BrowserContext) -> None:
    """From the first value on, not drawn to 0; gaps stay; the line itself stands behind it."""
    page = with_charts(visitor, "/run?run=healthy&smooth=0.5")
    read = """async () => {
        const run = document.querySelector("script[type=module]").src;
        const {averages} = await import(run.replace("run.js", "smooth.js"));
        return averages([4, null, 1, 1], 0.5);
    }"""
    assert page.evaluate(read) == pytest.approx([4, None, 2, 10 / 7])
    shown = drawn(page, "Loss")
    assert shown["smooth"][0] == shown["line"][0]
    assert shown["smooth"] != shown["line"]
    legend = chart(page, "Loss").locator(".legend")
    expect(legend).to_have_text(re.compile("^loss[0-9.e-]+own level"))  # one button for both
    legend.get_by_role("button").first.click()
    hidden = "({plot}) => plot.chart.series.filter(({show}) => !show).length"
    assert chart(page, "Loss").locator(".plot").evaluate(hidden) == 2


def test_a_slow_network_breaks_no_expression(visitor: BrowserContext) -> None:
    """How long an expression takes is counted from when somebody can look for it."""

    asked: list[Route] = []
    page = visitor.new_page()
    page.clock.install()
    page.route("**/match_worker.js", lambda route: asked.append(route))
    with page.expect_request("**/match_worker.js"):
        page.goto("/run?run=healthy&filter=kl")
    page.wait_for_selector("figure.chart")
    page.clock.fast_forward("01:00")
    assert page.locator(".tools .wrong").inner_text() == ""
    assert eventually(lambda: asked)
    for route in asked:
        route.continue_()
    expect(page.locator("h4")).to_have_text(["KL from the reference"])


def test_steps_have_no_halves(visitor: BrowserContext) -> None:
    """However few there are, each mark at the axis is a step that there can be."""
    page = with_charts(visitor, "/run?run=healthy&zoom=10_12")
    marks = page.locator(".plot").first.evaluate("(place) => place.plot.chart.axes[0]._splits")
    assert marks
    assert all(mark == int(mark) for mark in marks)


@pytest.mark.parametrize(
    ("unit", "values", "texts"),
    [
        ("seconds", [86400, 86401, 86402], ["1 d", "1.00001 d", "1.00002 d"]),
        ("seconds", [0, 30, 60, 90], ["0 s", "30 s", "1 min", "1.5 min"]),
        ("bytes", [2**30, 2**30 + 2**16], ["1 GiB", "1.0001 GiB"]),
        ("count", [1234567, 1234568, None], ["1234567", "1234568", ""]),
        ("ratio", [0.12345, 0.12346], ["0.12345", "0.12346"]),
        ("ratio", [0.1, 0.2, 0.1 + 0.2], ["0.1", "0.2", "0.3"]),
        ("elapsed", [7260, 7270, 7280], ["2 h 1 min", "2 h 1 min 10 s", "2 h 1 min 20 s"]),
    ],
)
def test_no_two_marks_of_an_axis_read_the_same(
    visitor: BrowserContext, unit: str, values: list[float | None], texts: list[str]
) -> None:
    """As everywhere, where that tells them apart; else with as many digits as it takes."""
    page = opened(visitor, "/run?run=healthy")
    read = """async ([unit, values]) => {
        const run = document.querySelector("script[type=module]").src;
        const {heights, marks} = await import(run.replace("run.js", "ticks.js"));
        return unit === "elapsed" ? marks(values, unit) : heights(values, unit);
    }"""
    assert page.evaluate(read, [unit, values]) == texts


def test_a_slow_step_has_its_marks_at_even_times(browser: Browser, tmp_path: Path) -> None:
    """What takes a bit more than an hour each time has other texts at each mark, in one unit."""
    rows = (swift(step, loss=1.0, step_time=3600 + step / 4) for step in range(1, 40))
    append(tmp_path / "slow/logging.jsonl", *rows)
    with ExporterProcess([tmp_path]) as process, visiting(browser, process.url) as visitor:
        page = with_charts(visitor, "/run?run=slow&filter=step_time|step_dur", filtered=1)
        plot = page.locator("figure.chart .plot").first
        texts = plot.evaluate("(place) => place.plot.chart.axes[1]._values")
        splits = plot.evaluate("(place) => place.plot.chart.axes[1]._splits")
    assert len(set(texts)) == len(texts) > 2
    assert all(text.endswith((" h", " min")) for text in texts)
    assert all(split == int(split) for split in splits)


@pytest.mark.parametrize("path", ["/run?run=healthy", "/compare?run=healthy&run=collapse"])
def test_a_link_to_what_is_not_there_shows_the_whole_run(visitor: BrowserContext, path: str) -> None:
    """And says so, until somebody zooms; one that reaches beyond shows what there is."""
    page = with_charts(visitor, f"{path}&zoom=500_600")
    told = page.locator(".tools .which [role=status]").filter(has_text="Nothing is recorded")
    expect(told).to_have_text("Nothing is recorded from step 500 to step 600: the whole run is shown.")
    assert scale_of(page, page.locator("h4").first.inner_text()) == [1, 200]
    expect(page).to_have_url(re.compile("(?<!_600)$"))
    page.locator(".plot").first.focus()
    page.keyboard.press("+")
    expect(told).to_have_count(0)
    page = with_charts(visitor, f"{path}&zoom=100_900")
    assert scale_of(page, page.locator("h4").first.inner_text()) == [100, 200]


@pytest.mark.parametrize(
    ("lang", "told", "along"),
    [
        ("en", "Points at or below 0, not on a logarithmic scale: 2 of 29.", "not on a logarithmic axis: 1."),
        ("zh", "对数刻度无法显示：29 个点中有 2 个不大于 0。", "对数横轴无法显示：1 条记录的位置不大于 0。"),
    ],
)
def test_what_a_logarithmic_scale_leaves_out_is_counted(
    browser: Browser, tmp_path: Path, lang: str, told: str, along: str
) -> None:
    """Of what is to be seen; nothing is said of a linear one."""
    rows = (swift(step, loss=1.0, kl=0.1 if step > 2 else -0.1) for step in range(1, 29))
    first = {"loss": 1.0, "kl": 0.1, "global_step/max_steps": "0/100"}
    append(tmp_path / "low/logging.jsonl", json.dumps(first), *rows)
    with ExporterProcess([tmp_path]) as process, visiting(browser, process.url) as visitor:
        page = with_charts(visitor, f"/run?run=low&lang={lang}&filter=^kl$", filtered=1)
        missing = page.locator("figure.chart .missing")
        expect(missing).to_be_hidden()
        page.locator(".tools").get_by_role("button", name="log y" if lang == "en" else "对数 y").click()
        expect(missing).to_have_text(told)
        page.locator(".plot").focus()
        for key in ("End", "+"):
            page.keyboard.press(key)
        expect(missing).to_be_hidden()
        page.locator(".tools").get_by_role("button", name="log x" if lang == "en" else "对数 x").click()
        expect(page.locator(".tools")).to_contain_text(along)
        expect(missing).to_contain_text("28")  # of all that is to be seen again


def test_no_column_of_a_table_stands_twice(visitor: BrowserContext) -> None:
    """What counts an axis has one column, though it is a chart as well; all its rows are there."""
    page = with_charts(visitor, "/run?run=healthy")
    content = saved(page, page.locator(".tools").get_by_role("button", name="CSV"))[1]
    head, *rows = csv.reader(content.decode("utf-8-sig").splitlines())
    assert len(head) == len(set(head))
    assert "epoch" in head
    assert len(rows) == 208
    page.get_by_role("searchbox").fill("^epoch$")
    expect(page.locator("h4")).to_have_count(1)
    content = saved(page, page.locator(".tools").get_by_role("button", name="CSV"))[1]
    assert len(content.decode("utf-8-sig").splitlines()) > 200


def test_a_bad_expression_says_so_and_holds_nothing_up(visitor: BrowserContext) -> None:
    """A broken one, one that would take years, one that finds nothing; all charts or none stay to be seen."""
    page = with_charts(visitor, "/run?run=healthy&filter=loss(")
    expect(page.locator(".wrong")).to_contain_text("No regular expression")
    there = len(titles(page))
    assert there > 3
    page.get_by_role("searchbox").fill("^(.|.)*(.|.)*!$")
    expect(page.locator(".wrong")).to_have_text("This expression takes too long.")
    assert len(titles(page)) >= there
    page.get_by_role("searchbox").fill("no such metric")
    expect(page.locator(".wrong")).to_have_text("No chart matches.")
    expect(page.locator("h4")).to_have_count(0)
    page.get_by_role("searchbox").fill("")
    expect(page.locator(".wrong")).to_have_text("")


def saved(page: Page, button: Locator) -> tuple[str, bytes]:
    """The name and the content of what a button saves."""
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_values_and_pictures_are_saved(visitor: BrowserContext) -> None:
    """A chart's values by step, epoch and time, its picture, and the values of all charts that are shown."""
    page = with_charts(visitor, "/run?run=healthy&filter=kl", filtered=1)
    expect(page.locator("h4")).to_have_text(["KL from the reference"])
    page.get_by_role("button", name="Download: KL from the reference").click()
    name, content = saved(page, chart(page, "KL from the reference").get_by_role("button", name="CSV"))
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    assert name == "KL-from-the-reference.csv"
    assert len([row for row in rows if row["kl"]]) == 200
    assert len([row for row in rows if row["kl (eval)"]]) == 8
    first = json.loads(lines("healthy")[0])
    assert (rows[0]["run"], rows[0]["step"], float(rows[0]["kl"])) == ("healthy", "1", first["kl"])
    assert float(rows[0]["epoch"]) == first["epoch"]
    assert saved(page, page.locator(".tools").get_by_role("button", name="CSV"))[1] == content
    name, content = saved(page, chart(page, "KL from the reference").get_by_role("button", name="PNG"))
    assert name == "KL-from-the-reference.png"
    assert content.startswith(b"\x89PNG")


def test_no_name_becomes_a_formula_in_a_table(visitor: BrowserContext) -> None:
    """What would be one in a spreadsheet is text there."""
    page = opened(visitor, "/run?run=healthy")
    read = """async () => {
        const run = document.querySelector("script[type=module]").src;
        const {cell} = await import(run.replace("run.js", "download.js"));
        return ["=1+1", "-a", 'b"c', null, -1.5].map(cell);
    }"""
    assert page.evaluate(read) == ['"\'=1+1"', '"\'-a"', '"b""c"', "", "-1.5"]


def test_a_run_that_is_not_there(browser: Browser, exporter: ExporterProcess) -> None:
    """Its page says so, with the name as text."""
    with browser.new_context(base_url=exporter.url) as visitor:
        page = opened(visitor, "/run?run=<b>no")
        expect(page.locator("#page")).to_contain_text("There is no run of that name: <b>no")
        assert page.locator("#page b").count() == 0


# Live.


def test_an_incident_appears_while_one_looks(visitor: BrowserContext, logs: Path) -> None:
    """Rows that are written show in list and run page without a reload, and so does what they mean.

    A row comes first: the run has waited through all tests before this one, perhaps until it stalled.
    """
    append(logs / "live/logging.jsonl", lines("collapse")[4])
    overview, page = opened(visitor, "/"), with_charts(visitor, "/run?run=live")
    row = overview.locator("tr", has=overview.get_by_role("link", name="live", exact=True))
    expect(row).to_contain_text("healthy")
    expect(page.locator(".verdict")).to_contain_text("5 of 120")
    expect(page.locator(".incident")).to_have_count(0)
    append(logs / "live/logging.jsonl", *lines("collapse")[5:14])
    expect(page.locator(".verdict")).to_contain_text("14 of 120")
    append(logs / "live/logging.jsonl", *lines("collapse")[14:20])
    expect(page.locator(".incident")).to_contain_text("Incident from step 7")
    expect(page.locator(".verdict strong")).to_have_text("Policy collapse")
    expect(page.locator(".verdict")).to_contain_text("20 of 120")
    plot = chart(page, "KL from the reference").locator(".plot")
    expect(plot).to_have_attribute(
        "aria-label", "KL from the reference: chart of 20 points, lowest 0, highest 2.686, last 2.686."
    )
    assert scale_of(page, "Loss") == [1, 20]
    expect(row).to_contain_text("broken")
    expect(row).to_contain_text("Policy collapse")
    expect(row).to_contain_text("20 / 120")


def test_an_exporter_that_goes_away_is_told(browser: Browser) -> None:
    """A page that gets no more answers says so, and goes on when they come again."""
    with running(Site()) as site, browser.new_context() as visitor:
        site.fleet.publish(RUN)
        page = opened(visitor, site.server.url)
        visitor.route("**/fragment/**", lambda route: route.abort())
        expect(page.locator("#lost")).to_be_visible()
        visitor.unroute("**/fragment/**")
        expect(page.locator("#lost")).to_be_hidden()
        assert names(page) == [RUN.run]


def test_a_page_to_log_in_is_no_list(browser: Browser) -> None:
    """What a proxy answers in the exporter's place is never shown as if the exporter had said it."""
    with running(Site()) as site, browser.new_context() as visitor:
        site.fleet.publish(RUN)
        page = opened(visitor, site.server.url)
        login = {"status": 200, "content_type": "text/html", "body": "<p id=head>Log in</p>"}
        visitor.route("**/fragment/**", lambda route: route.fulfill(**login))
        expect(page.locator("#lost")).to_be_visible()
        assert names(page) == ["qwen/v1"]


# Side by side.


def test_runs_side_by_side(visitor: BrowserContext) -> None:
    """Runs chosen in the list stand beside each other: settings that differ, one line each in the charts."""
    page = opened(visitor, "/")
    expect(page.get_by_role("button", name="Compare")).to_be_disabled()
    for run in ("collapse", "healthy"):
        page.get_by_label(f"Compare {run}", exact=True).check()
    page.get_by_role("button", name="Compare 2 runs").click()
    page.wait_for_selector("figure.chart")
    table = page.get_by_role("region", name="Hyper-parameters that differ")
    expect(table).to_contain_text("learning_rate")
    assert "beta" not in table.get_by_role("rowheader").all_inner_texts()
    rate = table.locator("tr", has=page.get_by_role("rowheader", name="learning_rate", exact=True))
    assert rate.locator("td").all_inner_texts() == ["0.01", "5e-5"]
    legend = chart(page, "KL from the reference").locator(".legend .name")
    expect(legend).to_have_text(["collapse", "healthy"])
    expect(page.locator("#parting li")).to_have_text(re.compile("^From step 7 on they part: .* in collapse"))


def test_runs_side_by_side_over_the_time_since_their_start(visitor: BrowserContext) -> None:
    """Runs of different days begin at the same place; one without times is named, and left out."""

    def without_times(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "times": None})

    visitor.route("**/history?*run=live*", without_times)
    page = with_charts(visitor, "/compare?run=collapse&run=healthy&run=live&x=elapsed")
    expect(page.get_by_role("button", name="time since start")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".tools [role=status]").last).to_have_text("The log does not say this of: live")
    low, high = scale_of(page, "KL from the reference")
    assert low == 0
    assert 60 < high < 1000
    page.get_by_role("button", name="step", exact=True).click()
    expect(page.locator(".tools [role=status]").last).to_have_text("")
    assert scale_of(page, "KL from the reference") == [1, 200]


# How far down each thing's middle is, in CSS pixels; all at one moment, for what stands above may grow.
MIDDLES = """(place, names) => names.map((name) => {
    const box = place.querySelector(name).getBoundingClientRect();
    return box.y + box.height / 2;
})"""


@pytest.mark.parametrize("code", ["en", "zh"])
def test_tools_stand_in_one_line_where_they_fit(
    browser: Browser, exporter: ExporterProcess, code: str
) -> None:
    """On an ordinary screen; on a narrower one no button stands alone below the others."""
    for width, lines_of_tools in ((1280, 1), (1024, 2)):
        with visiting(browser, exporter.url, viewport={"width": width, "height": 800}) as visitor:
            page = with_charts(visitor, f"/compare?run=collapse&run=healthy&lang={code}")
            tools = page.locator(".tools")
            places = ("h2", "input[type=search]", ".which > button:last-of-type")
            heading, search, download = tools.evaluate(MIDDLES, places)
            assert abs(search - download) < 8
            assert (abs(heading - download) < 8) is (lines_of_tools == 1)


# Bad names, access, small screens.


@pytest.mark.parametrize("path", ["/", f"/run?run={HOSTILE}", f"/compare?run={HOSTILE}&run=healthy"])
def test_text_from_logs_never_becomes_markup(visitor: BrowserContext, path: str) -> None:
    """Names of runs, reward functions, keys and models that look like markup are shown as written."""
    page = opened(visitor, path) if path == "/" else with_charts(visitor, path)
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    for details in page.locator("details").all():
        details.locator("summary").click()
    assert page.locator("img, script:not([src]):not([type='application/json'])").count() == 0
    if path != "/":
        assert (
            page.locator(".legend", has_text=HOSTILE).count() + page.locator("h4", has_text=HOSTILE).count()
        )


PAGES = ["/", "/run?run=collapse", "/run?run=healthy&lang=zh", "/compare?run=collapse&run=healthy"]


@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_it(visitor: BrowserContext, path: str) -> None:
    """A checker of accessibility finds nothing serious, in light and in dark."""
    page = opened(visitor, path) if path == "/" else with_charts(visitor, path)
    assert accessible(page) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    assert accessible(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_phone(browser: Browser, exporter: ExporterProcess, path: str) -> None:
    """On a small screen nothing has to be moved sideways, and all that matters is there."""
    with visiting(browser, exporter.url, viewport=PHONE, is_mobile=True, has_touch=True) as visitor:
        page = opened(visitor, path) if path == "/" else with_charts(visitor, path)
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1] <= PHONE["width"]
        whole = """(element) => {
            const text = document.createRange();
            text.selectNodeContents(element);
            return element.scrollWidth <= element.clientWidth && text.getClientRects().length;
        }"""
        for title in page.locator("h4:visible").all():  # never cut: a long one takes another line
            assert title.evaluate(whole)
        for name in page.locator("#metrics tbody tr:not(.group-row) th:visible").all():
            if " " not in name.inner_text():
                assert name.evaluate(whole) == 1, (
                    name.inner_text()
                )  # no name is broken in the midst of a word


def test_the_metrics_of_a_run_fit_a_phone(browser: Browser, exporter: ExporterProcess) -> None:
    """Each with its range, verdict and meaning, none moved sideways; flags break between each other alone."""
    with visiting(browser, exporter.url, viewport=PHONE, is_mobile=True, has_touch=True) as visitor:
        page = with_charts(visitor, "/run?run=collapse")
        table = page.locator("#metrics .scroller")
        assert table.evaluate("(element) => element.scrollWidth <= element.clientWidth")
        row = table.locator("tr", has=page.get_by_text("kl", exact=True))
        expect(row.locator("td:visible")).to_have_count(4)
        assert row.evaluate("(row) => getComputedStyle(row.cells[2], '::before').content") == '"healthy "'
        flags = page.locator(".flag").all()
        assert len(flags) > 2
        assert [flag.evaluate("(flag) => flag.clientHeight < 24") for flag in flags] == [True] * len(flags)
        log = page.locator("#details dd").first
        assert log.evaluate("(log) => log.offsetWidth > log.parentElement.clientWidth / 2")
        names = page.locator("#details dt").all()
        assert all(name.evaluate("(name) => name.clientHeight < 30") for name in names)


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}], ids=["phone", "desk"])
def test_long_names_take_further_lines(browser: Browser, viewport: dict[str, int], tmp_path: Path) -> None:
    """Names and labels of 200 letters without a break move nothing sideways, wherever they stand."""
    long, other = "x" * 200, "y" * 200
    for run, rows in ((long, 20), (other, 25)):
        append(tmp_path / run / "logging.jsonl", *lines("healthy")[:rows])
    with (
        ExporterProcess([tmp_path, "--label", f"team={'z' * 200}"]) as process,
        visiting(browser, process.url, viewport=viewport) as visitor,
    ):
        gone = "no" * 100
        for path in (
            "/?group=team",
            f"/run?run={long}",
            f"/compare?run={long}&run={other}&run={gone}",
            "/runbook",
        ):
            page = with_charts(visitor, path) if "run=xx" in path else opened(visitor, path)
            if "compare" in path:
                expect(page.locator("#parting li")).to_have_count(1)
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path


def test_the_keyboard_alone(visitor: BrowserContext) -> None:
    """The first key leads past the head of the page; appearance is a choice that stays."""
    page = opened(visitor, "/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_class("skip")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    theme = page.get_by_role("button", name="Appearance: as the system")
    theme.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"

"""The pages as the server writes them: what a browser without scripts shows, and what all may load."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.knowledge import page_words
from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.story_words import NO_RUN_REASONS
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Health, State
from llmtrain_exporter.serve.listed_metrics import LISTED
from llmtrain_exporter.serve.pages.assets import FOLDER, Assets
from llmtrain_exporter.serve.pages.frame import UPLOT
from llmtrain_exporter.serve.pages.listing import PAGE
from llmtrain_exporter.serve.pages.rendering import FOLDER as TEMPLATES
from llmtrain_exporter.serve.pages.wording import Wording

from tests.serving import RUN, Site, running

SCRIPTS = sorted(path for path in FOLDER.glob("*.js"))


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    """A server."""
    with running(Site()) as site:
        yield site


@pytest.fixture
def site(server: Site) -> Iterator[Site]:
    """That server, ready, with one run."""
    server.fleet.ready = True
    server.fleet.publish(RUN)
    yield server
    for snapshot in server.fleet.snapshots():
        server.fleet.remove(snapshot.run)


class Page(HTMLParser):
    """What is in a page: its links, the cells of its rows, all tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.open = True
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """The last row ends with its table."""
        if tag == "table":
            self.open = False

    def handle_data(self, text: str) -> None:
        """Note a text, if it is in a cell."""
        if self.open and self.rows and self.rows[-1]:
            self.rows[-1][-1] += text.strip()

    def links(self) -> list[str]:
        """Where the page's links go."""
        return [str(attributes.get("href")) for tag, attributes in self.tags if tag == "a"]


def page(site: Site, path: str = "/", **headers: str) -> Page:
    """A page of the site."""
    return Page(site.get(path, headers=headers).text)


def test_the_list_without_scripts(site: Site) -> None:
    """Version, folders, and a row for each run, those in trouble first; text from logs stays text."""
    site.fleet.publish(
        replace(RUN, run="<b>\u202e&", health=Health.BROKEN, last_step=1500, max_steps=None, last_record=None)
    )
    answer = site.get("/")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<code>/logs/&lt;a&gt;</code>" in answer.text
    assert ">2 runs<" in answer.text
    assert "1.2.3" in answer.text
    _, worst, other = Page(answer.text).rows
    assert worst[1].startswith("<b>\ufffd&~")
    assert worst[2:] == ["broken", "running", "1,500", "", "", ""]
    assert other[1:] == ["qwen/v1grpo", "healthy", "running", "50 / 200", "", "", "1 min ago"]
    assert not re.search(r"<b\b", answer.text)


def test_a_run_that_ended_early_is_told_so_by_every_page(site: Site) -> None:
    """By what the run says of itself, and not by its steps: the last record can be before the last step."""
    closed = replace(RUN, state=State.FINISHED, last_step=195, max_steps=200)
    site.fleet.publish(replace(closed, run="whole"))
    site.fleet.publish(replace(closed, run="early", ended_early=True))
    listed = {row[1].removesuffix("grpo"): row[3] for row in page(site).rows[1:]}
    assert (listed["whole"], listed["early"]) == ("finished", "ended")
    compared = {row[0]: row[2] for row in page(site, "/compare?run=whole&run=early").rows if len(row) > 2}
    assert (compared["whole"], compared["early"]) == ("finished", "ended")


def test_the_list_answers_questions_without_scripts(site: Site) -> None:
    """Search, filters, order and pages work by address alone, and keep each other and the language."""
    for number in range(PAGE + 5):
        site.fleet.publish(replace(RUN, run=f"many/{number:03}", profile="sft"))
    found = page(site, "/?search=many&profile=sft&sort=name&order=desc&lang=zh")
    assert [row[1] for row in found.rows[1:3]] == ["many/104sft", "many/103sft"]
    assert len(found.rows) == PAGE + 1
    (following,) = [link for link in found.links() if "offset=100" in link]
    rest = page(site, f"/{following}")
    assert [row[1] for row in rest.rows[1:]] == [f"many/00{at}sft" for at in (4, 3, 2, 1, 0)]
    assert "lang=zh" in following
    kept = {a["name"]: a["value"] for tag, a in found.tags if tag == "input" and a.get("type") == "hidden"}
    assert kept == {"lang": "zh", "sort": "name", "order": "desc"}
    chosen = [attributes["value"] for tag, attributes in found.tags if "selected" in attributes]
    assert chosen == ["sft"]


def test_columns_groups_and_pins_without_scripts(site: Site) -> None:
    """What is chosen is drawn, kept by the search and by every link; names from labels stay text."""
    for run, team in (("x", "<i>"), ("y", ""), ("z", "text")):
        labels = {"team": team} if team else {}
        site.fleet.publish(replace(RUN, run=run, labels=labels, samples={LISTED["loss"]: 16384.0}))
    text = site.get("/?column=loss,kl,no&group=team&pin=z&sort=loss").text
    shown = Page(text)
    names = [row[1] if len(row) > 1 else row[0] for row in shown.rows[1:]]
    assert names == ["Pinned", "zgrpoteam=text", "team=<i>", "xgrpoteam=<i>", "without team", *names[5:]]
    assert [row[-2:] for row in shown.rows if len(row) > 1][1] == ["16384", ""]
    assert '<input type="checkbox" name="column" value="loss" checked>' in text
    assert '<option value="team" selected>' in text
    assert '<input type="hidden" name="pin" value="z">' in text
    lists = [link for link in shown.links() if link.startswith("?")]
    assert any(link.startswith("?group=team&column=loss&column=kl&pin=z&sort=kl") for link in lists)
    assert [link for link in lists if "column=loss" in link and "pin=" not in link] == [
        "?group=team&column=loss&column=kl&sort=loss"  # of the star beside z
    ]


def test_a_run_shows_its_labels(site: Site) -> None:
    """As the list has them, and as plain text; a run without any has no place for them."""
    assert 'id="labels"' not in site.get("/run?run=qwen/v1").text
    site.fleet.publish(replace(RUN, labels={"cluster": "a-1", "team": "<i>"}))
    for path in ("/run?run=qwen/v1", "/run?run=qwen/v1&lang=zh"):
        (labels,) = re.findall(r'id="labels">(.*)</p>', site.get(path).text)
        assert re.findall("<small>(.*?)</small>", labels) == ["cluster=a-1", "team=&lt;i&gt;"]


def test_a_list_of_nothing_says_so(site: Site) -> None:
    """No run at all and no run that matches are different sentences; so is a start that still reads."""
    assert "No run matches." in site.get("/?search=nothing").text
    site.fleet.remove(RUN.run)
    assert "No run yet: no training log below the watched paths." in site.get("/").text
    site.fleet.ready = False
    assert "Still reading the logs that were there at the start." in site.get("/").text


def test_a_script_gets_the_list_without_its_frame(site: Site) -> None:
    """What it swaps in is what the page holds, with the same links; whoever has it already gets 304."""
    site.fleet.publish(replace(RUN, run="<b>"))
    for question in ("?search=q", "?lang=zh&sort=name&order=desc&profile=gone", "?limit=1&offset=1"):
        fragment = site.get(f"/fragment/list{question}")
        assert fragment.headers["Content-Type"] == "text/html; charset=utf-8"
        assert fragment.headers["Vary"] == "Accept-Encoding, Accept-Language"
        assert fragment.text in site.get(f"/{question}").text
        known = {"If-None-Match": fragment.headers["ETag"]}
        assert site.get(f"/fragment/list{question}", headers=known).status_code == 304
    packed = site.get("/fragment/list", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.text == site.get("/fragment/list").text
    assert not re.search(r"<b\b|<script|\bon\w+=|\bstyle=", packed.text)


def test_a_filter_shows_what_is_asked_for_though_no_run_has_it(site: Site) -> None:
    """An address that was kept names a profile that is gone: the filter says why the list is empty."""
    found = page(site, "/?profile=gone&health=broken")
    chosen = [attributes["value"] for tag, attributes in found.tags if "selected" in attributes]
    assert chosen == ["broken", "gone"]


@pytest.mark.parametrize("path", ["/", "/run?run=qwen/v1", "/compare?run=a&run=b"])
def test_pages_load_their_own_files_alone(site: Site, path: str) -> None:
    """Everything that a page loads is served here, is kept for good, and the policy allows no more."""
    answer = site.get(path)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    loaded = [a.get("src") or a.get("href") for tag, a in Page(answer.text).tags if tag in ("script", "link")]
    own = [f"/{name}" for name in loaded if name]
    assert len(own) >= 4
    assert all(name.startswith("/static/") for name in own)
    for name in own:
        asset = site.get(name)
        assert asset.status_code == 200, name
        assert "immutable" in asset.headers["Cache-Control"]
    assert not re.search(r"<style|\bstyle=|\bon\w+=|https?:", answer.text)


def test_the_language_of_a_page(site: Site) -> None:
    """The address goes before the client's own preference; a link leads to the same page in the other."""
    english, chinese = page(site), page(site, **{"Accept-Language": "zh-CN"})
    assert english.tags[0] == ("html", {"lang": "en"})
    assert chinese.tags[0] == ("html", {"lang": "zh-CN"})
    assert page(site, "/?lang=en", **{"Accept-Language": "zh"}).tags[0] == ("html", {"lang": "en"})
    assert "?search=a&lang=zh" in page(site, "/?search=a").links()
    assert "run?run=qwen%2Fv1&lang=zh" in page(site, "/?lang=zh").links()
    assert "全部训练" in site.get("/?lang=zh").text


def test_a_run_that_is_not_there_has_no_page(site: Site) -> None:
    """The frame of the page comes with 404, its name as text."""
    answer = site.get("/run?run=<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert site.get("/run?run=qwen/v1").status_code == 200


def test_words_that_a_page_carries_end_no_script(site: Site) -> None:
    """The words for the scripts are JSON in which no text can close the element around it."""
    text = site.get("/?lang=zh").text
    (words,) = re.findall(r'<script type="application/json" id="words">(.*?)</script>', text, re.DOTALL)
    assert "<" not in words
    assert json.loads(words) == {"lang": "zh", **page_words.script_texts(Lang.ZH)}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (200000, "2 d")],
)
def test_ages(seconds: float, text: str) -> None:
    """An age is told in its largest unit."""
    assert Wording(Lang.EN).age(seconds) == text


# The files.


def test_a_file_is_kept_as_long_as_it_stays_the_same(site: Site) -> None:
    """Known by version and tag, compressed when asked; under an old version it is asked for anew."""
    base = Assets().base
    sheet = site.get(f"/{base}/style.css", headers={"Accept-Encoding": "gzip"})
    assert sheet.headers["Content-Type"] == "text/css; charset=utf-8"
    assert sheet.headers["Content-Encoding"] == "gzip"
    assert sheet.content == (FOLDER / "style.css").read_bytes()
    known = {"If-None-Match": sheet.headers["ETag"]}
    assert site.get(f"/{base}/style.css", headers=known).status_code == 304
    old = site.get("/static/old/style.css")
    assert (old.content, old.headers["Cache-Control"]) == (sheet.content, "no-cache")
    assert site.get(f"/{base}/page.js").headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert site.get(f"/{base}/icon.svg").headers["Content-Type"] == "image/svg+xml"


def test_a_change_of_any_file_makes_another_version(tmp_path: Path) -> None:
    """So that no browser mixes files of two versions."""
    (tmp_path / "a.js").write_text("1")
    first = Assets(tmp_path).version
    (tmp_path / "a.js").write_text("2")
    second = Assets(tmp_path).version
    (tmp_path / "a.js").rename(tmp_path / "b.js")
    assert len({first, second, Assets(tmp_path).version}) == 3


def test_the_chart_library_comes_with_its_licence(site: Site) -> None:
    """What others wrote is served as they published it, the licence beside it."""
    licence = site.get(f"/{Assets().base}/{UPLOT}/LICENSE")
    assert licence.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "MIT License" in licence.text
    library = site.get(f"/{Assets().base}/{UPLOT}/uPlot.iife.min.js").text
    assert library.startswith(f"/*! https://github.com/leeoniya/uPlot (v{UPLOT.rpartition('-')[2]}) */")


# The words.


def test_every_word_is_there_in_both_languages_with_the_same_placeholders() -> None:
    """A text of the pages loses nothing in translation."""
    for name, text in {**page_words.PAGE, **page_words.SCRIPT}.items():
        said = [sorted(re.findall(r"\{\w+\}", text.of(lang))) for lang in Lang]
        assert said[0] == said[1], name
        assert all(text.of(lang).strip() for lang in Lang), name


TEMPLATES_AND_THEIR_VIEWS = sorted((*TEMPLATES.glob("*.html"), *FOLDER.parent.glob("*.py")))


@pytest.mark.parametrize(
    ("sources", "texts", "own"),
    [
        (SCRIPTS, page_words.script_texts, page_words.SCRIPT),
        (TEMPLATES_AND_THEIR_VIEWS, page_words.page_texts, page_words.PAGE),
    ],
)
def test_every_word_is_used_and_every_used_word_is_there(
    sources: list[Path], texts: Callable[[Lang], dict[str, str]], own: dict[str, Text]
) -> None:
    """No script and no template says what is not written, and nothing is written that nobody says."""
    source = "\n".join(path.read_text("utf-8") for path in sources)
    said = set(re.findall(r'\b(?:say|mark)\((?:\[.*?\], )?"([\w.]+)"[,)]', source))
    assert said - set(texts(Lang.EN)) == set()
    unsaid = set(own) - set(re.findall(r'"([\w.]+)"', source))
    assert {name for name in unsaid if not name.startswith(("theme_", "course_", "over_"))} == set()


@pytest.mark.parametrize("lang", Lang)
def test_the_links_of_alerts_lead_to_their_entry(site: Site, lang: Lang) -> None:
    """The page /runbook has an entry for each alert, in its language, where runbook_url leads."""
    text = site.get(f"/runbook?lang={lang.value}").text
    there = {attributes.get("id") for _, attributes in Page(text).tags}
    places = Places()
    links = {places.runbook_url(alert, lang) for alert in ALERTS}
    assert {link.split("#")[0] for link in links} == {f"http://localhost:9848/runbook?lang={lang.value}"}
    assert {link.split("#")[1] for link in links} <= there
    assert ALERTS[0].words.meaning.of(lang) in text


def test_the_list_tells_what_cannot_be_read(site: Site) -> None:
    """A folder without permission stands above the runs, its name as text; many are a number."""
    site.fleet.problems = {f"/logs/<b>{at}": "Permission denied" for at in range(7)}
    try:
        text = site.get("/").text
    finally:
        site.fleet.problems = {}
    assert "/logs/&lt;b&gt;0</code> Permission denied" in text
    assert "and 2 more" in text


@pytest.mark.parametrize("lang", Lang)
def test_why_a_path_cannot_be_read_is_told_in_both_languages(site: Site, lang: Lang) -> None:
    """As far as the program has words for it."""
    reason = NO_RUN_REASONS[NoRunReason.NOT_THERE]
    site.fleet.problems = {"/logs/gone": reason.en}
    try:
        text = site.get(f"/?lang={lang.value}").text
    finally:
        site.fleet.problems = {}
    assert f"/logs/gone</code> {reason.of(lang)}" in text


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (
            "Permission denied for user 1000, group 100: run as the owner, or let others read it",
            "用户 1000、用户组 100 无权读取（Permission denied）：请以所有者身份运行，或允许其他用户读取",
        ),
        ("is a named pipe, not a regular file", "是命名管道，不是普通文件"),
        ("does not answer at /nfs/a: not read since 12:00", "在 /nfs/a 处没有响应：自 12:00 起未能读取"),
        ("Stale file handle", "系统提示：Stale file handle"),
    ],
)
def test_what_the_system_says_of_a_path_is_introduced_in_chinese(site: Site, why: str, told: str) -> None:
    """Its own words are quoted; the rest is in the reader's language."""
    site.fleet.problems = {"/logs/gone": why}
    try:
        text = site.get("/?lang=zh").text
    finally:
        site.fleet.problems = {}
    assert f"/logs/gone</code> {told}" in text

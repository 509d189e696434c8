"""`report`: that it says what `check` says, in both languages and formats, harmlessly, and in time."""

from __future__ import annotations

import base64
import errno
import glob
import hashlib
import html.parser
import io
import json
import math
import os
import re
import shutil
import time
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import Settings
from llmtrain_exporter.draw.pictures import inline_svg
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.knowledge import report_words, story_words
from llmtrain_exporter.knowledge.text import Counted, Lang, Text
from llmtrain_exporter.progress_line import EVERY_SECONDS
from llmtrain_exporter.publish import demo
from llmtrain_exporter.publish.check_text import as_text
from llmtrain_exporter.publish.report import html as html_report
from llmtrain_exporter.publish.report.document import Document, document
from llmtrain_exporter.publish.report.html import page_parts
from llmtrain_exporter.publish.report.markdown import sheet_parts
from llmtrain_exporter.publish.report.material import Material, material
from llmtrain_exporter.publish.report.picture import pictures
from llmtrain_exporter.publish.report.progress import ReportProgress
from llmtrain_exporter.publish.report.write import Wanted, run_report
from llmtrain_exporter.story import diagnosis
from llmtrain_exporter.story.blocks import Code
from llmtrain_exporter.story.metrics import metric_rows
from llmtrain_exporter.watching.history.columns import History
from llmtrain_exporter.watching.history.recorded import history
from llmtrain_exporter.watching.on_demand import read_each
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.write import markdown
from llmtrain_exporter.write.style import Style

from tests.training import append, save_checkpoint, swift, swift_eval

NOW = 1_800_000_000.0
GOLDEN = Path(__file__).with_name("golden") / "report"
FIXTURES = Path(__file__).with_name("fixtures")
LOGS = {
    **{f"demo-{name}": demo.BUNDLED / name for name in (demo.COLLAPSE, demo.HEALTHY)},
    **{folder.name: folder for folder in sorted(FIXTURES.iterdir())},
}
GOLDEN_RUNS = ("demo-collapse", "swift-sft-nan")
BROKEN = LOGS["demo-collapse"]
LANGS = list(Lang)
BAD = "<img src=x onerror=alert(1)>\"'`|*_[a](http://b)\x1b[31m\u202e&lt;"


def materials(*paths: Path, profile: str | None = None) -> list[Material]:
    """The runs below these paths."""

    def read(found: Any, options: Any, dialects: Any, now: float) -> Any:
        one = history(found, options, dialects, now)
        return material(one) if isinstance(one, History) else one

    rules = RunRules(Settings(stdout_log=("*.log",)), RunOptions(profile=profile, episodes_kept=1000))
    told = read_each(read, [str(path) for path in paths], rules, NOW)
    return [one for one in told if isinstance(one, Material)]


def as_markdown(told: Document) -> str:
    """With the names of pictures instead of pictures."""
    return "".join(sheet_parts(told, lambda picture: f"{picture.name}.svg"))


def plain(text: str) -> str:
    """Markdown without what guards it, blanks like each other."""
    return re.sub(r"\\(.)", r"\1", text).replace("\xa0", " ").replace("**", "")


class Page(html.parser.HTMLParser):
    """What a page is made of; fails where a tag is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.headings: list[int] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "br"):
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, each, value in self.attributes if each == name]


def page_of(told: Document) -> Page:
    return Page("".join(page_parts(told, lambda: None)))


@pytest.fixture(scope="module")
def broken() -> Material:
    """The bundled collapse."""
    (told,) = materials(BROKEN)
    return told


@pytest.fixture(scope="module")
def page(broken: Material) -> Page:
    """Its report as HTML."""
    return page_of(document([broken], [], Lang.EN))


def report(tmp_path: Path, *paths: Path, name: str = "report.html", **more: str) -> tuple[int, Path]:
    """Run the command; its exit code and the file."""
    out = tmp_path / name
    flags = [part for flag, value in more.items() for part in (f"--{flag}", value)]
    return run_cli(commands, ["report", *map(str, paths), "-o", str(out), *flags]), out


# What it says


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", GOLDEN_RUNS)
def test_a_report_reads_as_its_golden_file_says(name: str, lang: Lang, tmp_path: Path) -> None:
    """As Markdown, at a fixed time in a folder of that name. UPDATE_GOLDEN=1 writes the files anew."""
    shutil.copytree(LOGS[name], tmp_path / name)
    for file in (tmp_path / name).iterdir():
        os.utime(file, (NOW, NOW))
    told = as_markdown(document(materials(tmp_path / name), [], lang))
    told = re.sub(r"(llmtrain-exporter) [\w.]+[\w]", r"\1", told.replace(f"{tmp_path}/", ""))
    golden = GOLDEN / f"{name}.{lang.value}.md"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", LOGS)
def test_a_report_says_all_that_check_says(name: str, lang: Lang) -> None:
    """The same verdict, numbers and words: each line of `check` about facts, findings, causes and actions."""
    (told,) = materials(LOGS[name])
    written = plain(as_markdown(document([told], [], lang)))
    run = told.run
    checked = "".join(as_text([run], [], Style(lang, 10**6), verbose=True))
    assert checked.splitlines()[0].split()[-1] in written
    for finding in diagnosis.findings(run, lang):
        assert finding.title in written
        assert finding.text.replace("\xa0", " ") in written
    found = diagnose(run)
    for reason in diagnosis.causes(run, found, lang):
        texts = [text.replace("\xa0", " ") for text in (reason.title, reason.how, *reason.proofs)]
        assert all(text in written for text in texts)
    for at, action in enumerate(diagnosis.actions(run, found, lang), 1):
        assert f"{at}. {action.title}" in written
        assert action.how.replace("\xa0", " ") in written
        assert all(proposal.flag in written for proposal in action.proposals)
    for row in metric_rows(run, lang):
        assert re.search(rf"\| {re.escape(row.name)} (\|.*)?\| {re.escape(row.value)} \|", written)


def test_every_surge_and_drop_is_told_with_its_values(broken: Material) -> None:
    """Steps, share of the run, before, at, after or that it lasts, and the limit."""
    written = plain(as_markdown(document([broken], [], Lang.EN)))
    assert "| 7 on | 5.8% | kl | KL spike | critical | 0.01 | 5.233 (step 32) | lasts |" in written
    table = written.split("### Surges and drops")[1].split("###")[0]
    assert table.count("\n| ") == 2 + len(broken.run.episodes)  # its head and the line below


def test_what_came_after_is_told(tmp_path: Path) -> None:
    """The median of what followed the end of a signal."""
    rows = [swift(step, 200, loss=1 + step % 3 / 100, grad_norm=1.0) for step in range(1, 201)]
    rows[99] = swift(100, 200, loss=30.0, grad_norm=1.0)
    (told,) = materials(append(tmp_path / "logging.jsonl", *rows))
    (moment,) = [each for each in told.excursions if each.episode.signal == "loss_spike"]
    assert moment.before == pytest.approx(1.01, abs=0.01)
    assert moment.episode.peak == 30
    assert moment.after == pytest.approx(1.01, abs=0.01)
    assert moment.share == 0.5


def test_ranges_are_those_of_the_records_that_count(tmp_path: Path) -> None:
    """Steps that were taken again after a resume do not, nor does what is not finite."""
    rows = [swift(step, 50, loss=9.0) for step in range(1, 21)]
    rows += [swift(step, 50, loss=step / 10) for step in range(11, 51)]
    rows[-1] = swift(50, 50, loss=math.nan)
    (told,) = materials(append(tmp_path / "logging.jsonl", *rows))
    (stats,) = [stats for one, stats in told.stats.items() if one.metric.name == "llmtrain_loss"]
    assert (stats.records, stats.low, stats.low_step, stats.high, stats.high_step) == (49, 1.1, 11, 9.0, 1)
    assert stats.median == pytest.approx(3.5)
    assert told.superseded == 10
    assert sum(told.odd.values()) == 1


def test_clocks_are_told_as_training_has_them(tmp_path: Path) -> None:
    """Evaluations log them too, but seldom."""
    rows = [line for step in range(1, 21) for line in [swift(step, 20), *([swift_eval(20)] * (step == 20))]]
    (told,) = materials(append(tmp_path / "logging.jsonl", *rows))
    (stats,) = [stats for one, stats in told.stats.items() if one.metric.name == "llmtrain_elapsed_seconds"]
    assert (stats.records, stats.low, stats.high) == (20, 1, 20)


def test_the_chain_is_told_in_its_order(broken: Material) -> None:
    """Each family with the steps that it came later."""
    written = plain(as_markdown(document([broken], [], Lang.EN)))
    rows = re.findall(r"^\| (KL|gradient|length|reward) \| (\d+) \| (\+\d+) \|", written, re.MULTILINE)
    assert rows[0] == ("KL", "7", "+0")
    steps = [int(step) for _, step, _ in rows]
    assert steps == sorted(steps)
    assert list(dict.fromkeys(name for name, _, _ in rows)) == ["KL", "reward", "length", "gradient"]


def test_a_cause_is_told_with_its_evidence(broken: Material) -> None:
    """In numbers and steps; one without any is not told."""
    written = plain(as_markdown(document([broken], [], Lang.EN)))
    drift = written.split("### The policy has left its reference model")[1].split("\n### ")[0]
    assert "kl 0.001782 to 5.233 between steps 4 and 32; entropy mean" in drift
    assert "beta = 0.04" in drift
    assert "### Exploding gradients" not in written


def test_changes_come_with_settings_and_flags(broken: Material) -> None:
    """The run's own values, the proposed ones, the flags of its trainer, and all of them to copy."""
    written = as_markdown(document([broken], [], Lang.EN))
    assert "| `beta` | 0.04 | **0.1** | `--beta 0.1` |" in written
    copied = written.split("```")[1]
    assert copied.strip().startswith("--learning_rate 1e-5 --max_grad_norm 0.5")
    flags = re.findall(r"--(\w+)", copied)
    assert len(flags) == len(set(flags))


def test_a_value_that_the_log_does_not_say_is_not_told() -> None:
    """Whatever the trainer assumes: who started it may have said otherwise elsewhere."""
    written = as_markdown(document(materials(LOGS["swift-sft-nan"]), [], Lang.EN))
    assert "| `max_grad_norm` | – | **0.5** | `--max_grad_norm 0.5` |" in written


def test_the_checkpoint_to_go_back_to_is_told(tmp_path: Path) -> None:
    """And the best one, and those that are there."""
    shutil.copytree(BROKEN, tmp_path / "run")
    for step in (5, 20, 30):
        save_checkpoint(tmp_path / "run", step)
    written = as_markdown(document(materials(tmp_path / "run"), [], Lang.EN))
    assert "To go back to before the incident at step 7: checkpoint-5." in written
    assert "Found beside the log: checkpoint-5, checkpoint-20, checkpoint-30." in written
    assert "Highest evaluation reward: 0.125 at step 30." in written


def test_the_checklist_is_answered_by_the_log() -> None:
    """Yes, no, not always, or that it cannot be told."""
    answers = {}
    for name in ("swift-sft", "swift-sft-nan", "demo-collapse"):
        written = as_markdown(document(materials(LOGS[name]), [], Lang.EN))
        answers[name] = dict(re.findall(r"^\| ([^|]+\?) \| ([^|]+) \|", plain(written), re.MULTILINE))
    assert answers["swift-sft"]["Is every value finite?"] == "yes"
    assert answers["swift-sft-nan"]["Is every value finite?"] == "no"
    assert answers["swift-sft-nan"]["All in all, is the run healthy?"] == "no"
    assert answers["swift-sft"]["All in all, is the run healthy?"] == "yes"
    assert answers["demo-collapse"]["Is token accuracy still rising?"] == "not known"
    assert answers["demo-collapse"]["Is going on worth it?"] == "no"


def test_what_was_not_logged_is_an_open_question(tmp_path: Path) -> None:
    """With the signals that nobody can see therefore, settings, evaluations, and unknown keys."""
    rows = [swift(step, 50, reward=1.0, strange_key=2.0) for step in range(1, 6)]
    written = as_markdown(
        document(materials(append(tmp_path / "logging.jsonl", *rows), profile="grpo"), [], Lang.EN)
    )
    asked = plain(written).split("## Open questions")[1]
    assert "kl is not logged. Unseen: KL too high, KL spike." in asked
    assert "strange_key" in asked
    assert "No argument file" in asked
    assert "5 training records are few" in asked


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_is_said_to_be_fine_that_nobody_knows(tmp_path: Path, lang: Lang) -> None:
    """How often a run without settings saves; and what has no value is no flag to copy."""
    rows = (
        {"loss": 0.1, "reward": 0.5, "completions/clipped_ratio": 1.0, "epoch": n / 99} for n in range(1, 31)
    )
    log = append(tmp_path / "train.log", *map(str, rows))
    text = as_markdown(document(materials(log, profile="grpo"), [], lang))
    assert report_words.MONITORING_UNKNOWN.of(lang) in text
    assert "`max_completion_length`" in text
    assert re.search(r"\d\. [^\n]*`--max_completion_length`", text) is None


@pytest.mark.parametrize("lang", LANGS)
def test_a_run_that_failed_is_not_told_as_if_all_were_well(tmp_path: Path, lang: Lang) -> None:
    """Its records may show nothing; why it failed stands in what was printed."""
    rows = [str({"loss": 0.5 - step / 99, "grad_norm": 0.5, "epoch": step / 99}) for step in range(1, 31)]
    log = append(tmp_path / "train.log", *rows, "Traceback (most recent call last):")
    text = as_markdown(document(materials(log), [], lang))
    assert text.count(story_words.FAILED_UNTOLD.of(lang)) == 2  # in short, and among the causes
    assert not any(each.of(lang) in text for each in (report_words.NO_CAUSES, report_words.NO_CHANGES))
    alone = as_markdown(document(materials(append(tmp_path / "well.log", *rows)), [], lang))
    assert story_words.FAILED_UNTOLD.of(lang) not in alone


def test_several_runs_are_compared_first() -> None:
    """The worst in front; figures, settings that differ, and each in full."""
    told = sorted(materials(BROKEN, LOGS["demo-healthy"]), key=lambda one: -one.run.verdict.value)
    written = plain(as_markdown(document(told, [], Lang.EN)))
    assert written.startswith("# Training report: 2 runs\n\n2 runs: 1 broken, 1 healthy\n")
    assert "| run | collapse | healthy |" in written
    assert "| verdict | broken | healthy |" in written
    assert "| learning_rate | 0.01 | " in written.split("Hyper-parameters that differ")[1]
    assert "max_grad_norm" not in written.split("Hyper-parameters that differ")[1].split("![")[0]
    assert "\n## collapse\n" in written
    assert "\n## healthy\n" in written
    assert "![kl of all runs over training steps](all-kl.svg)" in written


def test_runs_with_the_same_settings_say_so(tmp_path: Path) -> None:
    """There is nothing to compare then."""
    for name in ("a", "b"):
        shutil.copytree(BROKEN, tmp_path / name)
    written = as_markdown(document(materials(tmp_path), [], Lang.EN))
    assert "The known hyper-parameters are the same." in written


def test_files_that_are_no_run_are_listed(broken: Material) -> None:
    """With the reason."""
    assert "| `/x/y.log` | empty |" in as_markdown(document([broken], [("/x/y.log", "empty")], Lang.EN))


def test_a_run_without_a_record_has_a_report(tmp_path: Path) -> None:
    """It says that there is nothing to judge yet."""
    log = append(tmp_path / "logging.jsonl", swift_eval(3))
    assert "nothing to judge" in as_markdown(document(materials(log), [], Lang.EN))


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    """And none is a copy of the other."""
    values = [value for value in vars(report_words).values() if isinstance(value, (Text, Counted, dict))]
    parts = [part for value in values for part in (value.values() if isinstance(value, dict) else [value])]
    found = [part for part in parts if isinstance(part, Text)]
    found += [each for part in parts if isinstance(part, Counted) for each in (part.one, part.many)]
    assert len(found) > 100
    for text in found:
        places = [Counter(re.findall(r"{(\w+)}", text.of(lang))) for lang in LANGS]
        assert places[0] == places[1], text
        words = re.sub(r"{\w+}", "", text.en)
        assert re.search("[\u4e00-\u9fff]", text.zh) or not re.search(r"[a-z]{3}", words), text


@pytest.mark.parametrize("name", LOGS)
def test_no_placeholder_is_left_over(name: str) -> None:
    """In neither language."""
    for lang in LANGS:
        written = as_markdown(document(materials(LOGS[name]), [], lang))
        assert not re.search(r"(?<!\$)\{\w+\}", written)


# HTML


def test_the_page_asks_nothing_of_anybody(page: Page) -> None:
    """No script, no frame, no request: whatever has an address points into the page itself."""
    assert not set(page.tags) & {"script", "iframe", "img", "link", "object", "form", "base"}
    for name in ("href", "src", "action", "xlink:href"):
        assert all(value.startswith("#") for value in page.values(name))
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]


def test_the_policy_allows_the_style_sheet_alone(broken: Material) -> None:
    """By its very digest."""
    text = "".join(page_parts(document([broken], [], Lang.EN), lambda: None))
    (sheet,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_the_page_can_be_read_by_those_who_cannot_see(page: Page) -> None:
    """Language, one title, headings without gaps, heads of tables, charts with a name, regions with one."""
    assert page.values("lang") == ["en"]
    assert page.headings.count(1) == 1
    assert all(later - before <= 1 for before, later in zip(page.headings, page.headings[1:], strict=False))
    assert page.tags["th"] > page.tags["table"]
    assert {value for tag, name, value in page.attributes if tag == "th" and name == "scope"} == {
        "row",
        "col",
    }
    names = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert len(names) == page.tags["svg"] == page.tags["figure"] == page.tags["figcaption"] > 10
    assert all(names)


def test_names_of_places_are_there_once_and_found(page: Page) -> None:
    """Of headings and inside of charts; equal drawings may share theirs."""
    headings = [value for tag, name, value in page.attributes if name == "id" and re.fullmatch("h[1-6]", tag)]
    assert len(headings) == len(set(headings))
    links = [value[1:] for tag, name, value in page.attributes if tag == "a" and name == "href"]
    assert links
    assert set(links) <= set(headings)
    assert set(page.values("aria-labelledby")) <= set(headings)


def test_the_style_knows_every_class_of_a_chart(page: Page) -> None:
    """In light and dark."""
    sheet = "".join(page.text)
    used = {name for value in page.values("class") for name in value.split()}
    for name in used - {"chart", "mark", "small", "wide", "lead"}:
        assert f".{name}" in sheet
    for colour in set(re.findall(r"var\((--\w+)\)", sheet)):
        assert sheet.count(f"{colour}: #") == 2


def test_chinese_pages_say_so(broken: Material) -> None:
    """For fonts, speech and hyphenation."""
    assert page_of(document([broken], [], Lang.ZH)).values("lang") == ["zh-CN"]


# Hostile logs


def hostile(tmp_path: Path) -> Path:
    """A log in which every name is bad and many values are."""
    rows = []
    for step in range(1, 61):
        odd: Any = (
            math.nan if step % 7 == 0 else 1e308 if step % 11 == 0 else -1e308 if step % 13 == 0 else step
        )
        values = {BAD: odd, f"rewards/{BAD}/mean": odd, f"rewards/{BAD}2/mean": 1.0, "reward": odd, "kl": odd}
        rows.append(swift(step, **{**values, "loss": odd, "grad_norm": math.inf if step > 50 else odd}))
    folder = tmp_path / "a <b> `c` $d$ 'e\""
    settings = {"model": BAD, "lr_scheduler_type": BAD, "rlhf_type": "grpo", "beta": 0.04}
    folder.mkdir(parents=True)
    (folder / "args.json").write_text(json.dumps(settings))
    return append(folder / "logging.jsonl", *rows)


@pytest.mark.parametrize("lang", LANGS)
def test_a_hostile_log_makes_no_markup(tmp_path: Path, lang: Lang) -> None:
    """In the page no tag, in Markdown no link, image or HTML; control characters are gone."""
    told = document(materials(hostile(tmp_path)), [(BAD, BAD)], lang)
    page = page_of(told)
    assert not set(page.tags) & {"script", "img", "b"}
    assert any("<img src=x onerror=alert(1)>" in text for text in page.text)
    written = as_markdown(told)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", written)
    assert not re.search(r"(?<!\\)<(?=[A-Za-z/!?])", outside)
    assert not re.search(r"(?<![\\!])\[a\]", outside)
    assert not re.search(r"(?<!\\)://", outside)
    for text in (written, "".join(page.text)):
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text.replace("\n", ""))


def test_the_largest_numbers_are_reported_without_a_warning(tmp_path: Path) -> None:
    """Their range is more than a float can hold."""
    rows = (swift(step, loss=1e308 * (-1) ** step, grad_norm=1e308, kl=5e-324) for step in range(1, 60))
    told = materials(append(tmp_path / "run" / "logging.jsonl", *rows))
    assert "1e308" in as_markdown(document(told, (), Lang.EN))


def test_a_table_keeps_its_columns_whatever_is_in_it(tmp_path: Path) -> None:
    """A bar in a name ends no cell."""
    written = as_markdown(document(materials(hostile(tmp_path)), [(BAD, BAD)], Lang.EN))
    for table in re.findall(r"(?:^\|.*\n)+", written, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("- a", "\\- a"),
        ("1. a", "1\\. a"),
        ("# a", "\\# a"),
        ("> a", "\\> a"),
        ("a_b __c__", "a_b \\_\\_c\\_\\_"),
        ("see https://x.y or www.x.y or a@b", "see https\\://x.y or www\\.x.y or a\\@b"),
        ("$x$ ~a~ a|b", "\\$x\\$ \\~a\\~ a\\|b"),
    ],
)
def test_markdown_is_guarded(text: str, written: str) -> None:
    """What would begin a list, a heading, a link or a formula does not."""
    assert markdown._first(markdown.text_markdown(text)) == written


@pytest.mark.parametrize("text", ["a|b", "a\\|<img src=x onerror=alert(1)>", "`|"])
def test_code_with_a_bar_is_plain_text_in_a_table(text: str) -> None:
    """However a bar is escaped between backticks: some reader ends the cell there all the same."""
    assert markdown.line_markdown((Code(text),), in_table=True) == markdown.text_markdown(text)
    assert markdown.line_markdown((Code(text),)).strip("` ") == text.strip("` ")


# The corpus


def test_every_real_run_has_a_report(corpus: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In both languages and formats, without an error; charts are drawn once for each run."""
    entries = yaml.safe_load((corpus / "labels.yaml").read_text("utf-8"))
    paths = [path for entry in entries for path in sorted(glob.glob(str(corpus / entry["file"])))]
    settings = Settings(stdout_log=("*.log", "*.out", "*.txt"))
    seen = 0
    draw = inline_svg
    for at, path in enumerate(paths):
        if "negative" in path:
            continue
        for lang in LANGS:
            drawn = at % 2 == (lang is Lang.ZH)
            monkeypatch.setattr(html_report, "inline_svg", draw if drawn else lambda *_: "<svg></svg>")
            monkeypatch.setattr("llmtrain_exporter.publish.report.write.svg", lambda *_: b"<svg></svg>")
            for name in ("report.html", "report.md"):
                wanted = Wanted(tmp_path / name, lang, None)
                code = run_report([path], settings, wanted, io.StringIO(), io.StringIO(), NOW)
                assert code in (0, 1, 2)
                assert (tmp_path / name).stat().st_size > 1000
        seen += 1
    assert seen > 30


def test_a_collapse_reads_as_the_guide_reads_it(corpus: Path) -> None:
    """What a person wrote of such a log: drift, then lengths; beta up, rate down, clip, guard.

    A learning rate of 0.01 stands before all that, and a limit below the answers' length is not proposed.
    """
    (log,) = (corpus / "produced" / "swift-grpo-collapse-crash").rglob("logging.jsonl")
    written = plain(as_markdown(document(materials(log), [], Lang.ZH)))
    for said in (
        "policy 偏离 reference model 过远",
        "学习率过高",
        "生成长度分布改变",
        "`--beta 0.1`",
        "`--learning_rate 1e-5`",
        "`--max_grad_norm 0.5`",
        "让 beta 跟随 KL 自适应",
        "被截断的回答记 0 分",
        "自动保存快照并回滚",
    ):
        assert said in written, said


# The command


@pytest.mark.parametrize("name", ["demo-healthy", "demo-collapse", "swift-sft-nan"])
def test_a_report_that_is_written_is_a_success(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the verdict; file and verdict on standard output, nothing on standard error."""
    code, out = report(tmp_path, LOGS[name])
    assert code == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"{out}: 1 run, ")
    assert told.err == ""
    assert out.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_markdown_has_its_pictures_beside_it(tmp_path: Path) -> None:
    """In a folder of its name; each that is referred to is there, and no other."""
    _, out = report(tmp_path, BROKEN, name="my report.md", lang="zh")
    addresses = re.findall(r"^!\[.*\]\((.*)\)$", out.read_text("utf-8"), re.MULTILINE)
    assert len(addresses) > 10
    folder = tmp_path / "my report_files"
    assert sorted(addresses) == [f"my%20report_files/{path.name}" for path in sorted(folder.iterdir())]
    assert all(path.read_text("utf-8").startswith("<?xml") for path in folder.iterdir())


def test_a_report_of_any_name_has_its_pictures(tmp_path: Path) -> None:
    """Even where the name is no text: the address says the bytes."""
    _, out = report(tmp_path, BROKEN, name="a\udcff(b).md")
    assert "](a%FF%28b%29_files/01-overview.svg)" in out.read_text("utf-8")


def test_a_report_that_is_there_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be finished leaves the old one, and no other file."""
    out = tmp_path / "report.html"
    out.write_text("old")

    def fails(*_: object) -> str:
        raise OSError(28, "No space left on device", str(out))

    monkeypatch.setattr(html_report, "inline_svg", fails)
    assert report(tmp_path, BROKEN)[0] == 3
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]
    monkeypatch.undo()
    assert report(tmp_path, BROKEN)[0] == 0
    assert out.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_report_is_written_through_no_link(tmp_path: Path) -> None:
    """Somebody who guesses the name of the unfinished file cannot turn it against another one."""
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / f".report.html.{os.getpid()}").symlink_to(precious)
    _, out = report(tmp_path, BROKEN)
    assert out.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert precious.read_text() == "kept"


def test_a_new_report_may_be_read_by_others(tmp_path: Path) -> None:
    """Like any file that a program writes."""
    before = os.umask(0o022)
    try:
        _, out = report(tmp_path, LOGS["swift-sft"])
    finally:
        os.umask(before)
    assert out.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("name", "told"),
    [("report.pdf", "report.pdf: -o must end in .html or .md"), ("report", "must end in .html or .md")],
)
def test_another_format_is_refused(
    name: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With those that there are."""
    assert report(tmp_path, BROKEN, name=name)[0] == 64
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_log_is_never_replaced_by_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever its name; nor is a folder."""
    log = append(tmp_path / "log.md", swift(1))
    assert run_cli(commands, ["report", str(log), "-o", str(log), "--stdout-log", "*.md"]) == 64
    assert "is a log that is to be read" in capsys.readouterr().err
    (tmp_path / "a.html").mkdir()
    assert report(tmp_path, BROKEN, name="a.html")[0] == 64
    assert "is a folder" in capsys.readouterr().err


def test_a_path_without_a_log_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If there is another one that has a run, that one is written, and the exit code is 3 all the same."""
    (tmp_path / "empty").mkdir()
    code, out = report(tmp_path, tmp_path / "empty")
    assert (code, out.exists()) == (3, False)
    assert "no training log below it" in capsys.readouterr().err
    code, out = report(tmp_path, tmp_path / "empty", BROKEN)
    assert (code, out.exists()) == (3, True)
    assert report(tmp_path, tmp_path / "none")[0] == 3


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""
    assert report(tmp_path, LOGS["swift-sft"], name="none/report.html")[0] == 3
    out = tmp_path / "none/report.html"
    assert capsys.readouterr().err == f"Error: {out}: No such file or directory\n"


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_a_report_that_cannot_be_written_is_called_as_it_was_asked_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not as the file beside it that is written first, of which nothing stays."""

    def full(_: object, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", f"{target}.123")

    monkeypatch.setattr(os, "replace", full)
    assert report(tmp_path, LOGS["swift-sft"], name=name)[0] == 3
    [line] = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"Error: \S*/report[\w/-]*\.(html|md|svg): No space left on device", line)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("log", "lang", "lead"),
    [
        ("demo-healthy", Lang.EN, "**healthy**. All well: none of the "),
        ("demo-healthy", Lang.ZH, "**健康**。一切正常："),
        ("demo-collapse", Lang.EN, "**broken**. **Policy collapse**. "),
        ("demo-collapse", Lang.ZH, "**异常**。**policy 崩溃**。"),
    ],
)
def test_the_verdict_and_its_reason_are_two_sentences(
    log: str, lang: Lang, lead: str, tmp_path: Path
) -> None:
    """On the line below the title, and below the name of each run where there are several."""
    _, out = report(tmp_path, LOGS[log], name="a.md", lang=lang.value)
    assert out.read_text("utf-8").splitlines()[2].startswith(lead)
    _, out = report(tmp_path, LOGS[log], LOGS["swift-sft"], name="b.md", lang=lang.value)
    assert f"\n{lead}" in out.read_text("utf-8")


def test_own_profiles_apply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As they do to `check`."""
    file = tmp_path / "llmtrain.yml"
    file.write_text(
        "profiles: {mine: {inherits: sft}}\nruns: [{match: swift-sft, name: renamed, profile: mine}]"
    )
    command = ["report", str(LOGS["swift-sft"]), "-o", str(tmp_path / "a.md"), "--config", str(file)]
    assert run_cli(commands, command) == 0
    written = (tmp_path / "a.md").read_text("utf-8")
    assert "# Training report: renamed" in written
    assert "mine (from sft)" in written
    assert run_cli(commands, [*command, "--profile", "nope"]) == 64
    assert "must be one of" in capsys.readouterr().err


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_leaves_no_trace() -> None:
    """How far reading and drawing are; elsewhere nothing."""
    clock = count(step=EVERY_SECONDS * 2)
    err = Terminal()
    progress = ReportProgress(err, lambda: next(clock), Lang.EN)
    found = discover.Found("/x", "run\x1b", registered()["swift"], 0.0, 1000, (0, 0), ())
    more = progress.reading(found)
    for _ in range(4):
        more(250)
    progress.drawing("a.html", 2)()
    assert "[###############...............]  50% reading run\ufffd" in err.getvalue()
    assert " 50% drawing a.html" in err.getvalue()
    progress.clear()
    assert err.getvalue().endswith("\r")
    assert "\n" not in err.getvalue()
    quiet = io.StringIO()
    ReportProgress(quiet, lambda: next(clock), Lang.EN).reading(found)(500)
    assert quiet.getvalue() == ""


def test_a_long_log_is_reported_in_time(tmp_path: Path) -> None:
    """100,000 records of 35 keys cost little more than to read them; its size has a limit as well."""
    keys = json.dumps({f"rewards/f{at}/mean": 0.5 + at for at in range(4)})[1:-1]
    rows = (
        f'{{"loss": 0.00{step % 97:02d}, "kl": 0.0{step % 89:02d}, "grad_norm": 1.{step % 83:02d}, '
        f'"reward": 1.{step % 79:02d}, "completions/mean_length": {200 + step % 73}.0, {keys}, '
        f'"global_step/max_steps": "{step}/100000"}}'
        for step in range(1, 100_001)
    )
    log = append(tmp_path / "logging.jsonl", *rows)
    begin = time.process_time()
    assert materials(log)
    read = time.process_time()
    code, out = report(tmp_path, log)
    assert code in (0, 1, 2)
    assert time.process_time() - read < 3 * (read - begin)
    assert out.stat().st_size < 3_000_000


def test_pictures_of_a_document_are_drawn_in_its_language(broken: Material) -> None:
    """Each part of it has those that it needs."""
    names = [picture.name for picture in pictures(document([broken], [], Lang.EN).blocks)]
    assert names[0] == "overview"
    assert "kl" in names
    assert "incident-1" not in names  # it would show most of the run once more
    assert len(names) == len(set(names))

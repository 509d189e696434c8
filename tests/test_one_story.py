"""One run, one story: every medium writes the same tree, in both languages.

What a medium leaves out it leaves out by the ranks of the tree, or because it has no place for that part.
"""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from llmtrain_exporter.analyse.analysis import EPISODES_KEPT
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.bundle import HERE
from llmtrain_exporter.bundle.alerting.parts import alerts
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import RowKind, Snapshot
from llmtrain_exporter.notify.card import PlainText, body_text, line_text
from llmtrain_exporter.notify.compose import Backlog, CardSettings, RunAnswer, compose
from llmtrain_exporter.notify.run_sections import ROOMS
from llmtrain_exporter.notify.webhook import parse
from llmtrain_exporter.publish.demo import BUNDLED
from llmtrain_exporter.publish.report import html as html_report
from llmtrain_exporter.publish.watch.screen import picture
from llmtrain_exporter.publish.watch.status import FolderStatus, RunStatus
from llmtrain_exporter.story.blocks import (
    Block,
    Facts,
    Item,
    Items,
    Joint,
    Line,
    Mark,
    Moment,
    Part,
    Section,
    Share,
    Story,
    Strong,
    Table,
    blocks_of,
    lines_in,
    plain,
)
from llmtrain_exporter.story.numbers import DASH, number
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.shorten import essentials
from llmtrain_exporter.story.tree_json import from_object, to_object
from llmtrain_exporter.watching.beside import with_checkpoints
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.write.style import Style

from benchmarks.detection.generator import write_demo
from tests.relaying import NOW, alert, group
from tests.servers import ExporterProcess, eventually, series
from tests.training import touch

FIXTURES = Path(__file__).with_name("fixtures")
OURS = {
    "collapse": BUNDLED / "collapse/logging.jsonl",
    "healthy": BUNDLED / "healthy/logging.jsonl",
    "sft": FIXTURES / "swift-sft/logging.jsonl",
    "sft-nan": FIXTURES / "swift-sft-nan/logging.jsonl",
    "dpo": FIXTURES / "swift-dpo/logging.jsonl",
    "llamafactory": FIXTURES / "llamafactory-sft/trainer_log.jsonl",
}
REAL = {
    "real-overfit": "public/llamafactory/hiyouga__LLaMA-Factory__glm2-2023-07-29-17-08-49/trainer_log.jsonl",
    "real-nan": "produced/swift-sft-nan/filter-true/output/*/logging.jsonl",
    "real-dpo": "public/trl-dpo/huggingface__trl__kto-hh-ck1000/trainer_state.json",
    "real-grpo": "produced/trl-grpo-collapse-lr/out/trainer_state.json",
}
RECOVERED, OFTEN = "recovered", "often"
RUNS = (*OURS, RECOVERED, OFTEN, *REAL)
EVERY = pytest.mark.parametrize("name", RUNS)
LANGS = list(Lang)

Document = Mapping[str, Any]
Cells = Sequence[str]


@dataclass(frozen=True)
class Told:
    """A run, what an exporter answers about it, and its log, which everything else reads."""

    log: Path
    run: Snapshot
    documents: Mapping[Lang, Document]
    samples: Mapping[str, float]

    def story(self, lang: Lang) -> Story:
        """The tree that every medium is to write."""
        return run_story(self.run, lang)


# What everything is made from.


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the runs."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def exporter(root: Path) -> Iterator[ExporterProcess]:
    """An exporter that watches it."""
    with ExporterProcess([root, "--scan-interval", "1s", "--ignore-older", "0", "--settle", "0"]) as process:
        yield process


@pytest.fixture(scope="module")
def tell(request: pytest.FixtureRequest, root: Path, exporter: ExporterProcess) -> Callable[[str], Told]:
    """Puts the run of that name there once, and asks the exporter about it."""
    known: dict[str, Told] = {}

    def told(name: str) -> Told:
        if name not in known:
            made = put(name, root.with_name(f"{name}-made"), lambda: request.getfixturevalue("corpus"))
            log = made.parent.rename(root / name) / made.name
            run = read(log)
            records = {kind.value: run.records.get(kind, 0) for kind in (RowKind.TRAIN, RowKind.EVAL)}
            eventually(lambda: document_of(exporter, name, Lang.EN).get("records") == records)
            documents = {lang: document_of(exporter, name, lang) for lang in LANGS}
            seen = replace(run, last_record=documents[Lang.EN]["last_record_timestamp"])
            known[name] = Told(log, seen, documents, exporter.metrics())
        return known[name]

    return told


def read(log: Path) -> Snapshot:
    """The run of a log, with as many episodes as an exporter remembers."""
    (run,) = read_each(read_log, [str(log)], RunRules(Settings(), RunOptions()), time.time())
    assert isinstance(run, Snapshot)
    return with_checkpoints(run)


def put(name: str, folder: Path, corpus: Callable[[], Path]) -> Path:
    """The log of a run in a folder of its own, which will not have been silent for long in the next hour."""
    log = write_generated(name, folder) if name in (RECOVERED, OFTEN) else copied(name, folder, corpus)
    return touch(log, time.time() + 3600)


def write_generated(name: str, folder: Path) -> Path:
    """A long run with several incidents, or the part of it with one that is over."""
    log = write_demo(folder)
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines if name == OFTEN else lines[500:615]))
    return log


def copied(name: str, folder: Path, corpus: Callable[[], Path]) -> Path:
    """A log with what lies beside it."""
    [source] = [OURS[name]] if name in OURS else corpus().glob(REAL[name])
    folder.mkdir()
    for beside in ("args.json", "trainer_state.json"):
        if (source.parent / beside).is_file():
            shutil.copyfile(source.parent / beside, folder / beside)
    shutil.copyfile(source, folder / source.name)
    return folder / source.name


def document_of(exporter: ExporterProcess, name: str, lang: Lang) -> Document:
    """What the exporter answers about a run."""
    document: Document = exporter.get("/api/v1/run", params={"run": name, "lang": lang.value}).json()
    return document


# The texts of a tree, and how each medium is read.


def texts_of(blocks: Iterable[Block]) -> Iterator[str]:
    """All that is written of some blocks, piece by piece between its joints; how long ago is left out."""
    for block in blocks:
        if isinstance(block, Table):
            yield from ("".join(map(plain, row)) for row in block.rows)
        elif isinstance(block, Facts):
            yield from (name for name, _ in block.pairs)
        elif isinstance(block, Section):
            yield from texts_of(block.blocks)
        else:
            yield from chain.from_iterable(map(pieces_of, lines_in([block])))


def pieces_of(line: Line) -> list[str]:
    """The words of a line that every medium shows, whatever it parts them with."""
    shown = [piece for piece in line if not isinstance(piece, (Joint, Moment, Share))]
    return [piece if isinstance(piece, str) else piece.text for piece in shown]


def bare(text: str) -> str:
    """Without blanks, which every medium breaks its lines with."""
    return re.sub(r"\s", "", text)


def assert_in_order(parts: Iterable[str], text: str) -> None:
    """Each part stands in the text, behind the one before it."""
    whole, at = bare(text), 0
    for part in parts:
        found = whole.find(bare(part), at)
        assert found >= 0, f"{part!r} is not behind {whole[max(at - 60, 0) : at]!r} in\n{text}"
        at = found + len(bare(part))


def without_marks(markdown: str) -> str:
    """Markdown without what guards and marks its texts."""
    return re.sub(r"\\(.)|\*\*|`", r"\1", markdown)


def markdown_rows(markdown: str) -> list[Cells]:
    """The rows of all tables."""
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [[without_marks(cell) for cell in re.split(r"(?<!\\) \| ", line[2:-2])] for line in lines]


class _Page(html.parser.HTMLParser):
    """The text of a page, the texts of its sections with an id, and the rows of its tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.parts: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self._within: list[str] = []
        self.feed(page[page.index("<body") :])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._within.append(dict(attrs).get("id") or "")
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        self._in_cell = tag in ("th", "td") or (self._in_cell and tag not in ("tr", "p", "section"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._within.pop()
        self._in_cell = self._in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        self.text += data
        for name in self._within:
            self.parts[name] = self.parts.get(name, "") + data
        if self._in_cell:
            self.rows[-1][-1] += data

    _in_cell = False


def follow(wanted: Cells, row: Cells) -> bool:
    """Whether they stand side by side in a row."""
    return any(list(row[at : at + len(wanted)]) == list(wanted) for at in range(len(row)))


# The proofs.


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_exporter_answers_with_the_story(tell: Callable[[str], Told], name: str, lang: Lang) -> None:
    """The very tree, as JSON: from there the relay has it."""
    told = tell(name)
    assert told.documents[lang]["story"] == orjson.loads(orjson.dumps(to_object(told.story(lang))))


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_check_writes_the_story(
    tell: Callable[[str], Told],
    name: str,
    lang: Lang,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With -v all of it in its order but for the details; the verdict is the exit code."""
    monkeypatch.setenv("COLUMNS", "110")  # with room for whole names
    told = tell(name)
    code = run_cli(commands, ["check", str(told.log), "--lang", lang.value, "-v"])
    story, text = told.story(lang), capsys.readouterr().out
    assert code == ["healthy", "watch", "broken"].index(story.health)
    assert_in_order([name, *texts_of(essentials(story))], text)


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_watch_draws_the_story(tell: Callable[[str], Told], name: str, lang: Lang) -> None:
    """On a screen with room for it: the same, and how far the run is."""
    run = tell(name).run
    shown = RunStatus(run, live=True, over=False, caught_up=True, rewritten=0, error=None)
    status = FolderStatus("/logs", (run.last_record or 0) + 5, [shown], shown, {}, {}, None, 0.0)
    lines, story = picture(status, Style(lang, 110), 400), run_story(run, lang)
    text = "\n".join(lines)
    assert lines[0].startswith(run.run)
    assert_in_order([run.run, *texts_of(essentials(story))], text)
    assert_in_order(texts_of(blocks_of(story.sections, Part.FACTS, Part.PROGRESS)), text)


@EVERY
def test_check_s_numbers_are_those_of_the_exporter(
    tell: Callable[[str], Told], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever `check --format json` says, the exporter says too, word for word.

    Of a run that was ill very often the exporter does not remember every episode: some stand for several.
    """
    told = tell(name)
    run_cli(commands, ["check", str(told.log), "--format", "json"])
    [checked] = json.loads(capsys.readouterr().out)["runs"]
    for document in told.documents.values():
        incidents = zip(document["incidents"], checked["incidents"], strict=True)
        assert all(one.items() <= more.items() for more, one in incidents)
        assert document["verdict"] == checked["health"]
        apart = {"incidents"} if name != OFTEN else {"incidents", "signals"}
        assert {key: document[key] for key in checked.keys() - apart} == {
            key: value for key, value in checked.items() if key not in apart
        }
        if name == OFTEN:
            assert EPISODES_KEPT <= len(document["signals"]) < len(checked["signals"])


REPORTED = (Part.FACTS, Part.INCIDENTS, Part.FINDINGS, Part.ACTIONS, Part.CAUSES, Part.SETTINGS)


@pytest.mark.parametrize("suffix", ["md", "html"])
@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_report_writes_the_story(
    tell: Callable[[str], Told],
    name: str,
    lang: Lang,
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its verdict and reason in the head, every part, and every metric in a row with what is thought of it.

    How to do a thing stands in a chapter of its own, and so does what speaks for a cause. What a setting is
    now stands in the table of the proposed ones.
    """
    told = tell(name)
    monkeypatch.setattr(html_report, "inline_svg", lambda *_: "")
    out = tmp_path / f"report.{suffix}"
    run_cli(commands, ["report", str(told.log), "-o", str(out), "--lang", lang.value])
    source = out.read_text("utf-8")
    page = _Page(source) if suffix == "html" else None
    text, rows = (without_marks(source), markdown_rows(source)) if page is None else (page.text, page.rows)
    story = told.story(lang)
    assert_in_order([name, *texts_of(blocks_of(story.sections, Part.VERDICT, Part.REASON))], text)
    for part in REPORTED:
        blocks = blocks_of(essentials(story), part) or blocks_of(story.sections, part)
        lists = [block for block in blocks if isinstance(block, Items)]
        others = [block for block in blocks if not isinstance(block, (Items, Section))]
        assert_in_order(texts_of(others), text)
        in_text = _titles if part is Part.ACTIONS else pieces_of
        assert_in_order(
            chain.from_iterable(in_text(item.line) for each in lists for item in each.items), text
        )
        assert_in_order((plain(line) for each in lists for item in each.items for line in item.more), text)
    for block in blocks_of(story.sections, Part.METRICS):
        assert isinstance(block, Table)
        for series_name, *cells in (tuple(map(plain, row)) for row in block.rows):
            wanted = [cell or DASH for cell in cells]
            assert any(row[0] == series_name and follow(wanted, row) for row in rows), (series_name, rows)


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_card_writes_the_story(tell: Callable[[str], Told], name: str, lang: Lang) -> None:
    """Its title is the story's; below it stand the story's own lines, as many as there is room for."""
    document = tell(name).documents[lang]
    story = from_object(document["story"])
    assert story is not None
    raised = parse(json.dumps(group(alert(run=name))).encode())
    card = compose(raised, RunAnswer(story, document), Backlog(), CardSettings(), lang, NOW)
    text = body_text(card, PlainText())
    assert_in_order([story.title, name], card.title)
    assert text.startswith(next(map(written_line, lines_in(blocks_of(story.sections, Part.FACTS)))))
    for part, room in ROOMS.items():
        blocks = [block for block in blocks_of(story.sections, part) if isinstance(block, Items)]
        lines = [written_line(item.line) for block in blocks for item in block.items if not item.rank]
        shown = [line for line in lines if line in text]
        assert min(len(lines), room.items) <= len(shown) <= max(len(blocks), 1) * room.items
        assert_in_order(shown, text)


def written_line(line: Line) -> str:
    """As a card without markup has it."""
    return line_text(line, PlainText())


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_page_writes_the_story(
    tell: Callable[[str], Told], exporter: ExporterProcess, name: str, lang: Lang
) -> None:
    """Every part in its place, as the server sends it; times count on, and are not compared."""
    story = tell(name).story(lang)
    page = _Page(exporter.get("/run", params={"run": name, "lang": lang.value}).text)
    for place, parts in PLACES.items():
        sections = [section for section in story.sections if section.part in parts]
        for section in sections:
            assert_in_order(texts_of(section.blocks), page.parts.get(place, ""))
    tables = [block for block in blocks_of(story.sections, Part.METRICS) if isinstance(block, Table)]
    for row in (tuple(map(plain, row)) for table in tables for row in table.rows):
        assert any(tuple(found[: len(row)]) == row for found in page.rows), (row, page.rows)


PLACES = {
    "verdict": (Part.VERDICT, Part.REASON, Part.FACTS, Part.PROGRESS),
    "happened": (Part.INCIDENTS, Part.FINDINGS),
    "why": (Part.CAUSES,),
    "todo": (Part.ACTIONS, Part.FLAGS),
    "metrics": (Part.METRICS,),
    "checks": (Part.CHECKS,),
    "details": (Part.SETTINGS,),
}
"""The sections of the page, and what stands in each."""


@pytest.fixture(scope="module")
def rules() -> Mapping[Lang, Mapping[tuple[str, str], Document]]:
    """The alerts on signals as they are rendered, by signal and severity."""
    found = {}
    for lang in LANGS:
        [source] = [
            text for path, text in alerts(lang, HERE).items() if path.endswith("rules/llmtrain-runs.yml")
        ]
        [rule_group] = yaml.safe_load(source)["groups"]
        found[lang] = {
            (rule["labels"]["signal"], rule["labels"]["severity"]): rule
            for rule in rule_group["rules"]
            if "signal" in rule.get("labels", ())
        }
    return found


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_alert_says_what_the_story_says(
    tell: Callable[[str], Told],
    rules: Mapping[Lang, Mapping[tuple[str, str], Document]],
    name: str,
    lang: Lang,
) -> None:
    """The alert of each signal has its title, and writes its worst value alike; its advice names no remedy.

    Prometheus fills the numbers in: those that the exporter shows are those of the story.
    """
    told = tell(name)
    story, shown, document = told.story(lang), told.samples, told.documents[lang]
    episodes = [one for one in document["signals"] if one["severity"] != "info"]
    findings = [line for line in lines_in(blocks_of(story.sections, Part.FINDINGS)) if not is_info(line)]
    titles = {strong(line) for line in findings}
    proposed = [strong(item.line) for item in items_of(story, Part.ACTIONS)]
    named = set()
    for signal in {one["signal"] for one in episodes}:
        own = [one for one in episodes if one["signal"] == signal]
        notes = [rules[lang][signal, one["severity"]]["annotations"] for one in own]
        called = {title for title in titles for note in notes if f" {title}," in f" {said(note, lang)}"}
        [title] = called or titles & {words.GAP.of(lang)}  # what an alert calls overfitting need not be one
        named.add(title)
        assert shown[series("llmtrain_signal_step", {"run": name, "signal": signal})] in {
            one["first_step"] for one in document["signals"] if one["signal"] == signal
        }
        if "llmtrain_signal_peak" in notes[0]["description"]:
            peak = shown[series("llmtrain_signal_peak", {"run": name, "signal": signal})]
            assert any(one["peak"] == peak for one in document["signals"] if one["signal"] == signal)
            texts = [plain(line) for line in findings if strong(line) == title]
            assert any(number(one["peak"]) in text for one in own for text in texts), (own, texts)
        assert not [action for action in proposed if action in notes[0]["advice"]]
    assert named == titles


def _titles(line: Line) -> list[str]:
    return [strong(line)]


def is_info(line: Line) -> bool:
    """Whether a finding says nothing against the run."""
    return any(isinstance(piece, Mark) and piece.kind == "info" for piece in line)


def strong(line: Line) -> str:
    """What a line is about."""
    return next(piece.text for piece in line if isinstance(piece, Strong))


def items_of(story: Story, part: Part) -> Iterator[Item]:
    """The items of the lists of a part."""
    lists = [block for block in blocks_of(story.sections, part) if isinstance(block, Items)]
    return chain.from_iterable(each.items for each in lists)


def said(note: Document, lang: Lang) -> str:
    """The description of an alert behind the name of its run, with the commas of English."""
    _, _, text = str(note["description"]).partition(words.COLON.of(lang))
    return text.replace(words.COMMA.of(lang), ", ").replace(".", ",", 1)


@pytest.mark.parametrize("lang", LANGS)
def test_a_run_that_recovered_is_healthy_now_and_broken_on_the_whole(
    tell: Callable[[str], Told], exporter: ExporterProcess, lang: Lang
) -> None:
    """Lists say how a run is now and what had been wrong; the run's own story says the verdict, and both."""
    told = tell(RECOVERED)
    story, document = told.story(lang), told.documents[lang]
    assert (document["health"], document["verdict"], document["health_now"]) == (
        "broken",
        "broken",
        "healthy",
    )
    marks = [
        piece.kind
        for line in lines_in(blocks_of(story.sections, Part.VERDICT))
        for piece in line
        if isinstance(piece, Mark)
    ]
    assert marks == ["broken", "healthy"]
    listed = exporter.get("/api/v1/list", params={"lang": lang.value, "search": RECOVERED}).json()["runs"]
    [row] = listed
    assert (row["health"], row["verdict"], row["earlier"]) == ("healthy", "broken", story.title)
    [run] = [one for one in exporter.get("/api/v1/runs").json()["runs"] if one["run"] == RECOVERED]
    assert (run["health"], run["verdict"]) == ("healthy", "broken")

"""One run, one story: page, report, check, alert and card say the same of it, in both languages."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from llmtrain_exporter.analyse.analysis import EPISODES_KEPT
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.bundle import HERE
from llmtrain_exporter.bundle.alerting.parts import alerts
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge import words
from llmtrain_exporter.knowledge.text import Lang, written
from llmtrain_exporter.model import RowKind, Snapshot
from llmtrain_exporter.notify.card import PlainText, body_text, line_text
from llmtrain_exporter.notify.compose import Backlog, RunAnswer, compose
from llmtrain_exporter.notify.config.settings import LinkRule
from llmtrain_exporter.notify.run_sections import ROOMS
from llmtrain_exporter.notify.webhook import parse
from llmtrain_exporter.publish.demo import BUNDLED
from llmtrain_exporter.publish.report import html as html_report
from llmtrain_exporter.story.blocks import Items, Line, Part, blocks_of, lines_in
from llmtrain_exporter.story.tree_json import from_object
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules

from benchmarks.detection.generator import write_demo
from tests.conftest import leave_out
from tests.relaying import NOW, alert, group
from tests.servers import ExporterProcess, eventually, series
from tests.training import touch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
DASH = "–"  # what a report writes where there is nothing
LANGS = list(Lang)

Story = Mapping[str, Any]
Cells = Sequence[str]


@dataclass(frozen=True)
class Told:
    """A run as one exporter tells it, and its log, which everything else reads."""

    log: Path
    stories: Mapping[Lang, Story]
    samples: Mapping[str, float]


# What everything is made from.


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the runs."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def exporter(root: Path) -> Iterator[ExporterProcess]:
    """An exporter that watches it."""
    with ExporterProcess([root, "--scan-interval", "1s", "--ignore-older", "0"]) as process:
        yield process


@pytest.fixture(scope="module")
def tell(request: pytest.FixtureRequest, root: Path, exporter: ExporterProcess) -> Callable[[str], Told]:
    """Puts the run of that name there once, and asks the exporter for its story."""
    known: dict[str, Told] = {}

    def told(name: str) -> Told:
        if name not in known:
            made = put(name, root.with_name(f"{name}-made"), lambda: request.getfixturevalue("corpus"))
            (whole,) = read_each(read_log, [str(made)], RunRules(Settings(), RunOptions()), time.time())
            log = made.parent.rename(root / name) / made.name
            assert isinstance(whole, Snapshot)
            records = {kind.value: whole.records.get(kind, 0) for kind in (RowKind.TRAIN, RowKind.EVAL)}
            eventually(lambda: story_of(exporter, name, Lang.EN).get("records") == records, within=20)
            stories = {lang: story_of(exporter, name, lang) for lang in LANGS}
            known[name] = Told(log, stories, exporter.metrics())
        return known[name]

    return told


def put(name: str, folder: Path, corpus: Callable[[], Path]) -> Path:
    """The log of a run in a folder of its own, which will not have been silent for long in the next hour."""
    log = write_generated(name, folder) if name in (RECOVERED, OFTEN) else copied(name, folder, corpus)
    return touch(log, time.time() + 3600)


def write_generated(name: str, folder: Path) -> Path:
    """A long run with several incidents, or the part of it with one that is over."""
    log = write_demo(folder)
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines if name == OFTEN else lines[500:600]))
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


def story_of(exporter: ExporterProcess, name: str, lang: Lang) -> Story:
    """What the exporter tells of a run."""
    told: Story = exporter.get("/api/v1/run", params={"run": name, "lang": lang.value}).json()
    return told


# How each medium is read.


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


def plain(markdown: str) -> str:
    """Markdown without what guards and marks its texts."""
    return re.sub(r"\\(.)|\*\*|`", r"\1", markdown)


def markdown_rows(markdown: str) -> list[Cells]:
    """The rows of all tables."""
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [[plain(cell) for cell in re.split(r"(?<!\\) \| ", line[2:-2])] for line in lines]


class _Page(html.parser.HTMLParser):
    """The text of a page, and the rows of its tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.rows: list[list[str]] = []
        self.feed(page[page.index("<body>") :])

    def handle_starttag(self, tag: str, _: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        self._in_cell = tag in ("th", "td") or (self._in_cell and tag not in ("tr", "p", "section"))

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data

    _in_cell = False


def findings_against(story: Story) -> list[Story]:
    """Those that speak against the run."""
    return [one for one in story["findings"] if one["severity"] != "info"]


def changes(action: Story, lang: Lang) -> list[str]:
    """What an action changes, and from what."""
    told = []
    for one in action["proposals"]:
        now = "" if one["now"] is None else words.NOW.of(lang).format(now=written(one["now"]))
        told.append(f"{one['change']}{now}")
    return told


def cells(row: Story) -> list[str]:
    """What the tables of metrics show of one."""
    return [row[key] for key in ("name", "value", "healthy", "judged_text")]


def stages_of(incident: Story, lang: Lang) -> list[tuple[str, str]]:
    """What broke in an incident, and at which step."""
    return [(words.STAGE[one["stage"]].of(lang), str(one["step"])) for one in incident["stages"]]


def when(finding: Story, lang: Lang) -> list[str]:
    """The steps of a finding, and how often it came; as `check` says "twice" in words."""
    last = finding["last_step"]
    steps = [str(finding["first_step"]), *([] if last in (None, finding["first_step"]) else [str(last)])]
    if finding["times"] == 1:
        return steps
    return [*steps, "twice" if (finding["times"], lang) == (2, Lang.EN) else str(finding["times"])]


def flat(parts: Iterable[Iterable[str]]) -> Iterator[str]:
    """All parts, one after the other."""
    return chain.from_iterable(parts)


def matters(row: Story) -> bool:
    """Whether a metric stands in a table that has not room for all."""
    return row["main"] or row["judged"] not in ("", "fine")


# The proofs.


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_check_says_what_the_exporter_says(
    tell: Callable[[str], Told], name: str, lang: Lang, capsys: pytest.CaptureFixture[str]
) -> None:
    """Health, state, metrics, incidents, findings, causes and advice, in this order and these words."""
    told = tell(name)
    story = told.stories[lang]
    code = run_cli(commands, ["check", str(told.log), "--lang", lang.value])
    text = capsys.readouterr().out
    assert code == ["healthy", "watch", "broken"].index(story["health"])
    assert_in_order([f"{name}: {story['health_text']}", story["state_text"]], text)
    assert_in_order(("".join(cells(row)) for row in story["rows"] if matters(row)), text)
    for incident in story["incidents"]:
        several = len(incident["stages"]) > 1
        chain = [f"{stage}({step})" if several else stage for stage, step in stages_of(incident, lang)]
        assert_in_order([str(incident["onset_step"]), *chain], text)
    assert_in_order(flat([*when(one, lang), one["title"], one["text"]] for one in story["findings"]), text)
    assert_in_order(story["causes"], text)
    actions = ([one["title"], *changes(one, lang), one["how"]] for one in story["actions"])
    assert_in_order(flat(actions), text)


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
    for story in told.stories.values():
        incidents = zip(story["incidents"], checked["incidents"], strict=True)
        assert all(one.items() <= more.items() for more, one in incidents)
        assert story["verdict"] == checked["health"]
        apart = {"incidents"} if name != OFTEN else {"incidents", "signals"}
        assert {key: story[key] for key in checked.keys() - apart} == {
            key: value for key, value in checked.items() if key not in apart
        }
        if name == OFTEN:
            assert EPISODES_KEPT <= len(story["signals"]) < len(checked["signals"])


@pytest.mark.parametrize("suffix", ["md", "html"])
@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_report_says_what_the_exporter_says(
    tell: Callable[[str], Told],
    name: str,
    lang: Lang,
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Verdict and worst signal in its head; every metric, finding, stage, cause and proposal below it."""
    told = tell(name)
    story = told.stories[lang]
    monkeypatch.setattr(html_report, "inline_svg", lambda *_: "")
    out = tmp_path / f"report.{suffix}"
    run_cli(commands, ["report", str(told.log), "-o", str(out), "--lang", lang.value])
    source = out.read_text("utf-8")
    page = _Page(source) if suffix == "html" else None
    text, rows = (plain(source), markdown_rows(source)) if page is None else (page.text, page.rows)
    assert_in_order([name, story["health_text"], *([story["title"]] if story["actions"] else [])], text)
    for part in (*story["findings"], *[{"text": one, "title": ""} for one in story["causes"]]):
        assert_in_order([part["title"], part["text"]], text)
    for row in story["rows"]:
        wanted = [row["value"], row["healthy"] or DASH, row["judged_text"] or DASH]
        assert any(found[0] == row["name"] and follow(wanted, found) for found in rows), (row, rows)
    for incident in story["incidents"]:
        for begun in stages_of(incident, lang):
            assert any(tuple(found[:2]) == begun for found in rows), (begun, rows)
    assert_in_order(flat((one["title"], one["how"]) for one in story["actions"]), text)
    for proposal in flat_proposals(story):
        found = [row for row in rows if row[0] == proposal["setting"] and proposal["flag"] in (*row, "")]
        now, value = ((proposal[key] and written(proposal[key])) or "" for key in ("now", "value"))
        assert any(now in row[1] and value in row[2] for row in found), (proposal, rows)


def follow(wanted: Cells, row: Cells) -> bool:
    """Whether they stand side by side in a row."""
    return any(list(row[at : at + len(wanted)]) == list(wanted) for at in range(len(row)))


def flat_proposals(story: Story) -> Iterator[Story]:
    """Those of all actions."""
    return chain.from_iterable(one["proposals"] for one in story["actions"])


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_card_says_what_the_exporter_says(tell: Callable[[str], Told], name: str, lang: Lang) -> None:
    """Its title is the story's; below it stand the story's own lines, as many as there is room for."""
    document = tell(name).stories[lang]
    story = from_object(document["story"])
    assert story is not None
    raised = parse(json.dumps(group(alert(run=name))).encode())
    card = compose(raised, RunAnswer(story, document), Backlog(), LinkRule(), lang, NOW)
    text = body_text(card, PlainText())
    assert_in_order([document["title"], name], card.title)
    assert text.startswith(next(map(written_line, lines_in(blocks_of(story.sections, Part.FACTS)))))
    for part, room in ROOMS.items():
        blocks = [block for block in blocks_of(story.sections, part) if isinstance(block, Items)]
        lines = [written_line(one.line) for block in blocks for one in block.items if not one.rank]
        shown = [line for line in lines if line in text]
        assert min(len(lines), room.items) <= len(shown) <= max(len(blocks), 1) * room.items
        assert_in_order(shown, text)


def written_line(line: Line) -> str:
    """As a card without markup has it."""
    return line_text(line, PlainText())


@pytest.fixture(scope="module")
def rules() -> Mapping[Lang, Mapping[tuple[str, str], Story]]:
    """The alerts on signals as they are rendered, by signal and severity."""
    found = {}
    for lang in LANGS:
        [source] = [text for path, text in alerts(lang, HERE).items() if path.endswith("llmtrain-runs.yml")]
        [rule_group] = yaml.safe_load(source)["groups"]
        found[lang] = {
            (rule["labels"]["signal"], rule["labels"]["severity"]): rule
            for rule in rule_group["rules"]
            if "signal" in rule.get("labels", ())
        }
    return found


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_alert_says_what_the_exporter_says(
    tell: Callable[[str], Told], rules: Mapping[Lang, Mapping[tuple[str, str], Story]], name: str, lang: Lang
) -> None:
    """The alert of each signal has its title, writes its worst value alike, and advises what the story does.

    Prometheus fills the numbers in: those that the exporter shows are those of the story.
    """
    told = tell(name)
    story, shown = told.stories[lang], told.samples
    episodes = [one for one in story["signals"] if one["severity"] != "info"]
    titles = {one["title"] for one in findings_against(story)}
    advised, named = set(), set()
    for signal in {one["signal"] for one in episodes}:
        own = [one for one in episodes if one["signal"] == signal]
        notes = [rules[lang][signal, one["severity"]]["annotations"] for one in own]
        [title] = {title for title in titles for note in notes if f" {title}," in f" {said(note, lang)}"}
        named.add(title)
        assert shown[series("llmtrain_signal_step", {"run": name, "signal": signal})] in {
            one["first_step"] for one in own
        }
        if "llmtrain_signal_peak" in notes[0]["description"]:
            peak = shown[series("llmtrain_signal_peak", {"run": name, "signal": signal})]
            assert any(one["peak"] == peak for one in own)
            texts = [one["text"] for one in story["findings"] if one["title"] == title]
            assert any(f"{one['peak']:.4g}" in text for one in own for text in texts), (own, texts)
        advised |= {one["title"] for one in story["actions"] if one["title"] in notes[0]["advice"]}
    assert named == titles
    assert bool(advised) == bool(story["actions"])


def said(note: Story, lang: Lang) -> str:
    """The description of an alert behind the name of its run, with the commas of English."""
    _, _, text = str(note["description"]).partition(words.COLON.of(lang))
    return text.replace(words.COMMA.of(lang), ", ").replace(".", ",", 1)


@pytest.fixture(scope="module")
def browser(real_tool: Callable[[str], Path]) -> Iterator[Browser]:
    """The system's chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        leave_out("needs playwright: pip install -e '.[test]'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=real_tool("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("lang", LANGS)
@EVERY
def test_the_page_shows_what_the_exporter_says(
    tell: Callable[[str], Told], exporter: ExporterProcess, browser: Browser, name: str, lang: Lang
) -> None:
    """Head, incidents, findings, causes, advice and every row of the table, as a browser has them."""
    story = tell(name).stories[lang]
    with browser.new_context(base_url=exporter.url) as visitor:
        page = visitor.new_page()
        page.goto(f"/run?run={name}&lang={lang.value}")
        page.wait_for_selector("#metrics tbody")
        parts: dict[str, str] = page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('#page section')]"
            ".map((part) => [part.id, part.textContent]))"
        )
        rows: list[Cells] = page.evaluate(
            "[...document.querySelectorAll('#metrics tbody tr:not(.group-row)')]"
            ".map((row) => [...row.cells].slice(0, 4).map((cell) => cell.textContent))"
        )
    assert rows == list(map(cells, story["rows"]))
    title = [] if story["title"] == story["health_text"] else [story["title"]]
    head = [story["health_text"], *title, story["state_text"]]
    assert_in_order(head, parts["verdict"])
    if story["health_now"] != story["health"]:
        assert_in_order([story["health_text"], words.HEALTH[story["health_now"]].of(lang)], parts["verdict"])
    for incident in story["incidents"]:
        told = [str(incident["onset_step"]), *flat(stages_of(incident, lang))]
        assert_in_order(told, parts["happened"])
    findings = ([*when(one, lang), one["title"], one["text"]] for one in story["findings"])
    assert_in_order(flat(findings), parts.get("happened", ""))
    assert_in_order(story["causes"], parts.get("why", ""))
    actions = ([one["title"], *flat(map(on_page, one["proposals"])), one["how"]] for one in story["actions"])
    assert_in_order(flat(actions), parts.get("todo", ""))


def on_page(proposal: Story) -> list[str]:
    """A change; the page sets the present value apart instead of in brackets."""
    return [proposal["change"], *([] if proposal["now"] is None else [written(proposal["now"])])]


@pytest.mark.parametrize("lang", LANGS)
def test_a_run_that_recovered_is_healthy_now_and_broken_on_the_whole(
    tell: Callable[[str], Told], exporter: ExporterProcess, lang: Lang
) -> None:
    """Lists say how a run is now and what had been wrong; the run's own story says the verdict, and both."""
    story = tell(RECOVERED).stories[lang]
    assert (story["health"], story["verdict"], story["health_now"]) == ("broken", "broken", "healthy")
    listed = exporter.get("/api/v1/list", params={"lang": lang.value, "search": RECOVERED}).json()["runs"]
    [row] = listed
    assert (row["health"], row["verdict"], row["earlier"]) == ("healthy", "broken", story["title"])
    [run] = [one for one in exporter.get("/api/v1/runs").json()["runs"] if one["run"] == RECOVERED]
    assert (run["health"], run["verdict"]) == ("healthy", "broken")

"""A log that tells no steps: all that is told of its run counts records, and no text calls them steps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.draw.from_history import marks
from llmtrain_exporter.knowledge.page_words import script_texts
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot, State
from llmtrain_exporter.notify.card import PlainText, body_text
from llmtrain_exporter.notify.compose import Backlog, CardSettings, RunAnswer, compose
from llmtrain_exporter.notify.webhook import parse
from llmtrain_exporter.publish.check_text import as_text
from llmtrain_exporter.publish.report.document import document
from llmtrain_exporter.publish.report.html import page_parts
from llmtrain_exporter.publish.report.markdown import sheet_parts
from llmtrain_exporter.publish.report.material import Material, material
from llmtrain_exporter.serve.pages.list_rows import progress_of
from llmtrain_exporter.serve.pages.run_page import chart_marks
from llmtrain_exporter.story.facts import progress
from llmtrain_exporter.story.news import news, so_far
from llmtrain_exporter.story.run_object import full_object, run_object
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.watching.history.columns import History
from llmtrain_exporter.watching.history.recorded import history
from llmtrain_exporter.watching.on_demand import read_each
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.write.html import HtmlWriter
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style

from tests.analysing import grpo
from tests.relaying import alert, group
from tests.training import save_checkpoint

NOW = 1_800_000_000.0
DEAD = {
    "kl": 40.0,
    "grad_norm": 1e3,
    "reward": 0.0,
    "reward_std": 0.0,
    "completions/mean_length": 900.0,
    "completions/clipped_ratio": 1.0,
}
A_STEP = re.compile(r"\bsteps? \d|\bstep: ?\d|第 ?\d[\d,]*[^。，；]{0,12}步|checkpoint-\d", re.IGNORECASE)
"""A number that is called a step, or that names a checkpoint."""


def printed(*rows: Mapping[str, object]) -> str:
    return "".join(f"{dict(row)}\n" for row in rows)


def collapse() -> str:
    """A run that collapses at its record 41, as `python train.py > train.log` keeps it without a bar."""
    rows = [*grpo(40), *({**row, **DEAD} for row in grpo(25, seed=1))]
    epochs = ({**row, "epoch": at / 100} for at, row in enumerate(rows, 1))
    return printed(*epochs, {"train_runtime": 9.0, "train_loss": 0.1, "epoch": 0.65})


def read(log: Path) -> Material:
    """The run of a printed log, with what a report needs of it."""
    rules = RunRules(Settings(stdout_log=("*.log",)), RunOptions(episodes_kept=1000))
    (found,) = read_each(history, [str(log)], rules, NOW)
    assert isinstance(found, History), found
    return material(found)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """The collapse, beside checkpoints of steps that nobody can tell from records."""
    folder = tmp_path_factory.mktemp("run")
    for step in (20, 60):
        save_checkpoint(folder, step)
    (folder / "train.log").write_text(collapse())
    return read(folder / "train.log")


def check(found: Material, lang: Lang) -> str:
    return "".join(as_text([found.run], [], Style(lang, 100, False), verbose=True))


def report(found: Material, lang: Lang) -> str:
    written = document([found], [], lang)
    return "".join((*page_parts(written, lambda: None), *sheet_parts(written, lambda one: one.name)))


def compared(found: Material, lang: Lang) -> str:
    return "".join(sheet_parts(document([found, found], [], lang), lambda one: one.name))


def page(found: Material, lang: Lang) -> str:
    return "".join(HtmlWriter(lambda _: "").blocks(run_story(found.run, lang).sections))


def card(found: Material, lang: Lang) -> str:
    answer = RunAnswer(run_story(found.run, lang), full_object(found.run, lang))
    notified = parse(json.dumps(group(alert())).encode())
    composed = compose(notified, answer, Backlog(), CardSettings(), lang, NOW)
    return f"{composed.title}\n{body_text(composed, PlainText())}"


def watch(found: Material, lang: Lang) -> str:
    """All that a pipe is told, of what was before and of what came while it looked."""
    run = found.run
    before = replace(run, episodes=(), incidents=(), state=State.WAITING)
    lines = (*so_far(run, lang), *news(before, run, NOW, lang))
    return "\n".join(line_text(line, Style(lang, 100, False)) for line in lines)


def row(found: Material, lang: Lang) -> str:
    done = progress_of(found.run, progress(found.run), lang)
    return "" if done is None else done.steps


SURFACES: tuple[Callable[[Material, Lang], str], ...] = (check, report, compared, page, card, watch, row)


def calls_it_a_step(text: str) -> list[str]:
    """What is called a step; charts have numbers of their own, and guides ask every 100 steps."""
    plain = re.sub(r"<svg.*?</svg>|<[^>]*>", "", text, flags=re.DOTALL)
    plain = re.sub(r"(Every|每) [\d,]+ (steps|步)|Found beside the log:.*|日志旁的 checkpoint：.*", "", plain)
    return [found.group() for found in A_STEP.finditer(plain)]


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("surface", SURFACES)
def test_records_are_never_called_steps(
    surface: Callable[[Material, Lang], str], lang: Lang, told: Material
) -> None:
    """Wherever a place in the run is told, and no checkpoint is named by the number of a record."""
    text = surface(told, lang)
    assert calls_it_a_step(text) == []
    assert ("record" if lang is Lang.EN else "条记录") in text


@pytest.mark.parametrize("lang", Lang)
def test_how_to_have_steps_is_told_once(lang: Lang, told: Material) -> None:
    """The setting, and the file of the trainer that states them."""
    text = check(told, lang)
    assert (text.count("--logging-steps"), text.count("trainer_state.json")) == (1, 1)


def test_programs_are_told_as_well(told: Material) -> None:
    """In the answers of the API, and in the charts of the page and of the card."""
    assert run_object(told.run)["step_is_record"] is True
    assert chart_marks(told.run)["unit"] == marks(full_object(told.run, Lang.EN)).unit == "record"
    texts = [script_texts(lang) for lang in Lang]
    assert [(words["step"], words["record"]) for words in texts] == [
        ("step {first}", "record {first}"),
        ("第 {first} 步", "第 {first} 条记录"),
    ]


def test_no_record_is_compared_with_the_step_of_a_checkpoint(told: Material) -> None:
    """Which of them lies before the onset is not known."""
    assert told.run.checkpoints == (20, 60)
    flags = [change.flag for remedy in diagnose(told.run).remedies for change in remedy.changes]
    assert [flag for flag in flags if "checkpoint-" in flag] == []


def real_logs(corpus: Path) -> Iterator[Path]:
    yield from sorted((corpus / "produced").glob("*/stdout*.log"))


def test_no_real_log_without_steps_is_told_in_steps(corpus: Path) -> None:
    """Printed logs without a bar, of every trainer at hand."""
    found = [read(log) for log in real_logs(corpus)]
    counted = [one for one in found if one.run.step_is_record]
    assert len(counted) > 3
    wrong: dict[str, list[str]] = {}
    for one in counted:
        for lang in Lang:
            for surface in (check, compared, page, watch):
                wrong.setdefault(one.run.file, []).extend(calls_it_a_step(surface(one, lang)))
    assert {file: words for file, words in wrong.items() if words} == {}


def test_a_run_with_steps_is_told_in_steps(told: Material) -> None:
    """The same run, had its log said where it was."""
    stepped: Snapshot = replace(told.run, step_is_record=False)
    text = "".join(as_text([stepped], [], Style(Lang.EN, 100, False), verbose=True))
    assert "step 41" in text
    assert "record 41" not in text

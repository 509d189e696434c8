"""Runs that are over: little is kept of them, and everything is told of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.serve.pages.listed_run import listed_run
from llmtrain_exporter.serve.pages.run_answers import RunAnswers, run_json
from llmtrain_exporter.serve.read_again import ReadAgain
from llmtrain_exporter.watching.live import LiveRun
from llmtrain_exporter.watching.parked_log import ParkedLog
from llmtrain_exporter.watching.sleeping import SleepingRun

from tests.conftest import ROOT
from tests.test_watch import START, Loop
from tests.training import append, swift, swift_summary, touch

CORPUS = Path(os.environ.get("LLMTRAIN_CORPUS", ROOT.parent / "shared/corpus"))
HOUR = 3600.0


def told(loop: Loop) -> dict[str, object]:
    """What lists, pages and API say of each run of a loop."""
    answers = answers_of(loop)
    return {
        shown.snapshot.run: [
            (
                repr(asdict(listed_run(shown, lang))),  # NaN is like NaN
                run_json(answers.whole(shown), shown, lang),
                answers.find(shown.snapshot.run).hyper_parameters,  # type: ignore[union-attr]
            )
            for lang in Lang
        ]
        for shown in loop.fleet.shown()
    }


def answers_of(loop: Loop) -> RunAnswers:
    """Who answers of the runs of a loop."""
    return RunAnswers(loop.fleet, ReadAgain(loop.settings, lambda: loop.now))


def watched(root: Path) -> Loop:
    """A loop that has read all that lies below a folder."""
    loop = Loop(root, ignore_older=None)
    loop.scan(4)
    loop.pass_time(4)
    return loop


def of_runs(loop: Loop) -> Mapping[str, str]:
    """What a scrape says of runs; NaN as a text, to be compared."""
    return {name: str(float(value)) for name, value in loop.values().items() if 'run="' in name}


@pytest.fixture(params=["fixtures", "corpus"])
def finished(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Real logs, written to long ago or a moment ago."""
    source = ROOT / "tests/fixtures" if request.param == "fixtures" else CORPUS / "public"
    if not source.is_dir():
        pytest.skip("needs LLMTRAIN_CORPUS, a folder of labelled logs")
    root = tmp_path / "logs"
    shutil.copytree(source, root)
    for at, path in enumerate(sorted(root.rglob("*"))):
        touch(path, START - 30 if at % 2 else START - 5 * HOUR)
    return root


def test_of_a_run_that_rests_all_is_told_as_of_one_that_does_not(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scrape, list, page and JSON are the same, whatever is kept of it."""
    resting = watched(finished)
    with monkeypatch.context() as patch:
        patch.setattr(LiveRun, "is_settled", lambda *_: False)
        awake = watched(finished)
    assert sum(shown.rests for shown in resting.fleet.shown()) > len(resting.runs) / 2
    assert not any(shown.rests for shown in awake.fleet.shown())
    assert of_runs(resting) == of_runs(awake)
    assert told(resting) == told(awake)


def ended(folder: Path, *rows: str, modified: float) -> Path:
    """A log of a run that is over, below a folder."""
    return append(folder / "run/logging.jsonl", *rows, swift_summary(len(rows)), modified=modified)


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    """One that has seen a run end."""
    loop = Loop(tmp_path)
    ended(tmp_path, *map(swift, range(1, 31)), modified=loop.now)
    loop.scan(4)
    (run,) = loop.watcher._runs
    assert isinstance(run, SleepingRun)
    assert isinstance(run.source, ParkedLog)
    return loop


def train_records(loop: Loop) -> float | None:
    """Those of the run, as exposed."""
    return loop.value("run", "records_total{kind=train}")


def test_a_log_that_is_touched_or_copied_is_not_read_again(loop: Loop) -> None:
    """The text is the same: nothing has happened."""
    log = loop.root / "run/logging.jsonl"
    read = loop.own("read_bytes_total")
    touch(log, loop.now)
    loop.look(2)
    shutil.copy(log, log.with_name("copy"))
    log.with_name("copy").replace(log)
    loop.look(2)
    (run,) = loop.watcher._runs
    assert isinstance(run, SleepingRun)
    assert not run.grown()
    assert loop.own("read_bytes_total") == read


@pytest.mark.parametrize("in_place", [True, False])
def test_another_text_of_the_same_size_is_read(loop: Loop, in_place: bool) -> None:
    """Whether the file has another number or not."""
    log = loop.root / "run/logging.jsonl"
    text = log.read_text().replace('"loss": 0.0333', '"loss": 0.0444')
    other = log if in_place else log.with_name("other")
    other.write_text(text)
    other.replace(log)
    touch(log, loop.now)
    loop.pass_time(6)
    assert loop.value("run", "loss{split=train}") == float(f"0.0444{'3' * 13}")


def test_a_log_that_goes_on_is_counted_on(loop: Loop) -> None:
    """From where the counters stood."""
    before = train_records(loop)
    loop.append("run/logging.jsonl", swift(31))
    loop.pass_time(2)
    assert train_records(loop) == (before or 0) + 1


def test_a_half_line_that_is_written_to_its_end_is_noticed(tmp_path: Path) -> None:
    """Of such a log all is kept that reads it."""
    loop = Loop(tmp_path)
    log = ended(tmp_path, *map(swift, range(1, 4)), modified=loop.now)
    row = swift(4)
    with log.open("a") as file:
        file.write(row[:20])
    touch(log, loop.now)
    loop.scan(4)
    with log.open("a") as file:
        file.write(row[20:] + "\n")
    touch(log, loop.now)
    loop.pass_time(2)
    assert train_records(loop) == 4


def test_of_a_log_that_is_gone_what_is_known_is_told(loop: Loop) -> None:
    """Its verdict and last values, and no step at which something would have been; later all again."""
    (shown,) = loop.fleet.shown()
    answers = answers_of(loop)
    log = loop.root / "run/logging.jsonl"
    log.rename(log.with_name("away"))
    run = answers.whole(shown)
    body = answers.answer(shown, "form", lambda _: b"outline")
    log.with_name("away").rename(log)
    again = answers.answer(shown, "form", lambda _: b"whole")
    assert (run.last_step, run.episodes, run.courses) == (30, (), {})
    assert run.samples
    assert (body, again) == (b"outline", b"whole")

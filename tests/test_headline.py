"""What a run's story leads with: the same in the list, in its page and in a scrape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import pace
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Diagnosis, Episode, Health, Series, Snapshot, State
from llmtrain_exporter.model import series as series_of
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.serve.pages.listed_run import listed_run
from llmtrain_exporter.story import headline
from llmtrain_exporter.story.headline import Headlines, headline_samples, worst_lasting

from tests.test_lost_gpu_hours import read as read_snapshot

ROOT = Path(__file__).resolve().parent.parent
LOGS = (
    *(ROOT / "exporter/llmtrain_exporter/demo" / name for name in ("collapse", "healthy")),
    *(ROOT / "tests/fixtures" / name for name in ("swift-sft", "swift-sft-nan", "swift-dpo", "bad-batch")),
)


@pytest.fixture(scope="module")
def collapsed() -> Snapshot:
    """A run in which much is wrong at its end."""
    return read_snapshot(LOGS[0])


def episode(signal: str, severity: Severity, active: bool = True) -> Episode:
    """One that began at step 1."""
    metric = series_of(SIGNALS[signal].metrics[0])
    return Episode(signal, severity, 1, 1, 1, 1.0, 1, 1.0, metric, None, None, active)


def told(samples: dict[Series, float]) -> dict[str, str]:
    """The labels of the headline among samples; empty where there is none."""
    found = [dict(key.labels) for key in samples if key.metric is m.HEADLINE]
    assert len(found) <= 1
    return found[0] if found else {}


def published(run: Snapshot) -> tuple[Shown, dict[str, str]]:
    """What the list has of a run, and its headline in a scrape."""
    exposition = Exposition()
    fleet = Fleet(exposition, ())
    fleet.publish(run)
    return fleet.shown()[0], told(dict(exposition.samples(run.run)))


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_list_page_and_scrape_lead_with_the_same(log: Path) -> None:
    """The worst signal is the list's, cause and remedy are the first that the page tells."""
    run = read_snapshot(log)
    shown, labels = published(run)
    signal, found = listed_run(shown, Lang.EN).signal, diagnose(run)
    if signal is None:
        assert labels == {}
        return
    assert (signal.name, signal.severity) == (labels["signal"], labels["severity"])
    assert labels.get("cause") == next((cause.cause for cause in found.causes), None)
    assert labels.get("remedy") == next((remedy.remedy for remedy in found.remedies), None)


def test_some_runs_have_a_headline() -> None:
    """Else the test above would hold of nothing."""
    assert {bool(published(read_snapshot(log))[1]) for log in LOGS} == {True, False}


def test_the_collapse_goes_before_its_parts(collapsed: Snapshot) -> None:
    """Of equally severe signals the one that stands for the others, wherever it stands among them."""
    parts = [episode("kl_high", Severity.CRITICAL), episode("collapse", Severity.CRITICAL)]
    assert worst_lasting(replace(collapsed, episodes=tuple(parts))) == ("collapse", Severity.CRITICAL)


def test_what_is_over_or_only_to_know_is_no_headline(collapsed: Snapshot) -> None:
    """A run that has come back to health leads with nothing."""
    over = (episode("kl_high", Severity.CRITICAL, active=False), episode("loss_plateau", Severity.INFO))
    assert worst_lasting(replace(collapsed, episodes=over, state=State.RUNNING)) is None
    assert headline_samples(replace(collapsed, episodes=over, state=State.RUNNING)) == {}


@pytest.mark.parametrize(
    ("health", "severity"), [(Health.BROKEN, Severity.CRITICAL), (Health.WATCH, Severity.WARNING)]
)
def test_silence_is_a_headline(collapsed: Snapshot, health: Health, severity: Severity) -> None:
    """No record shows it."""
    silent = replace(collapsed, episodes=(), state=State.STALLED, health=health)
    assert worst_lasting(silent) == ("stalled", severity)


def test_what_time_alone_changes_is_told_at_once(collapsed: Snapshot) -> None:
    """Silence that has become critical, and one so long that the run was likely ended; no record says so."""
    kept = Headlines()
    silent = replace(collapsed, episodes=(), incidents=(), state=State.STALLED, health=Health.WATCH)
    for run in (silent, silent := replace(silent, health=Health.BROKEN), replace(silent, cut_off=True)):
        assert kept.samples(run) == headline_samples(run)


def test_a_diagnosis_is_made_as_often_as_it_can_be_seen(
    collapsed: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anew when signals, state or half a minute have passed; not with each record."""
    made: list[float | None] = []

    def noted(run: Snapshot) -> Diagnosis:
        made.append(run.last_record)
        return diagnose(run)

    monkeypatch.setattr(headline, "diagnose", noted)
    kept, last = Headlines(), collapsed.last_record or 0.0
    for run in (
        collapsed,
        replace(collapsed, last_record=last + pace.HEADLINE_SECONDS / 2),  # not yet
        replace(collapsed, last_record=last + pace.HEADLINE_SECONDS),
        replace(collapsed, last_record=last),  # a new log
        replace(collapsed, state=State.FAILED),
        replace(collapsed, state=State.FAILED, episodes=collapsed.episodes[:1]),
    ):
        assert told(dict(kept.samples(run))) or worst_lasting(run) is None
    assert made[:4] == [last, last + pace.HEADLINE_SECONDS, last, last]
    kept.forget(collapsed.run)
    kept.samples(collapsed)
    assert len(made) >= 5


def test_no_name_means_two_things() -> None:
    """A dashboard has one list of words for all labels of a headline."""
    names = [*SIGNALS, *CAUSES, *REMEDIES]
    assert len(names) == len(set(names))

"""`serve --protect`: the exporter keeps checkpoints of the runs that it watches, and shows that."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from llmtrain_exporter.config import Settings
from llmtrain_exporter.guard.keep.keeping import Bounds
from llmtrain_exporter.guard.keep.news import MarkObserver
from llmtrain_exporter.guard.keep.protector import RunProtector, Wishes
from llmtrain_exporter.guard.keep.settling import QUIET_SECONDS
from llmtrain_exporter.ingest.discover import SearchOptions, discover
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER
from llmtrain_exporter.model import Protected
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.observed_run import ObservedRun
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watchers import Watchers
from prometheus_client.parser import text_string_to_metric_families

from tests.rounds import read_all, search_and_read
from tests.saved_checkpoints import save
from tests.servers import ExporterProcess, eventually
from tests.test_guard_protector import ILL, WELL
from tests.test_history_live import KeptSamples
from tests.training import append

NOW = 1_700_000_000.0


class ByHand:
    """Protects when a test says so."""

    def __init__(self) -> None:
        self.one = RunProtector(Wishes(Bounds(5, 0)))

    def for_thread(self) -> RunProtector:
        """The only one."""
        return self.one

    def protected(self) -> Sequence[Protected]:
        """What is kept of which run."""
        return self.one.protected()


def rows(first: int, last: int, row: dict[str, float]) -> list[str]:
    return [json.dumps({**row, "global_step/max_steps": f"{step}/2000"}) for step in range(first, last + 1)]


def kept(folder: Path) -> list[str]:
    path = folder / KEPT_FOLDER
    return sorted(os.listdir(path)) if path.exists() else []


def test_a_watched_run_is_protected_and_that_is_shown(tmp_path: Path) -> None:
    """Its checkpoints lie beside its log; a run that is well has no such series."""
    exposition = Exposition()
    fleet = Fleet(exposition, (str(tmp_path),))
    telemetry = Telemetry("0", fleet, exposition)
    protection = ByHand()
    telemetry.show_protection(protection)
    (watcher,) = Watchers(Settings(paths=(str(tmp_path),)), fleet, telemetry, protection=protection).all
    for run in ("ill", "well"):
        append(tmp_path / run / "logging.jsonl", *rows(1, 40, WELL), modified=NOW)
        for step in (10, 20, 30):
            save(tmp_path / run, step)
    search_and_read(watcher, 0.0, NOW)
    protection.one.look(0.0)
    assert kept(tmp_path / "ill") == []
    append(tmp_path / "ill/logging.jsonl", *rows(41, 43, ILL), modified=NOW + 1)
    read_all(watcher, 1.0, NOW + 1)
    protection.one.look(1.0)
    assert [name for name in kept(tmp_path / "ill") if name[-1] == "0"] == [
        *("checkpoint-10", "checkpoint-20", "checkpoint-30")
    ]
    assert kept(tmp_path / "well") == []
    families = text_string_to_metric_families(telemetry.render(openmetrics=False).decode())
    shown = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("llmtrain_guard_")
    }
    assert shown["llmtrain_guard_kept_checkpoints", "ill"] == 3
    assert shown["llmtrain_guard_kept_step", "ill"] == 30
    assert shown["llmtrain_guard_actions_total", "keep", "ill"] == 3
    assert shown["llmtrain_guard_obstacles_total", "no_room", "ill"] == 0
    assert not any("well" in key for key in shown)


def test_what_is_kept_is_no_run_of_its_own(tmp_path: Path) -> None:
    """Nor is the log of what was done; the folder is passed by."""
    append(tmp_path / "out/logging.jsonl", *rows(1, 3, WELL))
    save(tmp_path / "out" / KEPT_FOLDER, 10)
    append(tmp_path / "out" / KEPT_FOLDER / "log.jsonl", '{"loss": 1.0, "step": 3}')
    scan = discover([str(tmp_path)], SearchOptions(ignore_older=None), 0.0)
    assert [found.run for found in scan.found] == ["out"]
    assert scan.left_out == {"skipped_folder": 1}


def test_serve_protects_where_that_is_asked_for(tmp_path: Path) -> None:
    """From the command line to a scrape, with a run that gets ill while it is watched."""
    out = tmp_path / "out"
    append(out / "logging.jsonl", *rows(1, 40, WELL))
    for step in (10, 20, 30):
        save(out, step)
    with ExporterProcess([tmp_path, "--protect", "--keep", "2", "--keep-free", "0"]) as exporter:
        eventually(lambda: exporter.metrics().get('llmtrain_step{run="out"}') == 40)
        append(out / "logging.jsonl", *rows(41, 45, ILL))
        eventually(lambda: exporter.metrics().get('llmtrain_guard_kept_checkpoints{run="out"}') == 2)
    assert {"checkpoint-20", "checkpoint-30"} <= set(kept(out))
    assert "checkpoint-10" not in kept(out)


def test_without_being_asked_it_writes_nothing(tmp_path: Path) -> None:
    """The folders of others are read alone."""
    out = tmp_path / "out"
    append(out / "logging.jsonl", *rows(1, 40, WELL))
    save(out, 30)
    with ExporterProcess([tmp_path]) as exporter:
        eventually(lambda: exporter.metrics().get('llmtrain_step{run="out"}') == 40)
        append(out / "logging.jsonl", *rows(41, 45, ILL))
        eventually(lambda: exporter.metrics().get('llmtrain_step{run="out"}') == 45)
        exporter.read_again()
    assert sorted(os.listdir(out)) == ["checkpoint-30", "logging.jsonl"]


def test_a_run_that_is_protected_can_be_sent_as_well(tmp_path: Path) -> None:
    """Each sees all of its records; only who sends them needs the run as it stood at each."""
    exposition = Exposition()
    fleet = Fleet(exposition, (str(tmp_path),))
    protection, sink = ByHand(), KeptSamples()
    telemetry = Telemetry("0", fleet, exposition)
    (watcher,) = Watchers(Settings(paths=(str(tmp_path),)), fleet, telemetry, sink, protection).all
    append(tmp_path / "ill/logging.jsonl", *rows(1, 40, WELL), modified=NOW)
    save(tmp_path / "ill", 30)
    search_and_read(watcher, 0.0, NOW)
    append(tmp_path / "ill/logging.jsonl", *rows(41, 43, ILL), modified=NOW + 1)
    read_all(watcher, 1.0, NOW + 1)
    protection.one.look(1.0)
    protection.one.look(1.0 + QUIET_SECONDS)
    assert "checkpoint-30" in kept(tmp_path / "ill")
    assert sink.to_read == [("ill", 40)]
    assert [samples.record for samples in sink.take()] == [41, 42, 43]


def test_who_protects_a_run_does_not_slow_it_down() -> None:
    """Its records are folded by blocks, as those of any run that is only watched."""
    assert not ObservedRun(None, MarkObserver()).reads_state


def test_the_checkpoints_of_a_printed_log_are_those_with_its_rows(tmp_path: Path) -> None:
    """What a script prints goes to a file beside its output folder, more often than into it."""
    exposition = Exposition()
    fleet = Fleet(exposition, (str(tmp_path),))
    protection = ByHand()
    telemetry = Telemetry("0", fleet, exposition)
    (watcher,) = Watchers(Settings(paths=(str(tmp_path),)), fleet, telemetry, protection=protection).all
    append(
        tmp_path / "train.log", *(str({**WELL, "epoch": step / 100}) for step in range(1, 41)), modified=NOW
    )
    history = [{**WELL, "epoch": step / 100, "step": step} for step in range(1, 31)]
    for step in (20, 30):
        folder = save(tmp_path / "out", step)
        state = json.dumps({"global_step": step, "max_steps": 2000, "log_history": history[:step]}, indent=2)
        (folder / "trainer_state.json").write_text(state)
    search_and_read(watcher, 0.0, NOW)
    append(
        tmp_path / "train.log", *(str({**ILL, "epoch": step / 100}) for step in (41, 42)), modified=NOW + 1
    )
    read_all(watcher, 1.0, NOW + 1)
    assert [shown.run for shown in fleet.snapshots()] == ["train"]
    protection.one.look(1.0)
    protection.one.look(1.0 + QUIET_SECONDS)  # such a log tells no steps
    assert {"checkpoint-20", "checkpoint-30"} <= set(kept(tmp_path / "out"))
    assert kept(tmp_path) == []

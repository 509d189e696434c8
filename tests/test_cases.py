"""Small inputs that were read wrongly once, as labelled: records, steps, resumes, states, verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings as Configured
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import speed
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import NoRun, Resume, RowKind, Snapshot, series
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules

NOW = 4e9  # long after every log


def labels(cases: Path) -> dict[str, dict[str, Any]]:
    """The label of each file."""
    return {label["file"]: label for label in yaml.safe_load((cases / "labels.yaml").read_text("utf-8"))}


def checked(path: Path) -> list[Snapshot | NoRun]:
    return list(read_each(read_log, [str(path)], RunRules(Configured(), RunOptions()), NOW))


def differences(found: list[Snapshot | NoRun], label: dict[str, Any]) -> list[str]:
    """What of a label does not hold."""
    runs = [run for run in found if isinstance(run, Snapshot)]
    if len(runs) != 1:
        return [f"{len(runs)} runs"]
    (run,) = runs
    says = {
        "verdict": run.verdict.name.lower(),
        "train": run.records.get(RowKind.TRAIN, 0),
        "last_step": run.last_step,
        "resumes": len(run.resumes),
    }
    wrong = [f"{key}: {says[key]}" for key in says if key in label and says[key] != label[key]]
    if "verdicts" in label and says["verdict"] not in label["verdicts"]:
        wrong.append(f"verdict: {says['verdict']}")
    if run.state.value == label.get("state_not"):
        wrong.append(f"state: {run.state.value}")
    return [*wrong, *_signals(run, label)]


def _signals(run: Snapshot, label: dict[str, Any]) -> list[str]:
    wrong = [
        f"no {must['signal']}"
        for must in label.get("must", ())
        if not any(
            episode.signal == must["signal"] and episode.first_step <= must.get("by", episode.first_step)
            for episode in run.episodes
        )
    ]
    critical = [episode.signal for episode in run.episodes if episode.severity is Severity.CRITICAL]
    return wrong + (critical if label.get("critical") == "none" else [])


def test_every_label_holds(cases: Path) -> None:
    """As `check` reads each input."""
    wrong = {
        file: told
        for file, label in labels(cases).items()
        if (told := differences(checked(cases / file), label))
    }
    assert wrong == {}


def test_steps_that_no_label_states(cases: Path) -> None:
    """A log that begins in the middle; rows whose steps nothing tells."""
    (resumed,) = checked(cases / "wandb-output-resumed.log")
    (counted,) = checked(cases / "trl-ppo-printed.log")
    assert isinstance(resumed, Snapshot)
    assert isinstance(counted, Snapshot)
    assert (resumed.first_step, resumed.last_step, resumed.max_steps) == (13218, 13346, 22000)
    assert not resumed.step_is_record
    assert (counted.last_step, counted.step_is_record, counted.max_steps) == (2, True, None)


def test_memory_is_known_under_the_names_that_axolotl_gives_it(cases: Path) -> None:
    """What is active is the memory of the run, in bytes; the rest has names of its own."""
    (run,) = checked(cases / "axolotl-memory-keys.log")
    assert isinstance(run, Snapshot)
    assert run.samples[series(c.MEMORY)] == 34.89 * 2**30
    assert run.samples[series(speed.MEMORY_RESERVED)] > run.samples[series(speed.MEMORY_ALLOCATED)]
    assert c.OTHER not in {sample.metric for sample in run.samples}


def test_a_resume_in_the_same_file_is_told_with_its_steps(cases: Path) -> None:
    """From the last row of the first process to the first of the next; a summary tells its own step."""
    files = ("resume_append/train.log", "swift-resume-after-summary/logging.jsonl")
    found = [run for file in files for run in checked(cases / file) if isinstance(run, Snapshot)]
    assert [run.resumes for run in found] == [(Resume(700, 510),), (Resume(77, 65),)]

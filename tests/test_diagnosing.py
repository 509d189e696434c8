"""Causes by what a run shows, and remedies that apply to it: of real runs and of made-up ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.ingest.dialects import trainer_state
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.evidence_limits import CLEAR, SHOWN
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.text import PATTERN, Lang
from llmtrain_exporter.model import Diagnosis, Snapshot
from llmtrain_exporter.story import diagnosis as told
from llmtrain_exporter.story.run_object import run_object
from llmtrain_exporter.story.run_story import run_story

from benchmarks.detection.score import analyse
from benchmarks.diagnosis.__main__ import measured
from benchmarks.diagnosis.planted import PLANTS, Planted, planted_runs
from tests.serving import RUN
from tests.test_corpus import runs

SEED = 21


def snapshot(run: Planted) -> Snapshot:
    """What is known of a planted run."""
    return analyse(run.log, trainer_state.DIALECT, json.dumps(run.arguments).encode())[0]


def entries(corpus: Path) -> list[tuple[Mapping[str, Any], Snapshot]]:
    """The runs that a careful reader has read, with what that reader says."""
    wanted = yaml.safe_load((corpus / "diagnosis.yaml").read_text("utf-8"))
    found = [(entry, runs(corpus / entry["file"])) for entry in wanted]
    assert all(len(read) == 1 for _, read in found)
    return [(entry, read[0]) for entry, read in found]


def differences(entry: Mapping[str, Any], found: Diagnosis) -> list[str]:
    """What is told otherwise than the reader says."""
    causes = [cause.cause for cause in found.causes]
    remedies = [remedy.remedy for remedy in found.remedies]
    wrong = []
    if "first" in entry and not (causes and causes[0] in entry["first"]):
        wrong.append(f"{entry['file']}: the leading cause is {causes[:1]}")
    if "do" in entry and not set(entry["do"]) & set(remedies[:3]):
        wrong.append(f"{entry['file']}: first to do is {remedies[:3]}")
    wrong += [f"{entry['file']}: {remedy}" for remedy in entry.get("never", ()) if remedy in remedies]
    changes = [change for remedy in found.remedies for change in remedy.changes]
    for setting in entry.get("settings", ()):
        for change in changes:
            if change.setting == setting["setting"]:
                stated = setting.get("now") == "unknown" and change.now is not None
                low = (
                    "below" in setting and isinstance(change.value, float) and change.value < setting["below"]
                )
                wrong += [f"{entry['file']}: {change}"] if stated or low else []
    return wrong


def test_real_runs_are_told_as_a_careful_reader_tells_them(corpus: Path) -> None:
    """The leading cause, what to do first, and what must never be told."""
    read = entries(corpus)
    assert len(read) > 10
    assert [wrong for entry, run in read for wrong in differences(entry, diagnose(run))] == []


def test_a_planted_cause_leads() -> None:
    """In nine of ten random runs at least, and no advice would have done harm."""
    table = measured(SEED, 5 * len(PLANTS), misses=True)
    assert not table.failed(require_real=True), table.text()


@pytest.mark.parametrize("lang", Lang)
def test_a_diagnosis_does_not_contradict_itself(lang: Lang) -> None:
    """No value that is in force, nothing below what a lower bound says, no blank, nothing twice."""
    for planted in planted_runs(SEED, 3 * len(PLANTS)):
        run = snapshot(planted)
        found = diagnose(run)
        weights = [cause.weight for cause in found.causes]
        assert weights == sorted(weights, reverse=True)
        assert all(weight >= SHOWN for weight in weights)
        assert found.clear == bool(weights and weights[0] >= CLEAR)
        shown = {cause.cause for cause in found.causes}
        for remedy in found.remedies:
            assert set(remedy.because) <= shown
            assert all(change.value is None or change.value != change.now for change in remedy.changes)
        reasons, actions = told.causes(run, found, lang), told.actions(run, found, lang)
        texts = [text for reason in reasons for text in (reason.title, reason.how, *reason.proofs)]
        texts += [text for action in actions for text in (action.title, action.how)]
        assert [text for text in texts if PATTERN.search(text)] == []
        assert len({action.title for action in actions}) == len(actions)


def test_every_cause_that_is_shown_has_something_to_show() -> None:
    """Evidence in numbers and steps, which lie in the run."""
    for planted in planted_runs(SEED, 2 * len(PLANTS)):
        run = snapshot(planted)
        for cause in diagnose(run).causes:
            assert cause.evidence
            for proof in cause.evidence:
                steps = [step for step in (proof.from_step, proof.to_step) if step is not None]
                assert all((run.first_step or 0) <= step <= (run.last_step or 0) for step in steps)


def test_nothing_is_said_of_a_run_against_which_nothing_speaks() -> None:
    """No cause, no remedy, and no section for them."""
    assert diagnose(RUN) == Diagnosis()
    assert {section.part.value for section in run_story(RUN, Lang.EN).sections}.isdisjoint(
        ("causes", "actions")
    )


def test_a_checkpoint_is_proposed_that_is_there_and_from_before() -> None:
    """By its path; none where the last one lies behind the onset."""
    planted = next(run for run in planted_runs(SEED, len(PLANTS)) if run.plant == "policy_drift")
    run = replace(snapshot(planted), file="/runs/a run/trainer_state.json")
    onset = run.incidents[-1].onset_step

    def proposed(*checkpoints: int) -> list[str]:
        found = diagnose(replace(run, checkpoints=checkpoints))
        back = [remedy for remedy in found.remedies if remedy.remedy == "roll_back"]
        return [change.flag for remedy in back for change in remedy.changes]

    assert proposed(onset - 2, onset - 1, onset + 5) == [
        f"--resume_from_checkpoint '/runs/a run/checkpoint-{onset - 1}'"
    ]
    assert proposed(onset, onset + 5) == []
    assert proposed() == []


def test_a_diagnosis_is_documented_json() -> None:
    """Its fields, and an unknown present value as null."""
    planted = next(run for run in planted_runs(SEED, len(PLANTS)) if run.plant == "policy_drift")
    found: Any = run_object(replace(snapshot(planted), hyper_parameters=RUN.hyper_parameters))["diagnosis"]
    assert set(found) == {"clear", "causes", "remedies", "lost_gpu_hours"}
    assert set(found["causes"][0]) == {"cause", "weight", "evidence"}
    assert set(found["causes"][0]["evidence"][0]) == {"metric", "from_step", "to_step", "before", "at"}
    assert set(found["remedies"][0]) == {"remedy", "because", "changes"}
    changes = [change for remedy in found["remedies"] for change in remedy["changes"]]
    assert {tuple(change) for change in changes} == {("setting", "now", "value", "flag")}
    assert all(cause["cause"] in CAUSES for cause in found["causes"])
    assert all(remedy["remedy"] in REMEDIES for remedy in found["remedies"])
    json.dumps(found, allow_nan=False)

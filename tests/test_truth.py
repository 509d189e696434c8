"""What a diagnosis says is so: its numbers stand in the log, and its advice does not contradict itself."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.prescribing import applies, length_limit
from llmtrain_exporter.ingest.dialects import trainer_state
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Diagnosis, Proof, Series, Snapshot
from llmtrain_exporter.story.diagnosis import actions, causes

from benchmarks.detection.score import analyse
from benchmarks.diagnosis.planted import LogRow, planted_runs
from tests.test_corpus import labels, runs

SEED, RUNS = 31, 60
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True)
class Told:
    """A run and what is told of it; `rows` by step where they are plain to read."""

    name: str
    run: Snapshot
    found: Diagnosis
    rows: dict[int, list[float]]


def values_by_step(rows: list[LogRow]) -> dict[int, list[float]]:
    """Every number of a log by its step."""
    found: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        found[int(row["step"])] += [value for value in row.values() if isinstance(value, (int, float))]
    return found


def planted() -> Iterator[Told]:
    """Random runs with a cause that is known."""
    for number, plan in enumerate(planted_runs(SEED, RUNS)):
        run, _ = analyse(plan.log, trainer_state.DIALECT, json.dumps(plan.arguments).encode())
        yield Told(f"{plan.plant} {number}", run, diagnose(run), values_by_step(plan.rows))


def labelled(corpus: Path) -> Iterator[Told]:
    """The real logs."""
    for path, _ in labels(corpus):
        for run in runs(path):
            yield Told(str(path), run, diagnose(run), {})


@pytest.fixture(scope="module")
def told(corpus: Path) -> list[Told]:
    """All runs of which something is told."""
    found = [one for one in (*planted(), *labelled(corpus)) if one.found.causes]
    assert len(found) > RUNS
    return found


def is_same(one: float, other: float) -> bool:
    """But for the digits of a 32-bit float."""
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-12)


def points(proof: Proof) -> Iterator[tuple[int, int, float]]:
    """Between which steps each number of a piece of evidence must stand."""
    if isinstance(proof.metric, str):
        return
    assert proof.from_step is not None
    assert proof.to_step is not None
    yield (proof.from_step if proof.before is None else proof.to_step), proof.to_step, proof.at
    if proof.before is not None:
        yield proof.from_step, proof.from_step, proof.before


def stands_there(one: Told, series: Series, first: int, last: int, value: float) -> bool:
    """Whether a value was logged between two steps."""
    if one.rows:
        return any(
            is_same(value, seen) for step in one.rows if first <= step <= last for seen in one.rows[step]
        )
    known = [(point.step, point.value) for course in one.run.courses.values() for point in course.of(series)]
    known += [(episode.peak_step, episode.peak) for episode in one.run.episodes if episode.metric == series]
    return any(first <= step <= last and is_same(value, seen) for step, seen in known)


def test_every_number_of_the_evidence_stands_in_the_log(told: list[Told]) -> None:
    """At the step that is told, or between the two."""
    wrong = [
        (one.name, cause.cause, proof)
        for one in told
        for cause in one.found.causes
        for proof in cause.evidence
        for first, last, value in points(proof)
        if not isinstance(proof.metric, str) and not stands_there(one, proof.metric, first, last, value)
    ]
    assert wrong == []


def test_no_two_numbers_are_told_of_one_metric_at_one_step(told: list[Told]) -> None:
    """Among all evidence and what signals say; after a resume a step is there twice."""
    for one in told:
        if one.run.resumes:
            continue
        known: dict[tuple[Series, int], float] = {}
        for episode in one.run.episodes:
            known.setdefault((episode.metric, episode.peak_step), episode.peak)
        for proof in (proof for cause in one.found.causes for proof in cause.evidence):
            for first, last, value in points(proof):
                if first == last and not isinstance(proof.metric, str):
                    assert is_same(known.setdefault((proof.metric, last), value), value), (one.name, proof)


def test_a_cause_names_a_metric_once(told: list[Told]) -> None:
    """Two sentences on the same would differ."""
    for one in told:
        for cause in one.found.causes:
            assert max(Counter(proof.metric for proof in cause.evidence).values(), default=1) == 1


def test_remedies_have_a_cause_that_is_shown_and_apply(told: list[Told]) -> None:
    """Each once, and nothing that must not be told."""
    for one in told:
        shown = {cause.cause for cause in one.found.causes}
        names = [remedy.remedy for remedy in one.found.remedies]
        assert len(set(names)) == len(names)
        for remedy in one.found.remedies:
            assert remedy.because
            assert set(remedy.because) <= shown
            assert applies(REMEDIES[remedy.remedy], Case(one.run)), (one.name, remedy.remedy)


def test_no_proposal_is_in_force_or_pulls_against_another(told: list[Told]) -> None:
    """All of one setting go the same way."""
    for one in told:
        sides = defaultdict(set)
        for change in (change for remedy in one.found.remedies for change in remedy.changes):
            assert change.value is None or change.value != change.now, (one.name, change)
            if isinstance(change.value, float):
                assert math.isfinite(change.value)
                if isinstance(change.now, float):
                    sides[change.setting].add(change.value > change.now)
        assert all(len(ways) == 1 for ways in sides.values()), (one.name, sides)


def test_no_proposal_lies_beyond_the_other_end_of_what_is_healthy(told: list[Told]) -> None:
    """Learning rates go below where the signal begins, limits never below the longest healthy answer."""
    for one in told:
        case = Case(one.run)
        logged = [point.value for key in case.series(c.LEARNING_RATE) for point in case.points(key)]
        for remedy in one.found.remedies:
            for change in remedy.changes:
                if not isinstance(change.value, float):
                    continue
                if remedy.remedy == "lower_learning_rate":
                    assert 0 < change.value < min(1e-3, max(logged, default=math.inf)), (one.name, change)
                if change.setting == "max_completion_length":
                    limit, lowers = length_limit(case), remedy.remedy == "shorten_completions"
                    healthy = [
                        point.value
                        for key in case.longest_lengths()[:1]
                        for point in case.points(key)
                        if case.onset is None or point.step < case.onset
                    ]
                    assert limit is None or (change.value < limit) == lowers
                    assert change.value >= max(healthy, default=0), (one.name, change)


def test_no_checkpoint_is_named_that_is_not_there(told: list[Told]) -> None:
    """In no flag, and none of remedies that need one."""
    for one in told:
        for change in (change for remedy in one.found.remedies for change in remedy.changes):
            if change.setting == "resume_from_checkpoint":
                step = int(str(change.value).rpartition("-")[2])
                assert step in one.run.checkpoints


def test_both_languages_tell_the_same(told: list[Told]) -> None:
    """As many causes and actions, with the same numbers."""
    for one in told:
        reasons = [causes(one.run, one.found, lang) for lang in Lang]
        for english, chinese in zip(*reasons, strict=True):
            for sentence, same in zip(english.proofs, chinese.proofs, strict=True):
                assert sorted(NUMBER.findall(sentence)) == sorted(NUMBER.findall(same))
        todo = [actions(one.run, one.found, lang) for lang in Lang]
        assert [action.proposals for action in todo[0]] == [action.proposals for action in todo[1]]

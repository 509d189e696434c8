"""What a diagnosis says is so: its numbers stand in the log, and its advice does not contradict itself."""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.diagnosis import diagnose
from llmtrain_exporter.analyse.diagnosis.case import SILENT_SINCE, Case
from llmtrain_exporter.analyse.diagnosis.prescribing import applies, length_limit
from llmtrain_exporter.ingest.dialects import trainer_state
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.signal import Measure
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Diagnosis, Health, Proof, Series, Snapshot
from llmtrain_exporter.story.diagnosis import actions, causes, findings
from llmtrain_exporter.story.numbers import series_name
from llmtrain_exporter.story.run_story import run_story

from benchmarks.detection.score import analyse
from benchmarks.diagnosis.planted import PLANTS, LogRow, Planted, Sketch, planted_runs
from tests.test_corpus import labels, runs

SEED, RUNS = 31, 60
PLAIN = {"learning_rate": 1e-6, "max_completion_length": 512}
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
    """At the step that is told, or between the two. Since when a run is silent its records do not tell."""
    wrong = [
        (one.name, cause.cause, proof)
        for one in told
        for cause in one.found.causes
        for proof in cause.evidence
        for first, last, value in points(proof)
        if not isinstance(proof.metric, str)
        and proof.metric != SILENT_SINCE
        and not stands_there(one, proof.metric, first, last, value)
    ]
    assert wrong == []


def test_what_was_before_was_before(told: list[Told]) -> None:
    """Steps go forward, where no resume took the run back."""
    for one in told:
        for proof in (proof for cause in one.found.causes for proof in cause.evidence):
            steps = (proof.from_step, proof.to_step)
            assert one.run.resumes or None in steps or (proof.from_step or 0) <= (proof.to_step or 0), (
                one.name,
                proof,
            )


def test_no_two_numbers_are_told_of_one_metric_at_one_step(told: list[Told]) -> None:
    """Among all evidence and what signals say; after a resume a step is there twice."""
    for one in told:
        if one.run.resumes:
            continue
        known: dict[tuple[Series, int], float] = {}
        for episode in one.run.episodes:
            if SIGNALS[episode.signal].measure is not Measure.TRUTH:  # a collapse counts families
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


# Kinds of what was told wrongly, each on a made log.


def made(plant: str, records: int = 60, onset: int = 24, **settings: object) -> Planted:
    """The rows of a plant as they are, to be changed."""
    sketch = Sketch(random.Random(plant), records, onset)
    rows = PLANTS[plant][0](sketch)
    for row in rows:
        row["epoch"] = sketch.epochs * row["step"] / records
    return Planted(plant, frozenset(), frozenset(), rows, {**sketch.arguments, **settings})


def calm(records: int) -> Planted:
    """A run of GRPO in which nothing happens."""
    plan = made("policy_drift", records, onset=records)
    return Planted("calm", frozenset(), frozenset(), plan.rows, PLAIN)


def snapshot(plan: Planted) -> Snapshot:
    """What is known of such a run."""
    return analyse(plan.log, trainer_state.DIALECT, json.dumps(plan.arguments).encode())[0]


def leading(plan: Planted) -> str | None:
    """The cause that is told first."""
    found = diagnose(snapshot(plan)).causes
    return found[0].cause if found else None


def test_one_odd_record_is_no_drift() -> None:
    """kl is as before in the next one; beta stays what it is."""
    plan = calm(60)
    plan.rows[40]["kl"] = 0.9
    found = diagnose(snapshot(plan))
    assert found.causes[0].cause == "bad_batch"
    assert "raise_beta" not in {remedy.remedy for remedy in found.remedies}


def test_noise_of_a_small_reward_function_is_no_hacking() -> None:
    """One that lies about 0 goes down while what counts is learned."""
    plan, source = calm(80), random.Random(1)
    for at, row in enumerate(plan.rows):
        row["rewards/tags/mean"] = source.gauss(0.01, 0.02)
        row["rewards/accuracy_reward/mean"] = 0.1 + at / 100
    plan.rows[40]["kl"] = 0.9
    assert "reward_hacking" not in {cause.cause for cause in diagnose(snapshot(plan)).causes}


def test_an_evaluation_did_not_come_from_the_training_loss() -> None:
    """Its own best is what was before."""
    found = diagnose(snapshot(made("memorising"))).causes[0]
    evaluated = [proof for proof in found.evidence if "(eval)" in proof_name(proof)]
    assert [proof.before is not None and proof.before > 0.9 for proof in evaluated] == [True]


def proof_name(proof: Proof) -> str:
    """The metric of a piece of evidence, as people read it."""
    return proof.metric if isinstance(proof.metric, str) else series_name(proof.metric)


def test_the_training_loss_beside_an_evaluation_is_that_of_its_moment() -> None:
    """Not of when the signal began."""
    run = snapshot(made("memorising", 120))
    (episode,) = [episode for episode in run.episodes if episode.signal == "overfit"]
    (text,) = [finding.text for finding in findings(run, Lang.EN) if finding.title == "Overfitting"]
    assert episode.peak_step > episode.first_step
    assert episode.baseline is not None
    assert episode.baseline < 0.1
    assert "training loss" in text


def test_the_best_model_loaded_again_is_no_evaluation_that_falls() -> None:
    """The last evaluation repeats the best one."""
    plan = made("memorising", 80)
    evaluations = [row for row in plan.rows if "eval_loss" in row]
    best = min(row["eval_loss"] for row in evaluations)
    plan.rows.append({"step": plan.rows[-1]["step"], "eval_loss": best})
    assert leading(plan) == "memorising"


def test_a_run_that_was_never_evaluated_has_no_other_evaluation_data() -> None:
    """Many epochs, and no evaluation at all."""
    causes_told = {cause.cause for cause in diagnose(snapshot(made("too_many_epochs", 120))).causes}
    assert "memorising" in causes_told
    assert "different_eval_data" not in causes_told


def test_only_the_format_is_learned_is_not_solved() -> None:
    """Accuracy was 0 throughout, and all completions score the same."""
    assert leading(made("format_alone")) == "never_rewarded"


def test_a_poor_reward_without_spread_is_not_solved() -> None:
    """Accuracy stays at a third; the policy says always the same."""
    assert leading(made("lost_exploration")) in {"lost_exploration", "no_contrast"}


def test_a_limit_is_too_small_where_no_share_of_cut_answers_is_logged() -> None:
    """All completions are as long as the limit from the first record on."""
    plan = made("limit_too_small")
    for row in plan.rows:
        del row["completions/clipped_ratio"]
    assert leading(plan) == "limit_too_small"


def test_answers_that_end_at_once_get_no_stop_words() -> None:
    """They would end even earlier."""
    found = diagnose(snapshot(made("empty_answers")))
    assert found.causes[0].cause == "empty_answers"
    assert "stop_words" not in {remedy.remedy for remedy in found.remedies}


def test_nothing_cut_needs_nothing_for_cut_answers() -> None:
    """A length bonus makes answers long, but they end."""
    remedies = {remedy.remedy for remedy in diagnose(snapshot(made("reward_hacking"))).remedies}
    assert remedies.isdisjoint(("no_reward_for_truncated", "mask_truncated"))


def test_bf16_goes_with_fp16_off() -> None:
    """A trainer takes only one of them."""
    plan = made("number_format")
    (remedy,) = [r for r in diagnose(snapshot(plan)).remedies if r.remedy == "use_bf16"]
    assert [(change.setting, change.now, change.value) for change in remedy.changes] == [
        ("bf16", "false", "true"),
        ("fp16", "true", "false"),
    ]


def test_a_rate_that_a_course_holds_with_fewer_digits_goes_below_the_limit() -> None:
    """A 32-bit 0.01 is a little less; a tenth of it is the limit of the signal, and healthy is less."""
    plan = made("high_learning_rate", 60)
    plan = Planted(plan.plant, plan.causes, plan.never, plan.rows, {})
    for row in plan.rows:
        row["learning_rate"] = 0.01
    (remedy,) = [r for r in diagnose(snapshot(plan)).remedies if r.remedy == "lower_learning_rate"]
    assert [change.value for change in remedy.changes] == [1e-05]


def test_what_is_done_each_1000_steps_is_done_in_a_short_run_too() -> None:
    """Ten times at least."""
    found = diagnose(snapshot(made("too_many_epochs", 120)))
    changes = [change for remedy in found.remedies for change in remedy.changes]
    (every,) = [change.value for change in changes if change.setting == "eval_steps"]
    assert every == 10


def test_a_run_that_is_over_is_not_told_to_stop() -> None:
    """It has."""
    assert "stop_run" not in {r.remedy for r in diagnose(snapshot(made("wrong_reference"))).remedies}


def test_the_usual_level_is_from_before_a_signal_that_lasts() -> None:
    """Its worst came when the run had long not been there."""
    run = snapshot(made("policy_drift", 80))
    (text,) = [finding.text for finding in findings(run, Lang.EN) if finding.title == "KL spike"]
    first = next(episode.first_step for episode in run.episodes if episode.signal == "kl_spike")
    assert text.endswith(f"before step {first}.")


def test_all_is_not_well_where_a_cause_is_told() -> None:
    """Nothing is left to learn, of which no warning speaks."""
    plan = made("solved", 60)
    run = snapshot(plan)
    assert run.verdict is Health.HEALTHY
    assert leading(plan) == "solved"
    assert "reason" not in {section.part.value for section in run_story(run, Lang.EN).sections}

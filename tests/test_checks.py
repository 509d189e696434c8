"""The questions of the checklists: what they are answered, where, and that no answer contradicts a signal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.checks import check_answers, check_samples, is_asked, weights_lost
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge.answer import VALUES, Answer, Ground
from llmtrain_exporter.knowledge.checklists import ANSWERED, CHECKLISTS
from llmtrain_exporter.knowledge.profile import SFT
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.knowledge.signals import BUILT_IN, LIMITS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import CheckAnswer, Health, RowKind, Series, Snapshot, State, series
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.story.checks import answers_by_check, because
from llmtrain_exporter.story.run_object import run_object
from llmtrain_exporter.write.style import Style

from benchmarks.diagnosis.planted import PLANTS, planted_runs
from tests import analysing
from tests.analysing import Row
from tests.serving import RUN
from tests.test_check import LOGS, checked, text
from tests.test_corpus import labels, runs
from tests.test_diagnosing import snapshot as of_planted
from tests.test_run import NOW, evaluation, folded
from tests.test_run import snapshot as taken

BY_ID = {check.id: check for check in ANSWERED}
WEIGHTS = {check.id for check in ANSWERED if check.of_weights}


def supervised(
    rows: Iterable[Row], profile: Profile | None = None, now: float = NOW, planned: int = 2000
) -> Snapshot:
    """A supervised run of these rows, one step each, as it stands at `now`."""
    placed = [
        row if "global_step/max_steps" in row else {**row, "global_step/max_steps": f"{step}/{planned}"}
        for step, row in enumerate(rows, 1)
    ]
    options = RunOptions() if profile is None else RunOptions(profile.name, profiles={profile.name: profile})
    return taken(folded([dict(row) for row in placed], options=options), now)


def evaluated(count: int, every: int = 10) -> list[Row]:
    """Healthy rows, with evaluations among them that get better."""
    rows: list[Row] = []
    for at, row in enumerate(analysing.sft(count), 1):
        rows.append({**row, "global_step/max_steps": f"{at}/2000"})
        if at % every == 0:
            rows.append(evaluation(at, 0.6 + 1 / at, 2000, eval_token_acc=0.8 + at / 1000))
    return rows


def answers(run: Snapshot) -> dict[str, Answer]:
    """By id."""
    return {found.check: found.answer for found in check_answers(run)}


def grounds(run: Snapshot) -> dict[str, Ground]:
    """What each rests on."""
    return {found.check: found.ground for found in check_answers(run)}


def real_and_planted(corpus: Path) -> Iterator[Snapshot]:
    """Every labelled run, and some with a planted cause."""
    for path, _ in labels(corpus):
        yield from runs(path)
    yield from map(of_planted, planted_runs(7, 3 * len(PLANTS)))


def test_every_check_has_a_name_of_its_own() -> None:
    """Which becomes a label value; and every signal that speaks against a yes is one that SFT has."""
    names = [check.id for checklist in CHECKLISTS for check in checklist.checks]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in names)
    assert {signal for check in ANSWERED for signal in check.signals} <= set(LIMITS[SFT])


def test_no_answer_contradicts_a_signal(corpus: Path) -> None:
    """No yes beside an active signal of the check, and nothing that hangs on weights once they are NaN."""
    seen = set()
    for run in real_and_planted(corpus):
        active = {episode.signal for episode in run.episodes if episode.active}
        for found in check_answers(run):
            against = active.intersection(BY_ID[found.check].signals)
            assert found.answer is not Answer.YES or not against, (run.file, found, against)
            lost = weights_lost(run) is not None and found.check in WEIGHTS
            assert not lost or found.answer in (Answer.NO, Answer.NOT_KNOWN), (run.file, found)
            seen.add(found.answer)
        if run.verdict is Health.BROKEN or run.state in (State.FINISHED, State.FAILED):
            assert answers(run)["going_on_worth_it"] in (Answer.NO, Answer.NOT_KNOWN, Answer.NOT_ALWAYS)
        assert answers(run)["run_healthy"] is not Answer.YES or run.health is Health.HEALTHY
    assert seen == set(Answer)


def test_every_answer_says_why(corpus: Path) -> None:
    """In both languages, with every blank filled."""
    for run in real_and_planted(corpus):
        for name, found in answers_by_check(run).items():
            reasons = [because(run, BY_ID[name], found, lang) for lang in Lang]
            assert all(reason and not re.search(r"[{}]", reason) for reason in reasons)
            assert bool(found.episodes) == (found.ground is Ground.SIGNALS)


def test_a_healthy_run_has_its_yes() -> None:
    """Where the log has what answers."""
    found = answers(supervised(evaluated(60)))
    assert found.pop("entropy_level") is Answer.NOT_KNOWN
    assert set(found.values()) == {Answer.YES}, found


def test_a_run_whose_weights_are_nan_answers_nothing_by_them() -> None:
    """What the trainer's filter logs in their place is no loss."""
    run = supervised([*evaluated(40), *analysing.sft(10, loss=0.0, grad_norm=float("nan"))])
    found = answers(run)
    assert found["values_finite"] is found["run_healthy"] is found["going_on_worth_it"] is Answer.NO
    assert grounds(run)["loss_falling"] is Ground.WEIGHTS_LOST
    assert Answer.YES not in {found[name] for name in WEIGHTS}


def test_a_gradient_that_a_loss_scaler_skips_has_lost_no_weights() -> None:
    """Every value is not finite, and what the loss says still counts."""
    rows = [dict(row) for row in analysing.sft(60)]
    rows[-1]["grad_norm"] = "NaN"
    run = supervised(rows)
    assert weights_lost(run) is None
    assert grounds(run)["values_finite"] is grounds(run)["grad_norm_in_bounds"] is Ground.SIGNALS
    assert grounds(run)["loss_falling"] is not Ground.WEIGHTS_LOST


def test_what_came_and_went_is_not_always() -> None:
    """A spike that is over; while it lasts the answer is no."""
    rows = analysing.changed(analysing.sft(120), 50, 51, grad_norm=15.0)
    assert answers(supervised(rows[:51]))["grad_norm_in_bounds"] is Answer.NO
    assert answers(supervised(rows))["grad_norm_in_bounds"] is Answer.NOT_ALWAYS


def test_a_loss_that_has_risen_falls_no_more() -> None:
    """Too slowly for any signal; of a run of another kind that says nothing."""
    rows = [{**row, "loss": 1.0 + at / 300} for at, row in enumerate(analysing.sft(90))]
    run = supervised(rows)
    (found,) = (found for found in check_answers(run) if found.check == "loss_falling")
    assert not run.episodes
    assert (found.answer, found.ground) == (Answer.NO, Ground.RISEN)
    assert because(run, BY_ID["loss_falling"], found, Lang.EN) == "about 1.007 at first, 1.147 of late"
    assert grounds(replace(run, base="dpo"))["loss_falling"] is Ground.QUIET
    assert answers(supervised(rows[:10]))["loss_falling"] is Answer.YES


def test_too_little_answers_nothing() -> None:
    """Neither a trend by two records, nor a comparison by one evaluation."""
    few = answers(supervised(analysing.sft(2)))
    assert few["loss_falling"] is Answer.NOT_KNOWN
    assert few["values_finite"] is Answer.YES
    never = grounds(supervised(analysing.sft(30)))
    assert never["eval_loss_keeping_up"] is never["eval_accuracy_rising"] is Ground.TOO_FEW
    assert never["learning_the_task"] is never["going_on_worth_it"] is Ground.NOT_LOGGED
    once = answers(supervised(evaluated(12)))
    assert once["eval_loss_keeping_up"] is Answer.YES
    assert once["eval_accuracy_rising"] is Answer.NOT_KNOWN


def test_accuracy_of_training_says_nothing_of_evaluations() -> None:
    """Nor the other way."""
    rows = [*analysing.sft(30), evaluation(30, 0.6, 2000), evaluation(31, 0.6, 2000)]
    assert grounds(supervised(rows))["eval_accuracy_rising"] is Ground.NOT_LOGGED
    rows = [{key: value for key, value in row.items() if key != "token_acc"} for row in evaluated(30)]
    assert grounds(supervised(rows))["accuracy_rising"] is Ground.NOT_LOGGED


def test_a_run_without_a_training_record_answers_nothing() -> None:
    """Whatever else is known of it."""
    run = replace(RUN, base=SFT, profile=SFT, limits=LIMITS[SFT], records={RowKind.EVAL: 4})
    assert set(answers(run).values()) == {Answer.NOT_KNOWN}
    assert set(check_samples(run).values()) == {-1.0}
    assert grounds(replace(run, records={}))["run_healthy"] is Ground.TOO_FEW


def test_going_on_is_not_worth_it_for_what_has_ended_or_overfits() -> None:
    """An end is no answer, overfitting is one."""
    healthy = supervised(evaluated(60))
    for state in (State.FINISHED, State.FAILED):
        ended = replace(healthy, state=state)
        assert grounds(ended)["going_on_worth_it"] is Ground.ENDED
    overfitting = [*evaluated(60), evaluation(60, 2.0, 2000)]
    assert answers(supervised(overfitting))["going_on_worth_it"] is Answer.NO
    assert answers(supervised(overfitting))["learning_the_task"] is Answer.NO


def test_a_silent_run_is_not_healthy() -> None:
    """Though all that it has said was."""
    silent = supervised(evaluated(60), now=NOW + 1e6)
    assert (silent.state, silent.verdict) == (State.STALLED, Health.HEALTHY)
    assert answers(silent)["run_healthy"] is Answer.NO
    assert because(silent, BY_ID["run_healthy"], answers_by_check(silent)["run_healthy"], Lang.EN)


def test_a_profile_without_the_signals_cannot_tell() -> None:
    """An operator who switched one off, and a kind of training that never had it."""
    built_in = BUILT_IN[SFT]
    own = Profile(
        "own", SFT, {name: bounds for name, bounds in built_in.limits.items() if name != "loss_plateau"}
    )
    run = supervised(evaluated(60), own)
    assert is_asked(run)
    assert grounds(run)["loss_falling"] is Ground.NO_LIMITS
    assert answers(run)["grad_norm_in_bounds"] is Answer.YES
    assert check_samples(replace(RUN, base="dpo")) == {}


def exposed(run: Snapshot) -> dict[Series, float]:
    """The answers in a scrape."""
    exposition = Exposition()
    Fleet(exposition, ()).publish(run)
    return {key: value for key, value in exposition.samples(run.run).items() if key.metric is m.RUN_CHECK}


def test_the_answers_are_scraped() -> None:
    """Those of the report, as numbers; of a run that they are not for, none."""
    run = supervised([*evaluated(60), evaluation(60, 2.0, 2000)])
    assert exposed(run) == {
        series(m.RUN_CHECK, ("check", name)): VALUES[answer] for name, answer in answers(run).items()
    }
    assert set(exposed(run).values()) == {1.0, 0.0, -1.0}
    assert exposed(RUN) == {}


@pytest.mark.parametrize("name", ["swift-sft-nan", "swift-sft", "demo-healthy"])
def test_all_outputs_have_the_same_answers(name: str, tmp_path: Path) -> None:
    """JSON always, text with -v, neither for a run that the checklists are not for."""
    run = checked(name, tmp_path)
    told: list[CheckAnswer] = list(check_answers(run)) if is_asked(run) else []
    written = json.loads(json.dumps(run_object(run)["checks"]))
    assert written == [{"check": found.check, "answer": found.answer.value} for found in told]
    shown = text([run], Style(Lang.EN, 200), verbose=True)
    assert ("Checklist" in shown) == bool(told)
    for found in told:
        question, answer = BY_ID[found.check].question.en, found.answer.value.replace("_", " ")
        assert f"- {question} {answer}: " in shown
    assert "Checklist" not in text([run])


def test_the_fixtures_have_runs_to_ask() -> None:
    """So that the tests above say something."""
    assert {"swift-sft-nan", "swift-sft", "demo-healthy"} <= set(LOGS)


def test_a_gap_while_evaluation_is_at_its_best_is_no_reason_to_stop() -> None:
    """It is called what the findings call it, and only the question about the gap says no."""
    rows = [
        {**row, "loss": 0.5 * 0.98**at} if "loss" in row else row for at, row in enumerate(evaluated(120))
    ]
    run = supervised(rows)
    assert "overfit" in {episode.signal for episode in run.episodes if episode.active}
    found = answers(run)
    assert found["eval_loss_keeping_up"] is Answer.NO
    assert found["learning_the_task"] is found["going_on_worth_it"] is Answer.NOT_ALWAYS
    told = because(run, BY_ID["eval_loss_keeping_up"], answers_by_check(run)["eval_loss_keeping_up"], Lang.EN)
    assert told.startswith("Eval loss far above training loss")

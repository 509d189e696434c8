"""The fold: what the records of a run add up to, in any portions, and what the run is doing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.analyse.twins import RECENT
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import read_lines
from llmtrain_exporter.knowledge import analysis_metrics as m
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import pace
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.model import HyperParameters, Record, Resume, RowKind, Snapshot, State, series

NOW = 1_700_000_000.0
Row = dict[str, object]


def train(step: int, planned: int | None = 100, /, **more: object) -> Row:
    """A training row; its loss tells its step."""
    position = f"{step}/{planned}" if planned else step
    return {"loss": 1 / (1 + step), **more, "global_step/max_steps" if planned else "global_step": position}


def evaluation(step: int, loss: float = 0.5, planned: int = 100, /, **more: object) -> Row:
    return {"eval_loss": loss, "eval_runtime": 2.0, **more, "global_step/max_steps": f"{step}/{planned}"}


def final(step: int, planned: int = 100) -> Row:
    return {"train_runtime": 9.0, "train_loss": 0.5, "global_step/max_steps": f"{step}/{planned}"}


def summary(step: int) -> Row:
    return {
        "model_parameter_info": "tiny",
        "last_model_checkpoint": None,
        "global_step": step,
        "log_history": [],
    }


def records(rows: Iterable[Row], dialect: str = "swift") -> list[Record]:
    """The records of rows as a trainer writes them."""
    lines = [json.dumps(row).encode() for row in rows]
    return read_lines(Readers().reader(registered()[dialect]), lines)[0]


def folded(
    rows: Iterable[Row],
    dialect: str = "swift",
    options: RunOptions | None = None,
    settings: HyperParameters | None = None,
) -> Run:
    """A run after these rows, one each second."""
    run = Run(options or RunOptions(), settings or HyperParameters())
    for second, record in enumerate(records(rows, dialect)):
        run.fold(record, NOW + second)
    return run


def snapshot(run: Run, now: float = NOW) -> Snapshot:
    return run.snapshot("run", "/logs/logging.jsonl", SWIFT, now)


def sample(run: Run, metric: Metric, **labels: str) -> float | None:
    """The value of one series of a run."""
    return snapshot(run).samples.get(series(metric, *labels.items()))


def comparable(found: Snapshot) -> object:
    """A snapshot, NaN included."""
    return repr(found)


# Last values


def test_a_key_that_is_absent_keeps_its_last_value() -> None:
    """With two iterations per batch, each second row has no reward: that is no reward of 0."""
    run = folded([train(1, reward=0.75, **{"rewards/Format/mean": 0.5}), train(2)])
    assert sample(run, c.REWARD, split="train") == 0.75
    assert sample(run, c.REWARD_FUNCTION_MEAN, function="Format", split="train") == 0.5
    assert sample(run, c.LOSS, split="train") == 1 / 3


def test_the_last_row_wins_whatever_its_keys() -> None:
    """Rows of many shapes take turns; no old row comes back."""
    shapes = [{"kl": 1.0}, {"kl": 2.0, "reward": 1.0}, {"reward": 2.0}, {}]
    for count in range(1, 12):
        rows = [train(step, **shapes[step % 4]) for step in range(1, count + 1)]
        run = folded(rows)
        expected = {key: value for row in rows for key, value in row.items()}
        assert sample(run, c.KL, split="train") == expected.get("kl")
        assert sample(run, c.REWARD, split="train") == expected.get("reward")


def test_numbers_that_are_not_finite_are_exposed_as_such() -> None:
    """NaN and infinity say more than silence."""
    run = folded([train(1, grad_norm=math.nan, kl=math.inf)])
    assert math.isnan(sample(run, c.GRAD_NORM) or 0.0)
    assert sample(run, c.KL, split="train") == math.inf


def test_ten_thousand_keys_are_capped_and_counted() -> None:
    """The first keep their series for good; the others are counted, in one row or in many."""
    options = RunOptions(max_other_keys=7, max_label_values=3)
    wide: Row = {f"k{key}": float(key) for key in range(10_000)}
    functions: Row = {f"rewards/f{key}/mean": float(key) for key in range(10)}
    run = folded([train(1, reward=1.0, **wide, **functions), train(2, k3=33.0)], options=options)
    found = snapshot(run).samples
    others = {dict(one.labels)["key"]: value for one, value in found.items() if one.metric is c.OTHER}
    assert others == {f"k{key}": 33.0 if key == 3 else float(key) for key in range(7)}
    assert sum(one.metric is c.REWARD_FUNCTION_MEAN for one in found) == 3
    assert found[series(c.DROPPED_SERIES)] == 10_000 - 7 + 10 - 3


def test_a_new_key_in_each_row_is_capped_too() -> None:
    """The number of series does not grow with the log."""
    run = folded([train(step, **{f"k{step}": 1.0}) for step in range(1, 300)])
    assert sum(one.metric is c.OTHER for one in snapshot(run).samples) == RunOptions().max_other_keys
    assert sample(run, c.DROPPED_SERIES) == 299 - RunOptions().max_other_keys


# Counts, resumes, twins


def test_records_are_counted_by_kind_and_counters_are_born_at_0() -> None:
    """Prometheus does not see the increase of a counter that begins at 1."""
    run = folded([train(1), evaluation(1), train(2), final(2, 2), summary(2)])
    assert dict(run.records) == {RowKind.TRAIN: 2, RowKind.EVAL: 1, RowKind.FINAL: 1, RowKind.SUMMARY: 1}
    fresh = Run(RunOptions(), HyperParameters())
    for metric, labels in (
        (c.RECORDS, {"kind": "train"}),
        (c.SKIPPED, {"reason": "not_json"}),
        (c.RESUMES, {}),
    ):
        assert sample(fresh, metric, **labels) == 0.0


def test_skipped_lines_are_counted_by_reason() -> None:
    """They add up over the looks at a log."""
    run = Run(RunOptions(), HyperParameters())
    run.skip({"not_json": 2})
    run.skip({"not_json": 1, "text": 4})
    assert (sample(run, c.SKIPPED, reason="not_json"), sample(run, c.SKIPPED, reason="text")) == (3.0, 4.0)
    assert not run.is_training


def test_steps_that_go_back_are_a_resume() -> None:
    """Counted with where it was and where it went on; the plan can have changed."""
    run = folded([train(50, 60), train(55, 60), summary(60), train(45, 200), train(50, 200)])
    assert run.position.resumes == [Resume(60, 45)]
    assert (run.position.first_step, run.position.last_step, run.position.max_steps) == (50, 50, 200)
    assert sample(run, c.RESUMES) == 1.0


def test_a_log_that_begins_in_the_middle_is_no_resume_of_itself() -> None:
    """A resumed run gets a new folder by default, whose log begins at step 65."""
    run = folded([train(65), train(70)])
    assert (run.position.resumes, run.position.first_step) == ([], 65)


def test_an_evaluation_before_training_makes_no_resume() -> None:
    """Nor does a prediction that was run in the same folder before."""
    prediction: Row = {"current_steps": 60, "total_steps": 63, "percentage": 95.2}
    training: Row = {"current_steps": 5, "total_steps": 40, "loss": 0.5}
    run = folded([prediction, training], "llamafactory")
    place = run.position
    assert (place.resumes, place.first_step, place.last_step, place.max_steps) == ([], 5, 5, 40)
    assert folded([evaluation(10), train(5)]).position.resumes == []


def test_an_evaluation_phase_that_counts_its_own_steps_is_no_resume() -> None:
    """LLaMA-Factory appends 2/2 after 351/351."""
    run = folded(
        [
            {"current_steps": 350, "total_steps": 351, "loss": 0.5},
            {"current_steps": 351, "total_steps": 351, "epoch": 3.0},
            {"current_steps": 2, "total_steps": 2, "eval_loss": 0.25, "epoch": 3.0},
        ],
        "llamafactory",
    )
    assert (run.position.resumes, run.position.last_step, run.position.max_steps) == ([], 351, 351)
    assert snapshot(run).best == (0.25, 351)
    assert run.state(NOW) is State.FINISHED


def twins(rows: Sequence[Row], lag: int) -> list[Row]:
    """The rows of two writers, the second `lag` rows behind and with clocks of its own."""
    others = [{**row, "elapsed_time": f"{9 + at}s", "train_speed(s/it)": 0.25} for at, row in enumerate(rows)]
    both = [(at * 2, row) for at, row in enumerate(rows)] + [
        (2 * (at + lag) + 1, row) for at, row in enumerate(others)
    ]
    return [row for _, row in sorted(both, key=lambda pair: pair[0])]


@pytest.mark.parametrize("lag", [0, 1, 2])
def test_the_rows_of_a_second_writer_are_taken_once_and_counted_as_rows(lag: int) -> None:
    """Twins differ in clocks and speeds alone; interleaved as they come, they are no resumes."""
    rows: list[Row] = [
        train(step, kl=math.nan, elapsed_time=f"{10 + at}s", **{"train_speed(s/it)": 0.5})
        for at, step in enumerate(range(5, 55, 5))
    ]
    rows[4:4] = [evaluation(20, elapsed_time="13s")]
    run, alone = folded(twins(rows, lag)), folded(rows)
    assert (run.position.resumes, run.records[RowKind.TRAIN], run.records[RowKind.EVAL]) == ([], 20, 2)
    for metric in (c.LOSS, c.STEP, c.RECENT_SECONDS_PER_STEP, c.SECONDS_PER_STEP):
        assert repr(sample(run, metric)) == repr(sample(alone, metric))


def test_a_second_writer_that_says_something_else_is_no_twin() -> None:
    """Another loss at the same step is news."""
    run = folded([train(5), {**train(5), "loss": 0.75}])
    assert sample(run, c.LOSS, split="train") == 0.75


def test_a_resume_that_trains_the_same_again_is_no_twin() -> None:
    """With the same seed the values come back, but the clock of the new process starts anew."""
    rows = [train(step, elapsed_time=f"{step}m 0s") for step in (10, 15, 20)]
    run = folded([*rows, train(15, elapsed_time="30s"), train(20, elapsed_time="60s")])
    assert run.position.resumes == [Resume(20, 15)]


def test_a_record_beyond_the_memory_for_twins_is_a_resume() -> None:
    """Two writers are never so far apart."""
    rows = [train(step) for step in range(1, RECENT + 3)]
    assert folded([*rows, train(1)]).position.resumes == [Resume(RECENT + 2, 1)]


# Pace


def test_the_trainers_speed_lies_after_a_resume_and_the_own_one_does_not() -> None:
    """89.8 iterations a second were printed where 12.3 were real: a mean over two processes."""
    before = [train(step, 100, elapsed_time=f"{step // 10}s") for step in range(5, 65, 5)]
    after = [
        train(step, 200, **{"elapsed_time": f"{(step - 40) // 12}s", "train_speed(iter/s)": 89.8})
        for step in range(45, 200, 5)
    ]
    run = folded(before + after)
    assert sample(run, c.SECONDS_PER_STEP) == pytest.approx(1 / 89.8)
    assert 1 / (sample(run, c.RECENT_SECONDS_PER_STEP) or 1.0) == pytest.approx(12.3, rel=0.15)


def test_the_pace_goes_by_arrival_where_no_clock_is_logged() -> None:
    """One row of ten steps each second."""
    assert sample(folded([train(step) for step in range(10, 60, 10)]), c.RECENT_SECONDS_PER_STEP) == 0.1


@pytest.mark.parametrize("clock", ["5s", "nan", "inf", "-inf"])
def test_a_clock_that_does_not_move_tells_no_pace(clock: str) -> None:
    """A log that is read at once, or a clock that is none."""
    run = folded([train(step, elapsed_time=clock) for step in (1, 2, 3)])
    assert sample(run, c.RECENT_SECONDS_PER_STEP) is None
    assert run.state(NOW) is State.RUNNING


# States


def test_a_run_without_records_waits() -> None:
    """Its log is there and empty."""
    assert Run(RunOptions(), HyperParameters()).state(NOW) is State.WAITING


def paced(gap: float, rows: int = 10, **more: object) -> Run:
    """A run with a row each `gap` seconds, the last at NOW."""
    run = Run(RunOptions(), HyperParameters())
    for at, record in enumerate(records([train(step, 1000, **more) for step in range(1, rows + 1)])):
        run.fold(record, NOW - gap * (rows - 1 - at))
    return run


@pytest.mark.parametrize("gap", [0.1, 10.0, 540.0])
def test_a_run_stalls_by_its_own_pace(gap: float) -> None:
    """Steps take from a tenth of a second to nine minutes; nothing stalls before five minutes."""
    run = paced(gap)
    patience = max(pace.STALL_GAPS * gap, pace.STALL_SECONDS)
    assert run.state(NOW + 0.99 * patience) is State.RUNNING
    assert run.state(NOW + 1.01 * patience) is State.STALLED
    assert run.changes_at(NOW) == pytest.approx(NOW + patience)


def test_a_stalled_run_goes_on_with_its_next_record() -> None:
    """Silence is no end."""
    run = paced(1.0)
    assert run.state(NOW + 9999) is State.STALLED
    run.fold(records([train(50, 1000)])[0], NOW + 9999)
    assert run.state(NOW + 9999) is State.RUNNING


def test_an_evaluation_may_take_its_time() -> None:
    """It writes nothing while it lasts."""
    run = paced(1.0)
    run.fold(records([evaluation(10, 0.5, 1000, eval_runtime=1000.0)])[0], NOW)
    assert run.state(NOW + 1500) is State.RUNNING
    assert run.state(NOW + 2500) is State.STALLED


def test_a_run_whose_pace_is_unknown_has_an_hour() -> None:
    """One record tells none."""
    run = paced(1.0, rows=1)
    assert run.state(NOW + pace.STALL_SECONDS_UNKNOWN - 1) is State.RUNNING
    assert run.state(NOW + pace.STALL_SECONDS_UNKNOWN + 1) is State.STALLED


FOREVER = NOW + 1e9


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([train(99), train(100)], State.FINISHED),  # the last step
        ([train(99), final(99)], State.FINISHED),  # stopped early, and says so
        ([train(99), final(100), summary(100)], State.FINISHED),
        ([train(9), final(9), summary(9)], State.FINISHED),
        ([train(9, None), {"train_runtime": 9.0, "global_step": 9}, summary(9)], State.FINISHED),  # no plan
        ([train(35), summary(35)], State.FAILED),  # an exception leaves a summary
        ([train(35), summary(35), train(40)], State.STALLED),  # goes on, and is killed
        ([train(100), summary(100), train(45, 200)], State.STALLED),  # resumed with a longer plan
        ([train(35), summary(35), train(30), final(100)], State.FINISHED),
        ([train(35)], State.STALLED),  # killed: no summary
        ([train(95), summary(95), train(100)], State.FINISHED),  # an asynchronous writer's last row
        ([train(35), evaluation(35)], State.STALLED),
    ],
)
def test_how_a_log_ends_tells_how_the_run_did(rows: list[Row], state: State) -> None:
    """A finished run never stalls, a killed one does; a summary alone does not mean success."""
    run = folded(rows)
    assert run.state(FOREVER) is state
    assert run.changes_at(FOREVER) == math.inf
    states = {
        value: snapshot(run, FOREVER).samples[series(c.RUN_STATE, ("state", value.value))] for value in State
    }
    assert states == {value: float(value is state) for value in State}


def test_a_traceback_fails_a_printed_run_until_it_prints_on() -> None:
    """Some tracebacks are caught."""
    reader = Readers().reader(registered()["printed"])
    run = Run(RunOptions(), HyperParameters())
    for line, state in (
        (b"{'loss': 0.5, 'epoch': 0.1}", State.RUNNING),
        (b"Traceback (most recent call last):", State.FAILED),
        (b"{'loss': 0.5, 'epoch': 0.2}", State.RUNNING),
        (b"{'train_runtime': 5.0, 'epoch': 0.2}", State.FINISHED),
    ):
        for record in read_lines(reader, [line])[0]:
            run.fold(record, NOW)
        assert run.state(NOW) is state


def test_a_traceback_alone_is_no_training() -> None:
    """Any program can print one."""
    run = Run(RunOptions(), HyperParameters())
    reader = Readers().reader(registered()["printed"])
    for record in read_lines(reader, [b"Traceback (most recent call last):"])[0]:
        run.fold(record, NOW)
    assert not run.is_training


# Derived


def test_ratios_of_the_last_values() -> None:
    """Against the run's own settings, its own peak, and among themselves; no division by 0."""
    limits = HyperParameters({}, {"max_completion_length": 200.0, "max_grad_norm": 0.5})
    rows = [
        train(1, learning_rate=0.5),
        train(
            2,
            learning_rate=0.125,
            grad_norm=1.5,
            reward=-2.0,
            reward_std=0.5,
            **{"completions/mean_length": 150.0},
        ),
    ]
    run = folded(rows, settings=limits)
    assert sample(run, c.COMPLETION_LENGTH_LIMIT) == 0.75
    assert sample(run, c.GRAD_NORM_CLIP) == 3.0
    assert sample(run, c.REWARD_VARIATION) == 0.25
    assert sample(run, c.LEARNING_RATE_PEAK) == 0.25
    assert sample(run, c.PROGRESS) == 0.02
    nothing = folded([train(1, reward=0.0, reward_std=0.0, learning_rate=0.0, grad_norm=1.0)])
    for metric in (c.COMPLETION_LENGTH_LIMIT, c.GRAD_NORM_CLIP, c.REWARD_VARIATION, c.LEARNING_RATE_PEAK):
        assert sample(nothing, metric) is None


def test_evaluations_against_the_training_before_them() -> None:
    """Loss and entropy as ratios, accuracy as a difference."""
    run = folded(
        [
            train(1, loss=0.5, token_acc=0.75, **{"entropy/mean": 0.5}),
            evaluation(1, 1.0, eval_token_acc=0.5, **{"eval_entropy/mean": 2.0}),
            train(2, loss=0.25),
        ]
    )
    assert sample(run, c.EVAL_TRAIN_LOSS) == 2.0
    assert sample(run, c.EVAL_TRAIN_ACCURACY) == -0.25
    assert sample(run, c.EVAL_TRAIN_ENTROPY) == 4.0


def test_of_equal_evaluation_losses_the_most_accurate_is_the_best() -> None:
    """The evaluation loss decides, the accuracy only between equals."""
    rows = [
        evaluation(1, 0.25, eval_token_acc=0.8),
        evaluation(2, 0.25, eval_token_acc=0.9),
        evaluation(3, 0.3, eval_token_acc=0.99),
    ]
    assert snapshot(folded(rows)).best == (0.25, 2)


def test_the_best_evaluation_is_the_first_of_the_lowest() -> None:
    """NaN is none of them, wherever it stands."""
    run = folded(
        [train(1), *(evaluation(at, loss) for at, loss in ((1, math.nan), (2, 0.5), (3, 0.25), (4, 0.25)))]
    )
    assert snapshot(run).best == (0.25, 3)
    run.fold(records([evaluation(5, math.nan)])[0], NOW)
    assert (sample(run, c.BEST_EVAL_LOSS), sample(run, c.BEST_EVAL_STEP)) == (0.25, 3.0)


# Profiles


@pytest.mark.parametrize(
    ("row", "profile"),
    [
        (train(1), "sft"),
        (train(1, token_acc=0.5), "sft"),
        (train(1, reward=1.0, kl=0.1), "grpo"),
        (train(1, reward=1.0, **{"completions/mean_length": 5.0}), "grpo"),
        (train(1, reward=1.0, **{"rewards/Format/mean": 1.0}), "grpo"),
        (train(1, reward=1.0), "generic"),
        (train(1, **{"rewards/chosen": 1.0, "rewards/rejected": 0.5, "logps/chosen": -1.0}), "dpo"),
        (
            train(1, **{"rewards/chosen": 1.0, "rewards/rejected": 0.5, "rewards/accuracies": 1.0}),
            "reward_model",
        ),
    ],
)
def test_the_profile_is_found_from_the_keys(row: Row, profile: str) -> None:
    """What a run logs tells what it trains."""
    assert snapshot(folded([row])).profile == profile


@pytest.mark.parametrize(
    ("info", "told", "profile"),
    [
        ({"rlhf_type": "rm"}, None, "reward_model"),
        ({"stage": "kto"}, None, "dpo"),
        ({"stage": "sft"}, None, "sft"),
        ({"rlhf_type": "unheard"}, None, "sft"),
        ({"rlhf_type": "rm"}, "grpo", "grpo"),
    ],
)
def test_settings_go_before_keys_and_the_operator_before_both(
    info: Mapping[str, str], told: str | None, profile: str
) -> None:
    """ms-swift's `rlhf_type`, LLaMA-Factory's `stage`."""
    run = folded([train(1)], options=RunOptions(profile=told), settings=HyperParameters(info, {}))
    assert snapshot(run).profile == profile


def test_static_facts_stand_in_one_series() -> None:
    """With the operator's own labels; a fact goes before a label of its name."""
    run = folded(
        [train(1)],
        options=RunOptions(labels={"team": "a", "model": "b"}),
        settings=HyperParameters({"model": "m"}, {}),
    )
    (info,) = (dict(one.labels) for one in snapshot(run).samples if one.metric is c.RUN)
    assert info == {"team": "a", "model": "m", "dialect": "swift", "profile": "sft"}


# The fold itself

numbers = st.sampled_from([0.5, 0.0, -1.0, math.nan, math.inf, 1e300, 12.0])
steps = st.integers(0, 12)
log_rows = st.one_of(
    st.builds(
        lambda step, planned, more: train(step, planned, **more),
        steps,
        st.sampled_from([10, 12, None]),
        st.dictionaries(
            st.sampled_from(
                ["kl", "reward", "reward_std", "grad_norm", "learning_rate", "x", "loss", "elapsed_time"]
            ),
            numbers,
        ),
    ),
    st.builds(evaluation, steps, numbers, st.sampled_from([2, 12])),
    st.builds(final, steps),
    st.builds(summary, steps),
)


@settings(max_examples=50)
@given(st.lists(log_rows, max_size=20))
def test_a_restart_after_any_row_comes_to_the_same_snapshot(rows: list[Row]) -> None:
    """State is a fold from the first byte: looking at it changes nothing, and replaying it gives it again."""
    run, read = Run(RunOptions(), HyperParameters()), records(rows)
    for at, record in enumerate(read):
        run.fold(record, NOW)
        again = Run(RunOptions(), HyperParameters())
        for earlier in records(rows)[: at + 1]:
            again.fold(earlier, NOW)
        assert comparable(snapshot(run)) == comparable(snapshot(again))


@settings(max_examples=200)
@given(st.lists(log_rows, max_size=30))
def test_no_order_of_rows_makes_the_fold_fail(rows: list[Row]) -> None:
    """Counts add up, samples are numbers, a run is in one state, and steps stay within the log's."""
    run = folded(rows)
    found = snapshot(run, FOREVER)
    assert sum(found.records.values()) == len(rows)
    assert all(type(value) in (float, int) for value in found.samples.values())
    assert sum(value for one, value in found.samples.items() if one.metric is c.RUN_STATE) == 1.0
    assert found.last_step is None or 0 <= found.last_step <= 12
    assert (found.first_step is None) == (RowKind.TRAIN not in found.records)


def test_counters_go_on_where_a_rewritten_log_begins_anew() -> None:
    """Its records are folded anew, but nothing that was counted is taken back."""
    before = folded([train(50), train(45)])
    before.skip({"not_json": 2})
    after = Run(RunOptions(), HyperParameters(), before.counters())
    after.fold(records([train(1)])[0], NOW)
    assert sample(after, c.RECORDS, kind="train") == 3.0
    assert sample(after, c.RESUMES) == 1.0
    assert sample(after, c.SKIPPED, reason="not_json") == 2.0
    assert (after.position.last_step, after.records[RowKind.TRAIN]) == (1, 1)


# Runs that nobody trains, and that must not end the exporter


def _sparse(step: int, **cells: object) -> Row:
    return {**cells, "global_step/max_steps": f"{step}/90000"}


_ODD_RUNS: dict[str, list[Row]] = {
    "no row has a loss": [
        _sparse(0, eval_loss=1.0),
        *(_sparse(step, loss=None, grad_norm=1.0) for step in range(1, 40)),
    ],
    "nothing that has a baseline": [_sparse(step, **{"rewards/margins": 0.1}) for step in range(1, 130)],
    "kl comes late": [
        *(_sparse(step, loss=0.1, reward=1.0) for step in range(1, 21_000)),
        *(_sparse(step, loss=0.1, reward=1.0, kl=0.01) for step in range(21_000, 21_040)),
    ],
    "time stands still": [
        _sparse(step, loss=0.1, elapsed_time=(step // 16) * 5e-324 if step < 300 else 1e9)
        for step in range(1, 340)
    ],
    "five hundred reward functions": [
        _sparse(step, reward=1.0, **{f"rewards/f{n}/mean": 0.5 for n in range(500)}) for step in range(1, 40)
    ],
}


@pytest.mark.parametrize("rows", _ODD_RUNS.values(), ids=list(_ODD_RUNS))
def test_odd_runs_are_folded_to_their_end(rows: list[Row]) -> None:
    """Whatever a log leaves out or holds too much of, the run keeps its state and its counters."""
    run = folded(rows, options=RunOptions(profile="grpo"))
    assert run.position.last_step == int(str(rows[-1]["global_step/max_steps"]).split("/")[0])
    assert snapshot(run).samples


def test_an_evaluation_row_takes_no_spike_away() -> None:
    """What the last training record said of its metrics stays until the next one."""
    rows = [train(step, grad_norm=1.0 + step % 3 / 10) for step in range(1, 40)]
    score = series(m.SPIKE_SCORE, ("metric", "grad_norm"))
    before = snapshot(folded(rows)).samples[score]
    assert snapshot(folded([*rows, evaluation(40)])).samples[score] == before


def test_every_kind_of_row_is_counted_from_zero() -> None:
    """A counter that is born at 1 has no increase."""
    run = folded([train(1)])
    assert {
        kind: sample(run, c.RECORDS, kind=kind.value) for kind in RowKind if kind is not RowKind.TRAIN
    } == dict.fromkeys(set(RowKind) - {RowKind.TRAIN}, 0.0)


def test_history_makes_no_counter_grow() -> None:
    """Neither up nor down: counters stand where they were, and the next record counts from there."""
    run = folded([train(50), train(45)])
    run.count_from({series(c.RECORDS, ("kind", "train")): 7.0})
    assert (sample(run, c.RECORDS, kind="train"), sample(run, c.RESUMES)) == (7.0, 0.0)
    run.fold(records([train(46)])[0], NOW)
    run.fold(records([train(41)])[0], NOW)
    assert (sample(run, c.RECORDS, kind="train"), sample(run, c.RESUMES)) == (9.0, 1.0)


def test_counters_never_fall_when_the_same_rows_are_known_better() -> None:
    """A log that is read again from its start can be judged milder; what was counted stays counted."""
    run = folded([train(1)])
    run.least = {series(c.RESUMES): 3.0}
    assert sample(run, c.RESUMES) == 3.0


@pytest.mark.parametrize("live", [True, False])
def test_the_time_of_an_onset_survives_a_restart(live: bool) -> None:
    """Lines that are read again all at once are told apart by the trainer's own clock."""
    losses = {30: math.nan}
    rows = [
        train(step, loss=losses.get(step, 0.5), grad_norm=1.0, elapsed_time=f"{step}m 0s")
        for step in range(1, 61)
    ]
    run = Run(RunOptions(), HyperParameters())
    for step, record in enumerate(records(rows), 1):
        run.fold(record, NOW + (60 * step if live else 60 * 60))
    assert sample(run, m.INCIDENT_ONSET_TIME) == NOW + 60 * 30

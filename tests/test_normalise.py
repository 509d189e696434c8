"""Log keys to series, rows to kinds, and rows of the same keys by the same plan."""

from __future__ import annotations

import json
import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.ingest import normalise
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge import catalogue, row
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric, Unit
from llmtrain_exporter.model import Record, RowKind, Series, Skip, series

PLACE = {"global_step/max_steps": "5/10"}


def read(cells: dict[str, object]) -> Record:
    """The record of a row that is one."""
    record = Normaliser().record(cells)
    assert isinstance(record, Record)
    return record


def cells(record: Record) -> dict[Series, float]:
    """Its values by their series."""
    return dict(zip(record.layout.series, record.values, strict=True))


def test_each_key_of_the_catalogue_feeds_its_own_metric() -> None:
    """No key is caught by the pattern of another, on training rows and, with a split, on evaluation rows."""
    for metric in catalogue.METRICS:
        for key in metric.keys:
            name, label = key.pattern.replace("{}", "name"), key.fixed or "name"
            own = ((metric.label, label),) if metric.label else ()
            for split, prefix in (("train", ""), ("eval", row.EVAL_PREFIX)):
                if split == "eval" and not metric.split:
                    continue
                labels = (*own, ("split", split)) if metric.split else own
                beside = dict.fromkeys(key.beside[:1], 1.0)
                found = cells(read({"loss": 1.0, **PLACE, **beside, prefix + name: 1.5}))
                assert series(metric, *labels) in found, key.pattern


def test_metrics_without_a_split_do_not_take_what_an_evaluation_repeats() -> None:
    """`eval_learning_rate` is another number than the learning rate in force."""
    found = cells(read({"loss": 1.0, "learning_rate": 0.5, "eval_learning_rate": 0.25, **PLACE}))
    assert found[series(c.LEARNING_RATE)] == 0.5
    assert found[series(c.OTHER, ("key", "learning_rate"), ("split", "eval"))] == 0.25


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"loss": 1.0, "epoch": 0.5}, RowKind.TRAIN),
        ({"grad_norm": 1.0, "step": 5}, RowKind.TRAIN),
        ({"reward": 1.0, "epoch": 0.5}, RowKind.TRAIN),
        ({"kl": 1.0, "epoch": 0.5}, RowKind.TRAIN),
        ({"rewards/chosen": 1.0, "epoch": 0.5}, RowKind.TRAIN),
        ({"loss": 1.0, "eval_loss": 2.0, "epoch": 0.5}, RowKind.TRAIN),
        ({"eval_loss": 1.0, "epoch": 0.5}, RowKind.EVAL),
        ({"eval_loss": 1.0}, RowKind.EVAL),
        ({"eval_reward": 1.0, "learning_rate": 1.0, "epoch": 0.5}, RowKind.EVAL),
        ({"eval_runtime": 1.0, "epoch": 0.5}, RowKind.EVAL),
        ({"train_runtime": 1.0, "train_loss": 1.0, "reward": 1.0, "kl": 1.0, "epoch": 1.0}, RowKind.FINAL),
        ({"train_runtime": 1.0}, RowKind.FINAL),
        ({"log_history": [], "loss": 1.0, "step": 5}, RowKind.SUMMARY),
        ({"last_model_checkpoint": "x"}, RowKind.SUMMARY),
    ],
)
def test_the_keys_of_a_row_tell_its_kind(row: dict[str, object], kind: RowKind) -> None:
    """Training, evaluation, the trainer's closing row, its summary."""
    assert read(row).kind is kind


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"loss": 1.0},
        {"epoch": 1.0, "learning_rate": 0.5},
        {"epoch": 1.0, "entropy": 0.5},
        {"step": 1, "name": "x"},
        {"eval_runtime": 1.0},
        {"loss": None, "step": 5},
        {"loss": True, "step": 5},
        {"role": "user", "content": "loss"},
        {"round_1": 0},
    ],
)
def test_a_row_that_no_trainer_writes_is_counted(row: dict[str, object]) -> None:
    """Without a metric, or without a place in the run, an object is no training row."""
    assert Normaliser().record(row) == Skip("no_training_row")


def test_unknown_keys_go_by_their_own_name() -> None:
    """Each number of a row is exposed; text, truth values and containers are left out."""
    found = cells(
        read(
            {
                "loss": 1.0,
                **PLACE,
                "new/thing": 2,
                "eval_odd": "3.5",
                "a": "b",
                "c": True,
                "d": [1],
                "e": None,
            }
        )
    )
    assert found == {
        series(c.LOSS, ("split", "train")): 1.0,
        series(c.OTHER, ("key", "new/thing"), ("split", "train")): 2.0,
        series(c.OTHER, ("key", "odd"), ("split", "eval")): 3.5,
    }


@pytest.mark.parametrize(
    "row",
    [
        {"completions/mean_length": 1.0, "completion_length": 2.0},
        {"clip_ratio": 1.0, "clip_ratio/region_mean": 2.0},
        {"train_speed(s/it)": 1.0, "train_speed(iter/s)": 2.0},
        {"train_speed(s/it)": "1", "train_speed(iter/s)": "2"},
        {"token_acc": 1.0, "acc": 2.0},
    ],
)
def test_two_keys_of_one_series_are_both_kept(row: dict[str, object]) -> None:
    """The first has the name of the catalogue, the other goes by its own."""
    first, second = row
    found = cells(read({"loss": 0.5, **PLACE, **row}))
    assert found.pop(series(c.OTHER, ("key", second), ("split", "train"))) == 2.0
    assert sorted(found.values()) == [0.5, 1.0], first


@pytest.mark.parametrize(
    "function", ["mean", "std", "chosen", "rejected", "margins", "a/b", 'qu"ote', "奖励", "🙂", " "]
)
def test_a_reward_function_may_have_any_name(function: str) -> None:
    """In a row with a reward, rewards/* are functions, whatever they are called."""
    found = cells(
        read({"reward": 1.0, **PLACE, f"rewards/{function}/mean": 2.0, f"rewards/{function}/std": 3.0})
    )
    assert found[series(c.REWARD_FUNCTION_MEAN, ("function", function), ("split", "train"))] == 2.0
    assert found[series(c.REWARD_FUNCTION_STD, ("function", function), ("split", "train"))] == 3.0


BROKEN: tuple[object, ...] = ("soon", None, [], True)


def test_a_cell_that_breaks_its_promise_costs_no_other() -> None:
    """A time that is none, a percentage in words: the rest of the row is read as ever."""
    whole = {"loss": 0.5, **PLACE, "elapsed_time": "5s", "percentage": "50%", "kl": 0.25}
    normaliser = Normaliser()
    for key in ("elapsed_time", "percentage", "kl"):
        for broken in BROKEN:
            record = normaliser.record({**whole, key: broken})
            assert isinstance(record, Record)
            assert (record.step, record.max_steps, len(record.values)) == (5, 10, 3)
            assert record.get(c.LOSS) == 0.5


def test_rows_of_the_same_keys_share_a_layout() -> None:
    """Whoever compares columns looks them up once; numbers written as text make no other layout."""
    normaliser = Normaliser()
    one, other, text = (
        normaliser.record({"loss": cell, **PLACE, "kl": 1.0}) for cell in (1.0, math.nan, "0.5")
    )
    assert isinstance(one, Record)
    assert isinstance(other, Record)
    assert isinstance(text, Record)
    assert one.layout is other.layout is text.layout


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
@pytest.mark.parametrize("place", [{"epoch": 2.0}, {"step": 7}, {"step": 7, "epoch": 2.0}])
def test_a_row_of_training_and_evaluation_is_two_records(name: str, place: dict[str, float]) -> None:
    """As hand-written loops log them together; each has the place, and nothing of the other."""
    loop = {**place, "train_loss": 0.5, f"{name}_loss": 0.75, f"{name}_accuracy": 0.25}
    for normaliser in (Normaliser(hand_written=True), Normaliser(hand_written=True, progress_rows=True)):
        for _ in range(2):
            trained, evaluated = normaliser.rows(loop)
            assert isinstance(trained, Record)
            assert isinstance(evaluated, Record)
            assert (trained.kind, evaluated.kind) == (RowKind.TRAIN, RowKind.EVAL)
            assert trained.step == evaluated.step == place.get("step")
            assert (trained.get(c.LOSS), evaluated.get(c.LOSS)) == (0.5, 0.75)
            assert all(("split", "train") not in each.labels for each in evaluated.layout.series)


def test_aliases_are_the_dialects_own() -> None:
    """LLaMA-Factory's `accuracy` is a preference accuracy; elsewhere it is unknown."""
    cell = {"accuracy": 0.5, "loss": 1.0, **PLACE}
    record = Normaliser({"accuracy": "rewards/accuracies"}).record(cell)
    assert isinstance(record, Record)
    assert record.get(c.PREFERENCE_ACCURACY) == 0.5
    assert read(cell).get(c.PREFERENCE_ACCURACY) is None


def test_ever_new_keys_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of names is bounded by the keys: 10,000 of a hostile log pass."""
    monkeypatch.setattr(normalise, "KEYS_KEPT", 500)
    normaliser = Normaliser()
    tracemalloc.start()
    try:
        for number in range(100):
            normaliser.record({"loss": 1.0, **PLACE, **{f"k{number}-{key}": 1.0 for key in range(100)}})
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1 << 20


KEYS = sorted(
    {key.pattern.replace("{}", "x") for metric in catalogue.METRICS for key in metric.keys}
    | {"eval_loss", "eval_reward", "eval_", "rewards//mean", "rewards/", "_", ""}
    | set(row.POSITION + row.MAX_STEPS + row.FINAL + row.SUMMARY)
)
CELLS = [
    "5s",
    "1:00:00",
    "12%",
    "5/9",
    "nan",
    "1e5",
    10**400,
    math.nan,
    math.inf,
    0,
    -1,
    0.5,
    None,
    True,
    "x",
]
keys = st.sampled_from(KEYS) | st.text(max_size=5)
rows = st.dictionaries(
    keys, st.sampled_from(CELLS) | st.floats() | st.integers() | st.lists(st.none()), max_size=12
)


@given(rows, st.booleans())
def test_no_object_makes_the_normaliser_fail(cells: dict[str, object], progress_rows: bool) -> None:
    """Any JSON object is a record of floats, one for each of its columns, or is counted."""
    found = Normaliser({"lr": "learning_rate"}, progress_rows=progress_rows).record(cells)
    if isinstance(found, Skip):
        assert found in (Skip("no_training_row"), Skip("unreadable_row"))
        return
    assert all(type(value) is float for value in found.values)
    assert len(found.values) == len(found.layout.series) == len(set(found.layout.series))
    assert all(0 <= step < 2**53 for step in (found.step, found.max_steps) if step is not None)


@given(rows)
def test_no_number_of_a_record_is_lost(cells: dict[str, object]) -> None:
    """Each cell that is a finite number in base units already is found again in the record."""
    found = Normaliser().record(cells)
    if isinstance(found, Skip):
        return
    other_units = {
        key.pattern for metric in catalogue.METRICS for key in metric.keys if key.unit is not Unit.PLAIN
    }
    gone = {*row.POSITION, *row.MAX_STEPS, *row.SUMMARY, *other_units} - {"epoch"}
    for key, cell in cells.items():
        if key in gone or isinstance(cell, bool) or not isinstance(cell, (int, float)):
            continue
        if abs(cell) < 1e300:  # neither NaN nor infinite
            assert float(cell) in found.values


@given(st.lists(rows, max_size=8))
def test_what_a_row_says_does_not_depend_on_the_rows_before(some: list[dict[str, object]]) -> None:
    """Plans are a memory of names and of nothing else."""
    normaliser = Normaliser()
    for cells in some:
        assert repr_of(normaliser.record(cells)) == repr_of(
            Normaliser().record(json.loads(json.dumps(cells)))
        )


def repr_of(found: Record | Skip) -> object:
    """What can be compared, NaN included."""
    if isinstance(found, Skip):
        return found
    columns: list[tuple[Metric, tuple[tuple[str, str], ...]]] = [
        (s.metric, s.labels) for s in found.layout.series
    ]
    return (
        found.kind,
        found.step,
        found.max_steps,
        columns,
        list(map(repr, found.values)),
        found.layout.identity,
    )

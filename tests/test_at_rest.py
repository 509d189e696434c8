"""What is held of runs that wait for their next record, and what they have in common."""

from __future__ import annotations

import gc
import math
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.analyse.at_rest import BareRows, RestingLevels
from llmtrain_exporter.analyse.baseline import Level
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.analyse.signals import rules_for
from llmtrain_exporter.analyse.signals.rule import KL, LOSS, REWARD, Context
from llmtrain_exporter.ingest.white_list import select
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signals import BUILT_IN
from llmtrain_exporter.model import HyperParameters, Record, Series

from tests.analysing import grpo, records

NOW = 1_700_000_000.0
MOST = 24 << 10
"""Bytes of a run, without what is shown of it; of a dozen series it has a window of 100 records."""
ROWS, RUNS = 100, 8

NUMBERS = st.floats(allow_nan=False)
LEVELS = st.builds(Level, st.integers(5, 100), NUMBERS, NUMBERS, NUMBERS, NUMBERS)


@given(st.dictionaries(st.sampled_from([LOSS, KL, REWARD]), LEVELS))
def test_levels_at_rest_are_those_of_before(levels: dict[Series, Level]) -> None:
    """With a whole number of values, in their order, and no others."""
    resting = RestingLevels(levels)
    assert list(resting.items()) == list(levels.items())
    assert repr(dict(resting)) == repr(levels)
    assert [each for each in (LOSS, KL, REWARD) if each not in resting] == [
        each for each in (LOSS, KL, REWARD) if each not in levels
    ]


def test_a_row_that_several_hold_is_held_once() -> None:
    """As bare numbers, and so it stays."""
    rows, values = BareRows(), (1.0, math.nan)
    bare = rows.row(values)
    assert repr(tuple(bare)) == repr(values)
    assert rows.row(values) is bare
    assert BareRows().row(bare) is bare
    assert rows.row((1.0, 2.0)) is not bare


def test_rules_that_remember_nothing_are_one_for_all_runs() -> None:
    """Those with other bounds are others, and so is each that remembers anything."""
    limits = BUILT_IN[GRPO].limits
    mine, others = (rules_for(BUILT_IN[GRPO], Context(limits, {})) for _ in range(2))
    common = {rule.name for rule, other in zip(mine, others, strict=True) if rule is other}
    assert {"length_collapse", "grad_spike"} <= common
    assert not {"loss_diverged", "kl_spike", "reward_drop"} & common
    moved = {
        name: dict.fromkeys(bounds, next(iter(limits["kl_high"].values()))) for name, bounds in limits.items()
    }
    third = rules_for(BUILT_IN[GRPO], Context(moved, {}))
    assert all(rule.bounds == moved[rule.name] for rule in third)
    assert all(rule.bounds == limits[rule.name] for rule in mine)


def test_settings_that_are_alike_are_held_once() -> None:
    """Others are not."""
    given = {"beta": 0.04, "model": "tiny", "learning_rate": 1e-6}
    assert select(given) is select(dict(given))
    assert select({**given, "beta": 0.05}) != select(given)


def test_a_run_at_rest_takes_few_bytes() -> None:
    """Beside others of its kind, which have the same columns and rules."""
    rows = [row for seed in range(RUNS) for row in grpo(ROWS, seed)]
    tracemalloc.start()
    try:
        read = list(records(rows))
        runs = [_rested(read[at : at + ROWS]) for at in range(0, len(read), ROWS)]
        kept = runs.pop()
        del read
        held = _traced()
        runs.clear()
        assert (held - _traced()) / (RUNS - 1) < MOST
        assert kept.analysis is not None
    finally:
        tracemalloc.stop()


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _rested(read: list[Record]) -> Run:
    run = Run(RunOptions(), HyperParameters())
    run.fold_all(read, NOW)
    run.rest()
    return run

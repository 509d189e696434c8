"""Which series of a metric have a level is kept from block to block, until another one has one."""

from __future__ import annotations

from llmtrain_exporter.analyse.columns import Columns
from llmtrain_exporter.analyse.signals.rule import GRAD_NORM, LOSS
from llmtrain_exporter.knowledge.own_level import MATURE, YOUNG
from llmtrain_exporter.model import Layout, RowKind


def test_what_was_found_is_forgotten_when_a_level_is_added_and_only_then() -> None:
    """A reward function that comes later is followed as well as those from the start."""
    columns = Columns(())
    columns.plan(Layout(RowKind.TRAIN, (LOSS, GRAD_NORM), {}, ()))
    columns.levelled = {LOSS.metric: ()}
    for index in range(1, YOUNG + 1):
        assert columns.levelled
        columns.put((1.0, 2.0), index)
    assert columns.levels
    assert not columns.levelled
    columns.levelled = {LOSS.metric: (LOSS,)}
    columns.put((1.0, 2.0), YOUNG + 1)
    assert YOUNG < MATURE
    assert columns.levelled
    columns.rest()
    assert not columns.levelled

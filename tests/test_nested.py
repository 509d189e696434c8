"""Nested numbers of trackers: they are told under the names that trackers show."""

from __future__ import annotations

import json

from llmtrain_exporter.ingest.dialects import trackio, wandb
from llmtrain_exporter.ingest.nested import DEEPEST, flat_cells
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Record

from tests.event_files import sized


def test_a_name_with_a_meaning_is_that_of_trainers() -> None:
    """Else it is as W&B shows it."""
    cells = {"train": {"loss": 1.5, "global_step": 7, "opt": {"scale": 2.0}}, "eval": {"loss": 2.5}, "a": 1}
    assert flat_cells(cells) == {
        "train/loss": 1.5,
        "train/global_step": 7,
        "train.opt.scale": 2.0,
        "eval/loss": 2.5,
        "a": 1,
    }


def test_pictures_are_no_numbers() -> None:
    """Nor is what lies deeper than anybody logs."""
    deep: object = 1.0
    for _ in range(DEEPEST + 2):
        deep = {"a": deep}
    assert flat_cells({"h": {"_type": "histogram", "bins": [1]}, "deep": deep, "loss": 1.0}) == {"loss": 1.0}


def history(*items: tuple[tuple[str, ...], object]) -> bytes:
    """A row as W&B's log has it, each key in its parts."""
    found = b""
    for path, cell in items:
        names = (
            b"".join(sized(2, part.encode()) for part in path)
            if len(path) > 1
            else sized(1, path[0].encode())
        )
        found += sized(1, names + sized(16, json.dumps(cell).encode()))
    return sized(2, found)


def test_nested_numbers_of_wandb_are_read_whichever_way_it_keeps_them() -> None:
    """As parts of a key, or as an object."""
    run = wandb.WandbRun(Normaliser())
    rows = [
        history((("_step",), 1), (("train", "loss"), 1.5), (("train", "global_step"), 10)),
        history((("_step",), 2), (("train",), {"loss": 1.25, "global_step": 20})),
    ]
    records = [read for row in rows for read in run.read(row) if isinstance(read, Record)]
    assert [(record.step, record.get(c.LOSS)) for record in records] == [(10, 1.5), (20, 1.25)]


def test_nested_numbers_of_trackio_are_read() -> None:
    """It keeps a row as it was logged."""
    assert trackio.NEWEST.cells(['{"train": {"loss": 1.5}, "x": 2}']) == {"train/loss": 1.5, "x": 2}

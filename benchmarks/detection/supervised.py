"""A supervised run by its numbers: a healthy course, and the ways in which one is lost.

A row maps the names that TRL's SFT trainer logs to numbers; `WRITERS` writes rows as a trainer does.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.dialects import llamafactory, printed, trainer_state

from benchmarks.detection.simulation import Row


class Loss(Enum):
    """How the training of a supervised run is lost."""

    NOT = "not"
    ZERO = "zero"  # a NaN that the trainer writes as 0.0
    DESTROYED = "destroyed"  # by a learning rate far out of range: it guesses among all tokens


@dataclass(frozen=True, slots=True)
class Supervised:
    """What is normal for a run, and what becomes of it from the record `at` on."""

    records: int
    interval: int  # steps from one record to the next
    first: float  # loss
    last: float
    noise: float  # share of the loss
    grad_norm: float
    learning_rate: float
    vocabulary: int
    lost: Loss = Loss.NOT
    at: int = 0
    clips_nan: bool = False  # DeepSpeed writes a gradient norm that is none as 1.0
    spikes: Mapping[int, float] = field(default_factory=dict)  # gradient norms of single records


def simulate(run: Supervised, source: random.Random) -> list[Row]:
    """The rows of a run."""
    return [_row(run, record, source) for record in range(run.records)]


def usual_loss(run: Supervised, record: int) -> float:
    """The loss of a record without its noise."""
    return run.last + (run.first - run.last) * math.exp(-6 * record / run.records)


def _row(run: Supervised, record: int, source: random.Random) -> Row:
    done = record / run.records
    loss = usual_loss(run, record) * math.exp(source.gauss(0, run.noise))
    row = {
        "loss": loss,
        "grad_norm": run.spikes.get(record, run.grad_norm * math.exp(source.gauss(0, 0.3))),
        "learning_rate": run.learning_rate * (0.55 + 0.45 * math.cos(math.pi * done)),
        "epoch": 3.0 * done,
        "step": float((record + 1) * run.interval),
    }
    if run.lost is not Loss.NOT and record >= run.at:
        row |= _lost(run, record, source)
    return row | {"mean_token_accuracy": math.exp(-row["loss"] / 2) if row["loss"] else 0.0}


def _lost(run: Supervised, record: int, source: random.Random) -> Row:
    if run.lost is Loss.ZERO:
        return {"loss": 0.0, "grad_norm": 1.0 if run.clips_nan else math.nan}
    highest = math.log(run.vocabulary)
    climbed = min(1.0, (record - run.at + 1) / 3)
    loss = run.first + (highest - run.first) * climbed + source.gauss(0, 0.05)
    return {"loss": loss, "grad_norm": run.grad_norm * source.uniform(0.2, 3.0)}


def trl_state(rows: Sequence[Row]) -> bytes:
    """TRL's `trainer_state.json`."""
    history = [row | {"step": int(row["step"])} for row in rows]
    return json.dumps({"log_history": history, "max_steps": int(rows[-1]["step"])}).encode()


def trl_printed(rows: Sequence[Row]) -> bytes:
    """TRL's printed rows, which state no step."""
    shown = ({key: round(value, 4) for key, value in row.items() if key != "step"} for row in rows)
    return "".join(f"{row!r}\n" for row in shown).encode()


def llama_factory(rows: Sequence[Row]) -> bytes:
    """LLaMA-Factory's `trainer_log.jsonl`, which has no gradient."""
    last = int(rows[-1]["step"])
    lines = (
        {
            "current_steps": int(row["step"]),
            "total_steps": last,
            "loss": round(row["loss"], 4),
            "lr": row["learning_rate"],
            "epoch": round(row["epoch"], 2),
            "percentage": round(100 * row["step"] / last, 2),
        }
        for row in rows
    )
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


WRITERS: Mapping[str, tuple[Callable[[Sequence[Row]], bytes], Dialect, str]] = {
    "trl": (trl_state, trainer_state.DIALECT, "trainer_state.json"),
    "trl printed": (trl_printed, printed.DIALECT, "train.log"),
    "llama-factory": (llama_factory, llamafactory.DIALECT, "trainer_log.jsonl"),
}
"""By name: the writer, its dialect, and the file's name."""

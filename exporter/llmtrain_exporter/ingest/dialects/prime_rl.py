"""prime-rl's `metrics.jsonl`: a line for each kind of metrics, several lines a step, by two processes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from llmtrain_exporter.ingest import values
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head
from llmtrain_exporter.ingest.gathering import GatheredRows, GatheringReader
from llmtrain_exporter.ingest.json_rows import JsonRows
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.several_files import Part, SeveralFiles
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.skips import UNREADABLE_ROW
from llmtrain_exporter.model import Record, Skip

STEPS_AHEAD = 8
"""Steps that the orchestrator may be ahead of the trainer; its default is 1 or 2."""

TRAINED = "optim/lr"  # what the trainer logs at each step, whatever else is no finite number

ORCHESTRATOR, TRAINER = "orchestrator", "trainer"
_WRITERS = {ORCHESTRATOR: ORCHESTRATOR, "run_default": ORCHESTRATOR, TRAINER: TRAINER}
"""Folders to the process whose output they are; the orchestrator begins."""

_PLACE = ("step", "time")
_TIME = re.compile(rb'"time": ?(\d{1,12}(?:\.\d{0,12})?)')
_BEGIN = re.compile(rb'\{"step": ?\d{1,15}, ?"time": ?\d[\d.]{5,25}, ?"[a-z_]{2,30}/')
_NOWHERE = Skip(UNREADABLE_ROW)

PRIME_RL = Producer(
    name="prime-rl",
    flags={"learning_rate": "trainer.optim.lr", "max_grad_norm": "trainer.optim.max_norm"},
)


class PrimeRl(GatheringReader):
    """Reads one `metrics.jsonl`. What is no finite number is left out by its writer."""

    def __init__(self, normaliser: Normaliser) -> None:
        super().__init__(GatheredRows(normaliser, ahead=STEPS_AHEAD, needs=(TRAINED,)))
        self._json = JsonRows(self)

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The records that are whole with this line."""
        return self._json.read(line)

    def rows(self, row: Mapping[str, object]) -> Sequence[Record | Skip]:
        """The records that are whole with the object of a line."""
        step, time = values.count(row.get("step")), values.number(row.get("time"))
        if step is None or time is None:
            return [_NOWHERE]
        numbers = {key: values.number(value) for key, value in row.items() if key not in _PLACE}
        cells = {key: number for key, number in numbers.items() if number is not None}
        return self._rows.add(step, cells, time)


def _part(path: str) -> Part:
    """The trainer and the orchestrator write one each, if not both into one: below the output, or there."""
    folder = os.path.dirname(path)
    output, name = os.path.split(folder)
    written_by = _WRITERS.get(name)
    return Part(folder, TRAINER) if written_by is None else Part(output, written_by)


def _time_of(line: bytes) -> float | None:
    found = _TIME.search(line)
    return float(found[1]) if found else None


def sniff(head: Head) -> Confidence:
    """A step and a time first, then numbers in families."""
    return Confidence.SURE if _BEGIN.match(head.text) else Confidence.NO


DIALECT = Dialect(
    name="prime_rl",
    producer=PRIME_RL,
    reader=lambda normaliser, _: PrimeRl(normaliser),
    sniff=sniff,
    files=("metrics.jsonl",),
    gathers=True,
    by_content=True,
    several=SeveralFiles(_part, time_of=_time_of),
)

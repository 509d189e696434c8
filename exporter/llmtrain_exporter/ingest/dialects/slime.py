"""What slime and miles print: several dicts a step, each behind its kind and a counter of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from llmtrain_exporter.ingest.console import ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.marked_dicts import MarkedDict, MarkedDicts
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge.producers import SLIME
from llmtrain_exporter.knowledge.row import EVAL_PREFIX

ALIASES = {
    "train/loss": "loss",
    "train/grad_norm": "grad_norm",
    "train/lr-pg_0": "learning_rate",
    "train/step": "step",
    "rollout/raw_reward": "reward",
    "rollout/response_len/mean": "completions/mean_length",
    "rollout/truncated_ratio": "completions/clipped_ratio",
}
_ROW = re.compile(
    rb"(?<!Global )(?<![\w-])(?P<kind>step|critic-step|rollout|perf|multi_turn|passrate|eval) "
    rb"(?P<count>\d{1,12}): "
    rb"(?=\{\s{0,9}['\"](?:train|rollout|perf|multi_turn|passrate|eval)/)"
)
_UPDATES = (b"step", b"critic-step")
_SAMPLES = "rollout/"

Cells = Mapping[str, object]


class SlimeRows:
    """The grammar of one log.

    What is said of the samples before the row `rollout` joins that. Rows of rollouts count these and not
    updates, of which one rollout can have several: they stand at the step that the training has come to.
    """

    def __init__(self) -> None:
        self._dicts = MarkedDicts(_ROW)
        self._axis = _UpdateAxis()
        self._samples: tuple[int, Cells] | None = None  # of a rollout, by its count

    def rows(self, line: bytes) -> Sequence[Cells]:
        """The rows that are whole with this line."""
        return [row for found in self._dicts.find(line) for row in self._rows(found)]

    def _rows(self, found: MarkedDict) -> Sequence[Cells]:
        kind, count, cells = found.mark["kind"], int(found.mark["count"]), found.cells
        if kind in _UPDATES:
            return [{**cells, "step": self._axis.update(count)}]
        if kind == b"eval":
            evaluated = {EVAL_PREFIX + key: cell for key, cell in cells.items()}
            return [{**evaluated, "step": self._axis.rollout(count)}]
        before = self._samples
        self._samples = None
        if kind != b"rollout" and any(key.startswith(_SAMPLES) for key in cells):
            self._samples = count, cells
            return [] if before is None else [self._of_rollout(*before)]
        if before is not None and before[0] == count:
            return [self._of_rollout(count, {**before[1], **cells})]
        return [self._of_rollout(*each) for each in (before, (count, cells)) if each]

    def _of_rollout(self, count: int, cells: Cells) -> Cells:
        return {**cells, "step": self._axis.rollout(count)}


class _UpdateAxis:
    """How far the training is, in updates."""

    def __init__(self) -> None:
        self._updates = self._rollouts = 0

    def update(self, count: int) -> int:
        """The step of an update: its own count."""
        self._updates = count
        return count

    def rollout(self, count: int) -> int:
        """The step of a rollout; one that comes again is of a process that goes on from a checkpoint."""
        if count < self._rollouts:
            self._updates = count * max(self._updates // self._rollouts, 1)
        self._rollouts = count
        return max(count, self._updates)


def sniff(head: Head) -> Confidence:
    """A row of its own."""
    return Confidence.SURE if _ROW.search(head.text) else Confidence.NO


DIALECT = Dialect(
    name="slime",
    producer=SLIME,
    reader=lambda normaliser, schedule: ConsoleReader(normaliser, SlimeRows().rows, schedule),
    sniff=sniff,
    role=Role.CONSOLE,
    normaliser=lambda: Normaliser(ALIASES, progress_rows=True),
)

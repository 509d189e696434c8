"""What slime and miles print: several dicts a step, each behind its kind and a counter of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from llmtrain_exporter.ingest.console import ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.marked_dicts import MarkedDict, MarkedDicts
from llmtrain_exporter.ingest.normalise import LogRow, Normaliser
from llmtrain_exporter.ingest.schedule import Schedule
from llmtrain_exporter.knowledge.pace import STALL_SECONDS_UNKNOWN
from llmtrain_exporter.knowledge.producers import SLIME
from llmtrain_exporter.knowledge.row import EVAL_PREFIX
from llmtrain_exporter.model import Record, Skip

_ALIASES = {"train/step": "step"}
_ROW = re.compile(
    rb"(?<!Global )(?<![\w-])(?P<kind>step|critic-step|rollout|perf|multi_turn|passrate|eval) "
    rb"(?P<count>\d{1,12}): "
    rb"(?=\{\s{0,9}['\"](?:train|rollout|perf|multi_turn|passrate|eval)/)"
)
_UPDATES = (b"step", b"critic-step")
_SHARED = frozenset(("train/step", "rollout/step", "epoch"))  # stand in several dicts of a step


class SlimeRows:
    """The grammar of one log: all that is said of a step is one row.

    Rows of rollouts count these, and not updates, of which a rollout can have several. A row ends where the
    next update or rollout begins, or when it has all that the two before it had.
    """

    def __init__(self) -> None:
        self._dicts = MarkedDicts(_ROW)
        self._axis = _UpdateAxis()
        self._open = _OpenRow()
        self._before: Counter[bytes] = Counter()  # the kinds of dicts in the last row
        self._usual: Counter[bytes] = Counter()  # in the last two rows

    @property
    def holds(self) -> bool:
        """Whether a row is open."""
        return bool(self._open.cells)

    def rows(self, line: bytes) -> Sequence[LogRow]:
        """The rows that are whole with this line."""
        return [row for found in self._dicts.find(line) for row in self._rows(found)]

    def end(self) -> Sequence[LogRow]:
        """The row that is held, as it is."""
        opened, self._open = self._open, _OpenRow()
        if not opened.cells:
            return ()
        self._usual = opened.kinds if opened.kinds == self._before else Counter()
        self._before = opened.kinds
        step = self._axis.step(opened.update, opened.rollout)
        return [{**opened.cells, "step": step}]

    def _rows(self, found: MarkedDict) -> Sequence[LogRow]:
        kind, count = found.mark["kind"], int(found.mark["count"])
        if kind == b"eval":
            evaluated = {EVAL_PREFIX + key: cell for key, cell in found.cells.items()}
            return [{**evaluated, "step": self._axis.step(None, count)}]
        ended = () if self._open.takes(kind, count, found.cells) else self.end()
        self._open.put(kind, count, found.cells)
        whole = self._usual and self._usual <= self._open.kinds
        return [*ended, *self.end()] if whole else ended


class _OpenRow:
    """What was said of a step so far."""

    def __init__(self) -> None:
        self.cells: dict[str, object] = {}
        self.kinds: Counter[bytes] = Counter()
        self.update: int | None = None
        self.rollout: int | None = None

    def takes(self, kind: bytes, count: int, cells: LogRow) -> bool:
        """Whether a dict is of the same step; critic and policy are updated in one."""
        known = self.update if kind in _UPDATES else self.rollout
        return known in (None, count) and self.cells.keys().isdisjoint(cells.keys() - _SHARED)

    def put(self, kind: bytes, count: int, cells: LogRow) -> None:
        """Take a dict in."""
        if kind in _UPDATES:
            self.update = count
        else:
            self.rollout = count
        self.kinds[kind] += 1
        self.cells.update(cells)


class _UpdateAxis:
    """How far the training is, in updates."""

    def __init__(self) -> None:
        self._updates = self._rollouts = 0

    def step(self, update: int | None, rollout: int | None) -> int:
        """The step of a row. A rollout that comes again is of a process that goes on from a checkpoint."""
        if rollout is not None:
            if rollout < self._rollouts:
                self._updates = rollout * max(self._updates // self._rollouts, 1)
            self._rollouts = rollout
        self._updates = max(rollout or 0, self._updates) if update is None else update
        return self._updates


class SlimeReader:
    """Reads one log."""

    def __init__(self, normaliser: Normaliser, schedule: Schedule) -> None:
        self._rows = SlimeRows()
        self._console = ConsoleReader(normaliser, self._rows.rows, schedule)

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The records that are whole with a line."""
        return self._console.read(line)

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which no more is expected of the row that is held; None: none is.

        Rollout and update of a step can be many minutes apart.
        """
        return STALL_SECONDS_UNKNOWN if self._rows.holds else None

    def take_times(self) -> Sequence[float | None]:
        """None: what is printed has no times."""
        return ()

    def settle(self) -> Iterable[Record | Skip]:
        """The row that is held, after that silence."""
        return self.release()

    def release(self) -> Iterable[Record | Skip]:
        """The row that is held, as it is."""
        return self._console.records(self._rows.end())


def sniff(head: Head) -> Confidence:
    """A row of its own."""
    return Confidence.SURE if _ROW.search(head.text) else Confidence.NO


DIALECT = Dialect(
    name="slime",
    producer=SLIME,
    reader=SlimeReader,
    sniff=sniff,
    role=Role.CONSOLE,
    gathers=True,
    normaliser=lambda: Normaliser(_ALIASES),
)

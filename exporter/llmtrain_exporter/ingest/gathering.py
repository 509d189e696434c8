"""Records of a log whose rows come in parts: gathered by step, placed, and with the time since the start."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from llmtrain_exporter.ingest.late_numbers import InOrder, Lateness
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.phases import EPOCHS, apart, epoch_of
from llmtrain_exporter.ingest.start_rows import StartRows
from llmtrain_exporter.ingest.step_rows import SETTLING_SECONDS, StepRow, StepRows
from llmtrain_exporter.model import Record, RowKind, Skip


@runtime_checkable
class Gathers(Protocol):
    """A reader that holds a row until it is whole."""

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which what it holds is whole; None: it holds nothing."""

    def take_times(self) -> Sequence[float | None]:
        """Unix time at which each record was logged that was handed on since the last call."""

    def settle(self) -> Iterable[Record | Skip]:
        """What is whole after that silence."""

    def release(self) -> Iterable[Record | Skip]:
        """All that it holds, as it is: no more is to come."""


class _Logged(NamedTuple):
    step: int
    cells: Mapping[str, float]
    time: float  # Unix time


class GatheredRows:
    """The records of one log, made of numbers that are logged by and by with their steps and times."""

    def __init__(
        self, normaliser: Normaliser, again: Collection[str] = (), ahead: int = 0, needs: Collection[str] = ()
    ) -> None:
        """`again`, `ahead`, `needs`: see `StepRows`."""
        self._normaliser = normaliser
        self._rows = StepRows(again, ahead, needs)
        self._order = self._new_order(Lateness(learns=not ahead))
        self._step = 0  # of the last training record
        self._at_start = StartRows()
        self._over = False  # the trainer has closed the run: no part of a row is on its way
        self._times: list[float | None] = []  # of the records since the last call of `take_times`

    def expect(self, lateness: Lateness) -> None:
        """Some of the numbers come late, as far as is known by now. Before anything is read."""
        self._order = self._new_order(lateness)

    @staticmethod
    def _new_order(lateness: Lateness) -> InOrder[_Logged]:
        return InOrder(lateness, behind=lambda logged, _: logged)  # see `_placed`

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which what is held is whole; None: nothing is."""
        wait = self._rows.wait
        if wait is None:
            return self._order.patience if self._order.holds else None
        return SETTLING_SECONDS if self._over else wait

    def add(self, step: int, cells: Mapping[str, float], time: float) -> Sequence[Record | Skip]:
        """Take in what was logged at a step, at this Unix time; the records that are whole with that."""
        if self._order.goes_on(step, cells, time):
            ended = self._rows.add(step, cells, time)
        else:
            logged = self._order.add(_Logged(step, cells, time), step, cells, time)
            ended = [row for each in logged for row in self._rows.add(*each)]
        return self._records(ended) if ended else ()

    def settle(self) -> Iterable[Record | Skip]:
        """The records of what is whole after so much silence."""
        return self.release() if self._rows.wait is None else self._records(self._rows.settle())

    def release(self) -> Iterable[Record | Skip]:
        """The records of what is held, as it is."""
        late = [row for each in self._order.end() for row in self._rows.add(*each)]
        return self._records([*late, *self._rows.end()])

    def take_times(self) -> Sequence[float | None]:
        """Unix time at which each record was logged that was handed on since the last call."""
        times, self._times = self._times, []
        return times

    def _records(self, rows: Iterable[StepRow]) -> list[Record | Skip]:
        return [read for row in rows for read in self._of_row(row)]

    def _of_row(self, row: StepRow) -> Iterator[Record | Skip]:
        if row.goes_back:
            self._step = 0
        place = {"step": row.step, **({"epoch": epoch} if (epoch := epoch_of(row.cells)) is not None else {})}
        phases = apart({name: cell for name, cell in row.cells.items() if name not in EPOCHS}, place)
        for left, cells in zip(reversed(range(len(phases))), phases, strict=True):
            time = row.began if left else row.ended  # an evaluation comes last, and can take long
            for read in self._normaliser.rows(cells):
                if isinstance(read, Record):
                    self._times.append(time)
                yield self._placed(read)

    def _placed(self, read: Record | Skip) -> Record | Skip:
        """The record where its run stood. A part can count on an axis of its own, such as rollouts.

        That axis is behind and yet goes on: a process that begins anew goes back on its own axis.
        """
        if not isinstance(read, Record):
            return read
        if read.kind is RowKind.FINAL:
            self._over = True
        read = self._at_start.place(read)
        if read.kind is RowKind.TRAIN and read.step is not None:
            if read.step < self._step:
                return read._replace(step=self._step)
            self._step, self._over = read.step, False
        return read


class GatheringReader:
    """A reader that holds what is no whole row: `Gathers`, as those rows are."""

    def __init__(self, rows: GatheredRows) -> None:
        self._rows = rows

    def expect(self, lateness: Lateness) -> None:
        """Some of the numbers come late. Before anything is read."""
        self._rows.expect(lateness)

    @property
    def wait(self) -> float | None:
        """Seconds of silence after which what is held is whole; None: nothing is."""
        return self._rows.wait

    def take_times(self) -> Sequence[float | None]:
        """Unix time at which each record was logged that was handed on since the last call."""
        return self._rows.take_times()

    def settle(self) -> Iterable[Record | Skip]:
        """What is whole after that silence."""
        return self._rows.settle()

    def release(self) -> Iterable[Record | Skip]:
        """The rows that are held, as they are."""
        return self._rows.release()

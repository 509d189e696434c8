"""Log rows to records: names of the catalogue, base units, and what kind of row it is.

Rows of a run have the same keys thousands of times over. So the work on names is done once per set of keys
and kept as a `RowPlan`; a row then costs two look-ups and the picking of its cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from llmtrain_exporter.ingest import known_keys, values
from llmtrain_exporter.knowledge import catalogue, row
from llmtrain_exporter.knowledge.metric import CLOCKS, Group, Unit
from llmtrain_exporter.knowledge.skips import UNREADABLE_ROW, UNREADABLE_VALUE
from llmtrain_exporter.model import Layout, Record, RowKind, Series, Skip, series

KEYS_KEPT = 1 << 16
"""Keys of all plans together before all are forgotten: more only come from hostile or broken logs."""

PLANS_COMPARED = 32
"""Newest plans whose keys may be those of another one in another order."""

LogRow = Mapping[str, object]
Cells = tuple[Any, ...]

_NUMERIC = frozenset((float, int))
NO_RECORD = Skip("no_training_row")
_UNREADABLE_VALUE = Skip(UNREADABLE_VALUE)
_UNREADABLE_ROW = Skip(UNREADABLE_ROW)
_TRAINING = (RowKind.TRAIN, RowKind.EVAL)
_EPOCH = "epoch"
_PLACE = frozenset((*row.POSITION, *row.MAX_STEPS))
_VALIDATION_LOSSES = frozenset(("val_loss", "valid_loss", "validation_loss"))
"""What hand-written loops call the loss of an evaluation, often in the row of the training before it."""
_OF_VALIDATION = re.compile("^val(id(ation)?)?_")
_EVALUATES = ("val_", "valid_", "validation_", *row.EVAL_PREFIXES)


class PlannedValue(NamedTuple):
    """One cell of a row that becomes a value."""

    cell: int
    series: Series
    read: values.CellReader


class StepCells(NamedTuple):
    """The cells that tell a row's step: one with both numbers ("45/150"), or one each, where it has them."""

    of_max: int | None
    step: int | None
    planned: int | None

    @classmethod
    def among(cls, names: Sequence[str]) -> StepCells:
        """Those of a row with these names."""
        at = {name: index for index, name in enumerate(names)}
        return cls(*(_first(at, known) for known in (row.STEP_OF_MAX, row.STEP, row.MAX_STEPS)))


class RowPlan(NamedTuple):
    """How the rows of one set of keys become records."""

    keys: tuple[str, ...]
    layout: Layout
    pick: Callable[[Cells], Cells]  # the cells that are numbers as they stand
    floats: list[type]  # what they are in nearly all rows
    converted: tuple[tuple[int, values.CellReader], ...]  # the others, behind them
    placed: StepCells
    step: Callable[[Cells], tuple[int | None, int | None]]  # as they say


class Normaliser:
    """Rows of one dialect to records. Not for several threads at once."""

    def __init__(
        self,
        aliases: Mapping[str, str] | None = None,
        *,
        progress_rows: bool = False,
        hand_written: bool = False,
    ) -> None:
        """`aliases`: the dialect's own log keys. `progress_rows`: rows without a metric mean something.

        `hand_written`: a row may be of the training and of the evaluation behind it.
        """
        self._aliases = aliases or {}
        self._progress_rows = progress_rows
        self._hand_written = hand_written
        self._plans: dict[tuple[str, ...], RowPlan | None] = {}
        self._mixed: set[tuple[str, ...]] = set()  # of those without a plan: rows of two phases
        self._newest: RowPlan | None = None  # that of the last row, and most likely of the next
        self._keys_kept = 0

    def record(self, cells: LogRow) -> Record | Skip:
        """The record that a row is. Cells that are no numbers are left out, as absent."""
        return self.rows(cells)[0]

    def rows(self, cells: LogRow) -> Sequence[Record | Skip]:
        """The record that a row is, or why it is none; behind it a skip for each value that was lost."""
        keys, plan = tuple(cells), self._newest
        if plan is None or keys != plan.keys:
            plan = self._newest = self.plan(keys)
        if plan is None:
            return self._of_both(cells) if keys in self._mixed else (NO_RECORD,)
        read = _read(plan, tuple(cells.values()))
        return self._partly(cells, plan.layout.kind) if read is None else (read,)

    def plan(self, keys: tuple[str, ...]) -> RowPlan | None:
        """How rows with these keys become records; None: they are none, or of two phases."""
        try:
            return self._plans[keys]
        except KeyError:
            if self._keys_kept > KEYS_KEPT:
                self._plans.clear()
                self._mixed.clear()
                self._keys_kept = 0
            self._keys_kept += 1 + len(keys)
            plan = self._plans[keys] = self._reordered(keys) or self._compile(keys)
            return plan

    def _reordered(self, keys: tuple[str, ...]) -> RowPlan | None:
        """The plan for rows that have the keys of others in another order: they are the same rows."""
        newest = islice(reversed(self._plans.values()), PLANS_COMPARED)
        alike = (plan for plan in newest if plan is not None and len(plan.keys) == len(keys))
        known = next((plan for plan in alike if set(plan.keys) == set(keys)), None)
        return None if known is None else _moved(known, keys)

    def knows(self, name: str) -> bool:
        """Whether a key has a meaning here: a metric of the catalogue, or a place in the run."""
        name = self._aliases.get(name, name)
        return name in _MEANT or _find(name, False)[0].metric is not catalogue.OTHER

    def _of_both(self, cells: LogRow) -> Sequence[Record | Skip]:
        """The records of a row of the training and of the evaluation behind it."""
        place = {key: cell for key, cell in cells.items() if key in _PLACE}
        evaluated = {key: cell for key, cell in cells.items() if key.startswith(_EVALUATES)}
        trained = {key: cell for key, cell in cells.items() if key not in evaluated}
        named = {_OF_VALIDATION.sub(row.EVAL_PREFIX, key): cell for key, cell in evaluated.items()}
        return [*self.rows(trained), *self.rows({**place, **named})]

    def _partly(self, cells: LogRow, kind: RowKind) -> Sequence[Record | Skip]:
        """The record of the cells that hold what their key promises."""
        numbers = self._numbers(cells)
        absent = cells.keys() - numbers.keys() if len(numbers) < len(cells) else ()
        lost = sum(self._is_lost(key, cells[key]) for key in absent)
        if lost and _EPOCH in cells:
            numbers.setdefault(row.STEP[-1], None)  # the row still has a place, though nobody can read it
        plan = self.plan(tuple(numbers))
        read = plan and _read(plan, tuple(numbers.values()))
        if read:
            return (read, *([_UNREADABLE_VALUE] * lost))
        return (_UNREADABLE_ROW if lost and kind in _TRAINING else NO_RECORD,)

    def _is_lost(self, key: str, cell: object) -> bool:
        """Whether a cell that is no number should have been one: it has a metric's name, or is no text."""
        if cell is None or type(cell) is bool:
            return False
        return (
            type(cell) is not str
            or _find(self._aliases.get(key, key), False)[0].metric is not catalogue.OTHER
        )

    def _compile(self, keys: tuple[str, ...]) -> RowPlan | None:
        names = [self._aliases.get(key, key) for key in keys]
        columns = _columns(names)
        kind = _kind(names, columns, self._progress_rows)
        if self._hand_written and kind is RowKind.TRAIN and not _VALIDATION_LOSSES.isdisjoint(keys):
            self._mixed.add(keys)
            return None
        if kind is None:
            return None
        plain = [column for column in columns if column.read is values.number]
        converted = [column for column in columns if column.read is not values.number]
        placed = StepCells.among(names)
        return RowPlan(
            keys,
            layout_of(kind, [column.series for column in plain + converted]),
            _picker([column.cell for column in plain]),
            [float] * len(plain),
            tuple((column.cell, column.read) for column in converted),
            placed,
            _step_reader(placed),
        )

    def _numbers(self, cells: LogRow) -> dict[str, object]:
        """The cells that hold what their key promises, numbers as numbers."""
        numbers: dict[str, object] = {}
        for key, cell in cells.items():
            name = self._aliases.get(key, key)
            read = values.READERS[known_keys.unit(name)]
            plain = values.number(cell)
            if read(cell) is not None:
                numbers[key] = cell if plain is None else plain
            elif (name in _POSITION_ONLY or name in row.SUMMARY) and cell is not None:
                numbers[key] = cell
        return numbers


def _moved(plan: RowPlan, keys: tuple[str, ...]) -> RowPlan:
    """A plan for the same keys in another order, of which there are two or more."""
    at = {key: index for index, key in enumerate(keys)}
    places = [at[key] for key in plan.keys]
    back = itemgetter(*places)
    placed = StepCells(*(None if cell is None else places[cell] for cell in plan.placed))
    converted = tuple((places[cell], read) for cell, read in plan.converted)
    return RowPlan(
        keys,
        plan.layout,
        lambda cells: plan.pick(back(cells)),
        plan.floats,
        converted,
        placed,
        _step_reader(placed),
    )


def layout_of(kind: RowKind, columns: Sequence[Series]) -> Layout:
    """The layout of a row with these columns."""
    own = (("split", "eval"),) if kind is RowKind.EVAL else (("split", "train"),)
    position = {one.metric: at for at, one in enumerate(columns) if one.labels in ((), own)}
    lasting = tuple(at for at, one in enumerate(columns) if one.metric.group not in CLOCKS)
    return Layout(kind, tuple(columns), position, lasting)


def _read(plan: RowPlan, cells: Cells) -> Record | None:
    """The record of a row, None if a cell is not of the type that its key promises."""
    numbers = plan.pick(cells)
    types = list(map(type, numbers))
    if types != plan.floats:
        if not _NUMERIC.issuperset(types):
            return None
        numbers = tuple(map(values.number, numbers))
    if plan.converted:
        converted = [read(cells[index]) for index, read in plan.converted]
        if None in converted:
            return None
        numbers += tuple(converted)
    step, max_steps = plan.step(cells)
    return Record(plan.layout.kind, step, max_steps, plan.layout, numbers)


def _picker(indices: Sequence[int]) -> Callable[[Cells], Cells]:
    if len(indices) > 1:
        return itemgetter(*indices)
    return lambda cells: tuple(cells[index] for index in indices)


def _first(at: Mapping[str, int], known: Iterable[str]) -> int | None:
    return next((at[name] for name in known if name in at), None)


def _step_reader(placed: StepCells) -> Callable[[Cells], tuple[int | None, int | None]]:
    of_max, step, planned = placed
    if of_max is not None:
        return lambda cells: values.fraction(cells[of_max])
    return lambda cells: (
        None if step is None else values.count(cells[step]),
        None if planned is None else values.count(cells[planned]),
    )


def _kind(names: Sequence[str], columns: Sequence[PlannedValue], progress_rows: bool) -> RowKind | None:
    present = {form for name in names for form in known_keys.of_training(name)}
    placed = not present.isdisjoint(row.POSITION)
    if not present.isdisjoint(row.SUMMARY):
        return RowKind.SUMMARY
    if not present.isdisjoint(row.FINAL) and "loss" not in present:
        return RowKind.FINAL
    if placed and any(one.series.metric.essential and not _is_evaluated(one) for one in columns):
        return RowKind.TRAIN
    if row.EVAL_PREFIX + "loss" in present or (placed and _evaluates(names, columns)):
        return RowKind.EVAL
    return RowKind.PROGRESS if progress_rows and placed else None


def _evaluates(names: Iterable[str], columns: Iterable[PlannedValue]) -> bool:
    return any(map(known_keys.is_evaluation, names)) or any(map(_is_evaluated, columns))


def _is_evaluated(column: PlannedValue) -> bool:
    """Whether a value is one of an evaluation: by its split, or since nothing else has its metric."""
    logged = column.series
    return logged.metric.group is Group.EVALUATION or ("split", "eval") in logged.labels


def _columns(names: Sequence[str]) -> list[PlannedValue]:
    """A column for each name that is a metric; of two names for one series the second goes by its own key."""
    taken: set[Series] = set()
    columns = []
    present = frozenset(form for name in names for form in known_keys.forms(name))
    functions = "reward" in present
    for index, name in enumerate(names):
        if name in _POSITION_ONLY or name in row.SUMMARY:
            continue
        column_series, unit = _find(name, functions, present)
        if column_series in taken:
            column_series, unit = _other(name), Unit.PLAIN
        taken.add(column_series)
        columns.append(PlannedValue(index, column_series, values.READERS[unit]))
    return columns


_POSITION_ONLY = frozenset((*row.STEP_OF_MAX, *row.STEP, *row.MAX_STEPS))
_MEANT = frozenset((*row.POSITION, *row.MAX_STEPS, *row.FINAL))


def _find(name: str, functions: bool, present: Set[str] = frozenset()) -> tuple[Series, Unit]:
    """The series that a key feeds in a row with the names `present`, those without their prefixes as well.

    `functions`: rewards/* are reward functions here, whatever their names.
    """
    evaluates = known_keys.is_evaluation(name)
    for metric, key, label in known_keys.candidates(name, functions, present):
        if metric.split or not evaluates or known_keys.of_evaluation(metric, key):
            own = ((metric.label, label),) if metric.label else ()
            split = "eval" if evaluates or key.evaluation else "train"
            return series(metric, *own, *((("split", split),) if metric.split else ())), key.unit
    return _other(name), Unit.PLAIN


def _other(name: str) -> Series:
    split = "eval" if known_keys.is_evaluation(name) else "train"
    return series(catalogue.OTHER, ("key", known_keys.bare(name)), ("split", split))

"""Rows in which training, evaluation and the end of a run stand together, told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge import row

TRAINING = "train/"
EVALUATIONS = ("eval/", "test/", "val/", "validation/", "validation_metrics/", "val-core/", "val-aux/")
"""With what the names of evaluations begin, in whichever program."""

_WHOLE = (*EVALUATIONS[-2:], "eval-rollout/")  # what stands behind it says nothing by itself
_END = "train_loss"  # a mean over the whole run, which trainers log with the last row alone
_END_PREFIXES = ("train_", "train/train_", "total_flos")
MOST_NAMES = 1 << 14  # kept; more only come from hostile or broken logs
_POSITION = ("step", "epoch")


class Phases:
    """The names of one log by phase, in the catalogue's spelling."""

    def __init__(self, normaliser: Normaliser) -> None:
        self._normaliser = normaliser
        self._spelled: dict[str, str] = {}

    def rows(self, cells: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
        """A row for each phase that is there: training, evaluation, end. All have the row's place."""
        named: dict[str, object] = {}
        for name, value in cells.items():
            spelled = self._spell(name)
            named[name if spelled in named else spelled] = value
        place = {name: named[name] for name in _POSITION if name in named}
        phases: tuple[dict[str, object], ...] = ({}, {}, {})
        ends = _END in named
        for name, value in named.items():
            if name not in place:
                phases[_phase(name, ends)][name] = value
        return [{**phase, **place} for phase in phases if phase]

    def _spell(self, name: str) -> str:
        spelled = self._spelled.get(name)
        if spelled is None:
            if len(self._spelled) > MOST_NAMES:
                self._spelled.clear()
            spellings = list(_spellings(name))
            known = (each for each in spellings if self._normaliser.knows(each))
            spelled = self._spelled[name] = next(known, spellings[-1])
        return spelled


def _phase(name: str, ends: bool) -> int:
    if name.startswith(row.EVAL_PREFIX):
        return 1
    return 2 if ends and name.startswith(_END_PREFIXES) else 0


def _spellings(name: str) -> Iterator[str]:
    """How a name may stand in the catalogue; at last as it is."""
    if name.startswith(TRAINING):
        yield name[len(TRAINING) :]
        yield name
        return
    prefix = next((each for each in (*EVALUATIONS, *_WHOLE) if name.startswith(each)), None)
    if prefix is None:
        yield name
        return
    if prefix not in _WHOLE:
        yield row.EVAL_PREFIX + name[len(prefix) :]
    yield row.EVAL_PREFIX + name

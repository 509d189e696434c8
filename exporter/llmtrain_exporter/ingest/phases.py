"""Rows in which training, evaluation and the end of a run stand together, told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from llmtrain_exporter.ingest import known_keys, values
from llmtrain_exporter.ingest.normalise import LogRow
from llmtrain_exporter.knowledge import row

_OF_OWN_LOOPS = ("val_loss", "valid_loss", "validation_loss")  # of Lightning as well

EVALUATIONS = (
    *(*row.EVAL_PREFIXES, *row.VALIDATION_PREFIXES),
    *("val-core/", "val-aux/", "val_correct/", "eval-rollout/"),
    *_OF_OWN_LOOPS,
)
"""With what the names of evaluations begin, in whichever program that does not know Transformers' `eval_`."""

EPOCHS = ("train/epoch", "training/epoch", "epoch")
"""Under which trainers log the epoch; a row of any phase has it."""

MOST_NAMES = 1 << 14
"""Names of which the phase is remembered; more only come from hostile or broken logs."""

_ENDS = frozenset(("train_loss", row.TRAIN_PREFIX + "train_loss"))
"""A mean over the whole run, which trainers log with the last row alone."""

_OTHERS_OF_END = frozenset(("loss", *row.ENDS))
"""Without any of these it is what loops of other people call the loss."""

_END_PREFIXES = ("train_", "total_flos")


@lru_cache(MOST_NAMES)
def is_evaluation(name: str) -> bool:
    """Whether a name is of an evaluation; TRL's PPO calls something of its training `val/ratio`."""
    return name.startswith(EVALUATIONS) and not known_keys.is_of_training(name)


def is_of_end(name: str) -> bool:
    """Whether a trainer logs a name when it ends."""
    return any(form in row.FINAL for form in known_keys.of_training(name))


def epoch_of(cells: Mapping[str, object]) -> object:
    """The epoch that a row states, None where it states none."""
    for key in EPOCHS:
        if key in cells and values.number(cells[key]) is not None:
            return cells[key]
    return None


def apart(cells: Mapping[str, object], place: LogRow) -> Sequence[LogRow]:
    """A row of the training, one of the evaluation, one of the end; only those that have cells.

    Each has the `place`: its step, and whatever else is the same for all.
    """
    evaluated = {_spelled(key): cell for key, cell in cells.items() if is_evaluation(key)}
    rest = cells if not evaluated else {key: cell for key, cell in cells.items() if not is_evaluation(key)}
    ended = {key: rest[key] for key in _of_end(rest.keys())}
    trained = rest if not ended else {key: cell for key, cell in rest.items() if key not in ended}
    return [{**found, **place} for found in (trained, evaluated, ended) if found]


def _spelled(key: str) -> str:
    """The name of an evaluation's number, so that no other is taken for it."""
    if key in _OF_OWN_LOOPS:
        return row.EVAL_PREFIX + "loss"
    return key if key.startswith(row.EVAL_PREFIXES) else row.EVAL_PREFIX + key


def _of_end(names: Collection[str]) -> Sequence[str]:
    """The names that are the end's where a row has what trainers log only then."""
    if _ENDS.isdisjoint(names) or not any(
        name.removeprefix(row.TRAIN_PREFIX) in _OTHERS_OF_END for name in names
    ):
        return ()
    return [name for name in names if name.removeprefix(row.TRAIN_PREFIX).startswith(_END_PREFIXES)]

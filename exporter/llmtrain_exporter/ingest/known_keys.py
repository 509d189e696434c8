"""Which metrics a log key may mean.

As it stands, without the prefixes that trackers and evaluations put on it, or by a pattern with variable
parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from llmtrain_exporter.knowledge import row
from llmtrain_exporter.knowledge.log_keys import LOG_KEYS
from llmtrain_exporter.knowledge.log_keys.log_key import LogKey
from llmtrain_exporter.knowledge.metric import Group, Key, Metric, Unit

BLANK = "{}"
BETWEEN_PARTS = "/"
"""Stands between the variable parts of a key in the value of a label."""


class _Pattern(NamedTuple):
    """A key with variable parts: the text before, between and behind them."""

    before: str
    between: Sequence[str]
    after: str
    entry: LogKey

    def parts(self, name: str) -> tuple[str, ...]:
        """The variable parts of a name, none where it is another key."""
        if not (name.startswith(self.before) and name.endswith(self.after)):
            return ()
        rest = name[len(self.before) : len(name) - len(self.after)]
        found = []
        for text in self.between:
            at = rest.find(text, 1)
            if at < 0:
                return ()
            found.append(rest[:at])
            rest = rest[at + len(text) :]
        return (*found, rest) if rest and len(name) > len(self.before) + len(self.after) else ()


def _exact(entries: Iterable[LogKey]) -> Mapping[str, Sequence[LogKey]]:
    """The keys without a variable part, with all that each may mean."""
    found: dict[str, list[LogKey]] = {}
    for entry in entries:
        if BLANK not in entry.key.pattern:
            found.setdefault(entry.key.pattern, []).append(entry)
    return found


def _patterns(entries: Iterable[LogKey]) -> Mapping[str, Sequence[_Pattern]]:
    """The keys with variable parts by their first letter, so that few are tried for a name.

    The more specific come first: rewards/{}/mean before rewards/{}.
    """
    found: dict[str, list[_Pattern]] = {}
    for entry in sorted(entries, key=lambda entry: -len(entry.key.pattern.replace(BLANK, ""))):
        before, *between = entry.key.pattern.split(BLANK)
        if between:
            pattern = _Pattern(before, tuple(between[:-1]), between[-1], entry)
            found.setdefault(before[:1], []).append(pattern)
    return found


_EXACT = _exact(LOG_KEYS)
_ODD_CHARACTER = re.compile(r"[^-/\w.]")
_ODD = {plain: key for key in _EXACT if (plain := _ODD_CHARACTER.sub("_", key)) not in _EXACT}
_PATTERNS = _patterns(LOG_KEYS)
_PREFERENCE_KEYS = frozenset(
    entry.key.pattern
    for entry in LOG_KEYS
    if entry.metric.group is Group.PREFERENCE and entry.key.pattern.startswith("rewards/")
)


def with_odd_characters(name: str) -> str:
    """The name for which an underscore stands wherever it has a character that is odd; itself if none has."""
    for form in forms(name):
        if form in _EXACT:
            return name
        if form in _ODD and name.endswith(form):
            return name.removesuffix(form) + _ODD[form]
    return name


def is_evaluation(name: str) -> bool:
    """Whether a name says by its prefix that it is of an evaluation."""
    return name.startswith(row.EVAL_PREFIXES)


def of_evaluation(metric: Metric, key: Key) -> bool:
    """Whether a key feeds a metric with nothing but what evaluations log."""
    return metric.group is Group.EVALUATION or key.evaluation or is_evaluation(key.pattern)


def is_of_training(name: str) -> bool:
    """Whether just this name is known as one of training rows."""
    return any(not of_evaluation(metric, key) for metric, key in _EXACT.get(name, ()))


def bare(name: str) -> str:
    """A name without the prefix of evaluations."""
    return next((name[len(known) :] for known in row.EVAL_PREFIXES if name.startswith(known)), name)


def of_training(name: str) -> Iterator[str]:
    """A name, and what it is without the prefix under which trackers keep training rows."""
    yield name
    if name.startswith(row.TRAIN_PREFIX):
        yield name[len(row.TRAIN_PREFIX) :]


def forms(name: str) -> tuple[str, ...]:
    """A name as it stands, then with fewer prefixes: "eval/loss", "eval_loss", "loss".

    Behind that of an evaluation may stand what a program calls it: "eval_val/loss".
    """
    if not is_evaluation(name):
        return tuple(of_training(name))
    inner = bare(name)
    own = next((inner[len(known) :] for known in row.VALIDATION_PREFIXES if inner.startswith(known)), inner)
    return tuple(dict.fromkeys((name, row.EVAL_PREFIX + inner, inner, row.EVAL_PREFIX + own, own)))


def unit(name: str) -> Unit:
    """How the number of a key is written. All that one word may mean is written alike."""
    known = _EXACT.get(name) or next((_EXACT[form] for form in forms(name) if form in _EXACT), None)
    return known[0].key.unit if known else Unit.PLAIN


def candidates(name: str, functions: bool, present: Set[str]) -> Iterator[tuple[Metric, Key, str]]:
    """What a name may mean and the value of its label, the surest first.

    As it stands, then with fewer prefixes; then by patterns, the other way round. `functions`: rewards/* are
    reward functions, whatever their names. `present`: all forms of the names of the row.
    """
    for form in forms(name):
        if not (functions and form in _PREFERENCE_KEYS):
            for metric, key in _EXACT.get(form, ()):
                if _applies(key, present):
                    yield metric, key, key.fixed
    for form in reversed(forms(name)):
        for pattern in (*_PATTERNS.get(form[:1], ()), *_PATTERNS.get("", ())):
            parts = pattern.parts(form)
            metric, key = pattern.entry
            if parts and _applies(key, present):
                yield metric, key, BETWEEN_PARTS.join((*(key.fixed,) * bool(key.fixed), *parts))


def _applies(key: Key, present: Set[str]) -> bool:
    """Whether a key means this in a row with these names."""
    return (not key.beside or not present.isdisjoint(key.beside)) and present.isdisjoint(key.unless)

"""Which metrics the history of a run has."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from llmtrain_exporter.knowledge.metric import PREFIX, Metric


class ChosenMetrics:
    """Tells of each metric whether it is wanted; asked once for each, since a log has thousands of rows."""

    def __init__(self, patterns: Sequence[str] = ("*",)) -> None:
        """`patterns`: globs of names with or without prefix, with a ! before those that are left out.

        Of those that fit the last one decides; where the first one leaves out, all others are wanted.
        """
        self.patterns = tuple(patterns)
        self.all = self.patterns == ("*",)  # every metric is wanted
        self._known: dict[Metric, bool] = {}

    def __contains__(self, metric: Metric) -> bool:
        """Whether it is wanted."""
        known = self._known.get(metric)
        if known is None:
            known = self._known[metric] = self._decide(metric.name)
        return known

    def _decide(self, name: str) -> bool:
        wanted = bool(self.patterns) and self.patterns[0].startswith("!")
        for pattern in self.patterns:
            glob = pattern.removeprefix("!")
            if fnmatchcase(name, glob) or fnmatchcase(name.removeprefix(PREFIX), glob):
                wanted = not pattern.startswith("!")
        return wanted

"""Several runs side by side, as the template draws them: how each is, and what was set differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from llmtrain_exporter.knowledge.text import Lang, written
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.printable import label_value, printable
from llmtrain_exporter.serve.pages.list_rows import StepsDone, progress_of
from llmtrain_exporter.serve.pages.run_page import chart_marks
from llmtrain_exporter.serve.pages.wording import Wording
from llmtrain_exporter.story.diagnosis import against, title
from llmtrain_exporter.story.facts import judged_by_loss, progress, state_text
from llmtrain_exporter.story.numbers import number

MOST_RUNS = 8
"""As many as there are colours of lines."""

SUMMARY = ("run", "verdict", "state", "progress", "worst", "incident_count", "best_loss")
"""The headings of the table of runs."""

Object = dict[str, object]


@dataclass(frozen=True)
class ComparedRun:
    """A run beside others. `colour`: of its lines; `without`: where the others are without it."""

    name: str
    colour: str
    address: str
    without: str
    run: Snapshot | None  # None: there is none of that name

    @property
    def health(self) -> str:
        """The verdict on the whole log, a key of `words.HEALTH`."""
        return "" if self.run is None else self.run.verdict.name.lower()

    def progress(self, lang: Lang) -> StepsDone | None:
        """How far it is."""
        return None if self.run is None else progress_of(self.run, progress(self.run), lang)

    @property
    def best_loss(self) -> str:
        """The lowest evaluation loss, where the loss says something."""
        run = self.run
        return number(run.best[0]) if run and run.best and judged_by_loss(run) else ""

    def state(self, lang: Lang) -> str:
        """What it does."""
        return state_text(self.run, lang) if self.run else ""

    def worst(self, lang: Lang) -> str:
        """The worst that speaks against it."""
        return title(self.run, lang) if self.run and against(self.run) else ""

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """How it was set, as far as that is known."""
        if self.run is None:
            return {}
        settings = self.run.hyper_parameters
        known: dict[str, float | str] = {"profile": self.run.profile, **settings.info, **settings.numbers}
        return {name: printable(written(value)) for name, value in known.items()}


@dataclass(frozen=True)
class ComparePage:
    """The runs that are asked for, in that order. `link_parameters`: parameters of every link."""

    asked: Sequence[str]
    find: Callable[[str], Snapshot | None]
    say: Wording
    link_parameters: Mapping[str, str]

    @property
    def is_cut(self) -> bool:
        """Whether more are asked for than can be compared."""
        return len(self.asked) > MOST_RUNS

    @cached_property
    def runs(self) -> Sequence[ComparedRun]:
        """The runs with their lines' colours."""
        return [self._compared(at, name) for at, name in enumerate(self.asked[:MOST_RUNS])]

    def _compared(self, at: int, asked: str) -> ComparedRun:
        run = self.find(asked)
        name = printable(asked) if run is None else label_value(run.run)
        others = [("run", printable(other)) for other in self.asked if other != asked]
        without = f"compare?{urlencode([*others, *self.link_parameters.items()])}" if len(others) > 1 else ""
        address = f"run?{urlencode({'run': name, **self.link_parameters})}"
        return ComparedRun(name, f"s{at + 1}", address, without, run)

    @property
    def known(self) -> Sequence[ComparedRun]:
        """Those that there are."""
        return [compared for compared in self.runs if compared.run is not None]

    @property
    def differing(self) -> Iterable[tuple[str, list[str | None]]]:
        """Settings that are not the same in all of them, each with its values; None where it is not known."""
        names = dict.fromkeys(name for compared in self.known for name in compared.settings)
        rows = ((name, [compared.settings.get(name) for compared in self.known]) for name in names)
        return [(name, values) for name, values in rows if len(set(values)) > 1]

    @property
    def marks(self) -> list[Object]:
        """What the charts need to know of each run."""
        return [
            {"run": compared.name, "colour": compared.colour, "up_to": chart_marks(compared.run)["up_to"]}
            for compared in self.known
            if compared.run is not None
        ]

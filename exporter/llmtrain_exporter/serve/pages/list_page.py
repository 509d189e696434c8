"""What the template of the list draws, for the page as for the script that keeps it up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.fleet import Shown
from llmtrain_exporter.serve.pages.list_rows import RunRow, run_row
from llmtrain_exporter.serve.pages.listed_run import listed_run
from llmtrain_exporter.serve.pages.listing import PAGE, ListQuery, ListSlice
from llmtrain_exporter.serve.pages.wording import Wording
from llmtrain_exporter.story.facts import state_text
from llmtrain_exporter.story.numbers import moment_text

COLUMNS = (
    ("run", "name"),
    ("health", "health"),
    ("state", "state"),
    ("progress", "progress"),
    ("left", "remaining"),
    ("course", ""),
    ("last_record", "last"),
)
"""Headings and the orders that they stand for."""

FILTERS = ("health", "state", "profile")

MOST_PROBLEMS = 5
"""More unreadable paths are told as a number."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the list. `address`: the list in its order, or turned; empty where it orders nothing."""

    word: str
    address: str
    direction: str  # as aria-sort has it; empty where the list has another order


@dataclass(frozen=True, slots=True)
class FilterOption:
    """A choice of a filter, and how many runs have it."""

    value: str
    runs: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class ListPage:
    """What the template of the list shows. `link_parameters`: those of every link that leads away."""

    asked: ListQuery
    found: ListSlice
    lang: Lang
    say: Wording
    roots: Sequence[str]
    link_parameters: Mapping[str, str]
    now: float  # Unix time

    @property
    def problems(self) -> Sequence[tuple[str, str]]:
        """What cannot be read, and why; not more than fits."""
        return sorted(self.found.problems.items())[:MOST_PROBLEMS]

    @property
    def more_problems(self) -> int:
        """Problems that do not fit."""
        return max(len(self.found.problems) - MOST_PROBLEMS, 0)

    @property
    def search(self) -> str:
        """What is searched for."""
        return printable(self.asked.search)

    @property
    def rows(self) -> Iterator[RunRow]:
        """The runs, in order."""
        return (
            run_row(
                listed_run(shown, self.lang), self.say, self.link_parameters, self.now, self._state(shown)
            )
            for shown in self.found.runs
        )

    def _state(self, shown: Shown) -> str:
        """What a run does; of one that cannot be read nobody knows."""
        if shown.unread_since is not None:
            return self.say("unread_short", time=moment_text(shown.unread_since))
        return state_text(shown.snapshot, self.lang)

    @property
    def filters(self) -> Iterator[tuple[str, list[FilterOption]]]:
        """Each filter with its choices."""
        chosen = (self.asked.healths, self.asked.states, self.asked.profiles)
        return ((name, self._options(name, values)) for name, values in zip(FILTERS, chosen, strict=True))

    def _options(self, name: str, chosen: frozenset[str]) -> list[FilterOption]:
        counts = {**self.found.counts.get(name, {})}
        unknown = [value for value in sorted(chosen) if value not in counts]  # of a run that is gone, perhaps
        known = [FilterOption(value, runs, value in chosen) for value, runs in counts.items()]
        return known + [FilterOption(printable(value), 0, True) for value in unknown]

    @property
    def hidden(self) -> Mapping[str, str]:
        """What a search keeps."""
        return {**self.link_parameters, **_order(self.asked)}

    @property
    def headings(self) -> Iterator[Heading]:
        """The headings of the columns that tell something."""
        return (self._heading(word, sort) for word, sort in COLUMNS)

    def _heading(self, word: str, sort: str) -> Heading:
        if not sort:
            return Heading(word, "", "")
        current = self.asked.sort == sort
        wanted = replace(self.asked, sort=sort, descending=current and not self.asked.descending)
        direction = ("descending" if self.asked.descending else "ascending") if current else ""
        return Heading(word, self._address(_order(wanted)), direction)

    @property
    def first(self) -> int:
        """Place of the first run that is shown, from 1."""
        return self.found.offset + 1

    @property
    def last(self) -> int:
        """Place of the last one."""
        return self.found.offset + len(self.found.runs)

    @property
    def previous(self) -> str:
        """The page before, empty where there is none."""
        offset = max(self.found.offset - self.asked.limit, 0)
        parameters = {**_order(self.asked), **({"offset": str(offset)} if offset else {})}
        return self._address(parameters) if self.found.offset else ""

    @property
    def following(self) -> str:
        """The page behind, empty where there is none."""
        parameters = {**_order(self.asked), "offset": str(self.last)}
        return self._address(parameters) if self.last < self.found.matching else ""

    def _address(self, parameters: Mapping[str, str]) -> str:
        return address("", {**self.link_parameters, **_filters(self.asked), **parameters}) or "./"


def address(path: str, parameters: Mapping[str, str]) -> str:
    """An address with parameters, not yet escaped."""
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _filters(asked: ListQuery) -> dict[str, str]:
    """The question's filters as parameters; empty ones are left out."""
    given = {
        "search": asked.search,
        "health": ",".join(sorted(asked.healths)),
        "state": ",".join(sorted(asked.states)),
        "profile": ",".join(sorted(asked.profiles)),
    }
    return {key: printable(value) for key, value in given.items() if value}


def _order(asked: ListQuery) -> dict[str, str]:
    """Its order and the length of its pages, where somebody has chosen them."""
    given = {
        "sort": asked.sort if asked.sort != "health" else "",
        "order": "desc" if asked.descending else "",
        "limit": str(asked.limit) if asked.limit != PAGE else "",
    }
    return {key: value for key, value in given.items() if value}

"""What the template of the list draws, for the page as for the script that keeps it up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from llmtrain_exporter.knowledge import notes_words, unread_words, yaml_words
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.said_again import said_again
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.fleet import Shown
from llmtrain_exporter.serve.listed_metrics import LISTED
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

COLOURS = 8

Parameters = Mapping[str, str | list[str]]

FILTERS = ("health", "state", "profile")

MOST_PROBLEMS = 5
"""More unreadable paths are told as a number."""

_REASONS = (
    *(text for reason, text in words.NO_RUN_REASONS.items() if reason is not NoRunReason.UNREADABLE),
    *(*notes_words.TOLD, *yaml_words.TOLD, *unread_words.TOLD),
)
"""Those that the program has words for, as its log has them; of others the system says why."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the list. `address`: the list in its order, or turned; empty where it orders nothing."""

    word: str
    address: str
    direction: str  # as aria-sort has it; empty where the list has another order


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A run in its place. `heading`: what begins with it, empty where nothing does; `colour`: of its group.

    `pin`: the list with the run pinned, or no longer.
    """

    run: RunRow
    heading: str
    colour: str
    is_pinned: bool
    pin: str


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
        known = sorted(self.found.problems.items())[:MOST_PROBLEMS]
        return [
            (path, said_again(why, (*_REASONS, unread_words.SYSTEM), self.lang, _REASONS))
            for path, why in known
        ]

    @property
    def more_problems(self) -> int:
        """Problems that do not fit."""
        return max(len(self.found.problems) - MOST_PROBLEMS, 0)

    @property
    def search(self) -> str:
        """What is searched for."""
        return printable(self.asked.search)

    @property
    def rows(self) -> Iterator[ListedRow]:
        """The runs, in order."""
        group: str | None = None
        for shown in self.found.runs:
            name = shown.snapshot.run
            pinned = name in self.asked.pins
            pins = [pin for pin in self.asked.pins if pin != name] + ([] if pinned else [name])
            now = self.say("pinned_runs") if pinned else self._group(shown)
            link = self._address({**_order(replace(self.asked, pins=tuple(pins)))})
            yield ListedRow(self._row(shown), now if now != group else "", self._colour(shown), pinned, link)
            group = now

    def _row(self, shown: Shown) -> RunRow:
        run, state = listed_run(shown, self.lang), self._state(shown)
        return run_row(run, self.say, self.link_parameters, self.now, state, self.asked.columns)

    def _group(self, shown: Shown) -> str:
        """The heading above runs of one value of the label; empty where the list is not parted."""
        label = self.asked.group
        if not label:
            return self.say("other_runs") if self.asked.pins else ""
        value = shown.snapshot.labels.get(label)
        return printable(f"{label}={value}" if value else self.say("without_label", label=label))

    def _colour(self, shown: Shown) -> str:
        """The colour of its group, the same on every page of the list; empty: none."""
        values = self.found.labels.get(self.asked.group, ())
        value = shown.snapshot.labels.get(self.asked.group, "")
        return f"s{values.index(value) % COLOURS + 1}" if value in values else ""

    @property
    def columns(self) -> Sequence[tuple[str, bool]]:
        """The metrics that may have a column, and whether they have."""
        return [(name, name in self.asked.columns) for name in LISTED]

    @property
    def labels(self) -> Sequence[tuple[str, bool]]:
        """The labels that may part the list, and whether one does; an asked one that no run has, too."""
        names = [*self.found.labels, *([self.asked.group] if self.asked.group else [])]
        return [(printable(name), name == self.asked.group) for name in dict.fromkeys(names)]

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
    def hidden(self) -> Sequence[tuple[str, str]]:
        """What a search keeps."""
        kept = _order(replace(self.asked, columns=(), group=""))
        pins = [("pin", printable(pin)) for pin in self.asked.pins]
        single = {**self.link_parameters, **kept, "pin": ""}
        return [(name, str(value)) for name, value in single.items() if value] + pins

    @property
    def headings(self) -> Iterator[Heading]:
        """The headings of the columns that tell something."""
        metrics = [(name, name) for name in self.asked.columns]
        return (self._heading(word, sort) for word, sort in (*COLUMNS, *metrics))

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

    def _address(self, parameters: Parameters) -> str:
        return address("", {**self.link_parameters, **_filters(self.asked), **parameters}) or "./"


def address(path: str, parameters: Parameters) -> str:
    """An address with parameters, not yet escaped; one with several values stands there several times."""
    return f"{path}?{urlencode(parameters, doseq=True)}" if parameters else path


def _filters(asked: ListQuery) -> dict[str, str]:
    """The question's filters as parameters; empty ones are left out."""
    given = {
        "search": asked.search,
        "health": ",".join(sorted(asked.healths)),
        "state": ",".join(sorted(asked.states)),
        "profile": ",".join(sorted(asked.profiles)),
    }
    return {key: printable(value) for key, value in given.items() if value}


def _order(asked: ListQuery) -> dict[str, str | list[str]]:
    """Its order, columns, groups and pins, and the length of its pages, where somebody has chosen them."""
    given: dict[str, str | list[str]] = {
        "group": printable(asked.group),
        "column": list(asked.columns),
        "pin": [printable(pin) for pin in asked.pins],
        "sort": asked.sort if asked.sort != "health" else "",
        "order": "desc" if asked.descending else "",
        "limit": str(asked.limit) if asked.limit != PAGE else "",
    }
    return {key: value for key, value in given.items() if value}

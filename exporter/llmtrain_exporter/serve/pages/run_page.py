"""What the templates of a run draw: its story, the place of each finding in the run, marks for its charts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from llmtrain_exporter.knowledge import page_words
from llmtrain_exporter.knowledge.guarding import GUARD_ACTS
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import RowKind, Snapshot
from llmtrain_exporter.serve.pages.wording import label_texts
from llmtrain_exporter.story.blocks import (
    DETAIL,
    Joint,
    Line,
    Mark,
    Part,
    Piece,
    Section,
    Span,
    Story,
    Strong,
    Table,
)
from llmtrain_exporter.story.numbers import moment_text, series_name
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.unit import unit_of

Object = dict[str, object]

NARROWEST_TRACK = 0.8
"""Percent of the run: what is shorter could not be seen."""


@dataclass(frozen=True, slots=True)
class Track:
    """Where in a run something was: from which step to which, and both in percent of the run."""

    title: str
    severity: str  # a key of `words.JUDGED`
    first: int
    last: int
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class TableGroup:
    """Rows of a table under one heading: of each its cells, its note, and whether it is a detail."""

    heading: str
    rows: Sequence[tuple[Sequence[Line], Line, bool]]

    @property
    def details(self) -> int:
        """Rows that only those see who want to see all."""
        return sum(detail for *_, detail in self.rows)


@dataclass(frozen=True)
class RunPage:
    """One run in one language."""

    run: Snapshot
    lang: Lang
    unread_since: float | None = None  # Unix time, see `Shown`
    note: str = ""  # see `Shown`

    @property
    def unread(self) -> str:
        """Since when its log cannot be read, in words; empty: it can."""
        text = page_words.PAGE["unread"].of(self.lang)
        return "" if self.unread_since is None else text.format(time=moment_text(self.unread_since))

    @property
    def labels(self) -> list[str]:
        """The operator's own."""
        return label_texts(self.run.labels)

    @cached_property
    def story(self) -> Story:
        """What is told."""
        return run_story(self.run, self.lang)

    def sections(self, *parts: str) -> list[Section]:
        """The sections of these parts of the story, in its order."""
        return [section for section in self.story.sections if section.part in map(Part, parts)]

    @property
    def first(self) -> int:
        """The first step of the run."""
        return self.run.first_step or 0

    @property
    def last(self) -> int:
        """The last one; never the first."""
        return max(self.run.last_step or 1, self.first + 1)

    def track(self, line: Line) -> Track | None:
        """The place in the run of what a line tells, None where it has none."""
        pieces = {type(piece): piece for piece in reversed(line)}  # of each type the first
        span, title, mark = pieces.get(Span), pieces.get(Strong), pieces.get(Mark)
        if not isinstance(span, Span) or not isinstance(title, Strong) or not isinstance(mark, Mark):
            return None
        last = self.last if span.last is None else span.last
        left = min(self._percent(span.first), 100 - NARROWEST_TRACK)
        width = max(self._percent(last) - left, NARROWEST_TRACK)
        return Track(title.text, mark.kind, span.first, last, round(left, 2), round(width, 2))

    def _percent(self, step: int) -> float:
        return min(max(100 * (step - self.first) / (self.last - self.first), 0.0), 100.0)

    @property
    def marks(self) -> Object:
        """What its charts show beside their lines; see `chart_marks`."""
        return chart_marks(self.run)


def chart_marks(run: Snapshot) -> Object:
    """Where signals were worst, incidents (`to` None: it lasts) and resumes, by step.

    `up_to` is another one whenever the log has grown, or was written anew.
    """
    return {
        "first": run.first_step,
        "last": run.last_step,
        "unit": unit_of(run),
        "up_to": [*(run.records.get(kind, 0) for kind in RowKind), run.last_record],
        "peaks": list(_peaks(run)),
        "incidents": [
            {"from": incident.onset_step, "to": incident.recovery_step} for incident in run.incidents
        ],
        "resumes": [{"from": resume.last, "to": resume.first} for resume in run.resumes],
        "guard": guard_steps(run),
    }


def guard_steps(run: Snapshot) -> list[int]:
    """The steps at which a guard changed something in the training."""
    events = () if run.guard is None else run.guard.events
    return sorted({event.step for event in events if event.action in GUARD_ACTS})


def _peaks(run: Snapshot) -> Iterator[Object]:
    for episode in run.episodes:
        if episode.severity is not Severity.INFO and math.isfinite(episode.peak):
            yield {
                "series": series_name(episode.metric),
                "step": episode.peak_step,
                "value": episode.peak,
                "severity": episode.severity.value,
            }


def parts_of(line: Line) -> list[Line]:
    """A line without its joints: what stands between them."""
    parts: list[list[Piece]] = [[]]
    for piece in line:
        if isinstance(piece, Joint):
            parts.append([])
        else:
            parts[-1].append(piece)
    return [tuple(part) for part in parts if part]


def lasts(line: Line) -> bool:
    """Whether what a line tells has not ended."""
    return any(isinstance(piece, Span) and piece.last is None for piece in line)


def groups_of(table: Table) -> list[TableGroup]:
    """The rows of a table under their headings."""
    count = len(table.rows)
    headings, notes = table.groups or ("",) * count, table.notes or ((),) * count
    ranks = table.ranks or (0,) * count
    groups: dict[str, list[tuple[Sequence[Line], Line, bool]]] = {}
    for heading, cells, note, rank in zip(headings, table.rows, notes, ranks, strict=True):
        groups.setdefault(heading, []).append((cells, note, rank >= DETAIL))
    return [TableGroup(heading, rows) for heading, rows in groups.items()]

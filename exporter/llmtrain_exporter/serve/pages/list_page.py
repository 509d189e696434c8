"""The list of runs as HTML, as a browser without scripts shows it; a script makes it live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.pages import listing
from llmtrain_exporter.serve.pages.listing import Page, Query

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

MOST_PROBLEMS = 5
"""More unreadable paths are told as a number."""

_UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"))
_WIDTH, _HEIGHT = 120.0, 24.0  # of a sparkline, in its own units


@dataclass(frozen=True, slots=True)
class ListPage:
    """The list in one language at one moment. `now`: Unix time."""

    words: Mapping[str, str]
    lang: Lang
    now: float

    def parts(
        self, asked: Query, page: Page, roots: Iterable[str], kept: Mapping[str, str]
    ) -> dict[str, str]:
        """What the template's placeholders stand for. `kept`: parameters for every link."""
        empty = "none_match" if page.total else "none_yet"
        return {
            "note": self._note(page, roots),
            "asked_search": escape(printable(asked.search)),
            "health_options": self._options("health", page, asked.healths),
            "state_options": self._options("state", page, asked.states),
            "profile_options": self._options("profile", page, asked.profiles),
            "kept": _hidden({**kept, **_order(asked)}),
            "kept_lang": _hidden(kept),
            "matching": self._matching(page),
            "heads": "".join(self._head(*column, asked, kept) for column in COLUMNS),
            "rows": "".join(self._row(listing.row(shown, self.lang), kept) for shown in page.runs),
            "empty": "" if page.matching else escape(self.words[empty]),
            "empty_hidden": " hidden" if page.matching else "",
            "pager": self._pager(asked, page, kept),
            "pages_hidden": "" if page.matching > len(page.runs) else " hidden",
        }

    def problems(self, found: Mapping[str, str]) -> str:
        """What the search for runs could not read; `found`: why, by path."""
        if not found:
            return ""
        told = [f"<li><code>{escape(path)}</code> {escape(why)}</li>" for path, why in sorted(found.items())]
        more = f"<li>+ {len(told) - MOST_PROBLEMS}</li>" if len(told) > MOST_PROBLEMS else ""
        listed = "".join(told[:MOST_PROBLEMS])
        return f'<div class="notice">{escape(self.words["problems"])}<ul>{listed}{more}</ul></div>'

    def age(self, seconds: float) -> str:
        """A length of time in its largest unit that fits: "12 s", "3 min", "5 h", "2 d"."""
        size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1.0, "seconds"))
        return self.words[unit].format(n=f"{max(0.0, seconds) // size:.0f}")

    def _note(self, page: Page, roots: Iterable[str]) -> str:
        if not page.ready:
            return escape(self.words["reading"])
        named = ", ".join(f"<code>{escape(printable(root))}</code>" for root in roots)
        return escape(self.words["watching"]).format(roots=named or escape(self.words["nothing"]))

    def _matching(self, page: Page) -> str:
        said = "count" if page.matching == page.total else "count_of"
        return self.words[said].format(n=f"{page.matching:,}", total=f"{page.total:,}")

    def _options(self, name: str, page: Page, chosen: frozenset[str]) -> str:
        options = [f'<option value="">{escape(self.words["any"])}</option>']
        for value, count in page.counts.get(name, {}).items():
            shown = self.words.get(f"{name}.{value}", printable(value))
            mark = " selected" if value in chosen else ""
            options.append(f'<option value="{escape(value)}"{mark}>{escape(shown)} ({count:,})</option>')
        return "".join(options)

    def _head(self, word: str, sort: str, asked: Query, kept: Mapping[str, str]) -> str:
        label = escape(self.words[word])
        if not sort:
            return f'<th role="columnheader" scope="col" class="c-{word}">{label}</th>'
        current = asked.sort == sort
        turned = {"order": "desc"} if current and not asked.descending else {}
        address = _link({**kept, **_filters(asked), "sort": sort, **turned})
        order = "descending" if asked.descending else "ascending"
        said = f' aria-sort="{order}"' if current else ""
        return (
            f'<th role="columnheader" scope="col" class="c-{word}"{said}>'
            f'<a data-sort="{sort}" href="{address}">{label}</a></th>'
        )

    def _row(self, row: listing.Object, kept: Mapping[str, str]) -> str:
        run = str(row["run"])
        name = escape(run)
        address = escape(f"run?{urlencode({'run': run, **kept})}")
        pick = escape(self.words["pick"].format(run=run))
        state = escape(self.words[f"state.{row['state']}"])
        return (
            f'<tr role="row"><td role="cell" class="c-pick">'
            f'<input type="checkbox" name="run" form="compare" value="{name}" aria-label="{pick}"></td>'
            f'<th role="rowheader" scope="row" class="c-run"><a href="{address}">{name}</a>'
            f"<small>{escape(str(row['profile']))}</small></th>"
            f'<td role="cell" class="c-health">{self._health(row)}</td>'
            f'<td role="cell" class="c-state">{state}</td>'
            f'<td role="cell" class="c-progress">{self._progress(row)}</td>'
            f'<td role="cell" class="c-left">{self._left(row["remaining_seconds"])}</td>'
            f'<td role="cell" class="c-course">{self._course(row["sparkline"])}</td>'
            f'<td role="cell" class="c-last_record">{self._last(row["last_record_timestamp"])}</td></tr>\n'
        )

    def _health(self, row: listing.Object) -> str:
        health, signal, earlier = row["health"], row["signal"], row["earlier"]
        badge = f'<span class="badge {health}">{escape(self.words[f"health.{health}"])}</span>'
        if isinstance(signal, dict):
            return f'{badge} <span class="what">{escape(str(signal["title"]))}</span>'
        if earlier is not None:
            told = self.words["earlier"].format(title=earlier)
            return f'{badge} <span class="what dim">{escape(told)}</span>'
        return badge

    def _progress(self, row: listing.Object) -> str:
        step, most, share = row["last_step"], row["max_steps"], row["progress"]
        if not isinstance(step, int):
            return ""
        if not isinstance(share, float):
            return f"<small>{step:,}</small>"
        label = escape(self.words["progress"])
        return (
            f'<progress max="1" value="{min(max(share, 0.0), 1.0):.4f}" aria-label="{label}"></progress>'
            f"<small>{step:,} / {most:,}</small>"
        )

    def _left(self, seconds: object) -> str:
        return escape(self.age(seconds)) if isinstance(seconds, float) else ""

    def _last(self, timestamp: object) -> str:
        if not isinstance(timestamp, float):
            return ""
        return escape(self.words["ago"].format(age=self.age(self.now - timestamp)))

    def _course(self, line: object) -> str:
        if not isinstance(line, dict) or len(line["values"]) < 2:
            return ""
        values = line["values"]
        metric = self.words[f"course_{line['metric']}"]
        told = self.words["course_of"].format(metric=metric, first=f"{values[0]:g}", last=f"{values[-1]:g}")
        low, high = min(values), max(values)
        scale = (_HEIGHT - 4) / (high - low) if high > low else 0.0
        points = " ".join(
            f"{_WIDTH * at / (len(values) - 1):.1f},{_HEIGHT - 2 - (value - low) * scale:.1f}"
            for at, value in enumerate(values)
        )
        return (
            f'<svg class="spark {line["metric"]}" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" '
            f'aria-label="{escape(told)}" preserveAspectRatio="none"><polyline points="{points}"/></svg>'
        )

    def _pager(self, asked: Query, page: Page, kept: Mapping[str, str]) -> str:
        known = {**kept, **_filters(asked), **_order(asked)}
        end = page.offset + len(page.runs)
        told = self.words["range"].format(first=page.offset + 1, last=end, n=f"{page.matching:,}")
        before, after = page.offset > 0, end < page.matching
        back = {"offset": str(max(page.offset - asked.limit, 0))} if page.offset > asked.limit else {}
        return (
            f"{_turn(self.words['previous'], {**known, **back}, before, 'prev')}"
            f"<span>{escape(told)}</span>"
            f"{_turn(self.words['next'], {**known, 'offset': str(end)}, after, 'next')}"
        )


def _turn(word: str, parameters: Mapping[str, str], possible: bool, relation: str) -> str:
    if not possible:
        return f'<span class="dim">{escape(word)}</span>'
    return f'<a rel="{relation}" href="{_link(parameters)}">{escape(word)}</a>'


def _filters(asked: Query) -> dict[str, str]:
    """The question's filters as parameters; empty ones are left out."""
    given = {
        "search": asked.search,
        "health": ",".join(sorted(asked.healths)),
        "state": ",".join(sorted(asked.states)),
        "profile": ",".join(sorted(asked.profiles)),
    }
    return {key: printable(value) for key, value in given.items() if value}


def _order(asked: Query) -> dict[str, str]:
    order = {"sort": asked.sort} if asked.sort != "health" else {}
    return {**order, "order": "desc"} if asked.descending else order


def _link(parameters: Mapping[str, str]) -> str:
    return escape(f"?{urlencode(parameters)}") if parameters else "./"


def _hidden(parameters: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">'
        for key, value in parameters.items()
    )

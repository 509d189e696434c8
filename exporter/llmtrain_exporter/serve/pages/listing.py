"""The runs as a list that people search, filter and sort: so many at a time, however many there are."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

from llmtrain_exporter.analyse.run import STALLED
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Health, Snapshot, State
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.exposition import label_value
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.serve.sparkline import Sparkline
from llmtrain_exporter.story import verdict
from llmtrain_exporter.story.facts import progress

PAGE = 100
"""Runs in a page, unless asked otherwise."""

LONGEST_PAGE = 500

FRESH_SECONDS = 1.0
"""All who look within this time see the same list: a thousand open pages cost no more than one."""

ANSWERS_KEPT = 64

LIVE = (State.RUNNING, State.STALLED, State.WAITING)

Object = dict[str, object]

_RANK = list(Severity)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. Empty filters let everything through; names of nothing let nothing through."""

    search: str = ""
    states: frozenset[str] = frozenset()
    healths: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    sort: str = "health"
    descending: bool = False
    offset: int = 0
    limit: int = PAGE


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of the list. `counts`: of all runs, by state, health, profile; `matching`: how many match."""

    ready: bool
    total: int
    matching: int
    offset: int
    counts: Mapping[str, Mapping[str, int]]
    runs: Sequence[Shown]


_Key = Callable[[Shown], object]


def _health(shown: Shown) -> object:
    """The runs in trouble first, of these the ones for which something can still be done."""
    run = shown.snapshot
    return -run.health, run.state not in LIVE, -run.verdict, run.run


SORTS: Mapping[str, _Key] = {
    "health": _health,
    "name": lambda shown: shown.snapshot.run,
    "state": lambda shown: (list(State).index(shown.snapshot.state), shown.snapshot.run),
    "profile": lambda shown: (shown.snapshot.profile, shown.snapshot.run),
    "progress": lambda shown: progress(shown.snapshot),
    "remaining": lambda shown: shown.remaining,
    "last": lambda shown: shown.snapshot.last_record,
}
"""The orders. What a run does not know puts it at the end, whichever way the list goes."""


def query(pairs: Iterable[tuple[str, str]]) -> Query:
    """The question in the parameters of an address. What makes no sense is as if it were not there."""
    given: dict[str, list[str]] = {}
    for key, value in pairs:
        given.setdefault(key, []).extend(filter(None, value.split(",")))
    last = {key: values[-1] for key, values in given.items() if values}
    return Query(
        search=",".join(given.get("search", [])).strip()[:200],
        states=frozenset(given.get("state", ())),
        healths=frozenset(given.get("health", ())),
        profiles=frozenset(given.get("profile", ())),
        sort=last.get("sort", "") if last.get("sort") in SORTS else "health",
        descending=last.get("order") == "desc",
        offset=_number(last.get("offset"), 0, 10**9),
        limit=max(_number(last.get("limit"), PAGE, LONGEST_PAGE), 1),
    )


def _number(text: str | None, default: int, most: int) -> int:
    return (
        min(int(text), most) if text and text.isascii() and text.isdecimal() and len(text) < 12 else default
    )


class Listing:
    """Pages of the fleet's list. Asked by many threads; the list is looked through anew once a second."""

    def __init__(self, fleet: Fleet, clock: Callable[[], float]) -> None:
        """`clock`: monotonic seconds."""
        self._fleet = fleet
        self._clock = clock
        self._lock = threading.Lock()  # guards all below
        self._seen = _Seen()

    def page(self, query: Query) -> Page:
        """The runs that match, in order, from the offset on."""
        with self._lock:
            return self._page(query)

    def body(self, query: Query, lang: Lang) -> bytes:
        """The same as JSON."""
        with self._lock:
            page = self._page(query)
            body = self._seen.bodies.get((query, lang))
            if body is None:
                body = self._seen.bodies[query, lang] = orjson.dumps(page_object(page, lang))
            return body

    def everything(self, tell: Callable[[Iterable[Shown], bool], bytes]) -> bytes:
        """All runs, in no order, and whether all were read, as `tell` says it; made once for all who ask."""
        with self._lock:
            seen = self._fresh()
            if seen.everything is None:
                seen.everything = tell(seen.runs, self._fleet.ready)
            return seen.everything

    def _page(self, query: Query) -> Page:
        seen = self._fresh()
        found = seen.pages.get(query)
        if found is None:
            if len(seen.pages) >= ANSWERS_KEPT:
                seen.pages.clear()
                seen.bodies.clear()
            found = seen.pages[query] = _page(query, seen, self._fleet.ready)
        return found

    def _fresh(self) -> _Seen:
        now, state = self._clock(), (self._fleet.version, self._fleet.ready)
        if self._seen.state != state and now - self._seen.at >= FRESH_SECONDS:
            runs = self._fleet.shown()
            self._seen = _Seen(state, now, runs, _counts(runs))
        return self._seen


@dataclass(slots=True)
class _Seen:
    """The fleet at one moment, and the answers that were made of it."""

    state: tuple[int, bool] = (-1, False)
    at: float = float("-inf")
    runs: Sequence[Shown] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pages: dict[Query, Page] = field(default_factory=dict)
    bodies: dict[tuple[Query, Lang], bytes] = field(default_factory=dict)
    everything: bytes | None = None


def _counts(runs: Iterable[Shown]) -> Mapping[str, Mapping[str, int]]:
    states, healths, profiles = Counter[State](), Counter[Health](), Counter[str]()
    for shown in runs:
        run = shown.snapshot
        states[run.state] += 1
        healths[run.health] += 1
        profiles[run.profile] += 1
    return {
        "state": {state.value: states[state] for state in State},
        "health": {health.name.lower(): healths[health] for health in Health},
        "profile": dict(sorted(profiles.items())),
    }


def _page(query: Query, seen: _Seen, ready: bool) -> Page:
    found = [shown for shown in seen.runs if _matches(shown.snapshot, query)]
    key = SORTS[query.sort]
    unknown = [shown for shown in found if key(shown) is None]
    if unknown:
        found = [shown for shown in found if key(shown) is not None]
    found.sort(key=key, reverse=query.descending)  # type: ignore[arg-type]  # the keys of one order compare
    found += unknown
    offset = (
        query.offset if query.offset < len(found) else max(len(found) - 1, 0) // query.limit * query.limit
    )
    runs = found[offset : offset + query.limit]
    return Page(ready, len(seen.runs), len(found), offset, seen.counts, runs)


def _matches(run: Snapshot, query: Query) -> bool:
    return (
        (not query.states or run.state.value in query.states)
        and (not query.healths or run.health.name.lower() in query.healths)
        and (not query.profiles or run.profile in query.profiles)
        and (not query.search or _found(query.search, run))
    )


def _found(search: str, run: Snapshot) -> bool:
    """Whether each word of the search is in the name."""
    name = run.run.lower()
    return all(word in name for word in search.lower().split())


def page_object(page: Page, lang: Lang) -> Object:
    """A page for JSON."""
    return {
        "ready": page.ready,
        "total": page.total,
        "matching": page.matching,
        "offset": page.offset,
        "counts": page.counts,
        "runs": [row(shown, lang) for shown in page.runs],
    }


def row(shown: Shown, lang: Lang) -> Object:
    """What the list tells of a run."""
    run = shown.snapshot
    signal = _signal(run, lang)
    return {
        "run": label_value(run.run),
        "health": run.health.name.lower(),
        "verdict": run.verdict.name.lower(),
        "state": run.state.value,
        "profile": printable(run.profile),
        "last_step": run.last_step,
        "max_steps": run.max_steps,
        "progress": progress(run),
        "remaining_seconds": shown.remaining,
        "last_record_timestamp": run.last_record,
        "signal": signal,
        "earlier": verdict.title(run, lang) if signal is None and verdict.against(run) else None,
        "sparkline": None if shown.sparkline is None else _sparkline(shown.sparkline),
    }


def _signal(run: Snapshot, lang: Lang) -> Object | None:
    """The worst that lasts, as `verdict.against` orders it."""
    lasting = [one for one in run.episodes if one.active]
    found = verdict.against(replace(run, episodes=tuple(lasting)))
    if found:
        severity = max((one.severity for one in lasting if one.signal == found[0]), key=_RANK.index)
        return {
            "name": found[0],
            "severity": severity.value,
            "title": SIGNALS[found[0]].advice.title.of(lang),
        }
    if run.state is not State.STALLED:  # which no record can show
        return None
    severity = Severity.CRITICAL if run.health is Health.BROKEN else Severity.WARNING
    return {"name": STALLED, "severity": severity.value, "title": SIGNALS[STALLED].advice.title.of(lang)}


def _sparkline(line: Sparkline) -> Object:
    return {"metric": line.metric, "values": [float(f"{value:.4g}") for value in line.values.tolist()]}

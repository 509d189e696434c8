"""The runs as a list that people search, filter and sort: so many at a time, however many there are."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from llmtrain_exporter.model import Health, Snapshot, State
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.serve.listed_metrics import LISTED
from llmtrain_exporter.story.facts import progress

PAGE = 100
"""Runs in a page, unless asked otherwise."""

LONGEST_PAGE = 500

FRESH_SECONDS = 1.0
"""All who look within this time see the same list: a thousand open pages cost no more than one."""

ANSWERS_KEPT = 64

MOST_PINS = 20

LIVE = (State.RUNNING, State.STALLED, State.WAITING)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What is asked for. Empty filters let everything through; names of nothing let nothing through."""

    search: str = ""
    states: frozenset[str] = frozenset()
    healths: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    sort: str = "health"
    descending: bool = False
    offset: int = 0
    limit: int = PAGE
    columns: tuple[str, ...] = ()  # metrics, names of `LISTED`
    pins: tuple[str, ...] = ()  # runs that come first, whatever is searched for
    group: str = ""  # the label whose values part the list


@dataclass(frozen=True, slots=True)
class ListSlice:
    """A piece of the list. `counts`: of all runs, by state, health, profile; `matching`: how many match.

    `labels`: of all runs, the values of each by its name; `problems`: what the last search for logs could not
    read, by path.
    """

    ready: bool
    problems: Mapping[str, str]
    total: int
    matching: int
    offset: int
    counts: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, Sequence[str]]
    runs: Sequence[Shown]


_Key = Callable[[Shown], object]


def _health(shown: Shown) -> object:
    """The runs in trouble first, of these the ones for which something can still be done."""
    run = shown.snapshot
    return -run.health, run.state not in LIVE, -run.verdict, run.run


def _metric(name: str, shown: Shown) -> object:
    value = shown.metrics.get(name, math.nan)
    return None if math.isnan(value) else value


SORTS: Mapping[str, _Key] = {
    "health": _health,
    "name": lambda shown: shown.snapshot.run,
    "state": lambda shown: (list(State).index(shown.snapshot.state), shown.snapshot.run),
    "profile": lambda shown: (shown.snapshot.profile, shown.snapshot.run),
    "progress": lambda shown: progress(shown.snapshot),
    "remaining": lambda shown: shown.remaining,
    "last": lambda shown: shown.snapshot.last_record,
    **{name: partial(_metric, name) for name in LISTED},
}
"""The orders. What a run does not know puts it at the end, whichever way the list goes."""


def query(pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """The question in the parameters of an address. What makes no sense is as if it were not there."""
    given: dict[str, list[str]] = {}
    pairs = list(pairs)
    for key, value in pairs:
        given.setdefault(key, []).extend(filter(None, value.split(",")))
    last = {key: values[-1] for key, values in given.items() if values}
    return ListQuery(
        search=",".join(given.get("search", [])).strip()[:200],
        states=frozenset(given.get("state", ())),
        healths=frozenset(given.get("health", ())),
        profiles=frozenset(given.get("profile", ())),
        sort=last.get("sort", "") if last.get("sort") in SORTS else "health",
        descending=last.get("order") == "desc",
        offset=_number(last.get("offset"), 0, 10**9),
        columns=tuple(name for name in LISTED if name in given.get("column", ())),
        pins=tuple(dict.fromkeys(value for key, value in pairs if key == "pin" and value))[:MOST_PINS],
        group=last.get("group", "")[:200],
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
        self._last = _Answers()

    def find(self, query: ListQuery) -> ListSlice:
        """The runs that match, in order, from the offset on."""
        with self._lock:
            return self._find(query)

    def answer(self, query: ListQuery, form: Hashable, write: Callable[[ListSlice], bytes]) -> bytes:
        """That piece as `write` puts it; made once for all who ask for it in that form (format, language)."""
        with self._lock:
            found = self._find(query)
            answer = self._last.answers.get((query, form))
            if answer is None:
                answer = self._last.answers[query, form] = write(found)
            return answer

    def everything(self, write: Callable[[Iterable[Shown], bool], bytes]) -> bytes:
        """All runs, in no order, and whether all were read, as `write` puts it; made once for all who ask."""
        with self._lock:
            fresh = self._fresh()
            if fresh.everything is None:
                fresh.everything = write(fresh.runs, fresh.ready)
            return fresh.everything

    def _find(self, query: ListQuery) -> ListSlice:
        fresh = self._fresh()
        found = fresh.slices.get(query)
        if found is None:
            if len(fresh.slices) >= ANSWERS_KEPT:
                fresh.slices.clear()
                fresh.answers.clear()
            found = fresh.slices[query] = _slice(query, fresh)
        return found

    def _fresh(self) -> _Answers:
        fleet, now = self._fleet, self._clock()
        state = fleet.version, fleet.ready, fleet.problems
        if self._last.state != state and now - self._last.at >= FRESH_SECONDS:
            runs = fleet.shown()
            self._last = _Answers(state, now, runs, _counts(runs), _labels(runs))
        return self._last


@dataclass(slots=True)
class _Answers:
    """The fleet at one moment (monotonic seconds), and what was answered of it."""

    state: tuple[int, bool, Mapping[str, str]] = (-1, False, {})
    at: float = float("-inf")
    runs: Sequence[Shown] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    slices: dict[ListQuery, ListSlice] = field(default_factory=dict)
    answers: dict[tuple[ListQuery, Hashable], bytes] = field(default_factory=dict)
    everything: bytes | None = None

    @property
    def ready(self) -> bool:
        """Whether every log that was there at the start was read to its end."""
        return self.state[1]


def _counts(runs: Iterable[Shown]) -> Mapping[str, Mapping[str, int]]:
    states, healths, profiles = Counter[State](), Counter[Health](), Counter[str]()
    for shown in runs:
        run = shown.snapshot
        states[run.state] += 1
        healths[run.health] += 1
        profiles[run.profile] += 1
    return {
        "state": {state.value: states[state] for state in State},
        "health": {
            health.name.lower(): healths[health]
            for health in (Health.HEALTHY, Health.WATCH, Health.BROKEN, Health.UNKNOWN)
            if healths[health] or health is not Health.UNKNOWN
        },
        "profile": dict(sorted(profiles.items())),
    }


def _labels(runs: Iterable[Shown]) -> Mapping[str, Sequence[str]]:
    values: dict[str, set[str]] = {}
    for shown in runs:
        for name, value in shown.snapshot.labels.items():
            values.setdefault(name, set()).add(value)
    return {name: sorted(values[name]) for name in sorted(values)}


def _slice(query: ListQuery, fresh: _Answers) -> ListSlice:
    pinned = _pinned(query.pins, fresh.runs)
    rest = (shown for shown in fresh.runs if shown.snapshot.run not in query.pins)
    found = pinned + _ordered([shown for shown in rest if _matches(shown, query)], query)
    last = max(len(found) - 1, 0) // query.limit * query.limit  # where the last page begins
    offset = query.offset if query.offset < len(found) else last
    runs = found[offset : offset + query.limit]
    _, ready, problems = fresh.state
    return ListSlice(ready, problems, len(fresh.runs), len(found), offset, fresh.counts, fresh.labels, runs)


def _pinned(pins: Sequence[str], runs: Iterable[Shown]) -> list[Shown]:
    there = {shown.snapshot.run: shown for shown in runs if shown.snapshot.run in pins} if pins else {}
    return [there[name] for name in pins if name in there]


def _ordered(runs: list[Shown], query: ListQuery) -> list[Shown]:
    key = SORTS[query.sort]
    unknown = [shown for shown in runs if key(shown) is None]
    known = [shown for shown in runs if key(shown) is not None] if unknown else runs
    known.sort(key=key, reverse=query.descending)  # type: ignore[arg-type]  # the keys of one order compare
    ordered = known + unknown
    if query.group:  # each group in that order; runs without the label behind all
        ordered.sort(key=lambda shown: _group(shown.snapshot, query.group))
    return ordered


def _group(run: Snapshot, label: str) -> tuple[bool, str]:
    value = run.labels.get(label, "")
    return not value, value


def _matches(shown: Shown, query: ListQuery) -> bool:
    run = shown.snapshot
    return (
        (not query.states or run.state.value in query.states)
        and (not query.healths or run.health.name.lower() in query.healths)
        and (not query.profiles or run.profile in query.profiles)
        and (not query.search or _found(query.search, shown))
    )


def _found(search: str, shown: Shown) -> bool:
    """Whether each word of the search is in the name, a label ("team=vision", "vision"), or the note."""
    run = shown.snapshot
    texts = [
        run.run.lower(),
        shown.note.lower(),
        *(f"{name}={value}".lower() for name, value in run.labels.items()),
    ]
    return all(any(word in text for text in texts) for word in search.lower().split())

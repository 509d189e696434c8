"""Runs as JSON: all of them, a page of the list, one in words, one with its history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, NamedTuple

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.knowledge import page_words
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun, RowKind
from llmtrain_exporter.printable import label_value, printable
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.serve.pages.answers import (
    BY_LANGUAGE,
    JSON,
    answer,
    json_answer,
    known,
    tag_of,
    unchanged,
)
from llmtrain_exporter.serve.pages.charts import axes, charts
from llmtrain_exporter.serve.pages.histories import Histories
from llmtrain_exporter.serve.pages.language import language
from llmtrain_exporter.serve.pages.listed_run import ListedRun, listed_run
from llmtrain_exporter.serve.pages.listing import Listing, ListSlice, query
from llmtrain_exporter.serve.pages.log_turns import LogTurns
from llmtrain_exporter.serve.pages.run_answers import RunAnswers, run_json, unread_object
from llmtrain_exporter.serve.pulse import Pulse
from llmtrain_exporter.story.facts import progress
from llmtrain_exporter.story.numbers import moment_text
from llmtrain_exporter.story.run_object import health_word
from llmtrain_exporter.watching.history.columns import History
from llmtrain_exporter.watching.history.document import POINTS, history_object

FEWEST_POINTS, MOST_POINTS = 10, 20_000


class _Asked(NamedTuple):
    """A history that somebody asks for: `part` is how many points, from which step, to which."""

    run: str
    found: Found
    part: tuple[int, int | None, int | None]
    lang: Lang
    tag: str
    pulse: Pulse | None


class Api:
    """The answers. Plain functions run in the thread pool."""

    def __init__(
        self, fleet: Fleet, listing: Listing, answers: RunAnswers, histories: Histories, turns: LogTurns
    ) -> None:
        self._fleet = fleet
        self._listing = listing
        self._histories = histories
        self._answers = answers
        self._turns = turns

    def routes(self) -> list[Route]:
        """What is answered where."""
        answers = {"runs": self.runs, "list": self.list, "run": self.run, "history": self.history}
        return [Route(f"/api/v1/{name}", answer_of) for name, answer_of in answers.items()]

    def runs(self, request: Request) -> Response:
        """All runs by name. `health`: at the last record; `verdict`: on the whole log."""
        return answer(request, self._listing.everything(_all_runs), JSON)

    def list(self, request: Request) -> Response:
        """A page of the list; see `listing.query` for what can be asked."""
        asked, lang = query(request.query_params.multi_items()), language(request)
        body = self._listing.answer(asked, (JSON, lang), lambda found: _list(found, lang))
        return answer(request, body, JSON, vary=BY_LANGUAGE)

    def run(self, request: Request) -> Response:
        """One run in words."""
        shown = self._asked(request)
        if shown is None:
            return no_such_run(request)
        lang = language(request)
        body = self._answers.answer(shown, (JSON, lang), lambda run: run_json(run, shown, lang))
        return answer(request, body, JSON, vary=BY_LANGUAGE)

    async def history(self, request: Request) -> Response:
        """One run with its values by step, read from its log; see `history_object`."""
        shown = self._asked(request)
        if shown is None or shown.found is None:
            return no_such_run(request)
        if shown.unread_since is not None:
            return json_answer(request, {"error": _unread(shown.unread_since, language(request))}, 503)
        turns = self._turns.of(shown)
        asked = await to_thread.run_sync(
            self._asked_history, request, shown, shown.found, limiter=turns.glance
        )
        if isinstance(asked, Response):
            return asked
        # One after the other, and not in the threads of all other answers: no long log holds up a scrape.
        return await to_thread.run_sync(self._history, request, asked, limiter=turns.read)

    def _asked_history(self, request: Request, shown: Shown, found: Found) -> Response | _Asked:
        """What is asked for; the answer at once where the client has it already."""
        given = request.query_params
        points = min(max(whole_number(given.get("points")) or POINTS, FEWEST_POINTS), MOST_POINTS)
        part = points, whole_number(given.get("from")), whole_number(given.get("to"))
        lang = language(request)
        state = self._histories.since, self._histories.signature(found), part, lang.value
        tag = tag_of(repr(state).encode())
        return (
            unchanged(tag)
            if known(request, tag)
            else _Asked(shown.snapshot.run, found, part, lang, tag, shown.pulse)
        )

    def _history(self, request: Request, asked: _Asked) -> Response:
        def write(history: History) -> bytes:
            content = {
                **history_object(history, *asked.part),
                "run": label_value(asked.run),
                "axes": axes(history),
                "groups": charts(history, asked.lang),
            }
            return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)

        question = asked.run, asked.part, asked.lang
        found = self._histories.answer(asked.found, question, write, asked.pulse)
        if isinstance(found, NoRun):
            reason = words.no_run_reason(found.reason, found.detail, asked.lang)
            return json_answer(request, {"error": reason}, 404)
        return answer(request, found, JSON, tag=asked.tag)

    def _asked(self, request: Request) -> Shown | None:
        return self._fleet.find(request.query_params.get("run", ""))


def whole_number(text: str | None) -> int | None:
    """The number that a parameter is, None where it is none."""
    try:
        return None if text is None else int(float(text))
    except (ValueError, OverflowError):
        return None


def no_such_run(request: Request) -> Response:
    """404, with what was asked for."""
    name = printable(request.query_params.get("run", ""))
    return json_answer(request, {"error": f"there is no run {name!r}"}, 404)


def _unread(since: float, lang: Lang) -> str:
    return page_words.PAGE["unread"].of(lang).format(time=moment_text(since))


def _list(found: ListSlice, lang: Lang) -> bytes:
    content = {
        "ready": found.ready,
        "total": found.total,
        "matching": found.matching,
        "offset": found.offset,
        "counts": found.counts,
        "runs": [_listed(shown, lang) for shown in found.runs],
    }
    return orjson.dumps(content)


def _listed(shown: Shown, lang: Lang) -> ListedRun | dict[str, Any]:
    run, unread = listed_run(shown, lang), unread_object(shown.unread_since)
    return {**asdict(run), **unread} if unread else run


def _all_runs(shown: Iterable[Shown], ready: bool) -> bytes:
    runs = sorted(shown, key=lambda each: each.snapshot.run)
    content = {"ready": ready, "runs": [_described(run) for run in runs]}
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def _described(shown: Shown) -> dict[str, Any]:
    """A run as JSON; NaN and infinities become null on the way out."""
    snapshot = shown.snapshot
    return {
        "run": label_value(snapshot.run),
        "file": printable(snapshot.file),
        "dialect": snapshot.dialect,
        "profile": snapshot.profile,
        "state": snapshot.state.value,
        "health": health_word(snapshot.health),
        "verdict": health_word(snapshot.verdict),
        "labels": {name: printable(value) for name, value in snapshot.labels.items()},
        "note": shown.note,
        "records": {kind.value: snapshot.records.get(kind, 0) for kind in (RowKind.TRAIN, RowKind.EVAL)},
        "first_step": snapshot.first_step,
        "last_step": snapshot.last_step,
        "max_steps": snapshot.max_steps,
        "step_is_record": snapshot.step_is_record,
        "progress": progress(snapshot),
        "resumes": [{"from": resume.last, "to": resume.first} for resume in snapshot.resumes],
        "last_record_timestamp": snapshot.last_record,
        "best": snapshot.best and {"eval_loss": snapshot.best[0], "step": snapshot.best[1]},
        "skipped_lines": dict(snapshot.skipped),
        **unread_object(shown.unread_since),
    }

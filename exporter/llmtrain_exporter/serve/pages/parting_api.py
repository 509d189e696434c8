"""Where runs part, as JSON: the first of those that are asked for beside each other one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmtrain_exporter.analyse.parting import Course, partings
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Group
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun, Series
from llmtrain_exporter.printable import label_value, printable
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.serve.pages.answers import BY_LANGUAGE, json_answer, known, tag_of, unchanged
from llmtrain_exporter.serve.pages.compare_page import MOST_RUNS
from llmtrain_exporter.serve.pages.histories import Histories
from llmtrain_exporter.serve.pages.language import language
from llmtrain_exporter.serve.pages.log_turns import LogTurns
from llmtrain_exporter.story.numbers import series_name
from llmtrain_exporter.story.parting import parting_text
from llmtrain_exporter.watching.history.columns import History

GROUPS = (Group.OPTIMISATION, Group.REWARD, Group.LENGTH, Group.PREFERENCE, Group.VALUE)
"""What becomes of a training; how fast it is and how it was set is no parting."""

LEFT_OUT = (c.LEARNING_RATE,)
EXTREMES = ("min", "max")

_PLACE = {metric: at for at, metric in enumerate(c.METRICS)}


@dataclass(frozen=True, slots=True)
class _Run:
    """A run that is compared: its name, the steps that stand, and the values of each metric at them."""

    name: str
    steps: Sequence[int]
    courses: dict[Series, Course]


class PartingApi:
    """The answer."""

    def __init__(self, fleet: Fleet, histories: Histories, turns: LogTurns) -> None:
        self._fleet = fleet
        self._histories = histories
        self._turns = turns

    def routes(self) -> list[Route]:
        """What is answered where."""
        return [Route("/api/v1/parting", self.parting)]

    async def parting(self, request: Request) -> Response:
        """For each run but the first where it left the first; those that cannot be read are left out."""
        lang, asked = language(request), self._asked(request)
        tag = await to_thread.run_sync(self._tag, asked, lang)
        if known(request, tag):
            return unchanged(tag, vary=BY_LANGUAGE)
        runs = [run for shown, found in asked if (run := await self._read(shown, found))]
        return await to_thread.run_sync(_answer, request, runs, lang, tag)

    def _asked(self, request: Request) -> Sequence[tuple[Shown, Found]]:
        names = list(dict.fromkeys(request.query_params.getlist("run")))[:MOST_RUNS]
        there = [shown for shown in map(self._fleet.find, names) if shown is not None]
        return [(shown, shown.found) for shown in there if shown.found and shown.unread_since is None]

    def _tag(self, asked: Sequence[tuple[Shown, Found]], lang: Lang) -> str:
        state = [(shown.snapshot.run, self._histories.signature(found)) for shown, found in asked]
        return tag_of(repr((self._histories.since, state, lang.value)).encode())

    async def _read(self, shown: Shown, found: Found) -> _Run | None:
        limiter = self._turns.of(shown).read
        return await to_thread.run_sync(self._run, shown, found, limiter=limiter)

    def _run(self, shown: Shown, found: Found) -> _Run | None:
        try:
            run = self._histories.look(found, _courses, shown.pulse)
        except OSError:
            return None
        return None if isinstance(run, NoRun) else _Run(label_value(shown.snapshot.run), *run)


def _courses(history: History) -> tuple[Sequence[int], dict[Series, Course]]:
    table = history.train
    rows = [row for row in range(len(table)) if not table.superseded[row]]
    steps = [table.steps[row] for row in rows]
    told = sorted(filter(_tells, table.columns), key=lambda series: (_PLACE[series.metric], series.labels))
    return steps, {series: (steps, [table.columns[series][row] for row in rows]) for series in told}


def _tells(series: Series) -> bool:
    metric, label = series.metric, dict(series.labels).get(series.metric.label, "")
    return metric.group in GROUPS and metric not in LEFT_OUT and label not in EXTREMES


def _answer(request: Request, runs: Sequence[_Run], lang: Lang, tag: str) -> Response:
    content = {"partings": [_parting(runs[0], other, lang) for other in runs[1:]]}
    return json_answer(request, content, tag=tag, vary=BY_LANGUAGE)


def _parting(one: _Run, other: _Run, lang: Lang) -> dict[str, object]:
    found = partings(one.courses, other.courses)
    common = len(set(one.steps) & set(other.steps))
    return {
        "runs": [one.name, other.name],
        "common_steps": common,
        "metrics": [
            {"name": printable(series_name(series)), "step": at.step, "values": [at.one, at.other]}
            for series, at in found
        ],
        "text": parting_text(one.name, other.name, common, found, lang),
    }

"""All runs of all hosts, usable with five and with two thousand."""

from __future__ import annotations

from llmtrain_exporter.bundle.alerting.promql import HEALTH_WEIGHT
from llmtrain_exporter.bundle.dashboards import fleet_queries as q
from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards import run_panels as run
from llmtrain_exporter.bundle.dashboards.board import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Bars,
    Board,
    Column,
    Curves,
    Mappings,
    Query,
    Row,
    Stat,
    Steps,
    TablePanel,
    Timeline,
)
from llmtrain_exporter.knowledge import dashboard_words_fleet as words
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.story_words import HEALTH, JUDGED, STAGE, STATE

HEALTH_MAPPING = run.HEALTH
_WEIGHT = float(HEALTH_WEIGHT)
TROUBLE_MAPPING: Mappings = {
    (place * _WEIGHT, (place + 1) * _WEIGHT): health for place, health in enumerate(run.HEALTH.values())
}
"""The same of the number in whose order runs are listed."""
STATE_COLOURS = {"running": BLUE, "waiting": GREY, "finished": GREEN, "stalled": ORANGE, "failed": RED}
STATE_MAPPING: Mappings = {state: (STATE[state], colour) for state, colour in STATE_COLOURS.items()}
SEVERITY_MAPPING: Mappings = {
    "critical": (JUDGED["critical"], RED),
    "warning": (JUDGED["warning"], ORANGE),
    "info": (JUDGED["info"], BLUE),
}
SIGNAL_MAPPING: Mappings = {name: (signal.advice.title, "") for name, signal in SIGNALS.items()}
STAGE_MAPPING: Mappings = {name: (text, "") for name, text in STAGE.items()}
BOARD_MAPPING: Mappings = {
    frame.GRPO: ("GRPO", ""),
    frame.SFT: ("SFT", ""),
    frame.PREFERENCE: ("DPO", ""),
}
LASTS_MAPPING: Mappings = {1: (words.YES, RED), 0: (words.NO, GREEN)}
UP_MAPPING: Mappings = {1: (words.UP, GREEN), 0: (words.DOWN, RED)}

NEUTRAL: Steps = ((None, BLUE),)
WATCHED: Steps = ((None, GREEN), (1, ORANGE))
FORBIDDEN: Steps = ((None, GREEN), (1, RED))

_KEPT = "${__url_time_range}&${datasource:queryparam}"
TO_RUN = (
    "/d/${__data.fields.board}{lang}?var-run=${__data.fields.run:percentencode}"
    f"&var-instance=${{__data.fields.instance:percentencode}}&var-profile=$__all&{_KEPT}"
)
TO_PAGE = "${exporter}/run?run=${__data.fields.run:percentencode}&lang={code}"
TO_HOST = f"/d/{frame.FLEET}{{lang}}?var-instance=${{__value.text:percentencode}}&{_KEPT}"


def _count(panel: words.Words, expr: str, steps: Steps = NEUTRAL) -> Stat:
    line = Query(f"{expr} or vector(0)", instant=True)
    return Stat(*panel, (line,), width=3, height=4, nothing=words.NO_RUNS, steps=steps, coloured=True)


_NOW = Row(
    "",
    (
        _count(words.RUNS, q.runs_in(".+")),
        _count(words.RUNNING, q.runs_in("running")),
        _count(words.BROKEN, q.BROKEN, FORBIDDEN),
        _count(words.WATCH, q.in_health("watch"), WATCHED),
        _count(words.STALLED, q.runs_in("stalled"), WATCHED),
        _count(words.FAILED, q.runs_in("failed"), FORBIDDEN),
        _count(words.INCIDENTS_HOUR, q.INCIDENTS_LAST_HOUR, FORBIDDEN),
        _count(words.FIRING, q.TOLD_COUNT, WATCHED),
    ),
)

_RUNS = Row(
    words.ALL_RUNS,
    (
        TablePanel(
            *words.TABLE,
            tuple(Query(expr, table=True) for expr in q.TABLE),
            width=24,
            height=13,
            nothing=words.NO_RUNS,
            columns=(
                Column("Value #A", words.HEALTH, width=75, mappings=TROUBLE_MAPPING, cell="color-background"),
                Column("run", words.RUN, url=TO_RUN, hint=words.TO_RUN, filterable=True),
                Column(
                    "state",
                    words.STATE,
                    width=75,
                    mappings=STATE_MAPPING,
                    cell="color-text",
                    url=TO_PAGE,
                    hint=words.TO_PAGE,
                ),
                Column("profile", words.PROFILE, width=85, filterable=True),
                Column("signal", words.WORST, width=190, mappings=SIGNAL_MAPPING, filterable=True),
                Column(
                    "Value #B",
                    words.PROGRESS,
                    "percentunit",
                    90,
                    0,
                    cell="gauge",
                    range=(0, 1),
                    steps=NEUTRAL,
                ),
                Column("Value #C", words.ETA, "s", 75, 1),
                Column("Value #D", words.AGE, "s", 85, 1),
                Column("Value #E", words.STEP_TIME, "s", 85, 2),
                Column("Value #F", words.LOSS, "short", 90),
                Column("Value #G", words.REWARD, "short", 65, 3),
                Column("Value #H", words.KL, "short", 75),
                Column("instance", words.HOST, width=120, url=TO_HOST, hint=words.TO_HOST, filterable=True),
                Column(
                    "board", words.DASHBOARD, width=85, mappings=BOARD_MAPPING, url=TO_RUN, hint=words.TO_RUN
                ),
            ),
            sort=("Value #A", True),
            needs="state",
        ),
    ),
)


def _stack(panel: words.Words, lines: tuple[Query, ...]) -> Curves:
    return Curves(
        *panel,
        lines,
        width=8,
        decimals=0,
        nothing=words.NO_RUNS,
        stacked=True,
        filled=60,
        stairs=True,
        soft=(0, None),
    )


_OVER_TIME = Row(
    words.OVER_TIME,
    (
        Timeline(
            *words.TIMELINE,
            (Query(q.TIMELINE, "{{run}}"),),
            unit="none",
            width=24,
            height=14,
            nothing=words.NO_RUNS,
            mappings=HEALTH_MAPPING,
            steps=((None, GREEN), (1, ORANGE), (2, RED)),
            points=q.TIMELINE_POINTS,
        ),
        _stack(
            words.BY_HEALTH,
            tuple(
                Query(q.in_health(health), HEALTH[health], colour=colour)
                for health, colour in (("broken", RED), ("watch", ORANGE), ("healthy", GREEN))
            ),
        ),
        _stack(
            words.BY_STATE,
            tuple(
                Query(q.runs_in(state), STATE[state], colour=colour)
                for state, colour in reversed(STATE_COLOURS.items())
            ),
        ),
        TablePanel(
            *words.SIGNALS,
            (Query(q.SIGNALS, table=True),),
            unit="none",
            width=8,
            nothing=words.NO_SIGNALS,
            columns=(
                Column("signal", words.SIGNAL, mappings=SIGNAL_MAPPING),
                Column(
                    "Value",
                    words.RUNS_COLUMN,
                    width=170,
                    cell="gauge",
                    steps=((None, ORANGE),),
                    properties=(("min", 0),),
                ),
            ),
            sort=("Value", True),
            merged=False,
        ),
    ),
)

_TROUBLE = Row(
    words.TROUBLE,
    (
        TablePanel(
            *words.ALERTS,
            (Query(q.TOLD, table=True),),
            unit="none",
            width=11,
            height=10,
            nothing=words.NO_ALERTS,
            columns=(
                Column("severity", words.SEVERITY, width=75, mappings=SEVERITY_MAPPING, cell="color-text"),
                Column("alertname", words.ALERT, width=190, filterable=True),
                Column("run", words.RUN, filterable=True),
                Column("instance", words.HOST, width=120, filterable=True),
                Column("Value", words.FOR, "s", 80, 1),
            ),
            sort=("Value", False),
            merged=False,
        ),
        TablePanel(
            *words.INCIDENTS,
            tuple(Query(expr, table=True) for expr in q.INCIDENTS),
            unit="none",
            width=13,
            height=10,
            nothing=words.NO_INCIDENTS,
            columns=(
                Column("run", words.RUN, filterable=True),
                Column("Value #A", words.AGO, "s", 75, 1),
                Column("Value #B", words.STEP, width=50),
                Column("Value #D", words.LASTS, width=50, mappings=LASTS_MAPPING, cell="color-text"),
                Column("Value #C", words.COUNT, width=55),
                Column("Value #E", words.LOST, "s", 75, 1),
                *(
                    Column(place, title, width=68, mappings=STAGE_MAPPING)
                    for place, title in zip(q.PLACES, words.ORDER, strict=True)
                ),
            ),
            sort=("Value #A", False),
            needs="Value #A",
        ),
    ),
)

_HOSTS = Row(
    words.HOSTS_ROW,
    (
        TablePanel(
            *words.HOSTS,
            tuple(Query(expr, table=True) for expr in q.HOSTS),
            unit="none",
            nothing=words.NO_RUNS,
            columns=(
                Column("instance", words.HOST, url=TO_HOST, hint=words.TO_HOST, filterable=True),
                Column("Value #A", words.UP_COLUMN, width=100, mappings=UP_MAPPING, cell="color-text"),
                Column("Value #B", words.RUNS_COLUMN, width=90),
                Column("Value #C", words.BROKEN_COLUMN, width=90, steps=FORBIDDEN, cell="color-text"),
                Column("Value #D", words.RECORDS_COLUMN, "short", 110, 2),
            ),
            sort=("Value #B", True),
            needs="Value #A",
        ),
        Bars(
            *words.BY_PROFILE,
            (Query(q.PROFILES, "{{profile}}", instant=True),),
            width=4,
            decimals=0,
            nothing=words.NO_RUNS,
            low=0,
            steps=NEUTRAL,
        ),
        Curves(
            *words.THROUGHPUT,
            (Query(q.RECORDS, "{{instance}}"),),
            width=8,
            nothing=words.NOTHING_READ,
            soft=(0, None),
        ),
    ),
)

FLEET = Board(
    frame.FLEET,
    "fleet",
    frame.TITLES[frame.FLEET],
    words.FLEET_TEXT,
    (_NOW, _RUNS, _OVER_TIME, _TROUBLE, _HOSTS),
    frame.variables(),
    links=frame.links(frame.FLEET),
    tags=("fleet",),
    since="now-2h",
    refresh="30s",
)

"""What the dashboards of one run share: the strip on top, signals over time, speed, spikes, the rest."""

from __future__ import annotations

from typing import Any

from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards.board import (
    BLUE,
    DARK_GREEN,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Column,
    Curves,
    Look,
    Mappings,
    Override,
    Panel,
    Query,
    Row,
    Stat,
    TablePanel,
    Timeline,
    Transformation,
)
from llmtrain_exporter.bundle.dashboards.descriptions import described, paragraphs
from llmtrain_exporter.bundle.dashboards.queries import BY_RUN, DOTTED, ONE_RUN, recorded, series
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge import own_level
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.signals.progress import STALLED
from llmtrain_exporter.knowledge.text import Text

SINCE = "now-6h"
"""What the dashboard of a run shows at first: much of a training, what was before the first scrape too."""

HEALTH: Mappings = {
    0: (words.HEALTH["healthy"], GREEN),
    1: (words.HEALTH["watch"], ORANGE),
    2: (words.HEALTH["broken"], RED),
}
"""Of llmtrain_run_health."""

_STATE_COLOURS = {"waiting": GREY, "running": BLUE, "stalled": ORANGE, "finished": GREEN, "failed": RED}
STATES: Mappings = {
    place: (text, _STATE_COLOURS[name]) for place, (name, text) in enumerate(words.STATE.items())
}
"""Of `state_of`."""

SEVERITIES: Mappings = {
    0: (words.JUDGED["fine"], DARK_GREEN),
    1: (words.JUDGED["info"], BLUE),
    2: (words.JUDGED["warning"], ORANGE),
    3: (words.JUDGED["critical"], RED),
}
"""Of `signals_of`."""


def state_of(of: str = ONE_RUN) -> str:
    """The run's state as its place in `words.STATE`, by job, instance and run."""
    places = (
        f"{series(c.RUN_STATE, f'state={_quoted(name)}', of=of)} * {place}"
        for place, name in enumerate(words.STATE)
    )
    return f"sum by (job, instance, run) ({' or '.join(places)})"


def _quoted(text: str) -> str:
    return f'"{text}"'


def time_left(of: str = ONE_RUN) -> str:
    """Seconds to the end of a run: the trainer's own estimate, else steps left times the speed now."""
    steps = f"({series(c.MAX_STEPS, of=of)} - {series(c.STEP, of=of)})"
    return f"{series(c.REMAINING, of=of)} or {steps} * {series(c.RECENT_SECONDS_PER_STEP, of=of)}"


_TOLD = series(a.SIGNAL_ACTIVE, 'severity=~"warning|critical"')
_RUNNING = series(c.RUN_STATE, 'state="running"')


def _tile(title: Text, text: Text, *lines: Query, unit: str = "short", **options: Any) -> Stat:
    """A number at the top of a dashboard; `options` are those of `Stat`."""
    return Stat(title, text, lines, unit, width=3, height=4, **options)


_VERDICT = _tile(
    texts.VERDICT,
    described(c.RUN_HEALTH),
    Query(series(c.RUN_HEALTH), instant=True),
    mappings=HEALTH,
    background=True,
)
_STATE = _tile(
    texts.STATE, described(c.RUN_STATE), Query(state_of(), instant=True), mappings=STATES, coloured=True
)
_PROGRESS = _tile(
    texts.PROGRESS,
    described(c.PROGRESS),
    Query(series(c.PROGRESS), instant=True),
    unit="percentunit",
    decimals=1,
    nothing=texts.UNKNOWN,
)
_STEP = _tile(
    texts.STEP,
    described(c.STEP),
    Query(series(c.STEP), texts.STEP, instant=True),
    Query(series(c.MAX_STEPS), texts.OF_STEPS, instant=True),
    unit="locale",
    names=True,
)
_TIME_LEFT = _tile(
    texts.ETA,
    texts.ETA_TEXT,
    Query(f"({time_left()}) and {BY_RUN} {_RUNNING} == 1", instant=True),
    unit="s",
    nothing=texts.UNKNOWN,
)
_AGE = _tile(
    texts.AGE,
    paragraphs(texts.AGE_TEXT, described(c.LAST_RECORD)),
    Query(f"time() - {series(c.LAST_RECORD)}", instant=True),
    unit="s",
    decimals=0,
)
_ACTIVE = _tile(
    texts.ACTIVE,
    texts.ACTIVE_TEXT,
    Query(f"sum by (job, instance, run) ({_TOLD})", instant=True),
    unit="none",
    steps=((None, GREEN), (1, ORANGE)),
    coloured=True,
)
INCIDENTS = _tile(
    texts.INCIDENT_COUNT,
    described(a.INCIDENTS),
    Query(series(a.INCIDENTS), instant=True),
    unit="none",
    steps=((None, GREEN), (1, RED)),
    coloured=True,
)


HEADINGS: Mappings = {name: (text, "") for name, text in texts.HEADLINE_PARTS.items()}
ADVICE: Mappings = {
    **{name: (signal.advice.title, "") for name, signal in SIGNALS.items()},
    **{name: (cause.name, "") for name, cause in CAUSES.items()},
    **{name: (remedy.title, "") for name, remedy in REMEDIES.items()},
}
"""Of the labels of `a.HEADLINE`: no two of these names are the same."""

_HEADLINE = TablePanel(
    texts.HEADLINE,
    texts.HEADLINE_TEXT,
    (Query(f"max by ({', '.join(texts.HEADLINE_PARTS)}) ({series(a.HEADLINE)})", instant=True),),
    "string",
    24,
    5,
    nothing=texts.NO_HEADLINE,
    links=(frame.RUN_PAGE,),
    transformations=(Transformation("labelsToFields", {"mode": "rows"}),),
    columns=(
        Column("label", texts.QUESTION, width=150, mappings=HEADINGS),
        Column("value", texts.ANSWER, mappings=ADVICE),
    ),
    sort=("label", True),
    merged=False,
    header=False,
)
"""What is worst, what to do first, and why: in the reverse order of the labels' names."""


def strip(*last: Panel) -> Row:
    """The verdict and where the run is, in one line, `last` at its end; below it what to do.

    `last`: 3 columns each.
    """
    return Row("", (_VERDICT, _STATE, _PROGRESS, _STEP, _TIME_LEFT, _AGE, _ACTIVE, *last, _HEADLINE))


def signals_of() -> str:
    """Each signal that was there in the time range: 0 not now, 1 to know, 2 warning, 3 critical.

    Each record says which were there, but for the one that only silence shows.
    """
    ever = " or ".join(f"max_over_time({signal}[$__range] @ end()) > 0" for signal in _signal_flags())
    now = " or ".join(
        f"{signal} * {place}"
        for name, place in _SEVERITY_PLACES.items()
        for signal in _signal_flags(f'severity="{name}"')
    )
    return f"max by (signal) ({now}) and on (signal) ({ever})"


def _signal_flags(*also: str) -> tuple[str, str]:
    silence = f'signal="{STALLED.name}"'
    return recorded(a.SIGNAL_ACTIVE, *also), series(a.SIGNAL_ACTIVE, silence, *also)


_SEVERITY_PLACES = {"info": 1, "warning": 2, "critical": 3}


def signals(width: int, height: int = 9) -> Timeline:
    """Signals over time, each by its title."""
    return Timeline(
        texts.SIGNALS_OVER_TIME,
        texts.SIGNALS_TEXT,
        (Query(signals_of(), "{{signal}}"),),
        "none",
        width,
        height,
        nothing=texts.NO_SIGNAL,
        links=(frame.RUN_PAGE, frame.RUNBOOK),
        mappings=SEVERITIES,
        overrides=tuple(
            Override("byName", name, (("displayName", signal.advice.title),))
            for name, signal in SIGNALS.items()
        ),
    )


def order(width: int, height: int = 9) -> TablePanel:
    """In which order the parts of the run broke in its last incident."""
    broken = f"{series(a.INCIDENT_STAGE)} > 0"
    return TablePanel(
        texts.ORDER,
        texts.ORDER_TEXT,
        (
            Query(f"max by (stage) ({broken})", table=True),
            Query(f"max by (stage) ({series(a.INCIDENT_STAGE_STEP)})", table=True),
        ),
        "none",
        width,
        height,
        nothing=texts.NO_INCIDENT,
        columns=(
            Column("Value #A", texts.PLACE, width=70),
            Column("stage", texts.FAMILY, mappings={name: (text, "") for name, text in words.STAGE.items()}),
            Column("Value #B", texts.ONSET, width=100),
        ),
        sort=("Value #A", False),
    )


def step_time(profile: str, width: int = 8, height: int = 8) -> Curves:
    """Speed."""
    return Curves(
        texts.STEP_TIME,
        described(c.RECENT_SECONDS_PER_STEP, profile),
        (
            Query(recorded(c.STEP_TIME), texts.STEP_LAST, Look.TRAIN),
            Query(series(c.RECENT_SECONDS_PER_STEP), texts.STEP_RECENT, colour="green"),
            Query(recorded(c.SECONDS_PER_STEP), texts.STEP_MEAN, Look.BASELINE),
        ),
        "s",
        width,
        height,
        nothing=texts.NOT_LOGGED,
        soft=(0, None),
    )


def memory(profile: str, width: int = 8, height: int = 8) -> Curves:
    """The peak of device memory."""
    return Curves(
        texts.MEMORY,
        described(c.MEMORY, profile),
        (Query(recorded(c.MEMORY), "memory", Look.TRAIN),),
        "bytes",
        width,
        height,
        nothing=texts.NOT_LOGGED,
        filled=10,
        soft=(0, None),
    )


def epoch(width: int = 8, height: int = 8) -> Curves:
    """Passes over the data."""
    return Curves(
        texts.EPOCH,
        described(c.EPOCH),
        (Query(recorded(c.EPOCH), "epoch", Look.TRAIN),),
        "none",
        width,
        height,
        nothing=texts.NOT_LOGGED,
        soft=(0, None),
    )


def records(width: int = 8, height: int = 8) -> Curves:
    """What of the log is read."""
    read, skipped = (
        f"60 * rate({series(counter)}[$__rate_interval]) > 0" for counter in (c.RECORDS, c.SKIPPED)
    )
    return Curves(
        texts.RECORDS,
        texts.RECORDS_TEXT,
        (Query(read, "{{kind}}"), Query(skipped, "{{reason}}", properties=DOTTED)),
        "none",
        width,
        height,
        nothing=texts.NOTHING_READ,
        soft=(0, None),
    )


def settings(width: int, height: int = 9) -> TablePanel:
    """The labels of run_info."""
    return TablePanel(
        texts.SETTINGS,
        described(c.RUN),
        (Query(f"max without (job, instance, run) ({series(c.RUN)})", instant=True),),
        "string",  # as they were written: 5e-5 and not 0.0000500
        width,
        height,
        transformations=(Transformation("labelsToFields", {"mode": "rows"}),),
        overrides=(
            Override("byName", "label", (("displayName", texts.LABEL), ("custom.width", 215))),
            Override("byName", "value", (("displayName", texts.VALUE),)),
        ),
        merged=False,
    )


_SPIKES = (
    Curves(
        texts.SPIKE_SCORE,
        described(a.SPIKE_SCORE),
        (
            Query(recorded(a.SPIKE_SCORE), "{{metric}}"),
            Query(f"vector({own_level.SPIKE_SIGMAS:g})", texts.SIGMAS, Look.WARNING),
        ),
        "none",
        linear_to=1,
    ),
    Curves(
        texts.SPIKE_SHARE,
        described(a.SPIKE_RECORDS),
        (Query(series(a.SPIKE_RECORDS), "{{metric}}"),),
        "percentunit",
        soft=(0, 0.1),
    ),
)
_OTHER = Curves(
    texts.OTHER,
    described(c.OTHER),
    (Query(recorded(c.OTHER), "{{key}} ({{split}})"),),
    "short",
    24,
    10,
    nothing=texts.NOT_LOGGED,
    linear_to=1,  # counts of 1e10 stand beside ratios
)


def rest() -> tuple[Row, ...]:
    """Spikes, and the numbers that have no panel of their own; closed at first."""
    return Row(texts.SPIKES, _SPIKES, collapsed=True), Row(texts.OTHERS, (_OTHER,), collapsed=True)


def state(profile: str) -> Row:
    """Speed, memory, epoch, what was read."""
    return Row(
        texts.RUN_STATE,
        (step_time(profile, 6), memory(profile, 6), epoch(6), records(6)),
    )


def learning_rate(profile: str, width: int = 8, height: int = 8) -> Curves:
    """Learning rate with its limit."""
    return Curves(
        texts.LEARNING_RATE,
        described(c.LEARNING_RATE, profile),
        (Query(recorded(c.LEARNING_RATE), "learning_rate", Look.TRAIN),),
        "sci",
        width,
        height,
        nothing=texts.NOT_LOGGED,
        soft=(0, None),
    )

"""Chosen runs beside each other: settings, results, and curves over step, time since start and clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards.board import (
    NO_VALUE,
    Against,
    Board,
    Column,
    Curves,
    Override,
    Query,
    Row,
    Said,
    TablePanel,
    Transformation,
)
from llmtrain_exporter.bundle.dashboards.descriptions import described, paragraphs
from llmtrain_exporter.bundle.dashboards.fleet import HEALTH_MAPPING, STATE_MAPPING
from llmtrain_exporter.bundle.dashboards.over_steps import STEP, Axis, Points, over
from llmtrain_exporter.bundle.dashboards.queries import (
    BY_RUN,
    RECORDED_RUNS,
    RUNS,
    evaluation,
    recorded,
    series,
    train,
)
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge import dashboard_words_fleet as words
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text

_PER_RUN = "max by (job, instance, run)"
_MEAN = 'stat="mean"'


@dataclass(frozen=True, slots=True)
class _Compared:
    """What is compared: its query for all chosen runs."""

    title: Said
    metric: Metric
    query: str
    unit: str = "short"
    linear_to: float | None = None


_COMPARED = (
    _Compared(words.TRAINING_LOSS, c.LOSS, train(c.LOSS, of=RECORDED_RUNS)),
    _Compared(words.EVAL_LOSS_TITLE, c.LOSS, evaluation(c.LOSS, of=RECORDED_RUNS)),
    _Compared(texts.REWARD, c.REWARD, train(c.REWARD, of=RECORDED_RUNS)),
    _Compared(texts.KL, c.KL, train(c.KL, of=RECORDED_RUNS), linear_to=0.01),
    _Compared(texts.GRAD_NORM, c.GRAD_NORM, recorded(c.GRAD_NORM, of=RECORDED_RUNS), linear_to=0.1),
    _Compared(texts.MEAN_LENGTH, c.COMPLETION_LENGTH, train(c.COMPLETION_LENGTH, _MEAN, of=RECORDED_RUNS)),
    _Compared(texts.ACCURACY, c.TOKEN_ACCURACY, train(c.TOKEN_ACCURACY, of=RECORDED_RUNS), "percentunit"),
    _Compared(words.MARGIN, c.PREFERENCE_MARGIN, train(c.PREFERENCE_MARGIN, of=RECORDED_RUNS)),
    _Compared(texts.LEARNING_RATE, c.LEARNING_RATE, recorded(c.LEARNING_RATE, of=RECORDED_RUNS), "sci"),
)

_SINCE_START = Axis(c.ELAPSED, words.ELAPSED, "s")


def _by_clock(compared: _Compared) -> Curves:
    return Curves(
        compared.title,
        paragraphs(described(compared.metric), words.ON_CLOCK),
        (Query(f"{_PER_RUN} ({compared.query})", "{{run}}"),),
        compared.unit,
        8,
        nothing=words.NOT_LOGGED_BY_ANY,
        linear_to=compared.linear_to,
    )


def _over(compared: _Compared, axis: Axis, text: Text) -> Against:
    """Every record of each run as a point over an axis."""
    points = Points(compared.query, "${__field.labels.run}", ("job", "instance", "run"))
    described_so = paragraphs(described(compared.metric), text)
    return over(
        compared.title, described_so, points, axis, compared.unit, RECORDED_RUNS, words.NOT_LOGGED_BY_ANY
    )


def _info(*labels: str) -> str:
    return f"max by (job, instance, run, {', '.join(labels)}) ({series(c.RUN, of=RUNS)})"


_FACTS = ("profile", "dialect", *arguments.TEXTS)
_RATE = series(c.LEARNING_RATE, of=RUNS)
_PEAK = (
    f"{_RATE} / {BY_RUN} {series(c.LEARNING_RATE_PEAK, of=RUNS)} > 0 "
    f"or {BY_RUN} max_over_time({_RATE}[$__range])"
)
"""At the end of its decay the rate is 0, of which one cannot tell the peak."""
_WIDTHS = {
    "profile": 90,
    "dialect": 95,
    "model_type": 110,
    "rlhf_type": 85,
    "stage": 60,
    "train_type": 95,
    "lr_scheduler_type": 190,
    "loss_type": 90,
    "swift_version": 115,
}
_OF_LOSS = 'metric="loss"'

_SETTINGS = TablePanel(
    *words.SETTINGS,
    (
        Query(_info(*_FACTS), table=True),
        Query(f"{_PER_RUN} ({series(c.MAX_STEPS, of=RUNS)})", table=True),
        Query(f"{_PER_RUN} ({_PEAK})", table=True),
    ),
    unit="none",
    width=24,
    height=8,
    nothing=words.NO_RUNS,
    columns=(
        Column("run", words.RUN, width=180),
        *(Column(label, label, width=_WIDTHS.get(label)) for label in _FACTS),
        Column("Value #B", "max_steps", "locale", 90),
        Column("Value #C", words.PEAK_RATE, "sci", 100, 2),
    ),
    sort=("run", False),
)


_RUN_AND_NUMBERS = ("run", *arguments.NUMBERS)

_HYPER_PARAMETERS = TablePanel(
    *words.HYPER_PARAMETERS,
    (Query(_info(*arguments.NUMBERS), table=True),),
    unit="string",  # as they were written: 5e-5 and not 0.0000500
    width=24,
    height=15,
    nothing=words.NO_RUNS,
    transformations=(
        Transformation("filterFieldsByName", {"include": {"names": _RUN_AND_NUMBERS}}),
        Transformation(
            "organize",
            {
                "excludeByName": {},
                "indexByName": {name: place for place, name in enumerate(_RUN_AND_NUMBERS)},
                "renameByName": {},
            },
        ),
        Transformation("sortBy", {"sort": [{"field": "run"}]}),
        Transformation("transpose", {"firstFieldName": words.PARAMETER}),
    ),
    overrides=(Override("byRegexp", ".*", (("noValue", NO_VALUE),)),),
    merged=False,
)
"""A run is a column here: there are more hyper-parameters than fit beside each other."""


def _last(query: str) -> Query:
    return Query(f"{_PER_RUN} ({query})", table=True)


_RESULTS = TablePanel(
    *words.RESULTS,
    (
        _last(series(c.RUN_HEALTH, of=RUNS)),
        Query(f"max by (job, instance, run, state) ({series(c.RUN_STATE, of=RUNS)} == 1)", table=True),
        _last(series(c.STEP, of=RUNS)),
        _last(series(c.EPOCH, of=RUNS)),
        _last(train(c.LOSS, of=RUNS)),
        _last(evaluation(c.LOSS, of=RUNS)),
        _last(series(c.BEST_EVAL_LOSS, of=RUNS)),
        _last(train(c.REWARD, of=RUNS)),
        _last(train(c.KL, of=RUNS)),
        _last(series(a.SPIKE_RECORDS, _OF_LOSS, of=RUNS)),
        _last(series(a.INCIDENTS, of=RUNS)),
        _last(series(c.RECENT_SECONDS_PER_STEP, of=RUNS)),
    ),
    unit="short",
    width=24,
    height=8,
    nothing=words.NO_RUNS,
    columns=(
        Column("run", words.RUN, width=180),
        Column("Value #A", words.HEALTH, width=90, mappings=HEALTH_MAPPING, cell="color-background"),
        Column("state", words.STATE, width=110, mappings=STATE_MAPPING, cell="color-text"),
        Column("Value #C", words.STEP, "locale", 95),
        Column("Value #D", "epoch", "none", 95, decimals=2),
        Column("Value #E", words.LOSS, width=100),
        Column("Value #F", words.EVAL_LOSS, width=100),
        Column("Value #G", words.BEST_EVAL, width=115),
        Column("Value #H", words.REWARD, width=95, decimals=3),
        Column("Value #I", words.KL, width=100),
        Column("Value #J", words.SPIKES, "percentunit", 95, decimals=1),
        Column("Value #K", words.INCIDENT_COUNT, "none", 95),
        Column("Value #L", words.STEP_TIME, "s", decimals=2),
    ),
    sort=("run", False),
)

_RUN = replace(frame.run(multi=True, recorded=True), all=False, chosen=())
"""No "all": the curves of two thousand runs would tell nothing, and cost much."""

COMPARE = Board(
    frame.COMPARE,
    "compare",
    frame.TITLES[frame.COMPARE],
    words.COMPARE_TEXT,
    (
        Row(words.SIDE_BY_SIDE, (_SETTINGS, _RESULTS, _HYPER_PARAMETERS)),
        Row(words.BY_THE_CLOCK, tuple(_by_clock(compared) for compared in _COMPARED)),
        Row(
            words.OVER_STEPS,
            tuple(_over(compared, STEP, words.ON_STEPS) for compared in _COMPARED),
        ),
        Row(
            words.SINCE_START,
            tuple(_over(compared, _SINCE_START, words.ON_TIME) for compared in _COMPARED),
            collapsed=True,
        ),
    ),
    (
        *(frame.DATASOURCE, frame.ANY_JOB, frame.INSTANCE),
        *(frame.profile(recorded=True), _RUN, *frame.source('run=~"$run"')),
        frame.EXPORTER_ADDRESS,
    ),
    frame.marks(RUNS),
    frame.links(frame.COMPARE),
    ("compare",),
    since="now-6h",
    refresh="30s",
)

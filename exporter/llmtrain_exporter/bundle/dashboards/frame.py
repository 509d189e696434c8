"""What all dashboards have around their panels: variables, links, annotations."""

from __future__ import annotations

from dataclasses import replace

from llmtrain_exporter.bundle.dashboards.board import (
    ANNOTATION_STEP,
    BLUE,
    DARK_GREEN,
    DARK_RED,
    GREEN,
    ORANGE,
    PURPLE,
    Annotation,
    BoardLink,
    Variable,
)
from llmtrain_exporter.bundle.dashboards.queries import BY_RUN, HISTORY, ONE_RUN, TARGET, series
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words as texts
from llmtrain_exporter.knowledge import guard_metrics as g
from llmtrain_exporter.knowledge.jobs import HISTORY_JOB
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.text import Text

FLEET, GRPO, SFT, PREFERENCE = "llmtrain-fleet", "llmtrain-grpo", "llmtrain-sft", "llmtrain-preference"
COMPARE, EXPORTER = "llmtrain-compare", "llmtrain-exporter"
TITLES = {
    FLEET: texts.FLEET_TITLE,
    GRPO: texts.GRPO_TITLE,
    SFT: texts.SFT_TITLE,
    PREFERENCE: texts.PREFERENCE_TITLE,
    COMPARE: texts.COMPARE_TITLE,
    EXPORTER: texts.EXPORTER_TITLE,
}
"""Every dashboard's title by its uid, in the order in which they link to each other."""

ANY = ".*"
"""What stands for all of what every series has: Prometheus then looks for nothing, and reads no index."""

DATASOURCE = Variable("datasource", texts.DATASOURCE, "prometheus", kind="datasource")
JOB = Variable(
    "job", "Job", f"label_values({c.RUN.name}_info, job)", multi=True, all=True, chosen=("$__all",)
)
INSTANCE = Variable(
    "instance",
    "Instance",
    f'label_values({c.RUN.name}_info{{job=~"$job"}}, instance)',
    multi=True,
    all=True,
    chosen=("$__all",),
)
EXPORTER_ADDRESS = Variable(
    "exporter",
    texts.EXPORTER_ADDRESS,
    "http://localhost:9848",
    kind="textbox",
    text=texts.EXPORTER_ADDRESS_TEXT,
)
"""Where a browser reaches the exporter's pages; dashboards link there."""


_HISTORY = Variable(
    "history",
    texts.HISTORY,
    "",
    kind="custom",
    text=texts.HISTORY_TEXT,
    options=((texts.AUTOMATIC, HISTORY_JOB), (texts.AS_SCRAPED, "none")),
)


def source(runs: str) -> tuple[Variable, Variable]:
    """Where curves come from: the choice, and the jobs that have those of the runs that `runs` selects.

    Their history, and the scrape where one of them has none.
    """
    kept, scraped = (
        f"last_over_time({series(c.STEP, runs, of=target)}[$__range])" for target in (HISTORY, TARGET)
    )
    jobs = Variable(
        "source",
        "",
        f"query_result(group by (job) ({kept} or {scraped} unless on (run) {kept}))",
        multi=True,
        all=True,
        any="",
        chosen=("$__all",),
        pattern='/job="([^"]+)"/',
        hidden=True,
    )
    return _HISTORY, jobs


_SCRAPED_RUNS = f"{c.RUN.name}_info{{{TARGET}"
_OF_ANY_RUN = f'{{__name__=~"{c.RUN.name}_info|{c.STEP.name}"'
_ALL_RUNS = f'{_OF_ANY_RUN}, job=~"$job", instance=~"$instance|"'
"""With those of which nothing but their records was ever written."""

ANY_JOB = replace(JOB, query=f"label_values({_OF_ANY_RUN}}}, job)")
"""That of the records too."""


def profile(*chosen: str, recorded: bool = False) -> Variable:
    """The profiles; those chosen at first, or all. `recorded`: of runs with a history alone, too."""
    query = f"label_values({_ALL_RUNS if recorded else _SCRAPED_RUNS}}}, profile)"
    return Variable(
        "profile", texts.PROFILE, query, multi=True, all=True, any=ANY, chosen=chosen or ("$__all",)
    )


def run(multi: bool, recorded: bool = False) -> Variable:
    """The runs of the profiles: one at a time, or several. `recorded`: those with a history alone, too."""
    query = f'label_values({_ALL_RUNS if recorded else _SCRAPED_RUNS}, profile=~"$profile"}}, run)'
    chosen = ("$__all",) if multi else ()
    return Variable("run", texts.RUN, query, multi=multi, all=multi, any=ANY, chosen=chosen)


def variables() -> tuple[Variable, ...]:
    """All variables of a dashboard on many runs."""
    return (DATASOURCE, JOB, INSTANCE, profile(), run(multi=True), EXPORTER_ADDRESS)


def variables_of_run(*profiles: str) -> tuple[Variable, ...]:
    """All variables of a dashboard on one run of these profiles."""
    chosen = profile(*profiles, recorded=True), run(multi=False, recorded=True)
    return (DATASOURCE, ANY_JOB, INSTANCE, *chosen, *source('run="$run"'), EXPORTER_ADDRESS)


def _page(title: Text, path: str, hint: Text) -> BoardLink:
    return BoardLink(title, f"${{exporter}}{path}", hint, icon="external link", blank=True)


RUNBOOK = _page(texts.RUNBOOK, "/runbook?lang={code}", texts.RUNBOOK_TEXT)
RUN_PAGE = _page(texts.RUN_PAGE, "/run?run=${run:percentencode}&lang={code}", texts.RUN_PAGE_TEXT)
RUNS_PAGE = _page(texts.RUNS_PAGE, "/?lang={code}", texts.RUNS_PAGE_TEXT)


def links(own: str) -> tuple[BoardLink, ...]:
    """To the other dashboards with time and variables, to the exporter's page and to the runbook."""
    others = (BoardLink(title, f"/d/{uid}{{lang}}", keep=True) for uid, title in TITLES.items() if uid != own)
    page = RUN_PAGE if own in (GRPO, SFT, PREFERENCE) else RUNS_PAGE
    return (*others, page, RUNBOOK)


def marks(of: str = ONE_RUN) -> tuple[Annotation, ...]:
    """Incidents at their onset, resumes, what a guard did, signals that begin; some can be switched on."""
    return (
        Annotation(
            texts.INCIDENTS,
            _onsets(of),
            texts.INCIDENT_MARK,
            "{{run}}",
            value_is_time=True,
        ),
        Annotation(
            texts.RESUMES,
            f"increase({series(c.RESUMES, of=of)}[1m]) > 0",
            texts.RESUME_MARK,
            "{{run}}",
            BLUE,
        ),
        *_guard_marks(of),
        _begins(texts.CRITICAL_SIGNALS, "critical", DARK_RED, of),
        _begins(texts.WARNING_SIGNALS, "warning", ORANGE, of, on=False),
    )


def _guard_marks(of: str) -> tuple[Annotation, ...]:
    """What a guard did: stops and rescues at their own time, changes when they are seen."""
    rescues = _at_its_time(g.RESCUE_TIME, g.RESCUE_STEP, g.RESCUES, of)
    stops = _at_its_time(g.STOP_TIME, g.STOP_STEP, g.STOPS, of)
    return (
        Annotation(texts.RESCUES, rescues, texts.RESCUE_MARK, "{{run}}", DARK_GREEN, value_is_time=True),
        Annotation(texts.STOPS, stops, texts.STOP_MARK, "{{run}}", PURPLE, value_is_time=True),
        Annotation(texts.GUARD_CHANGES, _grew(g.CHANGES, of), texts.CHANGE_MARK, "{{run}}", GREEN, on=False),
        Annotation(
            texts.SKIPPED_UPDATES,
            _grew(g.SKIPPED_UPDATES, of),
            texts.SKIPPED_MARK,
            "{{run}}",
            GREEN,
            on=False,
        ),
    )


def _grew(metric: Metric, of: str) -> str:
    return f"increase({series(metric, of=of)}[1m]) > 0"


def _at_its_time(time: Metric, step: Metric, counter: Metric, of: str) -> str:
    """When something was done last that was seen to be done, in milliseconds, with the label step."""
    done = f"increase({series(counter, of=of)}[5m]) > 0"
    steps = 'count_values by (job, instance, run) ("step", ' + series(step, of=of) + ")"
    return f"({series(time, of=of)} * 1000 and {BY_RUN} {done}) * {BY_RUN} group_left (step) {steps}"


def _onsets(of: str) -> str:
    """When an incident began, in milliseconds, with the label step.

    Only of incidents that were seen to begin: after a restart of the exporter an old one's time is no better
    known than that of the log's last line.
    """
    return _at_its_time(a.INCIDENT_ONSET_TIME, a.INCIDENT_ONSET, a.INCIDENTS, of)


def _begins(name: Text, severity: str, colour: str, of: str, on: bool = True) -> Annotation:
    active = series(a.SIGNAL_ACTIVE, f'severity="{severity}"', of=of)
    return Annotation(
        name,
        f"{active} == 1 unless ({active} offset {ANNOTATION_STEP} == 1)",
        "{{signal}}",
        "{{run}}",
        colour,
        on=on,
        step=ANNOTATION_STEP,
    )

"""The exporter itself: what it watches, what that costs, what went wrong."""

from __future__ import annotations

from dataclasses import replace

from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards.board import (
    GREEN,
    ORANGE,
    Board,
    Column,
    Curves,
    Look,
    Mappings,
    Query,
    Row,
    Said,
    Stat,
    Steps,
    TablePanel,
)
from llmtrain_exporter.bundle.dashboards.fleet import FORBIDDEN, NEUTRAL, UP_MAPPING, WATCHED
from llmtrain_exporter.bundle.dashboards.queries import KNOWN_EXPORTERS, TARGET, series
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words_exporter as words
from llmtrain_exporter.knowledge.dashboard_words_fleet import HOST, NO, RUNS, UP_COLUMN, YES, Words
from llmtrain_exporter.knowledge.metric import PREFIX

_READY: Mappings = {1: (YES, GREEN), 0: (NO, ORANGE)}


def _series(name: str) -> str:
    return f"{name}{{{TARGET}}}"


def _own(name: str) -> str:
    """A series that the exporter tells of itself."""
    return _series(f"{PREFIX}exporter_{name}")


def _quantile(name: str) -> str:
    """The 99th percentile of a histogram of the exporter's own, in seconds."""
    buckets = f"rate({_own(name + '_bucket')}[$__rate_interval])"
    return f"histogram_quantile(0.99, sum by (job, instance, le) ({buckets}))"


def _count(panel: Words, expr: str, steps: Steps = NEUTRAL, mappings: Mappings | None = None) -> Stat:
    return Stat(
        *panel,
        (Query(expr, instant=True),),
        width=3,
        height=4,
        nothing=words.NOT_SCRAPED,
        mappings=mappings or {},
        steps=steps,
        coloured=True,
    )


def _curves(
    panel: Words, unit: str, *lines: Query, width: int = 8, nothing: Said = words.NOT_SCRAPED
) -> Curves:
    return Curves(*panel, lines, unit, width, nothing=nothing, soft=(0, 1 if unit == "none" else None))


def _by_reason(panel: Words, expr: str, nothing: Said) -> TablePanel:
    return TablePanel(
        *panel,
        (Query(f"sum by (reason) ({expr}) >= 0.5", table=True),),
        unit="none",
        width=8,
        nothing=nothing,
        columns=(Column("reason", words.REASON), Column("Value", words.SO_MANY, "locale", 140, 0)),
        sort=("Value", True),
        merged=False,
    )


_NOW = Row(
    "",
    (
        _count(words.UP_EXPORTERS, f"sum({_series('up')} and on (job, instance) {KNOWN_EXPORTERS})"),
        _count(words.READY, f"min({_own('ready')})", ((None, ORANGE), (1, GREEN)), _READY),
        _count(RUNS, f"sum({_own('runs')})"),
        _count(words.WATCHED, f"sum({_own('files')})"),
        _count(words.SERIES, f"sum({_own('series')})"),
        _count(
            words.ERRORS_NOW,
            f"round(sum(increase({_own('errors_total')}[$__range]))) or vector(0)",
            FORBIDDEN,
        ),
        _count(words.DROPPED, f"sum({_series(c.DROPPED_SERIES.name)})", WATCHED),
        Stat(
            *words.OLDEST,
            (Query(f"time() - min({_series('process_start_time_seconds')})", instant=True),),
            unit="s",
            width=3,
            height=4,
            decimals=0,
            nothing=words.NOT_SCRAPED,
            coloured=True,
            steps=NEUTRAL,
        ),
    ),
)

_COST = Row(
    words.COST,
    (
        _curves(
            words.CPU,
            "none",
            Query(f"rate({_series('process_cpu_seconds_total')}[$__rate_interval])", "{{instance}}"),
            width=6,
        ),
        _curves(
            words.MEMORY, "bytes", Query(_series("process_resident_memory_bytes"), "{{instance}}"), width=6
        ),
        _curves(
            words.DESCRIPTORS,
            "none",
            Query(_series("process_open_fds"), "{{instance}}"),
            Query(f"min({_series('process_max_fds')})", words.LOWEST_LIMIT, Look.CRITICAL),
            width=6,
        ),
        _curves(
            words.COLLECTIONS,
            "none",
            Query(
                "sum by (instance, generation) "
                f"(rate({_series('python_gc_collections_total')}[$__rate_interval]))",
                words.GENERATION_OF,
            ),
            width=6,
        ),
    ),
)

_WORK = Row(
    words.WORK,
    (
        _curves(
            words.SCRAPE_TIME,
            "s",
            Query(_series("scrape_duration_seconds"), words.SEEN_BY_PROMETHEUS),
            Query(_quantile("scrape_duration_seconds"), words.OWN_PART),
        ),
        _curves(words.ROUND_TIME, "s", Query(_quantile("round_duration_seconds"), "{{instance}}")),
        _curves(words.SCAN_TIME, "s", Query(_quantile("scan_duration_seconds"), "{{instance}}")),
        _curves(
            words.READ_BYTES,
            "Bps",
            Query(f"rate({_own('read_bytes_total')}[$__rate_interval])", "{{instance}}"),
        ),
        _curves(
            words.FILES,
            "none",
            Query(_own("files"), words.FILES_OF),
            Query(_own("runs"), words.RUNS_OF),
        ),
        _curves(words.SERIES_OVER_TIME, "short", Query(_own("series"), "{{instance}}")),
    ),
)

_WRONG = Row(
    words.WRONG,
    (
        _curves(
            words.ERRORS,
            "none",
            Query(
                f"sum by (instance, kind) (increase({_own('errors_total')}[$__rate_interval]))",
                "{{instance}}, {{kind}}",
            ),
            nothing=words.NO_ERRORS,
        ),
        _curves(
            words.STUCK_ROOTS,
            "none",
            Query(f"sum by (instance, path) ({_own('root_stuck')})", "{{instance}}, {{path}}"),
        ),
        _by_reason(words.LEFT_OUT, _own("left_out_files"), words.NOTHING_LEFT_OUT),
        _by_reason(
            words.SKIPPED, f"increase({series(c.SKIPPED, of=TARGET)}[$__range])", words.NOTHING_SKIPPED
        ),
        _by_reason(
            words.NOT_RUNS, f"increase({_own('skipped_lines_total')}[$__range])", words.NOTHING_SKIPPED
        ),
        TablePanel(
            *words.VERSIONS,
            (
                Query(f"max by (job, instance, version, python) ({KNOWN_EXPORTERS})", table=True),
                Query(
                    f"max by (job, instance) ({_series('up')} and on (job, instance) {KNOWN_EXPORTERS})",
                    table=True,
                ),
                Query(f"max by (job, instance) ({_own('runs')})", table=True),
            ),
            unit="none",
            width=24,
            nothing=words.NOT_SCRAPED,
            columns=(
                Column("instance", HOST, filterable=True),
                Column("Value #B", UP_COLUMN, width=100, mappings=UP_MAPPING, cell="color-text"),
                Column("version", words.VERSION, width=120, filterable=True),
                Column("python", "Python", width=100),
                Column("Value #C", RUNS.title, width=100),
            ),
            sort=("instance", False),
        ),
    ),
)


def _relay(name: str) -> str:
    """A series that the relay tells of itself."""
    return _series(f"{PREFIX}relay_{name}")


_RELAY = Row(
    words.RELAY,
    (
        _curves(
            words.CARDS,
            "none",
            Query(
                f"sum by (bot, result) (increase({_relay('cards_total')}[$__rate_interval]))",
                "{{bot}}, {{result}}",
            ),
            width=6,
            nothing=words.NO_RELAY,
        ),
        _curves(
            words.REFUSED,
            "none",
            Query(
                f"sum by (bot, reason) (increase({_relay('failures_total')}[$__rate_interval]))",
                "{{bot}}, {{reason}}",
            ),
            width=6,
            nothing=words.NOTHING_REFUSED,
        ),
        _curves(
            words.WAITING, "none", Query(_relay("waiting_cards"), "{{bot}}"), width=6, nothing=words.NO_RELAY
        ),
        _curves(
            words.SEND_TIME,
            "s",
            Query(
                "histogram_quantile(0.99, sum by (bot, le) "
                f"(rate({_relay('send_duration_seconds_bucket')}[$__rate_interval])))",
                "{{bot}}",
            ),
            width=6,
            nothing=words.NO_RELAY,
        ),
    ),
    collapsed=True,
)

_OWN = f'__name__=~"{PREFIX}(exporter|relay)_build_info"'
_JOB = replace(frame.JOB, query=f"label_values({{{_OWN}}}, job)")
_INSTANCE = replace(frame.INSTANCE, query=f'label_values({{{_OWN}, job=~"$job"}}, instance)')
"""Of exporters, which are there before the first run is, and of relays."""

EXPORTER = Board(
    frame.EXPORTER,
    "exporter",
    frame.TITLES[frame.EXPORTER],
    words.BOARD_TEXT,
    (_NOW, _COST, _WORK, _WRONG, _RELAY),
    (frame.DATASOURCE, _JOB, _INSTANCE, frame.EXPORTER_ADDRESS),
    links=frame.links(frame.EXPORTER),
    tags=("exporter",),
    since="now-3h",
    refresh="30s",
)

"""What the GPUs do while a run trains. It comes with the profile gpu of compose, from a folder of its own."""

from __future__ import annotations

from dataclasses import replace

from llmtrain_exporter.bundle.dashboards import frame
from llmtrain_exporter.bundle.dashboards.board import (
    GREEN,
    ORANGE,
    RED,
    Board,
    Curves,
    Query,
    Row,
    Said,
    Stat,
    Steps,
)
from llmtrain_exporter.bundle.dashboards.grafana_json import board_json
from llmtrain_exporter.bundle.dashboards.queries import BY_RUN, TARGET
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words
from llmtrain_exporter.knowledge import dashboard_words_gpu as words
from llmtrain_exporter.knowledge.dashboard_words_fleet import Words
from llmtrain_exporter.knowledge.text import Lang

FOLDER = "grafana/gpu"
UID = "llmtrain-gpu"
_NAME = "{{instance}} GPU {{gpu}}"
_FULL: Steps = ((None, GREEN), (0.95, ORANGE))
_FORBIDDEN: Steps = ((None, GREEN), (1, RED))


def gpu_dashboard(lang: Lang) -> dict[str, str]:
    """The dashboard in one language: path below the project's folder, and JSON."""
    return {f"{FOLDER}/{lang.value}/{dashboard_words.FOLDER.of(lang)}/gpu.json": board_json(GPU, lang)}


def _field(name: str) -> str:
    return f"DCGM_FI_{name}{{{TARGET}}}"


def _curves(
    panel: Words,
    unit: str,
    expr: str,
    legend: str = _NAME,
    high: float | None = None,
    nothing: Said = words.NOTHING,
) -> Curves:
    return Curves(*panel, (Query(expr, legend),), unit, width=8, nothing=nothing, soft=(0, high))


_USED = f"{_field('DEV_FB_USED')} / ({_field('DEV_FB_USED')} + {_field('DEV_FB_FREE')})"
_RUNNING = f'{c.RUN_STATE.name}{{state="running"}} == 1'
_SLOWEST = f"topk(10, {c.SECONDS_PER_STEP.name} and {BY_RUN} {_RUNNING})"

GPU = Board(
    UID,
    "gpu",
    words.TITLE,
    words.BOARD_TEXT,
    (
        Row(
            words.WORK,
            (
                _curves(words.UTILISATION, "percent", _field("DEV_GPU_UTIL"), high=100),
                _curves(
                    words.TENSOR,
                    "percentunit",
                    _field("PROF_PIPE_TENSOR_ACTIVE"),
                    high=1,
                    nothing=words.NOT_PROFILED,
                ),
                _curves(words.STEP_TIME, "s", _SLOWEST, "{{run}}", nothing=dashboard_words.NO_DATA),
            ),
        ),
        Row(
            words.HEAT,
            (
                replace(_curves(words.MEMORY, "percentunit", _USED, high=1), steps=_FULL),
                _curves(words.POWER, "watt", _field("DEV_POWER_USAGE")),
                _curves(words.TEMPERATURE, "celsius", _field("DEV_GPU_TEMP")),
                _curves(words.CLOCK, "hertz", f"{_field('DEV_SM_CLOCK')} * 1e6"),
                Stat(
                    *words.XID,
                    (Query(_field("DEV_XID_ERRORS"), _NAME, instant=True),),
                    "none",
                    8,
                    nothing=words.NOTHING,
                    steps=_FORBIDDEN,
                    background=True,
                    names=True,
                ),
                _curves(
                    words.REPLAYS, "none", f"increase({_field('DEV_PCIE_REPLAY_COUNTER')}[$__rate_interval])"
                ),
            ),
        ),
    ),
    (
        frame.DATASOURCE,
        replace(frame.JOB, query="label_values(DCGM_FI_DEV_GPU_UTIL, job)"),
        replace(frame.INSTANCE, query='label_values(DCGM_FI_DEV_GPU_UTIL{job=~"$job"}, instance)'),
    ),
    links=tuple(link for link in frame.links(UID) if link.keep),
    tags=("gpu",),
)

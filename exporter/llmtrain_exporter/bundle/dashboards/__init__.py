"""Grafana's dashboards, rendered from the knowledge tables."""

from __future__ import annotations

from dataclasses import replace

from llmtrain_exporter.bundle.dashboards.board import Board
from llmtrain_exporter.bundle.dashboards.compare import COMPARE
from llmtrain_exporter.bundle.dashboards.exporter_health import EXPORTER
from llmtrain_exporter.bundle.dashboards.fleet import FLEET
from llmtrain_exporter.bundle.dashboards.frame import EXPORTER_ADDRESS
from llmtrain_exporter.bundle.dashboards.grafana_json import board_json
from llmtrain_exporter.bundle.dashboards.grpo import GRPO
from llmtrain_exporter.bundle.dashboards.preference import PREFERENCE
from llmtrain_exporter.bundle.dashboards.sft import SFT
from llmtrain_exporter.knowledge import dashboard_words
from llmtrain_exporter.knowledge.text import Lang

BOARDS: tuple[Board, ...] = (FLEET, GRPO, SFT, PREFERENCE, COMPARE, EXPORTER)
FOLDER = "grafana/dashboards"


def dashboards(lang: Lang, exporter: str = "") -> dict[str, str]:
    """Every dashboard in one language: path below the project's folder, and JSON.

    `exporter`: where browsers reach the exporter's pages, if not where the compose project has them. An
    address with blanks in braces is none: a dashboard has nothing to fill them with.
    """
    at_hand = exporter if exporter and "{" not in exporter else EXPORTER_ADDRESS.query
    return {path(board, lang): board_json(_linked(board, at_hand), lang) for board in BOARDS}


def _linked(board: Board, exporter: str) -> Board:
    variables = (
        replace(variable, query=exporter) if variable.name == EXPORTER_ADDRESS.name else variable
        for variable in board.variables
    )
    return replace(board, variables=tuple(variables))


def path(board: Board, lang: Lang) -> str:
    """Where a dashboard is written: the last folder is the one that Grafana shows."""
    return f"{FOLDER}/{lang.value}/{dashboard_words.FOLDER.of(lang)}/{board.file}.json"

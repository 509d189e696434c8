"""A board as Grafana's JSON, byte for byte the same every time."""

from __future__ import annotations

import json
from collections.abc import Iterator

from llmtrain_exporter.bundle.dashboards.board import Annotation, Board, Row, Variable
from llmtrain_exporter.bundle.dashboards.grafana_panels import DATASOURCE, link, panel_json
from llmtrain_exporter.bundle.dashboards.grafana_values import SUFFIX, Json, in_language, without_none
from llmtrain_exporter.knowledge.text import Lang

SCHEMA_VERSION = 42
"""Of Grafana 12: a newer Grafana reads it, and migrates what it has to."""

COLUMNS = 24
REFRESH = ("5s", "10s", "30s", "1m", "5m", "15m")
ALL = ("$__all",)

_BY_TIME_RANGE, _NATURAL_ORDER, _HIDDEN = 2, 7, 2
"""When a variable is asked for again, how its values are sorted, that it hides: Grafana's enumerations."""


def board_json(board: Board, lang: Lang) -> str:
    """The dashboard in one language, ready to be provisioned from a file."""
    made = {
        "title": in_language(board.title, lang),
        "uid": board.uid + SUFFIX[lang],
        "description": in_language(board.text, lang),
        "tags": ["llmtrain", *board.tags],
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,  # one cursor for all panels
        "fiscalYearStartMonth": 0,
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "time": {"from": board.since, "to": "now"},
        "timepicker": {"hidden": False, "refresh_intervals": REFRESH},
        "refresh": board.refresh,
        "templating": {"list": [_variable(variable, lang) for variable in board.variables]},
        "annotations": {"list": [_annotation(annotation, lang) for annotation in board.annotations]},
        "links": [link(target, lang) for target in board.links],
        "panels": list(_panels(board, lang)),
    }
    return json.dumps(made, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _panels(board: Board, lang: Lang) -> Iterator[Json]:
    number, top = 1, 0
    for row in board.rows:
        below = top + 1
        panels, bottom = _set(row, lang, number + 1, below)
        head = _head(row, lang, number, top, panels)
        number += 1 + len(panels)
        if row.title:
            yield head
        if row.collapsed:
            top = below
            continue
        yield from panels
        top = bottom


def _head(row: Row, lang: Lang, number: int, top: int, panels: list[Json]) -> Json:
    """A row's heading; one that is closed holds its panels."""
    return {
        "type": "row",
        "title": in_language(row.title, lang),
        "collapsed": row.collapsed,
        "id": number,
        "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
        "panels": panels if row.collapsed else [],
    }


def _set(row: Row, lang: Lang, number: int, top: int) -> tuple[list[Json], int]:
    """The row's panels from left to right, a new line where the next one does not fit; and where they end."""
    made: list[Json] = []
    left = tallest = 0
    for panel in row.panels:
        if left + panel.width > COLUMNS:
            left, top, tallest = 0, top + tallest, 0
        place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
        made.append({**panel_json(panel, lang), "id": number + len(made), "gridPos": place})
        left, tallest = left + panel.width, max(tallest, panel.height)
    return made, top + tallest


def _annotation(annotation: Annotation, lang: Lang) -> Json:
    return {
        "name": in_language(annotation.name, lang),
        "datasource": DATASOURCE,
        "enable": annotation.on,
        "hide": False,
        "builtIn": 0,
        "placement": "inControlsMenu",
        "iconColor": annotation.colour,
        "expr": annotation.expr,
        "titleFormat": in_language(annotation.title, lang),
        "textFormat": in_language(annotation.text, lang),
        "step": annotation.step,
        "useValueForTime": annotation.value_is_time,
    }


def _variable(variable: Variable, lang: Lang) -> Json:
    made = {
        "name": variable.name,
        "label": in_language(variable.label, lang),
        "description": in_language(variable.text, lang),
        "type": variable.kind,
        "skipUrlSync": False,
        "hide": _HIDDEN if variable.hidden else None,
    }
    return without_none({**made, **_OF_KIND[variable.kind](variable, lang)})


def _query(variable: Variable, _: Lang) -> Json:
    return without_none(
        {
            "datasource": DATASOURCE,
            "query": {"query": variable.query, "refId": variable.name},
            "multi": variable.multi,
            "includeAll": variable.all,
            "allValue": (variable.any or None) if variable.all else None,
            "regex": variable.pattern or None,
            "allowCustomValue": True,
            "refresh": _BY_TIME_RANGE,
            "sort": _NATURAL_ORDER,
            "current": _chosen(variable),
        }
    )


def _chosen(variable: Variable) -> Json | None:
    if not variable.chosen:
        return None
    shown = ("All",) if variable.chosen == ALL else variable.chosen
    if variable.multi:
        return {"selected": True, "text": list(shown), "value": list(variable.chosen)}
    return {"selected": True, "text": shown[0], "value": variable.chosen[0]}


def _datasource(variable: Variable, _: Lang) -> Json:
    return {"query": variable.query, "multi": False, "includeAll": False, "allowCustomValue": True}


def _textbox(variable: Variable, _: Lang) -> Json:
    chosen = {"selected": True, "text": variable.query, "value": variable.query}
    return {"query": variable.query, "current": chosen}


def _custom(variable: Variable, lang: Lang) -> Json:
    """A choice among given values; the first one at first."""
    options = [
        {"selected": not place, "text": in_language(shown, lang), "value": value}
        for place, (shown, value) in enumerate(variable.options)
    ]
    query = ",".join(f"{option['text']} : {option['value']}" for option in options)
    return {
        "query": query,
        "options": options,
        "current": options[0],
        "multi": False,
        "includeAll": False,
        "allowCustomValue": False,
    }


_OF_KIND = {"query": _query, "datasource": _datasource, "textbox": _textbox, "custom": _custom}

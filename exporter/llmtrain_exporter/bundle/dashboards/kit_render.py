"""A board as Grafana's JSON, byte for byte the same every time."""

from __future__ import annotations

import json
from collections.abc import Iterator

from llmtrain_exporter.bundle.dashboards import sdk
from llmtrain_exporter.bundle.dashboards.kit import Annotation, Board, Row, Variable
from llmtrain_exporter.bundle.dashboards.kit_panels import DATASOURCE, SUFFIX, drawn, link, said
from llmtrain_exporter.bundle.dashboards.sdk import Made
from llmtrain_exporter.knowledge.text import Lang

m = sdk.models
COLUMNS = 24
REFRESH = ("5s", "10s", "30s", "1m", "5m", "15m")
ALL = ("$__all",)


def board_json(board: Board, lang: Lang) -> str:
    """The dashboard in one language, ready to be provisioned from a file."""
    built = sdk.dashboard.Dashboard(said(board.title, lang)).uid(board.uid + SUFFIX[lang])
    built.description(said(board.text, lang)).tags(["llmtrain", *board.tags]).timezone("browser").readonly()
    built.tooltip(m.DashboardCursorSync.CROSSHAIR).time(board.since, "now").refresh(board.refresh)
    built.timepicker(sdk.dashboard.TimePicker().refresh_intervals(list(REFRESH))).version(1)
    built.variables([_variable(variable, lang) for variable in board.variables])
    built.annotations([_annotation(annotation, lang) for annotation in board.annotations])
    built.links([link(one, lang) for one in board.links])
    made = built.build()
    made.panels = list(_panels(board, lang))
    return json.dumps(made, cls=sdk.JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _panels(board: Board, lang: Lang) -> Iterator[Made]:
    number, top = 1, 0
    for row in board.rows:
        head, below = _head(row, lang, number, top), top + 1
        panels, bottom = _set(row, lang, number + 1, below)
        number += 1 + len(panels)
        if row.collapsed:
            head.panels = panels
            yield head
            top = below
            continue
        if row.title:
            yield head
        yield from panels
        top = bottom


def _head(row: Row, lang: Lang, number: int, top: int) -> Made:
    return m.RowPanel(
        collapsed=row.collapsed,
        title=said(row.title, lang),
        id_val=number,
        grid_pos=m.GridPos(h=1, w=COLUMNS, x=0, y=top),
    )


def _set(row: Row, lang: Lang, number: int, top: int) -> tuple[list[Made], int]:
    """The row's panels from left to right, a new line where the next one does not fit; and where they end."""
    made: list[Made] = []
    left = tallest = 0
    for panel in row.panels:
        if left + panel.width > COLUMNS:
            left, top, tallest = 0, top + tallest, 0
        one = drawn(panel, lang).build()
        one.id_val = number + len(made)
        one.grid_pos = m.GridPos(h=panel.height, w=panel.width, x=left, y=top)
        made.append(one)
        left, tallest = left + panel.width, max(tallest, panel.height)
    return made, top + tallest


def _annotation(one: Annotation, lang: Lang) -> Made:
    made = sdk.dashboard.AnnotationQuery().name(said(one.name, lang)).datasource(DATASOURCE).enable(one.on)
    made.icon_color(one.colour).expr(one.expr).title_format(said(one.title, lang))
    return made.text_format(said(one.text, lang)).step(one.step).use_value_for_time(one.value_is_time)


def _variable(one: Variable, lang: Lang) -> Made:
    return _VARIABLES[one.kind](one, lang)


def _query(one: Variable, lang: Lang) -> Made:
    made = sdk.dashboard.QueryVariable(one.name).label(said(one.label, lang)).datasource(DATASOURCE)
    made.query({"query": one.query, "refId": one.name}).multi(one.multi)
    made.refresh(m.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(m.VariableSort.NATURAL_ASC)
    made.include_all(one.all).description(said(one.text, lang))
    if one.all:
        made.all_value(".+")
    if one.chosen:
        values: str | list[str] = list(one.chosen) if one.multi else one.chosen[0]
        shown = ["All"] if one.chosen == ALL else list(one.chosen)
        made.current(m.VariableOption(selected=True, text=shown if one.multi else shown[0], value=values))
    return made


def _datasource(one: Variable, lang: Lang) -> Made:
    made = sdk.dashboard.DatasourceVariable(one.name).label(said(one.label, lang)).type(one.query)
    return made.description(said(one.text, lang))


def _textbox(one: Variable, lang: Lang) -> Made:
    made = sdk.dashboard.TextBoxVariable(one.name).label(said(one.label, lang)).default_value(one.query)
    made.current(m.VariableOption(selected=True, text=one.query, value=one.query))
    return made.description(said(one.text, lang))


_VARIABLES = {"query": _query, "datasource": _datasource, "textbox": _textbox}

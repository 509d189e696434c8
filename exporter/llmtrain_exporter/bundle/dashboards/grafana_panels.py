"""Each kind of panel as Grafana's JSON. Source: Grafana's schema of dashboards, version 12."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch
from string import ascii_uppercase

from llmtrain_exporter.bundle.dashboards import board
from llmtrain_exporter.bundle.dashboards.board import BoardLink, Look, Panel, Query
from llmtrain_exporter.bundle.dashboards.grafana_values import (
    Json,
    address,
    in_language,
    mappings,
    thresholds,
    without_none,
)
from llmtrain_exporter.knowledge.text import Lang, Text

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}

_DASHED = {"fill": "dash", "dash": [6, 6]}
_LOOKS: Mapping[Look, tuple[tuple[str, object], ...]] = {
    Look.PLAIN: (),
    Look.TRAIN: (("color", {"mode": "fixed", "fixedColor": board.BLUE}),),
    Look.EVAL: (
        ("color", {"mode": "fixed", "fixedColor": board.PURPLE}),
        ("custom.lineInterpolation", "stepAfter"),
        ("custom.lineWidth", 2),
    ),
    Look.RANGE: (
        ("color", {"mode": "fixed", "fixedColor": board.PALE}),
        ("custom.lineStyle", {"fill": "dot", "dash": [1, 3]}),
        ("custom.showPoints", "never"),
    ),
    **{
        look: (
            ("color", {"mode": "fixed", "fixedColor": colour}),
            ("custom.lineStyle", _DASHED),
            ("custom.lineWidth", 1),
            ("custom.fillOpacity", 0),
            ("custom.showPoints", "never"),
            ("custom.lineInterpolation", "linear"),
        )
        for look, colour in (
            (Look.BASELINE, board.GREY),
            (Look.INFO, board.BLUE),
            (Look.WARNING, board.ORANGE),
            (Look.CRITICAL, board.RED),
        )
    },
}

_CELLS: Mapping[str, Mapping[str, str]] = {
    "color-text": {"type": "color-text"},
    "color-background": {"type": "color-background", "mode": "basic"},
    "gauge": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
}

PER_PAGE = 20
"""Series of a timeline on one page."""

_TOOLTIP: Json = {"mode": "multi", "sort": "desc"}


def _translated(value: object, lang: Lang) -> object:
    """The same for all texts within options."""
    if isinstance(value, Text):
        return value.of(lang)
    if isinstance(value, Mapping):
        return {key: _translated(within, lang) for key, within in value.items()}
    if isinstance(value, (list, tuple)):
        return [_translated(within, lang) for within in value]
    return value


@singledispatch
def panel_json(panel: Panel, lang: Lang) -> Json:
    """The panel; where it stands and its number are the caller's. Raises TypeError for an unknown kind."""
    raise TypeError(f"{type(panel).__name__} cannot be drawn in {lang.value}")


def _panel(panel: Panel, lang: Lang, kind: str, colour: str, custom: Json, options: Json) -> Json:
    """What all panels have. `colour`: how a series gets its colour; `custom`: field options of the kind."""
    made: Json = {
        "type": kind,
        "title": in_language(panel.title, lang),
        "description": in_language(panel.text, lang),
        "datasource": DATASOURCE,
        "transparent": False,
        "repeatDirection": "h",
        "maxDataPoints": panel.points,
        "targets": [_query(line, ref, lang) for line, ref in _with_refs(panel)],
        "fieldConfig": {
            "defaults": without_none(
                {
                    "color": {"mode": colour},
                    "custom": without_none(custom) or None,
                    "unit": panel.unit,
                    "decimals": panel.decimals,
                    "min": panel.low,
                    "max": panel.high,
                    "noValue": in_language(panel.nothing, lang),
                    "mappings": mappings(panel.mappings, lang),
                    "thresholds": thresholds(panel.steps),
                }
            ),
            "overrides": [*_line_overrides(panel, lang), *_overrides(panel, lang)],
        },
        "options": options,
        "transformations": [
            _transformation(change.id, change.options, lang, change.of) for change in panel.transformations
        ]
        or None,
        "links": [link(panel_link, lang) for panel_link in panel.links] or None,
    }
    return without_none(made)


def _with_refs(panel: Panel) -> Iterator[tuple[Query, str]]:
    """Each query with the letter by which overrides and transformations know it."""
    return zip(panel.lines, ascii_uppercase, strict=False)


def _line_overrides(panel: Panel, lang: Lang) -> Iterator[Json]:
    for line, ref in _with_refs(panel):
        looks = (*_colour(line), *_LOOKS[line.look], *line.properties)
        if looks:
            yield _override("byFrameRefID", ref, looks, lang)


def _overrides(panel: Panel, lang: Lang) -> Iterator[Json]:
    for override in panel.overrides:
        yield _override(override.matcher, in_language(override.fields, lang), override.properties, lang)


def _override(matcher: str, fields: str, properties: tuple[tuple[str, object], ...], lang: Lang) -> Json:
    return {
        "matcher": {"id": matcher, "options": fields},
        "properties": [{"id": name, "value": _translated(value, lang)} for name, value in properties],
    }


def link(target: BoardLink, lang: Lang) -> Json:
    """A link of the dashboard or of a panel."""
    return {
        "type": "link",
        "title": in_language(target.title, lang),
        "url": address(target.url, lang),
        "tooltip": in_language(target.hint, lang),
        "icon": target.icon,
        "keepTime": target.keep,
        "includeVars": target.keep,
        "targetBlank": target.blank,
        "asDropdown": False,
        "placement": "inControlsMenu",
        "tags": [],
    }


def _colour(line: Query) -> tuple[tuple[str, object], ...]:
    return (("color", {"mode": "fixed", "fixedColor": line.colour}),) if line.colour else ()


def _transformation(name: str, options: object, lang: Lang, frames: str = "") -> Json:
    made: Json = {"id": name, "options": _translated(options, lang)}
    return {**made, "filter": {"id": "byRefId", "options": frames}} if frames else made


def _query(line: Query, ref: str, lang: Lang) -> Json:
    instant = line.instant or line.table
    made = {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": line.expr,
        "instant": instant,
        "range": not instant,
        "refId": ref,
    }
    if line.table:
        return {**made, "format": "table"}
    return {**made, "legendFormat": in_language(line.legend, lang) or "__auto"}


def _scale(linear_to: float | None) -> Json:
    if linear_to is None:
        return {"type": "linear"}
    if linear_to == 0:
        return {"type": "log", "log": 10}
    return {"type": "symlog", "log": 10, "linearThreshold": linear_to}


def _legend(shown: bool, calcs: tuple[str, ...] = ()) -> Json:
    return {"showLegend": shown, "placement": "bottom", "displayMode": "list", "calcs": list(calcs)}


@panel_json.register
def _(panel: board.Curves, lang: Lang) -> Json:
    low, high = panel.soft
    custom = {
        "axisBorderShow": False,
        "axisSoftMin": low,
        "axisSoftMax": high,
        "axisWidth": panel.axis,
        "fillOpacity": panel.filled,
        "gradientMode": "none",
        "lineInterpolation": "stepAfter" if panel.stairs else "linear",
        "lineWidth": 1,
        "pointSize": 4,
        "scaleDistribution": _scale(panel.linear_to),
        "showPoints": "auto",
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "off"},
    }
    options = {"legend": _legend(True, panel.calcs), "tooltip": _TOOLTIP}
    return _panel(panel, lang, "timeseries", "palette-classic", custom, options)


@panel_json.register
def _(panel: board.Against, lang: Lang) -> Json:
    custom = {
        "fillOpacity": 60,
        "lineWidth": 1,
        "pointSize": {"fixed": 3},
        "show": "points+lines",
    }
    series = [{"x": _field(x), "y": _field(y)} for x, y in panel.pairs]
    # Where the mapping is manual, each series wants the number of its frame, and how many there are is open.
    options = {"mapping": "auto", "legend": _legend(True), "tooltip": _TOOLTIP, "series": series}
    made = _panel(panel, lang, "xychart", "palette-classic", custom, options)
    return made | {"pluginVersion": "11.1.0"}  # without one, Grafana takes the options for those of before


def _field(name: str) -> Json:
    return {"matcher": {"id": "byName", "options": name}}


def _reduced(panel: Panel) -> Json:
    return {"calcs": ["lastNotNull"], "fields": "", "values": any(line.table for line in panel.lines)}


@panel_json.register
def _(panel: board.Stat, lang: Lang) -> Json:
    colour = "background" if panel.background else "value" if panel.coloured else "none"
    options = {
        "colorMode": colour,
        "graphMode": "none",
        "textMode": "value_and_name" if panel.names else "value",
        "justifyMode": "center",
        "orientation": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "reduceOptions": _reduced(panel),
    }
    return _panel(panel, lang, "stat", "thresholds", {}, options)


@panel_json.register
def _(panel: board.Bars, lang: Lang) -> Json:
    options = {
        "displayMode": "basic",
        "valueMode": "color",
        "orientation": "horizontal",
        "namePlacement": "auto",
        "sizing": "auto",
        "showUnfilled": True,
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
        "legend": _legend(False),
        "reduceOptions": _reduced(panel),
    }
    return _panel(panel, lang, "bargauge", "thresholds", {}, options)


@panel_json.register
def _(panel: board.Timeline, lang: Lang) -> Json:
    options = {
        "showValue": "never",
        "rowHeight": 0.8,
        "mergeValues": True,
        "alignValue": "left",
        "perPage": PER_PAGE,
        "legend": _legend(False),
        "tooltip": _TOOLTIP,
    }
    return _panel(panel, lang, "state-timeline", "thresholds", {"lineWidth": 0, "fillOpacity": 85}, options)


@panel_json.register
def _(panel: board.Cells, lang: Lang) -> Json:
    options = {
        "showValue": "never",
        "rowHeight": 0.85,
        "colWidth": 0.9,
        "perPage": PER_PAGE,
        "legend": _legend(False),
        "tooltip": _TOOLTIP,
    }
    return _panel(panel, lang, "status-history", "thresholds", {"lineWidth": 1, "fillOpacity": 85}, options)


@panel_json.register
def _(panel: board.TablePanel, lang: Lang) -> Json:
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False}
    options: Json = {"cellHeight": "sm", "frameIndex": 0, "showHeader": panel.header, "showTypeIcons": False}
    if panel.sort:
        field, largest = panel.sort
        title = next(in_language(column.title, lang) for column in panel.columns if column.field == field)
        options["sortBy"] = [{"displayName": title, "desc": largest}]
    made = _panel(panel, lang, "table", "thresholds", custom, options)
    changes = [
        *made.pop("transformations", []),
        *(_transformation(*change, lang) for change in _chosen(panel)),
    ]
    made["fieldConfig"]["overrides"] += [
        _override("byName", in_language(column.title, lang), tuple(_cell(column, lang)), lang)
        for column in panel.columns
    ]
    return {**made, "transformations": changes} if changes else made


def _chosen(panel: board.TablePanel) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The queries as one table, of which the wanted columns are left, in their order and by their titles."""
    if panel.merged:
        yield "merge", {}
    if panel.needs:
        there = {"fieldName": panel.needs, "config": {"id": "isNotNull", "options": {}}}
        yield "filterByValue", {"type": "include", "match": "any", "filters": [there]}
    if not panel.columns:
        return
    names = [column.field for column in panel.columns]
    yield "filterFieldsByName", {"include": {"names": names}}
    yield (
        "organize",
        {
            "excludeByName": {},
            "includeByName": {},
            "indexByName": {name: place for place, name in enumerate(names)},
            "renameByName": {column.field: column.title for column in panel.columns},
        },
    )


def _cell(column: board.Column, lang: Lang) -> Iterator[tuple[str, object]]:
    """The field options of a column."""
    yield "noValue", board.NO_VALUE
    low, high = column.range or (None, None)
    options = {
        "unit": column.unit or None,
        "custom.width": column.width,
        "decimals": column.decimals,
        "min": low,
        "max": high,
        "custom.filterable": column.filterable or None,
    }
    yield from without_none(options).items()
    if column.mappings:
        yield "mappings", mappings(column.mappings, lang)
    if column.steps:
        yield "thresholds", thresholds(column.steps)
    if column.cell:
        yield "custom.cellOptions", _CELLS[column.cell]
    if column.url:
        title = in_language(column.hint or column.title, lang)
        yield "links", [{"title": title, "url": address(column.url, lang), "targetBlank": False}]
    yield from column.properties

"""Each kind of panel in the words of Grafana's library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch
from string import ascii_uppercase

from llmtrain_exporter.bundle.dashboards import kit, sdk
from llmtrain_exporter.bundle.dashboards.kit import Line, Link, Look, Mappings, Panel, Said, Steps
from llmtrain_exporter.bundle.dashboards.sdk import Made
from llmtrain_exporter.knowledge.text import Lang, Text

c, m = sdk.common, sdk.models
cm = sdk.common_models
DATASOURCE = cm.DataSourceRef(type_val="prometheus", uid="${datasource}")

SUFFIX = {Lang.EN: "", Lang.ZH: "-zh"}
"""What a dashboard's uid ends in."""

_DASHED = {"fill": "dash", "dash": [6, 6]}
_LOOKS: Mapping[Look, tuple[tuple[str, object], ...]] = {
    Look.PLAIN: (),
    Look.TRAIN: (("color", {"mode": "fixed", "fixedColor": kit.BLUE}),),
    Look.EVAL: (
        ("color", {"mode": "fixed", "fixedColor": kit.PURPLE}),
        ("custom.lineInterpolation", "stepAfter"),
        ("custom.lineWidth", 2),
    ),
    Look.RANGE: (
        ("color", {"mode": "fixed", "fixedColor": kit.PALE}),
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
            (Look.BASELINE, kit.GREY),
            (Look.INFO, kit.BLUE),
            (Look.WARNING, kit.ORANGE),
            (Look.CRITICAL, kit.RED),
        )
    },
}


def said(what: Said, lang: Lang) -> str:
    """The text in that language."""
    return what.of(lang) if isinstance(what, Text) else what


def address(url: str, lang: Lang) -> str:
    """The address in that language: `{lang}` is what uids of dashboards end in, `{code}` the language."""
    return url.replace("{lang}", SUFFIX[lang]).replace("{code}", lang.value)


def _said(value: object, lang: Lang) -> object:
    """The same for all texts within options."""
    if isinstance(value, Text):
        return value.of(lang)
    if isinstance(value, Mapping):
        return {key: _said(one, lang) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_said(one, lang) for one in value]
    return value


@singledispatch
def drawn(panel: Panel, lang: Lang) -> Made:
    """The panel's builder; where it stands and its number are the caller's. Raises TypeError."""
    raise TypeError(f"{type(panel).__name__} cannot be drawn in {lang.value}")


def _common(panel: Panel, lang: Lang, made: Made) -> Made:
    made.title(said(panel.title, lang)).description(said(panel.text, lang)).datasource(DATASOURCE)
    made.unit(panel.unit).no_value(said(panel.nothing, lang)).mappings(mappings(panel.mappings, lang))
    made.thresholds(steps(panel.steps))
    _given(made, decimals=panel.decimals, max_data_points=panel.points, min=panel.low, max=panel.high)
    for place, line in enumerate(panel.lines):
        made.with_target(_query(line, ascii_uppercase[place], lang))
        looks = (*_colour(line), *_LOOKS[line.look], *line.properties)
        if looks:
            made.override_by_query(ascii_uppercase[place], _properties(looks, lang))
    for override in panel.overrides:
        matcher = m.MatcherConfig(id_val=override.matcher, options=said(override.fields, lang))
        made.with_override(matcher, _properties(override.properties, lang))
    for one in panel.transformations:
        made.with_transformation(_transformation(one.id, one.options, lang))
    return _linked(panel, lang, made)


def _given(made: Made, **options: float | None) -> None:
    """Set those options that are told."""
    for name, value in options.items():
        if value is not None:
            getattr(made, name)(value)


def _linked(panel: Panel, lang: Lang, made: Made) -> Made:
    return made.links([link(one, lang) for one in panel.links]) if panel.links else made


def link(one: Link, lang: Lang) -> Made:
    """A link of the dashboard or of a panel."""
    made = sdk.dashboard.DashboardLink(said(one.title, lang)).type(m.DashboardLinkType.LINK)
    made.url(address(one.url, lang)).tooltip(said(one.hint, lang)).icon(one.icon)
    return made.keep_time(one.keep).include_vars(one.keep).target_blank(one.blank)


def _colour(line: Line) -> tuple[tuple[str, object], ...]:
    return (("color", {"mode": "fixed", "fixedColor": line.colour}),) if line.colour else ()


def _transformation(name: str, options: object, lang: Lang) -> Made:
    return m.DataTransformerConfig(id_val=name, options=_said(options, lang))


def _properties(pairs: tuple[tuple[str, object], ...], lang: Lang) -> list[Made]:
    return [m.DynamicConfigValue(id_val=name, value=_said(value, lang)) for name, value in pairs]


def _query(line: Line, ref: str, lang: Lang) -> Made:
    made = sdk.prometheus.Dataquery().expr(line.expr).ref_id(ref).datasource(DATASOURCE)
    made.editor_mode(sdk.prometheus_models.QueryEditorMode.CODE)
    if line.table:
        made = made.range() if line.every else made.instant()
        return made.format(sdk.prometheus_models.PromQueryFormat.TABLE)
    made.legend_format(said(line.legend, lang) or "__auto")
    return made.instant() if line.instant else made.range()


def steps(wanted: Steps) -> Made:
    """Thresholds by value."""
    levels = [m.Threshold(value=value, color=colour) for value, colour in wanted]
    return sdk.dashboard.ThresholdsConfig().mode(m.ThresholdsMode.ABSOLUTE).steps(levels)


def mappings(wanted: Mappings, lang: Lang) -> list[Made]:
    """Words and colours for values; for "null" and "nan" too."""
    words: list[Made] = []
    values = {}
    for place, (value, (word, colour)) in enumerate(wanted.items()):
        result = m.ValueMappingResult(text=said(word, lang) or None, color=colour or None, index=place)
        if value in ("null", "nan", "null+nan"):
            options = m.DashboardSpecialValueMapOptions(m.SpecialValueMatch(str(value)), result)
            words.append(m.SpecialValueMap(options=options))
        else:
            values[value if isinstance(value, str) else f"{value:g}"] = result
    return [m.ValueMap(options=values), *words] if values else words


def _axis(made: Made, linear_to: float | None) -> None:
    scale = c.ScaleDistributionConfig()
    if linear_to is None:
        scale.type(cm.ScaleDistribution.LINEAR)
    elif linear_to == 0:
        scale.type(cm.ScaleDistribution.LOG).log(10)
    else:
        scale.type(cm.ScaleDistribution.SYMLOG).log(10).linear_threshold(linear_to)
    made.scale_distribution(scale)


def _legend(shown: bool, calcs: tuple[str, ...] = ()) -> Made:
    made = c.VizLegendOptions().show_legend(shown).placement(cm.LegendPlacement.BOTTOM)
    return made.display_mode(cm.LegendDisplayMode.LIST).calcs(list(calcs))


def _tooltip() -> Made:
    return c.VizTooltipOptions().mode(cm.TooltipDisplayMode.MULTI).sort(cm.SortOrder.DESCENDING)


def _palette() -> Made:
    return sdk.dashboard.FieldColor().mode(m.FieldColorModeId.PALETTE_CLASSIC)


def _by_steps() -> Made:
    return sdk.dashboard.FieldColor().mode(m.FieldColorModeId.THRESHOLDS)


@drawn.register
def _(panel: kit.Curves, lang: Lang) -> Made:
    made = _common(panel, lang, sdk.timeseries.Panel()).color_scheme(_palette())
    made.legend(_legend(True, panel.calcs)).tooltip(_tooltip())
    made.line_width(1).fill_opacity(panel.filled).show_points(cm.VisibilityMode.AUTO).point_size(4)
    made.gradient_mode(cm.GraphGradientMode.NONE).axis_border_show(False)
    made.line_interpolation(cm.LineInterpolation.STEP_AFTER if panel.stairs else cm.LineInterpolation.LINEAR)
    mode = cm.StackingMode.NORMAL if panel.stacked else cm.StackingMode.NONE
    made.stacking(c.StackingConfig().mode(mode).group("A"))
    made.thresholds_style(c.GraphThresholdsStyleConfig().mode(cm.GraphThresholdsStyleMode.OFF))
    _axis(made, panel.linear_to)
    low, high = panel.soft
    _given(made, axis_width=panel.axis, axis_soft_min=low, axis_soft_max=high)
    return made


@drawn.register
def _(panel: kit.Against, lang: Lang) -> Made:
    made = _common(panel, lang, sdk.xychart.Panel()).color_scheme(_palette())
    made.mapping(sdk.xychart_models.SeriesMapping.AUTO).legend(_legend(True)).tooltip(_tooltip())
    x, y = (sdk.xychart.MatcherConfig().id("byName").options(name) for name in (panel.x, panel.y))
    wanted = sdk.xychart.XYSeriesConfig().x(sdk.xychart.XychartXYSeriesConfigX().matcher(x))
    made.series([wanted.y(sdk.xychart.XychartXYSeriesConfigY().matcher(y))])
    made.show(sdk.xychart_models.XYShowMode.POINTS_AND_LINES).line_width(1)
    return made.point_size(sdk.xychart.XychartFieldConfigPointSize().fixed(3)).fill_opacity(60)


def _reduced(panel: Panel) -> Made:
    made = c.ReduceDataOptions().calcs(["lastNotNull"]).fields("")
    return made.values(any(line.table for line in panel.lines))


@drawn.register
def _(panel: kit.Stat, lang: Lang) -> Made:
    made = _common(panel, lang, sdk.stat.Panel()).color_scheme(_by_steps())
    colour = cm.BigValueColorMode.BACKGROUND if panel.background else cm.BigValueColorMode.VALUE
    made.color_mode(colour if panel.background or panel.coloured else cm.BigValueColorMode.NONE)
    made.graph_mode(cm.BigValueGraphMode.NONE)
    made.text_mode(cm.BigValueTextMode.VALUE_AND_NAME if panel.names else cm.BigValueTextMode.VALUE)
    made.justify_mode(cm.BigValueJustifyMode.CENTER).orientation(cm.VizOrientation.AUTO).wide_layout(True)
    made.show_percent_change(False).percent_change_color_mode(cm.PercentChangeColorMode.STANDARD)
    return made.reduce_options(_reduced(panel))


@drawn.register
def _(panel: kit.Bars, lang: Lang) -> Made:
    made = _common(panel, lang, sdk.bargauge.Panel()).color_scheme(_by_steps())
    made.display_mode(cm.BarGaugeDisplayMode.BASIC).value_mode(cm.BarGaugeValueMode.COLOR)
    made.orientation(cm.VizOrientation.HORIZONTAL)
    made.name_placement(cm.BarGaugeNamePlacement.AUTO).sizing(cm.BarGaugeSizing.AUTO).show_unfilled(True)
    made.min_viz_width(8).min_viz_height(16).max_viz_height(300).legend(_legend(False))
    return made.reduce_options(_reduced(panel))


@drawn.register
def _(panel: kit.Timeline, lang: Lang) -> Made:
    made = _common(panel, lang, sdk.statetimeline.Panel()).color_scheme(_by_steps())
    made.show_value(cm.VisibilityMode.NEVER).row_height(0.8).merge_values(True).align_value(
        cm.TimelineValueAlignment.LEFT
    )
    return made.legend(_legend(False)).tooltip(_tooltip()).line_width(0).fill_opacity(85)


@drawn.register
def _(panel: kit.Cells, lang: Lang) -> Made:
    made = _common(panel, lang, sdk.statushistory.Panel()).color_scheme(_by_steps())
    made.show_value(cm.VisibilityMode.NEVER).row_height(0.85).col_width(0.9).legend(_legend(False))
    return made.tooltip(_tooltip()).line_width(1).fill_opacity(85)


@drawn.register
def _(panel: kit.Table, lang: Lang) -> Made:
    made = _common(panel, lang, sdk.table.Panel()).color_scheme(_by_steps())
    made.show_header(True).cell_height(cm.TableCellHeight.SM).filterable(False)
    made.cell_options(cm.TableAutoCellOptions()).align(cm.FieldTextAlignment.AUTO)
    if panel.merged:
        made.with_transformation(_transformation("merge", {}, lang))
    for name, options in _chosen(panel):
        made.with_transformation(_transformation(name, options, lang))
    for column in panel.columns:
        made.with_override(
            m.MatcherConfig(id_val="byName", options=said(column.title, lang)),
            _properties(tuple(_cell(column, lang)), lang),
        )
    made.build().options.footer = None  # a default of the library that Grafana's newest tables do not know
    if panel.sort:
        field, largest = panel.sort
        title = next(said(column.title, lang) for column in panel.columns if column.field == field)
        made.sort_by([c.TableSortByFieldState().display_name(title).desc(largest)])
    return made


def _chosen(panel: kit.Table) -> tuple[tuple[str, object], ...]:
    if not panel.columns:
        return ()
    names = [column.field for column in panel.columns]
    return (
        ("filterFieldsByName", {"include": {"names": names}}),
        (
            "organize",
            {
                "excludeByName": {},
                "includeByName": {},
                "indexByName": {name: place for place, name in enumerate(names)},
                "renameByName": {column.field: column.title for column in panel.columns},
            },
        ),
    )


_CELLS: Mapping[str, Mapping[str, str]] = {
    "color-text": {"type": "color-text"},
    "color-background": {"type": "color-background", "mode": "basic"},
    "gauge": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
}


def _cell(column: kit.Column, lang: Lang) -> Iterator[tuple[str, object]]:
    """The field options of a column."""
    yield "noValue", kit.NO_VALUE
    low, high = column.range or (None, None)
    told = {
        "unit": column.unit or None,
        "custom.width": column.width,
        "decimals": column.decimals,
        "min": low,
        "max": high,
        "custom.filterable": column.filterable or None,
    }
    yield from ((name, value) for name, value in told.items() if value is not None)
    if column.mappings:
        yield "mappings", [one.to_json() for one in mappings(column.mappings, lang)]
    if column.steps:
        yield "thresholds", steps(column.steps).build().to_json()
    if column.cell:
        yield "custom.cellOptions", _CELLS[column.cell]
    if column.url:
        title = said(column.hint or column.title, lang)
        yield "links", [{"title": title, "url": address(column.url, lang), "targetBlank": False}]
    yield from column.properties

"""What a good dashboard keeps to: the rules of Grafana's dashboard-linter, and some of this house.

The first fourteen have dashboard-linter's names and mean what it means by them; they are written anew here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from llmtrain_exporter.knowledge.text import Lang

from tests import promql
from tests.conftest import ROOT

Json = dict[str, Any]
"""A dashboard, a panel, a query or a variable as Grafana stores it."""

FOLDER = ROOT / "grafana/dashboards"
DATA_SOURCE = re.compile(r"\$datasource|\$\{datasource\}|\$\{prometheus_datasource\}")
WITH_UNIT = ("stat", "table", "timeseries", "gauge", "bargauge", "heatmap")
WITHOUT_QUERY = ("text", "row", "news", "dashlist", "alertlist", "annolist")
UNITS = frozenset(
    (
        *("none", "string", "short", "percent", "percentunit", "sci", "locale", "bool", "bool_yes_no"),
        *("bytes", "decbytes", "Bps", "binBps", "cps", "ops", "reqps", "rps"),
        *("s", "ms", "m", "h", "d", "dtdurations", "dthms", "dtdhms", "clocks", "hertz"),
        *("dateTimeAsIso", "dateTimeAsLocal", "dateTimeAsSystem", "dateTimeFromNow"),
        *("celsius", "watt", "percent"),
    )
)
"""Those of Grafana's units that make sense here; a mistyped one is shown as a suffix."""
MARKED_AS_GROWTH = ("rate", "irate", "increase")
COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken; `where` is the panel's or variable's name, "" for the dashboard."""

    rule: str
    where: str
    text: str


Found = Iterator[tuple[str, str]]
"""Where, and what is wrong there."""


def load(lang: Lang) -> dict[str, Json]:
    """The committed dashboards of a language by their uid."""
    found = (json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / lang.value).rglob("*.json")))
    return {dashboard["uid"]: dashboard for dashboard in found}


def findings(dashboard: Json) -> list[Finding]:
    """Everything that any rule has to say of a dashboard."""
    return [Finding(name, *found) for name, rule in RULES.items() for found in rule(dashboard)]


def panels(dashboard: Json) -> list[Json]:
    """All panels, those in collapsed rows too, without the rows themselves."""
    everything = (one for panel in dashboard["panels"] for one in (panel, *panel.get("panels", ())))
    return [panel for panel in everything if panel["type"] != "row"]


def targets(panel: Json) -> list[Json]:
    """The queries of a panel."""
    return [target for target in panel.get("targets", ()) if "expr" in target]


def template(dashboard: Json, kind: str = "") -> list[Json]:
    """The variables, or those of that kind."""
    return [one for one in dashboard["templating"]["list"] if kind in ("", one["type"])]


def _datasource_variable(dashboard: Json) -> Found:
    found = [(one["name"], one.get("label")) for one in template(dashboard, "datasource")]
    if found != [("datasource", "Data source")]:
        yield "", f"wants one data source variable, `datasource` called `Data source`, and has {found}"


def _selecting_variable(name: str) -> Callable[[Json], Found]:
    def rule(dashboard: Json) -> Found:
        variable = next((one for one in template(dashboard) if one["name"] == name), None)
        if variable is None:
            yield name, "is missing"
            return
        wanted = {"type": "query", "multi": True, "allValue": ".+", "label": name.capitalize()}
        for key, value in wanted.items():
            if variable.get(key) != value:
                yield name, f"{key} is {variable.get(key)!r} and not {value!r}"
        if not _is_data_source(variable):
            yield name, "does not use the data source variable"

    return rule


def _variable_queries(dashboard: Json) -> Found:
    for variable in template(dashboard, "query"):
        query = variable_query(variable)
        inner = re.fullmatch(r"label_values\((.+),\s*\w+\)|query_result\((.+)\)", query)
        if inner is None:
            yield variable["name"], f"asks neither label_values nor query_result: {query}"
        else:
            yield from _unreadable(variable["name"], inner[1] or inner[2])


def variable_query(variable: Json) -> str:
    """What a variable asks for, in Grafana's own words for it."""
    query = variable.get("query", "")
    return str(query.get("query", "") if isinstance(query, dict) else query)


def _time_range_reload(dashboard: Json) -> Found:
    for variable in template(dashboard, "query"):
        if variable.get("refresh") != 2:
            yield variable["name"], "is not asked anew when the time range changes"


def _panel_data_sources(dashboard: Json) -> Found:
    for panel in panels(dashboard):
        for one in (panel, *targets(panel)) if targets(panel) else ():
            if not _is_data_source(one):
                yield panel["title"], "does not use the data source variable"


def _is_data_source(one: Json) -> bool:
    source = one.get("datasource") or {}
    return isinstance(source, dict) and bool(DATA_SOURCE.fullmatch(source.get("uid", "")))


def _titles(dashboard: Json) -> Found:
    for panel in panels(dashboard):
        for key in ("title", "description"):
            if not panel.get(key):
                yield panel.get("title", ""), f"has no {key}"


def _units(dashboard: Json) -> Found:
    for panel in panels(dashboard):
        if panel["type"] in WITH_UNIT:
            given = set(_units_of(panel))
            if not given or not given <= UNITS:
                yield panel["title"], f"has no unit that is known: {sorted(given)}"


def _units_of(panel: Json) -> Iterator[str]:
    field = panel.get("fieldConfig", {})
    if unit := field.get("defaults", {}).get("unit"):
        yield unit
    for override in field.get("overrides", ()):
        yield from (one["value"] for one in override["properties"] if one["id"] == "unit")


def _has_queries(dashboard: Json) -> Found:
    for panel in panels(dashboard):
        if panel["type"] not in WITHOUT_QUERY and not targets(panel):
            yield panel["title"], "asks nothing"


def queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    """The panels' queries with the titles of their panels."""
    for panel in panels(dashboard):
        for target in targets(panel):
            yield panel["title"], target["expr"]


def _readable_queries(dashboard: Json) -> Found:
    for title, query in queries(dashboard):
        yield from _unreadable(title, query)


def _unreadable(where: str, query: str) -> Found:
    try:
        list(promql.selectors(query))
    except ValueError as error:
        yield where, str(error)


def _rate_interval(dashboard: Json) -> Found:
    for title, query in queries(dashboard):
        for selector in promql.selectors(query):
            if selector.function in ("rate", "irate") and selector.range != "$__rate_interval":
                yield title, f"{selector.function} over {selector.range} and not over $__rate_interval"


def _held_to(label: str, *values: str) -> Callable[[Json], Found]:
    """`values`: what holds it to the variable besides the variable alone."""

    def rule(dashboard: Json) -> Found:
        for title, query in queries(dashboard):
            for selector in promql.selectors(query):
                if not any(selector.has(label, "=~", value) for value in (f"${label}", *values)):
                    yield title, f"{selector.metric} is not held to the variable {label}"

    return rule


def _growth(dashboard: Json) -> Found:
    for title, query in queries(dashboard):
        for selector in promql.selectors(query):
            if selector.metric.endswith("_total") and not _is_growth(selector):
                yield title, f"counter {selector.metric} is not asked for its growth"


def _is_growth(selector: promql.Selector) -> bool:
    """Whether growth is asked for, or every sample as it is."""
    return selector.function in MARKED_AS_GROWTH or (bool(selector.range) and not selector.function)


def _not_editable(dashboard: Json) -> Found:
    if dashboard.get("editable") is not False:
        yield "", "can be edited in Grafana, where changes are lost"


def _unique_places(dashboard: Json) -> Found:
    for key in ("id", "title"):
        for value, times in Counter(panel.get(key) for panel in panels(dashboard)).items():
            if times > 1 or not value:
                yield str(value), f"{key} is there {times} times"


def _no_overlap(dashboard: Json) -> Found:
    yield from _overlaps(dashboard["panels"])
    for row in dashboard["panels"]:
        yield from _overlaps(row.get("panels", []))


def _overlaps(placed: list[Json]) -> Found:
    taken: dict[tuple[int, int], int] = {}
    for panel in placed:
        place = panel["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        cells = [(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])]
        if any(taken.setdefault(cell, panel["id"]) != panel["id"] for cell in cells):
            yield panel["title"], "lies over another panel"
        if columns.stop > COLUMNS:
            yield panel["title"], "goes beyond the last column"


def _empty_text(dashboard: Json) -> Found:
    for panel in panels(dashboard):
        if targets(panel) and not panel.get("fieldConfig", {}).get("defaults", {}).get("noValue"):
            yield panel["title"], "does not say what it means that it is empty"


def _links_keep_time(dashboard: Json) -> Found:
    for link in dashboard.get("links", ()):
        if not link.get("keepTime") and link.get("type") == "dashboards":
            yield link["title"], "forgets the time range"
    for panel in panels(dashboard):
        for url in re.findall(r'"url": "(/d/[^"]*)"', json.dumps(panel)):
            if "${__url_time_range}" not in url or ("var-" not in url and "${__all_variables}" not in url):
                yield panel["title"], f"{url} forgets the time range or the run"


def _drawn_pairs(dashboard: Json) -> Found:
    """What Grafana cannot place it leaves out: by hand, each series of an XY chart names its frame.

    Options without a version it converts from those before 11.1, after which no field has such a name.
    """
    for panel in panels(dashboard):
        if panel["type"] != "xychart":
            continue
        options, version = panel["options"], panel.get("pluginVersion", "0.0")
        if tuple(map(int, version.split(".")[:2])) < (11, 1):
            yield panel["title"], "has options that look old"
        wanted = ("frame", "x", "y") if options["mapping"] == "manual" else ("x", "y")
        for series in options["series"]:
            if not all("matcher" in series.get(part, {}) for part in wanted):
                yield panel["title"], f"has a series without one of {', '.join(wanted)}"


def _known_variables(dashboard: Json) -> Found:
    known = {one["name"] for one in template(dashboard)}
    for title, query in queries(dashboard):
        for name in promql.variables(query) - known:
            if not name.startswith("__"):
                yield title, f"${name} is no variable"


RULES: dict[str, Callable[[Json], Found]] = {
    "template-datasource-rule": _datasource_variable,
    "template-job-rule": _selecting_variable("job"),
    "template-instance-rule": _selecting_variable("instance"),
    "template-label-promql-rule": _variable_queries,
    "template-on-time-change-reload-rule": _time_range_reload,
    "panel-datasource-rule": _panel_data_sources,
    "panel-title-description-rule": _titles,
    "panel-units-rule": _units,
    "panel-no-targets-rule": _has_queries,
    "target-promql-rule": _readable_queries,
    "target-rate-interval-rule": _rate_interval,
    "target-job-rule": _held_to("job"),
    "target-instance-rule": _held_to("instance", "$instance|"),  # or without, as an alert on what is missing
    "target-counter-agg-rule": _growth,
    "uneditable-dashboard-rule": _not_editable,
    "house-unique-panels": _unique_places,
    "house-no-overlap": _no_overlap,
    "house-empty-text": _empty_text,
    "house-links-keep-time": _links_keep_time,
    "house-known-variables": _known_variables,
    "house-drawn-pairs": _drawn_pairs,
}
"""By name; each tells where it is broken, and how."""

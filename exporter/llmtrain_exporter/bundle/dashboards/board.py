"""What a dashboard is made of: panels, rows, variables and annotations, in no language yet.

A `Said` is a word of the field that stands as it is, or a text in every language. `grafana_json` turns a
`Board` into Grafana's JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from enum import Enum

from llmtrain_exporter.knowledge.dashboard_words import NO_DATA
from llmtrain_exporter.knowledge.text import Text

Said = str | Text

GREEN, ORANGE, RED, BLUE, PURPLE, GREY, YELLOW = (
    "green",
    "orange",
    "red",
    "blue",
    "purple",
    "#8e8e8e",
    "#F2CC0C",
)
PALE = "light-blue"
DARK_RED, DARK_GREEN = "semi-dark-red", "semi-dark-green"
NO_VALUE = "\N{EN DASH}"
"""In a cell of a table that has no value; the panel's own text is for the panel without any."""
ANNOTATION_STEP = "15s"
"""How fine annotations are asked for: Prometheus' scrape interval as shipped."""


class Look(Enum):
    """How the series of a query are drawn. The last four are dashed lines behind the data."""

    PLAIN = "plain"  # the palette's next colour
    TRAIN = "train"
    EVAL = "eval"
    RANGE = "range"  # smallest and largest beside a mean
    BASELINE = "baseline"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Query:
    """One query. `legend` in Grafana's words ({{label}}); `colour` fixes the colour of a plain one.

    `instant`: only the last value. `table`: as table, which is instant too. `properties`: more of Grafana's
    field options for the query's series, such as ("custom.axisPlacement", "right").
    """

    expr: str
    legend: Said = ""
    look: Look = Look.PLAIN
    colour: str = ""
    instant: bool = False
    table: bool = False
    properties: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """Field options for the fields that a matcher takes ("byName", "byRegexp", ...)."""

    matcher: str
    fields: Said
    properties: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Transformation:
    """One of Grafana's transformations by its id. Texts anywhere in the options are said in the language.

    `of`: a regular expression for the refIds of the frames that it is for; "": all.
    """

    id: str
    options: Mapping[str, object] = made_by(default_factory=dict)
    of: str = ""


Steps = Sequence[tuple[float | None, str]]
"""From which value on which colour; the first value is None."""

Mappings = Mapping[float | str | tuple[float, float], tuple[Said, str]]
"""What is written, in which colour, for a value, or from one value to another."""

PLAIN_STEPS: Steps = ((None, GREEN),)


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel without a way to draw: use one of the classes below. `text` is its description, in Markdown.

    `width` in Grafana's 24 columns, `height` in its rows. `nothing` is shown where there is no data.
    """

    title: Said
    text: Text
    lines: tuple[Query, ...] = ()
    unit: str = "short"
    width: int = 12
    height: int = 8
    decimals: int | None = None
    nothing: Said = NO_DATA
    mappings: Mappings = made_by(default_factory=dict)
    steps: Steps = PLAIN_STEPS
    overrides: tuple[Override, ...] = ()
    transformations: tuple[Transformation, ...] = ()
    links: tuple[BoardLink, ...] = ()
    points: int | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curves(Panel):
    """Values over time. `linear_to`: logarithmic from this size of value on; 0: logarithmic; None: linear.

    `soft`: the axis reaches at least from here to there. `stacked`: one on the other. `filled`: percent.
    `axis`: pixels for its numbers, so that panels below each other share one time axis.
    """

    linear_to: float | None = None
    soft: tuple[float | None, float | None] = (None, None)
    stacked: bool = False
    filled: int = 0
    stairs: bool = False
    axis: int | None = None
    calcs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stat(Panel):
    """The last value in large. `background`: the panel takes its colour; `coloured`: the digits do."""

    background: bool = False
    coloured: bool = False
    names: bool = False


@dataclass(frozen=True, slots=True)
class Timeline(Panel):
    """States as bars over time."""


@dataclass(frozen=True, slots=True)
class Cells(Panel):
    """States as cells over time, one row for each series."""


@dataclass(frozen=True, slots=True)
class Bars(Panel):
    """The last value of each series as a bar."""


@dataclass(frozen=True, slots=True)
class Against(Panel):
    """Points of frames: a series for each frame that has both fields of one of the `pairs`, x before y."""

    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the field as it comes out of the queries, and its heading.

    `cell`: how its value is shown: "", "color-text", "color-background" or "gauge". `url`: where it leads.
    """

    field: str
    title: Said
    unit: str = ""
    width: int | None = None
    decimals: int | None = None
    mappings: Mappings = made_by(default_factory=dict)
    steps: Steps = ()
    cell: str = ""
    url: str = ""
    hint: Said = ""  # the link's title
    range: tuple[float, float] | None = None
    filterable: bool = False
    properties: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class TablePanel(Panel):
    """A table of the last values: `columns` in order; fields without one are left out.

    The queries (`table=True`) are merged by the labels that they share; the value of the n-th query is the
    field "Value #A", "Value #B", ... or "Value" where there is one query. `needs`: a field without which a
    row is left out.
    """

    columns: tuple[Column, ...] = ()
    sort: tuple[str, bool] | None = None  # a column's field, and whether the largest comes first
    merged: bool = True
    needs: str = ""
    header: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and the panels below it, set from left to right. Without a title there is no heading."""

    title: Said
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable. `query` in Grafana's words for a query or data source, the default for a text box.

    `chosen`: what is selected at first; "$__all" for all. `pattern`: a regular expression whose group is the
    value in what a query answers. `options`: of a custom one, as they are shown and what they stand for.
    """

    name: str
    label: Said
    query: str
    kind: str = "query"  # query, datasource, textbox, custom
    text: Said = ""
    multi: bool = False
    all: bool = False
    any: str = ".+"  # what stands for all; "": those that there are
    chosen: tuple[str, ...] = ()
    pattern: str = ""
    options: tuple[tuple[Said, str], ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Annotation:
    """Marks on every panel. `value_is_time`: the value is when, in milliseconds."""

    name: Said
    expr: str
    title: Said
    text: Said = ""
    colour: str = RED
    value_is_time: bool = False
    on: bool = True
    step: str = ANNOTATION_STEP


@dataclass(frozen=True, slots=True)
class BoardLink:
    """Where one can go from here. `keep`: take time and variables along."""

    title: Said
    url: str
    hint: Said = ""
    keep: bool = False
    icon: str = "dashboard"
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard. `uid` and `file` without language: the Chinese one has its own suffix and folder."""

    uid: str
    file: str
    title: Text
    text: Text
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...] = ()
    links: tuple[BoardLink, ...] = ()
    tags: tuple[str, ...] = ()
    since: str = "now-1h"
    refresh: str = "10s"

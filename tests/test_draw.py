"""Pictures of runs: what is marked in them, that they are the same every time, and harmless."""

from __future__ import annotations

import io
import math
import os
import re
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.draw import pictures
from llmtrain_exporter.draw.chart import ChartLine, ChartPanel, Marks
from llmtrain_exporter.draw.colours import CRITICAL, GROUND, INK, LIMITS, LINES, NAMES
from llmtrain_exporter.draw.from_history import CHAIN, FIT, MOST_LINES, around, chain, marks, panels
from llmtrain_exporter.draw.inline import CLASSES, inlined
from llmtrain_exporter.draw.paint import DENSE, RINGS, figure
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.publish import demo
from llmtrain_exporter.story.run_object import full_object
from llmtrain_exporter.watching.history.columns import History
from llmtrain_exporter.watching.history.document import history_object
from llmtrain_exporter.watching.history.recorded import history

NOW = 1_800_000_000.0
ROOT = Path(__file__).resolve().parent.parent
SVG = "{http://www.w3.org/2000/svg}"


def told(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """History and story of a run, as they are served."""
    (found,) = discover.discover([str(path)], discover.SearchOptions(ignore_older=None), NOW).found
    read = history(found, RunOptions(), Readers(None), NOW)
    assert isinstance(read, History)
    return history_object(read), full_object(read.run, Lang.EN)


@pytest.fixture(scope="module")
def collapse() -> tuple[dict[str, Any], dict[str, Any]]:
    """History and story of the bundled collapse."""
    return told(demo.BUNDLED / demo.COLLAPSE)


def line(*values: float | None, **more: Any) -> ChartLine:
    """A line over the steps from 1 on."""
    return ChartLine("train", range(1, len(values) + 1), values, **more)


def panel(*lines: ChartLine, **more: Any) -> ChartPanel:
    return ChartPanel("kl", lines, **more)


def drawn(*lines: ChartLine, marked: Marks = Marks(), lang: Lang = Lang.EN, **more: Any) -> str:  # noqa: B008
    """The SVG of one panel."""
    return pictures.svg([panel(*lines, **more)], marked, lang).decode()


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


# What is drawn


def test_axes_have_numbers_as_everything_else() -> None:
    """Small, large, and where four digits do not tell them apart."""
    steps, small = [1, 2, 3], [0.0, 2e-6, 4e-6]
    assert {"1e-6", "3e-6"} <= set(texts(drawn(ChartLine("lr", steps, small))))
    assert {"16000", "20000"} <= set(texts(drawn(ChartLine("norm", steps, [14_000.0, 18_000.0, 22_000.0]))))
    close = texts(drawn(ChartLine("tokens", steps, [1e6 + 1, 1e6 + 2, 1e6 + 3])))
    assert not [text for text in close if text == "1e6" and close.count(text) > 1]


def test_a_panel_for_each_metric_that_the_run_has(collapse: tuple[Any, Any]) -> None:
    """In the catalogue's order, or in the order that is asked for."""
    names = [each.name for each in panels(collapse[0])]
    assert names[:4] == ["loss", "grad_norm", "learning_rate", "kl"]
    assert [each.name for each in panels(collapse[0], FIT)] == ["loss", "grad_norm", "entropy"]


def test_evaluations_stand_behind_and_carry_their_part(collapse: tuple[Any, Any]) -> None:
    """So that both have the same colour."""
    (found,) = panels(collapse[0], [c.COMPLETION_LENGTH])
    assert [(each.name, each.part, each.evaluation) for each in found.lines] == [
        ("mean", "mean", False),
        ("max", "max", False),
        ("min", "min", False),
        ("mean eval", "mean", True),
        ("max eval", "max", True),
        ("min eval", "min", True),
    ]


def test_limits_and_healthy_range_come_from_the_history(collapse: tuple[Any, Any]) -> None:
    """As the exporter serves them."""
    (found,) = panels(collapse[0], [c.KL])
    assert (found.limits, found.healthy) == ({"warning": 5, "critical": 10}, (None, 5))


def test_the_chain_begins_where_it_broke_first(collapse: tuple[Any, Any]) -> None:
    """With gradients where these broke or no kl is logged."""
    history_told, story_told = collapse
    names = [each.name for each in chain(history_told)]
    assert names == [metric.name.removeprefix("llmtrain_") for metric in CHAIN]
    (incident,) = story_told["incidents"]
    assert "grad_norm" in [each.name for each in chain(history_told, incident)]
    without = {**history_told, "series": [one for one in history_told["series"] if one["name"] != "kl"]}
    without["evaluations"] = {**without["evaluations"], "series": []}
    assert chain(without)[0].name == "grad_norm"


def test_the_window_around_an_incident_goes_by_records(collapse: tuple[Any, Any]) -> None:
    """Some before, some after; never beyond the run."""
    history_told, story_told = collapse
    (incident,) = story_told["incidents"]
    assert around(history_told, incident) == (1, 35)
    long = {"steps": list(range(0, 10_000, 10))}
    assert around(long, {"onset_step": 5000, "peak_step": 5100, "recovery_step": None}) == (4700, 5250)
    assert around(long, {"onset_step": 5000, "peak_step": 5100, "recovery_step": 6000}) == (4700, 6150)
    assert around({"steps": []}, {"onset_step": 1, "peak_step": 1, "recovery_step": None}) == (0, 1)


def test_more_series_than_can_be_told_apart_are_counted() -> None:
    """And the picture says how many."""
    one = {
        "metric": c.REWARD_FUNCTION_MEAN.name,
        "values": [1.0],
        "non_finite": [],
        "healthy": [None, None],
        "limits": {},
    }
    many = [{**one, "name": f"f{at}", "labels": {"function": f"f{at}"}} for at in range(12)]
    table = {"steps": [1], "superseded": [], "series": many}
    (found,) = panels({**table, "evaluations": {**table, "series": []}})
    assert (len(found.lines), found.left_out) == (MOST_LINES, 4)
    assert "4 more not drawn" in texts(pictures.svg([found]).decode())


def test_everything_that_matters_is_in_the_picture() -> None:
    """Limits that are near, own level, spikes, evaluations, values that are no numbers, in words."""
    values = [1.0, 2.0, None, 9.0, 3.0]
    one = line(*values, spikes=[3], odd=[(3, 3)], baseline=[None, 1.0, 1.0, 1.5, 1.5])
    evaluation = ChartLine("eval", [2, 4], [1.0, 2.0], evaluation=True)
    found = texts(drawn(one, evaluation, limits={"warning": 5.0, "critical": 500.0}, healthy=(None, 5.0)))
    for word in (
        "kl",
        "step",
        "train",
        "eval",
        "own level",
        "spike",
        "limit 5",
        "healthy",
        "NaN or infinite",
    ):
        assert word in found
    assert "limit 500" not in found


def test_marks_have_their_own_colours() -> None:
    """Incidents, limits and the run itself are told apart."""
    picture = drawn(line(1.0, 2.0, 9.0), limits={"warning": 5.0}, marked=Marks([(2, None)], [3]))
    for colour in (CRITICAL, LIMITS["warning"], LINES[0], INK, GROUND):
        assert colour in picture


def test_training_and_evaluation_of_the_same_have_the_same_colour() -> None:
    """And parts have different ones."""
    a = ChartLine("a", [1, 2], [1.0, 2.0], part="a")
    b = ChartLine("b", [1, 2], [1.0, 2.0], part="b")
    picture = drawn(a, b, ChartLine("a eval", [1, 2], [1.0, 1.0], part="a", evaluation=True))
    assert LINES[0] in picture
    assert LINES[1] in picture
    assert LINES[2] not in picture


def test_the_words_of_a_picture_are_in_the_language_that_is_asked_for() -> None:
    """As text, which browsers have letters for; a PNG stays with English."""
    assert "自身水平" in texts(drawn(line(1.0, 2.0, baseline=[1.0, 1.0]), lang=Lang.ZH))


def axes_of(*lines: ChartLine, marked: Marks = Marks(), **more: Any) -> Any:  # noqa: B008
    """The axes of a panel, to look at what was put there."""
    return figure([panel(*lines, **more)], marked, Lang.EN).axes[0]


def test_an_axis_is_logarithmic_where_values_rise_a_hundredfold() -> None:
    """For metrics that are never negative; a value of 0 does not hinder it."""
    assert axes_of(line(0.0, 0.01, 0.01, 10.0)).get_yscale() == "log"
    assert axes_of(line(0.01, 0.02, 0.03)).get_yscale() == "linear"
    assert axes_of(line(-0.01, 0.02, 10.0, 0.01)).get_yscale() == "linear"


def test_a_step_that_goes_back_is_a_gap() -> None:
    """No line is drawn back through the run; steps that were taken again are faint."""
    resumed = ChartLine("train", [1, 2, 3, 2, 3, 4], [1.0] * 6, superseded=[1, 2])
    drawn_lines = [each for each in axes_of(resumed).get_lines() if len(each.get_xdata()) > 1]
    assert [list(each.get_xdata()) for each in drawn_lines[:2]] == [[2, 3], [2, 3, 4]]
    assert drawn_lines[0].get_alpha() < 1 == drawn_lines[1].get_alpha()


def test_a_window_shows_its_part_in_full() -> None:
    """The range of values is that of what is seen."""
    axes = axes_of(line(*[1.0] * 50, 1000.0, *[1.0] * 50, 2.0), marked=Marks(window=(60, 102)))
    assert axes.get_xlim()[0] > 51
    assert axes.get_ylim()[1] < 3


def test_many_values_are_thin_and_many_evaluations_no_rings() -> None:
    """Else they were an area."""
    assert axes_of(line(*[1.0, 2.0] * DENSE)).get_lines()[0].get_linewidth() < 1
    many = ChartLine("eval", range(RINGS + 1), [1.0] * (RINGS + 1), evaluation=True)
    assert axes_of(many).get_lines()[0].get_marker() in ("None", "", None)


# Files


def test_a_picture_is_the_same_every_time(collapse: tuple[Any, Any]) -> None:
    """SVG and PNG, in another process too: no date, no random names."""
    first, again = (pictures.svg(panels(collapse[0]), marks(collapse[1])) for _ in range(2))
    assert first == again
    (incident,) = collapse[1]["incidents"]
    assert pictures.incident_png(*collapse, incident) == pictures.incident_png(*collapse, incident)
    program = (
        "import sys; from llmtrain_exporter.draw import pictures; from llmtrain_exporter.draw.chart import *;"
        "p = ChartPanel('kl', (ChartLine('train', [1, 2], [1.0, 2.0]),));"
        "sys.stdout.buffer.write(pictures.svg([p]))"
    )
    command = [sys.executable, "-c", program]
    other = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert other.stdout == pictures.svg([ChartPanel("kl", (ChartLine("train", [1, 2], [1.0, 2.0]),))])
    assert b"date" not in other.stdout


def test_drawing_says_nothing_where_nothing_can_be_written(tmp_path: Path) -> None:
    """matplotlib would tell of the folder that it cannot make, and of the fonts that it looks for."""
    program = (
        "from llmtrain_exporter.draw import pictures; from llmtrain_exporter.draw.chart import *;"
        "line = ChartLine('x', [1, 2], [1.0, 2.0]);"
        "print(len(pictures.png([ChartPanel('训练', (line,))], title='训练 ')) > 1000)"
    )
    environment = {
        **os.environ,
        "HOME": "/proc/none",
        "MPLCONFIGDIR": "",
        "XDG_CONFIG_HOME": "/proc/none",
        "XDG_CACHE_HOME": "/proc/none",
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("True", "")


def test_a_chat_picture_is_a_png_of_fair_size(collapse: tuple[Any, Any]) -> None:
    """Wide enough to read, small enough to send."""
    history_told, story_told = collapse
    picture = pictures.incident_png(history_told, story_told, story_told["incidents"][0])
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert 1000 <= width <= 1200
    assert height <= 1600
    assert len(picture) < 500_000


def test_an_incident_of_supervised_training_shows_its_own_metrics() -> None:
    """There is no kl, no length and no reward."""
    fixture = Path(__file__).with_name("fixtures") / "swift-sft-nan"
    history_told, story_told = told(fixture)
    picture = pictures.incident_png(history_told, story_told, story_told["incidents"][0])
    assert picture.startswith(b"\x89PNG")


def test_several_threads_draw_one_after_the_other() -> None:
    """And each gets its own picture."""
    wanted = {at: pictures.png([panel(line(1.0, float(at)))]) for at in range(3)}
    got: dict[int, bytes] = {}

    def draw(at: int) -> None:
        got[at] = pictures.png([panel(line(1.0, float(at)))])

    threads = [threading.Thread(target=draw, args=(at,)) for at in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == wanted


def test_drawing_leaves_the_settings_of_others_alone() -> None:
    """They are what they were."""
    import matplotlib

    before = dict(matplotlib.rcParams)
    pictures.svg([panel(line(1.0, 2.0))])
    assert dict(matplotlib.rcParams) == before


# In a page


def test_a_picture_in_a_page_needs_no_permission(collapse: tuple[Any, Any]) -> None:
    """No style, no script, no name that is there twice; colours are classes that the page knows."""
    first = inlined(pictures.svg(panels(collapse[0], [c.KL])), "a < b")
    assert not re.search(
        r"<style|style=|<script|xlink|<metadata|\bid=\"(figure|axes|patch|text|line2d)", first
    )
    assert 'role="img"' in first
    assert 'aria-label="a &lt; b"' in first
    classes = {name for each in re.findall(r'class="([^"]*)"', first) for name in each.split()}
    assert classes - {"chart"} <= {f"{prefix}-{name}" for prefix in "fs" for name in CLASSES}
    assert not [colour for colour in NAMES if colour in first]


def test_names_inside_are_found() -> None:
    """Clip paths and markers refer to what is there."""
    picture = inlined(drawn(line(1.0, 9.0, spikes=[1])).encode(), "")
    referred = set(re.findall(r"(?:url\(#|href=\"#)([\w-]+)", picture))
    assert referred
    assert referred <= set(re.findall(r'id="([\w-]+)"', picture))


# Hostile values


NUMBERS = st.one_of(
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from((0.0, 1e308, -1e308, 5e-324, 1e-300)),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 2**53), NUMBERS), min_size=1, max_size=30), st.booleans())
def test_whatever_the_values_there_is_a_picture(points: list[tuple[int, float | None]], inside: bool) -> None:
    """Huge, tiny, none at all, all the same, steps in any order: XML that can be read."""
    steps, values = [step for step, _ in points], [value for _, value in points]
    one = ChartLine("train", steps, values, spikes=[0], odd=[(steps[0], steps[-1])], baseline=values)
    window = (float(min(steps)), float(max(steps))) if inside else None
    marked = Marks([(steps[0], None), (steps[0], steps[-1])], [steps[-1]], window)
    picture = pictures.svg([panel(one, limits={"warning": 5.0}, healthy=(0.1, 5.0))], marked)
    assert ElementTree.fromstring(picture) is not None


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=200))
def test_whatever_the_names_there_is_a_picture(name: str) -> None:
    """Of runs, metrics and series: no markup, no TeX, no control characters, nothing too long."""
    odd = ChartPanel(
        name, (ChartLine(name, [1, 2], [1.0, 2.0]), ChartLine("b", [1, 2], [2.0, 1.0], part="b"))
    )
    root = ElementTree.fromstring(pictures.svg([odd], title=name))
    assert all(len(element.text or "") < 100 for element in root.iter(f"{SVG}text"))


@pytest.mark.parametrize(
    "name", ["$\\frac{a}{$", "</text><script>alert(1)</script>", "a\x00b", "\ud800", "训练🔥"]
)
def test_names_are_shown_as_they_are(name: str) -> None:
    """Or as far as XML can hold them."""
    picture = pictures.svg([ChartPanel(name, (line(1.0, 2.0),))]).decode()
    assert "<script" not in picture
    shown = name.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert shown in texts(picture)
    assert "script>" not in inlined(picture.encode(), name.encode("utf-8", "replace").decode())


def test_a_name_that_begins_with_an_underscore_is_in_the_legend() -> None:
    """matplotlib takes such a name for one that nobody wants to see."""
    lines = tuple(ChartLine(name, [1, 2], [1.0, 2.0], part=name) for name in ("_run1", "__two", "three"))
    shown = [text.strip() for text in texts(pictures.svg([ChartPanel("kl", lines)]).decode())]
    assert {"_run1", "__two", "three"} <= set(shown)


def test_nothing_to_draw_is_an_empty_picture() -> None:
    """And no error."""
    assert ElementTree.fromstring(pictures.svg([])) is not None
    assert ElementTree.fromstring(drawn(line(None, None))) is not None
    assert io.BytesIO(pictures.png([])).read(4) == b"\x89PNG"
    assert math.isfinite(axes_of(line(0.0, 0.0)).get_ylim()[1])

"""Pictures as bytes: PNG for chats, SVG for files and pages. The same input gives the same bytes."""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from llmtrain_exporter.draw.chart import ChartPanel, Marks
from llmtrain_exporter.draw.colours import GROUND
from llmtrain_exporter.draw.from_history import FIT, Object, around, chain, marks, panels
from llmtrain_exporter.draw.inline import inlined
from llmtrain_exporter.draw.paint import figure
from llmtrain_exporter.knowledge.profile import POLICIES
from llmtrain_exporter.knowledge.text import Lang

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150

SALT = "llmtrain"
"""Makes the names inside an SVG the same every time."""

_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": SALT,
    "text.parse_math": False,
    "path.simplify_threshold": 0.3,
}

_LOCK = threading.Lock()
"""matplotlib's settings and its fonts are shared by all threads."""


def can_draw() -> bool:
    """Whether matplotlib is installed, without loading it."""
    return find_spec("matplotlib") is not None


def svg(
    drawn: Sequence[ChartPanel],
    marked: Marks = Marks(),  # noqa: B008
    lang: Lang = Lang.EN,
    title: str = "",
    small: bool = False,
) -> bytes:
    """An SVG file of panels below each other. `small`: three fit beside each other."""
    with _quiet():
        return _saved(
            figure(drawn, marked, lang, title, small), "svg", metadata={"Date": None, "Creator": None}
        )


def png(drawn: Sequence[ChartPanel], marked: Marks = Marks(), title: str = "") -> bytes:  # noqa: B008
    """A PNG of them, its words in English: the font that comes along has no other letters."""
    with _quiet():
        metadata = {"Software": None}
        return _saved(figure(drawn, marked, Lang.EN, title), "png", dpi=DOTS_PER_INCH, metadata=metadata)


def inline_svg(drawn: Sequence[ChartPanel], marked: Marks, lang: Lang, name: str, small: bool = False) -> str:
    """An SVG element for a page whose style sheet knows the classes of `inline`; `name` tells what it is."""
    return inlined(svg(drawn, marked, lang, small=small), name)


def incident_png(history: Object, story: Object, incident: Object) -> bytes:
    """The metrics of a run around one of its incidents, on one axis of steps.

    `history` and `story`: as `GET /api/v1/history` and `GET /api/v1/run` give them; `incident`: one of the
    story's.
    """
    drawn = chain(history, incident) if story["base"] in POLICIES else panels(history, FIT)
    marked = marks(story, around(history, incident))
    title = f"{history['run']}: incident from {marked.unit} {incident['onset_step']}"
    return png(drawn, marked, title)


def _saved(drawn: Figure, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    drawn.savefig(out, format=form, facecolor=GROUND, **options)
    return out.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """One thread at a time, with our settings, and no word about caches, or letters that a font lacks."""
    with _LOCK:
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        import matplotlib

        with warnings.catch_warnings(), matplotlib.rc_context(_SETTINGS):
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            yield

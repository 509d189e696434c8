"""Pages from templates: everything escaped, each template compiled when it is first asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.pages.compare_page import SUMMARY
from llmtrain_exporter.serve.pages.list_rows import SPARKLINE_SIZE
from llmtrain_exporter.serve.pages.run_page import groups_of, lasts, parts_of
from llmtrain_exporter.serve.pages.wording import Wording, count
from llmtrain_exporter.story.blocks import Line
from llmtrain_exporter.write.html import line_html

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"

_WORDS = re.compile(r"[^/_.-]*[/_.-]+|[^/_.-]+")
_CODE = re.compile("`([^`]+)`")
_BEFORE_FLAG = re.compile(" (?=--)")


class Renderer:
    """The templates of a folder. Asked by many threads."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self.wordings: Mapping[Lang, Wording] = {lang: Wording(lang) for lang in Lang}

    def html(self, template: str, lang: Lang, values: Mapping[str, object]) -> bytes:
        """A page, or a piece of one. Raises jinja2.TemplateError where it asks for what is not there."""
        known = {"say": self.wordings[lang], **values}
        return self._environment.get_template(template).render(known).encode()

    @cached_property
    def _environment(self) -> Environment:
        """An exporter that nobody looks at with a browser loads no template engine."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            autoescape=True,
            undefined=StrictUndefined,
            loader=FileSystemLoader(self._folder),
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(FILTERS)
        environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
        environment.globals.update(sparkline_size=SPARKLINE_SIZE, summary=SUMMARY)
        return environment


def code(text: str) -> Markup:
    """A text in which backticks stand around code."""
    around = Markup("<code>{}</code>")
    return Markup("").join(
        around.format(piece) if at % 2 else piece for at, piece in enumerate(_CODE.split(text))
    )


def parted(name: str) -> Markup:
    """A name that breaks between its words where a line is too short for it."""
    return Markup("<wbr>").join(_WORDS.findall(name))


def flags(text: str) -> Markup:
    """A command line that breaks between its flags, and not at the hyphens within them."""
    whole = Markup('<span class="flag">{}</span>')
    return Markup(" ").join(whole.format(part) for part in _BEFORE_FLAG.split(printable(text)))


def line_markup(line: Line) -> Markup:
    """A line of a story with its marks."""
    return Markup(line_html(line))  # noqa: S704  # its writer escapes all texts


def kind(thing: object) -> str:
    """What a block or a piece of a story is: "paragraph", "mark"; "str" for words."""
    return type(thing).__name__.lower()


FILTERS: Mapping[str, Callable[..., object]] = {
    "code": code,
    "count": count,
    "flags": flags,
    "groups": groups_of,
    "kind": kind,
    "lasts": lasts,
    "line": line_markup,
    "parted": parted,
    "parts": parts_of,
    "text": printable,
}
"""What templates may do with a value, beside what the engine brings."""

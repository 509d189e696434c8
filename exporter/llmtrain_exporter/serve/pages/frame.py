"""The pages as HTML: complete where a list is all that is wanted, else the frame for a script to fill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from llmtrain_exporter.knowledge import page_words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.exposition import label_value
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.pages.assets import Assets
from llmtrain_exporter.serve.pages.language import language
from llmtrain_exporter.serve.pages.list_page import ListPage
from llmtrain_exporter.serve.pages.listing import Listing, query
from llmtrain_exporter.serve.pages.runbook_page import runbook_parts

FOLDER = Path(__file__).parent / "templates"

UPLOT = "vendor/uplot-1.6.32"

LANGUAGES = {Lang.EN: "English", Lang.ZH: "中文"}  # in its own script


class Pages:
    """The answers. The templates are read once."""

    def __init__(
        self, fleet: Fleet, listing: Listing, assets: Assets, version: str, clock: Callable[[], float]
    ) -> None:
        """`clock`: Unix time. Raises OSError."""
        self._fleet = fleet
        self._listing = listing
        self._assets = assets
        self._version = version
        self._clock = clock
        self._templates = {path.stem: Template(path.read_text("utf-8")) for path in FOLDER.glob("*.html")}

    def routes(self) -> list[Route]:
        """What is answered where."""
        pages = {"/": self.list, "/run": self.run, "/compare": self.compare, "/runbook": self.runbook}
        return [Route(path, page) for path, page in pages.items()]

    def list(self, request: Request) -> Response:
        """All runs."""
        lang = language(request)
        said = ListPage(page_words.all_words(lang), lang, self._clock())
        asked = query(request.query_params.multi_items())
        page = self._listing.page(asked)
        parts = said.parts(asked, page, self._fleet.roots, kept_language(request))
        parts["problems"] = said.problems(self._fleet.problems)
        return self._page(request, "list", "llmtrain-exporter", parts, "api/v1/runs", ("list.js",))

    def run(self, request: Request) -> Response:
        """One run. Its name stands in the title; the rest is for the script."""
        asked = request.query_params.get("run", "")
        shown = self._fleet.find(asked)
        name = printable(asked) if shown is None else label_value(shown.snapshot.run)
        address = f"api/v1/run?{urlencode({'run': name})}"
        parts = {"run_name": escape(name)}
        return self._page(
            request, "run", name, parts, address, ("run.js",), charts=True, status=200 if shown else 404
        )

    def compare(self, request: Request) -> Response:
        """Several runs side by side."""
        return self._page(request, "compare", "", {}, "api/v1/runs", ("compare.js",), charts=True)

    def runbook(self, request: Request) -> Response:
        """What each alert means."""
        parts = runbook_parts(language(request))
        return self._page(request, "runbook", "", parts, "api/v1/runs", ("page.js",))

    def _page(
        self,
        request: Request,
        template: str,
        title: str,
        parts: Mapping[str, str],
        json_address: str,
        modules: Iterable[str],
        *,
        charts: bool = False,
        status: int = 200,
    ) -> Response:
        lang = language(request)
        words = page_words.all_words(lang)
        base = self._assets.base
        other = Lang.ZH if lang is Lang.EN else Lang.EN
        known = {
            **{name: escape(text) for name, text in words.items()},
            "lang": "zh-CN" if lang is Lang.ZH else "en",
            "title": escape(title or words[template]),
            "version": escape(self._version),
            "assets": base,
            "styles": _styles(base, charts),
            "scripts": _scripts(base, modules, charts),
            "keep": _address("", kept_language(request)),
            "json_address": escape(json_address),
            "other_address": escape(_switched(request, other)),
            "other_lang": "zh-CN" if other is Lang.ZH else "en",
            "other_name": LANGUAGES[other],
            "words": _embedded({"lang": lang.value, **words}),
            **parts,
        }
        body = self._templates[template].safe_substitute(known)
        html = self._templates["base"].safe_substitute({**known, "body": body})
        headers = {"Vary": "Accept-Language", "Content-Language": known["lang"], "Cache-Control": "no-cache"}
        return HTMLResponse(html, status, headers)


def kept_language(request: Request) -> dict[str, str]:
    """The language as a parameter for links, if the address names one: then it was chosen."""
    return {"lang": language(request).value} if "lang" in request.query_params else {}


def _address(path: str, parameters: Mapping[str, str]) -> str:
    return f"{path}?{escape(urlencode(parameters))}" if parameters else path


def _switched(request: Request, lang: Lang) -> str:
    """This page in the other language."""
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    pairs = [(key, value.encode("utf-8", "replace")) for key, value in [*kept, ("lang", lang.value)]]
    return f"?{urlencode(pairs)}"


def _styles(base: str, charts: bool) -> str:
    sheets = [f"{UPLOT}/uPlot.min.css"] if charts else []
    return "\n".join(f'<link rel="stylesheet" href="{base}/{sheet}">' for sheet in [*sheets, "style.css"])


def _scripts(base: str, modules: Iterable[str], charts: bool) -> str:
    library = [f'<script defer src="{base}/{UPLOT}/uPlot.iife.min.js"></script>'] if charts else []
    own = [f'<script type="module" src="{base}/{module}"></script>' for module in modules]
    return "\n".join([*library, *own])


def _embedded(words: Mapping[str, str]) -> str:
    """JSON that no text in it can end."""
    return json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")

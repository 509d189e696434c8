"""The pages as HTML: complete where a list is all that is wanted, else the frame for a script to fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmtrain_exporter.knowledge import page_words
from llmtrain_exporter.knowledge.alerting import phrases
from llmtrain_exporter.knowledge.alerting.book import entries
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.printable import printable
from llmtrain_exporter.serve.fleet import Fleet, Shown
from llmtrain_exporter.serve.pages.answers import BY_LANGUAGE, answer
from llmtrain_exporter.serve.pages.assets import Assets
from llmtrain_exporter.serve.pages.compare_page import ComparePage
from llmtrain_exporter.serve.pages.language import language
from llmtrain_exporter.serve.pages.list_page import ListPage, address
from llmtrain_exporter.serve.pages.listing import Listing, ListSlice, query
from llmtrain_exporter.serve.pages.rendering import Renderer
from llmtrain_exporter.serve.pages.run_answers import RunAnswers
from llmtrain_exporter.serve.pages.run_page import RunPage

HTML = "text/html; charset=utf-8"
UPLOT = "vendor/uplot-1.6.32"

FRAGMENT = {"Llmtrain-Fragment": "1"}

LANGUAGES = {Lang.EN: "English", Lang.ZH: "中文"}  # in its own script
CODES = {Lang.EN: "en", Lang.ZH: "zh-CN"}


class Frame(NamedTuple):
    """What stands around a page. `json`: the address of what it shows; `charts`: whether it draws any."""

    title: str
    script: str
    json: str = "api/v1/runs"
    charts: bool = False


class Pages:
    """The answers: `/` and its like whole, `/fragment/...` what a script swaps in as it changes."""

    def __init__(
        self,
        fleet: Fleet,
        listing: Listing,
        answers: RunAnswers,
        assets: Assets,
        version: str,
        clock: Callable[[], float],
    ) -> None:
        """`clock`: Unix time."""
        self._fleet = fleet
        self._listing = listing
        self._answers = answers
        self._assets = assets
        self._version = version
        self._clock = clock
        self._renderer = Renderer()

    def routes(self) -> list[Route]:
        """What is answered where."""
        pages = {
            "/": self.list,
            "/run": self.run,
            "/compare": self.compare,
            "/runbook": self.runbook,
            "/fragment/list": self.list_fragment,
            "/fragment/run": self.run_fragment,
            "/fragment/compare": self.compare_fragment,
        }
        return [Route(path, page) for path, page in pages.items()]

    def list(self, request: Request) -> Response:
        """All runs."""
        asked = query(request.query_params.multi_items())
        shown = {"listing": self._list_page(request, self._listing.find(asked))}
        return self._page(request, "list.html", Frame("llmtrain-exporter", "list.js"), shown)

    def list_fragment(self, request: Request) -> Response:
        """The same without its frame; made once for all who ask the same until a run changes."""
        asked, lang = query(request.query_params.multi_items()), language(request)

        def write(found: ListSlice) -> bytes:
            shown = {"listing": self._list_page(request, found)}
            return self._renderer.html("list_fragment.html", lang, shown)

        return _fragment(request, self._listing.answer(asked, _form(request), write))

    def run(self, request: Request) -> Response:
        """One run; its charts are for the script."""
        shown = self._fleet.find(request.query_params.get("run", ""))
        lang = language(request)
        page = None if shown is None else _run_page(self._answers.whole(shown), shown, lang)
        name = _asked_run(request) if page is None else page.run.run
        frame = Frame(name, "run.js", address("api/v1/run", {"run": name}), charts=True)
        return self._page(request, "run.html", frame, {"page": page, "name": name}, 200 if page else 404)

    def run_fragment(self, request: Request) -> Response:
        """The same without its frame; made once for all who look at the run until it changes."""
        shown, lang = self._fleet.find(request.query_params.get("run", "")), language(request)
        if shown is None:
            missing = {"page": None, "name": _asked_run(request), "keep": _keep(request)}
            return _fragment(request, self._renderer.html("run_fragment.html", lang, missing), 404)

        def write(run: Snapshot) -> bytes:
            return self._renderer.html("run_fragment.html", lang, {"page": _run_page(run, shown, lang)})

        return _fragment(request, self._answers.answer(shown, _form(request), write))

    def compare(self, request: Request) -> Response:
        """Several runs side by side; their charts are for the script."""
        frame = Frame(page_words.PAGE["compare"].of(language(request)), "compare.js", charts=True)
        return self._page(request, "compare.html", frame, {"page": self._compare_page(request)})

    def compare_fragment(self, request: Request) -> Response:
        """The same without its frame."""
        shown = {"page": self._compare_page(request), "keep": _keep(request)}
        return _fragment(request, self._renderer.html("compare_fragment.html", language(request), shown))

    def runbook(self, request: Request) -> Response:
        """What each alert means."""
        lang = language(request)
        names = {"severity": phrases.SEVERITY.of(lang), "limits": phrases.LIMITS.of(lang)}
        shown = {"head": phrases.HEAD.of(lang), "names": names, "book": entries(lang)}
        frame = Frame(page_words.PAGE["runbook"].of(lang), "page.js")
        return self._page(request, "runbook.html", frame, shown)

    def _list_page(self, request: Request, found: ListSlice) -> ListPage:
        asked, lang = query(request.query_params.multi_items()), language(request)
        say, link_parameters = self._renderer.wordings[lang], kept_language(request)
        return ListPage(asked, found, lang, say, self._fleet.roots, link_parameters, self._clock())

    def _compare_page(self, request: Request) -> ComparePage:
        asked = list(dict.fromkeys(request.query_params.getlist("run")))
        say = self._renderer.wordings[language(request)]
        return ComparePage(asked, self._answers.find, say, kept_language(request))

    def _page(
        self, request: Request, template: str, frame: Frame, shown: Mapping[str, object], status: int = 200
    ) -> Response:
        lang = language(request)
        other = Lang.ZH if lang is Lang.EN else Lang.EN
        known = {
            "frame": frame,
            "lang": CODES[lang],
            "version": self._version,
            "assets": self._assets.base,
            "uplot": f"{self._assets.base}/{UPLOT}",
            "keep": _keep(request),
            "other": {"address": _switched(request, other), "lang": CODES[other], "name": LANGUAGES[other]},
            "words": {"lang": lang.value, **page_words.script_texts(lang)},
            **shown,
        }
        headers = {"Content-Language": CODES[lang]}
        body = self._renderer.html(template, lang, known)
        return answer(request, body, HTML, status, vary=BY_LANGUAGE, headers=headers)


def _run_page(run: Snapshot, shown: Shown, lang: Lang) -> RunPage:
    return RunPage(run, lang, shown.unread_since, shown.note)


def kept_language(request: Request) -> dict[str, str]:
    """The language as a parameter for links, if the address names one: then it was chosen."""
    return {"lang": language(request).value} if "lang" in request.query_params else {}


def _fragment(request: Request, body: bytes, status: int = 200) -> Response:
    """A piece of a page, marked so that a script takes no proxy's words for the exporter's."""
    return answer(request, body, HTML, status, vary=BY_LANGUAGE, headers=FRAGMENT)


def _keep(request: Request) -> str:
    return address("", kept_language(request))


def _form(request: Request) -> tuple[object, ...]:
    """What makes fragments of the same thing differ: the language, and whether links keep it."""
    return HTML, language(request), *kept_language(request)


def _asked_run(request: Request) -> str:
    return printable(request.query_params.get("run", ""))


def _switched(request: Request, lang: Lang) -> str:
    """This page in the other language."""
    others = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    pairs = [(key, value.encode("utf-8", "replace")) for key, value in [*others, ("lang", lang.value)]]
    return f"?{urlencode(pairs)}"

"""Whom the relay asks about a run, and what it makes of the answers."""

from __future__ import annotations

import gzip
import json
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest
from llmtrain_exporter.knowledge.card_words import ALERT_ONLY, NOT_KNOWN
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.notify import client, exporters, service
from llmtrain_exporter.notify.call import Call, NoAnswerError
from llmtrain_exporter.notify.chart import drawn, drawn_if_free
from llmtrain_exporter.notify.config.configure import ConfiguredRelay, ExporterAddress
from llmtrain_exporter.notify.config.settings import RelaySettings
from llmtrain_exporter.notify.exporters import Exporters
from llmtrain_exporter.notify.telemetry import RelayTelemetry

from tests.bots import bot
from tests.relaying import STORY, RelayProcess, alert, document, group
from tests.servers import HANGS_SECONDS, ExporterProcess, eventually, free_port

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def answering(*answers: tuple[int, bytes, dict[str, str]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that gives these answers, the last one again and again; its address, and what it was asked."""
    left = list(answers)
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("authorization", "")))
            status, body, headers = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def told(body: Any, status: int = 200, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """An answer."""
    return status, json.dumps(body).encode(), headers


def asking(
    *urls: str, auth: tuple[str, str] | None = None, instances: Iterable[str] = ()
) -> tuple[Exporters, Counter[str]]:
    """Exporters at these addresses, and how often they answered what."""
    counts: Counter[str] = Counter()

    def count(result: str) -> None:
        counts[result] += 1

    return Exporters([ExporterAddress(url, auth) for url in urls], count, lambda: 0.0, instances), counts


def test_the_first_that_knows_the_run_is_believed() -> None:
    """Others say that they do not know it; who cannot be reached is passed over."""
    nobody = f"http://127.0.0.1:{free_port()}"
    with (
        answering(told({"error": "no such run"}, 404)) as (unknowing, _),
        answering(told(STORY)) as (knowing, asked),
    ):
        some, counts = asking(nobody, unknowing, knowing)
        found = some.story("math/a b&c", "elsewhere:1", Lang.ZH)
        assert found.story is not None
        assert found.document == STORY
        assert asked == [("/api/v1/run?run=math%2Fa+b%26c&lang=zh", "")]
        assert counts == {"connection": 1, "unknown_run": 1, "found": 1}


def test_an_alert_names_the_exporter_to_ask() -> None:
    """Two exporters may each have a run of that name: the alert's instance decides."""
    with (
        answering(told(document(title="one"))) as (one, _),
        answering(told(document(title="two"))) as (two, _),
    ):
        some, _ = asking(one, two)
        found = some.story("x", two.removeprefix("http://"), Lang.EN)
        assert found.story is not None
        assert found.story.title == "two"


def test_many_exporters_are_asked_by_the_instance_of_the_alert() -> None:
    """http://{instance} stands for all; what is no address there is not asked."""
    with answering(told(STORY)) as (url, asked):
        some, _ = asking("http://{instance}", instances=[url.removeprefix("http://")])
        assert some.story("x", url.removeprefix("http://"), Lang.EN).story is not None
        for instance in ("", "evil/path", "user@host:1", "a b", "x:1/../y", "host:1?x"):
            assert some.story("x", instance, Lang.EN).story is None
        assert len(asked) == 1


def test_a_password_goes_to_the_exporter_alone() -> None:
    """And never where that one redirects to."""
    with answering(told(STORY)) as (stranger, strange):
        redirect = told({}, 302, Location=f"{stranger}/api/v1/run")
        with answering(redirect, told(STORY)) as (url, asked):
            some, counts = asking(url, auth=("ann", "secret"))
            assert some.story("x", "", Lang.EN).story is None
            assert asked[0][1] == "Basic YW5uOnNlY3JldA=="
            assert (strange, counts) == ([], {"redirect": 1})


@pytest.mark.parametrize(
    ("answer", "note", "counted"),
    [
        (told({"error": "no such run"}, 404), NOT_KNOWN, "unknown_run"),
        ((404, b"Not Found", {}), ALERT_ONLY, "unreadable"),
        ((200, b"<html>", {}), ALERT_ONLY, "unreadable"),
        ((200, b"[]", {}), ALERT_ONLY, "unreadable"),
        (told({"story": {}}), ALERT_ONLY, "unreadable"),
        (told({**STORY, "story": None}), ALERT_ONLY, "unreadable"),
        (told({"run": "of an older version", "findings": []}), ALERT_ONLY, "unreadable"),
        ((500, b"", {}), ALERT_ONLY, "unreadable"),
    ],
)
def test_an_answer_that_is_none(answer: tuple[int, bytes, dict[str, str]], note: Text, counted: str) -> None:
    """The card goes without the story, and says why."""
    with answering(answer) as (url, _):
        some, counts = asking(url)
        found = some.story("x", "", Lang.EN)
        assert (found.story, found.note, counts) == (None, note, {counted: 1})


def test_one_that_does_not_answer_is_not_asked_again_at_once() -> None:
    """In a storm not every card waits for it."""
    now = [0.0]
    counts: Counter[str] = Counter()
    url = f"http://127.0.0.1:{free_port()}"
    some = Exporters([ExporterAddress(url)], lambda result: counts.update([result]), lambda: now[0])
    for now[0] in (1.0, 2.0, 1.0 + exporters.SILENT_SECONDS):
        assert some.story("x", "", Lang.EN).story is None
    assert counts == {"connection": 2}


def test_proxies_are_for_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a company's proxy chats are reached through it, and the exporter next door without."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with answering(told(STORY)) as (url, _):
        assert asking(url)[0].story("x", "", Lang.EN).story is not None
        with pytest.raises(NoAnswerError) as error:
            client.ask(Call(url, b"{}"), HANGS_SECONDS, 1000)
        assert error.value.reason == "proxy"


def test_answers_are_bounded() -> None:
    """In size, whatever was promised."""
    with answering((200, b"x" * 100_000, {})) as (url, _):
        with pytest.raises(NoAnswerError) as error:
            client.ask(Call(f"{url}/secret-path"), HANGS_SECONDS, 1000)
        assert error.value.reason == "too_large"
        assert "secret-path" not in repr(error.value)


def test_nobody_gets_a_password_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An alert may name the host that is asked; what ~/.netrc holds for it, or for all, is not sent there."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password of-this-machine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with answering(told(STORY)) as (url, asked):
        some, _ = asking("http://{instance}", instances=[url.removeprefix("http://")])
        assert some.story("x", url.removeprefix("http://"), Lang.EN).story is not None
    assert [authorization for _, authorization in asked] == [""]


def test_a_redirect_is_not_read() -> None:
    """Nor followed; what it holds may have no end."""
    body = b"x" * 50_000_000
    with answering((302, body, {"Location": "http://127.0.0.1:1/"})) as (url, asked):
        tracemalloc.start()
        with pytest.raises(NoAnswerError) as error:
            client.ask(Call(url), HANGS_SECONDS, 1000)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (error.value.reason, len(asked), most < 10_000_000) == ("redirect", 1, True)


def test_an_answer_that_is_packed_twice_is_not_unpacked() -> None:
    """A few bytes of it are gigabytes."""
    packed = gzip.compress(gzip.compress(b"{}"))
    with answering((200, packed, {"Content-Encoding": "gzip, gzip"})) as (url, _):
        with pytest.raises(NoAnswerError) as error:
            client.ask(Call(url), HANGS_SECONDS, 1000)
        assert error.value.reason == "too_large"


def test_who_cannot_draw_now_draws_nothing() -> None:
    """Threads that were given up draw on; a card does not wait for them."""
    free = threading.BoundedSemaphore(1)
    asked: list[object] = []
    with free:
        assert drawn_if_free(free, STORY, lambda **_: asked.append("x")) is None
    assert not asked
    assert drawn_if_free(free, STORY, lambda **_: asked.append("x")) is None
    assert asked
    assert free.acquire(blocking=False)


def test_a_card_does_not_wait_for_slow_exporters(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: it says then what the alert says."""
    monkeypatch.setattr("llmtrain_exporter.notify.service.QUESTION_SECONDS", 0.1)
    let_go = threading.Event()
    telemetry = RelayTelemetry("test", ())
    some = Exporters([], telemetry.asked, lambda: 0.0)
    monkeypatch.setattr(some, "story", lambda *_: let_go.wait())
    sources = service._sources(some, ConfiguredRelay(RelaySettings()), telemetry)
    asked = anyio.run(sources.ask, "a", "", Lang.EN)
    let_go.set()
    assert (asked.story, asked.note) == (None, ALERT_ONLY)
    assert b'llmtrain_relay_exporter_requests_total{result="slow"} 1.0' in telemetry.render()


def test_a_chart_of_a_history_that_is_none_is_none() -> None:
    """Whatever the exporter says."""
    for history in (None, {}, {"steps": "x"}):
        assert drawn(STORY, lambda **_: history) is None  # noqa: B023
    assert drawn({}, lambda **_: {}) is None


def test_a_real_exporter_tells_the_story_and_the_values() -> None:
    """The bundled collapse, in Chinese, with its chart."""
    collapse = ROOT / "exporter" / "llmtrain_exporter" / "demo" / "collapse"
    with ExporterProcess([collapse, "--ignore-older", "never"]) as exporter, bot("wecom") as one:
        env = {
            **one.variables,
            "LLMTRAIN_RELAY_EXPORTERS": exporter.url,
            "LLMTRAIN_RELAY_LANG": "zh",
            "LLMTRAIN_RELAY_LINK_EXPORTER": "https://llm.example.org",
        }
        run = exporter.get("/api/v1/runs").json()["runs"][0]["run"]
        numbers = count()

        def picture() -> bytes | None:
            """Of the first incident, unless this machine is so busy that the relay gave that one up."""
            told = group(alert(run=run, instance=exporter.address), key=f"incident {next(numbers)}")
            assert relay.post(told).status_code == 200
            return next((message.picture for message in one.accepted if message.picture), None)

        with RelayProcess(env=env) as relay:
            drawn = eventually(picture)
        card = one.cards[-1]  # that of the picture: who gives up a picture may give up a story
        assert "policy 崩溃" in card.title
        assert "事故：始于第 7 步，第 32 步最严重，未恢复：KL (7) \u2192 " in card.text
        assert "`--beta 0.1`（现值 0.04）" in card.text
        assert f"(https://llm.example.org/run?run={run})" in card.text
        assert drawn
        assert drawn.startswith(b"\x89PNG")

"""Several bots of one group take turns, so that a storm gets through; and each bot's own way out."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.config import ConfigError
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.call import Call, Egress, NoAnswerError
from llmtrain_exporter.notify.chat.answers import RATE
from llmtrain_exporter.notify.chat.descriptor import Bot, Rate
from llmtrain_exporter.notify.client import ask
from llmtrain_exporter.notify.config.configure import configure
from llmtrain_exporter.notify.turns import Turns

from tests.bots import KINDS, bot
from tests.relaying import alert, group, relaying
from tests.servers import HANGS_SECONDS


def turns(count: int, *rates: Rate) -> Turns:
    """So many bots of these rates."""
    rule = CHATS["slack"].rule.model_validate({"name": "a", "kind": "slack", "url": "https://x.example"})
    return Turns([Bot(rule, Lang.EN, {"url": str(at)}) for at in range(count)], rates)


def test_the_next_that_has_a_token_is_taken() -> None:
    """One after another; the wait is that of whichever has one first."""
    some = turns(3, Rate(1, 60.0))
    taken = []
    for now in (0.0, 1.0, 2.0):
        assert some.take(now) == 0
        turn = some.taken()
        turn.bucket.done(now)
        taken.append(turn.bot.secrets["url"])
    assert taken == ["0", "1", "2"]
    assert (some.take(10.0), some.left(10.0)) == (50.0, 0)
    assert some.take(60.0) == 0
    assert some.taken().bot.secrets["url"] == "0"


def test_one_that_is_left_alone_is_passed_over() -> None:
    """Only where all are is nothing sent, and the reason told."""
    some = turns(2, Rate(5, 1.0))
    for now in (0.0, 0.1):
        assert some.closed(now) is None
        assert some.take(now) == 0
        turn = some.taken()
        turn.bucket.done(now)
        turn.pause.begin(RATE, now)
    assert some.closed(0.2) is RATE
    assert some.take(0.2) > 1e9


@pytest.mark.parametrize("kind", ["dingtalk", "feishu", "wecom", "slack", "discord"])
def test_a_storm_past_the_rate_of_one_goes_to_the_others(kind: str) -> None:
    """Within the rate of each: nothing is held back that two can tell, and no bot is blocked."""
    cards = CHATS[kind].rates[-1].count * 2
    with KINDS[kind]() as one, KINDS[kind]() as other:
        rules: dict[str, Any] = {kind: {"in_turn": [other.settings]}}
        with relaying([one], **rules) as site:
            other.clock = site.clock.time
            answers = [site.post(group(alert(run=f"r{at}"))).status_code for at in range(cards)]
        assert answers == [200] * cards
        assert (one.refused, other.refused) == ([], [])
        assert len(one.cards) + len(other.cards) == cards
        assert min(len(one.cards), len(other.cards)) >= cards // 2 - 1


def test_one_that_refuses_does_not_hold_the_other() -> None:
    """The card comes again at once and goes there; once, and nothing waits for a person."""
    with KINDS["feishu"]() as one, KINDS["feishu"]() as other:
        one.fail("refuse")
        with relaying([one], feishu={"in_turn": [other.settings]}) as site:
            other.clock = site.clock.time
            assert site.post(group(alert())).status_code == 503
            assert site.post(group(alert())).status_code == 200
            assert site.post(group(alert())).status_code == 200
            assert site.post(group(alert(run="b"))).status_code == 200
        assert (len(one.cards), len(other.cards), len(one.refused)) == (0, 2, 1)


@pytest.mark.parametrize(
    ("in_turn", "problem"),
    [
        ("[{url: TOPSECRET}]", "bots[0].in_turn[0].url: is no web address"),
        ("[{}]", "bots[0].in_turn[0]: must have one of url, url_file, url_env"),
        ("[TOPSECRET]", "bots[0].in_turn[0]: must be a mapping"),
        ("TOPSECRET", "bots[0].in_turn: must be a list"),
        ("[{url: 'https://x', name: b}]", "bots[0].in_turn[0].name: unknown key"),
        ("[" + "{url: 'https://TOPSECRET'}," * 500 + "]", "bots[0].in_turn: "),
        ("[{url_env: NO_SUCH}]", "bots[0].in_turn[0].url_env: the environment variable NO_SUCH is not set"),
    ],
)
def test_what_is_wrong_with_the_others_is_told(in_turn: str, problem: str, tmp_path: Path) -> None:
    """With its place, and without a secret."""
    path = tmp_path / "relay.yml"
    path.write_text(f"bots: [{{name: a, kind: slack, url: 'https://x', in_turn: {in_turn}}}]")
    with pytest.raises(ConfigError) as error:
        configure({}, {}, str(path))
    assert problem in str(error.value)
    assert "TOPSECRET" not in str(error.value)


# The way out.


@contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """A server that says ok; its port, and the request lines that came."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_POST = do_GET  # noqa: N815  # its name there

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_private_authority_is_one_bots_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose certificate nobody else vouches for is not spoken to; with ca_file, or the variable, it is."""
    openssl = shutil.which("openssl") or pytest.skip("needs openssl, which makes the certificate")
    request = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "ca.pem"]
    subprocess.run([*request, *names], cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "")  # as compose passes it where nothing is set
    with listening(tls) as (port, asked):
        call = Call(f"https://127.0.0.1:{port}/x", b"{}")
        for egress in (Egress(), Egress(ca_file="")):
            with pytest.raises(NoAnswerError, match="tls"):
                ask(call, HANGS_SECONDS, 100, egress=egress)
        assert asked == []
        egress = Egress(ca_file=str(tmp_path / "ca.pem"))
        assert ask(call, HANGS_SECONDS, 100, egress=egress).body == b"ok"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        assert ask(call, HANGS_SECONDS, 100).body == b"ok"


def test_a_bots_own_proxy_goes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """And holds for it alone; without one the environment's is taken, and NO_PROXY passes it over."""
    for name in ("http_proxy", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with listening() as (own, at_own), listening() as (usual, at_usual), listening() as (chat, at_chat):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{usual}")
        url = f"http://127.0.0.1:{chat}/x"
        ask(Call(url, b"{}"), HANGS_SECONDS, 100, egress=Egress(f"http://127.0.0.1:{own}"))
        ask(Call(url, b"{}"), HANGS_SECONDS, 100)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        ask(Call(url, b"{}"), HANGS_SECONDS, 100)
        assert (at_own, at_usual, at_chat) == ([url], [url], ["/x"])


def test_the_settings_of_a_bot_are_its_way_out(tmp_path: Path) -> None:
    """From the file and from variables alike, as the running relay has them."""
    with bot("slack") as one:
        path = tmp_path / "relay.yml"
        path.write_text(json.dumps({"bots": [one.rule(proxy="http://proxy.example:3128/")]}))
        assert configure({}, {}, str(path)).bots[0].rule.proxy == "http://proxy.example:3128"
        environ = {**one.variables, "LLMTRAIN_RELAY_SLACK_PROXY": "http://p.example:1"}
        assert configure({}, environ, None).bots[0].rule.proxy == "http://p.example:1"

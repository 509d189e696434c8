"""Under which names a server answers."""

from __future__ import annotations

import pytest
from llmtrain_exporter.config import ConfigError, Settings, configure
from llmtrain_exporter.config.settings import EXPORTER
from llmtrain_exporter.notify.config.configure import configure as configure_relay
from llmtrain_exporter.web.hosts import KnownHosts, host_of

from tests.relaying import RelayProcess
from tests.serving import Site, running

LOOPBACK = KnownHosts("127.0.0.1")
NAMED = KnownHosts("127.0.0.1", ("llm.example.org", "*.lab.example"))
OUTWARD = KnownHosts("0.0.0.0", ("exporter",))


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:9848", "localhost"),
        ("llm.example.org.", "llm.example.org"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:9848", "::1"),
        ("[::FFFF:127.0.0.1]", "::ffff:127.0.0.1"),
        (" a ", "a"),
        ("", ""),
        (":9848", ""),
        ("a:b", ""),
        ("a:123456", ""),
        ("::1", ""),
        ("[::1", ""),
        ("user@a", ""),
        ("a b", ""),
        ("a/b", ""),
    ],
)
def test_the_name_in_a_header(header: str, host: str) -> None:
    """Without its port, lower case; what is none is no name."""
    assert host_of(header) == host


@pytest.mark.parametrize(
    ("hosts", "host", "local", "known"),
    [
        (LOOPBACK, "localhost", "127.0.0.1", True),
        (LOOPBACK, "127.0.0.1", "127.0.0.1", True),
        (LOOPBACK, "::1", "127.0.0.1", True),
        (LOOPBACK, "evil.example", "127.0.0.1", False),
        (LOOPBACK, "localhost.evil.example", "127.0.0.1", False),
        (LOOPBACK, "192.0.2.1", "127.0.0.1", False),
        (KnownHosts("::1"), "::1", "::1", True),
        (KnownHosts("::1"), "evil.example", "::1", False),
        (NAMED, "llm.example.org", "127.0.0.1", True),
        (NAMED, "a.b.lab.example", "127.0.0.1", True),
        (NAMED, "lab.example", "127.0.0.1", False),
        (NAMED, "evillab.example", "127.0.0.1", False),
        (OUTWARD, "exporter", "172.18.0.2", True),
        (OUTWARD, "172.18.0.2", "172.18.0.2", True),
        (OUTWARD, "172.18.0.2", "::ffff:172.18.0.2", True),
        (OUTWARD, "172.18.0.3", "172.18.0.2", False),
        (OUTWARD, "localhost", "172.18.0.2", False),
        (OUTWARD, "127.0.0.1", "127.0.0.1", True),
        (KnownHosts("Node7", ("x",)), "node7", "10.0.0.7", True),
        (KnownHosts("127.0.0.1", ("*",)), "evil.example", "127.0.0.1", True),
    ],
)
def test_which_names_are_known(hosts: KnownHosts, host: str, local: str, known: bool) -> None:
    """The address it was reached at, the one it listens on, and what is listed."""
    assert hosts.know(host, local) is known


@pytest.mark.parametrize(
    ("listen", "checked"),
    [
        ("127.0.0.1", True),
        ("127.0.0.53", True),
        ("localhost", True),
        ("::1", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.7", False),
        ("node7", False),
    ],
)
def test_where_names_matter(listen: str, checked: bool) -> None:
    """On loopback; elsewhere with a list only: a container is called as its project likes."""
    assert KnownHosts(listen).checked is checked
    assert KnownHosts(listen, ("a",)).checked


def test_a_strangers_name_is_refused() -> None:
    """With the way to allow it; whoever asks for the real one is answered."""
    with running(Site(hosts=NAMED)) as site:
        port = site.server.url.rpartition(":")[2]
        for host in (
            f"127.0.0.1:{port}",
            "LOCALHOST",
            f"[::1]:{port}",
            "llm.example.org",
            "x.lab.example:80",
        ):
            assert site.get("/metrics", headers={"Host": host}).status_code == 200
        for path in ("/", "/metrics", "/api/v1/runs", "/-/healthy"):
            refused = site.get(path, headers={"Host": "Evil.Example:9848"})
            assert refused.status_code == 421
            assert refused.text.startswith('"Evil.Example:9848" is no name of this server.')
            assert "--allowed-host" in refused.text
            assert "allowed_hosts" in refused.text
            assert refused.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200"),  # as the image looks whether it is healthy
        (b"GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", b"200"),
    ],
)
def test_a_request_without_a_name(request_text: bytes, status: bytes) -> None:
    """An empty or odd one names no server; where there need not be any, no other one is meant."""
    with running(Site(hosts=LOOPBACK)) as site:
        assert site.ask(request_text).split()[1] == status


def test_a_name_that_is_long_or_odd_is_shown_shortly() -> None:
    """What comes back is text, and not much of it."""
    with running(Site(hosts=LOOPBACK)) as site:
        answer = site.ask(b"GET / HTTP/1.0\r\nHost: <b>\xff" + b"x" * 5000 + b"\r\n\r\n")
        assert answer.split()[1] == b"421"
        assert len(answer) < 1000
        assert b"content-type: text/plain" in answer


def test_the_names_that_settings_hold() -> None:
    """As flags, in the environment and in a file: lower case, addresses without brackets."""
    chosen = configure(EXPORTER, {"allowed_hosts": ("LLM.example.org", "[::1]")}, {}, None).settings
    assert chosen.allowed_hosts == ("llm.example.org", "::1")
    variables = {"LLMTRAIN_RELAY_ALLOWED_HOSTS": "relay, *.lab.example"}
    assert configure_relay({}, variables, None).settings.allowed_hosts == ("relay", "*.lab.example")
    assert Settings().allowed_hosts == ()


@pytest.mark.parametrize("name", ["http://a", "a:80", "a b", "", "*a", "a.*"])
def test_what_is_no_name(name: str) -> None:
    """Told with an example."""
    with pytest.raises(ConfigError, match=r"--allowed-host: .*must be a name or an address without port"):
        configure(EXPORTER, {"allowed_hosts": (name,)}, {}, None)


def test_the_relay_answers_its_own_name_alone() -> None:
    """It listens on loopback, unless told otherwise."""
    with RelayProcess(["--allowed-host", "relay.example"]) as relay:
        for host, status in (("relay.example", 200), ("127.0.0.1:1", 200), ("evil.example", 421)):
            assert relay.get("/-/healthy", {"Host": host}).status_code == status

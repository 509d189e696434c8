"""What strangers, and those who only post alerts, cannot do: post, lead people away, name hosts to ask."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify import service
from llmtrain_exporter.notify.config.configure import ExporterAddress, configure
from llmtrain_exporter.notify.config.settings import LinkRule, RelaySettings
from llmtrain_exporter.notify.exporters import Exporters
from llmtrain_exporter.notify.links import links, silence_link
from llmtrain_exporter.web.hosts import is_loopback
from llmtrain_exporter.web.users import Users
from llmtrain_exporter.web.web_config import WebConfig

from tests.bots import bot
from tests.relaying import RelayProcess, alert, group, post, relaying
from tests.servers import HANGS_SECONDS
from tests.test_relay_http import HASH

TOKEN = "0123456789abcdef0123456789abcdef"
PUBLIC = LinkRule(
    exporter="https://llm.example.org",
    grafana="https://grafana.example.org/training",
    alertmanager="https://am.example.org",
)


# Who may post.


@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer  {TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \xe9",
        "Bearer " + "x" * 10_000,
    ],
)
def test_who_does_not_show_the_token_posts_nothing(shown: str | None) -> None:
    """401 before the body is read, counted; nobody is told the token."""
    with bot("feishu") as one, relaying([one], token=TOKEN) as site:
        headers = {} if shown is None else {"Authorization": shown.encode("latin-1")}
        answer = post(f"{site.url}/alerts", group(alert()), headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert TOKEN not in answer.text
        assert site.metrics()['llmtrain_relay_invalid_webhooks_total{reason="token"}'] == 1
        assert not one.accepted


@pytest.mark.parametrize("path", ["/alerts", "/alerts/feishu"])
def test_who_shows_the_token_posts(path: str) -> None:
    """To all bots or to one; a scrape and the probes need none."""
    with bot("feishu") as one, relaying([one], token=TOKEN) as site:
        answer = post(site.url + path, group(alert()), headers={"Authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, len(one.accepted)) == (200, 1)
        for open_path in ("/metrics", "/-/healthy", "/-/ready", "/"):
            assert requests.get(site.url + open_path, timeout=HANGS_SECONDS).status_code == 200


def test_the_token_is_read_from_its_file(tmp_path: Path) -> None:
    """As compose and Kubernetes mount it, with a newline at its end; the log does not have it."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with RelayProcess(env={"LLMTRAIN_RELAY_WEBHOOK_TOKEN_FILE": str(tmp_path / "token")}) as relay:
        assert relay.post(group(alert())).status_code == 401
        shown = {"Authorization": f"Bearer {TOKEN}"}
        assert post(f"{relay.url}/alerts", group(alert()), headers=shown).status_code == 200
    assert TOKEN not in repr(configure({}, {"LLMTRAIN_RELAY_WEBHOOK_TOKEN": TOKEN}, None))


def test_users_of_the_web_configuration_go_before_the_token() -> None:
    """A request has room for one authorization: where there are users, it is theirs."""
    with relaying([], users=Users({"ann": HASH})) as site:
        assert post(f"{site.url}/alerts", group(alert()), auth=("ann", "secret")).status_code == 200


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("gpu-01", False),
    ],
)
def test_it_is_known_who_can_reach_an_address(host: str, alone: bool) -> None:
    """A relay that others reach without a token warns of it."""
    assert is_loopback(host) is alone


# Where a card leads.

STRANGE = (
    "javascript:alert(1)",
    "https://evil.example/run?run=a",
    "https://evil.example/x",
    "http://llm.example.org/x",  # another scheme
    "https://llm.example.org:444/x",
    "https://llm.example.org.evil.example/x",
    "https://llm.example.org@evil.example/x",
    "https://llm.example.org\\@evil.example/x",
    "//evil.example/x",
    "https://evil.example/?x=https://llm.example.org/",
    "https://[::1/x",
    "https://llm.example.org:99999/x",
    "https://x/\r\nhttps://llm.example.org/",
    "https://llm.example.org/" + "a" * 5000,
    "",
)


@pytest.mark.parametrize("url", STRANGE)
def test_links_of_strangers_are_dropped(url: str) -> None:
    """Whatever an annotation, or an alert of Grafana, calls an address."""
    for key in ("dashboard_url", "runbook_url", "silence_url"):
        assert [link for link in links({key: url}, "", PUBLIC, Lang.EN) if "evil" in link.url] == []
        assert not links({key: url.replace("/run?", "/x?")}, "", PUBLIC, Lang.EN)


def test_other_pages_of_public_addresses_stay() -> None:
    """The same scheme, host and port, below whichever of them."""
    for url in (
        "https://llm.example.org/else#x",
        "https://LLM.example.org:443/else",
        "https://grafana.example.org/x",
    ):
        assert [link.url for link in links({"runbook_url": url}, "", PUBLIC, Lang.EN)] == [url]


@given(st.text(max_size=80), st.sampled_from(["run_url", "dashboard_url", "runbook_url", "silence_url"]))
def test_no_text_leads_elsewhere(text: str, key: str) -> None:
    """Not in whole, nor behind or before a public address."""
    for url in (text, f"https://llm.example.org{text}", f"{text}/run?run=a", f"https://{text}/d/x"):
        for link in links({key: url}, "a", PUBLIC, Lang.EN):
            assert link.url.startswith(("https://llm.example.org", "https://grafana.example.org"))
            assert "@" not in link.url.split("/")[2]
            assert link.url.split("/")[2].lower() in ("llm.example.org", "grafana.example.org") or any(
                link.url.startswith(f"{base}{end}")
                for base in ("https://llm.example.org", "https://grafana.example.org")
                for end in ("?", "#", ":443")
            )


# Silences.


def silenced(*alerts: dict[str, str], public: LinkRule = PUBLIC) -> list[str]:
    """The filters of the silence links of alerts with these labels."""
    found = silence_link(alerts, public, Lang.EN)
    start = "https://am.example.org/#/silences/new?filter="
    assert all(link.url.startswith(start) for link in found)
    return [unquote(link.url.removeprefix(start)) for link in found]


def test_a_silence_is_of_what_all_alerts_have_in_common() -> None:
    """A run with several alerts is silenced as a whole; only where Alertmanager has a public address."""
    one = {"alertname": "A", "job": "llmtrain", "instance": "e:9848", "run": "math/a", "severity": "critical"}
    assert silenced(one) == ['{alertname="A", job="llmtrain", instance="e:9848", run="math/a"}']
    assert silenced(one, {**one, "alertname": "B"}) == ['{job="llmtrain", instance="e:9848", run="math/a"}']
    assert silenced(one, {"alertname": "B"}) == []
    assert silenced(one, public=LinkRule()) == []
    assert silenced() == []


@pytest.mark.parametrize(
    ("run", "quoted"),
    [
        ('a"}, b="c', '{run="a\\"}, b=\\"c"}'),
        ("a\\", '{run="a\\\\"}'),
        ("a\nb", '{run="a\\nb"}'),
        ("a&filter=b#c", '{run="a&filter=b#c"}'),
        ("训练 1", '{run="训练 1"}'),
    ],
)
def test_a_label_does_not_leave_its_quotes(run: str, quoted: str) -> None:
    """Whoever names a run does not choose what else is silenced, nor where the link goes."""
    assert silenced({"run": run}) == [quoted]
    [link] = silence_link([{"run": run}], PUBLIC, Lang.EN)
    assert not set(link.url.partition("filter=")[2]) & set('"{}&# \n')


def test_a_silence_that_fits_no_card_is_left_out() -> None:
    """Cut in half it would silence something else."""
    assert silenced({"run": "a" * 5000}) == []


# Whom the relay asks.


@pytest.mark.parametrize(
    "instance",
    [
        "evil.example:80",
        "gpu-1.evil.example:9848",
        "gpu-1",
        "gpu-1:9849",
        "gpu-1:98480",
        "xgpu-1:9848",
        "gpu-1:9848/../x",
        "gpu-1:9848\n",
        "user@gpu-1:9848",
        "gpu-\u0661:9848",
        "169.254.169.254",
        "-" * 100_000,
        "gpu-" + "a" * 100_000,
    ],
)
def test_an_alert_names_no_host_of_its_own(instance: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """{instance} stands for what the settings list, and for nothing else that an alert says."""
    asked: list[str] = []
    monkeypatch.setattr("llmtrain_exporter.notify.exporters.ask", lambda call, *_: asked.append(call.url))
    for known in ((), ("gpu-*:9848", "10.0.0.*:9848")):
        some = Exporters([ExporterAddress("http://{instance}")], lambda _: None, lambda: 0.0, known)
        assert some.story("a", instance, Lang.EN).story is None
    assert not asked


def test_what_no_instance_can_fill_is_said(tmp_path: Path) -> None:
    """An operator whose cards lack their stories after an update reads why."""
    path = tmp_path / "relay.yml"
    for instances, warned in (([], True), (["gpu-01:9848"], False)):
        path.write_text(json.dumps({"exporters": ["http://{instance}"], "instances": instances}))
        [*warnings] = configure({}, {}, str(path)).warnings
        assert any("http://{instance} is never asked" in warning for warning in warnings) is warned
    environ = {"LLMTRAIN_RELAY_EXPORTERS": "http://{instance}", "LLMTRAIN_RELAY_INSTANCES": "a:1, b:2"}
    assert configure({}, environ, None).settings.instances == ("a:1", "b:2")


@pytest.mark.parametrize(
    ("listen", "token", "users", "warned"),
    [
        ("0.0.0.0:9849", None, None, True),
        (":9849", None, None, True),
        ("127.0.0.1:9849", None, None, False),
        ("0.0.0.0:9849", TOKEN, None, False),
        ("0.0.0.0:9849", None, Users({"ann": HASH}), False),
    ],
)
def test_a_relay_that_anybody_reaches_says_so(
    listen: str, token: str | None, users: Users | None, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """With what to set, and where Alertmanager needs the same."""
    service._warn_of_strangers(RelaySettings(listen=listen), WebConfig(users=users), token)
    assert ("can post cards: set webhook.token_file" in caplog.text) is warned

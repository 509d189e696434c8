"""The relay's HTTP side: whatever is posted, it answers with a reason, counts it, and goes on."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llmtrain_exporter.notify.http import MOST_BYTES
from llmtrain_exporter.notify.webhook import WebhookError, parse
from llmtrain_exporter.story.blocks import lines_in, plain
from llmtrain_exporter.web.users import Users

from tests.bots import bot
from tests.relaying import Site, alert, group, post, relaying
from tests.servers import HANGS_SECONDS, eventually

HASH = "$2b$04$.OBnyyDTidXMhRjvQeIRVuQlGQM.rolfQ50hvlGhoyYrkFenMwtnS"  # of "secret"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A relay without a bot, which shows its cards."""
    with relaying([]) as running:
        yield running


def without(key: str) -> dict[str, Any]:
    """A notification that lacks something."""
    return {name: value for name, value in group(alert()).items() if name != key}


HOSTILE: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "the body: is no JSON"),
    "no JSON": (b"{'version': 4}", "the body: is no JSON"),
    "half of it": (json.dumps(group(alert())).encode()[:-9], "the body: is no JSON"),
    "no object": ([], "the body: must be an object"),
    "null": (None, "the body: must be an object"),
    "deep": (b"[" * 100_000, "the body: is no JSON"),
    "no UTF-8": (b'{"version": "\xff"}', "the body: is no JSON"),
    "half a character": (b'{"version": "\\ud800"}', "the body: is no JSON"),
    "another version": (group(alert(), version="3"), "version: Input should be '4'"),
    "no key": (without("groupKey"), "groupKey: is missing"),
    "no alerts": (group(alert()) | {"alerts": []}, "alerts: "),
    "alerts that are none": (group(alert()) | {"alerts": {"a": 1}}, "alerts: "),
    "a status of its own": (group(alert() | {"status": "maybe"}), "alerts.0.status: "),
    "labels that are no texts": (group(alert() | {"labels": {"run": 1}}), "alerts.0.labels.run: "),
    "labels that are a list": (
        group(alert()) | {"alerts": [{**alert(), "labels": ["run"]}]},
        "alerts.0.labels: ",
    ),
    "no time": (group(alert() | {"startsAt": "soon"}), "alerts.0.startsAt: "),
    "a time of nowhere": (group(alert() | {"startsAt": "2026-01-01T00:00:00"}), "alerts.0.startsAt: "),
    "a number without end": (b'{"version": "4", "truncatedAlerts": ' + b"9" * 10_000 + b"}", ""),
}


@pytest.mark.parametrize(("body", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_is_no_webhook_is_refused_with_a_reason(body: Any, told: str, site: Site) -> None:
    """400, what is wrong and where; the next request finds the relay as before."""
    before = site.metrics().get('llmtrain_relay_invalid_webhooks_total{reason="invalid"}', 0.0)
    answer = site.post(body)
    assert (answer.status_code, answer.text.startswith(told)) == (400, True), answer.text
    assert len(answer.text) < 500
    assert site.metrics()['llmtrain_relay_invalid_webhooks_total{reason="invalid"}'] == before + 1
    assert site.post(group(alert())).status_code == 200


def from_grafana(**changes: Any) -> dict[str, Any]:
    """What Grafana's own alerting posts, as its documentation shows it."""
    body = {
        "receiver": "relay",
        "status": "firing",
        "orgId": 1,
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "KL too high", "grafana_folder": "training", "run": "math/a"},
                "annotations": {"summary": "KL is too high."},
                "startsAt": "2026-01-31T12:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "values": {"B": 44.23943737541908, "C": None},
                "valueString": "[ metric='kl' labels={} value=44.2 ]",
                "generatorURL": "https://evil.example/alerting/grafana/x/view",
                "fingerprint": "a8a5e5e5e5e5e5e5",
                "silenceURL": "http://grafana:3000/alerting/silence/new?alertmanager=grafana&matcher=run%3Da",
                "dashboardURL": "http://grafana:3000/d/llmtrain-grpo?orgId=1",
                "panelURL": "http://grafana:3000/d/llmtrain-grpo?orgId=1&viewPanel=2",
                "imageURL": "https://evil.example/x.png",
            }
        ],
        "groupLabels": {"run": "math/a"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://grafana:3000/",
        "version": "1",
        "truncatedAlerts": 0,
        "title": "[FIRING:1] KL too high",
        "state": "alerting",
        "message": "**Firing**",
    }
    return {**body, **changes}


def test_grafanas_own_webhook_is_taken() -> None:
    """Version 1: the card has the alert, and Grafana's links below the public address."""
    links = {"grafana": "https://grafana.example.org"}
    with bot("feishu") as one, relaying([one], links=links) as site:
        assert site.post(from_grafana()).status_code == 200
        assert site.post(from_grafana()).status_code == 200  # again, as it does every few hours
        [card] = one.accepted
        assert "KL is too high: math/a" in card.title
        assert "https://grafana.example.org/d/llmtrain-grpo" in card.text
        assert "https://grafana.example.org/alerting/silence/new" in card.text
        assert "evil" not in card.text
        over = from_grafana(status="resolved", state="ok")
        over["alerts"][0] |= {"status": "resolved", "endsAt": "2026-01-31T12:05:00Z"}
        assert site.post(over).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"orgId": [[]]},
        {"groupLabels": {"a": None}},
        {"groupLabels": "x" * 100_000},
        {"groupKey": ""},
        {"groupKey": None},
        {"receiver": {"a": [1e300, True]}},
    ],
)
def test_a_group_of_grafana_is_known_by_what_it_names(changes: dict[str, Any]) -> None:
    """Its organisation, contact point and labels, whatever stands there."""
    key = parse(json.dumps(from_grafana(**changes)).encode()).group_key
    assert key == parse(json.dumps(from_grafana(**changes)).encode()).group_key
    assert key.startswith("grafana ")
    assert len(key) < 100
    assert parse(json.dumps(from_grafana(groupKey="mine")).encode()).group_key == "mine"


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    """It reads a notification, or says what is wrong without quoting it."""
    with pytest.raises(WebhookError):
        parse(body)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
_TEXTS = st.dictionaries(
    st.sampled_from(
        ["run", "alertname", "severity", "signal", "instance", "summary", "description", "advice"]
    )
    | st.text(max_size=10),
    st.text(max_size=300),
    max_size=8,
)


@given(key=st.sampled_from(sorted(group(alert()))), value=_ANYTHING, deep=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_in_any_place_breaks_the_relay(site: Site, key: str, value: Any, deep: bool) -> None:
    """A notification with anything anywhere is taken or refused."""
    body = group(alert())
    if deep:
        body["alerts"][0][key if key in body["alerts"][0] else "labels"] = value
    else:
        body[key] = value
    assert site.post(json.dumps(body).encode()).status_code in (200, 400)


@given(labels=_TEXTS, annotations=_TEXTS, firing=st.booleans(), count=st.sampled_from([1, 2, 30]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_labels_and_annotations_make_a_card(
    site: Site, labels: dict[str, str], annotations: dict[str, str], firing: bool, count: int
) -> None:
    """Names and texts of strangers, whatever they are: one card, in which nothing steers a terminal."""
    site.shown.clear()
    told = alert(firing=firing) | {"labels": labels, "annotations": annotations}
    body = group(*[told] * count)
    assert site.post(body).status_code == 200
    (card,) = site.shown
    blocks = [block for section in card.sections for block in section.blocks]
    texts = [plain((piece,)) for line in lines_in(blocks) for piece in line]
    assert all(not set("\n\r\x00\x1b\u202e") & set(text) for text in [card.title, *texts])
    assert len(card.title) < 300


def test_giant_alerts_still_make_a_card() -> None:
    """A group as large as is taken: thousands of alerts, texts of megabytes."""
    many = group(*(alert(run=f"run {at}") for at in range(5000)))
    long = group(alert(annotations={"description": "训练" * 400_000, "summary": "x" * 500_000}))
    with bot("wecom") as one, relaying([one]) as site:
        for body in (many, long):
            assert len(json.dumps(body, ensure_ascii=False).encode()) < MOST_BYTES
            answer = post(f"{site.url}/alerts", json.dumps(body, ensure_ascii=False).encode())
            assert answer.status_code == 200, answer.text
        assert "and 4990 more" in one.cards[0].text
        assert all(message.size <= 4096 for message in one.cards)


def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    """No more of it is read than is allowed, and the answer says what to set."""
    answer = site.post(b" " * (MOST_BYTES + 1))
    assert answer.status_code == 413
    assert "max_alerts" in answer.text


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    """Who promises more than is sent does not hold a place for ever."""
    monkeypatch.setattr("llmtrain_exporter.notify.http.BODY_SECONDS", 0.2)
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"POST /alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        slow.settimeout(HANGS_SECONDS)
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_leaves_is_counted(site: Site) -> None:
    """It gets no answer, and the relay no traceback."""
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as gone:
        gone.sendall(b"POST /alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    counted = 'llmtrain_relay_invalid_webhooks_total{reason="disconnected"}'
    assert eventually(lambda: site.metrics().get(counted)) == 1


def test_bodies_at_a_time_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them together, too; what one had is there again for the next."""
    monkeypatch.setattr("llmtrain_exporter.notify.http.MOST_HELD_BYTES", 5000)
    with relaying([]) as site:
        for _ in range(10):
            assert site.post(group(alert())).status_code == 200
        assert site.post(b" " * 6000).status_code == 503
        assert site.post(group(alert())).status_code == 200
        assert site.metrics()['llmtrain_relay_invalid_webhooks_total{reason="too_many"}'] == 1


def test_too_many_at_a_time_are_asked_to_come_again(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    """The memory stays bounded; Alertmanager tries again."""
    monkeypatch.setattr("llmtrain_exporter.notify.http.MOST_UNDER_WAY", 0)
    assert site.post(group(alert())).status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/-/healthy", 200),
        ("GET", "/-/ready", 200),
        ("GET", "/alerts", 405),
        ("PUT", "/alerts", 405),
        ("POST", "/", 405),
        ("GET", "/alerts/x", 405),
        ("GET", "/no/such", 404),
        ("POST", "/alerts/a/b", 404),
    ],
)
def test_what_is_answered_where(method: str, path: str, status: int, site: Site) -> None:
    """Probes and one line for people; no other method, no other place."""
    answer = requests.request(method, site.url + path, timeout=HANGS_SECONDS)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_passwords_protect_everything() -> None:
    """With basic_auth_users nobody posts or looks without one."""
    with relaying([], users=Users({"ann": HASH}), headers={"X-Frame-Options": "deny"}) as site:
        for path in ("/", "/metrics", "/-/healthy"):
            assert requests.get(site.url + path, timeout=HANGS_SECONDS).status_code == 401
        assert site.post(group(alert())).status_code == 401
        answer = post(f"{site.url}/alerts", group(alert()), auth=("ann", "secret"))
        assert (answer.status_code, answer.headers["x-frame-options"]) == (200, "deny")


def test_its_metrics_are_what_promtool_wants(real_tool: Callable[[str], Path]) -> None:
    """No findings; every bot's series are there from the beginning."""
    with bot("slack") as one, relaying([one]) as site:
        text = requests.get(f"{site.url}/metrics", timeout=HANGS_SECONDS).text
        assert 'llmtrain_relay_cards_total{bot="slack",result="sent"} 0.0' in text
        assert 'llmtrain_relay_tokens{bot="slack"} 1.0' in text
        assert "_created" not in text
    checked = subprocess.run(
        [real_tool("promtool"), "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout + checked.stderr

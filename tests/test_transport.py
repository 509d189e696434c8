"""A request as a server gets it, and what becomes of servers that do not answer as they should."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.config.remote_write import RemoteWriteRule
from llmtrain_exporter.push.answers import RemoteAnswer
from llmtrain_exporter.push.snappy import literal
from llmtrain_exporter.push.transport import Transport
from llmtrain_exporter.push.write_request import RequestEncoder

from tests.certificates import certify
from tests.receiving import Failure, Receiver, SecureReceiver
from tests.sent_records import log
from tests.servers import HANGS_SECONDS, free_port

BODY = literal(RequestEncoder({}).encode(log(2)))


def post(url: str, environ: Mapping[str, str] | None = None, /, **more: Any) -> RemoteAnswer:
    """The answer to one request. `more`: keys of the rule."""
    rule = RemoteWriteRule.model_validate({"url": url, **more})
    transport = Transport(rule, environ or {}, "1.2")
    try:
        return transport.post(BODY)
    finally:
        transport.close()


def test_a_request_is_what_the_protocol_says() -> None:
    """Its headers, its path with what stands behind it, its samples."""
    with Receiver() as receiver:
        assert post(f"{receiver.url}?a=b").status == 204
    (request,) = receiver.requests
    assert request.path == "/api/v1/write?a=b"
    assert request.headers["Content-Type"] == "application/x-protobuf"
    assert request.headers["Content-Encoding"] == "snappy"
    assert request.headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
    assert request.headers["User-Agent"] == "llmtrain-exporter/1.2"
    assert "Authorization" not in request.headers
    assert len(request.samples) == 4


def test_who_asks_is_told_as_the_settings_say(tmp_path: Path) -> None:
    """User and password, a token, headers for tenants; in the settings, in a file, in the environment."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    ways: list[tuple[dict[str, object], str, str]] = [
        ({"basic_auth": {"username": "u", "password": "p:q"}}, "Authorization", "Basic dTpwOnE="),
        (
            {"basic_auth": {"username": "u", "password_file": str(secret)}},
            "Authorization",
            "Basic dTpzM2NyZXQ=",
        ),
        ({"bearer_token": "t"}, "Authorization", "Bearer t"),
        ({"bearer_token_file": str(secret)}, "Authorization", "Bearer s3cret"),
        ({"bearer_token_env": "TOKEN"}, "Authorization", "Bearer fr0m"),
        ({"authorization": {"credentials_env": "TOKEN"}}, "Authorization", "Bearer fr0m"),
        ({"authorization": {"type": "Key", "credentials": "c"}}, "Authorization", "Key c"),
        ({"headers": {"X-Scope-OrgID": "team"}}, "X-Scope-OrgID", "team"),
        ({"headers": {"X-Key": {"value_file": str(secret)}}}, "X-Key", "s3cret"),
        ({"headers": {"X-Key": {"value_env": "TOKEN"}}}, "X-Key", "fr0m"),
    ]
    with Receiver() as receiver:
        for keys, header, value in ways:
            assert post(receiver.url, {"TOKEN": "fr0m"}, **keys).status == 204
            assert receiver.requests[-1].headers[header] == value


@pytest.mark.parametrize(
    "keys",
    [
        {"bearer_token_env": "TOKEN"},
        {"bearer_token_file": "/does/not/exist"},
        {"bearer_token": "two\nlines"},
        {"headers": {"X-Key": "caf\u00e9"}},
        {"basic_auth": {"username": "u", "password_env": "TOKEN"}},
    ],
)
def test_a_secret_that_is_not_to_be_had_is_told_and_not_quoted(keys: dict[str, object]) -> None:
    """Nothing is sent without it."""
    with Receiver() as receiver:
        answer = post(receiver.url, {}, **keys)
    assert (answer.status, answer.trouble) == (0, "settings")
    assert "two" not in answer.body
    assert receiver.requests == []


def test_a_connection_stays() -> None:
    """Many requests on one; and where it was closed meanwhile, one more."""
    with Receiver() as receiver:
        transport = Transport(RemoteWriteRule(url=receiver.url), {}, "0")
        assert [transport.post(BODY).status for _ in range(3)] == [204] * 3
        connections = {request.client for request in receiver.requests}
        assert len(connections) == 1
        receiver.failures.append(Failure(cut=True))
        assert transport.post(BODY).status == 204
        assert len({request.client for request in receiver.requests}) == 2
        transport.close()


def test_what_a_server_says_is_told() -> None:
    """Its status, the beginning of its body, when to come again; its address is not followed."""
    with Receiver() as receiver:
        receiver.failures.append(Failure(429, "slow down " * 1000, {"Retry-After": "3"}))
        answer = post(receiver.url)
        assert (answer.status, answer.retry_after) == (429, "3")
        assert len(answer.body) < 3000
        receiver.failures.append(Failure(302, headers={"Location": receiver.url}))
        assert post(receiver.url).status == 302


@pytest.mark.parametrize(
    ("failure", "trouble", "seconds"),
    [
        (Failure(hang=True), "timeout", 0.3),
        (Failure(drip=True), "timeout", 0.3),
        (Failure(cut=True), "connection", HANGS_SECONDS),
    ],
)
def test_who_does_not_answer_is_left(failure: Failure, trouble: str, seconds: float) -> None:
    """In time, however slowly an answer drips."""
    with Receiver() as receiver:
        receiver.failures += [failure] * 2
        began = time.monotonic()
        answer = post(receiver.url, remote_timeout=seconds)
        assert (answer.status, answer.trouble) == (0, trouble)
        assert time.monotonic() - began < 20


def test_who_is_not_there_is_told() -> None:
    """A port on which nobody listens, a name that there is not."""
    assert post(f"http://127.0.0.1:{free_port()}/").trouble == "connection"
    assert post("http://nobody.invalid/").trouble == "connection"


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    """By the authorities that are named, for the name that is meant, unless it is not to be."""
    certify(tmp_path)
    certificate, key = str(tmp_path / "server.crt"), str(tmp_path / "server.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with SecureReceiver(context) as receiver:
        assert post(receiver.url).trouble == "tls"
        assert (
            post(receiver.url, tls_config={"ca_file": certificate, "server_name": "other"}).trouble == "tls"
        )
        assert post(receiver.url, tls_config={"ca_file": certificate}).status == 204
        assert post(receiver.url, tls_config={"insecure_skip_verify": True}).status == 204
        assert post(receiver.url, tls_config={"ca_file": str(tmp_path / "none")}).trouble == "settings"


def test_a_certificate_of_ones_own_is_shown(tmp_path: Path) -> None:
    """To a server that asks for one."""
    certify(tmp_path)
    certificate, key = str(tmp_path / "server.crt"), str(tmp_path / "server.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    with SecureReceiver(context) as receiver:
        assert post(receiver.url, tls_config={"ca_file": certificate}).status == 0
        shown = {"ca_file": certificate, "cert_file": certificate, "key_file": key}
        assert post(receiver.url, tls_config=shown).status == 204

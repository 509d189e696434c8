"""Servers that history is sent to, as the settings name them; and what is wrong with settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from llmtrain_exporter.config import EXPORTER, ConfigError, configure, show
from llmtrain_exporter.config.remote_write import RemoteWriteRule
from llmtrain_exporter.push.remote_queue import RemoteQueue
from llmtrain_exporter.push.remote_write import RemoteWriter
from llmtrain_exporter.push.senders import Senders, state_folder, writer_for

from tests.receiving import Receiver
from tests.sent_records import log
from tests.servers import eventually

WRITE = "http://prometheus:9090/api/v1/write"


def problems(file: Path, text: str) -> str:
    """What is wrong with a file of settings."""
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        configure(EXPORTER, {}, {}, str(file))
    return str(error.value)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("prometheus:9090", "remote_write[0].url: is no web address"),
        ("ftp://prometheus/", "is no web address"),
        ("'http://user:s3cret@prometheus/'", "must hold no password; give basic_auth beside url"),
        ("{name: a}", "remote_write[0].url: is missing"),
        (f"{{url: {WRITE}, basic_auth: {{username: u}}}}", "must have one of password, password_file"),
        (
            f"{{url: {WRITE}, bearer_token: s3cret, basic_auth: {{username: u, password: s3cret}}}}",
            "must have one of basic_auth, authorization and a bearer token, not several",
        ),
        (f"{{url: {WRITE}, bearer_token: s3cret, bearer_token_file: f}}", "must have one of bearer_token"),
        (f"{{url: {WRITE}, headers: {{Authorization: s3cret}}}}", "is a header that is set already"),
        (f"{{url: {WRITE}, headers: {{'a b': s3cret}}}}", "must be the name of a header"),
        (f"{{url: {WRITE}, headers: {{X-Key: {{}}}}}}", "must have one of value, value_file, value_env"),
        (
            f"{{url: {WRITE}, tls_config: {{cert_file: a}}}}",
            "must have both or neither of cert_file and key_file",
        ),
        (f"{{url: {WRITE}, labels: {{run: a}}}}", "is a label that every run has already"),
        (f"{{url: {WRITE}, remote_timeout: 0}}", "remote_write[0].remote_timeout: must be above 0"),
        (f"{{url: {WRITE}, queue_config: {{}}}}", "unknown key"),
        (f"{WRITE}, {WRITE}", f"{WRITE} is another one too; give each a name"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, rule: str, wrong: str) -> None:
    """And no secret of it."""
    told = problems(tmp_path / "llmtrain.yml", f"remote_write: [{rule}]\n")
    assert wrong in told
    assert "s3cret" not in told
    assert "line 1" in told


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """What is in force is, without them."""
    rule = f"{{url: {WRITE}, bearer_token: s3cret, headers: {{X-Key: s3cret}}}}"
    (tmp_path / "llmtrain.yml").write_text(f"remote_write: [{rule}]\n")
    shown = show(configure(EXPORTER, {}, {}, str(tmp_path / "llmtrain.yml")))
    assert WRITE in shown
    assert "s3cret" not in shown


def test_a_server_is_called_by_its_address_without_what_may_be_secret() -> None:
    """Or by the name that it is given."""
    assert RemoteWriteRule(url=f"{WRITE}?token=s3cret").destination == WRITE
    assert RemoteWriteRule(url=WRITE, name="mine").destination == "mine"


def test_places_are_kept_where_the_settings_say() -> None:
    """Else where programs keep their state; nowhere for who has no home."""
    assert state_folder("/a", {"HOME": "/h"}) == Path("/a")
    assert state_folder(None, {"XDG_STATE_HOME": "/x", "HOME": "/h"}) == Path("/x/llmtrain-exporter")
    assert state_folder(None, {"HOME": "/h"}) == Path("/h/.local/state/llmtrain-exporter")
    assert state_folder(None, {}) is None


def test_each_store_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Another tenant of one server is another store; a new password makes no other."""
    rules = [
        RemoteWriteRule(url=WRITE),
        RemoteWriteRule.model_validate({"url": WRITE, "headers": {"X-Scope-OrgID": "a"}}),
        RemoteWriteRule.model_validate({"url": WRITE, "headers": {"X-Scope-OrgID": "b"}}),
        RemoteWriteRule.model_validate({"url": WRITE, "labels": {"instance": "b"}}),
        RemoteWriteRule.model_validate({"url": WRITE, "bearer_token": "t"}),
    ]
    for rule in rules:
        writer_for(rule, tmp_path, {}, lambda _: None, "0").close()
    assert len(list(tmp_path.glob("*.sqlite"))) == 4


@pytest.fixture
def senders(tmp_path: Path) -> Iterator[Senders]:
    """Servers come and go; logs have three records."""

    def make(rule: RemoteWriteRule) -> RemoteWriter:
        return writer_for(rule, tmp_path, {}, lambda run: iter(log(3, run=run)), "0")

    found = Senders(make)
    yield found
    found.close()


def test_a_server_that_is_new_gets_what_others_had(senders: Senders) -> None:
    """One that stays goes on as it is; one that is left out gets no more."""
    with Receiver() as first, Receiver() as second:
        senders.change([RemoteWriteRule(url=first.url)])
        (writer,) = senders.writers
        for each in log(2):
            senders.put(each)
        eventually(lambda: len(first.taken) == 4)
        senders.change([RemoteWriteRule(url=first.url), RemoteWriteRule(url=second.url)])
        assert senders.writers[0] is writer
        senders.put(log(3)[2])
        eventually(lambda: len(first.taken) == len(second.taken) == 6)
        senders.change([RemoteWriteRule(url=second.url)])
        senders.put(log(4)[3])
        eventually(lambda: len(second.taken) == 8)
        assert len(first.taken) == 6


def test_a_server_that_is_new_has_the_logs_of_quiet_runs_read(senders: Senders) -> None:
    """Nothing more comes of them, and nobody says again that they are there."""
    with Receiver() as first, Receiver() as second:
        senders.change([RemoteWriteRule(url=first.url)])
        senders.read_up_to("a/v1", 2)
        senders.put(log(3)[2])
        senders.read_up_to("b", 3)
        eventually(lambda: len(first.taken) == 12)
        senders.change([RemoteWriteRule(url=first.url), RemoteWriteRule(url=second.url)])
        eventually(lambda: len(second.taken) == 12)
        assert first.taken == second.taken


def test_a_server_whose_settings_change_gets_what_came_meanwhile(senders: Senders) -> None:
    """What it had is not sent again."""
    with Receiver() as receiver:
        senders.change([RemoteWriteRule(url=receiver.url)])
        senders.put(log(1)[0])
        eventually(lambda: len(receiver.taken) == 2)
        senders.change([])
        senders.put(log(2)[1])
        senders.put(log(3)[2])
        senders.change([RemoteWriteRule(url=receiver.url, remote_timeout=9)])
        eventually(lambda: len(receiver.taken) == 6)
        assert sum(len(request.samples) for request in receiver.requests) == 6


def test_of_runs_that_are_gone_a_server_that_is_new_misses_nothing(tmp_path: Path) -> None:
    """There is no log to read, and nothing that was lost."""

    def make(rule: RemoteWriteRule) -> RemoteWriter:
        return writer_for(rule, tmp_path, {}, lambda _: None, "0")

    senders = Senders(make, lambda _: None)
    senders.put(log(1)[0])
    with Receiver() as receiver:
        senders.change([RemoteWriteRule(url=receiver.url)])
        assert senders.writers[0].queue.is_empty
        senders.close()


def test_what_waits_is_sent_at_the_end(senders: Senders) -> None:
    """It is not held back for more to come."""
    with Receiver() as receiver:
        senders.change([RemoteWriteRule(url=receiver.url)])
        senders.put(log(1)[0])
        senders.change([])
        assert len(receiver.taken) == 2


@pytest.mark.parametrize("work", ["put", "read_up_to"])
def test_whatever_fails_who_follows_logs_goes_on(
    work: str, senders: Senders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with Receiver() as receiver:
        senders.change([RemoteWriteRule(url=receiver.url)])
        monkeypatch.setattr(RemoteQueue, work, broken)
        if work == "put":
            senders.put(log(1)[0])
        else:
            senders.read_up_to("a/v1", 1)
    assert "a record is not sent" in caplog.text

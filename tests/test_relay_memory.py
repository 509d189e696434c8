"""What bots were told: known alert by alert, and known after a kill at any moment."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from llmtrain_exporter.notify import memory as memory_module
from llmtrain_exporter.notify.memory import AlertState
from llmtrain_exporter.notify.memory_file import RETRY_SECONDS, MemoryFile

from tests.bots import Bot, all_bots, bot
from tests.relaying import NOW, RUN, RelayProcess, Site, alert, group, relaying
from tests.servers import HANGS_SECONDS, eventually, free_port

BOT, ALERT = b"b" * 16, b"a" * 16
STATE = AlertState(True, NOW, 0.0, NOW, b"r" * 16, 2)
SIGNAL = "LlmTrainKlHigh"


def told(one: Bot) -> list[str]:
    """Of each card that a bot took whether it says that something is wrong or over."""
    return [
        "wrong" if "\U0001f534" in card.title or "\U0001f7e1" in card.title else "over" for card in one.cards
    ]


def codes(site: Site, *bodies: Any) -> list[int]:
    """The answers to these notifications, one second after the other."""
    found = []
    for body in bodies:
        site.clock.crank(1.0)
        found.append(site.post(body).status_code)
    return found


# What is news.


def test_a_group_that_comes_in_parts_is_no_news() -> None:
    """Alertmanager was started anew, and tells of what it has heard of so far; one that is new is told."""
    alerts = [alert(run=f"r{at}", started=NOW + at) for at in range(8)]
    with bot("slack") as one, relaying([one]) as site:
        assert codes(site, group(*alerts, key="all")) == [200]
        parts = [group(*alerts[:count], key="all") for count in (1, 3, 7, 8)]
        assert codes(site, *parts) == [200] * 4
        assert len(one.cards) == 1
        assert codes(site, group(*alerts[:2], alert(run="new"), key="all")) == [200]
        assert len(one.cards) == 2


def test_another_start_is_not_another_alert() -> None:
    """Prometheus gives all alerts a new start when it is started anew; texts and order may differ as well."""
    first, second = alert(), alert("LlmTrainRunStalled")
    with bot("slack") as one, relaying([one]) as site:
        later = {**first, "startsAt": "2024-01-01T00:00:00Z", "annotations": {"summary": "other"}}
        assert codes(site, group(first, second), group(second, later)) == [200, 200]
        assert len(one.cards) == 1


def test_the_same_alert_of_another_group_is_told_there() -> None:
    """Two routes that both lead to the bot are two groups."""
    with bot("slack") as one, relaying([one]) as site:
        assert codes(site, group(alert(), key="a"), group(alert(), key="b")) == [200, 200]
        assert len(one.cards) == 2


def test_over_firing_over_is_told_once() -> None:
    """A flush that was late says that it fires, although its end is told: the start lies before that end."""
    over = alert(firing=False, started=NOW, ended=NOW + 200)
    late = alert(firing=False, started=NOW + 204, ended=NOW + 219)
    with bot("slack") as one, relaying([one]) as site:
        bodies = [group(each) for each in (alert(), over, alert(), over, late, alert(started=NOW + 3), over)]
        assert codes(site, *bodies) == [200] * 7
        assert told(one) == ["wrong", "over"]
        assert site.metrics()['llmtrain_relay_cards_total{bot="slack",result="stale"}'] == 2


def test_what_is_stale_is_on_no_card() -> None:
    """A card about something else in that group does not say that it fires."""
    over = alert(firing=False, ended=NOW + 200)
    failed = alert("LlmTrainRunFailed", started=NOW + 300)
    with bot("slack") as one, relaying([one]) as site:
        assert codes(site, group(alert()), group(over), group(alert(), failed)) == [200] * 3
        assert "Training incident" not in one.cards[-1].title + one.cards[-1].text


def test_what_fires_again_within_seconds_waits() -> None:
    """Another Prometheus may look later than the one that saw the end; what goes on firing is told then."""
    again = alert(started=NOW + 210)
    with bot("slack") as one, relaying([one]) as site:
        assert codes(site, group(alert()), group(alert(firing=False, ended=NOW + 200)), group(again)) == [
            200,
            200,
            424,
        ]
        site.clock.crank(60.0)
        assert codes(site, group(again)) == [200]
        assert told(one) == ["wrong", "over", "wrong"]


def test_an_end_before_the_start_waits() -> None:
    """The second time it fires somebody says late that the first is over. The true end is told then."""
    first, again = alert(firing=False, ended=NOW + 200), alert(started=NOW + 300)
    with bot("slack") as one, relaying([one]) as site:
        bodies = (group(alert()), group(first), group(again), group(first))
        assert codes(site, *bodies) == [200, 200, 200, 424]
        assert codes(site, group(alert(firing=False, started=NOW + 300, ended=NOW + 400))) == [200]
        assert told(one) == ["wrong", "over"] * 2


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_a_signal_waits_while_its_incident_is_known(severity: str) -> None:
    """Alertmanager, started anew, heard of the signal first. If it still comes later it is told."""
    signal = alert(SIGNAL, severity=severity, signal="kl_high")
    with bot("slack") as one, relaying([one]) as site:
        assert codes(site, group(alert(), key="critical"), group(signal, key="signals")) == [200, 424]
        assert codes(site, group(alert(SIGNAL, run="another", signal="kl_high"), key="another")) == [200]
        assert len(one.cards) == 2
        site.clock.crank(600.0)
        assert codes(site, group(signal, key="signals")) == [200]
        assert len(one.cards) == 3


def test_a_signal_of_an_incident_that_was_over_lately_waits_too() -> None:
    """Of two servers one may still look back at it. That such a signal is over is no news."""
    signal = alert(SIGNAL, signal="kl_high")
    with bot("slack") as one, relaying([one]) as site:
        both = group(alert(), signal, key="critical")
        over = group(alert(firing=False, ended=NOW + 1), key="critical")
        assert codes(site, both, over, group(signal, key="signals")) == [200, 200, 424]
        assert codes(site, group(alert(SIGNAL, signal="kl_high", firing=False), key="signals")) == [200]
        assert len(one.cards) == 2
        site.clock.crank(600.0)
        assert codes(site, group(signal, key="signals")) == [200]
        assert len(one.cards) == 3


def test_an_incident_of_the_same_number_is_the_same() -> None:
    """A Prometheus that was started anew looks back at it. If it really goes on, that is told."""
    over = group(alert(incident="1", firing=False, ended=NOW + 300))
    again = alert(incident="1", started=NOW + 420)
    gone = alert(incident="1", firing=False, started=NOW + 420, ended=NOW + 430)
    with bot("slack") as one, relaying([one]) as site:
        bodies = group(alert(incident="1")), over, group(again), group(gone)
        assert codes(site, *bodies) == [200, 200, 424, 200]
        assert told(one) == ["wrong", "over"]
        assert codes(site, group(alert(incident="2", started=NOW + 420))) == [200]
        later = group(alert(incident="1", started=NOW + 440))
        assert codes(site, group(again), later) == [200, 424]
        site.clock.crank(601.0)
        assert codes(site, later) == [200]
        assert told(one) == ["wrong", "over", "wrong", "wrong"]


def test_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was longest untouched is forgotten first."""
    monkeypatch.setattr(memory_module, "MOST_REMEMBERED", 2)
    with bot("slack") as one, relaying([one]) as site:
        assert codes(site, *(group(alert(run=run)) for run in "abacabc")) == [200] * 7
        assert len(one.cards) == 5  # a, b, c; then b and c were forgotten


# After a restart.


@contextmanager
def restarted(bots: list[Bot], path: Path, began: float = 0.0) -> Iterator[Site]:
    """A relay that has this memory, so many seconds later."""
    with relaying(bots, memory=path, began=began) as site:
        yield site


def test_a_relay_that_is_started_again_knows_what_it_told(tmp_path: Path) -> None:
    """Each bot's own: one that was down gets its card, no other gets it twice."""
    path = tmp_path / "folder" / "memory"
    with bot("slack") as fine, bot("feishu") as failing:
        failing.fail("error")
        with restarted([fine, failing], path) as site:
            assert codes(site, group(alert())) == [503]
        failing.fail(None)
        with restarted([fine, failing], path, 100.0) as site:
            assert codes(site, group(alert()), group(alert(firing=False, ended=NOW + 50))) == [200, 200]
        with restarted([fine, failing], path, 200.0) as site:
            assert codes(site, group(alert(firing=False, ended=NOW + 50)), group(alert())) == [200, 200]
        assert (told(fine), told(failing)) == (["wrong", "over"],) * 2


def test_reminders_come_after_a_restart_as_well(tmp_path: Path) -> None:
    """Four hours later it is no repetition."""
    with bot("slack") as one:
        for seconds in (0.0, 1000.0, 15_000.0):
            with restarted([one], tmp_path / "memory", seconds) as site:
                assert codes(site, group(alert())) == [200]
        assert len(one.cards) == 2


def test_another_address_is_another_bot(tmp_path: Path) -> None:
    """The people there were told nothing."""
    for _ in range(2):
        with bot("slack") as one, restarted([one], tmp_path / "memory") as site:
            assert codes(site, group(alert())) == [200]
            assert len(one.cards) == 1


def test_the_file_holds_no_name_and_no_secret(tmp_path: Path) -> None:
    """Digests and times alone, and nobody else may read it."""
    path = tmp_path / "memory"
    with all_bots() as bots:
        with restarted(list(bots.values()), path) as site:
            assert codes(site, group(alert())) == [200]
        content = path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for one in bots.values():
            for word in (one.token, one.secret or one.token, "127.0.0.1", RUN, "LlmTrain", one.kind):
                assert word.encode() not in content


@pytest.mark.parametrize(
    "content", [b"", b"SQLite format 3\0" + b"x" * 5000, b"listen: 127.0.0.1:9849\n" * 50]
)
def test_a_file_that_is_unreadable_is_put_aside(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With one line in the log; the relay goes on with a new one."""
    path = tmp_path / "memory"
    path.write_bytes(content)
    with bot("slack") as one:
        for seconds in (0.0, 10.0):
            with restarted([one], path, seconds) as site:
                assert codes(site, group(alert())) == [200]
                assert site.metrics()["llmtrain_relay_memory_on_disk"] == 1
        assert len(one.cards) == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == (1 if content else 0)
    if content:
        assert "memory.unreadable" in warnings[0]
        assert (tmp_path / "memory.unreadable").read_bytes() == content


@pytest.mark.parametrize(
    "change",
    [
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 1",
        "DROP TABLE alerts",
        "ALTER TABLE alerts RENAME COLUMN run TO walk",
    ],
)
def test_a_memory_of_another_version_is_put_aside(change: str, tmp_path: Path) -> None:
    """Another program's, too."""
    path = tmp_path / "memory"
    MemoryFile(path, lambda: 0.0, bool).close()
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    seen: list[bool] = []
    file = MemoryFile(path, lambda: 0.0, seen.append)
    assert list(file.states(BOT)) == []
    file.close()
    assert seen == [True]
    assert (tmp_path / "memory.unreadable").exists()


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_damaged_file_is_no_crash(cut: int, tmp_path: Path) -> None:
    """Wherever it was cut off, or overwritten."""
    path = tmp_path / "memory"
    file = MemoryFile(path, lambda: 0.0, bool)
    for at in range(300):
        file.put(BOT, b"%16d" % at, STATE)
    anyio.run(file.flush)
    file.close()
    whole = path.read_bytes()
    place = len(whole) * cut // 12
    for content in (whole[:place], whole[:place] + os.urandom(4096) + whole[place + 4096 :]):
        path.write_bytes(content)
        file = MemoryFile(path, lambda: 0.0, bool)
        assert len(list(file.states(BOT))) <= 300
        file.put(BOT, ALERT, STATE)
        anyio.run(file.flush)
        file.close()


def test_values_of_a_wrong_type_are_left_out(tmp_path: Path) -> None:
    """SQLite takes any value in any column."""
    path = tmp_path / "memory"
    file = MemoryFile(path, lambda: 0.0, bool)
    file.put(BOT, ALERT, STATE)
    anyio.run(file.flush)
    file.close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO alerts VALUES (?, 'x', 'x', 'x', NULL, 'x', 1, 'x')", (BOT,))
    connection.close()
    assert list(MemoryFile(path, lambda: 0.0, bool).states(BOT)) == [(ALERT, STATE)]


def test_what_cannot_be_written_is_kept_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, shown as a metric, and written with what comes later once that is possible."""
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    path = blocked / "memory"
    with bot("slack") as one:
        with restarted([one], path) as site:
            assert codes(site, *(group(alert(run=run)) for run in "abba")) == [200] * 4
            assert len(one.cards) == 2
            assert site.metrics()["llmtrain_relay_memory_on_disk"] == 0
            blocked.unlink()
            site.clock.crank(RETRY_SECONDS)
            assert codes(site, group(alert(run="c"))) == [200]
            assert site.metrics()["llmtrain_relay_memory_on_disk"] == 1
        with restarted([one], path, 100.0) as site:
            assert codes(site, *(group(alert(run=run)) for run in "abc")) == [200] * 3
        assert len(one.cards) == 3
    told_people = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["not kept on disk" in text for text in told_people] == [True, False]
    assert "on disk again" in told_people[1]


def test_a_full_disk_is_no_crash(tmp_path: Path) -> None:
    """The file cannot grow any more; what was written before is still there."""
    path = tmp_path / "memory"
    seen: list[bool] = []
    file = MemoryFile(path, lambda: 0.0, seen.append)
    file.put(BOT, ALERT, STATE)
    anyio.run(file.flush)
    assert file._connection is not None
    ((pages,),) = file._connection.execute("PRAGMA page_count")
    file._connection.execute(f"PRAGMA max_page_count = {pages}")
    for at in range(1000):
        file.put(BOT, b"%16d" % at, STATE)
    anyio.run(file.flush)
    file.close()
    assert seen == [True, True, False]
    assert list(MemoryFile(path, lambda: 0.0, bool).states(BOT)) == [(ALERT, STATE)]


def test_two_relays_do_not_share_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one goes on in memory."""
    monkeypatch.setattr("llmtrain_exporter.notify.memory_file.PATIENCE_SECONDS", 0.05)
    seen: list[bool] = []
    first = MemoryFile(tmp_path / "memory", lambda: 0.0, seen.append)
    second = MemoryFile(tmp_path / "memory", lambda: 0.0, seen.append)
    assert seen == [True, False]
    for file in (second, first):
        file.close()


# Killed.


def test_a_slow_bot_and_a_killed_relay_double_no_card_of_others(tmp_path: Path) -> None:
    """What others took is on disk at once. The slow one's may have arrived: it comes again and says so."""
    port = free_port()
    with all_bots() as bots, ThreadPoolExecutor(1) as pool:
        slow = bots["feishu"]
        slow.answering.clear()
        env = {name: value for one in bots.values() for name, value in one.variables.items()}
        options = ["--memory-file", str(tmp_path / "memory")]
        with RelayProcess(options, env=env, port=port) as relay:
            pool.submit(relay.post, group(alert()))
            eventually(lambda: slow.came and all(one.cards for one in bots.values() if one is not slow))
            others = [name for name in bots if name != "feishu"]
            eventually(lambda: _written(tmp_path / "memory") == len(others))
            relay.kill()
        slow.answering.set()
        eventually(lambda: slow.cards)
        with RelayProcess(options, env=env, port=port) as relay:
            assert eventually(lambda: relay.post(group(alert())).status_code == 200, HANGS_SECONDS)
        assert {kind: len(one.cards) for kind, one in bots.items()} == {
            kind: 2 if one is slow else 1 for kind, one in bots.items()
        }
        assert "it may be here twice" in slow.cards[1].text
        assert "it may be here twice" not in slow.cards[0].text


def _written(path: Path) -> int:
    """How many alerts stand in a memory that is in use: of a copy, since nobody else may read it."""
    copy = path.with_name("copy")
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        copy.with_name(copy.name + suffix).write_bytes(source.read_bytes() if source.exists() else b"")
    connection = sqlite3.connect(copy)
    try:
        ((count,),) = connection.execute("SELECT count(*) FROM alerts")
        return int(count)
    except sqlite3.Error:
        return -1
    finally:
        connection.close()
        for each in copy.parent.glob("copy*"):
            each.unlink()

"""Records on their way to a server, step by step: what is sent when, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import series
from llmtrain_exporter.push.answers import RemoteAnswer
from llmtrain_exporter.push.place_file import PlaceFile
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.remote_queue import QueueState, RemoteQueue
from llmtrain_exporter.push.remote_write import Clocks, RemoteWriter, Tools
from llmtrain_exporter.push.snappy import literal
from llmtrain_exporter.push.write_request import RequestEncoder
from llmtrain_exporter.serve.history_metrics import HistoryMetrics

from tests.receiving import Point, read, unpacked
from tests.sent_records import STEP, T0, UNMARKED, in_one_log, log, record

TAKEN = RemoteAnswer(204)
AWAY = RemoteAnswer(trouble="connection", body="Connection refused")


class Server:
    """Answers as it is told, then takes everything."""

    def __init__(self) -> None:
        self.answers: list[RemoteAnswer] = []
        self.taken: list[tuple[Point, float]] = []
        self.bodies: list[bytes] = []

    def post(self, body: bytes) -> RemoteAnswer:
        """The next answer."""
        self.bodies.append(body)
        answer = self.answers.pop(0) if self.answers else TAKEN
        if 200 <= answer.status < 300:
            self.taken += [((series, time), value) for series, time, value in read(unpacked(body))]
        return answer

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def steps(self) -> list[float]:
        """The steps that it has, as they came."""
        return [value for (series, _), value in self.taken if series.startswith("llmtrain_step")]


class Program:
    """A writer with its queue and its file, and a clock that a test cranks."""

    def __init__(self, path: Path | None = None, logs: dict[str, list[RecordSamples]] | None = None) -> None:
        self.now = 100.0
        self.server = Server()
        self.logs = logs if logs is not None else {}
        self.broken: set[str] = set()  # logs that cannot be read
        self.places = PlaceFile(path, lambda: T0 / 1000 + self.now)
        self.queue = RemoteQueue(self.places.place_of, lambda: self.now)
        clocks = Clocks(lambda: self.now, lambda: T0 / 1000 + self.now)
        tools = Tools(RequestEncoder({}), literal, self.server, self._read, clocks, lambda: 1.0)
        self.writer = RemoteWriter("there", self.queue, self.places, tools)

    def _read(self, run: str) -> Iterator[RecordSamples] | None:
        if run in self.broken:
            raise OSError("no such device")
        return iter(self.logs[run]) if run in self.logs else None

    @property
    def behind_seconds(self) -> float:
        """For how long the oldest record that was not taken has waited."""
        return self.writer.behind_seconds(self.queue.state)

    def put(self, *records: RecordSamples) -> None:
        """They come."""
        for each in records:
            self.logs.setdefault(each.run, []).append(each)
            self.queue.put(each)

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        ends_at = self.now + seconds
        while self.now < ends_at:
            self.now = min(self.now + max(self.writer.step(), 0.05), ends_at)


def test_what_comes_is_sent_within_two_seconds() -> None:
    """Together, in one request."""
    program = Program()
    program.put(*log(3))
    program.run(2)
    assert program.server.steps == [10, 20, 30]
    assert len(program.server.bodies) == 1
    sent = program.writer.statistics
    assert (sent.records, sent.samples, sent.requests, sent.dropped) == (3, 6, 1, 0)
    assert sent.bytes == len(program.server.bodies[0])
    assert program.behind_seconds == 0


def test_a_server_that_is_away_gets_the_same_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    """After longer and longer pauses; said once, and that it is over."""
    program = Program()
    program.server.answers = [AWAY] * 8
    program.put(*log(2))
    program.run(20)
    assert 5 <= len(program.server.bodies) <= 8
    assert program.server.steps == []
    assert program.behind_seconds == pytest.approx(20, abs=1)
    program.run(200)
    assert program.server.steps == [10, 20]
    assert program.writer.statistics.failed_requests == {"connection": 8}
    assert [message.partition(" ")[2].partition(",")[0] for message in caplog.messages] == [
        "does not take history",
        "takes history again",
    ]


def test_a_scrape_counts_what_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does so under the lock of whoever follows logs."""
    program = Program()
    program.server.answers = [AWAY] * 8
    program.put(*log(3))
    program.run(20)
    program.put(record(4))
    counted: list[QueueState] = []
    count: property = vars(RemoteQueue)["state"]

    def counting(queue: RemoteQueue) -> QueueState:
        counted.append(count.__get__(queue))
        return counted[-1]

    monkeypatch.setattr(RemoteQueue, "state", property(counting))
    gauges = {family.name: family.samples for family in HistoryMetrics(lambda: [program.writer]).collect()}
    (behind,) = gauges["llmtrain_exporter_history_behind_seconds"]
    assert behind.value == pytest.approx(20, abs=1)
    assert [state.records for state in counted] == [1]


def test_it_is_left_alone_for_as_long_as_it_wants() -> None:
    """Retry-After."""
    program = Program()
    program.server.answers = [RemoteAnswer(429, retry_after="50")]
    program.put(*log(1))
    program.run(45)
    assert len(program.server.bodies) == 1
    program.run(10)
    assert program.server.steps == [10]


def test_what_is_refused_is_left_out_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """And the setting that helps is said once."""
    program = Program()
    program.now = 10_000.0
    program.server.answers = [RemoteAnswer(400, "out of bounds")] * 4
    program.put(*log(4))
    program.run(5)
    assert program.server.steps == [30, 40]
    assert program.writer.statistics.dropped_records["out_of_bounds"] == 2
    assert program.writer.statistics.dropped_samples["out_of_bounds"] == 4
    assert [
        message for message in caplog.messages if "out_of_order_time_window" in message
    ] == caplog.messages
    assert len(caplog.messages) == 1


def test_what_was_too_old_is_sent_once_more_at_the_next_start(tmp_path: Path) -> None:
    """The server may have another window by then; as long as it has not, it is tried at each start."""
    path, logs = tmp_path / "history.sqlite", {"a/v1": log(6)}
    for answers, steps in (
        ([RemoteAnswer(400, "out of bounds")] * 6, [40, 50, 60]),
        ([RemoteAnswer(400, "out of bounds")] * 4, [30]),
        ([], [10, 20]),
        ([], []),
    ):
        program = Program(path, logs)
        program.now = 8000.0
        program.server.answers = answers
        program.queue.read_up_to("a/v1", 6)
        program.run(5)
        assert program.server.steps == steps
        program.writer.close()


def test_who_lets_nobody_in_is_told_of_and_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    """A password can be put right."""
    program = Program()
    program.server.answers = [RemoteAnswer(401, "who are you?")] * 2
    program.put(*log(1))
    program.run(40)
    assert program.server.steps == []
    assert program.writer.troubles.denied == "401: who are you?; check user, password or token"
    program.run(60)
    assert program.server.steps == [10]
    assert not program.writer.troubles.denied
    assert "check user, password or token" in caplog.text


def test_what_cannot_be_written_costs_its_record_alone() -> None:
    """Whatever it is."""
    program = Program()
    unknown = series(c.OTHER, ("\ud800", "x"))
    program.put(record(1), RecordSamples("a/v1", 2, T0, {STEP: 20.0, unknown: 1.0}, UNMARKED), record(3))
    program.run(3)
    assert program.server.steps == [10, 30]
    assert program.writer.statistics.dropped_records["rejected"] == 1


def test_a_program_that_begins_again_goes_on_where_it_was(tmp_path: Path) -> None:
    """Sends nothing twice, and forgets nothing."""
    path = tmp_path / "history.sqlite"
    first = Program(path)
    first.put(*log(5))
    first.run(3)
    first.writer.close()
    second = Program(path, {"a/v1": log(8)})
    second.queue.read_up_to("a/v1", 8)
    second.run(3)
    assert second.server.steps == [60, 70, 80]


@pytest.mark.parametrize("had_arrived", [True, False])
def test_who_is_killed_before_the_answer_sends_the_same_again(tmp_path: Path, had_arrived: bool) -> None:
    """With the times with which it came: the server has each record once, whether it had taken it or not."""
    path = tmp_path / "history.sqlite"
    first = Program(path)
    first.server.answers = [RemoteAnswer(204 if had_arrived else 0, trouble="timeout")]
    first.put(*log(3))
    first.run(1.2) if not had_arrived else _killed_after_sending(first)
    first.places.close()
    later = in_one_log(
        record(n, 1 / n, time_ms=T0 + 7 * n) for n in range(1, 5)
    )  # what the log says of times by now
    second = Program(path, {"a/v1": later})
    second.queue.read_up_to("a/v1", 4)
    second.run(3)
    there = dict(first.server.taken) | dict(second.server.taken)
    times = sorted(time for series, time in there if series.startswith("llmtrain_step"))
    assert times == [*(each.time_ms for each in log(3)), log(3)[-1].time_ms + 1]


def _killed_after_sending(program: Program) -> None:
    def arrived(*_: object) -> None:
        raise KeyboardInterrupt

    program.queue.arrived = arrived  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        program.run(3)


def test_a_log_that_cannot_be_read_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """What it had to say is sent when it can be read again."""
    logs = {"b": log(2, run="b")}
    program = Program(logs=logs)
    program.broken.add("a/v1")
    program.queue.read_up_to("a/v1", 2)
    program.queue.read_up_to("b", 2)
    program.run(5)
    assert program.server.steps == [10, 20]
    assert "no such device" in caplog.text
    logs["a/v1"] = log(2)
    program.broken.clear()
    program.run(100)
    assert program.server.steps == [10, 20, 10, 20]


def test_a_log_that_is_gone_is_counted_and_one_that_says_less_is_not() -> None:
    """Records without a number are in no log of samples."""
    program = Program(logs={"a/v1": log(4)})
    program.queue.read_up_to("a/v1", 6)
    program.run(3)
    assert program.writer.statistics.dropped == 0
    program.queue.read_up_to("b", 3)
    program.run(3)
    assert program.writer.statistics.dropped_records["log_gone"] == 3
    assert program.queue.is_empty

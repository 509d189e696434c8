"""What waits for a server: every record of every log comes once, in order, whatever happens on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from llmtrain_exporter.push.batch import Batch
from llmtrain_exporter.push.place import NOWHERE, Place
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.remote_queue import GapReading, RemoteQueue

from tests.sent_records import LOSS, in_one_log, log, record


class Store:
    """A queue, the logs that it reads, and what came out of it."""

    def __init__(self, most: int = 1000, places: dict[str, Place] | None = None) -> None:
        self.now = 0.0
        self.places = places or {}
        self.logs: dict[str, list[RecordSamples]] = {}
        self.queue = RemoteQueue(lambda run: self.places.get(run, NOWHERE), lambda: self.now, most)
        self.sent: list[RecordSamples] = []

    def follow(self, records: Sequence[RecordSamples], run: str = "a/v1") -> None:
        """A log that is there, which is followed from now on."""
        self.logs[run] = list(records)
        self.queue.read_up_to(run, len(records))

    def grow(self, more: Sequence[RecordSamples], run: str = "a/v1") -> None:
        """Records come."""
        for each in more:
            self.logs.setdefault(run, []).append(each)
            self.queue.put(each)

    def take(self) -> Batch | None:
        """What is to be sent next, of logs too."""
        self.now += 10
        return self.queue.take() or self._read()

    def _read(self) -> Batch | None:
        ledger = self.queue.next_log()
        if ledger is None:
            return None
        reading = GapReading(ledger, iter(list(self.logs[ledger.run])))
        self.queue.begin(reading)
        batch = None
        while not reading.is_over and batch is None:
            batch = self.queue.read_on(reading, math.inf)
        self.queue.end(reading)
        return batch

    def arrive(self, batch: Batch) -> None:
        """The server has answered."""
        self.sent += batch.records
        for ledger in self.queue.arrived(batch):
            self.places[ledger.run] = ledger.place

    def drain(self) -> list[int]:
        """Send all that is to be sent; the numbers of the records."""
        before = len(self.sent)
        for _ in range(1000):
            batch = self.take()
            if batch is None and self.queue.is_empty:
                return [each.record for each in self.sent[before:]]
            if batch is not None:
                self.arrive(batch)
        raise AssertionError("it does not end")


def test_records_that_come_are_sent_in_their_order() -> None:
    """Each once, as they are."""
    store = Store()
    store.grow(log(3))
    assert store.drain() == [1, 2, 3]
    assert store.sent == log(3)
    assert store.places["a/v1"].record == 3


def test_a_record_waits_for_others_but_not_for_long() -> None:
    """So that a request has more than one."""
    store = Store()
    store.grow(log(1))
    assert store.queue.take() is None
    store.now = 1.0
    batch = store.queue.take()
    assert batch is not None
    assert batch.since == 0.0


def test_what_was_there_is_read_from_the_log_before_what_comes() -> None:
    """In order, and what comes keeps the time at which it came."""
    store = Store()
    store.follow(log(5))
    late = replace(log(6)[5], time_ms=log(9)[8].time_ms)
    store.grow([late])
    assert store.drain() == [1, 2, 3, 4, 5, 6]
    assert store.sent[-1].time_ms == late.time_ms


def test_for_what_there_is_no_room_the_log_is_read() -> None:
    """Nothing is lost, and no more waits than may."""
    store = Store(most=6)
    store.grow(log(20))
    assert store.queue.state.records <= 4
    assert store.queue.state.logs_to_read == 1
    assert store.drain() == list(range(1, 21))


def test_who_begins_again_sends_what_the_server_does_not_have() -> None:
    """The place says where to go on."""
    store = Store()
    store.grow(log(5))
    store.drain()
    again = Store(places=store.places)
    again.follow(log(7))
    assert again.drain() == [6, 7]


@pytest.mark.parametrize("length", [3, 5, 6, 12])
def test_another_log_in_the_place_is_sent_from_its_beginning(length: int) -> None:
    """Whether it is shorter, as long, or longer."""
    store = Store()
    store.grow(log(5))
    store.drain()
    again = Store(places=store.places)
    again.follow(log(length, seed=3.0))
    assert again.drain() == list(range(1, length + 1))
    assert again.sent == log(length, seed=3.0)


def test_a_log_that_differs_later_is_sent_from_its_beginning() -> None:
    """A run that was begun again with the same seed says the same for a while."""
    store = Store()
    store.grow(log(40))
    store.drain()
    again = Store(places=store.places)
    again.follow(in_one_log([*log(20), *log(40, seed=2.0)[20:]]))
    assert again.drain() == list(range(1, 41))


@pytest.mark.parametrize(("seed", "sent"), [(0.0, [10, 12]), (2.0, [2, 4, 6, 8, 10, 12])])
def test_a_log_is_known_again_though_other_records_of_it_are_chosen(seed: float, sent: list[int]) -> None:
    """And another one in its place is not, though none of its records has a number that was sent."""
    store = Store()
    for chosen in (log(12)[2::6], log(12, seed)[1::2]):
        store = Store(places=store.places)
        store.logs["a/v1"] = chosen
        store.queue.read_up_to("a/v1", 12)
        numbers = store.drain()
    assert numbers == sent


def test_a_log_that_begins_anew_while_it_is_followed_is_another() -> None:
    """Its first record shows that."""
    store = Store()
    store.grow(log(5))
    store.drain()
    store.logs["a/v1"] = []
    store.grow(log(3, seed=2.0))
    assert store.drain() == [1, 2, 3]


def test_a_log_that_nobody_has_written_to_is_not_read() -> None:
    """Its place was noted after the last write."""
    store = Store()
    store.grow(log(5))
    store.drain()
    places = {run: replace(place, noted=1000.0) for run, place in store.places.items()}
    for modified, read in ((900.0, 0), (1100.0, 1), (math.inf, 1)):
        again = Store(places=dict(places))
        again.queue.read_up_to("a/v1", 5, modified)
        assert again.queue.state.logs_to_read == read


def test_a_server_that_is_new_has_the_log_read() -> None:
    """Others were shown the records before."""
    store = Store()
    store.logs["a/v1"] = log(4)
    store.grow([log(5)[4]])
    assert store.drain() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("comes", "logs_to_read"), [(6, 0), (7, 1), (9, 1)])
def test_a_server_that_is_new_and_has_a_part_of_the_log_has_the_rest_read(
    comes: int, logs_to_read: int
) -> None:
    """Others were shown what lies after its place; where nothing does, no log is read."""
    store = Store()
    store.grow(log(5))
    store.drain()
    again = Store(places=store.places)
    again.logs["a/v1"] = log(comes - 1)
    again.grow([log(comes)[-1]])
    assert again.queue.state.logs_to_read == logs_to_read
    again.grow([log(comes + 1)[-1]])
    assert again.drain() == list(range(6, comes + 2))


def test_a_log_that_is_gone_is_given_up_and_counted() -> None:
    """What is not there any more cannot be sent."""
    store = Store()
    store.queue.read_up_to("a/v1", 5)
    ledger = store.queue.next_log()
    assert ledger is not None
    reading = GapReading(ledger, iter(()))
    reading.is_gone = True
    store.queue.begin(reading)
    assert store.queue.read_on(reading, math.inf) is None
    assert store.queue.end(reading) == 5
    assert store.queue.is_empty


def test_a_log_that_is_long_in_coming_is_left_for_a_while() -> None:
    """A pause is no record: it is when one sees that the time is over."""
    store = Store()
    store.queue.read_up_to("a/v1", 5)
    ledger = store.queue.next_log()
    assert ledger is not None
    reading = GapReading(ledger, iter([None, None]))
    store.queue.begin(reading)
    assert store.queue.read_on(reading, -math.inf) is None
    assert not reading.is_over
    assert list(reading.records) == [None]


def test_a_log_that_cannot_be_read_is_tried_again() -> None:
    """After a while, and what was read of it is sent."""

    def broken() -> Iterator[RecordSamples]:
        yield from log(2)
        raise OSError("no such device")

    store = Store()
    store.follow(log(4))
    ledger = store.queue.next_log()
    assert ledger is not None
    reading = GapReading(ledger, broken())
    store.queue.begin(reading)
    batch = store.queue.read_on(reading, math.inf)
    assert batch is not None
    store.queue.end(reading)
    store.arrive(batch)
    assert store.queue.next_log() is None
    store.now += 100
    assert store.drain() == [3, 4]


def test_another_log_does_not_rest_for_the_one_before() -> None:
    """What could not be read is gone: that which stands there now is read at once."""

    def broken() -> Iterator[RecordSamples]:
        yield from ()
        raise OSError("no such device")

    store = Store()
    store.grow(log(5))
    store.drain()
    store.follow(log(9))
    ledger = store.queue.next_log()
    assert ledger is not None
    reading = GapReading(ledger, broken())
    store.queue.begin(reading)
    assert store.queue.read_on(reading, math.inf) is None
    store.queue.end(reading)
    assert store.queue.next_log() is None
    store.follow(log(3, seed=2.0))
    assert store.queue.next_log() is ledger


def test_times_ascend_whatever_a_log_says_of_them() -> None:
    """After a restart a log's times may be known worse than before."""
    store = Store()
    store.grow([record(1, time_ms=5000), record(2, time_ms=5000), record(3, time_ms=1000)])
    store.drain()
    assert [each.time_ms for each in store.sent] == [5000, 5001, 5002]


def test_what_was_under_way_keeps_its_times() -> None:
    """Who was killed before the answer sends the same once more, and the server has it once."""
    place = Place(1, 5000, under_way={2: 6000, 3: 7000})
    store = Store(places={"a/v1": place})
    store.follow([record(n, time_ms=n) for n in range(1, 5)])
    store.drain()
    assert [(each.record, each.time_ms) for each in store.sent] == [(2, 6000), (3, 7000), (4, 7001)]


def test_runs_take_turns() -> None:
    """None has to wait for all of another."""
    store = Store(most=100_000)
    for run in ("a", "b"):
        store.grow(log(9000, run=run), run)
    first = store.take()
    second = store.take()
    assert first is not None
    assert second is not None
    assert {each.run for each in first.records} == {"a"}
    assert {each.run for each in second.records} == {"b"}


class QueueMachine(RuleBasedStateMachine):
    """Logs grow, are replaced and read; the program ends and begins again: what came out is what is there."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(most=8)
        self.seed = 0.0
        self.batch: Batch | None = None
        self.received: set[tuple[float, int]] = set()

    @rule(more=st.integers(1, 7))
    def grow(self, more: int) -> None:
        """Records come."""
        have = len(self.store.logs.get("a/v1", ()))
        self.store.grow(log(have + more, self.seed)[have:])

    @rule(length=st.integers(1, 9), again=st.booleans())
    def replace_log(self, length: int, again: bool) -> None:
        """Another log stands in the place, or the same is read anew."""
        if not again:
            self.seed += 1
            self.store.follow(log(length, self.seed))
        elif self.store.logs.get("a/v1"):
            self.store.follow(self.store.logs["a/v1"])

    @rule()
    def take(self) -> None:
        """A batch is under way."""
        if self.batch is None:
            self.batch = self.store.take()

    @rule()
    def arrive(self) -> None:
        """It has arrived."""
        if self.batch is not None:
            for each in self.batch.records:
                self.received.add((each.values[LOSS], each.record))
            self.store.arrive(self.batch)
            self.batch = None

    @rule()
    def begin_again(self) -> None:
        """The program ends; what is under way may have arrived or not."""
        self.batch = None
        before = self.store
        self.store = Store(most=8, places=before.places)
        if before.logs.get("a/v1"):
            self.store.follow(before.logs["a/v1"])

    @invariant()
    def waits_within_bounds(self) -> None:
        """However much comes."""
        assert self.store.queue.state.records <= 8

    def teardown(self) -> None:
        """In the end the server has all of the log that is there, in its order."""
        self.arrive()
        for _ in range(50):
            self.take()
            self.arrive()
        wanted = self.store.logs.get("a/v1", [])
        missing = [each.record for each in wanted if (each.values[LOSS], each.record) not in self.received]
        assert missing == []


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)

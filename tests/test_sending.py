"""What a server's answer means, and how a batch is cut until no more is dropped than is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.push.answers import Outcome, RemoteAnswer, Verdict, judge
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.sending import Floor, Sending

from tests.sent_records import T0, record

HOUR = 3600_000
OLD = Verdict(Outcome.REFUSED, "out_of_bounds")
TAKEN = Verdict(Outcome.TAKEN)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (RemoteAnswer(204), TAKEN),
        (RemoteAnswer(200, "ok"), TAKEN),
        (RemoteAnswer(trouble="timeout"), Verdict(Outcome.LATER, "timeout")),
        (RemoteAnswer(429, retry_after="7"), Verdict(Outcome.LATER, "status_429", 7.0)),
        (
            RemoteAnswer(503, retry_after="Tue, 14 Nov 2023 22:13:30 GMT"),
            Verdict(Outcome.LATER, "status_503", 10.0),
        ),
        (RemoteAnswer(429, retry_after="99999"), Verdict(Outcome.LATER, "status_429", 600.0)),
        (RemoteAnswer(429, retry_after="soon"), Verdict(Outcome.LATER, "status_429")),
        (RemoteAnswer(429, retry_after="-5"), Verdict(Outcome.LATER, "status_429")),
        (RemoteAnswer(500, "no space left"), Verdict(Outcome.LATER, "status_500")),
        (RemoteAnswer(500, "too old sample"), OLD),  # Prometheus 2.42, with a window
        (RemoteAnswer(400, "out of bounds"), OLD),
        (RemoteAnswer(400, "the sample has been rejected (err-mimir-sample-timestamp-too-old)"), OLD),
        (RemoteAnswer(400, "out of order sample"), Verdict(Outcome.REFUSED, "out_of_order")),
        (RemoteAnswer(400, "duplicate sample for timestamp"), Verdict(Outcome.REFUSED, "duplicate")),
        (RemoteAnswer(400, "label name is not valid"), Verdict(Outcome.REFUSED, "rejected")),
        (RemoteAnswer(422), Verdict(Outcome.REFUSED, "rejected")),
        (RemoteAnswer(413), Verdict(Outcome.REFUSED, "too_large")),
        (RemoteAnswer(401), Verdict(Outcome.DENIED, "status_401")),
        (RemoteAnswer(404), Verdict(Outcome.DENIED, "status_404")),
        (RemoteAnswer(302), Verdict(Outcome.DENIED, "status_302")),
        (RemoteAnswer(100), Verdict(Outcome.LATER, "status_100")),
    ],
)
def test_an_answer_says_what_to_do(answer: RemoteAnswer, verdict: Verdict) -> None:
    """Send it again later, wait for somebody, or leave something out."""
    assert judge(answer, T0 / 1000) == verdict


class Course:
    """Sends a batch to somebody who refuses some of it, and keeps what became of it."""

    def __init__(self, records: Sequence[RecordSamples], now_ms: float, floor: Floor | None = None) -> None:
        self.sending = Sending(records, floor or Floor(lambda: 0.0))
        self.now_ms = now_ms
        self.taken: list[int] = []
        self.dropped: dict[int, str] = {}
        self.requests = 0

    def run(self, refusal: Callable[[RecordSamples], str]) -> None:
        """`refusal`: why one is not taken, "" for one that is. As Prometheus: all of a request or nothing."""
        while True:
            known = self.sending.drop_known()
            self.dropped |= {each.record: known.reason for each in known.dropped}
            if self.sending.is_over:
                return
            self.requests += 1
            reasons = [reason for each in self.sending.part if (reason := refusal(each))]
            verdict = Verdict(Outcome.REFUSED, reasons[0]) if reasons else TAKEN
            progress = self.sending.answered(verdict, self.now_ms)
            self.taken += [each.record for each in progress.taken]
            self.dropped |= {each.record: progress.reason for each in progress.dropped}


@given(st.integers(1, 40), st.sets(st.integers(1, 40)))
def test_no_more_is_dropped_than_is_refused(records: int, bad: set[int]) -> None:
    """Wherever it stands."""
    course = Course([record(n) for n in range(1, records + 1)], T0)
    course.run(lambda each: "rejected" if each.record in bad else "")
    assert set(course.dropped) == {n for n in bad if n <= records}
    assert course.taken == [n for n in range(1, records + 1) if n not in bad]


@given(st.integers(1, 60), st.integers(0, 60))
def test_what_is_too_old_is_left_out_and_the_rest_comes_in_order(records: int, old: int) -> None:
    """A server without a window takes nothing before what it has."""
    batch = [record(n) for n in range(1, records + 1)]
    course = Course(batch, batch[-1].time_ms + 10)
    newest = 0

    def refusal(each: RecordSamples) -> str:
        return "out_of_bounds" if each.record <= old else "out_of_order" if each.record < newest else ""

    course.run(refusal)
    assert course.taken == list(range(old + 1, records + 1))
    assert set(course.dropped) == set(range(1, min(old, records) + 1))


@given(st.integers(1, 200), st.integers(0, 200))
def test_of_what_is_hours_old_few_are_tried(records: int, old: int) -> None:
    """Its order does not matter, or all of it is refused."""
    course = Course([record(n) for n in range(1, records + 1)], T0 + 9 * HOUR)
    course.run(lambda each: "out_of_bounds" if each.record <= old else "")
    assert sorted(course.taken) == list(range(old + 1, records + 1))
    assert set(course.dropped) == set(range(1, min(old, records) + 1))
    assert course.requests <= 2 * records.bit_length() + 2


def test_what_is_known_to_be_too_old_is_not_sent() -> None:
    """Until the server was away, or some minutes are over: it may have another window then."""
    now = 0.0
    floor = Floor(lambda: now)
    floor.rise(record(5).time_ms)
    for later, dropped in ((0.0, [1, 2, 3, 4, 5]), (599.0, [1, 2, 3, 4, 5]), (600.0, [])):
        now = later
        course = Course([record(n) for n in range(1, 8)], T0, floor)
        course.run(lambda _: "")
        assert list(course.dropped) == dropped
    now = 0.0
    floor.rise(record(5).time_ms)
    floor.forget()
    assert floor.is_above(record(1))


def test_what_lies_in_the_future_makes_nothing_before_it_old() -> None:
    """Prometheus calls it out of bounds too."""
    course = Course([record(n) for n in range(1, 9)], record(5).time_ms)
    course.run(lambda each: "out_of_bounds" if each.record > 5 else "")
    assert course.taken == [1, 2, 3, 4, 5]
    assert course.dropped == dict.fromkeys((6, 7, 8), "in_the_future")

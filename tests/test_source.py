"""Logs on disk to records: lines, growing documents, and two logs of one run joined."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import Found, SearchOptions, discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import Reading, Source
from llmtrain_exporter.ingest.recognise import dialect_of
from llmtrain_exporter.ingest.source import LineSource, open_source
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Record, RowKind

from tests import training

NAMES = {
    "swift": "logging.jsonl",
    "llamafactory": "trainer_log.jsonl",
    "trainer_state": "trainer_state.json",
    "printed": "train.log",
}


def opened(folder: Path, dialect: str, *extra: str) -> Source:
    """The source of a log in `folder`, as discovery would hand it on."""
    path = folder / NAMES[dialect]
    others = tuple(str(folder / name) for name in extra)
    return open_source(Found(str(path), "run", registered()[dialect], 0.0, 0, (0, 0), others), Readers())


def polled(source: Source) -> list[Reading]:
    """All that polling brings until there is nothing new."""
    return list(iter(lambda: source.poll(0.0), None))


def steps(readings: Iterable[Reading] | Reading) -> list[int | None]:
    """The steps of the records that came."""
    readings = [readings] if isinstance(readings, Reading) else readings
    return [record.step for reading in readings for record in reading.records]


class Document:
    """A trainer_state.json, and time that passes with each writing of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAMES["trainer_state"]
        self._now = 1_700_000_000.0

    def write(self, text: str) -> None:
        """As the trainer does: over what was there."""
        self._now += 1
        self.path.write_text(text)
        training.touch(self.path, self._now)


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return Document(tmp_path)


# Lines


def test_lines_become_records_and_counted_skips(tmp_path: Path) -> None:
    """With the time of the last write, and the bytes that were read."""
    path = training.append(tmp_path / "logging.jsonl", training.swift(1), "no json", "{}", modified=1234.5)
    (reading,) = polled(opened(tmp_path, "swift"))
    assert steps(reading) == [1]
    assert reading.skipped == {"not_json": 1, "no_training_row": 1}
    assert (reading.modified, reading.restarted, reading.again) == (1234.5, False, False)
    assert reading.size == path.stat().st_size


def test_a_half_line_is_a_record_only_for_who_knows_that_nobody_writes_any_more(tmp_path: Path) -> None:
    """A log can end without a line end; while it grows, that is the begin of a row."""
    training.append(tmp_path / "logging.jsonl", training.swift(1))
    with (tmp_path / "logging.jsonl").open("a") as file:
        file.write(training.swift(2))
    source = opened(tmp_path, "swift")
    assert steps(polled(source)) == [1]
    assert [record.step for record in source.rest()[0]] == [2]


def test_a_rewritten_log_is_folded_anew_by_a_new_reader(tmp_path: Path) -> None:
    """What a reader has learned of a printed log, its number of records, is void as well."""
    log = training.append(tmp_path / "train.log", training.printed(1), training.printed(2))
    source = opened(tmp_path, "printed")
    assert steps(polled(source)) == [1, 2]
    log.write_text(training.printed(5) + "\n")
    readings = polled(source)
    assert readings[0].restarted
    assert steps(readings) == [1]


def test_a_parked_log_goes_on_where_it_was(tmp_path: Path) -> None:
    """It comes back with what was written since, and nothing twice."""
    log = training.append(tmp_path / "logging.jsonl", training.swift(1))
    source = opened(tmp_path, "swift")
    polled(source)
    source.park()
    training.append(log, training.swift(2))
    assert steps(polled(source)) == [2]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_a_log_in_another_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    """PowerShell's `>` writes UTF-16: lines, documents and what a file is are read from it all the same."""
    mark = "\ufeff" if encoding.endswith("be") else ""
    rows = "".join(f"{training.swift(step)}\n" for step in (1, 2))
    (tmp_path / "logging.jsonl").write_bytes((mark + rows).encode(encoding))
    (tmp_path / "trainer_state.json").write_bytes((mark + training.trainer_state([1, 2])).encode(encoding))
    (tmp_path / "any.txt").write_bytes((mark + rows).encode(encoding))
    for dialect in ("swift", "trainer_state"):
        assert steps(polled(opened(tmp_path, dialect))) == [1, 2]
    assert dialect_of(str(tmp_path / "any.txt"), list(registered().values())).name == "swift"


# Documents


def test_a_growing_document_brings_its_new_rows_once(tmp_path: Path, document: Document) -> None:
    """It is written whole at each checkpoint; only what it has gained is news."""
    source = opened(tmp_path, "trainer_state")
    document.write(training.trainer_state(range(1, 4)))
    assert steps(polled(source)) == [1, 2, 3]
    assert not source.grown()
    document.write(training.trainer_state(range(1, 6)))
    (reading,) = polled(source)
    assert (steps(reading), reading.restarted) == ([4, 5], False)


def test_a_torn_document_changes_nothing(tmp_path: Path, document: Document) -> None:
    """Writing it is not atomic: the next look sees it whole."""
    source = opened(tmp_path, "trainer_state")
    document.write(training.trainer_state(range(1, 4)))
    polled(source)
    for torn in (training.trainer_state(range(1, 6))[:-30], ""):
        document.write(torn)
        assert polled(source) == []
    document.write(training.trainer_state(range(1, 6)))
    (reading,) = polled(source)
    assert (steps(reading), reading.restarted) == ([4, 5], False)


def test_a_document_that_was_torn_at_first_is_folded_from_its_begin(
    tmp_path: Path, document: Document
) -> None:
    """Nothing of the torn one stays but its count."""
    source = opened(tmp_path, "trainer_state")
    document.write(training.trainer_state(range(1, 4))[:-30])
    assert [reading.skipped for reading in polled(source)] == [{"not_json": 1}]
    document.write(training.trainer_state(range(1, 4)))
    (reading,) = polled(source)
    assert (steps(reading), reading.past) == ([1, 2, 3], False)


@pytest.mark.parametrize("rewritten", [[7, 8], [1, 2], [1, 2, 4, 5]])
def test_a_document_with_another_history_is_folded_anew(
    tmp_path: Path, document: Document, rewritten: Sequence[int]
) -> None:
    """Another run's, a shorter one's, one that was resumed from an earlier checkpoint."""
    source = opened(tmp_path, "trainer_state")
    document.write(training.trainer_state([1, 2, 3]))
    polled(source)
    document.write(training.trainer_state(rewritten))
    (reading,) = polled(source)
    assert (steps(reading), reading.restarted, reading.past) == (list(rewritten), True, True)


def test_a_document_of_another_run_with_the_same_steps_is_folded_anew(
    tmp_path: Path, document: Document
) -> None:
    """A second training into the same folder shows itself by its values; NaN is no other value than NaN."""
    source = opened(tmp_path, "trainer_state")
    text = training.trainer_state([1, 2])
    for loss, restarted in (("0.5", False), ("NaN", True), ("NaN ", False), ("0.25", True)):
        document.write(text.replace('"loss": 0.5', f'"loss": {loss}'))
        assert [reading.restarted for reading in polled(source)] == [restarted]


def test_rows_that_are_none_are_counted_once(tmp_path: Path, document: Document) -> None:
    """Not again each time that the document is written."""
    state = json.loads(training.trainer_state([1, 2]))
    state["log_history"].insert(1, {"note": "no row"})
    source = opened(tmp_path, "trainer_state")
    document.write(json.dumps(state))
    state["log_history"].append({"step": 3, "loss": 0.5})
    (first,) = polled(source)
    document.write(json.dumps(state))
    (second,) = polled(source)
    assert (steps(first), first.skipped) == ([1, 2], {"no_training_row": 1})
    assert (steps(second), second.skipped, second.restarted) == ([3], {}, False)


def test_a_sparse_document_of_terabytes_is_not_read(tmp_path: Path, document: Document) -> None:
    """It begins with NULs, so it is none."""
    with document.path.open("wb") as file:
        file.truncate(1 << 40)
    (reading,) = polled(opened(tmp_path, "trainer_state"))
    assert (reading.records, reading.skipped, reading.size) == ([], {"not_json": 1}, 0)


def test_a_document_that_cannot_be_read_says_why(tmp_path: Path, document: Document) -> None:
    """In words for people; it is looked at again."""
    source = opened(tmp_path, "trainer_state")
    assert source.poll(0.0) is None
    document.path.mkdir()
    assert source.poll(0.0) is None
    assert "folder" in (source.error or "")
    document.path.rmdir()
    document.write(training.trainer_state([1]))
    source.check(0.0)
    assert steps(polled(source)) == [1]
    assert source.error is None


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=12))
@example([(1, False), (0, False), (0, True), (1, False)])
def test_a_document_read_at_any_moments_gives_the_rows_of_its_last_writing(
    tmp_path_factory: pytest.TempPathFactory, looks: list[tuple[int, bool]]
) -> None:
    """Grown, torn or another: whoever folds anew when told so has just the rows of the last whole writing."""
    document = Document(tmp_path_factory.mktemp("document"))
    source = opened(document.path.parent, "trainer_state")
    folded: list[int | None] = []
    whole: list[int] = []
    for rows, torn in looks:
        text = training.trainer_state(range(1, rows + 1))
        document.write(text[: len(text) // 2] if torn else text)
        whole = whole if torn else list(range(1, rows + 1))
        for reading in polled(source):
            folded = [] if reading.restarted else folded
            folded += steps(reading)
        assert folded == whole or (not whole and not folded)


# Two logs of one run


def joined(record: Record) -> tuple[RowKind, int | None, float | None, float | None]:
    return record.kind, record.step, record.get(c.LOSS), record.get(c.GRAD_NORM)


def test_a_live_log_takes_what_it_lacks_from_the_document_beside_it(
    tmp_path: Path, document: Document
) -> None:
    """LLaMA-Factory's log has no grad_norm; its own values stay."""
    training.append(tmp_path / "trainer_log.jsonl", *map(training.llamafactory, (1, 2, 4)))
    state = json.loads(training.trainer_state([1, 2, 3]))
    state["log_history"][0]["loss"] = 99.0
    state["log_history"].append({"step": 4, "eval_loss": 0.5, "epoch": 0.1})
    document.write(json.dumps(state))
    (reading,) = polled(opened(tmp_path, "llamafactory", "trainer_state.json"))
    assert [joined(record) for record in reading.records] == [
        (RowKind.TRAIN, 1, 1.0, 0.125),
        (RowKind.TRAIN, 2, 0.5, 0.25),
        (RowKind.TRAIN, 4, 0.25, None),
    ]


def test_a_live_log_is_folded_again_when_the_document_has_grown(tmp_path: Path, document: Document) -> None:
    """What was read before gets its grad_norm then; no counter begins anew for that."""
    log = training.append(tmp_path / "trainer_log.jsonl", training.llamafactory(1))
    source = opened(tmp_path, "llamafactory", "trainer_state.json")
    (first,) = polled(source)
    document.write(training.trainer_state([1]))
    (second,) = polled(source)
    training.append(log, training.llamafactory(2))
    (third,) = polled(source)
    assert [joined(record)[3] for record in (*first.records, *second.records, *third.records)] == [
        None,
        0.125,
        None,
    ]
    assert [(reading.again, reading.restarted) for reading in (first, second, third)] == [
        (False, False),
        (True, False),
        (False, False),
    ]


def test_a_live_log_that_is_away_while_the_document_grows_is_folded_again_once(
    tmp_path: Path, document: Document
) -> None:
    """Its rows must not be folded on top of themselves."""
    log = training.append(tmp_path / "trainer_log.jsonl", training.llamafactory(1))
    source = opened(tmp_path, "llamafactory", "trainer_state.json")
    polled(source)
    document.write(training.trainer_state([1]))
    log.rename(tmp_path / "away")
    assert polled(source) == []
    (tmp_path / "away").rename(log)
    readings = list(filter(None, (source.poll(now) for now in (60.0, 120.0))))
    assert [(steps(reading), reading.again) for reading in readings] == [([1], True)]


def test_a_document_with_nothing_new_folds_nothing_again(tmp_path: Path, document: Document) -> None:
    """It is written at each checkpoint, also where only its flags have changed."""
    training.append(tmp_path / "trainer_log.jsonl", training.llamafactory(1))
    document.write(training.trainer_state([1]))
    source = opened(tmp_path, "llamafactory", "trainer_state.json")
    polled(source)
    document.write(training.trainer_state([1]) + " ")
    assert polled(source) == []


def test_only_llamafactorys_log_is_joined(tmp_path: Path, document: Document) -> None:
    """ms-swift's lacks nothing."""
    training.append(tmp_path / "logging.jsonl", '{"loss": 1.0, "global_step": 1}')
    document.write(training.trainer_state([1]))
    (reading,) = polled(opened(tmp_path, "swift", "trainer_state.json"))
    assert [record.get(c.GRAD_NORM) for record in reading.records] == [None]


def test_closing_gives_every_descriptor_back(tmp_path: Path, document: Document) -> None:
    """Parking does so too."""
    before = len(os.listdir("/proc/self/fd"))
    training.append(tmp_path / "trainer_log.jsonl", training.llamafactory(1))
    document.write(training.trainer_state([1]))
    source = opened(tmp_path, "llamafactory", "trainer_state.json")
    polled(source)
    source.park()
    assert len(os.listdir("/proc/self/fd")) == before
    polled(source)
    source.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_printed_log_takes_its_steps_from_the_arguments_beside_it(tmp_path: Path) -> None:
    """Where no progress bar tells the steps between records, the run's own logging_steps does."""
    (tmp_path / "args.json").write_text('{"logging_steps": 5}', encoding="utf-8")
    log = tmp_path / "train.log"
    log.write_text("".join(f"{{'loss': 0.5, 'epoch': {at / 10}}}\n" for at in range(1, 5)), encoding="utf-8")
    found = discover([str(log)], SearchOptions(ignore_older=None), 0.0).found[0]
    reading = open_source(found, Readers()).poll(0.0)
    assert reading is not None
    assert [record.step for record in reading.records] == [5, 10, 15, 20]


def test_a_row_that_may_not_be_whole_is_told_when_nobody_writes_any_more(tmp_path: Path) -> None:
    """Several dicts say what there is to say of a step; the last one has no step behind it."""
    log = tmp_path / "train.log"
    log.write_text(
        "m.py:1 - rollout 1: {'rollout/raw_reward': 0.5}\nm.py:2 - step 1: {'train/grad_norm': 0.25}\n"
    )
    source = LineSource(str(log), lambda: Readers().reader(registered()["slime"]), patient=False)
    reading = source.poll(0.0)
    assert reading is not None
    assert reading.records == []
    (record,) = source.rest()[0]
    assert (record.step, record.get(c.GRAD_NORM)) == (1, 0.25)
    assert source.rest()[0] == []

"""TensorBoard's event files, whoever writes them: each scalar is a record, all of one step are a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from llmtrain_exporter.ingest import tracked_rows
from llmtrain_exporter.ingest.argument_files import HUGGING_FACE_FILES
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Shape
from llmtrain_exporter.ingest.frames import Frames
from llmtrain_exporter.ingest.gathering import GatheredRows, GatheringReader
from llmtrain_exporter.ingest.hparams import TAG, session_settings
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.phases import EPOCHS
from llmtrain_exporter.ingest.protobuf import MalformedError
from llmtrain_exporter.ingest.settings_text import parse_json
from llmtrain_exporter.ingest.summaries import Event, read_event
from llmtrain_exporter.ingest.tags import key_of
from llmtrain_exporter.knowledge.producer import PYTHON_KEYWORD, Producer
from llmtrain_exporter.knowledge.producers import TRANSFORMERS
from llmtrain_exporter.knowledge.row import EVAL_PREFIX, EVAL_PREFIXES
from llmtrain_exporter.knowledge.skips import BROKEN_FRAME
from llmtrain_exporter.model import Record, Skip

FILES = ("events.out.tfevents.*",)
ARGUMENTS_TAG = "args/text_summary"  # Transformers writes its training arguments there, as JSON
FIRST_EVENTS = 64  # in which settings stand
EPOCH = "train/epoch"  # of Transformers, which repeats it with each part of a step's row


_DAMAGED, _NO_NUMBER = Skip(BROKEN_FRAME), Skip("no_number")

UNKNOWN = Producer(
    name="tensorboard",
    style=PYTHON_KEYWORD,
    flags={"learning_rate": "learning_rate", "max_grad_norm": "max_grad_norm", "beta": "beta"},
)
"""Anybody: the names of settings are the usual ones in Python."""

WRITERS = {EPOCH: TRANSFORMERS, ARGUMENTS_TAG: TRANSFORMERS, **tracked_rows.WRITERS}
"""Tags that tell who writes the file."""


class EventReader(GatheringReader):
    """Reads the records of one event file."""

    def __init__(self, normaliser: Normaliser, evaluates: bool = False) -> None:
        """`evaluates`: whatever is called as it is in training was logged by an evaluation."""
        self._key_of = _evaluated_key_of if evaluates else key_of
        super().__init__(GatheredRows(normaliser, again=(EPOCH,)))
        self.producer: Producer | None = None

    def read(self, record: bytes) -> Iterable[Record | Skip]:
        """The records that are whole with this one."""
        if not record:
            return ()
        try:
            event = read_event(record)
        except MalformedError:
            return (_DAMAGED,)
        return self._take(event)

    def _take(self, event: Event) -> Iterable[Record | Skip]:
        if self.producer is None:
            tags = (*event.texts, *(tag for tag, _ in event.numbers))
            self.producer = next((WRITERS[tag] for tag in tags if tag in WRITERS), None)
        if not event.numbers:
            return (_NO_NUMBER,)
        cells = {key: number for tag, number in event.numbers if (key := self._key_of(tag)) is not None}
        return self._rows.add(event.step, cells, event.time) if cells and event.step is not None else ()


def _evaluated_key_of(tag: str) -> str | None:
    key = key_of(tag)
    if key is None or key.startswith(EVAL_PREFIXES) or key in EPOCHS:
        return key
    return EVAL_PREFIX + key


def sniff(head: Head) -> Confidence:
    """The first record says which version of the format it is."""
    return Confidence.SURE if b"brain.Event:" in head.text[:64] else Confidence.NO


def settings(content: bytes) -> Mapping[str, object]:
    """What the first events of a file say of settings: Transformers' arguments, and those of `hparams`."""
    found: dict[str, object] = {}
    for record in islice(Frames(0, 0).take(content, 0, len(content)), FIRST_EVENTS):
        found.update(_settings(record))
    return found


def _settings(record: bytes) -> Mapping[str, object]:
    try:
        return _stated(read_event(record))
    except MalformedError:
        return {}


def _stated(event: Event) -> Mapping[str, object]:
    stated = parse_json(event.texts.get(ARGUMENTS_TAG, "").encode())
    kept = event.kept.get(TAG)
    return {
        **(session_settings(kept) if kept else {}),
        **(stated if isinstance(stated, dict) else {}),
    }


DIALECT = Dialect(
    name="tensorboard",
    producer=UNKNOWN,
    reader=lambda normaliser, _: EventReader(normaliser),
    evaluation_reader=lambda normaliser: EventReader(normaliser, evaluates=True),
    sniff=sniff,
    files=FILES,
    shape=Shape.RECORDS,
    gathers=True,
    kept_by_tracker=True,
    argument_files=(
        *HUGGING_FACE_FILES,
        ArgumentFile(FILES[0], settings, begin=True),
        ArgumentFile("*/" + FILES[0], settings, begin=True),  # where add_hparams writes them
    ),
)

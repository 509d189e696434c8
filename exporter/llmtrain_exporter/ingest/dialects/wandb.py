"""W&B's `run-ID.wandb`: LevelDB's log format around Protocol Buffers, kept online and offline alike.

Read against wandb 0.31.0, whose core writes blocks of 32 KB, and after 15 seconds what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from llmtrain_exporter.ingest import protobuf
from llmtrain_exporter.ingest.argument_files import tracked_settings
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Shape
from llmtrain_exporter.ingest.framed import BEGINNING, first_frames
from llmtrain_exporter.ingest.framing import BROKEN_FRAME
from llmtrain_exporter.ingest.leveldb_log import LevelDbLog
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.settings_text import parse_json
from llmtrain_exporter.ingest.several_files import SeveralFiles, tracked_part
from llmtrain_exporter.ingest.stated import producer_of
from llmtrain_exporter.ingest.tracked_rows import TrackedRow, TrackedRun, planned_steps
from llmtrain_exporter.ingest.values import count, number
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.knowledge.producers import TRANSFORMERS
from llmtrain_exporter.knowledge.row import FINAL
from llmtrain_exporter.model import Record, Skip

MOST_KEYS = 1 << 14
"""That are remembered; more come only from a hostile log."""

PREAMBLE = b":W&B\xe1\xbe"
_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT = 2, 3, 5, 17, 18  # fields of its Record
_RUN_CONFIG = 4  # of RunRecord
_ITEMS = 1  # of HistoryRecord; `update` of the others
_KEY, _NESTED_KEY, _VALUE = 1, 2, 16  # of their items
_VALUE_FOLLOWS, _LONG = b"\x82\x01", 128  # the tag of a value, and from which length on two bytes tell it
_EXIT_CODE = 1
_CLOSING = tuple(key.encode() for key in FINAL)


class WandbRun:
    """Reads the records of one run."""

    def __init__(self, normaliser: Normaliser) -> None:
        self._run = TrackedRun(normaliser)
        self._keys = _Items()
        self._summary: dict[str, object] = {}
        self.settings: dict[str, object] = {}
        self._producer: tuple[int, Producer | None] = (0, None)  # so many settings, and whose they are
        self.time: float | None = None  # Unix time of the last row

    @property
    def producer(self) -> Producer | None:
        """Who logs, where the settings are one trainer's alone, or the keys."""
        if self._producer[0] != len(self.settings):
            self._producer = len(self.settings), producer_of(self.settings)
        return self._producer[1] or self._run.writer

    def read(self, payload: bytes) -> Iterable[Record | Skip]:
        """The records of a frame: most hold none."""
        try:
            return [read for field in protobuf.fields(payload) for read in self._field(field)]
        except protobuf.MalformedError:
            return (BROKEN_FRAME,)

    def _field(self, field: protobuf.Field) -> Iterable[Record | Skip]:
        if type(field.value) is not bytes:
            return ()
        if field.number == _HISTORY:
            return self._row(dict(self._keys.items(field.value)))
        if field.number == _SUMMARY:
            if any(key in field.value for key in _CLOSING):  # else it repeats the row before it
                self._summary.update(self._keys.items(field.value))
        elif field.number in (_CONFIG, _RUN):
            self.settings.update(self._stated(field) if len(self.settings) < MOST_KEYS else {})
        elif field.number == _EXIT:
            return self._exit(field.value)
        return ()

    def _row(self, cells: Mapping[str, object]) -> Iterable[Record | Skip]:
        self.time = number(cells.get("_timestamp"))
        row = TrackedRow(count(cells.get("_step")), self.time, cells)
        return self._run.read(row, planned_steps(self.settings))

    def _stated(self, field: protobuf.Field) -> Mapping[str, object]:
        message = field.value if type(field.value) is bytes else b""
        configs = (message,) if field.number == _CONFIG else protobuf.submessages(message, _RUN_CONFIG)
        items = (item for config in configs for item in self._keys.items(config))
        return {key: value for key, value in items if value is not None}

    def _exit(self, message: bytes) -> Iterable[Record | Skip]:
        codes = [field.value for field in protobuf.fields(message) if field.number == _EXIT_CODE]
        return self._run.end(not any(codes), self._summary)


class _Items:
    """Reads the items of a history, a summary or a config. Thousands of rows have the same keys."""

    def __init__(self) -> None:
        self._keys: dict[bytes, str] = {}  # by what stands before the value of an item

    def items(self, message: bytes) -> Iterator[tuple[str, object]]:
        """Keys, nested ones with their parts joined by dots, and values. Raises MalformedError."""
        for item in protobuf.submessages(message, _ITEMS):
            before, mark, value = item.partition(_VALUE_FOLLOWS)
            if not mark or not value or value[0] != len(value) - 1 or value[0] >= _LONG:
                yield from _item(item)
                continue
            key = self._keys.get(before)
            yield self._key(before) if key is None else key, parse_json(value[1:])

    def _key(self, before: bytes) -> str:
        if len(self._keys) > MOST_KEYS:
            self._keys.clear()
        key = self._keys[before] = _joined(list(protobuf.fields(before)))
        return key


def _item(item: bytes) -> Iterator[tuple[str, object]]:
    fields = list(protobuf.fields(item))
    value = next((field.value for field in fields if field.number == _VALUE), None)
    if type(value) is bytes:
        yield _joined(fields), parse_json(value)


def _joined(fields: Iterable[protobuf.Field]) -> str:
    return ".".join(protobuf.text(field.value) for field in fields if field.number in (_KEY, _NESTED_KEY))


def stated(path: str) -> Mapping[str, object]:
    """What the run was started with, as far as its log says so in its beginning. Raises OSError."""
    reader = WandbRun(Normaliser())
    for frame in first_frames(path, framing(), BEGINNING):
        reader.read(frame)
    return reader.settings


def framing() -> LevelDbLog:
    """Of one file."""
    return LevelDbLog(PREAMBLE)


def sniff(head: Head) -> Confidence:
    """By what the file begins with."""
    return Confidence.SURE if head.text.startswith(PREAMBLE[:4]) else Confidence.NO


DIALECT = Dialect(
    name="wandb",
    producer=TRANSFORMERS,
    reader=lambda normaliser, _: WandbRun(normaliser),
    sniff=sniff,
    files=("*.wandb",),
    shape=Shape.FRAMES,
    argument_files=(ArgumentFile("files/config.yaml", tracked_settings),),
    framing=framing,
    stated=stated,
    kept_by_tracker=True,
    several=SeveralFiles(tracked_part),
)

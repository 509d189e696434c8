"""W&B's `run-ID.wandb`: LevelDB's log format around Protocol Buffers, kept online and offline alike.

Read against wandb 0.31.0, whose core writes blocks of 32 KB, and after 15 seconds what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from llmtrain_exporter.ingest import protobuf
from llmtrain_exporter.ingest.argument_files import tracked_settings
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Shape
from llmtrain_exporter.ingest.framed import BEGINNING, first_frames
from llmtrain_exporter.ingest.framing import BROKEN_FRAME
from llmtrain_exporter.ingest.late_numbers import Lateness
from llmtrain_exporter.ingest.leveldb_log import LevelDbLog
from llmtrain_exporter.ingest.nested import flat_cells, shown_key
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.settings_text import parse_json
from llmtrain_exporter.ingest.several_files import SeveralFiles, tracked_part
from llmtrain_exporter.ingest.stated import producer_of
from llmtrain_exporter.ingest.tracked_order import TrackedOrder
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
_OBJECT = b'{"'  # in a history: a nested number, or W&B's own of pictures and tables
_CLOSING = tuple(key.encode() for key in FINAL)


class WandbRun:
    """Reads the records of one run."""

    def __init__(self, normaliser: Normaliser) -> None:
        self._run, self._order = TrackedRun(normaliser), TrackedOrder()
        self._keys, self._cells = _Items(".".join), _Items(shown_key)
        self._summary: dict[str, object] = {}
        self.settings: dict[str, object] = {}
        self._producer: tuple[int, Producer | None] = (0, None)  # so many settings, and whose they are
        self.time: float | None = None  # Unix time of the last row

    def expect(self, lateness: Lateness) -> None:
        """Some of the numbers come late. Before anything is read."""
        self._order = TrackedOrder(lateness)

    @property
    def holds(self) -> bool:
        """Whether numbers are still to come of a row."""
        return self._order.holds

    @property
    def patience(self) -> float:
        """Seconds of silence after which none is."""
        return self._order.patience

    def release(self) -> Iterable[Record | Skip]:
        """The records of the rows that are held."""
        return self._records(self._order.end())

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
            cells = dict(self._cells.items(field.value))
            return self._row(flat_cells(cells) if _OBJECT in field.value else cells)
        if field.number == _SUMMARY:
            if any(key in field.value for key in _CLOSING):  # else it repeats the row before it
                self._summary.update(self._keys.items(field.value))
        elif field.number in (_CONFIG, _RUN):
            self.settings.update(self._stated(field) if len(self.settings) < MOST_KEYS else {})
        elif field.number == _EXIT:
            return self._exit(field.value)
        return ()

    def _row(self, cells: Mapping[str, object]) -> Iterable[Record | Skip]:
        time = number(cells.get("_timestamp"))
        return self._records(self._order.add(TrackedRow(count(cells.get("_step")), time, cells)))

    def _records(self, rows: Sequence[TrackedRow]) -> Iterable[Record | Skip]:
        self.time = rows[-1].time if rows else self.time
        planned = planned_steps(self.settings)
        return [read for row in rows for read in self._run.read(row, planned)]

    def _stated(self, field: protobuf.Field) -> Mapping[str, object]:
        message = field.value if type(field.value) is bytes else b""
        configs = (message,) if field.number == _CONFIG else protobuf.submessages(message, _RUN_CONFIG)
        items = (item for config in configs for item in self._keys.items(config))
        return {key: value for key, value in items if value is not None}

    def _exit(self, message: bytes) -> Iterable[Record | Skip]:
        codes = [field.value for field in protobuf.fields(message) if field.number == _EXIT_CODE]
        return [*self.release(), *self._run.end(not any(codes), self._summary)]


class _Items:
    """Reads the items of a history, a summary or a config. Thousands of rows have the same keys."""

    def __init__(self, join: Callable[[tuple[str, ...]], str]) -> None:
        """`join`: the name for the parts of a nested key."""
        self._join = join
        self._keys: dict[bytes, str] = {}  # by what stands before the value of an item

    def items(self, message: bytes) -> Iterator[tuple[str, object]]:
        """Keys, nested ones with their parts joined, and values. Raises MalformedError."""
        for item in protobuf.submessages(message, _ITEMS):
            before, mark, value = item.partition(_VALUE_FOLLOWS)
            if not mark or not value or value[0] != len(value) - 1 or value[0] >= _LONG:
                yield from self._item(item)
                continue
            key = self._keys.get(before)
            yield self._key(before) if key is None else key, parse_json(value[1:])

    def _key(self, before: bytes) -> str:
        if len(self._keys) > MOST_KEYS:
            self._keys.clear()
        key = self._keys[before] = self._joined(protobuf.fields(before))
        return key

    def _item(self, item: bytes) -> Iterator[tuple[str, object]]:
        fields = list(protobuf.fields(item))
        value = next((field.value for field in fields if field.number == _VALUE), None)
        if type(value) is bytes:
            yield self._joined(fields), parse_json(value)

    def _joined(self, fields: Iterable[protobuf.Field]) -> str:
        parts = (protobuf.text(field.value) for field in fields if field.number in (_KEY, _NESTED_KEY))
        return self._join(tuple(parts))


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

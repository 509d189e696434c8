"""W&B's `run-ID.wandb`: LevelDB's log format around Protocol Buffers, kept online and offline alike.

Read against wandb 0.31.0, whose core writes blocks of 32 KB, and after 15 seconds what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from llmtrain_exporter.ingest import protobuf
from llmtrain_exporter.ingest.arguments import ArgumentFile, parse_json, parse_valued_yaml
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Shape
from llmtrain_exporter.ingest.framed import BEGINNING, first_frames
from llmtrain_exporter.ingest.framing import BROKEN_FRAME
from llmtrain_exporter.ingest.leveldb_log import LevelDbLog
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.tracked_rows import TrackedRow, TrackedRun, planned_steps
from llmtrain_exporter.ingest.values import count, number
from llmtrain_exporter.knowledge.producers import TRANSFORMERS
from llmtrain_exporter.knowledge.row import FINAL
from llmtrain_exporter.model import Record, Skip

PREAMBLE = b":W&B\xe1\xbe"
_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT = 2, 3, 5, 17, 18  # fields of its Record
_RUN_CONFIG = 4  # of RunRecord
_ITEMS = 1  # of HistoryRecord; `update` of the others
_KEY, _NESTED_KEY, _VALUE = 1, 2, 16  # of their items
_EXIT_CODE = 1
_CLOSING = tuple(key.encode() for key in FINAL)


class WandbRun:
    """Reads the records of one run."""

    def __init__(self, normaliser: Normaliser) -> None:
        self._run = TrackedRun(normaliser)
        self._summary: dict[str, object] = {}
        self.settings: dict[str, object] = {}
        self.time: float | None = None  # Unix time of the last row

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
            return self._row(dict(_items(field.value)))
        if field.number == _SUMMARY:
            if any(key in field.value for key in _CLOSING):  # else it repeats the row before it
                self._summary.update(_items(field.value))
        elif field.number in (_CONFIG, _RUN):
            self.settings.update(_settings(field))
        elif field.number == _EXIT:
            return self._exit(field.value)
        return ()

    def _row(self, cells: Mapping[str, object]) -> Iterable[Record | Skip]:
        self.time = number(cells.get("_timestamp"))
        row = TrackedRow(count(cells.get("_step")), self.time, cells)
        return self._run.read(row, planned_steps(self.settings))

    def _exit(self, message: bytes) -> Iterable[Record | Skip]:
        codes = [field.value for field in protobuf.fields(message) if field.number == _EXIT_CODE]
        return self._run.end(not any(codes), self._summary)


def _items(message: bytes) -> Iterator[tuple[str, object]]:
    """The items of a history, a summary or a config, each key with its parts joined by dots."""
    for item in protobuf.submessages(message, _ITEMS):
        fields = list(protobuf.fields(item))
        parts = [protobuf.text(field.value) for field in fields if field.number in (_KEY, _NESTED_KEY)]
        value = next((field.value for field in fields if field.number == _VALUE), None)
        if type(value) is bytes:
            yield ".".join(parts), parse_json(value)


def _settings(field: protobuf.Field) -> Iterator[tuple[str, object]]:
    message = field.value if type(field.value) is bytes else b""
    configs = (message,) if field.number == _CONFIG else protobuf.submessages(message, _RUN_CONFIG)
    return (item for config in configs for item in _items(config) if item[1] is not None)


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
    files=("run-*.wandb",),
    shape=Shape.FRAMES,
    argument_files=(ArgumentFile("files/config.yaml", parse_valued_yaml),),
    framing=framing,
    stated=stated,
)

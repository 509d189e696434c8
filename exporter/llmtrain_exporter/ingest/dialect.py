"""What there is to know of one way of writing a training log; each has a file of its own in `dialects/`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple, Protocol, runtime_checkable

from llmtrain_exporter.ingest.argument_files import HUGGING_FACE_FILES
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.encoding import as_utf8
from llmtrain_exporter.ingest.framing import Framing
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.prefixes import without_prefixes
from llmtrain_exporter.ingest.schedule import Schedule
from llmtrain_exporter.ingest.several_files import SeveralFiles
from llmtrain_exporter.ingest.store import Store
from llmtrain_exporter.ingest.wrappers import unwrapped
from llmtrain_exporter.knowledge.producer import Producer
from llmtrain_exporter.model import Record, Skip


class Shape(Enum):
    """How a file of the dialect is read."""

    LINES = "lines"  # grows, a line at a time
    RECORDS = "records"  # grows, a record of TFRecord at a time; each start of a program begins another file
    DOCUMENT = "document"  # is written whole again with more in it
    FRAMES = "frames"  # grows, a binary record at a time
    STORE = "store"  # holds several runs, and is asked anew when it was written


class Role(Enum):
    """What a file of the dialect is to the other logs of its folder."""

    FOLDER = "folder"  # the logs of a folder are of one run, called after it; one is read, others may add
    FILE = "file"  # a run of its own, called after the file
    CONSOLE = "console"  # the same, in a file that the operator names; gives way to what was logged as data


class Confidence(IntEnum):
    """How sure it is from its first bytes that a file is of a dialect."""

    NO = 0
    FALLBACK = 1  # any text may be
    POSSIBLE = 2  # the shape fits, as it does better to another dialect
    LIKELY = 3  # the shape fits
    SURE = 4  # has what no other dialect has


class Head(NamedTuple):
    """The first bytes of a file without the blanks before them, and the JSON object in its first line.

    Both of what a program wrote, without what hosts and launchers put around each line.
    """

    text: bytes
    first: Mapping[str, object] | None

    @classmethod
    def of(cls, data: bytes) -> Head:
        """Of the bytes as they stand in the file."""
        text = unwrapped(as_utf8(data).lstrip())
        try:
            first = json.loads(text.partition(b"\n")[0])
        except (ValueError, RecursionError):
            first = None
        if isinstance(first, dict):
            return cls(text, first)
        return cls(b"\n".join(map(without_prefixes, text.split(b"\n"))), None)


class LogReader(Protocol):
    """Reads the lines of one log in order, or a document. It may learn from them: each log has its own."""

    def read(self, line: bytes, /) -> Iterable[Record | Skip]:
        """The records of a line, or why it has none; nothing for a line that nobody would miss."""


class ReadsBlocks(Protocol):
    """A reader that reads many lines together, which is quicker."""

    def read_all(self, lines: Sequence[bytes], /) -> Iterable[Sequence[Record | Skip]]:
        """What `read` reads of each line, in their order; training rows that are alike as a `RecordBlock`."""


@runtime_checkable
class KnowsProducer(Protocol):
    """A reader that can find out who writes its log."""

    @property
    def producer(self) -> Producer | None:
        """None: the log does not say, or not yet."""


@runtime_checkable
class HoldsRow(Protocol):
    """A reader that hands a row on when the next one begins."""

    def release(self) -> Iterable[Record | Skip]:
        """What it holds, as it is: no more is to come."""


class Stages(NamedTuple):
    """A document as it stood after each of its rows."""

    rows: int
    after: Callable[[int], bytes]  # so many rows, from 1


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """One way of writing a log: where it is found, how it is told from others and read, who writes it."""

    name: str  # that of its module
    producer: Producer
    reader: Callable[[Normaliser, Schedule], LogReader]  # of what all its logs share, and its own arguments
    sniff: Callable[[Head], Confidence]
    files: tuple[str, ...] = ()  # names under which the producer writes it, or patterns of names
    shape: Shape = Shape.LINES
    role: Role = Role.FOLDER
    live: bool = True  # grows with each row, while others are written now and then
    evaluation_reader: Callable[[Normaliser], LogReader] | None = None  # of folders with nothing else
    stepless: bool = False  # its rows state no step: what the arguments say of that counts
    normaliser: Callable[[], Normaliser] = Normaliser
    argument_files: tuple[ArgumentFile, ...] = HUGGING_FACE_FILES  # beside the log, the most telling first
    completed_by: Dialect | None = None  # has, in the same folder, what rows of this one lack
    kept_by_tracker: bool = False  # what the trainer logs itself may say the same, elsewhere
    gathers: bool = False  # rows are written in parts: its reader holds one until it is whole
    by_content: bool = False  # others call files so too: only what it is surely is taken
    in_checkpoints: bool = False  # each checkpoint has one; the run's folder alone only at its end
    stages: Callable[[bytes], Stages] | None = None  # of each document, to replay it; raises ValueError
    framing: Callable[[], Framing] | None = None  # of a log of frames
    stated: Callable[[str], Mapping[str, object]] | None = None  # settings in the log at that path itself
    store: Callable[[str], Store] | None = None  # asks the store at that path
    leads: bool = False  # has all that other logs of its folder have: is followed as long as it grows
    whole_folder: bool = False  # the store is all that lies in the folder of its file
    grown_files: Callable[[str], Iterable[str]] | None = None  # those in which the rows of that store stand
    several: SeveralFiles | None = None  # a training may have more than one such log; how that is told

    @property
    def promises_run(self) -> bool:
        """Whether the very name of a file says that a training writes it, even while it is empty.

        In a store everybody keeps what he likes; each process begins a file of records, for settings too.
        """
        silent = self.shape in (Shape.STORE, Shape.RECORDS)
        return self.live and self.role is not Role.CONSOLE and not silent

    @property
    def files_per_run(self) -> bool:
        """Whether a run may have many files of its log, which are read one after the other."""
        return self.shape is Shape.RECORDS

    @property
    def makes_output(self) -> bool:
        """Whether the name of its files says that a folder is the output of a training."""
        return not (self.run_per_file or self.files_per_run or self.by_content)

    @property
    def run_per_file(self) -> bool:
        """Whether each file is a run, called after the file and not after its folder."""
        return self.role is not Role.FOLDER

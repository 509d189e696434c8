"""`history`: what logs say, record by record, into a file that other programs read."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge.no_run import NoRunReason
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.output_file import replacing, target_fault
from llmtrain_exporter.push.formats.csv_table import CsvWriter
from llmtrain_exporter.push.formats.history_writer import HistoryWriter
from llmtrain_exporter.push.formats.json_lines import JsonLinesWriter
from llmtrain_exporter.push.formats.open_metrics import OpenMetricsWriter
from llmtrain_exporter.push.formats.parquet_table import ParquetWriter
from llmtrain_exporter.push.read_history import histories
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.story.several import no_run_text
from llmtrain_exporter.watching.on_demand import missed

log = logging.getLogger(__name__)

FORMATS: Mapping[str, Callable[[BinaryIO], HistoryWriter]] = {
    "openmetrics": OpenMetricsWriter,
    "csv": CsvWriter,
    "jsonl": JsonLinesWriter,
    "parquet": ParquetWriter,
}
"""What writes each format, by the name under which it is asked for."""


class HistoryError(ValueError):
    """What is wrong with what was asked for, for people."""


@dataclass(frozen=True, slots=True)
class HistoryWanted:
    """What is to be written: in which format, where (None: standard output), as which kind of training."""

    format: str
    out: Path | None
    profile: str | None


@dataclass(frozen=True, slots=True)
class HistoryWritten:
    """How many records of how many runs were written. `whole`: nothing that was asked for is left out."""

    runs: int
    records: int
    whole: bool


def write_history(
    paths: Sequence[str], settings: Settings, wanted: HistoryWanted, err: TextIO, now: float
) -> HistoryWritten:
    """Read logs to their end, one after the other, and write all records. `now`: Unix time.

    Raises HistoryError, and OSError where it cannot be written; what was there before is then still there.
    """
    others: list[NoRun] = []
    runs = records = 0
    with _opened(wanted, paths) as out, closing(FORMATS[wanted.format](out)) as writer:
        for history in histories(paths, settings, wanted.profile, now):
            found = [history] if isinstance(history, NoRun) else whole_log(history, now)
            for each in found:
                if isinstance(each, NoRun):
                    others.append(each)
                    err.write(f"{no_run_text(each, Lang.EN)}\n")
                else:
                    writer.write(each)
            count = 0 if isinstance(history, NoRun) else history.records
            runs, records = runs + bool(count), records + count
        writer.finish()
    return HistoryWritten(runs, records, bool(runs) and not missed(paths, others))


def whole_log(history: RunHistory, now: float) -> Iterator[RecordSamples | NoRun]:
    """All records of a log; at last, where there was none or reading has failed, why."""
    try:
        yield from history.samples(0.0, now)
    except Exception as error:  # a broken log must not silence the others
        log.debug("%s: cannot be analysed", history.file, exc_info=True)
        yield NoRun(history.file, NoRunReason.BROKEN, detail=type(error).__name__)
        return
    if not history.records:
        yield history.why_none()


@contextmanager
def _opened(wanted: HistoryWanted, logs: Sequence[str]) -> Iterator[BinaryIO]:
    """Where it is written to: a file comes whole or not at all."""
    if wanted.out is None:
        yield sys.stdout.buffer
        return
    if fault := target_fault(wanted.out, logs, "the history"):
        raise HistoryError(fault)
    with replacing(wanted.out) as file:
        yield file

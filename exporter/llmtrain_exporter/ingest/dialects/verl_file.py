"""What verl's logger `file` writes: the step beside the numbers, null where one of them is none."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from llmtrain_exporter.ingest.argument_files import HYDRA_FILES
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role
from llmtrain_exporter.ingest.json_rows import JsonRows
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.phases import apart
from llmtrain_exporter.knowledge.producers import VERL
from llmtrain_exporter.model import Record, Skip

_BEGIN = re.compile(rb'\{"step": ?-?\d{1,15}, ?"data": ?\{(?:"[^"]{1,300}": ?(?:null|-?[\d.]|\Z)|\})')


class VerlFile:
    """Reads one log. A validation shares the row of its step, or has one of its own."""

    __slots__ = ("_json", "_normaliser")

    def __init__(self, normaliser: Normaliser) -> None:
        self._normaliser = normaliser
        self._json = JsonRows(self)

    def read(self, line: bytes) -> Iterable[Record | Skip]:
        """The records of a line: of its training, and of its validation."""
        return self._json.read(line)

    def rows(self, row: Mapping[str, object]) -> list[Record | Skip]:
        """The records of the object of a line."""
        data = row.get("data")
        if not isinstance(data, dict):
            return list(self._normaliser.rows(row))
        numbers = {key: math.nan if value is None else value for key, value in data.items()}
        rows = apart(numbers, {"step": row.get("step")})
        return [read for cells in rows for read in self._normaliser.rows(cells)]


def sniff(head: Head) -> Confidence:
    """A step, and the numbers beside it."""
    return Confidence.SURE if _BEGIN.match(head.text) else Confidence.NO


DIALECT = Dialect(
    name="verl_file",
    producer=VERL,
    reader=lambda normaliser, _: VerlFile(normaliser),
    sniff=sniff,
    files=("*.jsonl",),
    role=Role.FILE,  # <project>/<experiment>.jsonl
    by_content=True,
    argument_files=HYDRA_FILES,
)

"""Which printed dicts are rows of a training."""

from __future__ import annotations

from llmtrain_exporter.ingest.dialects.printed import DIALECT
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.schedule import UNKNOWN
from llmtrain_exporter.model import Record

ROW = b"{'loss': 0.1, 'reward': %s, 'kl': 0.01, 'completions/mean_length': 90.0, 'epoch': 0.1}"
ENVIRONMENT = b"{'step': 0, 'agent_id': 'buyer', 'strike': 'N/A', 'reward': 0.5}"
NUMBERS = b"{'step': 4, 'reward': 0.5, 'kl': 0.1}"


def rewards(*lines: bytes) -> list[float | None]:
    """The reward of each record."""
    reader = DIALECT.reader(Normaliser(), UNKNOWN)
    records = [found for line in lines for found in reader.read(line) if isinstance(found, Record)]
    return [
        next(v for s, v in zip(r.layout.series, r.values, strict=True) if s.metric.name.endswith("_reward"))
        for r in records
    ]


def test_what_a_reward_function_prints_is_no_record() -> None:
    """Neither before the trainer's own rows nor after them."""
    own = [ROW % str(at / 10).encode() for at in (1, 2, 3)]
    assert rewards(ENVIRONMENT, own[0], ENVIRONMENT, own[1], NUMBERS, own[2]) == [0.1, 0.2, 0.3]


def test_a_program_may_print_rows_of_its_own_kind() -> None:
    """Where nothing else is printed, all of whose cells are numbers."""
    assert rewards(NUMBERS, NUMBERS.replace(b"0.5", b"0.7")) == [0.5, 0.7]

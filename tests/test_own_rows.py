"""Which printed dicts are rows of a training."""

from __future__ import annotations

import pytest
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialects.printed import DIALECT
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.schedule import UNKNOWN
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.model import HyperParameters, Record

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


EPISODE = b"{'epoch': 0, 'episode': 3, 'reward': 0.5}"
STEPS = b"{'step': 0, 'agent_id': 3, 'reward': 0.5}"
LOSSES = b"{'reward': 0.5, 'loss': 0.1}"
TRAINER = ROW.replace(b"'loss': 0.1", b"'loss': 0.1, 'grad_norm': 0.3, 'learning_rate': 1e-6")


@pytest.mark.parametrize("printed", [EPISODE, STEPS, LOSSES, b"{'epoch': 0, 'accuracy': 0.5}"])
def test_an_environment_prints_before_the_trainer(printed: bytes) -> None:
    """Rewards are computed before the first row is logged: what comes first may be anybody's."""
    own = [TRAINER % str(at / 10).encode() for at in (1, 2)]
    assert rewards(printed, printed, own[0], printed, printed, own[1]) == [0.1, 0.2]


def test_rows_that_count_up_are_a_programs_own() -> None:
    """Keys that nobody knows do not speak against it."""
    rows = [b"{'step': %d, 'reward': 0.%d, 'mine': 3}" % (at, at) for at in (1, 2, 3)]
    assert rewards(*rows) == [0.1, 0.2, 0.3]


def test_the_kind_of_training_is_not_settled_by_another_programs_row() -> None:
    """A row with a loss that was no trainer's came first."""
    reader, run = DIALECT.reader(Normaliser(), UNKNOWN), Run(RunOptions(), HyperParameters({}, {}))
    for line in (b"{'step': 1, 'reward': 0.5, 'loss': 0.1}", *[TRAINER % b"0.4"] * 3):
        for found in reader.read(line):
            if isinstance(found, Record):
                run.fold(found, 0.0)
    assert run.profile.name == GRPO

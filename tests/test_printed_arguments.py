"""Training arguments that a program prints at its begin: they tell how far rows are apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from llmtrain_exporter.ingest.printed_arguments import printed_arguments
from llmtrain_exporter.ingest.source import read_run_hyper_parameters

from tests.test_trackers import read_run, search

LINES = """06/01/2026 10:00:00 - INFO - __main__ - Training/evaluation parameters {name}(
_n_gpu=1,
accelerator_config={{'split_batches': False, 'dispatch_batches': None}},
learning_rate=2e-05,
logging_steps=10,
logging_strategy=IntervalStrategy.{strategy},
lr_scheduler_type=SchedulerType.COSINE,
output_dir=/data/out (1),
seed=42,
)
"""


@pytest.mark.parametrize(
    "name",
    ["TrainingArguments", "Seq2SeqTrainingArguments", "SFTConfig", "GRPOConfig", "MyTrainingArguments"],
)
def test_arguments_are_read_a_line_each(name: str) -> None:
    """As Transformers prints them."""
    found = printed_arguments(LINES.format(name=name, strategy="STEPS").encode() + b"seed=7,\n)\n")
    assert (found["logging_steps"], found["learning_rate"], found["seed"]) == (10, 2e-5, 42)
    assert found["lr_scheduler_type"] == "cosine"


def test_arguments_are_read_in_one_line() -> None:
    """As their repr is."""
    text = b"args: TrainingArguments(output_dir='out', logging_steps=5, seed=1, label_names=None)\nseed=9,\n"
    found = printed_arguments(text)
    assert (found["output_dir"], found["logging_steps"], found["seed"]) == ("out", 5, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"logging_steps=10,\n)\n",
        b"LoraConfig(\nlogging_steps=10,\n)\n",
        b"TrainingArguments(\nlogging_steps=10,\n",
        LINES.format(name="TrainingArguments", strategy="EPOCH").encode(),
    ],
)
def test_what_does_not_tell_how_far_rows_are_apart_says_nothing(text: bytes) -> None:
    """Arguments of others, cut ones, and rows that come with each epoch."""
    assert "logging_steps" not in printed_arguments(text)


def test_rows_without_a_bar_stand_where_the_printed_arguments_say(tmp_path: Path) -> None:
    """Each is an interval behind the one before it."""
    rows = "".join(f"{{'loss': {2 - at / 64}, 'epoch': {at / 50}}}\n" for at in range(1, 31))
    (tmp_path / "train.log").write_text(LINES.format(name="TrainingArguments", strategy="STEPS") + rows)
    (run,) = search(tmp_path)
    assert [record.step for record in read_run(run).records] == list(range(10, 301, 10))
    assert read_run_hyper_parameters(run).numbers["learning_rate"] == 2e-5

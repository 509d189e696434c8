"""Runs made up row by row, and what the analysis says of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

import orjson
from llmtrain_exporter.analyse import run_series
from llmtrain_exporter.analyse.analysis import Analysis
from llmtrain_exporter.ingest.dialects import trainer_state
from llmtrain_exporter.ingest.dialects.swift import Swift
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.knowledge.signals import BUILT_IN
from llmtrain_exporter.model import Episode, Record, Series, Snapshot

from benchmarks.detection import score

Row = Mapping[str, object]


def records(rows: Iterable[Row]) -> Iterator[Record]:
    """The records of log rows; a row without a step gets the next one."""
    reader = Swift(Normaliser())
    for number, row in enumerate(rows, 1):
        placed = row if "global_step/max_steps" in row else {**row, "global_step/max_steps": f"{number}/2000"}
        line = orjson.dumps(placed).replace(b'"NaN"', b"NaN").replace(b'"Infinity"', b"Infinity")
        for record in reader.read(line):
            assert isinstance(record, Record), record
            yield record


def analyse(profile: str, rows: Iterable[Row], **numbers: float) -> Analysis:
    """The analysis of a run of a built-in profile; `numbers` are its hyper-parameters."""
    analysis = Analysis(BUILT_IN[profile], numbers, episodes_kept=1000, kl_clamp=SWIFT.kl_clamp)
    for record in records(rows):
        analysis.fold(record, record.step or 0)
    return analysis


def trained(rows: Sequence[Row], **arguments: object) -> Snapshot:
    """What is known of a run with these rows, all of whose planned steps are done, as TRL writes it."""
    log = json.dumps({"log_history": rows, "max_steps": rows[-1]["step"]}).encode()
    given = json.dumps(arguments).encode() if arguments else None
    return score.analyse(log, trainer_state.DIALECT, given)[0]


def found(analysis: Analysis, signal: str) -> list[Episode]:
    """The episodes of a signal."""
    return [episode for episode in analysis.episodes if episode.signal == signal]


def signals(analysis: Analysis) -> set[str]:
    """The signals that were there, facts without a judgement left out."""
    return {episode.signal for episode in analysis.episodes if episode.severity.value != "info"}


def state(analysis: Analysis) -> tuple[object, ...]:
    """All that an analysis says."""
    samples: dict[Series, float] = dict([*run_series.gauges(analysis), *run_series.counters(analysis)])
    said = sorted((one.metric.name, one.labels, str(value)) for one, value in samples.items())
    # as text, since NaN is not equal to itself
    return repr(analysis.episodes), repr(analysis.incidents), analysis.health, analysis.verdict, said


def grpo(count: int, seed: int = 0, **fixed: object) -> list[dict[str, object]]:
    """Healthy GRPO rows with some noise; `fixed`: values of all of them, by key, with _ for /."""
    source = random.Random(seed)
    named = {key.replace("__", "/"): value for key, value in fixed.items()}
    return [
        {
            "loss": source.gauss(0.001, 0.002),
            "grad_norm": source.lognormvariate(-0.7, 0.2),
            "learning_rate": 1e-5,
            "kl": 0.03 * source.lognormvariate(0, 0.2),
            "completions/mean_length": source.gauss(200, 8),
            "completions/clipped_ratio": 0.0,
            "reward": source.gauss(1.5, 0.05),
            "reward_std": 0.4,
            "frac_reward_zero_std": 0.1,
            "rewards/Format/mean": source.gauss(0.9, 0.02),
            "rewards/Accuracy/mean": source.gauss(0.6, 0.04),
            "entropy/mean": source.gauss(0.6, 0.02),
            **named,
        }
        for _ in range(count)
    ]


def sft(count: int, seed: int = 0, **fixed: object) -> list[dict[str, object]]:
    """Healthy supervised rows with some noise."""
    source = random.Random(seed)
    return [
        {
            "loss": 0.6 * source.lognormvariate(0, 0.08),
            "grad_norm": source.lognormvariate(0, 0.2),
            "learning_rate": 1e-5,
            "token_acc": source.gauss(0.85, 0.01),
            **fixed,
        }
        for _ in range(count)
    ]


def changed(rows: list[dict[str, object]], start: int, end: int, **values: object) -> list[dict[str, object]]:
    """The rows with other values from `start` up to `end`; __ stands for / in a key."""
    named = {key.replace("__", "/"): value for key, value in values.items()}
    return [{**row, **named} if start <= at < end else row for at, row in enumerate(rows)]

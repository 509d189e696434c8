"""PPO and its relatives as TRL logs them, whose KL is summed over a response: a profile of their own."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping

import pytest
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialects import printed
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.model import Health, HyperParameters, Record, Snapshot

Row = dict[str, float]
RECORDS = 160
LOST_FROM = 100


def rows(seed: int, lost: Callable[[int, Row], Row] | None = None) -> Iterator[Row]:
    """A run that learns: its KL climbs to about 8 nats. `lost` changes a row from LOST_FROM on."""
    noise = random.Random(seed)
    for record in range(RECORDS):
        done = 1 - math.exp(-record / 40)
        kl = 8 * done * math.exp(noise.gauss(0, 0.2))
        score = -0.5 + 2.5 * done + noise.gauss(0, 0.25)
        row = {
            "eps": 1.0,
            "objective/kl": kl,
            "objective/entropy": 110 - 30 * done + noise.gauss(0, 4),
            "objective/non_score_reward": -0.05 * kl,
            "objective/rlhf_reward": score - 0.05 * kl,
            "objective/scores": score,
            "policy/approxkl_avg": 0.003 * math.exp(noise.gauss(0, 0.3)),
            "policy/clipfrac_avg": abs(noise.gauss(0.02, 0.01)),
            "loss/policy_avg": noise.gauss(-0.005, 0.003),
            "loss/value_avg": (0.1 + 0.3 * (1 - done)) * math.exp(noise.gauss(0, 0.15)),
            "val/clipfrac_avg": abs(noise.gauss(0.01, 0.005)),
            "policy/entropy_avg": 1.1 - 0.3 * done + noise.gauss(0, 0.03),
            "val/ratio": 1 + noise.gauss(0, 0.02),
            "val/ratio_var": abs(noise.gauss(0, 1e-4)),
            "val/num_eos_tokens": 0.0,
            "lr": 3e-6,
            "episode": 64.0 * (record + 1),
            "epoch": 0.01 * (record + 1),
        }
        yield lost(record - LOST_FROM, row) if lost and record >= LOST_FROM else row


def analysed(made: Iterator[Mapping[str, float]], options: RunOptions | None = None) -> Snapshot:
    """What the analysis says of rows that TRL printed."""
    reader, run = Readers().reader(printed.DIALECT), Run(options or RunOptions(), HyperParameters())
    for row in made:
        for record in reader.read(f"{row!r}".encode()):
            if isinstance(record, Record):
                run.fold(record, 0.0)
    return run.snapshot("run", "log", printed.DIALECT.producer, 0.0)


def severities(run: Snapshot) -> dict[str, Severity]:
    """The worst of each signal that speaks against a run."""
    found: dict[str, Severity] = {}
    for episode in run.episodes:
        worst = found.get(episode.signal, Severity.INFO)
        found[episode.signal] = max(worst, episode.severity, key=lambda severity: severity.rank)
    return {name: worst for name, worst in found.items() if worst is not Severity.INFO}


@pytest.mark.parametrize("seed", range(5))
def test_a_run_that_learns_is_healthy(seed: int) -> None:
    """A KL of 8 nats a response would be a dead policy if it were one of a token."""
    run = analysed(rows(seed))
    assert run.base == profile.PPO
    assert run.verdict is Health.HEALTHY
    assert severities(run) == {}


def overfitted(since: int, row: Row) -> Row:
    """The policy leaves its reference, and what it writes then is worth nothing."""
    kl = row["objective/kl"] * 1.35 ** min(since, 12)
    return row | {
        "objective/kl": kl,
        "objective/scores": row["objective/scores"] - 0.6 * min(since, 8),
        "policy/entropy_avg": row["policy/entropy_avg"] * max(0.02, 0.7**since),
    }


@pytest.mark.parametrize("seed", range(5))
def test_a_policy_that_overfits_its_reward_is_broken(seed: int) -> None:
    """KL, score and entropy are told, the first of them within 20 records."""
    run = analysed(rows(seed, overfitted))
    assert run.verdict is Health.BROKEN
    found = severities(run)
    assert found["kl_high"] is Severity.CRITICAL
    assert {"kl_spike", "reward_drop", "entropy_collapse"} <= found.keys()
    first = min(e.critical_step for e in run.episodes if e.critical_step is not None)
    assert LOST_FROM < first <= LOST_FROM + 20


NAN = math.nan


@pytest.mark.parametrize(
    ("values", "signal", "severity"),
    [
        ({"val/ratio": 3.0}, "clip_ratio_high", Severity.WARNING),
        ({"val/ratio": 0.2}, "clip_ratio_high", Severity.WARNING),
        ({"policy/clipfrac_avg": 0.5}, "clip_ratio_high", Severity.WARNING),
        ({"loss/value_avg": 40.0}, "loss_spike", Severity.CRITICAL),
        ({"loss/policy_avg": NAN}, "non_finite", Severity.CRITICAL),
        ({"loss/value_avg": NAN}, "non_finite", Severity.CRITICAL),
        ({"objective/kl": NAN, "objective/scores": NAN}, "non_finite", Severity.CRITICAL),
        ({"objective/kl": 70.0}, "kl_high", Severity.WARNING),
        ({"objective/kl": 300.0}, "kl_high", Severity.CRITICAL),
        ({"policy/entropy_avg": 0.02}, "entropy_collapse", Severity.WARNING),
        ({"objective/scores": -4.0}, "reward_drop", Severity.CRITICAL),
    ],
)
def test_each_part_is_judged(values: Row, signal: str, severity: Severity) -> None:
    """A value that stays gives its signal."""
    run = analysed(rows(1, lambda _, row: row | values))
    assert severities(run)[signal] is severity


def test_online_dpo_is_judged_so_too() -> None:
    """Its KL is summed, though it logs what is chosen and rejected."""
    extra = {
        "rewards/chosen": 0.3,
        "rewards/rejected": -0.2,
        "rewards/margins": 0.5,
        "rewards/accuracies": 0.8,
    }
    extra |= {"logps/chosen": -120.0, "logps/rejected": -130.0, "objective/scores_margin": 0.4, "loss": 0.6}
    run = analysed(row | extra for row in rows(2))
    assert run.base == profile.PPO
    assert run.verdict is Health.HEALTHY

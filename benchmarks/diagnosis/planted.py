"""Random runs that go wrong for a known reason, as TRL writes them.

Each plant makes the rows of a run that shows its cause as real ones do: gradually or at once, with noise that
has heavy tails, at a random record, in a random scale, of 16 to 1,000 records. What must never be told of it
stands beside it. `disguise` then does to the rows what other trainers, settings and accidents do.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

LogRow = dict[str, float]


@dataclass(frozen=True, slots=True)
class Planted:
    """A run: `causes` that may lead, `never`: remedies that would have made it worse."""

    plant: str
    causes: frozenset[str]
    never: frozenset[str]
    rows: list[LogRow]
    arguments: Mapping[str, object]

    @property
    def log(self) -> bytes:
        """A `trainer_state.json`."""
        last = int(self.rows[-1]["step"])
        return json.dumps({"log_history": self.rows, "max_steps": last}).encode()


@dataclass(slots=True)
class Sketch:
    """What a plant paints on: a random source, the run's length, and where its trouble begins."""

    source: random.Random
    records: int = 0
    onset: int = 0
    loudness: float = 1.0  # times the noise of everything
    pace: float = 1.0  # times the records that a change takes
    epochs: float = 2.0
    arguments: dict[str, object] = field(default_factory=dict)

    def noise(self, wide: float) -> float:
        """A factor about 1, with heavy tails: one record in forty is five times as far off."""
        spread = wide * (5 if self.source.random() < 1 / 40 else 1)
        return math.exp(self.source.gauss(0, spread * self.loudness))

    def between(self, low: float, high: float) -> float:
        """Anything between, evenly by its logarithm."""
        return math.exp(self.source.uniform(math.log(low), math.log(high)))

    def after(self, record: int, width: float) -> float:
        """How far the trouble has come: 0 before the onset, towards 1 within `width` records."""
        done = (record - self.onset + 1) / (width * self.pace)
        return 0.0 if record < self.onset else 1 - math.exp(-done)

    def rate(self, record: int, peak: float) -> float:
        """A schedule: warm-up over a tenth, then a cosine."""
        warm = max(1, self.records // 10)
        if record < warm:
            return peak * (record + 1) / warm
        return peak * (1 + math.cos(math.pi * (record - warm) / (self.records - warm))) / 2


Plant = Callable[[Sketch], list[LogRow]]


def _grpo(sketch: Sketch, record: int, peak: float) -> LogRow:
    """A healthy record of GRPO: a reward that rises, answers a third of the limit long."""
    done = record / sketch.records
    accuracy = min(0.95, 0.3 + 0.4 * done) * sketch.noise(0.05)
    form = min(1.0, 0.93 * sketch.noise(0.02))
    return {
        "step": float(record + 1),
        "loss": 1e-3 * sketch.noise(0.3),
        "grad_norm": 0.5 * sketch.noise(0.2),
        "learning_rate": sketch.rate(record, peak),
        "kl": 0.01 * (1 + done) * sketch.noise(0.2),
        "reward": min(accuracy, 1.0) + form,
        "reward_std": 0.4 * sketch.noise(0.1),
        "rewards/accuracy_reward/mean": min(accuracy, 1.0),
        "rewards/format_reward/mean": form,
        "frac_reward_zero_std": min(1.0, 0.15 * sketch.noise(0.2)),
        "completions/mean_length": 170 * sketch.noise(0.05),
        "completions/max_length": 260 * sketch.noise(0.05),
        "completions/clipped_ratio": 0.0,
        "entropy": 0.5 * sketch.noise(0.05),
    }


def _lose(row: LogRow, share: float) -> None:
    """Take a share of all rewards away."""
    for name in ("rewards/accuracy_reward/mean", "rewards/format_reward/mean"):
        row[name] *= 1 - share
    row["reward"] = row["rewards/accuracy_reward/mean"] + row["rewards/format_reward/mean"]
    row["reward_std"] *= 1 - share
    row["frac_reward_zero_std"] = max(row["frac_reward_zero_std"], share)


def high_learning_rate(sketch: Sketch) -> list[LogRow]:
    """A learning rate that is a hundred times too high: everything goes at once."""
    peak = sketch.between(3e-3, 1.0)
    sketch.arguments |= {"learning_rate": peak, "beta": 0.04, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row, bad = _grpo(sketch, record, peak), sketch.after(record, 6)
        row["kl"] += 4 * bad * sketch.noise(0.4)
        row["grad_norm"] *= 1 + 20 * bad
        row["entropy"] *= 1 + 5 * bad
        row["completions/mean_length"] += (505 - row["completions/mean_length"]) * bad
        row["completions/max_length"] += (512 - row["completions/max_length"]) * bad
        row["completions/clipped_ratio"] = 0.95 * bad
        _lose(row, bad)
        rows.append(row)
    return rows


def policy_drift(sketch: Sketch) -> list[LogRow]:
    """KL first, then lengths, then rewards, at an ordinary learning rate."""
    peak = sketch.between(2e-6, 1e-5)
    sketch.arguments |= {"learning_rate": peak, "beta": 0.001, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row, bad, later = _grpo(sketch, record, peak), sketch.after(record, 5), sketch.after(record - 8, 8)
        row["kl"] += 6 * bad * sketch.noise(0.4)
        row["entropy"] *= 1 + 3 * bad
        row["completions/mean_length"] += (480 - row["completions/mean_length"]) * later
        row["completions/max_length"] += (512 - row["completions/max_length"]) * later
        row["completions/clipped_ratio"] = 0.8 * later
        _lose(row, later)
        rows.append(row)
    return rows


def limit_too_small(sketch: Sketch) -> list[LogRow]:
    """Nearly everything is cut off from the first record on."""
    limit, cut = float(sketch.source.choice((64, 128, 256))), sketch.between(0.75, 0.98)
    sketch.arguments |= {"learning_rate": 1e-6, "beta": 0.04, "max_completion_length": int(limit)}
    rows = []
    for record in range(sketch.records):
        row = _grpo(sketch, record, 1e-6)
        row["completions/mean_length"] = limit * 0.97
        row["completions/max_length"] = limit
        row["completions/clipped_ratio"] = min(1.0, cut * sketch.noise(0.05))
        _lose(row, 0.8)
        rows.append(row)
    return rows


def never_rewarded(sketch: Sketch) -> list[LogRow]:
    """All rewards are 0, always; the answers are of ordinary length."""
    sketch.arguments |= {"learning_rate": 1e-6, "beta": 0.04, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row = _grpo(sketch, record, 1e-6)
        _lose(row, 1.0)
        row |= {"grad_norm": 0.0, "loss": 0.0, "kl": 1e-4 * sketch.noise(0.3)}
        rows.append(row)
    return rows


def empty_answers(sketch: Sketch) -> list[LogRow]:
    """Answers shrink to a single token, and rewards with them."""
    sketch.arguments |= {"learning_rate": 5e-6, "beta": 0.04, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row, bad = _grpo(sketch, record, 5e-6), sketch.after(record, 4)
        row["completions/mean_length"] = 1 + (row["completions/mean_length"] - 1) * (1 - bad) ** 2
        row["completions/max_length"] = 1 + (row["completions/max_length"] - 1) * (1 - bad) ** 2
        row["kl"] += 0.5 * bad * sketch.noise(0.3)
        row["entropy"] *= 1 - 0.7 * bad
        _lose(row, bad)
        rows.append(row)
    return rows


def reward_hacking(sketch: Sketch) -> list[LogRow]:
    """A length bonus rises while accuracy and format go; the total goes on."""
    sketch.arguments |= {"learning_rate": 5e-6, "beta": 0.04, "max_completion_length": 1024}
    rows = []
    for record in range(sketch.records):
        row, bad = _grpo(sketch, record, 5e-6), sketch.after(record, 12)
        _lose(row, 0.95 * bad)
        bonus = (0.4 + 2.4 * bad) * sketch.noise(0.05)
        row["rewards/length_bonus/mean"] = bonus
        row["reward"] += bonus
        row["reward_std"] = 0.4 * sketch.noise(0.1)
        row["frac_reward_zero_std"] = min(1.0, 0.2 * sketch.noise(0.2))
        row["completions/mean_length"] *= 1 + 3 * bad
        row["completions/max_length"] = min(1024.0, row["completions/max_length"] * (1 + 3 * bad))
        row["kl"] += 0.3 * bad * sketch.noise(0.3)
        rows.append(row)
    return rows


def length_shift(sketch: Sketch) -> list[LogRow]:
    """Answers grow into the limit, and lose their rewards, while KL says nothing."""
    sketch.arguments |= {"learning_rate": 5e-6, "beta": 0.0, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row, bad = _grpo(sketch, record, 5e-6), sketch.after(record, 6)
        del row["kl"]
        row["completions/mean_length"] += (500 - row["completions/mean_length"]) * bad
        row["completions/max_length"] += (512 - row["completions/max_length"]) * bad
        row["completions/clipped_ratio"] = 0.9 * bad
        _lose(row, 0.7 * bad)
        rows.append(row)
    return rows


def solved(sketch: Sketch) -> list[LogRow]:
    """Everything is right in most groups: nothing is left to learn."""
    sketch.arguments |= {"learning_rate": 1e-6, "beta": 0.04, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row, done = _grpo(sketch, record, 1e-6), min(1.0, record / (0.5 * sketch.records))
        right = min(1.0, (0.5 + 0.48 * done) * sketch.noise(0.01))
        row |= {"rewards/accuracy_reward/mean": right, "rewards/format_reward/mean": 1.0, "reward": right + 1}
        row["frac_reward_zero_std"] = min(1.0, (0.3 + 0.65 * done) * sketch.noise(0.03))
        row["reward_std"] = 0.02 if done == 1 else 0.3
        row["grad_norm"] = 0.0 if done == 1 else row["grad_norm"]
        rows.append(row)
    return rows


def wrong_reference(sketch: Sketch) -> list[LogRow]:
    """The divergence is huge in the first record."""
    sketch.arguments |= {"learning_rate": 1e-6, "beta": 0.04, "max_completion_length": 512}
    first = sketch.between(50, 1e4)
    rows = []
    for record in range(sketch.records):
        row = _grpo(sketch, record, 1e-6)
        row["kl"] = first * math.exp(-record / 10) * sketch.noise(0.5) + 2
        row["completions/clipped_ratio"] = 0.9
        row["completions/mean_length"] = 500.0
        _lose(row, 0.97)
        rows.append(row)
    return rows


def _sft(sketch: Sketch, record: int, peak: float) -> LogRow:
    """A healthy record of supervised training."""
    done = record / sketch.records
    return {
        "step": float(record + 1),
        "loss": (0.7 + 1.5 * math.exp(-8 * done)) * sketch.noise(0.03),
        "grad_norm": 1.2 * sketch.noise(0.15),
        "learning_rate": sketch.rate(record, peak),
        "mean_token_accuracy": min(1.0, (0.8 - 0.3 * math.exp(-8 * done)) * sketch.noise(0.01)),
    }


def _evaluated(rows: list[LogRow], loss: Callable[[float], float], times: int = 8) -> list[LogRow]:
    """The same with evaluations in between; `loss` by the share of the run that is done."""
    found: list[LogRow] = []
    every = max(1, len(rows) // times)
    for at, row in enumerate(rows, 1):
        found.append(row)
        if at % every == 0:
            found.append({"step": row["step"], "eval_loss": loss(at / len(rows))})
    return found


def memorising(sketch: Sketch) -> list[LogRow]:
    """The training loss goes to nothing while that of evaluations turns and rises."""
    sketch.arguments |= {"learning_rate": 1e-4, "num_train_epochs": 12}
    rows = []
    for record in range(sketch.records):
        row, done = _sft(sketch, record, 1e-4), record / sketch.records
        row["loss"] = (0.02 + 1.6 * math.exp(-5 * done)) * sketch.noise(0.05)
        row["mean_token_accuracy"] = min(1.0, 0.6 + 0.4 * done**0.5)
        rows.append(row)
    turn = sketch.source.uniform(0.2, 0.4)
    return _evaluated(rows, lambda done: 1.0 + 0.3 * math.exp(-9 * done) + 1.2 * max(0.0, done - turn))


def different_eval_data(sketch: Sketch) -> list[LogRow]:
    """The evaluation loss is high from the first one on, and falls with that of training."""
    sketch.arguments |= {"learning_rate": 2e-5, "num_train_epochs": 2}
    rows = []
    for record in range(sketch.records):
        row, done = _sft(sketch, record, 2e-5), record / sketch.records
        row["loss"] = (0.45 + 0.3 * math.exp(-4 * done)) * sketch.noise(0.02)
        rows.append(row)
    return _evaluated(rows, lambda done: 1.5 + 0.5 * math.exp(-3 * done))


def number_format(sketch: Sketch) -> list[LogRow]:
    """fp16 overflows at an ordinary learning rate; from then on everything is NaN."""
    sketch.arguments |= {"learning_rate": 2e-5, "fp16": True, "bf16": False}
    rows = []
    for record in range(sketch.records):
        row = _sft(sketch, record, 2e-5)
        if record >= sketch.onset:
            row |= {"loss": 0.0, "grad_norm": math.nan, "mean_token_accuracy": 0.0}
        rows.append(row)
    return rows


def bad_batch(sketch: Sketch) -> list[LogRow]:
    """One record jumps, and the next is as before."""
    sketch.arguments |= {"learning_rate": 2e-5, "bf16": True}
    rows = [_sft(sketch, record, 2e-5) for record in range(sketch.records)]
    rows[sketch.onset]["loss"] *= 6
    rows[sketch.onset]["grad_norm"] *= 60
    return rows


def gradient_explosion(sketch: Sketch) -> list[LogRow]:
    """The gradient grows from record to record, and the loss after it."""
    sketch.arguments |= {"learning_rate": 2e-5, "max_grad_norm": 100.0, "bf16": True}
    rows = []
    for record in range(sketch.records):
        row, bad = _sft(sketch, record, 2e-5), sketch.after(record, 10)
        row["grad_norm"] *= 1 + 300 * bad
        row["loss"] += 5 * sketch.after(record - 3, 15)
        rows.append(row)
    return rows


def lost_exploration(sketch: Sketch) -> list[LogRow]:
    """Entropy goes to nothing; most groups say the same, and accuracy stays poor."""
    sketch.arguments |= {"learning_rate": 2e-6, "beta": 0.0, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row, bad = _grpo(sketch, record, 2e-6), sketch.after(record, 8)
        del row["kl"]
        row["entropy"] *= 1 - 0.97 * bad
        row["rewards/accuracy_reward/mean"] = 0.35 * sketch.noise(0.05)
        row["reward"] = row["rewards/accuracy_reward/mean"] + row["rewards/format_reward/mean"]
        row["frac_reward_zero_std"] = min(1.0, 0.15 + 0.8 * bad)
        row["reward_std"] *= 1 - 0.9 * bad
        rows.append(row)
    return rows


def format_hacking(sketch: Sketch) -> list[LogRow]:
    """The format is learned at the cost of what is right; the total hardly changes."""
    sketch.arguments |= {"learning_rate": 5e-6, "beta": 0.04, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row, bad = _grpo(sketch, record, 5e-6), sketch.after(record, 10)
        row["rewards/format_reward/mean"] = min(1.0, (0.45 + 0.5 * bad) * sketch.noise(0.03))
        row["rewards/accuracy_reward/mean"] = 0.55 * (1 - 0.85 * bad) * sketch.noise(0.06)
        row["reward"] = row["rewards/accuracy_reward/mean"] + row["rewards/format_reward/mean"]
        row["completions/mean_length"] *= 1 - 0.4 * bad
        rows.append(row)
    return rows


def format_alone(sketch: Sketch) -> list[LogRow]:
    """Nothing is ever right; the format is learned, and then all completions score the same."""
    sketch.arguments |= {"learning_rate": 1e-6, "beta": 0.04, "max_completion_length": 512}
    rows = []
    for record in range(sketch.records):
        row, done = _grpo(sketch, record, 1e-6), min(1.0, 2.5 * record / sketch.records)
        form = min(1.0, (0.6 + 0.4 * done) * sketch.noise(0.01))
        row |= {"rewards/accuracy_reward/mean": 0.0, "rewards/format_reward/mean": form, "reward": form}
        row["frac_reward_zero_std"] = min(1.0, 0.2 + 0.79 * done)
        row["reward_std"] = 0.3 * (1 - done)
        rows.append(row)
    return rows


def unbearable_rate(sketch: Sketch) -> list[LogRow]:
    """Supervised training at a learning rate at which the loss goes up for good."""
    peak = sketch.between(3e-3, 5.0)
    sketch.arguments |= {"learning_rate": peak, "bf16": True}
    rows = []
    for record in range(sketch.records):
        row, bad = _sft(sketch, record, peak), sketch.after(record, 5)
        row["loss"] += 7 * bad
        row["grad_norm"] *= 1 + 25 * bad
        row["mean_token_accuracy"] *= 1 - 0.8 * bad
        rows.append(row)
    return rows


def too_many_epochs(sketch: Sketch) -> list[LogRow]:
    """The training loss goes to nothing over many epochs, and nobody evaluates."""
    sketch.arguments |= {"learning_rate": 1e-4, "num_train_epochs": 15}
    sketch.epochs = 15
    rows = []
    for record in range(sketch.records):
        row, done = _sft(sketch, record, 1e-4), record / sketch.records
        row["loss"] = (0.01 + 1.8 * math.exp(-7 * done)) * sketch.noise(0.05)
        row["mean_token_accuracy"] = min(1.0, 0.6 + 0.4 * done**0.3)
        rows.append(row)
    return rows


def saturated_preference(sketch: Sketch) -> list[LogRow]:
    """DPO far beyond where it is of use: margins grow, the loss and the gradient are nearly 0."""
    sketch.arguments |= {"learning_rate": 5e-6, "beta": 0.1, "num_train_epochs": 2}
    rows = []
    for record in range(sketch.records):
        done = (record + 1) / sketch.records
        margin = 24 * done**0.7 * sketch.noise(0.05)
        rows.append(
            {
                "step": float(record + 1),
                "loss": max(1e-5, 0.69 * math.exp(-12 * done)) * sketch.noise(0.2),
                "grad_norm": 8 * math.exp(-14 * done) * sketch.noise(0.3),
                "learning_rate": sketch.rate(record, 5e-6),
                "rewards/chosen": margin * 0.2,
                "rewards/rejected": -margin * 0.8,
                "rewards/margins": margin,
                "rewards/accuracies": min(1.0, 0.6 + done),
                "logps/chosen": -200 * sketch.noise(0.05),
                "logps/rejected": -260 * sketch.noise(0.05),
            }
        )
    return rows


_SHORTER = frozenset(("shorten_completions",))
_BACK = frozenset(("roll_back",))

PLANTS: Mapping[str, tuple[Plant, frozenset[str], frozenset[str]]] = {
    "high_learning_rate": (high_learning_rate, frozenset(), frozenset(("raise_learning_rate",))),
    "policy_drift": (policy_drift, frozenset(), frozenset(("raise_learning_rate", "raise_length_limit"))),
    "limit_too_small": (limit_too_small, frozenset(), _SHORTER | _BACK | {"raise_beta", "mask_truncated"}),
    "never_rewarded": (never_rewarded, frozenset(), _SHORTER | _BACK | {"raise_beta", "lower_learning_rate"}),
    "empty_answers": (empty_answers, frozenset(), _SHORTER | {"no_reward_for_truncated", "stop_words"}),
    "reward_hacking": (reward_hacking, frozenset(), frozenset(("raise_length_limit",))),
    "length_shift": (length_shift, frozenset(), frozenset(("raise_beta", "adaptive_kl"))),
    "solved": (solved, frozenset(), _SHORTER | _BACK | {"raise_beta", "raise_learning_rate", "stop_run"}),
    "wrong_reference": (wrong_reference, frozenset(), _SHORTER | _BACK | {"raise_beta", "keep_exploring"}),
    "memorising": (memorising, frozenset(), frozenset(("train_longer", "raise_learning_rate"))),
    "different_eval_data": (different_eval_data, frozenset(), frozenset(("early_stopping",))),
    "number_format": (number_format, frozenset(), frozenset(("raise_learning_rate",))),
    "bad_batch": (bad_batch, frozenset(), frozenset(("raise_learning_rate", "early_stopping"))),
    "gradient_explosion": (gradient_explosion, frozenset(), frozenset(("raise_learning_rate",))),
    "lost_exploration": (
        lost_exploration,
        frozenset(("no_contrast",)),
        frozenset(("stop_run", "raise_beta")),
    ),
    "format_hacking": (format_hacking, frozenset(("reward_hacking",)), _SHORTER | {"harder_prompts"}),
    "format_alone": (format_alone, frozenset(("never_rewarded",)), _SHORTER | _BACK),
    "unbearable_rate": (unbearable_rate, frozenset(("high_learning_rate",)), frozenset(("train_longer",))),
    "too_many_epochs": (
        too_many_epochs,
        frozenset(("memorising",)),
        frozenset(("use_best_checkpoint", "early_stopping", "train_longer", "raise_learning_rate")),
    ),
    "saturated_preference": (saturated_preference, frozenset(("memorising",)), frozenset(("train_longer",))),
}
"""By name: how it is planted, causes that may lead besides one of that name, and what must not be told."""


LENGTHS = (16, 30, 60, 120, 300, 1000)
"""Records of a run, about."""


def planted_runs(seed: int, count: int) -> Iterator[Planted]:
    """As many random runs, every plant in turn."""
    names = tuple(PLANTS)
    for number in range(count):
        name = names[number % len(names)]
        plant, others, never = PLANTS[name]
        source = random.Random(f"{seed} {number} {name}")
        sketch = Sketch(source, records := round(source.choice(LENGTHS) * source.uniform(0.8, 1.3)))
        sketch.onset = source.randint(max(6, records // 5), max(7, records * 3 // 5))
        sketch.loudness = source.choice((0.5, 1.0, 1.0, 1.5))
        sketch.pace = source.choice((0.2, 0.5, 1.0)) * min(1.0, records / 60)
        rows = disguise(plant(sketch), sketch, name)
        yield Planted(name, others | {name}, never, rows, sketch.arguments)


OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "kl": (
        "high_learning_rate",
        "limit_too_small",
        "never_rewarded",
        "empty_answers",
        "reward_hacking",
        "solved",
    ),
    "entropy": tuple(name for name in PLANTS if name not in ("length_shift", "lost_exploration")),
    "reward_std": tuple(name for name in PLANTS if name != "never_rewarded"),
    "completions/max_length": tuple(PLANTS),
    "mean_token_accuracy": tuple(PLANTS),
    "grad_norm": ("memorising", "different_eval_data", "policy_drift", "limit_too_small"),
}
"""Metrics that a trainer may not log, and the plants that show without."""

RENAMED: Mapping[str, Mapping[str, str]] = {
    "trl": {},
    "older": {
        "rewards/accuracy_reward/mean": "rewards/accuracy_reward",
        "rewards/format_reward/mean": "rewards/format_reward",
        "rewards/length_bonus/mean": "rewards/length_bonus",
        "completions/mean_length": "completion_length",
    },
    "swift": {
        "rewards/accuracy_reward/mean": "rewards/Accuracy/mean",
        "rewards/format_reward/mean": "rewards/Format/mean",
        "mean_token_accuracy": "token_acc",
    },
}
"""How trainers and versions of them call their metrics."""


def disguise(rows: list[LogRow], sketch: Sketch, name: str) -> list[LogRow]:
    """Leave out what this trainer does not log, call things otherwise, log every few steps.

    The settings are lost now and then, and a harmless record lies far off long before the trouble.
    """
    source = sketch.source
    lacking = [key for key, plants in OPTIONAL.items() if name in plants and source.random() < 0.3]
    interval = source.choice((1, 1, 5, 10, 25))
    names = RENAMED[source.choice(tuple(RENAMED))]
    _mislead(rows, sketch)
    found = []
    for row in rows:
        shown = {names.get(key, key): value for key, value in row.items() if key not in lacking}
        found.append(
            {**shown, "step": row["step"] * interval, "epoch": sketch.epochs * row["step"] / sketch.records}
        )
    if name != "number_format" and source.random() < 0.3:
        sketch.arguments.clear()
    return found


DECOYS: Mapping[str, float] = {"kl": 25.0, "grad_norm": 12.0, "loss": 3.0, "completions/mean_length": 1.3}
"""What single records of healthy runs show, times its usual value."""


def _mislead(rows: list[LogRow], sketch: Sketch) -> None:
    """Let one value of one record lie off, well before the onset."""
    early = [row for row in rows[: max(0, sketch.onset - 12)] if "learning_rate" in row][8:]
    key = sketch.source.choice(tuple(DECOYS))
    if early and sketch.source.random() < 0.4:
        row = sketch.source.choice(early)
        if key in row:
            row[key] *= DECOYS[key]

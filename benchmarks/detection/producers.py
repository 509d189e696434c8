"""The same rows as different producers and versions write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from llmtrain_exporter.ingest.dialect import Dialect
from llmtrain_exporter.ingest.dialects import printed, swift, trainer_state

from benchmarks.detection.simulation import Nature, Row

COMMON = {name: name for name in ("loss", "grad_norm", "learning_rate", "kl", "reward", "epoch")}
OLD = COMMON | {
    "reward_std": "reward_std",
    "length": "completion_length",
    "clipped": "response_clip_ratio",
}
NEW = COMMON | {
    "reward_std": "reward_std",
    "zero_std": "frac_reward_zero_std",
    "length": "completions/mean_length",
    "shortest": "completions/min_length",
    "longest": "completions/max_length",
    "clipped": "completions/clipped_ratio",
}
EXTRA = {
    "entropy": "entropy/mean",
    "logp_difference": "sampling/sampling_logp_difference/mean",
    "ratio": "sampling/importance_sampling_ratio/mean",
}
EVALUATED = {name: f"eval_{name}" for name in ("loss", "kl", "reward")}
OF_COMPLETIONS = ("reward", "completions")
CLIP_RATIOS = ("low_mean", "low_min", "high_mean", "high_max", "region_mean")
STEP_SECONDS = 18


def swift_old(rows: Sequence[Row]) -> bytes:
    """ms-swift up to 3.2."""
    last = int(rows[-1]["step"])
    return _lines(_named(row, OLD, "rewards/{}") | _position(row, last) for row in rows)


def swift_new(rows: Sequence[Row]) -> bytes:
    """ms-swift since 3.7."""
    last = int(rows[-1]["step"])
    return _lines(_swift_row(row, last) for row in rows)


def swift_extended(rows: Sequence[Row]) -> bytes:
    """ms-swift with the entropy, and TRL's keys of sampler against trainer."""
    last = int(rows[-1]["step"])
    return _lines(_swift_row(row, last) | _named(row, EXTRA, "rewards/{}/mean") for row in rows)


def trl_state(rows: Sequence[Row]) -> bytes:
    """TRL's `trainer_state.json`."""
    history = [_trl(row) | {"step": int(row["step"])} for row in rows]
    return json.dumps({"log_history": history, "max_steps": int(rows[-1]["step"])}).encode()


def trl_printed(rows: Sequence[Row]) -> bytes:
    """TRL's printed rows as transformers 5 writes them: every number a string of four digits."""
    lines = [repr({key: f"{value:.4g}" for key, value in _trl(row).items()}) for row in rows]
    return "\n".join(lines).encode() + b"\n"


def swift_noisy(rows: Sequence[Row]) -> bytes:
    """The same with all that comes between: two writers on one file, and evaluations."""
    last = int(rows[-1]["step"])
    written: list[dict[str, object]] = []
    for at, row in enumerate(rows):
        found = _swift_row(row, last)
        written += [found, found | {"train_speed(s/it)": STEP_SECONDS + 0.1}]
        if at % 50 == 49:
            evaluated = _named(row, EVALUATED, "eval_rewards/{}/mean")
            written.append(evaluated | {"eval_runtime": 93.0, "epoch": row["epoch"]} | _position(row, last))
    return _lines(written)


def swift_twice(rows: Sequence[Row]) -> bytes:
    """Each batch used for two updates: every second row has no completions to speak of."""
    last = int(rows[-1]["step"])
    written = []
    for at, row in enumerate(rows):
        found = _swift_row(row, last)
        if at % 2:
            found = {key: found[key] for key in found if not any(part in key for part in OF_COMPLETIONS)}
        written.append(found)
    return _lines(written)


Writer = Callable[[Sequence[Row]], bytes]
PRODUCERS: Mapping[str, tuple[Writer, Dialect, str]] = {
    "swift 3.2": (swift_old, swift.DIALECT, "logging.jsonl"),
    "swift 4": (swift_new, swift.DIALECT, "logging.jsonl"),
    "swift 4, doubled": (swift_noisy, swift.DIALECT, "logging.jsonl"),
    "swift 4, two updates": (swift_twice, swift.DIALECT, "logging.jsonl"),
    "trl": (trl_state, trainer_state.DIALECT, "trainer_state.json"),
    "trl printed": (trl_printed, printed.DIALECT, "train.log"),
}
"""By name: the writer, its dialect, and the file's name."""


def arguments(nature: Nature) -> bytes:
    """The settings that ms-swift writes beside its log."""
    known = {
        "rlhf_type": "grpo",
        "learning_rate": nature.learning_rate,
        "beta": nature.beta,
        "max_completion_length": int(nature.longest),
        "logging_steps": nature.interval,
        "max_grad_norm": None,
    }
    return json.dumps(known, indent=2).encode()


def _named(row: Row, names: Mapping[str, str], function: str) -> dict[str, float]:
    found = {key: round(row[name], 8) for name, key in names.items() if name in row}
    for name, value in row.items():
        if name.startswith("function:"):
            found[function.format(name.removeprefix("function:"))] = round(value, 8)
    return found


def _trl(row: Row) -> dict[str, float]:
    entropy = {"entropy": row["entropy"]} if "entropy" in row else {}
    return _named(row, NEW, "rewards/{}/mean") | entropy


def _swift_row(row: Row, last: int) -> dict[str, object]:
    found: dict[str, object] = dict(_named(row, NEW, "rewards/{}/mean"))
    for name in row:
        if name.startswith("function:"):
            mean = row[name]
            found[f"rewards/{name.removeprefix('function:')}/std"] = round(abs(mean * (1 - mean)) ** 0.5, 8)
    found |= {f"clip_ratio/{bound}": 0.0 for bound in CLIP_RATIOS}
    return found | _position(row, last) | {"memory(GiB)": 61.42, "train_speed(s/it)": STEP_SECONDS}


def _position(row: Row, last: int) -> dict[str, object]:
    step = int(row["step"])
    return {
        "global_step/max_steps": f"{step}/{last}",
        "percentage": f"{100 * step / last:.2f}%",
        "elapsed_time": _words(step * STEP_SECONDS),
        "remaining_time": _words((last - step) * STEP_SECONDS),
    }


def _words(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{amount}{unit}" for amount, unit in parts)


def _lines(rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()  # type: ignore[attr-defined]

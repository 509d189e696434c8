"""How far a run is, and how long it takes."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry
from llmtrain_exporter.knowledge.metric import Group, Key, Unit

_G = Group.PROGRESS

STEP = entry("step", _G, "Optimizer step of the last training record.")
MAX_STEPS = entry("max_steps", _G, "Optimizer steps that the run is planned to take.")
PROGRESS = entry(
    "progress_ratio", _G, "Share of the planned steps that is done.", Key("percentage", Unit.PERCENT)
)
EPOCH = entry("epoch", _G, "Passes over the training data.", "epoch")
TOKENS = entry(
    "tokens",
    _G,
    "Tokens processed so far.",
    "num_tokens",
    "total_tokens",
    "num_input_tokens_seen",
    "tokens/total",
)
ELAPSED = entry(
    "elapsed_seconds",
    _G,
    "Time since the trainer's process started, as it logs it.",
    Key("elapsed_time", Unit.DURATION),
)
REMAINING = entry(
    "remaining_seconds",
    _G,
    "Time to the end of the run, as the trainer estimates it.",
    Key("remaining_time", Unit.DURATION),
)
SECONDS_PER_STEP = entry(
    "seconds_per_step",
    _G,
    "Seconds per optimizer step as the trainer logs it: a mean since its process started.",
    "train_speed(s/it)",
    Key("train_speed(iter/s)", Unit.PER_SECOND),
)
STEP_TIME = entry(
    "step_time_seconds",
    _G,
    "Duration of the last step, as the trainer logs it.",
    "step_time",
    "perf/step_s",
    "elapsed_time_per_iteration",
)
MEMORY = entry(
    "memory_bytes",
    _G,
    "Highest device memory in use so far.",
    Key("memory(GiB)", Unit.GIBIBYTES),
    Key("memory/max_active (GiB)", Unit.GIBIBYTES),
    Key("memory/max_mem_active(gib)", Unit.GIBIBYTES),
    Key("vram_allocated", Unit.GIBIBYTES),
    Key("peak_memory_active", Unit.GIBIBYTES),
    Key("peak_memory_gb", Unit.GIGABYTES),
)
EVAL_RUNTIME = entry("eval_runtime_seconds", _G, "Duration of the last evaluation.", "eval_runtime")
EVAL_SAMPLES = entry(
    "eval_samples_per_second",
    _G,
    "Samples per second of the last evaluation.",
    "eval_samples_per_second",
)
EVAL_STEPS = entry(
    "eval_steps_per_second", _G, "Steps per second of the last evaluation.", "eval_steps_per_second"
)

EVAL_TOKENS = entry(
    "eval_tokens", _G, "Tokens that the trainer had counted at its last evaluation.", "eval_num_tokens"
)
TRAINABLE_TOKENS = entry(
    "trainable_tokens", _G, "Tokens so far that the loss is taken over.", "tokens/trainable"
)
SAMPLES = entry("samples", _G, "Samples processed so far.", "consumed_samples", "episode")
TRAIN_SAMPLES = entry("train_samples", _G, "Samples in the training data.", "train_samples")
EVAL_DATA_SAMPLES = entry("eval_samples", _G, "Samples in the evaluation data.", "eval_samples")
EVAL_PREPARATION = entry(
    "eval_preparation_seconds",
    _G,
    "Time that the model took to be made ready for its first evaluation.",
    "eval_model_preparation_time",
)
TRAIN_RUNTIME = entry(
    "train_runtime_seconds",
    _G,
    "Time that the trainer's process trained, as its last row has it.",
    "train_runtime",
)
FLOATING_POINT_OPERATIONS = entry(
    "total_flops", _G, "Floating point operations so far, as the trainer reckons them.", "total_flos"
)
LORA_RESTARTS = entry(
    "lora_restarts",
    _G,
    "Times that the adapter was merged and begun anew (ReLoRA).",
    "num_lora_restarts",
)

METRICS = (
    *(STEP, MAX_STEPS, PROGRESS, EPOCH, TOKENS, ELAPSED, REMAINING, SECONDS_PER_STEP, STEP_TIME),
    *(MEMORY, EVAL_RUNTIME, EVAL_SAMPLES, EVAL_STEPS),
    *(EVAL_TOKENS, TRAINABLE_TOKENS, SAMPLES, TRAIN_SAMPLES, EVAL_DATA_SAMPLES, EVAL_PREPARATION),
    *(TRAIN_RUNTIME, FLOATING_POINT_OPERATIONS, LORA_RESTARTS),
)

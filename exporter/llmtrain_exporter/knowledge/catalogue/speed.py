"""Throughput, where the time of a step goes, memory besides the peak, and how batches are filled."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry, parts
from llmtrain_exporter.knowledge.metric import Group, Key, Unit

_S = Group.SPEED
_STAGES = ("init", "train", "eval", "test")

TOKENS_PER_SECOND = entry(
    "tokens_per_second",
    _S,
    "Tokens per second.",
    Key("train_tokens_per_second", fixed="all"),
    Key("effective_tokens_per_sec", fixed="effective"),
    Key("tokens/train_per_sec_per_gpu", fixed="gpu"),
    Key("tokens_per_second_per_gpu", fixed="gpu"),
    Key("perf/trained_tok_s_wall_clock", fixed="trained_wall_clock"),
    *parts("fwd_bwd", "wall_clock", before="perf/forwarded_tok_s_", label="forwarded_"),
    Key("rollout/generated_tok_s", fixed="generated"),
    label="scope",
)
SAMPLES_PER_SECOND = entry(
    "samples_per_second",
    _S,
    "Samples trained on per second, over the process's whole run.",
    "train_samples_per_second",
)
STEP_SAMPLES_PER_SECOND = entry(
    "step_samples_per_second", _S, "Samples per second of the last step.", label="scope"
)
STEPS_PER_SECOND = entry(
    "train_steps_per_second",
    _S,
    "Optimizer steps per second, over the process's whole run.",
    "train_steps_per_second",
)
EPISODES_PER_SECOND = entry("episodes_per_second", _S, "Episodes of PPO per second.", "eps")
MFU = entry(
    "mfu_ratio",
    _S,
    "Share of the hardware's floating point operations that the model makes use of.",
    Key("MFU", fixed="all"),
    *parts("fwd_bwd", "wall_clock", before="perf/mfu_"),
    label="scope",
)
FLOPS = entry(
    "flops_per_second",
    _S,
    "Floating point operations per second and GPU.",
    Key("throughput per GPU (TFLOP/s/GPU)", Unit.TERA),
)
PHASE_TIME = entry(
    "phase_time_seconds",
    _S,
    "Time of one part of a step.",
    *parts("fwd_bwd", "fwd", "optimizer", "rollout_wait", "weight_sync", before="perf/", after="_s"),
    *parts("weight_sync_pause", "weight_sync_barrier", "weight_sync_transfer", before="perf/", after="_s"),
    *parts("score_block", "score", "score_wait", "backpressure", before="rollout/", after="_s"),
    Key("rollout/duration_s", fixed="rollout"),
    Key("sample/time_in_queue_s", fixed="queue"),
    "time/ppo/{}",
    label="phase",
)
EVAL_DATASET_RUNTIME = entry(
    "eval_dataset_runtime_seconds",
    _S,
    "Duration of the evaluation on one of several sets.",
    "eval_{}_runtime",
    label="dataset",
)
EVAL_DATASET_SAMPLES = entry(
    "eval_dataset_samples_per_second",
    _S,
    "Samples per second of the evaluation on one of several sets.",
    "eval_{}_samples_per_second",
    label="dataset",
)
EVAL_DATASET_STEPS = entry(
    "eval_dataset_steps_per_second",
    _S,
    "Steps per second of the evaluation on one of several sets.",
    "eval_{}_steps_per_second",
    label="dataset",
)
MEMORY_ALLOCATED = entry(
    "memory_allocated_bytes",
    _S,
    "Highest device memory that tensors took, where the log has it beside what is active.",
    Key("memory/max_allocated (GiB)", Unit.GIBIBYTES),
    Key("memory/max_mem_allocated(gib)", Unit.GIBIBYTES),
    Key("peak_memory_alloc", Unit.GIBIBYTES),
)
MEMORY_RESERVED = entry(
    "memory_reserved_bytes",
    _S,
    "Highest device memory that the allocator held.",
    Key("memory/device_reserved (GiB)", Unit.GIBIBYTES),
    Key("memory/device_mem_reserved(gib)", Unit.GIBIBYTES),
    Key("vram_reserved", Unit.GIBIBYTES),
    Key("peak_memory_reserved", Unit.GIBIBYTES),
)
MEMORY_CHANGE = entry(
    "memory_change_bytes",
    _S,
    "Memory that a stage of the program took, at its end (alloc) and at its peak above that (peaked).",
    *(
        Key(f"{stage}_mem_{device}_{kind}_delta", fixed=f"{stage}_{device}_{kind}")
        for stage in _STAGES
        for device in ("cpu", "gpu")
        for kind in ("alloc", "peaked")
    ),
    label="of",
)
MEMORY_BEFORE = entry(
    "memory_before_init_bytes",
    _S,
    "Memory in use before the trainer was set up.",
    *parts("cpu", "gpu", before="before_init_mem_"),
    label="device",
)
BATCH_RATIO = entry(
    "batch_ratio",
    _S,
    "How well batches are filled, and how evenly.",
    Key("batch/masked_token_frac", fixed="masked"),
    Key("batch/row_fill_frac", fixed="filled"),
    Key("batch/pad_frac", fixed="padding"),
    Key("batch/row_imbalance", fixed="imbalance"),
    Key("batch/packing_ratio", fixed="packing"),
    label="kind",
)
BATCH_SIZE = entry(
    "batch_size",
    _S,
    "What a row or a step is made of.",
    *parts(
        "samples_per_row", "microbatches_per_step", "samples_per_step", "groups_per_step", before="batch/"
    ),
    label="of",
)
ROW_TOKENS = entry(
    "batch_row_tokens",
    _S,
    "Tokens in a row of the batch.",
    *parts("mean", "max", before="batch/row_tokens_"),
    label="stat",
)
STEP_TOKENS = entry(
    "step_tokens",
    _S,
    "Tokens of a step that pass through the model, and those that are learnt from.",
    *parts("forwarded", "trained", before="batch/", after="_tokens_per_step"),
    label="kind",
)
SAMPLE_TOKENS = entry(
    "sample_tokens",
    _S,
    "Tokens of a sample that pass through the model, and those that are learnt from.",
    *parts("forwarded_tokens_mean", "forwarded_tokens_max", "trained_tokens_mean", before="sample/"),
    label="stat",
)
TOKEN_TIME = entry(
    "phase_time_per_token_seconds", _S, "Time of one part of a step over the tokens in it.", label="phase"
)
DATA_TIME = entry("data_time_ratio", _S, "Share of the time in which the trainer waits for data.")
MEMORY_RATIO = entry(
    "memory_ratio", _S, "Share of the device's memory that was in use at the most.", label="kind"
)
HOST_MEMORY = entry("host_memory_bytes", _S, "Memory of the host in use.")
ALLOCATOR_EVENTS = entry(
    "allocator_events", _S, "Times so far that the allocator had to try again or ran out.", label="event"
)
DISK = entry("checkpoint_disk_bytes", _S, "Disk on which the checkpoints lie.", label="kind")
DISK_FREE = entry("checkpoint_disk_free_ratio", _S, "Share of that disk that is free.")
RANK_TOKENS = entry(
    "rank_tokens", _S, "Tokens of a step that each rank gets, before and after balancing.", label="stat"
)
POWER = entry("gpu_power_watts", _S, "Power of a GPU, as the trainer measures it.")
ENERGY = entry("gpu_energy_joules", _S, "Energy that a GPU takes for an iteration.")
LOOP_LAG = entry(
    "event_loop_lag_seconds", _S, "By how much the process that hands out the work is late.", label="stat"
)

METRICS = (
    *(TOKENS_PER_SECOND, SAMPLES_PER_SECOND, STEPS_PER_SECOND, EPISODES_PER_SECOND, MFU, FLOPS, PHASE_TIME),
    *(EVAL_DATASET_RUNTIME, EVAL_DATASET_SAMPLES, EVAL_DATASET_STEPS),
    *(MEMORY_ALLOCATED, MEMORY_RESERVED, MEMORY_CHANGE, MEMORY_BEFORE),
    *(BATCH_RATIO, BATCH_SIZE, ROW_TOKENS, STEP_TOKENS, SAMPLE_TOKENS),
    *(TOKEN_TIME, DATA_TIME, MEMORY_RATIO, HOST_MEMORY, ALLOCATOR_EVENTS, DISK, DISK_FREE),
    *(RANK_TOKENS, POWER, ENERGY, LOOP_LAG, STEP_SAMPLES_PER_SECOND),
)

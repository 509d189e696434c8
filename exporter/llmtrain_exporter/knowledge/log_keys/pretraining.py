"""Keys of Megatron-LM, torchtitan, litgpt and nanotron.

Megatron's have blanks in its output and dashes in trackers.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.catalogue import objective, progress, rollout, speed
from llmtrain_exporter.knowledge.log_keys.log_key import feeds
from llmtrain_exporter.knowledge.metric import Key, Unit

_MEGATRON_TAGS = ("learning-rate", "iteration-time", "grad-norm")

_MEGATRON = (
    *feeds(c.LOSS, Key("lm loss", unless=("loss",)), Key("lm loss value", evaluation=True)),
    *feeds(objective.PERPLEXITY, Key("lm loss PPL", evaluation=True)),
    *feeds(c.GRAD_NORM, "grad norm", "grad-norm"),
    *feeds(c.LEARNING_RATE, "learning rate", "learning-rate"),
    *feeds(objective.LOSS_SCALE, "loss scale", "loss-scale"),
    *feeds(objective.PARAMETER_NORM, "params norm", "params-norm"),
    *feeds(objective.ZERO_GRADIENTS, "num zeros", "num-zeros"),
    *feeds(objective.MTP_LOSS, "mtp_{} loss"),
    *feeds(objective.ATTENTION_LOGIT, "max_attention_logit"),
    *feeds(
        objective.SKIPPED_ITERATIONS,
        Key("number of skipped iterations", fixed="skipped"),
        Key("number of nan iterations", fixed="nan"),
    ),
    *feeds(progress.SAMPLES, "consumed samples"),
    *feeds(c.TOKENS, "consumed tokens"),
    *feeds(c.STEP_TIME, Key("elapsed time per iteration (ms)", Unit.MILLI), "iteration-time"),
    *feeds(speed.FLOPS, Key("throughput", Unit.TERA, beside=_MEGATRON_TAGS)),
    *feeds(speed.ENERGY, "energy per GPU (J/iter/GPU)"),
    *feeds(speed.POWER, "power per GPU (W/GPU)"),
    *feeds(
        speed.BATCH_SIZE,
        Key("global batch size", fixed="global"),
        Key("batch-size", fixed="global"),
    ),
)
_TORCHTITAN = (
    *feeds(
        c.LOSS,
        "loss_metrics/global_avg_loss",
        Key("validation_metrics/loss", evaluation=True),
    ),
    *feeds(objective.LOSS_STATISTIC, Key("loss_metrics/global_max_loss", fixed="max")),
    *feeds(c.GRAD_NORM, "trainer/grad_norm/mean"),
    *feeds(c.LEARNING_RATE, "trainer/lr"),
    *feeds(c.TOKENS, "n_tokens_seen"),
    *feeds(speed.TOKENS_PER_SECOND, Key("throughput(tps)", fixed="gpu")),
    *feeds(speed.FLOPS, Key("tflops", Unit.TERA)),
    *feeds(speed.MFU, Key("mfu(%)", Unit.PERCENT, "all")),
    *feeds(c.STEP_TIME, "time_metrics/end_to_end(s)"),
    *feeds(speed.PHASE_TIME, Key("time_metrics/data_loading(s)", fixed="data")),
    *feeds(speed.DATA_TIME, Key("time_metrics/data_loading(%)", Unit.PERCENT)),
    *feeds(c.MEMORY, Key("memory/max_active(GiB)", Unit.GIBIBYTES)),
    *feeds(speed.MEMORY_RESERVED, Key("memory/max_reserved(GiB)", Unit.GIBIBYTES)),
    *feeds(
        speed.MEMORY_RATIO,
        *(Key(f"memory/max_{kind}(%)", Unit.PERCENT, kind) for kind in ("active", "reserved")),
    ),
    *feeds(
        speed.ALLOCATOR_EVENTS,
        Key("memory/num_alloc_retries", fixed="retry"),
        Key("memory/num_ooms", fixed="out_of_memory"),
    ),
    *feeds(rollout.POLICY_VERSION, "trainer/policy_version"),
)
_LITGPT = (
    *feeds(c.LOSS, Key("val_loss", evaluation=True)),
    *feeds(objective.PERPLEXITY, Key("val_ppl", evaluation=True)),
    *feeds(speed.PHASE_TIME, Key("iter_time", fixed="micro_batch")),
    *feeds(
        speed.STEP_SAMPLES_PER_SECOND,
        Key("throughput/samples_per_sec", fixed="all"),
        Key("throughput/device/samples_per_sec", fixed="gpu"),
    ),
    *feeds(speed.MFU, Key("throughput/device/mfu", fixed="all")),
    *feeds(speed.FLOPS, "throughput/device/flops_per_sec"),
    *feeds(speed.TOKENS_PER_SECOND, Key("throughput/items_per_sec", fixed="all")),
    *feeds(speed.TOKENS_PER_SECOND, Key("throughput/device/items_per_sec", fixed="gpu")),
)
_NANOTRON = (
    *feeds(c.LOSS, Key("lm_loss", unless=("loss",))),
    *feeds(c.TOKENS, "consumed_tokens"),
    *feeds(
        c.STEP_TIME,
        *(Key(f"{before}time_per_iteration_ms", Unit.MILLI) for before in ("", "elapsed_")),
    ),
    *feeds(
        speed.TOKENS_PER_SECOND,
        Key("tokens_per_sec", fixed="all"),
        Key("tokens_per_sec_per_gpu", fixed="gpu"),
    ),
    *feeds(speed.FLOPS, Key("model_tflops_per_gpu", Unit.TERA)),
    *feeds(speed.BATCH_SIZE, Key("global_batch_size", fixed="global")),
    *feeds(speed.MEMORY_ALLOCATED, "cuda_memory_allocated"),
    *feeds(speed.MEMORY_RESERVED, "cuda_max_memory_reserved"),
)

KEYS = (*_MEGATRON, *_TORCHTITAN, *_LITGPT, *_NANOTRON)

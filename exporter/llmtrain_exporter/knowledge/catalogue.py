"""The metric catalogue: every metric that is exposed, and the log keys that feed it.

Sources of the keys: the trainers' own code, version by version (ms-swift 1.x to 4.6, TRL 0.9 to 1.x,
Transformers 4.x and 5.x, LLaMA-Factory 0.1 to 0.9 and its v1 engine), confirmed on logs of real runs.
"""

from __future__ import annotations

from llmtrain_exporter.knowledge.metric import PREFIX, Group, Key, Metric, Type, Unit


def _metric(
    name: str,
    group: Group,
    text: str,
    *keys: str | Key,
    type: Type = Type.GAUGE,  # noqa: A002  # the exposition format's own word
    label: str = "",
    split: bool = False,
    essential: bool = False,
) -> Metric:
    written = tuple(key if isinstance(key, Key) else Key(key) for key in keys)
    return Metric(PREFIX + name, group, text, written, type, label, split, essential)


_O, _R, _L, _P = Group.OPTIMISATION, Group.REWARD, Group.LENGTH, Group.PREFERENCE

LOSS = _metric("loss", _O, "Loss as logged.", "loss", split=True, essential=True)
GRAD_NORM = _metric("grad_norm", _O, "L2 norm of the gradients before clipping.", "grad_norm", essential=True)
LEARNING_RATE = _metric("learning_rate", _O, "Learning rate in force.", "learning_rate", "lr")
KL = _metric(
    "kl",
    _O,
    "Divergence of the policy from its reference model, mean per token unless the trainer says otherwise.",
    "kl",
    split=True,
    essential=True,
)
CLIP_RATIO = _metric(
    "clip_ratio",
    _O,
    "Share of token probability ratios that hit the clipping bound.",
    "clip_ratio/{}",
    Key("clip_ratio", fixed="region_mean"),
    Key("policy/clipfrac_avg", fixed="region_mean"),
    Key("cispo_clip_ratio", fixed="cispo"),
    label="bound",
    split=True,
)
ENTROPY = _metric(
    "entropy",
    _O,
    "Entropy of the predicted token distribution, in nats.",
    "entropy/{}",
    Key("entropy", fixed="mean"),
    Key("policy/entropy_avg", fixed="mean"),
    label="stat",
    split=True,
)
TOKEN_ACCURACY = _metric(
    "token_accuracy_ratio",
    _O,
    "Share of tokens predicted right.",
    "token_acc",
    "mean_token_accuracy",
    "acc",
    split=True,
)

REWARD = _metric("reward", _R, "Mean total reward.", "reward", "objective/scores", split=True, essential=True)
REWARD_STD = _metric(
    "reward_std",
    _R,
    "Spread of the total reward, as the trainer defines it (within groups or over the batch).",
    "reward_std",
    split=True,
)
REWARD_FUNCTION_MEAN = _metric(
    "reward_function_mean",
    _R,
    "Mean of one reward function.",
    "rewards/{}/mean",
    "rewards/{}",
    label="function",
    split=True,
)
REWARD_FUNCTION_STD = _metric(
    "reward_function_std",
    _R,
    "Standard deviation of one reward function.",
    "rewards/{}/std",
    label="function",
    split=True,
)
REWARD_ZERO_STD = _metric(
    "reward_zero_std_ratio",
    _R,
    "Share of prompt groups in which all completions got the same reward.",
    "frac_reward_zero_std",
    split=True,
)

COMPLETION_LENGTH = _metric(
    "completion_length_tokens",
    _L,
    "Length of the generated completions, in tokens.",
    "completions/{}_length",
    Key("completion_length", fixed="mean"),
    label="stat",
    split=True,
)
COMPLETION_CLIPPED = _metric(
    "completion_clipped_ratio",
    _L,
    "Share of completions cut off at the length limit.",
    "completions/clipped_ratio",
    "response_clip_ratio",
    split=True,
)

PREFERENCE_REWARD = _metric(
    "preference_reward",
    _P,
    "Implicit reward of the chosen and the rejected answers.",
    Key("rewards/chosen", fixed="chosen"),
    Key("rewards/rejected", fixed="rejected"),
    label="side",
    split=True,
    essential=True,
)
PREFERENCE_MARGIN = _metric(
    "preference_margin",
    _P,
    "Reward of the chosen minus reward of the rejected answers.",
    "rewards/margins",
    split=True,
    essential=True,
)
PREFERENCE_ACCURACY = _metric(
    "preference_accuracy_ratio",
    _P,
    "Share of pairs in which the chosen answer has the higher reward.",
    "rewards/accuracies",
    split=True,
)
LOGPS = _metric(
    "logps",
    _P,
    "Log probability of the chosen and the rejected answers.",
    "logps/{}",
    label="side",
    split=True,
)

_G = Group.PROGRESS
STEP = _metric("step", _G, "Optimizer step of the last training record.")
MAX_STEPS = _metric("max_steps", _G, "Optimizer steps that the run is planned to take.")
PROGRESS = _metric(
    "progress_ratio", _G, "Share of the planned steps that is done.", Key("percentage", Unit.PERCENT)
)
EPOCH = _metric("epoch", _G, "Passes over the training data.", "epoch")
TOKENS = _metric(
    "tokens", _G, "Tokens processed so far.", "num_tokens", "total_tokens", "num_input_tokens_seen"
)
ELAPSED = _metric(
    "elapsed_seconds",
    _G,
    "Time since the trainer's process started, as it logs it.",
    Key("elapsed_time", Unit.DURATION),
)
REMAINING = _metric(
    "remaining_seconds",
    _G,
    "Time to the end of the run, as the trainer estimates it.",
    Key("remaining_time", Unit.DURATION),
)
SECONDS_PER_STEP = _metric(
    "seconds_per_step",
    _G,
    "Seconds per optimizer step as the trainer logs it: a mean since its process started.",
    "train_speed(s/it)",
    Key("train_speed(iter/s)", Unit.PER_SECOND),
)
STEP_TIME = _metric(
    "step_time_seconds", _G, "Duration of the last step, as the trainer logs it.", "step_time"
)
MEMORY = _metric(
    "memory_bytes", _G, "Highest device memory in use so far.", Key("memory(GiB)", Unit.GIBIBYTES)
)
EVAL_RUNTIME = _metric("eval_runtime_seconds", _G, "Duration of the last evaluation.", "eval_runtime")
EVAL_SAMPLES = _metric(
    "eval_samples_per_second",
    _G,
    "Samples per second of the last evaluation.",
    "eval_samples_per_second",
)
EVAL_STEPS = _metric(
    "eval_steps_per_second", _G, "Steps per second of the last evaluation.", "eval_steps_per_second"
)

_D = Group.DERIVED
RECENT_SECONDS_PER_STEP = _metric(
    "recent_seconds_per_step",
    _D,
    "Seconds per optimizer step over the last records of this process, from differences of elapsed time.",
)
EVAL_TRAIN_LOSS = _metric(
    "eval_train_loss_ratio", _D, "Last evaluation loss over the last training loss before it."
)
EVAL_TRAIN_ACCURACY = _metric(
    "eval_train_accuracy_difference",
    _D,
    "Last evaluation token accuracy minus the last training token accuracy before it.",
)
EVAL_TRAIN_ENTROPY = _metric(
    "eval_train_entropy_ratio", _D, "Last evaluation entropy over the last training entropy before it."
)
COMPLETION_LENGTH_LIMIT = _metric(
    "completion_length_limit_ratio", _D, "Mean completion length over max_completion_length."
)
GRAD_NORM_CLIP = _metric(
    "grad_norm_clip_ratio",
    _D,
    "Gradient norm over max_grad_norm; above 1 the gradient was clipped.",
)
REWARD_VARIATION = _metric(
    "reward_variation_ratio", _D, "Spread of the total reward over its mean: reward_std / |reward|."
)
LEARNING_RATE_PEAK = _metric(
    "learning_rate_peak_ratio",
    _D,
    "Learning rate over the highest that the run has logged.",
)
BEST_EVAL_LOSS = _metric("best_eval_loss", _D, "Lowest evaluation loss so far.")
BEST_EVAL_STEP = _metric("best_eval_step", _D, "Step of the lowest evaluation loss so far.")

_S = Group.STATE
RUN = _metric(
    "run",
    _S,
    "Static facts of a run: who wrote its log, what is trained, with which settings.",
    type=Type.INFO,
)
RUN_STATE = _metric("run_state", _S, "1 for the state that a run is in, 0 for the others.", label="state")
RUN_HEALTH = _metric("run_health", _S, "How the run is at its last record: 0 healthy, 1 watch, 2 broken.")
GPUS = _metric("gpus", _S, "Processes of the training, one for each GPU, as its arguments tell.")
LAST_RECORD = _metric("last_record_timestamp_seconds", _S, "When the last record was written.")
RESUMES = _metric(
    "resumes_total", _S, "Times that the steps of a run went back because it was resumed.", type=Type.COUNTER
)
RECORDS = _metric("records_total", _S, "Log rows read, by kind.", type=Type.COUNTER, label="kind")
SKIPPED = _metric(
    "skipped_lines_total",
    _S,
    "Lines that are no record, by reason.",
    type=Type.COUNTER,
    label="reason",
)
DROPPED_SERIES = _metric(
    "dropped_series_total",
    _S,
    "Keys of a run that are not exposed because its limit of series is reached.",
    type=Type.COUNTER,
)

OTHER = _metric(
    "other",
    Group.OTHER,
    "Numbers of the log that the catalogue has no name for, by their log key.",
    label="key",
    split=True,
)

METRICS: tuple[Metric, ...] = (
    *(LOSS, GRAD_NORM, LEARNING_RATE, KL, CLIP_RATIO, ENTROPY, TOKEN_ACCURACY),
    *(REWARD, REWARD_STD, REWARD_FUNCTION_MEAN, REWARD_FUNCTION_STD, REWARD_ZERO_STD),
    *(COMPLETION_LENGTH, COMPLETION_CLIPPED),
    *(PREFERENCE_REWARD, PREFERENCE_MARGIN, PREFERENCE_ACCURACY, LOGPS),
    *(STEP, MAX_STEPS, PROGRESS, EPOCH, TOKENS, ELAPSED, REMAINING, SECONDS_PER_STEP, STEP_TIME),
    *(MEMORY, EVAL_RUNTIME, EVAL_SAMPLES, EVAL_STEPS),
    *(RECENT_SECONDS_PER_STEP, EVAL_TRAIN_LOSS, EVAL_TRAIN_ACCURACY, EVAL_TRAIN_ENTROPY),
    *(COMPLETION_LENGTH_LIMIT, GRAD_NORM_CLIP, REWARD_VARIATION, LEARNING_RATE_PEAK, BEST_EVAL_LOSS),
    BEST_EVAL_STEP,
    *(RUN, RUN_STATE, RUN_HEALTH, GPUS, LAST_RECORD, RESUMES, RECORDS, SKIPPED, DROPPED_SERIES),
    OTHER,
)
"""All of the above, in the order in which they are exposed."""

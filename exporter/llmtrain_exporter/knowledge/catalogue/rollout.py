"""How completions come to be: ends, turns and tools, queues, what is too old or thrown away."""

from __future__ import annotations

from llmtrain_exporter.knowledge.catalogue.entry import entry, parts
from llmtrain_exporter.knowledge.metric import Group, Key

_R = Group.ROLLOUT

TERMINATED = entry(
    "completion_terminated_ratio",
    _R,
    "Share of completions that end by themselves.",
    Key("val/contain_eos_token", fixed="policy"),
    Key("val/model_contain_eos_token", fixed="policy"),
    Key("val/ref_contain_eos_token", fixed="reference"),
    label="side",
    split=True,
)
END_TOKENS = entry(
    "completion_end_tokens", _R, "End-of-text tokens in the completions.", "val/num_eos_tokens", split=True
)
PROMPT_LENGTH = entry(
    "prompt_length_tokens",
    _R,
    "Length of the prompts, in tokens.",
    "tokens/queries_len_{}",
    label="stat",
    split=True,
)
TURNS = entry(
    "turns",
    _R,
    "Turns of a conversation with tools or an environment.",
    Key("num_turns", fixed="mean"),
    "rollout/turns_{}",
    label="stat",
    split=True,
)
TURN_LIMIT = entry(
    "turn_limit_ratio",
    _R,
    "Share of conversations that only the limit of turns ended.",
    "tools/loop_exhausted_frac",
    split=True,
)
TOOL_CALLS = entry(
    "tool_calls",
    _R,
    "Tool calls of a completion, or of a turn.",
    Key("tools/call_frequency", fixed="mean"),
    Key("tools/parallel_calls_mean", fixed="per_turn"),
    label="stat",
    split=True,
)
TOOL_FAILURES = entry(
    "tool_failure_ratio", _R, "Share of tool calls that failed.", "tools/failure_frequency", split=True
)
TOOL_CALLS_BY_TOOL = entry(
    "tool_interval_calls",
    _R,
    "Calls of one tool since the record before.",
    "tools/{}/call_total",
    label="tool",
    split=True,
)
TOOL_FAILURES_BY_TOOL = entry(
    "tool_interval_failures",
    _R,
    "Failed calls of one tool since the record before.",
    "tools/{}/failure_total",
    label="tool",
    split=True,
)
UNKNOWN_TOOLS = entry(
    "tool_interval_unknown_names",
    _R,
    "Calls of tools that do not exist since the record before.",
    "tools/unknown_name_total",
    split=True,
)
TOOL_LATENCY = entry(
    "tool_latency_seconds",
    _R,
    "Duration of a tool call.",
    Key("tools/latency_s", fixed="all"),
    "tools/{}/latency_s",
    label="tool",
    split=True,
)
STALENESS = entry(
    "staleness_versions",
    _R,
    "Weight updates by which the sampler's policy was behind the trainer's.",
    *parts("mean", "max", before="sample/staleness_"),
    label="stat",
)
DROPPED_SAMPLES = entry(
    "dropped_samples",
    _R,
    "Samples thrown away since the record before.",
    Key("sample/dropped_stale_total", fixed="stale"),
    Key("batch/dropped_oversize_total", fixed="oversize"),
    label="reason",
)
SKIPPED_BATCHES = entry(
    "skipped_batches",
    _R,
    "Batches left out because every advantage in them is 0.",
    "skipped_zero_adv_batches",
)
QUEUE_SIZE = entry(
    "queue_size",
    _R,
    "Samples that wait, or are being made.",
    Key("sample/rollout_queue_size", fixed="rollout"),
    Key("rollout/score_queue_size", fixed="score"),
    Key("rollout/inflight", fixed="inflight"),
    Key("replay_buffer_size", fixed="replay"),
    Key("reroll_buffer_size", fixed="reroll"),
    label="queue",
)
BUFFER_EVENTS = entry(
    "buffer_changes",
    _R,
    "Entries of the buffers for replay and another try that were exchanged or put in.",
    Key("replay_buffer_replacements", fixed="replay"),
    Key("reroll_buffered", fixed="reroll"),
    label="buffer",
)
RETRIES = entry(
    "rollout_interval_retries",
    _R,
    "Requests to the sampler that were made again since the record before.",
    "rollout/vllm_retry_total",
)
ROLLOUT_SAMPLES = entry(
    "rollout_samples", _R, "Samples that one rollout yields.", "rollout/samples_per_rollout"
)
PROMPT_CLIPPED = entry("prompt_clipped_ratio", _R, "Share of prompts as long as the limit.", split=True)
TOTAL_LENGTH = entry(
    "sequence_length_tokens",
    _R,
    "Length of prompt and completion together, tools' answers included, in tokens.",
    label="stat",
    split=True,
)
ABORTED = entry("completion_aborted_ratio", _R, "Share of completions without any token.", split=True)
REPETITION = entry(
    "completion_repetition_ratio", _R, "Share of completions that go round in a loop.", split=True
)
ROLLOUT_ENDS = entry(
    "rollout_outcome_ratio",
    _R,
    "Share of rollouts that came out so, by environment.",
    label="of",
    split=True,
)
ROLLOUT_FAILURES = entry(
    "rollout_failures",
    _R,
    "Rollouts that failed or were given up.",
    label="reason",
    split=True,
)
ROLLOUT_TOKENS = entry(
    "rollout_tokens",
    _R,
    "Tokens of a rollout by environment.",
    label="of",
    split=True,
)
ROLLOUT_BRANCHES = entry(
    "rollout_branches", _R, "Branches of a rollout by environment.", label="of", split=True
)
GROUPS_KEPT = entry(
    "groups_kept_ratio", _R, "Share of prompt groups that dynamic sampling leaves in the batch."
)
GENERATED_BATCHES = entry(
    "generated_batches", _R, "Batches that were generated to fill one with groups that teach something."
)
EQUAL_GROUPS = entry(
    "equal_reward_groups", _R, "Prompt groups whose completions all got this reward.", label="reward"
)
PARTIAL_ROLLOUTS = entry(
    "partial_rollout_ratio", _R, "Share of rollouts that several versions of the policy wrote."
)
POLICY_VERSION = entry("policy_version", _R, "Version of the weights that the sampler uses.")
IDLE = entry("idle_ratio", _R, "Share of the time in which one side waits for the other.", label="side")
SPECULATION = entry(
    "speculative_acceptance",
    _R,
    "Of tokens drafted by a small model, the share that is accepted (rate) and how many in a row (length).",
    label="stat",
)
PREFIX_CACHE = entry(
    "prefix_cache_hit_ratio", _R, "Share of prompt tokens that the sampler had in its cache."
)
SAMPLE_TIME = entry(
    "sample_time_seconds", _R, "Time that the sampler takes for a sample or request.", label="stat"
)
PREEMPTIONS = entry(
    "sampler_preemptions",
    _R,
    "Times that the sampler interrupted a completion for want of room in its cache.",
    label="stat",
)

METRICS = (
    *(TERMINATED, END_TOKENS, PROMPT_LENGTH, TURNS, TURN_LIMIT, TOOL_CALLS, TOOL_FAILURES),
    *(TOOL_CALLS_BY_TOOL, TOOL_FAILURES_BY_TOOL, UNKNOWN_TOOLS, TOOL_LATENCY, STALENESS),
    *(DROPPED_SAMPLES, SKIPPED_BATCHES, QUEUE_SIZE, BUFFER_EVENTS, RETRIES, ROLLOUT_SAMPLES),
    *(PROMPT_CLIPPED, TOTAL_LENGTH, ABORTED, REPETITION, ROLLOUT_ENDS, ROLLOUT_FAILURES),
    *(ROLLOUT_TOKENS, ROLLOUT_BRANCHES, GROUPS_KEPT, GENERATED_BATCHES, EQUAL_GROUPS),
    *(PARTIAL_ROLLOUTS, POLICY_VERSION, IDLE, SPECULATION, PREFIX_CACHE, SAMPLE_TIME),
    PREEMPTIONS,
)

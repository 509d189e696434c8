"""What the metrics of sampling mean: ends, turns and tools, queues, what is thrown away."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import rollout as r
from llmtrain_exporter.knowledge.catalogue import speed
from llmtrain_exporter.knowledge.meaning import Good, Meaning
from llmtrain_exporter.knowledge.meanings.plain import noted, on_its_own_level, plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import DPO, GENERIC, GRPO, PPO

_COMPLETIONS: Mapping[Metric, Meaning] = {
    r.TERMINATED: plain(
        "Completions that end by themselves. Falling: they run into the length limit.",
        "自行结束的回答比例，下降说明越来越多回答撞到长度上限。",
        Good.UP,
        related=(c.COMPLETION_CLIPPED, c.COMPLETION_LENGTH),
        healthy=on_its_own_level(GRPO, PPO, DPO, GENERIC),
    ),
    r.END_TOKENS: plain(
        "Ends of text in the completions. None at all: nothing stops by itself.",
        "回答中结束符的数量，为 0 说明没有一条能自行停止。",
        related=(r.TERMINATED,),
    ),
    r.PROMPT_LENGTH: plain(
        "Tokens of a prompt. Follows the data; long prompts leave less room for the answer.",
        "prompt 的 token 数，由数据决定；过长会挤占回答空间。",
        related=(c.COMPLETION_LENGTH,),
    ),
}

_TOOLS: Mapping[Metric, Meaning] = {
    r.TURNS: plain(
        "Turns that a conversation takes. An agent that stops using them, or never stops, has changed its "
        "ways.",
        "对话轮数。智能体突然不再多轮或停不下来，说明行为变了。",
        related=(r.TOOL_CALLS, r.TURN_LIMIT),
        healthy=on_its_own_level(GRPO),
    ),
    r.TURN_LIMIT: plain(
        "Conversations that end by the limit alone. Rising: they go round in circles.",
        "仅因轮数上限而结束的比例，上升说明在原地打转。",
        Good.DOWN,
        related=(r.TURNS,),
        healthy=on_its_own_level(GRPO),
    ),
    r.TOOL_CALLS: plain(
        "How often tools are called. A policy that unlearns its tools goes to 0.",
        "工具调用的频度，降到 0 说明 policy 忘了用工具。",
        related=(r.TOOL_FAILURES, r.TURNS),
        healthy=on_its_own_level(GRPO),
    ),
    r.TOOL_FAILURES: plain(
        "Calls that failed. Should fall in training; a jump is usually the environment and not the policy.",
        "失败的调用比例，训练中应下降；突升多半是环境问题，而非 policy。",
        Good.DOWN,
        related=(r.TOOL_CALLS, r.UNKNOWN_TOOLS),
        healthy=noted("Above 5 % for long is a smell.", "长期高于 5% 值得怀疑。", GRPO),
    ),
    r.TOOL_CALLS_BY_TOOL: plain(
        "How often each tool is called, between two records.",
        "两条记录之间各工具的调用次数。",
        related=(r.TOOL_CALLS,),
    ),
    r.TOOL_FAILURES_BY_TOOL: plain(
        "Which tool it is that fails, between two records.",
        "两条记录之间各工具的失败次数，可看出是哪一个在出错。",
        Good.DOWN,
        related=(r.TOOL_FAILURES,),
    ),
    r.UNKNOWN_TOOLS: plain(
        "Names that the policy made up: its own fault, never the environment's.",
        "policy 编造的工具名，属自身错误，与环境无关。",
        Good.DOWN,
        related=(r.TOOL_FAILURES,),
    ),
    r.TOOL_LATENCY: plain(
        "How long tools take. A slow environment holds every step up.",
        "工具的耗时，环境变慢会拖住每一步。",
        Good.DOWN,
        related=(c.STEP_TIME,),
        healthy=on_its_own_level(GRPO),
    ),
}

_QUEUES: Mapping[Metric, Meaning] = {
    r.STALENESS: plain(
        "How old the policy is that the samples come from, in weight updates: the further behind, the more "
        "the correction has to do.",
        "样本来自多少次更新之前的 policy，越旧越依赖重要性校正。",
        Good.DOWN,
        (src.TRAINERS, src.PRIME_TRAINING),
        related=(r.DROPPED_SAMPLES,),
        healthy=noted("Trainers bound it at 4 or 8 by default.", "框架默认上限为 4 或 8。", GRPO),
    ),
    r.DROPPED_SAMPLES: plain(
        "Samples that were paid for and thrown away, since the record before.",
        "自上一条记录以来白白生成又被丢弃的样本数。",
        Good.DOWN,
        related=(r.STALENESS, r.QUEUE_SIZE),
        parts={
            "stale": plain("Too old: the sampler is too far behind.", "过于陈旧，采样落后太多。", Good.DOWN),
            "oversize": plain(
                "Longer than the token budget of a batch.", "超出 batch 的 token 预算。", Good.DOWN
            ),
        },
    ),
    r.SKIPPED_BATCHES: plain(
        "Batches without any gradient. Many: prompts are too easy or too hard.",
        "没有任何梯度的 batch 数，过多说明题目太易或太难。",
        Good.DOWN,
        related=(c.REWARD_ZERO_STD,),
    ),
    r.QUEUE_SIZE: plain(
        "What waits between sampler and trainer. Empty: the sampler is the bottleneck; full: the trainer is.",
        "采样与训练之间的积压。为空说明采样是瓶颈，占满说明训练是瓶颈。",
        related=(speed.PHASE_TIME,),
        healthy=noted("Neither 0 nor at its limit for long.", "不应长期为 0，也不应长期占满。", GRPO),
    ),
    r.BUFFER_EVENTS: plain("How fast the buffers turn over.", "缓冲区的更替速度。", related=(r.QUEUE_SIZE,)),
    r.RETRIES: plain(
        "Requests that had to be made again, since the record before: the sampler fails or is overloaded.",
        "自上一条记录以来的重试次数，说明采样服务出错或过载。",
        Good.DOWN,
        (src.TRAINERS, src.PRIME_TRAINING),
        related=(r.QUEUE_SIZE,),
    ),
    r.ROLLOUT_SAMPLES: plain(
        "More than one where a conversation is cut into several samples.",
        "一次 rollout 产出的样本数，对话被切成多段时大于 1。",
        related=(r.TURNS,),
    ),
}

ROLLOUT: Mapping[Metric, Meaning] = {**_COMPLETIONS, **_TOOLS, **_QUEUES}

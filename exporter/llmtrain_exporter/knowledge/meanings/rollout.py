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

_LENGTHS_AND_ENDS: Mapping[Metric, Meaning] = {
    r.PROMPT_CLIPPED: plain(
        "Prompts that are cut or left out because they are too long: the data loses its hard end.",
        "因过长被截断或舍弃的 prompt 比例，会丢掉数据中较难的部分。",
        Good.DOWN,
        related=(r.PROMPT_LENGTH,),
    ),
    r.TOTAL_LENGTH: plain(
        "What a sample takes of the context and of memory.",
        "一个样本占用的上下文长度与显存。",
        related=(r.PROMPT_LENGTH, c.COMPLETION_LENGTH),
        healthy=on_its_own_level(GRPO, PPO),
    ),
    r.ABORTED: plain(
        "Requests that came back empty: the sampler was interrupted or failed.",
        "返回为空的请求比例，说明采样被打断或出错。",
        Good.DOWN,
        related=(r.PREEMPTIONS,),
        healthy=noted("0.", "应为 0。", GRPO),
    ),
    r.REPETITION: plain(
        "Completions that repeat themselves: an early sign of a collapse.",
        "陷入重复的回答比例，是崩溃的早期征兆。",
        Good.DOWN,
        related=(c.COMPLETION_CLIPPED, c.ENTROPY),
        healthy=noted("0, or next to it.", "应为 0 或接近 0。", GRPO),
    ),
    r.ROLLOUT_ENDS: plain(
        "How rollouts ended, and which of them were of use, by environment.",
        "各环境的 rollout 如何结束、有多少可用。",
        related=(c.COMPLETION_CLIPPED, r.ROLLOUT_FAILURES),
        parts={
            "truncated*": plain("Cut off by a limit.", "被上限截断。", Good.DOWN),
            "error*": plain(
                "Ended by an error; more than 5 % for long is a smell.",
                "因出错而结束，长期高于 5% 值得怀疑。",
                Good.DOWN,
                (src.PRIME_TRAINING,),
            ),
            "cancelled*": plain("Given up before its end.", "中途取消。", Good.DOWN),
            "trainable*": plain("Fit to learn from.", "可用于训练。", Good.UP),
            "admitted*": plain("Taken into the batch.", "被纳入 batch。", Good.UP),
        },
    ),
    r.ROLLOUT_FAILURES: plain(
        "Rollouts that were paid for and yield nothing. Look at the environment's own log first.",
        "白费的 rollout 次数，先看环境自身的日志。",
        Good.DOWN,
        (src.TRAINERS, src.PRIME_TRAINING),
        related=(r.ROLLOUT_ENDS, r.RETRIES),
    ),
    r.ROLLOUT_TOKENS: plain(
        "Tokens read and written by environment: which of them costs most.",
        "各环境读入与生成的 token，可看出哪一个最费。",
        related=(c.COMPLETION_LENGTH,),
    ),
    r.ROLLOUT_BRANCHES: plain(
        "Into how many samples a rollout is split.", "一次 rollout 拆成多少条样本。", related=(r.TURNS,)
    ),
}

_SELECTION: Mapping[Metric, Meaning] = {
    r.GROUPS_KEPT: plain(
        "What dynamic sampling keeps; the rest is generated for nothing. Falling: ever more work for a step.",
        "动态采样保留的比例，其余白白生成。下降说明每步代价越来越高。",
        Good.UP,
        related=(c.REWARD_ZERO_STD, r.GENERATED_BATCHES),
        healthy=on_its_own_level(GRPO),
    ),
    r.GENERATED_BATCHES: plain(
        "1 where the first batch is enough. Many: hardly any group teaches, and steps take that much longer.",
        "第一批就够时为 1。偏多说明有用的组很少，步时成倍增加。",
        Good.DOWN,
        related=(r.GROUPS_KEPT,),
        healthy=on_its_own_level(GRPO),
    ),
    r.EQUAL_GROUPS: plain(
        "At which reward groups are all alike: at the lowest they are too hard, at the highest too easy.",
        "组内奖励全同时落在哪个分数：最低分说明太难，最高分说明太易。",
        related=(c.REWARD_ZERO_STD,),
    ),
    r.PARTIAL_ROLLOUTS: plain(
        "Completions that were begun by older weights and ended by newer ones.",
        "由旧权重开头、新权重续写的回答比例。",
        related=(r.STALENESS,),
    ),
    r.POLICY_VERSION: plain(
        "Must grow with the steps: where it stands still, new weights do not reach the sampler.",
        "应随步数增长，停住说明新权重没有同步到采样端。",
        Good.UP,
        related=(r.STALENESS,),
    ),
}

_ENGINE: Mapping[Metric, Meaning] = {
    r.IDLE: plain(
        "GPUs that wait. High on the trainer's side: the sampler is the bottleneck; on the other: the "
        "trainer is.",
        "GPU 空等的比例。训练侧偏高说明采样是瓶颈，反之训练是瓶颈。",
        Good.DOWN,
        (src.TRAINERS, src.PRIME_TRAINING),
        related=(speed.PHASE_TIME, r.QUEUE_SIZE),
        healthy=on_its_own_level(GRPO),
    ),
    r.SPECULATION: plain(
        "What the draft model is good for. Falling: it no longer fits the policy.",
        "草稿模型的命中情况，下降说明它已跟不上 policy。",
        Good.UP,
        related=(speed.TOKENS_PER_SECOND,),
        healthy=on_its_own_level(GRPO),
    ),
    r.PREFIX_CACHE: plain(
        "Prompt tokens that need no reckoning again. Low with many samples for a prompt: they are sent to "
        "different engines.",
        "无需重复计算的 prompt token 比例。同题多采样却偏低，说明请求被分散到不同引擎。",
        Good.UP,
        related=(speed.TOKENS_PER_SECOND,),
    ),
    r.SAMPLE_TIME: plain(
        "How long single samples take. The slowest decides how long a synchronous step waits.",
        "单个样本的耗时，同步训练中最慢的一个决定整步时长。",
        Good.DOWN,
        related=(c.STEP_TIME, r.IDLE),
        healthy=on_its_own_level(GRPO),
    ),
    r.PREEMPTIONS: plain(
        "The sampler's cache is too small for so many samples at once: they are begun again.",
        "采样引擎缓存放不下同时进行的样本，被迫中断重来。",
        Good.DOWN,
        related=(r.SAMPLE_TIME,),
        healthy=noted("None at all.", "应完全没有。", GRPO),
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

ROLLOUT: Mapping[Metric, Meaning] = {
    **_COMPLETIONS,
    **_LENGTHS_AND_ENDS,
    **_SELECTION,
    **_ENGINE,
    **_TOOLS,
    **_QUEUES,
}

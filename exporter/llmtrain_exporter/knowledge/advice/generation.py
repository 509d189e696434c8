"""Advice on the length of completions and on rewards."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.advice.entry import Advice
from llmtrain_exporter.knowledge.text import Text

ADVICE: Mapping[str, Advice] = {
    "length_surge": Advice(
        title=Text("Completions grow too long", "生成长度突升"),
        summary=Text(
            "Completions have become much longer than usual or nearly fill their limit.",
            "生成长度远超平时，或已接近上限。",
        ),
        finding=Text(
            "Mean completion length is {value} at step {step}, limit {limit}.",
            "第 {step} 步平均生成长度 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "The policy has stopped ending its answers where it used to. In the chain of a collapse this "
            "comes after KL and before the reward. Slow growth while the reward rises can be real reasoning.",
            "policy 不再在原来的地方结束回答。在崩溃链条中，它排在 KL 之后、reward 之前。"
            "若缓慢变长且 reward 上升，可能是推理真的变长。",
        ),
        impact=Text(
            "Completions reach {max_completion_length} and are cut off: broken formats, no reward, slower "
            "steps.",
            "回答撞到 {max_completion_length} 被截断：格式破损、拿不到 reward、每步更慢。",
        ),
        causes=("length_shift", "policy_drift", "reward_hacking"),
        diagnosis=(
            Text(
                "Did kl or grad_norm jump just before? Then it is drift, and length only the symptom.",
                "之前 kl 或 grad_norm 是否突升？是则为策略漂移，长度只是症状。",
            ),
            Text(
                "Did the shortest completions grow too? Then stopping itself is broken, not only some "
                "answers.",
                "最短的回答也变长了吗？是则停止机制本身出了问题，而非个别回答。",
            ),
            Text(
                "Does a reward function pay for length?",
                "有没有哪个 reward 函数在奖励长度？",
            ),
        ),
        remedies=(
            "shorten_completions",
            "no_reward_for_truncated",
            "stop_words",
            "raise_beta",
            "read_completions",
        ),
        sources=(src.GRPO_LENGTHS, src.GRPO_EVENTS),
    ),
    "length_collapse": Advice(
        title=Text("Completions become too short", "生成长度骤降"),
        summary=Text(
            "Completions have become much shorter than usual.",
            "生成长度远低于平时。",
        ),
        finding=Text(
            "Mean completion length fell to {value} at step {step}, usual {baseline}.",
            "第 {step} 步平均生成长度降到 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "The policy ends early. After a surge this can be the recovery; otherwise it has learned that "
            "little text costs less than a wrong answer.",
            "policy 过早结束回答。若在突升之后，可能是在恢复；否则就是学会了少说比说错划算。",
        ),
        impact=Text(
            "Required parts of the answer go missing, and rewards that need them fall.",
            "回答缺少必要部分，依赖这些部分的 reward 下降。",
        ),
        causes=("length_shift", "reward_hacking", "policy_drift"),
        diagnosis=(
            Text(
                "Was there a length surge just before? Then wait some records.",
                "之前刚突升过吗？是则再观察几条记录。",
            ),
            Text(
                "Which reward function fell with it, and which rose?",
                "哪个 reward 函数随之下降，哪个上升？",
            ),
        ),
        remedies=("read_completions", "fix_reward", "raise_beta", "stop_words"),
        sources=(src.GRPO_LENGTHS, src.GRPO_RECOVERY),
    ),
    "clipped_high": Advice(
        title=Text("Too many truncated completions", "截断比例过高"),
        summary=Text(
            "Too many completions are cut off at the length limit.",
            "被长度上限截断的回答过多。",
        ),
        finding=Text(
            "Clipped ratio is {value} at step {step}, limit {limit}.",
            "第 {step} 步截断比例 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "These completions ran into {max_completion_length}. A cut answer has no closing tag and no "
            "final result, so format and correctness both score 0.",
            "这些回答撞到了 {max_completion_length}。被截断就没有闭合标签和最终答案，格式分和正确性都为 0。",
        ),
        impact=Text(
            "The reward no longer measures quality. When nearly all are cut off the gradient vanishes and "
            "the run is dead, even with a low KL.",
            "reward 不再反映质量。几乎全部被截断时梯度消失，即使 KL 很低，训练也已经死了。",
        ),
        causes=("length_shift", "policy_drift", "dead_policy"),
        diagnosis=(
            Text(
                "High from the first records: the limit is too low for the task. Rising later: the policy "
                "ran away.",
                "从头就高：上限对任务来说太小。后来才升：policy 失控。",
            ),
            Text(
                "Read some cut completions: long reasoning, or endless repetition?",
                "看几条被截断的回答：是推理长，还是无限重复？",
            ),
            Text(
                "Are reward_std and grad_norm still above 0? If not, go back to a checkpoint.",
                "reward_std 和 grad_norm 还大于 0 吗？否则直接回滚。",
            ),
        ),
        remedies=(
            "no_reward_for_truncated",
            "shorten_completions",
            "stop_words",
            "mask_truncated",
            "raise_beta",
            "roll_back",
            "guard",
        ),
        sources=(src.GRPO_LENGTHS, src.GRPO_SPECIFIC, src.RUNS),
    ),
    "reward_drop": Advice(
        title=Text("Reward drop", "reward 骤降"),
        summary=Text(
            "The total reward has fallen far below this run's own level.",
            "总 reward 远低于本次训练自身水平。",
        ),
        finding=Text(
            "reward fell to {value} at step {step}, usual {baseline}.",
            "第 {step} 步 reward 降到 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "What the policy writes now earns clearly less. In a collapse this is the last link of the "
            "chain, so look at what broke before.",
            "policy 现在的输出得分明显变低。在崩溃链条中这是最后一环，要回头看之前是什么先坏的。",
        ),
        impact=Text(
            "Updates now follow mostly failed completions; each further step can make it worse.",
            "后续更新主要来自失败的回答，每多一步都可能更糟。",
        ),
        causes=("reward_instability", "length_shift", "policy_drift", "gradient_explosion"),
        diagnosis=(
            Text(
                "Which reward function fell? If only one, look there first.",
                "哪个 reward 函数在跌？只有一个就先看它。",
            ),
            Text(
                "Did the prompts change, to a harder part of the data set for instance?",
                "题目是否变了，例如进入更难的数据段？",
            ),
            Text(
                "Did an outside scorer or sandbox fail, and return 0 for all?",
                "外部打分服务或沙箱是否出错、统一返回 0？",
            ),
        ),
        remedies=("read_completions", "roll_back", "raise_beta", "lower_learning_rate", "fix_reward"),
        sources=(src.GRPO_REWARDS, src.GRPO_CAUSES),
    ),
    "reward_function_drop": Advice(
        title=Text("One reward function drops", "单项奖励骤降"),
        summary=Text(
            "One reward function has fallen to a fraction of its usual level.",
            "某个 reward 函数跌到平时水平的一小部分。",
        ),
        finding=Text(
            "Reward function {function} fell to {value} at step {step}, usual {baseline}.",
            "第 {step} 步奖励 {function} 降到 {value}，平时 {baseline}。",
        ),
        meaning=Text(
            "The policy fails at one thing it could do before, a format for instance. The total reward can "
            "stay level while another function makes up for it.",
            "policy 在原本会做的某一项上失败了，例如格式。其他项若补上，总 reward 可能看不出变化。",
        ),
        impact=Text(
            "A broken format makes other rewards fail too. Alone, it is a typical sign of reward hacking.",
            "格式一坏，其他奖励也会跟着失败。若只有这一项跌，常是 reward hacking。",
        ),
        causes=("reward_instability", "reward_hacking", "length_shift", "policy_drift"),
        diagnosis=(
            Text(
                "Are completions cut off at the same steps? Then the end of the format is missing.",
                "同一步是否大量截断？是则缺的是格式的结尾。",
            ),
            Text(
                "Did another function or the length rise at the same time? Then one is bought with the "
                "other.",
                "另一项奖励或长度是否同时上升？是则在拿这一项换那一项。",
            ),
        ),
        remedies=("read_completions", "fix_reward", "raise_beta", "no_reward_for_truncated", "roll_back"),
        sources=(src.GRPO_REWARDS, src.GRPO_CAUSES, src.RUNS),
    ),
    "reward_flat": Advice(
        title=Text("No spread in rewards", "奖励无差异"),
        summary=Text(
            "All completions of a group get the same reward, so nothing is learned.",
            "同组回答的奖励完全相同，学不到东西。",
        ),
        finding=Text(
            "Rewards have no spread at step {step}: {metric} is {value}.",
            "第 {step} 步奖励没有差异：{metric} 为 {value}。",
        ),
        meaning=Text(
            "GRPO compares the completions of a prompt with each other. Equal rewards give advantage 0 and "
            "gradient 0. With a high reward the task is solved; with reward 0 the policy is dead or the "
            "task too hard.",
            "GRPO 比较同一 prompt 的各条回答。奖励相同则 advantage 和梯度都为 0。reward 高说明题目已解决；"
            "reward 为 0 说明 policy 已死或题目太难。",
        ),
        impact=Text(
            "The GPUs work and nothing is learned.",
            "GPU 在跑，但什么也没学到。",
        ),
        causes=("no_contrast", "dead_policy", "lost_exploration", "reward_instability"),
        diagnosis=(
            Text(
                "Is the reward high or near 0? Are completions cut off?",
                "reward 是高还是接近 0？回答是否被截断？",
            ),
            Text(
                "Does the reward function really run, or return a constant after an error?",
                "reward 函数真的在执行吗，还是出错后返回常数？",
            ),
            Text(
                "How many completions per prompt ({num_generations}), at which {temperature}?",
                "每个 prompt 采样几条（{num_generations}），{temperature}？",
            ),
        ),
        remedies=("more_contrast", "fix_reward", "keep_exploring", "roll_back", "read_completions"),
        sources=(src.RUNS, src.DAPO),
    ),
}

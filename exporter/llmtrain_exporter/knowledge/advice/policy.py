"""Advice on the distance of a policy from where it began, its clipping and its entropy, and the collapse."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.advice.entry import Advice
from llmtrain_exporter.knowledge.text import Text

ADVICE: Mapping[str, Advice] = {
    "collapse": Advice(
        title=Text("Policy collapse", "policy 崩溃"),
        summary=Text(
            "The policy is collapsing: several families of signals broke within a few records.",
            "policy 正在崩溃：几条记录之内，多类指标相继失常。",
        ),
        finding=Text(
            "By step {step} several families of signals had broken together.",
            "到第 {step} 步，多类指标已相继失常。",
        ),
        meaning=Text(
            "The typical chain: KL and gradient jump, completions grow until they are cut off, the reward "
            "falls. Common in RL fine-tuning. KL and gradient break many records before the reward is gone.",
            "典型链条：KL 和梯度突升，生成变长直到被截断，reward 下跌。在 RL 微调中很常见。"
            "KL 和梯度失常往往比 reward 归零早很多条记录。",
        ),
        impact=Text(
            "Some runs recover, with damage, and collapse again later. Others stay dead: everything cut "
            "off, reward 0, gradient 0. Steps after the onset are mostly wasted.",
            "有的训练能带伤恢复，之后再次崩溃；有的就此报废：全部截断、reward 为 0、梯度为 0。"
            "出事之后的步数基本白跑。",
        ),
        causes=(
            "policy_drift",
            "gradient_explosion",
            "length_shift",
            "reward_instability",
            "high_learning_rate",
        ),
        diagnosis=(
            Text(
                "Which family broke first? KL or gradient first: drift. Length first: stopping or the "
                "reward for it. Reward first: the reward function.",
                "哪一类先失常？KL 或梯度在先是策略漂移；长度在先查停止条件和长度相关奖励；"
                "reward 在先查 reward 函数。",
            ),
            Text(
                "Is a checkpoint from before the onset still there ({save_steps})? Copy it away now.",
                "出事前的 checkpoint 还在吗（{save_steps}）？现在就拷走。",
            ),
            Text(
                "Has it happened before in this run? Repeats mean that the settings, not one batch, are the "
                "reason.",
                "本次训练之前发生过吗？反复发生说明问题在参数，不在某个 batch。",
            ),
        ),
        remedies=(
            "roll_back",
            "raise_beta",
            "lower_learning_rate",
            "clip_gradients",
            "shorten_completions",
            "no_reward_for_truncated",
            "adaptive_kl",
            "guard",
            "save_often",
        ),
        sources=(src.GRPO_EVENTS, src.GRPO_CAUSES, src.GRPO_SPECIFIC),
    ),
    "kl_high": Advice(
        title=Text("KL too high", "KL 过高"),
        summary=Text(
            "KL is so high that the policy no longer resembles its reference model.",
            "KL 过高，policy 已不再像 reference model。",
        ),
        finding=Text(
            "kl is {value} at step {step}, limit {limit}.",
            "第 {step} 步 kl 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "The policy answers differently from the model it started from. A value that stays high is "
            "worse than a single peak. Some trainers cap it per token, so it may be worse than it looks.",
            "policy 的回答已与起点模型不同。持续偏高比单次尖峰更糟。有的框架按 token 给 KL 封顶，"
            "实际可能比数字更严重。",
        ),
        impact=Text(
            "Length and format go next, then the reward. Language ability outside the reward is lost as "
            "well.",
            "接下来是长度和格式失控，然后 reward 下跌；奖励覆盖不到的语言能力也会丢失。",
        ),
        causes=("policy_drift", "high_learning_rate", "gradient_explosion"),
        diagnosis=(
            Text(
                "Does it fall again within a few records, or stay?",
                "几条记录之内回落了，还是一直高？",
            ),
            Text(
                "Look at clipped ratio and reward of the same steps: low KL with everything cut off is a "
                "dead run too.",
                "同时看截断比例和 reward：KL 低但全部被截断，同样是死掉的训练。",
            ),
            Text(
                "Compare {beta} and {learning_rate} with earlier, stable runs.",
                "与之前稳定的训练对比 {beta} 和 {learning_rate}。",
            ),
        ),
        remedies=("raise_beta", "lower_learning_rate", "adaptive_kl", "tighten_clip", "roll_back", "guard"),
        sources=(src.GRPO_METRICS, src.GRPO_SPECIFIC, src.RUNS),
    ),
    "kl_spike": Advice(
        title=Text("KL spike", "KL 尖峰"),
        summary=Text(
            "KL jumped far above this run's own level: the earliest sign of a collapse.",
            "KL 远超本次训练自身水平：崩溃最早的征兆。",
        ),
        finding=Text(
            "kl jumped to {value} at step {step}, usual level {baseline}.",
            "第 {step} 步 kl 突升到 {value}，平时约 {baseline}。",
        ),
        meaning=Text(
            "One update has moved the policy further than many before it. A single record often passes by "
            "itself; several in a row, or one with rising length, do not.",
            "一次更新把 policy 推得比之前很多次都远。单条尖峰常会自行消失；连续几条，或伴随长度上升，"
            "就不会。",
        ),
        impact=Text(
            "If it goes on, completions change their length next and the reward follows: there is time to "
            "act.",
            "若持续下去，接着是生成长度改变，再到 reward 下跌。现在处理还来得及。",
        ),
        causes=("policy_drift", "high_learning_rate", "gradient_explosion", "reward_hacking"),
        diagnosis=(
            Text(
                "Look at the next records: back at the usual level, or higher each time?",
                "看随后几条记录：回到平时水平，还是逐条升高？",
            ),
            Text(
                "Did grad_norm jump at the same step, or mean length shortly after?",
                "grad_norm 是否同一步突升？平均长度是否随后上升？",
            ),
            Text(
                "Check each reward function: the total can hide that one of them falls.",
                "逐个看 reward 函数：总 reward 可能掩盖其中一项在跌。",
            ),
        ),
        remedies=("raise_beta", "lower_learning_rate", "clip_gradients", "warm_up_longer", "tighten_clip"),
        sources=(src.GRPO_CAUSES, src.RUNS),
    ),
    "clip_ratio_high": Advice(
        title=Text("Clip ratio too high", "clip ratio 过高"),
        summary=Text(
            "Too many token probability ratios hit the clipping bound.",
            "触到裁剪边界的 token 概率比过多。",
        ),
        finding=Text(
            "{metric} is {value} at step {step}, limit {limit}.",
            "第 {step} 步 {metric} 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "The policy differs from the one that generated the completions by more than {epsilon} for many "
            "tokens: updates are too large, or completions are reused too often ({num_iterations}).",
            "很多 token 上，当前 policy 与生成时的 policy 相差超过 {epsilon}：更新过大，"
            "或同一批回答被重复使用太多次（{num_iterations}）。",
        ),
        impact=Text(
            "Clipped tokens give no gradient: part of the data is wasted, and what is left pulls one way.",
            "被裁剪的 token 没有梯度：一部分数据白费，剩下的偏向一个方向。",
        ),
        causes=("high_learning_rate", "small_batch", "policy_drift"),
        diagnosis=(
            Text(
                "Which bound? Only the upper one: rare tokens gain quickly. Both: steps are too large.",
                "触到哪一侧？只有上界：小概率 token 上升过快；两侧都有：步子太大。",
            ),
            Text(
                "Do engine and trainer agree? Different kernels or precision raise it from the first step "
                "on.",
                "推理引擎与训练端是否一致？kernel 或精度不同时，从第一步起就偏高。",
            ),
        ),
        remedies=("lower_learning_rate", "larger_batch", "raise_beta", "tighten_clip"),
        sources=(src.GRPO_OTHER, src.TRAINERS),
    ),
    "entropy_collapse": Advice(
        title=Text("Entropy out of range", "entropy 异常"),
        summary=Text(
            "The entropy of the predictions has left its range; in RL: exploration is ending.",
            "预测分布的 entropy 超出范围；在 RL 中意味着探索即将停止。",
        ),
        finding=Text(
            "entropy is {value} at step {step}, limit {limit}.",
            "第 {step} 步 entropy 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "In RL the policy has become nearly certain of each token and its samples are alike. In "
            "supervised training low means overconfident, high means unsure; alone it is only a hint.",
            "在 RL 中，policy 对每个 token 几乎都很确定，采样彼此雷同。在监督微调中，低表示过度自信，"
            "高表示没把握；单看它只是提示。",
        ),
        impact=Text(
            "Without differences between samples there is nothing left to learn from, and the reward stops "
            "rising.",
            "样本之间没有差异就学不到东西，reward 停止上升。",
        ),
        causes=("lost_exploration", "reward_hacking", "memorising"),
        diagnosis=(
            Text(
                "Fall at the start, or below a floor later? The early fall is healthy.",
                "是训练初期的下降，还是后来跌破底线？初期下降是正常的。",
            ),
            Text(
                "Look at reward_std and the share of groups without spread at the same steps.",
                "同时看 reward_std 和组内无差异的比例。",
            ),
            Text(
                "In supervised training compare it with the entropy of the evaluation.",
                "监督微调中与验证集的 entropy 对比。",
            ),
        ),
        remedies=("keep_exploring", "more_contrast", "raise_beta", "check_labels"),
        sources=(src.ENTROPY, src.SFT_METRICS, src.RUNS),
    ),
}

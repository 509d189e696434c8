"""Remedies for what a policy generates and how that is rewarded."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.evidence import Lies, Moved, Pattern, Shows, When
from llmtrain_exporter.knowledge.remedy import (
    ONLY_GRPO,
    POLICIES,
    Change,
    Choice,
    Ladder,
    Measured,
    Quantity,
    Remedy,
    Scale,
)
from llmtrain_exporter.knowledge.text import Text

NOTHING_CUT = Lies(metric=c.COMPLETION_CLIPPED, when=When.ALWAYS, high=0.05)
"""Completions end by themselves, so that nothing done about cut ones changes anything."""

REMEDIES: Mapping[str, Remedy] = {
    "shorten_completions": Remedy(
        Text("Lower the length limit", "降低生成长度上限"),
        Text(
            "A limit far above the normal answer gives runaway completions room. This one leaves a quarter "
            "more than the longest healthy answers of this run took.",
            "上限远高于正常回答，失控的生成就有空间。这个值比本次训练健康时最长的回答多留四分之一。",
        ),
        (src.GRPO_SPECIFIC,),
        (Change("max_completion_length", Measured(Quantity.ROOM_FOR_ANSWERS)),),
        POLICIES,
        when=(
            Moved(metric=c.COMPLETION_CLIPPED, times=2, past=0.3),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.BEFORE, high=0.1),
        ),
    ),
    "raise_length_limit": Remedy(
        Text("Raise the length limit", "提高生成长度上限"),
        Text(
            "Give the answers room to end, and see how many still run into the limit. If nearly all do, they "
            "do not end at all: look at the end token.",
            "给回答留出写完的空间，再看还有多少会触及上限。"
            "如果几乎全部仍然触及，说明它们根本停不下来：去查结束符。",
        ),
        (src.GRPO_LENGTHS, src.RUNS),
        (Change("max_completion_length", Measured(Quantity.TWICE_THE_LIMIT, judged=True)),),
        POLICIES,
        when=(Shows(pattern=Pattern.CUT_FROM_START),),
    ),
    "easier_start": Remedy(
        Text("Start from something the model can do", "从模型做得到的题开始"),
        Text(
            "Easier prompts first, a few examples in the prompt, or supervised training on good answers "
            "before this: an answer that never comes cannot be reinforced.",
            "先用更容易的题、在 prompt 里给几个例子，或先用好答案做监督训练：从来不出现的回答无法被强化。",
        ),
        (src.GRPO_REWARDS, src.RUNS),
        profiles=POLICIES,
    ),
    "harder_prompts": Remedy(
        Text("Stop here, or take harder prompts", "到此为止，或换更难的题"),
        Text(
            "The task is solved as far as the reward can tell. Keep this checkpoint; more steps on the same "
            "prompts only cost time.",
            "就 reward 能看出来的而言，这个任务已经学会。"
            "留下当前 checkpoint；在同样的题上继续训练只是花时间。",
        ),
        (src.DAPO, src.RUNS),
        profiles=POLICIES,
    ),
    "stop_run": Remedy(
        Text("Stop this run", "停止本次训练"),
        Text(
            "It does not come back from this by itself, and every further hour is lost.",
            "它不会自己恢复，继续跑的每个小时都是浪费。",
        ),
        (src.RUNS,),
        profiles=POLICIES,
        unless=(Shows(pattern=Pattern.ENDED), Shows(pattern=Pattern.WELL_AGAIN)),
    ),
    "no_reward_for_truncated": Remedy(
        Text("Give truncated completions no reward", "被截断的回答记 0 分"),
        Text(
            "Score a completion that hits the limit 0 in the reward functions, or add a penalty that grows "
            "over the last part of the budget (DAPO; soft_overlong in ms-swift). Otherwise running on costs "
            "nothing.",
            "在 reward 函数里把触及上限的回答判 0 分，或在长度预算的末段逐渐加罚（DAPO 的做法，"
            "ms-swift 里是 soft_overlong）。否则写得再长也没有代价。",
        ),
        (src.GRPO_SPECIFIC, src.DAPO),
        profiles=POLICIES,
        unless=(NOTHING_CUT,),
    ),
    "mask_truncated": Remedy(
        Text("Leave truncated completions out of the loss", "截断的回答不计入 loss"),
        Text(
            "A cut answer says little about its quality; masking it removes that noise. It also removes all "
            "signal when nearly everything is cut, so fix the length first.",
            "被截断的回答无法反映质量，mask 掉可以去噪。但几乎全被截断时也就没有信号了，要先把长度降下来。",
        ),
        (src.DAPO,),
        (Change("overlong_filter", Choice("true")),),
        POLICIES,
        unless=(NOTHING_CUT, Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.5)),
    ),
    "stop_words": Remedy(
        Text("Make completions end", "让生成能正常停下"),
        Text(
            "Check that the chat template's end token is generated, trained on and known to the sampler; "
            "add stop words for the last closing tag of the format; in TRL they stand in generation_kwargs.",
            "确认对话模板的 eos 会被生成、参与训练，并且推理端认得它；"
            "再为格式最后一个闭合标签设置 stop words（TRL 写在 generation_kwargs 里）。",
        ),
        (src.GRPO_SPECIFIC,),
        (Change("stop_words", None),),
        POLICIES,
    ),
    "read_completions": Remedy(
        Text("Read completions", "看生成样本"),
        Text(
            "Ten samples tell format errors, endless repetition and reward hacking apart; where the run was "
            "healthy once, ten from before the onset beside them.",
            "看十条样本就能分清是格式错误、无限重复还是 reward hacking；"
            "如果之前是健康的，再拿出事前的十条来对照。",
        ),
        (src.GRPO_CAUSES,),
        profiles=POLICIES,
    ),
    "fix_reward": Remedy(
        Text("Repair the reward functions", "修正 reward 函数"),
        Text(
            "Run them on saved completions: good answers must score high, empty, cut and repeated ones low. "
            "A soft score for partly right formats gives a way back that 0 or 1 does not.",
            "拿保存的样本跑一遍：好回答得高分，空的、截断的、重复的得低分。格式部分正确也给部分分，"
            "比非 0 即 1 更容易恢复。",
        ),
        (src.GRPO_CAUSES, src.GRPO_REWARDS),
        profiles=POLICIES,
    ),
    "balance_rewards": Remedy(
        Text("Bring the reward functions to one scale", "让各项奖励尺度相当"),
        Text(
            "Choose weights (reward_weights) that even out their spreads, or scale each function within its "
            "group before they are added: multi_objective_aggregation normalize_then_sum in TRL, "
            "scale_rewards gdpo in ms-swift.",
            "用 reward_weights 让各项的标准差相当，或者先在组内对每一项分别归一化再相加："
            "TRL 用 multi_objective_aggregation normalize_then_sum，ms-swift 用 scale_rewards gdpo。",
        ),
        (src.GDPO,),
        profiles=POLICIES,
    ),
    "fresher_samples": Remedy(
        Text("Sample less far ahead", "减少提前采样"),
        Text(
            "Fewer samples in flight and a shorter queue, weights sent after each update, more GPUs for the "
            "slower side. A lower bound on age alone only throws more away.",
            "减少在途样本、缩短队列，每次更新后都同步权重，给较慢的一侧多分些 GPU。"
            "只收紧陈旧度上限，只会丢掉更多样本。",
        ),
        (src.TRAINERS, src.PRIME_TRAINING),
        profiles=POLICIES,
    ),
    "better_values": Remedy(
        Text("Train the value function better", "把价值函数训练好"),
        Text(
            "Start it from the reward model, train it alone for the first steps, and keep rewards on one "
            "scale; give its loss more weight or a learning rate of its own.",
            "用 reward model 初始化，最初几步只训练它，保持奖励尺度一致；"
            "提高它的 loss 权重，或单独设学习率。",
        ),
        (src.PPO, src.RUNS),
        profiles=POLICIES,
    ),
    "more_contrast": Remedy(
        Text("Make completions of a group differ", "让同组回答拉开差距"),
        Text(
            "Sample more completions per prompt, drop prompts that are always right or always wrong, and "
            "sample groups again that have no spread (DAPO).",
            "每个 prompt 多采样几条，去掉总是全对或全错的题，奖励无差异的组重新采样（DAPO）。",
        ),
        (src.DAPO,),
        (
            Change("num_generations", Scale(2.0, whole=True)),
            Change("dynamic_sample", Choice("true")),
        ),
        ONLY_GRPO,
    ),
    "keep_exploring": Remedy(
        Text("Leave room to explore", "保留探索空间"),
        Text(
            "A higher upper clipping bound lets rare tokens gain probability (clip-higher of DAPO); a "
            "higher sampling temperature does it from the other side.",
            "提高裁剪上界，小概率 token 的概率才升得上去（DAPO 的 clip-higher）；"
            "提高采样 temperature 效果类似。",
        ),
        (src.DAPO, src.ENTROPY),
        (
            Change("epsilon_high", Ladder((0.28,))),
            Change("temperature", Ladder((1.0,))),
        ),
        POLICIES,
        when=(Moved(metric=c.ENTROPY, times=0.5),),
    ),
}

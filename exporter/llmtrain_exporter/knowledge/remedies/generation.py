"""Remedies for what a policy generates and how that is rewarded."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.remedy import ONLY_GRPO, Change, Choice, Ladder, Remedy, Scale
from llmtrain_exporter.knowledge.text import Text

REMEDIES: Mapping[str, Remedy] = {
    "shorten_completions": Remedy(
        Text("Lower the length limit", "降低生成长度上限"),
        Text(
            "A limit far above the normal answer gives runaway completions room. Keep it above the longest "
            "answer that the task needs.",
            "上限远高于正常回答，失控的生成就有空间。新上限仍要大于任务真正需要的最长回答。",
        ),
        (src.GRPO_SPECIFIC,),
        (Change("max_completion_length", Scale(0.5, whole=True)),),
        ONLY_GRPO,
    ),
    "no_reward_for_truncated": Remedy(
        Text("Give truncated completions no reward", "被截断的回答记 0 分"),
        Text(
            "Score a completion that hits the limit 0 in the reward functions, or add a penalty that grows "
            "over the last part of the budget (DAPO; soft_overlong in ms-swift). Otherwise running on costs "
            "nothing.",
            "在 reward 函数里把撞到上限的回答判 0 分，或在长度预算的末段逐渐加罚（DAPO 的做法，"
            "ms-swift 里是 soft_overlong）。否则写得再长也没有代价。",
        ),
        (src.GRPO_SPECIFIC, src.DAPO),
        profiles=ONLY_GRPO,
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
        ONLY_GRPO,
    ),
    "stop_words": Remedy(
        Text("Make completions end", "让生成能正常停下"),
        Text(
            "Check that the chat template's end token is generated, trained on and known to the sampler; "
            "add stop words for the last closing tag of the format.",
            "确认对话模板的 eos 会被生成、参与训练，并且推理端认得它；"
            "再为格式最后一个闭合标签设置 stop words。",
        ),
        (src.GRPO_SPECIFIC,),
        (Change("stop_words", None),),
        ONLY_GRPO,
    ),
    "read_completions": Remedy(
        Text("Read completions from before and after", "对比出事前后的生成样本"),
        Text(
            "Ten samples from each side of the onset tell format errors, endless repetition and reward "
            "hacking apart.",
            "出事前后各看十条样本，就能分清是格式错误、无限重复还是 reward hacking。",
        ),
        (src.GRPO_CAUSES,),
        profiles=ONLY_GRPO,
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
        profiles=ONLY_GRPO,
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
        ONLY_GRPO,
    ),
}

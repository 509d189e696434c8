"""What the parts of the loss mean, their weights, and the numbers behind a policy's update."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.catalogue import objective as o
from llmtrain_exporter.knowledge.catalogue import value as v
from llmtrain_exporter.knowledge.meaning import Good, Healthy, Meaning, Worry
from llmtrain_exporter.knowledge.meanings.plain import noted, on_its_own_level, plain
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.profile import DPO, GENERIC, GRPO, PPO, SFT
from llmtrain_exporter.knowledge.text import Text

_LOSSES: Mapping[Metric, Meaning] = {
    o.POLICY_LOSS: plain(
        "The policy's own part of the loss. Like the whole it says little of how good the run is.",
        "loss 中 policy 自身的部分，与总 loss 一样不反映训练好坏。",
        sources=(src.PPO,),
        related=(c.LOSS, v.VALUE_LOSS),
    ),
    o.AUXILIARY_LOSS: plain(
        "What is minimised besides the main objective: balance between experts, a supervised part, a "
        "distance.",
        "主目标之外的附加损失：专家均衡、监督项、距离项等。",
        Good.DOWN,
        related=(c.LOSS,),
        healthy=on_its_own_level(SFT, GRPO, PPO, DPO),
        parts={
            "load_balancing*": plain(
                "How unevenly a mixture of experts spreads its tokens. A rise means that few experts get "
                "most.",
                "MoE 专家之间的不均衡程度，上升说明 token 集中到少数专家。",
                Good.DOWN,
                (src.SWITCH,),
            ),
            "z": plain("Keeps the router's logits small.", "抑制 router logits 过大。", Good.DOWN),
            "nll": plain(
                "The supervised part: how likely the chosen answers are. Where it rises, good answers are "
                "lost.",
                "监督项，反映 chosen 回答的似然。上升说明好回答正在丢失。",
                Good.DOWN,
            ),
            "sft": plain(
                "Cross-entropy on the data, beside the main objective.",
                "主目标之外在数据上的交叉熵。",
                Good.DOWN,
            ),
            "odds_ratio": plain(
                "ORPO's part: how little the chosen answers are preferred.",
                "ORPO 的偏好项。",
                Good.DOWN,
                (src.ORPO,),
            ),
        },
    ),
    o.MTP_LOSS: plain(
        "Cross-entropy of the heads that predict further ahead; above that of the next token in health, too.",
        "多 token 预测头的交叉熵，健康时也高于下一个 token 的 loss。",
        Good.DOWN,
        related=(c.LOSS, o.MTP_ACCURACY),
    ),
    o.MTP_ACCURACY: plain(
        "How often a further head is right: what speculative decoding gains from it.",
        "预测头的命中率，决定投机解码能快多少。",
        Good.UP,
        related=(o.MTP_LOSS,),
    ),
    o.CHANNEL_LOSS: plain(
        "Loss of one source in the data: shows which of them is learnt, and which one spoils the whole.",
        "某一数据来源的 loss，可看出哪一路学到了、哪一路拖后腿。",
        Good.DOWN,
        related=(c.LOSS,),
        healthy=on_its_own_level(SFT),
    ),
    o.PERPLEXITY: plain(
        "The loss in other words: among how many tokens the model wavers. May be infinite where the loss "
        "is large.",
        "loss 的另一种说法：模型在多少个 token 之间犹豫。loss 很大时可能溢出为无穷。",
        Good.DOWN,
        (src.SFT_METRICS,),
        related=(c.LOSS,),
    ),
    o.TRAIN_MEAN_LOSS: plain(
        "Mean over all steps of the process, the high ones of the beginning too: not the loss at the end.",
        "进程内所有步的平均，含开头的高值，并非结束时的 loss。",
        Good.DOWN,
        (src.TRAINERS, src.SFT_METRICS),
        related=(c.LOSS,),
    ),
    o.PREDICT_LOSS: plain(
        "Loss on data that were only predicted, after or without a training.",
        "仅做预测时的 loss，可能在训练之后，也可能没有训练。",
        Good.DOWN,
        related=(c.LOSS,),
    ),
    o.LOSS_STATISTIC: plain(
        "How far single tokens, samples or ranks lie from the mean loss. A lone maximum points at one bad "
        "sample or one sick rank.",
        "个别 token、样本或 rank 偏离平均 loss 的程度。单独冒尖多半是坏样本或故障 rank。",
        related=(c.LOSS,),
        healthy=on_its_own_level(SFT, GRPO),
    ),
    o.EXPERT_LOAD: plain(
        "0 where every expert gets the same number of tokens. Rising: few experts do the work, the others "
        "die and the step waits for the fullest.",
        "各专家负载相同时为 0。上升说明少数专家包揽、其余闲置，整步要等最忙的那个。",
        Good.DOWN,
        (src.SWITCH, src.TRAINERS),
        related=(o.AUXILIARY_LOSS, o.ROUTER_CONFIDENCE),
        healthy=on_its_own_level(SFT, GRPO),
    ),
    o.ROUTER_CONFIDENCE: plain(
        "How sure the router is of the experts it picks. Near its maximum it no longer tries others.",
        "router 对所选专家的把握程度，逼近上限则不再尝试其他专家。",
        sources=(src.SWITCH, src.TRAINERS),
        related=(o.EXPERT_LOAD,),
    ),
    o.SKIPPED_ITERATIONS: plain(
        "Iterations that were thrown away: a gradient overflowed, the loss was no number, or nothing was "
        "left to learn from.",
        "被丢弃的迭代：梯度溢出、loss 为 NaN，或没有可学的内容。",
        Good.DOWN,
        related=(o.LOSS_SCALE, c.LOSS),
        healthy=noted(
            "0. A few in a row at the start of fp16 are the loss scaler's search.",
            "应为 0。fp16 刚开始时连续几次是在试探缩放系数。",
            SFT,
            GRPO,
        ),
        parts={
            "skipped": plain("The gradient overflowed.", "梯度溢出。", Good.DOWN),
            "nan": plain("The loss was no number.", "loss 不是数。", Good.DOWN),
            "empty": plain("Every token was masked.", "所有 token 都被屏蔽。", Good.DOWN),
        },
    ),
    o.ZERO_GRADIENTS: plain(
        "Parameters that get no gradient. A jump: a part of the model is cut off or underflows.",
        "得不到梯度的参数个数，突增说明模型某部分断开或数值下溢。",
        related=(c.GRAD_NORM,),
    ),
    o.ATTENTION_LOGIT: plain(
        "Attention that grows without bounds comes before a loss spike.",
        "注意力 logit 不断增大是 loss 尖峰的前兆。",
        Good.DOWN,
        related=(c.LOSS, o.PARAMETER_NORM),
        healthy=on_its_own_level(SFT),
    ),
    o.LOSS_SCALE: plain(
        "fp16 multiplies the loss by it. Halved again and again: gradients overflow; use bf16.",
        "fp16 放大 loss 的系数。一再减半说明梯度溢出，应改用 bf16。",
        related=(c.GRAD_NORM,),
        healthy=noted("1 with bf16.", "bf16 下恒为 1。", SFT, GRPO, PPO, DPO),
    ),
    o.PARAMETER_NORM: plain(
        "Size of all weights together. Jumps come with an update that went wrong.",
        "全部参数的范数，突变说明某次更新出了问题。",
        related=(c.GRAD_NORM, c.LEARNING_RATE),
    ),
    o.ANSWER_TOKENS: plain(
        "What of the tokens is answer, and so learnt from.", "token 中属于回答、即参与学习的比例。"
    ),
    o.ANSWER_LENGTH: plain(
        "Length of the answers that are learnt from.", "参与学习的回答长度。", related=(o.ANSWER_TOKENS,)
    ),
}

_WEIGHTS: Mapping[Metric, Meaning] = {
    o.KL_COEFFICIENT: plain(
        "How strongly the policy is held to its reference model. A controller that drives it up and up has "
        "lost the policy already.",
        "把 policy 拉回 reference model 的力度。自适应控制器一路推高，说明已经拉不住了。",
        sources=(src.ADAPTIVE_KL,),
        related=(c.KL, o.RESPONSE_KL),
    ),
    o.ENTROPY_COEFFICIENT: plain(
        "How much variety is rewarded. An adaptive one at its maximum can do no more against a collapse of "
        "entropy.",
        "鼓励多样性的力度。自适应时若已到上限，就无法再阻止熵坍缩。",
        sources=(src.ENTROPY,),
        related=(c.ENTROPY,),
    ),
    o.MIXING_COEFFICIENT: plain(
        "A setting of the method that may change along the run: compare it with what was configured.",
        "方法自身的混合系数，训练中可能变化，可与配置对照。",
    ),
}

_UPDATE: Mapping[Metric, Meaning] = {
    o.UPDATE_KL: plain(
        "How far one update moved the policy. Spikes: the step was too large.",
        "一次更新让 policy 移动了多远，突升说明步长过大。",
        sources=(src.PPO,),
        related=(c.CLIP_RATIO, c.KL, c.LEARNING_RATE),
        healthy=on_its_own_level(GRPO, PPO, GENERIC),
    ),
    o.RESPONSE_KL: plain(
        "Divergence from the reference model added up over all tokens of a response: a hundred times what "
        "a mean per token is. Never hold it against limits of kl.",
        "整条回答所有 token 的 KL 之和，是每 token 均值的上百倍，不可用 kl 的限值衡量。",
        Good.DOWN,
        (src.ADAPTIVE_KL, src.TRAINERS),
        related=(c.KL, c.COMPLETION_LENGTH),
        healthy=on_its_own_level(GRPO, PPO, DPO, GENERIC),
    ),
    o.RESPONSE_ENTROPY: plain(
        "Entropy added up over a response: it falls with shorter responses, too.",
        "整条回答的熵之和，回答变短也会使其下降。",
        related=(c.ENTROPY, c.COMPLETION_LENGTH),
        healthy=on_its_own_level(GRPO, PPO, DPO, GENERIC),
    ),
    o.ENTROPY_THRESHOLD: plain(
        "A cut-off and no entropy of its own: tokens below it are left out of the update.",
        "这是截断线，并非熵的统计量：低于它的 token 不参与更新。",
        sources=(src.ENTROPY,),
        related=(c.ENTROPY,),
    ),
    o.POLICY_RATIO: plain(
        "How much likelier tokens have become since they were sampled.",
        "token 自采样以来概率变化的倍数。",
        sources=(src.PPO, src.NEMO_GRPO),
        related=(c.CLIP_RATIO, o.UPDATE_KL),
        healthy=noted("Hovers around 1.", "应在 1 附近。", GRPO, PPO, GENERIC),
    ),
    o.ADVANTAGE: plain(
        "How much better completions are than expected, before they become a gradient.",
        "回答优于预期的程度，之后才转成梯度。",
        sources=(src.PPO, src.TRAINERS),
        related=(c.REWARD_STD, o.ADVANTAGE_NONZERO),
        healthy=noted(
            "Near 0 on average where groups are normalised. Extremes blow the gradient up.",
            "组内归一化时均值接近 0；极端值会撑爆梯度。",
            GRPO,
            PPO,
            GENERIC,
        ),
    ),
    o.TOKEN_LOGP: plain(
        "How likely the sampled tokens are, by each model. Towards 0 the policy is sure of everything; "
        "sampler and trainer should lie together.",
        "采样 token 的平均对数概率，按模型区分。趋近 0 说明 policy 已毫不犹豫；采样与训练两者应重合。",
        related=(c.ENTROPY, c.KL),
        healthy=on_its_own_level(GRPO, PPO),
        parts={
            "trainer": plain("By the model that learns.", "训练中的模型。"),
            "sampler": plain("By the engine that wrote them.", "生成它们的引擎。"),
            "reference": plain("By the reference model.", "reference model 给出的值。"),
        },
    ),
    o.ADVANTAGE_NONZERO: plain(
        "Completions that give a gradient at all. Towards 0 nothing is learnt.",
        "真正产生梯度的回答比例，趋近 0 即学不到东西。",
        Good.UP,
        related=(c.REWARD_ZERO_STD,),
    ),
    o.SEQUENCE_WEIGHT: plain(
        "Weight that the method itself gives to sequences, besides the advantage.",
        "优势之外，方法自身赋予序列的权重。",
        related=(o.ADVANTAGE,),
    ),
    o.FUTURE_KL: plain(
        "What FIPO weights a token by: the divergence of what follows it.",
        "FIPO 给 token 加权的依据，即其后续部分的散度。",
        related=(o.SEQUENCE_WEIGHT,),
    ),
    o.SAFETY_KEPT: plain(
        "Tokens that FIPO does not leave out as unsafe. Near 0 it hardly trains.",
        "未被 FIPO 视为不安全而剔除的 token 比例，接近 0 则几乎没在训练。",
        Good.UP,
        related=(o.FUTURE_KL,),
    ),
}

OBJECTIVE: Mapping[Metric, Meaning] = {**_LOSSES, **_WEIGHTS, **_UPDATE}

_EARLY = Text(
    "Around 0 in the first steps, until it has learnt something.",
    "最初几步在 0 附近属正常，因为它还没学到东西。",
)

VALUE: Mapping[Metric, Meaning] = {
    v.VALUE_LOSS: plain(
        "How wrong the value function is about returns. Should fall early; a rise puts noise into the "
        "advantages.",
        "价值函数对回报的误差，早期应下降；上升会给优势带来噪声。",
        Good.DOWN,
        (src.PPO,),
        related=(v.VALUE_EXPLAINED_VARIANCE,),
        healthy=on_its_own_level(GRPO, PPO, GENERIC),
    ),
    v.VALUE_CLIP_RATIO: plain(
        "Values that moved further than allowed in one update: the value function is too fast.",
        "单次更新中超出允许幅度的价值比例，偏高说明价值函数变化过快。",
        sources=(src.PPO,),
        related=(v.VALUE_LOSS,),
        healthy=on_its_own_level(GRPO, PPO, GENERIC),
    ),
    v.VALUE_EXPLAINED_VARIANCE: plain(
        "Whether the value function is of use: 1 is perfect, 0 no better than the mean return, below 0 "
        "worse.",
        "价值函数是否有用：1 为完美，0 等同于直接用平均回报，小于 0 更差。",
        Good.UP,
        (src.PPO,),
        related=(v.VALUE_LOSS,),
        healthy={kind: Healthy(0.0, 1.0, Worry.BELOW, note=_EARLY) for kind in (GRPO, PPO, GENERIC)},
    ),
    v.VALUE_ERROR: plain(
        "The same as a squared error, before clipping.",
        "裁剪前的均方误差。",
        Good.DOWN,
        related=(v.VALUE_LOSS,),
    ),
    v.VALUE: plain(
        "What return is expected. Should follow the returns.",
        "预期的回报，应跟随实际回报。",
        related=(v.RETURN,),
    ),
    v.VALUE_GRAD_NORM: plain(
        "Size of the value function's own gradient; the policy's has nothing to do with it.",
        "价值函数自身的梯度大小，与 policy 的梯度无关。",
        related=(v.VALUE_LOSS, c.GRAD_NORM),
        healthy=on_its_own_level(PPO),
    ),
    v.VALUE_LEARNING_RATE: plain(
        "Usually several times the policy's, so that the value function keeps up.",
        "通常是 policy 的数倍，使价值函数跟得上。",
        related=(c.LEARNING_RATE,),
    ),
    v.RETURN: plain("What return there was.", "实际获得的回报。", Good.UP, related=(v.VALUE, c.REWARD)),
}

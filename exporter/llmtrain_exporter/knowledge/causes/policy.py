"""Causes in what becomes of a policy."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.evidence import Configured, Lies, Moved, Pattern, Shows, Signalled, When
from llmtrain_exporter.knowledge.remedy import POLICIES
from llmtrain_exporter.knowledge.text import Text

CAUSES: Mapping[str, Cause] = {
    "policy_drift": Cause(
        Text("The policy has left its reference model", "policy 偏离 reference model 过远"),
        Text(
            "Each update that raises the reward also moves the policy, and nothing pulled it back enough: "
            "the output no longer resembles what it started from. Two settings decide how far it goes: the "
            "size of the steps ({learning_rate}) and the weight of the KL penalty ({beta}).",
            "每次为提高 reward 的更新都会移动 policy，而把它拉回来的力量不够，输出已与起点完全不同。"
            "走多远由两个参数决定：学习率（{learning_rate}）和 KL 惩罚的系数（{beta}）。",
        ),
        evidence=(
            Moved(metric=c.KL, times=4, past=0.1, weight=2),
            Moved(metric=c.KL, times=4, past=1.0, since=When.START, weight=1),
            Signalled(signals=("kl_spike", "kl_high"), weight=1),
            Signalled(signals=("kl_spike", "kl_high"), first=True, weight=1),
            Moved(metric=c.ENTROPY, times=4, past=1.0, weight=1.5),
            Signalled(signals=("entropy_explosion",), weight=0.5),
            Configured(setting="beta", high=0.01, weight=0.5),
            Signalled(signals=("kl_spike", "kl_high"), alone=True, weight=-3),
            Lies(metric=c.KL, when=When.START, low=1.0, weight=-3),
            Lies(metric=c.KL, when=When.ALWAYS, high=0.05, weight=-3),
        ),
        remedies=(
            "raise_beta",
            "lower_learning_rate",
            "roll_back",
            "adaptive_kl",
            "tighten_clip",
            "save_often",
            "guard",
        ),
        sources=(src.GRPO_CAUSES,),
        profiles=POLICIES,
    ),
    "engines_differ": Cause(
        Text("Sampler and trainer compute other probabilities", "采样引擎与训练端算出的概率不同"),
        Text(
            "The engine that samples has other weights, another precision, or other kernels than the model "
            "that is trained, so completions come from a policy that nobody trains.",
            "采样引擎的权重、精度或 kernel 与训练中的模型不同，回答来自一个并没有在训练的 policy。",
        ),
        evidence=(Signalled(signals=("engine_mismatch",), weight=2, needed=True),),
        remedies=("match_engines", "roll_back"),
        sources=(src.VERL_CORRECTION, src.FP16_POLICIES, src.RUNS),
        profiles=POLICIES,
    ),
    "stale_samples": Cause(
        Text("Samples are older than the policy", "样本比 policy 旧"),
        Text(
            "Between sampling and training lie several weight updates: more is sampled ahead than is used, "
            "or the weights reach the sampler late.",
            "采样与训练之间隔了好几次权重更新：预先采样的量用不完，或者权重同步到采样端太晚。",
        ),
        evidence=(
            Signalled(signals=("policy_stale", "samples_dropped"), informs=True, weight=1.5, needed=True),
        ),
        remedies=("fresher_samples", "shorten_completions"),
        sources=(src.TRAINERS, src.PRIME_TRAINING),
        profiles=POLICIES,
    ),
    "poor_value_function": Cause(
        Text("The value function has not learnt the returns", "价值函数没有学会预测回报"),
        Text(
            "Its values predict the returns badly, or change so fast that most of them are clipped: "
            "advantages are mostly noise.",
            "它对回报的预测很差，或者变化太快、大多被裁剪：优势里大半是噪声。",
        ),
        evidence=(Signalled(signals=("value_fault",), informs=True, weight=1.5, needed=True),),
        remedies=("better_values", "lower_learning_rate", "larger_batch"),
        sources=(src.PPO, src.RUNS),
        profiles=POLICIES,
    ),
    "wrong_reference": Cause(
        Text("Policy and reference model differ from the start", "policy 与 reference model 一开始就不同"),
        Text(
            "The divergence is large before training could have moved the policy: the reference is another "
            "model or lacks the adapter, or log-probabilities overflow.",
            "训练还来不及移动 policy，两者就已相差很大："
            "reference 用了别的模型或没带 adapter，或者 logprob 溢出。",
        ),
        evidence=(Lies(metric=c.KL, when=When.START, low=1.0, weight=4, needed=True),),
        remedies=("stop_run", "check_initialisation", "use_bf16"),
        sources=(src.GRPO_CAUSES, src.RUNS),
        profiles=POLICIES,
    ),
    "lost_exploration": Cause(
        Text("The policy has stopped exploring", "policy 不再探索"),
        Text(
            "Probability has gathered on few tokens. An early fall of entropy is normal; at the "
            "floor all samples of a group are alike.",
            "概率集中到少数 token 上。entropy 早期下降是正常的，但到底之后同组样本就完全一样了。",
        ),
        evidence=(
            Moved(metric=c.ENTROPY, times=0.2, weight=1.5),
            Signalled(signals=("entropy_collapse", "entropy_fall"), weight=1, needed=True),
            Shows(pattern=Pattern.REWARD_NEAR_BEST, weight=-2),
        ),
        remedies=(
            "keep_exploring",
            "more_contrast",
            "raise_beta",
        ),
        sources=(src.ENTROPY,),
        profiles=POLICIES,
    ),
    "dead_policy": Cause(
        Text("The policy is already dead", "policy 已经崩溃"),
        Text(
            "Hardly any completion earns a reward and those of a group score alike, so updates have no "
            "direction. KL may fall again; a run does not come back from this by itself.",
            "几乎没有回答拿到奖励，同组得分也都一样，更新没有方向。KL 可能回落，但训练不会自己恢复。",
        ),
        evidence=(
            Shows(pattern=Pattern.REWARD_LOST, weight=0.5, needed=True),
            Lies(metric=c.COMPLETION_CLIPPED, when=When.END, low=0.9, weight=0.5),
            Lies(metric=c.REWARD_ZERO_STD, when=When.END, low=0.95, weight=0.5, needed=True),
        ),
        remedies=(
            "stop_run",
            "roll_back",
        ),
        sources=(src.RUNS,),
        profiles=POLICIES,
    ),
}

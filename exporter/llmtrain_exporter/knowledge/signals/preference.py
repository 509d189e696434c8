"""Signals on training from pairs of answers: what it costs the chosen ones, and whether it carries over."""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.profile import DPO, REWARD_MODEL
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, Measure, Severity, Signal, in_each
from llmtrain_exporter.knowledge.text import Text

DISPLACED_LOGPS: Annotated[float, "times the first block's", src.RUNS] = 1.25
"""Log probability of the chosen answers, from where on they are displaced where no reward is logged."""
LEARNED_ACCURACY: Annotated[float, "share of pairs", src.RUNS] = 0.99
"""Of training, from which on its pairs are learned by heart."""
LEARNED_RECORDS: Annotated[int, "records", src.RUNS] = 8
"""Whose mean that is."""

LIKELIHOOD_DISPLACEMENT = Signal(
    "likelihood_displacement",
    Family.FIT,
    (c.PREFERENCE_REWARD, c.LOGPS),
    below=True,
    clear_after=2,
    limits={DPO: {Severity.INFO: Bound(-1.0, src.RUNS)}},
    no_alert={Severity.INFO: "most runs push both sides down; only the answers tell whether it does harm"},
    advice=Advice(
        title=Text("Chosen answers become less likely", "chosen 回答的概率下降"),
        summary=Text(
            "The chosen answers become less likely as well, not only the rejected ones.",
            "不仅 rejected，连 chosen 回答的概率也在下降。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, limit {limit}; the rejected answers fall faster.",
            "第 {step} {unit} {metric} 为 {value}，限值 {limit}；rejected 下降得更快。",
        ),
        meaning=Text(
            "The loss only asks that the gap grows. It can grow while both fall; the probability then goes "
            "to answers that nobody wrote.",
            "loss 只要求差距变大。两边一起下降时差距也会变大，概率则流向了没人写过的回答。",
        ),
        impact=Text(
            "Margins and accuracy look well, and what the model writes gets worse.",
            "margin 和准确率看起来很好，模型实际写出的内容却变差。",
        ),
        causes=("chosen_unlearned", "saturated_preference", "high_learning_rate"),
        diagnosis=(
            Text(
                "Let the model answer some prompts: is it still one of the chosen kind?",
                "让模型回答几个问题：还像 chosen 那一类吗？",
            ),
            Text(
                "Are chosen and rejected answers nearly alike? Such pairs displace most.",
                "chosen 与 rejected 是否几乎一样？这样的样本对最容易造成位移。",
            ),
        ),
        remedies=("raise_preference_beta", "lower_learning_rate", "check_pairs", "use_best_checkpoint"),
        sources=(src.DISPLACEMENT, src.DPO),
    ),
)

MARGIN_EXPLOSION = Signal(
    "margin_explosion",
    Family.FIT,
    (c.PREFERENCE_MARGIN,),
    clear_after=2,
    limits=in_each(
        (DPO, REWARD_MODEL),
        {Severity.INFO: Bound(10, src.RUNS), Severity.WARNING: Bound(30, src.RUNS, records=2)},
    ),
    levels=(c.PREFERENCE_MARGIN,),
    no_alert={Severity.INFO: "a preference that is learned to the end does no harm by itself"},
    advice=Advice(
        title=Text("Preference margin explodes", "偏好 margin 暴涨"),
        summary=Text(
            "The gap between chosen and rejected answers is far larger than the loss asks for.",
            "chosen 与 rejected 的差距远超 loss 的需要。",
        ),
        finding=Text(
            "{metric} is {value} at {unit} {step}, limit {limit}.",
            "第 {step} {unit} {metric} 为 {value}，限值 {limit}。",
        ),
        meaning=Text(
            "A pair with a large margin has hardly any loss left. What pushes on is a learning rate that is "
            "too high, or a {beta} that lets the model go as far as it likes.",
            "margin 很大的样本对几乎已没有 loss。仍在拉开差距，说明学习率过高，或 {beta} 对模型毫无约束。",
        ),
        impact=Text(
            "The model leaves its reference behind: repetitions, odd formats, forgotten skills.",
            "模型远离 reference：重复、格式怪异、遗忘已有能力。",
        ),
        causes=("saturated_preference", "chosen_unlearned", "high_learning_rate"),
        diagnosis=(
            Text(
                "Does the evaluation's margin grow with it, or stay?",
                "验证集的 margin 是一起增长，还是停住？",
            ),
            Text(
                "Do the chosen answers' rewards fall at the same steps?",
                "同一时间 chosen 的 reward 是否在下降？",
            ),
        ),
        remedies=("use_best_checkpoint", "lower_learning_rate", "raise_preference_beta", "early_stopping"),
        sources=(src.DPO, src.RUNS),
    ),
)

PREFERENCE_OVERFIT = Signal(
    "preference_overfit",
    Family.FIT,
    (c.PREFERENCE_ACCURACY,),
    measure=Measure.FALL,
    clear_after=1,
    limits=in_each((DPO, REWARD_MODEL), {Severity.WARNING: Bound(0.05, src.RUNS)}),
    advice=Advice(
        title=Text("Pairs are learned by heart", "样本对被背下来了"),
        summary=Text(
            "All training pairs are ranked right, and fewer of the evaluation's than before.",
            "训练样本对全部判对，验证集判对的却比之前少。",
        ),
        finding=Text(
            "The evaluation's accuracy fell to {value} at {unit} {step}, was {baseline}; training's is near "
            "1.",
            "第 {step} {unit}验证准确率从 {baseline} 降到 {value}；训练准确率接近 1。",
        ),
        meaning=Text(
            "The model tells its own pairs apart by what is peculiar to them. A reward model in this state "
            "pays for the wrong things.",
            "模型靠样本自身的特点来区分，而不是靠偏好。这样的 reward model 会奖励错误的东西。",
        ),
        impact=Text(
            "Each further step makes rankings of new answers worse.",
            "继续训练只会让对新回答的排序更差。",
        ),
        causes=("memorising", "saturated_preference"),
        diagnosis=(
            Text(
                "Which evaluation was the best? Use that checkpoint.",
                "哪次验证最好？用那个 checkpoint。",
            ),
            Text(
                "How many epochs, and how many pairs? More than one or two epochs is often too much.",
                "训练了几个 epoch，有多少样本对？超过一两个 epoch 往往就多了。",
            ),
        ),
        remedies=("use_best_checkpoint", "early_stopping", "more_data", "lower_learning_rate"),
        sources=(src.RUNS, src.DPO),
    ),
)

SIGNALS = (LIKELIHOOD_DISPLACEMENT, MARGIN_EXPLOSION, PREFERENCE_OVERFIT)

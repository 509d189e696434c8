"""How to keep an eye on a run: what to log and save, what to ask how often, which checkpoint to take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.metric import Metric
from llmtrain_exporter.knowledge.own_level import YOUNG
from llmtrain_exporter.knowledge.remedy import Change, Choice, Ladder
from llmtrain_exporter.knowledge.text import Text

LOGGING_STEPS = 100
EVALUATION_STEPS = 1000
CHECKPOINTS_KEPT = 10
GRPO_SAVE_STEPS = 100


def _at_most(setting: str, steps: int) -> Change:
    return Change(setting, Ladder((float(steps),), up=False))


SETUP: Mapping[str, tuple[Change, ...]] = {
    profile.SFT: (
        _at_most("logging_steps", LOGGING_STEPS),
        Change("eval_strategy", Choice("steps", fine=("epoch",))),
        _at_most("eval_steps", EVALUATION_STEPS),
        Change("save_strategy", Choice("steps", fine=("epoch", "best"))),
        _at_most("save_steps", EVALUATION_STEPS),
        _at_most("save_total_limit", CHECKPOINTS_KEPT),
    ),
    profile.GRPO: (_at_most("eval_steps", GRPO_SAVE_STEPS), _at_most("save_steps", GRPO_SAVE_STEPS)),
}
"""By profile: what a run should log, evaluate and save, and how often at least.

Sources: SFT log FAQ, monitoring; GRPO log guide, 3.2.
"""


ASKED_OF = frozenset((profile.SFT,))
"""The built-in profiles whose runs the checklists are for."""


class Check(NamedTuple):
    """A question to a run. The answer is yes, all is well, while none of `signals` speaks against it.

    `id`: its name in metrics and JSON. `metrics`: what to look at; where none of them was logged nobody can
    tell. Of those with a split, that of `split` counts. `records`, `evaluations`: with fewer of training and
    evaluation nobody can tell either. `of_weights`: its metrics say nothing once the weights are NaN.
    `ahead`: it is about what is still to come. `falls`: a loss above what it was at first is a no as well.
    `of_gap`: evaluation behind training is a no even where it is as good as it ever was.
    Without `signals` a run has an answer of its own.
    """

    id: str
    question: Text
    signals: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    split: str = "train"
    records: int = YOUNG
    evaluations: int = 0
    of_weights: bool = True
    ahead: bool = False
    falls: bool = False
    of_gap: bool = False


class Checklist(NamedTuple):
    """Questions to ask every so many steps; `steps` None: once per epoch."""

    title: Text
    steps: int | None
    checks: tuple[Check, ...]
    source: Text


CHECKLISTS = (
    Checklist(
        Text(f"Every {LOGGING_STEPS} steps", f"每 {LOGGING_STEPS} 步"),
        LOGGING_STEPS,
        (
            Check(
                "loss_falling",
                Text("Is the loss still falling?", "loss 还在往下走吗？"),
                ("loss_spike", "loss_diverged", "loss_unstable", "loss_plateau", "grad_vanishing"),
                (c.LOSS,),
                falls=True,
            ),
            Check(
                "grad_norm_in_bounds",
                Text("Is the gradient norm within bounds?", "梯度范数有没有守在界内？"),
                ("non_finite", "grad_norm_high", "grad_spike", "grad_vanishing"),
                (c.GRAD_NORM,),
            ),
            Check(
                "learning_rate_on_schedule",
                Text("Is the learning rate where the schedule wants it?", "学习率走势与调度计划一致吗？"),
                ("lr_out_of_range",),
                (c.LEARNING_RATE, c.LEARNING_RATE_PEAK),
                of_weights=False,
            ),
            Check(
                "values_finite",
                Text("Is every value finite?", "所有数值都有限吗（无 NaN、Inf）？"),
                ("non_finite",),
                (c.LOSS, c.GRAD_NORM),
                records=1,
            ),
            Check(
                "accuracy_rising",
                Text("Is token accuracy still rising?", "token 准确率还在涨吗？"),
                ("accuracy_drop",),
                (c.TOKEN_ACCURACY,),
            ),
        ),
        src.SFT_CHECKLIST,
    ),
    Checklist(
        Text(f"Every {EVALUATION_STEPS} steps", f"每 {EVALUATION_STEPS} 步"),
        EVALUATION_STEPS,
        (
            Check(
                "eval_loss_keeping_up",
                Text("Does eval loss keep up with training loss?", "eval loss 跟得上训练 loss 吗？"),
                ("overfit",),
                (c.EVAL_TRAIN_LOSS,),
                evaluations=1,
                of_gap=True,
            ),
            Check(
                "eval_accuracy_rising",
                Text(
                    "Is each evaluation as accurate as the last, or more?",
                    "每次验证的准确率都不低于上一次吗？",
                ),
                ("accuracy_drop",),
                (c.TOKEN_ACCURACY, c.EVAL_TRAIN_ACCURACY),
                split="eval",
                evaluations=2,
            ),
            Check(
                "learning_the_task",
                Text(
                    "Is the model still learning the task, not the samples?",
                    "模型还在学任务，而不是背样本吗？",
                ),
                ("overfit", "accuracy_drop"),
                (c.EVAL_TRAIN_LOSS, c.EVAL_TRAIN_ACCURACY),
            ),
            Check(
                "entropy_level",
                Text("Does the entropy stay level?", "entropy 走势平稳吗？"),
                ("entropy_collapse",),
                (c.ENTROPY, c.EVAL_TRAIN_ENTROPY),
            ),
            Check(
                "eval_speed_steady",
                Text("Is evaluation as fast as before?", "验证速度和之前一样吗？"),
                ("throughput_drop", "memory_growth"),
                (c.EVAL_RUNTIME, c.EVAL_SAMPLES),
                evaluations=2,
                of_weights=False,
            ),
        ),
        src.SFT_CHECKLIST,
    ),
    Checklist(
        Text("Every epoch", "每个 epoch"),
        None,
        (
            Check(
                "run_healthy",
                Text("All in all, is the run healthy?", "通盘看，这次训练还健康吗？"),
                (
                    "non_finite",
                    "loss_spike",
                    "loss_diverged",
                    "loss_unstable",
                    "grad_spike",
                    "overfit",
                    "stalled",
                ),
                (c.RUN_HEALTH,),
                records=1,
            ),
            Check(
                "hyper_parameters_fit",
                Text("May the hyper-parameters stay as they are?", "超参数可以保持不变吗？"),
                (
                    *("non_finite", "loss_spike", "loss_diverged", "loss_plateau", "loss_unstable"),
                    "lr_out_of_range",
                    *("grad_norm_high", "grad_spike", "grad_vanishing", "overfit", "accuracy_drop"),
                ),
                (c.LOSS, c.LEARNING_RATE),
            ),
            Check(
                "checkpoint_to_keep",
                Text("Which checkpoint would you keep today?", "到现在为止该留哪个 checkpoint？"),
                metrics=(c.BEST_EVAL_LOSS, c.BEST_EVAL_STEP),
            ),
            Check(
                "going_on_worth_it",
                Text("Is going on worth it?", "还值得继续训练吗？"),
                ("overfit", "loss_plateau"),
                (c.BEST_EVAL_LOSS, c.BEST_EVAL_STEP),
                ahead=True,
            ),
        ),
        src.SFT_CHECKLIST,
    ),
)

ANSWERED = tuple(check for checklist in CHECKLISTS for check in checklist.checks if check.signals)
"""The questions that are answered yes or no. The others are of a choice."""


class CheckpointRule(NamedTuple):
    """How to choose a checkpoint. `take` False: the choice to avoid."""

    metric: Metric
    split: str
    lowest: bool
    take: bool
    text: Text
    unless: str = ""


BEST_CHECKPOINT = (
    CheckpointRule(
        c.LOSS,
        "eval",
        lowest=True,
        take=True,
        text=Text(
            "Take the checkpoint with the lowest eval loss.", "先看 eval loss，最低的那个 checkpoint 胜出。"
        ),
    ),
    CheckpointRule(
        c.TOKEN_ACCURACY,
        "eval",
        lowest=False,
        take=True,
        text=Text(
            "Between equals take the one with the highest eval accuracy.",
            "eval loss 不相上下时，看谁的验证准确率更高。",
        ),
    ),
    CheckpointRule(
        c.LOSS,
        "train",
        lowest=True,
        take=False,
        text=Text(
            "A low training loss beside a high eval loss is memorised: leave that checkpoint.",
            "训练 loss 很低、eval loss 却偏高的是死记硬背，不能用。",
        ),
        unless="overfit",
    ),
)
"""In order: the first decides, the second breaks ties, the last forbids. Source: SFT log FAQ, monitoring."""

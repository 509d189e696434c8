"""Every statement of the two guides about a metric, threshold, cause, remedy or check is in the knowledge.

A statement is a paraphrase with its section; its entry must exist, state its numbers and use its words.
Left out, since they are no knowledge of a run: tools that draw curves and which curves they draw (that is the
dashboards' layout), where a trainer puts its own logs, a sample script, further reading, and keeping notes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum

import pytest
from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.prescribing import proposals
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.checklists import BEST_CHECKPOINT, CHECKLISTS, SETUP
from llmtrain_exporter.knowledge.evidence_limits import RATE_LOWER_GRPO
from llmtrain_exporter.knowledge.meaning import Healthy, Meaning, is_healthy, number
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.metric import Group, Metric
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.knowledge.profile import GRPO, PROFILES, SFT
from llmtrain_exporter.knowledge.recoveries import RECOVERIES
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import LIMITS, SIGNALS
from llmtrain_exporter.knowledge.signals.gradient import RATE_TOO_LOW
from llmtrain_exporter.knowledge.text import RUN_LIMITS, Text
from llmtrain_exporter.model import HyperParameters, Record, RowKind

from tests.serving import RUN

ADVICE = {name: signal.advice for name, signal in SIGNALS.items()}
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


@dataclass(frozen=True)
class Says:
    """One statement of a guide and what it became."""

    section: str
    says: str
    entry: object
    numbers: tuple[float, ...] = ()
    words: tuple[str, ...] = ()


def contents(entry: object) -> Iterator[object]:
    """Everything that stands in an entry: texts, numbers, ids."""
    if isinstance(entry, Mapping):
        for key, value in entry.items():
            yield from contents(key)
            yield from contents(value)
    elif isinstance(entry, (tuple, list)):
        for value in entry:
            yield from contents(value)
    elif is_dataclass(entry) and not isinstance(entry, (Text, Metric)):
        for one in fields(entry):
            yield from contents(getattr(entry, one.name))
    else:
        yield entry


def numbers_in(entry: object) -> set[float]:
    """Every number that an entry states, as a number or in its English text."""
    found: set[float] = set()
    for part in contents(entry):
        if isinstance(part, (int, float)) and not isinstance(part, bool):
            found.add(float(part))
        if isinstance(part, Text):
            found.update(float(digits.replace(",", "")) for digits in NUMBER.findall(part.en))
    return found


def words_in(entry: object) -> str:
    """All that an entry says in English, its ids and metrics included; an enum as good:up."""
    return " ".join(map(_written, contents(entry))).lower()


def _written(part: object) -> str:
    if isinstance(part, Text):
        return part.en
    if isinstance(part, Metric):
        return part.name
    return f"{type(part).__name__}:{part.value}" if isinstance(part, Enum) else str(part)


def healthy(metric: Metric, profile: str) -> object:
    """A healthy range with the numbers of the limits that it stands on."""
    found = MEANINGS[metric].healthy[profile]
    return (
        number(found.low, LIMITS[profile]),
        number(found.high, LIMITS[profile]),
        found.note,
        found.very_good,
    )


def bound(profile: str, signal: str, severity: Severity) -> tuple[float, float]:
    """Limit and floor of a signal."""
    found = LIMITS[profile][signal][severity]
    return found.limit, found.floor


def function(pattern: str) -> Meaning:
    """What the reward functions of that name mean."""
    return MEANINGS[c.REWARD_FUNCTION_MEAN].parts[pattern]


def advice(signal: str) -> object:
    """All that is said about a signal, its causes and remedies written out."""
    found = ADVICE[signal]
    return found, [CAUSES[name] for name in found.causes], [REMEDIES[name] for name in found.remedies]


# fmt: off
GRPO_SAYS = (
    Says("1.1", "loss is the policy-gradient objective, lower is better", MEANINGS[c.LOSS],
         words=("policy-gradient", "good:down")),
    Says("1.1, 3.4", "loss about 1e-3 is usual, near 0 or below is fine", healthy(c.LOSS, GRPO), (1e-3,),
         ("negative",)),
    Says("1.1", "loss jumps to 0.2 to 0.78", LIMITS[GRPO]["loss_spike"], (0.1,)),
    Says("1.1", "grad_norm is the L2 norm of all gradients", MEANINGS[c.GRAD_NORM], words=("l2 norm",)),
    Says("1.1", "20,000 to 50,000 is usual for grad_norm", healthy(c.GRAD_NORM, GRPO), (2e4, 5e4)),
    Says("1.1", "grad_norm of 1e7 to 5e7 is an explosion: over 100 times the usual",
         LIMITS[GRPO]["grad_spike"], (10, 100)),
    Says("1.1", "learning rate 5e-5 with warm-up and decay that hardly decayed: too large",
         healthy(c.LEARNING_RATE, GRPO), (5e-5,)),
    Says("1.1", "kl measures the distance from the reference policy", MEANINGS[c.KL],
         words=("reference model",)),
    Says("1.1", "kl from 0.01 to 5 is healthy, below 0.1 in the stable part", healthy(c.KL, GRPO),
         (0.01, 5, 0.1)),
    Says("1.1", "kl of 6 to 19 broke reward and format", LIMITS[GRPO]["kl_high"], (5, 10)),
    Says("1.2", "reward: higher is better; it rose from 1.0..2.0 to 1.5..2.8", MEANINGS[c.REWARD],
         (1.0, 2.0, 1.5, 2.8), ("good:up",)),
    Says("1.2", "Format: strict tags, consistent, 0 or 1", function("*[Ff]ormat*"), (0, 1),
         ("required tags", "consistent", "good:up")),
    Says("1.2", "Format 0.9 to 1 is usual, 0.025 to 0.3 in collapses", function("*[Ff]ormat*"),
         (0.9, 1.0, 0.025, 0.3)),
    Says("1.2", "AnswerMatchCosine: similarity of the answer, 0 to 1, up", function("*[Cc]osine*"), (0, 1),
         ("answer", "good:up")),
    Says("1.2", "CaptionMatchCosine: similarity of the caption, up", function("*[Cc]osine*"),
         words=("caption", "good:up")),
    Says("1.2", "TitleMatchCosine: similarity of the title, up", function("*[Cc]osine*"),
         words=("title", "good:up")),
    Says("1.2", "PlaneMatchString: string match, 0 or 1, up", function("*[Mm]atch[Ss]tring*"), (0, 1),
         ("match", "good:up")),
    Says("1.2", "ModalityMatchString: string match, up", function("*[Mm]atch[Ss]tring*"),
         words=("match", "good:up")),
    Says("1.3", "mean length 190 to 250 of 512, 330 to 480 in surges", healthy(c.COMPLETION_LENGTH, GRPO),
         (190, 250, 512, 330, 480)),
    Says("1.3", "min length up to 379, then 144: stopping is disturbed",
         MEANINGS[c.COMPLETION_LENGTH].parts["min"], (379, 144), ("stopping",)),
    Says("1.3", "max length at the limit again and again", MEANINGS[c.COMPLETION_LENGTH].parts["max"],
         words=("limit",)),
    Says("1.3", "clipped ratio: share cut off at max_completion_length, lower is better",
         MEANINGS[c.COMPLETION_CLIPPED], words=("max_completion_length", "good:down")),
    Says("1.3", "clipped ratio about 0 in health, 0.35 to 0.9 in collapses",
         healthy(c.COMPLETION_CLIPPED, GRPO), (0, 0.35, 0.9)),
    Says("1.4", "clip ratio: share of ratios clipped, best at 0.1 to 0.3", healthy(c.CLIP_RATIO, GRPO),
         (0.1, 0.3)),
    Says("1.4", "clip ratio belongs to PPO and GRPO, neither high nor low is good", MEANINGS[c.CLIP_RATIO],
         words=("ppo", "good:neither")),
    Says("1.4", "epoch: passes over the data, rising", MEANINGS[c.EPOCH], words=("passes", "good:up")),
    Says("2.1", "calm, jump, calm again: one-record and repeated events", advice("collapse"),
         words=("repeats",)),
    Says("2.2, cause 1", "drift from the reference: KL jumps, then length, format, gradient, loss",
         CAUSES["policy_drift"],
         words=("kl_spike",)),
    Says("2.2, cause 1", "kl from 0.02 to 16", LIMITS[GRPO]["kl_spike"], (10,)),
    Says("2.2, cause 2", "unclipped gradients move weights too far and add to the drift",
         CAUSES["gradient_explosion"], words=("clipping", "too far")),
    Says("2.2, cause 3", "lengths change, completions pass the limit and lose reward", CAUSES["length_shift"],
         words=("limit", "clipped_high", "reward")),
    Says("2.2, cause 4", "Format falls to 0 for a batch and misleads the update",
         CAUSES["reward_instability"], (0,), ("format", "direction")),
    Says("2.3, reason 1", "gradient clipping bounds the updates", RECOVERIES["clipping"],
         words=("max_grad_norm", "loss")),
    Says("2.3, reason 2", "the KL penalty, raised by hand, pulls back", RECOVERIES["kl_penalty"],
         words=("beta", "kl")),
    Says("2.3, reason 3", "learning rate decay helps, too late with a high peak",
         RECOVERIES["learning_rate_decay"], words=("late", "learning_rate")),
    Says("2.3, reason 4", "hard constraints on output bring the length down", RECOVERIES["hard_constraints"],
         words=("length",)),
    Says("3.1", "common in RL fine-tuning", ADVICE["collapse"].meaning, words=("common",)),
    Says("3.2, remedy 1", "beta from 0.04 to 0.1 or more; less drift, slower learning",
         REMEDIES["raise_beta"], (0.1,), ("slow",)),
    Says("3.2, remedy 2", "max_grad_norm 1.0 or less, 0.5; stable but slower", REMEDIES["clip_gradients"],
         (1.0, 0.5), ("slow",)),
    Says("3.2, remedy 3", "learning rate down tenfold; longer training", REMEDIES["lower_learning_rate"],
         words=("longer",)),
    Says("3.2, remedy 3", "learning rate down tenfold", RATE_LOWER_GRPO, (0.1,)),
    Says("3.2, remedy 3", "warmup_ratio 0.1", REMEDIES["warm_up_longer"], (0.1,)),
    Says("3.2, remedy 4", "epsilon low and high 0.1: stricter clipping", REMEDIES["tighten_clip"], (0.1,),
         ("epsilon_high",)),
    Says("3.2, remedy 5", "cosine or linear schedule: stable late part", REMEDIES["decay_learning_rate"],
         words=("cosine", "linear", "late")),
    Says("3.2, remedy 6", "batch 4 or accumulation 8: smoother gradients", REMEDIES["larger_batch"], (4, 8),
         ("smooth",)),
    Says("3.2, remedy 7", "evaluate and save every 100 steps", REMEDIES["save_often"], (100,),
         ("eval_steps", "save_steps")),
    Says("3.2, remedy 7", "go back to a checkpoint when KL passes its limit", REMEDIES["roll_back"],
         words=("checkpoint",)),
    Says("3.3, no. 1", "beta 0.1 to 0.2", REMEDIES["raise_beta"], (0.1, 0.2)),
    Says("3.3, no. 1", "adapt beta to the present KL", REMEDIES["adaptive_kl"], words=("beta", "kl")),
    Says("3.3, no. 2", "max_grad_norm 0.5 set explicitly", REMEDIES["clip_gradients"], (0.5,),
         ("explicitly",)),
    Says("3.3, no. 2", "skip the optimizer step over the limit", REMEDIES["skip_step"],
         words=("skip", "optimizer step")),
    Says("3.3, no. 3", "learning rate down tenfold, warmup_ratio 0.1",
         (RATE_LOWER_GRPO, REMEDIES["warm_up_longer"]), (0.1,)),
    Says("3.3, no. 4", "halve max_completion_length", REMEDIES["shorten_completions"],
         words=("longest healthy answers",)),
    Says("3.3, no. 4", "a truncated completion scores 0", REMEDIES["no_reward_for_truncated"], (0,)),
    Says("3.3, no. 4", "stop words and end token", REMEDIES["stop_words"], words=("stop words", "end token")),
    Says("3.3, no. 5", "kl over 10 or clipped ratio over 0.3: save and roll back", REMEDIES["guard"],
         words=("snapshot", "{kl_limit}", "{clipped_limit}", "roll back")),
    Says("4", "the chain is KL, then length, then reward", ADVICE["collapse"],
         words=("kl and gradient jump, completions grow until they are cut off, the reward falls",)),
)
# fmt: on

# fmt: off
SFT_SAYS = (
    Says("metrics", "loss: cross-entropy, lower is better, 0.01 to 1.0",
         (MEANINGS[c.LOSS], healthy(c.LOSS, SFT)), (0.01, 1.0), ("cross-entropy", "good:down")),
    Says("metrics", "grad_norm: 0.1 to 10", healthy(c.GRAD_NORM, SFT), (0.1, 10)),
    Says("metrics", "learning rate: decays with training", MEANINGS[c.LEARNING_RATE], words=("decay",)),
    Says("metrics", "entropy: uncertainty of the prediction, 0.5 to 3.0",
         (MEANINGS[c.ENTROPY], healthy(c.ENTROPY, SFT)), (0.5, 3.0), ("unsure",)),
    Says("metrics", "num_tokens: total so far, always growing", MEANINGS[c.TOKENS],
         words=("growing", "good:up")),
    Says("metrics", "mean_token_accuracy: 0.7 to 0.98, up",
         (MEANINGS[c.TOKEN_ACCURACY], healthy(c.TOKEN_ACCURACY, SFT)), (0.7, 0.98), ("good:up",)),
    Says("metrics", "epoch: passes so far", MEANINGS[c.EPOCH], words=("passes",)),
    Says("metrics", "eval_loss: usually above training loss", healthy(c.LOSS, SFT),
         words=("eval loss is usually a little above",)),
    Says("metrics", "eval_runtime: depends on the amount of data", MEANINGS[c.EVAL_RUNTIME],
         words=("amount of data",)),
    Says("metrics", "eval_samples_per_second: higher is better", MEANINGS[c.EVAL_SAMPLES],
         words=("good:up",)),
    Says("metrics", "eval_steps_per_second: higher is better", MEANINGS[c.EVAL_STEPS], words=("good:up",)),
    Says("metrics", "eval_entropy: close to training entropy", healthy(c.ENTROPY, SFT), words=("close",)),
    Says("metrics", "eval_num_tokens: constant", MEANINGS[c.TOKENS], words=("same at each evaluation",)),
    Says("metrics", "eval_mean_token_accuracy: usually below training", healthy(c.TOKEN_ACCURACY, SFT),
         words=("below training",)),
    Says("status", "grad_norm close to the upper end: watch, perhaps lower the learning rate",
         healthy(c.GRAD_NORM, SFT), words=("upper end", "learning rate")),
    Says("status", "a learning rate of 3e-6 is ordinary", healthy(c.LEARNING_RATE, SFT), (3e-6,)),
    Says("status", "token accuracy of 95 % is excellent", healthy(c.TOKEN_ACCURACY, SFT), (0.95,)),
    Says("status", "eval loss 80 % above training loss: slight overfitting", healthy(c.EVAL_TRAIN_LOSS, SFT),
         (1.8,), ("slight overfitting",)),
    Says("serious, 1", "explosion: grad_norm over 20", LIMITS[SFT]["grad_norm_high"][CRITICAL], (20,)),
    Says("serious, 1", "explosion: loss NaN or infinite", LIMITS[SFT]["non_finite"][CRITICAL], (1,)),
    Says("serious, 1", "explosion: the output degrades", ADVICE["grad_norm_high"],
         words=("output degrades",)),
    Says("serious, 1", "lower the learning rate, check preprocessing, clip", ADVICE["grad_norm_high"],
         words=("lower_learning_rate", "check_data", "clip_gradients")),
    Says("serious, 1", "the same for NaN", ADVICE["non_finite"],
         words=("lower_learning_rate", "check_data", "clip_gradients")),
    Says("serious, 2", "vanishing: grad_norm under 0.01 while the loss does not fall",
         LIMITS[SFT]["grad_vanishing"], (0.01,)),
    Says("serious, 2", "nothing is learned any more", ADVICE["grad_vanishing"],
         words=("nothing is learned",)),
    Says("serious, 2", "check initialisation, raise the learning rate, check labels",
         ADVICE["grad_vanishing"], words=("check_initialisation", "raise_learning_rate", "check_labels")),
    Says("serious, 3", "severe overfitting: training 0.01, evaluation 1.5 or more",
         LIMITS[SFT]["overfit"][CRITICAL], words=("serious signals",)),
    Says("serious, 3", "eval accuracy begins to fall, the gap grows", ADVICE["overfit"],
         words=("eval accuracy fall", "gap grow")),
    Says("serious, 3", "dropout, weight decay, smaller model, more data", ADVICE["overfit"],
         words=("more_dropout", "more_weight_decay", "simpler_model", "more_data")),
    Says("watch, 1", "unstable: the loss rebounds, gradient and accuracy jump too", ADVICE["loss_unstable"],
         words=("rebounds", "accuracy and gradient norm")),
    Says("watch, 2", "learning rate 1e-8 perhaps too small", RATE_TOO_LOW, (1e-8,)),
    Says("watch, 2", "learning rate 1e-3 perhaps too large", LIMITS[SFT]["lr_out_of_range"], (1e-3,)),
    Says("watch, 3", "memory trouble: eval_runtime rises, samples per second fall", MEANINGS[c.EVAL_SAMPLES],
         words=("memory",)),
    Says("watch, 3", "eval_runtime rises", LIMITS[SFT]["throughput_drop"], (2,)),
    Says("adjust, loss 1", "slow fall: raise the learning rate, 3e-6 to 5e-6",
         REMEDIES["raise_learning_rate"], (5 / 3,)),
    Says("adjust, loss 1", "slow fall: data quality, LoRA rank or alpha", ADVICE["loss_plateau"],
         words=("check_labels", "raise_lora_rank")),
    Says("adjust, loss 1", "LoRA: rank or alpha up", REMEDIES["raise_lora_rank"],
         words=("lora_rank", "lora_alpha")),
    Says("adjust, loss 2", "oscillation: lower learning rate, longer warm-up, data distribution",
         ADVICE["loss_unstable"], words=("lower_learning_rate", "warm_up_longer", "check_data")),
    Says("adjust, accuracy 1", "slow accuracy: more epochs, batch size, label quality",
         ADVICE["loss_plateau"], words=("train_longer", "larger_batch", "check_labels")),
    Says("adjust, accuracy 2", "0.95 against 0.92 and growing: early overfitting",
         healthy(c.EVAL_TRAIN_ACCURACY, SFT), (-0.03,), ("early sign of overfitting",)),
    Says("adjust, accuracy 2", "dropout 0.1 to 0.15", REMEDIES["more_dropout"], (0.1, 0.15)),
    Says("adjust, accuracy 2", "weight decay 0.01 to 0.02", REMEDIES["more_weight_decay"], (0.01, 0.02)),
    Says("adjust, accuracy 2", "early stopping", ADVICE["accuracy_drop"],
         words=("early_stopping", "more_dropout", "more_weight_decay")),
    Says("monitoring", "log every 100 steps", SETUP[SFT][0], (100,), ("logging_steps",)),
    Says("monitoring", "evaluate by steps, every 1,000", SETUP[SFT][1:3], (1000,),
         ("eval_strategy", "steps", "eval_steps")),
    Says("monitoring", "save by steps, every 1,000", SETUP[SFT][3:5], (1000,),
         ("save_strategy", "steps", "save_steps")),
    Says("monitoring", "keep at most 10 checkpoints", SETUP[SFT][5], (10,), ("save_total_limit",)),
    Says("monitoring", "watch loss, grad_norm, learning rate, accuracy all the time", CHECKLISTS[0],
         words=("llmtrain_loss", "llmtrain_grad_norm", "llmtrain_learning_rate",
               "llmtrain_token_accuracy_ratio")),
    Says("monitoring", "watch gaps of loss and accuracy, and overfitting at evaluations", CHECKLISTS[1],
         words=("eval_train_loss_ratio", "eval_train_accuracy_difference", "overfit")),
    Says("monitoring", "best checkpoint: lowest eval loss first", BEST_CHECKPOINT[0],
         words=("lowest eval loss", "llmtrain_loss")),
    Says("monitoring", "then highest eval accuracy", BEST_CHECKPOINT[1], words=("highest eval accuracy",)),
    Says("monitoring", "never lowest training loss with high eval loss", BEST_CHECKPOINT[2],
         words=("low training loss beside a high eval loss", "overfit")),
    Says("alarms", "grad_norm over 20 is dangerous, over 10 a warning", LIMITS[SFT]["grad_norm_high"],
         (10, 20)),
    Says("alarms", "accuracy falls by 0.1", LIMITS[SFT]["accuracy_drop"], (0.1,)),
    Says("alarms", "eval over training loss above 2.0", LIMITS[SFT]["overfit"][WARNING], (2,)),
    Says("checklist", "every 100 steps", CHECKLISTS[0], (100,)),
    Says("checklist", "100 steps: does the loss fall", CHECKLISTS[0].checks[0],
         words=("loss still falling", "loss_plateau")),
    Says("checklist", "100 steps: is grad_norm in range", CHECKLISTS[0].checks[1],
         words=("gradient norm", "grad_norm_high")),
    Says("checklist", "100 steps: does the learning rate follow its plan", CHECKLISTS[0].checks[2],
         words=("learning rate", "lr_out_of_range")),
    Says("checklist", "100 steps: NaN or infinity", CHECKLISTS[0].checks[3], words=("finite", "non_finite")),
    Says("checklist", "every 1,000 steps", CHECKLISTS[1], (1000,)),
    Says("checklist", "1,000 steps: loss gap", CHECKLISTS[1].checks[0], words=("eval loss", "overfit")),
    Says("checklist", "1,000 steps: eval accuracy rises steadily", CHECKLISTS[1].checks[1],
         words=("accurate", "accuracy_drop")),
    Says("checklist", "1,000 steps: overfitting", CHECKLISTS[1].checks[2],
         words=("not the samples", "overfit")),
    Says("checklist", "1,000 steps: entropy steady", CHECKLISTS[1].checks[3],
         words=("entropy", "entropy_collapse")),
    Says("checklist", "epoch: overall trend", CHECKLISTS[2].checks[0], words=("all in all",)),
    Says("checklist", "epoch: change hyper-parameters?", CHECKLISTS[2].checks[1],
         words=("hyper-parameters",)),
    Says("checklist", "epoch: best checkpoint so far", CHECKLISTS[2].checks[2],
         words=("keep", "best_eval_step")),
    Says("checklist", "epoch: stop early?", CHECKLISTS[2].checks[3], words=("going on", "overfit")),
    Says("practice", "keep important checkpoints, not only the best", REMEDIES["roll_back"],
         words=("copy that checkpoint",)),
)
# fmt: on
STATEMENTS = [*(("GRPO", said) for said in GRPO_SAYS), *(("SFT", said) for said in SFT_SAYS)]


@pytest.mark.parametrize(
    "said",
    [said for _, said in STATEMENTS],
    ids=[f"{guide} {said.section}: {said.says}" for guide, said in STATEMENTS],
)
def test_a_statement_of_a_guide_is_encoded(said: Says) -> None:
    """The entry of each statement states its numbers and says its words."""
    stated, written = numbers_in(said.entry), words_in(said.entry)
    assert [value for value in said.numbers if not any(math.isclose(value, one) for one in stated)] == []
    assert [word for word in said.words if word not in written] == []
    assert said.numbers or said.words


FUNCTIONS = (
    "Format",
    "AnswerMatchCosine",
    "CaptionMatchCosine",
    "TitleMatchCosine",
    "PlaneMatchString",
    "ModalityMatchString",
)
KEYS = {
    Group.OPTIMISATION: (
        *("loss", "grad_norm", "learning_rate", "kl", "clip_ratio/low_mean", "clip_ratio/low_min"),
        *("clip_ratio/high_mean", "clip_ratio/high_max", "clip_ratio/region_mean"),
    ),
    Group.REWARD: (
        "reward",
        "reward_std",
        *(f"rewards/{name}/{stat}" for name in FUNCTIONS for stat in ("mean", "std")),
    ),
    Group.LENGTH: (
        *(f"completions/{stat}_length" for stat in ("min", "mean", "max")),
        "completions/clipped_ratio",
    ),
    Group.PROGRESS: ("epoch", "percentage", "elapsed_time", "memory(GiB)", "train_speed(s/it)"),
}
"""The log keys of the GRPO guide, section 1, in its four groups; the step is a record's own."""
SFT_KEYS = (
    *("loss", "grad_norm", "learning_rate", "entropy", "num_tokens", "mean_token_accuracy", "epoch"),
    *("eval_loss", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second", "eval_entropy"),
    *("eval_num_tokens", "eval_mean_token_accuracy"),
)


def record(*keys: str) -> Record:
    """The record of a row with these keys and step 45 of 150."""
    clocks = {"percentage": "30%", "elapsed_time": "12s", "global_step/max_steps": "45/150"}
    found = Normaliser().record({key: clocks.get(key, 1.0) for key in (*keys, "global_step/max_steps")})
    assert isinstance(found, Record)
    return found


def test_the_metrics_of_the_grpo_guide_are_known_and_explained() -> None:
    """Each of its 31 values, and those it names as texts, is a metric of its group with a meaning."""
    found = record(*(key for keys in KEYS.values() for key in keys))
    groups = {group: sum(one.metric.group is group for one in found.layout.series) for group in KEYS}
    assert groups == {group: len(keys) for group, keys in KEYS.items()}
    assert sum(groups.values()) >= 31
    assert (found.step, found.max_steps) == (45, 150)
    assert {one.metric for one in found.layout.series} <= set(MEANINGS)


@pytest.mark.parametrize("key", SFT_KEYS)
def test_the_metrics_of_the_sft_faq_are_known_and_explained(key: str) -> None:
    """Each of its fourteen values is a metric with a meaning."""
    found = record("loss", key) if not key.startswith("eval_") else record("eval_loss", key)
    assert found.kind is (RowKind.EVAL if key.startswith("eval_") else RowKind.TRAIN)
    assert {one.metric for one in found.layout.series} <= set(MEANINGS)
    assert found.layout.series[-1].metric is not c.OTHER


@pytest.mark.parametrize(
    ("remedy", "setting", "now", "proposed"),
    [
        ("raise_beta", "beta", 0.04, 0.1),
        ("clip_gradients", "max_grad_norm", 1.0, 0.5),
        ("lower_learning_rate", "learning_rate", 1e-5, 1e-6),
        ("lower_learning_rate", "learning_rate", 5e-5, 5e-6),
        ("warm_up_longer", "warmup_ratio", 0.05, 0.1),
        ("tighten_clip", "epsilon", 0.2, 0.1),
        ("tighten_clip", "epsilon_high", 0.28, 0.1),
        ("decay_learning_rate", "lr_scheduler_type", "constant", "cosine"),
        ("larger_batch", "gradient_accumulation_steps", 1.0, 8.0),
        ("save_often", "save_steps", 500.0, 100.0),
        ("raise_learning_rate", "learning_rate", 3e-6, 5e-6),
        ("more_dropout", "lora_dropout", 0.1, 0.15),
        ("more_weight_decay", "weight_decay", 0.01, 0.02),
        ("evaluate_regularly", "save_steps", 5000.0, 1000.0),
    ],
)
def test_a_change_of_the_guides_is_proposed(
    remedy: str, setting: str, now: float | str, proposed: float | str
) -> None:
    """From the guides' own present values follow the guides' own proposals."""
    stated = HyperParameters(*(({}, {setting: now}) if isinstance(now, float) else ({setting: now}, {})))
    kind = min(REMEDIES[remedy].profiles, key=PROFILES.index)
    run = replace(RUN, producer=SWIFT, base=kind, hyper_parameters=stated, max_steps=20_000)
    found = {change.setting: change.value for change in proposals(REMEDIES[remedy].changes, Case(run))}
    assert found[setting] == proposed


HEALTHY = {"loss": 1e-3, "kl": 0.05, "grad_norm": 35_000.0, "length": 220.0, "clipped": 0.0, "Format": 0.95}
EVENTS = {
    2800: {"loss": 0.78, "kl": 19.6, "grad_norm": 4.7e6, "clipped": 0.875},
    2855: {"length": 481.0, "clipped": 0.9, "Format": 0.025},
    3145: {"kl": 18.7, "grad_norm": 1.0e7},
    3695: {"loss": 0.54, "kl": 13.6},
    4155: {"kl": 11.8, "grad_norm": 9.5e6},
    4655: {"grad_norm": 2.7e7},
    5145: {"kl": 6.3, "grad_norm": 5.5e7},
}
RATIOS = {
    "kl": ("kl_spike", WARNING),
    "grad_norm": ("grad_spike", CRITICAL),
    "length": ("length_surge", WARNING),
}


@pytest.mark.parametrize("step", EVENTS)
def test_the_events_of_the_grpo_guide_pass_the_limits(step: int) -> None:
    """Section 2.1: what jumped at an event is beyond its limits, on the run's own level and on the value."""
    for name, value in EVENTS[step].items():
        if name in RATIOS:
            limit, floor = bound(GRPO, *RATIOS[name])
            assert value / HEALTHY[name] >= limit
            assert value >= floor
    event = {**HEALTHY, **EVENTS[step]}
    assert event["kl"] < 1 or event["kl"] > bound(GRPO, "kl_high", CRITICAL if step != 5145 else WARNING)[0]
    assert event["clipped"] == 0 or event["clipped"] > bound(GRPO, "clipped_high", CRITICAL)[0]
    assert event["Format"] == 0.95 or event["Format"] < 0.95 * bound(GRPO, "reward_function_drop", WARNING)[0]
    assert event["loss"] == 1e-3 or event["loss"] > bound(GRPO, "loss_spike", WARNING)[1]


def test_the_alarm_of_the_grpo_guide_is_on_kl_10_and_clipped_ratio_0_3() -> None:
    """Section 3.3, no. 5: the blanks of the remedy stand for these limits."""
    filled = [LIMITS[GRPO][signal][Severity(severity)].limit for signal, severity in RUN_LIMITS.values()]
    assert filled == [10, 0.3]


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        (c.LOSS, 0.1435, True),
        (c.GRAD_NORM, 9.671, True),
        (c.LEARNING_RATE, 2.92e-06, True),
        (c.ENTROPY, 1.843, True),
        (c.TOKEN_ACCURACY, 0.954, True),
        (c.EVAL_TRAIN_LOSS, 0.2582 / 0.1435, True),
        (c.EVAL_TRAIN_LOSS, 2.0, False),
        (c.EVAL_TRAIN_ACCURACY, 0.926 - 0.954, True),
        (c.EVAL_TRAIN_ENTROPY, 1.832 / 1.843, True),
    ],
)
def test_the_sample_of_the_sft_faq_is_judged_as_there(metric: Metric, value: float, expected: bool) -> None:
    """Status section: each value of its sample log is healthy."""
    found: Healthy = MEANINGS[metric].healthy[SFT]
    assert is_healthy(found, value, LIMITS[SFT]) is expected


def test_the_samples_of_the_sft_faq_meet_their_signals() -> None:
    """Its rebounds, its slow fall and its severe overfitting lie beyond the limits that stand for them."""
    ratio, floor = bound(SFT, "loss_unstable", WARNING)
    assert all(up / down >= ratio and up - down >= floor for down, up in ((0.2, 0.6), (0.3, 0.8)))
    assert bound(SFT, "loss_plateau", Severity.INFO)[0] <= 1.1 / 1.2
    ratio, floor = bound(SFT, "overfit", CRITICAL)
    assert ratio <= 1.5 / 0.01
    assert floor <= 1.5 - 0.01

"""Where numbers, readings and remedies come from: sections of the two guides, and papers."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text


def _grpo(section: str) -> Text:
    return Text(f"GRPO log guide, {section}", f"GRPO 日志分析指南 {section}")


GRPO_METRICS = _grpo("1.1")
GRPO_REWARDS = _grpo("1.2")
GRPO_LENGTHS = _grpo("1.3")
GRPO_OTHER = _grpo("1.4")
GRPO_EVENTS = _grpo("2.1")
GRPO_CAUSES = _grpo("2.2")
GRPO_RECOVERY = _grpo("2.3")
GRPO_REMEDIES = _grpo("3.2")
GRPO_SPECIFIC = _grpo("3.3")

SFT_METRICS = Text("SFT log FAQ, metrics", "SFT 日志 FAQ：指标含义")
SFT_STATUS = Text("SFT log FAQ, is it normal?", "SFT 日志 FAQ：状态评估")
SFT_SERIOUS = Text("SFT log FAQ, serious signals", "SFT 日志 FAQ：严重信号")
SFT_WATCH = Text("SFT log FAQ, signals to watch", "SFT 日志 FAQ：需关注的信号")
SFT_ADJUST = Text("SFT log FAQ, what to adjust", "SFT 日志 FAQ：调整策略")
SFT_MONITOR = Text("SFT log FAQ, monitoring", "SFT 日志 FAQ：监控实践")
SFT_ALARMS = Text("SFT log FAQ, alarm thresholds", "SFT 日志 FAQ：预警阈值")
SFT_CHECKLIST = Text("SFT log FAQ, checklists", "SFT 日志 FAQ：检查清单")


def _paper(name: str, number: str) -> Text:
    return Text(f"{name}, arXiv {number}", f"{name},arXiv {number}")


ADAPTIVE_KL = _paper("Ziegler et al.", "1909.08593")
DAPO = _paper("DAPO", "2503.14476")
DISPLACEMENT = _paper("Likelihood displacement", "2410.08847")
GDPO = _paper("GDPO", "2601.05242")
DPO = _paper("DPO", "2305.18290")
GSPO = _paper("GSPO", "2507.18071")
FP16_POLICIES = _paper("Training-inference mismatch and number formats", "2510.26788")
ENTROPY = _paper("Entropy mechanism of RL", "2505.22617")
NASH_MD = _paper("Nash-MD", "2312.00886")
OLMO = _paper("OLMo 2", "2501.00656")
OVEROPTIMISATION = _paper("Gao et al.", "2210.10760")
ORPO = _paper("ORPO", "2403.07691")
PALM = _paper("PaLM", "2204.02311")
PPO = _paper("PPO", "1707.06347")
RELORA = _paper("ReLoRA", "2307.05695")
SPAM = _paper("SPAM", "2501.06842")
SWITCH = _paper("Switch Transformers", "2101.03961")
CUSUM = Text("Page, Biometrika 41 (1954), CUSUM", "Page,Biometrika 41（1954）,CUSUM")


def _documentation(reference: str) -> Text:
    project, _, page = reference.partition(": ")
    return Text(f"{project}'s documentation, {page}", f"{project} 文档 {page}")


NEMO_GRPO = _documentation("NeMo-RL: guides/grpo.md")
PRIME_TRAINING = _documentation("prime-rl: training.md")
SWIFT_MISMATCH = _documentation("ms-swift: training_inference_mismatch.md")
NEMO_ACCURACY = _documentation("NeMo-RL: guides/dtensor-tp-accuracy.md")
VERL_TRANSFER = _documentation("verl: transfer_to_npu_guide.md")
VERL_CORRECTION = _documentation("verl: algo/rollout_corr.md")

RUNS = Text("logs of real runs", "真实训练日志")
TRAINERS = Text("the trainers' own code", "训练框架源码")

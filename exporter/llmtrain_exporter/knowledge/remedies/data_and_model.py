"""Remedies in the data, the size of what is trained, and how long it is trained."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.evidence import Pattern, Shows
from llmtrain_exporter.knowledge.remedy import ALL_BUT_POLICIES, ONLY_DPO, Change, Ladder, Remedy, Scale
from llmtrain_exporter.knowledge.text import Text

REMEDIES: Mapping[str, Remedy] = {
    "check_data": Remedy(
        Text("Look at the data around that step", "检查该步附近的数据"),
        Text(
            "Print the batches before the step: empty or cut labels, a wrong chat template, broken "
            "characters, huge samples, a new source in an unshuffled file.",
            "打印该步之前的 batch："
            "标签为空或被截断、对话模板不对、乱码、超长样本、没打乱的文件换了数据来源。",
        ),
        (src.SFT_SERIOUS, src.SFT_ADJUST),
    ),
    "compare_samples": Remedy(
        Text("Compare the samples on both sides of the step", "对比跳变前后的样本"),
        Text(
            "Source, length, language, difficulty, and how they are scored. If a harder part begins there by "
            "plan, let it learn; if not, shuffle or mix the parts.",
            "看来源、长度、语言、难度以及打分方式。若是有意安排的更难的部分，就继续训练；否则打乱或混合各部分。",
        ),
        (src.RUNS,),
    ),
    "compare_evaluation_data": Remedy(
        Text("Compare evaluation and training samples", "对比验证样本与训练样本"),
        Text(
            "Read ten of each as the model sees them: source, template, length, what of it counts for the "
            "loss. Where they differ by intent, judge by whether the evaluation loss still falls, not by the "
            "gap.",
            "各看十条模型实际看到的样本：来源、模板、长度、哪些部分计入 loss。"
            "如果差异是有意的，就看 eval loss 是否还在降，不要看差距。",
        ),
        (src.RUNS,),
        profiles=ALL_BUT_POLICIES,
    ),
    "check_labels": Remedy(
        Text("Check labels and loss mask", "检查标签与 loss mask"),
        Text(
            "Decode one batch with its labels: only the answer may count. Wrong or contradicting labels put "
            "a floor under the loss that no setting removes.",
            "解码一个 batch 连同 labels 一起看：只有回答部分应计入 loss。标签错误或互相矛盾时，"
            "调什么参数 loss 都降不下去。",
        ),
        (src.SFT_SERIOUS, src.SFT_ADJUST),
    ),
    "check_pairs": Remedy(
        Text("Read the pairs as the trainer sees them", "检查 trainer 实际看到的偏好对"),
        Text(
            "Decode ten pairs: is the better answer the chosen one, and do both belong to the same prompt? "
            "Check the names of the columns and how they are mapped.",
            "解码十对看看：chosen 是否真是更好的那个，两个回答是否属于同一个 prompt？再核对列名及其映射。",
        ),
        (src.DPO, src.RUNS),
        profiles=ONLY_DPO,
    ),
    "check_initialisation": Remedy(
        Text("Check what is trained and from what", "检查初始化与可训练参数"),
        Text(
            "Right base model? Adapter loaded? Are the modules you mean trainable, and is their number of "
            "parameters not 0? Are weights in bf16 or fp32?",
            "基座对不对？adapter 是否加载？想训练的模块是否可训练、参数量是否为 0？权重是否为 bf16 或 fp32？",
        ),
        (src.SFT_SERIOUS,),
    ),
    "skip_batches": Remedy(
        Text("Restart before the spike and skip those batches", "回到尖峰之前并跳过那批数据"),
        Text(
            "Restart from a checkpoint about 100 steps before the spike with another data seed, or skip the "
            "next 200 to 500 batches: the same batches rarely hurt a second time in another order.",
            "从尖峰前约 100 步的 checkpoint 重启，换一个数据 seed，或跳过其后 200 到 500 个 batch："
            "换了顺序一般不会再出事。",
        ),
        (src.PALM,),
        unless=(Shows(pattern=Pattern.WELL_AGAIN),),
    ),
    "raise_lora_rank": Remedy(
        Text("Give LoRA more room", "加大 LoRA 容量"),
        Text(
            "A larger rank or alpha lets the adapter learn what it cannot express now. Try one of them.",
            "加大 rank 或 alpha，adapter 才学得下现在表达不了的内容。两者先试一个。",
        ),
        (src.SFT_ADJUST,),
        (
            Change("lora_rank", Scale(2.0, whole=True)),
            Change("lora_alpha", Scale(2.0, whole=True)),
        ),
        ALL_BUT_POLICIES,
    ),
    "simpler_model": Remedy(
        Text("Train fewer parameters", "减少可训练参数"),
        Text(
            "A smaller rank, or fewer target modules, can memorise less.",
            "rank 调小或减少 target modules，模型就没那么容易死记硬背。",
        ),
        (src.SFT_SERIOUS,),
        (Change("lora_rank", Scale(0.5, whole=True, least=1.0)),),
        ALL_BUT_POLICIES,
    ),
    "more_dropout": Remedy(
        Text("Add dropout", "增加 dropout"),
        Text(
            "Makes it harder to memorise single samples. Small steps are enough.",
            "让模型更难记住单条样本。小幅增加即可。",
        ),
        (src.SFT_SERIOUS, src.SFT_ADJUST),
        (Change("lora_dropout", Ladder((0.05, 0.1, 0.15))),),
        ALL_BUT_POLICIES,
    ),
    "more_weight_decay": Remedy(
        Text("Raise weight decay", "提高 weight decay"),
        Text(
            "Keeps weights small, so the fit to single samples stays weak.",
            "压低权重幅度，减弱对单条样本的拟合。",
        ),
        (src.SFT_SERIOUS, src.SFT_ADJUST),
        (Change("weight_decay", Ladder((0.01, 0.02), beyond=2.0)),),
        ALL_BUT_POLICIES,
    ),
    "more_data": Remedy(
        Text("Add training data", "增加训练数据"),
        Text(
            "More, and more varied, samples help most against memorising. Remove near duplicates while at "
            "it.",
            "更多、更多样的样本对抑制死记硬背最有效，顺便去掉近似重复的样本。",
        ),
        (src.SFT_SERIOUS,),
        profiles=ALL_BUT_POLICIES,
    ),
    "early_stopping": Remedy(
        Text("Stop early", "早停"),
        Text(
            "Stop when several evaluations in a row bring nothing better, and keep the best checkpoint.",
            "连续几次验证都没有更好就停，保留最佳 checkpoint。",
        ),
        (src.SFT_ADJUST,),
        (Change("early_stop_interval", Ladder((3.0,), up=False)),),
        ALL_BUT_POLICIES,
        when=(Shows(pattern=Pattern.EVALUATED),),
        unless=(Shows(pattern=Pattern.BEST_EVALUATION_LAST),),
    ),
    "train_longer": Remedy(
        Text("Train for more epochs", "增加训练轮数"),
        Text(
            "Only while eval loss still falls and eval accuracy still rises.",
            "前提是 eval loss 仍在下降、验证准确率仍在上升。",
        ),
        (src.SFT_ADJUST,),
        (Change("num_train_epochs", None),),
        ALL_BUT_POLICIES,
    ),
}

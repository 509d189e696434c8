"""Why a guard leaves a setting of a running training as it is."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

RATE_MEASURED = Text(
    "{scheduler} sets the learning rate by what it measures", "{scheduler} 按自己测得的结果决定学习率"
)
RATE_WITHOUT_BASE = Text(
    "{scheduler} keeps no base rates from which it computes the learning rate",
    "{scheduler} 不保存用来计算学习率的基准值",
)
RATE_OF_ITS_OWN = Text(
    "{scheduler} goes by rates of its own, which are not scaled from outside",
    "{scheduler} 按自己的学习率运行，无法从外部调整",
)
RATE_ZERO = Text("the learning rate is 0", "学习率为 0")
RATES_DIFFER = Text("its groups have learning rates of their own", "各参数组的学习率互不相同")
READ_ONCE = Text("{setting} is read once, when the trainer begins", "{setting} 只在训练器启动时读取一次")
NO_BETA = Text("the trainer has no beta that it reads while it trains", "训练器没有会在训练中读取的 beta")
BETA_ZERO = Text(
    "beta is 0: the trainer holds no reference model and logs no kl, and fails when beta is raised",
    "beta 为 0：训练器没有参考模型，也不记录 kl，此时调高 beta 会使训练出错",
)
NOTHING_CLIPPED = Text("max_grad_norm is 0: nothing is clipped", "max_grad_norm 为 0：不做梯度裁剪")
DEEPSPEED_CLIPS = Text(
    "DeepSpeed clips by its own configuration, which it reads once",
    "DeepSpeed 按自己的配置裁剪梯度，且只读取一次",
)
DEEPSPEED_APPLIES = Text(
    "DeepSpeed applies an update as soon as it has the gradients", "DeepSpeed 一得到梯度就会执行更新"
)
GRADIENTS_SHARDED = Text(
    "gradients are sharded: no rank has the norm when it is asked",
    "梯度分片存放：需要梯度范数时，没有任何一个 rank 拿得到它",
)
NO_CLIPPING_KNOWN = Text(
    "the trainer is not known, or does not clip through accelerate",
    "不认识这个训练器，或它不通过 accelerate 裁剪梯度",
)
NO_SNAPSHOT = Text("no snapshot: {error}", "无法保存快照：{error}")
NO_ROOM = Text(
    "no snapshot: the disk has {free} free, it takes about {size}, and {kept} have to stay free",
    "无法保存快照：磁盘剩余 {free}，快照约需 {size}，还须保留 {kept}",
)
RANKS_WITHOUT_GUARD = Text(
    "not every rank has a guard: it records and tells, and changes nothing",
    "并非每个 rank 都有 guard：只记录和提示，不做任何改动",
)
BAD_UPDATE = Text(
    "the gradient is not finite or far above its usual norm", "梯度不是有限值，或远高于平时的范数"
)

TOLD: tuple[Text, ...] = (
    RATE_MEASURED,
    RATE_WITHOUT_BASE,
    RATE_OF_ITS_OWN,
    RATE_ZERO,
    RATES_DIFFER,
    READ_ONCE,
    NO_BETA,
    BETA_ZERO,
    NOTHING_CLIPPED,
    DEEPSPEED_CLIPS,
    DEEPSPEED_APPLIES,
    GRADIENTS_SHARDED,
    NO_CLIPPING_KNOWN,
    NO_ROOM,  # before the one that any error fits
    NO_SNAPSHOT,
    RANKS_WITHOUT_GUARD,
    BAD_UPDATE,
)
"""As they stand in the guard's file, in English."""

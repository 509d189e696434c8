"""The words of the dashboard on GPUs. Source: NVIDIA's documentation of DCGM's fields and of XID errors."""

from __future__ import annotations

from llmtrain_exporter.knowledge.dashboard_words_fleet import Words
from llmtrain_exporter.knowledge.text import Text

TITLE = Text("GPUs", "GPU")
BOARD_TEXT = Text(
    "What the GPUs do while a run trains: work, memory, power, faults. From NVIDIA's dcgm-exporter.",
    "训练时 GPU 在做什么：负载、显存、功耗、故障。数据来自 NVIDIA 的 dcgm-exporter。",
)
NOTHING = Text("No GPU is scraped: profile gpu", "没有抓取到 GPU：profile gpu")
NOT_PROFILED = Text(
    "The driver gives no profiling counters for this GPU", "驱动没有为此 GPU 提供 profiling 计数"
)

WORK = Text("Work", "负载")
HEAT = Text("Memory, heat and faults", "显存、温度与故障")

UTILISATION = Words(
    Text("Busy", "GPU 利用率"),
    Text(
        "Share of time in which the GPU did anything at all. Falls to 0 again and again: it waits, for data, "
        "for other ranks, or for rollouts. High alone does not mean fast: see the tensor cores.",
        "GPU 有任何工作的时间占比。反复掉到 0：在等数据、其他 rank 或 rollout。高不等于快，"
        "要看 tensor core。",
    ),
)
TENSOR = Words(
    Text("Tensor cores active", "Tensor core 活跃度"),
    Text(
        "Share of cycles in which tensor cores worked: the nearest to the use that training makes of the "
        "GPU. Low while the GPU is busy: small batches, short sequences, or kernels that do not use them.",
        "tensor core 工作的周期占比，最接近训练对 GPU 的真实利用。GPU 忙而它低：batch 小、序列短，"
        "或算子没有用到。",
    ),
)
STEP_TIME = Words(
    Text("Time per step", "每步耗时"),
    Text(
        "Of the slowest runs. Steps get slower and the GPU is less busy: data or other machines hold it up. "
        "Steps get slower and it is as busy as before: the work has grown.",
        "最慢的几个训练的每步耗时。变慢而 GPU 更闲：数据或其他机器拖累。变慢而 GPU 一样忙：计算量变大了。",
    ),
)
MEMORY = Words(
    Text("Memory used", "显存占用"),
    Text(
        "Share of the GPU's memory that is taken. Near 1 the next long batch may end the run; growth over "
        "hours is a leak.",
        "已占用的显存比例。接近 1 时下一个长 batch 就可能 OOM；几小时内持续增长是泄漏。",
    ),
)
POWER = Words(
    Text("Power", "功耗"),
    Text(
        "Watts per GPU. Far below its neighbours in the same run: it waits for them or is throttled.",
        "每块 GPU 的功率。同一训练中远低于其他卡：在等待，或被降频。",
    ),
)
TEMPERATURE = Words(
    Text("Temperature", "温度"),
    Text(
        "Of the GPU's core. Near its model's limit a GPU lowers its clock, and the whole run waits for it.",
        "GPU 核心温度。接近该型号的上限时会降频，整个训练都要等它。",
    ),
)
CLOCK = Words(
    Text("Clock of the cores", "核心频率"),
    Text(
        "Of the streaming multiprocessors. A fall under load: heat or a power limit.",
        "SM 频率。有负载时下降：过热或功率限制。",
    ),
)
XID = Words(
    Text("Last XID error", "最近的 XID 错误"),
    Text(
        "Number of the driver's last error, 0 for none. 48, 63, 64, 79, 94 and 95 mean memory or a GPU that "
        "fell off the bus: take the machine out and go on from the last checkpoint elsewhere.",
        "驱动最近一次错误的编号，0 为没有。48、63、64、79、94、95 是显存故障或掉卡：隔离机器，"
        "换机器从最新 checkpoint 续训。",
    ),
)
REPLAYS = Words(
    Text("PCIe replays", "PCIe 重传"),
    Text(
        "Transfers over PCIe that had to be repeated. More than a few: a bad slot, riser or cable.",
        "PCIe 重传次数。不止几次：插槽、转接卡或线缆有问题。",
    ),
)

"""What the guard says while it starts a training again, or does not: in a terminal and in its file."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

STOPPED = Text("stopped at {reason}. {next}", "已停止：{reason}。{next}")
GOES_BACK = Text(
    "rescue {attempt} of {most}: back to step {from_step} ({checkpoint}); {wasted} steps are trained again",
    "第 {attempt} 次救援（最多 {most} 次）：回到第 {from_step} 步（{checkpoint}），有 {wasted} 步要重训",
)
CHANGES = Text("changed: {changes}", "改动：{changes}")
UNCHANGED = Text("not changed: {settings}", "未改动：{settings}")
INSIDE = Text(
    "set inside the training, since the command has no flag for it: {settings}",
    "命令里没有对应的参数，因此在训练进程内设置：{settings}",
)
ORDER_GOES_ON = Text("the data goes on where it was", "数据顺序从中断处继续")
ORDER_BEGINS = Text("the data begins anew, in the same order", "数据按同样的顺序从头开始")
ORDER_SHUFFLED = Text("the data is shuffled anew", "数据重新打乱")
MOVED = Text(
    "later checkpoints ({steps}) were moved to {folder}", "之后的 checkpoint（{steps}）已移到 {folder}"
)
COMMAND = Text("runs: {command}", "执行：{command}")
WOULD_RUN = Text("would run: {command}", "将会执行：{command}")
GOES_ON = Text(
    "goes on with rescue {attempt}, which was interrupted, from step {from_step} ({checkpoint});"
    " to begin without it, move {file} away",
    "继续此前中断的第 {attempt} 次救援：从第 {from_step} 步开始（{checkpoint}）；若不需要，请先移走 {file}",
)
STILL_RESCUED = Text(
    "nothing is started: a rescue is running in {folder} (process {process}); wait for it, or end it first",
    "没有启动：{folder} 中有救援正在运行（进程 {process}）；请等它结束，或先将其终止",
)
ENDED_BY_ITSELF = Text(
    "rescue {attempt} ended with exit code {code}, and not for an incident",
    "第 {attempt} 次救援以退出码 {code} 结束，但并非因为事故",
)
BEGAN_ANEW = Text(
    "what was started again has begun anew in {where}, a folder of its own, at step 0",
    "重新启动的训练在自己的目录 {where} 中从第 0 步重新开始",
)
WENT_ON_IN = Text("It went on in {folder}.", "训练已在 {folder} 中继续。")
SEVERAL_TRAININGS = Text(
    "the command trains several times, and would begin with the first one anew: {folders}",
    "这条命令先后训练多次，重新启动会从第一次重来：{folders}",
)
NEXT_THE_SAME = Text(
    "See the end of its output for the cause. The same command goes on with this rescue;"
    " to begin without it, move {file} away.",
    "原因见其输出的末尾。再次执行同一条命令会继续这次救援；若不需要，请先移走 {file}。",
)
NOT_TAKEN_UP = Text(
    "a rescue that was interrupted cannot be gone on with, and the command is started as it is: {detail}",
    "无法继续此前中断的救援，按原样启动命令：{detail}",
)
GIVES_UP = Text("gives up: {because}. {next}", "放弃救援：{because}。{next}")
NEXT_BY_HAND = Text(
    "Look at the run with llmtrain-exporter report {folder}, and go on by hand from a good checkpoint.",
    "请用 llmtrain-exporter report {folder} 查看这次训练，再手动从一个良好的 checkpoint 继续。",
)
NOT_INSIDE = Text(
    "no trainer was found that it could look into: the training ran as it would have without",
    "没有找到可以接入的 trainer：训练照常运行，但没有受到保护",
)
NESTED = Text(
    "another guard has started this one: the command runs under that, with its options",
    "外层已有一个 guard：命令由它看护，使用它的选项",
)
ISOLATED = Text(
    "Python runs with {option} and does not look at PYTHONPATH: the guard cannot get into the training",
    "Python 以 {option} 运行，不读取 PYTHONPATH：guard 无法进入训练进程",
)
NOT_AGAIN = Text(
    "not started again: it was {reason} To start it all the same, move {file} away",
    "不再启动：{reason} 若仍要启动，请先移走 {file}",
)
FOLDER_UNKNOWN = Text(
    "the command says no output_dir: whether it was stopped for good before is not known, and it is started",
    "命令里没有 output_dir：不知道此前是否已被彻底停止，照常启动",
)
ONE_OF_SEVERAL = Text(
    "one part of a training on several machines: it is stopped on an incident, not started again from here",
    "这是多机训练的一部分：只能停止，不会从这里重新启动",
)

MOST_REACHED = Text("it broke again after the last of {most}", "最多 {most} 次救援，最后一次之后仍再次崩溃")
NONE_WANTED = Text("no rescue is allowed (--rescues 0)", "不允许救援（--rescues 0）")
FORGOTTEN = Text(
    "{file} does not know any more of the rescues that there were", "{file} 里已没有此前救援的记录"
)
NO_LOG = Text("its log cannot be read ({detail})", "无法读取日志（{detail}）")
NO_CHECKPOINT = Text("there is no complete checkpoint", "没有完整的 checkpoint")
NONE_GOOD = Text(
    "no checkpoint is left from when rewards or evaluation loss were still good ({steps} were not)",
    "没有奖励或验证损失仍然良好时的 checkpoint（{steps} 已经变差）",
)
NONE_FURTHER_BACK = Text(
    "no good checkpoint is left from before step {step}, where the last rescue began",
    "上次救援从第 {step} 步开始，此前没有其他良好的 checkpoint",
)
STILL_ALIVE = Text(
    "processes of the old training are still there and may write into its folder: {processes}",
    "旧训练的进程仍在运行，可能写入同一目录：{processes}",
)
CANNOT_MOVE = Text("later checkpoints cannot be moved away: {detail}", "无法移走之后的 checkpoint：{detail}")
CANNOT_RESUME = Text(
    "{program} goes on from no checkpoint in this kind of training",
    "{program} 的这类训练不支持从 checkpoint 继续",
)
CANNOT_WRITE = Text("the changed settings cannot be written: {detail}", "无法写入修改后的设置：{detail}")
OWN_ERROR = Text("an error of the guard's own ({detail})", "guard 自身出错（{detail}）")

WELL = Text("{run}: nothing would have stopped it", "{run}：不会触发停止")
WOULD_STOP = Text(
    "{run}: would have been stopped at {reason} (it went on until step {last})",
    "{run}：会在此处停止：{reason}（实际跑到第 {last} 步）",
)
WOULD_TELL = Text(
    "{run}: would have been told of, and gone on with --on-incident {action}: {reason} (until step {last})",
    "{run}：会在此处报告，但 --on-incident {action} 不停止训练：{reason}（实际跑到第 {last} 步）",
)
WOULD_GIVE_UP = Text("no rescue: {because}", "无法救援：{because}")
UNREADABLE = Text("{file}: {reason}", "{file}：{reason}")
ASSUMED = Text(
    "no checkpoints lie there: one each {steps} steps is assumed, as its settings say",
    "目录里没有 checkpoint：按其设置，假定每 {steps} 步保存一次",
)

"""What `setup` asks and says, and what the script that it writes says."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

ASK_LOGS = Text("Folders in which training writes, several by comma", "训练写入日志的文件夹，多个用逗号分隔")
ASK_CHAT = Text("Chat to send cards to", "接收消息的聊天工具")
ASK_GRAFANA = Text(
    "Grafana: local (started here), none, or the address of one that runs already",
    "Grafana：local（由本机启动）、none（不用），或已有 Grafana 的地址",
)
ASK_HOST = Text(
    "Name under which others reach this machine; localhost: nobody else does",
    "其他人访问这台机器所用的名称；localhost 表示仅限本机",
)
BOT_ANSWERS = {
    "url": Text("The bot's webhook address", "机器人的 webhook 地址"),
    "secret": Text("Secret that messages are signed with", "加签密钥"),
    "keyword": Text("A word that the bot asks for", "机器人要求的关键词"),
    "token": Text("The bot's token from BotFather", "BotFather 给出的机器人 token"),
    "chat_id": Text("Id of the group or channel", "群组或频道的 id"),
    "message_thread_id": Text("Id of the topic within that group", "群组内话题的 id"),
    "api_url": Text("The Bot API, where you run it yourself", "自建 Bot API 的地址"),
}
"""What a bot is to be told, by the setting that holds it."""

ASK_SECRET = Text("{what} (not shown)", "{what}（不回显）")
ASK_OPTIONAL = Text("{what} (Enter: none)", "{what}（直接回车表示没有）")

PROGRAMS = {
    "exporter": Text("Reads training logs", "读取训练日志"),
    "relay": Text("Brings alerts to chat", "把告警送到聊天群"),
    "prometheus": Text("Prometheus for training logs", "训练日志的 Prometheus"),
    "alertmanager": Text("Alertmanager for training logs", "训练日志的 Alertmanager"),
    "grafana": Text("Grafana for training logs", "训练日志的 Grafana"),
}
ALL = Text("Watches LLM training", "监控大模型训练")

MADE = Text(
    "# Written by `{command}`.\n"
    "# For another answer run that again; files that were changed by hand are kept, unless with --force.",
    "# 由 `{command}` 生成。\n# 要改设置，请换个回答重新运行；手工改过的文件会保留，加 --force 才会覆盖。",
)
NO_EXPORTER = Text(
    "is not where it was any more: install llmtrain-exporter again, and run setup once more",
    "已不在原来的位置：请重新安装 llmtrain-exporter，再运行一次 setup",
)
NO_PROMETHEUS = Text(
    "is not installed: without it there are no alerts and no curves in Grafana. Debian, Ubuntu: sudo apt-get "
    "install prometheus; else unpack it from https://prometheus.io/download/ into bin/ beside this script",
    "尚未安装：没有它就没有告警，Grafana 里也没有曲线。Debian、Ubuntu：sudo apt-get install prometheus；"
    "其他系统请从 https://prometheus.io/download/ 下载，解压到本脚本旁的 bin/",
)
NO_ALERTMANAGER = Text(
    "is not installed: without it no chat is told anything. Debian, Ubuntu: sudo apt-get install "
    "prometheus-alertmanager; else unpack it from https://prometheus.io/download/#alertmanager into bin/ "
    "beside this script",
    "尚未安装：没有它聊天群收不到任何消息。Debian、Ubuntu：sudo apt-get install prometheus-alertmanager；"
    "其他系统请从 https://prometheus.io/download/#alertmanager 下载，解压到本脚本旁的 bin/",
)
NO_GRAFANA = Text(
    "is not installed: see https://grafana.com/grafana/download; until then setup with --grafana none has no "
    "links to it",
    "尚未安装：见 https://grafana.com/grafana/download；"
    "在此之前可用 setup --grafana none，这样就没有指向它的链接",
)
TAKEN = Text(
    "port {port} is taken. Stop what has it (packages start servers of their own: sudo systemctl disable "
    "--now ...), or choose another one: {command} --{name}-port N",
    "端口 {port} 已被占用。请停掉占用它的程序（软件包会自行启动服务：sudo systemctl disable --now ...），"
    "或换一个端口：{command} --{name}-port N",
)
ENDED = Text("has ended, so all are stopped. The end of", "已退出，其余程序也一并停止。以下是日志末尾：")
PAGE = Text("Runs, and what is wrong with them", "所有训练，以及问题所在")
ALERTS = Text("Alertmanager, to silence an alert", "Alertmanager，可静默告警")
DASHBOARDS = Text("Grafana, with the dashboards", "Grafana，含仪表盘")
CURVES = Text("Prometheus, to ask it", "Prometheus，可直接查询")
CARDS = Text("Cards go to {chat}; what came of them is in {log}", "卡片发往 {chat}；发送结果见 {log}")
NO_CHAT = Text("No chat is set up: cards stand in {log}", "未设置聊天工具：卡片见 {log}")
STOP = Text("Ctrl-C stops all.", "按 Ctrl-C 全部停止。")

ABSENT = Text("{path} is not there yet", "{path} 尚不存在")
KEPT = Text(
    "{path}: kept, as it was changed by hand, or not written by setup; see that it fits these answers",
    "{path}：手工改过或并非由 setup 写入，予以保留；请核对它是否符合本次的回答",
)
ALL_ELSE = Text("--force overwrites and removes such files", "加 --force 会覆盖或删除这些文件")
ASK_REPLACE = Text(
    "Of the files that setup wrote and nobody has changed since: to replace {n}, to remove {gone}. Go on?",
    "setup 写入、之后无人改动的文件中，将替换 {n} 个，删除 {gone} 个。继续吗？",
)
NOTHING_WRITTEN = Text("Nothing was written.", "未写入任何内容。")
NO_SUCH_PROGRAM = Text("no such program; there are", "没有这个程序；可用的有")
WRITTEN = Text(
    "{n} files in {folder}, for the logs in {logs}.", "已在 {folder} 写入 {n} 个文件，监控 {logs}。"
)
UNCHANGED = Text("Nothing to change in {folder}.", "{folder} 无需改动。")
START = Text("start it; Ctrl-C stops it", "启动；按 Ctrl-C 停止")
TEST = Text("send a sample card", "发送一张示例卡片")
FOR_GOOD = Text(
    "let it run from now on; after you log out too, with `loginctl enable-linger`",
    "常驻运行；想在退出登录后继续运行，请执行 `loginctl enable-linger`",
)
SYSTEM = Text("Or for the whole machine: {command}", "或作为整台机器的服务：{command}")
PASSWORD = Text("Grafana: user admin, its password is in {file}", "Grafana：用户 admin，密码见 {file}")
OTHER_GRAFANA = Text(
    "That Grafana has to be given what is in {folder}: provisioning/ and dashboards/.",
    "请把 {folder} 中的 provisioning/ 和 dashboards/ 交给那个 Grafana。",
)

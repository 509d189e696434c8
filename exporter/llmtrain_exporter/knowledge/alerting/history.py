"""Alerts on the history of runs: whether a time series database gets every record."""

from __future__ import annotations

from llmtrain_exporter.knowledge.alerting import times
from llmtrain_exporter.knowledge.alerting.entry import Alert, AlertTexts, Scope
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Text

HISTORY_BEHIND = Alert(
    "LlmTrainHistoryBehind",
    Severity.WARNING,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("History falls behind", "历史写入滞后"),
        summary=Text(
            "Records of runs do not reach a time series database in time.", "训练记录未能及时写入时序数据库。"
        ),
        description=Text(
            "Exporter {instance}: records have waited for {behind} to be taken by {destination}.",
            "exporter {instance}：有记录已等待 {behind}，仍未被 {destination} 接收。",
        ),
        advice=Text(
            "See whether that server is up and takes remote write; the exporter's log has its last answer.",
            "看该服务是否在运行并接受 remote write；exporter 日志里有它最近的应答。",
        ),
        meaning=Text(
            "The server does not answer, answers 429 or 5xx, or lets the exporter in no more; or more is to "
            "be sent than it takes.",
            "该服务无响应，应答 429 或 5xx，或拒绝 exporter 访问；也可能是待写入的数据超过其处理能力。",
        ),
        impact=Text(
            "Curves over the step end early. Nothing is lost as long as the logs are there: what waits is "
            "sent when the server takes it again. What is scraped, and all other alerts, are not concerned.",
            "按 step 的曲线会提前中断。只要日志还在就不会丢：服务恢复后会补写。"
            "抓取的指标和其他告警不受影响。",
        ),
        diagnosis=(
            Text(
                "The reason is a label of `llmtrain_exporter_history_failed_requests_total`.",
                "原因见 `llmtrain_exporter_history_failed_requests_total` 的 reason 标签。",
            ),
            Text(
                "status_401, status_403: has a password or token changed? status_404: does Prometheus run "
                "with `--web.enable-remote-write-receiver`?",
                "status_401、status_403：密码或 token 是否换过？status_404：Prometheus 是否带 "
                "`--web.enable-remote-write-receiver` 启动？",
            ),
            Text(
                "Does `llmtrain_exporter_history_records_total` grow? Then a long history is on its way.",
                "`llmtrain_exporter_history_records_total` 在增长吗？那就是正在补写较长的历史。",
            ),
        ),
        mitigation=(
            Text(
                "Bring the server back, or correct its address and credentials and send the exporter SIGHUP.",
                "恢复该服务；或改正地址与凭据，并向 exporter 发送 SIGHUP。",
            ),
            Text(
                "If history is not wanted: take the server out of remote_write.",
                "若不需要历史：从 remote_write 中去掉该服务。",
            ),
        ),
    ),
    holds=times.HISTORY_BEHIND,
)
HISTORY_REFUSED = Alert(
    "LlmTrainHistoryRefused",
    Severity.WARNING,
    Scope.EXPORTER,
    AlertTexts(
        title=Text("History refused", "历史被拒绝"),
        summary=Text("A time series database lacks records of runs.", "时序数据库缺少部分训练记录。"),
        description=Text(
            "Exporter {instance}: records that {destination} has not got since the exporter started, "
            "by reason: {refused}.",
            "exporter {instance}：启动以来未写入 {destination} 的记录，按原因：{refused}。",
        ),
        advice=Text(
            "out_of_bounds, out_of_order: set storage.tsdb.out_of_order_time_window in the configuration of "
            "Prometheus.",
            "out_of_bounds、out_of_order：在 Prometheus 配置中设置 storage.tsdb.out_of_order_time_window。",
        ),
        meaning=Text(
            "The server has answered 400 or the like: these records it will not take, however often they are "
            "sent; or the log was gone before all of it was sent. They were left out, all others were sent.",
            "该服务应答 400 之类：这些记录重发多少次也不会接收；或者日志在全部写入之前就没有了。"
            "这些记录已略去，其余照常写入。",
        ),
        impact=Text(
            "Curves over the step lack these records. What is scraped, pages, reports and all other alerts "
            "are not concerned.",
            "按 step 的曲线缺少这些记录。抓取的指标、页面、报告和其他告警不受影响。",
        ),
        diagnosis=(
            Text(
                "out_of_bounds: the records are older than the server takes. Without a window Prometheus "
                "takes what is an hour old or two.",
                "out_of_bounds：记录比服务所接受的更早。不设窗口时，Prometheus 只接受一两个小时以内的数据。",
            ),
            Text(
                "out_of_order: it has newer records of the run already, from another exporter perhaps.",
                "out_of_order：它已有该训练更新的记录，可能来自另一个 exporter。",
            ),
            Text(
                "log_gone: the log was deleted or cut before all of it was sent. Others: the exporter's log "
                "has the answer.",
                "log_gone：日志在全部写入之前被删除或截断。其他原因：exporter 日志里有服务的应答。",
            ),
        ),
        mitigation=(
            Text(
                "Set `storage.tsdb.out_of_order_time_window: 30d` in the configuration of Prometheus (Mimir: "
                "`out_of_order_time_window` of the tenant) and reload it.",
                "在 Prometheus 配置中设置 `storage.tsdb.out_of_order_time_window: 30d`（Mimir：租户的 "
                "`out_of_order_time_window`），然后重新加载。",
            ),
            Text(
                "Then restart the exporter: what was out_of_bounds is sent once more at its start.",
                "然后重启 exporter：启动时会补写 out_of_bounds 的记录。",
            ),
        ),
    ),
)
HISTORY_ALERTS = (HISTORY_BEHIND, HISTORY_REFUSED)

"""What a check says of itself while it takes long."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

LOOKED_AT = Text("{count} folders and files looked at", "已查看 {count} 个目录和文件")
READ = Text("{logs} logs read, {runs} of them runs", "已读取 {logs} 个日志，其中 {runs} 个是训练运行")

"""Why a line of a log is no record; label values of `llmtrain_skipped_lines_total`."""

from __future__ import annotations

from collections.abc import Mapping

from llmtrain_exporter.knowledge.text import Counted, Text

UNREADABLE_ROW = "unreadable_row"
UNREADABLE_VALUE = "unreadable_value"
BROKEN_FRAME = "broken_frame"

REASONS = {
    "not_json": "not JSON, nor what Python writes for it",
    "not_an_object": "JSON, but no object",
    "no_training_row": "an object that no trainer logs as a row",
    UNREADABLE_VALUE: "a value of a training row that means no number; the rest of the row was read",
    UNREADABLE_ROW: "a training row that was recognised, and is torn or has no value that could be read",
    "text": "ordinary output between the rows of a printed log",
    "too_long": "longer than the limit of a line",
    "overwritten": "progress bars without a line's end, dropped before the last of them",
    "broken_frame": "a record of a binary log that is torn, or not what its checksum says",
    "no_number": "a record of an event file without a number: its head, a text, a picture",
    "nul": "NUL bytes that stayed after waiting for the data to arrive",
}

COUNTS: Mapping[str, Counted] = {
    "not_json": Counted(
        Text("1 line that is not JSON", "1 行不是 JSON"),
        Text("{n} lines that are not JSON", "{n} 行不是 JSON"),
    ),
    "not_an_object": Counted(
        Text("1 line of JSON without an object", "1 行 JSON 不是对象"),
        Text("{n} lines of JSON without an object", "{n} 行 JSON 不是对象"),
    ),
    "no_training_row": Counted(
        Text("1 JSON object that is no row of a training", "1 个 JSON 对象不是训练记录"),
        Text("{n} JSON objects that are no rows of a training", "{n} 个 JSON 对象不是训练记录"),
    ),
    UNREADABLE_VALUE: Counted(
        Text("1 unreadable value", "1 个无法读取的数值"),
        Text("{n} unreadable values", "{n} 个无法读取的数值"),
    ),
    UNREADABLE_ROW: Counted(
        Text("1 training row that could not be read", "1 条无法读取的训练记录"),
        Text("{n} training rows that could not be read", "{n} 条无法读取的训练记录"),
    ),
    "text": Counted(Text("1 other line", "1 行其他文本"), Text("{n} other lines", "{n} 行其他文本")),
    "too_long": Counted(Text("1 overlong line", "1 行过长"), Text("{n} overlong lines", "{n} 行过长")),
    "overwritten": Counted(
        Text("1 overwritten progress bar", "1 处被覆盖的进度条"),
        Text("{n} overwritten progress bars", "{n} 处被覆盖的进度条"),
    ),
    "broken_frame": Counted(
        Text("1 broken binary record", "1 条损坏的二进制记录"),
        Text("{n} broken binary records", "{n} 条损坏的二进制记录"),
    ),
    "no_number": Counted(
        Text("1 record without a number", "1 条不含数值的记录"),
        Text("{n} records without a number", "{n} 条不含数值的记录"),
    ),
    "nul": Counted(
        Text("1 line with NUL bytes", "1 行含 NUL 字节"),
        Text("{n} lines with NUL bytes", "{n} 行含 NUL 字节"),
    ),
}
"""So many lines, in words, by the reason."""

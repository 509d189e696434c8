"""Why a line of a log is no record; label values of `llmtrain_skipped_lines_total`."""

from __future__ import annotations

REASONS = {
    "not_json": "not JSON, nor what Python writes for it",
    "not_an_object": "JSON, but no object",
    "no_training_row": "an object that no trainer logs as a row",
    "text": "ordinary output between the rows of a printed log",
    "too_long": "longer than the limit of a line",
    "overwritten": "progress bars without a line's end, dropped before the last of them",
    "nul": "NUL bytes that stayed after waiting for the data to arrive",
}

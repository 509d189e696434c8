"""What the field knows, as data without behaviour: the single source of names, numbers and texts."""

from __future__ import annotations


def validate() -> list[str]:
    """What is missing in the tables, in one sentence each, such as "signal mfu_drop has no advice in zh"."""
    from llmtrain_exporter.knowledge import validation

    return list(validation.problems(validation.tables()))

"""How an entry of the catalogue is written."""

from __future__ import annotations

from llmtrain_exporter.knowledge.metric import PREFIX, Group, Key, Metric, Type


def entry(
    name: str,
    group: Group,
    text: str,
    *keys: str | Key,
    type: Type = Type.GAUGE,  # noqa: A002  # the exposition format's own word
    label: str = "",
    split: bool = False,
    essential: bool = False,
) -> Metric:
    """A metric by its name without prefix; `text` is its help. See `Metric` for all else."""
    written = tuple(key if isinstance(key, Key) else Key(key) for key in keys)
    return Metric(PREFIX + name, group, text, written, type, label, split, essential)


def parts(*names: str, before: str = "", after: str = "", label: str = "") -> tuple[Key, ...]:
    """Keys that differ in one part, which becomes the label's value, with `label` before it."""
    return tuple(Key(f"{before}{name}{after}", fixed=label + name) for name in names)

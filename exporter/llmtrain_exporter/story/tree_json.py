"""A story as JSON, and back, whoever sent it.

The `type` of an object is the name of its class in `story.blocks`, in small letters; a piece that is only
words is a string. What is read comes from the network: it is made printable and cut, what is not as it should
be is as if it were not there, and nothing raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story import blocks as b

MOST_ENTRIES = 50
"""Entries of any list that are read."""

LONGEST_TEXT = 2000
"""Characters of any text that are read."""

DEEPEST = 4
"""Sections within sections that are read."""

Object = Mapping[str, Any]
_T = TypeVar("_T")


def to_object(story: b.Story) -> dict[str, object]:
    """The story as an object for JSON. NaN stays what it is; writing JSON turns it into null."""
    return {field.name: _plain(getattr(story, field.name)) for field in fields(story)}


def _plain(value: object) -> object:
    if isinstance(value, str):
        return printable(value.value if isinstance(value, Enum) else value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        content = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {"type": type(value).__name__.lower(), **content}
    return value


def from_object(raw: object) -> b.Story | None:
    """The story that an object is, None if it is none."""
    if not isinstance(raw, dict) or not isinstance(raw.get("sections"), list):
        return None
    return b.Story(
        _text(raw.get("run")),
        _one_of(Lang, raw.get("lang"), Lang.EN).value,
        _key(words.HEALTH, raw.get("health")),
        _text(raw.get("title")),
        _each(raw["sections"], lambda entry: _section(entry, DEEPEST)),
        _key(words.STATE, raw.get("state")),
        _item(raw.get("ending")),
    )


def _section(raw: object, deepest: int) -> b.Section | None:
    if not isinstance(raw, dict) or deepest == 0:
        return None
    title = raw.get("title")
    return b.Section(
        _one_of(b.Part, raw.get("part"), b.Part.NOTES),
        _text(title) if isinstance(title, str) else None,
        _each(raw.get("blocks"), lambda entry: _block(entry, deepest)),
        _whole(raw.get("rank")) or 0,
    )


def _block(raw: object, deepest: int) -> b.Block | None:
    if not isinstance(raw, dict):
        return None
    if raw.get("type") == "section":
        return _section(raw, deepest - 1)
    read = _BLOCKS.get(_text(raw.get("type")))
    return None if read is None else read(raw)


def _paragraph(raw: Object) -> b.Paragraph:
    return b.Paragraph(_line(raw.get("line")), raw.get("small") is True)


def _items(raw: Object) -> b.Items:
    return b.Items(
        _each(raw.get("items"), _item),
        raw.get("numbered") is True,
        raw.get("bare") is True,
        _one_of(b.Cut, raw.get("cut"), b.Cut.LAST),
    )


def _item(raw: object) -> b.Item | None:
    if not isinstance(raw, dict):
        return None
    return b.Item(_line(raw.get("line")), _each(raw.get("more"), _line), _whole(raw.get("rank")) or 0)


def _facts(raw: Object) -> b.Facts:
    return b.Facts(_each(raw.get("pairs"), _pair))


def _pair(raw: object) -> tuple[str, b.Line] | None:
    return (_text(raw[0]), _line(raw[1])) if isinstance(raw, list) and len(raw) == 2 else None


def _table(raw: Object) -> b.Table:
    head, ranks = _each(raw.get("head"), _text), _each(raw.get("ranks"), _whole)
    rows = _each(raw.get("rows"), lambda row: _row(row, len(head)))
    return b.Table(
        _text(raw.get("caption")),
        head,
        rows,
        ranks if len(ranks) == len(rows) else (),
        _each(raw.get("spare"), _whole),
        *_groups_and_notes(raw, len(rows)),
    )


def _row(raw: object, columns: int) -> tuple[b.Line, ...] | None:
    """A row as wide as the table; there is no telling what belongs where in any other."""
    cells = _each(raw, _line)
    return cells if cells and len(cells) == columns else None


def _groups_and_notes(raw: Object, rows: int) -> tuple[tuple[str, ...], tuple[b.Line, ...], str]:
    groups, notes = _each(raw.get("groups"), _text), _each(raw.get("notes"), _line)
    return (
        groups if len(groups) == rows else (),
        notes if len(notes) == rows else (),
        _text(raw.get("notes_head")),
    )


def _command(raw: Object) -> b.Command:
    return b.Command(_text(raw.get("text")))


_BLOCKS: Mapping[str, Callable[[Object], b.Block]] = {
    "paragraph": _paragraph,
    "items": _items,
    "facts": _facts,
    "table": _table,
    "command": _command,
}


def _line(raw: object) -> b.Line:
    return _each(raw, _piece)


def _piece(raw: object) -> b.Piece | None:
    if isinstance(raw, str):
        return _text(raw)
    if not isinstance(raw, dict) or not isinstance(raw.get("text"), str):
        return None
    read = _PIECES.get(_text(raw.get("type")))
    return None if read is None else read(raw, _text(raw["text"]))


def _mark(raw: Object, text: str) -> b.Piece:
    kind = _key({**words.HEALTH, **words.JUDGED}, raw.get("kind"))
    return b.Mark(kind, text) if kind else text


def _span(raw: Object, text: str) -> b.Piece:
    first = _whole(raw.get("first"))
    return text if first is None else b.Span(text, first, _whole(raw.get("last")))


def _moment(raw: Object, text: str) -> b.Piece:
    at = _number(raw.get("at"))
    return b.Moment(text, at) if math.isfinite(at) else text


def _share(raw: Object, text: str) -> b.Piece:
    value = _number(raw.get("value"))
    return b.Share(text, value, _key(words.HEALTH, raw.get("kind"))) if 0 <= value <= 1 else text


def _course(raw: Object, text: str) -> b.Piece:
    return b.Course(_each(raw.get("values"), _number), text)


def _link(raw: Object, text: str) -> b.Piece:
    """Words alone where the address is none that a page may lead to, or is too long to be kept whole."""
    url = raw.get("url")
    allowed = isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= LONGEST_TEXT
    return b.Link(text, printable(url)) if isinstance(url, str) and allowed else text


_PIECES: Mapping[str, Callable[[Object, str], b.Piece]] = {
    "code": lambda _, text: b.Code(text),
    "strong": lambda _, text: b.Strong(text),
    "mark": _mark,
    "span": _span,
    "moment": _moment,
    "share": _share,
    "course": _course,
    "link": _link,
}


def _each(raw: object, read: Callable[[Any], _T | None]) -> tuple[_T, ...]:
    """What `read` makes of the entries of a list, None left out; of anything else nothing."""
    entries = raw[:MOST_ENTRIES] if isinstance(raw, list) else ()
    return tuple(found for entry in entries if (found := read(entry)) is not None)


def _text(raw: object) -> str:
    return printable(raw[:LONGEST_TEXT]) if isinstance(raw, str) else ""


def _whole(raw: object) -> int | None:
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def _number(raw: object) -> float:
    """The number, NaN where it is none."""
    known = isinstance(raw, (int, float)) and not isinstance(raw, bool)
    return float(raw) if known and abs(raw) <= 1e308 else math.nan  # type: ignore[arg-type]


_E = TypeVar("_E", bound=Enum)


def _one_of(kinds: type[_E], raw: object, otherwise: _E) -> _E:
    return next((kind for kind in kinds if kind.value == raw), otherwise)


def _key(table: Mapping[str, object], raw: object) -> str:
    """The key of a table, empty where it is none."""
    return raw if isinstance(raw, str) and raw in table else ""

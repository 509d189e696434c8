"""YAML as people write it: bounded, without duplicate keys, and with a line number for each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llmtrain_exporter.knowledge import yaml_words as words

MAX_CHARACTERS = 256 * 1024
LARGEST_BYTES = 4 * MAX_CHARACTERS + 4
"""More of a file need not be read: it tells that the file is too large."""

MAX_DEPTH = 20

Place = tuple[str | int, ...]
"""Where in a document a value stands: keys and indices from the top."""


class YamlDocumentError(ValueError):
    """YAML that cannot be used: what is wrong and on which line."""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """What a YAML text says, and the line (from 1) on which each key or list item stands."""

    content: object
    lines: Mapping[Place, int]


def read(path: str) -> YamlDocument:
    """The document in a file. Raises YamlDocumentError and OSError.

    No more is read than tells that a file is too large: /dev/zero is a file too.
    """
    with Path(path).open("rb") as stream:
        return decoded(stream.read(LARGEST_BYTES))


def decoded(content: bytes, as_text: bool = False) -> YamlDocument:
    """The document in what a file holds; see `parse`. Raises YamlDocumentError."""
    try:
        return parse(content.decode("utf-8-sig"), as_text)
    except UnicodeDecodeError as error:
        raise YamlDocumentError(words.NOT_UTF8.en.format(byte=error.start)) from None


def parse(text: str, as_text: bool = False) -> YamlDocument:
    """The one document in a text. Raises YamlDocumentError; the text is anybody's.

    `as_text`: every name and value stays as it is written, so that 007, no and 2026-01-31 are texts.
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlDocumentError(words.TOO_LARGE.en.format(size=MAX_CHARACTERS // 1024))
    try:
        _check_shape(text)
        loader = (yaml.BaseLoader if as_text else yaml.SafeLoader)(text)
        node = loader.get_single_node()
        if node is None:
            return YamlDocument({}, {})
        lines = dict(_places(node, ()))
        return YamlDocument(loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        raise _at(error.problem_mark or error.context_mark, _problem(error)) from None
    except YamlDocumentError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise YamlDocumentError(_not_yaml(str(error))) from None
    except (LookupError, AttributeError, TypeError):  # the YAML reader checks no value that has a tag
        raise YamlDocumentError(words.WRONG_TAG.en) from None


def _problem(error: yaml.MarkedYAMLError) -> str:
    return _not_yaml(", ".join(part for part in (error.context, error.problem) if part))


def _not_yaml(said: str) -> str:
    """What the library says, with what is meant where that is known."""
    hints = (hint.en for known, hint in words.HINTS.items() if known in said)
    return next(hints, words.SYNTAX.en.format(message=" ".join(said.split())))


def _at(mark: Any, problem: str) -> YamlDocumentError:
    if not mark:
        return YamlDocumentError(problem)
    return YamlDocumentError(words.AT.en.format(line=mark.line + 1, column=mark.column + 1, problem=problem))


def _check_shape(text: str) -> None:
    """Refuse what is small to write and large to read, before anything recursive looks at it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _at(event.start_mark, words.TOO_DEEP.en.format(levels=MAX_DEPTH))
        if isinstance(event, yaml.AliasEvent):
            raise _at(event.start_mark, words.ALIAS.en.format(name=event.anchor))


def _places(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    """The line of each value below a node; a key that stands twice is an error."""
    children: list[tuple[str | int, yaml.Node, yaml.Node]]
    if isinstance(node, yaml.MappingNode):
        _check_unique(node)
        children = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(index, item, item) for index, item in enumerate(node.value)]
    else:
        return
    for part, at, child in children:
        yield (*place, part), at.start_mark.line + 1
        yield from _places(child, (*place, part))


def _check_unique(node: yaml.MappingNode) -> None:
    seen: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        name, line = (key.tag, str(key.value)), key.start_mark.line + 1
        if name in seen:
            raise _at(key.start_mark, words.TWICE.en.format(key=key.value, line=seen[name]))
        seen[name] = line
